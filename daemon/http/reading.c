/* SPDX-License-Identifier: MIT */
#include "http/reading.h"

#include <stddef.h>
#include <sys/socket.h>

static _Thread_local int current = -1, read_last = -1;
static _Thread_local const char *start;
static _Thread_local bool (*on_read)(int fd, bool filled);

ptrdiff_t reading_note(int fd, const void *bytes, size_t size, ptrdiff_t got)
{
    current = read_last = fd;
    start = bytes;
    return got > 0 && on_read && !on_read(fd, (size_t)got == size) ? 0 : got;
}

/* Replaces the C library's in the whole process. Nothing else belongs into this file: a program that is
 * linked with daemon.a takes in all of it as soon as it calls recv(). */
ssize_t recv(int fd, void *bytes, size_t size, int flags)
{
    return reading_note(fd, bytes, size, recvfrom(fd, bytes, size, flags, NULL, NULL));
}

void reading_mark(int fd)
{
    current = fd;
}

int reading_current(void)
{
    return read_last < 0 ? -1 : current;
}

const char *reading_start(int fd)
{
    return fd == read_last ? start : NULL;
}

void reading_watch(bool (*read)(int fd, bool filled))
{
    on_read = read;
}
