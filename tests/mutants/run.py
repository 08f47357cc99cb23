#!/usr/bin/python3
"""Plants one bug after the other into a copy of the engine and lets the oracle look for each.

    tests/mutants/run.py --seed 1
    tests/mutants/run.py --file sampled.json --tests 'query|match'

Each mutant of mutants.json (or --file: see sample.py) replaces one piece of one source file. The
copy lives in a temporary folder and is built with the same presets; only recountd is built again
between two mutants. What the oracle does not find the unit tests of --tests may. An oracle that
does not find a planted bug has a hole, and this script fails. A piece that is not in its file
exactly once means that the list is stale, which is a failure as well.
"""

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
LIST = os.path.join(HERE, "mutants.json")
ORACLE_SECONDS_MAX = 900
FOLDERS = [
    "cmake",
    "engine",
    "proto",
    "server",
    "loaders",
    "client",
    "cli",
    "bench",
    "tests",
    "scripts",
]
FILES = ["CMakeLists.txt", "CMakePresets.json", ".clang-format"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--preset", default="release")
    parser.add_argument(
        "--folder", help="where the copy is made (default: a temporary folder that goes away)"
    )
    parser.add_argument(
        "--queries", type=int, default=4000, help="how long the oracle looks for each"
    )
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument(
        "--file", default=LIST, help="the list of mutants"
    )
    parser.add_argument(
        "--tests", help="names of unit tests, as ctest -R takes them, that look for what is left"
    )
    parser.add_argument("--only", action="append", help="name of a mutant; may be repeated")
    parser.add_argument(
        "--list", action="store_true", help="check that the list fits the sources, and end"
    )
    return parser.parse_args()


def mutants(chosen):
    with open(chosen.file, encoding="utf-8") as file:
        found = json.load(file)
    return [one for one in found if not chosen.only or one["name"] in chosen.only]


def stale(one, root):
    """Why a mutant cannot be planted, or None."""
    path = os.path.join(root, one["file"])
    if not os.path.isfile(path):
        return f"there is no {one['file']}"
    with open(path, encoding="utf-8") as file:
        count = file.read().count(one["find"])
    return None if count == 1 else f"the piece is {count} times in {one['file']}"


class Copy:
    """The tree with at most one bug in it."""

    def __init__(self, folder, preset):
        self.root = os.path.join(folder, "tree")
        self.build = os.path.join(folder, "build")
        self.preset = preset
        self.server = os.path.join(self.build, "bin", "recountd")
        self.python = os.path.join(self.build, "python")
        os.makedirs(self.root, exist_ok=True)
        # Times are not copied: what an earlier campaign in this folder built must be built again.
        for name in FOLDERS:
            if os.path.isdir(os.path.join(ROOT, name)):
                shutil.copytree(
                    os.path.join(ROOT, name),
                    os.path.join(self.root, name),
                    dirs_exist_ok=True,
                    symlinks=True,
                    copy_function=shutil.copy,
                )
        for name in FILES:
            shutil.copy(os.path.join(ROOT, name), os.path.join(self.root, name))

    def run(self, command):
        done = subprocess.run(
            command,
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def configure(self):
        code, text = self.run(["cmake", "--preset", self.preset, "-B", self.build])
        if code != 0:
            raise SystemExit(f"the copy cannot be configured:\n{text[-3000:]}")

    def make(self):
        return self.run(["ninja", "-C", self.build, "recountd", "rc_python"])

    def program(self):
        with open(self.server, "rb") as file:
            return file.read()

    def unit_tests(self, names):
        """Whether a unit test fails, and which."""
        code, listed = self.run(["ctest", "--test-dir", self.build, "-N", "-L", "unit", "-R", names])
        targets = [f"test_{name}" for name in re.findall(r"Test +#\d+: (\w+)", listed)]
        code, text = self.run(["ninja", "-C", self.build] + targets)
        if code != 0:
            raise SystemExit(f"the tests do not build:\n{text[-2000:]}")
        code, text = self.run(
            ["ctest", "--test-dir", self.build, "-j2", "--stop-on-failure", "-L", "unit", "-R", names]
        )
        return code != 0, " ".join(re.findall(r"- (\w+) \(", text)[:3])

    def source(self, one):
        with open(os.path.join(self.root, one["file"]), encoding="utf-8") as file:
            return file.read()

    def write(self, one, text):
        with open(os.path.join(self.root, one["file"]), "w", encoding="utf-8") as file:
            file.write(text)

    def oracle(self, queries, seed):
        """Whether the oracle finds a difference, and what it printed."""
        environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
        command = [
            sys.executable,
            os.path.join(HERE, "..", "oracle", "run.py"),
            "--server",
            self.server,
            "--python",
            self.python,
            "--queries",
            str(queries),
            "--seed",
            str(seed),
            "--differences-max",
            "1",
            "--no-minimise",
            "--quiet",
        ]
        try:
            done = subprocess.run(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                env=environment,
                check=False,
                timeout=ORACLE_SECONDS_MAX,
            )
        except subprocess.TimeoutExpired:
            return True, "Error: it does not end"
        return done.returncode != 0, done.stdout


def first_lines(text):
    for line in text.splitlines():
        if line.startswith("DIFFERENCE") or "ServerDied" in line or "Error" in line:
            return line[:150]
    return text.strip().splitlines()[-1][:150] if text.strip() else ""


def plant(copy, one, chosen, seed, sound):
    """Whether the bug was found (None: it is none), and a sentence about it."""
    text = copy.source(one)
    copy.write(one, text.replace(one["find"], one["replace"]))
    try:
        code, _ = copy.make()
        if code != 0:
            return None, "does not compile"
        if copy.program() == sound:
            return None, "the same program"
        start = time.monotonic()
        found, output = copy.oracle(chosen.queries, seed)
        if not found and chosen.tests:
            found, output = copy.unit_tests(chosen.tests)
        return found, f"{time.monotonic() - start:5.1f} s  {first_lines(output)}"
    finally:
        copy.write(one, text)


def main():
    chosen = arguments()
    seed = chosen.seed if chosen.seed is not None else random.SystemRandom().randrange(10**9)
    wanted = mutants(chosen)
    bad = [(one["name"], stale(one, ROOT)) for one in wanted if stale(one, ROOT)]
    for name, why in bad:
        print(f"stale {name}: {why}")
    if chosen.list or bad:
        print(f"{len(wanted) - len(bad)} passed, {len(bad)} failed, 0 skipped")
        return 1 if bad else 0
    folder = chosen.folder or tempfile.mkdtemp(prefix="recount-mutants-")
    try:
        return campaign(Copy(folder, chosen.preset), wanted, chosen, seed)
    finally:
        if chosen.folder is None:
            shutil.rmtree(folder, ignore_errors=True)


def campaign(copy, wanted, chosen, seed):
    print(f"seed {seed}", flush=True)
    copy.configure()
    code, text = copy.make()
    if code != 0:
        raise SystemExit(f"the copy does not build:\n{text[-3000:]}")
    found, text = copy.oracle(500, seed)
    if found:
        raise SystemExit(f"the oracle disagrees even without a planted bug:\n{text[-3000:]}")
    sound = copy.program()
    counts = {"found": 0, "MISSED": 0, "no bug": 0}
    for number, one in enumerate(wanted, 1):
        found, why = plant(copy, one, chosen, seed, sound)
        word = "no bug" if found is None else "found" if found else "MISSED"
        counts[word] += 1
        print(f"{word:6} {number:2}/{len(wanted)} {one['name']:32} {why}", flush=True)
        if word == "MISSED":
            print(f"       {one['file']}: {one['bug']}", flush=True)
    print(f"{counts['found']} of {len(wanted)} planted bugs found, {counts['no bug']} are none")
    print(f"{counts['found']} passed, {counts['MISSED']} failed, {counts['no bug']} skipped")
    drawn = chosen.file != LIST  # Of these nobody said that they are bugs.
    return 1 if counts["MISSED"] or (counts["no bug"] and not drawn) else 0


if __name__ == "__main__":
    sys.exit(main())
