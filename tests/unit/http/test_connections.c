/* SPDX-License-Identifier: MIT */
#include "http/connections.h"

#include "../../support/c/stage.h"
#include "core/metrics.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 64

static struct connections *connections;
static struct networks *trusted; /* 10.0.0.0/8 */
static struct connection all[MOST];
static int peers[MOST];
static int entered;

static void setup_beside(uint32_t others, uint32_t max)
{
    char error[NETWORKS_ERROR_SIZE];

    stage_open();
    trusted = networks_parse("10.0.0.0/8", error);
    connections = connections_new(&(struct connections_options){
        .loop = stage.loop, .max = max, .others = others, .trusted = trusted, .key = {1, 2}});
    cr_assert_not_null(connections);
    memset(all, 0, sizeof all);
    entered = 0;
}

static void setup(uint32_t max)
{
    setup_beside(0, max);
}

static bool admit(int fd, uint32_t address)
{
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};

    return connections_admit(connections, fd, address ? (const struct sockaddr *)&peer : NULL);
}

/* One more from there, if it is let in. */
static bool come_from(uint32_t address)
{
    int ends[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    if (!admit(ends[0], address)) {
        close(ends[0]);
        close(ends[1]);
        return false;
    }
    peers[entered] = ends[1];
    connections_enter(connections, &all[entered++], ends[0]);
    return true;
}

#define GREEDY 0xc0000201
#define OTHERS 0xc6336400 /* and those that follow */
#define PROXY 0x0a000001

/* One without an address. */
static bool come(void)
{
    return come_from(0);
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
    networks_free(trusted);
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
    cr_assert(admit(500, GREEDY));
    cr_assert_not(come());
    connections_forget(connections, 500);
    cr_assert(come());
    teardown();
}

static int sweeps;

static void note_sweep(void *ctx)
{
    cr_assert_eq(ctx, &sweeps);
    sweeps++;
}

Test(connections, each_second_is_told_of_while_there_are_any)
{
    sweeps = 0;
    setup(4);
    connections_on_sweep(connections, note_sweep, &sweeps);
    stage_pass(3000);
    cr_assert_eq(sweeps, 0);
    cr_assert(come());
    uint32_t begun = connections_second(connections);
    for (int i = 1; i <= 3; i++) {
        stage_pass(1000);
        cr_assert_eq(sweeps, i);
        cr_assert_eq(connections_second(connections), begun + (uint32_t)i);
    }
    connections_sweep(connections);
    cr_assert_eq(sweeps, 3, "only by itself");
    connections_on_sweep(connections, NULL, NULL);
    stage_pass(1000);
    cr_assert_eq(sweeps, 3);
    teardown();
}

Test(connections, how_long_a_request_is_awaited)
{
    setup(4);
    cr_assert(come());
    stage_pass(1000);
    stage_pass(1000);
    cr_assert_eq(connection_awaited_for(&all[0], connections_second(connections)), 2);
    connections_arrived(&all[0]);
    stage_pass(1000);
    cr_assert_eq(connection_awaited_for(&all[0], connections_second(connections)), 0);
    connections_await(connections, &all[0]); /* answered at last */
    stage_pass(1000);
    cr_assert_eq(connection_awaited_for(&all[0], connections_second(connections)), 1);
    teardown();
}

Test(connections, one_is_ended)
{
    setup(4);
    cr_assert(come());
    cr_assert(come());
    connections_end(connections, &all[0]);
    connections_end(connections, &all[0]);
    cr_assert(ended(0));
    cr_assert_not(ended(1));
    cr_assert_eq(connections_count(connections), 2, "until it has left");
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

static void expect_ended(int from, int to)
{
    for (int i = 0; i < entered; i++)
        if (all[i].fd >= 0)
            cr_assert_eq(ended(i), i >= from && i < to, "%d", i);
}

static int count_ended(void)
{
    int count = 0;

    for (int i = 0; i < entered; i++)
        count += all[i].fd >= 0 && ended(i);
    return count;
}

Test(connections, an_idle_one_makes_room)
{
    setup(32); /* 2 are kept free */
    for (int i = 0; i < 30; i++)
        cr_assert(come());
    stage_pass(1000);
    connections_await(connections, &all[0]); /* it has just asked */
    for (int i = 2; i < 30; i++)
        connections_await(connections, &all[i]);
    stage_pass(1000);
    expect_ended(0, 0);
    cr_assert(come());
    expect_ended(1, 2);
    go(1);
    cr_assert(come()); /* nobody has been idle for that long */
    expect_ended(0, 0);
    teardown();
}

/* They were not among those that were looked at. */
Test(connections, all_are_looked_at_when_none_of_some_will_do)
{
    setup(32);
    for (uint32_t i = 0; i < 30; i++)
        cr_assert(come_from(OTHERS + i / 2)); /* two of each */
    stage_pass(1000);
    stage_pass(1000);
    for (int i = 0; i < 30; i++)
        if (i != 4 && i != 5 && i != 9)
            connections_arrived(&all[i]);
    connections_await(connections, &all[5]);
    for (uint32_t i = 0; i < 3; i++) /* who has two is not better than they are */
        cr_assert(come_from(i < 2 ? GREEDY : GREEDY + 1));
    cr_assert_geq(count_ended(), 1);
    cr_assert_not(ended(5));
    teardown();
}

Test(connections, room_is_taken_from_who_has_most)
{
    setup(32);
    for (uint32_t i = 0; i < 10; i++)
        cr_assert(come_from(OTHERS + i));
    for (int i = 0; i < 20; i++)
        cr_assert(come_from(GREEDY));
    cr_assert_not(come_from(GREEDY), "it has all but those kept for others");
    expect_ended(0, 0);
    for (int i = 0; i < 2; i++) {
        cr_assert(come_from(OTHERS + 10), "%d", i);
        cr_assert_eq(count_ended(), i + 1);
        cr_assert_not(come_from(GREEDY), "%d", i);
    }
    for (int i = 0; i < 10; i++)
        cr_assert_not(ended(i));
    cr_assert_eq(connections_count(connections), 32);
    teardown();
}

/* The relay's connections may have all lower descriptors. */
Test(connections, who_has_most_is_known_with_high_descriptors_too)
{
    setup_beside(5000, 32);
    for (int i = 0; i < 30; i++)
        cr_assert(admit(5000 + i, GREEDY));
    cr_assert_not(admit(5030, GREEDY));
    for (int i = 0; i < 30; i++)
        connections_forget(connections, 5000 + i);
    teardown();
}

Test(connections, some_may_be_too_many_while_others_leave)
{
    setup(32); /* 8 at most */
    for (int i = 0; i < 30; i++)
        cr_assert(come_from(GREEDY));
    for (uint32_t i = 0; i < 10; i++)
        cr_assert(come_from(OTHERS + i), "%u", i);
    cr_assert_not(come_from(OTHERS + 10));
    cr_assert_eq(connections_count(connections), 40);
    cr_assert_eq(count_ended(), 11, "the last one has made room for somebody else");
    for (int i = 0; i < 30; i++)
        if (ended(i))
            go(i);
    cr_assert_eq(connections_count(connections), 29);
    cr_assert(come_from(GREEDY), "there is room");
    teardown();
}

/* Not even those that have been idle for long; its own are all still coming, and cannot be chosen. */
Test(connections, who_has_most_ends_nobody_else)
{
    setup(32);
    for (uint32_t i = 0; i < 20; i++)
        cr_assert(come_from(OTHERS + i));
    stage_pass(1000);
    stage_pass(1000);
    for (int i = 0; i < 12; i++)
        cr_assert_eq(admit(500 + i, GREEDY), i < 10);
    expect_ended(0, 0);
    for (int i = 0; i < 10; i++)
        connections_forget(connections, 500 + i);
    cr_assert_eq(connections_count(connections), 20);
    teardown();
}

Test(connections, who_has_most_can_replace_its_own)
{
    setup(32);
    for (int i = 0; i < 30; i++)
        cr_assert(come_from(GREEDY));
    cr_assert_not(come_from(GREEDY));
    expect_ended(0, 0);
    stage_pass(1000);
    stage_pass(1000);
    cr_assert(come_from(GREEDY), "in the place of one it does not use");
    cr_assert_eq(count_ended(), 1);
    teardown();
}

Test(connections, who_is_equal_shares)
{
    setup(32);
    for (uint32_t i = 0; i < 30; i++)
        cr_assert(come_from(GREEDY + i % 2));
    cr_assert_not(come_from(GREEDY));
    cr_assert(come_from(GREEDY + 2));
    cr_assert_eq(count_ended(), 1);
    teardown();
}

Test(connections, who_speaks_for_many_is_spared)
{
    setup(32);
    for (int i = 0; i < 25; i++)
        cr_assert(come_from(PROXY));
    for (int i = 0; i < 5; i++)
        cr_assert(come_from(GREEDY));
    cr_assert(come_from(PROXY), "and may have more");
    cr_assert(come_from(OTHERS));
    cr_assert_eq(count_ended(), 2);
    for (int i = 0; i < 25; i++)
        cr_assert_not(ended(i));
    cr_assert_not(come_from(GREEDY));
    teardown();
}

Test(connections, one_that_was_ended_does_not_count_for_its_client)
{
    int of_greedy = 0;

    setup(32);
    for (int i = 0; i < 10; i++)
        cr_assert(come_from(GREEDY));
    for (int i = 0; i < 9; i++)
        cr_assert(come_from(GREEDY + 1));
    for (uint32_t i = 0; i < 11 + 8; i++)
        cr_assert(come_from(OTHERS + i), "%u", i);
    for (int i = 0; i < 10; i++)
        of_greedy += ended(i);
    cr_assert_eq(count_ended(), 8);
    cr_assert(of_greedy == 4 || of_greedy == 5, "both have now about as many: %d", of_greedy);
    teardown();
}

Test(connections, what_was_refused_and_ended_is_counted)
{
    struct metrics_snapshot before, after;

    setup(32);
    metrics_read(&before);
    for (int i = 0; i < 33; i++)
        cr_assert_eq(come_from(GREEDY), i < 30);
    cr_assert(come_from(OTHERS));
    metrics_read(&after);
    cr_assert_eq(after.counters[METRIC_HTTP_REFUSED] - before.counters[METRIC_HTTP_REFUSED], 3);
    cr_assert_eq(after.counters[METRIC_HTTP_EVICTED] - before.counters[METRIC_HTTP_EVICTED], 1);
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

/* Any of them, and only while its request is here as a whole and not answered yet. */
Test(connections, answering_is_another_thing_than_reading)
{
    setup(3);
    for (int i = 0; i < 3; i++)
        cr_assert(come());
    cr_assert_eq(connections_answering(connections), 0);
    all[1].busy = true; /* half a request */
    cr_assert_eq(connections_answering(connections), 0);
    connections_arrived(&all[1]);
    cr_assert_eq(connections_answering(connections), 1);
    all[2].busy = true;
    connections_arrived(&all[2]);
    cr_assert_eq(connections_answering(connections), 2);
    for (int i = 1; i < 3; i++) {
        all[i].busy = false;
        connections_await(connections, &all[i]);
    }
    cr_assert_eq(connections_answering(connections), 0);
    teardown();
}
