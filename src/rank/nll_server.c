/* nll_server.c: see nll_server.h. */
#include "rank/nll_server.h"

#include "base/clock.h"

enum { WAIT_MS = 100, MAX_REFUSED_IN_ROW = 16 };

/* Takes one answer: its text's score, or that it was refused. */
static int take(const rn_remote_answer *a, rn_nll_text *t, int64_t wall_ns, rn_nll_heard *heard,
                int64_t *in_row, rn_err *err)
{
    if (a->rc) {
        t->state = RN_NLL_REFUSED;
        snprintf(heard->refusal, sizeof heard->refusal, "%.199s", a->err.msg);
        if (!a->fatal && ++*in_row < MAX_REFUSED_IN_ROW) return 0;
        if (err) *err = a->err;
        return a->rc;
    }
    *in_row = 0;
    t->state = a->score.n_tok ? RN_NLL_SCORED : RN_NLL_EMPTY;
    t->sum = a->score.sum;
    t->n_tok = a->score.n_tok;
    if (t->n_tok) t->mean = -t->sum / (double)t->n_tok;
    t->wall_ns = wall_ns;
    if (a->prompt_tok >= t->n_tok) heard->prompt_tok = a->prompt_tok - t->n_tok;
    return 0;
}

int rn_nll_score_server(rn_remote *r, rn_remote_scoring how, rn_bytes prompt,
                        const rn_nll_batch *batch, rn_nll_heard *heard, rn_err *err)
{
    rn_nll_text *texts = batch->texts;
    int rc = 0;
    int64_t in_row = 0, last_ns = rn_now_ns();
    heard->prompt_tok = -1;
    for (int64_t i = 0; !rc && i < batch->n; i++) {
        texts[i].state = RN_NLL_EMPTY;
        if (texts[i].text.len == 0) continue;
        texts[i].state = RN_NLL_REFUSED;
        /* A text that no request can carry (not UTF-8) is left out like one that is refused. */
        const rn_remote_text t = {
            .how = how, .tag = (uint64_t)i, .prompt = prompt, .text = texts[i].text};
        int bad = rn_remote_submit_score(r, &t, err);
        if (bad == RN_EINVAL && err)
            snprintf(heard->refusal, sizeof heard->refusal, "%.199s", err->msg);
        if (bad != RN_EINVAL) rc = bad;
    }
    while (!rc && rn_remote_pending(r)) {
        rn_remote_answer a;
        int got = rn_remote_wait(r, WAIT_MS, &a, err);
        if (got < 0) rc = got;
        if (got == 1) {
            int64_t now = rn_now_ns();
            rn_nll_text *t = &texts[a.tag];
            rc = take(&a, t, now - last_ns, heard, &in_row, err);
            last_ns = now;
            if (!rc && t->state == RN_NLL_SCORED && batch->done)
                rc = batch->done(batch->user, (int64_t)a.tag, err);
        }
        if (!rc && batch->tick) rc = batch->tick(batch->user, err);
    }
    if (rc) rn_remote_cancel(r);
    return rc;
}
