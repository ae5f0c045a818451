#include "lookup/admission.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define ONE 5
#define OTHER 6
#define ROUNDS 40000

static struct places *places;

static void setup(uint32_t most, uint32_t spare)
{
    places = places_new();
    cr_assert_not_null(places);
    cr_assert_not(places_claim(places, asker_numbered(ONE)), "there is none at first");
    places_set(places, most, spare);
    cr_assert_eq(places_most(places), most);
}

/* How many of so many it gets. */
static unsigned claim(unsigned asker, unsigned wanted)
{
    unsigned got = 0;

    while (got < wanted && places_claim(places, asker_numbered(asker)))
        got++;
    return got;
}

static bool claims(unsigned asker)
{
    return claim(asker, 1) == 1;
}

static void leave(unsigned asker, unsigned count)
{
    while (count-- > 0)
        places_leave(places, asker_numbered(asker));
}

static void teardown(uint32_t taken)
{
    cr_assert_eq(places_taken(places), taken);
    places_free(places);
}

Test(places, one_alone_gets_all_but_the_spare_ones)
{
    setup(100, 12);
    cr_assert_eq(claim(ONE, 1000), 100);
    cr_assert_eq(places_taken(places), 100);
    leave(ONE, 3);
    cr_assert_eq(claim(ONE, 1000), 3);
    teardown(100);
}

Test(places, who_has_few_gets_in_when_one_has_all)
{
    setup(640, 80);
    cr_assert_eq(claim(ONE, 1000), 640);
    cr_assert_eq(claim(OTHER, 1000), 10, "a 64th of them is few");
    cr_assert_eq(claim(OTHER + 1, 1000), 10);
    cr_assert_not(claims(ONE));
    leave(OTHER, 1);
    cr_assert_eq(claim(OTHER, 1000), 1);
    teardown(660);
}

Test(places, the_spare_ones_are_bounded_too)
{
    setup(64, 8);
    cr_assert_eq(claim(ONE, 1000), 64);
    for (unsigned asker = 0; asker < 8; asker++)
        cr_assert_eq(claim(100 + asker, 1000), 1);
    cr_assert_not(claims(108));
    leave(101, 1);
    cr_assert_not(claims(ONE), "not while more than `most` are taken");
    cr_assert(claims(108));
    teardown(72);
}

Test(places, as_many_as_are_given_back_are_there_again)
{
    setup(8, 1);
    cr_assert_eq(claim(ONE, 1000), 8);
    cr_assert(claims(OTHER));
    cr_assert_not(claims(OTHER + 1));
    leave(ONE, 8);
    cr_assert_eq(places_taken(places), 1);
    cr_assert_eq(claim(OTHER, 1000), 7, "who has the spare one counts like all");
    leave(OTHER, 8);
    cr_assert_eq(claim(ONE, 1000), 8);
    teardown(8);
}

Test(places, without_spare_ones_who_comes_first)
{
    setup(3, 0);
    cr_assert_eq(claim(ONE, 1000), 3);
    cr_assert_not(claims(OTHER));
    teardown(3);
}

Test(places, limits_change_under_those_who_wait)
{
    setup(100, 10);
    cr_assert_eq(claim(ONE, 1000), 100);
    places_set(places, 20, 2);
    cr_assert_eq(places_taken(places), 100);
    cr_assert_not(claims(OTHER), "beyond the spare ones, too");
    leave(ONE, 80);
    cr_assert_not(claims(ONE));
    cr_assert(claims(OTHER));
    places_set(places, 200, 25);
    cr_assert_eq(claim(ONE, 1000), 179);
    teardown(200);
}

Test(places, closed)
{
    setup(100, 12);
    cr_assert_eq(claim(ONE, 2), 2);
    places_set(places, 0, 0);
    cr_assert_not(claims(ONE));
    cr_assert_not(claims(OTHER));
    leave(ONE, 2);
    cr_assert_not(claims(OTHER));
    teardown(0);
}

/* ---- Networks: 64 bits of 56 of 48 */

static struct flow network(unsigned a48, unsigned a56, unsigned a64)
{
    return (struct flow){.numbers = {[ASKER_64] = (uint16_t)(300 + a64),
                                     [ASKER_56] = (uint16_t)(200 + a56),
                                     [ASKER_48] = (uint16_t)(100 + a48)},
                         .widths = ASKER_WIDTHS};
}

/* How many places so many networks of 64 bits get, one each; 8 are in one of 56 bits. */
static unsigned claim_from(unsigned a48, unsigned networks)
{
    unsigned got = 0;

    for (unsigned i = 0; i < networks; i++)
        got += places_claim(places, network(a48, a48 * 64 + i / 8, a48 * 300 + i));
    return got;
}

Test(places, a_network_full_of_networks_is_one_when_many_of_it_come)
{
    setup(128, 16);
    cr_assert_eq(claim_from(0, 300), 128);
    cr_assert_not(places_claim(places, network(0, 60, 299)), "nor one of it that has none");
    cr_assert_eq(claim_from(1, 300), 8, "four times what is few for an address");
    cr_assert(claims(ONE));
    places_leave(places, network(0, 0, 0));
    places_leave(places, network(0, 0, 1));
    cr_assert_eq(places_taken(places), 135);
    teardown(135);
}

Test(places, of_its_halves_each_has_half)
{
    setup(128, 16);
    cr_assert_eq(claim(ONE, 1000), 128);
    for (unsigned i = 0; i < 10; i++)
        cr_assert_eq(places_claim(places, network(0, 0, i)), i < 4, "%u", i);
    for (unsigned i = 0; i < 10; i++)
        cr_assert_eq(places_claim(places, network(0, 1, 20 + i)), i < 4, "%u", i);
    cr_assert_not(places_claim(places, network(0, 2, 40)));
    cr_assert(places_claim(places, network(1, 3, 41)));
    teardown(137);
}

Test(places, turns_are_those_of_the_widest_that_holds_many)
{
    struct flow asker = network(0, 0, 0);

    setup(640, 80);
    cr_assert_eq(places_turn(places, asker_numbered(ONE)), ONE);
    cr_assert_eq(claim(ONE, 600), 600);
    cr_assert_eq(places_turn(places, asker_numbered(ONE)), ONE);
    leave(ONE, 600);
    cr_assert_eq(places_turn(places, asker), asker.numbers[ASKER_64]);
    for (unsigned i = 0; i < 19; i++)
        cr_assert(places_claim(places, network(0, 0, i)));
    cr_assert_eq(places_turn(places, asker), asker.numbers[ASKER_64]);
    cr_assert(places_claim(places, network(0, 0, 19)));
    cr_assert_eq(places_turn(places, asker), asker.numbers[ASKER_56]);
    for (unsigned i = 0; i < 20; i++)
        cr_assert(places_claim(places, network(0, 1 + i, 20 + i)));
    cr_assert_eq(places_turn(places, asker), asker.numbers[ASKER_48]);
    cr_assert_eq(places_turn(places, network(1, 40, 80)), network(1, 40, 80).numbers[ASKER_64]);
    places_leave(places, network(0, 1, 20));
    cr_assert_eq(places_turn(places, asker), asker.numbers[ASKER_56], "when some have left");
    teardown(39);
}

/* ---- Two threads, which come for the last place at the same time, again and again */

static _Atomic unsigned arrived, granted;

/* Until both are here, for the how many-th time. */
static void meet(unsigned time)
{
    arrived++;
    for (unsigned waited = 0; arrived < 2 * time; waited++)
        if (waited > 1000)
            sched_yield();
}

static void *come_and_go(void *ctx)
{
    unsigned asker = *(const unsigned *)ctx, times = 0;

    for (unsigned i = 0; i < ROUNDS; i++) {
        meet(++times);
        bool mine = places_claim(places, asker_numbered(asker));
        granted += mine;
        meet(++times);
        cr_assert_leq(granted, 1, "both have the last place in round %u", i);
        meet(++times);
        granted -= mine;
        if (mine)
            leave(asker, 1);
    }
    return NULL;
}

static void in_threads(unsigned first, unsigned second)
{
    pthread_t threads[2];

    arrived = granted = 0;
    cr_assert_eq(pthread_create(&threads[0], NULL, come_and_go, &first), 0);
    cr_assert_eq(pthread_create(&threads[1], NULL, come_and_go, &second), 0);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
}

Test(places, the_last_one_is_not_given_to_two)
{
    setup(1, 0);
    in_threads(ONE, ONE);
    in_threads(ONE, OTHER);
    teardown(0);
}

Test(places, nor_is_the_last_spare_one)
{
    setup(2, 1);
    cr_assert_eq(claim(9, 1000), 2);
    in_threads(ONE, ONE);
    in_threads(ONE, OTHER);
    teardown(2);
}
