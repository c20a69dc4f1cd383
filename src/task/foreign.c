/*
 * foreign.c: programs in other languages than Python, which are not read but cut.
 *
 * A program is whole when it has the name of the function that the prompt ends with and begins at
 * the margin; anything else continues the prompt, and ends where the problem's own stop strings or
 * the braces that the prompt opened say so.
 */
#include "task/foreign.h"

#include "task/markup.h"

#include <ctype.h>

static bool is_blank(rn_bytes s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] == '\0' || !strchr(" \t\r\n\f\v", s.data[i])) return false;
    return true;
}

/* The name of the function that the prompt ends with; empty where there is none. */
static rn_bytes last_function(const rn_problem *p)
{
    const char *text = p->prompt, *open = NULL;
    for (const char *c = text; *c; c++)
        if (*c == '(' && c > text && (isalnum((unsigned char)c[-1]) || c[-1] == '_')) open = c;
    if (p->entry_point && *p->entry_point) return rn_bytes_of(p->entry_point);
    static const char *const heads[] = {"fn ", "func "}; /* what follows may be a comment */
    for (size_t i = 0; i < 2; i++)
        for (const char *c = text; (c = strstr(c, heads[i])) != NULL;) {
            c += strlen(heads[i]);
            size_t n = 0;
            while (isalnum((unsigned char)c[n]) || c[n] == '_')
                n++;
            if (n && strchr("(<", c[n]) && c[n]) open = c + n;
        }
    for (const char *c = text; (c = strstr(c, "const ")) != NULL;) { /* const f = (x) => { */
        c += 6;
        size_t n = strcspn(c, " =(");
        if (strncmp(c + n, " = (", 4) == 0) return (rn_bytes){.data = c, .len = n};
    }
    if (!open) return (rn_bytes){0};
    const char *start = open;
    while (start > text && (isalnum((unsigned char)start[-1]) || start[-1] == '_'))
        start--;
    return (rn_bytes){.data = start, .len = (size_t)(open - start)};
}

/* Where a continuation ends: at the problem's own stop strings, else where the braces that the
 * prompt opened are closed. */
static size_t end_of_continuation(const rn_problem *p, rn_bytes text)
{
    size_t end = text.len;
    for (size_t i = 0; i < p->n_stops; i++) {
        size_t at = *p->stops[i] ? rn_bytes_find(text, rn_bytes_of(p->stops[i]), 0) : SIZE_MAX;
        if (at < end) end = at;
    }
    int depth = 0;
    for (const char *c = p->prompt; *c; c++)
        depth += (*c == '{') - (*c == '}');
    if (p->n_stops || depth <= 0) return end;
    char quote = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (quote) {
            if (c == '\\') i++;
            if (c == quote || c == '\n') quote = 0;
            continue;
        }
        bool comment = c == '/' && i + 1 < text.len && text.data[i + 1] == '/';
        while (comment && i + 1 < text.len && text.data[i + 1] != '\n')
            i++;
        if (comment) continue;
        if (c == '"') quote = c;
        if (c == '{') depth++;
        if (c == '}' && --depth == 0) return i + 1;
    }
    return end;
}

bool rn_foreign_program(const rn_problem *p, rn_bytes answer, rn_buf *out, bool *whole)
{
    rn_buf code = {0};
    rn_bytes name = last_function(p), best = {0};
    rn_chat_block b;
    *whole = false;
    for (size_t pos = 0; rn_chat_next_block(answer, &pos, &b);) {
        bool defines = name.len && rn_bytes_find(b.code, name, 0) != SIZE_MAX;
        if (is_blank(b.code) || (*whole && !defines)) continue;
        *whole = defines && strchr(" \t", b.code.data[0]) == NULL;
        best = b.code;
        rn_buf_clear(&code);
        rn_chat_put_code(&b, &code);
    }
    rn_bytes found = best.data ? rn_buf_view(&code) : rn_chat_before_end(answer);
    if (!*whole) found.len = end_of_continuation(p, found);
    rn_buf_add(out, found.data, found.len);
    out->failed |= !rn_buf_ok(&code);
    bool any = !is_blank(found);
    rn_buf_free(&code);
    return any;
}
