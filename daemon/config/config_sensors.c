/* SPDX-License-Identifier: MIT */
#include "config/config_sensors.h"

#include "config/config_private.h"
#include "config/config_share.h"
#include "config/same_path.h"
#include "net/redis_url.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Equal strings have been refused before. */
static bool check_sockets(const struct config *config, const struct sensor_sockets *sockets,
                          char error[CONFIG_ERROR_SIZE])
{
    for (unsigned i = 1; i < sockets->count; i++)
        for (unsigned j = 0; j < i; j++)
            if (same_path(sockets->list[i].path, sockets->list[j].path))
                return config_refuse(config, "p0f.socket", error,
                                     "%s and %s are the same path; remove one of them",
                                     sockets->list[j].path, sockets->list[i].path);
    return true;
}

/* p0f can crash when a client that it has to answer goes, as ours does from what is no Redis. */
static bool check_server(const struct config *config, const struct sensor_sockets *sockets,
                         char error[CONFIG_ERROR_SIZE])
{
    struct redis_url url;
    char reason[REDIS_URL_ERROR_SIZE];

    if (!redis_url_parse(span_of(config->share.server), &url, reason) || !url.is_unix)
        return true;
    for (unsigned i = 0; i < sockets->count; i++)
        if (same_path(url.host, sockets->list[i].path))
            return config_refuse(config, "share.server", error,
                                 "unix:%s is p0f.socket, where p0f itself listens; name the socket "
                                 "of a Valkey or Redis server",
                                 url.host);
    return true;
}

bool config_sensors(const struct config *config, struct config_sensors *sensors,
                    char error[CONFIG_ERROR_SIZE])
{
    struct sensor_sockets sockets;
    char reason[SENSOR_SOCKETS_ERROR_SIZE], machine[SENSOR_NAME_MAX + 1] = "";

    *sensors = (struct config_sensors){0};
    errno = EINVAL;
    if (!sensor_sockets_parse(config->p0f.socket, &sockets, reason))
        return config_refuse(config, "p0f.socket", error, "%s", reason);
    if (!check_sockets(config, &sockets, error) || !check_server(config, &sockets, error))
        return false;
    if (config->share.server[0] && !config_share_machine(config, machine, error))
        return false;
    for (; sensors->count < sockets.count; sensors->count++) {
        const struct sensor_socket *socket = &sockets.list[sensors->count];
        snprintf(sensors->list[sensors->count].name, CONFIG_SENSORS_NAME_SIZE, "%s%s%s", machine,
                 machine[0] && socket->name[0] ? "/" : "", socket->name);
        strcpy(sensors->list[sensors->count].path, socket->path);
    }
    return true;
}
