/*
 * internal.h: what the files of src/store share: the handle, its prepared statements and the way
 * from an SQLite result code to an rn_err.
 */
#ifndef RN_STORE_INTERNAL_H
#define RN_STORE_INTERNAL_H

#include "store/store.h"

#include <math.h>
#include <sqlite3.h>

/* Statements of the puts, prepared when first needed and kept: name and SQL are in put.c. */
enum { RN_STORE_MAX_STMT = 40 };

struct rn_store {
    sqlite3 *db;
    char *path;
    int mode;
    int lock_fd; /* holds the writer's lock; -1 */
    char *lock_path;
    int64_t begun_ns; /* when the open transaction began */
    sqlite3_stmt *stmt[RN_STORE_MAX_STMT];
    int64_t kind_of[RN_N_VERDICTS]; /* rn_verdict to verdict_kind.id; 0: not in the file */
    int verdict_of[64];             /* verdict_kind.id to rn_verdict; -1 */
};

/* Fills err from the database's last error: "PATH: what: reason; fix". Returns the RN_E... */
int rn_store_fail(rn_store *s, int sqlite_rc, rn_err *err, const char *what);
/* As above for a handle that is not open yet. */
int rn_store_fail_db(sqlite3 *db, const char *path, int sqlite_rc, rn_err *err, const char *what);

/* The statement under `id`, reset and ready to bind; *st is borrowed. */
int rn_store_stmt(rn_store *s, int id, const char *sql, sqlite3_stmt **st, rn_err *err);
/* A statement of the caller's own: sqlite3_finalize. */
int rn_store_prepare(rn_store *s, const char *sql, sqlite3_stmt **st, rn_err *err);
/* Finalizes st and turns the end of a walk (rc of the last step) into 0 or an error. */
int rn_store_walked(rn_store *s, sqlite3_stmt *st, int rc, rn_err *err, const char *what);

static inline bool rn_store_in_tx(const rn_store *s)
{
    return !sqlite3_get_autocommit(s->db);
}

/* Binding and reading where NULL stands for unknown. */
static inline void rn_bind_int(sqlite3_stmt *st, int i, int64_t v)
{
    if (v < 0)
        sqlite3_bind_null(st, i);
    else
        sqlite3_bind_int64(st, i, v);
}

static inline void rn_bind_real(sqlite3_stmt *st, int i, double v)
{
    if (isnan(v))
        sqlite3_bind_null(st, i);
    else
        sqlite3_bind_double(st, i, v);
}

/* The text must stay until the statement is reset. "" and NULL are stored as given. */
static inline void rn_bind_text(sqlite3_stmt *st, int i, const char *v)
{
    sqlite3_bind_text(st, i, v, -1, SQLITE_STATIC);
}

static inline int64_t rn_col_int(sqlite3_stmt *st, int i)
{
    return sqlite3_column_type(st, i) == SQLITE_NULL ? -1 : sqlite3_column_int64(st, i);
}

static inline double rn_col_real(sqlite3_stmt *st, int i)
{
    return sqlite3_column_type(st, i) == SQLITE_NULL ? (double)NAN : sqlite3_column_double(st, i);
}

/* Never NULL: "" for NULL. Borrowed until the statement moves on. */
static inline const char *rn_col_text(sqlite3_stmt *st, int i)
{
    const char *v = (const char *)sqlite3_column_text(st, i);
    return v ? v : "";
}

/* Dates of verdicts that came with an import: they give way to every verdict of our own, and among
 * themselves the one under the set's own tests comes before the one under more tests. */
enum { RN_JUDGED_ELSEWHERE = 0, RN_JUDGED_ELSEWHERE_MORE = -1 };
/* rn_store_put_verdict with its date. */
int rn_store_put_verdict_at(rn_store *s, const rn_store_verdict *v, int64_t judged_ms, rn_err *err);

/* The id of (run, problem, idx); 0 if there is none. */
int rn_store_find_sample(rn_store *s, int64_t run_id, int64_t problem_id, int64_t idx,
                         int64_t *sample_id, rn_err *err);
/* How many samples of (run, problem) came from a source. */
int rn_store_count_source(rn_store *s, int64_t run_id, int64_t problem_id, int64_t source_id,
                          int64_t *n, rn_err *err);

/* rn_verdict of a verdict_kind.id column; -1 for NULL and for kinds that we do not know. */
int rn_store_verdict_of(const rn_store *s, sqlite3_stmt *st, int i);

#endif
