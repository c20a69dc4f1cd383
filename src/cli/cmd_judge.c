/* cmd_judge.c: `ration judge`: runs the tests of every sample that has no verdict yet. */
#include "cli/commands.h"
#include "run/judge_work.h"

#include "base/json.h"
#include "base/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char intro[] =
    "Runs every sample of the set that has no verdict under these limits, in a sandbox, and "
    "writes\n"
    "the verdicts to the experiment file. The set's reference solutions are run first. Stopped at "
    "any\n"
    "moment, it goes on where it was. Programs that are equal byte for byte are run once.";

typedef struct options {
    const char *store, *set, *data, *model, *venv, *extractor, *format;
    int64_t jobs, run, memory_mib, output_kib, processes;
    double cpu_s, wall_s, calibrate, floor_s;
    bool recheck, near, strict, all_tests, allow_weak, keep_going;
} options;

typedef struct session {
    const options *o;
    rn_work w;
    rn_taskset *tasks;
    rn_judge *judge;
    rn_store *store;
    size_t cap_runs;
    rn_err *err;
} session;

/* ---- which runs, under which protocol -------------------------------------------------------- */

static const char *setting(rn_arena *a, const char *settings, const char *key)
{
    json_t *v = json_loads(settings, 0, NULL);
    const char *s = json_string_value(json_object_get(v, key));
    const char *copy = s ? rn_arena_strdup(a, s) : NULL;
    json_decref(v);
    return copy;
}

static int add_run(void *user, const rn_store_run_row *r)
{
    session *s = user;
    const options *o = s->o;
    rn_work *w = &s->w;
    if (strcmp(r->set_name, s->tasks->name) != 0 || r->n_samples == 0) return 0;
    if (o->model && strcmp(r->model_name, o->model) != 0) return 0;
    if (o->run && r->run_id != o->run) return 0;
    if (r->set_hash[0] && strcmp(r->set_hash, s->tasks->hash) != 0)
        return rn_fail(s->err, RN_EVERSION,
                       "run %" PRId64
                       " was made for another version of set %s (hash %.12s, here %.12s): "
                       "fetch the same data, or import the samples again",
                       r->run_id, r->set_name, r->set_hash, s->tasks->hash);
    if (w->n_runs == s->cap_runs) {
        size_t cap = s->cap_runs ? 2 * s->cap_runs : 16;
        rn_work_run *v = realloc(w->runs, cap * sizeof *v);
        if (!v) return rn_fail(s->err, RN_ENOMEM, "list of runs: out of memory");
        w->runs = v;
        s->cap_runs = cap;
    }
    const rn_preset *preset = rn_preset_find(r->preset);
    const char *extractor =
        o->extractor ? o->extractor : setting(&w->arena, r->settings, "extractor");
    if (!extractor) extractor = preset ? preset->extractor : "raw/1";
    const char *present = rn_extractor_find(extractor); /* an older version's name asks for it */
    if (present) extractor = present;
    w->runs[w->n_runs++] = (rn_work_run){.run_id = r->run_id,
                                         .n_samples = r->n_samples,
                                         .model = rn_arena_strdup(&w->arena, r->model_name),
                                         .kind = rn_arena_strdup(&w->arena, r->kind),
                                         .extractor = extractor,
                                         .preset = preset};
    return 0;
}

static int find_runs(session *s, rn_err *err)
{
    int rc = rn_store_each_run(s->store, add_run, s, err);
    if (rc) return rc;
    if (s->w.n_runs) return 0;
    return rn_fail(err, RN_ENOTFOUND,
                   "%s has no samples of set %s%s%s; import or generate some, or see "
                   "'ration export -s %s --format csv'",
                   s->o->store, s->tasks->name, s->o->model ? " by model " : "",
                   s->o->model ? s->o->model : "", s->o->store);
}

/* Everything a verdict depends on, as canonical JSON. */
static const char *describe_protocol(session *s, const rn_work_run *run)
{
    const options *o = s->o;
    const rn_problem *p = &s->tasks->problems[0];
    bool script = p->form == RN_FORM_CHECK || p->form == RN_FORM_ASSERTS;
    rn_buf b = {0};
    rn_buf_puts(&b, "{\"extractor\": ");
    rn_buf_json(&b, rn_bytes_of(run->extractor));
    if (o->calibrate > 0)
        rn_buf_printf(&b, ", \"cpu\": {\"times_reference\": %g, \"floor_s\": %g}", o->calibrate,
                      o->floor_s);
    else
        rn_buf_printf(&b, ", \"cpu_s\": %g", o->cpu_s > 0 ? o->cpu_s : script ? 3.0 : 4.0);
    rn_buf_printf(&b, ", \"per\": \"%s\"", script ? "program" : "case");
    if (o->wall_s > 0) rn_buf_printf(&b, ", \"wall_s\": %g", o->wall_s);
    rn_buf_printf(
        &b, ", \"memory_mib\": %" PRId64 ", \"output_kib\": %" PRId64 ", \"processes\": %" PRId64,
        o->memory_mib, o->output_kib, o->processes);
    static const char *const rules[] = {"apps", "codecontests", "livecodebench"};
    if (!script) rn_buf_printf(&b, ", \"compare\": \"%s\"", o->strict ? "strict" : rules[p->rule]);
    if (o->all_tests) rn_buf_puts(&b, ", \"all_tests\": true");
    if (o->venv) {
        rn_buf_puts(&b, ", \"venv\": ");
        rn_buf_json(&b, rn_bytes_of(o->venv));
    }
    rn_buf_printf(&b, ", \"python\": \"%s\", \"sandbox\": \"%s\", \"ration\": \"%s\"}",
                  rn_judge_python(s->judge), rn_judge_level(s->judge), rn_version());
    const char *text = rn_buf_ok(&b) ? rn_arena_dup(&s->w.arena, b.data, b.len) : NULL;
    rn_buf_free(&b);
    return text;
}

static int count_sample(void *user, const rn_store_sample_row *r)
{
    (void)r;
    ++*(int64_t *)user;
    return 0;
}

static int put_protocols(session *s, rn_err *err)
{
    int64_t due = 0;
    for (size_t i = 0; i < s->w.n_runs; i++) {
        rn_work_run *run = &s->w.runs[i];
        run->protocol = describe_protocol(s, run);
        if (!run->protocol) return rn_fail(err, RN_ENOMEM, "protocol: out of memory");
        int rc = rn_store_put_protocol(s->store, run->protocol, &run->protocol_id, err);
        if (!rc)
            rc = rn_store_each_sample(s->store, run->run_id, s->o->recheck ? 0 : run->protocol_id,
                                      false, count_sample, &run->n_due, err);
        if (rc) return rc;
        due += run->n_due;
    }
    s->w.progress.total = due;
    return 0;
}

/* ---- results --------------------------------------------------------------------------------- */

static int count_verdict(void *user, const rn_store_sample_row *r)
{
    rn_work_run *run = user;
    bool missing = r->verdict < 0 || rn_verdict_family((rn_verdict)r->verdict) == 'S';
    if (missing) run->n_missing++;
    if (r->verdict >= 0 && r->verdict < RN_N_VERDICTS) run->by_verdict[r->verdict]++;
    return 0;
}

static int count_verdicts(session *s, int64_t *missing, rn_err *err)
{
    *missing = 0;
    for (size_t i = 0; i < s->w.n_runs; i++) {
        rn_work_run *run = &s->w.runs[i];
        int rc = rn_store_each_sample(s->store, run->run_id, 0, false, count_verdict, run, err);
        if (rc) return rc;
        *missing += run->n_missing;
    }
    return 0;
}

static const rn_verdict shown[] = {RN_V_PASSED,       RN_V_WRONG,        RN_V_EXCEPTION,
                                   RN_V_SYNTAX,       RN_V_EXITED,       RN_V_CRASHED,
                                   RN_V_FORGED,       RN_V_TIME_LIMIT,   RN_V_WALL_LIMIT,
                                   RN_V_MEMORY_LIMIT, RN_V_OUTPUT_LIMIT, RN_V_PROCESS_LIMIT};
enum { N_SHOWN = sizeof shown / sizeof *shown };

static void cell_if(rn_table *t, int64_t n)
{
    if (n)
        rn_table_cell(t, "%" PRId64, n);
    else
        rn_table_cell(t, "%s", "");
}

static void print_table(const session *s, rn_buf *out)
{
    rn_table t = {.n_columns = 3 + N_SHOWN + 1};
    rn_table_cell(&t, "model");
    rn_table_cell(&t, "run");
    rn_table_cell(&t, "samples");
    for (int v = 0; v < N_SHOWN; v++)
        rn_table_cell(&t, "%s", rn_verdict_name(shown[v]));
    rn_table_cell(&t, "missing");
    for (size_t i = 0; i < s->w.n_runs; i++) {
        const rn_work_run *r = &s->w.runs[i];
        rn_table_cell(&t, "%s%s", r->model, strcmp(r->kind, "greedy") == 0 ? " (greedy)" : "");
        rn_table_cell(&t, "%" PRId64, r->run_id);
        rn_table_cell(&t, "%" PRId64, r->n_samples);
        for (int v = 0; v < N_SHOWN; v++)
            cell_if(&t, r->by_verdict[shown[v]]);
        cell_if(&t, r->n_missing);
    }
    rn_table_end(&t, out);
    rn_buf_printf(
        out, "\n%" PRId64 " samples judged now, %" PRId64 " programs run; Python %s; sandbox %s\n",
        s->w.n_judged, s->w.n_programs, rn_judge_python(s->judge), rn_judge_level(s->judge));
}

static void print_csv(const session *s, rn_buf *out)
{
    rn_buf_puts(out, "model,kind,run,samples");
    for (int v = 0; v < N_SHOWN; v++)
        rn_buf_printf(out, ",%s", rn_verdict_name(shown[v]));
    rn_buf_puts(out, ",missing\n");
    for (size_t i = 0; i < s->w.n_runs; i++) {
        const rn_work_run *r = &s->w.runs[i];
        rn_buf_json(out, rn_bytes_of(r->model));
        rn_buf_printf(out, ",%s,%" PRId64 ",%" PRId64, r->kind, r->run_id, r->n_samples);
        for (int v = 0; v < N_SHOWN; v++)
            rn_buf_printf(out, ",%" PRId64, r->by_verdict[shown[v]]);
        rn_buf_printf(out, ",%" PRId64 "\n", r->n_missing);
    }
}

static void put_near(rn_buf *out, const rn_work *w)
{
    for (size_t i = 0; i < w->n_near; i++) {
        const rn_work_near *n = &w->near[i];
        rn_buf_printf(out, "%s{\"task_id\": ", i ? ", " : "");
        rn_buf_json(out, rn_bytes_of(n->task_id));
        rn_buf_printf(out,
                      ", \"run\": %" PRId64 ", \"sample\": %" PRId64
                      ", \"cpu_s\": %.3f, \"limit_s\": %g, \"verdict\": \"%s\"}",
                      n->run_id, n->idx, n->cpu_s, n->limit_s, rn_verdict_name(n->verdict));
    }
}

static void print_json(const session *s, rn_buf *out)
{
    rn_buf_puts(out, "{\"set\": ");
    rn_buf_json(out, rn_bytes_of(s->tasks->name));
    rn_buf_printf(out,
                  ", \"hash\": \"%s\", \"judged_now\": %" PRId64 ", \"programs_run\": %" PRId64
                  ", \"runs\": [",
                  s->tasks->hash, s->w.n_judged, s->w.n_programs);
    for (size_t i = 0; i < s->w.n_runs; i++) {
        const rn_work_run *r = &s->w.runs[i];
        rn_buf_printf(out, "%s{\"run\": %" PRId64 ", \"model\": ", i ? ", " : "", r->run_id);
        rn_buf_json(out, rn_bytes_of(r->model));
        rn_buf_printf(out,
                      ", \"kind\": \"%s\", \"samples\": %" PRId64 ", \"missing\": %" PRId64
                      ", \"verdicts\": {",
                      r->kind, r->n_samples, r->n_missing);
        for (int v = 0; v < RN_N_VERDICTS; v++)
            rn_buf_printf(out, "%s\"%s\": %" PRId64, v ? ", " : "", rn_verdict_name((rn_verdict)v),
                          r->by_verdict[v]);
        rn_buf_printf(out, "}, \"protocol\": %s}", r->protocol);
    }
    rn_buf_puts(out, "], \"near_limit\": [");
    put_near(out, &s->w);
    rn_buf_puts(out, "]}\n");
}

static void print_near(const session *s, rn_buf *out)
{
    rn_table t = {.n_columns = 7};
    static const char *const head[] = {"near their limit", "model",  "run", "sample", "cpu_s",
                                       "limit_s",          "verdict"};
    for (int i = 0; i < 7; i++)
        rn_table_cell(&t, "%s", head[i]);
    for (size_t i = 0; i < s->w.n_near; i++) {
        const rn_work_near *n = &s->w.near[i];
        rn_table_cell(&t, "%s", n->task_id);
        rn_table_cell(&t, "%s", n->model);
        rn_table_cell(&t, "%" PRId64, n->run_id);
        rn_table_cell(&t, "%" PRId64, n->idx);
        rn_table_cell(&t, "%.2f", n->cpu_s);
        rn_table_cell(&t, "%g", n->limit_s);
        rn_table_cell(&t, "%s", rn_verdict_name(n->verdict));
    }
    rn_buf_putc(out, '\n');
    rn_table_end(&t, out);
}

static int print_results(const session *s, rn_err *err)
{
    rn_buf out = {0};
    const char *format = s->o->format ? s->o->format : "table";
    if (strcmp(format, "json") == 0)
        print_json(s, &out);
    else if (strcmp(format, "csv") == 0)
        print_csv(s, &out);
    else
        print_table(s, &out);
    if (s->o->near && s->w.n_near && strcmp(format, "table") == 0) print_near(s, &out);
    bool ok = rn_buf_ok(&out);
    if (strcmp(format, "table") != 0) rn_term_data();
    if (ok) fwrite(out.data, 1, out.len, stdout);
    rn_buf_free(&out);
    if (s->w.n_ended_near && !s->o->near)
        fprintf(stderr,
                "ration judge: %" PRId64
                " samples ended above 80 %% of their limit; --near lists them\n",
                s->w.n_ended_near);
    return ok ? 0 : rn_fail(err, RN_ENOMEM, "results: out of memory");
}

/* ---- the command ----------------------------------------------------------------------------- */

static int open_all(session *s, rn_err *err)
{
    const options *o = s->o;
    rn_work *w = &s->w;
    int rc = rn_taskset_open(o->set, rn_data_dir(o->data), &s->tasks, err);
    if (!rc) rc = rn_store_open(o->store, RN_STORE_WRITE, &s->store, err);
    w->tasks = s->tasks;
    w->store = s->store;
    if (!rc) rc = find_runs(s, err);
    if (rc) return rc;
    w->limits = (rn_judge_limits){.cpu_ns = (int64_t)(o->cpu_s * 1e9),
                                  .wall_ns = (int64_t)(o->wall_s * 1e9),
                                  .memory_bytes = o->memory_mib << 20,
                                  .output_bytes = o->output_kib << 10,
                                  .processes = o->processes};
    w->compare = o->strict ? RN_COMPARE_STRICT : RN_COMPARE_APPS;
    w->all_tests = o->all_tests;
    w->recheck = o->recheck;
    w->keep_going = o->keep_going;
    w->calibrate = o->calibrate;
    w->all_limits = o->near && o->calibrate > 0;
    w->floor_s = o->floor_s;
    rn_judge_opts jo = {.jobs = (int)o->jobs, .venv = o->venv, .allow_weak = o->allow_weak};
    rc = rn_judge_open(&jo, &s->judge, err);
    w->judge = s->judge;
    return rc ? rc : put_protocols(s, err);
}

static bool is_json(const options *o)
{
    return o->format && strcmp(o->format, "json") == 0;
}

static int work(session *s, int64_t *missing, rn_err *err)
{
    rn_work *w = &s->w;
    int64_t total = w->progress.total;
    int rc = 0;
    if (total || w->all_limits) {
        rn_buf notes = {0};
        rc = rn_work_references(w, &notes, err);
        if (notes.len) fprintf(stderr, "%s", notes.data);
        rn_buf_free(&notes);
        rn_progress_start(&w->progress, "judge", "samples", total);
        if (!rc && total) rc = rn_work_samples(w, err);
        rn_progress_end(&w->progress);
    }
    if (!rc && (s->o->near || is_json(s->o))) rc = rn_work_list_near(w, err);
    return rc ? rc : count_verdicts(s, missing, err);
}

static int check_options(const rn_command *cmd, const options *o)
{
    if (!o->store || !o->set) return rn_opt_usage(cmd, "-s FILE and -t SET are needed");
    if (o->format && strcmp(o->format, "table") != 0 && strcmp(o->format, "csv") != 0 &&
        strcmp(o->format, "json") != 0)
        return rn_opt_usage(cmd, "--format is table, csv or json, not '%s'", o->format);
    if (o->extractor && !rn_extractor_find(o->extractor))
        return rn_opt_usage(cmd, "unknown extractor '%s'; 'ration judge --help' lists them",
                            o->extractor);
    if (o->cpu_s < 0 || o->wall_s < 0 || o->memory_mib <= 0 || o->output_kib <= 0 ||
        o->processes <= 0 || o->calibrate < 0 || o->floor_s <= 0 || o->jobs < 0 || o->jobs > 256)
        return rn_opt_usage(cmd, "limits must be positive, jobs 1 to 256");
    if (o->calibrate > 0 && o->cpu_s > 0)
        return rn_opt_usage(cmd, "--calibrate and --cpu-limit exclude each other");
    return -1;
}

int rn_cmd_judge(int argc, char **argv)
{
    options o = {.memory_mib = 4096, .output_kib = 1024, .processes = 64, .floor_s = 0.5};
    const rn_opt table[] = {
        RN_OPT_STR('s', "store", &o.store, "FILE", "the experiment file"),
        RN_OPT_STR('t', "set", &o.set, "SET", "the problem set"),
        RN_OPT_STR(0, "data", &o.data, "DIR", "where problem sets are"),
        RN_OPT_STR('m', "model", &o.model, "NAME", "only this model's samples"),
        RN_OPT_INT(0, "run", &o.run, "ID", "only this run's samples"),
        RN_OPT_INT('j', "jobs", &o.jobs, "N", "programs at a time (default: cores)"),
        RN_OPT_REAL(0, "cpu-limit", &o.cpu_s, "S",
                    "CPU seconds a program (HumanEval, MBPP: 3) or case (APPS: 4)"),
        RN_OPT_REAL(0, "wall-limit", &o.wall_s, "S", "wall-clock backstop (default: 5 x CPU + 5)"),
        RN_OPT_INT(0, "memory", &o.memory_mib, "MIB", "resident memory (default 4096)"),
        RN_OPT_INT(0, "output", &o.output_kib, "KIB",
                   "output, and size of any file (default 1024)"),
        RN_OPT_INT(0, "processes", &o.processes, "N", "processes and threads (default 64)"),
        RN_OPT_REAL(0, "calibrate", &o.calibrate, "X",
                    "CPU limit: X times the reference solution's own time"),
        RN_OPT_REAL(0, "floor", &o.floor_s, "S", "least limit under --calibrate (default 0.5)"),
        RN_OPT_STR(0, "extractor", &o.extractor, "NAME",
                   "how the program is taken from the text (default: the run's own)"),
        RN_OPT_FLAG(0, "strict", &o.strict, "exact output comparison instead of APPS' rules"),
        RN_OPT_FLAG(0, "all-tests", &o.all_tests, "go on after the first failing test"),
        RN_OPT_FLAG(0, "recheck", &o.recheck, "judge again what has a verdict"),
        RN_OPT_FLAG(0, "near", &o.near, "list all samples that ended above 80 % of their limit"),
        RN_OPT_STR(0, "venv", &o.venv, "DIR", "a virtual environment whose packages programs see"),
        RN_OPT_FLAG(0, "keep-going", &o.keep_going, "judge although reference solutions fail"),
        RN_OPT_FLAG(0, "allow-weak", &o.allow_weak, "run even without namespaces and Landlock"),
        RN_OPT_STR(0, "format", &o.format, "FORM", "table, csv or json"),
        RN_OPT_END};
    const rn_command *cmd = rn_command_find("judge");
    int first, status = rn_opt_parse(cmd, intro, table, argc, argv, &first);
    if (status >= 0) return status;
    if (first < argc) return rn_opt_usage(cmd, "unexpected argument '%s'", argv[first]);
    status = check_options(cmd, &o);
    if (status >= 0) return status;
    rn_opt_catch_signals();
    rn_err err = {0};
    session s = {.o = &o, .err = &err};
    int64_t missing = 0;
    int rc = open_all(&s, &err);
    if (!rc) rc = work(&s, &missing, &err);
    if (!rc) rc = print_results(&s, &err);
    rn_judge_close(s.judge);
    rn_store_close(s.store);
    rn_taskset_free(s.tasks);
    free(s.w.runs);
    rn_work_free(&s.w);
    if (rc == RN_ECANCELLED) {
        fprintf(stderr, "ration judge: stopped; what is judged is kept, run it again to go on\n");
        return RN_EXIT_MISSING;
    }
    if (rc) return rn_opt_failure(cmd, &err);
    if (missing)
        fprintf(stderr,
                "ration judge: %" PRId64 " samples have no verdict (sandbox failures or no tests); "
                "'ration doctor' checks the sandbox\n",
                missing);
    return missing ? RN_EXIT_MISSING : RN_EXIT_DONE;
}
