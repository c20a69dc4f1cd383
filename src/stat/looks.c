/*
 * looks.c: see looks.h.
 *
 * With information I_r = 1 / v_r the score S_r = d_r I_r is a Brownian motion with drift theta.
 * Kept is its sub-density at theta = 0 over the outcomes that went on, on a grid of z = S_r /
 * sqrt(I_r) between the boundaries (Armitage, McPherson, Rowe 1969). At another theta it is that
 * times exp(theta S_r - theta^2 I_r / 2). The chance to cross at the next look is an integral over
 * the grid of one before it.
 */
#include "stat/looks.h"

enum { N_GRID = 161, MAX_LOOKS = 64 }; /* odd, for Simpson's rule */

static const double least_growth = 1.1; /* of the information from look to look */

typedef struct look {
    double information, bound, spent; /* spent: cumulative */
    double weight[N_GRID]; /* sub-density at theta 0 times the weight of the grid point */
} look;

struct rn_looks {
    double level;
    int n, side;
    double value, variance; /* of the last look */
    look at[MAX_LOOKS];
};

static double upper_tail(double z)
{
    return erfc(z / sqrt(2)) / 2;
}

/* Grid point i of a look's z, from -bound to bound. */
static double z_at(const look *l, int i)
{
    return l->bound * (2.0 * i / (N_GRID - 1) - 1);
}

int rn_looks_new(double level, rn_looks **out, rn_err *err)
{
    if (!(level > 0 && level < 1))
        return rn_fail(err, RN_EINVAL, "a level of %g: must be between 0 and 1", level);
    rn_looks *l = calloc(1, sizeof *l);
    if (!l) return rn_nomem(err, "interval");
    l->level = level;
    *out = l;
    return 0;
}

void rn_looks_free(rn_looks *l)
{
    free(l);
}

/* What look r would spend with the boundary z, both sides together, and its slope. */
static double spent_at(const rn_looks *l, int r, double z, double *slope)
{
    const double now = l->at[r].information, root = sqrt(2 * acos(-1));
    *slope = -2 * exp(-z * z / 2) / root;
    if (r == 0) return 2 * upper_tail(z);
    const look *before = &l->at[r - 1];
    const double then = before->information, wide = sqrt(now - then);
    double sum = 0, density = 0;
    for (int i = 0; i < N_GRID; i++) {
        if (!(before->weight[i] > 0)) continue;
        const double x = (z * sqrt(now) - z_at(before, i) * sqrt(then)) / wide;
        sum += before->weight[i] * upper_tail(x);
        density += before->weight[i] * exp(-x * x / 2);
    }
    *slope = -2 * density / root * sqrt(now) / wide;
    return 2 * sum;
}

/* P(not decided before look r, and Z_r >= z) when the truth is theta. */
static double reach(const rn_looks *l, int r, double z, double theta)
{
    const double now = l->at[r].information;
    if (r == 0) return upper_tail(z - theta * sqrt(now));
    const look *before = &l->at[r - 1];
    const double then = before->information, more = now - then;
    double sum = 0;
    for (int i = 0; i < N_GRID; i++) {
        if (!(before->weight[i] > 0)) continue;
        const double s = z_at(before, i) * sqrt(then);
        const double tilt = theta * s - theta * theta * then / 2;
        sum += before->weight[i] * exp(tilt) *
               upper_tail((z * sqrt(now) - s - theta * more) / sqrt(more));
    }
    return sum;
}

/* The boundary at which look r spends `error`, both sides together: Newton's steps, halving where
 * one leaves the bracket. */
static double bound_at(const rn_looks *l, int r, double error)
{
    double lo = 0, hi = 12, z = 2;
    for (int i = 0; i < 60 && hi - lo > 1e-14; i++) {
        double slope, over = spent_at(l, r, z, &slope) - error;
        if (over > 0)
            lo = z;
        else
            hi = z;
        const double step = -over / slope;
        if (fabs(step) < 1e-14) return z + step;
        z += step;
        if (!(z > lo && z < hi)) z = (lo + hi) / 2;
    }
    return hi;
}

/* The sub-density of look r where it goes on, from that of the look before: even, as all bounds are
 * on both sides. A step of more than nine standard deviations adds nothing. */
static void fill_density(rn_looks *l, int r)
{
    look *x = &l->at[r];
    const double step = 2 * x->bound / (N_GRID - 1), now = x->information;
    for (int i = 0; i <= N_GRID / 2; i++) {
        const double z = z_at(x, i), simpson = i == 0 ? 1 : i % 2 ? 4 : 2;
        double density = 0;
        if (r == 0) {
            density = exp(-z * z / 2);
        } else {
            const look *b = &l->at[r - 1];
            const double more = now - b->information, then = sqrt(b->information);
            for (int k = 0; k < N_GRID; k++) {
                const double d = z * sqrt(now) - z_at(b, k) * then;
                if (d * d < 81 * more) density += b->weight[k] * exp(-d * d / (2 * more));
            }
            density *= sqrt(now / more);
        }
        x->weight[i] = density / sqrt(2 * acos(-1)) * step * simpson / 3;
        x->weight[N_GRID - 1 - i] = x->weight[i];
    }
}

int rn_looks_add(rn_looks *l, double share, double value, double variance, rn_err *err)
{
    assert(share > 0 && share <= 1 + 1e-9);
    if (!(variance > 0) || !isfinite(value))
        return rn_fail(err, RN_EINVAL, "a look at %g with a variance of %g", value, variance);
    const double information = 1 / variance;
    const look *before = l->n ? &l->at[l->n - 1] : NULL;
    if (l->side || l->n == MAX_LOOKS) return 0;
    if (before && information < least_growth * before->information) return 0;
    if (before) fill_density(l, l->n - 1); /* the last look's is not needed */
    look *x = &l->at[l->n];
    x->information = information;
    x->spent = fmin(share, 1) * (1 - l->level);
    x->bound = bound_at(l, l->n, x->spent - (before ? before->spent : 0));
    l->n++;
    l->value = value;
    l->variance = variance;
    const double z = value / sqrt(variance);
    l->side = z >= x->bound ? 1 : z <= -x->bound ? -1 : 0;
    return 0;
}

int rn_looks_side(const rn_looks *l)
{
    return l->side;
}

rn_interval rn_looks_running(const rn_looks *l)
{
    if (!l->n) return (rn_interval){NAN, NAN, NAN, RN_INTERVAL_NONE};
    const double half = l->at[l->n - 1].bound * sqrt(l->variance);
    return (rn_interval){l->value, l->value - half, l->value + half, RN_INTERVAL_LOOKS};
}

/* P(an outcome at least as high as what came) when the truth is theta: rises with theta. */
static double at_least(const rn_looks *l, double theta)
{
    double sum = 0;
    for (int r = 0; r + 1 < l->n; r++)
        sum += reach(l, r, l->at[r].bound, theta);
    return sum + reach(l, l->n - 1, l->value / sqrt(l->variance), theta);
}

static double truth_where(const rn_looks *l, double chance)
{
    const double first = sqrt(1 / l->at[0].information), se = sqrt(l->variance);
    double lo = l->value - 12 * (se + first), hi = l->value + 12 * (se + first);
    for (int i = 0; i < 50; i++) {
        double mid = (lo + hi) / 2;
        if (at_least(l, mid) < chance)
            lo = mid;
        else
            hi = mid;
    }
    return (lo + hi) / 2;
}

rn_interval rn_looks_final(const rn_looks *l)
{
    if (!l->n) return (rn_interval){NAN, NAN, NAN, RN_INTERVAL_NONE};
    const double half = (1 - l->level) / 2;
    return (rn_interval){truth_where(l, 0.5), truth_where(l, half), truth_where(l, 1 - half),
                         RN_INTERVAL_LOOKS};
}
