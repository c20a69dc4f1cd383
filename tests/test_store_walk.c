/* test_store_walk.c: walks over samples, runs and pairs of verdicts; the digest of a store. */
#include "test_store.h"

/* ---- walks ----------------------------------------------------------------------------------- */

static int stop_at_once(void *user, const rn_store_sample_row *r)
{
    (void)user;
    (void)r;
    return 77;
}

static void test_walk_samples(void **state)
{
    (void)state;
    fixture f = make("walk.db");
    rn_err err = {0};
    int64_t old, now;
    int64_t b1 = put_text(&f, 1, 1, "b1", 4), b0 = put_text(&f, 1, 0, "b0", 2);
    int64_t a0 = put_text(&f, 0, 0, "", -1);
    expect_samples(&f, 0, true, "Mini/0#0=:-1 Mini/1#0=b0:-1 Mini/1#1=b1:-1 ");
    assert_int_equal(
        rn_store_each_sample(f.s, &(rn_store_samples){.run_id = f.run}, stop_at_once, NULL, &err),
        77);

    assert_ok(rn_store_put_protocol(f.s, "{\"imported\":\"x\"}", &old, &err), &err);
    assert_ok(rn_store_put_protocol(f.s, "{\"cpu_s\":3}", &now, &err), &err);
    put_verdict(&f, b0, now, RN_V_PASSED);
    rn_store_verdict imported = {.sample_id = b0, .protocol_id = old, .verdict = RN_V_WRONG};
    assert_ok(rn_store_put_verdict_at(f.s, &imported, 0, &err), &err);
    put_verdict(&f, b1, now, RN_V_SANDBOX);
    expect_samples(&f, 0, false, "Mini/0#0=:-1 Mini/1#0=:0 Mini/1#1=:13 ");
    expect_samples(&f, now, false, "Mini/0#0=:-1 Mini/1#1=:13 ");
    expect_samples(&f, old, false, "Mini/0#0=:-1 Mini/1#1=:13 ");

    rn_arena arena = {0};
    rn_store_outcome *o;
    size_t n;
    assert_ok(rn_store_outcomes(f.s, f.run, 0, &arena, &o, &n, &err), &err);
    assert_int_equal(n, 2);
    assert_string_equal(o[1].task_id, "Mini/1");
    assert_int_equal(o[0].missing, 1);
    assert_true(isnan(o[0].mean_gen_tok));
    assert_int_equal(o[1].n, 1);
    assert_int_equal(o[1].c, 1);
    assert_int_equal(o[1].missing, 1);
    assert_near(o[1].mean_gen_tok, 3, 0);
    assert_ok(rn_store_outcomes(f.s, f.run, old, &arena, &o, &n, &err), &err);
    assert_int_equal(o[1].n, 1);
    assert_int_equal(o[1].c, 0);

    int64_t ranker;
    assert_ok(rn_store_put_ranker(f.s, "nll", "{\"model\":\"m\"}", true, &ranker, &err), &err);
    rn_store_score sc = {.sample_id = b1,
                         .ranker_id = ranker,
                         .score = 0.5,
                         .sum = -1,
                         .n_tok = 2,
                         .wall_ns = -1,
                         .flop = (double)NAN};
    assert_ok(rn_store_put_score(f.s, &sc, &err), &err);
    rn_store_cell *cells;
    assert_ok(rn_store_cells(f.s, f.run, 0, &arena, &cells, &n, &err), &err);
    assert_int_equal(n, 3);
    assert_int_equal(cells[0].sample_id, a0);
    assert_int_equal(cells[0].verdict, -1);
    assert_int_equal(cells[1].verdict, RN_V_PASSED);
    assert_int_equal(cells[2].gen_tok, 4);
    double *score;
    assert_ok(rn_store_scores(f.s, f.run, ranker, &arena, n, &score, &err), &err);
    assert_true(isnan(score[0]) && isnan(score[1]));
    assert_near(score[2], 0.5, 0);
    rn_store_parts parts = {.part = 2, .group = 7, .cpu_ns = 3000000000, .n_runs = 5};
    sc.parts = &parts;
    assert_ok(rn_store_put_score(f.s, &sc, &err), &err);
    rn_store_grouping grouping;
    assert_ok(rn_store_groups(f.s, f.run, ranker, &arena, n, &grouping, &err), &err);
    assert_true(grouping.any && isnan(grouping.part[0]));
    assert_int_equal(grouping.group[0], 0);
    assert_int_equal(grouping.group[2], 7);
    assert_near(grouping.part[2], 2, 0);
    rn_store_score_sums sums;
    assert_ok(rn_store_score_cost(f.s, f.run, ranker, &sums, &err), &err);
    assert_int_equal(sums.n_cpu, 1);
    assert_int_equal(sums.n_runs, 5);
    assert_near(sums.cpu_s, 3, 0);
    rn_buf left = {0};
    const rn_store_samples unscored = {.run_id = f.run, .unscored_ranker = ranker};
    assert_ok(rn_store_each_sample(f.s, &unscored, collect_sample, &left, &err), &err);
    assert_string_equal(left.data, "Mini/0#0=:-1 Mini/1#0=:0 ");
    rn_buf_free(&left);
    rn_arena_free(&arena);
    rn_store_close(f.s);
}

static int check_run(void *user, const rn_store_run_row *r)
{
    int *seen = user;
    (*seen)++;
    assert_string_equal(r->set_name, "mini");
    assert_string_equal(r->set_hash, "abc");
    assert_string_equal(r->settings, "{\"n\":2,\"temperature\":0.8}");
    assert_int_equal(r->n_set_problems, 3);
    assert_int_equal(r->n_problems, 2);
    assert_int_equal(r->n_samples, 1);
    assert_int_equal(r->n_counts, 1);
    return 0;
}

static void test_walk_runs(void **state)
{
    (void)state;
    fixture f = make("runs.db");
    rn_err err = {0};
    put_text(&f, 0, 0, "x", 1);
    assert_ok(rn_store_put_count(f.s, f.run, f.problem[2], 5, 5, &err), &err);
    int seen = 0;
    assert_ok(rn_store_each_run(f.s, check_run, &seen, &err), &err);
    assert_int_equal(seen, 1);
    rn_store_close(f.s);
}

/* The order of the walks must come from the indexes: with a million samples a sort would need the
 * texts in memory. */
static void test_no_sorting(void **state)
{
    (void)state;
    fixture f = make("plan.db");
    static const char query[] =
        "EXPLAIN QUERY PLAN SELECT s.id FROM run r CROSS JOIN problem p ON p.set_id = r.set_id"
        " CROSS JOIN sample s ON s.run_id = r.id AND s.problem_id = p.id WHERE r.id = 1"
        " ORDER BY p.ord, p.id, s.idx";
    sqlite3_stmt *st;
    assert_int_equal(sqlite3_prepare_v2(f.s->db, query, -1, &st, NULL), SQLITE_OK);
    while (sqlite3_step(st) == SQLITE_ROW) {
        const char *step = (const char *)sqlite3_column_text(st, 3);
        if (strstr(step, "TEMP B-TREE") || strstr(step, "SCAN")) fail_msg("%s", step);
    }
    sqlite3_finalize(st);
    rn_store_close(f.s);
}

/* Which protocols a verdict may stand under: `want` as places in the list. */
static void test_versions(void **state)
{
    (void)state;
    static const char *const protocols[] = {
        "{\"cpu_s\":3,\"extractor\":\"auto/1\"}",
        "{\"cpu_s\":3,\"extractor\":\"auto/2\",\"judge\":2}",
        "{\"cpu_s\":3,\"extractor\":\"auto/2\"}",
        "{\"cpu_s\":4,\"extractor\":\"auto/1\"}",
        "{\"cpu_s\":3,\"extractor\":\"raw/1\"}",
        "{\"cpu_s\":3,\"extractor\":\"code/1\",\"source\":\"ration solve\",\"version\":\"0.1.0\"}"};
    static const struct {
        int of;
        const char *want;
    } cases[] = {{0, "[1,6]"}, {1, "[2,1,3,6]"}, {2, "[3,1,6]"},
                 {3, "[4]"},   {4, "[5,6]"},     {5, "[6]"}};
    rn_err err = {0};
    rn_buf ids = {0};
    fixture f = make("versions.db");
    int64_t id[6];
    for (int i = 0; i < 6; i++) {
        assert_ok(rn_store_put_protocol(f.s, protocols[i], &id[i], &err), &err);
        assert_int_equal(id[i], i + 1);
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_ok(rn_store_versions(f.s, id[cases[i].of], &ids, &err), &err);
        assert_string_equal(ids.data, cases[i].want);
    }
    rn_buf_free(&ids);
    /* Judged under an older version is judged; a newer one, or a failed sandbox, is not. */
    put_verdict(&f, put_text(&f, 0, 0, "a", 1), id[0], RN_V_PASSED);
    put_verdict(&f, put_text(&f, 0, 1, "b", 1), id[0], RN_V_SANDBOX);
    put_verdict(&f, put_text(&f, 0, 2, "c", 1), id[1], RN_V_PASSED);
    expect_samples(&f, id[1], false, "Mini/0#1=:13 ");
    expect_samples(&f, id[0], true, "Mini/0#1=b:13 Mini/0#2=c:0 ");
    rn_store_close(f.s);
}

static int collect_pair(void *user, const rn_store_pair_row *r)
{
    rn_buf_printf(user, "%s#%lld %s/%s%s %s; ", r->task_id, (long long)r->idx,
                  rn_verdict_name(r->ours), rn_verdict_name(r->theirs), r->differ ? "!" : "",
                  r->their_protocol);
    return 0;
}

/* Verdicts of our own beside imported ones: the newest of ours, theirs under the set's own tests. */
static void test_pairs(void **state)
{
    (void)state;
    rn_err err = {0};
    rn_buf out = {0};
    int64_t base, more, old, now;
    fixture f = make("pairs.db");
    int64_t a = put_text(&f, 0, 0, "a", 1), b = put_text(&f, 0, 1, "b", 1);
    int64_t c = put_text(&f, 1, 0, "c", 1), d = put_text(&f, 2, 0, "d", 1);
    assert_ok(rn_store_put_protocol(f.s, "{\"imported\":\"x\"}", &base, &err), &err);
    assert_ok(
        rn_store_put_protocol(f.s, "{\"imported\":\"x\",\"tests\":\"base+extra\"}", &more, &err),
        &err);
    assert_ok(rn_store_put_protocol(f.s, "{\"cpu_s\":3}", &old, &err), &err);
    assert_ok(rn_store_put_protocol(f.s, "{\"cpu_s\":4}", &now, &err), &err);
    const int64_t samples[] = {a, b, c, d};
    for (int i = 0; i < 4; i++) {
        rn_store_verdict v = {.sample_id = samples[i],
                              .protocol_id = base,
                              .verdict = i == 1 ? RN_V_WRONG : RN_V_PASSED};
        assert_ok(rn_store_put_verdict_at(f.s, &v, RN_JUDGED_ELSEWHERE, &err), &err);
        v.protocol_id = more;
        v.verdict = RN_V_WRONG;
        assert_ok(rn_store_put_verdict_at(f.s, &v, RN_JUDGED_ELSEWHERE_MORE, &err), &err);
    }
    rn_store_verdict v = {.sample_id = a, .protocol_id = old, .verdict = RN_V_WRONG};
    assert_ok(rn_store_put_verdict_at(f.s, &v, 5, &err), &err);
    v = (rn_store_verdict){.sample_id = a, .protocol_id = now, .verdict = RN_V_PASSED};
    assert_ok(rn_store_put_verdict_at(f.s, &v, 6, &err), &err);
    put_verdict(&f, b, now, RN_V_TIME_LIMIT);
    put_verdict(&f, c, now, RN_V_EXCEPTION);
    put_verdict(&f, d, now, RN_V_SANDBOX);
    assert_ok(rn_store_each_pair(f.s, f.run, false, collect_pair, &out, &err), &err);
    assert_string_equal(out.data, "Mini/0#0 passed/passed {\"imported\":\"x\"}; "
                                  "Mini/0#1 time_limit/wrong_answer {\"imported\":\"x\"}; "
                                  "Mini/1#0 exception/passed! {\"imported\":\"x\"}; ");
    rn_buf_clear(&out);
    assert_ok(rn_store_each_pair(f.s, f.run, true, collect_pair, &out, &err), &err);
    assert_int_equal(out.len, 0); /* none of ours is under the extra tests */
    rn_buf_free(&out);
    rn_store_close(f.s);
}

/* ---- the digest ------------------------------------------------------------------------------ */

/* Words beside a verdict hold addresses and times: only imported ones and "no code" are content. */
static void test_digest_words(void **state)
{
    (void)state;
    rn_err err = {0};
    static const struct {
        int64_t judged_ms;
        const char *a, *b;
        bool equal;
    } cases[] = {
        {5, "<object at 0x7f01>", "<object at 0x7f02>", true},
        {5, "1.01 s of processor time", RN_NO_CODE, false},
        {0, "failed: x", "failed: y", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char hex[2][65];
        for (int k = 0; k < 2; k++) {
            char name[32];
            snprintf(name, sizeof name, "words%zu%d.db", i, k);
            fixture f = make(name);
            rn_store_verdict v = {.sample_id = put_text(&f, 0, 0, "x", 1),
                                  .verdict = RN_V_EXCEPTION,
                                  .detail = k ? cases[i].b : cases[i].a};
            assert_ok(rn_store_put_protocol(f.s, "{}", &v.protocol_id, &err), &err);
            assert_ok(rn_store_put_verdict_at(f.s, &v, cases[i].judged_ms, &err), &err);
            assert_ok(rn_store_digest(f.s, hex[k], &err), &err);
            rn_store_close(f.s);
        }
        assert_int_equal(strcmp(hex[0], hex[1]) == 0, cases[i].equal);
    }
}

static void test_digest(void **state)
{
    (void)state;
    rn_err err = {0};
    char one[65], two[65], three[65];
    fixture f = make("d1.db"), g = make("d2.db");
    put_text(&f, 0, 0, "x", 1);
    put_text(&f, 1, 0, "y", 1);
    put_text(&g, 1, 0, "y", 1);
    put_text(&g, 0, 0, "x", 1);
    int64_t id;
    char arg[] = "a\"b", *argv[] = {arg};
    assert_ok(rn_store_log_begin(g.s, "test", 1, argv, &id, &err), &err);
    assert_ok(rn_store_log_end(g.s, id, 0, &err), &err);
    assert_ok(rn_store_digest(f.s, one, &err), &err);
    assert_ok(rn_store_digest(g.s, two, &err), &err);
    assert_string_equal(one, two);
    put_text(&g, 0, 1, "x", 1);
    assert_ok(rn_store_digest(g.s, three, &err), &err);
    assert_string_not_equal(one, three);
    rn_store_close(f.s);
    rn_store_close(g.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walk_samples), cmocka_unit_test(test_walk_runs),
        cmocka_unit_test(test_no_sorting),   cmocka_unit_test(test_versions),
        cmocka_unit_test(test_pairs),        cmocka_unit_test(test_digest),
        cmocka_unit_test(test_digest_words),
    };
    return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
