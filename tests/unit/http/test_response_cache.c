/* SPDX-License-Identifier: MIT */
#include "http/response_cache.h"

#include <criterion/criterion.h>
#include <microhttpd.h>

/* Nobody looks into an answer here: these are addresses, all different. The table goes by bits 6 to 11
 * and 12 to 17. */
static const struct host_record *record(unsigned slot, unsigned row)
{
    uintptr_t bits = (uintptr_t)1 << 20 | (uintptr_t)(slot ^ row) << 6 | (uintptr_t)row << 12;

    return (const struct host_record *)bits;
}

/* A hit on an answer of that age. */
static struct response_cache_key key(int64_t age_ms, int64_t ttl_ms)
{
    const struct freshness hit = {.source = FRESHNESS_HIT,
                                  .age_ms = age_ms,
                                  .ttl_ms = ttl_ms,
                                  .stale_while_revalidate_ms = 5000,
                                  .stale_if_error_ms = 60000};

    return response_cache_key(record(0, 0), RENDER_PARSED, &hit);
}

static struct MHD_Response *new_response(void)
{
    static char body[] = "{}";

    return MHD_create_response_from_buffer(2, body, MHD_RESPMEM_PERSISTENT);
}

/* Asked for twice in a row, so that it is kept; returns what is kept. */
static struct MHD_Response *keep(struct response_cache *response_cache,
                                 const struct response_cache_key *of)
{
    struct MHD_Response *second = new_response();

    response_cache_put(response_cache, of, new_response());
    response_cache_put(response_cache, of, second);
    return second;
}

static void expect_kept(struct response_cache *response_cache, const struct response_cache_key *of,
                        struct MHD_Response *response)
{
    cr_assert_eq(response_cache_take(response_cache, of), response);
    MHD_destroy_response(response);
}

Test(response_cache, keeps_what_is_asked_for_twice_in_a_row)
{
    struct response_cache *response_cache = response_cache_new();
    struct response_cache_key once = key(100, 30000), other = once;

    other.record = record(0, 1); /* of the same slot */
    cr_assert_null(response_cache_take(response_cache, &once));
    response_cache_put(response_cache, &once, new_response());
    cr_assert_null(response_cache_take(response_cache, &once));
    response_cache_put(response_cache, &other, new_response());
    response_cache_put(response_cache, &once, new_response());
    cr_assert_null(response_cache_take(response_cache, &once));
    cr_assert_null(response_cache_take(response_cache, &other));
    struct MHD_Response *second = new_response();
    response_cache_put(response_cache, &once, second);
    expect_kept(response_cache, &once, second);
    cr_assert_null(response_cache_take(response_cache, &once)); /* it was taken out */
    response_cache_free(response_cache);
    response_cache_free(NULL);
}

/* AddressSanitizer tells when one is given back twice, or never. */
Test(response_cache, the_newest_takes_the_place)
{
    struct response_cache *response_cache = response_cache_new();
    struct response_cache_key before = key(900, 30000), after = key(1000, 30000);

    keep(response_cache, &before);
    struct MHD_Response *newest = keep(response_cache, &after);
    cr_assert_null(response_cache_take(response_cache, &before));
    expect_kept(response_cache, &after, newest);
    keep(response_cache, &after); /* is freed with the table */
    response_cache_free(response_cache);
}

Test(response_cache, slots_are_apart)
{
    struct response_cache *response_cache = response_cache_new();
    struct MHD_Response *kept[64];
    struct response_cache_key of = key(100, 30000);

    for (unsigned i = 0; i < 64; i++) {
        of.record = record(i, i / 2);
        kept[i] = keep(response_cache, &of);
    }
    for (unsigned i = 0; i < 64; i++) {
        of.record = record(i, i / 2);
        expect_kept(response_cache, &of, kept[i]);
    }
    response_cache_free(response_cache);
}

/* A hit on the same answer, kept for `kept`, finds it exactly when all that its fields say is the same. */
static void expect_same(const struct response_cache_key *kept,
                        const struct response_cache_key *asked, bool same, const char *what)
{
    struct response_cache *response_cache = response_cache_new();
    struct MHD_Response *response = keep(response_cache, kept);

    cr_assert_eq(response_cache_take(response_cache, asked), same ? response : NULL, "%s", what);
    if (same)
        MHD_destroy_response(response);
    response_cache_free(response_cache);
}

Test(response_cache, age_counts_in_whole_seconds)
{
    struct response_cache_key kept = key(1000, 30000), asked;

    /* Just then 29 s are left, and after that 28 and a part. */
    for (int64_t ms = 0; ms <= 3000; ms++) {
        asked = key(ms, 30000);
        expect_same(&kept, &asked, ms == 1000, "of the first millisecond");
    }
    kept = key(1500, 30000);
    for (int64_t ms = 0; ms <= 3000; ms++) {
        asked = key(ms, 30000);
        expect_same(&kept, &asked, ms > 1000 && ms < 2000, "of the second second");
    }
}

/* Where a time to live is no whole number of seconds, ttl= changes in the middle of those of Age. */
Test(response_cache, what_is_left_counts_in_whole_seconds)
{
    struct response_cache_key kept = key(1200, 2500), asked;

    for (int64_t ms = 1000; ms < 2000; ms++) {
        asked = key(ms, 2500);
        expect_same(&kept, &asked, ms <= 1500, "1 s left");
    }
    kept = key(1700, 2500);
    for (int64_t ms = 1000; ms < 2000; ms++) {
        asked = key(ms, 2500);
        expect_same(&kept, &asked, ms > 1500, "0 s left");
    }
}

Test(response_cache, all_that_the_fields_say_must_be_the_same)
{
    struct response_cache_key kept = key(1200, 2500), asked = kept;

    expect_same(&kept, &asked, true, "nothing else");
    asked.format = RENDER_RAW;
    expect_same(&kept, &asked, false, "format");
    asked = kept, asked.record = record(0, 1);
    expect_same(&kept, &asked, false, "answer");
    asked = kept, asked.age_s++;
    expect_same(&kept, &asked, false, "age");
    asked = kept, asked.left_s++;
    expect_same(&kept, &asked, false, "what is left");
    asked = kept, asked.ttl_ms++;
    expect_same(&kept, &asked, false, "time to live");
    asked = kept, asked.stale_while_revalidate_ms = 0;
    expect_same(&kept, &asked, false, "stale-while-revalidate");
    asked = kept, asked.stale_if_error_ms = 0;
    expect_same(&kept, &asked, false, "stale-if-error");
}
