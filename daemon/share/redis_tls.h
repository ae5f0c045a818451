/* SPDX-License-Identifier: MIT */
/* TLS to a Valkey or Redis server, where hiredis has it (1.0 and newer, built with it). */
#ifndef SHARE_REDIS_TLS_H
#define SHARE_REDIS_TLS_H

#include <hiredis.h>
#include <stdbool.h>
#include <stddef.h>

struct ssl_st; /* OpenSSL's */

/* Begins the handshake on a connection, which owns what is returned. The server must have a certificate of this
 * name (or address) by an authority that the system trusts. NULL with the reason in `why` on failure. */
struct ssl_st *redis_tls_start(redisContext *redis, const char *name, char *why, size_t size);

/* Whether it cannot write before something was read. */
bool redis_tls_wants_read(const struct ssl_st *tls);

/* Why the connection has failed, if TLS is why. */
bool redis_tls_fault(const struct ssl_st *tls, char *why, size_t size);

#endif
