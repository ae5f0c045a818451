/* SPDX-License-Identifier: MIT */
/* What p0f said about a known host, with its JSON bodies, shared by the cache and all responses made
 * from it.
 *
 * Reference counted. Immutable, except that the raw body is rendered when it is first asked for, and
 * kept. Any thread. */
#ifndef LOOKUP_HOST_RECORD_H
#define LOOKUP_HOST_RECORD_H

#include "lookup/recall_entry.h"
#include "p0fclient.h"
#include "json/render.h"

struct host_record;

#define ETAG_SIZE sizeof "\"0123456789abcdef\""

struct host_record_body {
    size_t length;
    char etag[ETAG_SIZE]; /* with its quotes; a hash of the text alone: the same in every process */
    char text[];
};

/* Copies its arguments and renders the parsed body. `sensor` is the name of who saw the host; NULL or "":
 * none. `partial`: somebody else may know more, so it is kept as short as an incomplete one. The caller
 * owns one reference. NULL when out of memory. */
struct host_record *host_record_new(const struct p0f_addr *addr, const struct p0f_host *host,
                                    const char *sensor, bool partial);

/* Takes another reference and returns the record. */
struct host_record *host_record_ref(struct host_record *record);

/* Drops a reference; the last one frees. No-op on NULL. */
void host_record_unref(struct host_record *record);

const struct p0f_host *host_record_host(const struct host_record *record);

/* "" if it has none. Lives as long as the record. */
const char *host_record_sensor(const struct host_record *record);

/* Lives as long as the record. Also prefetches the text. NULL when out of memory. */
const struct host_record_body *host_record_body(struct host_record *record,
                                                enum render_format format);

/* False when a field is out of range (p0f_host_check). */
bool host_record_valid(const struct host_record *record);

/* The part that is linked into the cache, of kind RECALL_HOST or RECALL_INCOMPLETE, and back. A record
 * can be in one cache, once. */
struct recall_entry *host_record_entry(struct host_record *record);
struct host_record *host_record_of_entry(struct recall_entry *entry);

/* The entity tag of a body. */
void host_record_etag(const char *text, size_t length, char etag[ETAG_SIZE]);

#endif
