/* SPDX-License-Identifier: MIT */
/* One question about an address to all who may know it: each sensor, and the shared tier. Their answers
 * are gathered into one.
 *
 * The newest last_seen wins; a sensor of this daemon wins over the tier, and the first one over the next, when
 * they are equal. A "no match" needs the word of every sensor: as long as one has not spoken, it may be the one
 * that knows. The tier's word is not needed. Belongs to the loop's thread. */
#ifndef LOOKUP_GATHER_H
#define LOOKUP_GATHER_H

#include "p0f/sensors.h"
#include "share/share.h"

#include <stdbool.h>

struct gather;

struct gather_answer {
    /* P0F_OK: found. P0F_NO_MATCH: nobody knows the host. Else why there is no answer: as of a pool_query. */
    enum p0f_error error;
    const struct p0f_host *host; /* if found */
    const char *sensor;          /* its name; NULL: it has none */
    bool partial;                /* a sensor has not answered, and might know more */
};

/* Called once for each gather_ask() that was successful, unless gather_free() comes first. `answer` is valid
 * during the call, in which the question may be asked again or freed. */
typedef void gather_answer_fn(void *ctx, const struct gather_answer *answer);

/* Shared by all questions; borrowed. */
struct gather_parts {
    struct sensors *sensors;
    struct share *share; /* NULL: no tier */
};

/* NULL when out of memory. */
struct gather *gather_new(const struct gather_parts *parts, const struct p0f_addr *addr,
                          gather_answer_fn *answer, void *ctx);

/* Any time. Queries that are sent stay outstanding, and what they need is freed with the last of them. No-op on
 * NULL. */
void gather_free(struct gather *gather);

/* Asks in this flow: the sensors, and the first time the tier, too. Where there are others to ask, a sensor that
 * has not answered anything for `timeout_ms` is left out. P0F_OK; or why nobody can be asked, and `answer` is not
 * called. */
enum p0f_error gather_ask(struct gather *gather, unsigned flow, int64_t timeout_ms) P0F_MUST_USE;

/* As pool_promote(). */
void gather_promote(struct gather *gather, unsigned flow);

/* Somebody's time is over. If a sensor or the tier has found the host, calls `answer` with that (partial, if a
 * sensor has not spoken), before this returns true. */
bool gather_expire(struct gather *gather) P0F_MUST_USE;

/* Nobody waits any more: drops what is not sent yet. True when nothing is outstanding then: `answer` will not be
 * called. */
bool gather_cancel(struct gather *gather) P0F_MUST_USE;

#endif
