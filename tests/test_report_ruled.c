/* Tests of runs that a question ended, as reports read them: src/report/ruled.c. */
#include "test.h"

#include "base/rng.h"
#include "report/report_priv.h"
#include "report/ruled.h"
#include "stat/inquiry.h"

enum { PROBLEMS = 30, N_MAX = 60, K = 2 };

/* Outcomes of one replay and how many of them were drawn. */
typedef struct replay {
    uint8_t pass[PROBLEMS][2 * N_MAX];
    int64_t n[PROBLEMS];
    rn_count counts[PROBLEMS];
    char rule[300];
    double answer;
} replay;

/* At middle rates eq. 1 leans most: a few passes in the beginning end it, a few failures do not. */
static double rate_of(size_t p)
{
    return 0.3 + 0.4 * (double)p / PROBLEMS;
}

static rn_inquiry *open_question(void)
{
    static const int64_t ks[1] = {K};
    rn_ask ask = {.kind = RN_ASK_MEAN,
                  .n_arms = 1,
                  .n_points = 1,
                  .n_problems = PROBLEMS,
                  .half = 0.045,
                  .level = 0.95};
    memcpy(ask.arms[0].ks, ks, sizeof ks);
    ask.arms[0].n_max = N_MAX;
    rn_inquiry *q = NULL;
    rn_err err;
    assert_ok(rn_inquiry_new(&ask, &q, &err), &err);
    return q;
}

/* `generate --until 'pass@2 +-4.5'` on problems of known rates. */
static void run_until(rn_inquiry *q, uint32_t seed, replay *x)
{
    rn_err err;
    rn_known known = {0};
    *x = (replay){0};
    for (size_t p = 0; p < PROBLEMS; p++) {
        rn_rng r;
        rn_rng_init(&r, 11, p, seed);
        for (size_t i = 0; i < 2 * N_MAX; i++)
            x->pass[p][i] = rn_rng_unit(&r) < rate_of(p);
    }
    assert_ok(rn_inquiry_restart(q, &err), &err);
    while (!known.over) {
        for (size_t p = 0; p < PROBLEMS; p++) {
            rn_count *c = &x->counts[p];
            for (int64_t need; (need = rn_inquiry_need(q, 0, *c)) > c->n;)
                for (; c->n < need; c->n++)
                    c->c += x->pass[p][c->n];
            x->n[p] = c->n;
        }
        const rn_count *counts[1] = {x->counts};
        assert_ok(rn_inquiry_look(q, counts, &known, &err), &err);
    }
    char rule[200];
    rn_seq_rule_write(rn_inquiry_seq(q, 0), rule, sizeof rule);
    snprintf(x->rule, sizeof x->rule, "pass@2 +-4.5: %s, rung %d", rule, rn_inquiry_rung(q));
    x->answer = known.at[0].value;
}

/* The run in a store, read for a report; *e and what it holds are in the arena. */
static void read_run(rn_arena *a, const replay *x, const char *settings, rn_entrant *e,
                     rn_report_task *t)
{
    size_t n = 0, at = 0;
    for (size_t p = 0; p < PROBLEMS; p++)
        n += (size_t)x->n[p];
    rn_store_cell *cells = rn_arena_array(a, n + 1, sizeof *cells);
    uint32_t *place = rn_arena_array(a, n + 1, sizeof *place);
    uint8_t *first = rn_arena_array(a, n + 1, 1);
    for (size_t p = 0; p < PROBLEMS; p++)
        for (int32_t i = 0; i < x->n[p]; i++) {
            place[at] = (uint32_t)p;
            cells[at++] = (rn_store_cell){.problem_id = (int64_t)p + 100,
                                          .ord = (int32_t)p,
                                          .idx = i,
                                          .verdict = x->pass[p][i] ? RN_V_PASSED : RN_V_WRONG};
        }
    rn_err err;
    *t = (rn_report_task){.n_problems = PROBLEMS};
    *e = (rn_entrant){0};
    const rn_run_cells run = {cells, place, n, settings};
    assert_ok(rn_report_ruled(a, t, &run, e, first, &err), &err);
    for (size_t i = 0; e->base && i < n; i++)
        assert_int_equal(first[i], cells[i].idx < e->base[place[i]].n);
}

/* A run until the answer is known, and what a report reads of it. */
typedef struct reading {
    rn_inquiry *q;
    rn_arena a;
    rn_entrant e;
    rn_report_task t;
    replay x;
} reading;

static reading *open_reading(uint32_t seed)
{
    reading *r = calloc(1, sizeof *r);
    assert_non_null(r);
    r->q = open_question();
    run_until(r->q, seed, &r->x);
    return r;
}

static void close_reading(reading *r)
{
    rn_arena_free(&r->a);
    rn_inquiry_free(r->q);
    free(r);
}

static const char *settings_of(rn_arena *a, const char *marks)
{
    return rn_arena_printf(a, "{\"seed\":0,\"until\":%s,\"version\":\"0\"}", marks);
}

/* Reads the run again with these marks of its rules, JSON. */
static void read_marked(reading *r, const char *marks)
{
    read_run(&r->a, &r->x, settings_of(&r->a, marks), &r->e, &r->t);
}

/* A mean over replays, its distance from the truth in standard errors. */
typedef struct tally {
    double sum, squares, truth;
    int n;
} tally;

static void add(tally *t, double x)
{
    t->sum += x;
    t->squares += x * x;
    t->n++;
}

static double off(const tally *t)
{
    const double mean = t->sum / t->n;
    return (mean - t->truth) / sqrt((t->squares / t->n - mean * mean) / t->n);
}

static double mean_column(const double *rows, int64_t k_max, int64_t k)
{
    double sum = 0;
    for (size_t p = 0; p < PROBLEMS; p++)
        sum += rows[p * (size_t)k_max + (size_t)k - 1] / PROBLEMS;
    return sum;
}

/* What a report takes from the run is right in the mean, at the k that was asked about and at
 * others, and so are the first samples alone; eq. 1 on all of them is not. */
static void a_report_is_unbiased_where_eq_1_is_not(void **state)
{
    (void)state;
    enum { REPLAYS = 600 };
    rn_inquiry *q = open_question();
    tally ruled[4] = {{0}}, eq1 = {0}, base = {0};
    for (size_t p = 0; p < PROBLEMS; p++) {
        for (int k = 1; k <= 4; k++)
            ruled[k - 1].truth += (1 - pow(1 - rate_of(p), k)) / PROBLEMS;
        eq1.truth = base.truth = ruled[1].truth;
    }
    for (uint32_t s = 0; s < REPLAYS; s++) {
        rn_arena a = {0};
        rn_entrant e;
        rn_report_task t;
        replay x;
        rn_err err;
        double plain = 0, first = 0, pass;
        run_until(q, s, &x);
        read_run(&a, &x, settings_of(&a, rn_arena_printf(&a, "\"%s\"", x.rule)), &e, &t);
        assert_non_null(e.base);
        assert_non_null(e.ruled);
        assert_int_equal(e.ruled->k, 4);
        assert_near(mean_column(e.ruled->rows, 4, K), x.answer, 1e-9);
        for (int k = 1; k <= 4; k++)
            add(&ruled[k - 1], mean_column(e.ruled->rows, 4, k));
        for (size_t p = 0; p < PROBLEMS; p++) {
            assert_int_equal(e.ruled->counts[p].n, x.n[p]);
            assert_int_equal(e.base[p].n, 4);
            assert_ok(rn_stat_pass(x.counts[p].n, x.counts[p].c, K, &pass, &err), &err);
            plain += pass / PROBLEMS;
            assert_ok(rn_stat_pass(4, e.base[p].c, K, &pass, &err), &err);
            first += pass / PROBLEMS;
        }
        add(&eq1, plain);
        add(&base, first);
        rn_arena_free(&a);
    }
    print_message("standard errors off: %.1f %.1f %.1f %.1f, eq. 1 %.1f, the first samples %.1f\n",
                  off(&ruled[0]), off(&ruled[1]), off(&ruled[2]), off(&ruled[3]), off(&eq1),
                  off(&base));
    for (int k = 0; k < 4; k++)
        assert_true(fabs(off(&ruled[k])) < 3.5);
    assert_true(fabs(off(&base)) < 3.5);
    assert_true(fabs(off(&eq1)) > 6);
    rn_inquiry_free(q);
}

/* Without a rung the rule is walked as far as the samples go; with a later question the one that
 * took more counts; a text of a later version is passed over. */
static void what_the_provenance_says_is_walked_again(void **state)
{
    (void)state;
    reading *r = open_reading(7);
    const replay *x = &r->x;
    const rn_entrant *e = &r->e;
    const char *bare =
        rn_arena_printf(&r->a, "%.*s", (int)(strstr(x->rule, ", rung") - x->rule), x->rule);
    read_marked(r, rn_arena_printf(&r->a, "\"%s\"", bare));
    assert_non_null(e->ruled);
    assert_near(mean_column(e->ruled->rows, 4, K), x->answer, 0.02);
    read_marked(r, rn_arena_printf(&r->a, "[\"later: j 4\",\"%s\",\"%s\"]", bare, x->rule));
    assert_near(mean_column(e->ruled->rows, 4, K), x->answer, 1e-9);
    assert_string_equal(e->ruled->question, "pass@2 +-4.5");
    read_marked(
        r, rn_arena_printf(&r->a, "[\"%s\",\"wide: k 2, n 4 to 60, cost 1, rung -40\"]", x->rule));
    assert_string_equal(e->ruled->question, "pass@2 +-4.5");
    read_marked(r, "\"later: j 4\"");
    assert_null(e->ruled);
    assert_non_null(e->base);
    read_run(&r->a, x, "{}", &r->e, &r->t);
    assert_null(e->base);
    close_reading(r);
}

/* `generate -n 100` afterwards: more of every problem than the rule took, equal and by number. */
static void a_run_made_longer_is_read_as_one(void **state)
{
    (void)state;
    reading *r = open_reading(8);
    const char *rule = rn_arena_printf(&r->a, "\"%s\"", r->x.rule);
    for (size_t p = 0; p < PROBLEMS; p++)
        r->x.n[p] = 100;
    read_marked(r, rule);
    assert_null(r->e.base);
    r->x.n[3] = 110; /* and a little more of one */
    read_marked(r, rule);
    assert_non_null(r->e.base);
    assert_null(r->e.ruled);
    for (size_t p = 0; p < PROBLEMS; p++)
        assert_int_equal(r->e.base[p].n, 100);
    /* Ended before the first samples were all there: nothing depended on an outcome yet. */
    for (size_t p = 0; p < PROBLEMS; p++)
        r->x.n[p] = 1 + (int64_t)p % 4;
    read_marked(r, rule);
    assert_null(r->e.base);
    close_reading(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_is_unbiased_where_eq_1_is_not),
        cmocka_unit_test(what_the_provenance_says_is_walked_again),
        cmocka_unit_test(a_run_made_longer_is_read_as_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
