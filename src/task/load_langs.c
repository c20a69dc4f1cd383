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
    *out = rn_arena_take(&l->set->arena, b);
    return *out ? 0 : rn_nomem(err, at.path);
}

/* How the end of the tests is shown, by language: a statement behind `braces` closing braces from
 * the end, which are those of main and its class; 0: behind everything. Not here: Haskell, whose
 * main is one expression. */
static const struct ending {
    const char *languages, *text; /* names as sets write them */
    size_t braces;
} endings[] = {
    {",c,", "puts(\"" END_MARK "\");", 1},
    {",cpp,", "puts(\"" END_MARK "\");", 1},
    {",rust,rs,", "println!(\"" END_MARK "\");", 1},
    {",java,", "System.out.println(\"" END_MARK "\");", 2},
    {",csharp,cs,", "System.Console.WriteLine(\"" END_MARK "\");", 2},
    {",javascript,", "console.log(\"" END_MARK "\");", 0},
    {",typescript,", "console.log(\"" END_MARK "\");", 0},
    {",lua,", "print(\"" END_MARK "\")", 0},
    {",perl,pl,", "print \"" END_MARK "\\n\";", 0},
    {",php,", "echo \"" END_MARK "\\n\";", 0},
    {",r,", "cat(\"" END_MARK "\\n\")", 0},
    {",bash,sh,", "printf '%s\\n' '" END_MARK "'", 0},
    {",julia,jl,", "println(\"" END_MARK "\")", 0},
    {",ocaml,ml,", "let () = print_endline \"" END_MARK "\"", 0},
    {",ruby,rb,", "puts '" END_MARK "'", 0},
};

/* Harnesses that run the tests when the program ends, and so behind the last statement: what stands
 * at the end of the tests, or in them, and what takes its place or follows. */
static const struct runner {
    const char *languages, *holds, *text;
    bool replace;
    const char *before; /* what a program ends in, such as an attribute, falls upon this; NULL */
} runners[] = {
    {",lua,", "os.exit(lu.LuaUnit.run())",
     "local ration_failed = lu.LuaUnit.run()\nif ration_failed == 0 then print(\"" END_MARK
     "\") end\nos.exit(ration_failed)\n",
     true, NULL},
    {",ruby,rb,", "Test::Unit::TestCase",
     "\nTest::Unit::AutoRunner.need_auto_run = false\nexit 1 unless Test::Unit::AutoRunner.run\n"
     "puts '" END_MARK "'\n",
     false, NULL},
    /* libtest runs tests by their names, one after the other (lang.c); what it keeps back of a test
     * that passes is what println! writes. */
    {",rust,rs,", "#[test]",
     "\n#[cfg(test)]\nmod zzz_ration_end {\n    #[test]\n    fn end() {\n        use "
     "std::io::Write;\n"
     "        let _ = std::io::stdout().write_all(b\"" END_MARK "\\n\");\n    }\n}\n",
     false, "const _: () = ();\n"},
    /* An empty TestMain of the program's would run none of them. */
    {",go,", "*testing.T)",
     "\nfunc TestMain(m *testing.M) {\n\tif m.Run() == 0 {\n\t\tprintln(\"" END_MARK
     "\")\n\t}\n}\n",
     false, NULL},
};

static bool is_one_of(const char *language, const char *names)
{
    char between[32];
    snprintf(between, sizeof between, ",%s,", language);
    return strlen(language) + 2 < sizeof between && strstr(names, between);
}

/* The place before a "return 0;" at the end of main's text, which ends at `end`. */
static size_t before_return(const char *test, size_t end)
{
    static const char word[] = "return 0;";
    size_t n = end;
    while (n > 0 && strchr(" \t\r\n", test[n - 1]))
        n--;
    const size_t len = sizeof word - 1;
    return n >= len && memcmp(test + n - len, word, len) == 0 ? n - len : end;
}

/* The tests with the end mark printed behind the last of them, where the language's form shows
 * it. */
static int mark_end(rn_loader *l, const char *language, const char *test, rn_json_at at,
                    const char **out, rn_err *err)
{
    rn_buf b = {0};
    const size_t n = strlen(test);
    *out = test;
    if (!language) return 0;
    for (size_t i = 0; i < sizeof runners / sizeof runners[0]; i++) {
        const struct runner *r = &runners[i];
        const char *found = is_one_of(language, r->languages) ? strstr(test, r->holds) : NULL;
        if (!found) continue;
        rn_buf_puts(&b, r->before ? r->before : "");
        rn_buf_add(&b, test, r->replace ? (size_t)(found - test) : n);
        rn_buf_puts(&b, r->text);
        return keep(l, &b, at, out, err);
    }
    const struct ending *e = NULL;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (is_one_of(language, endings[i].languages)) e = &endings[i];
    if (!e || strstr(test, "__END__") || strstr(test, "?>")) return 0;
    size_t left = e->braces, end = n;
    for (size_t i = n; i > 0 && left; i--)
        if (test[i - 1] == '}' && --left == 0) end = before_return(test, i - 1);
    if (left) return 0;
    rn_buf_add(&b, test, end);
    rn_buf_printf(&b, "\n%s\n", e->text);
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
    if (!rc) rc = rn_load_reference(l, solution, at, &p, err);
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
