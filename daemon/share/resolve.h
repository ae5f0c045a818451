/* SPDX-License-Identifier: MIT */
/* The addresses of a name, without waiting for name servers: a thread of its own asks them. (Not that of
 * getaddrinfo_a(), in which sanitizers do not work.) Belongs to the loop's thread. */
#ifndef SHARE_RESOLVE_H
#define SHARE_RESOLVE_H

#include "core/loop.h"

#include <netinet/in.h>

#define RESOLVE_MAX 16 /* addresses of a name that are used */

struct resolve_addresses {
    unsigned count;
    char text[RESOLVE_MAX][INET6_ADDRSTRLEN + 16]; /* numeric, with a scope if it has one */
};

struct resolve;

/* `addresses` is NULL when there are none: `why` says why. Both are valid during the call, after which the
 * resolution is gone. */
typedef void resolved_fn(void *ctx, const struct resolve_addresses *addresses, const char *why);

/* Whether it is an address already, and needs no resolution. */
bool resolve_is_numeric(const char *host);

/* Begins to resolve the name. `done` is called once, in a later round of the loop, unless it is cancelled. NULL
 * when that cannot begin. It takes as long as the resolver's configuration allows: whoever has waited long
 * enough had better keep it than cancel it and begin another one, since only `done` says that its thread has
 * ended. */
struct resolve *resolve_start(struct loop *loop, const char *host, resolved_fn *done, void *ctx);

/* `done` is not called. At any time; the thread frees what it still uses. No-op on NULL. */
void resolve_cancel(struct resolve *resolve);

#endif
