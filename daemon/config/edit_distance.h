/* SPDX-License-Identifier: MIT */
/* How far a mistyped name is from a name that exists, for "did you mean …?". Pure. */
#ifndef CONFIG_EDIT_DISTANCE_H
#define CONFIG_EDIT_DISTANCE_H

#include "core/span.h"

#define EDIT_DISTANCE_FAR 1000

/* Letters to insert, delete, replace or swap, ignoring case; '-' is the same as '_'. A name with letters
 * left out, such as max_conns, is at distance 1. EDIT_DISTANCE_FAR when the two have too little in
 * common for the one to be meant by the other. */
unsigned edit_distance(struct span typed, struct span name);

#endif
