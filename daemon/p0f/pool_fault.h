/* SPDX-License-Identifier: MIT */
/* Why p0f cannot be queried, as text: the same in the log, in /status, in /readyz and for the service
 * manager. Pure. */
#ifndef P0F_POOL_FAULT_H
#define P0F_POOL_FAULT_H

#include "p0f/pool_status.h"

#define POOL_FAULT_SIZE 640

/* In the order in which they are reported when connections differ. */
enum pool_fault {
    POOL_FAULT_NONE,
    POOL_FAULT_LOST,        /* p0f has closed the connections, or they were given up */
    POOL_FAULT_UNREACHABLE, /* cannot connect */
    POOL_FAULT_CONNECTING,  /* connected, and not answered yet */
    POOL_FAULT_UNANSWERED,  /* not answered for a second after connecting */
    POOL_FAULT_FOREIGN,     /* something else than the p0f that we expect answers, or hangs up */
    POOL_FAULT_HUNG,        /* p0f has answered, and does not any more */
    POOL_FAULTS,
};

/* Writes the reason; "" with POOL_FAULT_NONE. */
enum pool_fault pool_fault_find(const struct pool_status *status, char reason[POOL_FAULT_SIZE]);

/* Why a connection is given up while p0f answers on others. */
void pool_fault_dropped(const struct pool_status *status, const struct link_fault *fault,
                        char reason[POOL_FAULT_SIZE]);

/* That p0f answers, but not on all connections. */
void pool_fault_unserved(const struct pool_status *status, char reason[POOL_FAULT_SIZE]);

/* Why a connection ended or could not be made; "" if there was no fault. Without the socket. */
void pool_fault_describe(const struct link_fault *fault, char text[POOL_FAULT_SIZE]);

#endif
