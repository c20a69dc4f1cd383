/* Weight types: the conversions against independent values, and the golden files against each
 * other. */
#include "test.h"

#include "gguf/gguf.h"
#include "gguf/half.h"
#include "gguf/quant.h"

static void test_half_round_trip(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 65536; h++) {
        float f = rn_f16_to_f32((uint16_t)h);
        bool nan = (h & 0x7FFF) > 0x7C00;
        assert_int_equal(isnan(f) != 0, nan);
        if (!nan) assert_int_equal(rn_f32_to_f16(f), h);
        float b = rn_bf16_to_f32((uint16_t)h);
        if (!isnan(b)) assert_int_equal(rn_f32_to_bf16(b), h);
    }
}

static void test_half_values(void **state)
{
    (void)state;
    static const struct {
        float f;
        uint16_t h, b;
    } rows[] = {
        {0.0f, 0, 0},
        {-0.0f, 0x8000, 0x8000},
        {1.0f, 0x3C00, 0x3F80},
        {65504.0f, 0x7BFF, 0x4780},
        {65519.0f, 0x7BFF, 0x4780},
        {65520.0f, 0x7C00, 0x4780}, /* rounds to infinity */
        {1e30f, 0x7C00, 0x714A},
        {0x1p-24f, 0x0001, 0x3380},
        {0x1p-25f, 0x0000, 0x3300}, /* ties to even */
        {0x1.8p-24f, 0x0002, 0x33C0},
        {1.0f + 0x1p-11f, 0x3C00, 0x3F80}, /* tie */
        {1.0f + 0x1.8p-10f, 0x3C02, 0x3F80},
        {1.0f + 0x1.8p-7f, 0x3C0C, 0x3F82},
        {INFINITY, 0x7C00, 0x7F80},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(rn_f32_to_f16(rows[i].f), rows[i].h);
        assert_int_equal(rn_f32_to_bf16(rows[i].f), rows[i].b);
    }
    assert_true(isnan(rn_f16_to_f32(rn_f32_to_f16(NAN))));
    assert_true(isnan(rn_bf16_to_f32(rn_f32_to_bf16(rn_f32_of_bits(0x7F800001u)))));
}

static void test_type_table(void **state)
{
    (void)state;
    rn_qtype t = RN_Q_F32;
    assert_true(rn_qtype_parse("q4_k", &t));
    assert_int_equal(t, RN_Q_Q4_K);
    assert_false(rn_qtype_parse("IQ3_S", &t));
    assert_null(rn_qtype_find(21));
    assert_null(rn_qtype_find(4000000000u));
    assert_string_equal(rn_qtype_name(21), "IQ3_S");
    assert_null(rn_qtype_name(41));
    assert_int_equal(rn_quant_row_bytes(RN_Q_Q6_K, 512), 420);
}

/* One block of each type with few bits set, worked out by hand from the formulas of quant.h. */
static void test_hand_made_blocks(void **state)
{
    (void)state;
    float y[256];
    rn_q5_1 q5 = {.d = 0x3C00, .m = 0x4000, .qh = {1, 0, 0, 0x80}, .qs = {0x31}};
    rn_dequant_row(RN_Q_Q5_1, &q5, y, 32); /* d 1, m 2 */
    assert_near(y[0], 1 + 16 + 2, 0);
    assert_near(y[16], 3 + 2, 0);
    assert_near(y[31], 16 + 2, 0);

    rn_q2_k q2 = {.d = 0x3C00, .dmin = 0x3C00, .qs = {0xE4}}; /* pairs 0, 1, 2, 3 */
    q2.scales[2] = 0x32;                                      /* scale 2, minimum 3 */
    q2.scales[6] = 0x03;
    rn_dequant_row(RN_Q_Q2_K, &q2, y, 256);
    assert_near(y[0], 0, 0);
    assert_near(y[32], 1 * 2 - 3, 0);
    assert_near(y[33], -3, 0);
    assert_near(y[96], 3 * 3, 0);

    rn_q3_k q3 = {.d = 0x3C00, .qs = {[32] = 0x03}, .hmask = {[0] = 0x10, [1] = 0x01}};
    q3.scales[0] = 0x50; /* scale 8 has low bits 5, high bits 0 in scales[8] */
    q3.scales[8] = 0x20; /* high bits of scale 8: 2 */
    rn_dequant_row(RN_Q_Q3_K, &q3, y, 256);
    assert_near(y[128], (5 + 32 - 32) * 3, 0);
    assert_near(y[129], (5 + 32 - 32) * -4, 0);
    assert_near(y[0], -32 * -4, 0);
    assert_near(y[1], 0, 0);

    rn_q6_k q6 = {.d = 0x3C00, .ql = {[64] = 0x10, [32] = 0xF0}, .qh = {[0] = 0xC0, [32] = 0x30}};
    for (int i = 0; i < 16; i++)
        q6.scales[i] = (int8_t)(i - 8);
    rn_dequant_row(RN_Q_Q6_K, &q6, y, 256);
    assert_near(y[0], -8 * -32, 0);
    assert_near(y[96], (6 - 8) * (15 + 3 * 16 - 32), 0);
    assert_near(y[128 + 64], (12 - 8) * (1 + 3 * 16 - 32), 0);

    rn_iq4_nl nl = {.d = 0x4000, .qs = {[0] = 0xF0, [15] = 0x87}}; /* d 2 */
    rn_dequant_row(RN_Q_IQ4_NL, &nl, y, 32);
    assert_near(y[0], -254, 0);
    assert_near(y[16], 226, 0);
    assert_near(y[15], -20, 0);
    assert_near(y[31], 2, 0);

    /* sub-block 5: low bits 3 above those of 4, high bits 2: 35 - 32 */
    rn_iq4_xs xs = {.d = 0x3C00, .scales_h = 2 << 10, .scales_l = {0, 0, 0x30}};
    xs.qs[16 * 5 + 2] = 0x8F;
    rn_dequant_row(RN_Q_IQ4_XS, &xs, y, 256);
    assert_near(y[32 * 5 + 2], 3 * 113, 0);
    assert_near(y[32 * 5 + 18], 3, 0);
    assert_near(y[0], -32 * -127, 0);

    rn_mxfp4 mx = {.e = 128, .qs = {[0] = 0xF1, [1] = 0x27}}; /* 2 times 0.5, -6; 6, 1 */
    rn_dequant_row(RN_Q_MXFP4, &mx, y, 32);
    assert_near(y[0], 1, 0);
    assert_near(y[16], -12, 0);
    assert_near(y[1], 12, 0);
    assert_near(y[17], 2, 0);

    rn_tq2_0 t2 = {.d = 0x4000, .qs = {[0] = 0x92, [33] = 0x24}}; /* 2, 0, 1, 2; 0, 1, 2, 0 */
    rn_dequant_row(RN_Q_TQ2_0, &t2, y, 256);
    const int first[] = {1, -1, 0, 1}, second[] = {-1, 0, 1, -1};
    for (int i = 0; i < 4; i++) {
        assert_near(y[32 * i], 2 * first[i], 0);
        assert_near(y[128 + 32 * i + 1], 2 * second[i], 0);
    }

    /* digits 2 0 1 2 1 are 178 of 243: 178 256 / 243, rounded up; of the last bytes 1 2 0 2 0 */
    rn_tq1_0 t1 = {
        .d = 0x4000, .qs = {[3] = 188, [32 + 7] = 188}, .qh = {[2] = (141 * 256 + 242) / 243}};
    const int digits[] = {2, 0, 1, 2, 1}, last[] = {1, 2, 0, 2};
    rn_dequant_row(RN_Q_TQ1_0, &t1, y, 256);
    for (int i = 0; i < 5; i++) {
        assert_near(y[32 * i + 3], 2 * (digits[i] - 1), 0);
        assert_near(y[160 + 16 * i + 7], 2 * (digits[i] - 1), 0);
        if (i < 4) assert_near(y[240 + 4 * i + 2], 2 * (last[i] - 1), 0);
    }
    assert_near(y[0], -2, 0);
}

static void test_not_finite(void **state)
{
    (void)state;
#define X(name, id, block, bytes)                                         \
    {                                                                     \
        _Alignas(8) uint8_t row[2 * 256] = {0};                           \
        assert_true(rn_quant_row_finite(RN_Q_##name, row, 2 * (block)));  \
        memset(row + (bytes), 0xFF, bytes);                               \
        assert_false(rn_quant_row_finite(RN_Q_##name, row, 2 * (block))); \
    }
    RN_QTYPES(X)
#undef X
}

/* Files of one random model in every type: the weights must agree within the type's error. */
static void test_golden_files(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double tolerance; /* of ||w - exact|| / ||exact|| over a tensor */
    } rows[] = {{"f16", 3e-4},  {"bf16", 3e-3}, {"q8_0", 7e-3}, {"q4_0", 0.12},
                {"q4_1", 0.11}, {"q5_0", 0.06}, {"q5_1", 0.05}, {"q2_k", 0.40},
                {"q3_k", 0.21}, {"q4_k", 0.10}, {"q5_k", 0.05}, {"q6_k", 0.03}};
    rn_err err;
    rn_gguf *exact = NULL;
    assert_ok(rn_gguf_open(test_data("golden/llama-f32.gguf"), &exact, &err), &err);
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        char name[64];
        snprintf(name, sizeof name, "golden/llama-%s.gguf", rows[r].name);
        rn_gguf *g = NULL;
        assert_ok(rn_gguf_open(test_data(name), &g, &err), &err);
        assert_int_equal(rn_gguf_n_tensors(g), 21);
        int n_typed = 0;
        for (size_t i = 0; i < rn_gguf_n_tensors(g); i++) {
            const rn_tensor *t = rn_gguf_tensor_at(g, i);
            const rn_tensor *want = rn_gguf_tensor(exact, t->name);
            assert_non_null(want);
            assert_memory_equal(t->ne, want->ne, sizeof t->ne);
            int64_t n = t->ne[0] * t->ne[1];
            assert_int_equal(t->bytes, rn_quant_row_bytes(t->type, n));
            assert_true(rn_quant_row_finite(t->type, t->data, n));
            const float *x = want->data;
            float *y = malloc((size_t)n * sizeof *y);
            rn_dequant_row(t->type, t->data, y, n);
            double diff = 0, norm = 0;
            for (int64_t k = 0; k < n; k++) {
                diff += pow((double)x[k] - (double)y[k], 2);
                norm += pow((double)x[k], 2);
            }
            free(y);
            if (sqrt(diff / norm) > rows[r].tolerance)
                fail_msg("%s %s (%s): relative error %g", name, t->name, rn_qtype_name(t->type),
                         sqrt(diff / norm));
            rn_qtype type = RN_Q_F32;
            n_typed += rn_qtype_parse(rows[r].name, &type) && type == t->type;
        }
        assert_true(n_typed >= 14);
        rn_gguf_close(g);
    }
    rn_gguf_close(exact);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_half_round_trip), cmocka_unit_test(test_half_values),
        cmocka_unit_test(test_type_table),      cmocka_unit_test(test_hand_made_blocks),
        cmocka_unit_test(test_not_finite),      cmocka_unit_test(test_golden_files),
    };
    return cmocka_run_group_tests_name("gguf_quant", tests, NULL, NULL);
}
