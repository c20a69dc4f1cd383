/* server_opts.h: options that the commands share for models behind a server, `-m URL#NAME`. */
#ifndef RN_CLI_SERVER_OPTS_H
#define RN_CLI_SERVER_OPTS_H

#include "cli/model_opts.h"
#include "run/server_model.h"

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
        RN_OPT_STR(0, "body", &(o)->body, "JSON",                                                  \
                   "fields to add to every request; null leaves one out"),                         \
        RN_OPT_LIST(0, "header", &(o)->headers, "NAME: VALUE",                                     \
                    "header to add; a value $VAR is read from the environment"),                   \
        RN_OPT_LIST(0, "query", &(o)->query, "NAME=VALUE",                                         \
                    "parameter to add to the address, likewise"),                                  \
        RN_OPT_STR(0, "cost-file", &(o)->cost_file, "FILE",                                        \
                   "shapes and prices, as of ration-report(1), for --cost")

/* "HOST:PORT/v1#MODEL" without http://, where there is no such file. */
bool rn_server_lacks_scheme(const char *model);

/* Checks without opening anything, `m` too: -1 to go on, or the exit status after a message. */
int rn_server_opts_check(const rn_command *cmd, const rn_server_opts *o, const rn_model_opts *m);

#endif
