/*
 * import.c: what all forms share: the run and its settings, which index a sample gets, verdicts
 * that come with samples, rows that go wrong, transactions. See import.h for the rules.
 */
#include "store/import_priv.h"

#include "base/hash.h"
#include "store/store_priv.h"

static const struct form {
    const char *name, *extractor;
} forms[RN_N_IMPORT_FORMATS] = {[RN_IMPORT_AUTO] = {"auto", ""},
#define X(name, text, extractor, what) [RN_IMPORT_##name] = {text, extractor},
                                RN_IMPORT_FORMATS(X)
#undef X
};

const char *rn_import_format_name(rn_import_format f)
{
    return (unsigned)f < RN_N_IMPORT_FORMATS ? forms[f].name : NULL;
}

int rn_import_format_of(const char *name, rn_import_format *out, rn_err *err)
{
    for (int f = 0; f < RN_N_IMPORT_FORMATS; f++) {
        if (strcmp(name, forms[f].name) != 0) continue;
        *out = (rn_import_format)f;
        return 0;
    }
#define X(name, text, extractor, what) " " text
    return rn_fail(err, RN_EINVAL, "no such format: '%.60s'; there are: auto" RN_IMPORT_FORMATS(X),
                   name);
#undef X
}

rn_import_row rn_import_row_new(rn_bytes text)
{
    return (rn_import_row){.text = text,
                           .prompt_tok = -1,
                           .gen_tok = -1,
                           .finish = "",
                           .logprob = (double)NAN,
                           .wall_ns = -1,
                           .verdict = -1,
                           .plus_verdict = -1,
                           .detail = ""};
}

/* ---- rows that go wrong ---------------------------------------------------------------------- */

int rn_import_bad(rn_importer *im, int rc, rn_err *err)
{
    bool of_the_row = rc == RN_EFORMAT || rc == RN_ETRUNCATED || rc == RN_ENOTFOUND ||
                      rc == RN_ELIMIT || rc == RN_EEXIST || rc == RN_EINVAL;
    if (!im->opts->skip_bad || !of_the_row || !rn_store_in_tx(im->s)) return rc;
    im->stats->n_bad++;
    if (im->opts->on_bad) im->opts->on_bad(im->opts->user, err);
    return 0;
}

static int bad_sample(const rn_importer *im, const rn_import_entry *p, int64_t line, int code,
                      rn_err *err, const char *what)
{
    return rn_fail_at(err, code, line, -1, "%s: line %lld: %s: %s", im->path, (long long)line,
                      p->task_id, what);
}

int rn_import_tick(rn_importer *im, rn_err *err)
{
    int64_t n = im->stats->n_added + im->stats->n_present;
    if (im->opts->on_progress && im->opts->on_progress(im->opts->user, n))
        return rn_fail(err, RN_ECANCELLED,
                       "%s: interrupted; what was read is stored, run again to go on", im->path);
    return rn_store_tick(im->s, err);
}

/* ---- problems -------------------------------------------------------------------------------- */

static int put_problem(rn_importer *im, rn_import_entry *e, int64_t ord, rn_err *err)
{
    const rn_store_problem p = {.set_id = im->set_id,
                                .ord = ord,
                                .task_id = e->task_id,
                                .prompt = e->prompt,
                                .prompt_tok = -1};
    return rn_store_put_problem(im->s, &p, &e->problem_id, err);
}

static int add_problem(rn_importer *im, rn_bytes id, const char *prompt, rn_import_entry **out,
                       rn_err *err)
{
    rn_import_entry *e = rn_idmap_add(&im->map, id);
    if (!e) return rn_nomem(err, "problems");
    e->prompt = prompt;
    int rc = put_problem(im, e, (int64_t)im->map.list.n - 1, err);
    if (!rc && out) *out = e;
    return rc;
}

int rn_import_find(rn_importer *im, rn_bytes task_id, int64_t line, rn_import_entry **out,
                   rn_err *err)
{
    rn_import_entry *e = rn_idmap_find(&im->map, task_id);
    if (e) {
        *out = e;
        return 0;
    }
    bool usable = task_id.len > 0 && task_id.len < 256 && !memchr(task_id.data, '\0', task_id.len);
    if (!im->opts->problems && usable) return add_problem(im, task_id, NULL, out, err);
    return rn_fail_at(err, RN_ENOTFOUND, line, -1,
                      "%s: line %lld: unknown problem '%.*s'; set '%s' has no such id: choose the "
                      "set with -t, or leave such rows out with --skip-bad",
                      im->path, (long long)line, task_id.len > 80 ? 80 : (int)task_id.len,
                      task_id.len ? task_id.data : "", im->opts->set_name);
}

int rn_import_place(rn_importer *im, int64_t i, int64_t line, rn_import_entry **out, rn_err *err)
{
    if (im->opts->problems && i >= 0 && (size_t)i < im->map.list.n) {
        *out = im->map.list.data[i];
        return 0;
    }
    return rn_fail_at(
        err, RN_ENOTFOUND, line, -1,
        im->opts->problems
            ? "%s: line %lld: set '%s' has no problem in the place that this row names"
            : "%s: line %lld: this row names its problem by its place in the set: "
              "give the set itself with -t, not '%s' by its ids",
        im->path, (long long)line, im->opts->set_name);
}

/* Ids that were stored by an earlier import without a problem set keep their places. */
static int known_problem(void *user, const rn_store_problem_row *r)
{
    rn_importer *im = user;
    rn_bytes id = rn_bytes_of(r->x.task_id);
    rn_import_entry *e = rn_idmap_find(&im->map, id);
    if (!e) e = rn_idmap_add(&im->map, id);
    if (!e) return RN_ENOMEM;
    e->problem_id = r->problem_id;
    return 0;
}

static int load_problems(rn_importer *im, rn_err *err)
{
    const rn_import_opts *o = im->opts;
    if (!o->problems) return rn_store_each_problem(im->s, im->set_id, known_problem, im, err);
    for (size_t i = 0; i < o->n_problems; i++) {
        rn_bytes id = rn_bytes_of(o->problems[i].task_id);
        rn_import_entry *e = NULL;
        int rc = add_problem(im, id, o->problems[i].prompt, &e, err);
        if (rc) return rc;
        e->tests = o->problems[i].tests;
    }
    return 0;
}

/* ---- samples --------------------------------------------------------------------------------- */

/* What the run has of this problem when a file first names it. */
static int first_in_file(rn_importer *im, rn_import_entry *p, rn_err *err)
{
    p->file_no = im->file_no;
    p->n_file = p->n_stored = 0;
    if (!im->opts->append) return 0;
    int64_t n = 0;
    int rc = rn_store_count_samples(im->s, im->run_id, p->problem_id, &n, &p->next_idx, err);
    if (!rc && n > 0)
        rc = rn_store_count_source(im->s, im->run_id, p->problem_id, im->source_id, &p->n_stored,
                                   err);
    if (p->next_idx < im->opts->first_idx) p->next_idx = im->opts->first_idx;
    return rc;
}

/* The index of the next sample; -1: it is stored already. */
static int64_t next_index(rn_importer *im, rn_import_entry *p)
{
    int64_t j = p->n_file++;
    if (im->opts->append) return j < p->n_stored ? -1 : p->next_idx++;
    /* Results say which sample they belong to by their place in their own file. */
    if (im->format == RN_IMPORT_EVALPLUS_RESULTS) return im->opts->first_idx + j;
    return im->opts->first_idx + p->n_call++;
}

static int check_index(const rn_importer *im, const rn_import_entry *p, int64_t idx, int64_t line,
                       rn_err *err)
{
    if (im->opts->greedy && idx > 0)
        return bad_sample(im, p, line, RN_ELIMIT, err,
                          "a second answer in a greedy run; greedy has one per problem");
    if (im->opts->declared > 0 && idx >= im->opts->declared)
        return bad_sample(im, p, line, RN_ELIMIT, err,
                          "more samples than were declared with -n; correct -n or the file");
    return 0;
}

static int put_verdict(rn_importer *im, int64_t sample_id, int64_t *protocol_id, const char *tests,
                       int verdict, const char *detail, int64_t rank, rn_err *err)
{
    if (*protocol_id == 0) {
        rn_buf json = {0};
        rn_buf_printf(&json, "{\"imported\": \"%s\"%s%s%s}", forms[im->format].name,
                      *tests ? ", \"tests\": \"" : "", tests, *tests ? "\"" : "");
        int rc = rn_buf_ok(&json) ? rn_store_put_protocol(im->s, json.data, protocol_id, err)
                                  : rn_nomem(err, im->path);
        rn_buf_free(&json);
        if (rc) return rc;
    }
    const rn_store_verdict v = {.sample_id = sample_id,
                                .protocol_id = *protocol_id,
                                .verdict = (rn_verdict)verdict,
                                .n_tests = -1,
                                .n_passed = -1,
                                .failed_test = -1,
                                .cpu_ns = -1,
                                .wall_ns = -1,
                                .peak_bytes = -1,
                                .detail = detail};
    im->stats->n_verdicts++;
    return rn_store_put_verdict_at(im->s, &v, rank, err);
}

/* Where a set has extra tests, the verdict under its own tests is the one that counts first. */
static int put_verdicts(rn_importer *im, int64_t sample_id, const rn_import_row *row, rn_err *err)
{
    const char *tests = row->plus_verdict >= 0 ? "base" : "";
    int rc = 0;
    if (row->verdict >= 0)
        rc = put_verdict(im, sample_id, &im->protocol_id, tests, row->verdict, row->detail,
                         RN_JUDGED_ELSEWHERE, err);
    if (!rc && row->plus_verdict >= 0)
        rc = put_verdict(im, sample_id, &im->plus_protocol_id, "base+extra", row->plus_verdict,
                         row->detail, RN_JUDGED_ELSEWHERE_MORE, err);
    return rc;
}

int rn_import_parse(rn_importer *im, rn_bytes raw, int64_t line, json_t **out, rn_err *err)
{
    return rn_json_parse_python(raw, (rn_json_at){im->path, line}, out, &im->surrogates, err);
}

int rn_import_sample(rn_importer *im, rn_import_entry *p, const rn_import_row *row, int64_t line,
                     rn_err *err)
{
    int rc = p->file_no == im->file_no ? 0 : first_in_file(im, p, err);
    if (rc) return rc;
    int64_t idx = next_index(im, p);
    if (idx < 0) {
        im->stats->n_present++;
        return rn_import_tick(im, err);
    }
    rc = check_index(im, p, idx, line, err);
    rn_bytes text = row->text;
    if (!rc && im->surrogates && !rn_json_unmark(&text, &im->unmarked))
        rc = rn_nomem(err, im->path);
    if (rc) return rc;
    const rn_store_sample x = {.run_id = im->run_id,
                               .problem_id = p->problem_id,
                               .idx = idx,
                               .text = text,
                               .prompt_tok = row->prompt_tok,
                               .gen_tok = row->gen_tok,
                               .finish = row->finish,
                               .logprob = row->logprob,
                               .wall_ns = row->wall_ns,
                               .flop = (double)NAN,
                               .source_id = im->source_id};
    int64_t sample_id = 0;
    bool existed = false;
    rc = rn_store_put_sample(im->s, &x, &sample_id, &existed, err);
    if (rc == RN_EEXIST)
        return rn_fail_at(
            err, rc, line, -1,
            "%s: line %lld: sample %lld of %s is stored with another text; add further "
            "samples with --append, or give this run settings of its own with --run",
            im->path, (long long)line, (long long)idx, p->task_id);
    if (rc) return rn_err_prefix(err, "%s: line %lld", im->path, (long long)line);
    *(existed ? &im->stats->n_present : &im->stats->n_added) += 1;
    rc = put_verdicts(im, sample_id, row, err);
    return rc ? rc : rn_import_tick(im, err);
}

int rn_import_verdict(rn_importer *im, rn_import_entry *p, int64_t idx, const rn_import_row *row,
                      int64_t line, rn_err *err)
{
    int64_t id = 0;
    int rc =
        rn_store_find_sample(im->s, im->run_id, p->problem_id, im->opts->first_idx + idx, &id, err);
    if (rc) return rc;
    if (id == 0)
        return bad_sample(im, p, line, RN_ENOTFOUND, err,
                          "results of a sample that is not stored; import the samples' file before "
                          "or in front of it, under the same model and settings");
    rc = put_verdicts(im, id, row, err);
    return rc ? rc : rn_import_tick(im, err);
}

/* ---- runs and files -------------------------------------------------------------------------- */

/* The run's settings: the user's, and where the samples came from. Both files of evalplus describe
 * one run, whose source is "evalplus". */
static int make_settings(rn_importer *im, rn_buf *out, rn_err *err)
{
    json_t *v = NULL;
    const char *given = im->opts->settings && *im->opts->settings ? im->opts->settings : "{}";
    int rc = rn_json_parse(rn_bytes_of(given), (rn_json_at){"settings", 1}, &v, err);
    if (rc) return rc;
    rn_import_format f = im->format == RN_IMPORT_EVALPLUS_RESULTS ? RN_IMPORT_EVALPLUS : im->format;
    if (!json_is_object(v)) rc = rn_fail(err, RN_EINVAL, "settings must be a JSON object");
    bool failed = false;
    if (!rc && !json_object_get(v, "source"))
        failed = json_object_set_new(v, "source", json_string(forms[f].name)) != 0;
    if (!rc && *forms[f].extractor && !json_object_get(v, "extractor"))
        failed |= json_object_set_new(v, "extractor", json_string(forms[f].extractor)) != 0;
    char *text = rc || failed ? NULL : json_dumps(v, JSON_COMPACT);
    if (!rc && !text) rc = rn_nomem(err, "settings");
    if (!rc) rn_buf_puts(out, text);
    free(text);
    json_decref(v);
    return rc;
}

int rn_import_samples_run(rn_importer *im, rn_err *err)
{
    const rn_import_opts *o = im->opts;
    int64_t run = im->last_run_id, n = run != 0;
    int rc = 0;
    if (im->run_id == im->last_run_id && run) return 0;
    /* Samples of this run itself are those that evalplus' other file brought. */
    if (!n)
        rc = rn_sql_row(im->s, err,
                        "SELECT count(*), ifnull(min(id), 0) FROM run r WHERE set_id = ?1 AND"
                        " model_id = ?2 AND kind = ?3 AND preset = ?4 AND EXISTS (SELECT 1 FROM"
                        " sample s WHERE s.run_id = r.id)",
                        "iitt>ii", im->set_id, im->model_id, o->greedy ? "greedy" : "sample",
                        o->preset ? o->preset : "", &n, &run);
    if (rc < 0) return rc;
    if (n > 1)
        return rn_fail(
            err, RN_ENOTFOUND,
            "%s: these results have no texts, and %lld runs of %s have samples; import the "
            "samples' file and this one in one call",
            im->path, (long long)n, o->model);
    if (n == 0 || run == im->run_id) return 0;
    rc = rn_sql_run(im->s, err, "UPDATE OR IGNORE source SET run_id = ?2 WHERE id = ?1", "ii",
                    im->source_id, run);
    /* The run that this file would have had, unless it has something. */
    if (!rc)
        rc = rn_sql_run(im->s, err,
                        "DELETE FROM run WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM sample WHERE"
                        " run_id = ?1) AND NOT EXISTS (SELECT 1 FROM source WHERE run_id = ?1)",
                        "i", im->run_id);
    im->run_id = im->last_run_id = im->stats->run_id = run;
    return rc;
}

static int make_run(rn_importer *im, rn_err *err)
{
    const rn_import_opts *o = im->opts;
    rn_buf settings = {0};
    int rc = make_settings(im, &settings, err);
    const rn_store_set set = {o->set_name, o->set_hash ? o->set_hash : "", o->set_path};
    const rn_store_model model = {o->model, "", o->cost ? o->cost : ""};
    if (!rc) rc = rn_store_put_set(im->s, &set, &im->set_id, err);
    if (!rc) rc = rn_store_put_model(im->s, &model, &im->model_id, err);
    const rn_store_run run = {im->set_id, im->model_id, o->greedy ? "greedy" : "sample",
                              o->preset ? o->preset : "", settings.data};
    if (!rc) rc = rn_store_put_run(im->s, &run, &im->run_id, err);
    rn_buf_free(&settings);
    if (!rc && im->map.list.n == 0) rc = load_problems(im, err);
    /* Files of different forms are different runs, and each counts its samples from the first. */
    if (im->stats->run_id != im->run_id)
        for (size_t i = 0; i < im->map.list.n; i++)
            im->map.list.data[i]->n_call = 0;
    im->stats->run_id = im->run_id;
    return rc;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Notes the file as a source of the run. *skip: an append of a file that was read to its end. */
static int make_source(rn_importer *im, bool *skip, rn_err *err)
{
    char sha[RN_SHA256_HEX] = "";
    bool is_stdin = strcmp(im->path, "-") == 0;
    bool file = !is_stdin && !rn_import_is_folder(im->path);
    int rc = file ? rn_sha256_file(im->path, sha, err) : 0;
    if (rc) return rc;
    bool done = false;
    const rn_store_source x = {im->run_id, sha, is_stdin ? "-" : base_name(im->path),
                               forms[im->format].name};
    rc = rn_store_put_source(im->s, &x, &im->source_id, &done, err);
    *skip = !rc && done && im->opts->append;
    return rc;
}

static int read_rows(rn_importer *im, rn_reader *r, rn_err *err)
{
    switch (im->format) {
    case RN_IMPORT_RELEASE: return rn_import_release(im, r, err);
    case RN_IMPORT_BIGCODE: return rn_import_bigcode(im, r, err);
    case RN_IMPORT_EVALPLUS_RESULTS: return rn_import_results(im, r, err);
    case RN_IMPORT_OPENCOMPASS: return rn_import_opencompass(im, r, err);
    case RN_IMPORT_INSPECT: return rn_import_inspect(im, r, err);
    default: return rn_import_rows(im, r, err);
    }
}

static int import_file(rn_importer *im, rn_err *err)
{
    im->protocol_id = im->plus_protocol_id = 0;
    im->format = im->opts->format;
    bool folder = rn_import_is_folder(im->path);
    int rc = im->format == RN_IMPORT_AUTO ? rn_import_detect(im->path, &im->format, err) : 0;
    if (!rc && folder && (im->format != RN_IMPORT_EVALPLUS || im->opts->append))
        rc = rn_fail(err, RN_EINVAL,
                     "%s is a folder: one of programs, ID/0.py, ID/1.py, ..., is read as evalplus, "
                     "without --append",
                     im->path);
    if (rc) return rc;
    im->stats->format = im->format;
    if (im->opts->append && im->format == RN_IMPORT_EVALPLUS_RESULTS)
        return rn_fail(err, RN_EINVAL,
                       "%s: results name samples by their place; import them without --append",
                       im->path);
    bool skip = false;
    rn_reader *r = NULL;
    int64_t before = im->stats->n_added + im->stats->n_present + im->stats->n_verdicts;
    int64_t bad_before = im->stats->n_bad;
    *im->filter = '\0';
    rc = rn_store_begin(im->s, err);
    if (!rc) rc = make_run(im, err);
    if (!rc) rc = make_source(im, &skip, err);
    if (!rc && !skip && im->format == RN_IMPORT_CODET && !im->prompts)
        rc = rn_import_prompts_load(im, err);
    if (!rc && folder) rc = rn_import_folder(im, err);
    if (!rc && !skip && !folder) rc = rn_reader_open(im->path, &r, err);
    if (r) rc = read_rows(im, r, err);
    rn_reader_close(r);
    int64_t n_read = im->stats->n_added + im->stats->n_present + im->stats->n_verdicts - before;
    if (!rc && !skip && n_read == 0 && im->stats->n_bad == bad_before)
        rc = rn_fail(err, RN_EFORMAT, "%s: nothing is in it as %s: no sample, count or point",
                     im->path, forms[im->format].name);
    if (!rc) rc = rn_store_source_done(im->s, im->source_id, err);
    /* What was read before a bad row is good, and is kept; a file that gave nothing leaves no run.
     */
    if (rc && n_read == 0) rn_store_rollback(im->s);
    int end = rn_store_in_tx(im->s) ? rn_store_commit(im->s, rc ? NULL : err) : 0;
    im->last_run_id = im->run_id;
    return rc ? rc : end;
}

/* Problems of the run with something, and with less than was declared. */
static int count_problems(rn_importer *im, rn_err *err)
{
    im->stats->n_set = (int64_t)im->map.list.n;
    bool table = im->format == RN_IMPORT_COUNTS || im->format == RN_IMPORT_CURVE;
    for (size_t i = 0; i < im->map.list.n && !table; i++) {
        int64_t n = 0, next = 0;
        int rc = rn_store_count_samples(im->s, im->run_id, im->map.list.data[i]->problem_id, &n,
                                        &next, err);
        if (rc) return rc;
        im->stats->n_problems += n > 0;
        im->stats->n_short += im->opts->declared > n;
    }
    if (table)
        for (size_t i = 0; i < im->map.list.n; i++)
            im->stats->n_problems += im->map.list.data[i]->n_call > 0;
    return 0;
}

static int check_opts(const rn_import_opts *o, rn_err *err)
{
    if (!o->model || !*o->model)
        return rn_fail(err, RN_EINVAL, "an import needs the model's name (--model)");
    if (!o->set_name || !*o->set_name)
        return rn_fail(err, RN_EINVAL, "an import needs the problem set (-t)");
    if (o->n_files == 0) return rn_fail(err, RN_EINVAL, "an import needs a file");
    if (o->first_idx < 0 || o->declared < 0)
        return rn_fail(err, RN_EINVAL, "the first index and the number of samples start at 0");
    for (size_t i = 0; i < o->n_files; i++) {
        if (strcmp(o->files[i], "-") != 0) continue;
        if (o->append)
            return rn_fail(err, RN_EINVAL,
                           "--append tells files apart by their content and cannot "
                           "read standard input; save it to a file");
        if (o->format == RN_IMPORT_AUTO)
            return rn_fail(err, RN_EINVAL, "standard input needs --format");
    }
    return 0;
}

int rn_import(rn_store *s, const rn_import_opts *opts, rn_import_stats *stats, rn_err *err)
{
    rn_import_stats own;
    if (!stats) stats = &own;
    *stats = (rn_import_stats){0};
    int rc = check_opts(opts, err);
    if (rc) return rc;
    rn_importer im = {.s = s, .opts = opts, .stats = stats};
    for (size_t i = 0; i < opts->n_files && !rc; i++) {
        im.path = opts->files[i];
        im.file_no++;
        rc = import_file(&im, err);
    }
    int rc2 = im.run_id ? count_problems(&im, rc ? NULL : err) : 0;
    if (!rc) rc = rc2;
    rn_idmap_free(&im.map);
    rn_arena_free(&im.arena);
    rn_buf_free(&im.unmarked);
    return rc;
}
