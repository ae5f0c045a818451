/* SPDX-License-Identifier: MIT */
/* The document at /status. */
#ifndef OPS_RENDER_STATUS_H
#define OPS_RENDER_STATUS_H

#include "ops/status.h"

#include <stddef.h>

/* One line of JSON, NUL-terminated, for the caller to free, with its length in *length; NULL when out
 * of memory. Any thread. */
char *render_status(const struct status_snapshot *snapshot, size_t *length);

#endif
