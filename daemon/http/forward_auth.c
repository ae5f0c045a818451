/* SPDX-License-Identifier: MIT */
#include "http/forward_auth.h"

#include "core/rfc3339.h"
#include "core/utf8.h"
#include "http/client_address.h"
#include "http/cors.h"
#include "http/host_lookup.h"
#include "http/respond.h"
#include "http/response.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define TEXT_SIZE (2 * (2 * 32 + 1) + 1) /* name, space and flavor in UTF-8 */

static char *add_header(struct forward_auth *headers, const char *name)
{
    struct forward_header *field = &headers->fields[headers->count++];

    field->name = name;
    field->value[0] = '\0';
    return field->value;
}

static bool is_safe(char byte, bool first)
{
    if (byte == ' ')
        return !first;
    return byte > ' ' && byte <= '~' && byte != '%';
}

static void encode(const char *utf8, size_t length, char value[FORWARD_VALUE_SIZE])
{
    static const char digits[] = "0123456789ABCDEF";

    while (length > 0 && utf8[length - 1] == ' ')
        length--;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)utf8[i];
        if (is_safe(utf8[i], i == 0)) {
            *value++ = (char)byte;
        } else {
            *value++ = '%';
            *value++ = digits[byte >> 4];
            *value++ = digits[byte & 0xf];
        }
    }
    *value = '\0';
}

/* Appends the text of these bytes and returns the new length. */
static size_t append(char text[TEXT_SIZE], size_t length, const char *bytes)
{
    size_t size = strlen(bytes);

    if (!utf8_valid(bytes))
        return length + utf8_from_latin1(bytes, text + length, TEXT_SIZE - length);
    memcpy(text + length, bytes, size + 1);
    return length + size;
}

/* "Linux 3.11 and newer"; a flavor without a name is meaningless. */
static void add_named(struct forward_auth *headers, const char *name, const char *bytes,
                      const char *flavor)
{
    char text[TEXT_SIZE];
    size_t length = append(text, 0, bytes);

    if (bytes[0] && flavor[0]) {
        length = append(text, length, " ");
        length = append(text, length, flavor);
    }
    encode(text, length, add_header(headers, name));
}

static void add_text(struct forward_auth *headers, const char *name, const char *bytes)
{
    add_named(headers, name, bytes, "");
}

static void add_number(struct forward_auth *headers, const char *name, bool known, long value)
{
    char *text = add_header(headers, name);

    if (known)
        snprintf(text, FORWARD_VALUE_SIZE, "%ld", value);
}

static void add_moment(struct forward_auth *headers, const char *name, bool known, uint32_t seconds)
{
    char *text = add_header(headers, name);

    if (known)
        rfc3339_format(seconds, text);
}

void forward_auth(enum forward_status status, const struct p0f_host *host,
                  struct forward_auth *headers)
{
    static const char *const names[] = {
        [FORWARD_OK] = "ok",
        [FORWARD_NO_MATCH] = "no-match",
        [FORWARD_ERROR] = "error",
    };
    static const struct p0f_host unknown = {.distance = P0F_DISTANCE_UNKNOWN};

    if (status != FORWARD_OK)
        host = &unknown;
    headers->count = 0;
    strcpy(add_header(headers, "X-P0F-Status"), names[status]);
    add_named(headers, "X-P0F-OS", host->os_name, host->os_flavor);
    add_text(headers, "X-P0F-OS-Name", host->os_name);
    add_text(headers, "X-P0F-OS-Flavor", host->os_flavor);
    add_named(headers, "X-P0F-HTTP", host->http_name, host->http_flavor);
    add_text(headers, "X-P0F-Link", host->link_type);
    add_text(headers, "X-P0F-Language", host->language);
    add_number(headers, "X-P0F-Distance",
               host->distance >= 0 && host->distance != P0F_DISTANCE_UNKNOWN, host->distance);
    add_number(headers, "X-P0F-Uptime-Min", host->uptime_min > 0, host->uptime_min);
    add_moment(headers, "X-P0F-NAT", host->last_nat > 0, host->last_nat);
    add_number(headers, "X-P0F-Bad-SW", host->bad_sw > 0, host->bad_sw);
    add_number(headers, "X-P0F-Match-Quality", status == FORWARD_OK, host->os_match_q);
}

/* ---- The request */

static enum MHD_Result respond_forward(struct request *request, enum forward_status status,
                                       const struct p0f_host *host)
{
    struct MHD_Response *response = response_empty();
    struct forward_auth headers;

    forward_auth(status, host, &headers);
    for (size_t i = 0; i < headers.count; i++)
        response_add_or_empty(&response, headers.fields[i].name, headers.fields[i].value);
    response_add(&response, "Cache-Control", "no-store");
    cors_add_preflight(request, &response);
    return respond(request, MHD_HTTP_OK, response);
}

static enum MHD_Result respond_forward_auth(struct request *request)
{
    struct host_record *record = request->lookup.record;

    if (request->lookup.outcome == LOOKUP_NO_MATCH)
        return respond_forward(request, FORWARD_NO_MATCH, NULL);
    if (request->lookup.outcome != LOOKUP_FOUND || !host_record_valid(record))
        return respond_forward(request, FORWARD_ERROR, NULL);
    return respond_forward(request, FORWARD_OK, host_record_host(record));
}

enum MHD_Result serve_forward_auth(struct request *request)
{
    /* They are the visitor's: a reload in a browser is no reason to query p0f again. */
    request->fields.directives = (struct cache_directives){.max_age_ms = LOOKUP_MAX_AGE_UNSET};
    if (!client_address_of_visitor(request, &request->lookup.addr))
        return respond_forward(request, FORWARD_ERROR, NULL);
    return host_lookup(request, true, respond_forward_auth);
}
