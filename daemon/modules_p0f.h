/* SPDX-License-Identifier: MIT */
/* What knows hosts, made as the settings say: the sensors. */
#ifndef MODULES_P0F_H
#define MODULES_P0F_H

#include "config/config.h"
#include "p0f/sensors.h"

#include <stdint.h>

struct modules_p0f_options {
    const struct config *config;
    struct loop *loop; /* borrowed until sensors_free() */
    uint64_t seed;
    /* As in struct sensors_options. */
    void (*told)(void *ctx, const char *fault);
    void *ctx;
};

/* NULL with the reason in `error`. */
struct sensors *modules_p0f_sensors(const struct modules_p0f_options *options,
                                    char error[CONFIG_ERROR_SIZE]);

#endif
