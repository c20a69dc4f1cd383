/* test_rank_consensus.c: literals, examples of a text, inputs made from them, layout, groups. */
#include "test.h"

#include "rank/consensus.h"
#include "rank/inputs.h"
#include "rank/layout.h"

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
        {"[true, null, {'a': false}]", "[True, None, {'a': False}]"},
        {"true", NULL},
        {"[truest]", NULL},
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
        if (ex[i].via.len) rn_buf_printf(&out, "%.*s = ", (int)ex[i].via.len, ex[i].via.data);
        if (ex[i].either) rn_buf_puts(&out, "either ");
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
                    "(1,) None; (2,) None; (3,) ?; (4,) ?");
    expect_examples("f(1) == 2, f(2)==3 and f(3) = 4", "(1,) 2; (2,) 3; (3,) 4");
    expect_examples("f(1) => 2\nf(2) -> 3\nf(3) \xe2\x9e\x9e 4\nf(4) ==> 'x'\nf(5) --> ()",
                    "(1,) 2; (2,) 3; (3,) 4; (4,) 'x'; (5,) ()");
    expect_examples("f(1) should return 2.\nf(2) returns \"a\", f(3) is True; `f(4)` -> `-1`.",
                    "(1,) 2; (2,) 'a'; (3,) True; (4,) -1");
    expect_examples("f(1)  # returns 2\nf(2) # => true\nf(3) => false",
                    "(1,) 2; (2,) True; (3,) False");
    expect_examples("f(1) -> 19 - 5 = 14\nf(2) -> x\nf(3)", "(1,) 14; (2,) ?; (3,) ?");
    /* Other names, definitions, nested calls. */
    expect_examples("g.f(1) == 2; def f(): pass\nf(g(1)) == 2\nf == 3", "");
    expect_examples("def f(x=1):\n    return undef f(2) == 3", "(2,) 3");
    /* A call told twice is one example; its value is known once. */
    expect_examples("f(1) and then f(1) == 2 and f(1) == 3", "(1,) 2");
    expect_examples("f() == 1", "() 1");
    expect_examples("f(", "");
    expect_examples("", "");
}

/* Forms that texts of HumanEval, MBPP, LeetCode and others use. */
static void test_forms(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } table[] = {
        /* a call inside an expression */
        {"def f(x):\n    >>> round(f([1, 2]), 2) # near\n    -0.5", "([1, 2],) round(_, 2) = -0.5"},
        {"assert f(2) == 3\nassert not f(4)\nassert abs(f(5) - 0.5) < 1e-6",
         "(2,) 3; (4,) not _ = True; (5,) abs(_ - 0.5) < 1e-6 = True"},
        /* arithmetic that ends in the value */
        {"f(19, 'a') ->19 - 5 - 6 = 8\nf(3) == 1 + 9 + 0 = 10", "(19, 'a') 8; (3,) 10"},
        /* the value on the line of a doctest, without a relation */
        {">>> f([1, 0]) [0, 1]\n", "([1, 0],) [0, 1]"},
        /* words over a line's end; a remark behind the value */
        {"f('a') should\n    return 15 and f('b') should return -15.\nf('c') # => 'No' (it should "
         "not)",
         "('a',) 15; ('b',) -15; ('c',) 'No'"},
        /* brackets that may be a tuple's; quotes that do not match */
        {"f('a') ==> ('V')", "('a',) either 'V'"},
        {"f(['aaa']) == \"\"aaa\"", "(['aaa'],) 'aaa'"},
        /* keyword arguments, by the signature */
        {"def f(a, b):\nf(b=1, a=2) == 3", "(2, 1) 3"},
        {"def f(a, b):\nf(1) == 3; f(1, 2, 3) == 4; f() is no call of it", ""},
        /* another name, where f has no value of its own */
        {"def f(grades):\ngrade_it([4, 3]) ==> ['A', 'B']\nlen([1]) == 1", "([4, 3],) ['A', 'B']"},
        {"def f(n):\nCollatz(1) is [1]. f(5) returns [1, 5]", "(5,) [1, 5]"},
        {"def helper(x):\n    pass\ndef f(x):\nhelper(3) == 4", ""},
        /* words without quotes */
        {"def f(s):\nf(a) => False\nf(abcd) => True\nf(s) => True", "('a',) False; ('abcd',) True"},
        {"def f(n):\nf(n) = f(n-1) + 1\nf(x) = 1", ""},
        {"def f(s) -> str:\nf('a') => yes\nf('b') => no", "('a',) 'yes'; ('b',) 'no'"},
        {"def f(s):\nf('a') => 3\nf('b') returns nothing", "('a',) 3; ('b',) ?"},
        /* settings of the parameters */
        {"def f(num):\nFor num = \"AB\" the output should be 1.\nFor num = \"20\" the output "
         "should be 2.",
         "('AB',) 1; ('20',) 2"},
        {"def f(s, c):\nFor s = \"ab\", c = \"b\", the result should be ('a', False)",
         "('ab', 'b') ('a', False)"},
        {"def f(arr):\n  arr = [2, 1]\n    -> sort arr -> [1, 2]\n  return [\"b\"]\n"
         "  arr = []\n  return []\n  arr = [1, -1]\n  return = ['One']",
         "([2, 1],) ['b']; ([],) []; ([1, -1],) ['One']"},
        {"def f(N):\nFor N = 10, the sum of digits will be 1 the output should be \"1\".",
         "(10,) '1'"},
        {"def f(op, n):\nop['+', '*']\narray = [2, 3]\nresult = 2 + 3\n=> result = 9",
         "(['+', '*'], [2, 3]) 9"},
        /* blocks */
        {"def f(x):\nExample 1:\n    Input: [4,2,3]\n    Output: [2, 1]\n    Explanation: 2 is "
         "small\n"
         "Example 2:\n    Input: []\n    Output: []",
         "([4, 2, 3],) [2, 1]; ([],) []"},
        {"class Solution:\n    def f(self, nums: List[int], k: int) -> int:\n"
         "Example 1:\n\nInput: nums = [3,1], k = 2\nOutput: true\nExample 2:\nInput: nums = [], k "
         "= 0\n"
         "Output: null",
         "([3, 1], 2) True; ([], 0) None"},
        {"class Solution:\n    def f(self, root: List[int], ok: bool) -> List[bool]:\nInput: root "
         "= "
         "[1,null,2], ok = true\nOutput: [true,false]",
         "([1, None, 2], True) [True, False]"},
        /* what an explanation says of its steps is no example */
        {"class Solution:\n    def f(self, nums: List[int]) -> int:\nExample 1:\nInput: nums = "
         "[3,1]\n"
         "Output: 1\nExplanation: after a shift nums = [1,3], the answer is 1.",
         "([3, 1],) 1"},
        {"def f(grid, capacity):\nInput: \n   grid : [[0, 1]]\n   bucket_capacity : 2\nOutput: 6",
         "([[0, 1]], 2) 6"},
        /* tables and arrows */
        {"def f(a, b):\n| a | b | value |\n|---|---|---|\n| 1 | 2 | 3 |\n| `4` | 5 | 'x' |",
         "(1, 2) 3; (4, 5) 'x'"},
        {"def f(l):\n[1, 2] -> 3\n* [] => 0\n-1 is negative", "([1, 2],) 3; ([],) 0"},
        {"def f(s):\nf(\"a\nb\") no", ""},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        expect_examples(table[i].text, table[i].want);
    rn_arena a = {0};
    assert_string_equal(rn_examples_entry(rn_bytes_of("assert set(sim((1, 2))) == {1}"), &a),
                        "sim");
    assert_string_equal(rn_examples_entry(rn_bytes_of("assert sum(1, 2) == 3"), &a), "sum");
    assert_null(rn_examples_entry(rn_bytes_of("no call"), &a));
    rn_arena_free(&a);
}

static void expect_stdin(const char *text, const char *want)
{
    rn_arena a = {0};
    rn_sample_io *io;
    size_t n;
    rn_err err;
    rn_buf out = {0};
    assert_ok(rn_examples_stdin(rn_bytes_of(text), &a, &io, &n, &err), &err);
    rn_buf_puts(&out, "");
    for (size_t i = 0; i < n; i++)
        rn_buf_printf(&out, "<%.*s>%.*s", (int)io[i].input.len, io[i].input.data,
                      (int)io[i].output.len, io[i].output.data);
    assert_string_equal(out.data, want);
    rn_buf_free(&out);
    rn_arena_free(&a);
}

static void test_sample_blocks(void **state)
{
    (void)state;
    expect_stdin("-----Input-----\n\nOne number n.\n\n-----Output-----\n\nPrint it.\n\n"
                 "-----Examples-----\nInput\n3 1\n2\n\nOutput\n2\n\nInput\n5\n\nOutput\n6\n\n"
                 "-----Note-----\nIn the first case",
                 "<3 1\n2\n>2\n<5\n>6\n");
    expect_stdin("-----Sample Input-----\n4 10\n\n-----Sample Output-----\n3\n\n"
                 "3 strips, each with 4 sockets, suffice.\n",
                 "<4 10\n>3\n");
    expect_stdin("Sample Input 1:\n7\nSample Output 1:\nYes\n1 4\n", "<7\n>Yes\n1 4\n");
    /* The text ends in the last block, behind no line end. */
    expect_stdin("Example\n\nInput\n\n\n5\n3 6\n\n\nOutput\n\n\n77", "<5\n3 6\n>77\n");
    expect_stdin("Sample Input 1: 3\nSample Output 1: 4", "<3\n>4\n");
    expect_stdin(
        "-----Sample Input-----\n4 10\n\n-----Sample Output-----\n3\n\n3 power strips, each "
        "with 4 sockets, extend it.",
        "<4 10\n>3\n");
    expect_stdin("Input\nThe input is a number.\nOutput\nThe output is another.\n", "");
    expect_stdin("", "");
}

static void expect_layout(const char *x, const char *y, bool equal)
{
    rn_buf a = {0}, b = {0};
    rn_layout_key(rn_bytes_of(x), &a);
    rn_layout_key(rn_bytes_of(y), &b);
    if (rn_bytes_equal(rn_buf_view(&a), rn_buf_view(&b)) != equal)
        fail_msg("%s\nand\n%s\nhave the keys\n%s\n%s", x, y, a.data, b.data);
    rn_buf_free(&a);
    rn_buf_free(&b);
}

static void test_layout(void **state)
{
    (void)state;
    expect_layout("def f(x):\n    return x + 1  # more\n", "def f( x ):\n\n  return x+1", true);
    expect_layout("if x:\n\ty = 1\nz", "if x:\n  y = 1\nz", true);
    expect_layout("def f():\n  'Says this.'\n  return 1", "def f():\n  \"That.\"\n  return 1",
                  true);
    expect_layout("f(1,\n  2)", "f(1, 2)", true);
    expect_layout("x = 1 \\\n + 2", "x = 1 + 2", true);
    /* What changes what runs. */
    expect_layout("if x:\n  y\n  z", "if x:\n  y\nz", false);
    expect_layout("x = 'a b'", "x = 'ab'", false);
    expect_layout("x = '# a'", "x = '# b'", false);
    expect_layout("not x", "notx", false);
    expect_layout("def f():\n  'doc'\n", "def f():\n", false);
    expect_layout("x = '''a\n\nb'''", "x = '''a\nb'''", false);
    expect_layout("a\nb", "a b", false);
    expect_layout("", "\n\n# nothing\n", true);
}

static int make_inputs(const char *text, uint64_t seed, size_t total, rn_arena *a, rn_inputs *in,
                       rn_err *err)
{
    const rn_inputs_ask ask = {.text = rn_bytes_of(text),
                               .name = "f",
                               .seed = seed,
                               .stream = 7,
                               .max_examples = 8,
                               .n_mutants = 20,
                               .n_pooled = 20,
                               .n_borders = 6,
                               .max_total = total};
    return rn_inputs_make(&ask, a, in, err);
}

static void test_inputs(void **state)
{
    (void)state;
    static const char text[] = ">>> f([3, 1, 2], 2)\n[1, 2]\n>>> f([5], 0)\n[]\n";
    rn_err err;
    rn_buf first = {0};
    for (uint64_t round = 0; round < 3; round++) {
        rn_arena a = {0};
        rn_inputs in;
        rn_buf all = {0};
        assert_ok(make_inputs(text, round == 2, 40, &a, &in, &err), &err);
        assert_int_equal(in.n, 40);
        assert_int_equal(in.n_examples, 2);
        assert_true(rn_bytes_equal(in.list[0].args, rn_bytes_of("([3, 1, 2], 2)")));
        assert_true(rn_bytes_equal(in.list[0].expected, rn_bytes_of("[1, 2]")));
        assert_true(rn_bytes_equal(in.list[1].expected, rn_bytes_of("[]")));
        for (size_t i = 0; i < in.n; i++) {
            if (i >= 2) assert_int_equal(in.list[i].expected.len, 0);
            for (size_t k = 0; k < i; k++)
                assert_false(rn_bytes_equal(in.list[i].args, in.list[k].args));
            size_t at = 0;
            const rn_lit *v = rn_lit_parse(&a, in.list[i].args, &at);
            assert_non_null(v);
            assert_int_equal(v->n, 2);
            assert_int_equal(v->item[0]->kind, RN_LIT_LIST);
            assert_int_equal(v->item[1]->kind, RN_LIT_INT);
            rn_buf_add(&all, in.list[i].args.data, in.list[i].args.len);
        }
        if (round == 0)
            first = all;
        else
            assert_int_equal(rn_bytes_equal(rn_buf_view(&first), rn_buf_view(&all)), round == 1);
        if (round) rn_buf_free(&all);
        rn_arena_free(&a);
    }
    rn_buf_free(&first);
    /* No example: no input, but for the types that the signature tells. No argument: one input. */
    rn_arena a = {0};
    rn_inputs in;
    assert_ok(make_inputs("no calls", 0, 0, &a, &in, &err), &err);
    assert_int_equal(in.n, 0);
    assert_ok(make_inputs("f() == 1", 0, 0, &a, &in, &err), &err);
    assert_int_equal(in.n, 1);
    assert_ok(make_inputs("def f(x: int, y: List[str] = ['a, b']) -> str:", 0, 0, &a, &in, &err),
              &err);
    assert_true(in.n > 20);
    assert_int_equal(in.n_examples, 0);
    assert_true(rn_bytes_equal(in.list[0].args, rn_bytes_of("(0,)")));
    assert_ok(make_inputs("def f(text):", 0, 0, &a, &in, &err), &err);
    assert_true(rn_bytes_equal(in.list[0].args, rn_bytes_of("('',)")));
    assert_ok(make_inputs("def f(thing):", 0, 0, &a, &in, &err), &err);
    assert_int_equal(in.n, 0);
    /* What is said of the value may be a function of it. */
    assert_ok(make_inputs(">>> round(f(1), 2)\n0.5\n", 0, 1, &a, &in, &err), &err);
    assert_true(rn_bytes_equal(in.list[0].expected, rn_bytes_of("lambda _: (round(_, 2)) == 0.5")));
    assert_ok(make_inputs("assert f(1)", 0, 1, &a, &in, &err), &err);
    assert_true(rn_bytes_equal(in.list[0].expected, rn_bytes_of("lambda _: (_)")));
    assert_ok(make_inputs("f(1) == ('a')", 0, 1, &a, &in, &err), &err);
    assert_true(
        rn_bytes_equal(in.list[0].expected, rn_bytes_of("lambda _: _ == ('a',) or _ == 'a'")));
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
        cmocka_unit_test(test_literals),      cmocka_unit_test(test_mutations_keep_types),
        cmocka_unit_test(test_examples),      cmocka_unit_test(test_forms),
        cmocka_unit_test(test_sample_blocks), cmocka_unit_test(test_layout),
        cmocka_unit_test(test_inputs),        cmocka_unit_test(test_scores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
