/*
 * solve_agree.c: which candidate the ranker `examples` prefers, where the problem's text shows what
 * programs can be tried on: most examples passed, then soft agreement (stat/votes.h). Every sample
 * has a vote, equal programs run once.
 */
#include "run/solve_priv.h"
#include "run/trial.h"
#include "stat/votes.h"

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

/* One row per sample with a vote; the score of a candidate is that of its samples. */
static int count_votes(agreement *a, rn_err *err)
{
    size_t m = a->trial->in.n, n = a->s->tries.n, used = 0;
    uint16_t *value = rn_arena_array(&a->arena, a->n * m, sizeof *value);
    uint16_t *rows = rn_arena_array(&a->arena, n * m + 1, sizeof *rows);
    uint32_t *right = rn_arena_array(&a->arena, 2 * a->n, sizeof *right);
    uint32_t *of_row = rn_arena_array(&a->arena, n, sizeof *of_row);
    size_t *candidate = rn_arena_array(&a->arena, n, sizeof *candidate);
    uint8_t *flags = rn_arena_array(&a->arena, n, 1);
    double *score = rn_arena_array(&a->arena, n, sizeof *score);
    if (!value || !rows || !right || !of_row || !candidate || !flags || !score)
        return rn_nomem(err, "ranking");
    int rc = rn_trial_votes(a->trial, a->programs, a->n, value, right, right + a->n, err);
    for (size_t k = 0; k < n && !rc; k++) {
        size_t i = candidate_of(a, a->s->tries.data[k]);
        if (i == SIZE_MAX) continue;
        memcpy(rows + used * m, value + i * m, m * sizeof *rows);
        of_row[used] = right[i];
        candidate[used++] = i;
    }
    const rn_votes votes = {.value = rows,
                            .right = of_row,
                            .pass = flags,
                            .cut = flags,
                            .n = (int64_t)used,
                            .n_inputs = m};
    if (!rc) rc = rn_stat_votes_score(&votes, score, err);
    for (size_t k = 0; k < used && !rc; k++)
        a->list[candidate[k]]->agreement = score[k];
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
