/* SPDX-License-Identifier: MIT */
/* Ends a connection whose peer may still be sending. */
#ifndef NET_DISCARD_H
#define NET_DISCARD_H

/* Shuts down both directions of a non-blocking TCP connection, or one on a unix socket, after discarding what
 * has been received, up to 256 KiB: with bytes left unread, closing would reset it, and the peer might not get
 * to read what it was sent. Any thread. */
void discard_and_shut(int fd);

#endif
