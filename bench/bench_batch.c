/*
 * bench_batch.c: how evenly `ration batch` shares a study, from the recorded time of every sample.
 *
 * For each number of nodes it lists the work as batch does, shares it with rn_units_balance, adds up
 * what each task would really take, and schedules the tasks on the nodes in order of submission, as
 * an array job is. Efficiency is the work divided by nodes times makespan. "by count" gives every
 * sample the same expected time; "by cost" the mean of its problem, as recorded before.
 *
 *   bench_batch [TIMES] STORE...     stores with verdicts; each sample stands for TIMES (20: the 2,000
 *                                    samples per problem of the study, from stores of 100)
 */
#include "run/units.h"
#include "store/store.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_PROBLEMS = 8192, TASKS_PER_NODE = 4 };
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
    return rn_store_each_timed(w->store, w->st->run_id, protocol_id, 0, take_row, w->st, NULL);
}

static int take_run(void *user, const rn_store_run_row *r)
{
    walk *w = user;
    w->st->run_id = r->run_id;
    return rn_store_each_protocol(w->store, r->run_id, take_protocol, w, NULL);
}

/* What the samples [from, to) of problem i really take. */
static double actual(const problem *p, int64_t from, int64_t to)
{
    double s = 0;
    for (int64_t k = from; k < to; k++)
        s += p->s.data[(size_t)k % p->s.n];
    return s;
}

static double task_time(const study *st, const rn_units *u)
{
    double s = start_s;
    for (size_t i = 0; i < u->v.n; i++)
        s += actual(&st->v[u->v.data[i].run_id - 1], u->v.data[i].from, u->v.data[i].to);
    return s;
}

/* Tasks in order, each on the node that is free first. */
static double makespan(const double *task, size_t n_tasks, int n_nodes)
{
    double free_at[512] = {0}, end = 0;
    for (size_t i = 0; i < n_tasks; i++) {
        int first = 0;
        for (int k = 1; k < n_nodes; k++)
            if (free_at[k] < free_at[first]) first = k;
        free_at[first] += task[i];
        end = fmax(end, free_at[first]);
    }
    return end;
}

/* Efficiency with `per_node` tasks a node. */
static double simulate(const study *st, bool by_cost, int n_nodes, int per_node)
{
    size_t n_tasks = (size_t)n_nodes * (size_t)per_node;
    rn_units all = {0}, *tasks = calloc(n_tasks, sizeof *tasks);
    double *time = calloc(n_tasks, sizeof *time), result = NAN;
    int rc = tasks && time ? 0 : -1;
    for (size_t i = 0; !rc && i < st->n; i++) {
        int64_t n = (int64_t)st->v[i].s.n * st->times;
        rn_unit x = {.run_id = (int64_t)i + 1,
                     .task_id = st->v[i].id,
                     .to = n,
                     .n = n,
                     .seconds = by_cost ? st->v[i].sum * (double)st->times : (double)n};
        rc = rn_units_add(&all, &x, NULL);
    }
    if (!rc) rc = rn_units_balance(&all, n_tasks, tasks, NULL);
    for (size_t i = 0; !rc && i < n_tasks; i++)
        time[i] = task_time(st, &tasks[i]);
    if (!rc) result = st->sum * (double)st->times / (n_nodes * makespan(time, n_tasks, n_nodes));
    for (size_t i = 0; tasks && i < n_tasks; i++)
        rn_units_free(&tasks[i]);
    rn_units_free(&all);
    free(tasks);
    free(time);
    return result;
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
    printf(
        "efficiency, %%      by count, 1 task   by cost, 1 task   by count, %d tasks   by cost, %d "
        "tasks per node\n",
        TASKS_PER_NODE, TASKS_PER_NODE);
    for (size_t i = 0; i < sizeof node_counts / sizeof *node_counts; i++)
        printf("%3d nodes %23.1f %17.1f %19.1f %18.1f\n", node_counts[i],
               100 * simulate(&st, false, node_counts[i], 1),
               100 * simulate(&st, true, node_counts[i], 1),
               100 * simulate(&st, false, node_counts[i], TASKS_PER_NODE),
               100 * simulate(&st, true, node_counts[i], TASKS_PER_NODE));
    for (size_t i = 0; i < st.n; i++)
        rn_vec_free(&st.v[i].s);
    free(st.v);
    return 0;
}
