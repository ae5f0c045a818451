/* SPDX-License-Identifier: MIT */
/* The cache with entries of a kind of our own. What a recall makes of it, under load too, is tested in
 * test_recall*.c. */
#include "lookup/cache.h"

#include <criterion/criterion.h>
#include <stdlib.h>

struct item {
    struct cache_entry entry; /* first, so that one is the other */
    int value;
};

static unsigned freed;

static void free_item(struct cache_entry *entry)
{
    freed++;
    free(entry);
}

static struct cache *new_cache(uint32_t first, uint32_t second)
{
    freed = 0;
    return cache_new(
        &(struct cache_options){.capacity = {first, second}, .key = {1, 2}, .free = free_item});
}

static struct p0f_addr addr(unsigned number)
{
    return (struct p0f_addr){.type = 4, .bytes = {10, 0, 0, (uint8_t)number}};
}

static bool put(struct cache *cache, unsigned store, unsigned number, int value)
{
    struct item *item = calloc(1, sizeof *item);

    cr_assert_not_null(item);
    item->entry =
        (struct cache_entry){.addr = addr(number), .store = (uint8_t)store, .size = 100 + number};
    item->value = value;
    return cache_put(cache, &item->entry);
}

static bool see(void *ctx, struct cache_entry *entry)
{
    *(int *)ctx = ((struct item *)entry)->value;
    return true;
}

static bool pass_over(void *ctx, struct cache_entry *entry)
{
    see(ctx, entry);
    return false;
}

/* Its value, 0 when there is none. */
static int value(struct cache *cache, unsigned number)
{
    struct p0f_addr at = addr(number);
    int found = 0;

    cr_assert_eq(cache_get(cache, &at, see, &found), found != 0);
    return found;
}

static void expect_counts(const struct cache *cache, unsigned store, struct cache_counts expected)
{
    struct cache_counts counts = cache_counts(cache, store);

    cr_assert_eq(counts.entries, expected.entries);
    cr_assert_eq(counts.inserted, expected.inserted);
    cr_assert_eq(counts.evicted, expected.evicted);
    cr_assert_eq(counts.removed, expected.removed);
    cr_assert_eq(counts.bytes, expected.bytes);
}

Test(cache, an_address_has_the_entry_that_was_put_last)
{
    struct cache *cache = new_cache(4, 4);

    cr_assert_eq(value(cache, 1), 0);
    cr_assert(put(cache, 0, 1, 10) && put(cache, 1, 2, 20));
    cr_assert_eq(value(cache, 1), 10);
    cr_assert_eq(value(cache, 2), 20);
    cr_assert(put(cache, 0, 1, 11) && put(cache, 1, 2, 21));
    cr_assert_eq(value(cache, 1), 11);
    cr_assert_eq(value(cache, 2), 21);
    cr_assert_eq(freed, 2);
    expect_counts(cache, 0, (struct cache_counts){.entries = 1, .inserted = 1, .bytes = 101});
    expect_counts(cache, 1, (struct cache_counts){.entries = 1, .inserted = 1, .bytes = 102});
    cache_free(cache);
    cr_assert_eq(freed, 4);
    cache_free(NULL);
}

Test(cache, an_address_is_in_one_store)
{
    struct cache *cache = new_cache(4, 4);

    put(cache, 0, 1, 10), put(cache, 1, 1, 11);
    cr_assert_eq(value(cache, 1), 11);
    expect_counts(cache, 0, (struct cache_counts){.inserted = 1, .removed = 1});
    expect_counts(cache, 1, (struct cache_counts){.entries = 1, .inserted = 1, .bytes = 101});
    put(cache, 0, 1, 12);
    cr_assert_eq(value(cache, 1), 12);
    expect_counts(cache, 1, (struct cache_counts){.inserted = 1, .removed = 1});
    cr_assert_eq(freed, 2);
    cache_free(cache);
}

Test(cache, what_is_removed_is_freed)
{
    struct cache *cache = new_cache(4, 4);

    for (unsigned i = 0; i < 3; i++)
        put(cache, i % 2, i, 10);
    for (unsigned i = 0; i < 4; i++) {
        struct p0f_addr at = addr(i);
        cache_remove(cache, &at);
        cr_assert_eq(value(cache, i), 0);
        cr_assert_eq(freed, i < 3 ? i + 1 : 3);
    }
    expect_counts(cache, 0, (struct cache_counts){.inserted = 2, .removed = 2});
    expect_counts(cache, 1, (struct cache_counts){.inserted = 1, .removed = 1});
    cache_free(cache);
}

Test(cache, a_store_without_capacity_keeps_nothing_and_forgets)
{
    struct cache *cache = new_cache(4, 0);

    cr_assert(put(cache, 0, 1, 10));
    cr_assert_not(put(cache, 1, 1, 11));
    cr_assert_eq(value(cache, 1), 0);
    cr_assert_eq(freed, 2);
    cache_free(cache);
}

Test(cache, a_full_store_evicts_from_itself_alone)
{
    struct cache *cache = new_cache(2, 1);

    put(cache, 1, 1, 10);
    for (unsigned i = 2; i < 10; i++)
        put(cache, 0, i, 10);
    cr_assert_eq(value(cache, 1), 10);
    cr_assert_eq(freed, 6);
    expect_counts(
        cache, 0,
        (struct cache_counts){.entries = 2, .inserted = 8, .evicted = 6, .bytes = 108 + 109});
    cache_free(cache);
}

Test(cache, what_was_of_use_is_spared)
{
    struct cache *cache = new_cache(3, 0);
    struct p0f_addr first = addr(1), second = addr(2);
    int found;

    for (unsigned i = 1; i <= 3; i++)
        put(cache, 0, i, 10);
    cr_assert(cache_get(cache, &first, see, &found));
    cr_assert_not(cache_get(cache, &second, pass_over, &found));
    cr_assert_eq(found, 10, "it was looked at");
    put(cache, 0, 4, 10);
    cr_assert_eq(value(cache, 1), 10);
    cr_assert_eq(value(cache, 2), 0);
    cache_free(cache);
}
