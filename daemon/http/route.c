/* SPDX-License-Identifier: MIT */
#include "http/route.h"

#include <string.h>

/* Of a path, before the address at its end. */
static size_t fixed_length(const struct route *route)
{
    const char *rest = route->parameters & ROUTE_IP ? strchr(route->path, '{') : NULL;

    return rest ? (size_t)(rest - route->path) : strlen(route->path);
}

static bool is_path_of(const struct route *route, const char *path, size_t length, size_t fixed)
{
    if (length < fixed || memcmp(path, route->path, fixed) != 0)
        return false;
    return length == fixed || route->parameters & ROUTE_IP ||
           (route->proxied && path[fixed] == '/');
}

const struct route *route_find(const struct route_table *table, const char *path, size_t length,
                               size_t *rest)
{
    const struct route *route = table->rows, *last = route_of_none(table);

    for (; route < last; route++) {
        *rest = fixed_length(route);
        if (is_path_of(route, path, length, *rest))
            break;
    }
    return route;
}

const struct route *route_of_none(const struct route_table *table)
{
    return &table->rows[table->count - 1];
}

const char *route_allow(const struct route *route)
{
    static const char *const methods[] = {
        "OPTIONS",
        "GET, HEAD, OPTIONS",
        "POST, OPTIONS",
        "GET, HEAD, POST, OPTIONS",
    };

    if (route->any)
        return methods[3];
    return methods[(route->get != NULL) + 2 * (route->post != NULL)];
}

unsigned route_number(const struct route_table *table, const struct route *route)
{
    return route->metrics.label ? (unsigned)(route - table->rows) : table->count - 1;
}
