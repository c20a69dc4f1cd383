/* Tests of the combination of rankers: src/stat/logit.c. */
#include "test.h"

#include "base/rng.h"
#include "stat/logit.h"
#include "stat/rankscore.h"

enum { MAX_N = 4000 };

/* Samples of problems of different difficulty; the features tell what `truth` says, [n_x]. */
typedef struct world {
    double x[MAX_N * 3];
    uint8_t passed[MAX_N];
    uint32_t problem[MAX_N];
    rn_logit_data d;
    size_t each; /* samples of a problem */
} world;

static double noise(rn_rng *r)
{
    double sum = -6; /* about normal */
    for (int i = 0; i < 12; i++)
        sum += rn_rng_unit(r);
    return sum;
}

static void make_world(world *w, size_t n_problems, size_t each, const double *truth, uint32_t seed)
{
    rn_rng r;
    rn_rng_init(&r, 9, 0, seed);
    *w = (world){.each = each};
    w->d = (rn_logit_data){w->x, w->passed, w->problem, n_problems * each, 3, n_problems};
    assert_true(w->d.n <= MAX_N);
    for (size_t p = 0; p < n_problems; p++) {
        const double base = noise(&r), shift = 3 * noise(&r);
        for (size_t s = 0; s < each; s++) {
            const size_t i = p * each + s;
            double t = base;
            for (size_t j = 0; j < 3; j++) {
                const double z = noise(&r);
                t += truth[j] * z;
                /* What is alike in a problem's samples must not matter, nor the unit. */
                w->x[i * 3 + j] = (z + shift) * (j == 1 ? 1000 : 1);
            }
            w->passed[i] = rn_rng_unit(&r) < 1 / (1 + exp(-t));
            w->problem[i] = (uint32_t)p;
        }
    }
}

/* rank-score@k over all problems of w.x; weights [n_problems, 3], or [3] for all (`one`). */
static double choose(const world *w, const double *weights, bool one, int64_t k)
{
    double sum = 0;
    double score[64];
    rn_err err;
    for (size_t p = 0; p < w->d.n_problems; p++) {
        double at = 0, place[64];
        int64_t n_place;
        for (size_t s = 0; s < w->each; s++) {
            score[s] = 0;
            for (size_t j = 0; j < 3; j++)
                score[s] += weights[(one ? 0 : p * 3) + j] * w->x[(p * w->each + s) * 3 + j];
        }
        const rn_ranked x = {
            .score = score, .pass = &w->passed[p * w->each], .n = (int64_t)w->each};
        assert_ok(rn_stat_rank_order(&x, false, RN_CUT_LAST, place, &n_place, &err), &err);
        assert_ok(rn_stat_rank_at(place, n_place, k, &at, &err), &err);
        sum += at;
    }
    return sum / (double)w->d.n_problems;
}

static void weights_are_those_of_the_world(void **state)
{
    (void)state;
    static const double truth[] = {1.5, 0.5, 0};
    world *w = malloc(sizeof *w);
    double got[3];
    rn_err err;
    make_world(w, 400, 10, truth, 1);
    assert_ok(rn_logit_fit(&w->d, NULL, got, &err), &err);
    print_message("weights %.3f %.6f %.3f\n", got[0], got[1], got[2]);
    assert_near(got[1] * 1000 / got[0], 0.5 / 1.5, 0.08);
    assert_true(fabs(got[2]) < 0.15 * got[0]);
    free(w);
}

static void together_they_are_better_than_apart(void **state)
{
    (void)state;
    static const double truth[] = {1.2, 1.2, 0}, first[] = {1, 0, 0}, second[] = {0, 1, 0};
    world *w = malloc(sizeof *w);
    double *got = malloc(300 * 3 * sizeof *got);
    rn_err err;
    make_world(w, 300, 10, truth, 2);
    assert_ok(rn_logit_crossfit(&w->d, 0, got, &err), &err);
    const double both = choose(w, got, false, 5);
    print_message("first %.3f, second %.3f, both %.3f\n", choose(w, first, true, 5),
                  choose(w, second, true, 5), both);
    assert_true(both > choose(w, first, true, 5) + 0.02);
    assert_true(both > choose(w, second, true, 5) + 0.02);
    free(got);
    free(w);
}

/* Verdicts that have nothing to do with the scores: chosen by weights of other problems no better
 * than blindly, which is what its parts do; by weights of the same problems better, which is what a
 * leak would look like here. */
static void random_labels_show_no_leak(void **state)
{
    (void)state;
    enum { REPEATS = 400, PROBLEMS = 12, EACH = 6 };
    static const double none[] = {0, 0, 0}, first[] = {1, 0, 0};
    double sum[3] = {0}, squares[3] = {0};
    world *w = malloc(sizeof *w);
    rn_err err;
    for (uint32_t s = 0; s < REPEATS; s++) {
        double crossed[PROBLEMS * 3], same[3];
        make_world(w, PROBLEMS, EACH, none, 100 + s);
        assert_ok(rn_logit_crossfit(&w->d, s, crossed, &err), &err);
        assert_ok(rn_logit_fit(&w->d, NULL, same, &err), &err);
        const double blind = choose(w, none, true, EACH);
        const double ahead[] = {choose(w, crossed, false, EACH) - blind,
                                choose(w, same, true, EACH) - blind,
                                choose(w, first, true, EACH) - blind};
        for (int i = 0; i < 3; i++) {
            sum[i] += ahead[i];
            squares[i] += ahead[i] * ahead[i];
        }
    }
    double off[3];
    for (int i = 0; i < 3; i++) {
        const double mean = sum[i] / REPEATS;
        off[i] = mean / sqrt((squares[i] / REPEATS - mean * mean) / REPEATS);
    }
    print_message("ahead of a blind choice, standard errors: cross-fitted %.1f, fitted on itself "
                  "%.1f, a part alone %.1f\n",
                  off[0], off[1], off[2]);
    assert_true(off[0] < 3 && off[2] < 3);
    assert_true(off[1] > 8);
    free(w);
}

static void a_problem_has_no_say_in_its_own_weights(void **state)
{
    (void)state;
    static const double truth[] = {1, 0.3, 0};
    world *w = malloc(sizeof *w);
    double before[20 * 3], after[20 * 3];
    rn_err err;
    make_world(w, 20, 8, truth, 5);
    assert_ok(rn_logit_crossfit(&w->d, 3, before, &err), &err);
    for (size_t i = 0; i < 8; i++)
        w->passed[7 * 8 + i] ^= 1;
    assert_ok(rn_logit_crossfit(&w->d, 3, after, &err), &err);
    assert_memory_equal(before + 7 * 3, after + 7 * 3, 3 * sizeof *before);
    int changed = 0;
    for (size_t p = 0; p < 20; p++)
        changed += memcmp(before + p * 3, after + p * 3, 3 * sizeof *before) != 0;
    assert_true(changed >= 12);
    free(w);
}

static void where_nothing_tells_the_weights_are_zero(void **state)
{
    (void)state;
    static const double truth[] = {1, 1, 1};
    world *w = malloc(sizeof *w);
    double got[3], all[12 * 3];
    rn_err err;
    for (int how = 0; how < 3; how++) {
        make_world(w, 12, 5, truth, 6);
        for (size_t i = 0; i < w->d.n; i++) {
            if (how < 2) w->passed[i] = (uint8_t)how; /* none, all pass */
            if (how == 2) w->passed[i] = w->problem[i] % 2;
            if (how == 2) w->x[i * 3] = w->problem[i]; /* differs between problems alone */
        }
        assert_ok(rn_logit_fit(&w->d, NULL, got, &err), &err);
        for (int j = 0; j < (how == 2 ? 1 : 3); j++)
            assert_near(got[j], 0, 1e-9);
        assert_ok(rn_logit_crossfit(&w->d, 0, all, &err), &err);
    }
    w->d.n_problems = RN_LOGIT_MIN_PROBLEMS - 1;
    w->d.n = 5 * w->d.n_problems;
    assert_int_equal(rn_logit_crossfit(&w->d, 0, all, &err), RN_EINVAL);
    assert_contains(err.msg, "9 judged problems are too few");
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_those_of_the_world),
        cmocka_unit_test(together_they_are_better_than_apart),
        cmocka_unit_test(random_labels_show_no_leak),
        cmocka_unit_test(a_problem_has_no_say_in_its_own_weights),
        cmocka_unit_test(where_nothing_tells_the_weights_are_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
