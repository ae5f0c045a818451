/* SPDX-License-Identifier: MIT */
#include "lookup_fixture.h"

#include <stdio.h>
#include <sys/socket.h>

Test(lookup, miss_then_hit)
{
    struct visitor visitor;

    setup();
    ask_p0f(&visitor, "10.0.0.1");
    cr_assert_eq(visitor.request.freshness.source, FRESHNESS_MISS);
    cr_assert(visitor.request.freshness.stored);
    cr_assert_not(visitor.request.freshness.collapsed);
    cr_assert_eq(visitor.request.freshness.ttl_ms, 30000);
    expect_done(&visitor, LOOKUP_FOUND);
    stage_pass(5000);
    arrive(&visitor, "10.0.0.1");
    cr_assert(ask(&visitor));
    cr_assert_eq(visitor.request.freshness.source, FRESHNESS_HIT);
    cr_assert_eq(visitor.request.freshness.age_ms, 5000);
    expect(&visitor, LOOKUP_FOUND);
    cr_assert_eq(visitor.done, 0);
    cr_assert_eq(stage.asked, 1);
    teardown();
}

Test(lookup, max_age_asks_again)
{
    struct visitor visitor;

    setup();
    ask_p0f(&visitor, "10.0.0.1");
    expect_done(&visitor, LOOKUP_FOUND);
    arrive(&visitor, "10.0.0.1");
    visitor.request.max_age_ms = 0;
    cr_assert_not(ask(&visitor));
    stage_settle();
    cr_assert_eq(visitor.request.freshness.source, FRESHNESS_REQUEST);
    expect_done(&visitor, LOOKUP_FOUND);
    cr_assert_eq(stage.asked, 2);
    teardown();
}

Test(lookup, many_requests_make_one_query)
{
    struct visitor visitors[3];

    setup();
    stage.holding = true;
    for (int i = 0; i < 3; i++)
        ask_p0f(&visitors[i], "10.0.0.1");
    cr_assert_eq(lookup_pending(lookup), 3);
    stage.holding = false;
    stage_settle();
    cr_assert_eq(stage.asked, 1);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(visitors[i].request.freshness.collapsed, i > 0);
        expect_done(&visitors[i], LOOKUP_FOUND);
    }
    teardown();
}

Test(lookup, late_answer_is_kept)
{
    struct visitor visitor;

    setup();
    stage.holding = true;
    ask_p0f(&visitor, "10.0.0.1");
    stage_pass(999);
    cr_assert_eq(visitor.done, 0);
    stage_pass(1);
    expect_done(&visitor, LOOKUP_TIMEOUT);
    stage.holding = false;
    stage_settle();
    arrive(&visitor, "10.0.0.1");
    cr_assert(ask(&visitor));
    expect(&visitor, LOOKUP_FOUND);
    cr_assert_eq(stage.asked, 1);
    teardown();
}

/* Breaks the connection with an outstanding query: p0f hangs up, or sends a malformed answer. */
static void break_under_query(bool garbage)
{
    static const uint8_t zeroes[232];

    for (int i = 0; i < STAGE_CLIENTS; i++) {
        struct fake_p0f_client *client = &stage.p0f.clients[i];
        if (client->fd < 0 || client->count == 0)
            continue;
        if (garbage) {
            cr_assert_eq(send(client->fd, zeroes, sizeof zeroes, MSG_NOSIGNAL), sizeof zeroes);
            client->count--;
        } else {
            fake_p0f_hang_up(client);
        }
        stage_settle();
        return;
    }
    cr_assert(false, "nothing is outstanding");
}

Test(lookup, broken_connection_is_no_answer)
{
    struct visitor visitor;

    for (int garbage = 0; garbage < 2; garbage++) {
        setup_with_connections(2);
        stage.holding = true;
        ask_p0f(&visitor, "10.0.0.1");
        break_under_query(garbage);
        cr_assert_eq(stage.asked, 2, "once more");
        cr_assert_eq(visitor.done, 0);
        stage.holding = false;
        stage_settle();
        expect_done(&visitor, LOOKUP_FOUND);
        teardown();
    }
}

Test(lookup, two_broken_connections_are_told)
{
    struct visitor visitor;

    for (int garbage = 0; garbage < 2; garbage++) {
        setup_with_connections(3);
        stage.holding = true;
        ask_p0f(&visitor, "10.0.0.1");
        break_under_query(garbage);
        cr_assert_eq(stage.asked, 2);
        break_under_query(garbage);
        expect_done(&visitor, garbage ? LOOKUP_BAD_RESPONSE : LOOKUP_UNAVAILABLE);
        cr_assert_eq(stage.asked, 2, "no third time");
        teardown();
    }
}

/* The time that was spent on the broken connection is not given again. */
Test(lookup, broken_connection_leaves_the_deadline)
{
    struct visitor visitor;

    setup_with_connections(2);
    stage.holding = true;
    ask_p0f(&visitor, "10.0.0.1");
    stage_pass(600);
    break_under_query(false);
    cr_assert_eq(stage.asked, 2);
    stage_pass(399);
    cr_assert_eq(visitor.done, 0);
    stage_pass(1);
    expect_done(&visitor, LOOKUP_TIMEOUT);
    teardown();
}

Test(lookup, no_match_is_asked_again_before_it_is_believed)
{
    struct visitor visitor;

    setup();
    ask_p0f(&visitor, "192.0.2.1");
    cr_assert_eq(stage.asked, 1);
    stage_pass(5);
    cr_assert_eq(stage.asked, 2);
    stage_pass(14);
    cr_assert_eq(visitor.done, 0, "19 ms are less than 20");
    stage_pass(1);
    expect_done(&visitor, LOOKUP_NO_MATCH);
    arrive(&visitor, "192.0.2.1");
    cr_assert(ask(&visitor), "remembered");
    expect(&visitor, LOOKUP_NO_MATCH);
    teardown();
}

/* The clock is read by whoever asks, and the loop's is that of the round's begin. */
Test(lookup, one_who_asks_in_the_round_of_the_answer_believes_it)
{
    struct visitor early, late;

    setup();
    stage.holding = true;
    arrive(&early, "192.0.2.1");
    arrive(&late, "192.0.2.1");
    early.request.wait_ms = late.request.wait_ms = 0;
    cr_assert_not(ask(&early));
    stage_settle();
    stage.now = mono_add_ms(stage.now, 1);
    cr_assert_not(ask(&late));
    stage.now = mono_add_ms(stage.now, -1);
    stage.holding = false;
    stage_settle();
    expect_done(&early, LOOKUP_NO_MATCH);
    expect_done(&late, LOOKUP_NO_MATCH);
    stage_pass(100);
    cr_assert_eq(stage.asked, 1);
    teardown();
}

Test(lookup, host_that_appears_while_waited_for)
{
    struct visitor visitor;

    setup();
    ask_p0f(&visitor, "192.0.2.1");
    cr_assert_eq(visitor.done, 0);
    stage.knows_all = true;
    stage_pass(5);
    expect_done(&visitor, LOOKUP_FOUND);
    teardown();
}

Test(lookup, stated_wait_is_not_answered_from_memory)
{
    struct visitor visitor;

    setup();
    arrive(&visitor, "192.0.2.1");
    visitor.request.wait_ms = 0;
    cr_assert_not(ask(&visitor));
    stage_settle();
    expect_done(&visitor, LOOKUP_NO_MATCH);
    cr_assert_eq(stage.asked, 1);
    arrive(&visitor, "192.0.2.1");
    visitor.request.wait_ms = 100;
    cr_assert_not(ask(&visitor));
    stage_settle();
    cr_assert_eq(stage.asked, 2);
    stage_pass(100);
    expect_done(&visitor, LOOKUP_NO_MATCH);
    teardown();
}

Test(lookup, only_if_cached_and_too_many)
{
    struct visitor visitors[4];

    setup();
    stage.holding = true;
    ask_p0f(&visitors[0], "10.0.0.1");
    ask_p0f(&visitors[1], "10.0.0.2");
    ask_p0f(&visitors[2], "10.0.0.2"); /* waits too, though it asks nothing */
    arrive(&visitors[3], "10.0.0.4");
    cr_assert(ask(&visitors[3]));
    expect(&visitors[3], LOOKUP_OVERLOADED);
    visitors[3].request.only_if_cached = true;
    cr_assert(ask(&visitors[3]));
    expect(&visitors[3], LOOKUP_NOT_CACHED);
    stage.holding = false;
    stage_settle();
    for (int i = 0; i < 3; i++)
        expect_done(&visitors[i], LOOKUP_FOUND);
    cr_assert_eq(stage.asked, 2);
    teardown();
}

Test(lookup, what_is_cached_ages_while_the_machine_is_suspended)
{
    struct visitor visitor;

    setup();
    ask_p0f(&visitor, "10.0.0.1");
    expect_done(&visitor, LOOKUP_FOUND);
    stage_suspend(29999);
    arrive(&visitor, "10.0.0.1");
    cr_assert(ask(&visitor));
    cr_assert_eq(visitor.request.freshness.age_ms, 29999);
    expect(&visitor, LOOKUP_FOUND);
    stage_suspend(30001); /* and beyond stale_while_revalidate */
    ask_p0f(&visitor, "10.0.0.1");
    cr_assert_eq(visitor.request.freshness.source, FRESHNESS_EXPIRED);
    cr_assert_eq(visitor.request.freshness.age_ms, 0);
    expect_done(&visitor, LOOKUP_FOUND);
    ask_p0f(&visitor, "192.0.2.1");
    stage_pass(20);
    expect_done(&visitor, LOOKUP_NO_MATCH);
    stage_suspend(1000);
    ask_p0f(&visitor, "192.0.2.1");
    stage_pass(20);
    cr_assert_eq(visitor.request.freshness.source, FRESHNESS_EXPIRED);
    expect_done(&visitor, LOOKUP_NO_MATCH);
    teardown();
}

Test(lookup, who_waits_while_the_machine_is_suspended_waits_on)
{
    struct visitor visitor, other;

    setup();
    stage.holding = true;
    ask_p0f(&visitor, "10.0.0.1");
    ask_p0f(&other, "192.0.2.1");
    stage_pass(999);
    stage_suspend(3600000);
    cr_assert_eq(visitor.done, 0);
    stage.holding = false;
    stage_settle();
    cr_assert_eq(visitor.request.freshness.age_ms, 0);
    expect_done(&visitor, LOOKUP_FOUND);
    expect_done(&other, LOOKUP_NO_MATCH);
    cr_assert_eq(other.request.freshness.age_ms, 0);
    teardown();
}

static void expect_from_cache_alone(const char *addr, int64_t max_age_ms, int64_t wait_ms,
                                    enum lookup_outcome outcome)
{
    struct visitor visitor;

    arrive(&visitor, addr);
    visitor.request.only_if_cached = true;
    visitor.request.max_age_ms = max_age_ms;
    visitor.request.wait_ms = wait_ms;
    cr_assert(ask(&visitor));
    expect(&visitor, outcome);
}

Test(lookup, only_if_cached_says_why_not)
{
    struct visitor visitor;

    setup();
    expect_from_cache_alone("10.0.0.1", -1, -1, LOOKUP_NOT_CACHED);
    expect_from_cache_alone("10.0.0.1", 1, -1, LOOKUP_NOT_CACHED);
    expect_from_cache_alone("10.0.0.1", 0, -1, LOOKUP_CONTRADICTORY);
    ask_p0f(&visitor, "10.0.0.1");
    expect_done(&visitor, LOOKUP_FOUND);
    expect_from_cache_alone("10.0.0.1", 1, -1, LOOKUP_FOUND);
    expect_from_cache_alone("10.0.0.1", 0, -1, LOOKUP_CONTRADICTORY);
    stage_pass(1);
    expect_from_cache_alone("10.0.0.1", 1, -1, LOOKUP_NOT_FRESH);
    ask_p0f(&visitor, "192.0.2.1");
    stage_pass(20);
    expect_done(&visitor, LOOKUP_NO_MATCH);
    unsigned asked = stage.asked;
    expect_from_cache_alone("192.0.2.1", -1, -1, LOOKUP_NO_MATCH);
    expect_from_cache_alone("192.0.2.1", -1, 1, LOOKUP_NOT_FRESH); /* it would wait */
    stage_pass(1000);
    expect_from_cache_alone("192.0.2.1", -1, -1, LOOKUP_NOT_FRESH);
    stage_settle();
    cr_assert_eq(stage.asked, asked);
    teardown();
}

Test(lookup, one_who_uses_up_the_limit_leaves_the_reserve_to_others)
{
    const struct lookup_limits limits = {.timeout = 1000, .max_pending = 3, .reserve = 1};
    const struct p0f_addr greedy = stage_addr("127.0.0.2"), other = stage_addr("127.0.0.3");
    struct visitor visitors[3], refused, newcomer;

    setup();
    lookup_set_limits(lookup, &limits);
    stage.holding = true;
    caller = &greedy;
    ask_p0f(&visitors[0], "10.0.0.1");
    ask_p0f(&visitors[1], "10.0.0.2");
    ask_p0f(&visitors[2], "10.0.0.3");
    arrive(&refused, "10.0.0.4");
    cr_assert(ask(&refused));
    expect(&refused, LOOKUP_OVERLOADED);
    caller = &other;
    ask_p0f(&newcomer, "10.0.0.5");
    cr_assert_eq(lookup_pending(lookup), 4);
    stage.holding = false;
    stage_settle();
    for (int i = 0; i < 3; i++)
        expect_done(&visitors[i], LOOKUP_FOUND);
    expect_done(&newcomer, LOOKUP_FOUND);
    teardown();
}

/* One flow's, more than p0f has room for; then `address` is another's. Returns what p0f was asked as the
 * second one when it has room again. */
static struct p0f_addr second_after_a_newcomer(const char *address)
{
    const struct lookup_limits limits = {.timeout = 1000, .max_pending = 100};
    const struct p0f_addr greedy = stage_addr("127.0.0.2"), other = stage_addr("127.0.0.3");
    struct visitor visitors[40], newcomer;
    struct fake_p0f_client *p0f = stage.p0f.clients;
    char text[16];

    setup();
    lookup_set_limits(lookup, &limits);
    stage.holding = true;
    caller = &greedy;
    for (int i = 0; i < 40; i++) {
        sprintf(text, "10.0.0.%d", i + 1);
        ask_p0f(&visitors[i], text);
    }
    cr_assert_eq(stage.asked, 16, "the pipeline is full");
    caller = &other;
    ask_p0f(&newcomer, address);
    while (p0f->fd < 0)
        p0f++;
    stage_answer_first(p0f);
    stage_answer_first(p0f);
    stage_settle();
    cr_assert_eq(stage.asked, 18);
    struct p0f_addr second = p0f->outstanding[15];
    stage.holding = false;
    stage_settle();
    for (int i = 0; i < 40; i++)
        expect_done(&visitors[i], LOOKUP_FOUND);
    expect_done(&newcomer, LOOKUP_FOUND);
    teardown();
    return second;
}

static void expect_second(const char *address)
{
    struct p0f_addr second = second_after_a_newcomer(address), expected = stage_addr(address);

    cr_assert_arr_eq(&second, &expected, sizeof second, "%s was not asked second", address);
}

/* After what p0f has already, and one of each other flow. */
Test(lookup, a_newcomer_waits_for_no_queue_of_others)
{
    expect_second("10.0.1.1");
}

/* Not even when all it wants has been asked for by the other, last. */
Test(lookup, a_newcomer_promotes_what_others_wait_for)
{
    expect_second("10.0.0.40");
}

Test(lookup, closed_nobody_gets_in)
{
    const struct lookup_limits limits = {.timeout = 1000, .max_pending = 3, .reserve = 1};
    const struct p0f_addr other = stage_addr("127.0.0.3");
    struct visitor visitor, late;

    setup();
    lookup_set_limits(lookup, &limits);
    stage.holding = true;
    ask_p0f(&visitor, "10.0.0.1");
    lookup_close(lookup);
    caller = &other;
    arrive(&late, "10.0.0.2");
    cr_assert(ask(&late));
    expect(&late, LOOKUP_OVERLOADED);
    stage.holding = false;
    stage_settle();
    expect_done(&visitor, LOOKUP_FOUND);
    cr_assert_eq(lookup_pending(lookup), 0);
    cr_assert(ask(&late), "nor when all have left");
    expect(&late, LOOKUP_OVERLOADED);
    teardown();
}

Test(lookup, stale_is_served_while_refreshed)
{
    struct visitor visitor;

    setup();
    ask_p0f(&visitor, "10.0.0.1");
    expect_done(&visitor, LOOKUP_FOUND);
    stage_pass(31000);
    arrive(&visitor, "10.0.0.1");
    cr_assert(ask(&visitor));
    cr_assert_eq(visitor.request.freshness.age_ms, 31000);
    expect(&visitor, LOOKUP_FOUND);
    cr_assert_eq(lookup_pending(lookup), 1);
    stage_settle();
    cr_assert_eq(stage.asked, 2);
    cr_assert(ask(&visitor));
    cr_assert_eq(visitor.request.freshness.age_ms, 0);
    expect(&visitor, LOOKUP_FOUND);
    teardown();
}

/* What is to be refreshed has been by then: for another, who has asked p0f just before. */
Test(lookup, stale_is_not_refreshed_twice)
{
    struct visitor visitor, anew;

    setup();
    ask_p0f(&visitor, "10.0.0.1");
    expect_done(&visitor, LOOKUP_FOUND);
    stage_pass(31500);
    stage.holding = true;
    arrive(&anew, "10.0.0.1");
    anew.request.max_age_ms = 0;
    cr_assert_not(ask(&anew));
    stage_settle();
    stage_pass(600); /* into the next second, in which somebody else is to refresh it */
    cr_assert_eq(stage.asked, 2);
    stage.holding = false;
    stage_serve();
    arrive(&visitor, "10.0.0.1"); /* after p0f has answered, and before that is read */
    cr_assert(ask(&visitor));
    expect(&visitor, LOOKUP_FOUND);
    cr_assert_eq(lookup_pending(lookup), 2);
    stage_settle();
    expect_done(&anew, LOOKUP_FOUND);
    cr_assert_eq(stage.asked, 2, "%u", stage.asked);
    teardown();
}

/* On a single connection, which nonsense about one host ends. */
Test(lookup, nonsense_about_one_host_spoils_no_other)
{
    struct visitor bad, known, unknown, later;

    setup();
    stage.holding = true;
    ask_p0f(&bad, "66.0.0.1");
    ask_p0f(&known, "10.0.0.1");
    ask_p0f(&unknown, "192.0.2.1");
    cr_assert_eq(stage.asked, 3);
    stage.holding = false;
    stage_settle();
    cr_assert_eq(known.done + unknown.done + bad.done, 0, "all are asked again");
    cr_assert_eq(stage.asked, 3, "the connection is read to its end first");
    stage_pass(250);
    stage_pass(50);
    expect_done(&known, LOOKUP_FOUND);
    expect_done(&unknown, LOOKUP_NO_MATCH);
    expect_done(&bad, LOOKUP_BAD_RESPONSE);
    cr_assert_eq(stage.asked, 6);
    ask_p0f(&later, "10.0.0.2");
    cr_assert_eq(later.done, 0, "the connection will be there again soon");
    stage_pass(250);
    stage_pass(100); /* it has not lasted this time */
    expect_done(&later, LOOKUP_FOUND);
    teardown();
}

Test(lookup, without_p0f_stale_or_unavailable)
{
    struct visitor visitor;

    setup();
    ask_p0f(&visitor, "10.0.0.1");
    expect_done(&visitor, LOOKUP_FOUND);
    stage_p0f_stop();
    stage_pass(61000);
    ask_p0f(&visitor, "10.0.0.1");
    cr_assert_eq(visitor.request.freshness.source, FRESHNESS_HIT);
    cr_assert_eq(visitor.request.freshness.age_ms, 61000);
    expect_done(&visitor, LOOKUP_FOUND);
    ask_p0f(&visitor, "10.0.0.2");
    expect_done(&visitor, LOOKUP_UNAVAILABLE);
    teardown();
}
