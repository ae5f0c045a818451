/* SPDX-License-Identifier: MIT */
#include "net/listen_address.h"

#include "core/number.h"

#include <arpa/inet.h>
#include <ctype.h>
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
    if (memmem(path.at, path.length, " unix:", strlen(" unix:")))
        return refuse_listen(error, text, "has several addresses, which commas have to separate");
    if (path.length > PATH_MAX_LENGTH)
        return refuse_listen(error, text,
                             "is too long: a unix socket's path has 107 bytes at most");
    address->is_unix = true;
    copy_span(address->host, path);
    return true;
}

/* ---- Hosts that no resolver can ever resolve, so that trying again later would not help */

/* What is wrong with it, or NULL. The interface of its zone may appear later. */
static const char *check_listen_ipv6(struct span host)
{
    struct span rest = host, address = span_split(&rest, '%');
    char text[INET6_ADDRSTRLEN];
    struct in6_addr binary;

    if (address.length < sizeof text) {
        copy_span(text, address);
        if (inet_pton(AF_INET6, text, &binary) == 1)
            return NULL;
    }
    return "has brackets around what is not an IPv6 address";
}

static bool is_ipv4_address(struct span host)
{
    char text[INET_ADDRSTRLEN];
    struct in_addr binary;

    if (host.length >= sizeof text)
        return false;
    copy_span(text, host);
    return inet_pton(AF_INET, text, &binary) == 1;
}

/* Letters, digits, hyphens and, since some have them, underscores. */
static bool is_label(struct span label)
{
    for (size_t i = 0; i < label.length; i++)
        if (!isalnum((unsigned char)label.at[i]) && label.at[i] != '-' && label.at[i] != '_')
            return false;
    return label.length > 0 && label.length <= 63;
}

/* What is wrong with the host, or NULL. As in URLs, a host whose last label is a number is an IPv4
 * address: no top-level domain is one. */
static const char *check_listen_host(struct span host)
{
    const char *end = host.at + host.length;
    struct span label;

    if (is_ipv4_address(host))
        return NULL;
    if (host.length > 1 && end[-1] == '.') /* the root */
        end = host.at + --host.length;
    do {
        label = span_split(&host, '.');
        if (!is_label(label))
            return "has a host that is neither an address nor a host name";
    } while (label.at + label.length < end);
    return number_digits(label) == label.length ? "has a host that is not an IPv4 address" : NULL;
}

static bool read_inet(struct span text, struct listen_address *address,
                      char error[LISTEN_ADDRESS_ERROR_SIZE])
{
    const char *colon = text.length ? memrchr(text.at, ':', text.length) : NULL;
    uint64_t number;

    if (!colon || text.at[text.length - 1] == ']')
        return refuse_listen(error, text, "has no port");
    if (memmem(text.at, text.length, "://", 3))
        return refuse_listen(error, text, "is a URL");
    struct span host = {text.at, (size_t)(colon - text.at)};
    struct span port = span_from(text, host.length + 1);
    bool bracketed = host.length > 2 && host.at[0] == '[' && colon[-1] == ']';
    if (bracketed)
        host = (struct span){host.at + 1, host.length - 2};
    else if (memchr(host.at, ':', host.length)) /* it could end at any colon */
        return refuse_listen(error, text,
                             memchr(text.at, ' ', text.length) || memchr(text.at, ';', text.length)
                                 ? "has several addresses, which commas have to separate"
                                 : "has several colons: an IPv6 address needs brackets");
    if (host.length == 0 || host.length >= sizeof address->host)
        return refuse_listen(error, text, host.length ? "has too long a name" : "has no host");
    const char *problem = bracketed ? check_listen_ipv6(host) : check_listen_host(host);
    if (problem)
        return refuse_listen(error, text, problem);
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
