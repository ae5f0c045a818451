/* SPDX-License-Identifier: MIT */
/* SIGHUP: reads the settings again and puts them in force. */
#ifndef RELOAD_H
#define RELOAD_H

#include "config/config.h"
#include "modules.h"

/* Reads `source` again and puts in force, in `config` and `modules`, what needs no restart; logs what does
 * need one. If the settings are invalid, the old ones stay in force. The log, /status and systemd are told
 * how it went. In the loop's thread. */
void reload_settings(struct config *config, const struct config_source *source,
                     struct modules *modules);

#endif
