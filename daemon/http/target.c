/* SPDX-License-Identifier: MIT */
#include "http/target.h"

#include "http/syntax.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define DECODED_SIZE 128 /* longer than any address or value we know */

const struct render_path target_paths[TARGET_PATHS] = {
    [TARGET_HOST] = {"/host/{ip}", "what p0f knows of a host; ?format=parsed|raw&wait=0..5000"},
    [TARGET_HOSTS] = {"/hosts", "POST a JSON array of addresses: what p0f knows of each"},
    [TARGET_SELF] = {"/self", "the same of who asks"},
    [TARGET_FORWARD_AUTH] = {"/forward-auth", "the same as header fields; always 204"},
    [TARGET_LIVEZ] = {"/livez", "200 while the process serves"},
    [TARGET_READYZ] = {"/readyz", "200 while p0f answers, else 503 and why"},
    [TARGET_METRICS] = {"/metrics", "counters and latencies, for Prometheus"},
    [TARGET_STATUS] = {"/status", "how things stand: settings, cache, connections to p0f"},
    [TARGET_OPENAPI] = {"/openapi.json", "all of this in OpenAPI 3.1, for programs"},
    [TARGET_INDEX] = {"/", "this list"},
};

struct span {
    const char *at;
    size_t length;
};

static bool equals(struct span span, const char *text)
{
    return span.length == strlen(text) && memcmp(span.at, text, span.length) == 0;
}

/* Splits off what is before the first `mark`; without one that is everything. */
static struct span split_at(struct span *rest, char mark)
{
    const char *found = rest->length ? memchr(rest->at, mark, rest->length) : NULL;
    size_t length = found ? (size_t)(found - rest->at) : rest->length;
    size_t skip = found ? length + 1 : length;
    struct span head = {rest->at, length};

    rest->at += skip;
    rest->length -= skip;
    return head;
}

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

/* Percent-decodes into `out`; NUL bytes are kept as they are, the length tells. */
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

static bool has_prefix(struct span span, const char *prefix)
{
    size_t length = strlen(prefix);

    return span.length >= length && memcmp(span.at, prefix, length) == 0;
}

static bool skip_prefix(struct span *span, const char *prefix)
{
    size_t length = strlen(prefix);

    if (span->length < length || strncasecmp(span->at, prefix, length) != 0)
        return false;
    span->at += length;
    span->length -= length;
    return true;
}

/* "http://any.host/path" is the same resource as "/path" (RFC 9112, 3.2.2). False if it is neither. */
static bool skip_authority(struct span *target)
{
    size_t length = 0;

    if (target->length > 0 && target->at[0] == '/')
        return true;
    if (!skip_prefix(target, "http://") && !skip_prefix(target, "https://"))
        return false;
    while (length < target->length && target->at[length] != '/' && target->at[length] != '?')
        length++;
    if (length == 0 || !syntax_is_host(target->at, length)) /* RFC 9110, 4.2.1 */
        return false;
    target->at += length;
    target->length -= length;
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

static void refuse_parameter(struct target *target, const char *name, struct span value,
                             const char *expected)
{
    char shown[41];
    size_t length = value.length < sizeof shown - 1 ? value.length : sizeof shown - 1;

    if (target->error != TARGET_OK)
        return; /* the first thing that is wrong is the one to name */
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)value.at[i];
        shown[i] = (char)(byte > 0x20 && byte < 0x7f ? byte : '?');
    }
    shown[length] = '\0';
    target->error = TARGET_BAD_PARAMETER;
    snprintf(target->detail, sizeof target->detail, "%s=%s: expected %s", name, shown, expected);
}

static bool parse_wait(const char *text, size_t length, int64_t *wait_ms)
{
    int64_t value = 0;

    if (length == 0 || length > 9)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (text[i] - '0');
    }
    *wait_ms = value;
    return value <= TARGET_WAIT_MAX;
}

static void parse_parameter(struct span parameter, struct target *target)
{
    struct span raw_name = split_at(&parameter, '=');
    struct span raw_value = parameter;
    char name[DECODED_SIZE], value[DECODED_SIZE];
    size_t name_length, value_length = 0;

    if (decode(raw_name, name, &name_length) != DECODED)
        return; /* none of ours */
    bool known = decode(raw_value, value, &value_length) == DECODED;
    struct span key = {name, name_length}, word = {value, value_length};
    if (equals(key, "format")) {
        if (known && equals(word, "parsed"))
            target->format = RENDER_PARSED;
        else if (known && equals(word, "raw"))
            target->format = RENDER_RAW;
        else
            refuse_parameter(target, "format", raw_value, "parsed or raw");
    } else if (equals(key, "wait")) {
        if (!known || !parse_wait(value, value_length, &target->wait_ms))
            refuse_parameter(target, "wait", raw_value, "0 to 5000 (milliseconds)");
    }
}

static void parse_parameters(struct span query, struct target *target)
{
    while (query.length > 0)
        parse_parameter(split_at(&query, '&'), target);
}

static enum target_route find_route(struct span path)
{
    if (path.length == 0)
        return TARGET_INDEX;
    for (enum target_route route = 0; route < TARGET_PATHS; route++)
        if (route != TARGET_HOST && equals(path, target_paths[route].path))
            return route;
    return TARGET_NONE;
}

void target_parse(const char *text, size_t length, struct target *target)
{
    static const char host_prefix[] = "/host/";
    struct span query = {text, length};

    target->route = TARGET_NONE;
    target->error = TARGET_OK;
    target->address = P0F_OK;
    target->format = RENDER_PARSED;
    target->wait_ms = TARGET_WAIT_UNSET;
    target->detail[0] = '\0';
    if (length > TARGET_MAX) {
        target->error = TARGET_TOO_LONG;
        return;
    }
    if (equals(query, "*")) {
        target->route = TARGET_SERVER;
        return;
    }
    if (!skip_authority(&query)) {
        target->error = TARGET_MALFORMED;
        return;
    }
    struct span path = split_at(&query, '?');
    if (has_prefix(path, host_prefix)) {
        target->route = TARGET_HOST;
        path.at += sizeof host_prefix - 1;
        path.length -= sizeof host_prefix - 1;
        parse_address(path, target);
    } else {
        target->route = find_route(path);
    }
    if (target->route == TARGET_HOST || target->route == TARGET_HOSTS ||
        target->route == TARGET_SELF)
        parse_parameters(query, target);
}

const char *target_allows(enum target_route route)
{
    if (route == TARGET_HOSTS)
        return "POST, OPTIONS";
    return route == TARGET_SERVER ? "GET, HEAD, POST, OPTIONS" : "GET, HEAD, OPTIONS";
}

const struct p0f_addr *target_addr(const struct target *target)
{
    bool named = target->route == TARGET_HOST && target->address == P0F_OK;

    return named ? &target->addr : NULL;
}
