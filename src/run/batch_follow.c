/*
 * batch_follow.c: following a job to its end, and merging what its tasks send.
 *
 * What a task did is in its own report; whether it lives is asked of Slurm. A task that is neither
 * done nor alive is submitted again: one that failed at most `n_tries` times in a row, one that was
 * stopped or lost (preemption, a node that died, scancel) as long as every attempt brings results,
 * and at most `n_tries` times without any. When the controller does not answer, nothing is decided.
 */
#include "run/batch.h"

#include "base/clock.h"
#include "base/file.h"
#include "run/slurm.h"
#include "store/merge.h"
#include "store/split.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    POLL_MS = 500,
    LOST_LOOKS = 2, /* a task that just ended may leave the queue before its report is seen */
};
/* Between questions to Slurm: its controller serves the whole cluster. */
static const int64_t look_ns = 3000000000;

typedef struct follow_task {
    rn_task_report report;
    bool merged, given_up;
    bool hopeless;    /* it would fail in the same way each time */
    bool submitted;   /* by somebody, at some time */
    bool due;         /* to be submitted (again) as soon as Slurm takes it */
    int n_vain;       /* attempts in a row that brought nothing */
    int n_unseen;     /* looks in a row at which it was neither alive nor done */
    int64_t n_before; /* rows of results at the last submission */
} follow_task;

typedef struct follow {
    const rn_batch_course *c;
    follow_task *tasks; /* [job->n_tasks] */
    bool *alive;        /* [job->n_tasks] */
    int64_t n_done, n_failed, n_running, n_waiting, n_rows;
    char reason[64]; /* why tasks wait; "" */
    int64_t looked_ns;
    bool deaf;      /* the controller does not answer */
    int64_t n_held; /* tasks that wait for a person, at the last look */
} follow;

/* ---- merging --------------------------------------------------------------------------------- */

typedef struct conflicts {
    const rn_watch *watch;
    int64_t task;
} conflicts;

static void on_conflict(void *user, const char *text)
{
    const conflicts *c = user;
    rn_watch_note(c->watch, "task %lld: conflict: %s", (long long)c->task, text);
}

/* That the part is whole and this task's; that it is of this store, these sets and these settings
 * is for rn_merge to see. */
static int check_part(rn_store *part, const rn_batch_job *job, int64_t task, rn_err *err)
{
    rn_buf name = {0};
    char want[64];
    snprintf(want, sizeof want, "%s/%lld", job->id, (long long)task);
    int rc = rn_store_check(part, err);
    if (!rc) rc = rn_store_about(part, "task", &name, err);
    if (!rc && name.len && strcmp(name.data, want) != 0)
        rc = rn_fail(err, RN_EVERSION, "%s is task %s, not %s: it belongs to another job",
                     rn_store_path(part), name.data, want);
    rn_buf_free(&name);
    return rc;
}

static int merge_task(const char *folder, const rn_batch_job *job, int64_t task, rn_store *whole,
                      const rn_watch *watch, rn_err *err)
{
    rn_buf path = {0};
    rn_store *part = NULL;
    rn_merge_stats stats = {0};
    conflicts c = {watch, task};
    const rn_merge_opts opts = {.on_conflict = on_conflict, .user = &c};
    const char *file = rn_task_path(folder, task, "out.db", &path);
    int rc = file ? rn_store_open(file, RN_STORE_READ, &part, err)
                  : rn_fail(err, RN_ENOMEM, "part of a task: out of memory");
    if (!rc) rc = check_part(part, job, task, err);
    if (!rc) rc = rn_merge(whole, part, &opts, &stats, err);
    rn_store_close(part);
    rn_buf_free(&path);
    return rc;
}

int rn_batch_collect(const char *folder, const rn_batch_job *job, rn_store *whole, bool partial,
                     const rn_watch *watch, rn_err *err)
{
    rn_buf path = {0};
    int rc = 0;
    for (int64_t i = 0; !rc && i < job->n_tasks; i++) {
        rn_task_report r;
        rn_err why = {0};
        const char *file = rn_task_path(folder, i, "out.db", &path);
        rn_task_report_read(folder, i, &r);
        if (!file || !rn_file_exists(file) || (!partial && r.state != RN_TASK_DONE)) continue;
        rc = merge_task(folder, job, i, whole, watch, &why);
        /* A part that is not worth having is said; a store that cannot be written ends it. */
        if (rc == RN_EFORMAT || rc == RN_EVERSION || rc == RN_EINVAL || rc == RN_ETRUNCATED) {
            rn_watch_note(watch, "task %lld: its part is left out: %s", (long long)i, why.msg);
            rc = 0;
        }
        if (rc && err) *err = why;
    }
    rn_buf_free(&path);
    return rc;
}

/* ---- what the tasks and Slurm say ------------------------------------------------------------ */

/* A held task never starts by itself: following it without a word would never end. */
static void tell_of_held(follow *f, const rn_slurm_queue *q)
{
    if (q->n_held > f->n_held)
        rn_watch_note(f->c->watch,
                      "%lld tasks are held by Slurm (%s): 'scontrol release %s' lets one start "
                      "again; where a node failed, 'sinfo -R' names it, and 'scontrol update "
                      "NodeName=NODE State=RESUME' brings it back",
                      (long long)q->n_held, q->held_reason, q->held);
    f->n_held = q->n_held;
}

static int look(follow *f)
{
    rn_slurm_queue q = {.alive = f->alive, .n_tasks = f->c->job->n_tasks};
    rn_err why = {0};
    int rc = rn_slurm_look(f->c->folder, &q, &why);
    f->looked_ns = rn_now_ns();
    if (rc && !f->deaf)
        rn_watch_note(f->c->watch,
                      "Slurm does not answer (%s); tasks that run go on, and so does this",
                      why.msg[0] ? why.msg : "squeue fails");
    if (!rc && f->deaf) rn_watch_note(f->c->watch, "Slurm answers again");
    f->deaf = rc != 0;
    if (rc) return rc;
    f->n_running = q.n_running;
    f->n_waiting = q.n_waiting;
    tell_of_held(f, &q);
    snprintf(f->reason, sizeof f->reason, "%s",
             q.n_waiting && strcmp(q.reason, "None") != 0 && strcmp(q.reason, "Resources") != 0
                 ? q.reason
                 : "");
    return 0;
}

/* Whether a task before i had this host and level. */
static bool named_before(const follow *f, int64_t i)
{
    const rn_task_report *r = &f->tasks[i].report;
    for (int64_t k = 0; k < i; k++)
        if (strcmp(f->tasks[k].report.host, r->host) == 0 &&
            strcmp(f->tasks[k].report.sandbox, r->sandbox) == 0)
            return true;
    return false;
}

/* Every node whose level is not the first one's: verdicts carry it. */
static void compare_sandboxes(const follow *f)
{
    const rn_task_report *first = NULL;
    for (int64_t i = 0; i < f->c->job->n_tasks; i++) {
        const rn_task_report *r = &f->tasks[i].report;
        if (!r->sandbox[0]) continue;
        if (!first) first = r;
        if (strcmp(first->sandbox, r->sandbox) == 0 || named_before(f, i)) continue;
        rn_watch_note(f->c->watch,
                      "the nodes' sandboxes differ, so verdicts have several protocols: %s has %s, "
                      "%s has %s ('ration doctor' there says why)",
                      r->host, r->sandbox, first->host, first->sandbox);
    }
}

/* After an attempt of task i that did not end well: another, or none. */
static void try_again(follow *f, int64_t i, bool brought_results, const char *what)
{
    follow_task *t = &f->tasks[i];
    t->n_vain = brought_results ? 0 : t->n_vain + 1;
    t->due = t->n_vain < f->c->job->n_tries && !t->hopeless;
    t->given_up = !t->due;
    if (t->due)
        rn_watch_note(f->c->watch, "task %lld %s: submitted again", (long long)i, what);
    else
        rn_watch_note(
            f->c->watch, "task %lld %s, and is given up after %d attempt%s; see %s/%04lld.log",
            (long long)i, what, t->n_vain, t->n_vain == 1 ? "" : "s", f->c->folder, (long long)i);
}

static void merge_done(follow *f, int64_t i)
{
    follow_task *t = &f->tasks[i];
    rn_err why = {0};
    char what[600];
    int rc = merge_task(f->c->folder, f->c->job, i, f->c->whole, f->c->watch, &why);
    t->hopeless = rc == RN_EVERSION || rc == RN_EINVAL;
    if (rc == 0) {
        t->merged = true;
        if (t->report.message[0])
            rn_watch_note(f->c->watch, "task %lld: %s", (long long)i, t->report.message);
        return;
    }
    /* The part is made again from its beginning. */
    rn_buf path = {0};
    const char *name;
    if ((name = rn_task_path(f->c->folder, i, "out.db", &path))) unlink(name);
    if ((name = rn_task_path(f->c->folder, i, "json", &path))) unlink(name);
    rn_buf_free(&path);
    t->report = (rn_task_report){0};
    snprintf(what, sizeof what, "sent a part that cannot be merged (%s)", why.msg);
    try_again(f, i, false, what);
}

static void read_reports(follow *f)
{
    f->n_done = f->n_failed = f->n_rows = 0;
    for (int64_t i = 0; i < f->c->job->n_tasks; i++) {
        follow_task *t = &f->tasks[i];
        if (!t->merged) rn_task_report_read(f->c->folder, i, &t->report);
        if (!t->merged && !t->given_up && t->report.state == RN_TASK_DONE) merge_done(f, i);
        f->n_done += t->merged;
        f->n_failed += t->given_up;
        f->n_rows += t->report.n_done;
    }
}

/* ---- submitting ------------------------------------------------------------------------------ */

/* Whether task i is to be submitted (again) now, after a look at the queue. */
static bool is_due(follow *f, int64_t i)
{
    follow_task *t = &f->tasks[i];
    const rn_task_report *r = &t->report;
    if (t->merged || t->given_up || t->due) return t->due;
    if (f->alive[i]) {
        t->n_unseen = 0;
        t->submitted = true;
        return false;
    }
    if (!t->submitted && r->state == RN_TASK_NEW) return t->due = true;
    if (++t->n_unseen < LOST_LOOKS) return false;
    char what[600];
    snprintf(what, sizeof what, "%s%s%s",
             r->state == RN_TASK_FAILED    ? "failed"
             : r->state == RN_TASK_STOPPED ? "was stopped"
                                           : "is lost",
             r->message[0] ? ": " : "", r->message);
    try_again(f, i, r->n_done > t->n_before && r->state != RN_TASK_FAILED, what);
    return t->due;
}

static int submit_due(follow *f, rn_err *err)
{
    RN_VEC(int64_t) due = {0};
    for (int64_t i = 0; i < f->c->job->n_tasks; i++)
        if (is_due(f, i)) rn_vec_push(&due, i);
    int rc = rn_vec_ok(&due) ? 0 : rn_fail(err, RN_ENOMEM, "list of tasks: out of memory");
    rn_slurm_submission x = {
        .folder = f->c->folder, .extra = f->c->sbatch, .tasks = due.data, .n = due.n};
    if (!rc && due.n) {
        rc = rn_slurm_submit(&x, err);
        /* Others of ours are on their way: the rest is accepted when these are done. */
        if (rc && f->n_running + f->n_waiting > 0) rc = 0;
    }
    for (size_t k = 0; k < x.n_taken; k++) {
        follow_task *t = &f->tasks[due.data[k]];
        t->submitted = true;
        t->due = false;
        t->n_unseen = 0;
        t->n_before = t->report.n_done;
    }
    if (!rc && x.n_taken)
        rn_watch_note(f->c->watch, "job %s: %zu tasks submitted%s", x.id, x.n_taken,
                      x.n_taken < due.n ? "; Slurm accepts the rest later" : "");
    rn_vec_free(&due);
    return rc;
}

/* ---- the loop -------------------------------------------------------------------------------- */

static void show(const follow *f)
{
    char extra[256];
    snprintf(extra, sizeof extra,
             "%lld tasks done, %lld running, %lld waiting%s%s, %lld given up, of %lld",
             (long long)f->n_done, (long long)f->n_running, (long long)f->n_waiting,
             f->reason[0] ? ": " : "", f->reason, (long long)f->n_failed,
             (long long)f->c->job->n_tasks);
    const rn_progress_step step = {.what = "batch",
                                   .unit = "results",
                                   .done = f->n_rows,
                                   .total = f->c->job->n_rows,
                                   .extra = extra};
    rn_watch_step(f->c->watch, &step);
}

static int turn(follow *f, bool *over, rn_err *err)
{
    read_reports(f);
    *over = f->n_done + f->n_failed == f->c->job->n_tasks;
    if (!*over && rn_now_ns() - f->looked_ns > look_ns && look(f) == 0) {
        /* A report may have come between: reading after the look, none is taken for lost. */
        read_reports(f);
        int rc = submit_due(f, err);
        if (rc) return rc;
    }
    show(f);
    return 0;
}

int rn_batch_follow(const rn_batch_course *c, rn_batch_summary *out, rn_err *err)
{
    size_t n = (size_t)c->job->n_tasks;
    follow f = {.c = c, .looked_ns = -look_ns - 1};
    f.tasks = calloc(n, sizeof *f.tasks);
    f.alive = calloc(n, sizeof *f.alive);
    int rc = f.tasks && f.alive ? 0 : rn_fail(err, RN_ENOMEM, "list of tasks: out of memory");
    bool over = false;
    while (!rc && !over) {
        rc = rn_watch_check(c->watch, err);
        if (!rc) rc = turn(&f, &over, err);
        struct timespec nap = {.tv_nsec = POLL_MS * 1000000};
        if (!rc && !over) nanosleep(&nap, NULL);
    }
    rn_watch_end(c->watch);
    if (!rc) compare_sandboxes(&f);
    /* What tasks that are given up had finished is kept too. */
    if (!rc && f.n_failed) rc = rn_batch_collect(c->folder, c->job, c->whole, true, c->watch, err);
    out->n_tasks = c->job->n_tasks;
    out->n_done = f.n_done;
    out->n_failed = f.n_failed;
    out->incomplete = f.n_failed > 0;
    free(f.tasks);
    free(f.alive);
    return rc;
}
