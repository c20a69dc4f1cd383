/* data.c: bundled files are found from the program's own place, so that nothing is compiled in. */
#include "base/data.h"

#include "base/file.h"

#include <limits.h>
#include <unistd.h>

/* Relative to the program's folder: build/ration, build/KIND/ration, tests under build, installed.
 */
static const char *const beside[] = {"../data", "../../data", "../../../data", "../share/ration"};

bool rn_data_locate(const char *data_dir, const char *rel, rn_buf *path)
{
    if (data_dir && *data_dir) {
        rn_buf_clear(path);
        rn_buf_printf(path, "%s/%s", data_dir, rel);
        if (rn_buf_ok(path) && rn_file_exists(path->data)) return true;
    }
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (n <= 0) return false;
    exe[n] = '\0';
    char *slash = strrchr(exe, '/');
    if (!slash) return false;
    *slash = '\0';
    for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++) {
        rn_buf_clear(path);
        rn_buf_printf(path, "%s/%s/%s", exe, beside[i], rel);
        if (rn_buf_ok(path) && rn_file_exists(path->data)) return true;
    }
    rn_buf_clear(path);
    return false;
}
