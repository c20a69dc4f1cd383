/* model_opts.h: options that the commands with a model share: which file or server, and how it is
 * used. */
#ifndef RN_CLI_MODEL_OPTS_H
#define RN_CLI_MODEL_OPTS_H

#include "cli/opt.h"

/* What the options say; rn_model_args_read makes a source of it. */
typedef struct rn_model_args {
    rn_model_source m;
    rn_opt_list headers, query;
    const char *memory; /* "12G" */
    int64_t threads, slots, in_flight, retries;
    int64_t serve_restarts;
    double retry_wait_s, timeout_s;
} rn_model_args;

/* Nothing given. */
#define RN_MODEL_ARGS_NONE                                                                         \
    {                                                                                              \
        .in_flight = -1, .retries = -1, .serve_restarts = 3, .retry_wait_s = NAN, .timeout_s = NAN \
    }

/* Rows for an option table; a is a rn_model_args. */
#define RN_FILE_OPTIONS(a)                                                                     \
    RN_OPT_GROUP("of model files"),                                                            \
        RN_OPT_INT(0, "threads", &(a)->threads, "N", "threads (default: one per core)"),       \
        RN_OPT_INT(0, "slots", &(a)->slots, "N",                                               \
                   "sequences in flight (default: as memory allows, at most 64)"),             \
        RN_OPT_STR(0, "memory", &(a)->memory, "SIZE",                                          \
                   "for weights, keys, values and buffers, e.g. 12G (default: what is free)"), \
        RN_OPT_STR(0, "kv", &(a)->m.kv, "TYPE",                                                \
                   "storage of keys and values: f16 (default), q8, q4, f32")
#define RN_SERVER_OPTIONS(a)                                                                       \
    RN_OPT_GROUP("of models behind a server"),                                                     \
        RN_OPT_STR(0, "api", &(a)->m.api, "KIND", "completions (default) or chat"),                \
        RN_OPT_STR(0, "key-env", &(a)->m.key_env, "NAME",                                          \
                   "environment variable that holds the server's key"),                            \
        RN_OPT_STR(0, "ca-file", &(a)->m.ca_file, "FILE",                                          \
                   "certificates to trust instead of the system's"),                               \
        RN_OPT_INT(0, "in-flight", &(a)->in_flight, "N", "requests at a time (default 32)"),       \
        RN_OPT_INT(0, "retries", &(a)->retries, "N", "further attempts of a request (default 8)"), \
        RN_OPT_REAL(0, "retry-wait", &(a)->retry_wait_s, "S",                                      \
                    "seconds before the first of them, then doubled (default 0.5)"),               \
        RN_OPT_REAL(0, "timeout", &(a)->timeout_s, "S",                                            \
                    "seconds for one whole answer (default 600)"),                                 \
        RN_OPT_STR(0, "body", &(a)->m.body, "JSON",                                                \
                   "fields to add to every request; null leaves one out"),                         \
        RN_OPT_LIST(0, "header", &(a)->headers, "NAME: VALUE",                                     \
                    "header to add; a value $VAR is read from the environment"),                   \
        RN_OPT_LIST(0, "query", &(a)->query, "NAME=VALUE",                                         \
                    "parameter to add to the address, likewise"),                                  \
        RN_OPT_STR(0, "serve", &(a)->m.serve, "COMMAND",                                           \
                   "start this server, wait until it answers, end it afterwards; {port} is a "     \
                   "free port, also in -m"),                                                       \
        RN_OPT_STR(0, "serve-log", &(a)->m.serve_log, "FILE",                                      \
                   "where its output is appended (default serve-PID.log)"),                        \
        RN_OPT_INT(0, "serve-restarts", &(a)->serve_restarts, "N",                                 \
                   "how often it is started again when it dies (default 3)"),                      \
        RN_OPT_REAL(0, "serve-wait", &(a)->m.serve_wait_s, "S",                                    \
                    "seconds until it must answer (default 1800)"),                                \
        RN_OPT_STR(0, "cost-file", &(a)->m.cost_file, "FILE",                                      \
                   "shapes and prices, as of ration-report(1), for --cost")
/* Which part of a stage's work is done; s is a rn_share_options. */
#define RN_SHARE_OPTIONS(s)                                                            \
    RN_OPT_GROUP("sharing the work"),                                                  \
        RN_OPT_STR(0, "shard", &(s)->shard, "I/N",                                     \
                   "only part I of N, I from 0; auto: of this array job"),             \
        RN_OPT_STR(0, "units", &(s)->units, "FILE", "only the units of work in FILE"), \
        RN_OPT_STR(0, "todo", &(s)->todo, "FILE", "write what is missing to FILE, and do nothing")
/* Which problems of a set; s is a rn_selection. */
#define RN_SELECT_OPTIONS(s)                                                              \
    RN_OPT_GROUP("which problems"),                                                       \
        RN_OPT_STR(0, "problems", &(s)->problems, "LIST",                                 \
                   "places in the set, ids and traits: 0-9,12, 0-99/4, difficulty=hard, " \
                   "month=2024-05, platform=, language=, library="),                      \
        RN_OPT_STR(0, "from", &(s)->from, "DATE",                                         \
                   "not before this date, e.g. 2024-05 or "                               \
                   "2024-05-11"),                                                         \
        RN_OPT_STR(0, "to", &(s)->to, "DATE", "not after it"),                            \
        RN_OPT_STR(0, "difficulty", &(s)->difficulty, "NAME", "of this difficulty")
#define RN_MODEL_OPTION(a)                                         \
    RN_OPT_STR('m', "model", &(a)->m.source, "FILE.gguf|URL#NAME", \
               "the model: a file, or one behind a server, e.g. http://HOST:8000/v1#my-7b")

/* "800M", "12G", "1.5GiB" in bytes. RN_EINVAL. */
int rn_parse_size(const char *text, size_t *out, rn_err *err);

/* Fills a->m from the rest: -1 to go on, or the exit status after a message. */
int rn_model_args_read(const rn_command *cmd, rn_model_args *a);

#endif
