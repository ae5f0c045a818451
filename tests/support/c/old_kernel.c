/* SPDX-License-Identifier: MIT */
/* Preloaded into the daemon: /proc/self/fd has no size, as before Linux 6.2. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

int stat(const char *restrict path, struct stat *restrict status)
{
    int result = fstatat(AT_FDCWD, path, status, 0);

    if (result == 0 && strcmp(path, "/proc/self/fd") == 0)
        status->st_size = 0;
    return result;
}
