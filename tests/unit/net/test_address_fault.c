/* SPDX-License-Identifier: MIT */
#include "net/address_fault.h"

#include <criterion/criterion.h>
#include <string.h>

static void expect_bytes(const char *text, size_t length, const char *expected)
{
    char detail[ADDRESS_FAULT_SIZE];

    memset(detail, 'x', sizeof detail);
    address_fault(text, length, detail);
    cr_assert_str_eq(detail, expected, "%s: %s", text, detail);
}

struct row {
    const char *text, *expected;
};

static void expect_all(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect_bytes(rows[i].text, strlen(rows[i].text), rows[i].expected);
}

#define EXPECT(...)                                                                                \
    do {                                                                                           \
        const struct row rows[] = {__VA_ARGS__};                                                   \
        expect_all(rows, sizeof rows / sizeof rows[0]);                                            \
    } while (0)

#define PORT "a port is not part of an address"
#define ZONE "a zone is not part of an address"
#define NETWORK "a network is not an address"
#define URL "a URL is not an address"
#define ENCODED "percent-encoding is not part of an address"
#define BLANK "leading or trailing whitespace"
#define PUNCTUATION "punctuation before or after the address"
#define BRACKETS "the brackets do not match"
#define NAME "a host name is not an address; only IP addresses can be looked up"
#define FEWER "an IPv4 address has four parts, this has fewer"
#define MORE "an IPv4 address has four parts, this has more"
#define OCTAL "an IPv4 part has a leading zero, which makes it octal to some programs"
#define GREATER "an IPv4 part is greater than 255"
#define GROUPS "an IPv6 address has eight groups"
#define GENERIC "not an IPv4 or IPv6 address"
#define MEANT(address) "; did you mean " address "?"

Test(address_fault, what_belongs_to_a_host_and_not_to_its_address)
{
    EXPECT({"192.0.2.1:80", PORT MEANT("192.0.2.1")},
           {"192.0.2.1:", PORT MEANT("192.0.2.1")}, /* as URLs may have it */
           {"[2001:DB8::1]:80", PORT MEANT("2001:db8::1")},
           {"[::ffff:192.0.2.1]:80", PORT MEANT("192.0.2.1")},
           {"fe80::1%eth0", ZONE MEANT("fe80::1")}, {"fe80::1%", ZONE MEANT("fe80::1")},
           {"fe80::1%25eth0", ZONE MEANT("fe80::1")}, {"[fe80::1%1]:80", ZONE MEANT("fe80::1")},
           {"10.0.0.0/8", NETWORK MEANT("10.0.0.0")},
           {"10.0.0.0/255.0.0.0", NETWORK MEANT("10.0.0.0")},
           {"2001:db8::/32", NETWORK MEANT("2001:db8::")},
           {"fe80::1%eth0/64", NETWORK MEANT("fe80::1")});
}

Test(address_fault, urls)
{
    EXPECT({"http://192.0.2.1", URL MEANT("192.0.2.1")},
           {"https://user:word@[::1]:8080/path?x#y", URL MEANT("::1")},
           {"x+y://192.0.2.1#", URL MEANT("192.0.2.1")}, {"http://example.org/", NAME});
}

/* Which begin with a question mark in a URL, once. */
Test(address_fault, parameters)
{
    EXPECT({"192.0.2.1&format=raw", "parameters are not part of an address" MEANT("192.0.2.1")},
           {"::1?wait=1", "parameters are not part of an address" MEANT("::1")},
           {"192.0.2.1#x", "parameters are not part of an address" MEANT("192.0.2.1")},
           {"http://::1&x", URL MEANT("::1")});
}

Test(address_fault, slashes)
{
    EXPECT({"192.0.2.1/", "a trailing slash is not part of an address" MEANT("192.0.2.1")},
           {"/192.0.2.1", "a leading slash is not part of an address" MEANT("192.0.2.1")},
           {"192.0.2.1/x", "a slash is not part of an address" MEANT("192.0.2.1")},
           {"192.0.2.1/8/", "a slash is not part of an address" MEANT("192.0.2.1")});
}

Test(address_fault, what_is_left_around_it_by_other_programs)
{
    EXPECT({" \t192.0.2.1\r\n", BLANK MEANT("192.0.2.1")}, {"::1 ", BLANK MEANT("::1")},
           {"\xc2\xa0::1", BLANK MEANT("::1")},
           {"\xef\xbb\xbf::1", "a byte order mark (BOM) is not part of an address" MEANT("::1")},
           {"::1\xe2\x80\x8b", "an invisible character before or after the address" MEANT("::1")},
           {"\"192.0.2.1\"", PUNCTUATION MEANT("192.0.2.1")},
           {"192.0.2.1, ", BLANK MEANT("192.0.2.1")}, {"(::1);", PUNCTUATION MEANT("::1")},
           {"192.0.2.1.", "a full stop after the address" MEANT("192.0.2.1")},
           {"[::1", BRACKETS MEANT("::1")}, {"192.0.2.1]", BRACKETS MEANT("192.0.2.1")},
           {"[[::1]]", BRACKETS MEANT("::1")});
}

/* What a URL needs is left in a body, or done twice in a URL. */
Test(address_fault, percent_encoding)
{
    EXPECT({"2001%3Adb8%3a%3a1", ENCODED MEANT("2001:db8::1")}, {"%5B::1%5D", ENCODED MEANT("::1")},
           {"192.0.2.1%20", ENCODED MEANT("192.0.2.1")}, {"%31.2.3.4", ENCODED MEANT("1.2.3.4")},
           {"%5Bffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255%5D",
            ENCODED MEANT("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")},
           {"1.2.3.4%00", ZONE MEANT("1.2.3.4")}, {"%zz", GENERIC});
}

Test(address_fault, several_addresses)
{
    EXPECT({"192.0.2.1,192.0.2.2", "more than one address"}, {"::1 ::2", "more than one address"},
           {"192.0.2.1\n192.0.2.2\n192.0.2.3", "more than one address"},
           {"10.0.0.0-10.0.0.9", "more than one address"}, {"192.0.2.1 or so", GENERIC});
}

Test(address_fault, nearly_ipv4)
{
    EXPECT({"127.1", FEWER}, {"1.2.3", FEWER}, {"1.2.3.", FEWER}, {"3325256705", FEWER},
           {"0x7f000001", FEWER}, {"1.2.3.4.5", MORE}, {"010.0.0.1", OCTAL}, {"1.2.3.00", OCTAL},
           {"1.2.3.256", GREATER}, {"1.2.3.99999999999999999999", GREATER},
           {"0x7f.0.0.1", "the parts of an IPv4 address are decimal, not hexadecimal"},
           {"1..2.3", "an IPv4 part is empty"}, {"1.2.3.-4", GENERIC}, {"1,2,3,4", GENERIC});
}

Test(address_fault, nearly_ipv6)
{
    EXPECT({"1::2::3", "an IPv6 address can have :: only once"},
           {":::", "an IPv6 address can have :: only once"},
           {"12345::", "an IPv6 group has more than four digits"},
           {"1:2:3:4:5:6:7", GROUPS ", or :: for some of them"}, {"1:2:3:4:5:1.2.3.4", GROUPS},
           {"1:2:3:4:5:6:7:8:9", GROUPS ", this has more"},
           {"1:2:3:4:5:6:7:8::", GROUPS ", this has more"}, {"::ffff:01.2.3.4", OCTAL},
           {"::ffff:1.2.3", FEWER}, {"::1.2.3.256", GREATER},
           {"1.2.3.4::", "only the end of an IPv6 address may be dotted decimal"}, {"g::", GENERIC},
           {"[::1]x", GENERIC});
}

Test(address_fault, names)
{
    EXPECT({"example.org", NAME}, {"localhost", NAME}, {"example.org:80", NAME}, {"self", NAME},
           {"4.3.2.1.in-addr.arpa", NAME}, {"1.2.3.4a", NAME}, {"deadbeef", NAME});
}

Test(address_fault, anything_else)
{
    EXPECT({"", "the address is empty"}, {"*", GENERIC}, {"-", GENERIC}, {"[]", GENERIC},
           {" ", GENERIC}, {"..", GENERIC}, {"1\x01", "a character that is not printable ASCII"},
           {"\xef\xbc\x91.2.3.4", "a character that is not printable ASCII"});
    expect_bytes("1.2.3.4\0", 8, "a NUL byte is not part of an address");
    expect_bytes("\0", 1, "a NUL byte is not part of an address");
}

/* The work is bounded: neither many pieces are taken off, nor is much text looked at. */
Test(address_fault, long_texts)
{
    char text[400];

    memset(text, '/', sizeof text);
    expect_bytes(text, 257, "the text is too long for an address");
    expect_bytes(text, 256, GENERIC);
    expect_bytes("' ' ' '::1", 10, GENERIC);
    expect_bytes(" ' ' '::1", 9, BLANK MEANT("::1"));
}
