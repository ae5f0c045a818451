/* SPDX-License-Identifier: MIT */
/* Who may connect to a unix socket that we listen on: its mode and group. (The permissions of its directory
 * apply as well.) */
#ifndef NET_SOCKET_ACCESS_H
#define NET_SOCKET_ACCESS_H

#include <stdbool.h>
#include <sys/types.h>

#define SOCKET_GROUP_UNSET ((gid_t)-1)

struct socket_access {
    mode_t mode;
    gid_t group; /* SOCKET_GROUP_UNSET: that of new files */
};

#define SOCKET_ACCESS_ERROR_SIZE 160

/* Finds a group by name or number; "" is SOCKET_GROUP_UNSET. False with a message in `error`; errno is
 * EINVAL if there is no such group, ENOMEM when out of memory, and EAGAIN if the lookup fails.
 * May ask a directory service, so it can take long. Any thread. */
bool socket_access_find_group(const char *name, gid_t *group, char error[SOCKET_ACCESS_ERROR_SIZE]);

#endif
