/* inside.h: what the files of this module share: growing lists in the arena, notes, the steps of
 * rn_report_compute. */
#ifndef RN_REPORT_INSIDE_H
#define RN_REPORT_INSIDE_H

#include "report/report.h"

#include "stat/cascade.h"

/* Adds a sentence to the report's notes, once. */
int rn_report_note(rn_report *r, rn_err *err, const char *fmt, ...) RN_PRINTF(3, 4);
int rn_report_nomem(rn_err *err); /* RN_ENOMEM with a message */

/* The task of this name and hash, made if there is none; NULL: out of memory. */
rn_report_task *rn_report_task_get(rn_report *r, const char *name, const char *hash);
/* A new entrant with everything unknown, moved in memory by the next one; NULL: out of memory. */
rn_entrant *rn_report_entrant_add(rn_report *r, rn_report_task *t, const char *model);

/* Whether the filter (NULL: everything) lets a model of a set through. */
bool rn_report_wants(const rn_report_filter *f, const char *task, const char *model);

/* A list of n items in the arena with room for one more; NULL: out of memory. */
void *rn_report_grown(rn_arena *a, void *list, size_t n, size_t size);

/* Steps of rn_report_compute. */
int rn_report_curves(rn_report *r, rn_report_task *t, rn_err *err);
int rn_report_leaders(rn_report *r, rn_report_task *t, rn_err *err);
int rn_report_beyond(rn_report *r, rn_report_task *t, rn_err *err);

int rn_report_pairs(rn_report *r, rn_report_task *t, rn_err *err);
int rn_report_rankings(rn_report *r, rn_report_task *t, rn_err *err);  /* after the leaders */
int rn_report_rank_best(rn_report *r, rn_report_task *t, rn_err *err); /* after the rankings */

/* Whether one more sample of an entrant has a cost of its own: not where only batches were timed. */
bool rn_report_linear(const rn_entrant *e, rn_axis axis);
/* What one sample of a linear entrant costs. */
rn_drawcost rn_report_draw_cost(const rn_report *r, const rn_entrant *e, rn_axis axis);
/* Its curves over the common problems up to k_limit, stopping at the first pass or paying for all
 * k. The caller frees *out. */
int rn_report_arm(const rn_report *r, const rn_report_task *t, const rn_entrant *e, rn_axis axis,
                  int64_t k_limit, bool stop, rn_arm **out, rn_err *err);

/* The entry that the user's map names for a model or ranker; NULL: none. */
const char *rn_report_mapped(const rn_price_map *map, size_t n, const char *name);
/* The model in a ranker's name: "nll:my-7b" is "my-7b". */
const char *rn_report_ranker_model(const rn_ranking *k);
/* Prices the rankings of all entrants, whose own prices are known; fills rn_ranking.cost. */
int rn_report_price_rankings(rn_report *r, const rn_price_map *map, size_t n_map, rn_err *err);

/* The k at which a curve is shown; see curves.c. *n of them, rising; NULL: out of memory. */
int64_t *rn_report_chart_ks(rn_report *r, int64_t k_max, int64_t n_cols, size_t *n);

/* One curve as it leaves the program. */
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
void rn_report_each_series(const rn_report *r, uint32_t metrics,
                           void (*fn)(void *user, const rn_series *s), void *user);

/* Fields of a CSV line: text, and a number with the comma before it, empty where it is not finite. */
void rn_report_csv_field(rn_buf *out, const char *s);
void rn_report_csv_number(rn_buf *out, double v);

/* A published entrant's curve at k: the largest published k' <= k, or interpolated; lo and hi are
 * the published values around k. NAN outside of the published range. */
rn_cell rn_report_published_at(const rn_entrant *e, int64_t k, bool interpolate);

/* x of a point; NAN unknown. */
double rn_report_series_x(const rn_series *s, int64_t k);

/* The mean of rn_flop_prompt over the entrant's prompts, prompt_tok where they are unknown. */
double rn_report_exact_prompt(const rn_shape *s, const rn_tokens *t, double prompt_tok);
/* Mean FLOPs that a sample adds, exact from the sums in t (n_gen > 0). */
double rn_report_exact_sample(const rn_shape *s, const rn_tokens *t, double prompt_tok);

/* The common problems' rows of an entrant's table, [n_common, n_cols]; NULL: out of memory. */
const double *rn_report_common_table(rn_report *r, const rn_report_task *t, const rn_entrant *e);

#endif
