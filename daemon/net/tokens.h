/* SPDX-License-Identifier: MIT */
/* Who may ask: named tokens, known only by their SHA-256 digests, and what each may do. Pure, except for
 * allocation. A set of tokens never changes, so any thread may read it while it holds a reference. */
#ifndef NET_TOKENS_H
#define NET_TOKENS_H

#include "core/span.h"

#include <stdbool.h>
#include <stddef.h>

struct tokens;

/* What may be done; bits. */
enum {
    PERMIT_LOOKUP = 1 << 0,  /* look any host up */
    PERMIT_SELF = 1 << 1,    /* look up the client itself */
    PERMIT_METRICS = 1 << 2, /* see how the daemon is doing */
    PERMIT_ALL = 1 << 3,     /* the rest */
};

/* Any token will do. */
#define PERMIT_ANY (PERMIT_LOOKUP | PERMIT_SELF | PERMIT_METRICS | PERMIT_ALL)

enum token_role { ROLE_LOOKUP, ROLE_SELF, ROLE_METRICS, ROLE_ALL };

#define ROLES "lookup, self, metrics or all"

/* False if there is no such role. */
bool token_role_find(struct span name, enum token_role *role);

/* Static. */
const char *token_role_name(enum token_role role);

/* The bits of all that a token of this role may do. */
unsigned token_role_permits(enum token_role role);

#define TOKEN_NAME_MAX 64
#define TOKEN_NAME_EXPECTED "a name of 1 to 64 letters, digits, '.', '_' and '-'"

bool token_name_is_valid(struct span name);

#define TOKEN_DIGEST_PREFIX "sha256:"
#define TOKEN_DIGEST_SIZE (7 + 64 + 1)

/* "sha256:" and 64 hexadecimal digits. */
void token_digest(struct span token, char text[TOKEN_DIGEST_SIZE]);

#define TOKENS_MAX 1000
#define TOKENS_ERROR_SIZE 256

/* Reads lines of the form "name sha256:DIGEST [role]"; the role is lookup if there is none. Blank lines and
 * lines that begin with '#' are skipped. The caller gets a reference. NULL if a line is wrong or there is no
 * token; *line is its number then, or 0, and `error` says what is wrong, never with anything that could be a
 * token. errno is ENOMEM when out of memory, and EINVAL otherwise. */
struct tokens *tokens_parse(struct span text, int *line, char error[TOKENS_ERROR_SIZE]);

/* Another reference to the same set. */
struct tokens *tokens_ref(struct tokens *tokens);

/* Gives a reference back; the last one frees the set. No-op on NULL. */
void tokens_unref(struct tokens *tokens);

size_t tokens_count(const struct tokens *tokens);

/* Whether the set has this token, and what its role is. Takes as long whatever the set has in it, so that
 * nothing about it can be learned from the time. */
bool tokens_find(const struct tokens *tokens, struct span token, enum token_role *role);

#endif
