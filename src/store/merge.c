/*
 * merge.c: copies the rows of one store into another, table by table, ids translated on the way.
 *
 * Small tables are read whole into id maps; samples stream, with their verdicts and scores, in the
 * order of their ids, and each second is committed. A verdict of our own replaces an older one
 * under the same protocol only if it was judged later, so that the order of the inputs does not
 * matter.
 */
#include "store/merge.h"

#include "store/internal.h"

#include <stdlib.h>

/* Ids of one table: from[i] in the input is to[i] in the output; sorted by from. */
typedef struct id_map {
    int64_t *from, *to;
    size_t n, cap;
} id_map;

typedef struct merger {
    rn_store *out, *in;
    const rn_merge_opts *opts;
    rn_merge_stats *stats;
    id_map sets, problems, models, runs, sources, protocols, rankers;
    sqlite3_stmt *verdicts, *scores; /* of one sample of the input */
    sqlite3_stmt *judged;            /* date of a verdict of the output */
} merger;

static int map_add(id_map *m, int64_t from, int64_t to)
{
    if (m->n == m->cap) {
        size_t cap = m->cap ? 2 * m->cap : 64;
        int64_t *a = realloc(m->from, cap * sizeof *a);
        if (!a) return RN_ENOMEM;
        m->from = a;
        int64_t *b = realloc(m->to, cap * sizeof *b);
        if (!b) return RN_ENOMEM;
        m->to = b;
        m->cap = cap;
    }
    m->from[m->n] = from;
    m->to[m->n++] = to;
    return 0;
}

/* 0 if the id is not there: the input refers to a row that it does not have. */
static int64_t map_get(const id_map *m, int64_t from)
{
    size_t lo = 0, hi = m->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (m->from[mid] < from)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < m->n && m->from[lo] == from ? m->to[lo] : 0;
}

static void map_free(id_map *m)
{
    free(m->from);
    free(m->to);
}

static int conflict(merger *m, int rc, const rn_err *err)
{
    if (rc != RN_EEXIST) return rc;
    m->stats->n_conflicts++;
    if (m->opts->on_conflict) m->opts->on_conflict(m->opts->user, err->msg);
    return 0;
}

/* Walks a query of the input; `row` puts one row into the output. */
static int each(merger *m, const char *sql, int (*row)(merger *m, sqlite3_stmt *st, rn_err *err),
                rn_err *err)
{
    sqlite3_stmt *st;
    int rc = rn_store_prepare(m->in, sql, &st, err);
    if (rc) return rc;
    int step;
    while ((step = sqlite3_step(st)) == SQLITE_ROW) {
        rc = row(m, st, err);
        if (!rc) rc = rn_store_tick(m->out, err);
        if (rc) break;
    }
    int end = rn_store_walked(m->in, st, step, rc ? NULL : err, "cannot be read");
    return rc ? rc : end;
}

static int lost(const merger *m, const char *what, rn_err *err)
{
    return rn_fail(err, RN_EFORMAT, "%s is damaged: a row refers to a %s that is not there",
                   m->in->path, what);
}

static int keep(merger *m, id_map *map, int64_t from, int64_t to, rn_err *err)
{
    return map_add(map, from, to) ? rn_fail(err, RN_ENOMEM, "%s: out of memory", m->in->path) : 0;
}

/* ---- small tables ---------------------------------------------------------------------------- */

static int set_row(merger *m, sqlite3_stmt *st, rn_err *err)
{
    int64_t id;
    const rn_store_set x = {rn_col_text(st, 1), rn_col_text(st, 2)};
    int rc = rn_store_put_set(m->out, &x, &id, err);
    return rc ? rc : keep(m, &m->sets, sqlite3_column_int64(st, 0), id, err);
}

static int problem_row(merger *m, sqlite3_stmt *st, rn_err *err)
{
    int64_t id;
    const rn_store_problem x = {.set_id = map_get(&m->sets, sqlite3_column_int64(st, 1)),
                                .ord = sqlite3_column_int64(st, 2),
                                .task_id = rn_col_text(st, 3),
                                .prompt = (const char *)sqlite3_column_text(st, 4),
                                .prompt_tok = rn_col_int(st, 5)};
    if (x.set_id == 0) return lost(m, "set", err);
    int rc = rn_store_put_problem(m->out, &x, &id, err);
    return rc ? rc : keep(m, &m->problems, sqlite3_column_int64(st, 0), id, err);
}

static int model_row(merger *m, sqlite3_stmt *st, rn_err *err)
{
    int64_t id;
    const rn_store_model x = {rn_col_text(st, 1), rn_col_text(st, 2), rn_col_text(st, 3)};
    int rc = rn_store_put_model(m->out, &x, &id, err);
    return rc ? rc : keep(m, &m->models, sqlite3_column_int64(st, 0), id, err);
}

static int run_row(merger *m, sqlite3_stmt *st, rn_err *err)
{
    int64_t id;
    const rn_store_run x = {.set_id = map_get(&m->sets, sqlite3_column_int64(st, 1)),
                            .model_id = map_get(&m->models, sqlite3_column_int64(st, 2)),
                            .kind = rn_col_text(st, 3),
                            .preset = rn_col_text(st, 4),
                            .settings = rn_col_text(st, 5)};
    if (x.set_id == 0 || x.model_id == 0) return lost(m, "set or model", err);
    int rc = rn_store_put_run(m->out, &x, &id, err);
    return rc ? rc : keep(m, &m->runs, sqlite3_column_int64(st, 0), id, err);
}

static int source_row(merger *m, sqlite3_stmt *st, rn_err *err)
{
    int64_t id;
    bool done;
    const rn_store_source x = {.run_id = map_get(&m->runs, sqlite3_column_int64(st, 1)),
                               .sha = rn_col_text(st, 2),
                               .name = rn_col_text(st, 3),
                               .format = rn_col_text(st, 4)};
    if (x.run_id == 0) return lost(m, "run", err);
    int rc = rn_store_put_source(m->out, &x, &id, &done, err);
    return rc ? rc : keep(m, &m->sources, sqlite3_column_int64(st, 0), id, err);
}

static int protocol_row(merger *m, sqlite3_stmt *st, rn_err *err)
{
    int64_t id;
    int rc = rn_store_put_protocol(m->out, rn_col_text(st, 1), &id, err);
    return rc ? rc : keep(m, &m->protocols, sqlite3_column_int64(st, 0), id, err);
}

static int ranker_row(merger *m, sqlite3_stmt *st, rn_err *err)
{
    int64_t id;
    int rc = rn_store_put_ranker(m->out, rn_col_text(st, 1), rn_col_text(st, 2),
                                 sqlite3_column_int(st, 3) != 0, &id, err);
    return rc ? rc : keep(m, &m->rankers, sqlite3_column_int64(st, 0), id, err);
}

static int count_row(merger *m, sqlite3_stmt *st, rn_err *err)
{
    int64_t run = map_get(&m->runs, sqlite3_column_int64(st, 0));
    int64_t problem = map_get(&m->problems, sqlite3_column_int64(st, 1));
    if (run == 0 || problem == 0) return lost(m, "run or problem", err);
    int rc = rn_store_put_count(m->out, run, problem, sqlite3_column_int64(st, 2),
                                sqlite3_column_int64(st, 3), err);
    if (rc) rc = rn_err_prefix(err, "%s: %s", m->in->path, rn_col_text(st, 4));
    return conflict(m, rc, err);
}

static int curve_row(merger *m, sqlite3_stmt *st, rn_err *err)
{
    int64_t run = map_get(&m->runs, sqlite3_column_int64(st, 0));
    if (run == 0) return lost(m, "run", err);
    int rc = rn_store_put_curve(m->out, run, sqlite3_column_int64(st, 1),
                                sqlite3_column_double(st, 2), err);
    if (rc) rc = rn_err_prefix(err, "%s", m->in->path);
    return conflict(m, rc, err);
}

static int profile_row(merger *m, sqlite3_stmt *st, rn_err *err)
{
    const rn_store_profile x = {.model_id = map_get(&m->models, sqlite3_column_int64(st, 0)),
                                .hardware = rn_col_text(st, 1),
                                .s_per_sample = rn_col_real(st, 2),
                                .s_per_1000 = rn_col_real(st, 3),
                                .flop_per_sample = rn_col_real(st, 4),
                                .json = rn_col_text(st, 5)};
    if (x.model_id == 0) return lost(m, "model", err);
    return rn_store_put_profile(m->out, &x, err);
}

/* The ledgers of the inputs follow that of the output; a row that is there already is not repeated.
 */
static int command_row(merger *m, sqlite3_stmt *st, rn_err *err)
{
    sqlite3_stmt *add;
    int rc = rn_store_prepare(
        m->out,
        "INSERT INTO command (name, args, version, started_ms, ended_ms, status,"
        " note) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE NOT EXISTS (SELECT 1 FROM command"
        " WHERE name = ?1 AND args = ?2 AND started_ms = ?4)",
        &add, err);
    if (rc) return rc;
    for (int i = 0; i < 7; i++)
        sqlite3_bind_value(add, i + 1, sqlite3_column_value(st, i));
    return rn_store_walked(m->out, add, sqlite3_step(add), err, "cannot be written");
}

/* ---- samples --------------------------------------------------------------------------------- */

/* True when the output's verdict under this protocol is at least as new. */
static int newer_there(merger *m, int64_t sample, int64_t protocol, int64_t judged_ms, bool *there,
                       rn_err *err)
{
    sqlite3_reset(m->judged);
    sqlite3_bind_int64(m->judged, 1, sample);
    sqlite3_bind_int64(m->judged, 2, protocol);
    int step = sqlite3_step(m->judged);
    *there = step == SQLITE_ROW && sqlite3_column_int64(m->judged, 0) >= judged_ms;
    sqlite3_reset(m->judged);
    return step == SQLITE_ROW || step == SQLITE_DONE
               ? 0
               : rn_store_fail(m->out, step, err, "cannot be read");
}

static int put_verdict(merger *m, sqlite3_stmt *st, int64_t sample, rn_err *err)
{
    int kind = rn_store_verdict_of(m->in, st, 1);
    int64_t judged_ms = sqlite3_column_int64(st, 2);
    rn_store_verdict v = {.sample_id = sample,
                          .protocol_id = map_get(&m->protocols, sqlite3_column_int64(st, 0)),
                          .verdict = (rn_verdict)kind,
                          .n_tests = rn_col_int(st, 3),
                          .n_passed = rn_col_int(st, 4),
                          .failed_test = rn_col_int(st, 5),
                          .cpu_ns = rn_col_int(st, 6),
                          .wall_ns = rn_col_int(st, 7),
                          .peak_bytes = rn_col_int(st, 8),
                          .detail = rn_col_text(st, 9)};
    const void *sha = sqlite3_column_blob(st, 10);
    if (kind < 0 || v.protocol_id == 0) return lost(m, "protocol or kind of verdict", err);
    if (sha && sqlite3_column_bytes(st, 10) == (int)sizeof v.program_sha)
        memcpy(v.program_sha, sha, sizeof v.program_sha);
    bool there = false;
    int rc = newer_there(m, sample, v.protocol_id, judged_ms, &there, err);
    if (rc || there) return rc;
    m->stats->n_verdicts++;
    return rn_store_put_verdict_at(m->out, &v, judged_ms, err);
}

static int put_score(merger *m, sqlite3_stmt *st, int64_t sample, rn_err *err)
{
    const rn_store_parts parts = {.part = rn_col_real(st, 6),
                                  .group = sqlite3_column_int64(st, 7),
                                  .cpu_ns = rn_col_int(st, 8),
                                  .n_runs = rn_col_int(st, 9)};
    const rn_store_score x = {.sample_id = sample,
                              .parts = &parts,
                              .ranker_id = map_get(&m->rankers, sqlite3_column_int64(st, 0)),
                              .score = rn_col_real(st, 1),
                              .sum = rn_col_real(st, 2),
                              .n_tok = rn_col_int(st, 3),
                              .wall_ns = rn_col_int(st, 4),
                              .flop = rn_col_real(st, 5)};
    if (x.ranker_id == 0) return lost(m, "ranker", err);
    m->stats->n_scores++;
    return rn_store_put_score(m->out, &x, err);
}

/* What hangs on one sample of the input. */
static int attached(merger *m, sqlite3_stmt *st, int64_t from, int64_t to,
                    int (*put)(merger *m, sqlite3_stmt *st, int64_t sample, rn_err *err),
                    rn_err *err)
{
    sqlite3_reset(st);
    sqlite3_bind_int64(st, 1, from);
    int step;
    while ((step = sqlite3_step(st)) == SQLITE_ROW) {
        int rc = put(m, st, to, err);
        if (rc) return rc;
    }
    return step == SQLITE_DONE ? 0 : rn_store_fail(m->in, step, err, "cannot be read");
}

static int sample_row(merger *m, sqlite3_stmt *st, rn_err *err)
{
    const char *text = sqlite3_column_blob(st, 11);
    const rn_store_sample x = {.run_id = map_get(&m->runs, sqlite3_column_int64(st, 1)),
                               .problem_id = map_get(&m->problems, sqlite3_column_int64(st, 2)),
                               .idx = sqlite3_column_int64(st, 3),
                               .source_id = map_get(&m->sources, sqlite3_column_int64(st, 4)),
                               .prompt_tok = rn_col_int(st, 5),
                               .gen_tok = rn_col_int(st, 6),
                               .finish = rn_col_text(st, 7),
                               .logprob = rn_col_real(st, 8),
                               .wall_ns = rn_col_int(st, 9),
                               .flop = rn_col_real(st, 10),
                               .text = {text ? text : "", (size_t)sqlite3_column_bytes(st, 11)}};
    if (x.run_id == 0 || x.problem_id == 0) return lost(m, "run or problem", err);
    rn_err why;
    int64_t id = 0, from = sqlite3_column_int64(st, 0);
    bool existed = false;
    int rc = rn_store_put_sample(m->out, &x, &id, &existed, &why);
    if (rc == RN_EEXIST) {
        rn_err_prefix(&why, "%s: %s", m->in->path, rn_col_text(st, 12));
        return conflict(m, rc, &why);
    }
    if (rc) {
        if (err) *err = why;
        return rc;
    }
    *(existed ? &m->stats->n_present : &m->stats->n_samples) += 1;
    rc = attached(m, m->verdicts, from, id, put_verdict, err);
    if (!rc) rc = attached(m, m->scores, from, id, put_score, err);
    int64_t n = m->stats->n_samples + m->stats->n_present;
    if (!rc && m->opts->on_progress && m->opts->on_progress(m->opts->user, n))
        rc = rn_fail(err, RN_ECANCELLED,
                     "interrupted; what was merged is stored, run again to go on");
    return rc;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static const struct table {
    const char *sql;
    int (*row)(merger *m, sqlite3_stmt *st, rn_err *err);
} tables[] = {
    {"SELECT id, name, hash FROM problem_set ORDER BY id", set_row},
    {"SELECT id, set_id, ord, task_id, prompt, prompt_tok FROM problem ORDER BY id", problem_row},
    {"SELECT id, name, file_sha, cost FROM model ORDER BY id", model_row},
    {"SELECT id, set_id, model_id, kind, preset, settings FROM run ORDER BY id", run_row},
    {"SELECT id, run_id, sha, name, format FROM source ORDER BY id", source_row},
    {"SELECT id, json FROM protocol ORDER BY id", protocol_row},
    {"SELECT id, name, json, lower_is_better FROM ranker ORDER BY id", ranker_row},
    {"SELECT c.run_id, c.problem_id, c.n, c.c, p.task_id FROM tally c"
     " JOIN problem p ON p.id = c.problem_id",
     count_row},
    {"SELECT run_id, k, value FROM curve", curve_row},
    {"SELECT model_id, hardware, s_per_sample, s_per_1000, flop_per_sample, json FROM profile",
     profile_row},
    {"SELECT s.id, s.run_id, s.problem_id, s.idx, s.source_id, s.prompt_tok, s.gen_tok, s.finish,"
     " s.logprob, s.wall_ns, s.flop, x.text, p.task_id FROM sample s"
     " JOIN sample_text x ON x.sample_id = s.id JOIN problem p ON p.id = s.problem_id ORDER BY "
     "s.id",
     sample_row},
    {"SELECT name, args, version, started_ms, ended_ms, status, note FROM command ORDER BY id",
     command_row},
};

static int prepare(merger *m, rn_err *err)
{
    int rc =
        rn_store_prepare(m->in,
                         "SELECT protocol_id, kind_id, judged_ms, n_tests, n_passed, failed_test,"
                         " cpu_ns, wall_ns, peak_bytes, detail, program_sha FROM verdict"
                         " WHERE sample_id = ?1",
                         &m->verdicts, err);
    if (!rc)
        rc = rn_store_prepare(m->in,
                              "SELECT ranker_id, score, sum, n_tok, wall_ns, flop, part, grp,"
                              " cpu_ns, n_runs FROM score"
                              " WHERE sample_id = ?1",
                              &m->scores, err);
    if (!rc)
        rc = rn_store_prepare(
            m->out, "SELECT judged_ms FROM verdict WHERE sample_id = ?1 AND protocol_id = ?2",
            &m->judged, err);
    return rc;
}

int rn_merge(rn_store *out, rn_store *in, const rn_merge_opts *opts, rn_merge_stats *stats,
             rn_err *err)
{
    merger m = {.out = out, .in = in, .opts = opts, .stats = stats};
    rn_err mine;
    if (!err) err = &mine;
    int rc = prepare(&m, err);
    if (!rc) rc = rn_store_begin(out, err);
    for (size_t i = 0; i < sizeof tables / sizeof tables[0] && !rc; i++)
        rc = each(&m, tables[i].sql, tables[i].row, err);
    int end = rn_store_in_tx(out) ? rn_store_commit(out, rc ? NULL : err) : 0;
    sqlite3_finalize(m.verdicts);
    sqlite3_finalize(m.scores);
    sqlite3_finalize(m.judged);
    id_map *maps[] = {&m.sets,    &m.problems,  &m.models, &m.runs,
                      &m.sources, &m.protocols, &m.rankers};
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++)
        map_free(maps[i]);
    return rc ? rc : end;
}
