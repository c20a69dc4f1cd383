/*
 * put.c: writing. Each put finds its row by identity, inserts it if it is not there, and says
 * RN_EEXIST when the row is there with other content that may not be replaced.
 *
 * What names a run, a ranker or a protocol is split here and nowhere else (canon_priv.h): the
 * identity finds the row, the provenance is added to what stands beside it.
 * A sample is two rows (numbers and text), so a put outside of a transaction opens one of its own.
 */
#include "store/canon_priv.h"

#include "base/clock.h"

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

/* What rn_sql_row found, as the end of a put: 0, or its error. */
static int found(int rc)
{
    return rc < 0 ? rc : 0;
}

static int find_or_add_set(rn_store *s, const rn_store_set *x, int64_t *set_id, rn_err *err)
{
    const char *hash = or_empty(x->hash);
    int rc = rn_sql_row(s, err, "SELECT id FROM problem_set WHERE name = ?1 AND hash = ?2", "tt>i",
                        x->name, hash, set_id);
    if (rc) return found(rc);
    /* The same set, known by its ids only on one of the two sides. */
    rc = rn_sql_row(s, err,
                    "SELECT min(id) FROM problem_set WHERE name = ?1 AND (?2 = '' OR hash = '')"
                    " HAVING count(*) = 1",
                    "tt>i", x->name, hash, set_id);
    if (rc < 0 || (rc && !*hash)) return found(rc);
    if (rc)
        return rn_sql_run(s, err, "UPDATE problem_set SET hash = ?2 WHERE id = ?1", "it", *set_id,
                          hash);
    rc = rn_sql_run(s, err, "INSERT INTO problem_set (name, hash) VALUES (?1, ?2)", "tt", x->name,
                    hash);
    if (!rc) *set_id = sqlite3_last_insert_rowid(s->db);
    return rc;
}

int rn_store_put_set(rn_store *s, const rn_store_set *x, int64_t *set_id, rn_err *err)
{
    int rc = find_or_add_set(s, x, set_id, err);
    if (rc || !x->path) return rc;
    bool known;
    rc = rn_sql_row(s, err, "SELECT path IS ?2 FROM problem_set WHERE id = ?1", "it>f", *set_id,
                    x->path, &known);
    if (rc < 0 || known) return found(rc);
    return rn_sql_run(s, err, "UPDATE problem_set SET path = ?2 WHERE id = ?1", "it", *set_id,
                      x->path);
}

int rn_store_put_problem(rn_store *s, const rn_store_problem *p, int64_t *problem_id, rn_err *err)
{
    bool no_prompt, no_tok;
    int rc = rn_sql_row(s, err,
                        "SELECT id, prompt IS NULL, prompt_tok IS NULL FROM problem"
                        " WHERE set_id = ?1 AND task_id = ?2",
                        "it>iff", p->set_id, p->task_id, problem_id, &no_prompt, &no_tok);
    if (rc < 0) return rc;
    if (rc) {
        /* What was unknown is filled in; its place is that of the put that brought the prompt. */
        bool fill = (p->prompt && no_prompt) || (p->prompt_tok >= 0 && no_tok);
        return !fill ? 0
                     : rn_sql_run(s, err,
                                  "UPDATE problem SET prompt = ifnull(?2, prompt),"
                                  " prompt_tok = ifnull(?3, prompt_tok), ord = ?4 WHERE id = ?1",
                                  "itni", *problem_id, p->prompt, p->prompt_tok, p->ord);
    }
    rc = rn_sql_run(s, err,
                    "INSERT INTO problem (set_id, ord, task_id, prompt, prompt_tok)"
                    " VALUES (?1, ?2, ?3, ?4, ?5)",
                    "iittn", p->set_id, p->ord, p->task_id, p->prompt, p->prompt_tok);
    if (!rc) *problem_id = sqlite3_last_insert_rowid(s->db);
    return rc;
}

int rn_store_put_model(rn_store *s, const rn_store_model *m, int64_t *model_id, rn_err *err)
{
    const char *cost = or_empty(m->cost);
    bool other;
    int rc =
        rn_sql_row(s, err, "SELECT id, cost <> ?3 FROM model WHERE name = ?1 AND file_sha = ?2",
                   "ttt>if", m->name, or_empty(m->file_sha), cost, model_id, &other);
    if (rc < 0) return rc;
    if (rc)
        return !other || !*cost ? 0
                                : rn_sql_run(s, err, "UPDATE model SET cost = ?2 WHERE id = ?1",
                                             "it", *model_id, cost);
    rc = rn_sql_run(s, err, "INSERT INTO model (name, file_sha, cost) VALUES (?1, ?2, ?3)", "ttt",
                    m->name, or_empty(m->file_sha), cost);
    if (!rc) *model_id = sqlite3_last_insert_rowid(s->db);
    return rc;
}

/* ---- what has an identity and a provenance --------------------------------------------------- */

typedef struct named {
    rn_buf identity, provenance;
} named;

static int split(named *x, const char *json, rn_err *err)
{
    *x = (named){.identity = {0}};
    return rn_identity_split(json, &x->identity, &x->provenance, err);
}

static void drop(named *x)
{
    rn_buf_free(&x->identity);
    rn_buf_free(&x->provenance);
}

/* The provenance of a row that is there grows by what is new; the two statements read and write it
 * by id. */
static int unite(rn_store *s, const named *x, const char *select, const char *update, int64_t id,
                 rn_err *err)
{
    rn_buf both = {0}, old = {0};
    rn_buf_puts(&old, "");
    int rc = rn_sql_row(s, err, select, "i>s", id, &old);
    if (rc > 0)
        rc = rn_buf_ok(&old) ? rn_identity_unite(old.data, x->provenance.data, &both, err)
                             : rn_nomem(err, s->path);
    if (!rc && both.len && strcmp(both.data, old.data) != 0)
        rc = rn_sql_run(s, err, update, "it", id, both.data);
    rn_buf_free(&old);
    rn_buf_free(&both);
    return rc;
}

int rn_store_put_run(rn_store *s, const rn_store_run *r, int64_t *run_id, rn_err *err)
{
    named x;
    int rc = split(&x, r->settings, err);
    if (!rc)
        rc = rn_sql_row(s, err,
                        "SELECT id FROM run WHERE set_id = ?1 AND model_id = ?2 AND kind = ?3"
                        " AND preset = ?4 AND settings = ?5",
                        "iittt>i", r->set_id, r->model_id, r->kind, or_empty(r->preset),
                        x.identity.data, run_id);
    if (rc > 0) {
        rc = unite(s, &x, "SELECT provenance FROM run WHERE id = ?1",
                   "UPDATE run SET provenance = ?2 WHERE id = ?1", *run_id, err);
    } else if (rc == 0) {
        rc = rn_sql_run(s, err,
                        "INSERT INTO run (set_id, model_id, kind, preset, settings, provenance)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                        "iitttt", r->set_id, r->model_id, r->kind, or_empty(r->preset),
                        x.identity.data, x.provenance.data);
        if (!rc) *run_id = sqlite3_last_insert_rowid(s->db);
    }
    drop(&x);
    return rc;
}

int rn_store_put_protocol(rn_store *s, const char *json, int64_t *protocol_id, rn_err *err)
{
    named x;
    int rc = split(&x, json, err);
    if (!rc)
        rc = rn_sql_row(s, err, "SELECT id FROM protocol WHERE json = ?1", "t>i", x.identity.data,
                        protocol_id);
    if (rc > 0) {
        rc = unite(s, &x, "SELECT provenance FROM protocol WHERE id = ?1",
                   "UPDATE protocol SET provenance = ?2 WHERE id = ?1", *protocol_id, err);
    } else if (rc == 0) {
        rc = rn_sql_run(s, err, "INSERT INTO protocol (json, provenance) VALUES (?1, ?2)", "tt",
                        x.identity.data, x.provenance.data);
        if (!rc) *protocol_id = sqlite3_last_insert_rowid(s->db);
    }
    drop(&x);
    return rc;
}

int rn_store_put_ranker(rn_store *s, const char *name, const char *json, bool lower_is_better,
                        int64_t *ranker_id, rn_err *err)
{
    named x;
    bool lower = false;
    int rc = split(&x, json, err);
    if (!rc)
        rc = rn_sql_row(s, err,
                        "SELECT id, lower_is_better FROM ranker WHERE name = ?1 AND json = ?2",
                        "tt>if", name, x.identity.data, ranker_id, &lower);
    if (rc > 0 && lower != lower_is_better) {
        rc = rn_fail(err, RN_EEXIST, "%s: ranker %s is stored with the other direction", s->path,
                     name);
    } else if (rc > 0) {
        rc = unite(s, &x, "SELECT provenance FROM ranker WHERE id = ?1",
                   "UPDATE ranker SET provenance = ?2 WHERE id = ?1", *ranker_id, err);
    } else if (rc == 0) {
        rc = rn_sql_run(s, err,
                        "INSERT INTO ranker (name, json, lower_is_better, provenance)"
                        " VALUES (?1, ?2, ?3, ?4)",
                        "ttit", name, x.identity.data, (int64_t)lower_is_better, x.provenance.data);
        if (!rc) *ranker_id = sqlite3_last_insert_rowid(s->db);
    }
    drop(&x);
    return rc;
}

/* ---- samples --------------------------------------------------------------------------------- */

/* What was unknown when the sample was first stored is filled in. */
static int fill_sample(rn_store *s, const rn_store_sample *x, int64_t id, rn_err *err)
{
    return rn_sql_run(s, err,
                      "UPDATE sample SET prompt_tok = ifnull(prompt_tok, ?2), gen_tok ="
                      " ifnull(gen_tok, ?3), finish = ifnull(finish, ?4), logprob ="
                      " ifnull(logprob, ?5), wall_ns = ifnull(wall_ns, ?6), flop ="
                      " ifnull(flop, ?7) WHERE id = ?1 AND (prompt_tok IS NULL AND ?2 IS"
                      " NOT NULL OR gen_tok IS NULL AND ?3 IS NOT NULL OR finish IS NULL AND"
                      " ?4 IS NOT NULL OR logprob IS NULL AND ?5 IS NOT NULL OR wall_ns IS"
                      " NULL AND ?6 IS NOT NULL OR flop IS NULL AND ?7 IS NOT NULL)",
                      "innwrnr", id, x->prompt_tok, x->gen_tok, x->finish, x->logprob, x->wall_ns,
                      x->flop);
}

/* 1: the sample is there already, with its id; 0: it is not; RN_EEXIST: with another text. */
static int find_same(rn_store *s, const rn_store_sample *x, int64_t *sample_id, rn_err *err)
{
    bool has_text, equal, open; /* open: something of it is unknown */
    int64_t id;
    int rc = rn_sql_row(s, err,
                        "SELECT s.id, t.sample_id IS NOT NULL, t.text = ?4, s.prompt_tok IS NULL"
                        " OR s.gen_tok IS NULL OR s.finish IS NULL OR s.logprob IS NULL OR"
                        " s.wall_ns IS NULL OR s.flop IS NULL FROM sample s LEFT JOIN sample_text"
                        " t ON t.sample_id = s.id WHERE s.run_id = ?1 AND s.problem_id = ?2 AND"
                        " s.idx = ?3",
                        "iiib>ifff", x->run_id, x->problem_id, x->idx, x->text, &id, &has_text,
                        &equal, &open);
    if (rc <= 0) return rc;
    if (!has_text)
        return rn_fail(err, RN_EFORMAT, "%s: a sample has lost its text; the file is damaged",
                       s->path);
    if (!equal)
        return rn_fail(err, RN_EEXIST, "sample %lld of this problem is stored with another text",
                       (long long)x->idx);
    *sample_id = id;
    rc = open ? fill_sample(s, x, id, err) : 0;
    return rc ? rc : 1;
}

/* 1: it is new, with its id; 0: there is one of that place. */
static int insert_sample(rn_store *s, const rn_store_sample *x, int64_t *sample_id, rn_err *err)
{
    int rc = rn_sql_run(s, err,
                        "INSERT INTO sample (run_id, problem_id, idx, source_id, text_bytes,"
                        " prompt_tok, gen_tok, finish, logprob, wall_ns, flop)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
                        " ON CONFLICT (run_id, problem_id, idx) DO NOTHING",
                        "iiininnwrnr", x->run_id, x->problem_id, x->idx,
                        x->source_id > 0 ? x->source_id : INT64_C(-1), (int64_t)x->text.len,
                        x->prompt_tok, x->gen_tok, x->finish, x->logprob, x->wall_ns, x->flop);
    if (rc || sqlite3_changes(s->db) == 0) return rc;
    int64_t id = sqlite3_last_insert_rowid(s->db);
    rc = rn_sql_run(s, err, "INSERT INTO sample_text (sample_id, text) VALUES (?1, ?2)", "ib", id,
                    x->text);
    if (rc) return rc;
    *sample_id = id;
    return 1;
}

/* Samples come in long rows of new ones or of ones that are there: the last one says what to try
 * first, which saves a merge one of two look-ups. */
static int add_sample(rn_store *s, const rn_store_sample *x, int64_t *sample_id, bool *existed,
                      rn_err *err)
{
    int rc = s->found_last ? find_same(s, x, sample_id, err) : 0;
    *existed = rc == 1;
    if (!rc) rc = insert_sample(s, x, sample_id, err);
    if (!rc) {
        rc = find_same(s, x, sample_id, err);
        *existed = rc == 1;
    }
    assert(rc != 0); /* under the writer's lock it is one or the other */
    if (rc == 1) s->found_last = *existed;
    return rc < 0 ? rc : 0;
}

int rn_store_put_sample(rn_store *s, const rn_store_sample *x, int64_t *sample_id, bool *existed,
                        rn_err *err)
{
    bool was = false;
    bool own = !rn_store_in_tx(s);
    if (x->text.len > 1000000000)
        return rn_fail(err, RN_ELIMIT, "%s: a text of %zu bytes; the store takes up to 1 GB",
                       s->path, x->text.len);
    int rc = own ? rn_store_begin(s, err) : 0;
    if (rc) return rc;
    rc = add_sample(s, x, sample_id, &was, err);
    if (own && rc) rn_store_rollback(s);
    if (own && !rc) rc = rn_store_commit(s, err);
    if (!rc && existed) *existed = was;
    return rc;
}

int rn_store_count_samples(rn_store *s, int64_t run_id, int64_t problem_id, int64_t *n,
                           int64_t *next_idx, rn_err *err)
{
    return found(rn_sql_row(s, err,
                            "SELECT count(*), ifnull(max(idx) + 1, 0) FROM sample"
                            " WHERE run_id = ?1 AND problem_id = ?2",
                            "ii>ii", run_id, problem_id, n, next_idx));
}

int rn_store_count_source(rn_store *s, int64_t run_id, int64_t problem_id, int64_t source_id,
                          int64_t *n, rn_err *err)
{
    return found(rn_sql_row(s, err,
                            "SELECT count(*) FROM sample"
                            " WHERE run_id = ?1 AND problem_id = ?2 AND source_id = ?3",
                            "iii>i", run_id, problem_id, source_id, n));
}

int rn_store_find_sample(rn_store *s, int64_t run_id, int64_t problem_id, int64_t idx,
                         int64_t *sample_id, rn_err *err)
{
    *sample_id = 0;
    return found(rn_sql_row(
        s, err, "SELECT id FROM sample WHERE run_id = ?1 AND problem_id = ?2 AND idx = ?3", "iii>i",
        run_id, problem_id, idx, sample_id));
}

/* ---- verdicts and scores --------------------------------------------------------------------- */

#define PUT_VERDICT(how)                                                               \
    "INSERT " how "INTO verdict (sample_id, protocol_id, kind_id, judged_ms, n_tests," \
    " n_passed, failed_test, cpu_ns, wall_ns, peak_bytes, detail, program_sha)"        \
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"

static int put_verdict(rn_store *s, const char *sql, const rn_store_verdict *v, int64_t judged_ms,
                       rn_err *err)
{
    return rn_sql_run(s, err, sql, "iiiinnnnnnwh", v->sample_id, v->protocol_id,
                      s->kind_of[v->verdict], judged_ms, v->n_tests, v->n_passed, v->failed_test,
                      v->cpu_ns, v->wall_ns, v->peak_bytes, v->detail, v->program_sha);
}

int rn_store_put_verdict_at(rn_store *s, const rn_store_verdict *v, int64_t judged_ms, rn_err *err)
{
    if ((unsigned)v->verdict >= RN_N_VERDICTS)
        return rn_fail(err, RN_EINVAL, "%s: no such verdict: %d", s->path, (int)v->verdict);
    return put_verdict(s, PUT_VERDICT("OR REPLACE "), v, judged_ms, err);
}

int rn_store_put_later_verdict(rn_store *s, const rn_store_verdict *v, int64_t judged_ms,
                               bool *changed, rn_err *err)
{
    static const char sql[] = PUT_VERDICT(
        "") " ON CONFLICT (sample_id, protocol_id) DO UPDATE SET kind_id = ?3, judged_ms = ?4, "
            "n_tests"
            " = ?5, n_passed = ?6, failed_test = ?7, cpu_ns = ?8, wall_ns = ?9, peak_bytes = ?10,"
            " detail = ?11, program_sha = ?12 WHERE judged_ms < ?4";
    assert((unsigned)v->verdict < RN_N_VERDICTS);
    int rc = put_verdict(s, sql, v, judged_ms, err);
    *changed = !rc && sqlite3_changes(s->db) > 0;
    return rc;
}

int rn_store_put_verdict(rn_store *s, const rn_store_verdict *v, rn_err *err)
{
    return rn_store_put_verdict_at(s, v, rn_clock_ns(CLOCK_REALTIME) / 1000000, err);
}

int rn_store_put_score(rn_store *s, const rn_store_score *x, rn_err *err)
{
    static const rn_store_parts none = {.part = NAN, .cpu_ns = -1, .n_runs = -1};
    const rn_store_parts *p = x->parts ? x->parts : &none;
    return rn_sql_run(s, err,
                      "INSERT OR REPLACE INTO score (sample_id, ranker_id, score, sum, n_tok,"
                      " wall_ns, flop, part, grp, cpu_ns, n_runs, votes)"
                      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,"
                      " nullif(?12, x''))",
                      "iirrnnrrnnnb", x->sample_id, x->ranker_id, x->score, x->sum, x->n_tok,
                      x->wall_ns, x->flop, p->part, p->group ? p->group : INT64_C(-1), p->cpu_ns,
                      p->n_runs, p->votes);
}

/* ---- results without texts ------------------------------------------------------------------- */

int rn_store_put_count(rn_store *s, int64_t run_id, int64_t problem_id, int64_t n, int64_t c,
                       rn_err *err)
{
    int64_t old_n = n, old_c = c;
    if (n < 0 || c < 0 || c > n)
        return rn_fail(err, RN_EINVAL, "n = %lld, c = %lld: 0 <= c <= n is needed", (long long)n,
                       (long long)c);
    int rc = rn_sql_run(s, err,
                        "INSERT INTO tally (run_id, problem_id, n, c) VALUES (?1, ?2, ?3, ?4)"
                        " ON CONFLICT DO NOTHING",
                        "iiii", run_id, problem_id, n, c);
    if (rc || sqlite3_changes(s->db) > 0) return rc;
    rc = rn_sql_row(s, err, "SELECT n, c FROM tally WHERE run_id = ?1 AND problem_id = ?2", "ii>ii",
                    run_id, problem_id, &old_n, &old_c);
    if (rc < 0 || (old_n == n && old_c == c)) return found(rc);
    return rn_fail(err, RN_EEXIST, "n = %lld, c = %lld; n = %lld, c = %lld is stored", (long long)n,
                   (long long)c, (long long)old_n, (long long)old_c);
}

int rn_store_put_curve(rn_store *s, int64_t run_id, int64_t k, double value, rn_err *err)
{
    double old = value;
    if (k < 1 || !(value >= 0 && value <= 1))
        return rn_fail(err, RN_EINVAL,
                       "k = %lld, pass@k = %g: k >= 1 and a fraction between 0 and 1 are needed",
                       (long long)k, value);
    int rc = rn_sql_run(s, err,
                        "INSERT INTO curve (run_id, k, value) VALUES (?1, ?2, ?3)"
                        " ON CONFLICT DO NOTHING",
                        "iir", run_id, k, value);
    if (rc || sqlite3_changes(s->db) > 0) return rc;
    rc = rn_sql_row(s, err, "SELECT value FROM curve WHERE run_id = ?1 AND k = ?2", "ii>r", run_id,
                    k, &old);
    if (rc < 0 || old == value) return found(rc);
    return rn_fail(err, RN_EEXIST, "pass@%lld = %g; %g is stored", (long long)k, value, old);
}

int rn_store_put_profile(rn_store *s, const rn_store_profile *p, rn_err *err)
{
    rn_buf canon = {0};
    int rc = rn_store_canonical(p->json, &canon, err);
    if (!rc)
        rc = rn_sql_run(s, err,
                        "INSERT OR REPLACE INTO profile (model_id, hardware, s_per_sample,"
                        " s_per_1000, flop_per_sample, json) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                        "itrrrt", p->model_id, or_empty(p->hardware), p->s_per_sample,
                        p->s_per_1000, p->flop_per_sample, canon.data);
    rn_buf_free(&canon);
    return rc;
}

int rn_store_put_source(rn_store *s, const rn_store_source *x, int64_t *source_id, bool *done,
                        rn_err *err)
{
    *done = false;
    int rc = rn_sql_row(s, err,
                        "SELECT id, done FROM source WHERE run_id = ?1 AND sha = ?2 AND name = ?3",
                        "itt>if", x->run_id, or_empty(x->sha), or_empty(x->name), source_id, done);
    if (rc) return found(rc);
    rc = rn_sql_run(s, err,
                    "INSERT INTO source (run_id, sha, name, format, done) VALUES (?1, ?2, ?3, ?4,"
                    " 0)",
                    "ittt", x->run_id, or_empty(x->sha), or_empty(x->name), or_empty(x->format));
    if (!rc) *source_id = sqlite3_last_insert_rowid(s->db);
    return rc;
}

int rn_store_source_done(rn_store *s, int64_t source_id, rn_err *err)
{
    return rn_sql_run(s, err, "UPDATE source SET done = 1 WHERE id = ?1", "i", source_id);
}
