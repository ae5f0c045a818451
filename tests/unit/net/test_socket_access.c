/* SPDX-License-Identifier: MIT */
/* Groups by name and number. The system's are replaced by ours. */
#include "net/socket_access.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <grp.h>
#include <stdint.h>
#include <string.h>

static int problem;   /* of the directory service */
static size_t needed; /* of buffer */
static unsigned attempts;

int getgrnam_r(const char *name, struct group *entry, char *buffer, size_t size,
               struct group **result)
{
    (void)buffer;
    attempts++;
    *result = NULL;
    if (size < needed)
        return ERANGE;
    if (problem || (strcmp(name, "mail") != 0 && strcmp(name, "12") != 0))
        return problem;
    entry->gr_gid = 8;
    *result = entry;
    return 0;
}

static void setup(void)
{
    problem = 0;
    needed = 1;
    attempts = 0;
}

static void expect_group(const char *name, gid_t expected)
{
    char error[SOCKET_ACCESS_ERROR_SIZE];
    gid_t group;

    cr_assert(socket_access_find_group(name, &group, error), "%s: %s", name, error);
    cr_assert_eq(group, expected, "%s: %u", name, group);
}

static void expect_none(const char *name, int cause, const char *why)
{
    char error[SOCKET_ACCESS_ERROR_SIZE] = "";
    gid_t group;

    cr_assert_not(socket_access_find_group(name, &group, error), "%s", name);
    cr_assert_eq(errno, cause, "%s", strerror(errno));
    cr_assert_str_eq(error, why, "%s", error);
}

Test(socket_access, by_name_and_by_number, .init = setup)
{
    expect_group("mail", 8);
    expect_group("0", 0);
    expect_group("4294967294", 4294967294);
    expect_group("12", 8); /* that is its name */
}

Test(socket_access, none, .init = setup)
{
    expect_group("", SOCKET_GROUP_UNSET);
    cr_assert_eq(attempts, 0);
}

Test(socket_access, unknown, .init = setup)
{
    expect_none("x", EINVAL, "there is no group 'x'");
    expect_none("4294967295", EINVAL, "there is no group '4294967295'");
    expect_none("-1", EINVAL, "there is no group '-1'");
    problem = ENOENT;
    expect_none("mail", EINVAL, "there is no group 'mail'");
}

Test(socket_access, not_known_now, .init = setup)
{
    problem = EIO;
    expect_none("mail", EAGAIN, "cannot look up the group 'mail': Input/output error");
    expect_group("7", 7);
    problem = ENOMEM;
    expect_none("mail", ENOMEM, "cannot look up the group 'mail': Cannot allocate memory");
}

Test(socket_access, a_group_of_many, .init = setup)
{
    needed = 100000;
    expect_group("mail", 8);
    cr_assert_gt(attempts, 1);
    needed = SIZE_MAX;
    expect_none("mail", EAGAIN, "cannot look up the group 'mail': Numerical result out of range");
}
