/*
 * host_confirm.c: which passes are confirmed, how, and what a child may have in its memory.
 *
 * A pass of a plain program (host_plain.c) stands. Any other is a claim:
 *
 *   1. apart     Tests and program run in processes apart (host_apart.c). They hold: confirmed. An
 *                object gave itself away: forged. They fail though only data crossed: step 4.
 *   2. helpers   Where objects crossed that cannot be copied, or where tests also call functions of
 *                the program other than the one under test, they run apart RUNS times more with
 *                every expected value altered, and none may hold, and as often as they are, and all
 *                must, in random order.
 *   3. altered   They failed apart and objects crossed that cannot be copied, or the tests set what
 *                a program finds in its process, so that step 1 showed nothing: tests and program
 *                run in one process, one expected constant altered, LEAST_ALTERED to MAX_ALTERED
 *                times. If an altered test holds all the same: forged. As many runs of the same
 *                making, but with nothing altered, lie between them in random order, and must hold.
 *                At the end the tests hold once more, and nothing that they use was changed
 *                (host_forge.c), unless by themselves.
 *   4. again     The first run is repeated. A program that now fails does so by chance, and that is
 *                its verdict; one that holds apart in another attempt fails by chance, too; one
 *                that holds only in the tests' company has forged its pass.
 *
 * Behind each run lies a pause of random length, up to twice that run's: a program
 * that ends at a chosen time of the clock does not tell the next run anything so. A steady program
 * (host_plain.c: it is confirmed for what the tests use of it) has no clock and no chance: it needs
 * no pauses, and of the runs with nothing altered one, in step 3: what it can tell by is how memory
 * is laid out there, which the text of an object or the order of a set of them shows.
 *
 * Each run is a fresh child with limits of its own, twice the program's, so that a program near its
 * limit is not judged by the price of confirming it; times in the result are the first run's.
 *
 * A job lies in memory that children do not inherit (MADV_DONTFORK), but for the program and the
 * entry's name; a run that needs the tests is cloned with the mark taken away. So the expected
 * output of a STDIO case is in no child at all.
 */
#include "judge/host.h"

#include "base/clock.h"

#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

enum { LEAST_ALTERED = 3, MAX_ALTERED = 6, MAX_APART = 3, RUNS = 2 };

/* ---- memory of a job ------------------------------------------------------------------------- */

typedef struct region {
    char *data;
    size_t cap;
} region;

static region secret, open_text; /* the whole job; program and entry */

/* Zeroed room for `len` bytes; what was there before is gone from memory. */
static bool renew(region *r, size_t len, bool hidden)
{
    if (len > r->cap) {
        size_t cap = (len | 0xffff) + 1;
        if (r->data) munmap(r->data, r->cap);
        r->cap = 0;
        r->data = mmap(NULL, cap, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (r->data == MAP_FAILED) {
            r->data = NULL;
            return false;
        }
        r->cap = cap;
        if (hidden && madvise(r->data, cap, MADV_DONTFORK)) return false;
        return true;
    }
    return r->cap == 0 || madvise(r->data, r->cap, MADV_DONTNEED) == 0;
}

static size_t spare_at; /* behind the job: room for the code of its tests */

char *rn_secret_room(size_t len)
{
    spare_at = len + 1;
    return renew(&secret, spare_at + RN_TESTS_BYTES, true) ? secret.data : NULL;
}

bool rn_secret_open(rn_judge_job *job)
{
    size_t entry = job->entry ? strlen(job->entry) + 1 : 0;
    if (!renew(&open_text, job->program.len + entry + 1, false)) return false;
    if (job->program.len) memcpy(open_text.data, job->program.data, job->program.len);
    if (entry) job->entry = memcpy(open_text.data + job->program.len + 1, job->entry, entry);
    job->program.data = open_text.data;
    return true;
}

struct rn_secret_kept {
    region secret, open_text;
    size_t spare_at;
};

rn_secret_kept *rn_secret_keep_job(void)
{
    rn_secret_kept *k = malloc(sizeof *k);
    if (!k) return NULL;
    /* Neither tests nor program are for those that run meanwhile. */
    rn_secret_keep();
    if (open_text.cap) madvise(open_text.data, open_text.cap, MADV_DONTFORK);
    *k = (rn_secret_kept){.secret = secret, .open_text = open_text, .spare_at = spare_at};
    secret = open_text = (region){0};
    return k;
}

void rn_secret_go_on(rn_secret_kept *k)
{
    if (secret.cap) munmap(secret.data, secret.cap);
    if (open_text.cap) munmap(open_text.data, open_text.cap);
    secret = k->secret;
    open_text = k->open_text;
    if (open_text.cap) madvise(open_text.data, open_text.cap, MADV_DOFORK);
    spare_at = k->spare_at;
    free(k);
}

void rn_secret_keep(void)
{
    if (secret.cap) madvise(secret.data, secret.cap, MADV_DONTFORK);
}

void rn_secret_wipe(void)
{
    if (secret.cap) madvise(secret.data, secret.cap, MADV_DONTNEED);
    secret.cap = 0; /* once is enough */
}

void rn_secret_lost(void)
{
    secret = (region){0};
    rn_tests_lost();
}

int rn_secret_run(rn_confine *c, const rn_task *task, rn_outcome *o, rn_err *err)
{
    const bool stdio = task->job->mode == RN_JUDGE_STDIO;
    if (secret.cap) rn_tests_lend(task, secret.data + spare_at);
    if (!stdio && secret.cap) madvise(secret.data, secret.cap, MADV_DOFORK);
    rn_plain_reset();
    int rc = rn_watch_run(c, task, o, err);
    rn_secret_keep();
    if (!rc || rc == RN_SET_ASIDE) rn_tests_keep(task);
    return rc;
}

/* glibc overwrites what is freed while M_PERTURB is set, but for the small pieces that a thread
 * keeps at hand, up to 7 of a size up to 1032 bytes: those are taken out and overwritten here. */
void rn_secret_heap(bool begin)
{
    enum { STEP = 16, LARGEST = 1032, KEPT = 7 };
    if (begin) {
        mallopt(M_PERTURB, 0x5a);
        return;
    }
    for (size_t size = 24; size <= LARGEST; size += STEP) {
        void *taken[KEPT];
        for (int i = 0; i < KEPT; i++)
            if ((taken[i] = malloc(size))) explicit_bzero(taken[i], size);
        for (int i = 0; i < KEPT; i++)
            free(taken[i]);
    }
    mallopt(M_PERTURB, 0);
}

/* ---- confirming ------------------------------------------------------------------------------ */

typedef struct pass {
    const rn_claim *claim;
    rn_judge_job job; /* with the limits of a confirming run */
    rn_verdict *verdict;
    char *detail; /* [256] */
} pass;

static pass pass_of(const rn_claim *c, rn_verdict *v, char *detail)
{
    const int64_t second = 1000000000;
    pass p = {.claim = c, .job = *c->job, .verdict = v, .detail = detail};
    rn_judge_limits *l = &p.job.limits;
    l->cpu_ns = 2 * l->cpu_ns + second;
    l->wall_ns = 2 * l->wall_ns + second;
    l->memory_bytes += l->memory_bytes / 2 + (64 << 20);
    l->processes += 1;
    return p;
}

static void say(const pass *p, rn_verdict v, const char *detail)
{
    *p->verdict = v;
    if (detail != p->detail) snprintf(p->detail, 256, "%.250s", detail);
}

/* One run. *v: its verdict as any run's, *o: its outcome. */
static int run(const pass *p, rn_how how, int k, rn_verdict *v, rn_outcome *o, rn_err *err)
{
    const rn_claim *c = p->claim;
    const rn_task task = {.job = &p->job, .case_no = c->case_no, .how = how, .altered = k};
    char detail[256] = "";
    int rc = rn_secret_run(c->c, &task, o, err);
    if (rc) return rc;
    *v = c->decide(o, &p->job, detail);
    memcpy(o->record.detail, detail, sizeof detail);
    return 0;
}

static uint32_t random_below(uint32_t n)
{
    uint32_t v = 0;
    if (getrandom(&v, sizeof v, 0) != (ssize_t)sizeof v) v = (uint32_t)rn_now_ns();
    return v % n;
}

/* Behind a run that took so long. */
static void pause_behind(const rn_claim *c, int64_t wall_ns)
{
    if (c->steady) return;
    const int64_t most_us = 2 * wall_ns / 1000;
    if (most_us > 0) usleep(random_below(most_us < 20000000 ? (uint32_t)most_us + 1 : 20000000));
}

/* What a run apart showed. */
static rn_verdict shown(const rn_outcome *o, rn_verdict v)
{
    if (o->have_record) return (rn_verdict)o->record.verdict;
    return v == RN_V_EXITED || v == RN_V_CRASHED ? RN_V_WRONG : v;
}

/* Step 4. `found`: why the run apart failed. */
static int run_again(const pass *p, const char *found, rn_err *err)
{
    rn_verdict v;
    rn_outcome o;
    int rc = run(p, RN_RUN_AGAIN, 0, &v, &o, err);
    if (rc) return rc;
    if (v != RN_V_PASSED && v != RN_V_FORGED) {
        say(p, v, o.record.detail);
        return 0;
    }
    say(p, RN_V_FORGED, found);
    for (int i = 1; i < MAX_APART; i++) {
        pause_behind(p->claim, o.wall_ns);
        rc = run(p, RN_RUN_APART, 0, &v, &o, err);
        if (rc) return rc;
        if (shown(&o, v) == RN_V_WRONG) continue;
        if (shown(&o, v) == RN_V_PASSED) say(p, RN_V_WRONG, "the tests hold in some runs only");
        break;
    }
    return rc;
}

static int times_altered(int n)
{
    return n < LEAST_ALTERED ? LEAST_ALTERED : n < MAX_ALTERED ? n : MAX_ALTERED;
}

/* Step 3: `left` runs with an altered assertion of the n, and so many controls. *p->verdict becomes
 * FORGED if one holds that is altered, or what a control ended with. */
static int run_altered(const pass *p, int n, int left, int controls, rn_err *err)
{
    rn_verdict v;
    rn_outcome o;
    int unit = (int)random_below((uint32_t)n);
    while (left + controls > 0) {
        const bool control = random_below((uint32_t)(left + controls)) < (uint32_t)controls;
        int rc = run(p, RN_RUN_ALTERED, control ? -1 : unit % n, &v, &o, err);
        if (rc) return rc;
        if (v == RN_V_SANDBOX || (control && v != RN_V_PASSED)) {
            say(p, v, o.record.detail);
            return 0;
        }
        if (!control && (v == RN_V_PASSED || v == RN_V_FORGED)) {
            say(p, RN_V_FORGED, "a test with an altered constant held, too");
            return 0;
        }
        controls -= control;
        left -= !control;
        unit += !control;
        pause_behind(p->claim, o.wall_ns);
    }
    return 0;
}

/* Step 2. */
static int run_helpers(const pass *p, rn_err *err)
{
    rn_verdict v;
    rn_outcome o;
    for (int altered = RUNS, controls = p->claim->steady ? 0 : RUNS; altered + controls > 0;) {
        const bool control = random_below((uint32_t)(altered + controls)) < (uint32_t)controls;
        int rc = run(p, control ? RN_RUN_APART : RN_RUN_APART_ALTERED, 0, &v, &o, err);
        if (rc) return rc;
        v = shown(&o, v);
        if (v == RN_V_FORGED || (control && v != RN_V_PASSED)) {
            say(p, v, o.record.detail);
            return 0;
        }
        controls -= control;
        altered -= !control;
        pause_behind(p->claim, o.wall_ns);
    }
    return 0;
}

/* What the runs apart showed. */
typedef struct findings {
    rn_verdict v; /* PASSED; FORGED; EXCEPTION: nothing; WRONG: not what it claims; a limit */
    int n;        /* tests that can be altered */
    char detail[256];
} findings;

/* Steps 1 and 2. */
static int run_apart(const rn_claim *c, findings *a, rn_err *err)
{
    const pass p = pass_of(c, &a->v, a->detail);
    rn_verdict v;
    rn_outcome o;
    int rc = run(&p, RN_RUN_APART, 0, &v, &o, err);
    if (rc) return rc;
    v = shown(&o, v);
    const bool ended = v == RN_V_WRONG && !o.have_record;
    say(&p, v, ended ? "the tests held, but not in processes apart" : o.record.detail);
    a->n = o.have_record ? o.record.n_run : 0;
    if (a->v == RN_V_PASSED && o.record.n_passed && a->n > 0) {
        pause_behind(c, o.wall_ns);
        return run_helpers(&p, err);
    }
    return 0;
}

/* Step 3's last look. */
static int run_once_more(const pass *p, rn_err *err)
{
    rn_verdict v;
    rn_outcome o;
    int rc = run(p, RN_RUN_AGAIN, 0, &v, &o, err);
    if (!rc && v != RN_V_PASSED) say(p, v, o.record.detail);
    return rc;
}

int rn_confirm_pass(const rn_claim *c, rn_verdict *v, char detail[256], rn_err *err)
{
    findings found = {0}, *a = &found;
    pause_behind(c, c->wall_ns);
    int rc = run_apart(c, a, err);
    if (rc) return rc;
    const pass p = pass_of(c, v, detail);
    if (a->v == RN_V_PASSED) return 0;
    if (a->v == RN_V_WRONG) return run_again(&p, a->detail, err);
    if (a->v != RN_V_EXCEPTION) {
        say(&p, a->v, a->detail); /* forged; a limit, or the sandbox */
        return 0;
    }
    const int times = times_altered(a->n);
    if (a->n > 0) rc = run_altered(&p, a->n, times, c->steady ? 1 : times, err);
    return rc || *v != RN_V_PASSED ? rc : run_once_more(&p, err);
}
