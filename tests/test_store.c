/* test_store.c: opening, locking, migrations, damage and puts of the experiment file. */
#include "test_store.h"

#include "store/schema.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* ---- opening --------------------------------------------------------------------------------- */

static void expect_open(const char *path, int mode, int code, const char *part)
{
    rn_store *s = NULL;
    rn_err err = {0};
    int rc = rn_store_open(path, mode, &s, &err);
    if (rc != code) fail_msg("%s: got %s (%s)", path, rn_err_name(rc), err.msg);
    assert_null(s);
    assert_contains(err.msg, part);
}

static void test_open_refuses(void **state)
{
    (void)state;
    expect_open(in_dir("none.db"), RN_STORE_READ, RN_ENOTFOUND, "no such experiment file");
    expect_open(in_dir("none.db"), RN_STORE_WRITE, RN_ENOTFOUND, "no such experiment file");
    expect_open("", RN_STORE_READ, RN_EINVAL, "needs a name");
    expect_open(dir, RN_STORE_CREATE, RN_EINVAL, "is not a file");
    write_text(in_dir("text.db"),
               "this is a text of more than a hundred bytes, which is what SQLite "
               "wants to see of a header before it says that it is none ......");
    expect_open(in_dir("text.db"), RN_STORE_READ, RN_EFORMAT, "not an experiment file");
    expect_open(in_dir("text.db"), RN_STORE_CREATE, RN_EFORMAT, "not an experiment file");
    write_text(in_dir("zero.db"), "");
    expect_open(in_dir("zero.db"), RN_STORE_READ, RN_EFORMAT, "is empty");
    sql(in_dir("other.db"), "CREATE TABLE t (x)");
    expect_open(in_dir("other.db"), RN_STORE_READ, RN_EFORMAT, "another program");
    expect_open(in_dir("other.db"), RN_STORE_CREATE, RN_EFORMAT, "another program");
    expect_open(in_dir("no/folder.db"), RN_STORE_CREATE, RN_ENOTFOUND, "there is no folder");

    /* One that nothing came into is not left behind. */
    rn_store_close(open_store("new.db", RN_STORE_CREATE));
    assert_int_not_equal(access(in_dir("new.db"), F_OK), 0);
    rn_store_close(make("new.db").s);
    sql(in_dir("new.db"), "PRAGMA user_version = 1000");
    expect_open(in_dir("new.db"), RN_STORE_READ, RN_EVERSION, "use a newer ration");
    expect_open(in_dir("new.db"), RN_STORE_WRITE, RN_EVERSION, "use a newer ration");
}

static void test_names_with_uri_characters(void **state)
{
    (void)state;
    rn_store_close(make("a?b#c%41 d.db").s);
    assert_int_equal(access(in_dir("a?b#c%41 d.db"), F_OK), 0);
    rn_store_close(open_store("a?b#c%41 d.db", RN_STORE_READ));
}

static void test_one_writer_many_readers(void **state)
{
    (void)state;
    fixture f = make("lock.db");
    char pid[32];
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    expect_open(in_dir("lock.db"), RN_STORE_WRITE, RN_EBUSY, pid);
    rn_store *reader = open_store("lock.db", RN_STORE_READ);
    rn_store_close(reader);
    rn_store_close(f.s);
    assert_int_not_equal(access(in_dir("lock.db.lock"), F_OK), 0);
    rn_store_close(open_store("lock.db", RN_STORE_WRITE));
}

/* A killed writer leaves its lock file and its log; neither keeps the next one out. */
static void test_killed_writer(void **state)
{
    (void)state;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        rn_store *s = NULL;
        int64_t id;
        if (rn_store_open(in_dir("killed.db"), RN_STORE_CREATE, &s, NULL)) _exit(1);
        if (rn_store_put_set(s, &(rn_store_set){.name = "kept", .hash = ""}, &id, NULL)) _exit(1);
        if (rn_store_begin(s, NULL)) _exit(1);
        if (rn_store_put_set(s, &(rn_store_set){.name = "lost", .hash = ""}, &id, NULL)) _exit(1);
        kill(getpid(), SIGKILL);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(access(in_dir("killed.db.lock"), F_OK), 0);
    rn_store *s = open_store("killed.db", RN_STORE_WRITE);
    sqlite3_stmt *st;
    assert_int_equal(
        sqlite3_prepare_v2(s->db, "SELECT group_concat(name) FROM problem_set", -1, &st, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    assert_string_equal(sqlite3_column_text(st, 0), "kept");
    sqlite3_finalize(st);
    rn_store_close(s);
}

static void test_migrations(void **state)
{
    (void)state;
    const rn_migration table[] = {
        {(const char *[]){"CREATE TABLE a (x)", "INSERT INTO a VALUES (1)", NULL}},
        {(const char *[]){"ALTER TABLE a ADD COLUMN y", "UPDATE a SET y = x + 1", NULL}},
        {(const char *[]){"CREATE TABLE b (z)", "INSERT INTO nowhere VALUES (1)", NULL}},
    };
    sqlite3 *db;
    assert_int_equal(sqlite3_open(in_dir("old.db"), &db), SQLITE_OK);
    rn_schema_state what;
    int version = -1;
    assert_int_equal(rn_schema_migrate(db, table, 1), SQLITE_OK);
    assert_int_equal(rn_schema_look(db, &what, &version), SQLITE_OK);
    assert_int_equal(version, 1);
    assert_int_equal(what, RN_SCHEMA_OURS);
    /* An old file is brought up to date without a repetition of the first step. */
    assert_int_equal(rn_schema_migrate(db, table, 2), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "SELECT y FROM a WHERE y = 2", NULL, NULL, NULL), SQLITE_OK);
    /* One that fails leaves the version before it, whole. */
    assert_int_not_equal(rn_schema_migrate(db, table, 3), SQLITE_OK);
    assert_int_equal(rn_schema_look(db, &what, &version), SQLITE_OK);
    assert_int_equal(version, 2);
    assert_int_not_equal(sqlite3_exec(db, "SELECT * FROM b", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* A file of the first version is readable as it is, and brought up to date by its next writer. */
static void test_older_version(void **state)
{
    (void)state;
    sqlite3 *db;
    assert_int_equal(sqlite3_open(in_dir("v1.db"), &db), SQLITE_OK);
    assert_int_equal(rn_schema_migrate(db, rn_store_migrations, 1), SQLITE_OK);
    sqlite3_close(db);
    sql(in_dir("v1.db"),
        "INSERT INTO problem_set VALUES (1, 'mini', 'abc');"
        "INSERT INTO problem VALUES (1, 1, 0, 'Mini/0', NULL, NULL);"
        "INSERT INTO model VALUES (1, 'm', '', '');"
        "INSERT INTO run VALUES (1, 1, 1, 'sample', '', '{}');"
        "INSERT INTO sample VALUES (1, 1, 1, 0, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL);"
        "INSERT INTO sample_text VALUES (1, x'61');"
        "INSERT INTO ranker VALUES (1, 'nll', '{}', 1);"
        "INSERT INTO score VALUES (1, 1, 0.5, -2.0, 4, 7, 8.0)");
    for (int mode = RN_STORE_READ; mode <= RN_STORE_WRITE; mode++) {
        rn_err err = {0};
        rn_store *s = open_store("v1.db", mode);
        rn_arena arena = {0};
        double *score = NULL;
        rn_store_grouping grouping;
        rn_store_score_sums sums;
        assert_ok(rn_store_scores(s, 1, 1, &arena, 1, &score, &err), &err);
        assert_near(score[0], 0.5, 0);
        assert_ok(rn_store_groups(s, 1, 1, &arena, 1, &grouping, &err), &err);
        assert_false(grouping.any);
        assert_int_equal(grouping.group[0], 0);
        assert_true(isnan(grouping.part[0]));
        assert_ok(rn_store_score_cost(s, 1, 1, &sums, &err), &err);
        assert_int_equal(sums.n_flop, 1);
        assert_int_equal(sums.n_cpu, 0);
        rn_arena_free(&arena);
        rn_store_close(s);
    }
    sql(in_dir("v1.db"), "UPDATE main.score SET grp = 3");
}

static void test_damage_is_found(void **state)
{
    (void)state;
    fixture f = make("damage.db");
    rn_err err = {0};
    for (int i = 0; i < 2000; i++)
        put_text(&f, 0, i, "some text that fills a page or two of the file", 1);
    assert_ok(rn_store_check(f.s, &err), &err);
    rn_store_close(f.s);
    int fd = open(in_dir("damage.db"), O_RDWR);
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    char junk[4096];
    memset(junk, 0x5a, sizeof junk);
    for (off_t at = st.st_size / 2; at < st.st_size; at += 8192)
        assert_int_equal(pwrite(fd, junk, sizeof junk, at), sizeof junk);
    close(fd);
    rn_store *s = NULL;
    int rc = rn_store_open(in_dir("damage.db"), RN_STORE_READ, &s, &err);
    if (!rc) rc = rn_store_check(s, &err);
    assert_int_equal(rc, RN_EFORMAT);
    assert_contains(err.msg, "damage");
    rn_store_close(s);
}

/* A stranger's store: what somebody did to one of ours, and what opening it says. */
static void test_strange_stores(void **state)
{
    (void)state;
    static const struct {
        const char *name, *sql, *says;
    } cases[] = {
        {"trigger", "CREATE TRIGGER t AFTER INSERT ON verdict BEGIN SELECT 1; END",
         "the trigger 't' is not ration's"},
        {"view", "ALTER TABLE curve RENAME TO curve0; CREATE VIEW curve AS SELECT 1 AS k",
         "'curve"},
        {"view_replaced", "DROP VIEW outcome; CREATE VIEW outcome AS SELECT 1 AS n",
         "the view 'outcome' is not made as ration makes it"},
        {"view_dropped", "DROP VIEW outcome", "there are 19"},
        {"table", "CREATE TABLE mine (x)", "the table 'mine' is not ration's"},
        {"virtual", "CREATE VIRTUAL TABLE v USING fts5(x)", "is not ration's"},
        {"index", "CREATE INDEX i ON sample (abs(idx))", "the index 'i' is not ration's"},
        {"index_dropped", "DROP INDEX problem_order", "there are"},
        {"generated", "ALTER TABLE profile ADD COLUMN x INTEGER AS (abs(1))",
         "the table 'profile' is not made as ration makes it"},
        {"column", "ALTER TABLE score ADD COLUMN x INTEGER", "the table 'score' is not made"},
        {"not_strict",
         "PRAGMA writable_schema = 1; UPDATE sqlite_master SET sql = replace(sql, 'STRICT', '')"
         " WHERE name = 'model'",
         "the table 'model' is not made"},
        {"check",
         "PRAGMA writable_schema = 1; UPDATE sqlite_master SET sql = replace(sql, 'name TEXT NOT"
         " NULL,', 'name TEXT NOT NULL CHECK (length(name) > 0),') WHERE name = 'model'",
         "the table 'model' is not made"},
        {"quoted",
         "PRAGMA writable_schema = 1; UPDATE sqlite_master SET sql = replace(sql, 'file_sha TEXT"
         " NOT NULL, -- ', 'file_sha TEXT NOT NULL DEFAULT '' -- ') WHERE name = 'model'",
         ""},
        {"kinds",
         "UPDATE verdict_kind SET name = 'x' WHERE id = 1; UPDATE verdict_kind SET name = 'passed'"
         " WHERE id = 2; UPDATE verdict_kind SET name = 'wrong_answer' WHERE id = 1",
         "its kind of verdict 1 is 'wrong_answer'"},
        {"family", "UPDATE verdict_kind SET family = 'S' WHERE id = 3",
         "its kind of verdict 3 is 'exception' of family 'S'"},
        {"kind_ids", "UPDATE verdict_kind SET id = id + 9223372036854775700",
         "its kind of verdict"},
        {"kind_negative", "UPDATE verdict_kind SET id = -id", "its kind of verdict -"},
        {"version_older", "PRAGMA user_version = 1", "is not made as ration makes it"},
        {"version_zero", "PRAGMA user_version = 0", "its schema has the version 0"},
        {"version_negative", "PRAGMA user_version = -2147483648", "the version -2147483648"},
        {"version_newer", "PRAGMA user_version = 99", "knows up to"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char name[64];
        snprintf(name, sizeof name, "odd_%s.db", cases[i].name);
        fixture f = make(name);
        rn_store_close(f.s);
        sqlite3 *db;
        assert_int_equal(sqlite3_open(in_dir(name), &db), SQLITE_OK);
        if (sqlite3_exec(db, cases[i].sql, NULL, NULL, NULL))
            fail_msg("%s: %s", name, sqlite3_errmsg(db));
        sqlite3_close(db);
        for (int mode = RN_STORE_READ; mode <= RN_STORE_CREATE; mode++) {
            rn_store *s = NULL;
            rn_err err = {0};
            int rc = rn_store_open(in_dir(name), mode, &s, &err);
            rn_store_close(s);
            if (rc == 0) fail_msg("%s is opened in mode %d", name, mode);
            assert_contains(err.msg, cases[i].says);
        }
    }
    /* Statistics that ANALYZE left are data of SQLite's own. */
    fixture f = make("analyzed.db");
    rn_store_close(f.s);
    sql(in_dir("analyzed.db"), "ANALYZE");
    rn_store_close(open_store("analyzed.db", RN_STORE_WRITE));
}

/* ---- puts ------------------------------------------------------------------------------------ */

static void test_puts_are_idempotent(void **state)
{
    (void)state;
    fixture f = make("put.db");
    rn_err err = {0};
    int64_t id;
    assert_ok(rn_store_put_set(f.s, &(rn_store_set){.name = "mini", .hash = "abc"}, &id, &err),
              &err);
    assert_int_equal(id, f.set);
    assert_ok(rn_store_put_set(f.s, &(rn_store_set){.name = "mini", .hash = ""}, &id, &err), &err);
    assert_int_equal(id, f.set);
    assert_ok(rn_store_put_set(f.s, &(rn_store_set){.name = "mini", .hash = "def"}, &id, &err),
              &err);
    assert_int_not_equal(id, f.set);
    rn_store_run same = {f.set, f.model, "sample", "", "{\"n\":2,\"temperature\":8e-1}"};
    assert_ok(rn_store_put_run(f.s, &same, &id, &err), &err);
    assert_int_equal(id, f.run);
    rn_store_run other = {f.set, f.model, "greedy", "", same.settings};
    assert_ok(rn_store_put_run(f.s, &other, &id, &err), &err);
    assert_int_not_equal(id, f.run);
    rn_store_run bad = {f.set, f.model, "greedy", "", "[1]"};
    assert_int_equal(rn_store_put_run(f.s, &bad, &id, &err), RN_EINVAL);

    int64_t a = put_text(&f, 0, 0, "x", 3), b = put_text(&f, 0, 0, "x", 3);
    assert_int_equal(a, b);
    rn_store_sample x = {.run_id = f.run, .problem_id = f.problem[0], .text = {"y", 1}};
    bool existed = false;
    assert_int_equal(rn_store_put_sample(f.s, &x, &id, &existed, &err), RN_EEXIST);
    assert_contains(err.msg, "another text");

    assert_ok(rn_store_put_count(f.s, f.run, f.problem[1], 10, 3, &err), &err);
    assert_ok(rn_store_put_count(f.s, f.run, f.problem[1], 10, 3, &err), &err);
    assert_int_equal(rn_store_put_count(f.s, f.run, f.problem[1], 10, 4, &err), RN_EEXIST);
    assert_int_equal(rn_store_put_count(f.s, f.run, f.problem[1], 3, 4, &err), RN_EINVAL);
    assert_ok(rn_store_put_curve(f.s, f.run, 1, 0.5, &err), &err);
    assert_int_equal(rn_store_put_curve(f.s, f.run, 1, 0.25, &err), RN_EEXIST);
    assert_int_equal(rn_store_put_curve(f.s, f.run, 0, 0.25, &err), RN_EINVAL);
    assert_int_equal(rn_store_put_curve(f.s, f.run, 2, 1.25, &err), RN_EINVAL);
    assert_int_equal(rn_store_put_curve(f.s, f.run, 2, (double)NAN, &err), RN_EINVAL);

    assert_ok(rn_store_put_ranker(f.s, "nll", "{}", true, &id, &err), &err);
    assert_int_equal(rn_store_put_ranker(f.s, "nll", "{}", false, &id, &err), RN_EEXIST);
    rn_store_close(f.s);
}

static void test_canonical(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"{}", "{}"},
        {"", "{}"},
        {"{\"b\": 1.0, \"a\": [0.8, 0.80, 8E-1, true, null]}",
         "{\"a\":[0.8,0.8,0.8,true,null],\"b\":1}"},
        {"{\"seed\": 9223372036854775807}", "{\"seed\":9223372036854775807}"},
        {"{\"x\": 0.1234567890123456789}", "{\"x\":0.12345678901234568}"},
        {"{\"x\": -0.0}", "{\"x\":0}"},
        {"{\"o\": {\"z\": \"\\u00e9\\n\", \"y\": 1e300}}", "{\"o\":{\"y\":1e+300,\"z\":\"é\\n\"}}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rn_buf b = {0};
        rn_err err = {0};
        assert_ok(rn_store_canonical(cases[i].in, &b, &err), &err);
        assert_string_equal(b.data, cases[i].out);
        rn_buf_free(&b);
    }
    rn_buf b = {0};
    assert_int_equal(rn_store_canonical("{", &b, NULL), RN_ETRUNCATED);
    assert_int_equal(rn_store_canonical("1", &b, NULL), RN_EINVAL);
    rn_buf_free(&b);
}

static void test_transactions(void **state)
{
    (void)state;
    fixture f = make("tx.db");
    rn_err err = {0};
    int64_t n = -1, next = -1;
    assert_int_equal(rn_store_commit(f.s, &err), RN_EINVAL);
    assert_ok(rn_store_begin(f.s, &err), &err);
    assert_int_equal(rn_store_begin(f.s, &err), RN_EINVAL);
    put_text(&f, 0, 0, "x", 1);
    assert_ok(rn_store_tick(f.s, &err), &err);
    rn_store_rollback(f.s);
    assert_ok(rn_store_count_samples(f.s, f.run, f.problem[0], &n, &next, &err), &err);
    assert_int_equal(n, 0);
    assert_ok(rn_store_begin(f.s, &err), &err);
    put_text(&f, 0, 0, "x", 1);
    f.s->begun_ns -= 2000000000; /* as if it had begun two seconds ago */
    assert_ok(rn_store_tick(f.s, &err), &err);
    put_text(&f, 0, 7, "x", 1);
    rn_store_rollback(f.s);
    assert_ok(rn_store_count_samples(f.s, f.run, f.problem[0], &n, &next, &err), &err);
    assert_int_equal(n, 1);
    assert_int_equal(next, 1);
    rn_store_close(f.s);
}

static void test_full_disk(void **state)
{
    (void)state;
    fixture f = make("full.db");
    rn_err err = {0};
    put_text(&f, 0, 0, "kept", 1);
    assert_int_equal(sqlite3_exec(f.s->db, "PRAGMA max_page_count = 60", NULL, NULL, NULL),
                     SQLITE_OK);
    static char big[100000];
    memset(big, 'x', sizeof big);
    int64_t id;
    int rc = 0;
    for (int64_t i = 1; i < 100 && !rc; i++) {
        rn_store_sample x = {
            .run_id = f.run, .problem_id = f.problem[0], .idx = i, .text = {big, sizeof big}};
        rc = rn_store_put_sample(f.s, &x, &id, NULL, &err);
    }
    assert_int_equal(rc, RN_EIO);
    assert_contains(err.msg, "disk is full");
    rn_store_close(f.s);
    f.s = open_store("full.db", RN_STORE_WRITE);
    assert_ok(rn_store_check(f.s, &err), &err);
    put_text(&f, 0, 0, "kept", 1);
    rn_store_close(f.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_refuses),
        cmocka_unit_test(test_names_with_uri_characters),
        cmocka_unit_test(test_one_writer_many_readers),
        cmocka_unit_test(test_killed_writer),
        cmocka_unit_test(test_migrations),
        cmocka_unit_test(test_older_version),
        cmocka_unit_test(test_damage_is_found),
        cmocka_unit_test(test_strange_stores),
        cmocka_unit_test(test_puts_are_idempotent),
        cmocka_unit_test(test_canonical),
        cmocka_unit_test(test_transactions),
        cmocka_unit_test(test_full_disk),
    };
    return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
