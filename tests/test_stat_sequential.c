/* Tests of sampling until an interval is narrow: src/stat/sequential.c. */
#include "test.h"

#include "base/rng.h"
#include "stat/sequential.h"

static rn_seq *open_plan(int64_t k, int64_t n_max)
{
    rn_err err;
    rn_seq *q;
    const rn_seq_plan plan = {.k = k, .n_max = n_max, .level = 0.95};
    assert_ok(rn_seq_new(&plan, &q, &err), &err);
    return q;
}

/* The mean of the estimate over every sequence of outcomes that the rule of a round ends. */
static double expectation(rn_seq *q, int round, rn_count x, double p, double chance)
{
    int64_t need = rn_seq_need(q, round, x);
    if (need == x.n) {
        rn_err err;
        rn_interval at;
        assert_ok(rn_seq_estimate(q, round, &x, 1, &at, &err), &err);
        return chance * at.value;
    }
    double sum = 0;
    int64_t more = need - x.n;
    for (unsigned set = 0; set < 1u << more; set++) {
        int64_t c = __builtin_popcount(set);
        double now = chance * pow(p, (double)c) * pow(1 - p, (double)(more - c));
        sum += expectation(q, round, (rn_count){.n = need, .c = x.c + c}, p, now);
    }
    return sum;
}

static void every_rule_is_unbiased(void **state)
{
    (void)state;
    rn_seq *q = open_plan(2, 10);
    static const double rates[] = {0.03, 0.2, 0.5, 0.9};
    int step = rn_seq_rounds(q) / 5 + 1;
    for (int round = 0; round < rn_seq_rounds(q); round += step)
        for (int i = 0; i < 4; i++)
            assert_near(expectation(q, round, (rn_count){0}, rates[i], 1), 1 - pow(1 - rates[i], 2),
                        1e-9);
    rn_seq_free(q);
}

static void without_stopping_it_is_pass_at_k(void **state)
{
    (void)state;
    rn_err err;
    rn_interval at;
    rn_seq *q = open_plan(3, 40);
    rn_count x[30];
    double want = 0;
    for (int i = 0; i < 30; i++) {
        double pass;
        x[i] = (rn_count){.n = 12, .c = i % 13};
        assert_ok(rn_stat_pass(12, x[i].c, 3, &pass, &err), &err);
        want += pass / 30;
    }
    assert_ok(rn_seq_equal(q, x, 30, &at, &err), &err);
    assert_near(at.value, want, 1e-10);
    assert_true(at.lo < at.value && at.value < at.hi);
    rn_seq_free(q);
}

/* Problems at the same price: hard ones go on longer than those that pass mostly. */
static void samples_go_where_they_tell_most(void **state)
{
    (void)state;
    rn_seq *q = open_plan(10, 200);
    int last = rn_seq_rounds(q) - 1;
    assert_int_equal(rn_seq_need(q, 0, (rn_count){0}), 10);
    for (int64_t c = 0; c <= 10; c++)
        assert_int_equal(rn_seq_need(q, 0, (rn_count){.n = 10, .c = c}), 10);
    assert_true(rn_seq_need(q, last, (rn_count){.n = 10, .c = 0}) > 10);
    int middle = last / 3;
    assert_true(rn_seq_need(q, middle, (rn_count){.n = 10, .c = 1}) > 10);
    assert_int_equal(rn_seq_need(q, middle, (rn_count){.n = 10, .c = 9}), 10);
    /* What goes on at a price goes on at every lower one. */
    for (int64_t c = 0; c <= 10; c++)
        for (int r = 1; r <= last; r++)
            assert_true(rn_seq_need(q, r, (rn_count){.n = 10, .c = c}) >=
                        rn_seq_need(q, r - 1, (rn_count){.n = 10, .c = c}));
    rn_seq_free(q);
}

static void the_interval_holds_the_truth(void **state)
{
    (void)state;
    enum { PROBLEMS = 60, REPLAYS = 100 };
    rn_err err;
    rn_seq *q = open_plan(5, 120);
    int held = 0;
    double truth = 0;
    for (int i = 0; i < PROBLEMS; i++)
        truth += (1 - pow(1 - (double)i / PROBLEMS, 5)) / PROBLEMS;
    for (uint32_t s = 0; s < REPLAYS; s++) {
        rn_count x[PROBLEMS] = {{0}};
        rn_interval at = {0};
        rn_rng r[PROBLEMS];
        for (size_t i = 0; i < PROBLEMS; i++)
            rn_rng_init(&r[i], 5, i, s);
        for (int round = 0; round < rn_seq_rounds(q); round++) {
            for (int i = 0; i < PROBLEMS; i++)
                for (int64_t need; (need = rn_seq_need(q, round, x[i])) > x[i].n;)
                    for (; x[i].n < need; x[i].n++)
                        x[i].c += rn_rng_unit(&r[i]) < (double)i / PROBLEMS;
            assert_ok(rn_seq_estimate(q, round, x, PROBLEMS, &at, &err), &err);
            if (at.hi - at.lo < 0.04) break;
        }
        assert_true(at.hi - at.lo < 0.04);
        held += at.lo <= truth && truth <= at.hi;
    }
    print_message("%d of %d intervals hold the truth\n", held, REPLAYS);
    assert_true(held >= 88);
    rn_seq_free(q);
}

static void bad_plans_are_refused(void **state)
{
    (void)state;
    rn_err err;
    rn_seq *q;
    static const rn_seq_plan bad[] = {{.k = 0, .n_max = 10, .level = 0.9},
                                      {.k = 11, .n_max = 10, .level = 0.9},
                                      {.k = 5, .first = 4, .n_max = 10, .level = 0.9},
                                      {.k = 5, .n_max = RN_SEQ_MAX_N + 1, .level = 0.9},
                                      {.k = 5, .n_max = 10, .level = 1}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(rn_seq_new(&bad[i], &q, &err), RN_EINVAL);
    q = open_plan(5, 20);
    rn_interval at;
    const rn_count odd = {.n = 6, .c = 9}, between = {.n = 8, .c = 2};
    assert_int_equal(rn_seq_estimate(q, 0, &between, 1, &at, &err), RN_EINVAL);
    assert_int_equal(rn_seq_estimate(q, 999, &odd, 1, &at, &err), RN_EINVAL);
    assert_int_equal(rn_seq_estimate(q, 0, NULL, 0, &at, &err), RN_EINVAL);
    rn_seq_free(q);
    rn_seq_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_is_unbiased),
        cmocka_unit_test(without_stopping_it_is_pass_at_k),
        cmocka_unit_test(samples_go_where_they_tell_most),
        cmocka_unit_test(the_interval_holds_the_truth),
        cmocka_unit_test(bad_plans_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
