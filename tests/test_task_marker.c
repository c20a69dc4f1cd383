/* The marker in a file: finding it, prompts, replacements from continuations and chat answers. */
#include "test.h"

#include "task/marker.h"

static const char c_file[] = "int one(void);\n\nint add(int a, int b)\n{\n    /* HERE */\n}\n";
static const char py_file[] = "def add(a, b):\n    # HERE\n\n\nx = add(1, 2)\n";
static const char top_file[] = "import os\n\n# HERE\n\nprint(f())\n";
static const char inline_file[] = "int twice(int a) { return HERE; }\n";

static rn_marker marker_of(const char *file, const char *text)
{
    rn_marker m;
    rn_err err;
    assert_ok(rn_marker_find(rn_bytes_of(file), "f", text, &m, &err), &err);
    return m;
}

static void test_find(void **state)
{
    (void)state;
    rn_marker m;
    rn_err err;
    rn_bytes file = rn_bytes_of("a\nHERE\nb HERE\n");
    assert_int_equal(rn_marker_find(file, "x.c", "THERE", &m, &err), RN_ENOTFOUND);
    assert_contains(err.msg, "does not occur in x.c");
    assert_int_equal(rn_marker_find(file, "x.c", "HERE", &m, &err), RN_EINVAL);
    assert_contains(err.msg, "lines 2 and 3");
    assert_int_equal(rn_marker_find(file, "x.c", "", &m, &err), RN_EINVAL);
    m = marker_of(c_file, "/* HERE */");
    assert_true(m.own_line);
    assert_int_equal(m.indent, 4);
    assert_false(marker_of(inline_file, "HERE").own_line);
}

static void test_replacements(void **state)
{
    (void)state;
    static const struct {
        const char *file, *marker, *raw;
        bool chat;
        const char *want; /* NULL: nothing is found */
    } table[] = {
        {c_file, "/* HERE */", "    return a + b;\n}\n\nint main(void)\n{\n}\n", false,
         "    return a + b;"},
        {c_file, "/* HERE */", "    if (a) {\n        return b;\n    }\n\n    return a;\n", false,
         "    if (a) {\n        return b;\n    }\n\n    return a;"},
        {c_file, "/* HERE */", "return a + b;\n}\n", false, "return a + b;"},
        {py_file, "# HERE", "    return a + b\n\ndef g():\n    pass\n", false, "    return a + b"},
        {top_file, "# HERE", "def f():\n    return 1\n\ndef g():\n    return 2\n", false,
         "def f():\n    return 1"},
        {top_file, "# HERE", "int f(void)\n{\n    return 1;\n}\n\nint g;\n", false,
         "int f(void)\n{\n    return 1;\n}"},
        {top_file, "# HERE", "x = 1\ny = 2\n\nz = 3\n", false, "x = 1\ny = 2\n\nz = 3"},
        {inline_file, "HERE", " a + a; }\nint g;", false, " a + a"},
        {py_file, "# HERE", "", false, NULL},
        {py_file, "# HERE", "  \n\n", false, NULL},
        {py_file, "# HERE", "Sure:\n```python\nreturn a + b\n```\nDone.", false,
         "    return a + b"},
        {py_file, "# HERE", "```\n    if a:\n        return b\n    return a\n```", true,
         "    if a:\n        return b\n    return a"},
        {py_file, "# HERE", "<think>hm\n```\nx\n```\n</think>\n```\nreturn 3\n```", false,
         "    return 3"},
        {py_file, "# HERE", "<think>never ends", false, NULL},
        {py_file, "# HERE", "no block at all", true, NULL},
        {inline_file, "HERE", "```c\na * 2\n```", true, "a * 2"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        rn_marker m = marker_of(table[i].file, table[i].marker);
        rn_buf out = {0};
        bool found = true;
        rn_marker_extract(&m, table[i].chat, rn_bytes_of(table[i].raw), &out, &found);
        if (found != (table[i].want != NULL)) fail_msg("'%s': found %d", table[i].raw, found);
        if (found) assert_string_equal(out.data, table[i].want);
        rn_buf_free(&out);
    }
}

static void test_texts(void **state)
{
    (void)state;
    rn_marker m = marker_of(c_file, "/* HERE */");
    rn_buf b = {0};
    rn_marker_prompt(&m, 1000, &b);
    assert_string_equal(b.data, "int one(void);\n\nint add(int a, int b)\n{\n");
    rn_buf_clear(&b);
    rn_marker_prompt(&m, 24, &b); /* from the beginning of a line */
    assert_string_equal(b.data, "int add(int a, int b)\n{\n");
    rn_buf_clear(&b);
    rn_marker_apply(&m, rn_bytes_of("    return a + b;"), &b);
    assert_string_equal(b.data,
                        "int one(void);\n\nint add(int a, int b)\n{\n    return a + b;\n}\n");
    rn_buf_clear(&b);
    rn_marker_message(&m, "src/add.c", 1000, &b);
    assert_contains(b.data, "the file src/add.c:");
    assert_contains(b.data, "in the place of `/* HERE */`");
    assert_contains(b.data, c_file);
    rn_buf_clear(&b);
    m = marker_of(inline_file, "HERE");
    rn_marker_prompt(&m, 1000, &b);
    assert_string_equal(b.data, "int twice(int a) { return");
    rn_buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_replacements),
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
