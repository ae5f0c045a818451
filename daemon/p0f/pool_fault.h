/* Why p0f cannot be asked, in words for a person. Pure. */
#ifndef P0F_POOL_FAULT_H
#define P0F_POOL_FAULT_H

#include "p0f/pool.h"

#include <stdbool.h>

#define OUTAGE_SIZE 320

/* False, and `reason` empty, when there is a connection on which p0f has answered. */
bool outage_find(const struct pool_status *status, char reason[OUTAGE_SIZE]);

/* The end of a connection, or why there is none, as far as that is known. "" when nothing is. */
void outage_describe(const struct link_fault *fault, char text[OUTAGE_SIZE]);

#endif
