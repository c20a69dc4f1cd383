/* Tests of sampling until an interval is narrow: src/stat/sequential.c. */
#include "test.h"

#include "base/rng.h"
#include "stat/sequential.h"

static rn_seq *open_plan(int64_t k, int64_t n_max)
{
    rn_err err;
    rn_seq *q;
    const rn_seq_plan plan = {.ks = &k, .n_ks = 1, .first = k, .n_max = n_max};
    assert_ok(rn_seq_new(&plan, &q, &err), &err);
    return q;
}

static double half_of(rn_seq_mean m)
{
    return rn_seq_z(0.95) * sqrt(m.variance);
}

/* The estimate of pass@k of one problem, by a rule that may be about other k. */
static double estimate_of(rn_seq *q, int round, rn_count x, int64_t k)
{
    rn_err err;
    double row[16];
    assert_ok(rn_seq_table(q, round, &x, 1, k, row, &err), &err);
    return row[k - 1];
}

/* The mean of pass@k over every sequence of outcomes that the rule of a rung ends. */
static double expected_pass(rn_seq *q, int round, int64_t k, rn_count x, double p, double chance)
{
    const int64_t need = rn_seq_need(q, round, x), more = need - x.n;
    if (more == 0) return chance * estimate_of(q, round, x, k);
    double sum = 0, ways = 1;
    for (int64_t c = 0; c <= more; c++) {
        const double now = ways * pow(p, (double)c) * pow(1 - p, (double)(more - c));
        sum += expected_pass(q, round, k, (rn_count){.n = need, .c = x.c + c}, p, chance * now);
        ways *= (double)(more - c) / (double)(c + 1);
    }
    return sum;
}

/* The mean of the estimate at place j of the ks over every sequence of outcomes that the rule of a
 * rung ends. */
static double expectation(rn_seq *q, int round, size_t j, rn_count x, double p, double chance)
{
    int64_t need = rn_seq_need(q, round, x);
    if (need == x.n) {
        rn_err err;
        rn_seq_mean pass[2];
        assert_ok(rn_seq_means(q, round, &x, 1, pass, &err), &err);
        return chance * pass[j].value;
    }
    double sum = 0;
    int64_t more = need - x.n;
    for (unsigned set = 0; set < 1u << more; set++) {
        int64_t c = __builtin_popcount(set);
        double now = chance * pow(p, (double)c) * pow(1 - p, (double)(more - c));
        sum += expectation(q, round, j, (rn_count){.n = need, .c = x.c + c}, p, now);
    }
    return sum;
}

static void every_rule_is_unbiased(void **state)
{
    (void)state;
    static const double rates[] = {0.03, 0.2, 0.5, 0.9};
    const int64_t ks[] = {2, 3};
    for (size_t n_ks = 1; n_ks <= 2; n_ks++) {
        rn_err err;
        rn_seq *q;
        const rn_seq_plan plan = {.ks = ks, .n_ks = n_ks, .first = 3, .n_max = 11, .cost = 3};
        assert_ok(rn_seq_new(&plan, &q, &err), &err);
        int step = (rn_seq_last(q) - rn_seq_first(q)) / 4 + 1;
        for (int round = rn_seq_first(q) - 1; round <= rn_seq_last(q) + 1; round += step)
            for (int i = 0; i < 4; i++)
                for (size_t j = 0; j < n_ks; j++)
                    assert_near(expectation(q, round, j, (rn_count){0}, rates[i], 1),
                                1 - pow(1 - rates[i], (double)ks[j]), 1e-9);
        rn_seq_free(q);
    }
}

/* A rule about pass@2 also gives pass@1 and all up to the samples that every problem has first. */
static void every_k_up_to_the_first_samples_is_unbiased(void **state)
{
    (void)state;
    rn_err err;
    rn_seq *q = NULL;
    const int64_t two = 2;
    const rn_seq_plan plan = {.ks = &two, .n_ks = 1, .first = 5, .n_max = 13, .cost = 2};
    assert_ok(rn_seq_new(&plan, &q, &err), &err);
    assert_int_equal(rn_seq_n0(q), 5);
    for (int round = rn_seq_first(q); round <= rn_seq_last(q); round += 2)
        for (int64_t k = 1; k <= 5; k++)
            for (double p = 0.1; p < 1; p += 0.4)
                assert_near(expected_pass(q, round, k, (rn_count){0}, p, 1),
                            1 - pow(1 - p, (double)k), 1e-9);
    rn_seq_free(q);
}

/* A rule comes back from its text, with its rung where that was written. */
static void a_rule_is_read_back(void **state)
{
    (void)state;
    rn_err err;
    const int64_t ks[] = {2, 3, 9};
    const rn_seq_plan plan = {.ks = ks, .n_ks = 3, .n_max = 77, .cost = 1.69e12 / 3};
    rn_seq *q = NULL, *again = NULL;
    char text[200], more[220], twice[200];
    int rung = -99;
    assert_ok(rn_seq_new(&plan, &q, &err), &err);
    rn_seq_rule_write(q, text, sizeof text);
    assert_ok(rn_seq_rule_read(text, &again, &rung, &err), &err);
    rn_seq_rule_write(again, twice, sizeof twice);
    assert_string_equal(text, twice);
    assert_int_equal(rung, -99);
    assert_int_equal(rn_seq_first(q), rn_seq_first(again));
    for (int r = rn_seq_first(q); r <= rn_seq_last(q); r += 5)
        for (int64_t c = 0; c <= 9; c++)
            assert_int_equal(rn_seq_need(q, r, (rn_count){.n = 9, .c = c}),
                             rn_seq_need(again, r, (rn_count){.n = 9, .c = c}));
    rn_seq_free(again);
    snprintf(more, sizeof more, "%s, rung -12", text);
    assert_ok(rn_seq_rule_read(more, &again, &rung, &err), &err);
    assert_int_equal(rung, -12);
    rn_seq_free(again);
    rn_seq_free(q);
    static const char *const bad[] = {"",
                                      "k 2",
                                      "k 2, n 4 to 60",
                                      "k 2, n 4 to 60, cost 0",
                                      "k 2, n 4 to 60, cost 1, ring 4",
                                      "k 0, n 4 to 60, cost 1",
                                      "n 4 to 60, cost 1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(rn_seq_rule_read(bad[i], &again, &rung, &err), RN_EFORMAT);
    assert_int_equal(rn_seq_rule_read("k 9, n 4 to 60, cost 1", &again, &rung, &err), RN_EINVAL);
}

/* The variance of the mean is exact where the rates are known: many problems of one rate. */
static void the_variance_is_that_of_the_rule(void **state)
{
    (void)state;
    rn_err err;
    rn_seq *q = open_plan(2, 12);
    const int rung = (rn_seq_first(q) + rn_seq_last(q)) / 2;
    const size_t n = 4000;
    rn_count *x = calloc(n, sizeof *x);
    double sum = 0, squares = 0;
    assert_non_null(x);
    for (size_t i = 0; i < n; i++) {
        rn_rng r;
        rn_seq_mean one;
        rn_rng_init(&r, 3, i, 1);
        for (int64_t need; (need = rn_seq_need(q, rung, x[i])) > x[i].n;)
            for (; x[i].n < need; x[i].n++)
                x[i].c += rn_rng_unit(&r) < 0.3;
        assert_ok(rn_seq_means(q, rung, &x[i], 1, &one, &err), &err);
        sum += one.value;
        squares += one.value * one.value;
    }
    rn_seq_mean m;
    assert_ok(rn_seq_means(q, rung, x, n, &m, &err), &err);
    const double mean = sum / (double)n, spread = squares / (double)n - mean * mean;
    assert_near(m.value, mean, 1e-9);
    assert_near(m.variance * (double)n / spread, 1, 0.08);
    free(x);
    rn_seq_free(q);
}

/* Rates that made the counts are likelier than others, and all of a row sum to 1. */
static void the_posterior_knows_the_rates(void **state)
{
    (void)state;
    rn_err err;
    rn_seq *q = open_plan(2, 100);
    static const rn_count x[] = {
        {.n = 50, .c = 0}, {.n = 40, .c = 20}, {.n = 0}, {.n = 50, .c = 50}};
    double post[4 * RN_SEQ_RATES], mean[4] = {0};
    assert_ok(rn_seq_posterior(q, x, 4, post, &err), &err);
    for (int i = 0; i < 4; i++) {
        double sum = 0;
        for (int g = 0; g < RN_SEQ_RATES; g++) {
            sum += post[i * RN_SEQ_RATES + g];
            mean[i] += post[i * RN_SEQ_RATES + g] * rn_seq_rate(g);
        }
        assert_near(sum, 1, 1e-12);
    }
    assert_true(mean[0] < 0.03 && mean[3] > 0.97);
    assert_near(mean[1], 0.5, 0.05);
    assert_near(mean[2], 0.5, 0.1);
    rn_seq_free(q);
}

static void without_stopping_it_is_pass_at_k(void **state)
{
    (void)state;
    rn_err err;
    rn_seq_mean at;
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
    assert_true(at.variance > 0);
    rn_seq_free(q);
}

/* Problems at the same price: hard ones go on longer than those that pass mostly. */
static void samples_go_where_they_tell_most(void **state)
{
    (void)state;
    rn_seq *q = open_plan(10, 200);
    int first = rn_seq_first(q), last = rn_seq_last(q);
    assert_int_equal(rn_seq_need(q, first, (rn_count){0}), 10);
    for (int64_t c = 0; c <= 10; c++)
        assert_int_equal(rn_seq_need(q, first, (rn_count){.n = 10, .c = c}), 10);
    assert_true(rn_seq_need(q, last, (rn_count){.n = 10, .c = 0}) > 10);
    int middle = first + (last - first) / 3;
    assert_true(rn_seq_need(q, middle, (rn_count){.n = 10, .c = 1}) > 10);
    assert_int_equal(rn_seq_need(q, middle, (rn_count){.n = 10, .c = 9}), 10);
    /* What goes on at a price goes on at every lower one. */
    for (int64_t c = 0; c <= 10; c++)
        for (int r = first; r <= last + 2; r++)
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
        rn_seq_mean at = {0};
        rn_rng r[PROBLEMS];
        for (size_t i = 0; i < PROBLEMS; i++)
            rn_rng_init(&r[i], 5, i, s);
        for (int round = rn_seq_first(q); round <= rn_seq_last(q); round++) {
            for (int i = 0; i < PROBLEMS; i++)
                for (int64_t need; (need = rn_seq_need(q, round, x[i])) > x[i].n;)
                    for (; x[i].n < need; x[i].n++)
                        x[i].c += rn_rng_unit(&r[i]) < (double)i / PROBLEMS;
            assert_ok(rn_seq_means(q, round, x, PROBLEMS, &at, &err), &err);
            if (half_of(at) < 0.02) break;
        }
        assert_true(half_of(at) < 0.02);
        held += fabs(at.value - truth) <= half_of(at);
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
    const int64_t five = 5, zero = 0, eleven = 11, falling[] = {5, 4};
    const rn_seq_plan bad[] = {{.ks = &zero, .n_ks = 1, .n_max = 10},
                               {.ks = &eleven, .n_ks = 1, .n_max = 10},
                               {.ks = falling, .n_ks = 2, .n_max = 10},
                               {.ks = &five, .n_ks = 0, .n_max = 10},
                               {.ks = &five, .n_ks = 1, .first = 4, .n_max = 10},
                               {.ks = &five, .n_ks = 1, .n_max = RN_SEQ_MAX_N + 1},
                               {.ks = &five, .n_ks = 1, .n_max = 10, .cost = -1}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(rn_seq_new(&bad[i], &q, &err), RN_EINVAL);
    q = open_plan(5, 20);
    rn_seq_mean at;
    const rn_count odd = {.n = 6, .c = 9}, between = {.n = 8, .c = 2};
    assert_int_equal(rn_seq_means(q, 0, &between, 1, &at, &err), RN_EINVAL);
    assert_int_equal(rn_seq_means(q, 0, &odd, 1, &at, &err), RN_EINVAL);
    assert_int_equal(rn_seq_means(q, 0, NULL, 0, &at, &err), RN_EINVAL);
    rn_seq_free(q);
    rn_seq_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_is_unbiased),
        cmocka_unit_test(every_k_up_to_the_first_samples_is_unbiased),
        cmocka_unit_test(a_rule_is_read_back),
        cmocka_unit_test(the_variance_is_that_of_the_rule),
        cmocka_unit_test(the_posterior_knows_the_rates),
        cmocka_unit_test(without_stopping_it_is_pass_at_k),
        cmocka_unit_test(samples_go_where_they_tell_most),
        cmocka_unit_test(the_interval_holds_the_truth),
        cmocka_unit_test(bad_plans_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
