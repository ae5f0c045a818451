/* SPDX-License-Identifier: MIT */
/*
 * busy_p0f SOCKET - a p0f that is busy with packets, and dies of what the real one dies of.
 *
 * It works in p0f's order (live_event_loop in p0f.c of 3.09b): poll; then the capture, here a stall; then
 * one step for each connection that the poll found ready: read a query, or write an answer. So what a
 * client does during a stall is met only at that step, where a failing read or write is fatal. It answers
 * in the stock dialect, knows the hosts of 10.0.0.0/8 and no others, and gives each host's address as its
 * http_name, so that a mixed-up answer shows.
 *
 * It takes commands from stdin, one per line, and answers each with a line of JSON, all its counters:
 *
 *   stall MS EVERY   stall for MS at a time, EVERY ms after the last one (0: in every round)
 *   cap N            serve up to N clients at once (default 20); others stay in the backlog
 *   report           only print the counters
 *
 * It prints them once more when stdin ends, or when it dies, with status 1.
 */
#include "fake_p0f.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
    unsigned long queries, answers, stalls, connections;
    unsigned long early_closes; /* a client closed before it had all its answers */
    unsigned long half_closes;  /* a client said it would ask no more: p0f spins until it closes */
    unsigned most;              /* clients at once */
} seen;

static struct fake_p0f p0f;
static unsigned cap = 20;
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
           "\"clients\": %u, \"most\": %u, \"early_closes\": %lu, \"half_closes\": %lu, "
           "\"died\": \"%s\"}\n",
           seen.queries, seen.answers, seen.stalls, seen.connections, fake_p0f_served(&p0f),
           seen.most, seen.early_closes, seen.half_closes, died);
    fflush(stdout);
}

static void die(const char *what)
{
    report(what);
    fprintf(stderr, "busy_p0f: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- Clients */

static void answer_query(struct fake_p0f_client *client)
{
    const struct p0f_addr *addr = &client->outstanding[0];
    struct p0f_answer answer = fake_p0f_no_match(addr);

    seen.queries++;
    if (fake_p0f_knows(addr)) {
        answer = (struct p0f_answer){.status = P0F_STATUS_OK,
                                     .host = {.first_seen = 1700000000,
                                              .last_seen = 1700000060,
                                              .total_conn = 1,
                                              .os_name = "Linux"}};
        snprintf(answer.host.http_name, sizeof answer.host.http_name, "%d.%d.%d.%d", addr->bytes[0],
                 addr->bytes[1], addr->bytes[2], addr->bytes[3]);
    }
    fake_p0f_answer(client, &answer, P0F_DIALECT_P0F3);
}

/* It has closed: with all its answers, or too early? */
static void client_closed(struct fake_p0f_client *client)
{
    bool early = fake_p0f_has_outstanding(client);
    unsigned char unread[4096];
    size_t length = client->length;
    ssize_t got;

    while ((got = read(client->fd, unread, sizeof unread)) > 0)
        length += (size_t)got;
    if (got < 0 && errno == ECONNRESET) /* it had not read its answer */
        early = true;
    if (early || length >= P0F_QUERY_SIZE)
        seen.early_closes++;
    fake_p0f_hang_up(client);
}

static void read_query(struct fake_p0f_client *client)
{
    enum fake_p0f_read read = fake_p0f_read(client, 1);

    if (read == FAKE_P0F_IDLE || read == FAKE_P0F_FAILED) {
        seen.early_closes++;
        die("read() on API socket fails despite POLLIN");
    }
    if (read == FAKE_P0F_CLOSED) { /* p0f would read again at once, for ever */
        seen.half_closes++;
        fake_p0f_hang_up(client);
    } else if (client->count > 0) {
        answer_query(client);
    }
}

static void write_answer(struct fake_p0f_client *client)
{
    if (fake_p0f_write(client, SIZE_MAX) <= 0) {
        seen.early_closes++;
        die("write() on API socket fails despite POLLOUT");
    }
    seen.answers += client->out_length == 0;
}

static void accept_client(void)
{
    if (!fake_p0f_accept(&p0f, cap))
        die("accept() fails");
    seen.connections++;
    if (fake_p0f_served(&p0f) > seen.most)
        seen.most = fake_p0f_served(&p0f);
}

/* ---- Orders */

static void obey(const char *line)
{
    long number, every;

    if (sscanf(line, "stall %ld %ld", &number, &every) == 2) {
        stall_ms = number;
        stall_every_ms = every;
    } else if (sscanf(line, "cap %ld", &number) == 1 && number >= 0 &&
               number <= FAKE_P0F_SLOTS_MAX) {
        cap = (unsigned)number;
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

static void capture(void)
{
    if (stall_ms == 0 || now_ms() < stalled_ms + stall_every_ms)
        return;
    seen.stalls++;
    poll(NULL, 0, (int)stall_ms);
    stalled_ms = now_ms();
}

/* One round; false at the end of the orders. */
static int serve(void)
{
    struct pollfd watched[2 + FAKE_P0F_SLOTS_MAX];
    nfds_t count = fake_p0f_watch(&p0f, watched);
    struct pollfd *orders = &watched[count++];

    *orders = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    if (fake_p0f_served(&p0f) >= cap)
        watched[0].fd = -1;
    if (poll(watched, count, -1) < 0)
        die("poll() failed");
    capture();
    if (watched[0].revents) {
        accept_client();
        return 1; /* and poll again, as p0f does */
    }
    for (unsigned i = 0; i < p0f.slots; i++) {
        struct fake_p0f_client *client = &p0f.clients[i];
        short events = watched[1 + i].revents;
        if (events & (POLLERR | POLLHUP)) {
            client_closed(client);
            return 1; /* likewise */
        }
        if (events & POLLOUT)
            write_answer(client);
        else if (events & POLLIN)
            read_query(client);
    }
    /* Last, so that what clients did before the orders ended is still seen. */
    return orders->revents ? take_orders() : 1;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: busy_p0f SOCKET\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN); /* to be able to say what happened */
    if (!fake_p0f_open(&p0f, argv[1], FAKE_P0F_SLOTS_MAX) || !fake_p0f_socket_listen(&p0f.socket))
        die(argv[1]);
    report("");
    while (serve())
        continue;
    report("");
    return 0;
}
