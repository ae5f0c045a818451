/* SPDX-License-Identifier: MIT */
/* Answers of ours in place of the error pages that libmicrohttpd sends without asking our handler.
 *
 * 0.9.75 has such pages for what it has no room for, for chunks and request lines that are malformed,
 * and for Content-Length, where it sends the page's head twice. 1.0.1 has them for most of what is
 * malformed, and closes a connection without any whose request line it cannot read. Both log that
 * first, and we are the log: there we answer by ourselves, and close the sending side, so that the
 * page goes nowhere. Whose request it is: see http/reading.h. Private to the HTTP side; each function in
 * the thread that runs the library. */
#ifndef HTTP_REPLACE_H
#define HTTP_REPLACE_H

#include "http/request.h"

/* A connection begins. */
void replace_enter(struct client *client);

/* It has ended. */
void replace_leave(struct client *client);

/* MHD_OPTION_EXTERNAL_LOGGER. */
__attribute__((format(printf, 2, 0))) void replace_on_log(void *ctx, const char *format,
                                                          va_list args);

#endif
