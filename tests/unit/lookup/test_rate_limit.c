/* SPDX-License-Identifier: MIT */
#include "lookup/rate_limit.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define ONE FLOW_STRANGERS
#define OTHER (FLOWS - 1)
#define NS_PER_MS INT64_C(1000000)

static struct rate_limits *limits;
static struct mono now;

static void start(void)
{
    now = (struct mono){INT64_C(1000000000000)};
    limits = rate_limits_new();
    cr_assert_not_null(limits);
}

static void stop(void)
{
    rate_limits_free(limits);
}

/* How many of so many are allowed; what is said to be is, and what is not is not. */
static unsigned take(unsigned client, unsigned wanted)
{
    unsigned got = 0;

    for (unsigned i = 0; i < wanted; i++) {
        bool allowed = rate_limits_allow(limits, client, now);
        cr_assert_eq(rate_limits_take(limits, client, now), allowed);
        got += allowed;
    }
    return got;
}

/* So many in each of so many milliseconds. */
static unsigned take_for(unsigned client, unsigned ms, unsigned wanted)
{
    unsigned got = 0;

    for (unsigned i = 0; i < ms; i++) {
        got += take(client, wanted);
        now = mono_add_ms(now, 1);
    }
    return got;
}

Test(rate_limit, none_at_first, .init = start, .fini = stop)
{
    cr_assert_eq(take(ONE, 100000), 100000);
    rate_limits_set(limits, 20000, 2000);
    cr_assert_eq(take(ONE, 100000), 100, "what was taken without a limit counts for none");
}

Test(rate_limit, a_burst_and_then_evenly, .init = start, .fini = stop)
{
    rate_limits_set(limits, 0, 2000);
    cr_assert_eq(take(ONE, 1000), 100, "what comes in 50 ms");
    now = mono_add_ns(now, NS_PER_MS / 2 - 1);
    cr_assert_eq(take(ONE, 1000), 0);
    now = mono_add_ns(now, 1);
    cr_assert_eq(take(ONE, 1000), 1);
    cr_assert_eq(take_for(ONE, 10000, 50), 20000 - 2);
    now = mono_add_ms(now, 3600000);
    cr_assert_eq(take(ONE, 1000), 100, "an hour of rest allows no more at once");
}

Test(rate_limit, who_takes_less_is_never_refused, .init = start, .fini = stop)
{
    rate_limits_set(limits, 20000, 2000);
    cr_assert_eq(take_for(ONE, 10000, 2), 20000);
}

Test(rate_limit, of_few_a_second_there_is_one, .init = start, .fini = stop)
{
    rate_limits_set(limits, 0, 1);
    cr_assert_eq(take(ONE, 10), 1);
    now = mono_add_ms(now, 999);
    cr_assert_eq(take(ONE, 10), 0);
    now = mono_add_ms(now, 1);
    cr_assert_eq(take(ONE, 10), 1);
}

Test(rate_limit, each_client_has_its_own, .init = start, .fini = stop)
{
    rate_limits_set(limits, 0, 2000);
    cr_assert_eq(take(ONE, 1000), 100);
    cr_assert_eq(take(OTHER, 1000), 100);
}

Test(rate_limit, all_together_have_one, .init = start, .fini = stop)
{
    unsigned got = 0;

    rate_limits_set(limits, 20000, 2000);
    for (unsigned client = FLOW_STRANGERS; client < 40; client++)
        got += take(client, 50);
    cr_assert_eq(got, 1000);
    now = mono_add_ms(now, 1);
    cr_assert_eq(take(ONE, 1000), 20);
}

/* Who was refused since all together had too many has used up nothing of its own. */
Test(rate_limit, what_is_refused_costs_nothing, .init = start, .fini = stop)
{
    rate_limits_set(limits, 100, 2000);
    cr_assert_eq(take(OTHER, 1000), 5);
    cr_assert_eq(take(ONE, 1000), 0);
    rate_limits_set(limits, 0, 2000);
    cr_assert_eq(take(ONE, 1000), 100);
}

Test(rate_limit, the_nameless_are_no_client_and_the_daemon_has_none, .init = start, .fini = stop)
{
    rate_limits_set(limits, 20000, 2000);
    cr_assert_eq(take(FLOW_NAMELESS, 2000), 1000);
    cr_assert_eq(take(FLOW_DAEMON, 2000), 2000);
    cr_assert_eq(take(FLOW_REFRESH, 2000), 2000);
    cr_assert_eq(take(ONE, 1000), 0, "the nameless took what there was in all");
}

Test(rate_limit, a_new_one_is_in_force_at_once, .init = start, .fini = stop)
{
    rate_limits_set(limits, 0, 2000);
    cr_assert_eq(take(ONE, 1000), 100);
    rate_limits_set(limits, 0, 200);
    now = mono_add_ms(now, 50);
    cr_assert_eq(take(ONE, 1000), 10);
    rate_limits_set(limits, 0, 0);
    cr_assert_eq(take(ONE, 1000), 1000);
}

/* Clocks of threads are read at different times. */
Test(rate_limit, an_earlier_time_allows_no_more, .init = start, .fini = stop)
{
    rate_limits_set(limits, 0, 2000);
    cr_assert_eq(take(ONE, 1000), 100);
    now = mono_add_ms(now, -10);
    cr_assert_eq(take(ONE, 1000), 0);
    now = mono_add_ms(now, 10);
    cr_assert_eq(take(ONE, 1000), 0);
}

static _Atomic unsigned arrived;

static void *take_many(void *got)
{
    *(unsigned *)got = 0;
    arrived++;
    while (arrived < 2)
        sched_yield();
    for (unsigned i = 0; i < 1000000; i++)
        *(unsigned *)got += rate_limits_take(limits, ONE, now);
    return NULL;
}

Test(rate_limit, two_threads_get_no_more_than_one, .init = start, .fini = stop)
{
    pthread_t threads[2];
    unsigned got[2];

    rate_limits_set(limits, 0, 20000000);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, take_many, &got[i]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    cr_assert_eq(got[0] + got[1], 1000000, "%u and %u", got[0], got[1]);
}
