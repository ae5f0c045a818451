/* SPDX-License-Identifier: MIT */
/* Memory that gives out at the `fail_at`th allocation between memory_start() and memory_stop(): from
 * then on, or that once. For tests linked with --wrap=malloc and its kin (MEMORY_TESTS in the
 * Makefile): it is the memory of the modules under test, not of the libraries. */
#ifndef SHORT_MEMORY_H
#define SHORT_MEMORY_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static struct {
    bool counting;
    bool only_once;
    long fail_at;
    long allocations;
    long in_use;
    void (*meanwhile)(void); /* done once instead of failing: what another thread might just then */
} memory;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);
void __wrap_free(void *block);

static bool memory_given(void)
{
    if (!memory.counting)
        return true;
    long this = memory.allocations++;
    if (this == memory.fail_at && memory.meanwhile) {
        void (*meanwhile)(void) = memory.meanwhile;
        memory.meanwhile = NULL;
        meanwhile();
        return true;
    }
    bool given = memory.only_once ? this != memory.fail_at : this < memory.fail_at;
    if (!given)
        errno = ENOMEM;
    return given;
}

static void *memory_counted(void *block)
{
    memory.in_use += memory.counting && block;
    return block;
}

void *__wrap_malloc(size_t size)
{
    return memory_given() ? memory_counted(__real_malloc(size)) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return memory_given() ? memory_counted(__real_calloc(count, size)) : NULL;
}

void *__wrap_realloc(void *block, size_t size)
{
    if (!memory_given())
        return NULL;
    void *moved = __real_realloc(block, size);
    return block ? moved : memory_counted(moved);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return memory_given() ? memory_counted(__real_aligned_alloc(alignment, size)) : NULL;
}

char *__wrap_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = __wrap_malloc(size);

    return copy ? memcpy(copy, text, size) : NULL;
}

void __wrap_free(void *block)
{
    memory.in_use -= memory.counting && block;
    __real_free(block);
}

static void memory_start(long fail_at, bool only_once)
{
    memory.fail_at = fail_at;
    memory.only_once = only_once;
    memory.allocations = memory.in_use = 0;
    memory.counting = true;
}

/* True when something was refused. */
static bool memory_stop(void)
{
    memory.counting = false;
    return memory.allocations > memory.fail_at;
}

#endif
