/* SPDX-License-Identifier: MIT */
#include "http/client_address.h"

#include "net/peer.h"

#include <string.h>

/* ---- Whom the proxies speak for */

/* 0 to 65535, in digits. */
static bool is_port_digits(const char *text, size_t length)
{
    unsigned port = 0;

    if (length == 0 || length > 5)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        port = port * 10 + (unsigned)(text[i] - '0');
    }
    return port <= 65535;
}

/* Without brackets, two colons or more are an IPv6 address, and one begins a port. */
static const char *find_port(const char *text, size_t length)
{
    const char *start = text[0] == '[' ? memchr(text, ']', length) : text;
    const char *colon = start ? memchr(start, ':', length - (size_t)(start - text)) : NULL;

    if (!colon)
        return NULL;
    size_t behind = length - (size_t)(colon + 1 - text);
    return memchr(colon + 1, ':', behind) ? NULL : colon;
}

static bool read_address(const char *text, size_t length, struct p0f_addr *addr)
{
    while (length > 0 && (text[0] == ' ' || text[0] == '\t')) {
        text++;
        length--;
    }
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t'))
        length--;
    if (length == 0)
        return false;
    const char *colon = find_port(text, length);
    if (colon) {
        size_t host = (size_t)(colon - text);
        if (!is_port_digits(colon + 1, length - host - 1))
            return false;
        length = host;
    }
    return p0f_addr_parse(text, length, addr) == P0F_OK;
}

/* Goes through one field from its end. *client becomes the address last seen; true when that is one
 * that is not trusted, so that nothing further left counts. */
static bool read_field(const struct networks *trusted, const char *field, struct p0f_addr *client,
                       bool *any)
{
    size_t end = strlen(field);

    for (;;) {
        size_t start = end;
        while (start > 0 && field[start - 1] != ',')
            start--;
        if (read_address(field + start, end - start, client)) {
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

/* ---- Whose request it is */

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
