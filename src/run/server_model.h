/*
 * server_model.h: a model behind a server as commands name it, `-m URL#NAME`, and what they do with
 * one alike: opening, the ledger's note, when to give up.
 */
#ifndef RN_RUN_SERVER_MODEL_H
#define RN_RUN_SERVER_MODEL_H

#include "base/json.h"
#include "cost/cost.h"
#include "remote/remote.h"
#include "run/stage.h"

#include <math.h>

typedef struct rn_server_opts {
    const char *api, *key_env, *ca, *cost_file, *body;
    rn_opt_list headers, query;
    int64_t in_flight, retries;
    double retry_wait_s, timeout_s;
} rn_server_opts;

/* Nothing given. */
#define RN_SERVER_OPTS_NONE                                                   \
    {                                                                         \
        .in_flight = -1, .retries = -1, .retry_wait_s = NAN, .timeout_s = NAN \
    }

/* The kind of server that --api names; false: none. */
bool rn_server_parse_api(const char *text, rn_remote_api *out);

/* Opens the client of `url_model`; api: where --api does not say. `rn_interrupted` ends its
 * blocking calls. */
int rn_server_opts_open(const rn_server_opts *o, const char *url_model, rn_remote_api api,
                        rn_remote **out, rn_err *err);

/* The model's name in the store: what stands after '#'. Borrowed. */
const char *rn_server_opts_name(const char *url_model);

/* The cost entry of `name` from --cost-file or the known ones; *entry is NULL where there is none and
 * none was asked for. The caller frees the book. */
int rn_server_opts_cost(const rn_server_opts *o, const char *name, const char *model,
                        rn_cost_book **book, const rn_cost **entry, rn_err *err);

/* Dollars for all that was asked, discarded tokens too; NAN without prices. */
double rn_server_usd(const rn_cost *entry, const rn_remote_usage *u);
/* One line for people: requests, tokens, what was lost, dollars. Appended. */
void rn_server_summary(const rn_remote_usage *u, const rn_cost *entry, rn_buf *out);
/* {"server", "model", "api", "usage", "probe"} for rn_store_log_note; NULL when memory is out; the
 * caller frees. p may be NULL. */
char *rn_server_note(const rn_remote *r, const rn_remote_probe *p, const rn_cost *entry);
/* {"honours_n": ..., ...}; a new reference. */
json_t *rn_server_probe_json(const rn_remote_probe *p);

/* Whether to go on after an answer: not when it says that all others would fail alike, when nothing
 * has worked yet, or after 16 failures in a row. */
typedef struct rn_server_luck {
    int64_t n_good, n_bad, in_row;
} rn_server_luck;
bool rn_server_give_up(rn_server_luck *l, const rn_remote_answer *a);

#endif
