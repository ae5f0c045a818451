/* SPDX-License-Identifier: MIT */
/* Which pages may read the answers from a browser: the origins that settings name. Pure. */
#ifndef NET_ORIGINS_H
#define NET_ORIGINS_H

#include <stdbool.h>

struct origins;

#define ORIGINS_ERROR_SIZE 160
#define ORIGINS_EXPECTED "origins such as https://example.org, comma separated, or *"

/* Reads "https://example.org, http://localhost:8080", "*" for every origin, "" for none. Origins are
 * taken as browsers write them only, since they are compared byte by byte. The caller owns what is
 * returned; NULL when it is not understood or memory is out, and `error` then says which and why. */
struct origins *origins_parse(const char *text, char error[ORIGINS_ERROR_SIZE]);
void origins_free(struct origins *cors);

/* What Access-Control-Allow-Origin has to say to a request with this Origin field (NULL: without
 * one): "*", the origin (which stays as long as `cors`), or NULL for nothing. Any thread. */
const char *origins_allow(const struct origins *cors, const char *origin);

/* Whether that depends on the request, so that an answer, whatever it says, needs "Vary: Origin" to
 * be kept apart in a shared cache. */
bool origins_vary(const struct origins *cors);

#endif
