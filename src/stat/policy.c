/*
 * policy.c: see policy.h.
 *
 * A plan is a list of steps (arm, number of samples) from here to the end of the budget, under the
 * assumption that everything fails. The adaptive one is searched on the lattice of counts: f(k) =
 * sum_t w_t prod_a q_ta^k_a, the chance that all fails, is filled in for every k that fits; the
 * smallest, or one that is as good and cheaper, is the goal, and the cheapest path to it in
 * expectation is found by dynamic programming, since a step's expected cost is its price times f at
 * its start. Where budgets are so large that the lattice would have more than MAX_BOX cells, its
 * points lie further apart the further out they are, where f is flat.
 *
 * The posterior is computed from the failures when it is needed, in logarithms, so that buying and
 * observing cost nothing and a run can be reset to its first plan.
 */
#include "stat/policy.h"
#include "stat/tol.h"

enum { MAX_ARM = RN_PRIOR_MAX_ARM, MAX_BOX = 1 << 16 };

/* Real costs that differ from the expected by less than this share of the budget change no plan. */
static const double drift = 1e-9;

/* Of plans whose chances of a pass differ by less than this, the one that is cheaper in expectation
 * is taken: no prior knows chances better, and where a budget is ample nearly all plans are that
 * close, the best of them one that begins with the dearest model. */
static const double close_chance = 0.002;

/* Kinds of a smaller share of the posterior take no part in a plan. */
static const double negligible = 1e-12;

typedef struct step {
    int arm;
    int64_t n;
} step;

typedef struct plan {
    RN_VEC(step) list;
    double cost;  /* of all of it */
    double spare; /* what it leaves of the budget */
    bool valid;
} plan;

typedef struct arm_state {
    rn_policy_arm price;
    int64_t judged, lost, flying; /* bought is their sum; all judged ones failed, or it is over */
    bool closed;
} arm_state;

struct rn_policy {
    rn_policy_kind kind;
    const rn_prior *prior;
    size_t n_arm;
    arm_state arm[MAX_ARM];
    double budget, spent, aside; /* aside: expected cost of what is in flight */
    bool passed;
    plan first, later; /* from nothing bought; from some point on the way */
    plan *now;         /* one of them, or NULL: plan at the next call */
    size_t at;         /* steps of now that are done */
    int64_t done;      /* samples of step `at` that are bought */
    double ahead;      /* expected cost of the rest of now */
    double *weight;    /* [n_kind] scratch of the posterior */
};

static const char *const names[RN_N_POLICIES] = {
#define X(id, text) text,
    RN_POLICIES(X)
#undef X
};

const char *rn_policy_name(rn_policy_kind kind)
{
    return names[kind];
}

bool rn_policy_parse(const char *name, rn_policy_kind *kind)
{
    for (int i = 0; i < RN_N_POLICIES; i++)
        if (strcmp(name, names[i]) == 0) {
            *kind = (rn_policy_kind)i;
            return true;
        }
    return false;
}

static int spec_check(const rn_policy_spec *spec, size_t n_arm, rn_err *err)
{
    if (n_arm < 1 || n_arm > MAX_ARM)
        return rn_fail(err, RN_EINVAL, "a policy over %zu models: needs 1 to %d", n_arm, MAX_ARM);
    if (!(spec->budget > 0) || !isfinite(spec->budget))
        return rn_fail(err, RN_EINVAL, "a budget of %g: must be above 0 and finite", spec->budget);
    for (size_t a = 0; a < n_arm; a++) {
        const rn_policy_arm *x = &spec->arms[a];
        if (!(x->per_sample > 0) || !isfinite(x->per_sample) || !(x->shared >= 0) ||
            !isfinite(x->shared) || x->limit < 0)
            return rn_fail(err, RN_EINVAL,
                           "model %zu: a sample costs %g + %g, at most %lld of them: costs must be "
                           "above 0 and finite",
                           a, x->shared, x->per_sample, (long long)x->limit);
    }
    return 0;
}

int rn_policy_new(const rn_policy_spec *spec, const rn_prior *prior, rn_policy **out, rn_err *err)
{
    int rc = spec_check(spec, prior->n_arm, err);
    if (rc) return rc;
    rn_policy *p = calloc(1, sizeof *p);
    if (p) p->weight = malloc(prior->n_kind * sizeof *p->weight);
    if (!p || !p->weight) {
        rn_policy_free(p);
        return rn_nomem(err, "policy");
    }
    p->kind = spec->kind;
    p->prior = prior;
    p->n_arm = prior->n_arm;
    p->budget = spec->budget;
    for (size_t a = 0; a < p->n_arm; a++)
        p->arm[a].price = spec->arms[a];
    *out = p;
    return 0;
}

void rn_policy_free(rn_policy *p)
{
    if (!p) return;
    rn_vec_free(&p->first.list);
    rn_vec_free(&p->later.list);
    free(p->weight);
    free(p);
}

static void start_plan(rn_policy *p, plan *x)
{
    p->now = x;
    p->at = 0;
    p->done = 0;
    p->ahead = x->cost;
}

void rn_policy_reset(rn_policy *p)
{
    for (size_t a = 0; a < p->n_arm; a++)
        p->arm[a].judged = p->arm[a].lost = p->arm[a].flying = 0;
    p->spent = p->aside = 0;
    p->passed = false;
    p->now = NULL;
    if (p->first.valid) start_plan(p, &p->first);
}

/* ---- what is known --------------------------------------------------------------------------- */

/* The posterior of the kinds after k[a] failures of each arm, into weight [n_kind], sum 1. */
static void posterior(const rn_prior *prior, const int64_t *k, double *weight)
{
    double largest = -INFINITY, sum = 0;
    for (size_t t = 0; t < prior->n_kind; t++) {
        double x = log(prior->weight[t]);
        for (size_t a = 0; a < prior->n_arm; a++)
            if (k[a]) x += (double)k[a] * log1p(-prior->rate[t * prior->n_arm + a]);
        weight[t] = x;
        largest = fmax(largest, x);
    }
    for (size_t t = 0; t < prior->n_kind; t++)
        sum += weight[t] = exp(weight[t] - largest);
    for (size_t t = 0; t < prior->n_kind; t++)
        weight[t] /= sum;
}

/* ---- planning -------------------------------------------------------------------------------- */

/* Where a plan stands while it is made. */
typedef struct stand {
    int64_t failed[MAX_ARM], bought[MAX_ARM]; /* failed: of which something is known, or assumed */
    double left;
} stand;

static bool is_open(const rn_policy *p, const stand *s, size_t a)
{
    const arm_state *x = &p->arm[a];
    return !x->closed && (x->price.limit == 0 || s->bought[a] < x->price.limit);
}

static double first_cost(const rn_policy *p, const stand *s, size_t a)
{
    return p->arm[a].price.per_sample + (s->bought[a] == 0 ? p->arm[a].price.shared : 0);
}

/* The most samples of an arm that `left` affords. */
static int64_t afford(const rn_policy *p, const stand *s, size_t a, double left)
{
    left *= RN_STAT_SLACK;
    if (!is_open(p, s, a) || first_cost(p, s, a) > left) return 0;
    const rn_policy_arm *price = &p->arm[a].price;
    double rest = left - (s->bought[a] == 0 ? price->shared : 0);
    double most = floor(rest / price->per_sample);
    int64_t n = most < 1e15 ? (int64_t)most : (int64_t)1e15;
    if (n < 1) n = 1; /* rounding */
    if (price->limit && n > price->limit - s->bought[a]) n = price->limit - s->bought[a];
    return n;
}

static double cost_of(const rn_policy *p, const stand *s, size_t a, int64_t n)
{
    if (n == 0) return 0;
    return first_cost(p, s, a) + (double)(n - 1) * p->arm[a].price.per_sample;
}

/* Adds n samples of an arm to a plan and moves on to where they have failed. */
static int buy(rn_policy *p, plan *x, stand *s, size_t a, int64_t n, rn_err *err)
{
    if (n == 0) return 0;
    double cost = cost_of(p, s, a, n);
    s->failed[a] += n;
    s->bought[a] += n;
    s->left -= cost;
    x->cost += cost;
    if (x->list.n && x->list.data[x->list.n - 1].arm == (int)a) {
        x->list.data[x->list.n - 1].n += n;
        return 0;
    }
    return rn_vec_push(&x->list, ((step){(int)a, n})) ? 0 : rn_nomem(err, "plan");
}

/* The arm with the cheapest (sign 1) or dearest (-1) sample; the first of equals. */
static size_t extreme(const rn_policy *p, double sign)
{
    size_t best = 0;
    for (size_t a = 1; a < p->n_arm; a++)
        if (sign * p->arm[a].price.per_sample < sign * p->arm[best].price.per_sample) best = a;
    return best;
}

/* For each number of samples of the dearest, the cheapest takes what it leaves. */
static int plan_cascade(rn_policy *p, plan *x, stand *s, rn_err *err)
{
    const size_t small = extreme(p, 1), large = extreme(p, -1), n_arm = p->n_arm;
    if (small == large) return buy(p, x, s, small, afford(p, s, small, s->left), err);
    if (s->bought[large]) return buy(p, x, s, large, afford(p, s, large, s->left), err);

    const int64_t most = afford(p, s, large, s->left);
    const bool both = most > 0 && afford(p, s, small, s->left - cost_of(p, s, large, 1)) > 0;
    int64_t best = 0;
    double least = INFINITY;
    posterior(p->prior, s->failed, p->weight);
    for (int64_t n = both && s->bought[small] == 0 ? 1 : 0; n <= most; n++) {
        int64_t before = afford(p, s, small, s->left - cost_of(p, s, large, n));
        if (both && before == 0 && s->bought[small] == 0) break;
        double fail = 0;
        for (size_t t = 0; t < p->prior->n_kind; t++) {
            const double *rate = &p->prior->rate[t * n_arm];
            fail += p->weight[t] * pow(1 - rate[small], (double)before) *
                    pow(1 - rate[large], (double)n);
        }
        if (fail >= least) continue;
        least = fail;
        best = n;
    }
    int rc = buy(p, x, s, small, afford(p, s, small, s->left - cost_of(p, s, large, best)), err);
    return rc ? rc : buy(p, x, s, large, best, err);
}

/* Counts of the arms that something can be bought of: [width] grid points a dimension, and a cell
 * for each of their combinations. Points are all counts from 0 to the most, or, where that makes
 * too many cells, rise by the factor `growth`, the last one always being the most. */
typedef struct lattice {
    rn_arena mem; /* of all arrays */
    size_t n_dim, n_kind;
    size_t arm[MAX_ARM];
    int64_t most[MAX_ARM], *point[MAX_ARM];
    size_t width[MAX_ARM], stride[MAX_ARM], n_cells;
    double growth;
    double *fail;          /* [n_cells] f(k); 2: does not fit */
    double *spent;         /* [n_cells] least expected cost of getting there */
    uint8_t *from;         /* [n_cells] dimension of the last step on that way */
    double *keep[MAX_ARM]; /* [width or 1, n_kind] chance that the samples to the next point fail */
    double *level;         /* [n_dim + 1, n_kind] w_t times what the dimensions before contribute */
    double least;          /* smallest f */
    size_t goal;           /* where it is */
} lattice;

static int64_t next_point(int64_t at, int64_t most, double growth)
{
    int64_t next = (int64_t)floor((double)at * growth);
    if (next <= at) next = at + 1;
    return next < most ? next : most;
}

static size_t n_points(int64_t most, double growth)
{
    if (growth <= 1) return most < MAX_BOX ? (size_t)most + 1 : MAX_BOX + 1;
    size_t n = 1;
    for (int64_t at = 0; at < most; at = next_point(at, most, growth))
        n++;
    return n;
}

/* The finest growth at which the cells are few enough. */
static void lattice_shape(lattice *l)
{
    static const double growths[] = {1, 1.05, 1.1, 1.2, 1.35, 1.5, 2,
                                     3, 5,    10,  100, 1e4,  1e9, 1e18};
    for (size_t g = 0; g < sizeof growths / sizeof growths[0]; g++) {
        double cells = 1;
        l->growth = growths[g];
        for (size_t d = 0; d < l->n_dim; d++)
            cells *= (double)(l->width[d] = n_points(l->most[d], l->growth));
        if (cells <= MAX_BOX) break;
    }
    l->n_cells = 1;
    for (size_t d = l->n_dim; d-- > 0;) {
        l->stride[d] = l->n_cells;
        l->n_cells *= l->width[d];
    }
}

/* Fills in the points, and the kinds that still matter after the failures of s. */
static int lattice_new(const rn_policy *p, const stand *s, lattice *l, rn_err *err)
{
    const rn_prior *prior = p->prior;
    lattice_shape(l);
    rn_arena *a = &l->mem;
    l->fail = rn_arena_array(a, l->n_cells, sizeof *l->fail);
    l->spent = rn_arena_array(a, l->n_cells, sizeof *l->spent);
    l->from = rn_arena_array(a, l->n_cells, 1);
    l->level = rn_arena_array(a, (l->n_dim + 1) * prior->n_kind, sizeof *l->level);
    bool ok = l->fail && l->spent && l->from && l->level;
    for (size_t d = 0; d < l->n_dim; d++) {
        size_t rows = l->growth > 1 ? l->width[d] : 1;
        l->point[d] = rn_arena_array(a, l->width[d], sizeof **l->point);
        l->keep[d] = rn_arena_array(a, rows * prior->n_kind, sizeof **l->keep);
        ok &= l->point[d] && l->keep[d];
    }
    if (!ok) return rn_nomem(err, "plan");
    for (size_t i = 0; i < l->n_cells; i++)
        l->fail[i] = 2;
    posterior(prior, s->failed, p->weight);
    for (size_t d = 0; d < l->n_dim; d++) {
        l->point[d][0] = 0;
        for (size_t i = 1; i < l->width[d]; i++)
            l->point[d][i] = next_point(l->point[d][i - 1], l->most[d], l->growth);
    }
    for (size_t t = 0; t < prior->n_kind; t++) {
        if (p->weight[t] < negligible) continue;
        for (size_t d = 0; d < l->n_dim; d++) {
            double log_fail = log1p(-prior->rate[t * prior->n_arm + l->arm[d]]);
            for (size_t i = 0; i < (l->growth > 1 ? l->width[d] - 1 : 1); i++)
                l->keep[d][i * prior->n_kind + l->n_kind] =
                    exp((double)(l->point[d][i + 1] - l->point[d][i]) * log_fail);
        }
        l->level[l->n_kind++] = p->weight[t];
    }
    return 0;
}

/* Four sums at a time: additions wait for one another, multiplications do not. */
static double total(const double *x, size_t n)
{
    double s[4] = {0};
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (size_t j = 0; j < 4; j++)
            s[j] += x[i + j];
    for (; i < n; i++)
        s[0] += x[i];
    return s[0] + s[1] + s[2] + s[3];
}

/* f of every count of the dimensions from d on that fits beside `cost`, whose cell is `at`. */
static void lattice_fill(const rn_policy *p, const stand *s, lattice *l, size_t d, size_t at,
                         double cost)
{
    const size_t row = p->prior->n_kind;
    double *here = l->level + d * row, *next = here + row;
    if (d == l->n_dim) {
        l->fail[at] = total(here, l->n_kind);
        if (l->fail[at] < l->least) {
            l->least = l->fail[at];
            l->goal = at;
        }
        return;
    }
    memcpy(next, here, l->n_kind * sizeof *next);
    for (size_t i = 0;;) {
        lattice_fill(p, s, l, d + 1, at + i * l->stride[d], cost);
        if (i + 1 == l->width[d]) return;
        const int64_t more = l->point[d][i + 1] - l->point[d][i];
        cost += i == 0 ? cost_of(p, s, l->arm[d], more)
                       : (double)more * p->arm[l->arm[d]].price.per_sample;
        if (cost > s->left * RN_STAT_SLACK) return;
        const double *keep = l->keep[d] + (l->growth > 1 ? i : 0) * row;
        for (size_t t = 0; t < l->n_kind; t++)
            next[t] *= keep[t];
        i++;
    }
}

/* Expected cost of going from point i of dimension d to the next, from cell `at`. In between the
 * chance that all failed so far is taken to fall by equal factors. */
static double step_cost(const rn_policy *p, const stand *s, const lattice *l, size_t d, size_t at,
                        size_t i)
{
    const size_t a = l->arm[d];
    const double before = l->fail[at], after = l->fail[at + l->stride[d]];
    const double n = (double)(l->point[d][i + 1] - l->point[d][i]);
    if (!(before > 0)) return 0; /* below what a double can hold */
    const double factor = n > 1 ? pow(after / before, 1 / n) : after / before;
    const double samples = factor < 1 ? (before - after) / (1 - factor) : n * before;
    double prompt = s->bought[a] == 0 && i == 0 ? p->arm[a].price.shared : 0;
    return prompt * before + p->arm[a].price.per_sample * samples;
}

/* The least expected cost of every cell, in an order in which the cells before it are done. */
static void lattice_order(const rn_policy *p, const stand *s, lattice *l)
{
    for (size_t cell = 0; cell < l->n_cells; cell++) {
        l->spent[cell] = cell == 0 ? 0 : INFINITY;
        for (size_t d = 0; d < l->n_dim && l->fail[cell] <= 1; d++) {
            size_t i = cell / l->stride[d] % l->width[d], before = cell - l->stride[d];
            if (i == 0) continue;
            double cost = l->spent[before] + step_cost(p, s, l, d, before, i - 1);
            if (cost >= l->spent[cell]) continue;
            l->spent[cell] = cost;
            l->from[cell] = (uint8_t)d;
        }
    }
}

/* Whether no further step from a cell fits. */
static bool uses_all(const lattice *l, size_t cell)
{
    for (size_t d = 0; d < l->n_dim; d++)
        if (cell / l->stride[d] % l->width[d] + 1 < l->width[d] &&
            l->fail[cell + l->stride[d]] <= 1)
            return false;
    return true;
}

/* Moves the goal to the cell of the least expected cost among those that use the budget up and are
 * as good as the best. */
static void lattice_thrift(const rn_policy *p, const stand *s, lattice *l)
{
    lattice_order(p, s, l);
    for (size_t cell = 0; cell < l->n_cells; cell++)
        if (l->fail[cell] <= l->least + close_chance && l->spent[cell] < l->spent[l->goal] &&
            uses_all(l, cell))
            l->goal = cell;
}

/* Buys the way to the last cell. */
static int lattice_buy(rn_policy *p, plan *x, stand *s, const lattice *l, rn_err *err)
{
    size_t n = 0, at[MAX_ARM] = {0};
    for (size_t cell = l->n_cells - 1; cell != 0; cell -= l->stride[l->from[cell]])
        n++;
    uint8_t *way = malloc(n + 1);
    if (!way) return rn_nomem(err, "plan");
    size_t i = n;
    for (size_t cell = l->n_cells - 1; cell != 0; cell -= l->stride[l->from[cell]])
        way[--i] = l->from[cell];
    int rc = 0;
    for (i = 0; i < n && !rc; i++) {
        const size_t d = way[i], from = at[d]++;
        rc = buy(p, x, s, l->arm[d], l->point[d][from + 1] - l->point[d][from], err);
    }
    free(way);
    return rc;
}

/* The counts k of the largest chance, or of one as good for less; what the points of the lattice
 * leave is used by further rounds, until nothing fits. */
static int best_counts(const rn_policy *p, stand s, int64_t *k, rn_err *err)
{
    for (size_t a = 0; a < p->n_arm; a++)
        k[a] = 0;
    for (;;) {
        lattice l = {.least = INFINITY};
        for (size_t a = 0; a < p->n_arm; a++) {
            int64_t most = afford(p, &s, a, s.left);
            if (most == 0) continue;
            l.arm[l.n_dim] = a;
            l.most[l.n_dim++] = most;
        }
        if (l.n_dim == 0) return 0;
        int rc = lattice_new(p, &s, &l, err);
        if (!rc) {
            lattice_fill(p, &s, &l, 0, 0, 0);
            lattice_thrift(p, &s, &l);
        }
        for (size_t d = 0; d < l.n_dim && !rc; d++) {
            const size_t a = l.arm[d];
            const int64_t n = l.point[d][l.goal / l.stride[d] % l.width[d]];
            s.left -= cost_of(p, &s, a, n);
            s.failed[a] += n;
            s.bought[a] += n;
            k[a] += n;
        }
        const bool more = l.goal != 0;
        rn_arena_free(&l.mem);
        if (rc || !more) return rc;
    }
}

static int plan_adaptive(rn_policy *p, plan *x, stand *s, rn_err *err)
{
    int64_t k[MAX_ARM];
    int rc = best_counts(p, *s, k, err);
    lattice l = {.least = INFINITY};
    for (size_t a = 0; a < p->n_arm && !rc; a++) {
        if (k[a] == 0) continue;
        l.arm[l.n_dim] = a;
        l.most[l.n_dim++] = k[a];
    }
    if (rc || l.n_dim == 0) return rc;
    rc = lattice_new(p, s, &l, err);
    if (!rc) {
        const double left = s->left;
        s->left = INFINITY; /* all of it fits, whatever rounding says */
        lattice_fill(p, s, &l, 0, 0, 0);
        s->left = left;
        lattice_order(p, s, &l);
        rc = lattice_buy(p, x, s, &l, err);
    }
    rn_arena_free(&l.mem);
    return rc;
}

/* Everything in flight counts as failed. */
static stand where(const rn_policy *p)
{
    stand s = {.left = rn_policy_left(p)};
    for (size_t a = 0; a < p->n_arm; a++) {
        const arm_state *x = &p->arm[a];
        s.failed[a] = x->judged + x->flying;
        s.bought[a] = s.failed[a] + x->lost;
    }
    return s;
}

static int make_plan(rn_policy *p, rn_err *err)
{
    stand s = where(p);
    bool fresh = p->spent == 0 && p->aside == 0;
    for (size_t a = 0; a < p->n_arm; a++)
        fresh &= s.bought[a] == 0;
    plan *x = fresh ? &p->first : &p->later;
    x->list.n = 0;
    x->cost = 0;
    x->valid = false;
    int rc = 0;
    if (p->kind == RN_POLICY_ADAPTIVE)
        rc = plan_adaptive(p, x, &s, err);
    else if (p->kind == RN_POLICY_CASCADE)
        rc = plan_cascade(p, x, &s, err);
    else {
        size_t a = extreme(p, p->kind == RN_POLICY_SMALL_ONLY ? 1 : -1);
        rc = buy(p, x, &s, a, afford(p, &s, a, s.left), err);
    }
    if (rc) return rc;
    x->spare = s.left;
    x->valid = true;
    start_plan(p, x);
    return 0;
}

/* Whether real costs have left more than the plan uses, or less than it needs. */
static bool off_course(const rn_policy *p)
{
    const double left = rn_policy_left(p), spare = left - p->ahead, least = drift * p->budget;
    if (spare < -least) return true;
    if (spare <= p->now->spare + least) return false;
    const stand s = where(p);
    for (size_t a = 0; a < p->n_arm; a++)
        if (is_open(p, &s, a) && first_cost(p, &s, a) <= spare) return true;
    return false;
}

static int be_on_course(rn_policy *p, rn_err *err)
{
    return p->now && !off_course(p) ? 0 : make_plan(p, err);
}

/* ---- the run --------------------------------------------------------------------------------- */

int rn_policy_next(rn_policy *p, int *arm, rn_err *err)
{
    *arm = -1;
    if (p->passed) return 0;
    int rc = be_on_course(p, err);
    if (rc || p->at == p->now->list.n) return rc;
    const step *next = &p->now->list.data[p->at];
    const stand s = where(p);
    const double cost = first_cost(p, &s, (size_t)next->arm);
    *arm = next->arm;
    p->arm[next->arm].flying++;
    p->aside += cost;
    p->ahead -= cost;
    if (++p->done == next->n) {
        p->at++;
        p->done = 0;
    }
    return 0;
}

/* Takes a sample out of the air: what was set aside for it is free again. The prompt was set aside
 * for the arm's first sample, whichever of those in flight comes back first. */
static void land(rn_policy *p, int arm, double cost)
{
    arm_state *x = &p->arm[arm];
    assert(x->flying > 0);
    bool first = x->judged + x->lost == 0;
    x->flying--;
    p->aside -= x->price.per_sample + (first ? x->price.shared : 0);
    bool any = false;
    for (size_t a = 0; a < p->n_arm; a++)
        any |= p->arm[a].flying > 0;
    if (!any || p->aside < 0) p->aside = 0; /* no rounding is carried along */
    p->spent += cost;
}

void rn_policy_observe(rn_policy *p, int arm, bool passed, double cost)
{
    land(p, arm, cost);
    p->arm[arm].judged++;
    p->passed |= passed;
}

void rn_policy_lose(rn_policy *p, int arm, double cost)
{
    land(p, arm, cost);
    p->arm[arm].lost++;
    p->now = NULL;
}

void rn_policy_known(rn_policy *p, int arm, int64_t n_failed)
{
    p->arm[arm].judged += n_failed;
    p->now = NULL;
}

void rn_policy_spend(rn_policy *p, double cost)
{
    p->spent += cost;
}

/* What is in flight is set aside at the price of the day. */
static void set_aside(rn_policy *p)
{
    p->aside = 0;
    for (size_t a = 0; a < p->n_arm; a++) {
        const arm_state *x = &p->arm[a];
        p->aside += (double)x->flying * x->price.per_sample;
        if (x->flying && x->judged + x->lost == 0) p->aside += x->price.shared;
    }
}

void rn_policy_reprice(rn_policy *p, int arm, double shared, double per_sample)
{
    assert(shared >= 0 && per_sample > 0 && isfinite(shared) && isfinite(per_sample));
    p->arm[arm].price.shared = shared;
    p->arm[arm].price.per_sample = per_sample;
    set_aside(p);
    p->first.valid = false;
    p->now = NULL;
}

void rn_policy_close_arm(rn_policy *p, int arm)
{
    p->arm[arm].closed = true;
    p->first.valid = false;
    p->now = NULL;
}

bool rn_policy_affords(const rn_policy *p, int arm)
{
    const stand s = where(p);
    return afford(p, &s, (size_t)arm, s.left) > 0;
}

int64_t rn_policy_in_flight(const rn_policy *p, int arm)
{
    return p->arm[arm].flying;
}

double rn_policy_left(const rn_policy *p)
{
    return p->budget - p->spent - p->aside;
}

int64_t rn_policy_bought(const rn_policy *p, int arm)
{
    const arm_state *x = &p->arm[arm];
    return x->judged + x->lost + x->flying;
}

/* The chance that n more samples of an arm all fail, whose kinds have these weights; the weights
 * become those after it, their sum what is left. */
static double fail_one(const rn_prior *prior, size_t arm, double *weight)
{
    double sum = 0;
    for (size_t t = 0; t < prior->n_kind; t++)
        sum += weight[t] *= 1 - prior->rate[t * prior->n_arm + arm];
    return sum;
}

int rn_policy_promise(rn_policy *p, double *chance, double *cost, rn_err *err)
{
    int rc = p->passed ? 0 : be_on_course(p, err);
    if (rc) return rc;
    double failing = 1, spent = 0;
    if (!p->passed) {
        stand s = where(p);
        posterior(p->prior, s.failed, p->weight);
        for (size_t i = p->at; i < p->now->list.n; i++) {
            const size_t a = (size_t)p->now->list.data[i].arm;
            for (int64_t j = i == p->at ? p->done : 0; j < p->now->list.data[i].n; j++) {
                spent += failing * first_cost(p, &s, a);
                failing = fail_one(p->prior, a, p->weight);
                s.bought[a]++;
            }
        }
    }
    if (chance) *chance = p->passed ? 1 : 1 - failing;
    if (cost) *cost = spent;
    return 0;
}
