/*
 * by_group.c: `report --by TRAIT`: pass@k of every model on the problems of each group: a
 * difficulty, a month of contests, a language, a library. A problem with several values (libraries)
 * counts in each of their groups. Intervals are those of the whole set's curves: bootstrap over the
 * group's problems.
 */
#include "report/report_priv.h"

#include "base/jout.h"
#include "report/rows.h"
#include "stat/pass.h"

typedef RN_VEC(const char *) names; /* of groups, rising */

typedef struct grouping {
    const rn_report *r;
    const rn_report_options *o;
    const int64_t *ks; /* [n_ks] */
    size_t n_ks;
    rn_arena arena;
    names groups;
    rn_err *err;
} grouping;

/* The groups of problem `task_id`, "\tone\ttwo"; NULL: it was not selected. */
static const char *groups_of(const rn_report_options *o, const char *task_id)
{
    for (size_t i = 0; i < o->n_problems; i++)
        if (strcmp(o->problems[i], task_id) == 0) return o->groups[i];
    return NULL;
}

static bool is_in(const char *groups, const char *group)
{
    const size_t n = strlen(group);
    for (const char *p = groups; p && *p; p += 1 + strcspn(p + 1, "\t"))
        if (strcspn(p + 1, "\t") == n && strncmp(p + 1, group, n) == 0) return true;
    return false;
}

static int find_groups(grouping *g)
{
    for (size_t i = 0; i < g->o->n_problems; i++)
        for (const char *p = g->o->groups[i]; *p;) {
            const size_t n = strcspn(p + 1, "\t");
            bool known = false;
            for (size_t k = 0; k < g->groups.n && !known; k++)
                known = strlen(g->groups.data[k]) == n && strncmp(g->groups.data[k], p + 1, n) == 0;
            const char *copy = known ? NULL : rn_arena_dup(&g->arena, p + 1, n);
            if (!known && (!copy || !rn_vec_push(&g->groups, copy)))
                return rn_nomem(g->err, "report");
            p += 1 + n;
        }
    if (g->groups.n) qsort(g->groups.data, g->groups.n, sizeof *g->groups.data, rn_by_text);
    return 0;
}

/* pass@k of an entrant on the group's problems: a row of the table for each k that it affords. */
static int add_rows(grouping *g, const rn_report_task *t, const rn_entrant *e, const char *group,
                    rn_rows *rows)
{
    rn_count *counts = rn_arena_array(&g->arena, t->n_problems + 1, sizeof *counts);
    rn_count *eff = rn_arena_array(&g->arena, t->n_problems + 1, sizeof *eff);
    uint8_t *keep = rn_arena_array(&g->arena, t->n_problems + 1, 1);
    rn_coverage cov;
    size_t n = 0;
    if (!counts || !eff || !keep) return rn_nomem(g->err, "report");
    for (size_t i = 0; i < t->n_problems; i++)
        if (is_in(groups_of(g->o, t->task_ids[i]), group))
            counts[n++] = e->base ? e->base[i] : e->counts[i];
    int rc = rn_stat_cover(counts, n, g->r->opts.missing, eff, keep, &cov, g->err);
    if (rc || cov.n_used == 0) return rc;
    const size_t cols = (size_t)cov.k_max;
    double *table = rn_arena_array(&g->arena, cov.n_used * cols + 1, sizeof *table);
    double *value = rn_arena_array(&g->arena, 3 * cols + 1, sizeof *value);
    if (!table || !value) return rn_nomem(g->err, "report");
    if (cols) rc = rn_stat_pass_table(eff, keep, n, cov.k_max, table, g->err);
    const rn_bootstrap_table boot = {.values = table,
                                     .n_problems = cov.n_used,
                                     .n_points = cols,
                                     .n_resamples = (size_t)g->r->opts.n_resamples,
                                     .seed = g->r->opts.seed,
                                     .level = g->r->opts.level};
    if (!rc && cols) rc = rn_bootstrap(&boot, value, value + cols, value + 2 * cols, g->err);
    for (size_t k = 0; !rc && k < g->n_ks; k++) {
        const size_t at = (size_t)g->ks[k] - 1;
        if (at >= cols) continue;
        rn_rows_word(rows, t->name);
        rn_rows_word(rows, group);
        rn_rows_word(rows, e->model);
        rn_rows_value(rows, (double)n);
        rn_rows_value(rows, (double)cov.n_used);
        rn_rows_value(rows, (double)cov.n_missing);
        rn_rows_value(rows, (double)g->ks[k]);
        rn_rows_interval(rows, value[at], value[cols + at], value[2 * cols + at]);
    }
    return rc;
}

static int fill(grouping *g, rn_rows *rows)
{
    const rn_column columns[] = {
        {.name = "task", .title = "set", .as = RN_AS_TEXT},
        {.name = "group", .title = g->o->by, .as = RN_AS_TEXT},
        {.name = "model", .title = "model", .as = RN_AS_TEXT},
        {.name = "problems", .title = "problems", .as = RN_AS_WHOLE},
        {.name = "judged", .title = "judged", .as = RN_AS_WHOLE},
        {.name = "missing", .title = "samples missing", .as = RN_AS_WHOLE},
        {.name = "k", .title = "k", .as = RN_AS_WHOLE},
        {.name = "value", .title = "pass@k", .as = RN_AS_SCORE, .ends = RN_ENDS_PLAIN}};
    rn_rows_columns(rows, columns);
    int rc = 0;
    for (size_t t = 0; !rc && t < g->r->n_tasks; t++)
        for (size_t i = 0; !rc && i < g->groups.n; i++)
            for (size_t e = 0; !rc && e < g->r->tasks[t].n_entrants; e++) {
                const rn_entrant *x = &g->r->tasks[t].entrants[e];
                if (x->counts) rc = add_rows(g, &g->r->tasks[t], x, g->groups.data[i], rows);
            }
    return rc;
}

int rn_report_by_group(const rn_report *r, const rn_report_options *o, const int64_t *ks,
                       size_t n_ks, rn_buf *text, rn_err *err)
{
    static const int64_t usual[] = {1, 10, 100};
    grouping g = {.r = r,
                  .o = o,
                  .ks = n_ks ? ks : usual,
                  .n_ks = n_ks ? n_ks : sizeof usual / sizeof *usual,
                  .err = err};
    rn_rows rows = {0};
    const char *format = o->format ? o->format : "table";
    int rc = find_groups(&g);
    if (!rc) rc = fill(&g, &rows);
    if (!rc && strcmp(format, "csv") == 0) {
        rn_rows_csv(&rows, true, text);
    } else if (!rc && strcmp(format, "json") == 0) {
        rn_buf_putc(text, '{');
        rn_jout_text(text, "by", o->by);
        rn_jout_key(text, "groups");
        rn_rows_json(&rows, text);
        rn_buf_puts(text, "}\n");
    } else if (!rc) {
        rn_rows_print(&rows, text);
    }
    rn_rows_free(&rows);
    rn_vec_free(&g.groups);
    rn_arena_free(&g.arena);
    return rc;
}
