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
static bool make_pool(void)
{
    struct loop *loop = loop_new(stage_clock);
    const struct pool_options options = {
        .socket = stage.p0f.socket.path, .connections = 2, .pipeline = 16};
    struct pool *made = loop ? pool_new(loop, &options) : NULL;

    pool_free(made);
    loop_free(loop);
    return made;
}

static bool make_lookup(void)
{
    const struct lookup_limits limits = {.max_pending = 3};
    struct lookup *made =
        lookup_new(stage.loop, recall, pool, stage_boottime, (struct hash_key){1, 2}, &limits);

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
        cr_assert_eq(sweep(make_pool, once), 4);
        cr_assert_eq(sweep(make_lookup, once), 5);
    }
    teardown();
}
