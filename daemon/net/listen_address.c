/* SPDX-License-Identifier: MIT */
#include "net/listen_address.h"

#include "core/number.h"

#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#define PATH_MAX_LENGTH (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

static bool refuse_listen(char error[LISTEN_ADDRESS_ERROR_SIZE], struct span text, const char *why)
{
    snprintf(error, LISTEN_ADDRESS_ERROR_SIZE, "'%.*s' %s",
             text.length < 60 ? (int)text.length : 60, text.at, why);
    return false;
}

static void copy_span(char *out, struct span text)
{
    memcpy(out, text.at, text.length);
    out[text.length] = '\0';
}

static bool read_unix(struct span text, struct span path, struct listen_address *address,
                      char error[LISTEN_ADDRESS_ERROR_SIZE])
{
    if (path.length == 0 || path.at[0] != '/')
        return refuse_listen(error, text, "has no absolute path");
    if (path.length > PATH_MAX_LENGTH)
        return refuse_listen(error, text,
                             "is too long: a unix socket's path has 107 bytes at most");
    address->is_unix = true;
    copy_span(address->host, path);
    return true;
}

static bool read_inet(struct span text, struct listen_address *address,
                      char error[LISTEN_ADDRESS_ERROR_SIZE])
{
    const char *colon = text.length ? memrchr(text.at, ':', text.length) : NULL;
    uint64_t number;

    if (!colon)
        return refuse_listen(error, text, "has no port");
    struct span host = {text.at, (size_t)(colon - text.at)};
    struct span port = span_from(text, host.length + 1);
    if (host.length > 2 && host.at[0] == '[' && colon[-1] == ']')
        host = (struct span){host.at + 1, host.length - 2};
    else if (memchr(host.at, ':', host.length)) /* it could end at any colon */
        return refuse_listen(error, text, "has an IPv6 address without brackets, or no port");
    if (host.length == 0 || host.length >= sizeof address->host)
        return refuse_listen(error, text, host.length ? "has too long a name" : "has no host");
    if (port.length >= sizeof address->port || !number_parse(port, 65535, &number))
        return refuse_listen(error, text, "has no valid port, 0 to 65535");
    address->is_unix = false;
    copy_span(address->host, host);
    copy_span(address->port, port);
    return true;
}

bool listen_address_parse(struct span text, struct listen_address *address,
                          char error[LISTEN_ADDRESS_ERROR_SIZE])
{
    struct span path = text;

    if (text.length == 0) {
        snprintf(error, LISTEN_ADDRESS_ERROR_SIZE, "an item is empty");
        return false;
    }
    if (span_skip(&path, "unix:"))
        return read_unix(text, path, address, error);
    return read_inet(text, address, error);
}
