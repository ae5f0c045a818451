/* SPDX-License-Identifier: MIT */
#include "net/tokens.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGEST_BYTES 32
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

struct digest {
    unsigned char bytes[DIGEST_BYTES];
};

struct token {
    struct digest digest;
    enum token_role role;
    int line;
    char name[TOKEN_NAME_MAX + 1];
};

struct tokens {
    atomic_uint references;
    size_t count;
    struct token list[];
};

/* ---- Roles and names */

static const struct {
    const char *name;
    unsigned permits;
} roles[] = {
    [ROLE_LOOKUP] = {"lookup", PERMIT_LOOKUP | PERMIT_SELF},
    [ROLE_SELF] = {"self", PERMIT_SELF},
    [ROLE_METRICS] = {"metrics", PERMIT_METRICS},
    [ROLE_ALL] = {"all", PERMIT_LOOKUP | PERMIT_SELF | PERMIT_METRICS | PERMIT_ALL},
};

bool token_role_find(struct span name, enum token_role *role)
{
    for (enum token_role each = ROLE_LOOKUP; each <= ROLE_ALL; each++) {
        if (span_equals(name, roles[each].name)) {
            *role = each;
            return true;
        }
    }
    return false;
}

const char *token_role_name(enum token_role role)
{
    return roles[role].name;
}

unsigned token_role_permits(enum token_role role)
{
    return roles[role].permits;
}

static bool is_name_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '.' || byte == '_' || byte == '-';
}

bool token_name_is_valid(struct span name)
{
    for (size_t i = 0; i < name.length; i++)
        if (!is_name_byte(name.at[i]))
            return false;
    return name.length > 0 && name.length <= TOKEN_NAME_MAX;
}

/* ---- Digests */

static struct digest digest_of(struct span token)
{
    struct digest digest;

    /* Fails only for an algorithm that GnuTLS does not have. */
    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, token.at, token.length, digest.bytes) < 0)
        abort();
    return digest;
}

void token_digest(struct span token, char text[TOKEN_DIGEST_SIZE])
{
    const struct digest digest = digest_of(token);
    int length = snprintf(text, TOKEN_DIGEST_SIZE, TOKEN_DIGEST_PREFIX);

    for (size_t i = 0; i < DIGEST_BYTES; i++, length += 2)
        snprintf(text + length, TOKEN_DIGEST_SIZE - (size_t)length, "%02x", digest.bytes[i]);
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

static bool read_hex(struct span text, struct digest *digest)
{
    if (text.length != 2 * DIGEST_BYTES)
        return false;
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        int high = hex_value(text.at[2 * i]), low = hex_value(text.at[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        digest->bytes[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

/* ---- Reading a line */

__attribute__((format(printf, 2, 3))) static bool refuse_token(char error[TOKENS_ERROR_SIZE],
                                                               const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(error, TOKENS_ERROR_SIZE, format, args);
    va_end(args);
    errno = EINVAL;
    return false;
}

/* Takes the next word off the line; empty if there is none. */
static struct span next_word(struct span *line)
{
    size_t length = 0;

    *line = span_trim(*line);
    while (length < line->length && !span_is_blank(line->at[length]))
        length++;
    struct span word = {line->at, length};
    *line = span_from(*line, length);
    return word;
}

/* The text is not shown: it may be a token. */
static bool read_digest(struct span text, struct digest *digest, char error[TOKENS_ERROR_SIZE])
{
    struct span hex = text;

    if (text.length == 0)
        return refuse_token(error, "expected NAME " TOKEN_DIGEST_PREFIX
                                   "DIGEST [ROLE]; 'p0f-lookupd token NAME' makes such a line");
    if (span_skip(&hex, TOKEN_DIGEST_PREFIX))
        return read_hex(hex, digest) ||
               refuse_token(error, "expected 64 hexadecimal digits after " TOKEN_DIGEST_PREFIX
                                   ", as 'p0f-lookupd token NAME' prints");
    if (read_hex(hex, digest))
        return refuse_token(error, "the digest has no " TOKEN_DIGEST_PREFIX " in front of it");
    return refuse_token(error,
                        "expected " TOKEN_DIGEST_PREFIX
                        "DIGEST; if this is the token itself, replace it by " TOKEN_DIGEST_PREFIX
                        " and the output of: printf %%s TOKEN | sha256sum");
}

/* What "printf %s $TOKEN | sha256sum" prints when there is no such variable. */
static bool is_of_nothing(const struct digest *digest)
{
    const struct digest nothing = digest_of((struct span){"", 0});

    return memcmp(digest, &nothing, sizeof nothing) == 0;
}

static bool read_role(struct span text, enum token_role *role, char error[TOKENS_ERROR_SIZE])
{
    *role = ROLE_LOOKUP;
    return text.length == 0 || token_role_find(text, role) ||
           refuse_token(error, "unknown role: expected " ROLES);
}

static bool read_token(struct span line, struct token *token, char error[TOKENS_ERROR_SIZE])
{
    struct span name = next_word(&line), digest = next_word(&line), role = next_word(&line);

    if (!token_name_is_valid(name))
        return refuse_token(error, "expected " TOKEN_NAME_EXPECTED ", then its digest");
    memcpy(token->name, name.at, name.length);
    token->name[name.length] = '\0';
    if (!read_digest(digest, &token->digest, error) || !read_role(role, &token->role, error))
        return false;
    if (is_of_nothing(&token->digest))
        return refuse_token(error, "this is the digest of an empty token");
    return next_word(&line).length == 0 ||
           refuse_token(error, "expected nothing after the role; put comments on lines of their "
                               "own");
}

/* ---- All lines */

static bool is_unique(const struct tokens *tokens, const struct token *token,
                      char error[TOKENS_ERROR_SIZE])
{
    for (size_t i = 0; i < tokens->count; i++) {
        const struct token *other = &tokens->list[i];
        if (strcmp(other->name, token->name) == 0)
            return refuse_token(error, "duplicate name %s: already on line %d", token->name,
                                other->line);
        if (memcmp(&other->digest, &token->digest, sizeof token->digest) == 0)
            return refuse_token(error, "%s has the same token as %s on line %d", token->name,
                                other->name, other->line);
    }
    return true;
}

/* Makes room for a token, doubling it at each power of two. NULL when out of memory, with the set freed. */
static struct tokens *make_room_for_token(struct tokens *tokens)
{
    size_t count = tokens->count;

    if ((count & (count - 1)) != 0)
        return tokens;
    struct tokens *larger =
        realloc(tokens, sizeof *tokens + (count ? 2 * count : 1) * sizeof tokens->list[0]);
    if (!larger)
        free(tokens);
    return larger;
}

static bool add_token(struct tokens **tokens, struct span line, int number,
                      char error[TOKENS_ERROR_SIZE])
{
    struct token token = {.line = number};

    if (memchr(line.at, '\0', line.length))
        return refuse_token(error, "NUL byte: expected text");
    if (line.length > 0 && line.at[line.length - 1] == '\r')
        line.length--;
    line = span_trim(line);
    if (line.length == 0 || line.at[0] == '#')
        return true;
    if (!read_token(line, &token, error) || !is_unique(*tokens, &token, error))
        return false;
    if ((*tokens)->count == TOKENS_MAX)
        return refuse_token(error, "too many tokens: expected at most %d", TOKENS_MAX);
    *tokens = make_room_for_token(*tokens);
    if (!*tokens) {
        snprintf(error, TOKENS_ERROR_SIZE, "out of memory");
        errno = ENOMEM;
        return false;
    }
    (*tokens)->list[(*tokens)->count++] = token;
    return true;
}

struct tokens *tokens_parse(struct span text, int *line, char error[TOKENS_ERROR_SIZE])
{
    struct tokens *tokens = calloc(1, sizeof *tokens);
    bool good = tokens != NULL;

    *line = 0;
    if (!good)
        snprintf(error, TOKENS_ERROR_SIZE, "out of memory");
    span_skip(&text, BYTE_ORDER_MARK);
    while (good && text.length > 0) {
        struct span each = span_split(&text, '\n');
        good = add_token(&tokens, each, ++*line, error);
    }
    if (good && tokens->count == 0) {
        *line = 0;
        good = refuse_token(error, "it holds no token, so nobody could get in; "
                                   "'p0f-lookupd token NAME' makes one");
    }
    if (good)
        return tokens_ref(tokens);
    int problem = errno;
    free(tokens);
    errno = problem;
    return NULL;
}

struct tokens *tokens_ref(struct tokens *tokens)
{
    atomic_fetch_add(&tokens->references, 1);
    return tokens;
}

void tokens_unref(struct tokens *tokens)
{
    if (tokens && atomic_fetch_sub(&tokens->references, 1) == 1)
        free(tokens);
}

size_t tokens_count(const struct tokens *tokens)
{
    return tokens->count;
}

/* ---- Finding */

bool tokens_find(const struct tokens *tokens, struct span token, enum token_role *role)
{
    const struct digest digest = digest_of(token);
    const struct token *found = NULL;

    for (size_t i = 0; i < tokens->count; i++)
        if (gnutls_memcmp(tokens->list[i].digest.bytes, digest.bytes, DIGEST_BYTES) == 0)
            found = &tokens->list[i];
    if (found)
        *role = found->role;
    return found != NULL;
}
