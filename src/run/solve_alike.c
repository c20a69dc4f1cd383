/*
 * solve_alike.c: when every answer fails as an empty place does.
 *
 * A command that fails whatever stands at the marker ("make: No rule to make target 'chek'") would
 * eat the budget. Its output on an empty place is known; when so many different programs of a model
 * fail with the same last line and none in another way, nothing more is bought of it, and when no
 * other is left that the budget can ask, the search ends. Tests that print nothing of their own
 * look alike, too: ALIKE such programs leave a pass rate below 4.6 % (95 %). A command that was not
 * found, or a rule, says so itself, and ALIKE_PLAIN programs of any model end it. A model that
 * repeats itself gets four times as many samples.
 */
#include "run/solve_priv.h"

enum { ALIKE = 64, ALIKE_PLAIN = 8 };

/* How the samples of an arm failed that were run. */
typedef struct failures {
    size_t n_alike, n_copied; /* as an empty place does: different programs, and copies of them */
    bool otherwise;           /* one of them in another way */
} failures;

static void count(const rn_solve_state *s, failures *f)
{
    const rn_judge_result *none = &s->nothing_result;
    for (size_t i = 0; i < s->tries.n; i++) {
        const rn_try *t = s->tries.data[i];
        if (!t->judged || t->result.verdict == RN_V_SANDBOX) continue;
        if (t->copied && !t->found) continue; /* nothing was run */
        if (t->result.verdict != none->verdict || strcmp(t->result.detail, none->detail) != 0)
            f[t->arm].otherwise = true;
        else if (t->copied)
            f[t->arm].n_copied++;
        else
            f[t->arm].n_alike++;
    }
}

static bool is_enough(const failures *f, size_t n)
{
    return !f->otherwise && (f->n_alike >= n || f->n_alike + f->n_copied >= 4 * n);
}

/* Whether the command itself says that it tests nothing. */
static bool is_plain(const char *detail)
{
    return strstr(detail, "exit status 127") || strstr(detail, "No rule to") ||
           strstr(detail, "exit status 126");
}

void rn_alike_look(rn_solve_state *s)
{
    failures of[RN_PRIOR_MAX_ARM] = {0}, all = {0};
    if (s->o->keep_going || s->target.set || !s->nothing_known || s->nothing_passes) return;
    count(s, of);
    bool any_open = false, any_alike = false;
    for (int a = 0; a < s->n_arms; a++) {
        const bool alike = is_enough(&of[a], ALIKE);
        all.n_alike += of[a].n_alike;
        all.n_copied += of[a].n_copied;
        all.otherwise |= of[a].otherwise;
        any_alike |= alike;
        any_open |= !alike && (rn_policy_affords(s->policy, a) || s->arms[a].generating > 0 ||
                               rn_policy_in_flight(s->policy, a) > 0);
    }
    s->all_alike = (is_plain(s->nothing_result.detail) && is_enough(&all, ALIKE_PLAIN)) ||
                   (any_alike && !any_open);
    for (int a = 0; any_open && a < s->n_arms; a++) {
        if (!is_enough(&of[a], ALIKE) || !rn_policy_affords(s->policy, a)) continue;
        rn_policy_close_arm(s->policy, a);
        rn_solve_warn(s,
                      "%s is asked no more: its answers fail as an empty place does, %zu of them "
                      "different; the rest of the budget is for the others (--keep-going asks on)",
                      s->arms[a].sampler->m.name, of[a].n_alike);
    }
}
