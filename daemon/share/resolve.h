/* SPDX-License-Identifier: MIT */
/* Resolves names without blocking the loop, in a thread for each name. (Not with getaddrinfo_a(), whose threads
 * sanitizers do not support.) Belongs to the loop's thread. */
#ifndef SHARE_RESOLVE_H
#define SHARE_RESOLVE_H

#include "core/loop.h"

#include <netinet/in.h>

#define RESOLVE_MAX 16 /* addresses of a name that are used */

struct resolve_addresses {
    unsigned count;
    char text[RESOLVE_MAX][INET6_ADDRSTRLEN + 16]; /* numeric, perhaps with a scope */
};

struct resolve;

/* `addresses` is NULL on failure, with the reason in `why`. Both are valid during the call; the resolution is
 * freed after it. */
typedef void resolved_fn(void *ctx, const struct resolve_addresses *addresses, const char *why);

/* Whether it is an address, and needs no resolution. */
bool resolve_is_numeric(const char *host);

/* Starts resolving the name. `done` is called once, in a later round of the loop, unless it is cancelled. NULL if
 * no thread can be started. It may take as long as the resolver's configuration allows. To try again, do
 * not cancel it and start another one: its thread would still run. */
struct resolve *resolve_start(struct loop *loop, const char *host, resolved_fn *done, void *ctx);

/* `done` will not be called. May be called at any time; the thread frees what it still uses. No-op on NULL. */
void resolve_cancel(struct resolve *resolve);

#endif
