/* SPDX-License-Identifier: MIT */
/* One hash over several stores. A store is a table of buckets, each a chain of entries, and a ring of
 * the same entries for the hand that evicts. Both are allocated whole at the start: the kernel hands
 * out pages as they are touched, and nothing is ever rehashed under the readers.
 *
 * Readers share the lock of the stripe that their bucket is in. The writer locks that stripe while it
 * changes a chain, so no reader sees half a change, and an entry that has left its chain is the
 * writer's alone. */
#include "lookup/cache.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define STRIPES 64u
#define SWEEP_MAX 64u /* entries that an eviction looks at */

struct store {
    SLIST_HEAD(bucket, cache_entry) * buckets;
    struct cache_entry **ring; /* `entries` of them, without gaps */
    uint32_t bucket_mask;
    uint32_t capacity;
    uint32_t hand;
    _Atomic uint32_t entries;
    _Atomic uint64_t bytes;
    _Atomic uint64_t inserted, evicted, removed;
};

struct stripe {
    _Alignas(64) pthread_rwlock_t lock;
};

struct cache {
    struct stripe stripes[STRIPES];
    struct store stores[CACHE_STORES];
    struct hash_key key;
    hash_fn *hash;
    void (*free)(struct cache_entry *entry);
};

static bool store_init(struct store *store, uint32_t capacity)
{
    uint64_t buckets = STRIPES; /* at least, so that a bucket is in one stripe */

    /* Short chains, since each step along one is a miss in the CPU's cache. */
    while (buckets < 2 * (uint64_t)capacity)
        buckets *= 2;
    store->buckets = calloc(buckets, sizeof(struct bucket));
    store->ring = calloc(capacity, sizeof(struct cache_entry *));
    store->bucket_mask = (uint32_t)(buckets - 1);
    store->capacity = capacity;
    return (store->ring || capacity == 0) && store->buckets;
}

struct cache *cache_new(const struct cache_options *options)
{
    struct cache *cache = aligned_alloc(_Alignof(struct cache), sizeof *cache);
    bool complete = true;

    if (!cache)
        return NULL;
    memset(cache, 0, sizeof *cache);
    for (unsigned i = 0; i < STRIPES; i++)
        pthread_rwlock_init(&cache->stripes[i].lock, NULL);
    cache->key = options->key;
    cache->hash = options->hash ? options->hash : hash_sip;
    cache->free = options->free;
    for (unsigned i = 0; i < CACHE_STORES; i++)
        complete = store_init(&cache->stores[i], options->capacity[i]) && complete;
    if (complete)
        return cache;
    cache_free(cache);
    errno = ENOMEM;
    return NULL;
}

void cache_free(struct cache *cache)
{
    if (!cache)
        return;
    for (unsigned i = 0; i < CACHE_STORES; i++) {
        struct store *store = &cache->stores[i];
        for (uint32_t at = 0; at < store->entries; at++)
            cache->free(store->ring[at]);
        free(store->ring);
        free(store->buckets);
    }
    for (unsigned i = 0; i < STRIPES; i++)
        pthread_rwlock_destroy(&cache->stripes[i].lock);
    free(cache);
}

static uint64_t hash_of(const struct cache *cache, const struct p0f_addr *addr)
{
    return cache->hash(&cache->key, addr, sizeof *addr);
}

static pthread_rwlock_t *lock_of(struct cache *cache, uint64_t hash)
{
    return &cache->stripes[hash % STRIPES].lock;
}

static struct bucket *store_bucket(const struct store *store, uint64_t hash)
{
    return &store->buckets[hash & store->bucket_mask];
}

/* The caller holds the stripe's lock, or is the writer. */
static struct cache_entry *store_find(const struct store *store, uint64_t hash,
                                      const struct p0f_addr *addr)
{
    struct cache_entry *entry;

    SLIST_FOREACH(entry, store_bucket(store, hash), link)
        if (memcmp(&entry->addr, addr, sizeof *addr) == 0)
            break;
    return entry;
}

static void mark_visited(struct cache_entry *entry)
{
    /* Written only when it changes: a hot entry's cache line stays shared between the threads. */
    if (!atomic_load_explicit(&entry->visited, memory_order_relaxed))
        atomic_store_explicit(&entry->visited, 1, memory_order_relaxed);
}

bool cache_get(struct cache *cache, const struct p0f_addr *addr, cache_look_fn *look, void *ctx)
{
    uint64_t hash = hash_of(cache, addr);
    pthread_rwlock_t *lock = lock_of(cache, hash);
    struct cache_entry *entry = NULL;

    pthread_rwlock_rdlock(lock);
    for (unsigned i = 0; i < CACHE_STORES && !entry; i++)
        entry = store_find(&cache->stores[i], hash, addr);
    bool useful = entry && look(ctx, entry);
    if (useful)
        mark_visited(entry);
    pthread_rwlock_unlock(lock);
    return useful;
}

void cache_prefetch(const struct cache *cache, const struct p0f_addr *addr)
{
    __builtin_prefetch(store_bucket(&cache->stores[0], hash_of(cache, addr)));
}

/* ---- The writer */

/* For an entry that is in no chain any more. */
static void drop_entry(struct cache *cache, struct store *store, struct cache_entry *entry)
{
    atomic_fetch_sub_explicit(&store->bytes, entry->size, memory_order_relaxed);
    cache->free(entry);
}

/* Replaces `old` by `new` in the bucket of their hash; either may be NULL. */
static void change_chain(struct cache *cache, struct store *store, uint64_t hash,
                         struct cache_entry *old, struct cache_entry *new)
{
    pthread_rwlock_t *lock = lock_of(cache, hash);
    struct bucket *bucket = store_bucket(store, hash);

    pthread_rwlock_wrlock(lock);
    if (old)
        SLIST_REMOVE(bucket, old, cache_entry, link);
    if (old && new)
        new->visited = old->visited;
    if (new)
        SLIST_INSERT_HEAD(bucket, new, link);
    pthread_rwlock_unlock(lock);
}

static void store_remove(struct cache *cache, struct store *store, uint64_t hash,
                         const struct p0f_addr *addr)
{
    struct cache_entry *entry = store_find(store, hash, addr);

    if (!entry)
        return;
    change_chain(cache, store, hash, entry, NULL);
    /* The last one fills the gap in the ring. */
    struct cache_entry *last = store->ring[--store->entries];
    store->ring[entry->index] = last;
    last->index = entry->index;
    drop_entry(cache, store, entry);
    store->removed++;
}

/* Returns the index in the ring that is free now. */
static uint32_t evict_entry(struct cache *cache, struct store *store)
{
    struct cache_entry *entry;

    for (unsigned looked = 0;; looked++) {
        entry = store->ring[store->hand];
        store->hand = (store->hand + 1) % store->capacity;
        if (looked >= SWEEP_MAX || !atomic_exchange(&entry->visited, 0))
            break;
    }
    uint32_t index = entry->index;
    change_chain(cache, store, hash_of(cache, &entry->addr), entry, NULL);
    drop_entry(cache, store, entry);
    store->evicted++;
    return index;
}

static void store_put(struct cache *cache, struct store *store, uint64_t hash,
                      struct cache_entry *entry)
{
    struct cache_entry *old = store_find(store, hash, &entry->addr);

    if (old) {
        entry->index = old->index;
    } else {
        entry->index =
            store->entries < store->capacity ? store->entries++ : evict_entry(cache, store);
        store->inserted++;
    }
    store->ring[entry->index] = entry;
    atomic_fetch_add_explicit(&store->bytes, entry->size, memory_order_relaxed);
    change_chain(cache, store, hash, old, entry);
    if (old)
        drop_entry(cache, store, old);
}

bool cache_put(struct cache *cache, struct cache_entry *entry)
{
    struct store *store = &cache->stores[entry->store];
    uint64_t hash = hash_of(cache, &entry->addr);

    if (store->capacity == 0) {
        cache_remove(cache, &entry->addr);
        cache->free(entry);
        return false;
    }
    store_put(cache, store, hash, entry);
    /* Last, so that no reader ever finds the address in no store. */
    for (unsigned i = 0; i < CACHE_STORES; i++)
        if (i != entry->store)
            store_remove(cache, &cache->stores[i], hash, &entry->addr);
    return true;
}

void cache_remove(struct cache *cache, const struct p0f_addr *addr)
{
    uint64_t hash = hash_of(cache, addr);

    for (unsigned i = 0; i < CACHE_STORES; i++)
        store_remove(cache, &cache->stores[i], hash, addr);
}

struct cache_counts cache_counts(const struct cache *cache, unsigned store)
{
    const struct store *counted = &cache->stores[store];

    return (struct cache_counts){
        .entries = counted->entries,
        .inserted = counted->inserted,
        .evicted = counted->evicted,
        .removed = counted->removed,
        .bytes = counted->bytes,
    };
}
