/*
 * looks.h: an estimate that is looked at several times, each time with more information, until it
 * is known on which side of 0 the truth lies.
 *
 * Looks have estimates d_1, d_2, ... with variances v_1 > v_2 > ... whose covariances are
 * Cov(d_r, d_s) = v_s for r < s, and are normal: then d_r / v_r has independent increments (the
 * canonical joint distribution of group sequential tests; Jennison and Turnbull 1997). Of the error
 * 1 - level a given share is spent up to each look (Lan and DeMets 1983): the boundary c_r is where
 * P(|d_r| / sqrt(v_r) >= c_r for the first time at r), at a truth of 0, is what the look may spend.
 *
 * The interval after the last look orders outcomes by look, then by value (Tsiatis, Rosner, Mehta
 * 1984): it has its level whatever made it end, and excludes 0 exactly where a boundary was
 * crossed. The interval before the end, d_r -+ c_r sqrt(v_r), holds at all looks together: it is
 * what may be said when somebody else ends it (Jennison and Turnbull 1989). docs/METRICS.md.
 */
#ifndef RN_STAT_LOOKS_H
#define RN_STAT_LOOKS_H

#include "stat/boot.h"

typedef struct rn_looks rn_looks;

/* 0 < level < 1. rn_looks_free. */
int rn_looks_new(double level, rn_looks **out, rn_err *err);
void rn_looks_free(rn_looks *l); /* NULL accepted */

/* A look at an estimate, with the share in (0, 1] of the error that may be spent up to it, rising.
 * A look that brings less than a tenth more information than the one before is none: it changes
 * nothing. None follows one that decided. */
int rn_looks_add(rn_looks *l, double share, double value, double variance, rn_err *err);
/* 1, -1: a boundary was crossed, above or below; 0: not. */
int rn_looks_side(const rn_looks *l);
/* The last look's value with the interval that holds at all looks together. Before the first look
 * NAN. */
rn_interval rn_looks_running(const rn_looks *l);
/* The interval of the end; its value is the truth at which half of all outcomes are below this one
 * (median unbiased: the estimate itself is too far out when it stopped by being far out). */
rn_interval rn_looks_final(const rn_looks *l);

#endif
