/* SPDX-License-Identifier: MIT */
#include "config/config_listen.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char error[CONFIG_ERROR_SIZE];
static char dir[32], way[32]; /* a directory, and a link to it */

static void setup(void)
{
    strcpy(dir, "/tmp/listen-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    snprintf(way, sizeof way, "%s.link", dir);
    cr_assert_eq(symlink(dir, way), 0);
}

static void teardown(void)
{
    unlink(way);
    rmdir(dir);
}

static struct config *load(const char *one, const char *other)
{
    char *overrides[] = {(char *)(uintptr_t)one, (char *)(uintptr_t)other};
    const struct config_source source = {.override = overrides,
                                         .override_count = other ? 2 : one != NULL};
    struct config *config = config_load(&source, error);

    cr_assert_not_null(config, "%s", error);
    return config;
}

static void expect_good(const char *one, const char *other)
{
    struct config *config = load(one, other);

    for (int resolve = 0; resolve < 2; resolve++)
        cr_assert(config_listen_check(config, resolve, error), "%s", error);
    config_free(config);
}

static void expect_refused_by_check(const struct config *config, bool resolve, const char *why)
{
    error[0] = '\0';
    errno = 0;
    cr_assert_not(config_listen_check(config, resolve, error), "resolve: %d", resolve);
    cr_assert_eq(errno, EINVAL, "%s", strerror(errno));
    cr_assert_str_eq(error, why, "%s", error);
}

static void expect_refused(const char *one, const char *other, const char *why)
{
    struct config *config = load(one, other);

    expect_refused_by_check(config, false, why);
    expect_refused_by_check(config, true, why);
    config_free(config);
}

Test(config_listen, the_defaults)
{
    struct config *config = load(NULL, NULL);
    struct listeners_options options;

    cr_assert(config_listen_http(config, &options, error));
    cr_assert_str_eq(options.addresses, "127.0.0.1:5030");
    cr_assert_str_eq(options.setting, "http.listen");
    cr_assert_str_eq(options.server, "");
    cr_assert_not(options.beyond_loopback);
    cr_assert_eq(options.access.mode, 0666);
    cr_assert_eq(options.access.group, SOCKET_GROUP_UNSET);
    cr_assert(config_listen_relay(config, &options, error));
    cr_assert_str_eq(options.addresses, "");
    cr_assert_str_eq(options.setting, "relay.listen");
    cr_assert_str_eq(options.server, "relay: ");
    cr_assert_eq(options.access.mode, 0666);
    cr_assert_eq(options.access.group, SOCKET_GROUP_UNSET);
    config_free(config);
    expect_good(NULL, NULL);
}

Test(config_listen, mode_and_group)
{
    struct config *config = load("relay.socket_mode=0660", "relay.socket_group=daemon");
    struct listeners_options options;

    cr_assert(config_listen_relay(config, &options, error));
    cr_assert_eq(options.access.mode, 0660);
    cr_assert_eq(options.access.group, 1);
    cr_assert(config_listen_http(config, &options, error));
    cr_assert_eq(options.access.mode, 0666);
    cr_assert_eq(options.access.group, SOCKET_GROUP_UNSET);
    config_free(config);
    config = load("http.socket_mode=0600", "http.socket_group=daemon");
    cr_assert(config_listen_http(config, &options, error));
    cr_assert_eq(options.access.mode, 0600);
    cr_assert_eq(options.access.group, 1);
    config_free(config);
}

Test(config_listen, beyond_loopback)
{
    expect_good("http.listen=192.0.2.1:80", "http.allow_unauthenticated=yes");
    expect_refused(
        "http.listen=192.0.2.1:80", NULL,
        "-o http.listen: 192.0.2.1:80 is reachable from other hosts and there is no token; "
        "set http.token_file, or http.allow_unauthenticated = yes, or listen on a loopback "
        "address or a unix socket");
    expect_good("http.listen=192.0.2.1:80", "http.token_file=/x");
}

/* It is not looked up where that must not take long. */
Test(config_listen, a_group_that_does_not_exist)
{
    struct config *config = load("relay.socket_group=no-such-group", NULL);

    cr_assert(config_listen_check(config, false, error), "%s", error);
    expect_refused_by_check(config, true,
                            "-o relay.socket_group: there is no group 'no-such-group'");
    config_free(config);
    config = load("http.socket_group=no-such-group", NULL);
    cr_assert(config_listen_check(config, false, error), "%s", error);
    cr_assert_not(config_listen_http(config, &(struct listeners_options){0}, error));
    expect_refused_by_check(config, true,
                            "-o http.socket_group: there is no group 'no-such-group'");
    config_free(config);
}

Test(config_listen, each_socket_has_its_path)
{
    expect_good("relay.listen=unix:/run/p0f/other.sock", NULL);
    expect_good("http.listen=unix:/run/a, unix:/run/b", "relay.listen=unix:/run/c, unix:/run/d");
    expect_refused("p0f.socket=/nonexistent/a", "relay.listen=unix:/nonexistent/a",
                   "-o relay.listen: unix:/nonexistent/a is p0f.socket, where p0f itself listens; "
                   "choose another path");
    expect_refused(
        "relay.listen=unix:/run/p0f/p0f.sock", NULL,
        "-o relay.listen: unix:/run/p0f/p0f.sock is p0f.socket, where p0f itself listens; "
        "choose another path");
    expect_refused(
        "http.listen=127.0.0.1:0, unix:/run/p0f/p0f.sock", NULL,
        "-o http.listen: unix:/run/p0f/p0f.sock is p0f.socket, where p0f itself listens; "
        "choose another path");
    expect_refused("p0f.socket=wan=/run/a, lan=/run/b", "relay.listen=unix:/run/b",
                   "-o relay.listen: unix:/run/b is p0f.socket, where p0f itself listens; choose "
                   "another path");
    expect_refused("http.listen=unix:/run/a, unix:/run/b", "relay.listen=unix:/run/c, unix:/run/b",
                   "-o relay.listen: unix:/run/b is in http.listen, too; choose another path");
}

/* As /var/run is another way to /run. */
Test(config_listen, by_another_way, .init = setup, .fini = teardown)
{
    char p0f[80], relay[80], expected[200];

    snprintf(p0f, sizeof p0f, "p0f.socket=%s/a", dir);
    snprintf(relay, sizeof relay, "relay.listen=unix:%s/a", way);
    snprintf(expected, sizeof expected,
             "-o relay.listen: unix:%s/a is p0f.socket, where p0f itself listens; choose another "
             "path",
             way);
    expect_refused(p0f, relay, expected);
    relay[strlen(relay) - 1] = 'b';
    expect_good(p0f, relay);
    snprintf(relay, sizeof relay, "relay.listen=unix:%s.none/a", dir);
    expect_good(p0f, relay);
}

/* Written the same way twice, it is opened once. */
Test(config_listen, one_path_in_two_spellings, .init = setup, .fini = teardown)
{
    static const char *const settings[] = {"http.listen", "relay.listen"};
    char list[160], expected[200];

    for (size_t i = 0; i < 2; i++) {
        snprintf(list, sizeof list, "%s=unix:%s/b, unix:%s/a, unix:/.%s/a", settings[i], dir, dir,
                 dir);
        snprintf(expected, sizeof expected,
                 "-o %s: unix:%s/a and unix:/.%s/a are the same path; remove one of them",
                 settings[i], dir, dir);
        expect_refused(list, NULL, expected);
        snprintf(list, sizeof list, "%s=unix:%s/a, unix:/.%s/b, unix:%s/a", settings[i], dir, dir,
                 dir);
        expect_good(list, NULL);
    }
}
