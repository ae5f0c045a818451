/* SPDX-License-Identifier: MIT */
/* The sensors in p0f.socket, with their names in answers, metrics and messages. With share.server, a name begins
 * with that of the machine: "web1", or "web1/wan". */
#ifndef CONFIG_CONFIG_SENSORS_H
#define CONFIG_CONFIG_SENSORS_H

#include "config/config.h"
#include "net/sensor_sockets.h"

#define CONFIG_SENSORS_NAME_SIZE (2 * SENSOR_NAME_MAX + 2)

struct config_sensors {
    unsigned count;
    struct {
        char name[CONFIG_SENSORS_NAME_SIZE]; /* "": none */
        char path[SENSOR_SOCKETS_PATH_MAX + 1];
    } list[SENSOR_SOCKETS_MAX];
};

/* False with errno EINVAL and a message in `error` if two sensors have the same socket, or the machine has no
 * valid name. */
bool config_sensors(const struct config *config, struct config_sensors *sensors,
                    char error[CONFIG_ERROR_SIZE]);

#endif
