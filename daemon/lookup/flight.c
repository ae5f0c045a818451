/* SPDX-License-Identifier: MIT */
#include "lookup/flight.h"

#include <stdlib.h>
#include <string.h>

struct flights {
    struct hash_key key;
    hash_fn *hash;
    uint32_t count;
    uint32_t mask;
    struct flight *buckets[];
};

struct flights *flights_new(uint32_t expected, struct hash_key key, hash_fn *hash)
{
    uint32_t buckets = 64;

    while (buckets < expected && buckets < UINT32_C(1) << 31)
        buckets *= 2;
    struct flights *flights =
        calloc(1, sizeof *flights + (size_t)buckets * sizeof(struct flight *));
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

/* Where the pointer to the flight for `addr` is, or would be. */
static struct flight **find_link(const struct flights *flights, const struct p0f_addr *addr)
{
    uint64_t hash = flights->hash(&flights->key, addr, sizeof *addr);
    struct flight *const *at = &flights->buckets[hash & flights->mask];

    while (*at && memcmp(&(*at)->addr, addr, sizeof *addr) != 0)
        at = &(*at)->next;
    return (struct flight **)at;
}

struct flight *flights_find(const struct flights *flights, const struct p0f_addr *addr)
{
    return *find_link(flights, addr);
}

void flights_add(struct flights *flights, struct flight *flight, const struct p0f_addr *addr)
{
    *flight = (struct flight){.addr = *addr};
    *find_link(flights, addr) = flight;
    flights->count++;
}

void flights_remove(struct flights *flights, struct flight *flight)
{
    *find_link(flights, &flight->addr) = flight->next;
    flights->count--;
}

uint32_t flights_count(const struct flights *flights)
{
    return flights->count;
}

void flight_join(struct flight *flight, struct waiter *waiter)
{
    *waiter = (struct waiter){.prev = flight->last, .flight = flight};
    if (flight->last)
        flight->last->next = waiter;
    else
        flight->first = waiter;
    flight->last = waiter;
}

void flight_leave(struct waiter *waiter)
{
    struct flight *flight = waiter->flight;

    if (waiter->prev)
        waiter->prev->next = waiter->next;
    else
        flight->first = waiter->next;
    if (waiter->next)
        waiter->next->prev = waiter->prev;
    else
        flight->last = waiter->prev;
    *waiter = (struct waiter){0};
}

struct waiter *flight_take_first(struct flight *flight)
{
    struct waiter *waiter = flight->first;

    if (waiter)
        flight_leave(waiter);
    return waiter;
}
