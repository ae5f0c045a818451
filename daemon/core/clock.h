/* SPDX-License-Identifier: MIT */
/* Monotonic time as a type of its own, so that it cannot be mixed up with durations or wall-clock time.
 * Durations are int64_t with the unit in the name. */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* A point on CLOCK_MONOTONIC. */
struct mono {
    int64_t ns;
};

/* A source of time: clock_mono(), or a test's. */
typedef struct mono clock_fn(void);

/* The time now. Any thread. */
struct mono clock_mono(void);

/* Wall-clock time in Unix seconds, for display only: it can be set back. Any thread. */
int64_t clock_wall(void);

static inline struct mono mono_add_ns(struct mono t, int64_t ns)
{
    return (struct mono){t.ns + ns};
}

static inline struct mono mono_add_ms(struct mono t, int64_t ms)
{
    return (struct mono){t.ns + ms * 1000000};
}

static inline bool mono_before(struct mono a, struct mono b)
{
    return a.ns < b.ns;
}

static inline struct mono mono_earlier(struct mono a, struct mono b)
{
    return a.ns < b.ns ? a : b;
}

/* Milliseconds from `from` to `to`, rounded towards zero. */
static inline int64_t mono_ms_between(struct mono from, struct mono to)
{
    return (to.ns - from.ns) / 1000000;
}

#endif
