/* Priors and policies: src/stat/beta.c, prior.c, policy.c, against enumeration of everything. */
#include "test.h"

#include "base/rng.h"
#include "stat/beta.h"
#include "stat/policy.h"

#define N(a) (sizeof(a) / sizeof *(a))

/* ---- beta ------------------------------------------------------------------------------------ */

static void beta_has_closed_forms(void **state)
{
    (void)state;
    for (double x = 0.01; x < 1; x += 0.07) {
        assert_near(rn_stat_beta_cdf(1, 1, x), x, 1e-13);
        assert_near(rn_stat_beta_cdf(3, 1, x), x * x * x, 1e-13);
        assert_near(rn_stat_beta_cdf(1, 4, x), 1 - pow(1 - x, 4), 1e-13);
        assert_near(rn_stat_beta_cdf(0.5, 0.5, x), 2 / M_PI * asin(sqrt(x)), 1e-13);
    }
    assert_near(rn_stat_beta_cdf(2, 3, 0), 0, 0);
    assert_near(rn_stat_beta_cdf(2, 3, 1), 1, 0);
}

static void beta_quantiles_invert(void **state)
{
    (void)state;
    static const double shapes[][2] = {{0.28, 0.72}, {0.5, 100.5}, {100.5, 0.5}, {5, 7}, {2000, 3}};
    static const double qs[] = {0.001, 0.1, 0.5, 0.9, 0.999};
    for (size_t i = 0; i < N(shapes); i++)
        for (size_t j = 0; j < N(qs); j++) {
            double x = rn_stat_beta_quantile(shapes[i][0], shapes[i][1], qs[j]);
            double q = rn_stat_beta_cdf(shapes[i][0], shapes[i][1], x);
            if (fabs(q - qs[j]) > 1e-7)
                fail_msg("Beta(%g, %g): quantile %g is %.17g, whose cdf is %g", shapes[i][0],
                         shapes[i][1], qs[j], x, q);
        }
}

/* ---- priors ---------------------------------------------------------------------------------- */

/* The expected pass@1 of one arm. */
static double mean_rate(const rn_prior *p, size_t arm)
{
    double mean = 0;
    for (size_t t = 0; t < p->n_kind; t++)
        mean += p->weight[t] * p->rate[t * p->n_arm + arm];
    return mean;
}

static void default_prior_is_the_documented_one(void **state)
{
    (void)state;
    rn_err err;
    rn_prior *p;
    const double cost[] = {2, 4, 16, 2};
    assert_ok(rn_prior_default(cost, N(cost), &p, &err), &err);
    static const double mean[] = {0.28, 0.33, 0.43, 0.28};
    for (size_t a = 0; a < N(cost); a++)
        assert_near(mean_rate(p, a), mean[a], 0.005);
    double pass2 = 0, sum = 0, shared = 0;
    for (size_t t = 0; t < p->n_kind; t++) {
        double fail = 1 - p->rate[t * p->n_arm];
        pass2 += p->weight[t] * (1 - fail * fail);
        sum += p->weight[t];
        /* Equal models are equal where none stands apart. */
        if (p->rate[t * p->n_arm] != p->rate[t * p->n_arm + 3]) continue;
        shared += p->weight[t];
    }
    assert_near(pass2, 0.385, 0.01); /* of Code Llama 7B on HumanEval, as published */
    assert_near(sum, 1, 1e-12);
    assert_near(shared, 0.8 + 0.2 * 2 / 4, 0.01); /* the others stand apart half of the time */
    rn_prior_free(p);
}

static void priors_refuse_what_makes_no_sense(void **state)
{
    (void)state;
    rn_err err = {0};
    rn_prior *p = NULL;
    const double zero[] = {1, 0};
    assert_int_equal(rn_prior_default(zero, 2, &p, &err), RN_EINVAL);
    assert_int_equal(rn_prior_default(zero, 0, &p, &err), RN_EINVAL);
    assert_int_equal(rn_prior_default(zero, RN_PRIOR_MAX_ARM + 1, &p, &err), RN_EINVAL);
    const rn_count none[2] = {{0}}, some[2] = {{.n = 4, .c = 1}, {0}}, bad[2] = {{.n = 1, .c = 2}};
    const double cost[] = {1, 2}, second[] = {0, 1};
    const rn_count *with_none[] = {some, none}, *with_bad[] = {some, bad}, *good[] = {some, some};
    assert_int_equal(rn_prior_learn(with_none, 2, 2, NULL, cost, &p, &err), RN_EINVAL);
    assert_non_null(strstr(err.msg, "model 1 has no judged sample"));
    assert_int_equal(rn_prior_learn(with_bad, 2, 2, NULL, cost, &p, &err), RN_EINVAL);
    assert_int_equal(rn_prior_learn(good, 2, 2, second, cost, &p, &err), RN_EINVAL);
    assert_null(p);
    assert_ok(rn_prior_learn(good, 2, 2, NULL, cost, &p, &err), &err);
    rn_prior_free(p);
}

/* A model that was never asked is, however much the first one has failed: the default does not take
 * one model's failures for those of another. */
static void a_model_that_was_never_asked_is_asked(void **state)
{
    (void)state;
    static const double ratios[] = {1, 1.5, 2, 4, 10, 30, 100};
    for (size_t i = 0; i < N(ratios); i++)
        for (int n_arm = 2; n_arm <= 3; n_arm++) {
            rn_err err;
            const double r = ratios[i], cost[] = {1, r, r}, budget = 8 * r + 20;
            const rn_policy_arm arms[] = {{.per_sample = 1}, {.per_sample = r}, {.per_sample = r}};
            rn_prior *prior;
            rn_policy *p;
            assert_ok(rn_prior_default(cost, (size_t)n_arm, &prior, &err), &err);
            const rn_policy_spec spec = {RN_POLICY_ADAPTIVE, arms, budget};
            assert_ok(rn_policy_new(&spec, prior, &p, &err), &err);
            int a, n = 0;
            bool asked[3] = {false};
            for (;; n++) {
                assert_ok(rn_policy_next(p, &a, &err), &err);
                if (a < 0) break;
                if (!asked[a] && a && n > 4 * r + 4)
                    fail_msg("%g times the price: first asked after %d failures", r, n);
                asked[a] = true;
                rn_policy_observe(p, a, false, cost[a]);
            }
            for (a = 0; a < n_arm; a++)
                if (!asked[a]) fail_msg("%g times the price: model %d was never asked", r, a);
            rn_policy_free(p);
            rn_prior_free(prior);
        }
}

/* Two models on 300 problems, half of which neither can solve; the rest are easy for both. */
static void learns_that_failures_are_shared(void **state)
{
    (void)state;
    enum { P = 300, SAMPLES = 10 };
    rn_err err;
    rn_count x[2][P];
    for (uint32_t i = 0; i < P; i++)
        for (size_t a = 0; a < 2; a++) {
            rn_rng r;
            rn_rng_init(&r, 7, a, i);
            x[a][i] = (rn_count){.n = SAMPLES};
            for (int s = 0; s < SAMPLES; s++)
                x[a][i].c += i % 2 && rn_rng_unit(&r) < (a ? 0.7 : 0.4);
        }
    const rn_count *counts[] = {x[0], x[1]};
    const double cost[] = {1, 3};
    rn_prior *prior;
    assert_ok(rn_prior_learn(counts, 2, P, NULL, cost, &prior, &err), &err);
    assert_near(mean_rate(prior, 0), 0.2, 0.02);
    assert_near(mean_rate(prior, 1), 0.35, 0.03);

    const rn_policy_arm arms[] = {{.per_sample = 1}, {.per_sample = 3}};
    rn_policy *p;
    const rn_policy_spec spec = {.kind = RN_POLICY_SMALL_ONLY, .arms = arms, .budget = 8};
    assert_ok(rn_policy_new(&spec, prior, &p, &err), &err);
    for (int i = 0; i < 8; i++) {
        int arm;
        assert_ok(rn_policy_next(p, &arm, &err), &err);
        assert_int_equal(arm, 0);
        rn_policy_observe(p, arm, false, 1);
    }
    rn_policy_free(p);
    rn_prior_free(prior);
}

/* ---- the search, against all sequences -------------------------------------------------------- */

enum { ARMS = 3, KINDS = 4, MAX_LEN = 24 };

typedef struct game {
    rn_policy_arm arm[ARMS];
    double weight[KINDS], rate[KINDS * ARMS], budget;
    rn_prior prior;
} game;

static void make_game(uint32_t seed, game *g)
{
    rn_rng r;
    rn_rng_init(&r, 11, 1, seed);
    double sum = 0;
    for (int t = 0; t < KINDS; t++) {
        sum += g->weight[t] = 0.1 + rn_rng_unit(&r);
        for (int a = 0; a < ARMS; a++)
            g->rate[t * ARMS + a] = fmax(1e-6, pow(rn_rng_unit(&r), 4.0 - a));
    }
    for (int t = 0; t < KINDS; t++)
        g->weight[t] /= sum;
    for (int a = 0; a < ARMS; a++)
        g->arm[a] = (rn_policy_arm){.shared = seed % 2 ? 0.3 * (a + 1) * rn_rng_unit(&r) : 0,
                                    .per_sample = (1 + a * 1.5) * (1 + rn_rng_unit(&r)),
                                    .limit = seed % 3 == 0 ? 2 : 0};
    g->budget = 4 + 8 * rn_rng_unit(&r);
    g->prior = (rn_prior){.n_arm = ARMS, .n_kind = KINDS, .weight = g->weight, .rate = g->rate};
}

static double fail_after(const game *g, const int *k)
{
    double sum = 0;
    for (int t = 0; t < KINDS; t++) {
        double x = g->weight[t];
        for (int a = 0; a < ARMS; a++)
            x *= pow(1 - g->rate[t * ARMS + a], k[a]);
        sum += x;
    }
    return sum;
}

/* The best chance of all sequences that fit, and the least expected cost among the best. */
static void enumerate(const game *g, int *k, double spent, double expected, double *chance,
                      double *cost)
{
    double fail = fail_after(g, k);
    if (1 - fail > *chance + 1e-12 || (1 - fail > *chance - 1e-12 && expected < *cost)) {
        *chance = 1 - fail;
        *cost = expected;
    }
    for (int a = 0; a < ARMS; a++) {
        double price = g->arm[a].per_sample + (k[a] ? 0 : g->arm[a].shared);
        if (spent + price > g->budget || (g->arm[a].limit && k[a] == g->arm[a].limit)) continue;
        k[a]++;
        enumerate(g, k, spent + price, expected + price * fail, chance, cost);
        k[a]--;
    }
}

/* Follows a policy while everything fails; the chance and expected cost of the way it went. */
static void follow(const game *g, rn_policy *p, double *chance, double *cost)
{
    rn_err err;
    int k[ARMS] = {0};
    double spent = 0;
    *cost = 0;
    for (int i = 0; i < MAX_LEN; i++) {
        int a;
        assert_ok(rn_policy_next(p, &a, &err), &err);
        if (a < 0) break;
        double price = g->arm[a].per_sample + (k[a] ? 0 : g->arm[a].shared);
        *cost += price * fail_after(g, k);
        spent += price;
        k[a]++;
        rn_policy_observe(p, a, false, price);
    }
    *chance = 1 - fail_after(g, k);
    assert_true(spent <= g->budget * (1 + 1e-9));
}

static void adaptive_is_the_best_of_all_sequences(void **state)
{
    (void)state;
    rn_err err;
    for (uint32_t seed = 0; seed < 60; seed++) {
        game g;
        make_game(seed, &g);
        int k[ARMS] = {0};
        double best = 0, best_cost = 0, chance, cost, said, said_cost;
        enumerate(&g, k, 0, 0, &best, &best_cost);
        const rn_policy_spec spec = {RN_POLICY_ADAPTIVE, g.arm, g.budget};
        rn_policy *p;
        assert_ok(rn_policy_new(&spec, &g.prior, &p, &err), &err);
        assert_ok(rn_policy_promise(p, &said, &said_cost, &err), &err);
        follow(&g, p, &chance, &cost);
        if (fabs(chance - best) > 1e-9 || fabs(cost - best_cost) > 1e-9 ||
            fabs(said - best) > 1e-9 || fabs(said_cost - best_cost) > 1e-9)
            fail_msg("game %u: chance %.9g, promised %.9g, best %.9g; cost %.9g, %.9g, %.9g", seed,
                     chance, said, best, cost, said_cost, best_cost);
        rn_policy_free(p);
    }
}

static void fixed_policies_are_what_they_say(void **state)
{
    (void)state;
    rn_err err;
    const rn_policy_arm arms[] = {
        {.per_sample = 3}, {.per_sample = 1, .shared = 0.5}, {.per_sample = 7, .shared = 0.5}};
    const double cost[] = {3, 1, 7};
    rn_prior *prior;
    assert_ok(rn_prior_default(cost, 3, &prior, &err), &err);
    static const struct {
        rn_policy_kind kind;
        double budget;
        int bought[3];
    } cases[] = {
        {RN_POLICY_SMALL_ONLY, 20, {0, 19, 0}}, {RN_POLICY_LARGE_ONLY, 22, {0, 0, 3}},
        {RN_POLICY_LARGE_ONLY, 7, {0, 0, 0}},   {RN_POLICY_SMALL_ONLY, 1.4, {0, 0, 0}},
        {RN_POLICY_CASCADE, 9, {0, 1, 1}},      {RN_POLICY_CASCADE, 6, {0, 5, 0}},
        {RN_POLICY_CASCADE, 8, {0, 7, 0}},
    };
    for (size_t i = 0; i < N(cases); i++) {
        const rn_policy_spec spec = {cases[i].kind, arms, cases[i].budget};
        rn_policy *p;
        int a;
        assert_ok(rn_policy_new(&spec, prior, &p, &err), &err);
        for (;;) {
            assert_ok(rn_policy_next(p, &a, &err), &err);
            if (a < 0) break; /* all stay in flight */
        }
        for (a = 0; a < 3; a++)
            if (rn_policy_bought(p, a) != cases[i].bought[a])
                fail_msg("%s with %g: %d samples of model %d, not %d",
                         rn_policy_name(cases[i].kind), cases[i].budget,
                         (int)rn_policy_bought(p, a), a, cases[i].bought[a]);
        rn_policy_free(p);
    }
    rn_prior_free(prior);
}

/* The split of the cascade is the best one of all. */
static void cascade_splits_best(void **state)
{
    (void)state;
    rn_err err;
    const rn_policy_arm arms[] = {{.per_sample = 1}, {.per_sample = 5}};
    const double cost[] = {1, 5}, budget = 31;
    rn_prior *prior;
    assert_ok(rn_prior_default(cost, 2, &prior, &err), &err);
    double best = 0, chance;
    for (int large = 1; large <= 6; large++) {
        double fail = 0;
        for (size_t t = 0; t < prior->n_kind; t++)
            fail += prior->weight[t] * pow(1 - prior->rate[2 * t], budget - 5 * large) *
                    pow(1 - prior->rate[2 * t + 1], large);
        best = fmax(best, 1 - fail);
    }
    rn_policy *p;
    const rn_policy_spec spec = {RN_POLICY_CASCADE, arms, budget};
    assert_ok(rn_policy_new(&spec, prior, &p, &err), &err);
    assert_ok(rn_policy_promise(p, &chance, NULL, &err), &err);
    assert_near(chance, best, 1e-12);
    rn_policy_free(p);
    rn_prior_free(prior);
}

/* ---- the state machine ------------------------------------------------------------------------ */

static rn_policy *simple_policy(rn_policy_kind kind, double budget, const rn_policy_arm *arms,
                                rn_prior **prior)
{
    rn_err err;
    const double cost[] = {1, 4};
    rn_policy *p;
    assert_ok(rn_prior_default(cost, 2, prior, &err), &err);
    const rn_policy_spec spec = {kind, arms, budget};
    assert_ok(rn_policy_new(&spec, *prior, &p, &err), &err);
    return p;
}

static const rn_policy_arm two[] = {{.per_sample = 1}, {.per_sample = 4}};

/* What is bought in parallel is what is bought one by one. */
static void parallel_buys_the_same(void **state)
{
    (void)state;
    rn_err err;
    rn_prior *prior;
    rn_policy *p = simple_policy(RN_POLICY_ADAPTIVE, 23, two, &prior);
    int serial[32], n = 0, a;
    for (;;) {
        assert_ok(rn_policy_next(p, &a, &err), &err);
        if (a < 0) break;
        serial[n++] = a;
        rn_policy_observe(p, a, false, two[a].per_sample);
    }
    for (int width = 1; width <= 7; width += 2) {
        int flight[8], waiting = 0, m = 0;
        rn_policy_reset(p);
        do {
            a = 0;
            while (waiting < width && a >= 0) {
                assert_ok(rn_policy_next(p, &a, &err), &err);
                if (a < 0) break;
                assert_int_equal(a, serial[m++]);
                flight[waiting++] = a;
            }
            if (waiting == 0) break;
            waiting--;
            rn_policy_observe(p, flight[waiting], false, two[flight[waiting]].per_sample);
        } while (true);
        assert_int_equal(m, n);
        assert_near(rn_policy_left(p), 23 - 23, 1e-9);
    }
    rn_policy_free(p);
    rn_prior_free(prior);
}

static void a_pass_ends_it(void **state)
{
    (void)state;
    rn_err err;
    rn_prior *prior;
    rn_policy *p = simple_policy(RN_POLICY_ADAPTIVE, 100, two, &prior);
    int a, b;
    double chance;
    assert_ok(rn_policy_next(p, &a, &err), &err);
    assert_ok(rn_policy_next(p, &b, &err), &err);
    rn_policy_observe(p, a, true, 0.5);
    rn_policy_observe(p, b, false, two[b].per_sample);
    assert_ok(rn_policy_next(p, &a, &err), &err);
    assert_int_equal(a, -1);
    assert_ok(rn_policy_promise(p, &chance, NULL, &err), &err);
    assert_near(chance, 1, 0);
    rn_policy_reset(p);
    assert_ok(rn_policy_next(p, &a, &err), &err);
    assert_true(a >= 0);
    rn_policy_free(p);
    rn_prior_free(prior);
}

/* Samples cheaper than expected leave room for more; dearer ones for fewer; never more than fits by
 * what is expected. */
static void real_costs_change_the_plan(void **state)
{
    (void)state;
    rn_err err;
    for (int kind = 0; kind < RN_N_POLICIES; kind++) {
        int n_by_factor[3];
        static const double factors[] = {0.5, 1, 2};
        for (size_t f = 0; f < N(factors); f++) {
            rn_prior *prior;
            rn_policy *p = simple_policy((rn_policy_kind)kind, 24, two, &prior);
            int n = 0, a;
            for (;;) {
                double left = rn_policy_left(p);
                assert_ok(rn_policy_next(p, &a, &err), &err);
                if (a < 0) break;
                n++;
                assert_true(two[a].per_sample <= left + 1e-9);
                rn_policy_observe(p, a, false, two[a].per_sample * factors[f]);
            }
            bool ends_large = kind == RN_POLICY_LARGE_ONLY || kind == RN_POLICY_CASCADE;
            assert_true(rn_policy_left(p) < (ends_large ? 4 : 1));
            n_by_factor[f] = n;
            rn_policy_free(p);
            rn_prior_free(prior);
        }
        assert_true(n_by_factor[0] > n_by_factor[1] && n_by_factor[1] > n_by_factor[2]);
    }
}

static void losses_and_other_costs_are_charged(void **state)
{
    (void)state;
    rn_err err;
    rn_prior *prior;
    const rn_policy_arm arms[] = {{.shared = 2, .per_sample = 1}, {.per_sample = 50}};
    rn_policy *p = simple_policy(RN_POLICY_ADAPTIVE, 10, arms, &prior);
    int a;
    assert_ok(rn_policy_next(p, &a, &err), &err);
    assert_int_equal(a, 0);
    assert_near(rn_policy_left(p), 7, 1e-12); /* the prompt is set aside */
    rn_policy_lose(p, 0, 2.5);
    assert_near(rn_policy_left(p), 7.5, 1e-12);
    rn_policy_spend(p, 4);
    int n = 0;
    for (;; n++) {
        assert_ok(rn_policy_next(p, &a, &err), &err);
        if (a < 0) break;
        rn_policy_observe(p, a, false, 1);
    }
    assert_int_equal(n, 3); /* of the 3.5 that are left; the prompt is paid */
    rn_policy_free(p);
    rn_prior_free(prior);
}

static void arms_close_and_change_price(void **state)
{
    (void)state;
    rn_err err;
    rn_prior *prior;
    rn_policy *p = simple_policy(RN_POLICY_ADAPTIVE, 10, two, &prior);
    int a;
    assert_ok(rn_policy_next(p, &a, &err), &err);
    rn_policy_observe(p, a, false, 1);
    rn_policy_close_arm(p, 0);
    assert_ok(rn_policy_next(p, &a, &err), &err);
    assert_int_equal(a, 1);
    rn_policy_reprice(p, 1, 0, 8); /* the one in flight as well */
    assert_near(rn_policy_left(p), 1, 1e-12);
    rn_policy_observe(p, 1, false, 2);
    assert_near(rn_policy_left(p), 7, 1e-12);
    assert_ok(rn_policy_next(p, &a, &err), &err);
    assert_int_equal(a, -1);
    rn_policy_reprice(p, 1, 0, 3.5);
    assert_ok(rn_policy_next(p, &a, &err), &err);
    assert_int_equal(a, 1);
    rn_policy_close_arm(p, 1);
    rn_policy_observe(p, 1, false, 3.5);
    assert_ok(rn_policy_next(p, &a, &err), &err);
    assert_int_equal(a, -1);
    rn_policy_free(p);
    rn_prior_free(prior);
}

static void refuses_bad_specs(void **state)
{
    (void)state;
    rn_err err = {0};
    rn_prior *prior;
    rn_policy *p = NULL;
    const double cost[] = {1, 4};
    assert_ok(rn_prior_default(cost, 2, &prior, &err), &err);
    static const double budgets[] = {0, -1, INFINITY, NAN};
    for (size_t i = 0; i < N(budgets); i++) {
        const rn_policy_spec spec = {RN_POLICY_ADAPTIVE, two, budgets[i]};
        assert_int_equal(rn_policy_new(&spec, prior, &p, &err), RN_EINVAL);
    }
    static const rn_policy_arm bad[][2] = {
        {{.per_sample = 1}, {.per_sample = 0}},
        {{.per_sample = NAN}, {.per_sample = 1}},
        {{.per_sample = 1, .shared = -1}, {.per_sample = 1}},
        {{.per_sample = 1, .limit = -1}, {.per_sample = 1}},
        {{.per_sample = INFINITY}, {.per_sample = 1}},
    };
    for (size_t i = 0; i < N(bad); i++) {
        const rn_policy_spec spec = {RN_POLICY_ADAPTIVE, bad[i], 1};
        assert_int_equal(rn_policy_new(&spec, prior, &p, &err), RN_EINVAL);
    }
    assert_null(p);
    rn_policy_kind kind;
    assert_true(rn_policy_parse("cascade", &kind));
    assert_int_equal(kind, RN_POLICY_CASCADE);
    assert_false(rn_policy_parse("best", &kind));
    rn_prior_free(prior);
}

/* Where nearly every plan passes as often, the one that is cheaper in expectation begins with the
 * cheap model, and costs less than the dear one alone. */
static void ample_budgets_begin_cheaply(void **state)
{
    (void)state;
    rn_err err;
    const double cost[] = {1, 10};
    const rn_policy_arm arms[] = {{.per_sample = 1}, {.per_sample = 10}};
    rn_prior *prior;
    assert_ok(rn_prior_default(cost, 2, &prior, &err), &err);
    double promised[2];
    for (int k = 0; k < 2; k++) {
        const rn_policy_spec spec = {k ? RN_POLICY_LARGE_ONLY : RN_POLICY_ADAPTIVE, arms, 20000};
        rn_policy *p;
        int a;
        assert_ok(rn_policy_new(&spec, prior, &p, &err), &err);
        assert_ok(rn_policy_promise(p, NULL, &promised[k], &err), &err);
        assert_ok(rn_policy_next(p, &a, &err), &err);
        assert_int_equal(a, k);
        rn_policy_free(p);
    }
    print_message("expected cost: adaptive %g, large-only %g\n", promised[0], promised[1]);
    assert_true(promised[0] < promised[1]);
    rn_prior_free(prior);
}

/* Large budgets are planned in blocks: nothing is left over, and no single model is better. */
static void large_budgets_are_used_up(void **state)
{
    (void)state;
    rn_err err;
    enum { MODELS = 6 };
    double cost[MODELS];
    rn_policy_arm arms[MODELS];
    for (int a = 0; a < MODELS; a++)
        arms[a] = (rn_policy_arm){.per_sample = cost[a] = pow(2.1, a), .shared = 0.1};
    rn_prior *prior;
    assert_ok(rn_prior_default(cost, MODELS, &prior, &err), &err);
    const rn_policy_spec spec = {RN_POLICY_ADAPTIVE, arms, 5000};
    rn_policy *p;
    double chance, alone;
    assert_ok(rn_policy_new(&spec, prior, &p, &err), &err);
    assert_ok(rn_policy_promise(p, &chance, NULL, &err), &err);
    for (;;) {
        int a;
        assert_ok(rn_policy_next(p, &a, &err), &err);
        if (a < 0) break;
    }
    assert_true(rn_policy_left(p) < 1.1 && rn_policy_left(p) > -1e-6);
    rn_policy_free(p);
    for (int only = 0; only < MODELS; only++) {
        assert_ok(rn_policy_new(&spec, prior, &p, &err), &err);
        for (int a = 0; a < MODELS; a++)
            if (a != only) rn_policy_close_arm(p, a);
        assert_ok(rn_policy_promise(p, &alone, NULL, &err), &err);
        assert_true(chance >= alone - 0.004); /* two rounds, each as good within 0.002 */
        rn_policy_free(p);
    }
    rn_prior_free(prior);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(beta_has_closed_forms),
        cmocka_unit_test(beta_quantiles_invert),
        cmocka_unit_test(default_prior_is_the_documented_one),
        cmocka_unit_test(priors_refuse_what_makes_no_sense),
        cmocka_unit_test(learns_that_failures_are_shared),
        cmocka_unit_test(a_model_that_was_never_asked_is_asked),
        cmocka_unit_test(adaptive_is_the_best_of_all_sequences),
        cmocka_unit_test(fixed_policies_are_what_they_say),
        cmocka_unit_test(cascade_splits_best),
        cmocka_unit_test(parallel_buys_the_same),
        cmocka_unit_test(a_pass_ends_it),
        cmocka_unit_test(real_costs_change_the_plan),
        cmocka_unit_test(losses_and_other_costs_are_charged),
        cmocka_unit_test(arms_close_and_change_price),
        cmocka_unit_test(refuses_bad_specs),
        cmocka_unit_test(ample_budgets_begin_cheaply),
        cmocka_unit_test(large_budgets_are_used_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
