/* SPDX-License-Identifier: MIT */
#include "http/client_address.h"

#include "http/client_hint.h"
#include "http/clients.h"
#include "net/client_walk.h"
#include "net/peer.h"

/* NULL for a unix socket. */
static const struct p0f_addr *peer_of(const struct request *request, struct p0f_addr *addr)
{
    return peer_addr(client_peer(request->client), addr) ? addr : NULL;
}

static enum client_walk walk_request(const struct request *request, const struct p0f_addr *peer,
                                     struct p0f_addr *addr)
{
    const struct http_service *service = request->client->service;
    const struct field_values *values = &request->fields.client;

    return client_walk(service->client_header.kind, service->trusted, peer,
                       field_values_array(values), values->count, addr);
}

const struct p0f_addr *client_address(const struct request *request, struct p0f_addr *addr)
{
    struct p0f_addr peer;

    walk_request(request, peer_of(request, &peer), addr);
    return addr->type ? addr : NULL;
}

const struct p0f_addr *client_address_of_visitor(const struct request *request,
                                                 struct p0f_addr *addr)
{
    struct p0f_addr space;
    const struct p0f_addr *peer = peer_of(request, &space);
    enum client_walk walk = walk_request(request, peer, addr);

    client_hint(request, walk, peer);
    return addr->type ? addr : NULL;
}
