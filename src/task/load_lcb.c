/*
 * load_lcb.c: LiveCodeBench.
 *
 * {"question_id", "question_content", "starter_code", "public_test_cases", "private_test_cases",
 *  "contest_date"?, "difficulty"?, "platform"?, "metadata": "{\"func_name\": ...}"}
 * Test cases are JSON in a string, [{"input", "output", "testtype": "stdin" | "functional"}]; the
 * private ones may be that string, or the list itself, pickled, deflated and in base64. pickle.h
 * reads plain data and refuses everything else, so nothing of it is ever run.
 */
#include "task/load_priv.h"

#include "task/jsonraw.h"
#include "task/pickle.h"

#include <nettle/base64.h>
#include <zlib.h>

enum { MAX_UNPACKED_BYTES = 1 << 30 };

/* ---- base64 and zlib ------------------------------------------------------------------------- */

/* White space is passed over. */
static bool put_base64(rn_bytes s, rn_buf *out)
{
    struct base64_decode_ctx c;
    size_t n = BASE64_DECODE_LENGTH(s.len);
    base64_decode_init(&c);
    if (!rn_buf_reserve(out, n)) return false;
    if (!base64_decode_update(&c, &n, (uint8_t *)out->data + out->len, s.len, s.data)) return false;
    out->data[out->len += n] = '\0';
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

/* ---- test cases ------------------------------------------------------------------------------ */

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

/* One {"input", "output", "testtype"}. */
static int read_case(rn_loader *l, rn_bytes entry, rn_json_at at, rn_case_vec *cases, bool *call,
                     rn_err *err)
{
    rn_bytes key, value, input = {0}, output = {0}, type = {0};
    size_t pos = 0;
    for (int rc; (rc = rn_jsonraw_next(entry, &pos, &key, &value, err)) != 0;) {
        if (rc < 0) return rc;
        if (rn_jsonraw_says(key, "input")) input = value;
        if (rn_jsonraw_says(key, "output")) output = value;
        if (rn_jsonraw_says(key, "testtype")) type = value;
    }
    if (!rn_jsonraw_is(input, '"') || !rn_jsonraw_is(output, '"'))
        return rn_load_bad(at, "test_cases", err, "has a case without input or output text");
    *call = rn_jsonraw_says(type, "functional");
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
    if (!rc) rc = rn_load_keep(l, &in, at, &c.input, err);
    if (!rc) rc = rn_load_keep(l, &out, at, &c.output, err);
    rn_buf_free(&in);
    rn_buf_free(&out);
    if (!rc && !rn_vec_push(cases, c)) rc = rn_nomem(err, at.path);
    return rc;
}

static int read_cases(rn_loader *l, rn_bytes text, rn_json_at at, rn_case_vec *cases, bool *call,
                      rn_err *err)
{
    rn_bytes array, key, entry;
    size_t pos = 0;
    int rc = rn_jsonraw_value(text, &pos, &array, err);
    if (rc) return rn_load_bad(at, "test_cases", err, "is not valid JSON");
    if (!rn_jsonraw_is(array, '[')) return rn_load_bad(at, "test_cases", err, "is not an array");
    for (pos = 0; (rc = rn_jsonraw_next(array, &pos, &key, &entry, err)) > 0;) {
        rc = rn_jsonraw_is(entry, '{')
                 ? read_case(l, entry, at, cases, call, err)
                 : rn_load_bad(at, "test_cases", err, "has an entry that is not an object");
        if (rc) return rc;
    }
    return rc;
}

/* JSON, or base64 of a deflated pickle of JSON. */
static int read_field(rn_loader *l, const json_t *rec, const char *field, rn_json_at at,
                      rn_case_vec *cases, bool *call, rn_err *err)
{
    rn_bytes text = {0};
    int rc = rn_json_bytes_opt(rec, field, at, &text, err);
    if (rc || text.len == 0) return rc;
    size_t first = 0;
    while (first < text.len && strchr(" \t\r\n", text.data[first]))
        first++;
    if (first < text.len && text.data[first] == '[')
        return read_cases(l, text, at, cases, call, err);
    rn_buf packed = {0}, pickle = {0}, inner = {0};
    bool is_text;
    rn_err why = {0};
    if (!put_base64(text, &packed) || !put_inflated(rn_buf_view(&packed), &pickle))
        rc = rn_load_bad(at, field, err, "is neither JSON nor base64 of deflated data");
    if (!rc && rn_pickle_data(rn_buf_view(&pickle), &inner, &is_text, &why))
        rc = rn_load_bad(at, field, err, "%s", why.msg);
    if (!rc && !rn_buf_ok(&inner)) rc = rn_nomem(err, at.path);
    if (!rc) rc = read_cases(l, rn_buf_view(&inner), at, cases, call, err);
    rn_buf_free(&packed);
    rn_buf_free(&pickle);
    rn_buf_free(&inner);
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
    rn_case_vec cases = {0};
    bool call = false;
    p.time_limit_s = 6; /* of its harness, for each case */
    int rc = rn_load_text(l, rec, "question_id", at, &p.task_id, err);
    if (!rc) rc = rn_load_text(l, rec, "question_content", at, &p.prompt, err);
    if (!rc) rc = rn_load_text_opt(l, rec, "starter_code", at, &p.starter_code, err);
    if (!rc) rc = rn_load_text_opt(l, rec, "difficulty", at, &p.difficulty, err);
    if (!rc) rc = rn_load_text_opt(l, rec, "contest_date", at, &p.date, err);
    if (!rc) rc = rn_load_text_opt(l, rec, "platform", at, &p.platform, err);
    if (!rc) rc = read_field(l, rec, "public_test_cases", at, &cases, &call, err);
    if (!rc) rc = read_field(l, rec, "private_test_cases", at, &cases, &call, err);
    if (!rc && call) p.form = RN_FORM_CALL;
    if (!rc && call) rc = read_entry(l, rec, at, &p, err);
    if (!rc && cases.n == 0) rc = rn_load_bad(at, "public_test_cases", err, "holds no test");
    if (!rc) rc = rn_load_cases(l, &cases, at, &p, err);
    rn_vec_free(&cases);
    return rc ? rc : rn_load_add(l, &p, at, err);
}
