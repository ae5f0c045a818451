/* SPDX-License-Identifier: MIT */
/* The daemon that is fuzzed: all its modules (modules.h), with the loop in a thread of its own, and
 * under a clock that stands until it is moved. */
#ifndef HTTP_DAEMON_H
#define HTTP_DAEMON_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define HTTP_DAEMON_P0F_CONNECTIONS 2
#define HTTP_DAEMON_PATIENCE_MS 30000 /* with a silent client */
#define HTTP_DAEMON_FORGETS_MS 60000  /* longer than anything is remembered */
#define HTTP_DAEMON_ORIGIN "https://a.example"

/* Once. */
void http_daemon_start(const char *p0f_path);

/* Ends the threads. No connection may be open, nothing pending or outstanding. */
void http_daemon_end(void);

/* Hands a connected socket over, and returns when that is done. */
void http_daemon_take(int fd, const struct sockaddr *peer, socklen_t length);

/* Moves the clock, and returns when the loop has done what that makes due. */
void http_daemon_pass(int64_t ms);

/* True when no client is connected and nothing is being looked up. */
bool http_daemon_at_rest(void);

#endif
