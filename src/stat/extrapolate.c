/*
 * extrapolate.c: see extrapolate.h.
 *
 * Every distribution of rates is a row of weights on one grid of rates, even in log-odds, with a
 * node at 0 and one at 1 for the tails. A problem's counts (n, c) are a class; problems of equal
 * counts share it. With L [n_class, N_NODE] the likelihood of a class at a node and W [n_shape,
 * N_NODE] the shapes, likelihoods of classes under shapes are one product, made once; a resample of
 * problems only changes how often each class counts.
 *
 * The masses never and always enter in closed form: a class with c = 0 has never + q P(0), one with
 * c = n always + q P(n), all others q P(c), q = 1 - never - always.
 */
#include "stat/extrapolate.h"

#include "stat/fold.h"

enum {
    N_NODE = 194, /* log-odds -16 .. 16 by 1/6, and 0 and 1 */
    N_BETA = 16,  /* values of each of alpha, beta */
    N_MEAN = 33,  /* of a logit-normal */
    N_SPREAD = 12,
    N_SHAPE = N_BETA * N_BETA + N_MEAN * N_SPREAD,
    N_NEVER = 10,
    N_ALWAYS = 6,
    N_CELL = N_SHAPE * N_NEVER * N_ALWAYS,
    N_EM = 20,
    N_FOLDS = 5
};

/* The masses are expected to be small; the counts can insist on more. Means of the exponential
 * priors: one problem in 33 never solved, one in 10 always. */
static const double never_mean = 0.03, always_mean = 0.1, mass_max = 0.5;
/* Cells this much less likely (in nats) than the best are left out. */
static const double hopeless = 16;

typedef struct class_ {
    int64_t n, c;
} class_;

/* All that does not depend on how often each class counts. */
typedef struct extra {
    rn_arena mem; /* of all arrays */
    class_ *cls;  /* [n_class] */
    size_t n_class, n_rows;
    uint32_t *row;  /* [n_rows]: the class of each problem */
    double *fail;   /* [n_class]: of the ask; or NULL */
    double *like;   /* [n_class, N_NODE]: P(c | n, p), each row scaled by its largest */
    double *shape;  /* [N_SHAPE, N_NODE], rows sum to 1 */
    double *chance; /* [N_SHAPE, n_class]: of a class under a shape, scaled as like */
    double rate[N_NODE];
    double mass[2][N_NEVER > N_ALWAYS ? N_NEVER : N_ALWAYS]; /* never, always */
    double prior[N_NEVER][N_ALWAYS];                         /* log */
    uint32_t *cell; /* [n_cell] cells in use: (shape * N_NEVER + never) * N_ALWAYS + always */
    double *weight; /* [N_CELL]: work */
    size_t n_cell;
} extra;

const char *rn_extra_form_name(rn_extra_form f)
{
    return f == RN_EXTRA_SMOOTH ? "smooth" : "mixture";
}

/* ---- the grid, the shapes, the masses -------------------------------------------------------- */

static double log_odds(size_t node)
{
    return -16 + ((double)node - 1) / 6;
}

static void fill_rates(double *rate)
{
    for (size_t g = 1; g + 1 < N_NODE; g++)
        rate[g] = 1 / (1 + exp(-log_odds(g)));
    rate[0] = 0;
    rate[N_NODE - 1] = 1;
}

static void scale_to_one(double *w)
{
    double sum = 0;
    for (size_t g = 0; g < N_NODE; g++)
        sum += w[g];
    for (size_t g = 0; g < N_NODE; g++)
        w[g] /= sum;
}

/* Density p^alpha (1-p)^beta over log-odds; beyond the grid it falls like exp(-alpha |x|). */
static void fill_beta(double alpha, double beta, double *w)
{
    for (size_t g = 1; g + 1 < N_NODE; g++) {
        double x = log_odds(g);
        w[g] = exp(-alpha * log1p(exp(-x)) - beta * log1p(exp(x)));
    }
    w[0] = 6 * exp(-16 * alpha) / alpha;
    w[N_NODE - 1] = 6 * exp(-16 * beta) / beta;
    scale_to_one(w);
}

static void fill_normal(double mean, double spread, double *w)
{
    for (size_t g = 1; g + 1 < N_NODE; g++) {
        double z = (log_odds(g) - mean) / spread;
        w[g] = exp(-z * z / 2);
    }
    const double step = 6 * spread * sqrt(2 * acos(-1.0)); /* nodes in the whole bell */
    w[0] = step * 0.5 * erfc((16 + mean) / spread / sqrt(2));
    w[N_NODE - 1] = step * 0.5 * erfc((16 - mean) / spread / sqrt(2));
    scale_to_one(w);
}

static void fill_shapes(double *shape)
{
    double *w = shape;
    for (int i = 0; i < N_BETA; i++)
        for (int j = 0; j < N_BETA; j++, w += N_NODE)
            fill_beta(exp(-3.5 + i / 5.0), exp(-3.5 + 0.3 * j), w);
    for (int i = 0; i < N_MEAN; i++)
        for (int j = 0; j < N_SPREAD; j++, w += N_NODE)
            fill_normal(-11 + 0.5 * i, 0.7 * exp(j / 5.0), w);
}

/* Masses 0 .. mass_max, denser near 0, and their prior: exponential, over the spacing. */
static void fill_masses(extra *x)
{
    const double mean[2] = {never_mean, always_mean};
    double p[2][N_NEVER];
    for (int side = 0; side < 2; side++) {
        int n = side ? N_ALWAYS : N_NEVER;
        double sum = 0;
        for (int i = 0; i < n; i++) {
            double at = (double)i / (n - 1);
            x->mass[side][i] = mass_max * at * at * 0.98;
            p[side][i] = exp(-x->mass[side][i] / mean[side]) * (i ? 2 * i : 0.5);
            sum += p[side][i];
        }
        for (int i = 0; i < n; i++)
            p[side][i] = log(p[side][i] / sum);
    }
    for (int i = 0; i < N_NEVER; i++)
        for (int j = 0; j < N_ALWAYS; j++)
            x->prior[i][j] = p[0][i] + p[1][j];
}

/* Log prior of a shape: both families count alike. */
static double shape_prior(size_t s)
{
    return s < N_BETA * N_BETA ? -log(N_BETA * N_BETA) : -log(N_MEAN * N_SPREAD);
}

/* ---- classes --------------------------------------------------------------------------------- */

static int by_counts(const void *a, const void *b)
{
    const class_ *x = a, *y = b;
    if (x->n != y->n) return x->n < y->n ? -1 : 1;
    return (x->c > y->c) - (x->c < y->c);
}

static int list_classes(extra *x, const rn_count *eff, const uint8_t *keep, size_t n)
{
    class_ *all = rn_arena_array(&x->mem, n + 1, sizeof *all);
    x->row = rn_arena_array(&x->mem, n + 1, sizeof *x->row);
    x->cls = rn_arena_array(&x->mem, n + 1, sizeof *x->cls);
    if (!all || !x->row || !x->cls) return RN_ENOMEM;
    for (size_t i = 0; i < n; i++)
        if (!keep || keep[i]) all[x->n_rows++] = (class_){eff[i].n, eff[i].c};
    memcpy(x->cls, all, x->n_rows * sizeof *all);
    qsort(x->cls, x->n_rows, sizeof *x->cls, by_counts);
    for (size_t i = 0; i < x->n_rows; i++)
        if (i == 0 || by_counts(&x->cls[i], &x->cls[x->n_class - 1]) != 0)
            x->cls[x->n_class++] = x->cls[i];
    for (size_t i = 0; i < x->n_rows; i++) {
        const class_ *at = bsearch(&all[i], x->cls, x->n_class, sizeof *all, by_counts);
        assert(at);
        x->row[i] = (uint32_t)(at - x->cls);
    }
    return 0;
}

static void fill_likelihoods(extra *x)
{
    for (size_t k = 0; k < x->n_class; k++) {
        const double c = (double)x->cls[k].c, f = (double)x->cls[k].n - c;
        double *like = &x->like[k * N_NODE], most = -INFINITY;
        for (size_t g = 0; g < N_NODE; g++) {
            double p = x->rate[g];
            like[g] = (c > 0 ? c * log(p) : 0) + (f > 0 ? f * log1p(-p) : 0);
            if (like[g] > most) most = like[g];
        }
        for (size_t g = 0; g < N_NODE; g++)
            like[g] = exp(like[g] - most);
    }
    for (size_t s = 0; s < N_SHAPE; s++)
        for (size_t k = 0; k < x->n_class; k++) {
            double sum = 0;
            for (size_t g = 0; g < N_NODE; g++)
                sum += x->shape[s * N_NODE + g] * x->like[k * N_NODE + g];
            x->chance[s * x->n_class + k] = sum;
        }
}

/* Into *x, {0} before; the caller frees x->mem either way. */
static int extra_init(extra *x, const rn_count *eff, const uint8_t *keep, size_t n)
{
    if (list_classes(x, eff, keep, n)) return RN_ENOMEM;
    x->like = rn_arena_array(&x->mem, x->n_class * N_NODE, sizeof *x->like);
    x->shape = rn_arena_array(&x->mem, (size_t)N_SHAPE * N_NODE, sizeof *x->shape);
    x->chance = rn_arena_array(&x->mem, N_SHAPE * x->n_class, sizeof *x->chance);
    x->cell = rn_arena_array(&x->mem, N_CELL, sizeof *x->cell);
    x->weight = rn_arena_array(&x->mem, N_CELL, sizeof *x->weight);
    if (!x->like || !x->shape || !x->chance || !x->cell || !x->weight) return RN_ENOMEM;
    fill_rates(x->rate);
    fill_shapes(x->shape);
    fill_masses(x);
    fill_likelihoods(x);
    for (uint32_t i = 0; i < N_CELL; i++)
        x->cell[i] = i;
    x->n_cell = N_CELL;
    return 0;
}

/* The chances of the ask, by class; RN_ENOMEM. */
static int take_fail(extra *x, const rn_extra_ask *ask)
{
    if (!ask->fail) return 0;
    x->fail = rn_arena_array(&x->mem, x->n_class + 1, sizeof *x->fail);
    if (!x->fail) return RN_ENOMEM;
    for (size_t i = 0, row = 0; i < ask->n; i++)
        if (!ask->keep || ask->keep[i]) x->fail[x->row[row++]] = ask->fail[i];
    return 0;
}

/* ---- the smooth fit -------------------------------------------------------------------------- */

/* The chance of class k in a cell. */
static double cell_chance(const extra *x, size_t s, size_t never, size_t always, size_t k)
{
    double z = x->mass[0][never], o = x->mass[1][always];
    double p = (1 - z - o) * x->chance[s * x->n_class + k];
    /* like is scaled by its largest, which is 1 at these nodes for c = 0 and c = n. */
    if (x->cls[k].c == 0) p += z;
    if (x->cls[k].c == x->cls[k].n) p += o;
    return p;
}

/* Weights of the cells in use, summing to 1, given how often each class counts. */
static void fit_smooth(extra *x, const double *count)
{
    size_t last = SIZE_MAX;
    double inner = 0, n_inner = 0, most = -INFINITY;
    for (size_t i = 0; i < x->n_cell; i++) {
        size_t s = x->cell[i] / (N_NEVER * N_ALWAYS), rest = x->cell[i] % (N_NEVER * N_ALWAYS);
        size_t never = rest / N_ALWAYS, always = rest % N_ALWAYS;
        if (s != last) {
            inner = shape_prior(s);
            n_inner = 0;
            for (size_t k = 0; k < x->n_class; k++) {
                if (x->cls[k].c == 0 || x->cls[k].c == x->cls[k].n || count[k] == 0) continue;
                inner += count[k] * log(x->chance[s * x->n_class + k] + 1e-300);
                n_inner += count[k];
            }
            last = s;
        }
        double q = 1 - x->mass[0][never] - x->mass[1][always];
        double w = inner + x->prior[never][always] + n_inner * log(q);
        for (size_t k = 0; k < x->n_class; k++)
            if (count[k] > 0 && (x->cls[k].c == 0 || x->cls[k].c == x->cls[k].n))
                w += count[k] * log(cell_chance(x, s, never, always, k) + 1e-300);
        x->weight[i] = w;
        if (w > most) most = w;
    }
    double sum = 0;
    for (size_t i = 0; i < x->n_cell; i++)
        sum += x->weight[i] = exp(x->weight[i] - most);
    for (size_t i = 0; i < x->n_cell; i++)
        x->weight[i] /= sum;
}

/* Keeps the cells that matter: resamples change the likelihoods by little. */
static void drop_hopeless(extra *x)
{
    double most = 0;
    for (size_t i = 0; i < x->n_cell; i++)
        if (x->weight[i] > most) most = x->weight[i];
    size_t n = 0;
    for (size_t i = 0; i < x->n_cell; i++)
        if (x->weight[i] >= most * exp(-hopeless)) {
            x->cell[n] = x->cell[i];
            x->weight[n++] = x->weight[i];
        }
    x->n_cell = n;
}

/* The fitted distribution on the grid, masses included, into w [N_NODE]. */
static void smooth_rates(const extra *x, double *w)
{
    memset(w, 0, N_NODE * sizeof *w);
    double shape = 0;
    for (size_t i = 0; i < x->n_cell; i++) {
        size_t s = x->cell[i] / (N_NEVER * N_ALWAYS), rest = x->cell[i] % (N_NEVER * N_ALWAYS);
        double z = x->mass[0][rest / N_ALWAYS], o = x->mass[1][rest % N_ALWAYS];
        w[0] += x->weight[i] * z;
        w[N_NODE - 1] += x->weight[i] * o;
        shape += x->weight[i] * (1 - z - o);
        bool ends = i + 1 == x->n_cell || x->cell[i + 1] / (N_NEVER * N_ALWAYS) != s;
        if (!ends) continue;
        for (size_t g = 0; g < N_NODE; g++)
            w[g] += shape * x->shape[s * N_NODE + g];
        shape = 0;
    }
}

/* ---- the mixture ----------------------------------------------------------------------------- */

static void fit_mixture(const extra *x, const double *count, double *w)
{
    double next[N_NODE], total = 0;
    for (size_t k = 0; k < x->n_class; k++)
        total += count[k];
    for (size_t g = 0; g < N_NODE; g++)
        w[g] = 1.0 / N_NODE;
    for (int round = 0; round < N_EM; round++) {
        memset(next, 0, sizeof next);
        for (size_t k = 0; k < x->n_class; k++) {
            const double *like = &x->like[k * N_NODE];
            double sum = 0;
            if (count[k] == 0) continue;
            for (size_t g = 0; g < N_NODE; g++)
                sum += w[g] * like[g];
            for (size_t g = 0; g < N_NODE; g++)
                next[g] += count[k] / total * w[g] * like[g] / sum;
        }
        memcpy(w, next, sizeof next);
    }
}

static void fit(extra *x, rn_extra_form form, const double *count, double *w)
{
    if (form == RN_EXTRA_MIXTURE) {
        fit_mixture(x, count, w);
        return;
    }
    fit_smooth(x, count);
    smooth_rates(x, w);
}

/* ---- held-out likelihood --------------------------------------------------------------------- */

static double log_chance(const extra *x, size_t k, const double *w)
{
    double sum = 0;
    for (size_t g = 0; g < N_NODE; g++)
        sum += w[g] * x->like[k * N_NODE + g];
    return log(sum + 1e-300);
}

/* The form that predicts the counts of left-out problems better: the mixture, whose tail is the
 * less certain one, only when it is ahead by more than a standard error. */
static int choose_form(extra *x, uint64_t seed, double *count, rn_extra_about *about, rn_err *err)
{
    uint32_t *fold = rn_arena_array(&x->mem, x->n_rows, sizeof *fold);
    if (!fold) return rn_nomem(err, "extrapolation");
    int rc = rn_stat_folds(seed, x->n_rows, N_FOLDS, fold, err);
    double w[2][N_NODE], sum[2] = {0}, ahead = 0, squares = 0;
    for (uint32_t f = 0; f < N_FOLDS && !rc; f++) {
        memset(count, 0, x->n_class * sizeof *count);
        for (size_t i = 0; i < x->n_rows; i++)
            count[x->row[i]] += fold[i] != f;
        fit(x, RN_EXTRA_SMOOTH, count, w[0]);
        fit(x, RN_EXTRA_MIXTURE, count, w[1]);
        for (size_t i = 0; i < x->n_rows; i++) {
            if (fold[i] != f) continue;
            double l[2] = {log_chance(x, x->row[i], w[0]), log_chance(x, x->row[i], w[1])};
            sum[0] += l[0];
            sum[1] += l[1];
            ahead += l[1] - l[0];
            squares += (l[1] - l[0]) * (l[1] - l[0]);
        }
    }
    if (rc) return rc;
    const double n = (double)x->n_rows;
    about->held_out[0] = sum[0] / n;
    about->held_out[1] = sum[1] / n;
    double error = sqrt(fmax(squares / n - ahead / n * (ahead / n), 0) / n);
    about->form = ahead / n > error ? RN_EXTRA_MIXTURE : RN_EXTRA_SMOOTH;
    return 0;
}

/* ---- the curve ------------------------------------------------------------------------------- */

/* E (1-p)^k over the grid. */
static double fail_at(const extra *x, const double *w, int64_t k)
{
    double sum = 0;
    for (size_t g = 0; g < N_NODE; g++)
        sum += w[g] * exp((double)k * log1p(-x->rate[g])); /* exp(-inf) = 0 at rate 1 */
    return sum;
}

/* The mean of C(n-c, m) / C(n, m) over the problems. */
static int fail_recorded(const extra *x, const double *count, int64_t m, double *out, rn_err *err)
{
    double sum = 0, total = 0;
    for (size_t k = 0; k < x->n_class; k++) {
        double pass = x->fail ? 1 - x->fail[k] : 0;
        int rc = x->fail ? 0 : rn_stat_pass(x->cls[k].n, x->cls[k].c, m, &pass, err);
        if (rc) return rc;
        sum += count[k] * (1 - pass);
        total += count[k];
    }
    *out = sum / total;
    return 0;
}

static int curve(extra *x, const rn_extra_ask *ask, const rn_extra_about *about,
                 const double *count, double *pass, rn_err *err)
{
    double w[N_NODE], start;
    fit(x, about->form, count, w);
    int rc = fail_recorded(x, count, about->from_k, &start, err);
    if (rc) return rc;
    double base = fail_at(x, w, about->from_k);
    for (size_t i = 0; i < ask->n_ks; i++)
        pass[i] = 1 - start * fail_at(x, w, ask->ks[i]) / base;
    return 0;
}

static int intervals(extra *x, const rn_extra_ask *ask, const rn_extra_about *about, double *count,
                     rn_interval *out, rn_err *err)
{
    rn_boot *boot = NULL;
    const size_t n_all = ask->n_ks * ask->n_resamples;
    double *weight = rn_arena_array(&x->mem, x->n_rows, sizeof *weight);
    double *pass = rn_arena_array(&x->mem, ask->n_ks, sizeof *pass);
    double *all = rn_arena_array(&x->mem, n_all, sizeof *all); /* [n_ks, n_resamples] */
    int rc = weight && pass && all ? 0 : rn_nomem(err, "extrapolation");
    if (!rc) rc = rn_stat_boot_new(x->n_rows, ask->n_resamples, ask->seed, &boot, err);
    for (size_t b = 0; b < ask->n_resamples && !rc; b++) {
        rn_stat_boot_weights(boot, b, weight);
        memset(count, 0, x->n_class * sizeof *count);
        for (size_t i = 0; i < x->n_rows; i++)
            count[x->row[i]] += weight[i];
        rc = curve(x, ask, about, count, pass, err);
        for (size_t i = 0; i < ask->n_ks && !rc; i++)
            all[i * ask->n_resamples + b] = pass[i];
    }
    if (!rc && ask->drawn) memcpy(ask->drawn, all, n_all * sizeof *all);
    for (size_t i = 0; i < ask->n_ks && !rc; i++) {
        double *x_i = &all[i * ask->n_resamples];
        out[i].lo = rn_stat_quantile(x_i, ask->n_resamples, (1 - ask->level) / 2);
        out[i].hi = rn_stat_quantile(x_i, ask->n_resamples, (1 + ask->level) / 2);
        out[i].method = RN_INTERVAL_PERCENTILE;
    }
    rn_stat_boot_free(boot);
    return rc;
}

const char *rn_stat_extrapolate_why_not(const rn_count *eff, const uint8_t *keep, size_t n,
                                        int64_t k)
{
    size_t n_rows = 0, n_none = 0, n_all = 0;
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < n; i++) {
        if (keep && !keep[i]) continue;
        n_rows++;
        n_none += eff[i].c == 0;
        n_all += eff[i].c == eff[i].n;
        if (eff[i].n < least) least = eff[i].n;
    }
    if (n_rows < RN_EXTRA_MIN_PROBLEMS) return "fewer than 20 problems have judged samples";
    if (least < RN_EXTRA_MIN_N) return "a problem has fewer than 4 judged samples";
    if (n_none == n_rows) return "no sample passed";
    if (n_all == n_rows) return "every sample passed";
    if (k > RN_EXTRA_MAX_FACTOR * least) return "k is beyond 50 times the samples of a problem";
    return NULL;
}

int rn_stat_extrapolate(const rn_extra_ask *ask, rn_interval *out, rn_extra_about *about,
                        rn_err *err)
{
    int64_t least = INT64_MAX, k_max = 0;
    for (size_t i = 0; i < ask->n; i++)
        if ((!ask->keep || ask->keep[i]) && ask->eff[i].n < least) least = ask->eff[i].n;
    const int64_t from = ask->fail ? ask->from_k : least / 2;
    for (size_t i = 0; i < ask->n_ks; i++) {
        if (ask->ks[i] > k_max) k_max = ask->ks[i];
        if (ask->ks[i] < from)
            return rn_fail(err, RN_EINVAL, "k = %" PRId64 " is estimated, not extrapolated",
                           ask->ks[i]);
    }
    const char *why = rn_stat_extrapolate_why_not(ask->eff, ask->keep, ask->n, k_max);
    if (why)
        return rn_fail(err, RN_EUNSUPPORTED, "no extrapolation to k = %" PRId64 ": %s", k_max, why);
    extra own = {.n_rows = 0}, *x = &own;
    double *count = NULL, *pass = rn_arena_array(&x->mem, ask->n_ks + 1, sizeof *pass);
    rn_extra_about a = {.from_k = from};
    int rc = extra_init(x, ask->eff, ask->keep, ask->n);
    if (!rc) rc = take_fail(x, ask);
    if (!rc) count = rn_arena_array(&x->mem, x->n_class, sizeof *count);
    if (rc || !count || !pass) rc = rn_nomem(err, "extrapolation");
    for (size_t i = 0; i < ask->n_ks && !rc; i++)
        out[i] = (rn_interval){.lo = NAN, .hi = NAN, .method = RN_INTERVAL_NONE};
    if (!rc) {
        memset(count, 0, x->n_class * sizeof *count);
        for (size_t i = 0; i < x->n_rows; i++)
            count[x->row[i]]++;
        double w[N_NODE];
        fit(x, RN_EXTRA_SMOOTH, count, w);
        drop_hopeless(x);
        for (size_t i = 0; i < x->n_cell; i++) {
            size_t rest = x->cell[i] % (N_NEVER * N_ALWAYS);
            a.never += x->weight[i] * x->mass[0][rest / N_ALWAYS];
            a.always += x->weight[i] * x->mass[1][rest % N_ALWAYS];
        }
        rc = choose_form(x, ask->seed, count, &a, err);
    }
    if (!rc) {
        memset(count, 0, x->n_class * sizeof *count);
        for (size_t i = 0; i < x->n_rows; i++)
            count[x->row[i]]++;
        rc = curve(x, ask, &a, count, pass, err);
    }
    for (size_t i = 0; i < ask->n_ks && !rc; i++)
        out[i].value = pass[i];
    if (!rc && ask->n_resamples) rc = intervals(x, ask, &a, count, out, err);
    if (!rc && about) *about = a;
    rn_arena_free(&x->mem);
    return rc;
}

/* ---- from a curve ---------------------------------------------------------------------------- */

int rn_stat_extrapolate_curve(const int64_t *k, const double *pass, size_t n, double error,
                              const int64_t *ks, size_t n_ks, double *out, rn_err *err)
{
    if (n < 3) return rn_fail(err, RN_EUNSUPPORTED, "extrapolation: a curve of %zu points", n);
    extra own = {.n_rows = 0}, *x = &own;
    double *fail = rn_arena_array(&x->mem, n + n_ks, sizeof *fail); /* of one shape */
    const int rc = extra_init(x, NULL, NULL, 0) || !fail ? rn_nomem(err, "extrapolation") : 0;
    double least = INFINITY, sum = 0;
    for (int round = 0; round < 2 && !rc; round++) /* first the best fit, then the mean */
        for (size_t s = 0; s < N_SHAPE; s++) {
            for (size_t i = 0; i < n + n_ks; i++)
                fail[i] = fail_at(x, &x->shape[s * N_NODE], i < n ? k[i] : ks[i - n]);
            for (size_t cell = 0; cell < N_NEVER * N_ALWAYS; cell++) {
                double z = x->mass[0][cell / N_ALWAYS], q = 1 - z - x->mass[1][cell % N_ALWAYS];
                double loss = -shape_prior(s) - x->prior[cell / N_ALWAYS][cell % N_ALWAYS];
                for (size_t i = 0; i < n; i++) {
                    double d = (1 - z - q * fail[i] - pass[i]) / error;
                    loss += d * d / 2;
                }
                if (round == 0) {
                    least = fmin(least, loss);
                    continue;
                }
                double w = exp(least - loss);
                if (sum == 0) memset(out, 0, n_ks * sizeof *out);
                sum += w;
                for (size_t i = 0; i < n_ks; i++) /* on from the last point */
                    out[i] +=
                        w * (1 - (1 - pass[n - 1]) * (z + q * fail[n + i]) / (z + q * fail[n - 1]));
            }
        }
    for (size_t i = 0; i < n_ks && !rc; i++)
        out[i] /= sum;
    rn_arena_free(&x->mem);
    return rc;
}
