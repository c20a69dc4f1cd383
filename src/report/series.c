/*
 * series.c: the curves of a report as series of points, and their CSV form.
 *
 * A budget curve is the pass@k curve with k replaced by its cost: by equation 2 its value at a
 * budget is that of the last point at or before it. A ranker's budget curve has two costs of k:
 * with its own work (x) and of the samples alone (x_sampling).
 */
#include "report/inside.h"

static const char *const names[] = {
#define X(name, text) text,
    RN_REPORT_METRICS(X)
#undef X
};

const char *rn_report_metric_name(rn_metric m)
{
    return m < RN_N_METRICS ? names[m] : "?";
}

bool rn_report_metric_add(uint32_t *set, const char *name)
{
    for (int m = 0; m < RN_N_METRICS; m++) {
        if (strcmp(names[m], name) != 0) continue;
        *set |= UINT32_C(1) << m;
        return true;
    }
    return false;
}

/* rank-score by k and by budget; `like` gives task and entrant. */
static void each_of_ranking(const rn_series *like, const rn_ranking *ranking, uint32_t metrics,
                            void (*fn)(void *user, const rn_series *s), void *user)
{
    static const rn_metric of_axis[] = {RN_METRIC_RANK_FLOP, RN_METRIC_RANK_TIME};
    rn_series s = {.metric = RN_METRIC_RANK_K,
                   .task = like->task,
                   .entrant = like->entrant,
                   .ranking = ranking,
                   .points = ranking->points,
                   .n_points = ranking->n_points};
    if (rn_report_has(metrics, s.metric)) fn(user, &s);
    for (int a = RN_AXIS_FLOP; a <= RN_AXIS_TIME; a++) {
        if (!s.entrant->priced[a] || !rn_report_has(metrics, of_axis[a])) continue;
        s.metric = of_axis[a];
        s.x = ranking->cost[a].known ? &ranking->cost[a].total : NULL;
        s.x_sampling = &s.entrant->axis[a];
        fn(user, &s);
    }
}

void rn_report_each_series(const rn_report *r, uint32_t metrics,
                           void (*fn)(void *user, const rn_series *s), void *user)
{
    static const rn_metric of_axis[RN_N_AXES] = {RN_METRIC_PASS_FLOP, RN_METRIC_PASS_TIME,
                                                 RN_METRIC_PASS_USD};
    for (size_t i = 0; i < r->n_tasks; i++) {
        const rn_report_task *t = &r->tasks[i];
        for (size_t j = 0; j < t->n_entrants; j++) {
            const rn_entrant *e = &t->entrants[j];
            rn_series s = {.metric = RN_METRIC_PASS_K,
                           .task = t,
                           .entrant = e,
                           .points = e->points,
                           .n_points = e->n_points};
            if (rn_report_has(metrics, s.metric)) fn(user, &s);
            for (int a = 0; a < RN_N_AXES; a++) {
                s.metric = of_axis[a];
                s.x = &e->axis[a];
                if (e->priced[a] && rn_report_has(metrics, s.metric)) fn(user, &s);
            }
            for (size_t k = 0; k < e->n_rankings; k++)
                each_of_ranking(&s, &e->rankings[k], metrics, fn, user);
        }
    }
}

double rn_report_series_x(const rn_series *s, int64_t k)
{
    if (s->x) return rn_stat_cost(s->x, k);
    return s->x_sampling ? NAN : (double)k;
}

static void csv_series(void *user, const rn_series *s)
{
    rn_buf *out = user;
    for (size_t i = 0; i < s->n_points; i++) {
        const rn_point *p = &s->points[i];
        rn_buf_puts(out, rn_report_metric_name(s->metric));
        rn_buf_putc(out, ',');
        rn_report_csv_field(out, s->task->name);
        rn_buf_putc(out, ',');
        rn_report_csv_field(out, s->entrant->model);
        rn_buf_putc(out, ',');
        rn_report_csv_field(out, s->ranking ? s->ranking->name : "");
        rn_buf_printf(out, ",%lld", (long long)s->entrant->n);
        rn_report_csv_number(out, s->entrant->greedy.value);
        rn_buf_printf(out, ",%lld", (long long)p->k);
        rn_report_csv_number(out, rn_report_series_x(s, p->k));
        rn_report_csv_number(out, p->value);
        rn_report_csv_number(out, p->lo);
        rn_report_csv_number(out, p->hi);
        rn_report_csv_number(out, s->x_sampling ? rn_stat_cost(s->x_sampling, p->k) : NAN);
        rn_report_csv_number(out, s->ranking ? s->ranking->random[i] : NAN);
        rn_report_csv_number(out, s->ranking ? s->ranking->perfect[i] : NAN);
        rn_buf_putc(out, '\n');
    }
}

void rn_report_csv(const rn_report *r, uint32_t metrics, rn_buf *out)
{
    rn_buf_puts(out,
                "metric,task,model,ranker,n,greedy,k,x,value,lo,hi,x_sampling,random,perfect\n");
    rn_report_each_series(r, metrics, csv_series, out);
}
