/*
 * judge_batch.c: from samples to verdicts.
 *
 * Samples are read in batches (bounded in number and bytes) over all runs, in their order. Within a
 * batch programs that are equal byte for byte, or are known to do the same (equal.h), are run once.
 * A verdict is written in the transaction that is open, and that is committed commit_ns after it
 * began: a kill loses less than a second.
 */
#include "run/equal.h"
#include "run/judge_priv.h"

#include "base/clock.h"

enum { BATCH_SAMPLES = 65536, BATCH_BYTES = 256 << 20 };

static const int64_t commit_ns = 500000000;
static const double near_share = 0.8;

/* A program that is run once for all samples that share it. */
typedef struct program {
    const rn_problem *problem;
    rn_bytes text;  /* in the batch's arena */
    uint32_t first; /* its first sample; the others follow through `next` */
} program;

typedef struct due {
    int64_t sample_id;
    uint32_t run;  /* index in w->runs */
    uint32_t next; /* next sample of the same program; UINT32_MAX: none */
    bool no_code;  /* the extractor found none in the answer */
} due;

typedef struct batch {
    rn_work *w;
    rn_arena arena, job;
    RN_VEC(program) programs;
    RN_VEC(due) dues;
    rn_programs distinct; /* as programs */
    rn_equals equals;     /* as programs */
    signed char *blind;   /* [problems] whether tests see a program's text; -1: not yet known */
    size_t sent;
    size_t run;                 /* being read */
    int64_t last_ord, last_idx; /* of it; what comes after is still to be read */
    rn_buf code, source;
    int64_t begun_ns; /* of the open transaction; 0: none */
    rn_err *err;      /* of the walk */
} batch;

bool rn_work_is_near(rn_verdict verdict, double cpu_s, double limit_s)
{
    return limit_s > 0 && rn_verdict_family(verdict) == 'P' && cpu_s >= near_share * limit_s;
}

/* The modules that this machine lacks for a problem; NULL: none. */
static const char *lacks_of(const batch *b, const rn_problem *p)
{
    return b->w->lacks[p - b->w->tasks->problems];
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Whether programs for the problem that differ in their text alone are known to do the same. */
static bool may_be_equal(batch *b, const rn_problem *p)
{
    signed char *blind = &b->blind[p - b->w->tasks->problems];
    if (*blind >= 0) return *blind;
    bool yes =
        !p->language && !lacks_of(b, p) && rn_equals_blind(p->test) && rn_equals_blind(p->setup);
    for (size_t i = 0; yes && i < p->n_asserts; i++)
        yes = rn_equals_blind(p->asserts[i]);
    *blind = yes;
    return yes;
}

/* The index of the program that b->source is; SIZE_MAX when memory is out. */
static size_t find_program(batch *b, const rn_problem *p)
{
    uint8_t sha[RN_SHA256_BYTES];
    bool is_new;
    rn_bytes text = rn_buf_view(&b->source);
    rn_sha256_of(text, sha);
    size_t at = rn_programs_add(&b->distinct, (uint64_t)(p - b->w->tasks->problems), sha, &is_new);
    if (at == SIZE_MAX || !is_new) return at;
    assert(at == b->programs.n);
    char *copy = rn_arena_dup(&b->arena, text.data ? text.data : "", text.len);
    program q = {.problem = p, .text = {.data = copy, .len = text.len}, .first = UINT32_MAX};
    if (!copy || !rn_vec_push(&b->programs, q)) return SIZE_MAX;
    const uint64_t group = (uint64_t)(p - b->w->tasks->problems);
    return rn_equals_add(&b->equals, group, q.text, !may_be_equal(b, p)) ? at : SIZE_MAX;
}

static int add_sample(void *user, const rn_store_sample_row *r)
{
    batch *b = user;
    if (r->ord < b->last_ord || (r->ord == b->last_ord && r->x.idx <= b->last_idx)) return 0;
    if (b->dues.n == BATCH_SAMPLES || b->arena.used_bytes > BATCH_BYTES) return 1;
    const rn_work_run *run = &b->w->runs.data[b->run];
    const rn_problem *p = rn_taskset_find(b->w->tasks, r->task_id);
    if (!p)
        return rn_fail(b->err, RN_ENOTFOUND, "run %lld has samples of %s, which is not in set %s",
                       (long long)run->row.run_id, r->task_id, b->w->tasks->name);
    rn_buf_clear(&b->source);
    bool found = false;
    int rc = rn_recipe_program(&run->recipe, p, r->x.text, &b->code, &b->source, &found, b->err);
    if (rc) return rc;
    size_t at = find_program(b, p);
    if (at == SIZE_MAX) return rn_nomem(b->err, r->task_id);
    due d = {.sample_id = r->sample_id,
             .run = (uint32_t)b->run,
             .next = b->programs.data[at].first,
             .no_code = !found};
    if (!rn_vec_push(&b->dues, d)) return rn_nomem(b->err, "judge");
    b->programs.data[at].first = (uint32_t)(b->dues.n - 1);
    b->last_ord = r->ord;
    b->last_idx = r->x.idx;
    return 0;
}

/* Fills the batch from where the last one ended; empty when all is read. */
static int read_batch(batch *b, rn_err *err)
{
    b->dues.n = b->programs.n = b->sent = 0;
    rn_arena_free(&b->arena);
    rn_programs_clear(&b->distinct);
    rn_equals_clear(&b->equals);
    b->err = err;
    for (; b->run < b->w->runs.n; b->run++, b->last_ord = b->last_idx = -1) {
        int rc = rn_work_each_due(b->w, &b->w->runs.data[b->run], true, add_sample, b, err);
        if (rc < 0) return rc;
        if (rc > 0) break; /* full */
    }
    return rn_equals_ready(&b->equals) ? 0 : rn_nomem(err, "judge");
}

/* ---- judging --------------------------------------------------------------------------------- */

static int commit_if_due(batch *b, bool now, rn_err *err)
{
    if (!b->begun_ns || (!now && rn_now_ns() - b->begun_ns < commit_ns)) return 0;
    b->begun_ns = 0;
    return rn_store_commit(b->w->store, err);
}

/* The verdict under the base tests alone, of a job whose first cases they are. */
static rn_store_verdict base_verdict(const rn_problem *p, const rn_judge_result *r,
                                     const rn_store_verdict *all)
{
    const int64_t n = (int64_t)p->calls->n_base;
    rn_store_verdict v = *all;
    v.n_tests = n;
    if (v.n_passed > n) v.n_passed = n;
    if (r->failed_case < n) return v;
    v.verdict = RN_V_PASSED;
    v.failed_test = -1;
    v.detail = "";
    v.cpu_ns = v.wall_ns = -1; /* only the sum is known */
    return v;
}

/* Gives every sample of program `at` the verdict; `v` but for whose it is. */
static int store_samples(batch *b, size_t at, const rn_judge_result *r, rn_store_verdict v,
                         rn_err *err)
{
    rn_work *w = b->w;
    const program *q = &b->programs.data[at];
    double limit_s = rn_work_cpu_limit_s(w, q->problem);
    bool near = rn_work_is_near(r->verdict, (double)r->case_cpu_ns / 1e9, limit_s);
    memcpy(v.program_sha, b->distinct.keys.data[at].sha, sizeof v.program_sha);
    int rc = 0;
    for (uint32_t i = q->first; !rc && i != UINT32_MAX; i = b->dues.data[i].next) {
        v.sample_id = b->dues.data[i].sample_id;
        const rn_work_run *run = &w->runs.data[b->dues.data[i].run];
        const bool no_code = b->dues.data[i].no_code && r->verdict != RN_V_PASSED;
        v.detail = no_code ? RN_NO_CODE : r->detail;
        if (run->base_protocol_id) {
            rn_store_verdict base = base_verdict(q->problem, r, &v);
            base.protocol_id = run->base_protocol_id;
            rc = rn_store_put_verdict(w->store, &base, err);
            if (rc) break;
        }
        v.protocol_id = run->protocol_id;
        rc = rn_store_put_verdict(w->store, &v, err);
        w->out->n_ended_near += near;
        w->out->n_judged++;
        w->out->n_without_code += no_code;
    }
    return rc;
}

/* The verdict of a program, for all samples of it and of those that it stands for. */
static int store_result(void *user, uint64_t tag, const rn_judge_result *r, rn_err *err)
{
    batch *b = user;
    if (tag >> RN_EQUALS_TAG_BIT) {
        rn_equals_take(&b->equals, tag, r, rn_judge_text(b->w->judge));
        return 0;
    }
    const rn_store_verdict v = rn_verdict_row(r);
    int rc = 0;
    if (!b->begun_ns) {
        rc = rn_store_begin(b->w->store, err);
        b->begun_ns = rn_now_ns();
    }
    for (uint32_t i = (uint32_t)tag; !rc && i != UINT32_MAX; i = b->equals.all.data[i].twin)
        rc = store_samples(b, i, r, v, err);
    b->w->out->n_programs += r->verdict != RN_V_NO_LIBRARY;
    b->w->out->n_confirmed += r->confirmed;
    return rc;
}

static int next_job(void *user, rn_judge_job *job, uint64_t *tag, rn_err *err)
{
    batch *b = user;
    for (; b->sent < b->programs.n; b->sent++) {
        const char *lacks = lacks_of(b, b->programs.data[b->sent].problem);
        if (lacks) {
            rn_judge_result r = {.verdict = RN_V_NO_LIBRARY, .failed_case = -1, .peak_bytes = -1};
            snprintf(r.detail, sizeof r.detail, "not here: %s", lacks);
            int rc = store_result(b, b->sent, &r, err);
            if (rc) return rc;
            continue;
        }
        if (rn_equals_job(&b->equals, b->sent, job, tag)) return 1;
        const rn_equals_state state = rn_equals_settle(&b->equals, b->sent);
        if (state == RN_EQUALS_WAIT) return 0;
        if (state == RN_EQUALS_RUN) break;
    }
    if (b->sent == b->programs.n) return 0;
    const program *q = &b->programs.data[b->sent];
    rn_arena_free(&b->job);
    *tag = b->sent++;
    int rc = rn_work_job(b->w, q->problem, q->text, &b->job, job, err);
    return rc ? rc : 1;
}

static int tick(void *user, rn_err *err)
{
    batch *b = user;
    const rn_progress_step step = {"judge", "samples", b->w->out->n_judged, b->w->n_due, NULL};
    rn_watch_step(&b->w->o->watch, &step);
    int rc = commit_if_due(b, false, err);
    return rc ? rc : rn_watch_check(&b->w->o->watch, err);
}

int rn_work_samples(rn_work *w, rn_err *err)
{
    batch b = {.w = w, .last_ord = -1, .last_idx = -1};
    rn_pump pump = {
        .judge = w->judge, .next = next_job, .done = store_result, .tick = tick, .user = &b};
    b.blind = malloc(w->tasks->n + 1);
    if (!b.blind) return rn_nomem(err, "judge");
    memset(b.blind, -1, w->tasks->n + 1);
    int rc;
    do {
        rc = read_batch(&b, err);
        if (!rc) rc = rn_pump_run(&pump, err);
        /* What is done is kept, whatever ended the batch. */
        rn_err late;
        int rc_commit = commit_if_due(&b, true, rc ? &late : err);
        if (!rc) rc = rc_commit;
    } while (!rc && b.dues.n);
    rn_watch_end(&w->o->watch);
    rn_arena_free(&b.arena);
    rn_arena_free(&b.job);
    rn_buf_free(&b.code);
    rn_buf_free(&b.source);
    rn_vec_free(&b.programs);
    rn_vec_free(&b.dues);
    rn_programs_free(&b.distinct);
    rn_equals_free(&b.equals);
    free(b.blind);
    return rc;
}
