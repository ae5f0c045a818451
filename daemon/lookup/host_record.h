/* SPDX-License-Identifier: MIT */
/* One answer of p0f's about a known host, shared by the cache and by all who are being served it.
 *
 * Counted references; immutable, but that the raw body is rendered when it is first asked for and
 * kept from then on. Any thread. */
#ifndef LOOKUP_HOST_RECORD_H
#define LOOKUP_HOST_RECORD_H

#include "lookup/recall_entry.h"
#include "p0fclient.h"
#include "json/render.h"

struct host_record;

#define ETAG_SIZE sizeof "\"0123456789abcdef\""

struct host_record_body {
    size_t length;
    char etag[ETAG_SIZE]; /* with its quotes; of the text alone, so the same everywhere */
    char text[];
};

/* Copies both, and renders the parsed body. The caller owns one reference; NULL when out of memory. */
struct host_record *host_record_new(const struct p0f_addr *addr, const struct p0f_host *host);

/* One more reference to the same; returns it. */
struct host_record *host_record_ref(struct host_record *record);

/* Gives one back; the last one frees. NULL is nothing. */
void host_record_unref(struct host_record *record);

const struct p0f_host *host_record_host(const struct host_record *record);

/* Lives as long as the answer. NULL when out of memory. */
const struct host_record_body *host_record_body(struct host_record *record,
                                                enum render_format format);

/* False when a field has a value p0f cannot mean (p0f_host_check). */
bool host_record_valid(const struct host_record *record);

/* True while the host lacks both its OS and its HTTP application: p0f will soon know more. */
bool host_record_incomplete(const struct host_record *record);

/* Bytes of memory it takes, but for a raw body. */
size_t host_record_size(const struct host_record *record);

/* The cache's part of it. An answer can be in one cache, once. */
struct cache_entry *host_record_entry(struct host_record *record);
struct host_record *host_record_of_entry(struct cache_entry *entry);

/* The entity tag of any body, as host_record_body's. */
void host_record_etag(const char *text, size_t length, char etag[ETAG_SIZE]);

#endif
