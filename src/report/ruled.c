/*
 * ruled.c: see ruled.h.
 *
 * The rule is walked again over the outcomes in the order of their index, as generate --until did,
 * at the rung of its last look; where that is not known (it was killed), at the lowest price at
 * which every problem has what it needs. Of several questions the one that took most samples
 * counts. A run that was made equal afterwards, or was longer from the beginning, has more in the
 * samples that all problems have: then these count alone.
 */
#include "report/ruled.h"

#include "base/json.h"
#include "stat/sequential.h"

/* What is walked over. */
typedef struct outcomes {
    rn_arena arena; /* of the arrays below, and of work */
    const rn_run_cells *x;
    size_t n_problems;
    uint8_t *pass;    /* [n cells]: outcomes of the problems, one problem behind the other */
    size_t *at;       /* [n_problems]: where they begin */
    int64_t *n_known; /* judged without a gap, as far as a rule reads */
    int64_t *n_all;   /* judged */
    uint8_t *has;     /* any judged sample */
    rn_count *now;    /* of the walk */
} outcomes;

/* A question whose rule the samples meet. */
typedef struct candidate {
    rn_seq *seq;
    int rung;
    bool recorded;
    int64_t total, least;
    char question[256];
} candidate;

static char family_of(const rn_store_cell *c)
{
    return c->verdict < 0 ? 'S' : rn_verdict_family((rn_verdict)c->verdict);
}

/* A sample that the sandbox failed on is passed over, one that is missing or not judged yet ends
 * what a rule reads (run/until_arms.c). */
static void read_outcomes(outcomes *o)
{
    const rn_run_cells *x = o->x;
    size_t used = 0;
    for (size_t i = 0; i < x->n;) {
        const uint32_t p = x->place[i];
        const int64_t id = x->cells[i].problem_id;
        bool open = p != UINT32_MAX;
        if (open) o->at[p] = used;
        for (int32_t idx = 0; i < x->n && x->cells[i].problem_id == id; i++, idx++) {
            const rn_store_cell *c = &x->cells[i];
            if (p == UINT32_MAX) continue;
            open &= c->idx == idx && c->verdict >= 0;
            if (family_of(c) == 'S') continue;
            o->n_all[p]++;
            if (!open) continue;
            o->n_known[p]++;
            o->pass[used++] = c->verdict == RN_V_PASSED;
        }
    }
}

/* What the rule takes at this rung into o->now; false: a problem lacks samples. */
static bool walk(outcomes *o, const rn_seq *q, int rung)
{
    for (size_t p = 0; p < o->n_problems; p++) {
        rn_count *c = &o->now[p];
        *c = (rn_count){0};
        if (!o->has[p]) continue;
        for (int64_t need; (need = rn_seq_need(q, rung, *c)) > c->n;) {
            if (need > o->n_known[p]) return false;
            for (; c->n < need; c->n++)
                c->c += o->pass[o->at[p] + (size_t)c->n];
        }
    }
    return true;
}

static bool find_rung(outcomes *o, candidate *c, int recorded)
{
    const int first = rn_seq_first(c->seq), last = rn_seq_last(c->seq);
    int rung = recorded == INT_MIN || recorded > last ? last : recorded;
    c->recorded = recorded != INT_MIN;
    while (!walk(o, c->seq, rung))
        if (rung-- <= first) return false;
    c->rung = rung;
    c->total = 0;
    c->least = INT64_MAX;
    for (size_t p = 0; p < o->n_problems; p++) {
        if (!o->has[p]) continue;
        c->total += o->now[p].n;
        if (o->now[p].n < c->least) c->least = o->now[p].n;
    }
    return true;
}

/* What all questions of a run come to. */
typedef struct rules {
    candidate best;
    int64_t n_0;   /* the largest that all problems have */
    int64_t least; /* the most samples that a rule leaves every problem with */
    int64_t begin; /* the smallest n_0: up to it nothing was decided by an outcome */
} rules;

static bool is_better(const candidate *a, const candidate *b)
{
    if (!b->seq || a->total != b->total) return !b->seq || a->total > b->total;
    return a->recorded && !b->recorded;
}

/* One "QUESTION: RULE" of the run. */
static int consider(outcomes *o, const char *mark, rules *r, rn_err *err)
{
    const char *rule = NULL;
    for (const char *p = mark; (p = strstr(p, ": k ")); p++)
        rule = p;
    candidate c = {0};
    int recorded = INT_MIN;
    if (!rule) return 0;
    int rc = rn_seq_rule_read(rule + 2, &c.seq, &recorded, err);
    if (rc == RN_EFORMAT) return 0; /* of a later version: as if it were not there */
    if (rc) return rc;
    snprintf(c.question, sizeof c.question, "%.*s", (int)(rule - mark), mark);
    const int64_t n_0 = rn_seq_n0(c.seq);
    if (r->begin == 0 || n_0 < r->begin) r->begin = n_0;
    const bool met = find_rung(o, &c, recorded);
    if (met && n_0 > r->n_0) r->n_0 = n_0;
    if (met && c.least > r->least) r->least = c.least;
    if (met && is_better(&c, &r->best)) {
        candidate old = r->best;
        r->best = c;
        c = old;
    }
    rn_seq_free(c.seq);
    return 0;
}

static int find_rules(outcomes *o, const char *settings, rules *out, rn_err *err)
{
    json_t *v = NULL;
    int rc =
        rn_json_parse(rn_bytes_of(settings), (rn_json_at){"the settings of a run", 0}, &v, err);
    if (rc) return rc;
    const json_t *marks = json_object_get(v, "until");
    if (json_is_string(marks)) rc = consider(o, json_string_value(marks), out, err);
    for (size_t i = 0; !rc && i < json_array_size(marks); i++) {
        const char *mark = json_string_value(json_array_get(marks, i));
        if (mark) rc = consider(o, mark, out, err);
    }
    json_decref(v);
    return rc;
}

/* The first n judged samples of each problem, with those passed over among them as missing. */
static void count_first(const outcomes *o, int64_t n, rn_count *base, uint8_t *first)
{
    for (size_t i = 0; i < o->x->n; i++) {
        const uint32_t p = o->x->place[i];
        if (p == UINT32_MAX || base[p].n == n) continue;
        first[i] = 1;
        if (family_of(&o->x->cells[i]) == 'S') {
            base[p].missing++;
            continue;
        }
        base[p].n++;
        base[p].c += o->x->cells[i].verdict == RN_V_PASSED;
    }
}

/* The estimates of the rule for every problem. */
static int fill_rows(rn_arena *arena, outcomes *o, candidate *best, rn_ruled *out, rn_err *err)
{
    const int64_t k = rn_seq_n0(best->seq);
    rn_count *counts = rn_arena_array(arena, o->n_problems + 1, sizeof *counts);
    double *rows = rn_arena_array(arena, o->n_problems * (size_t)k + 1, sizeof *rows);
    rn_count *some = rn_arena_array(&o->arena, o->n_problems + 1, sizeof *some);
    double *values = rn_arena_array(&o->arena, o->n_problems * (size_t)k + 1, sizeof *values);
    int rc = counts && rows && some && values ? 0 : rn_nomem(err, "run with unequal samples");
    size_t n = 0;
    if (!rc) walk(o, best->seq, best->rung);
    for (size_t p = 0; !rc && p < o->n_problems; p++) {
        counts[p] = o->now[p];
        if (o->has[p]) some[n++] = o->now[p];
    }
    if (!rc) rc = rn_seq_table(best->seq, best->rung, some, n, k, values, err);
    for (size_t p = 0, at = 0; !rc && p < o->n_problems; p++)
        if (o->has[p])
            memcpy(&rows[p * (size_t)k], &values[at++ * (size_t)k], (size_t)k * sizeof *rows);
    if (rc) return rc;
    *out = (rn_ruled){.question = rn_arena_strdup(arena, best->question),
                      .counts = counts,
                      .rows = rows,
                      .k = k,
                      .n_taken = best->total};
    return out->question ? 0 : rn_nomem(err, "run with unequal samples");
}

static int make_room(outcomes *o, rn_err *err)
{
    const size_t n = o->n_problems + 1;
    o->pass = rn_arena_array(&o->arena, o->x->n + 1, 1);
    o->at = rn_arena_array(&o->arena, n, sizeof *o->at);
    o->n_known = rn_arena_array(&o->arena, n, sizeof *o->n_known);
    o->n_all = rn_arena_array(&o->arena, n, sizeof *o->n_all);
    o->has = rn_arena_array(&o->arena, n, 1);
    o->now = rn_arena_array(&o->arena, n, sizeof *o->now);
    return o->pass && o->at && o->n_known && o->n_all && o->has && o->now
               ? 0
               : rn_nomem(err, "run with unequal samples");
}

/* The estimates, from n samples of each problem and, where it has more, the best rule. */
static int estimate(rn_arena *arena, outcomes *o, rules *r, int64_t n, int64_t n_with,
                    rn_entrant *e, uint8_t *first, rn_err *err)
{
    rn_count *base = rn_arena_array(arena, o->n_problems + 1, sizeof *base);
    rn_ruled *ruled = rn_arena_array(arena, 1, sizeof *ruled);
    int rc = base && ruled ? 0 : rn_nomem(err, "run with unequal samples");
    if (!rc) count_first(o, n, base, first);
    if (!rc && r->best.seq && r->best.total > n * n_with)
        rc = fill_rows(arena, o, &r->best, ruled, err);
    if (rc) return rc;
    e->base = base;
    e->ruled = ruled->rows ? ruled : NULL;
    return 0;
}

int rn_report_ruled(rn_arena *arena, const rn_report_task *t, const rn_run_cells *x, rn_entrant *e,
                    uint8_t *first, rn_err *err)
{
    outcomes o = {.x = x, .n_problems = t->n_problems};
    rules r = {0};
    int64_t least = INT64_MAX, most = 0, n_with = 0;
    if (!strstr(x->settings, "\"until\":")) return 0;
    int rc = make_room(&o, err);
    if (!rc) read_outcomes(&o);
    for (size_t p = 0; !rc && p < o.n_problems; p++) {
        o.has[p] = o.n_all[p] > 0;
        n_with += o.has[p];
        if (o.has[p] && o.n_all[p] < least) least = o.n_all[p];
        if (o.n_all[p] > most) most = o.n_all[p];
    }
    const bool unequal = !rc && n_with && least < most;
    if (unequal) rc = find_rules(&o, x->settings, &r, err);
    /* More than a rule left every problem with was drawn by number. */
    const int64_t n = r.best.seq && least <= r.least ? r.n_0 : least;
    if (unequal && !rc && !(r.begin && most <= r.begin))
        rc = estimate(arena, &o, &r, n, n_with, e, first, err);
    rn_seq_free(r.best.seq);
    rn_arena_free(&o.arena);
    return rc;
}
