/* SPDX-License-Identifier: MIT */
#include "net/discard.h"

#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

#define DISCARD_MAX (256 * 1024) /* bytes */
#define DISCARD_AT_ONCE (16 * 1024)

void discard_and_shut(int fd)
{
    char discarded[DISCARD_AT_ONCE];

    for (size_t count = 0; count < DISCARD_MAX;) {
        /* MSG_TRUNC: TCP does not even copy the bytes. */
        ssize_t got = recv(fd, discarded, sizeof discarded, MSG_DONTWAIT | MSG_TRUNC);
        if (got <= 0)
            break;
        count += (size_t)got;
    }
    shutdown(fd, SHUT_RDWR);
}
