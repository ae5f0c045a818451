/* SPDX-License-Identifier: MIT */
/* Who the daemon asks, all p0fs and the store: what they do in a step, and what happens to them. */
#ifndef PEERS_H
#define PEERS_H

#include <stdbool.h>

/* Most of them run when the daemon starts. */
void peers_start(void);

/* One of them may end, start, or hang up; the store does some rounds. */
void peers_change(void);

/* One p0f does some rounds. */
void peers_act(void);

/* After a round of the loop: whether the store has answered already. */
bool peers_are_prompt(void);

/* They do all that is to be done. */
void peers_finish(void);

/* From now on nothing goes wrong; and all of them run. */
void peers_heal(void);

void peers_stop_p0f(void);

#endif
