/* SPDX-License-Identifier: MIT */
#include "recall_fixture.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>

Test(cache_bounds, capacity_zero_keeps_nothing)
{
    struct cache *cache = new_cache(0, 0, NULL);

    cr_assert_not(put_host(cache, 1));
    cr_assert_not(put_miss(cache, 1));
    cr_assert_eq(kind(cache, 1), '-');
    expect_counts(cache, 0, 0, 0, 0);
    cache_free(cache);
}

Test(cache_bounds, capacity_is_exact)
{
    struct cache *cache = new_cache(5, 3, NULL);

    for (unsigned i = 0; i < 5; i++)
        put_host(cache, i);
    for (unsigned i = 0; i < 3; i++)
        put_miss(cache, 100 + i);
    expect_counts(cache, 5, 3, 0, 0);
    put_host(cache, 4);
    expect_counts(cache, 5, 3, 0, 0);
    put_host(cache, 5);
    put_miss(cache, 103);
    expect_counts(cache, 5, 3, 1, 1);
    unsigned found = 0;
    for (unsigned i = 0; i < 6; i++)
        found += kind(cache, i) == 'h';
    cr_assert_eq(found, 5);
    cr_assert_eq(kind(cache, 5), 'h');
    cache_free(cache);
}

Test(cache_bounds, what_came_first_goes_first)
{
    struct cache *cache = new_cache(5, 1, NULL);

    for (unsigned i = 0; i < 200; i++) {
        put_host(cache, i);
        if (i >= 5)
            cr_assert_eq(kind(cache, i - 5), '-', "%u", i);
    }
    expect_counts(cache, 5, 0, 195, 0);
    cache_free(cache);
}

Test(cache_bounds, eviction_spares_what_was_visited)
{
    struct cache *cache = new_cache(8, 1, NULL);

    for (unsigned i = 0; i < 8; i++)
        put_host(cache, i);
    for (unsigned i = 8; i < 500; i++) {
        cr_assert_eq(kind(cache, 3), 'h', "when %u come", i);
        put_host(cache, i);
    }
    expect_counts(cache, 8, 0, 492, 0);
    for (unsigned i = 500; i < 516; i++) /* unvisited, it goes */
        put_host(cache, i);
    cr_assert_eq(kind(cache, 3), '-');
    cache_free(cache);
}

Test(cache_bounds, evicts_when_everything_was_visited)
{
    struct cache *cache = new_cache(200, 1, NULL);

    for (unsigned i = 0; i < 200; i++)
        put_host(cache, i), kind(cache, i);
    put_host(cache, 200);
    expect_counts(cache, 200, 0, 1, 0);
    cache_free(cache);
}

Test(cache_bounds, flood_of_misses_evicts_no_known_host)
{
    struct cache *cache = new_cache(20, 10, NULL);

    for (unsigned i = 0; i < 20; i++)
        put_host(cache, i);
    for (unsigned i = 100; i < 5000; i++)
        put_miss(cache, i);
    expect_counts(cache, 20, 10, 0, 4890);
    for (unsigned i = 0; i < 20; i++)
        cr_assert_eq(kind(cache, i), 'h');
    cache_free(cache);
}

Test(cache_bounds, collisions_stay_apart_when_one_of_the_chain_leaves)
{
    for (unsigned gone = 0; gone < 5; gone++) {
        struct cache *cache = new_cache(5, 5, constant);

        for (unsigned i = 0; i < 5; i++)
            put_host(cache, i);
        put_miss(cache, gone);
        expect_counts(cache, 4, 1, 0, 0);
        for (unsigned i = 0; i < 5; i++)
            cr_assert_eq(kind(cache, i), i == gone ? 'm' : 'h');
        put_host(cache, 9); /* takes the free slot */
        expect_counts(cache, 5, 1, 0, 0);
        for (unsigned i = 10; i < 40; i++)
            put_host(cache, i);
        expect_counts(cache, 5, 1, 30, 0);
        cache_free(cache);
    }
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
Test(cache_bounds, too_large_a_capacity_is_out_of_memory)
{
    struct rlimit before, small;

    getrlimit(RLIMIT_AS, &before);
    small = before;
    small.rlim_cur = (rlim_t)16 << 30; /* less than that many slots take */
    setrlimit(RLIMIT_AS, &small);
    errno = 0;
    struct cache *cache = new_cache(UINT32_MAX, 1, NULL);
    int error = errno;
    setrlimit(RLIMIT_AS, &before);
    cr_assert_null(cache);
    cr_assert_eq(error, ENOMEM);
}
#endif

static atomic_bool written;

/* Returns how many hits were of another address than asked for. */
static void *read_all(void *argument)
{
    uintptr_t wrong = 0;

    while (!written)
        for (unsigned i = 0; i < 40; i++) {
            struct p0f_addr at = addr(i);
            struct cache_hit hit;
            if (!cache_get(argument, &at, start, &hit) || !hit.record)
                continue;
            wrong += host_record_host(hit.record)->total_conn != i;
            host_record_unref(hit.record);
        }
    return (void *)wrong;
}

Test(cache_bounds, is_read_while_it_is_written)
{
    struct cache *cache = new_cache(16, 8, NULL);
    pthread_t reader;
    void *wrong;

    written = false;
    cr_assert_eq(pthread_create(&reader, NULL, read_all, cache), 0);
    for (unsigned i = 0; i < 20000; i++)
        i % 3 ? put_host(cache, i % 40) : put_miss(cache, i % 40);
    written = true;
    pthread_join(reader, &wrong);
    cr_assert_eq((uintptr_t)wrong, 0);
    cache_free(cache);
}

Test(cache_bounds, what_comes_and_goes_is_counted)
{
    struct cache *cache = new_cache(2, 2, NULL);

    put_host(cache, 1), put_host(cache, 1); /* the second takes the first one's place */
    put_host(cache, 2), put_host(cache, 3); /* one is pushed out */
    put_miss(cache, 3);                     /* a host is taken out */
    struct cache_counts counts = cache_counts(cache);
    cr_assert_eq(counts.inserted_hosts, 3);
    cr_assert_eq(counts.evicted_hosts, 1);
    cr_assert_eq(counts.removed_hosts, 1);
    cr_assert_eq(counts.inserted_misses, 1);
    put_host(cache, 3);
    cr_assert_eq(cache_counts(cache).removed_misses, 1);
    expect_counts(cache, 2, 0, 1, 0);
    cache_free(cache);
}

Test(cache_bounds, bytes_are_counted_and_come_back)
{
    struct cache *cache = new_cache(4, 4, NULL);
    struct host_record *one = new_answer(1, "Linux");
    size_t each = host_record_size(one);

    host_record_unref(one);
    cr_assert_eq(cache_counts(cache).hosts_bytes, 0);
    put_host(cache, 1);
    cr_assert_eq(cache_counts(cache).hosts_bytes, each);
    put_host(cache, 1); /* replaced */
    cr_assert_eq(cache_counts(cache).hosts_bytes, each);
    for (unsigned i = 2; i < 50; i++) /* evicting */
        put_os(cache, i, "Linux", start), put_miss(cache, 100 + i);
    cr_assert_geq(cache_counts(cache).hosts_bytes, 4 * each);
    cr_assert_leq(cache_counts(cache).hosts_bytes, 4 * (each + 16));
    cr_assert_eq(cache_counts(cache).misses_bytes, 4 * sizeof(struct cache_entry));
    for (unsigned i = 0; i < 50; i++)
        put_miss(cache, i);
    cr_assert_eq(cache_counts(cache).hosts_bytes, 0);
    cache_free(cache);
}
