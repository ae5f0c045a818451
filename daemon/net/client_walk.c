/* SPDX-License-Identifier: MIT */
#include "net/client_walk.h"

#include "net/forwarded.h"
#include "net/node.h"

static size_t last_item(struct span list)
{
    size_t start = list.length;

    while (start > 0 && list.at[start - 1] != ',')
        start--;
    return start;
}

/* The offset of the last entry. */
static size_t last_entry(enum client_header_kind header, struct span field)
{
    switch (header) {
    case CLIENT_HEADER_X_FORWARDED_FOR:
        return last_item(field);
    case CLIENT_HEADER_FORWARDED:
        return forwarded_last(field);
    case CLIENT_HEADER_ADDRESS:
        break;
    }
    return 0;
}

static bool read_entry(enum client_header_kind header, struct span entry, struct p0f_addr *addr)
{
    if (header == CLIENT_HEADER_FORWARDED)
        return forwarded_address(entry, addr);
    return node_parse(entry, NODE_PORT_NUMBER, addr);
}

/* Walks one field from its end. *walk is what there was so far, and becomes what there is now; *client becomes
 * the last trusted address, or the one that ends the walk. True when it ends here. */
static bool walk_field(enum client_header_kind header, const struct networks *trusted,
                       struct span field, struct p0f_addr *client, enum client_walk *walk)
{
    for (;;) {
        size_t start = last_entry(header, field);
        struct span entry = span_trim(span_from(field, start));
        if (entry.length > 0) {
            *walk = CLIENT_WALK_NO_ADDRESS;
            if (!read_entry(header, entry, client))
                return true;
            *walk = CLIENT_WALK_FOUND;
            if (!networks_contain(trusted, client))
                return true;
            *walk = CLIENT_WALK_ALL_TRUSTED;
        }
        if (start == 0)
            return false;
        field.length = start - 1; /* without the comma */
    }
}

enum client_walk client_walk(enum client_header_kind header, const struct networks *trusted,
                             const struct p0f_addr *peer, const char *const *fields, size_t count,
                             struct p0f_addr *client)
{
    enum client_walk walk = CLIENT_WALK_NOTHING;

    *client = peer ? *peer : (struct p0f_addr){0};
    if (peer && !networks_contain(trusted, peer))
        return count > 0 ? CLIENT_WALK_IGNORED : CLIENT_WALK_FOUND;
    while (count > 0)
        if (walk_field(header, trusted, span_of(fields[--count]), client, &walk))
            break;
    return walk;
}
