/*
 * logit.c: see logit.h. Newton's method on the penalised log likelihood, which is concave: at most
 * nine unknowns, a Cholesky factorisation a step. A step that does not raise it is halved.
 */
#include "stat/logit.h"

#include "stat/fold.h"

enum { DIM = RN_LOGIT_MAX + 1, MAX_STEPS = 50, MAX_HALVINGS = 30 };

static const double ridge = 1; /* in problems */

/* What is fitted: rows of the problems in use, centred and scaled, a 1 in front. */
typedef struct fit {
    rn_arena mem; /* of all arrays */
    double *x;    /* [n, dim] */
    double *weight;
    uint8_t *passed;
    size_t n, dim;
    double scale[DIM]; /* of each feature */
} fit;

/* Samples and mean features of each problem into count [n_problems], mean [n_problems, n_x]. */
static void find_means(const rn_logit_data *d, double *count, double *mean)
{
    for (size_t i = 0; i < d->n; i++) {
        count[d->problem[i]]++;
        for (size_t j = 0; j < d->n_x; j++)
            mean[d->problem[i] * d->n_x + j] += d->x[i * d->n_x + j];
    }
    for (size_t p = 0; p < d->n_problems; p++)
        for (size_t j = 0; j < d->n_x && count[p] > 0; j++)
            mean[p * d->n_x + j] /= count[p];
}

static int prepare(const rn_logit_data *d, const uint8_t *use, fit *f, rn_err *err)
{
    *f = (fit){.dim = d->n_x + 1};
    f->x = rn_arena_array(&f->mem, d->n + 1, f->dim * sizeof *f->x);
    f->weight = rn_arena_array(&f->mem, d->n + 1, sizeof *f->weight);
    f->passed = rn_arena_array(&f->mem, d->n + 1, 1);
    double *count = rn_arena_array(&f->mem, d->n_problems * (d->n_x + 1) + 1, sizeof *count);
    int rc = f->x && f->weight && f->passed && count ? 0 : rn_nomem(err, "combination of rankers");
    double *mean = count ? count + d->n_problems : NULL;
    double squares[DIM] = {0}, total = 0;
    if (!rc) find_means(d, count, mean);
    for (size_t i = 0; i < d->n && !rc; i++) {
        const uint32_t p = d->problem[i];
        assert(p < d->n_problems);
        if (use && !use[p]) continue;
        double *row = &f->x[f->n * f->dim];
        row[0] = 1;
        f->weight[f->n] = 1 / count[p];
        f->passed[f->n] = d->passed[i];
        total += f->weight[f->n];
        for (size_t j = 0; j < d->n_x; j++) {
            row[j + 1] = d->x[i * d->n_x + j] - mean[p * d->n_x + j];
            squares[j + 1] += f->weight[f->n] * row[j + 1] * row[j + 1];
        }
        f->n++;
    }
    for (size_t j = 1; j < f->dim && !rc; j++) {
        f->scale[j] = total > 0 ? sqrt(squares[j] / total) : 0;
        for (size_t i = 0; i < f->n; i++) /* a feature that never differs has weight 0 */
            f->x[i * f->dim + j] *= f->scale[j] > 1e-12 ? 1 / f->scale[j] : 0;
    }
    return rc;
}

static double at(const fit *f, size_t i, const double *b)
{
    double sum = 0;
    for (size_t j = 0; j < f->dim; j++)
        sum += f->x[i * f->dim + j] * b[j];
    return sum;
}

/* log(1 + e^t) */
static double softplus(double t)
{
    return t > 0 ? t + log1p(exp(-t)) : log1p(exp(t));
}

/* The penalised log likelihood; the intercept has but a trace of the ridge, so that it is finite
 * where everything passes. */
static double value_of(const fit *f, const double *b)
{
    double sum = -1e-3 * b[0] * b[0] / 2;
    for (size_t j = 1; j < f->dim; j++)
        sum -= ridge * b[j] * b[j] / 2;
    for (size_t i = 0; i < f->n; i++) {
        const double t = at(f, i, b);
        sum += f->weight[i] * ((f->passed[i] ? t : 0) - softplus(t));
    }
    return sum;
}

/* h s = g for a positive definite h [dim, dim], which is overwritten; s in g. */
static void solve(double h[DIM][DIM], double *g, size_t dim)
{
    for (size_t j = 0; j < dim; j++) {
        for (size_t k = 0; k < j; k++)
            h[j][j] -= h[j][k] * h[j][k];
        h[j][j] = sqrt(h[j][j]);
        for (size_t i = j + 1; i < dim; i++) {
            for (size_t k = 0; k < j; k++)
                h[i][j] -= h[i][k] * h[j][k];
            h[i][j] /= h[j][j];
        }
    }
    for (size_t i = 0; i < dim; i++) {
        for (size_t k = 0; k < i; k++)
            g[i] -= h[i][k] * g[k];
        g[i] /= h[i][i];
    }
    for (size_t i = dim; i-- > 0;) {
        for (size_t k = i + 1; k < dim; k++)
            g[i] -= h[k][i] * g[k];
        g[i] /= h[i][i];
    }
}

/* Newton's step at b. */
static void step_at(const fit *f, const double *b, double *step)
{
    double h[DIM][DIM] = {{0}};
    memset(step, 0, DIM * sizeof *step);
    for (size_t j = 0; j < f->dim; j++) {
        h[j][j] = j ? ridge : 1e-3;
        step[j] = -h[j][j] * b[j];
    }
    for (size_t i = 0; i < f->n; i++) {
        const double *row = &f->x[i * f->dim], p = 1 / (1 + exp(-at(f, i, b)));
        for (size_t j = 0; j < f->dim; j++) {
            step[j] += f->weight[i] * (f->passed[i] - p) * row[j];
            for (size_t k = 0; k <= j; k++)
                h[j][k] += f->weight[i] * p * (1 - p) * row[j] * row[k];
        }
    }
    solve(h, step, f->dim);
}

int rn_logit_fit(const rn_logit_data *d, const uint8_t *use, double *w, rn_err *err)
{
    fit f;
    assert(d->n_x >= 1 && d->n_x <= RN_LOGIT_MAX);
    int rc = prepare(d, use, &f, err);
    double b[DIM] = {0}, value = rc ? 0 : value_of(&f, b);
    for (int s = 0; s < MAX_STEPS && !rc; s++) {
        double step[DIM], next[DIM] = {0}, gained = 0;
        step_at(&f, b, step);
        for (int half = 0; half < MAX_HALVINGS; half++) {
            for (size_t j = 0; j < f.dim; j++)
                next[j] = b[j] + ldexp(step[j], -half);
            gained = value_of(&f, next) - value;
            if (gained >= 0) break;
        }
        if (!(gained >= 0)) break;
        memcpy(b, next, sizeof b);
        value += gained;
        if (gained < 1e-12) break;
    }
    for (size_t j = 0; j < d->n_x && !rc; j++)
        w[j] = f.scale[j + 1] > 1e-12 ? b[j + 1] / f.scale[j + 1] : 0;
    rn_arena_free(&f.mem);
    return rc;
}

int rn_logit_crossfit(const rn_logit_data *d, uint64_t seed, double *w, rn_err *err)
{
    if (d->n_problems < RN_LOGIT_MIN_PROBLEMS)
        return rn_fail(err, RN_EINVAL,
                       "%zu judged problems are too few to fit weights on one part and use them on "
                       "another: at least %d",
                       d->n_problems, RN_LOGIT_MIN_PROBLEMS);
    uint32_t *fold = malloc(d->n_problems * sizeof *fold);
    uint8_t *use = malloc(d->n_problems);
    int rc = fold && use ? rn_stat_folds(seed, d->n_problems, RN_LOGIT_FOLDS, fold, err)
                         : rn_nomem(err, "combination of rankers");
    for (uint32_t f = 0; f < RN_LOGIT_FOLDS && !rc; f++) {
        double mine[RN_LOGIT_MAX];
        for (size_t p = 0; p < d->n_problems; p++)
            use[p] = fold[p] != f;
        rc = rn_logit_fit(d, use, mine, err);
        for (size_t p = 0; p < d->n_problems && !rc; p++)
            if (fold[p] == f) memcpy(&w[p * d->n_x], mine, d->n_x * sizeof *w);
    }
    free(fold);
    free(use);
    return rc;
}
