/*
 * arms.c: entrants as arms of src/stat: what their samples cost one by one on an axis, with and
 * without stopping at the first pass.
 */
#include "report/inside.h"

bool rn_report_linear(const rn_entrant *e, rn_axis axis)
{
    return e->priced[axis] && e->axis[axis].n_points == 0;
}

/* Where tokens are known for passing and failing samples apart, so are their exact FLOPs. */
rn_drawcost rn_report_draw_cost(const rn_report *r, const rn_entrant *e, rn_axis axis)
{
    const rn_kcost *c = &e->axis[axis];
    rn_drawcost d = {.shared = c->shared, .failing = c->per_sample, .passing = c->per_sample};
    const rn_tokens *all = &e->tokens, *pass = &e->tokens_passed;
    if (axis != RN_AXIS_FLOP || r->opts.basis != RN_FLOP_EXACT || !pass->n_gen ||
        pass->n_gen == all->n_gen)
        return d;
    rn_tokens fail = {.n_gen = all->n_gen - pass->n_gen,
                      .n_both = all->n_both - pass->n_both,
                      .g = all->g - pass->g,
                      .g2 = all->g2 - pass->g2,
                      .gp = all->gp - pass->gp};
    double prompt = all->n_both ? all->prompt / (double)all->n_both : r->opts.prompt_tok;
    d.passing = rn_report_exact_sample(&e->cost->shape, pass, prompt);
    d.failing = rn_report_exact_sample(&e->cost->shape, &fail, prompt);
    return d;
}

int rn_report_arm(const rn_report *r, const rn_report_task *t, const rn_entrant *e, rn_axis axis,
                  int64_t k_limit, bool stop, rn_arm **out, rn_err *err)
{
    rn_drawcost cost = rn_report_draw_cost(r, e, axis);
    const int64_t k = e->k_max < k_limit ? e->k_max : k_limit;
    if (!stop) cost.batch = k;
    return rn_stat_arm_new(e->eff, t->common, t->n_problems, &cost, 0, k, out, err);
}
