/* test_batch.c: units of work and their balance, shares, parts of a store, jobs, child processes. */
#include "test_dir.h"

#include "base/file.h"
#include "run/batch.h"
#include "run/process.h"
#include "run/serve.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

/* ---- units ---------------------------------------------------------------------------------------- */

/* 40 problems of 50 samples; every eighth takes a hundred times as long. */
static void make_units(rn_units *u)
{
    rn_err err = {0};
    for (int i = 0; i < 40; i++) {
        char id[16];
        snprintf(id, sizeof id, "T/%d", i);
        rn_unit x = {.run_id = 1 + i % 2,
                     .task_id = id,
                     .to = 50,
                     .n = 50,
                     .seconds = i % 8 ? 1 + i * 0.01 : 100,
                     .whole = i == 8};
        assert_ok(rn_units_add(u, &x, &err), &err);
    }
}

static void balanced_tasks_hold_every_sample_once(void **state)
{
    (void)state;
    for (size_t n_tasks = 1; n_tasks <= 33; n_tasks += 8) {
        rn_units u = {0}, *tasks = calloc(n_tasks, sizeof *tasks);
        rn_err err = {0};
        int held[40][50] = {{0}}, wholes = 0;
        double longest = 0;
        make_units(&u);
        assert_ok(rn_units_balance(&u, n_tasks, n_tasks, tasks, &err), &err);
        for (size_t t = 0; t < n_tasks; t++) {
            longest = fmax(longest, rn_units_seconds(&tasks[t]));
            for (size_t i = 0; i < tasks[t].v.n; i++) {
                const rn_unit *x = &tasks[t].v.data[i];
                int p = atoi(x->task_id + 2);
                assert_true(x->from >= 0 && x->from < x->to && x->to <= 50 && x->n > 0);
                assert_int_equal(x->run_id, 1 + p % 2);
                for (int64_t k = x->from; k < x->to; k++)
                    held[p][k]++;
                wholes += x->whole;
            }
            rn_units_free(&tasks[t]);
        }
        for (int p = 0; p < 40; p++)
            for (int k = 0; k < 50; k++)
                if (held[p][k] != 1)
                    fail_msg("%zu tasks: T/%d %d: %d times", n_tasks, p, k, held[p][k]);
        assert_int_equal(wholes, 1);
        /* Units can be divided but for one of 100 s: LPT stays near the mean. */
        double mean = rn_units_seconds(&u) / (double)n_tasks;
        if (longest > 1.1 * fmax(mean, 100))
            fail_msg("%zu tasks: %g s, mean %g", n_tasks, longest, mean);
        rn_units_free(&u);
        free(tasks);
    }
}

/* 4 nodes, 16 tasks: 1/2, 1/4, 1/8, 1/8 of the work, one after the other. */
static void tasks_that_follow_are_shorter(void **state)
{
    (void)state;
    rn_units u = {0}, tasks[16] = {{.arena = {0}}};
    rn_err err = {0};
    assert_ok(
        rn_units_add(&u, &(rn_unit){.task_id = "T", .to = 64000, .n = 64000, .seconds = 640}, &err),
        &err);
    assert_ok(rn_units_balance(&u, 16, 4, tasks, &err), &err);
    static const double share[] = {80, 40, 20, 20}; /* seconds of each task of a round */
    for (int t = 0; t < 16; t++) {
        double s = rn_units_seconds(&tasks[t]);
        if (fabs(s - share[t / 4]) > 5) fail_msg("task %d: %g s, not %g", t, s, share[t / 4]);
        rn_units_free(&tasks[t]);
    }
    rn_units_free(&u);
    static const struct {
        double seconds;
        size_t nodes, rounds;
    } cases[] = {{0, 1, 1}, {39, 2, 1}, {40, 2, 2}, {160, 4, 3}, {1e9, 64, 5}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(rn_units_rounds(cases[i].seconds, cases[i].nodes), cases[i].rounds);
}

static void units_of_unknown_time_are_shared_too(void **state)
{
    (void)state;
    rn_units u = {0}, tasks[4] = {{.v = {0}}};
    rn_err err = {0};
    for (int i = 0; i < 8; i++) {
        char id[16];
        snprintf(id, sizeof id, "%d", i);
        assert_ok(rn_units_add(&u, &(rn_unit){.task_id = id, .to = 3, .n = 3}, &err), &err);
    }
    assert_ok(rn_units_balance(&u, 4, 4, tasks, &err), &err);
    for (int t = 0; t < 4; t++) {
        assert_int_equal(tasks[t].v.n, 2);
        rn_units_free(&tasks[t]);
    }
    rn_units_free(&u);
}

static void units_travel_by_file(void **state)
{
    (void)state;
    rn_units u = {0}, back = {0};
    rn_err err = {0};
    make_units(&u);
    assert_ok(rn_units_write(&u, in_dir("u"), &err), &err);
    assert_ok(rn_units_read(in_dir("u"), &back, &err), &err);
    assert_int_equal(back.v.n, u.v.n);
    for (size_t i = 0; i < u.v.n; i++) {
        assert_string_equal(back.v.data[i].task_id, u.v.data[i].task_id);
        assert_int_equal(back.v.data[i].run_id, u.v.data[i].run_id);
        assert_int_equal(back.v.data[i].whole, u.v.data[i].whole);
        assert_near(back.v.data[i].seconds, u.v.data[i].seconds, 1e-9);
    }
    rn_units_free(&u);
    rn_units_free(&back);

    static const struct {
        const char *text, *says;
    } bad[] = {{"{\"task_id\": \"a\", \"from\": 0}\n", "\"to\""},
               {"{\"task_id\": \"a\", \"from\": 2, \"to\": 2}\n", "line 1"},
               {"{\"task_id\": \"a\", \"from\": -1, \"to\": 2}\n", "line 1"},
               {"{\"task_id\": \"a\", \"from\": 0, \"to\": 2, \"n\": 3}\n", "not a valid unit"},
               {"{\"task_id\": \"a\", \"from\": 0, \"to\": 2, \"seconds\": -1}\n", "seconds >= 0"},
               {"{\"task_id\": \"a\\u0000b\", \"from\": 0, \"to\": 2}\n", "not a valid unit"},
               {"{\"task_id\": \"a\", \"from\": 0, \"to\": 2}\n[1]\n", "line 2"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rn_units x = {0};
        write_text(in_dir("u"), bad[i].text);
        assert_true(rn_units_read(in_dir("u"), &x, &err) < 0);
        if (!strstr(err.msg, bad[i].says)) fail_msg("%zu: %s", i, err.msg);
        rn_units_free(&x);
    }
}

/* ---- shares ---------------------------------------------------------------------------------------- */

static void shards_hold_every_sample_once(void **state)
{
    (void)state;
    static const size_t sets[] = {1, 3, 164, 5000};
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++)
        for (int n = 1; n <= 64; n = 2 * n + 1) {
            rn_share *share[64];
            int64_t size[64] = {0};
            rn_err err = {0};
            for (int i = 0; i < n; i++) {
                char text[16];
                snprintf(text, sizeof text, "%d/%d", i, n);
                assert_ok(rn_share_open(&(rn_share_options){.shard = text}, &share[i], &err), &err);
            }
            for (size_t p = 0; p < sets[s]; p++)
                for (int64_t k = 0; k<300; k += sets[s]> 1000 ? 150 : 1) {
                    int owners = 0;
                    rn_share_problem at = {"x", p, sets[s], false};
                    for (int i = 0; i < n; i++)
                        if (rn_share_has(share[i], &at, k)) owners++, size[i]++;
                    assert_int_equal(owners, 1);
                }
            for (int i = 0; i < n; i++) {
                /* None has twice the mean, whatever the numbers. */
                int64_t all = sets[s] > 1000 ? 2 * (int64_t)sets[s] : 300 * (int64_t)sets[s];
                if (size[i] * n > 2 * all + 2 * n)
                    fail_msg("%zu problems, shard %d/%d: %lld of %lld", sets[s], i, n,
                             (long long)size[i], (long long)all);
                rn_share_close(share[i]);
            }
        }
}

static void whole_problems_are_in_one_shard(void **state)
{
    (void)state;
    rn_share *s = NULL;
    rn_err err = {0};
    assert_ok(rn_share_open(&(rn_share_options){.shard = "1/5"}, &s, &err), &err);
    for (size_t p = 0; p < 7; p++) {
        rn_share_problem at = {"x", p, 7, true};
        for (int64_t k = 0; k < 20; k++)
            assert_int_equal(rn_share_has(s, &at, k), p % 5 == 1);
    }
    rn_share_close(s);
}

static void a_share_by_units_holds_their_samples(void **state)
{
    (void)state;
    rn_share *s = NULL;
    rn_err err = {0};
    write_text(in_dir("u"), "{\"task_id\": \"b\", \"from\": 2, \"to\": 4}\n"
                            "{\"task_id\": \"a\", \"from\": 0, \"to\": 1}\n"
                            "{\"task_id\": \"b\", \"from\": 7, \"to\": 8}\n");
    assert_ok(rn_share_open(&(rn_share_options){.units = in_dir("u")}, &s, &err), &err);
    const char *want = "..##...#";
    for (int64_t k = 0; k < 8; k++) {
        rn_share_problem b = {"b", 0, 9, false}, c = {"c", 1, 9, false};
        assert_int_equal(rn_share_has(s, &b, k), want[k] == '#');
        assert_false(rn_share_has(s, &c, k));
    }
    rn_share_close(s);
    assert_ok(rn_share_open(&(rn_share_options){0}, &s, &err), &err);
    assert_null(s);
    assert_true(rn_share_has(NULL, &(rn_share_problem){"a", 0, 1, false}, 5));
}

static void shards_are_read_strictly_and_from_schedulers(void **state)
{
    (void)state;
    static const char *const bad[] = {"",    "1",   "1/",   "/2",    "2/2",  "-1/2",   "+1/2",
                                      "1/0", "a/b", "1/2x", "0x1/2", "auto", "auto/4", "automatic"};
    static const char *const vars[] = {"SLURM_ARRAY_TASK_ID",    "SLURM_ARRAY_TASK_MIN",
                                       "SLURM_ARRAY_TASK_COUNT", "JOB_COMPLETION_INDEX",
                                       "PBS_ARRAY_INDEX",        "LSB_JOBINDEX"};
    rn_share *s = NULL;
    rn_err err = {0};
    for (size_t i = 0; i < sizeof vars / sizeof *vars; i++)
        unsetenv(vars[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (rn_share_open(&(rn_share_options){.shard = bad[i]}, &s, &err) != RN_EINVAL)
            fail_msg("'%s' is accepted", bad[i]);
        assert_contains(err.msg, "--shard");
    }
    assert_int_equal(rn_share_open(&(rn_share_options){.shard = "0/2", .units = "u"}, &s, &err),
                     RN_EINVAL);

    /* Tasks 10 to 13 of a Slurm array: 12 is shard 2 of 4. */
    setenv(vars[0], "12", 1);
    setenv(vars[1], "10", 1);
    setenv(vars[2], "4", 1);
    assert_ok(rn_share_open(&(rn_share_options){.shard = "auto"}, &s, &err), &err);
    assert_true(rn_share_has(s, &(rn_share_problem){"x", 2, 100, false}, 0));
    assert_false(rn_share_has(s, &(rn_share_problem){"x", 3, 100, false}, 0));
    rn_share_close(s);
    for (int i = 0; i < 3; i++)
        unsetenv(vars[i]);
    setenv("LSB_JOBINDEX", "1", 1); /* counts from 1 */
    assert_ok(rn_share_open(&(rn_share_options){.shard = "auto/4"}, &s, &err), &err);
    assert_true(rn_share_has(s, &(rn_share_problem){"x", 0, 100, false}, 0));
    rn_share_close(s);
    unsetenv("LSB_JOBINDEX");
    setenv("JOB_COMPLETION_INDEX", "4", 1);
    assert_int_equal(rn_share_open(&(rn_share_options){.shard = "auto/4"}, &s, &err), RN_EINVAL);
    unsetenv("JOB_COMPLETION_INDEX");
}

/* ---- the folder of a job ------------------------------------------------------------------------------ */

static void a_job_is_read_as_it_was_written(void **state)
{
    (void)state;
    rn_err err = {0};
    rn_batch_job job = {.id = "00ff",
                        .version = "1.2.3",
                        .store = "/a \"b\"/c.db",
                        .program = "/bin/ration",
                        .cwd = "/a",
                        .kernels = "avx2",
                        .sbatch = "--comment='a b'",
                        .n_tasks = 12,
                        .n_tries = 3,
                        .every_s = 30},
                 back;
    rn_vec_push(&job.args, "judge");
    rn_vec_push(&job.args, "--venv");
    rn_vec_push(&job.args, "a 'b' \\ \n");
    assert_ok(rn_batch_job_write(dir, &job, &err), &err);
    assert_ok(rn_batch_job_read(dir, &back, &err), &err);
    assert_string_equal(back.id, "00ff");
    assert_string_equal(back.store, job.store);
    assert_string_equal(back.cwd, job.cwd);
    assert_string_equal(back.kernels, job.kernels);
    assert_string_equal(back.sbatch, job.sbatch);
    assert_int_equal(back.args.n, 3);
    assert_string_equal(back.args.data[2], job.args.data[2]);
    assert_null(back.args.data[3]);
    rn_batch_job_free(&back);
    rn_vec_free(&job.args);

    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "{\"form\": 2}",
        "{\"form\": 1}",
        "{\"form\":2,\"id\":\"a\",\"version\":\"1\",\"store\":\"s\","
        "\"program\":\"p\",\"cwd\":\"/"
        "\",\"sbatch\":\"\",\"tasks\":0,\"tries\":1,\"every_s\":1,\"rows\":1,"
        "\"args\":[\"judge\"]}",
        "{\"form\":2,\"id\":\"a\",\"version\":\"1\",\"store\":\"s\","
        "\"program\":\"p\",\"cwd\":\"/"
        "\",\"sbatch\":\"\",\"tasks\":1,\"tries\":1,\"every_s\":1,\"rows\":1,"
        "\"args\":[1]}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_text(in_dir("job.json"), bad[i]);
        if (rn_batch_job_read(dir, &back, &err) == 0) fail_msg("accepted: %s", bad[i]);
        assert_contains(err.msg, "job.json");
    }
    unlink(in_dir("job.json"));
    assert_int_equal(rn_batch_job_read(dir, &back, &err), RN_ENOTFOUND);
}

static void a_report_that_cannot_be_read_is_a_new_task(void **state)
{
    (void)state;
    rn_err err = {0};
    rn_task_report r = {.state = RN_TASK_FAILED, .attempt = 2, .n_done = 5, .host = "n\"1"}, back;
    snprintf(r.message, sizeof r.message, "%s", "line\x1b[31m one");
    assert_ok(rn_task_report_write(dir, 3, &r, &err), &err);
    rn_task_report_read(dir, 3, &back);
    assert_int_equal(back.state, RN_TASK_FAILED);
    assert_int_equal(back.n_done, 5);
    assert_string_equal(back.host, r.host);
    assert_string_equal(back.message, r.message);
    write_text(in_dir("0003.json"), "{\"state\": \"do");
    rn_task_report_read(dir, 3, &back);
    assert_int_equal(back.state, RN_TASK_NEW);
    assert_int_equal(back.attempt, 0);
    rn_task_report_read(dir, 4, &back);
    assert_int_equal(back.state, RN_TASK_NEW);
}

/* ---- processes ------------------------------------------------------------------------------------------ */

static void commands_are_run_and_what_they_say_is_kept(void **state)
{
    (void)state;
    rn_err err = {0};
    rn_buf said = {0};
    const char *const talk[] = {"sh", "-c", "echo out; echo err >&2; exit 7", NULL};
    rn_process_call c = {.argv = talk, .timeout_ms = 20000, .said = &said};
    assert_ok(rn_process_run(&c, &err), &err);
    assert_int_equal(c.code, 7);
    assert_string_equal(said.data, "out\nerr");
    /* What it inherits, but for two names, and what it gets instead. */
    setenv("RN_A", "1", 1);
    setenv("RN_B", "1", 1);
    setenv("RN_AB", "1", 1);
    const char *const env[] = {"sh", "-c",
                               "pwd; echo ${RN_A-none} ${RN_AB-none} $RN_B ${RN_C-none}", NULL};
    rn_process_call in = {.argv = env,
                          .dir = "/",
                          .without = (const char *const[]){"RN_A", "RN_C*", NULL},
                          .with = (const char *const[]){"RN_B=2", NULL},
                          .timeout_ms = 20000,
                          .said = &said};
    setenv("RN_CD", "1", 1);
    assert_ok(rn_process_run(&in, &err), &err);
    assert_string_equal(said.data, "/\nnone 1 2 none");
    /* It has said enough long before it ends. */
    const char *const words[] = {"sh", "-c", "echo no room; sleep 100", NULL};
    in = (rn_process_call){.argv = words, .timeout_ms = 20000, .enough = "no room", .said = &said};
    assert_ok(rn_process_run(&in, &err), &err);
    assert_int_equal(in.code, 128 + SIGTERM);
    assert_string_equal(said.data, "no room");
    const char *const dies[] = {"sh", "-c", "kill -9 $$", NULL};
    c.argv = dies;
    assert_ok(rn_process_run(&c, &err), &err);
    assert_int_equal(c.code, 128 + SIGKILL);
    const char *const none[] = {"no-such-program-here", NULL};
    c.argv = none;
    assert_int_equal(rn_process_run(&c, &err), RN_ENOTFOUND);
    assert_contains(err.msg, "no-such-program-here");
    /* A folder of PATH that is closed to normal users. */
    char *old = strdup(getenv("PATH")), *closed = NULL;
    assert_int_equal(mkdir(in_dir("closed"), 0), 0);
    assert_true(asprintf(&closed, "%s:%s", old, in_dir("closed")) > 0);
    setenv("PATH", closed, 1);
    assert_int_equal(rn_process_run(&c, &err), RN_ENOTFOUND);
    setenv("PATH", old, 1);
    free(old);
    free(closed);
    const char *const slow[] = {"sleep", "100", NULL};
    c.argv = slow;
    c.timeout_ms = 50;
    assert_int_equal(rn_process_run(&c, &err), RN_ELIMIT);
    rn_buf_free(&said);
}

static void a_process_ends_with_its_group(void **state)
{
    (void)state;
    rn_err err = {0};
    rn_process p;
    char script[3 * sizeof dir + 400];
    /* A child that ignores SIGTERM and outlives its parent. */
    snprintf(script, sizeof script,
             "(trap '' TERM; echo $$ >/dev/null; sh -c 'echo $PPID' >'%s/pid.new'; mv '%s/pid.new' "
             "'%s/pid'; sleep 100; sleep 100) & trap 'exit 0' TERM; wait",
             dir, dir, dir);
    const char *const argv[] = {"sh", "-c", script, NULL};
    int fd = open("/dev/null", O_WRONLY);
    assert_ok(rn_process_start(&p, &(rn_process_call){.argv = argv}, fd, &err), &err);
    close(fd);
    while (access(in_dir("pid"), R_OK) != 0)
        assert_false(rn_process_wait(&p, 10));
    rn_buf text = {0};
    assert_ok(rn_file_read(in_dir("pid"), 100, &text, &err), &err);
    pid_t child = (pid_t)atoi(text.data);
    assert_true(child > 0 && kill(child, 0) == 0);
    rn_process_end(&p, 2000);
    assert_int_equal(p.pid, 0);
    for (int i = 0; i < 500 && kill(child, 0) == 0; i++) {
        /* A killed process stays until its parent, here init, has looked. */
        char stat[64], line[256] = "";
        snprintf(stat, sizeof stat, "/proc/%d/stat", (int)child);
        FILE *f = fopen(stat, "r");
        if (f) {
            (void)!fgets(line, sizeof line, f);
            fclose(f);
        }
        if (strstr(line, ") Z")) break;
        usleep(10000);
        if (i == 499) fail_msg("process %d lives on", (int)child);
    }
    rn_buf_free(&text);
}

/* ---- servers --------------------------------------------------------------------------------------------- */

/* A server of one line of Python: dies at the first question when `dies` is there, and takes it away. */
static const char server[] =
    "python3 -c 'import http.server, os, sys\n"
    "class H(http.server.BaseHTTPRequestHandler):\n"
    "    def do_GET(self):\n"
    "        if os.path.exists(\"dies\"):\n"
    "            os.unlink(\"dies\"); print(\"out of luck\", flush=True); os._exit(3)\n"
    "        self.send_response(200); self.end_headers(); self.wfile.write(b\"{}\")\n"
    "    def log_message(self, *a): pass\n"
    "http.server.HTTPServer((\"127.0.0.1\", {port}), H).serve_forever()'";

static void servers_are_started_again_and_given_up(void **state)
{
    (void)state;
    rn_err err = {0};
    rn_serve *s = NULL;
    rn_buf model = {0};
    char log[4200];
    assert_int_equal(chdir(dir), 0);
    snprintf(log, sizeof log, "%s/server.log", dir);
    rn_serve_opts o = {.command = server,
                       .model = "http://127.0.0.1:{port}/v1#m",
                       .log = log,
                       .n_restarts = 1,
                       .wait_s = 60};
    write_text("dies", "");
    assert_ok(rn_serve_open(&o, &s, &model, &err), &err);
    assert_null(strstr(model.data, "{port}"));
    assert_int_not_equal(access("dies", F_OK), 0); /* it died once and was started again */
    assert_ok(rn_serve_check(s, &err), &err);
    rn_serve_close(s);

    write_text("dies", "");
    o.n_restarts = 0;
    assert_int_equal(rn_serve_open(&o, &s, &model, &err), RN_ENET);
    assert_contains(err.msg, "out of luck");
    o.command = "exit 9";
    assert_int_equal(rn_serve_open(&o, &s, &model, &err), RN_ENET);
    assert_contains(err.msg, "status 9");
    rn_buf_free(&model);
    assert_int_equal(chdir("/"), 0);
}

int main(void)
{
#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, make_dir, drop_dir)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(balanced_tasks_hold_every_sample_once),
        cmocka_unit_test(tasks_that_follow_are_shorter),
        cmocka_unit_test(units_of_unknown_time_are_shared_too),
        IN_DIR(units_travel_by_file),
        cmocka_unit_test(shards_hold_every_sample_once),
        cmocka_unit_test(whole_problems_are_in_one_shard),
        IN_DIR(a_share_by_units_holds_their_samples),
        cmocka_unit_test(shards_are_read_strictly_and_from_schedulers),
        IN_DIR(a_job_is_read_as_it_was_written),
        IN_DIR(a_report_that_cannot_be_read_is_a_new_task),
        IN_DIR(commands_are_run_and_what_they_say_is_kept),
        IN_DIR(a_process_ends_with_its_group),
        IN_DIR(servers_are_started_again_and_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
