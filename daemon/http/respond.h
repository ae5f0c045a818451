/* SPDX-License-Identifier: MIT */
/* Queueing a response: the last step of every request. Private to the HTTP side.
 *
 * Each function returns what the access handler is to return; MHD_NO closes the connection. */
#ifndef HTTP_RESPOND_H
#define HTTP_RESPOND_H

#include "http/problem.h"
#include "http/request.h"
#include "lookup/freshness.h"

/* Takes the response over; NULL, for want of memory, closes the connection. */
enum MHD_Result respond(struct request *request, unsigned status, struct MHD_Response *response);

/* A problem document about request->about. The freshness goes with "no match" only, which is an
 * answer of p0f's; else it is NULL. */
__attribute__((format(printf, 4, 5))) enum MHD_Result
respond_problem(struct request *request, enum problem problem, const struct freshness *freshness,
                const char *format, ...);

/* The problem with the target's address or a parameter of it: target.error is one of these. */
enum MHD_Result respond_bad_target(struct request *request);

/* The route does not have the request's method. */
enum MHD_Result respond_method_not_allowed(struct request *request);

/* Counts the answer, which is as good as given, and logs it. To be called for one that is given in
 * another way; those above do so themselves, and the next. */
void respond_note(struct request *request, unsigned status);

/* For a response that may be shared, which only the caller knows how to let go. */
enum MHD_Result respond_shared(struct request *request, unsigned status,
                               struct MHD_Response *response);

#endif
