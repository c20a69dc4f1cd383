/*
 * sql.c: the typed line of store_priv.h: statements prepared once, bound and read by letters, and
 * SQLite's result codes as errors that say what to do.
 */
#include "store/store_priv.h"

enum { SHA_BYTES = 32 };

static int fail_db(sqlite3 *db, const char *path, int rc, rn_err *err, const char *what)
{
    const char *why = db ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return rn_fail(
            err, RN_EIO,
            "%s: %s: the disk is full; what was committed is safe: make room and run again", path,
            what);
    case SQLITE_READONLY:
        return rn_fail(err, RN_EREADONLY, "%s: %s: cannot be written (%s); check its permissions",
                       path, what, why);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return rn_fail(err, RN_EBUSY, "%s: %s: another process holds it (%s); run again", path,
                       what, why);
    case SQLITE_NOTADB:
        return rn_fail(err, RN_EFORMAT, "%s is not an experiment file (no SQLite database)", path);
    case SQLITE_CORRUPT:
        return rn_fail(err, RN_EFORMAT,
                       "%s: %s: the file is damaged (%s); use a copy, or save what is left with "
                       "'ration merge -s NEW %s'",
                       path, what, why, path);
    case SQLITE_CANTOPEN:
        return rn_fail(err, errno == ENOENT ? RN_ENOTFOUND : RN_EIO, "%s: cannot be opened (%s)",
                       path, why);
    case SQLITE_NOMEM: return rn_fail(err, RN_ENOMEM, "%s: %s: out of memory", path, what);
    case SQLITE_TOOBIG:
        return rn_fail(err, RN_ELIMIT, "%s: %s: larger than SQLite's 1 GB for one value", path,
                       what);
    case SQLITE_INTERRUPT: return rn_fail(err, RN_ECANCELLED, "%s: %s: interrupted", path, what);
    default: return rn_fail(err, RN_EIO, "%s: %s: %s", path, what, why);
    }
}

int rn_store_fail(rn_store *s, int rc, rn_err *err, const char *what)
{
    return fail_db(s->db, s->path, rc, err, what);
}

static int fail_stmt(rn_store *s, sqlite3_stmt *st, int rc, rn_err *err)
{
    bool reads = !st || sqlite3_stmt_readonly(st);
    return rn_store_fail(s, rc, err, reads ? "cannot be read" : "cannot be written");
}

/* ---- statements ------------------------------------------------------------------------------ */

/* The slot of a text: its own, or the free one where it belongs. */
static rn_kept_stmt *slot_of(rn_store *s, const char *sql)
{
    size_t i = ((uintptr_t)sql >> 3) * 0x9e3779b1u % RN_STORE_MAX_STMT;
    while (s->kept[i].sql && s->kept[i].sql != sql)
        i = (i + 1) % RN_STORE_MAX_STMT;
    return &s->kept[i];
}

/* A statement ready to bind. One that an outer walk is on is prepared anew for the inner one. */
static int take(rn_store *s, const char *sql, rn_rows *r, rn_err *err)
{
    rn_kept_stmt *k = slot_of(s, sql);
    *r = (rn_rows){.s = s, .kept = true};
    if (k->sql && !sqlite3_stmt_busy(k->st)) {
        r->st = k->st;
        return 0;
    }
    bool keep = !k->sql && s->n_kept < RN_STORE_MAX_STMT / 2;
    unsigned flags = keep ? SQLITE_PREPARE_PERSISTENT : 0;
    int rc = sqlite3_prepare_v3(s->db, sql, -1, flags, &r->st, NULL);
    if (rc) return rn_store_fail(s, rc, err, "cannot be used");
    r->kept = keep;
    if (keep) {
        *k = (rn_kept_stmt){sql, r->st};
        s->n_kept++;
    }
    return 0;
}

static void bind_sha(sqlite3_stmt *st, int i, const uint8_t *sha)
{
    static const uint8_t none[SHA_BYTES];
    if (memcmp(sha, none, sizeof none) == 0)
        sqlite3_bind_null(st, i);
    else
        sqlite3_bind_blob(st, i, sha, SHA_BYTES, SQLITE_STATIC);
}

/* Binds up to the '>' or the end; returns what follows. The values stay where they are until the
 * statement is reset. */
static const char *bind(sqlite3_stmt *st, const char *types, va_list *ap)
{
    int i = 1;
    for (; *types && *types != '>'; types++, i++) {
        int64_t n;
        double x;
        const char *text;
        rn_bytes b;
        switch (*types) {
        case 'i': sqlite3_bind_int64(st, i, va_arg(*ap, int64_t)); break;
        case 'n':
            n = va_arg(*ap, int64_t);
            if (n < 0)
                sqlite3_bind_null(st, i);
            else
                sqlite3_bind_int64(st, i, n);
            break;
        case 'r':
            x = va_arg(*ap, double);
            if (isnan(x))
                sqlite3_bind_null(st, i);
            else
                sqlite3_bind_double(st, i, x);
            break;
        case 't': sqlite3_bind_text(st, i, va_arg(*ap, const char *), -1, SQLITE_STATIC); break;
        case 'w':
            text = va_arg(*ap, const char *);
            sqlite3_bind_text(st, i, text && *text ? text : NULL, -1, SQLITE_STATIC);
            break;
        case 'b':
            b = va_arg(*ap, rn_bytes);
            sqlite3_bind_blob64(st, i, b.len ? b.data : "", b.len, SQLITE_STATIC);
            break;
        case 'h': bind_sha(st, i, va_arg(*ap, const uint8_t *)); break;
        default: assert(0 && "a letter that store_priv.h names");
        }
    }
    assert(i - 1 == sqlite3_bind_parameter_count(st));
    return *types ? types + 1 : types;
}

static void get_sha(sqlite3_stmt *st, int i, uint8_t *out)
{
    const void *sha = sqlite3_column_blob(st, i);
    bool whole = sha && sqlite3_column_bytes(st, i) == SHA_BYTES;
    memset(out, 0, SHA_BYTES);
    if (whole) memcpy(out, sha, SHA_BYTES);
}

static void get(const rn_rows *r, const char *types, va_list *ap)
{
    sqlite3_stmt *st = r->st;
    int i = 0;
    for (; *types; types++, i++) {
        bool null = sqlite3_column_type(st, i) == SQLITE_NULL;
        const char *text;
        switch (*types) {
        case 'i': *va_arg(*ap, int64_t *) = sqlite3_column_int64(st, i); break;
        case 'n': *va_arg(*ap, int64_t *) = null ? -1 : sqlite3_column_int64(st, i); break;
        case 'r': *va_arg(*ap, double *) = null ? (double)NAN : sqlite3_column_double(st, i); break;
        case 't':
            text = (const char *)sqlite3_column_text(st, i);
            *va_arg(*ap, const char **) = text ? text : "";
            break;
        case 'w': *va_arg(*ap, const char **) = (const char *)sqlite3_column_text(st, i); break;
        case 'b':
            text = sqlite3_column_blob(st, i);
            *va_arg(*ap, rn_bytes *) =
                (rn_bytes){text ? text : "", (size_t)sqlite3_column_bytes(st, i)};
            break;
        case 'h': get_sha(st, i, va_arg(*ap, uint8_t *)); break;
        case 's':
            text = sqlite3_column_blob(st, i); /* before its length is asked for */
            rn_buf_add(va_arg(*ap, rn_buf *), text, (size_t)sqlite3_column_bytes(st, i));
            break;
        case 'v':
            *va_arg(*ap, int *) =
                null ? -1 : rn_store_verdict_of(r->s, sqlite3_column_int64(st, i));
            break;
        case 'f': *va_arg(*ap, bool *) = sqlite3_column_int(st, i) != 0; break;
        case '-': break;
        default: assert(0 && "a letter that store_priv.h names");
        }
    }
    assert(i == sqlite3_column_count(st));
}

int rn_sql_run(rn_store *s, rn_err *err, const char *sql, const char *types, ...)
{
    rn_rows r;
    int rc = take(s, sql, &r, err);
    if (rc) return rc;
    va_list ap;
    va_start(ap, types);
    bind(r.st, types, &ap);
    va_end(ap);
    int step = sqlite3_step(r.st);
    if (step != SQLITE_DONE && step != SQLITE_ROW) rc = fail_stmt(s, r.st, step, err);
    return rn_rows_close(&r, rc);
}

int rn_sql_row(rn_store *s, rn_err *err, const char *sql, const char *types, ...)
{
    rn_rows r;
    int rc = take(s, sql, &r, err);
    if (rc) return rc;
    va_list ap;
    va_start(ap, types);
    const char *results = bind(r.st, types, &ap);
    rc = rn_rows_next(&r, err);
    if (rc > 0) get(&r, results, &ap);
    va_end(ap);
    return rn_rows_close(&r, rc);
}

int rn_rows_open(rn_store *s, rn_rows *r, rn_err *err, const char *sql, const char *types, ...)
{
    int rc = take(s, sql, r, err);
    if (rc) return rc;
    va_list ap;
    va_start(ap, types);
    bind(r->st, types, &ap);
    va_end(ap);
    return 0;
}

int rn_rows_next(rn_rows *r, rn_err *err)
{
    int step = sqlite3_step(r->st);
    if (step == SQLITE_ROW) return 1;
    return step == SQLITE_DONE ? 0 : fail_stmt(r->s, r->st, step, err);
}

bool rn_rows_step(rn_rows *r, int *rc, rn_err *err)
{
    if (*rc) return false;
    *rc = rn_rows_next(r, err);
    if (*rc <= 0) return false;
    *rc = 0;
    return true;
}

void rn_rows_get(const rn_rows *r, const char *types, ...)
{
    va_list ap;
    va_start(ap, types);
    get(r, types, &ap);
    va_end(ap);
}

int rn_rows_close(rn_rows *r, int rc)
{
    if (r->kept)
        sqlite3_reset(r->st);
    else
        sqlite3_finalize(r->st);
    r->st = NULL;
    return rc;
}
