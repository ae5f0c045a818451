/* SPDX-License-Identifier: MIT */
#include "http/client_address.h"

#include "net/forwarded.h"
#include "net/peer.h"

#include <stdlib.h>
#include <strings.h>

static const char field_name[] = "X-Forwarded-For";

/* False for a unix socket. */
static bool peer_of(const struct request *request, struct p0f_addr *addr)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->client->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

    return peer_addr(info ? info->client_addr : NULL, addr);
}

struct fields {
    const char **values; /* NULL: only count */
    size_t count;
};

static enum MHD_Result see_forwarded(void *ctx, enum MHD_ValueKind kind, const char *name,
                                     const char *value)
{
    struct fields *fields = ctx;

    (void)kind;
    if (!value || strcasecmp(name, field_name) != 0)
        return MHD_YES;
    if (fields->values)
        fields->values[fields->count] = value;
    fields->count++;
    return MHD_YES;
}

enum client_address client_address(const struct request *request, struct p0f_addr *addr)
{
    struct p0f_addr peer;
    const struct p0f_addr *known = peer_of(request, &peer) ? &peer : NULL;
    struct fields fields = {0};

    MHD_get_connection_values(request->client->connection, MHD_HEADER_KIND, see_forwarded, &fields);
    if (fields.count > 0) {
        fields.values = calloc(fields.count, sizeof *fields.values);
        if (!fields.values)
            return CLIENT_ADDRESS_NO_MEMORY;
        fields.count = 0;
        MHD_get_connection_values(request->client->connection, MHD_HEADER_KIND, see_forwarded,
                                  &fields);
    }
    bool found = forwarded_client(request->client->service->trusted, known, fields.values,
                                  fields.count, addr);
    free(fields.values);
    return found ? CLIENT_ADDRESS_FOUND : CLIENT_ADDRESS_HIDDEN;
}

const struct p0f_addr *client_address_if_known(const struct request *request, struct p0f_addr *addr)
{
    return client_address(request, addr) == CLIENT_ADDRESS_FOUND ? addr : NULL;
}
