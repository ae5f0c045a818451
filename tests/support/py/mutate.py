#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""mutate.py [options] [FILE...] - makes many small changes to the code, one at a time, and tells which
of them no test notices.

Each is made in a copy of the tree, and judged by the unit tests that link what was changed and by a
short run of the model: first in a plain build, then in one with sanitizers. Without FILE it is all of
daemon/ and lib/ that a unit test links. Not an exact measure: some changes change nothing that matters."""

import argparse
import concurrent.futures
import os
import queue
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mutants import Source

ROOT = Path(__file__).resolve().parents[3]
MODEL = "build/tests/model/model"
MODEL_ARGUMENTS = ["-n", "20000", "1", "2"]
# With neither sanitizers nor optimization beyond what keeps the tests fast, and no warnings.
MAKE = ["make", "--no-print-directory", "-s", "BUILD=build", "HARDEN=", "CFLAGS=-O1 -g0 -w"]
MEMORY_MAX = 4 << 30  # of a plain program; a sanitizer's has a bound of its own
PATIENCE_S = 10  # beyond many times what a program takes unchanged
MANY_TIMES = 20
SANITIZERS = {"ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:hard_rss_limit_mb=2000",
              "UBSAN_OPTIONS": "halt_on_error=1"}
# A test that fails leaves in /tmp what it has there. Where this may be done, that is a /tmp of its own,
# with nothing in it but the tree ($0), if that is there.
PRIVATE_TMP = """exec 9<. && mount -t tmpfs none /tmp && mkdir -p "$0" && mount -c --bind /proc/self/fd/9 "$0" &&
                 cd "$0" && exec "$@" 9<&-"""


def environment():
    """Less what the make that runs this tells other makes."""
    env = {name: value for name, value in os.environ.items()
           if name not in ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL",
                           "BUILD", "CFLAGS", "SAN", "HARDEN")}
    return env | SANITIZERS


class Tree:
    """A copy of the tree, and what is built in it."""

    private = False  # /tmp

    def __init__(self, directory, sanitizers):
        self.directory = directory
        self.sanitizers = sanitizers

    def copy(self, directory):
        shutil.copytree(self.directory, directory, symlinks=True)
        return Tree(directory, self.sanitizers)

    def make(self, *targets, jobs=1):
        command = MAKE + [f"SAN={self.sanitizers}", f"-j{jobs}", *targets]
        return subprocess.run(command, cwd=self.directory, env=environment(), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)

    def run(self, program, patience):
        """True when it succeeds, None when it takes too long."""
        command = ["prlimit", "--core=0", f"--cpu={int(patience) + 1}"]
        if not self.sanitizers:
            command.append(f"--as={MEMORY_MAX}")
        command.append(program)
        command += MODEL_ARGUMENTS if program == MODEL else ["-j1", "--fail-fast", f"--timeout={patience}"]
        process = subprocess.Popen(self.in_private_tmp(*command), cwd=self.directory, env=environment(),
                                   start_new_session=True, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            return process.wait(patience) == 0
        except subprocess.TimeoutExpired:
            return None
        finally:
            if process.returncode != 0:
                self.end_what_runs()
                process.wait()

    def in_private_tmp(self, *command):
        private = ["unshare", "--mount", "--propagation", "private", "sh", "-c", PRIVATE_TMP, str(self.directory)]
        return private + list(command) if Tree.private else command

    def end_what_runs(self):
        """Whatever a test has left behind, which has a session of its own perhaps."""
        for entry in Path("/proc").glob("[0-9]*/exe"):
            try:
                if os.readlink(entry).startswith(f"{self.directory}/"):
                    os.kill(int(entry.parent.name), signal.SIGKILL)
            except OSError:
                pass  # it has ended

    def symbols(self, path, *only):
        """What a program or an object defines."""
        told = subprocess.run(["nm", "--defined-only", "-P", *only, path], cwd=self.directory, check=True,
                              stdout=subprocess.PIPE, text=True).stdout
        return {line.split()[0] for line in told.splitlines()}


class Baseline:
    """The unchanged tree, built both ways, with what each program links and how long it takes."""

    def __init__(self, directory, sanitizers, jobs):
        ignored = shutil.ignore_patterns("build", ".git", "__pycache__")
        shutil.copytree(ROOT, directory / "plain", ignore=ignored, symlinks=True)
        tests = sorted((ROOT / "tests/unit").rglob("test_*.c"))
        self.programs = [str(Path("build") / test.relative_to(ROOT).with_suffix("")) for test in tests] + [MODEL]
        plain = Tree(directory / "plain", "")
        sanitized = Tree(plain.copy(directory / "sanitized").directory, sanitizers)
        self.trees = [plain, sanitized]
        self.patience = {}
        Tree.private = True
        Tree.private = subprocess.run(plain.in_private_tmp("true"), cwd=plain.directory, check=False,
                                      stderr=subprocess.DEVNULL).returncode == 0
        for tree in self.trees:
            told = tree.make(*self.programs, jobs=jobs)
            if told.returncode != 0:
                sys.exit(f"{told.stdout}mutate: the tree does not build unchanged")
            self._time(tree)
        self.defined = {program: plain.symbols(program) for program in self.programs}

    def _time(self, tree):
        for program in self.programs:
            began = time.monotonic()
            if not tree.run(program, 120):
                sys.exit(f"mutate: {program} fails unchanged{', with sanitizers' if tree.sanitizers else ''}")
            took = time.monotonic() - began
            self.patience[tree.sanitizers, program] = PATIENCE_S + int(MANY_TIMES * took)

    def judges(self, path):
        """The programs that link it: the module's own tests, then the others, quick ones first."""
        built = Path("build") / path.with_suffix(".o")
        if not (self.trees[0].directory / built).exists():
            return []
        symbols = self.trees[0].symbols(str(built), "-g")  # hidden ones are local in a program

        def order(program):
            stem = Path(program).name.removeprefix("test_")
            own = stem == path.stem or stem.startswith(f"{path.stem}_")
            return program == MODEL, not own, self.patience["", program]
        return sorted((p for p in self.programs if symbols & self.defined[p]), key=order)


class Judge:
    """Copies of both trees, in which one change at a time is made and undone."""

    def __init__(self, baseline, directory):
        self.baseline = baseline
        self.trees = [tree.copy(directory / tree.directory.name) for tree in baseline.trees]

    def judge(self, source, mutant, programs):
        """(outcome, by what)"""
        for tree in self.trees:
            built = str(Path("build") / Path(source.path).with_suffix(".o"))
            try:
                (tree.directory / source.path).write_text(source.apply(mutant))
                outcome = self._judge_in(tree, built, programs)
            finally:
                self._restore(tree, source.path, built, "build/daemon.a", "build/lib.a", *programs)
            if outcome:
                return outcome
        return "survived", ""

    def _judge_in(self, tree, built, programs):
        if tree.make(built).returncode != 0:
            return "not compiled", ""
        if not tree.sanitizers and self._same(tree, built):
            return "same code", ""
        for some in (programs[:1], programs[1:-1], programs[1:][-1:]):  # most are killed by the first
            if some and tree.make(*some).returncode != 0:
                return "not compiled", ""
            for program in some:
                result = tree.run(program, self.baseline.patience[tree.sanitizers, program])
                if not result:
                    return "timed out" if result is None else "killed", Path(program).name
        return None

    def _original(self, tree):
        return self.baseline.trees[self.trees.index(tree)].directory

    def _same(self, tree, built):
        return (tree.directory / built).read_bytes() == (self._original(tree) / built).read_bytes()

    def _restore(self, tree, *paths):
        """With their times, so that nothing is built again."""
        for path in paths:
            there = tree.directory / path
            there.unlink(missing_ok=True)
            shutil.copy2(self._original(tree) / path, there)


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=300, help="how many changes")
    parser.add_argument("--seed", type=int, help="draws them; printed, when it is not given")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many at once")
    parser.add_argument("--directory", type=Path, default=ROOT / "build", help="where all this is done")
    parser.add_argument("--sanitizers", default="-fsanitize=address,undefined -fno-sanitize-recover=all "
                        "-Itests/support/inprocess",
                        help="flags of the second build; its tests run in one process, so that leaks are seen")
    parser.add_argument("--verbose", action="store_true", help="tells of all of them, and what killed each")
    parser.add_argument("files", nargs="*", type=Path)
    return parser.parse_args()


def sources_of(files, baseline):
    """Those that a test links, and that were asked for, with their programs; and the names of the others."""
    everything = sorted(path.relative_to(ROOT) for folder in ("daemon", "lib")
                        for path in (ROOT / folder).rglob("*.c"))
    chosen, left_out = {}, []
    for path in files or everything:
        programs = baseline.judges(path)
        if programs:
            chosen[Source(str(path), (ROOT / path).read_text())] = programs
        else:
            left_out.append(str(path))
    return chosen, left_out


def judge_all(drawn, judges, verbose):
    """Counts the verdicts; a survivor is printed as soon as it is one."""
    counts = dict.fromkeys(("killed", "timed out", "survived", "not compiled", "same code"), 0)
    free = queue.Queue()
    for judge in judges:
        free.put(judge)

    def one(source, mutant, programs):
        judge = free.get()
        try:
            return mutant, judge.judge(source, mutant, programs)
        finally:
            free.put(judge)

    def tell(mutant, outcome, by):
        note = f"[{outcome}{' by ' + by if by else ''}] " if verbose else ""
        print(f"{note}{mutant.path}:{mutant.line}: {mutant.before}  ->  {mutant.after}", flush=True)

    with concurrent.futures.ThreadPoolExecutor(len(judges)) as executor:
        try:
            for done in concurrent.futures.as_completed([executor.submit(one, *each) for each in drawn]):
                mutant, (outcome, by) = done.result()
                counts[outcome] += 1
                if outcome == "survived" or verbose:
                    tell(mutant, outcome, by)
        except KeyboardInterrupt:
            executor.shutdown(cancel_futures=True)
    return counts


def main():
    options = arguments()
    seed = random.SystemRandom().randrange(1 << 32) if options.seed is None else options.seed
    options.directory.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mutate-", dir=options.directory) as name:
        directory = Path(name).resolve()
        baseline = Baseline(directory / "unchanged", options.sanitizers, options.jobs)
        chosen, left_out = sources_of(options.files, baseline)
        possible = [(source, mutant, programs) for source, programs in chosen.items()
                    for mutant in source.mutants()]
        if left_out:
            print("left out, since no unit test links it:", *left_out)
        drawn = random.Random(seed).sample(possible, min(options.count, len(possible)))
        print(f"seed {seed}: {len(drawn)} of {len(possible)} changes to {len(chosen)} files", flush=True)
        judges = [Judge(baseline, directory / f"job{i}") for i in range(options.jobs)]
        counts = judge_all(drawn, judges, options.verbose)
    print(f"killed {counts['killed'] + counts['timed out']} ({counts['timed out']} timed out), "
          f"survived {counts['survived']}, not compiled {counts['not compiled']}, "
          f"same code {counts['same code']}")


if __name__ == "__main__":
    main()
