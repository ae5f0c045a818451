/* SPDX-License-Identifier: MIT */
/* A cache of whatever embeds a struct cache_entry, by address.
 *
 * Entries are kept in a few stores, each with a capacity of its own, so that a flood of entries for
 * one store evicts nothing from another. An address has one entry, in one store. A full store evicts
 * in constant time and spares what was read lately (CLOCK).
 *
 * cache_get() and cache_prefetch() may be called from any thread, everything else from one thread at a
 * time. A get takes a shared lock on one of many stripes, allocates nothing and makes no system call. */
#ifndef LOOKUP_CACHE_H
#define LOOKUP_CACHE_H

#include "core/hash.h"
#include "p0fclient.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#define CACHE_STORES 2

/* Embedded in what is cached. `addr`, `store` and `size` are set before cache_put(), the rest is
 * zeroed. */
struct cache_entry {
    SLIST_ENTRY(cache_entry) link; /* in its bucket */
    uint32_t size;                 /* bytes of memory it accounts for */
    uint32_t index;                /* in its store's ring */
    struct p0f_addr addr;
    uint8_t store;        /* below CACHE_STORES */
    atomic_uchar visited; /* since the hand last passed */
};

struct cache_options {
    uint32_t capacity[CACHE_STORES]; /* entries; 0: the store keeps nothing */
    struct hash_key key;
    hash_fn *hash;                           /* NULL: hash_sip */
    void (*free)(struct cache_entry *entry); /* called for each entry that leaves the cache */
};

struct cache;

/* The tables are allocated at once, but their memory is only touched as they fill. NULL with errno
 * when out of memory. */
struct cache *cache_new(const struct cache_options *options);

/* Frees all entries. No-op on NULL. */
void cache_free(struct cache *cache);

/* Looks at an entry. The entry is valid only during the call, unless look() takes a reference to what
 * embeds it. Must not call the cache. Returns whether the entry is of use; if so, it counts as read. */
typedef bool cache_look_fn(void *ctx, struct cache_entry *entry);

/* Calls look() for the entry of this address and returns what it returns; false if there is none. */
bool cache_get(struct cache *cache, const struct p0f_addr *addr, cache_look_fn *look, void *ctx);

/* Starts to load into the processor's cache what cache_get() reads first. Call it a little earlier. */
void cache_prefetch(const struct cache *cache, const struct p0f_addr *addr);

/* Stores the entry in place of the one its address had, and owns it from then on. False if its store
 * keeps nothing: then it is freed, and nothing is stored for the address. */
bool cache_put(struct cache *cache, struct cache_entry *entry);

/* Removes the entry of this address, if there is one. */
void cache_remove(struct cache *cache, const struct p0f_addr *addr);

struct cache_counts {
    uint32_t entries;
    uint64_t inserted; /* ever; an entry that replaces one of the same store is not counted */
    uint64_t evicted;  /* of those inserted */
    uint64_t removed;  /* of those inserted, by cache_remove() or for an entry in another store */
    uint64_t bytes;    /* the sizes of the entries */
};

struct cache_counts cache_counts(const struct cache *cache, unsigned store);

#endif
