/* SPDX-License-Identifier: MIT */
#include "recall_fixture.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>

Test(recall_bounds, capacity_zero_keeps_nothing)
{
    struct recall *recall = new_recall(0, 0, NULL);

    cr_assert_not(put_host(recall, 1));
    cr_assert_not(put_miss(recall, 1));
    cr_assert_eq(kind(recall, 1), '-');
    expect_counts(recall, 0, 0, 0, 0);
    recall_free(recall);
}

Test(recall_bounds, capacity_is_exact)
{
    struct recall *recall = new_recall(5, 3, NULL);

    for (unsigned i = 0; i < 5; i++)
        put_host(recall, i);
    for (unsigned i = 0; i < 3; i++)
        put_miss(recall, 100 + i);
    expect_counts(recall, 5, 3, 0, 0);
    put_host(recall, 4);
    expect_counts(recall, 5, 3, 0, 0);
    put_host(recall, 5);
    put_miss(recall, 103);
    expect_counts(recall, 5, 3, 1, 1);
    unsigned found = 0;
    for (unsigned i = 0; i < 6; i++)
        found += kind(recall, i) == 'h';
    cr_assert_eq(found, 5);
    cr_assert_eq(kind(recall, 5), 'h');
    recall_free(recall);
}

Test(recall_bounds, what_came_first_goes_first)
{
    struct recall *recall = new_recall(5, 1, NULL);

    for (unsigned i = 0; i < 200; i++) {
        put_host(recall, i);
        if (i >= 5)
            cr_assert_eq(kind(recall, i - 5), '-', "%u", i);
    }
    expect_counts(recall, 5, 0, 195, 0);
    recall_free(recall);
}

Test(recall_bounds, eviction_spares_what_was_visited)
{
    struct recall *recall = new_recall(8, 1, NULL);

    for (unsigned i = 0; i < 8; i++)
        put_host(recall, i);
    for (unsigned i = 8; i < 500; i++) {
        cr_assert_eq(kind(recall, 3), 'h', "when %u come", i);
        put_host(recall, i);
    }
    expect_counts(recall, 8, 0, 492, 0);
    for (unsigned i = 500; i < 516; i++) /* unvisited, it goes */
        put_host(recall, i);
    cr_assert_eq(kind(recall, 3), '-');
    recall_free(recall);
}

Test(recall_bounds, evicts_when_everything_was_visited)
{
    struct recall *recall = new_recall(200, 1, NULL);

    for (unsigned i = 0; i < 200; i++)
        put_host(recall, i), kind(recall, i);
    put_host(recall, 200);
    expect_counts(recall, 200, 0, 1, 0);
    recall_free(recall);
}

Test(recall_bounds, flood_of_misses_evicts_no_known_host)
{
    struct recall *recall = new_recall(20, 10, NULL);

    for (unsigned i = 0; i < 20; i++)
        put_host(recall, i);
    for (unsigned i = 100; i < 5000; i++)
        put_miss(recall, i);
    expect_counts(recall, 20, 10, 0, 4890);
    for (unsigned i = 0; i < 20; i++)
        cr_assert_eq(kind(recall, i), 'h');
    recall_free(recall);
}

Test(recall_bounds, collisions_stay_apart_when_one_of_the_chain_leaves)
{
    for (unsigned gone = 0; gone < 5; gone++) {
        struct recall *recall = new_recall(5, 5, constant);

        for (unsigned i = 0; i < 5; i++)
            put_host(recall, i);
        put_miss(recall, gone);
        expect_counts(recall, 4, 1, 0, 0);
        for (unsigned i = 0; i < 5; i++)
            cr_assert_eq(kind(recall, i), i == gone ? 'm' : 'h');
        put_host(recall, 9); /* takes the free slot */
        expect_counts(recall, 5, 1, 0, 0);
        for (unsigned i = 10; i < 40; i++)
            put_host(recall, i);
        expect_counts(recall, 5, 1, 30, 0);
        recall_free(recall);
    }
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
Test(recall_bounds, too_large_a_capacity_is_out_of_memory)
{
    struct rlimit before, small;

    getrlimit(RLIMIT_AS, &before);
    small = before;
    small.rlim_cur = (rlim_t)16 << 30; /* less than that many slots take */
    setrlimit(RLIMIT_AS, &small);
    errno = 0;
    struct recall *recall = new_recall(UINT32_MAX, 1, NULL);
    int error = errno;
    setrlimit(RLIMIT_AS, &before);
    cr_assert_null(recall);
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
            struct recall_hit hit;
            if (!recall_get(argument, &at, start, &hit) || !hit.record)
                continue;
            wrong += host_record_host(hit.record)->total_conn != i;
            host_record_unref(hit.record);
        }
    return (void *)wrong;
}

Test(recall_bounds, is_read_while_it_is_written)
{
    struct recall *recall = new_recall(16, 8, NULL);
    pthread_t reader;
    void *wrong;

    written = false;
    cr_assert_eq(pthread_create(&reader, NULL, read_all, recall), 0);
    for (unsigned i = 0; i < 20000; i++)
        i % 3 ? put_host(recall, i % 40) : put_miss(recall, i % 40);
    written = true;
    pthread_join(reader, &wrong);
    cr_assert_eq((uintptr_t)wrong, 0);
    recall_free(recall);
}

Test(recall_bounds, what_comes_and_goes_is_counted)
{
    struct recall *recall = new_recall(2, 2, NULL);

    put_host(recall, 1), put_host(recall, 1); /* the second replaces the first */
    put_host(recall, 2), put_host(recall, 3); /* one is pushed out */
    put_miss(recall, 3);                      /* a host is taken out */
    struct recall_counts counts = recall_counts(recall);
    cr_assert_eq(counts.inserted_hosts, 3);
    cr_assert_eq(counts.evicted_hosts, 1);
    cr_assert_eq(counts.removed_hosts, 1);
    cr_assert_eq(counts.inserted_misses, 1);
    put_host(recall, 3);
    cr_assert_eq(recall_counts(recall).removed_misses, 1);
    expect_counts(recall, 2, 0, 1, 0);
    recall_free(recall);
}

Test(recall_bounds, bytes_are_counted_and_come_back)
{
    struct recall *recall = new_recall(4, 4, NULL);
    struct host_record *one = new_answer(1, "Linux");
    size_t each = host_record_entry(one)->cached.size;

    host_record_unref(one);
    cr_assert_eq(recall_counts(recall).hosts_bytes, 0);
    put_host(recall, 1);
    cr_assert_eq(recall_counts(recall).hosts_bytes, each);
    put_host(recall, 1); /* replaced */
    cr_assert_eq(recall_counts(recall).hosts_bytes, each);
    for (unsigned i = 2; i < 50; i++) /* evicting */
        put_os(recall, i, "Linux", start), put_miss(recall, 100 + i);
    cr_assert_geq(recall_counts(recall).hosts_bytes, 4 * each);
    cr_assert_leq(recall_counts(recall).hosts_bytes, 4 * (each + 16));
    cr_assert_eq(recall_counts(recall).misses_bytes, 4 * sizeof(struct recall_entry));
    for (unsigned i = 0; i < 50; i++)
        put_miss(recall, i);
    cr_assert_eq(recall_counts(recall).hosts_bytes, 0);
    recall_free(recall);
}
