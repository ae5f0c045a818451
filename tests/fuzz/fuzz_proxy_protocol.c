/* SPDX-License-Identifier: MIT */
/* Any bytes begin with a header, need more, or are refused; the same however they are split. A client
 * that is named is read back alike from headers of both versions. */
#include "holds.h"
#include "net/proxy_protocol.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define SIZE_MAX_TRIED (PROXY_HEADER_MAX + 16)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_same(const struct proxy_header *one, const struct proxy_header *other)
{
    return one->client == other->client && memcmp(&one->addr, &other->addr, sizeof one->addr) == 0;
}

/* In memory of its own, so that a sanitizer sees what is read behind its end. */
static int parse_alone(const uint8_t *data, size_t size, struct proxy_header *header)
{
    uint8_t *copy = malloc(size);

    HOLDS(copy || size == 0);
    if (size > 0)
        memcpy(copy, data, size);
    int parsed = proxy_header_parse(copy, size, header);
    free(copy);
    return parsed;
}

/* Incomplete up to some size, and from there on what it is of all sizes. */
static void check_splits(const uint8_t *data, size_t size)
{
    struct proxy_header first, header;
    int known = PROXY_HEADER_INCOMPLETE;

    for (size_t part = 0; part <= size; part++) {
        int parsed = parse_alone(data, part, &header);
        HOLDS(parsed <= (int)part && parsed <= PROXY_HEADER_MAX);
        HOLDS(parsed != PROXY_HEADER_INCOMPLETE || part < PROXY_HEADER_MAX);
        if (known == PROXY_HEADER_INCOMPLETE) {
            known = parsed;
            first = header;
            HOLDS(parsed <= 0 || parsed == (int)part);
        } else {
            HOLDS(parsed == known);
            HOLDS(parsed < 0 || is_same(&header, &first));
        }
    }
}

static void check_v1(const struct proxy_header *header)
{
    char line[128], text[P0F_ADDR_TEXT_SIZE];
    struct proxy_header again;

    p0f_addr_format(&header->addr, text);
    int length = snprintf(line, sizeof line, "PROXY TCP%c %s %s 0 65535\r\n",
                          header->addr.type == 4 ? '4' : '6', text, text);
    HOLDS(proxy_header_parse((const uint8_t *)line, (size_t)length, &again) == length);
    HOLDS(is_same(header, &again));
}

static void check_v2(const struct proxy_header *header)
{
    size_t each = header->addr.type == 4 ? 4 : 16, size = 16 + 2 * each + 4;
    uint8_t bytes[64] = "\r\n\r\n\0\r\nQUIT\n\x21";
    struct proxy_header again;

    bytes[13] = header->addr.type == 4 ? 0x11 : 0x21;
    bytes[15] = (uint8_t)(size - 16);
    memcpy(bytes + 16, header->addr.bytes, each);
    HOLDS(proxy_header_parse(bytes, size, &again) == (int)size);
    HOLDS(is_same(header, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proxy_header header;

    if (size > SIZE_MAX_TRIED)
        size = SIZE_MAX_TRIED;
    check_splits(data, size);
    if (parse_alone(data, size, &header) > 0 && header.client == PROXY_CLIENT_ADDR) {
        check_v1(&header);
        check_v2(&header);
    }
    return 0;
}
