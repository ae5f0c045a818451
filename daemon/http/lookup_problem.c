/* SPDX-License-Identifier: MIT */
#include "http/lookup_problem.h"

#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 3, 4))) static enum problem
say(enum problem problem, char detail[PROBLEM_DETAIL_SIZE], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(detail, PROBLEM_DETAIL_SIZE, format, args);
    va_end(args);
    return problem;
}

enum problem problem_of_lookup(enum lookup_outcome outcome, const struct p0f_addr *addr,
                               char detail[PROBLEM_DETAIL_SIZE])
{
    char ip[P0F_ADDR_TEXT_SIZE];

    p0f_addr_format(addr, ip);
    switch (outcome) {
    case LOOKUP_FOUND:
        return say(PROBLEM_BAD_RESPONSE, detail,
                   "p0f returned bad_sw or os_match_q out of range; see format=raw");
    case LOOKUP_NO_MATCH:
        return say(PROBLEM_NO_MATCH, detail, "p0f does not know %s", ip);
    case LOOKUP_BAD_RESPONSE:
        return say(PROBLEM_BAD_RESPONSE, detail, "p0f returned a malformed response for %s", ip);
    case LOOKUP_UNAVAILABLE:
        return say(PROBLEM_UNAVAILABLE, detail,
                   "not connected to p0f, and nothing usable is cached");
    case LOOKUP_OVERLOADED:
        return say(PROBLEM_OVERLOADED, detail, "too many pending lookups (p0f.max_pending)");
    case LOOKUP_TIMEOUT:
        return say(PROBLEM_TIMEOUT, detail, "p0f did not answer in time");
    case LOOKUP_CANCELLED:
        return say(PROBLEM_TIMEOUT, detail, "the lookup of %s was cancelled", ip);
    case LOOKUP_NOT_CACHED:
        return say(PROBLEM_TIMEOUT, detail, "%s is not cached (only-if-cached)", ip);
    }
    return say(PROBLEM_INTERNAL, detail, "the lookup of %s failed", ip);
}
