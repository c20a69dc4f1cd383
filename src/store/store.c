/*
 * store.c: opening and closing an experiment file, transactions, the ledger.
 *
 * Opening for reading never writes: in a folder where SQLite cannot make its shared-memory file and
 * there is nothing left in the write-ahead log, the file is opened as immutable.
 */
#include "store/canon_priv.h"

#include "base/clock.h"
#include "base/file.h"
#include "store/lock.h"
#include "store/schema.h"

#include <sys/stat.h>
#include <unistd.h>

enum {
    BUSY_MS = 30000,     /* waits for the locks that SQLite takes for moments, e.g. a checkpoint */
    TICK_NS = 100000000, /* a promise says a second; a commit without fsync is cheap */
    CACHE_KIB = 65536,
    /* CPU seconds that opening may take before it is given up: a stranger's file may be made so
     * that looking at it never ends. Bringing a large old store up to date takes longer than
     * reading it. */
    OPEN_READ_S = 20,
    OPEN_WRITE_S = 900,
    OPS_PER_LOOK = 10000,
};

/* "file:" URI of a path; the characters that mean something in a URI are escaped. */
static void put_uri(rn_buf *b, const char *path, const char *query)
{
    rn_buf_puts(b, "file:");
    /* A leading "//" would name a host. */
    if (path[0] == '/') rn_buf_puts(b, "//");
    for (const char *p = path; *p; p++) {
        if (*p == '%' || *p == '?' || *p == '#')
            rn_buf_printf(b, "%%%02x", (unsigned)(unsigned char)*p);
        else
            rn_buf_putc(b, *p);
    }
    rn_buf_puts(b, query);
}

static int late(void *user)
{
    return rn_clock_ns(CLOCK_THREAD_CPUTIME_ID) > *(const int64_t *)user;
}

/* Opens and looks at the schema, so that errors of a first access show here. SQLite's code. */
static int open_db(rn_store *s, const char *query, int flags, rn_schema_state *state, int *version)
{
    sqlite3 **db = &s->db;
    rn_buf uri = {0};
    put_uri(&uri, s->path, query);
    /* NOMUTEX: a handle is used by one thread at a time anyway. */
    flags |= SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
    int rc = rn_buf_ok(&uri) ? sqlite3_open_v2(uri.data, db, flags, NULL) : SQLITE_NOMEM;
    rn_buf_free(&uri);
    if (rc) return rc;
    sqlite3_extended_result_codes(*db, 1);
    sqlite3_busy_timeout(*db, BUSY_MS);
    /* The file may be a stranger's: its schema runs nothing and cannot be written to as data. */
    sqlite3_db_config(*db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(*db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(*db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_limit(*db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_progress_handler(*db, OPS_PER_LOOK, late, &s->open_until_ns);
    rc = rn_identity_register(*db);
    if (rc) return rc;
    return rn_schema_look(*db, state, version);
}

static bool has_log(const char *path)
{
    char wal[PATH_MAX + 8];
    snprintf(wal, sizeof wal, "%s-wal", path);
    struct stat st;
    return stat(wal, &st) == 0 && st.st_size > 0;
}

static int open_for_reading(rn_store *s, rn_schema_state *state, int *version, rn_err *err)
{
    int rc = open_db(s, "?mode=ro", SQLITE_OPEN_READONLY, state, version);
    if ((rc & 0xff) != SQLITE_CANTOPEN && (rc & 0xff) != SQLITE_READONLY)
        return rc ? rn_store_fail(s, rc, err, "cannot be read") : 0;
    if (has_log(s->path))
        return rn_fail(
            err, RN_EREADONLY,
            "%s: its last writer was killed and the folder cannot be written to, so that "
            "%s-wal cannot be read back; copy both files to another folder",
            s->path, s->path);
    sqlite3_close(s->db);
    s->db = NULL;
    rc = open_db(s, "?immutable=1", SQLITE_OPEN_READONLY, state, version);
    return rc ? rn_store_fail(s, rc, err, "cannot be read") : 0;
}

static int exec(rn_store *s, const char *sql, rn_err *err, const char *what)
{
    int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
    return rc ? rn_store_fail(s, rc, err, what) : 0;
}

static int open_for_writing(rn_store *s, rn_schema_state *state, int *version, rn_err *err)
{
    int rc = rn_lock_take(s->lock_path, s->path, &s->lock_fd, err);
    if (rc) return rc;
    s->made = !rn_file_exists(s->path);
    int flags = SQLITE_OPEN_READWRITE | (s->mode == RN_STORE_CREATE ? SQLITE_OPEN_CREATE : 0);
    rc = open_db(s, "", flags, state, version);
    if (rc) return rn_store_fail(s, rc, err, "cannot be opened");
    if (sqlite3_db_readonly(s->db, "main") == 1)
        return rn_fail(err, RN_EREADONLY, "%s: cannot be written; check its permissions", s->path);
    return 0;
}

static int check_schema(rn_store *s, rn_schema_state state, int version, rn_err *err)
{
    if (state == RN_SCHEMA_FOREIGN)
        return rn_fail(err, RN_EFORMAT,
                       "%s is an SQLite database of another program, not an experiment file; give "
                       "another name with -s",
                       s->path);
    if (state == RN_SCHEMA_EMPTY)
        return s->mode == RN_STORE_CREATE
                   ? 0
                   : rn_fail(err, RN_EFORMAT, "%s is empty, not an experiment file", s->path);
    if (version > rn_store_version)
        return rn_fail(err, RN_EVERSION,
                       "%s: its schema has version %d, this ration %s knows up to %d; use a newer "
                       "ration",
                       s->path, version, rn_version(), rn_store_version);
    rn_buf why = {0};
    int rc = version < 1 ? RN_EFORMAT : rn_schema_compare(s->db, version, &why);
    if (version < 1) rn_buf_printf(&why, "its schema has the version %d", version);
    if (rc == RN_EFORMAT)
        rn_fail(err, rc,
                "%s: %s; a store is data, and one that somebody changed is not opened: ask for one "
                "as ration wrote it, or undo the change with sqlite3",
                s->path, rn_buf_ok(&why) ? why.data : "its schema is odd");
    else if (rc)
        rc = rn_store_fail(s, rc, err, "its schema cannot be read");
    rn_buf_free(&why);
    return rc;
}

/* The kinds of 0.1.0 in their order: the ids that they have in every file. Later ones follow. */
static const char *const first_kinds[] = {
    "passed",       "wrong_answer",  "exception",  "syntax_error",   "exited",
    "crashed",      "forged",        "time_limit", "wall_limit",     "memory_limit",
    "output_limit", "process_limit", "no_tests",   "sandbox_failure"};
enum { N_FIRST_KINDS = sizeof first_kinds / sizeof first_kinds[0] };

/* A kind under another name or in another family would turn failures into passes. */
static int check_kind(const rn_store *s, int64_t id, const char *name, const char *family,
                      rn_err *err)
{
    bool ok = id >= 1 && id < RN_STORE_MAX_KIND &&
              (id > N_FIRST_KINDS || strcmp(name, first_kinds[id - 1]) == 0);
    for (int v = 0; v < RN_N_VERDICTS && ok; v++)
        if (strcmp(rn_verdict_name((rn_verdict)v), name) == 0)
            ok = family[0] == rn_verdict_family((rn_verdict)v) && family[1] == '\0';
    return ok ? 0
              : rn_fail(err, RN_EFORMAT,
                        "%s: its kind of verdict %lld is '%.40s' of family '%.10s', which ration "
                        "never writes: somebody changed what its verdicts mean",
                        s->path, (long long)id, name, family);
}

static int add_kind(rn_store *s, int64_t id, rn_verdict v, rn_err *err)
{
    const char family[2] = {rn_verdict_family(v), '\0'};
    return rn_sql_run(s, err,
                      "INSERT OR IGNORE INTO verdict_kind (id, name, family) VALUES (?1, ?2, ?3)",
                      "ntt", id, rn_verdict_name(v), family);
}

static int add_kinds(rn_store *s, rn_err *err)
{
    int64_t n = 0;
    int rc = rn_sql_row(s, err, "SELECT count(*) FROM verdict_kind", ">i", &n);
    if (rc < 0 || n >= RN_N_VERDICTS) return rc < 0 ? rc : 0;
    rc = 0;
    for (int64_t i = 0; i < N_FIRST_KINDS && !rc; i++)
        for (int v = 0; v < RN_N_VERDICTS && !rc; v++)
            if (strcmp(rn_verdict_name((rn_verdict)v), first_kinds[i]) == 0)
                rc = add_kind(s, i + 1, (rn_verdict)v, err);
    for (int v = 0; v < RN_N_VERDICTS && !rc; v++)
        rc = add_kind(s, -1, (rn_verdict)v, err);
    return rc;
}

/* Kinds of verdicts have ids of the file's own, so that a later order of RN_VERDICTS changes
 * nothing in files that exist. */
static int map_verdicts(rn_store *s, rn_err *err)
{
    int rc = s->mode == RN_STORE_READ ? 0 : add_kinds(s, err);
    for (size_t i = 0; i < RN_STORE_MAX_KIND; i++)
        s->verdict_of[i] = -1;
    rn_rows r = {0};
    if (!rc) rc = rn_rows_open(s, &r, err, "SELECT id, name, family FROM verdict_kind", "");
    while (rn_rows_step(&r, &rc, err)) {
        int64_t id;
        const char *name, *family;
        rn_rows_get(&r, "itt", &id, &name, &family);
        rc = check_kind(s, id, name, family, err);
        if (rc) break;
        for (int v = 0; v < RN_N_VERDICTS; v++) {
            if (strcmp(rn_verdict_name((rn_verdict)v), name) != 0) continue;
            s->kind_of[v] = id;
            s->verdict_of[id] = v;
        }
    }
    return rn_rows_close(&r, rc);
}

int rn_store_verdict_of(const rn_store *s, int64_t kind_id)
{
    return kind_id >= 0 && kind_id < RN_STORE_MAX_KIND ? s->verdict_of[kind_id] : -1;
}

/* SQLite opens these where they are there, and waits for ever at a pipe. */
static int check_companions(const rn_store *s, rn_err *err)
{
    static const char *const ends[] = {"-journal", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        char path[PATH_MAX + 16];
        struct stat info;
        snprintf(path, sizeof path, "%s%s", s->path, ends[i]);
        if (lstat(path, &info) == 0 && !S_ISREG(info.st_mode))
            return rn_fail(err, RN_EFORMAT, "%s is not a file of ration's; remove it", path);
    }
    return 0;
}

static int open_parts(rn_store *s, rn_err *err)
{
    if (s->mode != RN_STORE_CREATE && !rn_file_exists(s->path))
        return rn_fail(err, RN_ENOTFOUND,
                       "%s: no such experiment file; 'ration import' or 'ration generate' make one",
                       s->path);
    struct stat info;
    if (stat(s->path, &info) == 0 && !S_ISREG(info.st_mode))
        return rn_fail(err, RN_EINVAL, "%s is not a file", s->path);
    rn_schema_state state = RN_SCHEMA_EMPTY;
    int version = 0;
    int rc = check_companions(s, err);
    if (rc) return rc;
    rc = s->mode == RN_STORE_READ ? open_for_reading(s, &state, &version, err)
                                  : open_for_writing(s, &state, &version, err);
    if (rc) return rc;
    rc = check_schema(s, state, version, err);
    if (rc) return rc;

    char cache[64];
    snprintf(cache, sizeof cache, "PRAGMA cache_size = -%d; PRAGMA temp_store = MEMORY", CACHE_KIB);
    rc = exec(s, cache, err, "cannot be used");
    if (!rc && s->mode == RN_STORE_READ && version < rn_store_version) {
        int sq = rn_schema_view(s->db, version);
        if (sq) rc = rn_store_fail(s, sq, err, "its older schema cannot be read");
    }
    if (!rc && s->mode != RN_STORE_READ) {
        rc = exec(s,
                  "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                  " PRAGMA wal_autocheckpoint = 4096",
                  err, "cannot be opened for writing");
        if (!rc && version < rn_store_version) {
            int sq = rn_schema_migrate(s->db, rn_store_migrations, rn_store_version);
            if (sq) rc = rn_store_fail(s, sq, err, "its schema cannot be written");
        }
    }
    return rc ? rc : map_verdicts(s, err);
}

static int open_into(rn_store *s, rn_err *err)
{
    int limit_s = s->mode == RN_STORE_READ ? OPEN_READ_S : OPEN_WRITE_S;
    s->open_until_ns = rn_clock_ns(CLOCK_THREAD_CPUTIME_ID) + (int64_t)limit_s * 1000000000;
    int rc = open_parts(s, err);
    if (rc == RN_ECANCELLED)
        rc = rn_fail(err, RN_ELIMIT,
                     "%s: looking at it takes more than %d CPU seconds; it is not opened", s->path,
                     limit_s);
    if (s->db) sqlite3_progress_handler(s->db, 0, NULL, NULL);
    return rc;
}

int rn_store_open(const char *path, int mode, rn_store **out, rn_err *err)
{
    if (!path || !*path)
        return rn_fail(err, RN_EINVAL, "the experiment file needs a name (-s FILE)");
    if (strlen(path) + 8 > PATH_MAX)
        return rn_fail(err, RN_EINVAL, "the name of the experiment file is too long");
    rn_store *s = calloc(1, sizeof *s);
    if (!s) return rn_nomem(err, path);
    rn_buf lock = {0};
    rn_buf_printf(&lock, "%s.lock", path);
    s->mode = mode;
    s->lock_fd = -1;
    s->path = strdup(path);
    s->lock_path = rn_buf_take(&lock);
    rn_buf_free(&lock);
    int rc = s->path && s->lock_path ? open_into(s, err) : rn_nomem(err, path);
    if (rc) {
        rn_store_close(s);
        return rc;
    }
    *out = s;
    return 0;
}

/* Whether closing removes the file: it was made here, and nothing came into it. */
static bool is_for_nothing(rn_store *s)
{
    bool empty = true;
    if (!s->made) return false;
    rn_store_rollback(s);
    rn_sql_row(s, NULL,
               "SELECT NOT EXISTS (SELECT 1 FROM problem_set) AND NOT EXISTS (SELECT 1 FROM model)",
               ">f", &empty);
    return empty;
}

static void remove_files(const rn_store *s)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    rn_path path;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        unlink(rn_path_make(&path, "%s%s", s->path, ends[i]));
}

void rn_store_close(rn_store *s)
{
    if (!s) return;
    bool for_nothing = s->db && is_for_nothing(s);
    for (size_t i = 0; i < RN_STORE_MAX_STMT; i++)
        sqlite3_finalize(s->kept[i].st);
    if (s->db) {
        rn_store_rollback(s);
        sqlite3_close(s->db);
    }
    if (for_nothing) remove_files(s); /* while the lock is held */
    rn_lock_release(s->lock_path, s->lock_fd);
    free(s->lock_path);
    free(s->path);
    free(s);
}

const char *rn_store_path(const rn_store *s)
{
    return s->path;
}

int rn_store_begin(rn_store *s, rn_err *err)
{
    if (rn_store_in_tx(s))
        return rn_fail(err, RN_EINVAL, "%s: a transaction is open already", s->path);
    s->begun_ns = rn_now_ns();
    return exec(s, s->mode == RN_STORE_READ ? "BEGIN" : "BEGIN IMMEDIATE", err, "cannot begin");
}

int rn_store_commit(rn_store *s, rn_err *err)
{
    /* A full disk makes SQLite roll back by itself. */
    if (!rn_store_in_tx(s))
        return rn_fail(err, RN_EINVAL, "%s: no transaction is open, or it failed before", s->path);
    return exec(s, "COMMIT", err, "cannot commit");
}

void rn_store_rollback(rn_store *s)
{
    if (rn_store_in_tx(s)) sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

int rn_store_tick(rn_store *s, rn_err *err)
{
    if (rn_store_in_tx(s) && rn_now_ns() - s->begun_ns < TICK_NS) return 0;
    int rc = rn_store_commit(s, err);
    return rc ? rc : rn_store_begin(s, err);
}

int rn_store_check(rn_store *s, rn_err *err)
{
    rn_buf answer = {0};
    int rc = rn_sql_row(s, err, "PRAGMA quick_check(1)", ">s", &answer);
    if (rc > 0 && answer.len && strcmp(answer.data, "ok") != 0)
        rc = rn_fail(err, RN_EFORMAT, "%s is damaged: %s", s->path, answer.data);
    rn_buf_free(&answer);
    return rc < 0 ? rc : 0;
}

static int64_t unix_ms(void)
{
    return rn_clock_ns(CLOCK_REALTIME) / 1000000;
}

int rn_store_log_begin(rn_store *s, const char *name, int argc, char *const *argv,
                       int64_t *command_id, rn_err *err)
{
    rn_buf args = {0};
    rn_buf_putc(&args, '[');
    for (int i = 0; i < argc; i++) {
        if (i) rn_buf_putc(&args, ',');
        rn_buf_json(&args, rn_bytes_of(argv[i]));
    }
    rn_buf_putc(&args, ']');
    int rc = !rn_buf_ok(&args) ? rn_nomem(err, s->path)
                               : rn_sql_run(s, err,
                                            "INSERT INTO command (name, args, version, started_ms)"
                                            " VALUES (?1, ?2, ?3, ?4)",
                                            "ttti", name, args.data, rn_version(), unix_ms());
    if (!rc) *command_id = sqlite3_last_insert_rowid(s->db);
    rn_buf_free(&args);
    return rc;
}

int rn_store_log_end(rn_store *s, int64_t command_id, int status, rn_err *err)
{
    return rn_sql_run(s, err, "UPDATE command SET ended_ms = ?2, status = ?3 WHERE id = ?1", "iii",
                      command_id, unix_ms(), (int64_t)status);
}

int rn_store_log_note(rn_store *s, int64_t command_id, const char *json, rn_err *err)
{
    return rn_sql_run(s, err, "UPDATE command SET note = ?2 WHERE id = ?1", "it", command_id, json);
}
