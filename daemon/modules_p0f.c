/* SPDX-License-Identifier: MIT */
#include "modules_p0f.h"

#include "config/config_sensors.h"

#include <stdio.h>

_Static_assert(SENSOR_SOCKETS_MAX == SENSORS_MAX, "p0f.socket may list as many as can be asked");
_Static_assert(CONFIG_SENSORS_NAME_SIZE <= SENSORS_NAME_SIZE, "names have room");

struct sensors *modules_p0f_sensors(const struct modules_p0f_options *options,
                                    char error[CONFIG_ERROR_SIZE])
{
    const struct config *config = options->config;
    struct config_sensors list;
    struct sensors_options sensors = {
        .dialect = config->p0f.dialect,
        .connections = config->p0f.connections,
        .pipeline = config->p0f.pipeline,
        .max_rate = config->p0f.max_rate,
        .seed = options->seed,
        .told = options->told,
        .ctx = options->ctx,
    };

    if (!config_sensors(config, &list, error))
        return NULL;
    for (; sensors.count < list.count; sensors.count++) {
        sensors.sensors[sensors.count].name = list.list[sensors.count].name;
        sensors.sensors[sensors.count].socket = list.list[sensors.count].path;
    }
    struct sensors *made = sensors_new(options->loop, &sensors);
    if (!made)
        snprintf(error, CONFIG_ERROR_SIZE, "out of memory for connections to p0f");
    return made;
}
