/*
 * import_lines.c: forms with one JSON object per line: human-eval, evalplus, CodeT, and several
 * runs per row with their own verdicts (jamesmurdza/humaneval-results).
 */
#include "store/import_priv.h"

#include <stdio.h>

static rn_json_at at_line(const rn_importer *im, int64_t line)
{
    return (rn_json_at){im->path, line};
}

/* "task_id" as a string or as the number of a numbered set. */
static int get_problem(rn_importer *im, const json_t *row, int64_t line, rn_import_entry **out,
                       rn_err *err)
{
    const json_t *id = json_object_get(row, "task_id");
    if (json_is_integer(id)) {
        char number[32];
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(id));
        return rn_import_find(im, rn_bytes_of(number), line, out, err);
    }
    rn_bytes text = {0};
    int rc = rn_json_bytes(row, "task_id", at_line(im, line), &text, err);
    return rc ? rc : rn_import_find(im, text, line, out, err);
}

/* Servers and harnesses have several words for the same two ends. */
static const char *finish_of(rn_bytes reason)
{
    static const char *const words[][2] = {{"stop", "stop"},        {"eos", "stop"},
                                           {"eos_token", "stop"},   {"end_turn", "stop"},
                                           {"length", "length"},    {"max_tokens", "length"},
                                           {"max_length", "length"}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (rn_bytes_equal(reason, rn_bytes_of(words[i][0]))) return words[i][1];
    return "";
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

static int completion_row(rn_importer *im, const json_t *row, const char *field, int64_t line,
                          rn_err *err)
{
    rn_json_at at = at_line(im, line);
    rn_import_entry *p = NULL;
    rn_bytes text = {0}, reason = {0};
    int rc = get_problem(im, row, line, &p, err);
    if (!rc) rc = rn_json_bytes(row, field, at, &text, err);
    rn_import_row x = rn_import_row_new(text);
    if (!rc) rc = rn_json_int_opt(row, "generated_tokens", at, &x.gen_tok, err);
    if (!rc) rc = rn_json_int_opt(row, "prompt_tokens", at, &x.prompt_tok, err);
    if (!rc) rc = rn_json_real_opt(row, "logprob", at, &x.logprob, err);
    if (!rc) rc = rn_json_bytes_opt(row, "finish_reason", at, &reason, err);
    if (!rc) rc = verdict_of(row, at, &x, err);
    if (rc) return rc;
    x.finish = finish_of(reason);
    return rn_import_sample(im, p, &x, line, err);
}

/* {prompt, samples}: the samples of one problem in one row. A bad one does not spoil the others. */
static int codet_row(rn_importer *im, const json_t *row, int64_t line, rn_err *err)
{
    rn_json_at at = at_line(im, line);
    rn_bytes prompt = {0};
    json_t *samples = NULL;
    rn_import_entry *p = NULL;
    int rc = rn_json_bytes(row, "prompt", at, &prompt, err);
    if (!rc) rc = rn_json_array(row, "samples", at, &samples, err);
    if (!rc) rc = rn_import_prompts_find(im, prompt, line, &p, err);
    for (size_t i = 0; !rc && i < json_array_size(samples); i++) {
        const json_t *v = json_array_get(samples, i);
        if (json_is_string(v)) {
            rn_import_row x =
                rn_import_row_new((rn_bytes){json_string_value(v), json_string_length(v)});
            rc = rn_import_sample(im, p, &x, line, err);
        } else {
            rc = rn_fail_at(err, RN_EFORMAT, line, -1,
                            "%s: line %lld: sample %zu of %s is not a string", im->path,
                            (long long)line, i, p->task_id);
        }
        if (rc) rc = rn_import_bad(im, rc, err);
    }
    return rc;
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

static int parse_row(rn_importer *im, rn_bytes text, int64_t line, rn_err *err)
{
    json_t *row = NULL;
    int rc = rn_json_parse(text, at_line(im, line), &row, err);
    if (rc) return rc;
    switch (im->format) {
    case RN_IMPORT_EVALPLUS: rc = completion_row(im, row, "solution", line, err); break;
    case RN_IMPORT_CODET: rc = codet_row(im, row, line, err); break;
    case RN_IMPORT_RUNS: rc = runs_row(im, row, line, err); break;
    default: rc = completion_row(im, row, "completion", line, err); break;
    }
    json_decref(row);
    return rc;
}

static bool is_blank(rn_bytes s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] != ' ' && s.data[i] != '\t' && s.data[i] != '\r') return false;
    return true;
}

int rn_import_lines(rn_importer *im, rn_reader *r, rn_err *err)
{
    rn_bytes text;
    for (;;) {
        int rc = rn_reader_line(r, RN_IMPORT_MAX_ROW, &text, err);
        if (rc < 0 && rc != RN_ELIMIT)
            return rn_err_prefix(err, "after line %lld", (long long)rn_reader_line_no(r));
        if (rc <= 0) return rc;
        if (is_blank(text)) continue;
        rc = parse_row(im, text, rn_reader_line_no(r), err);
        if (rc) rc = rn_import_bad(im, rc, err);
        if (rc) return rc;
    }
}
