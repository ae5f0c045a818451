/* SPDX-License-Identifier: MIT */
/* The rounds in which the daemon asks about a host, seen at the calls of lookup/gather.h, and what each of them may
 * come to: by the answers that have reached the daemon, as the tap and the reads of the tier tell. */
#ifndef ROUNDS_H
#define ROUNDS_H

#include "core/clock.h"
#include "share/share_query.h"
#include "tap.h"

#include <stdbool.h>
#include <stdint.h>

void rounds_start(void);

/* No gather is left. */
void rounds_end(void);

/* The one that asks about this host now; 0: none does. */
uint64_t rounds_gather(uint32_t host);

/* An answer has reached the daemon; or nobody can know what will. */
void rounds_heard(const struct tap_query *query, const struct tap_line *line);
void rounds_muddle(const struct tap_query *query);

/* The daemon listens to no p0f any more. */
void rounds_deaf(void);

/* The tier is asked for it; it has answered: with the answer of that number, or (found is NULL) with none. */
void rounds_tier_asked(uint32_t host);
void rounds_tier_told(uint32_t host, const struct share_found *found);

/* Before rounds_check(): somebody waits since this round of the loop for this host, who shall not wait for sensors
 * that have not answered for so long. */
void rounds_joined(uint32_t host, int64_t timeout_ms);

/* After each round of the loop: fails the model when one waits for nobody any more. */
void rounds_check(void);

/* Whether somebody has found this host, and others are waited for. */
bool rounds_has_found(uint32_t host);

/* What was found last of a host. */
struct rounds_found {
    bool any;
    bool partial; /* somebody had not answered */
    bool shared;  /* the tier knew it */
    uint32_t number;
    struct boottime asked; /* when the round began */
};

const struct rounds_found *rounds_found(uint32_t host);

#endif
