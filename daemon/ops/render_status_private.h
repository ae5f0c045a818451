/* SPDX-License-Identifier: MIT */
/* The parts of render_status(), by what they are about. NULL when out of memory. */
#ifndef OPS_RENDER_STATUS_PRIVATE_H
#define OPS_RENDER_STATUS_PRIVATE_H

#include "ops/status.h"

#include <jansson.h>

json_t *render_pool(const struct pool_status *pool);
json_t *render_connections(const struct pool_status *pool);
json_t *render_sensors(const struct status_sensor *sensors, unsigned count);
json_t *render_share(const struct share_status *share);

#endif
