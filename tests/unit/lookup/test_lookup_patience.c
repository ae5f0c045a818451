/* SPDX-License-Identifier: MIT */
/* Who waits for p0f, and for how long, where it first knows nothing of a host, or is slow. */
#include "lookup_fixture.h"

#include <stdio.h>

/* It has said "no match", so that is known, although it has not been able to say it once more. */
Test(lookup_patience, no_match_counts_when_p0f_stalls_after_it)
{
    struct visitor visitor;

    setup();
    arrive(&visitor, "192.0.2.1");
    visitor.request.wait_ms = 100;
    cr_assert_not(ask(&visitor));
    stage_settle();
    cr_assert_eq(stage.asked, 1);
    stage.holding = true;
    stage_pass(100);
    cr_assert_eq(stage.asked, 2);
    cr_assert_eq(visitor.done, 0);
    stage_pass(999);
    cr_assert_eq(visitor.done, 0, "the timeout begins when it would have been believed");
    stage_pass(1);
    cr_assert_eq(visitor.request.freshness.age_ms, 1100);
    cr_assert_not(visitor.request.freshness.stored);
    expect_done(&visitor, LOOKUP_NO_MATCH);
    teardown();
}

/* And as of when it was said last. */
Test(lookup_patience, the_last_no_match_counts)
{
    struct visitor visitor;

    setup();
    arrive(&visitor, "192.0.2.1");
    visitor.request.wait_ms = 100;
    cr_assert_not(ask(&visitor));
    stage_settle();
    stage_pass(5);
    stage_pass(10);
    cr_assert_eq(stage.asked, 3);
    stage.holding = true;
    stage_pass(1085);
    cr_assert_eq(visitor.request.freshness.age_ms, 1085);
    expect_done(&visitor, LOOKUP_NO_MATCH);
    teardown();
}

/* 5 ms, and each time twice as long, up to 250. */
Test(lookup_patience, pauses_grow)
{
    static const int64_t pauses[] = {5, 10, 20, 40, 80, 160, 250, 250, 250};
    struct visitor visitor;

    setup();
    arrive(&visitor, "192.0.2.1");
    visitor.request.wait_ms = 5000;
    cr_assert_not(ask(&visitor));
    stage_settle();
    for (unsigned i = 0; i < sizeof pauses / sizeof pauses[0]; i++) {
        stage_pass(pauses[i] - 1);
        cr_assert_eq(stage.asked, i + 1, "pause %u", i);
        stage_pass(1);
        cr_assert_eq(stage.asked, i + 2, "pause %u", i);
    }
    stage.knows_all = true;
    stage_pass(250);
    expect_done(&visitor, LOOKUP_FOUND);
    teardown();
}

/* What has grown long for the first is not for the second. */
Test(lookup_patience, one_who_comes_into_a_pause_does_not_wait_it_out)
{
    struct visitor first, second;

    setup();
    arrive(&first, "192.0.2.1");
    first.request.wait_ms = 5000;
    cr_assert_not(ask(&first));
    stage_settle();
    for (int i = 0; i < 6; i++)
        stage_pass(160);
    unsigned before = stage.asked;
    stage.knows_all = true;
    ask_p0f(&second, "192.0.2.1");
    stage_pass(4);
    cr_assert_eq(stage.asked, before);
    stage_pass(1);
    cr_assert_eq(stage.asked, before + 1);
    expect_done(&first, LOOKUP_FOUND);
    expect_done(&second, LOOKUP_FOUND);
    teardown();
}

/* p0f has its hands full, and those it was to be asked for have left. */
Test(lookup_patience, what_nobody_waits_for_any_more_is_not_asked)
{
    const struct lookup_limits limits = {.timeout = 1000, .max_pending = 100};
    struct visitor visitors[18];
    char text[16];

    setup();
    lookup_set_limits(lookup, &limits);
    stage.holding = true;
    for (int i = 0; i < 18; i++) {
        sprintf(text, "10.0.0.%d", i + 1);
        ask_p0f(&visitors[i], text);
    }
    cr_assert_eq(stage.asked, 16, "the pipeline is full");
    stage_pass(1000);
    for (int i = 0; i < 18; i++)
        expect_done(&visitors[i], LOOKUP_TIMEOUT);
    stage.holding = false;
    stage_settle();
    cr_assert_eq(stage.asked, 16);
    stage_pass(1000);
    ask_p0f(&visitors[0], "10.0.0.18"); /* as if it had never been asked for */
    expect_done(&visitors[0], LOOKUP_FOUND);
    cr_assert_eq(stage.asked, 17);
    teardown();
}

/* Until then others, who wait less or not at all, are not to be told it from memory. */
Test(lookup_patience, no_match_is_remembered_as_soon_as_somebody_believes_it)
{
    struct visitor patient, hasty;

    setup();
    arrive(&patient, "192.0.2.1");
    patient.request.wait_ms = 100;
    cr_assert_not(ask(&patient));
    stage_settle();
    stage_pass(99);
    cr_assert_eq(recall_counts(recall).misses, 0);
    arrive(&hasty, "192.0.2.1");
    hasty.request.wait_ms = 0;
    cr_assert_not(ask(&hasty), "nobody has believed it yet");
    stage_settle();
    stage_pass(1);
    cr_assert(hasty.request.freshness.stored && patient.request.freshness.stored);
    cr_assert_eq(hasty.request.freshness.ttl_ms, 1000);
    cr_assert_eq(hasty.request.freshness.stale_while_revalidate_ms, 0, "that is for known hosts");
    cr_assert_eq(hasty.request.freshness.stale_if_error_ms, 0);
    expect_done(&hasty, LOOKUP_NO_MATCH);
    expect_done(&patient, LOOKUP_NO_MATCH);
    cr_assert_eq(recall_counts(recall).misses, 1);
    teardown();
}
