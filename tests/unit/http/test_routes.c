/* SPDX-License-Identifier: MIT */
#include "http/routes.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct route *find(const char *path)
{
    size_t rest;

    return route_find(&routes, path, strlen(path), &rest);
}

Test(routes, each_path_leads_to_its_own_row)
{
    for (unsigned i = 0; i < routes.count - 1; i++)
        cr_assert_eq(find(routes.rows[i].path), &routes.rows[i], "%s", routes.rows[i].path);
}

Test(routes, the_last_is_of_no_path)
{
    const struct route *last = &routes.rows[routes.count - 1];

    cr_assert_str_empty(last->path);
    cr_assert_not_null(last->any);
    cr_assert_not_null(last->metrics.label);
    cr_assert_eq(find("/nothing"), last);
}

Test(routes, a_path_has_what_its_row_needs)
{
    for (unsigned i = 0; i < routes.count; i++) {
        const struct route *route = &routes.rows[i];
        const char *address = strstr(route->path, "{ip}");
        cr_assert(route->get || route->post || route->any, "%s", route->path);
        cr_assert_eq(address != NULL, (route->parameters & ROUTE_IP) != 0, "%s", route->path);
        cr_assert(!address || address[4] == '\0', "%s", route->path);
        cr_assert_eq(route->post_begin != NULL, route->post_take != NULL, "%s", route->path);
        cr_assert(!route->post_take || route->post, "%s", route->path);
        cr_assert_eq(route->path[0] == '/', route->summary != NULL, "%s", route->path);
        cr_assert(route->metrics.label || !route->summary, "%s", route->path);
    }
}

Test(routes, each_is_counted_by_itself)
{
    for (unsigned i = 0; i < routes.count; i++)
        for (unsigned j = 0; j < i; j++)
            if (routes.rows[i].metrics.label && routes.rows[j].metrics.label)
                cr_assert_str_neq(routes.rows[i].metrics.label, routes.rows[j].metrics.label);
}

/* OPTIONS * speaks of the server as a whole (RFC 9110, 9.3.7). */
Test(routes, the_server_has_the_methods_of_all_paths)
{
    bool get = false, post = false;

    for (unsigned i = 0; i < routes.count; i++) {
        if (strcmp(routes.rows[i].path, "*") == 0)
            continue;
        get |= routes.rows[i].get != NULL;
        post |= routes.rows[i].post != NULL;
    }
    cr_assert_eq(find("*")->get != NULL, get);
    cr_assert_eq(find("*")->post != NULL, post);
}
