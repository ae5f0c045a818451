/* SPDX-License-Identifier: MIT */
/* The sockets of the p0fs that are asked, as in the settings: "/path", or "wan=/path, lan=/path" where each has a
 * name. Pure. */
#ifndef NET_SENSOR_SOCKETS_H
#define NET_SENSOR_SOCKETS_H

#include "core/sensor_name.h"

#include <stdbool.h>

#define SENSOR_SOCKETS_MAX 16
#define SENSOR_SOCKETS_PATH_MAX 107 /* bytes: what an address of a unix socket has room for */

struct sensor_socket {
    char name[SENSOR_NAME_MAX + 1]; /* "": none, which only a single one may have */
    char path[SENSOR_SOCKETS_PATH_MAX + 1];
};

struct sensor_sockets {
    unsigned count;
    struct sensor_socket list[SENSOR_SOCKETS_MAX];
};

#define SENSOR_SOCKETS_ERROR_SIZE 192
#define SENSOR_SOCKETS_EXPECTED "an absolute path, or comma-separated name=/path"

/* Reads the list. A path has no comma. False when it is none, with what is wrong in `error`; *sockets is undefined
 * then. */
bool sensor_sockets_parse(const char *list, struct sensor_sockets *sockets,
                          char error[SENSOR_SOCKETS_ERROR_SIZE]);

#endif
