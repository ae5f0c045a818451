# SPDX-License-Identifier: MIT
"""All who ask about one host at the same time share one question to p0f."""

import signal
import threading

from daemon import write_config
from http_client import Crowd
from problems import assert_problem
from waiting import wait_until

HOST = "198.51.100.1"
KNOWN = {"os_name": "Linux", "http_name": "curl", "total_conn": 7}


class Requester(threading.Thread):
    """One request in a thread of its own."""

    def __init__(self, daemon, address, query="", headers=None):
        super().__init__(daemon=True)
        self._ask = lambda: daemon.host(address, query, headers)
        self.answer = None
        self.start()

    def run(self):
        self.answer = self._ask()

    def result(self):
        self.join(30)
        assert self.answer is not None, "no answer"
        return self.answer


def _waiting(daemon):
    return daemon.get("/status").json()["lookups"]["pending"]


def test_500_requests_for_a_cold_host_are_one_query(fake, serve):
    fake.hosts[HOST] = KNOWN
    with serve(fake, {"p0f.timeout": "20s"}) as daemon:
        daemon.wait_for_p0f()
        fake.hold(HOST)
        crowd = Crowd(daemon.endpoint, [f"/host/{HOST}"] * 500)
        wait_until(lambda: _waiting(daemon) == 500, "all of them to wait")
        fake.release()
        answers = crowd.answers()
        assert [answer.status for answer in answers] == [200] * 500
        assert {answer.body for answer in answers} == {answers[0].body}
        assert fake.counts[HOST] == 1
        fates = [answer.cache_status() for answer in answers]
        assert fates.count({"fwd": "miss", "stored": True}) == 1
        assert fates.count({"fwd": "miss", "collapsed": True}) == 499


def test_500_requests_for_an_unknown_host_are_one_query(fake, serve):
    with serve(fake, {"p0f.timeout": "20s", "cache.negative_ttl": "1h"}) as daemon:
        daemon.wait_for_p0f()
        fake.hold(HOST)
        crowd = Crowd(daemon.endpoint, [f"/host/{HOST}?wait=0"] * 500)
        wait_until(lambda: fake.counts[HOST], "the query")
        fake.release()
        assert [answer.status for answer in crowd.answers()] == [404] * 500
        assert fake.counts[HOST] == 1


def test_a_question_anew_joins_the_one_under_way(fake, serve):
    fake.hosts[HOST] = KNOWN
    with serve(fake, {"p0f.timeout": "20s"}) as daemon:
        daemon.host(HOST)
        fake.hold(HOST)
        first = Requester(daemon, HOST, headers={"Cache-Control": "no-cache"})
        wait_until(lambda: fake.counts[HOST] == 2, "the second query")
        crowd = Crowd(daemon.endpoint, [f"/host/{HOST}"] * 10)
        assert {answer.status for answer in crowd.answers()} == {200}, "a fresh entry needs no p0f"
        others = [Requester(daemon, HOST, headers={"Cache-Control": "no-cache"}) for _ in range(10)]
        fake.release()
        assert {each.result().status for each in [first, *others]} == {200}
        # Those that came after the release found nothing under way and asked once more, at most.
        assert 2 <= fake.counts[HOST] <= 12


def test_each_waiter_has_its_own_deadline(fake, serve):
    """The first to ask runs out of time; one that joined it, and has more of it, gets the answer."""
    fake.hosts[HOST] = KNOWN
    with serve(fake, {"p0f.timeout": "1s"}) as daemon:
        daemon.wait_for_p0f()
        fake.hold(HOST)
        first = Requester(daemon, HOST)
        wait_until(lambda: fake.counts[HOST], "the query")
        daemon.settings["p0f.timeout"] = "20s"
        write_config(daemon.config, daemon.settings)
        daemon.signal(signal.SIGHUP)
        wait_until(lambda: "settings reloaded" in daemon.log(), "the reload")
        second = Requester(daemon, HOST)
        assert_problem(first.result(), 504, "p0f-timeout", HOST)
        wait_until(lambda: _waiting(daemon) == 1, "the second to wait")
        fake.release()
        assert second.result().status == 200
        assert fake.counts[HOST] == 1


def test_a_short_wait_does_not_end_a_long_one(fake, serve):
    """Both share the questions to p0f, yet each believes "no match" in its own time."""
    fake.hosts[HOST] = None
    with serve(fake) as daemon:
        daemon.wait_for_p0f()
        patient = Requester(daemon, HOST, "?wait=5000")
        wait_until(lambda: fake.counts[HOST], "the first question")
        assert_problem(daemon.host(HOST, "?wait=20"), 404, "no-match", HOST)
        assert patient.answer is None
        fake.hosts[HOST] = KNOWN
        assert patient.result().status == 200


def test_clients_that_leave_while_they_wait(fake, serve):
    fake.hosts[HOST] = KNOWN
    with serve(fake, {"p0f.timeout": "20s"}) as daemon:
        daemon.wait_for_p0f()
        fake.hold(HOST)
        crowd = Crowd(daemon.endpoint, [f"/host/{HOST}"] * 100)
        wait_until(lambda: fake.counts[HOST], "the query")
        crowd.leave()
        assert daemon.get("/livez").status == 200
        fake.release()
        # Nobody waits any more, and yet the answer is kept.
        wait_until(lambda: daemon.host(HOST, "", {"Cache-Control": "only-if-cached"}).status == 200,
                   "the answer in the cache")
        assert fake.counts[HOST] == 1
