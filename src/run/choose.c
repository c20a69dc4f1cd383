/*
 * choose.c: a program where no test decides: the candidate that passes most examples of the
 * problem's text and that most samples agree with (solve_agree.c), where it shows any; among
 * equals, and otherwise, the one that a model finds likeliest (equation 7, the mean negative log
 * likelihood; docs/METRICS.md).
 *
 * Candidates are answers that hold code and did not run into the token limit, equal programs once;
 * after failed tests those that did not even compile are left out. The ranker is the local model
 * whose samples cost most; where all models are behind servers, each sample's own likelihood, as
 * its server told it.
 */
#include "base/clock.h"
#include "run/program.h"
#include "run/solve_priv.h"

static bool is_candidate(const rn_try *t)
{
    bool compiles = !t->judged || t->result.verdict != RN_V_SYNTAX;
    return t->found && compiles && strcmp(t->finish, "length") != 0;
}

static size_t list_candidates(const rn_solve_state *s, rn_try **list)
{
    rn_programs distinct = {0};
    size_t n = 0;
    for (size_t i = 0; i < s->tries.n; i++) {
        rn_try *t = s->tries.data[i];
        bool is_new = false;
        if (is_candidate(t)) (void)rn_programs_add(&distinct, 0, t->sha, &is_new);
        if (is_new) list[n++] = t;
    }
    rn_programs_free(&distinct);
    return n;
}

/* The local arm whose samples cost most; -1 if none is local. */
static int largest_local(const rn_solve_state *s)
{
    int best = -1;
    double most = -1;
    for (int i = 0; i < s->n_arms; i++) {
        double shared, each;
        if (s->arms[i].sampler->m.remote) continue;
        rn_price_expect(&s->arms[i].price, RN_UNIT_FLOP, &shared, &each);
        if (each <= most) continue;
        most = each;
        best = i;
    }
    return best;
}

static int score_by_model(rn_solve_state *s, int arm, rn_try **list, size_t n, rn_err *err)
{
    rn_nll_text *texts = calloc(n, sizeof *texts);
    if (!texts) return rn_nomem(err, "ranking");
    for (size_t i = 0; i < n; i++)
        texts[i] = (rn_nll_text){.text = rn_buf_view(&list[i]->text),
                                 .ended = strcmp(list[i]->finish, "stop") == 0};
    int64_t t0 = rn_now_ns(), n_tok = 0;
    rn_slot_arm *x = &s->arms[arm];
    const int64_t prompt_tok = (int64_t)x->sampler->orders.data[0].ids.n;
    int rc = rn_sampler_score(x->sampler, texts, (int64_t)n, err);
    for (size_t i = 0; !rc && i < n; i++) {
        if (texts[i].state != RN_NLL_SCORED) continue;
        list[i]->score = texts[i].mean;
        n_tok += texts[i].n_tok;
        const rn_usage u = {.prompt_tok = prompt_tok, .gen_tok = texts[i].n_tok};
        x->row.flop += rn_price_of(&x->price, RN_UNIT_FLOP, &u);
    }
    const rn_usage prompt = {.first = true, .prompt_tok = prompt_tok};
    x->row.flop += rn_price_of(&x->price, RN_UNIT_FLOP, &prompt);
    x->row.seconds += (double)(rn_now_ns() - t0) * 1e-9;
    x->row.scored_tok += n_tok;
    free(texts);
    return rc;
}

static bool is_better(const rn_try *t, const rn_try *than)
{
    if (t->agreement != than->agreement) return t->agreement > than->agreement;
    return isfinite(t->score) && !(than->score <= t->score);
}

int rn_choose(rn_solve_state *s, rn_err *err)
{
    rn_try **list = calloc(s->tries.n + 1, sizeof *list);
    if (!list) return rn_nomem(err, "ranking");
    size_t n = list_candidates(s, list);
    int ranker = largest_local(s), rc = 0;
    for (size_t i = 0; i < n; i++) {
        double own = -list[i]->logprob / (double)list[i]->gen_tok;
        list[i]->score = ranker < 0 && list[i]->gen_tok > 0 ? own : NAN;
    }
    if (n > 1 && ranker >= 0) rc = score_by_model(s, ranker, list, n, err);
    bool agreed = false, any = false;
    if (!rc) rc = rn_choose_agree(s, list, n, &agreed, err);
    s->ranker = n < 2         ? "the only candidate"
                : agreed      ? "examples, then likelihood"
                : ranker >= 0 ? "nll"
                              : "own-nll";
    for (size_t i = 0; !rc && i < n; i++) {
        any |= isfinite(list[i]->score);
        if (!s->winner || is_better(list[i], s->winner)) s->winner = list[i];
    }
    if (n > 1 && !rc && !any && !agreed)
        rn_solve_warn(
            s, "no server reported a log probability: the first of %zu programs was taken", n);
    free(list);
    return rc;
}
