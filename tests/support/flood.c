/* SPDX-License-Identifier: MIT */
/*
 * flood PORT FILE [options] - sends the request that stands in FILE again and again, on connections
 * of 127.0.0.1:PORT, as fast as it is answered. One that has ended is opened again.
 *
 *   -c N      so many connections (default 1)
 *   -p N      so many requests under way on each (default 1); 0: as many as are taken
 *   -s ADDR   connect from there
 *   -d        deaf: read no answers
 *
 * Prints "begun". SIGTERM: prints one line of JSON: answers by status; the shortest and the longest
 * body of a 200, in bytes; how many requests were `broken` off by the server, or `refused`; how
 * often what came was `wrong`, which is no answer at all.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256, STATUSES = 600, ROOM = 4096, AT_ONCE = 16 * 1024 };

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
    unsigned long statuses[STATUSES], broken, refused, wrong;
    uint64_t shortest, longest;
} seen = {.shortest = UINT64_MAX};

static char *requests; /* the same one, several times */
static size_t request_length, requests_length;
static struct connection *all;
static int epoll;
static volatile sig_atomic_t over;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

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

/* 0 when it is none. */
static int take_head(struct connection *connection)
{
    const char *field = strstr(connection->text, "\r\nContent-Length: ");

    if (strncmp(connection->text, "HTTP/1.1 ", 9) != 0)
        return 0;
    connection->status = strtol(connection->text + 9, NULL, 10);
    connection->body = 0;
    if (connection->status < 100 || connection->status >= STATUSES)
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

/* A whole line of those between chunks; 0 when it is none. */
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

/* Takes a byte of a head or a line; 0 when it is none. */
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
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 || (options.from.sin_family &&
                   bind(fd, (const struct sockaddr *)&options.from, sizeof options.from) != 0))
        die("socket");
    if (options.deaf) /* else the kernel takes megabytes for us */
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){4096}, sizeof(int));
    *connection = (struct connection){.fd = -1};
    if (connect(fd, (const struct sockaddr *)&options.server, sizeof options.server) != 0) {
        if (errno != ECONNREFUSED && errno != ECONNRESET)
            die("connect");
        seen.refused++;
        close(fd);
        return;
    }
    struct epoll_event event = {.events = events_of(connection), .data.ptr = connection};
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        die("epoll");
    connection->fd = fd;
}

static void hang_up(struct connection *connection)
{
    uint64_t asked = (connection->sent + request_length - 1) / request_length;

    seen.broken += asked - connection->answered;
    close(connection->fd);
    connection->fd = -1;
}

/* As much as it may, and as is taken. */
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
        die("epoll");
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

static void run(void)
{
    struct epoll_event events[EVENTS];

    for (unsigned long i = 0; i < options.connections; i++) {
        dial(&all[i]);
        if (all[i].fd >= 0)
            ask(&all[i]);
    }
    while (!over) {
        int count = epoll_wait(epoll, events, EVENTS, 100);
        if (count < 0 && errno != EINTR)
            die("epoll_wait");
        for (int i = 0; i < count; i++)
            see(events[i].data.ptr, events[i].events);
    }
}

static void report(void)
{
    const char *comma = "";

    printf("{\"statuses\": {");
    for (int status = 0; status < STATUSES; status++) {
        if (seen.statuses[status] == 0)
            continue;
        printf("%s\"%d\": %lu", comma, status, seen.statuses[status]);
        comma = ", ";
    }
    printf("}, \"shortest\": %llu, \"longest\": %llu, \"broken\": %lu, \"refused\": %lu, "
           "\"wrong\": %lu}\n",
           seen.longest ? (unsigned long long)seen.shortest : 0, (unsigned long long)seen.longest,
           seen.broken, seen.refused, seen.wrong);
}

/* The request, so many times that a connection can be filled with few calls. */
static void read_request(const char *path)
{
    FILE *file = fopen(path, "rb");
    static char text[1 << 20];

    request_length = file ? fread(text, 1, sizeof text, file) : 0;
    if (request_length == 0 || request_length == sizeof text)
        die(path);
    fclose(file);
    size_t copies = request_length < AT_ONCE ? AT_ONCE / request_length : 1;
    requests_length = copies * request_length;
    requests = malloc(requests_length);
    for (size_t i = 0; requests && i < copies; i++)
        memcpy(requests + i * request_length, text, request_length);
}

static void on_signal(int number)
{
    (void)number;
    over = 1;
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
            options.from =
                (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = inet_addr(optarg)};
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
    options.server =
        (struct sockaddr_in){.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)strtoul(argv[optind], NULL, 10)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    read_request(argv[optind + 1]);
}

int main(int argc, char **argv)
{
    parse(argc, argv);
    all = calloc(options.connections, sizeof *all);
    epoll = epoll_create1(0);
    if (epoll < 0 || !all || !requests)
        die("cannot start");
    signal(SIGTERM, on_signal);
    printf("begun\n");
    fflush(stdout);
    run();
    report();
    free(all);
    return 0;
}
