/* SPDX-License-Identifier: MIT */
#include "ops/descriptors.h"

#include "core/log.h"
#include "ops/process.h"

#include <sys/resource.h>

/* Besides one for each connection: listeners, workers, lingering closes. Another quarter of
 * http.max_connections is good to have, as connections.c may have that many more for a moment; without it
 * they are accepted a little later. */
#define BESIDES 256

void descriptors_raise_limit(uint32_t max_http, uint32_t max_relay, uint32_t others)
{
    rlim_t needed = (rlim_t)max_http + max_relay + others + BESIDES, wanted = needed + max_http / 4;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < needed)
        log_warnx("http.max_connections%s %llu descriptors, but the limit is %llu "
                  "(ulimit -Hn, LimitNOFILE=)",
                  max_relay > 0 ? " and relay.max_connections need" : " needs",
                  (unsigned long long)needed, (unsigned long long)limit.rlim_cur);
}

void descriptors_begin(struct descriptors *descriptors)
{
    uint64_t all, changing = descriptors->count_changing(descriptors->ctx);

    descriptors->known = process_count_fds("/proc", &all) && all >= changing;
    if (descriptors->known)
        descriptors->others = all - changing;
}

bool descriptors_count(const struct descriptors *descriptors, uint64_t *count)
{
    *count = descriptors->others + descriptors->count_changing(descriptors->ctx);
    return descriptors->known;
}
