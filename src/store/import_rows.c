/*
 * import_rows.c: forms with one JSON object per row, one per line or as elements of one array: rows
 * of completions and answers, CodeT, several runs per row, tables, and what LiveCodeBench, lm-eval,
 * batches of servers and MultiPL-E write.
 *
 * A row names its problem and has one or more texts; a bad text does not spoil the others. Fields
 * of a form that hold a list of texts hold several samples.
 */
#include "store/import_priv.h"

#include <strings.h>

static rn_json_at at_line(const rn_importer *im, int64_t line)
{
    return (rn_json_at){im->path, line};
}

static int bad_row(const rn_importer *im, int64_t line, rn_err *err, const char *what)
{
    return rn_fail_at(err, RN_EFORMAT, line, -1, "%s: line %lld: %s", im->path, (long long)line,
                      what);
}

/* ---- what fields say ------------------------------------------------------------------------- */

/* An id as a string or as the number of a numbered set. */
static int find_by(rn_importer *im, const json_t *id, int64_t line, rn_import_entry **out,
                   rn_err *err)
{
    if (json_is_string(id))
        return rn_import_find(im, (rn_bytes){json_string_value(id), json_string_length(id)}, line,
                              out, err);
    if (!json_is_integer(id))
        return bad_row(im, line, err, "the problem's id is neither a string nor a number");
    char number[32];
    snprintf(number, sizeof number, "%lld", (long long)json_integer_value(id));
    return rn_import_find(im, rn_bytes_of(number), line, out, err);
}

static const json_t *first_of(const json_t *row, const char *const *keys)
{
    for (; *keys; keys++) {
        const json_t *v = json_object_get(row, *keys);
        if (v && !json_is_null(v)) return v;
    }
    return NULL;
}

static const char *const id_keys[] = {"task_id", "question_id", "problem_id", "id", NULL};

static int get_problem(rn_importer *im, const json_t *row, int64_t line, rn_import_entry **out,
                       rn_err *err)
{
    const json_t *id = first_of(row, id_keys);
    return id ? find_by(im, id, line, out, err)
              : bad_row(im, line, err, "field \"task_id\" is missing");
}

const char *rn_import_finish(const char *reason)
{
    enum { MAX_LEN = 63 };
    static const char *const words[][2] = {
        {"stop", "stop"},           {"eos", "stop"},
        {"eos_token", "stop"},      {"end_turn", "stop"},
        {"stop_sequence", "stop"},  {"length", "length"},
        {"max_tokens", "length"},   {"max_length", "length"},
        {"model_length", "length"}, {"max_output_tokens", "length"}};
    if (!reason) return "";
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(reason, words[i][0]) == 0) return words[i][1];
    size_t n = strlen(reason);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)reason[i] <= ' ' || reason[i] == 0x7f) return "";
    return n <= MAX_LEN && rn_utf8_valid(rn_bytes_of(reason), NULL) ? reason : "";
}

bool rn_import_text(const json_t *v, rn_buf *joined, rn_bytes *out)
{
    if (json_is_string(v)) {
        *out = (rn_bytes){json_string_value(v), json_string_length(v)};
        return true;
    }
    if (!json_is_array(v)) return false;
    rn_buf_clear(joined);
    for (size_t i = 0; i < json_array_size(v); i++) {
        const json_t *part = json_array_get(v, i);
        if (json_is_object(part)) part = json_object_get(part, "text");
        if (json_is_string(part))
            rn_buf_add(joined, json_string_value(part), json_string_length(part));
    }
    *out = rn_buf_view(joined);
    return true;
}

static int verdict_if(const json_t *v)
{
    if (json_is_boolean(v)) return json_is_true(v) ? RN_V_PASSED : RN_V_WRONG;
    if (!json_is_number(v)) return -1;
    double x = json_number_value(v);
    return x == 1 ? RN_V_PASSED : x == 0 ? RN_V_WRONG : -1;
}

/* -1: none of the words. */
static int status_of(const json_t *v)
{
    static const struct {
        const char *word;
        rn_verdict verdict;
    } words[] = {{"pass", RN_V_PASSED},        {"success", RN_V_PASSED},
                 {"fail", RN_V_WRONG},         {"failed", RN_V_WRONG},
                 {"timeout", RN_V_TIME_LIMIT}, {"timed out", RN_V_TIME_LIMIT}};
    for (size_t i = 0; json_is_string(v) && i < sizeof words / sizeof words[0]; i++)
        if (strcmp(json_string_value(v), words[i].word) == 0) return (int)words[i].verdict;
    return -1;
}

/* With the extra tests a sample passes when it passes both. */
void rn_import_statuses(rn_import_row *x, const json_t *base, const json_t *plus)
{
    x->verdict = status_of(base);
    x->plus_verdict = status_of(plus);
    if (x->plus_verdict == RN_V_PASSED && x->verdict != RN_V_PASSED) x->plus_verdict = x->verdict;
}

/* Rows of evalplus' and BigCodeBench's results. "success" and "failed" may be a request's. */
static void row_statuses(const json_t *row, rn_import_row *x)
{
    static const char *const words[] = {"pass", "fail", "timeout"};
    const json_t *base = json_object_get(row, "base_status");
    const char *word = json_string_value(json_object_get(row, "status"));
    for (size_t i = 0; !base && word && i < sizeof words / sizeof words[0]; i++)
        if (strcmp(word, words[i]) == 0) base = json_object_get(row, "status");
    rn_import_statuses(x, base, json_object_get(row, "plus_status"));
}

/* human-eval's words: "passed", "timed out", "failed: REASON". Ours, where given, say more. */
static int verdict_of(const json_t *row, rn_json_at at, rn_import_row *x, rn_err *err)
{
    rn_bytes result = {0}, ours = {0};
    int rc = rn_json_bytes_opt(row, "result", at, &result, err);
    if (!rc) rc = rn_json_bytes_opt(row, "verdict", at, &ours, err);
    if (rc) return rc;
    for (int v = 0; v < RN_N_VERDICTS && ours.data; v++)
        if (rn_bytes_equal(ours, rn_bytes_of(rn_verdict_name((rn_verdict)v)))) x->verdict = v;
    if (ours.data && x->verdict < 0)
        return rn_fail_at(err, RN_EFORMAT, at.line, -1, "%s: line %lld: no such verdict: '%.60s'",
                          at.path, (long long)at.line, ours.data);
    const json_t *passed = json_object_get(row, "passed");
    if (passed && !json_is_null(passed) && !json_is_boolean(passed))
        return rn_fail_at(err, RN_EFORMAT, at.line, -1,
                          "%s: line %lld: field \"passed\" is neither true nor false", at.path,
                          (long long)at.line);
    static const char failed[] = "failed: ";
    if (rn_bytes_starts(result, failed)) x->detail = result.data + sizeof failed - 1;
    if (x->verdict >= 0 || !json_is_boolean(passed)) return 0;
    bool late = rn_bytes_equal(result, rn_bytes_of("timed out"));
    x->verdict = json_is_true(passed) ? RN_V_PASSED : late ? RN_V_TIME_LIMIT : RN_V_WRONG;
    return 0;
}

/* Each string of a list as a sample; verdicts: a list beside it, or NULL. */
static int put_list(rn_importer *im, rn_import_entry *p, const json_t *list, const json_t *verdicts,
                    int64_t line, rn_err *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < json_array_size(list); i++) {
        const json_t *v = json_array_get(list, i);
        rn_import_row x =
            rn_import_row_new((rn_bytes){json_string_value(v), json_string_length(v)});
        x.verdict = verdict_if(json_array_get(verdicts, i));
        rc = json_is_string(v) ? rn_import_sample(im, p, &x, line, err)
                               : rn_fail_at(err, RN_EFORMAT, line, -1,
                                            "%s: line %lld: sample %zu of %s is not a string",
                                            im->path, (long long)line, i, p->task_id);
        if (rc) rc = rn_import_bad(im, rc, err);
    }
    return rc;
}

/* ---- rows of texts --------------------------------------------------------------------------- */

/* The fields that hold the text, by form; detection knows the same names. */
static const char *const *text_keys(rn_import_format f)
{
    static const char *const completion[] = {"completion", "completions", NULL};
    static const char *const solution[] = {"solution", "solutions", NULL};
    static const char *const generation[] = {"generation", "generations", NULL};
    static const char *const response[] = {"response", "responses",  "output",      "outputs",
                                           "answer",   "prediction", "predictions", NULL};
    switch (f) {
    case RN_IMPORT_EVALPLUS: return solution;
    case RN_IMPORT_GENERATION: return generation;
    case RN_IMPORT_RESPONSE: return response;
    default: return completion;
    }
}

/* A count, as pandas writes it beside rows that have none: 12.0. */
static int count_of(const json_t *row, const char *key, rn_json_at at, int64_t *out, rn_err *err)
{
    const json_t *v = json_object_get(row, key);
    double x = json_number_value(v);
    if (!json_is_real(v) || x != floor(x) || x < 0 || x > INT32_MAX)
        return rn_json_int_opt(row, key, at, out, err);
    *out = (int64_t)x;
    return 0;
}

static int text_row(rn_importer *im, const json_t *row, int64_t line, rn_err *err)
{
    rn_json_at at = at_line(im, line);
    rn_import_entry *p = NULL;
    rn_bytes reason = {0};
    const char *const *keys = text_keys(im->format), *key = NULL, *other = NULL;
    for (const char *const *k = keys; *k; k++) {
        const json_t *v = json_object_get(row, *k);
        if (v && !json_is_null(v)) *(key ? &other : &key) = *k;
    }
    int rc = get_problem(im, row, line, &p, err);
    if (rc) return rc;
    if (other)
        return rn_fail_at(err, RN_EFORMAT, line, -1,
                          "%s: line %lld: \"%s\" and \"%s\" may both be the answer; leave out the "
                          "one that is not",
                          im->path, (long long)line, key, other);
    const json_t *text = key ? json_object_get(row, key) : NULL;
    if (json_is_array(text)) return put_list(im, p, text, NULL, line, err);
    if (!json_is_string(text))
        return rn_fail_at(err, RN_EFORMAT, line, -1, "%s: line %lld: field \"%s\" is %s", im->path,
                          (long long)line, key ? key : keys[0],
                          text                            ? "neither a string nor a list of strings"
                          : json_object_get(row, keys[0]) ? "null; an answer that is empty is \"\""
                                                          : "missing");
    rn_import_row x =
        rn_import_row_new((rn_bytes){json_string_value(text), json_string_length(text)});
    rc = count_of(row, "generated_tokens", at, &x.gen_tok, err);
    if (!rc) rc = count_of(row, "prompt_tokens", at, &x.prompt_tok, err);
    if (!rc) rc = rn_json_real_opt(row, "logprob", at, &x.logprob, err);
    if (!rc) rc = rn_json_bytes_opt(row, "finish_reason", at, &reason, err);
    if (!rc) rc = verdict_of(row, at, &x, err);
    if (rc) return rc;
    if (x.logprob > 1e-3) /* more than by rounding */
        return bad_row(im, line, err,
                       "field \"logprob\" is above 0; it is the sum of the logarithms of "
                       "probabilities, which are below 0");
    if (x.prompt_tok == 0) x.prompt_tok = -1; /* nobody counted: the end is a token, too */
    if (x.gen_tok == 0) x.gen_tok = -1;
    if (x.verdict < 0 && im->format == RN_IMPORT_EVALPLUS) row_statuses(row, &x);
    x.finish = rn_import_finish(reason.data);
    return rn_import_sample(im, p, &x, line, err);
}

/* {prompt, samples}: the samples of one problem in one row. */
static int codet_row(rn_importer *im, const json_t *row, int64_t line, rn_err *err)
{
    rn_json_at at = at_line(im, line);
    rn_bytes prompt = {0};
    json_t *samples = NULL;
    rn_import_entry *p = NULL;
    int rc = rn_json_bytes(row, "prompt", at, &prompt, err);
    if (!rc) rc = rn_json_array(row, "samples", at, &samples, err);
    if (!rc) rc = rn_import_prompts_find(im, prompt, line, &p, err);
    return rc ? rc : put_list(im, p, samples, NULL, line, err);
}

static int one_run(rn_importer *im, const json_t *v, rn_import_entry *p, int64_t line, rn_err *err)
{
    rn_json_at at = at_line(im, line);
    rn_bytes code = {0}, result = {0};
    double seconds = -1;
    int rc = rn_json_bytes(v, "code", at, &code, err);
    if (!rc) rc = rn_json_bytes_opt(v, "result", at, &result, err);
    if (!rc) rc = rn_json_real_opt(v, "seconds", at, &seconds, err);
    if (rc) return rc;
    rn_import_row x = rn_import_row_new(code);
    if (result.data)
        x.verdict = rn_bytes_equal(result, rn_bytes_of("Pass")) ? RN_V_PASSED : RN_V_WRONG;
    if (seconds >= 0 && seconds < 1e9) x.wall_ns = (int64_t)(seconds * 1e9 + 0.5);
    return rn_import_sample(im, p, &x, line, err);
}

/* {task_id, total, runs: [{result, seconds, code}]} */
static int runs_row(rn_importer *im, const json_t *row, int64_t line, rn_err *err)
{
    rn_import_entry *p = NULL;
    json_t *runs = NULL;
    int64_t total = -1;
    int rc = get_problem(im, row, line, &p, err);
    if (!rc) rc = rn_json_array(row, "runs", at_line(im, line), &runs, err);
    if (!rc) rc = rn_json_int_opt(row, "total", at_line(im, line), &total, err);
    if (rc) return rc;
    if (total >= 0 && (int64_t)json_array_size(runs) != total)
        return rn_fail_at(err, RN_EFORMAT, line, -1,
                          "%s: line %lld: %s declares a total of %lld and has %zu runs", im->path,
                          (long long)line, p->task_id, (long long)total, json_array_size(runs));
    for (size_t i = 0; !rc && i < json_array_size(runs); i++) {
        rc = one_run(im, json_array_get(runs, i), p, line, err);
        if (rc) rc = rn_import_bad(im, rc, err);
    }
    return rc;
}

/* ---- harnesses and servers ------------------------------------------------------------------- */

/* {question_id, code_list, graded_list}: programs that LiveCodeBench extracted, with its verdicts.
 * "output_list" has the answers that they came from. */
static int livecodebench_row(rn_importer *im, const json_t *row, int64_t line, rn_err *err)
{
    rn_import_entry *p = NULL;
    json_t *codes = NULL;
    int rc = get_problem(im, row, line, &p, err);
    if (!rc) rc = rn_json_array(row, "code_list", at_line(im, line), &codes, err);
    if (rc) return rc;
    const json_t *graded = json_object_get(row, "graded_list");
    if (graded && json_array_size(graded) != json_array_size(codes))
        return bad_row(im, line, err, "\"graded_list\" and \"code_list\" differ in length");
    return put_list(im, p, codes, graded, line, err);
}

/* {doc_id, doc, resps: [[text, ...]], filter, pass@1}: the raw answers of one problem. With several
 * filters each problem has a row per filter with the same answers: one filter's are read. */
static int lm_eval_row(rn_importer *im, const json_t *row, int64_t line, rn_err *err)
{
    static const char *const doc_ids[] = {"task_id", "question_id", "problem_id",
                                          "id",      "name",        NULL};
    const char *filter = json_string_value(json_object_get(row, "filter"));
    if (filter && !*im->filter) snprintf(im->filter, sizeof im->filter, "%s", filter);
    if (filter && strncmp(filter, im->filter, sizeof im->filter - 1) != 0) return 0;
    const json_t *id = first_of(json_object_get(row, "doc"), doc_ids);
    const json_t *place = json_object_get(row, "doc_id"), *resps = json_object_get(row, "resps");
    rn_import_entry *p = NULL;
    int rc = id ? find_by(im, id, line, &p, err)
             : json_is_integer(place)
                 ? rn_import_place(im, json_integer_value(place), line, &p, err)
                 : bad_row(im, line, err, "its \"doc\" has no id");
    if (rc) return rc;
    if (!json_is_array(resps)) return bad_row(im, line, err, "\"resps\" is not a list");
    static const char *const scores[] = {"pass@1", "pass_at_1", NULL};
    const json_t *score = first_of(row, scores);
    for (size_t i = 0; !rc && i < json_array_size(resps); i++) {
        const json_t *list = json_array_get(resps, i);
        const bool flat = !json_is_array(list);
        if (flat) list = resps;
        json_t *verdicts = json_array(); /* it is 0 or 1 of all or says nothing of any */
        for (size_t k = 0; score && k < json_array_size(list); k++)
            json_array_append(verdicts, (json_t *)(uintptr_t)score);
        rc = put_list(im, p, list, verdicts, line, err);
        json_decref(verdicts);
        if (flat) break;
    }
    return rc;
}

/* "T/0#3", "T/0-3", "T/0_3": the id before a sample's number, where only that is known. */
static int find_custom(rn_importer *im, const json_t *v, int64_t line, rn_import_entry **out,
                       rn_err *err)
{
    const char *id = json_string_value(v);
    size_t n = id ? strlen(id) : 0;
    if (n && im->opts->problems && !rn_idmap_find(&im->map, rn_bytes_of(id))) {
        size_t digits = n;
        while (digits > 0 && id[digits - 1] >= '0' && id[digits - 1] <= '9')
            digits--;
        bool numbered = digits > 1 && digits < n && strchr("#-_:@.", id[digits - 1]);
        rn_import_entry *e = numbered ? rn_idmap_find(&im->map, (rn_bytes){id, digits - 1}) : NULL;
        if (e) {
            *out = e;
            return 0;
        }
    }
    return find_by(im, v, line, out, err);
}

/* Why a request of a batch has no answer: what its server said, or how it ended. */
static const char *no_answer(const json_t *row)
{
    const json_t *response = json_object_get(row, "response");
    const json_t *body = json_object_get(response, "body"),
                 *result = json_object_get(row, "result");
    const json_t *places[] = {row, body, result, response};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        const json_t *e = json_object_get(places[i], "error");
        if (json_is_object(json_object_get(e, "error"))) e = json_object_get(e, "error");
        const char *said = json_string_value(json_object_get(e, "message"));
        if (!said) said = json_string_value(json_object_get(e, "code"));
        if (!said) said = json_string_value(e);
        if (said && *said) return said;
    }
    const char *blocked = json_string_value(
        json_object_get(json_object_get(response, "promptFeedback"), "blockReason"));
    return blocked ? blocked : json_string_value(json_object_get(result, "type"));
}

static int put_choice(rn_importer *im, rn_import_entry *p, const json_t *choice, int64_t gen_tok,
                      int64_t line, rn_err *err)
{
    rn_buf joined = {0};
    rn_bytes text;
    const json_t *message = json_object_get(choice, "message");
    const json_t *v = json_object_get(message, "content");
    if (!v) v = json_object_get(choice, "text");
    if (!v) v = json_object_get(choice, "content");
    bool ok = rn_import_text(v, &joined, &text);
    rn_import_row x = rn_import_row_new(text);
    const char *reason = json_string_value(json_object_get(choice, "finish_reason"));
    if (!reason) reason = json_string_value(json_object_get(choice, "stop_reason"));
    x.finish = rn_import_finish(reason);
    if (gen_tok > 0) x.gen_tok = gen_tok;
    /* An answer without a text, e.g. a refusal, is a sample that fails. */
    if (!ok && json_is_null(v)) x.text = (rn_bytes){"", 0};
    int rc = ok || json_is_null(v) ? rn_import_sample(im, p, &x, line, err)
                                   : bad_row(im, line, err, "an answer without a text");
    rn_buf_free(&joined);
    return rc;
}

/* Gemini's candidate: {content: {parts: [{text, thought}]}, finishReason}. */
static int put_candidate(rn_importer *im, rn_import_entry *p, const json_t *v, int64_t gen_tok,
                         int64_t line, rn_err *err)
{
    rn_buf text = {0};
    const json_t *parts = json_object_get(json_object_get(v, "content"), "parts");
    const char *reason = json_string_value(json_object_get(v, "finishReason"));
    rn_buf_puts(&text, "");
    for (size_t i = 0; i < json_array_size(parts); i++) {
        const json_t *part = json_array_get(parts, i), *s = json_object_get(part, "text");
        if (json_is_true(json_object_get(part, "thought"))) continue;
        rn_buf_add(&text, json_string_value(s), json_string_length(s));
    }
    rn_import_row x = rn_import_row_new(rn_buf_view(&text));
    x.finish = rn_import_finish(reason);
    if (gen_tok > 0) x.gen_tok = gen_tok;
    int rc = rn_buf_ok(&text) ? rn_import_sample(im, p, &x, line, err)
                              : rn_fail(err, RN_ENOMEM, "%s: out of memory", im->path);
    rn_buf_free(&text);
    return rc;
}

static int put_candidates(rn_importer *im, rn_import_entry *p, const json_t *response, int64_t line,
                          rn_err *err)
{
    const json_t *list = json_object_get(response, "candidates");
    const json_t *usage = json_object_get(response, "usageMetadata");
    int64_t gen_tok = json_integer_value(json_object_get(usage, "candidatesTokenCount")) +
                      json_integer_value(json_object_get(usage, "thoughtsTokenCount"));
    int rc = 0;
    for (size_t i = 0; !rc && i < json_array_size(list); i++) {
        int64_t own = json_array_size(list) == 1 ? gen_tok : -1;
        rc = put_candidate(im, p, json_array_get(list, i), own, line, err);
        if (rc) rc = rn_import_bad(im, rc, err);
    }
    return rc;
}

/* What OpenAI's Responses give: one answer, whose message, in one or more parts, stands among other
 * items, or is not there where the reasoning took all tokens. */
static int put_output(rn_importer *im, rn_import_entry *p, const json_t *body, int64_t gen_tok,
                      int64_t line, rn_err *err)
{
    const json_t *output = json_object_get(body, "output");
    rn_buf text = {0}, joined = {0};
    rn_buf_puts(&text, "");
    for (size_t i = 0; i < json_array_size(output); i++) {
        const json_t *item = json_array_get(output, i), *content = json_object_get(item, "content");
        const char *type = json_string_value(json_object_get(item, "type"));
        rn_bytes part = {0};
        if ((!type || strcmp(type, "message") == 0) && rn_import_text(content, &joined, &part))
            rn_buf_add(&text, part.data, part.len);
    }
    rn_import_row x = rn_import_row_new(rn_buf_view(&text));
    const char *status = json_string_value(json_object_get(body, "status"));
    const char *why =
        json_string_value(json_object_get(json_object_get(body, "incomplete_details"), "reason"));
    if (!why && status && strcmp(status, "completed") == 0) why = "stop";
    x.finish = rn_import_finish(why);
    if (gen_tok > 0) x.gen_tok = gen_tok;
    int rc = rn_buf_ok(&text) ? rn_import_sample(im, p, &x, line, err) : rn_nomem(err, im->path);
    rn_buf_free(&text);
    rn_buf_free(&joined);
    return rc;
}

/* {custom_id, response: {status_code, body: {choices, usage}}, error}: an OpenAI batch; with
 * {custom_id, result: {type, message}} Anthropic's, with {key, response: {candidates}} Gemini's. */
static int batch_row(rn_importer *im, const json_t *row, int64_t line, rn_err *err)
{
    static const char *const names[] = {"custom_id", "key", NULL};
    rn_import_entry *p = NULL;
    int rc = find_custom(im, first_of(row, names), line, &p, err);
    if (rc) return rc;
    const json_t *response = json_object_get(row, "response"), *body;
    if (json_array_size(json_object_get(response, "candidates")))
        return put_candidates(im, p, response, line, err);
    const json_t *status = json_object_get(response, "status_code");
    const json_t *message = json_object_get(json_object_get(row, "result"), "message");
    body = json_object_get(response, "body");
    if (!body) body = response;
    const json_t *choices = json_object_get(body, "choices"),
                 *output = json_object_get(body, "output");
    const json_t *usage = json_object_get(message ? message : body, "usage");
    const json_t *tok =
        json_object_get(usage, message || output ? "output_tokens" : "completion_tokens");
    int64_t gen_tok = json_integer_value(tok);
    if (message) return put_choice(im, p, message, gen_tok, line, err);
    if ((json_is_integer(status) && json_integer_value(status) != 200) ||
        !(json_array_size(choices) || json_array_size(output))) {
        const char *said = no_answer(row);
        char code[32] = "";
        if (json_is_integer(status))
            snprintf(code, sizeof code, " (status %lld)", (long long)json_integer_value(status));
        return rn_fail_at(err, RN_EFORMAT, line, -1,
                          "%s: line %lld: %s has no answer%s%s%.200s; send it again, or leave such "
                          "rows out with --skip-bad",
                          im->path, (long long)line, p->task_id, code, said ? ": " : "",
                          said ? said : "");
    }
    for (size_t i = 0; !rc && i < json_array_size(choices); i++) {
        int64_t own = json_array_size(choices) == 1 ? gen_tok : -1;
        rc = put_choice(im, p, json_array_get(choices, i), own, line, err);
        if (rc) rc = rn_import_bad(im, rc, err);
    }
    return rc || json_array_size(choices) ? rc : put_output(im, p, body, gen_tok, line, err);
}

/* "HumanEval_0_add" is HumanEval/0 where the set has no id like the first. */
static int find_name(rn_importer *im, const json_t *v, int64_t line, rn_import_entry **out,
                     rn_err *err)
{
    const char *name = json_string_value(v);
    int first = 0, last = 0;
    char id[256];
    if (name && im->opts->problems && !rn_idmap_find(&im->map, rn_bytes_of(name)) &&
        sscanf(name, "%*[^_]%n_%*d%n", &first, &last) == 0 && last > first && last < 250) {
        snprintf(id, sizeof id, "%.*s/%.*s", first, name, last - first - 1, name + first + 1);
        *out = rn_idmap_find(&im->map, rn_bytes_of(id));
        if (*out) return 0;
    }
    return find_by(im, v, line, out, err);
}

/* A program as it was run, without the tests at its end. They are known by how they begin: towards
 * their end our own differ (load_langs.c marks it). */
static rn_bytes without_tests(rn_bytes program, const char *tests)
{
    enum { HEAD = 48 };
    while (tests && (*tests == '\n' || *tests == ' '))
        tests++;
    const size_t n = tests ? strlen(tests) : 0, head = n < HEAD ? n : HEAD;
    for (size_t at = program.len; head && at-- > 0;) {
        const size_t left = program.len - at;
        size_t same = 0;
        while (same < left && same < n && program.data[at + same] == tests[same])
            same++;
        if (same >= head && 2 * same >= n) return (rn_bytes){program.data, at};
    }
    return program;
}

static int multipl_e_row(rn_importer *im, const json_t *row, int64_t line, rn_err *err)
{
    static const struct {
        const char *word;
        rn_verdict verdict;
    } words[] = {{"OK", RN_V_PASSED},
                 {"SyntaxError", RN_V_SYNTAX},
                 {"Timeout", RN_V_TIME_LIMIT},
                 {"Exception", RN_V_EXCEPTION}};
    rn_json_at at = at_line(im, line);
    rn_import_entry *p = NULL;
    json_t *list = NULL;
    bool results = im->format == RN_IMPORT_MULTIPL_E_RESULTS;
    int rc = find_name(im, json_object_get(row, "name"), line, &p, err);
    if (!rc) rc = rn_json_array(row, results ? "results" : "completions", at, &list, err);
    if (rc || !results) return rc ? rc : put_list(im, p, list, NULL, line, err);
    for (size_t i = 0; !rc && i < json_array_size(list); i++) {
        const json_t *v = json_array_get(list, i);
        rn_bytes program = {0}, status = {0};
        rc = rn_json_bytes(v, "program", at, &program, err);
        if (!rc) rc = rn_json_bytes_opt(v, "status", at, &status, err);
        rn_import_row x = rn_import_row_new(without_tests(program, p->tests));
        if (status.data) x.verdict = RN_V_WRONG;
        for (size_t k = 0; status.data && k < sizeof words / sizeof words[0]; k++)
            if (strcmp(status.data, words[k].word) == 0) x.verdict = (int)words[k].verdict;
        if (!rc) rc = rn_import_sample(im, p, &x, line, err);
        if (rc) rc = rn_import_bad(im, rc, err);
    }
    return rc;
}

/* ---- tables as rows -------------------------------------------------------------------------- */

static int count_row(rn_importer *im, const json_t *row, int64_t line, rn_err *err)
{
    rn_json_at at = at_line(im, line);
    int64_t n = 0, c = 0;
    rn_bytes id = {0};
    int rc = rn_json_bytes(row, "task_id", at, &id, err);
    if (!rc) rc = rn_json_int(row, "n", at, &n, err);
    if (!rc) rc = rn_json_int(row, "c", at, &c, err);
    return rc ? rc : rn_import_count(im, id, n, c, line, err);
}

static int curve_row(rn_importer *im, const json_t *row, int64_t line, rn_err *err)
{
    rn_json_at at = at_line(im, line);
    int64_t k = 0;
    double value = -1;
    int rc = rn_json_int(row, "k", at, &k, err);
    if (!rc) rc = rn_json_real_opt(row, "pass@k", at, &value, err);
    return rc ? rc : rn_import_point(im, k, value, line, err);
}

/* ---- rows of a file -------------------------------------------------------------------------- */

static int (*const rows[RN_N_IMPORT_FORMATS])(rn_importer *im, const json_t *row, int64_t line,
                                              rn_err *err) = {
    [RN_IMPORT_CODET] = codet_row,
    [RN_IMPORT_RUNS] = runs_row,
    [RN_IMPORT_LIVECODEBENCH] = livecodebench_row,
    [RN_IMPORT_LM_EVAL] = lm_eval_row,
    [RN_IMPORT_OPENAI_BATCH] = batch_row,
    [RN_IMPORT_MULTIPL_E] = multipl_e_row,
    [RN_IMPORT_MULTIPL_E_RESULTS] = multipl_e_row,
    [RN_IMPORT_COUNTS] = count_row,
    [RN_IMPORT_CURVE] = curve_row,
};

static int parse_row(rn_importer *im, rn_bytes text, int64_t line, rn_err *err)
{
    json_t *row = NULL;
    int rc = rn_import_parse(im, text, line, &row, err);
    if (!rc && !json_is_object(row)) rc = bad_row(im, line, err, "a row must be an object");
    if (!rc) rc = (rows[im->format] ? rows[im->format] : text_row)(im, row, line, err);
    json_decref(row);
    return rc ? rn_import_bad(im, rc, err) : 0;
}

static bool is_blank(rn_bytes s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] != ' ' && s.data[i] != '\t' && s.data[i] != '\r') return false;
    return true;
}

/* An object whose first line ends within it stands on several lines, and so do those after it. */
static bool is_spread(rn_bytes s)
{
    while (s.len && strchr(" \t\r", s.data[s.len - 1]))
        s.len--;
    return s.len && strchr("{[,:", s.data[s.len - 1]);
}

static int each_line(rn_importer *im, rn_js *js, rn_err *err)
{
    for (;;) {
        rn_bytes text;
        int64_t line;
        int rc = rn_js_row(js, RN_IMPORT_MAX_ROW, &text, &line, err);
        if (rc < 0 && rc != RN_ELIMIT)
            return rn_err_prefix(err, "after line %lld", (long long)rn_js_line(js) - 1);
        if (rc == 0) return 0;
        if (rc == RN_ELIMIT)
            rc = rn_import_bad(im, rc, err);
        else
            rc = is_blank(text) ? 0 : parse_row(im, text, line, err);
        if (rc) return rc;
    }
}

/* Values one after the other, wherever their lines end. */
static int each_value(rn_importer *im, rn_js *js, rn_err *err)
{
    for (;;) {
        rn_bytes text;
        int64_t line;
        int rc = rn_js_peek(js, err);
        if (rc > 0)
            rc = rn_js_value(js, RN_IMPORT_MAX_ROW, &text, &line, err);
        else
            return rc;
        if (!rc) rc = parse_row(im, text, line, err);
        if (rc) return rc;
    }
}

static int each_element(rn_importer *im, rn_js *js, rn_err *err)
{
    bool first = true;
    int rc = rn_js_enter(js, '[', err);
    while (!rc && (rc = rn_js_next(js, ']', &first, err)) > 0) {
        rn_bytes text;
        int64_t line;
        rc = rn_js_value(js, RN_IMPORT_MAX_ROW, &text, &line, err);
        if (!rc) rc = parse_row(im, text, line, err);
    }
    return rc ? rc : rn_js_end(js, err);
}

int rn_import_rows(rn_importer *im, rn_reader *r, rn_err *err)
{
    rn_js *js = NULL;
    int rc = rn_js_new(r, &js, err);
    if (!rc) rc = rn_js_peek(js, err);
    bool table = im->format == RN_IMPORT_COUNTS || im->format == RN_IMPORT_CURVE;
    if (rc == '[')
        rc = each_element(im, js, err);
    else if (rc > 0 && rc != '{' && table)
        rc = rn_import_csv(im, js, err);
    else if (rc > 0)
        rc = is_spread(rn_js_seen(js)) ? each_value(im, js, err) : each_line(im, js, err);
    rn_js_free(js);
    return rc;
}
