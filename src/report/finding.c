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

/* "code-llama-7b at 4, code-llama-13b at 6" of n complete budgets. */
static void write_leaders(const rn_report_task *t, rn_axis axis, rn_buf *out)
{
    const rn_report_axis *ax = &t->axis[axis];
    size_t n = 0, written = 0;
    for (size_t j = 0; j < ax->n_rows; j++)
        n += ax->rows[j].complete && ax->rows[j].best >= 0;
    rn_buf_printf(out, "of %zu equal %s budgets, ", n, titles[axis]);
    for (size_t i = 0; i < t->n_entrants; i++) {
        size_t leads = 0;
        for (size_t j = 0; j < ax->n_rows; j++)
            leads += ax->rows[j].complete && ax->rows[j].best == (int)i;
        if (leads == 0) continue;
        rn_buf_printf(out, "%s%s leads at %zu", written++ ? ", " : "", t->entrants[i].model, leads);
    }
}

void rn_report_finding(const rn_report_task *t, rn_axis axis, rn_buf *out)
{
    const rn_report_axis *ax = &t->axis[axis];
    if (!ax->any) return;
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
