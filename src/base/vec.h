/*
 * vec.h: one growing array for all. An array of any type is three words and a flag:
 *
 *     RN_VEC(rn_item) items = {0};              // or a member of a struct
 *     rn_vec_push(&items, ((rn_item){.n = 1})); // items.data[0 .. items.n)
 *     if (!rn_vec_ok(&items)) rc = rn_fail(err, RN_ENOMEM, "items: out of memory");
 *     rn_vec_free(&items);
 *
 * The first growth that fails is sticky, as in rn_buf: later pushes do nothing and rn_vec_ok is
 * false, so that a loop is checked once, behind its end. Elements move when the array grows: keep
 * indices, not pointers.
 */
#ifndef RN_BASE_VEC_H
#define RN_BASE_VEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#define RN_VEC(type)   \
    struct {           \
        type *data;    \
        size_t n, cap; \
        bool failed;   \
    }

/* Room for `extra` more elements; false when memory is out or was before. */
#define rn_vec_room(v, extra)                                                                \
    ((size_t)(extra) <= (v)->cap - (v)->n && !(v)->failed                                    \
         ? true                                                                              \
         : rn_vec_grow((void *)&(v)->data, &(v)->cap, &(v)->failed, (v)->n, (size_t)(extra), \
                       sizeof *(v)->data))

/* Appends a copy; true if it is in. A compound literal needs parentheses of its own. */
#define rn_vec_push(v, item) \
    ((bool)(rn_vec_room(v, 1) ? ((v)->data[(v)->n++] = (item), true) : false))

#define rn_vec_ok(v) (!(v)->failed)

/* Empty and usable afterwards. */
#define rn_vec_free(v)                                                \
    do {                                                              \
        free((v)->data);                                              \
        (v)->data = NULL, (v)->n = (v)->cap = 0, (v)->failed = false; \
    } while (0)

/* For qsort and bsearch: rising numbers, and texts behind pointers. */
int rn_by_int(const void *a, const void *b);  /* int64_t */
int rn_by_real(const void *a, const void *b); /* double */
int rn_by_text(const void *a, const void *b); /* const char * */

/* Behind rn_vec_room. `data` is the address of the array's pointer. */
bool rn_vec_grow(void *data, size_t *cap, bool *failed, size_t n, size_t extra, size_t item_bytes);

#endif
