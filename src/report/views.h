/*
 * views.h: the views of a report as typed rows (rows.h), which every renderer reads.
 *
 * To show a new metric: compute it in a file of its own, into rows or a struct of the task; write a
 * rn_view_fill here; add a line to RN_REPORT_METRICS (report.h) and to the list in views.c. Text,
 * JSON and CSV follow, and a figure by naming its two columns (figure.c).
 */
#ifndef RN_REPORT_VIEWS_H
#define RN_REPORT_VIEWS_H

#include "report/report.h"

/* Fills *out (empty before) for a task; on an axis where the view has one. */
typedef void rn_view_fill(const rn_report *r, const rn_report_task *t, rn_unit axis, rn_rows *out);

typedef struct rn_view {
    rn_metric metric;
    rn_unit axis;
    rn_view_fill *fill;
} rn_view;

/* The tables for people, in their order; NULL past the end. */
const rn_view *rn_view_at(size_t i);

/* Those that JSON has besides. */
rn_view_fill rn_view_leaders, rn_view_crossings, rn_view_rankers, rn_view_reach;

/* The ranker `examples` of a task, NULL if there is none; and a line on how many of its examples
 * stand in the tests, so that a reader knows what choosing by them is worth. */
const rn_ranking *rn_view_examples(const rn_report_task *t);
void rn_view_put_examples(const rn_report_task *t, rn_buf *out);

/* One curve as it leaves the program: points over k or a budget. */
typedef struct rn_series {
    rn_metric metric;
    const rn_report_task *task;
    const rn_entrant *entrant;
    const rn_ranking *ranking;  /* NULL: pass@k */
    const rn_kcost *x;          /* cost of k; NULL: x is k, or unknown if x_sampling is there */
    const rn_kcost *x_sampling; /* a ranker's budget: the samples alone; NULL otherwise */
    const rn_point *points;     /* [n_points] */
    size_t n_points;
} rn_series;
/* Calls fn for every series of the chosen metrics, in a fixed order. */
void rn_view_each_series(const rn_report *r, uint32_t metrics,
                         void (*fn)(void *user, const rn_series *s), void *user);
/* Its points: columns k, x, value, lo, hi, and x_sampling, random, perfect of rankings. */
void rn_view_series(const rn_series *s, rn_rows *out);

#endif
