/*
 * chat.c: CommonMark's fences as models write them.
 *
 * A fence is a line that begins, after white space, with three or more ` or ~. The word behind an
 * opening fence is the language; anything else behind it is code already ("```n = int(input())").
 * A closing fence is of the same character and at least as long, and does not count within a
 * triple-quoted string of the code. A text that begins inside a block (the prompt opened it) has a
 * closing fence only: what stands before it is then taken as the block by the caller.
 */
#include "task/chat.h"

#include "task/pylex.h"

static const char *const end_tokens[] = {
    "<|endoftext|>", "<|im_end|>",         "<|eot_id|>",    "<|end_of_text|>", "<|EOT|>",
    "<|end|>",       "<|return|>",         "<|file_sep|>",  "<|fim_prefix|>",  "<|im_start|>",
    "<|eom_id|>",    "<|file_separator|>", "<end_of_turn>", "<｜end",
};

/* The offset of the first end token; text.len if there is none. */
static size_t find_end(rn_bytes text)
{
    size_t end = text.len;
    for (size_t i = 0; i < sizeof end_tokens / sizeof end_tokens[0]; i++) {
        size_t at =
            rn_bytes_find((rn_bytes){.data = text.data, .len = end}, rn_bytes_of(end_tokens[i]), 0);
        if (at < end) end = at;
    }
    /* "</s>" is also HTML, so only where a line ends with it. */
    for (size_t at = 0; (at = rn_bytes_find(text, rn_bytes_of("</s>"), at)) < end; at += 4) {
        size_t next = at + 4;
        if (next == text.len || text.data[next] == '\n' || text.data[next] == '\r' ||
            text.data[next] == '<')
            return at;
    }
    return end;
}

void rn_chat_clean(rn_bytes raw, rn_buf *out)
{
    static const char *const begin[] = {"<s>", "<|begin_of_text|>", "<|im_start|>assistant\n"};
    for (size_t i = 0; i < sizeof begin / sizeof begin[0]; i++) {
        if (!rn_bytes_starts(raw, begin[i])) continue;
        raw.data += strlen(begin[i]);
        raw.len -= strlen(begin[i]);
    }
    raw.len = find_end(raw);
    rn_buf_puts(out, ""); /* an empty text is still one */
    for (size_t i = 0; i < raw.len;) {
        const char *cr = memchr(raw.data + i, '\r', raw.len - i);
        size_t n = cr ? (size_t)(cr - raw.data) - i : raw.len - i;
        rn_buf_add(out, raw.data + i, n);
        i += n;
        if (!cr) break;
        rn_buf_putc(out, '\n');
        i += i + 1 < raw.len && raw.data[i + 1] == '\n' ? 2 : 1;
    }
}

/* ---- thinking ---------------------------------------------------------------------------------
 */

static const char *const think_tags[] = {"think", "thinking", "thought", "reasoning"};

/* Behind the last closing tag; 0 if there is none. */
static size_t last_close(rn_bytes text)
{
    size_t best = 0;
    for (size_t i = 0; i < sizeof think_tags / sizeof think_tags[0]; i++) {
        char tag[24] = "</";
        strcat(tag, think_tags[i]);
        strcat(tag, ">");
        for (size_t at = 0; (at = rn_bytes_find(text, rn_bytes_of(tag), at)) != SIZE_MAX;) {
            at += strlen(tag);
            if (at > best) best = at;
        }
    }
    return best;
}

/* An opening tag at the start of a line; SIZE_MAX if there is none at or after `from`. */
static size_t first_open(rn_bytes text, size_t from)
{
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < sizeof think_tags / sizeof think_tags[0]; i++) {
        char tag[24] = "<";
        strcat(tag, think_tags[i]);
        strcat(tag, ">");
        for (size_t at = from; (at = rn_bytes_find(text, rn_bytes_of(tag), at)) != SIZE_MAX; at++) {
            size_t b = at;
            while (b > 0 && (text.data[b - 1] == ' ' || text.data[b - 1] == '\t'))
                b--;
            if (b > 0 && text.data[b - 1] != '\n') continue;
            if (at < best) best = at;
            break;
        }
    }
    return best;
}

rn_bytes rn_chat_answer(rn_bytes text, bool *open)
{
    size_t start = last_close(text), end = first_open(text, start);
    *open = end != SIZE_MAX;
    if (!*open) end = text.len;
    return (rn_bytes){.data = text.data + start, .len = end - start};
}

/* ---- fences -----------------------------------------------------------------------------------
 */

static size_t line_end(rn_bytes s, size_t i)
{
    const char *nl = i < s.len ? memchr(s.data + i, '\n', s.len - i) : NULL;
    return nl ? (size_t)(nl - s.data) : s.len;
}

static size_t skip_blank(rn_bytes s, size_t i, size_t end)
{
    while (i < end && (s.data[i] == ' ' || s.data[i] == '\t'))
        i++;
    return i;
}

/* Length of the run of fence characters at i; 0 if fewer than three. */
static size_t fence_at(rn_bytes s, size_t i, size_t end)
{
    size_t n = 0;
    char c = i < end ? s.data[i] : 0;
    if (c != '`' && c != '~') return 0;
    while (i + n < end && s.data[i + n] == c)
        n++;
    return n >= 3 ? n : 0;
}

static bool lang_is_python(rn_bytes w)
{
    static const char *const names[] = {"python", "py", "python3", "python2", "Python",
                                        "PYTHON", "Py", "Python3", "py3",     "ipython"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (rn_bytes_equal(w, rn_bytes_of(names[i]))) return true;
    return false;
}

/* One word of letters, digits and +-_. is a language; else it is code. */
static bool is_lang(rn_bytes w)
{
    for (size_t i = 0; i < w.len; i++) {
        char c = w.data[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  strchr("+-_.{}", c);
        if (!ok || c == '\0') return false;
    }
    return true;
}

typedef struct fence {
    size_t at, run; /* where it is and how long; run 0: [PYTHON] */
    size_t code;    /* where the code begins */
    bool same_line; /* the code begins on the fence's own line */
} fence;

/* Reads an opening fence at `at`; false if it is none. */
static bool open_fence(rn_bytes s, size_t at, size_t end, fence *f, rn_chat_block *block)
{
    static const char tag[] = "[PYTHON]";
    *block = (rn_chat_block){0};
    size_t next = end < s.len ? end + 1 : end;
    if (rn_bytes_starts((rn_bytes){.data = s.data + at, .len = end - at}, tag)) {
        *f = (fence){.at = at, .run = 0, .code = at + sizeof tag - 1};
        block->python = true;
        return true;
    }
    size_t run = fence_at(s, at, end);
    if (!run) return false;
    size_t info = skip_blank(s, at + run, end), stop = info;
    while (stop < end && s.data[stop] != ' ' && s.data[stop] != '\t')
        stop++;
    rn_bytes word = {.data = s.data + info, .len = stop - info};
    bool alone = skip_blank(s, stop, end) == end;
    *f = (fence){.at = at, .run = run, .code = next};
    if (lang_is_python(word)) {
        block->python = true;
    } else if (word.len && !(alone && is_lang(word))) {
        f->code = info;
        f->same_line = true;
    } else {
        block->other = word.len > 0;
    }
    return true;
}

/* Walks the code's tokens to tell whether an offset lies within one of its strings. */
typedef struct in_code {
    rn_pylex x;
    rn_pytok t;
    size_t base;
} in_code;

static bool within_string(in_code *c, size_t offset)
{
    size_t at = offset - c->base;
    while (c->t.end <= at && c->t.kind != RN_PY_END)
        c->t = rn_pylex_next(&c->x);
    return c->t.kind == RN_PY_STRING && !c->t.bad && c->t.start < at;
}

/* Sets block->code and block->open; *pos behind the closing fence. */
static void close_fence(rn_bytes s, const fence *f, rn_chat_block *block, size_t *pos)
{
    in_code c = {.base = f->code};
    rn_pylex_init(&c.x, (rn_bytes){.data = s.data + f->code, .len = s.len - f->code});
    c.t = (rn_pytok){.kind = RN_PY_NEWLINE};
    for (size_t i = f->code; i < s.len;) {
        size_t end = line_end(s, i), at = skip_blank(s, i, end);
        rn_bytes rest = {.data = s.data + at, .len = end - at};
        bool closes;
        if (f->run == 0) {
            at = i + 0;
            size_t tag = rn_bytes_find((rn_bytes){.data = s.data + i, .len = end - i},
                                       rn_bytes_of("[/PYTHON]"), 0);
            closes = tag != SIZE_MAX;
            if (closes) at = i + tag;
        } else {
            closes = fence_at(s, at, end) >= f->run && s.data[at] == s.data[f->at];
            if (!closes && f->same_line) { /* such answers also close behind their last line */
                size_t tick = rn_bytes_find(rest, rn_bytes_of("```"), 0);
                closes = tick != SIZE_MAX;
                if (closes) at += tick;
            }
        }
        if (closes && !within_string(&c, at)) {
            bool own_line = at == skip_blank(s, i, end);
            size_t stop = own_line ? i : at;
            block->code = (rn_bytes){.data = s.data + f->code, .len = stop - f->code};
            *pos = end < s.len ? end + 1 : s.len;
            return;
        }
        i = end < s.len ? end + 1 : s.len;
    }
    block->code = (rn_bytes){.data = s.data + f->code, .len = s.len - f->code};
    block->open = true;
    *pos = s.len;
}

bool rn_chat_next_block(rn_bytes text, size_t *pos, rn_chat_block *block)
{
    for (size_t i = *pos; i < text.len;) {
        size_t end = line_end(text, i), at = skip_blank(text, i, end);
        fence f;
        bool found = open_fence(text, at, end, &f, block);
        if (!found) { /* "Here it is: ```python": only a named one within a line */
            rn_bytes line = {.data = text.data + i, .len = end - i};
            size_t tick = rn_bytes_find(line, rn_bytes_of("```py"), 0);
            found = tick != SIZE_MAX && open_fence(text, i + tick, end, &f, block) && block->python;
        } else {
            block->indent = at - i;
        }
        if (found) {
            close_fence(text, &f, block, pos);
            return true;
        }
        i = end < text.len ? end + 1 : text.len;
    }
    return false;
}

bool rn_chat_has_markup(rn_bytes text)
{
    rn_chat_block block;
    size_t pos = 0;
    return last_close(text) > 0 || first_open(text, 0) != SIZE_MAX ||
           rn_chat_next_block(text, &pos, &block);
}

void rn_chat_put_code(const rn_chat_block *block, rn_buf *out)
{
    rn_bytes s = block->code;
    for (size_t i = 0; i < s.len;) {
        size_t end = line_end(s, i), next = end < s.len ? end + 1 : s.len;
        size_t drop = 0;
        while (drop < block->indent && i + drop < end &&
               (s.data[i + drop] == ' ' || s.data[i + drop] == '\t'))
            drop++;
        rn_buf_add(out, s.data + i + drop, next - i - drop);
        i = next;
    }
}
