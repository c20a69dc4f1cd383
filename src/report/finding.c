/*
 * finding.c: what a comparison comes to, in sentences computed from its rows.
 *
 * "Small" are the entrants whose sample costs at most twice the cheapest one's (in the study: 7B,
 * 8B and 13B), "large" all others. A budget counts where both kinds afford a sample and all who do
 * have an estimate.
 */
#include "report/inside.h"

#include <stdio.h>

enum { SMALL_FACTOR = 2 };

static const char *const titles[RN_N_AXES] = {"FLOPs", "wall-time", "money"};

static bool is_small(const rn_report_task *t, rn_axis axis, size_t i)
{
    const rn_report_axis *ax = &t->axis[axis];
    return rn_stat_cost(&t->entrants[i].axis[axis], 1) <=
           SMALL_FACTOR * rn_stat_cost(&t->entrants[ax->unit].axis[axis], 1);
}

/* The best value among the small or the large entrants; NAN if none affords a sample. */
static double best_of(const rn_report_task *t, rn_axis axis, const rn_budget_row *row, bool small)
{
    double best = NAN;
    for (size_t i = 0; i < t->n_entrants; i++) {
        const rn_cell *c = &row->cells[i];
        if (c->k == 0 || isnan(c->value) || is_small(t, axis, i) != small) continue;
        if (isnan(best) || c->value > best) best = c->value;
    }
    return best;
}

/* Whether the best of a row is ahead of anybody, or of nothing at all. */
static bool has_leader(const rn_budget_row *row)
{
    if (!row->complete || row->best < 0 || row->cells[row->best].value == 0) return false;
    return row->second < 0 || row->diff != 0;
}

/* "code-llama-7b at 4, code-llama-13b at 6" of n complete budgets. */
static void write_leaders(const rn_report_task *t, rn_axis axis, rn_buf *out)
{
    const rn_report_axis *ax = &t->axis[axis];
    size_t n = 0, none = 0, written = 0;
    for (size_t j = 0; j < ax->n_rows; j++) {
        bool any = ax->rows[j].complete && ax->rows[j].best >= 0;
        n += any;
        none += any && !has_leader(&ax->rows[j]);
    }
    rn_buf_printf(out, "of %zu equal %s budgets, ", n, titles[axis]);
    for (size_t i = 0; i < t->n_entrants; i++) {
        size_t leads = 0;
        for (size_t j = 0; j < ax->n_rows; j++)
            leads += has_leader(&ax->rows[j]) && ax->rows[j].best == (int)i;
        if (leads == 0) continue;
        rn_buf_printf(out, "%s%s leads at %zu", written++ ? ", " : "", t->entrants[i].model, leads);
    }
    if (none) rn_buf_printf(out, "%snobody leads at %zu", written ? ", " : "", none);
}

void rn_report_finding(const rn_report_task *t, rn_axis axis, rn_buf *out)
{
    const rn_report_axis *ax = &t->axis[axis];
    if (!ax->any || t->n_entrants < 2) return; /* one model leads nobody */
    size_t both = 0, ahead = 0;
    double least = INFINITY, most = -INFINITY;
    for (size_t j = 0; j < ax->n_rows; j++) {
        const rn_budget_row *row = &ax->rows[j];
        double small = best_of(t, axis, row, true), large = best_of(t, axis, row, false);
        if (!row->complete || isnan(small) || isnan(large)) continue;
        both++;
        ahead += small > large;
        least = fmin(least, small - large);
        most = fmax(most, small - large);
    }
    rn_buf_printf(out, "%s: ", t->name);
    write_leaders(t, axis, out);
    if (both)
        rn_buf_printf(out,
                      "; small models are ahead of larger ones at %zu of the %zu that buy a sample "
                      "of both, by %+.1f to %+.1f points",
                      ahead, both, 100 * least, 100 * most);
    rn_buf_puts(out, ".\n");
}

/* "nll:7b is best at 3, consensus:mbr at 2": in the order of their first budget. */
static void write_best_rankers(const rn_report_task *t, const rn_report_axis *ax, rn_buf *out)
{
    size_t written = 0;
    for (size_t j = 0; j < ax->n_ranked; j++) {
        if (ax->ranked[j].entrant < 0) continue;
        const rn_rank_best *b = &ax->ranked[j];
        const char *name = t->entrants[b->entrant].rankings[b->ranking].name;
        size_t n = 0, before = 0;
        for (size_t i = 0; i < ax->n_ranked; i++) {
            const rn_rank_best *o = &ax->ranked[i];
            if (o->entrant < 0) continue;
            bool same = strcmp(t->entrants[o->entrant].rankings[o->ranking].name, name) == 0;
            n += same;
            before += same && i < j;
        }
        if (before) continue;
        rn_buf_printf(out, "%s%s is best at %zu", written++ ? ", " : "", name, n);
    }
}

void rn_report_rank_finding(const rn_report_task *t, rn_axis axis, rn_buf *out)
{
    const rn_report_axis *ax = &t->axis[axis];
    size_t n = 0, reached = 0;
    double least = INFINITY, most = -INFINITY;
    for (size_t j = 0; j < ax->n_ranked; j++) {
        const rn_rank_best *b = &ax->ranked[j];
        if (b->entrant < 0) continue;
        n++;
        if (isnan(b->below)) continue;
        reached += b->below <= 0;
        least = fmin(least, b->below);
        most = fmax(most, b->below);
    }
    if (n == 0) return;
    rn_buf_printf(out, "%s: without tests, of %zu equal %s budgets, ", t->name, n, titles[axis]);
    write_best_rankers(t, ax, out);
    if (ax->yardstick >= 0 && isfinite(least)) {
        const rn_entrant *large = &t->entrants[ax->yardstick];
        rn_buf_printf(out,
                      "; the best of the smaller models' ranked samples reach the %.1f %% of one "
                      "greedy answer of %s at %zu of them",
                      100 * large->greedy.value, large->model, reached);
        if (least > 0)
            rn_buf_printf(out, ", and stay %.1f to %.1f points below it", 100 * least, 100 * most);
        else if (reached < n)
            rn_buf_printf(out, ", and are %.1f points below it at worst", 100 * most);
    }
    rn_buf_puts(out, ".\n");
}

void rn_report_reach_finding(const rn_report *r, const rn_report_task *t, rn_axis axis, rn_buf *out)
{
    if (!t->reach || !t->axis[axis].any) return;
    int small = -1, large = -1;
    for (size_t i = 0; i < t->n_entrants; i++) {
        double cost = t->reach[i].budget[axis];
        if (isnan(cost)) continue;
        int *best = is_small(t, axis, i) ? &small : &large;
        if (*best < 0 || cost < t->reach[*best].budget[axis]) *best = (int)i;
    }
    if (small < 0 || large < 0) return;
    const rn_reach_row *s = &t->reach[small], *l = &t->reach[large];
    rn_buf_printf(out,
                  "%s: %s reaches %.4g %% in %.2f of the %s of %s, the fastest of the larger ones "
                  "(k = %lld against %lld).\n",
                  t->name, t->entrants[small].model, 100 * r->opts.reach,
                  s->budget[axis] / l->budget[axis], titles[axis], t->entrants[large].model,
                  (long long)s->k, (long long)l->k);
}

/* The entrant whose sample costs most on an axis; -1: none is priced. */
static int dearest(const rn_report_task *t, rn_axis axis)
{
    int found = -1;
    for (size_t i = 0; i < t->n_entrants; i++) {
        if (!t->entrants[i].priced[axis]) continue;
        if (found < 0 || rn_stat_cost(&t->entrants[i].axis[axis], 1) >
                             rn_stat_cost(&t->entrants[found].axis[axis], 1))
            found = (int)i;
    }
    return found;
}

/* The smallest budget that buys a sample of every entrant that is priced, where the dearest one and
 * another have estimates; -1: none does. */
static int64_t first_common(const rn_report_task *t, rn_axis axis, int large)
{
    const rn_report_axis *ax = &t->axis[axis];
    for (size_t j = 0; ax->any && j < ax->n_rows; j++) {
        const rn_budget_row *row = &ax->rows[j];
        bool all = row->best >= 0 && row->second >= 0 && !isnan(row->cells[large].value);
        for (size_t i = 0; i < t->n_entrants; i++)
            all &= !t->entrants[i].priced[axis] || row->cells[i].k > 0;
        if (all) return (int64_t)j;
    }
    return -1;
}

/* "14 samples of S solve 71.2 %, 1 of L 56.1 % (ahead of all others in 98 % of the resamples)". */
static void write_lead(const rn_report_task *t, const rn_budget_row *row, int large, rn_buf *out)
{
    const rn_cell *first = &row->cells[row->best];
    int other = row->best == large ? row->second : large;
    const rn_cell *next = &row->cells[other];
    rn_buf_printf(out, "%lld sample%s of %s solve%s %.1f %%", (long long)first->k,
                  first->k == 1 ? "" : "s", t->entrants[row->best].model, first->k == 1 ? "s" : "",
                  100 * first->value);
    rn_buf_printf(out, " and %lld of %s %.1f %%", (long long)next->k, t->entrants[other].model,
                  100 * next->value);
    if (!isnan(row->sure))
        rn_buf_printf(out, " (ahead of all others in %.0f %% of the resamples)", 100 * row->sure);
}

/* The best choice by a ranker at row j of an axis, beside the greedy answer of the dearest model. */
static void write_ranked(const rn_report_task *t, rn_axis axis, size_t j, rn_buf *out)
{
    const rn_report_axis *ax = &t->axis[axis];
    if (j >= ax->n_ranked || ax->yardstick < 0 || ax->ranked[j].entrant < 0) return;
    const rn_rank_best *b = &ax->ranked[j];
    const rn_entrant *from = &t->entrants[b->entrant];
    rn_buf_printf(out,
                  "; without tests, the best choice at that time, by %s among %lld of %s, is right "
                  "for %.1f %%, %.1f points %s the greedy answer of %s",
                  from->rankings[b->ranking].name, (long long)b->cell.k, from->model,
                  100 * b->cell.value, fabs(100 * b->below), b->below >= 0 ? "below" : "above",
                  t->entrants[ax->yardstick].model);
}

void rn_report_headline(const rn_report_task *t, rn_buf *out)
{
    static const rn_axis axes[] = {RN_AXIS_FLOP, RN_AXIS_TIME};
    int n = 0;
    for (size_t a = 0; a < 2; a++) {
        int large = dearest(t, axes[a]);
        int64_t j = large < 0 ? -1 : first_common(t, axes[a], large);
        if (j < 0) continue;
        if (n++ == 0)
            rn_buf_printf(out, "on %s, at the first budget that buys a sample of %s, ", t->name,
                          t->entrants[large].model);
        else
            rn_buf_puts(out, "; ");
        rn_buf_printf(out, "at equal %s ", titles[axes[a]]);
        const rn_budget_row *row = &t->axis[axes[a]].rows[j];
        write_lead(t, row, large, out);
        if (axes[a] == RN_AXIS_TIME) write_ranked(t, axes[a], (size_t)j, out);
    }
    if (n == 0)
        rn_buf_printf(out, "on %s, no budget buys a sample of every model, so that none leads",
                      t->name);
    rn_buf_puts(out, ".\n");
}
