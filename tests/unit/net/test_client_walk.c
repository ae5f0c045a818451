/* SPDX-License-Identifier: MIT */
#include "net/client_walk.h"

#include "../../support/c/guard_page.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define TRUSTED "127.0.0.0/8, ::1, 10.0.0.0/8, 2001:db8:aa::/48"
#define UNIX NULL
#define NOBODY NULL
#define MOST 4

static struct p0f_addr addr_of(const char *text)
{
    struct p0f_addr addr = {0};

    cr_assert_eq(p0f_addr_parse(text, strlen(text), &addr), P0F_OK, "%s", text);
    return addr;
}

/* Who is the client of these fields, in text; NOBODY when there is none. */
static const char *client_in(enum client_header_kind header, const char *trusted, const char *peer,
                             const char *const *fields, size_t count, enum client_walk *walk)
{
    static char text[P0F_ADDR_TEXT_SIZE];
    char error[NETWORKS_ERROR_SIZE];
    struct networks *networks = networks_parse(trusted, error);
    struct p0f_addr client, from = addr_of(peer ? peer : "::");

    cr_assert_not_null(networks, "%s", error);
    memset(&client, 0xa5, sizeof client);
    *walk = client_walk(header, networks, peer ? &from : NULL, fields, count, &client);
    cr_assert_eq(*walk == CLIENT_WALK_FOUND || *walk == CLIENT_WALK_IGNORED,
                 client.type && !networks_contain(networks, &client));
    networks_free(networks);
    if (!client.type)
        return NOBODY;
    p0f_addr_format(&client, text);
    return text;
}

static const char *client_of(const char *trusted, const char *peer, const char *const *fields,
                             size_t count)
{
    enum client_walk walk;

    return client_in(CLIENT_HEADER_X_FORWARDED_FOR, trusted, peer, fields, count, &walk);
}

static void expect_in(enum client_header_kind header, const char *peer, const char *const *fields,
                      const char *client)
{
    enum client_walk walk;
    size_t count = 0;

    while (count < MOST && fields[count])
        count++;
    const char *found = client_in(header, TRUSTED, peer, fields, count, &walk);
    cr_assert_eq(found != NULL, client != NULL, "%s: %s", fields[0], found ? found : "nobody");
    if (client)
        cr_assert_str_eq(found, client, "%s: %s", fields[0], found);
}

static void expect_fields(const char *peer, const char *const *fields, const char *client)
{
    expect_in(CLIENT_HEADER_X_FORWARDED_FOR, peer, fields, client);
}

/* Of one field, which ends where nothing more can be read. */
static void expect_one(enum client_header_kind header, const char *peer, const char *field,
                       const char *client)
{
    uint8_t *end = guard_page_end();

    cr_assert_not_null(end);
    const char *guarded = (const char *)guard_page_put(end, field, strlen(field) + 1);
    expect_in(header, peer, (const char *const[MOST]){guarded}, client);
    guard_page_free(end);
}

static void expect(const char *peer, const char *field, const char *client)
{
    expect_one(CLIENT_HEADER_X_FORWARDED_FOR, peer, field, client);
}

Test(client_walk, the_rightmost_that_is_not_trusted)
{
    expect("127.0.0.1", "192.0.2.1", "192.0.2.1");
    expect("127.0.0.1", "192.0.2.1, 198.51.100.2", "198.51.100.2");
    expect("127.0.0.1", "192.0.2.1, 198.51.100.2, 10.0.0.1", "198.51.100.2");
    expect("127.0.0.1", "192.0.2.1,198.51.100.2,10.0.0.1,10.0.0.2", "198.51.100.2");
    expect("127.0.0.1", " \t192.0.2.1\t , 10.0.0.1 ", "192.0.2.1");
    expect("10.9.9.9", "10.0.0.1, 192.0.2.1, 127.0.0.1", "192.0.2.1");
}

Test(client_walk, several_fields_are_one_list)
{
    expect_fields("127.0.0.1", (const char *const[MOST]){"192.0.2.1", "198.51.100.2"},
                  "198.51.100.2");
    expect_fields("127.0.0.1", (const char *const[MOST]){"192.0.2.1, 198.51.100.2", "10.0.0.1"},
                  "198.51.100.2");
    expect_fields("127.0.0.1",
                  (const char *const[MOST]){"192.0.2.1", "203.0.113.1,10.0.0.1", "", "10.0.0.2"},
                  "203.0.113.1");
    expect_fields("127.0.0.1", (const char *const[MOST]){"192.0.2.1", "unknown", "10.0.0.2"},
                  "10.0.0.2");
}

Test(client_walk, a_peer_that_is_not_trusted)
{
    expect("192.0.2.9", "198.51.100.1", "192.0.2.9");
    expect("192.0.2.9", "127.0.0.1", "192.0.2.9");
    expect("2001:db8::9", "198.51.100.1, 10.0.0.1", "2001:db8::9");
    expect("192.0.2.9", "unknown", "192.0.2.9");
    expect_fields("192.0.2.9", (const char *const[MOST]){"198.51.100.1", "198.51.100.2"},
                  "192.0.2.9");
}

Test(client_walk, nobody_is_trusted)
{
    const char *fields[] = {"198.51.100.1"};

    cr_assert_str_eq(client_of("", "127.0.0.1", fields, 1), "127.0.0.1");
    cr_assert_str_eq(client_of("", UNIX, fields, 1), "198.51.100.1");
}

/* What a visitor claims stands left of what the proxy saw. */
Test(client_walk, spoofing_through_a_proxy)
{
    expect("127.0.0.1", "10.0.0.1, 127.0.0.1, 192.0.2.66", "192.0.2.66");
    expect("127.0.0.1", "203.0.113.5, 192.0.2.66, 10.0.0.1", "192.0.2.66");
    expect("127.0.0.1", "203.0.113.5\", 192.0.2.66", "192.0.2.66");
    expect("127.0.0.1", "203.0.113.5, unknown", "127.0.0.1");
    expect("127.0.0.1", "203.0.113.5, unknown, 10.0.0.1", "10.0.0.1");
}

Test(client_walk, all_are_trusted)
{
    expect("127.0.0.1", "10.0.0.1", "10.0.0.1");
    expect("127.0.0.1", "10.0.0.1, 10.0.0.2, 127.0.0.5", "10.0.0.1");
    expect("127.0.0.1", "unknown, 10.0.0.1, 10.0.0.2", "10.0.0.1");
    expect("127.0.0.1", "192.0.2.1, unknown, 10.0.0.1, 10.0.0.2", "10.0.0.1");
    expect_fields("127.0.0.1", (const char *const[MOST]){"10.0.0.1", "10.0.0.2"}, "10.0.0.1");
}

Test(client_walk, no_field)
{
    cr_assert_str_eq(client_of(TRUSTED, "127.0.0.1", NULL, 0), "127.0.0.1");
    cr_assert_str_eq(client_of(TRUSTED, "192.0.2.9", NULL, 0), "192.0.2.9");
    cr_assert_str_eq(client_of(TRUSTED, "::1", NULL, 0), "::1");
    expect("127.0.0.1", "", "127.0.0.1");
    expect("127.0.0.1", " , ,, ", "127.0.0.1");
    expect("127.0.0.1", "unknown", "127.0.0.1");
}

Test(client_walk, a_unix_socket)
{
    expect(UNIX, "192.0.2.1", "192.0.2.1");
    expect(UNIX, "192.0.2.1, 198.51.100.2, 10.0.0.1", "198.51.100.2");
    expect(UNIX, "10.0.0.1, 10.0.0.2", "10.0.0.1");
    expect(UNIX, "", NOBODY);
    expect(UNIX, "unknown, _hidden", NOBODY);
    expect(UNIX, "192.0.2.1, unknown", NOBODY);
    expect(UNIX, "192.0.2.1, unknown, 10.0.0.1", "10.0.0.1");
    expect_fields(UNIX, (const char *const[MOST]){"192.0.2.1", "unknown", ""}, NOBODY);
    cr_assert_null(client_of(TRUSTED, UNIX, NULL, 0));
}

Test(client_walk, ipv6)
{
    expect("::1", "2001:db8::1", "2001:db8::1");
    expect("::1", "2001:db8::1, 2001:db8::2, 2001:db8:aa::1", "2001:db8::2");
    expect("127.0.0.1", "192.0.2.1, 2001:DB8:0:0::2", "2001:db8::2");
    expect("::1", "[2001:db8::1]", "2001:db8::1");
    expect("::1", "::", "::");
}

Test(client_walk, mapped_ipv4_is_ipv4)
{
    expect("127.0.0.1", "::ffff:192.0.2.1", "192.0.2.1");
    expect("127.0.0.1", "192.0.2.1, ::ffff:10.0.0.1", "192.0.2.1");
    expect("::ffff:127.0.0.1", "::FFFF:c000:201", "192.0.2.1");
}

Test(client_walk, ports)
{
    expect("127.0.0.1", "192.0.2.1:80", "192.0.2.1");
    expect("127.0.0.1", "192.0.2.1:0, 10.0.0.1:65535", "192.0.2.1");
    expect("127.0.0.1", "[2001:db8::1]:443", "2001:db8::1");
    expect("127.0.0.1", "[::ffff:192.0.2.1]:443", "192.0.2.1");
    expect("127.0.0.1", "2001:db8::80", "2001:db8::80");
    expect("127.0.0.1", "[192.0.2.1]:80", "192.0.2.1");
}

Test(client_walk, zones)
{
    expect("127.0.0.1", "fe80::1%eth0", "fe80::1");
    expect("127.0.0.1", "fe80::1%25eth0", "fe80::1");
    expect("127.0.0.1", "[fe80::1%eth0]", "fe80::1");
    expect("127.0.0.1", "[fe80::1%eth0]:443", "fe80::1");
    expect("127.0.0.1", "192.0.2.1, 2001:db8:aa::1%1", "192.0.2.1");
    expect("127.0.0.1", "::ffff:192.0.2.1%1", "192.0.2.1");
}

/* With an address to its left, which is not believed, and one, trusted, to its right. */
Test(client_walk, whatever_is_not_an_address_ends_the_walk)
{
    const char *garbage[] = {
        "unknown",
        "_hidden",
        "-",
        ":",
        ":80",
        "[",
        "]",
        "[]",
        "[]:80",
        "[:80",
        "unix:",
        "198.51.100.1:",
        "198.51.100.1:65536",
        "198.51.100.1:100000",
        "198.51.100.1:8x",
        "198.51.100.1:-1",
        "198.51.100.1 198.51.100.2",
        "198.51.100.1/32",
        "198.51.100",
        "198.51.100.1.1",
        "198.51.100.01",
        "198.51.100.256",
        "\"198.51.100.1\"",
        "for=198.51.100.1",
        "198.51.100.1%eth0",
        "[198.51.100.1%eth0]",
        "fe80::1%",
        "[fe80::1%]",
        "[fe80::1]%eth0",
        "[fe80::1%eth0",
        "%eth0",
        "2001:db8:::1",
        "[2001:db8::1",
        "2001:db8::1]",
        "[2001:db8::1]80",
        "[2001:db8::1]:",
        "[2001:db8::1]:x",
        "[2001:db8::1]x:80",
        "[2001:db8::1]:80:80",
        "[[2001:db8::1]]",
        "2001:db8::1]:80",
        "\xff\xfe",
        "00000000000000000000000000000000000000000000000000000000000000000000"
        "00000000000000000000000000000000000000000000000000000000000000000001"};
    char field[300];

    for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++) {
        snprintf(field, sizeof field, "203.0.113.7,%s,10.0.0.1", garbage[i]);
        expect("127.0.0.1", field, "10.0.0.1");
        expect(UNIX, field, "10.0.0.1");
        expect("127.0.0.1", garbage[i], "127.0.0.1");
        snprintf(field, sizeof field, "203.0.113.7,%s", garbage[i]);
        expect("127.0.0.1", field, "127.0.0.1");
        expect(UNIX, field, NOBODY);
    }
}

Test(client_walk, empty_entries_are_skipped)
{
    const char *empty[] = {"", " ", "\t", " \t ", ",", " , ,", ",,,"};
    char field[300];

    for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++) {
        snprintf(field, sizeof field, "203.0.113.7,%s,192.0.2.1,%s,10.0.0.1,%s", empty[i], empty[i],
                 empty[i]);
        expect("127.0.0.1", field, "192.0.2.1");
        expect(UNIX, field, "192.0.2.1");
    }
}

Test(client_walk, bounds_of_a_port)
{
    expect("127.0.0.1", "198.51.100.1:0", "198.51.100.1");
    expect("127.0.0.1", "198.51.100.1:65535", "198.51.100.1");
    expect("127.0.0.1", "[2001:db8::1]:65535", "2001:db8::1");
    expect("127.0.0.1", "198.51.100.1:65536", "127.0.0.1");
    expect("127.0.0.1", "198.51.100.1:00001", "198.51.100.1");
    expect("127.0.0.1", "198.51.100.1:000001", "127.0.0.1");
}

/* ---- Forwarded */

static void expect_forwarded(const char *field, const char *client)
{
    expect_one(CLIENT_HEADER_FORWARDED, "127.0.0.1", field, client);
}

Test(client_walk, forwarded)
{
    expect_forwarded("for=192.0.2.1", "192.0.2.1");
    expect_forwarded("for=198.51.100.9, for=192.0.2.1;proto=http;by=203.0.113.43", "192.0.2.1");
    expect_forwarded("for=198.51.100.9,for=192.0.2.1,for=10.0.0.1", "192.0.2.1");
    expect_forwarded("for=198.51.100.9, for=192.0.2.1, , by=10.0.0.2;for=\"10.0.0.1:80\",",
                     "192.0.2.1");
    expect_forwarded("for=192.0.2.1, for=unknown, for=10.0.0.1", "10.0.0.1");
    expect_forwarded("for=192.0.2.1, for=_hidden", "127.0.0.1");
    expect_forwarded("for=192.0.2.1, for=10.0.0.1;ext=\"a, for=203.0.113.6\"", "192.0.2.1");
    expect_forwarded("192.0.2.1", "127.0.0.1");
    expect_forwarded("", "127.0.0.1");
}

Test(client_walk, forwarded_in_several_fields)
{
    expect_in(CLIENT_HEADER_FORWARDED, UNIX,
              (const char *const[MOST]){"for=192.0.2.1", "for=10.0.0.1", "for=10.0.0.2"},
              "192.0.2.1");
    expect_in(CLIENT_HEADER_FORWARDED, UNIX,
              (const char *const[MOST]){"for=192.0.2.1", "for=\"", "for=10.0.0.2"}, "10.0.0.2");
    expect_in(CLIENT_HEADER_FORWARDED, UNIX,
              (const char *const[MOST]){"for=192.0.2.1;x=\"", "\";for=192.0.2.2"}, NOBODY);
}

/* ---- A field with one address */

static void expect_address(const char *field, const char *client)
{
    expect_one(CLIENT_HEADER_ADDRESS, "127.0.0.1", field, client);
}

Test(client_walk, one_address)
{
    expect_address("192.0.2.1", "192.0.2.1");
    expect_address(" \t2001:DB8::1 ", "2001:db8::1");
    expect_address("[2001:db8::1]:80", "2001:db8::1");
    expect_address("192.0.2.1:80", "192.0.2.1");
    expect_address("fe80::1%eth0", "fe80::1");
    expect_address("10.0.0.1", "10.0.0.1");
    expect_address(" ", "127.0.0.1");
}

Test(client_walk, one_address_is_no_list)
{
    expect_address("198.51.100.9, 192.0.2.1", "127.0.0.1");
    expect_address("192.0.2.1,", "127.0.0.1");
    expect_address("for=192.0.2.1", "127.0.0.1");
    expect_address("192.0.2.1:_x", "127.0.0.1");
    expect_in(CLIENT_HEADER_ADDRESS, UNIX, (const char *const[MOST]){"198.51.100.9, 192.0.2.1"},
              NOBODY);
}

Test(client_walk, one_address_in_several_fields)
{
    expect_in(CLIENT_HEADER_ADDRESS, UNIX,
              (const char *const[MOST]){"198.51.100.9", "192.0.2.1", "", "10.0.0.1"}, "192.0.2.1");
    expect_in(CLIENT_HEADER_ADDRESS, UNIX,
              (const char *const[MOST]){"192.0.2.1", "unknown", "10.0.0.1"}, "10.0.0.1");
}

/* ---- How it ended */

static void expect_end(const char *peer, const char *field, enum client_walk expected)
{
    enum client_walk walk;

    client_in(CLIENT_HEADER_X_FORWARDED_FOR, TRUSTED, peer, &field, field ? 1 : 0, &walk);
    cr_assert_eq(walk, expected, "%s: %d", field ? field : "-", walk);
}

Test(client_walk, how_it_ended)
{
    const char *trusted[] = {"127.0.0.1", UNIX};

    for (size_t i = 0; i < 2; i++) {
        expect_end(trusted[i], NULL, CLIENT_WALK_NOTHING);
        expect_end(trusted[i], "", CLIENT_WALK_NOTHING);
        expect_end(trusted[i], " , ,", CLIENT_WALK_NOTHING);
        expect_end(trusted[i], "192.0.2.1", CLIENT_WALK_FOUND);
        expect_end(trusted[i], "unknown, 192.0.2.1, 10.0.0.1", CLIENT_WALK_FOUND);
        expect_end(trusted[i], "unknown", CLIENT_WALK_NO_ADDRESS);
        expect_end(trusted[i], "192.0.2.1, unknown, 10.0.0.1", CLIENT_WALK_NO_ADDRESS);
        expect_end(trusted[i], "10.0.0.1", CLIENT_WALK_ALL_TRUSTED);
        expect_end(trusted[i], ", 10.0.0.2, 10.0.0.1, ", CLIENT_WALK_ALL_TRUSTED);
    }
    expect_end("192.0.2.9", NULL, CLIENT_WALK_FOUND);
    expect_end("192.0.2.9", "", CLIENT_WALK_IGNORED);
    expect_end("192.0.2.9", "10.0.0.1", CLIENT_WALK_IGNORED);
}
