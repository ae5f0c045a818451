/* SPDX-License-Identifier: MIT */
#include "net/listen_socket.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static struct sockaddr_un local = {.sun_family = AF_UNIX};
static struct sockaddr_in inet = {.sin_family = AF_INET};

static void expect_explained(const void *name, int problem, const char *expected)
{
    char text[128];

    listen_socket_explain(name, problem, text, sizeof text);
    cr_assert_str_eq(text, expected, "%s", text);
}

static int open_local(void)
{
    const struct socket_access access = {.mode = 0666, .group = SOCKET_GROUP_UNSET};

    return listen_socket_open((const struct sockaddr *)&local, sizeof local, access);
}

static void expect_failure(int problem)
{
    cr_assert_eq(open_local(), -1);
    cr_assert_eq(errno, problem, "%s", strerror(errno));
}

Test(listen_socket, says_what_to_do)
{
    expect_explained(&inet, EADDRINUSE,
                     "Address already in use: another program listens there; ss -ltnp shows which");
    expect_explained(&inet, EACCES,
                     "Permission denied: ports below 1024 need CAP_NET_BIND_SERVICE");
    expect_explained(&local, EACCES,
                     "Permission denied: the daemon needs write permission in its directory");
    expect_explained(&local, ENOENT,
                     "No such file or directory: its directory does not exist (yet)");
    expect_explained(&local, EADDRINUSE, "Address already in use: another process listens on it");
    expect_explained(&local, EPERM,
                     "Operation not permitted: the daemon's user must be a member of the socket's "
                     "group (in its unit: SupplementaryGroups=)");
    expect_explained(&local, EINVAL,
                     "Invalid argument: the daemon cannot see the socket's group (in its unit: "
                     "SupplementaryGroups= and PrivateUsers=no)");
    expect_explained(&inet, EINVAL, "Invalid argument");
    expect_explained(&inet, ENOENT, "No such file or directory");
}

Test(listen_socket, what_is_at_the_path)
{
    char dir[] = "/tmp/listen-XXXXXX";
    struct stat there;

    cr_assert_not_null(mkdtemp(dir));
    snprintf(local.sun_path, sizeof local.sun_path, "%s/none/x", dir);
    expect_failure(ENOENT);
    strcpy(local.sun_path, dir);
    expect_failure(EISDIR);
    snprintf(local.sun_path, sizeof local.sun_path, "%s/x", dir);
    FILE *file = fopen(local.sun_path, "w");
    fclose(file);
    expect_failure(EEXIST);
    unlink(local.sun_path);
    int fd = open_local();
    cr_assert_geq(fd, 0);
    expect_failure(EADDRINUSE);
    cr_assert_eq(lstat(local.sun_path, &there), 0);
    cr_assert(S_ISSOCK(there.st_mode));
    close(fd);
    unlink(local.sun_path);
    rmdir(dir);
}

static int connect_to(const void *name, socklen_t length)
{
    int fd = socket(((const struct sockaddr *)name)->sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);

    cr_assert_geq(fd, 0);
    errno = 0;
    (void)!connect(fd, name, length);
    return fd;
}

static void expect_accepted(int fd)
{
    int accepted = accept(fd, NULL, NULL);

    cr_assert_geq(accepted, 0, "%s", strerror(errno));
    close(accepted);
    cr_assert_eq(accept(fd, NULL, NULL), -1);
    cr_assert_eq(errno, EAGAIN);
}

static int state_of(int fd)
{
    struct tcp_info info;
    socklen_t length = sizeof info;

    cr_assert_eq(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length), 0);
    return info.tcpi_state;
}

/* On loopback, connect() does the whole handshake. */
static void expect_tcp_sealed(struct sockaddr *name, socklen_t length)
{
    const struct socket_access access = {0};
    int fd = listen_socket_open(name, length, access);

    cr_assert_geq(fd, 0, "%s", strerror(errno));
    cr_assert_eq(getsockname(fd, name, &length), 0);
    int before = connect_to(name, length);
    cr_assert_eq(state_of(before), TCP_ESTABLISHED);
    listen_socket_seal(fd);
    int after = connect_to(name, length);
    cr_assert_eq(state_of(after), TCP_SYN_SENT);
    cr_assert_eq(send(before, "x", 1, MSG_NOSIGNAL), 1);
    expect_accepted(fd);
    close(fd);
    close(before);
    close(after);
}

Test(listen_socket, nobody_starts_to_connect_once_it_is_sealed)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};

    expect_tcp_sealed((struct sockaddr *)&v4, sizeof v4);
    expect_tcp_sealed((struct sockaddr *)&v6, sizeof v6);
}

Test(listen_socket, a_sealed_unix_socket_refuses)
{
    char dir[] = "/tmp/listen-XXXXXX";

    cr_assert_not_null(mkdtemp(dir));
    snprintf(local.sun_path, sizeof local.sun_path, "%s/x", dir);
    int fd = open_local();
    int before = connect_to(&local, sizeof local);
    cr_assert_eq(errno, 0);
    listen_socket_seal(fd);
    int after = connect_to(&local, sizeof local);
    cr_assert_eq(errno, ECONNREFUSED);
    expect_accepted(fd);
    close(fd);
    close(before);
    close(after);
    unlink(local.sun_path);
    rmdir(dir);
}
