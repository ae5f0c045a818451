/* SPDX-License-Identifier: MIT */
/* The shared tier in unit tests, in place of share.c: it answers when the test says so, and remembers what is
 * written. */
#ifndef FAKE_SHARE_H
#define FAKE_SHARE_H

#include "share/share.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define FAKE_SHARE_MAX 8

static struct share {
    bool down; /* is not asked */
    struct share_query *queries[FAKE_SHARE_MAX];
    unsigned outstanding;
    unsigned reads, cancelled; /* ever */
    unsigned writes;           /* ever; the last FAKE_SHARE_MAX of them: */
    struct {
        struct p0f_addr addr;
        uint32_t last_seen;
        char sensor[SHARE_SENSOR_SIZE];
    } written[FAKE_SHARE_MAX];
} fake_share;

bool share_ask(struct share *share, struct share_query *query)
{
    if (share->down)
        return false;
    cr_assert_lt(share->outstanding, FAKE_SHARE_MAX);
    share->queries[share->outstanding++] = query;
    share->reads++;
    return true;
}

static inline void fake_share_forget(struct share *share, const struct share_query *query)
{
    unsigned at = 0;

    while (at < share->outstanding && share->queries[at] != query)
        at++;
    cr_assert_lt(at, share->outstanding, "not outstanding");
    share->queries[at] = share->queries[--share->outstanding];
}

void share_cancel(struct share *share, struct share_query *query)
{
    fake_share_forget(share, query);
    share->cancelled++;
}

void share_write(struct share *share, const struct p0f_addr *addr, const struct p0f_host *host,
                 const char *sensor)
{
    unsigned at = share->writes++ % FAKE_SHARE_MAX;

    share->written[at].addr = *addr;
    share->written[at].last_seen = host->last_seen;
    snprintf(share->written[at].sensor, sizeof share->written[at].sensor, "%s", sensor);
}

/* Answers the query that was asked first, of those outstanding. */
static inline void fake_share_answer(enum share_result result, uint32_t seen)
{
    struct share_found found = {
        .host = {.last_seen = seen, .os_name = "Linux"}, .sensor = "far", .seen = seen};

    cr_assert_gt(fake_share.outstanding, 0, "the tier was not asked");
    struct share_query *query = fake_share.queries[0];
    fake_share_forget(&fake_share, query);
    query->answer(query->ctx, result, result == SHARE_FOUND ? &found : NULL);
}

#endif
