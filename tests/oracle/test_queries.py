#!/usr/bin/python3
"""Random queries of each kind that run.py knows, about worlds with rows and without any. No server is needed."""

import os
import random
import sys
import unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.environ["RECOUNT_PYTHON"]]

from generator import make_world
from queries import make_list, make_predicate, make_queries, make_rule
from run import KINDS


class Kinds(unittest.TestCase):
    def test_each_is_made_about_any_world(self):
        for seed in range(20):
            rng = random.Random(seed)
            world = make_world(rng, make_predicate, make_rule, make_list)
            for rows in (world["rows"], []):
                about = dict(world, rows=rows)
                for kind in KINDS:
                    made = make_queries(rng, about, 3, kind)
                    self.assertTrue(all(query["kind"] == kind for query in made))
                    asked_about = {"events": ("event", "set"), "suggest": ("event",)}.get(kind)
                    nobody = asked_about and not any(row["kind"] in asked_about for row in rows)
                    self.assertEqual(0 if nobody else 3, len(made), f"seed {seed}, {kind}")

    def test_all_that_are_made_are_known(self):
        rng = random.Random(1)
        world = make_world(rng, make_predicate, make_rule, make_list)
        made = {query["kind"] for query in make_queries(rng, world, 2000)}
        self.assertEqual(set(KINDS), made | {"events", "suggest"})


if __name__ == "__main__":
    unittest.main()
