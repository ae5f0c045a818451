/* SPDX-License-Identifier: MIT */
#include "net/proxy_protocol.h"

#include "core/number.h"
#include "net/peer.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

/* Whether `data` begins with `start`, or is the beginning of it. */
static bool may_begin_with(const uint8_t *data, size_t size, const void *start, size_t length)
{
    return memcmp(data, start, size < length ? size : length) == 0;
}

/* ---- Version 1: "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n" */

#define V1_START "PROXY "
#define V1_MAX 107 /* with the line end: what the longest line of the specification has */

/* The addresses of TCP4 have no colon, and those of TCP6 have some. */
static bool read_v1_address(struct span text, bool v6, struct p0f_addr *addr)
{
    return text.length > 0 && text.at[0] != '[' &&
           (memchr(text.at, ':', text.length) != NULL) == v6 &&
           p0f_addr_parse(text.at, text.length, addr) == P0F_OK;
}

static bool is_v1_port(struct span text)
{
    bool leading_zero = text.length > 1 && text.at[0] == '0';
    uint64_t port;

    return !leading_zero && number_parse(text, 65535, &port);
}

/* What is between "PROXY " and the line end. */
static bool read_v1(struct span line, struct proxy_header *header)
{
    struct p0f_addr destination;

    if (span_skip(&line, "UNKNOWN"))
        return line.length == 0 || line.at[0] == ' ';
    bool v6 = span_skip(&line, "TCP6 ");
    if (!v6 && !span_skip(&line, "TCP4 "))
        return false;
    header->client = PROXY_CLIENT_ADDR;
    return read_v1_address(span_split(&line, ' '), v6, &header->addr) &&
           read_v1_address(span_split(&line, ' '), v6, &destination) &&
           is_v1_port(span_split(&line, ' ')) && is_v1_port(line);
}

static int parse_v1(const uint8_t *data, size_t size, struct proxy_header *header)
{
    const uint8_t *end = memchr(data, '\n', size < V1_MAX ? size : V1_MAX);
    struct span line = {(const char *)data, end ? (size_t)(end - data) : 0};

    if (!end)
        return size < V1_MAX ? PROXY_HEADER_INCOMPLETE : PROXY_HEADER_TOO_LONG;
    if (!span_skip(&line, V1_START) || line.length == 0 || end[-1] != '\r')
        return PROXY_HEADER_MALFORMED;
    line.length--;
    return read_v1(line, header) ? (int)(end - data) + 1 : PROXY_HEADER_MALFORMED;
}

/* ---- Version 2: 16 bytes that say what follows, the addresses, TLVs */

#define V2_START "\r\n\r\n\0\r\nQUIT\n"
#define V2_START_SIZE (sizeof V2_START - 1)
#define V2_SIZE 16 /* without what it has the length of */

enum { V2_LOCAL = 0x20, V2_PROXY = 0x21 };         /* version and command */
enum { V2_UNSPEC, V2_INET, V2_INET6, V2_UNIX };    /* address families */
enum { V2_UNSPEC_TRANSPORT, V2_STREAM, V2_DGRAM }; /* transport protocols */

/* With the NUL at its end, nothing follows. */
const uint8_t proxy_header_local[PROXY_HEADER_LOCAL_SIZE] = V2_START "\x20\x00\x00";

/* The client of a datagram (HTTP/3) is one as well. */
static int read_v2_addresses(const uint8_t *addresses, size_t length, uint8_t family,
                             struct proxy_header *header)
{
    static const size_t needed[] = {[V2_INET] = 12, [V2_INET6] = 36, [V2_UNIX] = 216};
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    if (length < needed[family])
        return PROXY_HEADER_MALFORMED;
    header->client = family == V2_UNIX ? PROXY_CLIENT_UNIX : PROXY_CLIENT_ADDR;
    if (family == V2_INET) {
        memcpy(&v4.sin_addr, addresses, sizeof v4.sin_addr);
        peer_addr((const struct sockaddr *)&v4, &header->addr);
    } else if (family == V2_INET6) {
        memcpy(&v6.sin6_addr, addresses, sizeof v6.sin6_addr);
        peer_addr((const struct sockaddr *)&v6, &header->addr);
    }
    return V2_SIZE + (int)length;
}

static int parse_v2(const uint8_t *data, size_t size, struct proxy_header *header)
{
    if (size < V2_SIZE)
        return PROXY_HEADER_INCOMPLETE;
    uint8_t command = data[12], family = data[13] >> 4, transport = data[13] & 0xf;
    size_t length = (size_t)data[14] << 8 | data[15];
    if (command != V2_LOCAL && command != V2_PROXY)
        return PROXY_HEADER_MALFORMED;
    if (command == V2_PROXY && (family > V2_UNIX || transport > V2_DGRAM))
        return PROXY_HEADER_MALFORMED;
    if (V2_SIZE + length > PROXY_HEADER_MAX)
        return PROXY_HEADER_TOO_LONG;
    if (size < V2_SIZE + length)
        return PROXY_HEADER_INCOMPLETE;
    if (command == V2_LOCAL || family == V2_UNSPEC || transport == V2_UNSPEC_TRANSPORT)
        return V2_SIZE + (int)length;
    return read_v2_addresses(data + V2_SIZE, length, family, header);
}

int proxy_header_parse(const uint8_t *data, size_t size, struct proxy_header *header)
{
    *header = (struct proxy_header){.client = PROXY_CLIENT_PEER};
    if (size == 0)
        return PROXY_HEADER_INCOMPLETE;
    if (may_begin_with(data, size, V1_START, strlen(V1_START)))
        return parse_v1(data, size, header);
    if (may_begin_with(data, size, V2_START, V2_START_SIZE))
        return parse_v2(data, size, header);
    return PROXY_HEADER_MISSING;
}
