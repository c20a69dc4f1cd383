/* cmd_batch.c: `ration batch`: a stage's missing work, or the whole study, as tasks of a cluster.
 */
#include "base/buf.h"
#include "base/table.h"
#include "cli/commands.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

static const char intro[] =
    "Splits what is missing into tasks of about equal time, submits them as one Slurm array job, "
    "follows them and merges their results. Ctrl-C detaches; --attach follows again. Submitting "
    "again asks only for what is still missing. With --preset paper the stages are those of the "
    "study, for the models of -m; their cost is printed first.";

/* The path of this program, which tasks run too; "" if it has none. */
static const char *own_path(char path[PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 1);
    path[n > 0 ? n : 0] = '\0';
    return path;
}

static int submit(const rn_command *cmd, const rn_batch_options *o, bool attach)
{
    rn_err err = {0};
    rn_batch_summary out = {0};
    int rc = attach ? rn_batch_attach(o, &out, &err) : rn_batch_submit(o, &out, &err);
    if (out.script) fputs(out.script, stdout);
    if (rc == RN_ECANCELLED)
        fprintf(stderr,
                "ration batch: detached; the tasks go on. 'ration batch -s %s%s%s --attach' "
                "follows them again\n",
                o->store, o->dir ? " --dir " : "", o->dir ? o->dir : "");
    else if (rc)
        rn_opt_failure(cmd, &err);
    else if (out.incomplete)
        fprintf(stderr,
                "ration batch: %lld of %lld tasks were given up; what they finished is in %s. Mend "
                "the cause and submit again: only what is missing is asked for\n",
                (long long)out.n_failed, (long long)out.n_tasks, o->store);
    int status = rc == RN_ECANCELLED || (!rc && out.incomplete) ? RN_EXIT_MISSING
                 : rc                                           ? RN_EXIT_FAILURE
                                                                : RN_EXIT_DONE;
    rn_batch_summary_free(&out);
    return status;
}

/* ---- the study ------------------------------------------------------------------------------- */

static void cell(rn_table *t, const char *format, double v)
{
    if (isnan(v))
        rn_table_cell(t, "%s", "?");
    else
        rn_table_cell(t, format, v);
}

static int print_study(const rn_study *s)
{
    static const char *const head[] = {"step",  "set",      "model", "samples",
                                       "hours", "share, %", "USD"};
    rn_buf out = {0};
    rn_table t = {.n_columns = 7};
    for (size_t i = 0; i < sizeof head / sizeof *head; i++)
        rn_table_cell(&t, "%s", head[i]);
    for (size_t i = 0; i < s->n_steps; i++) {
        const rn_study_step *x = &s->steps[i];
        rn_table_cell(&t, "%s%s", x->stage, x->greedy ? ", greedy" : "");
        rn_table_cell(&t, "%s", x->set);
        rn_table_cell(&t, "%s", x->model);
        rn_table_cell(&t, "%lld", (long long)x->n_samples);
        cell(&t, "%.3g", x->hours);
        cell(&t, "%.1f", s->hours > 0 ? 100 * x->hours / s->hours : (double)NAN);
        cell(&t, "%.4g", x->usd);
    }
    rn_table_end(&t, &out);
    rn_buf_printf(&out, "\nall together: %.4g hours of the machines that the profiles are from",
                  s->hours);
    if (s->usd > 0) rn_buf_printf(&out, ", %.4g USD", s->usd);
    rn_buf_puts(&out, "; judging in hours of a core; ranking at most as long as sampling\n");
    if (s->missing)
        rn_buf_printf(&out,
                      "%lld steps without hours: 'ration profile -m %s -s STORE' measures them\n",
                      (long long)s->n_unknown, s->missing);
    bool ok = rn_buf_ok(&out);
    if (ok) fwrite(out.data, 1, out.len, stdout);
    rn_buf_free(&out);
    fflush(stdout);
    return ok ? 0 : RN_ENOMEM;
}

static int run_study(const rn_command *cmd, rn_batch_options *o, const rn_study_options *so)
{
    rn_err err = {0};
    rn_study s = {0};
    rn_store *store = NULL;
    int status = RN_EXIT_DONE;
    if (access(o->store, F_OK) == 0 && rn_store_open(o->store, RN_STORE_READ, &store, &err))
        return rn_opt_failure(cmd, &err);
    int rc = rn_study_plan(store, so, &s, &err);
    rn_store_close(store);
    if (!rc && print_study(&s)) rc = RN_ENOMEM;
    if (rc) return rn_opt_failure(cmd, &err);
    for (size_t i = 0; i < s.n_steps && status == RN_EXIT_DONE; i++) {
        o->args = s.steps[i].args;
        o->n_args = s.steps[i].n_args;
        printf("ration batch -s %s --", o->store);
        for (size_t k = 0; k < o->n_args; k++)
            printf(" %s", o->args[k]);
        printf("\n");
        fflush(stdout);
        if (!o->print) status = submit(cmd, o, false);
    }
    rn_study_free(&s);
    return status;
}

/* ---- the command ----------------------------------------------------------------------------- */

static int run_task(const rn_command *cmd, const char *dir, int64_t task)
{
    rn_err err = {0};
    rn_watch w = rn_opt_watch(cmd, 0, NULL);
    int rc = rn_batch_task(dir, task, &w, &err);
    if (rc) rn_opt_failure(cmd, &err);
    return rc == RN_ECANCELLED ? RN_EXIT_MISSING : rc ? RN_EXIT_FAILURE : RN_EXIT_DONE;
}

static const int64_t not_given = INT64_MIN;

static bool is_count(int64_t n)
{
    return n == not_given || (n >= 1 && n <= INT_MAX);
}

int rn_cmd_batch(int argc, char **argv)
{
    const rn_command *cmd = rn_command_find("batch");
    char program[PATH_MAX];
    rn_batch_options o;
    rn_batch_options_init(&o);
    rn_study_options study = {0};
    rn_opt_list models = {0};
    const char *preset = NULL;
    bool attach = false, no_wait = false, print = false;
    int64_t task = -1, n_tasks = not_given, n_nodes = not_given, tries = o.n_tries,
            every_s = o.every_s;
    const rn_opt table[] = {
        RN_OPT_STR('s', "store", &o.store, "FILE", "the experiment file"),
        RN_OPT_STR(0, "dir", &o.dir, "DIR",
                   "the job's folder, on a file system that all nodes see (default FILE.batch)"),
        RN_OPT_FLAG(0, "attach", &attach, "follow the job that is in the folder"),
        RN_OPT_FLAG(0, "no-wait", &no_wait, "submit and return"),
        RN_OPT_FLAG(0, "print", &print, "print script and commands instead of submitting"),
        RN_OPT_INT(0, "task", &task, "I", "run task I of --dir here: what a node runs"),
        RN_OPT_GROUP("tasks"),
        RN_OPT_INT(0, "tasks", &n_tasks, "N",
                   "tasks of the array job (default 16, or 1 to 5 per node with --nodes)"),
        RN_OPT_INT(0, "nodes", &n_nodes, "N",
                   "tasks that run at a time: each node gets several, the longest first, so that "
                   "all end together (default: all tasks run at a time)"),
        RN_OPT_STR(0, "sbatch", &o.sbatch, "OPTIONS",
                   "options for sbatch, e.g. '--partition=cpu --time=2:00:00'"),
        RN_OPT_INT(0, "tries", &tries, "N",
                   "attempts of a task that bring nothing, before it is given up (default 3)"),
        RN_OPT_INT(0, "every", &every_s, "S",
                   "seconds between copies of a task's results to the folder (default 30)"),
        RN_OPT_GROUP("the study"),
        RN_OPT_STR(0, "preset", &preset, "NAME", "paper: all stages of the study"),
        RN_OPT_LIST('m', "model", &models, "MODEL", "with --preset: a model; several times"),
        RN_OPT_STR(0, "profile", &study.profile, "NAME",
                   "with --preset: wall-times, where the store has no profile"),
        RN_OPT_STR(0, "cost-file", &study.cost_file, "FILE",
                   "with --preset: shapes and prices, as of ration-report(1)"),
        RN_OPT_END};
    int first, rc = rn_opt_parse(cmd, intro, table, argc, argv, &first);
    if (rc >= 0) return rc;
    if (task >= 0) {
        if (!o.dir) return rn_opt_usage(cmd, "--task needs the job's folder: --dir DIR");
        return run_task(cmd, o.dir, task);
    }
    if (!is_count(n_tasks) || !is_count(n_nodes) || tries < 1 || tries > 100 || every_s < 1 ||
        every_s > 60)
        return rn_opt_usage(cmd,
                            "--tasks and --nodes are at least 1, --tries 1 to 100, --every 1 to 60 "
                            "seconds");
    o.n_tasks = n_tasks == not_given ? 0 : (int)n_tasks;
    o.n_nodes = n_nodes == not_given ? 0 : (int)n_nodes;
    o.n_tries = (int)tries;
    o.every_s = (int)every_s;
    o.no_wait = no_wait;
    o.print = print;
    o.program = own_path(program);
    o.args = (const char *const *)(argv + first);
    o.n_args = (size_t)(argc - first);
    if (!o.store) return rn_opt_usage(cmd, "the experiment file is missing: -s FILE");
    if (attach && (o.n_args || preset))
        return rn_opt_usage(cmd, "--attach follows the job that is there; leave the stage out");
    if (preset && strcmp(preset, "paper") != 0)
        return rn_opt_usage(cmd, "--preset is paper, not '%s'", preset);
    if (preset && (o.n_args || no_wait))
        return rn_opt_usage(cmd, "--preset brings its own stages, each after the one before");
    o.watch = rn_opt_watch(cmd, argc, argv);
    study.models = models.v;
    study.n_models = (size_t)models.n;
    return preset ? run_study(cmd, &o, &study) : submit(cmd, &o, attach);
}
