/* Tests of the choice by examples and soft agreement: src/stat/votes.c. */
#include "test.h"

#include "base/rng.h"
#include "stat/votes.h"

#include <stdbool.h>

enum { N = 7, INPUTS = 5 };

typedef struct fixture {
    uint16_t value[N * INPUTS];
    uint32_t right[N];
    uint8_t pass[N], cut[N];
    rn_votes p;
} fixture;

static void make(fixture *f, uint32_t round)
{
    rn_rng r;
    rn_rng_init(&r, 3, 4, round);
    for (int i = 0; i < N; i++) {
        f->right[i] = (uint32_t)rn_rng_below(&r, 2 + round % 2);
        f->pass[i] = rn_rng_below(&r, 3) == 0;
        f->cut[i] = rn_rng_below(&r, 8) == 0;
        for (int k = 0; k < INPUTS; k++)
            f->value[i * INPUTS + k] = (uint16_t)rn_rng_below(&r, 3);
    }
    f->p = (rn_votes){f->value, f->right, f->pass, f->cut, N, INPUTS, 0};
}

/* The rule as the header states it, on the samples of `set`: the chance that the choice passes. */
static double chosen(const rn_votes *p, unsigned set)
{
    bool in[N] = {false}, any = false;
    uint32_t top = 0;
    for (int i = 0; i < N; i++) {
        if (!(set >> i & 1) || p->cut[i]) continue;
        any = true;
        if (p->right[i] > top) top = p->right[i];
    }
    double best = -1, n = 0, passes = 0;
    for (int i = 0; i < N; i++)
        in[i] = (set >> i & 1) && !p->cut[i] && p->right[i] == top;
    for (int i = 0; i < N && any; i++) {
        if (!in[i]) continue;
        double sum = 0;
        for (size_t k = 0; k < p->n_inputs; k++) {
            double v = 0, m = 0;
            uint16_t own = p->value[(size_t)i * p->n_inputs + k];
            for (int j = 0; j < N; j++) {
                if (!in[j]) continue;
                uint16_t other = p->value[(size_t)j * p->n_inputs + k];
                v += other > 0;
                m += other > 0 && other == own;
            }
            sum += v * v * v * v * m;
        }
        if (sum > best) {
            best = sum;
            n = passes = 0;
        }
        if (sum < best) continue;
        n++;
        passes += p->pass[i];
    }
    return n > 0 ? passes / n : 0;
}

static double by_enumeration(const rn_votes *p, int k)
{
    double sum = 0, sets = 0;
    for (unsigned set = 0; set < 1u << N; set++) {
        if (__builtin_popcount(set) != k) continue;
        sum += chosen(p, set);
        sets++;
    }
    return sum / sets;
}

static void the_estimate_matches_enumeration(void **state)
{
    (void)state;
    rn_err err;
    double squares = 0;
    for (uint32_t round = 0; round < 40; round++) {
        fixture f;
        double curve[N], again[N];
        make(&f, round);
        if (round % 5 == 4) f.p.n_inputs = 0;
        assert_ok(rn_stat_votes_curve(&f.p, N, 1, round, curve, &err), &err);
        assert_ok(rn_stat_votes_curve(&f.p, N, 1, round, again, &err), &err);
        assert_memory_equal(curve, again, sizeof curve);
        for (int k = 1; k <= N; k++) {
            double d = curve[k - 1] - by_enumeration(&f.p, k);
            squares += d * d;
            assert_near(d, 0, 5 * 0.5 / sqrt(1000)); /* five standard errors at most */
        }
        /* Nothing is left to chance where one or all are drawn. */
        assert_near(curve[0], by_enumeration(&f.p, 1), 1e-12);
        assert_near(curve[N - 1], by_enumeration(&f.p, N), 1e-12);
    }
    print_message("error: rms %.2g\n", sqrt(squares / (40 * N)));
}

/* The number of all samples gives the same choice as the rule. */
static void the_highest_score_is_the_choice(void **state)
{
    (void)state;
    rn_err err;
    for (uint32_t round = 0; round < 40; round++) {
        fixture f;
        double score[N], best = -1, n = 0, passes = 0;
        make(&f, round);
        assert_ok(rn_stat_votes_score(&f.p, score, &err), &err);
        for (int i = 0; i < N; i++) {
            if (f.cut[i]) continue;
            assert_true(score[i] >= f.right[i] && score[i] < f.right[i] + 1);
            if (score[i] > best) {
                best = score[i];
                n = passes = 0;
            }
            if (score[i] < best) continue;
            n++;
            passes += f.pass[i];
        }
        assert_near(n > 0 ? passes / n : 0, chosen(&f.p, (1u << N) - 1), 1e-12);
    }
}

/* Along every order: draw until a sample passes all examples, at most k, then choose. */
static void stop_all(const rn_votes *p, uint32_t n_known, int k, unsigned set, int n, double share,
                     double out[4])
{
    int left = N - n;
    for (int i = 0; i < N; i++) {
        if (set >> i & 1) continue;
        unsigned now = set | 1u << i;
        bool done = n_known > 0 && !p->cut[i] && p->right[i] >= n_known;
        if (!done && n + 1 < k) {
            stop_all(p, n_known, k, now, n + 1, share / left, out);
            continue;
        }
        out[0] += share / left * chosen(p, now);
        out[1] += share / left * (n + 1);
        out[2] += share / left * done;
        out[3] += done ? share / left * chosen(p, now) : 0;
    }
}

static void stopping_matches_every_order(void **state)
{
    (void)state;
    rn_err err;
    for (uint32_t round = 0; round < 12; round++) {
        fixture f;
        make(&f, round);
        for (uint32_t known = 0; known < 3; known++) {
            rn_votes_stop got[4];
            f.p.n_known = known;
            assert_ok(rn_stat_votes_stop(&f.p, 4, 1, round, got, &err), &err);
            for (int k = 1; k <= 4; k++) {
                double want[4] = {0};
                stop_all(&f.p, known, k, 0, 0, 1, want);
                assert_near(got[k - 1].pass, want[0], 0.03); /* R is over random orders */
                assert_near(got[k - 1].draws, want[1], 1e-9);
                assert_near(got[k - 1].met, want[2], 1e-9);
                assert_near(got[k - 1].met_pass, want[3], 1e-9);
            }
        }
    }
}

/* Above 128 the curve is linear between the ks that are computed. */
static void long_curves_are_thinned(void **state)
{
    (void)state;
    enum { LONG = 600 };
    rn_err err;
    static uint16_t value[LONG];
    static uint32_t right[LONG];
    static uint8_t pass[LONG], cut[LONG];
    static double curve[LONG];
    for (int i = 0; i < LONG; i++) {
        value[i] = 1;
        pass[i] = i % 3 == 0;
    }
    const rn_votes p = {value, right, pass, cut, LONG, 1, 0};
    assert_ok(rn_stat_votes_curve(&p, LONG, 1, 1, curve, &err), &err);
    for (int k = 0; k < LONG; k++)
        assert_near(curve[k], 1.0 / 3, 1e-9);
    assert_int_equal(rn_stat_votes_curve(&p, LONG + 1, 1, 1, curve, &err), RN_EINVAL);
    assert_int_equal(rn_stat_votes_curve(&p, 0, 1, 1, curve, &err), RN_EINVAL);
    pass[7] = 2;
    assert_int_equal(rn_stat_votes_curve(&p, 1, 1, 1, curve, &err), RN_EINVAL);
    const rn_votes none = {.n = 0};
    assert_ok(rn_stat_votes_score(&none, curve, &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_estimate_matches_enumeration),
        cmocka_unit_test(the_highest_score_is_the_choice),
        cmocka_unit_test(stopping_matches_every_order),
        cmocka_unit_test(long_curves_are_thinned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
