/*
 * memory.c: see memory.h; and the caches that it is taken for, cache.h. Limits are read from
 * /proc/meminfo and the control group's files (v2: memory.max, memory.current; v1:
 * memory.limit_in_bytes, memory.usage_in_bytes), the group's own and its parents'.
 */
#include "model/memory.h"
#include "model/cache.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static const size_t UNKNOWN = SIZE_MAX / 2;

static size_t meminfo_available(void)
{
    FILE *f = fopen("/proc/meminfo", "r");
    if (!f) return UNKNOWN;
    char line[256];
    unsigned long long kib = 0;
    while (fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1) break;
    fclose(f);
    return kib ? (size_t)kib * 1024 : UNKNOWN;
}

/* A number in dir/name; UNKNOWN if the file is absent or says "max". */
static size_t number_in(const char *dir, const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "r");
    if (!f) return UNKNOWN;
    unsigned long long v = 0;
    int got = fscanf(f, "%llu", &v);
    fclose(f);
    return got == 1 && v < UNKNOWN ? (size_t)v : UNKNOWN;
}

static size_t group_leaves(const char *dir, const char *limit_file, const char *usage_file)
{
    size_t limit = number_in(dir, limit_file), used = number_in(dir, usage_file);
    if (limit == UNKNOWN || used == UNKNOWN) return UNKNOWN;
    return limit > used ? limit - used : 0;
}

static size_t cgroup_available(void)
{
    FILE *f = fopen("/proc/self/cgroup", "r");
    if (!f) return UNKNOWN;
    size_t least = UNKNOWN;
    char line[512];
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':'),
             *path = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!path) continue;
        *path++ = '\0';
        bool v2 = controllers[1] == '\0';
        if (!v2 && !strstr(controllers + 1, "memory")) continue;
        for (;;) { /* the group and its parents: each may have a limit */
            char dir[768];
            snprintf(dir, sizeof dir, "/sys/fs/cgroup%s%s", v2 ? "" : "/memory", path);
            size_t left = v2 ? group_leaves(dir, "memory.max", "memory.current")
                             : group_leaves(dir, "memory.limit_in_bytes", "memory.usage_in_bytes");
            if (left < least) least = left;
            char *slash = strrchr(path, '/');
            if (!slash || (slash == path && slash[1] == '\0')) break;
            slash[slash == path] = '\0';
        }
    }
    fclose(f);
    return least;
}

size_t rn_memory_available(void)
{
    size_t a = meminfo_available(), b = cgroup_available();
    return a < b ? a : b;
}

void *rn_memory_take(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    if (p == MAP_FAILED) return NULL;
    madvise(p, bytes, MADV_HUGEPAGE); /* a wish: fewer misses while attention walks the cache */
    return p;
}

void rn_memory_give(void *p, size_t bytes)
{
    if (p) munmap(p, bytes);
}

/* ---- caches ---------------------------------------------------------------------------------- */

static int64_t rounded(int64_t n)
{
    return (n + RN_KEY_BLOCK - 1) / RN_KEY_BLOCK * RN_KEY_BLOCK;
}

static size_t layer_bytes(const rn_hparams *hp, rn_kv_type type, int64_t n)
{
    const rn_kv_form form = rn_cache_form(hp, type);
    return (size_t)form.n_heads * rn_kv_head_bytes(&form, rounded(n));
}

size_t rn_cache_bytes(const rn_hparams *hp, rn_kv_type type, int64_t n)
{
    return (size_t)hp->n_layer * layer_bytes(hp, type, n);
}

int rn_cache_open(rn_cache *c, const rn_hparams *hp, rn_kv_type type, int64_t n, rn_err *err)
{
    rn_cache made = {
        .bytes = rn_cache_bytes(hp, type, n),
        .layer_bytes = layer_bytes(hp, type, n),
        .capacity = rounded(n),
    };
    made.data = rn_memory_take(made.bytes);
    if (!made.data)
        return rn_fail(err, RN_ENOMEM, "no room for %.0f MiB of keys and values; use fewer slots",
                       rn_mib(made.bytes));
    *c = made;
    return 0;
}

void rn_cache_close(rn_cache *c)
{
    if (!c) return;
    rn_memory_give(c->data, c->bytes);
    *c = (rn_cache){0};
}
