/* SPDX-License-Identifier: MIT */
#include "newest_fixture.h"
#include "share/newest.h"

#include <string.h>

#define NOW 1700000000
#define TTL 7200 /* seconds */
#define DAY (24 * 60 * 60)

static struct share_counts counts;

static struct newest newest_at(int64_t now)
{
    counts = (struct share_counts){0};
    return (struct newest){.addr = &addr, .now = now, .ttl_ms = TTL * 1000, .counts = &counts};
}

static void add(struct newest *newest, const char *sensor, uint32_t last_seen, int64_t observed_at,
                uint32_t total_conn)
{
    struct field field = field_of(sensor, last_seen, observed_at, total_conn);

    newest_add(newest, sensor, strlen(sensor), field.value, field.length);
}

static void expect_best(const struct newest *newest, const char *sensor, uint32_t total_conn,
                        uint32_t seen)
{
    cr_assert(newest->found);
    cr_assert_str_eq(newest->best.sensor, sensor);
    cr_assert_eq(newest->best.host.total_conn, total_conn);
    cr_assert_eq(newest->best.seen, seen, "%u", newest->best.seen);
}

static void expect_counts(uint64_t invalid, uint64_t expired)
{
    cr_assert_eq(counts.fields_invalid, invalid, "%lu", counts.fields_invalid);
    cr_assert_eq(counts.fields_expired, expired, "%lu", counts.fields_expired);
}

Test(newest, nothing_is_found_at_first)
{
    struct newest newest = newest_at(NOW);

    cr_assert_not(newest.found);
}

Test(newest, the_last_seen_wins_wherever_it_stands)
{
    struct newest newest = newest_at(NOW);

    add(&newest, "b", NOW - 100, NOW - 1, 1);
    expect_best(&newest, "b", 1, NOW - 100);
    add(&newest, "c", NOW - 50, NOW - 10, 2);
    add(&newest, "a", NOW - 101, NOW, 3);
    expect_best(&newest, "c", 2, NOW - 50);
    cr_assert_eq(newest.best.host.last_seen, NOW - 50);
    expect_counts(0, 0);
}

static void expect_winner(const char *sensor, int64_t observed_at, const char *other,
                          int64_t other_observed_at)
{
    for (int turn = 0; turn < 2; turn++) {
        struct newest newest = newest_at(NOW);
        if (turn == 0)
            add(&newest, sensor, NOW - 100, observed_at, 1);
        add(&newest, other, NOW - 100, other_observed_at, 2);
        if (turn == 1)
            add(&newest, sensor, NOW - 100, observed_at, 1);
        expect_best(&newest, sensor, 1, NOW - 100);
    }
}

Test(newest, ties_are_broken_alike_everywhere)
{
    expect_winner("b", NOW - 1, "a", NOW - 2); /* observed later */
    expect_winner("a", NOW - 1, "b", NOW - 1); /* the smaller name */
    expect_winner("a", NOW - 1, "a/b", NOW - 1);
    expect_winner("B", NOW - 1, "a", NOW - 1);
}

Test(newest, a_clock_that_is_ahead_is_the_last_choice)
{
    for (int64_t ahead = 6; ahead <= DAY; ahead += 599) {
        struct newest newest = newest_at(NOW);
        add(&newest, "ahead", (uint32_t)(NOW + ahead - 40), NOW + ahead, 1);
        expect_best(&newest, "ahead", 1, 0);
        cr_assert_eq(newest.best.host.last_seen, NOW + ahead - 40, "as it was written");
        add(&newest, "right", NOW - 7000, NOW - 1, 2);
        expect_best(&newest, "right", 2, NOW - 7000);
        add(&newest, "ahead", (uint32_t)(NOW + ahead), NOW + ahead, 3);
        expect_best(&newest, "right", 2, NOW - 7000);
        expect_counts(0, 0);
    }
}

Test(newest, clocks_may_differ_by_seconds)
{
    for (int64_t ahead = 1; ahead <= 5; ahead++) {
        struct newest newest = newest_at(NOW);
        add(&newest, "ahead", (uint32_t)(NOW + ahead), NOW + ahead, 1);
        expect_best(&newest, "ahead", 1, NOW);
        add(&newest, "right", NOW - 1, NOW - 1, 2);
        expect_best(&newest, "ahead", 1, NOW);
    }
}

Test(newest, a_clock_that_is_behind_loses)
{
    struct newest newest = newest_at(NOW);

    add(&newest, "behind", NOW - 3600, NOW - 3600, 1);
    expect_best(&newest, "behind", 1, NOW - 3600);
    add(&newest, "right", NOW - 3599, NOW, 2);
    expect_best(&newest, "right", 2, NOW - 3599);
}

Test(newest, a_clock_that_is_off_by_days_is_not_believed)
{
    struct newest newest = newest_at(NOW);

    add(&newest, "a", NOW, NOW + DAY + 1, 1);
    add(&newest, "b", NOW, INT64_MAX, 1);
    cr_assert_not(newest.found);
    expect_counts(2, 0);
    add(&newest, "c", NOW + 1, NOW + DAY, 2);
    cr_assert(newest.found);
}

Test(newest, what_is_older_than_the_ttl_is_expired)
{
    struct newest newest = newest_at(NOW);

    add(&newest, "a", NOW - TTL - 1, NOW - TTL - 1, 1);
    add(&newest, "b", 0, 0, 1);
    cr_assert_not(newest.found);
    expect_counts(0, 2);
    add(&newest, "c", NOW - 3 * TTL, NOW - TTL, 2); /* not seen for long, but p0f knows it */
    expect_best(&newest, "c", 2, NOW - 3 * TTL);
    expect_counts(0, 2);
}

Test(newest, a_last_seen_after_observed_at_is_the_last_choice)
{
    struct newest newest = newest_at(NOW);

    add(&newest, "wrong", NOW + 3600, NOW - 10, 1);
    expect_best(&newest, "wrong", 1, 0);
    add(&newest, "right", NOW - 100, NOW - 20, 2);
    expect_best(&newest, "right", 2, NOW - 100);
    add(&newest, "worse", UINT32_MAX, NOW, 3);
    expect_best(&newest, "right", 2, NOW - 100);
    add(&newest, "tolerated", NOW - 5, NOW - 10, 4);
    expect_best(&newest, "tolerated", 4, NOW - 5);
    expect_counts(0, 0);
}

static void expect_invalid(const char *field, size_t field_length, const char *value, size_t length)
{
    struct newest newest = newest_at(NOW);

    newest_add(&newest, field, field_length, value, length);
    cr_assert_not(newest.found, "%s", field);
    expect_counts(1, 0);
}

Test(newest, a_field_must_be_named_after_its_sensor)
{
    const struct field field = field_of("web1", NOW, NOW, 1);

    expect_invalid("web2", 4, field.value, field.length);
    expect_invalid("web", 3, field.value, field.length);
    expect_invalid("web1/", 5, field.value, field.length);
    expect_invalid("web1\0", 5, field.value, field.length);
    expect_invalid("", 0, field.value, field.length);
}

Test(newest, garbage_is_invalid_and_harms_nothing)
{
    struct newest newest = newest_at(NOW);
    struct field field = field_of("a", NOW, NOW, 1);

    expect_invalid("a", 1, "", 0);
    expect_invalid("a", 1, "garbage", 7);
    expect_invalid("a", 1, field.value, field.length - 1);
    newest = newest_at(NOW);
    add(&newest, "b", NOW - 1, NOW - 1, 2);
    newest_add(&newest, "a", 1, field.value, field.length - 1);
    expect_best(&newest, "b", 2, NOW - 1);
    expect_counts(1, 0);
}

Test(newest, another_address_is_invalid)
{
    const struct p0f_addr other = {4, {192, 0, 2, 2}};
    struct newest newest = newest_at(NOW);

    newest.addr = &other;
    add(&newest, "a", NOW, NOW, 1);
    cr_assert_not(newest.found);
    expect_counts(1, 0);
}

/* ---- At random */

#define FIELDS 6

static uint32_t random_state = 1;

static uint32_t random_below(uint32_t limit)
{
    random_state = random_state * 1103515245 + 12345;
    return (random_state >> 8) % limit;
}

/* Close to each other, so that there are ties, and by clocks that are ahead or behind. */
static void draw(uint32_t last_seen[FIELDS], int64_t observed_at[FIELDS])
{
    static const int32_t skews[] = {0, 0, 1, -1, 3600, -3600, DAY, -DAY, 2 * DAY};

    for (int i = 0; i < FIELDS; i++) {
        observed_at[i] = NOW + skews[random_below(9)] - (int64_t)random_below(3);
        last_seen[i] = (uint32_t)(observed_at[i] - random_below(3));
    }
}

Test(newest, the_order_of_the_fields_does_not_matter)
{
    static const char *const names[FIELDS] = {"a", "a/b", "b", "c", "c.d", "e"};

    for (int round = 0; round < 20000; round++) {
        struct newest forward = newest_at(NOW), backward = forward;
        uint32_t last_seen[FIELDS], start = random_below(FIELDS);
        int64_t observed_at[FIELDS];
        draw(last_seen, observed_at);
        for (uint32_t n = 0; n < FIELDS; n++) {
            uint32_t i = (start + n) % FIELDS, j = FIELDS - 1 - n;
            add(&forward, names[i], last_seen[i], observed_at[i], i);
            add(&backward, names[j], last_seen[j], observed_at[j], j);
        }
        cr_assert_eq(forward.found, backward.found);
        cr_assert_leq(forward.best.seen, NOW);
        cr_assert_str_eq(forward.best.sensor, backward.best.sensor);
        cr_assert_eq(forward.best.host.total_conn, backward.best.host.total_conn);
        cr_assert_eq(forward.best.seen, backward.best.seen);
    }
}
