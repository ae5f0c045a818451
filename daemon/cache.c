/* One hash function over two stores. A store is an array of slots, chained from an array of buckets
 * by index. Both arrays are allocated whole at the start: the kernel hands out their pages as they
 * are touched, so nothing ever has to grow, move, or be rehashed under the readers.
 *
 * Readers share the lock of the stripe their bucket is in. The one writer takes that stripe for
 * itself while it links, unlinks or overwrites, so a reader never sees half an entry. */
#include "cache.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define STRIPES 64u
#define NONE UINT32_MAX
#define SWEEP_MOST 64u /* a bound on how long an eviction looks for a victim */
#define REFRESH_EVERY_MS 1000

struct slot {
    struct p0f_addr addr;             /* type 0: free */
    atomic_uchar visited;             /* since the hand last came by */
    bool incomplete;                  /* the answer's, here to spare a hit the look at it */
    uint32_t next;                    /* in the bucket's chain, or the free list */
    _Atomic uint32_t refresh_claimed; /* second in which somebody last took it on to ask again */
    struct mono answered;
    struct answer *answer;
};

struct store {
    struct slot *slots;
    uint32_t *buckets; /* holds index + 1, so that zeroed memory is empty */
    uint32_t bucket_mask;
    uint32_t capacity;
    uint32_t fresh; /* slots from here on were never used */
    uint32_t free;  /* list of slots used before */
    uint32_t hand;
    _Atomic uint32_t count;
    _Atomic uint64_t evicted;
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

static bool store_init(struct store *store, uint32_t capacity)
{
    uint32_t buckets = STRIPES; /* so that a bucket lies in one stripe */

    while (buckets < capacity && buckets < UINT32_C(1) << 31)
        buckets *= 2;
    store->slots = calloc(capacity, sizeof *store->slots);
    store->buckets = calloc(buckets, sizeof *store->buckets);
    store->bucket_mask = buckets - 1;
    store->capacity = capacity;
    store->free = NONE;
    return (store->slots || capacity == 0) && store->buckets;
}

static void store_release(struct store *store)
{
    for (uint32_t i = 0; i < store->fresh; i++)
        answer_unref(store->slots[i].answer); /* NULL in a free slot */
    free(store->slots);
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

int64_t cache_ttl_of(const struct cache *cache, const struct answer *answer)
{
    if (!answer)
        return relaxed(&cache->times.negative_ttl);
    return relaxed(answer_incomplete(answer) ? &cache->times.incomplete_ttl : &cache->times.ttl);
}

static int64_t ttl_of_slot(const struct cache *cache, const struct slot *slot)
{
    if (!slot->answer)
        return relaxed(&cache->times.negative_ttl);
    return relaxed(slot->incomplete ? &cache->times.incomplete_ttl : &cache->times.ttl);
}

static uint64_t hash_of(const struct cache *cache, const struct p0f_addr *addr)
{
    return cache->hash(&cache->key, addr, sizeof *addr);
}

static pthread_rwlock_t *lock_of(struct cache *cache, uint64_t hash)
{
    return &cache->stripes[hash % STRIPES].lock;
}

static uint32_t *bucket_of(const struct store *store, uint64_t hash)
{
    return &store->buckets[hash & store->bucket_mask];
}

static bool same_addr(const struct p0f_addr *a, const struct p0f_addr *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* The caller holds the stripe, or is the writer. */
static struct slot *find(const struct store *store, uint64_t hash, const struct p0f_addr *addr)
{
    for (uint32_t at = *bucket_of(store, hash); at != 0; at = store->slots[at - 1].next)
        if (same_addr(&store->slots[at - 1].addr, addr))
            return &store->slots[at - 1];
    return NULL;
}

static enum cache_state state_at(const struct slot *slot, const struct cache_times *times,
                                 struct mono now)
{
    struct mono expires = mono_add_ms(slot->answered, times->ttl);
    int64_t past = mono_ms_between(expires, now);

    if (mono_before(now, expires))
        return CACHE_FRESH;
    if (!slot->answer || times->ttl == 0)
        return CACHE_ABSENT;
    if (past < times->stale_while_revalidate)
        return CACHE_STALE;
    return past < times->stale_if_error ? CACHE_LAPSED : CACHE_ABSENT;
}

/* Whoever first asks in a second takes it on; so a p0f that is down is not asked for every hit. */
static bool claim_refresh(struct slot *slot, struct mono now)
{
    uint32_t second = (uint32_t)(now.ns / (REFRESH_EVERY_MS * INT64_C(1000000))) + 1;
    uint32_t claimed = atomic_load_explicit(&slot->refresh_claimed, memory_order_relaxed);

    return claimed != second &&
           atomic_compare_exchange_strong(&slot->refresh_claimed, &claimed, second);
}

static void mark_visited(struct slot *slot)
{
    /* Only a change is written: a hot entry's cache line stays shared between the threads. */
    if (!atomic_load_explicit(&slot->visited, memory_order_relaxed))
        atomic_store_explicit(&slot->visited, 1, memory_order_relaxed);
}

bool cache_get(struct cache *cache, const struct p0f_addr *addr, struct mono now,
               struct cache_hit *hit)
{
    uint64_t hash = hash_of(cache, addr);
    pthread_rwlock_t *lock = lock_of(cache, hash);

    hit->state = CACHE_ABSENT;
    hit->answer = NULL;
    hit->refresh = false;
    hit->times = cache_times(cache);
    pthread_rwlock_rdlock(lock);
    struct slot *slot = find(&cache->hosts, hash, addr);
    if (!slot)
        slot = find(&cache->misses, hash, addr);
    if (slot) {
        hit->answered = slot->answered;
        hit->times.ttl = ttl_of_slot(cache, slot);
        hit->state = state_at(slot, &hit->times, now);
        if (hit->state != CACHE_ABSENT) {
            mark_visited(slot);
            hit->answer = slot->answer ? answer_ref(slot->answer) : NULL;
        }
        if (hit->state == CACHE_STALE)
            hit->refresh = claim_refresh(slot, now);
    }
    pthread_rwlock_unlock(lock);
    return hit->state != CACHE_ABSENT;
}

/* Unlinks and empties `slot`; it is the caller's then, in no list. */
static void take_out(struct cache *cache, struct store *store, struct slot *slot)
{
    uint64_t hash = hash_of(cache, &slot->addr);
    pthread_rwlock_t *lock = lock_of(cache, hash);
    uint32_t self = (uint32_t)(slot - store->slots) + 1;

    pthread_rwlock_wrlock(lock);
    uint32_t *link = bucket_of(store, hash);
    while (*link != self)
        link = &store->slots[*link - 1].next;
    *link = slot->next;
    pthread_rwlock_unlock(lock);
    answer_unref(slot->answer);
    memset(slot, 0, sizeof *slot);
    atomic_fetch_sub(&store->count, 1);
}

static struct slot *evict(struct cache *cache, struct store *store)
{
    struct slot *slot;

    for (unsigned looked = 0;; looked++) {
        slot = &store->slots[store->hand];
        store->hand = (store->hand + 1) % store->capacity;
        if (looked >= SWEEP_MOST || !atomic_exchange(&slot->visited, 0))
            break;
    }
    take_out(cache, store, slot);
    atomic_fetch_add(&store->evicted, 1);
    return slot;
}

/* An empty slot in no list; only called on a store with a capacity. */
static struct slot *slot_for_new(struct cache *cache, struct store *store)
{
    if (store->free != NONE) {
        struct slot *slot = &store->slots[store->free];
        store->free = slot->next;
        return slot;
    }
    if (store->fresh < store->capacity)
        return &store->slots[store->fresh++];
    return evict(cache, store);
}

static void forget(struct cache *cache, struct store *store, uint64_t hash,
                   const struct p0f_addr *addr)
{
    struct slot *slot = find(store, hash, addr);

    if (!slot)
        return;
    take_out(cache, store, slot);
    slot->next = store->free;
    store->free = (uint32_t)(slot - store->slots);
}

static void insert(struct cache *cache, struct store *store, uint64_t hash,
                   const struct p0f_addr *addr, struct answer *answer, struct mono now)
{
    struct slot *slot = slot_for_new(cache, store);
    pthread_rwlock_t *lock = lock_of(cache, hash);
    uint32_t *bucket = bucket_of(store, hash);

    pthread_rwlock_wrlock(lock);
    slot->addr = *addr;
    slot->answered = now;
    slot->answer = answer;
    slot->incomplete = answer && answer_incomplete(answer);
    slot->next = *bucket;
    *bucket = (uint32_t)(slot - store->slots) + 1;
    pthread_rwlock_unlock(lock);
    atomic_fetch_add(&store->count, 1);
}

static void replace(struct cache *cache, struct slot *slot, uint64_t hash, struct answer *answer,
                    struct mono now)
{
    pthread_rwlock_t *lock = lock_of(cache, hash);
    struct answer *before = slot->answer;

    pthread_rwlock_wrlock(lock);
    slot->answered = now;
    slot->answer = answer;
    slot->incomplete = answer && answer_incomplete(answer);
    pthread_rwlock_unlock(lock);
    answer_unref(before);
}

bool cache_put(struct cache *cache, const struct p0f_addr *addr, struct answer *answer,
               struct mono now)
{
    uint64_t hash = hash_of(cache, addr);
    struct store *store = answer ? &cache->hosts : &cache->misses;
    struct store *other = answer ? &cache->misses : &cache->hosts;

    if (cache_ttl_of(cache, answer) == 0 || store->capacity == 0) {
        forget(cache, other, hash, addr);
        forget(cache, store, hash, addr);
        return false;
    }
    if (answer)
        answer_ref(answer);
    struct slot *slot = find(store, hash, addr);
    if (slot)
        replace(cache, slot, hash, answer, now);
    else
        insert(cache, store, hash, addr, answer, now);
    /* Last, so that no reader finds the address in neither store. */
    forget(cache, other, hash, addr);
    return true;
}

struct cache_counts cache_counts(const struct cache *cache)
{
    return (struct cache_counts){
        .hosts = cache->hosts.count,
        .misses = cache->misses.count,
        .evicted_hosts = cache->hosts.evicted,
        .evicted_misses = cache->misses.evicted,
    };
}
