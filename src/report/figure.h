/*
 * figure.h: the report's curves as figures for papers (report/plot.h).
 */
#ifndef RN_REPORT_FIGURE_H
#define RN_REPORT_FIGURE_H

#include "report/report.h"

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

#endif
