/*
 * ration.h: the public interface of libration; programs include nothing else.
 *
 * libration spends a code-generation budget where it buys the most passing programs: it samples
 * programs from language models, judges them in a sandbox, ranks them, accounts every FLOP and
 * second, and estimates which model, sampled how often, solves most per unit of budget.
 *
 * Its parts, top-down by need:
 *     ration/core.h     errors, verdicts, FLOPs, estimators: simple calls on plain numbers
 *     ration/handles.h  problem sets, the judge, the experiment file, models
 *     ration/reports.h  reports and plans
 *     ration/stages.h   what the commands do: generate, judge, rank, profile, import, batch, ...
 *     ration/solving.h  one problem, some models and a budget
 *
 * Conventions
 *  - A fallible function returns 0 or a negative RN_E... code. Results come through
 *    out-parameters and are set only on success. The last parameter `rn_err *err` may be NULL;
 *    otherwise it receives code, position and a message that says what, where and the likely fix.
 *  - Each declaration states who owns what. `_close` and `_free` accept NULL.
 *  - A handle is used by one thread at a time. The library never prints, exits or aborts on input.
 *  - Units are in the names: _ns, _ms, _s, _bytes, _tok, _flop; counts are n_.
 */
#ifndef RATION_H
#define RATION_H

#define RN_VERSION "0.1.0"

#include "ration/core.h"
#include "ration/handles.h"
#include "ration/reports.h"
#include "ration/solving.h"
#include "ration/stages.h"

#endif
