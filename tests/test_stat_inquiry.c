/* Tests of questions that are asked until they are answered: src/stat/inquiry.c, looks.c. */
#include "test.h"

#include "base/rng.h"
#include "stat/inquiry.h"

enum { PROBLEMS = 60 };

/* ---- looks ----------------------------------------------------------------------------------- */

/* Boundaries at equal steps of information: Pocock (1977), O'Brien and Fleming (1979), as Jennison
 * and Turnbull (1999) tabulate them in tables 2.1 and 2.3, two-sided 5 %. */
static void boundaries_are_those_of_the_tables(void **state)
{
    (void)state;
    static const struct {
        int n;
        double c;
        bool pocock;
    } table[] = {{2, 2.178, true},  {3, 2.289, true},  {5, 2.413, true},
                 {2, 1.977, false}, {3, 2.004, false}, {5, 2.040, false}};
    for (size_t t = 0; t < sizeof table / sizeof *table; t++) {
        /* Spend what the table's boundaries spend, found by bisection look by look. */
        rn_err err;
        double spent[5];
        for (int r = 0; r < table[t].n; r++) {
            double want = table[t].pocock ? table[t].c : table[t].c * sqrt(table[t].n / (r + 1.0));
            double lo = r ? spent[r - 1] : 0, hi = 1;
            for (int i = 0; i < 20; i++) {
                rn_looks *l;
                assert_ok(rn_looks_new(0.95, &l, &err), &err);
                spent[r] = (lo + hi) / 2;
                for (int k = 0; k <= r; k++)
                    assert_ok(rn_looks_add(l, spent[k], 0, 1.0 / (k + 1), &err), &err);
                if (rn_looks_running(l).hi * sqrt(r + 1.0) > want)
                    lo = spent[r];
                else
                    hi = spent[r];
                rn_looks_free(l);
            }
        }
        assert_near(spent[table[t].n - 1], 1, 0.004); /* all looks together: 5 % */
    }
}

static void one_look_is_the_normal_interval(void **state)
{
    (void)state;
    rn_err err;
    rn_looks *l;
    assert_ok(rn_looks_new(0.95, &l, &err), &err);
    assert_true(isnan(rn_looks_final(l).value));
    assert_ok(rn_looks_add(l, 1, 0.05, 0.0004, &err), &err);
    const rn_interval at = rn_looks_final(l);
    assert_near(at.value, 0.05, 1e-9);
    assert_near(at.lo, 0.05 - 1.959964 * 0.02, 1e-6);
    assert_near(at.hi, 0.05 + 1.959964 * 0.02, 1e-6);
    assert_int_equal(rn_looks_side(l), 1);
    rn_looks_free(l);
    assert_int_equal(rn_looks_new(1, &l, &err), RN_EINVAL);
}

/* Scores are sums of independent steps: the interval at the end holds the truth as often as stated,
 * excludes 0 exactly where a boundary was crossed, and the running one holds at all looks. */
static void intervals_hold_whatever_ended_them(void **state)
{
    (void)state;
    enum { REPLAYS = 250, LOOKS = 5 };
    static const double truths[] = {0, 0.15, 0.4};
    for (size_t t = 0; t < 3; t++) {
        int held = 0, always = 0, decided = 0;
        for (uint32_t s = 0; s < REPLAYS; s++) {
            rn_err err;
            rn_looks *l;
            rn_rng r;
            double score = 0, information = 0;
            bool all = true;
            rn_rng_init(&r, 23, t, s);
            assert_ok(rn_looks_new(0.9, &l, &err), &err);
            for (int i = 0; i < LOOKS && !rn_looks_side(l); i++) {
                const double more = 10 * pow(1.5, i);
                const double u = rn_rng_unit(&r), v = rn_rng_unit(&r);
                score +=
                    truths[t] * more + sqrt(more) * sqrt(-2 * log(1 - u)) * cos(2 * acos(-1) * v);
                information += more;
                assert_ok(
                    rn_looks_add(l, (i + 1.0) / LOOKS, score / information, 1 / information, &err),
                    &err);
                const rn_interval now = rn_looks_running(l);
                all &= now.lo <= truths[t] && truths[t] <= now.hi;
            }
            const rn_interval at = rn_looks_final(l);
            assert_int_equal(at.lo > 0 ? 1 : at.hi < 0 ? -1 : 0, rn_looks_side(l));
            assert_true(at.lo < at.value && at.value < at.hi);
            held += at.lo <= truths[t] && truths[t] <= at.hi;
            always += all;
            decided += rn_looks_side(l) != 0;
            rn_looks_free(l);
        }
        print_message("truth %g: %d of %d hold it, %d at all looks, %d decided\n", truths[t], held,
                      REPLAYS, always, decided);
        /* Three standard errors of a share of 250. */
        assert_near(held / (double)REPLAYS, 0.9, 0.057);
        assert_true(always >= 0.9 * REPLAYS - 14);
        if (truths[t] == 0) assert_near(decided / (double)REPLAYS, 0.1, 0.057);
    }
}

static void a_look_without_news_is_none(void **state)
{
    (void)state;
    rn_err err;
    rn_looks *l;
    assert_ok(rn_looks_new(0.95, &l, &err), &err);
    assert_ok(rn_looks_add(l, 0.5, 0.01, 0.01, &err), &err);
    assert_ok(rn_looks_add(l, 0.6, 1, 0.0095, &err), &err);
    assert_near(rn_looks_running(l).value, 0.01, 0);
    assert_int_equal(rn_looks_add(l, 0.7, 1, 0, &err), RN_EINVAL);
    rn_looks_free(l);
}

/* ---- questions ------------------------------------------------------------------------------- */

static double rate_of(size_t arm, size_t i, double shift)
{
    double x = ((double)i + 0.5) / PROBLEMS;
    return arm ? x * (1 - shift) : x;
}

typedef int look_at(rn_inquiry *, const rn_count *const *, rn_known *, rn_err *);

/* Asks with outcomes drawn at rate_of; the counts at the end are left in x. */
static rn_known ask_by(look_at *look, rn_inquiry *q, const rn_ask *ask, double shift, uint32_t seed,
                       rn_count x[2][PROBLEMS])
{
    rn_err err;
    rn_known known;
    rn_rng r[2][PROBLEMS];
    const rn_count *const counts[] = {x[0], x[1]};
    memset(x, 0, 2 * sizeof *x);
    assert_ok(rn_inquiry_restart(q, &err), &err);
    for (size_t a = 0; a < 2; a++)
        for (size_t i = 0; i < PROBLEMS; i++)
            rn_rng_init(&r[a][i], a, i, seed);
    do {
        for (size_t a = 0; a < ask->n_arms; a++)
            for (size_t i = 0; i < PROBLEMS; i++)
                for (int64_t need; (need = rn_inquiry_need(q, a, x[a][i])) > x[a][i].n;)
                    for (; x[a][i].n < need; x[a][i].n++)
                        x[a][i].c += rn_rng_unit(&r[a][i]) < rate_of(a, i, shift);
        assert_ok(look(q, counts, &known, &err), &err);
    } while (!known.over);
    return known;
}

static rn_known ask_once(rn_inquiry *q, const rn_ask *ask, double shift, uint32_t seed,
                         rn_count x[2][PROBLEMS])
{
    return ask_by(rn_inquiry_look, q, ask, shift, seed, x);
}

static double truth(size_t arm, double shift, double k)
{
    double sum = 0;
    for (size_t i = 0; i < PROBLEMS; i++)
        sum += (1 - pow(1 - rate_of(arm, i, shift), k)) / PROBLEMS;
    return sum;
}

static void widths_and_leads_are_reached(void **state)
{
    (void)state;
    static const struct {
        rn_ask_kind kind;
        double shift;
        int replays, least; /* that hold the truth */
    } table[] = {{RN_ASK_MEAN, 0, 60, 52}, {RN_ASK_DIFF, 0.2, 40, 34}, {RN_ASK_LEAD, 0.3, 60, 52}};
    for (size_t t = 0; t < sizeof table / sizeof *table; t++) {
        rn_err err;
        rn_inquiry *q;
        const bool two = table[t].kind != RN_ASK_MEAN;
        const rn_ask ask = {
            .kind = table[t].kind,
            .arms = {{.ks = {5}, .n_max = 150}, {.ks = {3}, .n_max = 150, .cost = 2}},
            .n_arms = two ? 2 : 1,
            .n_points = 1,
            .n_problems = PROBLEMS,
            .half = 0.03,
            .level = 0.95};
        const double want = truth(0, 0, 5) - (two ? truth(1, table[t].shift, 3) : 0);
        int held = 0;
        rn_count x[2][PROBLEMS];
        assert_ok(rn_inquiry_new(&ask, &q, &err), &err);
        for (int s = 0; s < table[t].replays; s++) {
            const rn_known k = ask_once(q, &ask, table[t].shift, (uint32_t)s, x);
            held += k.at[0].lo <= want && want <= k.at[0].hi;
            assert_true(k.answered);
            if (table[t].kind == RN_ASK_LEAD)
                assert_true(k.side[0] == (k.at[0].lo > 0) - (k.at[0].hi < 0));
            else
                assert_true(k.at[0].hi - k.at[0].lo <= 0.06 + 1e-12);
        }
        print_message("kind %d: %d of %d intervals hold the truth\n", (int)table[t].kind, held,
                      table[t].replays);
        assert_true(held >= table[t].least);
        rn_inquiry_free(q);
    }
}

/* The first model is ahead at small budgets, the second at large ones. */
static void a_crossover_is_found(void **state)
{
    (void)state;
    rn_err err;
    rn_inquiry *q;
    rn_ask ask = {.kind = RN_ASK_CROSS, .n_arms = 2, .n_points = 4, .n_problems = PROBLEMS};
    static const int64_t first[] = {3, 4, 5, 6}, second[] = {1, 3, 9, 24};
    for (size_t i = 0; i < 4; i++) {
        ask.budgets[i] = pow(2, (double)i);
        ask.arms[0].ks[i] = first[i];
        ask.arms[1].ks[i] = second[i];
    }
    ask.arms[0].n_max = ask.arms[1].n_max = 200;
    ask.within = 4;
    ask.level = 0.95;
    rn_count x[2][PROBLEMS];
    assert_ok(rn_inquiry_new(&ask, &q, &err), &err);
    const rn_known k = ask_once(q, &ask, 0.3, 5, x);
    assert_true(k.answered);
    assert_int_equal(k.side[0], 1);
    assert_int_equal(k.side[3], -1);
    assert_true(k.from == 2 && (k.to == 4 || k.to == 8));
    rn_inquiry_free(q);
}

/* The same outcomes give the same course, with intervals or without; n_max ends what cannot be told. */
static void courses_repeat_and_end(void **state)
{
    (void)state;
    rn_err err;
    rn_inquiry *q;
    const rn_ask ask = {.kind = RN_ASK_LEAD,
                        .arms = {{.ks = {2}, .n_max = 12}, {.ks = {2}, .n_max = 12}},
                        .n_arms = 2,
                        .n_points = 1,
                        .n_problems = PROBLEMS,
                        .level = 0.999};
    rn_count x[2][PROBLEMS], y[2][PROBLEMS];
    assert_ok(rn_inquiry_new(&ask, &q, &err), &err);
    const rn_known a = ask_once(q, &ask, 0, 1, x), b = ask_once(q, &ask, 0, 1, y);
    assert_memory_equal(x, y, sizeof x);
    assert_true(a.at[0].lo == b.at[0].lo && a.round == b.round);
    for (uint32_t seed = 0; seed < 6; seed++) {
        const double shift = 0.9 * (seed % 3); /* some are answered */
        const rn_known look = ask_once(q, &ask, shift, seed, x),
                       glance = ask_by(rn_inquiry_glance, q, &ask, shift, seed, y);
        assert_memory_equal(x, y, sizeof x);
        assert_true(glance.answered == look.answered && glance.round == look.round &&
                    glance.side[0] == look.side[0]);
    }
    assert_true(a.over && !a.answered && a.at[0].lo < 0 && a.at[0].hi > 0);
    rn_inquiry_free(q);
    const rn_ask none = {.kind = RN_ASK_MEAN,
                         .arms = {{.ks = {2}, .n_max = 12}},
                         .n_arms = 1,
                         .n_points = 1,
                         .n_problems = 3,
                         .half = 0,
                         .level = 0.9};
    assert_int_equal(rn_inquiry_new(&none, &q, &err), RN_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boundaries_are_those_of_the_tables),
        cmocka_unit_test(one_look_is_the_normal_interval),
        cmocka_unit_test(intervals_hold_whatever_ended_them),
        cmocka_unit_test(a_look_without_news_is_none),
        cmocka_unit_test(widths_and_leads_are_reached),
        cmocka_unit_test(a_crossover_is_found),
        cmocka_unit_test(courses_repeat_and_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
