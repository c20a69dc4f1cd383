/* data.c: bundled files are found from the program's own place, so that nothing is compiled in. */
#include "base/data.h"

#include "base/file.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

/* Roots relative to the program's folder: build/ration, build/KIND/ration, tests under those,
 * installed. In a source tree data lies in `data/`, models beside it. */
static const struct {
    const char *root, *data;
} beside[] = {{"..", "data/"}, {"../..", "data/"}, {"../../..", "data/"}, {"../share/ration", ""}};

enum { N_PLACES = 1 + sizeof beside / sizeof beside[0] };

/* The i-th place; false where there is none: no data folder, no program's folder. */
static bool place(size_t i, const char *data_dir, const char *rel, rn_buf *path)
{
    rn_buf_clear(path);
    if (i == 0) {
        if (data_dir && *data_dir) rn_buf_printf(path, "%s/%s", data_dir, rel);
        return path->len > 0 && rn_buf_ok(path);
    }
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (n <= 0) return false;
    exe[n] = '\0';
    char *slash = strrchr(exe, '/');
    if (!slash) return false;
    *slash = '\0';
    bool model = strncmp(rel, "models/", 7) == 0;
    rn_buf_printf(path, "%s/%s/%s%s", exe, beside[i - 1].root, model ? "" : beside[i - 1].data,
                  rel);
    return rn_buf_ok(path);
}

bool rn_data_locate(const char *data_dir, const char *rel, rn_buf *path)
{
    for (size_t i = 0; i < N_PLACES; i++)
        if (place(i, data_dir, rel, path) && rn_file_exists(path->data)) return true;
    rn_buf_clear(path);
    return false;
}

void rn_data_places(const char *data_dir, const char *rel, rn_buf *out)
{
    rn_buf path = {0};
    for (size_t i = 0; i < N_PLACES; i++)
        if (place(i, data_dir, rel, &path))
            rn_buf_printf(out, "%s%s", out->len ? ", " : "", path.data);
    rn_buf_free(&path);
}
