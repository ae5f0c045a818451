/* SPDX-License-Identifier: MIT */
/* The line that "p0f-lookupd lookup" prints for an address. Pure, except for allocation. */
#ifndef CMD_LOOKUP_LINE_H
#define CMD_LOOKUP_LINE_H

#include "p0fclient.h"

#include <stddef.h>

enum cmd_lookup_format {
    CMD_LOOKUP_PARSED, /* JSON, as GET /host */
    CMD_LOOKUP_RAW,    /* the same with ?format=raw */
    CMD_LOOKUP_TEXT    /* for people */
};

struct cmd_lookup_finding {
    const char *query; /* as given */
    struct p0f_addr addr;
    enum p0f_error error;
    const char *detail;          /* without a host */
    const struct p0f_host *host; /* with P0F_OK */
    const char *sensor;          /* that knows it; "" if it has no name */
};

/* In JSON, a host is what GET /host shows, and everything else an element of POST /hosts. Returns the line,
 * with a newline and its length in *length; the caller frees it. NULL when out of memory. */
char *cmd_lookup_line(const struct cmd_lookup_finding *finding, enum cmd_lookup_format format,
                      size_t *length);

#endif
