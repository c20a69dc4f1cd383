/*
 * finding.c: what a comparison comes to, computed once per task and axis (rn_finding) and worded
 * here, so that terminal, page, demo and JSON say the same.
 *
 * The answer is given at the first budget that buys a sample of every model, where a comparison is
 * fair to all and small samples weigh least; where no such budget has estimates of all, at the last
 * one at which somebody leads.
 *
 * What would make it surer. The variance of a margin has two parts: that of the samples of each
 * problem (the jackknife of pass@k over the recorded outcomes), which more samples reduce, and that
 * between problems, which only more problems do. Where the first is a fair part, the model and the
 * problems that hold most of it are named.
 */
#include "report/report_priv.h"

static const char *models_of(const rn_report_task *t, int i)
{
    return t->entrants[i].model;
}

/* "16 samples of 7b"; in the report's arena. */
static const char *samples_of(rn_report *r, const rn_report_task *t, int64_t k, int who)
{
    return rn_arena_printf(&r->arena, "%lld sample%s of %s", (long long)k,
                           rn_plural((int64_t)k, "", "s"), models_of(t, who));
}

/* Whether the best of a row is ahead of anybody, or of nothing at all. */
static bool has_leader(const rn_budget_row *row)
{
    if (row->best < 0 || row->cells[row->best].value == 0) return false;
    return row->second < 0 || row->diff != 0;
}

/* Whether a row's budget buys a sample of every priced entrant. */
static bool buys_all(const rn_report_task *t, rn_unit axis, const rn_budget_row *row)
{
    bool all = true;
    for (size_t i = 0; i < t->n_entrants; i++)
        all &= !t->entrants[i].priced[axis] || t->entrants[i].k_max == 0 || row->cells[i].k > 0;
    return all;
}

static void find_row(const rn_report_task *t, rn_unit axis, rn_finding *f)
{
    const rn_report_axis *ax = &t->axis[axis];
    for (size_t j = 0; j < ax->n_rows; j++) {
        const rn_budget_row *row = &ax->rows[j];
        if (row->best < 0 || row->second < 0) continue;
        f->row = row;
        f->all = buys_all(t, axis, row);
        if (f->all) break;
    }
    f->any = f->row != NULL;
    if (!f->any) return;
    f->winner = f->row->best;
    f->other = f->row->second;
}

/* ---- words ----------------------------------------------------------------------------------- */

static int say_answer(rn_report *r, const rn_report_task *t, rn_unit axis, rn_finding *f)
{
    rn_arena *a = &r->arena;
    const rn_budget_row *row = f->row;
    const rn_cell *x = &row->cells[f->winner], *y = &row->cells[f->other];
    const char *ours = samples_of(r, t, x->k, f->winner),
               *theirs = samples_of(r, t, y->k, f->other);
    const char *budget = rn_amount(a, axis, row->budget), *name = models_of(t, f->winner);
    if (!ours || !theirs) return -1;
    if (has_leader(row))
        f->wins = rn_arena_printf(a, "%s: %lld sample%s solve%s %.1f %%; %s %.1f %%", name,
                                  (long long)x->k, rn_plural((int64_t)x->k, "", "s"),
                                  rn_plural((int64_t)x->k, "s", ""), 100 * x->value, theirs,
                                  100 * y->value);
    else
        f->wins = rn_arena_printf(a, "nobody: %s and %s both solve %.1f %%", ours, theirs,
                                  100 * x->value);
    f->margin =
        isnan(row->diff_lo)
            ? rn_arena_printf(a, "%+.1f points", 100 * row->diff)
            : rn_arena_printf(a, "%+.1f points, %g %% interval %+.1f to %+.1f", 100 * row->diff,
                              100 * r->opts.level, 100 * row->diff_lo, 100 * row->diff_hi);
    if (isnan(row->p_lead))
        f->p_lead = t->boot ? "" : "not known: published curves give no interval";
    else if (!t->boot)
        f->p_lead = "certain: no curve through the published values changes it";
    else if (row->p_lead > 0.995)
        f->p_lead = "> 99 %";
    else
        f->p_lead = rn_arena_printf(a, "%.0f %%", 100 * row->p_lead);
    const char *first = has_leader(row) ? name : "nobody"; /* what `wins` begins with */
    const char *where = f->all ? "the first budget that buys a sample of every model"
                               : "the last budget that all curves reach";
    f->sentence =
        rn_arena_printf(a, "%s, at equal %s, %s per problem (%s): %s leads%s (%s%s%s).", t->name,
                        rn_unit_words(axis), budget, where, first,
                        f->wins ? f->wins + strlen(first) : "", f->margin ? f->margin : "",
                        f->p_lead && *f->p_lead ? "; P(lead) " : "", f->p_lead ? f->p_lead : "");
    return f->wins && f->margin && f->p_lead && f->sentence ? 0 : -1;
}

/* "s from 1.2 GFLOP to 9.7 GFLOP; l from 19 GFLOP on": runs of rows with the same leader. */
static int say_budgets(rn_report *r, const rn_report_task *t, rn_unit axis, rn_finding *f)
{
    const rn_report_axis *ax = &t->axis[axis];
    rn_buf out = {0};
    size_t n_none = 0;
    const rn_budget_row *ended = NULL;
    for (size_t j = 0; j < ax->n_rows;) {
        const rn_budget_row *row = &ax->rows[j];
        size_t end = j + 1;
        while (end < ax->n_rows && has_leader(&ax->rows[end]) == has_leader(row) &&
               ax->rows[end].best == row->best && ax->rows[end].complete == row->complete)
            end++;
        if (has_leader(row)) {
            const char *from = rn_amount(&r->arena, axis, row->budget);
            const char *to = rn_amount(&r->arena, axis, ax->rows[end - 1].budget);
            rn_buf_printf(&out, "%s%s %s %s", out.len ? "; " : "", models_of(t, row->best),
                          end - j > 1 ? "from" : "at", from);
            if (end - j > 1) rn_buf_printf(&out, " to %s", to);
        } else if (!row->complete) {
            if (!ended) ended = row;
        } else {
            n_none += end - j;
        }
        j = end;
    }
    if (n_none)
        rn_buf_printf(&out, "%snobody at %zu budget%s", out.len ? "; " : "", n_none,
                      rn_plural((int64_t)n_none, "", "s"));
    if (ended)
        rn_buf_printf(&out, "%snot known from %s on, where a curve has ended", out.len ? "; " : "",
                      rn_amount(&r->arena, axis, ended->budget));
    f->budgets = rn_arena_take(&r->arena, &out);
    return f->budgets ? 0 : -1;
}

/* ---- what would make it surer ---------------------------------------------------------------- */

/* The jackknife variance of pass@k of one problem; 0 where nothing is known of it. */
static double sample_variance(const rn_count *x, int64_t k)
{
    double with = 0, without = 0;
    const double n = (double)x->n, c = (double)x->c;
    if (x->n <= k || x->n < 2 || x->c == 0 || x->c == x->n) return 0;
    rn_stat_pass(x->n - 1, x->c - 1, k, &with, NULL); /* a passing sample left out */
    rn_stat_pass(x->n - 1, x->c, k, &without, NULL);  /* a failing one */
    const double mean = (c * with + (n - c) * without) / n;
    return (n - 1) / n *
           (c * (with - mean) * (with - mean) + (n - c) * (without - mean) * (without - mean));
}

/* Where the variance of the margin is: `of` the two models' samples, and how many problems hold
 * nine tenths of a model's part. */
typedef struct spread {
    double of[2];
    size_t n_problems[2];
} spread;

static int falling(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

static int find_spread(const rn_report_task *t, const rn_finding *f, spread *s, rn_err *err)
{
    const int who[2] = {f->winner, f->other};
    double *v = malloc((t->n_problems + 1) * sizeof *v);
    if (!v) return rn_nomem(err, "report");
    for (int m = 0; m < 2; m++) {
        const rn_entrant *e = &t->entrants[who[m]];
        const int64_t k = f->row->cells[who[m]].k;
        const double n = (double)t->n_common;
        size_t n_v = 0;
        for (size_t i = 0; i < t->n_problems; i++) {
            const rn_count *c = &e->eff[i];
            if (e->ruled && e->ruled->counts[i].n) c = &e->ruled->counts[i];
            if (t->common[i]) v[n_v++] = sample_variance(c, k) / (n * n);
        }
        qsort(v, n_v, sizeof *v, falling);
        for (size_t i = 0; i < n_v; i++)
            s->of[m] += v[i];
        double part = 0;
        while (s->n_problems[m] < n_v && part < 0.9 * s->of[m])
            part += v[s->n_problems[m]++];
    }
    free(v);
    return 0;
}

/* Whether a question can name the model: by what it is called in the store, without its marks. */
static bool can_ask(const rn_entrant *e)
{
    return e->sampled && strcmp(e->model, e->base_name) == 0 && !strpbrk(e->model, ">`") &&
           !strstr(e->model, " at ");
}

/* "; what it takes to be sure: `ration plan ...`", as it can be pasted: the question about this
 * lead with the store and the prices of the report. The budget has four digits, rounded up, so that
 * it still buys the last sample. "" where plan does not price as this report does. */
static const char *command_of(rn_report *r, const rn_report_task *t, rn_unit axis,
                              const rn_finding *f)
{
    const double digit = pow(10, floor(log10(f->row->budget)) - 3);
    const char *amount = rn_amount(&r->arena, axis, digit * ceil(f->row->budget / digit - 1e-9));
    const char *blank = strchr(amount, ' ');
    rn_buf out = {0}, ask = {0};
    if (!r->repriced || strcmp(t->name, t->set) != 0 || !can_ask(&t->entrants[f->winner]) ||
        !can_ask(&t->entrants[f->other]))
        return "";
    if (!blank) blank = amount + strlen(amount);
    rn_buf_printf(&ask, "%s>%s at %.*s%s", models_of(t, f->winner), models_of(t, f->other),
                  (int)(blank - amount), amount, *blank ? blank + 1 : "");
    rn_buf_puts(&out, "; what it takes to be sure: `ration plan -s ");
    rn_buf_word(&out, t->store);
    if (r->n_tasks > 1 || r->set_chosen) {
        rn_buf_puts(&out, " -t ");
        rn_buf_word(&out, t->set);
    }
    rn_buf_puts(&out, " --samples ");
    if (rn_buf_ok(&ask)) rn_buf_word(&out, ask.data);
    rn_buf_printf(&out, "%s`", r->repriced);
    const char *text =
        rn_buf_ok(&ask) && rn_buf_ok(&out) ? rn_arena_strdup(&r->arena, out.data) : NULL;
    rn_buf_free(&ask);
    rn_buf_free(&out);
    return text;
}

static int say_surer(rn_report *r, const rn_report_task *t, rn_unit axis, rn_finding *f,
                     rn_err *err)
{
    const rn_budget_row *row = f->row;
    const double level = r->opts.level, sure = 0.5 + 0.5 * level;
    if (!t->boot || isnan(row->p_lead) || isnan(row->diff_lo)) return 0;
    if (row->p_lead >= sure) {
        f->surer = "it is sure as it is";
        return 0;
    }
    spread s = {0};
    int rc = find_spread(t, f, &s, err);
    if (rc) return rc;
    /* The interval spans two standard errors on each side, near enough for advice. */
    const double se = (row->diff_hi - row->diff_lo) / 4, all = se * se;
    const int m = s.of[1] > s.of[0];
    const int who = m ? f->other : f->winner;
    if (all > 0 && s.of[m] > 0.2 * all) {
        const int64_t n = t->entrants[who].cov.min_n;
        const char *command = command_of(r, t, axis, f);
        f->surer =
            command
                ? rn_arena_printf(&r->arena, "draw %lld more of %s on %zu problem%s first%s",
                                  (long long)(n > 10 ? n : 10), models_of(t, who), s.n_problems[m],
                                  rn_plural((int64_t)s.n_problems[m], "", "s"), command)
                : NULL;
    } else {
        const double need = row->diff > 0 ? 4 * all / (row->diff * row->diff) : INFINITY;
        const double n = ceil(fmax(need, 1.1) * (double)t->n_common);
        f->surer = need > 50 ? "nothing within reach: they are too close to be told apart"
                             : rn_arena_printf(&r->arena,
                                               "more problems: with about %.0f of this kind, now "
                                               "%zu, the interval would leave out 0",
                                               n, t->n_common);
    }
    return f->surer ? 0 : rn_nomem(err, "report");
}

/* Nothing can be compared yet: which model's curve ends before the first sample of another. */
static int say_missing(rn_report *r, const rn_report_task *t, rn_unit axis, rn_finding *f)
{
    int large = -1, small = -1;
    for (size_t i = 0; i < t->n_entrants; i++) {
        const rn_entrant *e = &t->entrants[i];
        if (!e->priced[axis] || e->k_max == 0 || !e->table) continue;
        const double one = rn_stat_cost(&e->axis[axis], 1);
        if (large < 0 || one > rn_stat_cost(&t->entrants[large].axis[axis], 1)) large = (int)i;
    }
    for (size_t i = 0; i < t->n_entrants && large >= 0; i++) {
        const rn_entrant *e = &t->entrants[i];
        if (!e->priced[axis] || e->k_max == 0 || !e->table || (int)i == large) continue;
        const int64_t k = rn_stat_afford(
            &e->axis[axis], rn_stat_cost(&t->entrants[large].axis[axis], 1), RN_STAT_MAX_N);
        if (k <= e->k_max || 2 * k <= e->n) continue;
        small = (int)i;
        f->surer = rn_arena_printf(&r->arena,
                                   "draw %lld more of %s per problem: its curve ends before the "
                                   "first sample of %s",
                                   (long long)(2 * k - e->n), e->model, models_of(t, large));
        if (!f->surer) return -1;
    }
    if (small < 0 && !f->any && r->opts.n_budgets)
        f->surer = "other --budgets, or none: those of its own hold each model's first sample";
    return small;
}

/* ---- without tests, and a score to reach ----------------------------------------------------- */

/* What a choice by examples has seen of the tests, in brackets: "without tests" is not all of it.
 * NULL: out of memory. */
static const char *seen_of(rn_arena *a, const rn_ranking *k)
{
    const int64_t seen = k->n_examples - k->n_unseen;
    if (strcmp(k->name, "examples") != 0 || seen <= 0) return "";
    if (seen == k->n_examples)
        return rn_arena_printf(a, " (%lld, which the tests repeat)", (long long)seen);
    return rn_arena_printf(a, " (the tests repeat %lld of %lld)", (long long)seen,
                           (long long)k->n_examples);
}

/* How ranking compares with the larger model's greedy answer, at the finding's budget. */
static int say_ranked(rn_report *r, const rn_report_task *t, rn_unit axis, rn_finding *f)
{
    const rn_report_axis *ax = &t->axis[axis];
    if (ax->n_ranked == 0 || ax->yardstick < 0) return 0;
    const rn_rank_best *b = NULL, *top = NULL;
    for (size_t j = 0; j < ax->n_ranked; j++) {
        const rn_rank_best *x = &ax->ranked[j];
        if (x->entrant < 0 || isnan(x->below)) continue;
        if (!top || x->cell.value > top->cell.value) top = x;
        if (f->any && &ax->rows[j] == f->row) b = x;
    }
    if (!b) b = top;
    if (!b) return 0;
    const rn_entrant *from = &t->entrants[b->entrant], *large = &t->entrants[ax->yardstick];
    rn_arena *a = &r->arena;
    const char *budget = rn_amount(a, axis, b->budget),
               *seen = seen_of(a, &from->rankings[b->ranking]);
    if (!seen) return -1;
    f->ranked = rn_arena_printf(
        a,
        "at %s, 1 of %lld sample%s of %s, chosen by %s%s, solves %.1f %%: %.1f "
        "points %s the greedy answer of %s (%.1f %%)",
        budget, (long long)b->cell.k, rn_plural(b->cell.k, "", "s"), from->model,
        from->rankings[b->ranking].name, seen, 100 * b->cell.value, fabs(100 * b->below),
        b->below >= 0 ? "below" : "above", large->model, 100 * large->greedy.value);
    return f->ranked ? 0 : -1;
}

/* What reaching opts.reach costs the cheapest way and the model whose samples cost most. */
static int say_reach(rn_report *r, const rn_report_task *t, rn_unit axis, rn_finding *f)
{
    int best = -1, large = -1;
    for (size_t i = 0; t->reach && i < t->n_entrants; i++) {
        const rn_entrant *e = &t->entrants[i];
        const double cost = t->reach[i].budget[axis];
        if (!e->priced[axis]) continue;
        if (large < 0 ||
            rn_stat_cost(&e->axis[axis], 1) > rn_stat_cost(&t->entrants[large].axis[axis], 1))
            large = (int)i;
        if (!isnan(cost) && (best < 0 || cost < t->reach[best].budget[axis])) best = (int)i;
    }
    if (best < 0 || best == large || isnan(t->reach[large].budget[axis])) return 0;
    const rn_reach_row *s = &t->reach[best], *l = &t->reach[large];
    f->reach = rn_arena_printf(
        &r->arena, "%s reaches %.4g %% in %.2f of the %s of %s (k = %lld against %lld)",
        models_of(t, best), 100 * r->opts.reach, s->budget[axis] / l->budget[axis],
        rn_unit_words(axis), models_of(t, large), (long long)s->k, (long long)l->k);
    return f->reach ? 0 : -1;
}

int rn_report_findings(rn_report *r, rn_report_task *t, rn_err *err)
{
    rn_finding *all = rn_arena_array(&r->arena, RN_N_UNITS, sizeof *all);
    if (!all) return rn_nomem(err, "report");
    int rc = 0;
    for (int axis = 0; axis < RN_N_UNITS && !rc; axis++) {
        const rn_unit a = (rn_unit)axis;
        rn_finding *f = &all[axis];
        *f = (rn_finding){.winner = -1,
                          .other = -1,
                          .wins = "",
                          .margin = "",
                          .p_lead = "",
                          .budgets = "",
                          .surer = "",
                          .sentence = "",
                          .ranked = "",
                          .reach = ""};
        if (!t->axis[axis].any) continue;
        bool failed = false;
        if (t->n_entrants > 1) {
            find_row(t, a, f);
            if (f->any) failed |= say_answer(r, t, a, f) < 0;
            failed |= say_budgets(r, t, a, f) < 0;
            if (f->any) rc = say_surer(r, t, a, f, err);
            if (!f->all) say_missing(r, t, a, f);
        }
        failed |= say_ranked(r, t, a, f) < 0 || say_reach(r, t, a, f) < 0;
        if (!rc && failed) rc = rn_nomem(err, "report");
    }
    t->finding = all;
    return rc;
}
