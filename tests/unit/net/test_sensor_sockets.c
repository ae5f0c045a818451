/* SPDX-License-Identifier: MIT */
#include "net/sensor_sockets.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct sensor_sockets sockets;

static void expect(const char *list, const char *const *pairs)
{
    char error[SENSOR_SOCKETS_ERROR_SIZE] = "";
    unsigned count = 0;

    cr_assert(sensor_sockets_parse(list, &sockets, error), "%s: %s", list, error);
    for (; pairs[2 * count]; count++) {
        cr_assert_lt(count, sockets.count, "%s", list);
        cr_assert_str_eq(sockets.list[count].name, pairs[2 * count], "%s", list);
        cr_assert_str_eq(sockets.list[count].path, pairs[2 * count + 1], "%s", list);
    }
    cr_assert_eq(sockets.count, count, "%s", list);
}

static void expect_refused(const char *list, const char *message)
{
    char error[SENSOR_SOCKETS_ERROR_SIZE] = "";

    cr_assert_not(sensor_sockets_parse(list, &sockets, error), "%s", list);
    cr_assert_str_eq(error, message, "%s: %s", list, error);
}

Test(sensor_sockets, one)
{
    expect("/run/p0f/p0f.sock", (const char *[]){"", "/run/p0f/p0f.sock", NULL});
    expect(" /run/a b.sock\t", (const char *[]){"", "/run/a b.sock", NULL});
    expect("/run/a=b.sock", (const char *[]){"", "/run/a=b.sock", NULL});
    expect("/x", (const char *[]){"", "/x", NULL});
    expect("wan=/run/p0f/wan.sock", (const char *[]){"wan", "/run/p0f/wan.sock", NULL});
    expect("wan = /run/c=d", (const char *[]){"wan", "/run/c=d", NULL});
}

Test(sensor_sockets, several)
{
    expect("wan=/run/p0f/wan.sock, lan=/run/p0f/lan.sock",
           (const char *[]){"wan", "/run/p0f/wan.sock", "lan", "/run/p0f/lan.sock", NULL});
    expect("b=/b,a=/a ,\tA = /c", (const char *[]){"b", "/b", "a", "/a", "A", "/c", NULL});
}

static void list_of(unsigned count, char *list)
{
    list[0] = '\0';
    for (unsigned i = 0; i < count; i++)
        sprintf(list + strlen(list), "%ss%u=/%u", i ? ", " : "", i, i);
}

Test(sensor_sockets, how_many)
{
    char list[400], error[SENSOR_SOCKETS_ERROR_SIZE];

    list_of(SENSOR_SOCKETS_MAX, list);
    cr_assert(sensor_sockets_parse(list, &sockets, error));
    cr_assert_eq(sockets.count, 16);
    cr_assert_str_eq(sockets.list[15].path, "/15");
    list_of(SENSOR_SOCKETS_MAX + 1, list);
    expect_refused(list, "more than 16 sockets");
}

Test(sensor_sockets, how_long)
{
    char list[300] = "wan=/", name[80] = "";

    memset(list + 5, 'x', 106);
    expect(list, (const char *[]){"wan", list + 4, NULL});
    list[111] = 'x';
    expect_refused(list, "longer than 107 bytes");
    expect_refused(list + 4, "longer than 107 bytes");
    memset(name, 'n', 64);
    snprintf(list, sizeof list, "%s=/a", name);
    expect_refused(list + 0,
                   "'nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn' is not "
                   "a name: expected 1 to 63 letters, digits, -, _ and .");
    expect(list + 1, (const char *[]){name + 1, "/a", NULL});
}

Test(sensor_sockets, no_path)
{
    expect_refused("", "it is empty");
    expect_refused(" ", "it is empty");
    expect_refused("wan=", "it is empty");
    expect_refused("unix:/run/a", "without unix:, which only http.listen and relay.listen have");
    expect_refused("@p0f", "p0f makes no abstract sockets");
    expect_refused("\"/run/a\"", "without quotes");
    expect_refused("wan='/run/a'", "without quotes");
    expect_refused("\"wan=/run/a\"", "without quotes");
    expect_refused("run/a", "it does not begin with /");
    expect_refused("wan", "it does not begin with /");
    expect_refused("wan:/run/a", "a name is followed by =, not by :");
    expect_refused("/", "it is a directory; expected the socket in it");
    expect_refused("wan=/run/p0f/", "it is a directory; expected the socket in it");
    expect_refused("wan=/run/a lan=/run/b", "separate several sockets by commas");
    expect_refused("wan=/run/a;lan=/run/b", "separate several sockets by commas");
}

/* Which one it is, is said. */
Test(sensor_sockets, no_path_in_a_list)
{
    expect_refused("a=/a, b=unix:/b",
                   "'b=unix:/b': without unix:, which only http.listen and relay.listen have");
    expect_refused("a=/a, b=@b", "'b=@b': p0f makes no abstract sockets");
    expect_refused("a=a, b=/b", "'a=a': it does not begin with /");
    expect_refused("a=/a, b=", "'b=': it is empty");
    expect_refused("a=/a,", "an item is empty");
    expect_refused(",a=/a", "an item is empty");
    expect_refused("a=/a,,b=/b", "an item is empty");
    expect_refused(",", "an item is empty");
    expect_refused("a=/a, b=/b/", "'b=/b/': it is a directory; expected the socket in it");
}

Test(sensor_sockets, no_name)
{
    expect_refused("=/run/a", "'' is not a name: expected 1 to 63 letters, digits, -, _ and .");
    expect_refused("w an=/run/a",
                   "'w an' is not a name: expected 1 to 63 letters, digits, -, _ and .");
    expect_refused("a/b=/run/a",
                   "'a/b' is not a name: expected 1 to 63 letters, digits, -, _ and .");
    expect_refused("a=/a, é=/b", "'é' is not a name: expected 1 to 63 letters, digits, -, _ and .");
    expect_refused("/run/a, /run/b", "'/run/a' has no name; each of several sockets needs one");
    expect_refused("a=/run/a, /run/b", "'/run/b' has no name; each of several sockets needs one");
    expect_refused("/run/a, b=/run/b", "'/run/a' has no name; each of several sockets needs one");
}

Test(sensor_sockets, equal)
{
    expect_refused("a=/a, b=/b, a=/c", "two sockets have the name a");
    expect_refused("a=/a, b=/b, c=/a", "a and c have the same path");
}
