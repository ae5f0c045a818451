/* SPDX-License-Identifier: MIT */
/*
 * bare_client SOCKET HOSTS_FILE MILLISECONDS CONNECTIONS PIPELINE
 *
 * What a pool of pipelined connections gets from p0f when nothing else is done with the answers:
 * the ceiling that the daemon's rate of queries is measured against. Asks for the hosts in the
 * file, one a line, again and again in that order, each connection beginning at another place, and
 * each with PIPELINE queries in flight. p0f must know them all.
 *
 * Prints one line of JSON. Ends only when no answer is outstanding: it can die of a client that does not.
 */

#include "p0fclient.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HOSTS_MAX = 100000, CONNECTIONS_MAX = 64 };

struct requester {
    struct p0f_conn *conn;
    size_t next;
};

static struct p0f_addr hosts[HOSTS_MAX];
static size_t host_count;
static unsigned long found, others;

static void die(const char *what, enum p0f_error error)
{
    fprintf(stderr, "bare_client: %s: %s\n", what, error ? p0f_strerror(error) : strerror(errno));
    exit(1);
}

static void read_hosts(const char *path)
{
    char line[64];
    FILE *file = fopen(path, "r");

    if (!file)
        die(path, P0F_OK);
    while (host_count < HOSTS_MAX && fgets(line, sizeof line, file)) {
        enum p0f_error error = p0f_addr_parse(line, strcspn(line, "\n"), &hosts[host_count++]);
        if (error != P0F_OK)
            die(line, error);
    }
    fclose(file);
    if (host_count == 0)
        die(path, P0F_ADDR_EMPTY);
}

static double now(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void ask(struct requester *requester);

static void on_answer(void *ctx, enum p0f_error error, const struct p0f_host *host)
{
    (void)host;
    if (error == P0F_OK)
        found++;
    else
        others++;
    ask(ctx);
}

/* The next host; none any more once the connection is retired. */
static void ask(struct requester *requester)
{
    const struct p0f_addr *host = &hosts[requester->next];

    if (p0f_conn_ask(requester->conn, host, on_answer, requester) == P0F_OK)
        requester->next = (requester->next + 1) % host_count;
}

/* Whether anything is still to come on it. */
static bool serve(struct requester *requester)
{
    enum p0f_error error = p0f_conn_io(requester->conn);

    if (error != P0F_OK)
        die("the connection to p0f", error);
    return p0f_conn_outstanding(requester->conn) > 0 || p0f_conn_pending(requester->conn) > 0;
}

/* One round of poll(). Whether anything is still to come. */
static bool serve_all(struct requester *askers, unsigned count)
{
    struct pollfd polled[CONNECTIONS_MAX];
    bool more = false;

    for (unsigned i = 0; i < count; i++) {
        short writing = p0f_conn_wants_write(askers[i].conn) ? POLLOUT : 0;
        polled[i] =
            (struct pollfd){.fd = p0f_conn_fd(askers[i].conn), .events = (short)(POLLIN | writing)};
    }
    if (poll(polled, count, 5000) <= 0)
        die("poll", errno ? P0F_OK : P0F_TIMEOUT);
    for (unsigned i = 0; i < count; i++)
        more |= polled[i].revents ? serve(&askers[i]) : p0f_conn_outstanding(askers[i].conn) > 0;
    return more;
}

static void start(struct requester *requester, const char *path, unsigned pipeline, size_t first)
{
    enum p0f_error error = p0f_conn_open(path, P0F_DIALECT_AUTO, pipeline, &requester->conn);

    if (error != P0F_OK)
        die(path, error);
    requester->next = first;
    for (unsigned i = 0; i < pipeline; i++)
        ask(requester);
}

int main(int argc, char **argv)
{
    struct requester askers[CONNECTIONS_MAX];

    if (argc != 6) {
        fprintf(stderr, "usage: bare_client SOCKET HOSTS_FILE MILLISECONDS CONNECTIONS PIPELINE\n");
        return 2;
    }
    unsigned count = (unsigned)atoi(argv[4]), pipeline = (unsigned)atoi(argv[5]);
    if (count < 1 || count > CONNECTIONS_MAX)
        die(argv[4], P0F_FULL);
    read_hosts(argv[2]);
    for (unsigned i = 0; i < count; i++)
        start(&askers[i], argv[1], pipeline, i * host_count / count);

    double began = now(), until = began + atof(argv[3]) / 1000;
    while (now() < until)
        (void)serve_all(askers, count);
    double seconds = now() - began;
    unsigned long in_time = found;

    for (unsigned i = 0; i < count; i++)
        p0f_conn_retire(askers[i].conn);
    while (serve_all(askers, count))
        continue;
    for (unsigned i = 0; i < count; i++)
        if (!p0f_conn_free(askers[i].conn))
            die("closing", P0F_FULL);
    printf("{\"found\": %lu, \"others\": %lu, \"seconds\": %f}\n", in_time, others, seconds);
    return 0;
}
