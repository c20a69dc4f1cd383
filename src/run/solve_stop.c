/*
 * solve_stop.c: when to stop where there are no tests: at the first sample that passes all examples
 * that the problem's text shows; and whom to ask where none does, the fallback.
 *
 * To the policy a sample that passes all examples is what a pass is with tests: the end. Programs
 * are tried as they come, on all inputs of the ranker `examples` at once, so that nothing is run
 * again when the choice is made (solve_agree.c). The fallback is a model of the call that writes no
 * samples: its one greedy answer is kept for, out of the budget, and taken when the others have
 * had theirs; at once where the text shows no example, since nothing could stop them.
 */
#include "run/solve_priv.h"

int rn_stop_open(rn_solve_state *s, rn_err *err)
{
    if (!s->target.set || s->trial.cases) return 0;
    int rc = rn_trial_make(s->target.p, &rn_trial_examples, &s->trial_arena, &s->trial, err);
    s->stops = !rc && s->o->no_tests && s->trial.n_known > 0 &&
               s->target.p->form != RN_FORM_STDIO; /* these are tried at the end alone */
    return rc;
}

int rn_stop_check(const rn_solve_state *s, rn_err *err)
{
    const char *name = s->o->fallback;
    if (!name) return 0;
    if (!s->o->no_tests)
        return rn_fail(err, RN_EINVAL,
                       "a fallback is asked where no sample passes the prompt's examples: it goes "
                       "with no tests");
    if (s->policy_kind != RN_POLICY_ADAPTIVE && s->policy_kind != RN_POLICY_SMALL_ONLY)
        return rn_fail(err, RN_EINVAL, "a fallback goes with the policies adaptive and small-only");
    return s->o->n_models > 1 ? 0
                              : rn_fail(err, RN_EINVAL,
                                        "the fallback %s is one of the models; give another one to "
                                        "draw from",
                                        name);
}

/* A sample that could be printed. */
static bool is_usable(const rn_try *t)
{
    return t->found && strcmp(t->finish, "length") != 0;
}

bool rn_stop_tries(const rn_solve_state *s, const rn_try *t)
{
    return s->stops && t->arm != s->fallback && is_usable(t);
}

void rn_stop_job(const rn_solve_state *s, const rn_try *t, rn_judge_job *job)
{
    rn_trial_job(s->target.p, &s->trial, rn_buf_view(&t->program), job);
}

int rn_stop_take(rn_solve_state *s, rn_try *t, const rn_judge_result *r, rn_err *err)
{
    int rc = rn_trial_take(&s->trial, s->judge, r, &s->trial_arena, &t->trial, err);
    s->ranking_cpu_s += (double)r->cpu_ns * 1e-9;
    t->tried = true;
    return rc;
}

bool rn_stop_at(rn_solve_state *s, const rn_try *t)
{
    if (t->arm == s->fallback) {
        if (!s->asked || !is_usable(t)) return false;
        s->ranker = s->stops ? "fallback: no sample passes all examples"
                             : "fallback: the prompt shows no example";
        return true;
    }
    if (!t->trial.known || rn_trial_right(&s->trial, &t->trial, false) < s->trial.n_known)
        return false;
    s->ranker = "examples: it passes all of them";
    return true;
}

int rn_stop_ask(rn_solve_state *s, rn_err *err)
{
    if (s->fallback < 0 || s->asked) return 0;
    rn_slot_arm *x = &s->arms[s->fallback];
    s->asked = true;
    for (size_t i = 0; i < s->tries.n; i++) { /* a former run paid for it */
        rn_try *t = s->tries.data[i];
        if (t->arm != s->fallback) continue;
        if (rn_stop_at(s, t)) s->winner = t;
        return 0;
    }
    if (x->dead) return 0;
    int rc = rn_sampler_buy(x->sampler, 1, err);
    if (rc) return rc;
    x->generating++;
    return 1;
}

int rn_stop_reserve(const rn_solve_state *s, const rn_policy_arm *arms, double *budget, rn_err *err)
{
    *budget = s->budget.amount;
    if (s->fallback < 0) return 0;
    const rn_policy_arm *big = &arms[s->fallback];
    const double left = *budget - big->shared - big->per_sample;
    if (s->budget.unit == RN_UNIT_SECOND) { /* a guess before the first sample */
        *budget = fmax(left, *budget / 2);
        return 0;
    }
    if (!(left > 0))
        return rn_fail(err, RN_EINVAL, "the budget does not pay for one answer of the fallback %s",
                       s->o->fallback);
    *budget = left;
    return 0;
}
