/* SPDX-License-Identifier: MIT */
/* Answers of ours in place of error pages of libmicrohttpd's that it cannot be kept from sending.
 *
 * When 0.9.75 does not like a Content-Length, or has no room for all cookies, it queues a page of its
 * own in the midst of reading the header, goes on nevertheless, and sends the page's head twice. Our
 * handler is never called. But the library logs the error first, and we are its log: there we answer by
 * ourselves, and close the sending side, so that the page goes nowhere. The log does not say which
 * connection it is about. It is the one whose header is complete and that has neither been shown to our
 * handler nor got a response: there is never another in the same thread. So it is with 1.0.1, which
 * sends its page once. Private to the HTTP side; each function in the thread that runs the library. */
#ifndef HTTP_REPLACE_H
#define HTTP_REPLACE_H

#include "http/request.h"

/* A connection begins. */
void replace_enter(struct client *client);

/* It has ended. */
void replace_leave(struct client *client);

/* A request line has come on it: what goes wrong next is likely to be this. */
void replace_expect(struct client *client);

/* MHD_OPTION_EXTERNAL_LOGGER. */
__attribute__((format(printf, 2, 0))) void replace_on_log(void *ctx, const char *format,
                                                          va_list args);

#endif
