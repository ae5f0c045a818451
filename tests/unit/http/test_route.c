/* SPDX-License-Identifier: MIT */
#include "http/route.h"

#include <criterion/criterion.h>
#include <string.h>

static enum MHD_Result serve_one(struct request *request)
{
    (void)request;
    return MHD_NO;
}

static const struct route rows[] = {
    {.path = "/a/{ip}", .get = serve_one, .parameters = ROUTE_IP, .metrics.label = "/a"},
    {.path = "/{b}", .post = serve_one, .metrics.label = "/b"},
    {.path = "/a", .get = serve_one, .post = serve_one},
    {.path = "/ab"},
    {.path = "/c", .proxied = true, .any = serve_one, .metrics.label = "/c"},
    {.path = "", .any = serve_one, .metrics.label = "none"},
};

static const struct route_table table = {rows, sizeof rows / sizeof rows[0]};

/* The path ends without a NUL. */
static void expect_found(const char *path, unsigned row, size_t rest)
{
    char bytes[32];
    size_t found = 99, length = strlen(path);

    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes, path, length);
    const struct route *route = route_find(&table, bytes, length, &found);
    cr_assert_eq(route, &rows[row], "%s: row %td", path, route - rows);
    if (rows[row].parameters)
        cr_assert_eq(found, rest, "%s: %zu", path, found);
}

Test(route, a_path_is_found_whole)
{
    expect_found("/a", 2, 0);
    expect_found("/ab", 3, 0);
}

Test(route, an_address_follows_the_path)
{
    expect_found("/a/", 0, 3);
    expect_found("/a/x", 0, 3);
    expect_found("/a/x/y", 0, 3);
}

Test(route, a_brace_is_only_special_before_an_address)
{
    expect_found("/{b}", 1, 0);
    expect_found("/x", 5, 0);
}

Test(route, every_path_below)
{
    const char *paths[] = {"/c", "/c/", "/c//", "/c/x", "/c/x/y/", "/c/../a", "/c/%00%zz"};

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        expect_found(paths[i], 4, 0);
}

Test(route, any_other_path_is_the_last)
{
    const char *paths[] = {"",  "/",   "/b",  "/abc",  "/A",   "a",
                           "*", "/cx", "/c*", "/c%2F", "/ab/", "//c"};

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        expect_found(paths[i], 5, 0);
}

Test(route, methods)
{
    cr_assert_str_eq(route_allow(&rows[0]), "GET, HEAD, OPTIONS");
    cr_assert_str_eq(route_allow(&rows[1]), "POST, OPTIONS");
    cr_assert_str_eq(route_allow(&rows[2]), "GET, HEAD, POST, OPTIONS");
    cr_assert_str_eq(route_allow(&rows[3]), "OPTIONS");
    cr_assert_str_eq(route_allow(&rows[4]), "GET, HEAD, POST, OPTIONS"); /* any */
}

Test(route, numbers)
{
    cr_assert_eq(route_number(&table, &rows[0]), 0);
    cr_assert_eq(route_number(&table, &rows[1]), 1);
    cr_assert_eq(route_number(&table, &rows[5]), 5);
    cr_assert_eq(route_number(&table, &rows[2]), 5, "without a label");
}
