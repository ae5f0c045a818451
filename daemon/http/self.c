/* SPDX-License-Identifier: MIT */
#include "http/self.h"

#include "http/client_address.h"
#include "http/host_lookup.h"
#include "http/respond.h"

static enum MHD_Result respond_self(struct request *request)
{
    request->lookup.freshness.personal = true;
    return host_lookup_respond(request);
}

enum MHD_Result serve_self(struct request *request)
{
    request->about = client_address_of_visitor(request, &request->lookup.addr);
    if (!request->about)
        return respond_problem(request, PROBLEM_BAD_ADDRESS, NULL,
                               "the request came over a unix socket without a client address in %s",
                               request->client->service->client_header.name.at);
    return host_lookup(request, true, respond_self);
}
