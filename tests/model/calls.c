/* SPDX-License-Identifier: MIT */
#include "calls.h"

#include "model.h"
#include "tap.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define DESCRIPTORS 1024

static struct {
    uint64_t made;
    bool disturb;
    bool relay[DESCRIPTORS]; /* daemon's ends of connections of the relay */
    pid_t relay_process;
} calls;

void calls_start(void)
{
    memset(&calls, 0, sizeof calls);
}

bool calls_disturb(bool on)
{
    bool before = calls.disturb;

    calls.disturb = on;
    return before;
}

uint64_t calls_made(void)
{
    return calls.made;
}

/* ---- The system calls. Names and types are the linker's and the C library's. */

int __real_connect(int fd, const struct sockaddr *name, socklen_t length);
int __real_close(int fd);
ssize_t __real_send(int fd, const void *bytes, size_t length, int flags);
ssize_t __real_recv(int fd, void *bytes, size_t length, int flags);
int __real_shutdown(int fd, int how);
int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *length);
int __real_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event);
int __real_epoll_wait(int epoll, struct epoll_event *events, int max, int timeout);
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);

int __wrap_connect(int fd, const struct sockaddr *name, socklen_t length);
int __wrap_close(int fd);
int __wrap_shutdown(int fd, int how);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *length);
ssize_t __wrap_send(int fd, const void *bytes, size_t length, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t length, int flags);
int __wrap_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_wait(int epoll, struct epoll_event *events, int max, int timeout);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);

static bool fault(void)
{
    if (!calls.disturb || !chance_permille(&model.chance, model.mood.faults))
        return false;
    model.counts.faults++;
    return true;
}

int __wrap_connect(int fd, const struct sockaddr *name, socklen_t length)
{
    int result = -1;

    if (fault())
        errno = EAGAIN; /* the queue is full */
    else
        result = __real_connect(fd, name, length);
    if (result == 0)
        tap_opened(fd, (const struct sockaddr_un *)name);
    else
        model.counts.refused_connects++;
    return result;
}

int __wrap_close(int fd)
{
    struct tap_line *line = tap_line_of(fd);

    if (line)
        tap_closed(line);
    if (fd >= 0 && fd < DESCRIPTORS)
        calls.relay[fd] = false;
    return __real_close(fd);
}

int __wrap_shutdown(int fd, int how)
{
    model_fail("descriptor %d is half-closed (%d), which makes p0f spin", fd, how);
}

void calls_half_close(int fd)
{
    model_check(__real_shutdown(fd, SHUT_WR) == 0, "cannot half-close");
}

void calls_relay(int fd)
{
    model_check(fd < DESCRIPTORS, "more descriptors than the model can hold");
    calls.relay[fd] = true;
}

static bool is_relay(int fd)
{
    return fd >= 0 && fd < DESCRIPTORS && calls.relay[fd];
}

void calls_relay_process(pid_t pid)
{
    calls.relay_process = pid;
}

/* The process is one of chance's, so that the same seed is the same run. */
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *length)
{
    if (level != SOL_SOCKET || name != SO_PEERCRED)
        return __real_getsockopt(fd, level, name, value, length);
    *(struct ucred *)value = (struct ucred){.pid = calls.relay_process};
    return 0;
}

ssize_t __wrap_send(int fd, const void *bytes, size_t length, int flags)
{
    struct tap_line *line = tap_line_of(fd);

    if (!line && !is_relay(fd))
        return __real_send(fd, bytes, length, flags);
    calls.made++;
    if (fault()) {
        length = chance_below(&model.chance, (uint32_t)length + 1);
        errno = chance_permille(&model.chance, 300) ? EINTR : EAGAIN;
        if (length == 0)
            return -1;
    }
    ssize_t put = __real_send(fd, bytes, length, flags);
    if (put > 0 && line)
        tap_sent(line, bytes, (size_t)put);
    return put;
}

ssize_t __wrap_recv(int fd, void *bytes, size_t length, int flags)
{
    struct tap_line *line = tap_line_of(fd);

    if (!line && !is_relay(fd))
        return __real_recv(fd, bytes, length, flags);
    calls.made++;
    if (line)
        line->heard_at = model.now; /* that there is something to read shows that p0f lives */
    if (fault()) {
        length = chance_below(&model.chance, length < 600 ? (uint32_t)length + 1 : 600);
        errno = EINTR;
        if (length == 0)
            return -1;
    }
    ssize_t got = __real_recv(fd, bytes, length, flags);
    if (got > 0 && line)
        tap_received(line, (size_t)got);
    return got;
}

int __wrap_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    if (operation == EPOLL_CTL_ADD && !is_relay(fd) && fault()) {
        errno = ENOSPC; /* too many are watched in all */
        return -1;
    }
    return __real_epoll_ctl(epoll, operation, fd, event);
}

int __wrap_epoll_wait(int epoll, struct epoll_event *events, int max, int timeout)
{
    int count = __real_epoll_wait(epoll, events, max, timeout);

    calls.made += count > 0 ? (uint64_t)count : 0;
    return count;
}

/* ---- Allocations: those of the daemon's own code; libraries reach the C library as ever */

static bool no_memory(void)
{
    if (!calls.disturb || !chance_permille(&model.chance, model.mood.memory_faults))
        return false;
    model.counts.memory_faults++;
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return no_memory() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return no_memory() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return no_memory() ? NULL : __real_realloc(block, size);
}
