/* SPDX-License-Identifier: MIT */
#include "core/hash.h"

#include <criterion/criterion.h>
#include <string.h>

/* SipHash-c-d as the paper has it, byte by byte, to compare with. */
static void reference_rounds(uint64_t v[4], int count)
{
#define ROTATE(x, b) ((x) << (b) | (x) >> (64 - (b)))
    while (count-- > 0) {
        v[0] += v[1], v[2] += v[3];
        v[1] = ROTATE(v[1], 13), v[3] = ROTATE(v[3], 16);
        v[1] ^= v[0], v[3] ^= v[2];
        v[0] = ROTATE(v[0], 32);
        v[2] += v[1], v[0] += v[3];
        v[1] = ROTATE(v[1], 17), v[3] = ROTATE(v[3], 21);
        v[1] ^= v[2], v[3] ^= v[0];
        v[2] = ROTATE(v[2], 32);
    }
}

static uint64_t reference(int c, int d, struct hash_key key, const uint8_t *in, size_t length)
{
    uint64_t v[4];
    const char *name = "somepseudorandomlygeneratedbytes";

    for (int i = 0; i < 4; i++) {
        v[i] = 0;
        for (int j = 0; j < 8; j++)
            v[i] = v[i] << 8 | (uint8_t)name[8 * i + j];
        v[i] ^= i % 2 ? key.k1 : key.k0;
    }
    for (size_t at = 0; at <= length / 8; at++) {
        uint64_t word = at == length / 8 ? (uint64_t)length << 56 : 0;

        for (size_t j = 0; j < 8 && 8 * at + j < length; j++)
            word |= (uint64_t)in[8 * at + j] << (8 * j);
        v[3] ^= word;
        reference_rounds(v, c);
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    reference_rounds(v, d);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static const struct hash_key paper_key = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};

/* The example of the paper's appendix A, which is SipHash-2-4: it vouches for the reference. */
Test(hash, reference_computes_the_papers_example)
{
    uint8_t in[15];

    for (uint8_t i = 0; i < sizeof in; i++)
        in[i] = i;
    cr_assert_eq(reference(2, 4, paper_key, in, sizeof in), 0xa129ca6149be45e5u);
}

Test(hash, is_siphash_1_3_at_every_length_and_alignment)
{
    uint8_t in[80];

    for (uint8_t i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)(i * 37 + 200);
    for (size_t from = 0; from < 8; from++)
        for (size_t length = 0; from + length <= sizeof in; length++)
            cr_assert_eq(hash_sip(&paper_key, in + from, length),
                         reference(1, 3, paper_key, in + from, length), "%zu bytes from %zu",
                         length, from);
}

Test(hash, counts_the_length)
{
    static uint8_t zeros[300];

    cr_assert_eq(hash_sip(&paper_key, zeros, 256), reference(1, 3, paper_key, zeros, 256));
    for (size_t length = 1; length < 64; length++)
        cr_assert_neq(hash_sip(&paper_key, zeros, length), hash_sip(&paper_key, zeros, length - 1));
}

Test(hash, depends_on_both_halves_of_the_key)
{
    struct hash_key other0 = paper_key, other1 = paper_key;
    uint64_t hash = hash_sip(&paper_key, "abc", 3);

    other0.k0 ^= 1;
    other1.k1 ^= 1;
    cr_assert_neq(hash_sip(&other0, "abc", 3), hash);
    cr_assert_neq(hash_sip(&other1, "abc", 3), hash);
    cr_assert_neq(hash_sip(&other0, "abc", 3), hash_sip(&other1, "abc", 3));
    cr_assert_eq(hash_sip(&paper_key, "abc", 3), hash);
}

Test(hash, depends_on_every_bit)
{
    uint8_t in[17] = {0};
    uint64_t hash = hash_sip(&paper_key, in, sizeof in);

    for (unsigned bit = 0; bit < 8 * sizeof in; bit++) {
        in[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_assert_neq(hash_sip(&paper_key, in, sizeof in), hash, "bit %u", bit);
        in[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

Test(hash, random_keys_differ)
{
    struct hash_key a = hash_key_random(), b = hash_key_random();

    cr_assert_neq(a.k0, b.k0);
    cr_assert_neq(a.k1, b.k1);
    cr_assert_neq(a.k0, a.k1);
}
