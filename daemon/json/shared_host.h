/* SPDX-License-Identifier: MIT */
/* The value of a field in the shared tier: the raw JSON of a host, with `sensor` and `observed_at` at the end.
 * Pure. Any thread. */
#ifndef JSON_SHARED_HOST_H
#define JSON_SHARED_HOST_H

#include "p0fclient.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHARED_HOST_MAX 2048        /* bytes of a value */
#define SHARED_HOST_SENSOR_SIZE 128 /* a name, with its NUL */

struct shared_host {
    struct p0f_host host;
    char sensor[SHARED_HOST_SENSOR_SIZE];
    int64_t observed_at; /* Unix seconds: when p0f said so, by its daemon's clock */
};

/* Writes the value, without a NUL, and returns its length; 0 out of memory, or if the host is out of p0f's
 * range, so that nobody would take it. */
size_t shared_host_write(const struct p0f_addr *addr, const struct p0f_host *host,
                         const char *sensor, int64_t observed_at, char value[SHARED_HOST_MAX]);

/* Reads what shared_host_write() writes, in any order and with other members, whatever wrote it. False when it
 * is anything else: not JSON, too long, of another address, a member that is missing, there twice, of another
 * type or out of p0f's range, extra fields that are no dialect's, a name that is no sensor's. *shared has no meaning then.
 *
 * The host is written and rendered as the one that was written. Its texts can differ: one that p0f sent in
 * Latin-1 is UTF-8 now, unless that is longer than p0f's texts are. */
bool shared_host_read(const char *value, size_t length, const struct p0f_addr *addr,
                      struct shared_host *shared);

#endif
