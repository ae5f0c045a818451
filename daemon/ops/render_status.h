/* SPDX-License-Identifier: MIT */
/* The documents at /status and /readyz. */
#ifndef OPS_RENDER_STATUS_H
#define OPS_RENDER_STATUS_H

#include "ops/status.h"

#include <stddef.h>

/* One line of JSON, NUL-terminated, for the caller to free, with its length in *length; NULL when out
 * of memory. Any thread. */
char *render_status(const struct status_snapshot *snapshot, size_t *length);

/* The same for a readiness that is not plain: `status` in a word, and why. */
char *render_readiness(const char *status, const char *detail, size_t *length);

#endif
