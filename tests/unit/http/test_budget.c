/* SPDX-License-Identifier: MIT */
#include "http/budget.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct hash_key key = {1, 2};

static struct flow client(const char *text)
{
    struct p0f_addr addr;

    cr_assert_eq(p0f_addr_parse(text, strlen(text), &addr), P0F_OK);
    return flow_of(&key, &addr);
}

Test(budget, one_client_has_half_of_it)
{
    struct budget *budget = budget_new(1000);

    cr_assert_not(budget_take(budget, client("192.0.2.1"), 501));
    cr_assert(budget_take(budget, client("192.0.2.1"), 400));
    cr_assert_not(budget_take(budget, client("192.0.2.1"), 101));
    cr_assert(budget_take(budget, client("192.0.2.1"), 100));
    cr_assert(budget_take(budget, client("192.0.2.2"), 500));
    cr_assert_eq(budget_taken(budget), 1000);
    budget_free(budget);
}

Test(budget, all_have_no_more_than_it)
{
    struct budget *budget = budget_new(1000);

    cr_assert(budget_take(budget, client("192.0.2.1"), 500));
    cr_assert(budget_take(budget, client("192.0.2.2"), 400));
    cr_assert_not(budget_take(budget, client("192.0.2.3"), 101));
    cr_assert_eq(budget_taken(budget), 900, "what is refused leaves no trace");
    cr_assert(budget_take(budget, client("192.0.2.3"), 100));
    budget_give(budget, client("192.0.2.1"), 500);
    cr_assert(budget_take(budget, client("192.0.2.3"), 400));
    budget_free(budget);
}

Test(budget, what_is_given_back_can_be_taken_again)
{
    struct budget *budget = budget_new(1000);

    for (int i = 0; i < 10; i++) {
        cr_assert(budget_take(budget, client("2001:db8::1"), 500));
        cr_assert_not(budget_take(budget, client("2001:db8::1"), 1));
        budget_give(budget, client("2001:db8::1"), 300);
        budget_give(budget, client("2001:db8::1"), 200);
    }
    cr_assert_eq(budget_taken(budget), 0);
    budget_free(budget);
}

/* Whoever has a /48 has all its networks. */
Test(budget, one_network_is_one_client)
{
    struct budget *budget = budget_new(1000);

    cr_assert(budget_take(budget, client("2001:db8:0:1::1"), 300));
    cr_assert_not(budget_take(budget, client("2001:db8:0:2::1"), 201));
    cr_assert(budget_take(budget, client("2001:db8:1:1::1"), 201));
    budget_free(budget);
}
