/* SPDX-License-Identifier: MIT */
/*
 * hold PORT [options] - keeps many connections open. Each asks for /livez once a second; one that has
 * ended is opened again at its next turn.
 *
 *   -c N      number of connections (default 1000)
 *   -s ADDR   connect from this address (default 127.0.0.1); an IPv6 address connects to ::1
 *   -w BITS   take the source addresses from prefixes of this width, counted up from that of ADDR
 *   -m N      number of such prefixes, used in turn (default 1)
 *   -u BYTES  upload instead: announce a body of this length and send it as fast as it is taken
 *
 * Prints "begun" once each has been opened. On SIGTERM prints one line of JSON: connections open now,
 * opened ever, and answers.
 */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TURNS = 1000 }; /* per second, of a millisecond each */

static struct {
    unsigned long connections, prefixes, width, upload;
    const char *from;
    uint16_t port;
} options = {.connections = 1000, .prefixes = 1, .width = 32, .from = "127.0.0.1"};

static int epoll;
static int *fds; /* -1: closed */
static unsigned long answers, opened;

/* Counts up the prefix in front of an address. */
static void add(uint8_t *bytes, unsigned long width, unsigned long n)
{
    for (unsigned long i = width / 8; i > 0 && n > 0; i--) {
        n += bytes[i - 1];
        bytes[i - 1] = (uint8_t)n;
        n >>= 8;
    }
}

static socklen_t name_ends(unsigned long i, struct sockaddr_storage *from,
                           struct sockaddr_storage *to)
{
    struct sockaddr_in *from4 = (struct sockaddr_in *)from, *to4 = (struct sockaddr_in *)to;
    struct sockaddr_in6 *from6 = (struct sockaddr_in6 *)from, *to6 = (struct sockaddr_in6 *)to;

    memset(from, 0, sizeof *from);
    memset(to, 0, sizeof *to);
    if (inet_pton(AF_INET, options.from, &from4->sin_addr) == 1) {
        from4->sin_family = to4->sin_family = AF_INET;
        to4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        to4->sin_port = htons(options.port);
        add((uint8_t *)&from4->sin_addr, options.width, i % options.prefixes);
        return sizeof *from4;
    }
    if (inet_pton(AF_INET6, options.from, &from6->sin6_addr) != 1)
        load_die("-s");
    from6->sin6_family = to6->sin6_family = AF_INET6;
    to6->sin6_addr = in6addr_loopback;
    to6->sin6_port = htons(options.port);
    add(from6->sin6_addr.s6_addr, options.width, i % options.prefixes);
    return sizeof *from6;
}

static void dial(unsigned long i)
{
    struct sockaddr_storage from, to;
    socklen_t length = name_ends(i, &from, &to);
    int fd = load_connect(&from, &to, length, 0);

    if (fd < 0)
        return;
    load_watch(
        epoll, fd,
        (struct epoll_event){.events = EPOLLIN | (options.upload ? EPOLLOUT : 0), .data.u64 = i});
    fds[i] = fd;
    opened++;
}

static void hang_up(unsigned long i)
{
    close(fds[i]);
    fds[i] = -1;
}

static void ask(unsigned long i)
{
    char text[256];
    int length = snprintf(text, sizeof text, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");

    if (options.upload)
        length = snprintf(text, sizeof text,
                          "PUT /livez HTTP/1.1\r\nHost: x\r\nContent-Length: %lu\r\n\r\n",
                          options.upload);
    if (send(fds[i], text, (size_t)length, MSG_NOSIGNAL) != length)
        hang_up(i);
}

static void turn(unsigned long i)
{
    if (fds[i] < 0)
        dial(i);
    if (fds[i] >= 0)
        ask(i);
}

static void see(unsigned long i)
{
    static char bytes[256 * 1024];
    ssize_t got = recv(fds[i], bytes, sizeof bytes, 0);

    if (got > 0)
        answers++;
    else if (got == 0 || errno != EAGAIN)
        hang_up(i);
}

/* Uploads on after the answer as long as the server lets it, and then begins again. */
static void send_more(unsigned long i, uint32_t events)
{
    static char bytes[256 * 1024];

    if (events & EPOLLIN && recv(fds[i], bytes, sizeof bytes, 0) > 0)
        answers++;
    if (!(events & (EPOLLHUP | EPOLLERR)) &&
        (send(fds[i], bytes, sizeof bytes, MSG_NOSIGNAL) > 0 || errno == EAGAIN))
        return;
    hang_up(i);
    turn(i);
}

static void run(void)
{
    struct epoll_event events[LOAD_EVENTS];
    int64_t begun = load_now_ns();

    for (int64_t turns = 0; !load_over;) {
        for (; turns < (load_now_ns() - begun) / 1000000; turns++)
            for (unsigned long i = (unsigned long)turns % TURNS; i < options.connections;
                 i += TURNS)
                if (!options.upload || fds[i] < 0)
                    turn(i);
        int count = load_wait(epoll, events, 1000000);
        for (int i = 0; i < count; i++) {
            if (options.upload)
                send_more(events[i].data.u64, events[i].events);
            else
                see(events[i].data.u64);
        }
    }
}

static void parse(int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "c:s:w:m:u:")) != -1) {
        unsigned long number = strtoul(optarg, NULL, 10);
        switch (option) {
        case 'c':
            options.connections = number;
            break;
        case 's':
            options.from = optarg;
            break;
        case 'w':
            options.width = number;
            break;
        case 'm':
            options.prefixes = number;
            break;
        case 'u':
            options.upload = number;
            break;
        default:
            exit(2);
        }
    }
    if (!argv[optind] || options.connections == 0 || options.prefixes == 0) {
        fprintf(stderr, "usage: hold PORT [options]\n");
        exit(2);
    }
    options.port = (uint16_t)strtoul(argv[optind], NULL, 10);
}

int main(int argc, char **argv)
{
    unsigned long open = 0;

    parse(argc, argv);
    epoll = epoll_create1(0);
    fds = calloc(options.connections, sizeof *fds);
    if (epoll < 0 || !fds)
        load_die("cannot start");
    for (unsigned long i = 0; i < options.connections; i++)
        fds[i] = -1;
    for (unsigned long i = 0; i < options.connections; i++)
        turn(i);
    load_begin();
    run();
    for (unsigned long i = 0; i < options.connections; i++)
        open += fds[i] >= 0;
    printf("{\"open\": %lu, \"opened\": %lu, \"answers\": %lu}\n", open, opened, answers);
    return 0;
}
