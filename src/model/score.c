/*
 * score.c: likelihood of given texts, and logits of every position.
 *
 * The texts' tokens but the last of each go through the model side by side, RN_ENGINE_CHUNK rows a
 * pass; row i of a text gives the distribution of its token i + 1, the prompt's last row that of
 * token 0. A text longer than a pass continues in the next one. Texts beyond the slots wait.
 */
#include "base/clock.h"
#include "model/engine_priv.h"
#include "model/draw.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* What the threads need to turn rows of logits into log probabilities. */
typedef struct reduce_job {
    const rn_engine *e;
    const float *logits; /* [rows, n_vocab] */
    const int32_t *next; /* [rows]: the token whose probability is wanted */
    const int32_t *alt;  /* [rows]: another one in its place; -1 none */
    double *out;         /* [rows] */
    double *alt_out;     /* [rows] */
} reduce_job;

static void reduce_rows(void *arg, int64_t begin, int64_t end, int thread)
{
    (void)thread;
    reduce_job *j = arg;
    int32_t v = j->e->model->hp.n_vocab;
    for (int64_t r = begin; r < end; r++) {
        const float *logits = j->logits + r * v;
        j->out[r] = rn_logprob(j->e->model->kern, logits, v, j->next[r]);
        if (j->alt[r] >= 0) j->alt_out[r] = rn_logprob(j->e->model->kern, logits, v, j->alt[r]);
    }
}

/* The state of one call. */
typedef struct scoring {
    rn_engine *e;
    rn_cache prompt;
    int32_t n_prompt;
    bool long_text; /* this turn is that of long texts */
    rn_score *texts;
    const rn_score_io *io; /* NULL: none */
    int64_t n;
    int64_t next; /* the first text that has no slot yet */
    struct {
        int64_t text;    /* -1: free */
        int32_t done;    /* tokens that went through */
    } * slots;           /* [n_slots] */
    int32_t *next_tok;   /* [max_rows] */
    int32_t *alt_tok;    /* [max_rows] */
    int64_t *text_of;    /* [max_rows] */
    double *logprob;     /* [max_rows] */
    double *alt_logprob; /* [max_rows] */
    int64_t *span_text;  /* [max_rows]: text of a span */
} scoring;

static bool in_turn(const scoring *sc, const rn_score *t)
{
    return rn_engine_long(sc->e, sc->n_prompt + t->n_tok) == sc->long_text;
}

/* The spans of the next pass: what is left of the texts in slots, as far as the rows reach. */
static int32_t plan_pass(scoring *sc, int32_t *n_spans)
{
    rn_engine *e = sc->e;
    int32_t rows = 0, spans = 0;
    for (int32_t i = 0; i < e->opts.n_slots && rows < RN_ENGINE_CHUNK; i++) {
        if (sc->slots[i].text < 0) {
            rn_cache_drop(&e->slots[i].cache);
            while (sc->next < sc->n && (sc->texts[sc->next].n_tok < 2 || /* the prompt's logits */
                                        !in_turn(sc, &sc->texts[sc->next]))) /* were enough */
                sc->next++;
            if (sc->next == sc->n) continue;
            /* Alone it fits always; else it waits for pages of others. */
            if (!rn_engine_reach(e, &e->slots[i].cache, sc->texts[sc->next].n_tok - 1)) continue;
            sc->slots[i].text = sc->next++;
            sc->slots[i].done = 0;
        }
        int64_t ti = sc->slots[i].text;
        const rn_score *t = &sc->texts[ti];
        int32_t done = sc->slots[i].done, left = t->n_tok - 1 - done;
        int32_t m = left < RN_ENGINE_CHUNK - rows ? left : RN_ENGINE_CHUNK - rows;
        sc->span_text[spans] = ti;
        e->spans[spans++] = (rn_span){
            .prefix = &sc->prompt,
            .own = &e->slots[i].cache,
            .n_prefix = sc->n_prompt,
            .n_own = done,
            .tok = t->tok + done,
            .n = m,
            .long_text = sc->long_text,
        };
        for (int32_t k = 0; k < m; k++, rows++) {
            sc->next_tok[rows] = t->tok[done + k + 1];
            sc->alt_tok[rows] = t->has_alt && done + k + 2 == t->n_tok ? t->alt : -1;
            sc->text_of[rows] = ti;
        }
        sc->slots[i].done += m;
        if (m == left) sc->slots[i].text = -1; /* its cache is not needed after this pass */
    }
    *n_spans = spans;
    return rows;
}

static int tell(const scoring *sc, int64_t text, rn_err *err)
{
    if (!sc->io || !sc->io->done) return 0;
    int rc = sc->io->done(sc->io->user, text, err);
    return rc < 0 ? rc : 0;
}

static int run_pass(scoring *sc, int32_t rows, int32_t n_spans, rn_err *err)
{
    rn_engine *e = sc->e;
    int64_t t0 = rn_now_ns();
    rn_forward_run(e->fwd, e->spans, n_spans);
    for (int32_t at = 0; at < rows; at += RN_ENGINE_LOGIT_ROWS) {
        int32_t m = rows - at < RN_ENGINE_LOGIT_ROWS ? rows - at : RN_ENGINE_LOGIT_ROWS;
        rn_forward_logits(e->fwd, at, m, e->logits);
        reduce_job j = {e,
                        e->logits,
                        sc->next_tok + at,
                        sc->alt_tok + at,
                        sc->logprob + at,
                        sc->alt_logprob + at};
        rn_pool_for(e->pool, m, 1, reduce_rows, &j);
    }
    int64_t share = (rn_now_ns() - t0) / rows;
    for (int32_t r = 0; r < rows; r++) { /* row order is token order within a text */
        rn_score *t = &sc->texts[sc->text_of[r]];
        if (!isfinite(sc->logprob[r]))
            return rn_fail(
                err, RN_EFORMAT,
                "%s: the model's logits are not numbers; its weights are damaged or of a "
                "variant that this version does not know",
                e->model->path);
        t->logprob += sc->logprob[r];
        t->wall_ns += share;
        if (sc->alt_tok[r] < 0) continue;
        t->last_logprob = sc->logprob[r];
        t->alt_logprob = sc->alt_logprob[r];
    }
    e->stats.n_new_tok += rows;
    for (int32_t i = 0; i < n_spans; i++) {
        const rn_score *t = &sc->texts[sc->span_text[i]];
        int rc =
            e->spans[i].n_own + e->spans[i].n == t->n_tok - 1 ? tell(sc, sc->span_text[i], err) : 0;
        if (rc) return rc;
    }
    if (!sc->io || !sc->io->tick) return 0;
    int rc = sc->io->tick(sc->io->user, &e->stats, err);
    return rc < 0 ? rc : 0;
}

static int check_texts(const rn_engine *e, int32_t n_prompt, const rn_score *texts, int64_t n,
                       rn_err *err)
{
    for (int64_t i = 0; i < n; i++) {
        int rc = rn_engine_check_ids(e, texts[i].tok, texts[i].n_tok, "a text to score", err);
        if (!rc && texts[i].has_alt)
            rc = rn_engine_check_ids(e, &texts[i].alt, 1, "an answer to score", err);
        if (rc) return rc;
        if (texts[i].n_tok > e->opts.max_new_tok || n_prompt + texts[i].n_tok > e->model->hp.n_ctx)
            return rn_fail(
                err, RN_ELIMIT,
                "text %lld has %d tokens after a prompt of %d; the engine was opened for "
                "%lld, the model's context is %d",
                (long long)i, texts[i].n_tok, n_prompt, (long long)e->opts.max_new_tok,
                e->model->hp.n_ctx);
    }
    return 0;
}

/* The prompt, and with it the first token of every text. */
static int score_first(scoring *sc, const int32_t *prompt, rn_err *err)
{
    rn_engine *e = sc->e;
    int64_t t0 = rn_now_ns();
    int64_t n = 0;
    for (int64_t i = 0; i < sc->n; i++)
        n += in_turn(sc, &sc->texts[i]);
    if (n == 0) return 0;
    const rn_prompt_ids p = {prompt, sc->n_prompt, sc->long_text};
    int rc = rn_engine_prompt(e, &p, &sc->prompt, e->logits, err);
    if (rc) return rc;
    int64_t share = (rn_now_ns() - t0) / n;
    for (int64_t i = 0; i < sc->n; i++) {
        rn_score *t = &sc->texts[i];
        if (!in_turn(sc, t)) continue;
        t->logprob = rn_logprob(e->model->kern, e->logits, e->model->hp.n_vocab, t->tok[0]);
        t->wall_ns = share;
        if (t->has_alt && t->n_tok == 1) {
            t->last_logprob = t->logprob;
            t->alt_logprob = rn_logprob(e->model->kern, e->logits, e->model->hp.n_vocab, t->alt);
        }
        if (!isfinite(t->logprob))
            return rn_fail(err, RN_EFORMAT,
                           "%s: the model's logits are not numbers; its weights are damaged",
                           e->model->path);
        rc = t->n_tok == 1 ? tell(sc, i, err) : 0;
        if (rc) return rc;
    }
    e->stats.prefill_ns += rn_now_ns() - t0;
    return 0;
}

/* All texts of one turn: those that the factors of short texts turn, or those of long ones. */
static int take_turn(scoring *sc, const int32_t *prompt, rn_err *err)
{
    rn_engine *e = sc->e;
    int rc = score_first(sc, prompt, err);
    int64_t t0 = rn_now_ns();
    while (!rc) {
        int32_t n_spans, m = plan_pass(sc, &n_spans);
        if (m == 0) break;
        rc = run_pass(sc, m, n_spans, err);
    }
    e->stats.decode_ns += rn_now_ns() - t0;
    for (int32_t i = 0; i < e->opts.n_slots; i++)
        rn_cache_drop(&e->slots[i].cache);
    rn_cache_close(&sc->prompt);
    return rc;
}

int rn_engine_score(rn_engine *e, const int32_t *prompt, int32_t n_prompt, rn_score *texts,
                    int64_t n, const rn_score_io *io, rn_err *err)
{
    int rc = rn_engine_check_ids(e, prompt, n_prompt, "the prompt", err);
    if (!rc && n_prompt > e->opts.max_prompt_tok)
        rc = rn_fail(err, RN_EINVAL, "a prompt of %d tokens in an engine opened for %lld", n_prompt,
                     (long long)e->opts.max_prompt_tok);
    if (!rc) rc = check_texts(e, n_prompt, texts, n, err);
    if (rc) return rc;
    e->stats = (rn_engine_stats){0};
    scoring sc = {.e = e, .n_prompt = n_prompt, .texts = texts, .n = n, .io = io};
    size_t rows = (size_t)e->max_rows;
    sc.slots = calloc((size_t)e->opts.n_slots, sizeof *sc.slots);
    sc.next_tok = calloc(rows, sizeof *sc.next_tok);
    sc.alt_tok = calloc(rows, sizeof *sc.alt_tok);
    sc.text_of = calloc(rows, sizeof *sc.text_of);
    sc.logprob = calloc(rows, sizeof *sc.logprob);
    sc.alt_logprob = calloc(rows, sizeof *sc.alt_logprob);
    sc.span_text = calloc(rows, sizeof *sc.span_text);
    if (!sc.slots || !sc.next_tok || !sc.alt_tok || !sc.alt_logprob || !sc.text_of || !sc.logprob ||
        !sc.span_text)
        rc = rn_fail(err, RN_ENOMEM, "out of memory for scoring");
    if (rc) goto out;
    for (int32_t i = 0; i < e->opts.n_slots; i++)
        sc.slots[i].text = -1;
    rc = take_turn(&sc, prompt, err);
    if (!rc && e->model->hp.long_ctx) {
        sc.long_text = true;
        sc.next = 0;
        rc = take_turn(&sc, prompt, err);
    }
out:
    free(sc.slots);
    free(sc.next_tok);
    free(sc.alt_tok);
    free(sc.alt_logprob);
    free(sc.text_of);
    free(sc.logprob);
    free(sc.span_text);
    return rc;
}

int rn_engine_logits(rn_engine *e, const int32_t *ids, int32_t n, float *out, rn_err *err)
{
    int rc = rn_engine_check_ids(e, ids, n, "the input", err);
    if (rc) return rc;
    if (n > e->opts.max_prompt_tok)
        return rn_fail(err, RN_EINVAL, "%d tokens in an engine opened for %lld", n,
                       (long long)e->opts.max_prompt_tok);
    rn_cache cache;
    rc = rn_cache_open(&cache, &e->pages, n, err);
    if (rc) return rc;
    const bool fits = rn_engine_reach(e, &cache, n); /* an engine has room for its longest prompt */
    assert(fits);
    (void)fits;
    for (int32_t at = 0; at < n;) {
        int32_t m = n - at < RN_ENGINE_CHUNK ? n - at : RN_ENGINE_CHUNK;
        const rn_span s = {
            .own = &cache, .n_own = at, .tok = ids + at, .n = m, .long_text = rn_engine_long(e, n)};
        rn_forward_run(e->fwd, &s, 1);
        for (int32_t r = 0; r < m; r += RN_ENGINE_LOGIT_ROWS) {
            int32_t k = m - r < RN_ENGINE_LOGIT_ROWS ? m - r : RN_ENGINE_LOGIT_ROWS;
            rn_forward_logits(e->fwd, r, k, out + (size_t)(at + r) * (size_t)e->model->hp.n_vocab);
        }
        at += m;
    }
    rn_cache_close(&cache);
    return 0;
}
