/*
 * pylex.c: the scanner and, on top, logical lines with a judgement whether they can be Python.
 *
 * Grammar: The Python Language Reference 3.11, chapter 2. Left out on purpose: which prefixes go
 * together, the digits of numbers, names' exact Unicode classes.
 */
#include "task/pylex.h"

static const char *const keywords[] = {
    "and",  "as",     "assert", "async",  "await",  "break",   "case",     "class", "continue",
    "def",  "del",    "elif",   "else",   "except", "finally", "for",      "from",  "global",
    "if",   "import", "in",     "is",     "lambda", "match",   "nonlocal", "not",   "or",
    "pass", "print",  "raise",  "return", "try",    "type",    "while",    "with",  "yield",
};

bool rn_py_is_keyword(rn_bytes name)
{
    for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++)
        if (rn_bytes_equal(name, rn_bytes_of(keywords[i]))) return true;
    return false;
}

void rn_pylex_init(rn_pylex *x, rn_bytes s)
{
    *x = (rn_pylex){.s = s, .at_line = true};
}

static int at(const rn_pylex *x, size_t i)
{
    return i < x->s.len ? (unsigned char)x->s.data[i] : -1;
}

static bool is_eol(int c)
{
    return c == '\n' || c == '\r';
}
static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

/* Punctuation, symbols and emoji that prose has and names have not: U+0080-00BF, U+2000-2BFF,
 * U+3000-303F, U+FF00-FF0F, U+1F000 and above. */
static bool is_foreign(const rn_pylex *x, size_t i)
{
    int a = at(x, i), b = at(x, i + 1);
    if (a < 0x80) return false;
    return a == 0xC2 || (a == 0xE2 && b >= 0x80 && b <= 0xAF) || (a == 0xE3 && b == 0x80) ||
           (a == 0xEF && b == 0xBC) || a >= 0xF0;
}

static bool is_name_char(const rn_pylex *x, size_t i)
{
    int c = at(x, i);
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c) ||
           (c >= 0x80 && !is_foreign(x, i) && c != 0xC2);
}

static size_t skip_eol(const rn_pylex *x, size_t i)
{
    return at(x, i) == '\r' && at(x, i + 1) == '\n' ? i + 2 : i + 1;
}

/* Within brackets a new statement at the margin means that a bracket was never closed. */
static bool starts_statement(const rn_pylex *x, size_t i)
{
    static const char *const words[] = {"def ", "class ", "import "};
    rn_bytes rest = {.data = x->s.data + i, .len = x->s.len - i};
    for (size_t w = 0; w < sizeof words / sizeof words[0]; w++)
        if (i < x->s.len && rn_bytes_starts(rest, words[w])) return true;
    return false;
}

static rn_pytok token(rn_pylex *x, rn_pytok_kind kind, size_t start, size_t end)
{
    x->pos = end;
    x->at_line = kind == RN_PY_NEWLINE;
    return (rn_pytok){.kind = kind, .start = start, .end = end};
}

static rn_pytok scan_string(rn_pylex *x, size_t start, size_t quote_at)
{
    int q = at(x, quote_at);
    bool triple = at(x, quote_at + 1) == q && at(x, quote_at + 2) == q;
    size_t i = quote_at + (triple ? 3 : 1);
    for (; i < x->s.len; i++) {
        int c = at(x, i);
        if (c == '\\') {
            i = skip_eol(x, i + 1) - 1; /* also over "\" and CRLF */
            continue;
        }
        if (triple ? c == q && at(x, i + 1) == q && at(x, i + 2) == q : c == q) {
            return token(x, RN_PY_STRING, start, i + (triple ? 3 : 1));
        }
        if (!triple && is_eol(c)) break;
    }
    size_t end = i < x->s.len ? i : x->s.len;
    rn_pytok t = token(x, RN_PY_STRING, start, end);
    t.bad = true;
    x->in_string = triple || end == x->s.len;
    return t;
}

/* The quote's offset if a string (with a prefix of at most two letters) begins at i; else SIZE_MAX.
 */
static size_t string_quote(const rn_pylex *x, size_t i)
{
    for (size_t n = 0; n <= 2; n++) {
        int c = at(x, i + n);
        if (c == '"' || c == '\'') return i + n;
        if (c <= 0 || !strchr("rRbBuUfF", c)) return SIZE_MAX;
    }
    return SIZE_MAX;
}

static rn_pytok scan_number(rn_pylex *x, size_t start)
{
    size_t i = start;
    while (is_name_char(x, i) || at(x, i) == '.') {
        bool exponent = (at(x, i) == 'e' || at(x, i) == 'E') && at(x, start + 1) != 'x';
        i++;
        if (exponent && (at(x, i) == '+' || at(x, i) == '-')) i++;
    }
    return token(x, RN_PY_NUMBER, start, i);
}

static rn_pytok scan_operator(rn_pylex *x, size_t i)
{
    int c = at(x, i);
    if (strchr("([{", c)) x->depth++;
    if (strchr(")]}", c)) {
        if (x->depth > 0)
            x->depth--;
        else
            x->broken = true;
    }
    return token(x, RN_PY_OP, i, i + 1);
}

rn_pytok rn_pylex_next(rn_pylex *x)
{
    size_t i = x->pos;
    for (;;) {
        int c = at(x, i);
        if (c < 0) return token(x, RN_PY_END, x->s.len, x->s.len);
        if (c == ' ' || c == '\t' || c == '\f') {
            i++;
        } else if (c == '\\' && is_eol(at(x, i + 1))) {
            i = skip_eol(x, i + 1);
        } else if (is_eol(c)) {
            size_t next = skip_eol(x, i);
            bool recover = x->depth > 0 && starts_statement(x, next);
            if (recover) {
                x->depth = 0;
                x->broken = true;
            }
            if (!x->at_line && x->depth == 0) return token(x, RN_PY_NEWLINE, i, next);
            i = next;
        } else {
            break;
        }
    }
    int c = at(x, i);
    if (c == '#') {
        size_t end = i;
        while (end < x->s.len && !is_eol(at(x, end)))
            end++;
        bool alone = x->at_line;
        rn_pytok t = token(x, RN_PY_COMMENT, i, end);
        x->at_line = alone && x->depth == 0 ? false : x->at_line;
        return t;
    }
    size_t quote = string_quote(x, i);
    if (quote != SIZE_MAX) return scan_string(x, i, quote);
    if (is_digit(c) || (c == '.' && is_digit(at(x, i + 1)))) return scan_number(x, i);
    if (is_foreign(x, i) || c == 0xC2) {
        size_t end = i + 1;
        while ((at(x, end) & 0xC0) == 0x80 && at(x, end) >= 0)
            end++;
        return token(x, RN_PY_BAD, i, end);
    }
    if (is_name_char(x, i)) {
        size_t end = i;
        while (is_name_char(x, end))
            end++;
        return token(x, RN_PY_NAME, i, end);
    }
    bool not_equal = c == '!' && at(x, i + 1) == '=';
    if (c < 0x20 || c == 0x7F || (c && strchr("$?`\\", c)) || (c == '!' && !not_equal))
        return token(x, RN_PY_BAD, i, i + 1);
    return scan_operator(x, i);
}

/* ---- logical lines --------------------------------------------------------------------------- */

static int columns(rn_bytes s, size_t from, size_t to)
{
    int col = 0;
    for (size_t i = from; i < to; i++) {
        if (s.data[i] == '\t')
            col = col - col % 8 + 8;
        else
            col++;
    }
    return col;
}

static size_t line_start(rn_bytes s, size_t i)
{
    while (i > 0 && !is_eol((unsigned char)s.data[i - 1]))
        i--;
    return i;
}

/* An operand: something that cannot stand right beside another. */
static bool is_operand(const rn_pylex *x, rn_pytok t)
{
    if (t.kind == RN_PY_NAME) return !rn_py_is_keyword(rn_pytok_text(x, t));
    return t.kind == RN_PY_NUMBER || t.kind == RN_PY_STRING;
}

static bool side_by_side(const rn_pylex *x, rn_pytok a, rn_pytok b)
{
    if (!is_operand(x, a) || !is_operand(x, b)) return false;
    return !(a.kind == RN_PY_STRING && b.kind == RN_PY_STRING); /* strings join */
}

/* What a line's tokens showed. */
typedef struct line_shape {
    size_t n;
    rn_pytok last;
    bool colon; /* a ':' outside brackets */
    bool chain; /* so far names, dots and brackets, the first no keyword */
    bool call;  /* and the last of them closes a call */
    bool arrow; /* "->" or "=>" */
} line_shape;

/* The next token of a line; x->depth counts it. Whatever is called is no target: "f(5) = 5" and
 * "f(5): 5" say what comes out. */
static bool tells_result(const rn_pylex *x, rn_pytok t, line_shape *shape)
{
    char c = t.kind == RN_PY_OP ? x->s.data[t.start] : '\0';
    bool dotted = t.kind == RN_PY_NAME || c == '.', closes = c && strchr(")]}", c);
    bool equal = c == '=' && at(x, t.start + 1) == '=';
    bool tells = shape->chain && shape->call && x->depth == 0 && (c == '=' || c == ':') && !equal;
    char before = shape->n ? x->s.data[shape->last.start] : '\0';
    bool touches = shape->n && shape->last.end == t.start && shape->last.kind == RN_PY_OP;
    shape->arrow |= c == '>' && touches && (before == '-' || before == '=');
    if (shape->n == 0)
        shape->chain = t.kind == RN_PY_NAME && !rn_py_is_keyword(rn_pytok_text(x, t));
    else if (x->depth == 0)
        shape->chain &= dotted || closes;
    shape->call = closes && c == ')' && x->depth == 0;
    return tells;
}

static rn_bytes first_name(const rn_pylex *x, size_t from)
{
    rn_bytes word = {.data = x->s.data + from, .len = 0};
    while (from + word.len < x->s.len && is_name_char(x, from + word.len))
        word.len++;
    return word;
}

static bool is_compound(rn_bytes word)
{
    static const char *const words[] = {"if",   "for",  "while", "with",  "try",    "def",
                                        "else", "elif", "class", "async", "except", "finally"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (rn_bytes_equal(word, rn_bytes_of(words[i]))) return true;
    return false;
}

/* "<pre>", ">>> f(5)", "**Note**", "... and so on": what begins no statement. */
static bool begins_none(rn_bytes rest, size_t n_tokens)
{
    if (rn_bytes_starts(rest, "..")) return !rn_bytes_starts(rest, "...") || n_tokens > 3;
    bool operator= rest.len && rest.data[0] && strchr("<>=/%&|^,:;", rest.data[0]);
    return operator|| rn_bytes_starts(rest, "**");
}

static void judge_line(const rn_pylex *x, const line_shape *shape, rn_pyline *line)
{
    rn_bytes word = first_name(x, line->first);
    bool last_colon = shape->last.kind == RN_PY_OP && x->s.data[shape->last.start] == ':';
    /* "Explanation:" is no statement; "else:", "try:" are. */
    if (shape->n == 2 && last_colon && word.len && !rn_py_is_keyword(word)) line->prose = true;
    /* "from x import *" and "..." end with such a character and are whole. */
    bool last_operator = shape->last.kind == RN_PY_OP &&
                         strchr("+-*/%=<>&|^@~", x->s.data[shape->last.start]) != NULL &&
                         !rn_bytes_equal(word, rn_bytes_of("from"));
    rn_bytes rest = {.data = x->s.data + line->first, .len = x->s.len - line->first};
    line->prose |= begins_none(rest, shape->n);
    /* A text that ends behind a comma or a dot was cut; a line may end a tuple or a sentence so. */
    bool at_end = x->pos >= x->s.len && x->s.len > 0 && x->s.data[x->s.len - 1] != '\n';
    char end = shape->last.kind == RN_PY_OP ? x->s.data[shape->last.start] : '\0';
    bool dot = end == '.' && shape->n > 1 &&
               !(shape->last.start > 0 && x->s.data[shape->last.start - 1] == '.');
    last_operator |= at_end && (end == ',' || dot);
    line->prose |= dot && !at_end;
    bool defines =
        rn_bytes_equal(word, rn_bytes_of("def")) || rn_bytes_equal(word, rn_bytes_of("async"));
    line->prose |= shape->arrow && !defines;
    line->unfinished = last_operator || (is_compound(word) && (last_colon || !shape->colon));
    line->prose |= x->broken;
}

int rn_pyline_next(rn_pylex *x, rn_pyline *line)
{
    x->broken = false;
    rn_pytok t = rn_pylex_next(x);
    while (t.kind == RN_PY_NEWLINE)
        t = rn_pylex_next(x);
    if (t.kind == RN_PY_END) return 0;
    *line = (rn_pyline){.first = t.start, .comment = t.kind == RN_PY_COMMENT};
    line->start = line_start(x->s, t.start);
    line->indent = columns(x->s, line->start, t.start);
    line->decorator = t.kind == RN_PY_OP && x->s.data[t.start] == '@';
    line_shape shape = {0};
    for (; t.kind != RN_PY_NEWLINE && t.kind != RN_PY_END; t = rn_pylex_next(x)) {
        if (t.kind == RN_PY_COMMENT) continue;
        line->prose |= t.kind == RN_PY_BAD || (t.bad && !x->in_string);
        line->prose |= shape.n > 0 && side_by_side(x, shape.last, t);
        line->prose |= tells_result(x, t, &shape);
        shape.colon |= t.kind == RN_PY_OP && x->depth == 0 && x->s.data[t.start] == ':';
        shape.last = t;
        shape.n++;
    }
    judge_line(x, &shape, line);
    line->end = t.end;
    line->open = t.kind == RN_PY_END && (x->depth > 0 || x->in_string);
    return 1;
}
