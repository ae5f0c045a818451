/* SPDX-License-Identifier: MIT */
/* The responses we give, built for libmicrohttpd; http_queue.c queues them.
 *
 * Each function returns a response that the caller owns, or NULL when out of memory. Any thread. */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include "http/forward_auth.h"
#include "http/problem.h"
#include "lookup/freshness.h"
#include "lookup/host_record.h"

#include <sys/types.h>

struct MHD_Response;

/* Adds a header field. A response that lacks one would say something else, so if there is no memory
 * for it, *response is destroyed and NULL; if it was NULL before, it stays so. */
void response_add(struct MHD_Response **response, const char *name, const char *value);

/* What p0f knows of a host: `body` is of `answer`, whose reference is taken over, also when this
 * returns NULL. */
struct MHD_Response *response_host(struct host_record *record, const struct host_record_body *body,
                                   const struct freshness *freshness);

/* `addr` and `freshness` may be NULL; an answer of p0f's ("no match") has both. */
struct MHD_Response *response_problem(enum problem problem, const struct p0f_addr *addr,
                                      const char *detail, const struct freshness *freshness);

/* The body of such a problem alone, to be freed. */
char *response_problem_text(enum problem problem, const struct p0f_addr *addr, const char *detail,
                            size_t *length);

/* What is known of a host as header fields, without a body. */
struct MHD_Response *response_forward(const struct forward_auth *headers);

/* `allowed` are the methods of a route, as the Allow field has them. */
struct MHD_Response *response_options(const char *allowed);

struct MHD_Response *response_index(const char *version);
struct MHD_Response *response_openapi(void);
struct MHD_Response *response_alive(void);
struct MHD_Response *response_ready(void);

/* So many bytes, which `read` (MHD_ContentReaderCallback) gives as they are sent, `block` at most at
 * once; for nobody to keep. `ctx` is its, and is freed with `release`, also when this returns NULL. */
struct MHD_Response *response_streamed(uint64_t length, size_t block,
                                       ssize_t (*read)(void *ctx, uint64_t position, char *bytes,
                                                       size_t room),
                                       void *ctx, void (*release)(void *ctx), const char *type);

/* How things are at this moment, for nobody to keep. Takes `text` over, NULL included. */
struct MHD_Response *response_document(char *text, size_t length, const char *type);

#endif
