/*
 * set_file.c: see set_file.h.
 *
 * The path is provenance: it names no set, and no digest holds it. What is read there counts only
 * where its content has the hash of the store's set; a store may come from another machine, or a
 * stranger, so that the path is looked at and nothing but a plain file or a folder is opened.
 */
#include "run/set_file.h"

#include <sys/stat.h>
#include <unistd.h>

const char *rn_set_file(const rn_taskset *set, const char *asked, rn_path *path)
{
    char here[PATH_MAX];
    if (!set->path || !*set->path || rn_set_find(asked ? asked : set->name)) return NULL;
    if (!rn_file_exists(set->path)) return NULL;
    if (set->path[0] == '/') return set->path;
    if (!getcwd(here, sizeof here)) return NULL;
    return rn_path_make(path, "%s/%s", here,
                        strncmp(set->path, "./", 2) == 0 ? set->path + 2 : set->path);
}

int rn_set_put(rn_store *s, const rn_taskset *set, const char *asked, int64_t *set_id, rn_err *err)
{
    rn_path path;
    const rn_store_set x = {
        .name = set->name, .hash = set->hash, .path = rn_set_file(set, asked, &path)};
    return rn_store_put_set(s, &x, set_id, err);
}

static bool can_be_read(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) &&
           access(path, R_OK) == 0;
}

/* The file has been changed: nothing else of that name is what the samples are of. */
static int is_changed(const rn_store *s, const char *name, const char *path, rn_err *err)
{
    return rn_fail(err, RN_EINVAL,
                   "the samples of %s are of the set '%s' from %s, which holds something else by "
                   "now; give the file that it was with -t, or import the samples again for the "
                   "new one",
                   rn_store_path(s), name, path);
}

int rn_set_reopen(rn_store *s, const char *name, const char *data_dir, rn_taskset **out,
                  rn_err *err)
{
    rn_arena arena = {0};
    const char *path = NULL, *hash = NULL;
    int rc = rn_store_set_path(s, name, &arena, &path, &hash, err);
    if (!rc && path && can_be_read(path)) {
        rc = rn_taskset_open(path, NULL, out, err);
        if (!rc && *hash && strcmp((*out)->hash, hash) != 0) {
            rn_taskset_free(*out);
            *out = NULL;
            rc = is_changed(s, name, path, err);
        }
    } else if (!rc) {
        rc = rn_taskset_open(name, data_dir, out, err);
        if (rc && path)
            rc = rn_fail(err, rc,
                         "the samples of %s are of the set '%s' from %s, which is not there any "
                         "more; give its path with -t",
                         rn_store_path(s), name, path);
        else if (rc && !rn_set_find(name))
            rc = rn_fail(err, rc,
                         "%s has samples of the set '%s', which came from a file that is not in "
                         "this folder; give its path with -t, e.g. -t FOLDER/%s.jsonl",
                         rn_store_path(s), name, name);
    }
    rn_arena_free(&arena);
    return rc;
}
