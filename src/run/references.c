/*
 * references.c: the set's own solutions, run before any sample: where they fail, verdicts would
 * mean nothing. A problem with several is right if one of the first three is. Under `calibrate`
 * their CPU time sets the limits.
 *
 * A solution that asks for the network, which programs do not get, says nothing about the machine
 * or the samples: its problem counts as missing, like one whose library is not here. That is found
 * out by a second run of a solution that failed, which ends at the first call that asks for it.
 */
#include "run/judge_priv.h"

#include "judge/lang.h"

enum { MAX_TRIES = 3, MAX_NAMED = 5 };
#define NETWORK_STATUS "97"

typedef struct reference {
    const rn_problem *p;
    size_t tried;
    rn_judge_result result;
    bool wants_network;
} reference;

typedef struct references {
    rn_work *w;
    reference *list; /* [n] */
    size_t n, next;
    RN_VEC(size_t) again; /* whose first solution failed */
    rn_arena job;
    rn_buf source;
    bool *is_due; /* [tasks->n] */
} references;

static bool has_more(const reference *r)
{
    return r->tried < r->p->n_references && r->tried < MAX_TRIES;
}

/* Ends the program at the first call that asks for the network, also where the program would catch
 * the error; "socket.__new__" tells the address family second. */
static const char network_probe[] =
    "def _ration_probe():\n"
    "    import os, sys\n"
    "    asks = {'socket.getaddrinfo', 'socket.gethostbyname', 'socket.gethostbyaddr'}\n"
    "    def hook(event, args, end=os._exit):\n"
    "        if event in asks or event == 'socket.__new__' and args[1] in (2, 10):\n"
    "            end(" NETWORK_STATUS ")\n"
    "    sys.addaudithook(hook)\n"
    "_ration_probe()\n";

/* Sets whose problems name their libraries are those that use the world outside. */
static bool is_probed(const reference *r)
{
    const rn_judge_result *v = &r->result;
    return r->p->n_libs && !r->p->language && r->tried && v->verdict != RN_V_PASSED &&
           rn_verdict_family(v->verdict) != 'S';
}

static int probe_job(void *user, rn_judge_job *job, uint64_t *tag, rn_err *err)
{
    references *x = user;
    while (x->next < x->n && !is_probed(&x->list[x->next]))
        x->next++;
    if (x->next == x->n) return 0;
    const reference *r = &x->list[x->next];
    rn_buf program = {0};
    rn_buf_clear(&x->source);
    rn_arena_free(&x->job);
    int rc = rn_program_build(r->p, rn_bytes_of(r->p->references[r->tried - 1]),
                              &(rn_extracted){.found = true}, &program, err);
    rn_buf_printf(&x->source, "%s", network_probe);
    rn_buf_add(&x->source, program.len ? program.data : "", program.len);
    rn_buf_free(&program);
    if (!rc) rc = rn_work_job(x->w, r->p, rn_buf_view(&x->source), &x->job, job, err);
    *tag = x->next++;
    return rc ? rc : 1;
}

static int take_probe(void *user, uint64_t tag, const rn_judge_result *result, rn_err *err)
{
    references *x = user;
    (void)err;
    x->list[tag].wants_network =
        result->verdict == RN_V_EXITED && strstr(result->detail, " " NETWORK_STATUS " ") != NULL;
    return 0;
}

static int next_job(void *user, rn_judge_job *job, uint64_t *tag, rn_err *err)
{
    references *x = user;
    for (; x->again.n == 0 && x->next < x->n; x->next++) {
        reference *r = &x->list[x->next];
        const bool lacks = x->w->lacks[r->p - x->w->tasks->problems] != NULL;
        if (!lacks && has_more(r)) break;
        r->result.verdict = lacks ? RN_V_NO_LIBRARY : RN_V_NO_TESTS;
    }
    if (x->again.n == 0 && x->next == x->n) return 0;
    size_t at = x->again.n ? x->again.data[--x->again.n] : x->next++;
    reference *r = &x->list[at];
    const rn_extracted what = {.found = true};
    rn_bytes code = rn_bytes_of(r->p->references[r->tried++]);
    rn_buf_clear(&x->source);
    rn_arena_free(&x->job);
    int rc = rn_program_build(r->p, code, &what, &x->source, err);
    if (!rc) rc = rn_work_job(x->w, r->p, rn_buf_view(&x->source), &x->job, job, err);
    *tag = at;
    return rc ? rc : 1;
}

static int take_result(void *user, uint64_t tag, const rn_judge_result *result, rn_err *err)
{
    references *x = user;
    reference *r = &x->list[tag];
    r->result = *result;
    bool over = result->verdict == RN_V_PASSED || result->verdict == RN_V_NO_TESTS || !has_more(r);
    if (over || rn_vec_push(&x->again, (size_t)tag)) return 0;
    return rn_nomem(err, "references");
}

static int tick(void *user, rn_err *err)
{
    const references *x = user;
    return rn_watch_check(&x->w->o->watch, err);
}

static void set_limit(rn_work *w, const reference *r)
{
    if (w->o->calibrate <= 0 || r->result.verdict != RN_V_PASSED) return;
    double s = w->o->calibrate * (double)r->result.case_cpu_ns / 1e9;
    if (s < w->o->floor_s) s = w->o->floor_s;
    w->limit_ns[r->p - w->tasks->problems] = (int64_t)(s * 1e9);
}

/* A library that the problem does not list is missing: its own solution cannot import it, or its
 * compiler does not find it. */
static bool wants_module(const reference *r)
{
    static const char *const words[] = {"No such file or directory", /* gcc, g++ */
                                        "unresolved import",
                                        "can't find crate",    /* rustc */
                                        "cannot find package", /* go */
                                        "error: package",      /* javac */
                                        "Cannot find module" /* node, tsc */};
    const char *says = r->result.detail;
    if (rn_verdict_family(r->result.verdict) != 'P') return false;
    if (!r->p->language)
        return r->p->n_libs && (strstr(says, "ModuleNotFoundError") || strstr(says, "ImportError"));
    bool wants = false;
    for (size_t i = 0; !wants && i < sizeof words / sizeof *words; i++)
        wants = strstr(says, words[i]) != NULL;
    return wants;
}

/* Its problem cannot be judged here, for what it lacks. */
static int set_lacking(references *x, const reference *r, const char *what, rn_err *err)
{
    const char **lacks = &x->w->lacks[r->p - x->w->tasks->problems];
    const int at = r->p->language ? rn_lang_find(r->p->language) : -1;
    *lacks = at < 0 ? rn_arena_strdup(x->w->arena, what)
                    : rn_arena_printf(x->w->arena, "%s (its libraries: apt install %s)", what,
                                      rn_lang_at((size_t)at)->package);
    if (!*lacks) return rn_nomem(err, "references");
    x->w->out->n_lacking++;
    rn_watch_note(&x->w->o->watch, "%s cannot be judged here and counts as missing: %s",
                  r->p->task_id, *lacks);
    return 0;
}

/* What came of them: limits, notes, and the error that ends it all. */
static int conclude(references *x, rn_err *err)
{
    const rn_watch *watch = &x->w->o->watch;
    bool public_set = rn_set_find(x->w->tasks->name) != NULL;
    rn_buf bad = {0};
    size_t n_bad = 0, n_none = 0;
    int rc = 0;
    for (size_t i = 0; !rc && i < x->n; i++) {
        const reference *r = &x->list[i];
        set_limit(x->w, r);
        if (wants_module(r) || r->wants_network) {
            rc = set_lacking(x, r,
                             r->wants_network ? "the network, which its own solution asks for"
                                              : r->result.detail,
                             err);
            continue;
        }
        n_none += r->result.verdict == RN_V_NO_TESTS;
        if (r->result.verdict == RN_V_PASSED || r->result.verdict == RN_V_NO_TESTS ||
            r->result.verdict == RN_V_NO_LIBRARY)
            continue;
        const char *known = public_set ? rn_problem_known_bad(r->p) : NULL;
        if (known || x->w->o->keep_going)
            rn_watch_note(watch, "reference of %s fails%s: %s", r->p->task_id,
                          known ? ", as is known" : "",
                          known               ? known
                          : *r->result.detail ? r->result.detail
                                              : rn_verdict_name(r->result.verdict));
        else if (n_bad++ < MAX_NAMED)
            rn_buf_printf(&bad, "%s%s: %s (%s)", bad.len ? "; " : "", r->p->task_id,
                          rn_verdict_name(r->result.verdict), r->result.detail);
    }
    if (n_none)
        rn_watch_note(watch, "%zu of %zu problems %s no reference solution", n_none, x->n,
                      rn_plural((int64_t)n_none, "has", "have"));
    if (!rc && n_bad)
        rc =
            rn_fail(err, RN_ELIMIT,
                    "%zu of %zu reference solutions fail, so verdicts would mean nothing here: %s. "
                    "Raise --cpu-limit or --memory-limit if limits are the cause, mend the set, or "
                    "go on with --keep-going",
                    n_bad, x->n, bad.data);
    rn_buf_free(&bad);
    return rc;
}

static int mark_due(void *user, const rn_store_sample_row *r)
{
    references *x = user;
    const rn_problem *p = rn_taskset_find(x->w->tasks, r->task_id);
    if (p) x->is_due[p - x->w->tasks->problems] = true;
    return 0;
}

/* Limits of all samples are wanted, not only of those that are due. */
static bool all_limits(const rn_work *w)
{
    return w->o->near == 2 && w->o->calibrate > 0;
}

int rn_work_references(rn_work *w, rn_err *err)
{
    const size_t n = w->tasks->n;
    if (w->n_due == 0 && !all_limits(w)) return 0;
    references x = {.w = w};
    x.is_due = rn_arena_array(w->arena, n + 1, sizeof *x.is_due);
    x.list = rn_arena_array(w->arena, n + 1, sizeof *x.list);
    w->limit_ns = rn_arena_array(w->arena, n + 1, sizeof *w->limit_ns);
    int rc = x.is_due && x.list && w->limit_ns ? 0 : rn_nomem(err, "references");
    for (size_t i = 0; !rc && i < w->runs.n; i++)
        rc = all_limits(w)
                 ? rn_store_each_sample(w->store,
                                        &(rn_store_samples){.run_id = w->runs.data[i].row.run_id},
                                        mark_due, &x, err)
                 : rn_work_each_due(w, &w->runs.data[i], false, mark_due, &x, err);
    for (size_t i = 0; !rc && i < n; i++)
        if (x.is_due[i]) x.list[x.n++].p = &w->tasks->problems[i];
    rn_pump pump = {
        .judge = w->judge, .next = next_job, .done = take_result, .tick = tick, .user = &x};
    if (!rc) rc = rn_pump_run(&pump, err);
    rn_pump probe = {
        .judge = w->judge, .next = probe_job, .done = take_probe, .tick = tick, .user = &x};
    x.next = 0;
    if (!rc) rc = rn_pump_run(&probe, err);
    if (!rc) rc = conclude(&x, err);
    rn_vec_free(&x.again);
    rn_arena_free(&x.job);
    rn_buf_free(&x.source);
    return rc;
}
