/* SPDX-License-Identifier: MIT */
/* Listening sockets that the service manager has opened for us (socket activation): which setting each
 * stands for. They replace the addresses of that setting. */
#ifndef NET_INHERITED_SOCKETS_H
#define NET_INHERITED_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define INHERITED_SOCKETS_KINDS 3

struct inherited_sockets {
    size_t count;
    int *fds;
    size_t setting_count;
    /* "http.listen=127.0.0.1:5030, unix:/run/x.sock": as for -o. */
    char *settings[INHERITED_SOCKETS_KINDS];
};

#define INHERITED_SOCKETS_ERROR_SIZE 320

/* Takes over `count` descriptors from `first` on, of which names[i] says what each is for (FileDescriptorName=):
 * "http", "tls" or "relay". `names` may be NULL. False with a message in `error`; errno is EINVAL if a socket has
 * another name, or cannot be one that we listen on, and ENOMEM when out of memory. */
bool inherited_sockets_read(struct inherited_sockets *sockets, int first, size_t count,
                            char *const *names, char error[INHERITED_SOCKETS_ERROR_SIZE]);

/* The one that listens at this address, or -1. It stays theirs. */
int inherited_sockets_find(const struct inherited_sockets *sockets, const struct sockaddr *name);

/* Frees the struct, but leaves the descriptors open: who listens on them closes them. No-op on a zeroed
 * struct. */
void inherited_sockets_free(struct inherited_sockets *sockets);

#endif
