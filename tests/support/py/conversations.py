# SPDX-License-Identifier: MIT
"""Whole TCP conversations that p0f recognises: handshake, HTTP request, HTTP response, end."""

import packets
from packets import ACK, FIN, PSH, SYN

# p0f needs at least 25 ms between two timestamps to reckon an uptime; more makes it exact enough.
PAUSE_BEFORE_DATA = 0.15

MTUS = (1500, 1492, 1480, 1454, 9000, 1476, 1420, 1280, 1496, 1490, 1470, 576, 1333)


class Stack:
    """One end of a conversation: an operating system as one of p0f's TCP signatures has it."""

    def __init__(self, signature, address, variant=0, uptime_minutes=0, rate=1000,
                 distance=0, fuzzy=False):
        self.signature = signature
        self.address = address
        self.ttl = signature.ttl - distance
        self.rate = rate
        self.boot_stamp = uptime_minutes * 60 * rate
        self.fuzzy = fuzzy and "id+" in signature.quirks
        self.mss, self.window = self._sizes(variant)
        self.scale = 3 if signature.scale == "*" else int(signature.scale)

    def _sizes(self, variant):
        """The maximum segment size and the window, where the signature leaves a choice."""
        wanted, header = self.signature.window, 40 if self.address.version == 4 else 60
        for mtu in MTUS[variant % len(MTUS):] + MTUS:
            mss = mtu - header if self.signature.mss == "*" else int(self.signature.mss)
            if wanted.startswith("mss*"):
                window = mss * int(wanted[4:])
            elif wanted.startswith("mtu*"):
                window = (mss + header) * int(wanted[4:])
            else:
                window = 12345 if wanted == "*" else int(wanted)
            if window <= 65535:
                return mss, window
        raise ValueError(f"no segment size fits {self.signature}")

    def stamp(self, at):
        return self.boot_stamp + int(at * self.rate) + 1

    def greeting(self, at, echo=0):
        """The options of its SYN or SYN+ACK."""
        stamp = 0 if "ts1-" in self.signature.quirks else self.stamp(at)
        return packets.tcp_options(self.signature.layout, self.mss, self.scale, stamp, echo)

    def options(self, at, echo):
        """The options of its later packets."""
        if "ts" not in self.signature.layout:
            return b""
        return packets.tcp_options(["nop", "nop", "ts"], stamp=self.stamp(at), echo=echo)

    def packet(self, other, segment):
        ident = 1 if "id+" in self.signature.quirks and not self.fuzzy else 0
        fragment = "df" in self.signature.quirks
        if not fragment:
            ident = 1           # else p0f sees the quirk 'id-'
        return packets.ip(self.address, other.address, segment, self.ttl, fragment, ident)


def conversation(start, client, server, ports, request=b"", response=b""):
    """(time, frame) pairs of one connection."""
    out = []

    def send(at, sender, flags, seq, ack, options, payload=b""):
        from_client = sender is client
        other = server if from_client else client
        segment = packets.tcp(sender.address, other.address,
                              ports if from_client else ports[::-1], flags, seq, ack,
                              sender.window, options, payload)
        out.append((at, packets.frame(sender.packet(other, segment), from_client)))

    mine, theirs = 1000, 5000
    at = start
    send(at, client, SYN, mine, 0, client.greeting(at))
    at += 0.001
    send(at, server, SYN | ACK, theirs, mine + 1, server.greeting(at, client.stamp(start)))
    mine, theirs = mine + 1, theirs + 1
    at += 0.001
    send(at, client, ACK, mine, theirs, client.options(at, server.stamp(at)))
    at += PAUSE_BEFORE_DATA
    if request:
        send(at, client, PSH | ACK, mine, theirs, client.options(at, server.stamp(at)), request)
        mine += len(request)
        at += 0.001
    if response:
        send(at, server, PSH | ACK, theirs, mine, server.options(at, client.stamp(at)), response)
        theirs += len(response)
        at += 0.001
    send(at, client, FIN | ACK, mine, theirs, client.options(at, server.stamp(at)))
    return out


def http_message(first_line, signature, texts):
    """A message with the headers of an HTTP signature; `texts` has values by header name."""
    lines = [first_line]
    for name, contained, optional in signature.headers:
        if optional and name not in texts:
            continue
        end = "1" if contained.endswith(("=", ".")) else ""      # of a quality such as ";q=0."
        lines.append(f"{name}: {texts.get(name, '')}{contained}{end}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def http_request(signature, agent, language, extra=None):
    """A browser's request; `agent` is the whole User-Agent."""
    texts = {"Host": "www.example.com", "User-Agent": agent, "Accept": "text/html"}
    if any(name == "Accept-Language" and contained in ("", ";q=", ";q=0.")
           for name, contained, _ in signature.headers):
        texts["Accept-Language"] = language
    minor = 0 if signature.version == "0" else 1
    message = http_message(f"GET /index.html HTTP/1.{minor}", signature, texts)
    if extra:
        message = message[:-2] + extra.encode() + b"\r\n\r\n"
    return message


def http_response(signature, software):
    """A server's response; `software` is the whole Server header."""
    texts = {"Date": "Tue, 14 Nov 2023 22:13:20 GMT", "Server": software,
             "Content-Type": "text/html"}
    minor = 0 if signature.version == "0" else 1
    return http_message(f"HTTP/1.{minor} 200 OK", signature, texts)
