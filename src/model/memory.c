/*
 * memory.c: see memory.h; and the caches that it is taken for, cache.h. Limits are read from
 * /proc/meminfo and the control group's files (v2: memory.max, memory.current; v1:
 * memory.limit_in_bytes, memory.usage_in_bytes), the group's own and its parents'.
 */
#include "model/memory.h"
#include "model/cache.h"

#include <assert.h>
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

static size_t layer_bytes(const rn_hparams *hp, rn_kv_type type)
{
    const rn_kv_form form = rn_cache_form(hp, type);
    return (size_t)form.n_heads * rn_kv_head_bytes(&form);
}

size_t rn_page_bytes(const rn_hparams *hp, rn_kv_type type)
{
    return (size_t)hp->n_layer * layer_bytes(hp, type);
}

int rn_pages_open(rn_pages *p, const rn_hparams *hp, rn_kv_type type, int64_t n, rn_err *err)
{
    rn_pages made = {
        .page_bytes = rn_page_bytes(hp, type), .layer_bytes = layer_bytes(hp, type), .n = n};
    if (n > INT32_MAX || (size_t)n > SIZE_MAX / 2 / made.page_bytes)
        return rn_fail(err, RN_ELIMIT, "%lld pages of keys and values", (long long)n);
    made.data = rn_memory_take((size_t)n * made.page_bytes);
    made.spare = calloc((size_t)n, sizeof *made.spare);
    made.users = calloc((size_t)n, sizeof *made.users);
    if (!made.data || !made.spare || !made.users) {
        rn_pages_close(&made);
        return rn_fail(err, RN_ENOMEM, "no room for %.0f MiB of keys and values; use fewer slots",
                       rn_mib((size_t)n * rn_page_bytes(hp, type)));
    }
    *p = made;
    return 0;
}

void rn_pages_close(rn_pages *p)
{
    rn_memory_give(p->data, (size_t)p->n * p->page_bytes);
    free(p->spare);
    free(p->users);
    *p = (rn_pages){0};
}

/* One page of which more are left. */
static char *take_page(rn_pages *p)
{
    const int64_t i = p->n_spare ? p->spare[--p->n_spare] : p->n_fresh++;
    p->users[i] = 1;
    p->n_used++;
    return p->data + (size_t)i * p->page_bytes;
}

static void give_page(rn_pages *p, const char *page)
{
    const size_t i = (size_t)(page - p->data) / p->page_bytes;
    assert(p->users[i] > 0);
    if (--p->users[i]) return;
    p->spare[p->n_spare++] = (int32_t)i;
    p->n_used--;
}

int rn_cache_open(rn_cache *c, rn_pages *from, int64_t max_pos, rn_err *err)
{
    rn_cache made = {.from = from, .max = rn_pages_of(max_pos)};
    made.page = calloc((size_t)made.max + 1, sizeof *made.page);
    if (!made.page) return rn_fail(err, RN_ENOMEM, "out of memory for a list of pages");
    *c = made;
    return 0;
}

void rn_cache_close(rn_cache *c)
{
    if (!c) return;
    rn_cache_drop(c);
    free(c->page);
    *c = (rn_cache){0};
}

bool rn_cache_reach(rn_cache *c, int64_t n_pos)
{
    const int64_t want = rn_pages_of(n_pos);
    assert(want <= c->max);
    if (want - c->n > c->from->n - c->from->n_used) return false;
    while (c->n < want)
        c->page[c->n++] = take_page(c->from);
    return true;
}

void rn_cache_drop(rn_cache *c)
{
    while (c->n > 0)
        give_page(c->from, c->page[--c->n]);
}

void rn_cache_share(rn_cache *c, const rn_cache *other, int64_t n_pages)
{
    rn_pages *p = c->from;
    assert(c->n == 0 && n_pages <= other->n && n_pages <= c->max && p == other->from);
    for (; c->n < n_pages; c->n++) {
        c->page[c->n] = other->page[c->n];
        p->users[(size_t)(c->page[c->n] - p->data) / p->page_bytes]++;
    }
}
