/* SPDX-License-Identifier: MIT */
/* Text to address and back. inet_pton() parses, and errors are told apart here. Formatting is RFC 5952
 * written out, because inet_ntop() prints ::1:2 as ::0.1.0.2. */
#include "p0fclient.h"

#include <arpa/inet.h>
#include <string.h>

static bool strip_brackets(const char **text, size_t *length)
{
    bool opened = *length > 0 && (*text)[0] == '[';
    bool closed = *length > 0 && (*text)[*length - 1] == ']';

    if (opened != closed || (opened && *length < 2))
        return false;
    if (opened) {
        *text += 1;
        *length -= 2;
    }
    return true;
}

/* inet_pton() refuses 01.2.3.4 without a reason; users deserve one. */
static bool has_leading_zero(const char *text)
{
    const char *tail = strrchr(text, ':');

    for (const char *p = tail ? tail + 1 : text; *p; p++) {
        bool starts_part = p == text || p[-1] == '.' || p[-1] == ':';
        if (starts_part && p[0] == '0' && p[1] >= '0' && p[1] <= '9' && strchr(text, '.'))
            return true;
    }
    return false;
}

static enum p0f_error why_refused(const char *text)
{
    if (strchr(text, '%'))
        return P0F_ADDR_ZONE;
    if (strchr(text, '/'))
        return P0F_ADDR_CIDR;
    if (strpbrk(text, "[]"))
        return P0F_ADDR_BRACKETS;
    if (has_leading_zero(text))
        return P0F_ADDR_LEADING_ZERO;
    return P0F_ADDR_SYNTAX;
}

static bool is_v4_mapped(const uint8_t bytes[16])
{
    static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

    return memcmp(bytes, prefix, sizeof prefix) == 0;
}

enum p0f_error p0f_addr_parse(const char *text, size_t length, struct p0f_addr *addr)
{
    char copy[INET6_ADDRSTRLEN + sizeof "/128%interface"];
    struct p0f_addr parsed = {0};

    if (!addr || (!text && length > 0))
        return P0F_INVALID;
    if (length == 0)
        return P0F_ADDR_EMPTY;
    if (!strip_brackets(&text, &length))
        return P0F_ADDR_BRACKETS;
    if (length == 0)
        return P0F_ADDR_EMPTY;
    if (length >= sizeof copy)
        return P0F_ADDR_TOO_LONG;
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (memchr(copy, '\0', length))
        return P0F_ADDR_SYNTAX;

    if (inet_pton(AF_INET, copy, parsed.bytes) == 1) {
        parsed.type = 4;
    } else if (inet_pton(AF_INET6, copy, parsed.bytes) == 1) {
        parsed.type = 6;
    } else {
        return why_refused(copy);
    }
    if (parsed.type == 6 && is_v4_mapped(parsed.bytes)) {
        parsed.type = 4;
        memcpy(parsed.bytes, parsed.bytes + 12, 4);
        memset(parsed.bytes + 4, 0, 12);
    }
    *addr = parsed;
    return P0F_OK;
}

struct zero_run {
    int start;
    int length;
};

/* The longest run of two or more zero groups, the first of equals (RFC 5952, 4.2.2 and 4.2.3). */
static struct zero_run longest_zero_run(const uint16_t group[8])
{
    struct zero_run best = {.start = -1, .length = 1};

    for (int i = 0; i < 8;) {
        int start = i;
        while (i < 8 && group[i] == 0)
            i++;
        if (i - start > best.length)
            best = (struct zero_run){.start = start, .length = i - start};
        if (i == start)
            i++;
    }
    return best;
}

static char *put_hex(char *out, uint16_t value)
{
    bool started = false;

    for (int shift = 12; shift >= 0; shift -= 4) {
        unsigned digit = ((unsigned)value >> shift) & 0xfu;
        started = started || digit != 0 || shift == 0;
        if (started)
            *out++ = "0123456789abcdef"[digit];
    }
    return out;
}

static size_t format_v6(const uint8_t bytes[16], char text[P0F_ADDR_TEXT_SIZE])
{
    uint16_t group[8];
    char *out = text;

    for (int i = 0; i < 8; i++)
        group[i] = (uint16_t)(bytes[2 * i] << 8 | bytes[2 * i + 1]);
    struct zero_run run = longest_zero_run(group);
    for (int i = 0; i < 8;) {
        if (i == run.start) {
            *out++ = ':';
            *out++ = ':';
            i += run.length;
            continue;
        }
        if (i > 0 && i != run.start + run.length)
            *out++ = ':';
        out = put_hex(out, group[i++]);
    }
    *out = '\0';
    return (size_t)(out - text);
}

static char *put_decimal(char *out, uint8_t value)
{
    if (value >= 100)
        *out++ = (char)('0' + value / 100);
    if (value >= 10)
        *out++ = (char)('0' + value / 10 % 10);
    *out++ = (char)('0' + value % 10);
    return out;
}

size_t p0f_addr_format(const struct p0f_addr *addr, char text[P0F_ADDR_TEXT_SIZE])
{
    char *out = text;

    if (addr->type != 4)
        return format_v6(addr->bytes, text);
    for (int i = 0; i < 4; i++) {
        if (i > 0)
            *out++ = '.';
        out = put_decimal(out, addr->bytes[i]);
    }
    *out = '\0';
    return (size_t)(out - text);
}
