/* SPDX-License-Identifier: MIT */
/* What a client is told of a lookup that got it no host: which problem, and in what words. Pure. */
#ifndef HTTP_LOOKUP_PROBLEM_H
#define HTTP_LOOKUP_PROBLEM_H

#include "http/problem.h"
#include "lookup/lookup.h"

#define PROBLEM_DETAIL_SIZE 128

/* Fills `detail` with a sentence fragment about `addr`, plain ASCII. LOOKUP_FOUND stands for a host
 * that cannot be shown as `parsed`, as its answer is not valid (host_record_valid). */
enum problem problem_of_lookup(enum lookup_outcome outcome, const struct p0f_addr *addr,
                               char detail[PROBLEM_DETAIL_SIZE]);

#endif
