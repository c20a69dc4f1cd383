/*
 * host_worker.c: several programs in one child, one after the other.
 *
 * A fork and the page faults behind it are most of what a short program costs. A child whose
 * program could leave nothing behind stays, and takes the next one. What it takes it compiles and
 * reads, and runs only if that, too, leaves no trace; else it says so, nothing has been run, and
 * the program gets a child of its own.
 *
 *   - No trace: program and tests are plain and steady (host_plain.c) and make no class, set no
 *     attribute and name nothing of the library that keeps what was done with it. Such code has no
 *     way to another program's objects, to the process or to its memory.
 *   - Each program has names of its own, and streams that were flushed or are new. What it made is
 *     not released, and out of the collector's sight: nothing of it runs again.
 *   - The child ends with a program that did anything but pass, fail or raise; that made a type or
 *     changed a dictionary of the language or the library (host_forge.c); that used much time or
 *     memory; and after MOST programs.
 *   - A child that dies under a program, unless at the program's time limit, decides nothing: the
 *     program is run again in a child of its own.
 *
 * The order for the next program lies in memory that host and child share and no other child gets.
 * One byte over a socket says that it is there, one byte back that it is done or declined.
 */
#include "judge/host.h"

#include "base/clock.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    AREA = 1 << 20,
    MOST = 500,
    MOST_CASES = RN_JUDGE_MAX_VALUES, /* >= RN_MAX_MANY */
    MOST_MORE_BYTES = 24 << 20,       /* than after the first program */
};
static const int64_t MOST_NS = 1000000000; /* of processor time, far below the kernel's own limit */

typedef struct order {
    uint8_t nonce[RN_NONCE_BYTES];
    rn_judge_mode mode;
    rn_compare compare; /* VALUES */
    bool many, all_cases, has_entry;
    uint64_t tests_id;
    size_t program_len, entry_len, tests_len, n_cases;
    size_t input_len[MOST_CASES], expected_len[MOST_CASES];
    char text[]; /* program, entry, inputs, VALUES: what is expected, code of the tests */
} order;

static order *area; /* [AREA], MADV_DONTFORK but for the child that stays; NULL: not yet made */
static bool off;    /* in a copy of the host: large packages leave traces */

/* ---- in the host ----------------------------------------------------------------------------- */

bool rn_worker_room(bool lend)
{
    if (!area) {
        void *p = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED) return false;
        area = p;
    }
    return madvise(area, AREA, lend ? MADV_DOFORK : MADV_DONTFORK) == 0;
}

void rn_worker_renew(void)
{
    if (area) munmap(area, AREA);
    area = NULL;
}

void rn_worker_lost(void)
{
    off = true;
    area = NULL;
    rn_watch_lost();
}

static char *put(char *at, rn_bytes b)
{
    if (b.len) memcpy(at, b.data, b.len);
    return at + b.len;
}

/* False: it has no room there. */
static bool write_order(const rn_task *task)
{
    const rn_judge_job *job = task->job;
    size_t len = sizeof *area + job->program.len + RN_TESTS_BYTES;
    const bool values = job->mode == RN_JUDGE_VALUES;
    if (job->n_cases > MOST_CASES) return false;
    for (size_t i = 0; i < job->n_cases && len < AREA; i++)
        len += job->cases[i].input.len + (values ? job->cases[i].expected.len : 0);
    const rn_bytes entry = rn_bytes_of(job->entry ? job->entry : "");
    if (len + entry.len + 1 > AREA || (!area && !rn_worker_room(false))) return false;
    *area = (order){.mode = job->mode,
                    .compare = job->compare,
                    .many = task->many,
                    .all_cases = job->all_cases,
                    .has_entry = job->entry != NULL,
                    .program_len = job->program.len,
                    .entry_len = entry.len,
                    .n_cases = job->n_cases};
    char *at = put(area->text, job->program);
    at = put(at, entry);
    *at++ = '\0';
    for (size_t i = 0; i < job->n_cases; i++) {
        area->input_len[i] = job->cases[i].input.len;
        area->expected_len[i] = job->cases[i].expected.len;
        at = put(at, job->cases[i].input);
        if (values) at = put(at, job->cases[i].expected);
    }
    rn_tests_lend(task, at);
    area->tests_len = rn_tests_now().code.len;
    area->tests_id = rn_tests_now().id;
    return true;
}

void rn_worker_seal(const uint8_t nonce[RN_NONCE_BYTES])
{
    memcpy(area->nonce, nonce, RN_NONCE_BYTES);
}

/* Words that the child would decline anyway. */
static bool is_hopeless(const rn_judge_job *job)
{
    static const char *const words[] = {"class ", "random", "open("};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (rn_bytes_find(job->program, rn_bytes_of(words[i]), 0) != SIZE_MAX) return true;
    return false;
}

int rn_worker_run(rn_confine *c, const rn_task *task, rn_outcome *o, rn_err *err)
{
    const rn_judge_mode mode = task->job->mode;
    const bool may = !off && c->pid_ns && task->how == RN_RUN_FIRST &&
                     task->stage == RN_STAGE_PYTHON &&
                     (mode == RN_JUDGE_SCRIPT || (mode == RN_JUDGE_STDIO && task->many) ||
                      (mode == RN_JUDGE_VALUES && task->case_no == 0));
    if (!may || is_hopeless(task->job)) return rn_secret_run(c, task, o, err);
    const bool there = rn_watch_has_worker(c, task);
    if (there && write_order(task)) {
        rn_plain_reset();
        const int rc = rn_watch_turn(c, task, o, err);
        if (!rc || rc == RN_SET_ASIDE) rn_tests_keep(task);
        if (rc != RN_ENOTFOUND) return rc;
    }
    rn_task own = *task;
    own.stays = !rn_watch_has_worker(c, task);
    return rn_secret_run(c, &own, o, err);
}

/* ---- in the child ---------------------------------------------------------------------------- */

static bool stays;    /* this child takes further programs */
static bool fit;      /* the present one leaves no trace */
static bool declined; /* it is not run here */
static bool ended;    /* it did as a program does that leaves none */
static int n_run;
static int64_t begun_ns, first_bytes;

void rn_worker_begin(bool may_stay)
{
    stays = may_stay;
}

bool rn_worker_takes(bool traceless)
{
    fit = stays && traceless;
    declined = stays && !fit && n_run > 0;
    rn_plain_hold(fit);
    if (stays && !fit && !declined) { /* what it runs may reach anything that is here */
        stays = false;
        close(RN_TURN_FD);
        munmap(area, AREA);
        area = NULL;
    }
    return !declined;
}

bool rn_worker_stays(void)
{
    return stays;
}

bool rn_worker_follows(void)
{
    return stays && n_run > 0;
}

void rn_worker_ended(bool well)
{
    ended = fit && well && !rn_forge_touched();
}

bool rn_worker_declined(void)
{
    return declined;
}

static int64_t most_bytes(void)
{
    struct rusage u;
    return getrusage(RUSAGE_SELF, &u) ? INT64_MAX : (int64_t)u.ru_maxrss * 1024;
}

void rn_worker_used(rn_record *r)
{
    if (!stays) return;
    r->all_cpu_ns = rn_thread_cpu_ns();
    r->cpu_ns = r->all_cpu_ns - begun_ns;
    r->peak_bytes = most_bytes();
    if (n_run++ == 0) first_bytes = r->peak_bytes;
    if (n_run >= MOST || r->all_cpu_ns >= MOST_NS || r->peak_bytes > first_bytes + MOST_MORE_BYTES)
        stays = false;
}

/* Points the parts of the order into the area. */
static void read_order(rn_task *task)
{
    static rn_judge_job job;
    static rn_judge_case cases[MOST_CASES];
    const char *at = area->text;
    const bool values = area->mode == RN_JUDGE_VALUES;
    job = (rn_judge_job){.mode = area->mode,
                         .compare = area->compare,
                         .program = {.data = at, .len = area->program_len},
                         .cases = cases,
                         .n_cases = area->n_cases,
                         .all_cases = area->all_cases};
    at += area->program_len;
    job.entry = area->has_entry ? at : NULL;
    at += area->entry_len + 1;
    for (size_t i = 0; i < area->n_cases; i++) {
        cases[i] = (rn_judge_case){.input = {.data = at, .len = area->input_len[i]},
                                   .expected = {.len = area->expected_len[i]}};
        at += area->input_len[i];
        if (!values) continue;
        cases[i].expected.data = at;
        at += area->expected_len[i];
    }
    rn_tests_take((rn_tests_lent){{.data = at, .len = area->tests_len}, area->tests_id});
    *task = (rn_task){.job = &job, .many = area->many, .stays = true};
}

void rn_worker_wipe(void)
{
    if (n_run == 0 || area->mode != RN_JUDGE_SCRIPT) return;
    char *tests = area->text + area->program_len + area->entry_len + 1;
    size_t len = area->tests_len;
    for (size_t i = 0; i < area->n_cases; i++)
        len += area->input_len[i];
    explicit_bzero(tests, len);
}

bool rn_worker_next(rn_task *task, uint8_t nonce[RN_NONCE_BYTES])
{
    char word = declined ? RN_TURN_DECLINED : RN_TURN_DONE;
    const bool clean = declined || (ended && rn_run_flush());
    if (!stays || !clean) return false;
    fit = declined = ended = false;
    if (write(RN_TURN_FD, &word, 1) != 1) return false;
    if (!rn_run_settle()) return false;
    if (read(RN_TURN_FD, &word, 1) != 1) return false;
    begun_ns = rn_thread_cpu_ns();
    memcpy(nonce, area->nonce, RN_NONCE_BYTES);
    explicit_bzero(area->nonce, RN_NONCE_BYTES);
    read_order(task);
    return true;
}
