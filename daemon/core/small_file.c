/* SPDX-License-Identifier: MIT */
#include "core/small_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define SHOWN_MAX 300 /* of a path */

/* With the path in front. Sets errno. */
__attribute__((format(printf, 4, 5))) static bool refuse_file(char error[SMALL_FILE_ERROR_SIZE],
                                                              const char *path, int problem,
                                                              const char *format, ...)
{
    int length = snprintf(error, SMALL_FILE_ERROR_SIZE, "%.*s: ", SHOWN_MAX, path);
    va_list args;

    va_start(args, format);
    vsnprintf(error + length, SMALL_FILE_ERROR_SIZE - (size_t)length, format, args);
    va_end(args);
    errno = problem;
    return false;
}

/* ---- What is wrong */

static bool refuse_missing(const char *path, char error[SMALL_FILE_ERROR_SIZE])
{
    char target[SHOWN_MAX];
    ssize_t length = readlink(path, target, sizeof target);

    if (length > 0)
        return refuse_file(error, path, EINVAL,
                           "it is a symbolic link to %.*s, which does not exist", (int)length,
                           target);
    return refuse_file(error, path, EINVAL, "no such file; create it, or correct the path");
}

/* Users and groups by number: to look up their names could take long. */
static bool refuse_denied(const char *path, char error[SMALL_FILE_ERROR_SIZE])
{
    struct stat found;

    if (stat(path, &found) != 0)
        return refuse_file(
            error, path, EINVAL,
            "permission denied: the user %u of the daemon may not enter its directory",
            (unsigned)geteuid());
    return refuse_file(
        error, path, EINVAL,
        "permission denied: the user %u of the daemon may not read it (owner %u, group "
        "%u, mode %04o); chgrp it to a group of the daemon, and chmod g+r",
        (unsigned)geteuid(), (unsigned)found.st_uid, (unsigned)found.st_gid,
        (unsigned)(found.st_mode & 07777));
}

static bool refuse_unopened(const char *path, int problem, char error[SMALL_FILE_ERROR_SIZE])
{
    switch (problem) {
    case ENOENT:
        return refuse_missing(path, error);
    case EACCES:
        return refuse_denied(path, error);
    case ENXIO: /* and that is what open(2) says of sockets */
        return refuse_file(error, path, EINVAL,
                           "it is a socket or a device; a regular file is needed");
    case ELOOP:
        return refuse_file(error, path, EINVAL, "a loop of symbolic links");
    case ENOMEM:
        return refuse_file(error, path, ENOMEM, "out of memory");
    case ENOTDIR:
    case ENAMETOOLONG:
    case EPERM:
        return refuse_file(error, path, EINVAL, "%s", strerror(problem));
    default: /* EMFILE, ENFILE, EIO, ETIMEDOUT, ESTALE and the like */
        return refuse_file(error, path, EAGAIN, "%s", strerror(problem));
    }
}

static const char *describe_kind(mode_t mode)
{
    if (S_ISDIR(mode))
        return "a directory";
    return S_ISFIFO(mode) ? "a pipe" : S_ISSOCK(mode) ? "a socket" : "a device";
}

/* What "no file" is often written as. */
static bool is_dev_null(const struct stat *status)
{
    return S_ISCHR(status->st_mode) && status->st_rdev == makedev(1, 3);
}

static bool refuse_large(const char *path, size_t max, char error[SMALL_FILE_ERROR_SIZE])
{
    return refuse_file(error, path, EINVAL, "it has more than %zu bytes; is it the right file?",
                       max);
}

static bool check_kind(const char *path, const struct stat *status, size_t max,
                       char error[SMALL_FILE_ERROR_SIZE])
{
    if (!S_ISREG(status->st_mode) && !is_dev_null(status))
        return refuse_file(error, path, EINVAL, "it is %s; a regular file is needed",
                           describe_kind(status->st_mode));
    return (uintmax_t)status->st_size <= max || refuse_large(path, max, error);
}

/* ---- Reading */

/* One byte more than `max` tells a file that has grown, or that does not tell its size, as in /proc. -1
 * with errno on errors. */
static ssize_t read_whole(int fd, char *text, size_t max)
{
    size_t length = 0;
    ssize_t got;

    do {
        got = read(fd, text + length, max + 1 - length);
        if (got > 0)
            length += (size_t)got;
    } while ((got > 0 && length <= max) || (got < 0 && errno == EINTR));
    return got < 0 ? -1 : (ssize_t)length;
}

static bool read_open_file(int fd, const char *path, size_t max, struct small_file *file,
                           char error[SMALL_FILE_ERROR_SIZE])
{
    if (fstat(fd, &file->status) != 0)
        return refuse_unopened(path, errno, error);
    if (!check_kind(path, &file->status, max, error))
        return false;
    file->text = malloc(max + 2); /* at once: realloc() would leave copies of a secret behind */
    if (!file->text)
        return refuse_unopened(path, ENOMEM, error);
    file->length = max + 1; /* all of it is wiped if reading fails */
    ssize_t length = read_whole(fd, file->text, max);
    if (length < 0)
        return refuse_file(error, path, EAGAIN, "cannot read it: %s", strerror(errno));
    file->length = (size_t)length;
    file->text[length] = '\0';
    return file->length <= max || refuse_large(path, max, error);
}

bool small_file_read(const char *path, size_t max, struct small_file *file,
                     char error[SMALL_FILE_ERROR_SIZE])
{
    *file = (struct small_file){0};
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return refuse_unopened(path, errno, error);
    bool good = read_open_file(fd, path, max, file, error);
    int problem = errno;
    close(fd);
    if (!good)
        small_file_free(file);
    errno = problem;
    return good;
}

bool small_file_check_mode(const char *path, const struct small_file *file, mode_t forbidden,
                           char error[SMALL_FILE_ERROR_SIZE])
{
    mode_t found = file->status.st_mode & forbidden;

    if (!found || !S_ISREG(file->status.st_mode))
        return true;
    return refuse_file(error, path, EINVAL, "%s can %s it (mode %04o); run: chmod %04o %.*s",
                       found & S_IRWXO ? "every user" : "its group",
                       found & (S_IWGRP | S_IWOTH) ? "write" : "read",
                       (unsigned)(file->status.st_mode & 07777),
                       (unsigned)(file->status.st_mode & 07777 & ~forbidden), SHOWN_MAX, path);
}

void small_file_free(struct small_file *file)
{
    if (file->text)
        explicit_bzero(file->text, file->length);
    free(file->text);
    file->text = NULL;
}
