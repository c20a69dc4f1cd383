/* report_priv.h: what the rooms load and compute share: notes, growing lists in the arena, the
 * steps of rn_report_compute. */
#ifndef RN_REPORT_PRIV_H
#define RN_REPORT_PRIV_H

#include "report/report.h"

#include "stat/cascade.h"
#include "stat/tol.h"

/* Adds a sentence to the report's notes, once. */
int rn_report_note(rn_report *r, rn_err *err, const char *fmt, ...) RN_PRINTF(3, 4);

/* The task of this name and hash, made if there is none; NULL: out of memory. */
rn_report_task *rn_report_task_get(rn_report *r, const char *name, const char *hash);
/* A new entrant with everything unknown, moved in memory by the next one; NULL: out of memory. */
rn_entrant *rn_report_entrant_add(rn_report *r, rn_report_task *t, const char *model);

/* Whether the filter (NULL: everything) lets a model of a set through. */
bool rn_report_wants(const rn_report_filter *f, const char *task, const char *model);

/* A list of n items in the arena with room for one more; NULL: out of memory. */
void *rn_report_grown(rn_arena *a, void *list, size_t n, size_t size);

/* The options that reports and plans have in common, checked; strings are those of `o`. */
int rn_report_common_opts(const rn_report_options *o, rn_report_opts *out, rn_err *err);

/* Steps of rn_report_compute. */
int rn_report_curves(rn_report *r, rn_report_task *t, rn_err *err);
int rn_report_leaders(rn_report *r, rn_report_task *t, rn_err *err);
int rn_report_beyond(rn_report *r, rn_report_task *t, rn_err *err);

int rn_report_pairs(rn_report *r, rn_report_task *t, rn_err *err);
int rn_report_rankings(rn_report *r, rn_report_task *t, rn_err *err);  /* after the leaders */
int rn_report_rank_best(rn_report *r, rn_report_task *t, rn_err *err); /* after the rankings */

/* What each ranked model comes to, at the k of the options; with an `axis` below RN_N_UNITS at the
 * largest k whose expected cost a budget pays for, n budgets per problem, by default one sample of
 * the most expensive model with a greedy answer. That one is also the fallback, unless the options
 * name another. */
typedef struct rn_untested_ask {
    rn_unit axis;
    const double *budgets; /* [n], increasing */
    size_t n;
} rn_untested_ask;

/* Appends columns and rows to *to, empty before; no rows where nothing is ranked by examples: a
 * note of the report says so if it was asked for by name. After the curves. */
int rn_report_untested(rn_report *r, rn_report_task *t, const rn_untested_ask *ask, rn_rows *to,
                       rn_err *err);

/* What rn_stat_extrapolate asks of an entrant with a table; ks and n_ks are the caller's to
 * fill. */
int rn_report_beyond_ask(rn_report *r, const rn_report_task *t, const rn_entrant *e,
                         rn_extra_ask *ask, rn_err *err);

int rn_report_findings(rn_report *r, rn_report_task *t, rn_err *err); /* last */

/* Whether one more sample of an entrant has a cost of its own: not where only batches were
 * timed. */
bool rn_report_linear(const rn_entrant *e, rn_unit axis);
/* What one sample of a linear entrant costs. */
rn_drawcost rn_report_draw_cost(const rn_report *r, const rn_entrant *e, rn_unit axis);
/* Its curves over the common problems up to k, stopping at the first pass or paying for all k. The
 * caller frees *out. */
int rn_report_arm(const rn_report *r, const rn_report_task *t, const rn_entrant *e, rn_unit axis,
                  int64_t k, bool stop, rn_arm **out, rn_err *err);
/* From which budget on, per problem, more samples would be paid for than the arm's curve has: in
 * expectation, or, with the cost `next` > 0 of one more sample, where all fail. */
double rn_report_arm_ends(const rn_arm *arm, double next);

/* The model in a ranker's name: "nll:my-7b" is "my-7b". */
const char *rn_report_ranker_model(const rn_ranking *k);
/* The mean prompt length of an entrant's samples, else the one that the user gave; NAN unknown. */
double rn_report_mean_prompt(const rn_report *r, const rn_entrant *e);

/* The k after k among 1, 2, 4, ... and k_max; above k_max at the end. */
int64_t rn_report_next_power(int64_t k, int64_t k_max);
/* The k at which a curve is shown; see curves.c. *n of them, rising; NULL: out of memory. */
int64_t *rn_report_chart_ks(rn_report *r, int64_t k_max, int64_t n_cols, size_t *n);

/* A published entrant's curve at k: the largest published k' <= k, or interpolated; lo and hi are
 * the published values around k. NAN outside of the published range. */
rn_cell rn_report_published_at(const rn_entrant *e, int64_t k, bool interpolate);

/* The mean of rn_flop_prompt over the entrant's prompts, prompt_tok where they are unknown. */
double rn_report_exact_prompt(const rn_shape *s, const rn_tokens *t, double prompt_tok);
/* Mean FLOPs that a sample adds, exact from the sums in t (n_gen > 0). */
double rn_report_exact_sample(const rn_shape *s, const rn_tokens *t, double prompt_tok);

/* Where a grid of budgets ends: at the second largest of what is added, or the only one. */
typedef struct rn_grid_end {
    double first, second;
} rn_grid_end;
static inline void rn_grid_end_add(rn_grid_end *g, double end)
{
    if (end > g->second) g->second = fmin(end, g->first);
    if (end > g->first) g->first = end;
}
static inline double rn_grid_end_of(const rn_grid_end *g)
{
    return g->second > 0 ? g->second : g->first;
}

/* Column j of a table [n, width]. */
void rn_report_column(const double *table, size_t n, size_t width, size_t j, double *out);
/* The common problems' rows of an entrant's table, [n_common, n_cols]; NULL: out of memory. */
const double *rn_report_common_table(rn_report *r, const rn_report_task *t, const rn_entrant *e);

#endif
