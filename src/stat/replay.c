/* replay.c: see replay.h. */
#include "stat/replay.h"

#include "base/rng.h"

int rn_stat_course(rn_policy *p, const rn_policy_arm *price, rn_course *out, rn_err *err)
{
    RN_VEC(rn_course_step) steps = {0};
    int arm = 0, rc;
    rn_policy_reset(p);
    while (!(rc = rn_policy_next(p, &arm, err)) && arm >= 0) {
        const bool first = rn_policy_bought(p, arm) == 1;
        rn_policy_observe(p, arm, false, price[arm].per_sample + (first ? price[arm].shared : 0));
        if (steps.n && steps.data[steps.n - 1].arm == arm)
            steps.data[steps.n - 1].n++;
        else if (!rn_vec_push(&steps, ((rn_course_step){arm, 1})))
            break;
    }
    rn_policy_reset(p);
    if (!rc && !rn_vec_ok(&steps)) rc = rn_nomem(err, "course");
    if (rc)
        rn_vec_free(&steps);
    else
        *out = (rn_course){.steps = steps.data, .n = steps.n};
    return rc;
}

void rn_course_free(rn_course *c)
{
    if (!c) return;
    free(c->steps);
    *c = (rn_course){0};
}

static int course_check(const rn_arm *const *arms, size_t n_arms, const rn_course *course,
                        rn_err *err)
{
    int64_t k[RN_PRIOR_MAX_ARM] = {0};
    if (n_arms < 1 || n_arms > RN_PRIOR_MAX_ARM)
        return rn_fail(err, RN_EINVAL, "a course over %zu models", n_arms);
    for (size_t i = 0; i < course->n; i++) {
        const rn_course_step *s = &course->steps[i];
        if (s->arm < 0 || (size_t)s->arm >= n_arms || s->n < 1)
            return rn_fail(err, RN_EINVAL, "a course buys %" PRId64 " samples of model %d", s->n,
                           s->arm);
        k[s->arm] += s->n;
    }
    for (size_t a = 0; a < n_arms; a++)
        if (arms[a]->n_rows != arms[0]->n_rows || k[a] > arms[a]->k_max)
            return rn_fail(err, RN_EINVAL,
                           "a course of %" PRId64 " samples of model %zu: %" PRId64
                           " are recorded for %zu problems",
                           k[a], a, arms[a]->k_max, arms[a]->n_rows);
    return 0;
}

int rn_stat_course_rows(const rn_arm *const *arms, size_t n_arms, const rn_course *course,
                        size_t stride, double *score, double *cost, rn_err *err)
{
    int rc = course_check(arms, n_arms, course, err);
    if (rc) return rc;
    for (size_t row = 0; row < arms[0]->n_rows; row++) {
        size_t k[RN_PRIOR_MAX_ARM] = {0};
        double fail[RN_PRIOR_MAX_ARM], all = 1, spent = 0;
        for (size_t a = 0; a < n_arms; a++)
            fail[a] = 1;
        for (size_t i = 0; i < course->n; i++) {
            const size_t a = (size_t)course->steps[i].arm;
            const size_t at = row * ((size_t)arms[a]->k_max + 1) + k[a];
            const size_t to = at + (size_t)course->steps[i].n;
            double others = 1; /* the chance that every other arm has failed so far */
            for (size_t b = 0; b < n_arms; b++)
                if (b != a) others *= fail[b];
            spent += others * (arms[a]->spent[to] - arms[a]->spent[at]);
            fail[a] = arms[a]->fail[to];
            k[a] += (size_t)course->steps[i].n;
        }
        for (size_t a = 0; a < n_arms; a++)
            all *= fail[a];
        if (score) score[row * stride] = 1 - all;
        if (cost) cost[row * stride] = spent;
    }
    return 0;
}

/* One order: draws as the policy asks until it stops; adds to *sum. */
static int run_once(rn_policy *p, size_t n_arm, const rn_count *counts, const rn_drawcost *costs,
                    rn_rng *rng, rn_replay *sum, rn_err *err)
{
    rn_count rest[RN_PRIOR_MAX_ARM];
    for (size_t a = 0; a < n_arm; a++)
        rest[a] = counts[a];
    rn_policy_reset(p);
    for (;;) {
        const double left = rn_policy_left(p);
        int arm;
        int rc = rn_policy_next(p, &arm, err);
        if (rc) return rc;
        if (arm < 0) return 0;
        rn_count *x = &rest[arm];
        if (x->n == 0)
            return rn_fail(err, RN_EINVAL,
                           "a replay asks for more samples of model %d than there are", arm);
        bool passed = rn_rng_below(rng, (uint64_t)x->n) < (uint64_t)x->c;
        double cost = passed ? costs[arm].passing : costs[arm].failing;
        if (rn_policy_bought(p, arm) == 1) cost += costs[arm].shared;
        if (cost > left * (1 + 1e-9)) { /* cut where the budget ends */
            cost = left;
            passed = false;
        }
        x->n--;
        x->c -= passed;
        rn_policy_observe(p, arm, passed, cost);
        sum->cost += cost;
        sum->draws += 1;
        sum->score += passed;
    }
}

int rn_stat_replay(rn_policy *p, size_t n_arm, const rn_count *counts, const rn_drawcost *costs,
                   const rn_orders *orders, rn_replay *out, rn_err *err)
{
    if (orders->n < 1 || orders->n > UINT32_MAX)
        return rn_fail(err, RN_EINVAL, "%" PRId64 " random orders: needs at least 1", orders->n);
    if (n_arm < 1 || n_arm > RN_PRIOR_MAX_ARM)
        return rn_fail(err, RN_EINVAL, "a replay of %zu models", n_arm);
    static const char name[] = "policy";
    const uint64_t stream = rn_rng_stream(name, sizeof name - 1) + orders->problem;
    rn_replay sum = {0};
    for (int64_t i = 0; i < orders->n; i++) {
        rn_rng rng;
        rn_rng_init(&rng, orders->seed, stream, (uint32_t)i);
        int rc = run_once(p, n_arm, counts, costs, &rng, &sum, err);
        if (rc) return rc;
    }
    rn_policy_reset(p);
    const double n = (double)orders->n;
    *out = (rn_replay){sum.score / n, sum.cost / n, sum.draws / n};
    return 0;
}
