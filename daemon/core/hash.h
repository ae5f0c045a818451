/* SPDX-License-Identifier: MIT */
/* A keyed hash for tables whose keys come from clients: without the secret, nobody can choose many keys
 * that share a bucket. */
#ifndef CORE_HASH_H
#define CORE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
    uint64_t k0, k1;
};

/* The type of hash_sip(); tests pass the tables another function, to force collisions. */
typedef uint64_t hash_fn(const struct hash_key *key, const void *data, size_t length);

/* A random key from the kernel. Blocks only at boot, until the kernel's generator is seeded. */
struct hash_key hash_key_random(void);

/* SipHash-1-3 (Aumasson, Bernstein: "SipHash: a fast short-input PRF"), the variant for hash tables.
 * Only on little-endian machines are the values those of the paper. Pure. */
uint64_t hash_sip(const struct hash_key *key, const void *data, size_t length);

#endif
