/* SPDX-License-Identifier: MIT */
#include "config/token_file.h"

#include "config/config_private.h"
#include "core/small_file.h"

#include <errno.h>
#include <unistd.h>

#define FILE_MAX (256 * 1024)
#define REASON_SIZE (SMALL_FILE_ERROR_SIZE + 32)

/* Whoever owns it can change its mode, and then the tokens. */
static bool check_owner(const char *path, const struct small_file *file, char reason[REASON_SIZE])
{
    uid_t owner = file->status.st_uid;

    if (owner == 0 || owner == geteuid())
        return true;
    snprintf(reason, REASON_SIZE,
             "%.300s: it belongs to the user %u, who could let anybody in; run: chown root %.300s",
             path, (unsigned)owner, path);
    errno = EINVAL;
    return false;
}

static struct tokens *parse_file(const char *path, const struct small_file *file,
                                 char reason[REASON_SIZE])
{
    char problem[TOKENS_ERROR_SIZE];
    int line;

    if (!small_file_check_mode(path, file, S_IWGRP | S_IWOTH, reason) ||
        !check_owner(path, file, reason))
        return NULL;
    struct tokens *tokens = tokens_parse((struct span){file->text, file->length}, &line, problem);
    if (!tokens && line > 0)
        snprintf(reason, REASON_SIZE, "%.300s:%d: %s", path, line, problem);
    else if (!tokens)
        snprintf(reason, REASON_SIZE, "%.300s: %s", path, problem);
    return tokens;
}

static struct tokens *read_tokens(const char *path, char reason[REASON_SIZE])
{
    struct small_file file;

    if (!small_file_read(path, FILE_MAX, &file, reason))
        return NULL;
    struct tokens *tokens = parse_file(path, &file, reason);
    int problem = errno;
    small_file_free(&file);
    errno = problem;
    return tokens;
}

bool token_file_load(const struct config *config, struct tokens **tokens,
                     char error[CONFIG_ERROR_SIZE])
{
    char reason[REASON_SIZE];

    *tokens = NULL;
    if (!config->http.token_file[0])
        return true;
    *tokens = read_tokens(config->http.token_file, reason);
    return *tokens || config_refuse(config, "http.token_file", error, "%s", reason);
}

bool token_file_check(const struct config *config, char error[CONFIG_ERROR_SIZE])
{
    struct tokens *tokens;
    bool good = token_file_load(config, &tokens, error);

    tokens_unref(tokens);
    return good;
}
