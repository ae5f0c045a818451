/* SPDX-License-Identifier: MIT */
/* The sockets of the sensors, as in the settings: "/path", or "wan=/path, lan=/path" with names. Pure. */
#ifndef NET_SENSOR_SOCKETS_H
#define NET_SENSOR_SOCKETS_H

#include "core/sensor_name.h"

#include <stdbool.h>

#define SENSOR_SOCKETS_MAX 16
#define SENSOR_SOCKETS_PATH_MAX 107 /* bytes: the limit of a unix socket address */

struct sensor_socket {
    char name[SENSOR_NAME_MAX + 1]; /* "" for none, if there is only one socket */
    char path[SENSOR_SOCKETS_PATH_MAX + 1];
};

struct sensor_sockets {
    unsigned count;
    struct sensor_socket list[SENSOR_SOCKETS_MAX];
};

#define SENSOR_SOCKETS_ERROR_SIZE 192
#define SENSOR_SOCKETS_EXPECTED "an absolute path, or comma-separated name=/path"

/* Parses the list. Paths cannot contain commas. False with the reason in `error` if it is invalid; *sockets is
 * undefined then. */
bool sensor_sockets_parse(const char *list, struct sensor_sockets *sockets,
                          char error[SENSOR_SOCKETS_ERROR_SIZE]);

#endif
