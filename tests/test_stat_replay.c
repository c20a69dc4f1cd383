/* Replays of policies over recorded samples: src/stat/replay.c, against every order there is. */
#include "test.h"

#include "base/rng.h"
#include "stat/replay.h"

enum { ARMS = 2, SAMPLES = 4, P = 5 };

static const rn_drawcost costs[ARMS] = {{.shared = 0.25, .failing = 1, .passing = 0.75},
                                        {.shared = 0.5, .failing = 2.5, .passing = 2}};

static void make_counts(uint32_t seed, rn_count x[ARMS][P])
{
    for (int a = 0; a < ARMS; a++)
        for (int i = 0; i < P; i++) {
            rn_rng r;
            rn_rng_init(&r, seed, (uint64_t)a, (uint32_t)i);
            x[a][i] = (rn_count){.n = SAMPLES, .c = (int64_t)rn_rng_below(&r, SAMPLES + 1)};
        }
    x[0][0].c = x[1][0].c = 0; /* nobody solves the first */
}

static rn_prior *learn(rn_count x[ARMS][P])
{
    const rn_count *counts[ARMS] = {x[0], x[1]};
    const double cost[ARMS] = {costs[0].failing, costs[1].failing};
    rn_prior *prior;
    rn_err err = {0};
    assert_ok(rn_prior_learn(counts, ARMS, P, NULL, cost, &prior, &err), &err);
    return prior;
}

static void prices(rn_policy_arm *price)
{
    for (int a = 0; a < ARMS; a++)
        price[a] = (rn_policy_arm){costs[a].shared, costs[a].failing, SAMPLES};
}

static rn_policy *make_policy(rn_policy_kind kind, double budget, const rn_prior *prior)
{
    rn_policy_arm price[ARMS];
    prices(price);
    const rn_policy_spec spec = {kind, price, budget};
    rn_policy *p;
    rn_err err = {0};
    assert_ok(rn_policy_new(&spec, prior, &p, &err), &err);
    return p;
}

/* One run in which sample i of arm a passes if bit i of its order says so. */
static void run_order(rn_policy *p, const uint32_t order[ARMS], double *score, double *cost)
{
    rn_err err = {0};
    int drawn[ARMS] = {0}, a;
    rn_policy_reset(p);
    *score = *cost = 0;
    for (;;) {
        assert_ok(rn_policy_next(p, &a, &err), &err);
        if (a < 0) return;
        bool passed = order[a] >> drawn[a] & 1;
        double c =
            (passed ? costs[a].passing : costs[a].failing) + (drawn[a] ? 0 : costs[a].shared);
        drawn[a]++;
        *cost += c;
        *score += passed;
        rn_policy_observe(p, a, passed, c);
    }
}

static int bits(uint32_t x)
{
    return __builtin_popcount(x);
}

/* The mean over every order of both arms' samples of one problem. */
static void every_order(rn_policy *p, const rn_count *x, double *score, double *cost)
{
    double n = 0;
    *score = *cost = 0;
    for (uint32_t i = 0; i < 1u << SAMPLES; i++)
        for (uint32_t j = 0; j < 1u << SAMPLES; j++) {
            if (bits(i) != x[0].c || bits(j) != x[1].c) continue;
            double s, c;
            run_order(p, (const uint32_t[]){i, j}, &s, &c);
            *score += s;
            *cost += c;
            n++;
        }
    *score /= n;
    *cost /= n;
}

static void courses_and_replays_match_every_order(void **state)
{
    (void)state;
    static const double budgets[] = {1.3, 3, 5.25, 9, 30};
    for (uint32_t seed = 0; seed < 4; seed++) {
        rn_count x[ARMS][P];
        rn_err err = {0};
        rn_arm *arms[ARMS];
        rn_policy_arm price[ARMS];
        prices(price);
        make_counts(seed, x);
        rn_prior *prior = learn(x);
        for (int a = 0; a < ARMS; a++)
            assert_ok(rn_stat_arm_new(x[a], NULL, P, &costs[a], 0, SAMPLES, &arms[a], &err), &err);
        for (int kind = 0; kind < RN_N_POLICIES; kind++)
            for (size_t b = 0; b < sizeof budgets / sizeof *budgets; b++) {
                rn_policy *p = make_policy((rn_policy_kind)kind, budgets[b], prior);
                rn_course course;
                double score[P], cost[P];
                assert_ok(rn_stat_course(p, price, &course, &err), &err);
                assert_ok(rn_stat_course_rows((const rn_arm *const *)arms, ARMS, &course, 1, score,
                                              cost, &err),
                          &err);
                for (int i = 0; i < P; i++) {
                    const rn_count one[ARMS] = {x[0][i], x[1][i]};
                    double all_score, all_cost;
                    every_order(p, one, &all_score, &all_cost);
                    assert_near(score[i], all_score, 1e-12);
                    assert_near(cost[i], all_cost, 1e-12);
                    rn_replay r;
                    assert_ok(rn_stat_replay(p, ARMS, one, costs,
                                             &(rn_orders){2000, 1, (uint32_t)i}, &r, &err),
                              &err);
                    assert_near(r.score, all_score, 0.06); /* 5 standard errors */
                    assert_near(r.cost, all_cost, 0.6);
                }
                rn_course_free(&course);
                rn_policy_free(p);
            }
        for (int a = 0; a < ARMS; a++)
            rn_stat_arm_free(arms[a]);
        rn_prior_free(prior);
    }
}

/* What the policy promises is the mean over the kinds of its prior of what they really give. */
static void promises_are_kept_by_the_kinds(void **state)
{
    (void)state;
    rn_err err = {0};
    rn_count x[ARMS][P];
    make_counts(9, x);
    rn_prior *prior = learn(x);
    for (int kind = 0; kind < RN_N_POLICIES; kind++) {
        rn_policy *p = make_policy((rn_policy_kind)kind, 8, prior);
        rn_policy_arm price[ARMS];
        rn_course course;
        double promised, promised_cost, chance = 0, cost = 0;
        prices(price);
        assert_ok(rn_policy_promise(p, &promised, &promised_cost, &err), &err);
        assert_ok(rn_stat_course(p, price, &course, &err), &err);
        for (size_t t = 0; t < prior->n_kind; t++) {
            double fail = 1;
            bool begun[ARMS] = {0};
            for (size_t i = 0; i < course.n; i++)
                for (int64_t j = 0; j < course.steps[i].n; j++) {
                    const int a = course.steps[i].arm;
                    cost += prior->weight[t] * fail *
                            (price[a].per_sample + (begun[a] ? 0 : price[a].shared));
                    begun[a] = true;
                    fail *= 1 - prior->rate[t * ARMS + (size_t)a];
                }
            chance += prior->weight[t] * (1 - fail);
        }
        assert_near(promised, chance, 1e-12);
        assert_near(promised_cost, cost, 1e-12);
        rn_course_free(&course);
        rn_policy_free(p);
    }
    rn_prior_free(prior);
}

/* The same problem gives the same orders; another seed or problem others. */
static void replays_are_repeatable(void **state)
{
    (void)state;
    rn_err err = {0};
    rn_count x[ARMS][P];
    make_counts(3, x);
    rn_prior *prior = learn(x);
    rn_policy *p = make_policy(RN_POLICY_ADAPTIVE, 6, prior);
    const rn_count one[ARMS] = {{.n = 4, .c = 1}, {.n = 4, .c = 2}};
    rn_replay a, b, c, d;
    assert_ok(rn_stat_replay(p, ARMS, one, costs, &(rn_orders){500, 1, 7}, &a, &err), &err);
    assert_ok(rn_stat_replay(p, ARMS, one, costs, &(rn_orders){500, 1, 7}, &b, &err), &err);
    assert_ok(rn_stat_replay(p, ARMS, one, costs, &(rn_orders){500, 2, 7}, &c, &err), &err);
    assert_ok(rn_stat_replay(p, ARMS, one, costs, &(rn_orders){500, 1, 8}, &d, &err), &err);
    assert_memory_equal(&a, &b, sizeof a);
    assert_true(memcmp(&a, &c, sizeof a) != 0 && memcmp(&a, &d, sizeof a) != 0);
    rn_policy_free(p);
    rn_prior_free(prior);
}

/* A sample that costs more than is left is cut: it spends what is left and passes nothing. */
static void dear_samples_are_cut(void **state)
{
    (void)state;
    rn_err err = {0};
    rn_count x[ARMS][P];
    make_counts(3, x);
    rn_prior *prior = learn(x);
    rn_policy *p = make_policy(RN_POLICY_SMALL_ONLY, 3, prior);
    const rn_drawcost dear[ARMS] = {{.failing = 2, .passing = 2}, {.failing = 9, .passing = 9}};
    const rn_count sure[ARMS] = {{.n = 4, .c = 4}, {.n = 4, .c = 4}};
    const rn_count never[ARMS] = {{.n = 4}, {.n = 4}};
    rn_replay r;
    assert_ok(rn_stat_replay(p, ARMS, sure, dear, &(rn_orders){10, 1, 0}, &r, &err), &err);
    assert_near(r.score, 1, 0);
    assert_near(r.cost, 2, 0);
    assert_ok(rn_stat_replay(p, ARMS, never, dear, &(rn_orders){10, 1, 0}, &r, &err), &err);
    assert_near(r.score, 0, 0);
    assert_near(r.cost, 3, 1e-12); /* the second is cut after half of it */
    assert_near(r.draws, 2, 0);
    rn_policy_free(p);
    rn_prior_free(prior);
}

static void refuses_what_is_not_recorded(void **state)
{
    (void)state;
    rn_err err = {0};
    rn_count x[ARMS][P];
    make_counts(3, x);
    rn_prior *prior = learn(x);
    rn_policy *p = make_policy(RN_POLICY_SMALL_ONLY, 30, prior);
    const rn_count few[ARMS] = {{.n = 1}, {.n = 4}}, enough[ARMS] = {{.n = 4}, {.n = 4}};
    rn_replay r;
    assert_int_equal(rn_stat_replay(p, ARMS, few, costs, &(rn_orders){10, 1, 0}, &r, &err),
                     RN_EINVAL);
    assert_int_equal(rn_stat_replay(p, ARMS, enough, costs, &(rn_orders){0, 1, 0}, &r, &err),
                     RN_EINVAL);
    assert_int_equal(rn_stat_replay(p, 0, enough, costs, &(rn_orders){10, 1, 0}, &r, &err),
                     RN_EINVAL);
    rn_arm *arm;
    assert_ok(rn_stat_arm_new(x[0], NULL, P, &costs[0], 0, 2, &arm, &err), &err);
    const rn_arm *const arms[] = {arm};
    rn_course_step steps[] = {{0, 3}, {1, 1}, {0, 0}};
    double score[P];
    for (size_t i = 0; i < 3; i++) {
        const rn_course bad = {&steps[i], 1};
        assert_int_equal(rn_stat_course_rows(arms, 1, &bad, 1, score, NULL, &err), RN_EINVAL);
    }
    rn_stat_arm_free(arm);
    rn_policy_free(p);
    rn_prior_free(prior);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(courses_and_replays_match_every_order),
        cmocka_unit_test(promises_are_kept_by_the_kinds),
        cmocka_unit_test(replays_are_repeatable),
        cmocka_unit_test(dear_samples_are_cut),
        cmocka_unit_test(refuses_what_is_not_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
