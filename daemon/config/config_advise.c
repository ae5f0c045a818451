/* SPDX-License-Identifier: MIT */
#include "config/config_private.h"
#include "config/config_share.h"
#include "core/span.h"
#include "net/redis_url.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define P0F_CLIENTS 20           /* of p0f -S, by default */
#define SOCKET_MODE_DEFAULT 0666 /* the default of http.socket_mode and relay.socket_mode */

typedef void advise_fn(const char *text);

static bool has_unix_socket(const char *addresses)
{
    struct span rest = span_of(addresses), item;

    while (span_next_item(&rest, &item))
        if (span_skip(&item, "unix:"))
            return true;
    return false;
}

static bool is_inherited(const struct config *config, const char *section, const char *key)
{
    return config_origin_of(config, section, key).source == CONFIG_INHERITED;
}

/* Says which of a section's settings about unix sockets have no effect. */
static void advise_on_access(const struct config *config, const char *section, const char *listen,
                             const char *group, uint32_t mode, advise_fn *advise)
{
    bool used = has_unix_socket(listen), set = group[0] || mode != SOCKET_MODE_DEFAULT;
    const char *key = group[0] ? "socket_group" : "socket_mode";
    char text[160];

    if (set && is_inherited(config, section, "listen")) {
        snprintf(text, sizeof text,
                 "%s.%s changes nothing: the socket is that of a socket unit, which has "
                 "SocketMode= and SocketGroup=",
                 section, key);
        advise(text);
    } else if (set && !used) {
        snprintf(text, sizeof text, "%s.%s changes nothing: there is no unix socket in %s.listen",
                 section, key, section);
        advise(text);
    } else if (group[0] && mode & S_IWOTH) {
        snprintf(text, sizeof text,
                 "%s.socket_group changes nothing: with %s.socket_mode = %04o, every user can "
                 "connect; to admit only the group, set 0660",
                 section, section, mode);
        advise(text);
    }
}

/* ---- The shared tier */

/* 127.0.0.0/8, ::1 and localhost. */
static bool is_loopback(const char *host)
{
    struct in_addr v4;

    return strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
           (inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127);
}

/* Finds the first server whose password crosses the network in clear. *any: a server has a password. */
static bool find_exposed(const char *list, bool *any, char server[REDIS_URL_SERVER_SIZE])
{
    struct span rest = span_of(list), item;
    char error[REDIS_URL_ERROR_SIZE];
    struct redis_url url;

    *any = false;
    while (span_next_item(&rest, &item)) {
        if (!redis_url_parse(item, &url, error) || !url.password[0])
            continue;
        *any = true;
        if (url.is_unix || url.tls || is_loopback(url.host))
            continue;
        redis_url_server(&url, server);
        return true;
    }
    return false;
}

static void advise_on_password(const struct config *config, advise_fn *advise)
{
    const struct config_origin origin = config_origin_of(config, "share", "server");
    char server[REDIS_URL_SERVER_SIZE], text[CONFIG_ERROR_SIZE];
    struct stat at;
    bool any;

    if (find_exposed(config->share.server, &any, server)) {
        snprintf(text, sizeof text,
                 "share.server: the password for %s crosses the network in clear; use rediss:// "
                 "if others can listen there",
                 server);
        advise(text);
    }
    if (any && origin.source == CONFIG_COMMAND_LINE)
        advise(
            "share.server: every user can see the password in the list of processes; set it in the "
            "file or the environment");
    if (any && origin.source == CONFIG_FILE && stat(config->file, &at) == 0 &&
        at.st_mode & S_IROTH) {
        snprintf(text, sizeof text,
                 "share.server: every user can read the password in %.300s; run: chmod o-r %.300s",
                 config->file, config->file);
        advise(text);
    }
}

/* Machines that have been given no name have this one. */
static void advise_on_host_name(const struct config *config, advise_fn *advise)
{
    char name[SENSOR_NAME_MAX + 1], error[CONFIG_ERROR_SIZE];

    if (!config->share.server[0] || config->share.sensor[0] ||
        !config_share_machine(config, name, error))
        return;
    struct span rest = span_of(name);
    if (span_equals(span_split(&rest, '.'), "localhost"))
        advise("share.sensor is empty, and the host name, localhost, is not unique: set a name "
               "that no other daemon of the fleet has");
}

static void advise_on_share(const struct config *config, advise_fn *advise)
{
    static const char *const keys[] = {"sensor", "prefix", "ttl", "timeout", "write_interval"};
    const char *tag = strchr(config->share.prefix, '{');
    char text[192];

    for (size_t i = 0; !config->share.server[0] && i < sizeof keys / sizeof keys[0]; i++) {
        if (config_origin_of(config, "share", keys[i]).source == CONFIG_DEFAULT)
            continue;
        snprintf(text, sizeof text, "share.%s changes nothing: share.server is empty", keys[i]);
        advise(text);
    }
    if (config->share.server[0] && tag && strchr(tag + 1, '}') && tag[1] != '}') {
        snprintf(text, sizeof text,
                 "share.prefix = %s has a hash tag: in a cluster, all hosts would be on one node",
                 config->share.prefix);
        advise(text);
    }
    advise_on_host_name(config, advise);
    advise_on_password(config, advise);
}

void config_advise(const struct config *config, advise_fn *advise)
{
    char text[160];

    if (config->http.proxy_protocol && !config->http.trusted_proxies[0] &&
        !has_unix_socket(config->http.listen))
        advise("http.proxy_protocol = yes changes nothing: http.trusted_proxies is empty, and "
               "http.listen has no unix socket");
    if (config->http.token_file[0] && config->http.allow_unauthenticated)
        advise("http.allow_unauthenticated changes nothing: with http.token_file, requests need a "
               "token");
    if (!config->http.tls_listen[0] &&
        (config->http.tls_certificate[0] || config->http.tls_key[0])) {
        snprintf(text, sizeof text, "http.%s changes nothing: http.tls_listen is empty",
                 config->http.tls_certificate[0] ? "tls_certificate" : "tls_key");
        advise(text);
    }
    advise_on_access(config, "http", config->http.listen, config->http.socket_group,
                     config->http.socket_mode, advise);
    advise_on_access(config, "relay", config->relay.listen, config->relay.socket_group,
                     config->relay.socket_mode, advise);
    advise_on_share(config, advise);
    if (config->p0f.connections < P0F_CLIENTS)
        return;
    snprintf(text, sizeof text,
             "p0f.connections = %u: by default, p0f serves %d clients in all; start p0f with a "
             "higher -S (up to 100), or no other client is served",
             config->p0f.connections, P0F_CLIENTS);
    advise(text);
}
