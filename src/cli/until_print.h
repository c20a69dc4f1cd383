/* until_print.h: the answer to a question, or the plan for one, on standard output. */
#ifndef RN_CLI_UNTIL_PRINT_H
#define RN_CLI_UNTIL_PRINT_H

#include "base/base.h"

/* plan: of rn_stage_until_plan. */
void rn_until_print(const rn_until_summary *s, bool plan);

#endif
