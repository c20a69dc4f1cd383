/*
 * import_folder.c: evalplus' folders of programs: DIR/HumanEval_0/0.py, 1.py, ... The name of a
 * folder is the problem's id with '_' for '/', the number of a file the place of the sample.
 */
#include "store/import_priv.h"

#include <dirent.h>
#include <sys/stat.h>

enum { MAX_PROGRAM = 64 << 20 };

typedef RN_VEC(char *) names;

/* By the number that a name begins with, then by its bytes. */
static int by_number(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    long long i = strtoll(x, NULL, 10), j = strtoll(y, NULL, 10);
    return i != j ? (i > j) - (i < j) : strcmp(x, y);
}

/* The entries of a folder that end in `end`, sorted. */
static int list_names(const char *folder, const char *end, rn_arena *a, names *out, rn_err *err)
{
    DIR *d = opendir(folder);
    if (!d) return rn_fail_errno(err, "cannot open the folder %s", folder);
    struct dirent *e;
    size_t n_end = strlen(end);
    while ((e = readdir(d))) {
        size_t n = strlen(e->d_name);
        if (e->d_name[0] == '.' || n < n_end || strcmp(e->d_name + n - n_end, end) != 0) continue;
        char *name = rn_arena_strdup(a, e->d_name);
        if (!name || !rn_vec_push(out, name)) out->failed = true;
    }
    closedir(d);
    if (!rn_vec_ok(out)) return rn_nomem(err, folder);
    if (out->n) qsort(out->data, out->n, sizeof *out->data, by_number);
    return 0;
}

/* "HumanEval_0" is HumanEval/0; with ids that are taken as they come the last '_' was the '/'. */
static int find_folder(rn_importer *im, const char *name, rn_import_entry **out, rn_err *err)
{
    char id[256];
    snprintf(id, sizeof id, "%s", name);
    char *last = strrchr(id, '_');
    if (last) *last = '/';
    rn_import_entry *e = rn_idmap_find(&im->map, rn_bytes_of(name));
    if (!e) return rn_import_find(im, rn_bytes_of(id), 0, out, err);
    *out = e;
    return 0;
}

static int one_problem(rn_importer *im, const char *name, rn_err *err)
{
    rn_import_entry *p = NULL;
    names files = {0};
    rn_arena a = {0};
    rn_buf text = {0};
    const char *folder = rn_arena_printf(&a, "%s/%s", im->path, name);
    int rc = find_folder(im, name, &p, err);
    if (!rc) rc = folder ? list_names(folder, ".py", &a, &files, err) : rn_nomem(err, im->path);
    for (size_t i = 0; !rc && i < files.n; i++) {
        const char *path = rn_arena_printf(&a, "%s/%s", folder, files.data[i]);
        rc = path ? rn_file_read(path, MAX_PROGRAM, &text, err) : rn_nomem(err, im->path);
        rn_import_row x = rn_import_row_new(rn_buf_view(&text));
        if (!x.text.data) x.text = (rn_bytes){"", 0};
        if (!rc) rc = rn_import_sample(im, p, &x, 0, err);
        if (rc) rc = rn_import_bad(im, rc, err);
    }
    rn_vec_free(&files);
    rn_buf_free(&text);
    rn_arena_free(&a);
    return rc;
}

bool rn_import_is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int rn_import_folder(rn_importer *im, rn_err *err)
{
    names folders = {0};
    rn_arena a = {0};
    int rc = list_names(im->path, "", &a, &folders, err);
    for (size_t i = 0; !rc && i < folders.n; i++) {
        const char *path = rn_arena_printf(&a, "%s/%s", im->path, folders.data[i]);
        if (!path || !rn_import_is_folder(path)) continue;
        rc = one_problem(im, folders.data[i], err);
        if (rc) rc = rn_import_bad(im, rc, err);
    }
    rn_vec_free(&folders);
    rn_arena_free(&a);
    return rc;
}
