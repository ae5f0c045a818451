/* SPDX-License-Identifier: MIT */
#include "http/target.h"

#include "core/number.h"
#include "core/percent.h"
#include "net/address_fault.h"
#include "net/syntax.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define DECODED_SIZE 128 /* longer than any valid address or value */

/* "http://any.host/path" is the same resource as "/path" (RFC 9112, 3.2.2). False if it is neither. */
static bool skip_authority(struct span *target, struct span *authority)
{
    size_t length = 0;

    if (target->length > 0 && target->at[0] == '/')
        return true;
    if (!span_skip_nocase(target, "http://") && !span_skip_nocase(target, "https://"))
        return false;
    while (length < target->length && target->at[length] != '/' && target->at[length] != '?')
        length++;
    *authority = (struct span){target->at, length};
    *target = span_from(*target, length);
    /* RFC 9110, 4.2.1. Nobody encodes a host, and libmicrohttpd would decode it in place. */
    return length > 0 && syntax_is_host(authority->at, length) &&
           !memchr(authority->at, '%', length);
}

/* ---- The path */

/* Whether its % begins a zone that has not been encoded, as in "fe80::1%eth0". */
static bool has_plain_zone(struct span text)
{
    struct span addr = span_split(&text, '%');
    struct p0f_addr parsed;

    return p0f_addr_parse(addr.at, addr.length, &parsed) == P0F_OK && parsed.type == 6 &&
           text.length > 0 && number_digits(text) == 0;
}

static void parse_address(struct span text, struct target *target)
{
    char decoded[DECODED_SIZE];
    size_t length = 0;
    enum percent_result result = percent_decode(text, decoded, sizeof decoded, &length);

    _Static_assert(sizeof target->detail >= ADDRESS_FAULT_SIZE, "it takes the explanation");
    if (result == PERCENT_DECODED && p0f_addr_parse(decoded, length, &target->addr) == P0F_OK)
        return;
    target->error = TARGET_BAD_ADDRESS;
    if (result == PERCENT_DECODED)
        address_fault(decoded, length, target->detail);
    else if (result == PERCENT_BROKEN && has_plain_zone(text))
        address_fault(text.at, text.length, target->detail);
    else
        snprintf(target->detail, sizeof target->detail, "%s",
                 result == PERCENT_BROKEN ? "a % without two hexadecimal digits after it"
                                          : "the text is too long for an address");
}

/* In lower case, and without slashes that are repeated or at its end. False if it does not fit. */
static bool tidy(struct span path, char out[DECODED_SIZE], size_t *length)
{
    size_t used = 0;

    for (size_t i = 0; i < path.length; i++) {
        char byte = path.at[i];
        if (byte == '/' && used > 0 && out[used - 1] == '/')
            continue;
        if (used == DECODED_SIZE)
            return false;
        out[used++] = (char)(byte >= 'A' && byte <= 'Z' ? byte - 'A' + 'a' : byte);
    }
    *length = used > 1 && out[used - 1] == '/' ? used - 1 : used;
    return true;
}

static struct span last_segment(struct span path)
{
    struct span segment = {0};

    while (path.length > 0)
        segment = span_split(&path, '/');
    return segment;
}

/* For a path that does not exist: fills the detail if it is clear what was meant. */
static void suggest_path(struct span path, const struct route_table *table, struct target *target)
{
    char tidied[DECODED_SIZE + 1], address[P0F_ADDR_TEXT_SIZE];
    struct p0f_addr addr;
    size_t length, rest;

    if (!tidy(path, tidied, &length))
        return;
    const struct route *meant = route_find(table, tidied, length, &rest);
    struct span last = last_segment((struct span){tidied, length});
    if (meant == route_of_none(table)) { /* "/host" */
        tidied[length] = '/';
        meant = route_find(table, tidied, length + 1, &rest);
    }
    if (meant != route_of_none(table)) {
        snprintf(target->detail, sizeof target->detail, "no such resource; did you mean %s?",
                 meant->path);
    } else if (p0f_addr_parse(last.at, last.length, &addr) == P0F_OK) {
        p0f_addr_format(&addr, address);
        snprintf(target->detail, sizeof target->detail, "no such resource; did you mean /host/%s?",
                 address);
    }
}

/* Dot segments are not resolved: that is for clients to do (RFC 3986, 5.2.4), and a proxy in front that
 * restricts paths may not have done it. */
static void parse_path(struct span path, const struct route_table *table, struct target *target)
{
    char normal[TARGET_MAX];
    size_t length, rest;

    if (path.length == 0)
        path = (struct span){"/", 1};
    if (path.length <= sizeof normal && memchr(path.at, '%', path.length) &&
        percent_normalize(path, normal, &length))
        path = (struct span){normal, length};
    target->route = route_find(table, path.at, path.length, &rest);
    if (target->route->parameters & ROUTE_IP)
        parse_address(span_from(path, rest), target);
    else if (target->route == route_of_none(table))
        suggest_path(path, table, target);
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

    if (percent_decode(raw_name, name, sizeof name, &name_length) != PERCENT_DECODED)
        return; /* not one of ours */
    for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
        const struct parameter *parameter = &parameters[i];
        if (!(target->route->parameters & parameter->bit) ||
            !span_equals((struct span){name, name_length}, parameter->name))
            continue;
        if (percent_decode(raw_value, value, sizeof value, &value_length) != PERCENT_DECODED ||
            !parameter->parse((struct span){value, value_length}, target))
            refuse_parameter(target, parameter, raw_value);
    }
}

/* ---- The target */

void target_parse(const char *text, size_t length, const struct route_table *table,
                  struct target *target)
{
    struct span query = {text, length};

    /* One by one: `addr` and `detail`, most of the bytes, mean nothing yet. */
    target->route = route_of_none(table);
    target->error = TARGET_OK;
    target->authority = (struct span){text, 0};
    target->format = RENDER_PARSED;
    target->wait_ms = LOOKUP_WAIT_UNSET;
    target->stale_ok = false;
    target->detail[0] = '\0';
    if (span_equals(query, "*")) {
        parse_path(query, table, target);
    } else if (!skip_authority(&query, &target->authority)) {
        target->error = TARGET_MALFORMED;
    } else {
        parse_path(span_split(&query, '?'), table, target);
        while (query.length > 0 && target->route->parameters)
            parse_parameter(span_split(&query, '&'), target);
    }
    if (length > TARGET_MAX && !target->route->proxied) {
        target->route = route_of_none(table);
        target->error = TARGET_TOO_LONG;
    }
}

const struct p0f_addr *target_addr(const struct target *target)
{
    bool named = target->route->parameters & ROUTE_IP && target->error != TARGET_BAD_ADDRESS;

    return named ? &target->addr : NULL;
}
