/* SPDX-License-Identifier: MIT */
/* Parses a request target (RFC 9112, section 3.2): route, address and parameters. Works on the text as
 * the client sent it: libmicrohttpd decodes %2F and cuts at %00. Letters, digits, - . _ and ~ that are
 * percent-encoded make no difference. Pure. */
#ifndef HTTP_TARGET_H
#define HTTP_TARGET_H

#include "core/span.h"
#include "http/route.h"
#include "lookup/lookup_request.h"
#include "p0fclient.h"
#include "json/render.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum target_error {
    TARGET_OK,
    TARGET_TOO_LONG,
    TARGET_MALFORMED,   /* neither origin-form, nor absolute-form, nor asterisk-form */
    TARGET_BAD_ADDRESS, /* `detail` says why, as it does for the next */
    TARGET_BAD_PARAMETER,
};

#define TARGET_MAX 4096      /* bytes */
#define TARGET_WAIT_MAX 5000 /* milliseconds */

struct target {
    const struct route *route; /* never NULL */
    enum target_error error;   /* the first two leave the table's last route */
    struct span authority;     /* of the absolute-form, in the text that was parsed; else empty */
    struct p0f_addr addr;
    enum render_format format;
    int64_t wait_ms; /* LOOKUP_WAIT_UNSET if not given */
    bool stale_ok;   /* of /readyz: cached hosts are enough */
    /* Printable ASCII, for a person. Without an error, for a path that does not exist: what was probably
     * meant, or "". */
    char detail[128];
};

/* Always fills *target, with a route of the table, which is borrowed. */
void target_parse(const char *text, size_t length, const struct route_table *table,
                  struct target *target);

/* The address that the target names, or NULL. */
const struct p0f_addr *target_addr(const struct target *target);

#endif
