/*
 * render.c: the screen, the tables, CSV and JSON; see render.h.
 *
 * In JSON "series" is the contract (docs/FORMATS.md): curves as points, values as fractions, x in
 * the unit of the metric. Beside it stand what the numbers rest on ("report", "tasks") and what is
 * missing ("notes").
 */
#include "report/render.h"

#include "base/jout.h"
#include "base/json.h"
#include "report/views.h"

enum { MAX_SCREEN = 45 };

/* ---- conditions, at the end ------------------------------------------------------------------ */

/* On what machine stored profiles were measured, and what other machines the store knows. */
static void print_hardware(const rn_report *r, const rn_report_task *t, rn_buf *out)
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

static void print_intervals(const rn_report *r, const rn_report_task *t, rn_buf *out)
{
    static const char *const missing[] = {"not counted", "counted as failed", "refused"};
    if (t->boot)
        rn_buf_printf(
            out,
            "intervals: %g %%, bootstrap over problems, %lld resamples, seed %llu; ration %s\n"
            "samples without a verdict: %s\n",
            100 * r->opts.level, (long long)r->opts.n_resamples, (unsigned long long)r->opts.seed,
            rn_version(), missing[r->opts.missing]);
    else if (t->source && r->opts.interpolate)
        rn_buf_puts(out, "between published k: linear in log k; in brackets the published values "
                         "around it\n");
    else if (t->source)
        rn_buf_puts(out, "between published k: the largest one that the budget affords, a lower "
                         "bound; in brackets the\npublished values around it\n");
}

static void print_head(const rn_report_task *t, rn_buf *out)
{
    int64_t n = 0, n_greedy = 0;
    rn_arena a = {0};
    const char *some = "";
    for (size_t i = 0; i < t->n_entrants; i++) {
        n += t->entrants[i].cov.n_samples;
        n_greedy += t->entrants[i].greedy.n;
    }
    if (t->n_common && t->n_common < t->n_problems)
        some = rn_arena_printf(&a, "%zu of ", t->n_common);
    if (t->source)
        rn_buf_printf(out, "== %s: published curves (%s) ==\n", t->name, t->source);
    else
        rn_buf_printf(out, "== %s: %s%zu problem%s, %zu model%s, %lld judged %s%s ==\n", t->name,
                      some ? some : "", t->n_problems, rn_plural((int64_t)t->n_problems, "", "s"),
                      t->n_entrants, rn_plural((int64_t)t->n_entrants, "", "s"),
                      (long long)(n || !n_greedy ? n : n_greedy),
                      n || !n_greedy ? rn_plural(n, "sample", "samples")
                                     : rn_plural(n_greedy, "greedy answer", "greedy answers"),
                      n && n_greedy
                          ? rn_arena_printf(&a, ", %lld greedy answer%s", (long long)n_greedy,
                                            rn_plural(n_greedy, "", "s"))
                          : "");
    rn_arena_free(&a);
}

/* JSON has no blanks to break at: a line ends behind a comma. */
static void print_long(const char *text, rn_buf *out)
{
    size_t at = out->len;
    while (at && out->data[at - 1] != '\n')
        at--;
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, ", ");
        n += p[n] != '\0';
        if (out->len - at > 4 && out->len - at + n > RN_LINE) {
            rn_buf_puts(out, "\n    ");
            at = out->len - 4;
        }
        rn_buf_add(out, p, n);
        p += n;
    }
    rn_buf_putc(out, '\n');
}

static void print_conditions(const rn_report *r, const rn_report_task *t, rn_buf *out)
{
    const char *protocol = NULL;
    rn_buf_printf(out, "\nconditions of %s\n", t->name);
    if (!t->source) rn_buf_printf(out, "hash %.12s\n", *t->hash ? t->hash : "unknown");
    for (size_t i = 0; i < t->n_entrants && !t->source; i++) {
        const rn_entrant *e = &t->entrants[i];
        rn_buf_printf(out, "%s: prompt %s, settings ", e->model,
                      *e->preset ? e->preset : "unknown");
        print_long(*e->settings ? e->settings : "{}", out);
        if (*e->protocol && (!protocol || strcmp(protocol, e->protocol) != 0)) {
            protocol = e->protocol;
            rn_buf_puts(out, "  judged under ");
            print_long(protocol, out);
        }
        if (e->n_protocols > 1)
            rn_buf_printf(
                out, "  its verdicts come from %d protocols; the newest of each sample counts\n",
                e->n_protocols);
    }
    print_hardware(r, t, out);
    print_intervals(r, t, out);
}

void rn_report_notes(const rn_report *r, rn_buf *out)
{
    for (size_t i = 0; i < r->n_notes; i++) {
        rn_buf_puts(out, i ? "note: " : "\nnote: ");
        rn_buf_wrapped(out, r->notes[i], 6, 6);
        rn_buf_putc(out, '\n');
    }
}

/* ---- the tables ------------------------------------------------------------------------------ */

static void print_tables(const rn_report *r, const rn_report_task *t, uint32_t metrics, rn_buf *out)
{
    const rn_view *v;
    print_head(t, out);
    for (size_t i = 0; (v = rn_view_at(i)) != NULL; i++) {
        rn_rows rows = {0};
        if (!rn_report_has(metrics, v->metric)) continue;
        v->fill(r, t, v->axis, &rows);
        rn_rows_print(&rows, out);
        rn_rows_free(&rows);
        if (v->metric == RN_METRIC_RANKERS && t->finding && *t->finding[v->axis].ranked)
            rn_buf_printf(out, "without tests, %s\n", t->finding[v->axis].ranked);
    }
    for (int a = 0; a <= RN_N_UNITS && rn_report_has(metrics, RN_METRIC_COMPARE); a++)
        rn_rows_print(&t->pairs[(a + RN_N_UNITS) % (RN_N_UNITS + 1)], out); /* by k first */
    const rn_rows *const beyond[] = {&t->stopping, &t->reallocation, &t->cascades, &t->untested};
    for (int i = 0; i < 4; i++)
        if (rn_report_has(metrics, (rn_metric)(RN_METRIC_STOPPING + i)) && rn_rows_n(beyond[i]))
            rn_rows_print(beyond[i], out);
}

void rn_report_text(const rn_report *r, uint32_t metrics, rn_buf *out)
{
    for (size_t i = 0; i < r->n_tasks; i++) {
        if (i) rn_buf_putc(out, '\n');
        print_tables(r, &r->tasks[i], metrics, out);
    }
    for (size_t i = 0; i < r->n_tasks; i++)
        print_conditions(r, &r->tasks[i], out);
    rn_report_notes(r, out);
}

/* ---- the screen ------------------------------------------------------------------------------ */

/* A line of the answer; none where there is nothing to say. */
static void print_line(const char *label, const char *text, rn_buf *out)
{
    enum { COLUMN = 11 };
    if (!*text) return;
    rn_buf_printf(out, "  %-*s", COLUMN - 2, label);
    rn_buf_wrapped(out, text, COLUMN, COLUMN);
    rn_buf_putc(out, '\n');
}

static void print_answer(const rn_report_task *t, rn_unit axis, rn_buf *out)
{
    const rn_finding *f = &t->finding[axis];
    rn_arena a = {0};
    if (f->any) {
        rn_buf_printf(out, "\nat equal %s, %s per problem (%s)\n", rn_unit_words(axis),
                      rn_amount(&a, axis, f->row->budget),
                      f->all ? "the first budget that buys a sample of every model"
                             : "the last budget that all curves reach");
        print_line("leads", f->wins, out);
        print_line("ahead", f->margin, out);
        print_line("P(lead)", f->p_lead, out);
    } else if (t->axis[axis].any && t->n_entrants > 1) {
        rn_buf_printf(out, "\nat equal %s: no budget has estimates of two models\n",
                      rn_unit_words(axis));
    }
    print_line("surer", f->surer, out);
    rn_arena_free(&a);
}

/* What the names of all entrants begin with, up to a mark: "coder-" of coder-7b, coder-34b. */
static size_t common_beginning(const rn_report_task *t)
{
    size_t n = t->n_entrants > 1 ? strlen(t->entrants[0].model) : 0;
    for (size_t i = 1; i < t->n_entrants; i++) {
        size_t same = 0;
        while (same < n && t->entrants[i].model[same] == t->entrants[0].model[same])
            same++;
        n = same;
    }
    while (n > 0 && !strchr("-_/. :", t->entrants[0].model[n - 1]))
        n--;
    return n;
}

/* An entrant's name for a table of two names; the lines above it have the whole ones. A long one
 * goes without what all have in common, then without its middle. */
static const char *name_in_table(const rn_report_task *t, int who, rn_arena *a)
{
    enum { ROOM = 16, END = 7 };
    size_t longest = 0;
    for (size_t i = 0; i < t->n_entrants; i++)
        longest = strlen(t->entrants[i].model) > longest ? strlen(t->entrants[i].model) : longest;
    const char *name = t->entrants[who].model;
    if (longest <= ROOM) return name;
    if (name[common_beginning(t)]) name += common_beginning(t);
    size_t n = strlen(name), begin = ROOM - END - 1;
    if (n <= ROOM) return name;
    const char *end = name + n - END;
    while (begin > 0 && ((unsigned char)name[begin] & 0xC0) == 0x80) /* whole characters */
        begin--;
    while (((unsigned char)*end & 0xC0) == 0x80)
        end++;
    const char *text = rn_arena_printf(a, "%.*s\xe2\x80\xa6%s", (int)begin, name, end);
    return text ? text : name;
}

/* Who leads at which budgets, at most `most` rows of the table of leaders: those where the leader
 * changes come first. */
static void print_leaders(const rn_report_task *t, rn_unit axis, size_t most, rn_buf *out)
{
    const rn_report_axis *ax = &t->axis[axis];
    rn_rows rows = {0};
    rn_rows_column(&rows,
                   (rn_column){.title = rn_unit_words(axis), .as = RN_AS_AMOUNT, .unit = axis});
    rn_rows_column(&rows, (rn_column){.title = "leads", .as = RN_AS_TEXT});
    rn_rows_column(&rows, (rn_column){.title = "solves, %", .as = RN_AS_SCORE});
    rn_rows_column(&rows, (rn_column){.title = "second", .as = RN_AS_TEXT});
    rn_rows_column(&rows, (rn_column){.title = "ahead, points", .as = RN_AS_POINTS});
    rn_rows_column(&rows, (rn_column){.title = "P(lead)", .as = RN_AS_SHARE});
    bool *keep = rn_arena_array(&rows.arena, ax->n_rows + 1, sizeof *keep);
    size_t n = 0;
    for (size_t j = 0; keep && j < ax->n_rows; j++) { /* the answer, and the ends of each lead */
        const bool first = j == 0 || ax->rows[j].best != ax->rows[j - 1].best;
        const bool last = j + 1 == ax->n_rows || ax->rows[j].best != ax->rows[j + 1].best;
        keep[j] = &ax->rows[j] == t->finding[axis].row || (n < most && (first || last));
        n += keep[j];
    }
    for (size_t j = 0; keep && j < ax->n_rows && n < most; j++)
        if (!keep[j]) keep[j] = true, n++;
    for (size_t j = 0; keep && j < ax->n_rows; j++) {
        const rn_budget_row *row = &ax->rows[j];
        const rn_cell *c = row->best < 0 ? NULL : &row->cells[row->best];
        if (!keep[j]) continue;
        rn_rows_value(&rows, row->budget);
        rn_rows_word(&rows, c               ? name_in_table(t, row->best, &rows.arena)
                            : row->complete ? "nobody"
                                            : "a curve has ended");
        rn_rows_datum(&rows, (rn_datum){.v = c ? c->value : NAN,
                                        .lo = c ? c->lo : NAN,
                                        .hi = c ? c->hi : NAN,
                                        .text = ""});
        rn_rows_word(&rows, row->second >= 0 ? name_in_table(t, row->second, &rows.arena)
                            : c              ? "none affords it"
                                             : "");
        rn_rows_datum(&rows, (rn_datum){row->diff, row->diff_lo, row->diff_hi, .text = ""});
        rn_rows_datum(&rows, (rn_datum){row->p_lead, NAN, NAN, .text = ""});
    }
    rn_rows_print(&rows, out);
    rn_rows_free(&rows);
}

/* pass@k of a task whose models cannot be compared: there is one, or nobody is priced. */
static void print_alone(const rn_report_task *t, rn_buf *out)
{
    rn_buf_puts(out, "\npass@k, %\n");
    for (size_t i = 0; i < t->n_entrants; i++) {
        const rn_entrant *e = &t->entrants[i];
        rn_buf_printf(out, "  %s:", e->model);
        for (size_t j = 0; j < e->n_points; j++) {
            const rn_point *p = &e->points[j];
            if (p->k != 1 && p->k != 10 && p->k != 100 && p->k != e->k_max) continue;
            rn_buf_printf(out, " pass@%lld %.1f", (long long)p->k, 100 * p->value);
            if (!isnan(p->lo)) rn_buf_printf(out, " [%.1f, %.1f]", 100 * p->lo, 100 * p->hi);
        }
        if (e->greedy.n) rn_buf_printf(out, " greedy %.1f", 100 * e->greedy.value);
        rn_buf_puts(out, e->n_points || e->greedy.n ? "\n" : " nothing is judged yet\n");
    }
}

static size_t n_lines(const rn_buf *b)
{
    size_t n = 0;
    for (size_t i = 0; i < b->len; i++)
        n += b->data[i] == '\n';
    return n;
}

/* Why nothing can be said on an axis that people expect: one reason stands for all models. */
static void print_unpriced(const rn_report_task *t, rn_unit axis, rn_buf *out)
{
    const char *why = NULL;
    for (size_t i = 0; i < t->n_entrants && !why; i++)
        why = t->entrants[i].why[axis];
    if (!why || axis == RN_UNIT_USD) return;
    rn_buf_printf(out, "\nat equal %s: not computed:\n  ", rn_unit_words(axis));
    rn_buf_wrapped(out, why, 2, 2);
    rn_buf_putc(out, '\n');
}

/* Answers that could not be judged as what they are: those without code, and syntax errors where
 * most are: it is how the program was taken out of the text. And verdicts that are not of one kind.
 */
static void print_unread(const rn_report_task *t, rn_buf *out)
{
    for (size_t i = 0; i < t->n_entrants; i++) {
        const rn_entrant *e = &t->entrants[i];
        const long long n = e->cov.n_samples, bad = e->verdicts[RN_V_SYNTAX];
        if (e->n_no_code)
            rn_buf_printf(out, "no code in %lld of %lld answers of %s: failed\n",
                          (long long)e->n_no_code, n, e->model);
        if (e->n_protocols > 1)
            rn_buf_printf(out,
                          "protocols: the verdicts of %s come from %d; the newest of each "
                          "sample counts, --all has their conditions\n",
                          e->model, (int)e->n_protocols);
        if (2 * bad > n)
            rn_buf_printf(out, "syntax errors: %lld of %lld answers of %s%s\n", bad, n, e->model,
                          strstr(e->protocol, "auto/")
                              ? ""
                              : ": chat answers? try `ration judge --extractor auto`");
    }
}

/* The answers of a task; with `most` rows of leaders on each axis, 0: none. */
static void print_task(const rn_report_task *t, size_t most, rn_buf *out)
{
    bool any = false;
    print_head(t, out);
    for (int a = 0; a < RN_N_UNITS; a++) {
        const rn_unit axis = (rn_unit)a;
        const rn_finding *f = &t->finding[a];
        if (!t->axis[axis].any && t->n_entrants) print_unpriced(t, axis, out);
        if (!t->axis[axis].any || t->n_entrants < 2) continue;
        any = true;
        print_answer(t, axis, out);
        print_line("no tests", f->ranked, out);
        print_line("reach", f->reach, out);
        if (most && f->any) print_leaders(t, axis, most, out);
    }
    if (!any) print_alone(t, out);
    print_unread(t, out);
    rn_view_put_examples(t, out);
    for (int a = 0; a <= RN_N_UNITS; a++)
        rn_rows_print(&t->pairs[(a + RN_N_UNITS) % (RN_N_UNITS + 1)], out); /* by k first */
}

static void print_screen(const rn_report *r, size_t most, size_t n_tasks, rn_buf *out)
{
    for (size_t i = 0; i < n_tasks; i++) {
        if (i) rn_buf_putc(out, '\n');
        print_task(&r->tasks[i], most, out);
    }
    if (n_tasks < r->n_tasks)
        rn_buf_printf(out, "\nand %zu more problem sets: -t SET shows one\n", r->n_tasks - n_tasks);
    rn_report_notes(r, out);
    rn_buf_putc(out, '\n');
    for (size_t i = 0; i < n_tasks && i < 1; i++)
        print_intervals(r, &r->tasks[i], out);
    rn_buf_puts(out, "more: --all (every table and the conditions), --metric NAME, --html FILE\n");
}

void rn_report_screen(const rn_report *r, rn_buf *out)
{
    /* As many rows as fit; then fewer problem sets. */
    for (size_t most = 10, n = r->n_tasks;; most > 0 ? most-- : n--) {
        rn_buf page = {0};
        print_screen(r, most, n, &page);
        const bool fits = n_lines(&page) <= MAX_SCREEN || (most == 0 && n <= 1);
        if (fits) rn_buf_add(out, page.data, page.len);
        out->failed |= !rn_buf_ok(&page);
        rn_buf_free(&page);
        if (fits || out->failed) return;
    }
}

/* ---- CSV and JSON ---------------------------------------------------------------------------- */

static void csv_series(void *user, const rn_series *s)
{
    rn_buf *out = user;
    rn_rows rows = {0};
    rn_view_series(s, &rows);
    rn_rows_csv(&rows, out->len == 0, out);
    rn_rows_free(&rows);
}

void rn_report_csv(const rn_report *r, uint32_t metrics, rn_buf *out)
{
    rn_view_each_series(r, metrics, csv_series, out);
}

static void json_series(void *user, const rn_series *s)
{
    rn_buf *out = user;
    rn_rows rows = {0};
    rn_jout_open(out, NULL, "\n{");
    rn_jout_text(out, "metric", rn_report_metric_name(s->metric));
    rn_jout_text(out, "task", s->task->name);
    rn_jout_text(out, "model", s->entrant->model);
    rn_jout_text(out, "ranker", s->ranking ? s->ranking->name : NULL);
    rn_jout_whole(out, "n", s->entrant->n);
    rn_jout_number(out, "greedy", s->entrant->greedy.value);
    rn_jout_text(out, "hash", s->task->hash);
    rn_jout_key(out, "points");
    rn_view_series(s, &rows);
    rn_rows_json(&rows, out);
    rn_rows_free(&rows);
    rn_buf_putc(out, '}');
}

/* JSON from a store as it is; what is not JSON, as text. */
static void stored(rn_buf *out, const char *name, const char *json)
{
    json_t *value = NULL;
    if (*json && rn_json_parse(rn_bytes_of(json), (rn_json_at){"the store", 0}, &value, NULL))
        rn_jout_text(out, name, json);
    else
        rn_jout_raw(out, name, json);
    json_decref(value);
}

/* What the entrant's rankers scored, and what that costs for each sample drawn. */
static void json_rankers(rn_buf *out, const rn_entrant *e)
{
    rn_jout_open(out, "rankers", "[");
    for (size_t i = 0; i < e->n_rankings; i++) {
        const rn_ranking *k = &e->rankings[i];
        rn_jout_open(out, NULL, "{");
        rn_jout_text(out, "ranker", k->name);
        rn_jout_whole(out, "problems", (int64_t)k->n_problems_used);
        rn_jout_whole(out, "drawn", k->n_drawn);
        rn_jout_whole(out, "scored", k->n_scored);
        if (k->n_judged) rn_jout_whole(out, "executions", k->n_runs);
        if (k->n_judged) rn_jout_number(out, "judge_cpu_s", k->judge_cpu_s);
        for (int a = RN_UNIT_FLOP; a <= RN_UNIT_SECOND; a++) {
            const rn_rank_cost *c = &k->cost[a];
            rn_jout_open(out, rn_unit_name((rn_unit)a), "{");
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

static void json_entrant(rn_buf *out, const rn_entrant *e)
{
    rn_jout_open(out, NULL, "\n{");
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
    rn_jout_open(out, "greedy", "{");
    rn_jout_whole(out, "problems", e->greedy.n);
    rn_jout_number(out, "value", e->greedy.value);
    rn_jout_number(out, "lo", e->greedy.lo);
    rn_jout_number(out, "hi", e->greedy.hi);
    rn_buf_putc(out, '}');
    rn_jout_open(out, "verdicts", "{");
    for (int v = 0; v < RN_N_VERDICTS; v++)
        if (e->verdicts[v]) rn_jout_whole(out, rn_verdict_name((rn_verdict)v), e->verdicts[v]);
    if (e->n_unjudged) rn_jout_whole(out, "none", e->n_unjudged);
    rn_buf_putc(out, '}');
    if (e->n_no_code) rn_jout_whole(out, "no_code", e->n_no_code);
    rn_jout_open(out, "per_sample", "{");
    rn_jout_number(out, "prompt_tok",
                   e->tokens.n_both ? e->tokens.prompt / (double)e->tokens.n_both : NAN);
    rn_jout_number(out, "gen_tok", e->tokens.n_gen ? e->tokens.gen / (double)e->tokens.n_gen : NAN);
    rn_jout_number(out, "flop_exact_prompt", e->exact_shared);
    rn_jout_number(out, "flop_exact_sample", e->exact_sample);
    rn_jout_number(out, "flop_2n", e->two_n);
    for (int a = 0; a < RN_N_UNITS; a++)
        rn_jout_number(out, rn_unit_name((rn_unit)a),
                       e->priced[a] ? rn_stat_cost(&e->axis[a], 1) : NAN);
    rn_buf_putc(out, '}');
    rn_jout_open(out, "unpriced", "{");
    for (int a = 0; a < RN_N_UNITS; a++)
        if (!e->priced[a]) rn_jout_text(out, rn_unit_name((rn_unit)a), e->why[a]);
    rn_buf_putc(out, '}');
    json_rankers(out, e);
    rn_buf_putc(out, '}');
}

static void json_rows(rn_buf *out, const char *name, const rn_rows *rows)
{
    rn_jout_key(out, name);
    rn_rows_json(rows, out);
}

static void json_view(rn_buf *out, const char *name, rn_view_fill *fill, const rn_report *r,
                      const rn_report_task *t, rn_unit axis)
{
    rn_rows rows = {0};
    fill(r, t, axis, &rows);
    json_rows(out, name, &rows);
    rn_rows_free(&rows);
}

static void json_axis(rn_buf *out, const rn_report *r, const rn_report_task *t, rn_unit axis)
{
    const rn_report_axis *ax = &t->axis[axis];
    rn_jout_open(out, NULL, "\n{");
    rn_jout_text(out, "axis", rn_unit_name(axis));
    rn_jout_text(out, "unit", t->entrants[ax->unit].model);
    json_view(out, "budgets", rn_view_leaders, r, t, axis);
    json_view(out, "crossovers", rn_view_crossings, r, t, axis);
    rn_jout_open(out, "ranked", "{");
    rn_jout_text(out, "yardstick", ax->yardstick < 0 ? NULL : t->entrants[ax->yardstick].model);
    rn_jout_number(out, "greedy",
                   ax->yardstick < 0 ? NAN : t->entrants[ax->yardstick].greedy.value);
    json_view(out, "budgets", rn_view_rankers, r, t, axis);
    rn_buf_puts(out, "}}");
}

/* The finding of one axis: what every other form shows of it. */
static void json_finding(rn_buf *out, const rn_report_task *t, rn_unit axis)
{
    const rn_finding *f = &t->finding[axis];
    if (!t->axis[axis].any) return;
    rn_jout_open(out, NULL, "\n{");
    rn_jout_text(out, "axis", rn_unit_name(axis));
    rn_jout_number(out, "budget", f->any ? f->row->budget : NAN);
    rn_jout_boolean(out, "buys_all", f->all);
    rn_jout_text(out, "leader", f->any ? t->entrants[f->winner].model : NULL);
    rn_jout_text(out, "second", f->any ? t->entrants[f->other].model : NULL);
    rn_jout_number(out, "k", f->any ? (double)f->row->cells[f->winner].k : NAN);
    rn_jout_number(out, "value", f->any ? f->row->cells[f->winner].value : NAN);
    rn_jout_number(out, "second_k", f->any ? (double)f->row->cells[f->other].k : NAN);
    rn_jout_number(out, "second_value", f->any ? f->row->cells[f->other].value : NAN);
    rn_jout_number(out, "ahead", f->any ? f->row->diff : NAN);
    rn_jout_number(out, "lo", f->any ? f->row->diff_lo : NAN);
    rn_jout_number(out, "hi", f->any ? f->row->diff_hi : NAN);
    rn_jout_number(out, "p_lead", f->any ? f->row->p_lead : NAN);
    rn_jout_text(out, "wins", f->wins);
    rn_jout_text(out, "margin", f->margin);
    rn_jout_text(out, "sure", f->p_lead);
    rn_jout_text(out, "surer", f->surer);
    rn_jout_text(out, "budgets", f->budgets);
    rn_jout_text(out, "ranked", f->ranked);
    rn_jout_text(out, "reach", f->reach);
    rn_buf_putc(out, '}');
}

void rn_report_sentences(const rn_report_task *t, rn_buf *out)
{
    for (int a = 0; a < RN_N_UNITS && t->finding; a++) {
        const rn_finding *f = &t->finding[a];
        if (*f->sentence) rn_buf_printf(out, "%s\n", f->sentence);
        if (*f->budgets)
            rn_buf_printf(out, "%s, who leads at equal %s: %s.\n", t->name,
                          rn_unit_words((rn_unit)a), f->budgets);
    }
    for (int a = 0; a < RN_N_UNITS && t->finding; a++)
        if (*t->finding[a].ranked)
            rn_buf_printf(out, "%s, without tests, %s.\n", t->name, t->finding[a].ranked);
    for (int a = 0; a < RN_N_UNITS && t->finding; a++)
        if (*t->finding[a].reach) rn_buf_printf(out, "%s: %s.\n", t->name, t->finding[a].reach);
}

/* Lines of text as an array of strings. */
static void json_lines(rn_buf *out, const char *name, rn_buf *text)
{
    rn_jout_open(out, name, "[");
    for (size_t at = 0; at < text->len;) {
        size_t end = rn_bytes_find(rn_buf_view(text), rn_bytes_of("\n"), at);
        if (end == SIZE_MAX) end = text->len;
        rn_jout_item(out);
        rn_buf_json(out, (rn_bytes){text->data + at, end - at});
        at = end + 1;
    }
    rn_buf_putc(out, ']');
    out->failed |= !rn_buf_ok(text);
    rn_buf_free(text);
}

static void json_task(rn_buf *out, const rn_report *r, const rn_report_task *t)
{
    rn_buf sentences = {0};
    rn_jout_open(out, NULL, "\n{");
    rn_jout_text(out, "task", t->name);
    rn_jout_text(out, "hash", t->hash);
    rn_jout_text(out, "source", t->source);
    rn_jout_whole(out, "problems", (int64_t)t->n_problems);
    rn_jout_whole(out, "common_problems", (int64_t)t->n_common);
    rn_jout_open(out, "answers", "[");
    for (int a = 0; a < RN_N_UNITS && t->finding; a++)
        json_finding(out, t, (rn_unit)a);
    rn_buf_putc(out, ']');
    rn_report_sentences(t, &sentences);
    json_lines(out, "findings", &sentences);
    const rn_ranking *examples = rn_view_examples(t);
    if (examples) {
        rn_jout_open(out, "examples", "{");
        rn_jout_whole(out, "told", examples->n_examples);
        rn_jout_whole(out, "in_tests", examples->n_examples - examples->n_unseen);
        rn_buf_putc(out, '}');
    } else {
        rn_jout_raw(out, "examples", NULL);
    }
    rn_jout_open(out, "models", "[");
    for (size_t i = 0; i < t->n_entrants; i++)
        json_entrant(out, &t->entrants[i]);
    rn_buf_putc(out, ']');
    rn_jout_open(out, "axes", "[");
    for (int a = 0; a < RN_N_UNITS; a++)
        if (t->axis[a].any) json_axis(out, r, t, (rn_unit)a);
    rn_buf_putc(out, ']');
    json_view(out, "reach", rn_view_reach, r, t, RN_N_UNITS);
    json_rows(out, "stopping", &t->stopping);
    rn_jout_text(out, "plan_axis",
                 t->plan_axis < RN_N_UNITS && t->boot ? rn_unit_name(t->plan_axis) : NULL);
    json_rows(out, "reallocation", &t->reallocation);
    json_rows(out, "cascades", &t->cascades);
    json_rows(out, "untested", &t->untested);
    if (t->pair_a < 0 || t->pair_b < 0) {
        rn_jout_raw(out, "comparison", NULL);
    } else {
        rn_jout_open(out, "comparison", "{");
        rn_jout_text(out, "a", t->entrants[t->pair_a].model);
        rn_jout_text(out, "b", t->entrants[t->pair_b].model);
        for (int a = 0; a <= RN_N_UNITS; a++)
            json_rows(out, a == RN_N_UNITS ? "k" : rn_unit_name((rn_unit)a), &t->pairs[a]);
        rn_buf_putc(out, '}');
    }
    rn_buf_putc(out, '}');
}

void rn_report_json_notes(const rn_report *r, rn_buf *out)
{
    rn_buf notes = {0};
    for (size_t i = 0; i < r->n_notes; i++)
        rn_buf_printf(&notes, "%s\n", r->notes[i]);
    json_lines(out, "notes", &notes);
}

void rn_report_json(const rn_report *r, uint32_t metrics, rn_buf *out)
{
    static const char *const missing[] = {"drop", "fail", "refuse"}, *const paid[] =
                                                                         RN_PROMPT_NAMES;
    rn_buf_puts(out, "{");
    rn_jout_open(out, "series", "[");
    rn_view_each_series(r, metrics, json_series, out);
    rn_buf_puts(out, "],\n\"report\":{");
    rn_jout_text(out, "version", rn_version());
    rn_jout_whole(out, "resamples", r->opts.n_resamples);
    rn_jout_whole(out, "seed", (int64_t)r->opts.seed);
    rn_jout_number(out, "confidence", r->opts.level);
    rn_jout_text(out, "missing", missing[r->opts.missing]);
    rn_jout_text(out, "flops", r->opts.basis == RN_FLOP_STUDY ? "study" : "exact");
    rn_jout_text(out, "prompt", paid[r->opts.prompt]);
    rn_jout_text(out, "profile", r->opts.profile);
    rn_jout_text(out, "hardware",
                 r->opts.profile ? rn_cost_hardware(r->book, r->opts.profile) : NULL);
    rn_jout_boolean(out, "interpolated", r->opts.interpolate);
    rn_buf_puts(out, "},\n\"tasks\":[");
    for (size_t i = 0; i < r->n_tasks; i++)
        json_task(out, r, &r->tasks[i]);
    rn_buf_puts(out, "]");
    rn_report_json_notes(r, out);
    rn_buf_puts(out, "}\n");
}
