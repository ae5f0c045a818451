/* SPDX-License-Identifier: MIT */
/* Asks p0f about up to 1,024 hosts at once, in an event loop:
 *
 *     cc sd-event.c $(pkg-config --cflags --libs p0fclient libsystemd) -o ask && ./ask SOCKET IP...
 *
 * Prints a line for each host, and does not wait for one whose answer has not come in time. Closing the
 * connection then could kill p0f, so p0f_conn_detach() leaves it to a child process. */
#include <p0fclient.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>

#define TIMEOUT_USEC 1000000
#define HOSTS_MAX 1024 /* what p0f_conn_open() takes */

struct client {
    struct p0f_conn *conn;
    sd_event *loop;
    sd_event_source *socket;
    int unsettled; /* questions */
    int status;
};

struct question {
    struct client *client;
    const char *text;
    int settled;
};

/* Called once for each query, be it after its time is over. */
static void on_answer(void *ctx, enum p0f_error error, const struct p0f_host *host)
{
    struct question *question = ctx;
    struct client *client = question->client;

    if (question->settled)
        return;
    if (host)
        printf("%s: %s %s, seen %u times\n", question->text, host->os_name, host->os_flavor,
               (unsigned)host->total_conn);
    else
        printf("%s: %s\n", question->text, p0f_strerror(error));
    question->settled = 1;
    if (error != P0F_OK)
        client->status = 1;
    if (--client->unsettled == 0)
        sd_event_exit(client->loop, client->status);
}

static void watch(struct client *client)
{
    uint32_t wanted = EPOLLIN | (p0f_conn_wants_write(client->conn) ? EPOLLOUT : 0u);

    sd_event_source_set_io_events(client->socket, wanted);
}

static int on_socket(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
    struct client *client = ctx;

    (void)source, (void)fd, (void)events;
    p0f_conn_io(client->conn); /* an error is told to each query, too */
    watch(client);
    return 0;
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *ctx)
{
    (void)source, (void)usec;
    on_answer(ctx, P0F_TIMEOUT, NULL);
    return 0;
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *ctx)
{
    struct client *client = ctx;

    (void)source, (void)info;
    sd_event_exit(client->loop, 2);
    return 0;
}

static void ask(struct client *client, struct question *question)
{
    struct p0f_addr addr;
    enum p0f_error error = p0f_addr_parse(question->text, strlen(question->text), &addr);

    if (error == P0F_OK)
        error = p0f_conn_ask(client->conn, &addr, on_answer, question);
    if (error != P0F_OK) /* else on_answer() is called */
        on_answer(question, error, NULL);
    else
        sd_event_add_time_relative(client->loop, NULL, CLOCK_MONOTONIC, TIMEOUT_USEC, 0, on_timeout,
                                   question);
}

int main(int argc, char **argv)
{
    struct client client = {0};
    static struct question questions[HOSTS_MAX];
    sigset_t signals;

    if (argc < 3 || argc - 2 > HOSTS_MAX || sd_event_default(&client.loop) < 0) {
        fprintf(stderr, "usage: %s SOCKET IP... (up to %d)\n", argv[0], HOSTS_MAX);
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    enum p0f_error error =
        p0f_conn_open(argv[1], P0F_DIALECT_AUTO, (unsigned)argc - 2, &client.conn);
    if (error != P0F_OK) {
        fprintf(stderr, "%s: %s: %s\n", argv[1], p0f_strerror(error), strerror(errno));
        return 2;
    }
    sd_event_add_io(client.loop, &client.socket, p0f_conn_fd(client.conn), EPOLLIN, on_socket,
                    &client);
    sd_event_add_signal(client.loop, NULL, SIGINT, on_signal, &client);
    sd_event_add_signal(client.loop, NULL, SIGTERM, on_signal, &client);
    client.unsettled = argc - 2;
    for (int i = 0; i < argc - 2; i++) {
        questions[i] = (struct question){.client = &client, .text = argv[i + 2]};
        ask(&client, &questions[i]);
    }
    p0f_conn_flush(client.conn);
    watch(&client);
    int status = sd_event_loop(client.loop);
    sd_event_source_unref(client.socket); /* before its descriptor is closed */
    for (int i = 0; i < argc - 2; i++)
        questions[i].settled = 1;
    while (!p0f_conn_detach(client.conn)) /* cannot fork: wait */
        p0f_conn_io(client.conn);
    sd_event_unref(client.loop);
    return status;
}
