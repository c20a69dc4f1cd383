/*
 * rank_best.c: at each budget, the pair of generator and ranker that scores best without tests, and
 * how far it stays below the greedy answer of the larger model.
 *
 * The yardstick is the entrant with the dearest sample among those with a greedy answer. Only
 * generators that cost less a sample compete: the question is whether ranking many cheap samples
 * can replace one answer of the dear model. Ranking is charged; a pair whose ranking has no known
 * cost does not compete.
 */
#include "report/inside.h"

static double sample_cost(const rn_report_task *t, rn_axis axis, size_t i)
{
    return rn_stat_cost(&t->entrants[i].axis[axis], 1);
}

static int find_yardstick(const rn_report_task *t, rn_axis axis)
{
    int best = -1;
    for (size_t i = 0; i < t->n_entrants; i++) {
        const rn_entrant *e = &t->entrants[i];
        if (!e->priced[axis] || e->greedy.n == 0) continue;
        if (best < 0 || sample_cost(t, axis, i) > sample_cost(t, axis, (size_t)best)) best = (int)i;
    }
    return best;
}

/* Whether entrant i may stand against the yardstick. */
static bool competes(const rn_report_task *t, rn_axis axis, int yardstick, size_t i)
{
    if (!t->entrants[i].priced[axis]) return false;
    return yardstick < 0 || sample_cost(t, axis, i) < sample_cost(t, axis, (size_t)yardstick);
}

static rn_rank_best best_at(const rn_report_task *t, rn_axis axis, int yardstick, size_t j)
{
    const rn_budget_row *row = &t->axis[axis].rows[j];
    rn_rank_best b = {.budget = row->budget,
                      .norm = row->norm,
                      .entrant = -1,
                      .ranking = -1,
                      .cell = {0, NAN, NAN, NAN},
                      .below = NAN};
    for (size_t i = 0; i < t->n_entrants; i++) {
        const rn_entrant *e = &t->entrants[i];
        for (size_t k = 0; competes(t, axis, yardstick, i) && k < e->n_rankings; k++) {
            const rn_rank_row *rows = e->rankings[k].rows[axis];
            if (!rows || rows[j].paid.k == 0 || isnan(rows[j].paid.value)) continue;
            if (b.entrant >= 0 && rows[j].paid.value <= b.cell.value) continue;
            b.entrant = (int)i;
            b.ranking = (int)k;
            b.cell = rows[j].paid;
        }
    }
    if (yardstick < 0) return b;
    b.greedy_affordable = sample_cost(t, axis, (size_t)yardstick) <= row->budget * (1 + 1e-9);
    if (b.entrant >= 0) b.below = t->entrants[yardstick].greedy.value - b.cell.value;
    return b;
}

static int put_axis(rn_report *r, rn_report_task *t, rn_axis axis, rn_err *err)
{
    rn_report_axis *ax = &t->axis[axis];
    ax->yardstick = find_yardstick(t, axis);
    bool any = false;
    for (size_t i = 0; i < t->n_entrants; i++)
        for (size_t k = 0; competes(t, axis, ax->yardstick, i) && k < t->entrants[i].n_rankings;
             k++)
            any |= t->entrants[i].rankings[k].rows[axis] != NULL;
    if (!any || ax->n_rows == 0) return 0;
    rn_rank_best *rows = rn_arena_array(&r->arena, ax->n_rows, sizeof *rows);
    if (!rows) return rn_report_nomem(err);
    for (size_t j = 0; j < ax->n_rows; j++)
        rows[j] = best_at(t, axis, ax->yardstick, j);
    ax->ranked = rows;
    ax->n_ranked = ax->n_rows;
    return 0;
}

int rn_report_rank_best(rn_report *r, rn_report_task *t, rn_err *err)
{
    int rc = 0;
    for (int a = RN_AXIS_FLOP; a < RN_N_AXES && !rc; a++) {
        t->axis[a].yardstick = -1;
        if (a <= RN_AXIS_TIME) rc = put_axis(r, t, (rn_axis)a, err);
    }
    return rc;
}
