/* SPDX-License-Identifier: MIT */
/* Points in time as types of their own, so that they cannot be mixed up with each other, with durations
 * or with wall-clock time. Durations are int64_t with the unit in the name.
 *
 * Deadlines are on CLOCK_MONOTONIC, which stands still while the machine is suspended: whoever waits
 * then gets the rest of its time afterwards. Ages and lifetimes are on CLOCK_BOOTTIME, which does not. */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* A point on CLOCK_MONOTONIC. */
struct mono {
    int64_t ns;
};

/* A point on CLOCK_BOOTTIME. */
struct boottime {
    int64_t ns;
};

/* Sources of time: clock_mono() and clock_boottime(), or a test's. */
typedef struct mono clock_fn(void);
typedef struct boottime boottime_fn(void);
typedef int64_t wall_fn(void); /* Unix seconds */

/* The time now. Any thread. */
struct mono clock_mono(void);
struct boottime clock_boottime(void);

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

static inline struct boottime boottime_add_ms(struct boottime t, int64_t ms)
{
    return (struct boottime){t.ns + ms * 1000000};
}

static inline bool boottime_before(struct boottime a, struct boottime b)
{
    return a.ns < b.ns;
}

/* Milliseconds from `from` to `to`, rounded towards zero. */
static inline int64_t boottime_ms_between(struct boottime from, struct boottime to)
{
    return (to.ns - from.ns) / 1000000;
}

#endif
