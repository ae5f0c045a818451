/* SPDX-License-Identifier: MIT */
/* p0f's side of a lookup: one question at a time about each address, whose answer is given to all requests
 * that wait for it and put into the cache.
 *
 * A "no match" is asked again for as long as a request waits for its host to become known. Everything
 * here belongs to the loop's thread, unless it says otherwise. */
#ifndef LOOKUP_FETCH_H
#define LOOKUP_FETCH_H

#include "lookup/lookup_finish.h"
#include "lookup/lookup_request.h"

struct fetcher;

/* `expected` is how many addresses may be asked for at a time. NULL with errno when out of memory. */
struct fetcher *fetcher_new(const struct lookup_parts *parts, struct hash_key key,
                            uint32_t expected);

/* No request may be pending, and no answer of a sensor outstanding; a read from the tier may be. No-op on NULL. */
void fetcher_free(struct fetcher *fetcher);

/* In milliseconds: how long a request waits for p0f, and how long "no match" is asked again unless the
 * request says. For requests from now on. Any thread. */
void fetcher_set_times(struct fetcher *fetcher, int64_t timeout, int64_t first_contact_wait);

/* Addresses that requests wait for. */
uint32_t fetcher_flights(const struct fetcher *fetcher);

/* Answers an admitted request, whose `began`, `flow` and `freshness.source` are set: joins the fetch
 * for its address, or starts one. done() may be called before this returns. */
void fetch_begin(struct fetcher *fetcher, struct lookup_request *request);

/* Its client has half-closed the connection and may have gone: p0f's next answer is final, or the one
 * it has had; then done() is called before this returns. Only between fetch_begin() and done(), and not
 * within the done() of another request. */
void fetch_cut_short(struct lookup_request *request);

/* Its client has gone: LOOKUP_CANCELLED. done() is called before this returns. A query that is not sent
 * yet and that nobody else waits for is dropped. When: as for fetch_cut_short(). */
void fetch_cancel(struct lookup_request *request);

#endif
