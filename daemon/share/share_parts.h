/* SPDX-License-Identifier: MIT */
/* What reads and writes of the shared tier have in common. */
#ifndef SHARE_SHARE_PARTS_H
#define SHARE_SHARE_PARTS_H

#include "share/commands.h"
#include "share/share_query.h"

struct share_parts {
    struct loop *loop; /* borrowed, as all pointers here */
    wall_fn *wall;
    const char *prefix; /* up to SHARE_PREFIX_MAX bytes */
    struct commands *commands;
    struct share_counts *counts;
    struct share_log *log;
    const struct share_times *times;
};

#endif
