#include "p0f/flow.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <string.h>

static const struct hash_key key = {1, 2};

static struct flow asker_from(const char *text)
{
    struct p0f_addr addr;

    cr_assert_eq(p0f_addr_parse(text, strlen(text), &addr), P0F_OK);
    struct flow asker = asker_of(&key, &addr), again = asker_of(&key, &addr);
    cr_assert_arr_eq(&asker, &again, sizeof asker, "%s is not always the same", text);
    return asker;
}

static unsigned asker(const char *text)
{
    return asker_from(text).numbers[0];
}

Test(asker, without_an_address_is_nameless)
{
    struct flow nameless = asker_of(&key, NULL);

    cr_assert_eq(nameless.numbers[0], ASKER_NAMELESS);
    cr_assert_eq(nameless.widths, 1);
}

Test(asker, each_address_is_one_of_its_own)
{
    cr_assert_neq(asker("192.0.2.1"), asker("192.0.2.2"));
    cr_assert_neq(asker("192.0.2.1"), asker("193.0.2.1"));
    cr_assert_neq(asker("c000:201::"), asker("192.0.2.1"), "an IPv6 address of the same bytes");
    cr_assert_eq(asker("::ffff:192.0.2.1"), asker("192.0.2.1"));
}

Test(asker, of_ipv6_is_the_network)
{
    cr_assert_eq(asker("2001:db8::1"), asker("2001:db8::2"));
    cr_assert_eq(asker("2001:db8::1"), asker("2001:db8:0:0:ffff:ffff:ffff:ffff"));
    cr_assert_neq(asker("2001:db8::1"), asker("2001:db8:0:1::1"));
}

static void expect_same(const char *one, const char *other, unsigned narrowest)
{
    struct flow a = asker_from(one), b = asker_from(other);

    cr_assert_eq(a.widths, ASKER_WIDTHS);
    for (unsigned width = 0; width < ASKER_WIDTHS; width++)
        cr_assert_eq(a.numbers[width] == b.numbers[width], width >= narrowest,
                     "%s and %s at width %u", one, other, width);
}

Test(asker, of_ipv6_has_a_number_for_each_network_it_may_be)
{
    expect_same("2001:db8:1::1", "2001:db8:1::2", ASKER_64);
    expect_same("2001:db8:1::1", "2001:db8:1:ff::1", ASKER_56);
    expect_same("2001:db8:1::1", "2001:db8:1:100::1", ASKER_48);
    expect_same("2001:db8:1::1", "2001:db8:1:ffff::1", ASKER_48);
    expect_same("2001:db8:1::1", "2001:db8:2::1", ASKER_WIDTHS);
    struct flow first = asker_from("2001:db8:1::1");
    cr_assert_neq(first.numbers[ASKER_64], first.numbers[ASKER_56]);
    cr_assert_neq(first.numbers[ASKER_56], first.numbers[ASKER_48]);
    cr_assert_eq(asker_from("192.0.2.1").widths, 1);
}

/* How many of these are nobody's, when so many strangers come. */
Test(asker, strangers_spread_over_all_numbers_that_are_theirs)
{
    static bool seen[ASKERS];
    unsigned missing = 0;

    for (unsigned i = 0; i < 20 * ASKERS; i++) {
        const struct p0f_addr addr = {4, {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
        unsigned number = asker_of(&key, &addr).numbers[0];
        cr_assert(number >= ASKER_STRANGERS && number < ASKERS, "%u", number);
        seen[number] = true;
    }
    for (unsigned i = ASKER_STRANGERS; i < ASKERS; i++)
        missing += !seen[i];
    cr_assert_eq(missing, 0);
}

Test(asker, another_key_tells_them_apart_otherwise)
{
    const struct hash_key other = {3, 4};
    const struct p0f_addr addr = {4, {192, 0, 2, 1}};

    cr_assert_neq(asker_of(&key, &addr).numbers[0], asker_of(&other, &addr).numbers[0]);
}
