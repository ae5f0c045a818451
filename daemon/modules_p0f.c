/* SPDX-License-Identifier: MIT */
#include "modules_p0f.h"

#include "config/config_sensors.h"

#include <stdio.h>
#include <sys/param.h>

#define SHARED_HOSTS_MIN 1000 /* whose last write is remembered, even without a cache */

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
        .seed = options->key.k0 ^ options->key.k1,
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

static struct share_times share_times_of(const struct config *config)
{
    return (struct share_times){
        .ttl = config->share.ttl,
        .timeout = config->share.timeout,
        .write_interval = config->share.write_interval,
    };
}

bool modules_p0f_share(const struct modules_p0f_options *options, struct share **share,
                       char error[CONFIG_ERROR_SIZE])
{
    const struct config *config = options->config;
    const struct share_options shared = {
        .loop = options->loop,
        .wall = options->wall,
        .server = config->share.server,
        .prefix = config->share.prefix,
        .times = share_times_of(config),
        .max_hosts = MAX(config->cache.max_hosts, SHARED_HOSTS_MIN),
        .key = options->key,
        .seed = options->key.k0 ^ options->key.k1,
    };
    char reason[SHARE_ERROR_SIZE];

    *share = NULL;
    if (!config->share.server[0])
        return true;
    *share = share_new(&shared, reason);
    if (!*share)
        snprintf(error, CONFIG_ERROR_SIZE, "share.server: %s", reason);
    return *share != NULL;
}

uint32_t modules_p0f_connections_max(const struct config *config)
{
    char error[CONFIG_ERROR_SIZE];
    struct config_sensors list;
    uint32_t sensors = config_sensors(config, &list, error) ? list.count : 0;

    return sensors * config->p0f.connections + (config->share.server[0] ? SHARE_NODES_MAX : 0);
}

void modules_p0f_apply(const struct config *config, struct sensors *sensors, struct share *share)
{
    const struct share_times times = share_times_of(config);

    sensors_set_max_rate(sensors, config->p0f.max_rate);
    if (share)
        share_set_times(share, &times);
}
