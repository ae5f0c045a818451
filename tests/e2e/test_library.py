# SPDX-License-Identifier: MIT
"""libp0fclient as its users get it: installed, compiled against, linked, replaced by a newer one."""

import glob
import os
import re
import signal
import subprocess
import time

import pytest

import loopback
import p0f_wire
from daemon import ROOT
from fake_p0f import FakeP0f
from real_p0f import RealP0f
from waiting import SLOWDOWN, Bounded, wait_until

HOST = "198.51.100.1"
STRANGER = "198.51.100.9"
FIELDS = {"os_name": "Linux", "os_flavor": "5.x", "language": "English"}


def _run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60 * SLOWDOWN, check=False,
                          **options)
    assert done.returncode == 0, done
    return done.stdout


def _functions():
    """Those that the header declares."""
    with open(f"{ROOT}/lib/p0fclient.h", encoding="utf-8") as header:
        return sorted(re.findall(r"^P0F_API [^(;]*?\b(\w+)\(", header.read(), re.M))


@pytest.fixture(name="root", scope="module")
def _root(module_scratch):
    """Where it is installed, below PREFIX=/usr; built anew, without the sanitizers of the other tests."""
    root = f"{module_scratch}/root"
    _run("make", "-C", ROOT, f"BUILD={module_scratch}/build", f"DESTDIR={root}", "PREFIX=/usr", "SAN=",
         "CFLAGS=", "install-lib")
    return root


@pytest.fixture(name="compile_against", scope="module")
def _compile_against(module_scratch, root):
    """compile_against(source, *options): the program, with what pkg-config says."""
    environment = {**os.environ, "PKG_CONFIG_PATH": f"{root}/usr/lib/pkgconfig"}

    def build(source, *options, packages=("p0fclient",)):
        program = f"{module_scratch}/{os.path.basename(source)}.out"
        flags = _run("pkg-config", f"--define-variable=prefix={root}/usr", "--cflags", "--libs",
                     *packages, env=environment).split()
        _run("cc", "-Wall", "-Wextra", "-Wpedantic", "-Werror", *options, source, *flags, "-o", program)
        return program
    return build


@pytest.fixture(name="libraries")
def _libraries(root):
    return {**os.environ, "LD_LIBRARY_PATH": f"{root}/usr/lib"}


def _man_page_example(directory, socket):
    """The program of EXAMPLES, which asks the p0f at `socket`."""
    with open(f"{ROOT}/lib/libp0fclient.3", encoding="utf-8") as page:
        text = re.search(r"^\.Bd -literal\n(#include <p0fclient.*?)^\.Ed$", page.read(), re.M | re.S)
    source = f"{directory}/example.c"
    with open(source, "w", encoding="utf-8") as out:
        out.write(text.group(1).replace(r"\e", "\\").replace("P0F_DEFAULT_SOCKET", f'"{socket}"'))
    return source


# ---- What is exported and documented


def test_the_shared_library_exports_the_header_and_no_more(root):
    library = f"{root}/usr/lib/libp0fclient.so.1"
    rows = [row.split() for row in _run("nm", "-D", "--defined-only", library).splitlines()]
    exported = sorted(name for _, kind, name in rows if kind == "T")
    assert exported == [f"{name}@@P0FCLIENT_1.0" for name in _functions()]
    assert {kind for _, kind, _ in rows} == {"T", "A"}
    assert "soname: [libp0fclient.so.1]" in _run("readelf", "-d", library)


def test_the_static_library_exports_the_header_and_no_more(root):
    rows = [row.split() for row in _run("nm", "-g", "--defined-only",
                                        f"{root}/usr/lib/libp0fclient.a").splitlines()]
    assert sorted(row[2] for row in rows if len(row) == 3) == _functions()


def test_each_function_has_its_man_page(root):
    pages = f"{root}/usr/share/man/man3"
    with open(f"{pages}/libp0fclient.3", encoding="utf-8") as page:
        text = page.read()
    for name in _functions():
        assert re.search(rf"^\.F[no] {name}\b", text, re.M), name
        with open(f"{pages}/{name}.3", encoding="utf-8") as link:
            assert link.read() == ".so man3/libp0fclient.3\n"
    assert len(os.listdir(pages)) == len(_functions()) + 1


def test_version():
    with open(f"{ROOT}/Makefile", encoding="utf-8") as makefile:
        version = re.search(r"^VERSION +:= (\S+)$", makefile.read(), re.M).group(1)
    with open(f"{ROOT}/lib/p0fclient.h", encoding="utf-8") as header:
        assert re.search(r'^#define P0FCLIENT_VERSION "(.*)"$', header.read(), re.M).group(1) == version


def test_pkg_config_knows_the_prefix(root):
    environment = {**os.environ, "PKG_CONFIG_PATH": f"{root}/usr/lib/pkgconfig"}
    assert _run("pkg-config", "--variable=prefix", "p0fclient", env=environment) == "/usr\n"
    moved = _run("pkg-config", "--define-variable=prefix=/opt/x", "--cflags", "--libs", "p0fclient",
                 env=environment)
    assert moved.split() == ["-I/opt/x/include", "-L/opt/x/lib", "-lp0fclient"]


@pytest.mark.parametrize("compiler, standard", [
    ("gcc", "c99"), ("gcc", "c11"), ("gcc", "gnu17"), ("g++", "c++98"), ("g++", "c++11"),
    ("g++", "c++20")])
def test_the_header_compiles_in_each_standard(scratch, compiler, standard):
    source = f"{scratch}/first.{'cc' if '+' in compiler else 'c'}"
    with open(source, "w", encoding="utf-8") as out:
        out.write("#include <p0fclient.h>\nint main(void) { return p0f_strerror(P0F_OK) == 0; }\n")
    _run(compiler, f"-std={standard}", "-Wall", "-Wextra", "-pedantic-errors", "-Wshadow", "-Wconversion",
         "-Wstrict-aliasing", "-Werror", "-Wno-system-headers", f"-I{ROOT}/lib", "-c", source, "-o",
         f"{scratch}/first.o")


# ---- The example of the man page


@pytest.fixture(name="example")
def _example(scratch, fake, compile_against, libraries):
    fake.hosts[HOST] = FIELDS
    program = compile_against(_man_page_example(scratch, fake.path))
    return lambda *arguments: subprocess.run([program, *arguments], capture_output=True, text=True,
                                             timeout=30 * SLOWDOWN, check=False, env=libraries)


def test_the_example_answers(example):
    done = example(HOST)
    assert (done.returncode, done.stdout) == (0, "Linux 5.x\n")
    done = example(STRANGER)
    assert (done.returncode, done.stderr) == (1, f"{STRANGER}: p0f does not know the host\n")
    assert example("10.0.0.0/8").returncode == 1


@pytest.mark.parametrize("stall", ["hold", "freeze"])
def test_the_example_does_not_wait_for_a_stalled_p0f(fake, example, stall):
    """Nor does it harm it: the answer is still read, by a child."""
    getattr(fake, stall)()
    begin = time.monotonic()
    done = example(HOST)
    assert 0.9 <= time.monotonic() - begin < 10 * SLOWDOWN
    assert (done.returncode, done.stderr) == (1, f"{HOST}: p0f did not answer in time\n")
    fake.release()
    fake.thaw()
    wait_until(lambda: fake.connections and not fake.open_connections(), "the child to close it")
    fake.check()


# ---- A program that is older than its library

OLD_PROGRAM = r"""
#include <p0fclient.h>
#include <stdio.h>
#include <string.h>
int main(int argc, char **argv)
{
    struct { char before[64]; struct p0f_host host; char after[64]; } memory;
    uint8_t bytes[P0F_ANSWER_MAX];
    struct p0f_answer answer;
    memset(&memory, 0x5a, sizeof memory);
    enum p0f_error error = p0f_lookup_text(argv[1], argv[argc - 1], 10000, &memory.host);
    answer.status = P0F_STATUS_OK;
    answer.host = memory.host;
    size_t size = p0f_answer_pack(&answer, memory.host.dialect, bytes);
    for (int i = 0; i < 64; i++)
        if (memory.before[i] != 0x5a || memory.after[i] != 0x5a)
            return 9;
    printf("%s %s %s %zu %s\n", p0f_strerror(error), memory.host.os_name, memory.host.language, size,
           p0f_dialect_name(memory.host.dialect));
    return 0;
}
"""


def _newer_library(directory):
    """With a sixth dialect, a field for that in the host, and one more error and function."""
    os.makedirs(directory)
    texts = {}
    for path in glob.glob(f"{ROOT}/lib/*.[ch]") + [f"{ROOT}/lib/libp0fclient.map"]:
        with open(path, encoding="utf-8") as source:
            texts[os.path.basename(path)] = source.read()
    for name, before, after in [
            ("p0fclient.h", "    P0F_DIALECT_SIG ", "    P0F_DIALECT_NEXT = 6, P0F_DIALECT_SIG = 5 "),
            ("p0fclient.h", "uint64_t reserved[8];", "uint64_t next; uint64_t reserved[7];"),
            ("p0fclient.h", "P0F_ADDR_SYNTAX\n", "P0F_ADDR_SYNTAX, P0F_ADDR_NEXT\n"),
            ("error.c", "    }\n", '    case P0F_ADDR_NEXT: return "next";\n    }\n'),
            ("wire.c", '{"sig", 744},', '{"sig", 744}, [P0F_DIALECT_NEXT] = {"next", 1000},'),
            ("wire.c", "d <= P0F_DIALECT_SIG", "d <= P0F_DIALECT_NEXT"),
            ("wire.c", "size(P0F_DIALECT_SIG) + 4", "size(P0F_DIALECT_NEXT) + 4"),
            ("wire.c", "    get_text(&in, host->language);\n",
             "    get_text(&in, host->language);\n"
             "    if (dialect == P0F_DIALECT_NEXT) get(&in, &host->next, 8);\n"),
            ("wire.c", "    put_text_field(&out, host->language);\n",
             "    put_text_field(&out, host->language);\n"
             "    if (dialect == P0F_DIALECT_NEXT) { put_field(&out, &host->next, 8);"
             " memset(out, 0, 760); out += 760; }\n"),
            ("libp0fclient.map", "    *;\n};\n",
             "    *;\n};\nP0FCLIENT_1.1 {\nglobal:\n    p0f_next;\n} P0FCLIENT_1.0;\n")]:
        assert before in texts[name], (name, before)
        texts[name] = texts[name].replace(before, after)
    texts["version.c"] += "P0F_API int p0f_next(void);\nint p0f_next(void) { return 1; }\n"
    for name, text in texts.items():
        with open(f"{directory}/{name}", "w", encoding="utf-8") as out:
            out.write(text)
    _run("cc", "-std=gnu11", "-D_GNU_SOURCE", "-fPIC", "-fvisibility=hidden", "-shared", "-Wall",
         "-Wextra", "-Werror", *glob.glob(f"{directory}/*.c"), "-Wl,-soname,libp0fclient.so.1",
         f"-Wl,--version-script={directory}/libp0fclient.map", "-o", f"{directory}/libp0fclient.so.1")


def test_an_old_program_with_a_newer_library(scratch, compile_against, libraries, monkeypatch):
    source = f"{scratch}/old.c"
    with open(source, "w", encoding="utf-8") as out:
        out.write(OLD_PROGRAM)
    program = compile_against(source, "-std=gnu11")
    _newer_library(f"{scratch}/newer")
    newer = {**os.environ, "LD_LIBRARY_PATH": f"{scratch}/newer"}
    fields = p0f_wire.FIELDS["p0f3"] + [("next", "Q"), ("rest", "760s")]
    monkeypatch.setitem(p0f_wire.FIELDS, "next", fields)
    monkeypatch.setitem(p0f_wire.LAYOUT, "next", p0f_wire.struct.Struct(
        "=" + "".join(code for _, code in fields)))
    for dialect in ("p0f3", "sig", "next"):
        with FakeP0f(f"{scratch}/p0f.sock", {HOST: FIELDS}, dialect) as fake:
            said = _run(program, fake.path, HOST, env=newer)
            size = p0f_wire.LAYOUT[dialect].size
            assert said == f"success Linux English {size} {dialect}\n"
            if dialect != "next":
                assert _run(program, fake.path, HOST, env=libraries) == said


def test_an_upgrade_leaves_the_library_of_another_soname(root, scratch):
    """Programs linked with that one may be left: with this one, whose struct p0f_host is larger, they would
    overrun their memory."""
    libraries = f"{scratch}/root/usr/lib"
    os.makedirs(libraries)
    with open(f"{libraries}/libp0fclient.so.0.2.0", "wb") as old:
        old.write(b"release 0.2.0")
    os.symlink("libp0fclient.so.0.2.0", f"{libraries}/libp0fclient.so.0")
    os.symlink("libp0fclient.so.0.2.0", f"{libraries}/libp0fclient.so")
    _run("make", "-C", ROOT, f"BUILD={os.path.dirname(root)}/build", f"DESTDIR={scratch}/root",
         "PREFIX=/usr", "SAN=", "CFLAGS=", "install-lib")
    with open(f"{libraries}/libp0fclient.so.0", "rb") as old:
        assert old.read() == b"release 0.2.0"
    assert os.path.realpath(f"{libraries}/libp0fclient.so") == f"{libraries}/libp0fclient.so.1"


# ---- The example for an event loop


@pytest.fixture(name="sd_event", scope="module")
def _sd_event(compile_against):
    return compile_against(f"{ROOT}/lib/examples/sd-event.c", "-std=gnu11",
                           packages=("p0fclient", "libsystemd"))


def test_sd_event_with_the_real_p0f(scratch, needs_p0f, sd_event, libraries):
    hosts = [f"{loopback.NETWORK}.7.{number}" for number in range(1, 9)]
    stranger = f"{loopback.NETWORK}.7.99"
    with loopback.WebServer() as web, \
            RealP0f(scratch, packets=f"net {loopback.NETWORK}.0.0/16") as p0f:
        for host in hosts:
            loopback.connect(host, web.address).close()
        wait_until(lambda: all(p0f.known(host) for host in hosts), "p0f to know all")
        done = subprocess.run([sd_event, p0f.socket, *hosts, stranger, "nonsense"],
                              capture_output=True, text=True, timeout=30 * SLOWDOWN, check=False,
                              env=libraries)
        assert done.returncode == 1, done
        lines = done.stdout.splitlines()
        assert lines[0] == "nonsense: not an IPv4 or IPv6 address"
        assert lines[-1] == f"{stranger}: p0f does not know the host"
        assert [line.split(":")[0] for line in lines[1:-1]] == hosts
        assert all(": Linux " in line for line in lines[1:-1])
        assert p0f.alive()


def test_sd_event_with_a_stalled_p0f(fake, sd_event, libraries):
    """It ends when there is no answer in time, and at Ctrl-C; a child waits for the answer."""
    fake.hosts[HOST] = FIELDS
    fake.hold(HOST)
    with Bounded([sd_event, fake.path, HOST, STRANGER], stdout=subprocess.PIPE, text=True,
                 env=libraries) as process:
        assert process.stdout.readline() == f"{HOST}: p0f did not answer in time\n"
        assert process.stdout.readline() == f"{STRANGER}: p0f did not answer in time\n"
        assert process.wait(20 * SLOWDOWN) == 1
    with Bounded([sd_event, fake.path, HOST], env=libraries) as process:
        wait_until(lambda: fake.asked() == 3, "the query")
        process.send_signal(signal.SIGINT)
        assert process.wait(20 * SLOWDOWN) == 2
    assert fake.open_connections() == 2
    fake.release()
    wait_until(lambda: not fake.open_connections(), "the child to close it")
    fake.check()
