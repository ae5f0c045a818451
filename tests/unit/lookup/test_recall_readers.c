/* SPDX-License-Identifier: MIT */
/* What a reader finds while the writer is in the middle of something: it looks wherever it can, which
 * is whenever the writer has let go of a lock (pthread_rwlock_unlock is wrapped by the linker). */
#include "recall_fixture.h"

#include <pthread.h>

int __real_pthread_rwlock_unlock(pthread_rwlock_t *lock);
int __wrap_pthread_rwlock_unlock(pthread_rwlock_t *lock);

/* What it reads, and what it found: the letters of kind(), one for each look. */
static struct {
    struct cache *cache;
    unsigned number;
    char found[8];
    size_t looks;
} reader;

int __wrap_pthread_rwlock_unlock(pthread_rwlock_t *lock)
{
    int result = __real_pthread_rwlock_unlock(lock);
    struct cache *cache = reader.cache;

    if (!cache) /* it is the reader's own, or nobody looks */
        return result;
    reader.cache = NULL;
    cr_assert_lt(reader.looks, sizeof reader.found - 1);
    reader.found[reader.looks++] = kind(cache, reader.number);
    reader.cache = cache;
    return result;
}

static void watch(struct cache *cache, unsigned number)
{
    memset(&reader, 0, sizeof reader);
    reader.cache = cache;
    reader.number = number;
}

static void expect_found(const char *letters)
{
    reader.cache = NULL;
    cr_assert_str_eq(reader.found, letters);
}

/* With each hash function: where all share a bucket, chains are mended, too. */
static void become_the_other_kind(hash_fn *hash)
{
    struct cache *cache = new_cache(3, 3, hash);

    put_host(cache, 1), put_miss(cache, 2), put_host(cache, 3), put_miss(cache, 4);
    watch(cache, 2);
    put_host(cache, 2);
    expect_found("hh"); /* when it is in both, the host is what counts */
    watch(cache, 3);
    put_miss(cache, 3);
    expect_found("hm");
    cache_free(cache);
}

Test(cache_readers, find_a_host_that_becomes_a_miss_and_the_other_way_round)
{
    become_the_other_kind(NULL);
    become_the_other_kind(constant);
}

Test(cache_readers, find_what_is_replaced)
{
    struct cache *cache = new_cache(2, 2, NULL);

    put_host(cache, 1), put_miss(cache, 2);
    watch(cache, 1);
    put_host(cache, 1);
    expect_found("h");
    watch(cache, 2);
    put_miss(cache, 2);
    expect_found("m");
    cache_free(cache);
}

/* The stores are full, so something goes before the new one comes; it is found all the same. */
Test(cache_readers, find_what_changes_kind_where_another_is_evicted)
{
    struct cache *cache = new_cache(1, 1, NULL);

    put_host(cache, 1), put_miss(cache, 2);
    watch(cache, 2);
    put_host(cache, 2); /* 1 is evicted, 2 comes, and goes from the misses */
    expect_found("mhh");
    put_miss(cache, 3);
    watch(cache, 2);
    put_miss(cache, 2);
    expect_found("hhm");
    cache_free(cache);
}

/* It must not last as what it was. */
Test(cache_readers, no_longer_find_what_is_not_kept)
{
    struct cache *cache = new_cache(1, 0, NULL);

    put_host(cache, 1);
    watch(cache, 1);
    put_miss(cache, 1);
    expect_found("-");
    cache_free(cache);
}
