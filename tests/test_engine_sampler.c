/* test_engine_sampler.c: truncation against a full sort, the draw against the distribution, and the
 * likelihood against double precision, on every kernel set. */
#include "test.h"

#include "model/draw.h"

enum { V = 600 };

typedef struct entry {
    double w;
    int id;
} entry;

static int by_weight(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->w != y->w) return x->w > y->w ? -1 : 1;
    return x->id - y->id;
}

/* The probabilities that should be drawn from, by sorting everything. */
static void reference(const rn_sampling *s, const float *l, double *p)
{
    static entry e[V];
    double max = -INFINITY, total = 0;
    for (int i = 0; i < V; i++)
        max = fmax(max, (double)l[i]);
    for (int i = 0; i < V; i++)
        e[i] = (entry){exp(((double)l[i] - max) / s->temperature), i};
    qsort(e, V, sizeof *e, by_weight);
    int n = V;
    if (s->top_k > 0 && s->top_k < n) n = (int)s->top_k;
    for (int i = 0; i < n; i++)
        total += e[i].w;
    double so_far = 0;
    int m = 0;
    while (m < n && so_far < s->top_p * total)
        so_far += e[m++].w;
    if (s->top_p >= 1) m = n;
    while (m > 0 && e[m - 1].w < s->min_p)
        m--;
    double kept = 0;
    for (int i = 0; i < m; i++)
        kept += e[i].w;
    for (int i = 0; i < V; i++)
        p[i] = 0;
    for (int i = 0; i < m; i++)
        p[e[i].id] = e[i].w / kept;
}

static void draws_follow_the_truncated_distribution(void **state)
{
    (void)state;
    static const rn_sampling settings[] = {
        {.temperature = 1, .top_p = 1},
        {.temperature = 0.8, .top_p = 0.95},
        {.temperature = 1.5, .top_p = 0.5},
        {.temperature = 1, .top_p = 1, .top_k = 1},
        {.temperature = 1, .top_p = 1, .top_k = 40},
        {.temperature = 0.7, .top_p = 0.9, .top_k = 500},
        {.temperature = 1, .top_p = 1, .min_p = 0.05},
        {.temperature = 1, .top_p = 0.9, .top_k = 300, .min_p = 0.2},
        {.temperature = 1e-6, .top_p = 0.95},
    };
    static float logits[V];
    static double p[V], seen[V];
    char *scratch = aligned_alloc(64, rn_sampler_scratch_bytes(V));
    for (int isa = 0; isa < RN_N_ISAS; isa++) {
        const rn_kern *kern = rn_isa_available((rn_isa)isa) ? rn_kern_get((rn_isa)isa) : NULL;
        for (size_t k = 0; kern && k < 3 * sizeof settings / sizeof settings[0]; k++) {
            const rn_sampling *s = &settings[k / 3];
            rn_rng rng;
            rn_rng_init(&rng, 11, k, 0);
            for (int i = 0; i < V; i++) { /* peaked, flat, and with ties */
                double u = rn_rng_unit(&rng);
                logits[i] = k % 3 == 0   ? (float)(-12 * u)
                            : k % 3 == 1 ? (float)u
                                         : (float)(int)(4 * u);
            }
            reference(s, logits, p);
            enum { DRAWS = 2000 };
            for (int i = 0; i < V; i++)
                seen[i] = 0;
            for (int d = 0; d < DRAWS; d++) {
                int32_t token;
                double logprob;
                assert_int_equal(
                    rn_sampler_pick(kern, s, logits, V, scratch, &rng, &token, &logprob), 0);
                seen[token]++;
                if (p[token] == 0 || !isfinite(logprob))
                    fail_msg("setting %zu drew token %d that is cut off", k, token);
            }
            /* 20 groups of ids: a chi-square statistic with 19 degrees of freedom; 43.8 is its
             * 99.9 % point */
            double x = 0;
            for (int g = 0; g < 20; g++) {
                double want = 0, got = 0;
                for (int i = g; i < V; i += 20) {
                    want += p[i] * DRAWS;
                    got += seen[i];
                }
                if (want > 0) x += (got - want) * (got - want) / want;
            }
            if (x > 43.8)
                fail_msg("setting %zu on %s: chi-square %g", k, rn_isa_name((rn_isa)isa), x);
        }
    }
    free(scratch);
}

static void likelihood_is_that_of_the_raw_distribution(void **state)
{
    (void)state;
    static float logits[V];
    char *scratch = aligned_alloc(64, rn_sampler_scratch_bytes(V));
    rn_rng rng;
    rn_rng_init(&rng, 3, 1, 4);
    double z = 0;
    for (int i = 0; i < V; i++) {
        logits[i] = (float)(20 * rn_rng_unit(&rng) - 10);
        z += exp((double)logits[i]);
    }
    rn_sampling s = {.temperature = 0.3, .top_p = 0.5, .top_k = 20};
    for (int isa = 0; isa < RN_N_ISAS; isa++) {
        if (!rn_isa_available((rn_isa)isa)) continue;
        const rn_kern *kern = rn_kern_get((rn_isa)isa);
        int32_t token;
        double logprob;
        assert_int_equal(rn_sampler_pick(kern, &s, logits, V, scratch, &rng, &token, &logprob), 0);
        assert_near(logprob, (double)logits[token] - log(z), 1e-6);
        assert_near(rn_logprob(kern, logits, V, 17), (double)logits[17] - log(z), 1e-6);
    }
    free(scratch);
}

static void greedy_takes_the_first_of_the_likeliest(void **state)
{
    (void)state;
    static float logits[V];
    logits[70] = logits[90] = 3;
    char *scratch = aligned_alloc(64, rn_sampler_scratch_bytes(V));
    const rn_kern *kern = rn_kern_get(RN_ISA_SCALAR);
    rn_sampling s = {.top_p = 1};
    rn_rng rng;
    rn_rng_init(&rng, 0, 0, 0);
    rn_rng before = rng;
    int32_t token;
    double logprob;
    assert_int_equal(rn_sampler_pick(kern, &s, logits, V, scratch, &rng, &token, &logprob), 0);
    assert_int_equal(token, 70);
    assert_memory_equal(&before, &rng, sizeof rng); /* no number is drawn */

    static const float poison[] = {NAN, INFINITY};
    for (size_t i = 0; i < 2; i++) {
        logits[5] = poison[i];
        assert_int_equal(rn_sampler_pick(kern, &s, logits, V, scratch, &rng, &token, &logprob),
                         RN_EFORMAT);
    }
    free(scratch);
}

static void scratch_is_whole_cache_lines(void **state)
{
    (void)state;
    for (int32_t n = 1; n < 200; n++) /* as aligned_alloc wants it */
        assert_int_equal(rn_sampler_scratch_bytes(n) % 64, 0);
}

static void settings_out_of_range_are_named(void **state)
{
    (void)state;
    static const struct {
        rn_sampling s;
        const char *part;
    } bad[] = {
        {{.temperature = -1, .top_p = 1, .max_tok = 1}, "temperature -1"},
        {{.temperature = NAN, .top_p = 1, .max_tok = 1}, "temperature"},
        {{.temperature = 1, .top_p = 0, .max_tok = 1}, "outside (0, 1]"},
        {{.temperature = 1, .top_p = 1.1, .max_tok = 1}, "outside (0, 1]"},
        {{.temperature = 1, .top_p = NAN, .max_tok = 1}, "top-p"},
        {{.temperature = 1, .top_p = 1, .top_k = -1, .max_tok = 1}, "top-k"},
        {{.temperature = 1, .top_p = 1, .min_p = 2, .max_tok = 1}, "min-p"},
        {{.temperature = 1, .top_p = 1, .max_tok = 0}, "0 new tokens"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        rn_err err;
        assert_int_equal(rn_sampling_check(&bad[i].s, &err), RN_EINVAL);
        assert_contains(err.msg, bad[i].part);
    }
    rn_sampling good;
    rn_sampling_init(&good);
    assert_int_equal(rn_sampling_check(&good, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_follow_the_truncated_distribution),
        cmocka_unit_test(likelihood_is_that_of_the_raw_distribution),
        cmocka_unit_test(greedy_takes_the_first_of_the_likeliest),
        cmocka_unit_test(scratch_is_whole_cache_lines),
        cmocka_unit_test(settings_out_of_range_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
