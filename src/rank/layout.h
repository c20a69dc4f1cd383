/*
 * layout.h: the text of a Python program without what changes nothing when it runs: comments, blank
 * lines, blanks between words, the width of indents, line breaks within brackets, what strings that
 * stand as statements say. Two programs with the same key behave alike, unless one reads its own
 * source; programs that differ may of course behave alike, too.
 */
#ifndef RN_RANK_LAYOUT_H
#define RN_RANK_LAYOUT_H

#include "base/base.h"

/* Appends the key to *out. Any text has one, whether it is Python or not. */
void rn_layout_key(rn_bytes program, rn_buf *out);

#endif
