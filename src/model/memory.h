/* memory.h: how much memory there is, and large buffers that the system hands out page by page. */
#ifndef RN_MODEL_MEMORY_H
#define RN_MODEL_MEMORY_H

#include <stddef.h>

/* Bytes that this process may still take: what the system calls available, or what the control
 * group's limit leaves, whichever is less. SIZE_MAX / 2 where neither is known. */
size_t rn_memory_available(void);

/* Zeroed memory in large pages where the system has them; pages count only once they are written.
 * NULL when there is no address space. Free with the same size. */
void *rn_memory_take(size_t bytes);
void rn_memory_give(void *p, size_t bytes); /* NULL accepted */

static inline double rn_mib(size_t bytes)
{
    return (double)bytes / (1024.0 * 1024.0);
}

#endif
