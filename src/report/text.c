/*
 * text.c: a report for people.
 *
 * Scores are percentages with one decimal, intervals in brackets, "-" where nothing can be said.
 * Every block is headed by what its numbers are; each task begins with its conditions.
 */
#include "report/cells.h"

static bool any_sampled(const rn_report_task *t)
{
    return t->boot != NULL;
}

/* ---- conditions ------------------------------------------------------------------------------ */

/* On what machine stored profiles were measured, and what other machines the store knows. */
static void write_hardware(const rn_report *r, const rn_report_task *t, rn_buf *out)
{
    bool any = false;
    for (size_t i = 0; i < t->n_entrants; i++)
        any |= t->entrants[i].measured;
    if (!any) return;
    rn_buf_printf(out, "wall-times: measured by `ration profile` on %s\n", r->opts.profile);
    for (size_t i = 0; i < r->n_measured; i++) {
        const char *other = r->measured[i].hardware;
        bool seen = strcmp(other, r->opts.profile) == 0;
        for (size_t j = 0; j < i; j++)
            seen |= strcmp(other, r->measured[j].hardware) == 0;
        if (!seen) rn_buf_printf(out, "  also in the store: --profile '%s'\n", other);
    }
}

static void write_conditions(const rn_report *r, const rn_report_task *t, rn_buf *out)
{
    rn_buf_printf(out, "== %s", t->name);
    if (t->source)
        rn_buf_printf(out, ": published curves (%s)", t->source);
    else
        rn_buf_printf(out, ": %zu problems, hash %.12s", t->n_problems,
                      *t->hash ? t->hash : "unknown");
    rn_buf_puts(out, " ==\n");
    const char *protocol = NULL;
    for (size_t i = 0; i < t->n_entrants; i++) {
        const rn_entrant *e = &t->entrants[i];
        if (t->source) continue;
        rn_buf_printf(out, "%s: prompt %s, settings %s\n", e->model,
                      *e->preset ? e->preset : "unknown", *e->settings ? e->settings : "{}");
        if (*e->protocol && (!protocol || strcmp(protocol, e->protocol) != 0)) {
            protocol = e->protocol;
            rn_buf_printf(out, "  judged under %s\n", protocol);
        }
        if (e->n_protocols > 1)
            rn_buf_printf(out,
                          "  its verdicts come from %d protocols; the newest of each sample "
                          "counts\n",
                          e->n_protocols);
    }
    write_hardware(r, t, out);
    if (any_sampled(t))
        rn_buf_printf(out,
                      "intervals: %g %%, bootstrap over problems, %lld resamples, seed %llu; "
                      "ration %s\n",
                      100 * r->opts.level, (long long)r->opts.n_resamples,
                      (unsigned long long)r->opts.seed, rn_version());
    else if (t->source && r->opts.interpolate)
        rn_buf_puts(out, "between published k: linear in log k; in brackets the published values "
                         "around it\n");
    else if (t->source)
        rn_buf_puts(out, "between published k: the largest one that the budget affords, a lower "
                         "bound; in brackets the\npublished values around it\n");
}

/* ---- samples --------------------------------------------------------------------------------- */

static double of_family(const rn_entrant *e, char family)
{
    int64_t n = 0;
    for (int v = 0; v < RN_N_VERDICTS; v++)
        if (v != RN_V_PASSED && rn_verdict_family((rn_verdict)v) == family) n += e->verdicts[v];
    return (double)n;
}

static void share_of(rn_table *t, double part, double whole)
{
    if (part == 0)
        rn_table_cell(t, "0");
    else
        rn_table_cell(t, "%.2f", 100 * part / whole);
}

static void write_samples(const rn_report_task *t, rn_buf *out)
{
    if (!any_sampled(t)) return;
    heading(out, "samples, and what judging them showed, %%");
    rn_table tab = {.n_columns = 10};
    static const char *const head[] = {"model",  "samples", "n",       "problems", "passed",
                                       "failed", "limit",   "sandbox", "unjudged", "mean tokens"};
    for (size_t i = 0; i < 10; i++)
        rn_table_cell(&tab, "%s", head[i]);
    for (size_t i = 0; i < t->n_entrants; i++) {
        const rn_entrant *e = &t->entrants[i];
        if (!e->counts) continue;
        double failed = of_family(e, 'P'), limit = of_family(e, 'L'), box = of_family(e, 'S');
        double all =
            (double)e->verdicts[RN_V_PASSED] + failed + limit + box + (double)e->n_unjudged;
        rn_table_cell(&tab, "%s", e->model);
        if (all == 0) { /* counts without samples */
            all = (double)e->cov.n_samples;
            rn_table_cell(&tab, "%lld", (long long)e->cov.n_samples);
            rn_table_cell(&tab, "%lld", (long long)e->n);
            rn_table_cell(&tab, "%zu", e->cov.n_used);
            share_of(&tab, (double)e->cov.n_passed, all);
            share_of(&tab, (double)(e->cov.n_samples - e->cov.n_passed), all);
            for (int c = 0; c < 4; c++)
                rn_table_cell(&tab, "-");
            continue;
        }
        rn_table_cell(&tab, "%.0f", all);
        rn_table_cell(&tab, "%lld", (long long)e->n);
        rn_table_cell(&tab, "%zu", e->cov.n_used);
        share_of(&tab, (double)e->verdicts[RN_V_PASSED], all);
        share_of(&tab, failed, all);
        share_of(&tab, limit, all);
        share_of(&tab, box, all);
        share_of(&tab, (double)e->n_unjudged, all);
        if (e->tokens.n_gen)
            rn_table_cell(&tab, "%.1f", e->tokens.gen / (double)e->tokens.n_gen);
        else
            rn_table_cell(&tab, "-");
    }
    rn_table_end(&tab, out);
}

/* ---- curves ---------------------------------------------------------------------------------- */

static const rn_point *point_at(const rn_point *points, size_t n, int64_t k)
{
    for (size_t i = 0; i < n; i++)
        if (points[i].k == k) return &points[i];
    return NULL;
}

/* A k that the text shows: what was asked for, else powers of two and the end of a curve. */
static bool shown(const rn_report *r, const rn_report_task *t, int64_t k)
{
    for (size_t i = 0; i < r->opts.n_ks; i++)
        if (r->opts.ks[i] == k) return true;
    if (r->opts.n_ks) return false;
    if ((k & (k - 1)) == 0) return true;
    for (size_t i = 0; i < t->n_entrants; i++)
        if (t->entrants[i].n_published || t->entrants[i].k_max == k) return true;
    return false;
}

/* The smallest k above `k` at which some curve has a point; 0 if none. */
static int64_t next_k(const rn_report_task *t, int64_t k)
{
    int64_t best = 0;
    for (size_t i = 0; i < t->n_entrants; i++)
        for (size_t j = 0; j < t->entrants[i].n_points; j++) {
            int64_t at = t->entrants[i].points[j].k;
            if (at > k && (best == 0 || at < best)) best = at;
        }
    return best;
}

static void write_curves(const rn_report *r, const rn_report_task *t, rn_buf *out)
{
    if (next_k(t, 0) == 0) return;
    heading(out, "pass@k, %%");
    rn_table tab = {.n_columns = t->n_entrants + 1};
    bool any_greedy = false, fragile = false;
    rn_table_cell(&tab, "k");
    for (size_t i = 0; i < t->n_entrants; i++) {
        rn_table_cell(&tab, "%s", t->entrants[i].model);
        any_greedy |= t->entrants[i].greedy.n > 0;
    }
    if (any_greedy) {
        rn_table_cell(&tab, "greedy *");
        for (size_t i = 0; i < t->n_entrants; i++)
            score_cell(&tab, t->entrants[i].greedy.value, t->entrants[i].greedy.lo,
                       t->entrants[i].greedy.hi);
    }
    for (int64_t k = next_k(t, 0); k; k = next_k(t, k)) {
        if (!shown(r, t, k)) continue;
        bool robust = true;
        for (size_t i = 0; i < t->n_entrants; i++) {
            const rn_point *p = point_at(t->entrants[i].points, t->entrants[i].n_points, k);
            if (p && !p->robust) robust = false;
        }
        fragile |= !robust;
        rn_table_cell(&tab, "%lld%s", (long long)k, robust ? "" : " !");
        for (size_t i = 0; i < t->n_entrants; i++) {
            const rn_point *p = point_at(t->entrants[i].points, t->entrants[i].n_points, k);
            score_cell(&tab, p ? p->value : NAN, p ? p->lo : NAN, p ? p->hi : NAN);
        }
    }
    rn_table_end(&tab, out);
    if (any_greedy) rn_buf_puts(out, "* one greedy answer a problem; interval: Wilson\n");
    if (fragile) rn_buf_puts(out, "! above n/2: rests on few combinations of samples\n");
}

static void write_rankings(const rn_report *r, const rn_report_task *t, rn_buf *out)
{
    for (size_t i = 0; i < t->n_entrants; i++) {
        const rn_entrant *e = &t->entrants[i];
        if (e->n_rankings == 0) continue;
        heading(out, "rank-score@k of %s, %%: the sample that the ranker puts first of k",
                e->model);
        rn_table tab = {.n_columns = e->n_rankings + 1};
        rn_table_cell(&tab, "k");
        for (size_t j = 0; j < e->n_rankings; j++)
            rn_table_cell(&tab, "%s", e->rankings[j].name);
        for (int64_t k = next_k(t, 0); k; k = next_k(t, k)) {
            bool any = false;
            for (size_t j = 0; j < e->n_rankings; j++)
                any |= point_at(e->rankings[j].points, e->rankings[j].n_points, k) != NULL;
            if (!any || !shown(r, t, k)) continue;
            rn_table_cell(&tab, "%lld", (long long)k);
            for (size_t j = 0; j < e->n_rankings; j++) {
                const rn_point *p = point_at(e->rankings[j].points, e->rankings[j].n_points, k);
                score_cell(&tab, p ? p->value : NAN, p ? p->lo : NAN, p ? p->hi : NAN);
            }
        }
        rn_table_end(&tab, out);
    }
}

/* A ranker's value at a budget: "." affords no sample, "-" no estimate. */
static void rank_cell(rn_table *tab, const rn_cell *c)
{
    if (c->k == 0)
        rn_table_cell(tab, ".");
    else
        score_cell(tab, c->value, c->lo, c->hi);
}

static void write_rank_budgets(const rn_report_task *t, const rn_entrant *e, const rn_ranking *k,
                               rn_axis axis, rn_buf *out)
{
    const rn_rank_cost *c = &k->cost[axis];
    const char *metric = axis == RN_AXIS_FLOP ? "rank-score_flops@f" : "rank-score_time@t";
    if (!e->priced[axis] && e->why[axis])
        heading(out, "%s of %s ranked by %s: not computed\n%s", metric, e->model, k->name,
                e->why[axis]);
    if (!k->rows[axis]) return;
    heading(out, "%s of %s ranked by %s, %%", metric, e->model, k->name);
    if (!c->known) rn_buf_printf(out, "the cost of ranking is missing: %s\n", c->why);
    if (c->known && c->shared > 0)
        rn_buf_printf(out, "ranking costs %s a problem and %s a sample drawn (%s)\n",
                      on_axis(axis, c->shared), on_axis(axis, c->per_sample), c->from);
    else if (c->known)
        rn_buf_printf(out, "ranking costs %s a sample drawn (%s)\n", on_axis(axis, c->per_sample),
                      c->from);
    rn_table tab = {.n_columns = 8};
    static const char *const head[] = {"budget",       "",       "k",      "ranking charged", "k",
                                       "ranking free", "random", "perfect"};
    for (size_t i = 0; i < 8; i++)
        rn_table_cell(&tab, "%s", i == 1 ? axes[axis].title : head[i]);
    for (size_t j = 0; j < t->axis[axis].n_rows; j++) {
        const rn_rank_row *row = &k->rows[axis][j];
        rn_table_cell(&tab, "%.4g", t->axis[axis].rows[j].norm);
        rn_table_cell(&tab, "%s", on_axis(axis, t->axis[axis].rows[j].budget));
        if (c->known) {
            rn_table_cell(&tab, "%lld", (long long)row->paid.k);
            rank_cell(&tab, &row->paid);
        } else {
            rn_table_cell(&tab, "-");
            rn_table_cell(&tab, "-");
        }
        rn_table_cell(&tab, "%lld", (long long)row->unpaid.k);
        rank_cell(&tab, &row->unpaid);
        score_cell(&tab, row->random, NAN, NAN);
        score_cell(&tab, row->perfect, NAN, NAN);
    }
    rn_table_end(&tab, out);
}

static void write_rank_axis(const rn_report_task *t, rn_axis axis, rn_buf *out)
{
    for (size_t i = 0; i < t->n_entrants; i++)
        for (size_t j = 0; j < t->entrants[i].n_rankings; j++)
            write_rank_budgets(t, &t->entrants[i], &t->entrants[i].rankings[j], axis, out);
}

/* What ranking by execution ran; nothing for rankers that only read. */
static void write_executions(const rn_report_task *t, rn_buf *out)
{
    for (size_t i = 0; i < t->n_entrants; i++)
        for (size_t j = 0; j < t->entrants[i].n_rankings; j++) {
            const rn_ranking *k = &t->entrants[i].rankings[j];
            if (k->n_judged == 0) continue;
            rn_buf_printf(out, "%s ran %lld programs for %lld samples of %s: %s CPU seconds",
                          k->name, (long long)k->n_runs, (long long)k->n_scored,
                          t->entrants[i].model, amount(k->judge_cpu_s));
            rn_buf_printf(out, ", %s s of wall-time one after the other\n",
                          amount(k->recorded[RN_AXIS_TIME]));
        }
}

/* Which ranker is best at which budget, and what is left to the larger model's greedy answer. */
static void write_rank_best(const rn_report_task *t, rn_axis axis, rn_buf *out)
{
    const rn_report_axis *ax = &t->axis[axis];
    if (ax->n_ranked == 0) return;
    const rn_entrant *large = ax->yardstick < 0 ? NULL : &t->entrants[ax->yardstick];
    heading(out, "the best ranker at an equal %s budget, ranking charged, %%", axes[axis].title);
    if (large)
        rn_buf_printf(out, "against one greedy answer of %s: %.1f [%.1f, %.1f]\n", large->model,
                      100 * large->greedy.value, 100 * large->greedy.lo, 100 * large->greedy.hi);
    rn_table tab = {.n_columns = 7};
    static const char *const head[] = {"budget", "",           "model",       "ranker",
                                       "k",      "rank-score", "below greedy"};
    for (size_t i = 0; i < 7; i++)
        rn_table_cell(&tab, "%s", i == 1 ? axes[axis].title : head[i]);
    bool early = false;
    for (size_t j = 0; j < ax->n_ranked; j++) {
        const rn_rank_best *b = &ax->ranked[j];
        const rn_entrant *e = b->entrant < 0 ? NULL : &t->entrants[b->entrant];
        early |= large && !b->greedy_affordable;
        rn_table_cell(&tab, "%.4g", b->norm);
        rn_table_cell(&tab, "%s", on_axis(axis, b->budget));
        rn_table_cell(&tab, "%s", e ? e->model : "-");
        rn_table_cell(&tab, "%s", e ? e->rankings[b->ranking].name : "");
        rn_table_cell(&tab, "%lld", (long long)b->cell.k);
        rank_cell(&tab, &b->cell);
        if (isnan(b->below))
            rn_table_cell(&tab, "-");
        else
            rn_table_cell(&tab, "%.1f%s", 100 * b->below, b->greedy_affordable ? "" : " <");
    }
    rn_table_end(&tab, out);
    if (early) rn_buf_puts(out, "< the budget does not buy one answer of the larger model\n");
    rn_report_rank_finding(t, axis, out);
}

/* ---- budgets --------------------------------------------------------------------------------- */

static void write_crossings(const rn_report_task *t, rn_axis axis, rn_buf *out)
{
    const rn_report_axis *ax = &t->axis[axis];
    for (size_t i = 0; i < ax->n_crossings; i++) {
        const rn_cross *c = &ax->crossings[i];
        const char *a = t->entrants[c->a].model, *b = t->entrants[c->b].model;
        rn_buf_printf(out, "%s and %s, %s to %s: ", a, b, on_axis(axis, c->from),
                      on_axis(axis, c->to));
        if (c->at.from < 0)
            rn_buf_printf(out,
                          "no crossover; %s leads at all of them in %.0f %% of the resamples, "
                          "%s in %.0f %%\n",
                          a, 100 * c->at.p_x_always, b, 100 * c->at.p_y_always);
        else
            rn_buf_printf(out,
                          "%s leads for good from %s [%s, %s] on, in this direction in %.0f %% "
                          "of the resamples\n",
                          c->at.to ? b : a, on_axis(axis, c->at.budget), on_axis(axis, c->at.lo),
                          on_axis(axis, c->at.hi), 100 * c->at.p_same);
    }
}

static void write_axis(const rn_report *r, const rn_report_task *t, rn_axis axis, rn_buf *out)
{
    const rn_report_axis *ax = &t->axis[axis];
    bool same_why = true;
    const char *why = NULL;
    for (size_t i = 0; i < t->n_entrants; i++) {
        const char *w = t->entrants[i].why[axis];
        same_why &= !why || !w || strcmp(why, w) == 0;
        if (w) why = w;
    }
    if (!ax->any) {
        if (axis == RN_AXIS_USD) return; /* nobody asked for money */
        heading(out, "%s, %%: not computed", axes[axis].metric);
        for (size_t i = 0; i < t->n_entrants; i++) {
            const rn_entrant *e = &t->entrants[i];
            if (!e->why[axis] || (same_why && i > 0)) continue;
            if (same_why)
                rn_buf_printf(out, "%s\n", e->why[axis]);
            else
                rn_buf_printf(out, "%s: %s\n", e->model, e->why[axis]);
        }
        return;
    }
    const char *what = axis == RN_AXIS_FLOP
                           ? r->opts.basis == RN_FLOP_STUDY
                                 ? ", a sample being one pass over 128 tokens"
                                 : ", counted from the real tokens, the prompt once"
                           : "";
    const char *hardware =
        axis == RN_AXIS_TIME && r->opts.profile ? rn_cost_hardware(r->book, r->opts.profile) : NULL;
    if (hardware && strcmp(hardware, r->opts.profile) == 0) hardware = ""; /* said by its name */
    heading(out, "%s, %%: best use of an equal %s budget a problem%s%s%s%s%s", axes[axis].metric,
            axes[axis].title, what, hardware ? " (profile " : "", hardware ? r->opts.profile : "",
            hardware && *hardware ? ": " : "", hardware ? hardware : "");
    if (hardware) { /* the bracket that the heading opened */
        out->len--;
        rn_buf_puts(out, ")\n");
    }
    rn_buf_printf(out, "1 = one sample of %s = %s\n", t->entrants[ax->unit].model,
                  on_axis(axis, rn_stat_cost(&t->entrants[ax->unit].axis[axis], 1)));
    rn_table tab = {.n_columns = t->n_entrants + 5};
    rn_table_cell(&tab, "budget");
    rn_table_cell(&tab, "%s", axes[axis].title);
    for (size_t i = 0; i < t->n_entrants; i++)
        rn_table_cell(&tab, "%s", t->entrants[i].priced[axis] ? t->entrants[i].model : "");
    rn_table_cell(&tab, "leads");
    rn_table_cell(&tab, "ahead by");
    rn_table_cell(&tab, "sure");
    bool incomplete = false;
    for (size_t j = 0; j < ax->n_rows; j++) {
        const rn_budget_row *row = &ax->rows[j];
        incomplete |= !row->complete;
        rn_table_cell(&tab, "%.4g", row->norm);
        rn_table_cell(&tab, "%s", on_axis(axis, row->budget));
        for (size_t i = 0; i < t->n_entrants; i++) {
            const rn_cell *c = &row->cells[i];
            if (!t->entrants[i].priced[axis])
                rn_table_cell(&tab, "%s", "");
            else if (c->k == 0)
                rn_table_cell(&tab, ".");
            else
                score_cell(&tab, c->value, c->lo, c->hi);
        }
        rn_table_cell(&tab, "%s%s", row->best < 0 ? "-" : t->entrants[row->best].model,
                      row->complete ? "" : " ?");
        score_cell(&tab, row->diff, row->diff_lo, row->diff_hi);
        if (any_sampled(t))
            share_cell(&tab, row->sure);
        else
            rn_table_cell(&tab, "%s", row->sure > 0 ? "certain" : "");
    }
    rn_table_end(&tab, out);
    bool beyond = false;
    for (size_t j = 0; j < ax->n_rows; j++)
        for (size_t i = 0; i < t->n_entrants; i++)
            beyond |= ax->rows[j].cells[i].k > 0 && isnan(ax->rows[j].cells[i].value);
    rn_buf_printf(out, ". affords no sample%s\n",
                  beyond ? "; - affords more samples than the curve has" : "");
    if (incomplete) rn_buf_puts(out, "? only among the models with an estimate\n");
    if (ax->n_crossings) write_crossings(t, axis, out);
    for (size_t i = 0; i < t->n_entrants; i++)
        if (!t->entrants[i].priced[axis] && t->entrants[i].why[axis])
            rn_buf_printf(out, "%s is not shown: %s\n", t->entrants[i].model,
                          t->entrants[i].why[axis]);
}

static void write_reach(const rn_report *r, const rn_report_task *t, rn_buf *out)
{
    if (!t->reach) return;
    heading(out, "what %.4g %% costs", 100 * r->opts.reach);
    rn_table tab = {.n_columns = 6};
    static const char *const head[] = {"model", "k",         "interval of k",
                                       "FLOPs", "wall-time", "money"};
    for (size_t i = 0; i < 6; i++)
        rn_table_cell(&tab, "%s", head[i]);
    for (size_t i = 0; i < t->n_entrants; i++) {
        const rn_reach_row *row = &t->reach[i];
        if (isnan(row->best)) continue;
        rn_table_cell(&tab, "%s", t->entrants[i].model);
        if (row->k)
            rn_table_cell(&tab, "%lld", (long long)row->k);
        else
            rn_table_cell(&tab, "not by %lld (%.1f %%)", (long long)t->entrants[i].k_max,
                          100 * row->best);
        if (isnan(row->k_lo))
            rn_table_cell(&tab, "%s", "");
        else
            rn_table_cell(&tab, "[%s, %s]", amount(row->k_lo), amount(row->k_hi));
        for (int a = 0; a < RN_N_AXES; a++)
            rn_table_cell(&tab, "%s", t->axis[a].any ? on_axis((rn_axis)a, row->budget[a]) : "");
    }
    rn_table_end(&tab, out);
}

static void write_pairs(const rn_report_task *t, rn_buf *out)
{
    if (t->pair_a < 0 || t->pair_b < 0) return;
    const char *a = t->entrants[t->pair_a].model, *b = t->entrants[t->pair_b].model;
    for (int i = 0; i <= RN_N_AXES; i++) {
        int axis = (i + RN_N_AXES) % (RN_N_AXES + 1); /* by k first */
        if (t->n_pairs[axis] == 0) continue;
        bool by_k = axis == RN_N_AXES;
        heading(out, "%s minus %s at equal %s, points", a, b, by_k ? "k" : axes[axis].title);
        rn_table tab = {.n_columns = 4};
        rn_table_cell(&tab, by_k ? "k" : "budget");
        rn_table_cell(&tab, "%s", by_k ? "" : axes[axis].title);
        rn_table_cell(&tab, "difference");
        rn_table_cell(&tab, "ahead");
        for (size_t j = 0; j < t->n_pairs[axis]; j++) {
            const rn_pair_row *row = &t->pairs[axis][j];
            rn_table_cell(&tab, "%.4g", row->norm);
            rn_table_cell(&tab, "%s", by_k ? "" : on_axis((rn_axis)axis, row->x));
            score_cell(&tab, row->diff, row->lo, row->hi);
            share_cell(&tab, row->p_greater);
        }
        rn_table_end(&tab, out);
    }
}

/* ---- costs and plans ------------------------------------------------------------------------- */

static void write_costs(const rn_report_task *t, rn_buf *out)
{
    bool any = false;
    for (size_t i = 0; i < t->n_entrants; i++)
        any |= t->entrants[i].cost || t->entrants[i].priced[RN_AXIS_TIME];
    if (!any) return;
    heading(out, "what one sample costs");
    rn_table tab = {.n_columns = 9};
    static const char *const head[] = {"model",          "cost entry", "128-token TFLOP",
                                       "prompt, once",   "exact",      "exact, prompt shared by n",
                                       "2N, all tokens", "seconds",    "money"};
    for (size_t i = 0; i < 9; i++)
        rn_table_cell(&tab, "%s", head[i]);
    for (size_t i = 0; i < t->n_entrants; i++) {
        const rn_entrant *e = &t->entrants[i];
        if (!e->cost && !e->priced[RN_AXIS_TIME]) continue;
        bool exact = !isnan(e->exact_sample);
        rn_table_cell(&tab, "%s", e->model);
        rn_table_cell(&tab, "%s", e->cost ? e->cost->name : "");
        rn_table_cell(&tab, "%s", e->cost ? amount(rn_cost_flop(e->cost) * 1e-12) : "");
        rn_table_cell(&tab, "%s", exact ? amount(e->exact_shared * 1e-12) : "");
        rn_table_cell(&tab, "%s", exact ? amount(e->exact_sample * 1e-12) : "");
        rn_table_cell(&tab, "%s",
                      exact ? amount((e->exact_shared / (double)e->n + e->exact_sample) * 1e-12)
                            : "");
        rn_table_cell(&tab, "%s", exact ? amount(e->two_n * 1e-12) : "");
        rn_table_cell(&tab, "%s",
                      e->priced[RN_AXIS_TIME] ? amount(rn_stat_cost(&e->axis[RN_AXIS_TIME], 1))
                                              : "");
        rn_table_cell(&tab, "%s",
                      e->priced[RN_AXIS_USD]
                          ? on_axis(RN_AXIS_USD, rn_stat_cost(&e->axis[RN_AXIS_USD], 1))
                          : "");
    }
    rn_table_end(&tab, out);
}

static void write_stopping(const rn_report_task *t, rn_buf *out)
{
    for (size_t i = 0; t->stops && i < t->n_entrants; i++) {
        const rn_entrant *e = &t->entrants[i];
        if (t->n_stops[i] == 0) continue;
        heading(out, "%s, up to k samples, stopping at the first pass", e->model);
        rn_table tab = {.n_columns = 3 + 2 * RN_N_AXES};
        rn_table_cell(&tab, "k");
        rn_table_cell(&tab, "pass@k, %%");
        rn_table_cell(&tab, "samples drawn");
        for (int a = 0; a < RN_N_AXES; a++) {
            rn_table_cell(&tab, "%s, all k", axes[a].title);
            rn_table_cell(&tab, "stopping");
        }
        for (size_t j = 0; j < t->n_stops[i]; j++) {
            const rn_stop_row *row = &t->stops[i][j];
            rn_table_cell(&tab, "%lld", (long long)row->k);
            rn_table_cell(&tab, "%.1f", 100 * row->value);
            rn_table_cell(&tab, "%s", amount(row->draws));
            for (int a = 0; a < RN_N_AXES; a++) {
                rn_table_cell(&tab, "%s", e->priced[a] ? on_axis((rn_axis)a, row->full[a]) : "");
                rn_table_cell(&tab, "%s", e->priced[a] ? on_axis((rn_axis)a, row->spent[a]) : "");
            }
        }
        rn_table_end(&tab, out);
    }
}

static void write_reallocation(const rn_report_task *t, rn_buf *out)
{
    for (size_t i = 0; t->allocs && i < t->n_entrants; i++) {
        if (t->n_allocs[i] == 0) continue;
        heading(out, "%s, one %s budget for the whole set, %% solved", t->entrants[i].model,
                axes[t->alloc_axis].title);
        rn_table tab = {.n_columns = 5};
        static const char *const head[] = {"budget", "mean a problem", "same k for all",
                                           "stop and pass on", "upper line"};
        for (size_t c = 0; c < 5; c++)
            rn_table_cell(&tab, "%s", head[c]);
        for (size_t j = 0; j < t->n_allocs[i]; j++) {
            const rn_alloc_row *row = &t->allocs[i][j];
            rn_table_cell(&tab, "%.4g", row->norm);
            rn_table_cell(&tab, "%s", on_axis(t->alloc_axis, row->budget));
            score_cell(&tab, row->same_k, NAN, NAN);
            score_cell(&tab, row->rounds, NAN, NAN);
            score_cell(&tab, row->oracle, NAN, NAN);
        }
        rn_table_end(&tab, out);
    }
}

static void write_cascades(const rn_report_task *t, rn_buf *out)
{
    if (t->n_cascades == 0) return;
    heading(out,
            "two models at one expected %s budget, stopping at the first pass, %% solved; chosen "
            "on one half of the problems, scored on the other",
            axes[t->alloc_axis].title);
    rn_table tab = {.n_columns = 6};
    static const char *const head[] = {"budget",       "mean a problem",         "one model",
                                       "best of them", "cascade, chosen on all", "solves"};
    for (size_t c = 0; c < 6; c++)
        rn_table_cell(&tab, "%s", head[c]);
    for (size_t j = 0; j < t->n_cascades; j++) {
        const rn_cascade_row *row = &t->cascades[j];
        if (row->single_model < 0 || row->first < 0) continue;
        rn_table_cell(&tab, "%.4g", row->norm);
        rn_table_cell(&tab, "%s", on_axis(t->alloc_axis, row->budget));
        score_cell(&tab, row->single, NAN, NAN);
        rn_table_cell(&tab, "%s", t->entrants[row->single_model].model);
        if (row->k1 == 0 || row->k2 == 0)
            rn_table_cell(&tab, "%s x %lld", t->entrants[row->k1 ? row->first : row->second].model,
                          (long long)(row->k1 + row->k2));
        else
            rn_table_cell(&tab, "%s x %lld, %s x %lld", t->entrants[row->first].model,
                          (long long)row->k1, t->entrants[row->second].model, (long long)row->k2);
        score_cell(&tab, row->cascade, NAN, NAN);
    }
    rn_table_end(&tab, out);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void write_task(const rn_report *r, const rn_report_task *t, uint32_t metrics, rn_buf *out)
{
    write_conditions(r, t, out);
    if (rn_report_has(metrics, RN_METRIC_SAMPLES)) write_samples(t, out);
    if (rn_report_has(metrics, RN_METRIC_COST)) write_costs(t, out);
    if (rn_report_has(metrics, RN_METRIC_PASS_K)) write_curves(r, t, out);
    if (rn_report_has(metrics, RN_METRIC_RANK_K)) write_rankings(r, t, out);
    if (rn_report_has(metrics, RN_METRIC_PASS_FLOP)) write_axis(r, t, RN_AXIS_FLOP, out);
    if (rn_report_has(metrics, RN_METRIC_PASS_TIME)) write_axis(r, t, RN_AXIS_TIME, out);
    if (rn_report_has(metrics, RN_METRIC_PASS_USD)) write_axis(r, t, RN_AXIS_USD, out);
    if (rn_report_has(metrics, RN_METRIC_RANK_FLOP)) write_rank_axis(t, RN_AXIS_FLOP, out);
    if (rn_report_has(metrics, RN_METRIC_RANK_TIME)) write_rank_axis(t, RN_AXIS_TIME, out);
    if (rn_report_has(metrics, RN_METRIC_RANKERS)) {
        write_rank_best(t, RN_AXIS_FLOP, out);
        write_rank_best(t, RN_AXIS_TIME, out);
        write_executions(t, out);
    }
    if (rn_report_has(metrics, RN_METRIC_REACH)) write_reach(r, t, out);
    if (rn_report_has(metrics, RN_METRIC_COMPARE)) write_pairs(t, out);
    if (rn_report_has(metrics, RN_METRIC_STOPPING)) write_stopping(t, out);
    if (rn_report_has(metrics, RN_METRIC_REALLOCATION)) write_reallocation(t, out);
    if (rn_report_has(metrics, RN_METRIC_CASCADE)) write_cascades(t, out);
}

void rn_report_text(const rn_report *r, uint32_t metrics, rn_buf *out)
{
    for (size_t i = 0; i < r->n_tasks; i++) {
        if (i) rn_buf_putc(out, '\n');
        write_task(r, &r->tasks[i], metrics, out);
    }
    for (size_t i = 0; i < r->n_notes; i++)
        rn_buf_printf(out, "%snote: %s\n", i ? "" : "\n", r->notes[i]);
}
