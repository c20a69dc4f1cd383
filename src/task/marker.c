/* marker.c: see marker.h. */
#include "task/marker.h"

#include "task/markup.h"

/* ---- finding --------------------------------------------------------------------------------- */

static int64_t line_at(rn_bytes file, size_t at)
{
    int64_t line = 1;
    for (size_t i = 0; i < at; i++)
        line += file.data[i] == '\n';
    return line;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

int rn_marker_find(rn_bytes file, const char *path, const char *text, rn_marker *out, rn_err *err)
{
    rn_bytes needle = rn_bytes_of(text);
    if (needle.len == 0) return rn_fail(err, RN_EINVAL, "the marker is empty; name one with --at");
    size_t at = rn_bytes_find(file, needle, 0);
    if (at == SIZE_MAX)
        return rn_fail(err, RN_ENOTFOUND,
                       "'%.100s' does not occur in %s; write the marker where the code is missing",
                       text, path);
    size_t again = rn_bytes_find(file, needle, at + 1);
    if (again != SIZE_MAX)
        return rn_fail(err, RN_EINVAL,
                       "'%.100s' occurs more than once in %s, in lines %lld and %lld; give a "
                       "marker that is there once",
                       text, path, (long long)line_at(file, at), (long long)line_at(file, again));
    size_t line = at;
    while (line > 0 && file.data[line - 1] != '\n')
        line--;
    size_t first = line;
    while (first < at && is_space(file.data[first]))
        first++;
    rn_marker m = {.file = file, .from = at, .to = at + needle.len, .indent = first - line};
    m.margin = (rn_bytes){.data = file.data + line, .len = first - line};
    m.own_line = first == at;
    if (m.own_line) m.from = line;
    static const char *const ends[] = {"\n}", "\ndef ", "\nclass ", "\n#"};
    if (!m.own_line)
        m.stop[0] = "\n";
    else if (m.indent > 0)
        memcpy(m.stop, ends, sizeof ends);
    *out = m;
    return 0;
}

/* ---- asking ---------------------------------------------------------------------------------- */

void rn_marker_prompt(const rn_marker *m, size_t max_bytes, rn_buf *out)
{
    size_t from = m->from > max_bytes ? m->from - max_bytes : 0;
    while (from > 0 && from < m->from && m->file.data[from - 1] != '\n')
        from++;
    size_t len = m->from - from;
    /* A model goes on after a word better than after the space behind it. */
    while (!m->own_line && len > 0 && is_space(m->file.data[from + len - 1]))
        len--;
    if (len) rn_buf_add(out, m->file.data + from, len);
}

void rn_marker_message(const rn_marker *m, const char *path, size_t max_bytes, rn_buf *out)
{
    size_t half = max_bytes / 2;
    size_t from = m->from > half ? m->from - half : 0;
    size_t to = m->file.len - m->to > half ? m->to + half : m->file.len;
    rn_buf_printf(out, "This is %sthe file %s:\n\n```\n",
                  from > 0 || to < m->file.len ? "a part of " : "", path);
    rn_buf_add(out, m->file.data + from, to - from);
    if (to > from && m->file.data[to - 1] != '\n') rn_buf_putc(out, '\n');
    rn_buf_puts(out, "```\n\nWrite the code that belongs in the place of `");
    size_t mark = m->own_line ? m->from + m->indent : m->from;
    rn_buf_add(out, m->file.data + mark, m->to - mark);
    rn_buf_puts(out, "`. Answer with that code alone, in one fenced block, without what stands "
                     "before and after it.\n");
}

/* ---- the answer ------------------------------------------------------------------------------ */

static rn_bytes next_line(rn_bytes text, size_t at)
{
    size_t end = at;
    while (end < text.len && text.data[end] != '\n')
        end++;
    return (rn_bytes){.data = text.data + at, .len = end - at};
}

static size_t indent_of(rn_bytes line)
{
    size_t n = 0;
    while (n < line.len && is_space(line.data[n]))
        n++;
    return n;
}

static bool is_blank(rn_bytes line)
{
    size_t n = indent_of(line);
    return n == line.len || (n + 1 == line.len && line.data[n] == '\r');
}

/* What closes a block may stand at the margin. */
static bool closes(rn_bytes line)
{
    return line.len > 0 && strchr("}])", line.data[0]) != NULL;
}

/* Within a line: up to where what stands behind the marker is repeated, else the line. */
static size_t cut_inline(const rn_marker *m, rn_bytes text)
{
    rn_bytes line = next_line(text, 0), rest = next_line(m->file, m->to);
    size_t blank = indent_of(rest);
    rest.data += blank;
    rest.len -= blank;
    size_t at = rest.len ? rn_bytes_find(line, rest, 0) : SIZE_MAX;
    return at == SIZE_MAX ? line.len : at;
}

/* The length of the continuation that belongs to the marker's place. */
static size_t cut(const rn_marker *m, rn_bytes text)
{
    if (!m->own_line) return cut_inline(m, text);
    bool indented = false, blank = false;
    for (size_t at = 0; at < text.len;) {
        rn_bytes line = next_line(text, at);
        size_t indent = indent_of(line);
        if (is_blank(line)) {
            blank = true;
        } else {
            bool leaves =
                m->indent ? indent < m->indent : indented && blank && indent == 0 && !closes(line);
            if (leaves && (at > 0 || m->indent == 0)) return at;
            indented |= indent > m->indent;
            blank = false;
        }
        at += line.len + 1;
    }
    return text.len;
}

static rn_bytes trim_end(rn_bytes text)
{
    while (text.len && strchr(" \t\r\n", text.data[text.len - 1]))
        text.len--;
    return text;
}

/* The least indentation of the lines that hold something. */
static size_t common_indent(rn_bytes code)
{
    size_t least = SIZE_MAX;
    for (size_t at = 0; at < code.len;) {
        rn_bytes line = next_line(code, at);
        if (!is_blank(line) && indent_of(line) < least) least = indent_of(line);
        at += line.len + 1;
    }
    return least == SIZE_MAX ? 0 : least;
}

/* The block's lines at the marker's indentation. */
static void put_block(const rn_marker *m, rn_bytes code, rn_buf *out)
{
    const size_t off = common_indent(code);
    for (size_t at = 0; at < code.len;) {
        rn_bytes line = next_line(code, at);
        if (at > 0) rn_buf_putc(out, '\n');
        bool first_inline = at == 0 && !m->own_line;
        if (!is_blank(line)) {
            if (!first_inline && m->margin.len) rn_buf_add(out, m->margin.data, m->margin.len);
            rn_buf_add(out, line.data + off, line.len - off);
        }
        at += line.len + 1;
    }
}

static bool put_answer(const rn_marker *m, rn_bytes text, rn_buf *out)
{
    bool open = false, found = false;
    rn_buf clean = {0}, code = {0};
    rn_chat_answer(text, &clean, &open);
    rn_bytes answer = rn_buf_view(&clean);
    rn_chat_block block;
    for (size_t pos = 0; !open && !found && rn_chat_next_block(answer, &pos, &block);) {
        rn_buf_clear(&code);
        rn_chat_put_code(&block, &code);
        rn_bytes view = trim_end(rn_buf_view(&code));
        while (view.len && (view.data[0] == '\n' || view.data[0] == '\r')) {
            view.data++;
            view.len--;
        }
        found = view.len > 0;
        if (found) put_block(m, view, out);
    }
    rn_buf_free(&code);
    rn_buf_free(&clean);
    return found;
}

void rn_marker_extract(const rn_marker *m, bool chat, rn_bytes raw, rn_buf *out, bool *found)
{
    rn_buf clean = {0};
    rn_chat_clean(raw, &clean);
    rn_bytes text = rn_chat_before_end(rn_buf_view(&clean));
    if (chat || rn_chat_has_markup(text)) {
        *found = put_answer(m, text, out);
    } else {
        text.len = cut(m, text);
        text = trim_end(text);
        *found = text.len > 0;
        if (text.len) rn_buf_add(out, text.data, text.len);
    }
    rn_buf_free(&clean);
}

void rn_marker_apply(const rn_marker *m, rn_bytes replacement, rn_buf *out)
{
    rn_buf_add(out, m->file.data, m->from);
    if (replacement.len) rn_buf_add(out, replacement.data, replacement.len);
    rn_buf_add(out, m->file.data + m->to, m->file.len - m->to);
}
