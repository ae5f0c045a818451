/* SPDX-License-Identifier: MIT */
/* Which web pages may read our answers (CORS): the origins named in the settings. Pure, except
 * for allocation. */
#ifndef NET_ORIGINS_H
#define NET_ORIGINS_H

#include <stdbool.h>

struct origins;

#define ORIGINS_ERROR_SIZE 192
#define ORIGINS_EXPECTED "comma-separated origins such as https://example.org, or *"

/* Reads "https://example.org, http://localhost:8080", "*" for every origin, "" for none. Origins must
 * be written as browsers send them, since they are compared byte by byte. The caller owns the list.
 * NULL on a syntax error or out of memory; `error` then says which item is wrong, and how. */
struct origins *origins_parse(const char *text, char error[ORIGINS_ERROR_SIZE]);

/* No-op on NULL. */
void origins_free(struct origins *origins);

/* The value of Access-Control-Allow-Origin for a request with this Origin field (NULL: without one):
 * "*", the origin, which lives as long as `origins`, or NULL for no such field. Any thread. */
const char *origins_allow(const struct origins *origins, const char *origin);

/* Whether that depends on the request, so that every response needs "Vary: Origin" for shared caches.
 * Any thread. */
bool origins_vary(const struct origins *origins);

#endif
