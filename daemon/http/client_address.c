/* SPDX-License-Identifier: MIT */
#include "http/client_address.h"

#include "core/number.h"
#include "net/peer.h"

#include <string.h>

/* ---- X-Forwarded-For */

static bool is_port(struct span text)
{
    uint64_t port;

    return text.length <= 5 && number_parse(text, 65535, &port);
}

/* Without brackets, two or more colons belong to an IPv6 address, and a single one to a port. */
static const char *find_port(struct span text)
{
    const char *end = text.at + text.length;
    const char *start = text.at[0] == '[' ? memchr(text.at, ']', text.length) : text.at;
    const char *colon = start ? memchr(start, ':', (size_t)(end - start)) : NULL;

    if (!colon || memchr(colon + 1, ':', (size_t)(end - colon - 1)))
        return NULL;
    return colon;
}

static bool read_address(struct span text, struct p0f_addr *addr)
{
    text = span_trim(text);
    if (text.length == 0)
        return false;
    const char *colon = find_port(text);
    if (colon) {
        size_t host = (size_t)(colon - text.at);
        if (!is_port(span_from(text, host + 1)))
            return false;
        text.length = host;
    }
    return p0f_addr_parse(text.at, text.length, addr) == P0F_OK;
}

/* Walks one field from its end. *client becomes the last address seen; true when it is not trusted, so
 * that nothing further left counts. */
static bool read_field(const struct networks *trusted, const char *field, struct p0f_addr *client,
                       bool *any)
{
    size_t end = strlen(field);

    for (;;) {
        size_t start = end;
        while (start > 0 && field[start - 1] != ',')
            start--;
        if (read_address((struct span){field + start, end - start}, client)) {
            *any = true;
            if (!networks_contain(trusted, client))
                return true;
        }
        if (start == 0)
            return false;
        end = start - 1;
    }
}

bool client_address_forwarded(const struct networks *trusted, const struct p0f_addr *peer,
                              const char *const *fields, size_t count, struct p0f_addr *client)
{
    bool any = peer != NULL;

    if (peer) {
        *client = *peer;
        if (!networks_contain(trusted, peer))
            return true;
    }
    while (count > 0)
        if (read_field(trusted, fields[--count], client, &any))
            return true;
    return any;
}

/* ---- A request */

/* False for a unix socket. */
static bool peer_of(const struct request *request, struct p0f_addr *addr)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->client->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

    return peer_addr(info ? info->client_addr : NULL, addr);
}

const struct p0f_addr *client_address(const struct request *request, struct p0f_addr *addr)
{
    const struct field_values *fields = &request->fields.forwarded_for;
    struct p0f_addr peer;
    const struct p0f_addr *known = peer_of(request, &peer) ? &peer : NULL;
    bool found = client_address_forwarded(request->client->service->trusted, known,
                                          field_values_array(fields), fields->count, addr);

    return found ? addr : NULL;
}
