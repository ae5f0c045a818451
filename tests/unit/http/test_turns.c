/* SPDX-License-Identifier: MIT */
#include "http/turns.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define SLICE_NS 150000 /* two of these are more than a round has */

static struct mono now;
static struct loop *loop;
static struct turns *turns;
static char done[256]; /* a letter for each slice, a blank for each round of the loop */

struct job {
    struct turn turn;
    char name;
    unsigned slices;
};

/* Each look at it takes a moment. */
static struct mono clock_of_ours(void)
{
    now = mono_add_ns(now, 100);
    return now;
}

static void note(char letter)
{
    size_t used = strlen(done);

    cr_assert_lt(used, sizeof done - 1);
    done[used] = letter;
}

static bool work(void *ctx)
{
    struct job *job = ctx;

    note(job->name);
    now = mono_add_ns(now, SLICE_NS);
    return --job->slices == 0;
}

static void add(struct job *job, unsigned flow)
{
    job->turn = (struct turn){.work = work, .ctx = job};
    turns_add(turns, &job->turn, flow);
}

/* ---- Other work of the loop, in each of its rounds */

static struct loop_timer other;
static unsigned rounds;

static void on_other(void *ctx)
{
    (void)ctx;
    note(' ');
    if (--rounds == 0)
        loop_stop(loop);
    else
        loop_arm(loop, &other, mono_add_ns(loop_now(loop), 1));
}

static void run(unsigned count)
{
    rounds = count;
    other = (struct loop_timer){.fire = on_other};
    loop_arm(loop, &other, loop_now(loop));
    cr_assert_eq(loop_run(loop), 0);
}

static void setup(void)
{
    now = (struct mono){1000000000};
    memset(done, 0, sizeof done);
    loop = loop_new(clock_of_ours);
    turns = turns_new(loop);
    cr_assert_not_null(turns);
}

static void teardown(void)
{
    turns_free(turns);
    loop_free(loop);
}

/* Two slices are 300 us, and a round of them ends with the one that reaches 200. */
Test(turns, others_work_in_between, .init = setup, .fini = teardown)
{
    struct job job = {.name = 'a', .slices = 6};

    add(&job, FLOW_STRANGERS);
    run(5);
    cr_assert_str_eq(done, " aa aa aa  ", "%s", done);
}

Test(turns, each_client_has_its_turn, .init = setup, .fini = teardown)
{
    struct job many[3] = {
        {.name = 'a', .slices = 2}, {.name = 'b', .slices = 2}, {.name = 'c', .slices = 2}};
    struct job one = {.name = 'x', .slices = 2};

    for (int i = 0; i < 3; i++)
        add(&many[i], FLOW_STRANGERS);
    add(&one, FLOW_STRANGERS + 1);
    run(6);
    /* The first client's one after the other, the second's after each. */
    cr_assert_str_eq(done, " ax bx ca bc  ", "%s", done);
}

Test(turns, little_work_is_done_at_once, .init = setup, .fini = teardown)
{
    struct job job = {.name = 'a', .slices = 1};
    unsigned at_once = 0;

    while (turns_spare(turns))
        at_once++;
    cr_assert(at_once > 0 && at_once < 10, "%u", at_once);
    run(1);
    cr_assert(turns_spare(turns), "in the next round");
    add(&job, FLOW_STRANGERS);
    cr_assert_not(turns_spare(turns), "somebody waits");
    run(2);
    cr_assert(turns_spare(turns));
}

Test(turns, finish_does_all, .init = setup, .fini = teardown)
{
    struct job jobs[2] = {{.name = 'a', .slices = 3}, {.name = 'b', .slices = 1}};

    add(&jobs[0], FLOW_STRANGERS);
    add(&jobs[1], FLOW_STRANGERS + 1);
    turns_finish(turns);
    cr_assert_str_eq(done, "abaa", "%s", done);
    run(1);
    cr_assert_str_eq(done, "abaa ", "%s", done);
}
