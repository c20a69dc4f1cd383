/*
 * test_report.c: the study's statements from its published tables; a synthetic store through all
 * parts of a report; what is missing is said.
 */
#include "test.h"

#include "base/file.h"
#include "base/json.h"
#include "report/render.h"
#include "report/report_priv.h"
#include "store/store.h"

/* ---- published tables ------------------------------------------------------------------------ */

static const double doubling[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512};

static rn_report *published(bool interpolate, const rn_report_filter *filter)
{
    rn_path path;
    assert_true(rn_data_locate(NULL, "published/hassid2024.csv", &path));
    rn_report_opts o = rn_report_defaults();
    o.profile = RN_COST_STUDY_PROFILE;
    o.interpolate = interpolate;
    o.reach = 0.6;
    o.budgets = doubling;
    o.n_budgets = sizeof doubling / sizeof doubling[0];
    rn_report *r = rn_report_new(&o);
    assert_non_null(r);
    rn_err err = {0};
    assert_ok(rn_report_add_published(r, path.s, filter, &err), &err);
    assert_ok(rn_report_price(r, NULL, 0, &err), &err);
    assert_ok(rn_report_compute(r, &err), &err);
    return r;
}

static const char *const code_llama[] = {"code-llama-7b", "code-llama-13b", "code-llama-34b",
                                         "code-llama-70b"};
static const rn_report_filter only_code_llama = {.models = code_llama, .n_models = 4};

static const rn_report_task *task(const rn_report *r, const char *name)
{
    for (size_t i = 0; i < r->n_tasks; i++)
        if (strcmp(r->tasks[i].name, name) == 0) return &r->tasks[i];
    fail_msg("no task %s", name);
    return NULL;
}

/* The best of entrants 0, 1 (7B, 13B) less the best of 2, 3 (34B, 70B); NAN where one affords none.
 */
static double small_ahead(const rn_budget_row *row)
{
    double small = fmax(row->cells[0].value, row->cells[1].value);
    double large = fmax(row->cells[2].value, row->cells[3].value);
    return row->complete ? small - large : NAN;
}

/* Statement 1: on HumanEval and MBPP the small models lead at every equal budget, whether the steps
 * of equation 2 are taken at the published k alone or interpolated between them. */
static void test_small_models_lead_at_every_budget(void **state)
{
    (void)state;
    static const char *const sets[] = {"humaneval", "mbpp"};
    for (int interpolate = 0; interpolate <= 1; interpolate++) {
        rn_report *r = published(interpolate, &only_code_llama);
        for (size_t s = 0; s < 2; s++)
            for (int a = RN_UNIT_FLOP; a <= RN_UNIT_SECOND; a++) {
                const rn_report_axis *ax = &task(r, sets[s])->axis[a];
                assert_int_equal(ax->n_rows, 10);
                for (size_t j = 0; j < ax->n_rows; j++)
                    if (!ax->rows[j].complete || ax->rows[j].best > 1)
                        fail_msg("%s, axis %d, budget %g: entrant %d leads", sets[s], a,
                                 ax->rows[j].norm, ax->rows[j].best);
            }
        rn_report_free(r);
    }
}

/* One answer per axis, at the budget of 16 samples of 7B, the first that buys one of 70B (10.41 and
 * 14.19); the sentences are made of it. */
static void test_finding(void **state)
{
    (void)state;
    rn_report *r = published(true, &only_code_llama);
    rn_buf out = {0};
    const rn_finding *f = task(r, "humaneval")->finding;
    for (int a = RN_UNIT_FLOP; a <= RN_UNIT_SECOND; a++) {
        assert_true(f[a].any && f[a].all);
        assert_near(f[a].row->norm, 16, 1e-9);
        assert_string_equal(f[a].wins, a ? "code-llama-7b: 16 samples solve 68.7 %; "
                                           "9 samples of code-llama-13b 68.4 %"
                                         : "code-llama-7b: 16 samples solve 68.7 %; "
                                           "8 samples of code-llama-13b 66.6 %");
    }
    rn_report_sentences(task(r, "humaneval"), &out);
    assert_contains(out.data, "humaneval, at equal FLOPs, 27.1 TFLOP per problem (the first "
                              "budget that buys a sample of every model): code-llama-7b leads: 16 "
                              "samples solve 68.7 %; 8 samples of code-llama-13b 66.6 %");
    /* On competition problems the largest model's one sample does not lead either. */
    assert_int_equal(task(r, "apps-competition")->finding[0].winner, 1);
    rn_buf_free(&out);
    rn_report_free(r);
}

/* Nobody leads where a curve has ended, and a budget always buys the first sample of each. */
static void test_no_false_winner(void **state)
{
    (void)state;
    rn_report_opts o = rn_report_defaults();
    rn_path path;
    rn_err err = {0};
    assert_true(rn_data_locate(NULL, "published/hassid2024.csv", &path));
    rn_report *r = rn_report_new(&o);
    assert_ok(rn_report_add_published(r, path.s, &only_code_llama, &err), &err);
    assert_ok(rn_report_price(r, NULL, 0, &err), &err);
    assert_ok(rn_report_compute(r, &err), &err);
    for (size_t i = 0; i < r->n_tasks; i++) {
        const rn_report_task *t = &r->tasks[i];
        const rn_report_axis *ax = &t->axis[RN_UNIT_FLOP];
        for (size_t e = 0; e < t->n_entrants; e++) {
            bool first = false;
            for (size_t j = 0; j < ax->n_rows; j++)
                first |= fabs(ax->rows[j].budget / t->entrants[e].axis[0].per_sample - 1) < 1e-9;
            assert_true(first);
        }
        for (size_t j = 0; j < ax->n_rows; j++)
            for (size_t e = 0; e < t->n_entrants; e++)
                if (ax->rows[j].cells[e].k && isnan(ax->rows[j].cells[e].value))
                    assert_int_equal(ax->rows[j].best, -1);
    }
    rn_report_free(r);
}

/* ... by 5 to 15 points at small budgets: those that buy up to 32 samples of 7B and one of 70B. */
static void test_by_five_to_fifteen_points_at_small_budgets(void **state)
{
    (void)state;
    rn_report *r = published(true, &only_code_llama);
    static const struct {
        const char *set;
        rn_unit axis;
        double norm, points; /* from the published values by hand */
    } want[] = {{"humaneval", RN_UNIT_FLOP, 16, 10.3},   {"humaneval", RN_UNIT_FLOP, 32, 8.2},
                {"humaneval", RN_UNIT_SECOND, 16, 17.3}, {"humaneval", RN_UNIT_SECOND, 32, 14.6},
                {"mbpp", RN_UNIT_FLOP, 16, 6.5},         {"mbpp", RN_UNIT_FLOP, 32, 4.5},
                {"mbpp", RN_UNIT_SECOND, 16, 11.5},      {"mbpp", RN_UNIT_SECOND, 32, 7.7}};
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        const rn_report_axis *ax = &task(r, want[i].set)->axis[want[i].axis];
        size_t j = want[i].norm == 16 ? 4 : 5;
        assert_near(ax->rows[j].norm, want[i].norm, 1e-9);
        assert_near(100 * small_ahead(&ax->rows[j]), want[i].points, 0.06);
    }
    rn_report_free(r);
}

/* Statement 2: 7B and 13B reach 60 % on HumanEval in a quarter of the time. Whole samples and the
 * published k give about a third: 0.32 interpolated. */
static void test_sixty_percent_in_a_third_of_the_time(void **state)
{
    (void)state;
    rn_report *r = published(true, &only_code_llama);
    const rn_reach_row *row = task(r, "humaneval")->reach;
    assert_int_equal(row[0].k, 9);
    assert_int_equal(row[1].k, 6);
    assert_int_equal(row[2].k, 4);
    assert_int_equal(row[3].k, 2);
    double small = fmax(row[0].budget[RN_UNIT_SECOND], row[1].budget[RN_UNIT_SECOND]);
    double large = fmin(row[2].budget[RN_UNIT_SECOND], row[3].budget[RN_UNIT_SECOND]);
    assert_near(row[0].budget[RN_UNIT_SECOND], 9 * 0.395, 1e-9);
    assert_near(row[0].budget[RN_UNIT_SECOND] / large, 0.317, 0.001);
    assert_true(small / large < 0.36);
    rn_report_free(r);
}

/* Statement 3: on APPS 13B leads almost everywhere: in time at every complete budget that buys a
 * sample of it; in FLOPs 70B overtakes it at 64 on the two easier sets. */
static void test_13b_leads_on_apps(void **state)
{
    (void)state;
    static const struct {
        const char *set;
        int flop_leads, time_leads; /* of 7 complete budgets from 2 to 128 */
    } want[] = {{"apps-introductory", 5, 7}, {"apps-interview", 5, 7}, {"apps-competition", 7, 7}};
    rn_report *r = published(true, &only_code_llama);
    for (size_t s = 0; s < 3; s++)
        for (int a = RN_UNIT_FLOP; a <= RN_UNIT_SECOND; a++) {
            const rn_report_axis *ax = &task(r, want[s].set)->axis[a];
            int leads = 0;
            for (size_t j = 1; j < 8; j++) {
                assert_true(ax->rows[j].complete);
                leads += ax->rows[j].best == 1;
            }
            assert_int_equal(leads, a == RN_UNIT_FLOP ? want[s].flop_leads : want[s].time_leads);
        }
    rn_report_free(r);
}

static void test_published_points_bound_the_curve(void **state)
{
    (void)state;
    rn_report *r = published(false, &only_code_llama);
    const rn_entrant *e = &task(r, "humaneval")->entrants[0];
    rn_cell c = rn_report_published_at(e, 8, false);
    assert_near(c.value, 0.489, 1e-12);
    assert_near(c.lo, 0.489, 1e-12);
    assert_near(c.hi, 0.687, 1e-12);
    c = rn_report_published_at(e, 8, true);
    assert_near(c.value, (0.489 + 0.687) / 2, 1e-12); /* 8 is halfway from 4 to 16 in log k */
    assert_true(isnan(rn_report_published_at(e, 1001, true).value));
    assert_true(isnan(rn_report_published_at(e, 0, true).value));
    /* Llama-3 has no published time: said, not guessed. */
    rn_report_free(r);
    r = published(false, NULL);
    const rn_report_task *t = task(r, "humaneval");
    for (size_t i = 0; i < t->n_entrants; i++)
        if (strncmp(t->entrants[i].model, "llama-3", 7) == 0) {
            assert_false(t->entrants[i].priced[RN_UNIT_SECOND]);
            assert_contains(t->entrants[i].why[RN_UNIT_SECOND], "no wall-time");
        }
    rn_report_free(r);
}

static void test_bad_published_files(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } rows[] = {{"a,b\n", "columns"},
                {"task,model,n,k,pass\nh,m,10,1\n", "five fields"},
                {"task,model,n,k,pass\nh,m,10,1,5,6\n", "five fields"},
                {"task,model,n,k,pass\nh,,10,1,5\n", "five fields"},
                {"task,model,n,k,pass\nh,m,0,1,5\n", "whole numbers"},
                {"task,model,n,k,pass\nh,m,10,x,5\n", "whole numbers"},
                {"task,model,n,k,pass\nh,m,10,11,5\n", "larger than n"},
                {"task,model,n,k,pass\nh,m,10,1,101\n", "percentage"},
                {"task,model,n,k,pass\nh,m,10,1,nan\n", "percentage"},
                {"task,model,n,k,pass\nh,m,10,2,5\nh,m,10,1,6\n", "must rise"},
                {"task,model,n,k,pass\nh,m,10,1,5\nh,m,10,2,4\n", "must not fall"},
                {"task,model,n,k,pass\n", "no curve"},
                {"", "no curve"}};
    const char *dir = test_tmpdir();
    char path[4200];
    snprintf(path, sizeof path, "%s/curves.csv", dir);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rn_err err = {0};
        assert_ok(rn_file_write_atomic(path, rn_bytes_of(rows[i].text), &err), &err);
        rn_report_opts o = rn_report_defaults();
        rn_report *r = rn_report_new(&o);
        int rc = rn_report_add_published(r, path, NULL, &err);
        if (rc >= 0 || !strstr(err.msg, rows[i].says)) fail_msg("row %zu: %d %s", i, rc, err.msg);
        rn_report_free(r);
    }
    test_rmdir(dir);
}

/* ---- a synthetic store ----------------------------------------------------------------------- */

enum { N_PROBLEMS = 40, N_SAMPLES = 20 };

/* Problem i of model m: how many of its samples pass. Model 1 is better on every problem. */
static int64_t passes(int m, int i)
{
    return m ? (i % 10) * 2 : i % 10;
}

typedef struct made {
    char path[4200];
    int64_t set_id, problem_id[N_PROBLEMS], model_id[2], run_id[2];
} made;

static int64_t put_sample(rn_store *s, int64_t run, int64_t problem, int64_t idx, bool tokens)
{
    char text[64];
    snprintf(text, sizeof text, "    return %lld\n", (long long)idx);
    rn_store_sample x = {.run_id = run,
                         .problem_id = problem,
                         .idx = idx,
                         .text = rn_bytes_of(text),
                         .prompt_tok = tokens ? 100 : -1,
                         .gen_tok = tokens ? 50 + idx : -1,
                         .finish = "stop",
                         .logprob = NAN,
                         .wall_ns = -1,
                         .flop = NAN};
    int64_t id;
    rn_err err = {0};
    assert_ok(rn_store_put_sample(s, &x, &id, NULL, &err), &err);
    return id;
}

static void put_verdict(rn_store *s, int64_t sample, int64_t protocol, rn_verdict v)
{
    rn_store_verdict x = {.sample_id = sample,
                          .protocol_id = protocol,
                          .verdict = v,
                          .n_tests = 1,
                          .n_passed = v == RN_V_PASSED,
                          .failed_test = -1,
                          .cpu_ns = 1,
                          .wall_ns = 1,
                          .peak_bytes = -1,
                          .detail = ""};
    rn_err err = {0};
    assert_ok(rn_store_put_verdict(s, &x, &err), &err);
}

static made make_store(const char *dir)
{
    made m;
    snprintf(m.path, sizeof m.path, "%s/x.db", dir);
    rn_store *s = NULL;
    rn_err err = {0};
    assert_ok(rn_store_open(m.path, RN_STORE_CREATE, &s, &err), &err);
    assert_ok(rn_store_begin(s, &err), &err);
    rn_store_set set = {.name = "toy", .hash = "ab12"};
    assert_ok(rn_store_put_set(s, &set, &m.set_id, &err), &err);
    for (int i = 0; i < N_PROBLEMS; i++) {
        char id[32];
        snprintf(id, sizeof id, "Toy/%d", i);
        rn_store_problem p = {.set_id = m.set_id, .ord = i, .task_id = id, .prompt_tok = -1};
        assert_ok(rn_store_put_problem(s, &p, &m.problem_id[i], &err), &err);
    }
    int64_t protocol;
    assert_ok(rn_store_put_protocol(s, "{\"extractor\":\"stop/1\",\"cpu_s\":3}", &protocol, &err),
              &err);
    for (int k = 0; k < 2; k++) {
        rn_store_model model = {.name = k ? "large" : "small",
                                .file_sha = "",
                                .cost = k ? "code-llama-13b" : "code-llama-7b"};
        assert_ok(rn_store_put_model(s, &model, &m.model_id[k], &err), &err);
        rn_store_run run = {.set_id = m.set_id,
                            .model_id = m.model_id[k],
                            .kind = "sample",
                            .preset = "toy",
                            .settings = "{\"temperature\":0.8}"};
        assert_ok(rn_store_put_run(s, &run, &m.run_id[k], &err), &err);
        for (int i = 0; i < N_PROBLEMS; i++)
            for (int j = 0; j < N_SAMPLES; j++) {
                int64_t id = put_sample(s, m.run_id[k], m.problem_id[i], j, true);
                put_verdict(s, id, protocol, j < passes(k, i) ? RN_V_PASSED : RN_V_WRONG);
            }
    }
    rn_store_run greedy = {.set_id = m.set_id,
                           .model_id = m.model_id[0],
                           .kind = "greedy",
                           .preset = "toy",
                           .settings = "{}"};
    int64_t run_id;
    assert_ok(rn_store_put_run(s, &greedy, &run_id, &err), &err);
    for (int i = 0; i < N_PROBLEMS; i++)
        put_verdict(s, put_sample(s, run_id, m.problem_id[i], 0, true), protocol,
                    i < 10 ? RN_V_PASSED : RN_V_EXCEPTION);
    assert_ok(rn_store_commit(s, &err), &err);
    rn_store_close(s);
    return m;
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

static double value_of(const rn_rows *rows, size_t row, const char *column)
{
    assert_true(row < rn_rows_n(rows));
    return rn_rows_at(rows, row, rn_rows_find(rows, column))->v;
}

static void test_store_curves_and_leaders(void **state)
{
    (void)state;
    const char *dir = test_tmpdir();
    made m = make_store(dir);
    rn_report_opts o = rn_report_defaults();
    o.profile = RN_COST_STUDY_PROFILE;
    o.reach = 0.5;
    o.compare_a = "large";
    o.compare_b = "small";
    rn_report *r = report_on(&m, &o, NULL, 0);
    assert_int_equal(r->n_tasks, 1);
    const rn_report_task *t = &r->tasks[0];
    assert_int_equal(t->n_problems, N_PROBLEMS);
    assert_int_equal(t->n_entrants, 2);
    assert_int_equal(t->n_common, N_PROBLEMS);
    const rn_entrant *small = &t->entrants[0], *large = &t->entrants[1];
    assert_string_equal(small->model, "small");
    assert_int_equal(small->k_max, N_SAMPLES / 2);
    assert_near(small->points[0].value, 4.5 / N_SAMPLES, 1e-12);
    assert_near(large->points[0].value, 9.0 / N_SAMPLES, 1e-12);
    assert_true(small->points[0].lo < small->points[0].value);
    assert_near(small->greedy.value, 0.25, 1e-12);
    assert_int_equal(large->greedy.n, 0);
    assert_int_equal(small->verdicts[RN_V_PASSED], 180);
    assert_int_equal(small->n_protocols, 1);

    /* Twice the pass rate at 1.95 times the FLOPs: the larger one leads from its first sample on.
     */
    const rn_report_axis *ax = &t->axis[RN_UNIT_FLOP];
    assert_int_equal(ax->unit, 0);
    assert_near(ax->rows[1].norm, 1.945, 0.001); /* its first sample */
    assert_int_equal(ax->rows[1].cells[0].k, 1);
    assert_near(ax->rows[2].norm, 2, 1e-12);
    assert_int_equal(ax->rows[2].cells[0].k, 2);
    assert_int_equal(ax->rows[2].cells[1].k, 1);
    assert_int_equal(ax->rows[0].best, 0);
    assert_int_equal(ax->rows[2].best, 1);
    assert_true(ax->rows[2].diff_lo <= ax->rows[2].diff && ax->rows[2].diff <= ax->rows[2].diff_hi);
    assert_true(ax->rows[2].p_lead > 0.5);

    /* The comparison by k is that of the curves. */
    assert_int_equal(t->pair_a, 1);
    assert_near(value_of(&t->pairs[RN_N_UNITS], 0, "difference"), 4.5 / N_SAMPLES, 1e-12);
    assert_true(value_of(&t->pairs[RN_N_UNITS], 0, "p_a_ahead") > 0.99);
    assert_true(rn_rows_n(&t->pairs[RN_UNIT_SECOND]) > 0);
    /* A budget that buys none of the large one compares nothing. */
    assert_true(isnan(value_of(&t->pairs[RN_UNIT_SECOND], 0, "difference")));

    /* Reach: the smallest k of the curve. */
    int64_t k = t->reach[0].k;
    assert_true(k > 1);
    assert_near(t->reach[0].budget[RN_UNIT_SECOND], 0.395 * (double)k, 1e-12);

    /* Stopping at the first pass never costs more; a tenth of the problems is never solved. */
    for (size_t i = 0; i < rn_rows_n(&t->stopping); i++) {
        const double draws = value_of(&t->stopping, i, "draws");
        const rn_entrant *e =
            strcmp(rn_rows_at(&t->stopping, i, 0)->text, "small") == 0 ? small : large;
        assert_true(draws <= value_of(&t->stopping, i, "k"));
        assert_near(value_of(&t->stopping, i, "flops"), draws * rn_cost_flop(e->cost), 1);
    }
    assert_true(rn_rows_n(&t->reallocation) > 0);
    for (size_t i = 0; i < rn_rows_n(&t->reallocation); i++) {
        const double rounds = value_of(&t->reallocation, i, "rounds");
        if (!isnan(rounds)) assert_true(value_of(&t->reallocation, i, "oracle") >= rounds - 1e-9);
    }
    assert_true(rn_rows_n(&t->cascades) > 0);
    assert_int_equal(r->n_notes, 0);
    rn_report_free(r);
    test_rmdir(dir);
}

/* The exact cost is the mean over the samples of the exact FLOPs of each. */
static void test_exact_cost(void **state)
{
    (void)state;
    const char *dir = test_tmpdir();
    made m = make_store(dir);
    rn_report_opts o = rn_report_defaults();
    o.basis = RN_FLOP_EXACT;
    rn_report *r = report_on(&m, &o, NULL, 0);
    const rn_entrant *e = &r->tasks[0].entrants[0];
    const rn_shape *s = &e->cost->shape;
    double sum = 0;
    for (int j = 0; j < N_SAMPLES; j++)
        sum += rn_flop_sample(s, 100, 50 + j);
    assert_near(e->exact_sample / (sum / N_SAMPLES), 1, 1e-12);
    assert_near(e->exact_shared / rn_flop_prompt(s, 100), 1, 1e-12);
    assert_near(e->axis[RN_UNIT_FLOP].shared, e->exact_shared, 0);
    rn_report_free(r);
    test_rmdir(dir);
}

static void test_prices(void **state)
{
    (void)state;
    const char *dir = test_tmpdir();
    made m = make_store(dir);
    static const char costs[] = "[model api]\nusd_per_1m_input = 1\nusd_per_1m_cached = 0.5\n"
                                "usd_per_1m_output = 10\n"
                                "[model box]\nflop_per_sample = 1e12\nusd_per_hour = 36\n"
                                "[profile p]\nbox = 2\n";
    rn_report_opts o = rn_report_defaults();
    o.profile = "p";
    rn_err err = {0};
    rn_report *r = rn_report_new(&o);
    assert_ok(rn_cost_book_parse(r->book, rn_bytes_of(costs), "costs", &err), &err);
    assert_ok(rn_report_add_store(r, m.path, NULL, &err), &err);
    rn_price_map map[] = {{"small", "api"}, {"large", "box"}};
    assert_ok(rn_report_price(r, map, 2, &err), &err);
    assert_ok(rn_report_compute(r, &err), &err);
    const rn_entrant *e = r->tasks[0].entrants;
    assert_true(e[0].priced[RN_UNIT_USD]);
    assert_near(rn_stat_cost(&e[0].axis[RN_UNIT_USD], 1), (100 + 595) * 1e-6, 1e-12);
    assert_near(rn_stat_cost(&e[0].axis[RN_UNIT_USD], 3), (100 + 2 * 50 + 3 * 595) * 1e-6, 1e-12);
    assert_false(e[0].priced[RN_UNIT_FLOP]);
    assert_contains(e[0].why[RN_UNIT_FLOP], "flop_per_sample");
    assert_near(rn_stat_cost(&e[1].axis[RN_UNIT_USD], 5), 5 * 2 * 36 / 3600.0, 1e-12);
    assert_true(r->tasks[0].axis[RN_UNIT_USD].any);

    map[0].model = "nobody";
    assert_int_equal(rn_report_price(r, map, 1, &err), RN_ENOTFOUND);
    assert_contains(err.msg, "no model 'nobody'");
    map[0] = (rn_price_map){"small", "nothing"};
    assert_int_equal(rn_report_price(r, map, 1, &err), RN_ENOTFOUND);
    assert_contains(err.msg, "code-llama-7b");
    rn_report_free(r);
    test_rmdir(dir);
}

static void put_profile(rn_store *s, int64_t model_id, const char *hardware, double s_per_sample)
{
    rn_store_profile p = {.model_id = model_id,
                          .hardware = hardware,
                          .s_per_sample = s_per_sample,
                          .s_per_1000 = 1000 * s_per_sample,
                          .flop_per_sample = NAN,
                          .json = "{}"};
    rn_err err = {0};
    assert_ok(rn_store_put_profile(s, &p, &err), &err);
}

/* What `ration profile` left in the store is used without an option: by the model itself, by its
 * name, and without a cost entry. */
static void test_stored_profiles(void **state)
{
    (void)state;
    const char *dir = test_tmpdir();
    made m = make_store(dir);
    rn_store *s = NULL;
    rn_err err = {0};
    assert_ok(rn_store_open(m.path, RN_STORE_WRITE, &s, &err), &err);
    rn_store_model model = {.name = "mystery", .file_sha = "", .cost = ""};
    int64_t id, run_id, protocol;
    assert_ok(rn_store_put_model(s, &model, &id, &err), &err);
    rn_store_run run = {
        .set_id = m.set_id, .model_id = id, .kind = "sample", .preset = "", .settings = "{}"};
    assert_ok(rn_store_put_run(s, &run, &run_id, &err), &err);
    assert_ok(rn_store_put_protocol(s, "{}", &protocol, &err), &err);
    for (int i = 0; i < 4; i++)
        put_verdict(s, put_sample(s, run_id, m.problem_id[0], i, false), protocol, RN_V_PASSED);
    put_profile(s, id, "box A, 2 threads", 0.125);
    put_profile(s, m.model_id[0], "a laptop", 9);
    put_profile(s, m.model_id[0], "box A, 2 threads", 0.25);
    model = (rn_store_model){.name = "large", .file_sha = "ff", .cost = ""}; /* samples: no hash */
    assert_ok(rn_store_put_model(s, &model, &id, &err), &err);
    put_profile(s, id, "box A, 2 threads", 0.5);
    rn_store_close(s);

    rn_report_opts o = rn_report_defaults();
    rn_report *r = report_on(&m, &o, NULL, 0);
    const rn_report_task *t = &r->tasks[0];
    static const double want[] = {0.25, 0.5, 0.125};
    assert_string_equal(r->opts.profile, "box A, 2 threads");
    for (int i = 0; i < 3; i++) {
        assert_true(t->entrants[i].priced[RN_UNIT_SECOND]);
        assert_true(t->entrants[i].measured);
        assert_near(rn_stat_cost(&t->entrants[i].axis[RN_UNIT_SECOND], 8), 8 * want[i], 1e-12);
    }
    assert_false(t->entrants[2].priced[RN_UNIT_FLOP]);
    assert_true(t->axis[RN_UNIT_SECOND].any);
    assert_int_equal(t->axis[RN_UNIT_SECOND].unit, 2);
    rn_buf out = {0};
    rn_report_text(r, RN_METRICS_ALL, &out);
    assert_contains(out.data, "wall-times: measured by `ration profile` on box A, 2 threads\n"
                              "  also in the store: --profile 'a laptop'\n");
    assert_contains(out.data, "profile box A, 2 threads; 1 = one sample of");
    rn_buf_clear(&out);
    rn_report_json(r, RN_METRICS_ALL, &out);
    assert_contains(out.data, "\"profile\":\"box A, 2 threads\",\"hardware\":\"box A, 2 threads\"");
    assert_contains(out.data, "\"metric\":\"pass_time@t\",\"task\":\"toy\",\"model\":\"mystery\"");
    rn_buf_free(&out);
    rn_report_free(r);

    /* An option decides: another machine of the store, or the study's. */
    o.profile = "a laptop";
    r = report_on(&m, &o, NULL, 0);
    assert_near(rn_stat_cost(&r->tasks[0].entrants[0].axis[RN_UNIT_SECOND], 1), 9, 1e-12);
    assert_false(r->tasks[0].entrants[1].priced[RN_UNIT_SECOND]);
    rn_report_free(r);
    o.profile = RN_COST_STUDY_PROFILE;
    r = report_on(&m, &o, NULL, 0);
    assert_near(rn_stat_cost(&r->tasks[0].entrants[0].axis[RN_UNIT_SECOND], 1), 0.395, 1e-12);
    assert_false(r->tasks[0].entrants[0].measured);
    rn_report_free(r);
    test_rmdir(dir);
}

static void test_missing_is_said(void **state)
{
    (void)state;
    const char *dir = test_tmpdir();
    made m = make_store(dir);
    rn_store *s = NULL;
    rn_err err = {0};
    assert_ok(rn_store_open(m.path, RN_STORE_WRITE, &s, &err), &err);
    rn_store_model model = {.name = "mystery", .file_sha = "", .cost = ""};
    int64_t id, run_id;
    assert_ok(rn_store_put_model(s, &model, &id, &err), &err);
    rn_store_run run = {
        .set_id = m.set_id, .model_id = id, .kind = "sample", .preset = "", .settings = "{}"};
    assert_ok(rn_store_put_run(s, &run, &run_id, &err), &err);
    put_sample(s, run_id, m.problem_id[0], 0, false); /* never judged */
    /* A failed sandbox is missing, not wrong. */
    int64_t protocol;
    assert_ok(rn_store_put_protocol(s, "{\"other\":1}", &protocol, &err), &err);
    put_verdict(s, put_sample(s, m.run_id[0], m.problem_id[0], N_SAMPLES, false), protocol,
                RN_V_SANDBOX);
    rn_store_close(s);

    rn_report_opts o = rn_report_defaults();
    rn_report *r = report_on(&m, &o, NULL, 0);
    const rn_report_task *t = &r->tasks[0];
    assert_int_equal(t->n_entrants, 3);
    assert_int_equal(t->entrants[0].cov.n_missing, 1);
    assert_near(t->entrants[0].points[0].value, 4.5 / N_SAMPLES, 1e-12);
    assert_int_equal(t->entrants[0].n_protocols, 2);
    assert_int_equal(t->entrants[2].n_points, 0);
    assert_string_equal(t->entrants[2].why[RN_UNIT_FLOP], "no cost entry: give --cost MODEL=ENTRY");
    assert_contains(t->entrants[0].why[RN_UNIT_SECOND], "--profile");
    assert_int_equal(r->n_notes, 2);
    assert_contains(r->notes[0], "no cost entry for mystery: give --cost MODEL=ENTRY");
    assert_contains(r->notes[1], "toy: 2 samples without a verdict (small 1, mystery 1), 0 of 40 "
                                 "problems are complete: run `ration judge -s ");
    assert_int_equal(t->n_common, N_PROBLEMS);
    rn_report_free(r);
    test_rmdir(dir);
}

static void test_k_beyond_half_is_marked_and_above_n_refused(void **state)
{
    (void)state;
    const char *dir = test_tmpdir();
    made m = make_store(dir);
    int64_t ks[] = {1, N_SAMPLES, N_SAMPLES + 1};
    rn_report_opts o = rn_report_defaults();
    o.ks = ks;
    o.n_ks = 3;
    rn_report *r = report_on(&m, &o, NULL, 0);
    const rn_entrant *e = &r->tasks[0].entrants[0];
    const rn_point *last = &e->points[e->n_points - 1];
    assert_int_equal(last->k, N_SAMPLES);
    assert_false(last->robust);
    assert_near(last->value, 0.9, 1e-12); /* every tenth problem has no pass */
    assert_int_equal(r->n_notes, 2);
    assert_contains(r->notes[0], "no pass@21");
    rn_report_free(r);
    test_rmdir(dir);
}

static void test_rank_scores(void **state)
{
    (void)state;
    const char *dir = test_tmpdir();
    made m = make_store(dir);
    rn_store *s = NULL;
    rn_err err = {0};
    rn_arena arena = {0};
    rn_store_cell *cells;
    size_t n;
    int64_t ranker;
    assert_ok(rn_store_open(m.path, RN_STORE_WRITE, &s, &err), &err);
    assert_ok(rn_store_begin(s, &err), &err);
    assert_ok(rn_store_put_ranker(s, "perfect", "{}", true, &ranker, &err), &err);
    assert_ok(rn_store_cells(s, m.run_id[0], 0, &arena, &cells, &n, &err), &err);
    for (size_t i = 0; i < n; i++) {
        rn_store_score x = {.sample_id = cells[i].sample_id,
                            .ranker_id = ranker,
                            .score = cells[i].verdict == RN_V_PASSED ? 0 : 1,
                            .sum = NAN,
                            .n_tok = -1,
                            .wall_ns = -1,
                            .flop = NAN};
        assert_ok(rn_store_put_score(s, &x, &err), &err);
    }
    assert_ok(rn_store_commit(s, &err), &err);
    rn_store_close(s);
    rn_arena_free(&arena);

    /* A perfect ranker scores pass@k. */
    rn_report_opts o = rn_report_defaults();
    rn_report *r = report_on(&m, &o, NULL, 0);
    const rn_entrant *e = &r->tasks[0].entrants[0];
    assert_int_equal(e->n_rankings, 1);
    assert_int_equal(e->rankings[0].n_points, e->n_points);
    for (size_t i = 0; i < e->n_points; i++)
        assert_near(e->rankings[0].points[i].value, e->points[i].value, 1e-12);
    assert_int_equal(r->tasks[0].entrants[1].n_rankings, 0);
    rn_report_free(r);
    test_rmdir(dir);
}

/* ---- renderers ------------------------------------------------------------------------------- */

static void test_json_is_the_contract(void **state)
{
    (void)state;
    const char *dir = test_tmpdir();
    made m = make_store(dir);
    rn_report_opts o = rn_report_defaults();
    o.profile = RN_COST_STUDY_PROFILE;
    o.reach = 0.5;
    o.compare_a = "small";
    o.compare_b = "large";
    rn_report *r = report_on(&m, &o, NULL, 0);
    rn_buf text = {0};
    rn_report_json(r, RN_METRICS_ALL, &text);
    assert_true(rn_buf_ok(&text));
    json_t *j = NULL;
    rn_err err = {0};
    assert_ok(rn_json_parse(rn_buf_view(&text), (rn_json_at){.path = "report"}, &j, &err), &err);
    json_t *series = json_object_get(j, "series"), *s;
    assert_int_equal(json_array_size(series), 6);
    size_t i;
    json_array_foreach(series, i, s)
    {
        assert_true(json_is_string(json_object_get(s, "metric")));
        assert_string_equal(json_string_value(json_object_get(s, "task")), "toy");
        assert_true(json_is_null(json_object_get(s, "ranker")));
        assert_int_equal(json_integer_value(json_object_get(s, "n")), N_SAMPLES);
        json_t *p = json_array_get(json_object_get(s, "points"), 0);
        assert_int_equal(json_integer_value(json_object_get(p, "k")), 1);
        assert_true(json_is_number(json_object_get(p, "x")));
        assert_true(json_is_number(json_object_get(p, "value")));
        assert_true(json_is_number(json_object_get(p, "lo")));
        assert_true(json_is_number(json_object_get(p, "hi")));
    }
    s = json_array_get(series, 0);
    assert_string_equal(json_string_value(json_object_get(s, "metric")), "pass@k");
    assert_near(json_real_value(json_object_get(s, "greedy")), 0.25, 1e-12);
    assert_true(json_is_null(json_object_get(json_array_get(series, 3), "greedy")));

    /* The same report twice is the same text. */
    rn_buf again = {0};
    rn_report *r2 = report_on(&m, &o, NULL, 0);
    rn_report_json(r2, RN_METRICS_ALL, &again);
    assert_string_equal(text.data, again.data);
    json_decref(j);
    rn_buf_free(&again);
    rn_buf_free(&text);
    rn_report_free(r2);
    rn_report_free(r);
    test_rmdir(dir);
}

static void test_csv_and_text(void **state)
{
    (void)state;
    const char *dir = test_tmpdir();
    made m = make_store(dir);
    rn_report_opts o = rn_report_defaults();
    o.profile = RN_COST_STUDY_PROFILE;
    rn_report *r = report_on(&m, &o, NULL, 0);
    rn_buf out = {0};
    uint32_t metrics = 0;
    assert_true(rn_report_metric_add(&metrics, "pass@k", NULL) == 0);
    assert_true(rn_report_metric_add(&metrics, "pass@", NULL) == RN_EINVAL);
    rn_report_csv(r, metrics, &out);
    assert_contains(out.data, "metric,task,model,ranker,n,greedy,k,x,value,lo,hi,"
                              "x_sampling,random,perfect\n"
                              "pass@k,toy,small,,20,0.25,1,1,0.225,");
    assert_null(strstr(out.data, "pass_flops"));
    rn_buf_clear(&out);
    rn_report_text(r, RN_METRICS_ALL, &out);
    assert_contains(out.data,
                    "== toy: 40 problems, 2 models, 1600 judged samples, 40 greedy answers ==");
    assert_contains(out.data, "greedy *  25.0 [");
    assert_contains(out.data, "1 = one sample of small = 1.694 TFLOP");
    assert_contains(out.data, "stopping at the first pass");
    rn_buf_free(&out);
    rn_report_free(r);
    test_rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_models_lead_at_every_budget),
        cmocka_unit_test(test_finding),
        cmocka_unit_test(test_no_false_winner),
        cmocka_unit_test(test_by_five_to_fifteen_points_at_small_budgets),
        cmocka_unit_test(test_sixty_percent_in_a_third_of_the_time),
        cmocka_unit_test(test_13b_leads_on_apps),
        cmocka_unit_test(test_published_points_bound_the_curve),
        cmocka_unit_test(test_bad_published_files),
        cmocka_unit_test(test_store_curves_and_leaders),
        cmocka_unit_test(test_exact_cost),
        cmocka_unit_test(test_prices),
        cmocka_unit_test(test_stored_profiles),
        cmocka_unit_test(test_missing_is_said),
        cmocka_unit_test(test_k_beyond_half_is_marked_and_above_n_refused),
        cmocka_unit_test(test_rank_scores),
        cmocka_unit_test(test_json_is_the_contract),
        cmocka_unit_test(test_csv_and_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
