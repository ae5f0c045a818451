/* SPDX-License-Identifier: MIT */
/* A set-associative table. An entry is known by the keyed hash of host and sensor alone, for which nobody can
 * find a collision. It lives in the set that the hash selects, in place of the oldest entry there. An entry that
 * is forgotten too early only costs one more write. */
#include "share/written.h"

#include <stdlib.h>
#include <string.h>

#define WAYS 16u
#define SENSOR_MAX 127 /* bytes of a name that are compared */

struct slot {
    uint64_t hash; /* of address and sensor; 0: free */
    uint64_t digest;
    struct mono at;
};

struct set {
    struct slot slots[WAYS];
};

struct written {
    struct hash_key key;
    uint64_t set_mask;
    uint32_t count;
    struct set *sets;
};

struct written *written_new(uint32_t hosts, struct hash_key key)
{
    struct written *written = calloc(1, sizeof *written);
    uint64_t sets = 1;

    if (!written)
        return NULL;
    /* Twice as many slots as hosts, so that hardly any set overflows. */
    while (sets * WAYS < 2 * (uint64_t)hosts)
        sets *= 2;
    written->key = key;
    written->set_mask = sets - 1;
    written->sets = calloc(sets, sizeof(struct set));
    if (written->sets)
        return written;
    free(written);
    return NULL;
}

void written_free(struct written *written)
{
    if (!written)
        return;
    free(written->sets);
    free(written);
}

static uint64_t written_hash(const struct written *written, const struct p0f_addr *addr,
                             const char *sensor)
{
    char name[sizeof *addr + SENSOR_MAX];
    size_t length = strnlen(sensor, SENSOR_MAX);

    memcpy(name, addr, sizeof *addr);
    memcpy(name + sizeof *addr, sensor, length);
    uint64_t hash = hash_sip(&written->key, name, sizeof *addr + length);
    return hash ? hash : 1;
}

/* Of all fields but those that each visit changes; packed for the wire, so that padding does not count. */
static uint64_t written_digest(const struct written *written, const struct p0f_host *host)
{
    struct p0f_answer answer = {.status = P0F_STATUS_OK, .host = *host};
    enum p0f_dialect dialect = host->dialect;
    uint8_t packed[P0F_ANSWER_MAX];

    answer.host.last_seen = answer.host.total_conn = answer.host.uptime_min = 0;
    if (dialect == P0F_DIALECT_SIG || dialect == P0F_DIALECT_AUTO)
        dialect = P0F_DIALECT_P0F3; /* the same to us */
    return hash_sip(&written->key, packed, p0f_answer_pack(&answer, dialect, packed));
}

/* The slot with this hash; if there is none, the one to reuse. */
static struct slot *written_slot(const struct written *written, uint64_t hash)
{
    struct slot *slots = written->sets[hash & written->set_mask].slots, *oldest = slots;

    for (struct slot *slot = slots; slot < slots + WAYS; slot++) {
        if (slot->hash == hash)
            return slot;
        if (oldest->hash != 0 && (slot->hash == 0 || mono_before(slot->at, oldest->at)))
            oldest = slot;
    }
    return oldest;
}

bool written_due(struct written *written, const struct p0f_addr *addr, const char *sensor,
                 const struct p0f_host *host, struct mono now, int64_t interval_ms)
{
    uint64_t hash = written_hash(written, addr, sensor), digest = written_digest(written, host);
    struct slot *slot = written_slot(written, hash);

    if (slot->hash == hash && slot->digest == digest &&
        mono_before(now, mono_add_ms(slot->at, interval_ms)))
        return false;
    written->count += slot->hash == 0;
    *slot = (struct slot){.hash = hash, .digest = digest, .at = now};
    return true;
}

void written_forget(struct written *written, const struct p0f_addr *addr, const char *sensor)
{
    uint64_t hash = written_hash(written, addr, sensor);
    struct slot *slot = written_slot(written, hash);

    if (slot->hash != hash)
        return;
    *slot = (struct slot){0};
    written->count--;
}

uint32_t written_count(const struct written *written)
{
    return written->count;
}
