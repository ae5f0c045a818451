# SPDX-License-Identifier: MIT
"""The capture that the tests replay: some 400 hosts, one for each operating system p0f knows, in
IPv4 and IPv6, with web browsers and servers of every kind, and a few that are not what they say."""

import itertools
from ipaddress import ip_address

import signatures
from conversations import Stack, conversation, http_request, http_response
from packets import addresses, write_pcap

LANGUAGES = ("en", "de", "fr", "es", "nl", "pl", "ja", "cs", "xx")
RATES = (1000, 250, 100)
BETWEEN_STARTS = 0.002
LAST = ("192.0.2.250", "192.0.2.251")


def _operating_system(label):
    return label.split(":")[2]


def _agent(label, software, number):
    """A User-Agent: mostly right about the system, at times not, at times not even the browser."""
    system = _operating_system(label)
    if number % 5 == 4:
        system = "Linux" if system == "Windows" else "Windows"
    if number % 7 == 6:
        software = "SomethingElse/"
    return f"Mozilla/5.0 ({system}) {software}1.0"


def _usual(clients, servers, version, at):
    """One conversation for each signature of a server, with clients of each signature in turn."""
    browsers = itertools.cycle(signatures.http("request"))
    webs = itertools.cycle(signatures.http("response"))
    requests = [s for s in signatures.tcp("request") if s.version in ("*", str(version))]
    responses = [s for s in signatures.tcp("response") if s.version in ("*", str(version))]
    frames = []
    for number, (mine, theirs) in enumerate(zip(itertools.cycle(requests), responses)):
        client = Stack(mine, next(clients), variant=number, rate=RATES[number % 3],
                       uptime_minutes=number * 97, distance=number % 30, fuzzy=number % 9 == 8)
        server = Stack(theirs, next(servers), variant=number // 3, rate=RATES[number % 3],
                       uptime_minutes=number * 31, distance=number % 7)
        browser, web = next(browsers), next(webs)
        frames += conversation(
            at + number * BETWEEN_STARTS, client, server, (1024 + number, 80),
            http_request(browser, _agent(mine.label, browser.software, number),
                         LANGUAGES[number % len(LANGUAGES)]),
            http_response(web, web.software if number % 11 else "hidden"))
    return frames


def _labelled(label):
    return next(s for s in signatures.tcp("request") if s.label == label)


def _odd(clients, servers, at):
    """A proxy that says so three times, an address that changes its operating system, and a server
    that does not answer."""
    curl = next(s for s in signatures.http("request") if s.label == "s:!:curl:")
    server = Stack(signatures.tcp("response")[0], next(servers))
    linux = _labelled("s:unix:Linux:3.11 and newer")
    windows = _labelled("s:win:Windows:7 or 8")
    request = http_request(curl, "curl/7.88.1", "en")
    proxied = http_request(curl, "curl/7.88.1", "en", extra="X-Forwarded-For: 192.0.2.1")
    web = signatures.http("response")[0]
    response = http_response(web, web.software)
    proxy, changing = next(clients), next(clients)
    frames = []
    for number in range(3):
        frames += conversation(at + number * 0.01, Stack(linux, proxy), server,
                               (2000 + number, 80), proxied, response)
    for number, system in enumerate((linux, windows)):
        frames += conversation(at + number * 0.01, Stack(system, changing), server,
                               (3000 + number, 80), request, response)
    silent = Stack(linux, next(servers))
    return frames + conversation(at, Stack(linux, next(clients)), silent, (3500, 80))[:1]


def write(path):
    """Write the capture, half a second long; returns how many conversations are in it.

    Behind them all come some connections between the LAST hosts: when p0f has logged one of those,
    it has logged everything before.
    """
    odd = addresses("203.0.113.0/24")
    frames = _usual(addresses("198.18.0.0/16"), addresses("198.19.0.0/16"), 4, 0)
    frames += _usual(addresses("2001:db8:1::/64"), addresses("2001:db8:2::/64"), 6,
                     BETWEEN_STARTS / 2)
    frames += _odd(odd, addresses("198.51.100.0/24"), 0.1)
    linux = _labelled("s:unix:Linux:3.11 and newer")
    end = max(at for at, _ in frames)
    client, server = (Stack(linux, ip_address(address)) for address in LAST)
    last = [conversation(end + 0.03 * number, client, server, (4000 + number, 80))[0]
            for number in range(1, 5)]
    write_pcap(path, frames + last)
    return sum(b"GET /" in frame for _, frame in frames)


if __name__ == "__main__":
    import sys
    print(write(sys.argv[1]), "conversations")
