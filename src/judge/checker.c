/*
 * checker.c: comparison of standard output with the expected text.
 *
 * RN_COMPARE_APPS follows run_test of hendrycks/apps, eval/testing_util.py, rule after rule; the
 * first that holds decides:
 *   1. equal after stripping both ends, or after stripping each output line too
 *   2. output lines, then its non-empty ones, equal to the expected non-empty lines, stripped
 *   3. every line is one number on both sides: |o - e| <= 1e-8 + 1e-5 |e| (numpy.allclose)
 *   4. lines as sets of tokens, and the whole as a set of lines, equal
 *   5. the same with every token a number rounded to three decimals
 * Rules 4 and 5 forget order and repetition; that is the benchmark's known leniency.
 *
 * RN_COMPARE_CODECONTESTS follows OutputsMatch of google-deepmind/code_contests: all tokens equal
 * in lower case; else as many tokens on both sides, each equal, or an equal integer, or, where one
 * is no integer, a number within an absolute 1e-5, so that NaN and infinities only match where all
 * is equal. (It compares integers as doubles, so that beyond 2^53 neighbours are equal there; here
 * they are not.)
 *
 * RN_COMPARE_LIVECODEBENCH follows its grade_stdio: as many lines, stripped, each equal or made of
 * equal decimal numbers, exactly, as Python's Decimal reads them.
 *
 * Those that are written in Python take for blanks and line ends what Python does, beyond ASCII
 * too: they become \x1f and \x1e before anything is compared.
 *
 * RN_COMPARE_TACO follows compare_std_results of FlagOpen/TACO, metrics/testing_util.py, which runs
 * APPS' rules on one string instead of a list of lines: what is left of them is equality after
 * stripping, and the sets of the characters of each output token against the expected lines' sets
 * of tokens.
 */
#include "judge/checker.h"

#include "base/arena.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct lines {
    rn_bytes *v;
    size_t n;
} lines;

/* What Python's str.strip and str.split take for blanks, ASCII part. */
static bool is_blank(char c)
{
    return (c >= '\t' && c <= '\r') || c == ' ' || (c >= '\x1c' && c <= '\x1f');
}

/* The length of a blank beyond ASCII at i, 0 if there is none; *ends: it ends a line. */
static size_t wide_blank(rn_bytes s, size_t i, bool *ends)
{
    static const char *const others[] = {
        "\xC2\xA0",     "\xE1\x9A\x80",
        "\xE2\x80\xAF", "\xE2\x81\x9F", /* U+00A0, 1680, 202F, 205F */
        "\xE3\x80\x80", "\xC2\x85",
        "\xE2\x80\xA8", "\xE2\x80\xA9", /* 3000; 0085, 2028, 2029 */
    };
    rn_bytes rest = {.data = s.data + i, .len = s.len - i};
    for (size_t k = 0; k < sizeof others / sizeof others[0]; k++) {
        *ends = k >= 5;
        if (rn_bytes_starts(rest, others[k])) return strlen(others[k]);
    }
    *ends = false;
    bool en_quad = rest.len >= 3 && memcmp(rest.data, "\xE2\x80", 2) == 0 &&
                   (unsigned char)rest.data[2] >= 0x80 && (unsigned char)rest.data[2] <= 0x8A;
    return en_quad ? 3 : 0; /* U+2000 to 200A */
}

/* The text with its blanks beyond ASCII as \x1f and \x1e. False when memory is out. */
static bool plain_blanks(rn_arena *a, rn_bytes *s)
{
    bool wide = false;
    for (size_t i = 0; i < s->len && !wide; i++)
        wide = (unsigned char)s->data[i] >= 0x80;
    if (!wide) return true;
    char *text = rn_arena_alloc(a, s->len);
    size_t n = 0;
    if (!text) return false;
    for (size_t i = 0; i < s->len;) {
        bool ends;
        size_t len = (unsigned char)s->data[i] >= 0x80 ? wide_blank(*s, i, &ends) : 0;
        text[n++] = !len ? s->data[i] : ends ? '\x1e' : '\x1f';
        i += len ? len : 1;
    }
    *s = (rn_bytes){.data = text, .len = n};
    return true;
}

static rn_bytes strip(rn_bytes s)
{
    while (s.len && is_blank(s.data[0]))
        s.data++, s.len--;
    while (s.len && is_blank(s.data[s.len - 1]))
        s.len--;
    return s;
}

static bool is_line_end(char c)
{
    return (c >= '\n' && c <= '\r') || (c >= '\x1c' && c <= '\x1e');
}

/* str.splitlines() (every_kind) or split("\n"). */
static bool split_lines(rn_arena *a, rn_bytes s, bool every_kind, lines *out)
{
    size_t cap = 1;
    for (size_t i = 0; i < s.len; i++)
        if (is_line_end(s.data[i])) cap++;
    out->v = rn_arena_array(a, cap, sizeof *out->v);
    out->n = 0;
    if (!out->v) return false;
    size_t start = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.data[i];
        if (every_kind ? !is_line_end(c) : c != '\n') continue;
        out->v[out->n++] = (rn_bytes){.data = s.data + start, .len = i - start};
        if (every_kind && c == '\r' && i + 1 < s.len && s.data[i + 1] == '\n') i++;
        start = i + 1;
    }
    if (start < s.len || !every_kind)
        out->v[out->n++] = (rn_bytes){.data = s.data ? s.data + start : NULL, .len = s.len - start};
    return true;
}

static void drop_empty(lines *l)
{
    size_t n = 0;
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i].len) l->v[n++] = l->v[i];
    l->n = n;
}

static bool lines_equal(const lines *a, const lines *b)
{
    if (a->n != b->n) return false;
    for (size_t i = 0; i < a->n; i++)
        if (!rn_bytes_equal(a->v[i], b->v[i])) return false;
    return true;
}

/* The lines joined by "\n", each stripped when `each`, the whole stripped. */
static bool joined_equals(rn_arena *arena, const lines *l, bool each, rn_bytes want, bool *equal)
{
    size_t len = l->n;
    for (size_t i = 0; i < l->n; i++)
        len += l->v[i].len;
    char *text = rn_arena_alloc(arena, len + 1);
    if (!text) return false;
    size_t at = 0;
    for (size_t i = 0; i < l->n; i++) {
        rn_bytes s = each ? strip(l->v[i]) : l->v[i];
        if (i) text[at++] = '\n';
        if (s.len) memcpy(text + at, s.data, s.len);
        at += s.len;
    }
    *equal = rn_bytes_equal(strip((rn_bytes){.data = text, .len = at}), want);
    return true;
}

/* The digit of any script that begins a text, as Python's float and Decimal read it; -1: none.
 * *len: its bytes. The zeros of Unicode 14's category Nd (Python 3.11), in order. */
static int wide_digit(rn_bytes s, size_t *len)
{
    static const uint32_t zeros[] = {
        0x660,   0x6F0,   0x7C0,   0x966,   0x9E6,   0xA66,   0xAE6,   0xB66,   0xBE6,   0xC66,
        0xCE6,   0xD66,   0xDE6,   0xE50,   0xED0,   0xF20,   0x1040,  0x1090,  0x17E0,  0x1810,
        0x1946,  0x19D0,  0x1A80,  0x1A90,  0x1B50,  0x1BB0,  0x1C40,  0x1C50,  0xA620,  0xA8D0,
        0xA900,  0xA9D0,  0xA9F0,  0xAA50,  0xABF0,  0xFF10,  0x104A0, 0x10D30, 0x11066, 0x110F0,
        0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0, 0x11950,
        0x11C50, 0x11D50, 0x11DA0, 0x16A60, 0x16AC0, 0x16B50, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC,
        0x1D7F6, 0x1E140, 0x1E2F0, 0x1E950, 0x1FBF0};
    *len = rn_utf8_len(s.data, s.len);
    if (*len < 2) return -1;
    uint32_t c = (unsigned char)s.data[0] & (0xFFu >> (*len + 1));
    for (size_t i = 1; i < *len; i++)
        c = c << 6 | ((unsigned char)s.data[i] & 0x3F);
    for (size_t i = 0; i < sizeof zeros / sizeof zeros[0] && zeros[i] <= c; i++)
        if (c - zeros[i] < 10) return (int)(c - zeros[i]);
    return -1;
}

/* The text with its digits in ASCII into buf[s.len]; SIZE_MAX: there are other characters. */
static size_t put_ascii(rn_bytes s, char *buf)
{
    size_t n = 0;
    for (size_t i = 0, len = 1; i < s.len; i += len) {
        rn_bytes rest = {.data = s.data + i, .len = s.len - i};
        bool wide = (unsigned char)s.data[i] >= 0x80;
        int digit = wide ? wide_digit(rest, &len) : -1;
        if (wide && digit < 0) return SIZE_MAX;
        buf[n++] = wide ? (char)('0' + digit) : s.data[i];
        if (!wide) len = 1;
    }
    return n;
}

/* float() of ASCII in buf[n + 1]. */
static bool read_float(char *buf, size_t n, double *out)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        char c = buf[i];
        bool before = i > 0 && isdigit((unsigned char)buf[i - 1]);
        if (c == '_' && !(before && i + 1 < n && isdigit((unsigned char)buf[i + 1]))) return false;
        if (c == 'x' || c == 'X' || c == '(' || c == '\0') return false;
    }
    for (size_t i = 0; i < n; i++)
        if (buf[i] != '_') buf[kept++] = buf[i];
    buf[kept] = '\0';
    char *end;
    *out = strtod(buf, &end);
    return end == buf + kept;
}

/* Python's float(text): decimal, "inf", "nan", underscores between digits; no hexadecimal. */
static bool parse_float(rn_bytes s, double *out)
{
    char few[512];
    s = strip(s);
    if (s.len == 0) return false;
    char *buf = s.len < sizeof few ? few : malloc(s.len + 1);
    if (!buf) return false;
    size_t n = put_ascii(s, buf);
    bool ok = n != SIZE_MAX && read_float(buf, n, out);
    if (buf != few) free(buf);
    return ok;
}

static bool close_to(double got, double want)
{
    if (isinf(got) || isinf(want)) return got == want;
    return fabs(got - want) <= 1e-8 + 1e-5 * fabs(want);
}

static bool all_close(const lines *got, const lines *want)
{
    if (got->n != want->n) return false;
    for (size_t i = 0; i < got->n; i++) {
        double g, w;
        if (!parse_float(got->v[i], &g) || !parse_float(want->v[i], &w) || !close_to(g, w))
            return false;
    }
    return true;
}

static int order(const void *a, const void *b)
{
    const rn_bytes *x = a, *y = b;
    size_t n = x->len < y->len ? x->len : y->len;
    int c = n ? memcmp(x->data, y->data, n) : 0;
    return c ? c : (x->len > y->len) - (x->len < y->len);
}

static void sort_unique(lines *l)
{
    if (l->n < 2) return;
    qsort(l->v, l->n, sizeof *l->v, order);
    size_t n = 1;
    for (size_t i = 1; i < l->n; i++)
        if (!rn_bytes_equal(l->v[i], l->v[n - 1])) l->v[n++] = l->v[i];
    l->n = n;
}

/* round(float(token), 3) as text; the C library rounds the exact value, as Python does. */
static bool rounded(rn_arena *a, rn_bytes *token)
{
    double d;
    if (!parse_float(*token, &d) || isnan(d)) return false;
    char *text = rn_arena_printf(a, "%.3f", d);
    if (!text) return false;
    if (strcmp(text, "-0.000") == 0) text++;
    *token = rn_bytes_of(text);
    return true;
}

/* Each line becomes its sorted distinct tokens joined by one space; then the lines are sorted and
 * made distinct. *ok is false when `numbers` and a token is none. */
static bool as_sets(rn_arena *a, const lines *in, bool numbers, bool drop_blank, lines *out,
                    bool *ok)
{
    *ok = true;
    out->n = 0;
    out->v = rn_arena_array(a, in->n + 1, sizeof *out->v);
    if (!out->v) return false;
    for (size_t i = 0; i < in->n; i++) {
        rn_bytes s = in->v[i];
        lines tokens = {.v = rn_arena_array(a, s.len / 2 + 1, sizeof *tokens.v)};
        if (!tokens.v) return false;
        for (size_t k = 0; k < s.len;) {
            while (k < s.len && is_blank(s.data[k]))
                k++;
            size_t start = k;
            while (k < s.len && !is_blank(s.data[k]))
                k++;
            if (k > start) tokens.v[tokens.n++] = (rn_bytes){s.data + start, k - start};
        }
        if (tokens.n == 0 && drop_blank) continue;
        for (size_t t = 0; numbers && t < tokens.n; t++)
            if (!rounded(a, &tokens.v[t])) {
                *ok = false;
                return true;
            }
        sort_unique(&tokens);
        rn_buf b = {0};
        for (size_t t = 0; t < tokens.n; t++) {
            rn_buf_add(&b, tokens.v[t].data, tokens.v[t].len);
            rn_buf_putc(&b, ' ');
        }
        char *text = rn_buf_ok(&b) ? rn_arena_dup(a, b.data ? b.data : "", b.len) : NULL;
        size_t len = b.len;
        rn_buf_free(&b);
        if (!text) return false;
        out->v[out->n++] = (rn_bytes){.data = text, .len = len};
    }
    sort_unique(out);
    return true;
}

static bool sets_agree(rn_arena *a, const lines *got, const lines *want, bool numbers, bool *agrees)
{
    lines g, w;
    bool g_ok, w_ok;
    if (!as_sets(a, got, numbers, true, &g, &g_ok) || !as_sets(a, want, numbers, false, &w, &w_ok))
        return false;
    *agrees = g_ok && w_ok && lines_equal(&g, &w);
    return true;
}

/* False when memory is out. */
static bool agrees_apps(rn_arena *a, rn_bytes got, rn_bytes want, bool *agrees)
{
    lines out, exp;
    if (!split_lines(a, got, true, &out)) return false;
    rn_bytes stripped = strip(want);
    if (!joined_equals(a, &out, false, stripped, agrees)) return false;
    if (*agrees) return true;
    if (!joined_equals(a, &out, true, stripped, agrees)) return false;
    if (*agrees) return true;
    if (!split_lines(a, want, false, &exp)) return false;
    drop_empty(&exp);
    for (size_t i = 0; i < exp.n; i++)
        exp.v[i] = strip(exp.v[i]);
    *agrees = lines_equal(&out, &exp);
    if (*agrees) return true;
    drop_empty(&out);
    *agrees = lines_equal(&out, &exp) || all_close(&out, &exp);
    if (*agrees) return true;
    if (!sets_agree(a, &out, &exp, false, agrees)) return false;
    if (*agrees) return true;
    return sets_agree(a, &out, &exp, true, agrees);
}

/* ---- CodeContests ---------------------------------------------------------------------------- */

/* The next run of characters that are no blanks; empty at the end. */
static rn_bytes next_token(rn_bytes s, size_t *pos)
{
    while (*pos < s.len && is_blank(s.data[*pos]))
        ++*pos;
    size_t start = *pos;
    while (*pos < s.len && !is_blank(s.data[*pos]))
        ++*pos;
    return (rn_bytes){.data = s.data + start, .len = *pos - start};
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool equal_lower(rn_bytes a, rn_bytes b)
{
    if (a.len != b.len) return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.data[i]) != lower(b.data[i])) return false;
    return true;
}

/* A decimal number in one spelling: value = 0.DIGITS x 10^exponent. Borrowed from its token. */
typedef struct decimal {
    bool negative, whole; /* whole: written without point and exponent */
    int64_t exponent;
    rn_bytes digits; /* a point may be among them; no zero at either end */
} decimal;

static bool parse_decimal(rn_bytes s, decimal *d)
{
    *d = (decimal){.whole = true};
    if (s.len && (s.data[0] == '-' || s.data[0] == '+')) {
        d->negative = s.data[0] == '-';
        s = (rn_bytes){.data = s.data + 1, .len = s.len - 1};
    }
    size_t end = 0, n_digits = 0;
    int64_t before = 0;
    bool point = false;
    for (; end < s.len && (isdigit((unsigned char)s.data[end]) || s.data[end] == '.'); end++) {
        if (s.data[end] == '.') {
            if (point) return false;
            point = true;
        } else {
            n_digits++;
            before += !point;
        }
    }
    if (n_digits == 0) return false;
    int64_t exponent = 0;
    if (end < s.len) {
        size_t i = end + 1;
        if (s.data[end] != 'e' && s.data[end] != 'E') return false;
        bool minus = i < s.len && s.data[i] == '-';
        if (i < s.len && (s.data[i] == '-' || s.data[i] == '+')) i++;
        if (i == s.len || s.len - i > 9) return false;
        for (; i < s.len; i++) {
            if (!isdigit((unsigned char)s.data[i])) return false;
            exponent = 10 * exponent + (s.data[i] - '0');
        }
        if (minus) exponent = -exponent;
        d->whole = false;
    }
    d->whole &= !point;
    size_t start = 0;
    for (; start < end && (s.data[start] == '0' || s.data[start] == '.'); start++)
        before -= s.data[start] == '0'; /* behind the point, too: 0.01 is 0.1 x 10^-1 */
    while (end > start && (s.data[end - 1] == '0' || s.data[end - 1] == '.'))
        end--;
    d->digits = (rn_bytes){.data = s.data + start, .len = end - start};
    d->exponent = end > start ? before + exponent : 0;
    d->negative &= end > start;
    return true;
}

static bool same_decimal(const decimal *a, const decimal *b)
{
    if (a->negative != b->negative || a->exponent != b->exponent) return false;
    size_t i = 0, k = 0;
    for (;;) {
        if (i < a->digits.len && a->digits.data[i] == '.') i++;
        if (k < b->digits.len && b->digits.data[k] == '.') k++;
        if (i == a->digits.len || k == b->digits.len)
            return i == a->digits.len && k == b->digits.len;
        if (a->digits.data[i++] != b->digits.data[k++]) return false;
    }
}

/* As absl::SimpleAtod reads it; of "nan" and infinities, which are near nothing, *d is not set. */
static bool parse_atod(rn_bytes s, decimal *d, bool *finite)
{
    static const char *const words[] = {"nan", "inf", "infinity"};
    rn_bytes word = s;
    if (s.len && (s.data[0] == '-' || s.data[0] == '+'))
        word = (rn_bytes){.data = s.data + 1, .len = s.len - 1};
    *finite = true;
    for (size_t i = 0; i < sizeof words / sizeof words[0] && *finite; i++)
        *finite = !equal_lower(word, rn_bytes_of(words[i]));
    return !*finite || parse_decimal(s, d);
}

static bool tokens_match(rn_bytes got, rn_bytes want)
{
    decimal g, w;
    bool finite[2];
    if (!parse_atod(got, &g, &finite[0]) || !parse_atod(want, &w, &finite[1]))
        return equal_lower(got, want);
    if (!finite[0] || !finite[1]) return false;
    if (g.whole && w.whole) return same_decimal(&g, &w);
    double x, y;
    if (!parse_float(got, &x) || !parse_float(want, &y)) return false;
    return fabs(x - y) < 1e-5;
}

/* The next run of characters that its SplitAndLowercase does not split at. */
static rn_bytes next_contest_token(rn_bytes s, size_t *pos)
{
    static const char blanks[] = " \n\t\r\v";
    while (*pos < s.len && memchr(blanks, s.data[*pos], sizeof blanks - 1))
        ++*pos;
    size_t start = *pos;
    while (*pos < s.len && !memchr(blanks, s.data[*pos], sizeof blanks - 1))
        ++*pos;
    return (rn_bytes){.data = s.data + start, .len = *pos - start};
}

static bool all_tokens(rn_bytes got, rn_bytes want, bool (*match)(rn_bytes, rn_bytes))
{
    size_t i = 0, k = 0;
    for (;;) {
        rn_bytes g = next_contest_token(got, &i), w = next_contest_token(want, &k);
        if (g.len == 0 || w.len == 0) return g.len == w.len;
        if (!match(g, w)) return false;
    }
}

static bool agrees_codecontests(rn_bytes got, rn_bytes want)
{
    return all_tokens(got, want, equal_lower) || all_tokens(got, want, tokens_match);
}

/* ---- TACO ------------------------------------------------------------------------------------ */

/* Each token as a line of its characters. */
static bool split_characters(rn_arena *a, rn_bytes s, lines *out)
{
    char *text = rn_arena_array(a, 2 * s.len + 1, 1);
    size_t n = 0, pos = 0;
    if (!text) return false;
    for (rn_bytes t; (t = next_token(s, &pos)).len;) {
        for (size_t i = 0; i < t.len; i++) {
            if (i && ((unsigned char)t.data[i] & 0xC0) != 0x80) text[n++] = ' ';
            text[n++] = t.data[i];
        }
        text[n++] = '\n';
    }
    return split_lines(a, (rn_bytes){.data = text, .len = n}, false, out);
}

static bool agrees_taco(rn_arena *a, rn_bytes got, rn_bytes want, bool *agrees)
{
    lines g, w;
    *agrees = rn_bytes_equal(strip(got), strip(want));
    if (*agrees) return true;
    if (!split_characters(a, got, &g) || !split_lines(a, want, false, &w)) return false;
    drop_empty(&g);
    drop_empty(&w);
    if (!sets_agree(a, &g, &w, false, agrees)) return false;
    return *agrees || sets_agree(a, &g, &w, true, agrees);
}

/* ---- LiveCodeBench --------------------------------------------------------------------------- */

/* Python's Decimal: underscores are nothing, "inf" is a number. +1, -1: infinite; 0 finite. */
static bool parse_python_decimal(rn_arena *a, rn_bytes s, decimal *d, int *infinite)
{
    bool plain = true;
    *infinite = 0;
    for (size_t i = 0; i < s.len; i++)
        plain &= s.data[i] != '_' && (unsigned char)s.data[i] < 0x80;
    if (!plain) {
        char *buf = rn_arena_alloc(a, s.len);
        size_t n = buf ? put_ascii(s, buf) : SIZE_MAX, kept = 0;
        if (n == SIZE_MAX) return false;
        for (size_t i = 0; i < n; i++)
            if (buf[i] != '_') buf[kept++] = buf[i];
        s = (rn_bytes){.data = buf, .len = kept};
    }
    rn_bytes word = s;
    if (s.len && (s.data[0] == '-' || s.data[0] == '+'))
        word = (rn_bytes){.data = s.data + 1, .len = s.len - 1};
    if (equal_lower(word, rn_bytes_of("inf")) || equal_lower(word, rn_bytes_of("infinity"))) {
        *infinite = s.data[0] == '-' ? -1 : 1;
        return true;
    }
    return parse_decimal(s, d);
}

static bool lines_of_decimals_match(rn_arena *a, rn_bytes got, rn_bytes want)
{
    size_t i = 0, k = 0;
    for (;;) {
        rn_bytes g = next_token(got, &i), w = next_token(want, &k);
        if (g.len == 0 || w.len == 0) return g.len == w.len;
        decimal x, y;
        int g_inf, w_inf;
        if (!parse_python_decimal(a, g, &x, &g_inf)) return false;
        if (!parse_python_decimal(a, w, &y, &w_inf)) return false;
        if (g_inf != w_inf || (!g_inf && !same_decimal(&x, &y))) return false;
    }
}

static bool agrees_livecodebench(rn_arena *a, rn_bytes got, rn_bytes want, bool *agrees)
{
    lines g, w;
    if (!split_lines(a, strip(got), false, &g) || !split_lines(a, strip(want), false, &w))
        return false;
    *agrees = g.n == w.n;
    for (size_t i = 0; *agrees && i < g.n; i++) {
        rn_bytes x = strip(g.v[i]), y = strip(w.v[i]);
        *agrees = rn_bytes_equal(x, y) || lines_of_decimals_match(a, x, y);
    }
    return true;
}

static rn_bytes strip_right(rn_bytes s)
{
    while (s.len && is_blank(s.data[s.len - 1]))
        s.len--;
    return s;
}

static bool agrees_strict(rn_arena *a, rn_bytes got, rn_bytes want, bool *agrees)
{
    lines g, w;
    if (!split_lines(a, strip_right(got), false, &g)) return false;
    if (!split_lines(a, strip_right(want), false, &w)) return false;
    *agrees = g.n == w.n;
    for (size_t i = 0; *agrees && i < g.n; i++)
        *agrees = rn_bytes_equal(strip_right(g.v[i]), strip_right(w.v[i]));
    return true;
}

int rn_compare_text(rn_compare rules, rn_bytes got, rn_bytes want, bool *agrees, rn_err *err)
{
    rn_arena a = {0};
    bool yes = false, ok = true;
    if (rules != RN_COMPARE_CODECONTESTS && rules != RN_COMPARE_STRICT)
        ok = plain_blanks(&a, &got) && plain_blanks(&a, &want);
    if (ok) switch (rules) {
        case RN_COMPARE_APPS: ok = agrees_apps(&a, got, want, &yes); break;
        case RN_COMPARE_STRICT: ok = agrees_strict(&a, got, want, &yes); break;
        case RN_COMPARE_CODECONTESTS: yes = agrees_codecontests(got, want); break;
        case RN_COMPARE_TACO: ok = agrees_taco(&a, got, want, &yes); break;
        case RN_COMPARE_LIVECODEBENCH: ok = agrees_livecodebench(&a, got, want, &yes); break;
        }
    rn_arena_free(&a);
    if (!ok)
        return rn_fail(err, RN_ENOMEM, "comparing %zu bytes of output: out of memory", got.len);
    *agrees = yes;
    return 0;
}
