/* SPDX-License-Identifier: MIT */
#include "net/listen_address.h"

#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define UNIX_PREFIX "unix:"
#define UNIX_PATH_SIZE sizeof(((struct sockaddr_un *)0)->sun_path)

static bool copy_text(char *out, size_t size, const char *text, size_t length)
{
    if (length == 0 || length >= size)
        return false;
    memcpy(out, text, length);
    out[length] = '\0';
    return true;
}

static bool read_unix(const char *path, size_t length, struct listen_address *address)
{
    address->is_unix = true;
    return length < UNIX_PATH_SIZE && path[0] == '/' &&
           copy_text(address->host, sizeof address->host, path, length);
}

static bool read_inet(const char *text, size_t length, struct listen_address *address)
{
    const char *end = text + length, *colon = end;

    while (colon > text && *colon != ':')
        colon--;
    size_t host = (size_t)(colon - text), port = host < length ? length - host - 1 : 0;
    bool bracketed = host > 2 && text[0] == '[' && colon[-1] == ']';

    address->is_unix = false;
    if (!bracketed && memchr(text, ':', host))
        return false; /* an IPv6 address without brackets could end anywhere */
    if (!copy_text(address->host, sizeof address->host, text + bracketed, host - 2 * bracketed) ||
        !copy_text(address->port, sizeof address->port, colon + 1, port))
        return false;
    return strspn(address->port, "0123456789") == port && atoi(address->port) <= 65535;
}

bool listen_address_next(const char **list, struct listen_address *address)
{
    const char *text = *list + strspn(*list, " \t");
    size_t length = strcspn(text, ",");
    const size_t prefix = strlen(UNIX_PREFIX);

    *list = text[length] == ',' ? text + length + 1 : NULL;
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t'))
        length--;
    if (length > prefix && memcmp(text, UNIX_PREFIX, prefix) == 0)
        return read_unix(text + prefix, length - prefix, address);
    return read_inet(text, length, address);
}
