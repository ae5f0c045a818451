/* SPDX-License-Identifier: MIT */
/* What p0f said about each address, for as long as the times to live allow.
 *
 * Two bounded stores: known hosts, and "no match". So a flood of unknown addresses pushes out
 * no known host. A full store evicts in constant time, sparing what was asked for lately (CLOCK).
 *
 * Any thread may cache_get(); one thread at a time may call everything else. A get takes a shared
 * lock on one of many stripes, allocates nothing and makes no system call. */
#ifndef LOOKUP_CACHE_H
#define LOOKUP_CACHE_H

#include "core/clock.h"
#include "core/hash.h"
#include "lookup/host_record.h"
#include "p0fclient.h"

struct cache;

/* All in milliseconds; a time to live of 0 keeps nothing. */
struct cache_times {
    int64_t ttl;            /* a known host */
    int64_t incomplete_ttl; /* a known host of which neither OS nor HTTP application is known */
    int64_t negative_ttl;   /* "no match" */
    int64_t stale_while_revalidate; /* a known host beyond its ttl: served while asked again */
    int64_t stale_if_error;         /* a known host beyond its ttl: served when p0f fails */
};

struct cache_options {
    uint32_t max_hosts;
    uint32_t max_misses;
    struct cache_times times;
    struct hash_key key;
    hash_fn *hash; /* NULL: hash_sip */
};

enum cache_state {
    CACHE_ABSENT,
    CACHE_FRESH,
    CACHE_STALE,   /* within stale_while_revalidate */
    CACHE_LAPSED,  /* beyond that; good only when p0f fails (stale_if_error) */
    CACHE_EXPIRED, /* beyond that too: it says that there was something, and no more */
};

/* What was found. */
struct cache_hit {
    enum cache_state state;
    struct host_record
        *record;          /* a reference the caller owns; NULL: p0f said "no match", or expired */
    struct mono answered; /* when p0f said it */
    struct cache_times times; /* in force; `ttl` is that of this entry's kind */
    bool
        refresh; /* stale, and the caller is the one to see that it is asked again (once a second) */
};

/* NULL with errno when there is no memory for that many; the memory is touched as it fills. */
struct cache *cache_new(const struct cache_options *options);
void cache_free(struct cache *cache);

/* In force at once, for what is stored too. Any thread. */
void cache_set_times(struct cache *cache, const struct cache_times *times);
struct cache_times cache_times(const struct cache *cache);

/* Fills *hit and returns true, or returns false when nothing is stored. */
bool cache_get(struct cache *cache, const struct p0f_addr *addr, struct mono now,
               struct cache_hit *hit);

/* Starts to bring what cache_get() will look at first into the processor's cache. For whoever knows
 * the address a little before it asks. Any thread. */
void cache_prefetch(const struct cache *cache, const struct p0f_addr *addr);

/* The time to live that an answer (NULL: "no match") gets. */
int64_t cache_ttl_of(const struct cache *cache, const struct host_record *record);

/* Stores what p0f said at `now`, in place of what it said before; takes a reference of its own.
 * NULL is "no match". An answer is the one for its own address, and is put once. Returns false when
 * its time to live is 0, or there is no memory: then nothing is left stored for the address. */
bool cache_put(struct cache *cache, const struct p0f_addr *addr, struct host_record *record,
               struct mono now);

struct cache_counts {
    uint32_t hosts;
    uint32_t misses;
    uint64_t inserted_hosts; /* ever; what takes the place of the same address's is none */
    uint64_t inserted_misses;
    uint64_t evicted_hosts; /* of those, pushed out by others */
    uint64_t evicted_misses;
    uint64_t removed_hosts; /* of those, taken out for what p0f said next about the address */
    uint64_t removed_misses;
    uint64_t hosts_bytes; /* of memory, but for the tables, which are of a fixed size */
    uint64_t misses_bytes;
};

struct cache_counts cache_counts(const struct cache *cache);

#endif
