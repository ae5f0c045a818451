/* SPDX-License-Identifier: MIT */
/* A socket that takes little at a time, or fails, which depends on the kernel otherwise; and what the loop
 * is to watch, for which it would spin if that were too much: send() and epoll_ctl() are wrapped. */
#include "relay_fixture.h"

#include <sys/epoll.h>

static size_t takes; /* 0: all */
static int fails;    /* with this error */
static int refuses;  /* to watch another one, with this error */
static uint32_t
    watched; /* events, of the last descriptor that was watched anew or for other ones */

ssize_t __real_send(int fd, const void *bytes, size_t length, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t length, int flags);

ssize_t __wrap_send(int fd, const void *bytes, size_t length, int flags)
{
    if (length % RELAY_ANSWER_SIZE != 0 && takes == 0)
        return __real_send(fd, bytes, length, flags);
    errno = fails;
    if (fails)
        return -1;
    return __real_send(fd, bytes, takes > 0 && length > takes ? takes : length, flags);
}

int __real_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event);

int __wrap_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    if (operation == EPOLL_CTL_ADD && refuses) {
        errno = refuses;
        return -1;
    }
    if (operation != EPOLL_CTL_DEL)
        watched = event->events;
    return __real_epoll_ctl(epoll, operation, fd, event);
}

static void setup_writes(void)
{
    takes = 0;
    fails = refuses = 0;
    setup();
    for (uint8_t host = 1; host <= 5; host++) {
        int client = connect_client();
        ask_addr(client, &(struct p0f_addr){4, {10, 0, 0, host}});
        stage_settle();
        cr_assert_eq(expect_answer(client, P0F_STATUS_OK).host.total_conn, host);
        close(client);
    }
    stage_settle();
}

static void ask_five(int client)
{
    for (uint8_t host = 1; host <= 5; host++)
        ask_addr(client, &(struct p0f_addr){4, {10, 0, 0, host}});
}

Test(relay_client_writes, little_by_little, .init = setup_writes, .fini = teardown)
{
    int client = connect_client();

    takes = 100;
    ask_five(client);
    for (int i = 0; i < 3; i++)
        stage_settle();
    for (uint32_t host = 1; host <= 5; host++)
        cr_assert_eq(expect_answer(client, P0F_STATUS_OK).host.total_conn, host);
    expect_nothing(client);
    ask_five(client); /* it is read again */
    for (int i = 0; i < 3; i++)
        stage_settle();
    expect_answer(client, P0F_STATUS_OK);
    close(client);
    stage_settle();
}

static void expect_given_up(int error)
{
    int client = connect_client();

    ask_five(client);
    fails = error;
    stage_settle();
    cr_assert_eq(relay_counts(relay).connections, 0);
    fails = 0;
    expect_closed(client);
}

Test(relay_client_writes, who_cannot_be_written_to, .init = setup_writes, .fini = teardown)
{
    expect_given_up(EPIPE);
    expect_given_up(ECONNRESET);
}

Test(relay_client_writes, what_passes, .init = setup_writes, .fini = teardown)
{
    const int errors[] = {EAGAIN, EINTR};

    for (size_t i = 0; i < 2; i++) {
        int client = connect_client();
        ask_five(client);
        fails = errors[i];
        stage_settle();
        expect_nothing(client);
        fails = 0;
        stage_settle();
        for (uint32_t host = 1; host <= 5; host++)
            cr_assert_eq(expect_answer(client, P0F_STATUS_OK).host.total_conn, host);
        close(client);
        stage_settle();
    }
}

Test(relay_client_writes, who_cannot_be_written_to_later, .init = setup_writes, .fini = teardown)
{
    int client = connect_client();

    fails = EAGAIN;
    ask_five(client);
    stage_settle();
    cr_assert_eq(relay_counts(relay).connections, 1);
    fails = EPIPE;
    stage_settle();
    cr_assert_eq(relay_counts(relay).connections, 0);
    close(client);
}

Test(relay_client_writes, who_cannot_be_watched, .init = setup_writes, .fini = teardown)
{
    refuses = ENOSPC;
    cr_assert_eq(try_to_connect(), -1);
    cr_assert_eq(errno, ENOSPC, "%s", strerror(errno));
    cr_assert_eq(relay_counts(relay).connections, 0);
}

Test(relay_client_writes, nothing_is_watched_that_cannot_be_served, .init = setup_writes,
     .fini = teardown)
{
    int client = connect_client();

    cr_assert_eq(watched, EPOLLIN);
    stage.holding = true;
    for (uint8_t host = 100; host < 100 + RELAY_QUERIES_MAX; host++)
        ask_addr(client, &(struct p0f_addr){4, {10, 0, 0, host}});
    stage_settle();
    cr_assert_eq(watched, 0, "as many as there may be are under way");
    stage.holding = false;
    stage_settle();
    stage_settle();
    cr_assert_eq(watched, EPOLLIN);
    fails = EAGAIN;
    ask_five(client);
    stage_settle();
    cr_assert_eq(watched, EPOLLOUT, "it does not read");
    fails = 0;
    stage_settle();
    cr_assert_eq(watched, EPOLLIN);
    stage.holding = true;
    ask_addr(client, &(struct p0f_addr){4, {10, 0, 0, 99}});
    shutdown(client, SHUT_WR);
    stage_settle();
    cr_assert_eq(watched, EPOLLIN | EPOLLET, "half-closed, behind the byte that is kept");
    close(client);
    stage_settle();
    cr_assert_eq(relay_counts(relay).connections, 0);
}

/* Further queries stay in its socket. */
Test(relay_client_writes, nothing_is_read_while_one_waits_for_its_turn, .init = setup_writes,
     .fini = teardown)
{
    int other = connect_client(), client = connect_client();

    relay_set_max_lookups(relay, 1);
    stage.holding = true;
    ask(other, "10.0.0.100");
    stage_settle();
    ask(client, "10.0.0.101");
    stage_settle();
    cr_assert_eq(watched, 0);
    stage.holding = false;
    stage_settle();
    stage_settle();
    cr_assert_eq(watched, EPOLLIN);
    expect_answer(other, P0F_STATUS_OK);
    expect_answer(client, P0F_STATUS_OK);
    close(other);
    close(client);
    stage_settle();
}
