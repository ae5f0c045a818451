/* SPDX-License-Identifier: MIT */
#include "net/listen_address.h"

#include <criterion/criterion.h>
#include <string.h>

/* One that is an address, and the whole list. */
static struct listen_address read_one(const char *text)
{
    struct listen_address address;
    const char *rest = text;

    cr_assert(listen_address_next(&rest, &address), "%s", text);
    cr_assert_null(rest, "%s", text);
    return address;
}

static void expect(const char *text, const char *host, const char *port)
{
    struct listen_address address = read_one(text);

    cr_assert_not(address.is_unix, "%s", text);
    cr_assert_str_eq(address.host, host, "%s", text);
    cr_assert_str_eq(address.port, port, "%s", text);
}

static void expect_none(const char *text)
{
    struct listen_address address;
    const char *rest = text;

    cr_assert_not(listen_address_next(&rest, &address), "%s", text);
}

Test(listen_address, host_and_port)
{
    expect("127.0.0.1:5030", "127.0.0.1", "5030");
    expect("localhost:0", "localhost", "0");
    expect("*:65535", "*", "65535");
    expect("[::1]:5030", "::1", "5030");
    expect("[::]:00080", "::", "00080");
    expect("x:1", "x", "1");
}

Test(listen_address, what_is_none)
{
    static const char *const all[] = {
        "",        " ",        ":",       "x",       "x:",    ":1",     "x:65536",
        "x:99999", "x:000080", "x:8x",    "x:-1",    "x:+1",  "x: 1",   "::1:80",
        "[::1]",   "[::1]80",  "[::1:80", "::1]:80", "unix:", "unix:x", "unix:x/y"};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        expect_none(all[i]);
}

Test(listen_address, a_list_is_read_one_by_one)
{
    const char *rest = " a:1 ,\tb:2\t, unix:/c ,d:4";
    struct listen_address address;

    cr_assert(listen_address_next(&rest, &address));
    cr_assert_str_eq(address.host, "a");
    cr_assert_str_eq(address.port, "1");
    cr_assert(listen_address_next(&rest, &address));
    cr_assert_str_eq(address.host, "b");
    cr_assert_str_eq(address.port, "2");
    cr_assert(listen_address_next(&rest, &address));
    cr_assert(address.is_unix);
    cr_assert_str_eq(address.host, "/c");
    cr_assert_str_eq(rest, "d:4");
    cr_assert(listen_address_next(&rest, &address));
    cr_assert_null(rest);
    rest = "a:1,";
    cr_assert(listen_address_next(&rest, &address));
    cr_assert_not(listen_address_next(&rest, &address), "nothing is behind the comma");
}

/* Of the kernel's 108 bytes the last is a NUL; of a name's 256, too. */
Test(listen_address, as_long_as_can_be)
{
    char text[300] = "unix:/";

    memset(text + 6, 'x', 106);
    cr_assert_eq(strlen(read_one(text).host), 107);
    text[112] = 'x';
    expect_none(text);
    memset(text, 'x', 256);
    strcpy(text + 255, ":1");
    cr_assert_eq(strlen(read_one(text).host), 255);
    strcpy(text + 255, "x:1");
    expect_none(text);
}
