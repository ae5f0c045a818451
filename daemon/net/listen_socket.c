/* SPDX-License-Identifier: MIT */
#include "net/listen_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 4096

/* In a TCP header. */
#define TCP_FLAGS_OFFSET 13
#define TCP_SYN 0x02
#define TCP_ACK 0x10

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

/* The new node gets the socket's mode, less the umask. A chmod() afterwards could hit whatever is at that
 * path by then. The umask is the process's, but no other thread creates files yet. */
static bool bind_unix(int fd, const struct sockaddr *name, socklen_t length, mode_t mode)
{
    const struct sockaddr_un *local = (const struct sockaddr_un *)name;

    if (!remove_dead_socket(local))
        return false;
    mode_t kept = umask(0);
    bool bound = fchmod(fd, mode) == 0 && bind(fd, name, length) == 0;
    umask(kept); /* leaves errno alone */
    return bound;
}

/* The group can only be set afterwards, when the node exists. Until listen() nobody can connect, so the
 * group that it has till then gains nothing. Through a descriptor and for sockets only: whatever else
 * is at that path by now, even a link, is left alone. */
static bool give_to_group(const struct sockaddr_un *name, gid_t group)
{
    struct stat there;
    int fd = open(name->sun_path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return false;
    bool given = fstat(fd, &there) == 0;
    if (given && !S_ISSOCK(there.st_mode)) {
        errno = EEXIST;
        given = false;
    }
    given = given && fchownat(fd, "", (uid_t)-1, group, AT_EMPTY_PATH) == 0;
    int problem = errno;
    close(fd);
    errno = problem;
    return given;
}

static bool bind_inet(int fd, const struct sockaddr *name, socklen_t length)
{
    const int yes = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (name->sa_family == AF_INET6) /* [::] and 0.0.0.0 can then both be listened on */
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
    return bind(fd, name, length) == 0;
}

int listen_socket_open(const struct sockaddr *name, socklen_t length, struct socket_access access)
{
    const struct sockaddr_un *path = (const struct sockaddr_un *)(const void *)name;
    bool local = name->sa_family == AF_UNIX;
    int fd = socket(name->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    bool bound = local ? bind_unix(fd, name, length, access.mode) : bind_inet(fd, name, length);
    bool given = !local || access.group == SOCKET_GROUP_UNSET;
    if (bound && (given || give_to_group(path, access.group)) && listen(fd, BACKLOG) == 0)
        return fd;
    int problem = errno;
    if (bound && local)
        unlink(path->sun_path);
    close(fd);
    errno = problem;
    return -1;
}

/* Drops what begins a connection. A socket that is merely closed resets those whose handshake ends meanwhile,
 * with the request that they have sent. */
static void drop_syn(int fd)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, TCP_FLAGS_OFFSET),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, TCP_SYN | TCP_ACK),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TCP_SYN, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    const struct sock_fprog filter = {.len = sizeof code / sizeof code[0], .filter = code};

    /* Without it, some may be reset. */
    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}

void listen_socket_seal(int fd)
{
    struct sockaddr_storage name = {0};
    socklen_t length = sizeof name;

    if (getsockname(fd, (struct sockaddr *)&name, &length) != 0)
        return;
    if (name.ss_family == AF_UNIX)
        shutdown(fd, SHUT_RD);
    else
        drop_syn(fd);
}

bool listen_socket_explain(const struct sockaddr *name, int problem, char *out, size_t size)
{
    static const struct {
        int problem;
        bool local;   /* a unix socket */
        bool lasting; /* until somebody does something */
        const char *advice;
    } known[] = {
        {EADDRINUSE, false, false, "another program listens there; ss -ltnp shows which"},
        {EADDRNOTAVAIL, false, false, "this machine does not have the address (yet)"},
        {EACCES, false, true, "ports below 1024 need CAP_NET_BIND_SERVICE"},
        {EAFNOSUPPORT, false, false, "is IPv6 disabled?"},
        {EADDRINUSE, true, false, "another process listens on it"},
        {EACCES, true, false, "the daemon needs write permission in its directory"},
        {ENOENT, true, false, "its directory does not exist (yet)"},
        {EEXIST, true, false, "it is not a socket; remove it, or choose another path"},
        {EISDIR, true, false, "remove it, or choose a path in it"},
        {EPERM, true, true,
         "the daemon's user must be a member of the socket's group (in its unit: "
         "SupplementaryGroups=)"},
        {EINVAL, true, true,
         "the daemon cannot see the socket's group (in its unit: SupplementaryGroups= and "
         "PrivateUsers=no)"},
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i].problem == problem && known[i].local == (name->sa_family == AF_UNIX)) {
            snprintf(out, size, "%s: %s", strerror(problem), known[i].advice);
            return known[i].lasting;
        }
    }
    snprintf(out, size, "%s", strerror(problem));
    return false;
}
