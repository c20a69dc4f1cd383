/*
 * until.c: rn_stage_until: samples, judged between rounds, until a question is answered.
 *
 * The rule (stat/inquiry.h) says how many samples each problem of each model shall have in a round;
 * what the store does not hold of them is drawn and judged; then it looks. The course depends on
 * the outcomes alone, and these are in the store: the same call walks it again from the beginning,
 * and draws only where the records end. A dry run is that walk without drawing.
 *
 * The rule is kept with the run (provenance "until"), so that a report can estimate from unequal
 * numbers of samples without bias.
 */
#include "run/until_priv.h"

/* ---- words ----------------------------------------------------------------------------------- */

static void put_interval(rn_buf *out, const rn_interval *at, bool signed_)
{
    rn_buf_printf(out, signed_ ? "%+.1f points [%+.1f, %+.1f]" : "%.1f %% [%.1f, %.1f]",
                  100 * at->value, 100 * at->lo, 100 * at->hi);
}

static void put_crossover(const rn_until_work *w, rn_buf *out)
{
    const rn_known *k = &w->known;
    const char *a = w->arms[0].name, *b = w->arms[1].name;
    const rn_ask *ask = &w->ask;
    if (!k->answered) {
        rn_buf_printf(out, "where the lead passes between %s and %s is not known", a, b);
        return;
    }
    if (isnan(k->from)) {
        rn_buf_printf(out, "%s is ahead at every budget from %gx to %gx: no crossover",
                      k->side[0] > 0 ? a : b, ask->budgets[0], ask->budgets[ask->n_points - 1]);
        return;
    }
    const bool first = k->side[0] > 0;
    rn_buf_printf(out, "%s is ahead up to %gx, %s from %gx on: the crossover lies between",
                  first ? a : b, k->from, first ? b : a, k->to);
}

/* "at 8x (pass@8 against pass@1)". */
static void put_at(const rn_until_work *w, rn_buf *out)
{
    const rn_ask_arm *x = w->ask.arms;
    if (w->q.x > 0) rn_buf_printf(out, " at %gx", w->q.x);
    if (!w->q.k && w->q.x == 0) {
        rn_buf_puts(out, " at ");
        rn_budget_print(w->q.budget.unit, w->q.budget.amount, out);
    }
    rn_buf_printf(out, " (pass@%lld against pass@%lld)", (long long)x[0].ks[0],
                  (long long)x[1].ks[0]);
}

static void put_answer(const rn_until_work *w, rn_buf *out)
{
    const rn_known *k = &w->known;
    const rn_interval *at = &k->at[0];
    const char *a = w->arms[0].name, *b = w->n_arms == 2 ? w->arms[1].name : "";
    if (k->round == 0) {
        rn_buf_puts(out, "not every problem has its first samples yet");
        return;
    }
    switch (w->ask.kind) {
    case RN_ASK_MEAN:
        rn_buf_printf(out, "pass@%lld of %s is ", (long long)w->ask.arms[0].ks[0], a);
        put_interval(out, at, false);
        break;
    case RN_ASK_DIFF:
        rn_buf_printf(out, "%s less %s", a, b);
        put_at(w, out);
        rn_buf_puts(out, ": ");
        put_interval(out, at, true);
        break;
    case RN_ASK_LEAD:
        if (k->side[0])
            rn_buf_printf(out, "%s is ahead of %s", k->side[0] > 0 ? a : b, k->side[0] > 0 ? b : a);
        else
            rn_buf_printf(out, "which of %s and %s is ahead is not known", a, b);
        put_at(w, out);
        rn_buf_puts(out, k->side[0] < 0 ? "; the difference as asked: " : ": ");
        put_interval(out, at, true);
        break;
    case RN_ASK_CROSS: put_crossover(w, out); break;
    }
    if (!k->answered && w->ask.kind != RN_ASK_LEAD && w->ask.kind != RN_ASK_CROSS)
        rn_buf_puts(out, ", wider than asked");
}

/* ---- the summary ----------------------------------------------------------------------------- */

static void sum_arm(const rn_until_work *w, const rn_until_arm *a, rn_until_model *m)
{
    *m = (rn_until_model){.name = a->name,
                          .run_id = a->run_id,
                          .least = INT64_MAX,
                          .n_made = a->portions ? rn_portions_summary(a->portions)->n_made : 0,
                          .flop = a->flop,
                          .seconds = a->seconds,
                          .usd = a->usd};
    for (size_t i = 0; i < w->n_problems; i++) {
        m->n_samples += a->counts[i].n;
        m->n_recorded += a->n_known[i];
        m->least = a->counts[i].n < m->least ? a->counts[i].n : m->least;
        m->most = a->counts[i].n > m->most ? a->counts[i].n : m->most;
    }
}

int rn_until_summarize(rn_until_work *w, rn_err *err)
{
    rn_until_summary *s = w->out;
    rn_buf answer = {0};
    s->answered = w->known.answered;
    s->rounds = w->known.round;
    s->n_problems = (int64_t)w->n_problems;
    s->n_models = w->n_arms;
    s->n_points = w->ask.n_points;
    s->from = s->to = NAN;
    for (size_t i = 0; i < w->n_arms && w->arms[i].counts; i++)
        sum_arm(w, &w->arms[i], &s->models[i]);
    for (size_t i = 0; i < w->ask.n_points; i++) {
        const rn_interval *at = &w->known.at[i];
        s->points[i] = (rn_until_point){.budget = w->ask.budgets[i],
                                        .k = {w->ask.arms[0].ks[i], w->ask.arms[1].ks[i]},
                                        .value = w->known.round ? at->value : NAN,
                                        .lo = w->known.round ? at->lo : NAN,
                                        .hi = w->known.round ? at->hi : NAN,
                                        .side = w->known.side[i]};
    }
    if (w->known.answered) s->from = w->known.from, s->to = w->known.to;
    s->median_unbiased =
        w->known.over && (w->ask.kind == RN_ASK_LEAD || w->ask.kind == RN_ASK_CROSS);
    put_answer(w, &answer);
    s->answer = rn_arena_take(w->arena, &answer);
    return s->answer ? 0 : rn_nomem(err, "answer");
}

static void put_ended(const rn_until_work *w, const int64_t k_max[2], rn_buf *out)
{
    rn_buf_puts(out, "no estimate: ");
    for (size_t i = 0, n = 0; i < w->n_arms; i++) {
        if (k_max[i] >= w->ask.arms[i].ks[0]) continue;
        rn_buf_printf(out, k_max[i] ? "%s%s ends at pass@%lld" : "%s%s has no curve yet",
                      n++ ? ", " : "the curve of ", w->arms[i].name, (long long)k_max[i]);
    }
}

int rn_until_say_records(rn_until_work *w, const int64_t k_max[2], rn_err *err)
{
    rn_until_summary *s = w->out;
    const rn_until_point *p = &s->points[0];
    const rn_interval at = {p->value, p->lo, p->hi, RN_INTERVAL_NONE};
    rn_buf out = {0};
    if (w->ask.kind == RN_ASK_MEAN) {
        rn_buf_printf(&out, "pass@%lld of %s: ", (long long)w->ask.arms[0].ks[0], w->arms[0].name);
    } else {
        rn_buf_printf(&out, "%s less %s", w->arms[0].name, w->arms[1].name);
        if (w->ask.kind != RN_ASK_CROSS) put_at(w, &out);
        rn_buf_puts(&out, w->ask.kind == RN_ASK_CROSS ? ", budget by budget, below" : ": ");
    }
    if (w->ask.kind == RN_ASK_CROSS)
        rn_buf_puts(&out, "");
    else if (isnan(p->value))
        put_ended(w, k_max, &out);
    else
        put_interval(&out, &at, w->n_arms == 2);
    s->answer = rn_arena_take(w->arena, &out);
    return s->answer ? 0 : rn_nomem(err, "answer");
}

/* ---- rounds ---------------------------------------------------------------------------------- */

/* The rule into the run's provenance; `ended`: with the rung of the last look. A run that is killed
 * keeps the rule alone. */
static int mark(rn_until_work *w, bool ended, rn_err *err)
{
    for (size_t i = 0; i < w->n_arms; i++) {
        char rule[256], text[512];
        rn_seq_rule_write(rn_inquiry_seq(w->inquiry, i), rule, sizeof rule);
        const int rung = rn_inquiry_rung(w->inquiry) - !w->known.over;
        if (ended)
            snprintf(text, sizeof text, "%.200s: %s, rung %d", w->o->question, rule, rung);
        else
            snprintf(text, sizeof text, "%.200s: %s", w->o->question, rule);
        int rc = rn_portions_mark(w->arms[i].portions, text, err);
        if (rc) return rc;
    }
    return 0;
}

/* Draws and judges what an arm lacks. */
static int draw(rn_until_work *w, size_t at, rn_err *err)
{
    rn_until_arm *a = &w->arms[at];
    const rn_taskset *set = rn_portions_set(a->portions);
    int64_t *target = calloc(set->n + 1, sizeof *target);
    if (!target) return rn_nomem(err, "round");
    int64_t n = 0;
    for (size_t i = 0; i < w->n_problems; i++) {
        const int64_t need = rn_inquiry_need(w->inquiry, at, a->counts[i]);
        if (need <= a->n_known[i]) continue;
        target[a->place[i]] = need + a->n_skipped[i];
        n++;
    }
    int rc = n ? rn_portions_draw(a->portions, target, err) : 0;
    free(target);
    if (rc || n == 0) return rc;
    rn_judge_options j;
    rn_judge_summary out;
    rn_judge_options_init(&j);
    const int64_t memory = j.judge.memory_bytes;
    j.judge = w->o->judge;
    if (!j.judge.memory_bytes) j.judge.memory_bytes = memory;
    j.watch = w->o->watch;
    j.watch.argc = 0;
    j.set = w->o->draw.set;
    j.data_dir = w->o->draw.data_dir;
    j.run_id = a->run_id;
    if (w->known.round) j.watch.on_note = NULL; /* it said all of it before */
    rc = rn_stage_judge(w->store, &j, &out, err);
    rn_judge_summary_free(&out);
    return rc ? rc : rn_until_load(w, a, err);
}

static int64_t n_known(const rn_until_work *w)
{
    int64_t n = 0;
    for (size_t a = 0; a < w->n_arms; a++)
        for (size_t i = 0; i < w->n_problems; i++)
            n += w->arms[a].n_known[i];
    return n;
}

/* Until all have what this round needs; *ended: they cannot. */
static int fill_round(rn_until_work *w, bool *ended, bool *drew, rn_err *err)
{
    size_t n_short;
    for (rn_until_take(w, &n_short); n_short; rn_until_take(w, &n_short)) {
        const int64_t before = n_known(w);
        int rc = rn_watch_check(&w->o->watch, err);
        for (size_t i = 0; !rc && !w->o->dry_run && i < w->n_arms; i++)
            rc = draw(w, i, err);
        if (rc) return rc;
        *drew = !w->o->dry_run;
        if (n_known(w) > before) continue;
        *ended = true;
        if (w->o->dry_run)
            rn_watch_note(&w->o->watch, "the recorded samples end here: %zu %s would get more",
                          n_short, rn_plural((int64_t)n_short, "problem", "problems"));
        else
            rn_watch_warn(&w->o->watch,
                          "%zu %s no further samples with a verdict; what is known of the rest is "
                          "no answer: see `ration judge`",
                          n_short, rn_plural((int64_t)n_short, "problem gets", "problems get"));
        return 0;
    }
    return 0;
}

static int ask(rn_until_work *w, rn_err *err)
{
    const rn_count *counts[2] = {w->arms[0].counts, w->arms[1].counts};
    bool ended = false;
    int rc = 0;
    while (!rc && !w->known.over && !ended) {
        bool drew = false;
        rc = fill_round(w, &ended, &drew, err);
        if (rc || ended) break;
        rc = rn_inquiry_look(w->inquiry, counts, &w->known, err);
        if (rc || !drew) continue;
        rn_buf line = {0};
        put_answer(w, &line);
        if (rn_buf_ok(&line))
            rn_watch_note(&w->o->watch, "round %d, %lld %s: %s", w->known.round,
                          (long long)n_known(w), rn_plural(n_known(w), "sample", "samples"),
                          line.data);
        rn_buf_free(&line);
    }
    return rc;
}

/* ---- the stage ------------------------------------------------------------------------------- */

void rn_until_options_init(rn_until_options *o)
{
    *o = (rn_until_options){.level = 0.95};
    rn_generate_options_init(&o->draw);
}

int rn_until_options_check(const rn_until_options *o, rn_err *err)
{
    rn_question q;
    if (!o->question) return rn_fail(err, RN_EINVAL, "no question is asked");
    int rc = rn_question_parse(o->question, &q, err);
    if (rc) return rc;
    if (!(o->level > 0 && o->level < 1))
        return rn_fail(err, RN_EINVAL, "a level of %g: must be between 0 and 1", o->level);
    if (o->draw.greedy)
        return rn_fail(err, RN_EINVAL, "a question needs samples, not --greedy answers");
    if (o->draw.share.shard || o->draw.share.units || o->draw.share.todo)
        return rn_fail(err, RN_EINVAL,
                       "the rounds of a question cannot be shared (--shard, "
                       "--units, --todo)");
    if (o->draw.n < 0 || o->draw.n > RN_SEQ_MAX_N)
        return rn_fail(err, RN_EINVAL,
                       "-n is %lld: a question takes at most %d samples of a problem",
                       (long long)o->draw.n, RN_SEQ_MAX_N);
    if (o->dry_run) return 0;
    if (o->n_models < q.n_models)
        return rn_fail(err, RN_EINVAL, "the question needs %zu models: give each with -m",
                       q.n_models);
    for (size_t i = 0; !rc && i < o->n_models; i++) {
        rn_generate_options one = o->draw;
        one.model = o->models[i];
        rc = rn_generate_options_check(&one, err);
    }
    return rc;
}

int rn_stage_until(rn_store *s, const rn_until_options *o, rn_until_summary *out, rn_err *err)
{
    *out = (rn_until_summary){0};
    int rc = rn_until_options_check(o, err);
    if (!rc && !(out->own = calloc(1, sizeof(rn_arena)))) rc = rn_nomem(err, "question");
    rn_until_work w = {.o = o, .out = out, .store = s, .arena = out->own};
    if (!rc && !o->dry_run) rc = rn_watch_log_begin(&o->watch, s, &w.command_id, err);
    if (!rc) rc = rn_until_open(&w, !o->dry_run, err);
    if (!rc && !o->dry_run) rc = mark(&w, false, err);
    if (!rc) rc = ask(&w, err);
    if ((!rc || rc == RN_ECANCELLED) && !o->dry_run && w.known.round) {
        int rc2 = mark(&w, true, rc ? NULL : err);
        if (!rc) rc = rc2;
    }
    if (!rc || rc == RN_ECANCELLED) {
        int rc2 = rn_until_summarize(&w, rc ? NULL : err);
        if (!rc) rc = rc2;
    }
    rn_buf spent = {0};
    for (size_t i = 0; i < w.n_arms; i++) {
        const rn_opened *m = w.arms[i].portions ? rn_portions_model(w.arms[i].portions) : NULL;
        char *line = m && m->remote ? rn_server_summary(m, rn_remote_ledger(m->remote)) : NULL;
        if (line) rn_buf_printf(&spent, "%s%s", spent.len ? "\n" : "", line);
        free(line);
    }
    if (spent.len) out->spent = rn_buf_take(&spent);
    rn_buf_free(&spent);
    out->incomplete = !out->answered;
    rn_watch_log_end(s, w.command_id, rc, out->incomplete);
    rn_until_close(&w);
    return rc;
}

void rn_until_summary_free(rn_until_summary *out)
{
    rn_arena *arena = out->own;
    if (arena) rn_arena_free(arena);
    free(arena);
    free(out->spent);
    *out = (rn_until_summary){0};
}
