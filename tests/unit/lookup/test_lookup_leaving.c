/* SPDX-License-Identifier: MIT */
/* Clients who go, or may have gone, while they wait. */
#include "lookup_fixture.h"

#include <stdio.h>

static struct visitor filling[16];

/* As much as p0f's connection takes, so that what comes next is not sent yet. */
static void fill_pipeline(void)
{
    const struct lookup_limits limits = {
        .timeout = 1000, .first_contact_wait = 20, .max_pending = 100};
    char text[16];

    lookup_set_limits(lookup, &limits);
    stage.holding = true;
    for (int i = 0; i < 16; i++) {
        snprintf(text, sizeof text, "10.0.1.%d", i);
        ask_p0f(&filling[i], text);
    }
    cr_assert_eq(stage.asked, 16);
}

static void empty_pipeline(void)
{
    stage.holding = false;
    stage_settle();
    for (int i = 0; i < 16; i++)
        expect_done(&filling[i], LOOKUP_FOUND);
}

static unsigned flights(void)
{
    return lookup_counts(lookup).flights;
}

Test(lookup_leaving, cut_short_with_no_match_it_is_told)
{
    struct visitor visitor;

    setup();
    arrive(&visitor, "192.0.2.1");
    visitor.request.wait_ms = 5000;
    cr_assert_not(ask(&visitor));
    stage_settle();
    stage_pass(3);
    cr_assert_eq(visitor.done, 0);
    fetch_cut_short(&visitor.request);
    cr_assert_eq(visitor.request.freshness.age_ms, 3);
    cr_assert_not(visitor.request.freshness.stored);
    expect_done(&visitor, LOOKUP_NO_MATCH);
    cr_assert_eq(flights(), 0);
    stage_pass(5000);
    cr_assert_eq(stage.asked, 1, "nobody waits for a better one");
    cr_assert_eq(visitor.done, 1);
    teardown();
}

Test(lookup_leaving, cut_short_before_it_believes_the_next_no_match)
{
    struct visitor visitor;

    setup();
    stage.holding = true;
    arrive(&visitor, "192.0.2.1");
    visitor.request.wait_ms = 5000;
    cr_assert_not(ask(&visitor));
    stage_settle();
    fetch_cut_short(&visitor.request);
    stage_settle();
    cr_assert_eq(visitor.done, 0, "it waits for p0f's word");
    stage.holding = false;
    stage_settle();
    cr_assert(visitor.request.freshness.stored);
    expect_done(&visitor, LOOKUP_NO_MATCH);
    stage_pass(5000);
    cr_assert_eq(stage.asked, 1);
    teardown();
}

Test(lookup_leaving, cut_short_a_host_is_found)
{
    struct visitor visitor;

    setup();
    stage.holding = true;
    ask_p0f(&visitor, "10.0.0.1");
    fetch_cut_short(&visitor.request);
    fetch_cut_short(&visitor.request);
    stage.holding = false;
    stage_settle();
    expect_done(&visitor, LOOKUP_FOUND);
    teardown();
}

Test(lookup_leaving, cut_short_others_wait_on)
{
    struct visitor visitor, other;

    setup();
    arrive(&visitor, "192.0.2.1");
    arrive(&other, "192.0.2.1");
    visitor.request.wait_ms = other.request.wait_ms = 500;
    cr_assert_not(ask(&visitor));
    cr_assert_not(ask(&other));
    stage_settle();
    fetch_cut_short(&visitor.request);
    expect_done(&visitor, LOOKUP_NO_MATCH);
    stage.knows_all = true;
    stage_pass(5);
    expect_done(&other, LOOKUP_FOUND);
    teardown();
}

Test(lookup_leaving, cancelled_what_is_not_sent_is_not_asked)
{
    struct visitor visitor;

    setup();
    fill_pipeline();
    ask_p0f(&visitor, "10.0.0.1");
    cr_assert_eq(lookup_pending(lookup), 17);
    fetch_cancel(&visitor.request);
    expect_done(&visitor, LOOKUP_CANCELLED);
    cr_assert_eq(lookup_pending(lookup), 16);
    cr_assert_eq(flights(), 16);
    empty_pipeline();
    cr_assert_eq(stage.asked, 16);
    teardown();
}

Test(lookup_leaving, cancelled_what_is_owed_is_remembered)
{
    struct visitor visitor;

    setup();
    stage.holding = true;
    ask_p0f(&visitor, "10.0.0.1");
    fetch_cancel(&visitor.request);
    expect_done(&visitor, LOOKUP_CANCELLED);
    cr_assert_eq(lookup_pending(lookup), 0);
    cr_assert_eq(flights(), 1, "an answer will come");
    stage.holding = false;
    stage_settle();
    cr_assert_eq(flights(), 0);
    cr_assert_eq(visitor.done, 1);
    arrive(&visitor, "10.0.0.1");
    cr_assert(ask(&visitor));
    expect(&visitor, LOOKUP_FOUND);
    stage_pass(2000);
    cr_assert_eq(visitor.done, 0, "its deadline went with it");
    teardown();
}

Test(lookup_leaving, cancelled_between_two_questions_there_is_no_other)
{
    struct visitor visitor;

    setup();
    arrive(&visitor, "192.0.2.1");
    visitor.request.wait_ms = 5000;
    cr_assert_not(ask(&visitor));
    stage_settle();
    stage_pass(3);
    fetch_cancel(&visitor.request);
    expect_done(&visitor, LOOKUP_CANCELLED);
    cr_assert_eq(flights(), 0);
    stage_pass(5000);
    cr_assert_eq(stage.asked, 1);
    arrive(&visitor, "192.0.2.1");
    visitor.request.wait_ms = 0;
    cr_assert_not(ask(&visitor), "nothing was believed");
    stage_settle();
    expect_done(&visitor, LOOKUP_NO_MATCH);
    teardown();
}

Test(lookup_leaving, cancelled_others_wait_on)
{
    struct visitor first, second;

    setup();
    stage.holding = true;
    ask_p0f(&first, "10.0.0.1");
    ask_p0f(&second, "10.0.0.1");
    fetch_cancel(&first.request);
    expect_done(&first, LOOKUP_CANCELLED);
    cr_assert_eq(second.done, 0);
    stage.holding = false;
    stage_settle();
    expect_done(&second, LOOKUP_FOUND);
    cr_assert_eq(stage.asked, 1);
    teardown();
}

Test(lookup_leaving, cancelled_its_place_is_anothers)
{
    const struct lookup_limits limits = {.timeout = 1000, .max_pending = 1};
    struct visitor visitor, other;

    setup();
    lookup_set_limits(lookup, &limits);
    stage.holding = true;
    ask_p0f(&visitor, "10.0.0.1");
    arrive(&other, "10.0.0.2");
    cr_assert(ask(&other));
    expect(&other, LOOKUP_OVERLOADED);
    fetch_cancel(&visitor.request);
    ask_p0f(&other, "10.0.0.2");
    stage.holding = false;
    stage_settle();
    expect_done(&visitor, LOOKUP_CANCELLED);
    expect_done(&other, LOOKUP_FOUND);
    teardown();
}
