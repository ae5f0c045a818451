/* SPDX-License-Identifier: MIT */
#include "share/share.h"

#include <stdio.h>

struct share *share_new(const struct share_options *options, char error[SHARE_ERROR_SIZE])
{
    (void)options;
    snprintf(error, SHARE_ERROR_SIZE, "not supported by this build");
    return NULL;
}

void share_free(struct share *share)
{
    (void)share;
}

void share_set_times(struct share *share, const struct share_times *times)
{
    (void)share, (void)times;
}

bool share_ask(struct share *share, struct share_query *query)
{
    (void)share, (void)query;
    return false;
}

void share_cancel(struct share *share, struct share_query *query)
{
    (void)share, (void)query;
}

void share_write(struct share *share, const struct p0f_addr *addr, const struct p0f_host *host,
                 const char *sensor)
{
    (void)share, (void)addr, (void)host, (void)sensor;
}

void share_status(const struct share *share, struct share_status *status)
{
    (void)share;
    *status = (struct share_status){0};
}
