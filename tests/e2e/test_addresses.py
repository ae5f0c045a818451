# SPDX-License-Identifier: MIT
"""Which texts are an address, and which are not."""

import ipaddress

import pytest

from daemon import Daemon
from fake_p0f import FakeP0f
from http_client import fetch_target
from problems import assert_problem

# text in the path -> what p0f is asked about
GOOD = {
    "198.51.100.1": "198.51.100.1",
    "0.0.0.1": "0.0.0.1",
    "255.255.255.255": "255.255.255.255",
    "198.51.100.%31": "198.51.100.1",
    "%31%39%38%2e%35%31%2E%31%30%30%2e%31": "198.51.100.1",
    "::": "::",
    "::1": "::1",
    "[::1]": "::1",
    "%5B::1%5D": "::1",
    "%5b%3A%3a1%5d": "::1",
    "2001:DB8::A": "2001:db8::a",
    "2001:0db8:0000:0000:0000:0000:0000:000a": "2001:db8::a",
    "2001:db8:0:0:1:0:0:1": "2001:db8::1:0:0:1",
    "2001:0:0:1:0:0:0:1": "2001:0:0:1::1",
    "2001:db8:0:1:1:1:1:1": "2001:db8:0:1:1:1:1:1",
    "1:0:0:0:0:0:0:0": "1::",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff": "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "::ffff:198.51.100.1": "198.51.100.1",
    "::FFFF:c633:6401": "198.51.100.1",
    "[::ffff:198.51.100.1]": "198.51.100.1",
    "0:0:0:0:0:ffff:198.51.100.1": "198.51.100.1",
    # Only ::ffff:0:0/96 is the mapped range; these look like it.
    "::198.51.100.1": "::c633:6401",
    "::ffff:0:198.51.100.1": "::ffff:0:c633:6401",
    "64:ff9b::198.51.100.1": "64:ff9b::c633:6401",
    "1::ffff:198.51.100.1": "1::ffff:c633:6401",
}

_NO_ADDRESSES = """
    localhost example.com * - self host unix: 1 3325256705 0x7f000001
"""
_NEARLY_IPV4 = """
    1.2.3 1.2.3. .1.2.3 1.2.3.4. 1.2.3.4.5 1.2.3.256 1.2.3.-4 1.2.3.+4 1..2.3 01.2.3.4 1.2.3.04
    1.2.3.00 0x7f.0.0.1 1.2.3.4a a1.2.3.4 1,2,3,4 1.2.3.4,5.6.7.8 999999999999.1.1.1 1.2.3.4:80
    1.2.3.4;x 1.2.3.4&x
"""
_NEARLY_IPV6 = """
    : ::: ::1:: 1::2::3 12345:: g:: 1:2:3:4:5:6:7 1:2:3:4:5:6:7:8:9 ::1: 1:2:3:4:5:6:7:8:: ::1.2.3
    ::1.2.3.256 ::ffff:1.2.3 ::ffff:1.2.3.4.5 1.2.3.4:: ::ffff:01.2.3.4
"""
_ZONES_AND_NETWORKS = """
    fe80::1%25eth0 fe80::1%25 fe80::1%251 [fe80::1%25eth0] fe80::1%eth0
    10.0.0.0/8 10.0.0.0%2F8 ::/0 2001:db8::%2f32 10.0.0.0-10.0.0.9
"""
_BRACKETS = """
    [ ] [] [::1 ::1] [[::1]] [::1]x x[::1] [::1]:80 [::1][::1] %5B::1 {::1} (1.2.3.4)
"""
_BLANKS_AND_OTHER_BYTES = """
    1.2.3.4%20 %201.2.3.4 1.2.3.4%0a 1.2.3.4%0d%0a 1.2.3.4%09 ::1%20 1.2.3.4+ +1.2.3.4 1.2.3.4%7f
    1.2.3.4%ff %EF%BC%91.2.3.4 1%E3%80%822.3.4 %22::1%22 '::1'
"""
# NUL must not cut the text.
_NULS = """
    %00 1.2.3.4%00 %001.2.3.4 1.2.3.4%00.example.com ::1%00 1.2.%00.3.4 ::ffff:1.2.3.4%00
"""
_PERCENT_ENCODING_THAT_IS_NONE_OR_DOUBLE = """
    % %1 %zz %% 1.2.3.4% 1.2.3.4%3 %g1.2.3.4 1.2.3.%+4 %u0031.2.3.4 %2531.2.3.4 %255B::1%255D
"""
_MORE_PATH = """
    1.2.3.4/ /1.2.3.4 1.2.3.4/x 1.2.3.4%2f ..%2f..%2flivez
"""
_LONG = ["1" * 46, "1" * 47, "1" * 300, "0" * 200 + "1.2.3.4", ":" * 100, "1.2.3.4" * 100,
         "%31" * 500, "[" * 1000]

BAD = ["", *_LONG]
for _texts in (_NO_ADDRESSES, _NEARLY_IPV4, _NEARLY_IPV6, _ZONES_AND_NETWORKS, _BRACKETS, _NULS,
               _BLANKS_AND_OTHER_BYTES, _PERCENT_ENCODING_THAT_IS_NONE_OR_DOUBLE, _MORE_PATH):
    BAD += _texts.split()


@pytest.fixture(name="lab", scope="module")
def _lab(module_scratch):
    """(fake, daemon); every address in GOOD is known, by its own name."""
    hosts = {address: {"os_name": "Linux", "http_name": ipaddress.ip_address(address).packed.hex()}
             for address in GOOD.values()}
    with FakeP0f(f"{module_scratch}/p0f.sock", hosts) as fake, \
            Daemon(module_scratch, fake.path, {"cache.ttl": "1h"}) as daemon:
        daemon.wait_for_p0f()
        yield fake, daemon


@pytest.mark.parametrize("text, canonical", GOOD.items())
def test_an_address_in_any_spelling(lab, text, canonical):
    fake, daemon = lab
    answer = fetch_target(daemon.endpoint, f"/host/{text}")
    assert answer.status == 200, answer
    assert answer.json()["ip"] == canonical
    assert answer.json()["http_name"] == ipaddress.ip_address(canonical).packed.hex()[:32]
    # All spellings of an address are one host, so it was asked about once.
    assert fake.counts[canonical] == 1


@pytest.mark.parametrize("text", BAD, ids=lambda text: repr(text)[:40])
def test_anything_else_is_a_bad_address(lab, text):
    fake, daemon = lab
    before = fake.asked()
    problem = assert_problem(fetch_target(daemon.endpoint, f"/host/{text}"), 400, "bad-address")
    assert "ip" not in problem
    assert fake.asked() == before
    with_query = fetch_target(daemon.endpoint, f"/host/{text}?wait=0&format=raw")
    assert_problem(with_query, 400, "bad-address")


def test_bytes_that_do_not_belong_into_a_url(lab):
    """Sent as they are; whatever the HTTP library makes of them, p0f is not asked."""
    fake, daemon = lab
    before = fake.asked()
    for odd in ("\x01", "\x7f", "\xff", "\xe9", "\\", "|", "^`<>"):
        assert fetch_target(daemon.endpoint, f"/host/1.2.3.4{odd}").status == 400, odd
    assert fake.asked() == before
    assert daemon.get("/livez").status == 200


def test_the_canonical_text_is_in_problems_too(lab):
    _, daemon = lab
    assert_problem(daemon.host("[2001:DB8:0::77]", "?wait=0"), 404, "no-match", "2001:db8::77")
    assert_problem(daemon.host("::ffff:203.0.113.7", "?wait=0"), 404, "no-match", "203.0.113.7")
