/*
 * plan_replay.c: every policy over the recorded samples of a task; see plans.h.
 *
 * A policy's prior is learnt on the folds that a problem is not in; all recorded samples of a
 * problem take part, also those beyond the robust half where curves end, since a replay asks for
 * single orders. A policy whose budget pays for more of a model than the problem with the fewest
 * samples has is marked. The course that is shown is the one that was replayed: where the folds'
 * priors led to different ones, each is named with its number of folds.
 */
#include "report/plan_field.h"

#include "stat/fold.h"

enum { MAX_WAYS = RN_N_POLICIES + RN_PRIOR_MAX_ARM };

/* One policy: a kind, or, with only >= 0, one model alone. */
typedef struct way {
    rn_policy_kind kind;
    int only; /* arm; -1 */
    const char *name;
    double *score, *cost, *draws; /* [n_rows, m] */
    double *promised;             /* [m], sums over the problems */
    const char **course;          /* [n_folds, m] */
} way;

static int new_policy(rn_plan_job *j, const way *w, const rn_prior *prior, double budget,
                      rn_policy_arm *price, rn_policy **out)
{
    rn_report_field_prices(&j->f, price);
    const rn_policy_spec spec = {w->kind, price, budget};
    int rc = rn_policy_new(&spec, prior, out, j->err);
    for (size_t a = 0; a < j->f.n && !rc && w->only >= 0; a++)
        if ((int)a != w->only) rn_policy_close_arm(*out, (int)a);
    return rc;
}

/* One policy at one budget on the problems of a fold. */
static int replay_fold(rn_plan_job *j, way *w, const rn_prior *prior, size_t b, uint32_t which)
{
    const rn_field *f = &j->f;
    rn_policy_arm price[RN_PRIOR_MAX_ARM];
    rn_policy *p = NULL;
    rn_course course = {0};
    double chance = 0;
    int rc = new_policy(j, w, prior, j->budgets[b], price, &p);
    if (!rc) rc = rn_policy_promise(p, &chance, NULL, j->err);
    if (!rc) rc = rn_stat_course(p, price, &course, j->err);
    if (!rc) w->course[which * j->m + b] = rn_report_course_text(j, &course);
    if (!rc && !w->course[which * j->m + b]) rc = rn_nomem(j->err, "report");
    rn_course_free(&course);
    for (size_t i = 0; i < f->n_rows && !rc; i++) {
        if (j->fold[i] != which) continue;
        rn_count counts[RN_PRIOR_MAX_ARM];
        for (size_t a = 0; a < f->n; a++) {
            counts[a] = f->counts[a][i];
            /* Never solved, for want of any sample: it fails as often as it is asked. */
            if (counts[a].n == 0) counts[a].n = f->least_n[a];
        }
        rn_replay x;
        rc = rn_stat_replay(p, f->n, counts, f->cost,
                            &(rn_orders){j->o->n_orders, j->r->opts.seed, (uint32_t)i}, &x, j->err);
        if (rc) break;
        const size_t at = i * j->m + b;
        w->score[at] = x.score;
        w->cost[at] = x.cost;
        w->draws[at] = x.draws;
        w->promised[b] += chance;
    }
    rn_policy_free(p);
    return rc;
}

static int replay_all(rn_plan_job *j, way *ways, size_t n_ways)
{
    const size_t n = j->f.n_rows;
    double *weight = rn_arena_array(&j->a, n, sizeof *weight);
    int rc = weight ? 0 : rn_nomem(j->err, "report");
    for (uint32_t fold = 0; fold < j->o->n_folds && !rc; fold++) {
        rn_prior *prior = NULL;
        rn_stat_fold_weights(j->fold, n, fold, 0, weight);
        rc = rn_report_field_prior(&j->f, weight, &prior, j->err);
        for (size_t i = 0; i < n_ways && !rc; i++)
            for (size_t b = 0; b < j->m && !rc; b++)
                rc = replay_fold(j, &ways[i], prior, b, fold);
        rn_prior_free(prior);
    }
    return rc;
}

/* ---- from tables to rows --------------------------------------------------------------------- */

/* The courses of the folds at budget b: one where they agree, else each with its number of
 * folds. */
static const char *courses(rn_plan_job *j, const way *w, size_t b)
{
    const uint32_t n = j->o->n_folds;
    rn_buf out = {0};
    for (uint32_t i = 0; i < n; i++) {
        const char *mine = w->course[i * j->m + b];
        uint32_t same = 0, before = 0;
        for (uint32_t k = 0; k < n; k++) {
            const bool equal = strcmp(w->course[k * j->m + b], mine) == 0;
            same += equal;
            before += equal && k < i;
        }
        if (before) continue;
        if (same == n)
            rn_buf_puts(&out, mine);
        else
            rn_buf_printf(&out, "%s%s (%u of %u folds)", out.len ? "; " : "", mine, same, n);
    }
    return rn_arena_take(&j->r->arena, &out);
}

/* Whether the budget pays for more than is recorded of a model that the policy may buy from. */
static bool is_limited(const rn_plan_job *j, const way *w, double budget)
{
    const size_t last = j->f.n - 1;
    for (size_t a = 0; a <= last; a++) {
        const bool may = w->only >= 0                      ? (int)a == w->only
                         : w->kind == RN_POLICY_SMALL_ONLY ? a == 0
                         : w->kind == RN_POLICY_LARGE_ONLY ? a == last
                         : w->kind == RN_POLICY_CASCADE    ? a == 0 || a == last
                                                           : true;
        if (may && rn_report_field_ended(&j->f, a, true, false, budget)) return true;
    }
    return false;
}

/* Three tables of a way into its cells. */
static int summarise(rn_plan_job *j, const way *w, rn_choice *out, size_t n_ways)
{
    const size_t m = j->m;
    const double level = j->r->opts.level, n = (double)j->f.n_rows;
    rn_interval *iv = rn_arena_array(&j->a, 3 * m, sizeof *iv);
    int rc = iv ? rn_stat_boot_interval(j->t->boot, w->score, m, level, iv, j->err)
                : rn_nomem(j->err, "report");
    if (!rc) rc = rn_stat_boot_interval_any(j->t->boot, w->cost, m, level, iv + m, j->err);
    if (!rc) rc = rn_stat_boot_interval_any(j->t->boot, w->draws, m, level, iv + 2 * m, j->err);
    for (size_t b = 0; b < m && !rc; b++) {
        out[b * n_ways] = (rn_choice){.kind = RN_CHOICE_POLICY,
                                      .name = w->name,
                                      .stop = true,
                                      .fixed = w->kind != RN_POLICY_ADAPTIVE || w->only >= 0,
                                      .model = -1,
                                      .plan = courses(j, w, b),
                                      .limited = is_limited(j, w, j->budgets[b]),
                                      .promised = w->promised[b] / n,
                                      .score = iv[b],
                                      .cost = iv[m + b],
                                      .draws = iv[2 * m + b],
                                      .ahead = {NAN, NAN, NAN, RN_INTERVAL_NONE}};
        if (!out[b * n_ways].plan) rc = rn_nomem(j->err, "report");
    }
    return rc;
}

/* The best fixed policy of each row, how far the others are ahead of it, and who is first. */
static int compare(rn_plan_job *j, const way *ways, size_t n_ways, rn_plan_row *rows,
                   rn_choice *cells)
{
    const size_t m = j->m;
    const double *tables[MAX_WAYS];
    rn_interval *iv = rn_arena_array(&j->a, m, sizeof *iv);
    double *lead = rn_arena_array(&j->a, n_ways * m, sizeof *lead);
    int rc = iv && lead ? 0 : rn_nomem(j->err, "report");
    for (size_t i = 0; i < n_ways; i++)
        tables[i] = ways[i].score;
    if (!rc) rc = rn_stat_boot_leader(j->t->boot, tables, n_ways, m, lead, NULL, j->err);
    for (size_t b = 0; b < m; b++) {
        rows[b].best_fixed = -1;
        for (size_t i = 0; i < n_ways && !rc; i++) {
            const rn_choice *c = &cells[b * n_ways + i];
            const int best = rows[b].best_fixed;
            cells[b * n_ways + i].first = lead[i * m + b];
            if (c->fixed &&
                (best < 0 || c->score.value > cells[b * n_ways + (size_t)best].score.value))
                rows[b].best_fixed = (int)i;
        }
    }
    /* Each pair of a policy and a best fixed one, for all budgets at once. */
    for (size_t i = 0; i < n_ways && !rc; i++)
        for (size_t k = 0; k < n_ways && !rc; k++) {
            bool wanted = false;
            for (size_t b = 0; b < m; b++)
                wanted |= i != k && rows[b].best_fixed == (int)k;
            if (!wanted) continue;
            rc = rn_stat_boot_paired(j->t->boot, ways[i].score, ways[k].score, m, j->r->opts.level,
                                     iv, NULL, j->err);
            for (size_t b = 0; b < m && !rc; b++)
                if (rows[b].best_fixed == (int)k) cells[b * n_ways + i].ahead = iv[b];
        }
    return rc;
}

/* The policies of policy.h, and the models between the cheapest and the most expensive alone. */
static int list_ways(rn_plan_job *j, way *w, size_t *n)
{
    for (int kind = 0; kind < RN_N_POLICIES; kind++)
        w[(*n)++] = (way){
            .kind = (rn_policy_kind)kind, .only = -1, .name = rn_policy_name((rn_policy_kind)kind)};
    for (size_t a = 1; a + 1 < j->f.n; a++) {
        const char *model = j->t->entrants[j->f.model[a]].model;
        const char *name = rn_arena_printf(&j->r->arena, "only %s", model);
        if (!name) return rn_nomem(j->err, "report");
        w[(*n)++] = (way){.kind = RN_POLICY_ADAPTIVE, .only = (int)a, .name = name};
    }
    const size_t cells = j->f.n_rows * j->m;
    for (size_t i = 0; i < *n; i++) {
        w[i].score = rn_arena_array(&j->a, 3 * cells + j->m, sizeof(double));
        w[i].course = rn_arena_array(&j->a, j->o->n_folds * j->m, sizeof *w[i].course);
        if (!w[i].score || !w[i].course) return rn_nomem(j->err, "report");
        w[i].cost = w[i].score + cells;
        w[i].draws = w[i].cost + cells;
        w[i].promised = w[i].draws + cells;
    }
    return 0;
}

int rn_plan_replays(rn_plan_job *j, const rn_plan_row **out, size_t *n_choices)
{
    way ways[MAX_WAYS] = {0};
    size_t n = 0;
    int rc = list_ways(j, ways, &n);
    rn_plan_row *rows = rn_arena_array(&j->r->arena, j->m, sizeof *rows);
    rn_choice *cells = rn_arena_array(&j->r->arena, j->m * n, sizeof *cells);
    if (!rc && (!rows || !cells)) rc = rn_nomem(j->err, "report");
    if (!rc) rc = replay_all(j, ways, n);
    for (size_t i = 0; i < n && !rc; i++)
        rc = summarise(j, &ways[i], cells + i, n);
    for (size_t b = 0; b < j->m && !rc; b++)
        rows[b] = (rn_plan_row){
            .budget = j->budgets[b], .norm = j->budgets[b] / j->f.unit, .choices = cells + b * n};
    if (!rc) rc = compare(j, ways, n, rows, cells);
    *out = rows;
    *n_choices = n;
    return rc;
}
