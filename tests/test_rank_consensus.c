/* test_rank_consensus.c: literals, examples of a text, inputs made from them, groups. */
#include "test.h"

#include "rank/consensus.h"
#include "rank/examples.h"

static void test_literals(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want; /* NULL: is none */
    } table[] = {
        {"1", "1"},
        {" -17,", "-17"},
        {"+3", "3"},
        {"9223372036854775807", "9223372036854775807"},
        {"9223372036854775808", NULL},
        {"007", NULL},
        {"1_000", NULL},
        {"12abc", NULL},
        {"-", NULL},
        {"2.5", "2.5"},
        {"2.5.", "2.5"},
        {"2.", "2"},
        {".5", "0.5"},
        {"1e3", "1000.0"},
        {"1e999", NULL},
        {"0.1", "0.1"},
        {"-0.0", "-0.0"},
        {"True", "True"},
        {"Trueish", NULL},
        {"None", "None"},
        {"'a\\'b\\n\\x41\\u00e9\\q'", "'a\\'b\\x0aA\xc3\xa9\\\\q'"},
        {"\"it's\"", "'it\\'s'"},
        {"'open", NULL},
        {"'two\nlines'", NULL},
        {"'\\ud800'", NULL},
        {"'\xff'", NULL},
        {"[]", "[]"},
        {"[1, 'a', [2.0, None],]", "[1, 'a', [2.0, None]]"},
        {"[1 2]", NULL},
        {"[1,,2]", NULL},
        {"[1", NULL},
        {"(1, 2)", "(1, 2)"},
        {"(1,)", "(1,)"},
        {"()", "()"},
        {"(5)", "5"},
        {"{}", "{}"},
        {"set()", "set()"},
        {"{1, 2}", "{1, 2}"},
        {"{'a': 1, 'b': [2]}", "{'a': 1, 'b': [2]}"},
        {"{'a': 1, 2}", NULL},
        {"{1, 'b': 2}", NULL},
        {"x", NULL},
        {"", NULL},
        {"lambda: 1", NULL},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        rn_arena a = {0};
        size_t at = 0;
        const rn_lit *v = rn_lit_parse(&a, rn_bytes_of(table[i].text), &at);
        rn_buf out = {0};
        if (v) rn_lit_write(v, &out);
        if (!v != !table[i].want) fail_msg("%s: %s", table[i].text, v ? out.data : "not read");
        if (v && strcmp(out.data, table[i].want) != 0)
            fail_msg("%s: got %s, want %s", table[i].text, out.data, table[i].want);
        if (!v) assert_int_equal(at, 0);
        rn_buf_free(&out);
        rn_arena_free(&a);
    }
    /* Depth is bounded. */
    char deep[2001];
    memset(deep, '[', 1000);
    memset(deep + 1000, ']', 1000);
    deep[2000] = '\0';
    rn_arena a = {0};
    size_t at = 0;
    assert_null(rn_lit_parse(&a, rn_bytes_of(deep), &at));
    rn_arena_free(&a);
}

/* Whatever is changed stays of its type and can be read again. */
static void test_mutations_keep_types(void **state)
{
    (void)state;
    static const char *const texts[] = {"5",           "-3",
                                        "0",           "4503599627370497",
                                        "2.5",         "-1e300",
                                        "'abc'",       "''",
                                        "'h\xc3\xa9'", "True",
                                        "None",        "[1, 2, 3]",
                                        "[]",          "[[1], [2, 3]]",
                                        "(1, 'a')",    "{'k': 1, 'l': 2}",
                                        "{}",          "{1, 2}",
                                        "[None]"};
    rn_rng rng;
    rn_rng_init(&rng, 1, 2, 3);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        rn_arena a = {0};
        size_t at = 0, n_changed = 0;
        const rn_lit *v = rn_lit_parse(&a, rn_bytes_of(texts[i]), &at);
        assert_non_null(v);
        for (int k = 0; k < 300; k++) {
            const rn_lit *m = rn_lit_mutate(v, &rng, &a);
            assert_non_null(m);
            assert_int_equal(m->kind, v->kind);
            rn_buf out = {0}, again = {0};
            rn_lit_write(m, &out);
            assert_true(out.len < 2000);
            at = 0;
            const rn_lit *back = rn_lit_parse(&a, rn_buf_view(&out), &at);
            if (!back || at != out.len) fail_msg("%s became %s", texts[i], out.data);
            /* {} stands for an empty dictionary, and so a set that lost its last member for none. */
            assert_int_equal(back->kind, m->kind);
            rn_lit_write(back, &again);
            assert_string_equal(out.data, again.data);
            n_changed += strcmp(out.data, texts[i]) != 0;
            rn_buf_free(&out);
            rn_buf_free(&again);
        }
        bool fixed = v->kind == RN_LIT_NONE || (v->n == 0 && v->kind >= RN_LIT_LIST);
        if (!fixed && n_changed < 100 && strcmp(texts[i], "[None]") != 0)
            fail_msg("%s changed %zu times of 300", texts[i], n_changed);
        rn_arena_free(&a);
    }
}

static void expect_examples(const char *text, const char *want)
{
    rn_arena a = {0};
    rn_example *ex;
    size_t n;
    rn_err err;
    rn_buf out = {0};
    assert_ok(rn_examples_find(rn_bytes_of(text), "f", &a, &ex, &n, &err), &err);
    rn_buf_puts(&out, "");
    for (size_t i = 0; i < n; i++) {
        if (i) rn_buf_puts(&out, "; ");
        rn_lit_write(ex[i].args, &out);
        rn_buf_puts(&out, " ");
        if (ex[i].expected)
            rn_lit_write(ex[i].expected, &out);
        else
            rn_buf_puts(&out, "?");
    }
    if (strcmp(out.data ? out.data : "", want) != 0)
        fail_msg("%s\ngave %s\nwant %s", text, out.data ? out.data : "", want);
    rn_buf_free(&out);
    rn_arena_free(&a);
}

static void test_examples(void **state)
{
    (void)state;
    expect_examples("def f(x):\n    \"\"\"\n    >>> f(1)\n    2\n    >>> f(3)\n    4\n    \"\"\"",
                    "(1,) 2; (3,) 4");
    expect_examples(">>> f([1, 2], 'a')\n[1, 'a']\n", "([1, 2], 'a') [1, 'a']");
    expect_examples(">>> f(1)\n\n>>> f(2)\n>>> f(3)\nsome words\n>>> f(4)\n5 + 6\n",
                    "(1,) ?; (2,) ?; (3,) ?; (4,) ?");
    expect_examples("f(1) == 2, f(2)==3 and f(3) = 4", "(1,) 2; (2,) 3; (3,) 4");
    expect_examples("f(1) => 2\nf(2) -> 3\nf(3) \xe2\x9e\x9e 4\nf(4) ==> 'x'\nf(5) --> ()",
                    "(1,) 2; (2,) 3; (3,) 4; (4,) 'x'; (5,) ()");
    expect_examples("f(1) should return 2.\nf(2) returns \"a\", f(3) is True; `f(4)` -> `-1`.",
                    "(1,) 2; (2,) 'a'; (3,) True; (4,) -1");
    expect_examples("f(1)  # returns 2\nf(2) # => true\nf(3) => false",
                    "(1,) 2; (2,) True; (3,) False");
    expect_examples("f(1) -> 19 - 5 = 14\nf(2) -> x\nf(3)", "(1,) ?; (2,) ?; (3,) ?");
    /* Other names, definitions, nested calls, keywords. */
    expect_examples("g.f(1) == 2; xf(1) == 2; def f(): pass\nf(g(1)) == 2\nf(a=1) == 2\nf == 3",
                    "");
    expect_examples("def f(x=1):\n    return undef f(2) == 3", "(2,) 3");
    /* A call told twice is one example; its value is known once. */
    expect_examples("f(1) and then f(1) == 2 and f(1) == 3", "(1,) 2");
    expect_examples("f() == 1", "() 1");
    expect_examples("f(", "");
    expect_examples("", "");
}

static void test_inputs(void **state)
{
    (void)state;
    static const char text[] = ">>> f([3, 1, 2], 2)\n[1, 2]\n>>> f([5], 0)\n[]\n";
    rn_err err;
    rn_buf first = {0};
    for (int round = 0; round < 3; round++) {
        rn_arena a = {0};
        rn_input *in;
        size_t n, n_ex;
        rn_buf all = {0};
        assert_ok(
            rn_inputs_make(rn_bytes_of(text), "f", round == 2, 7, 50, &a, &in, &n, &n_ex, &err),
            &err);
        assert_int_equal(n, 50);
        assert_int_equal(n_ex, 2);
        assert_true(rn_bytes_equal(in[0].args, rn_bytes_of("([3, 1, 2], 2)")));
        assert_true(rn_bytes_equal(in[0].expected, rn_bytes_of("[1, 2]")));
        assert_true(rn_bytes_equal(in[1].expected, rn_bytes_of("[]")));
        for (size_t i = 0; i < n; i++) {
            if (i >= 2) assert_int_equal(in[i].expected.len, 0);
            for (size_t k = 0; k < i; k++)
                assert_false(rn_bytes_equal(in[i].args, in[k].args));
            size_t at = 0;
            const rn_lit *v = rn_lit_parse(&a, in[i].args, &at);
            assert_non_null(v);
            assert_int_equal(v->n, 2);
            assert_int_equal(v->item[0]->kind, RN_LIT_LIST);
            assert_int_equal(v->item[1]->kind, RN_LIT_INT);
            rn_buf_add(&all, in[i].args.data, in[i].args.len);
        }
        if (round == 0)
            first = all;
        else
            assert_int_equal(rn_bytes_equal(rn_buf_view(&first), rn_buf_view(&all)), round == 1);
        if (round) rn_buf_free(&all);
        rn_arena_free(&a);
    }
    rn_buf_free(&first);
    /* No example: no input. No argument: nothing to change. */
    rn_arena a = {0};
    rn_input *in;
    size_t n, n_ex;
    assert_ok(rn_inputs_make(rn_bytes_of("no calls"), "f", 0, 0, 50, &a, &in, &n, &n_ex, &err),
              &err);
    assert_int_equal(n, 0);
    assert_ok(rn_inputs_make(rn_bytes_of("f() == 1"), "f", 0, 0, 50, &a, &in, &n, &n_ex, &err),
              &err);
    assert_int_equal(n, 1);
    rn_arena_free(&a);
}

static void test_scores(void **state)
{
    (void)state;
    rn_err err;
    rn_voter v[] = {
        {.outcomes = {"xy", 2}, .has_value = true, .n_right = 1, .n_samples = 2},
        {.outcomes = {"ab", 2}, .has_value = true, .n_right = 2, .n_samples = 1},
        {.outcomes = {"xy", 2}, .has_value = true, .n_right = 1, .n_samples = 1},
        {.outcomes = {"", 0}, .has_value = false, .n_right = 0, .n_samples = 9},
        {.outcomes = {"ab", 2}, .has_value = true, .n_right = 2, .n_samples = 1},
    };
    static const double mbr[] = {3, 2, 3, 0, 2}, codet[] = {3, 4, 3, 0, 4};
    static const uint32_t group[] = {1, 2, 1, 3, 2};
    for (int round = 0; round < 3; round++) {
        bool c = round == 1;
        assert_ok(rn_consensus_score(v, 5, round ? RN_AGREE_CODET : RN_AGREE_MBR, round < 2, &err),
                  &err);
        for (int i = 0; i < 5; i++) {
            assert_near(v[i].score, c ? codet[i] : mbr[i], 0);
            assert_int_equal(v[i].group, group[i]);
        }
    }
    assert_ok(rn_consensus_score(NULL, 0, RN_AGREE_MBR, false, &err), &err);
    rn_agree a;
    assert_ok(rn_agree_parse("codet", &a, &err), &err);
    assert_int_equal(a, RN_AGREE_CODET);
    assert_int_equal(rn_agree_parse("vote", &a, &err), RN_EINVAL);
    assert_contains(err.msg, "mbr or codet");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_literals), cmocka_unit_test(test_mutations_keep_types),
        cmocka_unit_test(test_examples), cmocka_unit_test(test_inputs),
        cmocka_unit_test(test_scores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
