/*
 * import_json.c: forms that are one JSON value: the study's release, bigcode's lists, evalplus'
 * results, OpenCompass' predictions and inspect's logs. They are walked with jstream, one sample or
 * problem in memory at a time.
 */
#include "store/import_priv.h"

static int fail_at(const rn_importer *im, int64_t line, int code, rn_err *err, const char *id,
                   const char *what)
{
    return rn_fail_at(err, code, line, -1, "%s: line %lld: %.100s: %s", im->path, (long long)line,
                      id, what);
}

/* Takes the next value and parses it. *rc is 0 and *out NULL when a bad one was left out. */
static json_t *next_value(rn_importer *im, rn_js *js, int64_t *line, int *rc, rn_err *err)
{
    rn_bytes raw;
    json_t *v = NULL;
    *rc = rn_js_value(js, RN_IMPORT_MAX_ROW, &raw, line, err);
    if (*rc) return NULL;
    *rc = rn_import_parse(im, raw, *line, &v, err);
    if (*rc) *rc = rn_import_bad(im, *rc, err);
    return v;
}

/* Walks the file's one value, an object or an array; `member` takes each member of it. */
static int each_member(rn_importer *im, rn_reader *r, char open,
                       int (*member)(rn_importer *im, rn_js *js, rn_err *err), rn_err *err)
{
    rn_js *js = NULL;
    bool first = true;
    int rc = rn_js_new(r, &js, err);
    if (!rc) rc = rn_js_enter(js, open, err);
    while (!rc && (rc = rn_js_next(js, open == '{' ? '}' : ']', &first, err)) > 0)
        rc = member(im, js, err);
    if (!rc) rc = rn_js_end(js, err);
    rn_js_free(js);
    return rc;
}

/* ---- the study's release --------------------------------------------------------------------- */

static int release_sample(rn_importer *im, const json_t *v, rn_import_entry *p, int64_t line,
                          rn_err *err)
{
    rn_json_at at = {im->path, line};
    rn_bytes text = {0};
    double pass = -1;
    int rc = rn_json_bytes(v, "generation", at, &text, err);
    if (!rc) rc = rn_json_real_opt(v, "pass_at_1", at, &pass, err);
    if (rc) return rc;
    rn_import_row x = rn_import_row_new(text);
    if (json_object_get(v, "pass_at_1")) {
        if (pass != 0.0 && pass != 100.0)
            return fail_at(im, line, RN_EFORMAT, err, p->task_id,
                           "\"pass_at_1\" of one sample must be 100.0 or 0.0");
        x.verdict = pass == 100.0 ? RN_V_PASSED : RN_V_WRONG;
    }
    return rn_import_sample(im, p, &x, line, err);
}

/* Walks an array of one problem's samples; a bad one is left out where that is allowed. */
static int each_value(rn_importer *im, rn_js *js, rn_import_entry *p,
                      int (*take)(rn_importer *im, const json_t *v, rn_import_entry *p,
                                  int64_t line, rn_err *err),
                      rn_err *err)
{
    bool first = true;
    int rc = rn_js_enter(js, '[', err);
    while (!rc && (rc = rn_js_next(js, ']', &first, err)) > 0) {
        int64_t line;
        json_t *v = next_value(im, js, &line, &rc, err);
        if (rc || !v) continue;
        rc = take(im, v, p, line, err);
        if (rc) rc = rn_import_bad(im, rc, err);
        json_decref(v);
    }
    return rc;
}

/* A field beside "samples". The id inside must be the one outside. */
static int release_field(rn_importer *im, rn_js *js, bool is_id, rn_import_entry *p, rn_err *err)
{
    int64_t line;
    int rc;
    json_t *v = next_value(im, js, &line, &rc, err);
    if (!v) return rc;
    rn_bytes id = {json_string_value(v), json_string_length(v)};
    if (is_id && json_is_string(v) && rn_idmap_find(&im->map, id) != p)
        rc = rn_import_bad(
            im,
            fail_at(im, line, RN_EFORMAT, err, p->task_id, "its \"task_id\" names another problem"),
            err);
    json_decref(v);
    return rc;
}

static int release_problem(rn_importer *im, rn_js *js, rn_import_entry *p, rn_err *err)
{
    bool first = true;
    int rc = rn_js_enter(js, '{', err);
    while (!rc && (rc = rn_js_next(js, '}', &first, err)) > 0) {
        rn_bytes key;
        rc = rn_js_key(js, &key, err);
        if (rc) break;
        bool is_id = rn_bytes_equal(key, rn_bytes_of("task_id"));
        rc = rn_bytes_equal(key, rn_bytes_of("samples"))
                 ? each_value(im, js, p, release_sample, err)
                 : release_field(im, js, is_id, p, err);
    }
    return rc;
}

/* The problem under a key of the file; *p is NULL, and its value skipped, when it is left out. */
static int keyed_problem(rn_importer *im, rn_js *js, rn_import_entry **p, rn_err *err)
{
    rn_bytes key, raw;
    int64_t line = rn_js_line(js);
    *p = NULL;
    int rc = rn_js_key(js, &key, err);
    if (rc) return rc;
    rc = rn_import_find(im, key, line, p, err);
    if (!rc && (*p)->file_no == im->file_no) {
        rc = fail_at(im, line, RN_EFORMAT, err, (*p)->task_id, "the problem is there twice");
        *p = NULL;
    }
    if (!rc) return 0;
    rc = rn_import_bad(im, rc, err);
    return rc ? rc : rn_js_value(js, RN_IMPORT_MAX_ROW, &raw, &line, err);
}

static int release_member(rn_importer *im, rn_js *js, rn_err *err)
{
    rn_import_entry *p;
    int rc = keyed_problem(im, js, &p, err);
    return rc || !p ? rc : release_problem(im, js, p, err);
}

int rn_import_release(rn_importer *im, rn_reader *r, rn_err *err)
{
    return each_member(im, r, '{', release_member, err);
}

/* ---- bigcode --------------------------------------------------------------------------------- */

static int bigcode_sample(rn_importer *im, const json_t *v, rn_import_entry *p, int64_t line,
                          rn_err *err)
{
    if (!json_is_string(v))
        return fail_at(im, line, RN_EFORMAT, err, p->task_id, "a generation is not a string");
    rn_import_row x = rn_import_row_new((rn_bytes){json_string_value(v), json_string_length(v)});
    return rn_import_sample(im, p, &x, line, err);
}

/* The i-th list belongs to the i-th problem of the set: nothing in the file says so. */
static int bigcode_member(rn_importer *im, rn_js *js, rn_err *err)
{
    if (im->place == im->map.list.n)
        return rn_fail_at(err, RN_ENOTFOUND, rn_js_line(js), -1,
                          "%s: more lists than set '%s' has problems (%zu); choose the set with -t",
                          im->path, im->opts->set_name, im->map.list.n);
    return each_value(im, js, im->map.list.data[im->place++], bigcode_sample, err);
}

int rn_import_bigcode(rn_importer *im, rn_reader *r, rn_err *err)
{
    im->place = 0;
    return im->opts->problems
               ? each_member(im, r, '[', bigcode_member, err)
               : rn_fail(err, RN_EINVAL,
                         "%s: bigcode's form has no ids: it needs a known problem set (-t)",
                         im->path);
}

/* ---- evalplus' results ----------------------------------------------------------------------- */

/* Newer files: a list of {solution, base_status, plus_status}. */
static int results_list(rn_importer *im, const json_t *list, rn_import_entry *p, int64_t line,
                        rn_err *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < json_array_size(list); i++) {
        const json_t *v = json_array_get(list, i);
        rn_bytes text = {0};
        rc = rn_json_bytes(v, "solution", (rn_json_at){im->path, line}, &text, err);
        rn_import_row x = rn_import_row_new(text);
        const json_t *base = json_object_get(v, "base_status");
        if (!base) base = json_object_get(v, "status"); /* BigCodeBench's */
        rn_import_statuses(&x, base, json_object_get(v, "plus_status"));
        if (!rc && base && x.verdict < 0)
            rc = fail_at(im, line, RN_EFORMAT, err, p->task_id,
                         "\"base_status\" is none of pass, fail, timeout");
        if (!rc) rc = rn_import_sample(im, p, &x, line, err);
        if (rc) rc = rn_import_bad(im, rc, err);
    }
    return rc;
}

/* Older files: {"base": [[status, details], ...], "plus": ...}; the texts are in the samples' file.
 */
static int results_columns(rn_importer *im, const json_t *v, rn_import_entry *p, int64_t line,
                           rn_err *err)
{
    const json_t *base = json_object_get(v, "base"), *plus = json_object_get(v, "plus");
    if (!json_is_array(base))
        return fail_at(im, line, RN_EFORMAT, err, p->task_id, "no list \"base\" of results");
    p->file_no = im->file_no;
    int rc = rn_import_samples_run(im, err);
    for (size_t i = 0; !rc && i < json_array_size(base); i++) {
        rn_import_row x = rn_import_row_new((rn_bytes){0});
        rn_import_statuses(&x, json_array_get(json_array_get(base, i), 0),
                           json_array_get(json_array_get(plus, i), 0));
        rc = x.verdict < 0 ? fail_at(im, line, RN_EFORMAT, err, p->task_id,
                                     "a status is none of success, failed, timed out")
                           : rn_import_verdict(im, p, (int64_t)i, &x, line, err);
        if (rc) rc = rn_import_bad(im, rc, err);
    }
    return rc;
}

static int results_problem(rn_importer *im, rn_js *js, rn_err *err)
{
    rn_import_entry *p;
    int64_t line;
    int rc = keyed_problem(im, js, &p, err);
    if (rc || !p) return rc;
    json_t *v = next_value(im, js, &line, &rc, err);
    if (!v) return rc;
    rc =
        json_is_array(v) ? results_list(im, v, p, line, err) : results_columns(im, v, p, line, err);
    if (rc) rc = rn_import_bad(im, rc, err);
    json_decref(v);
    return rc;
}

/* Passes over the value of a member unless its key is `name`; *is: it is. */
static int only_member(rn_js *js, const char *name, bool *is, rn_err *err)
{
    rn_bytes key, raw;
    int64_t line;
    int rc = rn_js_key(js, &key, err);
    *is = !rc && rn_bytes_equal(key, rn_bytes_of(name));
    return rc || *is ? rc : rn_js_value(js, RN_IMPORT_MAX_ROW, &raw, &line, err);
}

static int results_member(rn_importer *im, rn_js *js, rn_err *err)
{
    bool is, first = true;
    int rc = only_member(js, "eval", &is, err);
    if (rc || !is) return rc;
    rc = rn_js_enter(js, '{', err);
    while (!rc && (rc = rn_js_next(js, '}', &first, err)) > 0)
        rc = results_problem(im, js, err);
    return rc;
}

int rn_import_results(rn_importer *im, rn_reader *r, rn_err *err)
{
    return each_member(im, r, '{', results_member, err);
}

/* ---- OpenCompass ----------------------------------------------------------------------------- */

/* The text of a prompt: a string, or a list of messages. */
static void put_prompt(const json_t *v, rn_buf *out)
{
    if (json_is_string(v)) rn_buf_add(out, json_string_value(v), json_string_length(v));
    for (size_t i = 0; i < json_array_size(v); i++) {
        const json_t *m = json_array_get(v, i), *text = json_object_get(m, "prompt");
        if (!text) text = json_object_get(m, "content");
        put_prompt(json_is_object(m) ? text : m, out);
        rn_buf_putc(out, '\n');
    }
}

static bool has_prompt(rn_bytes text, const rn_import_entry *p)
{
    if (!p->prompt) return true;
    rn_bytes s = rn_bytes_of(p->prompt);
    while (s.len && strchr(" \t\r\n", s.data[0]))
        s.data++, s.len--;
    while (s.len && strchr(" \t\r\n", s.data[s.len - 1]))
        s.len--;
    return s.len == 0 || rn_bytes_find(text, s, 0) != SIZE_MAX;
}

/* The problem in this place of the set, if the prompt that was sent holds its text: a file of
 * another selection or order has other problems there. Then the only one whose text it holds. */
static int find_place(rn_importer *im, const json_t *prompt, int64_t place, int64_t line,
                      rn_import_entry **out, rn_err *err)
{
    rn_buf sent = {0};
    put_prompt(prompt, &sent);
    const size_t n = im->opts->problems ? im->map.list.n : 0;
    rn_import_entry *p = place >= 0 && (uint64_t)place < n ? im->map.list.data[place] : NULL;
    int rc = 0;
    if (sent.len == 0 || n == 0) {
        rc = rn_import_place(im, place, line, &p, err);
    } else if (!p || !has_prompt(rn_buf_view(&sent), p)) {
        rn_import_entry *other = NULL;
        size_t found = 0;
        for (size_t i = 0; i < n; i++)
            if (has_prompt(rn_buf_view(&sent), im->map.list.data[i]))
                found++, other = im->map.list.data[i];
        if (found != 1)
            rc = rn_fail_at(err, RN_ENOTFOUND, line, -1,
                            "%s: line %lld: the prompt of place %lld holds the text of %s of set "
                            "'%s'; choose the set with -t, or write rows of task_id and completion",
                            im->path, (long long)line, (long long)place,
                            found ? "several problems" : "no problem", im->opts->set_name);
        p = other;
    }
    rn_buf_free(&sent);
    if (!rc) *out = p;
    return rc;
}

/* "gold" is the id, or has it, where the set has one; results name it themselves. */
static rn_import_entry *named_problem(rn_importer *im, const json_t *v)
{
    const json_t *gold = json_object_get(v, "gold"), *id = json_object_get(v, "task_id");
    if (!id) id = json_is_object(gold) ? json_object_get(gold, "task_id") : gold;
    char number[32];
    snprintf(number, sizeof number, "%lld", (long long)json_integer_value(id));
    if (json_is_integer(id)) return rn_idmap_find(&im->map, rn_bytes_of(number));
    return json_is_string(id)
               ? rn_idmap_find(&im->map, (rn_bytes){json_string_value(id), json_string_length(id)})
               : NULL;
}

/* The first of these fields. */
static const json_t *field_of(const json_t *v, const char *const *names)
{
    const json_t *found = NULL;
    for (; *names && !found; names++)
        found = json_object_get(v, *names);
    return found;
}

/* {origin_prompt, prediction, gold} of predictions, a prediction may be a list of samples;
 * {prompt, completion | origin_prediction | origin, is_correct | correct | passed} of results. */
static int opencompass_problem(rn_importer *im, const json_t *v, int64_t place, int64_t line,
                               rn_err *err)
{
    static const char *const texts[] = {"prediction", "completion", "origin_prediction", "origin",
                                        NULL};
    static const char *const prompts[] = {"origin_prompt", "prompt", NULL};
    static const char *const verdicts[] = {"is_correct", "correct", "passed", NULL};
    rn_import_entry *p = named_problem(im, v);
    const json_t *text = field_of(v, texts), *right = field_of(v, verdicts);
    int rc = p ? 0 : find_place(im, field_of(v, prompts), place, line, &p, err);
    size_t n = json_is_array(text) ? json_array_size(text) : 1;
    for (size_t i = 0; !rc && i < n; i++) {
        const json_t *one = json_is_array(text) ? json_array_get(text, i) : text;
        rn_import_row x =
            rn_import_row_new((rn_bytes){json_string_value(one), json_string_length(one)});
        if (json_is_boolean(right) && n == 1)
            x.verdict = json_is_true(right) ? RN_V_PASSED : RN_V_WRONG;
        rc = json_is_string(one)
                 ? rn_import_sample(im, p, &x, line, err)
                 : fail_at(im, line, RN_EFORMAT, err, p->task_id, "\"prediction\" is not a text");
        if (rc) rc = rn_import_bad(im, rc, err);
    }
    return rc;
}

static int opencompass_entry(rn_importer *im, rn_js *js, rn_bytes key, rn_err *err)
{
    int64_t line;
    int rc;
    char *end;
    int64_t place = strtoll(key.data, &end, 10);
    if (end == key.data || *end) place = -1;
    json_t *v = next_value(im, js, &line, &rc, err);
    if (rc || !v) return rc;
    /* Beside its entries a file of results has words and scores. */
    rc = place < 0 && !json_is_object(v) ? 0 : opencompass_problem(im, v, place, line, err);
    json_decref(v);
    return rc ? rn_import_bad(im, rc, err) : 0;
}

/* Newer results: details in a list, in the order of the set. */
static int opencompass_list(rn_importer *im, rn_js *js, rn_err *err)
{
    bool first = true;
    int rc = rn_js_enter(js, '[', err);
    for (int64_t place = 0; !rc && (rc = rn_js_next(js, ']', &first, err)) > 0; place++) {
        int64_t line;
        json_t *v = next_value(im, js, &line, &rc, err);
        if (rc || !v) continue;
        rc = opencompass_problem(im, v, place, line, err);
        if (rc) rc = rn_import_bad(im, rc, err);
        json_decref(v);
    }
    return rc;
}

static int opencompass_member(rn_importer *im, rn_js *js, rn_err *err)
{
    rn_bytes key;
    int rc = rn_js_key(js, &key, err);
    if (rc) return rc;
    if (!rn_bytes_equal(key, rn_bytes_of("details"))) return opencompass_entry(im, js, key, err);
    bool first = true;
    rc = rn_js_peek(js, err);
    if (rc < 0) return rc;
    if (rc == '[') return opencompass_list(im, js, err);
    rc = rn_js_enter(js, '{', err);
    while (!rc && (rc = rn_js_next(js, '}', &first, err)) > 0) {
        rc = rn_js_key(js, &key, err);
        if (!rc) rc = opencompass_entry(im, js, key, err);
    }
    return rc;
}

int rn_import_opencompass(rn_importer *im, rn_reader *r, rn_err *err)
{
    return each_member(im, r, '{', opencompass_member, err);
}

/* ---- inspect --------------------------------------------------------------------------------- */

/* The verdict of the only scorer: C, or I or N (no answer), 1 or 0. Logs of its first version have
 * one `score`. */
static int inspect_verdict(const json_t *sample)
{
    const json_t *scores = json_object_get(sample, "scores"),
                 *score = json_object_get(sample, "score");
    if (json_object_size(scores) == 1)
        score = json_object_iter_value(json_object_iter((json_t *)(uintptr_t)scores));
    else if (json_object_size(scores) > 1)
        return -1;
    const json_t *v = json_object_get(score, "value");
    const char *word = json_string_value(v);
    bool number = json_is_number(v) || json_is_boolean(v);
    double x = json_is_boolean(v) ? json_is_true(v) : json_number_value(v);
    if ((word && strcmp(word, "C") == 0) || (number && x == 1)) return RN_V_PASSED;
    const bool wrong = word && (strcmp(word, "I") == 0 || strcmp(word, "N") == 0);
    return wrong || (number && x == 0) ? RN_V_WRONG : -1;
}

/* {id, epoch, output: {choices: [{message: {content}, stop_reason}], usage}, scores} */
static int inspect_sample(rn_importer *im, const json_t *v, int64_t line, rn_err *err)
{
    rn_import_entry *p = NULL;
    rn_buf joined = {0};
    rn_bytes text = {0};
    char number[32] = "";
    const json_t *id = json_object_get(v, "id"), *output = json_object_get(v, "output");
    const json_t *choice = json_array_get(json_object_get(output, "choices"), 0);
    const json_t *content = json_object_get(json_object_get(choice, "message"), "content");
    if (json_is_integer(id))
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(id));
    rn_bytes name =
        *number ? rn_bytes_of(number) : (rn_bytes){json_string_value(id), json_string_length(id)};
    if (!content) content = json_object_get(output, "completion");
    static const char kept[] = "attachment://"; /* long texts may be kept apart, by their hash */
    if (json_is_string(content) &&
        strncmp(json_string_value(content), kept, sizeof kept - 1) == 0) {
        const json_t *apart = json_object_get(json_object_get(v, "attachments"),
                                              json_string_value(content) + sizeof kept - 1);
        if (apart) content = apart;
    }
    int rc = rn_import_find(im, name, line, &p, err);
    if (!rc && !rn_import_text(content, &joined, &text))
        rc =
            fail_at(im, line, RN_EFORMAT, err, p->task_id,
                    "a sample without an answer; it failed or was cancelled, run it again or leave "
                    "such samples out with --skip-bad");
    rn_import_row x = rn_import_row_new(text);
    x.verdict = inspect_verdict(v);
    x.finish = rn_import_finish(json_string_value(json_object_get(choice, "stop_reason")));
    const json_t *tok = json_object_get(json_object_get(output, "usage"), "output_tokens");
    if (json_integer_value(tok) > 0) x.gen_tok = json_integer_value(tok);
    if (!rc) rc = rn_import_sample(im, p, &x, line, err);
    rn_buf_free(&joined);
    return rc;
}

static int inspect_member(rn_importer *im, rn_js *js, rn_err *err)
{
    bool is, first = true;
    int rc = only_member(js, "samples", &is, err);
    if (rc || !is) return rc;
    rc = rn_js_enter(js, '[', err);
    while (!rc && (rc = rn_js_next(js, ']', &first, err)) > 0) {
        int64_t line;
        json_t *v = next_value(im, js, &line, &rc, err);
        if (rc || !v) continue;
        rc = inspect_sample(im, v, line, err);
        if (rc) rc = rn_import_bad(im, rc, err);
        json_decref(v);
    }
    return rc;
}

int rn_import_inspect(rn_importer *im, rn_reader *r, rn_err *err)
{
    return each_member(im, r, '{', inspect_member, err);
}
