/*
 * json_python.c: JSON as Python writes it. Its json module emits NaN and Infinity, integers of any
 * length and escapes of lone surrogates; jansson reads none of them. A value that does not parse is
 * mended and tried once more:
 *
 *     NaN, Infinity, -Infinity   -> null, as a number beyond a double (1e999)
 *     an integer beyond 64 bits  -> a string of its digits
 *     a lone \uD800 ... \uDFFF   -> MARK and the four hexadecimal digits
 *
 * MARK is U+FDD0, which is no character; a value that holds it already is not mended. A text with
 * marks gets the three bytes that Python's "surrogatepass" gives: no valid UTF-8, so that the
 * program does not compile, as under human-eval.
 */
#include "base/json.h"

static const char mark[] = "\xef\xb7\x90";
enum { MARK_BYTES = 3 };

/* The code unit of an escape "\uXXXX" at p; -1: there is none. */
static long unit_at(const char *p, const char *end)
{
    if (end - p < 6 || p[0] != '\\' || p[1] != 'u') return -1;
    char hex[5] = {p[2], p[3], p[4], p[5], '\0'};
    for (int i = 0; i < 4; i++)
        if (!isxdigit((unsigned char)hex[i])) return -1;
    return strtol(hex, NULL, 16);
}

/* One escape of a string: a pair of surrogates as it is, a lone one as a mark. Returns its
 * bytes. */
static size_t put_escape(rn_buf *out, const char *p, const char *end, bool *marked)
{
    long unit = unit_at(p, end);
    if (unit < 0xd800 || unit > 0xdfff) {
        size_t n = end - p < 2 ? (size_t)(end - p) : 2;
        rn_buf_add(out, p, n);
        return n;
    }
    long low = unit < 0xdc00 ? unit_at(p + 6, end) : -1;
    bool pair = low >= 0xdc00 && low <= 0xdfff;
    if (pair) {
        rn_buf_add(out, p, 12);
        return 12;
    }
    rn_buf_add(out, mark, MARK_BYTES);
    rn_buf_add(out, p + 2, 4);
    *marked = true;
    return 6;
}

/* A number that jansson does not read; returns its bytes. */
static size_t put_number(rn_buf *out, const char *p, const char *end)
{
    enum { SURE = 18 }; /* digits that fit 64 bits, whatever they are */
    size_t n = 1;
    bool whole = true;
    while (p + n < end && (isdigit((unsigned char)p[n]) || strchr("+-.eE", p[n])) && p[n]) {
        whole &= isdigit((unsigned char)p[n]) != 0;
        n++;
    }
    char *copy = n > SURE || !whole ? strndup(p, n) : NULL;
    errno = 0;
    if (copy && whole) (void)!strtoll(copy, NULL, 10);
    if (copy && whole && errno == ERANGE)
        rn_buf_printf(out, "\"%s\"", copy);
    else if (copy && !whole && isinf(strtod(copy, NULL)))
        rn_buf_puts(out, "null");
    else
        rn_buf_add(out, p, n);
    free(copy);
    return n;
}

static bool is_word(const char *p, const char *end, const char *word)
{
    size_t n = strlen(word);
    return (size_t)(end - p) >= n && memcmp(p, word, n) == 0;
}

static void mend(rn_bytes raw, rn_buf *out, bool *marked)
{
    static const char *const words[] = {"NaN", "-Infinity", "Infinity"};
    const char *p = raw.data, *end = p + raw.len;
    bool quoted = false;
    while (p < end) {
        if (quoted && *p == '\\') {
            p += put_escape(out, p, end, marked);
            continue;
        }
        size_t word = 0;
        for (size_t i = 0; !quoted && !word && i < sizeof words / sizeof words[0]; i++)
            if (is_word(p, end, words[i])) word = strlen(words[i]);
        if (word) {
            rn_buf_puts(out, "null");
            p += word;
            continue;
        }
        bool number = !quoted && (*p == '-' || isdigit((unsigned char)*p));
        if (number) {
            p += put_number(out, p, end);
            continue;
        }
        if (*p == '"') quoted = !quoted;
        rn_buf_putc(out, *p++);
    }
}

int rn_json_parse_python(rn_bytes raw, rn_json_at at, json_t **out, bool *marked, rn_err *err)
{
    *marked = false;
    int rc = rn_json_parse(raw, at, out, err);
    if (rc != RN_EFORMAT || rn_bytes_find(raw, rn_bytes_of(mark), 0) != SIZE_MAX) return rc;
    rn_buf mended = {0};
    bool any = false;
    mend(raw, &mended, &any);
    rn_err why;
    if (rn_buf_ok(&mended) && !rn_bytes_equal(rn_buf_view(&mended), raw) &&
        rn_json_parse(rn_buf_view(&mended), at, out, &why) == 0) {
        *marked = any;
        rc = 0;
    }
    rn_buf_free(&mended);
    return rc;
}

bool rn_json_unmark(rn_bytes *text, rn_buf *out)
{
    size_t at = rn_bytes_find(*text, rn_bytes_of(mark), 0), from = 0;
    if (at == SIZE_MAX) return true;
    rn_buf_clear(out);
    for (; at != SIZE_MAX; at = rn_bytes_find(*text, rn_bytes_of(mark), from)) {
        char hex[5] = "";
        memcpy(hex, text->data + at + MARK_BYTES, 4);
        rn_buf_add(out, text->data + from, at - from);
        rn_buf_utf8(out, (uint32_t)strtoul(hex, NULL, 16)); /* half of a pair */
        from = at + MARK_BYTES + 4;
    }
    rn_buf_add(out, text->data + from, text->len - from);
    *text = rn_buf_view(out);
    return rn_buf_ok(out);
}
