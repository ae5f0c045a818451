/* SPDX-License-Identifier: MIT */
/* http.token_file: the file of tokens. Nobody but root and the daemon's user may be able to change it. */
#ifndef CONFIG_TOKEN_FILE_H
#define CONFIG_TOKEN_FILE_H

#include "config/config.h"
#include "net/tokens.h"

/* Reads the file that the setting names. Gives a reference in *tokens, or NULL if the setting is empty.
 * False with a message in `error` that names the setting, the file, its line and what to do; errno is ENOMEM
 * when out of memory, EAGAIN if the next try may succeed, and EINVAL otherwise. */
bool token_file_load(const struct config *config, struct tokens **tokens,
                     char error[CONFIG_ERROR_SIZE]);

/* Only checks that this is possible. */
bool token_file_check(const struct config *config, char error[CONFIG_ERROR_SIZE]);

#endif
