/*
 * price_rank.c: what ranking adds to the cost of k samples.
 *
 * Scoring is one parallel pass over prompt and sample under the ranker's model, for each sample
 * that is drawn and not cut by the token limit. What the scores themselves record comes first; else
 * the ranker's cost entry gives FLOPs: 128 tokens a scored sample, or, on request, the samples' own
 * tokens with the prompt once. Seconds that nobody measured stay unknown: a profile times sampling,
 * which scoring is much faster than.
 */
#include "report/inside.h"

const char *rn_report_ranker_model(const rn_ranking *k)
{
    const char *colon = strchr(k->name, ':');
    return colon && colon[1] ? colon + 1 : k->name;
}

/* The user's word for the ranker or its model, then a priced model of that name, then the book. */
static int find_entry(const rn_report *r, const rn_ranking *k, const rn_price_map *map,
                      size_t n_map, const rn_cost **entry, rn_err *err)
{
    const char *model = rn_report_ranker_model(k);
    const char *asked = rn_report_mapped(map, n_map, k->name);
    if (!asked) asked = rn_report_mapped(map, n_map, model);
    *entry = rn_cost_find(r->book, asked ? asked : model);
    if (asked && !*entry)
        return rn_fail(err, RN_ENOTFOUND, "there is no cost entry '%s' for the ranker %s", asked,
                       k->name);
    if (asked) return 0;
    for (size_t i = 0; i < r->n_tasks; i++)
        for (size_t j = 0; j < r->tasks[i].n_entrants; j++) {
            const rn_entrant *e = &r->tasks[i].entrants[j];
            if (e->cost && strcmp(e->base_name, model) == 0) *entry = e->cost;
        }
    return 0;
}

/* Of k samples with their ranking. A table gets a point at k = 1, so that the ranking of a batch
 * that is not full is charged for the samples that are in it. */
static int add_up(rn_report *r, const rn_kcost *samples, rn_rank_cost *c, rn_err *err)
{
    c->total = *samples;
    c->total.shared += c->shared;
    c->total.per_sample += c->per_sample;
    if (samples->n_points == 0) return 0;
    size_t more = samples->k[0] > 1;
    size_t n = samples->n_points + more;
    int64_t *k = rn_arena_array(&r->arena, n, sizeof *k);
    double *cost = rn_arena_array(&r->arena, n, sizeof *cost);
    if (!k || !cost) return rn_report_nomem(err);
    for (size_t i = 0; i < n; i++) {
        k[i] = i < more ? 1 : samples->k[i - more];
        cost[i] =
            (i < more ? samples->cost[0] : samples->cost[i - more]) + c->per_sample * (double)k[i];
    }
    c->total.k = k;
    c->total.cost = cost;
    c->total.n_points = n;
    return 0;
}

/* FLOPs of scoring one sample by the ranker's entry. */
static int by_entry(rn_report *r, const rn_entrant *e, const rn_cost *entry, rn_rank_cost *c,
                    rn_err *err)
{
    double prompt =
        e->tokens.n_both ? e->tokens.prompt / (double)e->tokens.n_both : r->opts.prompt_tok;
    if (r->opts.basis == RN_FLOP_STUDY) {
        c->per_sample = rn_cost_flop(entry);
        if (isnan(c->per_sample)) c->why = "the ranker's cost entry has no shape";
    } else if (!entry->has_shape) {
        c->why = "the ranker's cost entry has no shape";
    } else if (e->tokens.n_gen == 0 || isnan(prompt)) {
        c->why = "the samples do not tell their tokens";
    } else {
        c->shared = rn_report_exact_prompt(&entry->shape, &e->tokens, prompt);
        c->per_sample = rn_report_exact_sample(&entry->shape, &e->tokens, prompt);
    }
    if (c->why) return 0;
    c->known = true;
    c->from = rn_arena_printf(&r->arena, "%s, %s", entry->name,
                              r->opts.basis == RN_FLOP_STUDY
                                  ? "one pass over 128 tokens a scored sample"
                                  : "one pass over prompt and samples, the prompt once");
    return c->from ? 0 : rn_report_nomem(err);
}

static int price_ranking(rn_report *r, const rn_entrant *e, rn_ranking *k, const rn_cost *entry,
                         rn_err *err)
{
    double share = k->n_drawn ? (double)k->n_scored / (double)k->n_drawn : 0;
    for (int a = RN_AXIS_FLOP; a <= RN_AXIS_TIME; a++) {
        rn_rank_cost *c = &k->cost[a];
        int rc = 0;
        *c = (rn_rank_cost){0};
        if (k->n_recorded[a]) {
            c->known = true;
            c->per_sample = k->recorded[a] / (double)k->n_recorded[a];
            c->from = a == RN_AXIS_FLOP ? "recorded with the scores"
                                        : "recorded with the scores, on the machine that scored";
        } else if (a == RN_AXIS_TIME) {
            c->why = "the scores do not tell their seconds; `ration rank` records them";
        } else if (!entry) {
            c->why = "the scores do not tell their FLOPs and the ranker has no cost entry: give "
                     "--cost RANKER=ENTRY";
        } else {
            rc = by_entry(r, e, entry, c, err);
        }
        if (rc) return rc;
        if (!c->known) continue;
        c->per_sample *= share; /* cut samples are drawn, not scored */
        if (e->priced[a] && (rc = add_up(r, &e->axis[a], c, err))) return rc;
    }
    return 0;
}

int rn_report_price_rankings(rn_report *r, const rn_price_map *map, size_t n_map, rn_err *err)
{
    for (size_t i = 0; i < r->n_tasks; i++)
        for (size_t j = 0; j < r->tasks[i].n_entrants; j++) {
            rn_entrant *e = &r->tasks[i].entrants[j];
            for (size_t m = 0; m < e->n_rankings; m++) {
                const rn_cost *entry;
                int rc = find_entry(r, &e->rankings[m], map, n_map, &entry, err);
                if (!rc) rc = price_ranking(r, e, &e->rankings[m], entry, err);
                if (rc) return rc;
            }
        }
    return 0;
}
