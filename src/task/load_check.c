/*
 * load_check.c: records whose tests are Python source: HumanEval's form and MBPP's.
 *
 * HumanEval  {"task_id", "prompt", "entry_point", "test", "canonical_solution"?}
 * MBPP       {"task_id": 11, "text", "code", "test_list", "test_setup_code"}         mbpp.jsonl
 *            {"task_id": 11, "prompt", "code", "test_list", "test_imports"}          sanitised
 * Text is kept byte for byte: MBPP's CRLF and tabs are legal Python, and the compiler reads CRLF as
 * a line end.
 */
#include "task/load_priv.h"

/* An entry point is spliced into source, so it must be a plain name (dots for a method), or a
 * method of a new object: "Solution().name". */
static bool is_name(const char *s)
{
    const char *made = strstr(s, "().");
    size_t class = made ? strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_") : 0;
    if (made) return class > 0 && s + class == made && is_name(made + 3);
    if (!*s) return false;
    for (const char *c = s; *c; c++) {
        bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '_' ||
                      (unsigned char)*c >= 0x80;
        bool inner = (*c >= '0' && *c <= '9') || *c == '.';
        if (!letter && !(inner && c > s)) return false;
    }
    return true;
}

int rn_load_entry_point(rn_loader *l, const json_t *rec, rn_json_at at, const char **out,
                        rn_err *err)
{
    int rc = rn_load_text(l, rec, "entry_point", at, out, err);
    if (rc || is_name(*out)) return rc;
    return rn_load_bad(at, "entry_point", err, "is \"%.60s\", not a function's name", *out);
}

int rn_load_reference(rn_loader *l, const char *text, rn_json_at at, rn_problem *p, rn_err *err)
{
    if (!*text) return 0;
    const char **refs = rn_arena_array(&l->set->arena, 1, sizeof *refs);
    if (!refs) return rn_nomem(err, at.path);
    refs[0] = text;
    p->references = refs;
    p->n_references = 1;
    return 0;
}

/* A text that may be absent, or of another type in sets that mean something else by it. */
static int take_if_text(rn_loader *l, const json_t *from, const char *key, rn_json_at at,
                        const char **out, rn_err *err)
{
    const json_t *v = json_object_get(from, key);
    return json_is_string(v) ? rn_load_text(l, from, key, at, out, err) : 0;
}

/* LeetCodeDataset: `meta` or the row itself says difficulty and date; the question with its starter
 * code is `query`, `src` in its first version. */
static int leetcode_parts(rn_loader *l, const json_t *rec, rn_json_at at, rn_problem *p,
                          rn_err *err)
{
    const json_t *meta = json_object_get(rec, "meta");
    int rc =
        take_if_text(l, json_is_object(meta) ? meta : rec, "difficulty", at, &p->difficulty, err);
    if (rc || !strstr(p->entry_point, "().")) return rc;
    rc = take_if_text(l, rec, "src", at, &p->instruct, err);
    if (!rc) rc = take_if_text(l, rec, "query", at, &p->instruct, err);
    if (!rc) rc = take_if_text(l, rec, "estimated_date", at, &p->date, err);
    return rc;
}

int rn_load_humaneval(rn_loader *l, const json_t *rec, rn_json_at at, rn_err *err)
{
    rn_problem p = {.form = RN_FORM_CHECK, .setup = "", .starter_code = ""};
    const char *solution = "";
    int rc = rn_load_text(l, rec, "task_id", at, &p.task_id, err);
    if (!rc) rc = rn_load_text(l, rec, "prompt", at, &p.prompt, err);
    if (!rc) rc = rn_load_entry_point(l, rec, at, &p.entry_point, err);
    if (!rc) rc = rn_load_text(l, rec, "test", at, &p.test, err);
    if (!rc) rc = rn_load_text_opt(l, rec, "canonical_solution", at, &solution, err);
    if (rc) return rc;
    if (!*p.task_id) return rn_load_bad(at, "task_id", err, "is empty");
    if (!*p.test) return rn_load_bad(at, "test", err, "is empty, a problem needs tests");
    const char *suffix = "", *whole = "";
    rc = rn_load_text_opt(l, rec, "suffix", at, &suffix, err);
    if (!rc && !*solution) rc = rn_load_text_opt(l, rec, "completion", at, &whole, err);
    if (!rc) rc = leetcode_parts(l, rec, at, &p, err);
    if (!rc) rc = rn_load_reference(l, *solution ? solution : whole, at, &p, err);
    if (*suffix) p.suffix = suffix;
    return rc ? rc : rn_load_add(l, &p, at, err);
}

/* The sanitised form's imports and the full form's setup code, joined by newlines. */
static int mbpp_setup(rn_loader *l, const json_t *rec, rn_json_at at, const char **out, rn_err *err)
{
    const char *setup = "";
    const char *const *imports = NULL;
    size_t n = 0;
    json_t *array = NULL;
    int rc = rn_load_text_opt(l, rec, "test_setup_code", at, &setup, err);
    if (!rc) rc = rn_json_array_opt(rec, "test_imports", at, &array, err);
    if (!rc) rc = rn_load_texts(l, array, "test_imports", at, &imports, &n, err);
    if (rc) return rc;
    if (n == 0) {
        *out = setup;
        return 0;
    }
    rn_buf b = {0};
    for (size_t i = 0; i < n; i++)
        rn_buf_printf(&b, "%s\n", imports[i]);
    rn_buf_puts(&b, setup);
    *out = rn_arena_take(&l->set->arena, &b);
    return *out ? 0 : rn_nomem(err, at.path);
}

int rn_load_mbpp(rn_loader *l, const json_t *rec, rn_json_at at, rn_err *err)
{
    int64_t id = 0;
    int rc = rn_json_int(rec, "task_id", at, &id, err);
    if (rc) return rc;
    if (id < 0) return rn_load_bad(at, "task_id", err, "is negative");
    bool wanted = rn_load_wants(l, id), shot = rn_load_wants_shot(l, id);
    if (!wanted && !shot) return 0;

    rn_problem p = {.form = RN_FORM_ASSERTS, .starter_code = ""};
    const char *code = "";
    json_t *tests = NULL;
    rc = rn_load_text(l, rec, json_object_get(rec, "text") ? "text" : "prompt", at, &p.prompt, err);
    if (!rc) rc = rn_load_text_opt(l, rec, "code", at, &code, err);
    if (!rc) rc = rn_json_array(rec, "test_list", at, &tests, err);
    if (!rc) rc = rn_load_texts(l, tests, "test_list", at, &p.asserts, &p.n_asserts, err);
    if (!rc) rc = mbpp_setup(l, rec, at, &p.setup, err);
    /* MBPP+ of the hub: `test` runs all inputs, those of test_list among them. */
    const char *all = "";
    if (!rc) rc = rn_load_text_opt(l, rec, "test", at, &all, err);
    if (*all) p.test = all;
    if (!rc) rc = rn_load_reference(l, code, at, &p, err);
    if (rc) return rc;
    if (p.n_asserts == 0)
        return rn_load_bad(at, "test_list", err, "is empty, a problem needs tests");
    p.task_id = rn_arena_printf(&l->set->arena, "MBPP/%lld", (long long)id);
    if (!p.task_id) return rn_nomem(err, at.path);
    if (shot) rc = rn_load_add_shot(l, &p, err);
    return rc || !wanted ? rc : rn_load_add(l, &p, at, err);
}
