/*
 * solve_agree.c: how many samples agree with each candidate, where the problem's text shows calls of the
 * function: all candidates are run on the inputs of these calls and on inputs made from them, and
 * grouped by what they give (rank/consensus.h, minimum Bayes risk).
 */
#include "base/rng.h"
#include "rank/consensus.h"
#include "rank/examples.h"
#include "run/solve_priv.h"

#include <math.h>
#include <stdlib.h>

enum { N_INPUTS = 32 };

static const int64_t cpu_ns = 1000000000; /* a candidate's, over all inputs */

typedef struct agreement {
    rn_solve_state *s;
    rn_try **list; /* [n] candidates, distinct programs */
    size_t n;
    rn_arena arena;
    rn_input *inputs;
    size_t n_inputs;
    rn_voter *votes; /* [n] */
} agreement;

static int take(agreement *a, rn_judge *j, size_t i, const rn_judge_result *r, rn_err *err)
{
    a->s->ranking_cpu_s += (double)r->cpu_ns * 1e-9;
    rn_voter *v = &a->votes[i];
    if (r->verdict == RN_V_SANDBOX) {
        v->n_samples = 0; /* nothing is known of it: no vote */
        return 0;
    }
    size_t bytes = a->n_inputs * sizeof(rn_judge_value);
    rn_judge_value *values = rn_arena_alloc(&a->arena, bytes);
    if (!values) return rn_fail(err, RN_ENOMEM, "out of memory for ranking");
    memcpy(values, rn_judge_values(j), bytes);
    for (size_t k = 0; k < a->n_inputs; k++) {
        v->has_value |= values[k].kind == RN_VALUE_DATA;
        v->n_right += values[k].agrees;
        values[k].agrees = 0; /* no part of the outcome */
    }
    v->outcomes = (rn_bytes){.data = (const char *)values, .len = bytes};
    return 0;
}

static int run_all(agreement *a, rn_judge *j, rn_err *err)
{
    rn_judge_case cases[N_INPUTS];
    for (size_t i = 0; i < a->n_inputs; i++)
        cases[i] = (rn_judge_case){.input = a->inputs[i].args, .expected = a->inputs[i].expected};
    size_t sent = 0, done = 0;
    const rn_solve_options *o = a->s->o;
    while (done < a->n) {
        if (o->should_stop && o->should_stop(o->user))
            return rn_fail(err, RN_ECANCELLED, "stopped");
        int rc = 0;
        while (sent < a->n && !rc) {
            const rn_judge_job job = {.mode = RN_JUDGE_VALUES,
                                      .compare = a->s->target.p->form == RN_FORM_CALL
                                                     ? RN_COMPARE_APPS
                                                     : RN_COMPARE_STRICT,
                                      .program = rn_buf_view(&a->list[sent]->program),
                                      .entry = a->s->target.p->entry_point,
                                      .cases = cases,
                                      .n_cases = a->n_inputs,
                                      .limits = {.cpu_ns = cpu_ns}};
            rc = rn_judge_submit(j, &job, sent, err);
            if (!rc) sent++;
        }
        if (rc && rc != RN_EBUSY) return rc;
        uint64_t tag;
        rn_judge_result r;
        int got = rn_judge_wait(j, 50, &tag, &r, err);
        if (got < 0) return got;
        if (got == 0) continue;
        done++;
        if ((rc = take(a, j, (size_t)tag, &r, err))) return rc;
    }
    return 0;
}

static void count_samples(agreement *a)
{
    for (size_t i = 0; i < a->n; i++)
        for (size_t k = 0; k < a->s->n_tries; k++) {
            const rn_try *t = a->s->tries[k];
            bool cut = strcmp(t->finish, "length") == 0;
            a->votes[i].n_samples += !cut && memcmp(t->sha, a->list[i]->sha, sizeof t->sha) == 0;
        }
}

static int score(agreement *a, rn_err *err)
{
    const rn_problem *p = a->s->target.p;
    size_t n_examples = 0;
    int rc = rn_inputs_make(rn_bytes_of(p->prompt), p->entry_point, 0,
                            rn_rng_stream(p->task_id, strlen(p->task_id)), N_INPUTS, &a->arena,
                            &a->inputs, &a->n_inputs, &n_examples, err);
    if (rc || a->n_inputs == 0) return rc;
    a->votes = rn_arena_array(&a->arena, a->n, sizeof *a->votes);
    if (!a->votes) return rn_fail(err, RN_ENOMEM, "out of memory for ranking");
    count_samples(a);
    const rn_judge_settings *set = &a->s->o->judge;
    const rn_judge_opts jo = {
        .jobs = set->jobs ? set->jobs : 1, .venv = set->venv, .allow_weak = set->allow_weak != 0};
    rn_judge *j;
    rc = rn_judge_open(&jo, &j, err);
    if (rc) return rc;
    rc = run_all(a, j, err);
    rn_judge_close(j);
    if (!rc) rc = rn_consensus_score(a->votes, a->n, RN_AGREE_MBR, false, err);
    for (size_t i = 0; !rc && i < a->n; i++)
        a->list[i]->agreement = a->votes[i].score;
    return rc;
}

int rn_choose_agree(rn_solve_state *s, rn_try **list, size_t n, bool *known, rn_err *err)
{
    *known = false;
    if (!s->target.set || !s->target.p->entry_point || n < 2) return 0;
    agreement a = {.s = s, .list = list, .n = n};
    int rc = score(&a, err);
    *known = !rc && a.n_inputs > 0;
    rn_arena_free(&a.arena);
    return rc;
}
