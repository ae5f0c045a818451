/* SPDX-License-Identifier: MIT */
#include "relay_fixture.h"

#include <stdlib.h>

static int client;

static void setup_client(void)
{
    setup();
    client = connect_client();
}

static void teardown_client(void)
{
    if (client >= 0)
        close(client);
    stage_settle();
    cr_assert_eq(relay_counts(relay).connections, 0);
    cr_assert_eq(relay_counts(relay).lookups, 0);
    teardown();
}

/* Its total_conn is what stage.asked was. */
static void expect_host(uint32_t mark)
{
    struct p0f_answer answer = expect_answer(client, P0F_STATUS_OK);

    cr_assert_eq(answer.host.total_conn, mark, "host %u", answer.host.total_conn);
    cr_assert_str_eq(answer.host.os_name, "Linux");
}

static void expect_end(void)
{
    expect_closed(client);
    client = -1;
}

static void expect_no_answer(void)
{
    expect_reset(client);
    client = -1;
}

static const struct p0f_addr *numbered(uint32_t number)
{
    static struct p0f_addr addr;

    addr = (struct p0f_addr){4, {10, 9, (uint8_t)(number >> 8), (uint8_t)number}};
    return &addr;
}

/* ---- Answers */

Test(relay_client, from_p0f_and_from_the_cache, .init = setup_client, .fini = teardown_client)
{
    ask(client, "10.0.0.1");
    stage_settle();
    expect_host(1);
    ask(client, "10.0.0.1");
    stage_round();
    expect_host(1);
    cr_assert_eq(stage.asked, 1);
}

Test(relay_client, a_query_in_pieces, .init = setup_client, .fini = teardown_client)
{
    const struct p0f_addr addr = stage_addr("10.0.0.1");
    uint8_t two[2 * P0F_QUERY_SIZE];

    p0f_query_pack(&addr, two);
    p0f_query_pack(&addr, two + P0F_QUERY_SIZE);
    for (size_t i = 0; i < sizeof two; i++) {
        expect_nothing(client);
        send_bytes(client, two + i, 1);
        stage_settle();
        if (i == P0F_QUERY_SIZE - 1 || i == 2 * P0F_QUERY_SIZE - 1)
            expect_host(1);
    }
    expect_nothing(client);
}

Test(relay_client, not_understood_is_not_the_end, .init = setup_client, .fini = teardown_client)
{
    uint8_t bytes[P0F_QUERY_SIZE];
    uint64_t bad = counted(METRIC_RELAY_BAD_QUERY);

    memset(bytes, 'x', sizeof bytes);
    send_bytes(client, bytes, sizeof bytes);
    ask(client, "10.0.0.1");
    send_bytes(client, bytes, sizeof bytes);
    stage_settle();
    expect_answer(client, P0F_STATUS_BADQUERY);
    expect_host(1);
    expect_answer(client, P0F_STATUS_BADQUERY);
    cr_assert_eq(counted(METRIC_RELAY_BAD_QUERY), bad + 2);
}

/* A byte that is skipped, and yet makes the socket readable, would keep the loop busy. */
Test(relay_client, out_of_band_is_read_like_the_rest, .init = setup_client, .fini = teardown_client)
{
    uint8_t query[P0F_QUERY_SIZE] = {0};

    cr_assert_eq(send(client, query, 1, MSG_OOB), 1);
    stage_settle();
    send_bytes(client, query + 1, sizeof query - 1);
    stage_settle();
    expect_answer(client, P0F_STATUS_BADQUERY);
}

/* What is known at once waits for what was asked before it. */
Test(relay_client, in_the_order_of_the_queries, .init = setup_client, .fini = teardown_client)
{
    uint64_t found = counted(METRIC_RELAY_FOUND);

    learn("10.0.0.1");
    stage.holding = true;
    ask(client, "10.0.0.1");
    ask(client, "10.0.0.2");
    ask(client, "10.0.0.1");
    stage_settle();
    expect_host(1);
    expect_nothing(client);
    stage.holding = false;
    stage_settle();
    expect_host(2);
    expect_host(1);
    cr_assert_eq(counted(METRIC_RELAY_FOUND), found + 4);
}

/* p0f's answers come to one connection in order, but flights can overtake each other. */
Test(relay_client, answers_that_overtake_each_other, .init = setup_client, .fini = teardown_client)
{
    uint64_t denied = counted(METRIC_RELAY_NO_MATCH);

    ask(client, "192.0.2.1"); /* asked again for a while */
    ask(client, "10.0.0.1");
    stage_settle();
    expect_nothing(client);
    stage_pass(20);
    expect_answer(client, P0F_STATUS_NOMATCH);
    expect_host(2);
    cr_assert_eq(counted(METRIC_RELAY_NO_MATCH), denied + 1);
}

Test(relay_client, a_host_that_p0f_learns_of_just_now, .init = setup_client,
     .fini = teardown_client)
{
    ask(client, "192.0.2.1");
    stage_settle();
    expect_nothing(client);
    stage.knows_all = true;
    stage_pass(5);
    expect_host(2);
}

/* Its next connection is a first contact again. */
Test(relay_client, no_match_is_not_remembered, .init = setup_client, .fini = teardown_client)
{
    ask(client, "192.0.2.1");
    stage_settle();
    stage_pass(20);
    expect_answer(client, P0F_STATUS_NOMATCH);
    stage.knows_all = true;
    ask(client, "192.0.2.1");
    stage_settle();
    expect_answer(client, P0F_STATUS_OK);
}

/* ---- Many at once */

Test(relay_client, so_many_are_under_way_and_the_others_follow, .init = setup_client,
     .fini = teardown_client)
{
    relay_set_max_lookups(relay, 100);
    stage.holding = true;
    for (uint32_t i = 0; i < 100; i++)
        ask_addr(client, numbered(i));
    stage_settle();
    cr_assert_eq(relay_counts(relay).lookups, RELAY_QUERIES_MAX);
    stage.holding = false;
    for (uint32_t i = 0; i < 4; i++)
        stage_settle();
    for (uint32_t i = 0; i < 100; i++)
        expect_answer(client, P0F_STATUS_OK);
    expect_nothing(client);
    cr_assert_eq(stage.asked, 100);
}

/* An answer makes room in the round in which the last share was read; nothing arrives to tell of the rest. */
Test(relay_client, the_others_follow_before_all_are_answered, .init = setup_client,
     .fini = teardown_client)
{
    relay_set_max_lookups(relay, 100);
    stage.holding = true;
    ask(client, "10.0.0.1");
    stage_settle();
    stage.holding = false;
    stage_serve();
    stage.holding = true;
    for (uint32_t i = 0; i < RELAY_QUERIES_MAX; i++)
        ask_addr(client, numbered(i));
    stage_settle();
    expect_host(1);
    cr_assert_eq(stage.asked, 1 + RELAY_QUERIES_MAX, "%u", stage.asked);
    stage.holding = false;
    stage_settle();
    for (uint32_t i = 0; i < RELAY_QUERIES_MAX; i++)
        expect_answer(client, P0F_STATUS_OK);
}

/* However much it has sent. */
Test(relay_client, one_round_is_one_share, .init = setup_client, .fini = teardown_client)
{
    unsigned answers = 0;
    uint8_t bytes[RELAY_ANSWER_SIZE];

    learn("10.0.0.1");
    for (uint32_t i = 0; i < 100; i++)
        ask(client, "10.0.0.1");
    stage_round();
    while (recv(client, bytes, sizeof bytes, 0) == (ssize_t)sizeof bytes)
        answers++;
    /* The round that has the first event is the one that stops, or the one before. */
    cr_assert(answers == RELAY_QUERIES_MAX || answers == 2 * RELAY_QUERIES_MAX, "%u", answers);
    stage_settle();
    for (; answers < 100; answers++)
        expect_answer(client, P0F_STATUS_OK);
}

static void set_buffer(int size)
{
    cr_assert_eq(setsockopt(client, SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
}

/* Sends until nothing more is taken; returns the number of queries. */
static unsigned ask_until_full(void)
{
    uint8_t query[P0F_QUERY_SIZE];
    unsigned sent = 0;

    for (;;) {
        p0f_query_pack(numbered(sent % 50), query);
        ssize_t count = send(client, query, sizeof query, MSG_NOSIGNAL);
        if (count < 0) {
            cr_assert_eq(errno, EAGAIN);
            unsigned before = sent;
            stage_settle();
            count = send(client, query, sizeof query, MSG_NOSIGNAL);
            if (count < 0)
                return before;
        }
        cr_assert_eq(count, (ssize_t)sizeof query);
        sent++;
    }
}

/* Nothing more is read from who does not read, and what it has asked is answered when it does. */
Test(relay_client, who_does_not_read, .init = setup_client, .fini = teardown_client)
{
    set_buffer(4096);
    for (uint32_t i = 0; i < 50; i++) {
        ask_addr(client, numbered(i));
        stage_settle();
        expect_host(i + 1);
    }
    unsigned sent = ask_until_full(), answered = 0;
    cr_assert_gt(sent, 200);
    while (answered < sent) {
        for (unsigned i = 0; i < 100 && answered < sent; i++)
            expect_host(answered++ % 50 + 1);
        stage_settle();
    }
    expect_nothing(client);
    ask_addr(client, numbered(7));
    stage_settle();
    expect_host(8);
}

Test(relay_client, who_does_not_read_and_closes, .init = setup_client, .fini = teardown_client)
{
    set_buffer(4096);
    learn("10.9.0.0");
    cr_assert_gt(ask_until_full(), 200);
    close(client);
    client = -1;
    stage_settle();
    cr_assert_eq(relay_counts(relay).connections, 0);
}

/* Its last bytes are to be written when it has half-closed already. */
Test(relay_client, who_half_closes_and_reads_late, .init = setup_client, .fini = teardown_client)
{
    set_buffer(4096);
    unsigned sent = ask_until_full(), answered = 0;
    cr_assert_eq(shutdown(client, SHUT_WR), 0);
    while (answered < sent) {
        for (unsigned i = 0; i < 100 && answered < sent; i++, answered++)
            expect_answer(client, P0F_STATUS_OK);
        stage_settle();
    }
    expect_end();
}

/* ---- Closing */

Test(relay_client, half_closed_gets_its_answers, .init = setup_client, .fini = teardown_client)
{
    stage.holding = true;
    ask(client, "10.0.0.1");
    ask(client, "10.0.0.2");
    send_bytes(client, "part", 4);
    cr_assert_eq(shutdown(client, SHUT_WR), 0);
    stage_settle();
    expect_nothing(client);
    stage.holding = false;
    stage_settle();
    expect_host(2);
    expect_host(2);
    expect_end();
}

Test(relay_client, half_closed_without_a_query, .init = setup_client, .fini = teardown_client)
{
    cr_assert_eq(shutdown(client, SHUT_WR), 0);
    stage_settle();
    expect_end();
}

Test(relay_client, idle_stays_open, .init = setup_client, .fini = teardown_client)
{
    stage_pass(INT64_C(1000) * 60 * 60 * 24 * 365);
    ask(client, "10.0.0.1");
    stage_settle();
    expect_host(1);
}

Test(relay_client, gone_with_lookups_under_way, .init = setup_client, .fini = teardown_client)
{
    uint64_t cancelled = counted(METRIC_RELAY_CANCELLED);
    int other = connect_client();

    stage.holding = true;
    for (uint32_t i = 0; i < 12; i++) /* of which some wait for their turn */
        ask_addr(client, numbered(i));
    ask_addr(other, numbered(0));
    stage_settle();
    close(client);
    client = -1;
    stage_settle();
    cr_assert_eq(counted(METRIC_RELAY_CANCELLED), cancelled + 12);
    cr_assert_eq(relay_counts(relay).connections, 1);
    cr_assert_eq(relay_counts(relay).lookups, 1);
    stage.holding = false;
    stage_settle();
    expect_answer(other, P0F_STATUS_OK);
    close(other);
}

/* Both directions at once, as close(), but the test can still see what comes. */
Test(relay_client, shut_both_ways, .init = setup_client, .fini = teardown_client)
{
    ask(client, "10.0.0.1");
    cr_assert_eq(shutdown(client, SHUT_RDWR), 0);
    stage_settle();
    cr_assert_eq(stage.asked, 0);
    cr_assert_eq(relay_counts(relay).connections, 0);
}

/* It will not read, but may still send. */
Test(relay_client, shut_for_reading, .init = setup_client, .fini = teardown_client)
{
    cr_assert_eq(shutdown(client, SHUT_RD), 0);
    ask(client, "10.0.0.1");
    stage_settle();
    cr_assert_eq(relay_counts(relay).connections, 0);
}

/* ---- Failures of p0f */

Test(relay_client, p0f_down_is_the_end_behind_the_answers, .init = setup_client,
     .fini = teardown_client)
{
    uint64_t failed = counted(METRIC_RELAY_FAILED);

    learn("10.0.0.1");
    stage_p0f_stop();
    stage_settle();
    ask(client, "10.0.0.1");
    ask(client, "10.0.0.2");
    ask(client, "10.0.0.1");
    stage_settle();
    expect_host(1);
    expect_no_answer();
    cr_assert_eq(counted(METRIC_RELAY_FAILED), failed + 2);
    stage_p0f_start();
}

Test(relay_client, p0f_down_and_a_stale_host, .init = setup_client, .fini = teardown_client)
{
    learn("10.0.0.1");
    stage_p0f_stop();
    stage_pass(2 * 60 * 1000); /* past stale_while_revalidate */
    ask(client, "10.0.0.1");
    stage_settle();
    expect_host(1);
    stage_p0f_start();
}

Test(relay_client, p0f_silent, .init = setup_client, .fini = teardown_client)
{
    stage.holding = true;
    ask(client, "10.0.0.1");
    stage_settle();
    expect_nothing(client);
    stage_pass(999);
    expect_nothing(client);
    stage_pass(1);
    expect_no_answer();
}

/* Waiting for a turn counts; those have as long as if their first contact were waited for before. */
Test(relay_client, p0f_silent_for_those_who_wait, .init = setup_client, .fini = teardown_client)
{
    int other = connect_client();

    relay_set_max_lookups(relay, 1);
    stage.holding = true;
    ask(other, "10.0.0.2");
    stage_settle();
    stage_pass(600);
    ask(client, "10.0.0.1");
    stage_settle();
    cr_assert_eq(relay_counts(relay).lookups, 1);
    stage_pass(400);
    expect_reset(other);
    stage_pass(600 + 19);
    expect_nothing(client);
    stage_pass(1);
    expect_no_answer();
}

Test(relay_client, p0f_malformed, .init = setup_client, .fini = teardown_client)
{
    ask(client, "66.0.0.1");
    for (int i = 0; i < 10; i++)
        stage_pass(200); /* it reconnects, and the query is tried again */
    expect_no_answer();
}

Test(relay_client, too_many_pending, .init = setup_client, .fini = teardown_client)
{
    const struct lookup_limits none = {.timeout = 1000};
    int other = connect_client();

    learn("10.0.0.1");
    lookup_set_limits(lookup, &none);
    stage_pass(2 * 60 * 1000);
    ask(other, "10.0.0.1");
    ask(client, "10.0.0.2");
    stage_settle();
    expect_answer(other, P0F_STATUS_OK);
    expect_no_answer();
    close(other);
}
