/* SPDX-License-Identifier: MIT */
#include "p0f/drain_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define AFTERMATH_MS 250 /* p0f is silent for so long after a malformed answer */
#define AFTERMATH_ROUNDS_MAX 16

static struct pollfd watch_conn(const struct p0f_conn *conn)
{
    return (struct pollfd){.fd = p0f_conn_fd(conn),
                           .events = (short)(POLLIN | (p0f_conn_wants_write(conn) ? POLLOUT : 0))};
}

/* When p0f has sent something malformed, the size of its answers is a guess. */
static void close_drained(struct p0f_conn *conn)
{
    struct pollfd polled = watch_conn(conn);

    for (int i = 0; i < AFTERMATH_ROUNDS_MAX && p0f_conn_io(conn) != P0F_OK; i++)
        if (poll(&polled, 1, AFTERMATH_MS) == 0)
            break;
    (void)!p0f_conn_free(conn);
}

void drain_process_wait(struct p0f_conn *conns[], unsigned count)
{
    while (count > 0) {
        struct pollfd polled[count];
        unsigned left = 0;

        for (unsigned i = 0; i < count; i++)
            polled[i] = watch_conn(conns[i]);
        poll(polled, count, -1);
        for (unsigned i = 0; i < count; i++) {
            p0f_conn_io(conns[i]);
            if (p0f_conn_outstanding(conns[i]) > 0)
                conns[left++] = conns[i];
            else /* at once: p0f may be at its connection limit, and serve another of ours only then */
                close_drained(conns[i]);
        }
        count = left;
    }
}

/* ---- The child */

static unsigned next_descriptor(struct p0f_conn *const conns[], unsigned count, unsigned from)
{
    unsigned next = ~0u;

    for (unsigned i = 0; i < count; i++) {
        unsigned fd = (unsigned)p0f_conn_fd(conns[i]);
        if (fd >= from && fd < next)
            next = fd;
    }
    return next;
}

/* Nobody may wait for the child: for the end of a pipe, for a listening socket or for a lock. */
static void close_all_but(struct p0f_conn *const conns[], unsigned count)
{
    unsigned from = STDERR_FILENO + 1, next;

    while ((next = next_descriptor(conns, count, from)) != ~0u) {
        if (next > from)
            close_range(from, next - 1, 0);
        from = next + 1;
    }
    close_range(from, ~0u, 0);
}

/* The size of this process' arguments in memory, with their NULs; 0 without /proc. */
static size_t arguments_length(void)
{
    char bytes[4096];
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    size_t length = 0;
    ssize_t got;

    while (fd >= 0 && (got = read(fd, bytes, sizeof bytes)) > 0)
        length += (size_t)got;
    if (fd >= 0)
        close(fd);
    return length;
}

/* Replaces them by the child's name: they may contain a password, and the child may run for long. */
static void replace_arguments(void)
{
    size_t name = strlen(program_invocation_name), all = arguments_length();

    strncpy(program_invocation_name, DRAIN_PROCESS_NAME, name);
    if (all > name)
        memset(program_invocation_name + name, '\0', all - name);
}

static void leave_everything(struct p0f_conn *const conns[], unsigned count)
{
    sigset_t all;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    prctl(PR_SET_NAME, DRAIN_PROCESS_NAME);
    replace_arguments();
    setsid();
    (void)!chdir("/");
    close_all_but(conns, count);
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        if (null < 0 || dup2(null, fd) < 0)
            close(fd);
    if (null > STDERR_FILENO)
        close(null);
}

/* Closes only our own descriptors; the memory lasts as long as this process. */
static void hand_over(struct p0f_conn *const conns[], unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        close(p0f_conn_fd(conns[i]));
}

pid_t drain_process_start(struct p0f_conn *conns[], unsigned count)
{
    if (getpid() == 1) {
        errno = EPERM;
        return -1;
    }
    pid_t child = fork();
    if (child != 0) {
        if (child > 0)
            hand_over(conns, count);
        return child;
    }
    leave_everything(conns, count);
    drain_process_wait(conns, count);
    _exit(EXIT_SUCCESS);
}
