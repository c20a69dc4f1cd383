/*
 * test_parquet.c: the Parquet reader. tests/parquet.py writes files of every form beside the rows
 * that they hold; and what is cut, changed or of another form is refused, by name.
 */
#include "test.h"

#include "base/file.h"
#include "base/json.h"

#include <dirent.h>

static char folder[4096];

static int make_files(void **state)
{
    (void)state;
    char cmd[8300];
    snprintf(folder, sizeof folder, "%s", test_tmpdir());
    snprintf(cmd, sizeof cmd, "/usr/bin/python3 tests/parquet.py cases '%s'", folder);
    return system(cmd);
}

static int remove_files(void **state)
{
    (void)state;
    test_rmdir(folder);
    return 0;
}

static json_t *parse(rn_bytes line, const char *what)
{
    rn_err err = {0};
    json_t *v = NULL;
    if (rn_json_parse(line, (rn_json_at){what, 1}, &v, &err)) fail_msg("%s", err.msg);
    return v;
}

/* The rows of NAME.parquet are those of NAME.jsonl; how many there are. */
static int compare(const char *name)
{
    char path[2][4400];
    rn_reader *r[2] = {NULL, NULL};
    rn_err err = {0};
    int n = 0, more = 1;
    for (int i = 0; i < 2; i++) {
        snprintf(path[i], sizeof path[i], "%s/%s.%s", folder, name, i ? "jsonl" : "parquet");
        assert_ok(rn_reader_open(path[i], &r[i], &err), &err);
    }
    while (more) {
        rn_bytes line[2];
        int got[2];
        for (int i = 0; i < 2; i++)
            got[i] = rn_reader_line(r[i], 1 << 26, &line[i], &err);
        if (got[0] < 0) fail_msg("%s: %s", name, err.msg);
        if (got[0] != got[1]) fail_msg("%s: %d rows, not as many as it holds", name, n);
        more = got[0];
        if (!more) break;
        json_t *a = parse(line[0], name), *b = parse(line[1], name);
        if (!json_equal(a, b))
            fail_msg("%s: row %d is %.*s and should be %.*s", name, n + 1, (int)line[0].len,
                     line[0].data, (int)line[1].len, line[1].data);
        json_decref(a);
        json_decref(b);
        n++;
    }
    rn_reader_close(r[0]);
    rn_reader_close(r[1]);
    return n;
}

static void every_form_gives_its_rows(void **state)
{
    (void)state;
    DIR *d = opendir(folder);
    assert_non_null(d);
    int files = 0, rows = 0;
    for (struct dirent *e; (e = readdir(d));) {
        char *tail = strstr(e->d_name, ".parquet");
        if (!tail) continue;
        *tail = '\0';
        rows += compare(e->d_name);
        files++;
    }
    closedir(d);
    assert_int_equal(files, 72);
    assert_true(rows > 1000);
}

/* Reads all of a file of these bytes; the error's code, or 0. */
static int read_bytes(rn_bytes s, rn_err *err)
{
    char path[4400];
    rn_reader *r = NULL;
    rn_bytes line;
    snprintf(path, sizeof path, "%s/changed", folder);
    assert_ok(rn_file_write_atomic(path, s, err), err);
    *err = (rn_err){0};
    int rc = rn_reader_open(path, &r, err);
    while (!rc && (rc = rn_reader_line(r, 1 << 26, &line, err)) > 0)
        rc = 0;
    rn_reader_close(r);
    return rc;
}

static void read_case(const char *part, rn_buf *out)
{
    DIR *d = opendir(folder);
    char path[4400] = "";
    for (struct dirent *e; d && (e = readdir(d));)
        if (strstr(e->d_name, part) && strstr(e->d_name, ".parquet"))
            snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
    closedir(d);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char chunk[4096];
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0;)
        rn_buf_add(out, chunk, n);
    fclose(f);
}

/* A file that is cut anywhere, or has one bit changed, is read or refused with a message. */
static void damage_is_refused(void **state)
{
    (void)state;
    static const char *const parts[] = {"-snappy-v1", "-zstd-v2", "-none-v1-dictionary",
                                        "-none-v1-delta", "-gzip-v2-delta"};
    uint32_t seed = 1;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        rn_buf b = {0};
        rn_err err = {0};
        read_case(parts[i], &b);
        assert_ok(read_bytes(rn_buf_view(&b), &err), &err);
        for (size_t k = 4; k < b.len; k += b.len / 60 + 1) {
            if (read_bytes((rn_bytes){b.data, k}, &err) == 0) fail_msg("cut at %zu: read", k);
            assert_true(strstr(err.msg, "/changed") != NULL);
        }
        int refused = 0;
        for (int k = 0; k < 300; k++) {
            seed = seed * 1103515245 + 12345;
            const size_t at = 4 + (seed >> 8) % (b.len - 4);
            b.data[at] = (char)(b.data[at] ^ 1 << (seed >> 4) % 8);
            int rc = read_bytes(rn_buf_view(&b), &err);
            if (rc && !err.msg[0]) fail_msg("byte %zu: refused without a word", at);
            refused += rc != 0;
            b.data[at] = (char)(b.data[at] ^ 1 << (seed >> 4) % 8);
        }
        assert_true(refused > 0);
        rn_buf_free(&b);
    }
}

static void other_containers_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        const char *says;
    } t[] = {{"ARROW1\0\0", 8, "D.from_file('FILE').to_json('FILE.jsonl')"},
             {"\xff\xff\xff\xff\x10\0\0\0", 8, "an Arrow stream"},
             {"\x83\xaf\x70\xd1\x0d\x88\x4a\x3f", 8, "deepmind/code_contests"},
             {"\x28\xb5\x2f\xfd\x04\0\1\0\0", 9, "zstd -d FILE"},
             {"PAR1", 4, "it is incomplete, get it again"},
             {"PAR1\0\0\0\0PARE", 12, "encrypted"},
             {"PAR1\xff\0\0\0PAR1", 12, "damaged at its end"}};
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        rn_err err = {0};
        assert_true(read_bytes((rn_bytes){t[i].bytes, t[i].len}, &err) < 0 || err.code);
        if (!strstr(err.msg, t[i].says)) fail_msg("%zu: %s", i, err.msg);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_gives_its_rows),
        cmocka_unit_test(damage_is_refused),
        cmocka_unit_test(other_containers_are_named),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
