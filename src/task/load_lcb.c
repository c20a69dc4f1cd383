/*
 * load_lcb.c: LiveCodeBench.
 *
 * {"question_id", "question_content", "starter_code", "public_test_cases", "private_test_cases",
 *  "contest_date"?, "difficulty"?, "platform"?, "metadata": "{\"func_name\": ...}"}
 * Test cases are JSON in a string, [{"input", "output", "testtype": "stdin" | "functional"}]; the
 * private ones may be that string pickled, deflated and in base64. A pickle is a program for a
 * machine that can call anything: it is read here by a machine of ours that knows the opcodes of
 * plain strings and lists and refuses every other by its number, so nothing of it is ever run.
 */
#include "task/load_priv.h"

#include "base/vec.h"
#include "task/jsonraw.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

enum { MAX_UNPACKED_BYTES = 1 << 30 };

/* ---- base64 and zlib --------------------------------------------------------------------------
 */

static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static bool put_base64(rn_bytes s, rn_buf *out)
{
    uint32_t bits = 0;
    int n = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '=' || s.data[i] == '\n' || s.data[i] == '\r') continue;
        int d = digit_of(s.data[i]);
        if (d < 0) return false;
        bits = bits << 6 | (uint32_t)d;
        if ((n += 6) < 8) continue;
        n -= 8;
        rn_buf_putc(out, (char)(bits >> n & 0xFF));
    }
    return true;
}

static bool put_inflated(rn_bytes s, rn_buf *out)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)s.data, .avail_in = (uInt)s.len};
    if (s.len > UINT32_MAX || inflateInit(&z) != Z_OK) return false;
    int rc = Z_OK;
    char chunk[65536];
    while (rc == Z_OK && rn_buf_ok(out) && out->len < MAX_UNPACKED_BYTES) {
        z.next_out = (Bytef *)chunk;
        z.avail_out = sizeof chunk;
        rc = inflate(&z, Z_NO_FLUSH);
        rn_buf_add(out, chunk, sizeof chunk - z.avail_out);
        if (rc == Z_OK && z.avail_out == sizeof chunk) break;
    }
    inflateEnd(&z);
    return rc == Z_STREAM_END && rn_buf_ok(out);
}

/* ---- the pickle of one string -----------------------------------------------------------------
 */

typedef struct reader {
    rn_bytes s;
    size_t pos;
} reader;

/* A little-endian number of n bytes; SIZE_MAX where the text ends. */
static size_t number(reader *r, size_t n)
{
    size_t v = 0;
    if (r->s.len - r->pos < n) return SIZE_MAX;
    for (size_t i = 0; i < n; i++)
        v |= (size_t)(unsigned char)r->s.data[r->pos + i] << (8 * i);
    r->pos += n;
    return v;
}

static int pickle_error(rn_json_at at, const char *what, size_t pos, rn_err *err)
{
    return rn_load_bad(at, "private_test_cases", err, "holds a pickle that %s at byte %zu", what,
                       pos);
}

/* The string that a pickle of protocol 0 to 5 holds and nothing else: *text is within s. */
static int read_pickle(rn_bytes s, rn_json_at at, rn_bytes *text, rn_err *err)
{
    reader r = {.s = s};
    bool have = false;
    while (r.pos < s.len) {
        size_t op_at = r.pos, n = 0;
        unsigned char op = (unsigned char)s.data[r.pos++];
        switch (op) {
        case 0x80: n = number(&r, 1); break; /* PROTO */
        case 0x95: n = number(&r, 8); break; /* FRAME */
        case 0x94: break;                    /* MEMOIZE */
        case 'q': n = number(&r, 1); break;  /* BINPUT */
        case 'r': n = number(&r, 4); break;  /* LONG_BINPUT */
        case 0x8C:                           /* SHORT_BINUNICODE */
        case 'X':                            /* BINUNICODE */
        case 0x8D:                           /* BINUNICODE8 */
            if (have)
                return pickle_error(at, "holds more than one string, and is refused,", op_at, err);
            n = number(&r, op == 'X' ? 4 : op == 0x8C ? 1 : 8);
            if (n == SIZE_MAX || n > s.len - r.pos)
                return pickle_error(at, "ends within a string", op_at, err);
            *text = (rn_bytes){.data = s.data + r.pos, .len = n};
            r.pos += n;
            have = true;
            break;
        case '.':
            if (!have) return pickle_error(at, "holds no string", op_at, err);
            return 0;
        default: {
            char what[80];
            const char *name = op == 'c' || op == 0x93 ? "GLOBAL"
                               : op == 'R'             ? "REDUCE"
                               : op == 'b'             ? "BUILD"
                               : op == 'i' || op == 'o' || op == 0x81 || op == 0x92
                                   ? "INST"
                                   : "not a string";
            snprintf(what, sizeof what,
                     "asks for more than a string, and is refused (opcode 0x%02X, %s)", op, name);
            return pickle_error(at, what, op_at, err);
        }
        }
        if (n == SIZE_MAX) return pickle_error(at, "ends within an opcode", op_at, err);
    }
    return pickle_error(at, "does not end", r.pos, err);
}

/* ---- test cases -------------------------------------------------------------------------------
 */

typedef RN_VEC(rn_case) case_vec;

static int keep_bytes(rn_loader *l, rn_buf *b, rn_json_at at, rn_bytes *out, rn_err *err)
{
    char *copy = rn_buf_ok(b) ? rn_arena_dup(&l->set->arena, b->len ? b->data : "", b->len) : NULL;
    *out = (rn_bytes){.data = copy, .len = b->len};
    rn_buf_free(b);
    return copy ? 0 : rn_load_nomem(at, err);
}

/* A functional case's arguments: one JSON value a line. */
static int put_arguments(rn_bytes lines, rn_buf *out, rn_err *err)
{
    rn_buf_putc(out, '[');
    bool first = true;
    for (size_t i = 0; i < lines.len;) {
        const char *nl = memchr(lines.data + i, '\n', lines.len - i);
        size_t end = nl ? (size_t)(nl - lines.data) : lines.len, pos = 0;
        rn_bytes line = {.data = lines.data + i, .len = end - i}, value;
        i = end + 1;
        size_t blank = 0;
        while (blank < line.len && strchr(" \t\r", line.data[blank]))
            blank++;
        if (blank == line.len) continue;
        int rc = rn_jsonraw_value(line, &pos, &value, err);
        if (rc) return rc;
        if (!first) rn_buf_putc(out, ',');
        first = false;
        rn_jsonraw_canonical(value, out);
    }
    rn_buf_putc(out, ']');
    return 0;
}

static bool key_is(rn_bytes key, const char *name)
{
    return key.len == strlen(name) + 2 && memcmp(key.data + 1, name, key.len - 2) == 0;
}

/* One {"input", "output", "testtype"}. */
static int read_case(rn_loader *l, rn_bytes entry, rn_json_at at, case_vec *cases, bool *call,
                     rn_err *err)
{
    rn_bytes key, value, input = {0}, output = {0}, type = {0};
    size_t pos = 0;
    for (int rc; (rc = rn_jsonraw_next(entry, &pos, &key, &value, err)) != 0;) {
        if (rc < 0) return rc;
        if (key_is(key, "input")) input = value;
        if (key_is(key, "output")) output = value;
        if (key_is(key, "testtype")) type = value;
    }
    if (!rn_jsonraw_is(input, '"') || !rn_jsonraw_is(output, '"'))
        return rn_load_bad(at, "test_cases", err, "has a case without input or output text");
    *call = key_is(type, "functional");
    rn_buf in = {0}, out = {0}, text = {0};
    rn_jsonraw_string(input, *call ? &text : &in);
    int rc = 0;
    if (*call) rc = put_arguments(rn_buf_view(&text), &in, err);
    rn_buf_clear(&text);
    rn_jsonraw_string(output, *call ? &text : &out);
    size_t at_value = 0;
    if (!rc && *call) rc = rn_jsonraw_value(rn_buf_view(&text), &at_value, &value, err);
    if (!rc && *call) rn_jsonraw_canonical(value, &out);
    rn_buf_free(&text);
    rn_case c = {0};
    if (!rc) rc = keep_bytes(l, &in, at, &c.input, err);
    if (!rc) rc = keep_bytes(l, &out, at, &c.output, err);
    rn_buf_free(&in);
    rn_buf_free(&out);
    if (!rc && !rn_vec_push(cases, c)) rc = rn_load_nomem(at, err);
    return rc;
}

static int read_cases(rn_loader *l, rn_bytes text, rn_json_at at, case_vec *cases, bool *call,
                      rn_err *err)
{
    rn_bytes array, key, entry;
    size_t pos = 0;
    int rc = rn_jsonraw_value(text, &pos, &array, err);
    if (rc) return rn_load_bad(at, "test_cases", err, "is not valid JSON");
    if (!rn_jsonraw_is(array, '[')) return rn_load_bad(at, "test_cases", err, "is not an array");
    for (pos = 0; (rc = rn_jsonraw_next(array, &pos, &key, &entry, err)) > 0;) {
        rc = read_case(l, entry, at, cases, call, err);
        if (rc) return rc;
    }
    return rc;
}

/* JSON, or base64 of a deflated pickle of JSON. */
static int read_field(rn_loader *l, const json_t *rec, const char *field, rn_json_at at,
                      case_vec *cases, bool *call, rn_err *err)
{
    rn_bytes text = {0};
    int rc = rn_json_bytes_opt(rec, field, at, &text, err);
    if (rc || text.len == 0) return rc;
    size_t first = 0;
    while (first < text.len && strchr(" \t\r\n", text.data[first]))
        first++;
    if (first < text.len && text.data[first] == '[')
        return read_cases(l, text, at, cases, call, err);
    rn_buf packed = {0}, pickle = {0};
    rn_bytes inner = {0};
    if (!put_base64(text, &packed) || !put_inflated(rn_buf_view(&packed), &pickle))
        rc = rn_load_bad(at, field, err, "is neither JSON nor base64 of deflated data");
    if (!rc) rc = read_pickle(rn_buf_view(&pickle), at, &inner, err);
    if (!rc) rc = read_cases(l, inner, at, cases, call, err);
    rn_buf_free(&packed);
    rn_buf_free(&pickle);
    return rc;
}

/* The function's name, in the JSON text `metadata`. */
static int read_entry(rn_loader *l, const json_t *rec, rn_json_at at, rn_problem *p, rn_err *err)
{
    const char *text = "";
    int rc = rn_load_text_opt(l, rec, "metadata", at, &text, err);
    json_t *meta = NULL;
    if (!rc && *text) rc = rn_json_parse(rn_bytes_of(text), at, &meta, err);
    if (!rc && meta) rc = rn_load_text_opt(l, meta, "func_name", at, &p->entry_point, err);
    if (meta) json_decref(meta);
    if (!rc && (!p->entry_point || !*p->entry_point))
        rc = rn_load_bad(at, "metadata", err, "names no func_name, which functional cases need");
    return rc;
}

int rn_load_livecodebench(rn_loader *l, const json_t *rec, rn_json_at at, rn_err *err)
{
    rn_problem p = {.form = RN_FORM_STDIO, .setup = "", .rule = RN_RULE_LIVECODEBENCH};
    case_vec cases = {0};
    bool call = false;
    p.time_limit_s = 6; /* of its harness, for each case */
    int rc = rn_load_text(l, rec, "question_id", at, &p.task_id, err);
    if (!rc) rc = rn_load_text(l, rec, "question_content", at, &p.prompt, err);
    if (!rc) rc = rn_load_text_opt(l, rec, "starter_code", at, &p.starter_code, err);
    if (!rc) rc = rn_load_text_opt(l, rec, "difficulty", at, &p.difficulty, err);
    if (!rc) rc = rn_load_text_opt(l, rec, "contest_date", at, &p.date, err);
    if (!rc) rc = read_field(l, rec, "public_test_cases", at, &cases, &call, err);
    if (!rc) rc = read_field(l, rec, "private_test_cases", at, &cases, &call, err);
    if (!rc && call) p.form = RN_FORM_CALL;
    if (!rc && call) rc = read_entry(l, rec, at, &p, err);
    if (!rc && cases.n == 0) rc = rn_load_bad(at, "public_test_cases", err, "holds no test");
    rn_case *v = rc ? NULL : rn_arena_array(&l->set->arena, cases.n, sizeof *v);
    if (v) memcpy(v, cases.data, cases.n * sizeof *v);
    if (!rc && !v) rc = rn_load_nomem(at, err);
    p.cases = v;
    p.n_cases = cases.n;
    rn_vec_free(&cases);
    return rc ? rc : rn_load_add(l, &p, at, err);
}
