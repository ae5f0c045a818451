/* SPDX-License-Identifier: MIT */
#include "p0f/flow.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <string.h>

static const struct hash_key key = {1, 2};

static struct flow flow_from(const char *text)
{
    struct p0f_addr addr;

    cr_assert_eq(p0f_addr_parse(text, strlen(text), &addr), P0F_OK);
    struct flow flow = flow_of(&key, &addr), again = flow_of(&key, &addr);
    cr_assert_arr_eq(&flow, &again, sizeof flow, "%s is not always the same", text);
    return flow;
}

static unsigned flow(const char *text)
{
    return flow_from(text).numbers[0];
}

Test(flow, without_an_address_is_nameless)
{
    struct flow nameless = flow_of(&key, NULL);

    cr_assert_eq(nameless.numbers[0], FLOW_NAMELESS);
    cr_assert_eq(nameless.widths, 1);
}

Test(flow, each_address_is_one_of_its_own)
{
    cr_assert_neq(flow("192.0.2.1"), flow("192.0.2.2"));
    cr_assert_neq(flow("192.0.2.1"), flow("193.0.2.1"));
    cr_assert_neq(flow("c000:201::"), flow("192.0.2.1"), "an IPv6 address of the same bytes");
    cr_assert_eq(flow("::ffff:192.0.2.1"), flow("192.0.2.1"));
}

Test(flow, of_ipv6_is_the_network)
{
    cr_assert_eq(flow("2001:db8::1"), flow("2001:db8::2"));
    cr_assert_eq(flow("2001:db8::1"), flow("2001:db8:0:0:ffff:ffff:ffff:ffff"));
    cr_assert_neq(flow("2001:db8::1"), flow("2001:db8:0:1::1"));
}

static void expect_same(const char *one, const char *other, unsigned narrowest)
{
    struct flow a = flow_from(one), b = flow_from(other);

    cr_assert_eq(a.widths, FLOW_WIDTHS);
    for (unsigned width = 0; width < FLOW_WIDTHS; width++)
        cr_assert_eq(a.numbers[width] == b.numbers[width], width >= narrowest,
                     "%s and %s at width %u", one, other, width);
}

Test(flow, of_ipv6_has_a_number_for_each_network_it_may_be)
{
    expect_same("2001:db8:1::1", "2001:db8:1::2", FLOW_64);
    expect_same("2001:db8:1::1", "2001:db8:1:ff::1", FLOW_56);
    expect_same("2001:db8:1::1", "2001:db8:1:100::1", FLOW_48);
    expect_same("2001:db8:1::1", "2001:db8:1:ffff::1", FLOW_48);
    expect_same("2001:db8:1::1", "2001:db8:2::1", FLOW_WIDTHS);
    struct flow first = flow_from("2001:db8:1::1");
    cr_assert_neq(first.numbers[FLOW_64], first.numbers[FLOW_56]);
    cr_assert_neq(first.numbers[FLOW_56], first.numbers[FLOW_48]);
    cr_assert_eq(flow_from("192.0.2.1").widths, 1);
}

Test(flow, each_process_is_one_of_its_own)
{
    struct flow one = flow_of_process(&key, 4711), again = flow_of_process(&key, 4711);

    cr_assert_arr_eq(&one, &again, sizeof one);
    cr_assert_eq(one.widths, 1);
    cr_assert_geq(one.numbers[0], FLOW_STRANGERS);
    cr_assert_neq(one.numbers[0], flow_of_process(&key, 4712).numbers[0]);
    cr_assert_eq(flow_of_process(&key, 0).numbers[0], FLOW_NAMELESS, "one of another container");
}

/* How many of these are nobody's, when so many strangers come. */
Test(flow, strangers_spread_over_all_numbers_that_are_theirs)
{
    static bool seen[FLOWS];
    unsigned missing = 0;

    for (unsigned i = 0; i < 20 * FLOWS; i++) {
        const struct p0f_addr addr = {4, {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
        unsigned number = flow_of(&key, &addr).numbers[0];
        cr_assert(number >= FLOW_STRANGERS && number < FLOWS, "%u", number);
        seen[number] = true;
    }
    for (unsigned i = FLOW_STRANGERS; i < FLOWS; i++)
        missing += !seen[i];
    cr_assert_eq(missing, 0);
}

Test(flow, another_key_tells_them_apart_otherwise)
{
    const struct hash_key other = {3, 4};
    const struct p0f_addr addr = {4, {192, 0, 2, 1}};

    cr_assert_neq(flow_of(&key, &addr).numbers[0], flow_of(&other, &addr).numbers[0]);
}
