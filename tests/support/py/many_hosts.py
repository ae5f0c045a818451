# SPDX-License-Identifier: MIT
"""A capture of as many hosts as are wanted, each of which only begins a connection: in IPv4 and IPv6, of
each system that p0f knows in turn. Hosts of every other kind are in capture.py."""

import itertools
from ipaddress import ip_address

import signatures
from conversations import Stack, conversation
from packets import addresses, write_pcap

EACH = 0.0001       # seconds; p0f loses packets that come faster
LAST = "192.0.2.252"
_SERVERS = ("198.51.100.250", "2001:db8:3::1")


def _callers(network, version):
    systems = [s for s in signatures.tcp("request") if s.version in ("*", str(version))]
    for number, (address, system) in enumerate(zip(addresses(network), itertools.cycle(systems))):
        yield Stack(system, address, variant=number, distance=number % 30, uptime_minutes=number)


def write(path, count, first=0, port=80):
    """Write the capture; returns the addresses of the hosts, without the `first` of those there could be. Behind
    them all comes LAST, some times: when p0f knows it, it has seen everything before. Whoever comes
    again within half a minute is only noticed on another port."""
    ways = itertools.cycle((callers, Stack(signatures.tcp("response")[0], ip_address(server)))
                           for callers, server in ((_callers("198.20.0.0/16", 4), _SERVERS[0]),
                                                   (_callers("2001:db8:4::/64", 6), _SERVERS[1])))
    frames, hosts = [], []
    for number, (callers, server) in enumerate(itertools.islice(ways, first + count), -first):
        caller = next(callers)
        if number < 0:
            continue
        hosts.append(str(caller.address))
        frames += conversation(number * EACH, caller, server, (1024 + number % 50000, port))[:1]
    last, server = Stack(signatures.tcp("request")[0], ip_address(LAST)), Stack(
        signatures.tcp("response")[0], ip_address(_SERVERS[0]))
    frames += [conversation(count * EACH + 0.03 * number, last, server, (4000 + number, port))[0]
               for number in range(1, 5)]
    write_pcap(path, frames)
    return hosts
