/* SPDX-License-Identifier: MIT */
#include "cmd_health.h"

#include "cmd_health_connection.h"
#include "net/listen_address.h"
#include "net/networks.h"
#include "net/peer.h"
#include "net/proxy_protocol.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define TOKEN_VARIABLE "P0F_LOOKUPD_TOKEN"
#define TIMEOUT_MS 3000 /* Docker allows 30 s */
#define RESPONSE_SIZE 4096
#define SHOWN_SIZE 300

/* What to ask, and where. */
struct health_target {
    struct listen_address address;
    char shown[SHOWN_SIZE]; /* as it was given */
    bool is_tls;
    const char *path;
    struct span host;     /* for the field Host */
    bool withholds_token; /* since anybody could have answered */
};

__attribute__((format(printf, 1, 2))) static int unhealthy(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fprintf(stderr, "p0f-lookupd: health: ");
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return EXIT_FAILURE;
}

static bool fail_target(const char *shown, const char *reason)
{
    unhealthy("%s: %s", shown, reason);
    return false;
}

/* ---- What is asked */

static bool target_address(struct health_target *target, struct span text)
{
    char error[LISTEN_ADDRESS_ERROR_SIZE];

    if (!listen_address_parse(text, &target->address, error))
        return fail_target(target->shown, error);
    if (!target->address.is_unix && strtoul(target->address.port, NULL, 10) == 0)
        return fail_target(target->shown, "a port of 0 is any; name the one that it got");
    return true;
}

/* What follows http:// or https://, with or without a port and a path. */
static bool target_url(struct health_target *target, struct span rest)
{
    size_t length = strcspn(rest.at, "/?#");
    const char *path = rest.at + length;
    char authority[sizeof target->address.host + sizeof ":65535"];

    target->host = (struct span){rest.at, length};
    if (path[0] && strcmp(path, "/") != 0)
        target->path = path;
    if (target->path[0] != '/' || target->path[strcspn(target->path, "# \r\n\t")])
        return fail_target(target->shown,
                           "not a URL whose path begins with / and has no blank and no #");
    const char *colon = length > 0 ? memrchr(rest.at, ':', length) : NULL;
    bool has_port = colon && rest.at[length - 1] != ']';
    if (length >= sizeof target->address.host)
        return fail_target(target->shown, "too long a host");
    const char *port = has_port ? "" : target->is_tls ? ":443" : ":80";
    snprintf(authority, sizeof authority, "%.*s%s", (int)length, rest.at, port);
    return target_address(target, span_of(authority));
}

static bool target_given(struct health_target *target, const char *where)
{
    struct span rest = span_of(where);
    char address[sizeof target->address.host + sizeof "unix:"];

    snprintf(target->shown, SHOWN_SIZE, "%s", where);
    target->is_tls = span_skip_nocase(&rest, "https://");
    if (target->is_tls || span_skip_nocase(&rest, "http://"))
        return target_url(target, rest);
    if (where[0] != '/' && strncmp(where, "unix:", 5) != 0)
        return fail_target(target->shown,
                           "expected http://host:port, https://host:port, unix:/path or /path");
    if (rest.length >= sizeof target->address.host)
        return fail_target(target->shown, "too long a path");
    snprintf(address, sizeof address, "%s%s", where[0] == '/' ? "unix:" : "", where);
    return target_address(target, span_of(address));
}

static bool target_configured(struct health_target *target, const struct config *config)
{
    /* Without settings there is an address, and this is not called. */
    // cppcheck-suppress ctunullpointer
    target->is_tls = !config->http.listen[0];
    struct span rest = span_of(target->is_tls ? config->http.tls_listen : config->http.listen),
                item;

    span_next_item(&rest, &item);
    snprintf(target->shown, SHOWN_SIZE, "%.*s (http.%s)", (int)item.length, item.at,
             target->is_tls ? "tls_listen" : "listen");
    return target_address(target, item);
}

/* ---- Asking */

/* Whether the daemon takes us for a proxy, and so expects a PROXY header. */
static bool needs_proxy_header(const struct config *config, int fd)
{
    struct sockaddr_storage name = {.ss_family = AF_UNSPEC};
    socklen_t length = sizeof name;
    char error[NETWORKS_ERROR_SIZE];
    struct p0f_addr addr;

    if (!config || !config->http.proxy_protocol)
        return false;
    getsockname(fd, (struct sockaddr *)&name, &length);
    if (!peer_addr((const struct sockaddr *)&name, &addr))
        return true;
    struct networks *trusted = networks_parse(config->http.trusted_proxies, error);
    bool needed = trusted && networks_contain(trusted, &addr);
    networks_free(trusted);
    return needed;
}

/* Whether the other end is on this host: at a loopback address, or at the address of our own end. */
static bool reaches_this_host(int fd)
{
    struct sockaddr_storage peer = {.ss_family = AF_UNSPEC}, own = {.ss_family = AF_UNSPEC};
    socklen_t peer_length = sizeof peer, own_length = sizeof own;
    struct p0f_addr there, here;
    char error[NETWORKS_ERROR_SIZE];

    getpeername(fd, (struct sockaddr *)&peer, &peer_length);
    getsockname(fd, (struct sockaddr *)&own, &own_length);
    if (!peer_addr((const struct sockaddr *)&peer, &there))
        return peer.ss_family == AF_UNIX;
    if (peer_addr((const struct sockaddr *)&own, &here) && memcmp(&there, &here, sizeof here) == 0)
        return true;
    struct networks *loopback = networks_parse("127.0.0.0/8, ::1", error);
    bool inside = loopback && networks_contain(loopback, &there);
    networks_free(loopback);
    return inside;
}

/* The token to send, or NULL. */
static const char *health_token(void)
{
    const char *token = getenv(TOKEN_VARIABLE);

    return token && token[0] && !token[strcspn(token, " \t\r\n")] ? token : NULL;
}

static bool request_health(struct health_connection *connection, const struct health_target *target,
                           bool proxy_header, char response[RESPONSE_SIZE])
{
    const char *token = target->withholds_token ? NULL : health_token();
    char request[1024];
    int size = snprintf(
        request, sizeof request, "GET %s HTTP/1.1\r\nHost: %.*s\r\nConnection: close\r\n%s%s%s\r\n",
        target->path, (int)target->host.length, target->host.at,
        token ? "Authorization: Bearer " : "", token ? token : "", token ? "\r\n" : "");

    if (size >= (int)sizeof request) {
        snprintf(connection->error, HEALTH_ERROR_SIZE, "too long a URL or " TOKEN_VARIABLE);
        return false;
    }
    return (!proxy_header ||
            health_connection_send(connection, proxy_header_local, sizeof proxy_header_local)) &&
           (!target->is_tls || health_connection_secure(connection)) &&
           health_connection_send(connection, request, (size_t)size) &&
           health_connection_receive(connection, response, RESPONSE_SIZE);
}

static int judge_response(const struct health_target *target, char *response)
{
    const char *shown = target->shown;
    char *body = strstr(response, "\r\n\r\n");
    char *line_end = strstr(response, "\r\n");

    if (strncmp(response, "HTTP/1.1 ", 9) != 0 || !body)
        return unhealthy("%s: not an HTTP response", shown);
    *line_end = '\0';
    body += strlen("\r\n\r\n");
    if (strncmp(response + 9, "401", 3) == 0 && target->withholds_token)
        return unhealthy("%s: %s; " TOKEN_VARIABLE
                         " is not sent to another host over TLS, since the "
                         "certificate is not verified; ask on the host itself",
                         shown, response + 9);
    if (strncmp(response + 9, "401", 3) == 0 || strncmp(response + 9, "403", 3) == 0)
        return unhealthy("%s: %s; set " TOKEN_VARIABLE
                         " to a token with the role metrics, or ask at a unix "
                         "socket",
                         shown, response + 9);
    if (strncmp(response + 9, "200", 3) != 0)
        return unhealthy("%s: %s: %.*s", shown, response + 9, (int)strcspn(body, "\n"), body);
    printf("%s", body);
    return EXIT_SUCCESS;
}

int cmd_health(const struct config *config, const char *where, bool ready)
{
    struct health_target target = {.path = ready ? "/readyz" : "/livez",
                                   .host = span_of("localhost")};
    struct health_connection connection;
    char response[RESPONSE_SIZE];

    if (where ? !target_given(&target, where) : !target_configured(&target, config))
        return EXIT_FAILURE;
    if (!health_connection_open(&connection, &target.address,
                                mono_add_ms(clock_mono(), TIMEOUT_MS)))
        return unhealthy("cannot connect to %s: %s", target.shown, connection.error);
    target.withholds_token = target.is_tls && health_token() && !reaches_this_host(connection.fd);
    bool answered =
        request_health(&connection, &target, needs_proxy_header(config, connection.fd), response);
    health_connection_close(&connection);
    return answered ? judge_response(&target, response)
                    : unhealthy("%s does not answer: %s", target.shown, connection.error);
}
