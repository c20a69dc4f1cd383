/* tsan */
/* rn_solve: several local models side by side, budgets, callbacks that end it, the store, working
 * folders that cannot be used. */
#include "test.h"

#include "base/json.h"
#include "model/random.h"
#include "task/task.h"

#include <sys/stat.h>

static rn_model *models[2];
static rn_taskset *set;

static const char problem[] =
    "{\"task_id\": \"T/0\", \"prompt\": \"def f(x):\\n\", \"entry_point\": \"f\", \"test\": "
    "\"def check(f):\\n    assert f(1) == 2\\n\"}";

static int open_all(void **state)
{
    (void)state;
    rn_err err;
    for (int i = 0; i < 2; i++) {
        rn_random_spec spec = {.n_layer = 1 + i,
                               .d_model = 32,
                               .d_ff = 64,
                               .n_head = 2,
                               .n_kv_head = 2,
                               .n_vocab = 320,
                               .n_ctx = 256,
                               .type = RN_Q_F32,
                               .seed = (uint64_t)i};
        assert_ok(rn_random_model(&spec, 1, &models[i], &err), &err);
    }
    assert_ok(rn_taskset_parse(rn_bytes_of(problem), "p.json", &set, &err), &err);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    rn_model_close(models[0]);
    rn_model_close(models[1]);
    rn_taskset_free(set);
    return 0;
}

typedef struct told {
    int n_samples, n_verdicts, stop_after;
} told;

static int on_sample(void *user, const rn_solve_sample *s)
{
    told *t = user;
    assert_true(s->model == 0 || s->model == 1);
    t->n_samples++;
    return t->stop_after && t->n_samples >= t->stop_after;
}

static int on_verdict(void *user, const rn_solve_sample *s)
{
    told *t = user;
    assert_true(s->judged);
    t->n_verdicts++;
    return 0;
}

static rn_solve_options options_for(const rn_model_source *m, size_t n, const char *budget, told *t)
{
    static rn_sampling sampling;
    rn_sampling_init(&sampling);
    sampling.max_tok = 24;
    return (rn_solve_options){.models = m,
                              .n_models = n,
                              .set = set,
                              .budget = budget,
                              .sampling = &sampling,
                              .on_sample = on_sample,
                              .on_verdict = on_verdict,
                              .user = t};
}

static void test_two_models(void **state)
{
    (void)state;
    const rn_model_source m[] = {{.model = models[0], .name = "small", .threads = 1},
                                 {.model = models[1], .name = "large", .threads = 1}};
    static const char *const policies[] = {"adaptive", "cascade", "large-only"};
    for (size_t i = 0; i < 3; i++) {
        told t = {0};
        rn_solve_options o = options_for(m, 2, "40MFLOP", &t);
        o.policy = policies[i];
        o.in_flight = 3;
        rn_solve_result r;
        rn_err err;
        assert_ok(rn_solve(&o, &r, &err), &err);
        assert_int_equal(r.outcome, RN_UNSOLVED);
        assert_null(r.program);
        assert_int_equal(r.n_rows, 2);
        int64_t n = r.rows[0].n_samples + r.rows[1].n_samples;
        assert_int_equal(t.n_samples, n);
        assert_int_equal(t.n_verdicts, n);
        if (i > 0) assert_true(r.rows[1].n_samples > 0);
        if (i == 2) assert_int_equal(r.rows[0].n_samples, 0);
        if (!(r.spent > 1e7 && r.spent < 6e7)) fail_msg("spent %g of 40 MFLOP", r.spent);
        assert_contains(r.why, "no sample passed");
        json_t *j;
        assert_ok(
            rn_json_parse(rn_bytes_of(r.ledger_json), (rn_json_at){.path = "ledger"}, &j, &err),
            &err);
        assert_int_equal(json_array_size(json_object_get(j, "models")), 2);
        json_decref(j);
        rn_solve_result_free(&r);
    }
}

/* What is in flight when a callback ends it is cancelled and accounted. */
static void test_stopped(void **state)
{
    (void)state;
    const rn_model_source m = {.model = models[0], .name = "small", .threads = 1};
    told t = {.stop_after = 3};
    rn_solve_options o = options_for(&m, 1, "60s", &t);
    rn_solve_result r;
    rn_err err;
    assert_int_equal(rn_solve(&o, &r, &err), RN_ECANCELLED);
    assert_true(t.n_samples >= 3);
    assert_int_equal(r.rows[0].n_samples, t.n_samples);
    assert_contains(r.why, "stopped");
    assert_true(r.rows[0].seconds >= 0 && r.seconds < 60);
    rn_solve_result_free(&r);
}

static void test_deadline(void **state)
{
    (void)state;
    const rn_model_source m[] = {{.model = models[0], .name = "a", .threads = 1},
                                 {.model = models[1], .name = "b", .threads = 1}};
    told t = {0};
    rn_solve_options o = options_for(m, 2, "0.3s", &t);
    rn_solve_result r;
    rn_err err;
    assert_ok(rn_solve(&o, &r, &err), &err);
    assert_int_equal(r.outcome, RN_UNSOLVED);
    assert_int_equal(t.n_samples, t.n_verdicts); /* what was sampled by then was judged */
    rn_solve_result_free(&r);
}

static void test_without_tests(void **state)
{
    (void)state;
    const rn_model_source m[] = {{.model = models[0], .name = "a", .threads = 1},
                                 {.model = models[1], .name = "b", .threads = 1}};
    told t = {0};
    rn_solve_options o = options_for(m, 2, "20MFLOP", &t);
    o.no_tests = 1;
    rn_solve_result r;
    rn_err err;
    assert_ok(rn_solve(&o, &r, &err), &err);
    assert_int_equal(t.n_verdicts, 0);
    assert_true(r.outcome == RN_CHOSEN ||
                r.outcome == RN_UNSOLVED); /* random text is rarely code */
    assert_true((r.outcome == RN_CHOSEN) == (r.program != NULL));
    rn_solve_result_free(&r);
}

static void test_refused(void **state)
{
    (void)state;
    const rn_model_source m = {.model = models[0], .name = "small", .threads = 1};
    rn_err err;
    rn_solve_result r;
    told t = {0};
    static const char *const budgets[] = {NULL, "0s", "5", "1FLOP", "1USD", "x"};
    for (size_t i = 0; i < 6; i++) {
        rn_solve_options o = options_for(&m, 1, budgets[i], &t);
        assert_int_equal(rn_solve(&o, &r, &err), RN_EINVAL);
    }
    rn_solve_options o = options_for(&m, 1, "1s", &t);
    o.dir = "/tmp";
    assert_int_equal(rn_solve(&o, &r, &err), RN_EINVAL); /* both a problem and a folder */
    o.set = NULL;
    assert_int_equal(rn_solve(&o, &r, &err), RN_EINVAL); /* and no marker */
    o.dir = NULL;
    assert_int_equal(rn_solve(&o, &r, &err), RN_EINVAL);
    o = options_for(&m, 0, "1s", &t);
    assert_int_equal(rn_solve(&o, &r, &err), RN_EINVAL);
    o = options_for(&m, 1, "1s", &t);
    o.problem = 1;
    assert_int_equal(rn_solve(&o, &r, &err), RN_EINVAL);
    rn_solve_result_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_models), cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_deadline),   cmocka_unit_test(test_without_tests),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
