/* SPDX-License-Identifier: MIT */
/* The cache's side of a lookup: what p0f said about each address, for as long as the times allow.
 *
 * An entry ages while the machine is suspended, as the hosts themselves and the caches in front do.
 *
 * Known hosts and "no match" are kept apart, so that a flood of unknown addresses evicts no known host.
 *
 * recall_put() belongs to one thread at a time; the rest may be called from any thread. */
#ifndef LOOKUP_RECALL_H
#define LOOKUP_RECALL_H

#include "core/clock.h"
#include "core/hash.h"
#include "lookup/cache.h"
#include "lookup/host_record.h"
#include "lookup/lookup_request.h"

struct recall;

/* Milliseconds. A time to live of 0 keeps nothing. */
struct recall_times {
    int64_t ttl;                    /* of a known host */
    int64_t incomplete_ttl;         /* of one that is incomplete (recall_entry.h); at most ttl */
    int64_t negative_ttl;           /* of a "no match" */
    int64_t stale_while_revalidate; /* past its ttl, a host is served while p0f is asked again */
    int64_t stale_if_error;         /* past its ttl, a host is served when p0f fails */
};

struct recall_options {
    uint32_t max_hosts;
    uint32_t max_misses;
    struct recall_times times;
    struct hash_key key;
    hash_fn *hash; /* NULL: hash_sip */
};

/* NULL with errno when out of memory. The tables' memory is only touched as they fill. */
struct recall *recall_new(const struct recall_options *options);

/* No-op on NULL. */
void recall_free(struct recall *recall);

/* Takes effect at once, for what is cached already too. A longer incomplete_ttl is cut to ttl. */
void recall_set_times(struct recall *recall, const struct recall_times *times);
struct recall_times recall_times(const struct recall *recall);

/* The cache itself, for cache_prefetch(). */
const struct cache *recall_cache(const struct recall *recall);

/* ---- Answers of p0f */

enum recall_state {
    RECALL_ABSENT,
    RECALL_FRESH,
    RECALL_STALE,   /* within stale_while_revalidate */
    RECALL_LAPSED,  /* past that: served only when p0f fails (stale_if_error) */
    RECALL_EXPIRED, /* past that too: all that is known is that there was an entry */
};

struct recall_hit {
    enum recall_state state;
    struct host_record *record; /* the caller's reference; NULL: "no match", or expired */
    struct boottime answered;   /* when p0f said so */
    struct recall_times times;  /* in force; `ttl` is the one that applies to this entry */
    bool refresh; /* stale, and this caller is to refresh it: one in a second is told so */
};

/* Fills *hit and returns true; false, with RECALL_ABSENT, when nothing is cached. */
bool recall_get(struct recall *recall, const struct p0f_addr *addr, struct boottime now,
                struct recall_hit *hit);

/* Stores what p0f said at `answered` in place of what it said before: a host (takes a reference), or
 * NULL for "no match". The record must be of this address and must not have been put before. Returns
 * false if its ttl or its store's capacity is 0 or memory is short: then nothing is cached for it. */
bool recall_put(struct recall *recall, const struct p0f_addr *addr, struct host_record *record,
                struct boottime answered);

/* Whether there are hosts that recall_fallback() could serve now. Any thread. */
bool recall_has_servable(const struct recall *recall, struct boottime now);

/* ---- Requests. Each fills the request and returns true, or returns false. */

/* The entry is what the request wants, fresh or stale. Sets *refresh if it is this caller's to refresh.
 * If false, sets the request's freshness source: why p0f has to be asked. */
bool recall_answer(struct recall *recall, struct lookup_request *request, struct boottime now,
                   bool *refresh);

/* The answer arrived while the request was on its way to the loop's thread. */
bool recall_arrived(struct recall *recall, struct lookup_request *request, struct boottime now);

/* The request does not accept the entry, but its client may not have p0f queried again that often. */
bool recall_limited(struct recall *recall, struct lookup_request *request, struct boottime now);

/* p0f fails: any host within stale_if_error that is no older than the request accepts. */
bool recall_fallback(struct recall *recall, struct lookup_request *request, struct boottime now);

/* For an answer of p0f's at `answered` (NULL: "no match"): takes a reference. `stored`: it is cached.
 * Always fills the request. */
void recall_fill(const struct recall *recall, struct lookup_request *request,
                 struct host_record *record, bool stored, struct boottime answered,
                 struct boottime now);

/* ---- Counts */

struct recall_counts {
    uint32_t hosts;
    uint32_t misses;
    uint64_t inserted_hosts; /* ever; an entry that replaces one of its kind is not counted */
    uint64_t inserted_misses;
    uint64_t evicted_hosts; /* of those inserted, to make room */
    uint64_t evicted_misses;
    uint64_t removed_hosts; /* of those inserted, because of p0f's next answer about the address */
    uint64_t removed_misses;
    uint64_t hosts_bytes; /* of memory, without the tables, whose size is fixed */
    uint64_t misses_bytes;
};

/* In the thread of recall_put(). */
struct recall_counts recall_counts(const struct recall *recall);

#endif
