/* SPDX-License-Identifier: MIT */
/* One question about an address to all who may know it: each sensor, and the shared tier. Their answers
 * are gathered into one.
 *
 * The newest last_seen wins; a sensor of this daemon wins over the tier, and the first one over the next, when
 * they are equal. A "no match" needs the word of every sensor: as long as one has not spoken, it may be the one
 * that knows. The tier's word is not needed. What a sensor has found is written to the tier.
 *
 * It is asked in rounds, since a "no match" may be asked again. Belongs to the loop's thread. */
#ifndef LOOKUP_GATHER_H
#define LOOKUP_GATHER_H

#include "p0f/sensors.h"
#include "share/share.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gather;

struct gather_answer {
    /* P0F_OK: found. P0F_NO_MATCH: nobody knows the host. Else why there is no answer: as of a pool_query. */
    enum p0f_error error;
    const struct p0f_host *host; /* if found */
    const char *sensor;          /* its name; "": it has none */
    /* A sensor has not spoken, and may know more. With an error: of those that have, none knows the host. */
    bool partial;
};

/* `answer` is valid during the call, in which the gather may be ended. */
typedef void gather_answer_fn(void *ctx, const struct gather_answer *answer);

/* Shared by all; borrowed. */
struct gather_parts {
    struct sensors *sensors;
    struct share *share; /* NULL: no tier */
};

/* In the caller's memory, of this size, from gather_start() until `released` is called. */
size_t gather_size(const struct gather_parts *parts);

/* `answer` is called once in each round that gather_ask() begins, unless it is begun anew or ended. */
void gather_start(struct gather *gather, const struct gather_parts *parts,
                  const struct p0f_addr *addr, gather_answer_fn *answer,
                  void (*released)(void *ctx), void *ctx);

/* Any time, once: `answer` is not called any more. Calls `released` when no query is outstanding, perhaps before
 * this returns. */
void gather_end(struct gather *gather);

/* Begins a round, in this flow, or begins the one that waits anew: asks all whose answer is not outstanding
 * still; the tier only until it has answered. Where there are others to ask, a sensor that has not answered
 * anything for `timeout_ms` is left out. False when nobody can be asked: there is no round then. */
bool gather_ask(struct gather *gather, unsigned flow, int64_t timeout_ms) P0F_MUST_USE;

/* Whether gather_ask() is to begin the round anew for somebody who joins it: nobody has waited for it, so that it
 * may be old; or it waits for nobody but sensors that would be left out now. */
bool gather_is_stuck(const struct gather *gather, int64_t timeout_ms);

/* Otherwise: as pool_promote(). */
void gather_promote(struct gather *gather, unsigned flow);

/* Somebody's time is over. If the host has been found, or only the tier has not answered, calls `answer` with
 * what there is and returns true. */
bool gather_expire(struct gather *gather) P0F_MUST_USE;

/* Nobody waits any more: drops what is not sent yet. True when nothing is outstanding that is worth waiting for:
 * `answer` will not be called. */
bool gather_cancel(struct gather *gather) P0F_MUST_USE;

/* Whether there is more than one to ask, so that the parts of an answer differ in age. */
bool gather_has_several(const struct gather_parts *parts);

#endif
