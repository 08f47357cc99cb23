#!/usr/bin/python3
"""The figures of definitions: new ones, many at once, eager ones beside ingestion, their bytes.

    bench/definitions.py --build build/release --archive events-10000000.ndjson [--json FILE]

Loads the archive into a recountd of its own (or starts one on --data, a directory that was loaded before),
makes definitions as a product team would from what the archive holds, and asks as a client would. The
definitions are drawn with --seed; each matches 1.1 of a thousand events on average. Ends what it started.
"""

import argparse
import collections
import json
import os
import random
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import figures  # noqa: E402

EVENTS_SAMPLED = 30_000
SHARE = 0.0011  # Of all events that a definition matches, on average.
DAYS = 90


class Sample:
    """Distinct (type, path, text, chain) of the archive's first events, with how often each came."""

    def __init__(self, archive):
        self.rows = collections.Counter()
        with open(archive) as lines:
            for line in lines:
                event = json.loads(line).get("properties")
                if event:
                    self.rows[(event["type"], event.get("path", ""), event.get("target_text"),
                               event.get("element_chain"))] += 1
                if self.rows.total() >= EVENTS_SAMPLED:
                    break
        self.total = self.rows.total()
        self.actions = [row for row in self.rows if row[3] and row[2]]
        self.weights = [self.rows[row] for row in self.actions]

    def share(self, tests):
        """The share of events that pass all tests: (field, kind, operand)."""
        passes = [(FIELDS.index(field), test_of(kind, operand)) for field, kind, operand in tests]
        hits = sum(count for row, count in self.rows.items()
                   if all(row[at] is not None and test(row[at]) for at, test in passes))
        return hits / self.total


FIELDS = ["type", "path", "target_text", "element_chain"]


def test_of(kind, operand):
    if kind == "equals":
        return lambda text: text == operand
    if kind == "like":
        whole = re.compile(".*".join(re.escape(part) for part in operand.split("%")) + r"\Z", re.S)
        return lambda text: whole.match(text) is not None
    return lambda text, found=re.compile(operand).search: found(text) is not None


def chain_pattern(draw, chain):
    """A regular expression as people write them for a click: the element, then something around it."""
    elements = chain.split(";")
    own = re.match(r"[a-z0-9]+(?:\.[A-Za-z0-9_-]+)?", elements[0]).group(0)
    names = [name for element in elements[1:5] for name in re.findall(r"[.#][A-Za-z0-9_-]+", element)]
    around = draw.choice(names) if names else "html"
    shape = draw.randrange(3)
    if shape == 0:
        return f"^{re.escape(own)}[^;]*;.*{re.escape(around)}"
    if shape == 1:
        return f"{re.escape(own)}([.:#\\[][^;]*)?;.*({re.escape(around)}|#never-there)"
    return f"(^|;){re.escape(own)}.*{re.escape(around)}[^;]*;"


def path_like(draw, path):
    parts = path.strip("/").split("/")
    if len(parts) > 1 and draw.random() < 0.7:
        return f"/{parts[0]}/%"
    return path if draw.random() < 0.5 else path[:max(2, len(path) - 2)] + "%"


def candidate(draw, sample):
    kind, path, text, chain = draw.choices(sample.actions, sample.weights)[0]
    pattern = ("element_chain", "regex", chain_pattern(draw, chain))
    like = ("path", "like", path_like(draw, path))
    same = ("target_text", "equals", text)
    shape = draw.random()
    if shape < 0.5:
        return [pattern, like, same]
    if shape < 0.7:
        return [pattern, like]
    if shape < 0.85:
        return [pattern, same]
    return [("type", "equals", kind), like, same]


def generate(sample, count, seed):
    """count different definitions; their mean share stays next to SHARE."""
    draw = random.Random(seed)
    found, seen, total = [], set(), 0.0
    while len(found) < count:
        tests = candidate(draw, sample)
        if str(tests) in seen:
            continue
        share = sample.share(tests)
        if share == 0 or share > 0.03 or (share > SHARE) == (total > SHARE * len(found)):
            continue
        seen.add(str(tests))
        found.append(tests)
        total += share
    return found


def predicate_of(ask, tests):
    return ask.both(*[ask.leaf(field, **{kind: operand}) for field, kind, operand in tests])
