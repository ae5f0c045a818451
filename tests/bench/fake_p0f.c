/* SPDX-License-Identifier: MIT */
/*
 * fake_p0f SOCKET
 *
 * Speaks p0f's API (stock dialect, 232-byte answers) for the benchmarks that need more hosts than a
 * real p0f can be shown quickly: it knows every address in 10.0.0.0/8 and no other. Answers keep
 * the order of the queries on each connection. One thread, one poll loop, like p0f.
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

enum { QUERY_SIZE = 21, ANSWER_SIZE = 232, MAX_CLIENTS = 64, BATCH = 64, KNOWN_FIRST_OCTET = 10 };

#define QUERY_MAGIC 0x50304601u
#define ANSWER_MAGIC 0x50304602u
enum { STATUS_BAD_QUERY = 0x00, STATUS_OK = 0x10, STATUS_NO_MATCH = 0x20 };

struct client {
    int fd;
    size_t in_length, out_length, out_sent;
    unsigned char in[BATCH * QUERY_SIZE];
    unsigned char out[BATCH * ANSWER_SIZE];
};

static void die(const char *what)
{
    fprintf(stderr, "fake_p0f: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void put_u32(unsigned char *at, uint32_t value)
{
    memcpy(at, &value, sizeof value);
}

static void put_known_host(unsigned char *answer, const unsigned char *address, uint32_t now)
{
    int16_t distance = (int16_t)(1 + address[3] % 9);
    put_u32(answer + 8, now - 86400 - address[2]); /* first_seen */
    put_u32(answer + 12, now);                     /* last_seen */
    put_u32(answer + 16, 100u + address[3]);       /* total_conn */
    put_u32(answer + 20, 17500u + address[3]);     /* uptime_min */
    put_u32(answer + 24, 198);                     /* up_mod_days */
    memcpy(answer + 36, &distance, sizeof distance);
    strcpy((char *)answer + 40, "Linux");
    strcpy((char *)answer + 72, "3.11 and newer");
    strcpy((char *)answer + 104, "Firefox");
    strcpy((char *)answer + 136, "10.x or newer");
    strcpy((char *)answer + 168, "Ethernet or modem");
    strcpy((char *)answer + 200, "English");
}

static void put_answer(unsigned char *answer, const unsigned char *query, uint32_t now)
{
    uint32_t magic;
    memcpy(&magic, query, sizeof magic);
    memset(answer, 0, ANSWER_SIZE);
    put_u32(answer, ANSWER_MAGIC);
    if (magic != QUERY_MAGIC || (query[4] != 4 && query[4] != 6)) {
        put_u32(answer + 4, STATUS_BAD_QUERY);
    } else if (query[4] == 4 && query[5] == KNOWN_FIRST_OCTET) {
        put_u32(answer + 4, STATUS_OK);
        put_known_host(answer, query + 5, now);
    } else {
        put_u32(answer + 4, STATUS_NO_MATCH);
    }
}

/* Answers what is complete in `in`; `out` is empty and has room for all of it. */
static void answer_queries(struct client *client)
{
    uint32_t now = (uint32_t)time(NULL);
    size_t done = 0;
    client->out_length = client->out_sent = 0;
    for (; client->in_length - done >= QUERY_SIZE; done += QUERY_SIZE) {
        put_answer(client->out + client->out_length, client->in + done, now);
        client->out_length += ANSWER_SIZE;
    }
    client->in_length -= done;
    memmove(client->in, client->in + done, client->in_length);
}

static int would_block(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* One step for a client that is readable or writable. Returns 0 once it has gone. */
static int step(struct client *client)
{
    if (client->out_sent == client->out_length) {
        ssize_t got =
            read(client->fd, client->in + client->in_length, sizeof client->in - client->in_length);
        if (got <= 0)
            return got < 0 && would_block();
        client->in_length += (size_t)got;
        answer_queries(client);
    }
    if (client->out_sent < client->out_length) {
        ssize_t put = write(client->fd, client->out + client->out_sent,
                            client->out_length - client->out_sent);
        if (put < 0)
            return would_block();
        client->out_sent += (size_t)put;
    }
    return 1;
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        die(path);
    }
    strcpy(address.sun_path, path);
    unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(fd, MAX_CLIENTS) < 0)
        die(path);
    return fd;
}

static struct client *greet(int listener)
{
    int fd = accept(listener, NULL, NULL);
    struct client *client = calloc(1, sizeof *client);
    if (fd < 0 || !client || fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
        die("accept");
    client->fd = fd;
    return client;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: fake_p0f SOCKET\n");
        return 2;
    }
    struct client *clients[MAX_CLIENTS];
    struct pollfd polled[MAX_CLIENTS + 1];
    size_t count = 0;
    int listener = listen_at(argv[1]);
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        for (size_t i = 0; i < count; i++) {
            int owes = clients[i]->out_sent < clients[i]->out_length;
            polled[i] = (struct pollfd){.fd = clients[i]->fd, .events = owes ? POLLOUT : POLLIN};
        }
        polled[count] = (struct pollfd){.fd = listener, .events = count < MAX_CLIENTS ? POLLIN : 0};
        if (poll(polled, count + 1, -1) < 0) {
            if (errno != EINTR)
                die("poll");
            continue;
        }
        short at_the_door = polled[count].revents;
        /* Backwards: the last client, served already, takes the place of one that has gone. */
        for (size_t i = count; i-- > 0;) {
            if (!polled[i].revents || step(clients[i]))
                continue;
            close(clients[i]->fd);
            free(clients[i]);
            clients[i] = clients[--count];
        }
        if (at_the_door & POLLIN)
            clients[count++] = greet(listener);
    }
}
