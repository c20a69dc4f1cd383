/*
 * fence.c: CommonMark's fences as models write them.
 *
 * A fence is a line that begins, after white space, quote marks and a list marker, with three or
 * more ` or ~. The word behind an opening fence is the language or a file name; anything else
 * behind it is code already ("```n = int(input())"). A closing fence is of the same character and
 * at least as long, and does not count within a triple-quoted string of the code. A block of
 * Markdown is text like any other. [PYTHON], [BEGIN] and <code> are fences with a name.
 */
#include "task/markup.h"
#include "task/pylex.h"

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

/* Behind the quote marks and one list marker of a line. *quoted: how many quote marks. */
static size_t skip_markers(rn_bytes s, size_t i, size_t end, int *quoted)
{
    *quoted = 0;
    i = skip_blank(s, i, end);
    while (i < end && s.data[i] == '>' && *quoted < 100) {
        ++*quoted;
        i = skip_blank(s, i + 1, end);
    }
    size_t digits = i;
    while (digits < end && s.data[digits] >= '0' && s.data[digits] <= '9')
        digits++;
    bool number = digits > i && digits < i + 4 && digits + 1 < end &&
                  (s.data[digits] == '.' || s.data[digits] == ')') && s.data[digits + 1] == ' ';
    bool bullet = i + 1 < end && strchr("-*+", s.data[i]) && s.data[i] && s.data[i + 1] == ' ';
    size_t behind = number ? digits + 2 : bullet ? i + 2 : i;
    behind = skip_blank(s, behind, end);
    return behind > i && fence_at(s, behind, end) ? behind : i;
}

/* ---- languages ------------------------------------------------------------------------------- */

static bool word_in(rn_bytes w, const char *const *list)
{
    for (; *list; list++)
        if (rn_bytes_equal(w, rn_bytes_of(*list))) return true;
    return false;
}

typedef enum { L_NONE, L_PYTHON, L_OTHER, L_MARKDOWN, L_CODE } lang;

/* What the word behind a fence says; `alone`: nothing follows it. */
static lang lang_of(rn_bytes w, bool alone)
{
    static const char *const python[] = {"py",   "python",  "ipython", "sage",
                                         "pypy", "cpython", NULL};
    static const char *const not_python[] = {
        "pycon", "pytb", "python-repl", "python-console", "python-traceback", "pyconsole", NULL};
    static const char *const markdown[] = {"markdown", "md", NULL};
    static const char *const other[] = {
        "bash",    "sh",         "shell", "zsh",        "console",    "terminal", "powershell",
        "cmd",     "text",       "txt",   "plaintext",  "plain",      "output",   "log",
        "json",    "yaml",       "yml",   "toml",       "ini",        "xml",      "html",
        "css",     "sql",        "diff",  "patch",      "latex",      "tex",      "math",
        "c",       "cpp",        "c++",   "cc",         "java",       "js",       "javascript",
        "ts",      "typescript", "go",    "golang",     "rust",       "rs",       "ruby",
        "rb",      "php",        "perl",  "r",          "julia",      "swift",    "kotlin",
        "scala",   "haskell",    "ocaml", "lua",        "csharp",     "cs",       "c#",
        "dart",    "makefile",   "make",  "dockerfile", "pseudocode", "mermaid",  "dot",
        "csv",     "tsv",        "input", "stdin",      "stdout",     "error",    "traceback",
        "doctest", "pseudo",     "cmake", "asm",        "fortran",    "matlab",   NULL};
    char low[32];
    while (w.len && strchr("{.=", w.data[0]) && w.data[0]) {
        w.data++;
        w.len--;
    }
    size_t n = 0;
    while (n < w.len && n < sizeof low) {
        char c = w.data[n];
        bool part = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || strchr("+#-", c);
        if (!part || c == '\0') break;
        low[n] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
        n++;
    }
    rn_bytes word = {.data = low, .len = n};
    if (w.len == 0) return L_NONE;
    if (word_in(word, not_python)) return L_OTHER;
    bool ended = n == w.len || strchr("0123456789.:}({,;", w.data[n]);
    if (word_in(word, python) && ended) return L_PYTHON;
    if (w.len > 3 && memcmp(w.data + w.len - 3, ".py", 3) == 0) return L_PYTHON;
    if (word_in(word, markdown) && n == w.len) return L_MARKDOWN;
    bool named = n == w.len || strchr(":}{.", w.data[n]);
    if (word_in(word, other) && named) return L_OTHER;
    for (size_t i = 0; i < w.len; i++) {
        char c = w.data[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  (c && strchr("+-_.{}:/#", c));
        if (!ok) return L_CODE;
    }
    return alone ? L_NONE : L_CODE; /* an unknown word: "```solution" */
}

/* ---- one fence ------------------------------------------------------------------------------- */

static const struct tag {
    const char *open, *close;
} tags[] = {
    {"[PYTHON]", "[/PYTHON]"}, {"[BEGIN]", "[DONE]"},        {"[code]", "[/code]"},
    {"<python>", "</python>"}, {"[ANSWER]", "[/ANSWER]"},    {"[CODE]", "[/CODE]"},
    {"'''python\n", "'''"},    {"\"\"\"python\n", "\"\"\""},
};

enum { N_TAGS = sizeof tags / sizeof tags[0] };

static bool is_quote(const char *close)
{
    return strchr("'\"", close[0]) != NULL;
}

typedef struct fence {
    size_t at, run;    /* where it is and how long; run 0: a tag */
    const char *close; /* of a tag */
    size_t code;       /* where the code begins */
    bool same_line;    /* the code begins on the fence's own line */
} fence;

static bool begins_code(rn_bytes s, size_t at, size_t end)
{
    static const char *const words[] = {"def ",   "import ", "from ",  "class ", "@",
                                        "print(", "for ",    "while ", "if "};
    rn_bytes rest = {.data = s.data + at, .len = end - at};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (rn_bytes_starts(rest, words[i])) return true;
    return false;
}

static bool is_html_tag(rn_bytes tag, const char *name)
{
    size_t n = strlen(name);
    return rn_bytes_starts(tag, name) && tag.len > n && strchr(" >", tag.data[n]) && tag.data[n];
}

/* The length of <code class="...">, <pre><code>, <div><pre>: tags up to one of those; 0 if the line
 * begins otherwise. *close: what ends it. */
static size_t html_code(rn_bytes line, const char **close)
{
    size_t n = 0;
    for (size_t i = 0; i + 1 < line.len && line.data[i] == '<';) {
        rn_bytes tag = {.data = line.data + i, .len = line.len - i};
        bool pre = is_html_tag(tag, "<pre"), code = is_html_tag(tag, "<code");
        if (line.data[i + 1] < 'a' || line.data[i + 1] > 'z') break;
        while (i < line.len && line.data[i] != '>' && line.data[i] != '\n')
            i++;
        if (i == line.len || line.data[i] == '\n') break;
        i++;
        if (!pre && !code) continue;
        n = i;
        *close = code ? "</code>" : "</pre>";
    }
    return n;
}

/* A tag whose next line is a fence holds no code of its own. */
static bool open_tag(rn_bytes s, size_t at, size_t end, fence *f, rn_chat_block *block)
{
    rn_bytes line = {.data = s.data + at, .len = end + (end < s.len) - at};
    const char *close = NULL;
    size_t html = html_code(line, &close), i = 0;
    while (!html && i < N_TAGS && !rn_bytes_starts(line, tags[i].open))
        i++;
    if (i == N_TAGS) return false;
    if (!html) close = tags[i].close;
    size_t code = at + (html ? html : strlen(tags[i].open)), next = code;
    while (next < s.len && strchr(" \t\n", s.data[next]) && s.data[next])
        next++;
    if (fence_at(s, next, s.len)) return false;
    *f = (fence){.at = at, .close = close, .code = code};
    block->python = strcmp(close, "</pre>") != 0;
    block->html = html > 0;
    return true;
}

/* Reads an opening fence at `at`; false if it is none. */
static bool open_fence(rn_bytes s, size_t at, size_t end, fence *f, rn_chat_block *block)
{
    *block = (rn_chat_block){0};
    if (open_tag(s, at, end, f, block)) return true;
    size_t next = end < s.len ? end + 1 : end;
    size_t run = fence_at(s, at, end);
    if (!run) return false;
    size_t info = skip_blank(s, at + run, end), stop = info;
    while (stop < end && s.data[stop] != ' ' && s.data[stop] != '\t')
        stop++;
    rn_bytes word = {.data = s.data + info, .len = stop - info};
    size_t rest = skip_blank(s, stop, end);
    lang l = lang_of(word, rest == end);
    if (l == L_MARKDOWN) return false;
    bool directive = word.len > 2 && word.data[0] == '{' && word.data[word.len - 1] == '}';
    if (l == L_CODE && directive) { /* "{code-block} python" */
        l = lang_of((rn_bytes){.data = s.data + rest, .len = end - rest}, true);
        rest = end;
    }
    *f = (fence){.at = at, .run = run, .code = next};
    block->python = l == L_PYTHON;
    block->other = l == L_OTHER;
    block->bare = word.len == 0;
    block->diff =
        rn_bytes_equal(word, rn_bytes_of("diff")) || rn_bytes_equal(word, rn_bytes_of("patch"));
    if (l == L_CODE) {
        f->code = info;
        f->same_line = true;
    } else if (l == L_PYTHON && begins_code(s, rest, end)) {
        f->code = rest;
        f->same_line = true;
    }
    return true;
}

/* Walks the code's tokens to tell whether an offset lies within a string or comment of it. */
typedef struct in_code {
    rn_pylex x;
    rn_pytok t;
    size_t base;
} in_code;

static bool within_code(in_code *c, size_t offset)
{
    size_t at = offset - c->base;
    while (c->t.end <= at && c->t.kind != RN_PY_END)
        c->t = rn_pylex_next(&c->x);
    return (c->t.kind == RN_PY_COMMENT || (c->t.kind == RN_PY_STRING && !c->t.bad)) &&
           c->t.start < at;
}

/* Whether the line [i, end) closes the block, from *at on: a fence of its own, or one that the last
 * line of code runs into. */
static bool closes(rn_bytes s, const fence *f, size_t i, size_t end, size_t *at)
{
    rn_bytes line = {.data = s.data + i, .len = end - i};
    if (f->run == 0) {
        size_t tag = rn_bytes_find(line, rn_bytes_of(f->close), 0);
        *at = i + tag;
        if (is_quote(f->close)) return rn_bytes_equal(line, rn_bytes_of(f->close));
        return tag != SIZE_MAX;
    }
    int quoted;
    *at = skip_markers(s, i, end, &quoted);
    if (fence_at(s, *at, end) >= f->run && s.data[*at] == s.data[f->at]) return true;
    size_t tick = rn_bytes_find(line, rn_bytes_of("```"), 0);
    *at = i + tick;
    if (tick == SIZE_MAX || f->same_line) return tick != SIZE_MAX;
    size_t run = fence_at(s, *at, end);
    return run >= f->run && s.data[f->at] == '`' && skip_blank(s, *at + run, end) == end;
}

/* Sets block->code and block->open; *pos behind the closing fence. */
static void close_fence(rn_bytes s, const fence *f, rn_chat_block *block, size_t *pos)
{
    in_code c = {.base = f->code};
    rn_pylex_init(&c.x, (rn_bytes){.data = s.data + f->code, .len = s.len - f->code});
    c.t = (rn_pytok){.kind = RN_PY_NEWLINE};
    for (size_t i = f->code; i < s.len;) {
        size_t end = line_end(s, i), at = i;
        if (closes(s, f, i, end, &at) && !within_code(&c, at)) {
            int quoted;
            bool own_line = at == skip_markers(s, i, end, &quoted);
            size_t stop = own_line ? i : at;
            block->code = (rn_bytes){.data = s.data + f->code, .len = stop - f->code};
            block->last = f->run == 0 && strcmp(f->close, "[DONE]") == 0;
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
        size_t end = line_end(text, i);
        int quoted;
        size_t at = skip_markers(text, i, end, &quoted);
        fence f;
        bool found = open_fence(text, at, end, &f, block);
        if (!found) { /* "Here it is: ```python": only a named one within a line */
            rn_bytes line = {.data = text.data + i, .len = end - i};
            size_t tick = rn_bytes_find(line, rn_bytes_of("```py"), 0);
            found = tick != SIZE_MAX && open_fence(text, i + tick, end, &f, block) && block->python;
        } else {
            block->indent = at - i;
            block->quoted = quoted;
        }
        if (found) {
            block->start = i;
            close_fence(text, &f, block, pos);
            return true;
        }
        i = end < text.len ? end + 1 : text.len;
    }
    return false;
}

size_t rn_chat_first_close(rn_bytes text, size_t *behind)
{
    size_t best = text.len;
    for (size_t i = 0; i < N_TAGS; i++) {
        rn_bytes tag = rn_bytes_of(tags[i].close);
        if (is_quote(tags[i].close)) continue;
        for (size_t at = 0; (at = rn_bytes_find(text, tag, at)) < best; at += tag.len) {
            bool own_line = at == 0 || text.data[at - 1] == '\n' || text.data[at - 1] == ' ';
            if (own_line) best = at;
        }
    }
    size_t end = line_end(text, best);
    *behind = end < text.len ? end + 1 : text.len;
    return best;
}

/* [BEGIN] 'code' [DONE], as the few-shot prompts of some harnesses have it; other quotes alike. */
static rn_bytes unquoted(rn_bytes s)
{
    size_t a = 0, z = s.len;
    while (a < z && strchr(" \t\n", s.data[a]) && s.data[a])
        a++;
    while (z > a && strchr(" \t\n", s.data[z - 1]) && s.data[z - 1])
        z--;
    if (z - a < 3 || (s.data[a] != '\'' && s.data[a] != '"') || s.data[z - 1] != s.data[a])
        return s;
    char q = s.data[a];
    size_t n = 1;
    while (n < 3 && s.data[a + n] == q && s.data[z - 1 - n] == q)
        n++;
    if (n == 2 || z - a <= 2 * n) return s;
    if (n == 1 && (s.data[a + 1] == q || s.data[z - 2] == q)) return s;
    return (rn_bytes){.data = s.data + a + n, .len = z - a - 2 * n};
}

/* The length of a prompt at the start of a line: ">>> ", "... ", "In [1]: ", "   ...: "; 0: none.
 * *first: it begins a statement. */
static size_t prompt_at(rn_bytes s, size_t i, size_t end, bool *first)
{
    rn_bytes line = {.data = s.data + i, .len = end - i};
    bool more = rn_bytes_starts(line, "..."), first_more = rn_bytes_starts(line, ">>>");
    *first = first_more;
    if (more || first_more) {
        if (line.len == 3) return 3;
        return line.data[3] == ' ' ? 4 : 0;
    }
    size_t k = i;
    if (rn_bytes_starts(line, "In [")) {
        *first = true;
        k += 4;
        while (k < end && s.data[k] >= '0' && s.data[k] <= '9')
            k++;
        if (k + 1 >= end || s.data[k] != ']' || s.data[k + 1] != ':') return 0;
        k += 2;
    } else {
        k = skip_blank(s, k, end);
        rn_bytes dots = {.data = s.data + k, .len = end - k};
        if (k == i || !rn_bytes_starts(dots, "...:")) return 0;
        k += 4;
    }
    return (k < end && s.data[k] == ' ' ? k + 1 : k) - i;
}

bool rn_chat_is_transcript(rn_bytes text)
{
    size_t i = 0;
    while (i < text.len && (text.data[i] == '\n' || text.data[i] == ' '))
        i++;
    while (i > 0 && text.data[i - 1] == ' ')
        i--;
    bool first = false;
    return prompt_at(text, i, line_end(text, i), &first) > 0 && first;
}

void rn_chat_put_typed(rn_bytes s, rn_buf *out)
{
    bool typing = false;
    for (size_t i = 0; i < s.len;) {
        size_t end = line_end(s, i), next = end < s.len ? end + 1 : s.len;
        bool first = false;
        size_t n = prompt_at(s, i, end, &first);
        typing = n > 0 && (typing || first);
        if (typing) rn_buf_add(out, s.data + i + n, next - i - n);
        i = next;
    }
}

/* Columns that the fence's indentation takes off each line: no more than the first line has. */
static size_t margin_of(const rn_chat_block *block, rn_bytes code)
{
    size_t i = 0;
    while (i < code.len && strchr(" \t\n", code.data[i]) && code.data[i])
        i++;
    size_t start = i;
    while (start > 0 && code.data[start - 1] != '\n')
        start--;
    return i < code.len && i - start < block->indent ? i - start : block->indent;
}

/* The text with HTML's entities as characters; as it is where a bare "<" shows that it has none. */
static void put_entities(rn_bytes s, rn_buf *out)
{
    static const char *const names[][2] = {{"&lt;", "<"},   {"&gt;", ">"},   {"&quot;", "\""},
                                           {"&#39;", "'"},  {"&#x27;", "'"}, {"&apos;", "'"},
                                           {"&nbsp;", " "}, {"&amp;", "&"}};
    bool bare = s.len && memchr(s.data, '<', s.len);
    for (size_t i = 0; i < s.len;) {
        size_t k = 0, n = sizeof names / sizeof names[0];
        rn_bytes rest = {.data = s.data + i, .len = s.len - i};
        while (k < n && (bare || s.data[i] != '&' || !rn_bytes_starts(rest, names[k][0])))
            k++;
        if (k < n)
            rn_buf_puts(out, names[k][1]);
        else
            rn_buf_putc(out, s.data[i]);
        i += k < n ? strlen(names[k][0]) : 1;
    }
}

/* What a diff comes to: context and added lines. */
static void put_new_side(rn_bytes s, rn_buf *out)
{
    static const char *const heads[] = {"+++", "---", "@@", "diff ", "index ", "\\", "***"};
    for (size_t i = 0; i < s.len;) {
        size_t end = line_end(s, i), next = end < s.len ? end + 1 : s.len, k = 0;
        rn_bytes line = {.data = s.data + i, .len = next - i};
        while (k < sizeof heads / sizeof heads[0] && !rn_bytes_starts(line, heads[k]))
            k++;
        bool head = k < sizeof heads / sizeof heads[0];
        size_t mark = s.data[i] == '+' || s.data[i] == ' ';
        if (!head && s.data[i] != '-') rn_buf_add(out, line.data + mark, line.len - mark);
        i = next;
    }
}

void rn_chat_put_code(const rn_chat_block *block, rn_buf *out)
{
    rn_buf html = {0};
    if (block->html) {
        rn_chat_block text = *block;
        put_entities(block->code, &html);
        text.html = false;
        text.code = rn_buf_view(&html);
        rn_chat_put_code(&text, out);
        out->failed |= !rn_buf_ok(&html);
        rn_buf_free(&html);
        return;
    }
    rn_bytes s = unquoted(block->code);
    size_t margin = margin_of(block, s);
    rn_buf plain = {0};
    for (size_t i = 0; i < s.len;) {
        size_t end = line_end(s, i), next = end < s.len ? end + 1 : s.len, at = i;
        for (int q = 0; q < block->quoted; q++) {
            size_t mark = skip_blank(s, at, end);
            if (mark >= end || s.data[mark] != '>') break;
            at = mark + 1;
            if (at < end && s.data[at] == ' ') at++;
        }
        if (!block->quoted)
            while (at - i < margin && at < end && (s.data[at] == ' ' || s.data[at] == '\t'))
                at++;
        rn_buf_add(&plain, s.data + at, next - at);
        i = next;
    }
    rn_bytes code = rn_buf_view(&plain);
    if (!rn_buf_ok(&plain))
        out->failed = true;
    else if (block->diff || rn_bytes_starts(code, "*** Begin Patch"))
        put_new_side(code, out);
    else if (plain.len && rn_chat_is_transcript(code))
        rn_chat_put_typed(code, out);
    else
        rn_buf_add(out, code.data, code.len);
    rn_buf_free(&plain);
}
