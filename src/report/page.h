/*
 * page.h: a report as one self-contained page that can be read offline and in print.
 *
 * The page holds the JSON of rn_report_json, the problem map of page_map.h, Chart.js, and the
 * files of data/page. Everything in it that came from models, data sets and stores is data: the
 * policy in its head lets only its own two scripts run, and forbids every network request.
 */
#ifndef RN_REPORT_PAGE_H
#define RN_REPORT_PAGE_H

#include "report/report.h"

typedef struct rn_html_opts {
    const char *chart_js; /* Chart.js 3 or 4, UMD build; NULL: where Debian's package puts it */
    const char *title;    /* NULL: made from the names of the tasks */
} rn_html_opts;

/* Appends the page to *out. `r` is computed, the stores it was made from are read again for texts.
 * o may be NULL. RN_ENOTFOUND: Chart.js or a file of ours is missing; the message says what to
 * install. */
int rn_report_html(const rn_report *r, const rn_html_opts *o, rn_buf *out, rn_err *err);

#endif
