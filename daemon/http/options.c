/* SPDX-License-Identifier: MIT */
#include "http/options.h"

#include "http/respond.h"
#include "http/response.h"

#define SENDABLE "Cache-Control, Content-Type, If-None-Match" /* beyond what any page may send */
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
    }
    return respond(request, MHD_HTTP_NO_CONTENT, response);
}
