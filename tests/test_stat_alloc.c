/* Tests of cascades, splits and budgets for a whole set: src/stat/cascade.c, fold.c, alloc.c. */
#include "test.h"

#include "base/rng.h"
#include "stat/alloc.h"
#include "stat/fold.h"

#define N(a) (sizeof(a) / sizeof *(a))

static rn_arm *arm_of(const rn_count *counts, size_t n, const rn_drawcost *cost, int64_t k_max)
{
    rn_arm *arm = NULL;
    rn_err err;
    assert_ok(rn_stat_arm_new(counts, NULL, n, cost, 0, k_max, &arm, &err), &err);
    return arm;
}

/* ---- cascades -------------------------------------------------------------------------------- */

/* The course of one order of outcomes (bit j: draw j passes): cost, and whether it passed. */
static int play(unsigned order, int k, const rn_drawcost *cost, double *spent)
{
    int passed = 0, batch = cost->batch > 1 ? (int)cost->batch : 1;
    if (k > 0) *spent += cost->shared;
    for (int at = 0; at < k && !passed; at += batch)
        for (int j = at; j < at + batch && j < k; j++) {
            int pass = order >> j & 1;
            *spent += pass ? cost->passing : cost->failing;
            passed |= pass;
        }
    return passed;
}

static void cascades_match_enumeration(void **state)
{
    (void)state;
    rn_err err;
    const rn_drawcost small = {0.5, 1, 0.75, 2}, large = {2, 8, 7, 1};
    for (int c1 = 0; c1 <= 5; c1++)
        for (int c2 = 0; c2 <= 4; c2++) {
            const rn_count x = {5, c1, 0}, y = {4, c2, 0};
            rn_arm *a = arm_of(&x, 1, &small, 5), *b = arm_of(&y, 1, &large, 4);
            double score[6 * 5], cost[6 * 5];
            assert_ok(rn_stat_cascade_grid(a, b, NULL, score, cost, &err), &err);
            for (int k1 = 0; k1 <= 5; k1++)
                for (int k2 = 0; k2 <= 4; k2++) {
                    double passes = 0, spent = 0, runs = 0;
                    for (unsigned s = 0; s < 32; s++)
                        for (unsigned t = 0; t < 16; t++) {
                            if (__builtin_popcount(s) != c1 || __builtin_popcount(t) != c2)
                                continue;
                            runs++;
                            passes += play(s, k1, &small, &spent) || play(t, k2, &large, &spent);
                        }
                    assert_near(score[k1 * 5 + k2], passes / runs, 1e-14);
                    assert_near(cost[k1 * 5 + k2], spent / runs, 1e-13);
                }
            rn_stat_arm_free(a);
            rn_stat_arm_free(b);
        }
}

static void grids_are_weighted_means_of_rows(void **state)
{
    (void)state;
    enum { n = 37, K1 = 21, K2 = 9 };
    rn_err err;
    rn_rng rng;
    rn_rng_init(&rng, 5, 5, 5);
    rn_count x[n], y[n];
    double weight[n], total = 0;
    for (int i = 0; i < n; i++) {
        x[i] = (rn_count){.n = 42, .c = (int64_t)rn_rng_below(&rng, 43)};
        y[i] = (rn_count){.n = 20, .c = (int64_t)rn_rng_below(&rng, 21)};
        weight[i] = (double)rn_rng_below(&rng, 4);
        total += weight[i];
    }
    const rn_drawcost small = {.failing = 1, .passing = 1}, large = {.failing = 9, .passing = 9};
    rn_arm *a = arm_of(x, n, &small, K1), *b = arm_of(y, n, &large, K2);
    enum { CELLS = (K1 + 1) * (K2 + 1) };
    double score[CELLS], cost[CELLS], row[CELLS], spent[CELLS], s[CELLS] = {0}, c[CELLS] = {0};
    assert_ok(rn_stat_cascade_grid(a, b, weight, score, cost, &err), &err);
    for (int i = 0; i < n; i++) { /* each problem alone */
        double one[n] = {0};
        one[i] = 1;
        assert_ok(rn_stat_cascade_grid(a, b, one, row, spent, &err), &err);
        for (int at = 0; at < CELLS; at++) {
            s[at] += weight[i] * row[at] / total;
            c[at] += weight[i] * spent[at] / total;
        }
    }
    for (int at = 0; at < CELLS; at++) {
        assert_near(score[at], s[at], 1e-13);
        assert_near(cost[at], c[at], 1e-12);
    }

    const double none[n] = {0};
    assert_int_equal(rn_stat_cascade_grid(a, b, none, score, cost, &err), RN_EINVAL);
    rn_arm *fewer = arm_of(y, n - 1, &large, K2);
    assert_int_equal(rn_stat_cascade_grid(a, fewer, NULL, score, cost, &err), RN_EINVAL);
    assert_contains(err.msg, "37 and 36");
    rn_stat_arm_free(fewer);
    rn_stat_arm_free(a);
    rn_stat_arm_free(b);
}

static void frontiers_keep_what_nothing_beats(void **state)
{
    (void)state;
    rn_err err;
    /* k1 = 0..1, k2 = 0..2 */
    const double score[] = {0, 0.3, 0.5, 0.2, 0.5, 0.5 + 1e-15};
    const double cost[] = {0, 2, 5, 1, 4, 6};
    rn_cascade_point *points;
    size_t n;
    assert_ok(rn_stat_frontier(score, cost, 1, 2, &points, &n, &err), &err);
    assert_int_equal(n, 4); /* (0,2) costs more than (1,1); (1,2) gains only rounding */
    assert_true(points[1].k1 == 1 && points[1].k2 == 0);
    assert_true(points[2].k1 == 0 && points[2].k2 == 1);
    assert_true(points[3].k1 == 1 && points[3].k2 == 1);
    free(points);
    assert_int_equal(rn_stat_frontier(score, cost, -1, 2, &points, &n, &err), RN_EINVAL);
}

/* ---- splits ---------------------------------------------------------------------------------- */

static void folds_are_even_and_seeded(void **state)
{
    (void)state;
    uint32_t a[103], b[103];
    double in[103], out[103];
    assert_int_equal(rn_stat_folds(1, 103, 4, a, NULL), 0);
    assert_int_equal(rn_stat_folds(1, 103, 4, b, NULL), 0);
    assert_memory_equal(a, b, sizeof a);
    assert_int_equal(rn_stat_folds(2, 103, 4, b, NULL), 0);
    assert_memory_not_equal(a, b, sizeof a);
    int size[4] = {0};
    for (int i = 0; i < 103; i++)
        size[a[i]]++;
    for (int i = 0; i < 4; i++)
        assert_in_range(size[i], 25, 26);
    rn_stat_fold_weights(a, 103, 2, 1, in);
    rn_stat_fold_weights(a, 103, 2, 0, out);
    for (int i = 0; i < 103; i++) {
        assert_true(in[i] + out[i] == 1);
        assert_true(in[i] == (a[i] == 2));
    }
    assert_int_equal(rn_stat_folds(1, 103, 1, a, NULL), RN_EINVAL);
    assert_int_equal(rn_stat_folds(1, 3, 4, a, NULL), RN_EINVAL);
}

/* ---- one budget for a set -------------------------------------------------------------------- */

static void rounds_are_totals_of_stopping(void **state)
{
    (void)state;
    rn_err err;
    const rn_count x[] = {{10, 5, 0}, {10, 0, 0}, {10, 10, 0}};
    const rn_drawcost cost = {.failing = 2, .passing = 2};
    rn_arm *arm = arm_of(x, 3, &cost, 4);
    double score[4], total[4], draws;
    assert_ok(rn_stat_rounds(arm, NULL, score, total, &err), &err);
    for (int r = 1; r <= 4; r++) {
        double pass;
        assert_int_equal(rn_pass_at_k(10, 5, r, &pass, NULL), 0);
        assert_int_equal(rn_expected_draws(10, 5, r, &draws, NULL), 0);
        assert_near(score[r - 1], (pass + 0 + 1) / 3, 1e-14);
        assert_near(total[r - 1], 2 * (draws + r + 1), 1e-13);
    }
    const double weight[] = {0, 2, 0}, none[] = {0, 0, 0};
    assert_ok(rn_stat_rounds(arm, weight, score, total, &err), &err);
    assert_true(score[3] == 0);
    assert_near(total[3], 16, 1e-14);
    assert_int_equal(rn_stat_rounds(arm, none, score, total, &err), RN_EINVAL);
    rn_stat_arm_free(arm);
}

static void rounds_stay_below_the_oracle(void **state)
{
    (void)state;
    enum { n = 400, K = 50 };
    rn_err err;
    rn_rng rng;
    rn_rng_init(&rng, 8, 8, 8);
    static rn_count x[n];
    for (int i = 0; i < n; i++)
        x[i] = (rn_count){.n = 100, .c = (int64_t)(100 * pow(rn_rng_unit(&rng), 4))};
    const rn_drawcost cost = {.shared = 0.25, .failing = 1, .passing = 0.5};
    rn_arm *arm = arm_of(x, n, &cost, K);
    double score[K], total[K], oracle[K];
    assert_ok(rn_stat_rounds(arm, NULL, score, total, &err), &err);
    assert_ok(rn_stat_oracle(arm, arm->k_max, total, K, oracle, NULL, &err), &err);
    for (int r = 0; r < K; r++)
        assert_true(oracle[r] >= score[r] - 1e-12);
    rn_stat_arm_free(arm);
}

/* No choice of one k per problem beats the oracle at its own expected cost. */
static void oracle_is_an_upper_line(void **state)
{
    (void)state;
    rn_err err;
    const rn_count x[] = {{6, 1, 0}, {6, 3, 0}, {6, 0, 0}, {6, 6, 0}};
    for (int64_t batch = 1; batch <= 2; batch++) {
        const rn_drawcost cost = {.shared = 1, .failing = 2, .passing = 1.5, .batch = batch};
        enum { K = 6 };
        rn_arm *arm = arm_of(x, 4, &cost, K);
        int touched = 0;
        for (int code = 0; code < 7 * 7 * 7 * 7; code++) {
            double total = 0, score = 0, best;
            for (int p = 0, rest = code; p < 4; p++, rest /= 7) {
                total += arm->spent[p * (K + 1) + rest % 7];
                score += (1 - arm->fail[p * (K + 1) + rest % 7]) / 4;
            }
            assert_ok(rn_stat_oracle(arm, arm->k_max, &total, 1, &best, NULL, &err), &err);
            assert_true(score <= best + 1e-12);
            touched += best - score < 1e-12;
        }
        assert_true(touched > 3); /* its corners are such choices */
        rn_stat_arm_free(arm);
    }
}

static void oracle_by_hand(void **state)
{
    (void)state;
    rn_err err;
    /* Certain, half, hopeless; one sample each. */
    const rn_count x[] = {{2, 1, 0}, {2, 0, 0}, {2, 2, 0}};
    const rn_drawcost cost = {.failing = 1, .passing = 1};
    rn_arm *arm = arm_of(x, 3, &cost, 1);
    const double budgets[] = {0, 0.5, 1, 1.5, 2, 9};
    const double want[] = {0, 0.5 / 3, 1 / 3., 1.25 / 3, 1.5 / 3, 1.5 / 3};
    double score[6];
    assert_ok(rn_stat_oracle(arm, arm->k_max, budgets, 6, score, NULL, &err), &err);
    for (int j = 0; j < 6; j++)
        assert_near(score[j], want[j], 1e-15);
    const double falling[] = {2, 1};
    assert_int_equal(rn_stat_oracle(arm, arm->k_max, falling, 2, score, NULL, &err), RN_EINVAL);
    rn_stat_arm_free(arm);
}

static void senseless_requests_are_refused(void **state)
{
    (void)state;
    rn_err err;
    rn_arm *arm = NULL;
    const rn_count x[] = {{4, 1, 0}, {4, 2, 0}};
    const rn_drawcost cost = {.failing = 1, .passing = 1}, bad = {.failing = -1, .passing = 1};
    assert_int_equal(rn_stat_arm_new(x, NULL, 2, &cost, 0, 5, &arm, &err), RN_EINVAL);
    assert_contains(err.msg, "problem 0");
    assert_int_equal(rn_stat_arm_new(x, NULL, 2, &cost, 0, 0, &arm, &err), RN_EINVAL);
    assert_int_equal(rn_stat_arm_new(x, NULL, 2, &bad, 0, 2, &arm, &err), RN_EINVAL);
    assert_null(arm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cascades_match_enumeration),
        cmocka_unit_test(grids_are_weighted_means_of_rows),
        cmocka_unit_test(frontiers_keep_what_nothing_beats),
        cmocka_unit_test(folds_are_even_and_seeded),
        cmocka_unit_test(rounds_are_totals_of_stopping),
        cmocka_unit_test(rounds_stay_below_the_oracle),
        cmocka_unit_test(oracle_is_an_upper_line),
        cmocka_unit_test(oracle_by_hand),
        cmocka_unit_test(senseless_requests_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
