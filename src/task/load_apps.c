/*
 * load_apps.c: problems that are tested case by case: APPS and CodeContests.
 *
 * APPS, a JSONL row  {"problem_id", "difficulty", "question", "starter_code",
 *                     "solutions": "[...]", "input_output": "{...}"}, the last two JSON in strings
 * APPS, a folder     0000/question.txt, input_output.json, solutions.json, metadata.json,
 *                    starter_code.py; all but question.txt may be absent
 * input_output       {"inputs": [...], "outputs": [...], "fn_name"?}; with fn_name each input is
 * the array of arguments, without it text, or an array of lines CodeContests       {"name",
 * "question" | "description", "timeout"?, "test_cases": {"input": [...], "output": [...]}}, or
 * DeepMind's public_tests, private_tests, generated_tests
 *
 * The cases are cut out of the JSON text itself (jsonraw.h), since APPS has integers of more than
 * 64 bits. A call's cases are kept as JSON in one canonical spelling.
 */
#include "task/load_priv.h"

#include "base/file.h"
#include "task/jsonraw.h"

#include <dirent.h>

enum { MAX_FILE_BYTES = 1 << 29 };

/* Cases while they are read; `l` owns their bytes. */
typedef struct case_list {
    rn_case_vec v;
    size_t base; /* where the record that is being read begins */
} case_list;

/* JSON inside JSON: what the scanner says, with file, line and field before it. */
static int inner_error(rn_json_at at, const char *key, rn_err *err)
{
    if (!err) return RN_EFORMAT;
    err->line = at.line > 0 ? at.line : -1;
    if (at.line > 0)
        return rn_err_prefix(err, "%s: line %lld: field \"%s\"", at.path, (long long)at.line, key);
    return rn_err_prefix(err, "%s: field \"%s\"", at.path, key);
}

/* ---- one value of a case --------------------------------------------------------------------- */

/* Standard input or output: a string; an array of lines is joined as the official harness does; any
 * other value is its own text. */
static int stdio_bytes(rn_bytes value, rn_buf *out, rn_err *err)
{
    if (rn_jsonraw_is(value, '"')) {
        rn_jsonraw_string(value, out);
        return 0;
    }
    if (!rn_jsonraw_is(value, '[')) {
        rn_buf_add(out, value.data, value.len);
        return 0;
    }
    rn_bytes key, line;
    size_t pos = 0;
    for (int rc, first = 1; (rc = rn_jsonraw_next(value, &pos, &key, &line, err)) != 0; first = 0) {
        if (rc < 0) return rc;
        if (!first) rn_buf_putc(out, '\n');
        if (rn_jsonraw_is(line, '"'))
            rn_jsonraw_string(line, out);
        else
            rn_buf_add(out, line.data, line.len);
    }
    return 0;
}

static int case_bytes(rn_loader *l, rn_bytes value, bool call, rn_json_at at, rn_bytes *out,
                      rn_err *err)
{
    rn_buf b = {0};
    int rc = 0;
    if (call)
        rn_jsonraw_canonical(value, &b);
    else
        rc = stdio_bytes(value, &b, err);
    if (!rc) rc = rn_load_keep(l, &b, at, out, err);
    rn_buf_free(&b);
    return rc;
}

/* ---- lists of cases -------------------------------------------------------------------------- */

static rn_case *case_at(case_list *c, size_t i)
{
    while (c->v.n <= i)
        if (!rn_vec_push(&c->v, ((rn_case){.input = {.data = ""}, .output = {.data = ""}})))
            return NULL;
    return &c->v.data[i];
}

/* Reads the JSON array `values` into the inputs or outputs from case number cases->base on; *n
 * their count. */
static int read_side(rn_loader *l, rn_bytes values, bool call, bool outputs, case_list *cases,
                     rn_json_at at, size_t *n, rn_err *err)
{
    const size_t base = cases->base;
    const char *key_name = outputs ? "outputs" : "inputs";
    if (!rn_jsonraw_is(values, '[')) return rn_load_bad(at, key_name, err, "is not an array");
    rn_bytes key, value;
    size_t pos = 0, i = 0;
    for (int rc; (rc = rn_jsonraw_next(values, &pos, &key, &value, err)) != 0; i++) {
        if (rc < 0) return inner_error(at, key_name, err);
        if (call && !outputs && !rn_jsonraw_is(value, '['))
            return rn_load_bad(at, key_name, err, "number %zu is not an array of arguments", i + 1);
        rn_case *c = case_at(cases, base + i);
        if (!c) return rn_nomem(err, at.path);
        rc = case_bytes(l, value, call, at, outputs ? &c->output : &c->input, err);
        if (rc) return rc;
    }
    *n = i;
    return 0;
}

/* Both sides; as many outputs as inputs. */
static int read_cases(rn_loader *l, rn_bytes inputs, rn_bytes outputs, bool call, case_list *cases,
                      rn_json_at at, rn_err *err)
{
    size_t n_in = 0, n_out = 0;
    cases->base = cases->v.n;
    int rc = read_side(l, inputs, call, false, cases, at, &n_in, err);
    if (!rc) rc = read_side(l, outputs, call, true, cases, at, &n_out, err);
    if (rc) return rc;
    if (n_in != n_out)
        return rn_load_bad(at, "outputs", err, "has %zu entries for %zu inputs", n_out, n_in);
    return 0;
}

/* ---- APPS ------------------------------------------------------------------------------------ */

static bool blank(rn_bytes s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] == '\0' || !strchr(" \t\r\n", s.data[i])) return false;
    return true;
}

/* The whole text must be one value. */
static int only_value(rn_bytes text, rn_bytes *value, rn_err *err)
{
    size_t pos = 0;
    int rc = rn_jsonraw_value(text, &pos, value, err);
    if (rc) return rc;
    if (!blank((rn_bytes){.data = text.data + pos, .len = text.len - pos}))
        return rn_fail_at(err, RN_EFORMAT, -1, (int64_t)pos,
                          "JSON at byte %zu: text follows the value", pos);
    return 0;
}

/* A NUL-terminated copy of a JSON string in the arena. */
static int arena_string(rn_loader *l, rn_bytes quoted, rn_json_at at, const char *field,
                        const char **out, rn_err *err)
{
    rn_buf b = {0};
    rn_jsonraw_string(quoted, &b);
    bool nul = b.len && memchr(b.data, '\0', b.len);
    *out = rn_buf_ok(&b) && !nul ? rn_arena_dup(&l->set->arena, b.len ? b.data : "", b.len) : NULL;
    rn_buf_free(&b);
    if (nul) return rn_load_bad(at, field, err, "holds a NUL character");
    return *out ? 0 : rn_nomem(err, at.path);
}

static int read_input_output(rn_loader *l, rn_bytes text, rn_json_at at, rn_problem *p, rn_err *err)
{
    static const char field[] = "input_output";
    p->form = RN_FORM_STDIO;
    if (blank(text)) return 0;
    rn_bytes io, key, value, inputs = {.data = "[]", .len = 2}, outputs = inputs, fn = {0};
    if (only_value(text, &io, err)) return inner_error(at, field, err);
    if (!rn_jsonraw_is(io, '{')) return rn_load_bad(at, field, err, "does not hold an object");
    size_t pos = 0;
    for (int rc; (rc = rn_jsonraw_next(io, &pos, &key, &value, err)) != 0;) {
        if (rc < 0) return inner_error(at, field, err);
        if (rn_jsonraw_says(key, "inputs")) inputs = value;
        if (rn_jsonraw_says(key, "outputs")) outputs = value;
        if (rn_jsonraw_says(key, "fn_name")) fn = value;
    }
    if (rn_jsonraw_is(fn, '"')) {
        int rc = arena_string(l, fn, at, "fn_name", &p->entry_point, err);
        if (rc) return rc;
        if (!*p->entry_point) return rn_load_bad(at, "fn_name", err, "is empty");
        p->form = RN_FORM_CALL;
    } else if (fn.len && !rn_jsonraw_is(fn, 'n')) {
        return rn_load_bad(at, "fn_name", err, "is not a string");
    }
    case_list cases = {0};
    int rc = read_cases(l, inputs, outputs, p->form == RN_FORM_CALL, &cases, at, err);
    if (!rc) rc = rn_load_cases(l, &cases.v, at, p, err);
    rn_vec_free(&cases.v);
    return rc;
}

static int read_solutions(rn_loader *l, rn_bytes text, rn_json_at at, rn_problem *p, rn_err *err)
{
    static const char field[] = "solutions";
    if (blank(text)) return 0;
    rn_bytes array, key, value;
    if (only_value(text, &array, err)) return inner_error(at, field, err);
    if (!rn_jsonraw_is(array, '[')) return rn_load_bad(at, field, err, "does not hold an array");
    size_t n = 0, pos = 0;
    while (rn_jsonraw_next(array, &pos, &key, &value, NULL) > 0)
        n++;
    const char **refs = rn_arena_array(&l->set->arena, n ? n : 1, sizeof *refs);
    if (!refs) return rn_nomem(err, at.path);
    pos = 0;
    size_t used = 0;
    while (rn_jsonraw_next(array, &pos, &key, &value, NULL) > 0) {
        if (!rn_jsonraw_is(value, '"'))
            return rn_load_bad(at, field, err, "has an entry (number %zu) that is not a string",
                               used + 1);
        int rc = arena_string(l, value, at, field, &refs[used++], err);
        if (rc) return rc;
    }
    p->references = refs;
    p->n_references = used;
    return 0;
}

/* A text field's bytes; empty when it is absent or null. */
static int inner_text(const json_t *rec, const char *key, rn_json_at at, rn_bytes *out, rn_err *err)
{
    *out = (rn_bytes){.data = "", .len = 0};
    return rn_json_bytes_opt(rec, key, at, out, err);
}

static bool wants_difficulty(const rn_loader *l, const char *difficulty)
{
    return !l->spec || !l->spec->difficulty || strcmp(l->spec->difficulty, difficulty) == 0;
}

/* TACO: where a problem is from, and when. */
static int taco_traits(rn_loader *l, const json_t *rec, rn_json_at at, rn_problem *p, rn_err *err)
{
    int rc = 0;
    if (json_is_string(json_object_get(rec, "source")))
        rc = rn_load_text(l, rec, "source", at, &p->platform, err);
    if (!rc && json_is_string(json_object_get(rec, "date")))
        rc = rn_load_text(l, rec, "date", at, &p->date, err);
    return rc;
}

int rn_load_apps(rn_loader *l, const json_t *rec, rn_json_at at, rn_err *err)
{
    rn_bytes difficulty, split, io, solutions;
    const char *level = "";
    rn_problem p = {.setup = ""};
    int64_t id = l->n_records - 1;
    /* TACO's rows have no number of their own: it is their place in the file. */
    const char *const key = json_object_get(rec, "problem_id") ? "problem_id" : "id";
    const bool taco = !json_object_get(rec, key) && json_object_get(rec, "skill_types");
    int rc = taco ? 0 : rn_json_int(rec, key, at, &id, err);
    if (!rc) rc = inner_text(rec, "difficulty", at, &difficulty, err);
    if (!rc) rc = inner_text(rec, "split", at, &split, err);
    if (rc) return rc;
    if (id < 0) return rn_load_bad(at, "problem_id", err, "is negative");
    bool shot = rn_bytes_equal(split, rn_bytes_of("train"));
    level = difficulty.data;
    if (!shot && !wants_difficulty(l, level)) return 0;

    rc = rn_load_text(l, rec, "question", at, &p.prompt, err);
    if (!rc) rc = rn_load_text_opt(l, rec, "starter_code", at, &p.starter_code, err);
    if (!rc) rc = inner_text(rec, "input_output", at, &io, err);
    if (!rc) rc = inner_text(rec, "solutions", at, &solutions, err);
    if (!rc) rc = read_input_output(l, io, at, &p, err);
    if (!rc) rc = read_solutions(l, solutions, at, &p, err);
    if (rc) return rc;
    if (taco) p.rule = RN_RULE_TACO;
    p.task_id = rn_arena_printf(&l->set->arena, "%s/%lld", taco ? "TACO" : "APPS", (long long)id);
    p.difficulty = rn_arena_dup(&l->set->arena, difficulty.data, difficulty.len);
    if (!p.task_id || !p.difficulty) return rn_nomem(err, at.path);
    if (taco) rc = taco_traits(l, rec, at, &p, err);
    if (rc) return rc;
    return shot ? rn_load_add_shot(l, &p, err) : rn_load_add(l, &p, at, err);
}

/* ---- APPS as folders ------------------------------------------------------------------------- */

/* Reads DIR/NAME into *out; absent is empty unless required. */
static int read_part(const char *dir, const char *name, bool required, rn_path *path, rn_buf *out,
                     rn_err *err)
{
    rn_buf_clear(out);
    rn_path_make(path, "%s/%s", dir, name);
    if (!required && !rn_file_exists(path->s)) {
        rn_buf_puts(out, "");
        return 0;
    }
    return rn_file_read(path->s, MAX_FILE_BYTES, out, err);
}

static int text_part(rn_loader *l, const char *dir, const char *name, bool required, rn_path *path,
                     rn_buf *buf, const char **out, rn_err *err)
{
    int rc = read_part(dir, name, required, path, buf, err);
    if (rc) return rc;
    if (buf->len && memchr(buf->data, '\0', buf->len))
        return rn_fail(err, RN_EFORMAT, "%s holds a NUL character", path->s);
    *out = rn_arena_dup(&l->set->arena, buf->len ? buf->data : "", buf->len);
    return *out ? 0 : rn_nomem(err, dir);
}

/* *difficulty: of metadata.json, "" if it has none. Owned by the set's arena. */
static int folder_difficulty(rn_loader *l, const char *dir, rn_path *path, rn_buf *buf,
                             const char **difficulty, rn_err *err)
{
    *difficulty = "";
    int rc = read_part(dir, "metadata.json", false, path, buf, err);
    if (rc || buf->len == 0) return rc;
    json_t *meta = NULL;
    rn_json_at at = {.path = path->s};
    rc = rn_json_parse(rn_buf_view(buf), at, &meta, err);
    if (!rc) rc = rn_load_text_opt(l, meta, "difficulty", at, difficulty, err);
    if (meta) json_decref(meta);
    return rc;
}

static int load_folder_problem(rn_loader *l, const char *dir, int64_t id, rn_err *err)
{
    rn_path path;
    rn_buf buf = {0};
    rn_problem p = {.setup = ""};
    const char *difficulty = "";
    const rn_json_at at = {.path = dir}, in_part = {.path = path.s};
    int rc = folder_difficulty(l, dir, &path, &buf, &difficulty, err);
    const bool wanted = !rc && wants_difficulty(l, difficulty);
    if (wanted) rc = text_part(l, dir, "question.txt", true, &path, &buf, &p.prompt, err);
    if (wanted && !rc)
        rc = text_part(l, dir, "starter_code.py", false, &path, &buf, &p.starter_code, err);
    if (wanted && !rc) rc = read_part(dir, "input_output.json", false, &path, &buf, err);
    if (wanted && !rc) rc = read_input_output(l, rn_buf_view(&buf), in_part, &p, err);
    if (wanted && !rc) rc = read_part(dir, "solutions.json", false, &path, &buf, err);
    if (wanted && !rc) rc = read_solutions(l, rn_buf_view(&buf), in_part, &p, err);
    if (wanted && !rc) {
        p.task_id = rn_arena_printf(&l->set->arena, "APPS/%lld", (long long)id);
        rc = p.task_id ? rn_load_add(l, &p, at, err) : rn_nomem(err, at.path);
    }
    rn_buf_free(&buf);
    return rc;
}

static bool is_number(const char *s)
{
    return *s && strlen(s) < 10 && !s[strspn(s, "0123456789")];
}

int rn_load_apps_folder(rn_loader *l, const char *path, rn_err *err)
{
    DIR *d = opendir(path);
    if (!d) return rn_fail_errno(err, "cannot open %s", path);
    rn_buf sub = {0};
    int rc = 0;
    for (struct dirent *e; !rc && (e = readdir(d));) {
        if (!is_number(e->d_name)) continue;
        rn_buf_clear(&sub);
        rn_buf_printf(&sub, "%s/%s", path, e->d_name);
        rc = rn_buf_ok(&sub) ? load_folder_problem(l, sub.data, strtoll(e->d_name, NULL, 10), err)
                             : rn_nomem(err, path);
    }
    rn_buf_free(&sub);
    closedir(d);
    if (!rc && l->problems.n == 0 && !l->spec)
        return rn_fail(err, RN_EFORMAT,
                       "%s holds neither .parquet or .jsonl files nor numbered folders; APPS' "
                       "older form has test/0000/question.txt and so on",
                       path);
    return rc;
}

/* ---- CodeContests ---------------------------------------------------------------------------- */

/* The values come from jansson here: their strings hold no numbers that could be lost. */
static int jansson_cases(rn_loader *l, const json_t *tests, const char *field, case_list *cases,
                         rn_json_at at, rn_err *err)
{
    if (!json_is_object(tests)) return rn_load_bad(at, field, err, "is not an object");
    json_t *sides[2];
    int rc = rn_json_array(tests, "input", at, &sides[0], err);
    if (!rc) rc = rn_json_array(tests, "output", at, &sides[1], err);
    if (rc) return rc;
    size_t n = json_array_size(sides[0]), base = cases->v.n;
    if (json_array_size(sides[1]) != n)
        return rn_load_bad(at, field, err, "has %zu outputs for %zu inputs",
                           json_array_size(sides[1]), n);
    for (size_t i = 0; i < n; i++) {
        rn_case *c = case_at(cases, base + i);
        if (!c) return rn_nomem(err, at.path);
        for (int s = 0; s < 2; s++) {
            const json_t *v = json_array_get(sides[s], i);
            if (!json_is_string(v))
                return rn_load_bad(at, field, err, "has a case (number %zu) that is not text",
                                   i + 1);
            size_t len = json_string_length(v);
            char *copy = rn_arena_dup(&l->set->arena, json_string_value(v), len);
            if (!copy) return rn_nomem(err, at.path);
            *(s ? &c->output : &c->input) = (rn_bytes){.data = copy, .len = len};
        }
    }
    return 0;
}

static int codecontests_limit(const json_t *rec, rn_json_at at, double *limit_s, rn_err *err)
{
    const json_t *v = json_object_get(rec, "time_limit");
    double seconds = 0, nanos = 0;
    int rc = 0;
    if (json_is_object(v)) {
        rc = rn_json_real_opt(v, "seconds", at, &seconds, err);
        if (!rc) rc = rn_json_real_opt(v, "nanos", at, &nanos, err);
    } else {
        rc = rn_json_real_opt(rec, "timeout", at, &seconds, err);
    }
    if (rc) return rc;
    double limit = seconds + nanos * 1e-9;
    if (!(limit >= 0 && limit <= 3600))
        return rn_load_bad(at, "timeout", err, "is not between 0 and 3600 seconds");
    *limit_s = limit;
    return 0;
}

/* DeepMind's solutions: {"language": [...], "solution": [...]}; 3 is Python 3. */
static int codecontests_solutions(rn_loader *l, const json_t *rec, rn_json_at at, rn_problem *p,
                                  rn_err *err)
{
    const json_t *s = json_object_get(rec, "solutions");
    const json_t *langs = json_object_get(s, "language"), *texts = json_object_get(s, "solution");
    size_t n = json_array_size(texts);
    const char **refs = rn_arena_array(&l->set->arena, n ? n : 1, sizeof *refs);
    if (!refs) return rn_nomem(err, at.path);
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(texts, i);
        if (json_integer_value(json_array_get(langs, i)) != 3 || !json_is_string(v)) continue;
        if (strlen(json_string_value(v)) != json_string_length(v)) continue; /* NUL: no program */
        const char *copy =
            rn_arena_dup(&l->set->arena, json_string_value(v), json_string_length(v));
        if (!copy) return rn_nomem(err, at.path);
        refs[p->n_references++] = copy;
    }
    p->references = refs;
    return 0;
}

/* DeepMind's numbers for where a problem is from and how hard it is there; other sets of this form
 * have words. */
static int codecontests_traits(rn_loader *l, const json_t *rec, rn_json_at at, rn_problem *p,
                               rn_err *err)
{
    static const char *const sources[] = {NULL,      "codechef", "codeforces", "hackerearth",
                                          "codejam", "atcoder",  "aizu"};
    static const char *const levels[] = {NULL,     "easy",    "medium",  "hard",
                                         "harder", "hardest", "external"};
    enum {
        N_SOURCES = sizeof sources / sizeof *sources,
        N_LEVELS = sizeof levels / sizeof *levels
    };
    const json_t *source = json_object_get(rec, "source"),
                 *level = json_object_get(rec, "difficulty");
    const json_int_t s = json_integer_value(source), d = json_integer_value(level);
    if (json_is_integer(source) && s > 0 && s < N_SOURCES) p->platform = sources[s];
    if (json_is_integer(level) && d > 0 && d < N_LEVELS) p->difficulty = levels[d];
    if (json_is_integer(level) && d >= N_LEVELS && d <= 28) { /* Codeforces' A to V */
        p->difficulty = rn_arena_printf(&l->set->arena, "%c", (char)('A' + d - N_LEVELS));
        if (!p->difficulty) return rn_nomem(err, at.path);
    }
    int rc = 0;
    if (json_is_string(source)) rc = rn_load_text(l, rec, "source", at, &p->platform, err);
    if (!rc && json_is_string(level))
        rc = rn_load_text(l, rec, "difficulty", at, &p->difficulty, err);
    return rc;
}

int rn_load_codecontests(rn_loader *l, const json_t *rec, rn_json_at at, rn_err *err)
{
    static const char *const fields[] = {"test_cases", "public_tests", "private_tests",
                                         "generated_tests"};
    rn_problem p = {.form = RN_FORM_STDIO, .setup = "", .rule = RN_RULE_CODECONTESTS};
    const char *question = json_object_get(rec, "question") ? "question" : "description";
    int rc = rn_load_text(l, rec, "name", at, &p.task_id, err);
    if (!rc) rc = rn_load_text(l, rec, question, at, &p.prompt, err);
    if (!rc) rc = rn_load_text_opt(l, rec, "starter_code", at, &p.starter_code, err);
    if (!rc) rc = codecontests_limit(rec, at, &p.time_limit_s, err);
    if (!rc) rc = codecontests_solutions(l, rec, at, &p, err);
    if (!rc) rc = codecontests_traits(l, rec, at, &p, err);
    if (rc) return rc;
    if (!*p.task_id) return rn_load_bad(at, "name", err, "is empty");
    case_list cases = {0};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0] && !rc; i++) {
        const json_t *tests = json_object_get(rec, fields[i]);
        if (tests && !json_is_null(tests)) rc = jansson_cases(l, tests, fields[i], &cases, at, err);
    }
    if (!rc) rc = rn_load_cases(l, &cases.v, at, &p, err);
    rn_vec_free(&cases.v);
    return rc ? rc : rn_load_add(l, &p, at, err);
}
