/* SPDX-License-Identifier: MIT */
/* A host of which p0f knows everything, for the tests of render. */
#ifndef RENDER_FIXTURE_H
#define RENDER_FIXTURE_H

#include "json/render.h"

static const struct p0f_addr addr = {4, {192, 0, 2, 1}};

static struct p0f_host full_host(void)
{
    return (struct p0f_host){.dialect = P0F_DIALECT_P0F3,
                             .first_seen = 1,
                             .last_seen = 1700000000,
                             .total_conn = 3,
                             .uptime_min = 17500,
                             .up_mod_days = 198,
                             .last_nat = 86400,
                             .last_chg = 60,
                             .distance = 5,
                             .bad_sw = 2,
                             .os_match_q = 3,
                             .os_name = "Linux",
                             .os_flavor = "3.x",
                             .http_name = "Fire\xc3\xa9",
                             .http_flavor = "2.x",
                             .link_type = "DSL",
                             .language = "Fr\xe9"};
}

#endif
