#!/usr/bin/python3
"""Segments from outside: lists, sequences and sums as they are kept, overlaps, the users
behind numbers."""

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
    cell_pb2,
    definition_pb2,
    definition_pb2_grpc,
    ingest_pb2,
    ingest_pb2_grpc,
    predicate_pb2,
    project_pb2,
    project_pb2_grpc,
    property_pb2,
    property_pb2_grpc,
    query_pb2_grpc,
    scope_pb2,
    segment_pb2,
    segment_pb2_grpc,
    segment_rule_pb2,
    series_pb2,
    value_pb2,
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
    ingest_all(SERVER.channel, PROJECT, "rows", [ndjson(users())])


def users():
    """u00, u01, ... with an event of each type whose number divides their own."""
    return [
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


class Derived(unittest.TestCase):
    """Properties of users that come from others, in rules, saved and not: level is score div 10."""

    PROJECT = "projects/segments-derived"

    @classmethod
    def setUpClass(cls):
        project_pb2_grpc.ProjectServiceStub(SERVER.channel).CreateProject(
            project_pb2.CreateProjectRequest(project_id="segments-derived"), timeout=30)
        scores = {"d0": 3, "d1": 12, "d2": "17 points", "d3": 25, "d4": "none"}
        writes = [
            {"kind": "set", "user": user, "time": shop.START, "set": {"score": score}}
            for user, score in scores.items()
        ]
        writes.append({"kind": "set", "user": "d5", "time": shop.START, "set": {"plan": "free"}})
        # Of d0 the score changes later: what is derived is of the moment that is asked about.
        writes.append({"kind": "set", "user": "d0", "time": shop.START + 5, "set": {"score": 28}})
        ingest_all(SERVER.channel, cls.PROJECT, "derived", [ndjson(writes)])
        request = property_pb2.CreateDerivedPropertyRequest(
            parent=cls.PROJECT, derived_property_id="level")
        request.derived_property.property.user_property = "score"
        request.derived_property.steps.add().number.SetInParent()
        for operation, operand in (
            (property_pb2.ARITHMETIC_OPERATION_DIVIDE, 10),
            (property_pb2.ARITHMETIC_OPERATION_FLOOR, 1),
        ):
            step = request.derived_property.steps.add().arithmetic
            step.operation, step.operand = operation, operand
        stub = property_pb2_grpc.PropertyServiceStub(SERVER.channel)
        stub.CreateDerivedProperty(request, timeout=30)

    def rule(self, name="level", **leaf):
        rule = segment_rule_pb2.SegmentRule()
        rule.user_property.property.user_property = name
        for field, value in leaf.items():
            getattr(rule.user_property, field).CopyFrom(value)
        return rule

    def users(self, rule, as_of=shop.START + 10):
        request = segment_pb2.ListSegmentUsersRequest(scope=scope())
        request.scope.project = self.PROJECT
        request.scope.segment.rule.CopyFrom(rule)
        request.scope.as_of_ms = as_of
        return list(stub().ListSegmentUsers(request, timeout=30).users)

    def test_rules(self):
        one, two = (value_pb2.Value(int_value=number) for number in (1, 2))
        level_1 = self.rule(equals=one)
        self.assertEqual(self.users(level_1), ["d1", "d2"])
        self.assertEqual(self.users(self.rule(equals=two)), ["d0", "d3"])
        self.assertEqual(self.users(self.rule(equals=two), shop.START), ["d3"])
        is_set = self.rule(is_set=predicate_pb2.IsSet())
        self.assertEqual(self.users(is_set), ["d0", "d1", "d2", "d3"])
        is_set.user_property.negated = True
        self.assertEqual(self.users(is_set), ["d4", "d5"])  # No number, no score.
        # Saved, and in a saved one.
        for name, rule in (
            ("level-1", level_1),
            ("levels", segment_rule_pb2.SegmentRule(segment=f"{self.PROJECT}/segments/level-1")),
        ):
            request = segment_pb2.CreateSegmentRequest(
                parent=self.PROJECT, segment_id=name, segment=segment_pb2.Segment(rule=rule))
            stub().CreateSegment(request, timeout=30)
            saved = segment_rule_pb2.SegmentRule(segment=f"{self.PROJECT}/segments/{name}")
            self.assertEqual(self.users(saved), ["d1", "d2"])
        # It is in use.
        properties = property_pb2_grpc.PropertyServiceStub(SERVER.channel)
        delete = property_pb2.DeleteDerivedPropertyRequest(name=f"{self.PROJECT}/derivedProperties/level")
        with self.assertRaises(grpc.RpcError) as caught:
            properties.DeleteDerivedProperty(delete, timeout=30)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.ABORTED)
        self.assertIn("level-1", caught.exception.details())


class Versions(unittest.TestCase):
    """A version of a saved segment, wherever a segment is named."""

    PROJECT = "projects/versions"
    NAME = f"{PROJECT}/segments/changed"

    @classmethod
    def setUpClass(cls):
        project_pb2_grpc.ProjectServiceStub(SERVER.channel).CreateProject(
            project_pb2.CreateProjectRequest(project_id="versions"), timeout=30
        )
        ingest_all(SERVER.channel, cls.PROJECT, "rows", [ndjson(users())])
        request = segment_pb2.CreateSegmentRequest(parent=cls.PROJECT, segment_id="changed")
        request.segment.rule.CopyFrom(did("t2"))
        stub().CreateSegment(request, timeout=30)
        segment = segment_pb2.Segment(name=cls.NAME, rule=did("t3"))
        stub().UpdateSegment(segment_pb2.UpdateSegmentRequest(segment=segment), timeout=30)

    def scope(self):
        return scope_pb2.Scope(project=self.PROJECT)

    def count(self, rule):
        request = segment_pb2.CountSegmentRequest(scope=self.scope())
        request.scope.segment.rule.CopyFrom(rule)
        return stub().CountSegment(request, timeout=30).user_count

    def filter(self, version):
        return segment_rule_pb2.SegmentFilter(segment=self.NAME, segment_version=version)

    def rule(self, version):
        return segment_rule_pb2.SegmentRule(segment=self.NAME, segment_version=version)

    def refused(self, ask, field, code=grpc.StatusCode.NOT_FOUND):
        with self.assertRaises(grpc.RpcError) as caught:
            ask()
        details = Details(caught.exception)
        self.assertEqual((caught.exception.code(), details.fields), (code, [field]), str(details))
        if code == grpc.StatusCode.NOT_FOUND:
            self.assertIn("version 3 of \"changed\" is not kept", details.message)
            self.assertEqual(details.resource, self.NAME)

    def uses(self, reply):
        return [(one.name, one.version) for one in reply.info.segments]

    def test_scope(self):
        for version, expected in ((0, 14), (1, 20), (2, 14)):
            request = segment_pb2.CountSegmentRequest(scope=self.scope())
            request.scope.segment.CopyFrom(self.filter(version))
            reply = stub().CountSegment(request, timeout=30)
            self.assertEqual(reply.user_count, expected)
            self.assertEqual(self.uses(reply), [(self.NAME, version or 2)])
            self.assertEqual(self.count(self.rule(version)), expected)
            request = segment_pb2.ListSegmentUsersRequest(scope=request.scope)
            self.assertEqual(len(stub().ListSegmentUsers(request, timeout=30).users), expected)
        request.scope.segment.segment_version = 3
        self.refused(lambda: stub().ListSegmentUsers(request, timeout=30),
                     "scope.segment.segment_version")
        self.refused(lambda: self.count(self.rule(3)), "scope.segment.rule.segment_version")
        both = segment_rule_pb2.SegmentRule()
        both.all_of.rules.extend([self.rule(1), self.rule(0)])
        self.assertEqual(self.count(both), 7)
        both.all_of.rules.append(self.rule(3))
        self.refused(lambda: self.count(both), "scope.segment.rule.all_of[2].segment_version")
        invalid = grpc.StatusCode.INVALID_ARGUMENT
        rule = did("t2")
        rule.segment_version = 1
        self.refused(lambda: self.count(rule), "scope.segment.rule.segment_version", invalid)
        request.scope.segment.rule.CopyFrom(did("t2"))
        self.refused(lambda: stub().ListSegmentUsers(request, timeout=30),
                     "scope.segment.segment_version", invalid)

    def test_overlap(self):
        request = segment_pb2.OverlapSegmentsRequest(scope=self.scope())
        request.segments.extend([self.filter(1), self.filter(0)])
        reply = stub().OverlapSegments(request, timeout=30)
        self.assertEqual([one.user_count for one in reply.overlaps], [20, 14, 7])
        self.assertEqual(self.uses(reply), [(self.NAME, 1), (self.NAME, 2)])
        request.segments.append(self.filter(3))
        self.refused(lambda: stub().OverlapSegments(request, timeout=30),
                     "segments[2].segment_version")

    def test_breakdown(self):
        queries = query_pb2_grpc.QueryServiceStub(SERVER.channel)
        request = series_pb2.SeriesRequest(scope=self.scope())
        request.scope.range.start_ms = shop.START
        request.scope.range.end_ms = shop.START + shop.DAY
        request.series.add(measure=series_pb2.SERIES_MEASURE_UNIQUE_USERS).selector.CopyFrom(
            shop.of_type("t1"))
        segments = request.breakdown.dimensions.add().segments.segments
        segments.extend([self.filter(1), self.filter(0)])
        reply = queries.Series(request, timeout=30)
        rows = {row.label.values[0].segment: row.total
                for row in reply.series[0].rows if row.label.values}
        self.assertEqual(rows, {f"{self.NAME}@1": 20, self.NAME: 14, "": 13})
        self.assertEqual(self.uses(reply), [(self.NAME, 1), (self.NAME, 2)])
        # The handle holds the version with the question.
        cell = segment_rule_pb2.SegmentRule()
        cell.cell.handle = reply.info.cell_handle
        cell.cell.series.series = 0
        self.assertEqual(self.count(cell), 20)
        segments.append(self.filter(3))
        self.refused(lambda: queries.Series(request, timeout=30),
                     "breakdown.dimensions[0].segments.segments[2].segment_version")

    def test_in_a_saved_rule(self):
        segment = segment_pb2.Segment()
        segment.rule.negation.CopyFrom(self.rule(1))
        request = segment_pb2.CreateSegmentRequest(
            parent=self.PROJECT, segment_id="of-a-version", segment=segment)
        self.assertEqual(stub().CreateSegment(request, timeout=30).segment.rule, segment.rule)
        named = segment_rule_pb2.SegmentRule(segment=f"{self.PROJECT}/segments/of-a-version")
        for restart in (None, "kill", "stop"):
            if restart is not None:
                getattr(SERVER, restart)()
                SERVER.start()
            name = f"{self.PROJECT}/segments/of-a-version"
            kept = stub().GetSegment(segment_pb2.GetSegmentRequest(name=name), timeout=30).segment
            self.assertEqual(kept.rule, segment.rule)
            self.assertEqual(self.count(named), 20)
        # What names it keeps it, and one that is not there is not saved.
        with self.assertRaises(grpc.RpcError) as caught:
            stub().DeleteSegment(segment_pb2.DeleteSegmentRequest(name=self.NAME), timeout=30)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.ABORTED)
        request.segment_id = "of-no-version"
        request.segment.rule.negation.segment_version = 3
        with self.assertRaises(grpc.RpcError) as caught:
            stub().CreateSegment(request, timeout=30)
        details = Details(caught.exception)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.NOT_FOUND)
        self.assertIn("version 3 of \"changed\" is not kept", details.message)


class Overlap(unittest.TestCase):
    def ask(self, rules):
        request = segment_pb2.OverlapSegmentsRequest(scope=scope())
        # Not the late users of another test.
        request.scope.as_of_ms = shop.START + USERS
        request.scope.segment.rule.user_property.property.user_property = "late"
        request.scope.segment.rule.user_property.is_set.SetInParent()
        request.scope.segment.rule.user_property.negated = True
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


class Cells(unittest.TestCase):
    """The users behind numbers; that they are as many as it says is asserted by the oracle."""

    def series(self, **scope_fields):
        request = shop.series(PROJECT)
        request.scope.CopyFrom(shop.scope(PROJECT, shop.START + 30 * shop.DAY))
        request.ClearField("breakdown")
        del request.series[:]
        request.series.add(
            selector=shop.of_type("t3"), measure=series_pb2.SERIES_MEASURE_UNIQUE_USERS
        )
        request.series.add(selector=shop.of_type("t5"))
        for name, value in scope_fields.items():
            setattr(request.scope, name, value)
        return request

    def ask(self, request):
        return query_pb2_grpc.QueryServiceStub(SERVER.channel).Series(request, timeout=30)

    def cell(self, handle, series=0):
        return cell_pb2.Cell(handle=handle, series=cell_pb2.SeriesCell(series=series))

    def count(self, cell):
        return count(segment_rule_pb2.SegmentRule(cell=cell))

    def refused(self, cell, code, field):
        with self.assertRaises(grpc.RpcError) as caught:
            self.count(cell)
        self.assertEqual(caught.exception.code(), code)
        (found,) = Details(caught.exception).fields
        self.assertTrue(found.startswith("scope.segment.") and found.endswith("cell" + field), found)

    def test_as_a_filter(self):
        reply = self.ask(self.series())
        handle = reply.info.cell_handle
        threes = len(range(0, USERS, 3))
        self.assertEqual(reply.series[0].rows[-1].total, threes)
        self.assertEqual(self.count(self.cell(handle)), threes)
        # Behind a number of events are the users who have one.
        self.assertEqual(self.count(self.cell(handle, 1)), len(range(0, USERS, 5)))
        request = self.series()
        request.scope.segment.rule.cell.CopyFrom(self.cell(handle, 1))
        filtered = self.ask(request)
        self.assertEqual(filtered.series[0].rows[-1].total, len(range(0, USERS, 15)))
        # A handle in a handle.
        inner = self.cell(filtered.info.cell_handle)
        self.assertEqual(self.count(inner), len(range(0, USERS, 15)))

    def test_deep_handles(self):
        cell = self.cell(self.ask(self.series()).info.cell_handle)
        for _ in range(2):
            request = self.series()
            request.scope.segment.rule.cell.CopyFrom(cell)
            cell = self.cell(self.ask(request).info.cell_handle)
        request = self.series()
        request.scope.segment.rule.cell.CopyFrom(cell)
        cell = self.cell(self.ask(request).info.cell_handle)
        with self.assertRaises(grpc.RpcError) as caught:
            self.count(cell)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)

    def test_what_is_no_cell(self):
        invalid = grpc.StatusCode.INVALID_ARGUMENT
        handle = self.ask(self.series()).info.cell_handle
        for bad in ("", "x", handle[:-4], handle[:8] + handle[9:], "*" * 40):
            self.refused(self.cell(bad), invalid, ".handle")
        self.refused(cell_pb2.Cell(handle=handle), invalid, ".place")
        lifecycle = cell_pb2.Cell(handle=handle, lifecycle=cell_pb2.LifecycleCell(state=1))
        self.refused(lifecycle, invalid, ".place")
        self.refused(self.cell(handle, 2), invalid, ".series")
        row = self.cell(handle)
        row.row = 1
        self.refused(row, invalid, ".row")
        bucket = self.cell(handle)
        bucket.series.bucket = 10_000
        self.refused(bucket, invalid, ".bucket")
        project_pb2_grpc.ProjectServiceStub(SERVER.channel).CreateProject(
            project_pb2.CreateProjectRequest(project_id="other"), timeout=30
        )
        request = self.series()
        request.scope.project = "projects/other"
        self.refused(self.cell(self.ask(request).info.cell_handle), invalid, ".handle")

    def test_late_events(self):
        request = self.series()
        dimension = request.breakdown.dimensions.add()
        dimension.property.event_property = "type"
        handle = self.ask(request).info.cell_handle
        before = self.count(self.cell(handle))

        def arrive(name, time):
            row = {
                "kind": "event",
                "user": f"late-{name}",
                "time": time,
                "id": name,
                "properties": {"type": "t3", "odd": name},
            }
            late = {"kind": "set", "user": row["user"], "time": shop.START, "set": {"late": True}}
            ingest_all(SERVER.channel, PROJECT, name, [ndjson([row, late])])

        # After as_of: nobody sees it. Before it, and into a row that was there: it is counted.
        arrive("after", shop.START + 31 * shop.DAY)
        self.assertEqual(self.count(self.cell(handle)), before)
        arrive("before", shop.START + 1)
        self.assertEqual(self.count(self.cell(handle)), before + 1)
        # A row that was not there moves the others.
        request = self.series()
        dimension = request.breakdown.dimensions.add()
        dimension.property.event_property = "odd"
        handle = self.ask(request).info.cell_handle
        arrive("again", shop.START + 2)
        self.refused(self.cell(handle), grpc.StatusCode.ABORTED, ".handle")


class SavedCells(unittest.TestCase):
    """The users behind numbers, by name: of the question that was asked, as long as it is kept."""

    PROJECT = "projects/segments-cells"

    @classmethod
    def setUpClass(cls):
        cls.project = project_pb2_grpc.ProjectServiceStub(SERVER.channel)
        cls.project.CreateProject(
            project_pb2.CreateProjectRequest(project_id=cls.PROJECT.split("/")[1]), timeout=30)
        rows = [
            {"kind": "event", "user": f"u{user:02}", "time": shop.START + user,
             "id": f"{user}/{divisor}", "properties": {"type": f"t{divisor}", "price": user}}
            for user in range(USERS) for divisor in (1, 2, 3, 5) if user % divisor == 0
        ]
        ingest_all(SERVER.channel, cls.PROJECT, "rows", [ndjson(rows)])
        definitions = definition_pb2_grpc.DefinitionServiceStub(SERVER.channel)
        request = definition_pb2.CreateDefinitionRequest(parent=cls.PROJECT, definition_id="three")
        request.definition.predicate.CopyFrom(shop.of_type("t3").terms[0].predicate)
        definitions.CreateDefinition(request, timeout=30)
        request = property_pb2.CreateDerivedPropertyRequest(
            parent=cls.PROJECT, derived_property_id="tens")
        request.derived_property.property.event_property = "price"
        step = request.derived_property.steps.add().arithmetic
        step.operation, step.operand = property_pb2.ARITHMETIC_OPERATION_DIVIDE, 10
        property_pb2_grpc.PropertyServiceStub(SERVER.channel).CreateDerivedProperty(
            request, timeout=30)

    def save(self, name, rule, update=False):
        segment = segment_pb2.Segment(rule=rule)
        if update:
            segment.name = f"{self.PROJECT}/segments/{name}"
            return stub().UpdateSegment(
                segment_pb2.UpdateSegmentRequest(segment=segment), timeout=30).segment
        return stub().CreateSegment(
            segment_pb2.CreateSegmentRequest(
                parent=self.PROJECT, segment_id=name, segment=segment), timeout=30).segment

    def saved(self, name):
        return segment_rule_pb2.SegmentRule(segment=f"{self.PROJECT}/segments/{name}")

    def users(self, rule, as_of=None):
        request = segment_pb2.ListSegmentUsersRequest()
        request.scope.project = self.PROJECT
        request.scope.segment.rule.CopyFrom(rule)
        if as_of is not None:
            request.scope.as_of_ms = as_of
        return list(stub().ListSegmentUsers(request, timeout=30).users)

    def names(self, divisor):
        return [f"u{user:02}" for user in range(0, USERS, divisor)]

    def cell(self, definition="three", among=None, by=None):
        """Who did what a definition says, in the total row; of a segment; with rows (by a property
        of events, or by the key and the name of one of accounts).
        """
        request = shop.series(self.PROJECT)
        request.scope.CopyFrom(shop.scope(self.PROJECT, shop.START + 30 * shop.DAY))
        request.ClearField("breakdown")
        del request.series[:]
        request.series.add(measure=series_pb2.SERIES_MEASURE_UNIQUE_USERS).selector.terms.add(
            definition=f"{self.PROJECT}/definitions/{definition}")
        if among is not None:
            request.scope.segment.rule.CopyFrom(among)
        if isinstance(by, tuple):
            account = request.breakdown.dimensions.add().property.account_property
            account.account_key, account.name = by
        elif by is not None:
            request.breakdown.dimensions.add().property.event_property = by
        reply = query_pb2_grpc.QueryServiceStub(SERVER.channel).Series(request, timeout=30)
        rule = segment_rule_pb2.SegmentRule()
        rule.cell.handle = reply.info.cell_handle
        rule.cell.row = len(reply.series[0].rows) - 1
        rule.cell.series.SetInParent()
        return rule

    def refused(self, code, call, *arguments):
        with self.assertRaises(grpc.RpcError) as caught:
            call(*arguments)
        self.assertEqual(caught.exception.code(), code, caught.exception.details())
        return Details(caught.exception)

    def delete_definition(self, name):
        definition_pb2_grpc.DefinitionServiceStub(SERVER.channel).DeleteDefinition(
            definition_pb2.DeleteDefinitionRequest(name=f"{self.PROJECT}/definitions/{name}"),
            timeout=30)

    def delete(self, name):
        stub().DeleteSegment(
            segment_pb2.DeleteSegmentRequest(name=f"{self.PROJECT}/segments/{name}"), timeout=30)

    def test_is_kept(self):
        rule = self.cell()
        self.assertEqual(self.save("kept", rule).rule, rule)
        two = segment_rule_pb2.SegmentRule()
        two.all_of.rules.append(rule)
        two.all_of.rules.append(did("t2"))
        two = self.save("kept", two, update=True).rule
        self.assertEqual(two.all_of.rules[0], rule)
        for restart in (None, "kill", "stop"):
            if restart == "kill":
                SERVER.kill()
            elif restart == "stop":
                SERVER.stop()
            if restart:
                SERVER.start()
            name = f"{self.PROJECT}/segments/kept"
            for version, expected in ((0, two), (1, rule), (2, two)):
                request = segment_pb2.GetSegmentRequest(name=name, version=version)
                self.assertEqual(stub().GetSegment(request, timeout=30).segment.rule, expected)
            self.assertEqual(self.users(self.saved("kept")), self.names(6))
            request = segment_pb2.ExportSegmentRequest(segment_version=1)
            request.scope.project, request.scope.segment.segment = self.PROJECT, name
            (piece,) = stub().ExportSegment(request, timeout=30)
            self.assertEqual([one.user for one in piece.users], self.names(3))
            self.assertEqual([one.name for one in piece.info.definitions],
                             [f"{self.PROJECT}/definitions/three"])

    def test_its_moment_is_its_own(self):
        """A cell looks at its own moment, but nobody is listed who is not known yet."""
        self.save("moment", self.cell())
        self.assertEqual(self.users(self.saved("moment"), shop.START + 10 * shop.DAY), self.names(3))
        early = self.users(self.saved("moment"), shop.START + 10)
        self.assertEqual(early, [name for name in self.names(3) if int(name[1:]) <= 10])

    def test_what_it_names_is_in_use(self):
        self.save("fives", did("t5"))
        self.save("three-of-five", self.cell(among=self.saved("fives"), by="tens"))
        self.assertEqual(self.users(self.saved("three-of-five")), self.names(15))
        aborted = grpc.StatusCode.ABORTED
        self.assertIn("use", self.refused(aborted, self.delete_definition, "three").message)
        self.assertIn("three-of-five", self.refused(aborted, self.delete, "fives").message)
        delete = property_pb2.DeleteDerivedPropertyRequest(
            name=f"{self.PROJECT}/derivedProperties/tens")
        stub_of = property_pb2_grpc.PropertyServiceStub(SERVER.channel)
        self.assertIn("three-of-five", self.refused(
            aborted, lambda: stub_of.DeleteDerivedProperty(delete, timeout=30)).message)
        # A cell in the handle of a cell names its names too.
        self.save("deep", self.cell(among=self.saved("three-of-five")))
        inner = self.cell(among=self.cell(among=self.saved("fives")))
        self.save("inlined", inner)
        self.assertEqual(self.users(self.saved("inlined")), self.names(15))
        self.assertEqual(self.users(self.saved("deep")), self.names(15))
        self.delete("deep")
        self.delete("three-of-five")
        self.assertIn("inlined", self.refused(aborted, self.delete, "fives").message)
        # No way back.
        circle = self.refused(
            grpc.StatusCode.INVALID_ARGUMENT, self.save, "fives",
            self.cell(among=self.saved("inlined")), True)
        self.assertIn("inlined -> fives -> inlined", circle.message)
        self.delete("inlined")
        self.delete("fives")

    def test_what_it_names_went_by_force(self):
        self.save("sixes", did("t3"))
        self.save("of-sixes", self.cell(among=self.saved("sixes")))
        users = self.users(self.saved("of-sixes"))
        stub().DeleteSegment(segment_pb2.DeleteSegmentRequest(
            name=f"{self.PROJECT}/segments/sixes", force=True), timeout=30)
        gone = self.refused(grpc.StatusCode.NOT_FOUND, self.users, self.saved("of-sixes"))
        self.assertIn('"sixes"', gone.message)
        self.save("sixes", did("t3"))
        self.assertEqual(self.users(self.saved("of-sixes")), users)
        self.delete("of-sixes")
        self.delete("sixes")

    def test_derived_ones_of_accounts_are_in_use(self):
        """The name of an account's property is a field of its own."""
        request = property_pb2.CreateDerivedPropertyRequest(
            parent=self.PROJECT, derived_property_id="tier")
        account = request.derived_property.property.account_property
        account.account_key, account.name = "type", "plan"
        request.derived_property.steps.add().lower_case.SetInParent()
        properties = property_pb2_grpc.PropertyServiceStub(SERVER.channel)
        properties.CreateDerivedProperty(request, timeout=30)
        self.save("by-tier", self.cell(by=("type", "tier")))
        delete = property_pb2.DeleteDerivedPropertyRequest(
            name=f"{self.PROJECT}/derivedProperties/tier")
        self.assertIn("by-tier", self.refused(
            grpc.StatusCode.ABORTED,
            lambda: properties.DeleteDerivedProperty(delete, timeout=30)).message)
        self.delete("by-tier")
        properties.DeleteDerivedProperty(delete, timeout=30)

    def test_what_is_gone(self):
        """A handle whose names went, and one of another project, are not saved."""
        self.save("short", did("t2"))
        rule = self.cell(among=self.saved("short"))
        self.delete("short")
        gone = self.refused(grpc.StatusCode.NOT_FOUND, self.save, "of-gone", rule)
        self.assertIn("short", gone.message)
        invalid = grpc.StatusCode.INVALID_ARGUMENT
        rule = self.cell()
        rule.cell.handle = rule.cell.handle[:-4]
        self.assertEqual(self.refused(invalid, self.save, "of-broken", rule).fields,
                         ["segment.rule.cell.handle"])
        rule = self.cell()
        rule.cell.ClearField("place")
        self.assertEqual(self.refused(invalid, self.save, "of-nowhere", rule).fields,
                         ["segment.rule.cell.place"])

    def test_late_rows(self):
        """When the answer has other rows by now, the segment says so until it is saved anew."""
        self.save("rows", self.cell(by="odd"))
        self.assertEqual(self.users(self.saved("rows")), self.names(3))
        late = {"kind": "event", "user": "u99", "time": shop.START, "id": "late",
                "properties": {"type": "t3", "odd": 1}}
        ingest_all(SERVER.channel, self.PROJECT, "late", [ndjson([late])])
        details = self.refused(grpc.StatusCode.ABORTED, self.users, self.saved("rows"))
        self.assertIn("other rows", details.message)
        self.save("rows", self.cell(by="odd"), update=True)
        self.assertEqual(self.users(self.saved("rows")), self.names(3) + ["u99"])
        delete = ingest_pb2.DeleteUserRequest(parent=self.PROJECT, user="u99")
        ingest_pb2_grpc.IngestServiceStub(SERVER.channel).DeleteUser(delete, timeout=30)


if __name__ == "__main__":
    sys.exit(run_unittests(sys.modules[__name__]))
