/* SPDX-License-Identifier: MIT */
#include "config/option_text.h"

#include "core/sensor_name.h"
#include "net/client_header.h"
#include "net/listen_address.h"
#include "net/networks.h"
#include "net/origins.h"
#include "net/redis_url.h"
#include "net/sensor_sockets.h"
#include "net/server_names.h"

#include <stdio.h>
#include <string.h>

#define GROUP_LENGTH_MAX 64
#define PREFIX_LENGTH_MAX 64

bool option_text_sockets(const char *value, char expected[OPTION_EXPECTED_SIZE])
{
    struct sensor_sockets sockets;
    char why[SENSOR_SOCKETS_ERROR_SIZE];

    if (sensor_sockets_parse(value, &sockets, why))
        return true;
    snprintf(expected, OPTION_EXPECTED_SIZE, SENSOR_SOCKETS_EXPECTED " (%s)", why);
    return false;
}

bool option_text_file(const char *value, char expected[OPTION_EXPECTED_SIZE])
{
    if (!value[0] || (value[0] == '/' && value[strlen(value) - 1] != '/'))
        return true;
    snprintf(expected, OPTION_EXPECTED_SIZE, "the absolute path of a file%s",
             value[0] == '"' || value[0] == '\'' ? " (without quotes)" : "");
    return false;
}

static bool check_listen(const char *value, const char *form, char expected[OPTION_EXPECTED_SIZE])
{
    struct listen_address address;
    char why[LISTEN_ADDRESS_ERROR_SIZE];
    struct span list = span_of(value), item;

    if (!value[0])
        return true;
    while (span_next_item(&list, &item)) {
        if (!listen_address_parse(item, &address, why)) {
            snprintf(expected, OPTION_EXPECTED_SIZE, "%s (%s)", form, why);
            return false;
        }
    }
    return true;
}

bool option_text_listen(const char *value, char expected[OPTION_EXPECTED_SIZE])
{
    return check_listen(value, LISTEN_ADDRESS_EXPECTED, expected);
}

#define LISTEN_TCP_EXPECTED "comma-separated host:port or [IPv6]:port"

bool option_text_listen_tcp(const char *value, char expected[OPTION_EXPECTED_SIZE])
{
    struct span list = span_of(value), item;

    while (span_next_item(&list, &item)) {
        if (span_skip(&item, "unix:")) {
            snprintf(expected, OPTION_EXPECTED_SIZE,
                     LISTEN_TCP_EXPECTED " (a unix socket needs no TLS: set it in http.listen)");
            return false;
        }
    }
    return check_listen(value, LISTEN_TCP_EXPECTED, expected);
}

#define LISTEN_UNIX_EXPECTED "comma-separated unix:/path"

bool option_text_listen_unix(const char *value, char expected[OPTION_EXPECTED_SIZE])
{
    struct span list = span_of(value), item;

    while (span_next_item(&list, &item)) {
        if (item.length > 0 && !span_skip(&item, "unix:")) {
            snprintf(expected, OPTION_EXPECTED_SIZE, LISTEN_UNIX_EXPECTED " ('%.*s' %s)",
                     item.length < 60 ? (int)item.length : 60, item.at,
                     item.at[0] == '/' ? "lacks unix:"
                                       : "is not a unix socket; p0f's protocol has no "
                                         "authentication, so it is not served over TCP");
            return false;
        }
    }
    return check_listen(value, LISTEN_UNIX_EXPECTED, expected);
}

/* Whether there is such a group is seen when it is needed: that can take long. */
bool option_text_group(const char *value, char expected[OPTION_EXPECTED_SIZE])
{
    size_t length = strlen(value);

    if (length <= GROUP_LENGTH_MAX && strcspn(value, " \t:,/\"'") == length)
        return true;
    snprintf(expected, OPTION_EXPECTED_SIZE, "the name or the number of one group");
    return false;
}

bool option_text_networks(const char *value, char expected[OPTION_EXPECTED_SIZE])
{
    char why[NETWORKS_ERROR_SIZE];
    struct networks *networks = networks_parse(value, why);

    if (!networks) {
        snprintf(expected, OPTION_EXPECTED_SIZE, NETWORKS_EXPECTED " (%s)", why);
        return false;
    }
    networks_free(networks);
    return true;
}

bool option_text_origins(const char *value, char expected[OPTION_EXPECTED_SIZE])
{
    char why[ORIGINS_ERROR_SIZE];
    struct origins *origins = origins_parse(value, why);

    if (!origins) {
        snprintf(expected, OPTION_EXPECTED_SIZE, ORIGINS_EXPECTED " (%s)", why);
        return false;
    }
    origins_free(origins);
    return true;
}

bool option_text_server_names(const char *value, char expected[OPTION_EXPECTED_SIZE])
{
    char why[SERVER_NAMES_ERROR_SIZE];
    struct server_names *names = server_names_parse(value, why);

    if (!names) {
        snprintf(expected, OPTION_EXPECTED_SIZE, SERVER_NAMES_EXPECTED " (%s)", why);
        return false;
    }
    server_names_free(names);
    return true;
}

bool option_text_client_header(const char *value, char expected[OPTION_EXPECTED_SIZE])
{
    char why[CLIENT_HEADER_ERROR_SIZE];
    struct client_header header;

    if (client_header_parse(value, &header, why))
        return true;
    snprintf(expected, OPTION_EXPECTED_SIZE, CLIENT_HEADER_EXPECTED " (%s)", why);
    return false;
}

/* ---- The shared tier */

bool option_text_redis_urls(const char *value, char expected[OPTION_EXPECTED_SIZE])
{
    char why[REDIS_URL_ERROR_SIZE];

    if (!value[0] || redis_url_check_list(value, why))
        return true;
    snprintf(expected, OPTION_EXPECTED_SIZE, REDIS_URL_EXPECTED " (%s)", why);
    return false;
}

bool option_text_sensor(const char *value, char expected[OPTION_EXPECTED_SIZE])
{
    if (!value[0] || sensor_name_valid(span_of(value)))
        return true;
    snprintf(expected, OPTION_EXPECTED_SIZE, "a name of up to %d letters, digits, -, _ and .",
             SENSOR_NAME_MAX);
    return false;
}

bool option_text_prefix(const char *value, char expected[OPTION_EXPECTED_SIZE])
{
    size_t length = strlen(value);
    bool good = length <= PREFIX_LENGTH_MAX && value[strcspn(value, "\"'\\")] == '\0';

    for (size_t i = 0; i < length; i++)
        good = good && value[i] > ' ' && value[i] <= '~';
    if (!good)
        snprintf(expected, OPTION_EXPECTED_SIZE,
                 "up to %d printable ASCII characters without spaces, quotes and backslashes",
                 PREFIX_LENGTH_MAX);
    return good;
}
