/* SPDX-License-Identifier: MIT */
/* Scatter-gather: queries all sensors and the shared tier about an address, and merges their answers into one.
 *
 * The newest last_seen wins; on a tie, a sensor of this daemon wins over the tier, and the first sensor over the
 * next. "No match" needs the answer of every sensor, since a missing one may know the host, but not that of the
 * tier. A host that a sensor finds is written to the tier.
 *
 * It works in rounds, since a "no match" may be queried again. Belongs to the loop's thread. */
#ifndef LOOKUP_GATHER_H
#define LOOKUP_GATHER_H

#include "p0f/sensors.h"
#include "share/share.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gather;

struct gather_answer {
    /* P0F_OK: found. P0F_NO_MATCH: unknown to all. Otherwise why there is no answer: see struct pool_query. */
    enum p0f_error error;
    const struct p0f_host *host; /* if found */
    const char *sensor;          /* that found it; "" if it has no name */
    /* A sensor has not answered, and may know more. With an error: those that have do not know the host. */
    bool partial;
};

/* `answer` is valid during the call, which may end the gather. */
typedef void gather_answer_fn(void *ctx, const struct gather_answer *answer);

/* Borrowed, and the same for all. */
struct gather_parts {
    struct sensors *sensors;
    struct share *share; /* NULL: no shared tier */
};

/* The size of a gather. The caller owns its memory, which must live from gather_start() until `released` is
 * called. */
size_t gather_size(const struct gather_parts *parts);

/* `answer` is called once for each round that gather_ask() starts, unless the round is restarted or ended. */
void gather_start(struct gather *gather, const struct gather_parts *parts,
                  const struct p0f_addr *addr, gather_answer_fn *answer,
                  void (*released)(void *ctx), void *ctx);

/* To be called once, at any time: `answer` is not called any more. Calls `released` when no query is
 * outstanding, perhaps before this returns. */
void gather_end(struct gather *gather);

/* Starts a round in this flow, or restarts the current one: queries each sensor whose answer is not outstanding
 * yet, and the tier unless it has answered. If there is anybody else to query, a sensor that has not answered for
 * `timeout_ms` is left out. False if nobody can be queried: there is no round then. */
bool gather_ask(struct gather *gather, unsigned flow, int64_t timeout_ms) P0F_MUST_USE;

/* Whether a request that joins should restart the round with gather_ask(): nobody was waiting for the round, so
 * it may be old; or it waits only for sensors that would be left out now. */
bool gather_is_stuck(const struct gather *gather, int64_t timeout_ms);

/* If not, to be called for a request that joins: see pool_promote(). */
void gather_promote(struct gather *gather, unsigned flow);

/* A request has reached its deadline. If the host has been found, or only the tier has not answered, calls
 * `answer` with the result so far and returns true. */
bool gather_expire(struct gather *gather) P0F_MUST_USE;

/* Nobody is waiting any more: drops queries that are not sent yet. True if no answer is left to wait for:
 * `answer` will not be called. */
bool gather_cancel(struct gather *gather) P0F_MUST_USE;

/* Whether there is more than one to query, so that the parts of an answer differ in age. */
bool gather_has_several(const struct gather_parts *parts);

#endif
