/*
 * load_bigcodebench.c: BigCodeBench, full and Hard.
 *
 * {"task_id", "complete_prompt", "instruct_prompt"?, "code_prompt"?, "canonical_solution", "test",
 *  "entry_point", "libs": "['numpy', ...]"}
 * The tests are a unittest.TestCase named TestCases. Its harness runs, calibrated, the code prompt
 * (imports and head), "pass" as its body, and then the solution; uncalibrated, the solution alone.
 * A solution that goes on from the complete prompt has it in front.
 *
 * `libs` are names of modules. Some tests import more than it lists (faker), so that what the
 * prompt and the tests import counts as well.
 */
#include "task/load_priv.h"

#include "task/pylex.h"

typedef struct libs {
    rn_loader *l;
    RN_VEC(const char *) v;
} libs;

static bool add_lib(libs *x, rn_bytes name)
{
    for (size_t i = 0; i < x->v.n; i++)
        if (strlen(x->v.data[i]) == name.len && memcmp(x->v.data[i], name.data, name.len) == 0)
            return true;
    const char *copy = rn_arena_dup(&x->l->set->arena, name.data, name.len);
    return copy && rn_vec_push(&x->v, copy);
}

/* The strings of "['re', \"os\"]", Python's form of a list; anything else holds none. */
static bool add_listed(libs *x, const char *text)
{
    for (const char *p = text; *p; p++) {
        if (*p != '\'' && *p != '"') continue;
        const char *end = strchr(p + 1, *p);
        if (!end) break;
        bool name = end > p + 1;
        for (const char *c = p + 1; c < end; c++)
            name &= (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '_' ||
                    (*c >= '0' && *c <= '9' && c > p + 1);
        if (name && !add_lib(x, (rn_bytes){.data = p + 1, .len = (size_t)(end - p - 1)}))
            return false;
        p = end;
    }
    return true;
}

static bool is_word(const rn_pylex *x, rn_pytok t, const char *word)
{
    rn_bytes s = rn_pytok_text(x, t);
    return t.kind == RN_PY_NAME && s.len == strlen(word) && memcmp(s.data, word, s.len) == 0;
}

/* The modules of `import a.b as c, d` and `from e.f import g` at the start of a statement that is
 * not indented: what a function or an `if` imports may never be needed. */
static bool add_imported(libs *x, const char *source)
{
    rn_pylex lex;
    rn_pylex_init(&lex, rn_bytes_of(source));
    bool start = true, next = false, import = false, ok = true;
    for (rn_pytok t; ok && (t = rn_pylex_next(&lex)).kind != RN_PY_END;) {
        const bool margin = t.start == 0 || source[t.start - 1] == '\n';
        if (next && t.kind == RN_PY_NAME) {
            ok = add_lib(x, rn_pytok_text(&lex, t));
            next = false;
        } else if (start && margin && (is_word(&lex, t, "import") || is_word(&lex, t, "from"))) {
            import = is_word(&lex, t, "import");
            next = true;
        } else {
            next = import && t.kind == RN_PY_OP && source[t.start] == ',';
        }
        start = t.kind == RN_PY_NEWLINE || (start && t.kind == RN_PY_COMMENT);
        if (t.kind == RN_PY_NEWLINE) import = next = false;
    }
    return ok;
}

static int find_libs(rn_loader *l, const json_t *rec, rn_json_at at, rn_problem *p, rn_err *err)
{
    libs x = {.l = l};
    const json_t *listed = json_object_get(rec, "libs");
    bool ok = !json_is_string(listed) || add_listed(&x, json_string_value(listed));
    for (size_t i = 0; ok && i < json_array_size(listed); i++) {
        const char *name = json_string_value(json_array_get(listed, i));
        if (name && *name) ok = add_lib(&x, rn_bytes_of(name));
    }
    if (ok) ok = add_imported(&x, p->prompt) && add_imported(&x, p->test);
    const char **v = ok ? rn_arena_array(&l->set->arena, x.v.n + 1, sizeof *v) : NULL;
    if (v && x.v.n) memcpy(v, x.v.data, x.v.n * sizeof *v);
    p->libs = v;
    p->n_libs = x.v.n;
    rn_vec_free(&x.v);
    return v ? 0 : rn_nomem(err, at.path);
}

/* Runs the cases and raises with the first that fails; none run is no pass. */
static const char unittest_run[] =
    "\n\nimport unittest as _ration_unittest\n"
    "_ration_result = _ration_unittest.TestResult()\n"
    "_ration_unittest.defaultTestLoader.loadTestsFromTestCase(TestCases).run(_ration_result)\n"
    "for _ration_case, _ration_text in _ration_result.failures + _ration_result.errors:\n"
    "    raise AssertionError(_ration_text.strip().splitlines()[-1])\n"
    "assert _ration_result.testsRun > len(_ration_result.skipped), 'no test was run'\n";

/* Its harness runs program and tests as a module called __test__, which some tests name to replace
 * parts of it (patch("__test__.x")): the module here has the program's names as its own. */
static const char module_of[] = "import sys as _ration_sys, types as _ration_types\n"
                                "class _RationModule(_ration_types.ModuleType):\n"
                                "    def __getattr__(self, name):\n"
                                "        try:\n"
                                "            return globals()[name]\n"
                                "        except KeyError:\n"
                                "            raise AttributeError(name) from None\n"
                                "    def __setattr__(self, name, value):\n"
                                "        globals()[name] = value\n"
                                "    def __delattr__(self, name):\n"
                                "        del globals()[name]\n"
                                "__name__, __file__ = '__test__', '__test__.py'\n"
                                "_ration_module = _RationModule(__name__)\n"
                                "_ration_module.__dict__['__file__'] = __file__\n"
                                "_ration_sys.modules[__name__] = _ration_module\n";

/* Its harness waits 240 s for a problem's tests. */
static const double official_s = 240;

static int put_parts(rn_loader *l, const char *code, const char *solution, rn_json_at at,
                     rn_problem *p, rn_err *err)
{
    p->uncalibrated = module_of;
    p->before =
        rn_arena_printf(&l->set->arena, "%s%s%s", module_of, code, *code ? "\n    pass\n" : "");
    p->test = rn_arena_printf(&l->set->arena, "%s%s", p->test, unittest_run);
    if (!p->before || !p->test) return rn_nomem(err, at.path);
    return rn_load_reference(l, solution, at, p, err);
}

int rn_load_bigcodebench(rn_loader *l, const json_t *rec, rn_json_at at, rn_err *err)
{
    rn_problem p = {.form = RN_FORM_CHECK,
                    .setup = "",
                    .starter_code = "",
                    .time_limit_s = official_s,
                    .self_run = true,
                    .whole_alone = true};
    const char *solution = "", *code = "", *instruct = "";
    int rc = rn_load_text(l, rec, "task_id", at, &p.task_id, err);
    if (!rc) rc = rn_load_text(l, rec, "complete_prompt", at, &p.prompt, err);
    if (!rc) rc = rn_load_text(l, rec, "test", at, &p.test, err);
    if (!rc) rc = rn_load_text_opt(l, rec, "instruct_prompt", at, &instruct, err);
    if (!rc) rc = rn_load_text_opt(l, rec, "code_prompt", at, &code, err);
    if (!rc) rc = rn_load_text_opt(l, rec, "entry_point", at, &p.entry_point, err);
    if (!rc) rc = rn_load_text_opt(l, rec, "canonical_solution", at, &solution, err);
    if (rc) return rc;
    if (!*p.test) return rn_load_bad(at, "test", err, "is empty, a problem needs tests");
    if (*instruct) p.instruct = instruct;
    rc = find_libs(l, rec, at, &p, err);
    if (!rc) rc = put_parts(l, code, solution, at, &p, err);
    return rc ? rc : rn_load_add(l, &p, at, err);
}
