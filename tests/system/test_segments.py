#!/usr/bin/python3
"""Segments from outside: lists, sequences and sums as they are kept, overlaps."""

import itertools
import sys
import unittest

from harness import Details, options, run_unittests

OPTIONS = options(__doc__.split("\n")[0])

import grpc

import shop
from columnar import ndjson
from ingest import ingest_all
from server import Server
from recount.v1 import (
    project_pb2,
    project_pb2_grpc,
    scope_pb2,
    segment_pb2,
    segment_pb2_grpc,
    segment_rule_pb2,
)

PROJECT = "projects/segments"
SERVER = None
USERS = 40


def setUpModule():
    global SERVER
    SERVER = Server(OPTIONS.server).start()
    project_pb2_grpc.ProjectServiceStub(SERVER.channel).CreateProject(
        project_pb2.CreateProjectRequest(project_id="segments"), timeout=30
    )
    rows = [
        {
            "kind": "event",
            "user": f"u{user:02}",
            "time": shop.START + user,
            "id": f"{user}/{divisor}",
            "properties": {"type": f"t{divisor}"},
        }
        for user in range(USERS)
        for divisor in (1, 2, 3, 5)
        if user % divisor == 0
    ]
    ingest_all(SERVER.channel, PROJECT, "rows", [ndjson(rows)])


def tearDownModule():
    SERVER.stop()


def stub():
    return segment_pb2_grpc.SegmentServiceStub(SERVER.channel)


def did(name):
    rule = segment_rule_pb2.SegmentRule()
    rule.behavior.selector.CopyFrom(shop.of_type(name))
    return rule


def scope():
    return scope_pb2.Scope(project=PROJECT)


def count(rule):
    request = segment_pb2.CountSegmentRequest(scope=scope())
    request.scope.segment.rule.CopyFrom(rule)
    return stub().CountSegment(request, timeout=30).user_count


class Kept(unittest.TestCase):
    def create(self, name, segment):
        request = segment_pb2.CreateSegmentRequest(
            parent=PROJECT, segment_id=name, segment=segment
        )
        return stub().CreateSegment(request, timeout=30).segment

    def get(self, name):
        request = segment_pb2.GetSegmentRequest(name=f"{PROJECT}/segments/{name}")
        return stub().GetSegment(request, timeout=30).segment

    def test_a_list(self):
        users = ["u03", "nobody-yet", "u07"]
        segment = segment_pb2.Segment(users=segment_pb2.UserList(users=users))
        self.create("vips", segment)
        self.assertEqual(list(self.get("vips").users.users), users)
        named = segment_rule_pb2.SegmentRule(segment=f"{PROJECT}/segments/vips")
        self.assertEqual(count(named), 2)
        # It becomes a rule, and a list again.
        update = segment_pb2.Segment(name=f"{PROJECT}/segments/vips", rule=did("t5"))
        stub().UpdateSegment(segment_pb2.UpdateSegmentRequest(segment=update), timeout=30)
        self.assertTrue(self.get("vips").HasField("rule"))
        update = segment_pb2.Segment(
            name=f"{PROJECT}/segments/vips", users=segment_pb2.UserList(users=["u01"])
        )
        request = segment_pb2.UpdateSegmentRequest(segment=update)
        request.update_mask.paths.append("users")
        stub().UpdateSegment(request, timeout=30)
        self.assertEqual(count(named), 1)

    def test_limits_of_lists(self):
        for users, field in (
            ([""], "segment.users.users[0]"),
            (["u", "x" * 513], "segment.users.users[1]"),
            (["u"] * 100_001, "segment.users.users"),
        ):
            segment = segment_pb2.Segment(users=segment_pb2.UserList(users=users))
            with self.assertRaises(grpc.RpcError) as caught:
                self.create("bad", segment)
            self.assertEqual(caught.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
            self.assertEqual(Details(caught.exception).fields, [field])
        most = segment_pb2.Segment(users=segment_pb2.UserList(users=["u01"] * 100_000))
        self.create("most", most)
        self.assertEqual(count(segment_rule_pb2.SegmentRule(segment=f"{PROJECT}/segments/most")), 1)

    def test_a_sequence_and_a_sum(self):
        rule = segment_rule_pb2.SegmentRule()
        sequence = rule.behavior.sequence
        sequence.steps.add(selector=shop.of_type("t1"))
        sequence.steps.add(selector=shop.of_type("t2"), adjacent=True, least_ms=0)
        sequence.steps.add(selector=shop.of_type("t3"), least_ms=0)
        sequence.within_ms = 5
        rule.behavior.comparison.operation = 6
        rule.behavior.comparison.value = 1
        rule.behavior.measure = segment_rule_pb2.BEHAVIOR_MEASURE_COUNT
        self.create("steps", segment_pb2.Segment(rule=rule))
        self.assertEqual(self.get("steps").rule, rule)
        self.assertEqual(count(rule), len(range(0, USERS, 6)))
        rule.behavior.selector.CopyFrom(shop.of_type("t1"))
        rule.behavior.measure = segment_rule_pb2.BEHAVIOR_MEASURE_PROPERTY_SUM
        rule.behavior.property = "price"
        self.create("spent", segment_pb2.Segment(rule=rule))
        self.assertEqual(self.get("spent").rule, rule)
        self.assertEqual(count(rule), 0)


class Overlap(unittest.TestCase):
    def ask(self, rules):
        request = segment_pb2.OverlapSegmentsRequest(scope=scope())
        for rule in rules:
            request.segments.add(rule=rule)
        return stub().OverlapSegments(request, timeout=30)

    def test_every_intersection(self):
        for names in (["t2"], ["t2", "t3"], ["t5", "t2", "t3", "t1", "t7"]):
            members = [
                {user for user in range(USERS) if name != "t7" and user % int(name[1:]) == 0}
                for name in names
            ]
            reply = self.ask(map(did, names))
            expected = []
            for size in range(1, len(names) + 1):
                for places in itertools.combinations(range(len(names)), size):
                    inside = set.intersection(*(members[place] for place in places))
                    others = set().union(
                        *(members[place] for place in range(len(names)) if place not in places)
                    )
                    expected.append((list(places), len(inside), len(inside - others)))
            found = [
                (list(one.segments), one.user_count, one.exclusive_user_count)
                for one in reply.overlaps
            ]
            self.assertEqual(found, expected)
            self.assertEqual(reply.scope_user_count, USERS)
            self.assertEqual(reply.none_count, USERS - len(set().union(*members)))

    def test_how_many(self):
        for rules in ([], [did("t1")] * 6):
            with self.assertRaises(grpc.RpcError) as caught:
                self.ask(rules)
            self.assertEqual(caught.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
            self.assertEqual(Details(caught.exception).fields, ["segments"])


if __name__ == "__main__":
    sys.exit(run_unittests(sys.modules[__name__]))
