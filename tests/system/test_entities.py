#!/usr/bin/python3
"""Entities from outside: pages that survive arrivals, whose handles go where; that as many are behind
a number as it says is asserted by the oracle."""

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
    entity_list_pb2,
    project_pb2,
    project_pb2_grpc,
    query_pb2_grpc,
    scope_pb2,
    segment_pb2,
    segment_pb2_grpc,
    segment_rule_pb2,
    series_pb2,
)

PROJECT = "projects/entities"
INVALID = grpc.StatusCode.INVALID_ARGUMENT
SERVER = None


def setUpModule():
    global SERVER
    SERVER = Server(OPTIONS.server).start()
    project_pb2_grpc.ProjectServiceStub(SERVER.channel).CreateProject(
        project_pb2.CreateProjectRequest(project_id="entities"), timeout=30
    )
    ingest_all(SERVER.channel, PROJECT, "rows", [ndjson([event(user, user % 7) for user in range(20)])])


def tearDownModule():
    SERVER.stop()


def event(user, org, **properties):
    return {
        "kind": "event",
        "user": f"u{user}",
        "time": shop.START + user,
        "id": f"{user}/{org}",
        "properties": {"org": org, "type": f"t{user % 2}"} | properties,
    }


def queries():
    return query_pb2_grpc.QueryServiceStub(SERVER.channel)


class Entities(unittest.TestCase):
    def series(self, entity="org", by=None):
        request = series_pb2.SeriesRequest(scope=shop.scope(PROJECT, shop.START + 30 * shop.DAY))
        request.scope.entity_property = entity
        request.series.add(selector=shop.of_type("t1"), measure=series_pb2.SERIES_MEASURE_UNIQUE_USERS)
        if by is not None:
            request.breakdown.dimensions.add().property.event_property = by
        return queries().Series(request, timeout=30)

    def cell(self, reply):
        return cell_pb2.Cell(handle=reply.info.cell_handle, series=cell_pb2.SeriesCell())

    def list(self, **fields):
        scope = scope_pb2.Scope(project=PROJECT, entity_property="org")
        return queries().ListEntities(
            entity_list_pb2.ListEntitiesRequest(scope=scope, **fields), timeout=30
        )

    def refused(self, code, field, call):
        with self.assertRaises(grpc.RpcError) as caught:
            call()
        self.assertEqual(caught.exception.code(), code, caught.exception.details())
        self.assertEqual(Details(caught.exception).fields, [field])

    def test_behind_a_number(self):
        reply = self.series()
        found = self.list(cell=self.cell(reply))
        self.assertEqual(found.entity_count, reply.series[0].rows[-1].total)
        self.assertEqual([one.entity.int_value for one in found.entities], list(range(7)))
        # Those that are behind it are listed whatever counts: of t0 the organisations have others.
        counted = self.list(cell=self.cell(reply), selector=shop.of_type("t0"))
        self.assertEqual(len(counted.entities), 7)
        self.assertEqual(sum(one.event_count for one in counted.entities), 10)

    def test_whose_handle_goes_where(self):
        of_orgs, of_users = self.series(), self.series(entity="")
        rule = segment_rule_pb2.SegmentRule(cell=self.cell(of_orgs))
        scope = scope_pb2.Scope(project=PROJECT)
        scope.segment.rule.CopyFrom(rule)
        segments = segment_pb2_grpc.SegmentServiceStub(SERVER.channel)
        self.refused(INVALID, "scope.segment.rule.cell.handle", lambda: segments.CountSegment(
            segment_pb2.CountSegmentRequest(scope=scope), timeout=30))
        saved = segment_pb2.CreateSegmentRequest(
            parent=PROJECT, segment_id="orgs", segment=segment_pb2.Segment(rule=rule))
        self.refused(INVALID, "segment.rule.cell.handle", lambda: segments.CreateSegment(saved, timeout=30))
        for reply in (of_users, self.series(entity="type")):
            self.refused(INVALID, "cell.handle", lambda reply=reply: self.list(cell=self.cell(reply)))
        beyond = self.cell(of_orgs)
        beyond.row = 1
        self.refused(INVALID, "cell.row", lambda: self.list(cell=beyond))

    def test_pages_survive_arrivals(self):
        first = self.list(page_size=3)
        self.assertEqual([one.entity.int_value for one in first.entities], [0, 1, 2])
        other = {"selector": shop.of_type("t1"), "page_token": first.next_page_token}
        self.refused(INVALID, "page_token", lambda: self.list(**other))
        rows = [event(50, 1.5), event(51, 4.5), event(52, 2), event(53, "x"), event(54, True)]
        ingest_all(SERVER.channel, PROJECT, "more", [ndjson(rows)])
        second = self.list(page_size=3, page_token=first.next_page_token)
        third = self.list(page_size=9, page_token=second.next_page_token)
        found = [one.entity for one in [*second.entities, *third.entities]]
        self.assertEqual([one.WhichOneof("kind") for one in found][-1], "string_value")
        numbers = [one.int_value or one.double_value for one in found[:-1]]
        self.assertEqual(numbers, [3, 4, 4.5, 5, 6])
        self.assertEqual(third.next_page_token, "")

    def test_late_events(self):
        reply = self.series(by="odd")
        ingest_all(SERVER.channel, PROJECT, "late", [ndjson([event(61, 3, odd="o", type="t1")])])
        self.refused(grpc.StatusCode.ABORTED, "cell.handle", lambda: self.list(cell=self.cell(reply)))


if __name__ == "__main__":
    sys.exit(run_unittests(sys.modules[__name__]))
