#include "lookup/host_record.h"

#include "core/hash.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* One block: this head, the parsed body and the host, in the order in which a hit needs them. */
struct answer {
    struct entry entry; /* first, so that one is the other */
    atomic_uint references;
    bool valid;
    const struct p0f_host *host;
    struct answer_body *_Atomic body[RENDER_FORMATS];
};

#define ALIGNMENT _Alignof(struct p0f_host)

static size_t aligned(size_t size)
{
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static size_t body_size(size_t length)
{
    return sizeof(struct answer_body) + length + 1;
}

static void body_fill(struct answer_body *body, const char *text, size_t length)
{
    body->length = length;
    memcpy(body->text, text, length + 1);
    answer_etag(text, length, body->etag);
}

static struct answer *answer_with(const struct p0f_addr *addr, const struct p0f_host *host,
                                  const char *text, size_t length)
{
    size_t host_at = aligned(sizeof(struct answer) + body_size(length));
    struct answer *answer = malloc(host_at + sizeof *host);

    if (!answer)
        return NULL;
    struct answer_body *parsed = (struct answer_body *)(answer + 1);
    struct p0f_host *copy = (struct p0f_host *)((char *)answer + host_at);
    bool incomplete = host->os_name[0] == '\0' && host->http_name[0] == '\0';
    *answer = (struct answer){
        .entry = {.addr = *addr, .kind = incomplete ? ENTRY_INCOMPLETE : ENTRY_HOST},
        .references = 1,
        .valid = p0f_host_check(host) == P0F_OK,
        .host = copy,
        .body = {[RENDER_PARSED] = parsed},
    };
    *copy = *host;
    body_fill(parsed, text, length);
    return answer;
}

struct answer *answer_new(const struct p0f_addr *addr, const struct p0f_host *host)
{
    size_t length = 0;
    char *text = render_host(addr, host, RENDER_PARSED, &length);
    struct answer *answer = text ? answer_with(addr, host, text, length) : NULL;

    free(text);
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
    free(answer->body[RENDER_RAW]); /* the parsed one is part of the block */
    free(answer);
}

const struct p0f_host *answer_host(const struct answer *answer)
{
    return answer->host;
}

bool answer_valid(const struct answer *answer)
{
    return answer->valid;
}

bool answer_incomplete(const struct answer *answer)
{
    return answer->entry.kind == ENTRY_INCOMPLETE;
}

void answer_etag(const char *text, size_t length, char etag[ANSWER_ETAG_SIZE])
{
    static const struct hash_key open_key = {0}; /* no secret: equal bodies have equal tags */
    uint64_t rest = hash_sip(&open_key, text, length);

    etag[0] = etag[ANSWER_ETAG_SIZE - 2] = '"';
    etag[ANSWER_ETAG_SIZE - 1] = '\0';
    for (size_t at = ANSWER_ETAG_SIZE - 3; at > 0; at--, rest >>= 4)
        etag[at] = "0123456789abcdef"[rest & 15];
}

size_t answer_size(const struct answer *answer)
{
    const struct answer_body *parsed = (const struct answer_body *)(answer + 1);

    return aligned(sizeof *answer + body_size(parsed->length)) + sizeof *answer->host;
}

struct entry *answer_entry(struct answer *answer)
{
    return &answer->entry;
}

struct answer *answer_of_entry(struct entry *entry)
{
    return (struct answer *)entry;
}

static struct answer_body *body_new(const struct answer *answer, enum render_format format)
{
    size_t length = 0;
    char *text = render_host(&answer->entry.addr, answer->host, format, &length);
    struct answer_body *body = text ? malloc(body_size(length)) : NULL;

    if (body)
        body_fill(body, text, length);
    free(text);
    return body;
}

/* It is about to be copied to a socket: by then it shall have come from memory. */
static void prefetch(const struct answer_body *body)
{
    for (size_t at = 0; at < body->length; at += 64)
        __builtin_prefetch(body->text + at);
}

const struct answer_body *answer_body(struct answer *answer, enum render_format format)
{
    struct answer_body *body = atomic_load_explicit(&answer->body[format], memory_order_acquire);

    if (body) {
        prefetch(body);
        return body;
    }
    body = body_new(answer, format);
    if (!body)
        return NULL;
    struct answer_body *first = NULL;
    if (atomic_compare_exchange_strong(&answer->body[format], &first, body))
        return body;
    free(body); /* somebody else was as quick; theirs may be in use already */
    return first;
}
