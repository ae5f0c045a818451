/* SPDX-License-Identifier: MIT */
#include "config/token_file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEST "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

static char directory[32], path[64], error[CONFIG_ERROR_SIZE];
static struct config *config;

static void set_up(void)
{
    char override[96], *overrides[] = {override};

    strcpy(directory, "/tmp/test_token_file-XXXXXX");
    cr_assert_not_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/tokens", directory);
    snprintf(override, sizeof override, "http.token_file=%s", path);
    config =
        config_load(&(struct config_source){.override = overrides, .override_count = 1}, error);
    cr_assert_not_null(config, "%s", error);
}

static void tear_down(void)
{
    config_free(config);
    remove(path);
    rmdir(directory);
}

static void write_tokens(const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    cr_assert_eq(fchmod(fd, mode), 0);
    close(fd);
}

static void expect_refused(const char *message)
{
    struct tokens *tokens = NULL;
    char expected[CONFIG_ERROR_SIZE];

    snprintf(expected, sizeof expected, "-o http.token_file: %s%s", path, message);
    errno = 0;
    cr_assert_not(token_file_load(config, &tokens, error));
    cr_assert_null(tokens);
    cr_assert_eq(errno, EINVAL);
    cr_assert_eq(strncmp(error, expected, strlen(expected)), 0, "%s", error);
    cr_assert_not(token_file_check(config, error));
}

Test(token_file, is_read, .init = set_up, .fini = tear_down)
{
    struct tokens *tokens;
    enum token_role role;

    write_tokens("# web\nweb " TEST " self\n", 0640);
    cr_assert(token_file_check(config, error), "%s", error);
    cr_assert(token_file_load(config, &tokens, error));
    cr_assert(tokens_find(tokens, span_of("test"), &role));
    cr_assert_eq(role, ROLE_SELF);
    tokens_unref(tokens);
}

Test(token_file, none)
{
    struct config *defaults = config_load(&(struct config_source){0}, error);
    struct tokens *tokens = (struct tokens *)error;

    cr_assert(token_file_load(defaults, &tokens, error));
    cr_assert_null(tokens);
    cr_assert(token_file_check(defaults, error));
    config_free(defaults);
}

Test(token_file, messages_name_the_line, .init = set_up, .fini = tear_down)
{
    write_tokens("web " TEST "\n\nother p0fl_secret\n", 0600);
    expect_refused(":3: expected sha256:DIGEST; if this is the token itself, replace it by ");
    cr_assert_null(strstr(error, "secret"));
    write_tokens("#\n", 0600);
    expect_refused(": it holds no token, so nobody could get in; ");
}

Test(token_file, missing, .init = set_up, .fini = tear_down)
{
    expect_refused(": no such file");
}

Test(token_file, directory, .init = set_up, .fini = tear_down)
{
    cr_assert_eq(mkdir(path, 0700), 0);
    expect_refused(": it is a directory");
}

Test(token_file, writable_for_others, .init = set_up, .fini = tear_down)
{
    write_tokens("web " TEST "\n", 0660);
    expect_refused(": its group can write it (mode 0660); run: chmod 0640 ");
    write_tokens("web " TEST "\n", 0642);
    expect_refused(": every user can write it (mode 0642); run: chmod 0640 ");
    write_tokens("web " TEST "\n", 0644); /* that they can read it does no harm */
    cr_assert(token_file_check(config, error), "%s", error);
}

Test(token_file, owner, .init = set_up, .fini = tear_down)
{
    write_tokens("web " TEST "\n", 0644);
    if (geteuid() != 0 || chown(path, 12345, 0) != 0)
        return; /* only root can give it away */
    expect_refused(": it belongs to the user 12345, who could let anybody in; run: chown root ");
}

Test(token_file, too_large, .init = set_up, .fini = tear_down)
{
    write_tokens("", 0600);
    cr_assert_eq(truncate(path, 256 * 1024 + 1), 0);
    expect_refused(": it has more than 262144 bytes");
}
