/* test_store.c: opening, locking, migrations, puts and walks of the experiment file. */
#include "test.h"

#include "store/merge.h"
#include "store/split.h"
#include "store/store_priv.h"
#include "store/schema.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char dir[4096];

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "%s", test_tmpdir());
    return 0;
}

static int drop_dir(void **state)
{
    (void)state;
    test_rmdir(dir);
    return 0;
}

/* A path in the test's folder, one of four static buffers. */
static const char *in_dir(const char *name)
{
    static char path[4][4200];
    static int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", dir, name);
    return path[next];
}

static rn_store *open_store(const char *name, int mode)
{
    rn_store *s = NULL;
    rn_err err = {0};
    assert_ok(rn_store_open(in_dir(name), mode, &s, &err), &err);
    return s;
}

/* A set of three problems, a model and a run. */
typedef struct fixture {
    rn_store *s;
    int64_t set, problem[3], model, run;
} fixture;

static fixture make(const char *name)
{
    rn_err err = {0};
    fixture f = {.s = open_store(name, RN_STORE_CREATE)};
    assert_ok(rn_store_begin(f.s, &err), &err);
    assert_ok(rn_store_put_set(f.s, &(rn_store_set){.name = "mini", .hash = "abc"}, &f.set, &err),
              &err);
    /* Stored in another order than that of the set. */
    for (int i = 2; i >= 0; i--) {
        char id[16];
        snprintf(id, sizeof id, "Mini/%d", i);
        rn_store_problem p = {f.set, i, id, "def f():\n", -1};
        assert_ok(rn_store_put_problem(f.s, &p, &f.problem[i], &err), &err);
    }
    assert_ok(rn_store_put_model(f.s, &(rn_store_model){"m", "", ""}, &f.model, &err), &err);
    rn_store_run r = {f.set, f.model, "sample", "", "{\"temperature\": 0.80, \"n\": 2.0}"};
    assert_ok(rn_store_put_run(f.s, &r, &f.run, &err), &err);
    assert_ok(rn_store_commit(f.s, &err), &err);
    return f;
}

static int64_t put_text(fixture *f, int problem, int64_t idx, const char *text, int64_t gen_tok)
{
    rn_err err = {0};
    int64_t id = 0;
    rn_store_sample x = {.run_id = f->run,
                         .problem_id = f->problem[problem],
                         .idx = idx,
                         .text = rn_bytes_of(text),
                         .prompt_tok = -1,
                         .gen_tok = gen_tok,
                         .finish = "stop",
                         .logprob = (double)NAN,
                         .wall_ns = -1,
                         .flop = (double)NAN};
    assert_ok(rn_store_put_sample(f->s, &x, &id, NULL, &err), &err);
    return id;
}

static void put_verdict(fixture *f, int64_t sample, int64_t protocol, rn_verdict verdict)
{
    rn_err err = {0};
    rn_store_verdict v = {.sample_id = sample,
                          .protocol_id = protocol,
                          .verdict = verdict,
                          .n_tests = 1,
                          .n_passed = verdict == RN_V_PASSED,
                          .failed_test = -1,
                          .cpu_ns = 5,
                          .wall_ns = 6,
                          .peak_bytes = -1,
                          .detail = "",
                          .program_sha = {1}};
    assert_ok(rn_store_put_verdict(f->s, &v, &err), &err);
}

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

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static void sql(const char *path, const char *text)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    char *msg = NULL;
    if (sqlite3_exec(db, text, NULL, NULL, &msg)) fail_msg("%s: %s", text, msg);
    sqlite3_close(db);
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

/* ---- walks ----------------------------------------------------------------------------------- */

static int collect_sample(void *user, const rn_store_sample_row *r)
{
    rn_buf *b = user;
    rn_buf_printf(b, "%s#%lld=%.*s:%d ", r->task_id, (long long)r->x.idx, (int)r->x.text.len,
                  r->x.text.len ? r->x.text.data : "", r->verdict);
    return 0;
}

static int stop_at_once(void *user, const rn_store_sample_row *r)
{
    (void)user;
    (void)r;
    return 77;
}

static void expect_samples(fixture *f, int64_t unjudged, bool text, const char *want)
{
    rn_buf b = {0};
    rn_err err = {0};
    rn_buf_puts(&b, "");
    assert_ok(rn_store_each_sample(f->s, f->run, unjudged, text, collect_sample, &b, &err), &err);
    assert_string_equal(b.data, want);
    rn_buf_free(&b);
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
    assert_int_equal(rn_store_each_sample(f.s, f.run, 0, true, stop_at_once, NULL, &err), 77);

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
    assert_ok(rn_store_each_unscored(f.s, f.run, ranker, false, collect_sample, &left, &err), &err);
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

/* One number or text from a store by SQL, in a static buffer. */
static const char *ask(const char *path, const char *query)
{
    static char out[4096];
    sqlite3 *db;
    sqlite3_stmt *st;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_prepare_v2(db, query, -1, &st, NULL)) fail_msg("%s", sqlite3_errmsg(db));
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    const char *text = (const char *)sqlite3_column_text(st, 0);
    snprintf(out, sizeof out, "%s", text ? text : "NULL");
    sqlite3_finalize(st);
    sqlite3_close(db);
    return out;
}

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
    int64_t id[6], n = -1;
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
    assert_ok(rn_store_count_older(f.s, f.run, id[1], &n, &err), &err);
    assert_int_equal(n, 1);
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
        cmocka_unit_test(test_puts_are_idempotent),
        cmocka_unit_test(test_canonical),
        cmocka_unit_test(test_transactions),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_walk_samples),
        cmocka_unit_test(test_walk_runs),
        cmocka_unit_test(test_no_sorting),
        cmocka_unit_test(test_digest),
        cmocka_unit_test(test_digest_words),
        cmocka_unit_test(test_rows_become_one),
        cmocka_unit_test(test_provenance),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_strange_stores),
    };
    return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
