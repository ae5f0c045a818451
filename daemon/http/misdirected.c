/* SPDX-License-Identifier: MIT */
#include "http/misdirected.h"

#include "http/clients.h"
#include "http/respond.h"
#include "net/peer.h"

#define SHOWN 64 /* bytes of a name in a message */

/* The target's takes precedence (RFC 9112, 3.2.2). */
static struct span host_of(const struct request *request)
{
    if (request->target.authority.length > 0)
        return request->target.authority;
    return span_of(request->fields.host ? request->fields.host : "");
}

static bool is_over_unix(const struct request *request)
{
    struct p0f_addr peer;

    return !peer_addr(client_peer(request->client), &peer);
}

bool is_misdirected(const struct request *request)
{
    return !server_names_allow(request->client->service->names, host_of(request)) &&
           !request->target.route->proxied && !is_over_unix(request);
}

enum MHD_Result respond_misdirected(struct request *request)
{
    struct span host = span_trim(host_of(request));

    return respond_problem(request, PROBLEM_MISDIRECTED, NULL, "%.*s is not in http.server_names",
                           host.length < SHOWN ? (int)host.length : SHOWN, host.at);
}
