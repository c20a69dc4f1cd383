/*
 * bench_merge.c: a store of the study's size (664 problems x 2,000 samples of some 400 bytes) split
 * into 64 parts, judged, and merged: home (the verdicts are new), home again (nothing is), and into
 * a store that has none of it. Each part is checked before, as `ration batch` does. Beside them,
 * what this machine can do now: plain SQLite with the same pragmas that copies the same rows, table
 * by table, without looking at any. Prints one line per phase, each in a process of its own:
 * seconds, samples per second, peak memory. Limits: split 60 s; merge 100,000 samples/s, 1 GiB.
 *
 *     bench_merge [PROBLEMS [SAMPLES]]
 */
#include "base/clock.h"
#include "base/rng.h"
#include "store/merge.h"
#include "store/split.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PARTS = 64 };

static long n_problems = 664, n_samples = 2000;
static char dir[4096];

static void need(int rc, const rn_err *err)
{
    if (rc == 0) return;
    fprintf(stderr, "bench_merge: %s\n", err->msg);
    _exit(1);
}

static const char *in_dir(const char *name, int i)
{
    static char path[2][4200];
    static int next;
    next = !next;
    snprintf(path[next], sizeof path[next], "%s/%s%d.db", dir, name, i);
    return path[next];
}

static rn_store *open_store(const char *path, int mode)
{
    rn_err err;
    rn_store *s = NULL;
    need(rn_store_open(path, mode, &s, &err), &err);
    return s;
}

static void put_problem(rn_store *s, int64_t run, int64_t set, long p)
{
    static const char line[] =
        "    for i, item in enumerate(values):\n        seen.add((i, item))\n";
    rn_err err;
    char id[32], text[1024];
    int64_t problem, sample;
    snprintf(id, sizeof id, "P/%ld", p);
    rn_store_problem row = {set, p, id, "def solve(values):\n", -1};
    need(rn_store_put_problem(s, &row, &problem, &err), &err);
    for (long i = 0; i < n_samples; i++) {
        int n = snprintf(text, sizeof text, "    # attempt %ld of %ld\n", i, p);
        for (long k = 0; k < 3 + (i * 7 + p) % 5; k++)
            n += snprintf(text + n, sizeof text - (size_t)n, "%s", line);
        rn_store_sample x = {.run_id = run,
                             .problem_id = problem,
                             .idx = i,
                             .text = {text, (size_t)n},
                             .prompt_tok = 90,
                             .gen_tok = n / 4,
                             .finish = "stop",
                             .logprob = -20,
                             .wall_ns = 1000000,
                             .flop = 1e12};
        need(rn_store_put_sample(s, &x, &sample, NULL, &err), &err);
    }
}

static void make_whole(void)
{
    rn_err err;
    int64_t set, model, run;
    rn_store *s = open_store(in_dir("whole", 0), RN_STORE_CREATE);
    need(rn_store_begin(s, &err), &err);
    need(rn_store_put_set(s, &(rn_store_set){.name = "bench", .hash = "aa"}, &set, &err), &err);
    need(rn_store_put_model(s, &(rn_store_model){"m", "", ""}, &model, &err), &err);
    rn_store_run r = {set, model, "sample", "", "{\"temperature\":0.8}"};
    need(rn_store_put_run(s, &r, &run, &err), &err);
    for (long p = 0; p < n_problems; p++) {
        put_problem(s, run, set, p);
        need(rn_store_commit(s, &err), &err);
        need(rn_store_begin(s, &err), &err);
    }
    need(rn_store_commit(s, &err), &err);
    rn_store_close(s);
}

static void split_whole(void)
{
    rn_err err;
    rn_store *s = open_store(in_dir("whole", 0), RN_STORE_WRITE);
    rn_split_pick *picks = calloc((size_t)n_problems + 1, sizeof *picks);
    for (int i = 0; picks && i < PARTS; i++) {
        size_t n = 0;
        for (long p = i; p < n_problems; p += PARTS)
            picks[n++] = (rn_split_pick){1, p + 1, 0, INT64_MAX};
        rn_split_opts o = {.picks = picks, .n_picks = n, .texts = true, .task = "judge"};
        if (n) need(rn_split(s, in_dir("part", i), &o, NULL, &err), &err);
    }
    free(picks);
    rn_store_close(s);
}

static void judge_sample(rn_store *s, int64_t sample, int64_t protocol)
{
    rn_err err;
    rn_store_verdict v = {.sample_id = sample,
                          .protocol_id = protocol,
                          .verdict = sample % 3 ? RN_V_WRONG : RN_V_PASSED,
                          .n_tests = 1,
                          .failed_test = -1,
                          .cpu_ns = 1000000,
                          .wall_ns = 1000000,
                          .peak_bytes = 1 << 20,
                          .detail = "AssertionError"};
    memcpy(v.program_sha, &sample, sizeof sample);
    need(rn_store_put_verdict(s, &v, &err), &err);
}

/* Samples keep their ids in a part. */
static void judge_parts(void)
{
    rn_err err;
    int64_t protocol;
    for (int i = 0; i < PARTS; i++) {
        if (access(in_dir("part", i), F_OK)) continue;
        rn_store *s = open_store(in_dir("part", i), RN_STORE_WRITE);
        need(rn_store_begin(s, &err), &err);
        need(rn_store_put_protocol(s, "{\"cpu_s\":3}", &protocol, &err), &err);
        for (long p = i; p < n_problems; p += PARTS)
            for (long k = 0; k < n_samples; k++)
                judge_sample(s, p * n_samples + k + 1, protocol);
        need(rn_store_commit(s, &err), &err);
        rn_store_close(s);
    }
}

static void merge_into(const char *path)
{
    rn_err err;
    rn_merge_stats st = {0};
    rn_store *out = open_store(path, RN_STORE_CREATE);
    for (int i = 0; i < PARTS; i++) {
        if (access(in_dir("part", i), F_OK)) continue;
        rn_store *in = open_store(in_dir("part", i), RN_STORE_READ);
        need(rn_store_check(in, &err), &err);
        need(rn_merge(out, in, &(rn_merge_opts){0}, &st, &err), &err);
        rn_store_close(in);
    }
    rn_store_close(out);
    if (st.n_samples + st.n_present != n_problems * n_samples || st.n_conflicts) {
        fprintf(stderr, "bench_merge: %lld samples merged\n",
                (long long)(st.n_samples + st.n_present));
        _exit(1);
    }
}

static void merge_home(void)
{
    merge_into(in_dir("whole", 0));
}

/* As parts of nothing, so that a new store takes them. */
static void merge_anew(void)
{
    for (int i = 0; i < PARTS; i++) {
        sqlite3 *db = NULL;
        if (access(in_dir("part", i), F_OK)) continue;
        sqlite3_open(in_dir("part", i), &db);
        sqlite3_exec(db, "DELETE FROM about WHERE name = 'part_of'", NULL, NULL, NULL);
        sqlite3_close(db);
    }
    merge_into(in_dir("new", 0));
}

static void sql(sqlite3 *db, const char *text)
{
    char *why = NULL;
    if (sqlite3_exec(db, text, NULL, NULL, &why) == SQLITE_OK) return;
    fprintf(stderr, "bench_merge: %s: %s\n", text, why ? why : "");
    _exit(1);
}

/* The yardstick: what SQLite itself takes to copy these rows into tables and indexes like ours. */
static void copy_plainly(void)
{
    rn_err err;
    int64_t set; /* a store without anything would not stay */
    rn_store *s = open_store(in_dir("plain", 0), RN_STORE_CREATE);
    need(rn_store_put_set(s, &(rn_store_set){.name = "bench", .hash = "aa"}, &set, &err), &err);
    rn_store_close(s);
    sqlite3 *db = NULL;
    if (sqlite3_open(in_dir("plain", 0), &db)) _exit(1);
    sql(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -65536");
    for (int i = 0; i < PARTS; i++) {
        char attach[4300];
        if (access(in_dir("part", i), F_OK)) continue;
        snprintf(attach, sizeof attach, "ATTACH '%s' AS part", in_dir("part", i));
        sql(db, attach);
        sql(db,
            "BEGIN; INSERT INTO main.sample SELECT * FROM part.sample; INSERT INTO main.sample_text"
            " SELECT * FROM part.sample_text; INSERT INTO main.verdict SELECT * FROM part.verdict;"
            " COMMIT; DETACH part");
    }
    sqlite3_close(db);
}

static int measure(const char *label, void (*phase)(void))
{
    fflush(stdout);
    int64_t from = rn_now_ns();
    pid_t pid = fork();
    if (pid == 0) {
        phase();
        _exit(0);
    }
    int status = 0;
    struct rusage use;
    if (pid < 0 || wait4(pid, &status, 0, &use) < 0 || status) return 1;
    double s = (double)(rn_now_ns() - from) * 1e-9, n = (double)(n_problems * n_samples);
    double cpu = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
                 (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) * 1e-6;
    printf("%-34s %8.2f s %8.2f s cpu %10.0f samples/s %6.0f MiB\n", label, s, cpu, n / s,
           (double)use.ru_maxrss / 1024);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1) n_problems = strtol(argv[1], NULL, 10);
    if (argc > 2) n_samples = strtol(argv[2], NULL, 10);
    const char *tmp = getenv("TMPDIR");
    snprintf(dir, sizeof dir, "%s/ration-bench-XXXXXX", tmp ? tmp : "/tmp");
    if (n_problems < 1 || n_samples < 1 || !mkdtemp(dir)) return 2;
    printf("%ld samples, %d parts\n", n_problems * n_samples, PARTS);
    int bad = measure("make the whole", make_whole) || measure("split", split_whole) ||
              measure("judge the parts", judge_parts) ||
              measure("merge home: verdicts are new", merge_home) ||
              measure("merge home again: nothing changes", merge_home) ||
              measure("plain SQLite copies the rows", copy_plainly) ||
              measure("merge into a new store", merge_anew);
    char cmd[4200];
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
    return system(cmd) || bad;
}
