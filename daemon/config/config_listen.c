/* SPDX-License-Identifier: MIT */
#include "config/config_listen.h"

#include "config/config_private.h"
#include "config/same_path.h"
#include "core/span.h"
#include "net/listen_address.h"
#include "net/sensor_sockets.h"

#include <errno.h>
#include <string.h>

/* Without the group, which can take long to look up. */
static struct listeners_options http_options(const struct config *config)
{
    return (struct listeners_options){
        .addresses = config->http.listen,
        .setting = "http.listen",
        .server = "",
        .beyond_loopback = config->http.token_file[0] || config->http.allow_unauthenticated,
        .access = {.mode = (mode_t)config->http.socket_mode},
    };
}

/* `name` is that of the setting `group`. */
static bool set_socket_group(const struct config *config, const char *name, const char *group,
                             struct listeners_options *options, char error[CONFIG_ERROR_SIZE])
{
    char reason[SOCKET_ACCESS_ERROR_SIZE];

    return socket_access_find_group(group, &options->access.group, reason) ||
           config_refuse(config, name, error, "%s", reason);
}

bool config_listen_http(const struct config *config, struct listeners_options *options,
                        char error[CONFIG_ERROR_SIZE])
{
    *options = http_options(config);
    return set_socket_group(config, "http.socket_group", config->http.socket_group, options, error);
}

struct listeners_options config_listen_tls(const struct config *config)
{
    return (struct listeners_options){
        .addresses = config->http.tls_listen,
        .setting = "http.tls_listen",
        .server = "TLS: ",
        .beyond_loopback = config->http.token_file[0] || config->http.allow_unauthenticated,
    };
}

bool config_listen_relay(const struct config *config, struct listeners_options *options,
                         char error[CONFIG_ERROR_SIZE])
{
    *options = (struct listeners_options){
        .addresses = config->relay.listen,
        .setting = "relay.listen",
        .server = "relay: ",
        .access = {.mode = (mode_t)config->relay.socket_mode},
    };
    return set_socket_group(config, "relay.socket_group", config->relay.socket_group, options,
                            error);
}

/* ---- Two sockets at one path */

/* Takes the next unix socket off a list of addresses. */
static bool next_unix(struct span *list, struct listen_address *address)
{
    char error[LISTEN_ADDRESS_ERROR_SIZE];
    struct span item;

    while (span_next_item(list, &item))
        if (listen_address_parse(item, address, error) && address->is_unix)
            return true;
    return false;
}

static bool lists_path(const char *addresses, const char *path)
{
    struct span list = span_of(addresses);
    struct listen_address address;

    while (next_unix(&list, &address))
        if (same_path(address.host, path))
            return true;
    return false;
}

/* Whether the list has this path in another spelling, which is then `found`. What is spelled the same is
 * opened once. */
static bool respells_path(struct span list, const char *path, struct listen_address *found)
{
    while (next_unix(&list, found))
        if (strcmp(found->host, path) != 0 && same_path(found->host, path))
            return true;
    return false;
}

static bool is_sensor(const struct config *config, const char *path)
{
    struct sensor_sockets sockets;
    char error[SENSOR_SOCKETS_ERROR_SIZE];

    if (!sensor_sockets_parse(config->p0f.socket, &sockets, error))
        return false;
    for (unsigned i = 0; i < sockets.count; i++)
        if (same_path(path, sockets.list[i].path))
            return true;
    return false;
}

/* Of one setting; `others` are addresses of http.listen that it must not repeat. */
static bool check_paths(const struct config *config, const char *name, const char *addresses,
                        const char *others, char error[CONFIG_ERROR_SIZE])
{
    struct span list = span_of(addresses);
    struct listen_address address, again;

    while (next_unix(&list, &address)) {
        const char *clash = is_sensor(config, address.host)
                                ? "is p0f.socket, where p0f itself listens"
                            : lists_path(others, address.host) ? "is in http.listen, too"
                                                               : NULL;
        if (clash) {
            errno = EINVAL;
            return config_refuse(config, name, error, "unix:%s %s; choose another path",
                                 address.host, clash);
        }
        if (respells_path(list, address.host, &again)) {
            errno = EINVAL;
            return config_refuse(config, name, error,
                                 "unix:%s and unix:%s are the same path; remove one of them",
                                 address.host, again.host);
        }
    }
    return true;
}

/* ---- TLS */

static bool lists_address(const char *addresses, const struct listen_address *address)
{
    char error[LISTEN_ADDRESS_ERROR_SIZE];
    struct span list = span_of(addresses), item;
    struct listen_address other;

    while (span_next_item(&list, &item))
        if (listen_address_parse(item, &other, error) && !other.is_unix &&
            strcmp(other.port, "0") != 0 && strcmp(other.host, address->host) == 0 &&
            strcmp(other.port, address->port) == 0)
            return true;
    return false;
}

/* That there are addresses at all, none in both settings, and a certificate if it is needed. */
static bool check_tls(const struct config *config, char error[CONFIG_ERROR_SIZE])
{
    struct span list = span_of(config->http.tls_listen), item;
    char reason[LISTEN_ADDRESS_ERROR_SIZE];
    struct listen_address address;

    errno = EINVAL;
    if (!config->http.tls_listen[0])
        return config->http.listen[0] ||
               config_refuse(config, "http.listen", error,
                             "empty, as is http.tls_listen: set an address in one of them");
    while (span_next_item(&list, &item))
        if (listen_address_parse(item, &address, reason) &&
            lists_address(config->http.listen, &address))
            return config_refuse(config, "http.tls_listen", error,
                                 "%.*s is in http.listen, too; choose another port",
                                 (int)item.length, item.at);
    if (config->http.tls_certificate[0] && config->http.tls_key[0])
        return true;
    return config_refuse(
        config, "http.tls_listen", error, "http.%s is empty; set it to the PEM file of the %s",
        config->http.tls_certificate[0] ? "tls_key" : "tls_certificate",
        config->http.tls_certificate[0] ? "private key" : "certificate and its chain");
}

/* ---- All of it */

static bool check_addresses(const struct config *config, const struct listeners_options *options,
                            bool resolve, char error[CONFIG_ERROR_SIZE])
{
    char reason[LISTENERS_ERROR_SIZE];

    if (!options->addresses[0])
        return true;
    if (!resolve)
        return listeners_check(options, reason) ||
               config_refuse(config, options->setting, error, "%s", reason);
    struct listeners *listeners = listeners_parse(options, reason);
    if (!listeners)
        return config_refuse(config, options->setting, error, "%s", reason);
    listeners_free(listeners);
    return true;
}

bool config_listen_check(const struct config *config, bool resolve, char error[CONFIG_ERROR_SIZE])
{
    struct listeners_options http = http_options(config), relay;
    const struct listeners_options tls = config_listen_tls(config);

    return check_tls(config, error) && check_addresses(config, &http, resolve, error) &&
           check_addresses(config, &tls, resolve, error) &&
           check_paths(config, "http.listen", config->http.listen, "", error) &&
           check_paths(config, "relay.listen", config->relay.listen, config->http.listen, error) &&
           (!resolve || (config_listen_http(config, &http, error) &&
                         config_listen_relay(config, &relay, error)));
}
