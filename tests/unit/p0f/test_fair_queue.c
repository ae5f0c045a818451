/* SPDX-License-Identifier: MIT */
#include "p0f/fair_queue.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define MOST 64

static struct fair_queue *queue;
static struct fair_queue_entry entries[MOST];

static void setup(void)
{
    queue = fair_queue_new();
    cr_assert_not_null(queue);
    for (int i = 0; i < MOST; i++)
        entries[i] = (struct fair_queue_entry){0};
}

/* Strangers a, b and so on, and the daemon itself: ! */
static unsigned number_of(char flow)
{
    return flow == '!' ? FLOW_DAEMON : FLOW_STRANGERS + (unsigned)(flow - 'a');
}

/* Entry i for flows[i]. */
static void add(const char *flows)
{
    for (int i = 0; flows[i]; i++)
        fair_queue_add(queue, &entries[i], number_of(flows[i]));
}

/* Takes so many, whose entries these must be, in this order. */
static void expect(const int *order, int count)
{
    for (int i = 0; i < count; i++) {
        uint32_t length = fair_queue_length(queue);
        struct fair_queue_entry *entry = fair_queue_take(queue);
        cr_assert_not_null(entry, "nothing at %d", i);
        cr_assert_eq(entry - entries, order[i], "%d at %d", (int)(entry - entries), i);
        cr_assert_not(entry->queued);
        cr_assert_eq(fair_queue_length(queue), length - 1);
    }
}

#define EXPECT(...) expect((const int[]){__VA_ARGS__}, sizeof((int[]){__VA_ARGS__}) / sizeof(int))

static void teardown(void)
{
    cr_assert_null(fair_queue_take(queue));
    cr_assert_eq(fair_queue_length(queue), 0);
    fair_queue_free(queue);
}

Test(fair_queue, empty)
{
    setup();
    teardown();
}

Test(fair_queue, of_one_flow_first_come_first)
{
    setup();
    add("aaaa");
    cr_assert_eq(fair_queue_length(queue), 4);
    cr_assert(entries[3].queued);
    EXPECT(0, 1, 2, 3);
    teardown();
}

Test(fair_queue, each_flow_in_turn)
{
    setup();
    add("aaaaabbbc");
    EXPECT(0, 5, 8, 1, 6, 2, 7, 3, 4);
    teardown();
}

Test(fair_queue, a_newcomer_waits_one_round_at_most)
{
    setup();
    add("aaabbb");
    EXPECT(0, 3, 1);
    fair_queue_add(queue, &entries[40], number_of('c'));
    EXPECT(4, 2, 40, 5); /* and not before b, whose turn it was */
    teardown();
}

/* To have nothing left and come back gains nobody a turn. */
Test(fair_queue, who_comes_back_is_last_in_the_round)
{
    setup();
    add("abbcc");
    EXPECT(0);
    fair_queue_add(queue, &entries[0], number_of('a'));
    EXPECT(1, 3, 0);
    fair_queue_add(queue, &entries[0], number_of('a'));
    EXPECT(2, 4, 0);
    teardown();
}

Test(fair_queue, all_flows)
{
    enum { ALL = FLOWS - FLOW_DAEMON - 1 };
    static struct fair_queue_entry many[2 * ALL];

    setup();
    for (unsigned i = 0; i < 2 * ALL; i++)
        fair_queue_add(queue, &many[i], FLOW_DAEMON + 1 + i / 2);
    for (unsigned i = 0; i < 2 * ALL; i++)
        cr_assert_eq(fair_queue_take(queue) - many, i < ALL ? 2 * i : 2 * (i - ALL) + 1);
    teardown();
}

Test(fair_queue, remove)
{
    setup();
    add("aaaaabb");
    fair_queue_remove(queue, &entries[0]); /* the first, the middle, the last one */
    fair_queue_remove(queue, &entries[2]);
    fair_queue_remove(queue, &entries[4]);
    cr_assert_eq(fair_queue_length(queue), 4);
    cr_assert_not(entries[2].queued);
    EXPECT(1, 5, 3, 6);
    teardown();
}

Test(fair_queue, remove_all_of_whose_turn_it_is)
{
    setup();
    add("abc");
    fair_queue_remove(queue, &entries[0]);
    EXPECT(1, 2);
    teardown();
}

Test(fair_queue, remove_all_of_one_who_waits_for_a_turn)
{
    setup();
    add("abccab");
    fair_queue_remove(queue, &entries[1]);
    fair_queue_remove(queue, &entries[5]);
    EXPECT(0, 2, 4, 3);
    teardown();
}

Test(fair_queue, remove_the_only_one)
{
    setup();
    add("a");
    fair_queue_remove(queue, &entries[0]);
    cr_assert_eq(fair_queue_length(queue), 0);
    cr_assert_null(fair_queue_take(queue));
    add("ba");
    EXPECT(0, 1);
    teardown();
}

Test(fair_queue, promote_to_a_shorter_line)
{
    setup();
    add("aaaab");
    fair_queue_promote(queue, &entries[3], number_of('b'));
    cr_assert_eq(fair_queue_length(queue), 5);
    EXPECT(0, 4, 1, 3, 2);
    teardown();
}

Test(fair_queue, promote_to_an_empty_line)
{
    setup();
    add("aaa");
    fair_queue_promote(queue, &entries[2], number_of('c'));
    EXPECT(0, 2, 1);
    teardown();
}

Test(fair_queue, promote_not_to_one_that_is_as_long)
{
    setup();
    add("aaabb");
    fair_queue_promote(queue, &entries[2], number_of('b'));
    EXPECT(0, 3, 1, 4);
    fair_queue_promote(queue, &entries[2], number_of('c')); /* it is first by now */
    cr_assert_eq(entries[2].flow, number_of('a'));
    EXPECT(2);
    teardown();
}

/* Entries that were removed move no other back. */
Test(fair_queue, promote_within_its_own_line)
{
    setup();
    add("aaaaaa");
    for (int i = 1; i < 4; i++)
        fair_queue_remove(queue, &entries[i]);
    fair_queue_promote(queue, &entries[4], number_of('a'));
    EXPECT(0, 4, 5);
    teardown();
}

/* What the daemon asks for itself waits for nobody, and nobody's turn is the later for it. */
Test(fair_queue, the_daemon_itself_is_always_next)
{
    setup();
    add("aaabb");
    cr_assert_not(fair_queue_is_urgent(queue));
    EXPECT(0);
    fair_queue_add(queue, &entries[40], FLOW_DAEMON);
    fair_queue_add(queue, &entries[41], FLOW_DAEMON);
    cr_assert(fair_queue_is_urgent(queue));
    EXPECT(40);
    cr_assert(fair_queue_is_urgent(queue));
    EXPECT(41);
    cr_assert_not(fair_queue_is_urgent(queue));
    EXPECT(3, 1, 4, 2);
    teardown();
}

Test(fair_queue, the_daemon_itself_changes_its_mind)
{
    setup();
    add("!a!");
    fair_queue_remove(queue, &entries[0]);
    EXPECT(2, 1);
    add("!");
    fair_queue_remove(queue, &entries[0]);
    cr_assert_not(fair_queue_is_urgent(queue));
    teardown();
}

Test(fair_queue, promote_to_the_daemon_itself)
{
    setup();
    add("aaa");
    fair_queue_promote(queue, &entries[2], FLOW_DAEMON);
    EXPECT(2, 0, 1);
    teardown();
}

/* ---- The same in arrays, which is plain to see and slow */

static struct fair_queue_entry *flow_queues[4][MOST];
static unsigned counts[4], ring[4], ringed;

static void plain_add(struct fair_queue_entry *entry, unsigned flow)
{
    if (counts[flow] == 0 && flow != FLOW_DAEMON)
        ring[ringed++] = flow;
    flow_queues[flow][counts[flow]++] = entry;
}

static void plain_remove(const struct fair_queue_entry *entry, unsigned flow)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < counts[flow]; i++)
        if (flow_queues[flow][i] != entry)
            flow_queues[flow][kept++] = flow_queues[flow][i];
    counts[flow] = kept;
    kept = 0;
    for (unsigned i = 0; i < ringed; i++)
        if (counts[ring[i]] > 0)
            ring[kept++] = ring[i];
    ringed = kept;
}

static struct fair_queue_entry *plain_take(void)
{
    unsigned flow = ring[0];
    struct fair_queue_entry *entry = ringed > 0 ? flow_queues[flow][0] : NULL;

    if (counts[FLOW_DAEMON] > 0) {
        entry = flow_queues[FLOW_DAEMON][0];
        plain_remove(entry, FLOW_DAEMON);
        return entry;
    }
    if (!entry)
        return NULL;
    for (unsigned i = 1; i < ringed; i++)
        ring[i - 1] = ring[i];
    ring[ringed - 1] = flow;
    plain_remove(entry, flow);
    return entry;
}

Test(fair_queue, adding_taking_and_removing_in_any_order)
{
    unsigned taken = 0;

    setup();
    srand(1);
    for (unsigned step = 0; step < 200000; step++) {
        struct fair_queue_entry *entry = &entries[rand() % MOST];
        if (entry->queued && rand() % 4 == 0) {
            plain_remove(entry, entry->flow);
            fair_queue_remove(queue, entry);
        } else if (!entry->queued && rand() % 2 == 0) {
            unsigned flow = (unsigned)rand() % 4;
            plain_add(entry, flow);
            fair_queue_add(queue, entry, flow);
        } else {
            entry = fair_queue_take(queue);
            cr_assert_eq(entry, plain_take(), "in step %u", step);
            taken += entry != NULL;
        }
        cr_assert_eq(fair_queue_length(queue), counts[0] + counts[1] + counts[2] + counts[3]);
    }
    cr_assert_gt(taken, 1000);
    while (fair_queue_take(queue))
        ;
    teardown();
}
