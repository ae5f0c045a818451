/* SPDX-License-Identifier: MIT */
/* p0f's socket as a file: why it cannot be connected to, and whether it is still the same one. Looks at
 * the file system only, so it blocks on no name service. Belongs to one thread. */
#ifndef P0F_SOCKET_FILE_H
#define P0F_SOCKET_FILE_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#define SOCKET_FILE_REASON_SIZE 400

/* Why connect() to `path` has failed with the errno `cause`, for a person: what is there instead, or who
 * has no permission for what. */
void socket_file_explain(const char *path, int cause, char reason[SOCKET_FILE_REASON_SIZE]);

/* Tells a socket from a later one at the same path. All zero: there is none. */
struct socket_file_id {
    dev_t device;
    ino_t inode;
    struct timespec changed; /* inode numbers are used again */
};

struct socket_file_id socket_file_id(const char *path);
bool socket_file_same(const struct socket_file_id *a, const struct socket_file_id *b);

#endif
