/* SPDX-License-Identifier: MIT */
/*
 * busy_p0f SOCKET - a p0f that is busy with packets, and dies of what the real one dies of.
 *
 * It has p0f's order of work (live_event_loop in p0f.c of 3.09b): poll; then the capture, here a
 * stall; then one step for each connection that the poll had found ready: read a query, or write an
 * answer. So what a client does during a stall is only met at the step, where a read or a write that
 * fails is fatal. Answers are those of the stock dialect. It knows the hosts of 10.0.0.0/8 and no
 * others, and gives each host's address as its http_name, so that a mixed-up answer shows.
 *
 * It takes orders from stdin, one a line, and answers each with a line of JSON, all it has counted:
 *
 *   stall MS EVERY   stall for MS at a time, EVERY ms after the last one (0: in every round)
 *   cap N            serve so many clients at once (default 20); others are left in the backlog
 *   report           nothing; only count
 *
 * The line is printed at the end, too: at the end of stdin, or when it dies, with status 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { QUERY_SIZE = 21, ANSWER_SIZE = 232, CLIENTS_MAX = 100, KNOWN_FIRST_OCTET = 10 };

#define QUERY_MAGIC 0x50304601u
#define ANSWER_MAGIC 0x50304602u
enum { STATUS_BAD_QUERY = 0x00, STATUS_OK = 0x10, STATUS_NO_MATCH = 0x20 };

struct client {
    int fd;
    size_t in, out; /* bytes of the query read; then, of the answer written */
    unsigned char query[QUERY_SIZE];
    unsigned char answer[ANSWER_SIZE];
};

static struct {
    unsigned long queries, answers, stalls, connections;
    unsigned long owed_closes; /* a client went that had not got all its answers */
    unsigned long half_closes; /* a client said it would ask no more: p0f spins until it goes */
    size_t most;               /* clients at once */
} seen;

static struct client clients[CLIENTS_MAX];
static size_t client_count, cap = 20;
static int64_t stall_ms, stall_every_ms, stalled_ms;

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void report(const char *died)
{
    printf("{\"queries\": %lu, \"answers\": %lu, \"stalls\": %lu, \"connections\": %lu, "
           "\"clients\": %zu, \"most\": %zu, \"owed_closes\": %lu, \"half_closes\": %lu, "
           "\"died\": \"%s\"}\n",
           seen.queries, seen.answers, seen.stalls, seen.connections, client_count, seen.most,
           seen.owed_closes, seen.half_closes, died);
    fflush(stdout);
}

static void die(const char *what)
{
    report(what);
    fprintf(stderr, "busy_p0f: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- Answers */

static void put_u32(unsigned char *at, uint32_t value)
{
    memcpy(at, &value, sizeof value);
}

static void make_answer(struct client *client)
{
    const unsigned char *addr = client->query + 5;
    uint32_t magic;

    seen.queries++;
    memcpy(&magic, client->query, sizeof magic);
    memset(client->answer, 0, ANSWER_SIZE);
    put_u32(client->answer, ANSWER_MAGIC);
    if (magic != QUERY_MAGIC || (client->query[4] != 4 && client->query[4] != 6)) {
        put_u32(client->answer + 4, STATUS_BAD_QUERY);
    } else if (client->query[4] == 6 || addr[0] != KNOWN_FIRST_OCTET) {
        put_u32(client->answer + 4, STATUS_NO_MATCH);
    } else {
        put_u32(client->answer + 4, STATUS_OK);
        put_u32(client->answer + 8, 1700000000);  /* first_seen */
        put_u32(client->answer + 12, 1700000060); /* last_seen */
        put_u32(client->answer + 16, 1);          /* total_conn */
        strcpy((char *)client->answer + 40, "Linux");
        snprintf((char *)client->answer + 104, 32, "%d.%d.%d.%d", addr[0], addr[1], addr[2],
                 addr[3]);
    }
}

/* ---- Clients */

static void forget(size_t which)
{
    close(clients[which].fd);
    clients[which] = clients[--client_count];
}

/* It has closed: with all its answers, or too early? */
static void client_closed(size_t which)
{
    struct client *client = &clients[which];
    int owed = client->in == QUERY_SIZE;
    unsigned char unread[4096];
    size_t length = client->in;
    ssize_t got;

    while ((got = read(client->fd, unread, sizeof unread)) > 0)
        length += (size_t)got;
    if (got < 0 && errno == ECONNRESET) /* it had not read its answer */
        owed = 1;
    if (owed || length >= QUERY_SIZE)
        seen.owed_closes++;
    forget(which);
}

static void read_query(size_t which)
{
    struct client *client = &clients[which];
    ssize_t got = read(client->fd, client->query + client->in, QUERY_SIZE - client->in);

    if (got < 0) {
        seen.owed_closes++;
        die("read() on API socket fails despite POLLIN");
    }
    if (got == 0) { /* p0f would read again at once, for ever */
        seen.half_closes++;
        forget(which);
        return;
    }
    client->in += (size_t)got;
    if (client->in == QUERY_SIZE)
        make_answer(client);
}

static void write_answer(size_t which)
{
    struct client *client = &clients[which];
    ssize_t put = write(client->fd, client->answer + client->out, ANSWER_SIZE - client->out);

    if (put <= 0) {
        seen.owed_closes++;
        die("write() on API socket fails despite POLLOUT");
    }
    client->out += (size_t)put;
    if (client->out == ANSWER_SIZE) {
        client->in = client->out = 0;
        seen.answers++;
    }
}

static void greet(int listener)
{
    int fd = accept(listener, NULL, NULL);

    if (fd < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
        die("accept() fails");
    clients[client_count++] = (struct client){.fd = fd};
    seen.connections++;
    if (client_count > seen.most)
        seen.most = client_count;
}

/* ---- Orders */

static void obey(const char *line)
{
    long number, every;

    if (sscanf(line, "stall %ld %ld", &number, &every) == 2) {
        stall_ms = number;
        stall_every_ms = every;
    } else if (sscanf(line, "cap %ld", &number) == 1 && number >= 0 && number <= CLIENTS_MAX) {
        cap = (size_t)number;
    } else if (strncmp(line, "report", 6) != 0) {
        errno = EINVAL;
        die("unknown order");
    }
    report("");
}

/* False at the end. */
static int take_orders(void)
{
    static char text[256];
    static size_t length;
    ssize_t got = read(STDIN_FILENO, text + length, sizeof text - 1 - length);
    char *end;

    if (got <= 0)
        return 0;
    length += (size_t)got;
    text[length] = '\0';
    while ((end = strchr(text, '\n'))) {
        *end = '\0';
        obey(text);
        length -= (size_t)(end + 1 - text);
        memmove(text, end + 1, length + 1);
    }
    return 1;
}

/* ---- The loop */

static int listen_at(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    if (strlen(path) >= sizeof name.sun_path) {
        errno = ENAMETOOLONG;
        die(path);
    }
    strcpy(name.sun_path, path);
    unlink(path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof name) < 0 ||
        listen(fd, CLIENTS_MAX) < 0)
        die(path);
    return fd;
}

static void capture(void)
{
    if (stall_ms == 0 || now_ms() < stalled_ms + stall_every_ms)
        return;
    seen.stalls++;
    poll(NULL, 0, (int)stall_ms);
    stalled_ms = now_ms();
}

enum { ORDERS, LISTENER, FIRST_CLIENT };

/* One round; false at the end of the orders. */
static int serve(int listener)
{
    struct pollfd polled[FIRST_CLIENT + CLIENTS_MAX];

    polled[ORDERS] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    polled[LISTENER] = (struct pollfd){.fd = client_count < cap ? listener : -1, .events = POLLIN};
    for (size_t i = 0; i < client_count; i++)
        polled[FIRST_CLIENT + i] = (struct pollfd){
            .fd = clients[i].fd, .events = clients[i].in == QUERY_SIZE ? POLLOUT : POLLIN};
    if (poll(polled, FIRST_CLIENT + client_count, -1) < 0)
        die("poll() failed");
    capture();
    if (polled[LISTENER].revents) {
        greet(listener);
        return 1; /* and poll again, as p0f does */
    }
    for (size_t i = 0; i < client_count; i++) {
        short events = polled[FIRST_CLIENT + i].revents;
        if (events & (POLLERR | POLLHUP)) {
            client_closed(i);
            return 1; /* likewise */
        }
        if (events & POLLOUT)
            write_answer(i);
        else if (events & POLLIN)
            read_query(i);
        if (polled[FIRST_CLIENT + i].fd != clients[i].fd)
            return 1; /* gone: the places have changed */
    }
    /* Last, so that what clients have done before the orders ended is still seen. */
    return polled[ORDERS].revents ? take_orders() : 1;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: busy_p0f SOCKET\n");
        return 2;
    }
    int listener = listen_at(argv[1]);
    signal(SIGPIPE, SIG_IGN); /* to be able to say what happened */
    report("");
    while (serve(listener))
        continue;
    report("");
    return 0;
}
