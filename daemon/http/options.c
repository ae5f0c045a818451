/* SPDX-License-Identifier: MIT */
#include "http/options.h"

#include "http/cors.h"
#include "http/respond.h"
#include "http/response.h"

enum MHD_Result serve_options(struct request *request)
{
    struct MHD_Response *response = response_empty();

    response_add(&response, "Allow", route_allow(request->target.route));
    cors_add_preflight(request, &response);
    return respond(request, MHD_HTTP_NO_CONTENT, response);
}
