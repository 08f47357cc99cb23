#!/usr/bin/python3
"""recount query ... --users-of: the users behind a number of each kind of answer, from a shell."""

import csv
import io
import json
import os
import subprocess
import sys
import unittest

from harness import options, run_unittests

OPTIONS = options(__doc__)

from columnar import ndjson
from ingest import ingest_all
from server import Server
from recount.v1 import project_pb2, project_pb2_grpc

PROJECT = "projects/behind"
SERVER = None
PROGRAM = ""
USERS = 40
DAY = 86400000
START = 1740787200000  # 2025-03-01
DIVISORS = (1, 2, 3, 5)  # Who is divided by them does t1, t2, t3, t5 on days 1, 2, 3, 4.


def setUpModule():
    global SERVER, PROGRAM
    PROGRAM = os.path.join(os.path.dirname(OPTIONS.server or os.environ.get("RECOUNTD", "")), "recount")
    if not os.access(PROGRAM, os.X_OK):
        raise unittest.SkipTest("no recount beside recountd")
    SERVER = Server(OPTIONS.server).start()
    project_pb2_grpc.ProjectServiceStub(SERVER.channel).CreateProject(
        project_pb2.CreateProjectRequest(project_id="behind"), timeout=30
    )
    rows = []
    for user in range(USERS):
        for day, divisor in enumerate(DIVISORS):
            if user % divisor == 0:
                rows.append({
                    "kind": "event", "user": name(user), "time": START + day * DAY + user,
                    "id": f"{user}/{divisor}",
                    "properties": {"type": f"t{divisor}", "arm": "b" if user % 4 else "a", "size": user},
                })
        rows.append({"kind": "set", "user": name(user), "time": START,
                     "set": {"plan": "free" if user < 10 else "paid"}})
    ingest_all(SERVER.channel, PROJECT, "rows", [ndjson(rows)])


def tearDownModule():
    if SERVER is not None:
        SERVER.stop()


def name(user):
    return f"u{user:02}"


def did(divisor, *without, among=range(USERS)):
    return [name(user) for user in among
            if user % divisor == 0 and all(user % other for other in without)]


def run(*words):
    return subprocess.run(
        [PROGRAM, "query", *words, "--server", SERVER.address, "--project", "behind"],
        capture_output=True, check=False, text=True,
    )


class Behind(unittest.TestCase):
    def users(self, *words):
        done = run(*words, "--csv")
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = list(csv.DictReader(io.StringIO(done.stdout)))
        lines = run(*words, "--json").stdout.splitlines()
        users = [row["user"] for row in rows]
        self.assertEqual([json.loads(line)["user"] for line in lines], users)
        return users

    def refused(self, *words):
        done = run(*words)
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        return done.stderr

    def test_funnel(self):
        funnel = ("funnel", "type = t1", "type = t2", "type = t3")
        self.assertEqual(self.users(*funnel, "--users-of", "step=2"), did(2))
        self.assertEqual(self.users(*funnel, "--users-of", "step=2,dropped"), did(1, 2))
        self.assertEqual(self.users(*funnel, "--users-of", "row=total,step=3"), did(6))
        by_plan = (*funnel, "--by", "user.plan", "--users-of")
        self.assertEqual(self.users(*by_plan, "step=3,row=free"), did(6, among=range(10)))
        self.assertEqual(self.users(*by_plan, "step=3,row=#1"), did(6, among=range(10, USERS)))
        self.assertIn("there are: paid, free, total", self.refused(*by_plan, "step=1,row=gold"))
        self.assertIn("step=", self.refused(*by_plan, "row=free"))
        self.assertIn("step=N", self.refused(*by_plan, "step=1,cohort=2"))

    def test_retention(self):
        triangle = ("retention", "type = t1", "any", "--unit", "day", "--users-of")
        self.assertEqual(self.users(*triangle, "cohort=2025-03-01"), did(1))
        self.assertEqual(self.users(*triangle, "cohort=2025-03-01,column=2"), did(3))
        self.assertEqual(self.users(*triangle, "cohort=#1,column=#4"), did(5))
        self.assertIn("2025-03-02", self.refused(*triangle, "cohort=2024-01-01"))

    def test_series(self):
        lines = ("series", "any", "--measure", "users", "--by", "type", "--unit", "day")
        self.assertEqual(self.users(*lines, "--users-of", "row=t3"), did(3))
        self.assertEqual(self.users(*lines, "--users-of", "row=t3,bucket=2025-03-03"), did(3))
        self.assertEqual(self.users(*lines, "--users-of", "row=t3,bucket=2025-03-02"), [])
        self.assertEqual(self.users(*lines, "--users-of", "bucket=2025-03-02"), did(2))
        self.assertEqual(
            self.users(*lines, "--columns", "user.plan", "--users-of", "row=t2,column=free"),
            did(2, among=range(10)))
        ratio = ("series", "type = t2", "type = t3", "--measure", "users", "--measure", "users",
                 "--formula", "B / A", "--total", "--users-of")
        self.assertEqual(self.users(*ratio, "series=B / A,operand=B"), did(3))
        self.assertEqual(self.users(*ratio, "series=B / A,operand=a"), did(2))
        self.assertIn("there are:", self.refused(*ratio, "series=C"))
        done = run(*ratio, "series=B / A")
        self.assertEqual(done.returncode, 3)
        self.assertIn("no users of its own", done.stderr)

    def test_a_histogram(self):
        spread = ("series", "any", "--measure", "histogram", "--of", "size", "--bins", "2",
                  "--unit", "day", "--users-of")
        self.assertEqual(self.users(*spread, "bin=0,bucket=2025-03-01"), did(1, among=range(20)))
        self.assertEqual(self.users(*spread, "bin=19.5"), did(1, among=range(20, USERS)))
        self.assertEqual(self.users(*spread, "bin=#2,bucket=2025-03-03"), did(3, among=range(20, USERS)))
        self.assertIn("there are: 0, 19.5", self.refused(*spread, "bin=7"))
        for words in (("any", "--unit", "day"), ("any", "--measure", "users", "--unit", "day")):
            self.assertIn("there is none", self.refused("series", *words, "--users-of", "bin=0"))

    def test_lifecycle(self):
        life = ("lifecycle", "--unit", "day", "--users-of")
        self.assertEqual(self.users(*life, "new,bucket=2025-03-01"), did(1))
        self.assertEqual(self.users(*life, "returning,bucket=2025-03-02"), did(2))
        self.assertEqual(self.users(*life, "dormant,bucket=2025-03-02"), did(1, 2))
        self.assertEqual(self.users(*life, "resurrecting,bucket=2025-03-03"), did(3, 2))
        self.assertIn("new, returning", self.refused(*life, "bucket=2025-03-01"))

    def test_stickiness(self):
        expected = [name(user) for user in range(USERS)
                    if sum(user % divisor == 0 for divisor in DIVISORS) == 2]
        sticky = ("stickiness", "--unit", "day", "--users-of")
        self.assertEqual(self.users(*sticky, "buckets=2"), expected)
        self.assertIn("buckets=", self.refused(*sticky, "buckets=two"))

    def test_paths(self):
        paths = ("paths", "--property", "type", "--gap", "10d", "--users-of")
        self.assertEqual(self.users(*paths, "row=total"), did(1))
        self.assertEqual(self.users(*paths, "level=2,node=t2"), did(2))
        self.assertEqual(self.users(*paths, "level=1,node=t1,target=t3"), did(3, 2))
        self.assertEqual(self.users(*paths, "level=1,node=t1,ended"), did(1, 2, 3, 5))
        self.assertIn("no level 9", self.refused(*paths, "level=9,node=t2"))
        self.assertIn("there are: t2", self.refused(*paths, "level=2,node=t9"))

    def test_sessions(self):
        sessions = ("sessions", "--gap", "10d", "--property", "type", "--unit", "day", "--users-of")
        self.assertEqual(self.users(*sessions, "entry=t1"), did(1))
        self.assertEqual(self.users(*sessions, "exit=t5"), did(5))
        self.assertEqual(self.users(*sessions, "bounced"), did(1, 2, 3, 5))
        self.assertEqual(self.users(*sessions, "bucket=2025-03-01"), did(1))

    def test_experiment(self):
        arms = ("experiment", "type = t1", "type = t2", "--variant", "arm", "--users-of")
        arm_a = [name(user) for user in range(0, USERS, 4)]
        arm_b = [name(user) for user in range(USERS) if user % 4]
        self.assertEqual(self.users(*arms, "variant=a"), arm_a)
        self.assertEqual(self.users(*arms, "variant=b"), arm_b)
        self.assertEqual(self.users(*arms, "variant=b,converted"), sorted(set(arm_b) & set(did(2))))
        self.assertEqual(self.users(*arms, "variant=b,others"), did(1, 2))
        self.assertIn("there are: b, a", self.refused(*arms, "variant=c"))

    def test_correlation(self):
        tells = ("correlation", "type = t3", "type = t5", "--converted", "did(type = t2)",
                 "--property", "user.plan", "--users-of")
        free = range(10)
        self.assertEqual(self.users(*tells, "candidate=plan = free"), did(1, among=free))
        self.assertEqual(self.users(*tells, "candidate=plan = free,converted"), did(2, among=free))
        self.assertEqual(self.users(*tells, "candidate=type = t3,others"), did(3, 2))
        self.assertEqual(self.users(*tells, "population"), did(1))
        self.assertEqual(self.users(*tells, "population,converted"), did(2))
        self.assertIn("candidate=", self.refused(*tells, "converted"))

    def test_as_text_and_saved(self):
        funnel = ("funnel", "type = t1", "type = t2", "--users-of", "step=2")
        done = run(*funnel)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("20 of 20 users", done.stdout)
        self.assertEqual(run(*funnel, "--save-users", "evens").returncode, 0)
        self.assertEqual(run("segment", "evens", "--users").stdout.split(), did(2))
        self.assertEqual(
            self.users("funnel", "any", "--segment", "@evens", "--users-of", "step=1"), did(2))

    def test_what_has_none(self):
        for words in (("users",), ("events", "u01"), ("segment", "all"), ("overlap", "a", "b")):
            self.assertIn("no numbers for --users-of", self.refused(*words, "--users-of", "step=1"))
        self.assertIn("saves users", self.refused(
            "series", "any", "--entity", "arm", "--total", "--users-of", "row=total", "--save-users", "x"))
        self.assertIn("needs --users-of", self.refused("funnel", "any", "--save-users", "x"))


if __name__ == "__main__":
    sys.exit(run_unittests(sys.modules[__name__]))
