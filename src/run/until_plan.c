/*
 * until_plan.c: rn_stage_until_plan: how many more samples of which model on which problems would
 * answer a question.
 *
 * What is known so far is what a report says of all recorded samples (report/recorded.h), not what
 * the rule's rounds would have taken of them: one figure at one budget, wherever it is asked for.
 *
 * The rule is walked along the recorded outcomes and, where they end, along outcomes as they may
 * come: each simulation draws a pass rate for every problem from its posterior (empirical Bayes
 * over the grid of stat/sequential.h, given all that is recorded) and outcomes at that rate.
 */
#include "base/rng.h"
#include "report/recorded.h"
#include "run/until_priv.h"

enum { SIMULATIONS = 200, SEED = 1 };

/* The future of an arm; arrays are in the arena of the call. */
typedef struct future {
    double *posterior; /* [n_problems, RN_SEQ_RATES] */
    double *more;      /* [n_problems] further samples, sum over the simulations */
    double total[SIMULATIONS];
    rn_rng *rng;  /* [n_problems] of this simulation */
    double *rate; /* [n_problems] of this simulation */
} future;

static int open_future(rn_until_work *w, size_t at, future *f, rn_err *err)
{
    const rn_until_arm *a = &w->arms[at];
    const size_t n = w->n_problems;
    f->posterior = rn_arena_array(w->arena, n * RN_SEQ_RATES + 1, sizeof *f->posterior);
    f->more = rn_arena_array(w->arena, n + 1, sizeof *f->more);
    f->rng = rn_arena_array(w->arena, n + 1, sizeof *f->rng);
    f->rate = rn_arena_array(w->arena, n + 1, sizeof *f->rate);
    rn_count *all = rn_arena_array(w->arena, n + 1, sizeof *all);
    int rc = f->posterior && f->more && f->rng && f->rate && all ? 0 : rn_nomem(err, "plan");
    int64_t known = 0;
    for (size_t i = 0; !rc && i < n; i++) {
        all[i].n = a->n_known[i];
        for (int64_t j = 0; j < all[i].n; j++)
            all[i].c += a->pass[i * (size_t)a->n_max + (size_t)j];
        known += all[i].n;
    }
    if (!rc && known == 0)
        rc = rn_fail(err, RN_ENOTFOUND,
                     "%s has no judged sample: a plan needs some to go by, e.g. `ration generate "
                     "-n 4` and `ration judge`",
                     a->name);
    return rc ? rc : rn_seq_posterior(rn_inquiry_seq(w->inquiry, at), all, n, f->posterior, err);
}

/* Rates of this simulation. */
static void begin(const rn_until_work *w, size_t arm, future *f, uint32_t simulation)
{
    for (size_t i = 0; i < w->n_problems; i++) {
        rn_rng_init(&f->rng[i], SEED + arm, i, simulation);
        double u = rn_rng_unit(&f->rng[i]);
        int g = 0;
        while (g + 1 < RN_SEQ_RATES && u >= f->posterior[i * RN_SEQ_RATES + (size_t)g])
            u -= f->posterior[i * RN_SEQ_RATES + (size_t)g++];
        f->rate[i] = rn_seq_rate(g);
    }
}

/* Lets the rule take what it needs, recorded or simulated. */
static void take(rn_until_work *w, size_t arm, future *f)
{
    rn_until_arm *a = &w->arms[arm];
    for (size_t i = 0; i < w->n_problems; i++) {
        rn_count *x = &a->counts[i];
        for (int64_t need; (need = rn_inquiry_need(w->inquiry, arm, *x)) > x->n;)
            for (; x->n < need; x->n++)
                x->c += x->n < a->n_known[i] ? a->pass[i * (size_t)a->n_max + (size_t)x->n]
                                             : rn_rng_unit(&f->rng[i]) < f->rate[i];
    }
}

static int simulate(rn_until_work *w, future f[2], uint32_t simulation, rn_known *known,
                    rn_err *err)
{
    const rn_count *counts[2] = {w->arms[0].counts, w->arms[1].counts};
    int rc = rn_inquiry_restart(w->inquiry, err);
    for (size_t a = 0; !rc && a < w->n_arms; a++) {
        memset(w->arms[a].counts, 0, w->n_problems * sizeof *w->arms[a].counts);
        begin(w, a, &f[a], simulation);
    }
    *known = (rn_known){.round = 0};
    while (!rc && !known->over) {
        for (size_t a = 0; a < w->n_arms; a++)
            take(w, a, &f[a]);
        rc = rn_inquiry_glance(w->inquiry, counts, known, err);
    }
    for (size_t a = 0; !rc && a < w->n_arms; a++)
        for (size_t i = 0; i < w->n_problems; i++) {
            const int64_t more = w->arms[a].counts[i].n - w->arms[a].n_known[i];
            if (more <= 0) continue;
            f[a].more[i] += (double)more;
            f[a].total[simulation] += (double)more;
        }
    return rc;
}

/* What is known from the records alone. */
static int walk_records(rn_until_work *w, rn_err *err)
{
    const rn_count *counts[2] = {w->arms[0].counts, w->arms[1].counts};
    int rc = 0;
    size_t n_short = 0;
    for (rn_until_take(w, &n_short); !rc && !n_short && !w->known.over; rn_until_take(w, &n_short))
        rc = rn_inquiry_look(w->inquiry, counts, &w->known, err);
    return rc;
}

static void pass_on(void *user, const char *line)
{
    rn_watch_note(user, "%s", line);
}

/* The report's figure at every point of the question into the summary, and as a sentence. */
static int report_records(rn_until_work *w, rn_err *err)
{
    rn_watch watch = w->o->watch;
    rn_report_options as;
    rn_recorded at = {.note = pass_on, .user = &watch};
    rn_recorded_ask ask = {.as = w->o->as, .n_models = w->n_arms, .n_points = w->ask.n_points};
    if (!ask.as) {
        rn_report_options_init(&as);
        as.set = w->o->draw.set;
        as.level = w->o->level;
        as.store = rn_store_path(w->store);
        ask.as = &as;
    }
    for (size_t i = 0; i < w->n_arms; i++) {
        ask.run_id[i] = w->arms[i].run_id;
        ask.ks[i] = w->ask.arms[i].ks;
    }
    int rc = rn_report_recorded(&ask, &at, err);
    if (rc) return rc;
    w->out->n_reported = (int64_t)at.n_problems;
    for (size_t i = 0; i < w->ask.n_points; i++) {
        rn_until_point *p = &w->out->points[i];
        p->value = at.at[i].value;
        p->lo = at.at[i].lo;
        p->hi = at.at[i].hi;
        p->side = w->n_arms < 2 ? 0 : p->lo > 0 ? 1 : p->hi < 0 ? -1 : 0;
    }
    return rn_until_say_records(w, at.k_max, err);
}

static int most_first(const void *a, const void *b)
{
    const rn_until_problem *x = a, *y = b;
    return (x->n_more < y->n_more) - (x->n_more > y->n_more);
}

static int list_problems(rn_until_work *w, const future f[2], rn_err *err)
{
    rn_until_summary *s = w->out;
    s->problems = rn_arena_array(w->arena, w->n_arms * w->n_problems + 1, sizeof *s->problems);
    if (!s->problems) return rn_nomem(err, "plan");
    for (size_t a = 0; a < w->n_arms; a++)
        for (size_t i = 0; i < w->n_problems; i++) {
            const rn_until_arm *arm = &w->arms[a];
            if (!(f[a].more[i] > 0)) continue;
            rn_until_problem *p = &s->problems[s->n_listed++];
            *p = (rn_until_problem){.task_id = arm->task_id[i],
                                    .n = arm->n_known[i],
                                    .model = (int)a,
                                    .n_more = f[a].more[i] / SIMULATIONS};
            for (int64_t j = 0; j < p->n; j++)
                p->c += arm->pass[i * (size_t)arm->n_max + (size_t)j];
        }
    qsort(s->problems, s->n_listed, sizeof *s->problems, most_first);
    return 0;
}

static int plan(rn_until_work *w, future f[2], rn_err *err)
{
    int rc = walk_records(w, err), answered = 0;
    if (!rc) rc = rn_until_summarize(w, err);
    if (!rc) rc = report_records(w, err);
    for (size_t a = 0; !rc && a < w->n_arms; a++)
        rc = open_future(w, a, &f[a], err);
    for (uint32_t s = 0; !rc && s < SIMULATIONS; s++) {
        rn_known known;
        rc = simulate(w, f, s, &known, err);
        answered += known.answered;
        if (!rc) rc = rn_watch_check(&w->o->watch, err);
    }
    if (rc) return rc;
    w->out->p_answered = (double)answered / SIMULATIONS;
    for (size_t a = 0; a < w->n_arms; a++) {
        static const double quantiles[3] = {0.05, 0.5, 0.95};
        for (size_t i = 0; i < 3; i++)
            w->out->models[a].n_more[i] =
                (int64_t)ceil(rn_stat_quantile(f[a].total, SIMULATIONS, quantiles[i]));
    }
    return list_problems(w, f, err);
}

int rn_stage_until_plan(rn_store *s, const rn_until_options *o, rn_until_summary *out, rn_err *err)
{
    *out = (rn_until_summary){0};
    rn_until_options checked = *o;
    checked.dry_run = 1;
    int rc = rn_until_options_check(&checked, err);
    if (!rc && !(out->own = calloc(1, sizeof(rn_arena)))) rc = rn_nomem(err, "plan");
    rn_until_work w = {.o = o, .out = out, .store = s, .arena = out->own};
    future *f = rc ? NULL : rn_arena_array(w.arena, 2, sizeof *f);
    if (!rc && !f) rc = rn_nomem(err, "plan");
    if (!rc) rc = rn_until_open(&w, false, err);
    if (!rc) rc = plan(&w, f, err);
    rn_until_close(&w);
    return rc;
}
