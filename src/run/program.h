/* program.h: a problem's tests as a job of the judge. */
#ifndef RN_RUN_PROGRAM_H
#define RN_RUN_PROGRAM_H

#include "judge/judge.h"
#include "task/task.h"

/* Fills mode, entry and cases of *job for problem p; what they point to is in `a`, or the
 * problem's own. RN_ENOMEM. */
int rn_tests_job(const rn_problem *p, rn_arena *a, rn_judge_job *job, rn_err *err);

/* The official CPU limit in seconds: 3 a program for HumanEval and MBPP, 4 a case for APPS, more
 * where the problem itself states more. */
double rn_tests_cpu_s(const rn_problem *p);

#endif
