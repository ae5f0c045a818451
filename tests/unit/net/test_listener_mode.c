/* SPDX-License-Identifier: MIT */
/* With what mode a unix socket comes into being. bind() is wrapped: what somebody else could do at
 * that moment, the test does. */
#include "listener_fixture.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char error[LISTENERS_ERROR_SIZE];
static char dir[32], path[64], moved[64], victim[64], addresses[80];
static void (*meanwhile)(void);
static mode_t at_first;

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
    make_victim();
}

static void teardown(void)
{
    unlink(victim);
    unlink(moved);
    unlink(path);
    cr_assert_eq(rmdir(dir), 0);
}

static struct listeners *open_all(void)
{
    struct listeners *listeners = listeners_parse(options_for(addresses, false), error);

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
    struct listeners *listeners = listeners_parse(options_for(addresses, false), error);

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
