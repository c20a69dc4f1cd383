/*
 * put.c: writing. Each put finds its row by identity, inserts it if it is not there, and says
 * RN_EEXIST when the row is there with other content that may not be replaced.
 *
 * A sample is two rows (numbers and text), so a put outside of a transaction opens one of its own.
 */
#include "store/internal.h"

#include "base/clock.h"

enum {
    FIND_SET,
    FIND_SET_BY_NAME,
    ADOPT_SET,
    ADD_SET,
    FIND_PROBLEM,
    ADD_PROBLEM,
    FILL_PROBLEM,
    FIND_MODEL,
    ADD_MODEL,
    SET_COST,
    FIND_RUN,
    ADD_RUN,
    ADD_SAMPLE,
    ADD_TEXT,
    FIND_SAMPLE,
    COUNT_SAMPLES,
    COUNT_SOURCE,
    FIND_SAMPLE_ID,
    FIND_PROTOCOL,
    ADD_PROTOCOL,
    SET_VERDICT,
    FIND_RANKER,
    ADD_RANKER,
    SET_SCORE,
    ADD_COUNT,
    FIND_COUNT,
    ADD_CURVE,
    FIND_CURVE,
    SET_PROFILE,
    FIND_SOURCE,
    ADD_SOURCE,
    DONE_SOURCE,
    N_STMT
};
_Static_assert((int)N_STMT <= (int)RN_STORE_MAX_STMT, "raise RN_STORE_MAX_STMT");

static const char cannot_write[] = "cannot be written";

/* Steps a statement that returns no row, and resets it. */
static int run(rn_store *s, sqlite3_stmt *st, rn_err *err)
{
    int rc = sqlite3_step(st);
    int out = rc == SQLITE_DONE || rc == SQLITE_ROW ? 0 : rn_store_fail(s, rc, err, cannot_write);
    sqlite3_reset(st);
    return out;
}

/* Steps a lookup: *found and column 0. The statement stays on its row for further columns. */
static int look(rn_store *s, sqlite3_stmt *st, int64_t *id, bool *found, rn_err *err)
{
    int rc = sqlite3_step(st);
    *found = rc == SQLITE_ROW;
    if (*found) *id = sqlite3_column_int64(st, 0);
    if (rc == SQLITE_ROW) return 0;
    sqlite3_reset(st);
    return rc == SQLITE_DONE ? 0 : rn_store_fail(s, rc, err, "cannot be read");
}

/* Runs an INSERT and gives its id. */
static int add(rn_store *s, sqlite3_stmt *st, int64_t *id, rn_err *err)
{
    int rc = run(s, st, err);
    if (!rc) *id = sqlite3_last_insert_rowid(s->db);
    return rc;
}

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

int rn_store_put_set(rn_store *s, const rn_store_set *x, int64_t *set_id, rn_err *err)
{
    sqlite3_stmt *st;
    bool found;
    const char *hash = or_empty(x->hash);
    int rc = rn_store_stmt(s, FIND_SET, "SELECT id FROM problem_set WHERE name = ?1 AND hash = ?2",
                           &st, err);
    if (rc) return rc;
    rn_bind_text(st, 1, x->name);
    rn_bind_text(st, 2, hash);
    rc = look(s, st, set_id, &found, err);
    sqlite3_reset(st);
    if (rc || found) return rc;

    /* The same set, known by its ids only on one of the two sides. */
    rc = rn_store_stmt(s, FIND_SET_BY_NAME,
                       "SELECT min(id) FROM problem_set WHERE name = ?1 AND (?2 = '' OR hash = '') "
                       "HAVING count(*) = 1",
                       &st, err);
    if (rc) return rc;
    rn_bind_text(st, 1, x->name);
    rn_bind_text(st, 2, hash);
    rc = look(s, st, set_id, &found, err);
    sqlite3_reset(st);
    if (rc) return rc;
    if (found) {
        if (!*hash) return 0;
        rc =
            rn_store_stmt(s, ADOPT_SET, "UPDATE problem_set SET hash = ?2 WHERE id = ?1", &st, err);
        if (rc) return rc;
        sqlite3_bind_int64(st, 1, *set_id);
        rn_bind_text(st, 2, hash);
        return run(s, st, err);
    }
    rc =
        rn_store_stmt(s, ADD_SET, "INSERT INTO problem_set (name, hash) VALUES (?1, ?2)", &st, err);
    if (rc) return rc;
    rn_bind_text(st, 1, x->name);
    rn_bind_text(st, 2, hash);
    return add(s, st, set_id, err);
}

/* What was unknown when the problem was first stored is filled in; its place is that of the put
 * that brought the prompt. */
static int fill_problem(rn_store *s, const rn_store_problem *p, int64_t id, rn_err *err)
{
    sqlite3_stmt *st;
    int rc = rn_store_stmt(s, FILL_PROBLEM,
                           "UPDATE problem SET prompt = ifnull(?2, prompt),"
                           " prompt_tok = ifnull(?3, prompt_tok), ord = ?4 WHERE id = ?1",
                           &st, err);
    if (rc) return rc;
    sqlite3_bind_int64(st, 1, id);
    rn_bind_text(st, 2, p->prompt);
    rn_bind_int(st, 3, p->prompt_tok);
    sqlite3_bind_int64(st, 4, p->ord);
    return run(s, st, err);
}

int rn_store_put_problem(rn_store *s, const rn_store_problem *p, int64_t *problem_id, rn_err *err)
{
    sqlite3_stmt *st;
    bool found;
    int rc = rn_store_stmt(s, FIND_PROBLEM,
                           "SELECT id, prompt IS NULL, prompt_tok IS NULL FROM problem"
                           " WHERE set_id = ?1 AND task_id = ?2",
                           &st, err);
    if (rc) return rc;
    sqlite3_bind_int64(st, 1, p->set_id);
    rn_bind_text(st, 2, p->task_id);
    rc = look(s, st, problem_id, &found, err);
    if (rc) return rc;
    if (found) {
        bool fill = (p->prompt && sqlite3_column_int(st, 1)) ||
                    (p->prompt_tok >= 0 && sqlite3_column_int(st, 2));
        sqlite3_reset(st);
        return fill ? fill_problem(s, p, *problem_id, err) : 0;
    }
    rc = rn_store_stmt(s, ADD_PROBLEM,
                       "INSERT INTO problem (set_id, ord, task_id, prompt, prompt_tok)"
                       " VALUES (?1, ?2, ?3, ?4, ?5)",
                       &st, err);
    if (rc) return rc;
    sqlite3_bind_int64(st, 1, p->set_id);
    sqlite3_bind_int64(st, 2, p->ord);
    rn_bind_text(st, 3, p->task_id);
    rn_bind_text(st, 4, p->prompt);
    rn_bind_int(st, 5, p->prompt_tok);
    return add(s, st, problem_id, err);
}

int rn_store_put_model(rn_store *s, const rn_store_model *m, int64_t *model_id, rn_err *err)
{
    sqlite3_stmt *st;
    bool found;
    int rc = rn_store_stmt(
        s, FIND_MODEL, "SELECT id, cost FROM model WHERE name = ?1 AND file_sha = ?2", &st, err);
    if (rc) return rc;
    rn_bind_text(st, 1, m->name);
    rn_bind_text(st, 2, or_empty(m->file_sha));
    rc = look(s, st, model_id, &found, err);
    if (rc) return rc;
    if (found) {
        bool change = m->cost && *m->cost && strcmp(m->cost, rn_col_text(st, 1)) != 0;
        sqlite3_reset(st);
        if (!change) return 0;
        rc = rn_store_stmt(s, SET_COST, "UPDATE model SET cost = ?2 WHERE id = ?1", &st, err);
        if (rc) return rc;
        sqlite3_bind_int64(st, 1, *model_id);
        rn_bind_text(st, 2, m->cost);
        return run(s, st, err);
    }
    rc = rn_store_stmt(s, ADD_MODEL, "INSERT INTO model (name, file_sha, cost) VALUES (?1, ?2, ?3)",
                       &st, err);
    if (rc) return rc;
    rn_bind_text(st, 1, m->name);
    rn_bind_text(st, 2, or_empty(m->file_sha));
    rn_bind_text(st, 3, or_empty(m->cost));
    return add(s, st, model_id, err);
}

static void bind_run(sqlite3_stmt *st, const rn_store_run *r, const char *settings)
{
    sqlite3_bind_int64(st, 1, r->set_id);
    sqlite3_bind_int64(st, 2, r->model_id);
    rn_bind_text(st, 3, or_empty(r->kind));
    rn_bind_text(st, 4, or_empty(r->preset));
    rn_bind_text(st, 5, settings);
}

int rn_store_put_run(rn_store *s, const rn_store_run *r, int64_t *run_id, rn_err *err)
{
    rn_buf settings = {0};
    sqlite3_stmt *st = NULL;
    bool found = false;
    int rc = rn_store_canonical(r->settings, &settings, err);
    if (!rc)
        rc = rn_store_stmt(s, FIND_RUN,
                           "SELECT id FROM run WHERE set_id = ?1 AND model_id = ?2 AND kind = ?3"
                           " AND preset = ?4 AND settings = ?5",
                           &st, err);
    if (!rc) {
        bind_run(st, r, settings.data);
        rc = look(s, st, run_id, &found, err);
        sqlite3_reset(st);
    }
    if (!rc && !found) {
        rc = rn_store_stmt(s, ADD_RUN,
                           "INSERT INTO run (set_id, model_id, kind, preset, settings)"
                           " VALUES (?1, ?2, ?3, ?4, ?5)",
                           &st, err);
        if (!rc) {
            bind_run(st, r, settings.data);
            rc = add(s, st, run_id, err);
        }
    }
    rn_buf_free(&settings);
    return rc;
}

/* The sample under this identity; RN_EEXIST when its text is another. */
static int find_sample(rn_store *s, const rn_store_sample *x, int64_t *sample_id, rn_err *err)
{
    sqlite3_stmt *st;
    bool found;
    int rc =
        rn_store_stmt(s, FIND_SAMPLE,
                      "SELECT s.id, t.text FROM sample s JOIN sample_text t ON t.sample_id = s.id"
                      " WHERE s.run_id = ?1 AND s.problem_id = ?2 AND s.idx = ?3",
                      &st, err);
    if (rc) return rc;
    sqlite3_bind_int64(st, 1, x->run_id);
    sqlite3_bind_int64(st, 2, x->problem_id);
    sqlite3_bind_int64(st, 3, x->idx);
    int64_t id = 0;
    rc = look(s, st, &id, &found, err);
    if (rc) return rc;
    if (!found)
        return rn_fail(err, RN_EFORMAT, "%s: a sample has lost its text; the file is damaged",
                       s->path);
    rn_bytes text = {.data = sqlite3_column_blob(st, 1),
                     .len = (size_t)sqlite3_column_bytes(st, 1)};
    bool equal = rn_bytes_equal(text, x->text);
    sqlite3_reset(st);
    if (!equal)
        return rn_fail(err, RN_EEXIST, "sample %lld of this problem is stored with another text",
                       (long long)x->idx);
    *sample_id = id;
    return 0;
}

static int add_sample(rn_store *s, const rn_store_sample *x, int64_t *sample_id, bool *existed,
                      rn_err *err)
{
    sqlite3_stmt *st;
    int rc = rn_store_stmt(s, ADD_SAMPLE,
                           "INSERT INTO sample (run_id, problem_id, idx, source_id, text_bytes,"
                           " prompt_tok, gen_tok, finish, logprob, wall_ns, flop)"
                           " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
                           " ON CONFLICT (run_id, problem_id, idx) DO NOTHING",
                           &st, err);
    if (rc) return rc;
    sqlite3_bind_int64(st, 1, x->run_id);
    sqlite3_bind_int64(st, 2, x->problem_id);
    sqlite3_bind_int64(st, 3, x->idx);
    rn_bind_int(st, 4, x->source_id > 0 ? x->source_id : -1);
    sqlite3_bind_int64(st, 5, (int64_t)x->text.len);
    rn_bind_int(st, 6, x->prompt_tok);
    rn_bind_int(st, 7, x->gen_tok);
    rn_bind_text(st, 8, x->finish && *x->finish ? x->finish : NULL);
    rn_bind_real(st, 9, x->logprob);
    rn_bind_int(st, 10, x->wall_ns);
    rn_bind_real(st, 11, x->flop);
    rc = run(s, st, err);
    if (rc) return rc;
    *existed = sqlite3_changes(s->db) == 0;
    if (*existed) return find_sample(s, x, sample_id, err);

    int64_t id = sqlite3_last_insert_rowid(s->db);
    rc = rn_store_stmt(s, ADD_TEXT, "INSERT INTO sample_text (sample_id, text) VALUES (?1, ?2)",
                       &st, err);
    if (rc) return rc;
    sqlite3_bind_int64(st, 1, id);
    sqlite3_bind_blob64(st, 2, x->text.len ? x->text.data : "", x->text.len, SQLITE_STATIC);
    rc = run(s, st, err);
    if (!rc) *sample_id = id;
    return rc;
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
    sqlite3_stmt *st;
    bool found;
    int rc = rn_store_stmt(s, COUNT_SAMPLES,
                           "SELECT count(*), ifnull(max(idx) + 1, 0) FROM sample"
                           " WHERE run_id = ?1 AND problem_id = ?2",
                           &st, err);
    if (rc) return rc;
    sqlite3_bind_int64(st, 1, run_id);
    sqlite3_bind_int64(st, 2, problem_id);
    rc = look(s, st, n, &found, err);
    if (!rc) *next_idx = sqlite3_column_int64(st, 1);
    sqlite3_reset(st);
    return rc;
}

int rn_store_count_source(rn_store *s, int64_t run_id, int64_t problem_id, int64_t source_id,
                          int64_t *n, rn_err *err)
{
    sqlite3_stmt *st;
    bool found;
    int rc = rn_store_stmt(s, COUNT_SOURCE,
                           "SELECT count(*) FROM sample"
                           " WHERE run_id = ?1 AND problem_id = ?2 AND source_id = ?3",
                           &st, err);
    if (rc) return rc;
    sqlite3_bind_int64(st, 1, run_id);
    sqlite3_bind_int64(st, 2, problem_id);
    sqlite3_bind_int64(st, 3, source_id);
    rc = look(s, st, n, &found, err);
    sqlite3_reset(st);
    return rc;
}

int rn_store_find_sample(rn_store *s, int64_t run_id, int64_t problem_id, int64_t idx,
                         int64_t *sample_id, rn_err *err)
{
    sqlite3_stmt *st;
    bool found;
    int rc = rn_store_stmt(
        s, FIND_SAMPLE_ID,
        "SELECT id FROM sample WHERE run_id = ?1 AND problem_id = ?2 AND idx = ?3", &st, err);
    if (rc) return rc;
    sqlite3_bind_int64(st, 1, run_id);
    sqlite3_bind_int64(st, 2, problem_id);
    sqlite3_bind_int64(st, 3, idx);
    rc = look(s, st, sample_id, &found, err);
    if (!rc && !found) *sample_id = 0;
    sqlite3_reset(st);
    return rc;
}

int rn_store_put_protocol(rn_store *s, const char *json, int64_t *protocol_id, rn_err *err)
{
    rn_buf canon = {0};
    sqlite3_stmt *st = NULL;
    bool found = false;
    int rc = rn_store_canonical(json, &canon, err);
    if (!rc)
        rc = rn_store_stmt(s, FIND_PROTOCOL, "SELECT id FROM protocol WHERE json = ?1", &st, err);
    if (!rc) {
        rn_bind_text(st, 1, canon.data);
        rc = look(s, st, protocol_id, &found, err);
        sqlite3_reset(st);
    }
    if (!rc && !found) {
        rc = rn_store_stmt(s, ADD_PROTOCOL, "INSERT INTO protocol (json) VALUES (?1)", &st, err);
        if (!rc) {
            rn_bind_text(st, 1, canon.data);
            rc = add(s, st, protocol_id, err);
        }
    }
    rn_buf_free(&canon);
    return rc;
}

int rn_store_put_verdict_at(rn_store *s, const rn_store_verdict *v, int64_t judged_ms, rn_err *err)
{
    static const uint8_t none[sizeof v->program_sha];
    sqlite3_stmt *st;
    if ((unsigned)v->verdict >= RN_N_VERDICTS)
        return rn_fail(err, RN_EINVAL, "%s: no such verdict: %d", s->path, (int)v->verdict);
    int rc =
        rn_store_stmt(s, SET_VERDICT,
                      "INSERT OR REPLACE INTO verdict (sample_id, protocol_id, kind_id,"
                      " judged_ms, n_tests, n_passed, failed_test, cpu_ns, wall_ns, peak_bytes,"
                      " detail, program_sha)"
                      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                      &st, err);
    if (rc) return rc;
    sqlite3_bind_int64(st, 1, v->sample_id);
    sqlite3_bind_int64(st, 2, v->protocol_id);
    sqlite3_bind_int64(st, 3, s->kind_of[v->verdict]);
    sqlite3_bind_int64(st, 4, judged_ms);
    rn_bind_int(st, 5, v->n_tests);
    rn_bind_int(st, 6, v->n_passed);
    rn_bind_int(st, 7, v->failed_test);
    rn_bind_int(st, 8, v->cpu_ns);
    rn_bind_int(st, 9, v->wall_ns);
    rn_bind_int(st, 10, v->peak_bytes);
    rn_bind_text(st, 11, v->detail && *v->detail ? v->detail : NULL);
    if (memcmp(v->program_sha, none, sizeof none) == 0)
        sqlite3_bind_null(st, 12);
    else
        sqlite3_bind_blob(st, 12, v->program_sha, (int)sizeof v->program_sha, SQLITE_STATIC);
    return run(s, st, err);
}

int rn_store_put_verdict(rn_store *s, const rn_store_verdict *v, rn_err *err)
{
    return rn_store_put_verdict_at(s, v, rn_clock_ns(CLOCK_REALTIME) / 1000000, err);
}

static void bind_ranker(sqlite3_stmt *st, const char *name, const char *json, bool lower)
{
    rn_bind_text(st, 1, name);
    rn_bind_text(st, 2, json);
    sqlite3_bind_int(st, 3, lower);
}

int rn_store_put_ranker(rn_store *s, const char *name, const char *json, bool lower_is_better,
                        int64_t *ranker_id, rn_err *err)
{
    rn_buf canon = {0};
    sqlite3_stmt *st = NULL;
    bool found = false;
    int rc = rn_store_canonical(json, &canon, err);
    if (!rc)
        rc = rn_store_stmt(s, FIND_RANKER,
                           "SELECT id, lower_is_better FROM ranker WHERE name = ?1 AND json = ?2",
                           &st, err);
    if (!rc) {
        rn_bind_text(st, 1, name);
        rn_bind_text(st, 2, canon.data);
        rc = look(s, st, ranker_id, &found, err);
        if (!rc && found && (sqlite3_column_int(st, 1) != 0) != lower_is_better)
            rc = rn_fail(err, RN_EEXIST, "%s: ranker %s is stored with the other direction",
                         s->path, name);
        sqlite3_reset(st);
    }
    if (!rc && !found) {
        rc = rn_store_stmt(s, ADD_RANKER,
                           "INSERT INTO ranker (name, json, lower_is_better) VALUES (?1, ?2, ?3)",
                           &st, err);
        if (!rc) {
            bind_ranker(st, name, canon.data, lower_is_better);
            rc = add(s, st, ranker_id, err);
        }
    }
    rn_buf_free(&canon);
    return rc;
}

int rn_store_put_score(rn_store *s, const rn_store_score *x, rn_err *err)
{
    static const rn_store_parts none = {.part = NAN, .cpu_ns = -1, .n_runs = -1};
    const rn_store_parts *p = x->parts ? x->parts : &none;
    sqlite3_stmt *st;
    int rc = rn_store_stmt(s, SET_SCORE,
                           "INSERT OR REPLACE INTO score (sample_id, ranker_id, score, sum, n_tok,"
                           " wall_ns, flop, part, grp, cpu_ns, n_runs)"
                           " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                           &st, err);
    if (rc) return rc;
    sqlite3_bind_int64(st, 1, x->sample_id);
    sqlite3_bind_int64(st, 2, x->ranker_id);
    rn_bind_real(st, 3, x->score);
    rn_bind_real(st, 4, x->sum);
    rn_bind_int(st, 5, x->n_tok);
    rn_bind_int(st, 6, x->wall_ns);
    rn_bind_real(st, 7, x->flop);
    rn_bind_real(st, 8, p->part);
    rn_bind_int(st, 9, p->group ? p->group : -1);
    rn_bind_int(st, 10, p->cpu_ns);
    rn_bind_int(st, 11, p->n_runs);
    return run(s, st, err);
}

int rn_store_put_count(rn_store *s, int64_t run_id, int64_t problem_id, int64_t n, int64_t c,
                       rn_err *err)
{
    sqlite3_stmt *st;
    bool found;
    int64_t old = 0;
    if (n < 0 || c < 0 || c > n)
        return rn_fail(err, RN_EINVAL, "n = %lld, c = %lld: 0 <= c <= n is needed", (long long)n,
                       (long long)c);
    int rc = rn_store_stmt(s, ADD_COUNT,
                           "INSERT INTO tally (run_id, problem_id, n, c) VALUES (?1, ?2, ?3, ?4)"
                           " ON CONFLICT DO NOTHING",
                           &st, err);
    if (rc) return rc;
    sqlite3_bind_int64(st, 1, run_id);
    sqlite3_bind_int64(st, 2, problem_id);
    sqlite3_bind_int64(st, 3, n);
    sqlite3_bind_int64(st, 4, c);
    rc = run(s, st, err);
    if (rc || sqlite3_changes(s->db) > 0) return rc;
    rc = rn_store_stmt(s, FIND_COUNT,
                       "SELECT n, c FROM tally WHERE run_id = ?1 AND problem_id = ?2", &st, err);
    if (rc) return rc;
    sqlite3_bind_int64(st, 1, run_id);
    sqlite3_bind_int64(st, 2, problem_id);
    rc = look(s, st, &old, &found, err);
    int64_t old_c = !rc && found ? sqlite3_column_int64(st, 1) : 0;
    sqlite3_reset(st);
    if (rc || (old == n && old_c == c)) return rc;
    return rn_fail(err, RN_EEXIST, "n = %lld, c = %lld; n = %lld, c = %lld is stored", (long long)n,
                   (long long)c, (long long)old, (long long)old_c);
}

int rn_store_put_curve(rn_store *s, int64_t run_id, int64_t k, double value, rn_err *err)
{
    sqlite3_stmt *st;
    bool found;
    int64_t whole;
    if (k < 1 || !(value >= 0 && value <= 1))
        return rn_fail(err, RN_EINVAL,
                       "k = %lld, pass@k = %g: k >= 1 and a fraction between 0 and 1 are needed",
                       (long long)k, value);
    int rc = rn_store_stmt(s, ADD_CURVE,
                           "INSERT INTO curve (run_id, k, value) VALUES (?1, ?2, ?3)"
                           " ON CONFLICT DO NOTHING",
                           &st, err);
    if (rc) return rc;
    sqlite3_bind_int64(st, 1, run_id);
    sqlite3_bind_int64(st, 2, k);
    sqlite3_bind_double(st, 3, value);
    rc = run(s, st, err);
    if (rc || sqlite3_changes(s->db) > 0) return rc;
    rc = rn_store_stmt(s, FIND_CURVE, "SELECT value FROM curve WHERE run_id = ?1 AND k = ?2", &st,
                       err);
    if (rc) return rc;
    sqlite3_bind_int64(st, 1, run_id);
    sqlite3_bind_int64(st, 2, k);
    rc = look(s, st, &whole, &found, err);
    double old = !rc && found ? sqlite3_column_double(st, 0) : value;
    sqlite3_reset(st);
    if (rc || old == value) return rc;
    return rn_fail(err, RN_EEXIST, "pass@%lld = %g; %g is stored", (long long)k, value, old);
}

int rn_store_put_profile(rn_store *s, const rn_store_profile *p, rn_err *err)
{
    rn_buf canon = {0};
    sqlite3_stmt *st = NULL;
    int rc = rn_store_canonical(p->json, &canon, err);
    if (!rc)
        rc = rn_store_stmt(s, SET_PROFILE,
                           "INSERT OR REPLACE INTO profile (model_id, hardware, s_per_sample,"
                           " s_per_1000, flop_per_sample, json) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                           &st, err);
    if (!rc) {
        sqlite3_bind_int64(st, 1, p->model_id);
        rn_bind_text(st, 2, or_empty(p->hardware));
        rn_bind_real(st, 3, p->s_per_sample);
        rn_bind_real(st, 4, p->s_per_1000);
        rn_bind_real(st, 5, p->flop_per_sample);
        rn_bind_text(st, 6, canon.data);
        rc = run(s, st, err);
    }
    rn_buf_free(&canon);
    return rc;
}

int rn_store_put_source(rn_store *s, const rn_store_source *x, int64_t *source_id, bool *done,
                        rn_err *err)
{
    sqlite3_stmt *st;
    bool found;
    int rc = rn_store_stmt(
        s, FIND_SOURCE, "SELECT id, done FROM source WHERE run_id = ?1 AND sha = ?2 AND name = ?3",
        &st, err);
    if (rc) return rc;
    sqlite3_bind_int64(st, 1, x->run_id);
    rn_bind_text(st, 2, or_empty(x->sha));
    rn_bind_text(st, 3, or_empty(x->name));
    rc = look(s, st, source_id, &found, err);
    *done = !rc && found && sqlite3_column_int(st, 1) != 0;
    sqlite3_reset(st);
    if (rc || found) return rc;
    rc = rn_store_stmt(s, ADD_SOURCE,
                       "INSERT INTO source (run_id, sha, name, format, done)"
                       " VALUES (?1, ?2, ?3, ?4, 0)",
                       &st, err);
    if (rc) return rc;
    sqlite3_bind_int64(st, 1, x->run_id);
    rn_bind_text(st, 2, or_empty(x->sha));
    rn_bind_text(st, 3, or_empty(x->name));
    rn_bind_text(st, 4, or_empty(x->format));
    return add(s, st, source_id, err);
}

int rn_store_source_done(rn_store *s, int64_t source_id, rn_err *err)
{
    sqlite3_stmt *st;
    int rc = rn_store_stmt(s, DONE_SOURCE, "UPDATE source SET done = 1 WHERE id = ?1", &st, err);
    if (rc) return rc;
    sqlite3_bind_int64(st, 1, source_id);
    return run(s, st, err);
}
