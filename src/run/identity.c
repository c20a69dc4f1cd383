/* identity.c: see identity.h. */
#include "run/identity.h"

#include "base/jout.h"
#include "base/json.h"
#include "judge/judge.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

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
        rn_jout_key(out, "cpu");
        rn_buf_putc(out, '{');
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

/* Versions of what judges, which a verdict may be older than. */
static bool is_version(const char *key)
{
    static const char *const keys[] = {"ration", "version", "source", "judge"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (strcmp(key, keys[i]) == 0) return true;
    return false;
}

/* "auto/1" and "auto/2" are versions of one extractor. */
static bool same_family(const json_t *a, const json_t *b)
{
    const char *x = json_string_value(a), *y = json_string_value(b);
    if (!x || !y) return a == b;
    size_t n = strcspn(x, "/");
    return n == strcspn(y, "/") && strncmp(x, y, n) == 0;
}

static double mib_of(const json_t *v)
{
    const json_t *bytes = json_object_get(v, "memory_bytes");
    if (bytes && json_number_value(bytes) > 0) return json_number_value(bytes) / 1048576;
    const json_t *mib = json_object_get(v, "memory_mib");
    return mib ? json_number_value(mib) : MEMORY_MIB;
}

static bool same_value(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b)) return json_number_value(a) == json_number_value(b);
    return json_equal(a, b);
}

/* What 0.1.0's solve wrote differently, or left out: its defaults are those of `now`. */
static bool by_old_solve(const json_t *was)
{
    return json_object_get(was, "memory_bytes") != NULL;
}

static bool stands_for(json_t *was, json_t *now)
{
    const bool old = by_old_solve(was);
    const char *key;
    json_t *v;
    if (!same_family(json_object_get(was, "extractor"), json_object_get(now, "extractor")) ||
        mib_of(was) != mib_of(now))
        return false;
    json_object_foreach(now, key, v)
    {
        const json_t *u = json_object_get(was, key);
        if (is_version(key) || strcmp(key, "extractor") == 0 || strcmp(key, "memory_mib") == 0)
            continue;
        if (!u && old && strcmp(key, "all_tests") != 0 && strcmp(key, "venv") != 0) continue;
        if (!u || !same_value(u, v)) return false;
    }
    json_object_foreach(was, key, v)
    {
        bool zero = json_is_number(v) && json_number_value(v) == 0;
        if (is_version(key) || json_object_get(now, key) || strcmp(key, "memory_bytes") == 0)
            continue;
        if (!(old && (zero || json_is_null(v)))) return false;
    }
    return true;
}

bool rn_protocol_stands_for(const char *was, const char *now)
{
    json_t *a = json_loads(was, 0, NULL), *b = json_loads(now, 0, NULL);
    bool yes = json_is_object(a) && json_is_object(b) && stands_for(a, b);
    json_decref(a);
    json_decref(b);
    return yes;
}

/* ---- runs ------------------------------------------------------------------------------------ */

static void put_stop(rn_buf *out, const char *const *stop)
{
    rn_jout_key(out, "stop");
    rn_buf_putc(out, '[');
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
