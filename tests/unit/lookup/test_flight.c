/* SPDX-License-Identifier: MIT */
#include "lookup/flight.h"

#include <criterion/criterion.h>
#include <string.h>

static uint64_t constant(const struct hash_key *key, const void *data, size_t length)
{
    (void)key, (void)data, (void)length;
    return 42;
}

static const struct hash_key key = {1, 2};

static struct p0f_addr addr(unsigned number)
{
    return (struct p0f_addr){4, {10, 0, (uint8_t)(number >> 8), (uint8_t)number}};
}

static struct flight *find(const struct flights *flights, unsigned number)
{
    struct p0f_addr at = addr(number);

    return flights_find(flights, &at);
}

static void add(struct flights *flights, struct flight *flight, unsigned number)
{
    struct p0f_addr at = addr(number);

    flights_add(flights, flight, &at);
}

/* The waiters of `flight`, as their indexes in `all`, forwards and then backwards. */
static const char *order(const struct flight *flight, const struct waiter *all)
{
    static char text[32];
    const struct waiter *w;
    char *out = text;

    TAILQ_FOREACH(w, &flight->waiters, link)
        *out++ = (char)('0' + (w - all));
    *out++ = '|';
    TAILQ_FOREACH_REVERSE(w, &flight->waiters, waiters, link)
        *out++ = (char)('0' + (w - all));
    *out = '\0';
    return text;
}

Test(flight, is_found_by_its_address_only)
{
    struct flights *flights = flights_new(10, key, NULL);
    struct flight flight;
    struct p0f_addr other = addr(1);

    cr_assert_null(find(flights, 1));
    add(flights, &flight, 1);
    cr_assert_eq(find(flights, 1), &flight);
    cr_assert_null(find(flights, 2));
    other.type = 6;
    cr_assert_null(flights_find(flights, &other));
    other = addr(1);
    other.bytes[15] = 1;
    cr_assert_null(flights_find(flights, &other));
    flights_remove(flights, &flight);
    cr_assert_null(find(flights, 1));
    flights_free(flights);
}

Test(flight, starts_without_waiters)
{
    struct flights *flights = flights_new(1, key, NULL);
    struct flight flight;

    memset(&flight, 0xaa, sizeof flight);
    add(flights, &flight, 3);
    cr_assert(TAILQ_EMPTY(&flight.waiters));
    cr_assert_null(flight_take_first(&flight));
    flights_remove(flights, &flight);
    flights_free(flights);
}

/* Takes one of three flights of one bucket out: the first, the middle or the last of the chain. */
static void remove_of_three(unsigned which)
{
    struct flights *flights = flights_new(64, key, constant);
    struct flight flight[3];

    for (unsigned i = 0; i < 3; i++)
        add(flights, &flight[i], i);
    for (unsigned i = 0; i < 3; i++)
        cr_assert_eq(find(flights, i), &flight[i]);
    flights_remove(flights, &flight[which]);
    cr_assert_eq(flights_count(flights), 2);
    for (unsigned i = 0; i < 3; i++)
        cr_assert_eq(find(flights, i), i == which ? NULL : &flight[i], "%u without %u", i, which);
    add(flights, &flight[which], which);
    for (unsigned i = 0; i < 3; i++)
        cr_assert_eq(find(flights, i), &flight[i]);
    for (unsigned i = 0; i < 3; i++)
        flights_remove(flights, &flight[i]);
    cr_assert_eq(flights_count(flights), 0);
    flights_free(flights);
}

Test(flight, is_removed_from_anywhere_in_a_full_bucket)
{
    for (unsigned i = 0; i < 3; i++)
        remove_of_three(i);
}

Test(flight, table_holds_more_than_expected)
{
    enum { MANY = 1000 };
    static struct flight flight[MANY];
    struct flights *flights = flights_new(0, key, NULL);

    for (unsigned i = 0; i < MANY; i++) {
        add(flights, &flight[i], i);
        cr_assert_eq(flights_count(flights), i + 1);
    }
    for (unsigned i = 0; i < MANY; i += 2)
        flights_remove(flights, &flight[i]);
    cr_assert_eq(flights_count(flights), MANY / 2);
    for (unsigned i = 0; i < MANY; i++)
        cr_assert_eq(find(flights, i), i % 2 ? &flight[i] : NULL);
    for (unsigned i = 1; i < MANY; i += 2)
        flights_remove(flights, &flight[i]);
    cr_assert_eq(flights_count(flights), 0);
    flights_free(flights);
}

Test(flight, waiters_stand_in_the_order_they_came)
{
    struct flight flight = {.waiters = TAILQ_HEAD_INITIALIZER(flight.waiters)};
    struct waiter w[3] = {0};

    cr_assert_str_eq(order(&flight, w), "|");
    flight_join(&flight, &w[1]);
    cr_assert_str_eq(order(&flight, w), "1|1");
    flight_join(&flight, &w[0]);
    flight_join(&flight, &w[2]);
    cr_assert_str_eq(order(&flight, w), "102|201");
    for (int i = 0; i < 3; i++)
        cr_assert_eq(w[i].flight, &flight);
}

static void leave_of_three(unsigned which, const char *left)
{
    struct flight flight = {.waiters = TAILQ_HEAD_INITIALIZER(flight.waiters)};
    struct waiter w[3] = {0};

    for (int i = 0; i < 3; i++)
        flight_join(&flight, &w[i]);
    flight_leave(&w[which]);
    cr_assert_str_eq(order(&flight, w), left);
    cr_assert_null(w[which].flight);
}

Test(flight, waiters_leave_from_anywhere)
{
    leave_of_three(0, "12|21");
    leave_of_three(1, "02|20");
    leave_of_three(2, "01|10");
}

Test(flight, last_waiter_leaves_it_empty_and_can_join_again)
{
    struct flight a = {.waiters = TAILQ_HEAD_INITIALIZER(a.waiters)};
    struct flight b = {.waiters = TAILQ_HEAD_INITIALIZER(b.waiters)};
    struct waiter w[1] = {0};

    flight_join(&a, &w[0]);
    flight_leave(&w[0]);
    cr_assert_str_eq(order(&a, w), "|");
    flight_join(&b, &w[0]);
    cr_assert_eq(w[0].flight, &b);
    cr_assert_str_eq(order(&a, w), "|");
    cr_assert_str_eq(order(&b, w), "0|0");
}

static uint64_t keyed(const struct hash_key *with, const void *data, size_t length)
{
    (void)data, (void)length;
    cr_assert_eq(with->k0, key.k0);
    cr_assert_eq(with->k1, key.k1);
    return 0;
}

/* Else strangers could choose addresses that all fall into one bucket. */
Test(flight, the_hash_is_keyed)
{
    struct flights *flights = flights_new(1, key, keyed);
    struct flight flight;

    cr_assert_null(find(flights, 1));
    add(flights, &flight, 1);
    cr_assert_eq(find(flights, 1), &flight);
    flights_remove(flights, &flight);
    flights_free(flights);
}

Test(flight, each_waiter_is_taken_once_first_come_first_served)
{
    struct flights *flights = flights_new(1, key, NULL);
    struct waiter waiters[3] = {0};
    struct flight flight;

    add(flights, &flight, 1);
    cr_assert_null(flight_take_first(&flight));
    for (int i = 0; i < 3; i++)
        flight_join(&flight, &waiters[i]);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(flight_take_first(&flight), &waiters[i]);
        cr_assert_null(waiters[i].flight, "it waits no more");
    }
    cr_assert_null(flight_take_first(&flight));
    flights_remove(flights, &flight);
    flights_free(flights);
}
