/*
 * plot.h: figures for papers, drawn by gnuplot into one SVG, PDF or PNG file.
 *
 * A figure is a grid of panels, a panel a set of series over one x axis. The same colour number has
 * the same colour in every panel and in the page (data/page/page.css). Text may hold anything: it
 * is quoted, and nothing passes through a shell.
 */
#ifndef RN_REPORT_PLOT_H
#define RN_REPORT_PLOT_H

#include "base/base.h"

typedef enum rn_plot_style {
    RN_PLOT_LINE,
    RN_PLOT_DASHED,
    RN_PLOT_DOTTED,
    RN_PLOT_STEPS,
    RN_PLOT_POINTS,
    RN_PLOT_STARS,
} rn_plot_style;

enum { RN_PLOT_GREY = -1, RN_PLOT_N_COLOURS = 8 };

/* Everything is borrowed. A point that is not finite is left out, so is one that a logarithmic axis
 * cannot show. */
typedef struct rn_plot_series {
    const char *label;     /* in the legend; NULL: not in it */
    const double *x, *y;   /* [n] */
    const double *lo, *hi; /* [n]: a band around y; NULL: none */
    size_t n;
    int colour; /* 0, 1, ...; those beyond RN_PLOT_N_COLOURS begin anew; RN_PLOT_GREY */
    rn_plot_style style;
} rn_plot_series;

typedef struct rn_plot_panel {
    const char *title, *x_label, *y_label; /* NULL: none */
    bool log_x;
    bool doublings; /* with log_x: ticks at powers of two */
    bool percent;   /* y is a fraction and shown in % */
    bool legend;
    const rn_plot_series *series; /* [n_series], later ones on top */
    size_t n_series;
} rn_plot_panel;

/* Whether the ending of `path` names a form that can be drawn: .svg, .pdf or .png. */
bool rn_plot_knows(const char *path);

/* Draws n panels, n_columns (>= 1) in a row, and replaces the file at `path` by the drawing.
 * RN_EINVAL: an unknown ending, or no panel. RN_EUNSUPPORTED: gnuplot is not installed; the message
 * says how to get it. RN_EIO: gnuplot failed, with what it said. */
int rn_plot_write(const char *path, const rn_plot_panel *panels, size_t n, size_t n_columns,
                  rn_err *err);

#endif
