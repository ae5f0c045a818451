/* SPDX-License-Identifier: MIT */
#include "net/networks.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct networks *parse(const char *text)
{
    char error[NETWORKS_ERROR_SIZE] = "";
    struct networks *networks = networks_parse(text, error);

    cr_assert_not_null(networks, "%s: %s", text, error);
    return networks;
}

static bool holds(const char *text, const char *address)
{
    struct networks *networks = parse(text);
    struct p0f_addr addr;

    cr_assert_eq(p0f_addr_parse(address, strlen(address), &addr), P0F_OK, "%s", address);
    bool found = networks_contain(networks, &addr);
    networks_free(networks);
    return found;
}

static void expect_in(const char *text, const char *address)
{
    cr_assert(holds(text, address), "%s holds %s", text, address);
}

static void expect_out(const char *text, const char *address)
{
    cr_assert_not(holds(text, address), "%s does not hold %s", text, address);
}

static void expect_refused(const char *text, const char *message)
{
    char error[NETWORKS_ERROR_SIZE] = "";

    cr_assert_null(networks_parse(text, error), "%s", text);
    cr_assert_str_eq(error, message, "%s: %s", text, error);
}

static void expect_described(const char *list, const char *address, const char *expected)
{
    struct networks *networks = parse(list);
    char text[NETWORKS_TEXT_SIZE];
    struct p0f_addr addr;

    cr_assert_eq(p0f_addr_parse(address, strlen(address), &addr), P0F_OK, "%s", address);
    networks_describe(networks, &addr, text);
    cr_assert_str_eq(text, expected);
    networks_free(networks);
}

Test(networks, descriptions)
{
    expect_described("10.0.0.0/8, ::1, 192.0.2.1", "10.1.2.3", "10.0.0.0/8");
    expect_described("10.0.0.0/8, ::1, 192.0.2.1", "::1", "::1");
    expect_described("10.0.0.0/8, ::1, 192.0.2.1", "192.0.2.1", "192.0.2.1");
    expect_described("10.0.0.0/8, ::1, 192.0.2.1", "192.0.2.2", "");
    expect_described("10.0.0.0/8, 10.1.0.0/16", "10.1.2.3", "10.0.0.0/8");
    expect_described("0.0.0.0/0, ::/0", "10.1.2.3", "0.0.0.0/0");
    expect_described("0.0.0.0/0, ::/0", "2001:db8::1", "::/0");
    expect_described("2001:db8:1234:5678:9abc:def0:1234:5678/127",
                     "2001:db8:1234:5678:9abc:def0:1234:5679",
                     "2001:db8:1234:5678:9abc:def0:1234:5678/127");
    expect_described("", "10.1.2.3", "");
}

Test(networks, none)
{
    expect_out("", "127.0.0.1");
    expect_out("", "0.0.0.0");
    expect_out("", "::");
    expect_out(" \t", "0.0.0.0");
    networks_free(NULL);
}

Test(networks, prefixes_of_ipv4)
{
    expect_in("10.0.0.0/8", "10.0.0.0");
    expect_in("10.0.0.0/8", "10.255.255.255");
    expect_out("10.0.0.0/8", "11.0.0.0");
    expect_out("10.0.0.0/8", "9.255.255.255");
    expect_in("192.0.2.128/25", "192.0.2.128");
    expect_out("192.0.2.128/25", "192.0.2.127");
    expect_in("172.16.0.0/12", "172.31.255.255");
    expect_out("172.16.0.0/12", "172.32.0.0");
    expect_in("192.0.2.4/31", "192.0.2.5");
    expect_out("192.0.2.4/31", "192.0.2.6");
    expect_in("192.0.2.4/32", "192.0.2.4");
    expect_out("192.0.2.4/32", "192.0.2.5");
}

Test(networks, prefixes_of_ipv6)
{
    expect_in("2001:db8::/32", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff");
    expect_out("2001:db8::/32", "2001:db9::");
    expect_in("2001:db8::/63", "2001:db8:0:1::");
    expect_out("2001:db8::/63", "2001:db8:0:2::");
    expect_in("2001:db8::/64", "2001:db8::ffff:0:0:1");
    expect_out("2001:db8::/64", "2001:db8:0:1::");
    expect_in("2001:db8::/65", "2001:db8::7fff:0:0:1");
    expect_out("2001:db8::/65", "2001:db8::8000:0:0:1");
    expect_in("2001:db8::2/127", "2001:db8::3");
    expect_out("2001:db8::2/127", "2001:db8::4");
    expect_in("fe80::/10", "febf::1");
    expect_out("fe80::/10", "fec0::1");
}

Test(networks, an_address_is_a_network_of_one)
{
    expect_in("192.0.2.1", "192.0.2.1");
    expect_out("192.0.2.1", "192.0.2.0");
    expect_in("::1", "::1");
    expect_out("::1", "::");
    expect_in("[2001:db8::1]", "2001:db8::1");
}

Test(networks, everything)
{
    expect_in("0.0.0.0/0", "255.255.255.255");
    expect_out("0.0.0.0/0", "::");
    expect_in("::/0", "ffff::1");
    expect_out("::/0", "192.0.2.1");
    expect_out("::/0", "0.0.0.0");
}

/* The same bytes in front, and another kind of address. */
Test(networks, kinds_are_kept_apart)
{
    expect_out("127.0.0.0/8", "7f00::");
    expect_out("7f00::/8", "127.0.0.1");
    expect_out("0.0.0.0", "::");
}

Test(networks, mapped_ipv4_is_ipv4)
{
    expect_in("::ffff:10.0.0.0/104", "10.1.2.3");
    expect_in("::ffff:a00:0/104", "10.1.2.3");
    expect_out("::ffff:10.0.0.0/104", "11.0.0.0");
    expect_in("::ffff:192.0.2.1", "192.0.2.1");
    expect_out("::ffff:192.0.2.1", "192.0.2.2");
    expect_in("::ffff:0:0/96", "198.51.100.1");
    expect_out("::ffff:0:0/96", "::1");
    expect_in("10.0.0.0/8", "::ffff:10.1.2.3");
}

Test(networks, several)
{
    const char *list = "127.0.0.0/8, ::1,10.0.0.0/8 \t,\t 2001:db8::/32 ";

    expect_in(list, "127.0.0.1");
    expect_in(list, "::1");
    expect_in(list, "10.1.2.3");
    expect_in(list, "2001:db8::5");
    expect_out(list, "192.0.2.1");
    expect_out(list, "::2");
}

Test(networks, host_bits)
{
    expect_refused("10.0.0.1/8", "10.0.0.1/8 has host bits set; did you mean 10.0.0.0/8?");
    expect_refused("::1, 192.0.2.255/31",
                   "192.0.2.255/31 has host bits set; did you mean 192.0.2.254/31?");
    expect_refused("192.0.2.1/0", "192.0.2.1/0 has host bits set; did you mean 0.0.0.0/0?");
    expect_refused("2001:db8::1/64",
                   "2001:db8::1/64 has host bits set; did you mean 2001:db8::/64?");
    expect_refused("::ffff:10.0.0.1/104",
                   "::ffff:10.0.0.1/104 has host bits set; did you mean 10.0.0.0/8?");
    expect_refused("::ffff:10.0.0.0/95",
                   "::ffff:10.0.0.0/95 has host bits set; did you mean ::fffe:0:0/95?");
    expect_refused("::ffff:10.0.0.0/8", "::ffff:10.0.0.0/8 has host bits set; did you mean ::/8?");
    expect_refused("2001:0db8:1111:2222:3333:4444:5555:6667/127",
                   "2001:0db8:1111:2222:3333:4444:5555:6667/127 has host bits set; "
                   "did you mean 2001:db8:1111:2222:3333:4444:5555:6666/127?");
}

Test(networks, bad_prefixes)
{
    const char *v4[] = {"10.0.0.0/33", "10.0.0.0/",   "10.0.0.0/-1",        "10.0.0.0/ 8",
                        "10.0.0.0/08", "10.0.0.0/8x", "10.0.0.0/255.0.0.0", "10.0.0.0/8/8",
                        "10.0.0.0/00", "10.0.0.0/+8", "10.0.0.0/4294967304"};
    const char *v6[] = {"2001:db8::/129", "2001:db8::/999", "::/", "::ffff:10.0.0.0/129"};
    char message[NETWORKS_ERROR_SIZE];

    for (size_t i = 0; i < sizeof v4 / sizeof v4[0]; i++) {
        snprintf(message, sizeof message, "%s: an IPv4 prefix length is a number from 0 to 32",
                 v4[i]);
        expect_refused(v4[i], message);
    }
    for (size_t i = 0; i < sizeof v6 / sizeof v6[0]; i++) {
        snprintf(message, sizeof message, "%s: an IPv6 prefix length is a number from 0 to 128",
                 v6[i]);
        expect_refused(v6[i], message);
    }
}

Test(networks, garbage)
{
    char overlong[300];

    expect_refused("localhost", "localhost: not an IPv4 or IPv6 address");
    expect_refused("10.0.0/8", "10.0.0/8: not an IPv4 or IPv6 address");
    expect_refused("10.0.0.0 /8", "10.0.0.0 /8: not an IPv4 or IPv6 address");
    expect_refused("10.0.0.0/8 ::1",
                   "10.0.0.0/8 ::1: an IPv4 prefix length is a number from 0 to 32");
    expect_refused("::1, 010.0.0.0/8", "010.0.0.0/8: an IPv4 part has a leading zero");
    expect_refused("fe80::1%eth0", "fe80::1%eth0: a zone id is not part of an address");
    expect_refused("/8", "/8: the address is empty");
    expect_refused("[::1", "[::1: the brackets do not match");
    expect_refused("::1;10.0.0.0/8", "::1;10.0.0.0/8: not an IPv4 or IPv6 address");
    memset(overlong, 'x', sizeof overlong - 1);
    overlong[sizeof overlong - 1] = '\0';
    expect_refused(overlong, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: "
                             "the text is too long for an address");
}

Test(networks, empty_items)
{
    expect_refused(",", "item 1 is empty");
    expect_refused("::1,", "item 2 is empty");
    expect_refused("::1, ,10.0.0.0/8", "item 2 is empty");
    expect_refused(",::1", "item 1 is empty");
    expect_refused("::1,127.0.0.1, \t", "item 3 is empty");
}
