/* SPDX-License-Identifier: MIT */
/* Which connection libmicrohttpd is working on, in the thread that runs it; for workarounds.c.
 *
 * When it refuses a request by itself, it logs that, but not on which connection (seen in 0.9.75 and
 * 1.0.1). It works on one at a time: the last one that it has called us for, or has read from since. The
 * latter is seen here, as it calls this program's recv(). Private to the HTTP side; each function in the
 * thread that runs the library. */
#ifndef HTTP_READING_H
#define HTTP_READING_H

#include <stdbool.h>
#include <stddef.h>

/* The library has called us for this connection's request. */
void reading_mark(int fd);

/* The descriptor of the connection it is working on; -1 when unknown, as when the library does not read by
 * our recv(). */
int reading_current(void);

/* Where the bytes that were read last went, if that was from `fd`; else NULL. */
const char *reading_start(int fd);

/* The library has read `got` bytes of at most `size`, if positive, from this connection; decrypted ones with
 * TLS. Returns what it is told that it has read. */
ptrdiff_t reading_note(int fd, const void *bytes, size_t size, ptrdiff_t got);

/* From now on, has `read` called in this thread when something has been read; `filled`: all the room that
 * there was for it. If it returns false, the library gets nothing of it, but the end of what the client
 * sends. */
void reading_watch(bool (*read)(int fd, bool filled));

#endif
