/* SPDX-License-Identifier: MIT */
#include "lookup/rate_limit.h"

#include <stdatomic.h>
#include <stdlib.h>

#define BURST_NS (RATE_LIMIT_BURST_MS * INT64_C(1000000))

/* When everything taken from a limit would have been used up at an even rate. */
typedef _Atomic int64_t due_t;

struct rate_limits {
    _Atomic int64_t interval_in_all; /* nanoseconds between two; 0: no limit */
    _Atomic int64_t interval_per_client;
    due_t in_all;
    due_t clients[FLOWS];
};

struct rate_limits *rate_limits_new(void)
{
    return calloc(1, sizeof(struct rate_limits));
}

void rate_limits_free(struct rate_limits *limits)
{
    free(limits);
}

static int64_t interval_of(uint32_t rate)
{
    return rate > 0 ? INT64_C(1000000000) / rate : 0;
}

void rate_limits_set(struct rate_limits *limits, uint32_t in_all, uint32_t per_client)
{
    limits->interval_in_all = interval_of(in_all);
    limits->interval_per_client = interval_of(per_client);
}

static bool allows(int64_t due, int64_t interval, struct mono now)
{
    return interval == 0 || due <= now.ns + BURST_NS - interval || due <= now.ns;
}

static bool take_turn(due_t *due, int64_t interval, struct mono now)
{
    int64_t before = atomic_load_explicit(due, memory_order_relaxed), after;

    do {
        if (!allows(before, interval, now))
            return false;
        after = (before > now.ns ? before : now.ns) + interval;
    } while (interval > 0 && !atomic_compare_exchange_weak(due, &before, after));
    return true;
}

static int64_t interval_for(const struct rate_limits *limits, unsigned client)
{
    return client >= FLOW_STRANGERS ? limits->interval_per_client : 0;
}

static bool is_limited(unsigned client)
{
    return client != FLOW_DAEMON && client != FLOW_REFRESH;
}

bool rate_limits_take(struct rate_limits *limits, unsigned client, struct mono now)
{
    int64_t interval = interval_for(limits, client);

    if (!is_limited(client))
        return true;
    if (!take_turn(&limits->clients[client], interval, now))
        return false;
    if (take_turn(&limits->in_all, limits->interval_in_all, now))
        return true;
    atomic_fetch_sub(&limits->clients[client], interval); /* not used after all */
    return false;
}

bool rate_limits_allow(const struct rate_limits *limits, unsigned client, struct mono now)
{
    return !is_limited(client) ||
           (allows(limits->clients[client], interval_for(limits, client), now) &&
            allows(limits->in_all, limits->interval_in_all, now));
}
