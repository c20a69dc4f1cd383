/*
 * server_opts.h: options that the commands share for models behind a server, `-m URL#NAME`, and what
 * they do with one alike: opening, the ledger's note, when to give up.
 */
#ifndef RN_CLI_SERVER_OPTS_H
#define RN_CLI_SERVER_OPTS_H

#include "cli/model_opts.h"
#include "cost/cost.h"
#include "remote/remote.h"

typedef struct rn_server_opts {
    const char *api, *key_env, *ca, *cost_file;
    int64_t in_flight, retries;
    double retry_wait_s, timeout_s;
} rn_server_opts;

/* Nothing given. */
#define RN_SERVER_OPTS_NONE                                                   \
    {                                                                         \
        .in_flight = -1, .retries = -1, .retry_wait_s = NAN, .timeout_s = NAN \
    }

/* Rows for an option table: a model file or one behind a server; m is a rn_model_opts, s a
 * rn_server_opts. */
#define RN_ANY_MODEL_OPTIONS(m, s)                                                           \
    RN_OPT_STR('m', "model", &(m)->path, "FILE.gguf|URL#NAME",                               \
               "the model: a file, or one behind a server, e.g. http://HOST:8000/v1#my-7b"), \
        RN_ENGINE_OPTIONS(m), RN_SERVER_OPTIONS(s)
#define RN_SERVER_OPTIONS(o)                                                                       \
    RN_OPT_STR(0, "api", &(o)->api, "KIND", "of a server: completions (default) or chat"),         \
        RN_OPT_STR(0, "key-env", &(o)->key_env, "NAME",                                            \
                   "environment variable that holds a server's key"),                              \
        RN_OPT_STR(0, "ca-file", &(o)->ca, "FILE",                                                 \
                   "certificates to trust instead of the system's"),                               \
        RN_OPT_INT(0, "in-flight", &(o)->in_flight, "N", "requests at a time (default 32)"),       \
        RN_OPT_INT(0, "retries", &(o)->retries, "N", "further attempts of a request (default 8)"), \
        RN_OPT_REAL(0, "retry-wait", &(o)->retry_wait_s, "S",                                      \
                    "seconds before the first of them, then doubled (default 0.5)"),               \
        RN_OPT_REAL(0, "timeout", &(o)->timeout_s, "S",                                            \
                    "seconds for one whole answer (default 600)"),                                 \
        RN_OPT_STR(0, "cost-file", &(o)->cost_file, "FILE",                                        \
                   "shapes and prices, as of ration-report(1), for --cost")

/* Checks without opening anything, `m` too: -1 to go on, or the exit status after a message. */
int rn_server_opts_check(const rn_command *cmd, const rn_server_opts *o, const rn_model_opts *m);

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
