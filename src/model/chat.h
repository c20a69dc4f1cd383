/*
 * chat.h: the wrapping that an instruct model expects around a question.
 *
 * A file's tokenizer.chat_template is recognised as a whole: every mark in it belongs to one
 * family, whose exact bytes are here, and nothing in it is known to make another format. What is
 * not recognised is rendered (run/chat_template.h) or refused, never guessed.
 */
#ifndef RN_MODEL_CHAT_H
#define RN_MODEL_CHAT_H

#include "model/tok.h"

/* Kind, name in options and records, who uses it. */
#define RN_CHATS(X)                                                            \
    X(NONE, "none", "base models: the prompt as it is")                        \
    X(CHATML, "chatml", "Qwen2.5-Coder-Instruct and many others")              \
    X(LLAMA2, "llama2", "Llama 2 Chat, Code Llama 7B to 34B Instruct")         \
    X(MISTRAL, "mistral", "Mistral and Codestral Instruct of the [INST] form") \
    X(LLAMA3, "llama3", "Llama 3 and 3.x Instruct")                            \
    X(DEEPSEEK, "deepseek", "DeepSeek-Coder Instruct, first generation")       \
    X(ALPACA, "alpaca", "WizardCoder, Alpaca")                                 \
    X(TEMPLATE, "template", "any other: the file's own template, rendered")

#define RN_CHAT_ENUM(name, text, who) RN_CHAT_##name,
typedef enum rn_chat { RN_CHATS(RN_CHAT_ENUM) RN_N_CHATS } rn_chat;
#undef RN_CHAT_ENUM

const char *rn_chat_name(rn_chat chat);                         /* static; NULL if out of range */
int rn_chat_parse(const char *name, rn_chat *out, rn_err *err); /* RN_EINVAL lists the names */

/* Where a rendered template shows the user's text: as it is, or without white space around it. */
#define RN_CHAT_PLACE   "\xEE\x80\x80" /* U+E000 */
#define RN_CHAT_TRIMMED "\xEE\x80\x81" /* U+E001 */
/* What a template gave for the text " " RN_CHAT_PLACE " ", as rn_chat_wrap takes it in place of the
 * system text. RN_EUNSUPPORTED where the text is not there once. */
int rn_chat_place(rn_bytes rendered, rn_buf *out, rn_err *err);

/* From the file's template: RN_CHAT_NONE without one, RN_EUNSUPPORTED for one that is not known.
 * *system is the system text that a ChatML template puts where none is given (Qwen's do), else
 * empty; borrowed until the file is closed. */
int rn_chat_detect(const rn_gguf *g, rn_chat *out, rn_bytes *system, rn_err *err);

/* Appends the wrapped question, up to where the answer begins, without BOS. An empty `system` means
 * none, except that DEEPSEEK and ALPACA then begin with the sentence of their template, which a
 * system text replaces. Of TEMPLATE `system` is what rn_chat_place made. LLAMA2 and LLAMA3
 * trim white space around the texts, as their templates do. */
int rn_chat_wrap(rn_chat chat, rn_bytes system, rn_bytes user, rn_buf *out, rn_err *err);

/* The ids of the same, BOS included where the file asks for one. Control tokens in `system` and
 * `user` stay plain text. */
int rn_chat_encode(rn_chat chat, const rn_tok *t, rn_bytes system, rn_bytes user, rn_ids *out,
                   rn_err *err);

#endif
