/* SPDX-License-Identifier: MIT */
/* A recall to test, and hosts and misses to put into it. */
#ifndef RECALL_FIXTURE_H
#define RECALL_FIXTURE_H

#include "lookup/recall.h"
#include "lookup/recall_entry.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct recall_times times = {.ttl = 10000,
                                          .incomplete_ttl = 2000,
                                          .negative_ttl = 1000,
                                          .stale_while_revalidate = 5000,
                                          .stale_if_error = 20000};
static const struct boottime start = {INT64_C(1000000000000)};

static inline uint64_t constant(const struct hash_key *key, const void *data, size_t length)
{
    (void)key, (void)data, (void)length;
    return 7;
}

static inline struct recall *new_recall(uint32_t hosts, uint32_t misses, hash_fn *hash)
{
    return recall_new(&(struct recall_options){hosts, misses, times, {1, 2}, hash});
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
    return host_record_new(&at, &host, NULL, false);
}

static inline bool put_os(struct recall *recall, unsigned number, const char *os,
                          struct boottime now)
{
    struct p0f_addr at = addr(number);
    struct host_record *record = new_answer(number, os);
    bool kept = recall_put(recall, &at, record, now);

    host_record_unref(record);
    return kept;
}

static inline bool put_host(struct recall *recall, unsigned number)
{
    return put_os(recall, number, "Linux", start);
}

static inline bool put_miss(struct recall *recall, unsigned number)
{
    struct p0f_addr at = addr(number);

    return recall_put(recall, &at, NULL, start);
}

/* What is found `ns` after the start; its reference is given back. */
static inline struct recall_hit look(struct recall *recall, unsigned number, int64_t ns)
{
    struct p0f_addr at = addr(number);
    struct recall_hit hit;
    bool found = recall_get(recall, &at, (struct boottime){start.ns + ns}, &hit);

    cr_assert_eq(found, hit.state != RECALL_ABSENT);
    cr_assert(hit.state == RECALL_STALE || !hit.refresh);
    if (hit.record)
        cr_assert_eq(host_record_host(hit.record)->total_conn, number);
    host_record_unref(hit.record);
    return hit;
}

/* 'h' known host, 'm' "no match", '-' neither. */
static inline char kind(struct recall *recall, unsigned number)
{
    struct recall_hit hit = look(recall, number, 0);

    return hit.state == RECALL_ABSENT ? '-' : hit.record ? 'h' : 'm';
}

static inline void expect_counts(struct recall *recall, uint32_t hosts, uint32_t misses,
                                 uint64_t evicted_hosts, uint64_t evicted_misses)
{
    struct recall_counts counts = recall_counts(recall);

    cr_assert_eq(counts.hosts, hosts);
    cr_assert_eq(counts.misses, misses);
    cr_assert_eq(counts.evicted_hosts, evicted_hosts);
    cr_assert_eq(counts.evicted_misses, evicted_misses);
    cr_assert_eq(counts.inserted_hosts, hosts + evicted_hosts + counts.removed_hosts);
    cr_assert_eq(counts.inserted_misses, misses + evicted_misses + counts.removed_misses);
}

#endif
