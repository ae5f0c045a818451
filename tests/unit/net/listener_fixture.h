/* SPDX-License-Identifier: MIT */
#ifndef LISTENER_FIXTURE_H
#define LISTENER_FIXTURE_H

#include "net/listener.h"

/* Those of http.listen. Valid until the next call. */
static inline const struct listeners_options *options_for(const char *addresses,
                                                          bool beyond_loopback)
{
    static struct listeners_options options;

    options = (struct listeners_options){
        .addresses = addresses,
        .setting = "http.listen",
        .server = "",
        .beyond_loopback = beyond_loopback,
        .access = {.mode = 0666, .group = SOCKET_GROUP_UNSET},
    };
    return &options;
}

#endif
