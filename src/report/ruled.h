/*
 * ruled.h: runs whose numbers of samples a question decided (`ration generate --until`), read
 * without bias. A problem went on or ended by its own outcomes, so that eq. 1 on all of its samples
 * leans towards what it looked like when it ended. The rule is kept with the run: pass@k up to the
 * n_0 samples that every problem had first comes from all samples that the rule took
 * (stat/sequential.h), all else from the first samples of each problem, a number that no outcome
 * decided.
 */
#ifndef RN_REPORT_RULED_H
#define RN_REPORT_RULED_H

#include "report/report.h"
#include "store/store.h"

/* The samples of a run: cells [n] by problem and index, and each one's place in the task,
 * UINT32_MAX for a problem that is not selected. */
typedef struct rn_run_cells {
    const rn_store_cell *cells;
    const uint32_t *place;
    size_t n;
    const char *settings; /* of the run, JSON */
} rn_run_cells;

/* Fills base and ruled of the entrant where a question ended the run and left unequal numbers of
 * samples; what outlives the call is in the arena. first [n], zeroed by the caller: where base is
 * filled 1 for the samples that it counts. */
int rn_report_ruled(rn_arena *arena, const rn_report_task *t, const rn_run_cells *x, rn_entrant *e,
                    uint8_t *first, rn_err *err);

#endif
