/* SPDX-License-Identifier: MIT */
#include "http/worker_tokens.h"

#include <stdatomic.h>

void worker_tokens_begin(struct worker_tokens *own, struct tokens *tokens)
{
    own->tokens = tokens ? tokens_ref(tokens) : NULL;
    atomic_init(&own->fresh, NULL);
}

/* One that the worker has not seen yet is superseded. */
void worker_tokens_replace(struct worker_tokens *own, struct tokens *tokens)
{
    tokens_unref(atomic_exchange(&own->fresh, tokens_ref(tokens)));
}

const struct tokens *worker_tokens_in_force(struct worker_tokens *own)
{
    if (own->tokens && atomic_load_explicit(&own->fresh, memory_order_relaxed)) {
        tokens_unref(own->tokens);
        own->tokens = atomic_exchange(&own->fresh, NULL); /* not NULL: only we take it out */
    }
    return own->tokens;
}

void worker_tokens_end(struct worker_tokens *own)
{
    tokens_unref(own->tokens);
    tokens_unref(atomic_exchange(&own->fresh, NULL));
    own->tokens = NULL;
}
