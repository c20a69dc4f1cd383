/*
 * task.c: opening a set: which file, which form, then record by record.
 *
 * The form follows from the fields of the first record, never from the file's name. A file whose
 * first line is a whole JSON object is JSON lines; anything else is one document, an object or an
 * array of them (sanitized-mbpp.json, a problem.json that was written by hand). The rows of a
 * Parquet file are lines, too (base/file.h).
 */
#include "task/load_priv.h"

#include "base/file.h"
#include "base/near.h"

#include <dirent.h>
#include <sys/stat.h>

/* One APPS problem with its tests can take 100 MB; a whole document is read at once. */
enum { MAX_LINE_BYTES = 1 << 29, MAX_DOCUMENT_BYTES = 1 << 30 };

/* ---- forms ----------------------------------------------------------------------------------- */

static const struct form {
    const char *fields[2]; /* both are there: this form */
    rn_record_fn *read;
    const char *preset;
} forms[] = {
    {{"base_input", "plus_input"}, rn_load_evalplus, "humaneval-0shot"},
    {{"declaration", "test"}, rn_load_humaneval_x, "humaneval-x"},
    {{"complete_prompt", "test"}, rn_load_bigcodebench, "bigcodebench"},
    {{"name", "stop_tokens"}, rn_load_multipl_e, "multipl-e"},
    {{"question_content", "public_test_cases"}, rn_load_livecodebench, "livecodebench"},
    {{"src", "meta"}, rn_load_humaneval, "leetcode"},
    {{"query", "problem_description"}, rn_load_humaneval, "leetcode"},
    {{"entry_point", "test"}, rn_load_humaneval, "humaneval-0shot"},
    {{"test_list", "task_id"}, rn_load_mbpp, "mbpp-3shot"},
    {{"question", "input_output"}, rn_load_apps, "apps-2shot"},
    {{"name", "test_cases"}, rn_load_codecontests, "apps-2shot"},
    {{"name", "public_tests"}, rn_load_codecontests, "apps-2shot"},
};

rn_record_fn *rn_load_detect(const json_t *rec, const char **preset)
{
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        const char *const *f = forms[i].fields;
        if (!json_object_get(rec, f[0]) || (f[1] && !json_object_get(rec, f[1]))) continue;
        *preset = forms[i].preset;
        return forms[i].read;
    }
    return NULL;
}

static int unknown_form(const json_t *rec, rn_json_at at, rn_err *err)
{
    rn_buf b = {0};
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)rec, key, v)
    {
        if (b.len < 120) rn_buf_printf(&b, "%s%.40s", b.len ? ", " : "", key);
    }
    int rc =
        rn_fail_at(err, RN_EFORMAT, at.line, -1,
                   "%s: line %lld: the fields (%s) are those of no known form; HumanEval's has "
                   "task_id, prompt, entry_point and test",
                   at.path, (long long)at.line, b.len ? b.data : "none");
    rn_buf_free(&b);
    return rc;
}

/* The first record decides; *read is kept for the others. */
static int load_record(rn_loader *l, const json_t *rec, rn_json_at at, rn_record_fn **read,
                       rn_err *err)
{
    if (!json_is_object(rec))
        return rn_fail_at(err, RN_EFORMAT, at.line, -1,
                          "%s: line %lld: a problem is a JSON object, this is not one", at.path,
                          (long long)at.line);
    if (!*read) {
        const char *preset = NULL;
        *read = rn_load_detect(rec, &preset);
        if (!*read) return unknown_form(rec, at, err);
        if (!l->spec) l->set->preset = preset;
    }
    l->n_records++;
    return (*read)(l, rec, at, err);
}

/* ---- JSON lines and documents ---------------------------------------------------------------- */

static bool is_blank(rn_bytes s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!strchr(" \t\r", s.data[i]) || s.data[i] == '\0') return false;
    return true;
}

static int load_line(rn_loader *l, rn_bytes line, rn_json_at at, rn_record_fn **read, rn_err *err)
{
    if (is_blank(line)) return 0;
    const bool calls = rn_bytes_find(line, rn_bytes_of("\"plus_input\""), 0) != SIZE_MAX;
    if (calls && (!*read || *read == rn_load_evalplus)) {
        *read = rn_load_evalplus;
        if (!l->spec) l->set->preset = "humaneval-0shot";
        return rn_load_evalplus_line(l, line, at, err);
    }
    json_t *rec = NULL;
    int rc = rn_json_parse(line, at, &rec, err);
    if (rc) return rc;
    rc = load_record(l, rec, at, read, err);
    json_decref(rec);
    return rc;
}

static int load_document(rn_loader *l, rn_bytes text, const char *path, rn_err *err)
{
    json_t *doc = NULL;
    rn_record_fn *read = NULL;
    int rc = rn_json_parse(text, (rn_json_at){.path = path}, &doc, err);
    if (rc) return rc;
    if (!json_is_array(doc)) {
        rc = load_record(l, doc, (rn_json_at){.path = path}, &read, err);
    } else {
        /* Entries have no line of their own; their place in the array stands for it. */
        for (size_t i = 0; i < json_array_size(doc) && !rc; i++)
            rc = load_record(l, json_array_get(doc, i),
                             (rn_json_at){.path = path, .line = (int64_t)i + 1}, &read, err);
    }
    json_decref(doc);
    return rc;
}

/* True if text is no complete JSON object by itself, so that lines are not records. */
static bool is_document_start(rn_bytes first_line)
{
    rn_err ignored;
    json_t *v = NULL;
    int rc = rn_json_parse(first_line, (rn_json_at){.path = "", .line = 1}, &v, &ignored);
    bool array = v && json_is_array(v);
    if (v) json_decref(v);
    return rc == RN_ETRUNCATED || array;
}

/* *read: the reader of the set's records, NULL before the first. */
static int load_file(rn_loader *l, const char *path, rn_record_fn **read, rn_err *err)
{
    rn_reader *r = NULL;
    rn_bytes line;
    bool document = false;
    int rc = rn_reader_open(path, &r, err);
    if (rc) return rc;
    while ((rc = rn_reader_line(r, MAX_LINE_BYTES, &line, err)) > 0) {
        if (!*read && !is_blank(line) && is_document_start(line)) {
            document = true;
            break;
        }
        rc =
            load_line(l, line, (rn_json_at){.path = path, .line = rn_reader_line_no(r)}, read, err);
        if (rc) break;
    }
    rn_reader_close(r);
    if (!document) return rc;

    rn_buf all = {0};
    rc = rn_file_read(path, MAX_DOCUMENT_BYTES, &all, err);
    if (!rc) rc = load_document(l, rn_buf_view(&all), path, err);
    rn_buf_free(&all);
    return rc;
}

/* ---- folders --------------------------------------------------------------------------------- */

static bool has_tail(const char *name, const char *tail)
{
    const size_t n = strlen(name), t = strlen(tail);
    return n > t && strcmp(name + n - t, tail) == 0;
}

static int choose_part(const struct dirent *e)
{
    return e->d_name[0] != '.' &&
           (has_tail(e->d_name, ".parquet") || has_tail(e->d_name, ".jsonl") ||
            has_tail(e->d_name, ".jsonl.gz"));
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return rn_natural_cmp((*a)->d_name, (*b)->d_name);
}

/* The parts of a set that is several files, as hubs have them (test-00000-of-00003.parquet, or
 * test.jsonl, test2.jsonl): where some are of the test split, these. *n is 0 where there are none.
 */
static int load_parts(rn_loader *l, const char *path, size_t *n, rn_err *err)
{
    struct dirent **names = NULL;
    const int found = scandir(path, &names, choose_part, by_name);
    if (found < 0) return rn_fail_errno(err, "cannot open %s", path);
    bool tests = false;
    for (int i = 0; i < found; i++)
        tests |= strncmp(names[i]->d_name, "test", 4) == 0;
    rn_record_fn *read = NULL;
    int rc = 0;
    *n = 0;
    for (int i = 0; i < found; i++) {
        if (!rc && (!tests || strncmp(names[i]->d_name, "test", 4) == 0)) {
            char *part = rn_arena_printf(&l->set->arena, "%s/%s", path, names[i]->d_name);
            rc = part ? load_file(l, part, &read, err) : rn_nomem(err, path);
            ++*n;
        }
        free(names[i]);
    }
    free(names);
    return rc;
}

static bool has_parts(const char *path)
{
    struct dirent **names = NULL;
    const int found = scandir(path, &names, choose_part, NULL);
    for (int i = 0; i < found; i++)
        free(names[i]);
    free(names);
    return found > 0;
}

/* A folder of parts, or one of a hub, whose data/ (TACO's ALL/) holds them; or APPS' folders: that
 * of the problems itself, or the one that holds test/ (and train/). */
static int load_folder(rn_loader *l, const char *path, rn_err *err)
{
    rn_buf inner = {0};
    size_t n = 0;
    int rc = load_parts(l, path, &n, err);
    if (rc || n) return rc;
    static const char *const within[] = {"data", "ALL"};
    for (size_t i = 0; i < sizeof within / sizeof within[0] && !rc && !n; i++) {
        rn_buf_clear(&inner);
        rn_buf_printf(&inner, "%s/%s", path, within[i]);
        if (rn_buf_ok(&inner) && rn_file_exists(inner.data))
            rc = load_parts(l, inner.data, &n, err);
    }
    if (!rc && !n) {
        rn_buf_clear(&inner);
        rn_buf_printf(&inner, "%s/test", path);
        const bool test = rn_buf_ok(&inner) && rn_file_exists(inner.data);
        if (!l->spec) l->set->preset = "apps-2shot";
        rc = rn_load_apps_folder(l, test ? inner.data : path, err);
    }
    rn_buf_free(&inner);
    return rc;
}

static int load_bytes(rn_loader *l, rn_bytes text, const char *path, rn_err *err)
{
    rn_record_fn *read = NULL;
    int64_t no = 0;
    for (size_t pos = 0; pos < text.len;) {
        const char *nl = memchr(text.data + pos, '\n', text.len - pos);
        size_t end = nl ? (size_t)(nl - text.data) : text.len;
        rn_bytes line = {.data = text.data + pos, .len = end - pos};
        no++;
        if (!read && !is_blank(line) && is_document_start(line))
            return load_document(l, text, path, err);
        int rc = load_line(l, line, (rn_json_at){.path = path, .line = no}, &read, err);
        if (rc) return rc;
        pos = end + 1;
    }
    return 0;
}

/* ---- sets ------------------------------------------------------------------------------------ */

static int set_new(const char *path, const rn_set_spec *spec, rn_taskset **out, rn_err *err)
{
    rn_taskset *set = calloc(1, sizeof *set);
    if (!set) return rn_nomem(err, path);
    set->path = rn_arena_strdup(&set->arena, path);
    const rn_bytes stem = rn_file_stem(path);
    set->name = spec ? spec->name : rn_arena_dup(&set->arena, stem.data, stem.len);
    set->preset = spec ? spec->preset : "humaneval-0shot";
    if (!set->path || !set->name) {
        rn_taskset_free(set);
        return rn_nomem(err, path);
    }
    *out = set;
    return 0;
}

void rn_taskset_free(rn_taskset *set)
{
    if (!set) return;
    rn_arena arena = set->arena;
    free(set);
    rn_arena_free(&arena);
}

static int set_close_loader(rn_loader *l, int rc, rn_taskset **out, rn_err *err)
{
    if (!rc) rc = rn_load_finish(l, err);
    rn_load_free(l);
    if (rc)
        rn_taskset_free(l->set);
    else
        *out = l->set;
    return rc;
}

int rn_load_path(const char *path, const rn_set_spec *spec, rn_taskset **out, rn_err *err)
{
    rn_loader l = {.spec = spec};
    struct stat st;
    int rc = set_new(path, spec, &l.set, err);
    if (rc) return rc;
    bool folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    rn_record_fn *read = NULL;
    rc = folder ? load_folder(&l, path, err) : load_file(&l, path, &read, err);
    return set_close_loader(&l, rc, out, err);
}

int rn_taskset_parse(rn_bytes text, const char *path, rn_taskset **out, rn_err *err)
{
    rn_loader l = {0};
    int rc = set_new(path, NULL, &l.set, err);
    if (rc) return rc;
    return set_close_loader(&l, load_bytes(&l, text, path, err), out, err);
}

static int unknown_set(const char *name, rn_err *err)
{
    char hint[RN_NEAR_HINT];
    rn_buf b = {0};
    for (size_t i = 0; rn_set_at(i); i++)
        rn_buf_printf(&b, "%s%s", i ? ", " : "", rn_set_at(i)->name);
    int rc =
        rn_fail(err, RN_ENOTFOUND,
                "no problem set is called '%s'%s; known are %s, or give the path of a file", name,
                rn_buf_ok(&b) ? rn_near_hint(name, b.data, hint) : "", rn_buf_ok(&b) ? b.data : "");
    rn_buf_free(&b);
    return rc;
}

static int not_there(const rn_set_spec *spec, const char *data_dir, rn_err *err)
{
    rn_buf b = {0};
    for (size_t i = 0; spec->files[i]; i++)
        rn_buf_printf(&b, "%s%s", i ? ", " : "", spec->files[i]);
    const char *files = rn_buf_ok(&b) ? b.data : "";
    int rc = spec->source
                 ? rn_fail(err, RN_ENOTFOUND,
                           "the problem set %s is not in %s (looked for %s); get it with 'ration "
                           "fetch %s', or name its folder with --data",
                           spec->name, data_dir && *data_dir ? data_dir : "the data folder", files,
                           spec->source)
             : strcmp(spec->name, "mini") != 0
                 ? rn_fail(err, RN_ENOTFOUND,
                           "the problem set %s is not in %s (looked for %s); put its published "
                           "file there, or name its folder with --data",
                           spec->name, data_dir && *data_dir ? data_dir : "the data folder", files)
                 : rn_fail(err, RN_ENOTFOUND,
                           "the problem set %s (%s) comes with ration but is not beside this "
                           "program; install ration whole, or name its data folder with --data",
                           spec->name, files);
    rn_buf_free(&b);
    return rc;
}

/* A store calls a set of one's own by its file's stem; the file is looked for in the current
 * folder. */
static int open_here(const char *name, rn_taskset **out, rn_err *err)
{
    static const char *const tails[] = {".jsonl", ".jsonl.gz", ".json", ".parquet"};
    rn_path path;
    int rc = RN_ENOTFOUND;
    for (size_t i = 0; i < sizeof tails / sizeof tails[0] && rc == RN_ENOTFOUND; i++)
        if (rn_file_exists(rn_path_make(&path, "%s%s", name, tails[i])))
            rc = rn_load_path(path.s, NULL, out, err);
    return rc == RN_ENOTFOUND ? unknown_set(name, err) : rc;
}

int rn_taskset_open(const char *name, const char *data_dir, rn_taskset **out, rn_err *err)
{
    const rn_set_spec *spec = rn_set_find(name);
    if (!spec) {
        bool path_like = strpbrk(name, "/.") != NULL || rn_file_exists(name);
        return path_like ? rn_load_path(name, NULL, out, err) : open_here(name, out, err);
    }
    rn_path path;
    data_dir = rn_data_dir(data_dir);
    if (spec->folder && rn_data_locate(data_dir, spec->folder, &path) && has_parts(path.s))
        return rn_load_path(path.s, spec, out, err);
    for (size_t i = 0; spec->files[i]; i++)
        if (rn_data_locate(data_dir, spec->files[i], &path))
            return rn_load_path(path.s, spec, out, err);
    return not_there(spec, data_dir, err);
}

/* ---- look-up --------------------------------------------------------------------------------- */

static const rn_problem *find_exact(const rn_taskset *set, const char *task_id)
{
    size_t lo = 0, hi = set->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = rn_natural_cmp(task_id, set->problems[mid].task_id);
        if (c == 0) return &set->problems[mid];
        if (c < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

/* "11", "Mbpp/11": the number alone, or the prefix in another case, as other harnesses write it. */
const rn_problem *rn_taskset_find(const rn_taskset *set, const char *task_id)
{
    const rn_problem *p = find_exact(set, task_id);
    if (p) return p;
    const char *first = set->problems[0].task_id, *slash = strrchr(first, '/');
    const char *given = strrchr(task_id, '/');
    const char *number = given ? given + 1 : task_id;
    if (!slash || !*number || number[strspn(number, "0123456789")]) return NULL;
    size_t prefix = (size_t)(slash - first) + 1;
    if (given && ((size_t)(number - task_id) != prefix || strncasecmp(first, task_id, prefix) != 0))
        return NULL;
    rn_buf full = {0};
    rn_buf_add(&full, first, prefix);
    rn_buf_puts(&full, number);
    if (rn_buf_ok(&full)) p = find_exact(set, full.data);
    rn_buf_free(&full);
    return p;
}
