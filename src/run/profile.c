/*
 * profile.c: what a sample of a model costs on this machine, in FLOPs and in
 * seconds, and how many samples in flight are fastest.
 *
 * For 1, 2, 4, ... samples in flight a step is timed at half the sample's length, which is its mean
 * length. With prompt time p, step time t_b at b samples in flight and T new tokens,
 *     seconds per 1,000 samples = p + 1000 T t_b / b,
 * at the b that makes it smallest; a sample's share is a thousandth of it. Of a model behind a server
 * see profile_server.c.
 */
#include "run/profile.h"

#include "base/hash.h"
#include "run/stage.h"
#include "store/store.h"

#include <stdlib.h>

enum { STEPS = 3 };

void rn_profile_add(rn_profile *p, int32_t batch, double step_s, double s_per_1000)
{
    p->points[p->n] = (rn_profile_point){batch, step_s, s_per_1000};
    if (s_per_1000 < p->points[p->best].s_per_1000) p->best = p->n;
    p->n++;
}

static int measure(const rn_model *m, const rn_profile_opts *o, size_t budget, rn_profile *p,
                   rn_err *err)
{
    rn_engine_opts eo;
    int rc = rn_model_opts_engine(&o->model, budget, &eo, err);
    if (rc) return rc;
    eo.max_prompt_tok = o->prompt;
    eo.max_new_tok = o->gen;
    if (eo.n_slots == 0)
        eo.n_slots = 1 << (RN_PROFILE_POINTS - 5); /* 256; fewer if memory is short */
    rn_engine *e;
    if ((rc = rn_engine_open(m, &eo, &e, err))) return rc;
    const rn_engine_plan *plan = rn_engine_plan_of(e);
    p->n_threads = plan->n_threads;
    int64_t ns;
    rc = rn_engine_time_prompt(e, (int32_t)o->prompt, &ns, err);
    if (!rc) p->prompt_s = (double)ns * 1e-9;
    for (int32_t b = 1; !rc && b <= plan->n_slots && p->n < RN_PROFILE_POINTS; b *= 2) {
        if (rn_interrupted) rc = rn_fail(err, RN_ECANCELLED, "stopped");
        if (!rc)
            rc = rn_engine_time_step(e, (int32_t)o->prompt, (int32_t)(o->gen / 2), b, STEPS, &ns,
                                     err);
        if (rc) break;
        double step_s = (double)ns * 1e-9;
        rn_profile_add(p, b, step_s, p->prompt_s + 1000.0 * (double)o->gen * step_s / b);
    }
    rn_engine_close(e);
    return rc;
}

json_t *rn_profile_json(const rn_profile_opts *o, const rn_profile *p)
{
    json_t *steps = json_array();
    for (int i = 0; i < p->n; i++) {
        const rn_profile_point *x = &p->points[i];
        json_array_append_new(steps, json_pack("{s:i, s:f, s:f}", "in_flight", x->batch, "tok_s",
                                               x->batch / x->step_s, "s_per_1000", x->s_per_1000));
    }
    const rn_profile_point *best = &p->points[p->best];
    json_t *j =
        json_pack("{s:s, s:I, s:I, s:f, s:i, s:f, s:f, s:s, s:o}", "hardware", p->hardware.data,
                  "prompt_tok", (json_int_t)o->prompt, "gen_tok", (json_int_t)o->gen, "prompt_s",
                  p->prompt_s, "in_flight", best->batch, "s_per_sample", best->s_per_1000 / 1000,
                  "s_per_1000", best->s_per_1000, "version", rn_version(), "steps", steps);
    if (j && p->shape.n_layer > 0) {
        json_object_set_new(j, "flop_per_sample", json_real(p->flop));
        json_object_set_new(j, "shape", rn_shape_to_json(&p->shape));
    }
    if (j && p->server) json_object_set_new(j, "probe", rn_server_probe_json(&p->probe));
    return j;
}

int rn_profile_store(const rn_profile_opts *o, const rn_profile *p, rn_err *err)
{
    char sha[RN_SHA256_HEX] = "";
    int rc = p->server ? 0 : rn_sha256_file(o->model.path, sha, err);
    if (rc) return rc;
    const char *known_as =
        p->server ? rn_server_opts_name(o->model.path) : rn_model_opts_name(o->model.path);
    rn_store *s;
    if ((rc = rn_store_open(o->store, RN_STORE_CREATE, &s, err))) return rc;
    rn_store_model m = {
        .name = o->name ? o->name : known_as, .file_sha = sha, .cost = o->cost ? o->cost : ""};
    json_t *j = rn_profile_json(o, p);
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

/* Measures a model file on this machine. */
int rn_profile_file(const rn_profile_opts *o, rn_profile *p, rn_err *err)
{
    rn_model *m = NULL;
    size_t budget = 0;
    int rc = rn_model_opts_load(&o->model, &m, &budget, err);
    if (!rc && o->prompt + o->gen > m->hp.n_ctx)
        rc = rn_fail(err, RN_ELIMIT, "%lld + %lld tokens exceed the model's context of %d",
                     (long long)o->prompt, (long long)o->gen, m->hp.n_ctx);
    if (!rc) rc = measure(m, o, budget, p, err);
    if (!rc) {
        rn_model_shape(m, &p->shape);
        p->flop = rn_flop_sample(&p->shape, o->prompt, o->gen) +
                  rn_flop_prompt(&p->shape, o->prompt) / 1000;
        rn_hardware(m->isa, p->n_threads, &p->hardware);
        if (!rn_buf_ok(&p->hardware)) rc = rn_fail(err, RN_ENOMEM, "out of memory");
    }
    rn_model_close(m);
    return rc;
}
