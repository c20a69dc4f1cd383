/* recorded.h: what a report says of one model, or of two, at given numbers of samples: for other
 * commands that show the same figure (run/until_plan.c). */
#ifndef RN_REPORT_RECORDED_H
#define RN_REPORT_RECORDED_H

#include "stat/boot.h"

typedef struct rn_recorded_ask {
    const rn_report_options *as; /* store, set, models, missing, resamples, seed, level */
    int64_t run_id[2];           /* in the store */
    size_t n_models;
    const int64_t *ks[2]; /* [n_points] */
    size_t n_points;
} rn_recorded_ask;

typedef struct rn_recorded {
    rn_interval at[12]; /* [n_points] pass@k, or the first model's less the second's, as the report
                            has it; NAN where a curve has ended */
    int64_t k_max[2];   /* where each curve ends; 0: no curve */
    size_t n_problems;  /* that the values are of */
    void (*note)(void *user, const char *line); /* what is missing; may be NULL; set before */
    void *user;
} rn_recorded;

/* RN_ENOTFOUND: a run is in no report. */
int rn_report_recorded(const rn_recorded_ask *ask, rn_recorded *out, rn_err *err);

#endif
