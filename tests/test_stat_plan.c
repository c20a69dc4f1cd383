/* Tests of plans for a budget and of cross-fitting: src/stat/plan.c. */
#include "test.h"

#include "base/rng.h"
#include "stat/fold.h"
#include "stat/plan.h"

#define N(a) (sizeof(a) / sizeof *(a))

enum { MODELS = 3, P = 30, SAMPLES = 12, K = 6 };

static const rn_drawcost costs[MODELS] = {
    {.shared = 0.1, .failing = 1, .passing = 0.8},
    {.shared = 0.2, .failing = 3, .passing = 2.5},
    {.shared = 0.5, .failing = 8, .passing = 8},
};

/* Three models of growing ability and price. */
static void make_arms(uint64_t seed, rn_arm **arms)
{
    rn_err err;
    for (int m = 0; m < MODELS; m++) {
        rn_count x[P];
        for (uint32_t p = 0; p < P; p++) {
            rn_rng r;
            rn_rng_init(&r, seed, 1, p);
            double rate = pow(rn_rng_unit(&r), 3.0 - m);
            x[p] = (rn_count){.n = SAMPLES};
            rn_rng_init(&r, seed, 2 + (uint64_t)m, p);
            for (int i = 0; i < SAMPLES; i++)
                x[p].c += rn_rng_unit(&r) < rate;
        }
        assert_ok(rn_stat_arm_new(x, NULL, P, &costs[m], 0, K, &arms[m], &err), &err);
    }
}

static void free_arms(rn_arm **arms)
{
    for (int m = 0; m < MODELS; m++)
        rn_stat_arm_free(arms[m]);
}

/* Mean score and cost of one step, from its rows. */
static void step_means(const rn_arm *const *arms, rn_step s, const double *weight, double *score,
                       double *cost)
{
    rn_err err;
    rn_plan plan = {.step = s, .other = s};
    double rows[P], spent[P], total = 0;
    assert_ok(rn_stat_plan_rows(arms, MODELS, &plan, 1, rows, spent, &err), &err);
    *score = *cost = 0;
    for (int i = 0; i < P; i++) {
        double w = weight ? weight[i] : 1;
        total += w;
        *score += w * rows[i];
        *cost += w * spent[i];
    }
    *score /= total;
    *cost /= total;
}

typedef struct point {
    double score, cost;
} point;

/* Every step of the kind, the empty one included. */
static size_t every_step(const rn_arm *const *arms, int cascades, const double *weight, point *out)
{
    size_t n = 0;
    out[n++] = (point){0, 0};
    for (int a = 0; a < MODELS; a++)
        for (int64_t k1 = 1; k1 <= K; k1++) {
            step_means(arms, (rn_step){a, -1, k1, 0}, weight, &out[n].score, &out[n].cost);
            n++;
            for (int b = 0; b < MODELS; b++)
                for (int64_t k2 = 1; k2 <= K && cascades && a != b; k2++) {
                    step_means(arms, (rn_step){a, b, k1, k2}, weight, &out[n].score, &out[n].cost);
                    n++;
                }
        }
    return n;
}

static void plans_match_exhaustive_search(void **state)
{
    (void)state;
    rn_err err;
    rn_arm *arms[MODELS];
    static point all[400];
    const double budgets[] = {-1, 0, 0.5, 1, 1.7, 3, 5, 8, 13, 21, 1000, INFINITY};
    enum { m = N(budgets) };
    double weight[P];
    for (uint64_t seed = 1; seed <= 3; seed++) {
        make_arms(seed, arms);
        const rn_arm *const list[] = {arms[0], arms[1], arms[2]};
        for (int i = 0; i < P; i++)
            weight[i] = (double)((i + (int)seed) % 3);
        for (int kind = RN_PLAN_SINGLE; kind <= RN_PLAN_MIXTURE; kind++) {
            rn_plan plan[m];
            assert_ok(rn_stat_plan_best(&(rn_plan_ask){list, MODELS, (rn_plan_kind)kind,
                                                       RN_LIMIT_MEAN, budgets, m},
                                        weight, plan, &err),
                      &err);
            size_t n = every_step(list, kind != RN_PLAN_SINGLE, weight, all);
            for (size_t j = 0; j < m; j++) {
                double best = 0;
                for (size_t a = 0; a < n; a++) {
                    if (all[a].cost <= budgets[j]) best = fmax(best, all[a].score);
                    for (size_t b = 0; b < n && kind == RN_PLAN_MIXTURE; b++) {
                        if (all[a].cost > budgets[j] || all[b].cost <= budgets[j]) continue;
                        double q = (budgets[j] - all[a].cost) / (all[b].cost - all[a].cost);
                        best = fmax(best, all[a].score + q * (all[b].score - all[a].score));
                    }
                }
                assert_near(plan[j].score, best, 1e-12);
                assert_true(plan[j].cost <= fmax(0, budgets[j]) * (1 + 1e-9));
                double rows[P], spent[P], score = 0, cost = 0, total = 0;
                assert_ok(rn_stat_plan_rows(list, MODELS, &plan[j], 1, rows, spent, &err), &err);
                for (int i = 0; i < P; i++) {
                    total += weight[i];
                    score += weight[i] * rows[i];
                    cost += weight[i] * spent[i];
                }
                assert_near(plan[j].score, score / total, 1e-12);
                assert_near(plan[j].cost, cost / total, 1e-11);
            }
        }
        free_arms(arms);
    }
}

static void crossfit_rows_come_from_the_other_folds(void **state)
{
    (void)state;
    rn_err err;
    rn_arm *arms[MODELS];
    make_arms(5, arms);
    const rn_arm *const list[] = {arms[0], arms[1], arms[2]};
    const double budgets[] = {1, 4, 16};
    uint32_t fold[P];
    double score[P * 3], cost[P * 3], weight[P], rows[P], spent[P];
    assert_ok(rn_stat_folds(1, P, 5, fold, &err), &err);
    assert_ok(rn_stat_plan_crossfit(
                  &(rn_plan_ask){list, MODELS, RN_PLAN_MIXTURE, RN_LIMIT_MEAN, budgets, 3}, fold, 5,
                  score, cost, &err),
              &err);
    for (uint32_t f = 0; f < 5; f++) {
        rn_plan plan[3];
        rn_stat_fold_weights(fold, P, f, 0, weight);
        assert_ok(rn_stat_plan_best(
                      &(rn_plan_ask){list, MODELS, RN_PLAN_MIXTURE, RN_LIMIT_MEAN, budgets, 3},
                      weight, plan, &err),
                  &err);
        for (int j = 0; j < 3; j++) {
            assert_ok(rn_stat_plan_rows(list, MODELS, &plan[j], 1, rows, spent, &err), &err);
            for (int i = 0; i < P; i++)
                if (fold[i] == f)
                    assert_true(score[i * 3 + j] == rows[i] && cost[i * 3 + j] == spent[i]);
        }
    }
    free_arms(arms);
}

/* Twelve models that are all the same: the best of them looks better than it is on the data that
 * chose it, and not on the fold that did not. */
static void crossfit_is_not_flattered(void **state)
{
    (void)state;
    enum { SAME = 12, PROBLEMS = 40, REPEATS = 60 };
    rn_err err;
    double in_sample = 0, crossfitted = 0, truth = 0.3;
    for (uint32_t r = 0; r < REPEATS; r++) {
        rn_arm *arms[SAME];
        const rn_arm *list[SAME];
        const rn_drawcost unit = {.failing = 1, .passing = 1};
        for (uint32_t a = 0; a < SAME; a++) {
            rn_count x[PROBLEMS];
            for (uint32_t p = 0; p < PROBLEMS; p++) {
                rn_rng rng;
                rn_rng_init(&rng, r, a, p);
                x[p] = (rn_count){.n = 4};
                for (int i = 0; i < 4; i++)
                    x[p].c += rn_rng_unit(&rng) < truth;
            }
            assert_ok(rn_stat_arm_new(x, NULL, PROBLEMS, &unit, 0, 1, &arms[a], &err), &err);
            list[a] = arms[a];
        }
        const double budget = 1;
        rn_plan best;
        uint32_t fold[PROBLEMS];
        double score[PROBLEMS];
        assert_ok(
            rn_stat_plan_best(&(rn_plan_ask){list, SAME, RN_PLAN_SINGLE, RN_LIMIT_MEAN, &budget, 1},
                              NULL, &best, &err),
            &err);
        assert_ok(rn_stat_folds(r, PROBLEMS, 4, fold, &err), &err);
        assert_ok(rn_stat_plan_crossfit(
                      &(rn_plan_ask){list, SAME, RN_PLAN_SINGLE, RN_LIMIT_MEAN, &budget, 1}, fold,
                      4, score, NULL, &err),
                  &err);
        in_sample += best.score / REPEATS;
        for (int p = 0; p < PROBLEMS; p++)
            crossfitted += score[p] / PROBLEMS / REPEATS;
        for (uint32_t a = 0; a < SAME; a++)
            rn_stat_arm_free(arms[a]);
    }
    print_message("truth %.3f, chosen and scored on the same data %.3f, cross-fitted %.3f\n", truth,
                  in_sample, crossfitted);
    assert_true(in_sample > truth + 0.04);
    assert_near(crossfitted, truth, 0.015);
}

static void senseless_requests_are_refused(void **state)
{
    (void)state;
    rn_err err;
    rn_arm *arms[MODELS];
    make_arms(5, arms);
    const rn_arm *const list[] = {arms[0], arms[1], arms[2]};
    const double budget = 1, no_number = NAN, none[P] = {0};
    double x[P];
    rn_plan plan;
    assert_int_equal(
        rn_stat_plan_best(&(rn_plan_ask){list, 0, RN_PLAN_SINGLE, RN_LIMIT_MEAN, &budget, 1}, NULL,
                          &plan, &err),
        RN_EINVAL);
    assert_int_equal(
        rn_stat_plan_best(&(rn_plan_ask){list, 3, RN_PLAN_SINGLE, RN_LIMIT_MEAN, &no_number, 1},
                          NULL, &plan, &err),
        RN_EINVAL);
    assert_int_equal(
        rn_stat_plan_best(&(rn_plan_ask){list, 3, RN_PLAN_SINGLE, RN_LIMIT_MEAN, &budget, 1}, none,
                          &plan, &err),
        RN_EINVAL);
    const rn_step bad[] = {{3, -1, 1, 0}, {0, 3, 1, 1}, {0, -1, K + 1, 0}, {0, 1, 1, -1}};
    for (size_t i = 0; i < N(bad); i++) {
        plan = (rn_plan){.step = bad[i], .other = {-1, -1, 0, 0}};
        assert_int_equal(rn_stat_plan_rows(list, 3, &plan, 1, x, NULL, &err), RN_EINVAL);
    }
    uint32_t fold[P] = {0};
    fold[7] = 2;
    assert_int_equal(
        rn_stat_plan_crossfit(&(rn_plan_ask){list, 3, RN_PLAN_SINGLE, RN_LIMIT_MEAN, &budget, 1},
                              fold, 2, x, NULL, &err),
        RN_EINVAL);
    assert_contains(err.msg, "problem 7");

    rn_arm *fewer = NULL;
    const rn_count one = {.n = 4, .c = 1};
    assert_ok(rn_stat_arm_new(&one, NULL, 1, &costs[0], 0, 2, &fewer, &err), &err);
    const rn_arm *const mixed[] = {arms[0], fewer};
    assert_int_equal(
        rn_stat_plan_best(&(rn_plan_ask){mixed, 2, RN_PLAN_SINGLE, RN_LIMIT_MEAN, &budget, 1}, NULL,
                          &plan, &err),
        RN_EINVAL);
    assert_contains(err.msg, "30 and 1 problems");
    rn_stat_arm_free(fewer);
    free_arms(arms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_match_exhaustive_search),
        cmocka_unit_test(crossfit_rows_come_from_the_other_folds),
        cmocka_unit_test(crossfit_is_not_flattered),
        cmocka_unit_test(senseless_requests_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
