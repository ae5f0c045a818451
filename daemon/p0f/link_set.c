/* SPDX-License-Identifier: MIT */
#include "p0f/link_set.h"

bool link_set_any_ready(const struct link_set *set)
{
    for (unsigned i = 0; i < set->count; i++)
        if (set->links[i].state == LINK_READY)
            return true;
    return false;
}

bool link_set_any_may_answer(const struct link_set *set)
{
    for (unsigned i = 0; i < set->count; i++)
        if (link_may_answer(&set->links[i]))
            return true;
    return false;
}

bool link_set_any_pending(const struct link_set *set)
{
    for (unsigned i = 0; i < set->count; i++)
        if (set->links[i].conn && p0f_conn_pending(set->links[i].conn) > 0)
            return true;
    return false;
}

unsigned link_set_open(const struct link_set *set)
{
    unsigned open = 0;

    for (unsigned i = 0; i < set->count; i++)
        open += set->links[i].state != LINK_DOWN;
    return open;
}

unsigned link_set_outstanding(const struct link_set *set)
{
    unsigned outstanding = 0;

    for (unsigned i = 0; i < set->count; i++)
        if (set->links[i].conn)
            outstanding += p0f_conn_outstanding(set->links[i].conn);
    return outstanding;
}

unsigned link_set_ready_outstanding(const struct link_set *set)
{
    unsigned outstanding = 0;

    for (unsigned i = 0; i < set->count; i++)
        if (set->links[i].state == LINK_READY)
            outstanding += p0f_conn_outstanding(set->links[i].conn);
    return outstanding;
}

struct link *link_set_for_query(const struct link_set *set, unsigned pipeline)
{
    struct link *best = NULL;

    for (unsigned i = 0; i < set->count; i++) {
        struct link *link = &set->links[i];
        if (link->state != LINK_READY || p0f_conn_pending(link->conn) >= pipeline)
            continue;
        if (!best || p0f_conn_pending(link->conn) < p0f_conn_pending(best->conn))
            best = link;
    }
    return best;
}

int64_t link_set_overdue_ms(const struct link_set *set, struct mono now)
{
    int64_t overdue = 0, silence = INT64_MAX;

    for (unsigned i = 0; i < set->count; i++) {
        const struct link *link = &set->links[i];
        if (link->state != LINK_READY)
            continue;
        int64_t answered = mono_ms_between(link->answered, now);
        int64_t heard = mono_ms_between(link->heard, now);
        silence = answered < silence ? answered : silence;
        if (p0f_conn_outstanding(link->conn) > 0 && heard > overdue)
            overdue = heard;
    }
    return overdue < silence ? overdue : silence; /* an answer elsewhere shows that p0f lives */
}

int64_t link_set_unserved_ms(const struct link_set *set, struct mono now)
{
    int64_t silence = INT64_MAX;

    for (unsigned i = 0; i < set->count; i++) {
        const struct link *link = &set->links[i];
        int64_t heard = mono_ms_between(link->heard, now);
        if (link->state == LINK_PROBING && heard < silence)
            silence = heard;
    }
    return silence == INT64_MAX ? 0 : silence;
}

void link_set_status(const struct link_set *set, struct pool_status *status)
{
    status->connections = set->count;
    status->dialect = P0F_DIALECT_AUTO;
    status->limit_suspected = false;
    status->outstanding = 0;
    status->reconnects = 0;
    for (unsigned i = 0; i < set->count; i++) {
        struct link_status *link = &status->links[i];
        *link = link_status(&set->links[i]);
        status->outstanding += link->outstanding;
        status->reconnects += link->reconnects;
        status->limit_suspected |= link->silent;
        if (link->state == LINK_READY)
            status->dialect = link->dialect;
    }
}
