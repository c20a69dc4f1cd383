/*
 * keep.c: samples and verdicts of solve in a store, each committed when it comes.
 *
 * A run in the store is (problem, model, how it is asked, settings), so that the same call finds
 * what it has paid for: passes end it at once, failures teach the policy, and samples without a
 * verdict are judged before anything is bought. Verdicts hold for their protocol alone.
 */
#include "run/set_file.h"
#include "run/solve_priv.h"

static int write_settings(const rn_slot_arm *x, rn_buf *out, rn_err *err)
{
    const rn_sampler *a = x->sampler;
    char sha[RN_SHA256_HEX];
    rn_sha256_hex_of(rn_buf_view(&x->prompt), sha);
    const rn_run_identity r = {.source = "ration solve",
                               .sampling = &a->sampling,
                               .asked = a->how,
                               .prompt_sha = sha,
                               .of_server = a->m.remote != NULL,
                               .body = a->o.model->body};
    rn_run_identity_write(&r, out);
    return rn_buf_ok(out) ? 0 : rn_nomem(err, "settings");
}

static int put_problem(rn_solve_state *s, rn_err *err)
{
    rn_target *t = &s->target;
    const rn_store_set folder = {.name = t->name, .hash = t->hash};
    int rc = t->set ? rn_set_put(s->o->store, t->set, NULL, &s->set_id, err)
                    : rn_store_put_set(s->o->store, &folder, &s->set_id, err);
    rn_store_problem p = {.set_id = s->set_id,
                          .ord = t->ord,
                          .task_id = t->task_id,
                          .prompt = t->p ? t->p->prompt : NULL,
                          .prompt_tok = -1};
    return rc ? rc : rn_store_put_problem(s->o->store, &p, &s->problem_id, err);
}

static int put_run(rn_solve_state *s, rn_slot_arm *x, rn_err *err)
{
    const rn_sampler *a = x->sampler;
    rn_store_model model = {
        .name = a->m.name, .file_sha = a->m.sha, .cost = a->o.model->cost ? a->o.model->cost : ""};
    int64_t model_id;
    int rc = rn_store_put_model(s->o->store, &model, &model_id, err);
    if (rc) return rc;
    rn_buf settings = {0};
    rc = write_settings(x, &settings, err);
    rn_store_run run = {.set_id = s->set_id,
                        .model_id = model_id,
                        .kind = a->sampling.temperature > 0 ? "sample" : "greedy",
                        .preset = rn_target_preset(&s->target, a->chat),
                        .settings = settings.data};
    if (!rc) rc = rn_store_put_run(s->o->store, &run, &x->run_id, err);
    rn_buf_free(&settings);
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
    uint8_t *have; /* [RN_SOLVE_MAX_SAMPLES] */
    rn_err *err;
} loading;

static int load_sample(void *user, const rn_store_sample_row *r)
{
    loading *l = user;
    if (r->x.problem_id != l->s->problem_id) return 0;
    if (r->x.idx >= 0 && r->x.idx < RN_SOLVE_MAX_SAMPLES) l->have[r->x.idx] = 1;
    rn_try *t = calloc(1, sizeof *t);
    if (!t) return rn_nomem(l->err, "stored samples");
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
    uint8_t *have = calloc(RN_SOLVE_MAX_SAMPLES, 1);
    uint32_t *idx = calloc(RN_SOLVE_MAX_SAMPLES, sizeof *idx);
    int rc = have && idx ? 0 : rn_nomem(err, NULL);
    for (int i = 0; !rc && i < s->n_arms; i++) {
        rn_slot_arm *x = &s->arms[i];
        memset(have, 0, RN_SOLVE_MAX_SAMPLES);
        loading l = {.s = s, .arm = i, .have = have, .err = err};
        if (s->o->store)
            rc = rn_store_each_sample(s->o->store,
                                      &(rn_store_samples){.run_id = x->run_id, .with_text = true},
                                      load_sample, &l, err);
        bool greedy = x->sampler->sampling.temperature == 0; /* one answer is all there is */
        int64_t n = 0;
        for (uint32_t k = 0; k < (greedy ? 1 : RN_SOLVE_MAX_SAMPLES); k++)
            if (!have[k]) idx[n++] = k;
        if (!rc) rc = rn_sampler_want(x->sampler, 0, rn_buf_view(&x->prompt), idx, n, err);
    }
    free(idx);
    free(have);
    return rc;
}

/* ---- verdicts -------------------------------------------------------------------------------- */

typedef struct known {
    rn_store *store;
    int64_t protocol;
    rn_try *t;
    rn_err *err;
} known;

static int take_verdict(void *user, const rn_store_verdict_row *r)
{
    known *k = user;
    bool stands = false;
    if (r->x.verdict == RN_V_SANDBOX) return 0;
    int rc = rn_store_stands_for(k->store, r->x.protocol_id, k->protocol, &stands, k->err);
    if (rc || !stands) return rc;
    rn_judge_result *x = &k->t->result;
    *x = (rn_judge_result){.verdict = r->x.verdict,
                           .n_cases = (int32_t)r->x.n_tests,
                           .n_passed = (int32_t)r->x.n_passed,
                           .failed_case = (int32_t)r->x.failed_test,
                           .cpu_ns = r->x.cpu_ns,
                           .wall_ns = r->x.wall_ns,
                           .peak_bytes = r->x.peak_bytes};
    snprintf(x->detail, sizeof x->detail, "%s", r->x.detail ? r->x.detail : "");
    k->t->judged = k->t->kept = true;
    return 1;
}

/* The protocol of an arm, and the verdicts under it of samples that a former run paid for. */
static int take_verdicts(rn_solve_state *s, int arm, rn_err *err)
{
    rn_buf json = {0};
    rn_target_protocol(&s->target, s->judge, s->arms[arm].sampler->chat, &json);
    int rc = rn_buf_ok(&json)
                 ? rn_store_put_protocol(s->o->store, json.data, &s->arms[arm].protocol_id, err)
                 : rn_nomem(err, NULL);
    for (size_t i = 0; !rc && i < s->tries.n; i++) {
        rn_try *t = s->tries.data[i];
        if (!t->sample_id || !t->stored || t->arm != arm) continue;
        known k = {.store = s->o->store, .protocol = s->arms[arm].protocol_id, .t = t, .err = err};
        int got = rn_store_each_verdict(s->o->store, t->sample_id, take_verdict, &k, err);
        if (got < 0) rc = got;
    }
    rn_buf_free(&json);
    return rc;
}

int rn_keep_protocols(rn_solve_state *s, rn_err *err)
{
    int rc = 0;
    for (int i = 0; s->o->store && !rc && i < s->n_arms; i++)
        rc = take_verdicts(s, i, err);
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
    if (!s->o->store || !t->sample_id || t->kept) return 0;
    rn_store_verdict v = rn_verdict_row(&t->result);
    v.sample_id = t->sample_id;
    v.protocol_id = s->arms[t->arm].protocol_id;
    memcpy(v.program_sha, t->sha, sizeof v.program_sha);
    return rn_store_put_verdict(s->o->store, &v, err);
}
