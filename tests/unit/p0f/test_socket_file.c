/* SPDX-License-Identifier: MIT */
#include "p0f/socket_file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char directory[64], path[108], reason[SOCKET_FILE_REASON_SIZE];

static void open_directory(void)
{
    strcpy(directory, "/tmp/socket-file-XXXXXX");
    cr_assert_not_null(mkdtemp(directory));
    cr_assert_eq(chmod(directory, 0755), 0);
    snprintf(path, sizeof path, "%s/run/p0f.sock", directory);
}

static void close_directory(void)
{
    char run[80];

    snprintf(run, sizeof run, "%s/run", directory);
    if (remove(path) != 0)
        unlink(path);
    if (remove(run) != 0)
        unlink(run);
    cr_assert_eq(rmdir(directory), 0);
}

static void make_run(mode_t mode)
{
    char run[80];

    snprintf(run, sizeof run, "%s/run", directory);
    cr_assert_eq(mkdir(run, mode), 0);
    cr_assert_eq(chmod(run, mode), 0);
}

static int make_socket(int type, bool listening)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type, 0);

    strcpy(name.sun_path, path);
    cr_assert_eq(bind(fd, (const struct sockaddr *)&name, sizeof name), 0);
    cr_assert(!listening || listen(fd, 0) == 0);
    return fd;
}

/* The errno is the kernel's own. */
static void expect_reason(int cause, const char *format)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    char expected[SOCKET_FILE_REASON_SIZE];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    strcpy(name.sun_path, path);
    cr_assert_eq(connect(fd, (const struct sockaddr *)&name, sizeof name), -1);
    cr_assert_eq(errno, cause, "%s", strerror(errno));
    close(fd);
    snprintf(expected, sizeof expected, format, directory);
    socket_file_explain(path, cause, reason);
    cr_assert_str_eq(reason, expected, "%s", reason);
}

Test(socket_file, missing, .init = open_directory, .fini = close_directory)
{
    expect_reason(ENOENT, "the directory %s/run does not exist: p0f is not running, or nobody has "
                          "made it (RuntimeDirectory= in its unit)");
    make_run(0755);
    expect_reason(ENOENT, "it does not exist: p0f is not running, or not with -s %s/run/p0f.sock");
    cr_assert_eq(symlink("elsewhere", path), 0);
    expect_reason(ENOENT, "it is a symbolic link to elsewhere, which does not exist");
}

Test(socket_file, something_else, .init = open_directory, .fini = close_directory)
{
    make_run(0755);
    cr_assert_eq(mkdir(path, 0755), 0);
    expect_reason(
        ECONNREFUSED,
        "it is a directory, not a socket (docker -v makes one if the path does not exist; "
        "mount p0f's directory instead)");
    rmdir(path);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0666));
    expect_reason(ECONNREFUSED, "it is a regular file, not a socket");
    unlink(path);
    mkfifo(path, 0666);
    expect_reason(ECONNREFUSED, "it is a special file, not a socket");
    unlink(path);
    close(make_socket(SOCK_DGRAM, false));
    expect_reason(ECONNREFUSED, "nobody listens on this socket: p0f has ended and left it behind, "
                                "or only the socket is mounted into this container, and p0f has "
                                "made a new one (mount its directory instead)");
    unlink(path);
    int fd = make_socket(SOCK_DGRAM, false);
    expect_reason(EPROTOTYPE, "it is a socket of another kind (datagrams), not p0f's");
    close(fd);
}

Test(socket_file, not_a_directory, .init = open_directory, .fini = close_directory)
{
    char run[80];

    snprintf(run, sizeof run, "%s/run", directory);
    close(open(run, O_CREAT | O_WRONLY | O_CLOEXEC, 0666));
    expect_reason(ENOTDIR, "%s/run is a regular file, not a directory");
}

Test(socket_file, full, .init = open_directory, .fini = close_directory)
{
    make_run(0755);
    int fd = make_socket(SOCK_STREAM, true);
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    strcpy(name.sun_path, path);
    int waiting = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(connect(waiting, (const struct sockaddr *)&name, sizeof name), 0);
    expect_reason(EAGAIN, "its queue of new connections is full: p0f is stopped, or too busy to "
                          "accept them");
    close(waiting);
    close(fd);
}

/* As somebody else, in the group tty (5) besides. */
static void become_nobody(void)
{
    const gid_t tty = 5;

    cr_assert_eq(setgroups(1, &tty), 0);
    cr_assert_eq(setegid(65534), 0);
    cr_assert_eq(seteuid(65534), 0);
}

static void become_root(void)
{
    cr_assert_eq(seteuid(0), 0);
    cr_assert_eq(setegid(0), 0);
}

Test(socket_file, denied, .init = open_directory, .fini = close_directory)
{
    char run[80];

    if (geteuid() != 0)
        cr_skip_test("only root can become another user");
    snprintf(run, sizeof run, "%s/run", directory);
    make_run(0750);
    cr_assert_eq(chown(run, 0, 4242), 0);
    close(make_socket(SOCK_STREAM, false));
    cr_assert_eq(chmod(path, 0640), 0);
    become_nobody();
    expect_reason(EACCES, "permission denied to user nobody (groups nogroup,tty): the directory "
                          "%s/run has owner root, group 4242 and mode 0750");
    become_root();
    cr_assert_eq(chown(run, 0, 5), 0);
    become_nobody();
    expect_reason(EACCES, "permission denied to user nobody (groups nogroup,tty): the socket "
                          "%s/run/p0f.sock has owner root, group root and mode 0640");
    become_root();
    chmod(path, 0666);
    become_nobody();
    expect_reason(ECONNREFUSED, "nobody listens on this socket: p0f has ended and left it behind, "
                                "or only the socket is mounted into this container, and p0f has "
                                "made a new one (mount its directory instead)");
    socket_file_explain(path, EACCES, reason);
    cr_assert_str_eq(reason, "permission denied to user nobody (groups nogroup,tty), though the "
                             "modes allow it: SELinux or AppArmor?");
    become_root();
}

Test(socket_file, without_a_better_reason)
{
    socket_file_explain("/x", EMFILE, reason);
    cr_assert_str_eq(reason, "Too many open files");
}

/* p0f makes its socket anew, and the inode number is often the same. */
Test(socket_file, the_same, .init = open_directory, .fini = close_directory)
{
    const struct socket_file_id none = {0};

    make_run(0755);
    struct socket_file_id before = socket_file_id(path);
    cr_assert(socket_file_same(&before, &none));
    close(make_socket(SOCK_STREAM, false));
    struct socket_file_id first = socket_file_id(path), again = socket_file_id(path);
    cr_assert_not(socket_file_same(&first, &none));
    cr_assert(socket_file_same(&first, &again));
    for (struct socket_file_id next = first; socket_file_same(&first, &next);
         next = socket_file_id(path)) {
        unlink(path); /* the kernel's time goes on in steps */
        close(make_socket(SOCK_STREAM, false));
    }
}
