/* SPDX-License-Identifier: MIT */
/* The settings of the shared tier, checked together. */
#ifndef CONFIG_CONFIG_SHARE_H
#define CONFIG_CONFIG_SHARE_H

#include "config/config.h"
#include "core/sensor_name.h"

/* The name of this machine in the shared tier: share.sensor, or the host name. False with errno EINVAL and a
 * message in `error` if that is not unique or not a valid name. */
bool config_share_machine(const struct config *config, char name[SENSOR_NAME_MAX + 1],
                          char error[CONFIG_ERROR_SIZE]);

/* False with errno EINVAL and a message in `error`. True without share.server. */
bool config_share_check(const struct config *config, char error[CONFIG_ERROR_SIZE]);

#endif
