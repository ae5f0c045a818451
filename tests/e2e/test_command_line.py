# SPDX-License-Identifier: MIT
"""-t, -V, -h, and command lines that make no sense."""

import re
import subprocess

import pytest

from daemon import PROGRAM, ROOT, WRAP, environment, free_port, run, write_config
from fake_p0f import PROBE
from http_client import fetch
from waiting import SLOWDOWN, wait_until

HOST = "198.51.100.1"


@pytest.fixture(name="config")
def _config(scratch):
    return write_config(f"{scratch}/lookupd.conf", {"p0f.timeout": "2s"})


def test_version():
    done = run("-V")
    assert done.returncode == 0
    assert re.search(r"p0f-lookupd.*\d", done.stdout)
    assert done.stderr == ""


def test_log_begins_with_the_version(fake, serve):
    version = run("-V").stdout.split()[1]
    with serve(fake, {}) as daemon:
        wait_until(daemon.log, "the log to begin")
        assert daemon.log().startswith(f"p0f-lookupd: starting version {version}\n")


def test_help():
    done = run("-h")
    assert done.returncode == 0
    with open(f"{ROOT}/daemon/p0f-lookupd.8", encoding="utf-8") as page:
        documented = re.findall(r"^\.It Fl (\w)\b.*?Fl Fl (\w+)", page.read(), re.M)
    assert len(documented) == 6
    for letter, name in documented:
        assert f"\n  -{letter}, --{name} " in done.stdout
    assert done.stderr == ""


def test_check_of_a_good_configuration(config):
    done = run("-c", config, "-t")
    assert done.returncode == 0, done
    done = run("-t", "-c", config, "-o", "cache.ttl=1h")
    assert done.returncode == 0, done


def test_check_opens_no_socket(config):
    """It can be run beside a daemon that serves, and without p0f."""
    done = run("-c", config, "-t", "-o", "p0f.socket=/nonexistent/p0f.sock",
               "-o", "http.listen=127.0.0.1:1")
    assert done.returncode == 0, done


def _settings(text):
    """Of a file with origins, as {"section.key": (value, origin)}."""
    found, section = {}, ""
    for line in filter(None, text.split("\n")):
        if line.startswith("["):
            section = line.strip("[]")
        else:
            setting, origin = line.split("  ; ")
            key, value = setting.split(" = ")
            found[f"{section}.{key}"] = (value, origin)
    return found


def test_what_is_in_force(scratch):
    config = write_config(f"{scratch}/lookupd.conf", {
        "cache.ttl": "60s", "http.cors_origins": "https://a.example,https://b.example"})
    variables = {"P0F_LOOKUPD_CACHE_NEGATIVE_TTL": "7s", "P0F_LOOKUPD_HTTP_TRUSTED_PROXIES": ""}
    done = run("-T", "-c", config, "-o", "p0f.max_rate=1k", extra_environment=variables)
    assert done.returncode == 0 and done.stderr == "", done
    found = _settings(done.stdout)
    assert found["cache.ttl"] == ("1m", f"{config}:2")
    assert found["http.cors_origins"] == ("https://a.example,https://b.example", f"{config}:4")
    assert found["cache.negative_ttl"] == (
        "7s", "environment variable P0F_LOOKUPD_CACHE_NEGATIVE_TTL")
    assert found["http.trusted_proxies"] == (
        "", "environment variable P0F_LOOKUPD_HTTP_TRUSTED_PROXIES")
    assert found["p0f.max_rate"] == ("1000", "-o")
    assert found["http.listen"] == ("127.0.0.1:5030", "default")
    listed = set(re.findall(r"^  ([a-z0-9]+\.[a-z0-9_]+) ", run("-h").stdout, re.M))
    assert set(found) == listed

    again = f"{scratch}/again.conf"
    with open(again, "w", encoding="utf-8") as out:
        out.write(done.stdout)
    read_back = run("-T", "-c", again)
    assert read_back.returncode == 0, read_back
    assert {key: value for key, (value, _) in _settings(read_back.stdout).items()} == \
        {key: value for key, (value, _) in found.items()}
    assert all(origin.startswith(again) for _, origin in _settings(read_back.stdout).values())


def test_what_is_in_force_is_checked_first(scratch):
    config = write_config(f"{scratch}/lookupd.conf", {"http.listen": "0.0.0.0:80"})
    for words in (["-T"], ["-tT"], ["-T", "-t"], ["--print"]):
        done = run(*words, "-c", config)
        assert done.returncode == 2 and done.stdout == "", done
        assert run(*words).stdout.startswith("[http]\n")


@pytest.mark.skipif(bool(WRAP), reason="valgrind has the descriptors that are closed")
def test_what_is_in_force_cannot_be_printed(config):
    for closed in (">&-", "> /dev/full"):
        process = _without_streams(closed, "-T", "-c", config)
        assert process.wait(20 * SLOWDOWN) == 1


def test_check_of_a_bad_configuration(scratch):
    config = write_config(f"{scratch}/bad.conf", {"cache.ttl": "soon"})
    done = run("-c", config, "-t")
    assert done.returncode == 2
    assert config in done.stderr and "ttl" in done.stderr


@pytest.mark.parametrize("words", ["-x", "-c", "-o", "--nonsense", "lookupp", "127.0.0.1", "-t x",
                                   "x -t"])
def test_command_lines_that_make_no_sense(config, words):
    done = run("-t", "-c", config, *words.split())
    assert done.returncode == 2, done
    assert done.stderr.endswith("Try p0f-lookupd -h.\n")
    assert done.stdout == ""


def test_a_file_that_is_not_there(scratch):
    done = run("-t", "-c", f"{scratch}/none.conf")
    assert done.returncode == 2
    assert "none.conf" in done.stderr


def test_a_directory_instead_of_a_file(scratch):
    done = run("-t", "-c", scratch)
    assert done.returncode == 2
    assert scratch in done.stderr


needs_plain_streams = pytest.mark.skipif(
    bool(WRAP), reason="valgrind has the descriptors that are closed for files of its own")


def _without_streams(closed, *words):
    """Begin the program as a shell does that is told to close some of its standard streams."""
    return subprocess.Popen(["sh", "-c", f'exec "$@" {closed}', "sh", *WRAP, PROGRAM, *words],
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, env=environment())


@needs_plain_streams
@pytest.mark.parametrize("closed", ["2>&-", "<&- >&- 2>&-", ">&- 2>&-"])
def test_a_daemon_without_standard_streams(fake, scratch, closed):
    """What it logs must not go to whoever has got the descriptor instead."""
    port, path = free_port(), f"{scratch}/http.sock"
    fake.hosts[HOST] = {"os_name": "Linux"}
    config = write_config(f"{scratch}/lookupd.conf", {
        "http.listen": f"127.0.0.1:{port}, unix:{path}", "http.access_log": "yes",
        "p0f.socket": fake.path})
    process = _without_streams(closed, "-c", config)

    def found():
        assert process.poll() is None, "it ended"
        try:
            return fetch(("127.0.0.1", port), f"/host/{HOST}").status == 200
        except OSError:
            return False
    wait_until(found, "the answer")
    process.terminate()
    assert process.wait(20 * SLOWDOWN) == 0
    assert set(fake.counts) <= {PROBE, HOST}


@needs_plain_streams
@pytest.mark.parametrize("closed", ["2>&-", "<&- >&- 2>&-", "<&- 2>&-"])
def test_a_lookup_without_standard_streams(fake, closed):
    """Its complaint about p0f must not become a query."""
    fake.hold()
    process = _without_streams(closed, "-o", f"p0f.socket={fake.path}", "-o", "p0f.dialect=p0f3",
                               "-o", "p0f.timeout=500ms", "lookup", HOST, HOST)
    assert process.wait(20 * SLOWDOWN) == 2
    fake.release()
    wait_until(lambda: not fake.open_connections(), "the connection to be closed at last")
    assert set(fake.counts) == {PROBE, HOST}


@needs_plain_streams
def test_a_lookup_that_cannot_print(fake):
    fake.hosts[HOST] = {"os_name": "Linux"}
    for closed in (">&-", "> /dev/full"):
        process = _without_streams(closed, "-o", f"p0f.socket={fake.path}", "lookup", HOST)
        assert process.wait(20 * SLOWDOWN) == 2
