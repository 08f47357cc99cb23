#!/usr/bin/python3
"""Real archives, loaded by `recount load` with the shipped mappings, give their known answers
through gRPC.

The archives are not part of the project. RECOUNT_REAL_DATA names their folder; without it,
../shared/data beside the project is looked at. Where there is none, everything here is skipped and
counted as skipped.
"""

import os
import subprocess
import sys
import unittest

from harness import HERE, options, run_unittests

OPTIONS = options(
    __doc__.split("\n")[0],
    (["--recount"], {"default": os.environ.get("RECOUNT"), "help": "path of recount"}),
)

from server import Server
from shop import of_type, selector
from recount.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    funnel_pb2,
    predicate_pb2,
    query_pb2_grpc,
    scope_pb2,
    series_pb2,
    value_pb2,
)

ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
DATA = os.environ.get("RECOUNT_REAL_DATA") or os.path.join(ROOT, "..", "shared", "data")
MAPPINGS = os.path.join(ROOT, "loaders", "mappings")
SERVER = None


def setUpModule():
    global SERVER
    if not os.path.isdir(DATA):
        raise unittest.SkipTest(f"there is no folder {DATA}: set RECOUNT_REAL_DATA")
    SERVER = Server(OPTIONS.server).start()


def tearDownModule():
    if SERVER is not None:
        SERVER.close()


def load(project, name, *archives):
    """Loads archives, each (mapping, file), in one command; returns what the command printed."""
    command = [
        OPTIONS.recount,
        "load",
        "--server",
        SERVER.address,
        "--project",
        project,
        "--create-project",
        "--rejects",
        os.path.join(SERVER.folder, name + ".rejects"),
        "--state",
        os.path.join(SERVER.folder, name + ".load"),
    ]
    for mapping, file in archives:
        command += ["--mapping", os.path.join(MAPPINGS, mapping), os.path.join(DATA, file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    SERVER.check_alive()
    if done.returncode != 0:
        raise AssertionError(
            f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
    return done.stdout + done.stderr


def whole_range(project):
    reply = admin_pb2_grpc.AdminServiceStub(SERVER.channel).GetStatistics(
        admin_pb2.GetStatisticsRequest(project="projects/" + project), timeout=60
    )
    (one,) = reply.projects
    scope = scope_pb2.Scope(project="projects/" + project)
    scope.range.start_ms, scope.range.end_ms = one.first_event_time_ms, one.last_event_time_ms + 1
    return scope, one


def totals(project, selectors, measure=series_pb2.SERIES_MEASURE_EVENTS):
    request = series_pb2.SeriesRequest(scope=whole_range(project)[0])
    for one in selectors:
        request.series.add(selector=one, measure=measure)
    reply = query_pb2_grpc.QueryServiceStub(SERVER.channel).Series(request, timeout=60)
    return [int(one.rows[-1].total) for one in reply.series]


def leaf(name, value):
    return predicate_pb2.Predicate(
        leaf=predicate_pb2.Leaf(property=value_pb2.PropertyRef(event_property=name), equals=value)
    )


def equals(name, value):
    return selector(leaf(name, value))


def post(kind):
    both = predicate_pb2.Predicate()
    both.all_of.predicates.extend(
        [
            leaf("type", value_pb2.Value(string_value="post")),
            leaf("post_type_id", value_pb2.Value(int_value=kind)),
        ]
    )
    return selector(both)


class StackExchange(unittest.TestCase):
    """Three CSV files that are one archive: who signed up, asked, answered, got a badge."""

    ARCHIVES = [
        (f"stackexchange-{kind}.ini", f"stackexchange-stats-{kind}.csv.gz")
        for kind in ("users", "posts", "badges")
    ]
    STEPS = [of_type("signup"), post(1), post(2), of_type("badge")]

    @classmethod
    def setUpClass(cls):
        load("stats", "stats", *cls.ARCHIVES)

    def test_counts(self):
        self.assertEqual(totals("stats", self.STEPS), [40325, 42188, 47100, 79851])

    def test_funnel(self):
        request = funnel_pb2.FunnelRequest(scope=whole_range("stats")[0])
        for step in self.STEPS:
            request.steps.add(selector=step)
        reply = query_pb2_grpc.QueryServiceStub(SERVER.channel).Funnel(request, timeout=60)
        self.assertEqual(list(reply.rows[-1].counts), [40325, 18660, 2540, 2307])

    def test_loading_again_changes_nothing(self):
        before = whole_range("stats")[1].event_count
        load("stats", "again", *reversed(self.ARCHIVES))
        self.assertEqual(whole_range("stats")[1].event_count, before)
        self.test_counts()


class Wikiticker(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        load("wiki", "wiki", ("wikiticker.ini", "wikiticker-2015-09-12-sampled.json.gz"))

    def test_counts(self):
        yes = value_pb2.Value(bool_value=True)
        main = value_pb2.Value(string_value="Main")
        self.assertEqual(
            totals(
                "wiki",
                [
                    selector(),
                    equals("isRobot", yes),
                    equals("isAnonymous", yes),
                    equals("isNew", yes),
                    equals("namespace", main),
                ],
            ),
            [39244, 15420, 3799, 2278, 31548],
        )

    def test_users(self):
        self.assertEqual(
            totals("wiki", [selector()], series_pb2.SERIES_MEASURE_UNIQUE_USERS), [10531]
        )


class Apache(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.printed = load("web", "web", ("combined-log.ini", "apache_combined.log.gz"))

    def test_counts(self):
        statuses = [200, 304, 404, 301, 206]
        self.assertEqual(
            totals("web", [equals("status", value_pb2.Value(int_value=one)) for one in statuses]),
            [9125, 445, 213, 164, 45],
        )

    def test_the_bad_line_is_listed(self):
        with open(
            os.path.join(SERVER.folder, "web.rejects"), encoding="utf-8", errors="replace"
        ) as rejects:
            self.assertEqual(len(rejects.read().splitlines()), 1)
        self.assertIn("1 rejected", self.printed)

    def test_after_a_restart(self):
        before = totals("web", [selector()])
        SERVER.kill()
        SERVER.start()
        self.assertEqual(totals("web", [selector()]), before)
        self.test_counts()


if __name__ == "__main__":
    sys.exit(run_unittests(sys.modules[__name__]))
