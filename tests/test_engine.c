/* tsan */
/*
 * test_engine.c: many samples of one prompt: exact repeatability, the exact distribution, ends,
 * likelihoods, and what is refused. With stories260K where RATION_DATA has it, else with a small
 * random model.
 */
#include "test.h"

#include "model/engine.h"
#include "model/draw.h"
#include "tiny_model.h"

enum { MAX_SAMPLES = 1000 };

/* What a run gave, by sample index of one job. */
typedef struct got {
    char *text[MAX_SAMPLES];
    size_t len[MAX_SAMPLES];
    int32_t *tok[MAX_SAMPLES];
    int32_t n_tok[MAX_SAMPLES];
    double logprob[MAX_SAMPLES];
    rn_finish finish[MAX_SAMPLES];
    int n;
} got;

typedef struct feed {
    const rn_job *jobs;
    int n_jobs, next;
    got *out; /* [n_jobs] */
    int cancel_after;
} feed;

static int feed_next(void *user, rn_job *job, rn_err *err)
{
    (void)err;
    feed *f = user;
    if (f->next == f->n_jobs) return 0;
    *job = f->jobs[f->next];
    job->user = &f->out[f->next++];
    return 1;
}

static int feed_done(void *user, const rn_job *job, const rn_result *r, rn_err *err)
{
    feed *f = user;
    got *g = job->user;
    assert_null(g->text[r->idx]);
    g->text[r->idx] = malloc(r->text.len + 1);
    memcpy(g->text[r->idx], r->text.data ? r->text.data : "", r->text.len);
    g->text[r->idx][r->text.len] = '\0';
    g->len[r->idx] = r->text.len;
    g->n_tok[r->idx] = r->n_tok;
    g->tok[r->idx] = malloc((size_t)r->n_tok * sizeof(int32_t));
    memcpy(g->tok[r->idx], r->tok, (size_t)r->n_tok * sizeof(int32_t));
    g->logprob[r->idx] = r->logprob;
    g->finish[r->idx] = r->finish;
    g->n++;
    if (f->cancel_after && g->n == f->cancel_after) return rn_fail(err, RN_ECANCELLED, "enough");
    return 0;
}

static void got_free(got *g)
{
    for (int i = 0; i < MAX_SAMPLES; i++) {
        free(g->text[i]);
        free(g->tok[i]);
    }
    *g = (got){0};
}

static uint32_t all_indices[MAX_SAMPLES];

static int group_setup(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < MAX_SAMPLES; i++)
        all_indices[i] = i;
    return 0;
}

static rn_model *stories(void)
{
    rn_err err;
    rn_model *m = NULL;
    assert_ok(rn_model_load(test_data("weights/stories260K-f32.gguf"),
                            &(rn_load_opts){.n_threads = 1}, &m, &err),
              &err);
    return m;
}

static rn_model *tiny(void)
{
    rn_random_spec spec = tiny_spec(RN_Q_Q8_0, 7);
    rn_err err;
    rn_model *m = NULL;
    assert_ok(rn_random_model(&spec, 1, &m, &err), &err);
    return m;
}

static rn_engine *engine_of(const rn_model *m, int threads, int slots, int64_t prompt,
                            int64_t new_tok)
{
    rn_err err;
    rn_engine *e = NULL;
    rn_engine_opts o = {
        .n_threads = threads, .n_slots = slots, .max_prompt_tok = prompt, .max_new_tok = new_tok};
    assert_ok(rn_engine_open(m, &o, &e, &err), &err);
    return e;
}

static int run_jobs(rn_engine *e, const rn_job *jobs, int n_jobs, got *out, int cancel_after,
                    rn_err *err)
{
    feed f = {.jobs = jobs, .n_jobs = n_jobs, .out = out, .cancel_after = cancel_after};
    rn_engine_io io = {.next = feed_next, .done = feed_done, .user = &f};
    return rn_engine_run(e, &io, err);
}

/* ---- stories260K ----------------------------------------------------------------------------- */

static void greedy_text_is_the_known_one(void **state)
{
    (void)state;
    rn_model *m = stories();
    rn_engine *e = engine_of(m, 1, 1, 8, 64);
    rn_sampling s;
    rn_sampling_init(&s);
    s.temperature = 0;
    s.max_tok = 64;
    int32_t bos = rn_tok_bos(m->tok);
    rn_job job = {
        .prompt = &bos, .n_prompt = 1, .bare = true, .idx = all_indices, .n = 1, .sampling = &s};
    static got out;
    rn_err err;
    assert_ok(run_jobs(e, &job, 1, &out, 0, &err), &err);
    static const char want[] =
        "Once upon a time, there was a little girl named Lily. She loved to play outside in the "
        "park. "
        "One day, she saw a big, red ball. She wanted to play with it, but it was too high.";
    if (strncmp(out.text[0], want, sizeof want - 1) != 0) fail_msg("got \"%s\"", out.text[0]);
    assert_int_equal(out.finish[0], RN_FINISH_LENGTH);
    assert_int_equal(out.n_tok[0], 64);
    got_free(&out);
    rn_engine_close(e);
    rn_model_close(m);
}

/* Pearson's statistic of counts [n] against expected [n], cells below 5 expected pooled; *df:
 * degrees of freedom. */
static double chi_square(const double *seen, const double *expected, size_t n, int *df)
{
    double x = 0, pool_seen = 0, pool_expected = 0;
    int cells = 0;
    for (size_t i = 0; i < n; i++) {
        if (expected[i] < 5) {
            pool_seen += seen[i];
            pool_expected += expected[i];
            continue;
        }
        x += (seen[i] - expected[i]) * (seen[i] - expected[i]) / expected[i];
        cells++;
    }
    if (pool_expected > 0) {
        x += (pool_seen - pool_expected) * (pool_seen - pool_expected) / pool_expected;
        cells++;
    }
    *df = cells - 1;
    return x;
}

/* The 99.9 % point of the chi-square distribution (Wilson and Hilferty 1931). */
static double chi_square_bound(int df)
{
    double k = df, z = 3.0902;
    return k * pow(1 - 2 / (9 * k) + z * sqrt(2 / (9 * k)), 3);
}

/* Proof 3. Position p's exact distribution is the mean over the samples of their own conditional
 * distributions; given the prefixes, counts are sums of independent draws from these, for which
 * Pearson's statistic is at most that of one multinomial. */
static void samples_follow_the_exact_distribution(void **state)
{
    (void)state;
    enum { N = 1000, POSITIONS = 4 };
    rn_model *m = stories();
    size_t v = (size_t)m->hp.n_vocab;
    rn_engine *e = engine_of(m, 2, 64, 8, POSITIONS);
    rn_sampling s;
    rn_sampling_init(&s);
    s.temperature = 1;
    s.top_p = 1;
    s.seed = 2024;
    s.max_tok = POSITIONS;
    int32_t bos = rn_tok_bos(m->tok);
    rn_job job = {
        .prompt = &bos, .n_prompt = 1, .bare = true, .idx = all_indices, .n = N, .sampling = &s};
    static got out;
    rn_err err;
    assert_ok(run_jobs(e, &job, 1, &out, 0, &err), &err);
    assert_int_equal(out.n, N);

    float *logits = malloc((POSITIONS + 1) * v * sizeof *logits);
    double *seen = calloc(POSITIONS * v, sizeof *seen),
           *expected = calloc(POSITIONS * v, sizeof *expected);
    for (int i = 0; i < N; i++) {
        int32_t ids[POSITIONS + 1] = {bos};
        memcpy(ids + 1, out.tok[i], (size_t)out.n_tok[i] * sizeof(int32_t));
        assert_ok(rn_engine_logits(e, ids, out.n_tok[i], logits, &err), &err);
        for (int p = 0; p < out.n_tok[i]; p++) {
            const float *l = logits + (size_t)p * v;
            double max = -INFINITY, sum = 0;
            for (size_t t = 0; t < v; t++)
                max = fmax(max, (double)l[t]);
            for (size_t t = 0; t < v; t++)
                sum += exp((double)l[t] - max);
            for (size_t t = 0; t < v; t++)
                expected[(size_t)p * v + t] += exp((double)l[t] - max) / sum;
            seen[(size_t)p * v + (size_t)out.tok[i][p]]++;
        }
    }
    for (size_t p = 0; p < POSITIONS; p++) {
        int df;
        double x = chi_square(seen + p * v, expected + p * v, v, &df);
        print_message("position %zu: chi-square %.1f, %d degrees of freedom\n", p, x, df);
        if (df > 0 && x > chi_square_bound(df))
            fail_msg("position %zu: chi-square %g with %d degrees of freedom, bound %g", p, x, df,
                     chi_square_bound(df));
    }
    free(logits);
    free(seen);
    free(expected);
    got_free(&out);
    rn_engine_close(e);
    rn_model_close(m);
}

/* ---- repeatability --------------------------------------------------------------------------- */

static void assert_same(const got *a, const got *b, int n, const char *what)
{
    for (int i = 0; i < n; i++) {
        if (a->n_tok[i] != b->n_tok[i] || a->len[i] != b->len[i] ||
            memcmp(a->text[i], b->text[i], a->len[i]) != 0 ||
            memcmp(a->tok[i], b->tok[i], (size_t)a->n_tok[i] * sizeof(int32_t)) != 0 ||
            memcmp(&a->logprob[i], &b->logprob[i], sizeof(double)) != 0 ||
            a->finish[i] != b->finish[i])
            fail_msg("%s: sample %d differs: %d tokens \"%s\" %.17g, %d tokens \"%s\" %.17g", what,
                     i, a->n_tok[i], a->text[i], a->logprob[i], b->n_tok[i], b->text[i],
                     b->logprob[i]);
    }
}

/* Proof 4: 256 samples, two prompts of 128, byte for byte and bit for bit, whatever the slots and
 * threads; then with the indices in reverse order and in two halves. */
static void check_repeatable(rn_model *m, const int32_t *const *prompts, const int32_t *lens,
                             rn_kv_type kv)
{
    enum { N = 128 };
    static const struct {
        int threads, slots;
    } plans[] = {{1, 1}, {1, 7}, {1, 64}, {2, 1}, {2, 7}, {2, 64}};
    rn_sampling s;
    rn_sampling_init(&s);
    s.seed = 99;
    s.max_tok = 12;
    static uint32_t reversed[N];
    for (uint32_t i = 0; i < N; i++)
        reversed[i] = N - 1 - i;
    static got want[2], have[2];
    rn_err err;
    for (size_t p = 0; p < sizeof plans / sizeof plans[0] + 2; p++) {
        bool extra = p >= sizeof plans / sizeof plans[0];
        rn_engine *e = NULL;
        rn_engine_opts o = {.n_threads = extra ? 2 : plans[p].threads,
                            .n_slots = extra ? 13 : plans[p].slots,
                            .kv = kv,
                            .max_prompt_tok = 64,
                            .max_new_tok = 12};
        assert_ok(rn_engine_open(m, &o, &e, &err), &err);
        rn_job jobs[4];
        int n_jobs = 2;
        for (int j = 0; j < 2; j++)
            jobs[j] = (rn_job){.prompt = prompts[j],
                               .n_prompt = lens[j],
                               .stream = (uint64_t)j + 5,
                               .idx = extra ? reversed : all_indices,
                               .n = N,
                               .sampling = &s};
        got *out = p == 0 ? want : have;
        if (p == sizeof plans / sizeof plans[0] + 1) { /* the second half first, in another run */
            for (int j = 0; j < 2; j++)
                jobs[j].idx = all_indices + N / 2, jobs[j].n = N / 2;
            assert_ok(run_jobs(e, jobs, n_jobs, out, 0, &err), &err);
            for (int j = 0; j < 2; j++)
                jobs[j].idx = all_indices;
        }
        assert_ok(run_jobs(e, jobs, n_jobs, out, 0, &err), &err);
        rn_engine_close(e);
        if (p == 0) continue;
        char what[64];
        snprintf(what, sizeof what, "plan %zu", p);
        for (int j = 0; j < 2; j++) {
            assert_int_equal(have[j].n, N);
            assert_same(&want[j], &have[j], N, what);
            got_free(&have[j]);
        }
    }
    int distinct = 0;
    for (int i = 1; i < N; i++)
        distinct += strcmp(want[0].text[0], want[0].text[i]) != 0;
    assert_true(distinct > N / 2);
    got_free(&want[0]);
    got_free(&want[1]);
}

static void samples_do_not_depend_on_slots_threads_or_order(void **state)
{
    (void)state;
    rn_model *m = tiny();
    static int32_t a[40], b[3] = {1, 300, 17};
    for (int i = 0; i < 40; i++)
        a[i] = 3 + (i * 37) % 300;
    check_repeatable(m, (const int32_t *const[]){a, b}, (const int32_t[]){40, 3}, RN_KV_F16);
    check_repeatable(m, (const int32_t *const[]){a, b}, (const int32_t[]){40, 3}, RN_KV_Q8);
    check_repeatable(m, (const int32_t *const[]){a, b}, (const int32_t[]){40, 3}, RN_KV_Q4);
    rn_model_close(m);
}

/* Samples of up to 180 tokens in memory for one of them and some pages: they take turns, and come
 * out the same. */
static void samples_do_not_depend_on_how_many_pages_there_are(void **state)
{
    (void)state;
    enum { N = 24, NEW = 180 };
    rn_model *m = tiny();
    int32_t prompts[2][70];
    for (int i = 0; i < 70; i++)
        prompts[0][i] = 3 + (i * 37) % 300, prompts[1][i] = 3 + (i * 41) % 300;
    rn_sampling s;
    rn_sampling_init(&s);
    s.seed = 5;
    s.max_tok = NEW;
    s.temperature = 2; /* ends at many lengths */
    rn_job jobs[2];
    for (int j = 0; j < 2; j++)
        jobs[j] = (rn_job){.prompt = prompts[j],
                           .n_prompt = j ? 70 : 20,
                           .stream = (uint64_t)j,
                           .idx = all_indices,
                           .n = N,
                           .sampling = &s,
                           .to_limit = j == 1};
    static got want[2], have[2];
    rn_err err;
    rn_engine *e = engine_of(m, 1, 2 * N, 70, NEW);
    assert_ok(run_jobs(e, jobs, 2, want, 0, &err), &err);
    assert_int_equal(rn_engine_stats_of(e)->n_again_tok, 0);
    const rn_engine_plan p = *rn_engine_plan_of(e);
    assert_int_equal(p.n_full, p.n_slots);
    rn_engine_close(e);
    const size_t page = p.kv_bytes_per_tok * RN_PAGE;
    const size_t slot = p.slot_bytes - (NEW + RN_PAGE - 1) / RN_PAGE * page;
    for (int extra = 0; extra < 12; extra += 5) {
        const rn_engine_opts o = {.n_threads = 2,
                                  .n_slots = 8,
                                  .max_prompt_tok = 70,
                                  .max_new_tok = NEW,
                                  .memory_bytes =
                                      p.buffer_bytes + 8 * slot + (size_t)(5 + extra) * page};
        assert_ok(rn_engine_open(m, &o, &e, &err), &err);
        assert_true(rn_engine_plan_of(e)->n_full < 8);
        assert_ok(run_jobs(e, jobs, 2, have, 0, &err), &err);
        if (extra) assert_true(rn_engine_stats_of(e)->n_again_tok > 0);
        print_message("%d pages: %d slots, %lld tokens once more\n", 5 + extra,
                      rn_engine_plan_of(e)->n_slots, (long long)rn_engine_stats_of(e)->n_again_tok);
        for (int j = 0; j < 2; j++) {
            assert_int_equal(have[j].n, N);
            assert_same(&want[j], &have[j], N, "few pages");
            got_free(&have[j]);
        }
        rn_engine_close(e);
    }
    got_free(&want[0]);
    got_free(&want[1]);
    rn_model_close(m);
}

/* Prompts with the same 150 tokens in front, as the examples of a set are: these are run once, and
 * samples and scores are those of each prompt alone. */
static void prompts_that_begin_alike_are_stored_once(void **state)
{
    (void)state;
    enum { JOBS = 3, N = 4, SAME = 150 };
    rn_model *m = tiny();
    static const int lens[JOBS] = {170, 192, 151};
    int32_t prompts[JOBS][192];
    for (int j = 0; j < JOBS; j++)
        for (int i = 0; i < 192; i++)
            prompts[j][i] = 3 + (i * 37 + (i < SAME ? 0 : j * 11)) % 300;
    rn_sampling s;
    rn_sampling_init(&s);
    s.max_tok = 12;
    rn_job jobs[JOBS];
    for (int j = 0; j < JOBS; j++)
        jobs[j] = (rn_job){.prompt = prompts[j],
                           .n_prompt = lens[j],
                           .stream = (uint64_t)j,
                           .idx = all_indices,
                           .n = N,
                           .sampling = &s};
    static got want[JOBS], have[JOBS];
    double alone[JOBS];
    rn_err err;
    for (int j = 0; j < JOBS; j++) {
        rn_engine *e = engine_of(m, 1, 16, 192, 12);
        assert_ok(run_jobs(e, &jobs[j], 1, &want[j], 0, &err), &err);
        assert_int_equal(rn_engine_stats_of(e)->n_shared_tok, 0);
        rn_engine_close(e);
        e = engine_of(m, 1, 16, 192, 12);
        rn_score t = {.tok = prompts[0], .n_tok = 9};
        assert_ok(rn_engine_score(e, prompts[j], lens[j], &t, 1, NULL, &err), &err);
        alone[j] = t.logprob;
        rn_engine_close(e);
    }
    /* one after the other, and all in flight at once; what ended before is remembered */
    for (int slots = 1; slots <= 16; slots += 15) {
        rn_engine *e = engine_of(m, 2, slots, 192, 12);
        for (int turn = 0; turn < 2; turn++) {
            assert_ok(run_jobs(e, jobs, JOBS, have, 0, &err), &err);
            const rn_engine_stats *st = rn_engine_stats_of(e);
            assert_int_equal(st->n_shared_tok, (turn ? 3 : 2) * 128);
            assert_int_equal(st->n_prompt_tok + st->n_shared_tok, 170 + 192 + 151);
            for (int j = 0; j < JOBS; j++) {
                assert_same(&want[j], &have[j], N, "shared beginning");
                got_free(&have[j]);
            }
        }
        for (int j = 0; j < JOBS; j++) {
            rn_score t = {.tok = prompts[0], .n_tok = 9};
            assert_ok(rn_engine_score(e, prompts[j], lens[j], &t, 1, NULL, &err), &err);
            assert_memory_equal(&t.logprob, &alone[j], sizeof alone[j]);
            assert_int_equal(rn_engine_stats_of(e)->n_shared_tok, 128);
        }
        rn_engine_close(e);
    }
    for (int j = 0; j < JOBS; j++)
        got_free(&want[j]);
    rn_model_close(m);
}

static void stories_do_not_depend_on_slots_threads_or_order(void **state)
{
    (void)state;
    rn_model *m = stories();
    rn_ids ids = {0};
    rn_err err;
    assert_ok(rn_tok_encode(m->tok, rn_bytes_of("Once upon a time, Tim"), RN_TOK_BOS, &ids, &err),
              &err);
    int32_t bos = rn_tok_bos(m->tok);
    check_repeatable(m, (const int32_t *const[]){ids.v, &bos}, (const int32_t[]){(int32_t)ids.n, 1},
                     RN_KV_F16);
    rn_ids_free(&ids);
    rn_model_close(m);
}

/* ---- ends ------------------------------------------------------------------------------------ */

static void stop_strings_end_samples_across_tokens(void **state)
{
    (void)state;
    rn_model *m = stories();
    rn_engine *e = engine_of(m, 1, 2, 8, 64);
    rn_sampling s;
    rn_sampling_init(&s);
    s.temperature = 0;
    s.max_tok = 64;
    /* "e, th" lies in several tokens of "Once upon a time, there was" */
    const char *stop[] = {"never there", "e, th", NULL};
    s.stop = stop;
    int32_t bos = rn_tok_bos(m->tok);
    rn_job job = {
        .prompt = &bos, .n_prompt = 1, .bare = true, .idx = all_indices, .n = 1, .sampling = &s};
    static got out;
    rn_err err;
    assert_ok(run_jobs(e, &job, 1, &out, 0, &err), &err);
    assert_int_equal(out.finish[0], RN_FINISH_STOP);
    assert_string_equal(rn_finish_name(out.finish[0]), "stop");
    assert_contains(out.text[0], "a time, th"); /* the text is raw: the stop string stays */
    assert_true(strlen(out.text[0]) < strlen("Once upon a time, there was"));
    got_free(&out);
    rn_engine_close(e);
    rn_model_close(m);
}

static void limits_end_samples(void **state)
{
    (void)state;
    rn_model *m = tiny();
    rn_engine *e = engine_of(m, 1, 3, 256, 200);
    rn_sampling s;
    rn_sampling_init(&s);
    s.max_tok = 5;
    int32_t prompt[250];
    for (int i = 0; i < 250; i++)
        prompt[i] = 3 + i;
    rn_job jobs[] = {
        {.prompt = prompt, .n_prompt = 10, .idx = all_indices, .n = 20, .sampling = &s},
        /* room for 6 positions, and a token more that is not run: the limit of 5 is the settings'
         */
        {.prompt = prompt, .n_prompt = 250, .idx = all_indices, .n = 4, .sampling = &s},
    };
    static got out[2];
    rn_err err;
    assert_ok(run_jobs(e, jobs, 2, out, 0, &err), &err);
    for (int i = 0; i < 20; i++) {
        assert_true(out[0].n_tok[i] <= 5);
        if (out[0].finish[i] == RN_FINISH_LENGTH) assert_int_equal(out[0].n_tok[i], 5);
    }
    got_free(&out[0]);
    got_free(&out[1]);
    s.max_tok = 100; /* more than the context has left */
    assert_ok(run_jobs(e, &jobs[1], 1, out, 0, &err), &err);
    for (int i = 0; i < 4; i++)
        assert_true(out[0].n_tok[i] <= 6);
    got_free(&out[0]);
    rn_engine_close(e);
    rn_model_close(m);
}

static void a_cancelled_run_leaves_the_engine_usable(void **state)
{
    (void)state;
    rn_model *m = tiny();
    rn_engine *e = engine_of(m, 2, 4, 16, 16);
    rn_sampling s;
    rn_sampling_init(&s);
    s.max_tok = 8;
    int32_t prompt[] = {1, 5, 9};
    rn_job job = {.prompt = prompt, .n_prompt = 3, .idx = all_indices, .n = 30, .sampling = &s};
    static got first, second;
    rn_err err;
    assert_int_equal(run_jobs(e, &job, 1, &first, 7, &err), RN_ECANCELLED);
    assert_int_equal(first.n, 7);
    assert_ok(run_jobs(e, &job, 1, &second, 0, &err), &err);
    assert_int_equal(second.n, 30);
    got_free(&first);
    got_free(&second);
    rn_engine_close(e);
    rn_model_close(m);
}

/* ---- likelihood ------------------------------------------------------------------------------ */

/* Proof 5: what generate summed up, what scoring finds, and what single logits give. */
static void scores_agree_with_generation(void **state)
{
    (void)state;
    enum { N = 40 };
    rn_model *m = stories();
    rn_engine *e = engine_of(m, 2, 16, 32, 600);
    rn_ids ids = {0};
    rn_err err;
    assert_ok(rn_tok_encode(m->tok, rn_bytes_of("Once upon a time"), RN_TOK_BOS, &ids, &err), &err);
    rn_sampling s;
    rn_sampling_init(&s);
    s.temperature = 1;
    s.top_p = 1;
    s.max_tok = 100;
    rn_job job = {
        .prompt = ids.v, .n_prompt = (int32_t)ids.n, .idx = all_indices, .n = N, .sampling = &s};
    static got out;
    assert_ok(run_jobs(e, &job, 1, &out, 0, &err), &err);
    rn_score scores[N];
    for (int i = 0; i < N; i++)
        scores[i] = (rn_score){.tok = out.tok[i], .n_tok = out.n_tok[i]};
    assert_ok(rn_engine_score(e, ids.v, (int32_t)ids.n, scores, N, NULL, &err), &err);
    for (int i = 0; i < N; i++)
        assert_near(scores[i].logprob / scores[i].n_tok, out.logprob[i] / out.n_tok[i], 1e-3);

    /* a text of one token, and one that needs more than a pass */
    rn_score one = {.tok = out.tok[0], .n_tok = 1};
    static int32_t text[470];
    for (int i = 0; i < 470; i++)
        text[i] = 3 + (i * 31) % 500;
    rn_score lots[12];
    for (int i = 0; i < 12; i++)
        lots[i] = (rn_score){.tok = text, .n_tok = 470};
    assert_ok(rn_engine_score(e, ids.v, (int32_t)ids.n, &one, 1, NULL, &err), &err);
    assert_ok(rn_engine_score(e, ids.v, (int32_t)ids.n, lots, 12, NULL, &err), &err);
    for (int i = 1; i < 12; i++)
        assert_true(memcmp(&lots[0].logprob, &lots[i].logprob, sizeof(double)) == 0);

    float *logits = malloc((ids.n + 470) * (size_t)m->hp.n_vocab * sizeof *logits);
    int32_t whole[512];
    memcpy(whole, ids.v, ids.n * sizeof *whole);
    memcpy(whole + ids.n, text, sizeof text);
    rn_engine *e2 = engine_of(m, 1, 1, 512, 1);
    assert_ok(rn_engine_logits(e2, whole, (int32_t)ids.n + 470, logits, &err), &err);
    double sum = 0;
    for (size_t i = 0; i < 470; i++)
        sum += rn_logprob(m->kern, logits + (ids.n - 1 + i) * (size_t)m->hp.n_vocab, m->hp.n_vocab,
                          text[i]);
    assert_near(lots[0].logprob / 470, sum / 470, 1e-3);
    free(logits);
    rn_engine_close(e2);
    got_free(&out);
    rn_ids_free(&ids);
    rn_engine_close(e);
    rn_model_close(m);
}

typedef struct collected {
    char text[16][256];
    double logprob[16];
    int n, stop_after;
} collected;

static int collect(void *user, const rn_generated *s)
{
    collected *c = user;
    snprintf(c->text[s->index], sizeof c->text[0], "%.*s", (int)s->len, s->text);
    c->logprob[s->index] = s->logprob;
    assert_true(s->flop > 0);
    return ++c->n == c->stop_after ? 77 : 0;
}

static void the_public_calls_generate_and_score(void **state)
{
    (void)state;
    rn_model *m = tiny();
    rn_err err;
    rn_sampling s;
    rn_sampling_init(&s);
    s.max_tok = 6;
    static collected a, b;
    assert_ok(rn_generate(m, &(rn_generation){{"ab", 2, 1, 0}, &s, 16, collect, &a}, &err), &err);
    assert_ok(rn_generate(m, &(rn_generation){{"ab", 2, 2, 0}, &s, 4, collect, &b}, &err), &err);
    assert_int_equal(a.n, 16);
    assert_int_equal(b.n, 4);
    for (int i = 0; i < 4; i++)
        assert_string_equal(a.text[i], b.text[i]);
    a = (collected){.stop_after = 3};
    assert_int_equal(rn_generate(m, &(rn_generation){{"ab", 2, 1, 0}, &s, 16, collect, &a}, &err),
                     77);
    assert_int_equal(a.n, 3);
    assert_int_equal(rn_generate(m, &(rn_generation){{"ab", 2, 1, 0}, &s, 0, collect, &a}, &err),
                     RN_EINVAL);

    rn_text_score t[] = {
        {"one", 3, 0, 0}, {"", 0, 0, 0}, {"three words here", 16, 0, 0}, {"one", 3, 0, 0}};
    assert_ok(rn_score_texts(m, &(rn_prompt){"ab", 2, 1, 0}, t, 4, &err), &err);
    assert_int_equal(t[1].n_tok, 0);
    assert_near(t[1].sum, 0, 0);
    assert_true(t[0].sum < 0 && t[2].sum < 0 && t[2].n_tok > t[0].n_tok);
    assert_near(t[3].sum, t[0].sum, 0);
    rn_model_close(m);
}

/* ---- what is refused ------------------------------------------------------------------------- */

static void bad_requests_are_errors(void **state)
{
    (void)state;
    rn_model *m = tiny();
    rn_err err;
    rn_engine *e = NULL;
    rn_engine_opts o = {.n_threads = 1, .max_prompt_tok = 257, .max_new_tok = 8};
    assert_int_equal(rn_engine_open(m, &o, &e, &err), RN_ELIMIT);
    assert_contains(err.msg, "longer than the model's context of 256");
    o = (rn_engine_opts){
        .n_threads = 1, .max_prompt_tok = 8, .max_new_tok = 8, .memory_bytes = 1000};
    assert_int_equal(rn_engine_open(m, &o, &e, &err), RN_ELIMIT);
    assert_contains(err.msg, "MiB may be used");

    e = engine_of(m, 1, 2, 16, 8);
    rn_sampling s;
    rn_sampling_init(&s);
    s.max_tok = 4;
    int32_t prompt[20] = {1, 2, 320};
    static got out;
    const struct {
        const char *part;
        int32_t n_prompt;
        int64_t n;
        double temperature, top_p;
        int code;
    } bad[] = {
        {"prompt is empty", 0, 1, 1, 1, RN_EINVAL},
        {"outside the vocabulary", 3, 1, 1, 1, RN_EINVAL},
        {"engine opened for 16", 17, 1, 1, 1, RN_EINVAL},
        {"n is 0", 2, 0, 1, 1, RN_EINVAL},
        {"temperature -0.5", 2, 1, -0.5, 1, RN_EINVAL},
        {"temperature nan", 2, 1, NAN, 1, RN_EINVAL},
        {"top-p 0", 2, 1, 1, 0, RN_EINVAL},
        {"top-p 1.5", 2, 1, 1, 1.5, RN_EINVAL},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        s.temperature = bad[i].temperature;
        s.top_p = bad[i].top_p;
        prompt[2] = bad[i].n_prompt == 17 ? 3 : 320;
        rn_job job = {.prompt = prompt,
                      .n_prompt = bad[i].n_prompt,
                      .idx = all_indices,
                      .n = bad[i].n,
                      .sampling = &s};
        assert_int_equal(run_jobs(e, &job, 1, &out, 0, &err), bad[i].code);
        assert_contains(err.msg, bad[i].part);
        assert_int_equal(out.n, 0);
    }
    rn_engine_close(e);
    rn_model_close(m);
}

static void memory_decides_how_many_are_in_flight(void **state)
{
    (void)state;
    rn_model *m = tiny();
    rn_err err;
    rn_engine *big = engine_of(m, 1, 64, 16, 16);
    const rn_engine_plan *p = rn_engine_plan_of(big);
    rn_engine_opts o = {.n_threads = 1,
                        .n_slots = 64,
                        .max_prompt_tok = 16,
                        .max_new_tok = 16,
                        .memory_bytes = p->buffer_bytes + 6 * p->slot_bytes};
    rn_engine *small = NULL;
    assert_ok(rn_engine_open(m, &o, &small, &err), &err);
    int32_t n = rn_engine_plan_of(small)->n_slots;
    assert_true(n >= 1 && n < 64);
    rn_engine_close(big);
    rn_engine_close(small);
    rn_model_close(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greedy_text_is_the_known_one),
        cmocka_unit_test(samples_follow_the_exact_distribution),
        cmocka_unit_test(samples_do_not_depend_on_slots_threads_or_order),
        cmocka_unit_test(samples_do_not_depend_on_how_many_pages_there_are),
        cmocka_unit_test(prompts_that_begin_alike_are_stored_once),
        cmocka_unit_test(stories_do_not_depend_on_slots_threads_or_order),
        cmocka_unit_test(stop_strings_end_samples_across_tokens),
        cmocka_unit_test(limits_end_samples),
        cmocka_unit_test(a_cancelled_run_leaves_the_engine_usable),
        cmocka_unit_test(scores_agree_with_generation),
        cmocka_unit_test(the_public_calls_generate_and_score),
        cmocka_unit_test(bad_requests_are_errors),
        cmocka_unit_test(memory_decides_how_many_are_in_flight),
    };
    return cmocka_run_group_tests(tests, group_setup, NULL);
}
