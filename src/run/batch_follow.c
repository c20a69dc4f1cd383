/*
 * batch_follow.c: following a job to its end, and merging what its tasks send.
 *
 * What a task did is in its own report; whether it lives is asked of Slurm. A task that is neither
 * done nor alive is submitted again: one that failed at most `n_tries` times in a row, one that was
 * stopped or lost (preemption, time limit, a node that died) as long as every attempt brings
 * results, and at most `n_tries` times without any; one that a person cancelled is not. When the
 * controller does not answer, nothing is decided.
 *
 * A network file system may show a file as it was a while ago. A part that has fewer rows than its
 * report says is waited for, and so is the report of a task that Slurm saw end well.
 */
#include "run/batch.h"

#include "base/clock.h"
#include "base/file.h"
#include "run/slurm.h"
#include "store/merge.h"
#include "store/split.h"

#include <time.h>
#include <unistd.h>

enum {
    POLL_MS = 500,
    LOST_LOOKS = 2, /* a task that just ended may leave the queue before its report is seen */
};
/* Between questions to Slurm: 1 s at first, then a twentieth of the time since, at most 10 s; its
 * controller serves the whole cluster. */
static const int64_t first_look_ns = 1000000000, last_look_ns = 10000000000;
enum { LOOKS_PER_AGE = 20 };
/* Between requests that it refused. */
static const int64_t refused_ns = 30000000000;
/* How long a controller that never answered is waited for. */
static const int64_t deaf_ns = 120000000000;
/* How long a part may be older than its report; file systems keep names for up to a minute. */
static const int64_t stale_ns = 120000000000;

typedef struct follow_task {
    rn_task_report report;
    bool merged, given_up;
    bool hopeless;    /* it would fail in the same way each time */
    bool submitted;   /* by us, or seen in the queue */
    bool due;         /* to be submitted (again) as soon as Slurm takes it */
    int n_vain;       /* attempts in a row that brought nothing */
    int n_unseen;     /* looks in a row at which it was neither alive nor done */
    int64_t n_before; /* rows of results at the last submission */
    int64_t compared; /* the attempt whose sandbox was compared */
    int64_t stale_ns; /* since when its part, or its report, is older than it should be; 0 */
} follow_task;

typedef struct level {
    char host[sizeof((rn_task_report *)0)->host], sandbox[sizeof((rn_task_report *)0)->sandbox];
} level;

typedef struct follow {
    const rn_batch_course *c;
    follow_task *tasks; /* [job->n_tasks] */
    rn_slurm_queue q;   /* its tasks: [job->n_tasks] */
    int64_t n_done, n_failed, n_rows;
    RN_VEC(level) levels; /* of nodes, each once */
    char reason[64];      /* why tasks wait, where it is worth a word; "" */
    char told[256];       /* reasons that were said, with ';' behind */
    int64_t began_ns, looked_ns, refused_ns;
    int64_t n_refused; /* tasks alive when it refused */
    int64_t deaf_ns;   /* since when the controller does not answer; 0: it does */
    bool any;          /* Slurm has, or had, some of it */
    int64_t n_held;    /* tasks that wait for a person, at the last look */
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

/* Rows of what the stage adds. */
static int count_results(rn_store *part, const rn_batch_job *job, int64_t *n, rn_err *err)
{
    rn_store_rows rows = {0};
    int rc = rn_store_count_rows(part, &rows, err);
    *n = rn_batch_rows(job, &rows);
    return rc;
}

/* That the part is whole and this task's; that it is of this store, these sets and these settings
 * is for rn_merge to see. RN_EBUSY: it is older than what its report says. */
static int check_part(rn_store *part, const rn_batch_job *job, int64_t task, int64_t n_rows,
                      rn_err *err)
{
    int64_t n = 0;
    rn_buf name = {0};
    char want[64];
    snprintf(want, sizeof want, "%s/%lld", job->id, (long long)task);
    int rc = rn_store_check(part, err);
    if (!rc) rc = rn_store_about(part, "task", &name, err);
    if (!rc && name.len && strcmp(name.data, want) != 0)
        rc = rn_fail(err, RN_EVERSION, "%s is task %s, not %s: it belongs to another job",
                     rn_store_path(part), name.data, want);
    if (!rc) rc = count_results(part, job, &n, err);
    if (!rc && n < n_rows)
        rc = rn_fail(err, RN_EBUSY, "%s has %lld results, and its task reported %lld",
                     rn_store_path(part), (long long)n, (long long)n_rows);
    rn_buf_free(&name);
    return rc;
}

/* n_rows: what its report says that the part has, or 0 for what is there. */
static int merge_task(const char *folder, const rn_batch_job *job, int64_t task, int64_t n_rows,
                      rn_store *whole, const rn_watch *watch, rn_err *err)
{
    rn_path path;
    rn_store *part = NULL;
    rn_merge_stats stats = {0};
    conflicts c = {watch, task};
    const rn_merge_opts opts = {.on_conflict = on_conflict, .user = &c};
    int rc = rn_store_open(rn_task_path(folder, task, "out.db", &path), RN_STORE_READ, &part, err);
    if (!rc) rc = check_part(part, job, task, n_rows, err);
    if (!rc) rc = rn_merge(whole, part, &opts, &stats, err);
    rn_store_close(part);
    return rc;
}

int rn_batch_collect(const char *folder, const rn_batch_job *job, rn_store *whole, int64_t *n_left,
                     const rn_watch *watch, rn_err *err)
{
    rn_path path;
    int rc = 0;
    *n_left = 0;
    for (int64_t i = 0; !rc && i < job->n_tasks; i++) {
        rn_err why = {0};
        if (!rn_file_exists(rn_task_path(folder, i, "out.db", &path))) continue;
        rc = merge_task(folder, job, i, 0, whole, watch, &why);
        /* A part that is not worth having is said; a store that cannot be written ends it. */
        bool refused = rc == RN_EVERSION || rc == RN_EINVAL;
        if (refused || rc == RN_EFORMAT || rc == RN_ETRUNCATED) {
            rn_watch_note(watch, "task %lld: its part is left out: %s", (long long)i, why.msg);
            *n_left += refused;
            rc = 0;
        }
        if (rc && err) *err = why;
    }
    return rc;
}

/* ---- what the tasks and Slurm say ------------------------------------------------------------ */

/* A held task never starts by itself: following it without a word would never end. */
static void tell_of_held(follow *f)
{
    const rn_slurm_queue *q = &f->q;
    if (q->n_held > f->n_held)
        rn_watch_note(f->c->watch,
                      "%lld %s held by Slurm (%s): 'scontrol release %s' lets one start "
                      "again; where a node failed, 'sinfo -R' names it, and 'scontrol update "
                      "NodeName=NODE State=RESUME' brings it back",
                      (long long)q->n_held, rn_plural(q->n_held, "task is", "tasks are"),
                      q->held_reason, q->held);
    f->n_held = q->n_held;
}

/* Why tasks wait is said once for each reason; that others are before them is no news. */
static void tell_of_waiting(follow *f)
{
    static const char *const usual[] = {"None", "Resources", "Priority", "BeginTime", "Cleaning"};
    const rn_slurm_queue *q = &f->q;
    char mark[sizeof f->reason + 2];
    bool news = q->n_waiting > 0;
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        news &= strcmp(q->reason, usual[i]) != 0;
    snprintf(f->reason, sizeof f->reason, "%s", news ? q->reason : "");
    snprintf(mark, sizeof mark, "%s;", q->reason);
    if (!news || strcasestr(q->reason, "held") || strstr(f->told, mark)) return;
    if (strlen(f->told) + strlen(mark) < sizeof f->told) strcat(f->told, mark);
    rn_watch_note(f->c->watch,
                  "tasks wait, and Slurm's reason is %s (squeue(1), job reason codes); what they "
                  "ask for is in --sbatch",
                  q->reason);
}

/* Whether to go on although squeue said nothing of use. Before anything is submitted it may be that
 * this machine cannot reach Slurm at all. */
static bool may_stay_deaf(follow *f, int rc)
{
    if (!f->deaf_ns) f->deaf_ns = rn_now_ns();
    if (f->any) return rc != RN_EUNSUPPORTED && rc != RN_ENOMEM;
    return rc == RN_ENET && rn_now_ns() - f->deaf_ns < deaf_ns;
}

/* 1: it cannot be said how things stand. */
static int look(follow *f, rn_err *err)
{
    rn_err why = {0};
    int rc = rn_slurm_look(f->c->folder, &f->q, &why);
    f->looked_ns = rn_now_ns();
    if (rc == RN_ECANCELLED) return 1; /* the loop looks for itself */
    if (rc && !f->deaf_ns)
        rn_watch_note(f->c->watch, "Slurm does not answer (%s)%s",
                      why.msg[0] ? why.msg : "squeue fails",
                      f->any ? "; tasks that run go on, and so does this" : "");
    if (rc && may_stay_deaf(f, rc)) return 1;
    if (rc) {
        if (err) *err = why;
        return rc;
    }
    if (f->deaf_ns) rn_watch_note(f->c->watch, "Slurm answers again");
    f->deaf_ns = 0;
    f->any |= f->q.n_running + f->q.n_waiting > 0;
    tell_of_held(f);
    tell_of_waiting(f);
    return 0;
}

/* Every node whose level is not the first one's, as soon as it is known: verdicts carry it. */
static void compare_sandbox(follow *f, follow_task *t)
{
    const rn_task_report *r = &t->report;
    if (t->compared == r->attempt || !r->sandbox[0]) return;
    t->compared = r->attempt;
    for (size_t i = 0; i < f->levels.n; i++)
        if (strcmp(f->levels.data[i].host, r->host) == 0 &&
            strcmp(f->levels.data[i].sandbox, r->sandbox) == 0)
            return;
    level x;
    snprintf(x.host, sizeof x.host, "%s", r->host);
    snprintf(x.sandbox, sizeof x.sandbox, "%s", r->sandbox);
    if (!rn_vec_push(&f->levels, x)) return;
    const level *first = &f->levels.data[0];
    if (strcmp(first->sandbox, r->sandbox) == 0) return;
    rn_watch_note(f->c->watch,
                  "the nodes' sandboxes differ, so verdicts have several protocols: %s has %s, "
                  "%s has %s ('ration doctor' there says why)",
                  r->host, r->sandbox, first->host, first->sandbox);
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
        rn_watch_note(f->c->watch,
                      "task %lld %s, and is given up after %d attempt%s; see %s/%04lld.log",
                      (long long)i, what, t->n_vain, rn_plural((int64_t)t->n_vain, "", "s"),
                      f->c->folder, (long long)i);
}

/* True while a part that is older than its report may still come. */
static bool is_on_its_way(follow_task *t)
{
    int64_t now = rn_now_ns();
    if (!t->stale_ns) t->stale_ns = now;
    return now - t->stale_ns < stale_ns;
}

static void merge_done(follow *f, int64_t i)
{
    follow_task *t = &f->tasks[i];
    rn_err why = {0};
    char what[600];
    int rc =
        merge_task(f->c->folder, f->c->job, i, t->report.n_rows, f->c->whole, f->c->watch, &why);
    if (rc == RN_EBUSY && is_on_its_way(t)) return;
    t->stale_ns = 0;
    t->hopeless = rc == RN_EVERSION || rc == RN_EINVAL;
    if (rc == 0) {
        t->merged = true;
        if (t->report.message[0])
            rn_watch_note(f->c->watch, "task %lld: %s", (long long)i, t->report.message);
        return;
    }
    /* The part is made again from its beginning. A refused one is kept: it may be somebody's. */
    if (!t->hopeless) {
        rn_path path;
        unlink(rn_task_path(f->c->folder, i, "out.db", &path));
        unlink(rn_task_path(f->c->folder, i, "json", &path));
        t->report.state = RN_TASK_NEW;
    }
    snprintf(what, sizeof what, "sent a part that cannot be merged (%s)", why.msg);
    try_again(f, i, false, what);
}

static void read_reports(follow *f)
{
    f->n_done = f->n_failed = f->n_rows = 0;
    for (int64_t i = 0; i < f->c->job->n_tasks; i++) {
        follow_task *t = &f->tasks[i];
        if (!t->merged) rn_task_report_read(f->c->folder, i, &t->report);
        compare_sandbox(f, t);
        if (!t->merged && !t->given_up && t->report.state == RN_TASK_DONE) merge_done(f, i);
        f->n_done += t->merged;
        f->n_failed += t->given_up;
        f->n_rows += t->report.n_done;
    }
}

/* ---- submitting ------------------------------------------------------------------------------ */

/* What became of task i, in words. */
static void tell_end(const rn_task_report *r, const char *ended, char *out, size_t size)
{
    bool known = *ended && strcmp(ended, "COMPLETED") != 0 && strcmp(ended, "FAILED") != 0;
    snprintf(out, size, "%s%s%s%s%s%s",
             r->state == RN_TASK_FAILED    ? "failed"
             : r->state == RN_TASK_STOPPED ? "was stopped"
                                           : "is lost",
             known ? " (" : "", known ? ended : "", known ? ")" : "", r->message[0] ? ": " : "",
             r->message);
}

/* Whether task i is to be submitted (again) now, after a look at the queue. */
static bool is_due(follow *f, int64_t i)
{
    follow_task *t = &f->tasks[i];
    const rn_task_report *r = &t->report;
    const rn_slurm_task *slurm = &f->q.tasks[i];
    if (t->merged || t->given_up || t->due) return t->due;
    if (slurm->alive) {
        t->stale_ns = 0;
        t->n_unseen = 0;
        t->submitted = true;
        return false;
    }
    if (r->state == RN_TASK_DONE) return false; /* its part is on its way */
    /* Slurm saw it end well: so is its report. */
    if (strcmp(slurm->ended, "COMPLETED") == 0 && is_on_its_way(t)) return false;
    if (!t->submitted && r->state == RN_TASK_NEW) return t->due = true;
    if (++t->n_unseen < LOST_LOOKS) return false;
    if (t->submitted && strcmp(slurm->ended, "CANCELLED") == 0) {
        t->given_up = true;
        rn_watch_note(f->c->watch, "task %lld was cancelled (scancel): it is not submitted again",
                      (long long)i);
        return false;
    }
    char what[600];
    tell_end(r, slurm->ended, what, sizeof what);
    try_again(f, i, r->n_done > t->n_before && r->state != RN_TASK_FAILED, what);
    return t->due;
}

/* A refusal is no reason to ask again at once; that one of ours ended since is. */
static bool is_refused(const follow *f)
{
    return f->refused_ns && f->q.n_running + f->q.n_waiting >= f->n_refused &&
           rn_now_ns() - f->refused_ns < refused_ns;
}

/* Whether to go on although nothing was taken this time. */
static bool may_wait(follow *f, int rc)
{
    f->q.adopt = rc == RN_ENET; /* it may have been taken all the same */
    /* Others of ours are on their way: the rest is accepted when these are done. */
    return f->q.n_running + f->q.n_waiting > 0 || (f->any && rc != RN_EIO);
}

static void note_submission(follow *f, const rn_slurm_submission *x)
{
    for (size_t k = 0; k < x->n_taken; k++) {
        follow_task *t = &f->tasks[x->tasks[k]];
        t->submitted = true;
        t->due = false;
        t->n_unseen = 0;
        t->n_before = t->report.n_done;
    }
    f->any |= x->n_taken > 0;
    f->refused_ns = x->n_taken < x->n ? rn_now_ns() : 0;
    f->n_refused = f->q.n_running + f->q.n_waiting + (int64_t)x->n_taken;
    if (x->n_taken)
        rn_watch_note(f->c->watch, "job %s: %zu %s submitted%s", x->id, x->n_taken,
                      rn_plural((int64_t)x->n_taken, "task", "tasks"),
                      x->n_taken < x->n ? "; Slurm accepts the rest later" : "");
}

static int submit_due(follow *f, rn_err *err)
{
    RN_VEC(int64_t) due = {0};
    for (int64_t i = 0; i < f->c->job->n_tasks; i++)
        if (is_due(f, i)) rn_vec_push(&due, i);
    int rc = rn_vec_ok(&due) ? 0 : rn_nomem(err, "list of tasks");
    rn_slurm_submission x = {.folder = f->c->folder,
                             .extra = f->c->sbatch,
                             .stage = f->c->job->args.data[0],
                             .tasks = due.data,
                             .n = due.n};
    if (!rc && due.n && !is_refused(f)) {
        rc = rn_slurm_submit(&x, err);
        note_submission(f, &x);
        if (rc && may_wait(f, rc)) rc = 0;
    }
    rn_vec_free(&due);
    return rc;
}

/* ---- the loop -------------------------------------------------------------------------------- */

static void show(const follow *f)
{
    char extra[256];
    snprintf(extra, sizeof extra,
             "%lld %s done, %lld running, %lld waiting%s%s, %lld given up, of %lld",
             (long long)f->n_done, rn_plural(f->n_done, "task", "tasks"), (long long)f->q.n_running,
             (long long)f->q.n_waiting, f->reason[0] ? ": " : "", f->reason, (long long)f->n_failed,
             (long long)f->c->job->n_tasks);
    const rn_progress_step step = {.what = "batch",
                                   .unit = "results",
                                   .done = f->n_rows,
                                   .total = f->c->job->n_rows,
                                   .extra = extra};
    rn_watch_step(f->c->watch, &step);
}

static bool is_time_to_look(const follow *f)
{
    int64_t now = rn_now_ns(), pause = (now - f->began_ns) / LOOKS_PER_AGE;
    if (pause < first_look_ns) pause = first_look_ns;
    if (pause > last_look_ns) pause = last_look_ns;
    return !f->looked_ns || now - f->looked_ns > pause;
}

static int turn(follow *f, bool *over, rn_err *err)
{
    read_reports(f);
    *over = f->n_done + f->n_failed == f->c->job->n_tasks;
    int rc = 1;
    if (!*over && is_time_to_look(f)) rc = look(f, err);
    if (rc == 0) {
        /* A report may have come between: reading after the look, none is taken for lost. */
        read_reports(f);
        rc = submit_due(f, err);
    }
    if (rc < 0) return rc;
    show(f);
    return 0;
}

/* After the last task: the counts, and what tasks that are given up had finished. */
static int sum_up(follow *f, rn_batch_summary *out, rn_err *err)
{
    const rn_batch_course *c = f->c;
    int64_t n_left = 0;
    int rc =
        f->n_failed ? rn_batch_collect(c->folder, c->job, c->whole, &n_left, c->watch, err) : 0;
    for (int64_t i = 0; i < c->job->n_tasks; i++)
        out->n_missing += f->tasks[i].merged && f->tasks[i].report.missing;
    out->n_done = f->n_done;
    out->n_failed = f->n_failed;
    out->incomplete = f->n_failed + out->n_missing > 0;
    return rc;
}

int rn_batch_follow(const rn_batch_course *c, rn_batch_summary *out, rn_err *err)
{
    size_t n = (size_t)c->job->n_tasks;
    follow f = {.c = c, .began_ns = rn_now_ns()};
    f.q = (rn_slurm_queue){.watch = c->watch, .n_tasks = c->job->n_tasks, .adopt = true};
    f.tasks = calloc(n, sizeof *f.tasks);
    f.q.tasks = calloc(n, sizeof *f.q.tasks);
    int rc = f.tasks && f.q.tasks ? 0 : rn_nomem(err, "list of tasks");
    bool over = false;
    while (!rc && !over) {
        rc = rn_watch_check(c->watch, err);
        if (!rc) rc = turn(&f, &over, err);
        struct timespec nap = {.tv_nsec = POLL_MS * 1000000};
        if (!rc && !over) nanosleep(&nap, NULL);
    }
    rn_watch_end(c->watch);
    if (!rc) rc = sum_up(&f, out, err);
    out->submitted = f.any;
    free(f.tasks);
    free(f.q.tasks);
    rn_vec_free(&f.levels);
    return rc;
}
