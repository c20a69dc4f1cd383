/* cmd_batch.c: `ration batch`: a stage's missing work, or the whole study, as tasks of a cluster.
 */
#include "base/table.h"
#include "cli/commands.h"

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

/* "ration batch -s STORE --attach", as a shell reads it. */
static void put_attach(rn_buf *b, const rn_batch_options *o)
{
    rn_buf_puts(b, "'ration batch -s ");
    rn_buf_word(b, o->store);
    if (o->dir) rn_buf_puts(b, " --dir ");
    if (o->dir) rn_buf_word(b, o->dir);
    rn_buf_puts(b, " --attach'");
}

/* What a person should know who does not see the work done; nothing after a success. */
static void explain(const rn_batch_options *o, int rc, bool attached, const rn_batch_summary *out)
{
    rn_buf b = {0};
    if (rc == RN_ECANCELLED && (out->submitted || attached)) {
        rn_buf_puts(&b, "detached; the tasks go on. ");
        put_attach(&b, o);
        rn_buf_puts(&b, " follows them again");
    } else if (rc == RN_ECANCELLED) {
        rn_buf_puts(&b, "stopped before anything was submitted; the same command begins again");
    } else if (rc && out->n_tasks) {
        rn_buf_puts(&b, "nothing is lost: ");
        put_attach(&b, o);
        rn_buf_puts(&b, " goes on with the job");
    } else if (!rc && out->n_failed) {
        rn_buf_printf(&b,
                      "%lld of %lld tasks %s given up; what they finished is in %s. Mend the cause "
                      "and submit again: only what is missing is asked for",
                      (long long)out->n_failed, (long long)out->n_tasks,
                      rn_plural(out->n_failed, "was", "were"), o->store);
    } else if (!rc && out->n_missing) {
        rn_buf_printf(&b,
                      "all tasks are done; %lld of %lld say that something is missing which "
                      "another attempt would not bring (see above)",
                      (long long)out->n_missing, (long long)out->n_tasks);
    }
    if (b.len && rn_buf_ok(&b)) rn_opt_say(rn_command_find("batch"), "%s", b.data);
    rn_buf_free(&b);
}

/* *done: no task is left, whatever the exit status says. */
static int submit(const rn_command *cmd, const rn_batch_options *o, bool attach, bool *done)
{
    rn_err err = {0};
    rn_batch_summary out = {0};
    int rc = attach ? rn_batch_attach(o, &out, &err) : rn_batch_submit(o, &out, &err);
    if (out.script) fputs(out.script, stdout);
    if (rc && rc != RN_ECANCELLED) rn_opt_failure(cmd, &err);
    explain(o, rc, attach, &out);
    *done = !rc && !out.n_failed;
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
    static const char *const head[] = {"step",  "set", "model",    "samples",
                                       "hours", "of",  "share, %", "USD"};
    const double all = s->hours + s->core_hours;
    rn_buf out = {0};
    rn_table t = {.n_columns = 8};
    for (size_t i = 0; i < sizeof head / sizeof *head; i++)
        rn_table_cell(&t, "%s", head[i]);
    for (size_t i = 0; i < s->n_steps; i++) {
        const rn_study_step *x = &s->steps[i];
        rn_table_cell(&t, "%s%s", x->stage, x->greedy ? ", greedy" : "");
        rn_table_cell(&t, "%s", x->set);
        rn_table_cell(&t, "%s", x->model);
        rn_table_cell(&t, "%lld", (long long)x->n_samples);
        cell(&t, "%.3g", x->hours);
        rn_table_cell(&t, "%s", strcmp(x->stage, "judge") == 0 ? "core" : "machine");
        cell(&t, "%.1f", all > 0 ? 100 * x->hours / all : (double)NAN);
        cell(&t, "%.4g", x->usd);
    }
    rn_table_end(&t, &out);
    rn_buf_printf(&out, "\nall together: %.4g hours of %s", s->hours,
                  s->hardware ? s->hardware : "the machines that the profiles are from");
    if (s->usd > 0) rn_buf_printf(&out, " (%.4g USD)", s->usd);
    rn_buf_printf(&out, " and %.4g core hours of judging; ranking takes at most as long as shown\n",
                  s->core_hours);
    if (s->missing)
        rn_buf_printf(&out,
                      "%lld steps without hours: 'ration profile -m %s -s STORE' measures them\n",
                      (long long)s->n_unknown, s->missing);
    return rn_opt_print(&out);
}

/* The step as a command of its own. */
static int print_step(const rn_batch_options *o)
{
    rn_buf line = {0};
    rn_buf_puts(&line, "ration batch -s ");
    rn_buf_word(&line, o->store);
    if (o->n_tasks) rn_buf_printf(&line, " --tasks %d", o->n_tasks);
    if (o->n_nodes) rn_buf_printf(&line, " --nodes %d", o->n_nodes);
    if (o->sbatch) rn_buf_puts(&line, " --sbatch ");
    if (o->sbatch) rn_buf_word(&line, o->sbatch);
    rn_buf_puts(&line, " --");
    for (size_t k = 0; k < o->n_args; k++) {
        rn_buf_putc(&line, ' ');
        rn_buf_word(&line, o->args[k]);
    }
    rn_buf_putc(&line, '\n');
    return rn_opt_print(&line);
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
    bool done = true;
    for (size_t i = 0; i < s.n_steps && done; i++) {
        o->args = s.steps[i].args;
        o->n_args = s.steps[i].n_args;
        if (print_step(o)) {
            status = rn_opt_failure(cmd, &err);
            break;
        }
        if (o->print) continue;
        int step = submit(cmd, o, false, &done);
        if (step != RN_EXIT_DONE) status = step; /* what is missing does not stop the others */
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

static bool is_within(int64_t n, int64_t most)
{
    return n == not_given || (n >= 1 && n <= most);
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
    int attach = 0;
    int64_t task = not_given, n_tasks = not_given, n_nodes = not_given, tries = not_given,
            every_s = not_given;
    const rn_opt table[] = {
        RN_OPT_STR('s', "store", &o.store, "FILE", "the experiment file"),
        RN_OPT_STR(0, "dir", &o.dir, "DIR",
                   "the job's folder, on a file system that all nodes see (default FILE.batch)"),
        RN_OPT_FLAG(0, "attach", &attach, "follow the job that is in the folder"),
        RN_OPT_FLAG(0, "no-wait", &o.no_wait, "submit and return"),
        RN_OPT_FLAG(0, "print", &o.print, "print script and commands instead of submitting"),
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
    if (task != not_given) {
        if (!o.dir || task < 0 || o.store)
            return rn_opt_usage(cmd, "a task is --dir DIR --task I, with I from 0");
        return run_task(cmd, o.dir, task);
    }
    bool shaped = n_tasks != not_given || n_nodes != not_given || every_s != not_given;
    if (attach && (shaped || o.no_wait || o.print))
        return rn_opt_usage(cmd, "--attach takes the job as it was made; it knows --dir, --sbatch "
                                 "and --tries");
    if (!is_within(n_tasks, 10000) || !is_within(n_nodes, 10000) || !is_within(tries, 100) ||
        !is_within(every_s, 60))
        return rn_opt_usage(cmd,
                            "--tasks and --nodes are 1 to 10000, --tries 1 to 100, --every 1 to 60 "
                            "seconds");
    o.n_tasks = n_tasks == not_given ? 0 : (int)n_tasks;
    o.n_nodes = n_nodes == not_given ? 0 : (int)n_nodes;
    o.n_tries = tries != not_given ? (int)tries : attach ? 0 : o.n_tries;
    if (every_s != not_given) o.every_s = (int)every_s;
    o.program = own_path(program);
    o.args = (const char *const *)(argv + first);
    o.n_args = (size_t)(argc - first);
    if (!o.store) return rn_opt_usage(cmd, "the experiment file is missing: -s FILE");
    if (attach && (o.n_args || preset))
        return rn_opt_usage(cmd, "--attach follows the job that is there; leave the stage out");
    if (preset && strcmp(preset, "paper") != 0)
        return rn_opt_usage(cmd, "--preset is paper, not '%s'", preset);
    if (preset && (o.n_args || o.no_wait))
        return rn_opt_usage(cmd, "--preset brings its own stages, each after the one before");
    rn_err bad;
    if (!attach && !preset && rn_batch_options_check(&o, &bad))
        return rn_opt_usage(cmd, "%s", bad.msg);
    o.watch = rn_opt_watch(cmd, argc, argv);
    study.models = models.v;
    study.n_models = (size_t)models.n;
    bool done;
    return preset ? run_study(cmd, &o, &study) : submit(cmd, &o, attach, &done);
}
