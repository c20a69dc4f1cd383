/* foreign.h: programs in other languages than Python. Private to src/task. */
#ifndef RN_TASK_FOREIGN_H
#define RN_TASK_FOREIGN_H

#include "task/task.h"

/* Appends what of an answer, without its thinking, is the program: the last block that has the
 * function which the prompt asks for, else the last one, else the text up to its end. *whole: it is
 * no continuation of the prompt. False: there is nothing. */
bool rn_foreign_program(const rn_problem *p, rn_bytes answer, rn_buf *out, bool *whole);

#endif
