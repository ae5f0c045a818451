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
    expect(LOOKUP_INCOMPLETE, PROBLEM_UNAVAILABLE,
           "a p0f that may know 2001:db8::1 does not answer, and nothing usable is cached");
    expect(LOOKUP_OVERLOADED, PROBLEM_OVERLOADED, "too many pending lookups (p0f.max_pending)");
    expect(LOOKUP_TIMEOUT, PROBLEM_TIMEOUT, "p0f did not answer in time");
    expect(LOOKUP_CANCELLED, PROBLEM_TIMEOUT, "the lookup of 2001:db8::1 was cancelled");
    expect(LOOKUP_NOT_CACHED, PROBLEM_TIMEOUT, "2001:db8::1 is not cached (only-if-cached)");
    expect(LOOKUP_NOT_FRESH, PROBLEM_TIMEOUT,
           "what is cached for 2001:db8::1 is too old for this request (only-if-cached)");
    expect(LOOKUP_CONTRADICTORY, PROBLEM_TIMEOUT,
           "only-if-cached with no-cache or max-age=0 excludes every answer");
}

Test(lookup_problem, the_longest_address_fits)
{
    const char *longest = "fedc:ba98:7654:3210:fedc:ba98:7654:3210";

    cr_assert_eq(p0f_addr_parse(longest, strlen(longest), &addr), P0F_OK);
    problem_of_lookup(LOOKUP_NOT_FRESH, &addr, detail);
    cr_assert_str_eq(detail, "what is cached for fedc:ba98:7654:3210:fedc:ba98:7654:3210 is too "
                             "old for this request (only-if-cached)");
}

static void expect_no_match(const char *text, const char *expected)
{
    cr_assert_eq(p0f_addr_parse(text, strlen(text), &addr), P0F_OK);
    cr_assert_eq(problem_of_lookup(LOOKUP_NO_MATCH, &addr, detail), PROBLEM_NO_MATCH);
    cr_assert_str_eq(detail, expected, "%s", detail);
}

Test(lookup_problem, nat64_names_the_ipv4_host)
{
    expect_no_match("64:ff9b::192.0.2.1", "p0f does not know 64:ff9b::c000:201; this is NAT64 for "
                                          "192.0.2.1; p0f knows the host by that IPv4 address");
    expect_no_match("64:ff9b::255.255.255.255", "p0f does not know 64:ff9b::ffff:ffff; this is "
                                                "NAT64 for 255.255.255.255; p0f knows the host by "
                                                "that IPv4 address");
}

/* Where in it the IPv4 address is, depends on the network. */
Test(lookup_problem, nat64_of_a_network_names_no_ipv4_host)
{
    expect_no_match("64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
                    "p0f does not know 64:ff9b:1:ffff:ffff:ffff:ffff:ffff; this is NAT64; p0f "
                    "knows the host by its IPv4 address");
}

Test(lookup_problem, what_only_looks_like_nat64)
{
    expect_no_match("64:ff9b::1:c000:201", "p0f does not know 64:ff9b::1:c000:201");
    expect_no_match("64:ff9b:2::1", "p0f does not know 64:ff9b:2::1");
    expect_no_match("64:ff9a::c000:201", "p0f does not know 64:ff9a::c000:201");
    expect_no_match("0.100.255.155", "p0f does not know 0.100.255.155");
}
