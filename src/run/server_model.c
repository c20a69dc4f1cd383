/* server_model.c: see server_model.h. */
#include "run/server_model.h"

#include "run/stage.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_FAILURES_IN_ROW = 16 };

bool rn_server_parse_api(const char *text, rn_remote_api *out)
{
    for (int i = RN_REMOTE_COMPLETIONS; i <= RN_REMOTE_CHAT; i++)
        if (strcmp(text, rn_remote_api_name((rn_remote_api)i)) == 0) {
            *out = (rn_remote_api)i;
            return true;
        }
    return false;
}

static int64_t ms_of(double seconds)
{
    return isnan(seconds) ? 0 : seconds < 1e-3 ? 1 : (int64_t)(seconds * 1000);
}

int rn_server_opts_open(const rn_server_opts *o, const char *url_model, rn_remote_api api,
                        rn_remote **out, rn_err *err)
{
    rn_buf url = {0}, model = {0};
    int rc = rn_remote_url_split(url_model, &url, &model, err);
    rn_remote_opts ro = {
        .url = url.data,
        .model = model.data,
        .key_env = o->key_env,
        .ca_file = o->ca,
        .api = api,
        .in_flight = o->in_flight > 0 ? (int)o->in_flight : 0,
        .retries = o->retries == 0  ? -1
                   : o->retries > 0 ? (int)o->retries
                                    : 0,
        .retry_wait_ms = ms_of(o->retry_wait_s),
        .timeout_ms = ms_of(o->timeout_s),
        .body = o->body,
        .headers = o->headers.v,
        .query = o->query.v,
        .n_headers = (size_t)o->headers.n,
        .n_query = (size_t)o->query.n,
        .stop = &rn_interrupted,
    };
    if (!rc && o->api) rn_server_parse_api(o->api, &ro.api);
    if (!rc) rc = rn_remote_open(&ro, out, err);
    rn_buf_free(&url);
    rn_buf_free(&model);
    return rc;
}

const char *rn_server_opts_name(const char *url_model)
{
    const char *hash = strchr(url_model, '#');
    return hash ? hash + 1 : url_model;
}

int rn_server_opts_cost(const rn_server_opts *o, const char *name, const char *model,
                        rn_cost_book **book, const rn_cost **entry, rn_err *err)
{
    *book = rn_cost_book_new();
    if (!*book) return rn_fail(err, RN_ENOMEM, "out of memory for the cost tables");
    int rc = o->cost_file ? rn_cost_book_read(*book, o->cost_file, err) : 0;
    if (rc) return rc;
    *entry = rn_cost_find(*book, name ? name : model);
    if (*entry || !name) return 0;
    return rn_fail(err, RN_ENOTFOUND,
                   "no cost entry '%s'; describe it in a file that --cost-file names, see "
                   "ration-report(1)",
                   name);
}

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

void rn_server_summary(const rn_remote_usage *u, const rn_cost *entry, rn_buf *out)
{
    rn_buf_printf(out,
                  "%lld requests in %lld attempts, %lld prompt tokens (%lld cached), %lld "
                  "generated",
                  (long long)u->n_requests, (long long)u->n_sent, (long long)u->prompt_tok,
                  (long long)u->cached_tok, (long long)u->gen_tok);
    if (u->discarded_gen_tok || u->discarded_prompt_tok)
        rn_buf_printf(out, ", %lld discarded (with prompts of %lld)",
                      (long long)u->discarded_gen_tok, (long long)u->discarded_prompt_tok);
    if (u->n_untold)
        rn_buf_printf(out, "; %lld attempts do not tell their tokens: up to %lld more",
                      (long long)u->n_untold, (long long)u->untold_tok);
    double usd = rn_server_usd(entry, u);
    if (!isnan(usd)) rn_buf_printf(out, "; %.4g USD", usd);
}

static json_t *usage_json(const rn_remote_usage *u)
{
    const struct {
        const char *key;
        int64_t value;
    } rows[] = {{"requests", u->n_requests},
                {"attempts", u->n_sent},
                {"failed", u->n_failed},
                {"cancelled", u->n_cancelled},
                {"prompt_tokens", u->prompt_tok},
                {"cached_tokens", u->cached_tok},
                {"generated_tokens", u->gen_tok},
                {"discarded_prompt_tokens", u->discarded_prompt_tok},
                {"discarded_generated_tokens", u->discarded_gen_tok},
                {"untold_attempts", u->n_untold},
                {"untold_tokens_at_most", u->untold_tok}};
    json_t *j = json_object();
    for (size_t i = 0; j && i < sizeof rows / sizeof rows[0]; i++)
        json_object_set_new(j, rows[i].key, json_integer(rows[i].value));
    return j;
}

json_t *rn_server_probe_json(const rn_remote_probe *p)
{
    json_t *j = json_pack(
        "{s:b, s:b, s:I, s:I, s:b, s:b, s:b, s:b, s:I, s:I, s:I, s:I}", "listed", p->listed,
        "honours_n", p->honours_n, "choices_of_4", (json_int_t)p->n_choices, "distinct_of_4",
        (json_int_t)p->n_distinct, "honours_seed", p->honours_seed, "logprobs", p->logprobs,
        "usage", p->usage, "cached", p->cached, "greedy_repeats", (json_int_t)p->n_greedy,
        "greedy_disagree", (json_int_t)p->n_greedy_differ, "seeded_repeats",
        (json_int_t)p->n_seeded, "seeded_disagree", (json_int_t)p->n_seeded_differ);
    if (j && p->context_tok >= 0)
        json_object_set_new(j, "context_tokens", json_integer(p->context_tok));
    if (j && p->says[0]) json_object_set_new(j, "says", json_string(p->says));
    return j;
}

char *rn_server_note(const rn_remote *r, const rn_remote_probe *p, const rn_cost *entry)
{
    const rn_remote_usage *u = rn_remote_ledger(r);
    json_t *j =
        json_pack("{s:s, s:s, s:s, s:o}", "server", rn_remote_url(r), "model", rn_remote_model(r),
                  "api", rn_remote_api_name(rn_remote_api_of(r)), "usage", usage_json(u));
    if (j) json_object_set_new(j, "terms", rn_remote_terms(r));
    if (j && p) json_object_set_new(j, "probe", rn_server_probe_json(p));
    double usd = rn_server_usd(entry, u);
    if (j && !isnan(usd)) json_object_set_new(j, "usd", json_real(usd));
    char *text = j ? json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(j);
    return text;
}

bool rn_server_give_up(rn_server_luck *l, const rn_remote_answer *a)
{
    if (a->rc == 0) {
        l->n_good++;
        l->in_row = 0;
        return false;
    }
    l->n_bad++;
    l->in_row++;
    return a->fatal || l->n_good == 0 || l->in_row >= MAX_FAILURES_IN_ROW;
}
