/* page_map.h: the problem map of the page; docs/FORMATS.md has its form. */
#ifndef RN_REPORT_PAGE_MAP_H
#define RN_REPORT_PAGE_MAP_H

#include "report/report.h"

/* Appends problems, counts and chosen texts of every task as one JSON object. The stores are opened
 * for reading. */
int rn_html_map(const rn_report *r, rn_buf *out, rn_err *err);

#endif
