/* SPDX-License-Identifier: MIT */
#include "core/small_file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MAX 16

static char directory[40], path[64], error[SMALL_FILE_ERROR_SIZE];
static struct small_file file;

static void make_directory(void)
{
    strcpy(directory, "/tmp/test_small_file-XXXXXX");
    cr_assert_not_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/file", directory);
    error[0] = '\0';
}

static void remove_directory(void)
{
    unlink(path);
    rmdir(path);
    rmdir(directory);
}

static void write_file(const char *text, size_t length, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, length), (ssize_t)length);
    cr_assert_eq(fchmod(fd, mode), 0);
    close(fd);
}

/* `expected` follows the path. */
static void expect_refused(const char *at, int problem, const char *expected)
{
    cr_assert_not(small_file_read(at, MAX, &file, error), "%s", at);
    cr_assert_eq(errno, problem, "%s: %s", error, strerror(errno));
    cr_assert_eq(strncmp(error, at, strlen(at)), 0, "%s", error);
    cr_assert_str_eq(error + strlen(at), expected);
    cr_assert_null(file.text);
}

Test(small_file, what_is_in_it, .init = make_directory, .fini = remove_directory)
{
    write_file("a\0b\n", 4, 0640);
    cr_assert(small_file_read(path, MAX, &file, error), "%s", error);
    cr_assert_eq(file.length, 4);
    cr_assert_arr_eq(file.text, "a\0b\n", 5);
    cr_assert_eq(file.status.st_mode, S_IFREG | 0640);
    small_file_free(&file);
    cr_assert_null(file.text);
    small_file_free(&file);
    write_file("", 0, 0600);
    cr_assert(small_file_read(path, MAX, &file, error));
    cr_assert_eq(file.length, 0);
    cr_assert_str_eq(file.text, "");
    small_file_free(&file);
    cr_assert(small_file_read("/dev/null", MAX, &file, error));
    cr_assert_eq(file.length, 0);
    small_file_free(&file);
}

Test(small_file, as_large_as_allowed, .init = make_directory, .fini = remove_directory)
{
    write_file("0123456789abcdef", MAX, 0600);
    cr_assert(small_file_read(path, MAX, &file, error), "%s", error);
    cr_assert_str_eq(file.text, "0123456789abcdef");
    small_file_free(&file);
    write_file("0123456789abcdef\n", MAX + 1, 0600);
    expect_refused(path, EINVAL, ": it has more than 16 bytes; is it the right file?");
    cr_assert_eq(truncate(path, (off_t)1 << 40), 0);
    expect_refused(path, EINVAL, ": it has more than 16 bytes; is it the right file?");
}

Test(small_file, one_that_does_not_tell_its_size)
{
    expect_refused("/proc/self/status", EINVAL,
                   ": it has more than 16 bytes; is it the right file?");
    cr_assert(small_file_read("/proc/self/status", 65536, &file, error), "%s", error);
    cr_assert_eq(strncmp(file.text, "Name:", 5), 0);
    small_file_free(&file);
}

Test(small_file, what_is_no_file, .init = make_directory, .fini = remove_directory)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};

    expect_refused("/tmp", EINVAL, ": it is a directory; a regular file is needed");
    expect_refused("/dev/zero", EINVAL, ": it is a device; a regular file is needed");
    cr_assert_eq(mkfifo(path, 0600), 0);
    expect_refused(path, EINVAL, ": it is a pipe; a regular file is needed");
    unlink(path);
    snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
    expect_refused(path, EINVAL, ": it is a socket or a device; a regular file is needed");
    close(fd);
}

Test(small_file, what_is_not_there, .init = make_directory, .fini = remove_directory)
{
    char under[160], long_path[5000];

    expect_refused(path, EINVAL, ": no such file; create it, or correct the path");
    cr_assert_eq(symlink("/nonexistent/x", path), 0);
    expect_refused(path, EINVAL, ": it is a symbolic link to /nonexistent/x, which does not exist");
    unlink(path);
    cr_assert_eq(symlink(path, path), 0);
    expect_refused(path, EINVAL, ": a loop of symbolic links");
    unlink(path);
    write_file("", 0, 0600);
    snprintf(under, sizeof under, "%s/x", path);
    expect_refused(under, EINVAL, ": Not a directory");
    memset(long_path, '/', sizeof long_path);
    long_path[sizeof long_path - 1] = '\0';
    cr_assert_not(small_file_read(long_path, MAX, &file, error));
    cr_assert_eq(errno, EINVAL);
    cr_assert_str_eq(error + 300, ": File name too long");
}

/* As root, who may read everything, only what can be seen without another user. */
Test(small_file, what_may_mend_itself, .init = make_directory, .fini = remove_directory)
{
    struct rlimit before, none;

    write_file("", 0, 0600);
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 3;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    bool good = small_file_read(path, MAX, &file, error);
    int problem = errno;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    cr_assert_not(good);
    cr_assert_eq(problem, EAGAIN);
    cr_assert_str_eq(error + strlen(path), ": Too many open files");
}

static void expect_mode(mode_t mode, mode_t forbidden, const char *expected)
{
    char whole[512];

    write_file("x", 1, mode);
    cr_assert(small_file_read(path, MAX, &file, error), "%s", error);
    bool good = small_file_check_mode(path, &file, forbidden, error);
    cr_assert_eq(good, !expected, "%04o: %s", mode, error);
    small_file_free(&file);
    if (good)
        return;
    cr_assert_eq(errno, EINVAL);
    snprintf(whole, sizeof whole, "%s: %s %s", path, expected, path);
    cr_assert_str_eq(error, whole);
}

Test(small_file, modes, .init = make_directory, .fini = remove_directory)
{
    expect_mode(0644, S_IWGRP | S_IWOTH, NULL);
    expect_mode(0664, S_IWGRP | S_IWOTH, "its group can write it (mode 0664); run: chmod 0644");
    expect_mode(0666, S_IWGRP | S_IWOTH, "every user can write it (mode 0666); run: chmod 0644");
    expect_mode(0664, S_IWOTH, NULL);
    expect_mode(0640, S_IROTH | S_IWOTH | S_IWGRP, NULL);
    expect_mode(0644, S_IROTH | S_IWOTH | S_IWGRP,
                "every user can read it (mode 0644); run: chmod 0640");
    expect_mode(0666, S_IROTH | S_IWOTH | S_IWGRP,
                "every user can write it (mode 0666); run: chmod 0640");
    cr_assert(small_file_read("/dev/null", MAX, &file, error));
    cr_assert(small_file_check_mode("/dev/null", &file, S_IROTH, error));
    small_file_free(&file);
}
