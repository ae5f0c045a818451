/* SPDX-License-Identifier: MIT */
/* Lookups that ask several sensors, and the shared tier. */
#include "lookup_fixture.h"

#include "../../support/c/fake_share.h"
#include "../../support/c/more_p0f.h"

#include <stdio.h>

static void setup_several(unsigned count, bool shared)
{
    struct sensors_options options = {.connections = 2, .pipeline = 16, .seed = 7};

    caller = NULL;
    stage_open();
    memset(&fake_share, 0, sizeof fake_share);
    more_p0f_open(count);
    more_p0f_sensors(&options);
    sensors = sensors_new(stage.loop, &options);
    setup_lookup(shared ? &fake_share : NULL);
}

static void teardown_several(void)
{
    for (unsigned i = 0; i < more_count; i++)
        more[i].holding = more[i].mute = false;
    teardown();
    cr_assert_eq(fake_share.outstanding, 0);
    more_p0f_close();
}

static void expect_found(struct visitor *visitor, const char *sensor)
{
    cr_assert_eq(visitor->done, 1);
    cr_assert_eq(visitor->request.outcome, LOOKUP_FOUND, "outcome %d",
                 (int)visitor->request.outcome);
    cr_assert_str_eq(host_record_sensor(visitor->request.record), sensor);
    expect(visitor, LOOKUP_FOUND);
}

/* ---- Sensors */

Test(lookup_several, the_newest_is_told_and_remembered)
{
    struct visitor visitor;

    setup_several(3, false);
    more[0].last_seen = 5;
    more[2].last_seen = 6;
    ask_p0f(&visitor, "10.0.0.1");
    cr_assert_eq(visitor.request.freshness.ttl_ms, 30000);
    expect_found(&visitor, "s2");
    arrive(&visitor, "10.0.0.1");
    cr_assert(ask(&visitor));
    cr_assert_str_eq(host_record_sensor(visitor.request.record), "s2");
    const struct host_record_body *body = host_record_body(visitor.request.record, RENDER_RAW);
    cr_assert_not_null(strstr(body->text, ",\"sensor\":\"s2\"}\n"), "%s", body->text);
    expect(&visitor, LOOKUP_FOUND);
    teardown_several();
}

Test(lookup_several, no_match_of_all)
{
    struct visitor visitor;

    setup_several(3, false);
    ask_p0f(&visitor, "192.0.2.1");
    cr_assert_eq(visitor.done, 0);
    stage_pass(5);
    stage_pass(15);
    expect_done(&visitor, LOOKUP_NO_MATCH);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(more[i].asked, 3, "each is asked again");
    teardown_several();
}

/* Which one of them comes to know it does not matter. */
Test(lookup_several, on_first_contact)
{
    struct visitor visitor;

    setup_several(3, false);
    ask_p0f(&visitor, "192.0.2.1");
    more[1].last_seen = 3;
    stage_pass(5);
    expect_found(&visitor, "s1");
    teardown_several();
}

Test(lookup_several, on_first_contact_with_one_down)
{
    struct visitor visitor;

    setup_several(2, false);
    more_p0f_kill(&more[0]);
    stage_settle();
    ask_p0f(&visitor, "192.0.2.1");
    cr_assert_eq(visitor.done, 0, "the other one may soon know it");
    more[1].last_seen = 3;
    stage_pass(5);
    cr_assert_eq(visitor.request.freshness.ttl_ms, 2000, "the first one may know more");
    expect_found(&visitor, "s1");
    arrive(&visitor, "192.0.2.1");
    cr_assert(ask(&visitor));
    cr_assert_eq(visitor.request.freshness.ttl_ms, 2000);
    expect(&visitor, LOOKUP_FOUND);
    teardown_several();
}

Test(lookup_several, one_who_comes_into_a_pause)
{
    struct visitor first, second;

    setup_several(2, false);
    ask_p0f(&first, "192.0.2.1");
    stage_pass(3);
    ask_p0f(&second, "192.0.2.1");
    cr_assert_eq(more[0].asked, 1);
    stage_pass(2);
    cr_assert_eq(more[0].asked, 2);
    more[1].last_seen = 3;
    stage_pass(10);
    expect_found(&first, "s1");
    expect_found(&second, "s1");
    teardown_several();
}

Test(lookup_several, one_down_there_is_no_no_match)
{
    struct visitor visitor;

    setup_several(2, false);
    more_p0f_kill(&more[1]);
    stage_settle();
    ask_p0f(&visitor, "192.0.2.1");
    stage_pass(5);
    stage_pass(15);
    expect_done(&visitor, LOOKUP_INCOMPLETE);
    cr_assert_eq(recall_counts(recall).misses, 0);
    cr_assert_eq(lookup_counts(lookup).flights, 0);
    arrive(&visitor, "192.0.2.1");
    visitor.request.wait_ms = 0;
    cr_assert_not(ask(&visitor));
    stage_settle();
    expect_done(&visitor, LOOKUP_INCOMPLETE);
    teardown_several();
}

/* While it waits for better, its deadline is that of the wait, as with a "no match". */
Test(lookup_several, one_down_a_patient_one_waits_for_it)
{
    struct visitor visitor;

    setup_several(2, false);
    more_p0f_kill(&more[1]);
    stage_settle();
    arrive(&visitor, "192.0.2.1");
    visitor.request.wait_ms = 30000;
    cr_assert_not(ask(&visitor));
    for (int i = 0; i < 25; i++)
        stage_pass(1000);
    cr_assert_eq(visitor.done, 0);
    more_p0f_restart(&more[1]);
    more[1].last_seen = 4;
    for (int i = 0; i < 40; i++)
        stage_pass(250);
    cr_assert_eq(visitor.request.freshness.ttl_ms, 30000, "all have spoken");
    expect_found(&visitor, "s1");
    teardown_several();
}

Test(lookup_several, one_down_a_host_is_remembered)
{
    struct visitor visitor;

    setup_several(2, false);
    more[1].last_seen = 5;
    ask_p0f(&visitor, "10.0.0.1");
    expect_found(&visitor, "s1");
    more_p0f_kill(&more[1]);
    stage_pass(61000);
    ask_p0f(&visitor, "10.0.0.1");
    stage_pass(20);
    cr_assert_geq(visitor.request.freshness.age_ms, 61000);
    expect_found(&visitor, "s1");
    teardown_several();
}

Test(lookup_several, all_down)
{
    struct visitor visitor;

    setup_several(2, false);
    more_p0f_kill(&more[0]);
    more_p0f_kill(&more[1]);
    stage_settle();
    ask_p0f(&visitor, "10.0.0.1");
    expect_done(&visitor, LOOKUP_UNAVAILABLE);
    teardown_several();
}

Test(lookup_several, one_that_is_killed_while_it_is_asked)
{
    struct visitor visitor;

    setup_several(2, false);
    more[0].holding = true;
    arrive(&visitor, "192.0.2.1");
    visitor.request.wait_ms = 0;
    cr_assert_not(ask(&visitor));
    stage_settle();
    cr_assert_eq(visitor.done, 0);
    more_p0f_kill(&more[0]);
    stage_settle();
    expect_done(&visitor, LOOKUP_INCOMPLETE);
    teardown_several();
}

static void submit(struct visitor *visitor, unsigned number, int64_t wait_ms)
{
    char text[16];

    snprintf(text, sizeof text, "192.0.2.%u", number);
    arrive(visitor, text);
    visitor->request.wait_ms = wait_ms;
    cr_assert_not(ask(visitor));
}

static void ask_about(struct visitor *visitor, unsigned number, int64_t wait_ms)
{
    submit(visitor, number, wait_ms);
    stage_settle();
}

/* One after the other, with a query on its way each time and one before and after. */
Test(lookup_several, ten_are_killed_one_at_a_time)
{
    const struct lookup_limits limits = {.timeout = 1000, .max_pending = 100};
    struct visitor visitors[3];
    unsigned number = 0;

    setup_several(10, false);
    lookup_set_limits(lookup, &limits);
    for (int killed = 0; killed < 10; killed++) {
        ask_about(&visitors[0], number++, 0);
        expect_done(&visitors[0], LOOKUP_NO_MATCH);
        more[killed].holding = true;
        ask_about(&visitors[1], number++, 0);
        more_p0f_kill(&more[killed]);
        ask_about(&visitors[2], number++, 0);
        expect_done(&visitors[1], LOOKUP_INCOMPLETE);
        expect_done(&visitors[2], LOOKUP_INCOMPLETE);
        more[killed].holding = false;
        more_p0f_restart(&more[killed]);
        stage_pass(10000);
    }
    cr_assert_leq(recall_counts(recall).misses, 10);
    teardown_several();
}

Test(lookup_several, each_counts_once)
{
    const struct lookup_limits limits = {.timeout = 1000, .max_pending = 1};
    struct visitor visitor, other;

    setup_several(3, false);
    lookup_set_limits(lookup, &limits);
    more[0].last_seen = 3;
    more[2].holding = true;
    ask_p0f(&visitor, "10.0.0.1");
    cr_assert_eq(lookup_pending(lookup), 1);
    arrive(&other, "10.0.0.2");
    cr_assert(ask(&other));
    expect(&other, LOOKUP_OVERLOADED);
    more[2].holding = false;
    stage_settle();
    expect_found(&visitor, "s0");
    teardown_several();
}

/* It is as old as the oldest part may be. */
Test(lookup_several, the_age_counts_from_when_they_were_asked)
{
    struct visitor visitor;

    setup_several(2, false);
    more[0].last_seen = 3;
    more[1].holding = true;
    ask_p0f(&visitor, "10.0.0.1");
    stage_pass(300);
    more[1].holding = false;
    stage_settle();
    cr_assert_eq(visitor.request.freshness.age_ms, 300);
    expect_found(&visitor, "s0");
    more[0].last_seen = 0;
    more[1].holding = true;
    arrive(&visitor, "10.0.0.2");
    visitor.request.wait_ms = 0;
    cr_assert_not(ask(&visitor));
    stage_settle();
    stage_pass(300);
    more[1].holding = false;
    stage_settle();
    cr_assert_eq(visitor.request.freshness.age_ms, 300);
    expect_done(&visitor, LOOKUP_NO_MATCH);
    teardown_several();
}

/* ---- One that hangs */

Test(lookup_several, at_the_deadline_all_get_what_is_found)
{
    struct visitor first, second;

    setup_several(2, false);
    more[0].mute = true;
    more[1].last_seen = 7;
    ask_p0f(&first, "10.0.0.1");
    stage_pass(600);
    ask_p0f(&second, "10.0.0.1");
    stage_pass(399);
    cr_assert_eq(first.done, 0);
    stage_pass(1);
    cr_assert_eq(first.request.freshness.ttl_ms, 2000);
    cr_assert(first.request.freshness.stored);
    expect_found(&first, "s1");
    expect_found(&second, "s1");
    cr_assert_eq(lookup_counts(lookup).flights, 0);
    more[0].mute = false;
    more[0].last_seen = 9;
    stage_settle();
    arrive(&first, "10.0.0.1");
    cr_assert(ask(&first));
    cr_assert_eq(first.request.freshness.ttl_ms, 2000, "the late answer is dropped");
    expect(&first, LOOKUP_FOUND);
    stage_pass(2000);
    arrive(&first, "10.0.0.1");
    first.request.max_age_ms = 1000;
    cr_assert_not(ask(&first));
    stage_settle();
    expect_found(&first, "s0");
    teardown_several();
}

Test(lookup_several, one_that_hangs_delays_only_the_first)
{
    struct visitor visitor;

    setup_several(2, false);
    more[0].mute = true;
    ask_about(&visitor, 1, 20);
    stage_pass(999);
    cr_assert_eq(visitor.done, 0);
    stage_pass(1);
    expect_done(&visitor, LOOKUP_TIMEOUT);
    ask_about(&visitor, 1, 20);
    stage_pass(20);
    expect_done(&visitor, LOOKUP_INCOMPLETE);
    more[1].last_seen = 4;
    ask_about(&visitor, 1, 20);
    expect_found(&visitor, "s1");
    cr_assert_eq(more[0].asked, 1);
    more[0].mute = false;
    more[1].last_seen = 0;
    stage_settle();
    ask_about(&visitor, 2, 0);
    expect_done(&visitor, LOOKUP_NO_MATCH);
    teardown_several();
}

/* Nor those who join a question that waits for it. */
Test(lookup_several, one_that_hangs_delays_nobody_who_joins)
{
    struct visitor first, second, third;

    setup_several(2, false);
    more[0].mute = true;
    ask_about(&first, 1, 0);
    stage_pass(500);
    ask_about(&second, 1, 0);
    stage_pass(500);
    expect_done(&first, LOOKUP_TIMEOUT);
    cr_assert_eq(second.done, 0);
    more[1].last_seen = 4;
    ask_about(&third, 1, 0);
    expect_found(&second, "s1");
    expect_found(&third, "s1");
    teardown_several();
}

static struct visitor again;

static void ask_again_when_done(struct lookup_request *request)
{
    on_done(request);
    submit(&again, 1, 0);
}

/* Within done(), which is where the relay's and a batch's next lookups begin. */
Test(lookup_several, who_is_done_asks_again)
{
    struct visitor visitor;

    setup_several(2, false);
    more[0].mute = true;
    more[1].mute = true;
    arrive(&visitor, "192.0.2.1");
    visitor.request.done = ask_again_when_done;
    cr_assert_not(ask(&visitor));
    stage_settle();
    stage_pass(1000);
    expect_done(&visitor, LOOKUP_TIMEOUT);
    stage_settle();
    expect_done(&again, LOOKUP_UNAVAILABLE);
    arrive(&visitor, "192.0.2.1");
    visitor.request.done = ask_again_when_done;
    cr_assert_not(ask(&visitor));
    stage_settle();
    expect_done(&visitor, LOOKUP_UNAVAILABLE);
    expect_done(&again, LOOKUP_UNAVAILABLE);
    teardown_several();
}

/* ---- Who goes */

Test(lookup_several, cancelled_what_is_sent_is_remembered)
{
    struct visitor visitor;

    setup_several(2, false);
    more[0].last_seen = more[1].last_seen = 4;
    more[1].holding = true;
    ask_p0f(&visitor, "10.0.0.1");
    fetch_cancel(&visitor.request);
    expect_done(&visitor, LOOKUP_CANCELLED);
    cr_assert_eq(lookup_counts(lookup).flights, 1);
    more[1].holding = false;
    stage_settle();
    cr_assert_eq(lookup_counts(lookup).flights, 0);
    arrive(&visitor, "10.0.0.1");
    cr_assert(ask(&visitor));
    cr_assert_eq(visitor.request.freshness.ttl_ms, 30000);
    expect(&visitor, LOOKUP_FOUND);
    teardown_several();
}

Test(lookup_several, cancelled_what_is_not_sent_is_not_asked)
{
    struct visitor visitor;

    setup_several(2, false);
    ask_p0f(&visitor, "10.0.0.1");
    fetch_cancel(&visitor.request);
    expect_done(&visitor, LOOKUP_CANCELLED);
    cr_assert_eq(lookup_counts(lookup).flights, 0);
    stage_pass(1000);
    cr_assert_eq(more[0].asked, 1);
    teardown_several();
}

Test(lookup_several, cut_short)
{
    struct visitor visitor;

    setup_several(2, false);
    more[1].holding = true;
    ask_about(&visitor, 1, 5000);
    fetch_cut_short(&visitor.request);
    cr_assert_eq(visitor.done, 0, "one has not spoken");
    more[1].holding = false;
    stage_settle();
    expect_done(&visitor, LOOKUP_NO_MATCH);
    more_p0f_kill(&more[1]);
    stage_settle();
    ask_about(&visitor, 2, 5000);
    cr_assert_eq(visitor.done, 0);
    fetch_cut_short(&visitor.request);
    expect_done(&visitor, LOOKUP_INCOMPLETE);
    teardown_several();
}

/* ---- The tier */

Test(lookup_several, found_in_the_tier)
{
    struct visitor visitor;

    setup_several(1, true);
    ask_p0f(&visitor, "192.0.2.1");
    cr_assert_eq(visitor.done, 0);
    fake_share_answer(SHARE_FOUND, 5);
    cr_assert_eq(visitor.request.freshness.ttl_ms, 30000);
    expect_found(&visitor, "far");
    arrive(&visitor, "192.0.2.1");
    cr_assert(ask(&visitor));
    expect(&visitor, LOOKUP_FOUND);
    cr_assert_eq(fake_share.reads, 1, "a hit asks nobody");
    cr_assert_eq(fake_share.writes, 0);
    teardown_several();
}

Test(lookup_several, found_in_the_tier_while_p0f_is_down)
{
    struct visitor visitor;

    setup_several(1, true);
    more_p0f_kill(&more[0]);
    stage_settle();
    ask_p0f(&visitor, "192.0.2.1");
    fake_share_answer(SHARE_FOUND, 5);
    cr_assert_eq(visitor.request.freshness.ttl_ms, 2000);
    expect_found(&visitor, "far");
    ask_p0f(&visitor, "192.0.2.2");
    fake_share_answer(SHARE_NONE, 0);
    expect_done(&visitor, LOOKUP_UNAVAILABLE);
    ask_p0f(&visitor, "192.0.2.2");
    fake_share_answer(SHARE_FAILED, 0);
    expect_done(&visitor, LOOKUP_UNAVAILABLE);
    fake_share.down = true;
    ask_p0f(&visitor, "192.0.2.2");
    expect_done(&visitor, LOOKUP_UNAVAILABLE);
    teardown_several();
}

/* As without it. */
Test(lookup_several, the_tier_fails)
{
    static const enum share_result results[] = {SHARE_NONE, SHARE_FAILED};
    struct visitor visitor;

    setup_several(1, true);
    for (unsigned i = 0; i < 2; i++) {
        ask_about(&visitor, i, 0);
        fake_share_answer(results[i], 0);
        expect_done(&visitor, LOOKUP_NO_MATCH);
    }
    more[0].last_seen = 3;
    ask_p0f(&visitor, "10.0.0.1");
    fake_share_answer(SHARE_FAILED, 0);
    cr_assert_eq(visitor.request.freshness.ttl_ms, 30000);
    expect_found(&visitor, "s0");
    cr_assert_eq(fake_share.writes, 1);
    fake_share.down = true;
    ask_p0f(&visitor, "10.0.0.2");
    expect_found(&visitor, "s0");
    teardown_several();
}

Test(lookup_several, the_tier_is_read_once)
{
    struct visitor visitor;

    setup_several(1, true);
    ask_p0f(&visitor, "192.0.2.1");
    fake_share_answer(SHARE_NONE, 0);
    stage_pass(5);
    stage_pass(10);
    stage_pass(5);
    expect_done(&visitor, LOOKUP_NO_MATCH);
    cr_assert_geq(more[0].asked, 3);
    cr_assert_eq(fake_share.reads, 1);
    teardown_several();
}

/* At the deadline, what p0f has said counts. */
Test(lookup_several, the_tier_is_slower_than_the_deadline)
{
    struct visitor visitor;

    setup_several(1, true);
    ask_about(&visitor, 1, 0);
    stage_pass(999);
    cr_assert_eq(visitor.done, 0);
    stage_pass(1);
    expect_done(&visitor, LOOKUP_NO_MATCH);
    cr_assert_eq(fake_share.cancelled, 1);
    teardown_several();
}

Test(lookup_several, cancelled_while_the_tier_is_read)
{
    struct visitor visitor;

    setup_several(1, true);
    ask_p0f(&visitor, "192.0.2.1");
    fetch_cancel(&visitor.request);
    expect_done(&visitor, LOOKUP_CANCELLED);
    fake_share_answer(SHARE_FOUND, 5);
    cr_assert_eq(lookup_counts(lookup).flights, 0);
    arrive(&visitor, "192.0.2.1");
    cr_assert(ask(&visitor));
    expect(&visitor, LOOKUP_FOUND);
    teardown_several();
}

/* As in a shutdown just then, which waits for p0f only. */
Test(lookup_several, freed_while_the_tier_is_read)
{
    struct visitor visitor;

    setup_several(1, true);
    for (int i = 1; i <= 2; i++) {
        char addr[16];
        snprintf(addr, sizeof addr, "192.0.2.%d", i);
        ask_p0f(&visitor, addr);
        fetch_cancel(&visitor.request);
        expect_done(&visitor, LOOKUP_CANCELLED);
    }
    cr_assert_eq(fake_share.outstanding, 2);
    teardown_several();
}
