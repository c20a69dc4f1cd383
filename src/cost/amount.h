/*
 * amount.h: a budget as people write it: "60s", "1.5 min", "2h", "200TFLOP", "0.05USD", "$0.05".
 *
 * The unit is never guessed: a number alone is an error that names the units. Units in any case:
 *   seconds  s, sec, min, h, also ms          money  USD, $, before or after the number
 *   FLOPs    FLOP, kFLOP, MFLOP, GFLOP, TFLOP, PFLOP, EFLOP, each also with a final s
 */
#ifndef RN_COST_AMOUNT_H
#define RN_COST_AMOUNT_H

#include "base/base.h"

typedef enum rn_unit { RN_UNIT_FLOP, RN_UNIT_SECOND, RN_UNIT_USD, RN_N_UNITS } rn_unit;

typedef struct rn_budget {
    rn_unit unit;
    double amount; /* FLOPs, seconds, dollars; > 0, finite */
} rn_budget;

/* RN_EINVAL: not a number, 0 or below, not finite, no unit, an unknown unit. */
int rn_budget_parse(const char *text, rn_budget *out, rn_err *err);

/* "16.9 TFLOP", "2.5 min", "$0.05": amount to four digits in the unit that reads best; appends. */
void rn_budget_print(rn_unit unit, double amount, rn_buf *out);

/* RN_EINVAL when the budget is below what the cheapest first sample costs, in the same unit; `what`
 * names whose sample that is. */
int rn_budget_check(const rn_budget *budget, double cheapest, const char *what, rn_err *err);

#endif
