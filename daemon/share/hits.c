/* SPDX-License-Identifier: MIT */
#include "share/hits.h"

#include <string.h>

void hits_count(struct hits *hits, const char *sensor)
{
    unsigned i = 0;

    while (i < hits->count && strcmp(hits->sensors[i].name, sensor) != 0)
        i++;
    if (i == SHARE_SENSORS_COUNTED) {
        hits->others++;
        return;
    }
    if (i == hits->count)
        strncpy(hits->sensors[hits->count++].name, sensor, SHARE_SENSOR_SIZE - 1);
    hits->sensors[i].hits++;
}

void hits_status(const struct hits *hits, struct share_status *status)
{
    status->sensors = hits->count;
    for (unsigned i = 0; i < hits->count; i++) {
        memcpy(status->sensor[i].name, hits->sensors[i].name, SHARE_SENSOR_SIZE);
        status->sensor[i].hits = hits->sensors[i].hits;
    }
    status->other_hits = hits->others;
}
