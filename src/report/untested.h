/*
 * untested.h: choosing where there are no tests: draw from a model until a sample passes all
 * examples of the prompt, at most k, then choose by the ranker `examples`; or, where none passes
 * them all, take the greedy answer of another model, the fallback.
 *
 * A problem whose prompt tells no example stops nothing: all k are drawn and chosen from; with a
 * fallback that one is asked at once. What is paid: the samples drawn, in expectation, their
 * ranking where its cost is known, and one sample of the fallback where it is asked. No verdict has
 * a say in when to stop, so that a k chosen by its cost is not chosen by the data that scores it.
 */
#ifndef RN_REPORT_UNTESTED_H
#define RN_REPORT_UNTESTED_H

#include "report/report.h"

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

#endif
