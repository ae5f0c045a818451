/* SPDX-License-Identifier: MIT */
#include "http/client_address.h"

#include "core/number.h"
#include "net/host_port.h"
#include "net/peer.h"

#include <string.h>

/* ---- X-Forwarded-For */

static bool is_port(struct span text)
{
    uint64_t port;

    return text.length <= 5 && number_parse(text, 65535, &port);
}

/* False when they do not match. */
static bool drop_brackets(struct span *host)
{
    if (!span_skip(host, "["))
        return true;
    if (host->length == 0 || host->at[host->length - 1] != ']')
        return false;
    host->length--;
    return host->length > 0 && host->at[0] != '[';
}

/* Only IPv6 addresses have zones: "fe80::1%eth0". */
static bool drop_zone(struct span *host)
{
    struct span zone = *host, addr = span_split(&zone, '%');
    bool any = zone.at != addr.at + addr.length;

    *host = addr;
    return !any || (zone.length > 0 && memchr(addr.at, ':', addr.length));
}

/* `text` is not empty. False, with *addr unchanged, when it is not an address. */
static bool read_address(struct span text, struct p0f_addr *addr)
{
    struct span host, port;

    host_port_split(text, &host, &port);
    if (!drop_brackets(&host) || !drop_zone(&host) || (port.at && !is_port(port)))
        return false;
    return p0f_addr_parse(host.at, host.length, addr) == P0F_OK;
}

/* Walks one field from its end. *client becomes the last trusted address, or the one that ends the walk.
 * True when it ends here: nothing further left is believed. */
static bool walk_field(const struct networks *trusted, const char *field, struct p0f_addr *client,
                       bool *any)
{
    size_t end = strlen(field);

    for (;;) {
        size_t start = end;
        while (start > 0 && field[start - 1] != ',')
            start--;
        struct span entry = span_trim((struct span){field + start, end - start});
        if (entry.length > 0) {
            if (!read_address(entry, client))
                return true;
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
        if (walk_field(trusted, fields[--count], client, &any))
            break;
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
