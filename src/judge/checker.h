/* checker.h: does a program's standard output agree with the expected text? docs/FORMATS.md states
 * each rule. */
#ifndef RN_JUDGE_CHECKER_H
#define RN_JUDGE_CHECKER_H

#include "judge/judge.h"

/* RN_COMPARE_APPS: the rules of APPS' own checker, leniencies included. RN_COMPARE_STRICT: equal
 * line by line, blanks at line ends and empty lines at the end aside. RN_COMPARE_CODECONTESTS and
 * RN_COMPARE_LIVECODEBENCH: those sets' own. *agrees is set on success;
 * RN_ENOMEM otherwise. */
int rn_compare_text(rn_compare rules, rn_bytes got, rn_bytes want, bool *agrees, rn_err *err);

#endif
