"""-t, -V, -h, and command lines that make no sense."""

import re

import pytest

from daemon import run, write_config


@pytest.fixture(name="config")
def _config(scratch):
    return write_config(f"{scratch}/lookupd.conf", {"p0f.timeout": "2s"})


def test_version():
    done = run("-V")
    assert done.returncode == 0
    assert re.search(r"p0f-lookupd.*\d", done.stdout)
    assert done.stderr == ""


def test_help():
    done = run("-h")
    assert done.returncode == 0
    for option in ("-c", "-o", "-t", "-V", "-h", "lookup"):
        assert option in done.stdout
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
