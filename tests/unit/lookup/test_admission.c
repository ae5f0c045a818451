/* SPDX-License-Identifier: MIT */
#include "lookup/admission.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define ONE 5
#define OTHER 6
#define ROUNDS 40000

static struct admission *admission;

static void setup(uint32_t max, uint32_t reserve)
{
    admission = admission_new();
    cr_assert_not_null(admission);
    cr_assert_not(admission_claim(admission, flow_numbered(ONE)), "there is none at first");
    admission_set(admission, max, reserve);
    cr_assert_eq(admission_max(admission), max);
}

/* How many of so many it gets. */
static unsigned claim(unsigned flow, unsigned wanted)
{
    unsigned got = 0;

    while (got < wanted && admission_claim(admission, flow_numbered(flow)))
        got++;
    return got;
}

static bool claims(unsigned flow)
{
    return claim(flow, 1) == 1;
}

static void leave(unsigned flow, unsigned count)
{
    while (count-- > 0)
        admission_release(admission, flow_numbered(flow));
}

static void teardown(uint32_t taken)
{
    cr_assert_eq(admission_taken(admission), taken);
    admission_free(admission);
}

Test(admission, one_alone_gets_all_but_the_spare_ones)
{
    setup(100, 12);
    cr_assert_eq(claim(ONE, 1000), 100);
    cr_assert_eq(admission_taken(admission), 100);
    leave(ONE, 3);
    cr_assert_eq(claim(ONE, 1000), 3);
    teardown(100);
}

Test(admission, who_has_few_gets_in_when_one_has_all)
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

Test(admission, the_spare_ones_are_bounded_too)
{
    setup(64, 8);
    cr_assert_eq(claim(ONE, 1000), 64);
    for (unsigned flow = 0; flow < 8; flow++)
        cr_assert_eq(claim(100 + flow, 1000), 1);
    cr_assert_not(claims(108));
    leave(101, 1);
    cr_assert_not(claims(ONE), "not while more than `most` are taken");
    cr_assert(claims(108));
    teardown(72);
}

Test(admission, as_many_as_are_given_back_are_there_again)
{
    setup(8, 1);
    cr_assert_eq(claim(ONE, 1000), 8);
    cr_assert(claims(OTHER));
    cr_assert_not(claims(OTHER + 1));
    leave(ONE, 8);
    cr_assert_eq(admission_taken(admission), 1);
    cr_assert_eq(claim(OTHER, 1000), 7, "the one of the reserve counts like all");
    leave(OTHER, 8);
    cr_assert_eq(claim(ONE, 1000), 8);
    teardown(8);
}

Test(admission, without_spare_ones_who_comes_first)
{
    setup(3, 0);
    cr_assert_eq(claim(ONE, 1000), 3);
    cr_assert_not(claims(OTHER));
    teardown(3);
}

Test(admission, limits_change_under_those_who_wait)
{
    setup(100, 10);
    cr_assert_eq(claim(ONE, 1000), 100);
    admission_set(admission, 20, 2);
    cr_assert_eq(admission_taken(admission), 100);
    cr_assert_not(claims(OTHER), "beyond the reserve, too");
    leave(ONE, 80);
    cr_assert_not(claims(ONE));
    cr_assert(claims(OTHER));
    admission_set(admission, 200, 25);
    cr_assert_eq(claim(ONE, 1000), 179);
    teardown(200);
}

Test(admission, closed)
{
    setup(100, 12);
    cr_assert_eq(claim(ONE, 2), 2);
    admission_set(admission, 0, 0);
    cr_assert_not(claims(ONE));
    cr_assert_not(claims(OTHER));
    leave(ONE, 2);
    cr_assert_not(claims(OTHER));
    teardown(0);
}

/* ---- Networks: 64 bits of 56 of 48 */

static struct flow network(unsigned a48, unsigned a56, unsigned a64)
{
    return (struct flow){.numbers = {[FLOW_64] = (uint16_t)(300 + a64),
                                     [FLOW_56] = (uint16_t)(200 + a56),
                                     [FLOW_48] = (uint16_t)(100 + a48)},
                         .widths = FLOW_WIDTHS};
}

/* How many of so many /64 networks are admitted, one lookup each; 8 are in one /56. */
static unsigned claim_from(unsigned a48, unsigned networks)
{
    unsigned got = 0;

    for (unsigned i = 0; i < networks; i++)
        got += admission_claim(admission, network(a48, a48 * 64 + i / 8, a48 * 300 + i));
    return got;
}

Test(admission, a_network_full_of_networks_is_one_when_many_of_it_come)
{
    setup(128, 16);
    cr_assert_eq(claim_from(0, 300), 128);
    cr_assert_not(admission_claim(admission, network(0, 60, 299)), "nor one of it that has none");
    cr_assert_eq(claim_from(1, 300), 8, "four times what is few for an address");
    cr_assert(claims(ONE));
    admission_release(admission, network(0, 0, 0));
    admission_release(admission, network(0, 0, 1));
    cr_assert_eq(admission_taken(admission), 135);
    teardown(135);
}

Test(admission, of_its_halves_each_has_half)
{
    setup(128, 16);
    cr_assert_eq(claim(ONE, 1000), 128);
    for (unsigned i = 0; i < 10; i++)
        cr_assert_eq(admission_claim(admission, network(0, 0, i)), i < 4, "%u", i);
    for (unsigned i = 0; i < 10; i++)
        cr_assert_eq(admission_claim(admission, network(0, 1, 20 + i)), i < 4, "%u", i);
    cr_assert_not(admission_claim(admission, network(0, 2, 40)));
    cr_assert(admission_claim(admission, network(1, 3, 41)));
    teardown(137);
}

Test(admission, turns_are_those_of_the_widest_that_holds_many)
{
    struct flow flow = network(0, 0, 0);

    setup(640, 80);
    cr_assert_eq(admission_turn(admission, flow_numbered(ONE)), ONE);
    cr_assert_eq(claim(ONE, 600), 600);
    cr_assert_eq(admission_turn(admission, flow_numbered(ONE)), ONE);
    leave(ONE, 600);
    cr_assert_eq(admission_turn(admission, flow), flow.numbers[FLOW_64]);
    for (unsigned i = 0; i < 19; i++)
        cr_assert(admission_claim(admission, network(0, 0, i)));
    cr_assert_eq(admission_turn(admission, flow), flow.numbers[FLOW_64]);
    cr_assert(admission_claim(admission, network(0, 0, 19)));
    cr_assert_eq(admission_turn(admission, flow), flow.numbers[FLOW_56]);
    for (unsigned i = 0; i < 20; i++)
        cr_assert(admission_claim(admission, network(0, 1 + i, 20 + i)));
    cr_assert_eq(admission_turn(admission, flow), flow.numbers[FLOW_48]);
    cr_assert_eq(admission_turn(admission, network(1, 40, 80)),
                 network(1, 40, 80).numbers[FLOW_64]);
    admission_release(admission, network(0, 1, 20));
    cr_assert_eq(admission_turn(admission, flow), flow.numbers[FLOW_56], "when some have left");
    teardown(39);
}

/* ---- Two threads that claim the last admission at the same time, again and again */

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
    unsigned flow = *(const unsigned *)ctx, times = 0;

    for (unsigned i = 0; i < ROUNDS; i++) {
        meet(++times);
        bool mine = admission_claim(admission, flow_numbered(flow));
        granted += mine;
        meet(++times);
        cr_assert_leq(granted, 1, "both have the last one in round %u", i);
        meet(++times);
        granted -= mine;
        if (mine)
            leave(flow, 1);
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

Test(admission, the_last_one_is_not_given_to_two)
{
    setup(1, 0);
    in_threads(ONE, ONE);
    in_threads(ONE, OTHER);
    teardown(0);
}

Test(admission, nor_is_the_last_spare_one)
{
    setup(2, 1);
    cr_assert_eq(claim(9, 1000), 2);
    in_threads(ONE, ONE);
    in_threads(ONE, OTHER);
    teardown(2);
}
