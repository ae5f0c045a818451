/* SPDX-License-Identifier: MIT */
/* Reads a request target (RFC 9112, section 3.2): which resource, which address, which parameters.
 * Works on the raw text, as the client sent it: libmicrohttpd has decoded %2F and cut at %00. Pure. */
#ifndef HTTP_TARGET_H
#define HTTP_TARGET_H

#include "p0fclient.h"
#include "json/render.h"

#include <stddef.h>
#include <stdint.h>

/* Those with a path of their own come first: they index target_paths. */
enum target_route {
    TARGET_HOST,
    TARGET_HOSTS,
    TARGET_SELF,
    TARGET_FORWARD_AUTH,
    TARGET_LIVEZ,
    TARGET_READYZ,
    TARGET_METRICS,
    TARGET_STATUS,
    TARGET_OPENAPI,
    TARGET_INDEX,
    TARGET_PATHS,
    TARGET_SERVER = TARGET_PATHS, /* "*", of OPTIONS */
    TARGET_NONE,                  /* no such path */
};

/* The paths, and what each is for. */
extern const struct render_path target_paths[TARGET_PATHS];

enum target_error {
    TARGET_OK,
    TARGET_TOO_LONG,
    TARGET_MALFORMED,     /* none of the forms that a server is asked with */
    TARGET_BAD_ADDRESS,   /* `address` says why */
    TARGET_BAD_PARAMETER, /* `detail` says which */
};

#define TARGET_MAX 4096      /* bytes of a target; more is refused */
#define TARGET_WAIT_MAX 5000 /* milliseconds */
#define TARGET_WAIT_UNSET (-1)

struct target {
    enum target_route route;
    enum target_error error; /* of routes with parameters; the first two have TARGET_NONE */
    enum p0f_error address;
    struct p0f_addr addr;
    enum render_format format;
    int64_t wait_ms;  /* TARGET_WAIT_UNSET when the request does not say */
    char detail[128]; /* printable ASCII, for a person */
};

/* Always fills *target. */
void target_parse(const char *text, size_t length, struct target *target);

/* The methods of a route as the Allow field has them (RFC 9110, 10.2.1). */
const char *target_allows(enum target_route route);

/* The address that the target names, or NULL. */
const struct p0f_addr *target_addr(const struct target *target);

#endif
