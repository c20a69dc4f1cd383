/* cmd_generate.c: `ration generate`: options and results of rn_stage_generate and rn_stage_until
 * (ration.h). */
#include "cli/commands.h"
#include "cli/model_opts.h"
#include "cli/until_print.h"

enum { NOT_GIVEN = -1000000, MAX_MODELS = 8 };

/* What only a question needs. */
typedef struct until_args {
    const char *question;
    int dry_run;
    rn_opt_list models, costs;
    int64_t jobs;
    double level;
} until_args;

static void print_result(const rn_generate_summary *s)
{
    printf("run %lld: %lld of %lld %s (%lld made now, ", (long long)s->run_id,
           (long long)(s->n_had + s->n_made), (long long)s->n_total,
           rn_plural(s->n_total, "sample", "samples"), (long long)s->n_made);
    if (s->n_untold)
        printf("tokens unknown of %lld, %.1f s)\n", (long long)s->n_untold, s->seconds);
    else
        printf("%lld %s, %.1f s, %.1f tok/s)\n", (long long)s->n_tok,
               rn_plural(s->n_tok, "token", "tokens"), s->seconds,
               s->seconds > 0 ? (double)s->n_tok / s->seconds : 0);
}

/* `generate --until`: o has the settings of every sample, m those of every model. */
static int ask(const rn_command *cmd, const until_args *a, const rn_generate_options *o,
               const rn_model_source *m, const char *store)
{
    rn_until_options u;
    rn_model_source models[MAX_MODELS];
    rn_err err = {0};
    rn_until_options_init(&u);
    if (a->models.n > MAX_MODELS)
        return rn_opt_usage(cmd, "%d models; at most %d", a->models.n, MAX_MODELS);
    for (int i = 0; i < a->models.n; i++) {
        models[i] = *m;
        models[i].source = a->models.v[i];
    }
    u.watch = o->watch;
    u.question = a->question;
    u.draw = *o;
    u.models = models;
    u.n_models = (size_t)a->models.n;
    u.judge.jobs = (int)a->jobs;
    u.dry_run = a->dry_run;
    u.costs = a->costs.v;
    u.n_costs = (size_t)a->costs.n;
    u.cost_files = &m->cost_file;
    u.n_cost_files = m->cost_file != NULL;
    u.level = a->level;
    if (rn_until_options_check(&u, &err)) return rn_opt_refused(cmd, &err);
    rn_store *s = NULL;
    rn_until_summary out = {0};
    int rc = rn_store_open(store, a->dry_run ? RN_STORE_READ : RN_STORE_CREATE, &s, &err);
    if (!rc) rc = rn_stage_until(s, &u, &out, &err);
    if (!rc || rc == RN_ECANCELLED) rn_until_print(&out, false);
    if (out.spent) printf("%s\n", out.spent);
    rc = rn_opt_status(cmd, rc, out.incomplete, &err);
    rn_until_summary_free(&out);
    rn_store_close(s);
    return rc;
}

int rn_cmd_generate(int argc, char **argv)
{
    const rn_command *cmd = rn_command_find("generate");
    rn_model_args m = RN_MODEL_ARGS_NONE;
    rn_generate_options o;
    rn_generate_options_init(&o);
    until_args u = {.level = 0.95};
    const char *store = NULL;
    int64_t n = NOT_GIVEN, max_tok = NOT_GIVEN;
    const rn_opt table[] = {
        RN_OPT_LIST('m', "model", &u.models, "FILE.gguf|URL#NAME",
                    "the model: a file, or one behind a server, e.g. http://HOST:8000/v1#my-7b"),
        RN_OPT_STR('t', "set", &o.set, "SET", "problem set: a known name or a file"),
        RN_OPT_STR('s', "store", &store, "FILE", "the experiment file; made if there is none"),
        RN_OPT_STR(0, "name", &m.m.name, "NAME",
                   "the model's name in the store; default: the file's"),
        RN_OPT_LIST(0, "cost", &u.costs, "NAME",
                    "entry of the cost tables that prices the model; MODEL=NAME of several"),
        RN_OPT_STR(0, "data", &o.data_dir, "DIR", "where problem sets lie"),
        RN_OPT_GROUP("sampling"),
        RN_OPT_INT('n', "samples", &n, "N", "samples per problem (default 1, or the --preset's)"),
        RN_OPT_STR(0, "preset", &o.preset, "NAME",
                   "prompt preset (default: the set's), or the study's settings: paper-humaneval, "
                   "..."),
        RN_OPT_STR(0, "chat", &m.m.chat, "FORM",
                   "wrapping for instruct models: auto, none, chatml, ..."),
        RN_OPT_STR(0, "chat-args", &m.m.chat_args, "JSON",
                   "variables for the file's chat template, e.g. {\"enable_thinking\": false}"),
        RN_OPT_FLAG(0, "greedy", &o.greedy,
                    "the likeliest token each time; one sample per problem"),
        RN_OPT_REAL(0, "temperature", &o.temperature, "T", "default: the preset's"),
        RN_OPT_REAL(0, "top-p", &o.top_p, "P", "in (0, 1]; default: the preset's"),
        RN_OPT_INT(0, "top-k", &o.top_k, "K", "default 0: all tokens"),
        RN_OPT_REAL(0, "min-p", &o.min_p, "P", "default 0: all tokens"),
        RN_OPT_INT(0, "seed", &o.seed, "N", "default 0"),
        RN_OPT_INT(0, "max-tokens", &max_tok, "N", "new tokens per sample; default: the preset's"),
        RN_SELECT_OPTIONS(&o.select),
        RN_OPT_GROUP("until an answer is known (judges between rounds)"),
        RN_OPT_STR(0, "until", &u.question, "QUESTION",
                   "'pass@10 +-1', 'small>large at 8x', 'small - large at 8x +-2', 'crossover "
                   "small,large up to 16x'; -m for each model, -n is the most per problem"),
        RN_OPT_FLAG(0, "dry-run", &u.dry_run,
                    "replay the store's recorded samples, drawing none; needs no -m"),
        RN_OPT_REAL(0, "confidence", &u.level, "P", "of the interval (default 0.95)"),
        RN_OPT_INT('j', "jobs", &u.jobs, "N", "programs judged at a time (default: one per core)"),
        RN_SHARE_OPTIONS(&o.share),
        RN_FILE_OPTIONS(&m),
        RN_SERVER_OPTIONS(&m),
        RN_OPT_END};
    int first,
        rc = rn_opt_parse(cmd,
                          "Samples programs from a model into the store. Samples that it holds "
                          "already are kept; after an interruption run the same command again.",
                          table, argc, argv, &first);
    if (rc >= 0) return rc;
    if (first < argc) return rn_opt_usage(cmd, "unexpected argument '%s'", argv[first]);
    if (!store) return rn_opt_usage(cmd, "give a store with -s FILE; it is made if there is none");
    if (!u.question && (u.dry_run || u.models.n > 1))
        return rn_opt_usage(cmd, u.dry_run ? "--dry-run replays a question: give --until"
                                           : "several models are for --until QUESTION");
    if (u.question && u.models.n > 1 && m.m.name)
        return rn_opt_usage(cmd, "--name is for one model");
    m.m.source = u.models.n ? u.models.v[0] : NULL;
    if (!u.question) m.m.cost = u.costs.n ? u.costs.v[u.costs.n - 1] : NULL;
    if (!(u.question && u.dry_run) && (rc = rn_model_args_read(cmd, &m)) >= 0) return rc;
    o.model = m.m;
    if (n == 0) return rn_opt_usage(cmd, "-n is 0; give 1 to 100000 samples");
    o.n = n == NOT_GIVEN ? 0 : n;
    if (max_tok == 0) return rn_opt_usage(cmd, "--max-tokens is 0; give 1 or more");
    o.max_tok = max_tok == NOT_GIVEN ? 0 : max_tok;
    if (u.jobs < 0 || u.jobs > 256) return rn_opt_usage(cmd, "--jobs must be 1 to 256");
    if (u.question) {
        o.watch = rn_opt_watch(cmd, argc, argv);
        return ask(cmd, &u, &o, &m.m, store);
    }
    rn_err err = {0};
    rn_generate_options checked = o; /* a preset of the study brings its set */
    if (!checked.set && o.preset) checked.set = o.preset;
    if (rn_generate_options_check(&checked, &err)) return rn_opt_refused(cmd, &err);

    o.watch = rn_opt_watch(cmd, argc, argv);
    rn_store *s = NULL;
    rn_generate_summary out = {0};
    rc = rn_store_open(store, RN_STORE_CREATE, &s, &err);
    if (!rc) rc = rn_stage_generate(s, &o, &out, &err);
    if (!rc || rc == RN_ECANCELLED) print_result(&out);
    if (out.spent) printf("%s\n", out.spent);
    rc = rn_opt_status(cmd, rc, out.incomplete, &err);
    rn_generate_summary_free(&out);
    rn_store_close(s);
    return rc;
}
