/*
 * keep.c: samples and verdicts of solve in a store, each committed when it comes.
 *
 * A run in the store is (problem, model, how it is asked, settings), so that the same call finds
 * what it has paid for: passes end it at once, failures teach the policy, and samples without a
 * verdict are judged before anything is bought. Verdicts hold for their protocol alone.
 */
#include "base/jout.h"
#include "run/solve_priv.h"

#include <math.h>
#include <stdlib.h>

static char *settings_of(const rn_solve_arm *a)
{
    const rn_sampling *p = &a->o.sampling;
    char sha[RN_SHA256_HEX];
    uint8_t digest[RN_SHA256_BYTES];
    rn_sha256_of(rn_buf_view(&a->prompt), digest);
    rn_sha256_hex(digest, sha);
    rn_buf b = {0};
    rn_buf_putc(&b, '{');
    rn_jout_text(&b, "source", "ration solve");
    rn_jout_text(&b, "version", rn_version());
    rn_jout_text(&b, "asked", a->how);
    rn_jout_text(&b, "prompt_sha256", sha);
    rn_jout_number(&b, "temperature", p->temperature);
    rn_jout_number(&b, "top_p", p->top_p);
    if (a->remote) { /* neutral ones are sent, but what the server takes is not known yet */
        if (a->o.model->body) rn_buf_printf(&b, ",\"body\":%s", a->o.model->body);
    } else {
        rn_jout_whole(&b, "top_k", p->top_k);
        rn_jout_number(&b, "min_p", p->min_p);
    }
    rn_jout_whole(&b, "max_tokens", p->max_tok);
    rn_jout_whole(&b, "seed", (int64_t)p->seed);
    rn_buf_putc(&b, '}');
    char *text = rn_buf_take(&b);
    rn_buf_free(&b);
    return text;
}

static int put_problem(rn_solve_state *s, rn_err *err)
{
    rn_target *t = &s->target;
    rn_store_set set = {.name = t->name, .hash = t->hash};
    int rc = rn_store_put_set(s->o->store, &set, &s->set_id, err);
    rn_store_problem p = {.set_id = s->set_id,
                          .ord = t->ord,
                          .task_id = t->task_id,
                          .prompt = t->p ? t->p->prompt : NULL,
                          .prompt_tok = -1};
    return rc ? rc : rn_store_put_problem(s->o->store, &p, &s->problem_id, err);
}

static int put_run(rn_solve_state *s, rn_slot_arm *x, rn_err *err)
{
    const rn_solve_arm *a = x->arm;
    rn_store_model model = {
        .name = a->name, .file_sha = a->sha, .cost = a->o.model->cost ? a->o.model->cost : ""};
    int64_t model_id;
    int rc = rn_store_put_model(s->o->store, &model, &model_id, err);
    if (rc) return rc;
    char *settings = settings_of(a);
    if (!settings) return rn_fail(err, RN_ENOMEM, "out of memory for settings");
    rn_store_run run = {.set_id = s->set_id,
                        .model_id = model_id,
                        .kind = a->o.sampling.temperature > 0 ? "sample" : "greedy",
                        .preset = rn_target_preset(&s->target, a->chat),
                        .settings = settings};
    rc = rn_store_put_run(s->o->store, &run, &x->run_id, err);
    free(settings);
    return rc;
}

int rn_keep_open(rn_solve_state *s, rn_err *err)
{
    if (!s->o->store) return 0;
    int rc = rn_store_begin(s->o->store, err);
    if (rc) return rc;
    rc = put_problem(s, err);
    for (int i = 0; !rc && i < s->n_arms; i++)
        rc = put_run(s, &s->arms[i], err);
    if (!rc) return rn_store_commit(s->o->store, err);
    rn_store_rollback(s->o->store);
    return rc;
}

/* ---- what is there --------------------------------------------------------------------------- */

typedef struct loading {
    rn_solve_state *s;
    int arm;
    uint8_t *have; /* [RN_ARM_MAX_SAMPLES] */
    rn_err *err;
} loading;

static int load_sample(void *user, const rn_store_sample_row *r)
{
    loading *l = user;
    if (r->x.problem_id != l->s->problem_id) return 0;
    if (r->x.idx >= 0 && r->x.idx < RN_ARM_MAX_SAMPLES) l->have[r->x.idx] = 1;
    rn_try *t = calloc(1, sizeof *t);
    if (!t) return rn_fail(l->err, RN_ENOMEM, "out of memory for stored samples");
    t->arm = l->arm;
    t->idx = r->x.idx;
    t->sample_id = r->sample_id;
    t->stored = true;
    t->finish = r->x.finish && strcmp(r->x.finish, "length") == 0 ? "length" : "stop";
    t->prompt_tok = r->x.prompt_tok;
    t->gen_tok = r->x.gen_tok;
    t->logprob = r->x.logprob;
    t->score = NAN;
    if (r->x.text.len) rn_buf_add(&t->text, r->x.text.data, r->x.text.len);
    l->s->arms[l->arm].row.n_stored++;
    return rn_solve_add(l->s, t, l->err);
}

int rn_keep_load(rn_solve_state *s, rn_err *err)
{
    uint8_t *have = calloc(RN_ARM_MAX_SAMPLES, 1);
    int rc = have ? 0 : rn_fail(err, RN_ENOMEM, "out of memory");
    for (int i = 0; !rc && i < s->n_arms; i++) {
        rn_solve_arm *a = s->arms[i].arm;
        memset(have, 0, RN_ARM_MAX_SAMPLES);
        loading l = {.s = s, .arm = i, .have = have, .err = err};
        if (s->o->store)
            rc =
                rn_store_each_sample(s->o->store, s->arms[i].run_id, 0, true, load_sample, &l, err);
        a->idx = rc ? NULL : calloc(RN_ARM_MAX_SAMPLES, sizeof *a->idx);
        if (!rc && !a->idx) rc = rn_fail(err, RN_ENOMEM, "out of memory");
        bool greedy = a->o.sampling.temperature == 0; /* one answer is all there is */
        for (int64_t k = 0; !rc && k < (greedy ? 1 : RN_ARM_MAX_SAMPLES); k++)
            if (!have[k]) a->idx[a->n_idx++] = k;
    }
    free(have);
    return rc;
}

/* ---- verdicts -------------------------------------------------------------------------------- */

typedef struct known {
    int64_t protocol_id;
    rn_try *t;
} known;

static int take_verdict(void *user, const rn_store_verdict_row *r)
{
    known *k = user;
    if (r->x.protocol_id != k->protocol_id || r->x.verdict == RN_V_SANDBOX) return 0;
    rn_judge_result *x = &k->t->result;
    *x = (rn_judge_result){.verdict = r->x.verdict,
                           .n_cases = (int32_t)r->x.n_tests,
                           .n_passed = (int32_t)r->x.n_passed,
                           .failed_case = (int32_t)r->x.failed_test,
                           .cpu_ns = r->x.cpu_ns,
                           .wall_ns = r->x.wall_ns,
                           .peak_bytes = r->x.peak_bytes};
    snprintf(x->detail, sizeof x->detail, "%s", r->x.detail ? r->x.detail : "");
    k->t->judged = true;
    return 1;
}

int rn_keep_protocols(rn_solve_state *s, rn_err *err)
{
    if (!s->o->store) return 0;
    int rc = 0;
    for (int i = 0; !rc && i < s->n_arms; i++) {
        rn_buf json = {0};
        rn_target_protocol(&s->target, s->judge, s->arms[i].arm->chat, &json);
        rc = rn_buf_ok(&json)
                 ? rn_store_put_protocol(s->o->store, json.data, &s->arms[i].protocol_id, err)
                 : rn_fail(err, RN_ENOMEM, "out of memory");
        rn_buf_free(&json);
    }
    for (size_t i = 0; !rc && i < s->n_tries; i++) {
        rn_try *t = s->tries[i];
        if (!t->sample_id || !t->stored) continue;
        known k = {.protocol_id = s->arms[t->arm].protocol_id, .t = t};
        int got = rn_store_each_verdict(s->o->store, t->sample_id, take_verdict, &k, err);
        if (got < 0) rc = got;
    }
    return rc;
}

int rn_keep_sample(rn_solve_state *s, rn_try *t, int64_t wall_ns, double flop, rn_err *err)
{
    if (!s->o->store) return 0;
    rn_store_sample x = {.run_id = s->arms[t->arm].run_id,
                         .problem_id = s->problem_id,
                         .idx = t->idx,
                         .text = rn_buf_view(&t->text),
                         .prompt_tok = t->prompt_tok,
                         .gen_tok = t->gen_tok,
                         .finish = t->finish,
                         .logprob = t->logprob,
                         .wall_ns = wall_ns,
                         .flop = flop};
    return rn_store_put_sample(s->o->store, &x, &t->sample_id, NULL, err);
}

int rn_keep_verdict(rn_solve_state *s, const rn_try *t, rn_err *err)
{
    if (!s->o->store || !t->sample_id) return 0;
    const rn_judge_result *r = &t->result;
    rn_store_verdict v = {.sample_id = t->sample_id,
                          .protocol_id = s->arms[t->arm].protocol_id,
                          .verdict = r->verdict,
                          .n_tests = r->n_cases,
                          .n_passed = r->n_passed,
                          .failed_test = r->failed_case,
                          .cpu_ns = r->cpu_ns,
                          .wall_ns = r->wall_ns,
                          .peak_bytes = r->peak_bytes,
                          .detail = r->detail};
    memcpy(v.program_sha, t->sha, sizeof v.program_sha);
    return rn_store_put_verdict(s->o->store, &v, err);
}
