/*
 * arena.h: memory that is freed all at once, one arena per problem set, record or request.
 * Everything that comes from an arena is borrowed until rn_arena_free or rn_arena_reset.
 */
#ifndef RN_BASE_ARENA_H
#define RN_BASE_ARENA_H

#include "base/buf.h"

typedef struct rn_arena {
    struct rn_arena_block *head;
    size_t used_bytes; /* handed out, all blocks together */
} rn_arena;

/* Zero-initialise with (rn_arena){0}. NULL when memory is out. */
void *rn_arena_alloc(rn_arena *a, size_t bytes);          /* zeroed, aligned to 16 bytes */
void *rn_arena_array(rn_arena *a, size_t n, size_t size); /* zeroed; NULL if n * size overflows */
char *rn_arena_strdup(rn_arena *a, const char *s);        /* NULL gives NULL */
char *rn_arena_dup(rn_arena *a, const void *data, size_t len); /* NUL-terminated copy */
char *rn_arena_printf(rn_arena *a, const char *fmt, ...) RN_PRINTF(2, 3);
/* The buffer's text, moved; the buffer is freed. NULL: memory is out, or was in writing it. */
char *rn_arena_take(rn_arena *a, rn_buf *b);
void rn_arena_free(rn_arena *a); /* NULL accepted; *a is empty and usable afterwards */

#endif
