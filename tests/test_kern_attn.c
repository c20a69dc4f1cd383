/* tsan */
/*
 * Attention on every kernel set against double arithmetic, and its bits against themselves: alone
 * or with others, whatever the threads, prompt in one piece or in several. Values as wide as keys,
 * narrower ones, and the first elements of the keys themselves.
 */
#include "test.h"
#include "test_kern.h"

#include "gguf/half.h"
#include "model/attn.h"

typedef struct shape {
    rn_kv_form kv; /* type, heads, elements of a key, of a value, shared */
    int n_heads, window;
} shape;

static const shape shapes[] = {
    {{RN_KV_F16, 2, 64, 64, false}, 8, 0},  {{RN_KV_F32, 4, 8, 8, false}, 4, 0},
    {{RN_KV_Q8, 1, 128, 128, false}, 8, 0}, {{RN_KV_F16, 2, 80, 80, false}, 6, 50},
    {{RN_KV_F32, 1, 40, 40, false}, 3, 70}, {{RN_KV_F16, 1, 128, 128, false}, 48, 0},
    {{RN_KV_Q8, 2, 48, 48, false}, 4, 33},  {{RN_KV_F16, 2, 96, 40, false}, 6, 0},
    {{RN_KV_Q8, 2, 72, 48, false}, 4, 0},   {{RN_KV_F32, 1, 72, 64, true}, 6, 0},
    {{RN_KV_F16, 2, 56, 40, true}, 8, 21},  {{RN_KV_Q8, 1, 576, 512, true}, 4, 0},
    {{RN_KV_Q4, 1, 128, 128, false}, 8, 0}, {{RN_KV_Q4, 2, 48, 48, false}, 4, 33},
    {{RN_KV_Q4, 2, 71, 40, false}, 6, 0},   {{RN_KV_Q4, 1, 72, 64, true}, 6, 0},
};
enum { N_SHAPES = sizeof shapes / sizeof *shapes };

/* Pages for n positions, full of what must not be used, a NULL behind the last. */
static rn_kv new_cache(const shape *s, int n)
{
    const size_t bytes = rn_kv_head_bytes(&s->kv) * (size_t)s->kv.n_heads, at = 192;
    const int n_pages = (n + RN_PAGE - 1) / RN_PAGE;
    char **pages = calloc((size_t)n_pages + 1, sizeof *pages);
    for (int p = 0; p < n_pages; p++) {
        pages[p] = aligned_alloc(64, bytes + at);
        memset(pages[p], 0xFF, bytes + at); /* NaN */
    }
    return (rn_kv){.pages = pages, .at = at};
}

static void free_cache(rn_kv kv)
{
    for (char *const *p = kv.pages; *p; p++)
        free(*p);
    free((void *)(uintptr_t)kv.pages);
}

/* x [n] as the cache holds it. */
static void as_stored(rn_kv_type type, float *x, int n)
{
    for (int g = 0; g < n && type != RN_KV_F32; g += 32) {
        const int end = n < g + 32 ? n : g + 32;
        float most = 0;
        for (int i = g; i < end; i++) {
            if (type == RN_KV_F16) x[i] = rn_f16_to_f32(rn_f32_to_f16(x[i]));
            if (fabsf(x[i]) > fabsf(most)) most = x[i];
        }
        if (type == RN_KV_F16) continue;
        const float scale =
            rn_f16_to_f32(rn_f32_to_f16(type == RN_KV_Q8 ? fabsf(most) / 127 : most / -8));
        const float high = type == RN_KV_Q8 ? 127 : 7, low = type == RN_KV_Q8 ? -127 : -8;
        for (int i = g; i < end; i++)
            x[i] = scale * fmaxf(low, fminf(high, rintf(x[i] * (1 / scale))));
    }
}

/* k and v: [n][n_kv_heads][hd], of values the first vd. They become what is stored. */
static void fill(const rn_kern *kern, const shape *s, rn_kv kv, int n, float *k, float *v)
{
    const int64_t row = (int64_t)s->kv.n_heads * s->kv.hd;
    float *values = malloc((size_t)row * sizeof *values);
    for (int p = 0; p < n; p++) {
        for (int h = 0; h < s->kv.n_heads; h++)
            memcpy(values + h * s->kv.vd, v + p * row + h * s->kv.hd,
                   (size_t)s->kv.vd * sizeof *values);
        rn_kv_store(kern, &s->kv, kv, p, k + p * row, values);
        for (int h = 0; h < s->kv.n_heads; h++) {
            as_stored(s->kv.type, k + p * row + h * s->kv.hd, s->kv.hd);
            as_stored(s->kv.type, v + p * row + h * s->kv.hd, s->kv.vd);
        }
    }
    free(values);
}

static rn_attn attn_of(const shape *s)
{
    return (rn_attn){.kv = s->kv,
                     .n_heads = s->n_heads,
                     .scale = 1 / sqrtf((float)s->kv.hd),
                     .window = s->window};
}

/* One query at position `position` over keys and values [position + 1][n_kv_heads][hd]. */
static void exact(const shape *s, const float *q, const float *k, const float *v, int position,
                  double *out)
{
    const int hd = s->kv.hd, vd = s->kv.vd;
    const int64_t row = (int64_t)s->kv.n_heads * hd;
    if (s->kv.shared) v = k;
    double *p = malloc((size_t)(position + 1) * sizeof *p);
    for (int h = 0; h < s->n_heads; h++) {
        const int kvh = h / (s->n_heads / s->kv.n_heads);
        const int first = s->window && position >= s->window ? position - s->window + 1 : 0;
        double sum = 0;
        for (int j = first; j <= position; j++) {
            double dot = 0;
            for (int d = 0; d < hd; d++)
                dot += (double)q[h * hd + d] * (double)k[j * row + kvh * hd + d];
            p[j] = exp(dot / sqrt(hd));
            sum += p[j];
        }
        for (int d = 0; d < vd; d++) {
            double o = 0;
            for (int j = first; j <= position; j++)
                o += p[j] * (double)v[j * row + kvh * hd + d];
            out[h * vd + d] = o / sum;
        }
    }
    free(p);
}

enum { PREFIX = 150, OWN = 90, SAMPLES = 9 };

/* Decode: SAMPLES sequences of different lengths after one prefix. */
static void check_decode(const rn_kern *kern, const shape *s, rn_pool *pool)
{
    const int64_t kv_row = (int64_t)s->kv.n_heads * s->kv.hd;
    const int64_t q_row = (int64_t)s->n_heads * s->kv.hd, o_row = (int64_t)s->n_heads * s->kv.vd;
    rn_attn a = attn_of(s);
    float *q = test_floats(SAMPLES * q_row, 1), *out = malloc((size_t)(SAMPLES * o_row) * 4);
    float *alone = malloc((size_t)o_row * 4);
    double *want = malloc((size_t)o_row * 8);
    float *k[SAMPLES], *v[SAMPLES];
    rn_attn_seq seqs[SAMPLES];
    const rn_kv prefix = new_cache(s, PREFIX);
    for (int i = 0; i < SAMPLES; i++) {
        const int n = 1 + i * 11;
        k[i] = test_floats((PREFIX + n) * kv_row, (uint64_t)(20 + i));
        v[i] = test_floats((PREFIX + n) * kv_row, (uint64_t)(50 + i));
        if (i == 0) fill(kern, s, prefix, PREFIX, k[0], v[0]);
        if (i > 0) memcpy(k[i], k[0], (size_t)(PREFIX * kv_row) * 4);
        if (i > 0) memcpy(v[i], v[0], (size_t)(PREFIX * kv_row) * 4);
        seqs[i] = (rn_attn_seq){prefix, new_cache(s, OWN), PREFIX, n - 1, i, 1};
        fill(kern, s, seqs[i].own, n, k[i] + PREFIX * kv_row, v[i] + PREFIX * kv_row);
    }
    a.q = q, a.out = out, a.q_stride = q_row, a.out_stride = o_row;
    rn_attn_run(kern, &a, seqs, SAMPLES, pool);

    const double tolerance = s->kv.type == RN_KV_F32 ? 2e-5 : 1e-4;
    for (int i = 0; i < SAMPLES; i++) {
        exact(s, q + i * q_row, k[i], v[i], PREFIX + i * 11, want);
        for (int64_t j = 0; j < o_row; j++)
            assert_near((double)out[i * o_row + j], want[j], tolerance);
        rn_attn_seq one = seqs[i];
        one.row = 0;
        a.q = q + i * q_row, a.out = alone;
        rn_attn_run(kern, &a, &one, 1, NULL);
        assert_memory_equal(alone, out + i * o_row, (size_t)o_row * 4);
    }
    for (int i = 0; i < SAMPLES; i++) {
        free(k[i]);
        free(v[i]);
        free_cache(seqs[i].own);
    }
    free_cache(prefix);
    free(q);
    free(out);
    free(alone);
    free(want);
}

/* Prefill: a prompt in one call, in two, and token by token; also as own part after a prefix. */
static void check_prefill(const rn_kern *kern, const shape *s, rn_pool *pool)
{
    enum { N = 131 };
    const int64_t kv_row = (int64_t)s->kv.n_heads * s->kv.hd;
    const int64_t q_row = (int64_t)s->n_heads * s->kv.hd, o_row = (int64_t)s->n_heads * s->kv.vd;
    rn_attn a = attn_of(s);
    float *q = test_floats(N * q_row, 2), *k = test_floats(N * kv_row, 3),
          *v = test_floats(N * kv_row, 4);
    float *out = malloc((size_t)(N * o_row) * 4), *pieces = malloc((size_t)(N * o_row) * 4);
    double *want = malloc((size_t)o_row * 8);
    const rn_kv kv = new_cache(s, N);
    fill(kern, s, kv, N, k, v);
    a.q = q, a.out = out, a.q_stride = q_row, a.out_stride = o_row;
    rn_attn_run(kern, &a, &(rn_attn_seq){.own = kv, .n_rows = N}, 1, pool);
    const double tolerance = s->kv.type == RN_KV_F32 ? 2e-5 : 1e-4;
    for (int i = 0; i < N; i += 5) {
        exact(s, q + i * q_row, k, v, i, want);
        for (int64_t j = 0; j < o_row; j++)
            assert_near((double)out[i * o_row + j], want[j], tolerance);
    }
    for (int step = 1; step <= 77; step += 76) {
        for (int i = 0; i < N; i += step) {
            const int n = N - i < step ? N - i : step;
            const rn_attn_seq seq = {.own = kv, .n_own = i, .row = i, .n_rows = n};
            a.out = pieces;
            rn_attn_run(kern, &a, &seq, 1, pool);
        }
        assert_memory_equal(pieces, out, (size_t)(N * o_row) * 4);
    }
    free_cache(kv);
    free(q);
    free(k);
    free(v);
    free(out);
    free(pieces);
    free(want);
}

static void attention_is_right_and_repeats(void **state)
{
    (void)state;
    rn_err err;
    rn_pool *pool = NULL;
    assert_ok(rn_pool_new(3, &pool, &err), &err);
    for (int isa = 0; isa < RN_N_ISAS; isa++) {
        const rn_kern *kern = rn_kern_get((rn_isa)isa);
        for (int i = 0; kern && i < N_SHAPES; i++) {
            /* plain C takes seconds for the large ones */
            if (isa == RN_ISA_SCALAR && shapes[i].kv.hd * shapes[i].n_heads >= 1024) continue;
            check_decode(kern, &shapes[i], pool);
            check_prefill(kern, &shapes[i], pool);
        }
    }
    rn_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(attention_is_right_and_repeats)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
