/* SPDX-License-Identifier: MIT */
/* A connection to a Valkey or Redis server, in our loop. Of hiredis, only buffers and parser are used: its
 * asynchronous interface aborts the process on a reply without a command, and does not limit the size of
 * replies.
 *
 * Belongs to the loop's thread. */
#ifndef SHARE_REDIS_SOCKET_H
#define SHARE_REDIS_SOCKET_H

#include "core/loop.h"

#include <hiredis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REDIS_SOCKET_REPLY_MAX 1048576 /* bytes of a reply; a larger one ends the connection */
#define REDIS_SOCKET_COMMAND_MAX 4096  /* bytes of a command; the longest, an HSET, has 2.4 KiB */
#define REDIS_SOCKET_WHY_SIZE 256

struct redis_socket;

struct redis_socket_options {
    struct loop *loop; /* borrowed */
    const char *host;  /* numeric, or the path of a unix socket */
    uint16_t port;
    bool is_unix;
    const char *tls_name; /* expected in the certificate; copied; NULL: no TLS */
    /* Called in later rounds of the loop. Each may close the connection. */
    void (*connected)(void *ctx);
    /* In order; valid during the call. An error does not repeat what was sent. */
    void (*reply)(void *ctx, const redisReply *reply);
    void (*lost)(void *ctx, const char *why); /* the last call: close the connection */
    void *ctx;
};

/* Starts connecting. NULL with the reason in `why` if that fails at once. */
struct redis_socket *redis_socket_open(const struct redis_socket_options *options,
                                       char why[REDIS_SOCKET_WHY_SIZE]);

/* No-op on NULL. */
void redis_socket_close(struct redis_socket *opened);

/* Only after connected(). All commands of a round of the loop are sent at its end, in one write. False when out
 * of memory, or if the command is too long. */
bool redis_socket_send(struct redis_socket *opened, int argc, const char **argv,
                       const size_t *lengths) __attribute__((warn_unused_result));

#endif
