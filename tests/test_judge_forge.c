/*
 * Programs that forge a pass, and honest ones that look as if they did. Each file of tests/forge and
 * tests/honest holds many:
 *
 *     # === NAME: VERDICT[|VERDICT] [numpy] [unended]
 *     the program; unended: without its last newline
 *     # --- test ---              what stands behind it; CALL and STDIO: the case's input
 *     # --- expected ---          CALL, STDIO: the expected value or text
 *     # --- given ---             the problem's own source
 */
#include "test.h"

#include "base/file.h"
#include "judge/judge.h"

#include <dirent.h>

typedef struct form {
    char name[96], expect[64];
    bool numpy;
    rn_judge_mode mode;
    rn_bytes program, given;
    rn_judge_case cases[2];
    size_t n_cases;
    rn_judge_result result;
} form;

static form forms[1024];
static size_t n_forms;
static rn_buf texts[32];
static size_t n_texts;

static rn_bytes between(const char *from, const char *to)
{
    return (rn_bytes){.data = from, .len = (size_t)(to - from)};
}

/* The part of `text` behind the line `mark`; NULL if it has none. *before ends where that begins. */
static const char *behind(rn_bytes *text, const char *mark)
{
    size_t at = rn_bytes_find(*text, rn_bytes_of(mark), 0);
    if (at == SIZE_MAX) return NULL;
    const char *p = text->data + at + strlen(mark);
    text->len = at;
    return p;
}

static void read_body(form *f, const char *from, const char *to, bool unended)
{
    static const char *const default_tests[] = {"assert f(3) == 9", "assert f(4) == 16"};
    rn_bytes whole = between(from, to);
    const char *test = behind(&whole, "# --- test ---\n");
    f->program = whole;
    if (unended) f->program.len--;
    rn_bytes input = test ? between(test, to) : (rn_bytes){0};
    const char *given = behind(&input, "# --- given ---\n");
    if (given) f->given = between(given, to);
    const char *expected = behind(&input, "# --- expected ---\n");
    if (expected) f->cases[0].expected = between(expected, to);
    if (f->mode == RN_JUDGE_CALL && !test)
        f->cases[0] = (rn_judge_case){.input = rn_bytes_of("[3]"), .expected = rn_bytes_of("9")};
    else
        f->cases[0].input = test ? input : rn_bytes_of(default_tests[0]);
    f->cases[1].input = rn_bytes_of(default_tests[1]);
    f->n_cases = f->mode == RN_JUDGE_SCRIPT && !test ? 2 : 1;
}

static void read_forms(const char *path, const char *file, rn_judge_mode mode)
{
    assert_true(n_texts < 32);
    rn_buf *text = &texts[n_texts++];
    rn_err err;
    assert_ok(rn_file_read(path, 1 << 20, text, &err), &err);
    static const char mark[] = "\n# === ";
    for (const char *p = strstr(text->data, mark), *next; p; p = next) {
        p += strlen(mark);
        next = strstr(p, mark);
        assert_true(n_forms + 1 < sizeof forms / sizeof *forms); /* one is to ask for numpy */
        form *f = &forms[n_forms++];
        f->mode = mode;
        const char *line_end = strchr(p, '\n');
        char head[160] = "", name[64] = "";
        snprintf(head, sizeof head, "%.*s", (int)(line_end - p), p);
        if (sscanf(head, "%63[^:]: %63s", name, f->expect) != 2)
            fail_msg("%s: '%s' names no verdict", path, head);
        snprintf(f->name, sizeof f->name, "%.30s/%s", file, name);
        f->numpy = strstr(head, " numpy") != NULL;
        read_body(f, line_end + 1, next ? next : text->data + text->len,
                  strstr(head, " unended") != NULL);
    }
}

static void read_folder(const char *dir)
{
    DIR *d = opendir(dir);
    if (!d) fail_msg("%s is not here", dir);
    for (const struct dirent *e; (e = readdir(d));) {
        if (!strstr(e->d_name, ".txt")) continue;
        char path[512];
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        read_forms(path, e->d_name,
                   strcmp(e->d_name, "call.txt") == 0    ? RN_JUDGE_CALL
                   : strcmp(e->d_name, "stdio.txt") == 0 ? RN_JUDGE_STDIO
                                                         : RN_JUDGE_SCRIPT);
    }
    closedir(d);
}

static void submit(rn_judge *j, form *f, uint64_t tag)
{
    rn_judge_job job = {.mode = f->mode,
                        .compare = RN_COMPARE_STRICT,
                        .program = f->program,
                        .given = f->given,
                        .entry = "f",
                        .cases = f->cases,
                        .n_cases = f->n_cases,
                        .limits = {.cpu_ns = 3000000000, .memory_bytes = 512 << 20}};
    rn_err err;
    assert_ok(rn_judge_submit(j, &job, tag, &err), &err);
}

static void take(rn_judge *j)
{
    uint64_t tag;
    rn_judge_result r;
    rn_err err;
    if (rn_judge_wait(j, -1, &tag, &r, &err) != 1) fail_msg("waiting: %s", err.msg);
    forms[tag].result = r;
}

/* A program that is known to pass where numpy is installed. */
static bool has_numpy(rn_judge *j)
{
    form *f = &forms[n_forms];
    rn_judge_case c = {.input = rn_bytes_of("import numpy")};
    *f = (form){.program = rn_bytes_of("import numpy\n"), .cases = {c}, .n_cases = 1};
    submit(j, f, n_forms);
    take(j);
    return f->result.verdict == RN_V_PASSED;
}

static bool is_one_of(const char *verdict, const char *list)
{
    size_t len = strlen(verdict);
    for (const char *p = list; p; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL)
        if (strncmp(p, verdict, len) == 0 && (p[len] == '|' || !p[len])) return true;
    return false;
}

static void test_forms(void **state)
{
    (void)state;
    read_folder("tests/forge");
    read_folder("tests/honest");
    assert_true(n_forms > 300);
    rn_err err;
    rn_judge *j;
    assert_ok(rn_judge_open(&(rn_judge_opts){.jobs = 2}, &j, &err), &err);
    const bool numpy = has_numpy(j);
    if (!numpy) print_message("no numpy: the programs that use it are skipped\n");
    size_t bad = 0;
    for (size_t i = 0; i < n_forms; i++) {
        if (forms[i].numpy && !numpy) continue;
        if (rn_judge_pending(j) > 7) take(j);
        submit(j, &forms[i], i);
    }
    while (rn_judge_pending(j))
        take(j);
    for (size_t i = 0; i < n_forms; i++) {
        const form *f = &forms[i];
        const char *got = rn_verdict_name(f->result.verdict);
        if ((f->numpy && !numpy) || is_one_of(got, f->expect)) continue;
        bad++;
        print_error("%s: got %s (%s), want %s\n", f->name, got, f->result.detail, f->expect);
    }
    rn_judge_close(j);
    for (size_t i = 0; i < n_texts; i++)
        rn_buf_free(&texts[i]);
    assert_int_equal(bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_forms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
