/* pylit.c: see pylit.h. A recursive-descent reader with bounds, a writer, and mutations by type. */
#include "rank/pylit.h"

enum { MAX_DEPTH = 40, MAX_ITEMS = 4096, MAX_NUMBER = 63, MAX_STR = 256, MAX_SEQ = 64 };

typedef struct reader {
    rn_arena *a;
    rn_bytes text;
    size_t at;
    int depth;
} reader;

/* ---- reading --------------------------------------------------------------------------------- */

static char peek(const reader *r)
{
    return r->at < r->text.len ? r->text.data[r->at] : '\0';
}

static void skip_blanks(reader *r)
{
    while (r->at < r->text.len && strchr(" \t\r\n", r->text.data[r->at]))
        r->at++;
}

static bool accept(reader *r, char c)
{
    skip_blanks(r);
    if (r->at >= r->text.len || r->text.data[r->at] != c) return false;
    r->at++;
    return true;
}

static bool in_name(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (unsigned char)c >= 0x80;
}

static const rn_lit *keep(rn_arena *a, rn_lit v)
{
    rn_lit *p = rn_arena_alloc(a, sizeof *p);
    if (p) *p = v;
    return p;
}

static const rn_lit *read_word(reader *r)
{
    static const struct {
        const char *word;
        rn_lit v;
    } words[] = {{"None", {.kind = RN_LIT_NONE}},         {"True", {.kind = RN_LIT_BOOL, .i = 1}},
                 {"False", {.kind = RN_LIT_BOOL}},        {"set()", {.kind = RN_LIT_SET}},
                 {"true", {.kind = RN_LIT_BOOL, .i = 1}}, {"false", {.kind = RN_LIT_BOOL}},
                 {"null", {.kind = RN_LIT_NONE}}};
    const size_t json = 4; /* "[1,null,2]" of LeetCode: alone these are words of a sentence */
    const size_t n = r->depth > 1 ? sizeof words / sizeof *words : json;
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(words[i].word);
        if (r->text.len - r->at < len || memcmp(r->text.data + r->at, words[i].word, len) != 0)
            continue;
        if (r->at + len < r->text.len && in_name(r->text.data[r->at + len])) continue;
        r->at += len;
        return keep(r->a, words[i].v);
    }
    return NULL;
}

static const rn_lit *read_number(reader *r)
{
    char buf[MAX_NUMBER + 1];
    size_t from = r->at, n = 0;
    bool real = false;
    if (peek(r) == '-' || peek(r) == '+') r->at++;
    size_t digits = r->at;
    for (char c = peek(r); c; c = peek(r)) {
        bool sign = (c == '-' || c == '+') && strchr("eE", r->text.data[r->at - 1]);
        if (!(c >= '0' && c <= '9') && c != '.' && !(c == 'e' || c == 'E') && !(real && sign))
            break;
        real |= c == '.' || c == 'e' || c == 'E';
        r->at++;
    }
    n = r->at - from;
    if (r->at > digits && real && r->text.data[r->at - 1] == '.' && r->at - digits > 1) {
        /* "f(1) returns 2." ends a sentence; "2.5." does too. */
        bool line_end = r->at == r->text.len || strchr(" \t\r\n", r->text.data[r->at]);
        size_t point = r->at - 1;
        if (line_end) {
            r->at = point;
            n--;
            real = memchr(r->text.data + from, '.', n) || memchr(r->text.data + from, 'e', n);
        }
    }
    if (r->at == digits || n > MAX_NUMBER || in_name(peek(r))) return NULL;
    memcpy(buf, r->text.data + from, n);
    buf[n] = '\0';
    char *end;
    errno = 0;
    if (real) {
        double f = strtod(buf, &end);
        return *end || !isfinite(f) ? NULL : keep(r->a, (rn_lit){.kind = RN_LIT_FLOAT, .f = f});
    }
    size_t lead = r->text.data[digits] == '0' && r->at - digits > 1;
    long long i = strtoll(buf, &end, 10);
    return *end || errno || lead ? NULL : keep(r->a, (rn_lit){.kind = RN_LIT_INT, .i = i});
}

/* \xhh, \uhhhh; false if the digits are missing or it is half of a pair. */
static bool read_hex(reader *r, int digits, rn_buf *out)
{
    uint32_t u = 0;
    for (int i = 0; i < digits; i++, r->at++) {
        char c = peek(r);
        int d = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
        if (d < 0) return false;
        u = u * 16 + (uint32_t)d;
    }
    if (u >= 0xd800 && u < 0xe000) return false;
    rn_buf_utf8(out, u);
    return true;
}

static bool read_escape(reader *r, rn_buf *out)
{
    static const char from[] = "\\'\"ntr0abfv", to[] = "\\'\"\n\t\r\0\a\b\f\v";
    char c = peek(r);
    r->at++;
    if (c == 'x') return read_hex(r, 2, out);
    if (c == 'u') return read_hex(r, 4, out);
    const char *p = c ? strchr(from, c) : NULL;
    if (!p) {
        rn_buf_putc(out, '\\'); /* an unknown escape means itself */
        r->at--;
        return r->at < r->text.len;
    }
    rn_buf_putc(out, to[p - from]);
    return true;
}

static const rn_lit *read_str(reader *r)
{
    char quote = peek(r);
    rn_buf out = {0};
    r->at++;
    bool ok = true, closed = false;
    while (ok && !closed && r->at < r->text.len) {
        char c = r->text.data[r->at++];
        if (c == quote)
            closed = true;
        else if (c == '\n')
            ok = false;
        else if (c == '\\')
            ok = read_escape(r, &out);
        else
            rn_buf_putc(&out, c);
    }
    const rn_lit *v = NULL;
    char *copy = ok && closed && rn_buf_ok(&out) && rn_utf8_valid(rn_buf_view(&out), NULL)
                     ? rn_arena_dup(r->a, out.data ? out.data : "", out.len)
                     : NULL;
    if (copy) v = keep(r->a, (rn_lit){.kind = RN_LIT_STR, .s = {copy, out.len}});
    rn_buf_free(&out);
    return v;
}

static const rn_lit *read_value(reader *r);

/* What read_items found. */
typedef struct items {
    RN_VEC(const rn_lit *) list;
    bool comma, colon; /* one was seen */
} items;

static bool add_item(items *it, const rn_lit *v)
{
    return v && it->list.n < MAX_ITEMS && rn_vec_push(&it->list, v);
}

/* "a, b, ...)" up to the closing character, behind the opening one. */
static bool read_items(reader *r, char close, items *it)
{
    while (!accept(r, close)) {
        if (it->list.n && !it->comma) return false;
        if (!add_item(it, read_value(r))) return false;
        skip_blanks(r);
        if (close == '}' && peek(r) == ':' && (it->colon || it->list.n == 1)) {
            r->at++;
            it->colon = true;
            if (!add_item(it, read_value(r))) return false;
        } else if (it->colon) {
            return false;
        }
        it->comma = accept(r, ',');
        if (!it->comma) return accept(r, close);
    }
    return true;
}

static const rn_lit *read_container(reader *r)
{
    char open = peek(r);
    items it = {0};
    r->at++;
    const rn_lit *v = NULL;
    bool ok = read_items(r, open == '[' ? ']' : open == '(' ? ')' : '}', &it);
    if (ok && open == '(' && it.list.n == 1 && !it.comma) {
        v = it.list.data[0]; /* brackets around one value */
    } else if (ok) {
        rn_lit c = {.kind = open == '['                  ? RN_LIT_LIST
                            : open == '('                ? RN_LIT_TUPLE
                            : it.colon || it.list.n == 0 ? RN_LIT_DICT
                                                         : RN_LIT_SET,
                    .n = it.list.n};
        c.item = rn_arena_array(r->a, c.n + 1, sizeof *c.item);
        if (c.item && c.n) memcpy(c.item, it.list.data, c.n * sizeof *c.item);
        if (c.item) v = keep(r->a, c);
    }
    rn_vec_free(&it.list);
    return v;
}

static const rn_lit *read_value(reader *r)
{
    skip_blanks(r);
    char c = peek(r);
    if (r->depth >= MAX_DEPTH || !c) return NULL;
    r->depth++;
    const rn_lit *v = c == '\'' || c == '"'              ? read_str(r)
                      : c == '[' || c == '(' || c == '{' ? read_container(r)
                      : strchr("+-.0123456789", c)       ? read_number(r)
                                                         : read_word(r);
    r->depth--;
    return v;
}

const rn_lit *rn_lit_parse(rn_arena *a, rn_bytes text, size_t *at)
{
    reader r = {.a = a, .text = text, .at = *at};
    const rn_lit *v = read_value(&r);
    if (v) *at = r.at;
    return v;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void write_str(rn_bytes s, rn_buf *out)
{
    rn_buf_putc(out, '\'');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if (c == '\'' || c == '\\')
            rn_buf_printf(out, "\\%c", c);
        else if (c < 32 || c == 127)
            rn_buf_printf(out, "\\x%02x", c);
        else
            rn_buf_putc(out, (char)c);
    }
    rn_buf_putc(out, '\'');
}

static void write_items(const rn_lit *v, const char *open, const char *close, rn_buf *out)
{
    rn_buf_puts(out, open);
    for (size_t i = 0; i < v->n; i++) {
        if (i) rn_buf_puts(out, v->kind == RN_LIT_DICT && i % 2 ? ": " : ", ");
        rn_lit_write(v->item[i], out);
    }
    if (v->kind == RN_LIT_TUPLE && v->n == 1) rn_buf_putc(out, ',');
    rn_buf_puts(out, close);
}

static void write_real(double f, rn_buf *out)
{
    char text[40];
    for (int digits = 15; digits <= 17; digits++) { /* the shortest that reads back */
        snprintf(text, sizeof text, "%.*g", digits, f);
        if (strtod(text, NULL) == f) break;
    }
    rn_buf_puts(out, text);
    if (!strpbrk(text, ".e")) rn_buf_puts(out, ".0");
}

void rn_lit_write(const rn_lit *v, rn_buf *out)
{
    switch (v->kind) {
    case RN_LIT_NONE: rn_buf_puts(out, "None"); break;
    case RN_LIT_BOOL: rn_buf_puts(out, v->i ? "True" : "False"); break;
    case RN_LIT_INT: rn_buf_printf(out, "%lld", (long long)v->i); break;
    case RN_LIT_FLOAT: write_real(v->f, out); break;
    case RN_LIT_STR: write_str(v->s, out); break;
    case RN_LIT_LIST: write_items(v, "[", "]", out); break;
    case RN_LIT_TUPLE: write_items(v, "(", ")", out); break;
    case RN_LIT_DICT: write_items(v, "{", "}", out); break;
    case RN_LIT_SET:
        if (v->n == 0)
            rn_buf_puts(out, "set()");
        else
            write_items(v, "{", "}", out);
        break;
    }
}

/* ---- mutations ------------------------------------------------------------------------------- */

/* Near it, its negative, its double, 0 or 1; results stay within a double's integers. */
static int64_t near_int(int64_t i, rn_rng *rng)
{
    const int64_t bound = INT64_C(1) << 52;
    if (i > bound || i < -bound) return i / 2;
    uint64_t spread = 2 * (uint64_t)(i < 0 ? -i : i) + 10;
    if (spread > 1000) spread = 1000;
    switch (rn_rng_below(rng, 8)) {
    case 0: return i + 1;
    case 1: return i - 1;
    case 2: return -i;
    case 3: return i * 2;
    case 4: return i / 2;
    case 5: return (int64_t)rn_rng_below(rng, 3);
    default: return i + (int64_t)rn_rng_below(rng, 2 * spread + 1) - (int64_t)spread;
    }
}

static double near_real(double f, rn_rng *rng)
{
    switch (rn_rng_below(rng, 6)) {
    case 0: return -f;
    case 1: return f / 2;
    case 2: return fabs(f) < 1e15 ? f * 2 : f;
    case 3: return fabs(f) < 1e15 ? floor(f) : f;
    case 4: return f + (double)rn_rng_below(rng, 21) / 10 - 1;
    default: return (double)rn_rng_below(rng, 3);
    }
}

/* The start of a random character; s is not empty. */
static size_t char_at(rn_bytes s, rn_rng *rng)
{
    size_t i = (size_t)rn_rng_below(rng, s.len);
    while (i > 0 && ((unsigned char)s.data[i] & 0xc0) == 0x80)
        i--;
    return i;
}

static size_t char_len(rn_bytes s, size_t at)
{
    size_t n = rn_utf8_len(s.data + at, s.len - at);
    return n ? n : 1;
}

/* A character of the same class, or one of the string's own. */
static char like(char c, rn_rng *rng)
{
    uint64_t r = rn_rng_u32(rng);
    if (c >= 'a' && c <= 'z') return (char)('a' + r % 26);
    if (c >= 'A' && c <= 'Z') return (char)('A' + r % 26);
    if (c >= '0' && c <= '9') return (char)('0' + r % 10);
    return c;
}

static const rn_lit *mutate_str(rn_bytes s, rn_rng *rng, rn_arena *a)
{
    rn_buf b = {0};
    uint64_t how = rn_rng_below(rng, 8);
    if (s.len == 0) {
        static const char *const some[] = {"a", "ab", " ", "A1", "aba"};
        rn_buf_puts(&b, some[rn_rng_below(rng, 5)]);
    } else if (how == 0 && s.len * 2 <= MAX_STR) { /* twice */
        rn_buf_add(&b, s.data, s.len);
        rn_buf_add(&b, s.data, s.len);
    } else if (how == 1) { /* a part from the start */
        rn_buf_add(&b, s.data, char_at(s, rng));
    } else if (how == 2) { /* a part to the end */
        size_t at = char_at(s, rng);
        rn_buf_add(&b, s.data + at, s.len - at);
    } else {
        size_t at = char_at(s, rng), n = char_len(s, at);
        rn_buf_add(&b, s.data, at);
        if (how == 3 && s.len < MAX_STR) { /* a character twice */
            rn_buf_add(&b, s.data + at, n);
            rn_buf_add(&b, s.data + at, n);
        } else if (how == 4) { /* another one of the string's in its place */
            size_t from = char_at(s, rng);
            rn_buf_add(&b, s.data + from, char_len(s, from));
        } else if (how >= 5 && n == 1) { /* another one of its class in its place */
            char c = s.data[at];
            bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
            rn_buf_putc(&b, how == 5 && letter ? (char)(c ^ 32) : like(c, rng));
        } /* else it is left out */
        rn_buf_add(&b, s.data + at + n, s.len - at - n);
    }
    char *copy = rn_buf_ok(&b) ? rn_arena_dup(a, b.data ? b.data : "", b.len) : NULL;
    rn_lit v = {.kind = RN_LIT_STR, .s = {copy, b.len}};
    rn_buf_free(&b);
    return copy ? keep(a, v) : NULL;
}

static const rn_lit *mutate_sequence(const rn_lit *v, rn_rng *rng, rn_arena *a)
{
    size_t n = v->n, i = n ? (size_t)rn_rng_below(rng, n) : 0;
    const rn_lit **item = rn_arena_array(a, n + 2, sizeof *item);
    if (!item) return NULL;
    if (n == 0) return v;
    memcpy(item, v->item, n * sizeof *item);
    rn_lit out = {.kind = v->kind, .item = item, .n = n};
    uint64_t how = rn_rng_below(rng, 8);
    /* A tuple is a record more often than a list: its length stays. */
    if (v->kind == RN_LIT_TUPLE && how < 4) how = 7;
    if (how == 0) { /* one less */
        memmove(item + i, item + i + 1, (n - i - 1) * sizeof *item);
        out.n--;
    } else if (how <= 2 && n < MAX_SEQ) { /* one more: a copy, changed or not */
        const rn_lit *copy = how == 1 ? item[i] : rn_lit_mutate(item[i], rng, a);
        size_t to = (size_t)rn_rng_below(rng, n + 1);
        memmove(item + to + 1, item + to, (n - to) * sizeof *item);
        item[to] = copy;
        out.n++;
        if (!copy) return NULL;
    } else if (how == 3) { /* backwards */
        for (size_t k = 0; k < n / 2; k++) {
            const rn_lit *t = item[k];
            item[k] = item[n - 1 - k];
            item[n - 1 - k] = t;
        }
    } else if (how == 4 && v->kind != RN_LIT_TUPLE) { /* two exchanged */
        size_t k = (size_t)rn_rng_below(rng, n);
        const rn_lit *t = item[k];
        item[k] = item[i];
        item[i] = t;
    } else if (how == 5 && v->kind != RN_LIT_TUPLE && rn_rng_below(rng, 3) == 0) {
        out.n = 0;
    } else if (!(item[i] = rn_lit_mutate(item[i], rng, a))) {
        return NULL;
    }
    return keep(a, out);
}

static const rn_lit *mutate_dict(const rn_lit *v, rn_rng *rng, rn_arena *a)
{
    size_t pairs = v->n / 2;
    if (pairs == 0) return v;
    const rn_lit **item = rn_arena_array(a, v->n + 2, sizeof *item);
    if (!item) return NULL;
    memcpy(item, v->item, v->n * sizeof *item);
    rn_lit out = {.kind = RN_LIT_DICT, .item = item, .n = v->n};
    size_t i = (size_t)rn_rng_below(rng, pairs);
    uint64_t how = rn_rng_below(rng, 5);
    if (how == 0) { /* a pair less */
        memmove(item + 2 * i, item + 2 * i + 2, (v->n - 2 * i - 2) * sizeof *item);
        out.n -= 2;
    } else if (how == 1 && pairs < MAX_SEQ) { /* a pair more */
        item[v->n] = rn_lit_mutate(item[2 * i], rng, a);
        item[v->n + 1] = item[2 * i + 1];
        out.n += 2;
        if (!item[v->n]) return NULL;
    } else {
        size_t at = 2 * i + (how != 2); /* its key, more often its value */
        item[at] = rn_lit_mutate(item[at], rng, a);
        if (!item[at]) return NULL;
    }
    return keep(a, out);
}

const rn_lit *rn_lit_mutate(const rn_lit *v, rn_rng *rng, rn_arena *a)
{
    switch (v->kind) {
    case RN_LIT_NONE: return v;
    case RN_LIT_BOOL: return keep(a, (rn_lit){.kind = RN_LIT_BOOL, .i = !v->i});
    case RN_LIT_INT: return keep(a, (rn_lit){.kind = RN_LIT_INT, .i = near_int(v->i, rng)});
    case RN_LIT_FLOAT: return keep(a, (rn_lit){.kind = RN_LIT_FLOAT, .f = near_real(v->f, rng)});
    case RN_LIT_STR: return mutate_str(v->s, rng, a);
    case RN_LIT_DICT: return mutate_dict(v, rng, a);
    case RN_LIT_LIST:
    case RN_LIT_TUPLE:
    case RN_LIT_SET: return mutate_sequence(v, rng, a);
    }
    return v;
}
