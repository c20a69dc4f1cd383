/*
 * rank_nll.c: the likelihood ranker over a store's runs (rank/nll.h): each text after its own
 * prompt, made and wrapped as the run's was. Texts without a token and those that do not fit the
 * model's context are left out and counted.
 */
#include "run/identity.h"
#include "run/infill.h"
#include "run/rank_priv.h"

#include "model/chat.h"
#include "rank/nll_server.h"

typedef struct nll {
    rn_remote_scoring scoring;
    rn_chat chat;       /* of the run at work */
    rn_nll_text *texts; /* [items.n] of the problem at work */
    int64_t prompt_tok, n_siblings;
} nll;

static int open_nll(rn_ranking *k, rn_err *err)
{
    nll *n = k->own = calloc(1, sizeof *n);
    if (!n) return rn_nomem(err, NULL);
    rn_opened *m = &k->opened;
    int rc = rn_opened_open(&k->o->model, &k->o->watch, RN_REMOTE_COMPLETIONS, m, err);
    if (!rc && m->remote) rc = rn_remote_find_scoring(m->remote, &n->scoring, err);
    if (!rc) rc = rn_opened_hash(m, err);
    if (rc) return rc;
    rn_ranker_identity r = {.by = "nll"};
    if (m->remote) {
        r.server = rn_remote_url(m->remote);
        r.server_model = rn_remote_model(m->remote);
        r.scoring = rn_remote_scoring_name(n->scoring);
        r.body = k->o->model.body;
    } else {
        r.model_sha = m->sha;
        r.kernels = rn_isa_name(rn_isa_bits(m->model->isa));
        r.kv = rn_kv_name(m->engine.kv);
    }
    char name[320];
    snprintf(name, sizeof name, "nll:%s", m->name);
    return rn_ranking_put_ranker(k, name, &r, err);
}

/* How the run's prompts were made. */
static int begin_run(rn_ranking *k, rn_err *err)
{
    nll *n = k->own;
    const long long id = (long long)k->run->id;
    if (!k->preset)
        return rn_fail(err, RN_EINVAL, "run %lld: no prompt preset '%s'; name one with --preset",
                       id, k->o->preset ? k->o->preset : k->run->preset_name);
    const char *chat = json_string_value(json_object_get(k->settings, "chat"));
    n->chat = RN_CHAT_NONE;
    if (!chat || strcmp(chat, "none") == 0) return 0;
    if (k->opened.remote || strcmp(chat, "server") == 0)
        return rn_fail(
            err, RN_EUNSUPPORTED, "run %lld was sampled with prompts wrapped as '%s'; %s", id, chat,
            k->opened.remote ? "a server scores plain prompts only; rank with a GGUF file"
                             : "that server's template is not known here");
    return rn_chat_parse(chat, &n->chat, err);
}

/* Samples of model files keep their stop string; one that stopped without it had an end token. Of
 * imported samples and those of servers nobody knows. */
static bool ended_by_token(const rn_ranking *k, const rn_rank_item *x)
{
    const json_t *stop = json_object_get(k->settings, "stop");
    if (!json_is_array(stop) || !x->stopped) return false;
    if (json_object_get(k->settings, "server") && json_array_size(stop)) return false;
    for (size_t i = 0; i < json_array_size(stop); i++) {
        rn_bytes s = rn_bytes_of(json_string_value(json_array_get(stop, i)));
        if (s.len && rn_bytes_find(x->text, s, 0) != SIZE_MAX) return false;
    }
    return true;
}

static int put_score(void *user, int64_t i, rn_err *err)
{
    rn_ranking *k = user;
    const nll *n = k->own;
    const rn_nll_text *t = &n->texts[i];
    const rn_store_score x = {
        .sample_id = k->items.data[i].sample_id,
        .ranker_id = k->ranker_id,
        .score = t->mean,
        .sum = t->sum,
        .n_tok = t->n_tok,
        .wall_ns = t->wall_ns,
        .flop = rn_flop_share(&k->opened.shape, n->prompt_tok, t->n_tok, n->n_siblings),
    };
    return rn_ranking_put_score(k, &x, err);
}

static int score_here(rn_ranking *k, rn_bytes text, const rn_nll_batch *texts, rn_err *err)
{
    nll *n = k->own;
    const rn_model *m = k->opened.model;
    const char *system = json_string_value(json_object_get(k->settings, "system"));
    rn_ids prompt = {0};
    int rc = n->chat == RN_CHAT_NONE
                 ? rn_infill_encode(m->tok, text, &prompt, err)
                 : rn_chat_encode(n->chat, m->tok, rn_bytes_of(system), text, &prompt, err);
    if (!rc && prompt.n == 0)
        rc = rn_fail(err, RN_EINVAL,
                     "the prompt of %s is empty and the model has no token to begin with",
                     k->problem->task_id);
    n->prompt_tok = (int64_t)prompt.n;
    if (!rc && prompt.n < (size_t)m->hp.n_ctx)
        rc = rn_nll_score(m, &k->opened.engine, &prompt, text.len == 0, texts, err);
    else if (!rc)
        k->out->n_too_long += texts->n;
    rn_ids_free(&prompt);
    return rc;
}

static int score_texts(rn_ranking *k, rn_err *err)
{
    nll *n = k->own;
    rn_opened *m = &k->opened;
    const rn_nll_batch texts = {.texts = n->texts,
                                .n = (int64_t)k->items.n,
                                .done = put_score,
                                .tick = rn_ranking_tick,
                                .user = k};
    rn_buf *prompt = &k->source;
    int64_t next_idx;
    rn_buf_clear(prompt);
    /* As the samples were asked for, if this model can be asked so. */
    const bool gap = json_is_true(json_object_get(k->settings, "infill")) && !m->remote &&
                     n->chat == RN_CHAT_NONE && rn_infill_applies(k->problem, m->model->tok);
    int rc = gap ? rn_infill_build(k->problem, m->model->tok, prompt, err)
                 : rn_prompt_build(k->preset, k->set, k->problem, prompt, err);
    if (!rc)
        rc = rn_store_count_samples(k->store, k->run->id, k->problem_id, &n->n_siblings, &next_idx,
                                    err);
    if (rc || !m->remote) return rc ? rc : score_here(k, rn_buf_view(prompt), &texts, err);
    rn_nll_heard heard = {0};
    rc = rn_nll_score_server(m->remote, n->scoring, rn_buf_view(prompt), &texts, &heard, err);
    n->prompt_tok = heard.prompt_tok;
    if (*heard.refusal) snprintf(k->out->refusal, sizeof k->out->refusal, "%s", heard.refusal);
    return rc ? rc
              : rn_server_put_note(m, rn_remote_ledger(m->remote), NULL, k->store, k->command_id,
                                   err);
}

static int score_problem(rn_ranking *k, rn_err *err)
{
    nll *n = k->own;
    n->texts = rn_arena_array(&k->problem_arena, k->items.n, sizeof *n->texts);
    if (!n->texts) return rn_nomem(err, "texts");
    for (size_t i = 0; i < k->items.n; i++)
        n->texts[i] = (rn_nll_text){.text = k->items.data[i].text,
                                    .ended = ended_by_token(k, &k->items.data[i])};
    int rc = score_texts(k, err);
    for (size_t i = 0; !rc && i < k->items.n; i++) {
        k->out->n_empty += n->texts[i].state == RN_NLL_EMPTY;
        k->out->n_too_long += n->texts[i].state == RN_NLL_TOO_LONG;
        k->out->n_refused += n->texts[i].state == RN_NLL_REFUSED;
    }
    return rc;
}

static void close_nll(rn_ranking *k)
{
    free(k->own);
}

const rn_ranker rn_rank_by_nll = {.name = "nll",
                                  .asks = true,
                                  .lower_is_better = true,
                                  .open = open_nll,
                                  .begin = begin_run,
                                  .score = score_problem,
                                  .close = close_nll};
