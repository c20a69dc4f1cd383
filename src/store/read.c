/*
 * read.c: the walks. Each prepares a statement of its own, so that walks nest and callbacks can
 * put.
 *
 * Samples come in the order of (problem.ord, idx): the outer loop runs over the index
 * problem_order, the inner over the unique index of sample, so that nothing is sorted.
 */
#include "store/internal.h"

static const char cannot_read[] = "cannot be read";

/* The newest verdict's kind: a few entries of one key range per sample. */
#define NEWEST_KIND                                             \
    "(SELECT v.kind_id FROM verdict v WHERE v.sample_id = s.id" \
    " ORDER BY v.judged_ms DESC, v.protocol_id DESC LIMIT 1)"

int rn_store_each_run(rn_store *s, int (*fn)(void *user, const rn_store_run_row *r), void *user,
                      rn_err *err)
{
    sqlite3_stmt *st;
    int rc = rn_store_prepare(
        s,
        "SELECT r.id, r.set_id, r.model_id,"
        " (SELECT count(*) FROM problem p WHERE p.set_id = r.set_id),"
        " (SELECT count(*) FROM problem p WHERE p.set_id = r.set_id AND ("
        "   EXISTS (SELECT 1 FROM sample s WHERE s.run_id = r.id AND s.problem_id = p.id) OR"
        "   EXISTS (SELECT 1 FROM tally c WHERE c.run_id = r.id AND c.problem_id = p.id))),"
        " (SELECT count(*) FROM sample s WHERE s.run_id = r.id),"
        " (SELECT count(*) FROM tally c WHERE c.run_id = r.id),"
        " (SELECT count(*) FROM curve c WHERE c.run_id = r.id),"
        " t.name, t.hash, m.name, m.file_sha, m.cost, r.kind, r.preset, r.settings"
        " FROM run r JOIN problem_set t ON t.id = r.set_id JOIN model m ON m.id = r.model_id"
        " ORDER BY r.id",
        &st, err);
    if (rc) return rc;
    int step;
    while ((step = sqlite3_step(st)) == SQLITE_ROW) {
        const rn_store_run_row row = {.run_id = sqlite3_column_int64(st, 0),
                                      .set_id = sqlite3_column_int64(st, 1),
                                      .model_id = sqlite3_column_int64(st, 2),
                                      .n_set_problems = sqlite3_column_int64(st, 3),
                                      .n_problems = sqlite3_column_int64(st, 4),
                                      .n_samples = sqlite3_column_int64(st, 5),
                                      .n_counts = sqlite3_column_int64(st, 6),
                                      .n_curve = sqlite3_column_int64(st, 7),
                                      .set_name = rn_col_text(st, 8),
                                      .set_hash = rn_col_text(st, 9),
                                      .model_name = rn_col_text(st, 10),
                                      .model_sha = rn_col_text(st, 11),
                                      .model_cost = rn_col_text(st, 12),
                                      .kind = rn_col_text(st, 13),
                                      .preset = rn_col_text(st, 14),
                                      .settings = rn_col_text(st, 15)};
        rc = fn(user, &row);
        if (rc) break;
    }
    int end = rn_store_walked(s, st, step, err, cannot_read);
    return rc ? rc : end;
}

int rn_store_each_problem(rn_store *s, int64_t set_id,
                          int (*fn)(void *user, const rn_store_problem_row *r), void *user,
                          rn_err *err)
{
    sqlite3_stmt *st;
    int rc = rn_store_prepare(s,
                              "SELECT id, ord, task_id, prompt, prompt_tok FROM problem"
                              " WHERE set_id = ?1 ORDER BY ord, id",
                              &st, err);
    if (rc) return rc;
    sqlite3_bind_int64(st, 1, set_id);
    int step;
    while ((step = sqlite3_step(st)) == SQLITE_ROW) {
        const rn_store_problem_row row = {.problem_id = sqlite3_column_int64(st, 0),
                                          .x = {.set_id = set_id,
                                                .ord = sqlite3_column_int64(st, 1),
                                                .task_id = rn_col_text(st, 2),
                                                .prompt = (const char *)sqlite3_column_text(st, 3),
                                                .prompt_tok = rn_col_int(st, 4)}};
        rc = fn(user, &row);
        if (rc) break;
    }
    int end = rn_store_walked(s, st, step, err, cannot_read);
    return rc ? rc : end;
}

#define SAMPLE_COLUMNS                                                                             \
    "SELECT p.id, p.task_id, p.ord, s.id, s.idx, s.text_bytes, s.prompt_tok, s.gen_tok, s.finish," \
    " s.logprob, s.wall_ns, s.flop, s.source_id, " NEWEST_KIND

/* CROSS JOIN fixes the order of the loops, and with it that of the rows. */
#define SAMPLE_FROM                                           \
    " FROM run r CROSS JOIN problem p ON p.set_id = r.set_id" \
    " CROSS JOIN sample s ON s.run_id = r.id AND s.problem_id = p.id"

#define SAMPLE_WHERE " WHERE r.id = ?1"
#define SAMPLE_ORDER " ORDER BY p.ord, p.id, s.idx"

static int walk_samples(rn_store *s, int64_t run_id, const char *more, int64_t arg, bool with_text,
                        int (*fn)(void *user, const rn_store_sample_row *r), void *user,
                        rn_err *err)
{
    sqlite3_stmt *st;
    rn_buf sql = {0};
    rn_buf_puts(&sql, SAMPLE_COLUMNS);
    rn_buf_puts(&sql, with_text ? ", x.text" SAMPLE_FROM
                                  " CROSS JOIN sample_text x ON x.sample_id = s.id"
                                : SAMPLE_FROM);
    rn_buf_puts(&sql, SAMPLE_WHERE);
    rn_buf_puts(&sql, more);
    rn_buf_puts(&sql, SAMPLE_ORDER);
    int rc = rn_buf_ok(&sql) ? rn_store_prepare(s, sql.data, &st, err)
                             : rn_fail(err, RN_ENOMEM, "%s: out of memory", s->path);
    rn_buf_free(&sql);
    if (rc) return rc;
    sqlite3_bind_int64(st, 1, run_id);
    if (*more) sqlite3_bind_int64(st, 2, arg);
    int step;
    while ((step = sqlite3_step(st)) == SQLITE_ROW) {
        rn_store_sample_row row = {.x = {.run_id = run_id,
                                         .problem_id = sqlite3_column_int64(st, 0),
                                         .idx = sqlite3_column_int64(st, 4),
                                         .prompt_tok = rn_col_int(st, 6),
                                         .gen_tok = rn_col_int(st, 7),
                                         .finish = rn_col_text(st, 8),
                                         .logprob = rn_col_real(st, 9),
                                         .wall_ns = rn_col_int(st, 10),
                                         .flop = rn_col_real(st, 11),
                                         .source_id = sqlite3_column_int64(st, 12)},
                                   .task_id = rn_col_text(st, 1),
                                   .ord = sqlite3_column_int64(st, 2),
                                   .sample_id = sqlite3_column_int64(st, 3),
                                   .text_bytes = sqlite3_column_int64(st, 5),
                                   .verdict = rn_store_verdict_of(s, st, 13)};
        if (with_text) {
            const char *text = sqlite3_column_blob(st, 14);
            row.x.text =
                (rn_bytes){.data = text ? text : "", .len = (size_t)sqlite3_column_bytes(st, 14)};
        }
        rc = fn(user, &row);
        if (rc) break;
    }
    int end = rn_store_walked(s, st, step, err, cannot_read);
    return rc ? rc : end;
}

int rn_store_each_sample(rn_store *s, int64_t run_id, int64_t unjudged_protocol, bool with_text,
                         int (*fn)(void *user, const rn_store_sample_row *r), void *user,
                         rn_err *err)
{
    const char *more =
        unjudged_protocol > 0
            ? " AND NOT EXISTS (SELECT 1 FROM verdict v JOIN verdict_kind k ON k.id = v.kind_id"
              " WHERE v.sample_id = s.id AND v.protocol_id = ?2 AND k.name <> 'sandbox_failure')"
            : "";
    return walk_samples(s, run_id, more, unjudged_protocol, with_text, fn, user, err);
}

int rn_store_each_unscored(rn_store *s, int64_t run_id, int64_t ranker_id, bool with_text,
                           int (*fn)(void *user, const rn_store_sample_row *r), void *user,
                           rn_err *err)
{
    return walk_samples(s, run_id,
                        " AND NOT EXISTS (SELECT 1 FROM score c"
                        " WHERE c.sample_id = s.id AND c.ranker_id = ?2)",
                        ranker_id, with_text, fn, user, err);
}

int rn_store_sample_text(rn_store *s, int64_t sample_id, rn_buf *out, rn_err *err)
{
    sqlite3_stmt *st;
    int rc = rn_store_prepare(s, "SELECT text FROM sample_text WHERE sample_id = ?1", &st, err);
    if (rc) return rc;
    rn_buf_clear(out);
    sqlite3_bind_int64(st, 1, sample_id);
    int step = sqlite3_step(st);
    bool found = step == SQLITE_ROW;
    if (found) {
        const void *text = sqlite3_column_blob(st, 0);
        int len = sqlite3_column_bytes(st, 0);
        if (len > 0) rn_buf_add(out, text, (size_t)len);
        step = SQLITE_DONE;
    }
    rc = rn_store_walked(s, st, step, err, cannot_read);
    if (rc) return rc;
    if (!found)
        return rn_fail(err, RN_ENOTFOUND, "%s: there is no text of sample %lld", s->path,
                       (long long)sample_id);
    return rn_buf_ok(out) ? 0 : rn_fail(err, RN_ENOMEM, "%s: out of memory", s->path);
}

int rn_store_each_timed(rn_store *s, int64_t run_id, int64_t protocol_id, int64_t min_cpu_ns,
                        int (*fn)(void *user, const rn_store_timed_row *r), void *user, rn_err *err)
{
    sqlite3_stmt *st;
    int rc = rn_store_prepare(s,
                              "SELECT v.kind_id, p.task_id, s.idx, v.cpu_ns"
                              " FROM run r CROSS JOIN problem p ON p.set_id = r.set_id"
                              " CROSS JOIN sample s ON s.run_id = r.id AND s.problem_id = p.id"
                              " CROSS JOIN verdict v ON v.sample_id = s.id AND v.protocol_id = ?2"
                              " WHERE r.id = ?1 AND v.cpu_ns >= ?3 ORDER BY p.ord, p.id, s.idx",
                              &st, err);
    if (rc) return rc;
    sqlite3_bind_int64(st, 1, run_id);
    sqlite3_bind_int64(st, 2, protocol_id);
    sqlite3_bind_int64(st, 3, min_cpu_ns);
    int step;
    while ((step = sqlite3_step(st)) == SQLITE_ROW) {
        int kind = rn_store_verdict_of(s, st, 0);
        if (kind < 0) continue;
        const rn_store_timed_row row = {.task_id = rn_col_text(st, 1),
                                        .idx = sqlite3_column_int64(st, 2),
                                        .cpu_ns = sqlite3_column_int64(st, 3),
                                        .verdict = (rn_verdict)kind};
        rc = fn(user, &row);
        if (rc) break;
    }
    int end = rn_store_walked(s, st, step, err, cannot_read);
    return rc ? rc : end;
}

int rn_store_each_verdict(rn_store *s, int64_t sample_id,
                          int (*fn)(void *user, const rn_store_verdict_row *r), void *user,
                          rn_err *err)
{
    sqlite3_stmt *st;
    int rc = rn_store_prepare(s,
                              "SELECT v.protocol_id, v.kind_id, v.judged_ms, v.n_tests, v.n_passed,"
                              " v.failed_test, v.cpu_ns, v.wall_ns, v.peak_bytes, v.detail,"
                              " v.program_sha, p.json"
                              " FROM verdict v JOIN protocol p ON p.id = v.protocol_id"
                              " WHERE v.sample_id = ?1"
                              " ORDER BY v.judged_ms DESC, v.protocol_id DESC",
                              &st, err);
    if (rc) return rc;
    sqlite3_bind_int64(st, 1, sample_id);
    int step;
    while ((step = sqlite3_step(st)) == SQLITE_ROW) {
        int kind = rn_store_verdict_of(s, st, 1);
        if (kind < 0) continue;
        rn_store_verdict_row row = {.x = {.sample_id = sample_id,
                                          .protocol_id = sqlite3_column_int64(st, 0),
                                          .verdict = (rn_verdict)kind,
                                          .n_tests = rn_col_int(st, 3),
                                          .n_passed = rn_col_int(st, 4),
                                          .failed_test = rn_col_int(st, 5),
                                          .cpu_ns = rn_col_int(st, 6),
                                          .wall_ns = rn_col_int(st, 7),
                                          .peak_bytes = rn_col_int(st, 8),
                                          .detail = rn_col_text(st, 9)},
                                    .protocol = rn_col_text(st, 11),
                                    .judged_ms = sqlite3_column_int64(st, 2)};
        const void *sha = sqlite3_column_blob(st, 10);
        if (sha && sqlite3_column_bytes(st, 10) == (int)sizeof row.x.program_sha)
            memcpy(row.x.program_sha, sha, sizeof row.x.program_sha);
        rc = fn(user, &row);
        if (rc) break;
    }
    int end = rn_store_walked(s, st, step, err, cannot_read);
    return rc ? rc : end;
}

int rn_store_each_protocol(rn_store *s, int64_t run_id,
                           int (*fn)(void *user, int64_t protocol_id, const char *json,
                                     int64_t n_verdicts),
                           void *user, rn_err *err)
{
    sqlite3_stmt *st;
    int rc =
        rn_store_prepare(s,
                         "SELECT p.id, p.json, n.n FROM (SELECT v.protocol_id AS id, count(*) AS n"
                         " FROM sample s CROSS JOIN verdict v ON v.sample_id = s.id"
                         " WHERE s.run_id = ?1 GROUP BY v.protocol_id) n"
                         " JOIN protocol p ON p.id = n.id ORDER BY p.id",
                         &st, err);
    if (rc) return rc;
    sqlite3_bind_int64(st, 1, run_id);
    int step;
    while ((step = sqlite3_step(st)) == SQLITE_ROW) {
        rc = fn(user, sqlite3_column_int64(st, 0), rn_col_text(st, 1), sqlite3_column_int64(st, 2));
        if (rc) break;
    }
    int end = rn_store_walked(s, st, step, err, cannot_read);
    return rc ? rc : end;
}

int rn_store_each_ranker(rn_store *s, int64_t run_id,
                         int (*fn)(void *user, const rn_store_ranker_row *r), void *user,
                         rn_err *err)
{
    sqlite3_stmt *st;
    int rc = rn_store_prepare(s,
                              "SELECT k.id, k.name, k.json, k.lower_is_better, n.n FROM"
                              " (SELECT c.ranker_id AS id, count(*) AS n"
                              "  FROM sample s CROSS JOIN score c ON c.sample_id = s.id"
                              "  WHERE s.run_id = ?1 GROUP BY c.ranker_id) n"
                              " JOIN ranker k ON k.id = n.id ORDER BY k.id",
                              &st, err);
    if (rc) return rc;
    sqlite3_bind_int64(st, 1, run_id);
    int step;
    while ((step = sqlite3_step(st)) == SQLITE_ROW) {
        const rn_store_ranker_row row = {.ranker_id = sqlite3_column_int64(st, 0),
                                         .name = rn_col_text(st, 1),
                                         .json = rn_col_text(st, 2),
                                         .lower_is_better = sqlite3_column_int(st, 3) != 0,
                                         .n_scores = sqlite3_column_int64(st, 4)};
        rc = fn(user, &row);
        if (rc) break;
    }
    int end = rn_store_walked(s, st, step, err, cannot_read);
    return rc ? rc : end;
}

int rn_store_each_curve(rn_store *s, int64_t run_id, int (*fn)(void *user, int64_t k, double value),
                        void *user, rn_err *err)
{
    sqlite3_stmt *st;
    int rc =
        rn_store_prepare(s, "SELECT k, value FROM curve WHERE run_id = ?1 ORDER BY k", &st, err);
    if (rc) return rc;
    sqlite3_bind_int64(st, 1, run_id);
    int step;
    while ((step = sqlite3_step(st)) == SQLITE_ROW) {
        rc = fn(user, sqlite3_column_int64(st, 0), sqlite3_column_double(st, 1));
        if (rc) break;
    }
    int end = rn_store_walked(s, st, step, err, cannot_read);
    return rc ? rc : end;
}

int rn_store_each_profile(rn_store *s,
                          int (*fn)(void *user, const char *model_name, const rn_store_profile *p),
                          void *user, rn_err *err)
{
    sqlite3_stmt *st;
    int rc = rn_store_prepare(s,
                              "SELECT m.name, p.model_id, p.hardware, p.s_per_sample, p.s_per_1000,"
                              " p.flop_per_sample, p.json FROM profile p"
                              " JOIN model m ON m.id = p.model_id ORDER BY p.model_id, p.hardware",
                              &st, err);
    if (rc) return rc;
    int step;
    while ((step = sqlite3_step(st)) == SQLITE_ROW) {
        const rn_store_profile row = {.model_id = sqlite3_column_int64(st, 1),
                                      .hardware = rn_col_text(st, 2),
                                      .s_per_sample = rn_col_real(st, 3),
                                      .s_per_1000 = rn_col_real(st, 4),
                                      .flop_per_sample = rn_col_real(st, 5),
                                      .json = rn_col_text(st, 6)};
        rc = fn(user, rn_col_text(st, 0), &row);
        if (rc) break;
    }
    int end = rn_store_walked(s, st, step, err, cannot_read);
    return rc ? rc : end;
}
