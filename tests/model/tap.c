/* SPDX-License-Identifier: MIT */
#include "tap.h"

#include "model.h"
#include "truth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define DESCRIPTORS 1024
#define BURST_NS 50000000 /* what max_rate allows to be made up for */

static struct {
    struct tap_line lines[TAP_LINES];
    uint64_t order;
    uint64_t calls;
    bool disturb;
    uint32_t max_rate;
    double rate_level; /* of a bucket that leaks max_rate queries a second */
    struct mono rate_at;
    bool relay[DESCRIPTORS]; /* daemon's ends of connections of the relay */
    pid_t relay_process;
} tap;

void tap_start(uint32_t max_rate)
{
    memset(&tap, 0, sizeof tap);
    tap_set_max_rate(max_rate);
}

void tap_end(void)
{
    model_check(tap_open() == 0, "%u connections were never closed", tap_open());
}

void tap_set_max_rate(uint32_t max_rate)
{
    tap.max_rate = max_rate;
    tap.rate_level = 0;
    tap.rate_at = model.now;
}

bool tap_disturb(bool on)
{
    bool before = tap.disturb;

    tap.disturb = on;
    return before;
}

/* ---- Lines */

static struct tap_line *line_of(int fd)
{
    for (unsigned i = 0; i < TAP_LINES; i++)
        if (tap.lines[i].used && tap.lines[i].fd == fd)
            return &tap.lines[i];
    return NULL;
}

/* A line is kept until both ends have closed it. */
static void release(struct tap_line *line)
{
    if (line->fd < 0 && line->gone)
        line->used = false;
}

static void opened(int fd)
{
    struct tap_line *line = NULL;

    for (unsigned i = 0; i < TAP_LINES && !line; i++)
        if (!tap.lines[i].used)
            line = &tap.lines[i];
    model_check(line, "more connections than the model can hold");
    memset(line, 0, sizeof *line);
    line->used = true;
    line->fd = fd;
    line->order = ++tap.order;
    model.counts.connects++;
    model_tell("connected: %llu", (unsigned long long)line->order);
    model_check(tap_open() <= model.settings.connections, "%u connections, where %u are allowed",
                tap_open(), model.settings.connections);
}

static void closed(struct tap_line *line)
{
    model_tell("closed: %llu", (unsigned long long)line->order);
    model_check(tap_outstanding(line) == 0, "a connection was closed with %llu answers outstanding",
                (unsigned long long)tap_outstanding(line));
    line->fd = -1;
    release(line);
}

struct tap_line *tap_waiting(void)
{
    struct tap_line *first = NULL;

    for (unsigned i = 0; i < TAP_LINES; i++) {
        struct tap_line *line = &tap.lines[i];
        if (line->used && !line->accepted && !line->gone && (!first || line->order < first->order))
            first = line;
    }
    return first;
}

void tap_refuse_waiting(void)
{
    struct tap_line *line;

    while ((line = tap_waiting()))
        tap_hung_up(line);
}

void tap_hung_up(struct tap_line *line)
{
    line->gone = true;
    release(line);
}

uint64_t tap_outstanding(const struct tap_line *line)
{
    return line->gone ? 0 : line->sent - line->answered;
}

uint64_t tap_outstanding_all(void)
{
    uint64_t outstanding = 0;

    for (unsigned i = 0; i < TAP_LINES; i++)
        if (tap.lines[i].used && tap.lines[i].fd >= 0)
            outstanding += tap_outstanding(&tap.lines[i]);
    return outstanding;
}

unsigned tap_open(void)
{
    unsigned open = 0;

    for (unsigned i = 0; i < TAP_LINES; i++)
        open += tap.lines[i].used && tap.lines[i].fd >= 0;
    return open;
}

unsigned tap_healthy(void)
{
    unsigned healthy = 0;

    for (unsigned i = 0; i < TAP_LINES; i++) {
        const struct tap_line *line = &tap.lines[i];
        healthy += line->used && line->fd >= 0 && !line->gone && !line->spoiled &&
                   line->sent >= TAP_PROBES && line->sent == line->answered;
    }
    return healthy;
}

unsigned tap_muddled(void)
{
    unsigned muddled = 0;

    for (unsigned i = 0; i < TAP_LINES; i++) {
        const struct tap_line *line = &tap.lines[i];
        muddled += line->used && line->fd >= 0 && !line->gone && line->muddled;
    }
    return muddled;
}

bool tap_in_trouble(void)
{
    bool trouble = false;

    for (unsigned i = 0; i < TAP_LINES; i++) {
        const struct tap_line *line = &tap.lines[i];
        trouble = trouble || (line->used && line->fd >= 0 && (line->gone || line->spoiled));
    }
    return trouble;
}

uint64_t tap_calls(void)
{
    return tap.calls;
}

/* ---- Queries */

static void check_rate(void)
{
    if (tap.max_rate == 0)
        return;
    tap.rate_level -= (double)(model.now.ns - tap.rate_at.ns) * 1e-9 * tap.max_rate;
    if (tap.rate_level < 0)
        tap.rate_level = 0;
    tap.rate_at = model.now;
    tap.rate_level += 1;
    double max = tap.max_rate * (BURST_NS * 1e-9) + 2;
    model.counts.rate_limited += tap.rate_level > max - 2;
    model_check(tap.rate_level <= max, "max_rate is %u, and %.1f queries came at once",
                tap.max_rate, tap.rate_level);
}

/* The oldest outstanding query that is no probe. */
static uint64_t first_outstanding(const struct tap_line *line)
{
    return line->answered < TAP_PROBES ? TAP_PROBES : line->answered;
}

/* What is no probe is under way once, over all lines; what is outstanding on one that has failed was
 * given up and may be asked elsewhere. */
static void check_alone(const struct tap_line *line, const struct p0f_addr *addr)
{
    for (unsigned i = 0; i < TAP_LINES; i++) {
        const struct tap_line *other = &tap.lines[i];
        if (!other->used || other->gone || other->spoiled)
            continue;
        for (uint64_t n = first_outstanding(other); n < other->sent; n++)
            model_check(memcmp(&other->asked[n % TAP_UNANSWERED], addr, sizeof *addr) != 0,
                        "host %u is asked about on line %llu while it is on line %llu",
                        truth_host(addr), (unsigned long long)line->order,
                        (unsigned long long)other->order);
    }
}

static void query_sent(struct tap_line *line)
{
    struct p0f_addr addr;

    model_check(p0f_query_unpack(line->query, &addr), "a query that is none");
    if (line->sent >= TAP_PROBES) {
        uint64_t outstanding = line->sent + 1 - first_outstanding(line);
        model_check(outstanding <= model.settings.pipeline,
                    "%llu queries in flight on one connection, where %u are allowed",
                    (unsigned long long)outstanding, model.settings.pipeline);
        check_rate();
        check_alone(line, &addr);
        model.counts.full_pipelines += outstanding == model.settings.pipeline;
        model.counts.queries++;
    }
    line->asked[line->sent++ % TAP_UNANSWERED] = addr;
}

static void bytes_sent(struct tap_line *line, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        line->query[line->query_bytes++] = bytes[i];
        if (line->query_bytes == P0F_QUERY_SIZE) {
            line->query_bytes = 0;
            query_sent(line);
        }
    }
}

/* ---- The system calls. Names and types are the linker's and the C library's. */

int __real_connect(int fd, const struct sockaddr *name, socklen_t length);
int __real_close(int fd);
ssize_t __real_send(int fd, const void *bytes, size_t length, int flags);
ssize_t __real_recv(int fd, void *bytes, size_t length, int flags);
int __real_shutdown(int fd, int how);
int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *length);
int __real_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event);
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
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);

static bool fault(void)
{
    if (!tap.disturb || !chance_permille(&model.chance, model.mood.faults))
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
        opened(fd);
    else
        model.counts.refused_connects++;
    return result;
}

int __wrap_close(int fd)
{
    struct tap_line *line = line_of(fd);

    if (line)
        closed(line);
    if (fd >= 0 && fd < DESCRIPTORS)
        tap.relay[fd] = false;
    return __real_close(fd);
}

int __wrap_shutdown(int fd, int how)
{
    model_fail("descriptor %d is half-closed (%d), which makes p0f spin", fd, how);
}

void tap_half_close(int fd)
{
    model_check(__real_shutdown(fd, SHUT_WR) == 0, "cannot half-close");
}

void tap_relay(int fd)
{
    model_check(fd < DESCRIPTORS, "more descriptors than the model can hold");
    tap.relay[fd] = true;
}

static bool is_relay(int fd)
{
    return fd >= 0 && fd < DESCRIPTORS && tap.relay[fd];
}

void tap_relay_process(pid_t pid)
{
    tap.relay_process = pid;
}

/* The process is one of chance's, so that the same seed is the same run. */
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *length)
{
    if (level != SOL_SOCKET || name != SO_PEERCRED)
        return __real_getsockopt(fd, level, name, value, length);
    *(struct ucred *)value = (struct ucred){.pid = tap.relay_process};
    return 0;
}

ssize_t __wrap_send(int fd, const void *bytes, size_t length, int flags)
{
    struct tap_line *line = line_of(fd);

    if (!line && !is_relay(fd))
        return __real_send(fd, bytes, length, flags);
    tap.calls++;
    if (fault()) {
        length = chance_below(&model.chance, (uint32_t)length + 1);
        errno = chance_permille(&model.chance, 300) ? EINTR : EAGAIN;
        if (length == 0)
            return -1;
    }
    ssize_t put = __real_send(fd, bytes, length, flags);
    if (put > 0 && line)
        bytes_sent(line, bytes, (size_t)put);
    return put;
}

ssize_t __wrap_recv(int fd, void *bytes, size_t length, int flags)
{
    if (!line_of(fd) && !is_relay(fd))
        return __real_recv(fd, bytes, length, flags);
    tap.calls++;
    if (fault()) {
        length = chance_below(&model.chance, length < 600 ? (uint32_t)length + 1 : 600);
        errno = EINTR;
        if (length == 0)
            return -1;
    }
    return __real_recv(fd, bytes, length, flags);
}

int __wrap_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    if (operation == EPOLL_CTL_ADD && line_of(fd) && fault()) {
        errno = ENOSPC; /* too many are watched in all */
        return -1;
    }
    return __real_epoll_ctl(epoll, operation, fd, event);
}

/* ---- Allocations: those of the daemon's own code; libraries reach the C library as ever */

static bool no_memory(void)
{
    if (!tap.disturb || !chance_permille(&model.chance, model.mood.memory_faults))
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
