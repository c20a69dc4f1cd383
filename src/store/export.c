/*
 * export.c: walks the problems of a run in their order and the samples of each by index, and hands
 * both to the form. A form is a row of functions; nothing is held but the output's buffer.
 */
#include "store/export_priv.h"

enum { FLUSH_BYTES = 256 * 1024 };

static const struct export_name {
    const char *name;
} names[RN_N_EXPORT_FORMATS] = {
#define X(name, text, what) {text},
    RN_EXPORT_FORMATS(X)
#undef X
};

int rn_export_format_of(const char *name, rn_export_format *out, rn_err *err)
{
    for (int f = 0; f < RN_N_EXPORT_FORMATS; f++) {
        if (strcmp(name, names[f].name) != 0) continue;
        *out = (rn_export_format)f;
        return 0;
    }
#define X(name, text, what) " " text
    return rn_fail(err, RN_EINVAL, "no such format: '%.60s'; there are:" RN_EXPORT_FORMATS(X),
                   name);
#undef X
}

bool rn_export_takes_all(rn_export_format f)
{
    return f == RN_EXPORT_CSV || f == RN_EXPORT_JSONL || f == RN_EXPORT_DIGEST;
}

static int flush(rn_exporter *x, rn_err *err)
{
    if (!rn_buf_ok(&x->out)) return rn_nomem(err, x->s->path);
    int e = x->out.len ? x->opts->write(x->opts->user, x->out.data, x->out.len) : 0;
    rn_buf_clear(&x->out);
    return e ? rn_fail(err, RN_EIO, "the export cannot be written: %s", strerror(e)) : 0;
}

/* ---- samples --------------------------------------------------------------------------------- */

/* The verdict is that under ?3, or the newest when ?3 is 0, where ?4 is 1 that under the base tests
 * where there is one; w is the one under evalplus' extra tests as well. */
static const char samples_sql[] =
    "SELECT s.idx, s.prompt_tok, s.gen_tok, s.finish, s.logprob, s.wall_ns, s.flop, s.text_bytes,"
    " v.kind_id, v.n_tests, v.n_passed, v.failed_test, v.cpu_ns, v.wall_ns, v.peak_bytes, v.detail,"
    " w.kind_id, v.judged_ms, x.text"
    " FROM sample s CROSS JOIN sample_text x ON x.sample_id = s.id"
    " LEFT JOIN verdict v ON v.sample_id = s.id AND v.protocol_id = coalesce(nullif(?3, 0),"
    "  (SELECT n.protocol_id FROM verdict n JOIN protocol t ON t.id = n.protocol_id"
    "   WHERE n.sample_id = s.id AND ?4 AND json_extract(t.json, '$.tests') = 'base'"
    "   ORDER BY n.judged_ms DESC, n.protocol_id DESC LIMIT 1),"
    "  (SELECT n.protocol_id FROM verdict n WHERE n.sample_id = s.id"
    "   ORDER BY n.judged_ms DESC, n.protocol_id DESC LIMIT 1))"
    " LEFT JOIN verdict w ON w.sample_id = s.id AND w.protocol_id ="
    "  (SELECT n.protocol_id FROM verdict n JOIN protocol t ON t.id = n.protocol_id"
    "   WHERE n.sample_id = s.id AND json_extract(t.json, '$.tests') = 'base+extra'"
    "   ORDER BY n.judged_ms DESC, n.protocol_id DESC LIMIT 1)"
    " WHERE s.run_id = ?1 AND s.problem_id = ?2 ORDER BY s.idx";

static void read_sample(const rn_rows *rows, rn_export_row *r)
{
    int64_t judged_ms;
    rn_rows_get(rows, "inntrnrivnnnnnntvib", &r->idx, &r->prompt_tok, &r->gen_tok, &r->finish,
                &r->logprob, &r->wall_ns, &r->flop, &r->text_bytes, &r->verdict, &r->n_tests,
                &r->n_passed, &r->failed_test, &r->cpu_ns, &r->judge_wall_ns, &r->peak_bytes,
                &r->detail, &r->plus_verdict, &judged_ms, &r->text);
    r->raw = r->text;
    r->elsewhere = judged_ms <= RN_JUDGED_ELSEWHERE;
    r->judged = r->verdict >= 0 && rn_verdict_family((rn_verdict)r->verdict) != 'S';
}

static int one_sample(rn_exporter *x, const rn_store_problem *p, rn_export_row *r, rn_err *err)
{
    int rc = 0;
    if (x->form->whole && x->opts->program) {
        rn_buf_clear(&x->program);
        rc = x->opts->program(x->opts->user, p->task_id, r->text, &x->program, err);
        if (!rc && !rn_buf_ok(&x->program)) rc = rn_nomem(err, x->s->path);
        if (rc) return rc;
        r->text = (rn_bytes){x->program.data ? x->program.data : "", x->program.len};
    }
    x->stats->n_samples++;
    x->stats->n_missing += !r->judged;
    if (x->form->texts && !rn_utf8_valid(r->text, NULL)) x->stats->n_replaced++;
    x->form->sample(x, p, r);
    if (x->opts->on_progress && x->opts->on_progress(x->opts->user, x->stats->n_samples))
        return rn_fail(err, RN_ECANCELLED, "interrupted; the export is not complete");
    return x->out.len >= FLUSH_BYTES ? flush(x, err) : 0;
}

/* The samples of one problem. */
static int each_sample(rn_exporter *x, const rn_store_problem *p, rn_rows *rows, rn_err *err)
{
    int rc;
    while ((rc = rn_rows_next(rows, err)) > 0) {
        rn_export_row r;
        read_sample(rows, &r);
        if (x->n_in_problem == 0) {
            if (x->form->needs_prompt && !p->prompt)
                return rn_fail(err, RN_ENOTFOUND,
                               "%s: the prompt of %s is not known, and this form names problems by "
                               "their prompts; import with a known problem set",
                               x->s->path, p->task_id);
            if (x->form->problem && !x->form->every_problem) x->form->problem(x, p);
        }
        rc = one_sample(x, p, &r, err);
        if (rc) return rc;
        x->n_in_problem++;
        x->n_passed_in_problem += r.verdict == RN_V_PASSED;
    }
    return rc;
}

static int one_problem(void *user, const rn_store_problem_row *row)
{
    rn_exporter *x = user;
    const rn_store_problem *p = &row->x;
    if (x->opts->wants && !x->opts->wants(x->opts->user, p->task_id)) return 0;
    x->n_in_problem = x->n_passed_in_problem = 0;
    if (x->form->every_problem) x->form->problem(x, p);
    rn_rows rows;
    int rc = rn_rows_open(x->s, &rows, x->err, samples_sql, "iiii", x->run_id, row->problem_id,
                          x->opts->protocol_id,
                          (int64_t)(x->opts->format == RN_EXPORT_EVALPLUS_RESULTS));
    if (rc) return rc;
    rc = rn_rows_close(&rows, each_sample(x, p, &rows, x->err));
    if (rc) return rc;
    bool any = x->form->every_problem || x->n_in_problem > 0;
    if (any && x->form->problem_end) x->form->problem_end(x);
    if (any && x->form->end) rn_buf_puts(&x->out, x->form->end);
    return 0;
}

/* The run's row, copied into the exporter for the forms that print it. */
static int find_run(void *user, const rn_store_run_row *r)
{
    rn_exporter *x = user;
    if (r->run_id != x->run_id) return 0;
    x->found = true;
    x->set_id = r->set_id;
    rn_buf_clear(&x->run_json);
    rn_buf_clear(&x->run_csv);
    rn_export_describe_run(r, &x->run_json, &x->run_csv);
    return 0;
}

static int one_run(rn_exporter *x, rn_err *err)
{
    x->found = false;
    int rc = rn_store_each_run(x->s, find_run, x, err);
    if (!rc && !x->found)
        rc = rn_fail(err, RN_ENOTFOUND, "%s: there is no run %lld", x->s->path,
                     (long long)x->run_id);
    if (!rc) rc = rn_store_each_problem(x->s, x->set_id, one_problem, x, err);
    return rc;
}

/* ---- results without texts ------------------------------------------------------------------- */

static int write_counts(rn_exporter *x, rn_err *err)
{
    rn_arena arena = {0};
    rn_store_outcome *o = NULL;
    size_t n = 0;
    int rc = rn_store_outcomes(x->s, x->run_id, x->opts->protocol_id, &arena, &o, &n, err);
    rn_buf_puts(&x->out, "task_id,n,c\n");
    for (size_t i = 0; !rc && i < n; i++) {
        if (x->opts->wants && !x->opts->wants(x->opts->user, o[i].task_id)) continue;
        x->stats->n_samples += o[i].n + o[i].missing;
        x->stats->n_missing += o[i].missing;
        rn_buf_csv(&x->out, rn_bytes_of(o[i].task_id));
        rn_buf_printf(&x->out, ",%lld,%lld\n", (long long)o[i].n, (long long)o[i].c);
    }
    rn_arena_free(&arena);
    return rc;
}

static int write_point(void *user, int64_t k, double value)
{
    rn_exporter *x = user;
    rn_buf_printf(&x->out, "%lld,%.17g\n", (long long)k, value);
    return 0;
}

static int write_digest(rn_exporter *x, rn_err *err)
{
    char hex[65];
    int rc = rn_store_digest(x->s, hex, err);
    if (!rc) rn_buf_printf(&x->out, "%s\n", hex);
    return rc;
}

static int write_all(rn_exporter *x, rn_err *err)
{
    int rc = 0;
    x->run_id = x->opts->n_runs ? x->opts->run_ids[0] : 0;
    if (x->opts->format == RN_EXPORT_DIGEST) return write_digest(x, err);
    if (x->opts->format == RN_EXPORT_COUNTS) return write_counts(x, err);
    if (x->opts->format == RN_EXPORT_CURVE) {
        rn_buf_puts(&x->out, "k,pass@k\n");
        return rn_store_each_curve(x->s, x->run_id, write_point, x, err);
    }
    if (x->form->head) rn_buf_puts(&x->out, x->form->head);
    for (size_t i = 0; !rc && i < x->opts->n_runs; i++) {
        x->run_id = x->opts->run_ids[i];
        rc = one_run(x, err);
    }
    if (!rc && x->form->tail) rn_buf_puts(&x->out, x->form->tail);
    return rc;
}

int rn_export(rn_store *s, const rn_export_opts *opts, rn_export_stats *stats, rn_err *err)
{
    rn_export_stats own;
    rn_err mine; /* callbacks always have one to fill */
    if (!stats) stats = &own;
    if (!err) err = &mine;
    *stats = (rn_export_stats){0};
    if ((unsigned)opts->format >= RN_N_EXPORT_FORMATS)
        return rn_fail(err, RN_EINVAL, "no such export format: %d", (int)opts->format);
    if (opts->n_runs != 1 && !rn_export_takes_all(opts->format))
        return rn_fail(err, RN_EINVAL, "the form '%s' holds one run, not %zu",
                       names[opts->format].name, opts->n_runs);
    rn_exporter x = {.s = s,
                     .opts = opts,
                     .stats = stats,
                     .err = err,
                     .form = &rn_export_forms[opts->format],
                     .first = true};
    /* One unchanging view, also while another process writes. */
    bool own_view = !rn_store_in_tx(s) && s->mode == RN_STORE_READ;
    int rc = own_view ? rn_store_begin(s, err) : 0;
    if (!rc) rc = write_all(&x, err);
    int end = flush(&x, rc ? NULL : err);
    if (own_view) rn_store_rollback(s);
    rn_buf_free(&x.out);
    rn_buf_free(&x.program);
    rn_buf_free(&x.run_json);
    rn_buf_free(&x.run_csv);
    return rc ? rc : end;
}
