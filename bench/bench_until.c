/*
 * bench_until.c: what sampling until an interval is narrow saves, and whether the interval holds.
 *
 *     bench_until STORE...
 *
 * For each run of a store whose problems have equally many judged samples, 40 or more: the recorded
 * pass rates are taken as the truth, and samples drawn from them anew. Samples needed for a 95 %
 * interval of pass@10 of the given half-width, by sequential allocation and by equal allocation (the
 * least n for all problems whose interval is as narrow): medians of 200 replays. Coverage: the share
 * of 2,000 replays in which the interval that sampling stopped at holds the truth. Run by until.sh.
 */
#include "ration.h"

#include "base/rng.h"
#include "stat/sequential.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { K = 10, N_MAX = 400, REPLAYS = 2000, COMPARED = 200 };

static const double half_widths[] = {0.015, 0.01};

static void die(int rc, const rn_err *err)
{
    if (rc == 0) return;
    fprintf(stderr, "bench_until: %s\n", err->msg);
    exit(1);
}

/* One replay: outcomes of problem i are a stream of their own. */
typedef struct replay {
    const double *rate; /* [n] */
    size_t n;
    uint8_t *pass; /* [n, N_MAX] */
} replay;

static void draw(replay *x, uint32_t seed)
{
    for (size_t i = 0; i < x->n; i++) {
        rn_rng r;
        rn_rng_init(&r, 17, i, seed);
        for (int j = 0; j < N_MAX; j++)
            x->pass[i * N_MAX + (size_t)j] = rn_rng_unit(&r) < x->rate[i];
    }
}

static void extend(const replay *x, size_t i, int64_t n, rn_count *to)
{
    for (; to->n < n; to->n++)
        to->c += x->pass[i * N_MAX + (size_t)to->n];
}

static bool narrow(const rn_interval *at, double half)
{
    return (at->hi - at->lo) / 2 <= half;
}

/* Samples drawn in all; *held: the interval holds the truth. -1: not narrow with N_MAX each. */
static int64_t sequentially(rn_seq *q, const replay *x, double half, double truth, rn_count *counts,
                            bool *held)
{
    rn_err err;
    rn_interval at;
    memset(counts, 0, x->n * sizeof *counts);
    for (int round = 0; round < rn_seq_rounds(q); round++) {
        int64_t total = 0;
        for (size_t i = 0; i < x->n; i++) {
            for (int64_t need; (need = rn_seq_need(q, round, counts[i])) > counts[i].n;)
                extend(x, i, need, &counts[i]);
            total += counts[i].n;
        }
        die(rn_seq_estimate(q, round, counts, x->n, &at, &err), &err);
        *held = at.lo <= truth && truth <= at.hi;
        if (narrow(&at, half)) return total;
    }
    return -1;
}

static int64_t equally(rn_seq *q, const replay *x, double half, rn_count *counts)
{
    rn_err err;
    rn_interval at;
    int64_t lo = K, hi = N_MAX; /* the least n whose interval is narrow, by bisection */
    while (lo < hi) {
        int64_t mid = (lo + hi) / 2;
        memset(counts, 0, x->n * sizeof *counts);
        for (size_t i = 0; i < x->n; i++)
            extend(x, i, mid, &counts[i]);
        die(rn_seq_equal(q, counts, x->n, &at, &err), &err);
        if (narrow(&at, half))
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo * (int64_t)x->n;
}

static double median(double *v, size_t n)
{
    return rn_stat_quantile(v, n, 0.5);
}

static void one_width(const char *model, replay *x, double half)
{
    const rn_seq_plan plan = {.k = K, .n_max = N_MAX, .level = 0.95};
    rn_seq *q, *equal;
    rn_err err;
    rn_count *counts = calloc(x->n, sizeof *counts);
    static double used[REPLAYS], fixed[COMPARED], ratio[COMPARED];
    double truth = 0;
    int held = 0, reached = 0;
    if (!counts) exit(1);
    die(rn_seq_new(&plan, &q, &err), &err);
    die(rn_seq_new(&plan, &equal, &err), &err);
    for (size_t i = 0; i < x->n; i++)
        truth += (1 - pow(1 - x->rate[i], K)) / (double)x->n;
    for (uint32_t s = 0; s < REPLAYS; s++) {
        bool holds = false;
        draw(x, s);
        int64_t n = sequentially(q, x, half, truth, counts, &holds);
        used[s] = (double)n;
        held += holds;
        reached += n > 0;
        if (s >= COMPARED) continue;
        fixed[s] = (double)equally(equal, x, half, counts);
        ratio[s] = (double)n / fixed[s];
    }
    printf("%-24s %5.1f %+6.2f %10.0f %10.0f %8.2f %9.1f %9d\n", model, 100 * truth, 100 * half,
           median(used, REPLAYS), median(fixed, COMPARED), median(ratio, COMPARED),
           100.0 * held / REPLAYS, reached);
    fflush(stdout);
    rn_seq_free(q);
    rn_seq_free(equal);
    free(counts);
}

static int one_run(void *user, const rn_run_info *run)
{
    int64_t *n = NULL, *c = NULL;
    size_t n_problems;
    rn_err err;
    if (strcmp(run->kind, "sample") != 0) return 0;
    die(rn_store_counts(user, run->run_id, &n, &c, &n_problems, &err), &err);
    bool equal = n_problems > 0;
    double *rate = calloc(n_problems + 1, sizeof *rate);
    replay x = {.rate = rate, .n = n_problems, .pass = calloc(n_problems + 1, N_MAX)};
    if (!rate || !x.pass) exit(1);
    for (size_t i = 0; i < n_problems; i++) {
        equal &= n[i] == n[0] && n[0] >= 40;
        rate[i] = n[i] ? (double)c[i] / (double)n[i] : 0;
    }
    for (size_t i = 0; equal && i < sizeof half_widths / sizeof *half_widths; i++)
        one_width(run->model, &x, half_widths[i]);
    free(rate);
    free(x.pass);
    free(n);
    free(c);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        printf("until.sh gives it a store\n");
        return 0;
    }
    printf("pass@%d until a 95 %% interval has the half-width (points)\n", K);
    printf("%-24s %5s %6s %10s %10s %8s %9s %9s\n", "model", "truth", "half", "sequential",
           "equal n", "ratio", "coverage", "reached");
    for (int i = 1; i < argc; i++) {
        rn_store *store;
        rn_err err;
        die(rn_store_open(argv[i], RN_STORE_READ, &store, &err), &err);
        die(rn_store_runs(store, one_run, store, &err), &err);
        rn_store_close(store);
    }
    return 0;
}
