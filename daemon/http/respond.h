/* SPDX-License-Identifier: MIT */
/* Queues a response: the last step of every request. Private to the HTTP side.
 *
 * Each function returns what the access handler is to return; MHD_NO closes the connection. */
#ifndef HTTP_RESPOND_H
#define HTTP_RESPOND_H

#include "http/problem.h"
#include "http/request.h"
#include "lookup/freshness.h"

/* Adds, like response_add(), the header fields that every answer to this request has. respond() does it. */
void respond_add_fields(const struct request *request, struct MHD_Response **response);

/* The status for a representation with this ETag: 304 if the client has it (If-None-Match), else 200. */
unsigned respond_status_for(const struct request *request, const char *etag);

/* Takes the response over. NULL, when out of memory, closes the connection. */
enum MHD_Result respond(struct request *request, unsigned status, struct MHD_Response *response);

/* A problem document about request->about. The freshness is that of a "no match", which is an answer of
 * p0f's; for other problems it is NULL. */
__attribute__((format(printf, 4, 5))) enum MHD_Result
respond_problem(struct request *request, enum problem problem, const struct freshness *freshness,
                const char *format, ...);

/* For a target.error that concerns its address or a parameter. */
enum MHD_Result respond_bad_target(struct request *request);

/* The route does not have the request's method. */
enum MHD_Result respond_method_not_allowed(struct request *request);

/* Counts and logs an answer. To be called for one that is not given by a function of this file. */
void respond_note(struct request *request, unsigned status);

/* Like respond(), for a response that may be shared: it is not changed, and stays the caller's. */
enum MHD_Result respond_shared(struct request *request, unsigned status,
                               struct MHD_Response *response);

#endif
