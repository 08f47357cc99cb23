#!/usr/bin/python3
"""Plants one bug after the other into a copy of the engine and lets the oracle look for each.

    tests/mutants/run.py --seed 1

Each mutant of mutants.json replaces one piece of one source file. The copy lives in a temporary
folder and is built with the same presets; only recountd is built again between two mutants. An
oracle that does not find a planted bug has a hole, and this script fails. A piece that is not in
its file exactly once means that the list is stale, which is a failure as well.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
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
    parser.add_argument("--only", action="append", help="name of a mutant; may be repeated")
    parser.add_argument(
        "--list", action="store_true", help="check that the list fits the sources, and end"
    )
    return parser.parse_args()


def mutants(chosen):
    with open(os.path.join(HERE, "mutants.json"), encoding="utf-8") as file:
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

    def change(self, one, back):
        path = os.path.join(self.root, one["file"])
        with open(path, encoding="utf-8") as file:
            text = file.read()
        old, new = (one["replace"], one["find"]) if back else (one["find"], one["replace"])
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(old, new, 1))

    def oracle(self, queries, seed):
        """Whether the oracle finds a difference, and what it printed."""
        environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
        done = subprocess.run(
            [
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
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
            check=False,
        )
        return done.returncode != 0, done.stdout


def first_lines(text):
    for line in text.splitlines():
        if line.startswith("DIFFERENCE") or "ServerDied" in line or "Error" in line:
            return line[:150]
    return text.strip().splitlines()[-1][:150] if text.strip() else ""


def plant(copy, one, chosen, seed):
    """Whether the bug was found, and a sentence about it."""
    copy.change(one, back=False)
    try:
        code, text = copy.make()
        if code != 0:
            return False, f"does not compile:\n{text[-2000:]}"
        start = time.monotonic()
        found, text = copy.oracle(chosen.queries, seed)
        return found, f"{time.monotonic() - start:5.1f} s  {first_lines(text)}"
    finally:
        copy.change(one, back=True)


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
    missed = []
    for number, one in enumerate(wanted, 1):
        found, why = plant(copy, one, chosen, seed)
        if not found:
            missed.append(one["name"])
        print(
            f"{'found ' if found else 'MISSED'} {number:2}/{len(wanted)} {one['name']:32} {why}",
            flush=True,
        )
    print(f"{len(wanted) - len(missed)} of {len(wanted)} planted bugs found")
    print(f"{len(wanted) - len(missed)} passed, {len(missed)} failed, 0 skipped")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
