/* cmd_judge.c: `ration judge`: options and results of rn_stage_judge (ration.h). */
#include "base/table.h"
#include "cli/commands.h"
#include "cli/model_opts.h"

static const char intro[] =
    "Runs every sample that has no verdict under these limits, in a sandbox, and writes the "
    "verdicts "
    "to the experiment file. The reference solutions of a set are run first. Stopped at any "
    "moment, "
    "it goes on where it was. Programs that are equal but for comments, layout and docstrings "
    "are run once.";

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

static void print_table(const rn_judge_summary *s, rn_buf *out)
{
    bool sets = false; /* several: one more column */
    for (size_t i = 1; i < s->n_runs; i++)
        sets |= strcmp(s->runs[i].set, s->runs[0].set) != 0;
    rn_table t = {.n_columns = 3 + N_SHOWN + 1 + (size_t)sets};
    rn_table_cell(&t, "model");
    if (sets) rn_table_cell(&t, "set");
    rn_table_cell(&t, "run");
    rn_table_cell(&t, "samples");
    for (int v = 0; v < N_SHOWN; v++)
        rn_table_cell(&t, "%s", rn_verdict_name(shown[v]));
    rn_table_cell(&t, "missing");
    for (size_t i = 0; i < s->n_runs; i++) {
        const rn_judge_run_row *r = &s->runs[i];
        rn_table_cell(&t, "%s%s", r->model, strcmp(r->kind, "greedy") == 0 ? " (greedy)" : "");
        if (sets) rn_table_cell(&t, "%s", r->set);
        rn_table_cell(&t, "%" PRId64, r->run_id);
        rn_table_cell(&t, "%" PRId64, r->n_samples);
        for (int v = 0; v < N_SHOWN; v++)
            cell_if(&t, r->by_verdict[shown[v]]);
        cell_if(&t, r->n_missing);
    }
    rn_table_end(&t, out);
    rn_buf_printf(out,
                  "\n%" PRId64 " %s judged now, %" PRId64 " %s run, %" PRId64
                  " %s confirmed\nPython %s; sandbox %s\n",
                  s->n_judged, rn_plural(s->n_judged, "sample", "samples"), s->n_programs,
                  rn_plural(s->n_programs, "program", "programs"), s->n_confirmed,
                  rn_plural(s->n_confirmed, "pass", "passes"), s->python, s->sandbox);
}

static void print_csv(const rn_judge_summary *s, rn_buf *out)
{
    rn_buf_puts(out, "model,kind,run,samples");
    for (int v = 0; v < N_SHOWN; v++)
        rn_buf_printf(out, ",%s", rn_verdict_name(shown[v]));
    rn_buf_puts(out, ",missing\n");
    for (size_t i = 0; i < s->n_runs; i++) {
        const rn_judge_run_row *r = &s->runs[i];
        rn_buf_csv(out, rn_bytes_of(r->model));
        rn_buf_printf(out, ",%s,%" PRId64 ",%" PRId64, r->kind, r->run_id, r->n_samples);
        for (int v = 0; v < N_SHOWN; v++)
            rn_buf_printf(out, ",%" PRId64, r->by_verdict[shown[v]]);
        rn_buf_printf(out, ",%" PRId64 "\n", r->n_missing);
    }
}

static void put_near(rn_buf *out, const rn_judge_summary *s)
{
    for (size_t i = 0; i < s->n_near; i++) {
        const rn_judge_near_row *n = &s->near[i];
        rn_buf_printf(out, "%s{\"task_id\": ", i ? ", " : "");
        rn_buf_json(out, rn_bytes_of(n->task_id));
        rn_buf_printf(out,
                      ", \"run\": %" PRId64 ", \"sample\": %" PRId64
                      ", \"cpu_s\": %.3f, \"limit_s\": %g, \"verdict\": \"%s\"}",
                      n->run_id, n->index, n->cpu_s, n->limit_s, rn_verdict_name(n->verdict));
    }
}

static void print_json(const rn_judge_summary *s, rn_buf *out)
{
    rn_buf_puts(out, "{\"set\": ");
    rn_buf_json(out, rn_bytes_of(s->set));
    rn_buf_printf(out,
                  ", \"hash\": \"%s\", \"judged_now\": %" PRId64 ", \"programs_run\": %" PRId64
                  ", \"confirmed\": %" PRId64 ", \"runs\": [",
                  s->hash, s->n_judged, s->n_programs, s->n_confirmed);
    for (size_t i = 0; i < s->n_runs; i++) {
        const rn_judge_run_row *r = &s->runs[i];
        rn_buf_printf(out, "%s{\"run\": %" PRId64 ", \"set\": ", i ? ", " : "", r->run_id);
        rn_buf_json(out, rn_bytes_of(r->set));
        rn_buf_puts(out, ", \"model\": ");
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
    put_near(out, s);
    rn_buf_puts(out, "]}\n");
}

static void print_near(const rn_judge_summary *s, rn_buf *out)
{
    rn_table t = {.n_columns = 7};
    static const char *const head[] = {"near their limit", "model",  "run", "sample", "cpu_s",
                                       "limit_s",          "verdict"};
    for (int i = 0; i < 7; i++)
        rn_table_cell(&t, "%s", head[i]);
    for (size_t i = 0; i < s->n_near; i++) {
        const rn_judge_near_row *n = &s->near[i];
        rn_table_cell(&t, "%s", n->task_id);
        rn_table_cell(&t, "%s", n->model);
        rn_table_cell(&t, "%" PRId64, n->run_id);
        rn_table_cell(&t, "%" PRId64, n->index);
        rn_table_cell(&t, "%.2f", n->cpu_s);
        rn_table_cell(&t, "%g", n->limit_s);
        rn_table_cell(&t, "%s", rn_verdict_name(n->verdict));
    }
    rn_buf_putc(out, '\n');
    rn_table_end(&t, out);
}

static int print_results(const rn_command *cmd, const rn_judge_summary *s, int format, bool near,
                         bool part)
{
    rn_buf out = {0};
    if (format == 2)
        print_json(s, &out);
    else if (format == 1)
        print_csv(s, &out);
    else
        print_table(s, &out);
    if (near && s->n_near && format == 0) print_near(s, &out);
    if (format != 0) rn_term_data();
    const int rc = rn_opt_print(&out);
    if (s->n_older)
        rn_opt_say(cmd,
                   "%" PRId64 " %s judged under an older version of this protocol "
                   "and %s; --recheck judges anew",
                   s->n_older, rn_plural(s->n_older, "sample was", "samples were"),
                   rn_plural(s->n_older, "counts as it is", "count as they are"));
    if (s->n_without_code)
        rn_opt_say(cmd, "%" PRId64 " of %" PRId64 " answers judged now %s no code and %s",
                   s->n_without_code, s->n_judged, rn_plural(s->n_without_code, "holds", "hold"),
                   rn_plural(s->n_without_code, "fails", "fail"));
    for (size_t i = 0; i < s->n_runs; i++) {
        /* Most fail in the same way: it is how the program was taken out of the text. */
        const rn_judge_run_row *r = &s->runs[i];
        int64_t n = r->by_verdict[RN_V_SYNTAX];
        if (2 * n <= r->n_samples || strstr(r->protocol, "auto/")) continue;
        rn_opt_say(cmd,
                   "%" PRId64 " of %" PRId64
                   " of %s are syntax errors: chat answers? try --extractor auto",
                   n, r->n_samples, r->model);
    }
    if (s->n_ended_near && !near)
        rn_opt_say(cmd, "%" PRId64 " %s ended above 80 %% of the limit; --near lists them",
                   s->n_ended_near, rn_plural(s->n_ended_near, "sample", "samples"));
    if (s->n_missing && part)
        rn_opt_say(cmd, "%" PRId64 " %s no verdict yet, those of the other parts among them",
                   s->n_missing, rn_plural(s->n_missing, "sample has", "samples have"));
    else if (s->n_missing)
        rn_opt_say(cmd, "%" PRId64 " %s no verdict (%s)", s->n_missing,
                   rn_plural(s->n_missing, "sample has", "samples have"),
                   s->n_lacking
                       ? "libraries that are not here, or failures of the sandbox"
                       : "sandbox failures or no tests; 'ration doctor' checks the sandbox");
    return rc;
}

int rn_cmd_judge(int argc, char **argv)
{
    const rn_command *cmd = rn_command_find("judge");
    rn_judge_options o;
    rn_judge_options_init(&o);
    const char *store = NULL, *format_name = NULL;
    int64_t jobs = 0, memory_mib = 4096, output_kib = 1024;
    int near = 0;
    const rn_opt table[] = {
        RN_OPT_STR('s', "store", &store, "FILE", "the experiment file"),
        RN_OPT_STR('t', "set", &o.set, "SET", "the problem set (default: those of the store)"),
        RN_OPT_STR(0, "data", &o.data_dir, "DIR", "where problem sets are"),
        RN_OPT_STR('m', "model", &o.model, "NAME", "only this model's samples"),
        RN_OPT_INT(0, "run", &o.run_id, "ID", "only this run's samples"),
        RN_OPT_FLAG(0, "recheck", &o.recheck, "judge again what has a verdict"),
        RN_OPT_FLAG(0, "near", &near, "list all samples that ended above 80 % of their limit"),
        RN_OPT_FLAG(0, "keep-going", &o.keep_going, "judge although reference solutions fail"),
        RN_OPT_STR('f', "format", &format_name, "FORM", "table, csv or json"),
        RN_OPT_GROUP("how a program is judged"),
        RN_OPT_INT('j', "jobs", &jobs, "N", "programs at a time (default: cores)"),
        RN_OPT_REAL(0, "cpu-limit", &o.judge.cpu_s, "S",
                    "CPU seconds per program (HumanEval, MBPP: 3) or case (APPS: 4)"),
        RN_OPT_REAL(0, "wall-limit", &o.judge.wall_s, "S",
                    "wall-clock backstop (default: 5 x CPU + 5)"),
        RN_OPT_INT(0, "memory-limit", &memory_mib, "MIB", "resident memory (default 4096)"),
        RN_OPT_ALIAS("memory", &memory_mib),
        RN_OPT_INT(0, "output-limit", &output_kib, "KIB",
                   "output, and size of any file (default 1024)"),
        RN_OPT_ALIAS("output", &output_kib),
        RN_OPT_INT(0, "processes", &o.processes, "N", "processes and threads (default 64)"),
        RN_OPT_REAL(0, "calibrate", &o.calibrate, "X",
                    "CPU limit: X times the reference solution's own time"),
        RN_OPT_REAL(0, "floor", &o.floor_s, "S", "least limit under --calibrate (default 0.5)"),
        RN_OPT_STR(0, "extractor", &o.extractor, "NAME",
                   "how the program is taken from the text (default: the run's own)"),
        RN_OPT_FLAG(0, "strict", &o.strict, "exact output comparison instead of APPS' rules"),
        RN_OPT_FLAG(0, "uncalibrated", &o.uncalibrated,
                    "BigCodeBench: solutions alone, without its code prompt before them"),
        RN_OPT_FLAG(0, "all-tests", &o.all_tests, "go on after the first failing test"),
        RN_OPT_STR(0, "venv", &o.judge.venv, "DIR",
                   "a virtual environment whose packages programs see"),
        RN_OPT_FLAG(0, "allow-weak", &o.judge.allow_weak,
                    "run even without namespaces and Landlock"),
        RN_SELECT_OPTIONS(&o.select),
        RN_SHARE_OPTIONS(&o.share),
        RN_OPT_END};
    int first, format, status = rn_opt_parse(cmd, intro, table, argc, argv, &first);
    if (status >= 0) return status;
    if (first < argc) return rn_opt_usage(cmd, "unexpected argument '%s'", argv[first]);
    if (!store) return rn_opt_usage(cmd, "give a store with -s FILE");
    if ((status = rn_opt_format(cmd, format_name, &format)) >= 0) return status;
    if (memory_mib <= 0 || output_kib <= 0 || jobs < 0 || jobs > 256)
        return rn_opt_usage(cmd, "limits must be positive, --jobs 1 to 256");
    o.judge.jobs = (int)jobs;
    o.judge.memory_bytes = memory_mib << 20;
    o.output_bytes = output_kib << 10;
    o.near = near ? 2 : format == 2;
    rn_err err = {0};
    if (rn_judge_options_check(&o, &err)) return rn_opt_refused(cmd, &err);
    o.watch = rn_opt_watch(cmd, argc, argv);
    rn_store *s = NULL;
    rn_judge_summary out = {0};
    int rc = rn_store_open(store, RN_STORE_WRITE, &s, &err);
    if (!rc) rc = rn_stage_judge(s, &o, &out, &err);
    if (!rc && print_results(cmd, &out, format, near, o.share.shard || o.share.units))
        rc = rn_nomem(&err, "results");
    status = rn_opt_status(cmd, rc, out.incomplete, &err);
    rn_judge_summary_free(&out);
    rn_store_close(s);
    return status;
}
