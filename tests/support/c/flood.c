/* SPDX-License-Identifier: MIT */
/*
 * flood PORT FILE [options] - sends the request in FILE again and again, on connections to
 * 127.0.0.1:PORT, as fast as it is answered. A connection that ends is opened again.
 *
 *   -c N      number of connections (default 1)
 *   -p N      requests outstanding on each (default 1); 0: as many as the server takes
 *   -s ADDR   connect from this address
 *   -d        deaf: read no answers
 *
 * Prints "begun". On SIGTERM, once at least one request has ended, prints one line of JSON: answers by
 * status; the shortest and the longest body of a 200, in bytes; the requests that the server left without
 * an answer (`broken`), or whose connection it `refused`; how often something came that is not an answer
 * (`wrong`).
 */
#include "load.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROOM = 4096, AT_ONCE = 16 * 1024 };

/* What of an answer comes next. A chunk's data has its CRLF behind it. */
enum part { HEAD, BODY, CHUNK_SIZE, CHUNK, LAST_LINE };

struct connection {
    int fd;                  /* -1: closed */
    int wants_out;           /* it waits until it can send */
    uint64_t sent, answered; /* bytes; requests */
    enum part part;
    size_t length; /* of the line, or the head, that has come so far */
    uint64_t left; /* of the body or the chunk */
    uint64_t body;
    long status;
    char text[ROOM + 1];
};

static struct {
    struct sockaddr_in server, from;
    unsigned long connections, pipeline;
    int deaf;
} options = {.connections = 1, .pipeline = 1};

static struct {
    unsigned long statuses[LOAD_STATUSES], broken, refused, wrong;
    uint64_t shortest, longest;
} seen = {.shortest = UINT64_MAX};

static char *requests; /* the same one, several times */
static size_t request_length, requests_length;
static struct connection *all;
static int epoll;

/* ---- Answers */

static void finished(struct connection *connection)
{
    seen.statuses[connection->status]++;
    if (connection->status == 200) {
        if (connection->body < seen.shortest)
            seen.shortest = connection->body;
        if (connection->body > seen.longest)
            seen.longest = connection->body;
    }
    connection->answered++;
    connection->part = HEAD;
}

/* 0 when it is not an answer's. */
static int take_head(struct connection *connection)
{
    const char *field = strstr(connection->text, "\r\nContent-Length: ");

    if (strncmp(connection->text, "HTTP/1.1 ", 9) != 0)
        return 0;
    connection->status = strtol(connection->text + 9, NULL, 10);
    connection->body = 0;
    if (connection->status < 100 || connection->status >= LOAD_STATUSES)
        return 0;
    if (strcasestr(connection->text, "\r\nTransfer-Encoding: chunked\r\n")) {
        connection->part = CHUNK_SIZE;
        return 1;
    }
    if (!field)
        return 0;
    connection->left = strtoull(field + strlen("\r\nContent-Length: "), NULL, 10);
    connection->part = BODY;
    if (connection->left == 0)
        finished(connection);
    return 1;
}

/* Takes a whole line between chunks; 0 when it is malformed. */
static int take_line(struct connection *connection)
{
    char *end;

    if (connection->part == LAST_LINE) {
        finished(connection);
        return strcmp(connection->text, "\r\n") == 0; /* no trailer is expected */
    }
    connection->left = strtoull(connection->text, &end, 16);
    if (end == connection->text)
        return 0;
    connection->body += connection->left;
    connection->part = connection->left ? CHUNK : LAST_LINE;
    connection->left += 2;
    return 1;
}

static int is_whole(const struct connection *connection)
{
    const char *end = connection->part == HEAD ? "\r\n\r\n" : "\r\n";
    size_t length = strlen(end);

    return connection->length >= length &&
           memcmp(connection->text + connection->length - length, end, length) == 0;
}

/* Takes a byte of a head or a line; 0 when that is malformed. */
static int take_text(struct connection *connection, char byte)
{
    if (connection->length == ROOM)
        return 0;
    connection->text[connection->length++] = byte;
    if (byte != '\n' || !is_whole(connection))
        return 1;
    connection->text[connection->length] = '\0';
    connection->length = 0;
    return connection->part == HEAD ? take_head(connection) : take_line(connection);
}

static int take(struct connection *connection, const char *data, size_t length)
{
    while (length > 0) {
        if (connection->part != BODY && connection->part != CHUNK) {
            if (!take_text(connection, *data))
                return 0;
            data++;
            length--;
            continue;
        }
        size_t some = connection->left < length ? (size_t)connection->left : length;
        connection->left -= some;
        data += some;
        length -= some;
        if (connection->part == BODY)
            connection->body += some;
        if (connection->left == 0 && connection->part == CHUNK)
            connection->part = CHUNK_SIZE;
        else if (connection->left == 0)
            finished(connection);
    }
    return 1;
}

/* ---- Connections */

static uint32_t events_of(const struct connection *connection)
{
    return (options.deaf ? 0 : EPOLLIN) | (connection->wants_out ? EPOLLOUT : 0);
}

static void dial(struct connection *connection)
{
    /* The deaf have a small buffer: else the kernel takes megabytes for them. */
    int fd = load_connect(&options.from, &options.server, sizeof options.server,
                          options.deaf ? 4096 : 0);

    *connection = (struct connection){.fd = fd};
    if (fd < 0)
        seen.refused++;
    else
        load_watch(epoll, fd,
                   (struct epoll_event){.events = events_of(connection), .data.ptr = connection});
}

static void hang_up(struct connection *connection)
{
    uint64_t asked = (connection->sent + request_length - 1) / request_length;

    seen.broken += asked - connection->answered;
    close(connection->fd);
    connection->fd = -1;
}

/* Sends as much as it may and the kernel takes. */
static void ask(struct connection *connection)
{
    uint64_t most =
        options.pipeline ? (connection->answered + options.pipeline) * request_length : UINT64_MAX;
    int wants_out = 0;

    while (connection->sent < most) {
        size_t at = (size_t)(connection->sent % requests_length), length = requests_length - at;
        if (length > most - connection->sent)
            length = (size_t)(most - connection->sent);
        ssize_t put = send(connection->fd, requests + at, length, MSG_NOSIGNAL);
        if (put < 0 && errno != EAGAIN)
            break; /* the end is seen where answers are read */
        if (put < 0) {
            wants_out = 1;
            break;
        }
        connection->sent += (uint64_t)put;
        if (!options.pipeline) {
            wants_out = 1; /* others have their turn */
            break;
        }
    }
    if (wants_out == connection->wants_out)
        return;
    connection->wants_out = wants_out;
    struct epoll_event event = {.events = events_of(connection), .data.ptr = connection};
    if (epoll_ctl(epoll, EPOLL_CTL_MOD, connection->fd, &event) != 0)
        load_die("epoll");
}

static void see(struct connection *connection, uint32_t events)
{
    static char data[256 * 1024];

    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        ssize_t got = recv(connection->fd, data, sizeof data, 0);
        if (got > 0 && !take(connection, data, (size_t)got)) {
            seen.wrong++;
            got = 0;
        }
        if (got == 0 || (got < 0 && errno != EAGAIN)) {
            hang_up(connection);
            dial(connection);
        }
    }
    if (connection->fd >= 0)
        ask(connection);
}

/* ---- All of it */

/* Whether a request has ended, well or badly. A deaf one does not wait for that. */
static int any_ended(void)
{
    for (unsigned long i = 0; i < LOAD_STATUSES; i++)
        if (seen.statuses[i])
            return 1;
    return options.deaf || seen.broken || seen.refused || seen.wrong;
}

static void run(void)
{
    struct epoll_event events[LOAD_EVENTS];

    for (unsigned long i = 0; i < options.connections; i++) {
        dial(&all[i]);
        if (all[i].fd >= 0)
            ask(&all[i]);
    }
    while (!load_over || !any_ended()) {
        int count = load_wait(epoll, events, 100000000);
        for (int i = 0; i < count; i++)
            see(events[i].data.ptr, events[i].events);
    }
}

static void report(void)
{
    printf("{");
    load_print_statuses(seen.statuses);
    printf(", \"shortest\": %llu, \"longest\": %llu, \"broken\": %lu, \"refused\": %lu, "
           "\"wrong\": %lu}\n",
           seen.longest ? (unsigned long long)seen.shortest : 0, (unsigned long long)seen.longest,
           seen.broken, seen.refused, seen.wrong);
}

/* Keeps many copies of the request, so that few calls fill a connection. */
static void read_request(const char *path)
{
    FILE *file = fopen(path, "rb");
    static char text[1 << 20];

    request_length = file ? fread(text, 1, sizeof text, file) : 0;
    if (request_length == 0 || request_length == sizeof text)
        load_die(path);
    fclose(file);
    size_t copies = request_length < AT_ONCE ? AT_ONCE / request_length : 1;
    requests_length = copies * request_length;
    requests = malloc(requests_length);
    for (size_t i = 0; requests && i < copies; i++)
        memcpy(requests + i * request_length, text, request_length);
}

static void parse(int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "c:p:s:d")) != -1) {
        switch (option) {
        case 'c':
            options.connections = strtoul(optarg, NULL, 10);
            break;
        case 'p':
            options.pipeline = strtoul(optarg, NULL, 10);
            break;
        case 's':
            options.from = load_source(optarg);
            break;
        case 'd':
            options.deaf = 1;
            break;
        default:
            exit(2);
        }
    }
    if (argc - optind != 2 || options.connections == 0) {
        fprintf(stderr, "usage: flood PORT FILE [options]\n");
        exit(2);
    }
    options.server = load_server(argv[optind]);
    read_request(argv[optind + 1]);
}

int main(int argc, char **argv)
{
    parse(argc, argv);
    all = calloc(options.connections, sizeof *all);
    epoll = epoll_create1(0);
    if (epoll < 0 || !all || !requests)
        load_die("cannot start");
    load_begin();
    run();
    report();
    free(all);
    return 0;
}
