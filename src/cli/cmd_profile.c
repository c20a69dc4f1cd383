/*
 * cmd_profile.c: `ration profile`: what a sample of a model costs on this machine, in FLOPs and in
 * seconds, and how many samples in flight are fastest.
 *
 * For 1, 2, 4, ... samples in flight a step is timed at half the sample's length, which is its mean
 * length. With prompt time p, step time t_b at b samples in flight and T new tokens,
 *     seconds per 1,000 samples = p + 1000 T t_b / b,
 * at the b that makes it smallest; a sample's share is a thousandth of it.
 */
#include "base/hash.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/model_opts.h"
#include "cost/cost.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_POINTS = 13, STEPS = 3 };

typedef struct options {
    rn_model_opts model;
    const char *store, *name, *cost, *format;
    int64_t prompt, gen;
} options;

typedef struct point {
    int32_t batch;
    double step_s, s_per_1000;
} point;

typedef struct profile {
    point points[MAX_POINTS];
    int n, best;
    double prompt_s, flop;
    int n_threads;
    rn_shape shape;
    rn_buf hardware;
} profile;

static int measure(const rn_model *m, const options *o, size_t budget, profile *p, rn_err *err)
{
    rn_engine_opts eo;
    int rc = rn_model_opts_engine(&o->model, budget, &eo, err);
    if (rc) return rc;
    eo.max_prompt_tok = o->prompt;
    eo.max_new_tok = o->gen;
    if (eo.n_slots == 0) eo.n_slots = 1 << (MAX_POINTS - 5); /* 256; fewer if memory is short */
    rn_engine *e;
    if ((rc = rn_engine_open(m, &eo, &e, err))) return rc;
    const rn_engine_plan *plan = rn_engine_plan_of(e);
    p->n_threads = plan->n_threads;
    int64_t ns;
    rc = rn_engine_time_prompt(e, (int32_t)o->prompt, &ns, err);
    if (!rc) p->prompt_s = (double)ns * 1e-9;
    for (int32_t b = 1; !rc && b <= plan->n_slots && p->n < MAX_POINTS; b *= 2) {
        if (rn_interrupted) rc = rn_fail(err, RN_ECANCELLED, "stopped");
        if (!rc)
            rc = rn_engine_time_step(e, (int32_t)o->prompt, (int32_t)(o->gen / 2), b, STEPS, &ns,
                                     err);
        if (rc) break;
        point *x = &p->points[p->n];
        *x = (point){.batch = b, .step_s = (double)ns * 1e-9};
        x->s_per_1000 = p->prompt_s + 1000.0 * (double)o->gen * x->step_s / b;
        if (x->s_per_1000 < p->points[p->best].s_per_1000) p->best = p->n;
        p->n++;
    }
    rn_engine_close(e);
    return rc;
}

static json_t *to_json(const options *o, const profile *p)
{
    json_t *steps = json_array();
    for (int i = 0; i < p->n; i++) {
        const point *x = &p->points[i];
        json_array_append_new(steps, json_pack("{s:i, s:f, s:f}", "in_flight", x->batch, "tok_s",
                                               x->batch / x->step_s, "s_per_1000", x->s_per_1000));
    }
    const point *best = &p->points[p->best];
    return json_pack("{s:s, s:I, s:I, s:f, s:i, s:f, s:f, s:f, s:o, s:s, s:o}", "hardware",
                     p->hardware.data, "prompt_tok", (json_int_t)o->prompt, "gen_tok",
                     (json_int_t)o->gen, "prompt_s", p->prompt_s, "in_flight", best->batch,
                     "s_per_sample", best->s_per_1000 / 1000, "s_per_1000", best->s_per_1000,
                     "flop_per_sample", p->flop, "shape", rn_shape_to_json(&p->shape), "version",
                     rn_version(), "steps", steps);
}

static int store_profile(const options *o, const profile *p, rn_err *err)
{
    char sha[RN_SHA256_HEX];
    int rc = rn_sha256_file(o->model.path, sha, err);
    if (rc) return rc;
    rn_store *s;
    if ((rc = rn_store_open(o->store, RN_STORE_CREATE, &s, err))) return rc;
    rn_store_model m = {.name = o->name ? o->name : rn_model_opts_name(o->model.path),
                        .file_sha = sha,
                        .cost = o->cost ? o->cost : ""};
    json_t *j = to_json(o, p);
    char *text = j ? json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(j);
    rn_store_profile x = {.hardware = p->hardware.data,
                          .s_per_sample = p->points[p->best].s_per_1000 / 1000,
                          .s_per_1000 = p->points[p->best].s_per_1000,
                          .flop_per_sample = p->flop,
                          .json = text};
    rc = text ? rn_store_put_model(s, &m, &x.model_id, err)
              : rn_fail(err, RN_ENOMEM, "out of memory for a profile");
    if (!rc) rc = rn_store_put_profile(s, &x, err);
    free(text);
    rn_store_close(s);
    return rc;
}

static void print_table(const options *o, const profile *p)
{
    const point *best = &p->points[p->best];
    printf("%s\n", p->hardware.data);
    printf("prompt of %lld tokens: %.3g s; samples of %lld tokens: %.4g GFLOPs each\n",
           (long long)o->prompt, p->prompt_s, (long long)o->gen, p->flop * 1e-9);
    printf("%10s %12s %12s %16s\n", "in flight", "step, ms", "tok/s", "s per 1,000");
    for (int i = 0; i < p->n; i++) {
        const point *x = &p->points[i];
        printf("%10d %12.2f %12.1f %16.1f%s\n", x->batch, x->step_s * 1e3, x->batch / x->step_s,
               x->s_per_1000, i == p->best ? "  best" : "");
    }
    printf("%.4g s per sample, %.4g s per 1,000 samples with %d in flight\n",
           best->s_per_1000 / 1000, best->s_per_1000, best->batch);
}

int rn_cmd_profile(int argc, char **argv)
{
    const rn_command *cmd = rn_command_find("profile");
    options o = {.prompt = 256, .gen = 512};
    const rn_opt table[] = {
        RN_MODEL_OPTIONS(&o.model),
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
                          "Measures what a sample costs on this machine and how many samples in "
                          "flight are fastest.",
                          table, argc, argv, &first);
    if (rc >= 0) return rc;
    if (first < argc) return rn_opt_usage(cmd, "unexpected argument '%s'", argv[first]);
    bool json = o.format && strcmp(o.format, "json") == 0;
    if (o.format && !json && strcmp(o.format, "table") != 0)
        return rn_opt_usage(cmd, "--format is table or json, not '%s'", o.format);
    if (o.prompt < 1 || o.gen < 1 || o.prompt > RN_MAX_CONTEXT || o.gen > RN_MAX_CONTEXT)
        return rn_opt_usage(cmd, "--prompt and --tokens are positive numbers");
    if ((rc = rn_model_opts_check(cmd, &o.model)) >= 0) return rc;

    rn_err err = {0};
    rn_model *m = NULL;
    size_t budget = 0;
    profile p = {0};
    rn_opt_catch_signals();
    rc = rn_model_opts_load(&o.model, &m, &budget, &err);
    if (!rc && o.prompt + o.gen > m->hp.n_ctx)
        rc = rn_fail(&err, RN_ELIMIT, "%lld + %lld tokens exceed the model's context of %d",
                     (long long)o.prompt, (long long)o.gen, m->hp.n_ctx);
    if (!rc) rc = measure(m, &o, budget, &p, &err);
    if (!rc) {
        rn_model_shape(m, &p.shape);
        p.flop =
            rn_flop_sample(&p.shape, o.prompt, o.gen) + rn_flop_prompt(&p.shape, o.prompt) / 1000;
        rn_hardware(m->isa, p.n_threads, &p.hardware);
        if (!rn_buf_ok(&p.hardware)) rc = rn_fail(&err, RN_ENOMEM, "out of memory");
    }
    if (!rc && o.store) rc = store_profile(&o, &p, &err);
    int status = rc ? rn_opt_failure(cmd, &err) : RN_EXIT_DONE;
    if (!rc && json) {
        json_t *j = to_json(&o, &p);
        char *text = j ? json_dumps(j, JSON_INDENT(1)) : NULL;
        printf("%s\n", text ? text : "{}");
        free(text);
        json_decref(j);
    } else if (!rc) {
        print_table(&o, &p);
    }
    rn_buf_free(&p.hardware);
    rn_model_close(m);
    return status;
}
