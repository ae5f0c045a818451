# SPDX-License-Identifier: MIT
"""Random answers of p0f, unpacked and rendered by the daemon's own code and read back with Python's
JSON, field by field against the contract.

Each run has another seed, which a failure names; RENDER_SEED repeats it. RENDER_ANSWERS is the
program that renders (tests/support/c/render_answers.c).
"""

import ipaddress
import json
import math
import os
import random
import struct
import subprocess

import pytest

import host_json
import p0f_wire
from daemon import WRAP
from waiting import SLOWDOWN

PROGRAM = os.environ.get("RENDER_ANSWERS", os.path.join(
    os.path.dirname(__file__), "../../build/tests/support/c/render_answers"))
ANSWERS = 1500  # of each dialect

RANGE = {"I": (0, 2**32 - 1), "H": (0, 2**16 - 1), "h": (-2**15, 2**15 - 1), "B": (0, 255)}
EDGES = sorted({0, -1, -2} | {sign * 2**bit + more
                              for sign in (1, -1) for bit in range(33) for more in (-1, 0, 1)})
# Around midnights, years and leap days; minutes around hours and days.
TIMES = [86400 * day + second for day in (0, 58, 59, 365, 788, 789, 790, 11015, 11016, 19782, 24855,
                                          47540, 47541, 49709) for second in (-1, 0, 1)]
MINUTES = [step * factor + more for step in (60, 1440) for factor in (1, 2, 24, 365)
           for more in (-1, 0, 1)]
FLOATS = [0.0, -0.0, 1.0, -1.0, 0.1, 1e15, 1e16, 1e17, 1e22, 123456789012345680.0, 5e-324,
          2.2250738585072014e-308, 1.7976931348623157e308, -1.7976931348623157e308, 250.0,
          math.inf, -math.inf, math.nan]
PIECES = ["a", "Z", " ", '"', "\\", "/", "\x01", "\n", "\x1f", "\x7f", "\x80", "é", "ÿ", "\u07ff",
          "\u0800", "\u2028", "\ud7ff", "\ue000", "\ufeff", "\uffff", "\U00010000", "\U0010ffff"]
BROKEN = [b"\x80", b"\xbf", b"\xc0\x80", b"\xc1\xbf", b"\xc3", b"\xe0\x9f\xbf", b"\xe2\x82",
          b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf0\x8f\xbf\xbf", b"\xf0\x9f\x90", b"\xf4\x90\x80\x80",
          b"\xf5\x80\x80\x80", b"\xfe", b"\xff"]


def some_integer(chance, code):
    least, most = RANGE[code]
    pick = chance.random()
    if pick < 0.2:
        return chance.randint(least, most)
    if pick < 0.3:
        return chance.choice((least, least + 1, most - 1, most))
    values = EDGES + TIMES + MINUTES if code == "I" else EDGES
    value = chance.choice(values)
    return value if least <= value <= most else chance.choice((0, 1, 2, 3))


def some_float(chance):
    if chance.random() < 0.5:
        return chance.choice(FLOATS)
    return struct.unpack("=d", chance.randbytes(8))[0]


def some_string(chance):
    """32 bytes: text that is UTF-8 or nearly, any bytes, with or without a NUL."""
    pick = chance.random()
    if pick < 0.1:
        return b""
    if pick < 0.3:
        return chance.randbytes(32)
    if pick < 0.4:
        return bytes(chance.randint(1, 255) for _ in range(32))
    if pick < 0.5:
        return bytes([chance.randint(1, 255)]) * chance.randint(1, 32)
    pieces = [piece.encode() for piece in PIECES] + (BROKEN if pick < 0.7 else [])
    text = b"".join(chance.choice(pieces) for _ in range(chance.randint(1, 32)))
    if pick < 0.8:
        return text[:32]
    return text[:chance.randint(1, 31)] + b"\0" + chance.randbytes(32)


def some_fields(chance, dialect):
    fields = {}
    for name, code in p0f_wire.FIELDS[dialect][2:]:
        if code == "32s":
            fields[name] = some_string(chance)
        elif code == "512s":
            fields[name] = chance.randbytes(512)
        elif code == "d":
            fields[name] = some_float(chance)
        else:
            fields[name] = some_integer(chance, code)
    return fields


def some_address(chance):
    if chance.random() < 0.3:
        return ipaddress.IPv4Address(chance.randbytes(4))
    groups = [chance.choice((0, 0, 1, 0xFFFF, chance.randrange(65536))) for _ in range(8)]
    if groups[:5] == [0] * 5 and groups[5] == 0xFFFF:
        groups[0] = 1  # the daemon folds those before it asks
    return ipaddress.IPv6Address(struct.pack(">8H", *groups))


def every_byte(dialect):
    """Answers with each byte value in each string, alone and between others."""
    for byte in range(256):
        for value in (bytes([byte]), b"a" + bytes([byte]) + b"z", b"\xc3" + bytes([byte])):
            yield p0f_wire.pack_answer(dialect=dialect,
                                       **{name: value for name in p0f_wire.STRINGS})


def random_answers(chance, dialect):
    for _ in range(ANSWERS):
        answer = p0f_wire.pack_answer(dialect=dialect, **some_fields(chance, dialect))
        pick = chance.random()
        if pick < 0.02:  # no answer: a bit of magic or status is another
            at = chance.randrange(64)
            answer = bytearray(answer)
            answer[at // 8] ^= 1 << at % 8
        elif pick < 0.04:
            status = chance.choice((p0f_wire.NO_MATCH, p0f_wire.BADQUERY))
            answer = answer[:4] + struct.pack("=I", status) + answer[8:]
        yield bytes(answer)


def record(dialect, address, answer):
    return (bytes([1 + p0f_wire.DIALECTS.index(dialect), address.version]) +
            address.packed.ljust(16, b"\0") + answer)


def no_constant(name):
    raise ValueError(f"{name} is not JSON")


def read(line):
    """Members in their order. Only what RFC 8259 has, in UTF-8, on a line of its own."""
    return json.loads(line.decode("utf-8"), object_pairs_hook=list, parse_constant=no_constant)


def same(got, wanted):
    """As == does, but for types and signs of zero."""
    if isinstance(wanted, float):
        return isinstance(got, float) and struct.pack("=d", got) == struct.pack("=d", wanted)
    return type(got) is type(wanted) and got == wanted


def check_members(line, wanted):
    got = read(line)
    assert [name for name, _ in got] == list(wanted)
    for name, value in got:
        expected = wanted[name]
        if isinstance(expected, float) and not math.isfinite(expected):
            expected = None  # which JSON cannot say
        assert same(value, expected), (name, value, expected)


def check(lines, dialect, address, packed):
    answer = p0f_wire.unpack_answer(packed, dialect)
    verdict = next(lines).decode()
    if answer["magic"] != p0f_wire.ANSWER_MAGIC or \
            answer["status"] not in (p0f_wire.OK, p0f_wire.NO_MATCH, p0f_wire.BADQUERY):
        assert verdict == "refused"
    elif answer["status"] != p0f_wire.OK:
        assert verdict == "nothing"
    else:
        in_range = answer["bad_sw"] <= 2 and answer["os_match_q"] <= 3
        assert verdict == ("good" if in_range else "out of range")
        check_members(next(lines), host_json.parsed(str(address), answer, dialect))
        check_members(next(lines), host_json.raw(str(address), answer, dialect))


@pytest.mark.parametrize("dialect", p0f_wire.DIALECTS)
def test_random_answers(dialect):
    seed = int(os.environ.get("RENDER_SEED") or random.SystemRandom().randrange(2**32))
    print(f"RENDER_SEED={seed}")
    chance = random.Random(f"{seed} {dialect}")
    cases = [(some_address(chance), answer)
             for answer in [*every_byte(dialect), *random_answers(chance, dialect)]]
    records = b"".join(record(dialect, address, answer) for address, answer in cases)
    run = subprocess.run([*WRAP, PROGRAM], input=records, stdout=subprocess.PIPE, check=True,
                         timeout=120 * SLOWDOWN)
    assert run.stdout.endswith(b"\n")
    lines = iter(run.stdout[:-1].split(b"\n"))
    for number, (address, packed) in enumerate(cases):
        try:
            check(lines, dialect, address, packed)
        except (AssertionError, ValueError, StopIteration) as error:
            pytest.fail(f"RENDER_SEED={seed}, {dialect}, answer {number} ({packed.hex()}): "
                        f"{type(error).__name__}: {error}")
    assert not list(lines), f"RENDER_SEED={seed}: more lines than answers"
