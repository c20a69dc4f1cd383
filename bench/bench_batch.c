/*
 * bench_batch.c: how evenly `ration batch` shares a study, from the recorded time of every sample.
 *
 * For each number of nodes it lists the work as batch does, with the mean recorded time of each problem,
 * shares it with rn_units_balance, and lets every sample take a time that is drawn from the recorded
 * ones of its problem, which batch does not know. The tasks run on the nodes in order of submission, as
 * an array job's do, and each takes 2 s to start. Efficiency is the work divided by nodes times
 * makespan; the mean and the worst of DRAWS studies. "by count" takes every sample for equally long.
 *
 *   bench_batch [TIMES] STORE...     stores with verdicts; each sample stands for TIMES (20: the 2,000
 *                                    samples per problem of the study, from stores of 100)
 */
#include "base/rng.h"
#include "run/units.h"
#include "store/store.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_PROBLEMS = 8192, DRAWS = 10, MAX_NODES = 256 };
static const int node_counts[] = {16, 64, 256};
static const double start_s = 2.0; /* of a task: scheduling, copying its part, a warm interpreter */

typedef RN_VEC(double) times;

/* One problem of one run: the CPU time of each sample, by index. */
typedef struct problem {
    char id[128];
    times s;
    double sum;
} problem;

typedef struct study {
    int64_t times;
    problem *v; /* [MAX_PROBLEMS] */
    size_t n;
    double sum;
    int64_t n_samples, run_id;
} study;

static int take_row(void *user, const rn_store_timed_row *r)
{
    study *st = user;
    problem *p = st->n ? &st->v[st->n - 1] : NULL;
    if (!p || strcmp(p->id, r->task_id) != 0) {
        if (st->n == MAX_PROBLEMS) return 1;
        p = &st->v[st->n++];
        snprintf(p->id, sizeof p->id, "%s", r->task_id);
    }
    double s = (double)r->cpu_ns * 1e-9;
    rn_vec_push(&p->s, s);
    p->sum += s;
    st->sum += s;
    st->n_samples++;
    return 0;
}

typedef struct walk {
    rn_store *store;
    study *st;
} walk;

static int take_protocol(void *user, int64_t protocol_id, const char *json, int64_t n)
{
    walk *w = user;
    (void)json, (void)n;
    const rn_store_timed all = {.run_id = w->st->run_id, .protocol_id = protocol_id};
    return rn_store_each_timed(w->store, &all, take_row, w->st, NULL);
}

static int take_run(void *user, const rn_store_run_row *r)
{
    walk *w = user;
    w->st->run_id = r->run_id;
    return rn_store_each_protocol(w->store, r->run_id, 0, take_protocol, w, NULL);
}

/* What the samples [from, to) of problem i really take in one study. */
static double actual(const study *st, size_t i, const rn_unit *u, uint64_t draw)
{
    const problem *p = &st->v[i];
    double s = 0;
    rn_rng r;
    rn_rng_init(&r, draw, i, (uint32_t)u->from);
    for (int64_t k = u->from; k < u->to; k++)
        s += p->s.data[rn_rng_below(&r, p->s.n)];
    return s;
}

typedef struct schedule {
    double work, end; /* seconds: of all samples; when the last result is there */
} schedule;

/* Tasks in order, each on the node that is free first. */
static schedule run_tasks(const study *st, const rn_units *tasks, size_t n_tasks, int n_nodes,
                          uint64_t draw)
{
    double free_at[MAX_NODES] = {0};
    schedule x = {0};
    for (size_t t = 0; t < n_tasks; t++) {
        int first = 0;
        for (int k = 1; k < n_nodes; k++)
            if (free_at[k] < free_at[first]) first = k;
        double s = 0;
        for (size_t i = 0; i < tasks[t].v.n; i++) {
            const rn_unit *u = &tasks[t].v.data[i];
            s += actual(st, (size_t)u->run_id - 1, u, draw);
        }
        x.work += s;
        free_at[first] += start_s + s;
        x.end = fmax(x.end, free_at[first]);
    }
    return x;
}

static rn_units list_work(const study *st, bool by_cost)
{
    rn_units all = {0};
    for (size_t i = 0; i < st->n; i++) {
        int64_t n = (int64_t)st->v[i].s.n * st->times;
        rn_unit x = {.run_id = (int64_t)i + 1,
                     .task_id = st->v[i].id,
                     .to = n,
                     .n = n,
                     .seconds = by_cost ? st->v[i].sum * (double)st->times : (double)n};
        if (rn_units_add(&all, &x, NULL)) exit(1);
    }
    return all;
}

/* Prints efficiency, mean and worst. n_rounds 0: as many as batch --nodes takes. */
static void simulate(const study *st, bool by_cost, int n_nodes, size_t n_rounds)
{
    if (!n_rounds) n_rounds = rn_units_rounds(st->sum * (double)st->times, (size_t)n_nodes);
    size_t n_tasks = (size_t)n_nodes * n_rounds;
    rn_units all = list_work(st, by_cost), *tasks = calloc(n_tasks, sizeof *tasks);
    if (!tasks || rn_units_balance(&all, n_tasks, (size_t)n_nodes, tasks, NULL)) exit(1);
    double mean = 0, worst = 1;
    for (uint64_t d = 1; d <= DRAWS; d++) {
        schedule x = run_tasks(st, tasks, n_tasks, n_nodes, d);
        double e = x.work / (n_nodes * x.end);
        mean += e / DRAWS;
        worst = fmin(worst, e);
    }
    printf("   %5.1f (%5.1f) x%zu", 100 * mean, 100 * worst, n_rounds);
    fflush(stdout);
    for (size_t i = 0; i < n_tasks; i++)
        rn_units_free(&tasks[i]);
    rn_units_free(&all);
    free(tasks);
}

int main(int argc, char **argv)
{
    study st = {.v = calloc(MAX_PROBLEMS, sizeof *st.v), .times = 1};
    if (!st.v) return 1;
    int first = 1;
    if (argc > 1 && atoll(argv[1]) > 0) st.times = atoll(argv[first++]);
    for (int i = first; i < argc; i++) {
        walk w = {.st = &st};
        rn_err err = {0};
        if (rn_store_open(argv[i], RN_STORE_READ, &w.store, &err) ||
            rn_store_each_run(w.store, take_run, &w, &err)) {
            fprintf(stderr, "bench_batch: %s\n", err.msg);
            return 1;
        }
        rn_store_close(w.store);
    }
    if (!st.n) {
        printf("no verdicts to simulate with: bench_batch [TIMES] STORE...\n");
        return 0;
    }
    printf("%zu problems, %lld samples, %.0f s of CPU; %.0f s to start a task\n", st.n,
           (long long)(st.n_samples * st.times), st.sum * (double)st.times, start_s);
    printf("efficiency in %%, mean (worst) of %d draws, and tasks per node\n", DRAWS);
    printf("            by count, --tasks  by cost, --tasks   by cost, --nodes\n");
    for (size_t i = 0; i < sizeof node_counts / sizeof *node_counts; i++) {
        printf("%3d nodes", node_counts[i]);
        simulate(&st, false, node_counts[i], 1);
        simulate(&st, true, node_counts[i], 1);
        simulate(&st, true, node_counts[i], 0);
        printf("\n");
    }
    for (size_t i = 0; i < st.n; i++)
        rn_vec_free(&st.v[i].s);
    free(st.v);
    return 0;
}
