/* SPDX-License-Identifier: MIT */
#include "lookup/batch.h"

#include "core/metrics.h"
#include "lookup_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define WINDOW 4
#define ITEMS_MAX 100

static struct batch *batch;
static unsigned done;
static uint32_t count;
static unsigned known[ITEMS_MAX]; /* how often each item was said to be */
static const struct batch_terms usual = {
    .wait_ms = LOOKUP_WAIT_UNSET, .max_age_ms = LOOKUP_MAX_AGE_UNSET, .window = WINDOW};

static void on_known(void *ctx, uint32_t item)
{
    cr_assert_eq(ctx, known);
    cr_assert_lt(item, count);
    known[item]++;
}

static void on_batch_done(void *ctx)
{
    cr_assert_eq(ctx, &done);
    done++;
}

/* Room for `max_pending` lookups, and in the cache for what they find. */
static void setup_with(uint32_t max_pending)
{
    const struct lookup_limits limits = {
        .timeout = 1000, .first_contact_wait = 20, .max_pending = max_pending};

    setup();
    lookup_set_limits(lookup, &limits);
}

/* Addresses between blanks, and "-" for an item without one. */
static void make_batch(const char *items, const struct batch_terms *terms)
{
    char text[4096], *rest = text, *word;
    struct p0f_addr addrs[ITEMS_MAX];

    strcpy(text, items);
    memset(known, 0, sizeof known);
    for (count = 0; (word = strsep(&rest, " ")); count++)
        addrs[count] = *word == '-' ? (struct p0f_addr){0} : stage_addr(word);
    batch = batch_new(&(struct batch_options){
        .lookup = lookup, .count = count, .terms = *terms, .known = on_known, .ctx = known});
    cr_assert_not_null(batch);
    for (uint32_t i = 0; i < count; i++)
        if (addrs[i].type)
            batch_set_address(batch, i, &addrs[i]);
    done = 0;
}

/* Looks for all of it in the cache, some items at a time; true when it is answered by that. */
static bool recall_all(void)
{
    while (!batch_recall(batch, 3))
        ;
    return batch_answered(batch);
}

/* True: answered at once. */
static bool ask_batch(const char *items, const struct batch_terms *terms)
{
    make_batch(items, terms);
    if (recall_all() || !batch_admit(batch, lookup_flow(lookup, caller)))
        return true;
    batch_submit(batch, on_batch_done, &done);
    return false;
}

/* Prefix and a number for each of `items`. */
static const char *many(const char *prefix, unsigned items)
{
    static char text[4096];
    char *at = text;

    for (unsigned i = 0; i < items; i++)
        at += sprintf(at, "%s%s%u", i ? " " : "", prefix, i + 1);
    return text;
}

static const char *outcome_of(uint32_t item)
{
    static const char *const names[] = {
        [LOOKUP_FOUND] = "ok",
        [LOOKUP_NO_MATCH] = "no-match",
        [LOOKUP_BAD_RESPONSE] = "bad-response",
        [LOOKUP_UNAVAILABLE] = "unavailable",
        [LOOKUP_INCOMPLETE] = "incomplete",
        [LOOKUP_OVERLOADED] = "overloaded",
        [LOOKUP_TIMEOUT] = "timeout",
        [LOOKUP_CANCELLED] = "cancelled",
        [LOOKUP_NOT_CACHED] = "not-cached",
        [LOOKUP_NOT_FRESH] = "not-fresh",
        [LOOKUP_CONTRADICTORY] = "contradictory",
    };
    struct batch_result result = batch_result(batch, item);

    cr_assert_eq(result.record != NULL, result.outcome == LOOKUP_FOUND);
    return names[result.outcome];
}

/* "ok no-match ...", with "-" for an item without an address. Frees the batch. */
static void expect_results(const char *expected)
{
    char summary[4096], *at = summary;

    for (uint32_t i = 0; i < count; i++) {
        cr_assert_leq(known[i], 1, "item %u: known %u times", i, known[i]);
        at += sprintf(at, "%s%s", i ? " " : "", known[i] ? outcome_of(i) : "-");
    }
    cr_assert_str_eq(summary, expected, "%s", summary);
    batch_free(batch);
}

static void expect_all(const char *expected)
{
    cr_assert_eq(done, 1, "done %u times", done);
    expect_results(expected);
}

static struct fake_p0f_client *p0f(void)
{
    struct fake_p0f_client *client = stage.p0f.clients;

    while (client->fd < 0)
        client++;
    return client;
}

static uint64_t lookups(const struct metrics_snapshot *counted)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < METRICS_CACHES; i++)
        for (unsigned j = 0; j < METRICS_RESULTS; j++)
            sum += counted->lookups[i][j];
    return sum;
}

Test(batch, each_address_is_counted_and_is_a_lookup)
{
    struct metrics_snapshot before, after;

    metrics_read(&before);
    setup_with(2); /* some are not admitted */
    cr_assert_not(ask_batch("10.0.0.1 - 10.0.0.2 10.0.0.3 10.0.0.1", &usual));
    stage_settle();
    stage_pass(20);
    cr_assert_eq(done, 1);
    batch_free(batch);
    metrics_read(&after);
    cr_assert_eq(after.counters[METRIC_BATCH_HOSTS] - before.counters[METRIC_BATCH_HOSTS], 4);
    cr_assert_eq(lookups(&after) - lookups(&before), 4);
    teardown();
}

/* One of them, and then one in 50 ms. */
Test(batch, what_p0f_may_not_be_asked_again_is_remembered)
{
    const struct lookup_limits limits = {
        .timeout = 1000, .max_pending = 100, .max_repeat_rate_per_client = 20};
    const struct p0f_addr client = stage_addr("127.0.0.2");
    struct batch_terms terms = usual;

    setup();
    lookup_set_limits(lookup, &limits);
    caller = &client;
    cr_assert_not(ask_batch(many("10.0.0.", 6), &usual));
    stage_settle();
    expect_all("ok ok ok ok ok ok");
    cr_assert_eq(stage.asked, 6);
    terms.max_age_ms = 0;
    cr_assert_not(ask_batch(many("10.0.0.", 6), &terms));
    stage_settle();
    expect_all("ok ok ok ok ok ok");
    cr_assert_eq(stage.asked, 7);
    teardown();
}

Test(batch, results_are_those_of_their_items)
{
    const char *const expected[] = {"10.0.0.1", "192.0.2.1", "-", "10.0.0.2"};

    setup_with(100);
    cr_assert_not(ask_batch("10.0.0.1 192.0.2.1 - 10.0.0.2", &usual));
    stage_settle();
    cr_assert_eq(done, 0, "not all is known yet");
    stage_pass(20);
    for (uint32_t i = 0; i < count; i += 3) {
        const struct host_record_body *body =
            host_record_body(batch_result(batch, i).record, RENDER_PARSED);
        cr_assert_not_null(strstr(body->text, expected[i]), "%s", body->text);
    }
    expect_all("ok no-match - ok");
    teardown();
}

Test(batch, what_is_cached_is_answered_at_once)
{
    setup_with(100);
    cr_assert_not(ask_batch(many("10.0.0.", 3), &usual));
    stage_settle();
    expect_all("ok ok ok");
    cr_assert(ask_batch(many("10.0.0.", 3), &usual));
    expect_results("ok ok ok");
    stage_settle();
    cr_assert_eq(done, 0);
    cr_assert_eq(stage.asked, 3);
    cr_assert(ask_batch("-", &usual), "nothing to ask");
    expect_results("-");
    teardown();
}

Test(batch, terms_hold_for_each_item)
{
    struct batch_terms terms = usual;

    setup_with(100);
    cr_assert_not(ask_batch(many("10.0.0.", 2), &usual));
    stage_settle();
    expect_all("ok ok");
    terms.max_age_ms = 0;
    cr_assert_not(ask_batch(many("10.0.0.", 2), &terms));
    stage_settle();
    expect_all("ok ok");
    cr_assert_eq(stage.asked, 4);
    terms = usual;
    terms.only_if_cached = true;
    cr_assert(ask_batch(many("10.0.0.", 3), &terms));
    expect_results("ok ok not-cached");
    terms = usual;
    terms.wait_ms = 0;
    cr_assert_not(ask_batch("192.0.2.1 192.0.2.2", &terms));
    stage_settle();
    expect_all("no-match no-match");
    teardown();
}

Test(batch, never_more_than_a_window_at_once)
{
    setup_with(100);
    stage.holding = true;
    cr_assert_not(ask_batch(many("10.0.0.", 10), &usual));
    stage_settle();
    cr_assert_eq(stage.asked, WINDOW);
    for (unsigned i = 1; i <= 5; i++) { /* as one comes back, one goes out */
        stage_answer_first(p0f());
        stage_settle();
        cr_assert_eq(stage.asked, WINDOW + i);
        cr_assert_eq(lookup_pending(lookup), WINDOW);
    }
    stage.holding = false;
    stage_settle();
    expect_all("ok ok ok ok ok ok ok ok ok ok");
    cr_assert_eq(stage.asked, 10);
    teardown();
}

Test(batch, a_single_request_waits_behind_one_window)
{
    struct visitor visitor;
    struct p0f_addr addr = stage_addr("10.0.1.1");

    setup_with(100);
    stage.holding = true;
    cr_assert_not(ask_batch(many("10.0.0.", 10), &usual));
    stage_settle();
    ask_p0f(&visitor, "10.0.1.1");
    cr_assert_eq(p0f()->count, WINDOW + 1);
    cr_assert_arr_eq(&p0f()->outstanding[WINDOW], &addr, sizeof addr);
    stage.holding = false;
    stage_settle();
    expect_all("ok ok ok ok ok ok ok ok ok ok");
    expect_done(&visitor, LOOKUP_FOUND);
    teardown();
}

Test(batch, the_same_host_is_asked_for_once)
{
    setup_with(100);
    stage.holding = true;
    cr_assert_not(ask_batch("10.0.0.1 10.0.0.1 10.0.0.1 10.0.0.1 10.0.0.1 10.0.0.1", &usual));
    stage_settle();
    stage.holding = false;
    stage_settle();
    expect_all("ok ok ok ok ok ok");
    cr_assert_eq(stage.asked, 1);
    teardown();
}

Test(batch, p0f_that_is_silent_is_waited_for_once)
{
    struct batch_terms terms = usual;

    setup_with(100);
    stage.holding = true;
    terms.wait_ms = 0;
    cr_assert_not(ask_batch(many("10.0.0.", 9), &terms));
    stage_settle();
    stage_pass(999);
    cr_assert_eq(done, 0);
    stage_pass(1);
    expect_all("timeout timeout timeout timeout timeout timeout "
               "timeout timeout timeout");
    cr_assert_eq(stage.asked, WINDOW, "too late to ask");
    stage.holding = false;
    stage_settle();
    terms.only_if_cached = true;
    cr_assert(ask_batch(many("10.0.0.", 5), &terms));
    expect_results("ok ok ok ok not-cached"); /* late answers are kept */
    teardown();
}

Test(batch, p0f_gets_its_time_after_first_contact_too)
{
    setup_with(100);
    stage.holding = true;
    cr_assert_not(ask_batch(many("10.0.0.", 9), &usual));
    stage_settle();
    stage_pass(1000);
    cr_assert_eq(stage.asked, 2 * WINDOW);
    stage_pass(19);
    cr_assert_eq(done, 0, "20 ms of first contact, and then a second");
    stage_pass(1);
    expect_all("timeout timeout timeout timeout timeout timeout "
               "timeout timeout timeout");
    teardown();
}

Test(batch, first_contact_is_waited_for_once)
{
    setup_with(100);
    cr_assert_not(ask_batch(many("192.0.2.", 9), &usual));
    stage_settle();
    cr_assert_eq(stage.asked, WINDOW);
    stage_pass(19);
    cr_assert_eq(done, 0);
    unsigned asked = stage.asked;
    stage_pass(1);
    expect_all("no-match no-match no-match no-match no-match no-match no-match no-match no-match");
    cr_assert_eq(stage.asked, asked + 9, "they have had their time: once more, or once");
    teardown();
}

Test(batch, a_host_that_appears_while_others_are_waited_for)
{
    setup_with(100);
    cr_assert_not(ask_batch(many("192.0.2.", 6), &usual));
    stage_settle();
    stage.knows_all = true;
    stage_pass(5);
    expect_all("ok ok ok ok ok ok");
    teardown();
}

Test(batch, fewer_admitted_than_window)
{
    setup_with(2);
    stage.holding = true;
    cr_assert_not(ask_batch(many("10.0.0.", 6), &usual));
    stage_settle();
    cr_assert_eq(stage.asked, 2);
    cr_assert_eq(lookup_pending(lookup), 2);
    stage.holding = false;
    stage_settle();
    expect_all("ok ok ok ok ok ok");
    teardown();
}

Test(batch, no_place_at_all)
{
    struct visitor visitor;

    setup_with(1);
    ask_p0f(&visitor, "10.0.0.1");
    expect_done(&visitor, LOOKUP_FOUND);
    stage.holding = true;
    ask_p0f(&visitor, "10.0.0.9");
    cr_assert(ask_batch("10.0.0.1 10.0.0.2 -", &usual));
    expect_results("ok overloaded -");
    stage.holding = false;
    stage_settle();
    expect_done(&visitor, LOOKUP_FOUND);
    cr_assert_not(ask_batch(many("10.0.1.", 3), &usual));
    stage_settle();
    expect_all("ok ok ok");
    teardown();
}

/* Its items are its caller's, like anything else they ask for. */
Test(batch, counts_against_its_clients_limit)
{
    const struct lookup_limits limits = {.timeout = 1000, .max_pending = 2, .reserve = 1};
    const struct p0f_addr greedy = stage_addr("127.0.0.2"), other = stage_addr("127.0.0.3");
    struct visitor visitor;

    setup();
    lookup_set_limits(lookup, &limits);
    stage.holding = true;
    caller = &greedy;
    cr_assert_not(ask_batch(many("10.0.0.", 3), &usual));
    stage_settle();
    cr_assert_eq(lookup_pending(lookup), 2);
    arrive(&visitor, "10.0.1.1");
    cr_assert(ask(&visitor), "it has as many as there are");
    expect(&visitor, LOOKUP_OVERLOADED);
    caller = &other;
    ask_p0f(&visitor, "10.0.1.1");
    stage.holding = false;
    stage_settle();
    expect_done(&visitor, LOOKUP_FOUND);
    expect_all("ok ok ok");
    teardown();
}

Test(batch, does_not_wait_for_others_to_finish)
{
    const struct lookup_limits none = {.timeout = 1000, .first_contact_wait = 20};

    setup_with(100);
    stage.holding = true;
    cr_assert_not(ask_batch(many("10.0.0.", 6), &usual));
    stage_settle();
    lookup_set_limits(lookup, &none);
    stage.holding = false;
    stage_settle();
    expect_all("ok ok ok ok overloaded overloaded");
    teardown();
}

Test(batch, counts_as_pending_before_the_loop_has_seen_it)
{
    setup_with(100);
    cr_assert_not(ask_batch(many("10.0.0.", 6), &usual));
    cr_assert_eq(lookup_pending(lookup), 1);
    stage_settle();
    cr_assert_eq(lookup_pending(lookup), 0);
    expect_all("ok ok ok ok ok ok");
    teardown();
}

Test(batch, without_p0f_what_is_known_is_served)
{
    struct visitor visitor;

    setup_with(100);
    ask_p0f(&visitor, "10.0.0.2");
    expect_done(&visitor, LOOKUP_FOUND);
    stage_p0f_stop();
    stage_pass(61000);
    cr_assert_not(ask_batch(many("10.0.0.", 6), &usual));
    stage_settle();
    expect_all("unavailable ok unavailable unavailable unavailable "
               "unavailable");
    teardown();
}

Test(batch, p0f_that_hangs_up)
{
    setup_with(100);
    stage.holding = true;
    cr_assert_not(ask_batch(many("10.0.0.", 6), &usual));
    stage_settle();
    stage_p0f_stop();
    stage_settle();
    expect_all("unavailable unavailable unavailable unavailable unavailable "
               "unavailable");
    teardown();
}

Test(batch, a_bad_response_spoils_its_item_only)
{
    const struct p0f_answer bad_query = {.status = P0F_STATUS_BADQUERY};
    uint8_t bytes[P0F_ANSWER_MAX];

    setup_with(100);
    stage.holding = true;
    cr_assert_not(ask_batch(many("10.0.0.", 3), &usual));
    stage_settle();
    size_t size = p0f_answer_pack(&bad_query, P0F_DIALECT_P0F3, bytes);
    cr_assert_eq(send(p0f()->fd, bytes, size, MSG_NOSIGNAL), (ssize_t)size);
    memmove(p0f()->outstanding, p0f()->outstanding + 1,
            --p0f()->count * sizeof p0f()->outstanding[0]);
    stage.holding = false;
    stage_settle();
    expect_all("bad-response ok ok");
    teardown();
}

Test(batch, stale_hosts_are_refreshed_a_window_at_most)
{
    setup_with(100);
    cr_assert_not(ask_batch(many("10.0.0.", 9), &usual));
    stage_settle();
    expect_all("ok ok ok ok ok ok ok ok ok");
    stage_pass(31000);
    cr_assert(ask_batch(many("10.0.0.", 9), &usual));
    cr_assert_eq(lookup_pending(lookup), WINDOW);
    expect_results("ok ok ok ok ok ok ok ok ok");
    stage_settle();
    cr_assert_eq(stage.asked, 9 + WINDOW);
    teardown();
}

static void free_it(void *ctx)
{
    batch_free(ctx);
    done++;
}

Test(batch, may_be_freed_when_done)
{
    setup_with(100);
    for (unsigned i = 0; i < 2; i++) { /* asked; then with p0f gone, all at once */
        make_batch(many(i ? "10.0.1." : "10.0.0.", 9), &usual);
        cr_assert_not(recall_all());
        cr_assert(batch_admit(batch, lookup_flow(lookup, caller)));
        batch_submit(batch, free_it, batch);
        stage_settle();
        cr_assert_eq(done, 1);
        stage_p0f_stop();
        stage_settle();
    }
    teardown();
}

/* ---- Clients who go */

static void end_early(void *ctx)
{
    batch_end_early(batch, *(bool *)ctx);
}

/* In the loop's thread, as the HTTP side does it. */
static void end_batch_early(bool for_good)
{
    struct loop_task task = {.run = end_early, .ctx = &for_good};

    loop_post(stage.loop, &task);
    stage_round();
}

Test(batch, whose_client_has_gone_asks_no_more)
{
    struct metrics_snapshot before, after;

    setup_with(100);
    metrics_read(&before);
    stage.holding = true;
    cr_assert_not(ask_batch(many("10.0.0.", 40), &usual));
    stage_settle();
    cr_assert_eq(lookup_pending(lookup), WINDOW);
    end_batch_early(true);
    stage_settle();
    cr_assert_eq(done, 1);
    cr_assert_eq(lookup_pending(lookup), 0);
    cr_assert_eq(stage.asked, WINDOW, "what had been sent, and no more");
    for (uint32_t i = 0; i < count; i++)
        cr_assert_str_eq(outcome_of(i), "cancelled");
    metrics_read(&after);
    cr_assert_eq(lookups(&after) - lookups(&before), 40, "each of its hosts is a lookup");
    batch_free(batch);
    stage.holding = false;
    teardown();
}

/* It may only have said that it will ask no more. */
Test(batch, whose_client_has_half_closed_waits_for_no_better_answer)
{
    const struct batch_terms patient = {
        .wait_ms = 5000, .max_age_ms = LOOKUP_MAX_AGE_UNSET, .window = WINDOW};

    setup_with(100);
    cr_assert_not(ask_batch(many("192.0.2.", 9), &patient));
    stage_settle();
    cr_assert_eq(done, 0);
    end_batch_early(false);
    stage_settle();
    expect_all("no-match no-match no-match no-match no-match no-match no-match no-match no-match");
    teardown();
}
