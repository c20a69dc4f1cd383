/*
 * views.c: a report's structures as rows; see views.h.
 *
 * A budget curve is the pass@k curve with k replaced by its cost: by equation 2 its value at a
 * budget is that of the last point at or before it. A ranker's budget curve has two costs of k:
 * with its own work (x) and of the samples alone (x_sampling).
 */
#include "report/views.h"

#include "base/near.h"

static const char *const names[] = {
#define X(name, text) text,
    RN_REPORT_METRICS(X)
#undef X
};

const char *rn_report_metric_name(rn_metric m)
{
    return m < RN_N_METRICS ? names[m] : "?";
}

int rn_report_metric_add(uint32_t *set, const char *name, rn_err *err)
{
    rn_buf known = {0};
    for (int m = 0; m < RN_N_METRICS; m++) {
        rn_buf_printf(&known, "%s%s", m ? ", " : "", names[m]);
        if (strcmp(names[m], name) != 0) continue;
        *set |= UINT32_C(1) << m;
        rn_buf_free(&known);
        return 0;
    }
    return rn_near_fail(err, RN_EINVAL, "there is no metric", name, "; there are ", &known);
}

static void text_or_none(rn_rows *to, const rn_report_task *t, int i)
{
    rn_rows_word(to, i < 0 ? "" : t->entrants[i].model);
}

/* ---- samples and costs ----------------------------------------------------------------------- */

static double of_family(const rn_entrant *e, char family)
{
    int64_t n = 0;
    for (int v = 0; v < RN_N_VERDICTS; v++)
        if (v != RN_V_PASSED && rn_verdict_family((rn_verdict)v) == family) n += e->verdicts[v];
    return (double)n;
}

static void view_samples(const rn_report *r, const rn_report_task *t, rn_unit axis, rn_rows *to)
{
    (void)r, (void)axis;
    static const rn_column columns[] = {
        {.title = "model", .as = RN_AS_TEXT},       {.title = "samples", .as = RN_AS_WHOLE},
        {.title = "n", .as = RN_AS_WHOLE},          {.title = "problems", .as = RN_AS_WHOLE},
        {.title = "passed", .as = RN_AS_SCORE},     {.title = "failed", .as = RN_AS_SCORE},
        {.title = "limit", .as = RN_AS_SCORE},      {.title = "sandbox", .as = RN_AS_SCORE},
        {.title = "no verdict", .as = RN_AS_SCORE}, {.title = "mean tokens", .as = RN_AS_FACTOR}};
    if (!t->boot && !t->store) return;
    to->title = "samples, and what judging them showed, %";
    rn_rows_columns(to, columns);
    for (size_t i = 0; i < t->n_entrants; i++) {
        const rn_entrant *e = &t->entrants[i];
        if (!e->counts) continue;
        double passed = (double)e->verdicts[RN_V_PASSED], failed = of_family(e, 'P');
        double limit = of_family(e, 'L'), box = of_family(e, 'S'), none = (double)e->n_unjudged;
        double all = passed + failed + limit + box + none;
        if (all == 0) { /* counts without samples */
            all = (double)e->cov.n_samples;
            passed = (double)e->cov.n_passed;
            failed = all - passed;
            limit = box = none = NAN;
        }
        rn_rows_word(to, e->model);
        rn_rows_value(to, all);
        rn_rows_value(to, (double)e->n);
        rn_rows_value(to, (double)e->cov.n_used);
        const double parts[] = {passed, failed, limit, box, none};
        for (size_t p = 0; p < 5; p++)
            rn_rows_value(to, all > 0 ? parts[p] / all : NAN);
        rn_rows_value(to, e->tokens.n_gen ? e->tokens.gen / (double)e->tokens.n_gen : NAN);
    }
}

static void view_costs(const rn_report *r, const rn_report_task *t, rn_unit axis, rn_rows *to)
{
    (void)r, (void)axis;
    static const rn_column columns[] = {
        {.title = "model", .as = RN_AS_TEXT},
        {.title = "cost entry", .as = RN_AS_TEXT},
        {.title = "128 tokens", .as = RN_AS_AMOUNT, .unit = RN_UNIT_FLOP},
        {.title = "prompt, once", .as = RN_AS_AMOUNT, .unit = RN_UNIT_FLOP},
        {.title = "exact", .as = RN_AS_AMOUNT, .unit = RN_UNIT_FLOP},
        {.title = "exact, prompt shared by n", .as = RN_AS_AMOUNT, .unit = RN_UNIT_FLOP},
        {.title = "2N, all tokens", .as = RN_AS_AMOUNT, .unit = RN_UNIT_FLOP},
        {.title = "wall-time", .as = RN_AS_AMOUNT, .unit = RN_UNIT_SECOND},
        {.title = "money", .as = RN_AS_AMOUNT, .unit = RN_UNIT_USD}};
    to->title = "what one sample costs";
    rn_rows_columns(to, columns);
    for (size_t i = 0; i < t->n_entrants; i++) {
        const rn_entrant *e = &t->entrants[i];
        if (!e->cost && !e->priced[RN_UNIT_SECOND]) continue;
        const double exact[] = {e->exact_shared, e->exact_sample,
                                e->exact_shared / (double)(e->n ? e->n : 1) + e->exact_sample,
                                e->two_n};
        rn_rows_word(to, e->model);
        rn_rows_word(to, e->cost ? e->cost->name : "");
        rn_rows_value(to, e->cost ? rn_cost_flop(e->cost) : NAN);
        for (size_t c = 0; c < 4; c++)
            rn_rows_datum(to, (rn_datum){exact[c], NAN, NAN, .text = ""});
        for (int u = RN_UNIT_SECOND; u < RN_N_UNITS; u++)
            rn_rows_datum(to, (rn_datum){e->priced[u] ? rn_stat_cost(&e->axis[u], 1) : NAN, NAN,
                                         NAN, .text = ""});
    }
}

/* ---- curves ---------------------------------------------------------------------------------- */

static const rn_point *point_at(const rn_point *points, size_t n, int64_t k)
{
    for (size_t i = 0; i < n; i++)
        if (points[i].k == k) return &points[i];
    return NULL;
}

/* A k that people read: what was asked for, else powers of two and the end of a curve. */
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

static void put_point(rn_rows *to, const rn_point *p)
{
    rn_rows_interval(to, p ? p->value : NAN, p ? p->lo : NAN, p ? p->hi : NAN);
    if (p && !p->robust) rn_rows_mark(to, " !");
}

static void view_curves(const rn_report *r, const rn_report_task *t, rn_unit axis, rn_rows *to)
{
    (void)axis;
    bool greedy = false;
    to->title = "pass@k, %";
    rn_rows_column(to, (rn_column){.title = "k", .as = RN_AS_TEXT});
    for (size_t i = 0; i < t->n_entrants; i++) {
        rn_rows_column(to, (rn_column){.title = t->entrants[i].model, .as = RN_AS_SCORE});
        greedy |= t->entrants[i].greedy.n > 0;
    }
    if (greedy) rn_rows_text(to, "greedy *");
    for (size_t i = 0; i < t->n_entrants && greedy; i++) {
        const rn_greedy *g = &t->entrants[i].greedy;
        rn_rows_interval(to, g->value, g->lo, g->hi);
    }
    for (int64_t k = next_k(t, 0); k; k = next_k(t, k)) {
        if (!shown(r, t, k)) continue;
        rn_rows_text(to, "%lld", (long long)k);
        for (size_t i = 0; i < t->n_entrants; i++)
            put_point(to, point_at(t->entrants[i].points, t->entrants[i].n_points, k));
    }
    if (greedy) rn_buf_puts(&to->foot, "* one greedy answer per problem; interval: Wilson\n");
    if (rn_rows_marked(to))
        rn_buf_puts(&to->foot, "! above n/2: rests on few combinations of samples\n");
}

/* The smallest k above `k` of an extrapolated curve that people read; 0 if none. */
static int64_t next_beyond(const rn_report *r, const rn_report_task *t, int64_t k)
{
    int64_t best = 0;
    for (size_t i = 0; i < t->n_entrants; i++)
        for (size_t j = 0; j < t->entrants[i].n_beyond; j++) {
            int64_t at = t->entrants[i].beyond[j].k;
            bool read = (at & (at - 1)) == 0 || j == 0 || at == r->opts.extrapolate;
            if (read && at > k && (best == 0 || at < best)) best = at;
        }
    return best;
}

static void view_beyond(const rn_report *r, const rn_report_task *t, rn_unit axis, rn_rows *to)
{
    (void)axis;
    if (next_beyond(r, t, 0) == 0) return;
    to->title = "pass@k extrapolated beyond the samples, %";
    rn_rows_column(to, (rn_column){.title = "k", .as = RN_AS_TEXT});
    for (size_t i = 0; i < t->n_entrants; i++)
        rn_rows_column(to, (rn_column){.title = t->entrants[i].model, .as = RN_AS_SCORE});
    for (int64_t k = next_beyond(r, t, 0); k; k = next_beyond(r, t, k)) {
        rn_rows_text(to, "%lld", (long long)k);
        for (size_t i = 0; i < t->n_entrants; i++) {
            const rn_point *p = point_at(t->entrants[i].beyond, t->entrants[i].n_beyond, k);
            rn_rows_interval(to, p ? p->value : NAN, p ? p->lo : NAN, p ? p->hi : NAN);
        }
    }
    rn_buf_puts(&to->foot,
                "not measured: a model of how hard the problems are, fitted to their counts\n");
    for (size_t i = 0; i < t->n_entrants; i++) {
        const rn_entrant *e = &t->entrants[i];
        if (e->n_beyond)
            rn_buf_printf(&to->foot, "%s: from k = %lld on, %s fit\n", e->model,
                          (long long)e->beyond_about.from_k,
                          rn_extra_form_name(e->beyond_about.form));
    }
}

/* The j-th name among the rankers of all entrants, each once; NULL past the end. */
static const char *ranker_name(const rn_report_task *t, size_t j)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n_entrants; i++)
        for (size_t k = 0; k < t->entrants[i].n_rankings; k++) {
            const char *name = t->entrants[i].rankings[k].name;
            bool seen = false;
            for (size_t x = 0; x <= i; x++)
                for (size_t y = 0; y < (x < i ? t->entrants[x].n_rankings : k); y++)
                    seen |= strcmp(t->entrants[x].rankings[y].name, name) == 0;
            if (!seen && n++ == j) return name;
        }
    return NULL;
}

static const rn_ranking *ranking_of(const rn_entrant *e, const char *name)
{
    for (size_t k = 0; k < e->n_rankings; k++)
        if (strcmp(e->rankings[k].name, name) == 0) return &e->rankings[k];
    return NULL;
}

const rn_ranking *rn_view_examples(const rn_report_task *t)
{
    for (size_t i = 0; i < t->n_entrants; i++)
        for (size_t k = 0; k < t->entrants[i].n_rankings; k++)
            if (t->entrants[i].rankings[k].votes) return &t->entrants[i].rankings[k];
    return NULL;
}

void rn_view_put_examples(const rn_report_task *t, rn_buf *out)
{
    const rn_ranking *k = rn_view_examples(t);
    if (!k || k->n_examples == 0) return;
    const long long all = k->n_examples, seen = all - k->n_unseen;
    if (seen == 0)
        rn_buf_printf(out, "examples: none of the %lld in the prompts is in the tests\n", all);
    else if (seen == all)
        rn_buf_printf(out,
                      "examples: the tests repeat all %lld of the prompts, so that a choice by "
                      "them has seen a "
                      "part of the tests, and says less of problems that have none\n",
                      all);
    else
        rn_buf_printf(out,
                      "examples: the tests repeat %lld of the %lld of the prompts; 'examples in no "
                      "test' counts the other %lld alone\n",
                      seen, all, all - seen);
}

static void view_rank_curves(const rn_report *r, const rn_report_task *t, rn_unit axis, rn_rows *to)
{
    (void)axis;
    const char *name;
    to->title = "rank-score@k, %: the sample that the ranker puts first of k";
    rn_rows_column(to, (rn_column){.title = "samples of", .as = RN_AS_TEXT});
    rn_rows_column(to, (rn_column){.title = "k", .as = RN_AS_WHOLE});
    for (size_t j = 0; (name = ranker_name(t, j)) != NULL; j++)
        rn_rows_column(to, (rn_column){.title = name, .as = RN_AS_SCORE});
    for (size_t i = 0; i < t->n_entrants; i++)
        for (int64_t k = next_k(t, 0); k; k = next_k(t, k)) {
            const rn_entrant *e = &t->entrants[i];
            bool any = false;
            for (size_t j = 0; j < e->n_rankings; j++)
                any |= point_at(e->rankings[j].points, e->rankings[j].n_points, k) != NULL;
            if (!any || !shown(r, t, k)) continue;
            rn_rows_word(to, e->model);
            rn_rows_value(to, (double)k);
            for (size_t j = 0; (name = ranker_name(t, j)) != NULL; j++) {
                const rn_ranking *x = ranking_of(e, name);
                put_point(to, x ? point_at(x->points, x->n_points, k) : NULL);
            }
        }
    rn_view_put_examples(t, &to->foot);
}

/* ---- budgets --------------------------------------------------------------------------------- */

/* What a budget buys of an entrant: its value, or why there is none. */
static rn_datum cell_of(const rn_cell *c)
{
    return (rn_datum){c->value, c->lo, c->hi, .text = c->k ? "no estimate" : "affords none",
                      .k = c->k};
}

/* Why an axis or a model on it is not there; each reason once. */
static void put_reasons(const rn_report_task *t, rn_unit axis, rn_buf *out)
{
    for (size_t i = 0; i < t->n_entrants; i++) {
        const char *why = t->entrants[i].why[axis];
        bool first = why != NULL;
        if (t->entrants[i].priced[axis] || !why) continue;
        for (size_t j = 0; j < i; j++)
            first &= !t->entrants[j].why[axis] || strcmp(t->entrants[j].why[axis], why) != 0;
        if (!first) continue;
        rn_buf line = {0};
        for (size_t j = i; j < t->n_entrants; j++) {
            const char *other = t->entrants[j].priced[axis] ? NULL : t->entrants[j].why[axis];
            if (other && strcmp(other, why) == 0)
                rn_buf_printf(&line, "%s%s", j > i ? ", " : "", t->entrants[j].model);
        }
        rn_buf_printf(&line, ": not shown: %s", why);
        if (rn_buf_ok(&line)) rn_buf_wrapped(out, line.data, 2, 0);
        out->failed |= !rn_buf_ok(&line);
        rn_buf_putc(out, '\n');
        rn_buf_free(&line);
    }
}

/* What a budget on this axis counts. */
static void put_basis(const rn_report *r, const rn_report_task *t, rn_unit axis, rn_buf *out)
{
    const rn_report_axis *ax = &t->axis[axis];
    rn_arena a = {0};
    if (axis == RN_UNIT_FLOP)
        rn_buf_puts(out, r->opts.basis == RN_FLOP_STUDY
                             ? "a sample is one pass over 128 tokens; "
                             : "real tokens, the prompt paid once per problem; ");
    if (axis == RN_UNIT_USD)
        rn_buf_printf(out, "the prompt is paid %s (--prompt cached, once or each); ",
                      r->opts.prompt == RN_PROMPT_ONCE ? "once per problem"
                      : r->opts.prompt == RN_PROMPT_EACH
                          ? "with each sample"
                          : "with each sample, after the first at the "
                            "cached price where there is one");
    if (axis == RN_UNIT_SECOND && r->opts.profile) {
        const char *hardware = rn_cost_hardware(r->book, r->opts.profile);
        const bool more = hardware && strcmp(hardware, r->opts.profile) != 0;
        rn_buf_printf(out, "profile %s%s%s; ", r->opts.profile, more ? ": " : "",
                      more ? hardware : "");
    }
    rn_buf_printf(out, "1 = one sample of %s = %s\n", t->entrants[ax->unit].model,
                  rn_amount(&a, axis, rn_stat_cost(&t->entrants[ax->unit].axis[axis], 1)));
    rn_arena_free(&a);
}

static void put_crossings(const rn_report_task *t, rn_unit axis, rn_buf *out)
{
    rn_arena a = {0};
    for (size_t i = 0; i < t->axis[axis].n_crossings; i++) {
        const rn_cross *c = &t->axis[axis].crossings[i];
        const char *x = t->entrants[c->a].model, *y = t->entrants[c->b].model;
        rn_buf_printf(out, "%s and %s, %s to %s: ", x, y, rn_amount(&a, axis, c->from),
                      rn_amount(&a, axis, c->to));
        if (c->at.from < 0)
            rn_buf_printf(out,
                          "no crossover; %s leads at all of them in %.0f %% of the resamples, "
                          "%s in %.0f %%\n",
                          x, 100 * c->at.p_x_always, y, 100 * c->at.p_y_always);
        else
            rn_buf_printf(out,
                          "%s leads for good from %s [%s, %s] on, in this direction in %.0f %% of "
                          "the resamples\n",
                          c->at.to ? y : x, rn_amount(&a, axis, c->at.budget),
                          rn_amount(&a, axis, c->at.lo), rn_amount(&a, axis, c->at.hi),
                          100 * c->at.p_same);
    }
    rn_arena_free(&a);
}

void rn_view_leaders(const rn_report *r, const rn_report_task *t, rn_unit axis, rn_rows *to)
{
    static const char *const metric[] = {"pass_flops@f", "pass_time@t", "pass_usd@u"};
    const rn_report_axis *ax = &t->axis[axis];
    const char *words = rn_unit_words(axis);
    if (!ax->any) {
        to->title = rn_arena_printf(&to->arena, "%s, %%: not computed", metric[axis]);
        put_reasons(t, axis, &to->lead);
        return;
    }
    to->title = rn_arena_printf(&to->arena, "%s, %%: best use of an equal %s budget per problem",
                                metric[axis], words);
    put_basis(r, t, axis, &to->lead);
    rn_rows_column(to, (rn_column){.name = "normalised", .title = "budget", .as = RN_AS_FACTOR});
    rn_rows_column(to,
                   (rn_column){.name = "budget", .title = words, .as = RN_AS_AMOUNT, .unit = axis});
    for (size_t i = 0; i < t->n_entrants; i++)
        if (t->entrants[i].priced[axis])
            rn_rows_column(to, (rn_column){.name = "value",
                                           .title = t->entrants[i].model,
                                           .as = RN_AS_SCORE,
                                           .ends = RN_ENDS_PLAIN,
                                           .model = t->entrants[i].model});
    rn_rows_column(to, (rn_column){.name = "leader", .title = "leads", .as = RN_AS_TEXT});
    rn_rows_column(to, (rn_column){.name = "second", .as = RN_AS_TEXT});
    rn_rows_column(
        to, (rn_column){
                .name = "ahead", .title = "ahead by", .as = RN_AS_POINTS, .ends = RN_ENDS_PLAIN});
    rn_rows_column(to, (rn_column){.name = "sure", .title = "P(lead)", .as = RN_AS_SHARE});
    rn_rows_column(to, (rn_column){.name = "complete", .as = RN_AS_FLAG});
    bool ended = false;
    for (size_t j = 0; j < ax->n_rows; j++) {
        const rn_budget_row *row = &ax->rows[j];
        ended |= !row->complete;
        rn_rows_value(to, row->norm);
        rn_rows_value(to, row->budget);
        for (size_t i = 0; i < t->n_entrants; i++)
            if (t->entrants[i].priced[axis]) rn_rows_datum(to, cell_of(&row->cells[i]));
        text_or_none(to, t, row->best);
        text_or_none(to, t, row->second);
        rn_rows_interval(to, row->diff, row->diff_lo, row->diff_hi);
        rn_rows_value(to, row->p_lead);
        rn_rows_value(to, row->complete);
    }
    if (ended)
        rn_buf_puts(&to->foot,
                    "no estimate: the budget affords more samples than the curve has (half "
                    "of the recorded ones); nobody leads there\n");
    put_crossings(t, axis, &to->foot);
    put_reasons(t, axis, &to->foot);
}

void rn_view_crossings(const rn_report *r, const rn_report_task *t, rn_unit axis, rn_rows *to)
{
    (void)r;
    static const char *const columns[] = {"from", "to",         "budget",     "lo",
                                          "hi",   "p_a_always", "p_b_always", "p_same"};
    rn_rows_column(to, (rn_column){.name = "a", .as = RN_AS_TEXT});
    rn_rows_column(to, (rn_column){.name = "b", .as = RN_AS_TEXT});
    for (size_t i = 0; i < 8; i++)
        rn_rows_column(to, (rn_column){.name = columns[i], .as = RN_AS_FACTOR});
    rn_rows_column(to, (rn_column){.name = "before", .as = RN_AS_TEXT});
    rn_rows_column(to, (rn_column){.name = "after", .as = RN_AS_TEXT});
    for (size_t i = 0; i < t->axis[axis].n_crossings; i++) {
        const rn_cross *c = &t->axis[axis].crossings[i];
        const double values[] = {c->from,          c->to,       c->at.budget,
                                 c->at.lo,         c->at.hi,    c->at.p_x_always,
                                 c->at.p_y_always, c->at.p_same};
        text_or_none(to, t, c->a);
        text_or_none(to, t, c->b);
        for (size_t v = 0; v < 8; v++)
            rn_rows_value(to, values[v]);
        text_or_none(to, t, c->at.from < 0 ? -1 : c->at.from ? c->b : c->a);
        text_or_none(to, t, c->at.to < 0 ? -1 : c->at.to ? c->b : c->a);
    }
}

/* ---- ranking at budgets ---------------------------------------------------------------------- */

/* What ranking costs, where from, or why that is not known. */
static void put_rank_cost(const rn_entrant *e, const rn_ranking *k, rn_unit axis, rn_buf *out)
{
    const rn_rank_cost *c = &k->cost[axis];
    rn_arena a = {0};
    if (!c->known)
        rn_buf_printf(out, "%s of %s: its cost is missing: %s\n", k->name, e->model, c->why);
    else if (c->shared > 0)
        rn_buf_printf(out, "%s of %s: %s per problem and %s per sample drawn (%s)\n", k->name,
                      e->model, rn_amount(&a, axis, c->shared), rn_amount(&a, axis, c->per_sample),
                      c->from);
    else
        rn_buf_printf(out, "%s of %s: %s per sample drawn (%s)\n", k->name, e->model,
                      rn_amount(&a, axis, c->per_sample), c->from);
    rn_arena_free(&a);
}

static void view_rank_budgets(const rn_report *r, const rn_report_task *t, rn_unit axis,
                              rn_rows *to)
{
    (void)r;
    const rn_column columns[] = {{.title = "samples of", .as = RN_AS_TEXT},
                                 {.title = "ranker", .as = RN_AS_TEXT},
                                 {.title = "budget", .as = RN_AS_FACTOR},
                                 {.title = rn_unit_words(axis), .as = RN_AS_AMOUNT, .unit = axis},
                                 {.title = "k", .as = RN_AS_WHOLE},
                                 {.title = "ranking charged", .as = RN_AS_SCORE},
                                 {.title = "k", .as = RN_AS_WHOLE},
                                 {.title = "ranking free", .as = RN_AS_SCORE},
                                 {.title = "random", .as = RN_AS_SCORE},
                                 {.title = "perfect", .as = RN_AS_SCORE}};
    to->title = rn_arena_printf(&to->arena, "%s, %%",
                                axis == RN_UNIT_FLOP ? "rank-score_flops@f" : "rank-score_time@t");
    rn_rows_columns(to, columns);
    for (size_t i = 0; i < t->n_entrants; i++)
        for (size_t n = 0; n < t->entrants[i].n_rankings; n++) {
            const rn_entrant *e = &t->entrants[i];
            const rn_ranking *k = &e->rankings[n];
            if (!e->priced[axis] && e->why[axis])
                rn_buf_printf(&to->foot, "%s of %s: not computed: %s\n", k->name, e->model,
                              e->why[axis]);
            for (size_t j = 0; k->rows[axis] && j < t->axis[axis].n_rows; j++) {
                const rn_rank_row *row = &k->rows[axis][j];
                const bool known = k->cost[axis].known;
                rn_rows_word(to, e->model);
                rn_rows_word(to, k->name);
                rn_rows_value(to, t->axis[axis].rows[j].norm);
                rn_rows_value(to, t->axis[axis].rows[j].budget);
                rn_rows_value(to, known ? (double)row->paid.k : NAN);
                if (known)
                    rn_rows_datum(to, cell_of(&row->paid));
                else
                    rn_rows_value(to, NAN);
                rn_rows_value(to, (double)row->unpaid.k);
                rn_rows_datum(to, cell_of(&row->unpaid));
                rn_rows_value(to, row->random);
                rn_rows_value(to, row->perfect);
            }
            if (k->rows[axis]) put_rank_cost(e, k, axis, &to->foot);
        }
    rn_view_put_examples(t, &to->foot);
}

/* What ranking by execution ran; nothing for rankers that only read. */
static void put_executions(const rn_report_task *t, rn_buf *out)
{
    for (size_t i = 0; i < t->n_entrants; i++)
        for (size_t j = 0; j < t->entrants[i].n_rankings; j++) {
            const rn_ranking *k = &t->entrants[i].rankings[j];
            if (k->n_judged == 0) continue;
            rn_buf_printf(
                out,
                "%s ran %lld %s for %lld %s of %s: %.3g CPU seconds, %.3g s of wall-time one "
                "after the other\n",
                k->name, (long long)k->n_runs, rn_plural(k->n_runs, "program", "programs"),
                (long long)k->n_scored, rn_plural(k->n_scored, "sample", "samples"),
                t->entrants[i].model, k->judge_cpu_s, k->recorded[RN_UNIT_SECOND]);
        }
}

void rn_view_rankers(const rn_report *r, const rn_report_task *t, rn_unit axis, rn_rows *to)
{
    (void)r;
    const rn_report_axis *ax = &t->axis[axis];
    const rn_column columns[] = {
        {.name = "normalised", .title = "budget", .as = RN_AS_FACTOR},
        {.name = "budget", .title = rn_unit_words(axis), .as = RN_AS_AMOUNT, .unit = axis},
        {.name = "model", .title = "samples of", .as = RN_AS_TEXT},
        {.name = "ranker", .title = "ranker", .as = RN_AS_TEXT},
        {.name = "k", .title = "k", .as = RN_AS_WHOLE},
        {.name = "value", .title = "rank-score", .as = RN_AS_SCORE, .ends = RN_ENDS_PLAIN},
        {.name = "below", .title = "below greedy", .as = RN_AS_POINTS},
        {.name = "greedy_affordable", .title = "buys greedy", .as = RN_AS_FLAG}};
    if (ax->n_ranked == 0) return;
    const rn_entrant *large = ax->yardstick < 0 ? NULL : &t->entrants[ax->yardstick];
    to->title =
        rn_arena_printf(&to->arena, "the best ranker at an equal %s budget, ranking charged, %%",
                        rn_unit_words(axis));
    if (large)
        rn_buf_printf(&to->lead, "against one greedy answer of %s: %.1f [%.1f, %.1f]\n",
                      large->model, 100 * large->greedy.value, 100 * large->greedy.lo,
                      100 * large->greedy.hi);
    rn_rows_columns(to, columns);
    for (size_t j = 0; j < ax->n_ranked; j++) {
        const rn_rank_best *b = &ax->ranked[j];
        const rn_entrant *e = b->entrant < 0 ? NULL : &t->entrants[b->entrant];
        rn_rows_value(to, b->norm);
        rn_rows_value(to, b->budget);
        rn_rows_word(to, e ? e->model : "");
        rn_rows_word(to, e ? e->rankings[b->ranking].name : "");
        rn_rows_value(to, (double)b->cell.k);
        rn_rows_datum(to, cell_of(&b->cell));
        rn_rows_value(to, b->below);
        rn_rows_value(to, b->greedy_affordable);
    }
    if (axis == RN_UNIT_SECOND) put_executions(t, &to->foot);
    rn_view_put_examples(t, &to->foot);
}

/* ---- a score to reach, and what is rows already ---------------------------------------------- */

void rn_view_reach(const rn_report *r, const rn_report_task *t, rn_unit axis, rn_rows *to)
{
    (void)axis;
    if (!t->reach) return;
    to->title = rn_arena_printf(&to->arena, "what %.4g %% costs", 100 * r->opts.reach);
    rn_rows_column(to, (rn_column){.name = "model", .title = "model", .as = RN_AS_TEXT});
    rn_rows_column(to, (rn_column){.name = "score", .as = RN_AS_SCORE});
    rn_rows_column(
        to, (rn_column){.name = "k", .title = "k", .as = RN_AS_FACTOR, .ends = RN_ENDS_NAMED});
    for (int u = 0; u < RN_N_UNITS; u++)
        rn_rows_column(to, (rn_column){.name = rn_unit_name((rn_unit)u),
                                       .title = rn_unit_words((rn_unit)u),
                                       .as = RN_AS_AMOUNT,
                                       .unit = (rn_unit)u});
    for (size_t i = 0; i < t->n_entrants; i++) {
        const rn_reach_row *row = &t->reach[i];
        const char *never = rn_arena_printf(&to->arena, "never reaches it: %.1f %% at k = %lld",
                                            100 * row->best, (long long)t->entrants[i].k_max);
        rn_rows_word(to, t->entrants[i].model);
        rn_rows_value(to, r->opts.reach);
        rn_rows_datum(to, (rn_datum){row->k ? (double)row->k : NAN, row->k_lo, row->k_hi,
                                     .text = isnan(row->best) ? "no curve" : never});
        for (int u = 0; u < RN_N_UNITS; u++)
            rn_rows_datum(to, (rn_datum){row->budget[u], NAN, NAN, .text = ""});
    }
}

/* Only people's tables that stand apart are listed; the rest is printed as it was computed. */
const rn_view *rn_view_at(size_t i)
{
    static const rn_view views[] = {{RN_METRIC_SAMPLES, RN_N_UNITS, view_samples},
                                    {RN_METRIC_COST, RN_N_UNITS, view_costs},
                                    {RN_METRIC_PASS_K, RN_N_UNITS, view_curves},
                                    {RN_METRIC_EXTRAPOLATED, RN_N_UNITS, view_beyond},
                                    {RN_METRIC_RANK_K, RN_N_UNITS, view_rank_curves},
                                    {RN_METRIC_PASS_FLOP, RN_UNIT_FLOP, rn_view_leaders},
                                    {RN_METRIC_PASS_TIME, RN_UNIT_SECOND, rn_view_leaders},
                                    {RN_METRIC_PASS_USD, RN_UNIT_USD, rn_view_leaders},
                                    {RN_METRIC_RANK_FLOP, RN_UNIT_FLOP, view_rank_budgets},
                                    {RN_METRIC_RANK_TIME, RN_UNIT_SECOND, view_rank_budgets},
                                    {RN_METRIC_RANKERS, RN_UNIT_FLOP, rn_view_rankers},
                                    {RN_METRIC_RANKERS, RN_UNIT_SECOND, rn_view_rankers},
                                    {RN_METRIC_REACH, RN_N_UNITS, rn_view_reach}};
    return i < sizeof views / sizeof views[0] ? &views[i] : NULL;
}

/* ---- series ---------------------------------------------------------------------------------- */

/* rank-score by k and by budget; `like` gives task and entrant. */
static void each_of_ranking(const rn_series *like, const rn_ranking *ranking, uint32_t metrics,
                            void (*fn)(void *user, const rn_series *s), void *user)
{
    static const rn_metric of_axis[] = {RN_METRIC_RANK_FLOP, RN_METRIC_RANK_TIME};
    rn_series s = {.metric = RN_METRIC_RANK_K,
                   .task = like->task,
                   .entrant = like->entrant,
                   .ranking = ranking,
                   .points = ranking->points,
                   .n_points = ranking->n_points};
    if (rn_report_has(metrics, s.metric)) fn(user, &s);
    for (int a = RN_UNIT_FLOP; a <= RN_UNIT_SECOND; a++) {
        if (!s.entrant->priced[a] || !rn_report_has(metrics, of_axis[a])) continue;
        s.metric = of_axis[a];
        s.x = ranking->cost[a].known ? &ranking->cost[a].total : NULL;
        s.x_sampling = &s.entrant->axis[a];
        fn(user, &s);
    }
}

void rn_view_each_series(const rn_report *r, uint32_t metrics,
                         void (*fn)(void *user, const rn_series *s), void *user)
{
    static const rn_metric of_axis[RN_N_UNITS] = {RN_METRIC_PASS_FLOP, RN_METRIC_PASS_TIME,
                                                  RN_METRIC_PASS_USD};
    for (size_t i = 0; i < r->n_tasks; i++) {
        const rn_report_task *t = &r->tasks[i];
        for (size_t j = 0; j < t->n_entrants; j++) {
            const rn_entrant *e = &t->entrants[j];
            rn_series s = {.metric = RN_METRIC_PASS_K,
                           .task = t,
                           .entrant = e,
                           .points = e->points,
                           .n_points = e->n_points};
            if (rn_report_has(metrics, s.metric)) fn(user, &s);
            for (int a = 0; a < RN_N_UNITS; a++) {
                s.metric = of_axis[a];
                s.x = &e->axis[a];
                if (e->priced[a] && rn_report_has(metrics, s.metric)) fn(user, &s);
            }
            rn_series beyond = {.metric = RN_METRIC_EXTRAPOLATED,
                                .task = t,
                                .entrant = e,
                                .points = e->beyond,
                                .n_points = e->n_beyond};
            if (e->n_beyond && rn_report_has(metrics, beyond.metric)) fn(user, &beyond);
            for (size_t k = 0; k < e->n_rankings; k++)
                each_of_ranking(&s, &e->rankings[k], metrics, fn, user);
        }
    }
}

void rn_view_series(const rn_series *s, rn_rows *to)
{
    static const rn_column columns[] = {
        {.name = "metric", .as = RN_AS_TEXT, .only = RN_FOR_CSV},
        {.name = "task", .as = RN_AS_TEXT, .only = RN_FOR_CSV},
        {.name = "model", .as = RN_AS_TEXT, .only = RN_FOR_CSV},
        {.name = "ranker", .as = RN_AS_TEXT, .only = RN_FOR_CSV},
        {.name = "n", .as = RN_AS_WHOLE, .only = RN_FOR_CSV},
        {.name = "greedy", .as = RN_AS_SCORE, .only = RN_FOR_CSV},
        {.name = "k", .title = "k", .as = RN_AS_WHOLE},
        {.name = "x", .title = "x", .as = RN_AS_FACTOR},
        {.name = "value", .title = "value", .as = RN_AS_SCORE, .ends = RN_ENDS_PLAIN},
        {.name = "x_sampling", .as = RN_AS_FACTOR, .may_lack = true},
        {.name = "random", .as = RN_AS_SCORE, .may_lack = true},
        {.name = "perfect", .as = RN_AS_SCORE, .may_lack = true},
        {.name = "robust", .as = RN_AS_FLAG, .only = RN_FOR_JSON, .may_lack = true}};
    rn_rows_columns(to, columns);
    const bool far = s->metric == RN_METRIC_EXTRAPOLATED;
    for (int u = 0; u < RN_N_UNITS && far; u++) /* one series, drawn over every axis */
        rn_rows_column(to, (rn_column){.name = rn_unit_name((rn_unit)u),
                                       .as = RN_AS_FACTOR,
                                       .only = RN_FOR_JSON,
                                       .may_lack = true});
    for (size_t i = 0; i < s->n_points; i++) {
        const rn_point *p = &s->points[i];
        const rn_ranking *k = s->ranking;
        rn_rows_word(to, rn_report_metric_name(s->metric));
        rn_rows_word(to, s->task->name);
        rn_rows_word(to, s->entrant->model);
        rn_rows_word(to, k ? k->name : "");
        rn_rows_value(to, (double)s->entrant->n);
        rn_rows_value(to, s->entrant->greedy.value);
        rn_rows_value(to, (double)p->k);
        rn_rows_value(to, s->x ? rn_stat_cost(s->x, p->k) : s->x_sampling ? NAN : (double)p->k);
        rn_rows_interval(to, p->value, p->lo, p->hi);
        rn_rows_value(to, s->x_sampling ? rn_stat_cost(s->x_sampling, p->k) : NAN);
        rn_rows_value(to, k ? k->random[i] : NAN);
        rn_rows_value(to, k ? k->perfect[i] : NAN);
        rn_rows_value(to, p->robust ? NAN : 0);
        for (int u = 0; u < RN_N_UNITS && far; u++)
            rn_rows_value(to,
                          s->entrant->priced[u] ? rn_stat_cost(&s->entrant->axis[u], p->k) : NAN);
    }
}
