/*
 * read.c: the walks. A walk takes a kept statement; one that runs inside another of the same kind
 * gets a statement of its own, so that walks nest and callbacks can put.
 *
 * Samples come in the order of (problem.ord, idx): the outer loop runs over the index
 * problem_order, the inner over the unique index of sample, so that nothing is sorted.
 */
#include "store/canon_priv.h"

#include "base/file.h"
#include "base/near.h"

/* The newest verdict: a few entries of one key range per sample. */
#define NEWEST(column)                                              \
    "(SELECT v." column " FROM verdict v WHERE v.sample_id = s.id " \
    "ORDER BY v.judged_ms DESC, v.protocol_id DESC LIMIT 1)"

int rn_store_each_run(rn_store *s, int (*fn)(void *user, const rn_store_run_row *r), void *user,
                      rn_err *err)
{
    rn_rows r;
    int rc = rn_rows_open(
        s, &r, err,
        "SELECT r.id, r.set_id, r.model_id,"
        " (SELECT count(*) FROM problem p WHERE p.set_id = r.set_id),"
        " (SELECT count(*) FROM problem p WHERE p.set_id = r.set_id AND ("
        "   EXISTS (SELECT 1 FROM sample s WHERE s.run_id = r.id AND s.problem_id = p.id) OR"
        "   EXISTS (SELECT 1 FROM tally c WHERE c.run_id = r.id AND c.problem_id = p.id))),"
        " (SELECT count(*) FROM sample s WHERE s.run_id = r.id),"
        " (SELECT count(*) FROM tally c WHERE c.run_id = r.id),"
        " (SELECT count(*) FROM curve c WHERE c.run_id = r.id),"
        " t.name, t.hash, m.name, m.file_sha, m.cost, r.kind, r.preset,"
        " rn_join(r.settings, r.provenance)"
        " FROM run r JOIN problem_set t ON t.id = r.set_id JOIN model m ON m.id = r.model_id"
        " ORDER BY r.id",
        "");
    while (rn_rows_step(&r, &rc, err)) {
        rn_store_run_row x;
        rn_rows_get(&r, "iiiiiiiitttttttt", &x.run_id, &x.set_id, &x.model_id, &x.n_set_problems,
                    &x.n_problems, &x.n_samples, &x.n_counts, &x.n_curve, &x.set_name, &x.set_hash,
                    &x.model_name, &x.model_sha, &x.model_cost, &x.kind, &x.preset, &x.settings);
        rc = fn(user, &x);
    }
    return rn_rows_close(&r, rc);
}

int rn_store_set_path(rn_store *s, const char *name, rn_arena *a, const char **path,
                      const char **hash, rn_err *err)
{
    rn_buf found[2] = {{0}};
    int rc = rn_sql_row(s, err,
                        "SELECT path, hash FROM problem_set WHERE name = ?1 AND path IS NOT NULL"
                        " ORDER BY id DESC LIMIT 1",
                        "t>ss", name, &found[0], &found[1]);
    *path = rc > 0 ? rn_arena_take(a, &found[0]) : NULL;
    *hash = rc > 0 ? rn_arena_take(a, &found[1]) : NULL;
    return rc <= 0 ? rc : *path && *hash ? 0 : rn_nomem(err, s->path);
}

int rn_store_name_of(rn_store *s, rn_store_noun noun, const char *asked, rn_arena *a,
                     const char **out, rn_err *err)
{
    static const char *const sql[] = {
        "SELECT DISTINCT name FROM problem_set WHERE id IN (SELECT set_id FROM run) ORDER BY id",
        "SELECT DISTINCT name FROM model WHERE id IN (SELECT model_id FROM run) ORDER BY id"};
    static const char *const what[] = {"problem set", "model"};
    const rn_bytes whole = rn_bytes_of(asked), stem = rn_file_stem(asked);
    const char *by_stem = NULL, *name = NULL, *found = NULL;
    rn_buf known = {0};
    rn_rows r;
    int rc = rn_rows_open(s, &r, err, sql[noun], "");
    if (rc) return rc;
    while (!found && (rc = rn_rows_next(&r, err)) > 0) {
        rn_rows_get(&r, "t", &name);
        if (rn_bytes_equal(rn_bytes_of(name), whole)) found = rn_arena_strdup(a, name);
        if (noun == RN_STORE_SET && !by_stem && rn_bytes_equal(rn_bytes_of(name), stem))
            by_stem = rn_arena_strdup(a, name);
        rn_buf_printf(&known, "%s%s", known.len ? ", " : "", name);
    }
    rc = rn_rows_close(&r, rc < 0 ? rc : 0); /* 1: found before the end */
    if (!found) found = by_stem;
    if (!rc && !rn_buf_ok(&known)) rc = rn_nomem(err, s->path);
    if (!rc && !known.len)
        rc =
            rn_fail(err, RN_ENOTFOUND,
                    "%s holds no samples; `ration generate` or `ration import` make some", s->path);
    char hint[RN_NEAR_HINT];
    if (!rc && !found)
        rc = rn_fail(err, RN_ENOTFOUND, "%s has no %s '%s'%s; it has %s", s->path, what[noun],
                     asked, rn_near_hint(asked, known.data, hint), known.data);
    rn_buf_free(&known);
    if (!rc) *out = found;
    return rc;
}

int rn_store_each_problem(rn_store *s, int64_t set_id,
                          int (*fn)(void *user, const rn_store_problem_row *r), void *user,
                          rn_err *err)
{
    rn_rows r;
    int rc = rn_rows_open(s, &r, err,
                          "SELECT id, ord, task_id, prompt, prompt_tok FROM problem"
                          " WHERE set_id = ?1 ORDER BY ord, id",
                          "i", set_id);
    while (rn_rows_step(&r, &rc, err)) {
        rn_store_problem_row x = {.x.set_id = set_id};
        rn_rows_get(&r, "iitwn", &x.problem_id, &x.x.ord, &x.x.task_id, &x.x.prompt,
                    &x.x.prompt_tok);
        rc = fn(user, &x);
    }
    return rn_rows_close(&r, rc);
}

/* ---- samples --------------------------------------------------------------------------------- */

/* CROSS JOIN fixes the order of the loops, and with it that of the rows. */
#define SAMPLES(column, join, where)                                                      \
    "SELECT p.id, p.task_id, p.ord, s.id, s.idx, s.text_bytes, s.prompt_tok, s.gen_tok,"  \
    " s.finish, s.logprob, s.wall_ns, s.flop, s.source_id, " NEWEST(                      \
        "kind_id") ", " column " FROM run r CROSS JOIN problem p ON p.set_id = r.set_id"  \
                   " CROSS JOIN sample s ON s.run_id = r.id AND s.problem_id = p.id" join \
                   " WHERE r.id = ?1"                                                     \
                   " AND " where " ORDER BY p.ord, p.id, s.idx"
#define WITHOUT_TEXT(where) SAMPLES("x''", "", where)
#define TEXT_OF_SAMPLE      " CROSS JOIN sample_text x ON x.sample_id = s.id"
#define WITH_TEXT(where)    SAMPLES("x.text", TEXT_OF_SAMPLE, where)

/* ?2: the ids of protocols as a JSON array, ?3: a ranker. */
#define ALL "?2 IS NULL AND ?3 IS NULL"
#define UNJUDGED                                                                                 \
    "?3 IS NULL AND NOT EXISTS (SELECT 1 FROM verdict v JOIN verdict_kind k ON k.id = v.kind_id" \
    " WHERE v.sample_id = s.id AND v.protocol_id IN (SELECT value FROM json_each(?2))"           \
    " AND k.name NOT IN ('sandbox_failure', 'missing_library'))"
#define UNSCORED                                                                \
    "?2 IS NULL AND NOT EXISTS (SELECT 1 FROM score c WHERE c.sample_id = s.id" \
    " AND c.ranker_id = ?3)"

int rn_store_each_sample(rn_store *s, const rn_store_samples *which,
                         int (*fn)(void *user, const rn_store_sample_row *r), void *user,
                         rn_err *err)
{
    static const char *const sql[3][2] = {{WITHOUT_TEXT(ALL), WITH_TEXT(ALL)},
                                          {WITHOUT_TEXT(UNJUDGED), WITH_TEXT(UNJUDGED)},
                                          {WITHOUT_TEXT(UNSCORED), WITH_TEXT(UNSCORED)}};
    const bool unjudged = which->unjudged_protocol > 0, unscored = which->unscored_ranker > 0;
    assert(!(unjudged && unscored));
    rn_buf protocols = {0};
    rn_rows r = {0};
    int rc = unjudged ? rn_store_versions(s, which->unjudged_protocol, &protocols, err) : 0;
    if (!rc)
        rc = rn_rows_open(s, &r, err,
                          sql[unjudged   ? 1
                              : unscored ? 2
                                         : 0][which->with_text],
                          "itn", which->run_id, protocols.data,
                          unscored ? which->unscored_ranker : INT64_C(-1));
    while (rn_rows_step(&r, &rc, err)) {
        rn_store_sample_row x = {.x.run_id = which->run_id};
        rn_rows_get(&r, "itiiiinntrnrivb", &x.x.problem_id, &x.task_id, &x.ord, &x.sample_id,
                    &x.x.idx, &x.text_bytes, &x.x.prompt_tok, &x.x.gen_tok, &x.x.finish,
                    &x.x.logprob, &x.x.wall_ns, &x.x.flop, &x.x.source_id, &x.verdict, &x.x.text);
        rc = fn(user, &x);
    }
    rc = rn_rows_close(&r, rc);
    rn_buf_free(&protocols);
    return rc;
}

int rn_store_sample_text(rn_store *s, int64_t sample_id, rn_buf *out, rn_err *err)
{
    rn_buf_clear(out);
    int rc = rn_sql_row(s, err, "SELECT text FROM sample_text WHERE sample_id = ?1", "i>s",
                        sample_id, out);
    if (rc == 0)
        return rn_fail(err, RN_ENOTFOUND, "%s: there is no text of sample %lld", s->path,
                       (long long)sample_id);
    return rc < 0 ? rc : rn_buf_ok(out) ? 0 : rn_nomem(err, s->path);
}

/* ---- verdicts -------------------------------------------------------------------------------- */

int rn_store_each_timed(rn_store *s, const rn_store_timed *which,
                        int (*fn)(void *user, const rn_store_timed_row *r), void *user, rn_err *err)
{
    rn_rows r;
    int rc = rn_rows_open(s, &r, err,
                          "SELECT v.kind_id, p.task_id, s.idx, v.cpu_ns"
                          " FROM run r CROSS JOIN problem p ON p.set_id = r.set_id"
                          " CROSS JOIN sample s ON s.run_id = r.id AND s.problem_id = p.id"
                          " CROSS JOIN verdict v ON v.sample_id = s.id AND v.protocol_id = ?2"
                          " WHERE r.id = ?1 AND v.cpu_ns >= ?3 ORDER BY p.ord, p.id, s.idx",
                          "iii", which->run_id, which->protocol_id, which->min_cpu_ns);
    while (rn_rows_step(&r, &rc, err)) {
        rn_store_timed_row x;
        int kind;
        rn_rows_get(&r, "vtii", &kind, &x.task_id, &x.idx, &x.cpu_ns);
        if (kind < 0) continue;
        x.verdict = (rn_verdict)kind;
        rc = fn(user, &x);
    }
    return rn_rows_close(&r, rc);
}

int rn_store_each_verdict(rn_store *s, int64_t sample_id,
                          int (*fn)(void *user, const rn_store_verdict_row *r), void *user,
                          rn_err *err)
{
    rn_rows r;
    int rc = rn_rows_open(s, &r, err,
                          "SELECT v.protocol_id, v.kind_id, v.judged_ms, v.n_tests, v.n_passed,"
                          " v.failed_test, v.cpu_ns, v.wall_ns, v.peak_bytes, v.detail,"
                          " v.program_sha, rn_join(p.json, p.provenance)"
                          " FROM verdict v JOIN protocol p ON p.id = v.protocol_id"
                          " WHERE v.sample_id = ?1"
                          " ORDER BY v.judged_ms DESC, v.protocol_id DESC",
                          "i", sample_id);
    while (rn_rows_step(&r, &rc, err)) {
        rn_store_verdict_row x = {.x.sample_id = sample_id};
        int kind;
        rn_rows_get(&r, "ivinnnnnntht", &x.x.protocol_id, &kind, &x.judged_ms, &x.x.n_tests,
                    &x.x.n_passed, &x.x.failed_test, &x.x.cpu_ns, &x.x.wall_ns, &x.x.peak_bytes,
                    &x.x.detail, x.x.program_sha, &x.protocol);
        if (kind < 0) continue;
        x.x.verdict = (rn_verdict)kind;
        rc = fn(user, &x);
    }
    return rn_rows_close(&r, rc);
}

int rn_store_each_pair(rn_store *s, int64_t run_id, bool extra,
                       int (*fn)(void *user, const rn_store_pair_row *r), void *user, rn_err *err)
{
    rn_rows r;
    int rc = rn_rows_open(
        s, &r, err,
        "SELECT p.task_id, s.id, s.idx, v.kind_id, w.kind_id, v.detail, w.detail, o.json"
        " FROM run r CROSS JOIN problem p ON p.set_id = r.set_id"
        " CROSS JOIN sample s ON s.run_id = r.id AND s.problem_id = p.id"
        " CROSS JOIN verdict w ON w.sample_id = s.id AND w.protocol_id ="
        "  (SELECT x.protocol_id FROM verdict x JOIN protocol t ON t.id = x.protocol_id"
        "   WHERE x.sample_id = s.id AND x.judged_ms <= 0 AND"
        "   (ifnull(json_extract(t.json, '$.tests'), '') = 'base+extra') = ?2"
        "   ORDER BY x.protocol_id DESC LIMIT 1)"
        " JOIN protocol o ON o.id = w.protocol_id"
        " CROSS JOIN verdict v ON v.sample_id = s.id AND v.protocol_id ="
        "  (SELECT x.protocol_id FROM verdict x JOIN verdict_kind k ON k.id = x.kind_id"
        "   JOIN protocol t ON t.id = x.protocol_id"
        "   WHERE x.sample_id = s.id AND x.judged_ms > 0 AND k.family <> 'S' AND"
        "   (ifnull(json_extract(t.json, '$.tests'), '') = 'base+extra') = ?2"
        "   ORDER BY x.judged_ms DESC, x.protocol_id DESC LIMIT 1)"
        " WHERE r.id = ?1 ORDER BY p.ord, p.id, s.idx",
        "ii", run_id, (int64_t)extra);
    while (rn_rows_step(&r, &rc, err)) {
        rn_store_pair_row x;
        int ours, theirs;
        rn_rows_get(&r, "tiivvttt", &x.task_id, &x.sample_id, &x.idx, &ours, &theirs, &x.our_detail,
                    &x.their_detail, &x.their_protocol);
        if (ours < 0 || theirs < 0) continue;
        x.ours = (rn_verdict)ours;
        x.theirs = (rn_verdict)theirs;
        x.differ = (x.ours == RN_V_PASSED) != (x.theirs == RN_V_PASSED);
        rc = fn(user, &x);
    }
    return rn_rows_close(&r, rc);
}

/* The protocol of the newest verdict, of all (?2 = 0), under the base tests (-1) or others (-2). */
#define NEWEST_PROTOCOL                                                            \
    "(SELECT v.protocol_id FROM verdict v JOIN protocol t ON t.id = v.protocol_id" \
    " WHERE v.sample_id = s.id AND (?2 = 0 OR"                                     \
    " (ifnull(json_extract(t.json, '$.tests'), '') = 'base') = (?2 = -1))"         \
    " ORDER BY v.judged_ms DESC, v.protocol_id DESC LIMIT 1)"

int rn_store_each_protocol(rn_store *s, int64_t run_id, int64_t tests,
                           int (*fn)(void *user, int64_t protocol_id, const char *json,
                                     int64_t n_verdicts),
                           void *user, rn_err *err)
{
    rn_rows r;
    int rc = rn_rows_open(s, &r, err,
                          "SELECT p.id, rn_join(p.json, p.provenance), n.n FROM"
                          " (SELECT " NEWEST_PROTOCOL " AS id, count(*) AS n"
                          "  FROM sample s WHERE s.run_id = ?1 GROUP BY 1) n"
                          " JOIN protocol p ON p.id = n.id ORDER BY n.n, p.id",
                          "ii", run_id, tests);
    while (rn_rows_step(&r, &rc, err)) {
        int64_t id, n;
        const char *json;
        rn_rows_get(&r, "iti", &id, &json, &n);
        rc = fn(user, id, json, n);
    }
    return rn_rows_close(&r, rc);
}

/* ---- versions of a protocol ------------------------------------------------------------------ */

/* `solve` of 0.1.0 took programs by an extractor of its own for texts that `judge` reads by the
 * preset's: its verdicts stand for either, and their label says which it was. */
#define BY_OLD_SOLVE "provenance = '{\"source\":\"ration solve\",\"version\":\"0.1.0\"}'"

static bool is_older(const rn_protocol_family *x, const rn_protocol_family *than, bool old_solve)
{
    return x->judge <= than->judge && strcmp(x->text.data, than->text.data) == 0 &&
           (old_solve || (x->extractor_version <= than->extractor_version &&
                          strcmp(x->extractor, than->extractor) == 0));
}

int rn_store_versions(rn_store *s, int64_t protocol_id, rn_buf *ids, rn_err *err)
{
    rn_rows r;
    rn_protocol_family own = {.judge = 1}, other = {.judge = 1};
    rn_buf_clear(ids);
    /* The protocol itself comes first. */
    int rc = rn_rows_open(s, &r, err,
                          "SELECT id, json, " BY_OLD_SOLVE " FROM protocol ORDER BY id <> ?1, id",
                          "i", protocol_id);
    while (rn_rows_step(&r, &rc, err)) {
        int64_t id;
        const char *json;
        bool old_solve, first = ids->len == 0;
        rn_rows_get(&r, "itf", &id, &json, &old_solve);
        bool known = rn_identity_family(json, first ? &own : &other, NULL) == 0;
        if (first && id == protocol_id)
            rn_buf_printf(ids, "[%lld", (long long)id);
        else if (!first && known && own.text.len && is_older(&other, &own, old_solve))
            rn_buf_printf(ids, ",%lld", (long long)id);
    }
    rn_buf_puts(ids, ids->len ? "]" : "[]");
    rn_buf_free(&own.text);
    rn_buf_free(&other.text);
    rc = rn_rows_close(&r, rc);
    return rc ? rc : rn_buf_ok(ids) ? 0 : rn_nomem(err, s->path);
}

int rn_store_stands_for(rn_store *s, int64_t was, int64_t now, bool *yes, rn_err *err)
{
    rn_buf ids = {0};
    int64_t n = 0;
    int rc = rn_store_versions(s, now, &ids, err);
    if (!rc)
        rc = rn_sql_row(s, err, "SELECT count(*) FROM json_each(?1) WHERE value = ?2", "ti>i",
                        ids.data, was, &n);
    rn_buf_free(&ids);
    *yes = n > 0;
    return rc < 0 ? rc : 0;
}

/* ---- rankers, curves, profiles --------------------------------------------------------------- */

int rn_store_each_ranker(rn_store *s, int64_t run_id,
                         int (*fn)(void *user, const rn_store_ranker_row *r), void *user,
                         rn_err *err)
{
    rn_rows r;
    int rc =
        rn_rows_open(s, &r, err,
                     "SELECT k.id, k.name, rn_join(k.json, k.provenance), k.lower_is_better, n.n"
                     " FROM (SELECT c.ranker_id AS id, count(*) AS n"
                     "  FROM sample s CROSS JOIN score c ON c.sample_id = s.id"
                     "  WHERE s.run_id = ?1 GROUP BY c.ranker_id) n"
                     " JOIN ranker k ON k.id = n.id ORDER BY k.id",
                     "i", run_id);
    while (rn_rows_step(&r, &rc, err)) {
        rn_store_ranker_row x;
        rn_rows_get(&r, "ittfi", &x.ranker_id, &x.name, &x.json, &x.lower_is_better, &x.n_scores);
        rc = fn(user, &x);
    }
    return rn_rows_close(&r, rc);
}

int rn_store_each_curve(rn_store *s, int64_t run_id, int (*fn)(void *user, int64_t k, double value),
                        void *user, rn_err *err)
{
    rn_rows r;
    int rc = rn_rows_open(s, &r, err, "SELECT k, value FROM curve WHERE run_id = ?1 ORDER BY k",
                          "i", run_id);
    while (rn_rows_step(&r, &rc, err)) {
        int64_t k;
        double value;
        rn_rows_get(&r, "ir", &k, &value);
        rc = fn(user, k, value);
    }
    return rn_rows_close(&r, rc);
}

int rn_store_each_profile(rn_store *s,
                          int (*fn)(void *user, const char *model_name, const rn_store_profile *p),
                          void *user, rn_err *err)
{
    rn_rows r;
    int rc = rn_rows_open(s, &r, err,
                          "SELECT m.name, p.model_id, p.hardware, p.s_per_sample, p.s_per_1000,"
                          " p.flop_per_sample, p.json FROM profile p"
                          " JOIN model m ON m.id = p.model_id ORDER BY p.model_id, p.hardware",
                          "");
    while (rn_rows_step(&r, &rc, err)) {
        rn_store_profile x;
        const char *name;
        rn_rows_get(&r, "titrrrt", &name, &x.model_id, &x.hardware, &x.s_per_sample, &x.s_per_1000,
                    &x.flop_per_sample, &x.json);
        rc = fn(user, name, &x);
    }
    return rn_rows_close(&r, rc);
}

/* ---- ration.h -------------------------------------------------------------------------------- */

typedef struct run_walk {
    int (*fn)(void *user, const rn_run_info *run);
    void *user;
} run_walk;

static int tell_run(void *user, const rn_store_run_row *r)
{
    const run_walk *w = user;
    const rn_run_info info = {.run_id = r->run_id,
                              .n_problems = r->n_problems,
                              .n_samples = r->n_samples,
                              .set = r->set_name,
                              .model = r->model_name,
                              .kind = r->kind,
                              .settings = r->settings};
    return w->fn(w->user, &info);
}

int rn_store_runs(rn_store *s, int (*fn)(void *user, const rn_run_info *run), void *user,
                  rn_err *err)
{
    run_walk w = {fn, user};
    return rn_store_each_run(s, tell_run, &w, err);
}

int rn_store_counts(rn_store *s, int64_t run_id, int64_t **n, int64_t **c, size_t *n_problems,
                    rn_err *err)
{
    rn_arena arena = {0};
    rn_store_outcome *o = NULL;
    size_t count = 0;
    int rc = rn_store_outcomes(s, run_id, 0, &arena, &o, &count, err);
    int64_t *ns = rc ? NULL : calloc(count + 1, sizeof *ns);
    int64_t *cs = rc ? NULL : calloc(count + 1, sizeof *cs);
    if (!rc && (!ns || !cs)) rc = rn_nomem(err, "counts of a run");
    for (size_t i = 0; !rc && i < count; i++) {
        ns[i] = o[i].n;
        cs[i] = o[i].c;
    }
    rn_arena_free(&arena);
    if (rc) {
        free(ns);
        free(cs);
        return rc;
    }
    *n = ns;
    *c = cs;
    *n_problems = count;
    return 0;
}
