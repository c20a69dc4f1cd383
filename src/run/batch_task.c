/*
 * batch_task.c: one task of a job, on its node.
 *
 * Theory of operation. The stage runs as a child, `ration STAGE ARGS -s SCRATCH/part.db`, on a part
 * in the node's own scratch folder, since SQLite's write-ahead log does not work on network file
 * systems. At least every `every_s` seconds, and at the end, a snapshot of the part replaces
 * NNNN.out.db in the shared folder. At SIGTERM (preemption, time limit) the child is stopped, which
 * commits what is finished, and the last snapshot is written. A task that is started again, on
 * whatever node, begins with that snapshot. So a node that dies costs what came after the last one.
 * A node that was only thought dead must not write over what its successor sent: an attempt that
 * sees a later one in the task's report ends.
 */
#include "run/batch.h"

#include "base/clock.h"
#include "base/file.h"
#include "judge/judge.h"
#include "model/cpu.h"
#include "run/process.h"
#include "store/split.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

enum {
    LOOK_MS = 100,
    GRACE_MS = 20000, /* Slurm kills 30 s after SIGTERM when it cancels or preempts (KillWait) */
    STOP_MS = 2000,
    COPY_TRIES = 3,
    COPY_PAUSE_S = 5,
};

typedef struct task {
    const rn_watch *watch;
    char folder[PATH_MAX];
    int64_t n; /* its number */
    rn_batch_job job;
    rn_task_report report;
    char scratch[4096];
    rn_path part;    /* in scratch; "": none, or not ours any more */
    int64_t n_given; /* rows that it held when the submitter made it */
    rn_process stage;
    int64_t began_ns, copied_ns;
    bool superseded; /* a later attempt was seen */
} task;

/* ---- scratch --------------------------------------------------------------------------------- */

/* A folder of its own in the first of these that is here; the variables may come from the machine
 * that submitted. */
static int make_scratch(task *t, rn_err *err)
{
    const char *const dirs[] = {getenv("SLURM_TMPDIR"), getenv("TMPDIR"), "/tmp"};
    char dir[PATH_MAX] = "";
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
        if (!dirs[i] || !dirs[i][0] || !realpath(dirs[i], dir)) continue;
        int n = snprintf(t->scratch, sizeof t->scratch, "%s/ration-task-XXXXXX", dir);
        if (n > 0 && (size_t)n < sizeof t->scratch && mkdtemp(t->scratch)) {
            rn_path_make(&t->part, "%s/part.db", t->scratch);
            return 0;
        }
    }
    t->scratch[0] = '\0';
    return rn_fail_errno(err, "no scratch folder in %s (set TMPDIR to one on this node)", dir);
}

static void remove_scratch(task *t)
{
    static const char *const endings[] = {"", "-wal", "-shm", ".lock"};
    rn_path path;
    for (size_t i = 0; t->part.s[0] && i < sizeof endings / sizeof *endings; i++)
        unlink(rn_path_make(&path, "%s%s", t->part.s, endings[i]));
    if (t->scratch[0]) rmdir(t->scratch);
}

/* Rows that the stage adds to, in a file that is whole. */
static int count_rows(const task *t, const char *path, int64_t *n, rn_err *err)
{
    rn_store *s = NULL;
    rn_store_rows rows = {0};
    int rc = rn_store_open(path, RN_STORE_READ, &s, err);
    if (!rc) rc = rn_store_check(s, err);
    if (!rc) rc = rn_store_count_rows(s, &rows, err);
    rn_store_close(s);
    *n = rn_batch_rows(&t->job, &rows);
    return rc;
}

/* The part as the submitter made it; none where the run is one that only a server can name: then
 * the stage makes its own store. */
static int fetch_given(task *t, bool copy, rn_err *err)
{
    rn_path path;
    const char *name = rn_task_path(t->folder, t->n, "in.db", &path);
    if (!rn_file_exists(name)) return 0;
    int rc = count_rows(t, name, &t->n_given, err);
    return rc || !copy ? rc : rn_file_copy(name, t->part.s, err);
}

/* The part as the last attempt left it, else as it was given. */
static int fetch_part(task *t, rn_err *err)
{
    rn_path path;
    rn_err why = {0};
    int64_t n = 0;
    const char *name = rn_task_path(t->folder, t->n, "out.db", &path);
    bool again = rn_file_exists(name);
    if (again && (rn_file_copy(name, t->part.s, &why) || count_rows(t, t->part.s, &n, &why))) {
        rn_watch_warn(t->watch, "%s",
                      "the results of an earlier attempt cannot be read and are made again:");
        rn_watch_warn(t->watch, "%s", why.msg);
        unlink(t->part.s);
        again = false;
    }
    int rc = fetch_given(t, !again, err);
    t->report.n_rows = again ? n : t->n_given;
    t->report.n_done = t->report.n_rows - t->n_given;
    return rc;
}

/* ---- the shared folder ----------------------------------------------------------------------- */

/* Before anything is written. */
static int check_attempt(task *t, rn_err *err)
{
    rn_task_report now;
    rn_task_report_read(t->folder, t->n, &now);
    t->superseded = now.attempt > t->report.attempt;
    if (!t->superseded) return 0;
    return rn_fail(err, RN_ECANCELLED,
                   "task %lld was started again on %s, since this node was taken for lost: this "
                   "attempt ends",
                   (long long)t->n, now.host);
}

static int send_report(task *t, rn_task_state state, rn_err *err)
{
    int rc = check_attempt(t, err);
    if (rc) return rc;
    t->report.state = state;
    t->report.seconds = (double)(rn_now_ns() - t->began_ns) * 1e-9;
    return rn_task_report_write(t->folder, t->n, &t->report, err);
}

static int send_part(task *t, rn_err *err)
{
    rn_path path;
    const char *name = rn_task_path(t->folder, t->n, "out.db", &path);
    t->copied_ns = rn_now_ns();
    /* A stage that makes its own store may not have got so far. */
    if (!rn_file_exists(t->part.s)) return 0;
    int rc = check_attempt(t, err);
    int64_t n = t->n_given;
    if (!rc) rc = rn_store_snapshot(t->part.s, name, err);
    if (!rc) rc = count_rows(t, name, &n, err);
    if (!rc) t->report.n_rows = n;
    t->report.n_done = t->report.n_rows - t->n_given;
    return rc;
}

/* The last time: a shared folder that is full for a moment is given some of it. */
static int send_last(task *t, rn_task_state state, rn_err *err)
{
    int rc = 0;
    for (int i = 0; i < COPY_TRIES; i++) {
        rc = send_part(t, err);
        if (!rc) rc = send_report(t, state, err);
        if (!rc || t->superseded) return rc;
        if (i + 1 < COPY_TRIES) sleep(COPY_PAUSE_S);
    }
    rn_err_prefix(err,
                  "task %lld: its results stay in %s ('ration merge -s STORE' takes them), "
                  "since the shared folder cannot be written",
                  (long long)t->n, t->part.s);
    t->scratch[0] = '\0'; /* kept */
    t->part.s[0] = '\0';
    return rc;
}

/* Verdicts carry the level of the sandbox: the submitter lists nodes whose level differs. The first
 * task on a node asks, and leaves the answer for the others. */
static void ask_sandbox(task *t)
{
    enum { SIZE = sizeof t->report.sandbox };
    char file[sizeof t->report.host + 8];
    rn_path path;
    rn_buf known = {0};
    rn_err why = {0};
    snprintf(file, sizeof file, "node-%s", t->report.host);
    const char *name = rn_batch_path(t->folder, file, &path);
    if (rn_file_read(name, SIZE, &known, &why) == 0 && known.len) {
        snprintf(t->report.sandbox, SIZE, "%s", known.data);
    } else {
        rn_judge *j = NULL;
        rn_judge_opts o = {.jobs = 1, .allow_weak = true};
        if (rn_judge_open(&o, &j, &why))
            snprintf(t->report.sandbox, SIZE, "none: %.100s", why.msg);
        else
            snprintf(t->report.sandbox, SIZE, "%s", rn_judge_level(j));
        rn_judge_close(j);
        rn_file_write_atomic(name, rn_bytes_of(t->report.sandbox), NULL);
    }
    rn_buf_free(&known);
}

/* ---- the stage ------------------------------------------------------------------------------- */

static bool has_option(const rn_words *args, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < args->n; i++)
        if (strncmp(args->data[i], name, n) == 0 && (!args->data[i][n] || args->data[i][n] == '='))
            return true;
    return false;
}

/* Relative paths in the arguments are meant from where the job was made. */
static const char *stage_folder(const task *t)
{
    if (access(t->job.cwd, X_OK) == 0) return t->job.cwd;
    rn_watch_warn(t->watch,
                  "%s, where the job was made, is not on this node: relative paths are looked for "
                  "in the current folder",
                  t->job.cwd);
    return NULL;
}

static int start_stage(task *t, rn_err *err)
{
    rn_words w = {0};
    rn_path units, log, serve_log;
    rn_vec_push(&w, t->job.program);
    for (size_t i = 0; i < t->job.args.n; i++)
        rn_vec_push(&w, t->job.args.data[i]);
    const char *log_path = rn_task_path(t->folder, t->n, "log", &log);
    const char *const own[] = {"-s", t->part.s, "--units",
                               rn_task_path(t->folder, t->n, "units", &units)};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        rn_vec_push(&w, own[i]);
    /* By default its name would be of this process's number, which other nodes have too. */
    bool serves = has_option(&t->job.args, "--serve") && !has_option(&t->job.args, "--serve-log");
    if (serves) {
        rn_vec_push(&w, "--serve-log");
        rn_vec_push(&w, rn_task_path(t->folder, t->n, "serve.log", &serve_log));
    }
    rn_vec_push(&w, NULL);
    int rc = rn_vec_ok(&w) ? 0 : rn_nomem(err, "task");
    int fd = rc ? -1 : open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (!rc && fd < 0) rc = rn_fail_errno(err, "%s", log_path);
    char kernels[64];
    snprintf(kernels, sizeof kernels, "RATION_CPU=%s", rn_isa_with_bits(t->job.kernels));
    const char *const with[] = {kernels, NULL};
    const rn_process_call call = {.argv = w.data, .dir = stage_folder(t), .with = with};
    if (!rc) rc = rn_process_start(&t->stage, &call, fd, err);
    if (fd >= 0) close(fd);
    rn_vec_free(&w);
    return rc;
}

/* The last line that the stage printed: its error. */
static void take_last_line(task *t)
{
    rn_path path;
    rn_buf text = {0};
    const char *name = rn_task_path(t->folder, t->n, "log", &path);
    if (rn_file_read(name, 1 << 26, &text, NULL) == 0) {
        while (text.len && text.data[text.len - 1] == '\n')
            text.data[--text.len] = '\0';
        const char *nl = text.len ? strrchr(text.data, '\n') : NULL;
        snprintf(t->report.message, sizeof t->report.message, "%s",
                 nl         ? nl + 1
                 : text.len ? text.data
                            : "");
    }
    if (!t->report.message[0])
        snprintf(t->report.message, sizeof t->report.message, "its stage ended with status %d",
                 rn_process_code(&t->stage));
    rn_buf_free(&text);
}

/* Until the stage ends, or a stop is asked for; results travel meanwhile. */
static bool follow_stage(task *t)
{
    bool warned = false;
    while (!rn_process_wait(&t->stage, LOOK_MS)) {
        if (rn_watch_stops(t->watch)) return false;
        if (rn_now_ns() - t->copied_ns <= t->job.every_s * 1000000000) continue;
        rn_err why = {0};
        int rc = send_part(t, &why);
        if (!rc) rc = send_report(t, RN_TASK_RUNNING, &why);
        if (t->superseded) return false;
        /* Work goes on: what cannot travel now may be able to later. */
        if (rc && !warned) rn_watch_warn(t->watch, "%s", why.msg);
        warned = rc != 0;
    }
    return true;
}

/* Whether the stage ended because it was stopped. Slurm's SIGTERM reaches all processes of a task
 * that it cancels or preempts: the stage may end, with status 1, before our signal has come. */
static bool was_stopped(const task *t)
{
    int code = rn_process_code(&t->stage);
    for (int ms = 0; ms < STOP_MS && (code == 1 || code > 128) && !rn_watch_stops(t->watch);
         ms += LOOK_MS)
        nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000}, NULL);
    return code != 0 && rn_watch_stops(t->watch);
}

static int work(task *t, rn_err *err)
{
    int rc = start_stage(t, err);
    if (rc) return rc;
    t->copied_ns = rn_now_ns();
    if (!follow_stage(t) || was_stopped(t)) {
        rn_process_end(&t->stage, GRACE_MS);
        rc = send_last(t, RN_TASK_STOPPED, err);
        return rc ? rc
                  : rn_fail(err, RN_ECANCELLED, "task %lld was stopped; started again it goes on",
                            (long long)t->n);
    }
    int code = rn_process_code(&t->stage);
    t->report.message[0] = '\0';
    if (code) take_last_line(t);
    /* 1: finished, and something is missing that trying again would not bring. */
    t->report.missing = code == 1;
    rc = send_last(t, code <= 1 ? RN_TASK_DONE : RN_TASK_FAILED, err);
    if (rc || code <= 1) return rc;
    return rn_fail(err, RN_EIO, "task %lld: %s", (long long)t->n, t->report.message);
}

static int begin(task *t, rn_err *err)
{
    int rc = rn_batch_job_read(t->folder, &t->job, err);
    if (rc) return rc;
    if (t->n < 0 || t->n >= t->job.n_tasks)
        return rn_fail(err, RN_EINVAL, "%s has tasks 0 to %lld, not %lld", t->folder,
                       (long long)t->job.n_tasks - 1, (long long)t->n);
    if (strcmp(t->job.version, rn_version()) != 0)
        return rn_fail(err, RN_EVERSION,
                       "the job in %s was made by ration %s and this node runs %s: give all nodes "
                       "the same",
                       t->folder, t->job.version, rn_version());
    rn_task_report_read(t->folder, t->n, &t->report);
    if (t->report.state == RN_TASK_DONE) return 0;
    t->report.attempt++;
    t->report.message[0] = '\0';
    if (gethostname(t->report.host, sizeof t->report.host - 1)) t->report.host[0] = '\0';
    const char *node = getenv("SLURMD_NODENAME");
    if (node) snprintf(t->report.host, sizeof t->report.host, "%s", node);
    return 0;
}

int rn_batch_task(const char *folder, int64_t number, const rn_watch *watch, rn_err *err)
{
    task t = {.watch = watch, .n = number, .began_ns = rn_now_ns()};
    /* Absolute, since the stage may run elsewhere. */
    int rc = realpath(folder, t.folder) ? begin(&t, err) : rn_fail_errno(err, "%s", folder);
    bool known = rc == 0;
    /* A requeue may come after the last result: nothing is left to do then. */
    bool over = known && t.report.state == RN_TASK_DONE;
    if (!rc && !over) rc = make_scratch(&t, err);
    if (!rc && !over) rc = fetch_part(&t, err);
    if (!rc && !over && strcmp(t.job.args.data[0], "generate") != 0) ask_sandbox(&t);
    if (!rc && !over) rc = send_report(&t, RN_TASK_RUNNING, err);
    if (!rc && !over) rc = work(&t, err);
    if (rc && rc != RN_ECANCELLED && known && t.report.state != RN_TASK_FAILED) {
        snprintf(t.report.message, sizeof t.report.message, "%s", err ? err->msg : rn_err_text(rc));
        send_report(&t, RN_TASK_FAILED, NULL);
    }
    remove_scratch(&t);
    rn_batch_job_free(&t.job);
    return rc;
}
