/*
 * json.c: a report as one JSON object.
 *
 * "series" is the contract (docs/FORMATS.md): curves as points, values as fractions, x in the unit
 * of the metric. Beside it stand what the numbers rest on ("report", "tasks") and what is missing
 * ("notes").
 */
#include "report/inside.h"

#include "base/jout.h"
#include "base/json.h"

static const char *const axis_names[RN_N_AXES] = {"flops", "seconds", "usd"};

static void model_of(rn_buf *out, const char *name, const rn_report_task *t, int i)
{
    rn_jout_text(out, name, i < 0 ? NULL : t->entrants[i].model);
}

/* JSON from a store as it is; what is none, as text. */
static void stored(rn_buf *out, const char *name, const char *json)
{
    json_t *value = NULL;
    if (*json && rn_json_parse(rn_bytes_of(json), (rn_json_at){"the store", 0}, &value, NULL))
        rn_jout_text(out, name, json);
    else
        rn_jout_raw(out, name, json);
    json_decref(value);
}

static void write_series(void *user, const rn_series *s)
{
    rn_buf *out = user;
    rn_jout_item(out);
    rn_buf_puts(out, "\n{");
    rn_jout_text(out, "metric", rn_report_metric_name(s->metric));
    rn_jout_text(out, "task", s->task->name);
    rn_jout_text(out, "model", s->entrant->model);
    rn_jout_text(out, "ranker", s->ranking ? s->ranking->name : NULL);
    rn_jout_whole(out, "n", s->entrant->n);
    rn_jout_number(out, "greedy", s->entrant->greedy.value);
    rn_jout_text(out, "hash", s->task->hash);
    rn_jout_key(out, "points");
    rn_buf_putc(out, '[');
    for (size_t i = 0; i < s->n_points; i++) {
        const rn_point *p = &s->points[i];
        rn_jout_item(out);
        rn_buf_putc(out, '{');
        rn_jout_whole(out, "k", p->k);
        rn_jout_number(out, "x", rn_report_series_x(s, p->k));
        rn_jout_number(out, "value", p->value);
        rn_jout_number(out, "lo", p->lo);
        rn_jout_number(out, "hi", p->hi);
        if (s->x_sampling) rn_jout_number(out, "x_sampling", rn_stat_cost(s->x_sampling, p->k));
        if (s->ranking) rn_jout_number(out, "random", s->ranking->random[i]);
        if (s->ranking) rn_jout_number(out, "perfect", s->ranking->perfect[i]);
        if (!p->robust) rn_jout_boolean(out, "robust", false);
        rn_buf_putc(out, '}');
    }
    rn_buf_puts(out, "]}");
}

/* What the entrant's rankers scored, and what that costs for each sample drawn. */
static void write_rankers(rn_buf *out, const rn_entrant *e)
{
    rn_jout_key(out, "rankers");
    rn_buf_putc(out, '[');
    for (size_t i = 0; i < e->n_rankings; i++) {
        const rn_ranking *k = &e->rankings[i];
        rn_jout_item(out);
        rn_buf_putc(out, '{');
        rn_jout_text(out, "ranker", k->name);
        rn_jout_whole(out, "drawn", k->n_drawn);
        rn_jout_whole(out, "scored", k->n_scored);
        if (k->n_judged) {
            rn_jout_whole(out, "executions", k->n_runs);
            rn_jout_number(out, "judge_cpu_s", k->judge_cpu_s);
        }
        for (int a = RN_AXIS_FLOP; a <= RN_AXIS_TIME; a++) {
            const rn_rank_cost *c = &k->cost[a];
            rn_jout_key(out, axis_names[a]);
            rn_buf_putc(out, '{');
            rn_jout_number(out, "prompt", c->known ? c->shared : NAN);
            rn_jout_number(out, "sample", c->known ? c->per_sample : NAN);
            rn_jout_text(out, "from", c->known ? c->from : NULL);
            rn_jout_text(out, "missing", c->known ? NULL : c->why);
            rn_buf_putc(out, '}');
        }
        rn_buf_putc(out, '}');
    }
    rn_buf_putc(out, ']');
}

static void write_entrant(rn_buf *out, const rn_entrant *e)
{
    rn_jout_item(out);
    rn_buf_puts(out, "\n{");
    rn_jout_text(out, "model", e->model);
    rn_jout_text(out, "cost", e->cost ? e->cost->name : NULL);
    rn_jout_text(out, "preset", e->preset);
    stored(out, "settings", e->settings);
    stored(out, "protocol", e->protocol);
    rn_jout_whole(out, "protocols", e->n_protocols);
    rn_jout_boolean(out, "published", e->n_published > 0);
    rn_jout_whole(out, "n", e->n);
    rn_jout_whole(out, "k_max", e->k_max);
    rn_jout_whole(out, "problems", (int64_t)e->cov.n_used);
    rn_jout_whole(out, "samples", e->cov.n_samples);
    rn_jout_whole(out, "passed", e->cov.n_passed);
    rn_jout_whole(out, "missing", e->cov.n_missing);
    rn_jout_key(out, "greedy");
    rn_buf_putc(out, '{');
    rn_jout_whole(out, "problems", e->greedy.n);
    rn_jout_number(out, "value", e->greedy.value);
    rn_jout_number(out, "lo", e->greedy.lo);
    rn_jout_number(out, "hi", e->greedy.hi);
    rn_buf_putc(out, '}');
    rn_jout_key(out, "verdicts");
    rn_buf_putc(out, '{');
    for (int v = 0; v < RN_N_VERDICTS; v++)
        if (e->verdicts[v]) rn_jout_whole(out, rn_verdict_name((rn_verdict)v), e->verdicts[v]);
    if (e->n_unjudged) rn_jout_whole(out, "none", e->n_unjudged);
    rn_buf_putc(out, '}');
    rn_jout_key(out, "per_sample");
    rn_buf_putc(out, '{');
    rn_jout_number(out, "prompt_tok",
                   e->tokens.n_both ? e->tokens.prompt / (double)e->tokens.n_both : NAN);
    rn_jout_number(out, "gen_tok", e->tokens.n_gen ? e->tokens.gen / (double)e->tokens.n_gen : NAN);
    rn_jout_number(out, "flop_exact_prompt", e->exact_shared);
    rn_jout_number(out, "flop_exact_sample", e->exact_sample);
    rn_jout_number(out, "flop_2n", e->two_n);
    for (int a = 0; a < RN_N_AXES; a++)
        rn_jout_number(out, axis_names[a], e->priced[a] ? rn_stat_cost(&e->axis[a], 1) : NAN);
    rn_buf_putc(out, '}');
    rn_jout_key(out, "unpriced");
    rn_buf_putc(out, '{');
    for (int a = 0; a < RN_N_AXES; a++)
        if (!e->priced[a]) rn_jout_text(out, axis_names[a], e->why[a]);
    rn_buf_putc(out, '}');
    write_rankers(out, e);
    rn_buf_putc(out, '}');
}

static void write_row(rn_buf *out, const rn_report_task *t, const rn_budget_row *row)
{
    rn_jout_item(out);
    rn_buf_putc(out, '{');
    rn_jout_number(out, "budget", row->budget);
    rn_jout_number(out, "normalised", row->norm);
    model_of(out, "leader", t, row->best);
    model_of(out, "second", t, row->second);
    rn_jout_number(out, "ahead", row->diff);
    rn_jout_number(out, "lo", row->diff_lo);
    rn_jout_number(out, "hi", row->diff_hi);
    rn_jout_number(out, "sure", row->sure);
    rn_jout_boolean(out, "complete", row->complete);
    rn_jout_key(out, "models");
    rn_buf_putc(out, '[');
    for (size_t i = 0; i < t->n_entrants; i++) {
        const rn_cell *c = &row->cells[i];
        if (c->k == 0) continue;
        rn_jout_item(out);
        rn_buf_putc(out, '{');
        rn_jout_text(out, "model", t->entrants[i].model);
        rn_jout_whole(out, "k", c->k);
        rn_jout_number(out, "value", c->value);
        rn_jout_number(out, "lo", c->lo);
        rn_jout_number(out, "hi", c->hi);
        rn_buf_putc(out, '}');
    }
    rn_buf_puts(out, "]}");
}

/* Which ranker is best at which budget, against the yardstick's greedy answer. */
static void write_ranked(rn_buf *out, const rn_report_task *t, const rn_report_axis *ax)
{
    rn_jout_key(out, "ranked");
    rn_buf_putc(out, '{');
    model_of(out, "yardstick", t, ax->yardstick);
    rn_jout_number(out, "greedy",
                   ax->yardstick < 0 ? NAN : t->entrants[ax->yardstick].greedy.value);
    rn_jout_key(out, "budgets");
    rn_buf_putc(out, '[');
    for (size_t i = 0; i < ax->n_ranked; i++) {
        const rn_rank_best *b = &ax->ranked[i];
        rn_jout_item(out);
        rn_buf_putc(out, '{');
        rn_jout_number(out, "budget", b->budget);
        rn_jout_number(out, "normalised", b->norm);
        model_of(out, "model", t, b->entrant);
        rn_jout_text(out, "ranker",
                     b->entrant < 0 ? NULL : t->entrants[b->entrant].rankings[b->ranking].name);
        rn_jout_whole(out, "k", b->cell.k);
        rn_jout_number(out, "value", b->cell.value);
        rn_jout_number(out, "lo", b->cell.lo);
        rn_jout_number(out, "hi", b->cell.hi);
        rn_jout_number(out, "below", b->below);
        rn_jout_boolean(out, "greedy_affordable", b->greedy_affordable);
        rn_buf_putc(out, '}');
    }
    rn_buf_puts(out, "]}");
}

static void write_axis(rn_buf *out, const rn_report_task *t, rn_axis axis)
{
    const rn_report_axis *ax = &t->axis[axis];
    rn_jout_item(out);
    rn_buf_puts(out, "\n{");
    rn_jout_text(out, "axis", axis_names[axis]);
    model_of(out, "unit", t, ax->unit);
    rn_jout_key(out, "budgets");
    rn_buf_putc(out, '[');
    for (size_t i = 0; i < ax->n_rows; i++)
        write_row(out, t, &ax->rows[i]);
    rn_buf_putc(out, ']');
    rn_jout_key(out, "crossovers");
    rn_buf_putc(out, '[');
    for (size_t i = 0; i < ax->n_crossings; i++) {
        const rn_cross *c = &ax->crossings[i];
        rn_jout_item(out);
        rn_buf_putc(out, '{');
        model_of(out, "a", t, c->a);
        model_of(out, "b", t, c->b);
        rn_jout_number(out, "from", c->from);
        rn_jout_number(out, "to", c->to);
        rn_jout_number(out, "budget", c->at.budget);
        rn_jout_number(out, "lo", c->at.lo);
        rn_jout_number(out, "hi", c->at.hi);
        model_of(out, "before", t, c->at.from < 0 ? -1 : c->at.from ? c->b : c->a);
        model_of(out, "after", t, c->at.to < 0 ? -1 : c->at.to ? c->b : c->a);
        rn_jout_number(out, "p_a_always", c->at.p_x_always);
        rn_jout_number(out, "p_b_always", c->at.p_y_always);
        rn_jout_number(out, "p_same", c->at.p_same);
        rn_buf_putc(out, '}');
    }
    rn_buf_putc(out, ']');
    write_ranked(out, t, ax);
    rn_buf_putc(out, '}');
}

static void write_reach(rn_buf *out, const rn_report *r, const rn_report_task *t)
{
    rn_jout_key(out, "reach");
    rn_buf_putc(out, '[');
    for (size_t i = 0; t->reach && i < t->n_entrants; i++) {
        const rn_reach_row *row = &t->reach[i];
        rn_jout_item(out);
        rn_buf_putc(out, '{');
        rn_jout_text(out, "model", t->entrants[i].model);
        rn_jout_number(out, "score", r->opts.reach);
        rn_jout_number(out, "k", row->k ? (double)row->k : NAN);
        rn_jout_number(out, "k_lo", row->k_lo);
        rn_jout_number(out, "k_hi", row->k_hi);
        for (int a = 0; a < RN_N_AXES; a++)
            rn_jout_number(out, axis_names[a], row->budget[a]);
        rn_buf_putc(out, '}');
    }
    rn_buf_putc(out, ']');
}

static void write_stopping(rn_buf *out, const rn_report_task *t)
{
    rn_jout_key(out, "stopping");
    rn_buf_putc(out, '[');
    for (size_t i = 0; t->stops && i < t->n_entrants; i++)
        for (size_t j = 0; j < t->n_stops[i]; j++) {
            const rn_stop_row *row = &t->stops[i][j];
            rn_jout_item(out);
            rn_buf_putc(out, '{');
            rn_jout_text(out, "model", t->entrants[i].model);
            rn_jout_whole(out, "k", row->k);
            rn_jout_number(out, "value", row->value);
            rn_jout_number(out, "draws", row->draws);
            for (int a = 0; a < RN_N_AXES; a++)
                rn_jout_number(out, axis_names[a], row->spent[a]);
            rn_buf_putc(out, '}');
        }
    rn_buf_putc(out, ']');
}

static void write_plans(rn_buf *out, const rn_report_task *t)
{
    rn_jout_text(out, "plan_axis",
                 t->alloc_axis < RN_N_AXES && t->boot ? axis_names[t->alloc_axis] : NULL);
    rn_jout_key(out, "reallocation");
    rn_buf_putc(out, '[');
    for (size_t i = 0; t->allocs && i < t->n_entrants; i++)
        for (size_t j = 0; j < t->n_allocs[i]; j++) {
            const rn_alloc_row *row = &t->allocs[i][j];
            rn_jout_item(out);
            rn_buf_putc(out, '{');
            rn_jout_text(out, "model", t->entrants[i].model);
            rn_jout_number(out, "budget", row->budget);
            rn_jout_number(out, "same_k", row->same_k);
            rn_jout_number(out, "rounds", row->rounds);
            rn_jout_number(out, "oracle", row->oracle);
            rn_buf_putc(out, '}');
        }
    rn_buf_putc(out, ']');
    rn_jout_key(out, "cascades");
    rn_buf_putc(out, '[');
    for (size_t j = 0; j < t->n_cascades; j++) {
        const rn_cascade_row *row = &t->cascades[j];
        rn_jout_item(out);
        rn_buf_putc(out, '{');
        rn_jout_number(out, "budget", row->budget);
        model_of(out, "first", t, row->first);
        rn_jout_whole(out, "k1", row->k1);
        model_of(out, "second", t, row->second);
        rn_jout_whole(out, "k2", row->k2);
        rn_jout_number(out, "value", row->cascade);
        model_of(out, "single", t, row->single_model);
        rn_jout_number(out, "single_value", row->single);
        rn_buf_putc(out, '}');
    }
    rn_buf_putc(out, ']');
}

static void write_pairs(rn_buf *out, const rn_report_task *t)
{
    rn_jout_key(out, "comparison");
    if (t->pair_a < 0 || t->pair_b < 0) {
        rn_buf_puts(out, "null");
        return;
    }
    rn_buf_putc(out, '{');
    model_of(out, "a", t, t->pair_a);
    model_of(out, "b", t, t->pair_b);
    for (int a = 0; a <= RN_N_AXES; a++) {
        rn_jout_key(out, a == RN_N_AXES ? "k" : axis_names[a]);
        rn_buf_putc(out, '[');
        for (size_t j = 0; j < t->n_pairs[a]; j++) {
            const rn_pair_row *row = &t->pairs[a][j];
            rn_jout_item(out);
            rn_buf_putc(out, '{');
            rn_jout_number(out, "x", row->x);
            rn_jout_number(out, "difference", row->diff);
            rn_jout_number(out, "lo", row->lo);
            rn_jout_number(out, "hi", row->hi);
            rn_jout_number(out, "p_a_ahead", row->p_greater);
            rn_buf_putc(out, '}');
        }
        rn_buf_putc(out, ']');
    }
    rn_buf_putc(out, '}');
}

/* The sentences on each axis, one string each. */
static void write_findings(rn_buf *out, const rn_report *r, const rn_report_task *t)
{
    rn_buf text = {0};
    for (int a = 0; a < RN_N_AXES; a++)
        rn_report_finding(t, (rn_axis)a, &text);
    for (int a = 0; a < RN_N_AXES; a++)
        rn_report_rank_finding(t, (rn_axis)a, &text);
    for (int a = 0; a < RN_N_AXES; a++)
        rn_report_reach_finding(r, t, (rn_axis)a, &text);
    rn_jout_key(out, "findings");
    rn_buf_putc(out, '[');
    for (size_t at = 0; at < text.len;) {
        size_t end = rn_bytes_find(rn_buf_view(&text), rn_bytes_of("\n"), at);
        if (end == SIZE_MAX) end = text.len;
        rn_jout_item(out);
        rn_buf_json(out, (rn_bytes){text.data + at, end - at});
        at = end + 1;
    }
    rn_buf_putc(out, ']');
    if (!rn_buf_ok(&text)) out->failed = true;
    rn_buf_free(&text);
}

static void write_task(rn_buf *out, const rn_report *r, const rn_report_task *t)
{
    rn_jout_item(out);
    rn_buf_puts(out, "\n{");
    rn_jout_text(out, "task", t->name);
    rn_jout_text(out, "hash", t->hash);
    rn_jout_text(out, "source", t->source);
    rn_jout_whole(out, "problems", (int64_t)t->n_problems);
    rn_jout_whole(out, "common_problems", (int64_t)t->n_common);
    write_findings(out, r, t);
    rn_jout_key(out, "models");
    rn_buf_putc(out, '[');
    for (size_t i = 0; i < t->n_entrants; i++)
        write_entrant(out, &t->entrants[i]);
    rn_buf_putc(out, ']');
    rn_jout_key(out, "axes");
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
    rn_jout_key(out, "series");
    rn_buf_putc(out, '[');
    rn_report_each_series(r, metrics, write_series, out);
    rn_buf_puts(out, "],\n\"report\":{");
    rn_jout_text(out, "version", rn_version());
    rn_jout_whole(out, "resamples", r->opts.n_resamples);
    rn_jout_whole(out, "seed", (int64_t)r->opts.seed);
    rn_jout_number(out, "confidence", r->opts.level);
    rn_jout_text(out, "missing", missing[r->opts.missing]);
    rn_jout_text(out, "flops", r->opts.basis == RN_FLOP_STUDY ? "study" : "exact");
    rn_jout_text(out, "profile", r->opts.profile);
    rn_jout_text(out, "hardware",
                 r->opts.profile ? rn_cost_hardware(r->book, r->opts.profile) : NULL);
    rn_jout_boolean(out, "interpolated", r->opts.interpolate);
    rn_buf_puts(out, "},\n\"tasks\":[");
    for (size_t i = 0; i < r->n_tasks; i++)
        write_task(out, r, &r->tasks[i]);
    rn_buf_puts(out, "],\n\"notes\":[");
    for (size_t i = 0; i < r->n_notes; i++) {
        rn_jout_item(out);
        rn_buf_json(out, rn_bytes_of(r->notes[i]));
    }
    rn_buf_puts(out, "]}\n");
}
