#include "lingering.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Each test has a client's end of a connection; the other end is lingered on. */
static _Atomic int64_t now_ms;
static struct loop *loop;
static struct lingering *lingering;
static struct loop_fd client;

static struct mono now(void)
{
    return mono_add_ms((struct mono){0}, now_ms);
}

/* Our end is closed: the client's reads and writes show it. */
static void on_client(void *ctx, uint32_t events)
{
    (void)ctx;
    if (events & EPOLLHUP)
        loop_stop(loop);
}

static void setup(void)
{
    signal(SIGPIPE, SIG_IGN);
    loop = loop_new(now);
    lingering = lingering_new(loop);
    cr_assert_not_null(lingering);
}

static void teardown(void)
{
    lingering_free(lingering);
    loop_free(loop);
}

static int take(void)
{
    int ends[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    lingering_take(lingering, ends[0]);
    return ends[1];
}

static bool is_closed(int end)
{
    char byte;
    ssize_t size = recv(end, &byte, 1, MSG_DONTWAIT);

    return size == 0 || (size < 0 && errno == ECONNRESET); /* with bytes of ours unread */
}

static void run_until_closed(int end)
{
    client = (struct loop_fd){.fd = end, .ready = on_client};
    cr_assert_eq(loop_watch(loop, &client, EPOLLIN), 0);
    cr_assert_eq(loop_run(loop), 0);
    loop_unwatch(loop, &client);
    cr_assert(is_closed(end));
    close(end);
}

struct sender {
    int fd;
    size_t size;
    size_t sent;
};

/* Blocks until what it sends is read. */
static void *send_all(void *ctx)
{
    static const char bytes[64 * 1024];
    struct sender *sender = ctx;

    while (sender->sent < sender->size) {
        ssize_t size = send(sender->fd, bytes, sizeof bytes, 0);
        if (size <= 0)
            return NULL;
        sender->sent += (size_t)size;
    }
    shutdown(sender->fd, SHUT_WR);
    return NULL;
}

static void run_with(struct sender *sender)
{
    pthread_t thread;

    cr_assert_eq(pthread_create(&thread, NULL, send_all, sender), 0);
    run_until_closed(dup(sender->fd));
    pthread_join(thread, NULL);
    close(sender->fd);
}

Test(lingering, reads_until_the_client_has_sent_all, .init = setup, .fini = teardown, .timeout = 60)
{
    struct sender sender = {.fd = take(), .size = 10 * 1024 * 1024};

    run_with(&sender);
    cr_assert_eq(sender.sent, sender.size);
}

Test(lingering, ends_with_a_client_that_sends_without_end, .init = setup, .fini = teardown,
     .timeout = 60)
{
    struct sender sender = {.fd = take(), .size = SIZE_MAX};

    run_with(&sender);
    cr_assert_gt(sender.sent, 10 * 1024 * 1024);
}

static void *pass_time(void *ctx)
{
    int fd = *(int *)ctx;

    for (;;) { /* each byte wakes the loop, which then looks at the clock */
        now_ms += 100;
        if (send(fd, "x", 1, 0) != 1)
            return NULL;
    }
}

Test(lingering, ends_with_a_client_that_is_slow_for_too_long, .init = setup, .fini = teardown,
     .timeout = 60)
{
    int fd = take();
    pthread_t thread;

    cr_assert_eq(pthread_create(&thread, NULL, pass_time, &fd), 0);
    run_until_closed(dup(fd));
    pthread_join(thread, NULL);
    cr_assert_geq(now_ms, 10000);
    close(fd);
}

#define AT_ONCE 64

Test(lingering, ends_with_too_many_at_once, .init = setup, .fini = teardown, .timeout = 60)
{
    int ends[AT_ONCE + 1];

    for (int i = 0; i <= AT_ONCE; i++)
        ends[i] = take();
    for (int i = 0; i < AT_ONCE; i++)
        cr_assert_not(is_closed(ends[i]), "%d", i);
    cr_assert(is_closed(ends[AT_ONCE]));
    close(ends[AT_ONCE]);
    /* One leaves, another may come. */
    shutdown(ends[0], SHUT_WR);
    run_until_closed(ends[0]);
    ends[0] = take();
    cr_assert_not(is_closed(ends[0]));
    lingering_free(lingering);
    lingering = NULL;
    for (int i = 0; i < AT_ONCE; i++) {
        cr_assert(is_closed(ends[i]), "%d", i);
        close(ends[i]);
    }
}
