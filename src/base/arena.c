/*
 * arena.c: a list of blocks; each allocation takes the next 16-byte aligned bytes of the newest
 * block. A request larger than a block gets a block of its own.
 */
#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>

enum { BLOCK_BYTES = 64 * 1024, ALIGN = 16 };

struct rn_arena_block {
    struct rn_arena_block *next;
    size_t used, cap;
    _Alignas(ALIGN) char data[];
};

void *rn_arena_alloc(rn_arena *a, size_t bytes)
{
    if (bytes > SIZE_MAX / 2) return NULL;
    size_t need = (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (need == 0) need = ALIGN;
    struct rn_arena_block *b = a->head;
    if (!b || b->cap - b->used < need) {
        size_t cap = need > BLOCK_BYTES ? need : BLOCK_BYTES;
        b = malloc(sizeof *b + cap);
        if (!b) return NULL;
        b->used = 0;
        b->cap = cap;
        if (a->head && need > BLOCK_BYTES) { /* keep the half-empty block in front */
            b->next = a->head->next;
            a->head->next = b;
        } else {
            b->next = a->head;
            a->head = b;
        }
    }
    void *p = b->data + b->used;
    b->used += need;
    a->used_bytes += need;
    memset(p, 0, need);
    return p;
}

void *rn_arena_array(rn_arena *a, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes)) return NULL;
    return rn_arena_alloc(a, bytes);
}

char *rn_arena_dup(rn_arena *a, const void *data, size_t len)
{
    if (len == SIZE_MAX) return NULL;
    char *p = rn_arena_alloc(a, len + 1);
    if (p && len) memcpy(p, data, len);
    return p;
}

char *rn_arena_strdup(rn_arena *a, const char *s)
{
    return s ? rn_arena_dup(a, s, strlen(s)) : NULL;
}

char *rn_arena_printf(rn_arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0) return NULL;
    char *p = rn_arena_alloc(a, (size_t)n + 1);
    if (!p) return NULL;
    va_start(ap, fmt);
    vsnprintf(p, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return p;
}

char *rn_arena_take(rn_arena *a, rn_buf *b)
{
    char *copy = rn_buf_ok(b) ? rn_arena_dup(a, b->len ? b->data : "", b->len) : NULL;
    rn_buf_free(b);
    return copy;
}

void rn_arena_free(rn_arena *a)
{
    if (!a) return;
    for (struct rn_arena_block *b = a->head, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    *a = (rn_arena){0};
}
