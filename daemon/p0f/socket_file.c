/* SPDX-License-Identifier: MIT */
#include "p0f/socket_file.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_MAX_BYTES 108 /* of a socket's address */
#define NAME_SIZE 40
#define GROUPS_TEXT_SIZE 120
#define GROUPS_MAX 64

__attribute__((format(printf, 2, 3))) static void say_reason(char reason[SOCKET_FILE_REASON_SIZE],
                                                             const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(reason, SOCKET_FILE_REASON_SIZE, format, args);
    va_end(args);
}

/* ---- Users and groups, by their names in the local files, else by number: getpwuid() may wait for a name
 * service. */

static void name_user(uid_t uid, char name[NAME_SIZE])
{
    FILE *users = fopen("/etc/passwd", "re");
    const struct passwd *user;

    snprintf(name, NAME_SIZE, "%u", (unsigned)uid);
    while (users && (user = fgetpwent(users)))
        if (user->pw_uid == uid) {
            snprintf(name, NAME_SIZE, "%s", user->pw_name);
            break;
        }
    if (users)
        fclose(users);
}

static void name_group(gid_t gid, char name[NAME_SIZE])
{
    FILE *groups = fopen("/etc/group", "re");
    const struct group *group;

    snprintf(name, NAME_SIZE, "%u", (unsigned)gid);
    while (groups && (group = fgetgrent(groups)))
        if (group->gr_gid == gid) {
            snprintf(name, NAME_SIZE, "%s", group->gr_name);
            break;
        }
    if (groups)
        fclose(groups);
}

/* As many of our groups as fit, the effective one first. */
static void name_own_groups(char text[GROUPS_TEXT_SIZE])
{
    gid_t groups[GROUPS_MAX + 1] = {getegid()};
    int more = getgroups(GROUPS_MAX, groups + 1);
    size_t length = 0;

    text[0] = '\0';
    for (int i = 0; i <= more || i == 0; i++) {
        char name[NAME_SIZE];
        if (i > 0 && groups[i] == groups[0])
            continue;
        name_group(groups[i], name);
        if (length + strlen(name) + 2 >= GROUPS_TEXT_SIZE)
            break;
        length += (size_t)snprintf(text + length, GROUPS_TEXT_SIZE - length, "%s%s",
                                   i > 0 ? "," : "", name);
    }
}

/* ---- The directories of a path */

/* The directory that `path` begins with, one deeper each time; false after the last. `length` is 0 before
 * the first. */
static bool next_directory(const char *path, size_t *length, char directory[PATH_MAX_BYTES])
{
    const char *slash = strchr(path + *length + 1, '/');

    if (!slash || slash - path >= PATH_MAX_BYTES)
        return false;
    *length = (size_t)(slash - path);
    memcpy(directory, path, *length);
    directory[*length] = '\0';
    return true;
}

/* ---- The reasons */

static const char *name_kind(mode_t mode)
{
    if (S_ISDIR(mode))
        return "directory";
    if (S_ISREG(mode))
        return "regular file";
    return S_ISSOCK(mode) ? "socket" : "special file";
}

static void explain_refused(const char *path, char reason[SOCKET_FILE_REASON_SIZE])
{
    struct stat found;

    if (stat(path, &found) != 0 || S_ISSOCK(found.st_mode))
        say_reason(reason, "nobody listens on this socket: p0f has ended and left it behind, or "
                           "only the socket is mounted into this container, and p0f has made a new "
                           "one (mount its directory instead)");
    else if (S_ISDIR(found.st_mode))
        say_reason(reason, "it is a directory, not a socket (docker -v makes one if the path does "
                           "not exist; mount p0f's directory instead)");
    else
        say_reason(reason, "it is a %s, not a socket", name_kind(found.st_mode));
}

static void explain_missing(const char *path, char reason[SOCKET_FILE_REASON_SIZE])
{
    char directory[PATH_MAX_BYTES], target[PATH_MAX_BYTES];
    size_t length = 0;
    struct stat found;

    while (next_directory(path, &length, directory)) {
        if (stat(directory, &found) == 0)
            continue;
        say_reason(reason,
                   "the directory %s does not exist: p0f is not running, or nobody has "
                   "made it (RuntimeDirectory= in its unit)",
                   directory);
        return;
    }
    ssize_t linked = readlink(path, target, sizeof target - 1);
    if (linked > 0)
        say_reason(reason, "it is a symbolic link to %.*s, which does not exist", (int)linked,
                   target);
    else
        say_reason(reason, "it does not exist: p0f is not running, or not with -s %s", path);
}

static void explain_not_directory(const char *path, char reason[SOCKET_FILE_REASON_SIZE])
{
    char directory[PATH_MAX_BYTES];
    size_t length = 0;
    struct stat found;

    say_reason(reason, "a part of the path is not a directory");
    while (next_directory(path, &length, directory))
        if (stat(directory, &found) == 0 && !S_ISDIR(found.st_mode))
            say_reason(reason, "%s is a %s, not a directory", directory, name_kind(found.st_mode));
}

/* What is in the way of us: a directory that we may not search, or else the socket, if we may not write
 * to it. False if neither is. */
static bool find_barrier(const char *path, char barrier[PATH_MAX_BYTES])
{
    size_t length = 0;

    while (next_directory(path, &length, barrier))
        if (faccessat(AT_FDCWD, barrier, X_OK, AT_EACCESS) != 0)
            return true;
    snprintf(barrier, PATH_MAX_BYTES, "%s", path);
    return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) != 0;
}

static void explain_denied(const char *path, char reason[SOCKET_FILE_REASON_SIZE])
{
    char barrier[PATH_MAX_BYTES], user[NAME_SIZE], groups[GROUPS_TEXT_SIZE];
    char owner[NAME_SIZE], group[NAME_SIZE];
    bool barred = find_barrier(path, barrier);
    struct stat found;

    name_user(geteuid(), user);
    name_own_groups(groups);
    if (!barred || stat(barrier, &found) != 0) {
        say_reason(reason, "permission denied to user %s (groups %s)%s", user, groups,
                   barred ? "" : ", though the modes allow it: SELinux or AppArmor?");
        return;
    }
    name_user(found.st_uid, owner);
    name_group(found.st_gid, group);
    say_reason(reason,
               "permission denied to user %s (groups %s): the %s %s has owner %s, group %s "
               "and mode %04o",
               user, groups, name_kind(found.st_mode), barrier, owner, group,
               (unsigned)(found.st_mode & 07777));
}

void socket_file_explain(const char *path, int cause, char reason[SOCKET_FILE_REASON_SIZE])
{
    switch (cause) {
    case ECONNREFUSED:
        explain_refused(path, reason);
        break;
    case ENOENT:
        explain_missing(path, reason);
        break;
    case ENOTDIR:
        explain_not_directory(path, reason);
        break;
    case EACCES:
    case EPERM:
        explain_denied(path, reason);
        break;
    case EAGAIN:
        say_reason(reason, "its queue of new connections is full: p0f is stopped, or too busy to "
                           "accept them");
        break;
    case EPROTOTYPE:
        say_reason(reason, "it is a socket of another kind (datagrams), not p0f's");
        break;
    default:
        say_reason(reason, "%s", strerrordesc_np(cause));
        break;
    }
}

/* ---- Whether it is the same */

struct socket_file_id socket_file_id(const char *path)
{
    struct stat found;

    if (stat(path, &found) != 0)
        return (struct socket_file_id){0};
    return (struct socket_file_id){
        .device = found.st_dev, .inode = found.st_ino, .changed = found.st_ctim};
}

bool socket_file_same(const struct socket_file_id *a, const struct socket_file_id *b)
{
    return a->device == b->device && a->inode == b->inode &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}
