/*
 * load_langs.c: sets whose programs are in other languages than Python.
 *
 * HumanEval-X      {"task_id": "CPP/0", "prompt", "declaration", "canonical_solution", "test",
 *                   "test_setup"?, "import"?}; HumanEvalPack has "entry_point" beside them
 * MultiPL-E        {"name", "language", "prompt", "tests", "stop_tokens"}
 *
 * A source is `before`, prompt, completion, a line end and the tests. What comes before is that of
 * CodeGeeX' own harness: C++'s usual headers, Go's test_setup in place of the prompt's imports,
 * Rust's main and declaration. Where the tests of a language end in a place that can be seen, the
 * judge's end mark is printed there: a program that leaves early has not passed.
 */
#include "task/load_priv.h"

#include <stdio.h>
#include <strings.h>

/* judge/lang.h: the judge puts a secret in its place. */
#define END_MARK "@RATION-END@"

typedef struct lang {
    const char *prefix; /* of a task_id */
    const char *name;   /* of the judge's table; NULL: Python */
} lang;

static const lang langs[] = {
    {"CPP", "cpp"},       {"Go", "go"},     {"Java", "java"}, {"JavaScript", "javascript"},
    {"Rust", "rust"},     {"Python", NULL}, {"C++", "cpp"},   {"JS", "javascript"},
    {"Js", "javascript"},
};

static const lang *lang_of(const char *task_id)
{
    size_t n = strcspn(task_id, "/");
    for (size_t i = 0; i < sizeof langs / sizeof langs[0]; i++)
        if (strlen(langs[i].prefix) == n && strncasecmp(langs[i].prefix, task_id, n) == 0)
            return &langs[i];
    return NULL;
}

static bool is(const char *language, const char *name)
{
    return language && strcmp(language, name) == 0;
}

/* Moves the buffer's text to the set's arena. */
static int keep(rn_loader *l, rn_buf *b, rn_json_at at, const char **out, rn_err *err)
{
    *out = rn_buf_ok(b) ? rn_arena_dup(&l->set->arena, b->len ? b->data : "", b->len) : NULL;
    rn_buf_free(b);
    return *out ? 0 : rn_load_nomem(at, err);
}

/* The tests with the end mark printed behind the last of them, where the language's form shows
 * it: before the brace that closes main. */
static int mark_end(rn_loader *l, const char *language, const char *test, rn_json_at at,
                    const char **out, rn_err *err)
{
    bool cpp = is(language, "cpp"), java = is(language, "java");
    bool script = is(language, "javascript") || is(language, "typescript");
    size_t n = strlen(test), braces = cpp ? 1 : java ? 2 : 0, end = n;
    for (size_t i = n; i > 0 && braces; i--)
        if (test[i - 1] == '}' && --braces == 0) end = i - 1;
    *out = test;
    if ((!cpp && !java && !script) || braces) return 0;
    rn_buf b = {0};
    rn_buf_add(&b, test, end);
    if (cpp) rn_buf_puts(&b, "\n    puts(\"" END_MARK "\");\n");
    if (java) rn_buf_puts(&b, "\n        System.out.println(\"" END_MARK "\");\n    ");
    if (script) rn_buf_puts(&b, "\nconsole.log(\"" END_MARK "\");\n");
    rn_buf_add(&b, test + end, n - end);
    return keep(l, &b, at, out, err);
}

static void put_cpp_headers(const char *prompt, rn_buf *out)
{
    static const char *const headers[] = {"stdlib.h", "algorithm", "math.h",  "stdio.h", "vector",
                                          "string",   "climits",   "cstring", "iostream"};
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        char line[48];
        snprintf(line, sizeof line, "#include<%s>", headers[i]);
        if (!strstr(prompt, line)) rn_buf_printf(out, "%s\n", line);
    }
}

/* Fills before and prompt by the language's rule. */
static int assemble(rn_loader *l, const json_t *rec, rn_json_at at, rn_problem *p, rn_err *err)
{
    const char *setup = "", *import = "", *declaration = "";
    int rc = rn_load_text_opt(l, rec, "test_setup", at, &setup, err);
    if (!rc) rc = rn_load_text_opt(l, rec, "import", at, &import, err);
    if (!rc) rc = rn_load_text_opt(l, rec, "declaration", at, &declaration, err);
    if (rc) return rc;
    rn_buf before = {0};
    if (is(p->language, "cpp")) put_cpp_headers(p->prompt, &before);
    if (is(p->language, "go")) {
        rn_buf_printf(&before, "%s\n", setup);
        const char *found = *import ? strstr(p->prompt, import) : NULL;
        if (found) {
            rn_buf prompt = {0};
            rn_buf_add(&prompt, p->prompt, (size_t)(found - p->prompt));
            rn_buf_puts(&prompt, found + strlen(import));
            rc = keep(l, &prompt, at, &p->prompt, err);
        }
    }
    /* HumanEval-X' prompts of Rust are the description alone: what its harness puts before them
     * names the function, and a model has to see it. */
    bool described = is(p->language, "rust") && !strstr(p->prompt, "fn ");
    if (described) {
        rn_buf prompt = {0};
        rn_buf_puts(&before, "\nfn main(){ \n } \n");
        rn_buf_printf(&prompt, "%s%s", declaration, p->prompt);
        rc = keep(l, &prompt, at, &p->prompt, err);
    }
    bool pack = is(p->language, "rust") && !described;
    if (pack) rn_buf_printf(&before, "%s\nfn main(){ \n } \n", setup);
    if (rc || before.len == 0) {
        rn_buf_free(&before);
        return rc;
    }
    return keep(l, &before, at, &p->before, err);
}

static int put_reference(rn_loader *l, const char *text, rn_json_at at, rn_problem *p, rn_err *err)
{
    if (!*text) return 0;
    const char **refs = rn_arena_array(&l->set->arena, 1, sizeof *refs);
    if (!refs) return rn_load_nomem(at, err);
    refs[0] = text;
    p->references = refs;
    p->n_references = 1;
    return 0;
}

int rn_load_humaneval_x(rn_loader *l, const json_t *rec, rn_json_at at, rn_err *err)
{
    rn_problem p = {.form = RN_FORM_CHECK, .setup = "", .starter_code = "", .entry_point = ""};
    const char *solution = "", *test = "";
    int rc = rn_load_text(l, rec, "task_id", at, &p.task_id, err);
    if (!rc) rc = rn_load_text(l, rec, "prompt", at, &p.prompt, err);
    if (!rc) rc = rn_load_text(l, rec, "test", at, &test, err);
    if (!rc) rc = rn_load_text_opt(l, rec, "canonical_solution", at, &solution, err);
    if (rc) return rc;
    const lang *of = lang_of(p.task_id);
    if (!of)
        return rn_load_bad(at, "task_id", err,
                           "is \"%.60s\"; before its '/' stands CPP, Go, Java, JavaScript, Rust or "
                           "Python",
                           p.task_id);
    if (!*test) return rn_load_bad(at, "test", err, "is empty, a problem needs tests");
    rc = rn_load_text_opt(l, rec, "entry_point", at, &p.entry_point, err);
    if (rc) return rc;
    p.self_run = true;
    p.language = of->name;
    p.time_limit_s = p.language ? 10 : 0; /* a virtual machine's start counts */
    rc = mark_end(l, p.language, test, at, &p.test, err);
    if (!rc) rc = assemble(l, rec, at, &p, err);
    if (!rc) rc = put_reference(l, solution, at, &p, err);
    return rc ? rc : rn_load_add(l, &p, at, err);
}

int rn_load_multipl_e(rn_loader *l, const json_t *rec, rn_json_at at, rn_err *err)
{
    rn_problem p = {.form = RN_FORM_CHECK, .setup = "", .starter_code = "", .entry_point = ""};
    const char *test = "", *language = "";
    json_t *stops = NULL;
    int rc = rn_load_text(l, rec, "name", at, &p.task_id, err);
    if (!rc) rc = rn_load_text(l, rec, "language", at, &language, err);
    if (!rc) rc = rn_load_text(l, rec, "prompt", at, &p.prompt, err);
    if (!rc) rc = rn_load_text(l, rec, "tests", at, &test, err);
    if (!rc) rc = rn_json_array_opt(rec, "stop_tokens", at, &stops, err);
    if (!rc) rc = rn_load_texts(l, stops, "stop_tokens", at, &p.stops, &p.n_stops, err);
    if (rc) return rc;
    if (!*test) return rn_load_bad(at, "tests", err, "is empty, a problem needs tests");
    bool python = is(language, "py") || is(language, "python");
    p.language = python                       ? NULL
                 : is(language, "js")         ? "javascript"
                 : is(language, "ts")         ? "typescript"
                 : is(language, "go_test.go") ? "go"
                                              : language;
    p.time_limit_s = 10;
    rc = mark_end(l, p.language, test, at, &p.test, err);
    return rc ? rc : rn_load_add(l, &p, at, err);
}
