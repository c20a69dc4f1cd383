/*
 * bench_stat.c: time and memory of the estimators at the size of the study: 664 problems (HumanEval
 * and MBPP) of 2,000 samples. Prints one line per job: median and range of RUNS runs. The first
 * line is the whole way from counts to intervals; its limits are 2 s and 500 MB.
 */
#include "base/clock.h"
#include "base/rng.h"
#include "stat/alloc.h"
#include "stat/boot.h"
#include "stat/budget.h"
#include "stat/fold.h"
#include "stat/plan.h"
#include "stat/rankscore.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { PROBLEMS = 664, SAMPLES = 2000, K_MAX = SAMPLES / 2, RESAMPLES = 1000, RUNS = 5 };

static rn_count counts[PROBLEMS], other[PROBLEMS];
static double *scores;  /* [PROBLEMS, SAMPLES] */
static uint8_t *passes; /* [PROBLEMS, SAMPLES] */
static const rn_drawcost small = {.failing = 1, .passing = 1}, large = {.failing = 5, .passing = 5};

static void die(int rc, const rn_err *err)
{
    if (rc == 0) return;
    fprintf(stderr, "bench_stat: %s\n", err->msg);
    exit(1);
}

static void *need(size_t bytes)
{
    void *p = malloc(bytes);
    if (!p) die(RN_ENOMEM, &(rn_err){.msg = "out of memory"});
    return p;
}

static void make_data(void)
{
    scores = need(sizeof *scores * PROBLEMS * SAMPLES);
    passes = need(sizeof *passes * PROBLEMS * SAMPLES);
    for (uint32_t p = 0; p < PROBLEMS; p++) {
        rn_rng r;
        rn_rng_init(&r, 1, 2, p);
        double rate = pow(rn_rng_unit(&r), 3), better = sqrt(rate);
        counts[p] = (rn_count){.n = SAMPLES, .c = (int64_t)(rate * SAMPLES)};
        other[p] = (rn_count){.n = SAMPLES, .c = (int64_t)(better * SAMPLES)};
        for (size_t i = 0; i < SAMPLES; i++) {
            scores[p * SAMPLES + i] = rn_rng_unit(&r);
            passes[p * SAMPLES + i] = rn_rng_unit(&r) < rate;
        }
    }
}

static void curves_and_intervals(void)
{
    rn_err err;
    rn_boot *boot;
    double *table = need(sizeof *table * PROBLEMS * K_MAX);
    rn_interval *out = need(sizeof *out * K_MAX);
    die(rn_stat_pass_table(counts, NULL, PROBLEMS, K_MAX, table, &err), &err);
    die(rn_stat_boot_new(PROBLEMS, RESAMPLES, 1, &boot, &err), &err);
    die(rn_stat_boot_interval(boot, table, K_MAX, 0.95, out, &err), &err);
    rn_stat_boot_free(boot);
    free(table);
    free(out);
}

static void paired_difference(void)
{
    rn_err err;
    rn_boot *boot;
    double *x = need(sizeof *x * PROBLEMS * K_MAX), *y = need(sizeof *y * PROBLEMS * K_MAX);
    rn_interval *out = need(sizeof *out * K_MAX);
    die(rn_stat_pass_table(counts, NULL, PROBLEMS, K_MAX, x, &err), &err);
    die(rn_stat_pass_table(other, NULL, PROBLEMS, K_MAX, y, &err), &err);
    die(rn_stat_boot_new(PROBLEMS, RESAMPLES, 1, &boot, &err), &err);
    die(rn_stat_boot_paired(boot, x, y, K_MAX, 0.95, out, NULL, &err), &err);
    rn_stat_boot_free(boot);
    free(x);
    free(y);
    free(out);
}

static void rank_scores(void)
{
    rn_err err;
    rn_ranked *rows = need(sizeof *rows * PROBLEMS);
    double *table = need(sizeof *table * PROBLEMS * K_MAX);
    for (size_t p = 0; p < PROBLEMS; p++)
        rows[p] = (rn_ranked){scores + p * SAMPLES, passes + p * SAMPLES, NULL, SAMPLES};
    die(rn_stat_rank_table(rows, PROBLEMS, true, RN_CUT_LAST, K_MAX, table, &err), &err);
    free(rows);
    free(table);
}

static void cascades(void)
{
    rn_err err;
    rn_arm *a, *b;
    rn_cascade_point *points;
    size_t n, size = (size_t)(K_MAX + 1) * (K_MAX + 1);
    double *score = need(sizeof *score * size), *cost = need(sizeof *cost * size);
    die(rn_stat_arm_new(counts, NULL, PROBLEMS, &small, 0, K_MAX, &a, &err), &err);
    die(rn_stat_arm_new(other, NULL, PROBLEMS, &large, 0, K_MAX, &b, &err), &err);
    die(rn_stat_cascade_grid(a, b, NULL, score, cost, &err), &err);
    die(rn_stat_frontier(score, cost, K_MAX, K_MAX, &points, &n, &err), &err);
    rn_stat_arm_free(a);
    rn_stat_arm_free(b);
    free(points);
    free(score);
    free(cost);
}

static void oracle(void)
{
    rn_err err;
    rn_arm *a;
    double budgets[100], score[100];
    die(rn_stat_budget_grid(PROBLEMS, 1e6, 100, budgets, &err), &err);
    die(rn_stat_arm_new(counts, NULL, PROBLEMS, &small, 0, K_MAX, &a, &err), &err);
    die(rn_stat_oracle(a, a->k_max, budgets, 100, score, NULL, &err), &err);
    rn_stat_arm_free(a);
}

/* Three models x 164 problems x 100 samples, 50 budgets: every kind of plan cross-fitted in ten
 * folds, with intervals and with its advantage over the best single model. */
static void plans(void)
{
    enum { MODELS = 3, P = 164, N = 100, BUDGETS = 50, FOLDS = 10, KINDS = 3 };
    static double score[KINDS][P * BUDGETS], cost[P * BUDGETS];
    const rn_drawcost costs[MODELS] = {small, {.failing = 2, .passing = 2}, large};
    rn_err err;
    rn_arm *arms[MODELS];
    rn_boot *boot;
    rn_interval out[BUDGETS];
    uint32_t fold[P];
    double budgets[BUDGETS], ahead[BUDGETS];
    for (int m = 0; m < MODELS; m++) {
        rn_count x[P];
        for (uint32_t p = 0; p < P; p++) {
            rn_rng r;
            rn_rng_init(&r, 3, (uint64_t)m, p);
            double rate = pow((double)p / P, 3 - m) * (0.5 + 0.5 * rn_rng_unit(&r));
            x[p] = (rn_count){.n = N, .c = (int64_t)(rate * N)};
        }
        die(rn_stat_arm_new(x, NULL, P, &costs[m], 0, N / 2, &arms[m], &err), &err);
    }
    const rn_arm *const list[] = {arms[0], arms[1], arms[2]};
    die(rn_stat_budget_grid(1, 50, BUDGETS, budgets, &err), &err);
    die(rn_stat_folds(1, P, FOLDS, fold, &err), &err);
    die(rn_stat_boot_new(P, RESAMPLES, 1, &boot, &err), &err);
    for (int kind = 0; kind < KINDS; kind++) {
        die(rn_stat_plan_crossfit(
                &(rn_plan_ask){list, MODELS, (rn_plan_kind)kind, RN_LIMIT_MEAN, budgets, BUDGETS},
                fold, FOLDS, score[kind], cost, &err),
            &err);
        die(rn_stat_boot_interval(boot, score[kind], BUDGETS, 0.95, out, &err), &err);
        die(rn_stat_boot_interval_any(boot, cost, BUDGETS, 0.95, out, &err), &err);
        die(rn_stat_boot_paired(boot, score[kind], score[0], BUDGETS, 0.95, out, ahead, &err),
            &err);
    }
    rn_stat_boot_free(boot);
    for (int m = 0; m < MODELS; m++)
        rn_stat_arm_free(arms[m]);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double peak_mb(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_maxrss / 1024;
}

static void measure(const char *name, void (*job)(void))
{
    double ms[RUNS], cpu_ms[RUNS];
    job(); /* warm */
    for (int i = 0; i < RUNS; i++) {
        int64_t start = rn_now_ns(), cpu_start = rn_cpu_ns();
        job();
        ms[i] = (double)(rn_now_ns() - start) * 1e-6;
        cpu_ms[i] = (double)(rn_cpu_ns() - cpu_start) * 1e-6;
    }
    qsort(ms, RUNS, sizeof *ms, ascending);
    qsort(cpu_ms, RUNS, sizeof *cpu_ms, ascending);
    printf("%-62s %8.1f ms  (%.1f - %.1f), CPU %.1f ms\n", name, ms[RUNS / 2], ms[0], ms[RUNS - 1],
           cpu_ms[RUNS / 2]);
}

int main(void)
{
    rn_err err;
    for (uint32_t p = 0; p < PROBLEMS; p++) /* the first job needs counts only */
        counts[p] = (rn_count){.n = SAMPLES, .c = (int64_t)p * p * p / 146313};
    printf("stat: %d problems x %d samples, k up to %d, %d resamples; median of %d runs\n",
           PROBLEMS, SAMPLES, K_MAX, RESAMPLES, RUNS);
    measure("pass@k, all k, with intervals (limit 2000 ms)", curves_and_intervals);
    printf("%-62s %8.1f MB\n", "  peak memory of the process so far (limit 500 MB)", peak_mb());
    make_data();
    measure("paired difference of two models, all k", paired_difference);
    measure("rank-score@k, all k", rank_scores);
    measure("cascades of two models, all 1001 x 1001 (k1, k2), frontier", cascades);
    measure("one budget for the set, oracle: 100 budgets", oracle);
    measure("plans, 3 models x 164 x 100, cross-fitted, with intervals", plans);

    static double curve[500000];
    int64_t start = rn_now_ns();
    die(rn_stat_pass_curve(1000000, 17, 500000, curve, NULL, &err), &err);
    printf("%-62s %8.1f ms\n", "pass@k of one problem, n = 1,000,000, all k up to n/2",
           (double)(rn_now_ns() - start) * 1e-6);
    printf("%-62s %8.1f MB\n", "peak memory of the process", peak_mb());
    free(scores);
    free(passes);
    return 0;
}
