/* SPDX-License-Identifier: MIT */
/* TLS handshakes. Each is done in steps that take turns with the worker's long requests, since one takes as
 * long as dozens of answers from the cache; until it is over, the connection is suspended. It has 10
 * seconds, or http.idle_timeout if that is less, whatever the client sends meanwhile. Private to the HTTP
 * side; each function in the worker's thread. */
#ifndef HTTP_TLS_HANDSHAKE_H
#define HTTP_TLS_HANDSHAKE_H

#include "http/request.h"

/* For a client with client->tls that libmicrohttpd has taken. */
void tls_handshake_begin(struct client *client);

/* Ends all of this thread that wait for their clients: the worker is about to stop. */
void tls_handshake_end_all(void);

#endif
