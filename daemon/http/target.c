/* SPDX-License-Identifier: MIT */
#include "http/target.h"

#include "core/number.h"
#include "http/syntax.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define DECODED_SIZE 128 /* longer than any valid address or value */

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

enum decoding { DECODED, DECODED_TOO_LONG, DECODED_BROKEN };

/* Percent-decodes into `out`, which may contain NUL bytes. */
static enum decoding decode(struct span in, char out[DECODED_SIZE], size_t *length)
{
    size_t used = 0;

    for (size_t i = 0; i < in.length; i++) {
        char byte = in.at[i];
        if (byte == '%') {
            int high = i + 2 < in.length ? hex_value(in.at[i + 1]) : -1;
            int low = i + 2 < in.length ? hex_value(in.at[i + 2]) : -1;
            if (high < 0 || low < 0)
                return DECODED_BROKEN;
            byte = (char)(high << 4 | low);
            i += 2;
        }
        if (used == DECODED_SIZE)
            return DECODED_TOO_LONG;
        out[used++] = byte;
    }
    *length = used;
    return DECODED;
}

/* "http://any.host/path" is the same resource as "/path" (RFC 9112, 3.2.2). False if it is neither. */
static bool skip_authority(struct span *target)
{
    size_t length = 0;

    if (target->length > 0 && target->at[0] == '/')
        return true;
    if (!span_skip_nocase(target, "http://") && !span_skip_nocase(target, "https://"))
        return false;
    while (length < target->length && target->at[length] != '/' && target->at[length] != '?')
        length++;
    if (length == 0 || !syntax_is_host(target->at, length)) /* RFC 9110, 4.2.1 */
        return false;
    *target = span_from(*target, length);
    return true;
}

static void parse_address(struct span text, struct target *target)
{
    char decoded[DECODED_SIZE];
    size_t length = 0;

    switch (decode(text, decoded, &length)) {
    case DECODED:
        target->address = p0f_addr_parse(decoded, length, &target->addr);
        break;
    case DECODED_TOO_LONG:
        target->address = P0F_ADDR_TOO_LONG;
        break;
    case DECODED_BROKEN:
        target->address = P0F_ADDR_SYNTAX;
        break;
    }
    if (target->address != P0F_OK)
        target->error = TARGET_BAD_ADDRESS;
}

/* ---- Parameters */

static bool parse_format(struct span value, struct target *target)
{
    target->format = span_equals(value, "raw") ? RENDER_RAW : RENDER_PARSED;
    return target->format == RENDER_RAW || span_equals(value, "parsed");
}

static bool parse_wait(struct span value, struct target *target)
{
    uint64_t wait_ms;

    if (value.length > 9 || !number_parse(value, TARGET_WAIT_MAX, &wait_ms))
        return false;
    target->wait_ms = (int64_t)wait_ms;
    return true;
}

static bool parse_stale(struct span value, struct target *target)
{
    target->stale_ok = span_equals(value, "ok");
    return target->stale_ok;
}

static const struct parameter {
    const char *name;
    unsigned bit;
    bool (*parse)(struct span value, struct target *target);
    const char *expected;
} parameters[] = {
    {"format", ROUTE_FORMAT, parse_format, "parsed or raw"},
    {"wait", ROUTE_WAIT, parse_wait, "0 to 5000 (milliseconds)"},
    {"stale", ROUTE_STALE, parse_stale, "ok"},
};

static void refuse_parameter(struct target *target, const struct parameter *parameter,
                             struct span value)
{
    char shown[41];
    size_t length = value.length < sizeof shown - 1 ? value.length : sizeof shown - 1;

    if (target->error != TARGET_OK)
        return; /* the first error is the one reported */
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)value.at[i];
        shown[i] = (char)(byte > 0x20 && byte < 0x7f ? byte : '?');
    }
    shown[length] = '\0';
    target->error = TARGET_BAD_PARAMETER;
    snprintf(target->detail, sizeof target->detail, "%s=%s: expected %s", parameter->name, shown,
             parameter->expected);
}

static void parse_parameter(struct span text, struct target *target)
{
    struct span raw_name = span_split(&text, '='), raw_value = text;
    char name[DECODED_SIZE], value[DECODED_SIZE];
    size_t name_length, value_length = 0;

    if (decode(raw_name, name, &name_length) != DECODED)
        return; /* not one of ours */
    for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
        const struct parameter *parameter = &parameters[i];
        if (!(target->route->parameters & parameter->bit) ||
            !span_equals((struct span){name, name_length}, parameter->name))
            continue;
        if (decode(raw_value, value, &value_length) != DECODED ||
            !parameter->parse((struct span){value, value_length}, target))
            refuse_parameter(target, parameter, raw_value);
    }
}

/* ---- The target */

static void parse_path(struct span path, const struct route_table *table, struct target *target)
{
    size_t rest;

    if (path.length == 0)
        path = (struct span){"/", 1};
    target->route = route_find(table, path.at, path.length, &rest);
    if (target->route->parameters & ROUTE_IP)
        parse_address(span_from(path, rest), target);
}

void target_parse(const char *text, size_t length, const struct route_table *table,
                  struct target *target)
{
    struct span query = {text, length};

    /* One by one: `addr` and `detail`, most of the bytes, mean nothing yet. */
    target->route = route_of_none(table);
    target->error = TARGET_OK;
    target->address = P0F_OK;
    target->format = RENDER_PARSED;
    target->wait_ms = LOOKUP_WAIT_UNSET;
    target->stale_ok = false;
    target->detail[0] = '\0';
    if (length > TARGET_MAX) {
        target->error = TARGET_TOO_LONG;
    } else if (span_equals(query, "*")) {
        parse_path(query, table, target);
    } else if (!skip_authority(&query)) {
        target->error = TARGET_MALFORMED;
    } else {
        parse_path(span_split(&query, '?'), table, target);
        while (query.length > 0 && target->route->parameters)
            parse_parameter(span_split(&query, '&'), target);
    }
}

const struct p0f_addr *target_addr(const struct target *target)
{
    bool named = target->route->parameters & ROUTE_IP && target->address == P0F_OK;

    return named ? &target->addr : NULL;
}
