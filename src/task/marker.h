/*
 * marker.h: a place in a file of any language that a model is to fill in: the prompt from what
 * stands before it, and the replacement from the model's answer. No language is parsed.
 *
 * The marker is any text that occurs once in the file, as a rule a whole comment. Alone on its line
 * it is replaced with its line's indentation, which the answer brings along; otherwise the answer
 * is the rest of an expression, and ends with its line.
 */
#ifndef RN_TASK_MARKER_H
#define RN_TASK_MARKER_H

#include "base/base.h"

#define RN_MARKER_EXTRACTOR "marker/1"

typedef struct rn_marker {
    rn_bytes file;       /* borrowed */
    size_t from, to;     /* what is replaced: [from, to) */
    size_t indent;       /* columns of white space before it; a tab counts as one */
    rn_bytes margin;     /* this white space; in `file` */
    bool own_line;       /* nothing else stands on its line before it */
    const char *stop[5]; /* strings that end a completion, NULL-terminated; static */
} rn_marker;

/* RN_ENOTFOUND: the marker does not occur; RN_EINVAL: it is empty or occurs again (both lines are
 * told). `path` is for messages. */
int rn_marker_find(rn_bytes file, const char *path, const char *text, rn_marker *out, rn_err *err);

/* Appends the text that a base model continues: the file before the marker, its last max_bytes from
 * the beginning of a line. */
void rn_marker_prompt(const rn_marker *m, size_t max_bytes, rn_buf *out);
/* Appends an instruct model's message: the file's name, its text with the marker in place (at most
 * max_bytes around it), and what is asked for. */
void rn_marker_message(const rn_marker *m, const char *path, size_t max_bytes, rn_buf *out);

/* Appends what replaces the marker. A continuation is cut before the first line that leaves the
 * marker's indentation; at indentation 0, before the first line at the margin that follows a blank
 * line and an indented one; within a line, where what stands behind the marker is repeated, or at
 * the line's end. Of an answer with fences or thinking (or of any, if `chat`) it is the first
 * fenced block, moved to the marker's indentation. *found false: an unfinished thinking block, no
 * block where one is asked for, or nothing but white space. */
void rn_marker_extract(const rn_marker *m, bool chat, rn_bytes raw, rn_buf *out, bool *found);

/* Appends the file with the replacement in place. */
void rn_marker_apply(const rn_marker *m, rn_bytes replacement, rn_buf *out);

#endif
