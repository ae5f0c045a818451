/* SPDX-License-Identifier: MIT */
#include "config/config_share.h"

#include "config/config_private.h"
#include "config/quantity.h"
#include "core/span.h"
#include "net/redis_url.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifndef HAVE_HIREDIS_SSL
#define HAVE_HIREDIS_SSL 0
#endif

bool config_share_machine(const struct config *config, char name[SENSOR_NAME_MAX + 1],
                          char error[CONFIG_ERROR_SIZE])
{
    char host[256] = "";

    errno = EINVAL;
    if (config->share.sensor[0]) {
        snprintf(name, SENSOR_NAME_MAX + 1, "%s", config->share.sensor);
        return true;
    }
    if (gethostname(host, sizeof host - 1) != 0)
        host[0] = '\0';
    errno = EINVAL;
    if (!sensor_name_valid(span_of(host)))
        return config_refuse(config, "share.sensor", error,
                             "the host name '%s' is not a name of up to %d letters, digits, -, _ "
                             "and .; set one that no other daemon of the fleet has",
                             host, SENSOR_NAME_MAX);
    strcpy(name, host);
    return true;
}

static bool check_tls_support(const struct config *config, char error[CONFIG_ERROR_SIZE])
{
    struct span rest = span_of(config->share.server), item;
    char reason[REDIS_URL_ERROR_SIZE];
    struct redis_url url;

    while (!HAVE_HIREDIS_SSL && span_next_item(&rest, &item))
        if (redis_url_parse(item, &url, reason) && url.tls)
            return config_refuse(
                config, "share.server", error,
                "rediss:// is not supported by this build, which needs hiredis 1.0 or later with "
                "hiredis_ssl; use redis:// through a TLS tunnel such as stunnel");
    return true;
}

bool config_share_check(const struct config *config, char error[CONFIG_ERROR_SIZE])
{
    char interval[QUANTITY_TEXT_SIZE], ttl[QUANTITY_TEXT_SIZE];

    if (!config->share.server[0])
        return true;
    errno = EINVAL;
    if (config->share.write_interval >= config->share.ttl)
        return config_refuse(
            config, "share.write_interval", error,
            "%s must be less than share.ttl (%s), or hosts expire between two writes",
            quantity_format_duration(config->share.write_interval, interval),
            quantity_format_duration(config->share.ttl, ttl));
    return check_tls_support(config, error);
}
