/*
 * expected.h: what the inputs of evalplus' forms should give: the values that the set's canonical
 * solutions return, run once in the sandbox and kept in a file that is named after the set's hash.
 */
#ifndef RN_RUN_EXPECTED_H
#define RN_RUN_EXPECTED_H

#include "run/stage.h"

/* Puts the values down in the set's problems (rn_calls_expect): read from the kept file, else
 * computed by j and kept. Does nothing for other sets. data_dir: as rn_data_dir gives it.
 * keep_going: a note for each reference that fails, whose problem then has no tests, instead of
 * RN_ELIMIT, which names them. */
int rn_expected_fill(rn_taskset *set, rn_judge *j, const char *data_dir, bool keep_going,
                     const rn_watch *watch, rn_err *err);

#endif
