/* SPDX-License-Identifier: MIT */
/*
 * http_load PORT [options] - GET /host/ADDRESS, many times, on many connections to 127.0.0.1:PORT.
 *
 *   -n N      number of requests (default 1000)
 *   -c N      number of connections, kept alive (default 64)
 *   -r N      requests per second, evenly spaced, whether or not there are answers;
 *             without it each connection asks again as soon as it has been answered
 *   -a ADDR   first address to ask about (default 10.0.0.1)
 *   -m N      number of addresses, asked about in turn (default 1)
 *   -f FILE   ask about the addresses in FILE instead, see questions.h
 *   -q QUERY  append this to each address
 *   -H FIELD  send this header field with each request, without the CRLF
 *   -s ADDR   connect from this address
 *   -l MS     leave: hang up this long after a request that has no answer yet, and connect again
 *   -x        leave with a reset instead of a FIN
 *   -h        half-close after each request, and connect again
 *   -i        look for the address in `ip` only; else in `http_name`, too, where busy_p0f repeats it
 *
 * On SIGTERM it asks no more, and waits for the answers that are outstanding.
 *
 * Prints "begun" and, when all is done, one line of JSON: answers by status; `wrong` ones (not about the
 * address asked for, or a 503 without Retry-After); requests that the server left without an answer
 * (`broken`), whose connection it `refused`, or which were `left`; latency in microseconds, from when the
 * request was due.
 */
#include "load.h"
#include "questions.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROOM = 8192 };

enum state { CLOSED, IDLE, ASKING };

struct connection {
    int fd;
    enum state state;
    int64_t due, leave; /* when its request should have gone out; when to hang up */
    struct question question;
    size_t length;
    char text[ROOM + 1];
};

static struct {
    struct sockaddr_in server, from;
    unsigned long requests, connections, rate, addresses;
    uint32_t first_address;
    const char *file, *query, *field;
    long leave_ms; /* -1: stay */
    int reset, half_close, ip_only;
} options = {.requests = 1000,
             .connections = 64,
             .addresses = 1,
             .first_address = 0x0a000001,
             .query = "",
             .field = "",
             .leave_ms = -1};

static struct {
    unsigned long asked, done, wrong, broken, refused, left, statuses[LOAD_STATUSES];
    uint32_t *latency_us;
    unsigned long latencies;
} seen;

static int epoll;
static struct connection *all;
static struct connection **idle; /* a stack */
static unsigned long idle_count;

/* ---- Connections */

static void rest(struct connection *connection)
{
    connection->state = IDLE;
    idle[idle_count++] = connection;
}

/* 0 when nobody listens there any more. */
static int dial(struct connection *connection)
{
    int fd = load_connect(&options.from, &options.server, sizeof options.server, 0);

    if (fd < 0)
        return 0;
    load_watch(epoll, fd, (struct epoll_event){.events = EPOLLIN, .data.ptr = connection});
    connection->fd = fd;
    connection->length = 0;
    return 1;
}

static void hang_up(struct connection *connection)
{
    const struct linger none = {.l_onoff = 1};

    if (options.reset)
        setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    close(connection->fd);
    connection->state = CLOSED;
}

/* ---- Requests */

/* 0 when nobody is there to ask. */
static int ask(struct connection *connection, int64_t due)
{
    char request[512];

    question_take(seen.asked++, &connection->question);
    if (options.ip_only)
        connection->question.best = 200; /* or worse, as all that p0f may know */
    if (connection->state == CLOSED && !dial(connection)) {
        seen.refused++;
        seen.done++;
        idle[idle_count++] = connection;
        return 0;
    }
    int length = snprintf(request, sizeof request, "GET /host/%s%s HTTP/1.1\r\nHost: x%s%s\r\n\r\n",
                          connection->question.address, options.query, *options.field ? "\r\n" : "",
                          options.field);
    connection->state = ASKING;
    connection->due = due;
    connection->leave = load_now_ns() + options.leave_ms * 1000000;
    /* It is small, and nothing else is under way: it goes as a whole or the server has gone. */
    if (send(connection->fd, request, (size_t)length, MSG_NOSIGNAL) != length && errno != EPIPE &&
        errno != ECONNRESET)
        load_die("send");
    if (options.half_close)
        shutdown(connection->fd, SHUT_WR);
    return 1;
}

static void finished(struct connection *connection)
{
    seen.latency_us[seen.latencies++] = (uint32_t)((load_now_ns() - connection->due) / 1000);
    seen.done++;
    rest(connection);
    if (options.half_close)
        hang_up(connection);
}

static void broken(struct connection *connection)
{
    if (connection->state == ASKING) {
        seen.broken++;
        seen.done++;
    } else {
        for (unsigned long i = 0; i < idle_count; i++)
            if (idle[i] == connection)
                idle[i] = idle[--idle_count];
    }
    hang_up(connection);
    idle[idle_count++] = connection;
}

static void judge(struct connection *connection, const char *body)
{
    long status = strtol(connection->text + strlen("HTTP/1.1 "), NULL, 10);

    if (status < 0 || status >= LOAD_STATUSES)
        status = 0;
    seen.statuses[status]++;
    if (question_suits(&connection->question, status, body) &&
        (status != 503 || strstr(connection->text, "\r\nRetry-After: ")))
        return;
    if (seen.wrong++ == 0)
        fprintf(stderr, "http_load: asked about %s: %s\n", connection->question.address,
                connection->text);
}

/* Takes one answer off the buffer, if it is there as a whole. */
static void take_answer(struct connection *connection)
{
    char *body = strstr(connection->text, "\r\n\r\n");
    const char *field = strstr(connection->text, "\r\nContent-Length: ");

    if (!body || !field || field > body)
        return;
    body += 4;
    size_t length = strtoul(field + strlen("\r\nContent-Length: "), NULL, 10);
    if ((size_t)(connection->text + connection->length - body) < length)
        return;
    judge(connection, body);
    const char *last = strstr(connection->text, "\r\nConnection: close\r\n");
    connection->length = 0;
    finished(connection);
    if (last && last < body)
        hang_up(connection);
}

static void receive(struct connection *connection)
{
    ssize_t got =
        recv(connection->fd, connection->text + connection->length, ROOM - connection->length, 0);

    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0 || connection->state != ASKING) {
        broken(connection);
        return;
    }
    connection->length += (size_t)got;
    connection->text[connection->length] = '\0';
    take_answer(connection);
}

static void leave_late_ones(void)
{
    int64_t now = load_now_ns();

    for (unsigned long i = 0; i < options.connections; i++) {
        if (all[i].state != ASKING || now < all[i].leave)
            continue;
        hang_up(&all[i]);
        seen.left++;
        seen.done++;
        idle[idle_count++] = &all[i];
    }
}

/* ---- All of it */

/* Asks what is due. Nanoseconds until there is more to do; -1: when there is an answer. */
static int64_t ask_what_is_due(int64_t start)
{
    while (idle_count > 0 && seen.asked < options.requests) {
        int64_t now = load_now_ns(), due = now;
        if (options.rate) {
            due = start + (int64_t)((double)seen.asked * 1e9 / (double)options.rate);
            if (due > now)
                return due - now;
        }
        if (!ask(idle[--idle_count], due))
            return 1000000;
    }
    return options.leave_ms >= 0 ? 1000000 : -1;
}

static void run(void)
{
    int64_t start = load_now_ns();
    struct epoll_event events[LOAD_EVENTS];

    while (seen.done < options.requests) {
        int count = load_wait(epoll, events, ask_what_is_due(start));
        for (int i = 0; i < count; i++)
            receive(events[i].data.ptr);
        if (options.leave_ms >= 0)
            leave_late_ones();
        if (load_over)
            options.requests = seen.asked;
    }
}

static int compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

    return (left > right) - (left < right);
}

static uint32_t quantile(double part)
{
    if (seen.latencies == 0)
        return 0;
    return seen.latency_us[(unsigned long)(part * (double)(seen.latencies - 1))];
}

static void report(int64_t took_ns)
{
    qsort(seen.latency_us, seen.latencies, sizeof *seen.latency_us, compare);
    printf("{");
    load_print_statuses(seen.statuses);
    printf(", \"wrong\": %lu, \"broken\": %lu, \"refused\": %lu, \"left\": %lu, \"seconds\": "
           "%.3f, \"p50\": %u, "
           "\"p99\": %u, \"p999\": %u, \"most\": %u}\n",
           seen.wrong, seen.broken, seen.refused, seen.left, (double)took_ns / 1e9, quantile(0.5),
           quantile(0.99), quantile(0.999), quantile(1));
}

static void parse(int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "n:c:r:a:m:f:q:H:s:l:xhi")) != -1) {
        unsigned long number = optarg ? strtoul(optarg, NULL, 10) : 0;
        switch (option) {
        case 'n':
            options.requests = number;
            break;
        case 'c':
            options.connections = number;
            break;
        case 'r':
            options.rate = number;
            break;
        case 'a':
            options.first_address = ntohl(inet_addr(optarg));
            break;
        case 'm':
            options.addresses = number;
            break;
        case 'f':
            options.file = optarg;
            break;
        case 'q':
            options.query = optarg;
            break;
        case 'H':
            options.field = optarg;
            break;
        case 's':
            options.from = load_source(optarg);
            break;
        case 'l':
            options.leave_ms = (long)number;
            break;
        case 'x':
            options.reset = 1;
            break;
        case 'h':
            options.half_close = 1;
            break;
        case 'i':
            options.ip_only = 1;
            break;
        default:
            exit(2);
        }
    }
    if (!argv[optind] || options.requests == 0 || options.connections == 0 ||
        options.addresses == 0) {
        fprintf(stderr, "usage: http_load PORT [options]\n");
        exit(2);
    }
    if (options.file)
        questions_from_file(options.file);
    else
        questions_from_range(options.first_address, options.addresses);
    options.server = load_server(argv[optind]);
}

int main(int argc, char **argv)
{
    parse(argc, argv);
    epoll = epoll_create1(0);
    all = calloc(options.connections, sizeof *all);
    idle = calloc(options.connections, sizeof *idle);
    seen.latency_us = calloc(options.requests, sizeof *seen.latency_us);
    if (epoll < 0 || !all || !idle || !seen.latency_us)
        load_die("cannot start");
    for (unsigned long i = 0; i < options.connections; i++)
        idle[idle_count++] = &all[i];
    load_begin();
    int64_t start = load_now_ns();
    run();
    report(load_now_ns() - start);
    return 0;
}
