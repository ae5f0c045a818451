#include "p0f/fair_queue.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define MOST 64

static struct queue *queue;
static struct queue_entry entries[MOST];

static void setup(void)
{
    queue = queue_new();
    cr_assert_not_null(queue);
    for (int i = 0; i < MOST; i++)
        entries[i] = (struct queue_entry){0};
}

/* Strangers a, b and so on, and the daemon itself: ! */
static unsigned number_of(char asker)
{
    return asker == '!' ? ASKER_DAEMON : ASKER_STRANGERS + (unsigned)(asker - 'a');
}

/* Entry i for askers[i]. */
static void add(const char *askers)
{
    for (int i = 0; askers[i]; i++)
        queue_add(queue, &entries[i], number_of(askers[i]));
}

/* Takes so many, whose entries these must be, in this order. */
static void expect(const int *order, int count)
{
    for (int i = 0; i < count; i++) {
        uint32_t length = queue_length(queue);
        struct queue_entry *entry = queue_take(queue);
        cr_assert_not_null(entry, "nothing in place %d", i);
        cr_assert_eq(entry - entries, order[i], "%d in place %d", (int)(entry - entries), i);
        cr_assert_not(entry->queued);
        cr_assert_eq(queue_length(queue), length - 1);
    }
}

#define EXPECT(...) expect((const int[]){__VA_ARGS__}, sizeof((int[]){__VA_ARGS__}) / sizeof(int))

static void teardown(void)
{
    cr_assert_null(queue_take(queue));
    cr_assert_eq(queue_length(queue), 0);
    queue_free(queue);
}

Test(queue, empty)
{
    setup();
    teardown();
}

Test(queue, of_one_asker_first_come_first)
{
    setup();
    add("aaaa");
    cr_assert_eq(queue_length(queue), 4);
    cr_assert(entries[3].queued);
    EXPECT(0, 1, 2, 3);
    teardown();
}

Test(queue, each_asker_in_turn)
{
    setup();
    add("aaaaabbbc");
    EXPECT(0, 5, 8, 1, 6, 2, 7, 3, 4);
    teardown();
}

Test(queue, a_newcomer_waits_one_round_at_most)
{
    setup();
    add("aaabbb");
    EXPECT(0, 3, 1);
    queue_add(queue, &entries[40], number_of('c'));
    EXPECT(4, 2, 40, 5); /* and not before b, whose turn it was */
    teardown();
}

/* To have nothing left and come back gains nobody a turn. */
Test(queue, who_comes_back_is_last_in_the_round)
{
    setup();
    add("abbcc");
    EXPECT(0);
    queue_add(queue, &entries[0], number_of('a'));
    EXPECT(1, 3, 0);
    queue_add(queue, &entries[0], number_of('a'));
    EXPECT(2, 4, 0);
    teardown();
}

Test(queue, all_askers)
{
    enum { ALL = ASKERS - ASKER_DAEMON - 1 };
    static struct queue_entry many[2 * ALL];

    setup();
    for (unsigned i = 0; i < 2 * ALL; i++)
        queue_add(queue, &many[i], ASKER_DAEMON + 1 + i / 2);
    for (unsigned i = 0; i < 2 * ALL; i++)
        cr_assert_eq(queue_take(queue) - many, i < ALL ? 2 * i : 2 * (i - ALL) + 1);
    teardown();
}

Test(queue, remove)
{
    setup();
    add("aaaaabb");
    queue_remove(queue, &entries[0]); /* the first, the middle, the last one */
    queue_remove(queue, &entries[2]);
    queue_remove(queue, &entries[4]);
    cr_assert_eq(queue_length(queue), 4);
    cr_assert_not(entries[2].queued);
    EXPECT(1, 5, 3, 6);
    teardown();
}

Test(queue, remove_all_of_whose_turn_it_is)
{
    setup();
    add("abc");
    queue_remove(queue, &entries[0]);
    EXPECT(1, 2);
    teardown();
}

Test(queue, remove_all_of_one_who_waits_for_a_turn)
{
    setup();
    add("abccab");
    queue_remove(queue, &entries[1]);
    queue_remove(queue, &entries[5]);
    EXPECT(0, 2, 4, 3);
    teardown();
}

Test(queue, remove_the_only_one)
{
    setup();
    add("a");
    queue_remove(queue, &entries[0]);
    cr_assert_eq(queue_length(queue), 0);
    cr_assert_null(queue_take(queue));
    add("ba");
    EXPECT(0, 1);
    teardown();
}

Test(queue, hasten_to_a_shorter_line)
{
    setup();
    add("aaaab");
    queue_hasten(queue, &entries[3], number_of('b'));
    cr_assert_eq(queue_length(queue), 5);
    EXPECT(0, 4, 1, 3, 2);
    teardown();
}

Test(queue, hasten_to_an_empty_line)
{
    setup();
    add("aaa");
    queue_hasten(queue, &entries[2], number_of('c'));
    EXPECT(0, 2, 1);
    teardown();
}

Test(queue, hasten_not_to_one_that_is_as_long)
{
    setup();
    add("aaabb");
    queue_hasten(queue, &entries[2], number_of('b'));
    EXPECT(0, 3, 1, 4);
    queue_hasten(queue, &entries[2], number_of('c')); /* it is first by now */
    cr_assert_eq(entries[2].asker, number_of('a'));
    EXPECT(2);
    teardown();
}

/* Those that have left do not make anybody lose a place. */
Test(queue, hasten_within_its_own_line)
{
    setup();
    add("aaaaaa");
    for (int i = 1; i < 4; i++)
        queue_remove(queue, &entries[i]);
    queue_hasten(queue, &entries[4], number_of('a'));
    EXPECT(0, 4, 5);
    teardown();
}

/* What the daemon asks for itself waits for nobody, and nobody's turn is the later for it. */
Test(queue, the_daemon_itself_is_always_next)
{
    setup();
    add("aaabb");
    cr_assert_not(queue_is_urgent(queue));
    EXPECT(0);
    queue_add(queue, &entries[40], ASKER_DAEMON);
    queue_add(queue, &entries[41], ASKER_DAEMON);
    cr_assert(queue_is_urgent(queue));
    EXPECT(40);
    cr_assert(queue_is_urgent(queue));
    EXPECT(41);
    cr_assert_not(queue_is_urgent(queue));
    EXPECT(3, 1, 4, 2);
    teardown();
}

Test(queue, the_daemon_itself_changes_its_mind)
{
    setup();
    add("!a!");
    queue_remove(queue, &entries[0]);
    EXPECT(2, 1);
    add("!");
    queue_remove(queue, &entries[0]);
    cr_assert_not(queue_is_urgent(queue));
    teardown();
}

Test(queue, hasten_to_the_daemon_itself)
{
    setup();
    add("aaa");
    queue_hasten(queue, &entries[2], ASKER_DAEMON);
    EXPECT(2, 0, 1);
    teardown();
}

/* ---- The same in arrays, which is plain to see and slow */

static struct queue_entry *lanes[4][MOST];
static unsigned counts[4], ring[4], ringed;

static void plain_add(struct queue_entry *entry, unsigned asker)
{
    if (counts[asker] == 0 && asker != ASKER_DAEMON)
        ring[ringed++] = asker;
    lanes[asker][counts[asker]++] = entry;
}

static void plain_remove(const struct queue_entry *entry, unsigned asker)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < counts[asker]; i++)
        if (lanes[asker][i] != entry)
            lanes[asker][kept++] = lanes[asker][i];
    counts[asker] = kept;
    kept = 0;
    for (unsigned i = 0; i < ringed; i++)
        if (counts[ring[i]] > 0)
            ring[kept++] = ring[i];
    ringed = kept;
}

static struct queue_entry *plain_take(void)
{
    unsigned asker = ring[0];
    struct queue_entry *entry = ringed > 0 ? lanes[asker][0] : NULL;

    if (counts[ASKER_DAEMON] > 0) {
        entry = lanes[ASKER_DAEMON][0];
        plain_remove(entry, ASKER_DAEMON);
        return entry;
    }
    if (!entry)
        return NULL;
    for (unsigned i = 1; i < ringed; i++)
        ring[i - 1] = ring[i];
    ring[ringed - 1] = asker;
    plain_remove(entry, asker);
    return entry;
}

Test(queue, adding_taking_and_removing_in_any_order)
{
    unsigned taken = 0;

    setup();
    srand(1);
    for (unsigned step = 0; step < 200000; step++) {
        struct queue_entry *entry = &entries[rand() % MOST];
        if (entry->queued && rand() % 4 == 0) {
            plain_remove(entry, entry->asker);
            queue_remove(queue, entry);
        } else if (!entry->queued && rand() % 2 == 0) {
            unsigned asker = (unsigned)rand() % 4;
            plain_add(entry, asker);
            queue_add(queue, entry, asker);
        } else {
            entry = queue_take(queue);
            cr_assert_eq(entry, plain_take(), "in step %u", step);
            taken += entry != NULL;
        }
        cr_assert_eq(queue_length(queue), counts[0] + counts[1] + counts[2] + counts[3]);
    }
    cr_assert_gt(taken, 1000);
    while (queue_take(queue))
        ;
    teardown();
}
