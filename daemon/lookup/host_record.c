/* SPDX-License-Identifier: MIT */
#include "lookup/host_record.h"

#include "core/hash.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* One block of memory: this head, the parsed body, the host and the sensor's name, in the order in which a
 * hit reads them. */
struct host_record {
    struct recall_entry entry; /* first, so that one is the other */
    atomic_uint references;
    bool valid;
    const struct p0f_host *host;
    const char *sensor;
    struct host_record_body *_Atomic body[RENDER_FORMATS];
};

#define ALIGNMENT _Alignof(struct p0f_host)

static size_t aligned(size_t size)
{
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static size_t body_size(size_t length)
{
    return sizeof(struct host_record_body) + length + 1;
}

static void body_fill(struct host_record_body *body, const char *text, size_t length)
{
    body->length = length;
    memcpy(body->text, text, length + 1);
    host_record_etag(text, length, body->etag);
}

/* `text` is the parsed body. */
static struct host_record *record_with(const struct p0f_addr *addr, const struct p0f_host *host,
                                       const char *sensor, const char *text, size_t length)
{
    size_t host_at = aligned(sizeof(struct host_record) + body_size(length));
    size_t sensor_at = host_at + sizeof *host;
    size_t size = sensor_at + strlen(sensor) + 1;
    struct host_record *record = malloc(size);

    if (!record)
        return NULL;
    struct host_record_body *parsed = (struct host_record_body *)(record + 1);
    struct p0f_host *copy = (struct p0f_host *)((char *)record + host_at);
    *record = (struct host_record){
        .entry.cached = {.size = (uint32_t)size, .addr = *addr},
        .references = 1,
        .valid = p0f_host_check(host) == P0F_OK,
        .host = copy,
        .sensor = strcpy((char *)record + sensor_at, sensor),
        .body = {[RENDER_PARSED] = parsed},
    };
    *copy = *host;
    body_fill(parsed, text, length);
    return record;
}

struct host_record *host_record_new(const struct p0f_addr *addr, const struct p0f_host *host,
                                    const char *sensor, bool partial)
{
    bool incomplete = partial || (host->os_name[0] == '\0' && host->http_name[0] == '\0');
    const char *name = sensor ? sensor : "";
    size_t length = 0;
    char *text = render_host(addr, host, name, RENDER_PARSED, &length);
    struct host_record *record = text ? record_with(addr, host, name, text, length) : NULL;

    if (record)
        record->entry.kind = incomplete ? RECALL_INCOMPLETE : RECALL_HOST;
    free(text);
    return record;
}

struct host_record *host_record_ref(struct host_record *record)
{
    atomic_fetch_add_explicit(&record->references, 1, memory_order_relaxed);
    return record;
}

void host_record_unref(struct host_record *record)
{
    if (!record)
        return;
    /* Releases our reads before the count drops; the last one acquires everybody's. */
    if (atomic_fetch_sub_explicit(&record->references, 1, memory_order_acq_rel) > 1)
        return;
    free(record->body[RENDER_RAW]); /* the parsed one is part of the block */
    free(record);
}

const struct p0f_host *host_record_host(const struct host_record *record)
{
    return record->host;
}

const char *host_record_sensor(const struct host_record *record)
{
    return record->sensor;
}

bool host_record_valid(const struct host_record *record)
{
    return record->valid;
}

void host_record_etag(const char *text, size_t length, char etag[ETAG_SIZE])
{
    static const struct hash_key open_key = {0}; /* no secret: equal bodies have equal tags */
    uint64_t rest = hash_sip(&open_key, text, length);

    etag[0] = etag[ETAG_SIZE - 2] = '"';
    etag[ETAG_SIZE - 1] = '\0';
    for (size_t at = ETAG_SIZE - 3; at > 0; at--, rest >>= 4)
        etag[at] = "0123456789abcdef"[rest & 15];
}

struct recall_entry *host_record_entry(struct host_record *record)
{
    return &record->entry;
}

struct host_record *host_record_of_entry(struct recall_entry *entry)
{
    return (struct host_record *)entry;
}

static struct host_record_body *body_new(const struct host_record *record,
                                         enum render_format format)
{
    size_t length = 0;
    char *text =
        render_host(&record->entry.cached.addr, record->host, record->sensor, format, &length);
    struct host_record_body *body = text ? malloc(body_size(length)) : NULL;

    if (body)
        body_fill(body, text, length);
    free(text);
    return body;
}

/* The text is copied to a socket soon. */
static void prefetch(const struct host_record_body *body)
{
    for (size_t at = 0; at < body->length; at += 64)
        __builtin_prefetch(body->text + at);
}

const struct host_record_body *host_record_body(struct host_record *record,
                                                enum render_format format)
{
    struct host_record_body *body =
        atomic_load_explicit(&record->body[format], memory_order_acquire);

    if (body) {
        prefetch(body);
        return body;
    }
    body = body_new(record, format);
    if (!body)
        return NULL;
    struct host_record_body *first = NULL;
    if (atomic_compare_exchange_strong(&record->body[format], &first, body))
        return body;
    free(body); /* another thread was faster, and its body may be in use */
    return first;
}
