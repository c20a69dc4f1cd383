/*
 * untested.c: choosing where there are no tests: draw from a model until a sample passes all
 * examples of the prompt, at most k, then choose by the ranker `examples`; or, where none passes
 * them all, take the greedy answer of another model, the fallback.
 *
 * A problem whose prompt tells no example stops nothing: all k are drawn and chosen from; with a
 * fallback that one is asked at once. What is paid: the samples drawn, in expectation, their
 * ranking where its cost is known, and one sample of the fallback where it is asked. No verdict has
 * a say in when to stop, so that a k chosen by its cost is not chosen by the data that scores it.
 *
 * A way is a model, with or without a fallback; its tables hold score, draws and the
 * chance to ask the fallback of every problem at every k, from which costs follow on
 * any axis. Rows are the task's common problems, so that one bootstrap pairs everything with the
 * greedy answers.
 */
#include "report/report_priv.h"
#include "report/views.h"
#include "stat/fold.h"

enum { N_FOLDS = 5 };

typedef struct way {
    const rn_entrant *e, *big; /* big: the fallback; NULL: choose */
    const rn_ranking *ranking;
    int64_t k_max;
    double *score, *draws, *asked; /* [n_common, k_max] */
    double *begun;                 /* [n_common]: 1 where anything is drawn */
} way;

typedef struct field {
    rn_report *r;
    rn_report_task *t;
    rn_arena a;
    way *ways; /* [n] */
    size_t n;
    const rn_entrant *big; /* the fallback; NULL: nobody has greedy answers */
    double *greedy;        /* [n_entrants, n_common]; first NAN: not all known */
    rn_rows *to;
} field;

static const double *greedy_of(const field *f, const rn_entrant *e)
{
    return f->greedy + (size_t)(e - f->t->entrants) * f->t->n_common;
}

static bool has_greedy(const field *f, const rn_entrant *e)
{
    return e->solved && !isnan(greedy_of(f, e)[0]);
}

/* ---- what there is --------------------------------------------------------------------------- */

static int read_greedy(field *f, rn_err *err)
{
    const rn_report_task *t = f->t;
    f->greedy = rn_arena_array(&f->a, t->n_entrants * t->n_common + 1, sizeof *f->greedy);
    if (!f->greedy) return rn_nomem(err, "report");
    for (size_t i = 0; i < t->n_entrants; i++) {
        double *to = f->greedy + i * t->n_common;
        bool all = t->entrants[i].solved != NULL;
        for (size_t p = 0, at = 0; p < t->n_problems && all; p++) {
            if (!t->common[p]) continue;
            to[at] = t->entrants[i].solved[p];
            all = !isnan(to[at++]);
        }
        if (!all && t->n_common) to[0] = NAN;
    }
    return 0;
}

/* The fallback that the options name, else the entrant of the most expensive sample. */
static int find_fallback(field *f, rn_err *err)
{
    const char *asked = f->r->opts.fallback;
    double most = -1;
    for (size_t i = 0; i < f->t->n_entrants; i++) {
        const rn_entrant *e = &f->t->entrants[i];
        const bool named = asked && strcmp(e->model, asked) == 0;
        if (named && !has_greedy(f, e))
            return rn_fail(
                err, RN_EINVAL,
                "--fallback %s: its greedy answers are not judged on every problem of %s; "
                "`ration generate --greedy` and `ration judge` give them",
                asked, f->t->name);
        if (!has_greedy(f, e) || (asked && !named)) continue;
        for (int u = 0; u < RN_N_UNITS; u++) {
            if (!e->priced[u] && !named) continue;
            const double cost = e->priced[u] ? rn_stat_cost(&e->axis[u], 1) : 0;
            if (cost <= most) break;
            most = cost;
            f->big = e;
            break;
        }
    }
    if (!asked || f->big) return 0;
    return rn_fail(err, RN_EINVAL, "--fallback %s: %s has no samples of it", asked, f->t->name);
}

static const rn_ranking *by_examples(const rn_entrant *e)
{
    for (size_t i = 0; i < e->n_rankings; i++)
        if (e->rankings[i].votes) return &e->rankings[i]; /* the first counts all examples */
    return NULL;
}

/* The last k that is robust on every common problem; 0: one has no ranked sample. */
static int64_t last_k(const rn_report_task *t, const rn_ranking *k)
{
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < t->n_problems; i++)
        if (t->common[i] && k->votes[i].n < least) least = k->votes[i].n;
    return least == INT64_MAX || least < 1 ? 0 : least < 2 ? 1 : least / 2;
}

static bool make_tables(field *f, way *w)
{
    const size_t n = f->t->n_common * (size_t)w->k_max;
    w->score = rn_arena_array(&f->a, n, sizeof *w->score);
    w->draws = rn_arena_array(&f->a, n, sizeof *w->draws);
    w->asked = rn_arena_array(&f->a, n, sizeof *w->asked);
    w->begun = rn_arena_array(&f->a, f->t->n_common, sizeof *w->begun);
    return w->score && w->draws && w->asked && w->begun;
}

/* One problem's row of a way from its means under stopping; greedy: of the fallback there. */
static void fill_row(way *w, size_t row, const rn_votes_stop *at, bool told, double greedy)
{
    const size_t width = (size_t)w->k_max;
    w->begun[row] = told || !w->big;
    for (size_t k = 0; k < width; k++) {
        const size_t i = row * width + k;
        w->score[i] = !w->big ? at[k].pass
                      : told  ? at[k].met_pass + (1 - at[k].met) * greedy
                              : greedy;
        w->draws[i] = w->begun[row] * at[k].draws;
        w->asked[i] = w->big ? 1 - at[k].met : 0;
        assert(w->score[i] >= -1e-9 && w->score[i] <= 1 + 1e-9);
    }
}

/* The ways of one entrant: alone, and with the fallback if that is another. */
static int add_ways(field *f, const rn_entrant *e, rn_err *err)
{
    const rn_report_task *t = f->t;
    const rn_ranking *ranking = by_examples(e);
    const int64_t k_max = ranking ? last_k(t, ranking) : 0;
    if (ranking && !k_max)
        return rn_report_note(f->r, err,
                              "%s: some problems of %s have no sample with a score of `examples`: "
                              "no choice without tests; run `ration rank -s %s`",
                              e->model, t->name, t->store);
    if (!k_max) return 0;
    way *first = &f->ways[f->n], *second = f->big && f->big != e ? first + 1 : NULL;
    rn_votes_stop *at = rn_arena_array(&f->a, (size_t)k_max, sizeof *at);
    *first = (way){.e = e, .ranking = ranking, .k_max = k_max};
    if (second) *second = (way){.e = e, .big = f->big, .ranking = ranking, .k_max = k_max};
    f->n += second ? 2 : 1;
    if (!at || !make_tables(f, first) || (second && !make_tables(f, second)))
        return rn_nomem(err, "report");
    for (size_t p = 0, row = 0; p < t->n_problems; p++) {
        if (!t->common[p]) continue;
        const rn_votes *v = &ranking->votes[p];
        int rc = rn_stat_votes_stop(v, k_max, f->r->opts.seed, p, at, err);
        if (rc) return rn_err_prefix(err, "%s", t->task_ids[p]);
        fill_row(first, row, at, v->n_known > 0, 0);
        if (second) fill_row(second, row, at, v->n_known > 0, greedy_of(f, f->big)[row]);
        row++;
    }
    return 0;
}

/* ---- costs ----------------------------------------------------------------------------------- */

static bool is_priced(const way *w, rn_unit u)
{
    return rn_report_linear(w->e, u) && (!w->big || w->big->priced[u]);
}

/* What a way costs on an axis at k, by problem, into out [n_common]. */
static void cost_rows(const field *f, const way *w, rn_unit u, int64_t k, double *out)
{
    const rn_kcost *c = &w->e->axis[u];
    const rn_rank_cost *rank = &w->ranking->cost[u];
    double shared = c->shared, each = c->per_sample;
    if (rank->known) {
        shared += rank->shared;
        each += rank->per_sample;
    }
    const double big = w->big ? rn_stat_cost(&w->big->axis[u], 1) : 0;
    for (size_t i = 0; i < f->t->n_common; i++) {
        const size_t at = i * (size_t)w->k_max + (size_t)k - 1;
        out[i] = w->begun[i] * shared + each * w->draws[at] + big * w->asked[at];
    }
}

static double mean(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return n ? sum / (double)n : NAN;
}

/* The largest k whose expected cost the budget pays for; 0: none. Costs rise with k where draws
 * cost more than the fallback that they make needless; in general they need not. */
static int64_t affordable(const field *f, const way *w, rn_unit u, double budget, double *scratch)
{
    int64_t best = 0;
    for (int64_t k = 1; k <= w->k_max; k++) {
        cost_rows(f, w, u, k, scratch);
        if (mean(scratch, f->t->n_common) <= budget * RN_STAT_SLACK) best = k;
    }
    return best;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void put_columns(const field *f, rn_unit axis)
{
    rn_rows *to = f->to;
    const bool planned = axis < RN_N_UNITS;
    if (planned)
        rn_rows_column(
            to, (rn_column){.name = "budget", .title = "budget", .as = RN_AS_AMOUNT, .unit = axis});
    static const rn_column columns[] = {
        {.name = "model", .title = "samples of", .as = RN_AS_TEXT},
        {.name = "k", .title = "up to", .as = RN_AS_WHOLE},
        {.name = "fallback", .title = "else", .as = RN_AS_TEXT},
        {.name = "value", .title = "right, %", .as = RN_AS_SCORE, .ends = RN_ENDS_NAMED},
        {.name = "draws", .title = "drawn", .as = RN_AS_FACTOR, .ends = RN_ENDS_NAMED},
        {.name = "asked", .title = "asked", .as = RN_AS_SHARE}};
    rn_rows_columns(to, columns);
    for (int u = 0; u < RN_N_UNITS; u++) {
        if (planned && u != (int)axis) continue;
        const rn_column c = {.name = rn_unit_name((rn_unit)u),
                             .title = rn_unit_words((rn_unit)u),
                             .as = RN_AS_AMOUNT,
                             .unit = (rn_unit)u,
                             .ends = RN_ENDS_NAMED,
                             .only = RN_FOR_JSON | RN_FOR_CSV};
        rn_column plain = c; /* people see it without its interval */
        plain.only = RN_FOR_PEOPLE;
        rn_rows_column(to, plain);
        rn_rows_column(to, c);
    }
    for (size_t i = 0; i < f->t->n_entrants; i++)
        if (has_greedy(f, &f->t->entrants[i]))
            rn_rows_column(to, (rn_column){.name = "less_greedy",
                                           .title = rn_arena_printf(&to->arena, "less %s",
                                                                    f->t->entrants[i].model),
                                           .as = RN_AS_POINTS,
                                           .ends = RN_ENDS_PLAIN,
                                           .model = f->t->entrants[i].model});
}

/* Mean of x [n_common], with its interval where people should see it. */
static int put_mean(const field *f, const double *x, bool fraction, rn_err *err)
{
    rn_interval iv;
    int rc = fraction ? rn_stat_boot_interval(f->t->boot, x, 1, f->r->opts.level, &iv, err)
                      : rn_stat_boot_interval_any(f->t->boot, x, 1, f->r->opts.level, &iv, err);
    if (!rc) rn_rows_interval(f->to, iv.value, iv.lo, iv.hi);
    return rc;
}

static int put_differences(const field *f, const double *score, rn_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < f->t->n_entrants && !rc; i++) {
        const rn_entrant *e = &f->t->entrants[i];
        rn_interval iv;
        if (!has_greedy(f, e)) continue;
        rc = rn_stat_boot_paired(f->t->boot, score, greedy_of(f, e), 1, f->r->opts.level, &iv, NULL,
                                 err);
        rn_datum d = {iv.value, iv.lo, iv.hi, .text = "", .k = 1};
        if (!rc) rn_rows_datum(f->to, d);
    }
    return rc;
}

/* Columns of a way at k into x: score, draws, asked, [n_common] each. */
static void at_k(const field *f, const way *w, int64_t k, double *x)
{
    const size_t n = f->t->n_common;
    const double *const tables[] = {w->score, w->draws, w->asked};
    for (size_t i = 0; i < 3; i++)
        rn_report_column(tables[i], n, (size_t)w->k_max, (size_t)k - 1, x + i * n);
}

/* x: as at_k; room for one more column behind them. budget NAN: no column. */
static int put_row(const field *f, const way *w, int64_t k, const rn_untested_ask *ask,
                   double budget, double *x, rn_err *err)
{
    const size_t n = f->t->n_common;
    rn_rows *to = f->to;
    at_k(f, w, k, x);
    if (!isnan(budget)) rn_rows_value(to, budget);
    rn_rows_word(to, w->e->model);
    rn_rows_value(to, (double)k);
    if (!isnan(budget) && k == w->k_max) rn_rows_mark(to, " +");
    rn_rows_word(to, w->big ? w->big->model : "choose");
    int rc = put_mean(f, x, true, err);
    if (!rc) rc = put_mean(f, x + n, false, err);
    rn_rows_value(to, w->big ? mean(x + 2 * n, n) : NAN);
    for (int u = 0; u < RN_N_UNITS && !rc; u++) {
        if (!isnan(budget) && u != (int)ask->axis) continue;
        const bool known = is_priced(w, (rn_unit)u);
        if (known) cost_rows(f, w, (rn_unit)u, k, x + 3 * n);
        rn_rows_value(to, known ? mean(x + 3 * n, n) : NAN);
        if (known)
            rc = put_mean(f, x + 3 * n, false, err);
        else
            rn_rows_value(to, NAN);
    }
    return rc ? rc : put_differences(f, x, err);
}

/* The k that are shown: those that were asked for, else powers of two and the last. */
static bool is_shown(const rn_report_opts *o, int64_t k, int64_t k_max)
{
    bool asked = o->n_ks == 0 && ((k & (k - 1)) == 0 || k == k_max);
    for (size_t i = 0; i < o->n_ks; i++)
        asked |= o->ks[i] == k;
    return asked;
}

static int rows_by_k(field *f, double *x, rn_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < f->n && !rc; i++)
        for (int64_t k = 1; k <= f->ways[i].k_max && !rc; k++)
            if (is_shown(&f->r->opts, k, f->ways[i].k_max))
                rc = put_row(f, &f->ways[i], k, NULL, NAN, x, err);
    return rc;
}

/* ---- at a budget ----------------------------------------------------------------------------- */

/* The way that is best on the other folds, scored on this one, in turn. */
static int put_best(const field *f, const int64_t *k, const rn_untested_ask *ask, double budget,
                    double *x, rn_err *err)
{
    const size_t n = f->t->n_common;
    uint32_t *fold = rn_arena_array((rn_arena *)&f->a, n, sizeof *fold);
    double *best = rn_arena_array((rn_arena *)&f->a, 4 * n, sizeof *best);
    if (!fold || !best) return rn_nomem(err, "report");
    int rc = rn_stat_folds(f->r->opts.seed, n, N_FOLDS, fold, err);
    if (rc) return rc;
    for (uint32_t g = 0; g < N_FOLDS; g++) {
        double most = -1;
        const way *w = NULL;
        int64_t at = 0;
        for (size_t i = 0; i < f->n; i++) {
            double sum = 0;
            if (!k[i]) continue;
            at_k(f, &f->ways[i], k[i], x);
            for (size_t p = 0; p < n; p++)
                sum += fold[p] != g ? x[p] : 0;
            if (sum <= most) continue;
            most = sum;
            w = &f->ways[i];
            at = k[i];
        }
        if (!w) return 0;
        at_k(f, w, at, x);
        cost_rows(f, w, ask->axis, at, x + 3 * n);
        for (size_t p = 0; p < n; p++)
            for (size_t c = 0; c < 4 && fold[p] == g; c++)
                best[c * n + p] = x[c * n + p];
    }
    rn_rows_value(f->to, budget);
    rn_rows_word(f->to, "best of these");
    rn_rows_value(f->to, NAN);
    rn_rows_word(f->to, "");
    rc = put_mean(f, best, true, err);
    if (!rc) rc = put_mean(f, best + n, false, err);
    rn_rows_value(f->to, mean(best + 2 * n, n));
    rn_rows_value(f->to, mean(best + 3 * n, n));
    if (!rc) rc = put_mean(f, best + 3 * n, false, err);
    return rc ? rc : put_differences(f, best, err);
}

static int rows_by_budget(field *f, const rn_untested_ask *ask, double *x, rn_err *err)
{
    const double one =
        f->big && f->big->priced[ask->axis] ? rn_stat_cost(&f->big->axis[ask->axis], 1) : NAN;
    const size_t n = ask->n ? ask->n : isnan(one) ? 0u : 1u;
    int64_t *k = rn_arena_array(&f->a, f->n, sizeof *k);
    int rc = k ? 0 : rn_nomem(err, "report");
    for (size_t b = 0; b < n && !rc; b++) {
        const double budget = ask->n ? ask->budgets[b] : one;
        size_t shown = 0;
        for (size_t i = 0; i < f->n && !rc; i++) {
            const way *w = &f->ways[i];
            k[i] = is_priced(w, ask->axis) ? affordable(f, w, ask->axis, budget, x) : 0;
            if (k[i]) rc = put_row(f, w, k[i], ask, budget, x, err);
            shown += k[i] > 0;
        }
        if (!rc && shown > 1 && f->t->n_common >= 2 * N_FOLDS)
            rc = put_best(f, k, ask, budget, x, err);
    }
    return rc;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static void put_words(const field *f, const rn_untested_ask *ask)
{
    rn_rows *to = f->to;
    bool any = false;
    to->title =
        ask->axis < RN_N_UNITS
            ? rn_arena_printf(&to->arena,
                              "without tests, at an expected %s per problem: up to k samples, "
                              "stopping at the first that passes all examples",
                              rn_unit_words(ask->axis))
            : "without tests: up to k samples, stopping at the first that passes all examples";
    for (size_t i = 0; i < f->t->n_entrants; i++) {
        const rn_entrant *e = &f->t->entrants[i];
        if (!has_greedy(f, e)) continue;
        rn_buf_printf(&to->lead, "%s%s %.1f", any ? ", " : "one greedy answer, %: ", e->model,
                      100 * mean(greedy_of(f, e), f->t->n_common));
        any = true;
    }
    if (any) rn_buf_puts(&to->lead, "\n");
    rn_buf_puts(&to->foot,
                "else, where no sample passes all examples: choose among those drawn, by "
                "them and agreement; or ask a model for its greedy answer (asked: how "
                "often)\ndrawn and costs are expected, ranking is charged; less: paired "
                "difference to the greedy answer, points\n");
    if (ask->axis < RN_N_UNITS)
        rn_buf_printf(
            &to->foot,
            "best of these: chosen on the other %d of %d parts of the problems, in turn\n",
            N_FOLDS - 1, N_FOLDS);
    rn_view_put_examples(f->t, &to->foot);
    if (rn_rows_marked(to))
        rn_buf_puts(&to->foot, "+ the budget pays for more samples than are robust (half of the "
                               "recorded ones)\n");
}

int rn_report_untested(rn_report *r, rn_report_task *t, const rn_untested_ask *ask, rn_rows *to,
                       rn_err *err)
{
    if (!t->boot || t->n_common == 0) return 0;
    field f = {.r = r, .t = t, .to = to};
    f.ways = rn_arena_array(&f.a, 2 * t->n_entrants, sizeof *f.ways);
    double *x = rn_arena_array(&f.a, 4 * t->n_common, sizeof *x);
    int rc = f.ways && x ? read_greedy(&f, err) : rn_nomem(err, "report");
    if (!rc) rc = find_fallback(&f, err);
    for (size_t i = 0; i < t->n_entrants && !rc; i++)
        if (t->entrants[i].table) rc = add_ways(&f, &t->entrants[i], err);
    if (!rc && f.n) {
        put_columns(&f, ask->axis);
        rc = ask->axis < RN_N_UNITS ? rows_by_budget(&f, ask, x, err) : rows_by_k(&f, x, err);
        if (rn_rows_n(to)) put_words(&f, ask);
    }
    rn_arena_free(&f.a);
    return rc;
}
