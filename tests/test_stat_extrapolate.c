/* Tests of pass@k beyond the recorded samples: src/stat/extrapolate.c. */
#include "test.h"

#include "base/rng.h"
#include "stat/beta.h"
#include "stat/extrapolate.h"

enum { PROBLEMS = 150 };

/* Counts of problems whose rates are quantiles of Beta(alpha, beta). */
static void draw(double alpha, double beta, int64_t n, uint32_t seed, rn_count *out)
{
    rn_rng r;
    rn_rng_init(&r, 11, 5, seed);
    for (int i = 0; i < PROBLEMS; i++) {
        double p = rn_stat_beta_quantile(alpha, beta, (i + 0.5) / PROBLEMS);
        out[i] = (rn_count){.n = n};
        for (int64_t j = 0; j < n; j++)
            out[i].c += rn_rng_unit(&r) < p;
    }
}

static double truth(double alpha, double beta, double k)
{
    double sum = 0;
    for (int i = 0; i < PROBLEMS; i++)
        sum += 1 - pow(1 - rn_stat_beta_quantile(alpha, beta, (i + 0.5) / PROBLEMS), k);
    return sum / PROBLEMS;
}

static double extrapolate(const rn_count *eff, size_t n, int64_t k)
{
    rn_err err;
    rn_interval out;
    const rn_extra_ask ask = {.eff = eff, .n = n, .ks = &k, .n_ks = 1, .level = 0.9};
    assert_ok(rn_stat_extrapolate(&ask, &out, NULL, &err), &err);
    return out.value;
}

static void known_populations_are_predicted(void **state)
{
    (void)state;
    static const struct {
        double alpha, beta, rmse; /* points, of pass@100 from 20 samples */
    } table[] = {{0.4, 1, 2.5}, {0.3, 0.3, 2}, {1, 1, 2.5}, {0.2, 2, 3.5}, {2, 2, 1.5}};
    for (size_t t = 0; t < sizeof table / sizeof *table; t++) {
        double want = truth(table[t].alpha, table[t].beta, 100), squares = 0, plug = 0;
        for (uint32_t s = 0; s < 10; s++) {
            rn_count eff[PROBLEMS];
            draw(table[t].alpha, table[t].beta, 20, s, eff);
            squares += pow(extrapolate(eff, PROBLEMS, 100) - want, 2);
            double naive = 0;
            for (int i = 0; i < PROBLEMS; i++)
                naive += 1 - pow(1 - (double)eff[i].c / 20, 100);
            plug += pow(naive / PROBLEMS - want, 2);
        }
        double rmse = 100 * sqrt(squares / 10);
        print_message("Beta(%g, %g): error %.2f points, c/n as the rate %.2f\n", table[t].alpha,
                      table[t].beta, rmse, 100 * sqrt(plug / 10));
        if (rmse > table[t].rmse) fail_msg("case %zu: %.2f points", t, rmse);
    }
}

static void the_curve_goes_on_where_it_ends(void **state)
{
    (void)state;
    rn_count eff[PROBLEMS];
    rn_err err;
    draw(0.5, 1, 21, 3, eff);
    double recorded = 0;
    for (int i = 0; i < PROBLEMS; i++) {
        double pass;
        assert_ok(rn_stat_pass(eff[i].n, eff[i].c, 10, &pass, &err), &err);
        recorded += pass / PROBLEMS;
    }
    const int64_t ks[] = {10, 11, 20, 40, 100, 1000};
    rn_interval out[6];
    rn_extra_about about;
    const rn_extra_ask ask = {
        .eff = eff, .n = PROBLEMS, .ks = ks, .n_ks = 6, .n_resamples = 60, .seed = 1, .level = 0.9};
    assert_ok(rn_stat_extrapolate(&ask, out, &about, &err), &err);
    assert_int_equal(about.from_k, 10);
    assert_float_equal(out[0].value, recorded, 1e-12);
    for (int i = 0; i < 6; i++) {
        if (i) assert_true(out[i].value > out[i - 1].value && out[i].value <= 1);
        assert_true(out[i].lo < out[i].value && out[i].value < out[i].hi && out[i].hi <= 1);
    }
    rn_interval again[6];
    assert_ok(rn_stat_extrapolate(&ask, again, NULL, &err), &err);
    for (int i = 0; i < 6; i++)
        assert_true(out[i].lo == again[i].lo && out[i].hi == again[i].hi);
}

static void hopeless_problems_stay_unsolved(void **state)
{
    (void)state;
    rn_count eff[PROBLEMS];
    rn_rng r;
    rn_rng_init(&r, 1, 1, 1);
    for (int i = 0; i < PROBLEMS; i++) {
        eff[i] = (rn_count){.n = 60};
        for (int j = 0; j < 60 && i % 2; j++)
            eff[i].c += rn_rng_unit(&r) < 0.5;
    }
    double at = extrapolate(eff, PROBLEMS, 1000);
    if (!(at >= 0.5 && at < 0.56)) fail_msg("pass@1000 is %.3f, want 0.5", at);
}

static void order_and_unequal_counts_do_not_matter(void **state)
{
    (void)state;
    rn_count eff[PROBLEMS], turned[PROBLEMS];
    draw(0.5, 1, 20, 4, eff);
    for (int i = 0; i < PROBLEMS; i++)
        turned[i] = eff[PROBLEMS - 1 - i];
    double x = extrapolate(eff, PROBLEMS, 200), y = extrapolate(turned, PROBLEMS, 200);
    assert_float_equal(x, y, 5e-3); /* the folds differ */
    /* A problem with more samples of the same rate changes little. */
    for (int i = 0; i < PROBLEMS; i += 2) {
        eff[i].n *= 2;
        eff[i].c *= 2;
    }
    assert_float_equal(extrapolate(eff, PROBLEMS, 200), x, 0.03);
}

static void what_cannot_be_told_is_refused(void **state)
{
    (void)state;
    rn_count eff[PROBLEMS];
    for (int i = 0; i < PROBLEMS; i++)
        eff[i] = (rn_count){.n = 10};
    assert_string_equal(rn_stat_extrapolate_why_not(eff, NULL, PROBLEMS, 20), "no sample passed");
    for (int i = 0; i < PROBLEMS; i++)
        eff[i].c = 10;
    assert_string_equal(rn_stat_extrapolate_why_not(eff, NULL, PROBLEMS, 20),
                        "every sample passed");
    eff[0].c = 3;
    assert_null(rn_stat_extrapolate_why_not(eff, NULL, PROBLEMS, 500));
    assert_non_null(rn_stat_extrapolate_why_not(eff, NULL, PROBLEMS, 501));
    assert_non_null(rn_stat_extrapolate_why_not(eff, NULL, RN_EXTRA_MIN_PROBLEMS - 1, 20));
    uint8_t keep[PROBLEMS] = {1, 1, 1};
    assert_non_null(rn_stat_extrapolate_why_not(eff, keep, PROBLEMS, 20));
    eff[5] = (rn_count){.n = 3, .c = 1};
    assert_non_null(rn_stat_extrapolate_why_not(eff, NULL, PROBLEMS, 20));
    rn_err err;
    rn_interval out;
    int64_t k = 20, low = 2;
    rn_extra_ask ask = {.eff = eff, .n = PROBLEMS, .ks = &k, .n_ks = 1, .level = 0.9};
    assert_int_equal(rn_stat_extrapolate(&ask, &out, NULL, &err), RN_EUNSUPPORTED);
    eff[5] = eff[6];
    ask.ks = &low;
    assert_int_equal(rn_stat_extrapolate(&ask, &out, NULL, &err), RN_EINVAL);
}

static void published_curves_are_continued(void **state)
{
    (void)state;
    rn_err err;
    const int64_t k[] = {1, 2, 4, 16, 64}, far[] = {256, 1000};
    double pass[5], out[2];
    for (int i = 0; i < 5; i++)
        pass[i] = truth(0.4, 0.8, (double)k[i]);
    assert_ok(rn_stat_extrapolate_curve(k, pass, 5, 0.0005, far, 2, out, &err), &err);
    assert_float_equal(out[0], truth(0.4, 0.8, 256), 0.02);
    assert_float_equal(out[1], truth(0.4, 0.8, 1000), 0.03);
    assert_int_equal(rn_stat_extrapolate_curve(k, pass, 2, 0.003, far, 2, out, &err),
                     RN_EUNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_populations_are_predicted),
        cmocka_unit_test(the_curve_goes_on_where_it_ends),
        cmocka_unit_test(hopeless_problems_stay_unsolved),
        cmocka_unit_test(order_and_unequal_counts_do_not_matter),
        cmocka_unit_test(what_cannot_be_told_is_refused),
        cmocka_unit_test(published_curves_are_continued),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
