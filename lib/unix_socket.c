/* SPDX-License-Identifier: MIT */
#include "unix_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int p0f_unix_connect(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};

    if (path[0] == '\0') { /* to the kernel, another kind of name */
        errno = ENOENT;
        return -1;
    }
    if (strlen(path) >= sizeof name.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(name.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    /* A unix socket connects at once or fails: EAGAIN means a full backlog. */
    if (connect(fd, (const struct sockaddr *)&name, sizeof name) != 0) {
        int cause = errno;
        close(fd);
        errno = cause;
        return -1;
    }
    return fd;
}
