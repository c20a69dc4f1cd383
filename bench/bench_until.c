/*
 * bench_until.c: what sampling until the answer is known saves, and whether its intervals hold.
 *
 *     bench_until STORE
 *
 * The recorded pass rates of the store's runs (those whose problems have equally many judged
 * samples, 40 or more) are taken as the truth, and samples drawn from them anew. Three tables:
 *
 *   pass@10 to within a half-width: samples by sequential allocation and by equal allocation (the
 *   least n for all problems whose interval is as narrow), medians of 200 replays;
 *   two models at equal FLOPs (of Code Llama's sizes, by the order of the names): the difference to
 *   within a half-width, and until its interval excludes 0. Equal allocation draws as many samples
 *   of each problem of both, and looks as often;
 *   the crossover of two models.
 *
 * Coverage: the share of 2,000 replays in which the interval at the end holds the truth. Run by
 * until.sh.
 */
#include "ration.h"

#include "base/rng.h"
#include "stat/inquiry.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_MAX = 400, REPLAYS = 2000, COMPARED = 200, CROSSED = 100, MAX_MODELS = 3 };

static const double level = 0.95;

static void die(int rc, const rn_err *err)
{
    if (rc == 0) return;
    fprintf(stderr, "bench_until: %s\n", err->msg);
    exit(1);
}

typedef struct model {
    char name[64];
    double *rate; /* [n] */
    size_t n;
    double flop;   /* of a sample */
    uint8_t *pass; /* [n, N_MAX] of this replay; outcomes of a problem are a stream of their own */
    rn_count *counts;
} model;

static model models[MAX_MODELS];
static size_t n_models;

static void draw(model *m, uint32_t seed)
{
    for (size_t i = 0; i < m->n; i++) {
        rn_rng r;
        rn_rng_init(&r, 17 + (uint64_t)(m - models), i, seed);
        for (int j = 0; j < N_MAX; j++)
            m->pass[i * N_MAX + (size_t)j] = rn_rng_unit(&r) < m->rate[i];
    }
}

static void extend(const model *m, size_t i, int64_t n, rn_count *to)
{
    for (; to->n < n; to->n++)
        to->c += m->pass[i * N_MAX + (size_t)to->n];
}

static double truth_of(const model *m, int64_t k)
{
    double sum = 0;
    for (size_t i = 0; i < m->n; i++)
        sum += (1 - pow(1 - m->rate[i], (double)k)) / (double)m->n;
    return sum;
}

/* Asks until it is over; what it cost, in samples or (two models) FLOPs. */
static double ask_all(rn_inquiry *q, const rn_ask *ask, model *const *arm, rn_known *known)
{
    rn_err err;
    const rn_count *counts[2];
    double cost = 0;
    die(rn_inquiry_restart(q, &err), &err);
    for (size_t a = 0; a < ask->n_arms; a++) {
        memset(arm[a]->counts, 0, arm[a]->n * sizeof *arm[a]->counts);
        counts[a] = arm[a]->counts;
    }
    do {
        for (size_t a = 0; a < ask->n_arms; a++)
            for (size_t i = 0; i < arm[a]->n; i++) {
                rn_count *x = &arm[a]->counts[i];
                for (int64_t need; (need = rn_inquiry_need(q, a, *x)) > x->n;)
                    extend(arm[a], i, need, x);
            }
        die(rn_inquiry_look(q, counts, known, &err), &err);
    } while (!known->over);
    for (size_t a = 0; a < ask->n_arms; a++)
        for (size_t i = 0; i < arm[a]->n; i++)
            cost += (double)arm[a]->counts[i].n * (ask->n_arms == 2 ? arm[a]->flop : 1);
    return cost;
}

/* Value and variance of the mean, or of the difference, from n samples of each problem. */
static rn_seq_mean equal_at(rn_inquiry *q, const rn_ask *ask, model *const *arm, int64_t n)
{
    rn_err err;
    rn_seq_mean m[2] = {{0}};
    for (size_t a = 0; a < ask->n_arms; a++) {
        memset(arm[a]->counts, 0, arm[a]->n * sizeof *arm[a]->counts);
        for (size_t i = 0; i < arm[a]->n; i++)
            extend(arm[a], i, n, &arm[a]->counts[i]);
        die(rn_seq_equal(rn_inquiry_seq(q, a), arm[a]->counts, arm[a]->n, &m[a], &err), &err);
    }
    return (rn_seq_mean){m[0].value - m[1].value, m[0].variance + m[1].variance};
}

/* What equal allocation needs: the least n whose interval is narrow, by bisection; for a lead, looks
 * at rising n until the difference is decided. */
static double equally(rn_inquiry *q, const rn_ask *ask, model *const *arm)
{
    int64_t least = RN_SEQ_FIRST, hi = N_MAX;
    double each = 0;
    for (size_t a = 0; a < ask->n_arms; a++) {
        least = ask->arms[a].ks[0] > least ? ask->arms[a].ks[0] : least;
        each += (double)arm[a]->n * (ask->n_arms == 2 ? arm[a]->flop : 1);
    }
    if (ask->kind == RN_ASK_LEAD) {
        rn_looks *l;
        rn_err err;
        double n_steps = 1, step = 0;
        for (int64_t n = least; n < hi; n = (int64_t)ceil((double)n * 1.3))
            n_steps++;
        die(rn_looks_new(level, &l, &err), &err);
        int64_t n = least;
        for (;; n = (int64_t)ceil((double)n * 1.3)) {
            n = n < hi ? n : hi;
            const rn_seq_mean d = equal_at(q, ask, arm, n);
            die(rn_looks_add(l, ++step / n_steps, d.value, d.variance, &err), &err);
            if (rn_looks_side(l) || n == hi) break;
        }
        rn_looks_free(l);
        return (double)n * each;
    }
    for (int64_t lo = least; lo < hi;) {
        int64_t mid = (lo + hi) / 2;
        if (rn_seq_z(level) * sqrt(equal_at(q, ask, arm, mid).variance) <= ask->half)
            hi = mid;
        else
            lo = mid + 1;
        if (lo >= hi) return (double)hi * each;
    }
    return (double)hi * each;
}

static double median(double *v, size_t n)
{
    return rn_stat_quantile(v, n, 0.5);
}

typedef struct figures {
    double used, fixed, ratio;                   /* medians */
    double covered, answered, wrong, samples[2]; /* shares; samples: means per problem */
} figures;

/* All replays of a question whose answer is `truth`. */
static figures replay(const rn_ask *ask, model *const *arm, double truth)
{
    static double used[REPLAYS], fixed[COMPARED], ratio[COMPARED];
    rn_inquiry *q, *equal;
    rn_err err;
    figures f = {0};
    die(rn_inquiry_new(ask, &q, &err), &err);
    die(rn_inquiry_new(ask, &equal, &err), &err);
    for (uint32_t s = 0; s < REPLAYS; s++) {
        rn_known known;
        for (size_t a = 0; a < ask->n_arms; a++)
            draw(arm[a], s);
        used[s] = ask_all(q, ask, arm, &known);
        f.covered += known.at[0].lo <= truth && truth <= known.at[0].hi;
        f.answered += known.answered;
        f.wrong += (double)known.side[0] * truth < 0;
        for (size_t a = 0; a < ask->n_arms; a++)
            for (size_t i = 0; i < arm[a]->n; i++)
                f.samples[a] += (double)arm[a]->counts[i].n / (double)arm[a]->n / REPLAYS;
        if (s >= COMPARED) continue;
        fixed[s] = equally(equal, ask, arm);
        ratio[s] = used[s] / fixed[s];
    }
    f.used = median(used, REPLAYS);
    f.fixed = median(fixed, COMPARED);
    f.ratio = median(ratio, COMPARED);
    f.covered *= 100.0 / REPLAYS;
    f.answered *= 100.0 / REPLAYS;
    f.wrong *= 100.0 / REPLAYS;
    rn_inquiry_free(q);
    rn_inquiry_free(equal);
    return f;
}

static void table_of_means(void)
{
    static const double half_widths[] = {0.015, 0.01};
    printf(
        "pass@10 until a 95 %% interval has the half-width (points)\n%-24s %5s %6s %10s %10s %8s "
        "%9s %9s\n",
        "model", "truth", "half", "sequential", "equal n", "ratio", "coverage", "answered");
    for (size_t i = 0; i < n_models; i++)
        for (size_t w = 0; w < 2; w++) {
            model *const arm[] = {&models[i]};
            const rn_ask ask = {.kind = RN_ASK_MEAN,
                                .arms = {{.ks = {10}, .n_max = N_MAX}},
                                .n_arms = 1,
                                .n_points = 1,
                                .n_problems = models[i].n,
                                .half = half_widths[w],
                                .level = level};
            const double truth = truth_of(&models[i], 10);
            const figures f = replay(&ask, arm, truth);
            printf("%-24s %5.1f %+6.2f %10.0f %10.0f %8.2f %9.1f %9.1f\n", models[i].name,
                   100 * truth, 100 * half_widths[w], f.used, f.fixed, f.ratio, f.covered,
                   f.answered);
            fflush(stdout);
        }
}

static rn_ask ask_of_two(rn_ask_kind kind, model *const *arm)
{
    rn_ask ask = {.kind = kind, .n_arms = 2, .n_problems = arm[0]->n, .level = level};
    for (size_t a = 0; a < 2; a++)
        ask.arms[a] = (rn_ask_arm){.cost = arm[a]->flop, .n_max = N_MAX};
    return ask;
}

/* Adds a point: what a budget of `x` samples of the cheapest model affords. */
static void add_point(rn_ask *ask, model *const *arm, double x)
{
    ask->budgets[ask->n_points] = x;
    for (size_t a = 0; a < 2; a++)
        ask->arms[a].ks[ask->n_points] = (int64_t)(x * models[0].flop / arm[a]->flop);
    ask->n_points++;
}

static void table_of_differences(void)
{
    static const double at[] = {8, 16};
    printf(
        "\ntwo models at equal FLOPs: the difference to within 1.5 points, and until it excludes "
        "0\n%-28s %6s %-9s %12s %10s %10s %6s %9s %9s %6s\n",
        "question", "truth", "until", "n a, n b", "TFLOP", "equal n", "ratio", "coverage",
        "answered", "wrong");
    for (size_t i = 0; i < n_models; i++)
        for (size_t j = i + 1; j < n_models; j++)
            for (size_t b = 0; b < 2; b++)
                for (int kind = RN_ASK_DIFF; kind <= RN_ASK_LEAD; kind++) {
                    model *const arm[] = {&models[i], &models[j]};
                    rn_ask ask = ask_of_two((rn_ask_kind)kind, arm);
                    ask.half = 0.015;
                    add_point(&ask, arm, at[b]);
                    const double truth =
                        truth_of(arm[0], ask.arms[0].ks[0]) - truth_of(arm[1], ask.arms[1].ks[0]);
                    const figures f = replay(&ask, arm, truth);
                    char name[64];
                    snprintf(name, sizeof name, "%.12s>%.12s at %gx",
                             strrchr(arm[0]->name, '-') + 1, strrchr(arm[1]->name, '-') + 1, at[b]);
                    printf("%-28s %+6.1f %-9s %5.1f, %5.1f %10.0f %10.0f %6.2f %9.1f %9.1f %6.1f\n",
                           name, 100 * truth, kind == RN_ASK_DIFF ? "+-1.5" : "not 0", f.samples[0],
                           f.samples[1], f.used, f.fixed, f.ratio, f.covered, f.answered, f.wrong);
                    fflush(stdout);
                }
}

/* Whether the answer is right: a lead that is known is the true one, and so is the change. */
static bool right(const rn_ask *ask, model *const *arm, const rn_known *k)
{
    for (size_t p = 0; p < ask->n_points; p++) {
        const double d =
            truth_of(arm[0], ask->arms[0].ks[p]) - truth_of(arm[1], ask->arms[1].ks[p]);
        if (k->side[p] * d < 0) return false;
    }
    return true;
}

static void table_of_crossovers(void)
{
    printf("\ncrossover of two models from 6x to 32x, within 4x\n%-28s %10s %9s %9s\n", "question",
           "TFLOP", "answered", "right");
    for (size_t i = 0; i < n_models; i++)
        for (size_t j = i + 1; j < n_models; j++) {
            model *const arm[] = {&models[i], &models[j]};
            rn_ask ask = ask_of_two(RN_ASK_CROSS, arm);
            ask.within = 4;
            for (double x = 6; x <= 32; x *= 1.45)
                add_point(&ask, arm, x);
            rn_inquiry *q;
            rn_err err;
            static double used[REPLAYS];
            double answered = 0, good = 0;
            die(rn_inquiry_new(&ask, &q, &err), &err);
            for (uint32_t s = 0; s < CROSSED; s++) {
                rn_known known;
                draw(arm[0], s);
                draw(arm[1], s);
                used[s] = ask_all(q, &ask, arm, &known);
                answered += 100.0 * known.answered / CROSSED;
                good += 100.0 * right(&ask, arm, &known) / CROSSED;
            }
            char name[64];
            snprintf(name, sizeof name, "%.12s, %.12s", strrchr(arm[0]->name, '-') + 1,
                     strrchr(arm[1]->name, '-') + 1);
            printf("%-28s %10.0f %9.1f %9.1f\n", name, median(used, CROSSED), answered, good);
            rn_inquiry_free(q);
        }
}

static int one_run(void *user, const rn_run_info *run)
{
    static const double flops[MAX_MODELS] = {1.69, 3.29, 8.58};
    int64_t *n = NULL, *c = NULL;
    size_t n_problems;
    rn_err err;
    if (strcmp(run->kind, "sample") != 0 || n_models == MAX_MODELS) return 0;
    die(rn_store_counts(user, run->run_id, &n, &c, &n_problems, &err), &err);
    bool equal = n_problems > 0;
    for (size_t i = 0; i < n_problems; i++)
        equal &= n[i] == n[0] && n[0] >= 40;
    if (equal) {
        model *m = &models[n_models];
        *m = (model){.rate = calloc(n_problems, sizeof *m->rate),
                     .n = n_problems,
                     .flop = flops[n_models],
                     .pass = calloc(n_problems, N_MAX),
                     .counts = calloc(n_problems, sizeof *m->counts)};
        if (!m->rate || !m->pass || !m->counts) exit(1);
        snprintf(m->name, sizeof m->name, "%s", run->model);
        for (size_t i = 0; i < n_problems; i++)
            m->rate[i] = (double)c[i] / (double)n[i];
        n_models++;
    }
    free(n);
    free(c);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        printf("until.sh gives it a store\n");
        return 0;
    }
    rn_store *store;
    rn_err err;
    die(rn_store_open(argv[1], RN_STORE_READ, &store, &err), &err);
    die(rn_store_runs(store, one_run, store, &err), &err);
    rn_store_close(store);
    table_of_means();
    table_of_differences();
    table_of_crossovers();
    for (size_t i = 0; i < n_models; i++) {
        free(models[i].rate);
        free(models[i].pass);
        free(models[i].counts);
    }
    return 0;
}
