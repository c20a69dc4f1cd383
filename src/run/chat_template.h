/*
 * chat_template.h: how an instruct model is asked: by a form that is known here, or by the file's
 * own template, rendered by the real thing.
 */
#ifndef RN_RUN_CHAT_TEMPLATE_H
#define RN_RUN_CHAT_TEMPLATE_H

#include "model/chat.h"

/* The form of an open file. want: "auto", or a name of chat.h; args: JSON object of variables for
 * the template ("enable_thinking": false), NULL none. A template that is recognised as a whole has
 * a name of its own; any other is rendered (RN_CHAT_TEMPLATE) by Debian's python3-jinja2 in the
 * sandbox of judged commands, since templates are foreign code. Without jinja2 it is
 * RN_EUNSUPPORTED with the fix. *system: of rn_chat_wrap; owned. */
int rn_chat_choose(const rn_gguf *g, const char *want, const char *args, rn_chat *out,
                   rn_buf *system, rn_err *err);

#endif
