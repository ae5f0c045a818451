/* SPDX-License-Identifier: MIT */
#include "relay/relay_query.h"

#include "core/metrics.h"

#include <string.h>

#define IPV4_BYTES 4

void relay_query_read(struct relay_query *query, const uint8_t in[P0F_QUERY_SIZE])
{
    struct p0f_addr addr;

    *query = (struct relay_query){
        .lookup = {.wait_ms = LOOKUP_WAIT_UNSET,
                   .max_age_ms = LOOKUP_MAX_AGE_UNSET,
                   .here_now = true},
        .malformed = !p0f_query_unpack(in, &addr),
    };
    if (addr.type == 4) /* p0f does not look at the rest, which clients do not always clear */
        memset(addr.bytes + IPV4_BYTES, 0, sizeof addr.bytes - IPV4_BYTES);
    query->lookup.addr = addr;
}

bool relay_query_has_answer(const struct relay_query *query)
{
    return query->malformed || query->lookup.outcome == LOOKUP_FOUND ||
           query->lookup.outcome == LOOKUP_NO_MATCH;
}

/* All but the magic and the status of an answer is 0, unless p0f knows the host. */
void relay_query_answer(const struct relay_query *query, uint8_t out[RELAY_ANSWER_SIZE])
{
    struct p0f_answer answer = {.status = P0F_STATUS_NOMATCH};
    enum metric result = METRIC_RELAY_NO_MATCH;
    uint8_t bytes[P0F_ANSWER_MAX];

    if (query->malformed) {
        answer.status = P0F_STATUS_BADQUERY;
        result = METRIC_RELAY_BAD_QUERY;
    } else if (query->lookup.outcome == LOOKUP_FOUND) {
        answer.status = P0F_STATUS_OK;
        answer.host = *host_record_host(query->lookup.record);
        result = METRIC_RELAY_FOUND;
    }
    p0f_answer_pack(&answer, P0F_DIALECT_P0F3, bytes);
    memcpy(out, bytes, RELAY_ANSWER_SIZE);
    metrics_count(result);
}

void relay_query_release(struct relay_query *query)
{
    host_record_unref(query->lookup.record);
    query->lookup.record = NULL;
}
