/* identity.c: see identity.h. */
#include "run/identity.h"

#include "base/jout.h"
#include "judge/job.h"

/* A real number with as many digits as it needs: an identity is exact. */
static void put_exact(rn_buf *out, const char *name, double v)
{
    char s[40];
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(s, sizeof s, "%.*g", digits, v);
        if (strtod(s, NULL) == v) break;
    }
    rn_jout_raw(out, name, s);
}

static void put_text(rn_buf *out, const char *name, const char *s)
{
    if (s) rn_jout_text(out, name, s);
}

/* ---- protocols ------------------------------------------------------------------------------- */

enum { MEMORY_MIB = 4096, OUTPUT_KIB = 1024, PROCESSES = 64 };

void rn_protocol_write(const rn_protocol *p, rn_buf *out)
{
    assert(p->extractor && p->sandbox);
    rn_buf_putc(out, '{');
    rn_jout_text(out, "extractor", p->extractor);
    if (p->calibrate > 0) {
        rn_jout_open(out, "cpu", "{");
        put_exact(out, "times_reference", p->calibrate);
        put_exact(out, "floor_s", p->floor_s);
        rn_buf_putc(out, '}');
    } else {
        put_exact(out, "cpu_s", p->cpu_s);
    }
    put_text(out, "command", p->command);
    put_text(out, "folder_sha256", p->folder_sha);
    if (!p->command) rn_jout_text(out, "per", p->script ? "program" : "case");
    if (p->wall_s > 0) put_exact(out, "wall_s", p->wall_s);
    rn_jout_whole(out, "memory_mib", p->memory_bytes ? p->memory_bytes >> 20 : MEMORY_MIB);
    if (!p->command) /* a command's output has a limit of its own */
        rn_jout_whole(out, "output_kib", p->output_bytes ? p->output_bytes >> 10 : OUTPUT_KIB);
    rn_jout_whole(out, "processes", p->processes ? p->processes : PROCESSES);
    if (!p->script && !p->command) rn_jout_text(out, "compare", p->compare);
    put_text(out, "tests", p->tests);
    if (p->all_tests) rn_jout_boolean(out, "all_tests", true);
    if (p->uncalibrated) rn_jout_boolean(out, "calibrated", false);
    put_text(out, "venv", p->venv);
    put_text(out, "python", p->python);
    rn_jout_text(out, "sandbox", p->sandbox);
    rn_jout_whole(out, "judge", RN_JUDGE_RULES);
    rn_jout_text(out, "ration", rn_version());
    rn_buf_putc(out, '}');
}

/* ---- runs ------------------------------------------------------------------------------------ */

static void put_stop(rn_buf *out, const char *const *stop)
{
    rn_jout_open(out, "stop", "[");
    for (size_t i = 0; stop && stop[i]; i++) {
        rn_jout_item(out);
        rn_buf_json(out, rn_bytes_of(stop[i]));
    }
    rn_buf_putc(out, ']');
}

/* What the server takes of the settings, in place of what was asked for. */
static void describe_terms(const rn_run_identity *r, rn_buf *out)
{
    json_t *v = rn_buf_ok(out) ? json_loads(out->data, 0, NULL) : NULL;
    if (v) rn_remote_describe(r->remote, r->sampling, v);
    char *text = v ? json_dumps(v, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    rn_buf_clear(out);
    if (text) rn_buf_puts(out, text);
    out->failed |= !text;
    free(text);
    json_decref(v);
}

void rn_run_identity_write(const rn_run_identity *r, rn_buf *out)
{
    const rn_sampling *s = r->sampling;
    assert(r->source && (r->prompts_sha || r->prompt_sha));
    rn_buf_putc(out, '{');
    rn_jout_text(out, "source", r->source);
    rn_jout_text(out, "version", rn_version());
    put_text(out, "until", r->until);
    put_exact(out, "temperature", s->temperature);
    rn_jout_whole(out, "max_tokens", s->max_tok);
    if (!r->greedy) {
        put_exact(out, "top_p", s->top_p);
        if (!r->of_server) rn_jout_whole(out, "top_k", s->top_k);
        if (!r->of_server) put_exact(out, "min_p", s->min_p);
        rn_jout_whole(out, "seed", (int64_t)s->seed);
    }
    put_text(out, "asked", r->asked);
    put_text(out, "prompt_sha256", r->prompt_sha);
    put_text(out, "prompts_sha256", r->prompts_sha);
    if (r->infill) rn_jout_boolean(out, "infill", true);
    put_text(out, "chat", r->chat);
    if (r->chat) put_stop(out, s->stop);
    if (r->system.len) {
        rn_jout_key(out, "system");
        rn_buf_json(out, r->system);
    }
    put_text(out, "kv", r->kv);
    put_text(out, "kernels", r->kernels);
    if (r->body) rn_jout_raw(out, "body", r->body);
    if (r->remote) {
        rn_jout_text(out, "server", rn_remote_url(r->remote));
        rn_jout_text(out, "server_model", rn_remote_model(r->remote));
        rn_jout_text(out, "api", rn_remote_api_name(rn_remote_api_of(r->remote)));
    }
    rn_buf_putc(out, '}');
    if (r->remote) describe_terms(r, out);
}

/* ---- rankers --------------------------------------------------------------------------------- */

void rn_ranker_identity_write(const rn_ranker_identity *r, rn_buf *out)
{
    assert(r->by);
    rn_buf_putc(out, '{');
    rn_jout_text(out, "by", r->by);
    rn_jout_text(out, "version", rn_version());
    put_text(out, "model_sha256", r->model_sha);
    put_text(out, "kernels", r->kernels);
    put_text(out, "kv", r->kv);
    put_text(out, "server", r->server);
    put_text(out, "server_model", r->server_model);
    put_text(out, "scoring", r->scoring);
    if (r->body) rn_jout_raw(out, "body", r->body);
    put_text(out, "template", r->template);
    put_text(out, "template_sha256", r->template_sha);
    put_text(out, "generator", r->generator);
    put_text(out, "agree", r->agree);
    put_text(out, "examples", r->examples);
    put_text(out, "python", r->python);
    put_text(out, "extractor", r->extractor);
    if (r->reader) rn_jout_whole(out, "reader", r->reader);
    if (r->n_inputs) {
        rn_jout_key(out, "inputs");
        if (r->n_inputs > 1) rn_buf_putc(out, '[');
        for (int i = 0; i < r->n_inputs; i++)
            rn_buf_printf(out, "%s%lld", i ? "," : "", (long long)r->inputs[i]);
        if (r->n_inputs > 1) rn_buf_putc(out, ']');
        rn_jout_whole(out, "seed", r->seed);
        rn_jout_whole(out, "memory_mib", r->memory_mib);
        put_exact(out, "cpu_s", r->cpu_s);
    }
    rn_buf_putc(out, '}');
}
