/* SPDX-License-Identifier: MIT */
#include "lookup/gather.h"

#include "../../support/c/fake_share.h"
#include "../../support/c/more_p0f.h"

#include "core/metrics.h"

#include <stdlib.h>

#define TIMEOUT_MS 1000

static struct sensors *sensors;
static struct gather_parts parts;
static struct metrics_snapshot before;

/* Who asks, and what was answered last. */
static struct asking {
    struct gather *gather;
    unsigned answers, released;
    enum p0f_error error;
    uint32_t last_seen;
    char sensor[SHARE_SENSOR_SIZE];
    bool partial;
    bool ends; /* it ends with the answer */
} askings[2 + 5 * 4 * 2], *it;

static void on_answer(void *ctx, const struct gather_answer *answer)
{
    struct asking *asking = ctx;

    asking->answers++;
    asking->error = answer->error;
    asking->partial = answer->partial;
    cr_assert_eq(answer->host != NULL, answer->error == P0F_OK);
    if (answer->host) {
        asking->last_seen = answer->host->last_seen;
        snprintf(asking->sensor, sizeof asking->sensor, "%s", answer->sensor);
    }
    if (asking->ends)
        gather_end(asking->gather);
}

static void on_released(void *ctx)
{
    struct asking *asking = ctx;

    asking->released++;
    free(asking->gather);
}

static void start_next(void)
{
    const struct p0f_addr addr = stage_addr("10.0.0.1");

    it++; /* the first one is never used */
    *it = (struct asking){.gather = malloc(gather_size(&parts))};
    cr_assert_not_null(it->gather);
    gather_start(it->gather, &parts, &addr, on_answer, on_released, it);
}

/* The first `muted` of the sensors answer nothing, not even probes. */
static void open_sensors(unsigned count, unsigned muted, bool shared)
{
    struct sensors_options options = {.connections = 2, .pipeline = 2, .seed = 7};

    stage_open();
    memset(&fake_share, 0, sizeof fake_share);
    more_p0f_open(count);
    for (unsigned i = 0; i < muted; i++)
        more[i].mute = true;
    more_p0f_sensors(&options);
    sensors = sensors_new(stage.loop, &options);
    cr_assert_not_null(sensors);
    parts = (struct gather_parts){.sensors = sensors, .share = shared ? &fake_share : NULL};
    stage_settle();
    it = askings;
    start_next();
    metrics_read(&before);
}

static void open_with(unsigned count, bool shared)
{
    open_sensors(count, 0, shared);
}

static uint64_t abandoned(void)
{
    struct metrics_snapshot now;

    metrics_read(&now);
    return now.counters[METRIC_P0F_ABANDONED] - before.counters[METRIC_P0F_ABANDONED];
}

static void ignore(void *ctx)
{
    (void)ctx;
}

static void close_all(void)
{
    for (unsigned i = 0; i < more_count; i++)
        more[i].holding = more[i].mute = false;
    stage_settle();
    sensors_retire(sensors, ignore, NULL);
    stage_settle();
    sensors_free(sensors);
    more_p0f_close();
    stage_close();
}

static void end_all(void)
{
    gather_end(it->gather);
    cr_assert_eq(it->released, 1, "nothing is outstanding");
    close_all();
}

static bool ask(void)
{
    bool asked = gather_ask(it->gather, FLOW_STRANGERS, TIMEOUT_MS);

    stage_settle();
    return asked;
}

static void expect_found(uint32_t last_seen, const char *sensor, bool partial)
{
    cr_assert_eq(it->answers, 1, "%u answers", it->answers);
    cr_assert_eq(it->error, P0F_OK, "error %d", (int)it->error);
    cr_assert_eq(it->last_seen, last_seen, "last seen at %u", it->last_seen);
    cr_assert_str_eq(it->sensor, sensor);
    cr_assert_eq(it->partial, partial);
    it->answers = 0;
}

static void expect_error(enum p0f_error error, bool partial)
{
    cr_assert_eq(it->answers, 1, "%u answers", it->answers);
    cr_assert_eq(it->error, error, "error %d", (int)it->error);
    cr_assert_eq(it->partial, partial);
    it->answers = 0;
}

/* ---- Sensors */

Test(gather, the_newest_wins)
{
    static const uint32_t seen[][3] = {{5, 7, 6}, {7, 5, 6}, {5, 6, 7}, {0, 0, 7}, {0, 7, 0},
                                       {7, 7, 7}, {6, 7, 7}, {7, 6, 7}, {0, 7, 7}};
    static const char *const who[] = {"s1", "s0", "s2", "s2", "s1", "s0", "s1", "s0", "s1"};

    open_with(3, false);
    for (unsigned i = 0; i < sizeof seen / sizeof seen[0]; i++) {
        for (unsigned n = 0; n < 3; n++)
            more[n].last_seen = seen[i][n];
        cr_assert(ask());
        expect_found(7, who[i], false);
    }
    end_all();
}

/* In whatever order they answer, the first one wins a tie. */
Test(gather, the_order_of_answers_means_nothing)
{
    open_with(2, false);
    more[0].last_seen = more[1].last_seen = 9;
    for (int slow = 0; slow < 2; slow++) {
        more[slow].holding = true;
        cr_assert(ask());
        cr_assert_eq(it->answers, 0, "one has not answered");
        more[slow].holding = false;
        stage_settle();
        expect_found(9, "s0", false);
    }
    end_all();
}

Test(gather, no_match_is_the_word_of_all)
{
    open_with(2, false);
    more[1].holding = true;
    cr_assert(ask());
    cr_assert_eq(it->answers, 0);
    more[1].holding = false;
    stage_settle();
    expect_error(P0F_NO_MATCH, false);
    end_all();
}

Test(gather, no_match_of_some_is_none)
{
    open_with(3, false);
    more_p0f_kill(&more[1]);
    stage_settle();
    cr_assert(ask());
    expect_error(P0F_UNREACHABLE, true);
    more[2].last_seen = 3;
    cr_assert(ask());
    expect_found(3, "s2", true);
    more_p0f_restart(&more[1]);
    stage_pass(10000);
    cr_assert(ask());
    expect_found(3, "s2", false);
    end_all();
}

Test(gather, when_all_are_down_nobody_is_asked)
{
    open_with(2, false);
    more_p0f_kill(&more[0]);
    more_p0f_kill(&more[1]);
    stage_settle();
    cr_assert_not(ask());
    cr_assert_eq(it->answers, 0);
    end_all();
}

/* One that is down says more about a missing answer than one that answers nonsense. */
Test(gather, malformed_answers_are_an_error)
{
    open_with(2, false);
    more[0].spoils = true;
    cr_assert(ask());
    cr_assert_eq(more[0].asked, 2, "once more, on the other connection");
    expect_error(P0F_MALFORMED, true);
    stage_pass(10000);
    more_p0f_kill(&more[1]);
    stage_settle();
    cr_assert(ask());
    stage_pass(250); /* its connection is there again */
    expect_error(P0F_UNREACHABLE, false);
    end_all();
}

static void hang_up_on_who_waits(struct more_p0f *p0f)
{
    for (unsigned i = 0; i < STAGE_CLIENTS; i++)
        if (p0f->fake.clients[i].count > 0)
            fake_p0f_hang_up(&p0f->fake.clients[i]);
}

Test(gather, one_that_breaks_is_asked_once_more)
{
    open_with(2, false);
    more[0].last_seen = more[1].last_seen = 4;
    more[0].holding = true;
    cr_assert(ask());
    cr_assert_eq(more[0].asked, 1);
    hang_up_on_who_waits(&more[0]);
    stage_settle();
    cr_assert_eq(more[0].asked, 2);
    more[0].holding = false;
    stage_settle();
    expect_found(4, "s0", false);
    cr_assert_eq(more[1].asked, 1, "the other sensor is not asked again");
    end_all();
}

Test(gather, one_that_breaks_is_asked_once_more_in_each_round)
{
    open_with(2, false);
    for (unsigned round = 1; round <= 2; round++) {
        more[0].holding = true;
        cr_assert(ask());
        hang_up_on_who_waits(&more[0]);
        stage_settle();
        more[0].holding = false;
        stage_settle();
        expect_error(P0F_NO_MATCH, false);
        cr_assert_eq(more[0].asked, 2 * round);
        stage_pass(1000); /* it connects again */
    }
    end_all();
}

Test(gather, one_that_breaks_twice_is_not)
{
    open_with(2, false);
    more[0].last_seen = more[1].last_seen = 4;
    more[0].holding = true;
    cr_assert(ask());
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(it->answers, 0);
        hang_up_on_who_waits(&more[0]);
        stage_settle();
    }
    expect_found(4, "s1", true);
    cr_assert_eq(more[0].asked, 2);
    end_all();
}

Test(gather, one_that_is_killed_is_not_waited_for)
{
    open_with(2, false);
    more[0].holding = true;
    more[1].last_seen = 4;
    cr_assert(ask());
    more_p0f_kill(&more[0]);
    stage_settle();
    expect_found(4, "s1", true);
    end_all();
}

/* ---- One that hangs */

Test(gather, what_is_found_when_the_time_is_over)
{
    open_with(2, false);
    more[0].mute = true;
    more[1].last_seen = 8;
    it->ends = true;
    cr_assert(ask());
    cr_assert_eq(it->answers, 0);
    cr_assert(gather_expire(it->gather));
    expect_found(8, "s1", true);
    cr_assert_eq(it->released, 0, "an answer is outstanding");
    more[0].mute = false;
    more[0].last_seen = 9;
    stage_settle();
    cr_assert_eq(it->answers, 0, "it comes too late");
    cr_assert_eq(it->released, 1);
    cr_assert_eq(abandoned(), 1);
    close_all();
}

Test(gather, when_the_time_is_over_and_nobody_has_found_it)
{
    open_with(2, false);
    more[0].mute = true;
    cr_assert(ask());
    cr_assert_not(gather_expire(it->gather));
    cr_assert_eq(it->answers, 0);
    more[0].mute = false;
    stage_settle();
    expect_error(P0F_NO_MATCH, false);
    cr_assert_not(gather_expire(it->gather), "it waits for nobody");
    end_all();
}

/* Without its answer, until it has answered something. */
Test(gather, one_that_hangs_is_left_out)
{
    open_with(2, false);
    struct asking *first = it;
    more[0].mute = true;
    more[1].last_seen = 8;
    cr_assert(ask());
    stage_pass(TIMEOUT_MS - 1);
    start_next();
    it->ends = true;
    cr_assert(ask());
    cr_assert_eq(it->answers, 0, "it may still answer");
    cr_assert(gather_expire(it->gather));
    stage_pass(1);
    start_next();
    cr_assert(ask());
    expect_found(8, "s1", true);
    cr_assert_eq(more[0].asked, 2);
    more[1].last_seen = 0;
    cr_assert(ask());
    expect_error(P0F_UNREACHABLE, true);
    more[0].mute = false;
    more[0].last_seen = 9;
    stage_settle();
    cr_assert_eq(first->answers, 1);
    cr_assert_eq(first->last_seen, 9);
    gather_end(first->gather);
    cr_assert(ask());
    expect_found(9, "s0", false);
    end_all();
}

/* Its connections are made, but p0f has never answered on them: it hangs, or has as many clients as it takes. */
Test(gather, one_that_has_never_answered_is_left_out)
{
    open_sensors(2, 1, false);
    more[1].last_seen = 8;
    cr_assert(ask());
    cr_assert_eq(it->answers, 0, "it may still answer");
    stage_pass(TIMEOUT_MS);
    cr_assert(gather_expire(it->gather));
    expect_found(8, "s1", true);
    cr_assert(ask());
    expect_found(8, "s1", true);
    more[0].mute = false;
    more[0].last_seen = 9;
    stage_settle();
    it->answers = 0;
    cr_assert(ask());
    expect_found(9, "s0", false);
    end_all();
}

Test(gather, the_only_one_is_not_left_out)
{
    open_with(1, false);
    struct asking *first = it;
    more[0].mute = true;
    cr_assert(ask());
    stage_pass(TIMEOUT_MS);
    cr_assert_not(gather_expire(it->gather));
    cr_assert_not(gather_cancel(it->gather), "its answer comes at some time");
    gather_end(it->gather);
    cr_assert_eq(it->released, 0);
    start_next();
    cr_assert(ask());
    cr_assert_eq(more[0].asked, 2);
    cr_assert_eq(it->answers, 0);
    more[0].mute = false;
    stage_settle();
    cr_assert_eq(first->released, 1);
    cr_assert_eq(first->answers, 0);
    expect_error(P0F_NO_MATCH, false);
    end_all();
}

/* ---- Who waits */

Test(gather, what_is_not_sent_is_dropped)
{
    open_with(2, false);
    cr_assert(gather_ask(it->gather, FLOW_STRANGERS, TIMEOUT_MS));
    cr_assert(gather_cancel(it->gather));
    stage_settle();
    cr_assert_eq(more[0].asked + more[1].asked, 0);
    end_all();
}

/* And the one whose query was not sent has not spoken. */
Test(gather, what_is_sent_is_waited_for_without_the_rest)
{
    open_with(2, false);
    sensors_set_max_rate(sensors, 1);
    stage_settle();
    cr_assert(ask());
    expect_error(P0F_NO_MATCH, false); /* which has used up the rate */
    pool_set_max_rate(sensors_pool(sensors, 1), 0);
    more[1].holding = true;
    more[1].last_seen = 7;
    cr_assert(ask());
    cr_assert_not(gather_cancel(it->gather));
    more[1].holding = false;
    stage_pass(2000);
    expect_found(7, "s1", true);
    cr_assert_eq(more[0].asked, 1);
    end_all();
}

Test(gather, what_is_sent_is_waited_for)
{
    open_with(2, false);
    more[0].holding = more[1].holding = true;
    cr_assert(ask());
    cr_assert_not(gather_cancel(it->gather));
    more[0].holding = more[1].holding = false;
    stage_settle();
    expect_error(P0F_NO_MATCH, false);
    cr_assert_eq(abandoned(), 2);
    end_all();
}

Test(gather, nobody_waits_so_it_is_not_asked_again_when_it_breaks)
{
    open_with(1, false);
    more[0].holding = true;
    cr_assert(ask());
    cr_assert_not(gather_cancel(it->gather));
    hang_up_on_who_waits(&more[0]);
    stage_settle();
    expect_error(P0F_DISCONNECTED, false);
    cr_assert_eq(more[0].asked, 1);
    end_all();
}

/* What one of them has said may be old by then. */
Test(gather, nobody_has_waited_for_it)
{
    open_with(2, false);
    more[0].holding = true;
    cr_assert(ask());
    cr_assert_not(gather_is_stuck(it->gather, TIMEOUT_MS));
    cr_assert_not(gather_cancel(it->gather));
    cr_assert(gather_is_stuck(it->gather, TIMEOUT_MS));
    more[1].last_seen = 6;
    cr_assert(ask());
    cr_assert_not(gather_is_stuck(it->gather, TIMEOUT_MS));
    cr_assert_eq(more[0].asked, 1, "that one has not answered yet");
    cr_assert_eq(more[1].asked, 2);
    more[0].holding = false;
    stage_settle();
    expect_found(6, "s1", false);
    end_all();
}

Test(gather, it_waits_for_one_that_hangs)
{
    open_with(2, false);
    more[0].mute = true;
    it->ends = true;
    cr_assert(ask());
    stage_pass(TIMEOUT_MS - 1);
    cr_assert_not(gather_is_stuck(it->gather, TIMEOUT_MS));
    stage_pass(1);
    cr_assert(gather_is_stuck(it->gather, TIMEOUT_MS));
    more[1].last_seen = 6;
    cr_assert(ask());
    expect_found(6, "s1", true);
    cr_assert_eq(it->released, 0);
    more[0].mute = false;
    stage_settle();
    cr_assert_eq(it->released, 1);
    close_all();
}

/* ---- The tier */

enum own { OWN_DOWN, OWN_NO_MATCH, OWN_OLDER, OWN_SAME, OWN_NEWER, OWNS };
enum tier { TIER_SKIPPED, TIER_NONE, TIER_FAILED, TIER_FOUND, TIERS };

/* The tier has it as seen at 5. */
static void expect_of(enum own own, enum tier tier)
{
    bool found = tier == TIER_FOUND;

    if (own == OWN_NEWER)
        expect_found(6, "s0", false);
    else if (own == OWN_SAME)
        expect_found(5, "s0", false);
    else if (own == OWN_OLDER)
        expect_found(found ? 5 : 4, found ? "far" : "s0", false);
    else if (found)
        expect_found(5, "far", own == OWN_DOWN);
    else
        expect_error(own == OWN_DOWN ? P0F_UNREACHABLE : P0F_NO_MATCH, false);
}

static void answer_tier(enum tier tier)
{
    static const enum share_result results[TIERS] = {
        [TIER_NONE] = SHARE_NONE, [TIER_FAILED] = SHARE_FAILED, [TIER_FOUND] = SHARE_FOUND};

    if (tier == TIER_SKIPPED)
        return;
    cr_assert_eq(it->answers, 0, "the tier has not answered");
    fake_share_answer(results[tier], 5);
    stage_settle();
}

static void try_both(enum own own, enum tier tier, bool tier_first)
{
    fake_share.down = tier == TIER_SKIPPED;
    more[0].last_seen = own < OWN_OLDER ? 0 : 4 + (uint32_t)(own - OWN_OLDER);
    more[0].holding = tier_first;
    start_next();
    bool asked = ask();
    if (own == OWN_DOWN && tier == TIER_SKIPPED) {
        cr_assert_not(asked);
        gather_end(it->gather);
        return;
    }
    cr_assert(asked);
    answer_tier(tier);
    more[0].holding = false;
    stage_settle();
    expect_of(own, tier);
    gather_end(it->gather);
    cr_assert_eq(it->released, 1);
}

Test(gather, the_tier_and_an_own_sensor)
{
    open_with(1, true);
    gather_end(it->gather);
    for (enum own own = OWNS; own-- > OWN_DOWN;) {
        if (own == OWN_DOWN)
            more_p0f_kill(&more[0]);
        stage_settle();
        for (enum tier tier = TIER_SKIPPED; tier < TIERS; tier++)
            for (int tier_first = 0; tier_first < 2; tier_first++)
                try_both(own, tier, tier_first);
    }
    cr_assert_eq(fake_share.writes, 3 * TIERS * 2, "only what the sensor has found");
    close_all();
}

/* An own one that is as new as the tier beats it, whatever was found before. */
Test(gather, the_tier_between_two_own_sensors)
{
    open_with(2, true);
    more[0].last_seen = 4;
    more[1].last_seen = 5;
    more[1].holding = true;
    cr_assert(ask());
    fake_share_answer(SHARE_FOUND, 5);
    more[1].holding = false;
    stage_settle();
    expect_found(5, "s1", false);
    end_all();
}

Test(gather, it_waits_for_the_tier_beside_one_that_hangs)
{
    open_with(2, true);
    more[0].mute = true;
    cr_assert(ask());
    stage_pass(TIMEOUT_MS);
    cr_assert_not(gather_is_stuck(it->gather, TIMEOUT_MS), "the tier answers soon");
    fake_share_answer(SHARE_NONE, 0);
    cr_assert(gather_is_stuck(it->gather, TIMEOUT_MS));
    more[0].mute = false;
    stage_settle();
    expect_error(P0F_NO_MATCH, false);
    cr_assert_not(gather_is_stuck(it->gather, TIMEOUT_MS), "it waits for nobody");
    end_all();
}

Test(gather, each_own_sensor_that_has_found_it_is_written)
{
    open_with(3, true);
    more[0].last_seen = 3;
    more[2].last_seen = 4;
    cr_assert(ask());
    fake_share_answer(SHARE_FOUND, 9);
    expect_found(9, "far", false);
    cr_assert_eq(fake_share.writes, 2);
    for (unsigned i = 0; i < 2; i++) {
        const struct p0f_addr addr = stage_addr("10.0.0.1");
        cr_assert_eq(memcmp(&fake_share.written[i].addr, &addr, sizeof addr), 0);
        bool first = strcmp(fake_share.written[i].sensor, "s0") == 0;
        cr_assert_str_eq(fake_share.written[i].sensor, first ? "s0" : "s2");
        cr_assert_eq(fake_share.written[i].last_seen, first ? 3 : 4);
    }
    end_all();
}

Test(gather, the_tier_is_asked_once)
{
    open_with(1, true);
    cr_assert(ask());
    fake_share_answer(SHARE_NONE, 0);
    expect_error(P0F_NO_MATCH, false);
    cr_assert(ask());
    expect_error(P0F_NO_MATCH, false);
    cr_assert_eq(fake_share.reads, 1);
    cr_assert_eq(more[0].asked, 2);
    end_all();
}

/* Nor is it asked again while it has not answered. */
Test(gather, the_tier_is_not_asked_again_while_it_has_not_answered)
{
    open_with(1, true);
    more[0].holding = true;
    cr_assert(ask());
    cr_assert(ask());
    cr_assert_eq(fake_share.reads, 1);
    more[0].holding = false;
    stage_settle();
    fake_share_answer(SHARE_FAILED, 0);
    expect_error(P0F_NO_MATCH, false);
    end_all();
}

/* Such as after the start, when a "no match" is asked again while the tier is being connected to. */
Test(gather, the_tier_is_asked_as_soon_as_it_can_be)
{
    open_with(1, true);
    fake_share.down = true;
    cr_assert(ask());
    expect_error(P0F_NO_MATCH, false);
    fake_share.down = false;
    cr_assert(ask());
    cr_assert_eq(fake_share.reads, 1);
    fake_share_answer(SHARE_FAILED, 0);
    expect_error(P0F_NO_MATCH, false);
    cr_assert(ask());
    expect_error(P0F_NO_MATCH, false);
    cr_assert_eq(fake_share.reads, 1);
    end_all();
}

/* It is not needed for a "no match". */
Test(gather, when_the_time_is_over_the_tier_is_not_waited_for)
{
    open_with(1, true);
    cr_assert(ask());
    cr_assert(gather_expire(it->gather));
    expect_error(P0F_NO_MATCH, false);
    cr_assert_eq(fake_share.cancelled, 1);
    end_all();
}

Test(gather, when_the_time_is_over_for_one_the_tier_goes_on)
{
    open_with(1, true);
    more[0].holding = true;
    cr_assert(ask());
    cr_assert_not(gather_expire(it->gather));
    fake_share_answer(SHARE_FOUND, 5);
    cr_assert_eq(it->answers, 0);
    cr_assert(gather_expire(it->gather));
    expect_found(5, "far", true);
    more[0].holding = false;
    stage_settle();
    cr_assert_eq(it->answers, 0, "the round is over");
    end_all();
}

Test(gather, with_the_tier_the_only_sensor_is_left_out)
{
    open_with(1, true);
    more[0].mute = true;
    it->ends = true;
    cr_assert(ask());
    fake_share_answer(SHARE_FOUND, 5);
    stage_pass(TIMEOUT_MS);
    cr_assert(gather_expire(it->gather));
    expect_found(5, "far", true);
    start_next();
    cr_assert(ask());
    fake_share_answer(SHARE_FOUND, 6);
    expect_found(6, "far", true);
    gather_end(it->gather);
    cr_assert_eq(it->released, 1);
    fake_share.down = true; /* then all is as without it */
    start_next();
    cr_assert(ask());
    cr_assert_eq(it->answers, 0);
    more[0].mute = false;
    stage_settle();
    expect_error(P0F_NO_MATCH, false);
    end_all();
}

Test(gather, ended_the_tier_is_not_waited_for)
{
    open_with(1, true);
    cr_assert(ask());
    cr_assert_eq(fake_share.outstanding, 1);
    cr_assert_not(gather_cancel(it->gather), "it soon answers");
    gather_end(it->gather);
    cr_assert_eq(fake_share.outstanding, 0);
    cr_assert_eq(it->released, 1);
    close_all();
}
