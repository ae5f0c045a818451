/* SPDX-License-Identifier: MIT */
/* TLS to a Valkey or Redis server, where hiredis supports it (1.0 or later with hiredis_ssl). */
#ifndef SHARE_REDIS_TLS_H
#define SHARE_REDIS_TLS_H

#include <hiredis.h>
#include <stdbool.h>
#include <stddef.h>

struct ssl_st; /* OpenSSL's */

/* Starts the handshake on a connection, which owns the result. The server's certificate must be for this name or
 * address, by an issuer that the system trusts. NULL with the reason in `why` on failure. */
struct ssl_st *redis_tls_start(redisContext *redis, const char *name, char *why, size_t size);

/* Whether TLS has to read before it can write. */
bool redis_tls_wants_read(const struct ssl_st *tls);

/* Sets `why` if the connection has failed because of TLS; false otherwise. */
bool redis_tls_fault(const struct ssl_st *tls, char *why, size_t size);

#endif
