/* SPDX-License-Identifier: MIT */
/* Chance from a seed: the same on every machine and in every run. */
#ifndef CHANCE_H
#define CHANCE_H

#include <stdbool.h>
#include <stdint.h>

struct chance {
    uint64_t state;
};

/* SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators"). */
static inline uint64_t chance_next(struct chance *chance)
{
    uint64_t z = chance->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* 0 to limit - 1; 0 when the limit is 0. */
static inline uint32_t chance_below(struct chance *chance, uint32_t limit)
{
    return limit ? (uint32_t)((chance_next(chance) >> 32) % limit) : 0;
}

static inline uint32_t chance_between(struct chance *chance, uint32_t min, uint32_t max)
{
    return min + chance_below(chance, max - min + 1);
}

/* In how many of a thousand cases it is true. */
static inline bool chance_permille(struct chance *chance, uint32_t permille)
{
    return chance_below(chance, 1000) < permille;
}

/* One of those named. */
#define CHANCE_ONE_OF(chance, ...)                                                                 \
    ((const uint32_t[]){__VA_ARGS__}[chance_below((chance), sizeof((uint32_t[]){__VA_ARGS__}) /    \
                                                                sizeof(uint32_t))])

#endif
