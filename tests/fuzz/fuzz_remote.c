/*
 * fuzz_remote.c: answers of servers from arbitrary bytes. The first byte chooses what was asked; what
 * is accepted must have the shape that callers rely on. Messages of refusals, lists of models and
 * Retry-After are read from the same bytes.
 * modules: base remote
 */
#include "remote/remote_priv.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_samples(const rn_ask_form *f, const rn_parsed *p)
{
    if (p->n_samples < 1 || p->n_samples + p->n_discarded > f->n) abort();
    for (int64_t i = 0; i < p->n_samples; i++) {
        const rn_remote_sample *s = &p->samples[i];
        if (!s->finish || !*s->finish) abort();
        if (s->text.len && !s->text.data) abort();
        if (s->gen_tok < -1 || s->logprob > 1) abort();
        if (!p->marked && !rn_utf8_valid(s->text, NULL)) abort();
    }
}

static void check_small_readers(rn_bytes body)
{
    char said[64], line[64];
    rn_answer_message(body, NULL, said, sizeof said);
    if (strlen(said) >= sizeof said || !rn_utf8_valid(rn_bytes_of(said), NULL)) abort();
    long status = rn_answer_status(body);
    if (status != 200 && (status < 400 || status > 599)) abort();
    bool listed;
    rn_buf names = {0};
    if (rn_answer_context(body, "m", &listed, &names) < -1) abort();
    rn_buf_free(&names);
    (void)rn_answer_is_cut(body);
    size_t n = body.len < sizeof line - 1 ? body.len : sizeof line - 1;
    if (n) memcpy(line, body.data, n);
    line[n] = '\0';
    if (rn_retry_after_ms(line, 1700000000) < -1) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    unsigned how = data[0];
    rn_bytes body = {(const char *)data + 1, size - 1};
    rn_ask_form f = {
        .kind = how & 1 ? RN_ASK_SCORE : RN_ASK_SAMPLES,
        .api = how & 2 ? RN_REMOTE_CHAT : RN_REMOTE_COMPLETIONS,
        .scoring = how & 4 ? RN_SCORE_ECHO : RN_SCORE_PROMPT_LOGPROBS,
        .n = how & 8 ? 4 : 1,
        .max_tok = how & 16 ? 16 : 1,
        .bounded = how & 32,
        .text = rn_bytes_of(how & 64 ? "    return x\n" : "caf\xc3\xa9 b"),
    };
    if (f.kind == RN_ASK_SCORE) {
        f.n = 1;
        f.max_tok = how & 16 ? 1 : 0;
    }
    rn_parsed p = {0};
    rn_err err = {0};
    int rc = rn_answer_parse(&f, body, &p, &err);
    if (rc && !err.msg[0]) abort();
    if (p.prompt_tok < -1 || p.gen_tok < -1 || p.cached_tok > p.prompt_tok) abort();
    if (!rc && f.kind == RN_ASK_SAMPLES) check_samples(&f, &p);
    if (!rc && f.kind == RN_ASK_SCORE && (!p.has_score || p.score.n_tok < 0)) abort();
    rn_parsed_free(&p);
    check_small_readers(body);
    return 0;
}
