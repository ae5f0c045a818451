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

/* Parses one item of the list. User and password may be percent-encoded; "redis://:password@host" has no user.
 * The default port is 6379. "rediss://" uses TLS. "valkey://" and "valkeys://" mean the same. "unix:/path" may be
 * followed by "?db=1", and "unix://user:password@/path" has a user. False if it is invalid; `error`, which never
 * contains a part of the URL, says why. */
bool redis_url_parse(struct span text, struct redis_url *url, char error[REDIS_URL_ERROR_SIZE]);

/* Checks a comma-separated list of at least one item. Several must be possible nodes of one cluster: all different,
 * none with a unix socket or a database, and either all or none with TLS. False as above. */
bool redis_url_check_list(const char *list, char error[REDIS_URL_ERROR_SIZE]);

/* "host:port", "[v6]:port" or "unix:/path", for messages. */
#define REDIS_URL_SERVER_SIZE 272
void redis_url_server(const struct redis_url *url, char text[REDIS_URL_SERVER_SIZE]);

/* Copies the list with each password replaced by "***", truncated to `size` bytes with the NUL. An invalid list is
 * accepted, too: whatever may be a password in it is replaced. */
void redis_url_redact(struct span list, char *text, size_t size);

#endif
