/* complete.h: what can be typed where an option or an operand needs a value. */
#ifndef RN_CLI_COMPLETE_H
#define RN_CLI_COMPLETE_H

#include "cli/opt.h"

typedef enum rn_complete {
    RN_COMPLETE_NONE,       /* a number, a name: nothing to offer */
    RN_COMPLETE_FILE,       /* any file */
    RN_COMPLETE_GGUF,       /* a model file */
    RN_COMPLETE_DIR,        /* a folder */
    RN_COMPLETE_WORDS,      /* one of *words */
    RN_COMPLETE_WORDS_FILE, /* one of *words, or a file */
} rn_complete;

/* *words is cleared, then filled with words that single spaces part. */
rn_complete rn_complete_value(const rn_opt *o, rn_buf *words);
rn_complete rn_complete_operand(const rn_command *cmd, rn_buf *words);

#endif
