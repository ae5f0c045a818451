/* SPDX-License-Identifier: MIT */
/* Private to the library. */
#ifndef UNIX_SOCKET_H
#define UNIX_SOCKET_H

/* Connects to the Unix stream socket at `path` and returns the descriptor, which is non-blocking and
 * closed by exec(); or -1 with errno. Never blocks. */
int p0f_unix_connect(const char *path);

#endif
