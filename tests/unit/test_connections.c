#include "connections.h"

#include "../support/stage.h"

#include <sys/epoll.h>

#define MOST 32
#define PATIENCE_MS 10000

static struct connections *connections;
static struct connection all[MOST];
static int peers[MOST];
static int entered;

static void setup(uint32_t most)
{
    stage_open();
    connections = connections_new(&(struct connections_options){
        .loop = stage.loop, .most = most, .patience_ms = PATIENCE_MS});
    cr_assert_not_null(connections);
    memset(all, 0, sizeof all);
    entered = 0;
}

/* One more, if it is let in. */
static bool come(void)
{
    int ends[2];

    if (!connections_admit(connections))
        return false;
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    peers[entered] = ends[1];
    connections_enter(connections, &all[entered++], ends[0]);
    return true;
}

static void go(int i)
{
    connections_leave(connections, &all[i]);
    close(all[i].fd);
    all[i].fd = -1;
}

/* Whether its client has been told that it is over. */
static bool ended(int i)
{
    char byte;

    return recv(peers[i], &byte, 1, 0) == 0;
}

static void teardown(void)
{
    for (int i = 0; i < entered; i++) {
        if (all[i].fd >= 0)
            go(i);
        close(peers[i]);
    }
    cr_assert_eq(connections_count(connections), 0);
    connections_free(connections);
    stage_close();
}

Test(connections, no_more_than_may_be)
{
    setup(3);
    for (int i = 0; i < 3; i++)
        cr_assert(come());
    cr_assert_not(come());
    cr_assert_eq(connections_count(connections), 3);
    go(1);
    cr_assert(come());
    cr_assert_not(come());
    teardown();
}

Test(connections, one_that_never_begins_leaves_its_place)
{
    setup(1);
    cr_assert(connections_admit(connections));
    cr_assert_not(come());
    connections_leave(connections, NULL);
    cr_assert(come());
    teardown();
}

Test(connections, a_request_that_takes_too_long_is_the_end)
{
    setup(4);
    cr_assert(come());
    stage_pass(PATIENCE_MS);
    cr_assert_not(ended(0), "libmicrohttpd comes first, if it is quiet");
    for (int i = 0; i < 4; i++)
        stage_pass(1000);
    cr_assert(ended(0));
    teardown();
}

Test(connections, our_own_slowness_is_not)
{
    setup(4);
    cr_assert(come());
    connections_arrived(&all[0]);
    stage_pass(10 * PATIENCE_MS);
    cr_assert_not(ended(0));
    connections_await(connections, &all[0]); /* answered at last */
    stage_pass(PATIENCE_MS);
    cr_assert_not(ended(0), "its time begins anew");
    for (int i = 0; i < 4; i++)
        stage_pass(1000);
    cr_assert(ended(0));
    teardown();
}

/* Events that an edge-triggered epoll has for it, as libmicrohttpd would hear of them. */
static unsigned heard(int epoll)
{
    struct epoll_event event;

    return epoll_wait(epoll, &event, 1, 0) == 1 ? event.events : 0;
}

Test(connections, a_client_that_has_closed_is_told_of_again)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    int epoll = epoll_create1(0);
    char bytes[8];

    setup(4);
    cr_assert(come());
    cr_assert_eq(epoll_ctl(epoll, EPOLL_CTL_ADD, all[0].fd, &event), 0);
    cr_assert_eq(send(peers[0], "abc", 3, 0), 3);
    cr_assert(heard(epoll) & EPOLLIN);
    stage_pass(1000);
    cr_assert_eq(heard(epoll), 0, "it has not closed");
    shutdown(peers[0], SHUT_WR);
    cr_assert(heard(epoll) & EPOLLIN);
    cr_assert_eq(heard(epoll), 0);
    stage_pass(1000);
    cr_assert(heard(epoll) & EPOLLIN);
    cr_assert_eq(recv(all[0].fd, bytes, sizeof bytes, 0), 3, "what came before is still there");
    cr_assert_eq(recv(all[0].fd, bytes, sizeof bytes, 0), 0);
    cr_assert_eq(send(all[0].fd, "ok", 2, 0), 2, "it can be answered");
    cr_assert_eq(recv(peers[0], bytes, sizeof bytes, 0), 2);
    connections_sweep(connections);
    cr_assert(heard(epoll) & EPOLLIN, "and when there is a hurry");
    close(epoll);
    teardown();
}

Test(connections, the_oldest_idle_ones_make_room)
{
    setup(MOST); /* 6 are kept free, and 9 made free */
    for (int i = 0; i < 26; i++)
        cr_assert(come());
    connections_arrived(&all[1]);
    stage_pass(1000);
    stage_pass(1000);
    connections_await(connections, &all[2]); /* it has just asked */
    cr_assert(come());
    for (int i = 0; i < 27; i++)
        cr_assert_not(ended(i), "there is room");
    cr_assert(come());
    for (int i = 0; i < 28; i++)
        cr_assert_eq(ended(i), i == 0 || (i >= 3 && i <= 5), "%d", i);
    teardown();
}

Test(connections, one_in_use_makes_no_room)
{
    setup(2);
    cr_assert(come());
    cr_assert(come());
    stage_pass(1000);
    cr_assert_not(come());
    stage_pass(1000);
    connections_await(connections, &all[0]);
    connections_arrived(&all[1]);
    cr_assert_not(come());
    cr_assert_not(ended(0));
    cr_assert_not(ended(1));
    teardown();
}

Test(connections, any_busy)
{
    setup(4);
    cr_assert_not(connections_busy(connections));
    cr_assert(come() && come());
    cr_assert_not(connections_busy(connections));
    all[1].busy = true;
    cr_assert(connections_busy(connections));
    go(1);
    cr_assert_not(connections_busy(connections));
    teardown();
}

Test(connections, one_with_a_request_unread_is_busy)
{
    char byte;

    setup(4);
    cr_assert(come() && come());
    cr_assert_eq(send(peers[1], "G", 1, 0), 1);
    cr_assert(connections_busy(connections));
    cr_assert_eq(recv(all[1].fd, &byte, 1, 0), 1, "it was left there");
    cr_assert_not(connections_busy(connections));
    shutdown(peers[0], SHUT_WR);
    cr_assert_not(connections_busy(connections), "that is no request");
    teardown();
}
