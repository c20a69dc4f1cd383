/* opened.c: see opened.h. */
#include "run/opened.h"

#include "base/jout.h"
#include "base/clock.h"

#include <unistd.h>

enum { MAX_SECONDS = 86400, MAX_RETRIES = 1000 };

/* ---- a source -------------------------------------------------------------------------------- */

static const char *const kv_names[RN_N_KV_TYPES] = {
    [RN_KV_F16] = "f16", [RN_KV_F32] = "f32", [RN_KV_Q8] = "q8", [RN_KV_Q4] = "q4"};

const char *rn_kv_name(rn_kv_type kv)
{
    return kv_names[kv];
}

int rn_parse_kv(const char *text, rn_kv_type *out, rn_err *err)
{
    for (int i = 0; i < RN_N_KV_TYPES; i++)
        if (strcmp(text ? text : "f16", kv_names[i]) == 0) {
            *out = (rn_kv_type)i;
            return 0;
        }
    return rn_fail(err, RN_EINVAL, "--kv is f16, q8, q4 or f32, not '%s'", text);
}

static bool parse_api(const char *text, rn_remote_api *out)
{
    for (int i = RN_REMOTE_COMPLETIONS; i <= RN_REMOTE_CHAT; i++)
        if (strcmp(text, rn_remote_api_name((rn_remote_api)i)) == 0) {
            *out = (rn_remote_api)i;
            return true;
        }
    return false;
}

int rn_source_is_server(const rn_model_source *m)
{
    return !m->model && m->source && rn_remote_is_url(m->source);
}

void rn_source_name(const rn_model_source *m, char *out, size_t cap)
{
    const char *path = m->model ? m->model->path : m->source;
    const char *base = strrchr(path, '/'), *hash = strchr(path, '#');
    bool server = rn_source_is_server(m);
    snprintf(out, cap, "%s",
             m->name          ? m->name
             : server && hash ? hash + 1
             : base           ? base + 1
                              : path);
    size_t n = strlen(out);
    if (!m->name && !server && n > 5 && strcasecmp(out + n - 5, ".gguf") == 0) out[n - 5] = '\0';
}

static int check_server(const rn_model_source *m, rn_err *err)
{
    rn_buf url = {0}, model = {0};
    rn_remote_api api;
    /* {port} stands for a number that is not known yet. */
    const char *port = strstr(m->source, "{port}");
    if (port && !m->serve)
        return rn_fail(err, RN_EINVAL, "%s: {port} needs a server to start: --serve 'COMMAND'",
                       m->source);
    rn_buf shown = {0};
    rn_buf_printf(&shown, "%.*s%s%s", (int)(port ? port - m->source : (ptrdiff_t)strlen(m->source)),
                  m->source, port ? "1" : "", port ? port + strlen("{port}") : "");
    int rc = rn_buf_ok(&shown) ? rn_remote_url_split(shown.data, &url, &model, err)
                               : rn_nomem(err, "address of a server");
    rn_buf_free(&shown);
    rn_buf_free(&url);
    rn_buf_free(&model);
    if (rc) return rc;
    if (m->threads || m->slots || m->memory_bytes || m->kv)
        return rn_fail(
            err, RN_EINVAL,
            "--threads, --slots, --memory and --kv are for model files; a server has its "
            "own");
    if (m->api && !parse_api(m->api, &api))
        return rn_fail(err, RN_EINVAL, "--api is completions or chat, not '%s'", m->api);
    if (m->in_flight < 0 || m->in_flight > RN_REMOTE_MAX_IN_FLIGHT)
        return rn_fail(err, RN_EINVAL, "--in-flight is 1 to %d", RN_REMOTE_MAX_IN_FLIGHT);
    if (m->retries > MAX_RETRIES)
        return rn_fail(err, RN_EINVAL, "--retries is 0 to %d", MAX_RETRIES);
    if (!(m->retry_wait_s >= 0 && m->retry_wait_s <= MAX_SECONDS))
        return rn_fail(err, RN_EINVAL, "--retry-wait is a time above 0, in seconds");
    if (!(m->timeout_s >= 0 && m->timeout_s <= MAX_SECONDS))
        return rn_fail(err, RN_EINVAL, "--timeout is a time above 0, in seconds");
    return 0;
}

int rn_model_source_check(const rn_model_source *m, rn_err *err)
{
    rn_kv_type kv;
    if (!m->source && !m->model)
        return rn_fail(err, RN_EINVAL, "give a model with -m FILE.gguf or -m URL#NAME");
    if (rn_source_is_server(m)) return check_server(m, err);
    if (!m->model && strchr(m->source, '#') && access(m->source, F_OK) != 0)
        return rn_fail(err, RN_EINVAL,
                       "'%s' is not a file; a server's address begins with http:// or https://: "
                       "write -m 'http://%s'",
                       m->source, m->source);
    if (m->serve)
        return rn_fail(err, RN_EINVAL,
                       "--serve starts a server: -m is its URL#NAME, e.g. "
                       "http://127.0.0.1:{port}/v1#NAME");
    if (m->api || m->key_env || m->ca_file || m->in_flight || m->retries || m->retry_wait_s != 0 ||
        m->timeout_s != 0 || m->body || m->n_headers || m->n_query)
        return rn_fail(err, RN_EINVAL,
                       "--api, --key-env, --ca-file, --in-flight, --retries, --retry-wait, "
                       "--timeout, --cost-file, --body, --header and --query are for models behind "
                       "a server, -m URL#NAME");
    if (m->threads < 0 || m->threads > RN_POOL_MAX)
        return rn_fail(err, RN_EINVAL, "--threads is 1 to %d", RN_POOL_MAX);
    if (m->slots < 0 || m->slots > RN_ENGINE_MAX_SLOTS)
        return rn_fail(err, RN_EINVAL, "--slots is 1 to %d", RN_ENGINE_MAX_SLOTS);
    return rn_parse_kv(m->kv, &kv, err);
}

static int64_t ms_of(double seconds)
{
    return seconds <= 0 ? 0 : seconds < 1e-3 ? 1 : (int64_t)(seconds * 1000);
}

/* ---- an open one ----------------------------------------------------------------------------- */

static int peek_file(rn_opened *o, rn_err *err)
{
    const rn_model *m = o->m->model;
    int rc = m ? 0 : rn_gguf_open(o->m->source, &o->own_file, err);
    if (!rc && !m) rc = rn_hparams_read(o->own_file, &o->hp, err);
    if (!rc && !m) rc = rn_tok_new(o->own_file, &o->own_tok, err);
    if (rc) return rc;
    o->model = m;
    o->file = m ? m->file : o->own_file;
    o->tok = m ? m->tok : o->own_tok;
    if (m) o->hp = m->hp;
    rn_hparams_shape(&o->hp, &o->shape);
    return 0;
}

int rn_opened_load(rn_opened *o, rn_err *err)
{
    if (o->remote) return 0;
    const size_t memory = o->m->memory_bytes;
    size_t left = memory;
    int rc = 0;
    if (!o->model) {
        const rn_load_opts load = {.n_threads = o->m->threads, .memory_bytes = memory};
        rc = rn_model_load(o->m->source, &load, &o->own_model, err);
        if (rc) return rc;
        o->model = o->own_model;
        left = memory > o->model->weight_bytes ? memory - o->model->weight_bytes : 0;
        if (memory && left == 0) left = 1; /* 0 would mean: choose */
    }
    o->engine =
        (rn_engine_opts){.n_threads = o->m->threads, .n_slots = o->m->slots, .memory_bytes = left};
    return rn_parse_kv(o->m->kv, &o->engine.kv, err);
}

/* The cost entry of a server's model: the one that is named, or the one of its name if there is
 * one. */
static int find_cost(rn_opened *o, rn_err *err)
{
    const rn_model_source *m = o->m;
    o->book = rn_cost_book_new();
    if (!o->book) return rn_nomem(err, "cost tables");
    int rc = m->cost_file ? rn_cost_book_read(o->book, m->cost_file, err) : 0;
    if (rc) return rc;
    const char *hash = strchr(m->source, '#');
    o->entry = rn_cost_find(o->book, m->cost ? m->cost : hash ? hash + 1 : m->source);
    if (o->entry && o->entry->has_shape) o->shape = o->entry->shape;
    if (o->entry || !m->cost) return 0;
    return rn_fail(err, RN_ENOTFOUND,
                   "no cost entry '%s'; describe it in a file that --cost-file names, see "
                   "ration-report(1)",
                   m->cost);
}

static bool serve_stops(void *user)
{
    return rn_watch_stops(user);
}

/* Starts the server that the source asks for. */
static int start_server(rn_opened *o, rn_err *err)
{
    const rn_model_source *m = o->m;
    const rn_serve_opts so = {.command = m->serve,
                              .model = m->source,
                              .log = m->serve_log,
                              .n_restarts = m->serve_restarts < 0   ? 0
                                            : m->serve_restarts > 0 ? m->serve_restarts
                                                                    : 3,
                              .wait_s = m->serve_wait_s > 0 ? m->serve_wait_s : 1800,
                              .should_stop = serve_stops,
                              .user = (void *)(uintptr_t)o->watch};
    rn_watch_note(o->watch, "starting the server; its output goes to %s",
                  m->serve_log ? m->serve_log : "serve-PID.log");
    return rn_serve_open(&so, &o->serve, &o->served, err);
}

/* Asked again and again while a call waits: says once that the server is slow. */
static int stops_or_tells(void *user)
{
    rn_opened *o = user;
    const int64_t slow_ns = 2000000000;
    if (o->asked_ns && rn_now_ns() - o->asked_ns > slow_ns) {
        o->asked_ns = 0;
        rn_watch_note(o->watch, "%s: its first answers take time; still waiting",
                      rn_remote_url(o->remote));
    }
    return rn_watch_stops(o->watch);
}

static int open_server(rn_opened *o, rn_remote_api api, rn_err *err)
{
    const rn_model_source *m = o->m;
    rn_buf url = {0}, model = {0};
    int rc = find_cost(o, err);
    if (!rc && m->serve) rc = start_server(o, err);
    if (!rc) rc = rn_remote_url_split(m->serve ? o->served.data : m->source, &url, &model, err);
    rn_remote_opts ro = {.url = url.data,
                         .model = model.data,
                         .key_env = m->key_env,
                         .ca_file = m->ca_file,
                         .api = api,
                         .in_flight = m->in_flight,
                         .retries = m->retries,
                         .retry_wait_ms = ms_of(m->retry_wait_s),
                         .timeout_ms = ms_of(m->timeout_s),
                         .body = m->body,
                         .headers = m->headers,
                         .query = m->query,
                         .n_headers = m->n_headers,
                         .n_query = m->n_query,
                         .should_stop = stops_or_tells,
                         .user = o};
    if (m->api) parse_api(m->api, &ro.api);
    if (!rc) rc = rn_remote_open(&ro, &o->remote, err);
    rn_buf_free(&url);
    rn_buf_free(&model);
    return rc;
}

int rn_opened_peek(const rn_model_source *m, const rn_watch *watch, rn_remote_api api,
                   rn_opened *out, rn_err *err)
{
    *out = (rn_opened){.m = m, .watch = watch};
    int rc = rn_model_source_check(m, err);
    if (rc) return rc;
    rn_source_name(m, out->name, sizeof out->name);
    rc = rn_source_is_server(m) ? open_server(out, api, err) : peek_file(out, err);
    if (rc) rn_opened_close(out);
    assert(rc || !out->tok != !out->remote);
    return rc;
}

int rn_opened_open(const rn_model_source *m, const rn_watch *watch, rn_remote_api api,
                   rn_opened *out, rn_err *err)
{
    int rc = rn_opened_peek(m, watch, api, out, err);
    if (!rc) rc = rn_opened_load(out, err);
    if (rc) rn_opened_close(out);
    return rc;
}

void rn_opened_close(rn_opened *o)
{
    rn_model_close(o->own_model);
    rn_tok_free(o->own_tok);
    rn_gguf_close(o->own_file);
    rn_remote_close(o->remote);
    rn_serve_close(o->serve);
    rn_buf_free(&o->served);
    rn_cost_book_free(o->book);
    *o = (rn_opened){0};
}

int rn_opened_hash(rn_opened *o, rn_err *err)
{
    const char *path = o->m->model ? o->m->model->path : o->m->source;
    return o->remote || o->sha[0] ? 0 : rn_sha256_file(path, o->sha, err);
}

void rn_hardware(rn_isa isa, int n_threads, rn_buf *out)
{
    char cpu[128];
    rn_cpu_model(cpu, sizeof cpu);
    size_t memory = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
    rn_buf_printf(out, "%s, %d of %d cores, %.0f GiB, %s", cpu, n_threads, rn_cpu_count(),
                  (double)memory / 1073741824.0, rn_isa_name(isa));
}

/* ---- what servers were asked ----------------------------------------------------------------- */

double rn_server_usd(const rn_cost *c, const rn_remote_usage *u)
{
    if (!c || isnan(c->usd_per_1m_input) || isnan(c->usd_per_1m_output)) return NAN;
    double cached_price = isnan(c->usd_per_1m_cached) ? c->usd_per_1m_input : c->usd_per_1m_cached;
    double cached = (double)u->cached_tok;
    double fresh = (double)(u->prompt_tok + u->discarded_prompt_tok) - cached;
    double gen = (double)(u->gen_tok + u->discarded_gen_tok);
    return (fresh * c->usd_per_1m_input + cached * cached_price + gen * c->usd_per_1m_output) *
           1e-6;
}

char *rn_server_summary(const rn_opened *o, const rn_remote_usage *u)
{
    rn_buf b = {0};
    if (u->n_requests == 0) return NULL;
    rn_buf_printf(&b,
                  "%s:\n  %lld %s, sent %lld %s; tokens: %lld of prompts (%lld cached), %lld "
                  "generated",
                  rn_remote_url(o->remote), (long long)u->n_requests,
                  rn_plural(u->n_requests, "request", "requests"), (long long)u->n_sent,
                  rn_plural(u->n_sent, "time", "times"), (long long)u->prompt_tok,
                  (long long)u->cached_tok, (long long)u->gen_tok);
    if (u->discarded_gen_tok || u->discarded_prompt_tok)
        rn_buf_printf(&b, ", %lld discarded (with prompts of %lld)",
                      (long long)u->discarded_gen_tok, (long long)u->discarded_prompt_tok);
    if (u->n_untold)
        rn_buf_printf(&b, "\n  tokens of %lld %s not reported: up to %lld more",
                      (long long)u->n_untold, rn_plural(u->n_untold, "answer", "answers"),
                      (long long)u->untold_tok);
    double usd = rn_server_usd(o->entry, u);
    if (!isnan(usd)) rn_buf_printf(&b, "; $%.4g", usd);
    char *text = rn_buf_ok(&b) ? rn_buf_take(&b) : NULL;
    rn_buf_free(&b);
    return text;
}

void rn_server_probe_json(const rn_remote_probe *p, rn_buf *out)
{
    rn_buf_putc(out, '{');
    rn_jout_boolean(out, "listed", p->listed);
    rn_jout_boolean(out, "honours_n", p->honours_n);
    rn_jout_whole(out, "choices_of_4", p->n_choices);
    rn_jout_whole(out, "distinct_of_4", p->n_distinct);
    rn_jout_boolean(out, "honours_seed", p->honours_seed);
    rn_jout_boolean(out, "logprobs", p->logprobs);
    rn_jout_boolean(out, "usage", p->usage);
    rn_jout_boolean(out, "cached", p->cached);
    rn_jout_whole(out, "greedy_repeats", p->n_greedy);
    rn_jout_whole(out, "greedy_disagree", p->n_greedy_differ);
    rn_jout_whole(out, "seeded_repeats", p->n_seeded);
    rn_jout_whole(out, "seeded_disagree", p->n_seeded_differ);
    if (p->context_tok >= 0) rn_jout_whole(out, "context_tokens", p->context_tok);
    if (p->says[0]) rn_jout_text(out, "says", p->says);
    rn_buf_putc(out, '}');
}

static void usage_json(const rn_remote_usage *u, rn_buf *out)
{
    rn_buf_putc(out, '{');
    rn_jout_whole(out, "requests", u->n_requests);
    rn_jout_whole(out, "attempts", u->n_sent);
    rn_jout_whole(out, "failed", u->n_failed);
    rn_jout_whole(out, "cancelled", u->n_cancelled);
    rn_jout_whole(out, "prompt_tokens", u->prompt_tok);
    rn_jout_whole(out, "cached_tokens", u->cached_tok);
    rn_jout_whole(out, "generated_tokens", u->gen_tok);
    rn_jout_whole(out, "discarded_prompt_tokens", u->discarded_prompt_tok);
    rn_jout_whole(out, "discarded_generated_tokens", u->discarded_gen_tok);
    rn_jout_whole(out, "untold_attempts", u->n_untold);
    rn_jout_whole(out, "untold_tokens_at_most", u->untold_tok);
    rn_buf_putc(out, '}');
}

int rn_server_put_note(const rn_opened *o, const rn_remote_usage *u, const rn_remote_probe *p,
                       rn_store *s, int64_t command_id, rn_err *err)
{
    if (!command_id) return 0;
    rn_buf b = {0};
    rn_buf_putc(&b, '{');
    rn_jout_text(&b, "server", rn_remote_url(o->remote));
    rn_jout_text(&b, "model", rn_remote_model(o->remote));
    rn_jout_text(&b, "api", rn_remote_api_name(rn_remote_api_of(o->remote)));
    rn_jout_key(&b, "usage");
    usage_json(u, &b);
    json_t *terms = rn_remote_terms(o->remote);
    char *text = terms ? json_dumps(terms, JSON_COMPACT) : NULL;
    rn_jout_raw(&b, "terms", text);
    free(text);
    json_decref(terms);
    if (p) {
        rn_jout_key(&b, "probe");
        rn_server_probe_json(p, &b);
    }
    double usd = rn_server_usd(o->entry, u);
    if (!isnan(usd)) rn_jout_number(&b, "usd", usd);
    rn_buf_putc(&b, '}');
    int rc =
        rn_buf_ok(&b) ? rn_store_log_note(s, command_id, b.data, err) : rn_nomem(err, "ledger");
    rn_buf_free(&b);
    return rc;
}
