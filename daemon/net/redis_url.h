/* SPDX-License-Identifier: MIT */
/* The address of a Valkey or Redis server, as written in the settings. Pure. */
#ifndef NET_REDIS_URL_H
#define NET_REDIS_URL_H

#include "core/span.h"

#include <stdbool.h>
#include <stdint.h>

struct redis_url {
    bool is_unix, tls;
    char host[256]; /* or the path; without brackets */
    uint16_t port;
    char user[128];     /* "": the default user */
    char password[256]; /* "": none */
    uint32_t database;
};

#define REDIS_URL_ERROR_SIZE 160
#define REDIS_URL_EXPECTED "redis://[user:password@]host[:port][/db] or unix:/path"
#define REDIS_URL_LIST_MAX 64

/* Reads one item of the list. User and password may be percent-encoded; "redis://:password@host" has no user.
 * The port is 6379 if there is none. "rediss://" is TLS. "valkey://" and "valkeys://" are the same. "unix:/path"
 * may be followed by "?db=1", and "unix://user:password@/path" has a user. False when it is none of these; `error`,
 * which never has a part of the URL in it, says what is wrong. */
bool redis_url_parse(struct span text, struct redis_url *url, char error[REDIS_URL_ERROR_SIZE]);

/* Reads the comma-separated list, which has one item at least. Several must be what the nodes of a cluster can be:
 * different ones, without unix sockets and databases, and either all with TLS or none. False as above. */
bool redis_url_check_list(const char *list, char error[REDIS_URL_ERROR_SIZE]);

/* "host:port", "[v6]:port" or "unix:/path", for messages. */
#define REDIS_URL_SERVER_SIZE 272
void redis_url_server(const struct redis_url *url, char text[REDIS_URL_SERVER_SIZE]);

/* The whole list with each password replaced by "***", as it may be shown, cut after `size` bytes with the NUL. What is
 * no valid list may be given, too: of that, whatever may be a password is replaced. */
void redis_url_redact(struct span list, char *text, size_t size);

#endif
