#include "answer.h"

#include "hash.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a hit needs comes first, in one cache line. */
struct answer {
    atomic_uint references;
    bool valid;
    bool incomplete;
    struct answer_body *_Atomic body[RENDER_FORMATS];
    struct p0f_addr addr;
    struct p0f_host host;
};

struct answer *answer_new(const struct p0f_addr *addr, const struct p0f_host *host)
{
    struct answer *answer = calloc(1, sizeof *answer);

    if (!answer)
        return NULL;
    atomic_init(&answer->references, 1);
    answer->addr = *addr;
    answer->host = *host;
    answer->valid = p0f_host_check(host) == P0F_OK;
    answer->incomplete = host->os_name[0] == '\0' && host->http_name[0] == '\0';
    return answer;
}

struct answer *answer_ref(struct answer *answer)
{
    atomic_fetch_add_explicit(&answer->references, 1, memory_order_relaxed);
    return answer;
}

void answer_unref(struct answer *answer)
{
    if (!answer)
        return;
    /* Release our reads before the count drops; the last one acquires everybody's. */
    if (atomic_fetch_sub_explicit(&answer->references, 1, memory_order_acq_rel) > 1)
        return;
    for (int i = 0; i < RENDER_FORMATS; i++)
        free(answer->body[i]);
    free(answer);
}

const struct p0f_host *answer_host(const struct answer *answer)
{
    return &answer->host;
}

bool answer_valid(const struct answer *answer)
{
    return answer->valid;
}

bool answer_incomplete(const struct answer *answer)
{
    return answer->incomplete;
}

void answer_etag(const char *text, size_t length, char etag[ANSWER_ETAG_SIZE])
{
    static const struct hash_key open_key = {0}; /* no secret: equal bodies have equal tags */

    snprintf(etag, ANSWER_ETAG_SIZE, "\"%016" PRIx64 "\"", hash_sip(&open_key, text, length));
}

static struct answer_body *body_new(const struct answer *answer, enum render_format format)
{
    size_t length = 0;
    char *text = render_host(&answer->addr, &answer->host, format, &length);
    struct answer_body *body = text ? malloc(sizeof *body + length + 1) : NULL;

    if (body) {
        body->length = length;
        memcpy(body->text, text, length + 1);
        answer_etag(body->text, length, body->etag);
    }
    free(text);
    return body;
}

const struct answer_body *answer_body(struct answer *answer, enum render_format format)
{
    struct answer_body *body = atomic_load_explicit(&answer->body[format], memory_order_acquire);

    if (body)
        return body;
    body = body_new(answer, format);
    if (!body)
        return NULL;
    struct answer_body *first = NULL;
    if (atomic_compare_exchange_strong(&answer->body[format], &first, body))
        return body;
    free(body); /* somebody else was as quick; theirs may be in use already */
    return first;
}
