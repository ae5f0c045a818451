#include "http/response_cache.h"

#include <criterion/criterion.h>
#include <microhttpd.h>

/* Nobody looks into an answer here: these are addresses, all different. The table goes by bits 6 to 11
 * and 12 to 17. */
static const struct answer *answer(unsigned place, unsigned row)
{
    uintptr_t bits = (uintptr_t)1 << 20 | (uintptr_t)(place ^ row) << 6 | (uintptr_t)row << 12;

    return (const struct answer *)bits;
}

/* A hit on an answer of that age. */
static struct http_recent_key key(int64_t age_ms, int64_t ttl_ms)
{
    const struct freshness hit = {.source = FRESHNESS_HIT,
                                  .age_ms = age_ms,
                                  .ttl_ms = ttl_ms,
                                  .stale_while_revalidate_ms = 5000,
                                  .stale_if_error_ms = 60000};

    return http_recent_key(answer(0, 0), RENDER_PARSED, &hit);
}

static struct MHD_Response *new_response(void)
{
    static char body[] = "{}";

    return MHD_create_response_from_buffer(2, body, MHD_RESPMEM_PERSISTENT);
}

/* Asked for twice in a row, so that it is kept; returns what is kept. */
static struct MHD_Response *keep(struct http_recent *recent, const struct http_recent_key *of)
{
    struct MHD_Response *second = new_response();

    http_recent_put(recent, of, new_response());
    http_recent_put(recent, of, second);
    return second;
}

static void expect_kept(struct http_recent *recent, const struct http_recent_key *of,
                        struct MHD_Response *response)
{
    cr_assert_eq(http_recent_take(recent, of), response);
    MHD_destroy_response(response);
}

Test(http_recent, keeps_what_is_asked_for_twice_in_a_row)
{
    struct http_recent *recent = http_recent_new();
    struct http_recent_key once = key(100, 30000), other = once;

    other.answer = answer(0, 1); /* of the same place */
    cr_assert_null(http_recent_take(recent, &once));
    http_recent_put(recent, &once, new_response());
    cr_assert_null(http_recent_take(recent, &once));
    http_recent_put(recent, &other, new_response());
    http_recent_put(recent, &once, new_response());
    cr_assert_null(http_recent_take(recent, &once));
    cr_assert_null(http_recent_take(recent, &other));
    struct MHD_Response *second = new_response();
    http_recent_put(recent, &once, second);
    expect_kept(recent, &once, second);
    cr_assert_null(http_recent_take(recent, &once)); /* it was taken out */
    http_recent_free(recent);
    http_recent_free(NULL);
}

/* AddressSanitizer tells when one is given back twice, or never. */
Test(http_recent, the_newest_takes_the_place)
{
    struct http_recent *recent = http_recent_new();
    struct http_recent_key before = key(900, 30000), after = key(1000, 30000);

    keep(recent, &before);
    struct MHD_Response *newest = keep(recent, &after);
    cr_assert_null(http_recent_take(recent, &before));
    expect_kept(recent, &after, newest);
    keep(recent, &after); /* is freed with the table */
    http_recent_free(recent);
}

Test(http_recent, places_are_apart)
{
    struct http_recent *recent = http_recent_new();
    struct MHD_Response *kept[64];
    struct http_recent_key of = key(100, 30000);

    for (unsigned i = 0; i < 64; i++) {
        of.answer = answer(i, i / 2);
        kept[i] = keep(recent, &of);
    }
    for (unsigned i = 0; i < 64; i++) {
        of.answer = answer(i, i / 2);
        expect_kept(recent, &of, kept[i]);
    }
    http_recent_free(recent);
}

/* A hit on the same answer, kept for `kept`, finds it exactly when all that its fields say is the same. */
static void expect_same(const struct http_recent_key *kept, const struct http_recent_key *asked,
                        bool same, const char *what)
{
    struct http_recent *recent = http_recent_new();
    struct MHD_Response *response = keep(recent, kept);

    cr_assert_eq(http_recent_take(recent, asked), same ? response : NULL, "%s", what);
    if (same)
        MHD_destroy_response(response);
    http_recent_free(recent);
}

Test(http_recent, age_counts_in_whole_seconds)
{
    struct http_recent_key kept = key(1000, 30000), asked;

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
Test(http_recent, what_is_left_counts_in_whole_seconds)
{
    struct http_recent_key kept = key(1200, 2500), asked;

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

Test(http_recent, all_that_the_fields_say_must_be_the_same)
{
    struct http_recent_key kept = key(1200, 2500), asked = kept;

    expect_same(&kept, &asked, true, "nothing else");
    asked.format = RENDER_RAW;
    expect_same(&kept, &asked, false, "format");
    asked = kept, asked.answer = answer(0, 1);
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
