/* tol.h: what counts as equal in this module, in one place. */
#ifndef RN_STAT_TOL_H
#define RN_STAT_TOL_H

/* Scores closer than this are equal: means of the same fractions, summed in another order. */
#define RN_STAT_TIE 1e-12

/* A budget affords a cost up to this factor above it: ten samples at 1.69 cost 16.9, whatever
 * binary arithmetic makes of it. */
#define RN_STAT_SLACK (1 + 1e-12)

#endif
