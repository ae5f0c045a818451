/* SPDX-License-Identifier: MIT */
/* Preloaded into the daemon: memory that gives out when a test says so, for all that is in the process,
 * libmicrohttpd, jansson and the C library with it. A new process needs some, too.
 *
 * Orders and counts are in a file that both have mapped, $STARVE; starving.py knows the same layout.
 * What glibc itself needs it gets by the same names, as they can be replaced, so that is counted as
 * well; only threads' stacks, which are mapped, are not. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct starving {
    _Atomic int64_t
        first; /* the allocation, counted from 1, from which on they fail; 0: none does */
    _Atomic int64_t last; /* up to which they do */
    _Atomic int64_t made; /* allocations, since that was ordered */
    _Atomic int64_t refused;
    _Atomic int64_t caller; /* the return address of the first one that was refused */
    _Atomic int64_t live;   /* blocks, since the start */
};

static struct starving before; /* the file is there */
static struct starving *starving = &before;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);
pid_t __fork(void);

__attribute__((constructor)) static void map(void)
{
    const char *path = getenv("STARVE");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *file = MAP_FAILED;

    if (fd >= 0)
        file = mmap(NULL, sizeof *starving, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (file == MAP_FAILED)
        _exit(120);
    close(fd);
    starving = file;
}

static bool is_given(void *caller)
{
    int64_t first = starving->first;

    if (first == 0)
        return true;
    int64_t this = ++starving->made;
    if (this < first || this > starving->last)
        return true;
    if (starving->refused++ == 0)
        starving->caller = (int64_t)(intptr_t)caller;
    errno = ENOMEM;
    return false;
}

static void *counted(void *block)
{
    if (block)
        starving->live++;
    return block;
}

#define GIVEN is_given(__builtin_return_address(0))

void *malloc(size_t size)
{
    return GIVEN ? counted(__libc_malloc(size)) : NULL;
}

void *calloc(size_t count, size_t size)
{
    return GIVEN ? counted(__libc_calloc(count, size)) : NULL;
}

void *realloc(void *block, size_t size)
{
    if (!GIVEN)
        return NULL;
    void *moved = __libc_realloc(block, size);
    if (!block)
        return counted(moved);
    if (!moved && size == 0)
        starving->live--;
    return moved;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return GIVEN ? counted(__libc_memalign(alignment, size)) : NULL;
}

void *memalign(size_t alignment, size_t size)
{
    return GIVEN ? counted(__libc_memalign(alignment, size)) : NULL;
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    void *made = GIVEN ? counted(__libc_memalign(alignment, size)) : NULL;

    if (!made)
        return ENOMEM;
    *block = made;
    return 0;
}

void free(void *block)
{
    if (block)
        starving->live--;
    __libc_free(block);
}

pid_t fork(void)
{
    return GIVEN ? __fork() : -1;
}
