/* What a client is told of a lookup that got it no host: which problem, and in what words. Pure. */
#ifndef HTTP_VERDICT_H
#define HTTP_VERDICT_H

#include "http/problem.h"
#include "lookup/lookup.h"

#define VERDICT_DETAIL_SIZE 128

/* Fills `detail` with a sentence fragment about `addr`, plain ASCII. LOOKUP_FOUND stands for a host
 * that cannot be shown as `parsed`, as its answer is not valid (answer_valid). */
enum problem verdict(enum lookup_outcome outcome, const struct p0f_addr *addr,
                     char detail[VERDICT_DETAIL_SIZE]);

#endif
