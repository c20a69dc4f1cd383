/*
 * expected.c: see expected.h.
 *
 * The file is DATA/expected/HASH-PYTHON.tsv: a head, then for each problem its id and number of
 * values, then a line for each value, SECONDS, a tab and typed JSON, as the judge's RECORD writes
 * them; at the end the head's counterpart. The set's hash covers prompts, references and inputs, so
 * that a set that was changed has another file; another Python may return something else. A file
 * that is cut or does not fit the set is made anew.
 */
#include "run/expected.h"

#include "base/file.h"
#include "run/program.h"
#include "task/prompt.h"

enum { MAX_BYTES = 1 << 30, MAX_NAMED = 5, RECORD_S = 900, MANY_VALUES = 1 << 29 };

static const char head[] = "ration-expected/1", tail[] = "end";

typedef struct expected {
    rn_taskset *set;
    const rn_watch *watch;
    rn_judge *judge;
    size_t next, n_done;
    rn_buf source, bad, *texts; /* texts[set->n]: the lines of each problem, as in the file */
    size_t n_bad;
    bool keep_going;
    rn_arena job;
} expected;

static bool takes(const rn_problem *p)
{
    return p->calls != NULL;
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* The line at *at without its end; false where there is none. */
static bool next_line(rn_bytes text, size_t *at, rn_bytes *line)
{
    const char *nl = *at < text.len ? memchr(text.data + *at, '\n', text.len - *at) : NULL;
    if (!nl) return false;
    *line = (rn_bytes){.data = text.data + *at, .len = (size_t)(nl - text.data) - *at};
    *at += line->len + 1;
    return true;
}

/* The problem's values from its lines. RN_EFORMAT names the first that is none. */
static int take_values(expected *x, const rn_problem *p, rn_bytes text, size_t *at, rn_err *err)
{
    rn_call_value *v = calloc(p->n_cases + 1, sizeof *v);
    int rc = v ? 0 : rn_nomem(err, p->task_id);
    for (size_t i = 0; !rc && i < p->n_cases; i++) {
        rn_bytes line;
        const char *tab = NULL;
        if (next_line(text, at, &line)) tab = memchr(line.data, '\t', line.len);
        if (!tab || line.data[0] == '!') {
            const char *why = tab ? tab + 1 : "there is no value";
            size_t len = tab ? line.len - 2 : strlen(why);
            rc = rn_fail(err, RN_EFORMAT, "%s: input %zu: %.*s", p->task_id, i + 1,
                         (int)(len < 160 ? len : 160), why);
            break;
        }
        v[i].seconds = strtod(line.data, NULL);
        size_t skip = (size_t)(tab - line.data) + 1;
        v[i].value = (rn_bytes){.data = tab + 1, .len = line.len - skip};
    }
    if (!rc) rc = rn_calls_expect(x->set, p, v, err);
    free(v);
    return rc;
}

/* ---- the kept file --------------------------------------------------------------------------- */

static const char *path_of(const expected *x, const char *data_dir, rn_path *path)
{
    return rn_path_make(path, "%s/expected/%s-%s.tsv", data_dir, x->set->hash,
                        rn_judge_python(x->judge));
}

/* True if all values are there. */
static bool read_kept(expected *x, rn_bytes text)
{
    rn_bytes line;
    rn_err ignored;
    size_t at = 0;
    if (!next_line(text, &at, &line) || !rn_bytes_equal(line, rn_bytes_of(head))) return false;
    for (size_t i = 0; i < x->set->n; i++) {
        const rn_problem *p = &x->set->problems[i];
        char want[300];
        if (!takes(p)) continue;
        snprintf(want, sizeof want, "%.200s\t%zu", p->task_id, p->n_cases);
        if (!next_line(text, &at, &line) || !rn_bytes_equal(line, rn_bytes_of(want)) ||
            take_values(x, p, text, &at, &ignored))
            return false;
    }
    return next_line(text, &at, &line) && rn_bytes_equal(line, rn_bytes_of(tail));
}

static bool load_kept(expected *x, const char *data_dir)
{
    rn_path path;
    rn_buf text = {0};
    rn_err ignored;
    bool ok = rn_file_exists(path_of(x, data_dir, &path)) &&
              rn_file_read(path.s, MAX_BYTES, &text, &ignored) == 0 &&
              read_kept(x, rn_buf_view(&text));
    rn_buf_free(&text);
    return ok;
}

/* A folder that cannot be written costs the next call the same run, and a note. */
static void keep(expected *x, const char *data_dir)
{
    rn_path path;
    rn_buf text = {0};
    rn_err err;
    rn_buf_printf(&text, "%s\n", head);
    for (size_t i = 0; i < x->set->n; i++) {
        const rn_problem *p = &x->set->problems[i];
        if (!takes(p)) continue;
        rn_buf_printf(&text, "%.200s\t%zu\n", p->task_id, p->n_cases);
        rn_buf_add(&text, x->texts[i].data, x->texts[i].len);
    }
    rn_buf_printf(&text, "%s\n", tail);
    if (!rn_buf_ok(&text) || rn_dir_make(rn_path_make(&path, "%s/expected", data_dir), &err) ||
        rn_file_write_atomic(path_of(x, data_dir, &path), rn_buf_view(&text), &err))
        rn_watch_note(x->watch, "the expected values of %s are not kept (%s is not writable)",
                      x->set->name, data_dir);
    rn_buf_free(&text);
}

/* ---- the references' run --------------------------------------------------------------------- */

static int next_job(void *user, rn_judge_job *job, uint64_t *tag, rn_err *err)
{
    expected *x = user;
    while (x->next < x->set->n && !takes(&x->set->problems[x->next]))
        x->next++;
    if (x->next == x->set->n) return 0;
    const rn_problem *p = &x->set->problems[x->next];
    const rn_extracted what = {.found = true};
    rn_buf_clear(&x->source);
    rn_arena_free(&x->job);
    rn_judge_case *c = rn_arena_array(&x->job, p->n_cases + 1, sizeof *c);
    if (!c) return rn_nomem(err, p->task_id);
    for (size_t i = 0; i < p->n_cases; i++)
        c[i].input = p->cases[i].input;
    int rc = rn_program_build(p, rn_bytes_of(p->references[0]), &what, &x->source, err);
    static const rn_calls_oracle oracles[] = {RN_CALLS_PLAIN, RN_CALLS_HUMANEVAL, RN_CALLS_MBPP};
    *job = (rn_judge_job){
        .mode = RN_JUDGE_RECORD,
        .program = rn_buf_view(&x->source),
        .entry = p->entry_point,
        .cases = c,
        .n_cases = p->n_cases,
        .oracle = oracles[p->calls->oracle],
        .atol = p->calls->atol,
        .limits = {.cpu_ns = (int64_t)RECORD_S * 1000000000, .output_bytes = MANY_VALUES}};
    *tag = x->next++;
    return rc ? rc : 1;
}

static void name_bad(expected *x, const char *what)
{
    if (x->keep_going)
        rn_watch_note(x->watch, "the canonical solution of %s: not a value for each input", what);
    else if (x->n_bad < MAX_NAMED)
        rn_buf_printf(&x->bad, "%s%s", x->n_bad ? "; " : "", what);
    x->n_bad++;
}

static int take_result(void *user, uint64_t tag, const rn_judge_result *r, rn_err *err)
{
    expected *x = user;
    const rn_problem *p = &x->set->problems[tag];
    rn_bytes text = rn_judge_text(x->judge);
    rn_err why = {0};
    size_t at = 0;
    char what[400];
    x->n_done++;
    const rn_progress_step step = {"expected values", "problems", (int64_t)x->n_done,
                                   (int64_t)x->set->n, NULL};
    rn_watch_step(x->watch, &step);
    if (r->verdict != RN_V_PASSED) {
        snprintf(what, sizeof what, "%.80s: %s (%.200s)", p->task_id, rn_verdict_name(r->verdict),
                 r->detail);
        name_bad(x, what);
        return 0;
    }
    int rc = take_values(x, p, text, &at, &why);
    if (rc == RN_ENOMEM) return rn_fail(err, rc, "%s", why.msg);
    if (rc) {
        name_bad(x, why.msg);
        return 0;
    }
    rn_buf_add(&x->texts[tag], text.data, text.len);
    return rn_buf_ok(&x->texts[tag]) ? 0 : rn_nomem(err, p->task_id);
}

static int tick(void *user, rn_err *err)
{
    return rn_watch_check(((expected *)user)->watch, err);
}

static int compute(expected *x, rn_err *err)
{
    rn_pump pump = {
        .judge = x->judge, .next = next_job, .done = take_result, .tick = tick, .user = x};
    x->texts = calloc(x->set->n + 1, sizeof *x->texts);
    if (!x->texts) return rn_nomem(err, x->set->name);
    int rc = rn_pump_run(&pump, err);
    rn_watch_end(x->watch);
    if (!rc && x->n_bad && !x->keep_going)
        rc = rn_fail(err, RN_ELIMIT,
                     "%zu of %zu canonical solutions do not give a value for each input: %s. Mend "
                     "the set, or go on without these problems with --keep-going",
                     x->n_bad, x->set->n, x->bad.data);
    return rc;
}

int rn_expected_fill(rn_taskset *set, rn_judge *j, const char *data_dir, bool keep_going,
                     const rn_watch *watch, rn_err *err)
{
    expected x = {.set = set, .watch = watch, .judge = j, .keep_going = keep_going};
    bool any = false;
    for (size_t i = 0; i < set->n; i++)
        any |= takes(&set->problems[i]) && !set->problems[i].calls->expected;
    if (!any || load_kept(&x, data_dir)) return 0;
    int rc = compute(&x, err);
    if (!rc && !x.n_bad) keep(&x, data_dir);
    for (size_t i = 0; x.texts && i < set->n; i++)
        rn_buf_free(&x.texts[i]);
    free(x.texts);
    rn_buf_free(&x.source);
    rn_buf_free(&x.bad);
    rn_arena_free(&x.job);
    return rc;
}
