/* store_api.c: the store's part of ration.h: plain calls over import, export and the walks. */
#include "store/export.h"
#include "store/import.h"

#include <stdlib.h>

int rn_store_import(rn_store *s, const rn_import_file *f, int64_t *n_added, rn_err *err)
{
    if (!s || !f->path || !f->format || !f->set || !f->model)
        return rn_fail(err, RN_EINVAL,
                       "an import needs a store, a file, its format, set and model");
    rn_import_stats stats = {0};
    rn_import_opts opts = {
        .set_name = f->set, .set_hash = "", .model = f->model, .files = &f->path, .n_files = 1};
    int rc = rn_import_format_of(f->format, &opts.format, err);
    if (!rc) rc = rn_import(s, &opts, &stats, err);
    if (!rc && n_added) *n_added = stats.n_added;
    return rc;
}

int rn_store_export(rn_store *s, int64_t run_id, const char *format,
                    int (*write)(void *user, const char *data, size_t len), void *user, rn_err *err)
{
    if (!s || !format || !write)
        return rn_fail(err, RN_EINVAL, "an export needs a store, a format and where to write");
    rn_export_opts opts = {.run_ids = &run_id, .n_runs = 1, .write = write, .user = user};
    int rc = rn_export_format_of(format, &opts.format, err);
    return rc ? rc : rn_export(s, &opts, NULL, err);
}

typedef struct run_walk {
    int (*fn)(void *user, const rn_run_info *run);
    void *user;
} run_walk;

static int tell_run(void *user, const rn_store_run_row *r)
{
    const run_walk *w = user;
    const rn_run_info info = {.run_id = r->run_id,
                              .n_problems = r->n_problems,
                              .n_samples = r->n_samples,
                              .set = r->set_name,
                              .model = r->model_name,
                              .kind = r->kind,
                              .settings = r->settings};
    return w->fn(w->user, &info);
}

int rn_store_runs(rn_store *s, int (*fn)(void *user, const rn_run_info *run), void *user,
                  rn_err *err)
{
    run_walk w = {fn, user};
    return rn_store_each_run(s, tell_run, &w, err);
}

int rn_store_counts(rn_store *s, int64_t run_id, int64_t **n, int64_t **c, size_t *n_problems,
                    rn_err *err)
{
    rn_arena arena = {0};
    rn_store_outcome *o = NULL;
    size_t count = 0;
    int rc = rn_store_outcomes(s, run_id, 0, &arena, &o, &count, err);
    int64_t *ns = rc ? NULL : calloc(count + 1, sizeof *ns);
    int64_t *cs = rc ? NULL : calloc(count + 1, sizeof *cs);
    if (!rc && (!ns || !cs)) rc = rn_fail(err, RN_ENOMEM, "out of memory for the counts of a run");
    for (size_t i = 0; !rc && i < count; i++) {
        ns[i] = o[i].n;
        cs[i] = o[i].c;
    }
    rn_arena_free(&arena);
    if (rc) {
        free(ns);
        free(cs);
        return rc;
    }
    *n = ns;
    *c = cs;
    *n_problems = count;
    return 0;
}
