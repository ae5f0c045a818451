/* SPDX-License-Identifier: MIT */
/* Creates the sources of hosts, the sensors and the shared tier, from the settings. */
#ifndef MODULES_P0F_H
#define MODULES_P0F_H

#include "config/config.h"
#include "core/hash.h"
#include "p0f/sensors.h"
#include "share/share.h"

#include <stdbool.h>

struct modules_p0f_options {
    const struct config *config;
    struct loop *loop; /* borrowed until both are freed */
    wall_fn *wall;
    struct hash_key key;
    /* See struct sensors_options. */
    void (*told)(void *ctx, const char *fault);
    void *ctx;
};

/* NULL with the reason in `error`. */
struct sensors *modules_p0f_sensors(const struct modules_p0f_options *options,
                                    char error[CONFIG_ERROR_SIZE]);

/* Sets *share; to NULL without share.server. False with the reason in `error`, but not because a server cannot be
 * reached. */
bool modules_p0f_share(const struct modules_p0f_options *options, struct share **share,
                       char error[CONFIG_ERROR_SIZE]);

/* The maximum number of connections of both, with these settings. */
uint32_t modules_p0f_connections_max(const struct config *config);

/* Applies the settings of both that need no restart. */
void modules_p0f_apply(const struct config *config, struct sensors *sensors, struct share *share);

#endif
