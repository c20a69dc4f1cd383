/*
 * markup.h: what is around the code in an instruct model's answer: terminal escapes, channels and
 * thinking blocks, end-of-turn tokens, Markdown fences. Private to src/task.
 */
#ifndef RN_TASK_MARKUP_H
#define RN_TASK_MARKUP_H

#include "base/base.h"

/* Appends raw with every line end as "\n", without byte order marks, terminal escapes and a leading
 * begin token, with no-break spaces of an indentation as spaces. */
void rn_chat_clean(rn_bytes raw, rn_buf *out);

/* The clean text before its first leftover end token (<|endoftext|>, <|im_end|>, </s> at the end of
 * a line, ...) that is not within a string of its code. */
rn_bytes rn_chat_before_end(rn_bytes text);

/* Appends the part of a clean text that is the answer: the final channel, or the text without its
 * thinking blocks. *open: the answer was never begun, or a thinking block never closed; what stands
 * before it is then the answer. */
void rn_chat_answer(rn_bytes text, rn_buf *out, bool *open);

/* True if the text has a fence, a channel or a thinking tag. */
bool rn_chat_has_markup(rn_bytes text);

typedef struct rn_chat_block {
    rn_bytes code; /* within the text, up to the closing fence */
    size_t start;  /* of the line with the opening fence */
    bool python;   /* fence says python, py, python3, main.py, ...; or [PYTHON], [BEGIN] */
    bool other;    /* fence names another language */
    bool bare;     /* fence names nothing */
    bool html;     /* <code>, <pre>: with entities, "&lt;" */
    bool diff;     /* fence says diff or patch */
    bool open;     /* no closing fence */
    bool last;     /* closed by [DONE]: what follows is another problem's */
    int quoted;    /* depth of quoted Markdown: so many "> " go off each line */
    size_t indent; /* columns of the fence, to be taken off each line */
} rn_chat_block;

/* True with the next fenced block from *pos on (start with 0). */
bool rn_chat_next_block(rn_bytes text, size_t *pos, rn_chat_block *block);

/* The first line that closes a block and opens none ([DONE], [/PYTHON], </code>), or text.len;
 * *behind is the offset behind that line. */
size_t rn_chat_first_close(rn_bytes text, size_t *behind);

/* Appends the block's code without the fence's own indentation and quote marks; of a transcript
 * (">>> ", "In [1]: ") what was typed, of a diff its new side. */
void rn_chat_put_code(const rn_chat_block *block, rn_buf *out);

/* Whether the text begins with an interpreter's prompt (">>> ", "In [1]: "). */
bool rn_chat_is_transcript(rn_bytes text);

/* Texts of its own. */
typedef struct rn_chat_texts {
    RN_VEC(rn_buf) v;
    bool failed; /* out of memory */
} rn_chat_texts;

/* Appends what a text holds that is no program as it stands (wrap.c): each string of a JSON value,
 * one line with "\n" for its line ends, what stands in quotes as a whole, what a shell writes to a
 * file. Nothing of any other. */
void rn_chat_unwrap(rn_bytes text, rn_chat_texts *out);
/* Likewise of JSON values that begin a line of other text: their strings of several lines. */
void rn_chat_unwrap_within(rn_bytes text, rn_chat_texts *out);
void rn_chat_texts_free(rn_chat_texts *t);

/* Appends the text with no-break and other typographic blanks outside Python's strings and comments
 * as spaces, and without those of no width. */
void rn_chat_plain_blanks(rn_bytes text, rn_buf *out);

/* Appends what was typed at the prompts of a transcript, without what was answered. */
void rn_chat_put_typed(rn_bytes text, rn_buf *out);

#endif
