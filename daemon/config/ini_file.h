/* SPDX-License-Identifier: MIT */
/* Reads an INI file strictly: a line that is not understood is an error with its number. A ';' or '#' at
 * the start of a line or after whitespace begins a comment. */
#ifndef CONFIG_INI_FILE_H
#define CONFIG_INI_FILE_H

#include "core/small_file.h"

#include <stdbool.h>

/* Called for each [section] and each "key = value", in order; `section` is "" before the first one.
 * Return false to stop. */
struct ini_file_reader {
    bool (*section)(void *ctx, int line, const char *section);
    bool (*setting)(void *ctx, int line, const char *section, const char *key, const char *value);
    void *ctx;
};

#define INI_FILE_ERROR_SIZE SMALL_FILE_ERROR_SIZE

/* Reads all of the file, and logs a warning if everybody can write it. False with errno: ECANCELED when the
 * reader stopped, and else with a message in `error`: as of small_file_read(), and EINVAL when the file
 * cannot be understood. Not reentrant: it sets libinih's globals. */
bool ini_file_read(const char *path, const struct ini_file_reader *reader,
                   char error[INI_FILE_ERROR_SIZE]);

#endif
