/* SPDX-License-Identifier: MIT */
/* A keyed hash, since strangers choose the keys of our tables: without the secret nobody can aim
 * many addresses at one bucket. */
#ifndef CORE_HASH_H
#define CORE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
    uint64_t k0, k1;
};

/* A function of this shape can be handed to the tables instead (tests force collisions so). */
typedef uint64_t hash_fn(const struct hash_key *key, const void *data, size_t length);

/* A secret from the kernel. */
struct hash_key hash_key_random(void);

/* SipHash-1-3 (Aumasson, Bernstein: "SipHash: a fast short-input PRF"), the variant made for hash
 * tables. Little-endian machines only, as all that Debian runs p0f on. Pure. */
uint64_t hash_sip(const struct hash_key *key, const void *data, size_t length);

#endif
