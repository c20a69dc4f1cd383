/* test_base.c: errors, buffers, arenas, files, random numbers, hashes, JSON fields. */
#include "test.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/near.h"
#include "base/rng.h"
#include "base/term.h"
#include "base/vec.h"

#include <fcntl.h>
#include <zlib.h>

static void error_messages_are_cut_and_clean(void **state)
{
    (void)state;
    rn_err err;
    assert_int_equal(rn_fail(&err, RN_EFORMAT, "bad\nline %d", 3), RN_EFORMAT);
    assert_string_equal(err.msg, "bad line 3");
    assert_int_equal(err.line, -1);
    assert_string_equal(rn_err_name(RN_EFORMAT), "EFORMAT");
    assert_string_equal(rn_err_name(-99), "E?");

    char lots[1200];
    memset(lots, 'a', sizeof lots);
    for (size_t i = 0; i + 1 < sizeof lots; i += 2)
        memcpy(lots + i, "\xC3\xA4", 2); /* a-umlaut */
    lots[sizeof lots - 1] = '\0';
    rn_fail(&err, RN_EIO, "x%s", lots);
    assert_true(rn_utf8_valid(rn_bytes_of(err.msg), NULL));
    rn_err_prefix(&err, "while %s", "testing");
    assert_true(rn_utf8_valid(rn_bytes_of(err.msg), NULL));
    assert_contains(err.msg, "while testing: x");
}

static void utf8_follows_rfc3629(void **state)
{
    (void)state;
    static const struct {
        const char *s;
        size_t len;
        bool ok;
        size_t bad_at;
    } t[] = {
        {"", 0, true, 0},
        {"ab\0c", 4, true, 0},
        {"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", 9, true, 0},
        {"a\xC0\x80", 3, false, 1},        /* overlong */
        {"\xED\xA0\x80", 3, false, 0},     /* surrogate */
        {"ab\xE2\x82", 4, false, 2},       /* cut */
        {"\xF4\x90\x80\x80", 4, false, 0}, /* above U+10FFFF */
        {"\xFF", 1, false, 0},
    };
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        size_t bad = 0;
        rn_bytes b = {.data = t[i].s, .len = t[i].len};
        assert_int_equal(rn_utf8_valid(b, &bad), t[i].ok);
        if (!t[i].ok) assert_int_equal(bad, t[i].bad_at);
    }
}

static void buffers_grow_and_quote(void **state)
{
    (void)state;
    rn_buf b = {0};
    for (int i = 0; i < 1000; i++)
        rn_buf_printf(&b, "%d,", i);
    assert_int_equal(b.len, strlen(b.data));
    rn_buf_clear(&b);
    rn_buf_json(&b, (rn_bytes){.data = "a\"\\\n\0\xFF", .len = 6});
    assert_string_equal(b.data, "\"a\\\"\\\\\\n\\u0000\xEF\xBF\xBD\"");
    rn_buf_clear(&b);
    static const char *const words[] = {"a-b/c.db", "", "two words", "it's", "$x"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        rn_buf_word(&b, words[i]);
        rn_buf_putc(&b, ' ');
    }
    assert_string_equal(b.data, "a-b/c.db '' 'two words' 'it'\\''s' '$x' ");
    rn_buf_free(&b);
    assert_false(rn_buf_reserve(&b, SIZE_MAX - 1));
    assert_false(rn_buf_ok(&b));
    rn_buf_free(&b);
}

static void arrays_grow_and_fail_once_and_for_all(void **state)
{
    (void)state;
    RN_VEC(int64_t) v = {0};
    for (int64_t i = 0; i < 1000; i++)
        rn_vec_push(&v, i * i);
    assert_int_equal(v.n, 1000);
    assert_true(v.cap >= v.n && v.cap < 2 * v.n);
    for (int64_t i = 0; i < 1000; i++)
        assert_int_equal(v.data[i], i * i);

    /* Neither a size that overflows nor one that no machine has is tried; what is there stays. */
    assert_false(rn_vec_room(&v, SIZE_MAX));
    assert_false(rn_vec_ok(&v));
    bool pushed = rn_vec_push(&v, 1);
    assert_false(pushed);
    assert_int_equal(v.n, 1000);
    assert_int_equal(v.data[999], 999 * 999);
    rn_vec_free(&v);
    assert_true(rn_vec_ok(&v) && v.n == 0);
    rn_vec_push(&v, 7);
    assert_int_equal(v.data[0], 7);
    rn_vec_free(&v);
}

static void arenas_align_and_zero(void **state)
{
    (void)state;
    rn_arena a = {0};
    for (size_t n = 0; n < 3000; n += 7) {
        unsigned char *p = rn_arena_alloc(&a, n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xAA, n);
    }
    assert_non_null(rn_arena_alloc(&a, 1 << 20));
    assert_null(rn_arena_array(&a, SIZE_MAX / 2, 4));
    assert_string_equal(rn_arena_printf(&a, "%d-%s", 7, "x"), "7-x");
    rn_arena_free(&a);
}

static void lines_of_plain_and_gzip_files(void **state)
{
    (void)state;
    const char *dir = test_tmpdir();
    char path[4200];
    snprintf(path, sizeof path, "%s/a.gz", dir);
    gzFile gz = gzopen(path, "wb");
    for (int i = 0; i < 50000; i++)
        gzprintf(gz, "line %d\r\n", i);
    gzprintf(gz, "last");
    gzclose(gz);

    rn_err err;
    rn_reader *r = NULL;
    rn_bytes line;
    assert_ok(rn_reader_open(path, &r, &err), &err);
    for (int i = 0; i < 50000; i++) {
        char want[32];
        int n = snprintf(want, sizeof want, "line %d", i);
        assert_int_equal(rn_reader_line(r, 100, &line, &err), 1);
        assert_int_equal(line.len, n);
        assert_memory_equal(line.data, want, line.len);
    }
    assert_int_equal(rn_reader_line(r, 100, &line, &err), 1);
    assert_int_equal(rn_reader_line_no(r), 50001);
    assert_int_equal(line.len, 4);
    assert_int_equal(rn_reader_line(r, 100, &line, &err), 0);
    rn_reader_close(r);

    assert_ok(rn_reader_open(path, &r, &err), &err);
    assert_int_equal(rn_reader_line(r, 3, &line, &err), RN_ELIMIT);
    assert_contains(err.msg, "line 1");
    rn_reader_close(r);

    assert_int_equal(truncate(path, 2000), 0); /* cut inside the stream */
    rn_buf all = {0};
    assert_int_equal(rn_file_read(path, 1 << 24, &all, &err), RN_ETRUNCATED);
    assert_contains(err.msg, path);

    int fd = open(path, O_RDWR);
    assert_int_equal(pwrite(fd, "\xFF\xFF\xFF\xFF", 4, 300), 4);
    close(fd);
    assert_true(rn_file_read(path, 1 << 24, &all, &err) < 0);

    assert_int_equal(rn_file_read(dir, 100, &all, &err), RN_EINVAL);
    snprintf(path, sizeof path, "%s/none", dir);
    assert_int_equal(rn_file_read(path, 100, &all, &err), RN_ENOTFOUND);
    rn_buf_free(&all);
    test_rmdir(dir);
}

static void writes_are_atomic_and_say_why_not(void **state)
{
    (void)state;
    const char *dir = test_tmpdir();
    char path[4200];
    rn_err err;
    snprintf(path, sizeof path, "%s/x/y/z", dir);
    assert_ok(rn_dir_make(path, &err), &err);
    snprintf(path, sizeof path, "%s/x/y/z/f", dir);
    assert_ok(rn_file_write_atomic(path, rn_bytes_of("one"), &err), &err);
    assert_ok(rn_file_write_atomic(path, rn_bytes_of("two"), &err), &err);
    rn_buf all = {0};
    assert_ok(rn_file_read(path, 100, &all, &err), &err);
    assert_string_equal(all.data, "two");
    assert_int_equal(rn_file_read(path, 2, &all, &err), RN_ELIMIT);
    rn_buf_free(&all);
    /* a full disk: the device fails every write */
    assert_true(rn_file_write_atomic("/proc/none/f", rn_bytes_of("x"), &err) < 0);
    test_rmdir(dir);
}

/* Known answer of Random123's kat_vectors: philox4x32 10 rounds, all-zero key and counter. */
static void random_numbers_match_the_published_vector(void **state)
{
    (void)state;
    rn_rng r;
    rn_rng_init(&r, 0, 0, 0);
    assert_int_equal(rn_rng_u32(&r), 0x6627e8d5);
    assert_int_equal(rn_rng_u32(&r), 0xe169c58d);
    assert_int_equal(rn_rng_u32(&r), 0xbc57ac4c);
    assert_int_equal(rn_rng_u32(&r), 0x9b00dbd8);

    double sum = 0;
    rn_rng_init(&r, 42, 7, 3);
    for (int i = 0; i < 100000; i++) {
        double u = rn_rng_unit(&r);
        assert_true(u >= 0 && u < 1);
        sum += u;
    }
    assert_near(sum / 100000, 0.5, 0.005);
    int hist[3] = {0};
    for (int i = 0; i < 30000; i++)
        hist[rn_rng_below(&r, 3)]++;
    for (int i = 0; i < 3; i++)
        assert_in_range(hist[i], 9700, 10300);
}

static void sha256_matches_the_standard(void **state)
{
    (void)state;
    uint8_t d[RN_SHA256_BYTES];
    char hex[RN_SHA256_HEX];
    rn_sha256_of(rn_bytes_of("abc"), d); /* FIPS 180-2, B.1 */
    rn_sha256_hex(d, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void json_errors_name_file_line_and_field(void **state)
{
    (void)state;
    rn_err err;
    rn_json_at at = {.path = "f.jsonl", .line = 12};
    json_t *v = NULL;
    assert_int_equal(rn_json_parse(rn_bytes_of("{\"a\": 1"), at, &v, &err), RN_ETRUNCATED);
    assert_contains(err.msg, "f.jsonl: line 12");
    assert_int_equal(rn_json_parse(rn_bytes_of("{\"a\": 1, \"a\": 2}"), at, &v, &err), RN_EFORMAT);
    assert_ok(
        rn_json_parse(rn_bytes_of("{\"a\": 1, \"s\": \"x\\u0000y\", \"n\": null}"), at, &v, &err),
        &err);
    rn_bytes s = {0};
    int64_t i = -1;
    assert_int_equal(rn_json_bytes(v, "a", at, &s, &err), RN_EFORMAT);
    assert_contains(err.msg, "field \"a\" is an integer, a string is needed");
    assert_int_equal(rn_json_int(v, "zz", at, &i, &err), RN_EFORMAT);
    assert_contains(err.msg, "field \"zz\" is missing");
    assert_ok(rn_json_int_opt(v, "n", at, &i, &err), &err);
    assert_int_equal(i, -1);
    assert_ok(rn_json_bytes(v, "s", at, &s, &err), &err);
    assert_int_equal(s.len, 3);
    json_decref(v);
}

static void test_term_visible(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } table[] = {
        {"plain\ttext\n", "plain\ttext\n"},
        {"\x1b]0;owned\x07\x1b[2J", "\\x1b]0;owned\\x07\\x1b[2J"},
        {"a\rb\b\x7f", "a\\x0db\\x08\\u007f"},
        {"\xc2\x9b"
         "31m",
         "\\u009b31m"},                                     /* C1: CSI in one character */
        {"x\xe2\x80\xaey\xe2\x81\xa7", "x\\u202ey\\u2067"}, /* turns the direction */
        {"\xf3\xa0\x81\x81", "\\udb40\\udc41"},             /* an invisible tag */
        {"\xff\xfe\xe2\x82", "\\xff\\xfe\\xe2\\x82"},       /* no UTF-8 */
        {"\x9b"
         "2J",
         "\\x9b2J"},
        {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        rn_buf b = {0};
        rn_term_visible(&b, rn_bytes_of(table[i].text));
        rn_buf_putc(&b, '\0');
        assert_string_equal(b.data, table[i].want);
        rn_buf_free(&b);
    }
}

static void names_that_are_meant(void **state)
{
    (void)state;
    static const char names[] = "humaneval, mbpp, pass@k, pass_flops@f, apps-introductory";
    static const struct {
        const char *typed, *hint;
    } cases[] = {
        {"humanevl", " (did you mean 'humaneval'?)"},
        {"Human-Eval", " (did you mean 'humaneval'?)"},
        {"mpbb", ""}, /* two of four letters */
        {"mbpb", " (did you mean 'mbpp'?)"},
        {"bmpp", " (did you mean 'mbpp'?)"}, /* a swap is one keystroke */
        {"pass_flops", " (did you mean 'pass_flops@f'?)"},
        {"apps", " (did you mean 'apps-introductory'?)"},
        {"pass@k", ""}, /* it is the name itself */
        {"", ""},
        {"something else that is far longer than any of these names can ever be", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char room[RN_NEAR_HINT];
        assert_string_equal(rn_near_hint(cases[i].typed, names, room), cases[i].hint);
        assert_string_equal(rn_near_hint(cases[i].typed, NULL, room), "");
    }
    assert_int_equal(rn_near_distance("report", "rpeort"), 1);
    assert_string_equal(rn_plural(1, "has", "have"), "has");
    assert_string_equal(rn_plural(0, "has", "have"), "have");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_term_visible),
        cmocka_unit_test(error_messages_are_cut_and_clean),
        cmocka_unit_test(utf8_follows_rfc3629),
        cmocka_unit_test(buffers_grow_and_quote),
        cmocka_unit_test(arrays_grow_and_fail_once_and_for_all),
        cmocka_unit_test(arenas_align_and_zero),
        cmocka_unit_test(lines_of_plain_and_gzip_files),
        cmocka_unit_test(writes_are_atomic_and_say_why_not),
        cmocka_unit_test(names_that_are_meant),
        cmocka_unit_test(random_numbers_match_the_published_vector),
        cmocka_unit_test(sha256_matches_the_standard),
        cmocka_unit_test(json_errors_name_file_line_and_field),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
