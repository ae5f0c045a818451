/* SPDX-License-Identifier: MIT */
#include "http/head.h"

#include <microhttpd.h>
#include <stdint.h>
#include <string.h>

#define VERSION_LENGTH 8 /* HTTP/1.1 */

bool http_head_applies(void)
{
    const char *version = MHD_get_version();

    return version[0] == '0' && version[1] == '.';
}

/* Bytes from what has been seen to this; a field that was copied is far away, on either side. */
static size_t gap(const struct http_head *head, const char *at)
{
    return (size_t)((uintptr_t)at - (uintptr_t)head->end);
}

/* CR LF, or a bare LF. */
static bool is_line_break(const struct http_head *head, const char *at)
{
    size_t length = gap(head, at);

    return length == 1 || (length == 2 && head->end[1] == '\0');
}

void http_head_begin(struct http_head *head, const char *method, const char *target,
                     const char *target_end, const char *version)
{
    const char *at = method + strlen(method) + 1;

    while (at < target && *at == ' ')
        at++;
    head->torn = at != target || version != target_end + 1;
    head->end = version + VERSION_LENGTH;
}

void http_head_field(struct http_head *head, const char *name, const char *value,
                     size_t value_length)
{
    head->torn |= !is_line_break(head, name);
    head->end = value + value_length;
}

bool http_head_ends(struct http_head *head, const char *method, size_t size)
{
    static const char nothing[4];
    size_t left = gap(head, method + size);

    /* Two line breaks. */
    return !head->torn && left >= 2 && left <= 4 && memcmp(head->end, nothing, left) == 0;
}
