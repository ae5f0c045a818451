/* SPDX-License-Identifier: MIT */
#include "net/proxy_protocol.h"

#include "../../support/c/guard_page.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <regex.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define NO_ADDRESS "-" /* the peer's */
#define UNIX "unix"

/* Headers as literals, which may have NULs in them. */
struct good {
    const char *bytes;
    size_t size;
    const char *client;
};

#define GOOD(text, whose)                                                                          \
    {                                                                                              \
        text, sizeof(text) - 1, whose                                                              \
    }

#define V6 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
#define TEN(text) text text text text text text text text text text
#define PATH TEN("/ten/bytes") "12345678" /* 108 */
#define ADDRESSES_6                                                                                \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07" TEN("\0") "\0\0\0\0\0\1\xdc\x04\x01\xbb"
#define MAPPED_6 "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\x07" TEN("\0") "\0\0\0\0\0\1\xdc\x04\x01\xbb"

static const struct good good[] = {
    /* The specification's own examples: the first, and the longest of each kind. */
    GOOD("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n", "192.168.0.1"),
    GOOD("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255"),
    GOOD("PROXY TCP6 " V6 " " V6 " 65535 65535\r\n", V6),
    GOOD("PROXY UNKNOWN\r\n", NO_ADDRESS),
    GOOD("PROXY UNKNOWN " V6 " " V6 " 65535 65535\r\n", NO_ADDRESS),

    GOOD("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0"),
    GOOD("PROXY TCP6 2001:DB8::7 ::1 1 2\r\n", "2001:db8::7"),
    GOOD("PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n", "192.0.2.7"), /* HAProxy mixes them so */
    GOOD("PROXY UNKNOWN \r\n", NO_ADDRESS),
    GOOD("PROXY UNKNOWN TCP4 192.0.2.7 \r \0 \xff\r\n", NO_ADDRESS),

    GOOD(SIGNATURE "\x20\x00\0\0", NO_ADDRESS), /* LOCAL */
    GOOD(SIGNATURE "\x20\xff\0\3abc", NO_ADDRESS),
    GOOD(SIGNATURE "\x20\x11\0\x0c\xc0\0\2\1\xc0\0\2\2\xdc\x04\x01\xbb", NO_ADDRESS),
    GOOD(SIGNATURE "\x21\x00\0\0", NO_ADDRESS), /* PROXY, of no family */
    GOOD(SIGNATURE "\x21\x02\0\2ab", NO_ADDRESS),
    GOOD(SIGNATURE "\x21\x10\0\x0c\xc0\0\2\1\xc0\0\2\2\xdc\x04\x01\xbb", NO_ADDRESS),
    GOOD(SIGNATURE "\x21\x11\0\x0c\xc0\0\2\1\xc0\0\2\2\xdc\x04\x01\xbb", "192.0.2.1"),
    GOOD(SIGNATURE "\x21\x12\0\x0c\xc0\0\2\1\xc0\0\2\2\xdc\x04\x01\xbb", "192.0.2.1"),
    GOOD(SIGNATURE "\x21\x21\0\x24" ADDRESSES_6, "2001:db8::7"),
    GOOD(SIGNATURE "\x21\x22\0\x24" ADDRESSES_6, "2001:db8::7"),
    GOOD(SIGNATURE "\x21\x21\0\x24" MAPPED_6, "192.0.2.7"),
    GOOD(SIGNATURE "\x21\x31\0\xd8" PATH PATH, UNIX),
    GOOD(SIGNATURE "\x21\x32\0\xd8" PATH PATH, UNIX),
    /* TLVs: NOOP with nothing in it; CRC32C, which is not checked; one that is longer than the rest */
    GOOD(SIGNATURE "\x21\x11\0\x0f\xc0\0\2\1\xc0\0\2\2\xdc\x04\x01\xbb\4\0\0", "192.0.2.1"),
    GOOD(SIGNATURE "\x21\x11\0\x13\xc0\0\2\1\xc0\0\2\2\xdc\x04\x01\xbb\3\0\4wxyz", "192.0.2.1"),
    GOOD(SIGNATURE "\x21\x11\0\x10\xc0\0\2\1\xc0\0\2\2\xdc\x04\x01\xbb\5\xff\xff\x01", "192.0.2.1"),
};

#define GOODS (sizeof good / sizeof good[0])

static uint8_t *guard;

static void start(void)
{
    guard = guard_page_end();
    cr_assert_not_null(guard);
}

static void stop(void)
{
    guard_page_free(guard);
}

/* No byte behind them can be read. */
static int parse(const void *bytes, size_t size, struct proxy_header *header)
{
    memset(header, 0xee, sizeof *header);
    return proxy_header_parse(guard_page_put(guard, bytes, size), size, header);
}

static void expect_client(const struct proxy_header *header, const char *client)
{
    struct p0f_addr addr;

    if (strcmp(client, NO_ADDRESS) == 0) {
        cr_assert_eq(header->client, PROXY_CLIENT_PEER);
    } else if (strcmp(client, UNIX) == 0) {
        cr_assert_eq(header->client, PROXY_CLIENT_UNIX);
    } else {
        cr_assert_eq(header->client, PROXY_CLIENT_ADDR);
        cr_assert_eq(p0f_addr_parse(client, strlen(client), &addr), P0F_OK);
        cr_assert_eq(memcmp(&header->addr, &addr, sizeof addr), 0, "not %s", client);
    }
}

static void expect_error(const char *bytes, size_t size, int error)
{
    struct proxy_header header;

    cr_assert_eq(parse(bytes, size, &header), error, "%d for %s", parse(bytes, size, &header),
                 bytes);
}

#define EXPECT_ERROR(text, error) expect_error(text, sizeof(text) - 1, PROXY_HEADER_##error)

Test(proxy_protocol, good_headers, .init = start, .fini = stop)
{
    struct proxy_header header;
    char more[PROXY_HEADER_MAX + 64];

    for (size_t i = 0; i < GOODS; i++) {
        cr_assert_eq(parse(good[i].bytes, good[i].size, &header), (int)good[i].size, "%zu", i);
        expect_client(&header, good[i].client);
        /* Whatever follows is not its. */
        int length = snprintf(more, sizeof more, "%*sGET / HTTP/1.1\r\n", (int)good[i].size, "");
        memcpy(more, good[i].bytes, good[i].size);
        cr_assert_eq(parse(more, (size_t)length, &header), (int)good[i].size, "%zu", i);
        expect_client(&header, good[i].client);
    }
}

Test(proxy_protocol, every_beginning_needs_more, .init = start, .fini = stop)
{
    struct proxy_header header;

    for (size_t i = 0; i < GOODS; i++)
        for (size_t size = 0; size < good[i].size; size++)
            cr_assert_eq(parse(good[i].bytes, size, &header), PROXY_HEADER_INCOMPLETE,
                         "%zu bytes of %zu", size, i);
}

Test(proxy_protocol, something_else, .init = start, .fini = stop)
{
    static const char *const others[] = {"G",
                                         "GET / HTTP/1.1\r\n\r\n",
                                         "PROXY\r\n",
                                         "PROXIES",
                                         "proxy tcp4",
                                         "\r\n\r\n\r\n",
                                         "\n",
                                         "\r\n\r\nQUIT",
                                         " PROXY ",
                                         "\x16\x03\x01\x02",
                                         "PRI * HTTP/2.0\r\n"};

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        expect_error(others[i], strlen(others[i]), PROXY_HEADER_MISSING);
    EXPECT_ERROR("\0", MISSING);
}

Test(proxy_protocol, malformed_lines, .init = start, .fini = stop)
{
    static const char *const lines[] = {
        "\r\n",
        "\n",
        "TCP4\r\n",
        "TCP5 192.0.2.1 192.0.2.2 1 2\r\n",
        "tcp4 192.0.2.1 192.0.2.2 1 2\r\n",
        "UNKNOWN\n",
        "UNKNOWNS\r\n",
        "unknown\r\n",
        "UNKNOWN 1\n2\r\n",
        " TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
        "TCP4  192.0.2.1 192.0.2.2 1 2\r\n",
        "TCP4 192.0.2.1  192.0.2.2 1 2\r\n",
        "TCP4 192.0.2.1 192.0.2.2 1 2 \r\n",
        "TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
        "TCP4 192.0.2.1\t192.0.2.2 1 2\r\n",
        "TCP4 192.0.2.1 192.0.2.2 1\r\n",
        "TCP4 192.0.2.1 192.0.2.2 1 \r\n",
        "TCP4 192.0.2.1 192.0.2.2\r\n",
        "TCP4 192.0.2.1 192.0.2.2 1 2\n",
        "TCP4 192.0.2.1 192.0.2.2 1 2\r\r\n",
        "TCP4 192.0.2.1 192.0.2.2 1 2\n\r\n",
        "TCP4 192.0.2.1 192.0.2.2 01 2\r\n",
        "TCP4 192.0.2.1 192.0.2.2 1 00\r\n",
        "TCP4 192.0.2.1 192.0.2.2 65536 2\r\n",
        "TCP4 192.0.2.1 192.0.2.2 1 100000\r\n",
        "TCP4 192.0.2.1 192.0.2.2 -1 2\r\n",
        "TCP4 192.0.2.1 192.0.2.2 +1 2\r\n",
        "TCP4 192.0.2.01 192.0.2.2 1 2\r\n",
        "TCP4 192.0.2.1 192.0.2.02 1 2\r\n",
        "TCP4 192.0.2 192.0.2.2 1 2\r\n",
        "TCP4 192.0.2.256 192.0.2.2 1 2\r\n",
        "TCP4 192.0.2.1 192.0.2.2.2 1 2\r\n",
        "TCP4 ::1 ::1 1 2\r\n",
        "TCP4 ::ffff:192.0.2.1 192.0.2.2 1 2\r\n",
        "TCP4 192.0.2.1 ::1 1 2\r\n",
        "TCP4 [192.0.2.1] 192.0.2.2 1 2\r\n",
        "TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
        "TCP6 ::1 192.0.2.1 1 2\r\n",
        "TCP6 [::1] ::1 1 2\r\n",
        "TCP6 ::1%lo ::1 1 2\r\n",
        "TCP6 ::1/128 ::1 1 2\r\n",
        "TCP6 1:2:3:4:5:6:7:8:9 ::1 1 2\r\n",
        "TCP6 1::2::3 ::1 1 2\r\n",
        "TCP6 12345::1 ::1 1 2\r\n",
    };
    char line[128];

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        snprintf(line, sizeof line, "PROXY %s", lines[i]);
        expect_error(line, strlen(line), PROXY_HEADER_MALFORMED);
    }
    EXPECT_ERROR("PROXY TCP4 192.0.2.1\0 192.0.2.2 1 2\r\n", MALFORMED);
    EXPECT_ERROR("PROXY TCP4 192.0.2.1 192.0.2.2 1\0 2\r\n", MALFORMED);
}

Test(proxy_protocol, lines_that_are_too_long, .init = start, .fini = stop)
{
    char line[PROXY_HEADER_MAX];

    memset(line, 'x', sizeof line);
    memcpy(line, "PROXY UNKNOWN ", 14);
    expect_error(line, 106, PROXY_HEADER_INCOMPLETE);
    expect_error(line, 107, PROXY_HEADER_TOO_LONG);
    expect_error(line, sizeof line, PROXY_HEADER_TOO_LONG);
    line[106] = '\r';
    line[107] = '\n';
    expect_error(line, 108, PROXY_HEADER_TOO_LONG);
}

Test(proxy_protocol, malformed_binary, .init = start, .fini = stop)
{
    EXPECT_ERROR(SIGNATURE "\x11\x11\0\x0c............", MALFORMED);
    EXPECT_ERROR(SIGNATURE "\x31\x11\0\x0c............", MALFORMED);
    EXPECT_ERROR(SIGNATURE "\x22\x11\0\x0c............", MALFORMED);
    EXPECT_ERROR(SIGNATURE "\x21\x41\0\x0c............", MALFORMED);
    EXPECT_ERROR(SIGNATURE "\x21\x13\0\x0c............", MALFORMED);
    EXPECT_ERROR(SIGNATURE "\x21\x11\0\x0b...........", MALFORMED);
    EXPECT_ERROR(SIGNATURE "\x21\x21\0\x23...................................", MALFORMED);
    EXPECT_ERROR(SIGNATURE "\x21\x31\0\xd7" PATH TEN("/ten/bytes") "1234567", MALFORMED);
    /* Known to be so before its end is there */
    EXPECT_ERROR(SIGNATURE "\x21\xff\0\x0c", MALFORMED);
    EXPECT_ERROR(SIGNATURE "\x21\x11\2\x09", TOO_LONG);
    EXPECT_ERROR(SIGNATURE "\x20\x00\xff\xff", TOO_LONG);
}

Test(proxy_protocol, the_longest, .init = start, .fini = stop)
{
    uint8_t bytes[PROXY_HEADER_MAX] = SIGNATURE "\x21\x31\2\x08";
    struct proxy_header header;

    cr_assert_eq(parse(bytes, sizeof bytes - 1, &header), PROXY_HEADER_INCOMPLETE);
    cr_assert_eq(parse(bytes, sizeof bytes, &header), PROXY_HEADER_MAX);
    cr_assert_eq(header.client, PROXY_CLIENT_UNIX);
}

Test(proxy_protocol, local, .init = start, .fini = stop)
{
    struct proxy_header header;

    cr_assert_eq(parse(proxy_header_local, sizeof proxy_header_local, &header),
                 PROXY_HEADER_LOCAL_SIZE);
    cr_assert_eq(header.client, PROXY_CLIENT_PEER);
}

/* ---- Every byte of a header, changed to every other one, read by another reader as well */

#define OCTET "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9][0-9]|[0-9])"
#define IPV4 OCTET "\\." OCTET "\\." OCTET "\\." OCTET
#define PORT                                                                                       \
    "(6553[0-5]|655[0-2][0-9]|65[0-4][0-9][0-9]|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3}|0)"

static int parse_changed(const struct good *from, size_t at, int byte, struct proxy_header *header)
{
    char bytes[PROXY_HEADER_MAX];

    memcpy(bytes, from->bytes, from->size);
    bytes[at] = (char)byte;
    return parse(bytes, from->size, header);
}

/* A regular expression ends at a NUL, which no such line has. */
static bool matches(const regex_t *line, const struct good *from, size_t at, int byte)
{
    char text[PROXY_HEADER_MAX] = "";

    memcpy(text, from->bytes, from->size);
    text[at] = (char)byte;
    return byte != 0 && regexec(line, text, 0, NULL, 0) == 0;
}

Test(proxy_protocol, every_changed_byte_of_a_line, .init = start, .fini = stop)
{
    struct proxy_header header;
    unsigned still_good = 0;
    regex_t line;

    cr_assert_eq(
        regcomp(&line, "^PROXY TCP4 " IPV4 " " IPV4 " " PORT " " PORT "\r\n", REG_EXTENDED), 0);
    for (size_t at = 0; at < good[0].size; at++) {
        for (int byte = 0; byte < 256; byte++) {
            int parsed = parse_changed(&good[0], at, byte, &header);
            bool right = matches(&line, &good[0], at, byte);
            cr_assert_eq(right, parsed > 0, "%zu: %d", at, byte);
            still_good += right;
        }
    }
    regfree(&line);
    cr_assert_gt(still_good, 150);
}

/* Of a header of an IPv4 client with three bytes behind it. */
static int expected_of(size_t at, int byte, const char **client)
{
    *client = "192.0.2.1";
    if (at < 12)
        return byte == (uint8_t)SIGNATURE[at] ? 31 : PROXY_HEADER_MISSING;
    if (at == 12) {
        *client = byte == 0x21 ? *client : NO_ADDRESS;
        return byte == 0x20 || byte == 0x21 ? 31 : PROXY_HEADER_MALFORMED;
    }
    if (at == 13) {
        bool valid = byte >> 4 <= 3 && (byte & 15) <= 2, known = byte >> 4 && byte & 15;
        *client = known ? *client : NO_ADDRESS;
        return valid && (!known || byte >> 4 == 1) ? 31 : PROXY_HEADER_MALFORMED;
    }
    if (at == 14)
        return byte == 0 ? 31 : byte == 1 ? PROXY_HEADER_INCOMPLETE : PROXY_HEADER_TOO_LONG;
    if (at == 15)
        return byte < 12    ? PROXY_HEADER_MALFORMED
               : byte <= 15 ? 16 + byte
                            : PROXY_HEADER_INCOMPLETE;
    return 31;
}

Test(proxy_protocol, every_changed_byte_of_binary, .init = start, .fini = stop)
{
    const struct good from =
        GOOD(SIGNATURE "\x21\x11\0\x0f\xc0\0\2\1\xc0\0\2\2\xdc\x04\x01\xbb\4\0\0", "192.0.2.1");
    struct proxy_header header;

    for (size_t at = 0; at < from.size; at++) {
        for (int byte = 0; byte < 256; byte++) {
            const char *client;
            int parsed = parse_changed(&from, at, byte, &header);
            cr_assert_eq(parsed, expected_of(at, byte, &client), "%zu: %d", at, byte);
            if (parsed <= 0)
                continue;
            if (at >= 16 && at < 20)
                cr_assert_eq(header.addr.bytes[at - 16], byte);
            else
                expect_client(&header, client);
        }
    }
}
