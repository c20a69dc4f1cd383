/*
 * internal.h: what the files of src/remote share: a request on its way (an ask) and the handle.
 *
 * An ask is in one place at a time: the queue, the list of those that wait for their next attempt,
 * a slot with a curl handle, or the list of those that are done. client.c moves it, request.c
 * writes its body, retry.c decides after each attempt, answer.c reads what came.
 */
#ifndef RN_REMOTE_INTERNAL_H
#define RN_REMOTE_INTERNAL_H

#include "base/arena.h"
#include "base/rng.h"
#include "remote/remote.h"

#include <curl/curl.h>
#include <jansson.h>

typedef enum rn_ask_kind { RN_ASK_SAMPLES, RN_ASK_SCORE, RN_ASK_MODELS } rn_ask_kind;

/* What an answer is checked against. */
typedef struct rn_ask_form {
    rn_ask_kind kind;
    rn_remote_api api;
    rn_remote_scoring scoring; /* RN_ASK_SCORE */
    int64_t n, max_tok;
    bool logprobs;     /* wanted and needed */
    rn_bytes text;     /* RN_ASK_SCORE: what is scored */
    int64_t max_bytes; /* of the body */
} rn_ask_form;

typedef struct rn_ask {
    struct rn_ask *next;
    uint64_t tag;
    bool internal; /* of a call that blocks: its answer is not for rn_remote_wait */
    rn_ask_form form;
    char *body; /* [body_len] JSON; NULL: a GET */
    size_t body_len;
    char *text; /* owned; form.text */
    int tries, max_tries;
    int64_t due_ns; /* of the next attempt */
    int64_t sent_ns, wall_ns;
    rn_buf in; /* body that came in */
    bool too_large;
    int64_t retry_after_ms; /* as the server said; -1 */
    char location[200];     /* of a redirect */
    char curl_error[CURL_ERROR_SIZE];
    CURL *easy;
    int rc; /* when done: 0 with a body to read, or why not */
    rn_err err;
    bool fatal;
    rn_remote_usage usage;
} rn_ask;

typedef struct rn_ask_list {
    rn_ask *head, *tail;
    int64_t n;
} rn_ask_list;

/* What answer.c found in a body; strings lie in `root`. */
typedef struct rn_parsed {
    json_t *root;
    rn_arena arena; /* samples and composed texts */
    rn_remote_sample *samples;
    int64_t n_samples, n_discarded;
    rn_remote_score score;
    bool has_score;
    int64_t prompt_tok, cached_tok, gen_tok; /* -1 unknown */
    int64_t discarded_tok;                   /* of gen_tok, in choices that are no samples */
    const char *id, *model;
} rn_parsed;

struct rn_remote {
    char *url, *model; /* owned */
    rn_remote_api api;
    int in_flight, retries;
    int64_t retry_wait_ms, timeout_ms, max_body_bytes;
    const volatile int *stop;
    char *key;        /* owned, wiped; NULL none */
    char *ca_file;    /* owned; NULL the system's */
    char *ask_url[3]; /* by rn_ask_kind; owned */
    struct curl_slist *headers;
    CURLM *multi;
    CURL **idle; /* [n_idle] handles without a request */
    int n_idle, n_active;
    rn_ask **active; /* [in_flight]: [0 .. n_active-1] */
    rn_ask_list queue, waiting, done;
    int epoll_fd, wake_fd;
    int64_t timer_ns; /* when curl wants to be called; -1 never */
    int64_t hold_ns;  /* nothing is sent before: a Retry-After */
    bool reached;     /* some answer came from the server */
    int echo_max_tok; /* 0 or 1: what the server takes with echo */
    rn_rng jitter;
    rn_parsed parsed; /* of the answer given out last */
    rn_ask *given;    /* it */
    rn_remote_usage ledger;
};

/* request.c: each makes an ask with its body and form; *out is owned. */
int rn_ask_samples(const rn_remote *r, const rn_remote_request *q, rn_ask **out, rn_err *err);
int rn_ask_score(const rn_remote *r, rn_remote_scoring how, uint64_t tag, rn_bytes prompt,
                 rn_bytes text, rn_ask **out, rn_err *err);
int rn_ask_models(const rn_remote *r, rn_ask **out, rn_err *err);
void rn_ask_free(rn_ask *a);

/* retry.c */
typedef enum rn_after { RN_AFTER_DONE, RN_AFTER_AGAIN } rn_after;
/* After an attempt: fills a->rc, err and fatal, or says that there is to be another at a->due_ns.
 */
rn_after rn_retry_decide(rn_remote *r, rn_ask *a, CURLcode code, long status);
/* "120" or an HTTP date as milliseconds from now; -1 if it is neither. */
int64_t rn_retry_after_ms(const char *value, int64_t now_unix_s);

/* answer.c */
/* Checks a body against its form. out is zeroed by the caller and freed with rn_parsed_free also
 * after an error: usage is then set as far as it could be read. */
int rn_answer_parse(const rn_ask_form *form, rn_bytes body, rn_parsed *out, rn_err *err);
void rn_parsed_free(rn_parsed *p);
/* The server's own words in the body of a refusal, one line, at most cap - 1 bytes; "" none. The
 * key is blotted out. */
void rn_answer_message(rn_bytes body, const char *key, char *out, size_t cap);
/* The model's context from a list of models, *listed whether it is there; -1 unknown. */
int64_t rn_answer_context(rn_bytes body, const char *model, bool *listed);

/* client.c */
void rn_remote_put(rn_remote *r, rn_ask *a); /* queues it */
/* Waits (blocks) until the ask that is `internal` is done; the caller frees it. Answers to other
 * requests stay for rn_remote_wait. */
int rn_remote_finish(rn_remote *r, rn_ask **done, rn_err *err);
/* After a blocking call failed: cancels everything and drops the answers that were for it. */
void rn_remote_give_up(rn_remote *r);
/* Gives a finished ask out as an answer, valid as long as *p lives. */
void rn_remote_deliver(rn_remote *r, rn_ask *a, rn_parsed *p, rn_remote_answer *out);

#endif
