/* Tests of curves over budgets: src/stat/budget.c. */
#include "test.h"

#include "stat/budget.h"

#define N(a) (sizeof(a) / sizeof *(a))

static void linear_costs_afford_what_they_say(void **state)
{
    (void)state;
    const rn_kcost plain = {.per_sample = 1.69}, prompt = {.shared = 10, .per_sample = 0.1};
    assert_true(rn_stat_cost(&plain, 0) == 0);
    assert_true(rn_stat_cost(&prompt, 0) == 0); /* nothing drawn, no prompt */
    assert_near(rn_stat_cost(&prompt, 3), 10.3, 1e-14);
    for (int64_t k = 1; k <= 1000;
         k++) { /* k samples are afforded by the price of k, and k - 1 not */
        assert_int_equal(rn_stat_afford(&plain, 1.69 * (double)k, 100000), k);
        assert_int_equal(rn_stat_afford(&plain, (double)(169 * k) / 100, 100000), k);
        assert_int_equal(rn_stat_afford(&plain, 1.69 * (double)k * (1 - 1e-9), 100000), k - 1);
    }
    assert_int_equal(rn_stat_afford(&plain, 1.68, 10), 0);
    assert_int_equal(rn_stat_afford(&plain, -1, 10), 0);
    assert_int_equal(rn_stat_afford(&plain, INFINITY, 10), 10);
    assert_int_equal(rn_stat_afford(&prompt, 10.05, 10), 0);
}

static void tables_interpolate_and_repeat_batches(void **state)
{
    (void)state;
    const int64_t k[] = {2, 4, 8};
    const double cost[] = {3, 4, 6};
    const rn_kcost c = {.shared = 1, .k = k, .cost = cost, .n_points = 3};
    static const struct {
        int64_t k;
        double want;
    } at[] = {{0, 0}, {1, 4},  {2, 4},   {3, 4.5}, {4, 5},   {6, 6},
              {8, 7}, {9, 10}, {10, 10}, {12, 11}, {16, 13}, {17, 16}};
    assert_int_equal(rn_stat_cost_check(&c, NULL), 0);
    for (size_t i = 0; i < N(at); i++)
        assert_near(rn_stat_cost(&c, at[i].k), at[i].want, 1e-15);
    for (int64_t j = 1; j < 100; j++)
        assert_true(rn_stat_cost(&c, j + 1) >= rn_stat_cost(&c, j));
    assert_int_equal(rn_stat_afford(&c, 7, 100), 8);
    assert_int_equal(rn_stat_afford(&c, 9.9, 100), 8);
    assert_int_equal(rn_stat_afford(&c, 10, 100), 10);
}

static void senseless_costs_are_refused(void **state)
{
    (void)state;
    rn_err err;
    const int64_t k[] = {1, 4}, twice[] = {4, 4}, zero[] = {0, 4};
    const double cost[] = {1, 2}, falling[] = {2, 1}, nan[] = {1, NAN}, free_batch[] = {0, 1};
    const rn_kcost bad[] = {
        {.per_sample = 0},
        {.per_sample = -1},
        {.per_sample = NAN},
        {.per_sample = INFINITY},
        {.shared = -1, .per_sample = 1},
        {.shared = NAN, .per_sample = 1},
        {.k = twice, .cost = cost, .n_points = 2},
        {.k = zero, .cost = cost, .n_points = 2},
        {.k = k, .cost = falling, .n_points = 2},
        {.k = k, .cost = nan, .n_points = 2},
        {.k = k, .cost = free_batch, .n_points = 2},
    };
    for (size_t i = 0; i < N(bad); i++) {
        double x;
        assert_int_equal(rn_stat_cost_check(&bad[i], &err), RN_EINVAL);
        assert_int_equal(rn_stat_budget_table(&(rn_ktable){&(double){0.5}, 1, 1}, &bad[i], 0,
                                              &(double){1}, 1, &x, &err),
                         RN_EINVAL);
    }
}

static void curves_are_step_functions_of_the_budget(void **state)
{
    (void)state;
    rn_err err;
    const double table[] = {0.1, 0.2, 0.3, 0.5, 0.6, 0.7}; /* two problems, k = 1..3 */
    const rn_kcost shared = {.per_sample = 2};
    const double budgets[] = {1.9, 2, 3.9, 4, 6, 7.9, 8};
    double out[14];
    assert_ok(rn_stat_budget_table(&(rn_ktable){table, 2, 3}, &shared, 0, budgets, 7, out, &err),
              &err);
    const double want[] = {0, 0.1, 0.1, 0.2, 0.3, 0.3, NAN, 0, 0.5, 0.5, 0.6, 0.7, 0.7, NAN};
    for (int i = 0; i < 14; i++) {
        if (isnan(want[i]))
            assert_true(isnan(out[i]));
        else
            assert_true(out[i] == want[i]);
    }

    /* Each problem with its own cost: the second affords half as many samples. */
    const rn_kcost each[] = {{.per_sample = 2}, {.per_sample = 4}};
    assert_ok(rn_stat_budget_table(&(rn_ktable){table, 2, 3}, each, 1, budgets, 7, out, &err),
              &err);
    assert_true(out[4] == 0.3 && out[7 + 4] == 0.5);
    assert_true(isnan(out[6]) && isnan(out[7 + 6])); /* beyond the first problem's curve: for all */

    const double no_number[] = {NAN};
    assert_int_equal(
        rn_stat_budget_table(&(rn_ktable){table, 2, 3}, each, 1, no_number, 1, out, &err),
        RN_EINVAL);
    assert_int_equal(
        rn_stat_budget_table(&(rn_ktable){table, 2, 0}, each, 1, budgets, 7, out, &err), RN_EINVAL);
}

static void grids_are_geometric(void **state)
{
    (void)state;
    double g[5];
    assert_int_equal(rn_stat_budget_grid(1, 16, 5, g, NULL), 0);
    for (int i = 0; i < 5; i++)
        assert_near(g[i], (double)(1 << i), 1e-14);
    assert_true(g[0] == 1 && g[4] == 16);
    assert_int_equal(rn_stat_budget_grid(0, 16, 5, g, NULL), RN_EINVAL);
    assert_int_equal(rn_stat_budget_grid(2, 2, 5, g, NULL), RN_EINVAL);
    assert_int_equal(rn_stat_budget_grid(1, 2, 1, g, NULL), RN_EINVAL);
    assert_int_equal(rn_stat_budget_grid(1, INFINITY, 5, g, NULL), RN_EINVAL);
    assert_int_equal(rn_stat_budget_grid(NAN, 2, 5, g, NULL), RN_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear_costs_afford_what_they_say),
        cmocka_unit_test(tables_interpolate_and_repeat_batches),
        cmocka_unit_test(senseless_costs_are_refused),
        cmocka_unit_test(curves_are_step_functions_of_the_budget),
        cmocka_unit_test(grids_are_geometric),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
