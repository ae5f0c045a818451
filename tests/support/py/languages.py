# SPDX-License-Identifier: MIT
"""The lookups of conf/examples: compiled, run, and measured."""

import collections
import os
import re
import subprocess

import lacking
from daemon import PROGRAM, ROOT
from waiting import SLOWDOWN

EXAMPLES = f"{ROOT}/conf/examples"
GSON = "/usr/share/java/gson.jar"
CC = "cc -std=gnu11 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror"

# What it needs that may be missing, the command that compiles it into {out}, the one that runs it, and how
# many lines of code it has at most.
_Language = collections.namedtuple("_Language", "needs compile run lines")
_LANGUAGES = {
    "lookup.sh": _Language(["jq"], None, "bash {source}", 14),
    "lookup.py": _Language([], None, "/usr/bin/python3 -W error {source}", 14),
    "lookup.mjs": _Language(["node"], None, "node {source}", 14),
    "lookup.php": _Language(["php"], None, "php {source}", 14),
    "lookup.pl": _Language(["perl"], None, "perl {source}", 14),
    "lookup.go": _Language(
        ["go"], 'test -z "$(gofmt -l {source})" && go vet {source} && go build -o {out}/lookup-go {source}',
        "{out}/lookup-go", 37),
    "Lookup.java": _Language(
        ["javac", "gson"], f"javac -Xlint:all -Werror -cp {GSON} -d {{out}} {{source}}",
        f"java -XX:TieredStopAtLevel=1 -cp {GSON}:{{out}} Lookup", 25),
    "lookup-curl.c": _Language(
        ["libcurl"], f"{CC} {{source}} $(pkg-config --cflags --libs libcurl jansson) -o {{out}}/lookup-curl",
        "{out}/lookup-curl", 43),
    "lookup-p0fclient.c": _Language(
        [], f"{CC} -D_GNU_SOURCE -I{ROOT}/lib {{source}} {ROOT}/lib/*.c -pthread -o {{out}}/lookup-p0fclient",
        "{out}/lookup-p0fclient", 24),
}
NAMES = list(_LANGUAGES)
P0FCLIENT = "lookup-p0fclient.c"     # which asks p0f itself
OF_THE_DAEMON = [name for name in NAMES if name != P0FCLIENT]

_COMMENT = r"/\*.*?\*/|^\s*(?:#|//).*?$"
_IMPORT = r"^import \(.*?^\)$|^(?:import|from|use|package) .*?$|^<\?php$"
_BRACKETS = r"[\s(){}\[\];,]*"
_LOOKUP = r"^( *)(?=\S)[^\n]*\blookup\([^\n]*\n.*?^\1\}$"


def _code(text):
    text = re.sub(f"{_COMMENT}|{_IMPORT}", "", text, flags=re.M | re.S)
    return [line for line in text.split("\n") if not re.fullmatch(_BRACKETS, line)]


def measure(name):
    """How many lines of code the program has, how many it may have, and how many those of its function
    "lookup" are, or all, if it has no such function. Not counted are comments, imports and brackets."""
    with open(f"{EXAMPLES}/{name}", encoding="utf-8") as source:
        text = source.read()
    function = re.search(_LOOKUP, text, re.M | re.S)
    return len(_code(text)), _LANGUAGES[name].lines, len(_code(function.group() if function else text))


def can_run(name):
    return not any(map(lacking.lacks, _LANGUAGES[name].needs))


class Programs:
    """Those that can be run here, compiled into the directory."""

    def __init__(self, directory):
        self._directory = directory
        # What is printed is UTF-8, and no proxy is asked. Go takes nothing from the network, and keeps
        # for the next time what it has compiled of its own library.
        kept = os.path.dirname(os.environ.get("NPM_DIR", PROGRAM))
        self._environment = {**os.environ, "LC_ALL": "C.UTF-8", "no_proxy": "*", "GOPROXY": "off",
                             "GOCACHE": f"{kept}/go-cache", "GOPATH": f"{directory}/go", "CGO_ENABLED": "0"}
        compilers = {name: self._start(language.compile, name) for name, language in _LANGUAGES.items()
                     if language.compile and can_run(name)}
        for name, compiler in compilers.items():
            output, _ = compiler.communicate(timeout=300)
            assert compiler.returncode == 0 and output == "", f"{name}: {output}"

    def _start(self, command, name, arguments=(), **options):
        command = command.format(source=f"{EXAMPLES}/{name}", out=self._directory)
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "env": self._environment, **options}
        return subprocess.Popen(["bash", "-c", f'{command} "$@"', name, *arguments], text=True,
                                stdin=subprocess.DEVNULL, cwd=self._directory, **options)

    def start(self, name, server, *ips):
        """Asks the daemon at that URL, or p0f at that socket."""
        environment = {**self._environment, "P0F_LOOKUPD_URL": server, "P0F_SOCKET": server}
        return self._start(_LANGUAGES[name].run, name, ips, stderr=subprocess.PIPE, env=environment)

    def run(self, name, server, *ips):
        """Returns (exit status, output, errors); skips the test if it cannot be run."""
        for what in _LANGUAGES[name].needs:
            lacking.skip_without(what)
        with self.start(name, server, *ips) as process:
            output, errors = process.communicate(timeout=30 * SLOWDOWN)
            return process.returncode, output, errors
