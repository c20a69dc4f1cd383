/* chat.c: chat formats: recognising them, and their exact bytes. See chat.h. */
#include "model/chat.h"

#include <strings.h>

enum { MAX_PARTS = 8 };

/* The first sentence of DeepSeek-Coder's template (deepseek-coder-6.7b-instruct, tokenizer_config).
 */
#define DEEPSEEK_SYSTEM                                                                      \
    "You are an AI programming assistant, utilizing the Deepseek Coder model, developed by " \
    "Deepseek Company, and you only answer questions related to computer science. For "      \
    "politically sensitive questions, security and privacy issues, and other non-computer "  \
    "science questions, you will refuse to answer\n"

/* Of Stanford Alpaca's prompt without input, which WizardCoder was trained on. */
#define ALPACA_SYSTEM                                                                     \
    "Below is an instruction that describes a task. Write a response that appropriately " \
    "completes the request."

const char *rn_chat_name(rn_chat chat)
{
    switch (chat) {
#define X(name, text, who) \
    case RN_CHAT_##name: return text;
        RN_CHATS(X)
#undef X
    case RN_N_CHATS: break;
    }
    return NULL;
}

#define NAME(name, text, who) text ", "
#define ALL_NAMES             RN_CHATS(NAME)

int rn_chat_parse(const char *name, rn_chat *out, rn_err *err)
{
    for (int i = 0; i < RN_N_CHATS; i++)
        if (strcasecmp(name, rn_chat_name((rn_chat)i)) == 0) {
            *out = (rn_chat)i;
            return 0;
        }
    static const char names[] = ALL_NAMES; /* ends in ", " */
    return rn_fail(err, RN_EINVAL, "the chat format '%.40s' is not known; use one of %.*s", name,
                   (int)sizeof names - 3, names);
}

/* ---- recognising ----------------------------------------------------------------------------- */

static bool contains(rn_bytes s, const char *part)
{
    return rn_bytes_find(s, rn_bytes_of(part), 0) != SIZE_MAX;
}

/* The literal text between "<|im_start|>system\n" and "<|im_end|>" of a ChatML template, the
 * newline written as in a string of the template language; empty where that is an expression. */
static rn_bytes default_system(rn_bytes template)
{
    static const char *const begins[] = {"<|im_start|>system\\n", "<|im_start|>system\n"};
    for (size_t i = 0; i < 2; i++) {
        rn_bytes begin = rn_bytes_of(begins[i]);
        for (size_t at = 0; (at = rn_bytes_find(template, begin, at)) != SIZE_MAX;) {
            at += begin.len;
            size_t end = rn_bytes_find(template, rn_bytes_of("<|im_end|>"), at);
            if (end == SIZE_MAX) break;
            rn_bytes text = {.data = template.data + at, .len = end - at};
            bool literal = text.len > 0;
            for (size_t k = 0; k < text.len && literal; k++)
                literal = !memchr("'\"{}\\", text.data[k], 5);
            if (literal) return text;
        }
    }
    return (rn_bytes){0};
}

/* Bytes of the mark of a format at p: "<|im_start|>", "[INST]", "### Instruction:"; 0: none. A
 * full-width bar is one, too. */
static size_t mark_at(const char *p, const char *end)
{
    enum { MOST = 48 };
    size_t left = (size_t)(end - p), n = 0;
    if (left > MOST) left = MOST;
    if (left > 3 && memcmp(p, "<|", 2) == 0) {
        for (n = 2; n + 1 < left && memcmp(p + n, "|>", 2) != 0; n++) {
        }
        return n + 1 < left ? n + 2 : 2;
    }
    if (left > 3 && memcmp(p, "<\xEF\xBD\x9C", 4) == 0) return 4; /* U+FF5C */
    if (left > 3 && memcmp(p, "### ", 4) == 0) {
        for (n = 4; n < left && p[n] != ':'; n++) {
        }
        return n < left ? n + 1 : 4;
    }
    if (*p != '[') return 0;
    for (n = 1; n < left && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ_/", p[n]); n++) {
    }
    return n > 3 && n < left && p[n] == ']' ? n + 1 : 0;
}

/* Whether every mark in the template is among those of `marks`, one after the other in a string. */
static bool only_marks(rn_bytes template, const char *marks)
{
    const char *end = template.data + template.len;
    for (const char *p = template.data; p < end; p++) {
        size_t n = mark_at(p, end);
        if (!n) continue;
        rn_bytes mark = {p, n};
        if (rn_bytes_find(rn_bytes_of(marks), mark, 0) == SIZE_MAX) return false;
        p += n - 1;
    }
    return true;
}

/* A family of templates: the marks that may occur, what must and what must not. */
static const struct {
    rn_chat chat;
    const char *marks;
    const char *must[3]; /* up to the first NULL */
    const char *must_not[3];
} families[] = {
    /* A date, a thinking mark or a sentence of its own before the answer is another format. */
    {RN_CHAT_CHATML,
     "<|im_start|><|im_end|><|endoftext|>",
     {"<|im_start|>", "<|im_end|>", "\\n"},
     {"assistant\\n<think>", "assistant\n<think>", "strftime"}},
    {RN_CHAT_LLAMA3,
     "<|begin_of_text|><|start_header_id|><|end_header_id|><|eot_id|><|eom_id|><|python_tag|>",
     {"<|start_header_id|>", "<|eot_id|>", "<|end_header_id|>"},
     {"Cutting Knowledge Date", "strftime", "<think>"}},
    {RN_CHAT_DEEPSEEK,
     "### Instruction:### Response:<|EOT|>",
     {"### Instruction:", "<|EOT|>"},
     {NULL}},
    {RN_CHAT_ALPACA,
     "### Instruction:### Response:### Input:",
     {"Below is an instruction that describes a task"},
     {NULL}},
    {RN_CHAT_LLAMA2, "[INST][/INST]", {"[INST] ", "<<SYS>>", " [/INST]"}, {NULL}},
    {RN_CHAT_MISTRAL,
     "[INST][/INST][AVAILABLE_TOOLS][/AVAILABLE_TOOLS][TOOL_CALLS][TOOL_RESULTS][/TOOL_RESULTS]",
     {"[INST] "},
     {"[SYSTEM_PROMPT]", "<<SYS>>"}},
};

static bool fits_family(rn_bytes t, size_t f)
{
    for (size_t i = 0; i < 3 && families[f].must[i]; i++)
        if (!contains(t, families[f].must[i])) return false;
    for (size_t i = 0; i < 3 && families[f].must_not[i]; i++)
        if (contains(t, families[f].must_not[i])) return false;
    return only_marks(t, families[f].marks);
}

int rn_chat_detect(const rn_gguf *g, rn_chat *out, rn_bytes *system, rn_err *err)
{
    rn_bytes t = {0};
    int rc = rn_gguf_str_opt(g, "tokenizer.chat_template", &t, err);
    if (rc) return rc;
    rn_chat chat = t.len ? RN_N_CHATS : RN_CHAT_NONE;
    for (size_t i = 0; chat == RN_N_CHATS && i < sizeof families / sizeof families[0]; i++)
        if (fits_family(t, i)) chat = families[i].chat;
    rn_bytes own = chat == RN_CHAT_CHATML ? default_system(t) : (rn_bytes){0};
    /* A system text that is not where it is looked for would be left out. */
    if (chat == RN_CHAT_CHATML && !own.len && contains(t, "You are")) chat = RN_N_CHATS;
    if (chat == RN_N_CHATS) {
        static const char names[] = ALL_NAMES;
        return rn_fail(err, RN_EUNSUPPORTED,
                       "%s: its chat template is none that is known as a whole; choose one of %.*s",
                       rn_gguf_path(g), (int)sizeof names - 3, names);
    }
    *out = chat;
    *system = own;
    return 0;
}

/* ---- wrapping -------------------------------------------------------------------------------- */

static rn_bytes trim(rn_bytes s)
{
    static const char space[] = " \t\n\v\f\r";
    while (s.len && memchr(space, s.data[0], sizeof space - 1)) {
        s.data++;
        s.len--;
    }
    while (s.len && memchr(space, s.data[s.len - 1], sizeof space - 1))
        s.len--;
    return s;
}

typedef struct part_list {
    rn_tok_part v[MAX_PARTS];
    size_t n;
} part_list;

/* Bytes of the format: control tokens in them count. */
static void format(part_list *p, const char *text)
{
    p->v[p->n++] = (rn_tok_part){.text = rn_bytes_of(text), .special = true};
}

static void format_bytes(part_list *p, rn_bytes text)
{
    p->v[p->n++] = (rn_tok_part){.text = text, .special = true};
}

static void content(part_list *p, rn_bytes text)
{
    p->v[p->n++] = (rn_tok_part){.text = text, .special = false};
}

/* The content, or the format's own text in its place. */
static void content_or(part_list *p, rn_bytes text, const char *fallback)
{
    if (text.len)
        content(p, text);
    else
        format(p, fallback);
}

static void put_chatml(part_list *p, rn_bytes system, rn_bytes user)
{
    if (system.len) {
        format(p, "<|im_start|>system\n");
        content(p, system);
        format(p, "<|im_end|>\n");
    }
    format(p, "<|im_start|>user\n");
    content(p, user);
    format(p, "<|im_end|>\n<|im_start|>assistant\n");
}

static void put_llama2(part_list *p, rn_bytes system, rn_bytes user)
{
    format(p, "[INST] ");
    if (system.len) {
        format(p, "<<SYS>>\n");
        content(p, system);
        format(p, "\n<</SYS>>\n\n");
    }
    content(p, user);
    format(p, " [/INST]");
}

static void put_mistral(part_list *p, rn_bytes system, rn_bytes user)
{
    format(p, "[INST] ");
    if (system.len) {
        content(p, system);
        format(p, "\n\n");
    }
    content(p, user);
    format(p, " [/INST]");
}

static void put_llama3(part_list *p, rn_bytes system, rn_bytes user)
{
    if (system.len) {
        format(p, "<|start_header_id|>system<|end_header_id|>\n\n");
        content(p, system);
        format(p, "<|eot_id|>");
    }
    format(p, "<|start_header_id|>user<|end_header_id|>\n\n");
    content(p, user);
    format(p, "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n");
}

static void put_deepseek(part_list *p, rn_bytes system, rn_bytes user)
{
    content_or(p, system, DEEPSEEK_SYSTEM);
    format(p, "### Instruction:\n");
    content(p, user);
    format(p, "\n### Response:\n");
}

static void put_alpaca(part_list *p, rn_bytes system, rn_bytes user)
{
    content_or(p, system, ALPACA_SYSTEM);
    format(p, "\n\n### Instruction:\n");
    content(p, user);
    format(p, "\n\n### Response:");
}

/* The place of the user's text in a rendered template; SIZE_MAX: none. */
static size_t find_place(rn_bytes rendered, bool *trimmed)
{
    size_t at = rn_bytes_find(rendered, rn_bytes_of(RN_CHAT_PLACE), 0);
    *trimmed = at == SIZE_MAX;
    return *trimmed ? rn_bytes_find(rendered, rn_bytes_of(RN_CHAT_TRIMMED), 0) : at;
}

static int put_template(part_list *p, rn_bytes rendered, rn_bytes user, rn_err *err)
{
    enum { PLACE_BYTES = sizeof RN_CHAT_PLACE - 1 };
    bool trimmed;
    size_t at = find_place(rendered, &trimmed);
    if (at == SIZE_MAX)
        return rn_fail(err, RN_EINVAL, "a chat template that was not rendered; --chat auto does");
    format_bytes(p, (rn_bytes){rendered.data, at});
    content(p, trimmed ? trim(user) : user);
    at += PLACE_BYTES;
    format_bytes(p, (rn_bytes){rendered.data + at, rendered.len - at});
    return 0;
}

int rn_chat_place(rn_bytes rendered, rn_buf *out, rn_err *err)
{
    const rn_bytes mark = rn_bytes_of(RN_CHAT_PLACE), padded = rn_bytes_of(" " RN_CHAT_PLACE " ");
    size_t bare = rn_bytes_find(rendered, mark, 0), whole = rn_bytes_find(rendered, padded, 0);
    bool twice = bare != SIZE_MAX && rn_bytes_find(rendered, mark, bare + mark.len) != SIZE_MAX;
    if (bare == SIZE_MAX || twice ||
        rn_bytes_find(rendered, rn_bytes_of(RN_CHAT_TRIMMED), 0) != SIZE_MAX)
        return rn_fail(err, RN_EUNSUPPORTED,
                       "its chat template shows a question %s; name a form with --chat",
                       twice ? "more than once" : "nowhere");
    bool as_it_is = whole != SIZE_MAX;
    size_t from = as_it_is ? whole : bare, len = as_it_is ? padded.len : mark.len;
    rn_buf_add(out, rendered.data, from);
    rn_buf_puts(out, as_it_is ? RN_CHAT_PLACE : RN_CHAT_TRIMMED);
    rn_buf_add(out, rendered.data + from + len, rendered.len - from - len);
    return rn_buf_ok(out) ? 0 : rn_fail(err, RN_ENOMEM, "out of memory for a chat template");
}

static int parts_of(rn_chat chat, rn_bytes system, rn_bytes user, part_list *p, rn_err *err)
{
    p->n = 0;
    switch (chat) {
    case RN_CHAT_NONE:
        if (system.len)
            return rn_fail(err, RN_EINVAL,
                           "a base model's prompt has no place for a system text; "
                           "put it into the prompt or choose a chat format");
        content(p, user);
        return 0;
    case RN_CHAT_CHATML: put_chatml(p, system, user); return 0;
    case RN_CHAT_LLAMA2: put_llama2(p, trim(system), trim(user)); return 0;
    case RN_CHAT_MISTRAL: put_mistral(p, system, user); return 0;
    case RN_CHAT_LLAMA3: put_llama3(p, trim(system), trim(user)); return 0;
    case RN_CHAT_DEEPSEEK: put_deepseek(p, system, user); return 0;
    case RN_CHAT_ALPACA: put_alpaca(p, system, user); return 0;
    case RN_CHAT_TEMPLATE: return put_template(p, system, user, err);
    case RN_N_CHATS: break;
    }
    return rn_fail(err, RN_EINVAL, "chat format %d does not exist", (int)chat);
}

int rn_chat_wrap(rn_chat chat, rn_bytes system, rn_bytes user, rn_buf *out, rn_err *err)
{
    part_list p;
    int rc = parts_of(chat, system, user, &p, err);
    if (rc) return rc;
    for (size_t i = 0; i < p.n; i++)
        rn_buf_add(out, p.v[i].text.data, p.v[i].text.len);
    return rn_buf_ok(out) ? 0 : rn_fail(err, RN_ENOMEM, "out of memory wrapping a prompt");
}

int rn_chat_encode(rn_chat chat, const rn_tok *t, rn_bytes system, rn_bytes user, rn_ids *out,
                   rn_err *err)
{
    part_list p;
    /* A template begins with BOS itself where it wants one; the file asks for it, too. */
    rn_bytes bos = rn_tok_text(t, rn_tok_bos(t));
    if (chat == RN_CHAT_TEMPLATE && rn_tok_adds_bos(t) && bos.len && system.len >= bos.len &&
        memcmp(system.data, bos.data, bos.len) == 0)
        system = (rn_bytes){system.data + bos.len, system.len - bos.len};
    int rc = parts_of(chat, system, user, &p, err);
    return rc ? rc : rn_tok_encode_parts(t, p.v, p.n, RN_TOK_BOS, out, err);
}
