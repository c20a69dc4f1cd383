/*
 * merge.c: copies the rows of one store into another, table by table, ids translated on the way.
 *
 * Small tables are read whole into id maps. Samples stream in the order of their ids, and beside
 * them their verdicts and scores, which lie in the same order: three walks that advance together,
 * each reading its table once. What is there is committed ten times a second. A verdict of our own
 * replaces an older one under the same protocol only if it was judged later, so that the order of
 * the inputs does not matter.
 */
#include "store/merge.h"

#include "store/split.h"
#include "store/store_priv.h"

/* Ids of one table: pairs of (in the input, in the output), sorted by the first. */
typedef struct id_pair {
    int64_t from, to;
} id_pair;
typedef RN_VEC(id_pair) id_map;

typedef struct merger {
    rn_store *out, *in;
    const rn_merge_opts *opts;
    rn_merge_stats *stats;
    id_map sets, problems, models, runs, sources, protocols, rankers;
    rn_rows samples, verdicts, scores;
    int64_t verdict_of,
        score_of; /* the sample that the row of that walk belongs to; INT64_MAX: end */
} merger;

/* 0 if the id is not there: the input refers to a row that it does not have. */
static int64_t map_get(const id_map *m, int64_t from)
{
    size_t lo = 0, hi = m->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (m->data[mid].from < from)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < m->n && m->data[lo].from == from ? m->data[lo].to : 0;
}

static int keep(merger *m, id_map *map, int64_t from, int64_t to, rn_err *err)
{
    return rn_vec_push(map, ((id_pair){from, to})) ? 0 : rn_nomem(err, m->in->path);
}

static int conflict(merger *m, int rc, const rn_err *err)
{
    if (rc != RN_EEXIST) return rc;
    m->stats->n_conflicts++;
    if (m->opts->on_conflict) m->opts->on_conflict(m->opts->user, err->msg);
    return 0;
}

static int lost(const merger *m, const char *what, rn_err *err)
{
    return rn_fail(err, RN_EFORMAT, "%s is damaged: a row refers to a %s that is not there",
                   m->in->path, what);
}

/* ---- small tables ---------------------------------------------------------------------------- */

static int set_row(merger *m, const rn_rows *r, rn_err *err)
{
    int64_t from, id;
    rn_store_set x;
    rn_rows_get(r, "ittw", &from, &x.name, &x.hash, &x.path);
    int rc = rn_store_put_set(m->out, &x, &id, err);
    return rc ? rc : keep(m, &m->sets, from, id, err);
}

static int problem_row(merger *m, const rn_rows *r, rn_err *err)
{
    int64_t from, set, id;
    rn_store_problem x;
    rn_rows_get(r, "iiitwn", &from, &set, &x.ord, &x.task_id, &x.prompt, &x.prompt_tok);
    x.set_id = map_get(&m->sets, set);
    if (x.set_id == 0) return lost(m, "set", err);
    int rc = rn_store_put_problem(m->out, &x, &id, err);
    return rc ? rc : keep(m, &m->problems, from, id, err);
}

static int model_row(merger *m, const rn_rows *r, rn_err *err)
{
    int64_t from, id;
    rn_store_model x;
    rn_rows_get(r, "ittt", &from, &x.name, &x.file_sha, &x.cost);
    int rc = rn_store_put_model(m->out, &x, &id, err);
    return rc ? rc : keep(m, &m->models, from, id, err);
}

static int run_row(merger *m, const rn_rows *r, rn_err *err)
{
    int64_t from, set, model, id;
    rn_store_run x;
    rn_rows_get(r, "iiittt", &from, &set, &model, &x.kind, &x.preset, &x.settings);
    x.set_id = map_get(&m->sets, set);
    x.model_id = map_get(&m->models, model);
    if (x.set_id == 0 || x.model_id == 0) return lost(m, "set or model", err);
    int rc = rn_store_put_run(m->out, &x, &id, err);
    return rc ? rc : keep(m, &m->runs, from, id, err);
}

static int source_row(merger *m, const rn_rows *r, rn_err *err)
{
    int64_t from, run, id;
    bool done;
    rn_store_source x;
    rn_rows_get(r, "iittt", &from, &run, &x.sha, &x.name, &x.format);
    x.run_id = map_get(&m->runs, run);
    if (x.run_id == 0) return lost(m, "run", err);
    int rc = rn_store_put_source(m->out, &x, &id, &done, err);
    return rc ? rc : keep(m, &m->sources, from, id, err);
}

static int protocol_row(merger *m, const rn_rows *r, rn_err *err)
{
    int64_t from, id;
    const char *json;
    rn_rows_get(r, "it", &from, &json);
    int rc = rn_store_put_protocol(m->out, json, &id, err);
    return rc ? rc : keep(m, &m->protocols, from, id, err);
}

static int ranker_row(merger *m, const rn_rows *r, rn_err *err)
{
    int64_t from, id;
    const char *name, *json;
    bool lower;
    rn_rows_get(r, "ittf", &from, &name, &json, &lower);
    int rc = rn_store_put_ranker(m->out, name, json, lower, &id, err);
    return rc ? rc : keep(m, &m->rankers, from, id, err);
}

static int count_row(merger *m, const rn_rows *r, rn_err *err)
{
    int64_t run, problem, n, c;
    const char *task_id;
    rn_rows_get(r, "iiiit", &run, &problem, &n, &c, &task_id);
    run = map_get(&m->runs, run);
    problem = map_get(&m->problems, problem);
    if (run == 0 || problem == 0) return lost(m, "run or problem", err);
    int rc = rn_store_put_count(m->out, run, problem, n, c, err);
    if (rc) rc = rn_err_prefix(err, "%s: %s", m->in->path, task_id);
    return conflict(m, rc, err);
}

static int curve_row(merger *m, const rn_rows *r, rn_err *err)
{
    int64_t run, k;
    double value;
    rn_rows_get(r, "iir", &run, &k, &value);
    run = map_get(&m->runs, run);
    if (run == 0) return lost(m, "run", err);
    int rc = rn_store_put_curve(m->out, run, k, value, err);
    if (rc) rc = rn_err_prefix(err, "%s", m->in->path);
    return conflict(m, rc, err);
}

static int profile_row(merger *m, const rn_rows *r, rn_err *err)
{
    int64_t model;
    rn_store_profile x;
    rn_rows_get(r, "itrrrt", &model, &x.hardware, &x.s_per_sample, &x.s_per_1000,
                &x.flop_per_sample, &x.json);
    x.model_id = map_get(&m->models, model);
    if (x.model_id == 0) return lost(m, "model", err);
    return rn_store_put_profile(m->out, &x, err);
}

/* The ledgers of the inputs follow that of the output; a row that is there is not repeated. */
static int command_row(merger *m, const rn_rows *r, rn_err *err)
{
    const char *name, *args, *version, *note;
    int64_t started, ended, status;
    rn_rows_get(r, "tttinnw", &name, &args, &version, &started, &ended, &status, &note);
    return rn_sql_run(m->out, err,
                      "INSERT INTO command (name, args, version, started_ms, ended_ms, status,"
                      " note) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE NOT EXISTS (SELECT 1 FROM"
                      " command WHERE name = ?1 AND args = ?2 AND started_ms = ?4)",
                      "tttinnt", name, args, version, started, ended, status, note);
}

static const struct table {
    const char *sql;
    int (*row)(merger *m, const rn_rows *r, rn_err *err);
} tables[] = {
    {"SELECT id, name, hash, path FROM problem_set ORDER BY id", set_row},
    {"SELECT id, set_id, ord, task_id, prompt, prompt_tok FROM problem ORDER BY id", problem_row},
    {"SELECT id, name, file_sha, cost FROM model ORDER BY id", model_row},
    {"SELECT id, set_id, model_id, kind, preset, rn_join(settings, provenance) FROM run"
     " ORDER BY id",
     run_row},
    {"SELECT id, run_id, sha, name, format FROM source ORDER BY id", source_row},
    {"SELECT id, rn_join(json, provenance) FROM protocol ORDER BY id", protocol_row},
    {"SELECT id, name, rn_join(json, provenance), lower_is_better FROM ranker ORDER BY id",
     ranker_row},
    {"SELECT c.run_id, c.problem_id, c.n, c.c, p.task_id FROM tally c"
     " JOIN problem p ON p.id = c.problem_id",
     count_row},
    {"SELECT run_id, k, value FROM curve", curve_row},
    {"SELECT model_id, hardware, s_per_sample, s_per_1000, flop_per_sample, json FROM profile",
     profile_row},
    {"SELECT name, args, version, started_ms, ended_ms, status, note FROM command ORDER BY id",
     command_row},
};

static int each_row(merger *m, const struct table *t, rn_err *err)
{
    rn_rows r;
    int rc = rn_rows_open(m->in, &r, err, t->sql, "");
    while (rn_rows_step(&r, &rc, err)) {
        rc = t->row(m, &r, err);
        if (!rc) rc = rn_store_tick(m->out, err);
    }
    return rn_rows_close(&r, rc);
}

/* ---- samples --------------------------------------------------------------------------------- */

/* The next row of a walk beside the samples; *of: the sample that it belongs to. */
static int advance(rn_rows *r, int64_t *of, rn_err *err)
{
    int rc = rn_rows_next(r, err);
    *of = rc > 0 ? sqlite3_column_int64(r->st, 0) : INT64_MAX;
    return rc < 0 ? rc : 0;
}

static int verdict_row(merger *m, int64_t sample, rn_err *err)
{
    int kind;
    int64_t protocol, judged_ms;
    bool changed = false;
    rn_store_verdict v = {.sample_id = sample};
    rn_rows_get(&m->verdicts, "-ivinnnnnnth", &protocol, &kind, &judged_ms, &v.n_tests, &v.n_passed,
                &v.failed_test, &v.cpu_ns, &v.wall_ns, &v.peak_bytes, &v.detail, v.program_sha);
    v.protocol_id = map_get(&m->protocols, protocol);
    v.verdict = (rn_verdict)kind;
    if (kind < 0 || v.protocol_id == 0) return lost(m, "protocol or kind of verdict", err);
    int rc = rn_store_put_later_verdict(m->out, &v, judged_ms, &changed, err);
    m->stats->n_verdicts += changed;
    return rc;
}

/* The first score that comes stays; another one under the same ranker is a conflict. fresh: the
 * sample is new in the output, so that none can be there. */
static int score_row(merger *m, int64_t sample, bool fresh, rn_err *err)
{
    int64_t ranker;
    rn_store_parts parts;
    rn_store_score x = {.sample_id = sample, .parts = &parts};
    rn_rows_get(&m->scores, "-irrnnrrinnb", &ranker, &x.score, &x.sum, &x.n_tok, &x.wall_ns,
                &x.flop, &parts.part, &parts.group, &parts.cpu_ns, &parts.n_runs, &parts.votes);
    x.ranker_id = map_get(&m->rankers, ranker);
    if (x.ranker_id == 0) return lost(m, "ranker", err);
    bool same = true;
    int rc = fresh ? 0
                   : rn_sql_row(m->out, err,
                                "SELECT score IS ?3 FROM score WHERE sample_id = ?1 AND"
                                " ranker_id = ?2",
                                "iir>f", sample, x.ranker_id, x.score, &same);
    if (rc < 0) return rc;
    if (!same)
        rc = rn_fail(err, RN_EEXIST, "%s: a sample has another score under ranker %lld of %s",
                     m->in->path, (long long)x.ranker_id, m->out->path);
    if (rc) return conflict(m, rc < 0 ? rc : 0, err);
    m->stats->n_scores++;
    return rn_store_put_score(m->out, &x, err);
}

/* What hangs on the sample `from` of the input; to: in the output, 0 when it was left out. */
static int attached(merger *m, int64_t from, int64_t to, bool fresh, rn_err *err)
{
    int rc = 0;
    while (!rc && m->verdict_of <= from) {
        if (m->verdict_of == from && to) rc = verdict_row(m, to, err);
        if (!rc) rc = advance(&m->verdicts, &m->verdict_of, err);
    }
    while (!rc && m->score_of <= from) {
        if (m->score_of == from && to) rc = score_row(m, to, fresh, err);
        if (!rc) rc = advance(&m->scores, &m->score_of, err);
    }
    return rc;
}

/* A text that differs, with the name of its problem. */
static int text_conflict(merger *m, int64_t problem, rn_err *err)
{
    rn_buf task_id = {0};
    if (rn_sql_row(m->in, NULL, "SELECT task_id FROM problem WHERE id = ?1", "i>s", problem,
                   &task_id) >= 0)
        rn_err_prefix(err, "%s: %s", m->in->path, task_id.data ? task_id.data : "");
    rn_buf_free(&task_id);
    return conflict(m, RN_EEXIST, err);
}

static int sample_row(merger *m, rn_err *err)
{
    int64_t from, run, problem, source, id = 0;
    rn_store_sample x;
    rn_rows_get(&m->samples, "iiiiinntrnrb", &from, &run, &problem, &x.idx, &source, &x.prompt_tok,
                &x.gen_tok, &x.finish, &x.logprob, &x.wall_ns, &x.flop, &x.text);
    x.run_id = map_get(&m->runs, run);
    x.problem_id = map_get(&m->problems, problem);
    x.source_id = map_get(&m->sources, source);
    if (x.run_id == 0 || x.problem_id == 0) return lost(m, "run or problem", err);
    bool existed = false;
    int rc = rn_store_put_sample(m->out, &x, &id, &existed, err);
    if (rc == RN_EEXIST) {
        rc = text_conflict(m, problem, err);
        return rc ? rc : attached(m, from, 0, false, err);
    }
    if (rc) return rc;
    *(existed ? &m->stats->n_present : &m->stats->n_samples) += 1;
    rc = attached(m, from, id, !existed, err);
    int64_t n = m->stats->n_samples + m->stats->n_present;
    if (!rc && m->opts->on_progress && m->opts->on_progress(m->opts->user, n))
        rc = rn_fail(err, RN_ECANCELLED,
                     "interrupted; what was merged is stored, run again to go on");
    return rc;
}

static int open_walks(merger *m, rn_err *err)
{
    int rc = rn_rows_open(
        m->in, &m->samples, err,
        "SELECT s.id, s.run_id, s.problem_id, s.idx, s.source_id, s.prompt_tok, s.gen_tok,"
        " s.finish, s.logprob, s.wall_ns, s.flop, x.text FROM sample s CROSS JOIN sample_text x"
        " ON x.sample_id = s.id ORDER BY s.id",
        "");
    if (!rc)
        rc = rn_rows_open(m->in, &m->verdicts, err,
                          "SELECT sample_id, protocol_id, kind_id, judged_ms, n_tests, n_passed,"
                          " failed_test, cpu_ns, wall_ns, peak_bytes, detail, program_sha"
                          " FROM verdict ORDER BY sample_id",
                          "");
    if (!rc)
        rc = rn_rows_open(m->in, &m->scores, err,
                          "SELECT sample_id, ranker_id, score, sum, n_tok, wall_ns, flop, part,"
                          " grp, cpu_ns, n_runs, votes FROM score ORDER BY sample_id",
                          "");
    if (!rc) rc = advance(&m->verdicts, &m->verdict_of, err);
    if (!rc) rc = advance(&m->scores, &m->score_of, err);
    return rc;
}

static int each_sample(merger *m, rn_err *err)
{
    int rc = open_walks(m, err);
    while (rn_rows_step(&m->samples, &rc, err)) {
        rc = sample_row(m, err);
        if (!rc) rc = rn_store_tick(m->out, err);
    }
    rn_rows *walks[] = {&m->samples, &m->verdicts, &m->scores};
    for (size_t i = 0; i < sizeof walks / sizeof walks[0]; i++)
        if (walks[i]->st) rn_rows_close(walks[i], 0);
    return rc;
}

int rn_merge(rn_store *out, rn_store *in, const rn_merge_opts *opts, rn_merge_stats *stats,
             rn_err *err)
{
    merger m = {.out = out, .in = in, .opts = opts, .stats = stats};
    rn_err mine;
    if (!err) err = &mine;
    int rc = rn_split_check(out, in, err);
    if (!rc) rc = rn_store_begin(out, err);
    if (rc) return rc;
    /* The ledger comes last: it says that the rest is here. */
    size_t n = sizeof tables / sizeof tables[0];
    for (size_t i = 0; i + 1 < n && !rc; i++)
        rc = each_row(&m, &tables[i], err);
    if (!rc) rc = each_sample(&m, err);
    if (!rc) rc = each_row(&m, &tables[n - 1], err);
    int end = rn_store_in_tx(out) ? rn_store_commit(out, rc ? NULL : err) : 0;
    id_map *maps[] = {&m.sets,    &m.problems,  &m.models, &m.runs,
                      &m.sources, &m.protocols, &m.rankers};
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++)
        rn_vec_free(maps[i]);
    return rc ? rc : end;
}
