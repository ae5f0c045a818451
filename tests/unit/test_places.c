#include "places.h"

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
    cr_assert_not(places_claim(places, ONE), "there is none at first");
    places_set(places, most, spare);
    cr_assert_eq(places_most(places), most);
}

/* How many of so many it gets. */
static unsigned claim(unsigned asker, unsigned wanted)
{
    unsigned got = 0;

    while (got < wanted && places_claim(places, asker))
        got++;
    return got;
}

static void leave(unsigned asker, unsigned count)
{
    while (count-- > 0)
        places_leave(places, asker);
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
    cr_assert_not(places_claim(places, ONE));
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
    cr_assert_not(places_claim(places, 108));
    leave(101, 1);
    cr_assert_not(places_claim(places, ONE), "not while more than `most` are taken");
    cr_assert(places_claim(places, 108));
    teardown(72);
}

Test(places, as_many_as_are_given_back_are_there_again)
{
    setup(8, 1);
    cr_assert_eq(claim(ONE, 1000), 8);
    cr_assert(places_claim(places, OTHER));
    cr_assert_not(places_claim(places, OTHER + 1));
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
    cr_assert_not(places_claim(places, OTHER));
    teardown(3);
}

Test(places, limits_change_under_those_who_wait)
{
    setup(100, 10);
    cr_assert_eq(claim(ONE, 1000), 100);
    places_set(places, 20, 2);
    cr_assert_eq(places_taken(places), 100);
    cr_assert_not(places_claim(places, OTHER), "beyond the spare ones, too");
    leave(ONE, 80);
    cr_assert_not(places_claim(places, ONE));
    cr_assert(places_claim(places, OTHER));
    places_set(places, 200, 25);
    cr_assert_eq(claim(ONE, 1000), 179);
    teardown(200);
}

Test(places, closed)
{
    setup(100, 12);
    cr_assert_eq(claim(ONE, 2), 2);
    places_set(places, 0, 0);
    cr_assert_not(places_claim(places, ONE));
    cr_assert_not(places_claim(places, OTHER));
    leave(ONE, 2);
    cr_assert_not(places_claim(places, OTHER));
    teardown(0);
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
        bool mine = places_claim(places, asker);
        granted += mine;
        meet(++times);
        cr_assert_leq(granted, 1, "both have the last place in round %u", i);
        meet(++times);
        granted -= mine;
        if (mine)
            places_leave(places, asker);
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
