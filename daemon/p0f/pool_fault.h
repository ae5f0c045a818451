/* SPDX-License-Identifier: MIT */
/* Why p0f cannot be asked, in words for a person. Pure. */
#ifndef P0F_POOL_FAULT_H
#define P0F_POOL_FAULT_H

#include "p0f/pool.h"

#include <stdbool.h>

#define POOL_FAULT_SIZE 320

/* False, and `reason` empty, when there is a connection on which p0f has answered. */
bool pool_fault_find(const struct pool_status *status, char reason[POOL_FAULT_SIZE]);

/* The end of a connection, or why there is none, as far as that is known. "" when nothing is. */
void pool_fault_describe(const struct link_fault *fault, char text[POOL_FAULT_SIZE]);

#endif
