/* SPDX-License-Identifier: MIT */
#include "http/options.h"

#include "http/respond.h"
#include "http/response.h"

/* Beyond what any page may send: what our API reads, and what tracing and HTTP libraries add to every
 * request. Authorization needs its name here even where "*" would do. */
#define SENDABLE                                                                                   \
    "Authorization, Cache-Control, Content-Type, If-Modified-Since, If-None-Match, Pragma, "       \
    "X-Request-Id, X-Requested-With, baggage, sentry-trace, traceparent, tracestate"
#define PREFLIGHT_GOOD_S "3600"

enum MHD_Result serve_options(struct request *request)
{
    const char *allowed = route_allow(request->target.route);
    struct MHD_Response *response = response_empty();

    response_add(&response, "Allow", allowed);
    if (request->allow_origin && request->fields.preflight) {
        response_add(&response, "Access-Control-Allow-Methods", allowed);
        response_add(&response, "Access-Control-Allow-Headers", SENDABLE);
        response_add(&response, "Access-Control-Max-Age", PREFLIGHT_GOOD_S);
        /* https://wicg.github.io/private-network-access/: from a public site to a private address. */
        if (request->fields.private_network)
            response_add(&response, "Access-Control-Allow-Private-Network", "true");
    }
    return respond(request, MHD_HTTP_NO_CONTENT, response);
}
