/* SPDX-License-Identifier: MIT */
#include "net/socket_access.h"

#include "core/number.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_FIRST ((size_t)1024)
#define BUFFER_MAX ((size_t)16 * 1024 * 1024) /* a group's members are read, too */

/* 0, or an error as of getgrnam_r(3); *found says whether there is one. */
static int look_up_group(const char *name, gid_t *group, bool *found)
{
    int problem = ERANGE;

    *found = false;
    for (size_t size = BUFFER_FIRST; problem == ERANGE && size <= BUFFER_MAX; size *= 4) {
        struct group entry, *result = NULL;
        char *buffer = malloc(size);
        if (!buffer)
            return ENOMEM;
        problem = getgrnam_r(name, &entry, buffer, size, &result);
        if (result) {
            *group = result->gr_gid;
            *found = true;
        }
        free(buffer);
    }
    return problem;
}

/* Of getgrnam_r(3): what some services return when there is no such group. */
static bool means_unknown(int problem)
{
    return problem == 0 || problem == ENOENT || problem == ESRCH || problem == EBADF ||
           problem == EPERM;
}

bool socket_access_find_group(const char *name, gid_t *group, char error[SOCKET_ACCESS_ERROR_SIZE])
{
    uint64_t number;
    bool found;

    *group = SOCKET_GROUP_UNSET;
    if (!name[0])
        return true;
    int problem = look_up_group(name, group, &found);
    if (found)
        return true;
    if (number_parse(span_of(name), SOCKET_GROUP_UNSET - 1, &number)) {
        *group = (gid_t)number;
        return true;
    }
    if (means_unknown(problem))
        snprintf(error, SOCKET_ACCESS_ERROR_SIZE, "there is no group '%.60s'", name);
    else
        snprintf(error, SOCKET_ACCESS_ERROR_SIZE, "cannot look up the group '%.60s': %s", name,
                 strerror(problem));
    errno = means_unknown(problem) ? EINVAL : problem == ENOMEM ? ENOMEM : EAGAIN;
    return false;
}
