/*
 * plan_views.c: plans and replays as rows, and these as text, CSV and JSON; see plans.h. CSV and
 * JSON are those of docs/FORMATS.md.
 */
#include "report/plans.h"

#include "base/jout.h"

/* What the mark + says: plans end where curves do, replays go on to the last recorded sample. */
static const char *lower_bound(const rn_plans *s)
{
    return s->opts.replay ? "+ the budget pays for more samples than are recorded: a lower bound\n"
                          : "+ the budget pays for more samples than curves have (half of the "
                            "recorded ones): a "
                            "lower bound\n";
}

/* "13b alone", or the name of the kind. */
static const char *title_of(const rn_plans *s, const rn_choice *c, rn_arena *a)
{
    const char *alone =
        c->model < 0 ? NULL : rn_arena_printf(a, "%s alone", s->task->entrants[c->model].model);
    return alone ? alone : c->name;
}

static rn_datum datum_of(const rn_interval *x, double times)
{
    return (rn_datum){.v = times * x->value,
                      .lo = times * x->lo,
                      .hi = times * x->hi,
                      .text = "",
                      .method = x->method};
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* What each column is for a plan and for a replay: 1, 2, or 3 for both. */
enum { PLAN = 1, REPLAY = 2 };

static void choice_columns(const rn_plans *s, rn_rows *to)
{
    const rn_unit axis = s->opts.axis;
    const bool total = s->opts.total;
    const struct {
        int of;
        rn_column c;
    } columns[] = {
        {3, {.name = "task", .as = RN_AS_TEXT, .only = RN_FOR_CSV}},
        {3, {.name = "axis", .as = RN_AS_TEXT, .only = RN_FOR_CSV}},
        {PLAN, {.name = "scope", .as = RN_AS_TEXT, .only = RN_FOR_CSV}},
        {PLAN, {.name = "part", .as = RN_AS_TEXT, .only = RN_FOR_CSV}},
        {3, {.name = "budget", .as = RN_AS_AMOUNT, .unit = axis, .only = RN_FOR_CSV}},
        {3, {.name = "normalised", .as = RN_AS_FACTOR, .only = RN_FOR_CSV}},
        {PLAN, {.name = "choice", .as = RN_AS_TEXT}},
        {PLAN, {.title = "choice", .as = RN_AS_TEXT}},
        {PLAN, {.name = "model", .as = RN_AS_TEXT}},
        {REPLAY, {.name = "policy", .title = "policy", .as = RN_AS_TEXT}},
        {PLAN, {.name = "stop", .title = "stops", .as = RN_AS_FLAG}},
        {REPLAY, {.name = "fixed", .as = RN_AS_FLAG}},
        {3,
         {.name = "score",
          .title = "solves, %",
          .as = RN_AS_SCORE,
          .ends = RN_ENDS_NESTED,
          .only = RN_FOR_PEOPLE | RN_FOR_JSON}},
        {3, {.name = "value", .as = RN_AS_SCORE, .ends = RN_ENDS_PLAIN, .only = RN_FOR_CSV}},
        {3, {.title = total ? "cost" : "mean cost", .as = RN_AS_AMOUNT, .unit = axis}},
        {3, {.name = "cost", .as = RN_AS_AMOUNT, .unit = axis, .ends = RN_ENDS_NESTED}},
        {REPLAY,
         {.name = "samples", .as = RN_AS_FACTOR, .ends = RN_ENDS_NESTED, .only = RN_FOR_JSON}},
        {REPLAY, {.name = "samples", .as = RN_AS_FACTOR, .only = RN_FOR_CSV}},
        {REPLAY, {.name = "promised", .as = RN_AS_SCORE}},
        {3,
         {.name = "ahead", .title = "ahead, points", .as = RN_AS_POINTS, .ends = RN_ENDS_NESTED}},
        {3, {.name = "first", .title = "P(first)", .as = RN_AS_SHARE}},
        {PLAN, {.name = "over", .as = RN_AS_FLAG, .only = RN_FOR_JSON}},
        {3, {.name = "limited", .as = RN_AS_FLAG}},
        {PLAN, {.name = "plan", .title = "plan", .as = RN_AS_TEXT}},
        {REPLAY, {.name = "course", .title = "buys, while all fails", .as = RN_AS_TEXT}},
    };
    const int mine = s->opts.replay ? REPLAY : PLAN;
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        if (columns[i].of & mine) rn_rows_column(to, columns[i].c);
}

/* The choice of a kind in a row; NULL if it is not shown. */
static const rn_choice *find_choice(const rn_plans *s, const rn_plan_row *row, rn_choice_kind kind,
                                    bool stop)
{
    for (size_t i = 0; i < s->n_choices; i++)
        if (row->choices[i].kind == kind && row->choices[i].stop == stop) return &row->choices[i];
    return NULL;
}

static bool buys_nothing(const rn_choice *c)
{
    return strcmp(c->plan, "nothing") == 0 && c->cost.value == 0;
}

/* One budget's choices into rows with the columns above; `part`: "budget" or "frontier". */
static void choice_rows(const rn_plans *s, const rn_plan_row *row, const char *part, rn_rows *to)
{
    const bool replay = s->opts.replay;
    const double times = s->opts.total ? (double)s->n_problems : 1;
    static const rn_datum NONE = {NAN, NAN, NAN, .text = "affords none"};
    static const rn_datum NOT_SAID = {NAN, NAN, NAN, .text = ""};
    const rn_choice *against = replay ? NULL : find_choice(s, row, RN_CHOICE_SINGLE, false);
    for (size_t i = 0; i < s->n_choices; i++) {
        const rn_choice *c = &row->choices[i];
        rn_datum score = datum_of(&c->score, 1);
        rn_datum cost = {.v = times * c->cost.value, .lo = NAN, .hi = NAN, .text = ""};
        rn_datum ahead = datum_of(&c->ahead, 1);
        double first = c->first;
        /* What buys nothing has no score that could be compared, nor can anything be with it. */
        if (buys_nothing(c)) score = NONE, cost = ahead = NOT_SAID, first = NAN;
        if (against && buys_nothing(against)) ahead = NOT_SAID;
        rn_rows_word(to, s->task->name);
        rn_rows_word(to, rn_unit_name(s->opts.axis));
        if (!replay) rn_rows_word(to, s->opts.total ? "total" : "each");
        if (!replay) rn_rows_word(to, part);
        rn_rows_value(to, row->budget);
        rn_rows_value(to, row->norm);
        rn_rows_word(to, c->name);
        if (replay) {
            rn_rows_value(to, c->fixed);
        } else {
            rn_rows_word(to, title_of(s, c, &to->arena));
            rn_rows_word(to, c->model < 0 ? "" : s->task->entrants[c->model].model);
            rn_rows_value(to, c->stop);
        }
        rn_rows_datum(to, score);
        if (c->limited) rn_rows_mark(to, " +");
        rn_rows_datum(to, score);
        rn_rows_datum(to, cost);
        if (c->over) rn_rows_mark(to, " >");
        rn_rows_datum(to, datum_of(&c->cost, 1));
        if (replay) {
            rn_rows_datum(to, datum_of(&c->draws, 1));
            rn_rows_datum(to, datum_of(&c->draws, 1));
            rn_rows_value(to, c->promised);
            if ((int)i == row->best_fixed) ahead.text = "best fixed";
        }
        rn_rows_datum(to, ahead);
        rn_rows_datum(to, (rn_datum){first, NAN, NAN, .text = ""});
        if (!replay) rn_rows_value(to, c->over);
        rn_rows_value(to, c->limited);
        rn_rows_word(to, c->plan);
    }
}

/* The best of single, cascade and mixture. */
static const rn_choice *best_choice(const rn_plans *s, const rn_plan_row *row, bool stop)
{
    const rn_choice *best = NULL;
    for (int kind = RN_CHOICE_SINGLE; kind <= RN_CHOICE_MIXTURE; kind++) {
        const rn_choice *c = find_choice(s, row, (rn_choice_kind)kind, stop);
        if (c && (!best || c->score.value > best->score.value)) best = c;
    }
    return best;
}

static void frontier_rows(const rn_plans *s, rn_rows *to)
{
    const bool stop = s->opts.stop;
    const double times = s->opts.total ? (double)s->n_problems : 1;
    static const char *const names[] = {"single", "cascade", "mixture", "upper line"};
    to->title =
        rn_arena_printf(&to->arena, "the best of each kind at rising budgets %s, %s: %% solved",
                        s->opts.total ? "for the whole set" : "per problem",
                        stop ? "stopping at the first pass" : "without stopping");
    rn_rows_column(to, (rn_column){.title = "budget", .as = RN_AS_FACTOR});
    rn_rows_column(to, (rn_column){.title = rn_unit_words(s->opts.axis),
                                   .as = RN_AS_AMOUNT,
                                   .unit = s->opts.axis});
    for (size_t i = 0; i < 4; i++)
        rn_rows_column(to, (rn_column){.title = names[i], .as = RN_AS_SCORE});
    rn_rows_column(to, (rn_column){.title = "its cost", .as = RN_AS_AMOUNT, .unit = s->opts.axis});
    rn_rows_column(to, (rn_column){.title = "the best of them", .as = RN_AS_TEXT});
    for (size_t b = 0; b < s->n_frontier; b++) {
        const rn_plan_row *row = &s->frontier[b];
        const rn_choice *best = best_choice(s, row, stop);
        rn_rows_value(to, row->norm);
        rn_rows_value(to, row->budget);
        for (int kind = RN_CHOICE_SINGLE; kind <= RN_CHOICE_UPPER; kind++) {
            const rn_choice *c = find_choice(s, row, (rn_choice_kind)kind, stop);
            rn_rows_datum(to, (rn_datum){c ? c->score.value : NAN, NAN, NAN, .text = ""});
            if (c && c->limited) rn_rows_mark(to, "+");
        }
        rn_rows_value(to, best ? times * best->cost.value : NAN);
        rn_rows_word(to, best ? best->plan : "");
    }
}

/* ---- for people ------------------------------------------------------------------------------ */

static void print_models(const rn_plans *s, rn_buf *out)
{
    const rn_unit axis = s->opts.axis;
    rn_arena a = {0};
    rn_buf line = {0};
    for (size_t i = 0; i < s->n_models; i++) {
        const rn_entrant *e = &s->task->entrants[s->models[i]];
        rn_buf_printf(&line, "%s%s: %s per sample", i ? "; " : "", e->model,
                      rn_amount(&a, axis, e->axis[axis].per_sample));
        if (e->axis[axis].shared > 0)
            rn_buf_printf(&line, " and %s per prompt", rn_amount(&a, axis, e->axis[axis].shared));
        rn_buf_printf(&line, ", n = %lld", (long long)e->n);
    }
    const char *profile = axis == RN_UNIT_SECOND ? s->report->opts.profile : NULL;
    rn_buf_printf(&line, "%s%s", profile ? "; profile " : "", profile ? profile : "");
    rn_buf_wrapped(out, line.data ? line.data : "", 2, 0);
    rn_buf_putc(out, '\n');
    out->failed |= !rn_buf_ok(&line);
    rn_buf_free(&line);
    rn_arena_free(&a);
}

static void print_conditions(const rn_plans *s, rn_buf *out)
{
    const rn_report *r = s->report;
    rn_buf_printf(out,
                  "judged on the one of %u parts of the problems that had no say in the choice, in "
                  "turn\nintervals: %.4g %%, bootstrap over problems, %lld resamples, seed %llu; "
                  "ration %s\n",
                  s->opts.n_folds, 100 * r->opts.level, (long long)r->opts.n_resamples,
                  (unsigned long long)r->opts.seed, rn_version());
}

static void print_row(const rn_plans *s, const rn_plan_row *row, rn_buf *out)
{
    rn_rows rows = {0};
    rows.title =
        rn_arena_printf(&rows.arena, "%s %s: %.4g samples of %s%s",
                        rn_amount(&rows.arena, s->opts.axis, row->budget),
                        s->opts.total ? "for the whole set" : "per problem", row->norm,
                        s->task->entrants[s->models[0]].model, s->opts.total ? " per problem" : "");
    choice_columns(s, &rows);
    choice_rows(s, row, "budget", &rows);
    bool limited = false, over = false;
    for (size_t i = 0; i < s->n_choices; i++) {
        limited |= row->choices[i].limited;
        over |= row->choices[i].over;
    }
    if (limited) rn_buf_puts(&rows.foot, lower_bound(s));
    if (over)
        rn_buf_puts(&rows.foot,
                    "> cost more than the budget on the problems that had no say in it: "
                    "ahead and first are at equal spending\n");
    rn_rows_print(&rows, out);
    rn_rows_free(&rows);
}

/* "s x 8, then l x 2" as "8 of s, then 2 of l"; other plans stay as they are. */
static const char *steps_in_words(const char *plan, rn_arena *a)
{
    rn_buf out = {0};
    const bool plain = !strstr(plan, " in turns");
    for (const char *at = plan; plain && *at;) {
        const char *end = strstr(at, ", then "), *mark = NULL;
        if (!end) end = at + strlen(at);
        for (const char *p = strstr(at, " x "); p && p < end; p = strstr(p + 1, " x "))
            mark = p;
        if (!mark) break;
        rn_buf_printf(&out, "%s%.*s of %.*s", out.len ? ", then " : "", (int)(end - mark - 3),
                      mark + 3, (int)(mark - at), at);
        at = *end ? end + 7 : end;
    }
    const char *text = rn_arena_take(a, &out);
    return text && *text ? text : plan;
}

/* The same of a mixture, "2 %: nothing; 98 %: s x 1": "1 of s for 98 % of the problems". */
static const char *in_words(const char *plan, rn_arena *a)
{
    rn_buf out = {0};
    for (const char *at = plan; *at && strchr(plan, ';');) {
        const char *colon = strstr(at, ": "), *end = strchr(at, ';');
        if (!end) end = at + strlen(at);
        if (!colon || colon > end) break;
        const char *steps = rn_arena_printf(a, "%.*s", (int)(end - colon - 2), colon + 2);
        if (!steps) break;
        if (strcmp(steps, "nothing") != 0)
            rn_buf_printf(&out, "%s%s for %.*s of the problems", out.len ? ", " : "",
                          steps_in_words(steps, a), (int)(colon - at), at);
        at = *end ? end + 2 : end;
    }
    const char *text = rn_arena_take(a, &out);
    return text && *text ? text : steps_in_words(plan, a);
}

/* "buy up to 8 of s, stop at the first pass: 79.1 %, 3.1 s per problem" */
static void print_advice(const rn_plans *s, const rn_plan_row *row, rn_buf *out)
{
    const bool stop = s->opts.stop;
    const rn_choice *c = best_choice(s, row, stop);
    rn_arena a = {0};
    rn_buf line = {0};
    if (c && !(c->score.value > 0))
        rn_buf_printf(&line, "advice for %s: none, no plan solves anything",
                      rn_amount(&a, s->opts.axis, row->budget));
    else if (c)
        rn_buf_printf(&line, "advice for %s%s: buy up to %s%s: %.1f %%, %s per problem%s",
                      rn_amount(&a, s->opts.axis, row->budget), s->opts.total ? " in all" : "",
                      in_words(c->plan, &a), stop ? ", stop at the first pass" : "",
                      100 * c->score.value, rn_amount(&a, s->opts.axis, c->cost.value),
                      c->limited ? ", or more" : "");
    out->failed |= !rn_buf_ok(&line);
    if (line.len && rn_buf_ok(&line)) {
        rn_buf_wrapped(out, line.data, 2, 0);
        rn_buf_putc(out, '\n');
    }
    rn_buf_free(&line);
    rn_arena_free(&a);
}

void rn_plans_text(const rn_plans *s, rn_buf *out)
{
    const bool replay = s->opts.replay;
    if (replay)
        rn_buf_printf(out, "== %s: %zu problems, %lld random orders of the samples of each ==\n",
                      s->task->name, s->n_problems, (long long)s->opts.n_orders);
    else
        rn_buf_printf(out, "== %s: %zu problems, %s %s ==\n", s->task->name, s->n_problems,
                      rn_unit_words(s->opts.axis),
                      s->opts.total ? "for the whole set, in expectation"
                                    : "per problem, never more");
    print_models(s, out);
    for (size_t b = 0; b < s->n_rows && (replay || s->opts.n_budgets); b++)
        print_row(s, &s->rows[b], out);
    if (!replay) {
        rn_rows rows = {0};
        frontier_rows(s, &rows);
        if (rn_rows_marked(&rows)) rn_buf_puts(&rows.foot, lower_bound(s));
        rn_rows_print(&rows, out);
        rn_rows_free(&rows);
    }
    rn_buf_puts(out, "\n");
    print_conditions(s, out);
    rn_buf_puts(
        out, replay ? "ahead: of the best fixed policy at the budget\n"
                    : "ahead: of the best single model without stopping, chosen alike; P(first): "
                      "share of resamples\nplans: those chosen on all problems\n");
    for (size_t b = 0; b < s->n_rows && !replay && s->opts.n_budgets; b++)
        print_advice(s, &s->rows[b], out);
}

/* ---- for programs ---------------------------------------------------------------------------- */

void rn_plans_csv(const rn_plans *s, bool head, rn_buf *out)
{
    rn_rows rows = {0};
    choice_columns(s, &rows);
    for (size_t b = 0; b < s->n_rows; b++)
        choice_rows(s, &s->rows[b], "budget", &rows);
    for (size_t b = 0; b < s->n_frontier; b++)
        choice_rows(s, &s->frontier[b], "frontier", &rows);
    rn_rows_csv(&rows, head, out);
    rn_rows_free(&rows);
}

/* What plans and replays begin with. */
static void json_head(const rn_plans *s, rn_buf *out)
{
    const rn_report *r = s->report;
    const rn_unit axis = s->opts.axis;
    rn_jout_text(out, "task", s->task->name);
    rn_jout_text(out, "hash", s->task->hash);
    rn_jout_whole(out, "problems", (int64_t)s->n_problems);
    rn_jout_text(out, "axis", rn_unit_name(axis));
    rn_jout_text(out, "profile", axis == RN_UNIT_SECOND ? r->opts.profile : NULL);
    rn_jout_number(out, "unit", s->unit);
    rn_jout_whole(out, "folds", s->opts.n_folds);
    rn_jout_whole(out, "resamples", r->opts.n_resamples);
    rn_jout_whole(out, "seed", (int64_t)r->opts.seed);
    rn_jout_number(out, "level", r->opts.level);
    rn_jout_open(out, "models", "[");
    for (size_t i = 0; i < s->n_models; i++) {
        const rn_entrant *e = &s->task->entrants[s->models[i]];
        rn_jout_open(out, NULL, "{");
        rn_jout_text(out, "model", e->model);
        rn_jout_text(out, "cost", e->cost ? e->cost->name : NULL);
        rn_jout_whole(out, "n", e->n);
        rn_jout_number(out, "prompt", e->axis[axis].shared);
        rn_jout_number(out, "sample", e->axis[axis].per_sample);
        rn_buf_putc(out, '}');
    }
    rn_buf_putc(out, ']');
}

static void json_rows(const rn_plans *s, const char *name, const rn_plan_row *rows, size_t n,
                      rn_buf *out)
{
    rn_jout_open(out, name, "[");
    for (size_t b = 0; b < n; b++) {
        rn_rows choices = {0};
        rn_jout_open(out, NULL, "\n{");
        rn_jout_number(out, "budget", rows[b].budget);
        rn_jout_number(out, "normalised", rows[b].norm);
        if (s->opts.replay)
            rn_jout_text(out, "best_fixed", rows[b].choices[rows[b].best_fixed].name);
        choice_columns(s, &choices);
        choice_rows(s, &rows[b], name, &choices);
        rn_jout_key(out, s->opts.replay ? "policies" : "choices");
        rn_rows_json(&choices, out);
        rn_rows_free(&choices);
        rn_buf_putc(out, '}');
    }
    rn_buf_putc(out, ']');
}

void rn_plans_json(const rn_plans *s, rn_buf *out)
{
    rn_jout_open(out, NULL, "\n{");
    json_head(s, out);
    if (s->opts.replay)
        rn_jout_whole(out, "orders", s->opts.n_orders);
    else
        rn_jout_text(out, "scope", s->opts.total ? "total" : "each");
    json_rows(s, "budgets", s->rows, s->n_rows, out);
    if (!s->opts.replay) json_rows(s, "frontier", s->frontier, s->n_frontier, out);
    rn_buf_putc(out, '}');
}
