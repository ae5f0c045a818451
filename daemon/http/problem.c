/* SPDX-License-Identifier: MIT */
#include "http/problem.h"

static const struct problem_kind kinds[] = {
    [PROBLEM_BAD_ADDRESS] = {400, "bad-address", "Not an IP address", false},
    [PROBLEM_BAD_PARAMETER] = {400, "bad-parameter", "Unknown value of a parameter", false},
    [PROBLEM_BAD_BODY] = {400, "bad-body", "Body not understood", false},
    [PROBLEM_BAD_REQUEST] = {400, "bad-request", "Malformed request", false},
    [PROBLEM_UNAUTHORIZED] = {401, "unauthorized", "No valid token", false},
    [PROBLEM_FORBIDDEN] = {403, "forbidden", "Not permitted for this token", false},
    [PROBLEM_NO_MATCH] = {404, "no-match", "Unknown host", false},
    [PROBLEM_NOT_FOUND] = {404, "not-found", "No such path", false},
    [PROBLEM_METHOD_NOT_ALLOWED] = {405, "method-not-allowed", "Method not allowed", false},
    [PROBLEM_REQUEST_TIMEOUT] = {408, "request-timeout", "Request not complete in time", false},
    [PROBLEM_BODY_TOO_LARGE] = {413, "body-too-large", "Body too large", false},
    [PROBLEM_URI_TOO_LONG] = {414, "uri-too-long", "Request target too long", false},
    [PROBLEM_UNSUPPORTED_TYPE] = {415, "unsupported-type", "Type of body not supported", false},
    [PROBLEM_MISDIRECTED] = {421, "misdirected", "Not a name of this server", false},
    [PROBLEM_HEADERS_TOO_LARGE] = {431, "headers-too-large", "Header fields too large", false},
    [PROBLEM_BAD_RESPONSE] = {502, "bad-response", "p0f answered nonsense", false},
    [PROBLEM_UNAVAILABLE] = {503, "p0f-unavailable", "p0f is not available", true},
    [PROBLEM_OVERLOADED] = {503, "overloaded", "Too many lookups are waiting", true},
    [PROBLEM_TIMEOUT] = {504, "p0f-timeout", "No answer in time", false},
    [PROBLEM_VERSION] = {505, "version-not-supported", "HTTP version not supported", false},
};

const struct problem_kind *problem_kind(enum problem problem)
{
    return &kinds[problem];
}
