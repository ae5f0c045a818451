/* SPDX-License-Identifier: MIT */
#include "http/eviction.h"

#include <stdlib.h>

#define LOOKS 64 /* connections sampled to choose one */

struct slot {
    struct connection *connection; /* NULL: none, or not entered yet */
    uint32_t client;               /* its number in `counts`; 0: not counted */
};

struct eviction {
    struct client_counts *counts;
    struct slot *slots; /* by descriptor; pages are not touched before they are needed */
    uint32_t count;
    uint32_t top; /* above all slots that have been in use */
    uint64_t random;
};

struct eviction *eviction_new(uint32_t descriptors, const struct hash_key *key)
{
    struct eviction *eviction = calloc(1, sizeof *eviction);

    if (!eviction)
        return NULL;
    eviction->count = descriptors;
    eviction->random = key->k0 | 1;
    eviction->slots = calloc(descriptors, sizeof *eviction->slots);
    eviction->counts = client_counts_new(descriptors, key); /* each that is counted has a slot */
    if (!eviction->slots || !eviction->counts) {
        eviction_free(eviction);
        return NULL;
    }
    return eviction;
}

void eviction_free(struct eviction *eviction)
{
    if (!eviction)
        return;
    client_counts_free(eviction->counts);
    free(eviction->slots);
    free(eviction);
}

/* ---- Connections */

/* NULL: none for that descriptor. */
static struct slot *slot_of(struct eviction *eviction, int fd)
{
    return fd >= 0 && (uint32_t)fd < eviction->count ? &eviction->slots[fd] : NULL;
}

struct client_weight eviction_expect(struct eviction *eviction, int fd,
                                     const struct p0f_addr *client)
{
    struct slot *slot = slot_of(eviction, fd);

    eviction_remove(eviction, fd);
    if (slot && (uint32_t)fd >= eviction->top)
        eviction->top = (uint32_t)fd + 1;
    if (slot && client)
        slot->client = client_counts_add(eviction->counts, client);
    return client_counts_weight(eviction->counts, slot ? slot->client : 0);
}

void eviction_add(struct eviction *eviction, struct connection *connection)
{
    struct slot *slot = slot_of(eviction, connection->fd);

    if (slot)
        slot->connection = connection;
}

void eviction_remove(struct eviction *eviction, int fd)
{
    struct slot *slot = slot_of(eviction, fd);

    if (!slot)
        return;
    client_counts_remove(eviction->counts, slot->client);
    *slot = (struct slot){.client = 0};
}

/* ---- Choosing */

static struct victim weigh_slot(const struct eviction *eviction, const struct slot *slot,
                                uint32_t second)
{
    const struct connection *connection = slot->connection;

    return (struct victim){
        .connection = slot->connection,
        .weight = client_counts_weight(eviction->counts, slot->client),
        .idle = !atomic_load_explicit(&connection->busy, memory_order_relaxed),
        .awaited_for = connection_awaited_for(connection, second),
    };
}

/* Whether it should be closed rather than the other. */
static bool goes_before(const struct victim *victim, const struct victim *other)
{
    int heavier = client_weight_compare(&victim->weight, &other->weight);

    if (heavier != 0)
        return heavier > 0;
    if (victim->idle != other->idle)
        return victim->idle;
    return victim->awaited_for > other->awaited_for;
}

/* xorshift64 (Marsaglia: "Xorshift RNGs") */
static uint32_t random_below(struct eviction *eviction, uint32_t bound)
{
    eviction->random ^= eviction->random << 13;
    eviction->random ^= eviction->random >> 7;
    eviction->random ^= eviction->random << 17;
    return (uint32_t)(eviction->random >> 32) % bound;
}

struct victim eviction_choose(struct eviction *eviction, uint32_t second)
{
    uint32_t step = eviction->top / LOOKS + 1;
    struct victim chosen = {.connection = NULL};

    for (uint32_t at = 0; at < eviction->top; at += step) {
        uint32_t fd = at + random_below(eviction, step);
        if (fd >= eviction->top || !eviction->slots[fd].connection)
            continue;
        struct victim victim = weigh_slot(eviction, &eviction->slots[fd], second);
        if (!chosen.connection || goes_before(&victim, &chosen))
            chosen = victim;
    }
    return chosen;
}
