/*
 * judge_work.c: from samples to verdicts.
 *
 * Samples are read in batches (bounded in number and bytes) over all runs, in their order. Within a
 * batch programs that are equal byte for byte are run once. A verdict is written in the transaction
 * that is open, and that is committed COMMIT_NS after it began: a kill loses less than a second.
 */
#include "run/judge_work.h"

#include "base/clock.h"
#include "base/hash.h"
#include "run/stage.h"
#include "run/program.h"

#include <math.h>
#include <stdlib.h>

enum { BATCH_SAMPLES = 65536, TABLE = 1 << 18, BATCH_BYTES = 256 << 20, MAX_NAMED = 5 };

static const int64_t commit_ns = 500000000;
static const double near_share = 0.8;

/* A program that is run once for all samples that share it. */
typedef struct program {
    const rn_problem *problem;
    rn_bytes text; /* in the batch's arena */
    uint8_t sha[RN_SHA256_BYTES];
    uint32_t first; /* its first sample; the others follow through `next` */
} program;

typedef struct due {
    int64_t sample_id, idx;
    uint32_t run;  /* index in w->runs */
    uint32_t next; /* next sample of the same program; UINT32_MAX: none */
} due;

typedef struct batch {
    rn_work *w;
    rn_arena arena;
    program *programs; /* [n_programs] */
    due *dues;         /* [n_dues] */
    uint32_t *table;   /* [TABLE] program number + 1, by hash; 0: empty */
    uint32_t n_programs, n_dues;
    size_t run;                 /* being read */
    int64_t last_ord, last_idx; /* of it; what comes after is still to be read */
    rn_buf code, source;
    int64_t begun_ns; /* of the open transaction; 0: none */
} batch;

double rn_work_cpu_limit_s(const rn_work *w, const rn_problem *p)
{
    if (w->limits.cpu_ns) return (double)w->limits.cpu_ns / 1e9;
    int64_t calibrated = w->limit_ns ? w->limit_ns[p - w->tasks->problems] : 0;
    if (calibrated) return (double)calibrated / 1e9;
    return rn_tests_cpu_s(p);
}

/* ---- a problem's tests as a job -------------------------------------------------------------- */

/* Waits for one result when the queue is full. */
static int submit(rn_work *w, const rn_problem *p, rn_bytes text, rn_arena *a, uint64_t tag,
                  rn_err *err)
{
    rn_judge_job job = {
        .program = text, .compare = w->compare, .all_cases = w->all_tests, .limits = w->limits};
    job.limits.cpu_ns = (int64_t)(rn_work_cpu_limit_s(w, p) * 1e9);
    int rc = rn_tests_job(p, a, &job, err);
    if (rc) return rc;
    return rn_judge_submit(w->judge, &job, tag, err);
}

/* ---- references ------------------------------------------------------------------------------ */

typedef struct reference {
    const rn_problem *p;
    size_t tried;
    rn_judge_result result;
} reference;

/* Submits the next reference solution of r->p; *sent is false when there is none. */
static int submit_reference(rn_work *w, reference *r, uint64_t tag, bool *sent, rn_err *err)
{
    *sent = r->tried < r->p->n_references && r->tried < 3;
    if (!*sent) return 0;
    rn_buf source = {0};
    rn_arena a = {0};
    rn_extracted what = {.found = true};
    rn_bytes code = rn_bytes_of(r->p->references[r->tried]);
    int rc = rn_program_build(r->p, code, &what, &source, err);
    if (!rc) rc = submit(w, r->p, rn_buf_view(&source), &a, tag, err);
    if (!rc) r->tried++;
    rn_buf_free(&source);
    rn_arena_free(&a);
    return rc;
}

static void set_limit(rn_work *w, const reference *r)
{
    if (w->calibrate <= 0 || r->result.verdict != RN_V_PASSED) return;
    double s = w->calibrate * (double)r->result.case_cpu_ns / 1e9;
    if (s < w->floor_s) s = w->floor_s;
    w->limit_ns[r->p - w->tasks->problems] = (int64_t)(s * 1e9);
}

/* Runs them all; a problem with several references is right if one of the first three is. */
static int run_references(rn_work *w, reference *refs, size_t n, rn_err *err)
{
    size_t sent = 0, done = 0;
    while (done < n) {
        if (rn_interrupted) return rn_fail(err, RN_ECANCELLED, "interrupted");
        while (sent < n) {
            bool yes = false;
            int rc = submit_reference(w, &refs[sent], sent, &yes, err);
            if (rc == RN_EBUSY) break;
            if (rc) return rc;
            if (!yes) {
                refs[sent].result.verdict = RN_V_NO_TESTS;
                done++;
            }
            sent++;
        }
        uint64_t tag;
        rn_judge_result res;
        int rc = rn_judge_wait(w->judge, 200, &tag, &res, err);
        if (rc < 0) return rc;
        if (rc == 0) continue;
        reference *r = &refs[tag];
        r->result = res;
        bool again = false;
        if (res.verdict != RN_V_PASSED && res.verdict != RN_V_NO_TESTS)
            rc = submit_reference(w, r, tag, &again, err);
        if (rc < 0) return rc;
        if (!again) done++;
    }
    return 0;
}

static int judge_references(rn_work *w, reference *refs, size_t n, bool public_set, rn_buf *notes,
                            rn_err *err)
{
    int rc = run_references(w, refs, n, err);
    if (rc) return rc;
    rn_buf bad = {0};
    size_t n_bad = 0, n_none = 0;
    for (size_t i = 0; i < n; i++) {
        const reference *r = &refs[i];
        set_limit(w, r);
        n_none += r->result.verdict == RN_V_NO_TESTS;
        if (r->result.verdict == RN_V_PASSED || r->result.verdict == RN_V_NO_TESTS) continue;
        const char *known = public_set ? rn_problem_known_bad(r->p) : NULL;
        if (known || w->keep_going)
            rn_buf_printf(notes, "reference of %s fails%s: %s\n", r->p->task_id,
                          known ? ", as is known" : "", known ? known : r->result.detail);
        else if (n_bad++ < MAX_NAMED)
            rn_buf_printf(&bad, "%s%s: %s (%s)", bad.len ? "; " : "", r->p->task_id,
                          rn_verdict_name(r->result.verdict), r->result.detail);
    }
    if (n_none) rn_buf_printf(notes, "%zu of %zu problems have no reference solution\n", n_none, n);
    if (n_bad)
        rc =
            rn_fail(err, RN_ELIMIT,
                    "%zu of %zu reference solutions fail, so verdicts would mean nothing here: %s. "
                    "Raise --cpu-limit or --memory if limits are the cause, mend the set, or go on "
                    "with --keep-going",
                    n_bad, n, bad.data);
    rn_buf_free(&bad);
    return rc;
}

static int mark_due(void *user, const rn_store_sample_row *r)
{
    bool *due_problems = ((void **)user)[0];
    const rn_taskset *tasks = ((void **)user)[1];
    const rn_problem *p = rn_taskset_find(tasks, r->task_id);
    if (p) due_problems[p - tasks->problems] = true;
    return 0;
}

int rn_work_references(rn_work *w, rn_buf *notes, rn_err *err)
{
    size_t n = w->tasks->n, n_refs = 0;
    bool *is_due = calloc(n + 1, sizeof *is_due);
    reference *refs = calloc(n + 1, sizeof *refs);
    w->limit_ns = rn_arena_array(&w->arena, n + 1, sizeof *w->limit_ns);
    int rc =
        is_due && refs && w->limit_ns ? 0 : rn_fail(err, RN_ENOMEM, "references: out of memory");
    void *user[2] = {is_due, (void *)(uintptr_t)w->tasks};
    for (size_t i = 0; !rc && i < w->n_runs; i++)
        rc = rn_store_each_sample(w->store, w->runs[i].run_id,
                                  w->recheck || w->all_limits ? 0 : w->runs[i].protocol_id, false,
                                  mark_due, user, err);
    for (size_t i = 0; !rc && i < n; i++)
        if (is_due[i]) refs[n_refs++].p = &w->tasks->problems[i];
    if (!rc)
        rc = judge_references(w, refs, n_refs, rn_set_find(w->tasks->name) != NULL, notes, err);
    free(is_due);
    free(refs);
    return rc;
}

/* ---- reading a batch ------------------------------------------------------------------------- */

static uint32_t find_program(batch *b, const rn_problem *p, rn_bytes text)
{
    uint8_t sha[RN_SHA256_BYTES];
    rn_sha256_of(text, sha);
    uint32_t h;
    memcpy(&h, sha, sizeof h);
    for (h = (h ^ (uint32_t)(p - b->w->tasks->problems)) % TABLE; b->table[h];
         h = (h + 1) % TABLE) {
        const program *q = &b->programs[b->table[h] - 1];
        if (q->problem == p && memcmp(q->sha, sha, sizeof sha) == 0) return b->table[h] - 1;
    }
    char *copy = rn_arena_dup(&b->arena, text.data ? text.data : "", text.len);
    if (!copy) return UINT32_MAX;
    program *q = &b->programs[b->n_programs];
    *q = (program){.problem = p, .text = {.data = copy, .len = text.len}, .first = UINT32_MAX};
    memcpy(q->sha, sha, sizeof sha);
    b->table[h] = ++b->n_programs;
    return b->n_programs - 1;
}

typedef struct reading {
    batch *b;
    rn_err *err;
} reading;

static int add_sample(void *user, const rn_store_sample_row *r)
{
    reading *rd = user;
    batch *b = rd->b;
    if (r->ord < b->last_ord || (r->ord == b->last_ord && r->x.idx <= b->last_idx)) return 0;
    if (b->n_dues == BATCH_SAMPLES || b->arena.used_bytes > BATCH_BYTES) return 1;
    const rn_work_run *run = &b->w->runs[b->run];
    const rn_problem *p = rn_taskset_find(b->w->tasks, r->task_id);
    if (!p)
        return rn_fail(rd->err, RN_ENOTFOUND, "run %lld has samples of %s, which is not in set %s",
                       (long long)run->run_id, r->task_id, b->w->tasks->name);
    rn_extracted what;
    rn_buf_clear(&b->code);
    rn_buf_clear(&b->source);
    int rc = rn_extract(run->extractor, run->preset, p, r->x.text, &b->code, &what, rd->err);
    if (!rc) rc = rn_program_build(p, rn_buf_view(&b->code), &what, &b->source, rd->err);
    if (rc) return rc;
    uint32_t at = find_program(b, p, rn_buf_view(&b->source));
    if (at == UINT32_MAX) return rn_fail(rd->err, RN_ENOMEM, "%s: out of memory", r->task_id);
    due *d = &b->dues[b->n_dues];
    *d = (due){.sample_id = r->sample_id,
               .idx = r->x.idx,
               .run = (uint32_t)b->run,
               .next = b->programs[at].first};
    b->programs[at].first = b->n_dues++;
    b->last_ord = r->ord;
    b->last_idx = r->x.idx;
    return 0;
}

/* Fills the batch from where the last one ended; empty when all is read. */
static int read_batch(batch *b, rn_err *err)
{
    b->n_dues = b->n_programs = 0;
    rn_arena_free(&b->arena);
    memset(b->table, 0, TABLE * sizeof *b->table);
    reading rd = {.b = b, .err = err};
    while (b->run < b->w->n_runs) {
        const rn_work_run *run = &b->w->runs[b->run];
        int rc =
            rn_store_each_sample(b->w->store, run->run_id, b->w->recheck ? 0 : run->protocol_id,
                                 true, add_sample, &rd, err);
        if (rc < 0) return rc;
        if (rc > 0) return 0; /* full */
        b->run++;
        b->last_ord = b->last_idx = -1;
    }
    return 0;
}

/* ---- judging a batch ------------------------------------------------------------------------- */

/* Limits that were hit are verdicts of their own. */
static bool is_near(rn_verdict verdict, double cpu_s, double limit_s)
{
    return rn_verdict_family(verdict) == 'P' && cpu_s >= near_share * limit_s;
}

static int commit_if_due(batch *b, bool now, rn_err *err)
{
    if (!b->begun_ns || (!now && rn_now_ns() - b->begun_ns < commit_ns)) return 0;
    b->begun_ns = 0;
    return rn_store_commit(b->w->store, err);
}

/* Gives every sample of the program its verdict. */
static int store_result(batch *b, const program *q, const rn_judge_result *r, rn_err *err)
{
    rn_work *w = b->w;
    rn_store_verdict v = {.verdict = r->verdict,
                          .n_tests = r->n_cases,
                          .n_passed = r->n_passed,
                          .failed_test = r->failed_case,
                          .cpu_ns = r->cpu_ns,
                          .wall_ns = r->wall_ns,
                          .peak_bytes = r->peak_bytes,
                          .detail = r->detail};
    memcpy(v.program_sha, q->sha, sizeof v.program_sha);
    int rc = 0;
    if (!b->begun_ns) {
        rc = rn_store_begin(w->store, err);
        b->begun_ns = rn_now_ns();
    }
    for (uint32_t i = q->first; !rc && i != UINT32_MAX; i = b->dues[i].next) {
        const due *d = &b->dues[i];
        v.sample_id = d->sample_id;
        v.protocol_id = w->runs[d->run].protocol_id;
        rc = rn_store_put_verdict(w->store, &v, err);
        w->n_ended_near +=
            is_near(r->verdict, (double)r->case_cpu_ns / 1e9, rn_work_cpu_limit_s(w, q->problem));
        w->n_judged++;
    }
    w->n_programs++;
    rn_progress_set(&w->progress, w->n_judged, NULL);
    return rc;
}

static int judge_batch(batch *b, rn_err *err)
{
    rn_work *w = b->w;
    uint32_t sent = 0, done = 0;
    int rc = 0;
    while (!rc && done < b->n_programs) {
        if (rn_interrupted) return rn_fail(err, RN_ECANCELLED, "interrupted");
        while (!rc && sent < b->n_programs) {
            rn_arena a = {0};
            rc = submit(w, b->programs[sent].problem, b->programs[sent].text, &a, sent, err);
            rn_arena_free(&a);
            if (rc == RN_EBUSY) {
                rc = 0;
                break;
            }
            if (!rc) sent++;
        }
        uint64_t tag;
        rn_judge_result r;
        int got = rc ? rc : rn_judge_wait(w->judge, 200, &tag, &r, err);
        if (got < 0) return got;
        if (got > 0) {
            rc = store_result(b, &b->programs[tag], &r, err);
            done++;
        }
        if (!rc) rc = commit_if_due(b, false, err);
    }
    return rc;
}

int rn_work_samples(rn_work *w, rn_err *err)
{
    batch b = {.w = w, .last_ord = -1, .last_idx = -1};
    b.programs = calloc(BATCH_SAMPLES, sizeof *b.programs);
    b.dues = calloc(BATCH_SAMPLES, sizeof *b.dues);
    b.table = calloc(TABLE, sizeof *b.table);
    int rc = b.programs && b.dues && b.table ? 0 : rn_fail(err, RN_ENOMEM, "judge: out of memory");
    do {
        if (!rc) rc = read_batch(&b, err);
        if (!rc) rc = judge_batch(&b, err);
        /* What is done is kept, whatever ended the batch. */
        rn_err late;
        int rc_commit = commit_if_due(&b, true, rc ? &late : err);
        if (!rc) rc = rc_commit;
    } while (!rc && b.n_dues);
    rn_arena_free(&b.arena);
    rn_buf_free(&b.code);
    rn_buf_free(&b.source);
    free(b.programs);
    free(b.dues);
    free(b.table);
    return rc;
}

/* ---- near the limit
 * -------------------------------------------------------------------------------------- */

typedef struct near_walk {
    rn_work *w;
    const rn_work_run *run;
    rn_err *err;
} near_walk;

static int note_near(void *user, const rn_store_timed_row *r)
{
    near_walk *n = user;
    rn_work *w = n->w;
    const rn_problem *p = rn_taskset_find(w->tasks, r->task_id);
    if (!p) return 0;
    double limit = rn_work_cpu_limit_s(w, p), cpu = (double)r->cpu_ns / 1e9;
    if (!is_near(r->verdict, cpu, limit)) return 0;
    if ((w->n_near & (w->n_near - 1)) == 0) { /* full at every power of two */
        size_t cap = w->n_near ? 2 * w->n_near : 1;
        rn_work_near *v = realloc(w->near, cap * sizeof *v);
        if (!v) return rn_fail(n->err, RN_ENOMEM, "samples near their limit: out of memory");
        w->near = v;
    }
    w->near[w->n_near++] = (rn_work_near){.task_id = p->task_id,
                                          .model = n->run->model,
                                          .run_id = n->run->run_id,
                                          .idx = r->idx,
                                          .cpu_s = cpu,
                                          .limit_s = limit,
                                          .verdict = r->verdict};
    return 0;
}

int rn_work_list_near(rn_work *w, rn_err *err)
{
    double least = INFINITY; /* of all limits: the rest need not be read */
    for (size_t i = 0; i < w->tasks->n; i++)
        least = fmin(least, rn_work_cpu_limit_s(w, &w->tasks->problems[i]));
    int64_t from = isfinite(least) ? (int64_t)(near_share * least * 1e9) : 0;
    for (size_t i = 0; i < w->n_runs; i++) {
        near_walk n = {.w = w, .run = &w->runs[i], .err = err};
        int rc = rn_store_each_timed(w->store, n.run->run_id, n.run->protocol_id, from, note_near,
                                     &n, err);
        if (rc) return rc;
    }
    return 0;
}

void rn_work_free(rn_work *w)
{
    free(w->near);
    rn_arena_free(&w->arena);
}
