# SPDX-License-Identifier: MIT
"""Sixty-four clients at once, asking the real p0f for everything: hits, misses, strangers and
nonsense in one stream, and every single answer is checked."""

import random
import threading

import loopback
from http_client import ask
from problems import assert_problem
from real_p0f import RealP0f

CLIENTS = 64
REQUESTS = 40

LANGUAGES = {"fr": "French", "de": "German", "es": "Spanish", "nl": "Dutch", "pl": "Polish",
             "ja": "Japanese", "cs": "Czech", "vi": "Vietnamese"}
HOSTS = {f"{loopback.NETWORK}.5.{number}": list(LANGUAGES)[number % len(LANGUAGES)]
         for number in range(1, 33)}


def _host(answer, address):
    assert answer.status == 200, answer
    host = answer.json()
    assert host["ip"] == address
    assert host["language"] == LANGUAGES[HOSTS[address]]
    assert host["total_conn"] == 1
    assert host["http_name"] == "elinks"


def _known(connection, dice):
    address = dice.choice(list(HOSTS))
    _host(ask(connection, f"/host/{address}"), address)


def _known_anew(connection, dice):
    address = dice.choice(list(HOSTS))
    answer = ask(connection, f"/host/::ffff:{address}", {"Cache-Control": "no-cache"})
    _host(answer, address)
    assert answer["Age"] == "0"


def _known_raw(connection, dice):
    address = dice.choice(list(HOSTS))
    host = ask(connection, f"/host/{address}?format=raw").json()
    assert (host["ip"], host["status"]) == (address, 0x10)
    assert host["language"] == LANGUAGES[HOSTS[address]]


def _known_head(connection, dice):
    address = dice.choice(list(HOSTS))
    answer = ask(connection, f"/host/{address}", method="HEAD")
    assert (answer.status, answer.body) == (200, b"")


def _stranger(connection, dice):
    address = f"{loopback.NETWORK}.{dice.randrange(6, 200)}.{dice.randrange(256)}"
    assert_problem(ask(connection, f"/host/{address}?wait=0"), 404, "no-match", address)


def _stranger_with_patience(connection, dice):
    address = f"2001:db8::{dice.randrange(1, 65536):x}"
    assert_problem(ask(connection, f"/host/[{address}]"), 404, "no-match", address)


def _bad_address(connection, dice):
    text = dice.choice("1.2.3 localhost 1.2.3.4%00 ::1%25lo [::1 10.0.0.0/8 %zz".split())
    assert_problem(ask(connection, f"/host/{text}"), 400, "bad-address")


def _bad_parameter(connection, dice):
    query = dice.choice(["format=x", "wait=-1", "wait=5001"])
    answer = ask(connection, f"/host/{dice.choice(list(HOSTS))}?{query}")
    assert_problem(answer, 400, "bad-parameter")


def _bad_path(connection, dice):
    assert_problem(ask(connection, f"/{dice.randrange(1000)}"), 404, "not-found")


def _bad_method(connection, dice):
    answer = ask(connection, f"/host/{dice.choice(list(HOSTS))}", method="DELETE")
    assert_problem(answer, 405, "method-not-allowed")


def _livez(connection, _dice):
    assert ask(connection, "/livez").status == 200


KINDS = [_known] * 4 + [_known_anew, _known_raw, _known_head, _stranger, _stranger_with_patience,
                        _bad_address, _bad_parameter, _bad_path, _bad_method, _livez]


def test_sixty_four_clients_ask_for_everything(needs_p0f, scratch, serve):
    with loopback.WebServer() as web, \
            RealP0f(scratch, packets=f"net {loopback.NETWORK}.0.0/16") as p0f:
        for address, language in HOSTS.items():
            loopback.visit(address, web.address, language=language)
        for address in HOSTS:
            p0f.wait_to_know(address)
        # So short a life that there are misses, hits and refreshes of the same hosts.
        with serve(p0f, {"cache.ttl": "20ms", "cache.negative_ttl": "20ms",
                         "p0f.timeout": "20s"}) as daemon:
            daemon.wait_for_p0f()
            wrong = []

            def client(number):
                dice = random.Random(number)
                connection = daemon.connect()
                try:
                    for _ in range(REQUESTS):
                        dice.choice(KINDS)(connection, dice)
                except Exception as problem:    # whatever it is, the test is to fail with it
                    wrong.append(problem)
                finally:
                    connection.close()
            threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert not wrong, wrong[0]
            assert p0f.alive()
