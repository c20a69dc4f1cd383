/*
 * term.h: what programs, models, problem sets and servers wrote, on its way to a terminal.
 *
 * Such text may hold sequences that move the cursor, set the title, paste into the shell, or turn
 * the direction of what is read. rn_term_guard puts both standard streams of the command behind one
 * function, so that no place that prints can forget it. Tables and messages are always made
 * visible; data for other programs (rn_term_data) only where a terminal would show it.
 */
#ifndef RN_BASE_TERM_H
#define RN_BASE_TERM_H

#include "base/base.h"

/* Appends the text with every character that a terminal would obey, instead of showing it, as
 * "\x1b" or "\u202e": C0 but newline and tab, DEL, C1, marks of direction, tags; and bytes that are
 * no UTF-8. */
void rn_term_visible(rn_buf *out, rn_bytes text);

/* From now on stdout and stderr write through rn_term_visible. Called once, before any output. */
void rn_term_guard(void);
/* What follows on stdout is data: written as it is unless stdout is a terminal. */
void rn_term_data(void);
/* Takes the present line of a terminal on stderr back: the one control sequence of our own. */
void rn_term_clear_line(void);

#endif
