/* SPDX-License-Identifier: MIT */
#include "http/lookup_problem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 3, 4))) static enum problem
say(enum problem problem, char detail[PROBLEM_DETAIL_SIZE], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(detail, PROBLEM_DETAIL_SIZE, format, args);
    va_end(args);
    return problem;
}

/* A NAT64 address stands for an IPv4 host, which p0f knows by its IPv4 address. */
static enum problem say_no_match(const struct p0f_addr *addr, const char *ip,
                                 char detail[PROBLEM_DETAIL_SIZE])
{
    static const uint8_t well_known[12] = {0x00, 0x64, 0xff, 0x9b};           /* RFC 6052 */
    static const uint8_t local_use[6] = {0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}; /* RFC 8215 */
    const uint8_t *bytes = addr->bytes;

    if (addr->type == 6 && memcmp(bytes, well_known, sizeof well_known) == 0)
        return say(PROBLEM_NO_MATCH, detail,
                   "p0f does not know %s; this is NAT64 for %u.%u.%u.%u; p0f knows the host by "
                   "that IPv4 address",
                   ip, bytes[12], bytes[13], bytes[14], bytes[15]);
    if (addr->type == 6 && memcmp(bytes, local_use, sizeof local_use) == 0)
        return say(PROBLEM_NO_MATCH, detail,
                   "p0f does not know %s; this is NAT64; p0f knows the host by its IPv4 address",
                   ip);
    return say(PROBLEM_NO_MATCH, detail, "p0f does not know %s", ip);
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
        return say_no_match(addr, ip, detail);
    case LOOKUP_BAD_RESPONSE:
        return say(PROBLEM_BAD_RESPONSE, detail, "p0f returned a malformed response for %s", ip);
    case LOOKUP_UNAVAILABLE:
        return say(PROBLEM_UNAVAILABLE, detail,
                   "not connected to p0f, and nothing usable is cached");
    case LOOKUP_INCOMPLETE:
        return say(PROBLEM_UNAVAILABLE, detail,
                   "a p0f that may know %s does not answer, and nothing usable is cached", ip);
    case LOOKUP_OVERLOADED:
        return say(PROBLEM_OVERLOADED, detail, "too many pending lookups (p0f.max_pending)");
    case LOOKUP_TIMEOUT:
        return say(PROBLEM_TIMEOUT, detail, "p0f did not answer in time");
    case LOOKUP_CANCELLED:
        return say(PROBLEM_TIMEOUT, detail, "the lookup of %s was cancelled", ip);
    case LOOKUP_NOT_CACHED:
        return say(PROBLEM_TIMEOUT, detail, "%s is not cached (only-if-cached)", ip);
    case LOOKUP_NOT_FRESH:
        return say(PROBLEM_TIMEOUT, detail,
                   "what is cached for %s is too old for this request (only-if-cached)", ip);
    case LOOKUP_CONTRADICTORY:
        break;
    }
    return say(PROBLEM_TIMEOUT, detail,
               "only-if-cached with no-cache or max-age=0 excludes every answer");
}
