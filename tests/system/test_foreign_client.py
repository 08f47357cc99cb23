#!/usr/bin/python3
"""A client that is not ours, Python's grpcio, against the real server: the guide's examples, end to
end.
"""

import sys
import time
import unittest

from harness import Details, options, run_unittests

OPTIONS = options(__doc__.split("\n")[0])

import grpc

import shop
from columnar import columnar, ndjson
from ingest import Stream, ingest_all
from server import Server
from recount.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    definition_pb2,
    definition_pb2_grpc,
    event_list_pb2,
    project_pb2,
    project_pb2_grpc,
    query_pb2_grpc,
    segment_pb2,
    segment_pb2_grpc,
    segment_rule_pb2,
)
from rc_standard.health.v1 import health_pb2, health_pb2_grpc
from rc_standard.reflection.v1 import reflection_pb2, reflection_pb2_grpc
from rc_standard.reflection.v1alpha import (
    reflection_pb2 as alpha_pb2,
    reflection_pb2_grpc as alpha_pb2_grpc,
)

PROJECT = "projects/shop"
SERVICES = [
    "recount.v1." + name + "Service"
    for name in ("Project", "Ingest", "Definition", "Segment", "Query", "Admin")
]
SERVER = None


def setUpModule():
    global SERVER
    SERVER = Server(OPTIONS.server).start()
    project_pb2_grpc.ProjectServiceStub(SERVER.channel).CreateProject(
        project_pb2.CreateProjectRequest(project_id="shop"), timeout=30
    )
    half = len(shop.ROWS) // 2
    ingest_all(
        SERVER.channel, PROJECT, "guide", [ndjson(shop.ROWS[:half]), columnar(shop.ROWS[half:])]
    )
    definition_pb2_grpc.DefinitionServiceStub(SERVER.channel).CreateDefinition(
        shop.definition(PROJECT), timeout=30
    )


def tearDownModule():
    status = SERVER.stop()
    SERVER.close()
    if status != 0:
        raise RuntimeError(f"recountd ended with {status}")


def queries():
    return query_pb2_grpc.QueryServiceStub(SERVER.channel)


def column(message):
    out = list(message.values)
    for place in message.null_at:
        out[place] = None
    return out


class Standard(unittest.TestCase):
    def test_health(self):
        stub = health_pb2_grpc.HealthStub(SERVER.channel)
        for service in ["", "recount.v1.QueryService"]:
            reply = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=30)
            self.assertEqual(reply.status, health_pb2.HealthCheckResponse.SERVING)
        with self.assertRaises(grpc.RpcError) as caught:
            stub.Check(health_pb2.HealthCheckRequest(service="no.such.Service"), timeout=30)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.NOT_FOUND)

    def reflect(self, messages, stub):
        requests = [
            messages.ServerReflectionRequest(list_services=""),
            messages.ServerReflectionRequest(file_containing_symbol="recount.v1.QueryService"),
            messages.ServerReflectionRequest(file_by_filename="recount/v1/funnel.proto"),
            messages.ServerReflectionRequest(file_containing_symbol="recount.v1.NoSuchThing"),
        ]
        replies = list(stub.ServerReflectionInfo(iter(requests), timeout=30))
        self.assertEqual(len(replies), len(requests))
        names = [service.name for service in replies[0].list_services_response.service]
        for name in SERVICES:
            self.assertIn(name, names)
        from google.protobuf import descriptor_pb2

        for reply, wanted in (
            (replies[1], "recount/v1/query.proto"),
            (replies[2], "recount/v1/funnel.proto"),
        ):
            files = [
                descriptor_pb2.FileDescriptorProto.FromString(one)
                for one in reply.file_descriptor_response.file_descriptor_proto
            ]
            self.assertIn(wanted, [one.name for one in files])
        self.assertEqual(replies[3].error_response.error_code, grpc.StatusCode.NOT_FOUND.value[0])

    def test_reflection(self):
        self.reflect(reflection_pb2, reflection_pb2_grpc.ServerReflectionStub(SERVER.channel))

    def test_reflection_v1alpha(self):
        self.reflect(alpha_pb2, alpha_pb2_grpc.ServerReflectionStub(SERVER.channel))

    def test_unknown_method(self):
        call = SERVER.channel.unary_unary(
            "/recount.v1.QueryService/Dance", lambda one: one, lambda one: one
        )
        with self.assertRaises(grpc.RpcError) as caught:
            call(b"", timeout=30)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNIMPLEMENTED)


class Guide(unittest.TestCase):
    """The requests of docs/api.md give the replies that it prints."""

    def test_funnel(self):
        reply = queries().Funnel(shop.funnel(PROJECT), timeout=30)
        (row,) = reply.rows
        self.assertEqual(list(reply.step_names), ["View", "Signed up", "Purchase"])
        self.assertEqual(list(row.counts), [3, 2, 1])
        self.assertEqual(column(row.conversion_from_previous), [1, 2 / 3, 0.5])
        self.assertEqual(column(row.conversion_from_first), [1, 2 / 3, 1 / 3])
        self.assertEqual(column(row.mean_seconds_from_previous), [None, 44250, 89700])
        self.assertEqual(column(row.median_seconds_from_previous), [None, 44250, 89700])
        self.assertEqual(column(row.mean_seconds_from_first), [None, 44250, 90000])
        self.assertEqual(reply.info.as_of_ms, shop.AS_OF)
        self.assertEqual(reply.info.time_zone, "UTC")
        self.assertEqual(
            (reply.info.range.start_ms, reply.info.range.end_ms), (shop.START, shop.END)
        )

    def test_retention(self):
        reply = queries().Retention(shop.retention(PROJECT), timeout=30)
        (row,) = reply.rows
        self.assertEqual([one.size for one in row.cohorts], [2, 3, 0])
        self.assertEqual(
            [column(one.users) for one in row.cohorts], [[1, 2, 0], [0, 0, None], [0, None, None]]
        )
        self.assertEqual(
            [column(one.rates) for one in row.cohorts],
            [[0.5, 1, 0], [0, 0, None], [None, None, None]],
        )
        self.assertEqual(
            [list(one.states) for one in row.cohorts], [[3, 3, 2], [3, 2, 1], [2, 1, 1]]
        )
        self.assertEqual((list(row.summary.users), list(row.summary.sizes)), ([1, 2, 0], [5, 2, 0]))
        self.assertEqual(column(row.summary.rates), [0.2, 1, None])
        self.assertEqual(
            [one.start_ms for one in reply.cohorts], [shop.START + n * shop.DAY for n in range(3)]
        )

    def test_series(self):
        reply = queries().Series(shop.series(PROJECT), timeout=30)
        (one,) = reply.series
        labels = [
            (row.label.kind, row.label.values[0].value.string_value if row.label.values else None)
            for row in one.rows
        ]
        self.assertEqual(labels, [(2, "view"), (2, "submit"), (3, None), (1, None)])
        self.assertEqual(
            [column(row.values) for row in one.rows], [[2, 1, 0], [1, 1, 0], [0, 1, 0], [3, 3, 0]]
        )
        self.assertEqual([row.total for row in one.rows], [3, 2, 1, 6])
        self.assertEqual(one.name, "Events")

    def test_unique_users(self):
        reply = queries().Series(shop.series(PROJECT, unique=True), timeout=30)
        total = reply.series[0].rows[-1]
        self.assertEqual((column(total.values), total.total), ([2, 3, 0], 3))

    def test_segment(self):
        scope = shop.scope(PROJECT)
        scope.ClearField("range")
        rule = scope.segment.rule.all_of.rules
        leaf = rule.add().user_property
        leaf.property.user_property = "plan"
        leaf.equals.string_value = "free"
        behavior = rule.add().behavior
        behavior.selector.CopyFrom(shop.of_type("purchase"))
        behavior.comparison.operation = segment_rule_pb2.COMPARISON_OPERATOR_GREATER_OR_EQUAL
        behavior.comparison.value = 1
        behavior.window.prior_ms = 7 * shop.DAY
        stub = segment_pb2_grpc.SegmentServiceStub(SERVER.channel)
        reply = stub.CountSegment(segment_pb2.CountSegmentRequest(scope=scope), timeout=30)
        self.assertEqual((reply.user_count, reply.known_user_count), (1, 3))
        listed = stub.ListSegmentUsers(segment_pb2.ListSegmentUsersRequest(scope=scope), timeout=30)
        self.assertEqual((list(listed.users), listed.next_page_token), (["u1"], ""))

    def test_events_in_pages(self):
        request = event_list_pb2.ListEventsRequest(
            parent=PROJECT, user="u1", descending=True, page_size=2
        )
        first = queries().ListEvents(request, timeout=30)
        self.assertEqual([one.id for one in first.events], ["e3", "e2"])
        self.assertEqual(
            [(one.name, one.value.string_value) for one in first.events[1].properties],
            [("path", "/signup"), ("type", "submit")],
        )
        self.assertEqual(
            [(one.name, one.value.string_value) for one in first.user_properties],
            [("plan", "free")],
        )
        request.page_token = first.next_page_token
        second = queries().ListEvents(request, timeout=30)
        self.assertEqual([one.id for one in second.events], ["e1"])
        self.assertEqual((second.next_page_token, len(second.user_properties)), ("", 0))
        request.user = "u2"
        with self.assertRaises(grpc.RpcError) as caught:
            queries().ListEvents(request, timeout=30)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)


class Resources(unittest.TestCase):
    def test_project_life(self):
        stub = project_pb2_grpc.ProjectServiceStub(SERVER.channel)
        made = stub.CreateProject(
            project_pb2.CreateProjectRequest(
                project_id="life", project=project_pb2.Project(time_zone="Europe/Berlin")
            ),
            timeout=30,
        ).project
        self.assertEqual(
            (made.name, made.time_zone, made.display_name),
            ("projects/life", "Europe/Berlin", "life"),
        )
        with self.assertRaises(grpc.RpcError) as caught:
            stub.CreateProject(project_pb2.CreateProjectRequest(project_id="life"), timeout=30)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.ALREADY_EXISTS)
        change = project_pb2.UpdateProjectRequest(project=made)
        change.project.display_name = "Life"
        changed = stub.UpdateProject(change, timeout=30).project
        self.assertEqual((changed.display_name, changed.time_zone), ("Life", "Europe/Berlin"))
        self.assertNotEqual(changed.etag, made.etag)
        with self.assertRaises(grpc.RpcError) as caught:
            stub.DeleteProject(
                project_pb2.DeleteProjectRequest(name=made.name, etag=made.etag), timeout=30
            )
        self.assertEqual(caught.exception.code(), grpc.StatusCode.ABORTED)
        names = [
            one.name
            for one in stub.ListProjects(project_pb2.ListProjectsRequest(), timeout=30).projects
        ]
        self.assertEqual(names, sorted(names))
        self.assertIn(made.name, names)
        stub.DeleteProject(
            project_pb2.DeleteProjectRequest(name=made.name, etag=changed.etag), timeout=30
        )
        with self.assertRaises(grpc.RpcError) as caught:
            stub.GetProject(project_pb2.GetProjectRequest(name=made.name), timeout=30)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.NOT_FOUND)

    def test_definition_in_use(self):
        stub = definition_pb2_grpc.DefinitionServiceStub(SERVER.channel)
        request = definition_pb2.CreateDefinitionRequest(parent=PROJECT, definition_id="user-of-it")
        request.definition.predicate.definition = PROJECT + "/definitions/signed-up"
        stub.CreateDefinition(request, timeout=30)
        with self.assertRaises(grpc.RpcError) as caught:
            stub.DeleteDefinition(
                definition_pb2.DeleteDefinitionRequest(name=PROJECT + "/definitions/signed-up"),
                timeout=30,
            )
        self.assertEqual(caught.exception.code(), grpc.StatusCode.ABORTED)
        self.assertIn("user-of-it", caught.exception.details())
        stub.DeleteDefinition(
            definition_pb2.DeleteDefinitionRequest(name=PROJECT + "/definitions/user-of-it"),
            timeout=30,
        )
        listed = stub.ListDefinitions(
            definition_pb2.ListDefinitionsRequest(parent=PROJECT), timeout=30
        )
        self.assertEqual(
            [one.name for one in listed.definitions], [PROJECT + "/definitions/signed-up"]
        )

    def test_saved_segment(self):
        stub = segment_pb2_grpc.SegmentServiceStub(SERVER.channel)
        request = segment_pb2.CreateSegmentRequest(parent=PROJECT, segment_id="buyers")
        request.segment.rule.behavior.selector.CopyFrom(shop.of_type("purchase"))
        made = stub.CreateSegment(request, timeout=30).segment
        funnel = shop.funnel(PROJECT)
        funnel.scope.segment.segment = made.name
        reply = queries().Funnel(funnel, timeout=30)
        self.assertEqual(list(reply.rows[0].counts), [1, 1, 1])
        stub.DeleteSegment(segment_pb2.DeleteSegmentRequest(name=made.name), timeout=30)
        with self.assertRaises(grpc.RpcError) as caught:
            queries().Funnel(funnel, timeout=30)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.NOT_FOUND)

    def test_snapshot_and_statistics(self):
        stub = admin_pb2_grpc.AdminServiceStub(SERVER.channel)
        stub.CreateSnapshot(admin_pb2.CreateSnapshotRequest(), timeout=60)
        reply = stub.GetStatistics(admin_pb2.GetStatisticsRequest(project=PROJECT), timeout=30)
        (one,) = reply.projects
        self.assertEqual((one.project, one.event_count, one.user_count), (PROJECT, 6, 3))
        self.assertEqual(one.first_event_time_ms, shop.START + 9 * shop.HOUR)
        self.assertGreater(reply.server.resident_bytes, 0)


class Ingest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        project_pb2_grpc.ProjectServiceStub(SERVER.channel).CreateProject(
            project_pb2.CreateProjectRequest(project_id="ingest"), timeout=30
        )

    def test_duplicates_and_replacement(self):
        rows = [shop.row("r", shop.START, "1", "view"), shop.row("r", shop.START + 1, "1", "view")]
        (ack,) = ingest_all(SERVER.channel, "projects/ingest", "dup", [columnar(rows)], 5)
        self.assertEqual((ack.accepted, ack.replaced, ack.duplicate), (2, 1, False))
        with Stream(SERVER.channel, "projects/ingest", "dup") as stream:
            self.assertEqual(stream.wait_opened(), 5)
            stream.send(5, columnar(rows))
            stream.send(6, ndjson(rows))
            acks = stream.wait_acks(2)
        self.assertEqual(
            [(ack.duplicate, ack.accepted, ack.replaced) for ack in acks],
            [(True, 0, 0), (False, 2, 2)],
        )

    def test_many_batches_in_flight(self):
        batches = [
            columnar([shop.row("flight", shop.START + n, str(n), "view")]) for n in range(300)
        ]
        acks = ingest_all(SERVER.channel, "projects/ingest", "flight", batches)
        self.assertEqual([ack.batch_id for ack in acks], list(range(1, 301)))
        positions = [ack.durable_position for ack in acks]
        self.assertEqual(positions, sorted(set(positions)))

    def test_batch_ids_must_ascend(self):
        with Stream(SERVER.channel, "projects/ingest", "order") as stream:
            stream.send(2, ndjson(shop.ROWS[:1]))
            stream.wait_acks(1)
            stream.send(2, ndjson(shop.ROWS[:1]))
        self.assertIsNotNone(stream.error)
        self.assertEqual(Details(stream.error).code, "INVALID_ARGUMENT")
        self.assertEqual(Details(stream.error).fields, ["batch_id"])


class Cancel(unittest.TestCase):
    def running(self):
        stub = admin_pb2_grpc.AdminServiceStub(SERVER.channel)
        return stub.GetStatistics(
            admin_pb2.GetStatisticsRequest(), timeout=30
        ).server.running_queries

    def wait_idle(self):
        for _ in range(2000):
            if self.running() == 0:
                return
            time.sleep(0.01)
        self.fail("a query runs on after its call has ended")

    @classmethod
    def setUpClass(cls):
        project_pb2_grpc.ProjectServiceStub(SERVER.channel).CreateProject(
            project_pb2.CreateProjectRequest(project_id="large"), timeout=30
        )
        kinds = ["view", "click", "submit", "purchase"]
        for batch in range(10):
            rows = [
                shop.row(
                    f"u{n * 7919 % 5000}",
                    shop.START + n * 10 + batch,
                    str(batch * 20000 + n),
                    kinds[n % 4],
                    path=f"/p{n % 1000}/{batch}",
                )
                for n in range(20000)
            ]
            ingest_all(SERVER.channel, "projects/large", "large", [columnar(rows)], batch + 1)

    def heavy(self, number):
        request = shop.funnel("projects/large")
        del request.steps[:]
        for step in range(30):
            selector = shop.of_type("view")
            selector.terms[0].predicate.leaf.regex = f"^[a-z]{{{step % 3 + 1},9}}$|{number}"
            request.steps.add(selector=selector)
        return request

    def test_deadline(self):
        with self.assertRaises(grpc.RpcError) as caught:
            queries().Funnel(self.heavy(1), timeout=0.001)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
        self.wait_idle()

    def test_cancellation(self):
        calls = [queries().Funnel.future(self.heavy(10 + n), timeout=60) for n in range(4)]
        for call in calls:
            call.cancel()
            self.assertEqual(call.code(), grpc.StatusCode.CANCELLED)
        self.wait_idle()

    def test_abandoned_ingest_stream(self):
        stream = Stream(SERVER.channel, "projects/large", "abandoned")
        stream.wait_opened()
        stream.call.cancel()
        stream.finish()
        self.assertEqual(stream.error.code(), grpc.StatusCode.CANCELLED)
        with Stream(SERVER.channel, "projects/large", "abandoned") as again:
            self.assertEqual(again.wait_opened(), 0)


if __name__ == "__main__":
    sys.exit(run_unittests(sys.modules[__name__]))
