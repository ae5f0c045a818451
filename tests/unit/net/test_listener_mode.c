/* SPDX-License-Identifier: MIT */
/* With what mode and group a unix socket comes into being. bind() is wrapped: what somebody else could do
 * at that moment, the test does. */
#include "listener_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char error[LISTENERS_ERROR_SIZE];
static char dir[32], path[64], moved[64], victim[64], addresses[80];
static void (*meanwhile)(void);
static mode_t at_first;
static struct socket_access access_wanted;

int __real_bind(int fd, const struct sockaddr *name, socklen_t length);
int __wrap_bind(int fd, const struct sockaddr *name, socklen_t length);

static mode_t mode_of(const char *file)
{
    struct stat there;

    cr_assert_eq(lstat(file, &there), 0, "%s", file);
    return there.st_mode;
}

int __wrap_bind(int fd, const struct sockaddr *name, socklen_t length)
{
    int result = __real_bind(fd, name, length);

    if (result == 0)
        at_first = mode_of(path);
    if (result == 0 && meanwhile)
        meanwhile();
    return result;
}

static void make_victim(void)
{
    int fd = open(victim, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    cr_assert_geq(fd, 0);
    close(fd);
}

static void setup(void)
{
    strcpy(dir, "/tmp/listen-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/http", dir);
    snprintf(moved, sizeof moved, "%s/moved", dir);
    snprintf(victim, sizeof victim, "%s/victim", dir);
    snprintf(addresses, sizeof addresses, "unix:%s", path);
    meanwhile = NULL;
    at_first = 0;
    access_wanted = (struct socket_access){.mode = 0666, .group = SOCKET_GROUP_UNSET};
    make_victim();
}

static void teardown(void)
{
    unlink(victim);
    unlink(moved);
    unlink(path);
    cr_assert_eq(rmdir(dir), 0);
}

static const struct listeners_options *options(void)
{
    static struct listeners_options chosen;

    chosen = *options_for(addresses, false);
    chosen.access = access_wanted;
    return &chosen;
}

static struct listeners *open_all(void)
{
    struct listeners *listeners = listeners_parse(options(), error);

    cr_assert_not_null(listeners, "%s", error);
    cr_assert(listeners_open(listeners, error), "%s", error);
    return listeners;
}

/* From the first moment, and ours comes back. */
Test(listener_mode, whatever_the_umask, .init = setup, .fini = teardown)
{
    const mode_t masks[] = {0, 022, 027, 077, 0777};

    for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
        umask(masks[i]);
        struct listeners *listeners = open_all();
        cr_assert_eq(umask(masks[i]), masks[i]);
        cr_assert_eq(at_first, S_IFSOCK | 0666, "%o under umask %o", at_first, masks[i]);
        cr_assert_eq(mode_of(path), S_IFSOCK | 0666);
        listeners_free(listeners);
    }
}

static void expect_refused(const char *why)
{
    struct listeners *listeners = listeners_parse(options(), error);

    umask(077);
    cr_assert_not(listeners_open(listeners, error));
    cr_assert_not_null(strstr(error, why), "%s", error);
    cr_assert_eq(umask(077), 077);
    listeners_free(listeners);
}

Test(listener_mode, umask_comes_back_when_it_fails, .init = setup, .fini = teardown)
{
    snprintf(addresses, sizeof addresses, "unix:%s/none/http", dir);
    expect_refused("No such file or directory");
}

Test(listener_mode, what_is_no_socket_is_left_alone, .init = setup, .fini = teardown)
{
    cr_assert_eq(link(victim, path), 0);
    expect_refused("File exists: it is not a socket; remove it");
    cr_assert_eq(mode_of(path), S_IFREG | 0600);
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(symlink(victim, path), 0);
    expect_refused("File exists: it is not a socket; remove it");
    cr_assert_eq(mode_of(path) & S_IFMT, S_IFLNK);
    cr_assert_eq(mode_of(victim), S_IFREG | 0600);
}

static void put_a_link_there(void)
{
    cr_assert_eq(rename(path, moved), 0);
    cr_assert_eq(symlink(victim, path), 0);
}

static void put_a_file_there(void)
{
    cr_assert_eq(rename(path, moved), 0);
    cr_assert_eq(link(victim, path), 0);
}

static void expect_victim_untouched(void (*what)(void))
{
    meanwhile = what;
    struct listeners *listeners = open_all();
    cr_assert_eq(mode_of(victim), S_IFREG | 0600, "%o", mode_of(victim));
    listeners_free(listeners);
}

Test(listener_mode, a_link_put_there_meanwhile, .init = setup, .fini = teardown)
{
    expect_victim_untouched(put_a_link_there);
}

Test(listener_mode, a_file_put_there_meanwhile, .init = setup, .fini = teardown)
{
    expect_victim_untouched(put_a_file_there);
}

Test(listener_mode, another_mode, .init = setup, .fini = teardown)
{
    const mode_t modes[] = {0, 0600, 0660, 0777};

    umask(022);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        access_wanted.mode = modes[i];
        struct listeners *listeners = open_all();
        cr_assert_eq(at_first, S_IFSOCK | modes[i], "%o", at_first);
        cr_assert_eq(mode_of(path), S_IFSOCK | modes[i], "%o", mode_of(path));
        listeners_free(listeners);
    }
}

static gid_t group_of(const char *file)
{
    struct stat there;

    cr_assert_eq(lstat(file, &there), 0, "%s", file);
    return there.st_gid;
}

/* It is in its old group for a moment: that must be of no use to anybody. */
static void try_to_connect(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strcpy(name.sun_path, path);
    cr_assert_eq(connect(fd, (const struct sockaddr *)&name, sizeof name), -1);
    cr_assert_eq(errno, ECONNREFUSED, "%s", strerror(errno));
    close(fd);
}

Test(listener_mode, a_group, .init = setup, .fini = teardown)
{
    if (geteuid() != 0)
        cr_skip_test("only root can give it to any group");
    access_wanted = (struct socket_access){.mode = 0660, .group = 4711};
    meanwhile = try_to_connect;
    int before = dup(STDOUT_FILENO);
    struct listeners *listeners = open_all();
    cr_assert_eq(group_of(path), 4711);
    cr_assert_eq(mode_of(path), S_IFSOCK | 0660);
    listeners_free(listeners);
    int after = dup(STDOUT_FILENO);
    cr_assert_eq(after, before + 1, "%d descriptors are left open", after - before - 1);
    close(before);
    close(after);
}

static void expect_group_refused(void (*what)(void), const char *why)
{
    gid_t before = group_of(victim);

    access_wanted.group = 4711;
    meanwhile = what;
    expect_refused(why);
    cr_assert_eq(group_of(victim), before);
}

/* As another program's socket would be: it is not given away. */
static void put_a_link_to_a_socket_there(void)
{
    cr_assert_eq(rename(path, moved), 0);
    cr_assert_eq(symlink(moved, path), 0);
}

static void remove_it(void)
{
    cr_assert_eq(unlink(path), 0);
}

Test(listener_mode, no_group_for_what_is_put_there_meanwhile, .init = setup, .fini = teardown)
{
    expect_group_refused(put_a_link_there, "File exists: it is not a socket");
    expect_group_refused(put_a_file_there, "File exists: it is not a socket");
    expect_group_refused(remove_it, "No such file or directory");
}

Test(listener_mode, a_group_that_is_not_ours, .init = setup, .fini = teardown)
{
    if (geteuid() != 0)
        cr_skip_test("only root can give it to any group");
    access_wanted.group = 4711;
    cr_assert_eq(chmod(dir, 0777), 0);
    cr_assert_eq(setegid(65534), 0);
    cr_assert_eq(seteuid(65534), 0);
    expect_refused(
        "Operation not permitted: the daemon's user must be a member of the socket's group");
    cr_assert_eq(seteuid(0), 0);
    cr_assert_eq(setegid(0), 0);
    cr_assert_eq(access(path, F_OK), -1);
}

Test(listener_mode, a_group_for_a_link_to_a_socket, .init = setup, .fini = teardown)
{
    expect_group_refused(put_a_link_to_a_socket_there, "it is not a socket");
    cr_assert_neq(group_of(moved), 4711);
}
