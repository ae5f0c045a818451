/* SPDX-License-Identifier: MIT */
#include "cmd_token.h"

#include "net/tokens.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define RANDOM_BYTES 32
#define TOKEN_PREFIX "p0fl_" /* for those who search texts for secrets */
#define TOKEN_SIZE (sizeof TOKEN_PREFIX + (RANDOM_BYTES * 8 + 5) / 6)

#define EXIT_BAD_ARGUMENT 2

/* Base64 for URLs (RFC 4648, 5), without padding: in a shell, nothing of it needs quotes. */
static void encode_token(const unsigned char bytes[RANDOM_BYTES], char token[TOKEN_SIZE])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char *at = stpcpy(token, TOKEN_PREFIX);
    unsigned pending = 0;
    int bits = 0;

    for (size_t i = 0; i < RANDOM_BYTES; i++) {
        pending = pending << 8 | bytes[i];
        for (bits += 8; bits >= 6; bits -= 6)
            *at++ = digits[pending >> (bits - 6) & 63];
    }
    if (bits > 0)
        *at++ = digits[pending << (6 - bits) & 63];
    *at = '\0';
}

static bool make_token(char token[TOKEN_SIZE])
{
    unsigned char bytes[RANDOM_BYTES];

    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        return false;
    encode_token(bytes, token);
    explicit_bzero(bytes, sizeof bytes);
    return true;
}

/* The line first: a token whose line is lost is of no use. */
static int print_token(const char *name, enum token_role role, const char *token)
{
    bool terminal = isatty(STDERR_FILENO);
    char digest[TOKEN_DIGEST_SIZE];

    token_digest(span_of(token), digest);
    if (terminal && isatty(STDOUT_FILENO))
        fprintf(stderr, "The line for http.token_file:\n");
    if (printf("%s %s %s\n", name, digest, token_role_name(role)) < 0 || fflush(stdout) != 0) {
        fprintf(stderr, "p0f-lookupd: token: cannot print the line: %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    if (terminal)
        fprintf(stderr,
                "The token, which is not shown again; send it as Authorization: Bearer TOKEN\n");
    fprintf(stderr, "%s\n", token);
    return EXIT_SUCCESS;
}

int cmd_token(const char *name, const char *role_name)
{
    enum token_role role = ROLE_LOOKUP;
    char token[TOKEN_SIZE];

    if (!token_name_is_valid(span_of(name))) {
        fprintf(stderr, "p0f-lookupd: token: expected " TOKEN_NAME_EXPECTED "\n");
        return EXIT_BAD_ARGUMENT;
    }
    if (role_name && !token_role_find(span_of(role_name), &role)) {
        fprintf(stderr, "p0f-lookupd: token: unknown role %.40s: expected " ROLES "\n", role_name);
        return EXIT_BAD_ARGUMENT;
    }
    if (!make_token(token)) {
        fprintf(stderr, "p0f-lookupd: token: no random numbers: %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    int status = print_token(name, role, token);
    explicit_bzero(token, sizeof token);
    return status;
}
