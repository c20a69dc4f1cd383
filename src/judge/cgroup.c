/*
 * cgroup.c: finds the control groups of this process and makes folders in them.
 *
 * v1: folder of the controller's mount + our path in /proc/self/cgroup; where a container shows
 * only part of the hierarchy, the mount itself. v2: the same in the unified hierarchy, if `memory`
 * and `pids` can be handed down. Folders are named ration-PID-N; those of dead processes are
 * removed.
 */
#include "judge/cgroup.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_TEXT = 1 << 20 };

/* True if the comma-separated list holds the word. */
static bool list_has(const char *list, size_t len, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = list, *end = list + len; p < end;) {
        const char *comma = memchr(p, ',', (size_t)(end - p));
        size_t part = (size_t)((comma ? comma : end) - p);
        if (part == n && memcmp(p, word, n) == 0) return true;
        p += part + 1;
    }
    return false;
}

/* Where a controller ("" for v2) is mounted. */
static bool find_mount(const char *mounts, const char *controller, char out[RN_WIRE_PATH])
{
    for (const char *line = mounts; line && *line;) {
        char dev[256], dir[512], type[64], opts[1024];
        int n = sscanf(line, "%255s %511s %63s %1023s", dev, dir, type, opts);
        bool v2 = n == 4 && strcmp(type, "cgroup2") == 0;
        bool v1 = n == 4 && strcmp(type, "cgroup") == 0;
        if ((!controller[0] && v2) ||
            (controller[0] && v1 && list_has(opts, strlen(opts), controller))) {
            snprintf(out, RN_WIRE_PATH, "%s", dir);
            return true;
        }
        line = strchr(line, '\n');
        if (line) line++;
    }
    return false;
}

/* Our path within the controller's hierarchy ("" for v2), from /proc/self/cgroup. */
static void find_path(const char *table, const char *controller, char *out, size_t cap)
{
    out[0] = '\0';
    for (const char *line = table; line && *line;) {
        const char *first = strchr(line, ':');
        const char *second = first ? strchr(first + 1, ':') : NULL;
        const char *end = strchr(line, '\n');
        size_t len = second ? (size_t)(second - first - 1) : 0;
        bool match = second && (controller[0] ? list_has(first + 1, len, controller) : len == 0);
        if (match) {
            int n = (int)((end ? end : second + strlen(second)) - second - 1);
            snprintf(out, cap, "%.*s", n, second + 1);
            return;
        }
        line = end ? end + 1 : NULL;
    }
}

static void remove_stale(const char *dir)
{
    DIR *d = opendir(dir);
    if (!d) return;
    for (const struct dirent *e; (e = readdir(d));) {
        int pid, index;
        if (sscanf(e->d_name, "ration-%d-%d", &pid, &index) != 2) continue;
        if (kill(pid, 0) == 0 || errno != ESRCH) continue;
        unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR);
    }
    closedir(d);
}

static bool put(const char *dir, const char *file, const char *text)
{
    char path[RN_WIRE_PATH + 64];
    snprintf(path, sizeof path, "%s/%s", dir, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return false;
    bool ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    close(fd);
    return ok;
}

static bool has(const char *dir, const char *file)
{
    char path[RN_WIRE_PATH + 64];
    snprintf(path, sizeof path, "%s/%s", dir, file);
    return access(path, W_OK) == 0;
}

/* Makes our folder below the present cgroup of one hierarchy. */
static bool make_in(const char *mounts, const char *table, const char *controller, int index,
                    char out[RN_WIRE_PATH])
{
    char mount[RN_WIRE_PATH], path[512], parent[2 * RN_WIRE_PATH];
    if (!find_mount(mounts, controller, mount)) return false;
    find_path(table, controller, path, sizeof path);
    snprintf(parent, sizeof parent, "%s%s", mount, strcmp(path, "/") == 0 ? "" : path);
    struct stat st;
    if (stat(parent, &st) != 0) snprintf(parent, sizeof parent, "%s", mount);
    if (index == 0) remove_stale(parent);
    if (!controller[0]) put(parent, "cgroup.subtree_control", "+memory +pids");
    int n = snprintf(out, RN_WIRE_PATH, "%.900s/ration-%d-%d", parent, (int)getpid(), index);
    if (n < RN_WIRE_PATH && (mkdir(out, 0755) == 0 || errno == EEXIST)) return true;
    out[0] = '\0';
    return false;
}

void rn_cgroup_make(rn_wire_config *cfg)
{
    static atomic_int n_made; /* two judges of one process must not share a folder */
    int index = atomic_fetch_add(&n_made, 1);
    cfg->cg_memory[0] = cfg->cg_pids[0] = cfg->cg_cpu[0] = '\0';
    cfg->cg_v2 = false;
    rn_buf mounts = {0}, table = {0};
    if (rn_file_read("/proc/self/mounts", MAX_TEXT, &mounts, NULL) ||
        rn_file_read("/proc/self/cgroup", MAX_TEXT, &table, NULL))
        goto out;
    if (make_in(mounts.data, table.data, "memory", index, cfg->cg_memory)) {
        make_in(mounts.data, table.data, "pids", index, cfg->cg_pids);
        make_in(mounts.data, table.data, "cpuacct", index, cfg->cg_cpu);
        goto out;
    }
    if (!make_in(mounts.data, table.data, "", index, cfg->cg_memory)) goto out;
    cfg->cg_v2 = true;
    if (has(cfg->cg_memory, "memory.swap.max")) put(cfg->cg_memory, "memory.swap.max", "0");
out:
    rn_buf_free(&mounts);
    rn_buf_free(&table);
}

static void remove_dir(const char *dir)
{
    /* A dead process stays a member for a moment. */
    for (int i = 0; dir[0] && i < 200; i++) {
        if (rmdir(dir) == 0 || errno != EBUSY) return;
        usleep(5000);
    }
}

void rn_cgroup_remove(const rn_wire_config *cfg)
{
    remove_dir(cfg->cg_memory);
    remove_dir(cfg->cg_pids);
    remove_dir(cfg->cg_cpu);
}
