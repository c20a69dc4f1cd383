/*
 * bulk.c: whole runs as arrays: outcomes per problem, one cell per sample, scores beside the cells.
 *
 * One pass over the narrow tables in the order of (ord, idx). Nothing here reads texts.
 */
#include "store/internal.h"

#include <limits.h>

static int no_memory(const rn_store *s, rn_err *err)
{
    return rn_fail(err, RN_ENOMEM, "%s: out of memory", s->path);
}

static int count_rows(rn_store *s, const char *sql, int64_t run_id, size_t *n, rn_err *err)
{
    sqlite3_stmt *st;
    int rc = rn_store_prepare(s, sql, &st, err);
    if (rc) return rc;
    sqlite3_bind_int64(st, 1, run_id);
    int step = sqlite3_step(st);
    if (step == SQLITE_ROW) *n = (size_t)sqlite3_column_int64(st, 0);
    return rn_store_walked(s, st, step, err, "cannot be read");
}

/* Column 0: the kind of the verdict under ?2, or of the newest one when ?2 is 0. */
static const char *kind_column(int64_t protocol_id)
{
    return protocol_id > 0 ? "SELECT (SELECT v.kind_id FROM verdict v"
                             " WHERE v.sample_id = s.id AND v.protocol_id = ?2)"
                           : "SELECT (SELECT v.kind_id FROM verdict v WHERE v.sample_id = s.id"
                             " ORDER BY v.judged_ms DESC, v.protocol_id DESC LIMIT 1)";
}

static int prepare_cells(rn_store *s, int64_t run_id, int64_t protocol_id, sqlite3_stmt **st,
                         rn_err *err)
{
    rn_buf sql = {0};
    rn_buf_puts(&sql, kind_column(protocol_id));
    rn_buf_puts(&sql, ", s.id, p.id, p.ord, s.idx, s.gen_tok, s.prompt_tok, s.text_bytes,"
                      " s.finish = 'length', s.logprob, p.task_id"
                      " FROM run r CROSS JOIN problem p ON p.set_id = r.set_id"
                      " CROSS JOIN sample s ON s.run_id = r.id AND s.problem_id = p.id"
                      " WHERE r.id = ?1 ORDER BY p.ord, p.id, s.idx");
    int rc = rn_buf_ok(&sql) ? rn_store_prepare(s, sql.data, st, err) : no_memory(s, err);
    rn_buf_free(&sql);
    if (rc) return rc;
    sqlite3_bind_int64(*st, 1, run_id);
    if (protocol_id > 0) sqlite3_bind_int64(*st, 2, protocol_id);
    return 0;
}

static int32_t clamp32(int64_t v)
{
    return v > INT32_MAX ? INT32_MAX : (int32_t)v;
}

int rn_store_cells(rn_store *s, int64_t run_id, int64_t protocol_id, rn_arena *arena,
                   rn_store_cell **out, size_t *n, rn_err *err)
{
    size_t cap = 0, i = 0;
    int rc = count_rows(s, "SELECT count(*) FROM sample WHERE run_id = ?1", run_id, &cap, err);
    if (rc) return rc;
    rn_store_cell *cells = rn_arena_array(arena, cap ? cap : 1, sizeof *cells);
    if (!cells) return no_memory(s, err);
    sqlite3_stmt *st;
    rc = prepare_cells(s, run_id, protocol_id, &st, err);
    if (rc) return rc;
    int step = SQLITE_DONE;
    while (i < cap && (step = sqlite3_step(st)) == SQLITE_ROW)
        cells[i++] = (rn_store_cell){.verdict = (int8_t)rn_store_verdict_of(s, st, 0),
                                     .sample_id = sqlite3_column_int64(st, 1),
                                     .problem_id = sqlite3_column_int64(st, 2),
                                     .ord = clamp32(sqlite3_column_int64(st, 3)),
                                     .idx = clamp32(sqlite3_column_int64(st, 4)),
                                     .gen_tok = clamp32(rn_col_int(st, 5)),
                                     .prompt_tok = clamp32(rn_col_int(st, 6)),
                                     .text_bytes = clamp32(sqlite3_column_int64(st, 7)),
                                     .cut = sqlite3_column_int(st, 8) != 0,
                                     .logprob = rn_col_real(st, 9)};
    rc = rn_store_walked(s, st, step, err, "cannot be read");
    if (rc) return rc;
    *out = cells;
    *n = i;
    return 0;
}

int rn_store_scores(rn_store *s, int64_t run_id, int64_t ranker_id, rn_arena *arena, size_t n,
                    double **score, rn_err *err)
{
    double *v = rn_arena_array(arena, n ? n : 1, sizeof *v);
    if (!v) return no_memory(s, err);
    sqlite3_stmt *st;
    int rc = rn_store_prepare(s,
                              "SELECT (SELECT c.score FROM score c"
                              "  WHERE c.sample_id = s.id AND c.ranker_id = ?2)"
                              " FROM run r CROSS JOIN problem p ON p.set_id = r.set_id"
                              " CROSS JOIN sample s ON s.run_id = r.id AND s.problem_id = p.id"
                              " WHERE r.id = ?1 ORDER BY p.ord, p.id, s.idx",
                              &st, err);
    if (rc) return rc;
    sqlite3_bind_int64(st, 1, run_id);
    sqlite3_bind_int64(st, 2, ranker_id);
    size_t i = 0;
    int step = SQLITE_DONE;
    while (i < n && (step = sqlite3_step(st)) == SQLITE_ROW)
        v[i++] = rn_col_real(st, 0);
    while (i < n)
        v[i++] = (double)NAN;
    rc = rn_store_walked(s, st, step, err, "cannot be read");
    if (!rc) *score = v;
    return rc;
}

int rn_store_groups(rn_store *s, int64_t run_id, int64_t ranker_id, rn_arena *arena, size_t n,
                    uint32_t **group, double **part, bool *any, rn_err *err)
{
    uint32_t *g = rn_arena_array(arena, n ? n : 1, sizeof *g);
    double *w = rn_arena_array(arena, n ? n : 1, sizeof *w);
    if (!g || !w) return no_memory(s, err);
    sqlite3_stmt *st;
    int rc = rn_store_prepare(s,
                              "SELECT c.grp, c.part"
                              " FROM run r CROSS JOIN problem p ON p.set_id = r.set_id"
                              " CROSS JOIN sample s ON s.run_id = r.id AND s.problem_id = p.id"
                              " LEFT JOIN score c ON c.sample_id = s.id AND c.ranker_id = ?2"
                              " WHERE r.id = ?1 ORDER BY p.ord, p.id, s.idx",
                              &st, err);
    if (rc) return rc;
    sqlite3_bind_int64(st, 1, run_id);
    sqlite3_bind_int64(st, 2, ranker_id);
    *any = false;
    int step = SQLITE_DONE;
    for (size_t i = 0; i < n; i++) {
        w[i] = (double)NAN;
        if (i > 0 && step != SQLITE_ROW) continue;
        step = sqlite3_step(st);
        if (step != SQLITE_ROW) continue;
        g[i] = (uint32_t)sqlite3_column_int64(st, 0);
        w[i] = rn_col_real(st, 1);
        *any |= g[i] != 0;
    }
    rc = rn_store_walked(s, st, step, err, "cannot be read");
    if (rc) return rc;
    *group = g;
    *part = w;
    return 0;
}

int rn_store_score_cost(rn_store *s, int64_t run_id, int64_t ranker_id, rn_store_score_sums *out,
                        rn_err *err)
{
    *out = (rn_store_score_sums){0};
    sqlite3_stmt *st;
    int rc = rn_store_prepare(s,
                              "SELECT count(c.flop), total(c.flop), count(c.wall_ns),"
                              " total(c.wall_ns), count(c.cpu_ns), total(c.cpu_ns),"
                              " total(c.n_runs) FROM sample s CROSS JOIN score c"
                              " ON c.sample_id = s.id AND c.ranker_id = ?2"
                              " WHERE s.run_id = ?1 AND c.score IS NOT NULL"
                              " AND coalesce(s.finish, '') <> 'length'",
                              &st, err);
    if (rc) return rc;
    sqlite3_bind_int64(st, 1, run_id);
    sqlite3_bind_int64(st, 2, ranker_id);
    int step = sqlite3_step(st);
    if (step == SQLITE_ROW)
        *out = (rn_store_score_sums){.n_flop = sqlite3_column_int64(st, 0),
                                     .flop = sqlite3_column_double(st, 1),
                                     .n_wall = sqlite3_column_int64(st, 2),
                                     .wall_s = sqlite3_column_double(st, 3) * 1e-9,
                                     .n_cpu = sqlite3_column_int64(st, 4),
                                     .cpu_s = sqlite3_column_double(st, 5) * 1e-9,
                                     .n_runs = (int64_t)sqlite3_column_double(st, 6)};
    return rn_store_walked(s, st, step, err, "cannot be read");
}

/* Sums of one problem while its samples go by. */
typedef struct tokens {
    int64_t sum, n;
} tokens;

static void add_tokens(tokens *t, int64_t v)
{
    if (v < 0) return;
    t->sum += v;
    t->n++;
}

static double mean_tokens(tokens t)
{
    return t.n > 0 ? (double)t.sum / (double)t.n : (double)NAN;
}

static void add_verdict(rn_store_outcome *o, int verdict)
{
    if (verdict < 0 || rn_verdict_family((rn_verdict)verdict) == 'S') {
        o->missing++;
        return;
    }
    o->n++;
    o->c += verdict == RN_V_PASSED;
}

/* n and c of a run without texts, by (ord). */
static int tally_outcomes(rn_store *s, int64_t run_id, rn_arena *arena, rn_store_outcome *list,
                          size_t cap, size_t *n, rn_err *err)
{
    sqlite3_stmt *st;
    int rc = rn_store_prepare(s,
                              "SELECT p.task_id, p.ord, c.n, c.c"
                              " FROM run r CROSS JOIN problem p ON p.set_id = r.set_id"
                              " CROSS JOIN tally c ON c.run_id = r.id AND c.problem_id = p.id"
                              " WHERE r.id = ?1 ORDER BY p.ord, p.id",
                              &st, err);
    if (rc) return rc;
    sqlite3_bind_int64(st, 1, run_id);
    int step = SQLITE_DONE;
    while (*n < cap && (step = sqlite3_step(st)) == SQLITE_ROW) {
        rn_store_outcome *o = &list[*n];
        *o = (rn_store_outcome){.task_id = rn_arena_strdup(arena, rn_col_text(st, 0)),
                                .ord = sqlite3_column_int64(st, 1),
                                .n = sqlite3_column_int64(st, 2),
                                .c = sqlite3_column_int64(st, 3),
                                .mean_gen_tok = (double)NAN,
                                .mean_prompt_tok = (double)NAN};
        if (!o->task_id) {
            sqlite3_finalize(st);
            return no_memory(s, err);
        }
        (*n)++;
    }
    return rn_store_walked(s, st, step, err, "cannot be read");
}

static int sample_outcomes(rn_store *s, int64_t run_id, int64_t protocol_id, rn_arena *arena,
                           rn_store_outcome *list, size_t cap, size_t *n, rn_err *err)
{
    sqlite3_stmt *st;
    int rc = prepare_cells(s, run_id, protocol_id, &st, err);
    if (rc) return rc;
    rn_store_outcome *o = NULL;
    tokens gen = {0}, prompt = {0};
    int64_t problem = -1;
    int step;
    while ((step = sqlite3_step(st)) == SQLITE_ROW) {
        if (sqlite3_column_int64(st, 2) != problem) {
            if (*n == cap) break;
            problem = sqlite3_column_int64(st, 2);
            gen = prompt = (tokens){0};
            o = &list[(*n)++];
            *o = (rn_store_outcome){.task_id = rn_arena_strdup(arena, rn_col_text(st, 10)),
                                    .ord = sqlite3_column_int64(st, 3)};
            if (!o->task_id) {
                sqlite3_finalize(st);
                return no_memory(s, err);
            }
        }
        add_verdict(o, rn_store_verdict_of(s, st, 0));
        add_tokens(&gen, rn_col_int(st, 5));
        add_tokens(&prompt, rn_col_int(st, 6));
        o->mean_gen_tok = mean_tokens(gen);
        o->mean_prompt_tok = mean_tokens(prompt);
    }
    return rn_store_walked(s, st, step, err, "cannot be read");
}

int rn_store_outcomes(rn_store *s, int64_t run_id, int64_t protocol_id, rn_arena *arena,
                      rn_store_outcome **out, size_t *n, rn_err *err)
{
    size_t cap = 0, tallies = 0, count = 0;
    int rc = count_rows(s,
                        "SELECT count(*) FROM problem WHERE set_id ="
                        " (SELECT set_id FROM run WHERE id = ?1)",
                        run_id, &cap, err);
    if (!rc)
        rc = count_rows(s, "SELECT count(*) FROM tally WHERE run_id = ?1", run_id, &tallies, err);
    if (rc) return rc;
    rn_store_outcome *list = rn_arena_array(arena, cap ? cap : 1, sizeof *list);
    if (!list) return no_memory(s, err);
    rc = tallies > 0 ? tally_outcomes(s, run_id, arena, list, cap, &count, err)
                     : sample_outcomes(s, run_id, protocol_id, arena, list, cap, &count, err);
    if (rc) return rc;
    *out = list;
    *n = count;
    return 0;
}
