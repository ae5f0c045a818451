/* SPDX-License-Identifier: MIT */
/* One hash function over two stores. A store is a table of buckets, each a chain of entries, and a
 * ring of the same entries for the hand that evicts. Both are allocated whole at the start; the
 * kernel hands out pages as they are touched, so nothing is ever rehashed under the readers.
 *
 * Readers share the lock of the stripe their bucket is in. The one writer takes that stripe for
 * itself while it changes a chain, so a reader never sees half a change, and what has been taken out
 * of its chain is the writer's alone. */
#include "lookup/cache.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define STRIPES 64u
#define SWEEP_MAX 64u /* a bound on how long an eviction looks for a victim */
#define REFRESH_EVERY_MS 1000

struct store {
    struct cache_entry **buckets;
    struct cache_entry **ring; /* its first `count` places are taken */
    uint32_t bucket_mask;
    uint32_t capacity;
    uint32_t hand;
    _Atomic uint32_t count;
    _Atomic uint64_t bytes;
    _Atomic uint64_t inserted, evicted, removed;
};

struct stripe {
    _Alignas(64) pthread_rwlock_t lock;
};

/* The settings, each by itself atomic: a reader may see one changed before another. */
struct live_times {
    _Atomic int64_t ttl, incomplete_ttl, negative_ttl, stale_while_revalidate, stale_if_error;
};

struct cache {
    struct stripe stripes[STRIPES];
    struct store hosts;
    struct store misses;
    struct hash_key key;
    hash_fn *hash;
    struct live_times times;
};

static size_t entry_size(struct cache_entry *entry)
{
    return entry->kind == CACHE_ENTRY_MISS ? sizeof *entry
                                           : host_record_size(host_record_of_entry(entry));
}

static void entry_free(struct cache_entry *entry)
{
    if (entry->kind == CACHE_ENTRY_MISS)
        free(entry);
    else
        host_record_unref(host_record_of_entry(entry));
}

static bool store_init(struct store *store, uint32_t capacity)
{
    uint64_t buckets = STRIPES; /* so that a bucket lies in one stripe */

    while (buckets < 2 * (uint64_t)capacity) /* short chains: each step along one is a cache miss */
        buckets *= 2;
    store->buckets = calloc(buckets, sizeof(struct cache_entry *));
    store->ring = calloc(capacity, sizeof(struct cache_entry *));
    store->bucket_mask = (uint32_t)(buckets - 1);
    store->capacity = capacity;
    return (store->ring || capacity == 0) && store->buckets;
}

static void store_release(struct store *store)
{
    for (uint32_t i = 0; i < store->count; i++)
        entry_free(store->ring[i]);
    free(store->ring);
    free(store->buckets);
}

struct cache *cache_new(const struct cache_options *options)
{
    struct cache *cache = aligned_alloc(_Alignof(struct cache), sizeof *cache);

    if (!cache)
        return NULL;
    memset(cache, 0, sizeof *cache);
    for (unsigned i = 0; i < STRIPES; i++)
        pthread_rwlock_init(&cache->stripes[i].lock, NULL);
    cache->key = options->key;
    cache->hash = options->hash ? options->hash : hash_sip;
    cache_set_times(cache, &options->times);
    bool whole = store_init(&cache->hosts, options->max_hosts);
    whole = store_init(&cache->misses, options->max_misses) && whole;
    if (!whole) {
        cache_free(cache);
        errno = ENOMEM;
        return NULL;
    }
    return cache;
}

void cache_free(struct cache *cache)
{
    if (!cache)
        return;
    store_release(&cache->hosts);
    store_release(&cache->misses);
    for (unsigned i = 0; i < STRIPES; i++)
        pthread_rwlock_destroy(&cache->stripes[i].lock);
    free(cache);
}

void cache_set_times(struct cache *cache, const struct cache_times *times)
{
    cache->times.ttl = times->ttl;
    cache->times.incomplete_ttl = times->incomplete_ttl;
    cache->times.negative_ttl = times->negative_ttl;
    cache->times.stale_while_revalidate = times->stale_while_revalidate;
    cache->times.stale_if_error = times->stale_if_error;
}

static int64_t relaxed(const _Atomic int64_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

struct cache_times cache_times(const struct cache *cache)
{
    return (struct cache_times){
        .ttl = relaxed(&cache->times.ttl),
        .incomplete_ttl = relaxed(&cache->times.incomplete_ttl),
        .negative_ttl = relaxed(&cache->times.negative_ttl),
        .stale_while_revalidate = relaxed(&cache->times.stale_while_revalidate),
        .stale_if_error = relaxed(&cache->times.stale_if_error),
    };
}

int64_t cache_ttl_of(const struct cache *cache, const struct host_record *record)
{
    if (!record)
        return relaxed(&cache->times.negative_ttl);
    return relaxed(host_record_incomplete(record) ? &cache->times.incomplete_ttl
                                                  : &cache->times.ttl);
}

static int64_t ttl_of_entry(const struct cache *cache, const struct cache_entry *entry)
{
    if (entry->kind == CACHE_ENTRY_MISS)
        return relaxed(&cache->times.negative_ttl);
    return relaxed(entry->kind == CACHE_ENTRY_HOST ? &cache->times.ttl
                                                   : &cache->times.incomplete_ttl);
}

static uint64_t hash_of(const struct cache *cache, const struct p0f_addr *addr)
{
    return cache->hash(&cache->key, addr, sizeof *addr);
}

static pthread_rwlock_t *lock_of(struct cache *cache, uint64_t hash)
{
    return &cache->stripes[hash % STRIPES].lock;
}

static struct cache_entry **store_bucket(const struct store *store, uint64_t hash)
{
    return &store->buckets[hash & store->bucket_mask];
}

/* What points to the entry of this address; to NULL when there is none. The caller holds the stripe,
 * or is the writer. */
static struct cache_entry **find(const struct store *store, uint64_t hash,
                                 const struct p0f_addr *addr)
{
    struct cache_entry **link = store_bucket(store, hash);

    while (*link && memcmp(&(*link)->addr, addr, sizeof *addr) != 0)
        link = &(*link)->next;
    return link;
}

static enum cache_state state_at(const struct cache_entry *entry, const struct cache_times *times,
                                 struct mono now)
{
    struct mono expires = mono_add_ms(entry->answered, times->ttl);
    int64_t past = mono_ms_between(expires, now);

    if (mono_before(now, expires))
        return CACHE_FRESH;
    if (times->ttl == 0)
        return CACHE_ABSENT;
    if (entry->kind == CACHE_ENTRY_MISS)
        return CACHE_EXPIRED;
    if (past < times->stale_while_revalidate)
        return CACHE_STALE;
    return past < times->stale_if_error ? CACHE_LAPSED : CACHE_EXPIRED;
}

/* Whoever first asks in a second takes it on; so a p0f that is down is not asked for every hit. */
static bool claim_refresh(struct cache_entry *entry, struct mono now)
{
    uint32_t second = (uint32_t)(now.ns / (REFRESH_EVERY_MS * INT64_C(1000000))) + 1;
    uint32_t claimed = atomic_load_explicit(&entry->refresh_claimed, memory_order_relaxed);

    return claimed != second &&
           atomic_compare_exchange_strong(&entry->refresh_claimed, &claimed, second);
}

static void mark_visited(struct cache_entry *entry)
{
    /* Only a change is written: a hot entry's cache line stays shared between the threads. */
    if (!atomic_load_explicit(&entry->visited, memory_order_relaxed))
        atomic_store_explicit(&entry->visited, 1, memory_order_relaxed);
}

static void fill_hit(const struct cache *cache, struct cache_entry *entry, struct mono now,
                     struct cache_hit *hit)
{
    hit->answered = entry->answered;
    hit->times.ttl = ttl_of_entry(cache, entry);
    hit->state = state_at(entry, &hit->times, now);
    if (hit->state == CACHE_ABSENT || hit->state == CACHE_EXPIRED)
        return;
    mark_visited(entry);
    if (entry->kind != CACHE_ENTRY_MISS)
        hit->record = host_record_ref(host_record_of_entry(entry));
    if (hit->state == CACHE_STALE)
        hit->refresh = claim_refresh(entry, now);
}

bool cache_get(struct cache *cache, const struct p0f_addr *addr, struct mono now,
               struct cache_hit *hit)
{
    uint64_t hash = hash_of(cache, addr);
    pthread_rwlock_t *lock = lock_of(cache, hash);

    hit->state = CACHE_ABSENT;
    hit->record = NULL;
    hit->refresh = false;
    hit->times = cache_times(cache);
    pthread_rwlock_rdlock(lock);
    struct cache_entry *entry = *find(&cache->hosts, hash, addr);
    if (!entry)
        entry = *find(&cache->misses, hash, addr);
    if (entry)
        fill_hit(cache, entry, now, hit);
    pthread_rwlock_unlock(lock);
    return hit->state != CACHE_ABSENT;
}

void cache_prefetch(const struct cache *cache, const struct p0f_addr *addr)
{
    __builtin_prefetch(store_bucket(&cache->hosts, hash_of(cache, addr)));
}

/* ---- The writer */

static void count_in(struct store *store, struct cache_entry *entry)
{
    atomic_fetch_add_explicit(&store->bytes, entry_size(entry), memory_order_relaxed);
}

/* Of what is in no chain any more; so no reader has it, but for those with a reference. */
static void drop_entry(struct store *store, struct cache_entry *entry)
{
    atomic_fetch_sub_explicit(&store->bytes, entry_size(entry), memory_order_relaxed);
    entry_free(entry);
}

static void unchain(struct cache *cache, struct store *store, const struct cache_entry *entry)
{
    uint64_t hash = hash_of(cache, &entry->addr);
    pthread_rwlock_t *lock = lock_of(cache, hash);

    pthread_rwlock_wrlock(lock);
    *find(store, hash, &entry->addr) = entry->next;
    pthread_rwlock_unlock(lock);
}

static void forget(struct cache *cache, struct store *store, uint64_t hash,
                   const struct p0f_addr *addr)
{
    struct cache_entry *entry = *find(store, hash, addr);

    if (!entry)
        return;
    unchain(cache, store, entry);
    /* The last one fills the hole in the ring. */
    struct cache_entry *last = store->ring[--store->count];
    store->ring[entry->place] = last;
    last->place = entry->place;
    drop_entry(store, entry);
    store->removed++;
}

/* Returns the place in the ring that has become free. */
static uint32_t evict_entry(struct cache *cache, struct store *store)
{
    struct cache_entry *entry;

    for (unsigned looked = 0;; looked++) {
        entry = store->ring[store->hand];
        store->hand = (store->hand + 1) % store->capacity;
        if (looked >= SWEEP_MAX || !atomic_exchange(&entry->visited, 0))
            break;
    }
    uint32_t place = entry->place;
    unchain(cache, store, entry);
    drop_entry(store, entry);
    store->evicted++;
    return place;
}

static void insert(struct cache *cache, struct store *store, uint64_t hash,
                   struct cache_entry *entry)
{
    pthread_rwlock_t *lock = lock_of(cache, hash);
    struct cache_entry **bucket = store_bucket(store, hash);

    entry->place = store->count < store->capacity ? store->count++ : evict_entry(cache, store);
    store->ring[entry->place] = entry;
    pthread_rwlock_wrlock(lock);
    entry->next = *bucket;
    *bucket = entry;
    pthread_rwlock_unlock(lock);
    store->inserted++;
}

/* `link` points to the entry that is to go. */
static void replace(struct cache *cache, struct store *store, uint64_t hash,
                    struct cache_entry **link, struct cache_entry *entry)
{
    pthread_rwlock_t *lock = lock_of(cache, hash);
    struct cache_entry *before = *link;

    entry->place = before->place;
    store->ring[entry->place] = entry;
    pthread_rwlock_wrlock(lock);
    entry->visited = before->visited;
    entry->next = before->next;
    *link = entry;
    pthread_rwlock_unlock(lock);
    drop_entry(store, before);
}

/* The entry to store, with a reference to the answer; NULL when out of memory. */
static struct cache_entry *entry_for(const struct p0f_addr *addr, struct host_record *record)
{
    if (record)
        return host_record_entry(host_record_ref(record));
    struct cache_entry *entry = calloc(1, sizeof *entry);
    if (entry)
        entry->addr = *addr;
    return entry;
}

bool cache_put(struct cache *cache, const struct p0f_addr *addr, struct host_record *record,
               struct mono now)
{
    uint64_t hash = hash_of(cache, addr);
    struct store *store = record ? &cache->hosts : &cache->misses;
    struct store *other = record ? &cache->misses : &cache->hosts;
    bool keeps = cache_ttl_of(cache, record) > 0 && store->capacity > 0;
    struct cache_entry *entry = keeps ? entry_for(addr, record) : NULL;

    if (!entry) {
        forget(cache, other, hash, addr);
        forget(cache, store, hash, addr);
        return false;
    }
    entry->answered = now;
    count_in(store, entry);
    struct cache_entry **link = find(store, hash, addr);
    if (*link)
        replace(cache, store, hash, link, entry);
    else
        insert(cache, store, hash, entry);
    /* Last, so that no reader finds the address in neither store. */
    forget(cache, other, hash, addr);
    return true;
}

struct cache_counts cache_counts(const struct cache *cache)
{
    return (struct cache_counts){
        .hosts = cache->hosts.count,
        .misses = cache->misses.count,
        .inserted_hosts = cache->hosts.inserted,
        .inserted_misses = cache->misses.inserted,
        .evicted_hosts = cache->hosts.evicted,
        .evicted_misses = cache->misses.evicted,
        .removed_hosts = cache->hosts.removed,
        .removed_misses = cache->misses.removed,
        .hosts_bytes = cache->hosts.bytes,
        .misses_bytes = cache->misses.bytes,
    };
}
