/* SPDX-License-Identifier: MIT */
#include "config/same_path.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#define PATH_SIZE sizeof(((struct sockaddr_un *)0)->sun_path)

/* Copies the directory of an absolute path and returns the name in it. */
static const char *split_path(const char *path, char directory[PATH_SIZE])
{
    const char *name = strrchr(path, '/') + 1;

    snprintf(directory, PATH_SIZE, "%.*s", (int)(name - path), path);
    return name;
}

bool same_path(const char *a, const char *b)
{
    char directory_a[PATH_SIZE], directory_b[PATH_SIZE];
    struct stat at_a, at_b;

    if (strcmp(a, b) == 0)
        return true;
    if (strcmp(split_path(a, directory_a), split_path(b, directory_b)) != 0)
        return false;
    return stat(directory_a, &at_a) == 0 && stat(directory_b, &at_b) == 0 &&
           at_a.st_dev == at_b.st_dev && at_a.st_ino == at_b.st_ino;
}
