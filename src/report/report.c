/*
 * report.c: the report's life: options, tasks, entrants, notes, and the order of the computation.
 *
 * Lists grow by doubling in the arena; what a growth leaves behind is freed with the report. There
 * are a handful of tasks and entrants, so looking them up is a loop.
 */
#include "report/report_priv.h"

#include "base/near.h"

rn_report_opts rn_report_defaults(void)
{
    return (rn_report_opts){.n_resamples = 1000,
                            .level = 0.95,
                            .missing = RN_MISSING_DROP,
                            .basis = RN_FLOP_STUDY,
                            .reach = NAN,
                            .prompt_tok = NAN};
}

rn_report *rn_report_new(const rn_report_opts *opts)
{
    rn_report *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->opts = *opts;
    r->book = rn_cost_book_new();
    if (!r->book) {
        free(r);
        return NULL;
    }
    return r;
}

void rn_report_free(rn_report *r)
{
    if (!r) return;
    for (size_t i = 0; i < r->n_tasks; i++) {
        rn_report_task *t = &r->tasks[i];
        rn_stat_boot_free(t->boot);
        for (int a = 0; a <= RN_N_UNITS; a++)
            rn_rows_free(&t->pairs[a]);
        rn_rows_free(&t->stopping);
        rn_rows_free(&t->reallocation);
        rn_rows_free(&t->cascades);
        rn_rows_free(&t->untested);
    }
    rn_cost_book_free(r->book);
    rn_arena_free(&r->arena);
    free(r);
}

/* The list is moved to twice the room when its n items fill a power of two. */
void *rn_report_grown(rn_arena *a, void *list, size_t n, size_t size)
{
    if (n != 0 && (n & (n - 1)) != 0) return list;
    char *more = rn_arena_array(a, n ? 2 * n : 1, size);
    if (more && n) memcpy(more, list, n * size);
    return more;
}

int rn_report_note(rn_report *r, rn_err *err, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    for (size_t i = 0; i < r->n_notes; i++)
        if (strcmp(r->notes[i], text) == 0) return 0;
    const char **notes = rn_report_grown(&r->arena, r->notes, r->n_notes, sizeof *notes);
    char *copy = rn_arena_strdup(&r->arena, text);
    if (!notes || !copy) return rn_nomem(err, "report");
    r->notes = notes;
    r->notes[r->n_notes++] = copy;
    return 0;
}

rn_report_task *rn_report_task_get(rn_report *r, const char *name, const char *hash)
{
    for (size_t i = 0; i < r->n_tasks; i++)
        if (strcmp(r->tasks[i].name, name) == 0 && strcmp(r->tasks[i].hash, hash) == 0)
            return &r->tasks[i];
    rn_report_task *tasks = rn_report_grown(&r->arena, r->tasks, r->n_tasks, sizeof *tasks);
    if (!tasks) return NULL;
    r->tasks = tasks;
    rn_report_task *t = &tasks[r->n_tasks];
    *t = (rn_report_task){.name = rn_arena_strdup(&r->arena, name),
                          .hash = rn_arena_strdup(&r->arena, hash)};
    if (!t->name || !t->hash) return NULL;
    r->n_tasks++;
    return t;
}

rn_entrant *rn_report_entrant_add(rn_report *r, rn_report_task *t, const char *model)
{
    rn_entrant *list = rn_report_grown(&r->arena, t->entrants, t->n_entrants, sizeof *list);
    if (!list) return NULL;
    t->entrants = list;
    rn_entrant *e = &list[t->n_entrants];
    *e = (rn_entrant){.model = rn_arena_strdup(&r->arena, model),
                      .base_name = "",
                      .cost_name = "",
                      .preset = "",
                      .settings = "",
                      .protocol = "",
                      .greedy = {.value = NAN, .lo = NAN, .hi = NAN},
                      .exact_shared = NAN,
                      .exact_sample = NAN,
                      .two_n = NAN};
    if (!e->model) return NULL;
    t->n_entrants++;
    return e;
}

bool rn_report_wants(const rn_report_filter *f, const char *task, const char *model)
{
    if (!f) return true;
    if (f->task && strcmp(f->task, task) != 0) return false;
    for (size_t i = 0; i < f->n_models; i++)
        if (strcmp(f->models[i], model) == 0) return true;
    return f->n_models == 0;
}

/* --compare names models that are here; where only one set lacks one, a note says it. */
static int check_compare(const rn_report *r, rn_err *err)
{
    const char *const asked[] = {r->opts.compare_a, r->opts.compare_b};
    for (int m = 0; m < 2 && asked[m]; m++) {
        rn_buf known = {0};
        bool is_here = false;
        for (size_t i = 0; i < r->n_tasks; i++)
            for (size_t j = 0; j < r->tasks[i].n_entrants; j++) {
                const char *name = r->tasks[i].entrants[j].model;
                is_here |= strcmp(name, asked[m]) == 0;
                if (i == 0) rn_buf_printf(&known, "%s%s", j ? ", " : "", name);
            }
        if (!is_here)
            return rn_near_fail(err, RN_ENOTFOUND, "--compare: there is no model", asked[m],
                                "; there is ", &known);
        rn_buf_free(&known);
    }
    return 0;
}

int rn_report_compute(rn_report *r, rn_err *err)
{
    int rc = check_compare(r, err);
    for (size_t i = 0; i < r->n_tasks && !rc; i++) {
        rn_report_task *t = &r->tasks[i];
        rc = rn_report_curves(r, t, err);
        if (!rc) rc = rn_report_leaders(r, t, err);
        if (!rc) rc = rn_report_rankings(r, t, err);
        if (!rc) rc = rn_report_rank_best(r, t, err);
        if (!rc) rc = rn_report_pairs(r, t, err);
        if (!rc) rc = rn_report_beyond(r, t, err);
        if (!rc && r->opts.untested)
            rc =
                rn_report_untested(r, t, &(rn_untested_ask){.axis = RN_N_UNITS}, &t->untested, err);
        if (!rc) rc = rn_report_findings(r, t, err);
        if (rc && err) rn_err_prefix(err, "report on %s", t->name);
    }
    return rc;
}
