# SPDX-License-Identifier: MIT
"""What every answer other than a success must look like (RFC 9457)."""

TITLES_SEEN = {}


def assert_problem(answer, status, code, ip=None):
    """The answer is this problem, with all its members; returns the members. Where the contract has
    no code for a status, `code` is None."""
    assert answer.status == status, answer
    assert answer["Content-Type"].split(";")[0] == "application/problem+json", answer
    problem = answer.json()
    prefix, _, said = problem["type"].rpartition(":")
    assert prefix == "urn:p0f-lookupd", answer
    assert said == code if code else said, answer
    assert problem["status"] == status, answer
    assert isinstance(problem["title"], str) and problem["title"], answer
    assert isinstance(problem["detail"], str) and problem["detail"], answer
    # RFC 9457: the title is the same for every problem of a type.
    assert TITLES_SEEN.setdefault(said, problem["title"]) == problem["title"], answer
    if ip is not None:
        assert problem["ip"] == ip, answer
    if status == 503:
        assert int(answer["Retry-After"]) >= 1, answer
    return problem
