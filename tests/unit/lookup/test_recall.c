/* SPDX-License-Identifier: MIT */
#include "recall_fixture.h"

/* The state changes from `before` to `after` exactly `ms` after the start. */
static void expect_change(struct cache *cache, unsigned number, int64_t ms, enum cache_state before,
                          enum cache_state after)
{
    cr_assert_eq(look(cache, number, ms * 1000000 - 1).state, before, "before %d ms", (int)ms);
    cr_assert_eq(look(cache, number, ms * 1000000).state, after, "at %d ms", (int)ms);
}

Test(cache, each_kind_ages_by_its_own_times)
{
    struct cache *cache = new_cache(10, 10, NULL);

    cr_assert(put_host(cache, 1) && put_os(cache, 2, "", start) && put_miss(cache, 3));
    for (unsigned i = 1; i <= 3; i++)
        cr_assert_eq(look(cache, i, 0).state, CACHE_FRESH);
    expect_change(cache, 1, 10000, CACHE_FRESH, CACHE_STALE);
    expect_change(cache, 1, 15000, CACHE_STALE, CACHE_LAPSED);
    expect_change(cache, 1, 30000, CACHE_LAPSED, CACHE_EXPIRED);
    expect_change(cache, 2, 2000, CACHE_FRESH, CACHE_STALE);
    expect_change(cache, 2, 7000, CACHE_STALE, CACHE_LAPSED);
    expect_change(cache, 2, 22000, CACHE_LAPSED, CACHE_EXPIRED);
    expect_change(cache, 3, 1000, CACHE_FRESH, CACHE_EXPIRED);
    cr_assert_null(look(cache, 1, 30000 * INT64_C(1000000)).record);
    cr_assert_eq(look(cache, 4, 0).state, CACHE_ABSENT);
    cr_assert_eq(look(cache, 1, 0).times.ttl, 10000);
    cr_assert_eq(look(cache, 2, 0).times.ttl, 2000);
    cr_assert_eq(look(cache, 3, 0).times.ttl, 1000);
    cr_assert_eq(look(cache, 1, 77).answered.ns, start.ns);
    cache_free(cache);
}

Test(cache, new_times_hold_for_what_is_stored)
{
    struct cache *cache = new_cache(10, 10, NULL);

    put_host(cache, 1);
    cache_set_times(cache, &(struct cache_times){.ttl = 3000});
    cr_assert_eq(cache_times(cache).ttl, 3000);
    expect_change(cache, 1, 3000, CACHE_FRESH, CACHE_EXPIRED);
    cache_set_times(cache, &(struct cache_times){.stale_if_error = 9000});
    cr_assert_eq(kind(cache, 1), '-');
    cache_free(cache);
}

Test(cache, ttl_zero_keeps_nothing_and_forgets)
{
    struct cache *cache = new_cache(10, 10, NULL);

    put_host(cache, 1), put_miss(cache, 2), put_host(cache, 3);
    cache_set_times(cache, &(struct cache_times){.incomplete_ttl = 1000});
    cr_assert_not(put_host(cache, 1));
    cr_assert_not(put_miss(cache, 2));
    cr_assert_not(put_miss(cache, 3));
    expect_counts(cache, 0, 0, 0, 0);
    cr_assert(put_os(cache, 4, "", start));
    cr_assert_eq(kind(cache, 4), 'h');
    cache_free(cache);
}

Test(cache, refresh_is_claimed_once_a_second)
{
    struct cache *cache = new_cache(5, 5, NULL);
    int64_t second = 1000000000;

    put_host(cache, 1);
    cr_assert_not(look(cache, 1, 10 * second - 1).refresh);
    for (int64_t at = 10 * second; at < 15 * second; at += second) {
        cr_assert(look(cache, 1, at).refresh);
        cr_assert_not(look(cache, 1, at).refresh);
        cr_assert_not(look(cache, 1, at + second - 1).refresh);
    }
    cr_assert_not(look(cache, 1, 15 * second).refresh); /* lapsed */
    cache_free(cache);
}

Test(cache, an_address_is_in_one_store_only)
{
    struct cache *cache = new_cache(10, 10, NULL);

    for (int i = 0; i < 50; i++) {
        cr_assert(put_host(cache, 1));
        expect_counts(cache, 1, 0, 0, 0);
        cr_assert_eq(kind(cache, 1), 'h');
        cr_assert(put_miss(cache, 1));
        expect_counts(cache, 0, 1, 0, 0);
        cr_assert_eq(kind(cache, 1), 'm');
    }
    cache_free(cache);
}

/* AddressSanitizer tells when a reference is given back twice, or never. */
Test(cache, answers_live_as_long_as_they_are_held)
{
    struct cache *cache = new_cache(1, 1, NULL);
    struct p0f_addr at = addr(1);
    struct cache_hit hit, again;

    put_host(cache, 1);
    cr_assert(cache_get(cache, &at, start, &hit));
    put_os(cache, 1, "Windows", start); /* replaced */
    cr_assert(cache_get(cache, &at, start, &again));
    put_host(cache, 2), put_host(cache, 3); /* evicted */
    cr_assert_eq(kind(cache, 1), '-');
    cache_free(cache);
    cr_assert_str_eq(host_record_host(hit.record)->os_name, "Linux");
    cr_assert_str_eq(host_record_host(again.record)->os_name, "Windows");
    host_record_unref(hit.record);
    host_record_unref(again.record);
    cache_free(NULL);
}
