/*
 * curves.c: pass@k of each entrant with intervals, at enough k for a chart.
 *
 * Intervals come from one bootstrap over the problems that all sampled entrants of a task have, so
 * that entrants are resampled together. An entrant with other problems besides gets a bootstrap of
 * its own for its curve.
 */
#include "report/report_priv.h"

enum { DENSE = 32, PER_OCTAVE = 8 };

int64_t rn_report_next_power(int64_t k, int64_t k_max)
{
    return k < k_max && 2 * k > k_max ? k_max : 2 * k;
}

/* The k at which a curve is shown: all up to DENSE, then PER_OCTAVE a doubling, every power of two,
 * the last robust one and what the user asked for. *n of them, rising; NULL: out of memory. */
int64_t *rn_report_chart_ks(rn_report *r, int64_t k_max, int64_t n_cols, size_t *n)
{
    size_t cap = DENSE + 64 * PER_OCTAVE + r->opts.n_ks + 1;
    int64_t *k = rn_arena_array(&r->arena, cap, sizeof *k);
    if (!k) return NULL;
    *n = 0;
    size_t asked = 0;
    for (int64_t next = 1; next <= n_cols;) {
        k[(*n)++] = next;
        int64_t after = next + 1;
        if (next >= DENSE) {
            int64_t octave = 1;
            while (2 * octave <= next)
                octave *= 2;
            after = next - next % (octave / PER_OCTAVE) + octave / PER_OCTAVE;
        }
        if (next < k_max && after > k_max) after = k_max;
        if (next >= k_max) after = INT64_MAX; /* beyond the robust curve only what was asked for */
        while (asked < r->opts.n_ks && r->opts.ks[asked] <= next)
            asked++;
        if (asked < r->opts.n_ks && r->opts.ks[asked] < after) after = r->opts.ks[asked];
        next = after;
    }
    return k;
}

static int published_points(rn_report *r, rn_entrant *e, rn_err *err)
{
    rn_point *p = rn_arena_array(&r->arena, e->n_published, sizeof *p);
    if (!p) return rn_nomem(err, "report");
    for (size_t i = 0; i < e->n_published; i++)
        p[i] = (rn_point){e->published_k[i], e->published[i], NAN, NAN, true};
    e->points = p;
    e->n_points = e->n_published;
    e->k_max = e->published_k[e->n_published - 1];
    return 0;
}

/* --missing refuse: an error that names the first problem that lacks verdicts. */
static int refuse(const rn_report *r, const rn_report_task *t, const rn_entrant *e, rn_err *err)
{
    for (size_t i = 0; i < t->n_problems && r->opts.missing == RN_MISSING_REFUSE; i++) {
        const rn_count *c = &e->counts[i];
        if (c->n && !c->missing) continue;
        return rn_fail(err, RN_EINVAL,
                       "%s: %s: %lld of %lld samples have no verdict; run `ration judge -s %s`, or "
                       "choose --missing drop or fail",
                       e->model, t->task_ids[i], (long long)c->missing,
                       (long long)(c->n + c->missing), t->store);
    }
    return 0;
}

/* The sums over all samples of a run that a question ended, and in words what is from which. */
static int note_ruled(rn_report *r, const rn_report_task *t, rn_entrant *e, rn_err *err)
{
    const int64_t n = e->cov.min_n;
    int64_t all = 0, passed = 0, missing = 0, least = INT64_MAX, most = 0;
    for (size_t i = 0; i < t->n_problems; i++) {
        const rn_count *c = &e->counts[i];
        all += c->n;
        passed += c->c;
        missing += c->missing;
        if (c->n > most) most = c->n;
        if (c->n && c->n < least) least = c->n;
    }
    if (r->opts.missing == RN_MISSING_FAIL) all += missing;
    e->cov.n_samples = all;
    e->cov.n_passed = passed;
    e->cov.n_missing = missing;
    if (!e->ruled)
        return rn_report_note(r, err,
                              "%s on %s: sampled until a question was answered, %lld to %lld "
                              "samples of a problem: estimates are from the first %lld of each",
                              e->model, t->name, (long long)least, (long long)most, (long long)n);
    return rn_report_note(r, err,
                          "%s on %s: sampled until '%s' was answered, %lld to %lld samples of a "
                          "problem: pass@1 to pass@%lld are from %lld samples, without bias under "
                          "its rule, all else is from the first %lld of each problem",
                          e->model, t->name, e->ruled->question, (long long)least, (long long)most,
                          (long long)e->ruled->k, (long long)e->ruled->n_taken, (long long)n);
}

/* The columns that a rule gives, where it was followed with nothing missing: a sample that counts
 * as failed without a verdict is none of its outcomes. */
static void take_ruled(const rn_report_task *t, const rn_entrant *e, double *table)
{
    const size_t k = (size_t)e->ruled->k;
    double *row = table;
    for (size_t i = 0; i < t->n_problems; i++) {
        if (!e->keep[i]) continue;
        const bool whole = e->eff[i].n == e->base[i].n && e->ruled->counts[i].n > 0;
        if (whole) memcpy(row, &e->ruled->rows[i * k], k * sizeof *row);
        row += e->n_cols;
    }
}

/* Effective counts, rows and the table of one sampled entrant. */
static int tabulate(rn_report *r, const rn_report_task *t, rn_entrant *e, rn_err *err)
{
    rn_count *eff = rn_arena_array(&r->arena, t->n_problems, sizeof *eff);
    uint8_t *keep = rn_arena_array(&r->arena, t->n_problems, 1);
    if (!eff || !keep) return rn_nomem(err, "report");
    int rc = refuse(r, t, e, err);
    if (rc) return rc;
    rc = rn_stat_cover(e->base ? e->base : e->counts, t->n_problems, r->opts.missing, eff, keep,
                       &e->cov, err);
    if (rc) return rn_err_prefix(err, "%s", e->model);
    e->eff = eff;
    e->keep = keep;
    e->k_max = e->cov.k_max;
    if (e->ruled && e->ruled->k > e->k_max) e->k_max = e->ruled->k;
    e->n_cols = e->k_max;
    if (e->base) rc = note_ruled(r, t, e, err);
    if (rc) return rc;
    if (e->k_max == 0) return 0; /* note_unjudged says it */
    for (size_t i = 0; i < r->opts.n_ks; i++) {
        int64_t k = r->opts.ks[i];
        if (k > e->n_cols && k <= e->cov.min_n) e->n_cols = k;
        if (k <= e->cov.min_n) continue;
        rc = rn_report_note(
            r, err, "%s on %s: no pass@%lld, since a problem has only %lld sample%s", e->model,
            t->name, (long long)k, (long long)e->cov.min_n, rn_plural(e->cov.min_n, "", "s"));
        if (rc) return rc;
    }
    double *table = rn_arena_array(&r->arena, e->cov.n_used * (size_t)e->n_cols, sizeof *table);
    if (!table) return rn_nomem(err, "report");
    e->table = table;
    rc = rn_stat_pass_table(eff, keep, t->n_problems, e->n_cols, table, err);
    if (!rc && e->ruled) take_ruled(t, e, table);
    return rc;
}

static int sampled_points(rn_report *r, const rn_report_task *t, rn_entrant *e, rn_err *err)
{
    if (!e->table) return 0;
    size_t n = 0, rows = e->cov.n_used;
    int64_t *ks = rn_report_chart_ks(r, e->k_max, e->n_cols, &n);
    rn_point *p = ks ? rn_arena_array(&r->arena, n, sizeof *p) : NULL;
    double *cols = malloc(rows * n * sizeof *cols);
    rn_interval *at = malloc(n * sizeof *at);
    rn_boot *own = NULL;
    int rc = p && cols && at ? 0 : rn_nomem(err, "report");
    if (!rc && rows != t->n_common)
        rc = rn_stat_boot_new(rows, (size_t)r->opts.n_resamples, r->opts.seed, &own, err);
    if (!rc) {
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < n; j++)
                cols[i * n + j] = e->table[i * (size_t)e->n_cols + (size_t)ks[j] - 1];
        rc = rn_stat_boot_interval(own ? own : t->boot, cols, n, r->opts.level, at, err);
    }
    if (!rc) {
        for (size_t j = 0; j < n; j++)
            p[j] = (rn_point){ks[j], at[j].value, at[j].lo, at[j].hi, ks[j] <= e->k_max};
        e->points = p;
        e->n_points = n;
    }
    rn_stat_boot_free(own);
    free(at);
    free(cols);
    return rc;
}

/* Where an extrapolated curve is computed: its start, then every quarter of an octave, then the
 * end. */
static size_t beyond_ks(int64_t from, int64_t to, int64_t *ks, size_t cap)
{
    size_t n = 0;
    ks[n++] = from;
    for (int64_t octave = 1; octave < to; octave *= 2)
        for (int64_t q = 4; q < 8 && n + 1 < cap; q++)
            if (octave * q / 4 > ks[n - 1] && octave * q / 4 < to) ks[n++] = octave * q / 4;
    ks[n++] = to;
    return n;
}

/* Of a run that a question ended all samples that its rule took: a fit does not ask why sampling
 * ended. The curve goes on where it ends. */
int rn_report_beyond_ask(rn_report *r, const rn_report_task *t, const rn_entrant *e,
                         rn_extra_ask *ask, rn_err *err)
{
    rn_count *counts = rn_arena_array(&r->arena, t->n_problems + 1, sizeof *counts);
    double *fail = rn_arena_array(&r->arena, t->n_problems + 1, sizeof *fail);
    if (!counts || !fail) return rn_nomem(err, "report");
    for (size_t i = 0, row = 0; i < t->n_problems; i++) {
        if (!e->keep[i]) continue;
        const bool ruled = e->ruled && e->ruled->counts[i].n > e->eff[i].n;
        counts[i] = ruled ? e->ruled->counts[i] : e->eff[i];
        fail[i] = 1 - e->table[row++ * (size_t)e->n_cols + (size_t)e->k_max - 1];
    }
    *ask = (rn_extra_ask){.eff = counts,
                          .keep = e->keep,
                          .n = t->n_problems,
                          .fail = fail,
                          .from_k = e->k_max,
                          .n_resamples = (size_t)r->opts.n_resamples,
                          .seed = r->opts.seed,
                          .level = r->opts.level};
    return 0;
}

/* pass@k beyond the samples, where it was asked for and the counts allow it. */
static int beyond_points(rn_report *r, const rn_report_task *t, rn_entrant *e, rn_err *err)
{
    enum { CAP = 96 };
    const int64_t to = r->opts.extrapolate;
    rn_extra_ask ask;
    if (!e->table) return 0;
    int rc = rn_report_beyond_ask(r, t, e, &ask, err);
    if (rc || to <= ask.from_k) return rc;
    const char *why = rn_stat_extrapolate_why_not(ask.eff, e->keep, t->n_problems, to);
    if (why)
        return rn_report_note(r, err, "%s on %s: no extrapolation to k = %lld: %s", e->model,
                              t->name, (long long)to, why);
    int64_t ks[CAP];
    size_t n = beyond_ks(ask.from_k, to, ks, CAP);
    rn_interval at[CAP];
    rn_point *p = rn_arena_array(&r->arena, n, sizeof *p);
    if (!p) return rn_nomem(err, "report");
    ask.ks = ks;
    ask.n_ks = n;
    rc = rn_stat_extrapolate(&ask, at, &e->beyond_about, err);
    if (rc) return rc;
    for (size_t i = 0; i < n; i++)
        p[i] = (rn_point){ks[i], at[i].value, at[i].lo, at[i].hi, false};
    e->beyond = p;
    e->n_beyond = n;
    return 0;
}

/* One note on the samples of a task that have no verdict, with the command that gives them one. */
static int note_unjudged(rn_report *r, const rn_report_task *t, rn_err *err)
{
    rn_buf who = {0};
    int64_t missing = 0;
    size_t complete = 0;
    for (size_t j = 0; j < t->n_entrants; j++) {
        const rn_entrant *e = &t->entrants[j];
        if (!e->counts || !e->cov.n_missing) continue;
        missing += e->cov.n_missing;
        rn_buf_printf(&who, "%s%s %lld", who.len ? ", " : "", e->model,
                      (long long)e->cov.n_missing);
    }
    for (size_t i = 0; i < t->n_problems && missing; i++) {
        bool whole = true;
        for (size_t j = 0; j < t->n_entrants; j++) {
            const rn_count *c = t->entrants[j].counts ? &t->entrants[j].counts[i] : NULL;
            whole &= !c || (c->n > 0 && c->missing == 0);
        }
        complete += whole;
    }
    int rc = 0;
    if (missing)
        rc = rn_report_note(r, err,
                            "%s: %lld sample%s without a verdict (%s), %zu of %zu problems %s "
                            "complete: run `ration judge -s %s`",
                            t->name, (long long)missing, rn_plural((int64_t)missing, "", "s"),
                            who.data ? who.data : "?", complete, t->n_problems,
                            rn_plural((int64_t)complete, "is", "are"), t->store);
    rn_buf_free(&who);
    return rc;
}

/* The problems that all sampled entrants have, and the bootstrap over them. */
static int find_common(rn_report *r, rn_report_task *t, rn_err *err)
{
    uint8_t *common = rn_arena_array(&r->arena, t->n_problems + 1, 1);
    if (!common) return rn_nomem(err, "report");
    bool any = false;
    memset(common, 1, t->n_problems);
    for (size_t j = 0; j < t->n_entrants; j++) {
        const rn_entrant *e = &t->entrants[j];
        any |= e->table != NULL;
        for (size_t i = 0; e->table && i < t->n_problems; i++)
            common[i] &= e->keep[i];
    }
    if (!any) return 0;
    for (size_t i = 0; i < t->n_problems; i++)
        t->n_common += common[i];
    t->common = common;
    for (size_t j = 0; j < t->n_entrants; j++) {
        const rn_entrant *e = &t->entrants[j];
        if (!e->table || e->cov.n_used == t->n_common) continue;
        int rc = rn_report_note(r, err,
                                "%s: %s has %zu problem%s, all together have %zu: comparisons use "
                                "%s",
                                t->name, e->model, e->cov.n_used,
                                rn_plural((int64_t)e->cov.n_used, "", "s"), t->n_common,
                                rn_plural((int64_t)t->n_common, "this one", "these"));
        if (rc) return rc;
    }
    if (t->n_common == 0)
        return rn_report_note(r, err, "%s: no problem was judged for every model: no comparisons",
                              t->name);
    return rn_stat_boot_new(t->n_common, (size_t)r->opts.n_resamples, r->opts.seed, &t->boot, err);
}

const double *rn_report_common_table(rn_report *r, const rn_report_task *t, const rn_entrant *e)
{
    size_t k = (size_t)e->k_max, cols = (size_t)e->n_cols;
    if (e->cov.n_used == t->n_common && k == cols) return e->table;
    double *out = rn_arena_array(&r->arena, t->n_common * k, sizeof *out);
    if (!out) return NULL;
    const double *row = e->table;
    double *to = out;
    for (size_t i = 0; i < t->n_problems; i++) {
        if (!e->keep[i]) continue;
        if (t->common[i]) {
            memcpy(to, row, k * sizeof *to);
            to += k;
        }
        row += cols;
    }
    return out;
}

int rn_report_curves(rn_report *r, rn_report_task *t, rn_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < t->n_entrants && !rc; i++) {
        rn_entrant *e = &t->entrants[i];
        if (e->n_published)
            rc = published_points(r, e, err);
        else if (e->counts)
            rc = tabulate(r, t, e, err);
    }
    if (!rc) rc = note_unjudged(r, t, err);
    if (!rc) rc = find_common(r, t, err);
    for (size_t i = 0; i < t->n_entrants && !rc; i++)
        rc = sampled_points(r, t, &t->entrants[i], err);
    for (size_t i = 0; i < t->n_entrants && !rc && r->opts.extrapolate; i++)
        rc = beyond_points(r, t, &t->entrants[i], err);
    return rc;
}

void rn_report_column(const double *table, size_t n, size_t width, size_t j, double *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = table[i * width + j];
}
