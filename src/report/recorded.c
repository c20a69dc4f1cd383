/*
 * recorded.c: see recorded.h.
 *
 * The report's own curves and its own bootstrap, read at the k that are asked for. One model is
 * read from its curve, over all problems that it has; two are compared over the problems that all
 * models of the report have, paired, as its budgets are (leaders.c). A curve ends where the
 * report's does.
 */
#include "report/recorded.h"

#include "report/report_priv.h"

/* The entrant of a run; of two tasks of one set (base tests, and more) the later one. */
static rn_entrant *find(rn_report *r, int64_t run_id, rn_report_task **task)
{
    for (size_t i = r->n_tasks; i-- > 0;)
        for (size_t j = 0; j < r->tasks[i].n_entrants; j++)
            if (r->tasks[i].entrants[j].run_id == run_id) {
                *task = &r->tasks[i];
                return &r->tasks[i].entrants[j];
            }
    return NULL;
}

static void read_curve(const rn_entrant *e, const int64_t *ks, size_t n, rn_interval *out)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < e->n_points; j++)
            if (e->points[j].k == ks[i] && e->points[j].robust)
                out[i] = (rn_interval){e->points[j].value, e->points[j].lo, e->points[j].hi,
                                       RN_INTERVAL_PERCENTILE};
}

static int read_differences(rn_report *r, const rn_report_task *t, rn_entrant *const e[2],
                            const rn_recorded_ask *ask, rn_interval *out, rn_err *err)
{
    const size_t n = t->n_common;
    const double *a = rn_report_common_table(r, t, e[0]), *b = rn_report_common_table(r, t, e[1]);
    double *x = rn_arena_array(&r->arena, 2 * n + 1, sizeof *x), *y = x + n;
    int rc = a && b && x ? 0 : rn_nomem(err, "report");
    for (size_t i = 0; !rc && i < ask->n_points; i++) {
        const int64_t k = ask->ks[0][i], l = ask->ks[1][i];
        if (k > e[0]->k_max || l > e[1]->k_max) continue;
        rn_report_column(a, n, (size_t)e[0]->k_max, (size_t)k - 1, x);
        rn_report_column(b, n, (size_t)e[1]->k_max, (size_t)l - 1, y);
        rc = rn_stat_boot_paired(t->boot, x, y, 1, r->opts.level, &out[i], NULL, err);
    }
    return rc;
}

static int read_all(rn_report *r, const rn_recorded_ask *ask, rn_recorded *out, rn_err *err)
{
    rn_entrant *e[2] = {NULL, NULL};
    rn_report_task *t = NULL, *other = NULL;
    e[0] = find(r, ask->run_id[0], &t);
    e[1] = ask->n_models == 2 ? find(r, ask->run_id[1], &other) : e[0];
    if (!e[0] || !e[1] || (other && other != t))
        return rn_fail(err, RN_ENOTFOUND, "%s: a model of the question is not in its report",
                       ask->as->store);
    int rc = rn_report_curves(r, t, err);
    if (rc) return rc;
    for (size_t i = 0; i < 2; i++)
        out->k_max[i] = e[i]->table ? e[i]->k_max : 0;
    out->n_problems = ask->n_models == 2 ? t->n_common : e[0]->cov.n_used;
    if (ask->n_models == 1)
        read_curve(e[0], ask->ks[0], ask->n_points, out->at);
    else if (t->boot && e[0]->table && e[1]->table)
        rc = read_differences(r, t, e, ask, out->at, err);
    for (size_t i = 0; !rc && out->note && i < r->n_notes; i++)
        out->note(out->user, r->notes[i]);
    return rc;
}

int rn_report_recorded(const rn_recorded_ask *ask, rn_recorded *out, rn_err *err)
{
    int64_t ks[sizeof out->at / sizeof *out->at];
    rn_report_opts opts;
    int rc = rn_report_common_opts(ask->as, &opts, err);
    if (rc) return rc;
    assert(ask->n_points <= sizeof ks / sizeof *ks);
    if (ask->n_models == 1) { /* so that the curve has them */
        memcpy(ks, ask->ks[0], ask->n_points * sizeof *ks);
        qsort(ks, ask->n_points, sizeof *ks, rn_by_int);
        opts.ks = ks;
        opts.n_ks = ask->n_points;
    }
    for (size_t i = 0; i < sizeof out->at / sizeof *out->at; i++)
        out->at[i] = (rn_interval){NAN, NAN, NAN, RN_INTERVAL_NONE};
    const rn_report_filter filter = {
        .task = ask->as->set, .models = ask->as->models, .n_models = ask->as->n_models};
    rn_report *r = rn_report_new(&opts);
    rc = r ? rn_report_add_store(r, ask->as->store, &filter, err) : rn_nomem(err, "report");
    if (!rc) rc = read_all(r, ask, out, err);
    rn_report_free(r);
    return rc;
}
