/* SPDX-License-Identifier: MIT */
#include "net/listen_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 4096

/* A socket that nobody listens on was left behind by a process that was killed. */
static bool remove_dead_socket(const struct sockaddr_un *name)
{
    struct stat there;
    int fd;

    if (lstat(name->sun_path, &there) != 0)
        return errno == ENOENT;
    errno = S_ISDIR(there.st_mode) ? EISDIR : EEXIST;
    if (!S_ISSOCK(there.st_mode))
        return false;
    errno = EADDRINUSE;
    /* Non-blocking: whoever listens may be slow to accept. */
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    int answer = connect(fd, (const struct sockaddr *)name, sizeof *name);
    bool dead = answer != 0 && errno == ECONNREFUSED;
    close(fd);
    errno = EADDRINUSE;
    return dead && unlink(name->sun_path) == 0;
}

/* Binds with mode 0666, as p0f does: the directory decides who may connect. The new node gets the
 * socket's mode, less the umask. A chmod() afterwards could hit whatever is at that path by then. The
 * umask is the process's, but no other thread creates files yet. */
static bool bind_unix(int fd, const struct sockaddr *name, socklen_t length)
{
    const struct sockaddr_un *local = (const struct sockaddr_un *)name;

    if (!remove_dead_socket(local))
        return false;
    mode_t kept = umask(0);
    bool bound = fchmod(fd, 0666) == 0 && bind(fd, name, length) == 0;
    umask(kept); /* leaves errno alone */
    return bound;
}

static bool bind_inet(int fd, const struct sockaddr *name, socklen_t length)
{
    const int yes = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (name->sa_family == AF_INET6) /* [::] and 0.0.0.0 can then both be listened on */
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
    return bind(fd, name, length) == 0;
}

int listen_socket_open(const struct sockaddr *name, socklen_t length)
{
    bool local = name->sa_family == AF_UNIX;
    int fd = socket(name->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    bool bound = local ? bind_unix(fd, name, length) : bind_inet(fd, name, length);
    if (bound && listen(fd, BACKLOG) == 0)
        return fd;
    int problem = errno;
    if (bound && local)
        unlink(((const struct sockaddr_un *)(const void *)name)->sun_path);
    close(fd);
    errno = problem;
    return -1;
}

void listen_socket_explain(const struct sockaddr *name, int problem, char *out, size_t size)
{
    static const struct {
        int problem;
        bool local; /* a unix socket */
        const char *advice;
    } known[] = {
        {EADDRINUSE, false, "another program listens there; ss -ltnp shows which"},
        {EADDRNOTAVAIL, false, "this machine does not have the address (yet)"},
        {EACCES, false, "ports below 1024 need CAP_NET_BIND_SERVICE"},
        {EAFNOSUPPORT, false, "is IPv6 disabled?"},
        {EADDRINUSE, true, "another process listens on it"},
        {EACCES, true, "the daemon needs write permission in its directory"},
        {ENOENT, true, "its directory does not exist (yet)"},
        {EEXIST, true, "it is not a socket; remove it, or choose another path"},
        {EISDIR, true, "remove it, or choose a path in it"},
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i].problem == problem && known[i].local == (name->sa_family == AF_UNIX)) {
            snprintf(out, size, "%s: %s", strerror(problem), known[i].advice);
            return;
        }
    }
    snprintf(out, size, "%s", strerror(problem));
}
