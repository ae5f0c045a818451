/* SPDX-License-Identifier: MIT */
#include "http/cache_fields.h"

#include <criterion/criterion.h>
#include <string.h>

static void expect_status(struct freshness freshness, const char *expected)
{
    char text[CACHE_FIELDS_STATUS_SIZE];

    cache_fields_status(&freshness, text);
    cr_assert_str_eq(text, expected, "\"%s\" is not \"%s\"", text, expected);
}

static void expect_hit(int64_t ttl_ms, int64_t age_ms, const char *expected)
{
    expect_status(
        (struct freshness){
            .source = FRESHNESS_HIT, .stored = true, .ttl_ms = ttl_ms, .age_ms = age_ms},
        expected);
}

static void expect_age(int64_t age_ms, const char *expected)
{
    struct freshness freshness = {.age_ms = age_ms};
    char text[CACHE_FIELDS_AGE_SIZE];

    cache_fields_age(&freshness, text);
    cr_assert_str_eq(text, expected, "\"%s\" is not \"%s\"", text, expected);
}

Test(cache_fields, what_depends_on_who_asks_is_private)
{
    struct freshness freshness = {
        .ttl_ms = 30000, .stale_while_revalidate_ms = 30000, .personal = true};
    char text[CACHE_FIELDS_CONTROL_SIZE];

    cache_fields_control(&freshness, text);
    cr_assert_str_eq(text, "private, max-age=30, stale-while-revalidate=30");
}

static void expect_control(int64_t ttl_ms, int64_t revalidate_ms, int64_t error_ms,
                           const char *expected)
{
    struct freshness freshness = {.ttl_ms = ttl_ms,
                                  .stale_while_revalidate_ms = revalidate_ms,
                                  .stale_if_error_ms = error_ms};
    char text[CACHE_FIELDS_CONTROL_SIZE];

    cache_fields_control(&freshness, text);
    cr_assert_str_eq(text, expected, "\"%s\" is not \"%s\"", text, expected);
}

Test(cache_fields, hit_tells_the_seconds_left)
{
    expect_hit(60000, 0, "p0f-lookupd; hit; ttl=60");
    expect_hit(60000, 1, "p0f-lookupd; hit; ttl=59");
    expect_hit(60000, 59000, "p0f-lookupd; hit; ttl=1");
    expect_hit(60000, 59001, "p0f-lookupd; hit; ttl=0");
    expect_hit(60000, 59999, "p0f-lookupd; hit; ttl=0");
}

Test(cache_fields, stale_hit_has_a_negative_ttl_from_its_first_moment)
{
    expect_hit(60000, 60000, "p0f-lookupd; hit; ttl=-1");
    expect_hit(60000, 60001, "p0f-lookupd; hit; ttl=-1");
    expect_hit(60000, 60999, "p0f-lookupd; hit; ttl=-1");
    expect_hit(60000, 61000, "p0f-lookupd; hit; ttl=-1");
    expect_hit(60000, 61001, "p0f-lookupd; hit; ttl=-2");
    expect_hit(60000, 70000, "p0f-lookupd; hit; ttl=-10");
}

Test(cache_fields, what_was_not_asked_for_its_rate_says_so)
{
    struct freshness freshness = {
        .source = FRESHNESS_HIT, .ttl_ms = 60000, .age_ms = 1000, .rate_limited = true};

    expect_status(freshness, "p0f-lookupd; hit; ttl=59; detail=rate-limited");
    freshness.source = FRESHNESS_MISS;
    expect_status(freshness, "p0f-lookupd; fwd=miss; detail=rate-limited");
    freshness.stored = true;
    expect_status(freshness, "p0f-lookupd; fwd=miss; stored; detail=rate-limited");
    freshness.source = FRESHNESS_REQUEST;
    freshness.collapsed = true;
    expect_status(freshness, "p0f-lookupd; fwd=request; collapsed; detail=rate-limited");
}

Test(cache_fields, ttl_is_negative_exactly_when_stale)
{
    for (int64_t age = 0; age < 8000; age++) {
        struct freshness freshness = {.source = FRESHNESS_HIT, .ttl_ms = 4000, .age_ms = age};
        char text[CACHE_FIELDS_STATUS_SIZE];

        cache_fields_status(&freshness, text);
        cr_assert_eq(strstr(text, "ttl=-") != NULL, age >= 4000, "%s at %d", text, (int)age);
        cr_assert_null(strstr(text, "ttl=-0"));
    }
}

Test(cache_fields, hit_is_never_called_stored_or_collapsed)
{
    expect_status(
        (struct freshness){
            .source = FRESHNESS_HIT, .collapsed = true, .stored = true, .ttl_ms = 5000},
        "p0f-lookupd; hit; ttl=5");
}

Test(cache_fields, forwarded_tells_why)
{
    expect_status((struct freshness){.source = FRESHNESS_MISS}, "p0f-lookupd; fwd=miss");
    expect_status((struct freshness){.source = FRESHNESS_EXPIRED}, "p0f-lookupd; fwd=stale");
    expect_status((struct freshness){.source = FRESHNESS_REQUEST}, "p0f-lookupd; fwd=request");
}

Test(cache_fields, forwarded_and_stored)
{
    expect_status((struct freshness){.source = FRESHNESS_MISS, .stored = true},
                  "p0f-lookupd; fwd=miss; stored");
    expect_status((struct freshness){.source = FRESHNESS_REQUEST, .stored = true},
                  "p0f-lookupd; fwd=request; stored");
    expect_status((struct freshness){.source = FRESHNESS_EXPIRED, .stored = true},
                  "p0f-lookupd; fwd=stale; stored");
}

Test(cache_fields, forwarded_and_collapsed_is_not_stored_by_this_one)
{
    expect_status((struct freshness){.source = FRESHNESS_MISS, .collapsed = true, .stored = true},
                  "p0f-lookupd; fwd=miss; collapsed");
    expect_status((struct freshness){.source = FRESHNESS_EXPIRED, .collapsed = true},
                  "p0f-lookupd; fwd=stale; collapsed");
    expect_status((struct freshness){.source = FRESHNESS_REQUEST, .collapsed = true},
                  "p0f-lookupd; fwd=request; collapsed");
}

Test(cache_fields, age_is_whole_seconds)
{
    expect_age(0, "0");
    expect_age(999, "0");
    expect_age(1000, "1");
    expect_age(59999, "59");
    expect_age(INT64_C(5000000000) * 1000, "5000000000");
    expect_age(INT64_MAX, "9223372036854775");
}

Test(cache_fields, cache_control_has_the_whole_time_to_live)
{
    expect_control(60000, 0, 0, "max-age=60");
    expect_control(60999, 0, 0, "max-age=60");
    expect_control(500, 0, 0, "max-age=0");
    expect_control(0, 0, 0, "max-age=0");
}

Test(cache_fields, cache_control_has_the_stale_parts_in_force)
{
    expect_control(60000, 30000, 0, "max-age=60, stale-while-revalidate=30");
    expect_control(60000, 0, 86400000, "max-age=60, stale-if-error=86400");
    expect_control(60000, 30000, 86400000,
                   "max-age=60, stale-while-revalidate=30, stale-if-error=86400");
    expect_control(60000, 999, 999, "max-age=60");
    expect_control(60000, 1000, 1000, "max-age=60, stale-while-revalidate=1, stale-if-error=1");
}

Test(cache_fields, the_largest_values_fit)
{
    expect_control(INT64_MAX, INT64_MAX, INT64_MAX,
                   "max-age=9223372036854775, stale-while-revalidate=9223372036854775, "
                   "stale-if-error=9223372036854775");
    expect_hit(0, INT64_C(4000000000000000000), "p0f-lookupd; hit; ttl=-4000000000000000");
}
