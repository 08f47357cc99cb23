#!/usr/bin/python3
"""All entities of a list as a stream: the same as the pages, of one moment whatever happens beside
it, whoever reads slowly or not at all."""

import json
import os
import subprocess
import sys
import time
import unittest

from harness import Details, options, run_unittests

OPTIONS = options(__doc__)

import grpc

import exports
import shop
from columnar import ndjson
from ingest import ingest_all
from server import Server
from recount.v1 import (
    cell_pb2,
    entity_list_pb2,
    ingest_pb2,
    ingest_pb2_grpc,
    project_pb2,
    project_pb2_grpc,
    query_pb2_grpc,
    scope_pb2,
    series_pb2,
)

PROJECT = "projects/exported"
SERVER = None
ENTITIES = 3000
NOTE = "x" * 2000  # So that the export is of more than twenty pieces.
INVALID = grpc.StatusCode.INVALID_ARGUMENT
TRUE = {"kind": "event", "user": "u0", "time": shop.START, "id": "true",
        "properties": {"type": "t0", "session": True}}


def setUpModule():
    global SERVER
    # Most sessions are texts of slabs, whose dictionary holds few; the rest are numbers and booleans.
    SERVER = Server(OPTIONS.server, {"workers": 2, "dictionary-entries-max": 50}).start()
    fill(PROJECT)
    # What was a head is slabs from here on, and an event that is sent again is in a new head.
    if SERVER.stop() != 0:
        raise RuntimeError("recountd did not end well")
    SERVER.start()
    ingest_all(SERVER.channel, PROJECT, "again", [ndjson([TRUE])])


def session(number):
    return number / 2 if number % 3 == 0 else f"s{number:05}"


def fill(project):
    project_pb2_grpc.ProjectServiceStub(SERVER.channel).CreateProject(
        project_pb2.CreateProjectRequest(project_id=project.split("/")[1]), timeout=30
    )
    rows = []
    for number in range(ENTITIES):
        note = {"note": f"{NOTE}{number}", "even": number % 2 == 0}
        name = str(session(number))
        rows.append({"kind": "account", "key": "session", "account": name, "time": shop.START, "set": note})
        for event in range(number % 3 + 1):
            rows.append({
                "kind": "event", "user": f"u{number % 7}", "time": shop.START + number + event,
                "id": f"{number}/{event}",
                "properties": {"type": f"t{event}", "session": session(number)},
            })
    rows.append(TRUE)
    for begin in range(0, len(rows), 2000):
        ingest_all(SERVER.channel, project, f"rows-{begin}", [ndjson(rows[begin:begin + 2000])])


def tearDownModule():
    status = SERVER.stop()
    SERVER.close()
    if status != 0:
        raise RuntimeError(f"recountd ended with {status}")


def queries(channel=None):
    return query_pb2_grpc.QueryServiceStub(channel or SERVER.channel)


def request(project=PROJECT, **more):
    scope = scope_pb2.Scope(project=project, entity_property="session")
    return entity_list_pb2.ExportEntitiesRequest(scope=scope, **more)


def export(asked, channel=None):
    return list(queries(channel).ExportEntities(asked, timeout=60))


def entities_of(pieces):
    return [entity for piece in pieces for entity in piece.entities]


def listed(asked, as_of_ms):
    """All pages of ListEntities for the same."""
    pages = entity_list_pb2.ListEntitiesRequest(page_size=700)
    for field, value in asked.ListFields():
        if field.name == "properties":
            pages.properties.extend(value)
        else:
            getattr(pages, field.name).CopyFrom(value)
    pages.scope.as_of_ms = as_of_ms
    entities = []
    while True:
        reply = queries().ListEntities(pages, timeout=60)
        entities += reply.entities
        pages.page_token = reply.next_page_token
        if not pages.page_token:
            return entities


class Whole(unittest.TestCase):
    def test_all_in_pieces(self):
        pieces = export(request())
        self.assertGreater(len(pieces), 20)
        exports.check_pieces(self, pieces)
        self.assertEqual(list(pieces[0].property_names), ["even", "note"])
        self.assertEqual([piece.entity_count for piece in pieces],
                         [ENTITIES + 1] + [0] * (len(pieces) - 1))
        entities = entities_of(pieces)
        self.assertEqual(len(entities), ENTITIES + 1)
        self.assertTrue(entities[0].entity.bool_value)
        numbers = [one.entity.int_value or one.entity.double_value for one in entities[1:1001]]
        self.assertEqual(numbers, [number / 2 for number in range(0, ENTITIES, 3)])
        texts = [one.entity.string_value for one in entities[1001:]]
        self.assertEqual(texts, [f"s{number:05}" for number in range(ENTITIES) if number % 3])
        self.assertEqual(entities, listed(request(), pieces[0].info.as_of_ms))

    def test_some_in_a_range(self):
        asked = request(properties=["even", "nothing"])
        asked.scope.range.start_ms, asked.scope.range.end_ms = shop.START, shop.START + 100
        asked.selector.CopyFrom(shop.of_type("t1"))
        pieces = export(asked)
        self.assertEqual(list(pieces[0].property_names), ["even", "nothing"])
        self.assertEqual(pieces[0].info.range, asked.scope.range)
        names = [one.entity.string_value for one in entities_of(pieces)]
        self.assertEqual(names, [f"s{number:05}" for number in range(99) if number % 3])
        self.assertEqual(entities_of(pieces), listed(asked, pieces[0].info.as_of_ms))

    def test_behind_a_number(self):
        scope = shop.scope(PROJECT, shop.START + shop.DAY)
        scope.entity_property = "session"
        asked = series_pb2.SeriesRequest(scope=scope)
        asked.series.add(selector=shop.of_type("t2"), measure=series_pb2.SERIES_MEASURE_UNIQUE_USERS)
        reply = queries().Series(asked, timeout=60)
        cell = cell_pb2.Cell(handle=reply.info.cell_handle, series=cell_pb2.SeriesCell())
        pieces = export(request(cell=cell, properties=["even"]))
        self.assertEqual(pieces[0].entity_count, reply.series[0].rows[-1].total)
        self.assertEqual(pieces[0].entity_count, ENTITIES / 3)
        self.assertEqual(entities_of(pieces), listed(request(cell=cell, properties=["even"]),
                                                     pieces[0].info.as_of_ms))
        cell.row = 7
        self.refused(request(cell=cell), INVALID, "cell.row")

    def test_nothing(self):
        asked = request()
        asked.scope.entity_property = "absent"
        (piece,) = export(asked)
        self.assertTrue(piece.HasField("info"))
        self.assertEqual((piece.entity_count, len(piece.entities)), (0, 0))

    def refused(self, asked, code, field):
        with self.assertRaises(grpc.RpcError) as caught:
            export(asked)
        details = Details(caught.exception)
        self.assertEqual(caught.exception.code(), code, str(details))
        if field:
            self.assertEqual(details.fields, [field], str(details))

    def test_what_is_refused(self):
        self.refused(entity_list_pb2.ExportEntitiesRequest(), INVALID, "scope")
        asked = request()
        asked.scope.entity_property = ""
        self.refused(asked, INVALID, "scope.entity_property")
        asked = request()
        asked.scope.project = "projects/nothing"
        self.refused(asked, grpc.StatusCode.NOT_FOUND, None)
        self.refused(request(cell=cell_pb2.Cell(handle="x")), INVALID, "cell.handle")
        asked = request()
        asked.scope.hints.feed = scope_pb2.FEED_HINT_ROWS
        asked.scope.segment.rule.all_of.SetInParent()
        self.refused(asked, INVALID, "scope.hints.feed")

    def test_rows_and_events(self):
        """Rows of slabs and hits of heads give what hits alone give, in a range that cuts slabs too."""
        for cut in (False, True):
            asked = request(properties=["even"])
            if cut:
                asked.scope.range.start_ms, asked.scope.range.end_ms = shop.START + 40, shop.START + 900
            found = []
            for feed in (scope_pb2.FEED_HINT_EVENTS, scope_pb2.FEED_HINT_ROWS):
                asked.scope.hints.feed = feed
                found.append(entities_of(export(asked)))
            self.assertEqual(*found)
            self.assertEqual(len(found[0]), 861 if cut else ENTITIES + 1)


class Slow(unittest.TestCase):
    def until_nothing_is_held(self, idle):
        exports.until_nothing_is_held(self, SERVER, PROJECT, idle)

    def test_many_who_do_not_read(self):
        """More calls than workers are open and not read: others are answered all the same."""
        channels = [exports.slow_channel(SERVER) for _ in range(6)]
        calls = [queries(channel).ExportEntities(request(), timeout=120) for channel in channels]
        begun = [next(call) for call in calls]
        for _ in range(5):
            self.assertEqual(len(listed(request(properties=["even"]), begun[0].info.as_of_ms)),
                             ENTITIES + 1)
        for first, call in zip(begun, calls):
            self.assertEqual(len(entities_of([first, *call])), ENTITIES + 1)
        for channel in channels:
            channel.close()

    def test_what_happens_beside_it(self):
        channel, project = exports.slow_channel(SERVER), "projects/beside"
        fill(project)
        before = entities_of(export(request(project)))
        call = queries(channel).ExportEntities(request(project), timeout=120)
        pieces = [next(call)]
        rows = [{"kind": "account", "key": "session", "account": str(session(number)),
                 "time": shop.START + 5, "set": {"note": "new"}} for number in range(ENTITIES)]
        rows += [{"kind": "event", "user": "late", "time": shop.START, "id": f"late/{n}",
                  "properties": {"session": f"t{n:05}"}} for n in range(100)]
        ingest_all(SERVER.channel, project, "beside", [ndjson(rows)])
        users = ingest_pb2_grpc.IngestServiceStub(SERVER.channel)
        users.DeleteUser(ingest_pb2.DeleteUserRequest(parent=project, user="u3"), timeout=30)
        self.assertEqual(entities_of([*pieces, *call]), before)
        after = entities_of(export(request(project, properties=["note"])))
        self.assertEqual(len(after), len(before) - len(range(3, ENTITIES, 7)) + 100)
        channel.close()

    def test_cancelled(self):
        channel, idle = exports.slow_channel(SERVER), exports.query_bytes(SERVER, PROJECT)
        for read in (0, 1, 3):
            call = queries(channel).ExportEntities(request(), timeout=120)
            for _ in range(read):
                next(call)
            call.cancel()
            with self.assertRaises(grpc.RpcError) as caught:
                list(call)
            self.assertEqual(caught.exception.code(), grpc.StatusCode.CANCELLED)
            self.until_nothing_is_held(idle)
        channel.close()

    def test_a_deadline_and_a_client_that_goes(self):
        channel, idle = exports.slow_channel(SERVER), exports.query_bytes(SERVER, PROJECT)
        call = queries(channel).ExportEntities(request(), timeout=2)
        next(call)
        self.assertGreater(exports.query_bytes(SERVER, PROJECT), idle + 24 * ENTITIES)
        time.sleep(2.2)
        with self.assertRaises(grpc.RpcError) as caught:
            list(call)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
        self.until_nothing_is_held(idle)
        next(queries(channel).ExportEntities(request(), timeout=120))
        channel.close()
        self.until_nothing_is_held(idle)


class CommandLine(unittest.TestCase):
    def run_recount(self, *words):
        program = os.path.join(os.path.dirname(SERVER.program), "recount")
        if not os.access(program, os.X_OK):
            self.skipTest("no recount beside recountd")
        return subprocess.run(
            [program, "query", *words, "--server", SERVER.address, "--project", "exported"],
            capture_output=True, check=True,
        ).stdout.decode()

    def test_formats(self):
        asked = request(properties=["even"])
        asked.selector.CopyFrom(shop.of_type("t2"))
        expected = export(asked)
        names = [one.entity.string_value for one in entities_of(expected)]
        words = ["entities", "type = t2", "--entity", "session", "--property", "even", "--all"]
        lines = [json.loads(line) for line in self.run_recount(*words).splitlines()]
        self.assertEqual([line["entity"] for line in lines], names)
        self.assertEqual(lines[0], {"entity": "s00002", "event_count": 1,
                                    "first_event_ms": shop.START + 4, "last_event_ms": shop.START + 4,
                                    "properties": {"even": True}})
        table = self.run_recount(*words, "--csv").split("\r\n")
        self.assertEqual(table[0], "entity,event_count,first_event_ms,last_event_ms,even")
        self.assertEqual(table[1], f"s00002,1,{shop.START + 4},{shop.START + 4},true")
        self.assertEqual(len(table), len(names) + 2)  # The head, and the end of the last row.
        found = self.run_recount("funnel", "type = t0", "type = t2", "--entity", "session",
                                 "--users-of", "step=2", "--csv")
        self.assertEqual([row.split(",")[0] for row in found.split("\r\n")[1:-1]], names)
        numbers = self.run_recount("entities", "type = t0", "--entity", "session", "--property", "even",
                                   "--all").splitlines()
        self.assertEqual([json.loads(line)["entity"] for line in numbers[:4]], [True, 0, 1.5, 3])


if __name__ == "__main__":
    sys.exit(run_unittests(sys.modules[__name__]))
