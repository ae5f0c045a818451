/* SPDX-License-Identifier: MIT */
#include "http/lookup_problem.h"

#include <criterion/criterion.h>
#include <string.h>

static struct p0f_addr addr;
static char detail[PROBLEM_DETAIL_SIZE];

static void expect(enum lookup_outcome outcome, enum problem problem, const char *text)
{
    cr_assert_eq(p0f_addr_parse("2001:db8::1", 11, &addr), P0F_OK);
    cr_assert_eq(problem_of_lookup(outcome, &addr, detail), problem, "outcome %d", (int)outcome);
    cr_assert_str_eq(detail, text, "%s", detail);
}

Test(lookup_problem, each_outcome_has_its_own)
{
    expect(LOOKUP_FOUND, PROBLEM_BAD_RESPONSE,
           "p0f returned bad_sw or os_match_q out of range; see format=raw");
    expect(LOOKUP_NO_MATCH, PROBLEM_NO_MATCH, "p0f does not know 2001:db8::1");
    expect(LOOKUP_BAD_RESPONSE, PROBLEM_BAD_RESPONSE,
           "p0f returned a malformed response for 2001:db8::1");
    expect(LOOKUP_UNAVAILABLE, PROBLEM_UNAVAILABLE,
           "not connected to p0f, and nothing usable is cached");
    expect(LOOKUP_OVERLOADED, PROBLEM_OVERLOADED, "too many pending lookups (p0f.max_pending)");
    expect(LOOKUP_TIMEOUT, PROBLEM_TIMEOUT, "p0f did not answer in time");
    expect(LOOKUP_CANCELLED, PROBLEM_TIMEOUT, "the lookup of 2001:db8::1 was cancelled");
    expect(LOOKUP_NOT_CACHED, PROBLEM_TIMEOUT, "2001:db8::1 is not cached (only-if-cached)");
}

Test(lookup_problem, the_longest_address_fits)
{
    const char *longest = "fedc:ba98:7654:3210:fedc:ba98:7654:3210";

    cr_assert_eq(p0f_addr_parse(longest, strlen(longest), &addr), P0F_OK);
    problem_of_lookup(LOOKUP_NOT_CACHED, &addr, detail);
    cr_assert_str_eq(detail,
                     "fedc:ba98:7654:3210:fedc:ba98:7654:3210 is not cached (only-if-cached)");
}
