/* SPDX-License-Identifier: MIT */
#include "relay/relay_turns.h"

#include <criterion/criterion.h>
#include <string.h>

static struct loop *loop;
static struct relay_turns turns;
static char order[16]; /* of those who had a turn */

static struct waiting {
    struct relay_turn turn;
    char name;
    unsigned wants; /* turns */
} all[3];

static struct mono no_clock(void)
{
    return (struct mono){.ns = 1};
}

static void take_one(void *ctx)
{
    struct waiting *waiting = ctx;

    order[strlen(order)] = waiting->name;
    if (--waiting->wants > 0)
        relay_turns_wait(&turns, &waiting->turn);
}

static void setup_turns(void)
{
    loop = loop_new(no_clock);
    cr_assert_not_null(loop);
    cr_assert(relay_turns_open(&turns, loop, 2));
    memset(order, 0, sizeof order);
    for (size_t i = 0; i < 3; i++)
        all[i] = (struct waiting){
            .turn = {.flow = FLOW_STRANGERS + (unsigned)i, .take = take_one, .ctx = &all[i]},
            .name = (char)('a' + i),
            .wants = 1};
    cr_assert(relay_turns_claim(&turns));
    cr_assert(relay_turns_claim(&turns));
}

static void teardown_turns(void)
{
    relay_turns_close(&turns);
    loop_free(loop);
}

static void stop(void *ctx)
{
    loop_stop(ctx);
}

static void run_chores(void)
{
    struct loop_timer timer = {.fire = stop, .ctx = loop};

    loop_arm(loop, &timer, no_clock());
    cr_assert_eq(loop_run(loop), 0);
}

static void release(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        relay_turns_release(&turns);
    run_chores();
}

Test(relay_turns, up_to_the_limit, .init = setup_turns, .fini = teardown_turns)
{
    cr_assert_not(relay_turns_claim(&turns));
    cr_assert_eq(turns.taken, 2);
    release(1);
    cr_assert(relay_turns_claim(&turns));
    cr_assert_not(relay_turns_claim(&turns));
}

Test(relay_turns, each_in_its_turn, .init = setup_turns, .fini = teardown_turns)
{
    all[0].wants = 3;
    relay_turns_wait(&turns, &all[0].turn);
    relay_turns_wait(&turns, &all[1].turn);
    relay_turns_wait(&turns, &all[0].turn); /* waits already */
    release(1);
    cr_assert_str_eq(order, "a");
    relay_turns_wait(&turns, &all[2].turn);
    for (int i = 0; i < 4; i++)
        release(1);
    cr_assert_str_eq(order, "abaca");
    cr_assert_eq(turns.taken, 2);
}

Test(relay_turns, two_connections_of_a_process_are_one_in_turn, .init = setup_turns,
     .fini = teardown_turns)
{
    all[1].turn.flow = all[0].turn.flow;
    all[0].wants = all[2].wants = 2;
    for (size_t i = 0; i < 3; i++)
        relay_turns_wait(&turns, &all[i].turn);
    for (int i = 0; i < 5; i++)
        release(1);
    cr_assert_str_eq(order, "acbca");
}

Test(relay_turns, nobody_overtakes_those_who_wait, .init = setup_turns, .fini = teardown_turns)
{
    relay_turns_wait(&turns, &all[0].turn);
    relay_turns_release(&turns);
    cr_assert_not(relay_turns_claim(&turns));
    run_chores();
    cr_assert_str_eq(order, "a");
}

Test(relay_turns, who_leaves_has_no_turn, .init = setup_turns, .fini = teardown_turns)
{
    relay_turns_wait(&turns, &all[0].turn);
    relay_turns_wait(&turns, &all[1].turn);
    relay_turns_leave(&turns, &all[0].turn);
    relay_turns_leave(&turns, &all[0].turn);
    release(2);
    cr_assert_str_eq(order, "b");
    cr_assert_eq(turns.taken, 1);
}

Test(relay_turns, a_limit_that_is_raised, .init = setup_turns, .fini = teardown_turns)
{
    for (size_t i = 0; i < 3; i++)
        relay_turns_wait(&turns, &all[i].turn);
    relay_turns_set_max(&turns, 4);
    run_chores();
    cr_assert_str_eq(order, "ab");
    relay_turns_set_max(&turns, 1);
    release(3);
    cr_assert_str_eq(order, "ab");
    release(1);
    cr_assert_str_eq(order, "abc");
}

Test(relay_turns, closed_while_a_turn_is_due, .init = setup_turns, .fini = teardown_turns)
{
    relay_turns_wait(&turns, &all[0].turn);
    relay_turns_release(&turns);
    relay_turns_leave(&turns, &all[0].turn);
    relay_turns_close(&turns);
    memset(&turns, 0xaa, sizeof turns);
    run_chores();
    cr_assert_str_eq(order, "");
    cr_assert(relay_turns_open(&turns, loop, 2));
}
