/*
 * bench_extrapolate.c: what extrapolation of pass@k is worth.
 *
 *     bench_extrapolate               the published curves of the study: fitted up to k = 64
 *     bench_extrapolate STORE...      recorded samples: pass@n from random subsets of 5, 10 and 20 of
 *                                     the n samples of each problem, 200 subsets each
 *
 * Prints the root mean square error and the bias of the prediction in points, the share of the
 * 90 % intervals (200 resamples) that hold the recorded value, and the error of taking c/n for the
 * rate. Run by extrapolate.sh.
 */
#include "ration.h"

#include "base/rng.h"
#include "stat/extrapolate.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUBSETS = 200, RESAMPLES = 200, MAX_POINTS = 32 };

static void die(int rc, const rn_err *err)
{
    if (rc == 0) return;
    fprintf(stderr, "bench_extrapolate: %s\n", err->msg);
    exit(1);
}

/* ---- recorded samples ------------------------------------------------------------------------ */

static double squared(double x)
{
    return x * x;
}

/* m of the n recorded samples of each problem, drawn at random. */
static void draw_subset(const int64_t *n, const int64_t *c, size_t n_problems, int64_t m,
                        uint32_t at, rn_count *out)
{
    rn_rng r;
    rn_rng_init(&r, 1, rn_rng_stream("subset", 6) + (uint64_t)m, at);
    for (size_t i = 0; i < n_problems; i++) {
        int64_t passes = c[i];
        out[i] = (rn_count){.n = m};
        for (int64_t j = 0; j < m; j++)
            if ((int64_t)rn_rng_below(&r, (uint64_t)(n[i] - j)) < passes - out[i].c) out[i].c++;
    }
}

static void one_size(const char *model, const int64_t *n, const int64_t *c, size_t n_problems,
                     int64_t m)
{
    double truth = 0, squares = 0, bias = 0, plug = 0, width = 0;
    int held = 0, mixtures = 0;
    rn_count *eff = calloc(n_problems, sizeof *eff);
    rn_err err;
    for (size_t i = 0; i < n_problems; i++)
        truth += (double)(c[i] > 0) / (double)n_problems;
    for (uint32_t s = 0; eff && s < SUBSETS; s++) {
        draw_subset(n, c, n_problems, m, s, eff);
        const int64_t k = n[0];
        const rn_extra_ask ask = {.eff = eff,
                                  .n = n_problems,
                                  .ks = &k,
                                  .n_ks = 1,
                                  .n_resamples = RESAMPLES,
                                  .seed = s,
                                  .level = 0.9};
        rn_interval at;
        rn_extra_about about;
        die(rn_stat_extrapolate(&ask, &at, &about, &err), &err);
        double naive = 0;
        for (size_t i = 0; i < n_problems; i++)
            naive += 1 - pow(1 - (double)eff[i].c / (double)m, (double)k);
        squares += squared(at.value - truth);
        bias += at.value - truth;
        plug += squared(naive / (double)n_problems - truth);
        held += at.lo <= truth && truth <= at.hi;
        width += at.hi - at.lo;
        mixtures += about.form == RN_EXTRA_MIXTURE;
    }
    free(eff);
    printf("%-24s %4" PRId64 " %6.1f %8.2f %+7.2f %9.1f %9.1f %8d %11.1f\n", model, m, 100 * truth,
           100 * sqrt(squares / SUBSETS), 100 * bias / SUBSETS, 100.0 * held / SUBSETS,
           100 * width / SUBSETS, mixtures, 100 * sqrt(plug / SUBSETS));
}

static int one_run(void *user, const rn_run_info *run)
{
    rn_store *store = user;
    int64_t *n = NULL, *c = NULL;
    size_t n_problems;
    rn_err err;
    if (strcmp(run->kind, "sample") != 0) return 0;
    die(rn_store_counts(store, run->run_id, &n, &c, &n_problems, &err), &err);
    bool equal = n_problems > 0;
    for (size_t i = 0; i < n_problems; i++)
        equal &= n[i] == n[0] && n[0] >= 40;
    const int64_t sizes[] = {5, 10, 20};
    for (size_t i = 0; equal && i < 3; i++)
        one_size(run->model, n, c, n_problems, sizes[i]);
    if (!equal)
        printf("%s: needs 40 judged samples or more, equally many, of each problem\n", run->model);
    free(n);
    free(c);
    return 0;
}

/* ---- published curves ------------------------------------------------------------------------ */

typedef struct curve {
    char task[32], model[32];
    int64_t k[MAX_POINTS];
    double pass[MAX_POINTS];
    size_t n;
} curve;

static void print_curve(const curve *x)
{
    size_t fitted = 0;
    while (fitted < x->n && x->k[fitted] <= 64)
        fitted++;
    double out[MAX_POINTS];
    rn_err err;
    if (fitted < 3 || fitted == x->n) return;
    /* Errors of a point: rounding to 0.1, and the sampling of 1,000 draws or more. */
    die(rn_stat_extrapolate_curve(x->k, x->pass, fitted, 0.002, x->k + fitted, x->n - fitted, out,
                                  &err),
        &err);
    printf("%-20s %-14s", x->task, x->model);
    for (size_t i = fitted; i < x->n; i++)
        printf("  %4" PRId64 ": %4.1f (%+.1f)", x->k[i], 100 * out[i - fitted],
               100 * (out[i - fitted] - x->pass[i]));
    printf("\n");
}

static int published(const char *path)
{
    FILE *f = fopen(path, "r");
    if (!f) {
        fprintf(stderr, "bench_extrapolate: %s is not there: run it in the top folder\n", path);
        return 1;
    }
    printf("Fitted to the published pass@k up to k = 64: predicted %%, and its error in points\n");
    char line[256], task[32], model[32];
    curve now = {.n = 0};
    while (fgets(line, sizeof line, f)) {
        int64_t k;
        double pass;
        if (sscanf(line, "%31[^,],%31[^,],%*[^,],%" SCNd64 ",%lf", task, model, &k, &pass) != 4)
            continue;
        if (strcmp(task, now.task) != 0 || strcmp(model, now.model) != 0) {
            print_curve(&now);
            now = (curve){.n = 0};
            memcpy(now.task, task, sizeof task);
            memcpy(now.model, model, sizeof model);
        }
        if (now.n < MAX_POINTS) {
            now.k[now.n] = k;
            now.pass[now.n++] = pass / 100;
        }
    }
    fclose(f);
    print_curve(&now);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2) return published("data/published/hassid2024.csv");
    printf("pass@n from m samples of each problem, %d random subsets; points\n", SUBSETS);
    printf("%-24s %4s %6s %8s %7s %9s %9s %8s %11s\n", "model", "m", "truth", "RMSE", "bias",
           "90 % held", "its width", "mixtures", "c/n as rate");
    for (int i = 1; i < argc; i++) {
        rn_store *store;
        rn_err err;
        die(rn_store_open(argv[i], RN_STORE_READ, &store, &err), &err);
        die(rn_store_runs(store, one_run, store, &err), &err);
        rn_store_close(store);
    }
    return 0;
}
