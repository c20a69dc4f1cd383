/* Tests of rank-score@k: src/stat/rankscore.c. */
#include "test.h"

#include "base/rng.h"
#include "stat/agree.h"
#include "stat/pass.h"
#include "stat/rankscore.h"

#include "golden/stat.inc"

#define N(a) (sizeof(a) / sizeof *(a))

static void matches_exact_rationals(void **state)
{
    (void)state;
    rn_err err;
    double worst = 0;
    for (size_t i = 0; i < N(golden_rank); i++) {
        size_t n = (size_t)golden_rank[i].n;
        double one, *place = malloc(n * sizeof *place);
        for (size_t j = 0; j < n; j++)
            place[j] = 7 * (j + 1) % 11 < 4;
        assert_ok(rn_stat_rank_at(place, golden_rank[i].n, golden_rank[i].k, &one, &err), &err);
        assert_near(one, golden_rank[i].score, 1e-14);
        worst = fmax(worst, fabs(one - golden_rank[i].score));
        if (n <= 2000) {
            double *curve = malloc(n * sizeof *curve);
            assert_ok(rn_stat_rank_curve(place, golden_rank[i].n, golden_rank[i].k, curve, &err),
                      &err);
            assert_true(curve[golden_rank[i].k - 1] == one);
            free(curve);
        }
        free(place);
    }
    print_message("worst error: %.2g\n", worst);
}

/* Mean over all k-subsets and over all orders within ties: the share of passes among the
 * best-scored samples of the subset, cut samples last and never chosen. */
static double by_enumeration(const rn_ranked *r, int k, bool lower)
{
    double sum = 0;
    int subsets = 0;
    for (unsigned s = 0; s < 1u << r->n; s++) {
        if (__builtin_popcount(s) != k) continue;
        subsets++;
        double best = INFINITY;
        int n_best = 0, n_pass = 0;
        for (int i = 0; i < r->n; i++) {
            if (!(s >> i & 1) || (r->cut && r->cut[i])) continue;
            double v = lower ? r->score[i] : -r->score[i];
            if (v > best) continue;
            if (v < best) n_best = n_pass = 0;
            best = v;
            n_best++;
            n_pass += r->pass[i];
        }
        if (n_best > 0) sum += (double)n_pass / n_best;
    }
    return sum / subsets;
}

static void ties_and_cuts_match_enumeration(void **state)
{
    (void)state;
    rn_err err;
    rn_rng rng;
    rn_rng_init(&rng, 7, 7, 7);
    for (int round = 0; round < 400; round++) {
        int n = 1 + (int)rn_rng_below(&rng, 9);
        double score[9], place[9], curve[9];
        uint8_t pass[9], cut[9];
        for (int i = 0; i < n; i++) {
            score[i] = (double)rn_rng_below(&rng, 4) - 1.5; /* many ties */
            pass[i] = (uint8_t)rn_rng_below(&rng, 2);
            cut[i] = rn_rng_below(&rng, 4) == 0;
        }
        bool lower = round % 2;
        const rn_ranked r = {score, pass, round % 3 ? cut : NULL, n};
        int64_t n_place;
        assert_ok(rn_stat_rank_order(&r, lower, RN_CUT_LAST, place, &n_place, &err), &err);
        assert_int_equal(n_place, n);
        assert_ok(rn_stat_rank_curve(place, n, n, curve, &err), &err);
        for (int k = 1; k <= n; k++)
            assert_near(curve[k - 1], by_enumeration(&r, k, lower), 1e-14);
    }
}

static void dropped_cuts_leave_the_population(void **state)
{
    (void)state;
    rn_err err;
    const double score[] = {3, NAN, 1, 2, NAN};
    const uint8_t pass[] = {1, 1, 0, 1, 0}, cut[] = {0, 1, 0, 0, 1};
    const double kept_score[] = {3, 1, 2};
    const uint8_t kept_pass[] = {1, 0, 1};
    const rn_ranked all = {score, pass, cut, 5}, kept = {kept_score, kept_pass, NULL, 3};
    double place[5], want[3], got[3];
    int64_t n;
    assert_ok(rn_stat_rank_order(&all, true, RN_CUT_DROP, place, &n, &err), &err);
    assert_int_equal(n, 3);
    assert_ok(rn_stat_rank_curve(place, n, 3, got, &err), &err);
    assert_ok(rn_stat_rank_table(&kept, 1, true, RN_CUT_LAST, 3, want, &err), &err);
    for (int k = 0; k < 3; k++)
        assert_true(got[k] == want[k]);

    /* Cut samples may hold NAN scores; a sample to be ranked may not. */
    const uint8_t none[] = {0, 0, 0, 0, 0}, odd[] = {1, 2, 0, 1, 0};
    const rn_ranked unscored = {score, pass, none, 5}, strange = {score, odd, cut, 5};
    assert_int_equal(rn_stat_rank_order(&unscored, true, RN_CUT_LAST, place, &n, &err), RN_EINVAL);
    assert_contains(err.msg, "sample 1 has no score");
    assert_int_equal(rn_stat_rank_order(&strange, true, RN_CUT_LAST, place, &n, &err), RN_EINVAL);
    assert_contains(err.msg, "pass is 2");
}

/* Blind choice scores c/n at every k, a perfect ranker pass@k, a perverse one what is left. */
static void bounds_hold(void **state)
{
    (void)state;
    enum { n = 300 };
    rn_err err;
    rn_rng rng;
    rn_rng_init(&rng, 3, 1, 4);
    for (int c = 0; c <= n; c += 20) {
        double score[n], same[n], place[n], blind[n], best[n], worst[n], some[n], pass_at[n];
        uint8_t pass[n];
        for (int i = 0; i < n; i++) {
            pass[i] = i < c;
            score[i] = rn_rng_unit(&rng);
            same[i] = 1;
        }
        int64_t len;
        const rn_ranked by_pass = {NULL, pass, NULL, n};
        rn_ranked r = by_pass;
        r.score = same;
        assert_ok(rn_stat_rank_order(&r, true, RN_CUT_LAST, place, &len, &err), &err);
        assert_ok(rn_stat_rank_curve(place, n, n, blind, &err), &err);
        r.score = score;
        assert_ok(rn_stat_rank_table(&r, 1, true, RN_CUT_LAST, n, some, &err), &err);
        for (int i = 0; i < n; i++)
            score[i] = pass[i];
        assert_ok(rn_stat_rank_table(&r, 1, false, RN_CUT_LAST, n, best, &err), &err);
        assert_ok(rn_stat_rank_table(&r, 1, true, RN_CUT_LAST, n, worst, &err), &err);
        assert_ok(rn_pass_curve(n, c, n, pass_at, &err), &err);
        for (int k = 0; k < n; k++) {
            assert_near(blind[k], (double)c / n, 1e-13);
            assert_near(best[k], pass_at[k], 1e-13);
            assert_true(worst[k] <= some[k] + 1e-13 && some[k] <= best[k] + 1e-13);
        }
    }
}

/* The mean over all k-subsets, each of which counts its own groups. */
static double agreed_by_enumeration(const rn_agreed *p, int k)
{
    double sum = 0;
    int subsets = 0;
    for (unsigned s = 0; s < 1u << p->n; s++) {
        if (__builtin_popcount(s) != k) continue;
        subsets++;
        double best = -1, n_best = 0, n_pass = 0;
        for (int i = 0; i < p->n; i++) {
            if (!(s >> i & 1) || p->cut[i]) continue;
            double size = 0;
            for (int j = 0; j < p->n; j++)
                size += (s >> j & 1) && !p->cut[j] && p->group[j] == p->group[i];
            double score = size * p->weight[i];
            if (score < best) continue;
            if (score > best) n_best = n_pass = 0;
            best = score;
            n_best++;
            n_pass += p->pass[i];
        }
        if (n_best > 0) sum += n_pass / n_best;
    }
    return sum / subsets;
}

static void agreement_matches_enumeration(void **state)
{
    (void)state;
    enum { n = 11 };
    rn_err err;
    rn_rng rng;
    rn_rng_init(&rng, 8, 8, 8);
    double squares = 0, worst = 0;
    int points = 0;
    for (int round = 0; round < 60; round++) {
        uint32_t group[n];
        uint8_t pass[n], cut[n];
        double weight[n], by_group[n], curve[n], again[n];
        for (int g = 0; g < n; g++)
            by_group[g] = (double)rn_rng_below(&rng, 3);
        for (int i = 0; i < n; i++) {
            group[i] = (uint32_t)rn_rng_below(&rng, 4) + 1;
            weight[i] = round % 2 ? by_group[group[i] - 1] : 1;
            pass[i] = rn_rng_below(&rng, 3) == 0;
            cut[i] = rn_rng_below(&rng, 8) == 0;
        }
        const rn_agreed p = {group, weight, pass, cut, n};
        assert_ok(rn_stat_agree_curve(&p, n, 1, (uint64_t)round, curve, &err), &err);
        assert_ok(rn_stat_agree_curve(&p, n, 1, (uint64_t)round, again, &err), &err);
        assert_memory_equal(curve, again, sizeof curve);
        for (int k = 1; k <= n; k++) {
            double d = curve[k - 1] - agreed_by_enumeration(&p, k);
            assert_near(d, 0, 5 * 0.5 / sqrt(4000)); /* five standard errors at most */
            squares += d * d;
            worst = fmax(worst, fabs(d));
            points++;
        }
        /* Nothing is left to chance where all are drawn. */
        assert_near(curve[n - 1], agreed_by_enumeration(&p, n), 1e-12);
    }
    print_message("error: rms %.2g, worst %.2g\n", sqrt(squares / points), worst);
}

/* Groups of one sample are a blind choice, one group for all passes is a perfect one among those
 * that have it; a single draw is always blind. */
static void agreement_at_its_bounds(void **state)
{
    (void)state;
    enum { n = 40 };
    rn_err err;
    uint32_t group[n];
    uint8_t pass[n], cut[n] = {0};
    double weight[n], curve[n], pass_at[n];
    for (int i = 0; i < n; i++) {
        group[i] = (uint32_t)i + 1;
        weight[i] = 1;
        pass[i] = i < 10;
    }
    const rn_agreed p = {group, weight, pass, cut, n};
    assert_ok(rn_stat_agree_curve(&p, n, 0, 0, curve, &err), &err);
    for (int k = 0; k < n; k++)
        assert_near(curve[k], 0.25, 0.03);
    assert_near(curve[n - 1], 0.25, 1e-12);
    for (int i = 0; i < n; i++)
        weight[i] = pass[i]; /* the others belong to no group */
    assert_ok(rn_stat_agree_curve(&p, n, 0, 0, curve, &err), &err);
    assert_ok(rn_pass_curve(n, 10, n, pass_at, &err), &err);
    for (int k = 0; k < n; k++)
        assert_near(curve[k], pass_at[k], 0.03);
    memset(cut, 1, sizeof cut);
    assert_ok(rn_stat_agree_curve(&p, n, 0, 0, curve, &err), &err);
    assert_near(curve[n - 1], 0, 0);
    memset(cut, 0, sizeof cut);

    double table[4];
    const rn_agreed rows[] = {p, p};
    assert_ok(rn_stat_agree_table(rows, 2, 2, 0, table, &err), &err);
    assert_int_equal(rn_stat_agree_table(rows, 2, n + 1, 0, table, &err), RN_EINVAL);
    assert_contains(err.msg, "problem 0");
    group[3] = 0;
    assert_int_equal(rn_stat_agree_curve(&p, 1, 0, 0, curve, &err), RN_EINVAL);
    group[3] = 1;
    weight[3] = NAN;
    assert_int_equal(rn_stat_agree_curve(&p, 1, 0, 0, curve, &err), RN_EINVAL);
    weight[3] = 1;
    pass[3] = 2;
    assert_int_equal(rn_stat_agree_curve(&p, 1, 0, 0, curve, &err), RN_EINVAL);
}

static void tables_and_limits(void **state)
{
    (void)state;
    rn_err err;
    const double score[] = {1, 2, 3, 4};
    const uint8_t pass[] = {0, 1, 0, 1}, all_cut[] = {1, 1, 1, 1};
    const rn_ranked rows[] = {{score, pass, NULL, 4}, {score, pass, all_cut, 4}};
    double table[8];
    assert_int_equal(rn_stat_rank_k_max(rows, 2, RN_CUT_LAST), 2);
    assert_int_equal(rn_stat_rank_k_max(rows, 2, RN_CUT_DROP), 2); /* the empty row has no say */
    assert_int_equal(rn_stat_rank_k_max(rows + 1, 1, RN_CUT_DROP), 0);
    assert_ok(rn_stat_rank_table(rows, 2, false, RN_CUT_DROP, 4, table, &err), &err);
    assert_near(table[0], 0.5, 1e-15);
    assert_true(table[3] == 1);
    for (int k = 4; k < 8; k++)
        assert_true(table[k] == 0);
    assert_int_equal(rn_stat_rank_table(rows, 2, false, RN_CUT_DROP, 5, table, &err), RN_EINVAL);
    assert_contains(err.msg, "problem 0");
    assert_contains(err.msg, "k = 5 is more than the n = 4");
    assert_int_equal(rn_stat_rank_table(rows, 2, false, RN_CUT_DROP, 0, table, &err), RN_EINVAL);

    double x = 5, lower[4];
    for (int i = 0; i < 4; i++)
        lower[i] = -score[i];
    assert_ok(rn_rank_score(score, pass, 4, 1, &x, &err), &err);
    assert_near(x, 0.5, 1e-15);
    assert_ok(rn_rank_score(lower, pass, 4, 4, &x, &err), &err);
    assert_true(x == 0);
    assert_int_equal(rn_rank_score(lower, pass, 4, 5, &x, &err), RN_EINVAL);
    assert_int_equal(rn_rank_score(lower, pass, 0, 1, &x, &err), RN_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_exact_rationals),
        cmocka_unit_test(ties_and_cuts_match_enumeration),
        cmocka_unit_test(dropped_cuts_leave_the_population),
        cmocka_unit_test(bounds_hold),
        cmocka_unit_test(agreement_matches_enumeration),
        cmocka_unit_test(agreement_at_its_bounds),
        cmocka_unit_test(tables_and_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
