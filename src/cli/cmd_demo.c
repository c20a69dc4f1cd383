/*
 * cmd_demo.c: `ration demo`: the whole way on the bundled models and problems.
 *
 * A list of ordinary commands, printed as they would be typed and run one after the other in this
 * process: generate, judge, profile, rank (by every model, consensus and examples), report. What
 * each of them finds done already it keeps, so that the demo continues where it was stopped; the
 * store stays for the user to go on with. The smaller a model, the more samples it makes, as in the
 * study.
 */
#include "base/clock.h"
#include "base/file.h"
#include "cli/commands.h"

#include <unistd.h>

/* How many samples of each model are made for one of the largest. Their samples cost about 1, 4, 14
 * and 53 in FLOPs; the smallest must reach the price of the largest with half of its samples. */
static const int64_t times_n[RN_DEMO_MODELS] = {16, 4, 2, 1};

enum { MAX_STEPS = 48, MAX_ARGS = 24, QUICK = 8 };

/* Programs of the set run in microseconds and need no memory; what runs for a second never ends.
 * Samples and prompts of the set are shorter than these. */
static const char cpu_limit[] = "1", memory_mib[] = "256", max_tokens[] = "192";
/* Consensus runs every program, also the few dozen that never end, up to twice. */
static const char n_inputs[] = "16", consensus_limit[] = "0.1", examples_limit[] = "0.03";
static const char profile_prompt[] = "160", profile_tokens[] = "96";

typedef struct options {
    const char *out, *models, *set, *data;
    int64_t n;
    int quick, published;
} options;

typedef struct demo {
    const rn_command *cmd;
    const options *o;
    rn_arena arena; /* all strings of argument lists */
    rn_demo at;
    const char *steps[MAX_STEPS][MAX_ARGS]; /* NULL-terminated; [0] is the command */
    int n_steps;
    bool incomplete;
} demo;

/* ---- the commands ---------------------------------------------------------------------------- */

/* Adds a command; the arguments are strings, the last one END. They are copied. */
#define END ((const char *)NULL)
static int add(demo *d, rn_err *err, ...)
{
    assert(d->n_steps < MAX_STEPS);
    const char **to = d->steps[d->n_steps++];
    va_list ap;
    va_start(ap, err);
    int rc = 0;
    for (const char *arg; !rc && (arg = va_arg(ap, const char *));) {
        *to = rn_arena_strdup(&d->arena, arg);
        if (!*to++) rc = rn_nomem(err, NULL);
    }
    va_end(ap);
    return rc;
}

static int add_generate(demo *d, size_t i, const char *problems, rn_err *err)
{
    char n[24];
    snprintf(n, sizeof n, "%lld", (long long)(d->o->n * times_n[i]));
    const char *m = d->at.model[i];
    int rc = add(d, err, "generate", "-m", m, "-t", d->o->set, "-s", d->at.db, "--max-tokens",
                 max_tokens, "-n", n, problems ? "--problems" : NULL, problems, END);
    return rc ? rc
              : add(d, err, "generate", "-m", m, "-t", d->o->set, "-s", d->at.db, "--max-tokens",
                    max_tokens, "--greedy", problems ? "--problems" : NULL, problems, END);
}

static int plan(demo *d, rn_err *err)
{
    char part[48];
    snprintf(part, sizeof part, "0-%lld/%d", (long long)d->at.n_problems - 1, QUICK);
    const char *problems = d->o->quick ? part : NULL;
    int rc = 0;
    for (size_t i = 0; i < RN_DEMO_MODELS && !rc; i++)
        rc = add_generate(d, i, problems, err);
    if (!rc)
        rc = add(d, err, "judge", "-s", d->at.db, "-t", d->o->set, "--cpu-limit", cpu_limit,
                 "--memory", memory_mib, END);
    for (size_t i = 0; i < RN_DEMO_MODELS && !rc; i++)
        rc = add(d, err, "profile", "-m", d->at.model[i], "-s", d->at.db, "--prompt",
                 profile_prompt, "--tokens", profile_tokens, END);
    for (size_t i = 0; i < RN_DEMO_MODELS && !rc; i++)
        rc = add(d, err, "rank", "-m", d->at.model[i], "-s", d->at.db, "-t", d->o->set, END);
    if (!rc)
        rc = add(d, err, "rank", "--ranker", "consensus", "--inputs", n_inputs, "--cpu-limit",
                 consensus_limit, "-s", d->at.db, "-t", d->o->set, END);
    if (!rc)
        rc = add(d, err, "rank", "--ranker", "examples", "--cpu-limit", examples_limit, "-s",
                 d->at.db, "-t", d->o->set, END);
    if (!rc) rc = add(d, err, "report", "-s", d->at.db, "--html", d->at.page, END);
    if (!rc)
        rc = add(d, err, "report", "-s", d->at.db, "--metric", "samples", "--metric", "cost",
                 "--metric", "pass@k", "--metric", "pass_flops@f", "--metric", "pass_time@t",
                 "--metric", "rank-score@k", "--metric", "rankers", END);
    return rc;
}

/* Runs a step; -1 to go on, or the exit status to end with. */
static int run_step(demo *d, int i)
{
    char *argv[MAX_ARGS];
    int argc = 0;
    rn_buf line = {0};
    for (const char **arg = d->steps[i]; *arg; arg++) {
        argv[argc++] = rn_arena_strdup(&d->arena, *arg); /* options may be moved about */
        rn_buf_putc(&line, ' ');
        rn_buf_word(&line, *arg);
    }
    argv[argc] = NULL;
    printf("\n[%d/%d] ration%s\n", i + 1, d->n_steps, line.data ? line.data : "");
    rn_buf_free(&line);
    fflush(stdout);
    int status = rn_command_find(argv[0])->run(argc, argv);
    fflush(stdout);
    if (rn_opt_should_stop(NULL)) {
        fprintf(stderr, "ration demo: stopped; the same command continues\n");
        return RN_EXIT_MISSING;
    }
    /* Without Chart.js there is no page, and the command has said so; the tables need none. */
    bool no_page = status == RN_EXIT_FAILURE && strcmp(d->steps[i][0], "report") == 0;
    if (status == RN_EXIT_MISSING || no_page) d->incomplete = true;
    if (status == RN_EXIT_DONE || status == RN_EXIT_MISSING || no_page) return -1;
    fprintf(stderr, "ration demo: ended by the command above; what is done is kept in %s\n",
            d->at.db);
    return RN_EXIT_FAILURE;
}

/* ---- what it comes to ------------------------------------------------------------------------ */

/* Sentences, one per line, as lines of a screen. */
static void print_sentences(const char *text)
{
    rn_buf out = {0};
    for (const char *line = text; *line;) {
        const size_t n = strcspn(line, "\n");
        char *one = strndup(line, n);
        if (one) rn_buf_wrapped(&out, one, 2, 0);
        rn_buf_putc(&out, '\n');
        free(one);
        line += n + (line[n] != '\0');
    }
    fputs(rn_buf_ok(&out) && out.len ? out.data : text, stdout);
    rn_buf_free(&out);
}

static int print_finding(const demo *d, rn_err *err)
{
    rn_report_options o;
    rn_report_output out = {0};
    rn_report_options_init(&o);
    o.store = d->at.db;
    int rc = rn_stage_report(&o, &out, err);
    if (!rc) {
        puts("\nThe finding");
        print_sentences(*out.findings ? out.findings : "There is nothing to compare.\n");
    }
    rn_report_output_free(&out);
    return rc;
}

static void print_next(const demo *d, double seconds)
{
    rn_buf db = {0};
    rn_buf_word(&db, d->at.db);
    const char *s = db.data ? db.data : d->at.db;
    printf("\n%s%.0f s. The page is %s, everything is in %s. Go on with\n"
           "  ration report -s %s --compare ration-mini-%s,ration-mini-%s\n"
           "  ration plan -s %s --replay\n"
           "  ration demo --published     the study's own comparison\n",
           d->o->quick ? "A quick demo: every eighth problem only. " : "", seconds,
           rn_file_exists(d->at.page) ? d->at.page : "not made", s, s, d->at.size[0],
           d->at.size[RN_DEMO_MODELS - 1], s);
    rn_buf_free(&db);
}

/* ---- --published ----------------------------------------------------------------------------- */

/* Who leads at each equal budget of FLOPs and of wall-time on HumanEval, MBPP and APPS by the
 * study's published tables, and what that comes to in sentences. Needs only the data file that
 * ships. */

static const char *const code_llama[] = {"code-llama-7b", "code-llama-13b", "code-llama-34b",
                                         "code-llama-70b"};
static const char *const llama_3[] = {"llama-3-8b", "llama-3-70b"};
static const char *const tables[] = {"pass_flops@f", "pass_time@t"};

/* The published curves of one family, priced and compared. */
static int compare(const char *const *models, size_t n_models, rn_report_output *out, rn_err *err)
{
    rn_report_options o;
    rn_report_options_init(&o);
    o.published = 1;
    o.interpolate = 1;
    o.models = models;
    o.n_models = n_models;
    o.profile = "paper-8xa100";
    o.reach = 0.6;
    o.metrics = tables;
    o.n_metrics = sizeof tables / sizeof tables[0];
    o.format = "table";
    return rn_stage_report(&o, out, err);
}

static int published(const rn_command *cmd)
{
    rn_err err = {0};
    rn_report_output code = {0}, general = {0};
    int rc = compare(code_llama, sizeof code_llama / sizeof code_llama[0], &code, &err);
    if (!rc) rc = compare(llama_3, sizeof llama_3 / sizeof llama_3[0], &general, &err);
    if (!rc)
        printf("One large model or many samples of a small one? The published results of Hassid et "
               "al. "
               "2024\n(arXiv 2404.00725): pass@k of Code Llama at equal budgets of FLOPs, and of "
               "wall-time on 8 A100.\n\n%s\nWhat it comes to\n\n",
               code.text);
    if (!rc) print_sentences(code.findings);
    if (!rc) puts("\nLlama-3, for which no wall-times are published:");
    if (!rc) print_sentences(general.findings);
    rn_report_output_free(&code);
    rn_report_output_free(&general);
    return rc ? rn_opt_failure(cmd, &err) : RN_EXIT_DONE;
}

/* ---- the command ----------------------------------------------------------------------------- */

static int prepare(demo *d, rn_err *err)
{
    const options *o = d->o;
    const rn_demo_options at = {
        .out = o->out, .models_dir = o->models, .set = o->set, .data_dir = o->data};
    int rc = rn_demo_open(&at, &d->at, err);
    if (!rc && d->at.is_there)
        printf("%s is there with %lld %s: what it holds is kept, what is missing is made.\n",
               d->at.db, (long long)d->at.n_samples,
               rn_plural(d->at.n_samples, "sample", "samples"));
    return rc ? rc : plan(d, err);
}

int rn_cmd_demo(int argc, char **argv)
{
    const rn_command *cmd = rn_command_find("demo");
    options o = {.set = "mini", .n = 8};
    const rn_opt table[] = {
        RN_OPT_STR(0, "out", &o.out, "DIR", "where demo.db and report.html go (default: here)"),
        RN_OPT_FLAG(0, "quick", &o.quick, "every eighth problem only"),
        RN_OPT_INT(
            'n', "samples", &o.n, "N",
            "samples of the largest model; 2, 4 and 16 times as many of the others (default 8)"),
        RN_OPT_STR('t', "set", &o.set, "SET", "another problem set than mini"),
        RN_OPT_STR(0, "models", &o.models, "DIR", "where ration-mini-{xs,s,m,l}.gguf lie"),
        RN_OPT_STR(0, "data", &o.data, "DIR", "where problem sets lie"),
        RN_OPT_FLAG(0, "published", &o.published, "the study's comparison, from its tables"),
        RN_OPT_END};
    int first;
    int status =
        rn_opt_parse(cmd,
                     "Runs the whole experiment on the bundled models and problems: small "
                     "and large models write\nprograms, tests judge them, models rank them, "
                     "tables and a page show which way of spending\na budget wins. Stopped "
                     "at any moment, the same command continues.",
                     table, argc, argv, &first);
    if (status >= 0) return status;
    if (first < argc) return rn_opt_usage(cmd, "unexpected argument '%s'", argv[first]);
    if (o.published) return published(cmd);
    if (o.n < 1 || o.n > 1000) return rn_opt_usage(cmd, "-n is from 1 to 1000");

    demo d = {.cmd = cmd, .o = &o};
    rn_err err = {0};
    int64_t t0 = rn_now_ns();
    int rc = prepare(&d, &err);
    status = -1;
    for (int i = 0; !rc && status < 0 && i < d.n_steps; i++)
        status = run_step(&d, i);
    if (!rc && status < 0) rc = print_finding(&d, &err);
    if (!rc && status < 0) {
        print_next(&d, (double)(rn_now_ns() - t0) * 1e-9);
        status = d.incomplete ? RN_EXIT_MISSING : RN_EXIT_DONE;
    }
    rn_demo_close(&d.at);
    rn_arena_free(&d.arena);
    return rc ? rn_opt_failure(cmd, &err) : status;
}
