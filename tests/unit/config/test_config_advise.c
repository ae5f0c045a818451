/* SPDX-License-Identifier: MIT */
#include "config/config.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char all[2000];

static void collect(const char *text)
{
    size_t length = strlen(all);

    snprintf(all + length, sizeof all - length, "%s\n", text);
}

static void advise(const struct config_source *source)
{
    char error[CONFIG_ERROR_SIZE];
    struct config *config = config_load(source, error);

    cr_assert_not_null(config, "%s", error);
    all[0] = '\0';
    config_advise(config, collect);
    config_free(config);
}

/* From the environment. */
static void expect(char *server, char *prefix, const char *expected)
{
    char *environment[] = {server, prefix, NULL};

    advise(&(struct config_source){.environ = environment});
    cr_assert_str_eq(all, expected, "%s, %s: %s", server, prefix, all);
}

#define SERVER "P0F_LOOKUPD_SHARE_SERVER="
#define PREFIX "P0F_LOOKUPD_SHARE_PREFIX="

Test(config_advise, nothing_is_shared)
{
    expect(PREFIX "x:", NULL, "share.prefix changes nothing: share.server is empty\n");
    expect("P0F_LOOKUPD_SHARE_TTL=1h", "P0F_LOOKUPD_SHARE_SENSOR=x",
           "share.sensor changes nothing: share.server is empty\n"
           "share.ttl changes nothing: share.server is empty\n");
    expect(SERVER "redis://a", PREFIX "x:", "");
    expect(SERVER, NULL, "");
}

Test(config_advise, a_host_name_that_others_have)
{
    const char *told =
        "share.sensor is empty, and the host name, localhost, is not unique: set a name that "
        "no other daemon of the fleet has\n";
    char host[65] = "";

    gethostname(host, sizeof host - 1);
    if (unshare(CLONE_NEWUTS) != 0 || sethostname("localhost", 9) != 0)
        cr_skip_test("no right to set a host name");
    expect(SERVER "redis://a", NULL, told);
    expect(SERVER "redis://a", "P0F_LOOKUPD_SHARE_SENSOR=web1", "");
    expect(SERVER, NULL, "");
    cr_assert_eq(sethostname("localhost.localdomain", 21), 0);
    expect(SERVER "redis://a", NULL, told);
    cr_assert_eq(sethostname("localhost1", 10), 0);
    expect(SERVER "redis://a", NULL, "");
    cr_assert_eq(sethostname(host, strlen(host)), 0);
}

Test(config_advise, hash_tags)
{
    const char *told =
        "share.prefix = a{b}c has a hash tag: in a cluster, all hosts would be on one "
        "node\n";

    expect(SERVER "redis://a", PREFIX "a{b}c", told);
    expect(SERVER "redis://a", PREFIX "a{}c", "");
    expect(SERVER "redis://a", PREFIX "a{b", "");
    expect(SERVER "redis://a", PREFIX "}a{", "");
}

Test(config_advise, passwords_in_clear)
{
    const char *told = "share.server: the password for b:1 crosses the network in clear; use "
                       "rediss:// if others can listen there\n";

    expect(SERVER "redis://:secret@b:1", NULL, told);
    expect(SERVER "redis://a, redis://u:secret@b:1, redis://:secret@c", NULL, told);
    expect(SERVER "redis://:secret@128.0.0.1", NULL,
           "share.server: the password for 128.0.0.1:6379 crosses the network in clear; use "
           "rediss:// if others can listen there\n");
    expect(SERVER "rediss://:secret@b:1", NULL, "");
    expect(SERVER "redis://b:1", NULL, "");
    expect(SERVER "redis://:secret@127.1.2.3", NULL, "");
    expect(SERVER "redis://:secret@[::1]", NULL, "");
    expect(SERVER "redis://:secret@localhost", NULL, "");
    expect(SERVER "unix://:secret@/a", NULL, "");
}

Test(config_advise, passwords_on_the_command_line)
{
    char *override = "share.server=redis://:secret@localhost";

    advise(&(struct config_source){.override = &override, .override_count = 1});
    cr_assert_str_eq(all,
                     "share.server: every user can see the password in the list of processes; set "
                     "it in the file or the environment\n");
    override = "share.server=redis://localhost";
    advise(&(struct config_source){.override = &override, .override_count = 1});
    cr_assert_str_empty(all);
}

static void expect_of_file(const char *text, mode_t mode, bool told)
{
    char path[] = "/tmp/test_config_advise-XXXXXX", expected[200];
    int fd = mkstemp(path);

    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    fchmod(fd, mode);
    close(fd);
    advise(&(struct config_source){.file = path});
    unlink(path);
    snprintf(expected, sizeof expected,
             "share.server: every user can read the password in %s; run: chmod o-r %s\n", path,
             path);
    cr_assert_str_eq(all, told ? expected : "");
}

Test(config_advise, passwords_in_a_file_for_everybody)
{
    expect_of_file("[share]\nserver = redis://:secret@localhost\n", 0644, true);
    expect_of_file("[share]\nserver = redis://:secret@localhost\n", 0640, false);
    expect_of_file("[share]\nserver = redis://localhost\n", 0644, false);
}
