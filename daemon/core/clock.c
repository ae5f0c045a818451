/* SPDX-License-Identifier: MIT */
#include "core/clock.h"

#include <time.h>

struct mono clock_mono(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
    return (struct mono){(int64_t)now.tv_sec * 1000000000 + now.tv_nsec};
}

int64_t clock_wall(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec;
}
