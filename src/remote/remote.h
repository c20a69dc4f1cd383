/*
 * remote.h: client of servers that speak OpenAI's protocol (vLLM, SGLang, TGI, llama.cpp's server,
 * hosted services): samples, scores of given texts, and what a server can do.
 *
 * One handle, one thread, many requests in flight: submit as many as there is work for, then wait
 * for answers, which come in the order in which they are finished. What may help is tried again
 * with exponential backoff (408, 409, 425, 429, 5xx, resets, time-outs). A field that the server
 * refuses is given up where an honest record of it can be kept (fields.c), and the request goes out
 * again. Everything else is final at once. A failed or broken-off answer is never a sample.
 *
 *     rn_remote *r;
 *     rn_remote_opts o = {.url = "http://127.0.0.1:8000/v1", .model = "my-7b"};
 *     if (rn_remote_open(&o, &r, &err)) ...
 *     rn_remote_request q = {.tag = 7, .prompt = prompt, .sampling = &sampling, .n = 1};
 *     rn_remote_submit(r, &q, &err);
 *     rn_remote_answer a;
 *     while (rn_remote_pending(r) && (rc = rn_remote_wait(r, 1000, &a, &err)) >= 0)
 *         if (rc == 1) use(a.tag, a.samples, a.n_samples);   // or a.err, if a.rc is not 0
 *     rn_remote_close(r);                                    // drops what is in flight
 *
 * The key is read from an environment variable whose name the user gives. It is sent to the named
 * host alone (redirects are refused), and is in no message, store or log.
 */
#ifndef RN_REMOTE_REMOTE_H
#define RN_REMOTE_REMOTE_H

#include "base/buf.h"

#include <jansson.h>

typedef struct rn_remote rn_remote;

/* POST /completions takes a prompt's bytes, POST /chat/completions a user's message, which the
 * server wraps in its template. */
typedef enum rn_remote_api { RN_REMOTE_COMPLETIONS, RN_REMOTE_CHAT } rn_remote_api;
const char *rn_remote_api_name(rn_remote_api api); /* "completions", "chat"; static */

enum {
    RN_REMOTE_IN_FLIGHT = 32,
    RN_REMOTE_MAX_IN_FLIGHT = 4096,
    RN_REMOTE_RETRIES = 8,
    RN_REMOTE_RETRY_WAIT_MS = 500,
    RN_REMOTE_TIMEOUT_MS = 600000,
    RN_REMOTE_MAX_N = 128 /* choices of one request */
};

/* Where a model is served. 0 or NULL in a field means the default. */
typedef struct rn_remote_opts {
    const char *url;        /* "https://HOST[:PORT]/v1"; copied, as all strings here */
    const char *model;      /* as the server names it */
    const char *key_env;    /* environment variable that holds the key; NULL: none is sent */
    const char *ca_file;    /* PEM with the certificates to trust instead of the system's */
    rn_remote_api api;      /* completions */
    int in_flight;          /* requests at a time; 32 */
    int retries;            /* further attempts of a request; 8; negative: none */
    int64_t retry_wait_ms;  /* before the first of them, doubled each time, less up to half of it by
                              chance; at most 60 s, a server's Retry-After up to 10 minutes; 500 */
    int64_t timeout_ms;     /* for one whole answer; 600,000 */
    int64_t max_body_bytes; /* of one answer; 64 MiB */
    const char *body; /* JSON object: further fields of every request; null leaves out one that
                               is written by default; NULL none */
    const char *const *headers; /* [n_headers] "NAME: value"; a value "$VAR" is read from the */
    const char *const *query;   /* [n_query] "name=value"       environment and never recorded */
    size_t n_headers, n_query;
    /* Ends the calls that block (probe, find_scoring) when it returns not 0; NULL: never. One that
     * fails cancels what else is in flight. */
    int (*should_stop)(void *user);
    void *user;
} rn_remote_opts;

/* Opens no connection yet. RN_EINVAL: url, model or a number; RN_ENOTFOUND: the variable of the key
 * is not set, or no CA file; RN_ELIMIT: more in flight than files may be open. */
int rn_remote_open(const rn_remote_opts *o, rn_remote **out, rn_err *err);
void rn_remote_close(rn_remote *r); /* NULL accepted; cancels what is in flight */

/* ---- "https://HOST:PORT/v1#MODEL" ------------------------------------------------------------ */

bool rn_remote_is_url(const char *model); /* begins with http:// or https:// */
/* Splits and checks; both are written to buffers that are cleared first. RN_EINVAL with the fix:
 * other schemes, a user or password in it, a key in its query, no host, no "#MODEL". A final '/'
 * is dropped; a model's name may hold spaces.
 */
int rn_remote_url_split(const char *text, rn_buf *url, rn_buf *model, rn_err *err);
/* "https://HOST:PORT/v1", what records name a server by; borrowed. */
const char *rn_remote_url(const rn_remote *r);
const char *rn_remote_model(const rn_remote *r);
rn_remote_api rn_remote_api_of(const rn_remote *r);

/* ---- asking ---------------------------------------------------------------------------------- */

/* One request for n samples of one prompt. Everything is copied. */
typedef struct rn_remote_request {
    uint64_t tag;                /* the caller's; comes back with the answer */
    rn_bytes prompt;             /* or the user's message; UTF-8, without NUL */
    rn_bytes system;             /* chat only; empty: none */
    int64_t n;                   /* 1 to RN_REMOTE_MAX_N; 0: 1 */
    const rn_sampling *sampling; /* all of it is sent, neutral values too, as far as the server
                                    takes it: rn_remote_describe */
    int64_t seed;                /* of this request; negative: none is sent */
    bool logprobs;               /* the sums of log probabilities are wanted */
} rn_remote_request;

/* Queues the request; it is sent when fewer than the limit are in flight, within rn_remote_wait. */
int rn_remote_submit(rn_remote *r, const rn_remote_request *q, rn_err *err);

/* How a server scores a text that it is given. */
typedef enum rn_remote_scoring {
    RN_SCORE_NONE,
    RN_SCORE_ECHO,           /* echo with logprobs: OpenAI's own form, vLLM, SGLang */
    RN_SCORE_PROMPT_LOGPROBS /* vLLM's prompt_logprobs */
} rn_remote_scoring;
const char *rn_remote_scoring_name(rn_remote_scoring s); /* "none", "echo", ...; static */

/* Finds out by asking (blocks): *out is never RN_SCORE_NONE. RN_EUNSUPPORTED where the server
 * offers neither, with what it said. */
int rn_remote_find_scoring(rn_remote *r, rn_remote_scoring *out, rn_err *err);
/* A text to be scored after a prompt. Everything is copied. */
typedef struct rn_remote_text {
    rn_remote_scoring how;
    uint64_t tag;
    rn_bytes prompt, text;
} rn_remote_text;
/* Queues the scoring: answer.score. Completions only. */
int rn_remote_submit_score(rn_remote *r, const rn_remote_text *t, rn_err *err);

/* ---- answers --------------------------------------------------------------------------------- */

typedef struct rn_remote_sample {
    rn_bytes text;      /* without the stop string; a server's separate reasoning precedes it as
                           <think>...</think> */
    const char *finish; /* "stop", "length", or the server's own name for another end, such as
                           "content_filter"; borrowed until rn_remote_close */
    bool cut_here;      /* a stop string that the server does not take ended it: gen_tok counts
                           what was paid for */
    int64_t gen_tok;    /* reasoning included; -1 unknown */
    bool gen_tok_exact; /* false: its share of the request's tokens, by bytes */
    double logprob;     /* sum over its tokens, in nats, as the server gives them; NAN unknown */
} rn_remote_sample;

typedef struct rn_remote_score {
    double sum;    /* of log p over the text's tokens, in nats */
    int64_t n_tok; /* tokens that hold a byte of the text; 0: it has none */
} rn_remote_score;

/* What a request cost, or all of them. Tokens are the server's numbers. */
typedef struct rn_remote_usage {
    int64_t n_requests;  /* answered, finally failed and cancelled ones */
    int64_t n_sent;      /* attempts that went out */
    int64_t n_failed;    /* requests without a usable answer */
    int64_t n_cancelled; /* requests */
    int64_t prompt_tok;  /* of usable answers, cached ones included */
    int64_t cached_tok;  /* of these, read from the server's cache */
    int64_t gen_tok;     /* of usable answers */
    int64_t discarded_prompt_tok, discarded_gen_tok; /* of answers and choices that were no samples,
                                                        where the server told */
    int64_t n_untold;   /* attempts whose tokens the server did not tell: reset, timed out,
                           cancelled, or an answer without usage */
    int64_t untold_tok; /* most that these can have generated */
} rn_remote_usage;

/* Borrowed until the next call on the handle. */
typedef struct rn_remote_answer {
    uint64_t tag;
    int rc;     /* 0, or why the request failed for good: then n_samples is 0 */
    rn_err err; /* of rc */
    bool fatal; /* any other request would fail alike: wrong key, unknown model, certificate, no
                   server there */
    const rn_remote_sample *samples; /* [n_samples] */
    int64_t n_samples;   /* less than n where the server ignores n or broke some off; never more */
    int64_t n_discarded; /* choices that were no samples: aborted */
    int64_t n_asked; /* choices that were asked for in the end: n, or less where it was refused */
    bool has_score;
    rn_remote_score score;
    int64_t prompt_tok;    /* of this answer; -1 unknown */
    int64_t cached_tok;    /* -1 unknown */
    int64_t wall_ns;       /* of the attempt that succeeded, from sending to the last byte */
    const char *id;        /* the server's; "" none */
    const char *model;     /* that the server says it ran; "" none */
    rn_remote_usage usage; /* of this request, all attempts */
} rn_remote_answer;

/* 1 with an answer in *out; 0 when timeout_ms passed, rn_remote_wake was called or nothing is
 * pending; negative when the handle cannot go on. timeout_ms 0 only looks. */
int rn_remote_wait(rn_remote *r, int64_t timeout_ms, rn_remote_answer *out, rn_err *err);
/* Makes a wait in another thread return; the only call that another thread may make. */
void rn_remote_wake(rn_remote *r);
int64_t rn_remote_pending(const rn_remote *r); /* submitted, not yet answered */
/* Why something pending was not answered at once, as the last attempt ended; NULL: nothing was
 * asked for twice. Borrowed until the next call on the handle. */
const rn_err *rn_remote_trouble(const rn_remote *r);
/* Drops everything that is queued or in flight, at once. Answers that had come in before are still
 * given out by rn_remote_wait: they are paid for. */
void rn_remote_cancel(rn_remote *r);
/* Of everything asked through this handle; borrowed. */
const rn_remote_usage *rn_remote_ledger(const rn_remote *r);

/* ---- what a server can do -------------------------------------------------------------------- */

typedef struct rn_remote_probe {
    bool listed;         /* the model is in the server's list; true where there is no list */
    int64_t context_tok; /* of the model; -1 the server does not say */
    bool honours_n;      /* n = 4 (2 where more is refused) gave that many choices, not all equal */
    int64_t n_choices;   /* of that request */
    int64_t n_distinct;  /* texts among them */
    bool honours_seed;   /* equal seeds gave equal texts, different seeds different ones */
    bool logprobs;       /* of generated tokens */
    bool usage;          /* token counts */
    bool cached;         /* counts of cached tokens */
    int64_t n_greedy, n_greedy_differ; /* repetitions at temperature 0, and those that differ from
                                          the most frequent text of their prompt */
    int64_t n_seeded, n_seeded_differ; /* the same with equal seeds at the given temperature */
    char says[160];                    /* the server's own words on what it refused; "" nothing */
} rn_remote_probe;

/* Finds out by one sample of the prompt, and a few short ones, which fields of a request the server
 * takes (blocks); rn_remote_describe is true from then on. The error is for what makes any work
 * impossible. Does nothing the second time. */
int rn_remote_settle(rn_remote *r, rn_bytes prompt, const rn_sampling *sampling, rn_err *err);
/* Writes temperature, top_p, top_k, min_p, repetition_penalty, seed and max_tokens into a run's
 * settings as they are sent: null, and named in "server_decides", for what the server decides. So
 * are the user's own fields, headers and parameters, without what came from the environment. */
void rn_remote_describe(const rn_remote *r, const rn_sampling *sampling, json_t *settings);
/* "top_k, min_p": what of this the server decides; into an empty buffer. */
void rn_remote_decides(const rn_remote *r, const rn_sampling *sampling, rn_buf *out);
/* {"left_out": [...], "max_tokens_as": ..., "choices_at_most", "stops_sent"}; a new reference. */
json_t *rn_remote_terms(const rn_remote *r);
/* The most choices that one request may ask for. */
int64_t rn_remote_max_n(const rn_remote *r);

/* Settles, then asks (blocks, some 30 short requests, many at a time) with these prompts, at least
 * one. *out is set also when single questions are refused; the error is for what makes any work
 * impossible. */
int rn_remote_probe_run(rn_remote *r, const rn_bytes *prompts, size_t n_prompts,
                        const rn_sampling *sampling, rn_remote_probe *out, rn_err *err);
/* The same with two requests of one prompt, which tell of n and log probabilities; nothing is
 * repeated. */
int rn_remote_probe_quick(rn_remote *r, rn_bytes prompt, const rn_sampling *sampling,
                          rn_remote_probe *out, rn_err *err);

#endif
