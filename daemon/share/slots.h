/* SPDX-License-Identifier: MIT */
/* The hash slots of a cluster: which one a key is in, and which server has it. Pure. */
#ifndef SHARE_SLOTS_H
#define SHARE_SLOTS_H

#include "share/node_address.h"
#include "share/share_status.h"

#include <hiredis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLOTS 16384
#define SLOT_UNOWNED 255

/* Only what is between the first { and the next } counts, if that is anything: keys with the same text there
 * are in the same slot. */
unsigned slot_of_key(const char *key, size_t length);

struct slot_map {
    unsigned count;
    struct node_address servers[SHARE_NODES_MAX]; /* masters, each once */
    uint8_t owner[SLOTS];                         /* one of them, or SLOT_UNOWNED */
};

/* Reads the reply to CLUSTER SLOTS. Slots whose master has no usable address, or is one too many, are left
 * unowned. False when it is anything else than such a reply. */
bool slot_map_read(const redisReply *reply, struct slot_map *map);

#endif
