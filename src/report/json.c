/*
 * json.c: a report as one JSON object.
 *
 * "series" is the contract (docs/FORMATS.md): curves as points, values as fractions, x in the unit
 * of the metric. Beside it stand what the numbers rest on ("report", "tasks") and what is missing
 * ("notes"). What is not known is null. Numbers have ten digits, so that the text is stable from
 * machine to machine.
 */
#include "report/inside.h"

static const char *const axis_names[RN_N_AXES] = {"flops", "seconds", "usd"};

/* Writes the comma between the items of an object or array. */
static void item(rn_buf *out)
{
    char last = out->len ? out->data[out->len - 1] : '{';
    if (last != '{' && last != '[') rn_buf_putc(out, ',');
}

static void key(rn_buf *out, const char *name)
{
    item(out);
    rn_buf_printf(out, "\"%s\":", name);
}

static void number(rn_buf *out, const char *name, double v)
{
    key(out, name);
    if (isfinite(v))
        rn_buf_printf(out, "%.10g", v);
    else
        rn_buf_puts(out, "null");
}

static void whole(rn_buf *out, const char *name, int64_t v)
{
    key(out, name);
    rn_buf_printf(out, "%lld", (long long)v);
}

/* NULL and "" are null. */
static void text(rn_buf *out, const char *name, const char *s)
{
    key(out, name);
    if (s && *s)
        rn_buf_json(out, rn_bytes_of(s));
    else
        rn_buf_puts(out, "null");
}

static void boolean(rn_buf *out, const char *name, bool v)
{
    key(out, name);
    rn_buf_puts(out, v ? "true" : "false");
}

static void model_of(rn_buf *out, const char *name, const rn_report_task *t, int i)
{
    text(out, name, i < 0 ? NULL : t->entrants[i].model);
}

/* Stored JSON goes out as it is; what is not known as null. */
static void raw(rn_buf *out, const char *name, const char *json)
{
    key(out, name);
    rn_buf_puts(out, json && *json ? json : "null");
}

static void write_series(void *user, const rn_series *s)
{
    rn_buf *out = user;
    item(out);
    rn_buf_puts(out, "\n{");
    text(out, "metric", rn_report_metric_name(s->metric));
    text(out, "task", s->task->name);
    text(out, "model", s->entrant->model);
    text(out, "ranker", s->ranking ? s->ranking->name : NULL);
    whole(out, "n", s->entrant->n);
    number(out, "greedy", s->entrant->greedy.value);
    key(out, "points");
    rn_buf_putc(out, '[');
    for (size_t i = 0; i < s->n_points; i++) {
        const rn_point *p = &s->points[i];
        item(out);
        rn_buf_putc(out, '{');
        whole(out, "k", p->k);
        number(out, "x", rn_report_series_x(s, p->k));
        number(out, "value", p->value);
        number(out, "lo", p->lo);
        number(out, "hi", p->hi);
        if (s->x_sampling) number(out, "x_sampling", rn_stat_cost(s->x_sampling, p->k));
        if (s->ranking) number(out, "random", s->ranking->random[i]);
        if (s->ranking) number(out, "perfect", s->ranking->perfect[i]);
        if (!p->robust) boolean(out, "robust", false);
        rn_buf_putc(out, '}');
    }
    rn_buf_puts(out, "]}");
}

/* What the entrant's rankers scored, and what that costs for each sample drawn. */
static void write_rankers(rn_buf *out, const rn_entrant *e)
{
    key(out, "rankers");
    rn_buf_putc(out, '[');
    for (size_t i = 0; i < e->n_rankings; i++) {
        const rn_ranking *k = &e->rankings[i];
        item(out);
        rn_buf_putc(out, '{');
        text(out, "ranker", k->name);
        whole(out, "drawn", k->n_drawn);
        whole(out, "scored", k->n_scored);
        for (int a = RN_AXIS_FLOP; a <= RN_AXIS_TIME; a++) {
            const rn_rank_cost *c = &k->cost[a];
            key(out, axis_names[a]);
            rn_buf_putc(out, '{');
            number(out, "prompt", c->known ? c->shared : NAN);
            number(out, "sample", c->known ? c->per_sample : NAN);
            text(out, "from", c->known ? c->from : NULL);
            text(out, "missing", c->known ? NULL : c->why);
            rn_buf_putc(out, '}');
        }
        rn_buf_putc(out, '}');
    }
    rn_buf_putc(out, ']');
}

static void write_entrant(rn_buf *out, const rn_entrant *e)
{
    item(out);
    rn_buf_puts(out, "\n{");
    text(out, "model", e->model);
    text(out, "cost", e->cost ? e->cost->name : NULL);
    text(out, "preset", e->preset);
    raw(out, "settings", e->settings);
    raw(out, "protocol", e->protocol);
    whole(out, "protocols", e->n_protocols);
    boolean(out, "published", e->n_published > 0);
    whole(out, "n", e->n);
    whole(out, "k_max", e->k_max);
    whole(out, "problems", (int64_t)e->cov.n_used);
    whole(out, "samples", e->cov.n_samples);
    whole(out, "passed", e->cov.n_passed);
    whole(out, "missing", e->cov.n_missing);
    key(out, "greedy");
    rn_buf_putc(out, '{');
    whole(out, "problems", e->greedy.n);
    number(out, "value", e->greedy.value);
    number(out, "lo", e->greedy.lo);
    number(out, "hi", e->greedy.hi);
    rn_buf_putc(out, '}');
    key(out, "verdicts");
    rn_buf_putc(out, '{');
    for (int v = 0; v < RN_N_VERDICTS; v++)
        if (e->verdicts[v]) whole(out, rn_verdict_name((rn_verdict)v), e->verdicts[v]);
    if (e->n_unjudged) whole(out, "none", e->n_unjudged);
    rn_buf_putc(out, '}');
    key(out, "per_sample");
    rn_buf_putc(out, '{');
    number(out, "prompt_tok", e->tokens.n_both ? e->tokens.prompt / (double)e->tokens.n_both : NAN);
    number(out, "gen_tok", e->tokens.n_gen ? e->tokens.gen / (double)e->tokens.n_gen : NAN);
    number(out, "flop_exact_prompt", e->exact_shared);
    number(out, "flop_exact_sample", e->exact_sample);
    number(out, "flop_2n", e->two_n);
    for (int a = 0; a < RN_N_AXES; a++)
        number(out, axis_names[a], e->priced[a] ? rn_stat_cost(&e->axis[a], 1) : NAN);
    rn_buf_putc(out, '}');
    write_rankers(out, e);
    rn_buf_putc(out, '}');
}

static void write_row(rn_buf *out, const rn_report_task *t, const rn_budget_row *row)
{
    item(out);
    rn_buf_putc(out, '{');
    number(out, "budget", row->budget);
    number(out, "normalised", row->norm);
    model_of(out, "leader", t, row->best);
    model_of(out, "second", t, row->second);
    number(out, "ahead", row->diff);
    number(out, "lo", row->diff_lo);
    number(out, "hi", row->diff_hi);
    number(out, "sure", row->sure);
    boolean(out, "complete", row->complete);
    key(out, "models");
    rn_buf_putc(out, '[');
    for (size_t i = 0; i < t->n_entrants; i++) {
        const rn_cell *c = &row->cells[i];
        if (c->k == 0) continue;
        item(out);
        rn_buf_putc(out, '{');
        text(out, "model", t->entrants[i].model);
        whole(out, "k", c->k);
        number(out, "value", c->value);
        number(out, "lo", c->lo);
        number(out, "hi", c->hi);
        rn_buf_putc(out, '}');
    }
    rn_buf_puts(out, "]}");
}

static void write_axis(rn_buf *out, const rn_report_task *t, rn_axis axis)
{
    const rn_report_axis *ax = &t->axis[axis];
    item(out);
    rn_buf_puts(out, "\n{");
    text(out, "axis", axis_names[axis]);
    model_of(out, "unit", t, ax->unit);
    key(out, "budgets");
    rn_buf_putc(out, '[');
    for (size_t i = 0; i < ax->n_rows; i++)
        write_row(out, t, &ax->rows[i]);
    rn_buf_putc(out, ']');
    key(out, "crossovers");
    rn_buf_putc(out, '[');
    for (size_t i = 0; i < ax->n_crossings; i++) {
        const rn_cross *c = &ax->crossings[i];
        item(out);
        rn_buf_putc(out, '{');
        model_of(out, "a", t, c->a);
        model_of(out, "b", t, c->b);
        number(out, "from", c->from);
        number(out, "to", c->to);
        number(out, "budget", c->at.budget);
        number(out, "lo", c->at.lo);
        number(out, "hi", c->at.hi);
        model_of(out, "before", t, c->at.from < 0 ? -1 : c->at.from ? c->b : c->a);
        model_of(out, "after", t, c->at.to < 0 ? -1 : c->at.to ? c->b : c->a);
        number(out, "p_a_always", c->at.p_x_always);
        number(out, "p_b_always", c->at.p_y_always);
        number(out, "p_same", c->at.p_same);
        rn_buf_putc(out, '}');
    }
    rn_buf_puts(out, "]}");
}

static void write_reach(rn_buf *out, const rn_report *r, const rn_report_task *t)
{
    key(out, "reach");
    rn_buf_putc(out, '[');
    for (size_t i = 0; t->reach && i < t->n_entrants; i++) {
        const rn_reach_row *row = &t->reach[i];
        item(out);
        rn_buf_putc(out, '{');
        text(out, "model", t->entrants[i].model);
        number(out, "score", r->opts.reach);
        number(out, "k", row->k ? (double)row->k : NAN);
        number(out, "k_lo", row->k_lo);
        number(out, "k_hi", row->k_hi);
        for (int a = 0; a < RN_N_AXES; a++)
            number(out, axis_names[a], row->budget[a]);
        rn_buf_putc(out, '}');
    }
    rn_buf_putc(out, ']');
}

static void write_stopping(rn_buf *out, const rn_report_task *t)
{
    key(out, "stopping");
    rn_buf_putc(out, '[');
    for (size_t i = 0; t->stops && i < t->n_entrants; i++)
        for (size_t j = 0; j < t->n_stops[i]; j++) {
            const rn_stop_row *row = &t->stops[i][j];
            item(out);
            rn_buf_putc(out, '{');
            text(out, "model", t->entrants[i].model);
            whole(out, "k", row->k);
            number(out, "value", row->value);
            number(out, "draws", row->draws);
            for (int a = 0; a < RN_N_AXES; a++)
                number(out, axis_names[a], row->spent[a]);
            rn_buf_putc(out, '}');
        }
    rn_buf_putc(out, ']');
}

static void write_plans(rn_buf *out, const rn_report_task *t)
{
    text(out, "plan_axis", t->alloc_axis < RN_N_AXES && t->boot ? axis_names[t->alloc_axis] : NULL);
    key(out, "reallocation");
    rn_buf_putc(out, '[');
    for (size_t i = 0; t->allocs && i < t->n_entrants; i++)
        for (size_t j = 0; j < t->n_allocs[i]; j++) {
            const rn_alloc_row *row = &t->allocs[i][j];
            item(out);
            rn_buf_putc(out, '{');
            text(out, "model", t->entrants[i].model);
            number(out, "budget", row->budget);
            number(out, "same_k", row->same_k);
            number(out, "rounds", row->rounds);
            number(out, "oracle", row->oracle);
            rn_buf_putc(out, '}');
        }
    rn_buf_putc(out, ']');
    key(out, "cascades");
    rn_buf_putc(out, '[');
    for (size_t j = 0; j < t->n_cascades; j++) {
        const rn_cascade_row *row = &t->cascades[j];
        item(out);
        rn_buf_putc(out, '{');
        number(out, "budget", row->budget);
        model_of(out, "first", t, row->first);
        whole(out, "k1", row->k1);
        model_of(out, "second", t, row->second);
        whole(out, "k2", row->k2);
        number(out, "value", row->cascade);
        model_of(out, "single", t, row->single_model);
        number(out, "single_value", row->single);
        rn_buf_putc(out, '}');
    }
    rn_buf_putc(out, ']');
}

static void write_pairs(rn_buf *out, const rn_report_task *t)
{
    key(out, "comparison");
    if (t->pair_a < 0 || t->pair_b < 0) {
        rn_buf_puts(out, "null");
        return;
    }
    rn_buf_putc(out, '{');
    model_of(out, "a", t, t->pair_a);
    model_of(out, "b", t, t->pair_b);
    for (int a = 0; a <= RN_N_AXES; a++) {
        key(out, a == RN_N_AXES ? "k" : axis_names[a]);
        rn_buf_putc(out, '[');
        for (size_t j = 0; j < t->n_pairs[a]; j++) {
            const rn_pair_row *row = &t->pairs[a][j];
            item(out);
            rn_buf_putc(out, '{');
            number(out, "x", row->x);
            number(out, "difference", row->diff);
            number(out, "lo", row->lo);
            number(out, "hi", row->hi);
            number(out, "p_a_ahead", row->p_greater);
            rn_buf_putc(out, '}');
        }
        rn_buf_putc(out, ']');
    }
    rn_buf_putc(out, '}');
}

static void write_task(rn_buf *out, const rn_report *r, const rn_report_task *t)
{
    item(out);
    rn_buf_puts(out, "\n{");
    text(out, "task", t->name);
    text(out, "hash", t->hash);
    text(out, "source", t->source);
    whole(out, "problems", (int64_t)t->n_problems);
    whole(out, "common_problems", (int64_t)t->n_common);
    key(out, "models");
    rn_buf_putc(out, '[');
    for (size_t i = 0; i < t->n_entrants; i++)
        write_entrant(out, &t->entrants[i]);
    rn_buf_putc(out, ']');
    key(out, "axes");
    rn_buf_putc(out, '[');
    for (int a = 0; a < RN_N_AXES; a++)
        if (t->axis[a].any) write_axis(out, t, (rn_axis)a);
    rn_buf_putc(out, ']');
    write_reach(out, r, t);
    write_stopping(out, t);
    write_plans(out, t);
    write_pairs(out, t);
    rn_buf_putc(out, '}');
}

void rn_report_json(const rn_report *r, uint32_t metrics, rn_buf *out)
{
    static const char *const missing[] = {"drop", "fail", "refuse"};
    rn_buf_puts(out, "{");
    key(out, "series");
    rn_buf_putc(out, '[');
    rn_report_each_series(r, metrics, write_series, out);
    rn_buf_puts(out, "],\n\"report\":{");
    text(out, "version", rn_version());
    whole(out, "resamples", r->opts.n_resamples);
    whole(out, "seed", (int64_t)r->opts.seed);
    number(out, "confidence", r->opts.level);
    text(out, "missing", missing[r->opts.missing]);
    text(out, "flops", r->opts.basis == RN_FLOP_STUDY ? "study" : "exact");
    text(out, "profile", r->opts.profile);
    text(out, "hardware", r->opts.profile ? rn_cost_hardware(r->book, r->opts.profile) : NULL);
    boolean(out, "interpolated", r->opts.interpolate);
    rn_buf_puts(out, "},\n\"tasks\":[");
    for (size_t i = 0; i < r->n_tasks; i++)
        write_task(out, r, &r->tasks[i]);
    rn_buf_puts(out, "],\n\"notes\":[");
    for (size_t i = 0; i < r->n_notes; i++) {
        item(out);
        rn_buf_json(out, rn_bytes_of(r->notes[i]));
    }
    rn_buf_puts(out, "]}\n");
}
