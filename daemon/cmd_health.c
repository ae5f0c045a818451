/* SPDX-License-Identifier: MIT */
#include "cmd_health.h"

#include "net/listen_address.h"
#include "net/networks.h"
#include "net/peer.h"
#include "net/proxy_protocol.h"

#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define TIMEOUT_S 3 /* Docker allows 30 */
#define RESPONSE_MAX 4096

__attribute__((format(printf, 1, 2))) static int unhealthy(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fprintf(stderr, "p0f-lookupd: ");
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return EXIT_FAILURE;
}

/* Of one wait: the daemon answers at once, or not at all. */
static int health_socket(int family)
{
    const struct timeval timeout = {.tv_sec = TIMEOUT_S};
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    }
    return fd;
}

/* Closes the descriptor, with errno kept, if it cannot connect; -1 then. */
static int health_connect(int fd, const struct sockaddr *to, socklen_t length)
{
    if (fd < 0 || connect(fd, to, length) == 0)
        return fd;
    int cause = errno == EAGAIN || errno == EINPROGRESS ? ETIMEDOUT : errno;
    close(fd);
    errno = cause;
    return -1;
}

static int connect_path(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};

    strcpy(name.sun_path, path); /* listen_address_parse() has seen to the length */
    return health_connect(health_socket(AF_UNIX), (const struct sockaddr *)&name, sizeof name);
}

/* "Any address" as a destination is this host. If the host cannot be resolved, *reason says why; after
 * other failures, errno. */
static int connect_host(const struct listen_address *address, const char **reason)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    int fd = -1;

    int code = getaddrinfo(address->host, address->port, &hints, &found);
    if (code != 0) {
        *reason = gai_strerror(code);
        return -1;
    }
    for (struct addrinfo *each = found; each && fd < 0; each = each->ai_next)
        fd = health_connect(health_socket(each->ai_family), each->ai_addr, each->ai_addrlen);
    int cause = errno;
    freeaddrinfo(found);
    errno = cause;
    return fd;
}

/* Whether the daemon takes us for a proxy, and so expects a PROXY header. */
static bool needs_proxy_header(const struct config *config, int fd)
{
    struct sockaddr_storage name = {.ss_family = AF_UNSPEC};
    socklen_t length = sizeof name;
    char error[NETWORKS_ERROR_SIZE];
    struct p0f_addr addr;

    if (!config->http.proxy_protocol)
        return false;
    getsockname(fd, (struct sockaddr *)&name, &length);
    if (!peer_addr((const struct sockaddr *)&name, &addr))
        return true;
    struct networks *trusted = networks_parse(config->http.trusted_proxies, error);
    bool needed = trusted && networks_contain(trusted, &addr);
    networks_free(trusted);
    return needed;
}

/* Reads up to the end, or as much as there is room for; then a NUL. False with errno. */
static bool exchange(int fd, const char *path, bool proxy_header, char response[RESPONSE_MAX])
{
    char request[128];
    size_t length = 0;
    ssize_t got;
    int size = snprintf(request, sizeof request,
                        "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);

    if (proxy_header && send(fd, proxy_header_local, sizeof proxy_header_local,
                             MSG_NOSIGNAL | MSG_MORE) != sizeof proxy_header_local)
        return false;
    if (send(fd, request, (size_t)size, MSG_NOSIGNAL) != size)
        return false;
    while ((got = recv(fd, response + length, RESPONSE_MAX - 1 - length, 0)) > 0)
        length += (size_t)got;
    response[length] = '\0';
    return got == 0;
}

static int judge_response(char *response)
{
    char *body = strstr(response, "\r\n\r\n");
    char *line_end = strstr(response, "\r\n");

    if (strncmp(response, "HTTP/1.1 ", 9) != 0 || !body)
        return unhealthy("health: not an HTTP response");
    *line_end = '\0';
    body += strlen("\r\n\r\n");
    if (strncmp(response + 9, "200", 3) != 0)
        return unhealthy("health: %s: %.*s", response + 9, (int)strcspn(body, "\n"), body);
    printf("%s", body);
    return EXIT_SUCCESS;
}

int cmd_health(const struct config *config, bool ready)
{
    struct span rest = span_of(config->http.listen), item;
    struct listen_address address;
    char error[LISTEN_ADDRESS_ERROR_SIZE], response[RESPONSE_MAX];
    const char *reason = NULL;

    if (!span_next_item(&rest, &item) || !listen_address_parse(item, &address, error))
        return unhealthy("http.listen: %s", error);
    if (!address.is_unix && strtoul(address.port, NULL, 10) == 0)
        return unhealthy("health: the port in http.listen is 0, so it cannot be known");
    int fd = address.is_unix ? connect_path(address.host) : connect_host(&address, &reason);
    if (fd < 0)
        return unhealthy("health: cannot connect to %.*s: %s", (int)item.length, item.at,
                         reason ? reason : strerror(errno));
    bool answered =
        exchange(fd, ready ? "/readyz" : "/livez", needs_proxy_header(config, fd), response);
    int cause = errno == EAGAIN ? ETIMEDOUT : errno;
    close(fd);
    return answered ? judge_response(response)
                    : unhealthy("health: %.*s does not answer: %s", (int)item.length, item.at,
                                strerror(cause));
}
