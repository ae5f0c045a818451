/* Connections that were answered and closed while their client still sends. To close a socket with
 * bytes unread is to reset the connection, which can lose the client the answer; so what it sends is
 * read and dropped until it closes its end, within bounds. */
#ifndef LINGERING_H
#define LINGERING_H

#include "loop.h"

struct lingering;

/* Borrows the loop until lingering_free(). NULL when out of memory. */
struct lingering *lingering_new(struct loop *loop);

/* Closes all at once. The loop must not be running any more. */
void lingering_free(struct lingering *all);

/* Takes over a socket that is shut down for writing, or will be in a moment. Any thread. */
void lingering_take(struct lingering *all, int fd);

#endif
