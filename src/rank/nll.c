/*
 * nll.c: see nll.h. Texts of equal tokens have equal scores, whatever stands beside them in a pass,
 * so that each is computed once; small models repeat themselves a lot.
 */
#include "rank/nll.h"

typedef struct batch {
    rn_nll_text *texts;
    int64_t *text_of; /* [n]: place in texts of a score: the first of those with these tokens */
    int64_t *next;    /* [texts]: the next text with the same tokens; -1: none */
    rn_score *scores; /* [n]: of the texts that can be scored */
    rn_ids *ids;      /* [n]: of the same */
    int64_t n;
    const rn_nll_batch *all; /* as it was given */
} batch;

static int on_score(void *user, int64_t i, rn_err *err)
{
    batch *b = user;
    const rn_score *s = &b->scores[i];
    int rc = 0;
    for (int64_t at = b->text_of[i]; at >= 0 && !rc; at = b->next[at]) {
        rn_nll_text *t = &b->texts[at];
        t->state = RN_NLL_SCORED;
        t->sum = s->logprob;
        t->n_tok = s->n_tok;
        t->mean = -s->logprob / (double)s->n_tok;
        t->wall_ns = s->wall_ns; /* each costs what it would cost alone */
        if (b->all->done) rc = b->all->done(b->all->user, at, err);
    }
    return rc;
}

static int on_tick(void *user, const rn_engine_stats *s, rn_err *err)
{
    (void)s;
    batch *b = user;
    return b->all->tick ? b->all->tick(b->all->user, err) : 0;
}

/* The score with these tokens; -1: none yet. */
static int64_t find_equal(const batch *b, const rn_ids *ids)
{
    for (int64_t k = 0; k < b->n; k++)
        if (b->ids[k].n == ids->n && memcmp(b->ids[k].v, ids->v, ids->n * sizeof *ids->v) == 0)
            return k;
    return -1;
}

/* Encodes what can be scored; the longest text's tokens in *longest. */
static int encode(batch *b, const rn_model *m, const rn_ids *prompt, bool bare, int64_t *longest,
                  rn_err *err)
{
    int32_t end = rn_tok_eos(m->tok);
    for (int64_t i = 0; i < b->all->n; i++) {
        rn_nll_text *t = &b->texts[i];
        rn_ids ids = {0};
        int rc = rn_tok_encode(m->tok, t->text, bare ? 0 : RN_TOK_CONTINUE, &ids, err);
        if (!rc && t->ended && end >= 0) rc = rn_ids_add(&ids, end);
        if (rc) {
            rn_ids_free(&ids);
            return rc;
        }
        t->state = ids.n == 0                                ? RN_NLL_EMPTY
                   : prompt->n + ids.n > (size_t)m->hp.n_ctx ? RN_NLL_TOO_LONG
                                                             : RN_NLL_SCORED;
        int64_t same = t->state == RN_NLL_SCORED ? find_equal(b, &ids) : -1;
        b->next[i] = same < 0 ? -1 : b->next[b->text_of[same]];
        if (same >= 0) b->next[b->text_of[same]] = i;
        if (t->state != RN_NLL_SCORED || same >= 0) {
            rn_ids_free(&ids);
            continue;
        }
        if ((int64_t)ids.n > *longest) *longest = (int64_t)ids.n;
        b->ids[b->n] = ids;
        b->scores[b->n] = (rn_score){.tok = ids.v, .n_tok = (int32_t)ids.n};
        b->text_of[b->n++] = i;
    }
    return 0;
}

static int score(batch *b, const rn_model *m, const rn_engine_opts *opts, const rn_ids *prompt,
                 int64_t longest, rn_err *err)
{
    rn_engine_opts o = *opts;
    o.max_prompt_tok = (int64_t)prompt->n;
    o.max_new_tok = longest;
    if (o.n_slots == 0 && b->n < RN_ENGINE_SLOTS) o.n_slots = (int32_t)b->n;
    rn_engine *e;
    int rc = rn_engine_open(m, &o, &e, err);
    if (rc) return rc;
    rn_score_io io = {.done = on_score, .tick = on_tick, .user = b};
    rc = rn_engine_score(e, prompt->v, (int32_t)prompt->n, b->scores, b->n, &io, err);
    rn_engine_close(e);
    return rc;
}

int rn_nll_score(const rn_model *m, const rn_engine_opts *opts, const rn_ids *prompt, bool bare,
                 const rn_nll_batch *texts, rn_err *err)
{
    const int64_t n = texts->n;
    if (n == 0) return 0;
    batch b = {.texts = texts->texts, .all = texts};
    rn_arena a = {0};
    b.text_of = rn_arena_array(&a, (size_t)n, sizeof *b.text_of);
    b.next = rn_arena_array(&a, (size_t)n, sizeof *b.next);
    b.scores = rn_arena_array(&a, (size_t)n, sizeof *b.scores);
    b.ids = rn_arena_array(&a, (size_t)n, sizeof *b.ids);
    int64_t longest = 0;
    int rc = b.text_of && b.next && b.scores && b.ids ? 0 : rn_nomem(err, "texts");
    if (!rc) rc = encode(&b, m, prompt, bare, &longest, err);
    if (!rc && b.n > 0) rc = score(&b, m, opts, prompt, longest, err);
    for (int64_t i = 0; i < b.n; i++)
        rn_ids_free(&b.ids[i]);
    rn_arena_free(&a);
    return rc;
}
