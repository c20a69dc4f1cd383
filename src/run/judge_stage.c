/*
 * judge_stage.c: rn_stage_judge: every sample of a set that has no verdict under these limits.
 *
 * A sample that was judged under an older version of the same protocol counts as judged: a newer
 * ration judges nothing again by itself (identity.h says what "the same" is).
 */
#include "run/judge_priv.h"

#include "run/expected.h"
#include "run/identity.h"
#include "run/set_file.h"

enum { MAX_SETS = 64 };

double rn_work_cpu_limit_s(const rn_work *w, const rn_problem *p)
{
    if (w->limits.cpu_ns) return (double)w->limits.cpu_ns / 1e9;
    int64_t calibrated = w->limit_ns ? w->limit_ns[p - w->tasks->problems] : 0;
    return calibrated ? (double)calibrated / 1e9 : rn_tests_cpu_s(p);
}

int rn_work_job(const rn_work *w, const rn_problem *p, rn_bytes program, rn_arena *a,
                rn_judge_job *job, rn_err *err)
{
    *job = (rn_judge_job){.program = program,
                          .compare = w->compare,
                          .all_cases = w->o->all_tests != 0,
                          .limits = w->limits};
    job->limits.cpu_ns = (int64_t)(rn_work_cpu_limit_s(w, p) * 1e9);
    return rn_tests_job(p, a, job, err);
}

/* ---- which runs, under which protocol -------------------------------------------------------- */

static bool is_chosen(const rn_judge_options *o, const rn_store_run_row *r)
{
    return r->n_samples > 0 && (!o->model || strcmp(r->model_name, o->model) == 0) &&
           (!o->run_id || r->run_id == o->run_id);
}

static int add_run(void *user, const rn_store_run_row *r)
{
    rn_work *w = user;
    if (!is_chosen(w->o, r) || strcmp(r->set_name, w->tasks->name) != 0) return 0;
    if (r->set_hash[0] && strcmp(r->set_hash, w->tasks->hash) != 0)
        return rn_fail(w->err, RN_EVERSION,
                       "run %lld was made for another version of set %s (hash %.12s, here %.12s): "
                       "fetch the same data, or import the samples again",
                       (long long)r->run_id, r->set_name, r->set_hash, w->tasks->hash);
    rn_work_run run = {.row = {.run_id = r->run_id,
                               .n_samples = r->n_samples,
                               .set = rn_arena_strdup(w->arena, r->set_name),
                               .model = rn_arena_strdup(w->arena, r->model_name),
                               .kind = rn_arena_strdup(w->arena, r->kind)},
                       .recipe = rn_recipe_of(w->o->extractor, r->preset, r->settings)};
    run.recipe.uncalibrated = w->o->uncalibrated != 0;
    bool ok = run.row.set && run.row.model && run.row.kind && rn_vec_push(&w->runs, run);
    return ok ? 0 : rn_nomem(w->err, "list of runs");
}

static int find_runs(rn_work *w, rn_err *err)
{
    const char *name;
    int rc = rn_store_each_run(w->store, add_run, w, err);
    if (rc || w->runs.n) return rc;
    if (w->o->model)
        rc = rn_store_name_of(w->store, RN_STORE_MODEL, w->o->model, w->arena, &name, err);
    if (!rc) rc = rn_store_name_of(w->store, RN_STORE_SET, w->tasks->name, w->arena, &name, err);
    if (rc) return rc;
    return rn_fail(err, RN_ENOTFOUND,
                   "%s has no samples of set %s%s%s; import or generate some, or see "
                   "'ration export -s %s --format csv'",
                   rn_store_path(w->store), w->tasks->name, w->o->model ? " by model " : "",
                   w->o->model ? w->o->model : "", rn_store_path(w->store));
}

static char *describe_protocol(const rn_work *w, const rn_work_run *run, const char *tests)
{
    const rn_judge_options *o = w->o;
    bool script = rn_tests_are_script(&w->tasks->problems[0]);
    bool calls = w->tasks->problems[0].calls && o->calibrate <= 0 && o->judge.cpu_s <= 0;
    const rn_protocol p = {.extractor = run->recipe.extractor,
                           .cpu_s = o->judge.cpu_s > 0 ? o->judge.cpu_s
                                    : script           ? 3
                                                       : 4,
                           .calibrate = calls ? RN_CALL_FACTOR : o->calibrate,
                           .floor_s = calls ? RN_CALL_FLOOR_S : o->floor_s,
                           .wall_s = o->judge.wall_s,
                           .memory_bytes = o->judge.memory_bytes,
                           .output_bytes = o->output_bytes,
                           .processes = o->processes,
                           .script = script,
                           .compare = rn_tests_compare(&w->tasks->problems[0], o->strict != 0),
                           .tests = tests,
                           .all_tests = o->all_tests != 0,
                           .uncalibrated = o->uncalibrated != 0,
                           .venv = o->judge.venv,
                           .python = rn_judge_python(w->judge),
                           .sandbox = rn_judge_level(w->judge)};
    rn_buf b = {0};
    rn_protocol_write(&p, &b);
    return rn_arena_take(w->arena, &b);
}

/* ---- verdicts under older versions ---------------------------------------------------------- */

typedef struct older {
    rn_work *w;
    rn_work_run *run;
    RN_VEC(int64_t) protocols;
    rn_err *err;
} older;

static int note_older(void *user, int64_t protocol_id, const char *json, int64_t n_verdicts)
{
    (void)json;
    older *x = user;
    bool mine = false;
    int rc =
        protocol_id == x->run->protocol_id || n_verdicts == 0
            ? 0
            : rn_store_stands_for(x->w->store, protocol_id, x->run->protocol_id, &mine, x->err);
    if (mine) (void)rn_vec_push(&x->protocols, protocol_id);
    return rc;
}

/* Lists the samples with a verdict under an older version of the run's protocol. */
static int list_older(rn_work *w, rn_work_run *run, rn_err *err)
{
    older x = {.w = w, .run = run, .err = err};
    rn_arena a = {0};
    int rc = rn_store_each_protocol(w->store, run->row.run_id, 0, note_older, &x, err);
    if (!rc && x.protocols.n) {
        run->older = rn_arena_array(w->arena, (size_t)run->row.n_samples, sizeof *run->older);
        if (!run->older) rc = rn_nomem(err, "older verdicts");
    }
    for (size_t i = 0; !rc && i < x.protocols.n; i++) {
        rn_store_cell *cells;
        size_t n;
        rc = rn_store_cells(w->store, run->row.run_id, x.protocols.data[i], &a, &cells, &n, err);
        for (size_t k = 0; !rc && k < n && run->row.n_older < run->row.n_samples; k++)
            if (cells[k].verdict >= 0 && rn_verdict_family((rn_verdict)cells[k].verdict) != 'S')
                run->older[run->row.n_older++] = cells[k].sample_id;
        rn_arena_free(&a);
    }
    if (run->row.n_older)
        qsort(run->older, (size_t)run->row.n_older, sizeof *run->older, rn_by_int);
    rn_vec_free(&x.protocols);
    return rc;
}

typedef struct due_walk {
    const rn_work *w;
    const rn_work_run *run;
    int (*fn)(void *user, const rn_store_sample_row *r);
    void *user;
} due_walk;

static int pass_due(void *user, const rn_store_sample_row *r)
{
    const due_walk *d = user;
    const rn_taskset *set = d->w->tasks;
    const rn_problem *p = rn_taskset_find(set, r->task_id);
    if (p && !d->w->chosen[p - set->problems]) return 0;
    if (d->w->share) {
        rn_share_problem at = {r->task_id, p ? (size_t)(p - set->problems) : 0, set->n, false};
        if (!rn_share_has(d->w->share, &at, r->x.idx)) return 0;
    }
    bool had =
        d->run->row.n_older && bsearch(&r->sample_id, d->run->older, (size_t)d->run->row.n_older,
                                       sizeof r->sample_id, rn_by_int);
    return had ? 0 : d->fn(d->user, r);
}

int rn_work_each_due(rn_work *w, const rn_work_run *run, bool with_text,
                     int (*fn)(void *user, const rn_store_sample_row *r), void *user, rn_err *err)
{
    due_walk d = {.w = w, .run = run, .fn = fn, .user = user};
    const rn_store_samples due = {.run_id = run->row.run_id,
                                  .unjudged_protocol = w->o->recheck ? 0 : run->protocol_id,
                                  .with_text = with_text};
    return rn_store_each_sample(w->store, &due, pass_due, &d, err);
}

static int count_sample(void *user, const rn_store_sample_row *r)
{
    (void)r;
    ++*(int64_t *)user;
    return 0;
}

static int put_protocols(rn_work *w, rn_err *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < w->runs.n; i++) {
        rn_work_run *run = &w->runs.data[i];
        const rn_problem *first = &w->tasks->problems[0];
        run->row.protocol = describe_protocol(w, run, rn_tests_extent(first));
        char *base = first->calls ? describe_protocol(w, run, "base") : NULL;
        if (!run->row.protocol || (first->calls && !base)) return rn_nomem(err, "protocol");
        /* The verdict under all tests is the one that counts: it comes last. */
        if (base) rc = rn_store_put_protocol(w->store, base, &run->base_protocol_id, err);
        if (!rc) rc = rn_store_put_protocol(w->store, run->row.protocol, &run->protocol_id, err);
        if (!rc && !w->o->recheck) rc = list_older(w, run, err);
        if (!rc) rc = rn_work_each_due(w, run, false, count_sample, &run->n_due, err);
        w->n_due += run->n_due;
    }
    return rc;
}

/* ---- units ----------------------------------------------------------------------------------- */

/* What a program of a problem takes when nobody has run one: the mean of the WizardCoder samples of
 * docs/REPRODUCE.md. */
static const double usual_s = 0.021;

typedef struct todo {
    rn_work *w;
    rn_work_run *run;
    rn_unit unit;     /* of the problem at work; n 0: none */
    double *cpu_s;    /* [tasks->n] of recorded verdicts of the problem, any protocol */
    int64_t *n_timed; /* [tasks->n] */
} todo;

static int add_time(void *user, const rn_store_timed_row *r)
{
    todo *t = user;
    const rn_problem *p = rn_taskset_find(t->w->tasks, r->task_id);
    if (!p || r->cpu_ns < 0) return 0;
    t->cpu_s[p - t->w->tasks->problems] += (double)r->cpu_ns * 1e-9;
    t->n_timed[p - t->w->tasks->problems]++;
    return 0;
}

static int add_times(void *user, int64_t protocol_id, const char *json, int64_t n)
{
    todo *t = user;
    (void)json, (void)n;
    const rn_store_timed all = {.run_id = t->run->row.run_id, .protocol_id = protocol_id};
    return rn_store_each_timed(t->w->store, &all, add_time, t, t->w->err);
}

static int end_unit(todo *t)
{
    if (!t->unit.n) return 0;
    const rn_problem *p = rn_taskset_find(t->w->tasks, t->unit.task_id);
    const int64_t timed = p ? t->n_timed[p - t->w->tasks->problems] : 0;
    double each = timed ? t->cpu_s[p - t->w->tasks->problems] / (double)timed : usual_s;
    t->unit.seconds = each * (double)t->unit.n;
    int rc = rn_units_add(t->w->todo, &t->unit, t->w->err);
    t->unit.n = 0;
    return rc;
}

/* Samples come problem by problem, by rising index. */
static int add_todo(void *user, const rn_store_sample_row *r)
{
    todo *t = user;
    if (t->unit.n && t->unit.problem_id != r->x.problem_id) {
        int rc = end_unit(t);
        if (rc) return rc;
    }
    if (!t->unit.n)
        t->unit = (rn_unit){.run_id = t->run->row.run_id,
                            .problem_id = r->x.problem_id,
                            .task_id = rn_arena_strdup(t->w->arena, r->task_id),
                            .from = r->x.idx};
    if (!t->unit.task_id) return rn_nomem(t->w->err, "list of units");
    t->unit.to = r->x.idx + 1;
    t->unit.n++;
    return 0;
}

static int list_todo(rn_work *w, rn_err *err)
{
    todo t = {.w = w};
    t.cpu_s = rn_arena_array(w->arena, w->tasks->n + 1, sizeof *t.cpu_s);
    t.n_timed = rn_arena_array(w->arena, w->tasks->n + 1, sizeof *t.n_timed);
    int rc = t.cpu_s && t.n_timed ? 0 : rn_nomem(err, "list of units");
    for (size_t i = 0; !rc && i < w->runs.n; i++) {
        t.run = &w->runs.data[i];
        rc = rn_store_each_protocol(w->store, t.run->row.run_id, 0, add_times, &t, err);
        if (!rc) rc = rn_work_each_due(w, t.run, false, add_todo, &t, err);
        if (!rc) rc = end_unit(&t);
    }
    return rc;
}

/* ---- results --------------------------------------------------------------------------------- */

typedef struct near_walk {
    rn_work *w;
    const rn_work_run *run;
} near_walk;

static int note_near(void *user, const rn_store_timed_row *r)
{
    near_walk *n = user;
    rn_work *w = n->w;
    const rn_problem *p = rn_taskset_find(w->tasks, r->task_id);
    if (!p) return 0;
    double limit = rn_work_cpu_limit_s(w, p), cpu = (double)r->cpu_ns / 1e9;
    if (!rn_work_is_near(r->verdict, cpu, limit)) return 0;
    rn_judge_near_row row = {.task_id = rn_arena_strdup(w->arena, p->task_id),
                             .model = n->run->row.model,
                             .run_id = n->run->row.run_id,
                             .index = r->idx,
                             .cpu_s = cpu,
                             .limit_s = limit,
                             .verdict = r->verdict};
    bool ok = row.task_id && rn_vec_push(&w->near, row);
    return ok ? 0 : rn_nomem(w->err, "samples near their limit");
}

/* Samples of all runs, whenever they were judged, that ended above 80 % of their limit. Where it
 * holds for each case, the time is that of all cases, which is what the store keeps. */
static int list_near(rn_work *w, rn_err *err)
{
    double least = INFINITY; /* of all limits: the rest need not be read */
    for (size_t i = 0; i < w->tasks->n; i++)
        least = fmin(least, rn_work_cpu_limit_s(w, &w->tasks->problems[i]));
    int64_t from = isfinite(least) ? (int64_t)(0.8 * least * 1e9) : 0;
    for (size_t i = 0; i < w->runs.n; i++) {
        near_walk n = {.w = w, .run = &w->runs.data[i]};
        const rn_store_timed slow = {n.run->row.run_id, n.run->protocol_id, from};
        int rc = rn_store_each_timed(w->store, &slow, note_near, &n, err);
        if (rc) return rc;
    }
    return 0;
}

typedef struct count_walk {
    const rn_work *w;
    rn_judge_run_row *row;
} count_walk;

static int count_verdict(void *user, const rn_store_sample_row *r)
{
    const count_walk *c = user;
    rn_judge_run_row *row = c->row;
    const rn_problem *p = rn_taskset_find(c->w->tasks, r->task_id);
    if (p && !c->w->chosen[p - c->w->tasks->problems]) return 0;
    row->n_missing += r->verdict < 0 || rn_verdict_family((rn_verdict)r->verdict) == 'S';
    if (r->verdict >= 0 && r->verdict < RN_N_VERDICTS) row->by_verdict[r->verdict]++;
    return 0;
}

/* What the summary has and room for n more, filled from `more` if there is any; NULL when memory
 * is out. */
static void *appended(rn_arena *a, const void *had, size_t n_had, const void *more, size_t n,
                      size_t size)
{
    char *list = rn_arena_array(a, n_had + n + 1, size);
    if (list && n_had) memcpy(list, had, n_had * size);
    if (list && more && n) memcpy(list + n_had * size, more, n * size);
    return list;
}

static int summarize(rn_work *w, rn_err *err)
{
    rn_judge_summary *s = w->out;
    rn_judge_run_row *runs = appended(w->arena, s->runs, s->n_runs, NULL, w->runs.n, sizeof *runs);
    rn_judge_near_row *near =
        appended(w->arena, s->near, s->n_near, w->near.data, w->near.n, sizeof *near);
    if (!runs || !near) return rn_nomem(err, "results");
    s->runs = runs;
    s->near = near;
    s->n_near += w->near.n;
    for (size_t i = 0; i < w->runs.n; i++) {
        rn_judge_run_row *row = &runs[s->n_runs];
        *row = w->runs.data[i].row;
        int rc = rn_store_each_sample(w->store, &(rn_store_samples){.run_id = row->run_id},
                                      count_verdict, &(count_walk){w, row}, err);
        if (rc) return rc;
        s->n_missing += row->n_missing;
        s->n_older += row->n_older;
        s->n_runs++;
    }
    return 0;
}

/* ---- the stage ------------------------------------------------------------------------------- */

static int judge_set(rn_work *w, const char *set, rn_err *err)
{
    w->err = err;
    int rc = w->o->set ? rn_taskset_open(set, rn_data_dir(w->o->data_dir), &w->tasks, err)
                       : rn_set_reopen(w->store, set, rn_data_dir(w->o->data_dir), &w->tasks, err);
    if (rc) return rc;
    rn_judge_summary *s = w->out;
    if (!s->set) s->set = rn_arena_strdup(w->arena, w->tasks->name);
    if (!s->hash) s->hash = rn_arena_strdup(w->arena, w->tasks->hash);
    w->chosen = rn_arena_array(w->arena, w->tasks->n + 1, 1);
    rc = w->chosen ? rn_select(&w->o->select, w->tasks, w->chosen, NULL, err)
                   : rn_nomem(err, "problems");
    if (!rc) rc = find_runs(w, err);
    if (!rc) rc = put_protocols(w, err);
    if (!rc && w->todo) return list_todo(w, err);
    if (!rc) rc = rn_work_libraries(w, err);
    if (!rc && (w->n_due || w->o->near))
        rc = rn_expected_fill(w->tasks, w->judge, rn_data_dir(w->o->data_dir),
                              w->o->keep_going != 0, &w->o->watch, err);
    if (!rc) rc = rn_work_references(w, err);
    if (!rc && w->n_due) rc = rn_work_samples(w, err);
    if (!rc && w->o->near) rc = list_near(w, err);
    if (!rc) rc = summarize(w, err);
    return rc;
}

typedef struct sets {
    const rn_judge_options *o;
    rn_arena *arena;
    const char *name[MAX_SETS];
    size_t n;
} sets;

static int note_set(void *user, const rn_store_run_row *r)
{
    sets *x = user;
    if (!is_chosen(x->o, r) || strcmp(r->set_name, "folder") == 0) return 0;
    for (size_t i = 0; i < x->n; i++)
        if (strcmp(x->name[i], r->set_name) == 0) return 0;
    if (x->n == MAX_SETS) return 0;
    x->name[x->n] = rn_arena_strdup(x->arena, r->set_name);
    return x->name[x->n++] ? 0 : RN_ENOMEM;
}

static int judge_sets(const rn_judge_options *o, rn_store *s, rn_judge_summary *out, rn_err *err)
{
    rn_arena *arena = out->own;
    sets all = {.o = o, .arena = arena, .name = {o->set}, .n = o->set ? 1 : 0};
    const rn_judge_opts jo = {
        .jobs = o->judge.jobs, .venv = o->judge.venv, .allow_weak = o->judge.allow_weak != 0};
    rn_judge *judge = NULL;
    rn_share *share = NULL;
    rn_units units = {0};
    int rc = rn_share_open(&o->share, &share, err);
    if (!rc) rc = o->set ? 0 : rn_store_each_run(s, note_set, &all, err);
    if (!rc && all.n == 0)
        rc = rn_fail(err, RN_ENOTFOUND, "%s has no samples%s%s; import or generate some",
                     rn_store_path(s), o->model ? " by model " : "", o->model ? o->model : "");
    if (!rc) rc = rn_judge_open(&jo, &judge, err);
    if (!rc) {
        out->python = rn_arena_strdup(arena, rn_judge_python(judge));
        out->sandbox = rn_arena_strdup(arena, rn_judge_level(judge));
        if (!out->python || !out->sandbox) rc = rn_nomem(err, NULL);
    }
    for (size_t i = 0; !rc && i < all.n; i++) {
        rn_work w = {.o = o,
                     .out = out,
                     .store = s,
                     .judge = judge,
                     .arena = arena,
                     .share = share,
                     .todo = o->share.todo ? &units : NULL,
                     .compare = o->strict ? RN_COMPARE_STRICT : RN_COMPARE_APPS,
                     .limits = {.cpu_ns = (int64_t)(o->judge.cpu_s * 1e9),
                                .wall_ns = (int64_t)(o->judge.wall_s * 1e9),
                                .memory_bytes = o->judge.memory_bytes,
                                .output_bytes = o->output_bytes,
                                .processes = o->processes}};
        rc = judge_set(&w, all.name[i], err);
        rn_taskset_free(w.tasks);
        rn_vec_free(&w.runs);
        rn_vec_free(&w.near);
    }
    if (!rc && o->share.todo) rc = rn_units_write(&units, o->share.todo, err);
    rn_units_free(&units);
    rn_share_close(share);
    rn_judge_close(judge);
    return rc;
}

void rn_judge_options_init(rn_judge_options *o)
{
    *o = (rn_judge_options){.floor_s = 0.5,
                            .judge.memory_bytes = (int64_t)4 << 30,
                            .output_bytes = 1 << 20,
                            .processes = 64};
}

int rn_judge_options_check(const rn_judge_options *o, rn_err *err)
{
    if (o->extractor && !rn_extractor_find(o->extractor))
        return rn_fail(err, RN_EINVAL, "unknown extractor '%s'; 'man ration-judge' lists them",
                       o->extractor);
    const rn_judge_settings *j = &o->judge;
    if (!(j->cpu_s >= 0 && j->wall_s >= 0 && o->calibrate >= 0 && o->floor_s > 0) ||
        j->memory_bytes <= 0 || o->output_bytes <= 0 || o->processes <= 0 || j->jobs < 0 ||
        j->jobs > 256)
        return rn_fail(err, RN_EINVAL, "limits must be positive, --jobs 1 to 256");
    if (o->calibrate > 0 && j->cpu_s > 0)
        return rn_fail(err, RN_EINVAL, "--calibrate and --cpu-limit exclude each other");
    return rn_share_check(&o->share, err);
}

int rn_stage_judge(rn_store *s, const rn_judge_options *o, rn_judge_summary *out, rn_err *err)
{
    *out = (rn_judge_summary){0};
    int64_t command_id = 0;
    int rc = rn_judge_options_check(o, err);
    if (!rc && !(out->own = calloc(1, sizeof(rn_arena)))) rc = rn_nomem(err, NULL);
    if (!rc) rc = rn_watch_log_begin(&o->watch, s, &command_id, err);
    if (!rc) rc = judge_sets(o, s, out, err);
    /* A share is complete when it is done with what is its own. */
    out->incomplete = out->n_missing > 0 && !o->share.shard && !o->share.todo;
    rn_watch_log_end(s, command_id, rc, out->incomplete);
    return rc;
}

void rn_judge_summary_free(rn_judge_summary *out)
{
    rn_arena *arena = out->own;
    rn_arena_free(arena);
    free(arena);
    *out = (rn_judge_summary){0};
}
