/*
 * render.h: what leaves a report: a computed one as a screen, tables, CSV and JSON (render.c), as a
 * page (page.c, page_map.c), as figures for papers (figure.c over plot.h); and the comparison of
 * verdicts (against.c). Texts are appended to *out; those without an rn_err fail only when memory
 * is out (rn_buf_ok).
 */
#ifndef RN_REPORT_RENDER_H
#define RN_REPORT_RENDER_H

#include "report/report.h"

/* At most 45 lines: the answer on each axis, who leads at which budget, what is missing,
 * conditions. */
void rn_report_screen(const rn_report *r, rn_buf *out);
/* Every table of the chosen metrics, conditions at the end. */
void rn_report_text(const rn_report *r, uint32_t metrics, rn_buf *out);
void rn_report_csv(const rn_report *r, uint32_t metrics, rn_buf *out);
void rn_report_json(const rn_report *r, uint32_t metrics, rn_buf *out);

/* The findings of a task as sentences, one per line: who leads, ranking without tests, a score to
 * reach; on each axis. */
void rn_report_sentences(const rn_report_task *t, rn_buf *out);
/* What is missing, as paragraphs "note: ..."; nothing where nothing is. */
void rn_report_notes(const rn_report *r, rn_buf *out);
/* The member "notes" of an object. */
void rn_report_json_notes(const rn_report *r, rn_buf *out);

/* ---- the page: self-contained, to be read offline and in print ------------------------------- */

/* It holds the JSON of rn_report_json, the problem map, Chart.js, and the files of data/page.
 * Everything in it that came from models, data sets and stores is data: the policy in its head lets
 * only its own two scripts run, and forbids every network request. */
typedef struct rn_html_opts {
    const char *chart_js; /* Chart.js 3 or 4, UMD build; NULL: where Debian's package puts it */
    const char *title;    /* NULL: made from the names of the tasks */
} rn_html_opts;

/* Appends the page to *out. `r` is computed, the stores it was made from are read again for texts.
 * o may be NULL. RN_ENOTFOUND: Chart.js or a file of ours is missing; the message says what to
 * install. */
int rn_report_html(const rn_report *r, const rn_html_opts *o, rn_buf *out, rn_err *err);
/* Appends problems, counts and chosen texts of every task as one JSON object, docs/FORMATS.md has
 * its form. The stores are opened for reading. */
int rn_html_map(const rn_report *r, rn_buf *out, rn_err *err);

/* ---- figures --------------------------------------------------------------------------------- */

/* What one file shows, one row of panels for each task (and generator, where ranking is shown). */
#define RN_FIGURES(X)                                                            \
    X(STUDY, "study") /* pass@k over k, FLOPs and wall-time, as far as priced */ \
    X(PASS_K, "pass@k")                                                          \
    X(FLOP, "flops")                                                             \
    X(TIME, "time")                                                              \
    X(USD, "usd")                                                                \
    X(RANK, "rank") /* rank-score over k, FLOPs and wall-time */                 \
    X(RANK_K, "rank-k")                                                          \
    X(RANK_FLOP, "rank-flops")                                                   \
    X(RANK_TIME, "rank-time")                                                    \
    X(STOPPING, "stopping")                                                      \
    X(REALLOCATION, "reallocation")                                              \
    X(CASCADE, "cascade")
#define RN_FIGURE_ENUM(name, text) RN_FIGURE_##name,
typedef enum rn_figure { RN_FIGURES(RN_FIGURE_ENUM) RN_N_FIGURES } rn_figure;
#undef RN_FIGURE_ENUM

const char *rn_figure_name(rn_figure f); /* static; NULL out of range */

/* Draws it into an SVG, PDF or PNG file. RN_ENOTFOUND: the report has nothing of it, and the
 * message says what is missing; others as rn_plot_write. */
int rn_report_figure(const rn_report *r, rn_figure f, const char *path, rn_err *err);

/* ---- verdicts of our own beside those that came with an import (docs/METRICS.md) ------------- */

/* Appends the comparison of the runs that the options name, in their format. RN_ENOTFOUND when no
 * sample has both verdicts. */
int rn_report_against(const rn_report_options *o, rn_buf *text, rn_err *err);

#endif
