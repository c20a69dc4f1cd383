/*
 * judge.c: the queue of programs over the host processes.
 *
 * A host holds up to two jobs, so that it never waits for this thread. When the queue is empty, an
 * idle host gets a copy of a job that waits behind another; the first result counts. A sandbox
 * failure is tried again (MAX_TRIES in all), a starved program alone, with nothing else under way.
 * What still fails is put to the proof: a known-good program runs in its place. If that passes, the
 * failures were the program's own doing (RN_V_CRASHED); else they are the sandbox's and reported as
 * RN_V_SANDBOX, never as a wrong answer.
 *
 * While others wait, a host sets a program aside that has run for half a second, where that changes
 * nothing for it (host_watch.c): it stands still, and goes on when the queue is empty. So what
 * takes long is finished last.
 */
#include "judge/judge.h"

#include "base/clock.h"
#include "judge/lang.h"
#include "judge/spawn.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

enum {
    MAX_JOBS = 256,
    QUEUED_PER_HOST = 64,
    ASIDE_PER_HOST = 256,
    MORE_ASIDE = 2, /* than a host with fewer: hosts finish them side by side */
    MAX_TRIES = 3,
    MAX_COMMAND = 32768
};

typedef enum state { FREE, QUEUED, SENT, ASIDE, DONE } state;

typedef struct slot {
    state state;
    uint32_t generation; /* tells results of a former use of the slot */
    uint64_t tag;
    rn_buf msg; /* the job as it goes over the wire */
    int tries, copies;
    int host;             /* ASIDE: the index of that which keeps the rest */
    uint64_t aside_order; /* of those set aside; 0: not yet */
    bool alone;           /* nothing else was under way in its last try */
    bool command;
    bool proving;    /* the known-good program runs in its place; `result` is its own failure */
    int64_t hard_ns; /* the longest that it can take */
    rn_judge_result result;
    rn_judge_value *values; /* [RN_JUDGE_MAX_VALUES], made for the slot's first VALUES job */
    bool wants_values;
    rn_buf text; /* of a RECORD or KEYS job */
} slot;

typedef struct ring {
    uint32_t *v; /* [cap] slot numbers */
    size_t cap, head, n;
} ring;

struct rn_judge {
    rn_judge_limits limits;
    char path[RN_WIRE_PATH];
    rn_host *hosts; /* [n_hosts] */
    int n_hosts;
    slot *slots; /* [n_slots] */
    size_t n_slots, n_used, n_aside;
    uint64_t n_set_aside; /* so far */
    ring queue, done, unused, alone;
    rn_judge_value values[RN_JUDGE_MAX_VALUES]; /* of the last result */
    rn_buf text;
};

/* ---- rings ----------------------------------------------------------------------------------- */

static bool ring_init(ring *r, size_t cap)
{
    r->v = calloc(cap, sizeof *r->v);
    r->cap = cap;
    return r->v != NULL;
}

static void push(ring *r, uint32_t x)
{
    r->v[(r->head + r->n++) % r->cap] = x;
}

static uint32_t pop(ring *r)
{
    uint32_t x = r->v[r->head];
    r->head = (r->head + 1) % r->cap;
    r->n--;
    return x;
}

/* ---- opening and closing --------------------------------------------------------------------- */

static int64_t or_default(int64_t given, int64_t otherwise)
{
    return given > 0 ? given : otherwise;
}

/* Fills the zero fields of `l` from `d`, then from the defaults. */
static rn_judge_limits complete(rn_judge_limits l, const rn_judge_limits *d, rn_judge_mode mode)
{
    const int64_t second = 1000000000;
    const bool command = mode == RN_JUDGE_COMMAND;
    l.cpu_ns = or_default(l.cpu_ns, or_default(d->cpu_ns, (command ? 60 : 3) * second));
    l.wall_ns = or_default(l.wall_ns, or_default(d->wall_ns, 5 * l.cpu_ns + 5 * second));
    l.memory_bytes = or_default(l.memory_bytes, or_default(d->memory_bytes, INT64_C(4) << 30));
    l.output_bytes =
        or_default(l.output_bytes, or_default(d->output_bytes, command ? 64 << 20 : 1 << 20));
    l.processes = or_default(l.processes, or_default(d->processes, 64));
    return l;
}

static uint32_t layers_left_out(void)
{
    static const struct {
        const char *name;
        uint32_t bit;
    } layers[] = {{"userns", RN_WITHOUT_USERNS},
                  {"ns", RN_WITHOUT_NS},
                  {"seccomp", RN_WITHOUT_SECCOMP},
                  {"landlock", RN_WITHOUT_LANDLOCK},
                  {"cgroup", RN_WITHOUT_CGROUP}};
    const char *list = getenv("RATION_JUDGE_WITHOUT");
    uint32_t bits = 0;
    while (list && *list) {
        size_t len = strcspn(list, ",");
        for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
            if (strlen(layers[i].name) == len && strncmp(list, layers[i].name, len) == 0)
                bits |= layers[i].bit;
        list += len + (list[len] == ',');
    }
    return bits;
}

/* The site-packages folder of a virtual environment. */
static int find_site(const char *venv, char out[RN_WIRE_PATH], rn_err *err)
{
    out[0] = '\0';
    if (!venv || !venv[0]) return 0;
    char real[4096];
    if (!realpath(venv, real)) return rn_fail_errno(err, "virtual environment %s", venv);
    for (int minor = 20; minor >= 6; minor--) {
        int n = snprintf(out, RN_WIRE_PATH, "%.900s/lib/python3.%d/site-packages", real, minor);
        if (n < RN_WIRE_PATH && access(out, R_OK) == 0) return 0;
    }
    out[0] = '\0';
    return rn_fail(err, RN_ENOTFOUND,
                   "%s is not a virtual environment: it has no lib/python3.*/site-packages", venv);
}

static int start_hosts(rn_judge *j, const rn_judge_opts *opts, rn_err *err)
{
    rn_wire_config cfg;
    memset(&cfg, 0, sizeof cfg);
    cfg.magic = RN_WIRE_MAGIC;
    cfg.allow_weak = opts->allow_weak;
    cfg.without = layers_left_out();
    cfg.has_tree = opts->tree != NULL;
    int rc = find_site(opts->venv, cfg.venv, err);
    if (!rc) rc = rn_host_find(opts->host_path, j->path, err);
    for (int i = 0; !rc && i < j->n_hosts; i++) {
        j->hosts[i].config = cfg;
        j->hosts[i].tree_fd = opts->tree ? opts->tree->fd : -1;
        rc = rn_host_start(&j->hosts[i], j->path, err);
    }
    for (int i = 0; !rc && i < j->n_hosts; i++)
        rc = rn_host_ready(&j->hosts[i], err);
    return rc;
}

int rn_judge_open(const rn_judge_opts *opts, rn_judge **out, rn_err *err)
{
    static const rn_judge_opts defaults;
    if (!opts) opts = &defaults;
    if (opts->jobs < 0 || opts->jobs > MAX_JOBS)
        return rn_fail(err, RN_EINVAL, "jobs is %d, must be 1 to %d (0: number of cores)",
                       opts->jobs, MAX_JOBS);
    rn_judge *j = calloc(1, sizeof *j);
    if (!j) return rn_fail(err, RN_ENOMEM, "judge: out of memory");
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    j->n_hosts = opts->jobs ? opts->jobs
                            : (int)(cores < 1          ? 1
                                    : cores > MAX_JOBS ? MAX_JOBS
                                                       : cores);
    j->limits = opts->limits;
    j->n_slots = (size_t)j->n_hosts * (QUEUED_PER_HOST + ASIDE_PER_HOST);
    j->hosts = calloc((size_t)j->n_hosts, sizeof *j->hosts);
    j->slots = calloc(j->n_slots, sizeof *j->slots);
    bool ok = j->hosts && j->slots && ring_init(&j->queue, j->n_slots) &&
              ring_init(&j->done, j->n_slots) && ring_init(&j->unused, j->n_slots) &&
              ring_init(&j->alone, j->n_slots);
    for (int i = 0; j->hosts && i < j->n_hosts; i++) {
        j->hosts[i].fd = j->hosts[i].tree_fd = -1;
    }
    int rc = ok ? start_hosts(j, opts, err) : rn_fail(err, RN_ENOMEM, "judge: out of memory");
    if (rc) {
        rn_judge_close(j);
        return rc;
    }
    for (size_t i = 0; i < j->n_slots; i++)
        push(&j->unused, (uint32_t)i);
    *out = j;
    return 0;
}

void rn_judge_close(rn_judge *j)
{
    if (!j) return;
    for (int i = 0; j->hosts && i < j->n_hosts; i++)
        if (j->hosts[i].fd >= 0) close(j->hosts[i].fd), j->hosts[i].fd = -1;
    for (int i = 0; j->hosts && i < j->n_hosts; i++) {
        rn_host_stop(&j->hosts[i]);
        rn_buf_free(&j->hosts[i].out);
        rn_buf_free(&j->hosts[i].text);
    }
    for (size_t i = 0; j->slots && i < j->n_slots; i++) {
        rn_buf_free(&j->slots[i].msg);
        rn_buf_free(&j->slots[i].text);
        free(j->slots[i].values);
    }
    rn_buf_free(&j->text);
    free(j->queue.v);
    free(j->done.v);
    free(j->unused.v);
    free(j->alone.v);
    free(j->slots);
    free(j->hosts);
    free(j);
}

/* ---- submitting ------------------------------------------------------------------------------ */

static int check_command(const rn_judge *j, const rn_judge_job *job, rn_err *err)
{
    if (j->hosts[0].tree_fd < 0)
        return rn_fail(err, RN_EINVAL, "a command needs a judge that was opened with a tree");
    if (job->entry && !rn_tree_path_ok(job->entry))
        return rn_fail(err, RN_EINVAL, "'%s' is not a path below the working folder", job->entry);
    if (job->n_cases > 1 || (job->n_cases && job->cases[0].input.len > MAX_COMMAND))
        return rn_fail(err, RN_EINVAL, "give one command of at most %d bytes", MAX_COMMAND);
    return 0;
}

/* A job in another language than Python. */
static int check_language(const rn_judge_job *job, rn_err *err)
{
    const bool version = job->mode == RN_JUDGE_VERSION;
    if (!job->language || strcasecmp(job->language, "python") == 0)
        return version ? rn_fail(err, RN_EINVAL, "the version of which language?") : 0;
    if (rn_lang_find(job->language) < 0)
        return rn_fail(err, RN_EUNSUPPORTED,
                       "programs in '%s' cannot be judged; 'ration doctor' lists the languages",
                       job->language);
    if (version || job->mode == RN_JUDGE_SCRIPT || job->mode == RN_JUDGE_STDIO) return 0;
    return rn_fail(err, RN_EUNSUPPORTED, "programs in %s are judged by their tests or output alone",
                   job->language);
}

int rn_judge_submit(rn_judge *j, const rn_judge_job *job, uint64_t tag, rn_err *err)
{
    int lang = check_language(job, err);
    if (lang) return lang;
    bool values = job->mode == RN_JUDGE_VALUES;
    bool calls = job->mode == RN_JUDGE_CALLS || job->mode == RN_JUDGE_RECORD;
    if ((job->mode == RN_JUDGE_CALL || values || calls) && (!job->entry || !job->entry[0]))
        return rn_fail(err, RN_EINVAL, "a call-based job needs the name of its function");
    if (values && job->n_cases > RN_JUDGE_MAX_VALUES)
        return rn_fail(err, RN_EINVAL, "%zu inputs for one program; at most %d", job->n_cases,
                       RN_JUDGE_MAX_VALUES);
    int rc = job->mode == RN_JUDGE_COMMAND ? check_command(j, job, err) : 0;
    if (rc) return rc;
    if (j->n_used - j->n_aside >= (size_t)j->n_hosts * QUEUED_PER_HOST)
        return rn_fail(err, RN_EBUSY, "%zu programs are queued; take results first", j->n_used);
    slot *s = &j->slots[j->unused.v[j->unused.head]];
    if (values && !s->values && !(s->values = calloc(RN_JUDGE_MAX_VALUES, sizeof *s->values)))
        return rn_fail(err, RN_ENOMEM, "judge: out of memory");
    uint32_t i = pop(&j->unused);
    s->wants_values = values;
    if (values) memset(s->values, 0, RN_JUDGE_MAX_VALUES * sizeof *s->values);
    s->tag = tag;
    s->tries = s->copies = 0;
    s->aside_order = 0;
    s->alone = s->proving = false;
    s->command = job->mode == RN_JUDGE_COMMAND;
    s->generation++;
    j->n_used++;
    if (job->n_cases == 0 &&
        job->mode != RN_JUDGE_VERSION) { /* nothing would be shown: never a pass */
        s->result =
            (rn_judge_result){.verdict = RN_V_NO_TESTS, .failed_case = -1, .peak_bytes = -1};
        s->state = DONE;
        push(&j->done, i);
        return 0;
    }
    rn_judge_limits l = complete(job->limits, &j->limits, job->mode);
    bool by_case = job->mode == RN_JUDGE_STDIO || job->mode == RN_JUDGE_CALL;
    size_t runs = by_case                      ? job->n_cases
                  : values                     ? 4
                  : job->mode == RN_JUDGE_KEYS ? 3
                  : calls                      ? 2
                                               : 1;
    s->hard_ns = (int64_t)runs * (rn_wire_patience_ns(&l) + 4 * l.wall_ns) + INT64_C(30000000000);
    if (job->language) s->hard_ns += INT64_C(3600000000000); /* the compiler, on a busy machine */
    rn_buf_clear(&s->msg);
    rn_wire_put_job(&s->msg, job, &l, (uint64_t)s->generation << 32 | i);
    if (!rn_buf_ok(&s->msg) || s->msg.len > RN_WIRE_MAX_JOB_BYTES) {
        rn_buf_free(&s->msg);
        push(&j->unused, i);
        j->n_used--;
        s->state = FREE;
        return rn_fail(err, RN_ELIMIT, "program and tests are larger than %d bytes together",
                       RN_WIRE_MAX_JOB_BYTES);
    }
    s->state = QUEUED;
    push(&j->queue, i);
    return 0;
}

size_t rn_judge_pending(const rn_judge *j)
{
    return j->n_used;
}

/* ---- dispatching ----------------------------------------------------------------------------- */

static slot *slot_of(rn_judge *j, uint64_t id)
{
    slot *s = &j->slots[(uint32_t)id % j->n_slots];
    return s->state == SENT && s->generation == (uint32_t)(id >> 32) ? s : NULL;
}

/* A program that passes wherever the sandbox works, under the slot's id. */
static void put_known_good(rn_buf *out, const slot *s, uint64_t id)
{
    const rn_judge_case c = {.input = rn_bytes_of(s->command ? "true" : "assert f(3) == 9")};
    const rn_judge_job job = {.mode = s->command ? RN_JUDGE_COMMAND : RN_JUDGE_SCRIPT,
                              .program = rn_bytes_of(s->command ? "" : "f = lambda x: x * x"),
                              .cases = &c,
                              .n_cases = 1};
    const rn_judge_limits none = {0}, l = complete(none, &none, job.mode);
    rn_wire_put_job(out, &job, &l, id);
}

/* Whether this host may set a further job aside. */
static bool may_wait(const rn_judge *j, const rn_host *h)
{
    int least = ASIDE_PER_HOST;
    for (int i = 0; i < j->n_hosts; i++)
        if (j->hosts[i].n_aside < least) least = j->hosts[i].n_aside;
    return j->queue.n > 0 && h->n_aside < ASIDE_PER_HOST && h->n_aside <= least + MORE_ASIDE;
}

static void take_from_aside(rn_judge *j, slot *s)
{
    s->state = QUEUED;
    j->hosts[s->host].n_aside--;
    j->n_aside--;
}

static void give(rn_judge *j, rn_host *h, uint32_t i)
{
    slot *s = &j->slots[i];
    if (s->state == ASIDE) {
        rn_wire_put_go_on(&h->out, (uint64_t)s->generation << 32 | i);
        take_from_aside(j, s);
    } else if (s->proving)
        put_known_good(&h->out, s, (uint64_t)s->generation << 32 | i);
    else
        rn_wire_put_again(&h->out, rn_buf_view(&s->msg), may_wait(j, h));
    h->job_ids[h->n_jobs++] = (uint64_t)s->generation << 32 | i;
    if (h->n_jobs == 1) h->deadline_ns = rn_now_ns() + s->hard_ns;
    s->state = SENT;
    s->copies++;
}

static int in_flight(const rn_judge *j)
{
    int n = 0;
    for (int i = 0; i < j->n_hosts; i++)
        n += j->hosts[i].n_jobs;
    return n;
}

/* A copy of a job that waits behind another one, for an idle host. */
static void steal(rn_judge *j, rn_host *idle)
{
    for (int i = 0; i < j->n_hosts; i++) {
        const rn_host *h = &j->hosts[i];
        if (h->n_jobs < 2) continue;
        const slot *s = slot_of(j, h->job_ids[1]);
        if (!s || s->copies > 1) continue;
        give(j, idle, (uint32_t)h->job_ids[1]);
        return;
    }
}

/* Of the jobs set aside at a host: the first; SIZE_MAX if none. Any host's last one for host -1. */
static size_t find_aside(const rn_judge *j, int host)
{
    size_t found = SIZE_MAX;
    for (size_t i = 0; j->n_aside && i < j->n_slots; i++) {
        const slot *s = &j->slots[i];
        if (s->state != ASIDE || (host >= 0 && s->host != host)) continue;
        if (found == SIZE_MAX) found = i;
        const bool earlier = s->aside_order < j->slots[found].aside_order;
        if (host >= 0 ? earlier : !earlier) found = i;
    }
    return found;
}

/* Work for an idle host while nothing is queued: the rest of a job that it set aside, a copy of one
 * that waits; else one that another has set aside, from its beginning, if that has several. */
static void give_rest(rn_judge *j, int host)
{
    rn_host *h = &j->hosts[host];
    size_t i = find_aside(j, host);
    if (i == SIZE_MAX) {
        steal(j, h);
        if (h->n_jobs) return;
        i = find_aside(j, -1);
        if (i == SIZE_MAX || j->hosts[j->slots[i].host].n_aside <= MORE_ASIDE) return;
        slot *s = &j->slots[i];
        rn_wire_put_drop(&j->hosts[s->host].out, (uint64_t)s->generation << 32 | i);
        take_from_aside(j, s);
    }
    give(j, h, (uint32_t)i);
}

static void dispatch(rn_judge *j)
{
    if (j->alone.n) {
        if (in_flight(j) == 0 && j->hosts[0].fd >= 0) give(j, &j->hosts[0], pop(&j->alone));
        return;
    }
    /* Towards the end of the queue nothing is lined up behind a program that may take long. */
    int depths = j->queue.n > 4 * (size_t)j->n_hosts ? RN_HOST_DEPTH : 1;
    for (int depth = 0; depth < depths; depth++)
        for (int i = 0; i < j->n_hosts && j->queue.n; i++)
            if (j->hosts[i].fd >= 0 && j->hosts[i].n_jobs == depth)
                give(j, &j->hosts[i], pop(&j->queue));
    for (int i = 0; i < j->n_hosts && !j->queue.n; i++)
        if (j->hosts[i].fd >= 0 && j->hosts[i].n_jobs == 0) give_rest(j, i);
}

/* ---- results --------------------------------------------------------------------------------- */

static void finish(rn_judge *j, slot *s)
{
    s->result.n_retries = s->tries;
    s->state = DONE;
    push(&j->done, (uint32_t)(s - j->slots));
}

/* After a failure of the sandbox: again, alone when it starved, or the end. */
static void try_again(rn_judge *j, slot *s, bool alone)
{
    if (s->copies > 0) return; /* another host has it still */
    if (s->tries + 1 < MAX_TRIES) {
        s->tries++;
    } else if (alone || s->proving) {
        finish(j, s);
        return;
    } else {
        s->proving = true;
    }
    s->alone = alone;
    s->state = QUEUED;
    push(alone ? &j->alone : &j->queue, (uint32_t)(s - j->slots));
}

/* Where processes are bounded by user, a fork bomb beside a program takes what it may have. */
static bool was_crowded_out(const rn_host *h, const slot *s)
{
    return s->result.verdict == RN_V_PROCESS_LIMIT && h->hello.by_user && !s->alone &&
           s->tries + 1 < MAX_TRIES;
}

/* The known-good program's verdict tells whose the failures were, of programs that ran at all. */
static void conclude_proof(rn_judge *j, slot *s, rn_verdict known_good)
{
    bool ran = strncmp(s->result.detail, RN_NOT_STARTED, strlen(RN_NOT_STARTED)) != 0;
    if (known_good == RN_V_PASSED && ran) {
        char why[sizeof s->result.detail];
        memcpy(why, s->result.detail, sizeof why);
        s->result.verdict = RN_V_CRASHED;
        snprintf(s->result.detail, sizeof s->result.detail,
                 "%.190s, %d times, where a known-good program passes", why, MAX_TRIES);
    }
    finish(j, s);
}

static void take_result(rn_judge *j, rn_host *h)
{
    uint64_t id = h->in.id;
    h->n_jobs--;
    h->job_ids[0] = h->job_ids[1];
    slot *next = h->n_jobs ? slot_of(j, h->job_ids[0]) : NULL;
    if (next) h->deadline_ns = rn_now_ns() + next->hard_ns;
    slot *s = slot_of(j, id);
    if (s && h->in.text_bytes) {
        rn_buf_clear(&s->text);
        rn_buf_add(&s->text, h->text.data, h->text.len);
        if (!rn_buf_ok(&s->text)) h->in.result.verdict = RN_V_SANDBOX;
    }
    rn_buf_clear(&h->text);
    if (s) s->copies--;
    if (h->in.aside && (!s || s->copies > 0)) { /* a copy was faster, or runs on */
        rn_wire_put_drop(&h->out, id);
        return;
    }
    if (!s) return;
    if (h->in.aside) {
        s->state = ASIDE;
        s->host = (int)(h - j->hosts);
        if (!s->aside_order) s->aside_order = ++j->n_set_aside;
        h->n_aside++;
        j->n_aside++;
        return;
    }
    if (s->proving) {
        conclude_proof(j, s, h->in.result.verdict);
        return;
    }
    s->result = h->in.result;
    s->result.detail[sizeof s->result.detail - 1] = '\0';
    if (s->wants_values) memcpy(s->values, h->in.values, sizeof h->in.values);
    if (s->result.verdict == RN_V_SANDBOX)
        try_again(j, s, h->in.starved);
    else if (was_crowded_out(h, s))
        try_again(j, s, true);
    else
        finish(j, s);
}

/* The host is gone: the job it had under way may be the cause, the one behind it is not. */
static int replace_host(rn_judge *j, rn_host *h, rn_err *err)
{
    int n = h->n_jobs;
    uint64_t ids[RN_HOST_DEPTH];
    memcpy(ids, h->job_ids, sizeof ids);
    for (size_t i = 0; h->n_aside && i < j->n_slots; i++) {
        slot *s = &j->slots[i];
        if (s->state != ASIDE || s->host != (int)(h - j->hosts)) continue;
        take_from_aside(j, s);
        push(&j->queue, (uint32_t)i);
    }
    rn_host_stop(h);
    for (int i = 0; i < n; i++) {
        slot *s = slot_of(j, ids[i]);
        if (!s) continue;
        s->copies--;
        if (s->proving) {
            try_again(j, s, false);
            continue;
        }
        s->result = (rn_judge_result){.verdict = RN_V_SANDBOX,
                                      .failed_case = -1,
                                      .peak_bytes = -1,
                                      .detail = "the judge host ended while it ran this program"};
        if (i > 0) s->tries--;
        try_again(j, s, false);
    }
    int rc = rn_host_start(h, j->path, err);
    return rc ? rc : rn_host_ready(h, err);
}

static int serve_host(rn_judge *j, rn_host *h, short events, rn_err *err)
{
    bool dead = false;
    if (events & (POLLIN | POLLHUP | POLLERR)) {
        for (bool got = true; got && !dead;) {
            dead = rn_host_receive(h, &got) != 0 || (got && h->n_jobs == 0);
            if (got && !dead) take_result(j, h);
        }
    }
    if (!dead && h->out.len) dead = rn_host_send(h) != 0;
    if (!dead && h->n_jobs && rn_now_ns() > h->deadline_ns) dead = true;
    return dead ? replace_host(j, h, err) : 0;
}

/* One turn of the event loop. */
static int turn(rn_judge *j, int timeout_ms, rn_err *err)
{
    dispatch(j);
    struct pollfd p[MAX_JOBS];
    for (int i = 0; i < j->n_hosts; i++) {
        rn_host *h = &j->hosts[i];
        if (h->out.len && rn_host_send(h) != 0) h->deadline_ns = 0;
        p[i] = (struct pollfd){.fd = h->fd, .events = POLLIN};
        if (h->out.len) p[i].events |= POLLOUT;
    }
    const int watchdog_ms = 5000;
    int wait = timeout_ms < 0 || timeout_ms > watchdog_ms ? watchdog_ms : timeout_ms;
    int n = poll(p, (nfds_t)j->n_hosts, wait);
    if (n < 0 && errno != EINTR) return rn_fail_errno(err, "waiting for the judge hosts");
    for (int i = 0; i < j->n_hosts; i++) {
        int rc = serve_host(j, &j->hosts[i], n > 0 ? p[i].revents : 0, err);
        if (rc) return rc;
    }
    return 0;
}

int rn_judge_wait(rn_judge *j, int timeout_ms, uint64_t *tag, rn_judge_result *result, rn_err *err)
{
    int64_t until = rn_now_ns() + (int64_t)timeout_ms * 1000000;
    while (j->done.n == 0) {
        if (j->n_used == 0) return 0;
        int64_t left_ms = timeout_ms < 0 ? -1 : (until - rn_now_ns() + 999999) / 1000000;
        if (timeout_ms >= 0 && left_ms < 0) left_ms = 0;
        int rc = turn(j, (int)left_ms, err);
        if (rc) return rc;
        if (timeout_ms >= 0 && j->done.n == 0 && rn_now_ns() >= until) return 0;
    }
    slot *s = &j->slots[pop(&j->done)];
    *tag = s->tag;
    *result = s->result;
    if (s->wants_values) memcpy(j->values, s->values, sizeof j->values);
    rn_buf_free(&j->text);
    j->text = s->text;
    s->text = (rn_buf){0};
    s->state = FREE;
    j->n_used--;
    push(&j->unused, (uint32_t)(s - j->slots));
    return 1;
}

const rn_judge_value *rn_judge_values(const rn_judge *j)
{
    return j->values;
}

rn_bytes rn_judge_text(const rn_judge *j)
{
    return rn_buf_view(&j->text);
}

const char *rn_judge_level(const rn_judge *j)
{
    return j->hosts[0].hello.level;
}

const char *rn_judge_python(const rn_judge *j)
{
    return j->hosts[0].hello.python;
}

/* ---- ration.h -------------------------------------------------------------------------------- */

int rn_judge_start(const rn_judge_settings *settings, rn_judge **out, rn_err *err)
{
    static const rn_judge_settings defaults;
    const rn_judge_settings *s = settings ? settings : &defaults;
    if (s->cpu_s < 0 || s->wall_s < 0 || s->memory_bytes < 0)
        return rn_fail(err, RN_EINVAL, "limits of a judge must not be negative");
    rn_judge_opts o = {.jobs = s->jobs ? s->jobs : 1,
                       .limits = {.cpu_ns = (int64_t)(s->cpu_s * 1e9),
                                  .wall_ns = (int64_t)(s->wall_s * 1e9),
                                  .memory_bytes = s->memory_bytes},
                       .venv = s->venv,
                       .allow_weak = s->allow_weak != 0};
    return rn_judge_open(&o, out, err);
}

int rn_judge_run(rn_judge *j, const char *program, const char *const *tests, size_t n_tests,
                 rn_judgement *out, rn_err *err)
{
    if (rn_judge_pending(j))
        return rn_fail(err, RN_EBUSY, "other programs are queued on this judge");
    rn_judge_case *cases = calloc(n_tests + 1, sizeof *cases);
    if (!cases) return rn_fail(err, RN_ENOMEM, "judging %zu tests: out of memory", n_tests);
    for (size_t i = 0; i < n_tests; i++)
        cases[i].input = rn_bytes_of(tests[i]);
    rn_judge_job job = {.mode = RN_JUDGE_SCRIPT,
                        .program = rn_bytes_of(program),
                        .cases = cases,
                        .n_cases = n_tests};
    uint64_t tag;
    rn_judge_result r;
    int rc = rn_judge_submit(j, &job, 0, err);
    if (!rc) rc = rn_judge_wait(j, -1, &tag, &r, err);
    free(cases);
    if (rc < 0) return rc;
    *out = (rn_judgement){.verdict = r.verdict,
                          .n_tests = r.n_cases,
                          .n_run = r.n_run,
                          .n_passed = r.n_passed,
                          .cpu_s = (double)r.cpu_ns / 1e9,
                          .wall_s = (double)r.wall_ns / 1e9,
                          .peak_bytes = r.peak_bytes};
    memcpy(out->detail, r.detail, sizeof out->detail);
    return 0;
}
