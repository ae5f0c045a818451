/* SPDX-License-Identifier: MIT */
/* What knows hosts, made as the settings say: the sensors, and the shared tier. */
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
    /* As in struct sensors_options. */
    void (*told)(void *ctx, const char *fault);
    void *ctx;
};

/* NULL with the reason in `error`. */
struct sensors *modules_p0f_sensors(const struct modules_p0f_options *options,
                                    char error[CONFIG_ERROR_SIZE]);

/* Sets *share, to NULL without share.server. False with the reason in `error`; a server that cannot be reached is
 * none. */
bool modules_p0f_share(const struct modules_p0f_options *options, struct share **share,
                       char error[CONFIG_ERROR_SIZE]);

/* How many connections both may have, with these settings. */
uint32_t modules_p0f_connections_max(const struct config *config);

/* Puts the settings of both in force that need no restart. */
void modules_p0f_apply(const struct config *config, struct sensors *sensors, struct share *share);

#endif
