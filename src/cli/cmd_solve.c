/*
 * cmd_solve.c: `ration solve`: a problem, models and a budget in, a passing program out. Options
 * and printing; the work is rn_solve (ration.h).
 *
 * The program goes to standard output, everything else to standard error, so that
 * `ration solve ... >answer.py` is what it looks like.
 */
#include "base/file.h"
#include "cli/commands.h"
#include "cli/model_opts.h"

#include <unistd.h>

enum { MAX_MODELS = 8, NOT_GIVEN = -1 };

/* What is not in rn_solve_options as it is typed. */
typedef struct options {
    rn_model_args m; /* of all models */
    rn_opt_list models, costs;
    const char *store, *set, *problem, *prompt, *tests, *entry, *ledger, *format, *data;
    int quiet;
    int64_t in_flight, jobs, max_tok, seed, memory_mib;
    double temperature, top_p;
} options;

typedef struct session {
    const rn_command *cmd;
    options o;
    rn_solve_options s;
    rn_model_source models[MAX_MODELS];
    char names[MAX_MODELS][128];
    rn_sampling sampling;
    rn_taskset *set;
    rn_store *store;
    bool live; /* a line of progress stands on the terminal */
    int64_t n_samples, n_verdicts;
} session;

/* ---- options --------------------------------------------------------------------------------- */

/* "NAME=SOURCE", where NAME holds neither '/' nor ':'; else the whole is the source. */
static void split_name(const char *text, char name[128], const char **source)
{
    size_t n = strcspn(text, "=/:");
    bool named = text[n] == '=' && n > 0 && n < 128;
    snprintf(name, 128, "%.*s", named ? (int)n : 0, text);
    *source = named ? text + n + 1 : text;
}

static int add_models(session *q)
{
    const options *o = &q->o;
    if (o->models.n == 0)
        return rn_opt_usage(q->cmd, "give a model with -m FILE.gguf or -m https://HOST/v1#MODEL");
    if (o->models.n > MAX_MODELS)
        return rn_opt_usage(q->cmd, "%d models; at most %d", o->models.n, MAX_MODELS);
    for (int i = 0; i < o->models.n; i++) {
        rn_model_source *m = &q->models[i];
        *m = o->m.m;
        split_name(o->models.v[i], q->names[i], &m->source);
        if (q->names[i][0]) m->name = q->names[i];
        if (rn_source_is_server(m)) {
            m->chat = m->chat_args = NULL;
            m->threads = 0;
            m->memory_bytes = 0;
        } else {
            m->api = m->key_env = m->ca_file = m->body = NULL;
            m->retries = 0;
            m->n_headers = m->n_query = 0;
        }
        rn_err err;
        if (rn_model_source_check(m, &err)) return rn_opt_refused(q->cmd, &err);
    }
    for (int i = 0; i < o->costs.n; i++) {
        const char *eq = strchr(o->costs.v[i], '=');
        bool found = false;
        for (int k = 0; eq && k < o->models.n; k++) {
            char name[256];
            rn_source_name(&q->models[k], name, sizeof name);
            size_t len = (size_t)(eq - o->costs.v[i]);
            bool same = strncmp(name, o->costs.v[i], len) == 0 &&
                        (!name[len] || strcmp(name + len, ".gguf") == 0);
            bool with_end = len > 5 && strlen(name) == len - 5 &&
                            strncmp(o->costs.v[i] + len - 5, ".gguf", 5) == 0 &&
                            strncmp(name, o->costs.v[i], len - 5) == 0;
            if (!same && !with_end) continue;
            q->models[k].cost = eq + 1;
            found = true;
        }
        if (!found)
            return rn_opt_usage(q->cmd, "--cost '%s': write MODEL=ENTRY with a model of -m",
                                o->costs.v[i]);
    }
    return -1;
}

static int check_problem(session *q)
{
    const options *o = &q->o;
    const rn_solve_options *s = &q->s;
    int forms = (o->set != NULL) + (o->prompt != NULL) + (s->dir != NULL);
    if (forms == 0)
        return rn_opt_usage(q->cmd, "give a problem: a file or set, or --prompt FILE, or --in DIR");
    if (forms > 1) return rn_opt_usage(q->cmd, "give one of a problem file, --prompt and --in");
    if (o->prompt && !o->entry)
        return rn_opt_usage(q->cmd, "--prompt needs --entry NAME, the function that is tested");
    if (o->prompt && !o->tests && !s->no_tests)
        return rn_opt_usage(q->cmd, "--prompt needs --tests FILE, or --no-tests");
    if (s->dir && (!s->file || !s->marker))
        return rn_opt_usage(q->cmd, "--in needs --file PATH and --at MARKER");
    if (s->dir && !s->command && !s->no_tests)
        return rn_opt_usage(q->cmd, "--in needs --run COMMAND, or --no-tests");
    if (!s->dir && (s->file || s->marker || s->command))
        return rn_opt_usage(q->cmd, "--file, --at and --run belong to --in DIR");
    return -1;
}

static int check_options(session *q)
{
    const options *o = &q->o;
    const rn_solve_options *s = &q->s;
    int rc = check_problem(q);
    if (rc < 0) rc = rn_model_args_read(q->cmd, &q->o.m);
    if (rc < 0) rc = add_models(q);
    if (rc >= 0) return rc;
    if (!s->budget)
        return rn_opt_usage(q->cmd, "give a budget, e.g. --budget 60s, 200TFLOP or 0.05USD");
    rn_sampling_init(&q->sampling);
    if (!isnan(o->temperature)) q->sampling.temperature = o->temperature;
    if (!isnan(o->top_p)) q->sampling.top_p = o->top_p;
    if (o->max_tok != NOT_GIVEN) q->sampling.max_tok = o->max_tok;
    q->sampling.seed = (uint64_t)o->seed;
    if (q->sampling.temperature < 0 || q->sampling.max_tok < 1 || q->sampling.top_p <= 0 ||
        q->sampling.top_p > 1)
        return rn_opt_usage(q->cmd, "--temperature is 0 or more, --top-p in (0, 1], --max-tokens "
                                    "at least 1");
    if (s->judge.cpu_s < 0 || s->judge.wall_s < 0 || o->memory_mib < 0 || o->jobs < 0 ||
        o->jobs > 256 || o->in_flight < 0)
        return rn_opt_usage(q->cmd, "limits, jobs, threads and places must not be negative");
    if (o->format && strcmp(o->format, "table") != 0 && strcmp(o->format, "json") != 0)
        return rn_opt_usage(q->cmd, "--format is table or json, not '%s'", o->format);
    return -1;
}

/* ---- progress -------------------------------------------------------------------------------- */

static void show(session *q)
{
    if (q->o.quiet || !isatty(STDERR_FILENO)) return;
    rn_term_clear_line();
    fprintf(stderr, "solve: %lld %s, %lld judged", (long long)q->n_samples,
            rn_plural(q->n_samples, "sample", "samples"), (long long)q->n_verdicts);
    q->live = true;
}

static int on_sample(void *user, const rn_solve_sample *s)
{
    (void)s;
    session *q = user;
    q->n_samples++;
    show(q);
    return 0;
}

static int on_verdict(void *user, const rn_solve_sample *s)
{
    (void)s;
    session *q = user;
    q->n_verdicts++;
    show(q);
    return 0;
}

static int should_stop(void *user)
{
    (void)user;
    return rn_opt_should_stop(NULL);
}

/* ---- printing -------------------------------------------------------------------------------- */

static void print_number(double v, const char *format, int width)
{
    char text[32];
    if (!isfinite(v))
        snprintf(text, sizeof text, "-");
    else
        snprintf(text, sizeof text, format, v);
    fprintf(stderr, "  %*s", width, text);
}

static void print_table(const rn_solve_result *r)
{
    int64_t n_cancelled = 0, discarded = 0;
    fprintf(stderr, "%-20s  %7s  %6s  %9s  %10s  %8s  %8s  %8s  %8s\n", "model", "samples",
            "stored", "cancelled", "prompt tok", "tokens", "TFLOP", "model s", "USD");
    for (size_t i = 0; i < r->n_rows; i++) {
        const rn_solve_row *x = &r->rows[i];
        fprintf(stderr, "%-20.20s  %7lld  %6lld  %9lld  %10lld  %8lld", x->name,
                (long long)x->n_samples, (long long)x->n_stored, (long long)x->n_cancelled,
                (long long)x->prompt_tok,
                (long long)(x->gen_tok + x->discarded_tok + x->scored_tok));
        print_number(x->flop * 1e-12, "%.4g", 8);
        print_number(x->seconds, "%.2f", 8);
        print_number(x->usd, "%.6f", 8);
        fputc('\n', stderr);
        n_cancelled += x->n_cancelled;
        discarded += x->discarded_tok;
    }
    fprintf(stderr, "wall-time %.2f s, judging included; model s: that model at work", r->seconds);
    if (n_cancelled)
        fprintf(stderr, "\ntokens: %lld of them of %lld cancelled %s, paid for all the same",
                (long long)discarded, (long long)n_cancelled,
                rn_plural(n_cancelled, "sample", "samples"));
    fputc('\n', stderr);
}

static int print_result(session *q, const rn_solve_result *r)
{
    const options *o = &q->o;
    rn_err err;
    if (q->live) rn_term_clear_line();
    for (const char *w = r->warnings; *w;) {
        size_t n = strcspn(w, "\n");
        rn_opt_say(q->cmd, "warning: %.*s", (int)n, w);
        w += n + (w[n] == '\n');
    }
    rn_opt_say(q->cmd, "%s", r->why);
    if (o->format && strcmp(o->format, "json") == 0)
        fprintf(stderr, "%s\n", r->ledger_json);
    else if (!o->quiet)
        print_table(r);
    if (r->program) {
        rn_term_data();
        fwrite(r->program, 1, r->program_len, stdout);
        if (r->program_len && r->program[r->program_len - 1] != '\n') putchar('\n');
    }
    if (fflush(stdout) != 0) {
        (void)rn_fail_errno(&err, "writing the program");
        return rn_opt_failure(q->cmd, &err);
    }
    if (o->ledger && rn_file_write_atomic(o->ledger, rn_bytes_of(r->ledger_json), &err))
        return rn_opt_failure(q->cmd, &err);
    return r->program ? RN_EXIT_DONE : RN_EXIT_MISSING;
}

/* ---- the command ----------------------------------------------------------------------------- */

static void fill(session *q)
{
    const options *o = &q->o;
    rn_solve_options *s = &q->s;
    s->models = q->models;
    s->n_models = (size_t)o->models.n;
    s->set = q->set;
    s->store = q->store;
    s->sampling = &q->sampling;
    s->in_flight = (int)o->in_flight;
    s->judge.jobs = (int)o->jobs;
    s->judge.memory_bytes = o->memory_mib << 20;
    s->on_sample = on_sample;
    s->on_verdict = on_verdict;
    s->should_stop = should_stop;
    s->user = q;
}

static int run(session *q, int argc, char **argv)
{
    rn_err err = {0};
    rn_solve_result r = {0};
    const options *o = &q->o;
    const rn_solve_options *s = &q->s;
    const rn_problem_source from = {
        .set = o->set,
        .data_dir = o->data,
        .prompt_file = o->prompt,
        .tests_file = o->tests,
        .entry = o->entry,
        .problem = o->problem,
        .judge = {.jobs = (int)o->jobs, .venv = s->judge.venv, .allow_weak = s->judge.allow_weak},
        .watch = rn_opt_watch(q->cmd, 0, NULL)};
    int rc = s->dir ? 0 : rn_problem_open(&from, &q->set, &q->s.problem, &err);
    if (!rc && o->store) rc = rn_store_open(o->store, RN_STORE_CREATE, &q->store, &err);
    fill(q);
    q->s.argc = argc;
    q->s.argv = argv;
    int status = RN_EXIT_FAILURE;
    if (!rc) rc = rn_solve(&q->s, &r, &err);
    if (rc && rc != RN_ECANCELLED) {
        if (q->live) rn_term_clear_line();
        status = rn_opt_failure(q->cmd, &err);
    } else {
        status = print_result(q, &r);
        if (rc == RN_ECANCELLED) {
            fprintf(stderr, "ration solve: stopped%s\n",
                    q->store ? "; the same command goes on from the store" : "");
            status = RN_EXIT_MISSING;
        }
    }
    rn_solve_result_free(&r);
    rn_store_close(q->store);
    rn_taskset_free(q->set);
    return status;
}

int rn_cmd_solve(int argc, char **argv)
{
    static session q;
    q.cmd = rn_command_find("solve");
    options *o = &q.o;
    rn_solve_options *s = &q.s;
    *o = (options){.m = RN_MODEL_ARGS_NONE, .temperature = NAN, .top_p = NAN, .max_tok = NOT_GIVEN};
    const rn_opt table[] = {
        RN_OPT_LIST('m', "model", &o->models, "[NAME=]MODEL",
                    "a GGUF file, or https://HOST:PORT/v1#MODEL; repeat, at most 8"),
        RN_OPT_STR('b', "budget", &s->budget, "AMOUNT", "e.g. 60s, 200TFLOP, 0.05USD"),
        RN_OPT_STR(0, "policy", &s->policy, "NAME",
                   "adaptive (default), small-only, large-only, cascade"),
        RN_OPT_STR(0, "learn-from", &s->learn_from, "STORE",
                   "expect of the models what this store recorded of them"),
        RN_OPT_STR('s', "store", &o->store, "FILE",
                   "keep samples and verdicts here, and use those that are there"),
        RN_OPT_FLAG(0, "no-tests", &s->no_tests,
                    "stop at a sample that passes the prompt's examples, else choose; nothing is "
                    "verified"),
        RN_OPT_STR(0, "fallback", &s->fallback, "MODEL",
                   "no-tests: the model whose greedy answer is taken where no sample passes them"),
        RN_OPT_FLAG(0, "keep-going", &s->keep_going,
                    "buy on although all programs fail as an empty place does"),
        RN_OPT_FLAG(0, "accept-unverified", &s->accept_unverified,
                    "without a pass, print the ranker's choice"),
        RN_OPT_STR(0, "ledger", &o->ledger, "FILE", "write the ledger there as JSON"),
        RN_OPT_STR('f', "format", &o->format, "FORM", "ledger on stderr: table (default) or json"),
        RN_OPT_FLAG('q', "quiet", &o->quiet, "no progress, no table"),
        RN_OPT_STR(0, "data", &o->data, "DIR", "where problem sets lie"),
        RN_OPT_GROUP("the problem"),
        RN_OPT_STR(0, "problem", &o->problem, "ID", "the problem of a set with several"),
        RN_OPT_STR(0, "prompt", &o->prompt, "FILE", "the beginning of a Python function"),
        RN_OPT_STR(0, "tests", &o->tests, "FILE",
                   "its tests: statements, or check(candidate) as in HumanEval"),
        RN_OPT_STR(0, "entry", &o->entry, "NAME", "the function's name"),
        RN_OPT_STR(0, "in", &s->dir, "DIR", "a working folder; a private copy is used"),
        RN_OPT_STR(0, "file", &s->file, "PATH", "the file in it that is to be completed"),
        RN_OPT_STR(0, "at", &s->marker, "MARKER", "text in that file which the program replaces"),
        RN_OPT_STR(0, "test-command", &s->command, "COMMAND",
                   "passes by exit status 0, in the sandbox"),
        RN_OPT_ALIAS("run", &s->command),
        RN_OPT_GROUP("sampling"),
        RN_OPT_REAL(0, "temperature", &o->temperature, "T", "default 0.8"),
        RN_OPT_REAL(0, "top-p", &o->top_p, "P", "default 0.95"),
        RN_OPT_INT(0, "max-tokens", &o->max_tok, "N", "new tokens per sample (default 512)"),
        RN_OPT_INT(0, "seed", &o->seed, "N", "default 0"),
        RN_OPT_INT(0, "in-flight", &o->in_flight, "N",
                   "samples per model at a time (default: 8 for seconds, else 2)"),
        RN_OPT_STR(0, "chat", &o->m.m.chat, "FORM",
                   "how instruct models of files are asked: auto (default), none, chatml, ..."),
        RN_OPT_STR(0, "chat-args", &o->m.m.chat_args, "JSON",
                   "variables for the files' chat templates, e.g. {\"enable_thinking\": false}"),
        RN_OPT_INT(0, "threads", &o->m.threads, "N", "of model files (default: one per core)"),
        RN_OPT_STR(0, "memory", &o->m.memory, "SIZE",
                   "for each model file's weights, keys, values and buffers, e.g. 4G"),
        RN_OPT_STR(0, "api", &o->m.m.api, "KIND", "of a server: completions (default) or chat"),
        RN_OPT_STR(0, "key-env", &o->m.m.key_env, "NAME",
                   "environment variable that holds the server's key"),
        RN_OPT_STR(0, "ca-file", &o->m.m.ca_file, "FILE",
                   "certificates to trust instead of the system's"),
        RN_OPT_STR(0, "body", &o->m.m.body, "JSON",
                   "fields to add to every request of a server; null leaves one out"),
        RN_OPT_LIST(0, "header", &o->m.headers, "NAME: VALUE",
                    "header to add; a value $VAR is read from the environment"),
        RN_OPT_LIST(0, "query", &o->m.query, "NAME=VALUE",
                    "parameter to add to a server's address, likewise"),
        RN_OPT_INT(0, "retries", &o->m.retries, "N", "further attempts of a request (default 8)"),
        RN_OPT_GROUP("costs"),
        RN_OPT_LIST(0, "cost", &o->costs, "MODEL=ENTRY", "price a model as this entry (repeat)"),
        RN_OPT_STR(0, "cost-file", &o->m.m.cost_file, "FILE", "more entries of the cost tables"),
        RN_OPT_GROUP("judging"),
        RN_OPT_INT('j', "jobs", &o->jobs, "N", "programs judged at a time (default 1)"),
        RN_OPT_REAL(0, "cpu-limit", &s->judge.cpu_s, "S",
                    "CPU seconds per program (default 3) or command (default 60)"),
        RN_OPT_REAL(0, "wall-limit", &s->judge.wall_s, "S",
                    "wall-clock backstop (default: 5 x CPU + 5)"),
        RN_OPT_INT(0, "memory-limit", &o->memory_mib, "MIB", "per program (default 4096)"),
        RN_OPT_STR(0, "venv", &s->judge.venv, "DIR",
                   "a virtual environment whose packages programs see"),
        RN_OPT_FLAG(0, "allow-weak", &s->judge.allow_weak,
                    "run even without namespaces and Landlock"),
        RN_OPT_END};
    int first, rc = rn_opt_parse(q.cmd,
                                 "Buys samples from the models until one passes the tests or the "
                                 "budget is spent, and prints the program.",
                                 table, argc, argv, &first);
    if (rc >= 0) return rc;
    if (first < argc) o->set = argv[first++];
    if (first < argc) return rn_opt_usage(q.cmd, "unexpected argument '%s'", argv[first]);
    if ((rc = check_options(&q)) >= 0) return rc;
    rn_opt_catch_signals();
    return run(&q, argc, argv);
}
