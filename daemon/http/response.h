/* SPDX-License-Identifier: MIT */
/* Responses, built for libmicrohttpd; respond.c queues them.
 *
 * Each function returns a response that the caller owns, or NULL when out of memory. Any thread. */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include "http/problem.h"
#include "lookup/freshness.h"
#include "lookup/host_record.h"

#include <stddef.h>

#define RESPONSE_JSON "application/json"

struct MHD_Response;

/* Adds a header field. A response that lacks one would say something else, so if there is no memory
 * for it, *response is destroyed and NULL; if it was NULL before, it stays so. */
void response_add(struct MHD_Response **response, const char *name, const char *value);

/* The same for a value that may be empty. */
void response_add_or_empty(struct MHD_Response **response, const char *name, const char *value);

/* Adds the name of a request field to Vary, which becomes one field: some caches read only one (nginx before
 * 1.23). Otherwise like response_add(). */
void response_vary(struct MHD_Response **response, const char *name);

/* What p0f knows of a host: `body` is that of `record`, a reference to which is taken over, even if this
 * returns NULL. */
struct MHD_Response *response_host(struct host_record *record, const struct host_record_body *body,
                                   const struct freshness *freshness);

/* `addr` and `freshness` may be NULL; an answer of p0f's ("no match") has both. */
struct MHD_Response *response_problem(enum problem problem, const struct p0f_addr *addr,
                                      const char *detail, const struct freshness *freshness);

/* The body of such a problem alone, to be freed. */
char *response_problem_text(enum problem problem, const struct p0f_addr *addr, const char *detail,
                            size_t *length);

/* A text of this content type. Takes it over, NULL included, even if this returns NULL. */
struct MHD_Response *response_owned(char *text, size_t length, const char *type);

/* The same of a text that stays. */
struct MHD_Response *response_static(const char *text, size_t length, const char *type);

/* Without a body. */
struct MHD_Response *response_empty(void);

#endif
