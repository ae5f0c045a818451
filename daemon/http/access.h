/* SPDX-License-Identifier: MIT */
/* Whether a request may be answered: the token in its Authorization field (RFC 6750), and what the token's
 * role permits. Private to the HTTP side; all of it belongs to the worker's thread. */
#ifndef HTTP_ACCESS_H
#define HTTP_ACCESS_H

#include "http/request.h"

/* Sets request->access, once the header has been read. */
void access_check(struct request *request);

/* Whether the answer to this request may be for those alone who have such a token, so that a cache must not
 * give it to others. */
bool access_varies(const struct request *request);

/* Whether a connection is over a unix socket, where no token is needed: the socket's mode and group decide
 * who may connect. What a PROXY header says about the peer does not matter. */
bool access_is_local(int fd);

#endif
