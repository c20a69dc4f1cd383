/* test_store_merge.c: rows that become one, parts of a store for a cluster, and what comes back. */
#include "test_store.h"

#include "store/merge.h"
#include "store/schema.h"
#include "store/split.h"

#include <sys/stat.h>

/* Rows that only their provenance kept apart become one; what contradicts stays apart. */
static void test_rows_become_one(void **state)
{
    (void)state;
    rn_err err = {0};
    const char *path = in_dir("v3.db");
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(rn_schema_migrate(db, rn_store_migrations, 3), SQLITE_OK);
    sqlite3_close(db);
    sql(path,
        "INSERT INTO verdict_kind VALUES (1, 'passed', 'P'), (2, 'wrong_answer', 'P');"
        "INSERT INTO problem_set VALUES (1, 'mini', 'abc');"
        "INSERT INTO problem VALUES (1, 1, 0, 'Mini/0', NULL, NULL), (2, 1, 1, 'Mini/1', NULL, "
        "NULL);"
        "INSERT INTO model VALUES (1, 'm', '', '');"
        "INSERT INTO run VALUES (1, 1, 1, 'sample', '', '{\"t\":1,\"version\":\"0.1.0\"}'),"
        " (2, 1, 1, 'sample', '', '{\"note\":\"\",\"t\":1,\"version\":\"0.1.1\"}'),"
        " (3, 1, 1, 'sample', '', '{\"server\":\"http://x\",\"t\":1}'),"
        " (4, 1, 1, 'sample', '', '{\"t\":2,\"version\":\"0.1.0\"}');"
        "INSERT INTO source VALUES (1, 1, 'aa', 'f', 'human-eval', 1), (2, 2, 'aa', 'f', 'x', 0);"
        /* run 2 repeats sample 0 and brings sample 1; run 3 says something else of sample 0 */
        "INSERT INTO sample (id, run_id, problem_id, idx, source_id, text_bytes) VALUES"
        " (1, 2, 1, 0, 2, 1), (2, 1, 1, 0, 1, 1), (3, 2, 1, 1, 2, 1), (4, 3, 1, 0, NULL, 1),"
        " (5, 4, 1, 0, NULL, 1), (6, 1, 2, 0, NULL, 1);"
        "INSERT INTO sample_text VALUES (1, x'61'), (2, x'61'), (3, x'62'), (4, x'63'), (5, x'61'),"
        " (6, x'61');"
        "INSERT INTO protocol VALUES (1, '{\"cpu_s\":3,\"ration\":\"0.1.0\"}'),"
        " (2, '{\"cpu_s\":3,\"ration\":\"0.1.1\"}'), (3, '{\"cpu_s\":4}');"
        "INSERT INTO verdict (sample_id, protocol_id, kind_id, judged_ms) VALUES"
        " (1, 2, 2, 20), (2, 1, 1, 10), (2, 3, 1, 5), (3, 1, 1, 10), (3, 2, 2, 9), (5, 2, 1, 1);"
        "INSERT INTO ranker VALUES (1, 'nll', '{\"by\":\"nll\",\"version\":\"0.1.0\"}', 1),"
        " (2, 'nll', '{\"by\":\"nll\",\"version\":\"0.1.1\"}', 1);"
        "INSERT INTO score (sample_id, ranker_id, score) VALUES (1, 2, 2.0), (2, 1, 1.0),"
        " (3, 2, 3.0), (4, 1, 4.0), (4, 2, 4.0);"
        "INSERT INTO tally VALUES (1, 2, 5, 2), (2, 2, 5, 2);"
        "INSERT INTO curve VALUES (1, 1, 0.5), (2, 2, 0.75);");
    rn_store *s = open_store("v3.db", RN_STORE_WRITE);
    rn_store_close(s);
    assert_string_equal(
        ask(path, "SELECT group_concat(id || settings || provenance, ' ') FROM run"),
        "1{\"t\":1}{\"version\":[\"0.1.0\",\"0.1.1\"]} "
        "3{\"apart\":{\"server\":\"http://x\"},\"t\":1}{\"server\":\"http://x\"} "
        "4{\"t\":2}{\"version\":\"0.1.0\"}");
    assert_string_equal(ask(path, "SELECT group_concat(json || provenance, ' ') FROM protocol"),
                        "{\"cpu_s\":3}{\"ration\":[\"0.1.0\",\"0.1.1\"]} {\"cpu_s\":4}{}");
    assert_string_equal(ask(path, "SELECT group_concat(run_id || ':' || problem_id || ':' || idx ||"
                                  " ifnull(':' || source_id, ''), ' ') FROM (SELECT * FROM sample"
                                  " ORDER BY run_id, problem_id, idx)"),
                        "1:1:0:1 1:1:1:1 1:2:0 3:1:0 4:1:0");
    assert_string_equal(ask(path, "SELECT group_concat(sample_id || ':' || protocol_id || ':' ||"
                                  " kind_id, ' ') FROM verdict"),
                        "1:1:2 1:3:1 3:1:1 5:1:1");
    assert_string_equal(ask(path, "SELECT group_concat(sample_id || ':' || ranker_id || ':' ||"
                                  " score, ' ') FROM score"),
                        "1:1:2.0 3:1:3.0 4:1:4.0");
    assert_string_equal(ask(path, "SELECT (SELECT count(*) FROM tally) || ' ' || (SELECT count(*)"
                                  " FROM curve WHERE run_id = 1) || ' ' || (SELECT count(*) FROM"
                                  " source) || ' ' || (SELECT count(*) FROM sample_text)"),
                        "1 2 1 5");
    /* The next put of the same settings finds them, and so does a merge of the kept-apart run. */
    s = open_store("v3.db", RN_STORE_WRITE);
    int64_t id = 0;
    rn_store_run r = {1, 1, "sample", "", "{\"version\": \"9\", \"t\": 1.0, \"note\": null}"};
    assert_ok(rn_store_put_run(s, &r, &id, &err), &err);
    assert_int_equal(id, 1);
    r.settings = "{\"server\":\"http://x\",\"t\":1,\"apart\":{\"server\":\"http://x\"}}";
    assert_ok(rn_store_put_run(s, &r, &id, &err), &err);
    assert_int_equal(id, 3);
    rn_store_close(s);
    assert_string_equal(ask(path, "SELECT provenance FROM run WHERE id = 1"),
                        "{\"version\":[\"0.1.0\",\"0.1.1\",\"9\"]}");
}

static int take_settings(void *user, const rn_store_run_row *r)
{
    snprintf(user, 256, "%s", r->settings);
    return 0;
}

/* What differs in provenance alone is one row, which shows all of it; the digest sees none. */
static void test_provenance(void **state)
{
    (void)state;
    rn_err err = {0};
    char one[65], two[65], settings[256];
    fixture f = make("prov.db");
    assert_ok(rn_store_digest(f.s, one, &err), &err);
    rn_store_run r = {f.set, f.model, "sample", "",
                      "{\"n\": 2, \"temperature\": 0.8, \"source\": \"b\", \"ration\": \"1\"}"};
    int64_t id = 0, other = 0;
    assert_ok(rn_store_put_run(f.s, &r, &id, &err), &err);
    assert_int_equal(id, f.run);
    r.settings =
        "{\"n\": 2, \"temperature\": 0.8, \"source\": \"a\", \"server\": \"\", \"x\": null}";
    assert_ok(rn_store_put_run(f.s, &r, &id, &err), &err);
    assert_int_equal(id, f.run);
    assert_ok(rn_store_each_run(f.s, take_settings, settings, &err), &err);
    assert_string_equal(settings,
                        "{\"n\":2,\"ration\":\"1\",\"source\":[\"a\",\"b\"],\"temperature\":0.8}");
    assert_ok(rn_store_digest(f.s, two, &err), &err);
    assert_string_equal(one, two);
    assert_ok(rn_store_put_ranker(f.s, "k", "{\"by\":\"nll\",\"version\":\"1\"}", true, &id, &err),
              &err);
    assert_ok(
        rn_store_put_ranker(f.s, "k", "{\"by\":\"nll\",\"version\":\"2\"}", true, &other, &err),
        &err);
    assert_int_equal(id, other);
    rn_store_close(f.s);
}

/* ---- parts of a cluster ---------------------------------------------------------------------- */

static int64_t merge_part(rn_store *out, const char *part, int want, const char *says)
{
    rn_err err = {0};
    rn_merge_stats st = {0};
    rn_store *in = open_store(part, RN_STORE_READ);
    int rc = rn_merge(out, in, &(rn_merge_opts){0}, &st, &err);
    rn_store_close(in);
    if (rc != want) fail_msg("%s: %s (%s)", part, rn_err_name(rc), err.msg);
    if (rc) assert_contains(err.msg, says);
    return st.n_samples * 100 + st.n_verdicts * 10 + st.n_scores;
}

/* Parts hold what their task needs; what comes back is added once, whatever the order. */
static void test_parts(void **state)
{
    (void)state;
    rn_err err = {0};
    char before[65], after[65];
    fixture f = make("whole.db");
    int64_t protocol, ranker, n = 0, next = 0;
    assert_ok(rn_store_put_protocol(f.s, "{\"cpu_s\":3}", &protocol, &err), &err);
    assert_ok(rn_store_put_ranker(f.s, "nll", "{\"by\":\"nll\"}", true, &ranker, &err), &err);
    for (int p = 0; p < 3; p++)
        for (int i = 0; i < 4; i++) {
            char text[32];
            snprintf(text, sizeof text, "%d.%d", p, i);
            int64_t id = put_text(&f, p, i, text, 1);
            rn_store_score x = {.sample_id = id, .ranker_id = ranker, .score = i, .n_tok = 1};
            if (p == 0) put_verdict(&f, id, protocol, RN_V_PASSED);
            if (p == 0) assert_ok(rn_store_put_score(f.s, &x, &err), &err);
        }
    assert_ok(rn_store_digest(f.s, before, &err), &err);
    const rn_split_pick picks[] = {{f.run, f.problem[0], 0, INT64_MAX},
                                   {f.run, f.problem[1], 1, 3}};
    rn_split_opts o = {.picks = picks, .n_picks = 2, .texts = true, .task = "judge 1/2"};
    assert_ok(rn_split(f.s, in_dir("part.db"), &o, &n, &err), &err);
    assert_int_equal(n, 6);
    assert_int_not_equal(access(in_dir("part.db-wal"), F_OK), 0);
    assert_string_equal(ask(in_dir("part.db"), "SELECT group_concat(name || '=' || iif(name IN"
                                               " ('id', 'part_of'), length(value), value), ' ')"
                                               " FROM about"),
                        "id=32 part_of=32 task=judge 1/2 version=" RN_VERSION);
    assert_string_equal(ask(in_dir("part.db"), "SELECT group_concat(task_id || ifnull(prompt, '-'),"
                                               " ' ') FROM (SELECT * FROM problem ORDER BY ord)"),
                        "Mini/0def f():\n Mini/1def f():\n Mini/2-");
    /* Nothing was done yet: nothing changes. */
    assert_int_equal(merge_part(f.s, "part.db", 0, ""), 0);
    assert_ok(rn_store_digest(f.s, after, &err), &err);
    assert_string_equal(before, after);

    /* The task judges what is not judged. */
    fixture part = f;
    part.s = open_store("part.db", RN_STORE_WRITE);
    expect_samples(&part, protocol, true, "Mini/1#1=1.1:-1 Mini/1#2=1.2:-1 ");
    rn_store_verdict v = {.sample_id = 6, .protocol_id = protocol, .verdict = RN_V_WRONG};
    assert_ok(rn_store_put_verdict(part.s, &v, &err), &err);
    rn_store_close(part.s);
    assert_int_equal(merge_part(f.s, "part.db", 0, ""), 10);
    assert_int_equal(merge_part(f.s, "part.db", 0, ""), 0);

    /* A task that samples sees which samples there are, and brings further ones. */
    o.texts = false;
    assert_ok(rn_split(f.s, in_dir("part.db"), &o, &n, &err), &err);
    assert_string_equal(ask(in_dir("part.db"), "SELECT count(*) FROM sample_text"), "0");
    part.s = open_store("part.db", RN_STORE_WRITE);
    expect_samples(&part, 0, false,
                   "Mini/0#0=:-1 Mini/0#1=:-1 Mini/0#2=:-1 Mini/0#3=:-1 "
                   "Mini/1#1=:-1 Mini/1#2=:-1 ");
    assert_ok(rn_store_count_samples(part.s, part.run, part.problem[0], &n, &next, &err), &err);
    assert_int_equal(next, 4);
    put_text(&part, 0, 4, "0.4", 1);
    rn_store_close(part.s);
    assert_int_equal(merge_part(f.s, "part.db", 0, ""), 100);
    assert_int_equal(merge_part(f.s, "part.db", 0, ""), 0);

    /* What is not of this store, version, set or settings. */
    fixture other = make("other_whole.db");
    merge_part(other.s, "part.db", RN_EINVAL, "is a part of another store");
    rn_store_close(other.s);
    static const struct {
        const char *sql, *says;
        int code;
    } odd[] = {
        {"UPDATE about SET value = '0.0.1' WHERE name = 'version'", "that ration 0.0.1 made",
         RN_EVERSION},
        {"UPDATE problem_set SET hash = 'abd'", "its set mini has the hash abd", RN_EINVAL},
        {"UPDATE run SET settings = '{\"kernels\":\"neon\"}'",
         "its run of m on mini has settings that no run of", RN_EINVAL},
    };
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        assert_ok(rn_split(f.s, in_dir("part.db"), &o, &n, &err), &err);
        sql(in_dir("part.db"), odd[i].sql);
        merge_part(f.s, "part.db", odd[i].code, odd[i].says);
    }
    /* A part that was cut in half, and a folder that is not there. */
    assert_ok(rn_split(f.s, in_dir("part.db"), &o, &n, &err), &err);
    struct stat info;
    assert_int_equal(stat(in_dir("part.db"), &info), 0);
    assert_int_equal(truncate(in_dir("part.db"), info.st_size / 2), 0);
    rn_store *in = NULL;
    assert_int_equal(rn_store_open(in_dir("part.db"), RN_STORE_READ, &in, &err), RN_EFORMAT);
    assert_int_equal(rn_split(f.s, in_dir("no/part.db"), &o, &n, &err), RN_ENOTFOUND);
    rn_store_close(f.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_become_one),
        cmocka_unit_test(test_provenance),
        cmocka_unit_test(test_parts),
    };
    return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
