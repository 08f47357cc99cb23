#!/usr/bin/python3
"""All users of a segment as a stream: the same as the list, of one moment whatever happens beside
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
    activity_pb2,
    admin_pb2,
    admin_pb2_grpc,
    ingest_pb2,
    ingest_pb2_grpc,
    project_pb2,
    project_pb2_grpc,
    query_pb2_grpc,
    scope_pb2,
    segment_pb2,
    segment_pb2_grpc,
    segment_rule_pb2,
    user_list_pb2,
)

PROJECT = "projects/exported"
SERVER = None
USERS = 3000
NOTE = "x" * 2000  # So that the export is of more than twenty pieces.


def setUpModule():
    global SERVER
    SERVER = Server(OPTIONS.server, {"workers": 2}).start()
    fill(PROJECT)


def fill(project):
    project_pb2_grpc.ProjectServiceStub(SERVER.channel).CreateProject(
        project_pb2.CreateProjectRequest(project_id=project.split("/")[1]), timeout=30
    )
    rows = []
    for user in range(USERS):
        name = f"u{user:05}"
        note = {"note": NOTE + name, "even": user % 2 == 0, "tags": ["a", "b,c"]}
        rows.append({"kind": "set", "user": name, "time": shop.START, "set": note})
        for number in range(user % 4):
            rows.append({
                "kind": "event", "user": name, "time": shop.START + user + number,
                "id": f"{user}/{number}", "properties": {"type": f"t{number}"},
            })
    for begin in range(0, len(rows), 2000):
        ingest_all(SERVER.channel, project, f"rows-{begin}", [ndjson(rows[begin:begin + 2000])])


def tearDownModule():
    status = SERVER.stop()
    SERVER.close()
    if status != 0:
        raise RuntimeError(f"recountd ended with {status}")


def segments(channel=None):
    return segment_pb2_grpc.SegmentServiceStub(channel or SERVER.channel)


def is_even():
    rule = segment_rule_pb2.SegmentRule()
    rule.user_property.property.user_property = "even"
    rule.user_property.equals.bool_value = True
    return rule


def request(project=PROJECT, **more):
    return segment_pb2.ExportSegmentRequest(scope=scope_pb2.Scope(project=project), **more)


def slow_channel():
    return exports.slow_channel(SERVER)


def ids(pieces):
    return [user.user for piece in pieces for user in piece.users]


def listed(scope):
    """All pages of ListUsers."""
    stub, token, users = query_pb2_grpc.QueryServiceStub(SERVER.channel), "", []
    while True:
        reply = stub.ListUsers(
            user_list_pb2.ListUsersRequest(scope=scope, page_size=1000, page_token=token),
            timeout=60,
        )
        users += reply.users
        token = reply.next_page_token
        if not token:
            return users


def query_bytes():
    return exports.query_bytes(SERVER, PROJECT)


class Whole(unittest.TestCase):
    def test_everybody_in_pieces(self):
        pieces = list(segments().ExportSegment(request(), timeout=60))
        self.assertGreater(len(pieces), 20)
        exports.check_pieces(self, pieces)
        self.assertEqual(list(pieces[0].property_names), ["even", "note", "tags"])
        users = [user for piece in pieces for user in piece.users]
        scope = request().scope
        scope.as_of_ms = pieces[0].info.as_of_ms
        self.assertEqual(users, listed(scope))
        self.assertEqual(len(users), USERS)

    def test_some_in_a_range(self):
        asked = request(properties=["tags", "nothing", "even"])
        asked.scope.segment.rule.CopyFrom(is_even())
        asked.scope.range.start_ms, asked.scope.range.end_ms = shop.START, shop.START + 100
        asked.selector.CopyFrom(shop.of_type("t2"))
        pieces = list(segments().ExportSegment(asked, timeout=60))
        self.assertEqual(list(pieces[0].property_names), ["even", "tags"])
        self.assertEqual(pieces[0].info.range, asked.scope.range)
        users = [user for piece in pieces for user in piece.users]
        self.assertEqual([one.user for one in users], [f"u{n:05}" for n in range(0, USERS, 2)])
        for number, user in zip(range(0, USERS, 2), users):
            self.assertEqual([one.name for one in user.properties], ["even", "tags"])
            self.assertEqual(user.event_count, number % 4 > 2 and number + 2 < 100)

    def test_nobody(self):
        asked = request()
        asked.scope.segment.rule.negation.CopyFrom(segment_rule_pb2.SegmentRule())
        asked.scope.segment.rule.negation.all_of.SetInParent()
        (piece,) = segments().ExportSegment(asked, timeout=60)
        self.assertTrue(piece.HasField("info"))
        self.assertEqual(len(piece.users), 0)

    def test_joined_users(self):
        project_pb2_grpc.ProjectServiceStub(SERVER.channel).CreateProject(
            project_pb2.CreateProjectRequest(project_id="joined"), timeout=30
        )
        rows = [{"kind": "alias", "left": "b", "right": "a"}, {"kind": "alias", "left": "b", "right": "z"},
                {"kind": "set", "user": "z", "time": 1, "set": {"plan": "paid"}},
                {"kind": "set", "user": "c", "time": 1, "set": {"plan": "free"}}]
        ingest_all(SERVER.channel, "projects/joined", "rows", [ndjson(rows)])
        asked = segment_pb2.ExportSegmentRequest(scope=scope_pb2.Scope(project="projects/joined"))
        (piece,) = segments().ExportSegment(asked, timeout=60)
        found = [(one.user, one.properties[0].value.string_value) for one in piece.users]
        self.assertEqual(found, [("a", "paid"), ("c", "free")])


class Versions(unittest.TestCase):
    def test_versions(self):
        rule = is_even()
        for negated in (False, True):
            rule.user_property.negated = negated
            segment = segment_pb2.Segment(rule=rule)
            if negated:
                segment.name = f"{PROJECT}/segments/even"
                segments().UpdateSegment(segment_pb2.UpdateSegmentRequest(segment=segment), timeout=30)
            else:
                segments().CreateSegment(
                    segment_pb2.CreateSegmentRequest(
                        parent=PROJECT, segment_id="even", segment=segment
                    ),
                    timeout=30,
                )
        for version, first in ((0, 1), (1, 0), (2, 1)):
            asked = request(properties=["even"], segment_version=version)
            asked.scope.segment.segment = f"{PROJECT}/segments/even"
            pieces = list(segments().ExportSegment(asked, timeout=60))
            self.assertEqual(ids(pieces), [f"u{n:05}" for n in range(first, USERS, 2)])
            (used,) = pieces[0].info.segments
            self.assertEqual((used.name, used.etag, used.version),
                             (f"{PROJECT}/segments/even", str(version or 2), version or 2))
        asked.segment_version = 3
        self.refused(asked, grpc.StatusCode.NOT_FOUND, "segment_version")
        # The scope says it too, as in every request.
        asked.segment_version = 0
        asked.scope.segment.segment_version = 1
        self.assertEqual(ids(list(segments().ExportSegment(asked, timeout=60))),
                         [f"u{n:05}" for n in range(0, USERS, 2)])
        asked.segment_version = 1
        self.assertEqual(len(list(segments().ExportSegment(asked, timeout=60))[0].users) > 0, True)
        asked.segment_version = 2
        self.refused(asked, grpc.StatusCode.INVALID_ARGUMENT, "segment_version")
        asked.segment_version = 0
        asked.scope.segment.segment_version = 3
        self.refused(asked, grpc.StatusCode.NOT_FOUND, "scope.segment.segment_version",
                     f"{PROJECT}/segments/even")
        asked.segment_version = 1
        asked.scope.segment.segment_version = 0
        asked.scope.segment.rule.CopyFrom(is_even())
        self.refused(asked, grpc.StatusCode.INVALID_ARGUMENT, "segment_version")
        asked.scope.ClearField("segment")
        self.refused(asked, grpc.StatusCode.INVALID_ARGUMENT, "segment_version")

    def refused(self, asked, code, field, resource=None):
        with self.assertRaises(grpc.RpcError) as caught:
            list(segments().ExportSegment(asked, timeout=60))
        details = Details(caught.exception)
        self.assertEqual(caught.exception.code(), code, str(details))
        if field:
            self.assertEqual(details.fields, [field], str(details))
        if resource:
            self.assertEqual(details.resource, resource)

    def test_what_is_not_there(self):
        not_found, invalid = grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT
        self.refused(segment_pb2.ExportSegmentRequest(), invalid, "scope")
        asked = request()
        asked.scope.project = "projects/nothing"
        self.refused(asked, not_found, None, "projects/nothing")
        asked = request()
        asked.scope.segment.segment = f"{PROJECT}/segments/nothing"
        self.refused(asked, not_found, None, f"{PROJECT}/segments/nothing")
        asked = request()
        asked.scope.segment.SetInParent()
        self.refused(asked, invalid, "scope.segment")
        asked = request()
        asked.scope.entity_property = "account"
        self.refused(asked, invalid, "scope.entity_property")
        asked = request()
        asked.selector.terms.add().definition = f"{PROJECT}/definitions/nothing"
        self.refused(asked, not_found, None, f"{PROJECT}/definitions/nothing")


class Slow(unittest.TestCase):
    def test_many_who_do_not_read(self):
        """More calls than workers are open and not read: others are answered all the same."""
        channels = [slow_channel() for _ in range(6)]
        calls = [segments(channel).ExportSegment(request(), timeout=120) for channel in channels]
        begun = [next(call) for call in calls]
        for _ in range(5):
            asked = segment_pb2.CountSegmentRequest(scope=scope_pb2.Scope(project=PROJECT))
            reply = segments().CountSegment(asked, timeout=20)
            self.assertGreaterEqual(reply.user_count, USERS)
        for first, call in zip(begun, calls):
            self.assertGreaterEqual(len(ids([first] + list(call))), USERS)
        for channel in channels:
            channel.close()

    def test_what_happens_beside_it(self):
        channel, project = slow_channel(), "projects/beside"
        fill(project)
        before = ids(list(segments().ExportSegment(request(project), timeout=60)))
        call = segments(channel).ExportSegment(request(project), timeout=120)
        pieces = [next(call)]
        rows = [{"kind": "set", "user": f"u{n:05}", "time": shop.START + 5, "set": {"note": "new"}}
                for n in range(USERS)]
        rows += [{"kind": "set", "user": f"late{n}", "time": shop.START, "set": {"note": "late"}}
                 for n in range(50)]
        rows += [{"kind": "alias", "left": "u00001", "right": "u02999"}]
        rows += [{"kind": "event", "user": "u02998", "time": shop.START, "id": f"late/{n}",
                  "properties": {}} for n in range(100)]
        ingest_all(SERVER.channel, project, "beside", [ndjson(rows)])
        users = ingest_pb2_grpc.IngestServiceStub(SERVER.channel)
        for name in ("u02990", "u02991"):
            users.DeleteUser(ingest_pb2.DeleteUserRequest(parent=project, user=name), timeout=30)
        admin = admin_pb2_grpc.AdminServiceStub(SERVER.channel)
        admin.Purge(admin_pb2.PurgeRequest(), timeout=60)
        pieces += call
        self.assertEqual(ids(pieces), before)
        for piece in pieces:
            for user in piece.users:
                note = {one.name: one.value.string_value for one in user.properties}["note"]
                self.assertEqual(note, NOTE + user.user)
                self.assertLess(user.event_count, 4)
        after = ids(list(segments().ExportSegment(request(project), timeout=60)))
        gone = {"u02990", "u02991", "u02999"}
        late = {f"late{n}" for n in range(50)}
        self.assertEqual(after, sorted((set(before) - gone) | late))
        channel.close()

    def until_nothing_is_held(self, idle):
        exports.until_nothing_is_held(self, SERVER, PROJECT, idle)

    def test_cancelled(self):
        channel, idle = slow_channel(), query_bytes()
        for read in (0, 1, 3):
            call = segments(channel).ExportSegment(request(), timeout=120)
            for _ in range(read):
                next(call)
            call.cancel()
            with self.assertRaises(grpc.RpcError) as caught:
                list(call)
            self.assertEqual(caught.exception.code(), grpc.StatusCode.CANCELLED)
            self.until_nothing_is_held(idle)
        channel.close()

    def test_a_deadline(self):
        channel, idle = slow_channel(), query_bytes()
        call = segments(channel).ExportSegment(request(), timeout=1)
        next(call)
        self.assertGreater(query_bytes(), idle)
        time.sleep(1.2)
        with self.assertRaises(grpc.RpcError) as caught:
            list(call)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
        self.until_nothing_is_held(idle)
        channel.close()

    def test_how_many(self):
        """So many may be open, of a project: more are refused, those of others are not."""
        channels = [slow_channel() for _ in range(17)]
        calls = [segments(channel).ExportSegment(request(), timeout=120) for channel in channels[:16]]
        for call in calls:
            next(call)
        with self.assertRaises(grpc.RpcError) as caught:
            list(segments(channels[16]).ExportSegment(request(), timeout=60))
        self.assertEqual(caught.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
        self.assertIn("16 exports of the project", caught.exception.details())
        fill("projects/beside-many")
        other = request("projects/beside-many")
        self.assertEqual(len(ids(segments().ExportSegment(other, timeout=60))), USERS)
        calls[0].cancel()
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                self.assertEqual(len(ids(segments().ExportSegment(request(), timeout=60))), USERS)
                break
            except grpc.RpcError:
                time.sleep(0.05)
        else:
            self.fail("an export that was cancelled still counts")
        for channel in channels:
            channel.close()

    def test_is_listed_and_cancelled(self):
        channel, idle = slow_channel(), query_bytes()
        call = segments(channel).ExportSegment(request(properties=["note"]), timeout=120)
        next(call)
        admin = admin_pb2_grpc.AdminServiceStub(SERVER.channel)
        asked = activity_pb2.ListQueriesRequest(project=PROJECT)
        (running,) = [
            one for one in admin.ListQueries(asked, timeout=30).queries
            if one.shape.startswith("SegmentService.ExportSegment")
        ]
        self.assertGreater(running.memory_bytes, 48 * USERS)
        self.assertIn("note", running.shape)
        admin.CancelQuery(activity_pb2.CancelQueryRequest(query_id=running.query_id), timeout=30)
        with self.assertRaises(grpc.RpcError) as caught:
            list(call)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.CANCELLED)
        self.until_nothing_is_held(idle)
        self.assertEqual(
            [one for one in admin.ListQueries(asked, timeout=30).queries
             if one.query_id == running.query_id], [])
        channel.close()

    def test_a_client_that_goes(self):
        channel, idle = slow_channel(), query_bytes()
        next(segments(channel).ExportSegment(request(), timeout=120))
        channel.close()
        self.until_nothing_is_held(idle)


class CommandLine(unittest.TestCase):
    def run_recount(self, *words):
        program = os.path.join(os.path.dirname(SERVER.program), "recount")
        if not os.access(program, os.X_OK):
            self.skipTest("no recount beside recountd")
        return subprocess.run(
            [program, "segment", "export", *words, "--server", SERVER.address,
             "--project", "exported"],
            capture_output=True, check=False,
        )

    def test_formats(self):
        lines = self.run_recount("user.even = true", "--properties", "even,tags").stdout
        rows = [json.loads(line) for line in lines.decode().splitlines()]
        scope = request().scope
        scope.segment.rule.CopyFrom(is_even())
        expected = [
            {"user": user.user, "event_count": user.event_count,
             **({"first_event_ms": user.first_event_ms, "last_event_ms": user.last_event_ms}
                if user.event_count else {}),
             "properties": {"even": True, "tags": ["a", "b,c"]}}
            for user in listed(scope)
        ]
        self.assertEqual(rows, expected)
        table = self.run_recount(
            "user.even = true", "--properties", "even,tags", "--format", "csv").stdout
        head, first, *rest = table.decode().split("\r\n")
        self.assertEqual(head, "user,event_count,first_event_ms,last_event_ms,even,tags")
        self.assertEqual(first, 'u00000,0,,,true,"[""a"",""b,c""]"')
        self.assertEqual(len(rest), len(expected))  # The end of the last row included.

    def test_what_is_not_there(self):
        done = self.run_recount("nothing")
        self.assertEqual(done.stdout, b"")
        self.assertIn(b"nothing", done.stderr)
        self.assertNotEqual(done.returncode, 0)


if __name__ == "__main__":
    sys.exit(run_unittests(sys.modules[__name__]))
