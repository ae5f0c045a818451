/* SPDX-License-Identifier: MIT */
#include "core/clock.h"

#include <time.h>

static int64_t read_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now); /* cannot fail for these clocks */
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

struct mono clock_mono(void)
{
    return (struct mono){read_ns(CLOCK_MONOTONIC)};
}

struct boottime clock_boottime(void)
{
    return (struct boottime){read_ns(CLOCK_BOOTTIME)};
}

int64_t clock_wall(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec;
}
