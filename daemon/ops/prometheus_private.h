/* SPDX-License-Identifier: MIT */
/* The parts of prometheus_text(), by what they are about. Each appends whole metrics. */
#ifndef OPS_PROMETHEUS_PRIVATE_H
#define OPS_PROMETHEUS_PRIVATE_H

#include "ops/exposition.h"
#include "ops/prometheus.h"

#define PREFIX "p0f_lookupd_"

void prometheus_put_http(struct exposition *out, const struct metrics_snapshot *snapshot,
                         const struct prometheus_gauges *gauges);
void prometheus_put_lookups(struct exposition *out, const struct metrics_snapshot *snapshot,
                            const struct prometheus_gauges *gauges);
void prometheus_put_p0f(struct exposition *out, const struct metrics_snapshot *snapshot,
                        const struct prometheus_gauges *gauges);
void prometheus_put_share(struct exposition *out, const struct share_status *share);

#endif
