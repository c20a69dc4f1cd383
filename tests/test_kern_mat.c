/* tsan */
/*
 * Products on every kernel set of this machine against double arithmetic on dequantised weights,
 * and their bits against themselves: any number of rows, any threads, any place of a row in a call.
 */
#include "test.h"
#include "test_kern.h"

#include "model/mat.h"

enum { MAX_ROWS = 97, MAX_COLS = 2304, MAX_OUT = 130 };

static const rn_qtype types[] = {
    RN_Q_F32,  RN_Q_F16,    RN_Q_BF16,   RN_Q_Q8_0,  RN_Q_Q4_0,  RN_Q_Q4_1,
    RN_Q_Q5_0, RN_Q_Q5_1,   RN_Q_Q2_K,   RN_Q_Q3_K,  RN_Q_Q4_K,  RN_Q_Q5_K,
    RN_Q_Q6_K, RN_Q_IQ4_NL, RN_Q_IQ4_XS, RN_Q_MXFP4, RN_Q_TQ1_0, RN_Q_TQ2_0,
};
enum { N_TYPES = sizeof types / sizeof *types };

/* x as the integer kernels see it: 8 bits, one scale per 32 columns. */
static void quantised(const float *x, int64_t n, double *out)
{
    for (int64_t c = 0; c < n; c += 32) {
        float most = 0;
        for (int i = 0; i < 32; i++)
            most = fmaxf(most, fabsf(x[c + i]));
        const float d = most / 127, inverse = most > 0 ? 127 / most : 0;
        for (int i = 0; i < 32; i++)
            out[c + i] = (double)d * rint((double)(x[c + i] * inverse));
    }
}

/* Every element of y within `tolerance` of the exact product, relative to sum |w x|. */
static void check_product(const rn_kern *k, rn_qtype type, int64_t rows, int64_t out, int64_t cols,
                          const uint8_t *file, const rn_mat *w, rn_pool *pool)
{
    float *x = test_floats(rows * cols, 7), *y = calloc((size_t)(rows * out), sizeof *y);
    rn_act *act = NULL;
    rn_err err;
    assert_ok(rn_act_new(k, rows, cols, rn_mat_form(w), &act, &err), &err);
    rn_act_set(act, x, cols, rows, cols, rn_mat_form(w), pool);
    rn_mat_mul(&(rn_mul){w, y, out}, 1, act, pool);

    float *row = malloc((size_t)cols * sizeof *row);
    double *xq = malloc((size_t)cols * sizeof *xq);
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t c = 0; c < cols; c++)
            xq[c] = (double)x[r * cols + c];
        if (rn_mat_form(w) == RN_ACT_Q8) quantised(x + r * cols, cols, xq);
        for (int64_t o = 0; o < out; o++) {
            rn_dequant_row(type, file + (size_t)o * rn_quant_row_bytes(type, cols), row, cols);
            double exact = 0, size = 0;
            for (int64_t c = 0; c < cols; c++) {
                exact += (double)row[c] * xq[c];
                size += fabs((double)row[c] * xq[c]);
            }
            double got = (double)y[r * out + o];
            if (!(fabs(got - exact) <= 2e-6 * size + 1e-12))
                fail_msg("%s %s [%lld x %lld], row %lld of %lld, column %lld: got %.9g, want %.9g",
                         rn_isa_name(k->isa), rn_qtype_name(type), (long long)out, (long long)cols,
                         (long long)r, (long long)rows, (long long)o, got, exact);
        }
    }
    free(row);
    free(xq);
    free(x);
    free(y);
    rn_act_free(act);
}

static void products_are_right(void **state)
{
    (void)state;
    rn_pool *pool = NULL;
    rn_err err;
    assert_ok(rn_pool_new(2, &pool, &err), &err);
    for (int isa = 0; isa < RN_N_ISAS; isa++) {
        const rn_kern *k = rn_kern_get((rn_isa)isa);
        for (int t = 0; k && t < N_TYPES; t++) {
            const int64_t block = rn_qtype_find(types[t])->block;
            const int64_t cols = block == 1 ? 77 : block == 32 ? 1024 + 96 : 1280;
            const int64_t out = 61;
            uint8_t *file = test_weights(types[t], out, cols, 3);
            rn_mat *w = NULL;
            assert_ok(rn_mat_new(k, types[t], file, out, cols, pool, &w, &err), &err);
            assert_int_equal(rn_mat_rows(w), out);
            assert_int_equal(rn_mat_cols(w), cols);
            static const int64_t rows[] = {1, 2, 5, 13};
            for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
                check_product(k, types[t], rows[i], out, cols, file, w, pool);
            rn_mat_free(w);
            free(file);
        }
    }
    rn_pool_free(pool);
}

/* One row at a time without threads is what every other way must repeat. */
static void bits_do_not_depend_on_the_call(void **state)
{
    (void)state;
    rn_rng rng;
    rn_rng_init(&rng, 11, 0, 0);
    rn_pool *pools[5] = {NULL};
    rn_err err;
    for (int n = 1; n <= 4; n++)
        assert_ok(rn_pool_new(n, &pools[n], &err), &err);
    for (int isa = 0; isa < RN_N_ISAS; isa++) {
        const rn_kern *k = rn_kern_get((rn_isa)isa);
        if (!k) continue;
        const int rounds = isa == RN_ISA_SCALAR ? N_TYPES : 4 * N_TYPES;
        for (int round = 0; round < rounds; round++) {
            const rn_qtype type = types[round % N_TYPES];
            const int64_t block = rn_qtype_find(type)->block;
            const int64_t unit = block == 1 ? 1 : block;
            const int64_t max_cols = isa == RN_ISA_SCALAR ? 512 : MAX_COLS;
            const int64_t cols =
                unit * (1 + (int64_t)rn_rng_below(&rng, (uint64_t)(max_cols / unit)));
            const int64_t out = 1 + (int64_t)rn_rng_below(&rng, MAX_OUT);
            const int64_t rows = 1 + (int64_t)rn_rng_below(&rng, MAX_ROWS);
            uint8_t *file = test_weights(type, out, cols, (uint64_t)round);
            float *x = test_floats(rows * cols, (uint64_t)round);
            rn_mat *w = NULL, *v = NULL;
            assert_ok(rn_mat_new(k, type, file, out, cols, pools[3], &w, &err), &err);
            assert_ok(rn_mat_new(k, type, file, out, cols, NULL, &v, &err), &err);
            rn_act *act = NULL;
            assert_ok(rn_act_new(k, rows, cols, RN_ACT_Q8 | RN_ACT_F32, &act, &err), &err);
            const size_t bytes = (size_t)(rows * out) * sizeof(float);
            float *want = malloc(bytes), *got = malloc(bytes), *two = malloc(bytes);
            for (int64_t r = 0; r < rows; r++) {
                rn_act_set(act, x + r * cols, cols, 1, cols, rn_mat_form(w), NULL);
                rn_mat_mul(&(rn_mul){w, want + r * out, out}, 1, act, NULL);
            }
            for (int n = 1; n <= 4; n++) {
                memset(got, 0xFF, bytes);
                memset(two, 0xFF, bytes);
                rn_act_set(act, x, cols, rows, cols, rn_mat_form(w), pools[n]);
                rn_mat_mul((rn_mul[]){{w, got, out}, {v, two, out}}, 2, act, pools[n]);
                if (memcmp(want, got, bytes) != 0 || memcmp(want, two, bytes) != 0)
                    fail_msg("%s %s [%lld x %lld] times %lld rows on %d threads: other bits",
                             rn_isa_name(k->isa), rn_qtype_name(type), (long long)out,
                             (long long)cols, (long long)rows, n);
            }
            free(want);
            free(got);
            free(two);
            free(x);
            free(file);
            rn_act_free(act);
            rn_mat_free(w);
            rn_mat_free(v);
        }
    }
    for (int n = 1; n <= 4; n++)
        rn_pool_free(pools[n]);
}

/* A stack of matrices, each with rows of its own, against each product by itself; also of rows that few-row kernels
 * take beside others that they do not. */
static void groups_have_the_bits_of_single_products(void **state)
{
    (void)state;
    enum { GROUPS = 5, ROWS = 1 + 40 + 7 + 2 + 26, OUT = 70, COLS = 768 };
    static const int32_t start[GROUPS + 1] = {0, 1, 41, 48, 50, ROWS};
    static float want[ROWS * OUT], got[ROWS * OUT], two[ROWS * OUT];
    rn_err err;
    rn_pool *pools[4] = {NULL};
    for (int n = 1; n <= 3; n++)
        assert_ok(rn_pool_new(n, &pools[n], &err), &err);
    float *x = test_floats(ROWS * COLS, 11);
    for (int isa = 0; isa < RN_N_ISAS; isa++) {
        const rn_kern *k = rn_kern_get((rn_isa)isa);
        for (int t = 0; k && t < N_TYPES; t++) {
            const size_t bytes = rn_quant_row_bytes(types[t], COLS) * OUT;
            uint8_t *file = test_weights(types[t], GROUPS * OUT, COLS, (uint64_t)t);
            rn_mat *w[GROUPS], *alone = NULL;
            rn_act *act = NULL;
            const rn_stack stack = {types[t], file, GROUPS, OUT, COLS};
            assert_ok(rn_mat_new_stack(k, &stack, pools[2], w, &err), &err);
            const unsigned form = rn_mat_form(w[0]);
            assert_ok(rn_act_new(k, ROWS, COLS, form, &act, &err), &err);
            for (int g = 0; g < GROUPS; g++) {
                const int32_t n = start[g + 1] - start[g];
                assert_ok(rn_mat_new(k, types[t], file + (size_t)g * bytes, OUT, COLS, NULL, &alone,
                                     &err),
                          &err);
                rn_act_set(act, x + start[g] * COLS, COLS, n, COLS, form, NULL);
                rn_mat_mul(&(rn_mul){alone, want + start[g] * OUT, OUT}, 1, act, NULL);
                rn_mat_free(alone);
            }
            for (int n = 0; n <= 3; n++) {
                rn_mul jobs[2 * GROUPS];
                for (int g = 0; g < GROUPS; g++) {
                    jobs[2 * g] = (rn_mul){w[g], got + start[g] * OUT, OUT};
                    jobs[2 * g + 1] = (rn_mul){w[g], two + start[g] * OUT, OUT};
                }
                memset(got, 0xFF, sizeof got);
                memset(two, 0xFF, sizeof two);
                rn_act_set_groups(act, x, COLS, start, GROUPS, COLS, form, pools[n]);
                rn_mat_mul_groups(jobs, 2, start, GROUPS, act, pools[n]);
                if (memcmp(want, got, sizeof got) != 0 || memcmp(want, two, sizeof two) != 0)
                    fail_msg("%s %s on %d threads: other bits", rn_isa_name(k->isa),
                             rn_qtype_name(types[t]), n);
            }
            for (int g = 0; g < GROUPS; g++)
                rn_mat_free(w[g]);
            rn_act_free(act);
            free(file);
        }
    }
    free(x);
    for (int n = 1; n <= 3; n++)
        rn_pool_free(pools[n]);
}

/* y [rows][out] of one set. */
static void product_of(const rn_kern *k, rn_qtype type, const uint8_t *file, const float *x,
                       int64_t rows, int64_t out, int64_t cols, float *y)
{
    rn_mat *w = NULL;
    rn_act *act = NULL;
    rn_err err;
    assert_ok(rn_mat_new(k, type, file, out, cols, NULL, &w, &err), &err);
    assert_ok(rn_act_new(k, rows, cols, rn_mat_form(w), &act, &err), &err);
    rn_act_set(act, x, cols, rows, cols, rn_mat_form(w), NULL);
    rn_mat_mul(&(rn_mul){w, y, out}, 1, act, NULL);
    rn_act_free(act);
    rn_mat_free(w);
}

/* Parts of the thread's state that are in use, as xsave counts them. */
static uint32_t state_in_use(void)
{
    uint32_t low = 0;
#if defined(__x86_64__)
    uint32_t high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(1));
#endif
    return low;
}

/* Runs go on from a machine with AMX to one without (rn_isa_bits): no bit may differ. */
static void amx_gives_the_bits_of_avx512(void **state)
{
    (void)state;
    const rn_kern *amx = rn_kern_get(RN_ISA_AMX), *avx512 = rn_kern_get(RN_ISA_AVX512);
    if (!amx) return;
    static const int64_t all_rows[] = {1, 24, 25, 33, 64, 97, 150};
    enum { OUT = 77, N_ROWS = sizeof all_rows / sizeof *all_rows };
    for (int t = 0; t < N_TYPES; t++) {
        const int64_t block = rn_qtype_find(types[t])->block;
        for (size_t i = 0; i < N_ROWS; i++) {
            const int64_t rows = all_rows[i];
            const int64_t cols = block == 1 ? 45 : block * (i % 2 ? 1 : block == 32 ? 37 : 5);
            uint8_t *file = test_weights(types[t], OUT, cols, 40 + i);
            float *x = test_floats(rows * cols, 50 + i);
            /* The largest sums: all activations 127 or -127, and 8-bit weights -128. */
            for (int64_t c = 0; i % 3 == 0 && c < rows * cols; c++)
                x[c] = c / cols % 2 ? 1.0F : -1.0F;
            if (i % 3 == 0 && types[t] == RN_Q_Q8_0)
                for (size_t b = 0; b < rn_quant_row_bytes(types[t], cols) * OUT; b += 34)
                    memset(file + b + 2, 0x80, 32);
            const size_t bytes = (size_t)(rows * OUT) * sizeof(float);
            float *want = malloc(bytes), *got = malloc(bytes);
            memset(got, 0xFF, bytes);
            product_of(avx512, types[t], file, x, rows, OUT, cols, want);
            product_of(amx, types[t], file, x, rows, OUT, cols, got);
            if (memcmp(want, got, bytes) != 0)
                fail_msg("%s [%d x %lld] times %lld rows: other bits than avx512",
                         rn_qtype_name(types[t]), OUT, (long long)cols, (long long)rows);
            free(want);
            free(got);
            free(x);
            free(file);
        }
    }
    assert_int_equal(state_in_use() >> 17 & 3, 0); /* neither tiles nor their shapes */
}

static void packed_size_stays_near_the_files(void **state)
{
    (void)state;
    for (int t = 0; t < N_TYPES; t++) {
        const size_t file = rn_quant_row_bytes(types[t], 2048) * 2048;
        const size_t packed = rn_mat_bytes(types[t], 2048, 2048);
        const bool as_bytes =
            types[t] == RN_Q_IQ4_NL || types[t] == RN_Q_IQ4_XS || types[t] == RN_Q_MXFP4;
        const double most = as_bytes                 ? 2.09
                            : types[t] == RN_Q_TQ1_0 ? 1.56
                            : types[t] == RN_Q_TQ2_0 ? 1.28
                                                     : 1.05;
        if (packed < file || (double)packed > most * (double)file)
            fail_msg("%s: %zu bytes packed, %zu in the file", rn_qtype_name(types[t]), packed,
                     file);
    }
}

static void bad_shapes_are_refused(void **state)
{
    (void)state;
    static const struct {
        rn_qtype type;
        int64_t rows, cols;
        int code;
        const char *says;
    } cases[] = {
        {RN_Q_Q8_0, 4, 33, RN_EINVAL, "multiple of 32"},
        {RN_Q_Q4_K, 4, 288, RN_EINVAL, "multiple of 256"},
        {RN_Q_F32, 0, 32, RN_EINVAL, "positive"},
        {RN_Q_F32, 4, -1, RN_EINVAL, "positive"},
        {RN_Q_F32, INT64_MAX, INT64_MAX, RN_EINVAL, "below 2^31"},
        {(rn_qtype)21, 4, 256, RN_EUNSUPPORTED, "IQ3_S"},
        {(rn_qtype)77, 4, 256, RN_EUNSUPPORTED, "unknown"},
    };
    const rn_kern *k = rn_kern_get(RN_ISA_SCALAR);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rn_mat *w = NULL;
        rn_err err;
        uint8_t none[64] = {0};
        int rc = rn_mat_new(k, cases[i].type, none, cases[i].rows, cases[i].cols, NULL, &w, &err);
        assert_int_equal(rc, cases[i].code);
        assert_contains(err.msg, cases[i].says);
        assert_null(w);
        assert_int_equal(rn_mat_bytes(cases[i].type, cases[i].rows, cases[i].cols), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_right),
        cmocka_unit_test(bits_do_not_depend_on_the_call),
        cmocka_unit_test(groups_have_the_bits_of_single_products),
        cmocka_unit_test(amx_gives_the_bits_of_avx512),
        cmocka_unit_test(packed_size_stays_near_the_files),
        cmocka_unit_test(bad_shapes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
