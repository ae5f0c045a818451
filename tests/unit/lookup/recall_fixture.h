/* SPDX-License-Identifier: MIT */
/* A cache to test, and hosts and misses to put into it. */
#ifndef CACHE_FIXTURE_H
#define CACHE_FIXTURE_H

#include "lookup/cache.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct cache_times times = {.ttl = 10000,
                                         .incomplete_ttl = 2000,
                                         .negative_ttl = 1000,
                                         .stale_while_revalidate = 5000,
                                         .stale_if_error = 20000};
static const struct mono start = {INT64_C(1000000000000)};

static inline uint64_t constant(const struct hash_key *key, const void *data, size_t length)
{
    (void)key, (void)data, (void)length;
    return 7;
}

static inline struct cache *new_cache(uint32_t hosts, uint32_t misses, hash_fn *hash)
{
    return cache_new(&(struct cache_options){hosts, misses, times, {1, 2}, hash});
}

static inline struct p0f_addr addr(unsigned number)
{
    return (struct p0f_addr){
        4, {10, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number}};
}

static inline struct host_record *new_answer(unsigned number, const char *os)
{
    struct p0f_addr at = addr(number);
    struct p0f_host host = {.dialect = P0F_DIALECT_P0F3, .total_conn = number};

    strcpy(host.os_name, os);
    return host_record_new(&at, &host);
}

static inline bool put_os(struct cache *cache, unsigned number, const char *os, struct mono now)
{
    struct p0f_addr at = addr(number);
    struct host_record *record = new_answer(number, os);
    bool kept = cache_put(cache, &at, record, now);

    host_record_unref(record);
    return kept;
}

static inline bool put_host(struct cache *cache, unsigned number)
{
    return put_os(cache, number, "Linux", start);
}

static inline bool put_miss(struct cache *cache, unsigned number)
{
    struct p0f_addr at = addr(number);

    return cache_put(cache, &at, NULL, start);
}

/* What is found `ns` after the start; its reference is given back. */
static inline struct cache_hit look(struct cache *cache, unsigned number, int64_t ns)
{
    struct p0f_addr at = addr(number);
    struct cache_hit hit;
    bool found = cache_get(cache, &at, mono_add_ns(start, ns), &hit);

    cr_assert_eq(found, hit.state != CACHE_ABSENT);
    cr_assert(hit.state == CACHE_STALE || !hit.refresh);
    if (hit.record)
        cr_assert_eq(host_record_host(hit.record)->total_conn, number);
    host_record_unref(hit.record);
    return hit;
}

/* 'h' known host, 'm' "no match", '-' neither. */
static inline char kind(struct cache *cache, unsigned number)
{
    struct cache_hit hit = look(cache, number, 0);

    return hit.state == CACHE_ABSENT ? '-' : hit.record ? 'h' : 'm';
}

static inline void expect_counts(struct cache *cache, uint32_t hosts, uint32_t misses,
                                 uint64_t evicted_hosts, uint64_t evicted_misses)
{
    struct cache_counts counts = cache_counts(cache);

    cr_assert_eq(counts.hosts, hosts);
    cr_assert_eq(counts.misses, misses);
    cr_assert_eq(counts.evicted_hosts, evicted_hosts);
    cr_assert_eq(counts.evicted_misses, evicted_misses);
    cr_assert_eq(counts.inserted_hosts, hosts + evicted_hosts + counts.removed_hosts);
    cr_assert_eq(counts.inserted_misses, misses + evicted_misses + counts.removed_misses);
}

#endif
