/* SPDX-License-Identifier: MIT */
/* The tokens in force, as one worker has them: each worker has a reference of its own and takes over a new
 * set by itself, so that requests share no lock and no counter. Private to the HTTP side. */
#ifndef HTTP_WORKER_TOKENS_H
#define HTTP_WORKER_TOKENS_H

#include "net/tokens.h"

struct worker_tokens {
    struct tokens *tokens;          /* in force; NULL: nobody needs one. The worker's own */
    _Atomic(struct tokens *) fresh; /* in force from the next request on; or NULL */
};

/* `tokens` may be NULL, which is for good. Takes a reference. */
void worker_tokens_begin(struct worker_tokens *own, struct tokens *tokens);

/* From the next request on, these are in force. Takes a reference. Neither set may be NULL. Any thread. */
void worker_tokens_replace(struct worker_tokens *own, struct tokens *tokens);

/* The tokens in force, valid until the next call; NULL: nobody needs one. In the worker's thread. */
const struct tokens *worker_tokens_in_force(struct worker_tokens *own);

/* Gives the references back. */
void worker_tokens_end(struct worker_tokens *own);

#endif
