/* Tests of resampling, intervals and comparisons: src/stat/product.c, boot.c, compare.c. */
#include "test.h"

#include "base/rng.h"
#include "stat/boot.h"
#include "stat/boot_priv.h"
#include "stat/pass.h"
#include "stat/product.h"

#include "golden/stat.inc"

#define N(a) (sizeof(a) / sizeof *(a))

static rn_boot *boot_of(size_t n_rows, size_t n_resamples, uint64_t seed)
{
    rn_boot *b = NULL;
    rn_err err;
    assert_ok(rn_stat_boot_new(n_rows, n_resamples, seed, &b, &err), &err);
    return b;
}

static double *random_table(size_t n, uint64_t seed)
{
    rn_rng rng;
    rn_rng_init(&rng, seed, 1, 1);
    double *x = malloc(n * sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = rn_rng_unit(&rng);
    return x;
}

/* ---- the product ----------------------------------------------------------------------------- */

static void products_sum_in_order(void **state)
{
    (void)state;
    static const size_t sizes[][3] = {{1, 1, 1},   {3, 5, 2},   {4, 4, 4}, {7, 9, 31},
                                      {5, 257, 3}, {261, 6, 8}, {2, 3, 0}};
    for (size_t s = 0; s < N(sizes); s++) {
        const size_t nx = sizes[s][0], ny = sizes[s][1], np = sizes[s][2], ld = ny + 3;
        double *x = random_table(nx * np + 1, 1), *y = random_table(ny * np + 1, 2);
        double *w = random_table(np + 1, 3), *out = malloc(nx * ld * sizeof *out);
        const rn_operand a = {.value = x, .stride_p = 1, .stride_i = np, .n = nx};
        const rn_operand b = {.value = y, .stride_p = ny, .stride_i = 1, .n = ny};
        assert_int_equal(rn_stat_product(&a, &b, w, np, out, ld, NULL), 0);
        for (size_t i = 0; i < nx; i++)
            for (size_t j = 0; j < ny; j++) {
                double sum = 0;
                for (size_t p = 0; p < np; p++)
                    sum += x[i * np + p] * (w[p] * y[p * ny + j]);
                assert_true(out[i * ld + j] == sum); /* to the last bit */
            }
        free(x);
        free(y);
        free(w);
        free(out);
    }
}

/* ---- resamples ------------------------------------------------------------------------------- */

static void resamples_are_seeded_draws_with_replacement(void **state)
{
    (void)state;
    enum { n = 50, B = 2000 };
    rn_boot *b = boot_of(n, B, 42), *fewer = boot_of(n, 3, 42), *other = boot_of(n, 3, 43);
    double w[n], v[n], u[n], mean[n] = {0}, square[n] = {0};
    for (size_t i = 0; i < B; i++) {
        double total = 0;
        rn_stat_boot_weights(b, i, w);
        for (int p = 0; p < n; p++) {
            total += w[p];
            mean[p] += w[p] / B;
            square[p] += w[p] * w[p] / B;
        }
        assert_true(total == n);
    }
    for (int p = 0; p < n; p++) { /* binomial(n, 1/n): mean 1, variance 1 - 1/n */
        assert_near(mean[p], 1, 5 * sqrt(0.98 / B));
        assert_near(square[p] - mean[p] * mean[p], 0.98, 0.2);
    }
    rn_stat_boot_weights(b, 2, w);
    rn_stat_boot_weights(fewer, 2, v);
    rn_stat_boot_weights(other, 2, u);
    assert_memory_equal(w, v, sizeof w); /* resample 2 does not depend on how many there are */
    assert_memory_not_equal(w, u, sizeof w);
    rn_stat_boot_free(b);
    rn_stat_boot_free(fewer);
    rn_stat_boot_free(other);
    rn_stat_boot_free(NULL);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void quantiles_are_those_of_a_sorted_array(void **state)
{
    (void)state;
    rn_rng rng;
    rn_rng_init(&rng, 1, 2, 3);
    double x[200], sorted[200];
    for (int round = 0; round < 500; round++) {
        size_t n = 1 + rn_rng_below(&rng, 200);
        uint64_t values = 1 + rn_rng_below(&rng, 300); /* often many equal ones */
        for (size_t i = 0; i < n; i++)
            x[i] = sorted[i] = (double)rn_rng_below(&rng, values);
        if (round % 5 == 0) memcpy(x, sorted, n * sizeof *x);
        qsort(sorted, n, sizeof *sorted, ascending);
        if (round % 5 == 1) memcpy(x, sorted, n * sizeof *x);
        const double qs[] = {0, 0.025, 0.5, 0.975, 1};
        for (size_t i = 0; i < N(qs); i++) {
            double at = qs[i] * (double)(n - 1);
            size_t k = (size_t)at;
            double next = k + 1 < n ? sorted[k + 1] : sorted[k];
            assert_true(rn_stat_quantile(x, n, qs[i]) ==
                        sorted[k] + (at - (double)k) * (next - sorted[k]));
        }
    }
    double tail[] = {1, INFINITY, 2, INFINITY}, all[] = {INFINITY, INFINITY};
    assert_true(rn_stat_quantile(tail, 4, 0) == 1);
    assert_true(isinf(rn_stat_quantile(tail, 4, 0.9)));
    assert_true(isinf(rn_stat_quantile(all, 2, 0.5)));
    assert_true(isnan(rn_stat_quantile(all, 0, 0.5)));
}

/* Phi(-t sqrt(n/(n-1))) with t from tables of Student's distribution: 1.7171444 (90 % in the middle,
 * 22 degrees of freedom), 1.3634303 (80 %, 11). */
#define TAIL_23 0.0395667
#define TAIL_12 0.0772151

/* The share of resamples beyond an end makes up for few problems, and its inverse does so too. */
static void ends_are_expanded_for_few_problems(void **state)
{
    (void)state;
    static const struct {
        size_t n;
        double level, tail;
    } cases[] = {{23, 0.9, TAIL_23},    {12, 0.8, TAIL_12}, {60, 0.95, 0.0218018},
                 {10, 0.95, 0.0085506}, {1, 0.95, 0.025},   {1000000, 0.95, 0.025}};
    for (size_t i = 0; i < N(cases); i++) {
        rn_boot *b = boot_of(cases[i].n, 2, 1);
        const double tail = rn_stat_boot_tail(b, cases[i].level);
        assert_near(tail, cases[i].tail, 1e-6);
        assert_near(rn_stat_boot_probability(b, tail), 0.5 - 0.5 * cases[i].level, 1e-9);
        assert_near(rn_stat_boot_probability(b, 1 - tail), 0.5 + 0.5 * cases[i].level, 1e-9);
        assert_true(rn_stat_boot_probability(b, 0) == 0 && rn_stat_boot_probability(b, 1) == 1);
        assert_near(rn_stat_boot_probability(b, 0.5), 0.5, 1e-12);
        rn_stat_boot_free(b);
    }
}

static void means_match_the_definition(void **state)
{
    (void)state;
    enum { n = 23, B = 37, M = 300 };
    rn_err err;
    rn_boot *b = boot_of(n, B, 5);
    double *table = random_table(n * M, 6), *means = malloc(B * M * sizeof *means), w[n];
    assert_ok(rn_stat_boot_means(b, table, M, means, &err), &err);
    for (size_t i = 0; i < B; i++) {
        rn_stat_boot_weights(b, i, w);
        for (size_t j = 0; j < M; j++) {
            double sum = 0;
            for (size_t p = 0; p < n; p++)
                sum += w[p] * table[p * M + j];
            assert_near(means[i * M + j], sum / n, 1e-15);
        }
    }
    /* The interval of a column is that of the sorted means, wherever the column stands. */
    rn_interval all[M], one;
    assert_ok(rn_stat_boot_interval(b, table, M, 0.9, all, &err), &err);
    for (size_t j = 0; j < M; j += 43) {
        double col[n], sorted[B];
        for (size_t p = 0; p < n; p++)
            col[p] = table[p * M + j];
        for (size_t i = 0; i < B; i++)
            sorted[i] = means[i * M + j];
        qsort(sorted, B, sizeof *sorted, ascending);
        assert_ok(rn_stat_boot_interval(b, col, 1, 0.9, &one, &err), &err);
        assert_true(one.value == all[j].value && one.lo == all[j].lo && one.hi == all[j].hi);
        assert_int_equal(one.method, RN_INTERVAL_PERCENTILE);
        const double lo = TAIL_23 * (B + 1) - 1; /* rank from 0: between the first and the second */
        assert_near(one.lo, sorted[0] + lo * (sorted[1] - sorted[0]), 1e-6);
        assert_near(one.hi, sorted[B - 1] - lo * (sorted[B - 1] - sorted[B - 2]), 1e-6);
    }
    free(table);
    free(means);
    rn_stat_boot_free(b);
}

/* ---- intervals ------------------------------------------------------------------------------- */

static void wilson_matches_golden_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(golden_wilson); i++) {
        double lo, hi;
        rn_stat_wilson(golden_wilson[i].p, golden_wilson[i].n, golden_wilson[i].level, &lo, &hi);
        assert_near(lo, golden_wilson[i].lo, 1e-14);
        assert_near(hi, golden_wilson[i].hi, 1e-14);
    }
    double lo, hi;
    rn_stat_wilson(0.5, 100, 1 - 1e-12, &lo, &hi);
    assert_true(lo > 0 && lo < 0.3 && hi > 0.7 && hi < 1);
}

static void edges_do_not_degenerate(void **state)
{
    (void)state;
    enum { n = 164, M = 5 };
    rn_err err;
    rn_boot *b = boot_of(n, 500, 1);
    double table[n * M] = {0};
    for (int i = 0; i < n; i++) {
        table[i * M + 1] = 1;                  /* all solved */
        table[i * M + 2] = i < 4;              /* 4 solved: Wilson */
        table[i * M + 3] = i < 5;              /* 5 solved: percentile */
        table[i * M + 4] = i == 7 ? NAN : 0.5; /* no estimate */
    }
    rn_interval x[M];
    assert_ok(rn_stat_boot_interval(b, table, M, 0.95, x, &err), &err);
    assert_int_equal(x[0].method, RN_INTERVAL_WILSON);
    assert_true(x[0].lo == 0);
    assert_near(x[0].hi, 0.0229, 1e-4);
    assert_true(x[1].hi == 1 && x[1].lo < 0.98);
    assert_int_equal(x[2].method, RN_INTERVAL_WILSON);
    assert_int_equal(x[3].method, RN_INTERVAL_PERCENTILE);
    assert_int_equal(x[4].method, RN_INTERVAL_NONE);
    assert_true(isnan(x[4].value) && isnan(x[4].lo));
    assert_string_equal(rn_stat_interval_name(x[2].method), "wilson");
    assert_string_equal(rn_stat_interval_name(RN_INTERVAL_NEWCOMBE), "newcombe");

    rn_interval any;
    double costs[n];
    for (int i = 0; i < n; i++)
        costs[i] = 1000 + i;
    assert_ok(rn_stat_boot_interval_any(b, costs, 1, 0.95, &any, &err), &err);
    assert_true(any.lo > 1050 && any.lo < any.value && any.value < any.hi && any.hi < 1110);
    assert_int_equal(rn_stat_boot_interval(b, costs, 1, 0.95, &any, &err), RN_EINVAL);
    assert_contains(err.msg, "not a fraction");
    rn_stat_boot_free(b);
}

static void senseless_requests_are_refused(void **state)
{
    (void)state;
    rn_err err;
    rn_boot *b = NULL;
    assert_int_equal(rn_stat_boot_new(0, 10, 1, &b, &err), RN_EINVAL);
    assert_int_equal(rn_stat_boot_new(10, 1, 1, &b, &err), RN_EINVAL);
    assert_null(b);
    b = boot_of(2, 10, 1);
    const double x[] = {0.5, 0.6}, up[] = {1}, down[] = {2, 1};
    rn_interval out;
    rn_crossover cross;
    rn_reach reach;
    const double levels[] = {0, 1, -1, 95, NAN};
    for (size_t i = 0; i < N(levels); i++) {
        assert_int_equal(rn_stat_boot_interval(b, x, 1, levels[i], &out, &err), RN_EINVAL);
        assert_int_equal(rn_stat_boot_paired(b, x, x, 1, levels[i], &out, NULL, &err), RN_EINVAL);
        assert_int_equal(rn_stat_boot_crossover(b, x, x, up, 1, levels[i], &cross, &err),
                         RN_EINVAL);
        assert_int_equal(rn_stat_boot_reach(b, x, 1, 0.5, levels[i], &reach, &err), RN_EINVAL);
    }
    assert_int_equal(rn_stat_boot_crossover(b, x, x, down, 2, 0.9, &cross, &err), RN_EINVAL);
    assert_int_equal(rn_stat_boot_reach(b, x, 1, NAN, 0.9, &reach, &err), RN_EINVAL);
    double lead;
    assert_int_equal(rn_stat_boot_leader(b, NULL, 0, 1, &lead, NULL, &err), RN_EINVAL);
    rn_stat_boot_free(b);
}

/* ---- comparisons ----------------------------------------------------------------------------- */

static void differences_are_paired(void **state)
{
    (void)state;
    enum { n = 200 };
    rn_err err;
    rn_boot *b = boot_of(n, 1000, 4);
    double x[n], y[n], p;
    for (int i = 0; i < n; i++) {
        y[i] = i % 10 / 10.;
        x[i] = y[i] + 0.05 + (i % 3 - 1) * 0.05; /* better on two thirds of all problems */
    }
    rn_interval d;
    assert_ok(rn_stat_boot_paired(b, x, y, 1, 0.95, &d, &p, &err), &err);
    assert_int_equal(d.method, RN_INTERVAL_PERCENTILE);
    assert_near(d.value, 0.05, 0.001);
    assert_true(d.lo > 0.04 && d.hi < 0.06); /* unpaired bars would be ten times as wide */
    assert_true(p == 1);

    double zero[n] = {0}, one[n], few[n];
    for (int i = 0; i < n; i++) {
        one[i] = 1;
        few[i] = i < 2;
    }
    assert_ok(rn_stat_boot_paired(b, zero, zero, 1, 0.95, &d, &p, &err), &err);
    assert_int_equal(d.method, RN_INTERVAL_NEWCOMBE);
    assert_true(d.value == 0 && d.lo < -0.01 && d.hi > 0.01 && p == 0.5);
    assert_ok(rn_stat_boot_paired(b, few, zero, 1, 0.95, &d, &p, &err), &err);
    assert_int_equal(d.method, RN_INTERVAL_NEWCOMBE);
    assert_true(d.lo < 0 && d.hi > 0.02); /* two problems of 200 show nothing */
    assert_ok(rn_stat_boot_paired(b, one, zero, 1, 0.95, &d, NULL, &err), &err);
    assert_true(d.value == 1);
    x[3] = NAN;
    assert_ok(rn_stat_boot_paired(b, x, y, 1, 0.95, &d, &p, &err), &err);
    assert_true(isnan(d.value) && isnan(p) && d.method == RN_INTERVAL_NONE);
    x[3] = 1.5;
    assert_int_equal(rn_stat_boot_paired(b, x, y, 1, 0.95, &d, &p, &err), RN_EINVAL);
    rn_stat_boot_free(b);
}

static void leads_are_shared(void **state)
{
    (void)state;
    enum { n = 100, M = 4 };
    rn_err err;
    rn_boot *b = boot_of(n, 400, 4);
    double *noise = random_table(n, 3), x[n * M], y[n * M], z[n * M];
    for (int i = 0; i < n; i++) {
        x[i * M] = y[i * M] = 0.7, z[i * M] = 0.2;                  /* x and y tie */
        x[i * M + 1] = NAN, y[i * M + 1] = 0.1, z[i * M + 1] = 0.2; /* x does not compete */
        x[i * M + 2] = y[i * M + 2] = z[i * M + 2] = NAN;
        x[i * M + 3] = noise[i], y[i * M + 3] = noise[(i + 1) % n],
                  z[i * M + 3] = 0; /* a toss-up */
    }
    const double *tables[] = {x, y, z};
    double lead[3 * M];
    int best[M];
    assert_ok(rn_stat_boot_leader(b, tables, 3, M, lead, best, &err), &err);
    assert_near(lead[0], 0.5, 1e-12);
    assert_near(lead[M], 0.5, 1e-12);
    assert_true(lead[2 * M] == 0 && best[0] == 0);
    assert_true(lead[1] == 0 && lead[M + 1] == 0 && best[1] == 2);
    assert_near(lead[2 * M + 1], 1, 1e-12);
    assert_true(isnan(lead[2]) && isnan(lead[2 * M + 2]) && best[2] == -1);
    assert_near(lead[3], 0.5, 0.1);
    assert_near(lead[3] + lead[M + 3], 1, 1e-12);
    free(noise);
    rn_stat_boot_free(b);
}

static void crossovers_are_the_last_change(void **state)
{
    (void)state;
    enum { n = 40, M = 6 };
    rn_err err;
    rn_boot *b = boot_of(n, 200, 9);
    const double budgets[M] = {1, 2, 4, 8, 16, 32};
    const double rise[M] = {0.1, 0.2, 0.3, 0.5, 0.7, NAN};
    const double flat[M] = {0.25, 0.3, 0.3, 0.4, 0.45, 0.5};
    double x[n * M], y[n * M];
    for (int i = 0; i < n; i++)
        for (int j = 0; j < M; j++) {
            x[i * M + j] = rise[j];
            y[i * M + j] = flat[j];
        }
    rn_crossover c;
    assert_ok(rn_stat_boot_crossover(b, x, y, budgets, M, 0.95, &c, &err), &err);
    assert_true(c.budget == 8 && c.lo == 8 && c.hi == 8); /* 4 is a tie, 32 has no estimate */
    assert_true(c.from == 1 && c.to == 0 && c.n_changes == 1);
    assert_true(c.p_exists == 1 && c.p_same == 1 && c.p_x_always == 0 && c.p_y_always == 0);

    double always[n * 2], never[n * 2];
    for (int i = 0; i < n * 2; i++) {
        always[i] = 0.6;
        never[i] = 0.1;
    }
    assert_ok(rn_stat_boot_crossover(b, never, always, budgets, 2, 0.95, &c, &err), &err);
    assert_true(isnan(c.budget) && isnan(c.lo) && c.from == -1 && c.n_changes == 0);
    assert_true(c.p_exists == 0 && c.p_y_always == 1);

    /* Noise: x leads by a little from budget 8 on, so that some resamples never cross. */
    double *noise = random_table(2 * n * M, 11);
    for (int i = 0; i < n * M; i++) {
        x[i] = 0.5 + 0.4 * (noise[i] - 0.5) + (i % M >= 3 ? 0.05 : -0.05);
        y[i] = 0.5 + 0.4 * (noise[n * M + i] - 0.5);
    }
    assert_ok(rn_stat_boot_crossover(b, x, y, budgets, M, 0.9, &c, &err), &err);
    assert_true(c.p_exists > 0.5);
    assert_near(c.p_exists + c.p_x_always + c.p_y_always, 1, 1e-12);
    assert_true(c.p_same <= c.p_exists && c.lo <= c.budget && c.budget <= c.hi);
    free(noise);
    rn_stat_boot_free(b);
}

static void reaching_a_score(void **state)
{
    (void)state;
    enum { n = 100, M = 3 };
    rn_err err;
    rn_boot *b = boot_of(n, 400, 9);
    double table[n * M];
    for (int i = 0; i < n; i++) {
        table[i * M] = i < 30;
        table[i * M + 1] = i < 50;
        table[i * M + 2] = i < 52;
    }
    rn_reach r;
    assert_ok(rn_stat_boot_reach(b, table, M, 0.3, 0.95, &r, &err), &err);
    assert_true(r.k == 1 && r.lo == 1 && r.hi == 2 && r.p_reached == 1);
    assert_ok(rn_stat_boot_reach(b, table, M, 0.5, 0.95, &r, &err), &err);
    assert_true(r.k == 2 && isinf(r.hi) && r.p_reached > 0.5 && r.p_reached < 0.8);
    assert_ok(rn_stat_boot_reach(b, table, M, 0.9, 0.95, &r, &err), &err);
    assert_true(r.k == 0 && r.p_reached == 0 && isinf(r.lo));
    rn_stat_boot_free(b);
}

/* Curves longer than a block of columns: the same as following each resample by hand. */
static void long_curves_are_followed_across_blocks(void **state)
{
    (void)state;
    enum { n = 12, B = 40, M = 700 };
    rn_err err;
    rn_boot *b = boot_of(n, B, 21);
    double *x = random_table(n * M, 1), *y = random_table(n * M, 2), budgets[M];
    double *mx = malloc(B * M * sizeof *mx), *my = malloc(B * M * sizeof *my);
    for (int j = 0; j < M; j++)
        budgets[j] = j + 1;
    assert_ok(rn_stat_boot_means(b, x, M, mx, &err), &err);
    assert_ok(rn_stat_boot_means(b, y, M, my, &err), &err);

    const double *tables[] = {x, y};
    double *lead = malloc(2 * M * sizeof *lead), last[B], reached[B];
    assert_ok(rn_stat_boot_leader(b, tables, 2, M, lead, NULL, &err), &err);
    for (int j = 0; j < M; j++) {
        int ahead = 0;
        for (int i = 0; i < B; i++)
            ahead += mx[i * M + j] > my[i * M + j];
        assert_near(lead[j], (double)ahead / B, 1e-12);
    }
    rn_crossover c;
    rn_reach r;
    assert_ok(rn_stat_boot_crossover(b, x, y, budgets, M, 0.8, &c, &err), &err);
    assert_ok(rn_stat_boot_reach(b, x, M, 0.68, 0.8, &r, &err), &err);
    size_t n_same = 0;
    for (int i = 0; i < B; i++) {
        reached[i] = INFINITY;
        for (int j = M; j-- > 0;)
            if (mx[i * M + j] >= 0.68) reached[i] = j + 1;
        int end = mx[i * M + M - 1] < my[i * M + M - 1], j = M - 1;
        while (j > 0 && (mx[i * M + j - 1] < my[i * M + j - 1]) == end)
            j--;
        if (end == c.to) last[n_same++] = budgets[j];
    }
    assert_true(c.p_exists == 1);
    assert_near(c.p_same, (double)n_same / B, 1e-12);
    const double q = (TAIL_12 * ((double)n_same + 1) - 1) / ((double)n_same - 1);
    assert_near(c.lo, rn_stat_quantile(last, n_same, q), 1e-3);
    assert_near(c.hi, rn_stat_quantile(last, n_same, 1 - q), 1e-3);
    assert_near(r.lo, rn_stat_quantile(reached, B, (TAIL_12 * (B + 1) - 1) / (B - 1)), 1e-3);
    assert_true(r.p_reached > 0);
    free(x);
    free(y);
    free(mx);
    free(my);
    free(lead);
    rn_stat_boot_free(b);
}

/* ---- coverage -------------------------------------------------------------------------------- */

/* The population: problems with pass rate p = u^power, u uniform. E[1 - (1-p)^k] by quadrature. */
static double population_mean(double power, int k)
{
    enum { steps = 20000 };
    double sum = 0;
    for (int i = 0; i < steps; i++)
        sum += 1 - pow(1 - pow((i + 0.5) / steps, power), k);
    return sum / steps;
}

static void draw_problem(rn_rng *rng, double power, double easier, double *row, const int *ks)
{
    enum { n = 20 };
    double p = pow(rn_rng_unit(rng), power) * easier, curve[10];
    int c = 0;
    for (int i = 0; i < n; i++)
        c += rn_rng_unit(rng) < p;
    assert_int_equal(rn_pass_curve(n, c, 10, curve, NULL), 0);
    for (int j = 0; j < 3; j++)
        row[j] = curve[ks[j] - 1];
}

/* How often a 95 % interval holds the population's pass@k: problems and samples both drawn anew. */
static void intervals_cover_the_population(void **state)
{
    (void)state;
    enum { P = 100, REPEATS = 400, B = 300 };
    const int ks[] = {1, 5, 10};
    static const struct {
        double power, lo, hi;
    } populations[] = {{1, 0.92, 0.975}, {4, 0.92, 0.975}, {60, 0.92, 1}}; /* the last: near 0 */
    for (size_t s = 0; s < N(populations); s++) {
        int hits[3] = {0};
        for (uint32_t r = 0; r < REPEATS; r++) {
            rn_rng rng;
            rn_rng_init(&rng, 100 + s, 3, r);
            double table[P * 3];
            for (int i = 0; i < P; i++)
                draw_problem(&rng, populations[s].power, 1, table + 3 * i, ks);
            rn_boot *b = boot_of(P, B, r);
            rn_interval x[3];
            assert_int_equal(rn_stat_boot_interval(b, table, 3, 0.95, x, NULL), 0);
            rn_stat_boot_free(b);
            for (int j = 0; j < 3; j++) {
                static double want[N(populations)][3];
                if (want[s][j] == 0) want[s][j] = population_mean(populations[s].power, ks[j]);
                hits[j] += x[j].lo <= want[s][j] && want[s][j] <= x[j].hi;
            }
        }
        print_message("coverage, p = u^%g: pass@1 %.3f, pass@5 %.3f, pass@10 %.3f\n",
                      populations[s].power, hits[0] / (double)REPEATS, hits[1] / (double)REPEATS,
                      hits[2] / (double)REPEATS);
        for (int j = 0; j < 3; j++) {
            double share = hits[j] / (double)REPEATS;
            assert_true(share >= populations[s].lo && share <= populations[s].hi);
        }
    }
}

/* Two models that are equally good: 0 is inside the paired interval 95 % of the time. */
static void paired_intervals_cover_no_difference(void **state)
{
    (void)state;
    enum { P = 100, REPEATS = 300, B = 300 };
    const int ks[] = {1, 5, 10};
    int hits[3] = {0};
    for (uint32_t r = 0; r < REPEATS; r++) {
        double x[P * 3], y[P * 3];
        for (int i = 0; i < P; i++) { /* the same problem for both: the same first number */
            rn_rng rx, ry;
            rn_rng_init(&rx, 1, r, (uint32_t)i);
            rn_rng_init(&ry, 1, r, (uint32_t)i);
            draw_problem(&rx, 2, 1, x + 3 * i, ks);
            double p = pow(rn_rng_unit(&ry), 2), curve[10];
            int c = 0;
            rn_rng_init(&ry, 2, r, (uint32_t)i);
            for (int j = 0; j < 20; j++)
                c += rn_rng_unit(&ry) < p;
            assert_int_equal(rn_pass_curve(20, c, 10, curve, NULL), 0);
            for (int j = 0; j < 3; j++)
                y[3 * i + j] = curve[ks[j] - 1];
        }
        double mean[3], lo[3], hi[3];
        rn_err err;
        assert_ok(rn_bootstrap(&(rn_bootstrap_table){x, y, P, 3, B, r, 0.95}, mean, lo, hi, &err),
                  &err);
        for (int j = 0; j < 3; j++)
            hits[j] += lo[j] <= 0 && 0 <= hi[j];
    }
    print_message("coverage of differences: pass@1 %.3f, pass@5 %.3f, pass@10 %.3f\n",
                  hits[0] / (double)REPEATS, hits[1] / (double)REPEATS, hits[2] / (double)REPEATS);
    for (int j = 0; j < 3; j++)
        assert_true(hits[j] >= 0.91 * REPEATS && hits[j] <= 0.985 * REPEATS);
}

static void public_calls(void **state)
{
    (void)state;
    rn_err err;
    double table[50 * 2], mean[2], lo[2], hi[2], again[2];
    for (int i = 0; i < 50; i++) {
        table[2 * i] = i % 2;
        table[2 * i + 1] = i % 5 / 4.;
    }
    assert_ok(
        rn_bootstrap(&(rn_bootstrap_table){table, NULL, 50, 2, 1000, 7, 0.95}, mean, lo, hi, &err),
        &err);
    assert_ok(rn_bootstrap(&(rn_bootstrap_table){table, NULL, 50, 2, 1000, 7, 0.95}, mean, again,
                           hi, &err),
              &err);
    assert_near(mean[0], 0.5, 1e-15);
    assert_near(mean[1], 0.5, 1e-15);
    assert_true(lo[0] > 0.3 && lo[0] < 0.42 && hi[0] > 0.58 && hi[0] < 0.7);
    assert_true(hi[1] - lo[1] < hi[0] - lo[0]);
    assert_memory_equal(lo, again, sizeof lo);
    assert_int_equal(
        rn_bootstrap(&(rn_bootstrap_table){table, NULL, 0, 2, 1000, 7, 0.95}, mean, lo, hi, &err),
        RN_EINVAL);
    assert_int_equal(
        rn_bootstrap(&(rn_bootstrap_table){table, NULL, 50, 2, 1000, 7, 95}, mean, lo, hi, &err),
        RN_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_sum_in_order),
        cmocka_unit_test(resamples_are_seeded_draws_with_replacement),
        cmocka_unit_test(quantiles_are_those_of_a_sorted_array),
        cmocka_unit_test(ends_are_expanded_for_few_problems),
        cmocka_unit_test(means_match_the_definition),
        cmocka_unit_test(wilson_matches_golden_numbers),
        cmocka_unit_test(edges_do_not_degenerate),
        cmocka_unit_test(senseless_requests_are_refused),
        cmocka_unit_test(differences_are_paired),
        cmocka_unit_test(leads_are_shared),
        cmocka_unit_test(crossovers_are_the_last_change),
        cmocka_unit_test(reaching_a_score),
        cmocka_unit_test(long_curves_are_followed_across_blocks),
        cmocka_unit_test(intervals_cover_the_population),
        cmocka_unit_test(paired_intervals_cover_no_difference),
        cmocka_unit_test(public_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
