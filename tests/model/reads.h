/* SPDX-License-Identifier: MIT */
/* The daemon's reads of the tier, seen at the calls of share/share.h: each is answered once and in time, or
 * cancelled, with what the store has said. */
#ifndef READS_H
#define READS_H

#include "share/share_query.h"

void reads_start(const struct share_times *times);

/* Settings have been changed. */
void reads_new_times(const struct share_times *times);

/* None is left. */
void reads_end(void);

/* After each round of the loop: fails the model when one takes longer than it may. */
void reads_check(void);

#endif
