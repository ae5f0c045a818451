/* SPDX-License-Identifier: MIT */
/* What a reader finds while the writer is in the middle of something: it looks wherever it can, which
 * is whenever the writer has let go of a lock (pthread_rwlock_unlock is wrapped by the linker). */
#include "recall_fixture.h"

#include <pthread.h>

int __real_pthread_rwlock_unlock(pthread_rwlock_t *lock);
int __wrap_pthread_rwlock_unlock(pthread_rwlock_t *lock);

/* What it reads, and what it found: the letters of kind(), one for each look. */
static struct {
    struct recall *recall;
    unsigned number;
    char found[8];
    size_t looks;
} reader;

int __wrap_pthread_rwlock_unlock(pthread_rwlock_t *lock)
{
    int result = __real_pthread_rwlock_unlock(lock);
    struct recall *recall = reader.recall;

    if (!recall) /* it is the reader's own, or nobody looks */
        return result;
    reader.recall = NULL;
    cr_assert_lt(reader.looks, sizeof reader.found - 1);
    reader.found[reader.looks++] = kind(recall, reader.number);
    reader.recall = recall;
    return result;
}

static void watch(struct recall *recall, unsigned number)
{
    memset(&reader, 0, sizeof reader);
    reader.recall = recall;
    reader.number = number;
}

static void expect_found(const char *letters)
{
    reader.recall = NULL;
    cr_assert_str_eq(reader.found, letters);
}

/* With each hash function: where all share a bucket, chains are mended, too. */
static void become_the_other_kind(hash_fn *hash)
{
    struct recall *recall = new_recall(3, 3, hash);

    put_host(recall, 1), put_miss(recall, 2), put_host(recall, 3), put_miss(recall, 4);
    watch(recall, 2);
    put_host(recall, 2);
    expect_found("hh"); /* when it is in both, the host is what counts */
    watch(recall, 3);
    put_miss(recall, 3);
    expect_found("hm");
    recall_free(recall);
}

Test(recall_readers, find_a_host_that_becomes_a_miss_and_the_other_way_round)
{
    become_the_other_kind(NULL);
    become_the_other_kind(constant);
}

Test(recall_readers, find_what_is_replaced)
{
    struct recall *recall = new_recall(2, 2, NULL);

    put_host(recall, 1), put_miss(recall, 2);
    watch(recall, 1);
    put_host(recall, 1);
    expect_found("h");
    watch(recall, 2);
    put_miss(recall, 2);
    expect_found("m");
    recall_free(recall);
}

/* The stores are full, so something goes before the new one comes; it is found all the same. */
Test(recall_readers, find_what_changes_kind_where_another_is_evicted)
{
    struct recall *recall = new_recall(1, 1, NULL);

    put_host(recall, 1), put_miss(recall, 2);
    watch(recall, 2);
    put_host(recall, 2); /* 1 is evicted, 2 comes, and goes from the misses */
    expect_found("mhh");
    put_miss(recall, 3);
    watch(recall, 2);
    put_miss(recall, 2);
    expect_found("hhm");
    recall_free(recall);
}

/* It must not last as what it was. */
Test(recall_readers, no_longer_find_what_is_not_kept)
{
    struct recall *recall = new_recall(1, 0, NULL);

    put_host(recall, 1);
    watch(recall, 1);
    put_miss(recall, 1);
    expect_found("-");
    recall_free(recall);
}
