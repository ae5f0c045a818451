/* SPDX-License-Identifier: MIT */
#include "config/config_check.h"

#include "config/config_listen.h"
#include "config/config_sensors.h"
#include "config/config_share.h"

bool config_check(const struct config *config, bool resolve, char error[CONFIG_ERROR_SIZE])
{
    struct config_sensors sensors;

    return config_listen_check(config, resolve, error) && config_share_check(config, error) &&
           config_sensors(config, &sensors, error);
}
