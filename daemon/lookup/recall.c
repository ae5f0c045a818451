/* SPDX-License-Identifier: MIT */
#include "lookup/recall.h"

#include "core/metrics.h"
#include "lookup/recall_entry.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/param.h>

#define REFRESH_EVERY_MS 1000

/* Hosts first: that is where cache_get() looks first. */
enum { HOSTS, MISSES };

/* The settings, each by itself atomic: a reader may see one changed before another. */
struct live_times {
    _Atomic int64_t ttl, incomplete_ttl, negative_ttl, stale_while_revalidate, stale_if_error;
};

struct recall {
    struct cache *cache;
    struct live_times times;
    _Atomic int64_t
        newest[RECALL_INCOMPLETE + 1]; /* boottime of the last recall_put() of each kind */
};

static struct recall_entry *entry_of(struct cache_entry *cached)
{
    return (struct recall_entry *)cached;
}

static void free_entry(struct cache_entry *cached)
{
    if (entry_of(cached)->kind == RECALL_NO_MATCH)
        free(cached);
    else
        host_record_unref(host_record_of_entry(entry_of(cached)));
}

struct recall *recall_new(const struct recall_options *options)
{
    struct recall *recall = calloc(1, sizeof *recall);

    if (!recall)
        return NULL;
    recall->cache = cache_new(&(struct cache_options){
        .capacity = {[HOSTS] = options->max_hosts, [MISSES] = options->max_misses},
        .key = options->key,
        .hash = options->hash,
        .free = free_entry,
    });
    if (!recall->cache) {
        free(recall);
        errno = ENOMEM;
        return NULL;
    }
    recall_set_times(recall, &options->times);
    return recall;
}

void recall_free(struct recall *recall)
{
    if (!recall)
        return;
    cache_free(recall->cache);
    free(recall);
}

const struct cache *recall_cache(const struct recall *recall)
{
    return recall->cache;
}

/* ---- Times */

void recall_set_times(struct recall *recall, const struct recall_times *times)
{
    recall->times.ttl = times->ttl;
    recall->times.incomplete_ttl = MIN(times->incomplete_ttl, times->ttl);
    recall->times.negative_ttl = times->negative_ttl;
    recall->times.stale_while_revalidate = times->stale_while_revalidate;
    recall->times.stale_if_error = times->stale_if_error;
}

static int64_t relaxed(const _Atomic int64_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

struct recall_times recall_times(const struct recall *recall)
{
    return (struct recall_times){
        .ttl = relaxed(&recall->times.ttl),
        .incomplete_ttl = relaxed(&recall->times.incomplete_ttl),
        .negative_ttl = relaxed(&recall->times.negative_ttl),
        .stale_while_revalidate = relaxed(&recall->times.stale_while_revalidate),
        .stale_if_error = relaxed(&recall->times.stale_if_error),
    };
}

static int64_t ttl_of(const struct recall_times *times, enum recall_kind kind)
{
    switch (kind) {
    case RECALL_NO_MATCH:
        return times->negative_ttl;
    case RECALL_HOST:
        break;
    case RECALL_INCOMPLETE:
        return times->incomplete_ttl;
    }
    return times->ttl;
}

static enum recall_kind record_kind(struct host_record *record)
{
    return record ? host_record_entry(record)->kind : RECALL_NO_MATCH;
}

static enum recall_state state_at(const struct recall_entry *entry,
                                  const struct recall_times *times, struct boottime now)
{
    struct boottime expires = boottime_add_ms(entry->answered, times->ttl);
    int64_t past = boottime_ms_between(expires, now);

    if (boottime_before(now, expires))
        return RECALL_FRESH;
    if (times->ttl == 0)
        return RECALL_ABSENT;
    if (entry->kind == RECALL_NO_MATCH)
        return RECALL_EXPIRED;
    if (past < times->stale_while_revalidate)
        return RECALL_STALE;
    return past < times->stale_if_error ? RECALL_LAPSED : RECALL_EXPIRED;
}

/* The first caller in each second: so a p0f that is down is not asked for every hit. */
static bool claim_refresh(struct recall_entry *entry, struct boottime now)
{
    uint32_t second = (uint32_t)(now.ns / (REFRESH_EVERY_MS * INT64_C(1000000))) + 1;
    uint32_t claimed = atomic_load_explicit(&entry->refresh_claimed, memory_order_relaxed);

    return claimed != second &&
           atomic_compare_exchange_strong(&entry->refresh_claimed, &claimed, second);
}

/* ---- Answers of p0f */

struct look {
    struct recall_hit *hit;
    struct boottime now;
};

static bool look_at(void *ctx, struct cache_entry *cached)
{
    const struct look *look = ctx;
    struct recall_entry *entry = entry_of(cached);
    struct recall_hit *hit = look->hit;

    hit->answered = entry->answered;
    hit->times.ttl = ttl_of(&hit->times, entry->kind);
    hit->state = state_at(entry, &hit->times, look->now);
    if (hit->state == RECALL_ABSENT || hit->state == RECALL_EXPIRED)
        return false;
    if (entry->kind != RECALL_NO_MATCH)
        hit->record = host_record_ref(host_record_of_entry(entry));
    if (hit->state == RECALL_STALE)
        hit->refresh = claim_refresh(entry, look->now);
    return true;
}

bool recall_get(struct recall *recall, const struct p0f_addr *addr, struct boottime now,
                struct recall_hit *hit)
{
    struct look look = {.hit = hit, .now = now};

    hit->state = RECALL_ABSENT;
    hit->record = NULL;
    hit->refresh = false;
    hit->times = recall_times(recall);
    return cache_get(recall->cache, addr, look_at, &look) || hit->state != RECALL_ABSENT;
}

/* For one reference to the record. NULL when out of memory. */
static struct recall_entry *new_entry(const struct p0f_addr *addr, struct host_record *record)
{
    if (record)
        return host_record_entry(host_record_ref(record));
    struct recall_entry *entry = calloc(1, sizeof *entry);
    if (entry)
        entry->cached = (struct cache_entry){.size = sizeof *entry, .addr = *addr, .store = MISSES};
    return entry;
}

bool recall_put(struct recall *recall, const struct p0f_addr *addr, struct host_record *record,
                struct boottime answered)
{
    struct recall_times times = recall_times(recall);
    bool keeps = ttl_of(&times, record_kind(record)) > 0;
    struct recall_entry *entry = keeps ? new_entry(addr, record) : NULL;

    if (!entry) {
        cache_remove(recall->cache, addr);
        return false;
    }
    entry->answered = answered;
    atomic_store_explicit(&recall->newest[entry->kind], answered.ns, memory_order_relaxed);
    return cache_put(recall->cache, &entry->cached);
}

/* Without a look at the entries: the newest may have been evicted since, or replaced by a "no match". */
bool recall_has_servable(const struct recall *recall, struct boottime now)
{
    struct recall_times times = recall_times(recall);
    int64_t beyond = MAX(times.stale_while_revalidate, times.stale_if_error);

    if (cache_counts(recall->cache, HOSTS).entries == 0)
        return false;
    for (enum recall_kind kind = RECALL_HOST; kind <= RECALL_INCOMPLETE; kind++) {
        struct boottime newest = {relaxed(&recall->newest[kind])};
        int64_t ttl = ttl_of(&times, kind);
        if (newest.ns != 0 && ttl > 0 &&
            boottime_before(now, boottime_add_ms(newest, ttl + beyond)))
            return true;
    }
    return false;
}

/* ---- Requests */

/* Takes the hit's reference over. */
static void take(struct lookup_request *request, const struct recall_hit *hit, struct boottime now)
{
    request->outcome = hit->record ? LOOKUP_FOUND : LOOKUP_NO_MATCH;
    request->record = hit->record;
    request->freshness = (struct freshness){
        .source = FRESHNESS_HIT,
        .age_ms = boottime_ms_between(hit->answered, now),
        .ttl_ms = hit->times.ttl,
        .stale_while_revalidate_ms = hit->record ? hit->times.stale_while_revalidate : 0,
        .stale_if_error_ms = hit->record ? hit->times.stale_if_error : 0,
    };
}

static bool is_new_enough(const struct lookup_request *request, const struct recall_hit *hit,
                          struct boottime now)
{
    return request->max_age_ms == LOOKUP_MAX_AGE_UNSET ||
           boottime_before(now, boottime_add_ms(hit->answered, request->max_age_ms));
}

/* A client that says how long it waits for its host wants p0f asked, not a "no match" from the cache. */
static bool satisfies(const struct lookup_request *request, const struct recall_hit *hit,
                      struct boottime now)
{
    if (!hit->record && (request->wait_ms > 0 || request->here_now))
        return false;
    return (hit->state == RECALL_FRESH || hit->state == RECALL_STALE) &&
           is_new_enough(request, hit, now);
}

bool recall_answer(struct recall *recall, struct lookup_request *request, struct boottime now,
                   bool *refresh)
{
    struct recall_hit hit;

    *refresh = false;
    request->record = NULL;
    request->freshness = (struct freshness){.source = FRESHNESS_MISS};
    if (!recall_get(recall, &request->addr, now, &hit))
        return false;
    if (satisfies(request, &hit, now)) {
        take(request, &hit, now);
        *refresh = hit.refresh;
        return true;
    }
    request->freshness.source = hit.state == RECALL_FRESH ? FRESHNESS_REQUEST : FRESHNESS_EXPIRED;
    host_record_unref(hit.record);
    return false;
}

typedef bool accept_fn(const struct lookup_request *request, const struct recall_hit *hit,
                       struct boottime now);

static bool answer_if(struct recall *recall, struct lookup_request *request, struct boottime now,
                      accept_fn *accept)
{
    struct recall_hit hit;

    if (!recall_get(recall, &request->addr, now, &hit))
        return false;
    if (accept(request, &hit, now)) {
        take(request, &hit, now);
        return true;
    }
    host_record_unref(hit.record);
    return false;
}

static bool satisfies_fresh(const struct lookup_request *request, const struct recall_hit *hit,
                            struct boottime now)
{
    return hit->state == RECALL_FRESH && satisfies(request, hit, now);
}

bool recall_arrived(struct recall *recall, struct lookup_request *request, struct boottime now)
{
    enum freshness_source source = request->freshness.source;

    if (!answer_if(recall, request, now, satisfies_fresh))
        return false;
    request->freshness.source = source;
    request->freshness.collapsed = true;
    return true;
}

static bool is_servable(const struct lookup_request *request, const struct recall_hit *hit,
                        struct boottime now)
{
    (void)request, (void)now;
    return hit->state == RECALL_FRESH || hit->state == RECALL_STALE;
}

bool recall_limited(struct recall *recall, struct lookup_request *request, struct boottime now)
{
    if (!answer_if(recall, request, now, is_servable))
        return false;
    request->freshness.rate_limited = true;
    metrics_count(METRIC_REPEATS_REMEMBERED);
    return true;
}

static bool is_host_new_enough(const struct lookup_request *request, const struct recall_hit *hit,
                               struct boottime now)
{
    return hit->record && is_new_enough(request, hit, now);
}

bool recall_fallback(struct recall *recall, struct lookup_request *request, struct boottime now)
{
    return answer_if(recall, request, now, is_host_new_enough);
}

void recall_fill(const struct recall *recall, struct lookup_request *request,
                 struct host_record *record, bool stored, struct boottime answered,
                 struct boottime now)
{
    struct recall_times times = recall_times(recall);
    struct freshness *freshness = &request->freshness;

    request->outcome = record ? LOOKUP_FOUND : LOOKUP_NO_MATCH;
    request->record = record ? host_record_ref(record) : NULL;
    freshness->stored = stored;
    freshness->age_ms = boottime_ms_between(answered, now);
    freshness->ttl_ms = ttl_of(&times, record_kind(record));
    if (record && stored) {
        freshness->stale_while_revalidate_ms = times.stale_while_revalidate;
        freshness->stale_if_error_ms = times.stale_if_error;
    }
}

/* ---- Counts */

struct recall_counts recall_counts(const struct recall *recall)
{
    struct cache_counts hosts = cache_counts(recall->cache, HOSTS);
    struct cache_counts misses = cache_counts(recall->cache, MISSES);

    return (struct recall_counts){
        .hosts = hosts.entries,
        .misses = misses.entries,
        .inserted_hosts = hosts.inserted,
        .inserted_misses = misses.inserted,
        .evicted_hosts = hosts.evicted,
        .evicted_misses = misses.evicted,
        .removed_hosts = hosts.removed,
        .removed_misses = misses.removed,
        .hosts_bytes = hosts.bytes,
        .misses_bytes = misses.bytes,
    };
}
