#include "asker.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <string.h>

static const struct hash_key key = {1, 2};

static unsigned asker(const char *text)
{
    struct p0f_addr addr;

    cr_assert_eq(p0f_addr_parse(text, strlen(text), &addr), P0F_OK);
    unsigned number = asker_of(&key, &addr);
    cr_assert_eq(asker_of(&key, &addr), number, "%s is not always the same", text);
    return number;
}

Test(asker, without_an_address_is_nameless)
{
    cr_assert_eq(asker_of(&key, NULL), ASKER_NAMELESS);
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

/* How many of these are nobody's, when so many strangers come. */
Test(asker, strangers_spread_over_all_numbers_that_are_theirs)
{
    static bool seen[ASKERS];
    unsigned missing = 0;

    for (unsigned i = 0; i < 20 * ASKERS; i++) {
        const struct p0f_addr addr = {4, {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
        unsigned number = asker_of(&key, &addr);
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

    cr_assert_neq(asker_of(&key, &addr), asker_of(&other, &addr));
}
