/* SPDX-License-Identifier: MIT */
#include "lookup/flight.h"

#include <stdlib.h>
#include <string.h>

struct flights {
    struct hash_key key;
    hash_fn *hash;
    uint32_t count;
    uint32_t mask;
    LIST_HEAD(bucket, flight) buckets[];
};

struct flights *flights_new(uint32_t expected, struct hash_key key, hash_fn *hash)
{
    uint32_t buckets = 64;

    while (buckets < expected && buckets < UINT32_C(1) << 31)
        buckets *= 2;
    struct flights *flights = calloc(1, sizeof *flights + (size_t)buckets * sizeof(struct bucket));
    if (!flights)
        return NULL;
    flights->key = key;
    flights->hash = hash ? hash : hash_sip;
    flights->mask = buckets - 1;
    return flights;
}

void flights_free(struct flights *flights)
{
    free(flights);
}

static struct bucket *bucket_of(const struct flights *flights, const struct p0f_addr *addr)
{
    uint64_t hash = flights->hash(&flights->key, addr, sizeof *addr);

    return (struct bucket *)&flights->buckets[hash & flights->mask];
}

struct flight *flights_find(const struct flights *flights, const struct p0f_addr *addr)
{
    struct flight *flight;

    LIST_FOREACH(flight, bucket_of(flights, addr), link)
        if (memcmp(&flight->addr, addr, sizeof *addr) == 0)
            break;
    return flight;
}

struct flight *flights_any(const struct flights *flights)
{
    uint32_t bucket = 0;

    while (flights->count > 0 && LIST_EMPTY(&flights->buckets[bucket]))
        bucket++;
    return flights->count > 0 ? LIST_FIRST(&flights->buckets[bucket]) : NULL;
}

void flights_add(struct flights *flights, struct flight *flight, const struct p0f_addr *addr)
{
    flight->addr = *addr;
    TAILQ_INIT(&flight->waiters);
    LIST_INSERT_HEAD(bucket_of(flights, addr), flight, link);
    flights->count++;
}

void flights_remove(struct flights *flights, struct flight *flight)
{
    LIST_REMOVE(flight, link);
    flights->count--;
}

uint32_t flights_count(const struct flights *flights)
{
    return flights->count;
}

void flight_join(struct flight *flight, struct waiter *waiter)
{
    waiter->flight = flight;
    TAILQ_INSERT_TAIL(&flight->waiters, waiter, link);
}

void flight_leave(struct waiter *waiter)
{
    TAILQ_REMOVE(&waiter->flight->waiters, waiter, link);
    waiter->flight = NULL;
}

struct waiter *flight_take_first(struct flight *flight)
{
    struct waiter *waiter = TAILQ_FIRST(&flight->waiters);

    if (waiter)
        flight_leave(waiter);
    return waiter;
}
