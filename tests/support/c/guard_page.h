/* SPDX-License-Identifier: MIT */
/* Memory that ends where an unreadable page begins: one byte too far is a crash, not luck. */
#ifndef GUARD_PAGE_H
#define GUARD_PAGE_H

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The first byte that cannot be read; a page of ours is before it. NULL on failure. */
static inline uint8_t *guard_page_end(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *start =
        mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (start == MAP_FAILED || mprotect(start + page, page, PROT_NONE) != 0)
        return NULL;
    return start + page;
}

/* Copies `length` bytes so that they end at `end`; returns where they begin. */
static inline uint8_t *guard_page_put(uint8_t *end, const void *bytes, size_t length)
{
    return memcpy(end - length, bytes, length);
}

static inline void guard_page_free(uint8_t *end)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    munmap(end - page, 2 * page);
}

#endif
