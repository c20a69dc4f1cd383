/*
 * profile_server.c: what a sample of a model behind a server takes, with 1, 2, 4, ... requests at a
 * time.
 *
 * With b requests at a time that took W seconds until the last answer and generated G tokens in all,
 *     seconds per 1,000 samples of T tokens = 1000 T W / G,
 * prompts, queues and the network included: answers may end before T tokens, so time is counted by
 * the token. The prompt is the same for all, as it is for the samples of a problem.
 */
#include "run/profile.h"

#include "base/clock.h"
#include "run/stage.h"

#include <math.h>

enum { DEFAULT_IN_FLIGHT = 64, BYTES_PER_TOK = 3, WAIT_MS = 200 };

static const char *const probe_prompts[] = {
    "def add(a, b):\n    \"\"\"Return the sum of a and b.\"\"\"\n",
    "def is_prime(n):\n    \"\"\"True if n is a prime number.\"\"\"\n",
    "def reverse_words(text):\n    \"\"\"The words of text in reverse order.\"\"\"\n"};

/* Lines of code that fill about n_tok tokens. */
static void fill_prompt(int64_t n_tok, rn_buf *out)
{
    for (int i = 0; out->len + 24 < (size_t)(n_tok * BYTES_PER_TOK); i++)
        rn_buf_printf(out, "x%d = x%d + %d\n", i + 1, i, 7 * i % 11);
    rn_buf_puts(out, "def f(x):\n");
}

/* Asks b times at once and waits for all; the tokens and the time that they took. */
static int ask_many(rn_remote *r, rn_bytes prompt, const rn_sampling *s, int32_t b,
                    int64_t *gen_tok, double *seconds, rn_err *err)
{
    int64_t from = rn_now_ns();
    int rc = 0;
    *gen_tok = 0;
    for (int32_t i = 0; !rc && i < b; i++) {
        rn_remote_request q = {.prompt = prompt, .sampling = s, .n = 1, .seed = b + i};
        rc = rn_remote_submit(r, &q, err);
    }
    while (!rc && rn_remote_pending(r)) {
        rn_remote_answer a;
        int got = rn_remote_wait(r, WAIT_MS, &a, err);
        if (rn_interrupted) rc = rn_fail(err, RN_ECANCELLED, "stopped");
        if (got < 0) rc = got;
        if (got != 1 || rc) continue;
        if (a.rc) {
            rc = a.rc;
            *err = a.err;
        } else if (a.samples[0].gen_tok < 0) {
            rc = rn_fail(err, RN_EUNSUPPORTED,
                         "%s does not tell how many tokens it generated, so that time cannot be "
                         "counted by the token",
                         rn_remote_url(r));
        } else {
            *gen_tok += a.samples[0].gen_tok;
        }
    }
    *seconds = (double)(rn_now_ns() - from) * 1e-9;
    if (rc) rn_remote_cancel(r);
    return rc;
}

static int measure(rn_remote *r, const rn_profile_opts *o, rn_bytes prompt, rn_profile *p,
                   rn_err *err)
{
    rn_sampling s;
    rn_sampling_init(&s);
    s.max_tok = 1;
    int64_t tok;
    double seconds;
    int rc = ask_many(r, prompt, &s, 1, &tok, &p->prompt_s, err);
    s.max_tok = o->gen;
    int64_t most = o->server.in_flight > 0 ? o->server.in_flight : DEFAULT_IN_FLIGHT;
    for (int32_t b = 1; !rc && b <= most && p->n < RN_PROFILE_POINTS; b *= 2) {
        rc = ask_many(r, prompt, &s, b, &tok, &seconds, err);
        if (rc) break;
        if (tok == 0)
            return rn_fail(err, RN_EUNSUPPORTED, "%s generates no tokens after the test prompt",
                           rn_remote_url(r));
        rn_profile_add(p, b, seconds * b / (double)tok,
                       1000.0 * (double)o->gen * seconds / (double)tok);
    }
    return rc;
}

static int probe(rn_remote *r, rn_profile *p, rn_err *err)
{
    rn_sampling s;
    rn_sampling_init(&s);
    rn_bytes prompts[sizeof probe_prompts / sizeof probe_prompts[0]];
    size_t n = sizeof prompts / sizeof prompts[0];
    for (size_t i = 0; i < n; i++)
        prompts[i] = rn_bytes_of(probe_prompts[i]);
    return rn_remote_probe_run(r, prompts, n, &s, &p->probe, err);
}

int rn_profile_server(const rn_profile_opts *o, rn_profile *p, rn_err *err)
{
    const char *url = o->model.path;
    rn_cost_book *book = NULL;
    const rn_cost *entry = NULL;
    rn_remote *r = NULL;
    rn_buf prompt = {0};
    rn_server_opts so = o->server;
    if (so.in_flight < 0) so.in_flight = DEFAULT_IN_FLIGHT;
    p->server = true;
    p->flop = NAN;
    int rc = rn_server_opts_cost(&so, o->cost, rn_server_opts_name(url), &book, &entry, err);
    if (!rc) rc = rn_server_opts_open(&so, url, RN_REMOTE_COMPLETIONS, &r, err);
    if (!rc) rc = probe(r, p, err);
    fill_prompt(o->prompt, &prompt);
    if (!rc) rc = measure(r, o, rn_buf_view(&prompt), p, err);
    if (!rc && entry && entry->has_shape) {
        p->shape = entry->shape;
        p->flop = rn_flop_sample(&p->shape, o->prompt, o->gen) +
                  rn_flop_prompt(&p->shape, o->prompt) / 1000;
    }
    if (r) {
        rn_buf_printf(&p->hardware, "server %s", rn_remote_url(r));
        rn_server_summary(rn_remote_ledger(r), entry, &p->spent);
    }
    if (!rc && !(rn_buf_ok(&prompt) && rn_buf_ok(&p->hardware) && rn_buf_ok(&p->spent)))
        rc = rn_fail(err, RN_ENOMEM, "out of memory for a profile");
    rn_buf_free(&prompt);
    rn_remote_close(r);
    rn_cost_book_free(book);
    return rc;
}
