/* SPDX-License-Identifier: MIT */
/* The names under which this server is meant to be reached. A page that has its own name resolved to our
 * address (DNS rebinding) could read our answers as its own; but the browser then sends that name. Pure,
 * except for allocation. */
#ifndef NET_SERVER_NAMES_H
#define NET_SERVER_NAMES_H

#include "core/span.h"

struct server_names;

#define SERVER_NAMES_ERROR_SIZE 192
#define SERVER_NAMES_EXPECTED "comma-separated host names such as p0f.example.org"

/* Reads "p0f.example.org, dashboard"; "" for any name. IP addresses may be listed, though they need not
 * be. The caller owns the list. NULL on a syntax error or out of memory; `error` then says which item is
 * wrong, and how. */
struct server_names *server_names_parse(const char *text, char error[SERVER_NAMES_ERROR_SIZE]);

/* No-op on NULL. */
void server_names_free(struct server_names *names);

/* Whether a request for this host may be served: the value of Host, or what stands for it in the target;
 * its port, a dot at its end, and case make no difference. Names that no DNS server has a say in are
 * always allowed: IP addresses, localhost, and none. Any thread. */
bool server_names_allow(const struct server_names *names, struct span host);

#endif
