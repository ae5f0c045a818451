# SPDX-License-Identifier: MIT
"""Builds the stages of a Containerfile in directories, with chroot instead of a container engine.

Knows the instructions and options that conf/oci/Containerfile has, and refuses all others."""

import glob
import json
import os
import re
import shlex
import shutil
import subprocess

CLEAN = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}


def instructions(text):
    """As pairs of the keyword and the rest of a line that may be continued."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    for line in re.sub(r"\\\n\s*", " ", "\n".join(lines)).splitlines():
        keyword, rest = line.split(None, 1)
        yield keyword, rest.strip()


class Stage:
    """An image that is being built: its directory and its configuration."""

    def __init__(self, root):
        self.root = root
        self.arguments, self.labels = {}, {}
        self.workdir, self.user, self.stop_signal = "/", "0:0", "SIGTERM"
        self.entrypoint, self.command, self.healthcheck, self.ports = [], [], [], []

    def inside(self, path):
        return self.root + os.path.join(self.workdir, path)


class Containerfile:
    """`bases` are the directories of the images to begin from, `context` is what COPY copies from, and
    `proxies` are environment variables for RUN, as an engine passes its own on."""

    def __init__(self, path, context, bases, directory, *, arguments=(), proxies=()):
        self.stages = {}
        self._context, self._bases, self._directory = context, bases, directory
        self._given, self._global = dict(arguments), {}
        self._environment = {**CLEAN, **dict(proxies)}
        self._stage = None
        with open(path, encoding="utf-8") as file:
            for keyword, rest in instructions(file.read()):
                getattr(self, f"_{keyword.lower()}")(rest)
        self.last = self._stage

    def _expand(self, text):
        known = self._stage.arguments if self._stage else self._global
        return re.sub(r"\$\{(\w+)\}", lambda found: known[found[1]], text)

    def _arg(self, rest):
        name, _, default = rest.partition("=")
        (self._stage.arguments if self._stage else self._global)[name] = self._given.get(name, default)

    def _from(self, rest):
        self._stage = None
        image, _, name = self._expand(rest).partition(" AS ")
        root = os.path.join(self._directory, name or "last")
        if image == "scratch":
            os.mkdir(root, 0o755)
        else:
            subprocess.run(["cp", "-a", "--reflink=auto", self._bases[image], root], check=True)
        self._stage = self.stages[name or "last"] = Stage(root)

    def _workdir(self, rest):
        self._stage.workdir = rest
        os.makedirs(self._stage.inside("."), exist_ok=True)

    def _copy(self, rest):
        *sources, destination = rest.split()
        base = self._context
        if sources[0].startswith("--from="):
            base = self.stages[sources.pop(0).removeprefix("--from=")].root
        target = self._stage.inside(destination)
        for source in sources:
            found = glob.glob(os.path.join(base, source.lstrip("/")))
            assert found, f"COPY {source}: no such file"
            for path in found:
                if os.path.isdir(path): # its contents, as an engine does
                    os.makedirs(target, exist_ok=True)
                    subprocess.run(["cp", "-a", f"{path}/.", target], check=True)
                else:
                    os.makedirs(target if destination.endswith("/") else os.path.dirname(target), exist_ok=True)
                    shutil.copy2(path, target)

    def _run(self, rest):
        """With the shell's own words, so that only it expands arguments."""
        stage = self._stage
        script = f"cd {shlex.quote(stage.workdir)} && {{ {rest}\n}}"
        subprocess.run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c",
                        'cd "$0" && mount -t proc proc proc && mount --rbind /dev dev && exec chroot . "$@"',
                        stage.root, "/bin/sh", "-c", script],
                       env={**self._environment, **stage.arguments}, check=True)

    def _label(self, rest):
        for word in shlex.split(self._expand(rest)):
            name, _, value = word.partition("=")
            self._stage.labels[name] = value

    def _user(self, rest):
        self._stage.user = rest

    def _expose(self, rest):
        self._stage.ports += rest.split()

    def _stopsignal(self, rest):
        self._stage.stop_signal = rest

    def _healthcheck(self, rest):
        self._stage.healthcheck = json.loads(re.fullmatch(r"(?:--[a-z-]+=\w+ )*CMD (\[.*\])", rest)[1])

    def _entrypoint(self, rest):
        self._stage.entrypoint = json.loads(rest)

    def _cmd(self, rest):
        self._stage.command = json.loads(rest)
