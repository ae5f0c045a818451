/* SPDX-License-Identifier: MIT */
#include "http/lingering_close.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define AT_ONCE 64

/* Each test has a client's end of a connection; the other end is lingered on. */
static _Atomic int64_t later_ms; /* than it is */
static struct loop *loop;
static struct lingering_close *lingering;
static struct networks *trusted; /* 127.1.0.0/16 */
static struct loop_fd client;

static struct mono now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return mono_add_ms((struct mono){time.tv_sec * INT64_C(1000000000) + time.tv_nsec}, later_ms);
}

/* Our end is closed: the client's reads and writes show it. */
static void on_client(void *ctx, uint32_t events)
{
    (void)ctx;
    if (events & (EPOLLHUP | EPOLLRDHUP))
        loop_stop(loop);
}

static void setup(void)
{
    signal(SIGPIPE, SIG_IGN);
    loop = loop_new(now);
    char error[NETWORKS_ERROR_SIZE];
    trusted = networks_parse("127.1.0.0/16", error);
    lingering = lingering_close_new(loop, trusted);
    cr_assert_not_null(lingering);
}

static void teardown(void)
{
    lingering_close_free(lingering);
    networks_free(trusted);
    loop_free(loop);
}

static int take_for(const void *peer)
{
    int ends[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    lingering_close_take(lingering, ends[0], peer);
    return ends[1];
}

static int take(void)
{
    static const struct sockaddr local = {.sa_family = AF_UNIX};

    return take_for(&local);
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
    cr_assert_eq(loop_watch(loop, &client, EPOLLRDHUP), 0);
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

Test(lingering_close, reads_until_the_client_has_sent_all, .init = setup, .fini = teardown,
     .timeout = 60)
{
    struct sender sender = {.fd = take(), .size = 10 * 1024 * 1024};

    run_with(&sender);
    cr_assert_eq(sender.sent, sender.size);
}

Test(lingering_close, those_that_send_nothing_take_nothing_from_others, .init = setup,
     .fini = teardown, .timeout = 60)
{
    int quiet[AT_ONCE - 1];

    for (int i = 0; i < AT_ONCE - 1; i++)
        quiet[i] = take();
    struct sender sender = {.fd = take(), .size = 10 * 1024 * 1024};
    run_with(&sender);
    cr_assert_eq(sender.sent, sender.size);
    for (int i = 0; i < AT_ONCE - 1; i++)
        close(quiet[i]);
}

Test(lingering_close, ends_with_a_client_that_sends_without_end, .init = setup, .fini = teardown,
     .timeout = 60)
{
    struct sender sender = {.fd = take(), .size = SIZE_MAX};

    run_with(&sender);
    cr_assert_gt(sender.sent, 10 * 1024 * 1024);
}

static void stop_later(void *ctx)
{
    (void)ctx;
    loop_stop(loop);
}

static void run_for(int64_t ms)
{
    struct loop_timer stop = {.fire = stop_later};

    loop_arm(loop, &stop, mono_add_ms(now(), ms));
    cr_assert_eq(loop_run(loop), 0);
}

Test(lingering_close, ends_with_a_client_that_is_slow_for_too_long, .init = setup, .fini = teardown,
     .timeout = 60)
{
    int fd = take();

    run_for(1);
    later_ms = 5000;
    cr_assert_eq(send(fd, "x", 1, 0), 1);
    run_for(20);
    cr_assert_not(is_closed(fd));
    later_ms = 10001;
    run_until_closed(fd);
}

/* ---- How much is read */

/* What they can send meanwhile, who send as fast as they are read. */
static size_t read_in(int64_t ms, struct sender *senders, int count)
{
    pthread_t threads[AT_ONCE];
    size_t sent = 0;

    for (int i = 0; i < count; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, send_all, &senders[i]), 0);
    run_for(ms);
    for (int i = 0; i < count; i++)
        shutdown(senders[i].fd, SHUT_RDWR);
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        sent += senders[i].sent;
        close(senders[i].fd);
    }
    return sent;
}

Test(lingering_close, reads_so_much_and_no_more_in_a_while, .init = setup, .fini = teardown,
     .timeout = 60)
{
    struct sender senders[10];

    for (int i = 0; i < 10; i++)
        senders[i] = (struct sender){.fd = take(), .size = SIZE_MAX};
    /* 100 turns of a MiB, and what the sockets hold. */
    cr_assert_leq(read_in(500, senders, 10), (size_t)(100 + 20) * 1024 * 1024);
}

Test(lingering_close, reads_less_of_each_the_more_there_are, .init = setup, .fini = teardown,
     .timeout = 60)
{
    struct sender senders[AT_ONCE];

    for (int i = 0; i < AT_ONCE; i++)
        senders[i] = (struct sender){.fd = take(), .size = SIZE_MAX};
    /* One is enough to see; it goes on as long as the others, who send as much. */
    pthread_t threads[AT_ONCE];
    for (int i = 1; i < AT_ONCE; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, send_all, &senders[i]), 0);
    run_with(&senders[0]);
    cr_assert_geq(senders[0].sent, 1024 * 1024);
    cr_assert_leq(senders[0].sent, 16 * 1024 * 1024); /* of 64 when it is alone */
    for (int i = 1; i < AT_ONCE; i++) {
        shutdown(senders[i].fd, SHUT_RDWR);
        pthread_join(threads[i], NULL);
        close(senders[i].fd);
    }
}

/* ---- How many at once */

/* Who it is of does not show on the socket: it may be a proxy's. */
static int take_from(uint32_t address)
{
    const struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};

    return take_for(&from);
}

Test(lingering_close, a_few_of_one_client, .init = setup, .fini = teardown, .timeout = 60)
{
    int ends[5];

    for (int i = 0; i < 5; i++)
        ends[i] = take_from(0x7f000002);
    cr_assert_eq(lingering_close_count(lingering), 4);
    cr_assert(is_closed(ends[4]));
    close(take_from(0x7f000003));
    cr_assert_eq(lingering_close_count(lingering), 5);
    shutdown(ends[0], SHUT_WR);
    run_until_closed(ends[0]);
    close(take_from(0x7f000002));
    cr_assert_eq(lingering_close_count(lingering), 4, "the one from elsewhere has gone, too");
    for (int i = 1; i < 5; i++)
        close(ends[i]);
}

Test(lingering_close, of_one_who_speaks_for_many_as_many_as_of_all, .init = setup, .fini = teardown,
     .timeout = 60)
{
    for (int i = 0; i < 20; i++)
        close(take_from(0x7f010002));
    cr_assert_eq(lingering_close_count(lingering), 20);
}

Test(lingering_close, ends_with_too_many_at_once, .init = setup, .fini = teardown, .timeout = 60)
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
    lingering_close_free(lingering);
    lingering = NULL;
    for (int i = 0; i < AT_ONCE; i++) {
        cr_assert(is_closed(ends[i]), "%d", i);
        close(ends[i]);
    }
}
