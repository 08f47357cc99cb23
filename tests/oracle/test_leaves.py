#!/usr/bin/python3
"""Every test of a leaf, with every operand, over every kind of value of an event, a user, an account:
the server and the oracle must name the same, in a head, in slabs, and where dictionaries hold next
to nothing.

Random queries meet few values that are odd in the same way as an operand; here all meet all. (Not
asked without case: classes of regular expressions that Python takes for those of all Unicode.)
"""

import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "system")]

from harness import options, run_unittests

OPTIONS = options(__doc__.split("\n")[0])

import random

from client import Client, Project
from evaluator import evaluate
from generator import utc
from server import Server

START = utc(2025, 1, 1)
VALUES = [
    None, True, False, 0, 1, -1, 1.5, -0.0, 0.1, 1e21, 1e-7, 123456789012345680000.0, 1e300, 5e-324,
    2**53, 2**53 + 1, 2**63 - 1, -(2**63), 100, 1000000,
    "", "0", "-0", "1", "1.0", "1e0", "1E0", "-1", "01", "+1", " 1", "1 ", "1.", ".5", "1e400", "-1e400",
    "0x1", "1_0", "9007199254740993", "9223372036854775807", "9223372036854775808", "100000000000000000000",
    "0.1", "0.10000000000000000555", "1e-7", "NaN", "Infinity", "true", "false", "null",
    "a", "A", "ab", "aB", "b", "a\nb", "a%b", "a_b", "a\\b", "\\", "%", "_", "$", "^a", "a.b",
    "ä", "Ä", "ÄB", "ß", "ẞ", "ss", "SS", "ı", "I", "i", "İ", "K", "k", "ſ", "s", "Σ", "σ", "ς", "🙂", "a🙂b", "e\u0301", "é",
    ["a"], ["a", "b"], ["B", "1"], ["1.0", "x"], ["true"], [""], [], ["a\nb", "ä"],
]  # fmt: skip
OPERANDS = [value for value in VALUES if value is not None and not isinstance(value, list)]
TEXTS = [value for value in OPERANDS if isinstance(value, str)]
LIKES = ["%", "_", "__", "a%", "%b", "a_b", "a\\%b", "a\\_b", "a\\\\b", "%_%", "_%_", "", "1%", "%.%", "%e%", "Ä%", "%\n%"]
REGEXES = ["a", "^a", "b$", "^$", "", ".", "^.$", "^..$", "a.b", "(?s)a.b", "[A-H]", "\\d", "^1", "e", "ä", "s", "k", "σ", "(?i)A", "^[^a]*$", "\\+"]


def leaves():
    def leaf(op, operand=None, **more):
        return {"scope": "event", "property": "v", "op": op, "operand": operand, **more}

    for operand in OPERANDS:
        yield leaf("equals", operand)
        if not isinstance(operand, bool):
            for op in ("less", "less_or_equal", "greater", "greater_or_equal"):
                yield leaf(op, operand)
            for other in (1, "b"):
                yield leaf("between", [operand, other])
                yield leaf("between", [other, operand])
        if isinstance(operand, str):
            yield leaf("equals", operand, ci=True)
            for op in ("contains", "starts_with", "ends_with"):
                yield leaf(op, operand)
                yield leaf(op, operand, ci=True)
    rng = random.Random(1)
    for _ in range(60):
        some = [rng.choice(OPERANDS) for _ in range(rng.choice([1, 2, 3, 8]))]
        yield leaf("in_set", some)
        yield leaf("in_set", some, ci=True)
    for op, patterns in (("like", LIKES), ("regex", REGEXES)):
        for pattern in patterns:
            yield leaf(op, pattern)
            yield leaf(op, pattern, ci=True)
    for pattern in ("^\\w$", "^\\W$", "\\bb"):
        yield leaf("regex", pattern)
    yield leaf("is_set")


def tested():
    """Each leaf, by turns as it is and negated."""
    for number, leaf in enumerate(leaves()):
        yield leaf if number % 3 else dict(leaf, negated=True)


def events_query(leaf):
    return {
        "kind": "events",
        "user": "u",
        "as_of": START + 10**9,
        "range": None,
        "selector": {"terms": [{"predicate": {"leaf": leaf}}]},
        "descending": False,
        "properties": ["none"],
        "page_size": 1000,
    }


def users_query(leaf):
    scope = {"zone": "UTC", "as_of": START + 10**9, "segment": {"user": dict(leaf, scope="user")}}
    return {"kind": "segment", "scope": scope, "page_size": 1000}


def accounts_query(leaf):
    return events_query(dict(leaf, scope="account", key="company"))


def values_of(answer):
    """The values behind what is listed: ids of events and of users are their places."""
    if "events" in answer:
        return [VALUES[int(one["id"])] for one in answer["events"]]
    return [VALUES[int(one)] for one in answer["users"] if one != "u"]


class Leaves(unittest.TestCase):
    def check(self, project, where, query_of):
        for leaf in tested():
            query = query_of(leaf)
            expected, got = evaluate(query, project.data), project.ask(query)
            with self.subTest(where=where, leaf=leaf):
                self.assertEqual(values_of(expected), values_of(got))

    def rows(self):
        """Each value once: of an event, of a user, of the account that the event names."""
        for number, value in enumerate(VALUES):
            time, name = START + number, str(number)
            properties = {"v": value, "company": name}
            yield {"kind": "event", "user": "u", "time": time, "id": name, "properties": properties}
            yield {"kind": "set", "user": name, "time": time, "set": {"v": value, "w": 1}}
            of = {"kind": "account", "key": "company", "account": name}
            yield of | {"time": time, "set": {"v": value}}

    def test_all_against_all(self):
        world = {"rows": [], "definitions": {}, "segments": {}}
        for entries in (0, 1):
            with Server(OPTIONS.server, {"dictionary-entries-max": entries}) as server:
                client = Client(server)
                project = Project(client, "leaves", world)
                project.ingest(list(self.rows()), random.Random(1))
                self.assertEqual(project.faults, [])
                self.check(project, "in the head", events_query)
                if entries == 0:
                    self.check(project, "of users", users_query)
                    self.check(project, "of accounts", accounts_query)
                self.assertEqual(server.stop(), 0)
                server.start()
                client.connect()
                self.check(project, "in a slab", events_query)


if __name__ == "__main__":
    sys.exit(run_unittests(sys.modules[__name__]))
