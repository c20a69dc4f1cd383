/* against.h: verdicts of our own beside those that came with an import (docs/METRICS.md). */
#ifndef RN_REPORT_AGAINST_H
#define RN_REPORT_AGAINST_H

#include "base/base.h"

/* Appends the comparison of the runs that the options name, in their format. RN_ENOTFOUND when no
 * sample has both verdicts. */
int rn_report_against(const rn_report_options *o, rn_buf *text, rn_err *err);

#endif
