/*
 * remote_priv.h: what the files of src/remote share: a request on its way (an ask) and the handle.
 *
 * An ask is in one place at a time: the queue, the list of those that wait for their next attempt,
 * a slot with a curl handle, or the list of those that are done. client.c moves it, request.c
 * writes what is wanted, fields.c what of it is sent, retry.c decides after each attempt, answer.c
 * reads what came, words.c what came instead.
 */
#ifndef RN_REMOTE_PRIV_H
#define RN_REMOTE_PRIV_H

#include "base/arena.h"
#include "base/rng.h"
#include "base/vec.h"
#include "remote/remote.h"

#include <curl/curl.h>
#include <jansson.h>

/* The fields of a request that a server may refuse, in the order in which giving one up does least
 * harm. Two names of the repetition penalty: llama.cpp's, and that of vLLM and SGLang. */
#define RN_FIELDS(X)                            \
    X(REPEAT_PENALTY, "repeat_penalty")         \
    X(REPETITION_PENALTY, "repetition_penalty") \
    X(MIN_P, "min_p")                           \
    X(TOP_K, "top_k")                           \
    X(LOGPROBS, "logprobs")                     \
    X(STREAM, "stream")                         \
    X(SEED, "seed")                             \
    X(N, "n")                                   \
    X(STOP, "stop")                             \
    X(MAX_TOK, "max_tokens")                    \
    X(TOP_P, "top_p")                           \
    X(TEMPERATURE, "temperature")

#define FIELD_ENUM(id, name) RN_FIELD_##id,
typedef enum rn_field { RN_FIELDS(FIELD_ENUM) RN_N_FIELDS } rn_field;
#undef FIELD_ENUM

/* What the server takes. Sets of fields are bits 1 << rn_field. */
typedef struct rn_takes {
    uint32_t refused;              /* is not sent any more */
    uint32_t proven;               /* some answered request held it */
    bool renamed;                  /* max_tokens is sent as max_completion_tokens */
    bool zero_top_k;               /* "all" is 0, not -1 */
    int64_t max_n, proven_n;       /* choices of one request */
    int64_t max_stop, proven_stop; /* stop strings of one request */
    int64_t version;               /* counts the changes */
    bool guessing;   /* some were given up that no refusal named: put back if in vain */
    uint32_t before; /* `refused` before that */
    bool vain;       /* they were put back: not again */
} rn_takes;

/* Never in a message: the key, and what headers and queries took from the environment. Owned. */
typedef RN_VEC(char *) rn_secrets;

typedef enum rn_ask_kind { RN_ASK_SAMPLES, RN_ASK_SCORE, RN_ASK_MODELS } rn_ask_kind;

/* What an answer is checked against. */
typedef struct rn_ask_form {
    rn_ask_kind kind;
    rn_remote_api api;
    rn_remote_scoring scoring; /* RN_ASK_SCORE */
    int64_t n, max_tok;        /* as sent */
    bool bounded;              /* max_tok was sent: no answer is longer */
    const json_t *stop;        /* borrowed from the ask; NULL none */
    int64_t n_stop_sent;       /* the first of them; the others are cut from the text here */
    rn_bytes text;             /* RN_ASK_SCORE: what is scored */
    int64_t max_bytes;         /* of the body */
    const rn_secrets *secrets; /* borrowed; in no message; NULL none */
} rn_ask_form;

typedef struct rn_ask {
    struct rn_ask *next;
    uint64_t tag;
    bool internal; /* of a call that blocks: its answer is not for rn_remote_wait */
    rn_ask_form form;
    json_t *want; /* owned; all that is asked for; NULL: a GET */
    char *body;   /* owned; [body_len] what is sent of it */
    size_t body_len;
    int64_t version; /* of rn_takes that the body follows */
    uint32_t held;   /* fields in the body */
    char *text;      /* owned; form.text */
    int tries, max_tries;
    long status;    /* of the last attempt; 0: none came */
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
    bool marked;    /* it holds marks of rn_json_parse_python */
    rn_arena arena; /* samples and composed texts */
    rn_remote_sample *samples;
    int64_t n_samples, n_discarded;
    rn_remote_score score;
    bool has_score;
    int64_t prompt_tok, cached_tok, gen_tok; /* -1 unknown */
    bool hidden;                             /* gen_tok counts reasoning beside the texts */
    int64_t discarded_tok;                   /* of gen_tok, in choices that are no samples */
    const char *id, *model;
} rn_parsed;

struct rn_remote {
    char *url, *model; /* owned */
    rn_remote_api api;
    int in_flight, retries;
    int64_t retry_wait_ms, timeout_ms, max_body_bytes;
    int (*should_stop)(void *user);
    void *user;
    rn_secrets secrets;
    bool has_key;
    json_t *extra;                     /* owned; fields of the user's own; NULL none */
    json_t *headers_said, *query_said; /* owned; what records say of them, secrets excepted */
    char *query;                       /* owned; "a=b&c=d"; NULL none */
    rn_takes takes;
    char first_words[200];           /* of a refusal before any answer; "" none */
    bool settled;                    /* rn_remote_settle has asked */
    RN_VEC(char *) finishes;         /* owned; names that no table here knows */
    char *ca_file;                   /* owned; NULL the system's */
    char *ask_url[3], *shown_url[3]; /* by rn_ask_kind; owned; in messages: without `query` */
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
    bool plain_probe; /* the probe's prompts are refused: it asks with one of its own */
    bool long_probe;  /* so are its short answers */
    int echo_max_tok; /* 0 or 1: what the server takes with echo */
    rn_rng jitter;
    rn_parsed parsed; /* of the answer given out last */
    rn_ask *given;    /* it */
    rn_remote_usage ledger;
};

/* fields.c */
void rn_fields_init(rn_takes *t);
/* Writes what is sent of a->want into a->body, where that is not there already. */
int rn_fields_render(rn_remote *r, rn_ask *a, rn_err *err);
/* After an answer: what the ask held is taken. */
void rn_fields_prove(rn_remote *r, const rn_ask *a);
/* After a refusal: whether something was given up, so that the ask may be sent again at once. */
bool rn_fields_concede(rn_remote *r, const rn_ask *a, long status);
/* The server ignores top_k, so that its own top_k, min_p and repetition penalty decide. */
void rn_fields_ignored(rn_remote *r);
int rn_fields_extra(const char *text, json_t **out, rn_err *err);

/* request.c: each makes an ask with what is wanted and its form; *out is owned. */
int rn_ask_samples(const rn_remote *r, const rn_remote_request *q, rn_ask **out, rn_err *err);
int rn_ask_score(const rn_remote *r, const rn_remote_text *t, rn_ask **out, rn_err *err);
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
/* The model's context from a list of models, *listed whether it is there; -1 unknown. Adds
 * "a, b, c", what the list has up to there, to names. */
int64_t rn_answer_context(rn_bytes body, const char *model, bool *listed, rn_buf *names);

/* words.c */
typedef struct rn_words {
    char text[600];  /* one line; "" nothing was said */
    char field[100]; /* "seed, top_k": the fields that the error names apart from its text */
} rn_words;
void rn_words_read(rn_bytes body, rn_words *out);
/* The same as one line of at most cap - 1 bytes, secrets (NULL none) blotted out. */
void rn_answer_message(rn_bytes body, const rn_secrets *secrets, char *out, size_t cap);
void rn_blot(const rn_secrets *secrets, char *line);
/* What an answer with status 200 really is: 200, or the status of the error that it holds. */
long rn_answer_status(rn_bytes body);
/* True for nothing at all, or a web page: what a gateway sends whose server is away. */
bool rn_answer_is_page(rn_bytes body);
/* True for an object that ends in its middle: nothing told how long it was to be. */
bool rn_answer_is_cut(rn_bytes body);

/* url.c: "NAME: value" and "name=value" of the user, into the handle. A value "$VAR" is taken from
 * the environment and is in no record or message. */
int rn_remote_add_header(rn_remote *r, const char *text, rn_err *err);
int rn_remote_add_query(rn_remote *r, const char *text, rn_err *err);

/* client.c */
int rn_remote_add_secret(rn_remote *r, const char *value, rn_err *err);
void rn_remote_put(rn_remote *r, rn_ask *a); /* queues it */
/* Waits (blocks) until the ask that is `internal` is done; the caller frees it. Answers to other
 * requests stay for rn_remote_wait. */
int rn_remote_finish(rn_remote *r, rn_ask **done, rn_err *err);
/* After a blocking call failed: cancels everything and drops the answers that were for it. */
void rn_remote_give_up(rn_remote *r);
/* Gives a finished ask out as an answer, valid as long as *p lives. */
void rn_remote_deliver(rn_remote *r, rn_ask *a, rn_parsed *p, rn_remote_answer *out);

#endif
