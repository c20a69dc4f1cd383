/* cmd_generate.c: `ration generate`: options and results of the stage in run/generate.h. */
#include "base/clock.h"
#include "cli/commands.h"
#include "cli/server_opts.h"
#include "cost/paper.h"
#include "model/sampler.h"
#include "run/generate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { ENOUGH_TO_DIFFER = 4 };

/* ---- the command ----------------------------------------------------------------------------- */

static int check_options(const rn_command *cmd, const rn_gen_opts *o)
{
    int rc = rn_server_opts_check(cmd, &o->server, &o->model);
    if (rc >= 0) return rc;
    if (o->chat && rn_remote_is_url(o->model.path))
        return rn_opt_usage(cmd, "--chat is for model files; with --api chat a server wraps the "
                                 "prompt in its own template");
    if (!o->set)
        return rn_opt_usage(cmd, "give a problem set with -t SET, e.g. -t humaneval, or a --preset "
                                 "of the study");
    if (!o->store)
        return rn_opt_usage(cmd, "give a store with -s FILE; it is made if there is none");
    if (o->n != RN_GEN_N_NOT_GIVEN && (o->n < 1 || o->n > 100000))
        return rn_opt_usage(cmd, "-n is %lld; give 1 to 100000 samples", (long long)o->n);
    if (o->greedy && o->n != 1 && o->n != RN_GEN_N_NOT_GIVEN)
        return rn_opt_usage(cmd, "--greedy makes one sample a problem; leave -n out");
    rn_sampling s;
    rn_sampling_init(&s);
    if (!isnan(o->temperature)) s.temperature = o->temperature;
    if (!isnan(o->top_p)) s.top_p = o->top_p;
    if (o->max_tok != RN_GEN_N_NOT_GIVEN) s.max_tok = o->max_tok;
    s.top_k = o->top_k;
    s.min_p = o->min_p;
    rn_err err;
    if (rn_sampling_check(&s, &err)) return rn_opt_usage(cmd, "%s", err.msg);
    return -1;
}

/* Samples that repeat each other are no samples: a server or something before it may keep answers. */
static void warn_of_repetition(const rn_gen *g)
{
    int64_t n = 0, same = 0;
    for (size_t i = 0; i < g->set->n; i++) {
        const rn_gen_work *w = &g->work[i];
        n += w->n_made >= ENOUGH_TO_DIFFER;
        same += w->n_made >= ENOUGH_TO_DIFFER && !w->differ;
    }
    if (g->sampling.temperature > 0 && 2 * same > n)
        fprintf(stderr,
                "ration generate: of %lld problems, %lld got samples that are all equal: is the "
                "temperature meant, and does %s sample at all?\n",
                (long long)n, (long long)same, g->model_name);
}

static void print_result(const rn_gen *g, int64_t ns)
{
    double s = (double)ns * 1e-9;
    printf("run %lld: %lld of %lld samples (%lld made now, %lld tokens, %.1f s, %.1f tok/s)\n",
           (long long)g->run_id, (long long)(g->n_had + g->n_done), (long long)g->n_total,
           (long long)g->n_done, (long long)g->n_tok, s, s > 0 ? (double)g->n_tok / s : 0);
}

int rn_cmd_generate(int argc, char **argv)
{
    const rn_command *cmd = rn_command_find("generate");
    rn_gen_opts o = {.n = RN_GEN_N_NOT_GIVEN,
                     .max_tok = RN_GEN_N_NOT_GIVEN,
                     .temperature = NAN, /* NAN: not given */
                     .top_p = NAN,
                     .server = RN_SERVER_OPTS_NONE};
    const rn_opt table[] = {
        RN_ANY_MODEL_OPTIONS(&o.model, &o.server),
        RN_OPT_STR('t', "set", &o.set, "SET", "problem set: a known name or a file"),
        RN_OPT_STR('s', "store", &o.store, "FILE", "the experiment file; made if there is none"),
        RN_OPT_INT('n', "samples", &o.n, "N", "samples per problem (default 1, or the --preset's)"),
        RN_OPT_FLAG(0, "greedy", &o.greedy, "the likeliest token each time; one sample a problem"),
        RN_OPT_REAL(0, "temperature", &o.temperature, "T", "default: the preset's"),
        RN_OPT_REAL(0, "top-p", &o.top_p, "P", "in (0, 1]; default: the preset's"),
        RN_OPT_INT(0, "top-k", &o.top_k, "K", "default 0: all tokens"),
        RN_OPT_REAL(0, "min-p", &o.min_p, "P", "default 0: all tokens"),
        RN_OPT_INT(0, "seed", &o.seed, "N", "default 0"),
        RN_OPT_INT(0, "max-tokens", &o.max_tok, "N", "new tokens a sample; default: the preset's"),
        RN_OPT_STR(
            0, "preset", &o.preset, "NAME",
            "prompt preset (default: the set's), or the study's settings: paper-humaneval, ..."),
        RN_OPT_STR(0, "chat", &o.chat, "FORM",
                   "wrapping for instruct models: auto, none, chatml, ..."),
        RN_OPT_STR(0, "chat-args", &o.chat_args, "JSON",
                   "variables for the file's chat template, e.g. {\"enable_thinking\": false}"),
        RN_OPT_STR(0, "problems", &o.problems, "RANGE", "places in the set, e.g. 0-9,12 or 0-99/4"),
        RN_OPT_STR(0, "name", &o.name, "NAME",
                   "the model's name in the store; default: the file's"),
        RN_OPT_STR(0, "cost", &o.cost, "NAME", "entry of the cost tables that prices the model"),
        RN_OPT_STR(0, "data", &o.data, "DIR", "where problem sets lie"),
        RN_OPT_END};
    int first,
        rc = rn_opt_parse(cmd,
                          "Samples programs from a model into the store. Samples that it holds "
                          "already are kept; after an interruption run the same command again.",
                          table, argc, argv, &first);
    if (rc >= 0) return rc;
    if (first < argc) return rn_opt_usage(cmd, "unexpected argument '%s'", argv[first]);
    const rn_paper *paper = rn_paper_find(o.preset);
    if (paper && !o.set) o.set = paper->set;
    if ((rc = check_options(cmd, &o)) >= 0) return rc;

    rn_gen g = {.o = &o, .maker = rn_remote_is_url(o.model.path) ? &rn_gen_server : &rn_gen_local};
    rn_err err = {0};
    rn_opt_catch_signals();
    int64_t t0 = 0;
    rc = rn_gen_prepare(&g, &err);
    if (!rc) rc = rn_store_log_begin(g.store, cmd->name, argc, argv, &g.command_id, &err);
    if (!rc) {
        t0 = rn_now_ns();
        if (g.n_had + g.n_too_long * o.n < g.n_total) rc = rn_gen_make(&g, &err);
    }
    int status = RN_EXIT_DONE;
    if (rc && rc != RN_ECANCELLED)
        status = rn_opt_failure(cmd, &err);
    else
        print_result(&g, rn_now_ns() - t0);
    if (!rc) warn_of_repetition(&g);
    g.maker->report(&g);
    if (rc == RN_ECANCELLED) {
        fprintf(stderr, "ration generate: stopped; the same command continues\n");
        status = RN_EXIT_MISSING;
    }
    if (status == RN_EXIT_DONE && g.n_had + g.n_done < g.n_total) status = RN_EXIT_MISSING;
    if (g.command_id) rn_store_log_end(g.store, g.command_id, status, NULL);
    rn_gen_free(&g);
    return status;
}
