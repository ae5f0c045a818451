/* SPDX-License-Identifier: MIT */
/* The relay and its clients without memory: each allocation fails once, or from then on. */
#include "relay_fixture.h"

#include "core/metrics.h"

#include "../../support/c/short_memory.h"

static bool made_relay(void)
{
    struct relay *made = relay_new(&(struct relay_options){
        .loop = stage.loop, .lookup = lookup, .max_connections = 1, .max_lookups = 1});

    relay_free(made);
    return made;
}

/* What a client gets in all, until it closes or is closed. Its last answers come when it reads. */
static unsigned read_answers(int client)
{
    uint8_t bytes[64 * RELAY_ANSWER_SIZE];
    unsigned answers = 0;
    ssize_t count;

    stage_pass(1);
    stage_pass(20);
    while ((count = recv(client, bytes, sizeof bytes, 0)) > 0) {
        cr_assert_eq(count % RELAY_ANSWER_SIZE, 0, "a part of an answer");
        answers += (unsigned)(count / RELAY_ANSWER_SIZE);
        stage_settle();
    }
    close(client);
    stage_settle();
    return answers;
}

/* Hits, misses and what is not understood; unless memory is short, all are answered. */
static bool served(void)
{
    static uint8_t round;
    int client = try_to_connect();
    cr_assert(client >= 0 || errno == ENOMEM, "%s", strerror(errno));
    uint8_t bad[P0F_QUERY_SIZE] = {0};

    if (client < 0)
        return false;
    round++;
    ask(client, "10.0.0.1");
    ask_addr(client, &(struct p0f_addr){4, {10, 3, 0, round}});
    ask(client, "10.0.0.1");
    send_bytes(client, bad, sizeof bad);
    ask_addr(client, &(struct p0f_addr){4, {192, 3, 0, round}});
    return read_answers(client) == 5;
}

/* More answers than the socket has room for. */
static bool served_late(void)
{
    const struct p0f_addr addr = stage_addr("10.0.0.1");
    int client = try_to_connect(), size = 4096;
    uint8_t query[P0F_QUERY_SIZE];
    unsigned sent = 0;

    if (client < 0)
        return false;
    p0f_query_pack(&addr, query);
    cr_assert_eq(setsockopt(client, SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
    while (send(client, query, sizeof query, MSG_NOSIGNAL) == (ssize_t)sizeof query)
        if (++sent % 4 == 0) /* there is room for some more */
            stage_settle();
    return read_answers(client) == sent;
}

/* Returns how many of its allocations it cannot do without. */
static long sweep(bool (*make)(void), bool only_once)
{
    long needed = 0;

    for (long fail_at = 0;; fail_at++) {
        memory_start(fail_at, only_once);
        bool made = make();
        bool refused = memory_stop();
        cr_assert_eq(relay_counts(relay).connections, 0);
        cr_assert_eq(lookup_pending(lookup), 0);
        cr_assert(made || refused);
        if (!refused)
            return needed;
        needed += !made;
    }
}

Test(relay_memory, making_one, .init = setup, .fini = teardown)
{
    cr_assert_eq(sweep(made_relay, false), 3);
}

Test(relay_memory, of_one_connection_is_all_that_suffers, .init = setup, .fini = teardown)
{
    learn("10.0.0.1");
    for (int once = 0; once < 2; once++) {
        cr_assert_geq(sweep(served, once), 5); /* the connection, and each query that is no hit */
        cr_assert_geq(sweep(served_late, once), 2);
        learn("10.0.0.1");
    }
}

/* Not an end of file, which some clients take for anything but a failure. */
Test(relay_memory, without_it_for_a_query_the_end_is_a_reset, .init = setup, .fini = teardown)
{
    int client = connect_client();

    ask(client, "10.0.0.1");
    memory_start(0, true);
    stage_settle();
    cr_assert(memory_stop());
    expect_reset(client);
}

/* Nothing stays of a connection. */
Test(relay_memory, is_given_back, .init = setup, .fini = teardown)
{
    learn("10.0.0.1");
    cr_assert(served_late());
    memory_start(1000000, false);
    cr_assert(served_late());
    cr_assert_eq(memory.allocations, 2); /* the connection, and what it does not read */
    memory_stop();
    cr_assert_eq(memory.in_use, 0);
}

Test(relay_memory, one_block_for_an_idle_connection, .init = setup, .fini = teardown)
{
    metrics_count(METRIC_RELAY_ACCEPTED); /* the first one of a thread allocates */
    memory_start(1000000, false);
    int client = connect_client();
    cr_assert_eq(memory.allocations, 1);
    memory_stop();
    close(client);
    stage_settle();
}
