/* One answer of p0f's about a known host, shared by the cache and by all who are being served it.
 *
 * Counted references; immutable, but that the raw body is rendered when it is first asked for and
 * kept from then on. Any thread. */
#ifndef LOOKUP_HOST_RECORD_H
#define LOOKUP_HOST_RECORD_H

#include "lookup/cache_entry.h"
#include "p0fclient.h"
#include "json/render.h"

struct answer;

#define ANSWER_ETAG_SIZE sizeof "\"0123456789abcdef\""

struct answer_body {
    size_t length;
    char etag[ANSWER_ETAG_SIZE]; /* with its quotes; of the text alone, so the same everywhere */
    char text[];
};

/* Copies both, and renders the parsed body. The caller owns one reference; NULL when out of memory. */
struct answer *answer_new(const struct p0f_addr *addr, const struct p0f_host *host);

/* One more reference to the same; returns it. */
struct answer *answer_ref(struct answer *answer);

/* Gives one back; the last one frees. NULL is nothing. */
void answer_unref(struct answer *answer);

const struct p0f_host *answer_host(const struct answer *answer);

/* Lives as long as the answer. NULL when out of memory. */
const struct answer_body *answer_body(struct answer *answer, enum render_format format);

/* False when a field has a value p0f cannot mean (p0f_host_check). */
bool answer_valid(const struct answer *answer);

/* True while the host lacks both its OS and its HTTP application: p0f will soon know more. */
bool answer_incomplete(const struct answer *answer);

/* Bytes of memory it takes, but for a raw body. */
size_t answer_size(const struct answer *answer);

/* The cache's part of it. An answer can be in one cache, once. */
struct entry *answer_entry(struct answer *answer);
struct answer *answer_of_entry(struct entry *entry);

/* The entity tag of any body, as answer_body's. */
void answer_etag(const char *text, size_t length, char etag[ANSWER_ETAG_SIZE]);

#endif
