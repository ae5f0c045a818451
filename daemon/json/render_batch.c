/* SPDX-License-Identifier: MIT */
/* The response to a batch. A thousand hosts, which have been rendered before, are half a
 * megabyte to copy: so the length is computed first, and each part is copied only once. */
#include "json/render.h"

#include <stdint.h>
#include <string.h>

static const char before_query[] = "{\"query\":\"", before_status[] = "\",\"status\":",
                  before_host[] = ",\"host\":", before_code[] = ",\"code\":\"",
                  before_detail[] = "\",\"detail\":\"";

#define LENGTH(literal) (sizeof(literal) - 1)

/* ---- Lengths */

static bool is_plain_byte(unsigned char byte)
{
    return byte >= ' ' && byte != '"' && byte != '\\';
}

static size_t escaped_length(const char *bytes, size_t length)
{
    size_t escaped = length;

    for (size_t i = 0; i < length; i++)
        if (!is_plain_byte((unsigned char)bytes[i]))
            escaped += bytes[i] == '"' || bytes[i] == '\\' ? 1 : LENGTH("\\u001f") - 1;
    return escaped;
}

size_t render_result_length(const struct render_result *result)
{
    /* One byte more: what separates it from others. */
    size_t length = 1 + LENGTH(before_query) + escaped_length(result->query, result->query_length) +
                    LENGTH(before_status) + LENGTH("200") + LENGTH("}");

    if (result->host)
        return length + LENGTH(before_host) + result->host_length - 1;
    return length + LENGTH(before_code) + escaped_length(result->code, strlen(result->code)) +
           LENGTH(before_detail) + escaped_length(result->detail, strlen(result->detail)) +
           LENGTH("\"");
}

/* ---- Each of these writes at `at`, where there is room, and returns the end. */

static char *put_bytes(char *at, const char *bytes, size_t length)
{
    memcpy(at, bytes, length);
    return at + length;
}

#define COPY(at, literal) put_bytes(at, literal, sizeof(literal) - 1)

static char *put_escaped(char *at, unsigned char byte)
{
    static const char digits[] = "0123456789abcdef";

    *at++ = '\\';
    if (byte == '"' || byte == '\\') {
        *at++ = (char)byte;
        return at;
    }
    at = COPY(at, "u00");
    *at++ = digits[byte >> 4];
    *at++ = digits[byte & 15];
    return at;
}

static char *copy_escaped(char *at, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if (is_plain_byte(byte))
            *at++ = (char)byte;
        else
            at = put_escaped(at, byte);
    }
    return at;
}

static char *copy_status(char *at, unsigned status)
{
    *at++ = (char)('0' + status / 100);
    *at++ = (char)('0' + status / 10 % 10);
    *at++ = (char)('0' + status % 10);
    return at;
}

char *render_result(char *at, const struct render_result *result, enum render_results form,
                    bool first)
{
    if (form == RENDER_RESULTS_ARRAY)
        *at++ = first ? '[' : ',';
    at = COPY(at, before_query);
    at = copy_escaped(at, result->query, result->query_length);
    at = COPY(at, before_status);
    at = copy_status(at, result->status);
    if (result->host) {
        at = COPY(at, before_host);
        at = put_bytes(at, result->host, result->host_length - 1);
    } else {
        at = COPY(at, before_code);
        at = copy_escaped(at, result->code, strlen(result->code));
        at = COPY(at, before_detail);
        at = copy_escaped(at, result->detail, strlen(result->detail));
        *at++ = '"';
    }
    *at++ = '}';
    if (form == RENDER_RESULTS_LINES)
        *at++ = '\n';
    return at;
}

const char *render_results_end(enum render_results form)
{
    return form == RENDER_RESULTS_ARRAY ? "]\n" : "";
}
