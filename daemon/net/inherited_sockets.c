/* SPDX-License-Identifier: MIT */
#include "net/inherited_sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define TEXT_SIZE (NI_MAXHOST + NI_MAXSERV + 4)

static const struct {
    const char *name; /* FileDescriptorName= */
    const char *setting;
} kinds[INHERITED_SOCKETS_KINDS] = {
    {"http", "http.listen"},
    {"tls", "http.tls_listen"},
    {"relay", "relay.listen"},
};

__attribute__((format(printf, 2, 3))) static bool
refuse_inherited(char error[INHERITED_SOCKETS_ERROR_SIZE], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(error, INHERITED_SOCKETS_ERROR_SIZE, format, args);
    va_end(args);
    errno = EINVAL;
    return false;
}

/* ---- One socket */

static int option_of(int fd, int option)
{
    int value = -1;
    socklen_t length = sizeof value;

    return getsockopt(fd, SOL_SOCKET, option, &value, &length) == 0 ? value : -1;
}

/* As in the settings. What is wrong with it, or NULL. */
static const char *write_unix(const struct sockaddr_un *name, socklen_t length,
                              char text[TEXT_SIZE])
{
    size_t size = length - offsetof(struct sockaddr_un, sun_path);

    if (size < 2 || name->sun_path[0] != '/')
        return "has no path (ListenStream= with a path is needed)";
    snprintf(text, TEXT_SIZE, "unix:%.*s", (int)size, name->sun_path);
    if (strpbrk(text, ",;# \t"))
        return "has a path with a comma, a space or the like; choose another";
    return NULL;
}

static const char *write_name(int fd, char text[TEXT_SIZE])
{
    char host[NI_MAXHOST], port[NI_MAXSERV];
    struct sockaddr_storage name = {0};
    socklen_t length = sizeof name;

    if (getsockname(fd, (struct sockaddr *)&name, &length) != 0)
        return "is not a socket";
    if (option_of(fd, SO_TYPE) != SOCK_STREAM)
        return "is not a stream socket (ListenStream= is needed)";
    if (option_of(fd, SO_ACCEPTCONN) != 1)
        return "does not listen (Accept=no is needed)";
    if (name.ss_family == AF_UNIX)
        return write_unix((const struct sockaddr_un *)&name, length, text);
    if ((name.ss_family != AF_INET && name.ss_family != AF_INET6) ||
        getnameinfo((const struct sockaddr *)&name, length, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return "is neither of TCP nor a unix socket";
    snprintf(text, TEXT_SIZE, name.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
    return NULL;
}

/* ---- All of them */

static char **setting_of(struct inherited_sockets *sockets, const char *setting)
{
    size_t length = strlen(setting);

    for (size_t i = 0; i < sockets->setting_count; i++)
        if (strncmp(sockets->settings[i], setting, length) == 0 &&
            sockets->settings[i][length] == '=')
            return &sockets->settings[i];
    return &sockets->settings[sockets->setting_count];
}

/* Adds an address to its setting. */
static bool append_address(struct inherited_sockets *sockets, const char *setting, const char *text)
{
    char **at = setting_of(sockets, setting), *longer;

    if (asprintf(&longer, *at ? "%s, %s" : "%s=%s", *at ? *at : setting, text) < 0)
        return false;
    if (!*at)
        sockets->setting_count++;
    free(*at);
    *at = longer;
    return true;
}

/* Sockets without names are called "unknown", see sd_listen_fds_with_names(3). */
static const char *find_setting(const char *name)
{
    if (strcmp(name, "unknown") == 0)
        return kinds[0].setting;
    for (size_t i = 0; i < INHERITED_SOCKETS_KINDS; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return kinds[i].setting;
    return NULL;
}

/* Nobody else accepts from it, and the loop must not wait for a client that has gone. */
static bool make_ready(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
           fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

static bool read_one(struct inherited_sockets *sockets, int fd, const char *name,
                     char error[INHERITED_SOCKETS_ERROR_SIZE])
{
    const char *setting = find_setting(name), *problem;
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    char text[TEXT_SIZE];

    if (!setting)
        return refuse_inherited(error,
                                "socket %d of the service manager is named '%.60s'; its unit needs "
                                "FileDescriptorName=http, tls or relay",
                                fd, name);
    problem = write_name(fd, text);
    if (problem)
        return refuse_inherited(error, "socket %d of the service manager, for %s, %s", fd, setting,
                                problem);
    if (getsockname(fd, (struct sockaddr *)&address, &length) != 0 ||
        inherited_sockets_find(sockets, (const struct sockaddr *)&address) >= 0)
        return refuse_inherited(error, "the service manager has passed %.120s twice", text);
    if (!make_ready(fd))
        return refuse_inherited(error, "socket %d of the service manager: %s", fd, strerror(errno));
    sockets->fds[sockets->count++] = fd;
    return append_address(sockets, setting, text);
}

bool inherited_sockets_read(struct inherited_sockets *sockets, int first, size_t count,
                            char *const *names, char error[INHERITED_SOCKETS_ERROR_SIZE])
{
    *sockets = (struct inherited_sockets){0};
    if (count == 0)
        return true;
    snprintf(error, INHERITED_SOCKETS_ERROR_SIZE, "out of memory");
    sockets->fds = calloc(count, sizeof *sockets->fds);
    bool good = sockets->fds;
    for (size_t i = 0; good && i < count; i++)
        good = read_one(sockets, first + (int)i, names ? names[i] : "unknown", error);
    if (good)
        return true;
    int cause = errno;
    inherited_sockets_free(sockets);
    errno = cause;
    return false;
}

static bool is_same_name(const struct sockaddr *a, const struct sockaddr *b)
{
    const struct sockaddr_in *a4 = (const void *)a, *b4 = (const void *)b;
    const struct sockaddr_in6 *a6 = (const void *)a, *b6 = (const void *)b;

    if (a->sa_family != b->sa_family)
        return false;
    switch (a->sa_family) {
    case AF_INET:
        return a4->sin_port == b4->sin_port && a4->sin_addr.s_addr == b4->sin_addr.s_addr;
    case AF_INET6:
        return a6->sin6_port == b6->sin6_port && a6->sin6_scope_id == b6->sin6_scope_id &&
               IN6_ARE_ADDR_EQUAL(&a6->sin6_addr, &b6->sin6_addr);
    default:
        return strncmp(((const struct sockaddr_un *)a)->sun_path,
                       ((const struct sockaddr_un *)b)->sun_path,
                       sizeof((struct sockaddr_un *)0)->sun_path) == 0;
    }
}

int inherited_sockets_find(const struct inherited_sockets *sockets, const struct sockaddr *name)
{
    for (size_t i = 0; i < sockets->count; i++) {
        struct sockaddr_storage own = {0};
        socklen_t length = sizeof own;
        if (getsockname(sockets->fds[i], (struct sockaddr *)&own, &length) == 0 &&
            is_same_name((const struct sockaddr *)&own, name))
            return sockets->fds[i];
    }
    return -1;
}

void inherited_sockets_free(struct inherited_sockets *sockets)
{
    for (size_t i = 0; i < sockets->setting_count; i++)
        free(sockets->settings[i]);
    free(sockets->fds);
    *sockets = (struct inherited_sockets){0};
}
