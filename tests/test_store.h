/* test_store.h: a small experiment file for the tests of src/store, and SQL on the file behind it. */
#ifndef RN_TEST_STORE_H
#define RN_TEST_STORE_H

#include "test_dir.h"

#include "store/store_priv.h"

static inline rn_store *open_store(const char *name, int mode)
{
    rn_store *s = NULL;
    rn_err err = {0};
    assert_ok(rn_store_open(in_dir(name), mode, &s, &err), &err);
    return s;
}

/* A set of three problems, a model and a run. */
typedef struct fixture {
    rn_store *s;
    int64_t set, problem[3], model, run;
} fixture;

static inline fixture make(const char *name)
{
    rn_err err = {0};
    fixture f = {.s = open_store(name, RN_STORE_CREATE)};
    assert_ok(rn_store_begin(f.s, &err), &err);
    assert_ok(rn_store_put_set(f.s, &(rn_store_set){.name = "mini", .hash = "abc"}, &f.set, &err),
              &err);
    /* Stored in another order than that of the set. */
    for (int i = 2; i >= 0; i--) {
        char id[16];
        snprintf(id, sizeof id, "Mini/%d", i);
        rn_store_problem p = {f.set, i, id, "def f():\n", -1};
        assert_ok(rn_store_put_problem(f.s, &p, &f.problem[i], &err), &err);
    }
    assert_ok(rn_store_put_model(f.s, &(rn_store_model){"m", "", ""}, &f.model, &err), &err);
    rn_store_run r = {f.set, f.model, "sample", "", "{\"temperature\": 0.80, \"n\": 2.0}"};
    assert_ok(rn_store_put_run(f.s, &r, &f.run, &err), &err);
    assert_ok(rn_store_commit(f.s, &err), &err);
    return f;
}

static inline int64_t put_text(fixture *f, int problem, int64_t idx, const char *text,
                               int64_t gen_tok)
{
    rn_err err = {0};
    int64_t id = 0;
    rn_store_sample x = {.run_id = f->run,
                         .problem_id = f->problem[problem],
                         .idx = idx,
                         .text = rn_bytes_of(text),
                         .prompt_tok = -1,
                         .gen_tok = gen_tok,
                         .finish = "stop",
                         .logprob = (double)NAN,
                         .wall_ns = -1,
                         .flop = (double)NAN};
    assert_ok(rn_store_put_sample(f->s, &x, &id, NULL, &err), &err);
    return id;
}

static inline void put_verdict(fixture *f, int64_t sample, int64_t protocol, rn_verdict verdict)
{
    rn_err err = {0};
    rn_store_verdict v = {.sample_id = sample,
                          .protocol_id = protocol,
                          .verdict = verdict,
                          .n_tests = 1,
                          .n_passed = verdict == RN_V_PASSED,
                          .failed_test = -1,
                          .cpu_ns = 5,
                          .wall_ns = 6,
                          .peak_bytes = -1,
                          .detail = "",
                          .program_sha = {1}};
    assert_ok(rn_store_put_verdict(f->s, &v, &err), &err);
}

static inline int collect_sample(void *user, const rn_store_sample_row *r)
{
    rn_buf *b = user;
    rn_buf_printf(b, "%s#%lld=%.*s:%d ", r->task_id, (long long)r->x.idx, (int)r->x.text.len,
                  r->x.text.len ? r->x.text.data : "", r->verdict);
    return 0;
}

static inline void expect_samples(fixture *f, int64_t unjudged, bool text, const char *want)
{
    rn_buf b = {0};
    rn_err err = {0};
    rn_buf_puts(&b, "");
    const rn_store_samples which = {
        .run_id = f->run, .unjudged_protocol = unjudged, .with_text = text};
    assert_ok(rn_store_each_sample(f->s, &which, collect_sample, &b, &err), &err);
    assert_string_equal(b.data, want);
    rn_buf_free(&b);
}

static inline void sql(const char *path, const char *text)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    char *msg = NULL;
    if (sqlite3_exec(db, text, NULL, NULL, &msg)) fail_msg("%s: %s", text, msg);
    sqlite3_close(db);
}

/* One number or text from a store by SQL, in a static buffer. */
static inline const char *ask(const char *path, const char *query)
{
    static char out[4096];
    sqlite3 *db;
    sqlite3_stmt *st;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_prepare_v2(db, query, -1, &st, NULL)) fail_msg("%s", sqlite3_errmsg(db));
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    const char *text = (const char *)sqlite3_column_text(st, 0);
    snprintf(out, sizeof out, "%s", text ? text : "NULL");
    sqlite3_finalize(st);
    sqlite3_close(db);
    return out;
}

#endif
