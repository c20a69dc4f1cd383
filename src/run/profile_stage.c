/*
 * profile_stage.c: rn_stage_profile: what a sample of a model costs, in FLOPs and in seconds, and
 * how many samples in flight are fastest.
 *
 * A file: for 1, 2, 4, ... samples in flight a step is timed at half the sample's length, which is
 * its mean length. With prompt time p, step time t_b at b samples in flight and T new tokens,
 *     seconds per 1,000 samples = p + 1000 T t_b / b,
 * at the b that makes it smallest; a sample's share is a thousandth of it.
 *
 * A server: with b requests at a time that took W seconds until the last answer and generated G
 * tokens in all,
 *     seconds per 1,000 samples of T tokens = 1000 T W / G,
 * prompts, queues and the network included: answers may end before T tokens, so time is counted by
 * the token. The prompt is the same for all, as it is for the samples of a problem.
 */
#include "base/clock.h"
#include "run/opened.h"

enum {
    STEPS = 3,
    POINTS = 13, /* 1, 2, 4, ... 4096 in flight */
    DEFAULT_SLOTS = 256,
    DEFAULT_IN_FLIGHT = 64,
    BYTES_PER_TOK = 3,
    WAIT_MS = 200
};

typedef struct call {
    const rn_profile_options *o;
    rn_profile_summary *out;
    rn_opened m;
    rn_remote_probe probe;
    rn_buf prompt, text;
} call;

static void add_row(rn_profile_summary *p, int32_t in_flight, double step_s, double s_per_1000)
{
    p->rows[p->n_rows] = (rn_profile_row){in_flight, step_s, s_per_1000};
    if (s_per_1000 < p->rows[p->best].s_per_1000) p->best = p->n_rows;
    p->n_rows++;
}

/* ---- a file ---------------------------------------------------------------------------------- */

static int time_engine(call *c, rn_engine *e, rn_err *err)
{
    const rn_profile_options *o = c->o;
    rn_profile_summary *p = c->out;
    const rn_engine_plan *plan = rn_engine_plan_of(e);
    int64_t ns;
    int rc = rn_engine_time_prompt(e, (int32_t)o->prompt_tok, &ns, err);
    if (!rc) p->prompt_s = (double)ns * 1e-9;
    for (int32_t b = 1; !rc && b <= plan->n_full && p->n_rows < POINTS; b *= 2) {
        rc = rn_watch_check(&o->watch, err);
        if (!rc)
            rc = rn_engine_time_step(e, (int32_t)o->prompt_tok, (int32_t)(o->gen_tok / 2), b, STEPS,
                                     &ns, err);
        if (rc) break;
        double step_s = (double)ns * 1e-9;
        add_row(p, b, step_s, p->prompt_s + 1000.0 * (double)o->gen_tok * step_s / b);
    }
    if (!rc) rn_hardware(c->m.model->isa, plan->n_threads, &c->text);
    return rc;
}

static int profile_file(call *c, rn_err *err)
{
    const rn_profile_options *o = c->o;
    const int32_t context = c->m.model->hp.n_ctx;
    if (o->prompt_tok + o->gen_tok > context)
        return rn_fail(err, RN_ELIMIT, "%lld + %lld tokens exceed the model's context of %d",
                       (long long)o->prompt_tok, (long long)o->gen_tok, context);
    rn_engine_opts eo = c->m.engine;
    eo.max_prompt_tok = o->prompt_tok;
    eo.max_new_tok = o->gen_tok;
    if (eo.n_slots == 0) eo.n_slots = DEFAULT_SLOTS; /* fewer if memory is short */
    rn_engine *e;
    int rc = rn_engine_open(c->m.model, &eo, &e, err);
    if (rc) return rc;
    rc = time_engine(c, e, err);
    rn_engine_close(e);
    return rc;
}

/* ---- a server -------------------------------------------------------------------------------- */

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
static int ask_many(call *c, const rn_sampling *s, int32_t b, int64_t *gen_tok, double *seconds,
                    rn_err *err)
{
    rn_remote *r = c->m.remote;
    int64_t from = rn_now_ns();
    int rc = 0;
    *gen_tok = 0;
    for (int32_t i = 0; !rc && i < b; i++) {
        rn_remote_request q = {
            .prompt = rn_buf_view(&c->prompt), .sampling = s, .n = 1, .seed = b + i};
        rc = rn_remote_submit(r, &q, err);
    }
    while (!rc && rn_remote_pending(r)) {
        rn_remote_answer a;
        int got = rn_remote_wait(r, WAIT_MS, &a, err);
        rc = got < 0 ? got : rn_watch_check(&c->o->watch, err);
        if (got != 1 || rc) continue;
        if (a.rc) {
            rc = a.rc;
            if (err) *err = a.err;
        } else if (a.samples[0].gen_tok < 0) {
            rc = rn_fail(err, RN_EUNSUPPORTED,
                         "%s does not report how many tokens it generated, so that time cannot be "
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

static int time_server(call *c, rn_err *err)
{
    const rn_profile_options *o = c->o;
    rn_profile_summary *p = c->out;
    rn_sampling s;
    rn_sampling_init(&s);
    s.max_tok = 1;
    int64_t tok;
    double seconds;
    int rc = ask_many(c, &s, 1, &tok, &p->prompt_s, err);
    s.max_tok = o->gen_tok;
    int64_t most = o->model.in_flight > 0 ? o->model.in_flight : DEFAULT_IN_FLIGHT;
    for (int32_t b = 1; !rc && b <= most && p->n_rows < POINTS; b *= 2) {
        rc = ask_many(c, &s, b, &tok, &seconds, err);
        if (rc) break;
        if (tok == 0)
            return rn_fail(err, RN_EUNSUPPORTED, "%s generates no tokens after the test prompt",
                           rn_remote_url(c->m.remote));
        add_row(p, b, seconds * b / (double)tok,
                1000.0 * (double)o->gen_tok * seconds / (double)tok);
    }
    return rc;
}

static const char *yes_no(bool yes)
{
    return yes ? "yes" : "no";
}

/* What the probe found, in lines for people. */
static char *probe_text(const rn_remote_probe *b)
{
    rn_buf t = {0};
    rn_buf_printf(&t, "n honoured: %s (%lld choices of 4, %lld different)\n", yes_no(b->honours_n),
                  (long long)b->n_choices, (long long)b->n_distinct);
    rn_buf_printf(&t, "seed honoured: %s (of %lld repetitions with equal seeds %lld differ)\n",
                  yes_no(b->honours_seed), (long long)b->n_seeded, (long long)b->n_seeded_differ);
    rn_buf_printf(&t, "greedy: of %lld repetitions %lld differ\n", (long long)b->n_greedy,
                  (long long)b->n_greedy_differ);
    rn_buf_printf(&t, "log probabilities: %s; token counts: %s; cached tokens reported: %s\n",
                  yes_no(b->logprobs), yes_no(b->usage), yes_no(b->cached));
    if (b->context_tok > 0) rn_buf_printf(&t, "context: %lld tokens\n", (long long)b->context_tok);
    if (b->says[0]) rn_buf_printf(&t, "it said: %s\n", b->says);
    char *text = rn_buf_ok(&t) ? rn_buf_take(&t) : NULL;
    rn_buf_free(&t);
    return text;
}

static int profile_server(call *c, rn_err *err)
{
    enum { N = sizeof probe_prompts / sizeof probe_prompts[0] };
    rn_sampling s;
    rn_bytes prompts[N];
    rn_sampling_init(&s);
    for (size_t i = 0; i < N; i++)
        prompts[i] = rn_bytes_of(probe_prompts[i]);
    c->m.asked_ns = rn_now_ns();
    int rc = rn_remote_probe_run(c->m.remote, prompts, N, &s, &c->probe, err);
    c->m.asked_ns = 0;
    fill_prompt(c->o->prompt_tok, &c->prompt);
    if (!rc && !rn_buf_ok(&c->prompt)) rc = rn_nomem(err, "profile");
    if (!rc) rc = time_server(c, err);
    c->out->spent = rn_server_summary(&c->m, rn_remote_ledger(c->m.remote));
    c->out->probe = rc ? NULL : probe_text(&c->probe);
    rn_buf_printf(&c->text, "server %s", rn_remote_url(c->m.remote));
    return rc;
}

/* ---- the stage ------------------------------------------------------------------------------- */

static json_t *to_json(const call *c)
{
    const rn_profile_options *o = c->o;
    const rn_profile_summary *p = c->out;
    json_t *steps = json_array();
    for (int i = 0; i < p->n_rows; i++) {
        const rn_profile_row *x = &p->rows[i];
        json_array_append_new(steps,
                              json_pack("{s:i, s:f, s:f}", "in_flight", x->in_flight, "tok_s",
                                        x->in_flight / x->step_s, "s_per_1000", x->s_per_1000));
    }
    const rn_profile_row *best = &p->rows[p->best];
    json_t *j = json_pack("{s:s, s:I, s:I, s:f, s:i, s:f, s:f, s:s, s:o}", "hardware", p->hardware,
                          "prompt_tok", (json_int_t)o->prompt_tok, "gen_tok",
                          (json_int_t)o->gen_tok, "prompt_s", p->prompt_s, "in_flight",
                          best->in_flight, "s_per_sample", best->s_per_1000 / 1000, "s_per_1000",
                          best->s_per_1000, "version", rn_version(), "steps", steps);
    if (j && c->m.shape.n_layer > 0) {
        json_object_set_new(j, "flop_per_sample", json_real(p->flop));
        json_object_set_new(j, "shape", rn_shape_to_json(&c->m.shape));
    }
    if (j && c->m.remote) {
        rn_buf probe = {0};
        rn_server_probe_json(&c->probe, &probe);
        json_object_set_new(j, "probe", rn_buf_ok(&probe) ? json_loads(probe.data, 0, NULL) : NULL);
        rn_buf_free(&probe);
    }
    return j;
}

static int keep(call *c, rn_store *s, const json_t *j, rn_err *err)
{
    const rn_profile_summary *p = c->out;
    const rn_profile_row *best = &p->rows[p->best];
    int rc = rn_opened_hash(&c->m, err);
    if (rc) return rc;
    const rn_store_model m = {
        .name = c->m.name, .file_sha = c->m.sha, .cost = c->o->model.cost ? c->o->model.cost : ""};
    char *text = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS);
    rn_store_profile x = {.hardware = p->hardware,
                          .s_per_sample = best->s_per_1000 / 1000,
                          .s_per_1000 = best->s_per_1000,
                          .flop_per_sample = p->flop,
                          .json = text};
    rc = text ? rn_store_put_model(s, &m, &x.model_id, err) : rn_nomem(err, "profile");
    if (!rc) rc = rn_store_put_profile(s, &x, err);
    free(text);
    return rc;
}

static int measure(call *c, rn_store *s, rn_err *err)
{
    const rn_profile_options *o = c->o;
    int rc = c->m.remote ? profile_server(c, err) : profile_file(c, err);
    if (rc) return rc;
    rn_profile_summary *p = c->out;
    p->flop = rn_flop_share(&c->m.shape, o->prompt_tok, o->gen_tok, 1000);
    p->hardware = rn_buf_ok(&c->text) ? rn_buf_take(&c->text) : NULL;
    json_t *j = p->hardware ? to_json(c) : NULL;
    p->json = j ? json_dumps(j, JSON_INDENT(1)) : NULL;
    rc = p->json ? 0 : rn_nomem(err, "profile");
    if (!rc && s) rc = keep(c, s, j, err);
    json_decref(j);
    return rc;
}

void rn_profile_options_init(rn_profile_options *o)
{
    *o = (rn_profile_options){.prompt_tok = 256, .gen_tok = 512};
}

int rn_stage_profile(rn_store *s, const rn_profile_options *o, rn_profile_summary *out, rn_err *err)
{
    *out = (rn_profile_summary){.flop = NAN};
    call c = {.o = o, .out = out};
    if (o->prompt_tok < 1 || o->gen_tok < 1 || o->prompt_tok > RN_MAX_CONTEXT ||
        o->gen_tok > RN_MAX_CONTEXT)
        return rn_fail(err, RN_EINVAL, "--prompt-tokens and --max-tokens are positive numbers");
    rn_model_source m = o->model;
    if (rn_source_is_server(&m) && !m.in_flight) m.in_flight = DEFAULT_IN_FLIGHT;
    int rc = rn_opened_open(&m, &o->watch, RN_REMOTE_COMPLETIONS, &c.m, err);
    if (!rc) rc = measure(&c, s, err);
    rn_opened_close(&c.m);
    rn_buf_free(&c.prompt);
    rn_buf_free(&c.text);
    return rc;
}

void rn_profile_summary_free(rn_profile_summary *out)
{
    free(out->hardware);
    free(out->probe);
    free(out->spent);
    free(out->json);
    *out = (rn_profile_summary){.flop = NAN};
}
