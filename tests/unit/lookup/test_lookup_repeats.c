/* SPDX-License-Identifier: MIT */
/* What is answered when p0f is not asked again, as it has been too often. */
#include "lookup_fixture.h"

#include "core/metrics.h"

#include <stdio.h>

static struct metrics_snapshot before;

/* So often a second; at most 20 is one at a time, without a burst. The caller is some client. */
static void setup_with_rates(uint32_t in_all, uint32_t per_client)
{
    static struct p0f_addr client;
    const struct lookup_limits limits = {.timeout = 1000,
                                         .first_contact_wait = 20,
                                         .max_pending = 100,
                                         .max_repeat_rate = in_all,
                                         .max_repeat_rate_per_client = per_client};

    setup();
    lookup_set_limits(lookup, &limits);
    client = stage_addr("127.0.0.2");
    caller = &client;
    metrics_read(&before);
}

static void expect_limited(uint64_t put_off, uint64_t remembered)
{
    struct metrics_snapshot now;

    metrics_read(&now);
    cr_assert_eq(now.counters[METRIC_REPEATS_PUT_OFF] - before.counters[METRIC_REPEATS_PUT_OFF],
                 put_off);
    cr_assert_eq(now.counters[METRIC_REPEATS_REMEMBERED] -
                     before.counters[METRIC_REPEATS_REMEMBERED],
                 remembered);
}

static void arrive_anew(struct visitor *visitor, const char *addr)
{
    arrive(visitor, addr);
    visitor->request.max_age_ms = 0;
}

static void expect_asked_anew(const char *addr)
{
    struct visitor visitor;
    unsigned asked = stage.asked;

    arrive_anew(&visitor, addr);
    cr_assert_not(ask(&visitor), "%s was not asked for", addr);
    stage_settle();
    cr_assert_not(visitor.request.freshness.rate_limited);
    expect_done(&visitor, LOOKUP_FOUND);
    cr_assert_eq(stage.asked, asked + 1);
}

static void expect_from_memory(const char *addr, int64_t age_ms)
{
    struct visitor visitor;
    unsigned asked = stage.asked;

    arrive_anew(&visitor, addr);
    cr_assert(ask(&visitor), "%s is asked for", addr);
    cr_assert_eq(visitor.request.freshness.source, FRESHNESS_HIT);
    cr_assert_eq(visitor.request.freshness.age_ms, age_ms);
    cr_assert(visitor.request.freshness.rate_limited);
    expect(&visitor, LOOKUP_FOUND);
    stage_settle();
    cr_assert_eq(stage.asked, asked);
    cr_assert_eq(visitor.done, 0);
}

static void learn(const char *addr)
{
    struct visitor visitor;

    ask_p0f(&visitor, addr);
    expect_done(&visitor, LOOKUP_FOUND);
}

Test(lookup_repeats, too_many_forced_ones_get_what_is_cached)
{
    setup_with_rates(0, 20);
    learn("10.0.0.1");
    learn("10.0.0.2");
    stage_pass(3000);
    expect_asked_anew("10.0.0.1");
    expect_from_memory("10.0.0.2", 3000);
    stage_pass(49);
    expect_from_memory("10.0.0.1", 49);
    stage_pass(1);
    expect_asked_anew("10.0.0.2");
    expect_limited(0, 2);
    teardown();
}

Test(lookup_repeats, of_one_client_hold_up_no_other)
{
    const struct p0f_addr other = stage_addr("127.0.0.3");

    setup_with_rates(0, 20);
    learn("10.0.0.1");
    expect_asked_anew("10.0.0.1");
    expect_from_memory("10.0.0.1", 0);
    caller = &other;
    expect_asked_anew("10.0.0.1");
    caller = NULL;
    for (int i = 0; i < 3; i++)
        expect_asked_anew("10.0.0.1");
    teardown();
}

Test(lookup_repeats, of_all_have_a_limit_too)
{
    setup_with_rates(20, 0);
    learn("10.0.0.1");
    expect_asked_anew("10.0.0.1");
    expect_from_memory("10.0.0.1", 0);
    caller = NULL;
    expect_from_memory("10.0.0.1", 0);
    teardown();
}

Test(lookup_repeats, a_stated_wait_is_one_when_no_match_is_remembered)
{
    struct visitor visitor;

    setup_with_rates(0, 20);
    arrive(&visitor, "192.0.2.1");
    visitor.request.wait_ms = 0;
    cr_assert_not(ask(&visitor));
    stage_settle();
    expect_done(&visitor, LOOKUP_NO_MATCH);
    learn("10.0.0.1");
    expect_asked_anew("10.0.0.1");
    stage_pass(5);
    arrive(&visitor, "192.0.2.1");
    visitor.request.wait_ms = 100;
    cr_assert(ask(&visitor));
    cr_assert_eq(visitor.request.freshness.age_ms, 5);
    cr_assert(visitor.request.freshness.rate_limited);
    expect(&visitor, LOOKUP_NO_MATCH);
    arrive(&visitor, "192.0.2.1");
    visitor.request.here_now = true;
    cr_assert(ask(&visitor));
    expect(&visitor, LOOKUP_NO_MATCH);
    teardown();
}

Test(lookup_repeats, what_is_not_cached_or_has_expired_is_none)
{
    struct visitor visitor;

    setup_with_rates(1, 1);
    learn("10.0.0.1");
    expect_asked_anew("10.0.0.1");
    for (int i = 0; i < 5; i++) {
        char addr[16];
        snprintf(addr, sizeof addr, "10.0.1.%d", i);
        arrive_anew(&visitor, addr);
        cr_assert_not(ask(&visitor));
        stage_settle();
        expect_done(&visitor, LOOKUP_FOUND);
    }
    stage_pass(31000);
    expect_asked_anew("10.0.0.1");
    expect_asked_anew("10.0.0.1"); /* the first one that is a repeat */
    expect_from_memory("10.0.0.1", 0);
    for (int i = 0; i < 5; i++) {
        char addr[16];
        snprintf(addr, sizeof addr, "10.0.1.%d", i);
        expect_asked_anew(addr);
    }
    teardown();
}

Test(lookup_repeats, who_joins_others_pays_nothing)
{
    struct visitor visitors[3];

    setup_with_rates(0, 40); /* two at once */
    learn("10.0.0.1");
    stage.holding = true;
    for (int i = 0; i < 3; i++) {
        arrive_anew(&visitors[i], "10.0.0.1");
        cr_assert_not(ask(&visitors[i]), "visitor %d", i);
        stage_settle();
    }
    stage.holding = false;
    stage_settle();
    for (int i = 0; i < 3; i++)
        expect_done(&visitors[i], LOOKUP_FOUND);
    cr_assert_eq(stage.asked, 2);
    expect_asked_anew("10.0.0.1");
    expect_from_memory("10.0.0.1", 0);
    teardown();
}

/* Both were allowed when they came. */
Test(lookup_repeats, of_two_who_come_at_once_one_is_answered_from_the_cache)
{
    struct visitor first, second;

    setup_with_rates(0, 20);
    learn("10.0.0.1");
    learn("10.0.0.2");
    stage_pass(10);
    arrive_anew(&first, "10.0.0.1");
    arrive_anew(&second, "10.0.0.2");
    cr_assert_not(ask(&first));
    cr_assert_not(ask(&second));
    stage_settle();
    cr_assert_eq(first.request.freshness.age_ms, 0);
    cr_assert_not(first.request.freshness.rate_limited);
    expect_done(&first, LOOKUP_FOUND);
    cr_assert_eq(second.request.freshness.source, FRESHNESS_HIT);
    cr_assert_eq(second.request.freshness.age_ms, 10);
    cr_assert(second.request.freshness.rate_limited);
    expect_done(&second, LOOKUP_FOUND);
    cr_assert_eq(stage.asked, 3);
    expect_limited(0, 1);
    teardown();
}

/* ---- A "no match" that is to be asked again */

/* Asked twice, then it waits in vain for a third time. */
Test(lookup_repeats, no_match_is_believed_as_of_when_p0f_said_it)
{
    struct visitor visitor;

    setup_with_rates(0, 1);
    ask_p0f(&visitor, "192.0.2.1");
    stage_pass(5);
    cr_assert_eq(stage.asked, 2);
    stage_pass(10);
    stage_pass(4);
    cr_assert_eq(visitor.done, 0, "its wait is 20 ms all the same");
    stage_pass(1);
    cr_assert_eq(visitor.request.freshness.age_ms, 15);
    cr_assert(visitor.request.freshness.rate_limited);
    cr_assert(visitor.request.freshness.stored);
    expect_done(&visitor, LOOKUP_NO_MATCH);
    cr_assert_eq(stage.asked, 2);
    expect_limited(2, 0);
    stage_pass(3);
    arrive(&visitor, "192.0.2.1");
    cr_assert(ask(&visitor), "remembered");
    cr_assert_eq(visitor.request.freshness.age_ms, 18, "as of then, too");
    expect(&visitor, LOOKUP_NO_MATCH);
    teardown();
}

Test(lookup_repeats, no_match_is_asked_again_as_soon_as_it_may_be)
{
    struct visitor visitor;

    setup_with_rates(0, 10);
    arrive(&visitor, "192.0.2.1");
    visitor.request.wait_ms = 1000;
    cr_assert_not(ask(&visitor));
    stage_settle();
    for (int i = 0; i < 95; i++)
        stage_pass(1);
    cr_assert_eq(stage.asked, 2);
    for (int i = 0; i < 250; i++)
        stage_pass(1);
    cr_assert_gt(stage.asked, 2);
    stage.knows_all = true;
    for (int i = 0; i < 350; i++)
        stage_pass(1);
    cr_assert_not(visitor.request.freshness.rate_limited);
    expect_done(&visitor, LOOKUP_FOUND);
    teardown();
}

Test(lookup_repeats, one_of_those_who_wait_pays)
{
    const struct p0f_addr other = stage_addr("127.0.0.3");
    struct visitor greedy[2], visitor;

    setup_with_rates(0, 1);
    for (int i = 0; i < 2; i++) {
        arrive(&greedy[i], "192.0.2.1");
        greedy[i].request.wait_ms = 500;
        cr_assert_not(ask(&greedy[i]));
    }
    stage_settle();
    stage_pass(5);
    cr_assert_eq(stage.asked, 2, "which the first one has paid");
    stage_pass(10);
    caller = &other;
    ask_p0f(&visitor, "192.0.2.1");
    cr_assert_eq(stage.asked, 2);
    stage.knows_all = true;
    stage_pass(5);
    cr_assert_eq(stage.asked, 3);
    for (int i = 0; i < 2; i++)
        expect_done(&greedy[i], LOOKUP_FOUND);
    expect_done(&visitor, LOOKUP_FOUND);
    teardown();
}

/* p0f has said it before it came, and is not asked within the time that an answer may take. */
Test(lookup_repeats, who_comes_between_two_questions_is_told_the_last_word)
{
    struct visitor early, late;

    setup_with_rates(1, 0);
    learn("10.0.0.1");
    expect_asked_anew("10.0.0.1");
    arrive(&early, "192.0.2.1");
    arrive(&late, "192.0.2.1");
    early.request.wait_ms = late.request.wait_ms = 900;
    cr_assert_not(ask(&early));
    stage_settle();
    lookup_set_limits(
        lookup, &(struct lookup_limits){.timeout = 300, .max_pending = 9, .max_repeat_rate = 1});
    stage_pass(20);
    cr_assert_not(ask(&late));
    stage_settle();
    for (int i = 0; i < 88; i++)
        stage_pass(10);
    cr_assert_eq(early.request.freshness.age_ms, 900);
    expect_done(&early, LOOKUP_NO_MATCH);
    cr_assert_eq(late.done, 0);
    stage_pass(20);
    cr_assert_eq(late.request.freshness.age_ms, 920);
    cr_assert(late.request.freshness.rate_limited);
    expect_done(&late, LOOKUP_NO_MATCH);
    teardown();
}
