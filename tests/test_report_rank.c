/*
 * test_report_rank.c: equations 5 and 6 on two problems of four samples, where every subset can be
 * enumerated by hand.
 *
 *   problem 0, best score first: fail, pass, fail; a fourth sample passes but was cut
 *   problem 1, best score first: pass, fail, pass, fail
 *
 *   k = 1   ranked (1/4 + 1/2) / 2   random the same           perfect the same
 *   k = 2   ranked (2/6 + 4/6) / 2   random (1/3 + 1/2) / 2    perfect (3/6 + 5/6) / 2
 */
#include "test.h"

#include "base/json.h"
#include "report/render.h"
#include "report/report_priv.h"
#include "store/store.h"

static const double scores[2][4] = {{0.5, 0.2, 0.9, 0}, {0.1, 0.05, 0.3, 0.7}};
static const bool passed[2][4] = {{true, false, false, true}, {false, true, true, false}};

static bool is_cut(int problem, int i)
{
    return problem == 0 && i == 3;
}

typedef struct made {
    char path[4200];
    const char *dir;
} made;

/* One model of the 7B shape, scored by `ranker`; flop and wall_ns of each score. */
static made make_store(const char *ranker, double flop, int64_t wall_ns)
{
    made m = {.dir = test_tmpdir()};
    snprintf(m.path, sizeof m.path, "%s/x.db", m.dir);
    rn_store *s = NULL;
    rn_err err = {0};
    int64_t set_id, model_id, run_id, protocol, ranker_id;
    assert_ok(rn_store_open(m.path, RN_STORE_CREATE, &s, &err), &err);
    assert_ok(rn_store_begin(s, &err), &err);
    rn_store_set set = {.name = "toy", .hash = "ab12"};
    rn_store_model model = {.name = "gen", .file_sha = "", .cost = "code-llama-7b"};
    assert_ok(rn_store_put_set(s, &set, &set_id, &err), &err);
    assert_ok(rn_store_put_model(s, &model, &model_id, &err), &err);
    rn_store_run run = {.set_id = set_id,
                        .model_id = model_id,
                        .kind = "sample",
                        .preset = "toy",
                        .settings = "{}"};
    assert_ok(rn_store_put_run(s, &run, &run_id, &err), &err);
    assert_ok(rn_store_put_protocol(s, "{\"cpu_s\":3}", &protocol, &err), &err);
    assert_ok(rn_store_put_ranker(s, ranker, "{}", true, &ranker_id, &err), &err);
    for (int p = 0; p < 2; p++) {
        int64_t problem_id;
        rn_store_problem x = {
            .set_id = set_id, .ord = p, .task_id = p ? "Toy/1" : "Toy/0", .prompt_tok = -1};
        assert_ok(rn_store_put_problem(s, &x, &problem_id, &err), &err);
        for (int i = 0; i < 4; i++) {
            int64_t id;
            rn_store_sample y = {.run_id = run_id,
                                 .problem_id = problem_id,
                                 .idx = i,
                                 .text = rn_bytes_of("    return 1\n"),
                                 .prompt_tok = 100,
                                 .gen_tok = 50 + i,
                                 .finish = is_cut(p, i) ? "length" : "stop",
                                 .logprob = NAN,
                                 .wall_ns = -1,
                                 .flop = NAN};
            assert_ok(rn_store_put_sample(s, &y, &id, NULL, &err), &err);
            rn_store_verdict v = {.sample_id = id,
                                  .protocol_id = protocol,
                                  .verdict = passed[p][i] ? RN_V_PASSED : RN_V_WRONG,
                                  .n_tests = 1,
                                  .n_passed = -1,
                                  .failed_test = -1,
                                  .cpu_ns = 1,
                                  .wall_ns = 1,
                                  .peak_bytes = -1,
                                  .detail = ""};
            assert_ok(rn_store_put_verdict(s, &v, &err), &err);
            rn_store_score c = {.sample_id = id,
                                .ranker_id = ranker_id,
                                .score = scores[p][i],
                                .sum = NAN,
                                .n_tok = -1,
                                .wall_ns = wall_ns,
                                .flop = flop};
            if (!is_cut(p, i)) assert_ok(rn_store_put_score(s, &c, &err), &err);
        }
    }
    assert_ok(rn_store_commit(s, &err), &err);
    rn_store_close(s);
    return m;
}

static const double budgets[] = {1, 2, 4};

static rn_report_opts options(void)
{
    rn_report_opts o = rn_report_defaults();
    o.profile = RN_COST_STUDY_PROFILE;
    o.budgets = budgets;
    o.n_budgets = 3;
    return o;
}

static rn_report *report_on(const made *m, const rn_report_opts *o, const rn_price_map *map,
                            size_t n_map)
{
    rn_err err = {0};
    rn_report *r = rn_report_new(o);
    assert_ok(rn_report_add_store(r, m->path, NULL, &err), &err);
    assert_ok(rn_report_price(r, map, n_map, &err), &err);
    assert_ok(rn_report_compute(r, &err), &err);
    return r;
}

static const rn_ranking *ranking(const rn_report *r)
{
    assert_int_equal(r->tasks[0].entrants[0].n_rankings, 1);
    return &r->tasks[0].entrants[0].rankings[0];
}

static double flop_7b(const rn_report *r)
{
    return rn_cost_flop(rn_cost_find(r->book, "code-llama-7b"));
}

/* Seven of eight samples are scored: a scored one that costs 8/7 of a sample makes ranking cost one
 * sample for each that is drawn, so that a budget of 2 buys one ranked sample, or two unranked. */
static made doubled(void)
{
    rn_cost_book *b = rn_cost_book_new();
    double flop = rn_cost_flop(rn_cost_find(b, "code-llama-7b"));
    rn_cost_book_free(b);
    return make_store("nll:code-llama-7b", flop * 8 / 7, 451428571);
}

static void test_values_and_bounds(void **state)
{
    (void)state;
    made m = doubled();
    rn_report_opts o = options();
    rn_report *r = report_on(&m, &o, NULL, 0);
    const rn_ranking *k = ranking(r);
    assert_int_equal(k->n_drawn, 8);
    assert_int_equal(k->n_scored, 7);
    assert_int_equal(k->n_points, 2);
    assert_near(k->points[0].value, 0.375, 1e-12);
    assert_near(k->random[0], 0.375, 1e-12);
    assert_near(k->perfect[0], 0.375, 1e-12);
    assert_near(k->points[1].value, 0.5, 1e-12);
    assert_near(k->random[1], 5.0 / 12, 1e-12);
    assert_near(k->perfect[1], 2.0 / 3, 1e-12);
    rn_report_free(r);
    test_rmdir(m.dir);
}

static void test_recorded_cost_is_charged(void **state)
{
    (void)state;
    made m = doubled();
    rn_report_opts o = options();
    rn_report *r = report_on(&m, &o, NULL, 0);
    const rn_ranking *k = ranking(r);
    for (int a = RN_UNIT_FLOP; a <= RN_UNIT_SECOND; a++) {
        double one = a == RN_UNIT_FLOP ? flop_7b(r) : 0.395;
        assert_true(k->cost[a].known);
        assert_contains(k->cost[a].from, "recorded");
        assert_near(k->cost[a].per_sample / one, 1, 1e-8);
        assert_near(rn_stat_cost(&k->cost[a].total, 2) / one, 4, 1e-8);
        const rn_rank_row *row = k->rows[a];
        assert_non_null(row);
        /* A budget of one sample: enough without ranking, not with it. */
        assert_int_equal(row[0].unpaid.k, 1);
        assert_near(row[0].unpaid.value, 0.375, 1e-12);
        assert_int_equal(row[0].paid.k, 0);
        assert_true(isnan(row[0].paid.value));
        assert_int_equal(row[1].unpaid.k, 2);
        assert_near(row[1].unpaid.value, 0.5, 1e-12);
        assert_near(row[1].random, 5.0 / 12, 1e-12);
        assert_near(row[1].perfect, 2.0 / 3, 1e-12);
        assert_int_equal(row[1].paid.k, 1);
        assert_near(row[1].paid.value, 0.375, 1e-12);
        /* Four samples are more than n/2: no estimate; ranked, the same budget buys two. */
        assert_int_equal(row[2].unpaid.k, 4);
        assert_true(isnan(row[2].unpaid.value));
        assert_true(isnan(row[2].perfect));
        assert_int_equal(row[2].paid.k, 2);
        assert_near(row[2].paid.value, 0.5, 1e-12);
    }
    rn_report_free(r);
    test_rmdir(m.dir);
}

static void test_unrecorded_cost_comes_from_the_entry(void **state)
{
    (void)state;
    made m = make_store("nll:code-llama-13b", NAN, -1);
    rn_report_opts o = options();
    rn_report *r = report_on(&m, &o, NULL, 0);
    const rn_ranking *k = ranking(r);
    const rn_cost *c13 = rn_cost_find(r->book, "code-llama-13b");
    assert_near(k->cost[RN_UNIT_FLOP].per_sample / (rn_cost_flop(c13) * 7 / 8), 1, 1e-12);
    assert_contains(k->cost[RN_UNIT_FLOP].from, "code-llama-13b, one pass over 128 tokens");
    assert_false(k->cost[RN_UNIT_SECOND].known);
    assert_contains(k->cost[RN_UNIT_SECOND].why, "do not record their seconds");
    assert_int_equal(k->rows[RN_UNIT_SECOND][1].paid.k, 0);
    assert_true(isnan(k->rows[RN_UNIT_SECOND][1].paid.value));
    assert_near(k->rows[RN_UNIT_SECOND][1].unpaid.value, 0.5, 1e-12);
    rn_report_free(r);

    /* The samples' own tokens: the prompt once, and what each sample adds. */
    o.basis = RN_FLOP_EXACT;
    r = report_on(&m, &o, NULL, 0);
    k = ranking(r);
    c13 = rn_cost_find(r->book, "code-llama-13b");
    double sum = 0;
    for (int i = 0; i < 4; i++)
        sum += rn_flop_sample(&c13->shape, 100, 50 + i) / 4;
    assert_near(k->cost[RN_UNIT_FLOP].per_sample / (sum * 7 / 8), 1, 1e-12);
    assert_near(k->cost[RN_UNIT_FLOP].shared / rn_flop_prompt(&c13->shape, 100), 1, 1e-12);
    rn_report_free(r);
    test_rmdir(m.dir);
}

static void test_unknown_ranker_is_said_and_can_be_named(void **state)
{
    (void)state;
    made m = make_store("magic", NAN, -1);
    rn_report_opts o = options();
    rn_report *r = report_on(&m, &o, NULL, 0);
    assert_false(ranking(r)->cost[RN_UNIT_FLOP].known);
    assert_contains(ranking(r)->cost[RN_UNIT_FLOP].why, "--cost RANKER=ENTRY");
    rn_report_free(r);

    rn_price_map map = {"magic", "code-llama-7b"};
    r = report_on(&m, &o, &map, 1);
    assert_near(ranking(r)->cost[RN_UNIT_FLOP].per_sample / flop_7b(r), 7.0 / 8, 1e-12);
    map.entry = "nothing";
    rn_err err = {0};
    assert_int_equal(rn_report_price(r, &map, 1, &err), RN_ENOTFOUND);
    assert_contains(err.msg, "ranker magic");
    rn_report_free(r);
    test_rmdir(m.dir);
}

/* Below the first measured batch sampling costs the whole batch, ranking only what is drawn. */
static void test_measured_times(void **state)
{
    (void)state;
    made m = make_store("nll:code-llama-7b", NAN, 800000000); /* 0.7 s a sample drawn */
    rn_report_opts o = options();
    o.profile = "box";
    rn_err err = {0};
    rn_report *r = rn_report_new(&o);
    assert_ok(rn_cost_book_parse(r->book,
                                 rn_bytes_of("[profile box]\ncode-llama-7b = 2:1.0 4:1.6\n"),
                                 "costs", &err),
              &err);
    assert_ok(rn_report_add_store(r, m.path, NULL, &err), &err);
    assert_ok(rn_report_price(r, NULL, 0, &err), &err);
    const rn_kcost *total = &ranking(r)->cost[RN_UNIT_SECOND].total;
    static const double want[] = {1.0, 1.0, 1.3, 1.6, 2.6, 2.6};
    assert_ok(rn_stat_cost_check(total, &err), &err);
    for (int k = 1; k <= 6; k++)
        assert_near(rn_stat_cost(total, k), want[k - 1] + 0.7 * k, 1e-12);
    rn_report_free(r);
    test_rmdir(m.dir);
}

static json_t *find_series(json_t *all, const char *metric)
{
    size_t i;
    json_t *s;
    json_array_foreach(json_object_get(all, "series"), i, s)
    {
        if (strcmp(json_string_value(json_object_get(s, "metric")), metric) == 0) return s;
    }
    fail_msg("no series %s", metric);
    return NULL;
}

static double at(json_t *series, size_t i, const char *key)
{
    return json_number_value(
        json_object_get(json_array_get(json_object_get(series, "points"), i), key));
}

static void test_json_csv_and_text(void **state)
{
    (void)state;
    made m = doubled();
    rn_report_opts o = options();
    rn_report *r = report_on(&m, &o, NULL, 0);
    rn_buf out = {0};
    rn_report_json(r, RN_METRICS_ALL, &out);
    json_t *j = NULL;
    rn_err err = {0};
    assert_ok(rn_json_parse(rn_buf_view(&out), (rn_json_at){.path = "report"}, &j, &err), &err);
    static const char *const metrics[] = {"rank-score_flops@f", "rank-score_time@t"};
    for (int a = 0; a < 2; a++) {
        json_t *s = find_series(j, metrics[a]);
        double one = a ? 0.395 : flop_7b(r);
        assert_string_equal(json_string_value(json_object_get(s, "ranker")), "nll:code-llama-7b");
        assert_near(at(s, 1, "k"), 2, 0);
        assert_near(at(s, 1, "x") / one, 4, 1e-8);
        assert_near(at(s, 1, "x_sampling") / one, 2, 1e-8);
        assert_near(at(s, 1, "value"), 0.5, 1e-9);
        assert_near(at(s, 1, "random"), 5.0 / 12, 1e-9);
        assert_near(at(s, 1, "perfect"), 2.0 / 3, 1e-9);
        assert_true(at(s, 1, "lo") <= 0.5 && at(s, 1, "hi") >= 0.5);
    }
    json_decref(j);
    rn_buf_clear(&out);
    uint32_t only = 0;
    assert_int_equal(rn_report_metric_add(&only, "rank-score_flops@f", NULL), 0);
    rn_report_csv(r, only, &out);
    assert_contains(out.data,
                    "\nrank-score_flops@f,toy,gen,nll:code-llama-7b,4,,1,3.387152138e+12,0.375,");
    assert_contains(out.data, ",1.693576069e+12,0.375,0.375\n");
    assert_null(strstr(out.data, "rank-score_time@t"));
    rn_buf_clear(&out);
    rn_report_text(r, RN_METRICS_ALL, &out);
    assert_contains(out.data, "rank-score_flops@f, %\nsamples of  ranker ");
    assert_contains(out.data, "\ngen         nll:code-llama-7b ");
    assert_contains(out.data,
                    "nll:code-llama-7b of gen: 1.694 TFLOP per sample drawn (recorded with "
                    "the scores)");
    assert_contains(out.data, "ranking charged");
    rn_report_free(r);
    test_rmdir(m.dir);

    /* A cost that is not known is null, and said; the study's own curve stands. */
    m = make_store("magic", NAN, -1);
    r = report_on(&m, &o, NULL, 0);
    rn_buf_clear(&out);
    rn_report_json(r, only, &out);
    assert_contains(out.data, "\"k\":2,\"x\":null,\"value\":0.5,");
    assert_contains(out.data, "\"x_sampling\":3.387152138e+12,");
    rn_buf_clear(&out);
    rn_report_text(r, only, &out);
    assert_contains(out.data, "its cost is missing: the scores do not record their FLOPs");
    rn_report_free(r);
    o.profile = NULL;
    r = report_on(&m, &o, NULL, 0);
    rn_buf_clear(&out);
    rn_report_text(r, RN_METRICS_ALL, &out);
    assert_contains(out.data, "magic of gen: not computed: no wall-times");
    rn_buf_free(&out);
    rn_report_free(r);
    test_rmdir(m.dir);
}

/* A dear model of which only greedy answers are known: it solves the first problem. */
static void add_greedy(const made *m)
{
    rn_store *s = NULL;
    rn_err err = {0};
    int64_t set_id, model_id, run_id, protocol;
    assert_ok(rn_store_open(m->path, RN_STORE_WRITE, &s, &err), &err);
    rn_store_set set = {.name = "toy", .hash = "ab12"};
    rn_store_model model = {.name = "large", .file_sha = "", .cost = "code-llama-34b"};
    assert_ok(rn_store_put_set(s, &set, &set_id, &err), &err);
    assert_ok(rn_store_put_model(s, &model, &model_id, &err), &err);
    rn_store_run run = {.set_id = set_id,
                        .model_id = model_id,
                        .kind = "greedy",
                        .preset = "toy",
                        .settings = "{}"};
    assert_ok(rn_store_put_run(s, &run, &run_id, &err), &err);
    assert_ok(rn_store_put_protocol(s, "{\"cpu_s\":3}", &protocol, &err), &err);
    for (int p = 0; p < 2; p++) {
        int64_t problem_id, id;
        rn_store_problem x = {
            .set_id = set_id, .ord = p, .task_id = p ? "Toy/1" : "Toy/0", .prompt_tok = -1};
        assert_ok(rn_store_put_problem(s, &x, &problem_id, &err), &err);
        rn_store_sample y = {.run_id = run_id,
                             .problem_id = problem_id,
                             .text = rn_bytes_of("    return 1\n"),
                             .prompt_tok = -1,
                             .gen_tok = -1,
                             .finish = "stop",
                             .logprob = NAN,
                             .wall_ns = -1,
                             .flop = NAN};
        assert_ok(rn_store_put_sample(s, &y, &id, NULL, &err), &err);
        rn_store_verdict v = {.sample_id = id,
                              .protocol_id = protocol,
                              .verdict = p ? RN_V_WRONG : RN_V_PASSED,
                              .detail = ""};
        assert_ok(rn_store_put_verdict(s, &v, &err), &err);
    }
    rn_store_close(s);
}

static void test_best_ranker_against_greedy(void **state)
{
    (void)state;
    made m = doubled();
    add_greedy(&m);
    rn_report_opts o = options();
    rn_report *r = report_on(&m, &o, NULL, 0);
    const rn_report_task *t = &r->tasks[0];
    const rn_report_axis *ax = &t->axis[RN_UNIT_FLOP];
    assert_string_equal(t->entrants[ax->yardstick].model, "large");
    assert_int_equal(ax->n_ranked, 3);
    assert_int_equal(ax->ranked[0].entrant, -1); /* no ranked sample for the price of one */
    assert_true(isnan(ax->ranked[0].below));
    assert_string_equal(t->entrants[ax->ranked[1].entrant].model, "gen");
    assert_int_equal(ax->ranked[1].cell.k, 1);
    assert_near(ax->ranked[1].below, 0.5 - 0.375, 1e-12);
    assert_false(ax->ranked[2].greedy_affordable); /* 34B costs five samples of 7B */
    assert_near(ax->ranked[2].below, 0, 1e-12);
    uint32_t only = 0;
    assert_int_equal(rn_report_metric_add(&only, "rankers", NULL), 0);
    rn_buf out = {0};
    rn_report_text(r, only, &out);
    assert_contains(out.data, "against one greedy answer of large: 50.0 [");
    assert_contains(out.data, "+12.5           no\n");
    assert_contains(out.data,
                    "without tests, at 6.774 TFLOP, 1 of 2 samples of gen, chosen by "
                    "nll:code-llama-7b, solves 50.0 %: 0.0 points below the greedy answer of large "
                    "(50.0 %)");
    rn_buf_clear(&out);
    rn_report_json(r, only, &out);
    assert_contains(out.data, "\"yardstick\":\"large\",\"greedy\":0.5,");
    assert_contains(out.data, "\"ranker\":\"nll:code-llama-7b\",\"k\":2,\"value\":0.5,");
    rn_buf_free(&out);
    rn_report_free(r);
    test_rmdir(m.dir);
}

/* Agreement counts its groups among the samples drawn: at k = 2, of the six pairs of each problem,
 *   problem 0, groups {0, 1}, {2}, sample 3 cut:  (1/2 + 1/4 + 1/4 + 1/2 + 1/2 + 0) / 6
 *   problem 1, groups {0, 3}, {1, 2}:             (1/2 + 1/2 + 0 + 1 + 1/2 + 1/2) / 6 */
static void test_agreement(void **state)
{
    (void)state;
    static const int64_t groups[2][4] = {{1, 1, 2, 0}, {7, 9, 9, 7}};
    made m = doubled();
    rn_store *s = NULL;
    rn_err err = {0};
    int64_t ranker;
    assert_ok(rn_store_open(m.path, RN_STORE_WRITE, &s, &err), &err);
    assert_ok(
        rn_store_put_ranker(s, "consensus:mbr", "{\"by\":\"consensus\"}", false, &ranker, &err),
        &err);
    for (int p = 0; p < 2; p++)
        for (int i = 0; i < 4; i++) {
            rn_store_parts parts = {
                .part = 1, .group = groups[p][i], .cpu_ns = 500000000, .n_runs = i % 2};
            rn_store_score c = {.sample_id = 4 * p + i + 1,
                                .ranker_id = ranker,
                                .score = 2,
                                .sum = NAN,
                                .n_tok = -1,
                                .wall_ns = 1000000000,
                                .flop = 0,
                                .parts = &parts};
            if (!is_cut(p, i)) assert_ok(rn_store_put_score(s, &c, &err), &err);
        }
    rn_store_close(s);
    rn_report_opts o = options();
    rn_report *r = report_on(&m, &o, NULL, 0);
    assert_int_equal(r->tasks[0].entrants[0].n_rankings, 2);
    const rn_ranking *k = &r->tasks[0].entrants[0].rankings[1];
    assert_string_equal(k->name, "consensus:mbr");
    assert_int_equal(k->n_points, 2);
    assert_near(k->points[0].value, 0.375, 0.02);
    assert_near(k->points[1].value, (2.0 / 6 + 3.0 / 6) / 2, 0.02);
    assert_near(k->perfect[1], 2.0 / 3, 1e-12);
    assert_int_equal(k->n_judged, 7);
    assert_int_equal(k->n_runs, 3);
    assert_near(k->judge_cpu_s, 3.5, 1e-9);
    assert_true(k->cost[RN_UNIT_FLOP].known && k->cost[RN_UNIT_FLOP].per_sample == 0);
    assert_near(k->cost[RN_UNIT_SECOND].per_sample, 7.0 / 8, 1e-9);
    rn_buf out = {0};
    rn_report_text(r, RN_METRICS_ALL, &out);
    assert_contains(out.data,
                    "consensus:mbr ran 3 programs for 7 samples of gen: 3.5 CPU seconds, 7 "
                    "s of wall-time one after the other");
    rn_buf_clear(&out);
    rn_report_json(r, RN_METRICS_ALL, &out);
    assert_contains(out.data, "\"executions\":3,\"judge_cpu_s\":3.5,");
    rn_buf_free(&out);
    rn_report_free(r);
    test_rmdir(m.dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_and_bounds),
        cmocka_unit_test(test_recorded_cost_is_charged),
        cmocka_unit_test(test_unrecorded_cost_comes_from_the_entry),
        cmocka_unit_test(test_unknown_ranker_is_said_and_can_be_named),
        cmocka_unit_test(test_measured_times),
        cmocka_unit_test(test_json_csv_and_text),
        cmocka_unit_test(test_best_ranker_against_greedy),
        cmocka_unit_test(test_agreement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
