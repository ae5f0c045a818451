/* SPDX-License-Identifier: MIT */
#include "http/client_counts.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct hash_key key = {1, 2};
static struct client_counts *counts;

static void setup(void)
{
    counts = client_counts_new(1000, &key);
    cr_assert_not_null(counts);
}

static void teardown(void)
{
    client_counts_free(counts);
}

static uint32_t add(const char *text)
{
    struct p0f_addr addr;

    cr_assert_eq(p0f_addr_parse(text, strlen(text), &addr), P0F_OK);
    return client_counts_add(counts, &addr);
}

static void expect(uint32_t client, uint32_t by_48, uint32_t by_56, uint32_t by_64)
{
    struct client_weight weight = client_counts_weight(counts, client);

    cr_assert_eq(weight.counts[0], by_48);
    cr_assert_eq(weight.counts[1], by_56);
    cr_assert_eq(weight.counts[2], by_64);
}

Test(client_counts, an_ipv4_address_is_a_client, .init = setup, .fini = teardown)
{
    uint32_t one = add("192.0.2.1"), other = add("192.0.2.2");

    cr_assert_neq(one, other);
    cr_assert_eq(add("192.0.2.1"), one);
    expect(one, 2, 2, 2);
    expect(other, 1, 1, 1);
    cr_assert_eq(add("::ffff:192.0.2.1"), one);
    client_counts_remove(counts, one);
    expect(one, 2, 2, 2);
    expect(other, 1, 1, 1);
}

Test(client_counts, an_ipv6_address_is_in_three, .init = setup, .fini = teardown)
{
    uint32_t one = add("2001:db8:0:1::1"), of_56 = add("2001:db8:0:2::1"),
             of_48 = add("2001:db8:0:100::1"), other = add("2001:db8:1:1::1");

    cr_assert_eq(add("2001:db8:0:1:ffff::1"), one);
    expect(one, 4, 3, 2);
    expect(of_56, 4, 3, 1);
    expect(of_48, 4, 1, 1);
    expect(other, 1, 1, 1);
    client_counts_remove(counts, of_48);
    client_counts_remove(counts, one);
    expect(one, 2, 2, 1);
    expect(of_56, 2, 2, 1);
}

Test(client_counts, ipv4_and_ipv6_with_the_same_bits_are_two, .init = setup, .fini = teardown)
{
    expect(add("32.1.13.184"), 1, 1, 1);
    expect(add("2001:db8::"), 1, 1, 1);
}

Test(client_counts, who_is_not_counted_has_one, .init = setup, .fini = teardown)
{
    expect(0, 1, 1, 1);
    client_counts_remove(counts, 0);
}

Test(client_counts, no_more_than_there_is_room_for)
{
    uint32_t clients[3];

    counts = client_counts_new(3, &key);
    for (int round = 0; round < 3; round++) {
        clients[0] = add("2001:db8:1::"), clients[1] = add("2001:db8:2::");
        clients[2] = add("2001:db8:3::");
        cr_assert_eq(add("2001:db8:4::"), 0);
        cr_assert_eq(add("2001:db8:1::"), 0);
        for (int i = 0; i < 3; i++) {
            expect(clients[i], 1, 1, 1);
            client_counts_remove(counts, clients[i]);
        }
    }
    teardown();
}

/* In a table of few buckets, in any order, beside counts kept otherwise. */
Test(client_counts, many_that_come_and_go)
{
    enum { CLIENTS = 40, MOST = 300 };
    uint32_t model[CLIENTS] = {0}, clients[MOST], whose[MOST], open = 0;
    char text[64];

    srand(7);
    counts = client_counts_new(MOST, &key);
    for (int step = 0; step < 20000; step++) {
        if (open > 0 && (open == MOST || rand() % 2)) {
            uint32_t i = (uint32_t)rand() % open;
            client_counts_remove(counts, clients[i]);
            model[whose[i]]--;
            clients[i] = clients[--open];
            whose[i] = whose[open];
            continue;
        }
        uint32_t who = (uint32_t)rand() % CLIENTS;
        snprintf(text, sizeof text, who % 2 ? "10.0.0.%u" : "2001:db8:%x::1", who);
        clients[open] = add(text);
        whose[open++] = who;
        model[who]++;
        for (uint32_t i = 0; i < open; i++)
            expect(clients[i], model[whose[i]], model[whose[i]], model[whose[i]]);
    }
    teardown();
}

Test(client_counts, the_shortest_prefix_decides)
{
    struct client_weight a = {{2, 1, 1}}, b = {{1, 9, 9}}, c = {{2, 1, 2}};

    cr_assert_gt(client_weight_compare(&a, &b), 0);
    cr_assert_lt(client_weight_compare(&b, &a), 0);
    cr_assert_gt(client_weight_compare(&c, &a), 0);
    cr_assert_eq(client_weight_compare(&a, &a), 0);
}
