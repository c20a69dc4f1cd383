/*
 * bench_choose.c: sampling without tests, stopped at the first sample that passes every example of
 * the prompt.
 *
 *     bench_choose STORE
 *
 * A store with scores of the ranker `examples` (choose.sh makes them). For models of several sizes on
 * one set: draw from a smaller one until a sample passes all examples, at most k, then choose; the
 * largest k whose expected cost is at most one sample of the largest, in FLOPs and in seconds (the
 * study's, by cost entry and profile paper-8xa100). Also: where none passes them all, take the largest
 * model's greedy answer and pay for it. Intervals: bootstrap over the problems; differences to that
 * greedy answer are paired.
 */
#include "ration.h"

#include "cost/cost.h"
#include "stat/boot.h"
#include "stat/votes.h"
#include "store/store.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_RUNS = 16, MAX_PROBLEMS = 1024, MAX_K = 40, RESAMPLES = 1000 };

static void die(int rc, const rn_err *err)
{
    if (rc == 0) return;
    fprintf(stderr, "bench_choose: %s\n", err->msg);
    exit(1);
}

typedef struct model {
    char name[96], cost[64];
    int64_t run_id, greedy_run_id, ranker_id;
    double flop, seconds;
    rn_votes votes[MAX_PROBLEMS];
    uint32_t n_known[MAX_PROBLEMS];
    double greedy[MAX_PROBLEMS];
    size_t n;
} model;

static model *models[MAX_RUNS];
static size_t n_models;

static model *model_named(const char *name)
{
    for (size_t i = 0; i < n_models; i++)
        if (strcmp(models[i]->name, name) == 0) return models[i];
    if (n_models == MAX_RUNS || !(models[n_models] = calloc(1, sizeof(model)))) exit(1);
    snprintf(models[n_models]->name, sizeof models[n_models]->name, "%s", name);
    return models[n_models++];
}

static int note_run(void *user, const rn_store_run_row *r)
{
    (void)user;
    model *m = model_named(r->model_name);
    snprintf(m->cost, sizeof m->cost, "%s", r->model_cost ? r->model_cost : "");
    *(strcmp(r->kind, "greedy") == 0 ? &m->greedy_run_id : &m->run_id) = r->run_id;
    return 0;
}

static int note_ranker(void *user, const rn_store_ranker_row *r)
{
    if (strstr(r->json, "\"by\":\"examples\"")) ((model *)user)->ranker_id = r->ranker_id;
    return 0;
}

/* ---- one model's samples --------------------------------------------------------------------- */

static uint16_t vote_at(rn_bytes votes, size_t i)
{
    const uint8_t *b = (const uint8_t *)votes.data + 2 * i;
    return (uint16_t)(b[0] | b[1] << 8);
}

static void load_problem(model *m, rn_arena *a, const rn_store_cell *cells, size_t from, size_t to,
                         const rn_store_grouping *g)
{
    const size_t n = to - from, at = m->n++;
    size_t n_inputs = 0;
    for (size_t i = from; i < to; i++)
        if (g->votes[i].len / 2 > RN_VOTES_HEAD + n_inputs)
            n_inputs = g->votes[i].len / 2 - RN_VOTES_HEAD;
    uint16_t *value = rn_arena_array(a, n * n_inputs + 1, sizeof *value);
    uint32_t *right = rn_arena_array(a, n, sizeof *right);
    uint8_t *pass = rn_arena_array(a, n, 1), *cut = rn_arena_array(a, n, 1);
    if (!value || !right || !pass || !cut) exit(1);
    for (size_t i = from; i < to; i++) {
        const rn_bytes v = g->votes[i];
        pass[i - from] = cells[i].verdict == RN_V_PASSED;
        cut[i - from] = cells[i].cut || v.len / 2 < RN_VOTES_HEAD;
        if (cut[i - from]) continue;
        right[i - from] = (uint32_t)g->part[i];
        m->n_known[at] = vote_at(v, RN_VOTES_KNOWN);
        for (size_t k = RN_VOTES_HEAD; k < v.len / 2; k++)
            value[(i - from) * n_inputs + k - RN_VOTES_HEAD] = vote_at(v, k);
    }
    m->votes[at] = (rn_votes){value, right, pass, cut, (int64_t)n, n_inputs};
}

static void load_model(rn_store *s, rn_arena *a, model *m)
{
    rn_store_cell *cells;
    rn_store_grouping g;
    size_t n, n_greedy = 0;
    rn_err err;
    die(rn_store_cells(s, m->run_id, 0, a, &cells, &n, &err), &err);
    die(rn_store_groups(s, m->run_id, m->ranker_id, a, n, &g, &err), &err);
    for (size_t i = 0, end; i < n && m->n < MAX_PROBLEMS; i = end) {
        for (end = i; end < n && cells[end].problem_id == cells[i].problem_id;)
            end++;
        load_problem(m, a, cells, i, end, &g);
    }
    if (m->greedy_run_id == 0) return;
    die(rn_store_cells(s, m->greedy_run_id, 0, a, &cells, &n_greedy, &err), &err);
    for (size_t i = 0; i < n_greedy && i < m->n; i++)
        m->greedy[i] = cells[i].verdict == RN_V_PASSED;
}

/* ---- stopping -------------------------------------------------------------------------------- */

/* Up to k of `m`, stopped at the first sample that passes all examples. `fallback`: where none does,
 * that model's greedy answer in place of the choice; met problems without an example are chosen. */
static void stop_at(const model *m, int64_t k, const model *fallback, double *score, double *draws,
                    double *asked)
{
    rn_err err;
    *draws = *asked = 0;
    for (size_t i = 0; i < m->n; i++) {
        rn_votes_stop at;
        die(rn_stat_votes_stop(&m->votes[i], m->n_known[i], k, 0, i, &at, &err), &err);
        score[i] = fallback ? at.met_pass + (1 - at.met) * fallback->greedy[i] : at.pass;
        *draws += at.draws / (double)m->n;
        *asked += (1 - at.met) / (double)m->n;
    }
}

static void print_row(const rn_boot *boot, const model *m, const model *big, const char *what,
                      int64_t k, const double *score, double cost)
{
    rn_interval at, diff;
    rn_err err;
    die(rn_stat_boot_interval(boot, score, 1, 0.95, &at, &err), &err);
    die(rn_stat_boot_paired(boot, score, big->greedy, 1, 0.95, &diff, NULL, &err), &err);
    printf("%-24s %-34s k <= %2lld  cost %.2f  %5.1f [%4.1f, %4.1f]  less %s greedy: %+5.1f "
           "[%+.1f, %+.1f]\n",
           m->name, what, (long long)k, cost, 100 * at.value, 100 * at.lo, 100 * at.hi, big->name,
           100 * diff.value, 100 * diff.lo, 100 * diff.hi);
}

static void rows_of(const rn_boot *boot, const model *m, const model *big)
{
    static double score[MAX_PROBLEMS], best[MAX_PROBLEMS];
    static const char *const what[] = {"else choose; one sample's FLOPs",
                                       "else choose; one sample's time",
                                       "else greedy of the largest; FLOPs"};
    for (int row = 0; row < 3; row++) {
        const bool time = row == 1;
        const double unit = time ? m->seconds / big->seconds : m->flop / big->flop;
        double draws, asked, cost = 0;
        int64_t most = 0;
        for (int64_t k = 1; k <= MAX_K; k++) {
            stop_at(m, k, row == 2 ? big : NULL, score, &draws, &asked);
            double now = draws * unit + (row == 2 ? asked : 0);
            if (now > 1) continue;
            most = k;
            cost = now;
            memcpy(best, score, sizeof best);
        }
        if (most) print_row(boot, m, big, what[row], most, best, cost);
    }
}

int main(int argc, char **argv)
{
    rn_store *s;
    rn_err err;
    rn_arena a = {0};
    if (argc < 2) {
        printf("choose.sh gives it a store\n");
        return 0;
    }
    die(rn_store_open(argv[1], RN_STORE_READ, &s, &err), &err);
    die(rn_store_each_run(s, note_run, NULL, &err), &err);
    rn_cost_book *book = rn_cost_book_new();
    model *big = NULL;
    for (size_t i = 0; i < n_models && book; i++) {
        model *m = models[i];
        const rn_cost *c = rn_cost_find(book, m->cost);
        rn_cost_time t;
        if (!m->run_id || !c || rn_cost_profile(book, RN_COST_STUDY_PROFILE, c, &t, &err)) continue;
        m->flop = rn_cost_flop(c);
        m->seconds = t.per_sample_s;
        die(rn_store_each_ranker(s, m->run_id, note_ranker, m, &err), &err);
        if (m->ranker_id) load_model(s, &a, m);
        if (m->n && m->greedy_run_id && (!big || m->flop > big->flop)) big = m;
    }
    rn_boot *boot = NULL;
    if (big) die(rn_stat_boot_new(big->n, RESAMPLES, 0, &boot, &err), &err);
    for (size_t i = 0; i < n_models && big; i++)
        if (models[i]->n == big->n && models[i] != big) rows_of(boot, models[i], big);
    rn_stat_boot_free(boot);
    rn_cost_book_free(book);
    rn_store_close(s);
    rn_arena_free(&a);
    for (size_t i = 0; i < n_models; i++)
        free(models[i]);
    return 0;
}
