/* SPDX-License-Identifier: MIT */
/* The callbacks of libmicrohttpd for each request: checks its header, reads its body, and has its route
 * answer it. Private to the HTTP side; all of it belongs to the worker's thread. */
#ifndef HTTP_DISPATCH_H
#define HTTP_DISPATCH_H

#include <microhttpd.h>
#include <stddef.h>

struct request;

/* MHD_OPTION_URI_LOG_CALLBACK: a request begins on a connection whose socket context is its struct client.
 * Assigns its struct request as a whole and returns it, which makes it the *request of the functions
 * below. NULL when the connection has no struct client, for lack of memory. */
void *http_on_target(void *ctx, const char *text, struct MHD_Connection *connection);

/* The access handler: called when the header is complete, for each part of the body, at the end of
 * the request, and again after a resume. */
enum MHD_Result http_on_request(void *ctx, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *body,
                                size_t *body_length, void **request);

/* Releases what the request holds. To be called before its connection closes, too: libmicrohttpd reports no
 * completion of a request whose request line it could not read, nor does 1.0.1 of one that it refuses for a
 * chunk extension that is too large. No-op when there is none. */
void request_end(struct request *request);

/* MHD_OPTION_NOTIFY_COMPLETED: ends the request. */
void http_on_completed(void *ctx, struct MHD_Connection *connection, void **request,
                       enum MHD_RequestTerminationCode why);

#endif
