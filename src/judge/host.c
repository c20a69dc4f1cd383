/*
 * host.c: the main loop of ration-judge-host and the rule that turns a child's end into a verdict.
 *
 *     ration-judge-host FD        FD: a stream socket to the library; wire.h has the messages
 */
#include "judge/host.h"

#include "judge/checker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static rn_confine confine;
static rn_bytes recorded; /* RECORD, KEYS: what goes behind the result */

static bool ends_in_limit(const rn_outcome *o, rn_verdict *v)
{
    if (o->output_bytes && o->output_bytes >= o->output_limit)
        *v = RN_V_OUTPUT_LIMIT;
    else if (o->oom)
        *v = RN_V_MEMORY_LIMIT;
    else if (o->fork_denied)
        *v = RN_V_PROCESS_LIMIT;
    else
        return false;
    return true;
}

/* What Python says when a process limit other than the cgroup's was met. */
static bool process_limit_text(const char *detail)
{
    return strncmp(detail, "BlockingIOError", 15) == 0 ||
           strstr(detail, "can't start new thread") != NULL;
}

/* The child ended without a record: it left early, crashed, or was killed. */
static rn_verdict without_record(const rn_outcome *o, const rn_judge_limits *l, char detail[256])
{
    rn_verdict v;
    if (WIFEXITED(o->status)) {
        snprintf(detail, 256, "ended with exit status %d before the tests did",
                 WEXITSTATUS(o->status));
        return ends_in_limit(o, &v) ? v : RN_V_EXITED;
    }
    int sig = WTERMSIG(o->status);
    snprintf(detail, 256, "signal %d (%s)", sig, strsignal(sig));
    if (ends_in_limit(o, &v)) return v;
    if (sig == SIGXCPU) return RN_V_TIME_LIMIT;
    if (sig == SIGXFSZ) return RN_V_OUTPUT_LIMIT;
    if (sig != SIGKILL) return RN_V_CRASHED;
    if (o->cpu_ns >= l->cpu_ns) return RN_V_TIME_LIMIT;
    /* As init of its namespace a program cannot kill itself so: somebody outside did. */
    return confine.pid_ns ? RN_V_SANDBOX : RN_V_CRASHED;
}

/* What the time limit was spent on, when most of it was not processor time. */
static void describe_time(const rn_outcome *o, char detail[256])
{
    if (o->limit != RN_V_TIME_LIMIT || o->waited_ns < o->cpu_ns) return;
    snprintf(detail, 256, "%.2f s of processor time and %.2f s of sleeping or blocking",
             (double)o->cpu_ns / 1e9, (double)o->waited_ns / 1e9);
}

rn_verdict rn_host_decide(const rn_outcome *o, const rn_judge_job *job, char detail[256])
{
    const rn_judge_limits *l = &job->limits;
    bool record = o->have_record;
    if (record) memcpy(detail, o->record.detail, 256);
    if (record && o->record.verdict == RN_V_PASSED) {
        /* The limit is that of the whole tree; a command's exit status tells how it took it. */
        bool over = o->oom || o->limit == RN_V_MEMORY_LIMIT;
        if (!over || job->mode == RN_JUDGE_COMMAND) return RN_V_PASSED;
        snprintf(detail, 256, "a process of the program was ended at the memory limit");
        return RN_V_MEMORY_LIMIT;
    }
    if (o->limit != RN_N_VERDICTS && !record) {
        detail[0] = '\0';
        if (o->starved) {
            snprintf(detail, 256, "starved: waited for a processor most of its time");
            return RN_V_SANDBOX;
        }
        if (o->oom) return RN_V_MEMORY_LIMIT; /* a part of the tree was killed, the rest waited */
        describe_time(o, detail);
        return o->limit;
    }
    if (!record) return without_record(o, l, detail);
    rn_verdict v = (rn_verdict)o->record.verdict;
    if (v == RN_V_FORGED || v == RN_V_SYNTAX || v < 0 || v >= RN_N_VERDICTS) return v;
    rn_verdict limit;
    if (ends_in_limit(o, &limit)) return limit;
    return v == RN_V_EXCEPTION && process_limit_text(detail) ? RN_V_PROCESS_LIMIT : v;
}

void rn_host_add_usage(rn_judge_result *r, const rn_outcome *o)
{
    r->cpu_ns += o->cpu_ns;
    r->wall_ns += o->wall_ns;
    int64_t own = o->cpu_ns + o->waited_ns;
    if (own > r->case_cpu_ns) r->case_cpu_ns = own;
    if (o->peak_bytes > r->peak_bytes) r->peak_bytes = o->peak_bytes;
}

/* A pass that the program could have forged must hold in other ways, too. */
static int confirm(const rn_judge_job *job, size_t i, const rn_outcome *o, rn_judge_result *r,
                   rn_verdict *v, char detail[256], rn_err *err)
{
    if (*v != RN_V_PASSED || (rn_plain_told() && !o->record.doubt)) return 0;
    r->confirmed = true;
    const bool steady = rn_plain_told_steady() && !o->record.doubt;
    const rn_claim claim = {&confine, job, i, o->wall_ns, rn_host_decide, steady};
    return rn_confirm_pass(&claim, v, detail, err);
}

static int conclude_script(const rn_judge_job *job, const rn_outcome *o, rn_wire_result *out,
                           rn_err *err)
{
    rn_judge_result *r = &out->result;
    rn_host_add_usage(r, o);
    r->verdict = rn_host_decide(o, job, r->detail);
    out->starved = o->starved;
    if (job->mode == RN_JUDGE_SCRIPT) {
        int rc = confirm(job, 0, o, r, &r->verdict, r->detail, err);
        if (rc) return rc;
    }
    if (!o->have_record) return 0;
    r->n_run = o->record.n_run;
    r->n_passed = r->verdict == RN_V_FORGED ? 0 : o->record.n_passed;
    r->failed_case = o->record.failed_case;
    memcpy(r->output, o->record.output, sizeof r->output);
    return 0;
}

/* SCRIPT and COMMAND: one child. */
static int run_script(const rn_judge_job *job, rn_aside **aside, rn_wire_result *out, rn_err *err)
{
    rn_outcome o;
    const rn_task task = {.job = job, .aside = aside};
    int rc = rn_worker_run(&confine, &task, &o, err);
    return rc ? rc : conclude_script(job, &o, out, err);
}

/* A program that ended by itself is right if it printed the expected text. */
int rn_host_judge_text(const rn_judge_job *job, const rn_judge_case *c, rn_bytes got, rn_verdict *v,
                       rn_err *err)
{
    bool agrees = false;
    rn_secret_heap(true);
    int rc = rn_compare_text(job->compare, got, c->expected, &agrees, err);
    rn_secret_heap(false);
    if (!rc) *v = agrees ? RN_V_PASSED : RN_V_WRONG;
    return rc;
}

int rn_host_judge_output(const rn_judge_job *job, size_t i, rn_verdict *v, rn_err *err)
{
    rn_bytes got;
    int rc = rn_watch_output(&got, err);
    return rc ? rc : rn_host_judge_text(job, &job->cases[i], got, v, err);
}

/* One case in a child of its own. */
static int run_case(const rn_judge_job *job, size_t i, rn_wire_result *out, rn_verdict *v,
                    char detail[256], rn_err *err)
{
    rn_outcome o;
    const rn_task task = {.job = job, .case_no = i};
    int rc = rn_secret_run(&confine, &task, &o, err);
    if (rc) return rc;
    rn_host_add_usage(&out->result, &o);
    *v = rn_host_decide(&o, job, detail);
    out->starved = o.starved;
    if (job->mode == RN_JUDGE_CALL) return confirm(job, i, &o, &out->result, v, detail, err);
    /* Output cannot be forged: leaving with status 0 after printing it is an end like any other. */
    bool left =
        *v == RN_V_EXITED && !o.have_record && WIFEXITED(o.status) && WEXITSTATUS(o.status) == 0;
    if (*v != RN_V_PASSED && !left) return 0;
    detail[0] = '\0';
    if (o.output_bytes >= o.output_limit) {
        *v = RN_V_OUTPUT_LIMIT;
        return 0;
    }
    return rn_host_judge_output(job, i, v, err);
}

/* Counts the verdicts of the cases from `i` on; false: no further case is wanted. */
static bool count_cases(const rn_judge_job *job, size_t i, const rn_many *m, rn_judge_result *r)
{
    for (size_t k = 0; k < m->n_known; k++) {
        const rn_verdict v = m->v[k];
        r->n_run++;
        r->n_passed += v == RN_V_PASSED;
        if (v == RN_V_PASSED) continue;
        if (r->failed_case < 0) {
            r->failed_case = (int32_t)(i + k);
            r->verdict = v;
            memcpy(r->detail, m->detail, sizeof r->detail);
        }
        if (!job->all_cases || v == RN_V_SYNTAX || v == RN_V_SANDBOX) return false;
    }
    return true;
}

static int run_cases(const rn_judge_job *job, rn_wire_result *out, rn_err *err)
{
    static rn_many m;
    rn_judge_result *r = &out->result;
    r->verdict = RN_V_PASSED;
    size_t n = 0; /* cases in one child */
    for (size_t i = 0, n_left; (n_left = job->n_cases - i) > 0; i += m.n_known) {
        int rc = 0;
        m.n_known = 0;
        n = rn_many_next(job, n);
        if (n > 1 && n_left > 1) {
            rc = rn_many_run(&confine, job, i, n < n_left ? n : n_left, &m, r, err);
            if (m.apart) n = 1;
        }
        if (!rc && m.n_known == 0) {
            m = (rn_many){.n_known = 1, .v = {RN_V_SANDBOX}};
            rc = run_case(job, i, out, &m.v[0], m.detail, err);
        }
        if (rc) return rc;
        if (!count_cases(job, i, &m, r)) return 0;
    }
    return 0;
}

/* CALLS: cases [from, end) in a child of their own; *all_held stays true if they hold. */
static int run_part(const rn_judge_job *job, size_t from, size_t end, rn_wire_result *out,
                    bool *all_held, rn_err *err)
{
    rn_judge_result *r = &out->result;
    rn_judge_job part = *job;
    part.cases += from;
    part.n_cases = end - from;
    part.n_first = 0;
    rn_outcome o;
    int rc = rn_secret_run(&confine, &(rn_task){.job = &part}, &o, err);
    if (rc) return rc;
    rn_host_add_usage(r, &o);
    out->starved = o.starved;
    char detail[256] = "";
    rn_verdict v = rn_host_decide(&o, &part, detail);
    const int32_t at = rn_watch_values()->at;
    rc = confirm(&part, 0, &o, r, &v, detail, err);
    if (rc) return rc;
    if (o.have_record && v != RN_V_FORGED) {
        r->n_run += o.record.n_run;
        r->n_passed += o.record.n_passed;
    }
    if (v == RN_V_PASSED) return 0;
    if (*all_held) {
        const int32_t first = o.have_record ? o.record.failed_case : at;
        r->verdict = v;
        r->failed_case = (int32_t)from + (first > 0 ? first : 0);
        memcpy(r->detail, detail, sizeof r->detail);
    }
    *all_held = false;
    return 0;
}

static int run_calls(const rn_judge_job *job, rn_wire_result *out, rn_err *err)
{
    bool held = true;
    out->result.verdict = RN_V_PASSED;
    int rc = job->n_first ? run_part(job, 0, job->n_first, out, &held, err) : 0;
    if (rc || job->n_first == job->n_cases || (!held && !job->all_cases)) return rc;
    return run_part(job, job->n_first, job->n_cases, out, &held, err);
}

/* RECORD: the child's output is the answer; *text is borrowed until the next run. */
static int run_record(const rn_judge_job *job, rn_wire_result *out, rn_err *err)
{
    rn_outcome o;
    int rc = rn_secret_run(&confine, &(rn_task){.job = job}, &o, err);
    if (rc) return rc;
    rn_host_add_usage(&out->result, &o);
    out->starved = o.starved;
    out->result.verdict = rn_host_decide(&o, job, out->result.detail);
    if (out->result.verdict != RN_V_PASSED) return 0;
    rc = rn_watch_output(&recorded, err);
    out->text_bytes = rc ? 0 : recorded.len;
    return rc;
}

/* How often a program may end a process in one of its cases; it is then taken to do so in all that
 * are left, so that a program that hangs on every input costs a few limits, not one for each. */
enum { MAX_ENDS = 2 };

/* The outcome of a case in which the process ended. */
static void name_end(rn_verdict v, rn_judge_value *out)
{
    rn_value_name(rn_verdict_family(v) == 'L' ? RN_VALUE_LIMIT : RN_VALUE_ENDED, rn_verdict_name(v),
                  out);
}

/* Copies what the child tells of the cases from `from` on; what it tells is checked. */
static void take_values(rn_judge_value *to, size_t from, size_t end)
{
    const rn_values *told = rn_watch_values();
    for (size_t i = from; i < end; i++) {
        to[i] = told->v[i];
        if (to[i].kind == RN_VALUE_NONE || to[i].kind >= RN_N_VALUE_KINDS)
            to[i].kind = RN_VALUE_OTHER;
        to[i].agrees = to[i].agrees == 1 && to[i].kind == RN_VALUE_DATA;
    }
}

static int run_values(const rn_judge_job *job, rn_wire_result *out, rn_err *err)
{
    rn_judge_result *r = &out->result;
    r->verdict = RN_V_PASSED;
    int ends = 0;
    for (size_t from = 0; from < job->n_cases;) {
        rn_outcome o;
        int rc = rn_worker_run(&confine, &(rn_task){.job = job, .case_no = from}, &o, err);
        if (rc) return rc;
        rn_host_add_usage(r, &o);
        out->starved = o.starved;
        rn_verdict v = rn_host_decide(&o, job, r->detail);
        int32_t at = rn_watch_values()->at;
        size_t end = at < (int32_t)from          ? from
                     : (size_t)at < job->n_cases ? (size_t)at
                                                 : job->n_cases;
        take_values(out->values, from, end);
        if (v == RN_V_PASSED && end == job->n_cases) break;
        if (v == RN_V_SANDBOX || at < (int32_t)from) { /* not a case: the program itself */
            r->verdict = v == RN_V_PASSED ? RN_V_EXITED : v;
            return 0;
        }
        if (end == job->n_cases) break; /* it died after the last case */
        name_end(v, &out->values[end]);
        from = end + 1;
        for (ends++; ends == MAX_ENDS && from < job->n_cases; from++)
            name_end(v, &out->values[from]);
    }
    r->detail[0] = '\0';
    r->n_run = (int32_t)job->n_cases;
    for (size_t i = 0; i < job->n_cases; i++)
        r->n_passed += out->values[i].agrees;
    return 0;
}

/* KEYS: the child writes a line a program. One whose source ends it has no key, and a new child
 * goes on behind it. */
static int run_keys(const rn_judge_job *job, rn_wire_result *out, rn_err *err)
{
    static rn_buf lines;
    rn_judge_result *r = &out->result;
    int ends = 0;
    rn_buf_clear(&lines);
    for (size_t n = 0; n < job->n_cases;) {
        rn_outcome o;
        rn_bytes got;
        int rc = rn_secret_run(&confine, &(rn_task){.job = job, .case_no = n}, &o, err);
        if (!rc) rc = rn_watch_output(&got, err);
        if (rc) return rc;
        rn_host_add_usage(r, &o);
        out->starved = o.starved;
        r->verdict = rn_host_decide(&o, job, r->detail);
        if (r->verdict == RN_V_SANDBOX) return 0;
        for (size_t i = 0; i < got.len && n < job->n_cases; i++) {
            rn_buf_putc(&lines, got.data[i]);
            n += got.data[i] == '\n';
        }
        if (r->verdict == RN_V_PASSED) break;
        do {
            rn_buf_puts(&lines, n < job->n_cases ? "-\n" : "");
            n++;
        } while (ends == MAX_ENDS && n < job->n_cases);
        ends++;
    }
    if (!rn_buf_ok(&lines)) return rn_fail(err, RN_ENOMEM, "keys: out of memory");
    r->verdict = RN_V_PASSED;
    recorded = rn_buf_view(&lines);
    out->text_bytes = recorded.len;
    return 0;
}

/* A job from its arrival to its result; the rest of one that was set aside is kept meanwhile. */
typedef struct under_way {
    struct under_way *next;
    uint64_t id;
    rn_judge_job job;
    rn_judge_case *cases;
    rn_wire_result out;
    rn_aside *rest;
} under_way;

static under_way *set_aside;

static int run_job(under_way *u, const rn_wire_job *head, rn_bytes body, int fd, rn_err *err)
{
    const rn_judge_job *job = &u->job;
    rn_wire_result *out = &u->out;
    if (job->language) return rn_lang_judge(&confine, job, out, err);
    int rc = rn_confine_proc(&confine, NULL, err);
    if (rc) return rc;
    if (job->mode == RN_JUDGE_COMMAND) return run_script(job, NULL, out, err);
    if (job->mode == RN_JUDGE_RECORD) return run_record(job, out, err);
    if (job->mode == RN_JUDGE_KEYS) return run_keys(job, out, err);
    rc = rn_warm_run(&confine, head, body, job->program, fd, out);
    if (rc != RN_ENOTFOUND) return rc;
    return job->mode == RN_JUDGE_SCRIPT
               ? run_script(job, head->may_wait ? &u->rest : NULL, out, err)
           : job->mode == RN_JUDGE_VALUES ? run_values(job, out, err)
           : job->mode == RN_JUDGE_CALLS  ? run_calls(job, out, err)
                                          : run_cases(job, out, err);
}

/* The rest of a job that was set aside. */
static int go_on(under_way *u, rn_err *err)
{
    rn_outcome o;
    rn_aside *rest = u->rest;
    u->rest = NULL;
    int rc = rn_watch_go_on(&confine, rest, &o, err);
    return rc ? rc : conclude_script(&u->job, &o, &u->out, err);
}

static under_way *take_aside(uint64_t id)
{
    for (under_way **p = &set_aside; *p; p = &(*p)->next) {
        under_way *u = *p;
        if (u->id != id) continue;
        *p = u->next;
        return u;
    }
    return NULL;
}

static int begin(under_way *u, const rn_wire_job *head, rn_bytes body, int fd, rn_err *err)
{
    u->id = head->id;
    u->out.magic = RN_WIRE_MAGIC;
    u->out.id = head->id;
    u->out.result.failed_case = -1;
    u->out.result.n_cases = (int32_t)head->n_cases;
    int rc = rn_wire_get_job(head, body, &u->job, &u->cases, err);
    if (!rc && !rn_secret_open(&u->job)) rc = rn_fail(err, RN_ENOMEM, "a job: out of memory");
    return rc ? rc : run_job(u, head, body, fd, err);
}

static void drop(uint64_t id)
{
    under_way *u = take_aside(id);
    if (!u) return;
    rn_watch_drop(&confine, u->rest);
    free(u->cases);
    free(u);
}

/* False when the library is gone. */
static bool serve(int fd, const rn_wire_job *head, rn_bytes body)
{
    under_way *u = head->go_on ? take_aside(head->id) : calloc(1, sizeof *u);
    if (!u) return false;
    rn_err err = {0};
    int rc = head->go_on ? go_on(u, &err) : begin(u, head, body, fd, &err);
    if (rc == RN_SET_ASIDE) {
        static rn_wire_result message;
        message = (rn_wire_result){.magic = RN_WIRE_MAGIC, .aside = true, .id = u->id};
        u->next = set_aside;
        set_aside = u;
        return rn_wire_write(fd, &message, sizeof message) == 0;
    }
    rn_wire_result *out = &u->out;
    if (rc && rc != RN_ECANCELLED) {
        out->result.verdict = RN_V_SANDBOX;
        snprintf(out->result.detail, sizeof out->result.detail, "%.250s", err.msg);
    }
    const bool told = rc != RN_ECANCELLED && rn_wire_write(fd, out, sizeof *out) == 0 &&
                      rn_wire_write(fd, recorded.data, (size_t)out->text_bytes) == 0;
    free(u->cases);
    free(u);
    return told;
}

void rn_host_serve(int fd)
{
    rn_wire_job head;
    while (rn_wire_read(fd, &head, sizeof head) == 0) {
        if (head.magic != RN_WIRE_MAGIC || head.body_bytes > RN_WIRE_MAX_JOB_BYTES) break;
        rn_bytes body = {0};
        if (!head.go_on) {
            char *room = rn_secret_room((size_t)head.body_bytes);
            if (!room || rn_wire_read(fd, room, (size_t)head.body_bytes)) break;
            body = (rn_bytes){.data = room, .len = (size_t)head.body_bytes};
        }
        if (head.drop)
            drop(head.id);
        else if (!serve(fd, &head, body))
            break;
    }
}

static int start(int fd, rn_wire_hello *hello)
{
    static rn_wire_config cfg;
    if (rn_wire_read(fd, &cfg, sizeof cfg)) return RN_EIO;
    rn_err err = {0};
    int rc = 0;
    if (cfg.magic != RN_WIRE_MAGIC)
        rc = rn_fail(&err, RN_EVERSION, "ration-judge-host is of another build than the library");
    if (!rc && cfg.has_tree) rc = rn_command_start(RN_WIRE_TREE_FD, &err);
    if (!rc) rc = rn_watch_start(fd, &err);
    if (!rc) rc = rn_python_start(cfg.venv, hello->python, &err);
    if (!rc) rc = rn_confine_enter(&cfg, &confine, &err);
    if (!rc) rn_pages_settle(&confine);
    memset(hello->text, 0, sizeof hello->text);
    hello->magic = RN_WIRE_MAGIC;
    hello->code = rc;
    snprintf(hello->level, sizeof hello->level, "%s", confine.level);
    hello->by_user = !confine.cg_pids && !confine.user_ns && !confine.counts_forks;
    snprintf(hello->text, sizeof hello->text, "%.390s", err.msg);
    return rn_wire_write(fd, hello, sizeof *hello) ? RN_EIO : rc;
}

int main(int argc, char **argv)
{
    int fd = argc == 2 ? atoi(argv[1]) : 0;
    if (fd < 3) {
        fprintf(stderr, "ration-judge-host is started by ration; it has no use of its own\n");
        return 2;
    }
    static rn_wire_hello hello;
    int rc = start(fd, &hello);
    if (rc == 0) {
        rn_host_serve(fd);
        rn_watch_bury(&confine); /* what waits for work or stands still */
    }
    rn_confine_leave(&confine);
    /* Not through exit(): nothing of the interpreter needs an orderly end. */
    _exit(rc ? 3 : 0);
}
