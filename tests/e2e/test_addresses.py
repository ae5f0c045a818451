# SPDX-License-Identifier: MIT
"""Which texts are an address, and which are not."""

import ipaddress
import json
import urllib.parse

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


# What people and programs send -> what they are told.
EXPLAINED = {
    "198.51.100.1:80": "a port is not part of an address; did you mean 198.51.100.1?",
    "[2001:db8::1]:80": "a port is not part of an address; did you mean 2001:db8::1?",
    "fe80::1%eth0": "a zone is not part of an address; did you mean fe80::1?",
    "198.51.100.1/": "a trailing slash is not part of an address; did you mean 198.51.100.1?",
    "198.51.100.0/24": "a network is not an address; did you mean 198.51.100.0?",
    " 198.51.100.1": "leading or trailing whitespace; did you mean 198.51.100.1?",
    "198.51.100.1\n": "leading or trailing whitespace; did you mean 198.51.100.1?",
    "\ufeff198.51.100.1": "a byte order mark (BOM) is not part of an address; did you mean 198.51.100.1?",
    "https://198.51.100.1/x": "a URL is not an address; did you mean 198.51.100.1?",
    "2001%3Adb8::1": "percent-encoding is not part of an address; did you mean 2001:db8::1?",
    "\"198.51.100.1\"": "punctuation before or after the address; did you mean 198.51.100.1?",
    "[::1": "the brackets do not match; did you mean ::1?",
    "198.51.100.1,198.51.100.2": "more than one address",
    "www.example.org": "a host name is not an address; only IP addresses can be looked up",
    "0198.51.100.1": "an IPv4 part has a leading zero, which makes it octal to some programs",
    "127.1": "an IPv4 address has four parts, this has fewer",
    "198.51.100.1.5": "an IPv4 address has four parts, this has more",
    "198.51.100.256": "an IPv4 part is greater than 255",
    "2001:db8::1::2": "an IPv6 address can have :: only once",
    "": "the address is empty",
    "x" * 120 + "\u00e4": "a character that is not printable ASCII",
    "*": "not an IPv4 or IPv6 address",
}


def test_what_is_wrong_is_said(lab):
    """In the same words in a path and in a batch."""
    _, daemon = lab
    batch = daemon.get("/hosts", {"Content-Type": "application/json"}, method="POST",
                       body=json.dumps(list(EXPLAINED)))
    assert [(item["query"], item["code"]) for item in batch.json()] == \
        [(text, "bad-address") for text in EXPLAINED]
    assert {item["query"]: item["detail"] for item in batch.json()} == EXPLAINED
    for text, detail in EXPLAINED.items():
        answer = fetch_target(daemon.endpoint, f"/host/{urllib.parse.quote(text, safe='')}")
        assert assert_problem(answer, 400, "bad-address")["detail"] == detail
    # What needs no encoding, or is not encoded by a careless program.
    for text in ("198.51.100.1/", "198.51.100.1:80", "198.51.100.0/24", "https://198.51.100.1/x",
                 "fe80::1%eth0"):
        answer = fetch_target(daemon.endpoint, f"/host/{text}")
        assert assert_problem(answer, 400, "bad-address")["detail"] == EXPLAINED[text]
    broken = assert_problem(fetch_target(daemon.endpoint, "/host/198.51.100.1%"), 400, "bad-address")
    assert broken["detail"] == "a % without two hexadecimal digits after it"


def test_a_path_that_does_not_exist(lab):
    _, daemon = lab
    for path, meant in {"/host": "/host/{ip}", "/host?ip=198.51.100.1": "/host/{ip}",
                        "/Host/198.51.100.1": "/host/{ip}", "/self/": "/self", "/livez/": "/livez",
                        "//livez": "/livez", "/hosts/198.51.100.1": "/host/198.51.100.1",
                        "/198.51.100.1": "/host/198.51.100.1"}.items():
        problem = assert_problem(fetch_target(daemon.endpoint, path), 404, "not-found")
        assert problem["detail"] == f"no such resource; did you mean {meant}?", path
    for path in ("/nothing", "/livez%2F", "/host%2F198.51.100.1", "/status/../livez", "/./livez"):
        problem = assert_problem(fetch_target(daemon.endpoint, path), 404, "not-found")
        assert problem["detail"] == "no such resource; see /", path


def test_needless_percent_encoding_of_a_path(lab):
    """RFC 3986, 6.2.2.2: it is the same path."""
    _, daemon = lab
    for path in ("/%68ost/198.51.100.1", "/host/198%2E51.100.1", "/%68%6F%73%74/%5B::1%5D"):
        assert fetch_target(daemon.endpoint, path).status == 200, path
    for path in ("/%6civez", "/openapi%2Ejson", "/%6d%65%74%72%69%63%73"):
        assert fetch_target(daemon.endpoint, path).status == 200, path


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
