/* SPDX-License-Identifier: MIT */
/* Writes the lines of the log to stderr in a thread of its own, so that no other thread ever waits for
 * whoever reads it. There is no other way to write without blocking that works for pipes, terminals,
 * sockets and files alike: O_NONBLOCK would be set for all processes that share stderr, and between
 * poll() and write() any of them can fill it.
 *
 * Once nobody reads, the queue fills up; later lines are lost until the writer has written it. */
#ifndef CORE_LOG_WRITER_H
#define CORE_LOG_WRITER_H

#include <stdbool.h>
#include <stddef.h>

#define LOG_WRITER_LINE_SIZE 1024

/* Starts the thread; again only after log_writer_stop() has returned true. `prefix` begins its own messages
 * (static). False with errno. */
bool log_writer_start(const char *prefix) __attribute__((warn_unused_result));

/* Queues one line of at most LOG_WRITER_LINE_SIZE bytes that ends with its only newline, or counts it as
 * lost. Lines are written within 10 ms; an urgent one at once, with those before it. Any thread. */
void log_writer_put(const char *line, size_t length, bool urgent);

/* Ends the thread when everything has been written. Gives up (false) when nothing could be written for a
 * second, and after five seconds in any case; the thread then goes on until the process ends. */
bool log_writer_stop(void) __attribute__((warn_unused_result));

#endif
