/* SPDX-License-Identifier: MIT */
/* Why p0f cannot be queried, as text. Pure. */
#ifndef P0F_POOL_FAULT_H
#define P0F_POOL_FAULT_H

#include "p0f/pool.h"

#include <stdbool.h>

#define POOL_FAULT_SIZE 320

/* Writes the reason and returns true; false, with an empty one, if p0f answers on any connection. */
bool pool_fault_find(const struct pool_status *status, char reason[POOL_FAULT_SIZE]);

/* Why a connection ended or could not be made; "" if there was no fault. */
void pool_fault_describe(const struct link_fault *fault, char text[POOL_FAULT_SIZE]);

#endif
