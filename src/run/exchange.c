/*
 * exchange.c: an experiment file and the files of others: import, export, merge, and the public
 * problem sets, as calls of ration.h over store/import.h, export.h, merge.h and task/fetch.h.
 */
#include "base/file.h"
#include "cost/cost.h"
#include "run/set_file.h"
#include "run/stage.h"
#include "run/study.h"
#include "store/export.h"
#include "store/import.h"
#include "store/merge.h"
#include "task/fetch.h"
#include "task/prompt.h"

#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { MAX_SHOWN = 10 };

/* How far a walk over samples is, and how much of the same kind was said. */
typedef struct walk {
    const rn_watch *watch;
    const char *what;
    int64_t n_said;
} walk;

/* The clock is read for every step that is shown; not for every one of a million rows. */
static int on_progress(void *user, int64_t n)
{
    const walk *w = user;
    if (n % 64 == 0)
        rn_watch_step(w->watch, &(rn_progress_step){.what = w->what, .unit = "samples", .done = n});
    return rn_watch_stops(w->watch);
}

static void say(walk *w, const char *kind, const char *text)
{
    if (++w->n_said <= MAX_SHOWN) rn_watch_warn(w->watch, "%s: %s", kind, text);
    if (w->n_said == MAX_SHOWN + 1) rn_watch_warn(w->watch, "further ones are only counted");
}

/* ---- import ---------------------------------------------------------------------------------- */

static void on_bad(void *user, const rn_err *err)
{
    say(user, "left out", err->msg);
}

/* "KEY=VALUE" settings as a JSON object; a value that is not JSON is a string. The caller frees. */
static int make_settings(const rn_import_options *o, char **out, rn_err *err)
{
    int rc = 0;
    json_t *all = json_object();
    for (size_t i = 0; i < o->n_settings && !rc; i++) {
        const char *text = o->settings[i], *eq = strchr(text, '=');
        if (!eq || eq == text) {
            rc = rn_fail(err, RN_EINVAL, "--setting needs KEY=VALUE, not '%s'", text);
            break;
        }
        json_t *v = json_loads(eq + 1, JSON_DECODE_ANY, NULL);
        if (!v) v = json_string(eq + 1);
        if (json_object_setn_new(all, text, (size_t)(eq - text), v))
            rc = rn_fail(err, RN_EINVAL, "--setting %s is not valid UTF-8", text);
    }
    char *json = rc ? NULL : json_dumps(all, JSON_COMPACT);
    json_decref(all);
    if (!rc && !json) rc = rn_nomem(err, "settings");
    if (!rc) *out = json;
    return rc;
}

/* An entry that names nothing would price nothing later, in silence, and replace one that does. */
static int check_cost(const rn_import_options *o, rn_err *err)
{
    if (!o->cost && !o->cost_file) return 0;
    rn_cost_book *book = rn_cost_book_new();
    int rc = book ? 0 : rn_nomem(err, "cost tables");
    if (!rc && o->cost_file) rc = rn_cost_book_read(book, o->cost_file, err);
    if (!rc && o->cost && *o->cost && !rn_cost_find(book, o->cost))
        rc = rn_fail(err, RN_ENOTFOUND,
                     "no cost entry '%s'; 'man ration-report' lists the models that are known, and "
                     "others are described in a file that --cost-file names",
                     o->cost);
    rn_cost_book_free(book);
    return rc;
}

void rn_import_options_init(rn_import_options *o)
{
    *o = (rn_import_options){0};
}

int rn_import_options_check(const rn_import_options *o, rn_err *err)
{
    rn_import_format f;
    char *settings = NULL;
    if (!o->set) return rn_fail(err, RN_EINVAL, "the problem set is missing: -t SET");
    if (!o->model) return rn_fail(err, RN_EINVAL, "the model's name is missing: --model NAME");
    if (o->n_files == 0) return rn_fail(err, RN_EINVAL, "nothing to import: name a file");
    if (o->n < 0 || o->first < 0)
        return rn_fail(err, RN_EINVAL, "-n and --first cannot be negative");
    int rc = o->format ? rn_import_format_of(o->format, &f, err) : 0;
    if (!rc) rc = make_settings(o, &settings, err);
    free(settings);
    return rc;
}

/* Where ids are checked: the set's ids, prompts and tests, borrowed from it; the caller frees the
 * array. `path` holds that of its file. */
static int take_set(const rn_import_options *o, rn_import_opts *io, rn_taskset **set,
                    rn_import_problem **problems, rn_path *path, rn_err *err)
{
    /* A curve is about a set as a whole; its problems need not be here. */
    rn_import_format seen = io->format;
    if (seen == RN_IMPORT_AUTO) rn_import_detect(io->files[0], &seen, NULL);
    if (o->ids_only || seen == RN_IMPORT_CURVE) return 0;
    int rc = rn_taskset_open(o->set, rn_data_dir(o->data_dir), set, err);
    if (rc) return rc;
    rn_import_problem *p = calloc((*set)->n + 1, sizeof *p);
    if (!p) return rn_nomem(err, o->set);
    for (size_t i = 0; i < (*set)->n; i++)
        p[i] = (rn_import_problem){(*set)->problems[i].task_id, (*set)->problems[i].prompt,
                                   (*set)->problems[i].test};
    *problems = p;
    io->set_name = (*set)->name;
    io->set_hash = (*set)->hash;
    io->set_path = rn_set_file(*set, o->set, path);
    io->problems = p;
    io->n_problems = (*set)->n;
    return 0;
}

int rn_stage_import(rn_store *s, const rn_import_options *o, rn_import_summary *out, rn_err *err)
{
    walk w = {.watch = &o->watch, .what = "import"};
    rn_import_opts io = {.set_name = o->set,
                         .set_hash = "",
                         .model = o->model,
                         .cost = o->cost,
                         .preset = rn_paper_prompt(o->preset),
                         .files = o->files,
                         .n_files = o->n_files,
                         .map = o->map,
                         .greedy = o->greedy != 0,
                         .append = o->append != 0,
                         .skip_bad = o->skip_bad != 0,
                         .first_idx = o->first,
                         .declared = o->n,
                         .on_bad = on_bad,
                         .on_progress = on_progress,
                         .user = &w};
    char *settings = NULL;
    rn_taskset *set = NULL;
    rn_import_problem *problems = NULL;
    rn_path path;
    rn_import_stats st = {0};
    int64_t command = 0;
    *out = (rn_import_summary){0};
    int rc = rn_import_options_check(o, err);
    if (!rc && o->format) rc = rn_import_format_of(o->format, &io.format, err);
    if (!rc) rc = make_settings(o, &settings, err);
    io.settings = settings;
    if (!rc) rc = check_cost(o, err);
    if (!rc) rc = take_set(o, &io, &set, &problems, &path, err);
    if (!rc) rc = rn_watch_log_begin(&o->watch, s, &command, err);
    if (!rc) rc = rn_import(s, &io, &st, err);
    rn_watch_end(&o->watch);
    *out = (rn_import_summary){.incomplete = st.n_bad || st.n_short,
                               .n_added = st.n_added,
                               .n_present = st.n_present,
                               .n_verdicts = st.n_verdicts,
                               .n_bad = st.n_bad,
                               .n_problems = st.n_problems,
                               .n_set = st.n_set,
                               .n_short = st.n_short,
                               .format = rn_import_format_name(st.format),
                               .unit = st.format == RN_IMPORT_COUNTS  ? "counts"
                                       : st.format == RN_IMPORT_CURVE ? "points"
                                                                      : "samples"};
    rn_watch_log_end(s, command, rc, out->incomplete);
    free(settings);
    free(problems);
    rn_taskset_free(set);
    return rc;
}

/* ---- export ---------------------------------------------------------------------------------- */

/* The last run that was chosen, as far as exporting needs it. */
typedef struct chosen {
    char set[128], hash[72], preset[64], extractor[64];
} chosen;

typedef struct outgoing {
    walk w; /* first: on_progress takes it */
    const rn_export_options *o;
    rn_store *store;
    rn_arena arena;
    const char *set, *model; /* as the store calls them; NULL: all */
    chosen run;
    RN_VEC(int64_t) ids;
    rn_buf list; /* of all that were chosen, a line each */
    FILE *file;
    gzFile gz;
    rn_taskset *tasks;
    unsigned char *chosen; /* [tasks->n] by the selection; NULL: all */
    rn_buf code;
} outgoing;

static void read_extractor(const char *settings, char *out, size_t size)
{
    json_t *v = json_loads(settings, 0, NULL);
    const char *name = json_string_value(json_object_get(v, "extractor"));
    snprintf(out, size, "%s", name ? name : "");
    json_decref(v);
}

static int choose_run(void *user, const rn_store_run_row *r)
{
    outgoing *u = user;
    const rn_export_options *o = u->o;
    if (o->run_id > 0 && r->run_id != o->run_id) return 0;
    if (u->model && strcmp(r->model_name, u->model) != 0) return 0;
    if (u->set && strcmp(r->set_name, u->set) != 0) return 0;
    if (o->greedy && strcmp(r->kind, "greedy") != 0) return 0;
    if (o->samples && strcmp(r->kind, "sample") != 0) return 0;
    if (!rn_vec_push(&u->ids, r->run_id)) return RN_ENOMEM;
    snprintf(u->run.set, sizeof u->run.set, "%s", r->set_name);
    snprintf(u->run.hash, sizeof u->run.hash, "%s", r->set_hash);
    snprintf(u->run.preset, sizeof u->run.preset, "%s", r->preset);
    read_extractor(r->settings, u->run.extractor, sizeof u->run.extractor);
    rn_buf_printf(&u->list, "  %" PRId64 ": %s, %s, %s, %" PRId64 " %s, %s\n", r->run_id,
                  r->model_name, r->set_name, r->kind, r->n_samples,
                  rn_plural(r->n_samples, "sample", "samples"), r->settings);
    return 0;
}

/* The program that the judge would run before the tests. */
static int make_program(void *user, const char *task_id, rn_bytes text, rn_buf *out, rn_err *err)
{
    outgoing *u = user;
    const rn_problem *p = rn_taskset_find(u->tasks, task_id);
    if (!p)
        return rn_fail(err, RN_ENOTFOUND, "problem '%s' is not in set '%s'", task_id, u->run.set);
    rn_extracted what;
    rn_buf_clear(&u->code);
    const char *extractor = *u->run.extractor ? u->run.extractor : NULL;
    int rc = rn_extract(extractor, rn_preset_find(u->run.preset), p, text, &u->code, &what, err);
    if (!rc && !rn_buf_ok(&u->code)) rc = rn_nomem(err, NULL);
    return rc ? rc : rn_program_build(p, rn_buf_view(&u->code), &what, out, err);
}

static int write_bytes(void *user, const char *data, size_t len)
{
    outgoing *u = user;
    if (!u->gz && !u->file) return u->o->write(u->o->user, data, len);
    errno = 0;
    if (u->file) return fwrite(data, 1, len, u->file) == len ? 0 : errno ? errno : EIO;
    for (size_t done = 0; done < len;) {
        unsigned part = len - done > 1 << 30 ? 1U << 30 : (unsigned)(len - done);
        if (gzwrite(u->gz, data + done, part) != (int)part) return errno ? errno : EIO;
        done += part;
    }
    return 0;
}

static bool wants(void *user, const char *task_id)
{
    const outgoing *u = user;
    const rn_problem *p = rn_taskset_find(u->tasks, task_id);
    return p && u->chosen[p - u->tasks->problems];
}

/* The set of the last run, which must be the one that its samples are of. */
static int open_tasks(outgoing *u, rn_err *err)
{
    if (u->tasks) return 0;
    const bool is_file = u->o->set && rn_file_exists(u->o->set);
    const char *data = rn_data_dir(u->o->data_dir);
    int rc = is_file ? rn_taskset_open(u->o->set, data, &u->tasks, err)
                     : rn_set_reopen(u->store, u->run.set, data, &u->tasks, err);
    if (!rc && *u->run.hash && strcmp(u->run.hash, u->tasks->hash) != 0)
        rc = rn_fail(err, RN_EINVAL,
                     "%s is not the set that the samples are of: its content is %.12s, "
                     "theirs %.12s",
                     u->tasks->path, u->tasks->hash, u->run.hash);
    return rc;
}

/* Forms with whole programs need the problem set when the run's texts are something else, and so
 * does a selection. */
static int need_tasks(outgoing *u, rn_export_opts *eo, rn_err *err)
{
    rn_export_format f = eo->format;
    bool whole = f == RN_EXPORT_EVALPLUS || f == RN_EXPORT_BIGCODEBENCH ||
                 f == RN_EXPORT_EVALPLUS_RESULTS || f == RN_EXPORT_BIGCODE || f == RN_EXPORT_RUNS;
    int rc = 0;
    if (whole && strncmp(u->run.extractor, "whole/", 6) != 0) {
        eo->program = make_program;
        rc = open_tasks(u, err);
    }
    if (rc || !rn_selection_any(&u->o->select)) return rc;
    eo->wants = wants;
    rc = open_tasks(u, err);
    u->chosen = rc ? NULL : rn_arena_array(&u->arena, u->tasks->n + 1, 1);
    if (!rc && !u->chosen) rc = rn_nomem(err, "problems");
    return rc ? rc : rn_select(&u->o->select, u->tasks, u->chosen, NULL, err);
}

/* A file is written under another name until it is complete. */
static int open_output(outgoing *u, const char *tmp, rn_err *err)
{
    const char *name = u->o->output;
    if (!name) return 0;
    size_t n = strlen(name);
    if (n > 3 && strcmp(name + n - 3, ".gz") == 0)
        u->gz = gzopen(tmp, "wb6");
    else
        u->file = fopen(tmp, "wb");
    return u->gz || u->file ? 0 : rn_fail_errno(err, "cannot create %s", tmp);
}

static int close_output(outgoing *u, const char *tmp, bool good, rn_err *err)
{
    if (!u->gz && !u->file) return 0;
    bool failed = u->gz ? gzclose(u->gz) != Z_OK : fclose(u->file) != 0;
    int rc = 0;
    if (good && failed) rc = rn_fail_errno(err, "cannot write %s", tmp);
    if (good && !failed && rename(tmp, u->o->output))
        rc = rn_fail_errno(err, "cannot rename %s to %s", tmp, u->o->output);
    if (!good || rc) unlink(tmp);
    return rc;
}

static int export_runs(outgoing *u, rn_store *s, rn_export_opts *eo, rn_export_stats *st,
                       rn_err *err)
{
    rn_path tmp;
    rn_path_make(&tmp, "%s.part", u->o->output ? u->o->output : "");
    int rc = need_tasks(u, eo, err);
    if (!rc) rc = open_output(u, tmp.s, err);
    if (!rc) {
        rc = rn_export(s, eo, st, err);
        rn_watch_end(&u->o->watch);
        int end = close_output(u, tmp.s, rc == 0, rc ? NULL : err);
        if (!rc) rc = end;
    }
    return rc;
}

/* Which run is meant where the form holds one and several are there. */
static int unclear(const outgoing *u, const char *format, rn_err *err)
{
    rn_watch_warn(&u->o->watch,
                  "'%s' holds one run; choose with --run, --model, -t or --greedy among", format);
    for (const char *p = u->list.data; p && *p;) {
        size_t n = strcspn(p, "\n");
        rn_watch_note(&u->o->watch, "%.*s", (int)n, p);
        p += n + (p[n] == '\n');
    }
    return rn_fail(err, RN_ELIMIT, "%zu %s fit", u->ids.n,
                   rn_plural((int64_t)u->ids.n, "run", "runs"));
}

int rn_export_options_check(const rn_export_options *o, rn_err *err)
{
    rn_export_format f;
    if (!o->format) return rn_fail(err, RN_EINVAL, "the form is missing: --format FORM");
    if (o->greedy && o->samples)
        return rn_fail(err, RN_EINVAL, "--greedy and --samples exclude each other");
    if (!o->output && !o->write) return rn_fail(err, RN_EINVAL, "an export needs an output");
    return rn_export_format_of(o->format, &f, err);
}

int rn_stage_export(rn_store *s, const rn_export_options *o, rn_export_summary *out, rn_err *err)
{
    outgoing u = {.w = {.watch = &o->watch, .what = "export"}, .o = o, .store = s};
    rn_export_stats st = {0};
    rn_export_opts eo = {.protocol_id = o->protocol_id,
                         .write = write_bytes,
                         .on_progress = on_progress,
                         .user = &u};
    int rc = rn_export_options_check(o, err);
    if (!rc) rc = rn_export_format_of(o->format, &eo.format, err);
    if (!rc && o->set) rc = rn_store_name_of(s, RN_STORE_SET, o->set, &u.arena, &u.set, err);
    if (!rc && o->model)
        rc = rn_store_name_of(s, RN_STORE_MODEL, o->model, &u.arena, &u.model, err);
    if (!rc) rc = rn_store_each_run(s, choose_run, &u, err);
    eo.run_ids = u.ids.data;
    eo.n_runs = u.ids.n;
    bool all = !rc && rn_export_takes_all(eo.format);
    if (!rc && u.ids.n == 0 && eo.format != RN_EXPORT_DIGEST)
        rc = rn_fail(err, RN_ENOTFOUND, "%s has no such run", rn_store_path(s));
    else if (!rc && !all && u.ids.n > 1)
        rc = unclear(&u, o->format, err);
    if (!rc) rc = export_runs(&u, s, &eo, &st, err);
    *out = (rn_export_summary){st.n_samples, st.n_missing, st.n_replaced};
    rn_taskset_free(u.tasks);
    rn_buf_free(&u.list);
    rn_buf_free(&u.code);
    rn_vec_free(&u.ids);
    rn_arena_free(&u.arena);
    return rc;
}

/* ---- merge ----------------------------------------------------------------------------------- */

static void on_conflict(void *user, const char *text)
{
    say(user, "conflict", text);
}

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int merge_one(rn_store *out, const char *path, walk *w, rn_merge_stats *st, rn_err *err)
{
    const rn_merge_opts opts = {on_conflict, on_progress, w};
    rn_store *in = NULL;
    if (same_file(rn_store_path(out), path))
        return rn_fail(err, RN_EINVAL, "%s: a file cannot be merged into itself", path);
    int rc = rn_store_open(path, RN_STORE_READ, &in, err);
    /* One unchanging view of an input that may still be written to. */
    if (!rc) rc = rn_store_begin(in, err);
    if (!rc) rc = rn_merge(out, in, &opts, st, err);
    rn_store_close(in);
    return rc;
}

int rn_stage_merge(rn_store *s, const rn_merge_options *o, rn_merge_summary *out, rn_err *err)
{
    walk w = {.watch = &o->watch, .what = "merge"};
    rn_merge_stats st = {0};
    int64_t command = 0;
    int rc = rn_watch_log_begin(&o->watch, s, &command, err);
    for (size_t i = 0; i < o->n_files && !rc; i++)
        rc = merge_one(s, o->files[i], &w, &st, err);
    rn_watch_end(&o->watch);
    if (!rc && o->n_files == 0) rc = rn_store_check(s, err);
    *out = (rn_merge_summary){.incomplete = st.n_conflicts > 0,
                              .n_samples = st.n_samples,
                              .n_present = st.n_present,
                              .n_verdicts = st.n_verdicts,
                              .n_scores = st.n_scores,
                              .n_conflicts = st.n_conflicts};
    rn_watch_log_end(s, command, rc, out->incomplete);
    return rc;
}

/* ---- fetch ----------------------------------------------------------------------------------- */

static int on_bytes(void *user, int64_t done, int64_t total)
{
    const walk *w = user;
    rn_watch_step(w->watch, &(rn_progress_step){.what = w->what,
                                                .unit = "bytes",
                                                .done = done,
                                                .total = total > 0 ? total : 0});
    return rn_watch_stops(w->watch);
}

int rn_public_set_at(size_t i, rn_public_set *out)
{
    const rn_source *s = rn_source_at(i);
    if (s) *out = (rn_public_set){s->name, s->size, s->url, s->sha256};
    return s ? 0 : RN_ENOTFOUND;
}

int rn_fetch_options_check(const char *name, const rn_fetch_options *o, rn_err *err)
{
    if (!rn_source_find(name)) {
        rn_buf known = {0};
        for (size_t i = 0; rn_source_at(i); i++)
            rn_buf_printf(&known, "%s%s", i ? ", " : "", rn_source_at(i)->name);
        int rc = rn_fail(err, RN_EINVAL, "no public set is called '%s'; there are %s", name,
                         rn_buf_ok(&known) ? known.data : "those of --list");
        rn_buf_free(&known);
        return rc;
    }
    if (o->from && o->url) return rn_fail(err, RN_EINVAL, "--from and --url exclude each other");
    return 0;
}

int rn_stage_fetch(const char *name, const rn_fetch_options *o, rn_fetch_summary *out, rn_err *err)
{
    const rn_source *src = rn_source_find(name);
    int rc = rn_fetch_options_check(name, o, err);
    if (rc) return rc;
    walk w = {.watch = &o->watch, .what = src->name};
    rn_fetched f = {0};
    const rn_fetch_opts fo = {.data_dir = rn_data_dir(o->data_dir),
                              .url = o->url,
                              .from = o->from,
                              .sha256 = o->sha256,
                              .again = o->again != 0,
                              .retries = o->retries,
                              .progress = on_bytes,
                              .user = &w};
    rc = rn_fetch(src, &fo, &f, err);
    rn_watch_end(&o->watch);
    if (rc) return rc;
    *out = (rn_fetch_summary){.name = src->name,
                              .set = src->check,
                              .n_problems = f.n,
                              .already = f.already,
                              .resumed = f.resumed,
                              .recorded = f.recorded,
                              .later = src->later};
    snprintf(out->path, sizeof out->path, "%s", f.path);
    snprintf(out->sha256, sizeof out->sha256, "%s", f.sha256);
    return 0;
}
