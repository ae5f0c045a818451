/* SPDX-License-Identifier: MIT */
/* Reads a file that somebody else may have put there, whole and at once: settings, tokens, certificates.
 * Never waits and never takes much memory, whatever is at the path: a pipe, a directory or /dev/zero is
 * refused with a message. */
#ifndef CORE_SMALL_FILE_H
#define CORE_SMALL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

struct small_file {
    char *text;         /* with a NUL behind it; may have NULs in it */
    size_t length;      /* without that NUL */
    struct stat status; /* of the very file that was read */
};

#define SMALL_FILE_ERROR_SIZE 768

/* Reads a regular file (or /dev/null) of at most `max` bytes. Free it with small_file_free(). False with
 * a message in `error` that begins with the path and says what to do; errno is ENOMEM when out of
 * memory, EAGAIN if the next try may succeed (no descriptors, an I/O error), and EINVAL otherwise. */
bool small_file_read(const char *path, size_t max, struct small_file *file,
                     char error[SMALL_FILE_ERROR_SIZE]);

/* Checks that others have none of the permissions in `forbidden`, such as S_IWGRP | S_IWOTH. False with
 * EINVAL and a message in `error`, which says how to take them away. Pure. */
bool small_file_check_mode(const char *path, const struct small_file *file, mode_t forbidden,
                           char error[SMALL_FILE_ERROR_SIZE]);

/* Wipes the text, which may be secret, and frees it. No-op on one that is all zeros. */
void small_file_free(struct small_file *file);

#endif
