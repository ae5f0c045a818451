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
    int64_t observed_at; /* Unix seconds: the time of p0f's answer, by the clock of its daemon */
};

/* Writes the value, without a NUL, and returns its length; 0 when out of memory, or if the host has a value
 * out of p0f's range, which no reader would accept. */
size_t shared_host_write(const struct p0f_addr *addr, const struct p0f_host *host,
                         const char *sensor, int64_t observed_at, char value[SHARED_HOST_MAX]);

/* Reads such a value, with its members in any order and perhaps others between them. The value is untrusted: false
 * if it is not JSON, too long, or of another address; if a member is missing, given twice, of another type or out
 * of p0f's range; if the extra fields belong to no dialect, or the name is not one of a sensor. *shared is
 * undefined then.
 *
 * The host is rendered like the one that was written, but its strings can differ in memory: Latin-1 has become
 * UTF-8, unless that is longer than p0f's strings. */
bool shared_host_read(const char *value, size_t length, const struct p0f_addr *addr,
                      struct shared_host *shared);

#endif
