/* SPDX-License-Identifier: MIT */
#include "core/hash.h"

#include <string.h>
#include <sys/random.h>

struct hash_key hash_key_random(void)
{
    struct hash_key key = {0};

    /* Up to 256 bytes are never returned short. */
    while (getrandom(&key, sizeof key, 0) != (ssize_t)sizeof key)
        ;
    return key;
}

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v2 = rotate(s->v2, 32);
}

static inline void sip_word(struct sip *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    s->v0 ^= word;
}

uint64_t hash_sip(const struct hash_key *key, const void *data, size_t length)
{
    struct sip s = {
        .v0 = key->k0 ^ 0x736f6d6570736575u,
        .v1 = key->k1 ^ 0x646f72616e646f6du,
        .v2 = key->k0 ^ 0x6c7967656e657261u,
        .v3 = key->k1 ^ 0x7465646279746573u,
    };
    const uint8_t *in = data;
    size_t left = length;
    uint64_t word;

    for (; left >= 8; left -= 8, in += 8) {
        memcpy(&word, in, 8);
        sip_word(&s, word);
    }
    word = 0;
    memcpy(&word, in, left);
    sip_word(&s, word | (uint64_t)length << 56);
    s.v2 ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
