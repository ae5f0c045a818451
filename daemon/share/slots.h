/* SPDX-License-Identifier: MIT */
/* The hash slots of a cluster: the slot of a key, and the node of a slot. Pure. */
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

/* Of a key with a hash tag, only the text between the first { and the next } counts. */
unsigned slot_of_key(const char *key, size_t length);

struct slot_map {
    unsigned count;
    struct node_address servers[SHARE_NODES_MAX]; /* masters, each once */
    uint8_t owner[SLOTS];                         /* index in `servers`, or SLOT_UNOWNED */
};

/* Reads the reply to CLUSTER SLOTS. Slots whose master has no usable address, or is one too many, are left
 * unowned. False if the reply is malformed. */
bool slot_map_read(const redisReply *reply, struct slot_map *map);

#endif
