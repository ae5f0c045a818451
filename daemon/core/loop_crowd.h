/* SPDX-License-Identifier: MIT */
/* Many descriptors that are one to the loop: in a round only LOOP_CROWD_SHARE of those that are ready are
 * served, in turn, so that however many there are, the loop's other descriptors do not wait for them.
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

/* As those of loop.h. */
int loop_crowd_watch(struct loop_crowd *crowd, struct loop_fd *watched, uint32_t events);
int loop_crowd_rewatch(struct loop_crowd *crowd, struct loop_fd *watched, uint32_t events);
void loop_crowd_unwatch(struct loop_crowd *crowd, struct loop_fd *watched);

#endif
