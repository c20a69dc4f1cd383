/*
 * solve_agree.c: which candidate the ranker `examples` prefers, where the problem's text shows what
 * programs can be tried on: most examples passed, then soft agreement (stat/votes.h). Every sample
 * has a vote, equal programs run once.
 */
#include "run/solve_priv.h"
#include "run/trial.h"

typedef struct agreement {
    rn_solve_state *s;
    rn_try **list; /* [n] candidates, distinct programs */
    size_t n;
    rn_arena arena;
    const rn_trial *trial;      /* the state's */
    rn_trial_program *programs; /* [n] */
} agreement;

static int run_all(agreement *a, rn_err *err)
{
    const rn_judge_settings *set = &a->s->o->judge;
    const rn_judge_opts jo = {
        .jobs = set->jobs ? set->jobs : 1, .venv = set->venv, .allow_weak = set->allow_weak != 0};
    rn_trial_io io = {.cpu_ns = rn_trial_cpu_ns, .watch = &a->s->watch};
    bool all = true;
    for (size_t i = 0; i < a->n; i++)
        all &= a->programs[i].known;
    if (all) return 0; /* solve_stop.c tried them as they came */
    int rc = rn_judge_open(&jo, &io.judge, err);
    if (rc) return rc;
    rc = rn_trial_run(a->s->target.p, a->trial, a->programs, a->n, &io, &a->arena, err);
    rn_judge_close(io.judge);
    for (size_t i = 0; i < a->n; i++)
        if (!a->list[i]->tried) a->s->ranking_cpu_s += (double)a->programs[i].cpu_ns * 1e-9;
    return rc;
}

/* The candidate that a sample is equal to; SIZE_MAX: it has no vote. */
static size_t candidate_of(const agreement *a, const rn_try *t)
{
    if (strcmp(t->finish, "length") == 0) return SIZE_MAX;
    for (size_t i = 0; i < a->n; i++)
        if (memcmp(t->sha, a->list[i]->sha, sizeof t->sha) == 0)
            return a->programs[i].known ? i : SIZE_MAX;
    return SIZE_MAX;
}

/* The score of a candidate is that of its samples. */
static int count_votes(agreement *a, rn_err *err)
{
    const size_t n = a->s->tries.n;
    size_t *candidate = rn_arena_array(&a->arena, n, sizeof *candidate);
    rn_ballot b;
    if (!candidate) return rn_nomem(err, "ranking");
    for (size_t k = 0; k < n; k++)
        candidate[k] = candidate_of(a, a->s->tries.data[k]);
    int rc = rn_trial_vote(a->trial, a->programs, a->n, candidate, n, &a->arena, &b, err);
    for (size_t k = 0; k < n && !rc; k++)
        if (candidate[k] != SIZE_MAX) a->list[candidate[k]]->agreement = b.score[k];
    return rc;
}

int rn_choose_agree(rn_solve_state *s, rn_try **list, size_t n, bool *known, rn_err *err)
{
    *known = false;
    if (!s->target.set || n < 2) return 0;
    agreement a = {.s = s, .list = list, .n = n, .trial = &s->trial};
    int rc = rn_stop_open(s, err);
    if (!rc && a.trial->in.n) {
        a.programs = rn_arena_array(&a.arena, n, sizeof *a.programs);
        if (!a.programs) rc = rn_nomem(err, "ranking");
        for (size_t i = 0; i < n && !rc; i++) {
            a.programs[i] = list[i]->trial;
            a.programs[i].text = rn_buf_view(&list[i]->program);
        }
        if (!rc) rc = run_all(&a, err);
        if (!rc) rc = count_votes(&a, err);
        *known = !rc;
    }
    rn_arena_free(&a.arena);
    return rc;
}
