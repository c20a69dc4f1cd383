/*
 * host_lang.c: programs in other languages than Python: compiled once, run once or for each case.
 *
 * Each stage is a child of its own, under the same namespaces, view, filter and Landlock rules: the
 * child is init, starts the table's shell command (lang.h), waits for it and writes the record. The
 * compiler has limits of its own; what it leaves in the working folder the next child finds there.
 * What a language wants compiled beforehand (`prepare`: libraries that tests import) is made in
 * such a child once a host, kept as a packed tree, and unpacked beside each source.
 *
 * The tests hold a secret in the place of RN_LANG_END. It is removed before a compiled program
 * runs; an interpreted one could read its own file.
 */
#include "judge/host.h"

#include "judge/lang.h"
#include "judge/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_LANGS = 64, SECRET = 33 };

static const rn_judge_limits compiler_limits = {.cpu_ns = INT64_C(60000000000),
                                                .wall_ns = INT64_C(305000000000),
                                                .memory_bytes = INT64_C(4) << 30,
                                                .output_bytes = 16 << 20,
                                                .processes = 256};

/* console.assert only prints; here it fails, as the sets' own harnesses take it, and stays so. */
static const char assert_js[] =
    "const value = (c, ...m) => { if (!c) throw new Error('Assertion failed: ' + m.join(' ')); };\n"
    "const stays = {writable: false, configurable: false};\n"
    "Object.defineProperty(console, 'assert', {value, ...stays});\n"
    "Object.defineProperty(globalThis, 'console', {value: console, ...stays});\n";

static struct prepared {
    bool tried;
    rn_bytes block; /* the packed folder `cache`; mapped, never freed */
} prepared[MAX_LANGS];

static char secret[SECRET]; /* of the present program; "" when its source has no place for it */

/* ---- in the child ---------------------------------------------------------------------------- */

static bool put_file(const char *path, rn_bytes text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0) return false;
    while (text.len) {
        ssize_t n = write(fd, text.data, text.len);
        if (n < 0 && errno != EINTR) break;
        if (n > 0) text.data += n, text.len -= (size_t)n;
    }
    return close(fd) == 0 && text.len == 0;
}

/* Appends the text with the secret in its places. */
static void add_source(rn_buf *b, rn_bytes text)
{
    const rn_bytes mark = rn_bytes_of(RN_LANG_END);
    for (size_t at; (at = rn_bytes_find(text, mark, 0)) != SIZE_MAX;) {
        rn_buf_add(b, text.data, at);
        rn_buf_puts(b, secret);
        text.data += at + mark.len;
        text.len -= at + mark.len;
    }
    rn_buf_add(b, text.data ? text.data : "", text.len);
}

static bool write_source(const rn_judge_job *job, const rn_lang *lang)
{
    rn_buf b = {0};
    rn_buf_add(&b, job->program.data ? job->program.data : "", job->program.len);
    for (size_t i = 0; i < job->n_cases && job->mode == RN_JUDGE_SCRIPT; i++) {
        if (job->cases[i].input.len) rn_buf_putc(&b, '\n');
        add_source(&b, job->cases[i].input);
    }
    bool ok = rn_buf_ok(&b) && put_file(lang->file, rn_buf_view(&b)) &&
              put_file("assert.js", rn_bytes_of(assert_js));
    rn_buf_free(&b);
    return ok;
}

static bool enter_work(const rn_task *task, const rn_lang *lang)
{
    if (!rn_command_home()) return false;
    if (task->keep) return chdir("work") == 0;
    if (mkdir("work", 0755) != 0 || chdir("work") != 0) return false;
    if (task->stage == RN_STAGE_PREPARE || task->job->mode == RN_JUDGE_VERSION) return true;
    const struct prepared *p = &prepared[rn_lang_find(lang->name)];
    if (p->block.len && (mkdir("cache", 0755) != 0 || !rn_tree_unpack(p->block, "cache")))
        return false;
    return write_source(task->job, lang);
}

/* What the tests of most languages say when they fail, as distinct from a program that breaks. */
static bool says_assertion(const char *text)
{
    static const char *const words[] = {"ssert",       "--- FAIL",    "Error Trace",
                                        "Failure",     "Fail:",       "not TRUE",
                                        "Failed test", "Test Failed", "not ok"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(text, words[i])) return true;
    return false;
}

static rn_verdict verdict_of(const rn_task *task, int status, rn_record *r)
{
    char tail[8192];
    rn_command_tail(tail, sizeof tail);
    const bool left_0 = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (task->stage != RN_STAGE_RUN) return left_0 ? RN_V_PASSED : RN_V_SYNTAX;
    if (left_0) {
        r->clean_exit = true;
        if (task->job->mode == RN_JUDGE_STDIO || !secret[0] || rn_command_printed(secret))
            return RN_V_PASSED;
        return RN_V_EXITED;
    }
    rn_verdict limit = rn_command_limit(tail);
    if (limit != RN_N_VERDICTS) return limit;
    if (says_assertion(tail) || (WIFEXITED(status) && !tail[0])) return RN_V_WRONG;
    return WIFSIGNALED(status) ? RN_V_CRASHED : RN_V_EXCEPTION;
}

/* The line that names the fault: the first that says "error" or that an assertion failed, else the
 * last. */
static void describe(int status, rn_record *r)
{
    char tail[8192];
    rn_command_tail(tail, sizeof tail);
    const char *found = NULL, *last = "";
    for (char *save, *line = strtok_r(tail, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        if (!found && (strcasestr(line, "error") || strstr(line, "ssertion"))) found = line;
        last = line;
    }
    if (WIFSIGNALED(status))
        snprintf(r->detail, sizeof r->detail, "signal %d (%s): %.180s", WTERMSIG(status),
                 strsignal(WTERMSIG(status)), found ? found : last);
    else
        snprintf(r->detail, sizeof r->detail, "exit status %d: %.200s", WEXITSTATUS(status),
                 found ? found : last);
    size_t bad = 0;
    while (!rn_utf8_valid(rn_bytes_of(r->detail), &bad))
        r->detail[bad] = '\0';
}

int rn_lang_child(const rn_task *task, rn_record *r)
{
    const rn_judge_job *job = task->job;
    const rn_lang *lang = rn_lang_at((size_t)rn_lang_find(job->language));
    if (!enter_work(task, lang)) return RN_STEP_COPY;
    if (task->stage == RN_STAGE_RUN && lang->compile) unlink(lang->file);
    const char *text = job->mode == RN_JUDGE_VERSION     ? lang->version
                       : task->stage == RN_STAGE_PREPARE ? lang->prepare
                       : task->stage == RN_STAGE_COMPILE ? lang->compile
                                                         : lang->run;
    const rn_shell s = {.text = text,
                        .listener = -1,
                        .streams = job->mode == RN_JUDGE_STDIO,
                        .output_limit = 16 * job->limits.output_bytes};
    int status = 0;
    bool within;
    int step = rn_command_shell(&s, &status, &within);
    if (step) return step;
    rn_command_tail(r->output, sizeof r->output);
    rn_verdict v = within ? verdict_of(task, status, r) : RN_V_OUTPUT_LIMIT;
    if (v == RN_V_EXITED)
        snprintf(r->detail, sizeof r->detail, "ended with exit status 0 before the tests did");
    else if (v != RN_V_PASSED && within)
        describe(status, r);
    r->verdict = (int32_t)v;
    r->n_run = 1;
    r->n_passed = v == RN_V_PASSED;
    r->failed_case = v == RN_V_PASSED ? -1 : 0;
    return 0;
}

/* ---- in the host ----------------------------------------------------------------------------- */

/* A job for one stage: the compiler's limits, no streams. */
static rn_judge_job stage_of(const rn_judge_job *job)
{
    rn_judge_job j = *job;
    if (j.mode != RN_JUDGE_SCRIPT) j.n_cases = 0; /* they are no part of the source */
    j.mode = RN_JUDGE_SCRIPT;
    j.limits = compiler_limits;
    if (j.limits.memory_bytes < job->limits.memory_bytes)
        j.limits.memory_bytes = job->limits.memory_bytes;
    return j;
}

/* Packs the folder `cache` that `prepare` left; without one every source is compiled on its own. */
static void keep_cache(const rn_confine *c, struct prepared *p)
{
    char dir[sizeof c->work_dir + 16];
    snprintf(dir, sizeof dir, "%s/work/cache", c->work_dir);
    rn_tree *t = NULL;
    if (rn_tree_pack(dir, 0, &t, NULL) != 0) return;
    void *at = mmap(NULL, t->bytes, PROT_READ, MAP_SHARED, t->fd, 0);
    if (at != MAP_FAILED) p->block = (rn_bytes){at, t->bytes};
    if (at != MAP_FAILED) rn_watch_overhead((int64_t)t->bytes, 0);
    rn_tree_free(t);
}

static int prepare(rn_confine *c, const rn_judge_job *job, const rn_lang *lang, rn_err *err)
{
    struct prepared *p = &prepared[rn_lang_find(lang->name)];
    if (!lang->prepare || p->tried) return 0;
    p->tried = true;
    const rn_judge_job j = stage_of(job);
    rn_outcome o;
    int rc = rn_watch_run(c, &(rn_task){.job = &j, .stage = RN_STAGE_PREPARE}, &o, err);
    if (!rc) keep_cache(c, p);
    return rc;
}

static int compile(rn_confine *c, const rn_judge_job *job, rn_wire_result *out, rn_err *err)
{
    rn_judge_result *r = &out->result;
    const rn_judge_job j = stage_of(job);
    rn_outcome o;
    int rc = rn_secret_run(c, &(rn_task){.job = &j, .stage = RN_STAGE_COMPILE}, &o, err);
    if (rc) return rc;
    out->starved = o.starved;
    r->verdict = rn_host_decide(&o, &j, r->detail);
    if (r->verdict == RN_V_PASSED || r->verdict == RN_V_SANDBOX) return 0;
    char why[sizeof r->detail];
    memcpy(why, r->detail, sizeof why);
    snprintf(r->detail, sizeof r->detail, "compiling: %.240s", why);
    return 0;
}

static int run_case(rn_confine *c, const rn_judge_job *job, rn_task *task, rn_wire_result *out,
                    rn_err *err)
{
    rn_judge_result *r = &out->result;
    rn_outcome o;
    char detail[sizeof r->detail] = "";
    int rc = rn_secret_run(c, task, &o, err);
    if (rc) return rc;
    rn_host_add_usage(r, &o);
    out->starved = o.starved;
    rn_verdict v = rn_host_decide(&o, job, detail);
    if (v == RN_V_PASSED && job->mode == RN_JUDGE_STDIO) {
        v = RN_V_OUTPUT_LIMIT;
        if (o.output_bytes < o.output_limit) rc = rn_host_judge_output(job, task->case_no, &v, err);
    }
    if (rc) return rc;
    r->n_run++;
    r->n_passed += v == RN_V_PASSED;
    if (o.have_record) memcpy(r->output, o.record.output, sizeof r->output);
    if (v == RN_V_PASSED || r->failed_case >= 0) return 0;
    r->failed_case = (int32_t)task->case_no;
    r->verdict = v;
    memcpy(r->detail, detail, sizeof r->detail);
    return 0;
}

/* The secret that this program's source gets, where it has a place for one. */
static int make_secret(const rn_judge_job *job, rn_err *err)
{
    const rn_bytes mark = rn_bytes_of(RN_LANG_END);
    bool wanted = false; /* what stands in the program is its own text */
    for (size_t i = 0; i < job->n_cases && job->mode == RN_JUDGE_SCRIPT; i++)
        wanted |= rn_bytes_find(job->cases[i].input, mark, 0) != SIZE_MAX;
    secret[0] = '\0';
    unsigned char bytes[SECRET / 2];
    if (!wanted) return 0;
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return rn_fail_errno(err, "random numbers");
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(secret + 2 * i, 3, "%02x", bytes[i]);
    return 0;
}

int rn_lang_judge(rn_confine *c, const rn_judge_job *job, rn_wire_result *out, rn_err *err)
{
    const rn_lang *lang = rn_lang_at((size_t)rn_lang_find(job->language));
    rn_judge_result *r = &out->result;
    const bool version = job->mode == RN_JUDGE_VERSION;
    int rc = rn_confine_proc(c, lang->exe, err);
    if (!rc) rc = make_secret(job, err);
    if (!rc && !version) rc = prepare(c, job, lang, err);
    r->verdict = RN_V_PASSED;
    if (!rc && !version && lang->compile) rc = compile(c, job, out, err);
    if (rc || r->verdict != RN_V_PASSED) {
        r->failed_case = 0;
        return rc;
    }
    const size_t n = job->mode == RN_JUDGE_STDIO ? job->n_cases : 1;
    for (size_t i = 0; !rc && i < n; i++) {
        rn_task task = {.job = job,
                        .case_no = i,
                        .stage = RN_STAGE_RUN,
                        .keep = !version && (lang->compile || i > 0)};
        rc = run_case(c, job, &task, out, err);
        if (r->verdict == RN_V_SANDBOX || (r->failed_case >= 0 && !job->all_cases)) break;
    }
    return rc;
}
