# SPDX-License-Identifier: MIT
"""However many connections are ready at once, each is answered: none of the HTTP threads sleeps with
work in hand. 128 is how many events libmicrohttpd fetches at once."""

import signal

import pytest

from http_client import Answer, ask
from http_load import FULL, load

HIT = "198.51.100.1"
PATH = f"/host/{HIT}"
SIZES = [1, 127, 128, 129, 256, 384, 1000]


@pytest.fixture(name="daemon", params=[1, 2, 3], ids=lambda threads: f"{threads} threads")
def _daemon(fake, serve, request):
    fake.hosts[HIT] = {"os_name": "Linux"}
    with serve(fake, {"cache.ttl": "1h", "http.threads": str(request.param)}) as daemon:
        daemon.wait_for_p0f()
        assert daemon.host(HIT).status == 200
        yield daemon


@pytest.mark.parametrize("size", SIZES)
def test_a_closed_loop_of_any_size(daemon, size):
    """Clients that wait for their answers send nothing more that could wake anybody."""
    requests = size * (50 if FULL else 10)
    report = load(daemon, n=requests, c=size, a=HIT, i=True)
    assert report.statuses == {200: requests}, report
    assert report.broken == report.wrong == 0


@pytest.mark.parametrize("size", SIZES)
def test_a_burst_of_any_size_after_a_pause(daemon, size):
    connections = [daemon.connect() for _ in range(size)]
    try:
        for connection in connections:
            assert ask(connection, PATH).status == 200
        for _ in range(3 if FULL else 1):
            daemon.signal(signal.SIGSTOP)
            for connection in connections:
                connection.request("GET", PATH)
            daemon.signal(signal.SIGCONT)
            for connection in connections:
                assert Answer(connection.getresponse()).status == 200
    finally:
        for connection in connections:
            connection.close()
