/* batch_folder.c: the files of a job; see batch_folder.h for what they hold. */
#include "run/batch_folder.h"

#include "base/jout.h"
#include "base/json.h"

enum { FORM = 2, MAX_JSON = 1 << 22 };

static const char *const state_names[] = {"new", "running", "stopped", "failed", "done"};

const char *rn_batch_path(const char *folder, const char *name, rn_path *path)
{
    return rn_path_make(path, "%s/%s", folder, name);
}

const char *rn_task_path(const char *folder, int64_t task, const char *ending, rn_path *path)
{
    return rn_path_make(path, "%s/%04lld.%s", folder, (long long)task, ending);
}

/* Frees the text. */
static int write_file(const char *name, rn_buf *text, rn_err *err)
{
    int rc =
        rn_buf_ok(text) ? rn_file_write_atomic(name, rn_buf_view(text), err) : rn_nomem(err, name);
    rn_buf_free(text);
    return rc;
}

/* ---- the job --------------------------------------------------------------------------------- */

int rn_batch_job_write(const char *folder, const rn_batch_job *job, rn_err *err)
{
    rn_path path;
    rn_buf out = {0};
    rn_buf_putc(&out, '{');
    rn_jout_whole(&out, "form", FORM);
    rn_jout_text(&out, "id", job->id);
    rn_jout_text(&out, "version", job->version);
    rn_jout_text(&out, "store", job->store);
    rn_jout_text(&out, "program", job->program);
    rn_jout_text(&out, "cwd", job->cwd);
    rn_jout_text(&out, "kernels", job->kernels);
    rn_jout_key(&out, "sbatch"); /* may be empty, which rn_jout_text leaves out */
    rn_buf_json(&out, rn_bytes_of(job->sbatch));
    rn_jout_whole(&out, "tasks", job->n_tasks);
    rn_jout_whole(&out, "tries", job->n_tries);
    rn_jout_whole(&out, "every_s", job->every_s);
    rn_jout_whole(&out, "rows", job->n_rows);
    rn_jout_open(&out, "args", "[");
    for (size_t i = 0; i < job->args.n; i++) {
        rn_jout_item(&out);
        rn_buf_json(&out, rn_bytes_of(job->args.data[i]));
    }
    rn_buf_puts(&out, "]}\n");
    return write_file(rn_batch_path(folder, "job.json", &path), &out, err);
}

/* A string member as a copy in the job's arena; it may hold no NUL. */
static int copy_text(rn_batch_job *job, const json_t *v, const char *key, rn_json_at at,
                     const char **out, rn_err *err)
{
    rn_bytes b;
    int rc = rn_json_bytes(v, key, at, &b, err);
    if (rc) return rc;
    *out = rn_arena_dup(&job->arena, b.data, b.len);
    return *out ? 0 : rn_nomem(err, at.path);
}

static int read_args(rn_batch_job *job, const json_t *v, rn_json_at at, rn_err *err)
{
    json_t *list = NULL, *item;
    size_t i;
    int rc = rn_json_array(v, "args", at, &list, err);
    if (rc) return rc;
    json_array_foreach(list, i, item)
    {
        const char *s = json_string_value(item);
        if (!s)
            return rn_fail(err, RN_EFORMAT, "%s: field 'args' is not a list of strings", at.path);
        rn_vec_push(&job->args, rn_arena_strdup(&job->arena, s));
    }
    rn_vec_push(&job->args, NULL);
    if (!rn_vec_ok(&job->args)) return rn_nomem(err, at.path);
    job->args.n--; /* the NULL is behind the words */
    return job->args.n ? 0 : rn_fail(err, RN_EFORMAT, "%s: field 'args' is empty", at.path);
}

static int parse_job(rn_batch_job *job, rn_bytes text, const char *path, rn_err *err)
{
    json_t *v = NULL;
    const char *id = NULL;
    int64_t form = 0;
    rn_json_at at = {path, 0};
    int rc = rn_json_parse(text, at, &v, err);
    if (!rc) rc = rn_json_int(v, "form", at, &form, err);
    if (!rc && form != FORM)
        rc = rn_fail(err, RN_EVERSION, "%s: made by another version of ration (form %lld, here %d)",
                     path, (long long)form, FORM);
    if (!rc) rc = copy_text(job, v, "id", at, &id, err);
    if (!rc) rc = copy_text(job, v, "version", at, &job->version, err);
    if (!rc) rc = copy_text(job, v, "store", at, &job->store, err);
    if (!rc) rc = copy_text(job, v, "program", at, &job->program, err);
    if (!rc) rc = copy_text(job, v, "cwd", at, &job->cwd, err);
    if (!rc) rc = copy_text(job, v, "kernels", at, &job->kernels, err);
    if (!rc) rc = copy_text(job, v, "sbatch", at, &job->sbatch, err);
    if (!rc) rc = rn_json_int(v, "tasks", at, &job->n_tasks, err);
    if (!rc) rc = rn_json_int(v, "tries", at, &job->n_tries, err);
    if (!rc) rc = rn_json_int(v, "every_s", at, &job->every_s, err);
    if (!rc) rc = rn_json_int(v, "rows", at, &job->n_rows, err);
    if (!rc) rc = read_args(job, v, at, err);
    if (!rc && (job->n_tasks < 1 || job->n_tasks > RN_BATCH_MAX_TASKS || job->every_s < 1))
        rc = rn_fail(err, RN_EFORMAT, "%s: its number of tasks or seconds is out of range", path);
    if (!rc) snprintf(job->id, sizeof job->id, "%s", id);
    json_decref(v);
    return rc;
}

int rn_batch_job_read(const char *folder, rn_batch_job *job, rn_err *err)
{
    rn_path path;
    rn_buf text = {0};
    *job = (rn_batch_job){0};
    const char *name = rn_batch_path(folder, "job.json", &path);
    int rc = rn_file_read(name, MAX_JSON, &text, err);
    if (!rc) rc = parse_job(job, rn_buf_view(&text), name, err);
    if (rc) rn_batch_job_free(job);
    rn_buf_free(&text);
    return rc;
}

void rn_batch_job_free(rn_batch_job *job)
{
    rn_vec_free(&job->args);
    rn_arena_free(&job->arena);
}

/* ---- a task's state -------------------------------------------------------------------------- */

int rn_task_report_write(const char *folder, int64_t task, const rn_task_report *r, rn_err *err)
{
    rn_path path;
    rn_buf out = {0};
    rn_buf_putc(&out, '{');
    rn_jout_text(&out, "state", state_names[r->state]);
    rn_jout_whole(&out, "attempt", r->attempt);
    rn_jout_whole(&out, "done", r->n_done);
    rn_jout_whole(&out, "rows", r->n_rows);
    rn_jout_boolean(&out, "missing", r->missing);
    rn_jout_number(&out, "seconds", r->seconds);
    rn_jout_text(&out, "host", r->host);
    rn_jout_text(&out, "sandbox", r->sandbox);
    rn_jout_text(&out, "message", r->message);
    rn_buf_puts(&out, "}\n");
    return write_file(rn_task_path(folder, task, "json", &path), &out, err);
}

static void take_text(const json_t *v, const char *key, char *out, size_t size)
{
    const char *s = json_string_value(json_object_get(v, key));
    snprintf(out, size, "%s", s ? s : "");
}

static int64_t take_int(const json_t *v, const char *key)
{
    return json_integer_value(json_object_get(v, key));
}

void rn_task_report_read(const char *folder, int64_t task, rn_task_report *r)
{
    rn_path path;
    rn_buf text = {0};
    json_t *v = NULL;
    *r = (rn_task_report){0};
    const char *name = rn_task_path(folder, task, "json", &path);
    if (rn_file_read(name, MAX_JSON, &text, NULL) == 0 &&
        rn_json_parse(rn_buf_view(&text), (rn_json_at){name, 0}, &v, NULL) == 0) {
        char state[16];
        take_text(v, "state", state, sizeof state);
        for (int i = 0; i <= RN_TASK_DONE; i++)
            if (strcmp(state, state_names[i]) == 0) r->state = (rn_task_state)i;
        r->attempt = take_int(v, "attempt");
        r->n_done = take_int(v, "done");
        r->n_rows = take_int(v, "rows");
        r->missing = json_is_true(json_object_get(v, "missing"));
        r->seconds = json_number_value(json_object_get(v, "seconds"));
        take_text(v, "host", r->host, sizeof r->host);
        take_text(v, "sandbox", r->sandbox, sizeof r->sandbox);
        take_text(v, "message", r->message, sizeof r->message);
    }
    json_decref(v);
    rn_buf_free(&text);
}
