/*
 * demo.c: where the demo's models and problems lie, whether its store can go on, and where its
 * output goes (rn_demo_open of ration.h). The steps themselves are commands: src/cli/cmd_demo.c.
 */
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "store/store.h"
#include "task/task.h"

#include <unistd.h>

/* The bundled family, smallest first. */
static const char *const sizes[RN_DEMO_MODELS] = {"xs", "s", "m", "l"};

typedef struct demo {
    const rn_demo_options *o;
    rn_demo *out;
    rn_taskset *set;
    char sha[RN_DEMO_MODELS][RN_SHA256_HEX]; /* of the model files */
    rn_err *err;
} demo;

/* The path as one would type it: below the current folder without that folder. NULL: no memory. */
static char *typed(const char *path)
{
    char real[PATH_MAX], here[PATH_MAX];
    if (!realpath(path, real) || !getcwd(here, sizeof here)) return strdup(path);
    size_t n = strlen(here);
    bool below = strncmp(real, here, n) == 0 && real[n] == '/' && n > 1;
    return strdup(below ? real + n + 1 : real);
}

static int find_model(demo *d, size_t i, rn_err *err)
{
    char rel[64];
    snprintf(rel, sizeof rel, "models/ration-mini-%s.gguf", sizes[i]);
    rn_path path;
    const char *own = d->o->models_dir;
    if (own) rn_path_make(&path, "%s/%s", own, rel + strlen("models/"));
    bool found =
        own ? rn_file_exists(path.s) : rn_data_locate(rn_data_dir(d->o->data_dir), rel, &path);
    int rc = 0;
    if (found) {
        d->out->model[i] = typed(path.s);
        if (!d->out->model[i]) rc = rn_nomem(err, NULL);
    } else {
        rn_buf places = {0};
        if (own)
            rn_buf_puts(&places, path.s);
        else
            rn_data_places(rn_data_dir(d->o->data_dir), rel, &places);
        rc = rn_fail(err, RN_ENOTFOUND,
                     "the bundled model ration-mini-%s.gguf is not here (looked at %s); run the "
                     "program of a source tree's build folder or `make install`, or name the "
                     "folder with --models DIR",
                     sizes[i], places.data ? places.data : rel);
        rn_buf_free(&places);
    }
    return rc ? rc : rn_sha256_file(d->out->model[i], d->sha[i], err);
}

/* Paths of what is made, in a folder that can be written; a file shows whether it can. */
static int prepare_folder(demo *d, rn_err *err)
{
    const char *out = d->o->out;
    int rc = out ? rn_dir_make(out, err) : 0;
    if (rc) return rc;
    rn_path name;
    rn_path_make(&name, "%s/.ration-demo-XXXXXX", out ? out : ".");
    int fd = mkstemp(name.s);
    if (fd < 0)
        rc = rn_fail(err, RN_EREADONLY, "%s: cannot be written (%s); %s", out ? out : "this folder",
                     strerror(errno),
                     out ? "name another folder with --out DIR"
                         : "name one that can be with --out DIR");
    else {
        close(fd);
        unlink(name.s);
    }
    const char *dir = out ? out : "", *slash = out ? "/" : "";
    for (int i = 0; i < 2 && !rc; i++)
        *(i ? &d->out->page : &d->out->db) =
            strdup(rn_path_make(&name, "%s%s%s", dir, slash, i ? "report.html" : "demo.db"));
    return rc || (d->out->db && d->out->page) ? rc : rn_nomem(err, NULL);
}

/* ---- what is there already ------------------------------------------------------------------- */

/* Samples of other model files, of another version of the set or of ration would stand beside those
 * of this demo in every table. */
static int check_run(void *user, const rn_store_run_row *r)
{
    demo *d = user;
    bool ours = strcmp(r->set_name, d->set->name) == 0 && strcmp(r->set_hash, d->set->hash) == 0;
    bool file = false;
    for (size_t i = 0; i < RN_DEMO_MODELS; i++)
        file |= strcmp(r->model_sha, d->sha[i]) == 0;
    json_t *settings = json_loads(r->settings, 0, NULL);
    const char *version = json_string_value(json_object_get(settings, "version"));
    bool same = version && strcmp(version, rn_version()) == 0;
    json_decref(settings);
    d->out->n_samples += r->n_samples;
    if (ours && file && same) return 0;
    return rn_fail(d->err, RN_EVERSION,
                   "%s holds samples of %s on %s that this demo did not make (%s); move the file "
                   "away or name another folder with --out DIR",
                   d->out->db, r->model_name, r->set_name,
                   !ours   ? "another problem set, or another version of it"
                   : !file ? "another model file"
                           : "another version of ration");
}

static int check_store(demo *d, rn_err *err)
{
    if (!rn_file_exists(d->out->db)) return 0;
    rn_store *s;
    int rc = rn_store_open(d->out->db, RN_STORE_READ, &s, err);
    if (rc) return rc;
    d->err = err;
    d->out->is_there = 1;
    rc = rn_store_each_run(s, check_run, d, err);
    rn_store_close(s);
    return rc;
}

/* ---- all of it ------------------------------------------------------------------------------- */

int rn_demo_open(const rn_demo_options *o, rn_demo *out, rn_err *err)
{
    *out = (rn_demo){0};
    demo d = {.o = o, .out = out};
    int rc = rn_taskset_open(o->set, rn_data_dir(o->data_dir), &d.set, err);
    for (size_t i = 0; i < RN_DEMO_MODELS && !rc; i++) {
        out->size[i] = sizes[i];
        rc = find_model(&d, i, err);
    }
    if (!rc) rc = prepare_folder(&d, err);
    if (!rc) rc = check_store(&d, err);
    if (!rc) out->n_problems = (int64_t)d.set->n;
    rn_taskset_free(d.set);
    if (rc) rn_demo_close(out);
    return rc;
}

void rn_demo_close(rn_demo *d)
{
    for (size_t i = 0; i < RN_DEMO_MODELS; i++)
        free(d->model[i]);
    free(d->db);
    free(d->page);
    *d = (rn_demo){0};
}
