/* SPDX-License-Identifier: MIT */
#include "http/cors.h"

#include "http/response.h"

#include <string.h>

/* Beyond what any page may read. Each by its name: "*" means nothing in a request with credentials. */
#define READABLE                                                                                   \
    "Age, Cache-Status, ETag, Retry-After, X-P0F-Bad-SW, X-P0F-Distance, X-P0F-HTTP, "             \
    "X-P0F-Language, X-P0F-Link, X-P0F-Match-Quality, X-P0F-NAT, X-P0F-OS, X-P0F-OS-Flavor, "      \
    "X-P0F-OS-Name, X-P0F-Status, X-P0F-Uptime-Min"

/* Beyond what any page may send: what our API reads, and what tracing and HTTP libraries add to every
 * request. Authorization needs its name here even where "*" would do. */
#define SENDABLE                                                                                   \
    "Authorization, Cache-Control, Content-Type, If-Modified-Since, If-None-Match, Pragma, "       \
    "X-Request-Id, X-Requested-With, baggage, sentry-trace, traceparent, tracestate"
#define PREFLIGHT_GOOD_S "3600"

void cors_add_fields(const struct request *request, struct MHD_Response **response)
{
    if (origins_vary(request->client->service->cors))
        response_vary(response, "Origin");
    if (!request->allow_origin)
        return;
    response_add(response, "Access-Control-Allow-Origin", request->allow_origin);
    response_add(response, "Access-Control-Expose-Headers", READABLE);
}

void cors_add_preflight(const struct request *request, struct MHD_Response **response)
{
    if (!request->allow_origin || !request->fields.preflight ||
        strcmp(request->method, "OPTIONS") != 0)
        return;
    response_add(response, "Access-Control-Allow-Methods", route_allow(request->target.route));
    response_add(response, "Access-Control-Allow-Headers", SENDABLE);
    response_add(response, "Access-Control-Max-Age", PREFLIGHT_GOOD_S);
    /* https://wicg.github.io/private-network-access/: from a public site to a private address. */
    if (request->fields.private_network)
        response_add(response, "Access-Control-Allow-Private-Network", "true");
}

bool cors_is_own(const struct request *request)
{
    return request->allow_origin && origins_vary(request->client->service->cors);
}
