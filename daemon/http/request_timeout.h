/* SPDX-License-Identifier: MIT */
/* Requests that take too long to come. A client has http.idle_timeout for a request, from its first byte
 * to the last of its body, and then gets a 408. One that has sent nothing for as long is idle, and its
 * connection is closed without a word. Private to the HTTP side; each function in the worker's thread.
 *
 * libmicrohttpd has a timeout of its own, which any byte resets and which says nothing. It is somewhat
 * longer, and left to clients that do not read their answers. */
#ifndef HTTP_REQUEST_TIMEOUT_H
#define HTTP_REQUEST_TIMEOUT_H

#include "http/request.h"

#define REQUEST_TIMEOUT_LATER_S 5 /* how much longer the library's is */

/* Bytes have been read from the connection. False when they come too late: the library is to be told that
 * there are no more. */
bool request_timeout_read(struct client *client);

/* To be called about once a second: ends what has taken too long on all connections of this thread, and idle
 * connections when shutting down. */
void request_timeout_sweep(void);

#endif
