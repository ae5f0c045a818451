/* SPDX-License-Identifier: MIT */
/* Checks of settings that depend on other settings or on the machine. */
#ifndef CONFIG_CONFIG_CHECK_H
#define CONFIG_CONFIG_CHECK_H

#include "config/config.h"

/* Checks what config_load() cannot: addresses, sockets, sensors and the shared tier; `resolve` as for config_listen_check(). False
 * with its errno, and with a message in `error` that names the setting and where it was read. */
bool config_check(const struct config *config, bool resolve, char error[CONFIG_ERROR_SIZE]);

#endif
