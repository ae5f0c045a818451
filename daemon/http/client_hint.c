/* SPDX-License-Identifier: MIT */
#include "http/client_hint.h"

#include "core/log.h"

#include <stdio.h>

#define FROM_SIZE (NETWORKS_TEXT_SIZE + 32)
#define REMEDY_SIZE 192

/* Whether this kind has not been logged yet; marks it as logged. Unix sockets count separately. */
static bool is_first(struct http_service *service, enum client_walk walk, bool is_unix)
{
    unsigned bit = 1u << (walk + (is_unix ? CLIENT_WALKS : 0));

    return !(atomic_load_explicit(&service->client_hints, memory_order_relaxed) & bit) &&
           !(atomic_fetch_or(&service->client_hints, bit) & bit);
}

static void describe_origin(const struct http_service *service, const struct p0f_addr *peer,
                            char from[FROM_SIZE])
{
    char network[NETWORKS_TEXT_SIZE];

    snprintf(from, FROM_SIZE, "over a unix socket");
    if (!peer)
        return;
    networks_describe(service->trusted, peer, network);
    snprintf(from, FROM_SIZE, "from a trusted proxy (%s)", network);
}

/* How to make a proxy send the field. */
static void describe_remedy(const struct client_header *header, char remedy[REMEDY_SIZE])
{
    switch (header->kind) {
    case CLIENT_HEADER_X_FORWARDED_FOR:
        snprintf(remedy, REMEDY_SIZE, "in nginx: proxy_set_header %s $proxy_add_x_forwarded_for;",
                 header->name.at);
        break;
    case CLIENT_HEADER_FORWARDED:
        snprintf(remedy, REMEDY_SIZE, "for=ADDRESS; p0f-lookupd.conf(5) has an example for nginx");
        break;
    case CLIENT_HEADER_ADDRESS:
        snprintf(remedy, REMEDY_SIZE, "in nginx: proxy_set_header %s $remote_addr;",
                 header->name.at);
        break;
    }
}

void client_hint(const struct request *request, enum client_walk walk, const struct p0f_addr *peer)
{
    struct http_service *service = request->client->service;
    const char *name = service->client_header.name.at, *path = request->target.route->path;
    char from[FROM_SIZE], remedy[REMEDY_SIZE];

    if (walk == CLIENT_WALK_FOUND || (walk == CLIENT_WALK_IGNORED && service->proxy_protocol) ||
        !is_first(service, walk, !peer))
        return;
    describe_origin(service, peer, from);
    describe_remedy(&service->client_header, remedy);
    switch (walk) {
    case CLIENT_WALK_NOTHING:
        log_info(
            "a request to %s came %s without an address in %s: if a proxy sent it, the proxy must "
            "add its client's address (%s); if you did, ignore this",
            path, from, name, remedy);
        break;
    case CLIENT_WALK_NO_ADDRESS:
        log_info("a request to %s came %s with something in %s that is not an address: the proxy "
                 "must add its client's address (%s)",
                 path, from, name, remedy);
        break;
    case CLIENT_WALK_ALL_TRUSTED:
        log_info(
            "a request to %s came %s with only trusted proxies in %s: unless one of them is the "
            "client, http.trusted_proxies is too wide",
            path, from, name);
        break;
    case CLIENT_WALK_IGNORED:
        log_info("a request to %s came with %s, which was ignored, as the peer is not in "
                 "http.trusted_proxies: add it there if it is your proxy",
                 path, name);
        break;
    case CLIENT_WALK_FOUND:
        break;
    }
}
