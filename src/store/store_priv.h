/*
 * store_priv.h: what the files of src/store share: the handle, SQL in one typed line, and the way
 * from an SQLite result code to an rn_err.
 *
 * A statement is prepared at its first use and kept under the address of its text, which is
 * therefore always a literal. Arguments follow the text as letters and values, results after '>':
 *
 *     rn_sql_run(s, err, "UPDATE model SET cost = ?2 WHERE id = ?1", "it", id, cost);
 *     rn_sql_row(s, err, "SELECT id FROM model WHERE name = ?1", "t>i", name, &id);
 *
 * | letter | argument                          | result                                       |
 * | i      | int64_t                           | int64_t *, 0 for NULL                        |
 * | n      | int64_t, NULL below 0             | int64_t *, -1 for NULL                       |
 * | r      | double, NULL for NAN              | double *, NAN for NULL                       |
 * | t      | const char *, may be NULL         | const char **, "" for NULL                   |
 * | w      | const char *, NULL for ""         | const char **, NULL for NULL                 |
 * | b      | rn_bytes                          | rn_bytes *                                   |
 * | h      | const uint8_t [32], NULL for zero | uint8_t [32], zero for NULL                  |
 * | v      |                                   | int *: rn_verdict of a kind's id, -1 unknown |
 * | f      |                                   | bool *                                       |
 * | s      |                                   | rn_buf *, to which the text is appended      |
 * | -      |                                   | the column is passed over                    |
 *
 * Texts and bytes of a result are borrowed: in a walk until the next row; rn_sql_row gives none but
 * those that are copied.
 */
#ifndef RN_STORE_STORE_PRIV_H
#define RN_STORE_STORE_PRIV_H

#include "store/store.h"

#include <sqlite3.h>

enum { RN_STORE_MAX_STMT = 256, RN_STORE_MAX_KIND = 64 };

typedef struct rn_kept_stmt {
    const char *sql; /* its address is the key; NULL: free */
    sqlite3_stmt *st;
} rn_kept_stmt;

struct rn_store {
    sqlite3 *db;
    char *path;
    int mode;
    bool made;       /* opening made the file */
    bool found_last; /* the last sample that was put was there already */
    int lock_fd;     /* holds the writer's lock; -1 */
    char *lock_path;
    int64_t begun_ns;                     /* when the open transaction began */
    int64_t open_until_ns;                /* opening is given up at this CPU time of the thread */
    rn_kept_stmt kept[RN_STORE_MAX_STMT]; /* open addressing; at most half full */
    size_t n_kept;
    int64_t kind_of[RN_N_VERDICTS];    /* rn_verdict to verdict_kind.id; 0: not in the file */
    int verdict_of[RN_STORE_MAX_KIND]; /* verdict_kind.id to rn_verdict; -1 */
};

/* Fills err from the database's last error: "PATH: what: reason; fix". Returns the RN_E... */
int rn_store_fail(rn_store *s, int sqlite_rc, rn_err *err, const char *what);

/* One statement without a result. */
int rn_sql_run(rn_store *s, rn_err *err, const char *sql, const char *types, ...);
/* The first row of a statement: 1, or 0 without a row (results are left alone), negative: error. */
int rn_sql_row(rn_store *s, rn_err *err, const char *sql, const char *types, ...);

/* A walk over rows; walks nest, also over the same text. */
typedef struct rn_rows {
    rn_store *s;
    sqlite3_stmt *st;
    bool kept; /* reset at the end; else finalized */
} rn_rows;
int rn_rows_open(rn_store *s, rn_rows *r, rn_err *err, const char *sql, const char *types, ...);
/* 1: on a row; 0: at the end; negative: error. */
int rn_rows_next(rn_rows *r, rn_err *err);
/* A walk: whether it is on a row. Not at the end, after an error of opening or reading, and not
 * when the work on the last row left an error or an end of its own in *rc. */
bool rn_rows_step(rn_rows *r, int *rc, rn_err *err);
void rn_rows_get(const rn_rows *r, const char *types, ...);
/* Returns rc when it is an error or the callback's own end, else 0. */
int rn_rows_close(rn_rows *r, int rc);

static inline bool rn_store_in_tx(const rn_store *s)
{
    return !sqlite3_get_autocommit(s->db);
}

/* Dates of verdicts that came with an import: they give way to every verdict of our own, and among
 * themselves the one under the set's own tests comes before the one under more tests. */
enum { RN_JUDGED_ELSEWHERE = 0, RN_JUDGED_ELSEWHERE_MORE = -1 };
/* rn_store_put_verdict with its date. */
int rn_store_put_verdict_at(rn_store *s, const rn_store_verdict *v, int64_t judged_ms, rn_err *err);

/* The same where none is there under its protocol, or one that was judged earlier. */
int rn_store_put_later_verdict(rn_store *s, const rn_store_verdict *v, int64_t judged_ms,
                               bool *changed, rn_err *err);

/* The id of (run, problem, idx); 0 if there is none. */
int rn_store_find_sample(rn_store *s, int64_t run_id, int64_t problem_id, int64_t idx,
                         int64_t *sample_id, rn_err *err);
/* How many samples of (run, problem) came from a source. */
int rn_store_count_source(rn_store *s, int64_t run_id, int64_t problem_id, int64_t source_id,
                          int64_t *n, rn_err *err);

/* rn_verdict of a verdict_kind.id; -1 for kinds that we do not know. */
int rn_store_verdict_of(const rn_store *s, int64_t kind_id);

#endif
