/* SPDX-License-Identifier: MIT */
/* The lookup and what it rests on, made without memory. */
#include "lookup_fixture.h"

#include "../../support/c/short_memory.h"

static bool make_loop(void)
{
    struct loop *made = loop_new(stage_clock);

    loop_free(made);
    return made;
}

static bool make_cache(void)
{
    struct recall *made = recall_new(&(struct recall_options){.max_hosts = 9, .max_misses = 9});

    recall_free(made);
    return made;
}

/* It does without its connections, for a while. In a loop of its own, which has not seen to it when
 * it goes. */
static bool make_sensors(void)
{
    struct loop *loop = loop_new(stage_clock);
    const struct sensors_options options = {
        .sensors = {{"wan", stage.p0f.socket.path}, {"lan", stage.p0f.socket.path}},
        .count = 2,
        .connections = 2,
        .pipeline = 16};
    struct sensors *made = loop ? sensors_new(loop, &options) : NULL;

    sensors_free(made);
    loop_free(loop);
    return made;
}

static bool make_lookup(void)
{
    const struct lookup_limits limits = {.max_pending = 3};
    struct lookup *made = lookup_new(stage.loop, recall, &(struct gather_parts){.sensors = sensors},
                                     stage_boottime, (struct hash_key){1, 2}, &limits);

    lookup_free(made);
    return made;
}

/* Returns how many allocations it takes at least. */
static long sweep(bool (*make)(void), bool only_once)
{
    long needed = 0;

    for (long fail_at = 0;; fail_at++) {
        memory_start(fail_at, only_once);
        bool made = make();
        bool refused = memory_stop();
        cr_assert_eq(memory.in_use, 0, "%ld leaked at allocation %ld", memory.in_use, fail_at);
        cr_assert(made || refused);
        if (!refused)
            return needed;
        needed += !made;
    }
}

Test(lookup_memory, without_memory_there_is_none)
{
    setup();
    for (int once = 0; once < 2; once++) {
        cr_assert_eq(sweep(make_loop, once), 1);
        cr_assert_eq(sweep(make_cache, once), 6);
        /* The four of the first one's connections are before the second one's. */
        cr_assert_eq(sweep(make_sensors, once), once ? 10 : 14);
        cr_assert_eq(sweep(make_lookup, once), 5);
    }
    teardown();
}
