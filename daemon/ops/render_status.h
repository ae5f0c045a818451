/* SPDX-License-Identifier: MIT */
/* The document at /status. */
#ifndef OPS_RENDER_STATUS_H
#define OPS_RENDER_STATUS_H

#include "ops/status.h"

#include <stddef.h>

/* As the functions of render.h: JSON with a newline, for the caller to free, NULL when out of
 * memory. Any thread. */
char *render_status(const struct status_snapshot *snapshot, size_t *length);

#endif
