/*
 * wrap.c: answers within something that is no markup: a JSON value (structured output, a saved
 * message), a file that a shell writes, one line in which "\n" stands for every line end, quotes
 * around the whole. And blanks that only a web page has.
 *
 * None of these can be a program as it stands: a JSON value and a quoted text define nothing, and
 * outside a string Python has no "\n". So what they hold is looked at instead; whether any of it is
 * the program that is wanted is for extract.c to say.
 */
#include "task/markup.h"

#include "base/json.h"
#include "task/pylex.h"

#include <ctype.h>

enum { MAX_DEPTH = 6 };

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

static rn_bytes trimmed(rn_bytes s)
{
    while (s.len && is_space(s.data[0]))
        s.data++, s.len--;
    while (s.len && is_space(s.data[s.len - 1]))
        s.len--;
    return s;
}

static void push_text(rn_chat_texts *t, rn_bytes text)
{
    rn_buf b = {0};
    rn_buf_puts(&b, "");
    rn_buf_add(&b, text.data, text.len);
    t->failed |= !rn_buf_ok(&b);
    if (!rn_vec_push(&t->v, b)) rn_buf_free(&b);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static bool unwrap_json(rn_bytes s, int depth, rn_chat_texts *out);

/* A program as the array of its lines, with their ends or without: a notebook's "source". */
static void push_lines(const json_t *v, rn_chat_texts *out)
{
    rn_buf b = {0};
    size_t n = json_array_size(v), i = 0;
    for (; i < n && json_is_string(json_array_get(v, i)); i++) {
        const json_t *line = json_array_get(v, i);
        rn_buf_add(&b, json_string_value(line), json_string_length(line));
        if (b.len && b.data[b.len - 1] != '\n') rn_buf_putc(&b, '\n');
    }
    if (n > 1 && i == n && b.len) push_text(out, rn_buf_view(&b));
    out->failed |= !rn_buf_ok(&b);
    rn_buf_free(&b);
}

/* A string may be JSON itself: the arguments of a tool's call. */
static void push_strings(const json_t *v, int depth, rn_chat_texts *out)
{
    if (depth > MAX_DEPTH) return;
    if (json_is_string(v)) {
        rn_bytes s = {json_string_value(v), json_string_length(v)};
        bool object = s.len && s.data[0] == '{' && unwrap_json(s, depth + 1, out);
        if (!object) push_text(out, s);
    }
    for (size_t i = 0; i < json_array_size(v); i++)
        push_strings(json_array_get(v, i), depth + 1, out);
    push_lines(v, out);
    const char *key;
    json_t *x;
    json_object_foreach((json_t *)(uintptr_t)v, key, x)
    {
        push_strings(x, depth + 1, out);
    }
}

/* The text with the line ends and tabs of its strings escaped, as JSON asks and models forget. */
static void put_strict(rn_bytes s, rn_buf *out)
{
    bool quoted = false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];
        if (quoted && (c == '\n' || c == '\t')) {
            rn_buf_puts(out, c == '\n' ? "\\n" : "\\t");
            continue;
        }
        rn_buf_putc(out, c);
        if (c == '"') quoted = !quoted;
        if (quoted && c == '\\' && i + 1 < s.len) rn_buf_putc(out, s.data[++i]);
    }
}

/* True if it is JSON. */
static bool unwrap_json(rn_bytes s, int depth, rn_chat_texts *out)
{
    char open = s.len > 1 ? s.data[0] : '\0', close = s.len ? s.data[s.len - 1] : '\0';
    bool pair = (open == '{' && close == '}') || (open == '[' && close == ']') ||
                (open == '"' && close == '"');
    if (!pair) return false;
    rn_buf strict = {0};
    json_t *v = NULL;
    put_strict(s, &strict);
    if (!rn_buf_ok(&strict))
        out->failed = true;
    else if (rn_json_parse(rn_buf_view(&strict), (rn_json_at){"answer", 1}, &v, NULL) == 0)
        push_strings(v, depth, out);
    bool is_json = v != NULL;
    json_decref(v);
    rn_buf_free(&strict);
    return is_json;
}

/* Behind the bracket that closes the one at i; s.len: nothing does. */
static size_t json_end(rn_bytes s, size_t i)
{
    int depth = 0;
    bool quoted = false;
    for (; i < s.len; i++) {
        char c = s.data[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '['))
            depth++;
        else if (!quoted && (c == '}' || c == ']') && --depth == 0)
            return i + 1;
    }
    return s.len;
}

void rn_chat_unwrap_within(rn_bytes text, rn_chat_texts *out)
{
    bool start = true;
    rn_chat_texts all = {0};
    for (size_t i = 0; i < text.len;) {
        char c = text.data[i];
        size_t next = i + 1;
        if (start && (c == '{' || c == '[')) {
            next = json_end(text, i);
            (void)unwrap_json((rn_bytes){.data = text.data + i, .len = next - i}, 0, &all);
        }
        start = c == '\n' || (start && (c == ' ' || c == '\t'));
        i = next;
    }
    for (size_t i = 0; i < all.v.n; i++) {
        rn_bytes s = rn_buf_view(&all.v.data[i]);
        if (s.len && memchr(s.data, '\n', s.len)) push_text(out, s);
    }
    out->failed |= all.failed || !rn_vec_ok(&all.v) || !rn_vec_ok(&out->v);
    rn_chat_texts_free(&all);
}

/* ---- "\n" for line ends ---------------------------------------------------------------------- */

/* "Here's": a quote behind a word that is no string's prefix. */
static bool is_apostrophe(rn_bytes s, size_t i)
{
    size_t n = 0;
    while (n < i && isalpha((unsigned char)s.data[i - n - 1]))
        n++;
    bool prefix = n <= 2;
    for (size_t k = 1; k <= n && prefix; k++)
        prefix = strchr("rRbBuUfF", s.data[i - k]) != NULL;
    return n > 0 && !prefix;
}

/* Behind the string that begins at i, or behind its quote where it has no end. */
static size_t string_end(rn_bytes s, size_t i)
{
    size_t n = 1;
    while (n < 3 && i + n < s.len && s.data[i + n] == s.data[i])
        n++;
    if (n == 2) return i + 2;
    for (size_t k = i + n; k + n <= s.len; k++) {
        if (s.data[k] == '\\')
            k++;
        else if (memcmp(s.data + k, s.data + i, n) == 0)
            return k + n;
    }
    return i + 1;
}

static bool is_crlf(rn_bytes s, size_t i)
{
    return rn_bytes_starts((rn_bytes){.data = s.data + i, .len = s.len - i}, "\\r\\n");
}

/* The first "\n" from i on that is in no string; s.len: there is none. */
static size_t escaped_end(rn_bytes s, size_t i)
{
    while (i < s.len) {
        char c = s.data[i];
        if (c == '\\') {
            if (i + 1 < s.len && (s.data[i + 1] == 'n' || is_crlf(s, i))) return i;
            i += 2;
        } else if (c == '#') { /* a comment goes up to it */
            size_t end = rn_bytes_find(s, rn_bytes_of("\\n"), i);
            return end < s.len ? end : s.len;
        } else if ((c == '"' || c == '\'') && !is_apostrophe(s, i)) {
            i = string_end(s, i);
        } else {
            i++;
        }
    }
    return s.len;
}

static char escaped(char c)
{
    return c == 'n' ? '\n' : c == 't' ? '\t' : c == '"' || c == '\'' || c == '\\' ? c : '\0';
}

/* Written out by JSON or repr: strings and backslashes are escaped as well. */
static void put_unescaped(rn_bytes s, rn_buf *out)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i] == '\\' && i + 1 < s.len ? escaped(s.data[i + 1]) : '\0';
        if (is_crlf(s, i)) {
            i++;
            continue;
        }
        rn_buf_putc(out, c ? c : s.data[i]);
        i += c != '\0';
    }
}

/* Only the line ends were replaced: in a string "\n" is Python's own. */
static void put_lines(rn_bytes s, rn_buf *out)
{
    for (size_t i = 0; i < s.len;) {
        size_t end = escaped_end(s, i);
        rn_buf_add(out, s.data + i, end - i);
        if (end == s.len) return;
        rn_buf_putc(out, '\n');
        for (i = end + (is_crlf(s, end) ? 4 : 2);
             i + 1 < s.len && s.data[i] == '\\' && s.data[i + 1] == 't'; i += 2)
            rn_buf_putc(out, '\t');
    }
}

/* Whether one line is several. A comment may name a single "\n". */
static bool is_escaped(rn_bytes s)
{
    size_t end = s.len && !memchr(s.data, '\n', s.len) ? escaped_end(s, 0) : s.len;
    if (end == s.len || !memchr(s.data, '#', end)) return end < s.len;
    return escaped_end(s, end + 2) < s.len;
}

static void unwrap_line(rn_bytes s, rn_chat_texts *out)
{
    if (!is_escaped(s)) return;
    bool quoted = rn_bytes_find(s, rn_bytes_of("\\\""), 0) != SIZE_MAX, bare = false;
    for (size_t i = 0; i < s.len; i++) {
        bare |= s.data[i] == '"';
        i += s.data[i] == '\\';
    }
    bool doubled = rn_bytes_find(s, rn_bytes_of("\\\\"), 0) != SIZE_MAX;
    rn_buf text = {0};
    if (!bare && (quoted || doubled))
        put_unescaped(s, &text);
    else
        put_lines(s, &text);
    out->failed |= !rn_buf_ok(&text);
    if (rn_buf_ok(&text)) push_text(out, rn_buf_view(&text));
    rn_buf_free(&text);
}

/* ---- files that a shell writes --------------------------------------------------------------- */

/* The word that ends what `cat > main.py <<'EOF'` writes; empty where the line is another. */
static rn_bytes heredoc_word(rn_bytes line)
{
    size_t at = rn_bytes_find(line, rn_bytes_of("<<"), 0), n = 0;
    if (at == SIZE_MAX || !memchr(line.data, '>', line.len)) return (rn_bytes){0};
    if (!rn_bytes_starts(line, "cat ")) return (rn_bytes){0};
    for (at += 2; at < line.len && strchr(" -'\"", line.data[at]) && line.data[at];)
        at++;
    while (at + n < line.len &&
           (isalnum((unsigned char)line.data[at + n]) || line.data[at + n] == '_'))
        n++;
    return (rn_bytes){.data = line.data + at, .len = n};
}

static void unwrap_heredocs(rn_bytes s, rn_chat_texts *out)
{
    rn_bytes word = {0};
    size_t start = 0;
    for (size_t i = 0; i < s.len;) {
        const char *nl = memchr(s.data + i, '\n', s.len - i);
        size_t end = nl ? (size_t)(nl - s.data) : s.len;
        rn_bytes line = {.data = s.data + i, .len = end - i};
        if (!word.len) {
            word = heredoc_word(line);
            start = end + 1;
        } else if (rn_bytes_equal(line, word)) {
            push_text(out, (rn_bytes){.data = s.data + start, .len = i - start});
            word.len = 0;
        }
        i = end + 1;
    }
}

/* ---- quotes around the whole ----------------------------------------------------------------- */

static void unwrap_quotes(rn_bytes s, rn_chat_texts *out)
{
    static const char *const marks[] = {"'''", "\"\"\"", "`"};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        rn_bytes q = rn_bytes_of(marks[i]);
        if (s.len <= 2 * q.len || !rn_bytes_starts(s, marks[i])) continue;
        rn_bytes inner = {.data = s.data + q.len, .len = s.len - 2 * q.len};
        if (memcmp(inner.data + inner.len, q.data, q.len) != 0) continue;
        if (rn_bytes_find(inner, q, 0) == SIZE_MAX) push_text(out, inner);
    }
}

void rn_chat_unwrap(rn_bytes text, rn_chat_texts *out)
{
    rn_bytes s = trimmed(text);
    bool margin = s.len && (s.data == text.data || s.data[-1] == '\n');
    (void)unwrap_json(s, 0, out);
    if (out->v.n == 0) unwrap_line(s, out);
    if (out->v.n == 0 && margin) unwrap_quotes(s, out);
    if (out->v.n == 0) unwrap_heredocs(s, out);
    out->failed |= !rn_vec_ok(&out->v);
}

void rn_chat_texts_free(rn_chat_texts *t)
{
    for (size_t i = 0; i < t->v.n; i++)
        rn_buf_free(&t->v.data[i]);
    rn_vec_free(&t->v);
}

/* ---- blanks ---------------------------------------------------------------------------------- */

/* What a page has in the place of a blank: 1 a blank, 0 nothing that is seen, -1 something else. */
static int page_blank(rn_bytes c)
{
    static const char *const blanks[] = {"\xC2\xA0", "\xE2\x80\xAF", "\xE2\x81\x9F",
                                         "\xE3\x80\x80"};
    static const char *const nothing[] = {"\xE2\x80\x8B", "\xE2\x80\x8C", "\xE2\x80\x8D",
                                          "\xE2\x81\xA0", "\xEF\xBB\xBF", "\xC2\xAD"};
    for (size_t i = 0; i < sizeof blanks / sizeof blanks[0]; i++)
        if (rn_bytes_equal(c, rn_bytes_of(blanks[i]))) return 1;
    for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++)
        if (rn_bytes_equal(c, rn_bytes_of(nothing[i]))) return 0;
    bool quads = c.len == 3 && memcmp(c.data, "\xE2\x80", 2) == 0; /* U+2000 to 200A */
    return quads && (unsigned char)c.data[2] <= 0x8A ? 1 : -1;
}

/* The first byte of each of them; most texts have none. */
static bool may_hold_blanks(rn_bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] && strchr("\xC2\xE2\xE3\xEF", text.data[i])) return true;
    return false;
}

void rn_chat_plain_blanks(rn_bytes text, rn_buf *out)
{
    rn_pylex x;
    size_t done = 0;
    rn_buf_puts(out, "");
    rn_pylex_init(&x, text);
    rn_pytok t = {.kind = RN_PY_END};
    if (may_hold_blanks(text)) t = rn_pylex_next(&x);
    for (; t.kind != RN_PY_END; t = rn_pylex_next(&x)) {
        int blank = t.kind == RN_PY_BAD ? page_blank(rn_pytok_text(&x, t)) : -1;
        if (blank < 0) continue;
        rn_buf_add(out, text.data + done, t.start - done);
        if (blank) rn_buf_putc(out, ' ');
        done = t.end;
    }
    rn_buf_add(out, text.data + done, text.len - done);
}
