/* SPDX-License-Identifier: MIT */
/* The end of a request that fetch_begin() was given. In the loop's thread. */
#ifndef LOOKUP_LOOKUP_FINISH_H
#define LOOKUP_LOOKUP_FINISH_H

#include "core/loop.h"
#include "lookup/admission.h"
#include "lookup/gather.h"
#include "lookup/lookup_request.h"
#include "lookup/rate_limit.h"
#include "lookup/recall.h"

/* What all lookups share; borrowed. */
struct lookup_parts {
    struct loop *loop;
    struct gather_parts asked;
    struct recall *recall;
    struct admission *admission; /* counts each request until it is done */
    struct rate_limits *repeats; /* of queries that p0f has answered a moment ago */
    boottime_fn *boottime;
};

/* The outcome for requests that wait for this answer. */
enum lookup_outcome lookup_outcome_of(const struct gather_answer *answer);

/* Ends the request as it stands: calls done(), then releases its admission. */
void lookup_finish(const struct lookup_parts *parts, struct lookup_request *request);

/* Ends it with what is cached, however old, or else with `outcome`. */
void lookup_finish_failed(const struct lookup_parts *parts, struct lookup_request *request,
                          enum lookup_outcome outcome);

/* Ends it with `so_far`: a "no match", or else a failure as above. `stored`: the "no match" is cached. */
void lookup_finish_so_far(const struct lookup_parts *parts, struct lookup_request *request,
                          bool stored);

/* Ends it with what p0f said at `answered`: a host, of which it takes a reference, or NULL for "no
 * match". `stored`: the answer is cached. */
void lookup_finish_answered(const struct lookup_parts *parts, struct lookup_request *request,
                            struct host_record *record, bool stored, struct boottime answered);

#endif
