# SPDX-License-Identifier: MIT
"""/readyz, /status and /metrics with several p0fs."""

import os
import re
import signal
import socket

import promtool
import pytest
from daemon import write_config
from fake_p0f import FakeP0f
from problems import assert_problem
from waiting import SLOWDOWN, wait_until


@pytest.fixture(name="lan")
def _lan(scratch):
    """A second p0f, beside `fake`, which is called wan here."""
    with FakeP0f(os.path.join(scratch, "lan.sock")) as lan:
        yield lan


def _sockets(wan, lan):
    return f"wan={wan.path}, lan={lan.path}"


def _is_ready(daemon):
    return daemon.get("/readyz").status == 200


def _wait_ready(daemon):
    wait_until(lambda: daemon.get("/readyz").json() == {"status": "ready"}, "each sensor to answer")


def _detail(daemon):
    return daemon.get("/readyz").json().get("detail", "")


# ---- /readyz


def test_each_must_answer(fake, lan, serve):
    with serve(_sockets(fake, lan)) as daemon:
        _wait_ready(daemon)
        lan.stop()
        wait_until(lambda: not _is_ready(daemon), "the end of readiness")
        answer = daemon.get("/readyz")
        assert_problem(answer, 503, "p0f-unavailable")
        assert answer.json()["detail"].startswith(f"lan: {lan.path}: "), answer
        assert "wan" not in answer.json()["detail"]
        fake.stop()
        wait_until(lambda: "wan: " in _detail(daemon), "both to be down")
        detail = _detail(daemon)
        assert detail.startswith(f"wan: {fake.path}: ") and f"; lan: {lan.path}: " in detail
        lan.start()
        wait_until(lambda: "lan" not in _detail(daemon), "lan to answer")
        fake.start()
        _wait_ready(daemon)


def test_one_is_enough_where_that_is_set(fake, lan, serve):
    """It still names the one that does not answer; a reload changes it back to all."""
    with serve(_sockets(fake, lan), {"p0f.ready": "any"}) as daemon:
        wait_until(lambda: _is_ready(daemon) and not _detail(daemon), "both to answer")
        lan.stop()
        wait_until(lambda: _detail(daemon), "lan to be down")
        answer = daemon.get("/readyz")
        assert answer.status == 200 and answer["Cache-Control"] == "no-store"
        assert answer.json()["status"] == "ready"
        assert answer.json()["detail"].startswith(f"lan: {lan.path}: ")
        write_config(daemon.config, {**daemon.settings, "p0f.ready": "all"})
        daemon.signal(signal.SIGHUP)
        wait_until(lambda: not _is_ready(daemon), "the reload")
        write_config(daemon.config, daemon.settings)
        daemon.signal(signal.SIGHUP)
        wait_until(lambda: _is_ready(daemon), "the other reload")
        fake.stop()
        wait_until(lambda: not _is_ready(daemon), "both to be down")
        assert "wan: " in _detail(daemon) and "lan: " in _detail(daemon)
        fake.start()
        lan.start()
        _wait_ready(daemon)


def test_one_that_hangs_is_named(fake, lan, serve):
    with serve(_sockets(fake, lan)) as daemon:
        _wait_ready(daemon)
        lan.freeze()
        wait_until(lambda: re.match("lan: (.*: )?p0f (did not answer within|has not answered for) ", _detail(daemon)),
                   "lan to be found hanging")
        assert "wan: " not in _detail(daemon)
        lan.thaw()
        _wait_ready(daemon)


def test_each_is_asked_at_most_once_a_second(fake, lan, serve):
    with serve(_sockets(fake, lan)) as daemon:
        _wait_ready(daemon)
        before = [len(fake.queries), len(lan.queries)]
        begin = fake.queries[-1].at
        for _ in range(300):
            assert _is_ready(daemon)
        for one, count in zip((fake, lan), before):
            took = one.queries[-1].at - begin
            assert len(one.queries) - count <= 2 + took


# ---- /status


def test_status_shows_each(fake, lan, serve):
    with serve(_sockets(fake, lan), {"p0f.connections": "3"}) as daemon:
        _wait_ready(daemon)
        status = daemon.get("/status").json()
        assert "pool" not in status and "connections" not in status and "share" not in status
        assert [(one["name"], one["socket"], one["up"], one["fault"]) for one in status["sensors"]] == [
            ("wan", fake.path, True, None), ("lan", lan.path, True, None)]
        for one in status["sensors"]:
            assert one["pool"]["socket"] == one["socket"] and one["pool"]["p0f_up"]
            assert len(one["connections"]) == 3
        lan.stop()
        wait_until(lambda: not daemon.get("/status").json()["sensors"][1]["up"], "lan to be down")
        wan, down = daemon.get("/status").json()["sensors"]
        assert wan["up"] and wan["fault"] is None
        assert down["fault"].startswith(f"{lan.path}: ") and down["pool"]["fault"] == down["fault"]
        assert {one["state"] for one in down["connections"]} == {"down"}
        lan.start()


def test_status_of_a_single_one(fake, serve):
    """With a name, all metrics that existed without names still exist."""
    with serve(f"wan={fake.path}") as daemon:
        _wait_ready(daemon)
        status = daemon.get("/status").json()
        (wan,) = status["sensors"]
        assert (wan["name"], wan["socket"]) == ("wan", fake.path)
        assert wan["pool"] == status["pool"]
        assert len(wan["connections"]) == len(status["connections"])
    with serve(fake) as daemon:
        _wait_ready(daemon)
        status = daemon.get("/status").json()
        assert "sensors" not in status and status["pool"]["socket"] == fake.path


# ---- /metrics


def _metrics(daemon):
    """{series: value}, of p0f."""
    text = daemon.get("/metrics").body.decode()
    promtool.check_metrics(text)
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("p0f_lookupd_p0f_")]
    return {series.removeprefix("p0f_lookupd_p0f_"): float(value) for series, value in lines}


def test_metrics_of_each(fake, lan, serve):
    with serve(_sockets(fake, lan), {"p0f.connections": "2"}) as daemon:
        _wait_ready(daemon)
        before = _metrics(daemon)
        assert {re.search('sensor="([^"]*)"', series)[1] for series in before
                if not series.startswith("abandoned_")} == {"wan", "lan"}
        assert before['up{sensor="wan"}'] == before['up{sensor="lan"}'] == 1
        assert before['dialect_info{sensor="lan",dialect="p0f3"}'] == 1
        assert before['connections{sensor="lan",state="ready"}'] == 2
        for name in "wan", "lan":
            answers = sum(before[f'answers_total{{sensor="{name}",result="{result}"}}']
                          for result in ("found", "no_match", "bad_query"))
            assert 1 <= answers == before[f'answer_duration_seconds_count{{sensor="{name}"}}']
        lan.stop()
        lost = 'connections_lost_total{sensor="%s"}'
        wait_until(lambda: _metrics(daemon)[lost % "lan"] == 2, "the connections to lan to be lost")
        after = _metrics(daemon)
        assert after['up{sensor="wan"}'] == 1 and after['up{sensor="lan"}'] == 0
        assert after[lost % "wan"] == 0
        assert set(before) - set(after) <= {'dialect_info{sensor="lan",dialect="p0f3"}'}
        lan.start()
        wait_until(lambda: _metrics(daemon)['reconnects_total{sensor="lan"}'] >= 2, "new connections")
        assert _metrics(daemon)['reconnects_total{sensor="wan"}'] == 0


def test_metrics_without_names(fake, serve):
    with serve(fake) as daemon:
        _wait_ready(daemon)
        metrics = _metrics(daemon)
        assert metrics["up"] == 1 and not [series for series in metrics if "sensor" in series]
        assert "p0f_lookupd_share_" not in daemon.get("/metrics").body.decode()


# ---- Descriptors


def test_there_are_descriptors_for_the_connections_to_each(fake, lan, serve):
    """Otherwise many sensors would take them from clients."""
    with serve(_sockets(fake, lan), {"p0f.connections": "90", "http.max_connections": "100"},
               prefix=["prlimit", "--nofile=64:4096"]) as daemon:
        text = daemon.get("/metrics").body.decode()
        assert int(re.search("^process_max_fds ([0-9]+)$", text, re.MULTILINE)[1]) >= 100 + 2 * 90 + 256


# ---- The status of the service


def test_systemd_is_told_which_does_not_answer(fake, lan, serve, scratch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"{scratch}/notify")
        manager.settimeout(20 * SLOWDOWN)

        def wait_for_status(begin):
            status = ""
            while not status.startswith(f"STATUS={begin}"):
                lines = manager.recv(4096).decode().splitlines()
                status = next((line for line in lines if line.startswith("STATUS=")), status)

        with serve(_sockets(fake, lan), extra_environment={"NOTIFY_SOCKET": manager.getsockname()}):
            wait_for_status("Answering lookups")
            lan.stop()
            wait_for_status(f"lan: {lan.path}: ")
            fake.stop()
            wait_for_status(f"wan: {fake.path}: ")
            fake.start()
            wait_for_status(f"lan: {lan.path}: ")
            lan.start()
            wait_for_status("Answering lookups")
