# SPDX-License-Identifier: MIT
"""The configuration is strict: whatever is not understood is said, with file, line, key and what
was expected, and nothing is started."""

import re

import pytest

from daemon import run, write_config

# What is wrong, the text of the file, its line, the key, and what must be given as expected.
BAD = [
    ("unknown section", "[nothing]\nkey = 1\n", (1, 2), "nothing", ""),
    ("unknown key", "[cache]\nttl = 1s\nttll = 2s\n", (3,), "ttll", ""),
    ("key of another section", "[cache]\ntimeout = 1s\n", (2,), "timeout", ""),
    ("no section", "ttl = 1s\n", (1,), "ttl", ""),
    ("duplicate key", "[cache]\nttl = 1s\nmax_hosts = 5\nttl = 1s\n", (4,), "ttl", ""),
    ("duplicate key in a repeated section",
     "[cache]\nttl = 1s\n[p0f]\n[cache]\nttl = 2s\n", (5,), "ttl", ""),
    ("no equals sign", "[cache]\nttl\n", (2,), "", ""),
    ("unclosed section", "[cache\nttl = 1s\n", (1,), "", ""),
    ("bad time", "[cache]\n\n\nttl = soon\n", (4,), "ttl", "ms"),
    ("empty time", "[cache]\nttl =\n", (2,), "ttl", "ms"),
    ("unknown unit", "[cache]\nttl = 5y\n", (2,), "ttl", "ms"),
    ("negative time", "[p0f]\ntimeout = -1s\n", (2,), "timeout", "ms"),
    ("time with a fraction", "[p0f]\ntimeout = 1.5s\n", (2,), "timeout", "ms"),
    ("endless time", "[p0f]\ntimeout = 99999999999999999999d\n", (2,), "timeout", ""),
    ("time without end", "[p0f]\ntimeout = 1s 2s\n", (2,), "timeout", "ms"),
    ("bad boolean",
     "[http]\nallow_unauthenticated = maybe\n", (2,), "allow_unauthenticated", "yes"),
    ("number as boolean",
     "[http]\nallow_unauthenticated = 1\n", (2,), "allow_unauthenticated", "yes"),
    ("bad dialect", "[p0f]\ndialect = klingon\n", (2,), "dialect", "api2"),
    ("no number", "[p0f]\nconnections = many\n", (2,), "connections", ""),
    ("number out of range", "[p0f]\nconnections = 0\n", (2,), "connections", ""),
    ("number far out of range", "[p0f]\nconnections = 4294967300\n", (2,), "connections", ""),
    ("no pipeline", "[p0f]\npipeline = 0\n", (2,), "pipeline", ""),
    ("negative number", "[cache]\nmax_hosts = -1\n", (2,), "max_hosts", ""),
    ("hexadecimal", "[cache]\nmax_hosts = 0x10\n", (2,), "max_hosts", ""),
    ("bad listen", "[http]\nlisten = nowhere\n", (2,), "listen", "unix:"),
    ("listen without a port", "[http]\nlisten = 127.0.0.1\n", (2,), "listen",
     "'127.0.0.1' has no port"),
    ("listen on a bad port", "[http]\nlisten = 127.0.0.1:65536\n", (2,), "listen", "0 to 65535"),
    ("listen with an empty item",
     "[http]\nlisten = 127.0.0.1:5030,,[::1]:5030\n", (2,), "listen", ""),
    ("no batch", "[http]\nmax_batch = 0\n", (2,), "max_batch", "1000000"),
    ("proxy that is a name", "[http]\ntrusted_proxies = ::1, nginx\n", (2,), "trusted_proxies",
     "nginx: not an IPv4 or IPv6 address"),
    ("network with bits beyond its prefix", "[http]\n\ntrusted_proxies = 10.0.0.1/8\n", (3,),
     "trusted_proxies", "did you mean 10.0.0.0/8?"),
    ("prefix that is too long", "[http]\ntrusted_proxies = 10.0.0.0/33\n", (2,),
     "trusted_proxies", "0 to 32"),
    ("no field for the client", "[http]\nclient_header =\n", (2,), "client_header",
     "X-Forwarded-For, Forwarded or the name of a field"),
    ("client in Connection", "[http]\nclient_header = Connection\n", (2,), "client_header",
     "this field has another meaning"),
    ("client in two fields", "[http]\nclient_header = X-Forwarded-For, Forwarded\n", (2,),
     "client_header", "only one field"),
    ("client in a field with a colon", "[http]\nclient_header = X-Real-IP:\n", (2,),
     "client_header", "without the colon"),
    ("origin with a slash", "[http]\ncors_origins = https://example.org/\n", (2,),
     "cors_origins", "did you mean https://example.org?"),
    ("origin without a scheme", "[http]\ncors_origins = example.org\n", (2,), "cors_origins",
     "did you mean https://example.org?"),
    ("star among origins", "[http]\ncors_origins = *, https://example.org\n", (2,),
     "cors_origins", "must be the only item"),
    ("origin null", "[http]\ncors_origins = null\n", (2,), "cors_origins", "any page"),
    ("origin of no page", "[http]\ncors_origins = ftp://example.org\n", (2,), "cors_origins",
     "pages do not have this scheme; did you mean https://example.org?"),
    ("server name that is a URL", "[http]\nserver_names = p0f, http://p0f.example.org/\n", (2,),
     "server_names", "did you mean p0f.example.org?"),
    ("server name with a port", "[http]\nserver_names = p0f:5030\n", (2,), "server_names",
     "did you mean p0f?"),
    ("pattern of server names", "[http]\nserver_names = *.example.org\n", (2,), "server_names",
     "patterns are not supported"),
    ("token file that is not there", "[http]\ntoken_file = /nowhere/tokens\n", (2,),
     "http.token_file: /nowhere/tokens: no such file", "create it, or correct the path"),
    ("token file without a whole path", "[http]\ntoken_file = tokens\n", (2,),
     "http.token_file = tokens: expected", "absolute path"),
    ("no unit", "[cache]\nttl = 30\n", (2,), "cache.ttl = 30: ", "did you mean 30s?"),
    ("no unit, milliseconds", "[p0f]\nfirst_contact_wait = 50\n", (2,), "first_contact_wait",
     "did you mean 50ms?"),
    ("unit in words", "[cache]\nttl = 5 min\n", (2,), "ttl", "did you mean 5m?"),
    ("hours", "[cache]\nstale_if_error = 2hours\n", (2,), "stale_if_error", "did you mean 2h?"),
    ("compound time", "[cache]\nttl = 1h30m\n", (2,), "ttl", "did you mean 90m?"),
    ("capital unit", "[cache]\nmax_hosts = 10K\n", (2,), "max_hosts = 10K", "did you mean 10k?"),
    ("thousands", "[cache]\nmax_hosts = 10,000\n", (2,), "max_hosts", "did you mean 10000?"),
    ("Yes", "[http]\naccess_log = Yes\n", (2,), "access_log = Yes", "did you mean yes?"),
    ("on", "[http]\naccess_log = on\n", (2,), "access_log", "did you mean yes?"),
    ("true", "[http]\naccess_log = true\n", (2,), "access_log", "did you mean yes?"),
    ("off", "[http]\naccess_log = off\n", (2,), "access_log", "did you mean no?"),
    ("quotes", '[cache]\nttl = "5m"\n', (2,), 'ttl = "5m"', "did you mean 5m?"),
    ("semicolon at the end", "[cache]\nttl = 5m;\n", (2,), "ttl", "did you mean 5m?"),
    ("address without a port", "[http]\nlisten = 127.0.0.1\n", (2,), "listen = 127.0.0.1: ",
     "did you mean 127.0.0.1:5030?"),
    ("port alone", "[http]\nlisten = 8080\n", (2,), "listen", "did you mean 127.0.0.1:8080?"),
    ("IPv6 without brackets", "[http]\nlisten = ::1:8080\n", (2,), "listen",
     "did you mean [::1]:8080?"),
    ("star", "[http]\nlisten = *:80\n", (2,), "listen", "did you mean 0.0.0.0:80?"),
    ("URL", "[http]\nlisten = http://localhost:80/\n", (2,), "listen",
     "did you mean localhost:80?"),
    ("path alone", "[http]\nlisten = /run/x.sock\n", (2,), "listen",
     "did you mean unix:/run/x.sock?"),
    ("address that is none", "[http]\nlisten = 256.0.0.1:80\n", (2,), "listen",
     "not an IPv4 address"),
    ("name that is none", "[http]\nlisten = a..b:80\n", (2,), "listen",
     "neither an address nor a host name"),
    ("no commas between addresses", "[http]\nlisten = 127.0.0.1:80 [::1]:80\n", (2,), "listen",
     "did you mean 127.0.0.1:80, [::1]:80?"),
    ("no commas between networks", "[http]\ntrusted_proxies = 10.0.0.0/8 ::1\n", (2,),
     "trusted_proxies", "did you mean 10.0.0.0/8, ::1?"),
    ("no commas between origins", "[http]\ncors_origins = https://a.example https://b.example\n",
     (2,), "cors_origins", "did you mean https://a.example, https://b.example?"),
    ("beyond loopback", "[http]\n\nlisten = 0.0.0.0:80\n", (3,), "http.listen: 0.0.0.0:80",
     "http.allow_unauthenticated = yes"),
    ("misspelt section", "[htpp]\n", (1,), "unknown section htpp", "did you mean [http]?"),
    ("section in capitals", "[HTTP]\n", (1,), "unknown section HTTP", "did you mean [http]?"),
    ("misspelt key", "[cache]\nttll = 5m\n", (2,), "unknown key cache.ttll",
     "did you mean ttl?"),
    ("key with hyphens", "[http]\nidle-timeout = 5m\n", (2,), "unknown key http.idle-timeout",
     "did you mean idle_timeout?"),
    ("key in the wrong section", "[cache]\ntimeout = 5s\n", (2,), "unknown key cache.timeout",
     "did you mean timeout in the section [p0f]?"),
    ("key without a section", "ttl = 5s\n", (1,), "unknown key ttl",
     "did you mean ttl in the section [cache]?"),
    ("dotted key", "cache.ttl = 5s\n", (1,), "unknown key cache.ttl",
     "did you mean ttl in the section [cache]?"),
    ("another program's key", "[http]\nport = 80\n", (2,), "unknown key http.port",
     "did you mean listen?"),
    ("section as in YAML", "http:\n  listen: 127.0.0.1:80\n", (1,), "unknown key http",
     "did you mean [http]?"),
    ("no separator", "[cache]\nttl 5m\n", (2,), "'ttl 5m'", "did you mean ttl = 5m?"),
    ("no separator but a colon", "[http]\nlisten 127.0.0.1:80\n", (2,), "listen",
     "did you mean listen = 127.0.0.1:80?"),
    ("socket path that is too long", f"[p0f]\nsocket = /{'x' * 150}\n", (2,), "socket", ""),
    ("empty socket path", "[p0f]\nsocket =\n", (2,), "socket", ""),
]


@pytest.mark.parametrize("text, lines, key, expected", [case[1:] for case in BAD],
                         ids=[case[0] for case in BAD])
def test_what_is_wrong_is_said(scratch, text, lines, key, expected):
    path = f"{scratch}/bad.conf"
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)
    for done in (run("-t", "-c", path), run("-c", path)):
        assert done.returncode == 2, done
        assert path in done.stderr, done.stderr
        said = done.stderr.replace(path, "")
        assert any(re.search(rf"\b{line}\b", said) for line in lines), done.stderr
        assert key in done.stderr
        assert expected in done.stderr, done.stderr


@pytest.mark.parametrize("option, named", [
    ("cache.ttll=1s", "ttll"), ("cachettl=1s", "cachettl"), ("cache.ttl", "ttl"),
    ("cache.ttl=soon", "ttl"), ("nothing.ttl=1s", "nothing"), ("=", ""), ("", ""),
])
def test_a_bad_override(scratch, option, named):
    config = write_config(f"{scratch}/good.conf", {"cache.ttl": "1s"})
    done = run("-t", "-c", config, "-o", option)
    assert done.returncode == 2, done
    assert named in done.stderr and done.stderr


@pytest.mark.parametrize("text", [
    "[cache]\nttl = 5m ; five\n", "[cache]\nttl = 5m # five\n", "[cache]\nttl: 5m\n",
    "[cache]\r\nttl = 5m\r\n", "\ufeff[cache]\nttl = 5m\n", "[cache] # x\n \tttl=5m",
], ids=["comment", "number sign", "colon", "CRLF", "byte order mark", "blanks"])
def test_other_ways_to_write_it(scratch, text):
    path = f"{scratch}/good.conf"
    with open(path, "w", encoding="utf-8", newline="") as out:
        out.write(text)
    done = run("-T", "-c", path)
    assert done.returncode == 0, done
    assert f"\nttl = 5m  ; {path}:2\n" in done.stdout


def test_a_file_in_utf16(scratch):
    path = f"{scratch}/bad.conf"
    with open(path, "w", encoding="utf-16") as out:
        out.write("[cache]\nttl = 5m\n")
    done = run("-t", "-c", path)
    assert done.returncode == 2
    assert f"{path}:1: UTF-16 text: expected UTF-8" in done.stderr


@pytest.mark.parametrize("where, arguments, environment", [
    ("-o http.listen: ", ["-o", "http.listen=0.0.0.0:80"], {}),
    ("environment variable P0F_LOOKUPD_HTTP_LISTEN: http.listen: ", [],
     {"P0F_LOOKUPD_HTTP_LISTEN": "0.0.0.0:80"}),
])
def test_where_it_is_told_to_listen_beyond_loopback(scratch, where, arguments, environment):
    config = write_config(f"{scratch}/good.conf", {"http.listen": "127.0.0.1:80"})
    for check in (["-t"], []):
        done = run(*check, "-c", config, *arguments, extra_environment=environment)
        assert done.returncode == 2
        assert done.stderr.startswith(f"p0f-lookupd: {where}0.0.0.0:80 is reachable"), done.stderr


# Of Kubernetes, for services that are named p0f-lookupd and p0f-lookupd-http.
SERVICE = {f"P0F_LOOKUPD_{key}": value for service in ("", "HTTP_") for key, value in {
    f"{service}PORT": "tcp://10.0.0.1:5030", f"{service}PORT_5030_TCP": "tcp://10.0.0.1:5030",
    f"{service}PORT_5030_TCP_PROTO": "tcp", f"{service}PORT_5030_TCP_PORT": "5030",
    f"{service}PORT_5030_TCP_ADDR": "10.0.0.1", f"{service}SERVICE_HOST": "10.0.0.1",
    f"{service}SERVICE_PORT": "5030", f"{service}SERVICE_PORT_HTTP": "5030"}.items()}


def test_variables_of_a_service_are_not_ours(scratch):
    config = write_config(f"{scratch}/good.conf", {"cache.ttl": "1s"})
    done = run("-T", "-c", config, extra_environment=SERVICE)
    assert done.returncode == 0, done
    assert done.stderr == ""
    assert "environment" not in done.stdout


@pytest.mark.parametrize("name, meant", [
    ("CACHE_TTTL", "CACHE_TTL"), ("CACHE_TIMEOUT", "P0F_TIMEOUT"), ("HTTP_PORT", "HTTP_LISTEN"),
    ("HTTP_THREAD", "HTTP_THREADS"),
])
def test_a_wrong_key_of_a_section_of_ours(scratch, name, meant):
    config = write_config(f"{scratch}/good.conf", {})
    done = run("-t", "-c", config,
               extra_environment={**SERVICE, f"P0F_LOOKUPD_{name}": "5030"})
    assert done.returncode == 2, done
    assert f"P0F_LOOKUPD_{name}: unknown key; did you mean P0F_LOOKUPD_{meant}?" in done.stderr


def test_a_misspelt_section_of_ours(scratch):
    """It may be anybody's, so it stops nothing."""
    config = write_config(f"{scratch}/good.conf", {})
    done = run("-t", "-c", config, extra_environment={"P0F_LOOKUPD_CAHCE_TTL": "5m"})
    assert done.returncode == 0, done
    assert done.stderr == ("p0f-lookupd: ignoring environment variable P0F_LOOKUPD_CAHCE_TTL; "
                           "did you mean P0F_LOOKUPD_CACHE_TTL?\n")


def test_a_bad_value_in_the_environment(scratch):
    config = write_config(f"{scratch}/good.conf", {"cache.ttl": "1s"})
    done = run("-t", "-c", config, extra_environment={"P0F_LOOKUPD_CACHE_TTL": "soon"})
    assert done.returncode == 2, done
    assert "P0F_LOOKUPD_CACHE_TTL" in done.stderr or "cache.ttl" in done.stderr


@pytest.mark.parametrize("settings", [
    {"cache.ttl": "0"}, {"cache.ttl": "250ms", "p0f.timeout": "1m"}, {"cache.stale_if_error": "2d"},
    {"cache.max_hosts": "1k"}, {"http.allow_unauthenticated": "no"}, {"p0f.dialect": "mss"},
    {"http.listen": "127.0.0.1:5030, [::1]:5030, unix:/run/x.sock"}, {"p0f.max_rate": "0"},
    {"p0f.connections": "1", "p0f.pipeline": "1"}, {"http.max_batch": "1m"},
    {"http.trusted_proxies": ""}, {"http.trusted_proxies": "10.0.0.0/8, 2001:db8::/32, ::1"},
    {"http.client_header": "Forwarded"}, {"http.client_header": "x-Real-IP"},
    {"http.cors_origins": "*"}, {"http.cors_origins": "https://example.org, http://localhost:8080"},
    {"http.cors_origins": "chrome-extension://abcdef"}, {"http.server_names": ""},
    {"http.server_names": "p0f.example.org, P0F"},
])
def test_good_settings(scratch, settings):
    done = run("-t", "-c", write_config(f"{scratch}/good.conf", settings))
    assert done.returncode == 0, done


def test_long_lines_are_taken_whole(scratch):
    """A comment, and a list, that are longer than a line usually is."""
    config = f"{scratch}/long.conf"
    addresses = ", ".join(f"unix:/{'d' * 80}/{number}" for number in range(8))
    with open(config, "w", encoding="utf-8") as out:
        out.write(f"# {'long comment ' * 100}\n[http]\nlisten = {addresses}\n; {'more ' * 200}\n")
    done = run("-t", "-c", config)
    assert done.returncode == 0, done


def test_an_empty_file_is_all_defaults(scratch):
    config = write_config(f"{scratch}/empty.conf", {})
    assert run("-t", "-c", config).returncode == 0


HOST = "198.51.100.1"


def _time_to_live(daemon):
    return daemon.host(HOST).cache_control()["max-age"]


def test_the_command_line_beats_the_environment_beats_the_file(fake, serve):
    fake.hosts[HOST] = {"os_name": "Linux"}
    settings = {"cache.ttl": "11s", "cache.negative_ttl": "11s"}
    with serve(fake, settings) as daemon:
        assert _time_to_live(daemon) == 11
    with serve(fake, settings, extra_environment={"P0F_LOOKUPD_CACHE_TTL": "22s"}) as daemon:
        assert _time_to_live(daemon) == 22
        # What the environment does not name comes from the file.
        assert daemon.host("198.51.100.2", "?wait=0").cache_control()["max-age"] == 11
    with serve(fake, settings, extra_environment={"P0F_LOOKUPD_CACHE_TTL": "22s"},
               arguments=["-o", "cache.ttl=33s"]) as daemon:
        assert _time_to_live(daemon) == 33


def test_settings_need_no_file(fake, serve):
    """The socket from the environment, the rest as it comes."""
    fake.hosts[HOST] = {"os_name": "Linux"}
    with serve("/nonexistent/p0f.sock",
               extra_environment={"P0F_LOOKUPD_P0F_SOCKET": fake.path}) as daemon:
        daemon.wait_for_p0f()
        assert daemon.host(HOST).status == 200
