/* cmd_profile.c: `ration profile`: options and results of the stage in run/profile.h. */
#include "cli/commands.h"
#include "cli/server_opts.h"
#include "run/profile.h"

#include <stdio.h>
#include <stdlib.h>

static const char *yes_no(bool yes)
{
    return yes ? "yes" : "no";
}

static void print_probe(const rn_profile *p)
{
    const rn_remote_probe *b = &p->probe;
    printf("n honoured: %s (%lld choices of 4, %lld different)\n", yes_no(b->honours_n),
           (long long)b->n_choices, (long long)b->n_distinct);
    printf("seed honoured: %s (of %lld repetitions with equal seeds %lld differ)\n",
           yes_no(b->honours_seed), (long long)b->n_seeded, (long long)b->n_seeded_differ);
    printf("greedy: of %lld repetitions %lld differ\n", (long long)b->n_greedy,
           (long long)b->n_greedy_differ);
    printf("log probabilities: %s; token counts: %s; cached tokens told: %s\n", yes_no(b->logprobs),
           yes_no(b->usage), yes_no(b->cached));
    if (b->context_tok > 0) printf("context: %lld tokens\n", (long long)b->context_tok);
    if (b->says[0]) printf("it said: %s\n", b->says);
}

static void print_table(const rn_profile_opts *o, const rn_profile *p)
{
    const rn_profile_point *best = &p->points[p->best];
    printf("%s\n", p->hardware.data);
    if (p->server) print_probe(p);
    printf("prompt of %lld tokens: %.3g s; samples of %lld tokens", (long long)o->prompt,
           p->prompt_s, (long long)o->gen);
    if (p->shape.n_layer > 0) printf(": %.4g GFLOPs each", p->flop * 1e-9);
    putchar('\n');
    printf("%10s %12s %12s %16s\n", "in flight", "step, ms", "tok/s", "s per 1,000");
    for (int i = 0; i < p->n; i++) {
        const rn_profile_point *x = &p->points[i];
        printf("%10d %12.2f %12.1f %16.1f%s\n", x->batch, x->step_s * 1e3, x->batch / x->step_s,
               x->s_per_1000, i == p->best ? "  best" : "");
    }
    printf("%.4g s per sample, %.4g s per 1,000 samples with %d in flight\n",
           best->s_per_1000 / 1000, best->s_per_1000, best->batch);
    if (p->server) printf("%s\n", p->spent.data);
}

int rn_cmd_profile(int argc, char **argv)
{
    const rn_command *cmd = rn_command_find("profile");
    rn_profile_opts o = {.server = RN_SERVER_OPTS_NONE, .prompt = 256, .gen = 512};
    const rn_opt table[] = {
        RN_ANY_MODEL_OPTIONS(&o.model, &o.server),
        RN_OPT_STR('s', "store", &o.store, "FILE", "also keep the profile in this store"),
        RN_OPT_INT(0, "prompt", &o.prompt, "N", "prompt tokens (default 256)"),
        RN_OPT_INT(0, "tokens", &o.gen, "N", "new tokens of a sample (default 512)"),
        RN_OPT_STR(0, "name", &o.name, "NAME",
                   "the model's name in the store; default: the file's"),
        RN_OPT_STR(0, "cost", &o.cost, "NAME", "entry of the cost tables that prices the model"),
        RN_OPT_STR(0, "format", &o.format, "FORM", "table (default) or json"),
        RN_OPT_END};
    int first,
        rc = rn_opt_parse(cmd,
                          "Measures what a sample costs, on this machine or at a server, and how "
                          "many samples in flight are fastest. Of a server it also tells what it "
                          "honours and how often it repeats itself.",
                          table, argc, argv, &first);
    if (rc >= 0) return rc;
    if (first < argc) return rn_opt_usage(cmd, "unexpected argument '%s'", argv[first]);
    bool json = o.format && strcmp(o.format, "json") == 0;
    if (o.format && !json && strcmp(o.format, "table") != 0)
        return rn_opt_usage(cmd, "--format is table or json, not '%s'", o.format);
    if (o.prompt < 1 || o.gen < 1 || o.prompt > RN_MAX_CONTEXT || o.gen > RN_MAX_CONTEXT)
        return rn_opt_usage(cmd, "--prompt and --tokens are positive numbers");
    if ((rc = rn_server_opts_check(cmd, &o.server, &o.model)) >= 0) return rc;

    rn_err err = {0};
    rn_profile p = {0};
    rn_opt_catch_signals();
    rc = rn_remote_is_url(o.model.path) ? rn_profile_server(&o, &p, &err)
                                        : rn_profile_file(&o, &p, &err);
    if (!rc && o.store) rc = rn_profile_store(&o, &p, &err);
    int status = rc ? rn_opt_failure(cmd, &err) : RN_EXIT_DONE;
    if (!rc && json) {
        json_t *j = rn_profile_json(&o, &p);
        char *text = j ? json_dumps(j, JSON_INDENT(1)) : NULL;
        printf("%s\n", text ? text : "{}");
        free(text);
        json_decref(j);
    } else if (!rc) {
        print_table(&o, &p);
    }
    rn_buf_free(&p.hardware);
    rn_buf_free(&p.spent);
    return status;
}
