/*
 * inquiry.c: see inquiry.h.
 *
 * One rung of the ladder of prices a round, for all arms alike. Widths are compared at every round;
 * leads are looked at with the error spent in proportion to the rungs, at CROSS each budget with an
 * n-th of the error (Bonferroni), so that all leads together are right with the stated level.
 */
#include "stat/inquiry.h"

struct rn_inquiry {
    rn_ask ask;
    rn_seq *seq[2];
    rn_looks *looks[RN_ASK_POINTS]; /* LEAD, CROSS */
    int rung, first, last, round;
};

static bool takes_sides(const rn_ask *a)
{
    return a->kind == RN_ASK_LEAD || a->kind == RN_ASK_CROSS;
}

static int check(const rn_ask *a, rn_err *err)
{
    const bool two = a->kind != RN_ASK_MEAN, points = a->kind == RN_ASK_CROSS;
    assert(a->n_arms == (two ? 2 : 1));
    assert(a->n_points >= 1 && a->n_points <= (points ? RN_ASK_POINTS : 1));
    if (a->n_problems == 0) return rn_fail(err, RN_EINVAL, "a question about no problem");
    if (!(a->level > 0 && a->level < 1))
        return rn_fail(err, RN_EINVAL, "a level of %g: must be between 0 and 1", a->level);
    if (!takes_sides(a) && !(a->half > 0 && a->half < 1))
        return rn_fail(err, RN_EINVAL, "to within %g points: must be between 0 and 100",
                       100 * a->half);
    if (points && !(a->within > 1))
        return rn_fail(err, RN_EINVAL, "a crossover within %gx: must be more than 1", a->within);
    return 0;
}

int rn_inquiry_new(const rn_ask *ask, rn_inquiry **out, rn_err *err)
{
    int rc = check(ask, err);
    if (rc) return rc;
    rn_inquiry *q = calloc(1, sizeof *q);
    if (!q) return rn_nomem(err, "question");
    q->ask = *ask;
    for (size_t i = 0; !rc && i < ask->n_arms; i++) {
        const rn_seq_plan plan = {.ks = ask->arms[i].ks,
                                  .n_ks = ask->n_points,
                                  .n_max = ask->arms[i].n_max,
                                  .cost = ask->arms[i].cost};
        rc = rn_seq_new(&plan, &q->seq[i], err);
        if (rc) break;
        const int first = rn_seq_first(q->seq[i]), last = rn_seq_last(q->seq[i]);
        if (i == 0 || first < q->first) q->first = first;
        if (i == 0 || last > q->last) q->last = last;
    }
    if (!rc) rc = rn_inquiry_restart(q, err);
    if (rc)
        rn_inquiry_free(q);
    else
        *out = q;
    return rc;
}

void rn_inquiry_free(rn_inquiry *q)
{
    if (!q) return;
    for (size_t i = 0; i < 2; i++)
        rn_seq_free(q->seq[i]);
    for (size_t i = 0; i < RN_ASK_POINTS; i++)
        rn_looks_free(q->looks[i]);
    free(q);
}

int rn_inquiry_restart(rn_inquiry *q, rn_err *err)
{
    const double level = 1 - (1 - q->ask.level) / (double)q->ask.n_points;
    q->rung = q->first;
    q->round = 0;
    int rc = 0;
    for (size_t i = 0; takes_sides(&q->ask) && !rc && i < q->ask.n_points; i++) {
        rn_looks_free(q->looks[i]);
        q->looks[i] = NULL;
        rc = rn_looks_new(level, &q->looks[i], err);
    }
    return rc;
}

int64_t rn_inquiry_need(const rn_inquiry *q, size_t arm, rn_count x)
{
    return rn_seq_need(q->seq[arm], q->rung, x);
}

rn_seq *rn_inquiry_seq(rn_inquiry *q, size_t arm)
{
    return q->seq[arm];
}

int rn_inquiry_rung(const rn_inquiry *q)
{
    return q->rung;
}

static rn_interval normal(const rn_ask *a, rn_seq_mean m)
{
    const double half = rn_seq_z(a->level) * sqrt(m.variance), least = a->n_arms == 2 ? -1 : 0;
    return (rn_interval){m.value, fmax(m.value - half, least), fmin(m.value + half, 1),
                         RN_INTERVAL_NORMAL};
}

/* Whether every budget without a known lead lies between two neighbours of different leads, at most
 * `within` apart, and the lead changes once at most; from, to: those two. */
static bool crossover_known(const rn_ask *a, rn_known *k)
{
    size_t before = SIZE_MAX;
    int n_changes = 0;
    for (size_t i = 0; i < a->n_points; i++) {
        if (k->side[i] == 0) continue;
        const bool gap = before == SIZE_MAX ? i > 0 : i > before + 1;
        const bool change = before != SIZE_MAX && k->side[before] != k->side[i];
        if (gap && !change) return false;
        if (change) {
            if (gap && a->budgets[i] / a->budgets[before] > a->within * (1 + 1e-9)) return false;
            n_changes++;
            k->from = a->budgets[before];
            k->to = a->budgets[i];
        }
        before = i;
    }
    return before == a->n_points - 1 && n_changes <= 1;
}

static int take_sides(rn_inquiry *q, const rn_seq_mean *d, rn_known *out, rn_err *err)
{
    const double share = (q->rung - q->first + 1.0) / (q->last - q->first + 1.0);
    for (size_t i = 0; i < q->ask.n_points; i++) {
        int rc = rn_looks_add(q->looks[i], share, d[i].value, d[i].variance, err);
        if (rc) return rc;
        out->side[i] = rn_looks_side(q->looks[i]);
    }
    out->answered = q->ask.kind == RN_ASK_LEAD ? out->side[0] != 0 : crossover_known(&q->ask, out);
    out->over = out->answered || q->rung == q->last;
    return 0;
}

int rn_inquiry_glance(rn_inquiry *q, const rn_count *const *counts, rn_known *out, rn_err *err)
{
    rn_seq_mean d[RN_ASK_POINTS] = {0}, minus[RN_ASK_POINTS] = {0};
    const rn_ask *a = &q->ask;
    *out = (rn_known){.round = ++q->round, .from = NAN, .to = NAN};
    int rc = rn_seq_means(q->seq[0], q->rung, counts[0], a->n_problems, d, err);
    if (!rc && a->n_arms == 2)
        rc = rn_seq_means(q->seq[1], q->rung, counts[1], a->n_problems, minus, err);
    for (size_t i = 0; !rc && a->n_arms == 2 && i < a->n_points; i++) {
        d[i].value -= minus[i].value;
        d[i].variance += minus[i].variance;
    }
    if (!rc && takes_sides(a)) {
        rc = take_sides(q, d, out, err);
    } else if (!rc) {
        out->at[0] = normal(a, d[0]);
        out->answered = rn_seq_z(a->level) * sqrt(d[0].variance) <= a->half;
        out->over = out->answered || q->rung == q->last;
    }
    if (!rc && !out->over) q->rung++;
    return rc;
}

int rn_inquiry_look(rn_inquiry *q, const rn_count *const *counts, rn_known *out, rn_err *err)
{
    int rc = rn_inquiry_glance(q, counts, out, err);
    for (size_t i = 0; !rc && takes_sides(&q->ask) && i < q->ask.n_points; i++)
        out->at[i] =
            out->over || out->side[i] ? rn_looks_final(q->looks[i]) : rn_looks_running(q->looks[i]);
    return rc;
}
