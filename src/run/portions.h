/*
 * portions.h: the samples of one run of rn_stage_generate, drawn in portions: how many of each
 * problem is said portion by portion. The model stays open between them (until.c).
 */
#ifndef RN_RUN_PORTIONS_H
#define RN_RUN_PORTIONS_H

#include "run/opened.h"
#include "task/task.h"

typedef struct rn_portions rn_portions;

/* Opens set, model and run. o: its n is the most of a problem; borrowed as its strings. command_id:
 * whose note tells what a server was asked; 0: nobody's. */
int rn_portions_open(rn_store *s, const rn_generate_options *o, int64_t command_id,
                     rn_portions **out, rn_err *err);
void rn_portions_close(rn_portions *p); /* NULL accepted */

const rn_taskset *rn_portions_set(const rn_portions *p);
const rn_opened *rn_portions_model(const rn_portions *p);
/* The store's id of problem i of the set; 0: it was not chosen. */
int64_t rn_portions_problem(const rn_portions *p, size_t i);
/* run_id, and what all portions came to. */
const rn_generate_summary *rn_portions_summary(const rn_portions *p);

/* Keeps the rule of sampling with the run, as provenance. */
int rn_portions_mark(rn_portions *p, const char *until, rn_err *err);
/* Draws what the store does not hold of the samples 0 .. n[i] - 1 of each problem i of the set [n].
 * RN_ECANCELLED when stopped; what was finished is kept. */
int rn_portions_draw(rn_portions *p, const int64_t *n, rn_err *err);

#endif
