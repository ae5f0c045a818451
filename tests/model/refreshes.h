/* SPDX-License-Identifier: MIT */
/* Refreshes in the background. Nobody is told of them: they are seen only as lookups that are pending
 * while nobody waits. */
#ifndef REFRESHES_H
#define REFRESHES_H

#include <stdint.h>

void refreshes_start(void);

/* One has begun. */
void refreshes_begin(void);

/* A round of the loop begins, which takes what was submitted. */
void refreshes_take(int64_t timeout_ms);

/* A round has ended: fails the model when they are too many, or one takes longer than it may. `allowed`: so
 * many may have begun in it that the model was not told of. */
void refreshes_check(uint32_t pending, uint32_t waiting, uint32_t allowed);

#endif
