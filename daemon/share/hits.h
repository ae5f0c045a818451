/* SPDX-License-Identifier: MIT */
/* Counts hits in the shared tier by sensor, in a table of fixed size, since the names come from the tier.
 * Pure. */
#ifndef SHARE_HITS_H
#define SHARE_HITS_H

#include "share/share_status.h"

/* Zeroed before its first use. */
struct hits {
    unsigned count;
    struct {
        char name[SHARE_SENSOR_SIZE];
        uint64_t hits;
    } sensors[SHARE_SENSORS_COUNTED];
    uint64_t others;
};

void hits_count(struct hits *hits, const char *sensor);

void hits_status(const struct hits *hits, struct share_status *status);

#endif
