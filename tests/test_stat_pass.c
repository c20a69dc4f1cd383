/* Tests of pass@k, coverage policies and early stopping: src/stat/pass.c, stop.c. */
#include "test.h"

#include "stat/pass.h"
#include "stat/stop.h"

#include "golden/stat.inc"

#define N(a) (sizeof(a) / sizeof *(a))

static void assert_relative(double got, double want, double tol)
{
    if (!(fabs(got - want) <= tol * fabs(want)))
        fail_msg("got %.17g, want %.17g, relative error %g", got, want,
                 fabs(got - want) / fabs(want));
}

static void single_values_match_exact_rationals(void **state)
{
    (void)state;
    rn_err err;
    double worst = 0;
    for (size_t i = 0; i < N(golden_pass); i++) {
        double got;
        assert_ok(rn_pass_at_k(golden_pass[i].n, golden_pass[i].c, golden_pass[i].k, &got, &err),
                  &err);
        assert_relative(got, golden_pass[i].pass, 2e-15);
        if (got > 0) worst = fmax(worst, fabs(got / golden_pass[i].pass - 1));
    }
    print_message("worst relative error of single values: %.2g\n", worst);
}

static void curves_match_exact_rationals(void **state)
{
    (void)state;
    rn_err err;
    double worst = 0;
    for (size_t i = 0; i < N(golden_pass); i++) {
        size_t k = (size_t)golden_pass[i].k;
        double *pass = malloc(k * sizeof *pass);
        assert_ok(rn_pass_curve(golden_pass[i].n, golden_pass[i].c, golden_pass[i].k, pass, &err),
                  &err);
        assert_relative(pass[k - 1], golden_pass[i].pass, 2e-14);
        if (pass[k - 1] > 0) worst = fmax(worst, fabs(pass[k - 1] / golden_pass[i].pass - 1));
        for (size_t j = 1; j < k; j++)
            if (pass[j] < pass[j - 1] || pass[j] > 1)
                fail_msg("pass@%zu = %.17g after %.17g", j + 1, pass[j], pass[j - 1]);
        free(pass);
    }
    print_message("worst relative error of curves: %.2g\n", worst);
}

/* Share of the k-subsets of n bits, c of them set, that hold a set bit. */
static double by_enumeration(int n, int c, int k)
{
    int hit = 0, all = 0;
    for (unsigned s = 0; s < 1u << n; s++) {
        if (__builtin_popcount(s) != k) continue;
        all++;
        hit += (s & ((1u << c) - 1)) != 0;
    }
    return (double)hit / all;
}

static void every_small_case_matches_enumeration(void **state)
{
    (void)state;
    for (int n = 1; n <= 10; n++)
        for (int c = 0; c <= n; c++) {
            double curve[10];
            assert_int_equal(rn_pass_curve(n, c, n, curve, NULL), 0);
            for (int k = 1; k <= n; k++) {
                double one, want = by_enumeration(n, c, k);
                assert_int_equal(rn_pass_at_k(n, c, k, &one, NULL), 0);
                assert_near(one, want, 4e-16);
                assert_near(curve[k - 1], want, 4e-16);
            }
        }
}

static void edge_cases_are_exact(void **state)
{
    (void)state;
    double x;
    static const struct {
        int64_t n, c, k;
        double want;
    } exact[] = {
        {1, 0, 1, 0},           {1, 1, 1, 1},
        {200, 1, 1, 0.005}, /* 1 of 200 is not 100 % */
        {200, 0, 200, 0},   /* no correct sample: 0 */
        {200, 200, 1, 1},       {200, 1, 200, 1},
        {200, 101, 100, 1},     {100000, 1, 1, 1e-5},
        {100000, 100000, 1, 1}, {RN_STAT_MAX_N, 1, RN_STAT_MAX_N / 2, 0.5},
    };
    for (size_t i = 0; i < N(exact); i++) {
        assert_int_equal(rn_pass_at_k(exact[i].n, exact[i].c, exact[i].k, &x, NULL), 0);
        assert_true(x == exact[i].want);
    }
}

static void impossible_counts_are_refused(void **state)
{
    (void)state;
    static const struct {
        int64_t n, c, k;
        const char *says;
    } bad[] = {
        {10, 3, 11, "k = 11 is more than the n = 10"},
        {1, 1, 10, "k = 10 is more than"},
        {0, 0, 1, "k = 1 is more than the n = 0"},
        {10, 3, 0, "k = 0"},
        {10, 3, -1, "k = -1"},
        {10, 11, 1, "c = 11 passing of n = 10"},
        {10, -1, 1, "c = -1"},
        {-1, 0, 1, "n = -1"},
        {INT64_MAX, 0, 1, "n = 9223372036854775807"},
    };
    for (size_t i = 0; i < N(bad); i++) {
        rn_err err = {0};
        double x = 77, many[11];
        assert_int_equal(rn_pass_at_k(bad[i].n, bad[i].c, bad[i].k, &x, &err), RN_EINVAL);
        assert_contains(err.msg, bad[i].says);
        assert_true(x == 77);
        assert_int_equal(rn_pass_curve(bad[i].n, bad[i].c, bad[i].k, many, &err), RN_EINVAL);
        assert_int_equal(rn_expected_draws(bad[i].n, bad[i].c, bad[i].k, &x, &err), RN_EINVAL);
        assert_true(x == 77);
    }
}

static void fail_is_the_complement(void **state)
{
    (void)state;
    double pass[1000], fail[1000];
    for (int64_t c = 0; c <= 2000; c += 37) {
        assert_int_equal(rn_stat_pass_curve(2000, c, 1000, pass, fail, NULL), 0);
        for (int k = 0; k < 1000; k++)
            assert_near(pass[k] + fail[k], 1, 1e-15);
    }
}

static const rn_count uneven[] = {{20, 5, 0}, {8, 0, 2}, {0, 0, 10}, {0, 0, 0}, {9, 9, 1}};

static void missing_samples_follow_the_policy(void **state)
{
    (void)state;
    rn_err err;
    rn_coverage cov;
    rn_count eff[5];
    uint8_t keep[5];

    assert_ok(rn_stat_cover(uneven, 5, RN_MISSING_DROP, eff, keep, &cov, &err), &err);
    assert_int_equal(cov.n_problems, 5);
    assert_int_equal(cov.n_used, 3);
    assert_int_equal(cov.n_empty, 2);
    assert_int_equal(cov.n_partial, 2);
    assert_int_equal(cov.n_samples, 37);
    assert_int_equal(cov.n_passed, 14);
    assert_int_equal(cov.n_missing, 13);
    assert_int_equal(cov.min_n, 8);
    assert_int_equal(cov.max_n, 20);
    assert_int_equal(cov.k_max, 4);
    assert_false(keep[2] || keep[3]);
    assert_int_equal(eff[1].n, 8);

    assert_ok(rn_stat_cover(uneven, 5, RN_MISSING_FAIL, eff, keep, &cov, &err), &err);
    assert_int_equal(cov.n_used, 5);
    assert_int_equal(eff[1].n, 10);
    assert_int_equal(eff[2].n, 10);
    assert_int_equal(eff[3].n, 0);
    assert_int_equal(cov.min_n, 10); /* the problem without samples does not end the curve */
    assert_int_equal(cov.k_max, 5);

    assert_int_equal(rn_stat_cover(uneven, 5, RN_MISSING_REFUSE, NULL, NULL, &cov, &err),
                     RN_EINVAL);
    assert_contains(err.msg, "problem 1");
    assert_ok(rn_stat_cover(uneven, 1, RN_MISSING_REFUSE, NULL, NULL, &cov, &err), &err);

    const rn_count one = {1, 1, 0};
    assert_ok(rn_stat_cover(&one, 1, RN_MISSING_DROP, NULL, NULL, &cov, &err), &err);
    assert_int_equal(cov.k_max, 1); /* greedy: pass@1 of one sample is what there is */
    assert_ok(rn_stat_cover(NULL, 0, RN_MISSING_DROP, NULL, NULL, &cov, &err), &err);
    assert_int_equal(cov.k_max, 0);

    const rn_count bad[] = {{5, 6, 0}, {5, -1, 0}, {-5, 0, 0}, {5, 5, -1}};
    for (int i = 0; i < 4; i++)
        assert_int_equal(rn_stat_cover(&bad[i], 1, RN_MISSING_DROP, NULL, NULL, &cov, &err),
                         RN_EINVAL);
}

static void tables_hold_the_kept_rows(void **state)
{
    (void)state;
    rn_err err;
    rn_coverage cov;
    rn_count eff[5];
    uint8_t keep[5];
    double table[5 * 4], mean[4], want;
    assert_ok(rn_stat_cover(uneven, 5, RN_MISSING_DROP, eff, keep, &cov, &err), &err);
    assert_ok(rn_stat_pass_table(eff, keep, 5, 4, table, &err), &err);
    rn_stat_means(table, NULL, 3, 4, mean);
    for (int k = 1; k <= 4; k++) {
        assert_int_equal(rn_stat_pass(20, 5, k, &want, NULL), 0);
        assert_near(table[k - 1], want, 1e-15);
        assert_near(mean[k - 1], (want + 0 + 1) / 3, 1e-15);
    }
    const double weight[] = {0, 1, 3}, none[] = {0, 0, 0};
    rn_stat_means(table, weight, 3, 4, mean);
    assert_near(mean[2], 0.75, 1e-15);
    rn_stat_means(table, none, 3, 4, mean);
    assert_true(isnan(mean[0]));

    assert_ok(rn_stat_cover(uneven, 5, RN_MISSING_FAIL, eff, keep, &cov, &err), &err);
    assert_ok(rn_stat_pass_table(eff, keep, 5, 4, table, &err), &err);
    assert_true(table[3 * 4 + 3] == 0); /* never solved */
    assert_int_equal(rn_stat_pass_table(eff, keep, 5, 11, table, &err), RN_EINVAL);
    assert_contains(err.msg, "problem 1");
    assert_int_equal(rn_stat_pass_table(eff, keep, 5, 0, table, &err), RN_EINVAL);
}

static void draws_match_exact_rationals(void **state)
{
    (void)state;
    rn_err err;
    const rn_drawcost unit = {0, 1, 1, 1};
    for (size_t i = 0; i < N(golden_draws); i++) {
        const rn_count x = {golden_draws[i].n, golden_draws[i].c, 0};
        size_t k = (size_t)golden_draws[i].k;
        double one, *draws = malloc(2 * k * sizeof *draws), *spent = draws + k;
        assert_ok(rn_expected_draws(x.n, x.c, golden_draws[i].k, &one, &err), &err);
        assert_relative(one, golden_draws[i].draws, 3e-15);
        assert_ok(rn_stat_stop_curve(&x, &unit, golden_draws[i].k, draws, spent, &err), &err);
        assert_relative(draws[k - 1], golden_draws[i].draws, 1e-12);
        assert_relative(spent[k - 1], golden_draws[i].draws, 1e-12);
        free(draws);
    }
}

/* Mean cost of "up to k in batches, stop at the first pass" over every order of n samples. */
static double cost_by_enumeration(int n, int c, int k, const rn_drawcost *cost, double *draws)
{
    double sum = 0, drawn = 0;
    int orders = 0, batch = cost->batch > 1 ? (int)cost->batch : 1;
    for (unsigned s = 0; s < 1u << n; s++) {
        if (__builtin_popcount(s) != c) continue;
        orders++;
        sum += cost->shared;
        for (int at = 0, done = 0; at < k && !done; at += batch)
            for (int j = at; j < at + batch && j < k; j++) {
                int pass = s >> j & 1;
                done |= pass;
                drawn++;
                sum += pass ? cost->passing : cost->failing;
            }
    }
    *draws = drawn / orders;
    return sum / orders;
}

static void stopping_costs_match_enumeration(void **state)
{
    (void)state;
    rn_err err;
    for (int64_t batch = 0; batch <= 4; batch++)
        for (int n = 1; n <= 8; n++)
            for (int c = 0; c <= n; c++) {
                const rn_count x = {n, c, 0};
                const rn_drawcost cost = {5, 2, 0.75, batch};
                double draws[8], spent[8];
                assert_ok(rn_stat_stop_curve(&x, &cost, n, draws, spent, &err), &err);
                for (int k = 1; k <= n; k++) {
                    double drawn, want = cost_by_enumeration(n, c, k, &cost, &drawn);
                    assert_near(spent[k - 1], want, 1e-13);
                    assert_near(draws[k - 1], drawn, 1e-13);
                }
            }
}

static void stopping_edges(void **state)
{
    (void)state;
    rn_err err;
    double draws[3], spent[3];
    const rn_drawcost cost = {1, 2, 3, 1};
    const rn_count never = {0, 0, 0}; /* counts as never solved: pays for all */
    assert_ok(rn_stat_stop_curve(&never, &cost, 3, draws, spent, &err), &err);
    assert_true(draws[2] == 3 && spent[2] == 7);
    const rn_count always = {3, 3, 0};
    assert_ok(rn_stat_stop_curve(&always, &cost, 3, draws, spent, &err), &err);
    assert_true(draws[2] == 1 && spent[2] == 4);

    assert_int_equal(rn_stat_stop_curve(&always, &cost, 4, draws, spent, &err), RN_EINVAL);
    assert_int_equal(rn_stat_stop_curve(&never, &cost, 0, draws, spent, &err), RN_EINVAL);
    const rn_drawcost bad[] = {
        {-1, 1, 1, 1}, {0, NAN, 1, 1}, {0, 1, INFINITY, 1}, {0, 0, 0, 1}, {0, 1, 1, -1}};
    for (size_t i = 0; i < N(bad); i++)
        assert_int_equal(rn_stat_stop_curve(&always, &bad[i], 1, draws, spent, &err), RN_EINVAL);

    const rn_count rows[] = {{3, 3, 0}, {0, 0, 0}, {3, 0, 0}};
    const uint8_t keep[] = {1, 0, 1};
    const rn_drawcost each[] = {{0, 1, 1, 1}, {0, 9, 9, 1}, {0, 4, 4, 1}};
    double table[4];
    assert_ok(rn_stat_stop_table(&(rn_counts){rows, keep, 3}, each, 1, 2, NULL, table, &err), &err);
    assert_true(table[0] == 1 && table[1] == 1 && table[2] == 4 && table[3] == 8);
}

static void examples_of_the_manual(void **state)
{
    (void)state;
    double x;
    assert_int_equal(rn_pass_at_k(5, 2, 3, &x, NULL), 0);
    assert_near(x, 0.9, 1e-15);
    assert_int_equal(rn_expected_draws(5, 2, 3, &x, NULL), 0);
    assert_near(x, 1.9, 1e-15);
    const double score[] = {1, 2, 3};
    const uint8_t pass[] = {1, 0, 1};
    assert_int_equal(rn_rank_score(score, pass, 3, 2, &x, NULL), 0);
    assert_near(x, 2 / 3., 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_values_match_exact_rationals),
        cmocka_unit_test(curves_match_exact_rationals),
        cmocka_unit_test(every_small_case_matches_enumeration),
        cmocka_unit_test(edge_cases_are_exact),
        cmocka_unit_test(impossible_counts_are_refused),
        cmocka_unit_test(fail_is_the_complement),
        cmocka_unit_test(missing_samples_follow_the_policy),
        cmocka_unit_test(tables_hold_the_kept_rows),
        cmocka_unit_test(draws_match_exact_rationals),
        cmocka_unit_test(stopping_costs_match_enumeration),
        cmocka_unit_test(stopping_edges),
        cmocka_unit_test(examples_of_the_manual),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
