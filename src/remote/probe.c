/*
 * probe.c: what a server can do, by asking: which fields it takes, whether n gives n different
 * samples, whether a seed is honoured, how often the same question gets another answer (also at
 * temperature 0, where batching on the server changes sums), which log probabilities it offers.
 *
 * First one plain question with all that the run's requests hold: what is refused is given up by
 * fields.c. One that is refused for its prompt (too long, filtered) or its short answer says
 * nothing of other requests: it is asked with another prompt, or with the run's own limit. Then
 * top_k 1 with several seeds: where all answers differ the server ignores it. All other questions
 * are asked at once, since a server that is repeatable with one request at a time need not be so
 * with many; a refusal of one of them is an answer to it and ends nothing.
 */
#include "remote/remote_priv.h"

#include "base/near.h"

#include <math.h>
#include <stdlib.h>

enum {
    MAX_PROMPTS = 3,
    REPEATS = 4,
    N_CHOICES = 4,
    OTHER_SEEDS = 3,
    PROBE_TOK = 64,
    TOP_1 = 3, /* questions with top_k 1 */
    TOP_1_TOK = 24,
    PROBE_TRIES = 2, /* llama.cpp answers 500 to what it does not know */
    FIRST_SEED = 20240401,
    PLAINS = 3, /* the plain question, with a longer answer, with another prompt */
    MAX_QUESTIONS = PLAINS + 2 + TOP_1 + MAX_PROMPTS * 2 * REPEATS + OTHER_SEEDS
};

static const char *const plain_prompts[MAX_PROMPTS] = {"def f(x):\n", "def g(x, y):\n",
                                                       "def h(n):\n"};

typedef enum purpose { PLAIN, TOP_K, LOGPROBS, CHOICES, GREEDY, SEEDED, OTHER_SEED } purpose;

typedef struct question {
    purpose purpose;
    int prompt;
    int64_t seed;
    bool answered;
    int64_t n, n_choices; /* samples; with those that were broken off */
    int64_t n_asked;
    uint64_t text[N_CHOICES]; /* hashes */
    double logprob;
} question;

typedef struct probe {
    rn_remote *r;
    rn_bytes prompts[MAX_PROMPTS];
    rn_sampling sampling;
    rn_remote_probe *out;
    bool refused;  /* the plain question, in words that are not about the server */
    rn_buf models; /* names in its list */
    question q[MAX_QUESTIONS];
    int n;
} probe;

/* ---- one question ---------------------------------------------------------------------------- */

static int ask(probe *p, int i, rn_err *err)
{
    const question *q = &p->q[i];
    rn_sampling s = p->sampling;
    if (q->purpose != PLAIN && !(s.temperature > 0)) s.temperature = 0.8;
    if (q->purpose == GREEDY) s.temperature = 0;
    if (q->purpose == TOP_K) {
        s.top_k = 1;
        if (s.top_p >= 1) s.top_p = 0.95;
        if (s.max_tok > TOP_1_TOK) s.max_tok = TOP_1_TOK;
    }
    rn_remote_request want = {.tag = (uint64_t)i,
                              .prompt = p->prompts[q->prompt],
                              .n = q->purpose == CHOICES ? N_CHOICES : 1,
                              .sampling = &s,
                              .seed = q->seed,
                              .logprobs = q->purpose == LOGPROBS};
    rn_ask *a;
    int rc = rn_ask_samples(p->r, &want, &a, err);
    if (rc) return rc;
    a->internal = true;
    if (q->purpose != PLAIN && a->max_tries > PROBE_TRIES) a->max_tries = PROBE_TRIES;
    rn_remote_put(p->r, a);
    return 0;
}

/* Takes the next answer; an error only where any work is impossible. */
static int note(probe *p, rn_err *err)
{
    rn_ask *a;
    int rc = rn_remote_finish(p->r, &a, err);
    if (rc) return rc;
    rn_parsed parsed;
    rn_remote_answer got;
    rn_remote_deliver(p->r, a, &parsed, &got);
    question *q = &p->q[got.tag];
    q->answered = got.rc == 0;
    q->n = got.n_samples;
    q->n_choices = got.n_samples + got.n_discarded;
    q->n_asked = got.n_asked;
    q->logprob = NAN;
    for (int64_t i = 0; i < got.n_samples && i < N_CHOICES; i++)
        q->text[i] = rn_rng_stream(got.samples[i].text.data, got.samples[i].text.len);
    if (q->answered) q->logprob = got.samples[0].logprob;
    if (q->answered && got.usage.n_untold == 0) p->out->usage = true;
    if (got.cached_tok >= 0) p->out->cached = true;
    if (got.rc && !p->out->says[0])
        snprintf(p->out->says, sizeof p->out->says, "%.159s", got.err.msg);
    if (got.rc && q->purpose == PLAIN) {
        rc = got.rc;
        if (err) *err = got.err;
    }
    if (q->purpose == PLAIN)
        p->refused = rc && (a->status == 400 || a->status == 413 || a->status == 422);
    rn_parsed_free(&parsed);
    rn_ask_free(a);
    return rc;
}

/* ---- the list of models ---------------------------------------------------------------------- */

static int look_at_models(probe *p, rn_err *err)
{
    rn_ask *a;
    int rc = rn_ask_models(p->r, &a, err);
    if (rc) return rc;
    a->internal = true;
    if (a->max_tries > PROBE_TRIES) a->max_tries = PROBE_TRIES;
    rn_remote_put(p->r, a);
    if ((rc = rn_remote_finish(p->r, &a, err))) return rc;
    p->out->listed = true;
    rn_buf_clear(&p->models);
    if (a->rc == 0)
        p->out->context_tok = rn_answer_context(rn_buf_view(&a->in), rn_remote_model(p->r),
                                                &p->out->listed, &p->models);
    rn_ask_free(a);
    return 0;
}

/* What is served at an address that does not know the model, into its message. */
static void name_models(probe *p, rn_err *err)
{
    enum { MOST = 300 };
    char hint[RN_NEAR_HINT];
    if (!p->models.len && look_at_models(p, NULL)) return;
    if (!err || !p->models.len || !rn_buf_ok(&p->models) || p->out->listed) return;
    rn_near_hint(rn_remote_model(p->r), p->models.data, hint);
    size_t n = strlen(err->msg);
    snprintf(err->msg + n, sizeof err->msg - n, "; its list has %.*s%s%s", MOST, p->models.data,
             p->models.len > MOST ? " ..." : "", hint);
}

/* ---- conclusions ----------------------------------------------------------------------------- */

static int64_t n_distinct(const uint64_t *v, int64_t n)
{
    int64_t distinct = 0;
    for (int64_t i = 0; i < n; i++) {
        bool seen = false;
        for (int64_t k = 0; k < i; k++)
            seen = seen || v[k] == v[i];
        distinct += !seen;
    }
    return distinct;
}

/* How many of v differ from its most frequent value. */
static int64_t n_differing(const uint64_t *v, int64_t n)
{
    int64_t most = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t same = 0;
        for (int64_t k = 0; k < n; k++)
            same += v[k] == v[i];
        if (same > most) most = same;
    }
    return n - most;
}

/* The texts of the answered questions of one kind and prompt (-1: of any). */
static int64_t texts_of(const probe *p, purpose what, int prompt, uint64_t *v)
{
    int64_t n = 0;
    for (int i = 0; i < p->n; i++) {
        const question *q = &p->q[i];
        if (q->purpose == what && q->answered && (prompt < 0 || q->prompt == prompt))
            v[n++] = q->text[0];
    }
    return n;
}

static void conclude(probe *p, int n_prompts)
{
    rn_remote_probe *out = p->out;
    uint64_t v[MAX_QUESTIONS];
    for (int i = 0; i < n_prompts; i++) {
        int64_t n = texts_of(p, GREEDY, i, v);
        out->n_greedy += n;
        out->n_greedy_differ += n_differing(v, n);
        n = texts_of(p, SEEDED, i, v);
        out->n_seeded += n;
        out->n_seeded_differ += n_differing(v, n);
    }
    int64_t n = texts_of(p, OTHER_SEED, -1, v);
    out->honours_seed =
        out->n_seeded > 0 && 2 * out->n_seeded_differ < out->n_seeded && n_distinct(v, n) > 1;
    for (int i = 0; i < p->n; i++) {
        const question *q = &p->q[i];
        if (q->purpose == LOGPROBS) out->logprobs = q->answered && !isnan(q->logprob);
        if (q->purpose != CHOICES || !q->answered) continue;
        out->n_choices = q->n_choices;
        out->n_distinct = n_distinct(q->text, q->n);
        out->honours_n = q->n_asked > 1 && q->n_choices == q->n_asked && out->n_distinct > 1;
    }
}

/* ---- the probe ------------------------------------------------------------------------------- */

static void add(probe *p, purpose what, int prompt, int64_t seed)
{
    p->q[p->n++] = (question){.purpose = what, .prompt = prompt, .seed = seed};
}

/* Asks all questions from `from` on at once and takes their answers. */
static int ask_from(probe *p, int from, rn_err *err)
{
    int rc = 0, asked = from;
    while (!rc && asked < p->n)
        rc = ask(p, asked++, err);
    for (int noted = from; !rc && noted < asked; noted++)
        rc = note(p, err);
    return rc;
}

static void use_plain(probe *p)
{
    for (int i = 0; i < MAX_PROMPTS; i++)
        p->prompts[i] = rn_bytes_of(plain_prompts[i]);
}

static probe *new_probe(rn_remote *r, const rn_bytes *prompts, int n_prompts,
                        const rn_sampling *sampling, rn_remote_probe *out)
{
    *out = (rn_remote_probe){.context_tok = -1, .listed = true};
    probe *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    *p = (probe){.r = r, .sampling = *sampling, .out = out};
    for (int i = 0; i < MAX_PROMPTS; i++)
        p->prompts[i] = prompts[i < n_prompts ? i : 0];
    if (r->plain_probe) use_plain(p);
    if (p->sampling.max_tok > PROBE_TOK && !r->long_probe) p->sampling.max_tok = PROBE_TOK;
    return p;
}

static void free_probe(probe *p)
{
    rn_buf_free(&p->models);
    free(p);
}

/* The plain question, in other ways where it is refused; the first refusal is the one to tell. */
static int ask_plain(probe *p, const rn_sampling *own, rn_err *err)
{
    rn_remote *r = p->r;
    rn_err first, other;
    add(p, PLAIN, 0, FIRST_SEED);
    int rc = ask_from(p, 0, &first);
    if (rc && p->refused && own->max_tok > p->sampling.max_tok && strcasestr(first.msg, "max")) {
        p->sampling.max_tok = own->max_tok;
        add(p, PLAIN, 0, FIRST_SEED);
        r->long_probe = ask_from(p, p->n - 1, &other) == 0;
        if (r->long_probe) return 0;
        p->sampling.max_tok = PROBE_TOK;
    }
    if (rc && p->refused) {
        use_plain(p);
        add(p, PLAIN, 0, FIRST_SEED);
        r->plain_probe = ask_from(p, p->n - 1, &other) == 0;
        if (r->plain_probe) return 0;
    }
    if (rc && err) *err = first;
    return rc;
}

static int settle(probe *p, const rn_sampling *own, rn_err *err)
{
    rn_remote *r = p->r;
    if (r->settled) return 0;
    int rc = ask_plain(p, own, err);
    int from = p->n;
    for (int i = 0; i < TOP_1; i++)
        add(p, TOP_K, 0, FIRST_SEED + 1 + i);
    if (!rc) rc = ask_from(p, from, err);
    if (rc) return rc;
    uint64_t v[MAX_QUESTIONS];
    int64_t n = texts_of(p, TOP_K, -1, v);
    if (n == TOP_1 && n_distinct(v, n) == n) rn_fields_ignored(r);
    r->settled = true;
    return 0;
}

int rn_remote_settle(rn_remote *r, rn_bytes prompt, const rn_sampling *sampling, rn_err *err)
{
    rn_remote_probe ignored;
    probe *p = new_probe(r, &prompt, 1, sampling, &ignored);
    if (!p) return rn_fail(err, RN_ENOMEM, "out of memory for a probe");
    int rc = settle(p, sampling, err);
    if (rc == RN_ENOTFOUND) name_models(p, err);
    if (rc) rn_remote_give_up(r);
    free_probe(p);
    return rc;
}

/* The first n_prompts are repeated; 0: nothing is. */
static int run_probe(rn_remote *r, const rn_bytes *prompts, int n_prompts,
                     const rn_sampling *sampling, rn_remote_probe *out, rn_err *err)
{
    probe *p = new_probe(r, prompts, n_prompts ? n_prompts : 1, sampling, out);
    if (!p) return rn_fail(err, RN_ENOMEM, "out of memory for a probe");
    int rc = look_at_models(p, err);
    if (!rc) rc = settle(p, sampling, err);
    if (rc == RN_ENOTFOUND) name_models(p, err);
    int from = p->n;
    add(p, LOGPROBS, 0, FIRST_SEED);
    add(p, CHOICES, 0, FIRST_SEED);
    for (int i = 0; n_prompts && i < OTHER_SEEDS; i++)
        add(p, OTHER_SEED, 0, FIRST_SEED + 1 + i);
    for (int k = 0; k < n_prompts; k++)
        for (int i = 0; i < REPEATS; i++) {
            add(p, GREEDY, k, FIRST_SEED);
            add(p, SEEDED, k, FIRST_SEED);
        }
    if (!rc) rc = ask_from(p, from, err);
    if (rc)
        rn_remote_give_up(r);
    else
        conclude(p, n_prompts);
    free_probe(p);
    return rc;
}

int rn_remote_probe_run(rn_remote *r, const rn_bytes *prompts, size_t n_prompts,
                        const rn_sampling *sampling, rn_remote_probe *out, rn_err *err)
{
    if (n_prompts == 0) return rn_fail(err, RN_EINVAL, "a probe needs a prompt");
    return run_probe(r, prompts, n_prompts < MAX_PROMPTS ? (int)n_prompts : MAX_PROMPTS, sampling,
                     out, err);
}

int rn_remote_probe_quick(rn_remote *r, rn_bytes prompt, const rn_sampling *sampling,
                          rn_remote_probe *out, rn_err *err)
{
    return run_probe(r, &prompt, 0, sampling, out, err);
}

/* ---- scoring --------------------------------------------------------------------------------- */

int rn_remote_find_scoring(rn_remote *r, rn_remote_scoring *out, rn_err *err)
{
    static const struct {
        rn_remote_scoring how;
        int max_tok;
    } ways[] = {{RN_SCORE_ECHO, 0}, {RN_SCORE_ECHO, 1}, {RN_SCORE_PROMPT_LOGPROBS, 1}};
    if (rn_remote_api_of(r) == RN_REMOTE_CHAT)
        return rn_fail(err, RN_EUNSUPPORTED,
                       "texts are scored through completions, not through chat");
    char said[200] = "";
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        r->echo_max_tok = ways[i].max_tok;
        rn_ask *a;
        const rn_remote_text t = {.how = ways[i].how,
                                  .prompt = rn_bytes_of("def f(x):\n"),
                                  .text = rn_bytes_of("    return x\n")};
        int rc = rn_ask_score(r, &t, &a, err);
        if (rc) return rc;
        a->internal = true;
        if (a->max_tries > PROBE_TRIES) a->max_tries = PROBE_TRIES;
        rn_remote_put(r, a);
        if ((rc = rn_remote_finish(r, &a, err))) {
            rn_remote_give_up(r);
            return rc;
        }
        rn_parsed parsed;
        rn_remote_answer got;
        rn_remote_deliver(r, a, &parsed, &got);
        if (got.rc && got.fatal) {
            rc = got.rc;
            if (err) *err = got.err;
        } else if (got.rc && !said[0]) {
            snprintf(said, sizeof said, "%.199s", got.err.msg);
        }
        bool found = got.rc == 0 && got.score.sum < 0;
        if (got.rc == 0 && !found && !said[0])
            snprintf(said, sizeof said, "its log probabilities are all 0");
        rn_parsed_free(&parsed);
        rn_ask_free(a);
        if (rc) return rc;
        if (!found) continue;
        *out = ways[i].how;
        return 0;
    }
    return rn_fail(
        err, RN_EUNSUPPORTED,
        "%s scores no texts that it is given, neither by echo nor by prompt_logprobs (%s); "
        "rank with a GGUF file, or with a server that does, such as vLLM",
        r->url, said);
}
