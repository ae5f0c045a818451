/* SPDX-License-Identifier: MIT */
#include "config/config_listen.h"

#include "core/span.h"
#include "net/listen_address.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#define HTTP_MODE 0666 /* as p0f does: the directory decides who may connect */

#define PATH_SIZE sizeof(((struct sockaddr_un *)0)->sun_path)

/* Keeps errno. */
__attribute__((format(printf, 4, 5))) static bool refuse_setting(const struct config *config,
                                                                 const char *name,
                                                                 char error[CONFIG_ERROR_SIZE],
                                                                 const char *format, ...)
{
    char prefix[CONFIG_ORIGIN_SIZE];
    int problem = errno;
    int length =
        snprintf(error, CONFIG_ERROR_SIZE, "%s%s: ", config_prefix(config, name, prefix), name);
    va_list args;

    va_start(args, format);
    vsnprintf(error + length, CONFIG_ERROR_SIZE - (size_t)length, format, args);
    va_end(args);
    errno = problem;
    return false;
}

struct listeners_options config_listen_http(const struct config *config)
{
    return (struct listeners_options){
        .addresses = config->http.listen,
        .setting = "http.listen",
        .server = "",
        .beyond_loopback = config->http.allow_unauthenticated,
        .access = {.mode = HTTP_MODE, .group = SOCKET_GROUP_UNSET},
    };
}

bool config_listen_relay(const struct config *config, struct listeners_options *options,
                         char error[CONFIG_ERROR_SIZE])
{
    char reason[SOCKET_ACCESS_ERROR_SIZE];

    *options = (struct listeners_options){
        .addresses = config->relay.listen,
        .setting = "relay.listen",
        .server = "relay: ",
        .access = {.mode = (mode_t)config->relay.socket_mode},
    };
    return socket_access_find_group(config->relay.socket_group, &options->access.group, reason) ||
           refuse_setting(config, "relay.socket_group", error, "%s", reason);
}

/* ---- Two sockets at one path */

/* Calls `visit` with each path of a unix socket in the list, until it returns false. */
static bool each_unix(const char *addresses, bool (*visit)(void *ctx, const char *path), void *ctx)
{
    struct span list = span_of(addresses), item;
    struct listen_address address;
    char error[LISTEN_ADDRESS_ERROR_SIZE];

    while (span_next_item(&list, &item))
        if (listen_address_parse(item, &address, error) && address.is_unix &&
            !visit(ctx, address.host))
            return false;
    return true;
}

/* The directory of an absolute path; returns the name in it. */
static const char *split_path(const char *path, char directory[PATH_SIZE])
{
    const char *name = strrchr(path, '/') + 1;

    snprintf(directory, PATH_SIZE, "%.*s", (int)(name - path), path);
    return name;
}

/* Whether both are the same, be it by another way to the directory, as /run and /var/run are. */
static bool is_same_path(const char *a, const char *b)
{
    char directory_a[PATH_SIZE], directory_b[PATH_SIZE];
    struct stat at_a, at_b;

    if (strcmp(a, b) == 0)
        return true;
    if (strcmp(split_path(a, directory_a), split_path(b, directory_b)) != 0)
        return false;
    return stat(directory_a, &at_a) == 0 && stat(directory_b, &at_b) == 0 &&
           at_a.st_dev == at_b.st_dev && at_a.st_ino == at_b.st_ino;
}

struct path_check {
    const struct config *config;
    const char *name; /* of the setting that is looked at */
    const char *path; /* that it is compared with */
    char *error;
};

static bool is_not_p0f(void *ctx, const char *path)
{
    const struct path_check *check = ctx;

    if (!is_same_path(path, check->config->p0f.socket))
        return true;
    return refuse_setting(check->config, check->name, check->error,
                          "unix:%s is p0f.socket, where p0f itself listens; choose another path",
                          path);
}

static bool is_not_relay(void *ctx, const char *path)
{
    const struct path_check *check = ctx;

    return !is_same_path(path, check->path);
}

static bool is_not_http(void *ctx, const char *path)
{
    const struct path_check *check = ctx;
    struct path_check against = {.path = path};

    if (each_unix(check->config->http.listen, is_not_relay, &against))
        return true;
    return refuse_setting(check->config, check->name, check->error,
                          "unix:%s is in http.listen, too; choose another path", path);
}

static bool check_paths(const struct config *config, char error[CONFIG_ERROR_SIZE])
{
    struct path_check http = {.config = config, .name = "http.listen", .error = error};
    struct path_check relay = {.config = config, .name = "relay.listen", .error = error};

    if (each_unix(config->http.listen, is_not_p0f, &http) &&
        each_unix(config->relay.listen, is_not_p0f, &relay) &&
        each_unix(config->relay.listen, is_not_http, &relay))
        return true;
    errno = EINVAL;
    return false;
}

/* ---- All of it */

static bool check_addresses(const struct config *config, const struct listeners_options *options,
                            bool resolve, char error[CONFIG_ERROR_SIZE])
{
    char reason[LISTENERS_ERROR_SIZE];

    if (!resolve)
        return listeners_check(options, reason) ||
               refuse_setting(config, options->setting, error, "%s", reason);
    struct listeners *listeners = listeners_parse(options, reason);
    if (!listeners)
        return refuse_setting(config, options->setting, error, "%s", reason);
    listeners_free(listeners);
    return true;
}

bool config_listen_check(const struct config *config, bool resolve, char error[CONFIG_ERROR_SIZE])
{
    const struct listeners_options http = config_listen_http(config);
    struct listeners_options relay;

    return check_addresses(config, &http, resolve, error) && check_paths(config, error) &&
           config_listen_relay(config, &relay, error);
}
