/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 100 /* a daemon that shuts down may leave a client waiting */

volatile sig_atomic_t load_over;

void load_die(const char *what)
{
    perror(what);
    exit(1);
}

static void on_signal(int number)
{
    (void)number;
    load_over = 1;
}

void load_begin(void)
{
    signal(SIGTERM, on_signal);
    printf("begun\n");
    fflush(stdout);
}

struct sockaddr_in load_server(const char *port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

struct sockaddr_in load_source(const char *address)
{
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = inet_addr(address)};
}

/* Goes on if a signal comes, such as the one that ends the load. */
static bool connect_through_signals(int fd, const struct sockaddr *server, socklen_t length)
{
    struct pollfd connecting = {.fd = fd, .events = POLLOUT};
    int problem = 0;
    socklen_t size = sizeof problem;

    if (connect(fd, server, length) == 0)
        return true;
    if (errno != EINTR)
        return false;
    int ready;
    while ((ready = poll(&connecting, 1, PATIENCE_MS)) < 0 && errno == EINTR)
        ;
    errno = EINPROGRESS;
    if (ready == 0)
        return false;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &size) != 0)
        load_die("getsockopt");
    errno = problem;
    return problem == 0;
}

int load_connect(const void *from, const void *to, socklen_t length, int receive)
{
    const struct sockaddr *source = from, *server = to;
    const struct timeval patience = {.tv_usec = PATIENCE_MS * 1000};
    int fd = socket(server->sa_family, SOCK_STREAM, 0), yes = 1;

    /* Without the first, bind() looks for a port that is not used to any other server either; without the
     * second it refuses an IPv6 address that only has a route. */
    if (fd < 0 || (source->sa_family &&
                   (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes) != 0 ||
                    setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &yes, sizeof yes) != 0 ||
                    bind(fd, source, length) != 0)))
        load_die("socket");
    if (server->sa_family != AF_UNIX)
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (receive)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive, sizeof receive);
    if (!connect_through_signals(fd, server, length)) {
        if (errno != ECONNREFUSED && errno != ECONNRESET && errno != EINPROGRESS)
            load_die("connect");
        close(fd);
        return -1;
    }
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
        load_die("fcntl");
    return fd;
}

void load_watch(int epoll, int fd, struct epoll_event event)
{
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        load_die("epoll_ctl");
}

int load_wait(int epoll, struct epoll_event events[LOAD_EVENTS], int64_t ns)
{
    const struct timespec timeout = {ns / 1000000000, ns % 1000000000};
    int count = epoll_pwait2(epoll, events, LOAD_EVENTS, ns < 0 ? NULL : &timeout, NULL);

    if (count < 0 && errno != EINTR)
        load_die("epoll_pwait2");
    return count;
}

int64_t load_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void load_print_statuses(const unsigned long counts[LOAD_STATUSES])
{
    const char *comma = "";

    printf("\"statuses\": {");
    for (int status = 0; status < LOAD_STATUSES; status++) {
        if (counts[status] == 0)
            continue;
        printf("%s\"%d\": %lu", comma, status, counts[status]);
        comma = ", ";
    }
    printf("}");
}
