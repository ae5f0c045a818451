/* SPDX-License-Identifier: MIT */
/* Nobody waits for the answers any more, but they have to be received. */
#include "conn_private.h"

void p0f_conn_silence(struct p0f_conn *conn)
{
    for (unsigned i = 0; i < conn->capacity; i++)
        conn->ring[i].answer = NULL;
    conn->probes = conn->count;
}

static void tell_cancelled(struct p0f_conn *conn)
{
    conn->calling = true;
    for (unsigned i = 0; i < conn->count; i++) {
        const struct pending *asked = &conn->ring[(conn->first + i) % conn->capacity];
        if (asked->answer)
            asked->answer(asked->ctx, P0F_DISCONNECTED, NULL);
    }
    conn->calling = false;
}

/* The rest of one that is sent in part stays. */
static void drop_unsent(struct p0f_conn *conn)
{
    size_t unsent = (conn->unsent_end - conn->unsent_start) / P0F_QUERY_SIZE;

    conn->unsent_end -= unsent * P0F_QUERY_SIZE;
    conn->count -= (unsigned)unsent;
}

void p0f_conn_cancel(struct p0f_conn *conn)
{
    if (conn->calling || conn->error != P0F_OK)
        return;
    conn->retired = true;
    tell_cancelled(conn);
    drop_unsent(conn);
    p0f_conn_silence(conn);
}
