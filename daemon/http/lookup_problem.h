/* SPDX-License-Identifier: MIT */
/* How a lookup without a host is reported to a client: the problem and its detail. Pure. */
#ifndef HTTP_LOOKUP_PROBLEM_H
#define HTTP_LOOKUP_PROBLEM_H

#include "http/problem.h"
#include "lookup/lookup.h"

#define PROBLEM_DETAIL_SIZE 128

/* Fills `detail` with a phrase about `addr` in ASCII. LOOKUP_FOUND stands for a host that cannot be shown
 * as `parsed`, as it is not valid (host_record_valid). */
enum problem problem_of_lookup(enum lookup_outcome outcome, const struct p0f_addr *addr,
                               char detail[PROBLEM_DETAIL_SIZE]);

#endif
