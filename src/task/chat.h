/*
 * chat.h: what is around the code in an instruct model's answer: thinking blocks, end-of-turn
 * tokens, Markdown fences. Private to src/task.
 */
#ifndef RN_TASK_CHAT_H
#define RN_TASK_CHAT_H

#include "base/buf.h"

/* Appends raw with every line end as "\n", without a leading "<s>" and cut at the first leftover
 * end token (<|endoftext|>, <|im_end|>, </s> at the end of a line, ...). */
void rn_chat_clean(rn_bytes raw, rn_buf *out);

/* The part of a clean text that is the answer: what follows the last closing thinking tag. *open: a
 * thinking block was opened and never closed; the answer is then what stands before it. */
rn_bytes rn_chat_answer(rn_bytes text, bool *open);

/* True if the text has a fence or a thinking tag. */
bool rn_chat_has_markup(rn_bytes text);

typedef struct rn_chat_block {
    rn_bytes code; /* within the text, up to the closing fence */
    bool python;   /* fence says python, py, python3, ...; or [PYTHON] */
    bool other;    /* fence names another language */
    bool open;     /* no closing fence */
    size_t indent; /* columns of the fence, to be taken off each line */
} rn_chat_block;

/* True with the next fenced block from *pos on (start with 0). */
bool rn_chat_next_block(rn_bytes text, size_t *pos, rn_chat_block *block);

/* Appends the block's code without the fence's own indentation. */
void rn_chat_put_code(const rn_chat_block *block, rn_buf *out);

#endif
