/* SPDX-License-Identifier: MIT */
#include "http/problem.h"

#include <criterion/criterion.h>
#include <string.h>

static void expect(enum problem problem, unsigned status, const char *code, bool retry)
{
    const struct problem_kind *kind = problem_kind(problem);

    cr_assert_eq(kind->status, status, "%s has status %u", code, kind->status);
    cr_assert_str_eq(kind->code, code);
    cr_assert_eq(kind->retry, retry, "%s has retry %d", code, kind->retry);
}

/* As in the HTTP contract, "Answers other than 200". */
Test(problem, has_the_status_and_code_clients_rely_on)
{
    expect(PROBLEM_BAD_ADDRESS, 400, "bad-address", false);
    expect(PROBLEM_BAD_PARAMETER, 400, "bad-parameter", false);
    expect(PROBLEM_BAD_BODY, 400, "bad-body", false);
    expect(PROBLEM_BAD_REQUEST, 400, "bad-request", false);
    expect(PROBLEM_NO_MATCH, 404, "no-match", false);
    expect(PROBLEM_NOT_FOUND, 404, "not-found", false);
    expect(PROBLEM_METHOD_NOT_ALLOWED, 405, "method-not-allowed", false);
    expect(PROBLEM_REQUEST_TIMEOUT, 408, "request-timeout", false);
    expect(PROBLEM_BODY_TOO_LARGE, 413, "body-too-large", false);
    expect(PROBLEM_UNSUPPORTED_TYPE, 415, "unsupported-type", false);
    expect(PROBLEM_URI_TOO_LONG, 414, "uri-too-long", false);
    expect(PROBLEM_MISDIRECTED, 421, "misdirected", false);
    expect(PROBLEM_HEADERS_TOO_LARGE, 431, "headers-too-large", false);
    expect(PROBLEM_BAD_RESPONSE, 502, "bad-response", false);
    expect(PROBLEM_UNAVAILABLE, 503, "p0f-unavailable", true);
    expect(PROBLEM_OVERLOADED, 503, "overloaded", true);
    expect(PROBLEM_TIMEOUT, 504, "p0f-timeout", false);
}

Test(problem, each_has_a_title_and_a_code_of_its_own)
{
    for (int i = PROBLEM_BAD_ADDRESS; i <= PROBLEM_TIMEOUT; i++) {
        const struct problem_kind *kind = problem_kind((enum problem)i);

        cr_assert_not_null(kind->title);
        cr_assert_gt(strlen(kind->title), 0);
        cr_assert_eq(strspn(kind->code, "abcdefghijklmnopqrstuvwxyz0123456789-"),
                     strlen(kind->code));
        for (int j = PROBLEM_BAD_ADDRESS; j < i; j++)
            cr_assert_str_neq(problem_kind((enum problem)j)->code, kind->code);
    }
}
