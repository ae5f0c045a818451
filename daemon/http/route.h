/* SPDX-License-Identifier: MIT */
/* A route: what the server does at a path. These are the rows of the table in routes.c. Pure. Private to
 * the HTTP side. */
#ifndef HTTP_ROUTE_H
#define HTTP_ROUTE_H

#include "core/metrics.h"
#include "net/tokens.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

struct request;

/* Answers a request, or suspends it. Returns what the access handler is to return. */
typedef enum MHD_Result route_handler(struct request *request);

/* Parameters of a route; bits. */
enum {
    ROUTE_IP = 1 << 0,     /* an address at the end of the path */
    ROUTE_FORMAT = 1 << 1, /* format=parsed|raw */
    ROUTE_WAIT = 1 << 2,   /* wait=0..5000 */
    ROUTE_STALE = 1 << 3,  /* stale=ok */
};

struct route {
    const char *path; /* in full; with ROUTE_IP, "{ip}" at its end stands for the address */
    /* Requests are visitors', passed on by a proxy, and never refused: any path below this one will do, any
     * Host (http.server_names aside), and any length that fits into memory. */
    bool proxied;
    const char *summary; /* for the index; NULL: not listed */
    route_handler *get;  /* HEAD as well; NULL: there is none, as for the next */
    route_handler *post;
    route_handler *any; /* instead of these, for any method */
    /* POST has a body of up to service->batch_bytes: what to call once the header is here (false: out of
     * memory), and for each part. All other requests are answered without reading one. */
    bool (*post_begin)(struct request *request);
    void (*post_take)(struct request *request, const char *bytes, size_t length);
    unsigned parameters;          /* others are ignored */
    unsigned needs;               /* of a token, one of these PERMIT_*; 0: no token is needed */
    struct metrics_route metrics; /* without a label it counts with the table's last */
};

struct route_table {
    const struct route *rows;
    unsigned count; /* METRICS_ROUTES at most */
};

/* The row for a path, never NULL: the last row is for paths that do not exist. *rest becomes the offset of
 * the address in the path, with ROUTE_IP. */
const struct route *route_find(const struct route_table *table, const char *path, size_t length,
                               size_t *rest);

/* The last row. */
const struct route *route_of_none(const struct route_table *table);

/* Its methods, for the Allow field (RFC 9110, 10.2.1); of those that take any, the usual ones. Static. */
const char *route_allow(const struct route *route);

/* The number under which its requests are counted. */
unsigned route_number(const struct route_table *table, const struct route *route);

#endif
