/*
 * bulk.c: whole runs as arrays: outcomes per problem, one cell per sample, scores beside the cells.
 *
 * One pass over the narrow tables in the order of (ord, idx). Nothing here reads texts.
 */
#include "store/store_priv.h"

/* A run's samples in their order; `kind` is the first column. */
#define CELLS(kind)                                                                          \
    "SELECT " kind ", s.id, p.id, p.ord, s.idx, s.gen_tok, s.prompt_tok, s.text_bytes,"      \
    " s.finish IS 'length', s.logprob, p.task_id FROM run r CROSS JOIN problem p"            \
    " ON p.set_id = r.set_id CROSS JOIN sample s ON s.run_id = r.id AND s.problem_id = p.id" \
    " WHERE r.id = ?1 ORDER BY p.ord, p.id, s.idx"
#define KIND_UNDER \
    "(SELECT v.kind_id FROM verdict v WHERE v.sample_id = s.id AND v.protocol_id = ?2)"
#define KIND_NEWEST                                                 \
    "(SELECT v.kind_id FROM verdict v WHERE v.sample_id = s.id AND" \
    " ?2 = 0 ORDER BY v.judged_ms DESC, v.protocol_id DESC LIMIT 1)"
/* The newest of those under the base tests alone (?2 = -1), or of the others (-2). */
#define KIND_OF_TESTS                                                                        \
    "(SELECT v.kind_id FROM verdict v JOIN protocol t ON t.id = v.protocol_id"               \
    " WHERE v.sample_id = s.id AND (ifnull(json_extract(t.json, '$.tests'), '') = 'base') =" \
    " (?2 = -1) ORDER BY v.judged_ms DESC, v.protocol_id DESC LIMIT 1)"

/* One row of CELLS. */
typedef struct cell_row {
    rn_store_cell x;
    const char *task_id;
} cell_row;

static int32_t clamp32(int64_t v)
{
    return v > INT32_MAX ? INT32_MAX : v < INT32_MIN ? INT32_MIN : (int32_t)v;
}

static int open_cells(rn_store *s, rn_rows *r, int64_t run_id, int64_t protocol_id, rn_err *err)
{
    return rn_rows_open(s, r, err,
                        protocol_id > 0   ? CELLS(KIND_UNDER)
                        : protocol_id < 0 ? CELLS(KIND_OF_TESTS)
                                          : CELLS(KIND_NEWEST),
                        "ii", run_id, protocol_id);
}

static void get_cell(const rn_rows *r, cell_row *c)
{
    int verdict;
    int64_t ord, idx, gen, prompt, bytes;
    rn_rows_get(r, "viiiinnifrt", &verdict, &c->x.sample_id, &c->x.problem_id, &ord, &idx, &gen,
                &prompt, &bytes, &c->x.cut, &c->x.logprob, &c->task_id);
    c->x.verdict = (int8_t)verdict;
    c->x.ord = clamp32(ord);
    c->x.idx = clamp32(idx);
    c->x.gen_tok = clamp32(gen);
    c->x.prompt_tok = clamp32(prompt);
    c->x.text_bytes = clamp32(bytes);
}

static int count_of(rn_store *s, const char *sql, int64_t run_id, size_t *n, rn_err *err)
{
    int64_t count = 0;
    int rc = rn_sql_row(s, err, sql, "i>i", run_id, &count);
    *n = count > 0 ? (size_t)count : 0;
    return rc < 0 ? rc : 0;
}

int rn_store_cells(rn_store *s, int64_t run_id, int64_t protocol_id, rn_arena *arena,
                   rn_store_cell **out, size_t *n, rn_err *err)
{
    size_t cap = 0, i = 0;
    int rc = count_of(s, "SELECT count(*) FROM sample WHERE run_id = ?1", run_id, &cap, err);
    if (rc) return rc;
    rn_store_cell *cells = rn_arena_array(arena, cap ? cap : 1, sizeof *cells);
    if (!cells) return rn_nomem(err, s->path);
    rn_rows r;
    rc = open_cells(s, &r, run_id, protocol_id, err);
    while (i < cap && rn_rows_step(&r, &rc, err)) {
        cell_row row;
        get_cell(&r, &row);
        cells[i++] = row.x;
    }
    rc = rn_rows_close(&r, rc);
    if (rc < 0) return rc;
    *out = cells;
    *n = i;
    return 0;
}

int rn_store_count_no_code(rn_store *s, int64_t run_id, int64_t *n, rn_err *err)
{
    int rc = rn_sql_row(s, err,
                        "SELECT count(*) FROM newest_verdict v JOIN sample s ON s.id = v.sample_id"
                        " WHERE s.run_id = ?1 AND v.detail = ?2",
                        "it>i", run_id, RN_NO_CODE, n);
    return rc < 0 ? rc : 0;
}

int rn_store_scores(rn_store *s, int64_t run_id, int64_t ranker_id, rn_arena *arena, size_t n,
                    double **score, rn_err *err)
{
    double *v = rn_arena_array(arena, n ? n : 1, sizeof *v);
    if (!v) return rn_nomem(err, s->path);
    rn_rows r;
    int rc = rn_rows_open(s, &r, err,
                          "SELECT (SELECT c.score FROM score c"
                          "  WHERE c.sample_id = s.id AND c.ranker_id = ?2)"
                          " FROM run r CROSS JOIN problem p ON p.set_id = r.set_id"
                          " CROSS JOIN sample s ON s.run_id = r.id AND s.problem_id = p.id"
                          " WHERE r.id = ?1 ORDER BY p.ord, p.id, s.idx",
                          "ii", run_id, ranker_id);
    size_t i = 0;
    while (i < n && rn_rows_step(&r, &rc, err))
        rn_rows_get(&r, "r", &v[i++]);
    while (i < n)
        v[i++] = (double)NAN;
    rc = rn_rows_close(&r, rc);
    if (rc < 0) return rc;
    *score = v;
    return 0;
}

int rn_store_groups(rn_store *s, int64_t run_id, int64_t ranker_id, rn_arena *arena, size_t n,
                    rn_store_grouping *out, rn_err *err)
{
    rn_store_grouping g = {.group = rn_arena_array(arena, n ? n : 1, sizeof *g.group),
                           .part = rn_arena_array(arena, n ? n : 1, sizeof *g.part),
                           .votes = rn_arena_array(arena, n ? n : 1, sizeof *g.votes)};
    if (!g.group || !g.part || !g.votes) return rn_nomem(err, s->path);
    rn_rows r;
    int rc = rn_rows_open(s, &r, err,
                          "SELECT c.grp, c.part, c.votes"
                          " FROM run r CROSS JOIN problem p ON p.set_id = r.set_id"
                          " CROSS JOIN sample s ON s.run_id = r.id AND s.problem_id = p.id"
                          " LEFT JOIN score c ON c.sample_id = s.id AND c.ranker_id = ?2"
                          " WHERE r.id = ?1 ORDER BY p.ord, p.id, s.idx",
                          "ii", run_id, ranker_id);
    size_t i = 0;
    for (; i < n && rn_rows_step(&r, &rc, err); i++) {
        int64_t group;
        rn_bytes votes;
        rn_rows_get(&r, "irb", &group, &g.part[i], &votes);
        g.group[i] = (uint32_t)group;
        g.any |= g.group[i] != 0;
        if (!votes.len) continue;
        g.any_votes = true;
        g.votes[i] = (rn_bytes){rn_arena_dup(arena, votes.data, votes.len), votes.len};
        if (!g.votes[i].data) rc = rn_nomem(err, s->path);
    }
    for (; i < n; i++)
        g.part[i] = (double)NAN;
    rc = rn_rows_close(&r, rc);
    if (rc < 0) return rc;
    *out = g;
    return 0;
}

int rn_store_score_cost(rn_store *s, int64_t run_id, int64_t ranker_id, rn_store_score_sums *out,
                        rn_err *err)
{
    double wall_ns = 0, cpu_ns = 0;
    *out = (rn_store_score_sums){0};
    int rc = rn_sql_row(s, err,
                        "SELECT count(c.flop), total(c.flop), count(c.wall_ns),"
                        " total(c.wall_ns), count(c.cpu_ns), total(c.cpu_ns),"
                        " total(c.n_runs) FROM sample s CROSS JOIN score c"
                        " ON c.sample_id = s.id AND c.ranker_id = ?2"
                        " WHERE s.run_id = ?1 AND c.score IS NOT NULL"
                        " AND coalesce(s.finish, '') <> 'length'",
                        "ii>iririri", run_id, ranker_id, &out->n_flop, &out->flop, &out->n_wall,
                        &wall_ns, &out->n_cpu, &cpu_ns, &out->n_runs);
    out->wall_s = wall_ns * 1e-9;
    out->cpu_s = cpu_ns * 1e-9;
    return rc < 0 ? rc : 0;
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
    rn_rows r;
    int rc = rn_rows_open(s, &r, err,
                          "SELECT p.task_id, p.ord, c.n, c.c"
                          " FROM run r CROSS JOIN problem p ON p.set_id = r.set_id"
                          " CROSS JOIN tally c ON c.run_id = r.id AND c.problem_id = p.id"
                          " WHERE r.id = ?1 ORDER BY p.ord, p.id",
                          "i", run_id);
    while (*n < cap && rn_rows_step(&r, &rc, err)) {
        rn_store_outcome *o = &list[(*n)++];
        *o = (rn_store_outcome){.mean_gen_tok = (double)NAN, .mean_prompt_tok = (double)NAN};
        rn_rows_get(&r, "tiii", &o->task_id, &o->ord, &o->n, &o->c);
        o->task_id = rn_arena_strdup(arena, o->task_id);
        if (!o->task_id) return rn_rows_close(&r, rn_nomem(err, s->path));
    }
    return rn_rows_close(&r, rc < 0 ? rc : 0);
}

static int sample_outcomes(rn_store *s, int64_t run_id, int64_t protocol_id, rn_arena *arena,
                           rn_store_outcome *list, size_t cap, size_t *n, rn_err *err)
{
    rn_rows r;
    int rc = open_cells(s, &r, run_id, protocol_id, err);
    if (rc) return rc;
    rn_store_outcome *o = NULL;
    tokens gen = {0}, prompt = {0};
    int64_t problem = -1;
    while ((rc = rn_rows_next(&r, err)) > 0) {
        cell_row c;
        get_cell(&r, &c);
        if (c.x.problem_id != problem) {
            if (*n == cap) break;
            problem = c.x.problem_id;
            gen = prompt = (tokens){0};
            o = &list[(*n)++];
            *o = (rn_store_outcome){.task_id = rn_arena_strdup(arena, c.task_id), .ord = c.x.ord};
            if (!o->task_id) return rn_rows_close(&r, rn_nomem(err, s->path));
        }
        add_verdict(o, c.x.verdict);
        add_tokens(&gen, c.x.gen_tok);
        add_tokens(&prompt, c.x.prompt_tok);
        o->mean_gen_tok = mean_tokens(gen);
        o->mean_prompt_tok = mean_tokens(prompt);
    }
    return rn_rows_close(&r, rc < 0 ? rc : 0);
}

int rn_store_tests(rn_store *s, int64_t set_id, bool *base, bool *more, rn_err *err)
{
    int64_t n_base = 0, n_more = 0;
    int rc = rn_sql_row(s, err,
                        "SELECT ifnull(sum(x.b), 0), ifnull(sum(1 - x.b), 0) FROM (SELECT DISTINCT"
                        " ifnull(json_extract(t.json, '$.tests'), '') = 'base' AS b"
                        " FROM run r JOIN sample s ON s.run_id = r.id"
                        " JOIN verdict v ON v.sample_id = s.id"
                        " JOIN protocol t ON t.id = v.protocol_id WHERE r.set_id = ?1) x",
                        "i>ii", set_id, &n_base, &n_more);
    *base = n_base > 0;
    *more = n_more > 0;
    return rc < 0 ? rc : 0;
}

int rn_store_outcomes(rn_store *s, int64_t run_id, int64_t protocol_id, rn_arena *arena,
                      rn_store_outcome **out, size_t *n, rn_err *err)
{
    size_t cap = 0, tallies = 0, count = 0;
    int rc = count_of(s,
                      "SELECT count(*) FROM problem WHERE set_id ="
                      " (SELECT set_id FROM run WHERE id = ?1)",
                      run_id, &cap, err);
    if (!rc)
        rc = count_of(s, "SELECT count(*) FROM tally WHERE run_id = ?1", run_id, &tallies, err);
    if (rc) return rc;
    rn_store_outcome *list = rn_arena_array(arena, cap ? cap : 1, sizeof *list);
    if (!list) return rn_nomem(err, s->path);
    rc = tallies > 0 ? tally_outcomes(s, run_id, arena, list, cap, &count, err)
                     : sample_outcomes(s, run_id, protocol_id, arena, list, cap, &count, err);
    if (rc) return rc;
    *out = list;
    *n = count;
    return 0;
}
