#!/usr/bin/python3
"""Draws small changes of C sources, in the form of mutants.json: bugs that nobody chose.

    tests/mutants/sample.py --seed 1 --count 150 engine/query engine/match >sampled.json
    tests/mutants/run.py --file sampled.json --tests 'query|match'

Every place is as likely as any other. A change is of a comparison, of what joins two conditions, of a sum, of a bound
by one, of a truth, of a condition as a whole, or it takes a statement away. Assertions, declarations, comments, texts
and tests of pointers are left alone. Some changes change nothing that anybody could see (a capacity, a hint, a shorter way to the same
answer): what is not found has to be read.
"""

import argparse
import json
import os
import random
import re
import sys

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))

CHANGES = [
    (r" < ", " <= "),
    (r" <= ", " < "),
    (r" > ", " >= "),
    (r" >= ", " > "),
    (r" == ", " != "),
    (r" != ", " == "),
    (r" && ", " || "),
    (r" \|\| ", " && "),
    (r" \+ 1\b", ""),
    (r" - 1\b", ""),
    (r" \+ (?!1\b)", " - "),
    (r" - (?!1\b)", " + "),
    (r" \|= ", " &= "),
    (r" &= ", " |= "),
    (r" \+= ", " -= "),
    (r"\btrue\b", "false"),
    (r"\bfalse\b", "true"),
    (r"\bcontinue;", "break;"),
    (r"\bif \((.*)\)(?=$| \{$)", r"if (!(\1))"),
    (r"^    +\w[\w>.\[\]-]* (?:[+|&-]?=) .*;$", "(void)0;"),
    (r"^    +(?!return|RC_|goto|break|continue|else|case|default|const|struct|enum|static|u?int|double|bool|char|size_t)"
     r"\w+\(.*\);$", "(void)0;"),
]
NO_CODE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
LEFT_ALONE = re.compile(r"^\s*#|RC_ASSERT|RC_AUDIT|_Static_assert|^\S|__builtin_prefetch|static const|[!=]= NULL")


def places(path):
    """(beginning, end, replacement, what it is) of every change of a file."""
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        text = file.read()
    masked = NO_CODE.sub(lambda match: re.sub(r"[^\n]", "\0", match[0]), text)
    found, at = [], 0
    for line in masked.split("\n"):
        if not LEFT_ALONE.search(line):
            for pattern, replacement in CHANGES:
                for match in re.finditer(pattern, line):
                    new = match.expand(replacement)
                    if "\0" not in match[0]:
                        found.append((at + match.start(), at + match.end(), new, f"{match[0].strip()} becomes {new.strip()}"))
        at += len(line) + 1
    return text, found


def entry(path, text, place):
    """A place as an entry of mutants.json: with as many lines around it as make it the only one."""
    begin, end, new, what = place
    first, last = text.rindex("\n", 0, begin) + 1, text.index("\n", end)
    while text.count(text[first:last]) > 1:
        first = text.rindex("\n", 0, max(1, first - 1)) + 1
        last = text.index("\n", last + 1)
    line = text.count("\n", 0, begin) + 1
    return {"name": f"{os.path.basename(path)}:{line}", "file": path, "find": text[first:last],
            "replace": text[first:begin] + new + text[end:last], "bug": what}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("folders", nargs="+")
    options = parser.parse_args()
    every = []
    for folder in options.folders:
        for parent, _, names in os.walk(os.path.join(ROOT, folder)):
            for name in names:
                if name.endswith(".c"):
                    path = os.path.relpath(os.path.join(parent, name), ROOT)
                    text, found = places(path)
                    every += [(path, text, place) for place in found]
    every.sort(key=lambda one: (one[0], one[2]))
    chosen = random.Random(options.seed).sample(every, min(options.count, len(every)))
    json.dump([entry(*one) for one in chosen], sys.stdout, indent=1)
    print(f"\n{len(every)} places, {len(chosen)} drawn", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
