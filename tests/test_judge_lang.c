/* Programs in other languages: a pass, a failed assertion, an early end with status 0, a source that
 * does not compile; standard input and output; what is refused. Languages that are not installed
 * are skipped. */
#include "test_judge.h"

#include "judge/lang.h"

/* `f` stands for the program; each source calls it on 3 and ends with the mark. EARLY leaves before
 * that with status 0. */
typedef struct language {
    const char *name, *head, *right, *wrong, *early, *tests;
} language;

static const language table[] = {
    {"c", "#include <assert.h>\n#include <stdio.h>\n#include <stdlib.h>\nint f(int x) { ",
     "return x * x; }", "return x + x; }", "exit(0); }",
     "int main(void) { assert(f(3) == 9); puts(\"" RN_LANG_END "\"); }"},
    {"c++", "#include <cassert>\n#include <cstdio>\n#include <cstdlib>\nint f(int x) { ",
     "return x * x; }", "return x + x; }", "std::exit(0); }",
     "int main() { assert(f(3) == 9); std::puts(\"" RN_LANG_END "\"); }"},
    {"javascript", "const f = x => { ", "return x * x }", "return x + x }", "process.exit(0) }",
     "console.assert(f(3) === 9)\nconsole.log('" RN_LANG_END "')"},
    {"perl", "sub f { my $x = shift; ", "return $x * $x }", "return $x + $x }", "exit 0 }",
     "die 'assertion failed' unless f(3) == 9;\nprint '" RN_LANG_END "';"},
    {"bash", "f() { ", "r=$(($1 * $1)); }", "r=$(($1 + $1)); }", "exit 0; }",
     "f 3; [ $r = 9 ] || exit 1\necho '" RN_LANG_END "'"},
    {"lua", "function f(x) ", "return x * x end", "return x + x end", "os.exit(0) end",
     "assert(f(3) == 9)\nprint('" RN_LANG_END "')"},
    {"php", "<?php function f($x) { ", "return $x * $x; }", "return $x + $x; }", "exit(0); }",
     "assert(f(3) === 9); echo '" RN_LANG_END "';"},
    {"ruby", "def f(x)\n", "x * x\nend", "x + x\nend", "exit 0\nend",
     "raise 'assertion failed' unless f(3) == 9\nputs '" RN_LANG_END "'"},
    {"c#", "using System; using System.Diagnostics; class P { static int F(int x) { ",
     "return x * x; }", "return x + x; }", "Environment.Exit(0); return 0; }",
     "static void Main() { Debug.Assert(F(3) == 9); Console.WriteLine(\"" RN_LANG_END "\"); } }"},
    {"ocaml", "let f x = ", "x * x", "x + x", "exit 0",
     "let () = assert (f 3 = 9); print_endline \"" RN_LANG_END "\""},
};

static bool installed(const char *name)
{
    const rn_judge_job job = {.mode = RN_JUDGE_VERSION, .language = name};
    rn_judge_result r = run_job(judge, &job);
    if (r.verdict != RN_V_PASSED) print_message("%s is not here: %s\n", name, r.detail);
    return r.verdict == RN_V_PASSED;
}

static rn_judge_result run(const char *name, const char *program, const char *in, const char *out)
{
    const rn_judge_case c = {.input = rn_bytes_of(in), .expected = rn_bytes_of(out)};
    const rn_judge_job job = {.mode = out ? RN_JUDGE_STDIO : RN_JUDGE_SCRIPT,
                              .language = name,
                              .program = rn_bytes_of(program),
                              .cases = &c,
                              .n_cases = 1};
    return run_job(judge, &job);
}

static void expect(const language *l, const char *body, rn_verdict want)
{
    char program[1000];
    snprintf(program, sizeof program, "%s%s\n", l->head, body);
    rn_judge_result r = run(l->name, program, l->tests, NULL);
    if (r.verdict != want)
        fail_msg("%s, %s: got %s (%s), want %s", l->name, body, rn_verdict_name(r.verdict),
                 r.detail, rn_verdict_name(want));
}

static void test_tests(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (!installed(table[i].name)) continue;
        expect(&table[i], table[i].right, RN_V_PASSED);
        expect(&table[i], table[i].wrong, RN_V_WRONG);
        expect(&table[i], table[i].early, RN_V_EXITED);
    }
}

/* What the judge puts in the place of console.assert stays there. */
static void test_console_assert(void **state)
{
    (void)state;
    if (!installed("javascript")) return;
    static const char *const programs[] = {
        "console.assert = () => {};\nconst f = x => 0\n",
        "'use strict';\ntry { console.assert = () => {} } catch (e) {}\nconst f = x => 0\n",
        ("try { Object.defineProperty(console, 'assert', {value: () => {}}) } catch (e) {}\n"
         "const f = x => 0\n"),
        "globalThis.console = {assert() {}, log: console.log};\nconst f = x => 0\n"};
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        rn_judge_result r = run("javascript", programs[i], table[2].tests, NULL);
        if (r.verdict != RN_V_WRONG)
            fail_msg("%s: got %s (%s)", programs[i], rn_verdict_name(r.verdict), r.detail);
    }
}

static void test_compiler(void **state)
{
    (void)state;
    rn_judge_result r = run("c", "int main(void) { return undefined_name; }", "", NULL);
    assert_int_equal(r.verdict, RN_V_SYNTAX);
    assert_contains(r.detail, "undefined_name");
    r = run("c", "int main(void) { for (;;) ; }", "", NULL);
    assert_int_equal(r.verdict, RN_V_TIME_LIMIT);
    r = run("c", "int main(void) { return *(volatile int *)0; }", "", NULL);
    assert_int_equal(r.verdict, RN_V_CRASHED);
}

static void test_stdio(void **state)
{
    (void)state;
    static const char sum[] = "#include <stdio.h>\nint main(void) { int a, b; scanf(\"%d %d\", &a, "
                              "&b); printf(\"%d\\n\", a + b); }";
    assert_int_equal(run("c", sum, "2 3\n", "5\n").verdict, RN_V_PASSED);
    assert_int_equal(run("c", sum, "2 3\n", "6\n").verdict, RN_V_WRONG);
    assert_int_equal(
        run("perl", "my ($a, $b) = split ' ', <STDIN>; print $a + $b", "2 3\n", "5").verdict,
        RN_V_PASSED);
}

/* The sandbox is the same: no network, no other files, nothing that stays. */
static void test_confined(void **state)
{
    (void)state;
    assert_int_equal(run("bash", "cat /etc/shadow || ls /root || ls /home/*", "", NULL).verdict,
                     RN_V_EXCEPTION);
    assert_int_equal(run("bash", "exec 3<>/dev/tcp/127.0.0.1/9", "", NULL).verdict, RN_V_EXCEPTION);
    assert_int_equal(run("bash", "touch /tmp/left; touch left", "", NULL).verdict, RN_V_PASSED);
    assert_int_equal(run("bash", "test ! -e /tmp/left && test ! -e left", "", NULL).verdict,
                     RN_V_PASSED);
}

static void test_refused(void **state)
{
    (void)state;
    rn_err err;
    const rn_judge_case c = {.input = rn_bytes_of("x")};
    rn_judge_job job = {.language = "intercal", .cases = &c, .n_cases = 1};
    assert_int_equal(rn_judge_submit(judge, &job, 0, &err), RN_EUNSUPPORTED);
    assert_contains(err.msg, "intercal");
    job.language = "java";
    job.mode = RN_JUDGE_CALL;
    job.entry = "f";
    assert_int_equal(rn_judge_submit(judge, &job, 0, &err), RN_EUNSUPPORTED);
    assert_int_equal(rn_lang_find("C++"), rn_lang_find("cpp"));
    assert_int_equal(rn_lang_find("python"), -1);
    assert_int_equal(rn_lang_find(NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tests),    cmocka_unit_test(test_console_assert),
        cmocka_unit_test(test_compiler), cmocka_unit_test(test_stdio),
        cmocka_unit_test(test_confined), cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, open_judge, close_judge);
}
