# SPDX-License-Identifier: MIT
"""A p0f that splits, stalls, lies, or hangs up: the one who asked is told, everybody else is served
right, then and afterwards."""

import json

import pytest

import p0f_wire
from fake_p0f import Reply
from http_client import Crowd
from problems import assert_problem
from waiting import wait_until

VICTIM = "198.51.100.66"
KNOWN = {f"198.51.100.{number}": {"os_name": "Linux", "http_name": f"host {number}"}
         for number in range(1, 21)}
PATIENT = {"p0f.timeout": "20s"}


@pytest.fixture(name="known")
def _known(fake):
    fake.hosts.update(KNOWN)
    return fake


def _all_right(daemon):
    """Every host is answered with its own data, asked of p0f anew."""
    for address, fields in KNOWN.items():
        answer = daemon.host(address, "", {"Cache-Control": "no-cache"})
        assert answer.status == 200, answer
        assert (answer.json()["ip"], answer.json()["http_name"]) == (address, fields["http_name"])


def _reached(daemon):
    return daemon.host("198.51.100.1", "", {"Cache-Control": "no-cache"}).status == 200


def _recovers(daemon):
    wait_until(lambda: _reached(daemon), "the daemon to reach p0f again")
    _all_right(daemon)


NONSENSE = {
    "wrong magic": {"magic": 0x50304601, "os_name": "Linux"},
    "swapped magic": {"magic": 0x02463050, "os_name": "Linux"},
    "wrong status": {"status": 0x30, "os_name": "Linux"},
    "huge status": {"status": 0x10000010, "os_name": "Linux"},
    "BADQUERY": {"status": p0f_wire.BADQUERY},
}


@pytest.mark.parametrize("what", NONSENSE)
@pytest.mark.parametrize("query", ["", "?format=raw"])
def test_nonsense_is_a_bad_response(known, serve, what, query):
    known.hosts[VICTIM] = NONSENSE[what]
    with serve(known, PATIENT) as daemon:
        daemon.wait_for_p0f()
        assert_problem(daemon.host(VICTIM, query), 502, "bad-response", VICTIM)
        _recovers(daemon)
        known.hosts[VICTIM] = {"os_name": "at last"}
        assert daemon.host(VICTIM).json()["os_name"] == "at last", "an error is not kept"


@pytest.mark.parametrize("fields", [{"bad_sw": 3}, {"bad_sw": 255},
                                    {"os_match_q": 4}, {"os_match_q": 255}])
def test_constants_out_of_range(known, serve, fields):
    """Refused where they are given a meaning, passed on where they are not."""
    known.hosts[VICTIM] = {"os_name": "Linux", **fields}
    with serve(known, PATIENT) as daemon:
        for _ in range(2):
            assert_problem(daemon.host(VICTIM), 502, "bad-response", VICTIM)
            raw = daemon.host(VICTIM, "?format=raw")
            assert raw.status == 200
            assert raw.json().items() >= fields.items()
        _all_right(daemon)


def test_nonsense_in_the_middle_of_others(known, serve):
    """Answers before and behind it on the same connection belong to others."""
    known.hosts[VICTIM] = {"magic": 1}
    with serve(known, {"p0f.connections": "1", "p0f.timeout": "20s"}) as daemon:
        daemon.wait_for_p0f()
        known.hold()
        addresses = list(KNOWN)[:10] + [VICTIM] + list(KNOWN)[10:]
        crowd = Crowd(daemon.endpoint, [f"/host/{address}" for address in addresses])
        wait_until(lambda: known.asked() > 5, "some of the queries")
        known.release()
        for address, answer in zip(addresses, crowd.answers()):
            if address == VICTIM:
                assert_problem(answer, 502, "bad-response", VICTIM)
            else:
                assert answer.json()["http_name"] == KNOWN[address]["http_name"]
        _all_right(daemon)


@pytest.mark.parametrize("connections", ["1", "4"])
def test_nonsense_in_a_batch(known, serve, connections):
    """Bad items never spoil the rest, though they end all the connections there are."""
    victims = {f"198.51.100.{101 + n}": host for n, host in enumerate(NONSENSE.values())}
    known.hosts.update(victims)
    addresses = [address for pair in zip(KNOWN, list(victims) * 4) for address in pair]
    with serve(known, {"p0f.connections": connections, "p0f.timeout": "20s"}) as daemon:
        daemon.wait_for_p0f()
        answer = daemon.get("/hosts", method="POST", body=json.dumps(addresses),
                            headers={"Content-Type": "application/json"})
        for address, item in zip(addresses, answer.json()):
            if address in victims:
                assert (item["status"], item["code"]) == (502, "bad-response"), item
            else:
                assert item["host"]["http_name"] == KNOWN[address]["http_name"], item


def test_nonsense_again_and_again(known, serve):
    """Each time it is told so, and in between the others are served."""
    with serve(known, {"p0f.connections": "1", "p0f.timeout": "20s"}) as daemon:
        daemon.wait_for_p0f()
        for what, nonsense in NONSENSE.items():
            known.hosts[VICTIM] = nonsense
            assert daemon.host(VICTIM).status == 502, what
            assert _reached(daemon), what


def _garbled(what):
    """A good answer, made into one of those; or with more behind it than was asked for."""
    if what == "extra bytes":
        return Reply(p0f_wire.pack_answer(os_name="Linux", http_name="first") + b"more")
    return NONSENSE[what]


# BADQUERY is not among them: it is an answer, of which the connection is none the worse.
CONDEMNING = ["wrong magic", "swapped magic", "wrong status", "huge status", "extra bytes"]


@pytest.mark.parametrize("what", CONDEMNING)
def test_all_are_asked_about_once_more_elsewhere(known, serve, what):
    """Answered wrongly once: that connection is given up, and neither who asked about the victim nor
    those behind it in the line notice."""
    known.hosts[VICTIM] = lambda nth: _garbled(what) if nth == 1 else {"http_name": "second"}
    with serve(known, {"p0f.connections": "2", "p0f.timeout": "20s"}) as daemon:
        daemon.wait_for_p0f()
        wait_until(lambda: daemon.get("/status").json()["pool"]["ready"] == 2, "both connections")
        known.hold()
        first = Crowd(daemon.endpoint, [f"/host/{VICTIM}"])
        wait_until(lambda: known.counts[VICTIM], "the query about the victim")
        others = Crowd(daemon.endpoint, [f"/host/{address}" for address in KNOWN])
        wait_until(lambda: set(KNOWN) <= set(known.counts), "the queries behind it")
        known.release()
        for (address, fields), answer in zip(KNOWN.items(), others.answers()):
            assert answer.status == 200, answer
            assert (answer.json()["ip"], answer.json()["http_name"]) == (address,
                                                                        fields["http_name"])
        times = 1 if what == "extra bytes" else 2
        assert first.answers()[0].json()["http_name"] == ("first" if times == 1 else "second")
        assert known.counts[VICTIM] == times
        # Half of them were in that line.
        assert sorted(known.counts[address] for address in KNOWN) == [1] * 10 + [2] * 10
        daemon.wait_for_line("dropping the connection")
        assert daemon.log().count("dropping the connection") == 1
        _recovers(daemon)


@pytest.mark.parametrize("what", [what for what in CONDEMNING if what != "extra bytes"])
def test_once_more_and_no_more(known, serve, what):
    known.hosts[VICTIM] = _garbled(what)
    with serve(known, PATIENT) as daemon:
        daemon.wait_for_p0f()
        wait_until(lambda: daemon.get("/status").json()["pool"]["ready"] == 4, "all connections")
        assert_problem(daemon.host(VICTIM), 502, "bad-response", VICTIM)
        assert known.counts[VICTIM] == 2
        _recovers(daemon)


def test_answers_byte_by_byte(known, serve):
    known.write_size = 1
    with serve(known, PATIENT) as daemon:
        daemon.wait_for_p0f()
        _all_right(daemon)


@pytest.mark.parametrize("size", [7, 231, 233, 300])
def test_answers_in_odd_pieces(known, serve, size):
    known.coalesce = True
    known.write_size = size
    with serve(known, PATIENT) as daemon:
        daemon.wait_for_p0f()
        crowd = Crowd(daemon.endpoint, [f"/host/{address}" for address in KNOWN])
        for address, answer in zip(KNOWN, crowd.answers()):
            assert answer.json()["http_name"] == KNOWN[address]["http_name"], answer


def test_many_answers_in_one_write(known, serve):
    known.coalesce = True
    with serve(known, {"p0f.connections": "1", "p0f.pipeline": "64",
                       "p0f.timeout": "20s"}) as daemon:
        daemon.wait_for_p0f()
        known.hold()
        crowd = Crowd(daemon.endpoint, [f"/host/{address}" for address in KNOWN])
        wait_until(lambda: known.asked() > len(KNOWN), "all queries")
        known.release()
        for address, answer in zip(KNOWN, crowd.answers()):
            assert answer.json()["http_name"] == KNOWN[address]["http_name"], answer


@pytest.mark.parametrize("length", [0, 1, 4, 8, 100, 231])
def test_a_short_answer_then_hang_up(known, serve, length):
    whole = p0f_wire.pack_answer(os_name="Linux", http_name="whole")
    short = Reply(whole[:length], hang_up=True)
    known.hosts[VICTIM] = lambda nth: short if nth == 1 else whole
    with serve(known, PATIENT) as daemon:
        daemon.wait_for_p0f()
        answer = daemon.host(VICTIM)
        # It may be asked again on another connection; if not, the one who asked is told.
        assert answer.status in (200, 502, 503), answer
        wait_until(lambda: daemon.host(VICTIM).status == 200, "the whole answer")
        assert daemon.host(VICTIM).json()["http_name"] == "whole"
        _recovers(daemon)


def test_always_a_short_answer_then_hang_up(known, serve):
    """Asking again and again would not help, so at some point it is told."""
    known.hosts[VICTIM] = Reply(b"\x02\x46", hang_up=True)
    with serve(known, PATIENT) as daemon:
        daemon.wait_for_p0f()
        answer = daemon.host(VICTIM)
        assert answer.status in (502, 503, 504), answer
        assert known.counts[VICTIM] < 20
        _recovers(daemon)


def test_an_answer_that_nobody_asked_for(known, serve):
    """It must not be taken for the answer to the next question."""
    stray = p0f_wire.pack_answer(os_name="stray", http_name="stray")
    known.hosts[VICTIM] = Reply(p0f_wire.pack_answer(os_name="Linux") + stray)
    with serve(known, {"p0f.connections": "1", "p0f.timeout": "20s"}) as daemon:
        daemon.wait_for_p0f()
        assert daemon.host(VICTIM).json()["os_name"] == "Linux"
        _all_right(daemon)


def test_hanging_up_again_and_again(known, serve):
    with serve(known, {**PATIENT, "cache.stale_if_error": "0"}) as daemon:
        daemon.wait_for_p0f()
        for _ in range(5):
            known.hang_up()
            wait_until(lambda: _reached(daemon), "a new connection")
        _all_right(daemon)


def test_p0f_goes_away_with_questions_open(known, serve):
    """p0f dies: those who wait are told at once rather than at the end of their time."""
    with serve(known, {"p0f.timeout": "25s"}) as daemon:
        daemon.wait_for_p0f()
        known.hold()
        crowd = Crowd(daemon.endpoint, [f"/host/{address}" for address in KNOWN])
        wait_until(lambda: known.asked() > 5, "the queries")
        known.stop()
        for address, answer in zip(KNOWN, crowd.answers(bound=20)):
            assert_problem(answer, 503, "p0f-unavailable", address)
        known.release()
        known.start()
        _recovers(daemon)


def test_never_accepted(known, serve):
    """Connections wait in the backlog: they look open, and nothing ever comes."""
    known.accepting = False
    with serve(known) as daemon:
        answer = daemon.host("198.51.100.1")
        assert answer.status in (503, 504), answer
        known.accepting = True
        _recovers(daemon)


def test_fewer_connections_than_wanted(known, serve):
    """p0f serves no more clients than its cap; the rest wait unserved and unharmed."""
    known.cap = 1
    with serve(known, {"p0f.connections": "4", "p0f.timeout": "20s"}) as daemon:
        daemon.wait_for_p0f(all_connections=False)
        _all_right(daemon)
        crowd = Crowd(daemon.endpoint, [f"/host/203.0.113.{n}?wait=0" for n in range(100)])
        assert [answer.status for answer in crowd.answers()] == [404] * 100
        known.cap = 20
        _all_right(daemon)
        # Before the end those connections must have been served, else their answers are outstanding.
        wait_until(lambda: known.counts["0.0.0.0"] == 2 * known.connections, "their probes")


def test_a_pause_of_the_whole_p0f(known, serve):
    """A burst of packets: nothing is read or written for longer than anybody waits."""
    with serve(known) as daemon:
        daemon.wait_for_p0f()
        known.freeze()
        crowd = Crowd(daemon.endpoint, [f"/host/{address}" for address in KNOWN])
        for address, answer in zip(KNOWN, crowd.answers()):
            assert_problem(answer, 504, "p0f-timeout", address)
        known.thaw()
        _recovers(daemon)
