/* SPDX-License-Identifier: MIT */
/* A group of descriptors that the loop watches as one: in each round, at most LOOP_CROWD_SHARE of those that
 * are ready are served, in turn, so that a large group does not delay the loop's other descriptors.
 *
 * Belongs to the thread that runs the loop. */
#ifndef CORE_LOOP_CROWD_H
#define CORE_LOOP_CROWD_H

#include "core/loop.h"

#define LOOP_CROWD_SHARE 8

struct loop_crowd;

/* Borrows the loop until loop_crowd_free(). NULL with errno on failure. */
struct loop_crowd *loop_crowd_new(struct loop *loop);

/* No descriptor may be watched. No-op on NULL. */
void loop_crowd_free(struct loop_crowd *crowd);

/* Like loop_watch(), loop_rewatch() and loop_unwatch(). */
int loop_crowd_watch(struct loop_crowd *crowd, struct loop_fd *watched, uint32_t events);
int loop_crowd_rewatch(struct loop_crowd *crowd, struct loop_fd *watched, uint32_t events);
void loop_crowd_unwatch(struct loop_crowd *crowd, struct loop_fd *watched);

#endif
