/*
 * against.c: `report --against imported`: the verdicts of our own beside those that came with the
 * samples, run by run: how many samples have both, and which of them passed under one judge alone.
 */
#include "report/render.h"

#include "base/jout.h"
#include "base/table.h"
#include "store/store.h"

enum { SHOWN = 30 }; /* rows of a table without --all */

/* One run's sum. */
typedef struct pair_sum {
    int64_t run_id, n_both, n_differ;
    int64_t ours_alone, theirs_alone; /* passed */
    const char *model, *set, *imported;
    size_t first; /* of its rows; they end where those of the next begin */
} pair_sum;

typedef struct pair_row {
    const char *task_id, *our_detail, *their_detail;
    int64_t idx;
    rn_verdict ours, theirs;
} pair_row;

typedef struct against {
    rn_store *s;
    const rn_report_options *o;
    const char *set; /* -t in the store's words; NULL: all */
    rn_arena arena;
    RN_VEC(pair_sum) sums;
    RN_VEC(pair_row) rows;
    rn_err *err;
} against;

static bool wanted(const against *a, const rn_store_run_row *r)
{
    const rn_report_options *o = a->o;
    bool any = o->n_models == 0;
    for (size_t i = 0; i < o->n_models; i++)
        any |= strcmp(o->models[i], r->model_name) == 0;
    return any && (!a->set || strcmp(a->set, r->set_name) == 0);
}

static int note_run(void *user, const rn_store_run_row *r)
{
    against *a = user;
    if (!wanted(a, r) || r->n_samples == 0) return 0;
    pair_sum sum = {.run_id = r->run_id,
                    .model = rn_arena_strdup(&a->arena, r->model_name),
                    .set = rn_arena_strdup(&a->arena, r->set_name),
                    .imported = ""};
    bool ok = sum.model && sum.set && rn_vec_push(&a->sums, sum);
    return ok ? 0 : rn_nomem(a->err, "list of runs");
}

static int note_pair(void *user, const rn_store_pair_row *r)
{
    against *a = user;
    pair_sum *sum = &a->sums.data[a->sums.n - 1];
    if (sum->n_both++ == 0) sum->imported = rn_arena_strdup(&a->arena, r->their_protocol);
    if (!sum->imported) return rn_nomem(a->err, "protocol");
    if (!r->differ) return 0;
    sum->n_differ++;
    *(r->ours == RN_V_PASSED ? &sum->ours_alone : &sum->theirs_alone) += 1;
    pair_row row = {.task_id = rn_arena_strdup(&a->arena, r->task_id),
                    .our_detail = rn_arena_strdup(&a->arena, r->our_detail),
                    .their_detail = rn_arena_strdup(&a->arena, r->their_detail),
                    .idx = r->idx,
                    .ours = r->ours,
                    .theirs = r->theirs};
    bool ok = row.task_id && row.our_detail && row.their_detail && rn_vec_push(&a->rows, row);
    return ok ? 0 : rn_nomem(a->err, "verdicts that differ");
}

/* Fills sums and rows. Runs come first, so that each walk's sum is the last one at work. */
static int load_pairs(against *a, rn_err *err)
{
    RN_VEC(pair_sum) runs = {0};
    int rc = rn_store_each_run(a->s, note_run, a, err);
    for (size_t i = 0; i < a->sums.n; i++)
        (void)rn_vec_push(&runs, a->sums.data[i]);
    if (!rc && !rn_vec_ok(&runs)) rc = rn_nomem(err, "list of runs");
    a->sums.n = 0;
    for (size_t i = 0; i < 2 * runs.n && !rc; i++) { /* base tests, then base and extra ones */
        pair_sum *run = &runs.data[i / 2];
        run->first = a->rows.n;
        (void)rn_vec_push(&a->sums, *run);
        rc = rn_store_each_pair(a->s, run->run_id, i % 2 == 1, note_pair, a, err);
        if (a->sums.data[a->sums.n - 1].n_both == 0) a->sums.n--;
    }
    rn_vec_free(&runs);
    if (rc || a->sums.n) return rc;
    return rn_fail(
        err, RN_ENOTFOUND,
        "%s: no sample has both an imported verdict and one of our own: run `ration judge "
        "-s %s`",
        rn_store_path(a->s), rn_store_path(a->s));
}

static size_t end_of(const against *a, size_t i)
{
    return i + 1 < a->sums.n ? a->sums.data[i + 1].first : a->rows.n;
}

static void write_table(const against *a, rn_buf *out)
{
    for (size_t i = 0; i < a->sums.n; i++) {
        const pair_sum *s = &a->sums.data[i];
        size_t end = end_of(a, i), shown = end;
        if (!a->o->all && end - s->first > SHOWN) shown = s->first + SHOWN;
        rn_buf_printf(out,
                      "%s%s on %s (run %lld): %lld %s judged here and elsewhere (%s)\n"
                      "%lld %s: %lld passed here alone, %lld elsewhere alone\n",
                      i ? "\n" : "", s->model, s->set, (long long)s->run_id, (long long)s->n_both,
                      rn_plural(s->n_both, "sample was", "samples were"), s->imported,
                      (long long)s->n_differ,
                      rn_plural(s->n_differ, "verdict differs", "verdicts differ"),
                      (long long)s->ours_alone, (long long)s->theirs_alone);
        if (s->first == end) continue;
        rn_table t = {.n_columns = 5, .left = 1u << 2 | 1u << 3 | 1u << 4};
        static const char *const head[] = {"problem", "sample", "here", "elsewhere", "why"};
        for (int c = 0; c < 5; c++)
            rn_table_cell(&t, "%s", head[c]);
        for (size_t k = s->first; k < shown; k++) {
            const pair_row *r = &a->rows.data[k];
            rn_table_cell(&t, "%s", r->task_id);
            rn_table_cell(&t, "%lld", (long long)r->idx);
            rn_table_cell(&t, "%s", rn_verdict_name(r->ours));
            rn_table_cell(&t, "%s", rn_verdict_name(r->theirs));
            rn_table_cell(&t, "%.60s", *r->our_detail ? r->our_detail : r->their_detail);
        }
        rn_table_end(&t, out);
        if (shown < end) rn_buf_printf(out, "and %zu more: --all, or --format csv\n", end - shown);
    }
}

static void write_csv(const against *a, rn_buf *out)
{
    rn_buf_puts(out, "model,set,run,task_id,sample,here,elsewhere,detail_here,detail_elsewhere\n");
    for (size_t i = 0; i < a->sums.n; i++)
        for (size_t k = a->sums.data[i].first; k < end_of(a, i); k++) {
            const pair_row *r = &a->rows.data[k];
            rn_buf_csv(out, rn_bytes_of(a->sums.data[i].model));
            rn_buf_putc(out, ',');
            rn_buf_csv(out, rn_bytes_of(a->sums.data[i].set));
            rn_buf_printf(out, ",%lld,", (long long)a->sums.data[i].run_id);
            rn_buf_csv(out, rn_bytes_of(r->task_id));
            rn_buf_printf(out, ",%lld,%s,%s,", (long long)r->idx, rn_verdict_name(r->ours),
                          rn_verdict_name(r->theirs));
            rn_buf_csv(out, rn_bytes_of(r->our_detail));
            rn_buf_putc(out, ',');
            rn_buf_csv(out, rn_bytes_of(r->their_detail));
            rn_buf_putc(out, '\n');
        }
}

static void write_json(const against *a, rn_buf *out)
{
    rn_buf_puts(out, "{\"against\":\"imported\",\"runs\":[");
    for (size_t i = 0; i < a->sums.n; i++) {
        const pair_sum *s = &a->sums.data[i];
        rn_jout_open(out, NULL, "{");
        rn_jout_whole(out, "run", s->run_id);
        rn_jout_text(out, "model", s->model);
        rn_jout_text(out, "set", s->set);
        rn_jout_raw(out, "protocol", s->imported);
        rn_jout_whole(out, "both", s->n_both);
        rn_jout_whole(out, "differ", s->n_differ);
        rn_jout_whole(out, "passed_here_alone", s->ours_alone);
        rn_jout_whole(out, "passed_elsewhere_alone", s->theirs_alone);
        rn_jout_open(out, "samples", "[");
        for (size_t k = s->first; k < end_of(a, i); k++) {
            const pair_row *r = &a->rows.data[k];
            rn_jout_open(out, NULL, "{");
            rn_jout_text(out, "task_id", r->task_id);
            rn_jout_whole(out, "sample", r->idx);
            rn_jout_text(out, "here", rn_verdict_name(r->ours));
            rn_jout_text(out, "elsewhere", rn_verdict_name(r->theirs));
            rn_jout_text(out, "detail_here", r->our_detail);
            rn_jout_text(out, "detail_elsewhere", r->their_detail);
            rn_buf_putc(out, '}');
        }
        rn_buf_puts(out, "]}");
    }
    rn_buf_puts(out, "]}\n");
}

int rn_report_against(const rn_report_options *o, rn_buf *text, rn_err *err)
{
    against a = {.o = o, .err = err};
    if (!o->store) return rn_fail(err, RN_EINVAL, "--against needs a store (-s FILE)");
    int rc = rn_store_open(o->store, RN_STORE_READ, &a.s, err);
    if (!rc && o->set) rc = rn_store_name_of(a.s, RN_STORE_SET, o->set, &a.arena, &a.set, err);
    if (!rc) rc = load_pairs(&a, err);
    const char *format = o->format ? o->format : "table";
    if (!rc && strcmp(format, "csv") == 0)
        write_csv(&a, text);
    else if (!rc && strcmp(format, "json") == 0)
        write_json(&a, text);
    else if (!rc)
        write_table(&a, text);
    rn_store_close(a.s);
    rn_vec_free(&a.sums);
    rn_vec_free(&a.rows);
    rn_arena_free(&a.arena);
    return rc;
}
