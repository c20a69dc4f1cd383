/* cmd_batch.c: `ration batch`: a stage's missing work as tasks of a Slurm cluster. */
#include "cli/commands.h"

#include "base/log.h"
#include "run/batch.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char intro[] =
    "Splits what is missing into tasks of about equal time, submits them as one Slurm array job, "
    "follows them and merges their results. Ctrl-C detaches; --attach follows again. Submitting "
    "again asks only for what is still missing.";

enum { SHOW_EVERY_S = 30 };

typedef struct screen {
    rn_progress bar;
    bool started;
    int64_t lines; /* of progress, where there is no terminal */
} screen;

static bool stopped(void *user)
{
    (void)user;
    return rn_interrupted != 0;
}

static void show_line(void *user, const char *line)
{
    screen *s = user;
    if (s->started) rn_progress_end(&s->bar);
    s->started = false;
    fprintf(stderr, "%s\n", line);
}

static void show_progress(void *user, const rn_batch_progress *p)
{
    screen *s = user;
    if (!s->started) {
        int64_t start = s->bar.start_ns;
        rn_progress_start(&s->bar, "batch", "results", 0);
        if (start) s->bar.start_ns = start; /* a message between does not begin anew */
        s->started = true;
    }
    char extra[256];
    snprintf(extra, sizeof extra,
             "tasks: %lld of %lld done, %lld running, %lld waiting%s%s, %lld "
             "failed",
             (long long)p->n_done, (long long)p->n_tasks, (long long)p->n_running,
             (long long)p->n_waiting, p->note[0] ? ": " : "", p->note, (long long)p->n_failed);
    s->bar.total = p->n_units;
    rn_progress_set(&s->bar, p->n_units_done, extra);
}

/* The path of this program, which tasks run too; "" if it has none. */
static const char *own_path(char path[PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
    path[n > 0 ? n : 0] = '\0';
    return path;
}

static int run_task(const rn_command *cmd, const char *dir, int64_t task)
{
    rn_err err = {0};
    screen s = {0};
    rn_batch_watch w = {.should_stop = stopped, .say = show_line, .user = &s};
    int rc = rn_batch_task(dir, task, &w, &err);
    if (rc == RN_ECANCELLED) {
        fprintf(stderr, "ration batch: %s\n", err.msg);
        return RN_EXIT_MISSING;
    }
    return rc ? rn_opt_failure(cmd, &err) : RN_EXIT_DONE;
}

static int submit(const rn_command *cmd, const rn_batch_opts *o, bool attach)
{
    rn_err err = {0};
    rn_buf out = {0};
    screen s = {0};
    bool all = false;
    rn_batch_watch w = {
        .should_stop = stopped, .say = show_line, .progress = show_progress, .user = &s};
    int rc = attach ? rn_batch_attach(o, &w, &all, &err) : rn_batch_submit(o, &w, &out, &all, &err);
    if (s.started) rn_progress_end(&s.bar);
    if (out.len) fwrite(out.data, 1, out.len, stdout);
    rn_buf_free(&out);
    if (rc == RN_ECANCELLED) {
        fprintf(stderr,
                "ration batch: detached; the tasks go on. 'ration batch -s %s%s%s --attach' "
                "follows them again\n",
                o->store, o->dir ? " --dir " : "", o->dir ? o->dir : "");
        return RN_EXIT_MISSING;
    }
    if (rc) return rn_opt_failure(cmd, &err);
    if (o->print || o->no_wait || all) return RN_EXIT_DONE;
    fprintf(stderr,
            "ration batch: some tasks are given up; what they finished is in %s. Mend the cause "
            "and submit again: only what is missing is asked for\n",
            o->store);
    return RN_EXIT_MISSING;
}

int rn_cmd_batch(int argc, char **argv)
{
    const rn_command *cmd = rn_command_find("batch");
    char program[PATH_MAX];
    rn_batch_opts o = {.n_tasks = 16, .n_tries = 3, .every_s = 30};
    bool attach = false;
    int64_t task = -1;
    const rn_opt table[] = {
        RN_OPT_STR('s', "store", &o.store, "FILE", "the experiment file"),
        RN_OPT_INT(0, "tasks", &o.n_tasks, "N", "tasks of the array job (default 16)"),
        RN_OPT_STR(0, "sbatch", &o.sbatch, "OPTIONS",
                   "options for sbatch, e.g. '--partition=cpu --time=2:00:00'"),
        RN_OPT_STR(0, "dir", &o.dir, "DIR",
                   "the job's folder, on a file system that all nodes see (default FILE.batch)"),
        RN_OPT_FLAG(0, "attach", &attach, "follow the job that is in the folder"),
        RN_OPT_FLAG(0, "no-wait", &o.no_wait, "submit and return"),
        RN_OPT_FLAG(0, "print", &o.print, "print script and commands instead of submitting"),
        RN_OPT_INT(0, "tries", &o.n_tries, "N",
                   "attempts of a task that bring nothing, before it is given up (default 3)"),
        RN_OPT_INT(0, "every", &o.every_s, "S",
                   "seconds between copies of a task's results to the folder (default 30)"),
        RN_OPT_INT(0, "task", &task, "I", "run task I of --dir on this node: what a node runs"),
        RN_OPT_END};
    int first, rc = rn_opt_parse(cmd, intro, table, argc, argv, &first);
    if (rc >= 0) return rc;
    rn_opt_catch_signals();
    if (task >= 0) {
        if (!o.dir) return rn_opt_usage(cmd, "--task needs the job's folder: --dir DIR");
        return run_task(cmd, o.dir, task);
    }
    o.program = own_path(program);
    o.args = (const char *const *)(argv + first);
    o.n_args = (size_t)(argc - first);
    if (!o.store) return rn_opt_usage(cmd, "the experiment file is missing: -s FILE");
    if (o.every_s < 1 || o.every_s > 60)
        return rn_opt_usage(cmd, "--every is %lld; results travel every 1 to 60 seconds",
                            (long long)o.every_s);
    if (o.n_tries < 1 || o.n_tries > 100)
        return rn_opt_usage(cmd, "--tries is %lld; give 1 to 100", (long long)o.n_tries);
    if (attach && o.n_args)
        return rn_opt_usage(cmd, "--attach follows the job that is there; leave the stage out");
    return submit(cmd, &o, attach);
}
