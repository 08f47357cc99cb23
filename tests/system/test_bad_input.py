#!/usr/bin/python3
"""Bad input: each kind gets its own clear error that names the field, and the server goes on."""

import struct
import sys
import unittest

from harness import Details, options, run_unittests

OPTIONS = options(__doc__.split("\n")[0])

import grpc
from google.protobuf import text_format

import shop
from columnar import columnar, string_table
from ingest import Stream, ingest_all
from server import Server
from recount.v1 import (
    calendar_pb2,
    definition_pb2,
    definition_pb2_grpc,
    event_list_pb2,
    experiment_pb2,
    ingest_pb2,
    paths_pb2,
    predicate_pb2,
    project_pb2,
    project_pb2_grpc,
    query_pb2_grpc,
    segment_pb2,
    segment_pb2_grpc,
    selector_pb2,
    series_pb2,
    value_pb2,
)

PROJECT = "projects/shop"
SERVER = None


def setUpModule():
    global SERVER
    SERVER = Server(OPTIONS.server).start()
    project_pb2_grpc.ProjectServiceStub(SERVER.channel).CreateProject(
        project_pb2.CreateProjectRequest(project_id="shop"), timeout=30
    )
    ingest_all(SERVER.channel, PROJECT, "guide", [columnar(shop.ROWS)])
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


def raw(method):
    """A call whose request and reply are bytes."""
    return SERVER.channel.unary_unary(method, lambda one: one, lambda one: one)


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, content):
    """A length-delimited field."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def nested(number, depth):
    """depth messages inside each other, made from the inside out without copying."""
    parts, size = [], 0
    for _ in range(depth):
        head = varint(number << 3 | 2) + varint(size)
        parts.append(head)
        size += len(head)
    return b"".join(reversed(parts))


class Case(unittest.TestCase):
    def tearDown(self):
        SERVER.check_alive()

    def refused(self, call, request, code, *fields):
        """The call fails with the code, names a field, says why, and carries ErrorInfo."""
        with self.assertRaises(grpc.RpcError) as caught:
            call(request, timeout=30)
        details = Details(caught.exception)
        self.assertEqual(details.code, code, str(details))
        self.assertEqual(details.domain, "recount", str(details))
        self.assertNotEqual(details.reason, "")
        self.assertEqual(details.status.code, caught.exception.code().value[0])
        self.assertGreater(len(details.message), 8)
        if fields:
            self.assertTrue(set(fields) & set(details.fields), f"none of {fields} in {details}")
        return details

    def good_still(self):
        reply = queries().Funnel(shop.funnel(PROJECT), timeout=30)
        self.assertEqual(list(reply.rows[0].counts), [3, 2, 1])


class Rows(Case):
    """Bad rows are listed; the good ones of the batch are kept."""

    number = 0

    @classmethod
    def setUpClass(cls):
        project_pb2_grpc.ProjectServiceStub(SERVER.channel).CreateProject(
            project_pb2.CreateProjectRequest(project_id="rows"), timeout=30
        )

    def send(self, batch):
        Rows.number += 1
        (ack,) = ingest_all(SERVER.channel, "projects/rows", f"s{Rows.number}", [batch])
        return ack

    def one_bad_line(self, line, name, reason):
        user = f"good{Rows.number}"
        good = [f'{{"user":"{user}","time":{n},"id":"g{n}"}}' for n in (1, 2)]
        lines = good[0].encode() + b"\n" + line + b"\n" + good[1].encode() + b"\n"
        ack = self.send(ingest_pb2.NdjsonBatch(lines=lines))
        self.assertEqual((ack.accepted, ack.rejected_count), (2, 1), str(ack))
        (row,) = ack.rejected
        self.assertEqual((row.table, row.index), (ingest_pb2.ROW_TABLE_NDJSON_LINES, 1))
        self.assertEqual(
            ingest_pb2.RejectReason.Name(row.reason), "REJECT_REASON_" + reason, str(row)
        )
        if name is not None:
            self.assertEqual(row.field, name, str(row))
        self.assertGreater(len(row.message), 8)
        reply = queries().ListEvents(
            event_list_pb2.ListEventsRequest(parent="projects/rows", user=user), timeout=30
        )
        self.assertEqual([one.id for one in reply.events], ["g1", "g2"])

    def test_lines(self):
        table = [
            (b'{"time":5}', "user", "MISSING"),
            (b'{"user":"","time":5}', "user", "MISSING"),
            (b'{"user":"u"}', "time", "MISSING"),
            (b'{"user":"u","time":253402300800000}', "time", "OUT_OF_RANGE"),
            (b'{"user":"u","time":-9223372036854775808}', "time", "OUT_OF_RANGE"),
            (b'{"user":"u","time":true}', "time", "WRONG_TYPE"),
            (b'{"user":"u","time":"yesterday"}', "time", None),
            (b'{"user":["u"],"time":5}', "user", "WRONG_TYPE"),
            (b'{"user":"u","time":5,"properties":[1]}', "properties", "WRONG_TYPE"),
            (b'{"user":"u","time":5,"properties":{"a":[1,2]}}', "a", "WRONG_TYPE"),
            (
                b'{"user":"u","time":5,"properties":{"a":99999999999999999999}}',
                None,
                "OUT_OF_RANGE",
            ),
            (b'{"user":"u","time":5,"properties":{"' + b"n" * 257 + b'":1}}', None, "LENGTH"),
            (b'{"user":"u","time":5,"properties":{"":1}}', None, "LENGTH"),
            (b'{"user":"' + b"u" * 513 + b'","time":5}', "user", "LENGTH"),
            (b'{"user":"u","time":5,"id":"' + b"i" * 257 + b'"}', "id", "LENGTH"),
            (b'{"user":"u","time":5,"properties":{"a":"' + b"v" * 65537 + b'"}}', "a", "LENGTH"),
            (b'{"user":"u\\u0000","time":5}', "user", "ENCODING"),
            (b'{"user":"u","time":5,"properties":{"a":"\xff\xfe"}}', None, "ENCODING"),
            (b'{"user":"u","time":5,"colour":1}', "colour", "UNKNOWN_FIELD"),
            (b'{"user":"u","time":5,"properties":{"a.b":1,"a":{"b":2}}}', "a.b", "DUPLICATE_FIELD"),
            (
                b'{"user":"u","time":5,"properties":{"a":'
                + b'{"a":' * 40
                + b"1"
                + b"}" * 40
                + b"}}",
                None,
                "TOO_MANY",
            ),
            (
                b'{"user":"u","time":5,"properties":{"a":[' + b'"x",' * 1024 + b'"x"]}}',
                "a",
                "TOO_MANY",
            ),
            (b'{"user":"u","time":5', None, "SYNTAX"),
            (b"[1]", None, "SYNTAX"),
            (b'{"alias":["a"]}', "alias", None),
        ]
        for line, name, reason in table:
            with self.subTest(line=line[:70]):
                if reason is None:
                    ack = self.send(ingest_pb2.NdjsonBatch(lines=line))
                    self.assertEqual((ack.accepted, ack.rejected_count), (0, 1))
                    self.assertEqual(ack.rejected[0].field, name)
                else:
                    self.one_bad_line(line, name, reason)

    def test_a_line_nested_100000_deep(self):
        self.one_bad_line(
            b'{"user":"u","time":5,"properties":'
            + b'{"a":' * 100_000
            + b"1"
            + b"}" * 100_000
            + b"}",
            None,
            "TOO_MANY",
        )

    def test_columns(self):
        rows = [shop.row("u", n, str(n), "view") for n in range(1, 6)]
        good = columnar(rows)
        bad_time = ingest_pb2.ColumnarBatch.FromString(good.SerializeToString())
        bad_time.events.times_ms = struct.pack("<5q", 1, 2**62, 3, 4, 5)
        bad_user = ingest_pb2.ColumnarBatch.FromString(good.SerializeToString())
        bad_user.events.users.CopyFrom(string_table(["u", "", "x" * 513, b"\xff", "a\0b"]))
        bad_user.events.user_codes = struct.pack("<5I", 0, 1, 2, 3, 4)
        bad_name = ingest_pb2.ColumnarBatch.FromString(good.SerializeToString())
        bad_name.events.properties[0].name = "n" * 257
        bad_double = ingest_pb2.ColumnarBatch.FromString(good.SerializeToString())
        bad_double.events.properties[0].doubles = struct.pack("<d", float("nan"))
        bad_double.events.properties[0].codes = bytes([4, 4, 5, 4, 4])
        table = [
            (bad_time, [(1, "time", "OUT_OF_RANGE")]),
            (
                bad_user,
                [
                    (1, "user", "MISSING"),
                    (2, "user", "LENGTH"),
                    (3, "user", "ENCODING"),
                    (4, "user", "ENCODING"),
                ],
            ),
            (bad_name, [(n, None, "LENGTH") for n in range(5)]),
            (bad_double, [(2, "type", "OUT_OF_RANGE")]),
        ]
        for batch, expected in table:
            with self.subTest(expected=expected):
                ack = self.send(batch)
                self.assertEqual(
                    (ack.accepted, ack.rejected_count), (5 - len(expected), len(expected)), str(ack)
                )
                got = [
                    (row.index, ingest_pb2.RejectReason.Name(row.reason)) for row in ack.rejected
                ]
                self.assertEqual(
                    got, [(index, "REJECT_REASON_" + reason) for index, _, reason in expected]
                )
                for row, (_, name, _) in zip(ack.rejected, expected):
                    self.assertEqual(row.table, ingest_pb2.ROW_TABLE_EVENTS)
                    if name is not None:
                        self.assertEqual(row.field, name)

    def test_only_the_first_hundred_are_listed(self):
        ack = self.send(ingest_pb2.NdjsonBatch(lines=b'{"user":"u"}\n' * 150))
        self.assertEqual((ack.accepted, ack.rejected_count, len(ack.rejected)), (0, 150, 100))


class Structure(Case):
    """A columnar batch whose counts disagree is refused as a whole, and the field is named."""

    def edit(self, change):
        batch = columnar([shop.row("u", n, str(n), "view", tags=["a", "b"]) for n in range(1, 4)])
        change(batch.events)
        return batch

    def refusal(self, batch, name):
        before = queries().ListEvents(
            event_list_pb2.ListEventsRequest(parent=PROJECT, user="u1"), timeout=30
        )
        with Stream(SERVER.channel, PROJECT, "structure") as stream:
            last = stream.wait_opened()
            stream.send(last + 1, batch)
        self.assertIsNotNone(stream.error, f"{name}: the batch was taken")
        details = Details(stream.error)
        self.assertEqual(details.code, "INVALID_ARGUMENT", str(details))
        self.assertTrue(
            any(name in one for one in details.fields), f"{name} is not named: {details}"
        )
        self.assertEqual(stream.acks, [])
        SERVER.check_alive()
        after = queries().ListEvents(
            event_list_pb2.ListEventsRequest(parent=PROJECT, user="u1"), timeout=30
        )
        self.assertEqual(list(before.events), list(after.events))
        with Stream(SERVER.channel, PROJECT, "structure") as stream:
            self.assertEqual(stream.wait_opened(), last)

    def test_table(self):
        def change(path, value):
            def apply(events):
                *parents, name = path.split(".")
                node = events
                for one in parents:
                    node = (
                        node.properties[int(one[1:])]
                        if one[0] == "p" and one[1:].isdigit()
                        else getattr(node, one)
                    )
                setattr(node, name, value)

            return apply

        table = [
            (change("event_count", 4), "events"),
            (change("event_count", 2), "events"),
            (change("event_count", 131073), "event_count"),
            (change("times_ms", bytes(23)), "times_ms"),
            (change("user_codes", bytes(8)), "user_codes"),
            (change("user_codes", struct.pack("<3I", 0, 0, 1)), "user_codes"),
            (change("int_ids", bytes(16)), "int_ids"),
            (change("users.ends", b"\1\0\0"), "users"),
            (change("users.ends", struct.pack("<I", 9)), "users"),
            (change("p0.codes", bytes(2)), "codes"),
            (change("p0.codes", bytes([4, 4, 99])), "codes"),
            (change("p0.code_width", 3), "code_width"),
            (change("p0.ints", bytes(7)), "ints"),
            (change("p0.doubles", bytes(9)), "doubles"),
            (change("p0.rows", struct.pack("<3I", 0, 2, 1)), "rows"),
            (change("p0.rows", struct.pack("<3I", 0, 1, 3)), "rows"),
            (change("p0.rows", bytes(5)), "rows"),
            (change("p1.lists.elements", struct.pack("<2I", 0, 7)), "elements"),
            (change("p1.lists.ends", struct.pack("<I", 5)), "ends"),
            (change("p1.name", "type"), "properties"),
        ]
        for apply, name in table:
            with self.subTest(field=name):
                self.refusal(self.edit(apply), name)
        self.good_still()

    def test_random_bytes(self):
        """Flipped and cut messages never end the server, whatever they are answered."""
        import random

        good = ingest_pb2.IngestRequest(
            project=PROJECT,
            client_stream="random",
            batch_id=1,
            columnar=self.edit(lambda events: None),
        ).SerializeToString()
        call = SERVER.channel.stream_stream(
            "/recount.v1.IngestService/Ingest", lambda one: one, lambda one: one
        )
        rng = random.Random(1)
        for number in range(200):
            broken = bytearray(good[: rng.randrange(len(good))] if number % 2 else good)
            for _ in range(rng.randrange(1, 6)):
                if broken:
                    broken[rng.randrange(len(broken))] = rng.randrange(256)
            try:
                list(call(iter([bytes(broken)]), timeout=30))
            except grpc.RpcError as error:
                self.assertNotIn(
                    error.code(), (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
                )
        SERVER.check_alive()


class Queries(Case):
    def funnel(self):
        return shop.funnel(PROJECT)

    def test_depth_100000(self):
        predicate = nested(3, 100_000)
        scope = shop.scope(PROJECT).SerializeToString()
        selector = field(1, field(3, predicate))
        for method, request in (
            ("QueryService/Funnel", field(1, scope) + field(2, field(1, selector))),
            (
                "DefinitionService/CreateDefinition",
                field(1, PROJECT.encode()) + field(2, b"deep") + field(3, field(4, predicate)),
            ),
        ):
            with self.subTest(method=method):
                self.refused(raw("/recount.v1." + method), request, "INVALID_ARGUMENT")
        self.good_still()

    def test_depth_of_a_predicate(self):
        for depth, code in ((31, None), (33, "INVALID_ARGUMENT")):
            request = self.funnel()
            node = request.steps[0].selector.terms[0].predicate
            node.Clear()
            for _ in range(depth - 1):
                node = node.negation
            node.leaf.property.event_property = "type"
            node.leaf.is_set.SetInParent()
            if code is None:
                queries().Funnel(request, timeout=30)
            else:
                self.refused(queries().Funnel, request, code)

    def test_regex(self):
        request = self.funnel()
        request.steps[2].selector.terms[0].predicate.leaf.regex = "(unclosed"
        details = self.refused(
            queries().Funnel,
            request,
            "INVALID_ARGUMENT",
            "steps[2].selector.terms[0].predicate.leaf.regex",
        )
        self.assertIn("missing )", details.message)
        for pattern in ("(?=ahead)", r"(a)\1", "a" * 1025):
            request.steps[2].selector.terms[0].predicate.leaf.regex = pattern
            self.refused(
                queries().Funnel,
                request,
                "INVALID_ARGUMENT",
                "steps[2].selector.terms[0].predicate.leaf.regex",
            )

    def test_the_path_of_the_deepest_leaf(self):
        request = self.funnel()
        leaf = predicate_pb2.Predicate()
        leaf.leaf.property.event_property = "type"
        leaf.leaf.regex = "("
        path = ".leaf.regex"
        for _ in range(31):
            outer = predicate_pb2.Predicate()
            for _ in range(100):
                outer.all_of.predicates.add().any_of.SetInParent()
            outer.all_of.predicates.add().CopyFrom(leaf)
            leaf = outer
            path = ".all_of[100]" + path
        request.steps[2].selector.terms[0].predicate.CopyFrom(leaf)
        details = self.refused(queries().Funnel, request, "INVALID_ARGUMENT")
        self.assertEqual(details.fields, ["steps[2].selector.terms[0].predicate" + path])

    def test_errors_are_text(self):
        """Whatever they quote and wherever that is cut: else no client reads why a call failed."""
        definitions = definition_pb2_grpc.DefinitionServiceStub(SERVER.channel)
        for front in range(4):
            long = "a" * front + "\U0001f600" * 200
            unknown = self.funnel()
            unknown.steps[1].selector.terms[0].definition = f"{PROJECT}/definitions/{long}"
            zone = self.funnel()
            zone.scope.time_zone = long
            regex = self.funnel()
            regex.steps[2].selector.terms[0].predicate.leaf.regex = f"(?P<{long}>a)"
            for call, request, code in (
                (queries().Funnel, unknown, "NOT_FOUND"),
                (queries().Funnel, zone, "INVALID_ARGUMENT"),
                (queries().Funnel, regex, "INVALID_ARGUMENT"),
                (
                    queries().ListEvents,
                    event_list_pb2.ListEventsRequest(parent=PROJECT, user=long),
                    "NOT_FOUND",
                ),
                (
                    definitions.ListDefinitions,
                    definition_pb2.ListDefinitionsRequest(parent="projects/" + long),
                    "NOT_FOUND",
                ),
                (
                    definitions.GetDefinition,
                    definition_pb2.GetDefinitionRequest(name=long),
                    "INVALID_ARGUMENT",
                ),
            ):
                details = self.refused(call, request, code)
                self.assertNotIn("\ufffd", details.message)

    def test_steps(self):
        request = self.funnel()
        while len(request.steps) < 64:
            request.steps.add(selector=shop.of_type("view"))
        self.assertEqual(len(queries().Funnel(request, timeout=30).rows[0].counts), 64)
        request.order = 2  # FUNNEL_ORDER_STRICT
        while len(request.exclusions) < 16:
            request.exclusions.add(selector=shop.of_type("buy"))
        self.assertEqual(len(queries().Funnel(request, timeout=30).rows[0].counts), 64)
        request.exclusions.add(selector=shop.of_type("buy"))
        self.refused(queries().Funnel, request, "INVALID_ARGUMENT", "exclusions")
        del request.exclusions[:]
        request.steps.add(selector=shop.of_type("view"))
        details = self.refused(queries().Funnel, request, "INVALID_ARGUMENT", "steps")
        self.assertIn("64", details.message)
        del request.steps[:]
        self.refused(queries().Funnel, request, "INVALID_ARGUMENT", "steps")

    def test_states_of_an_unordered_funnel(self):
        """Many steps, events that match several, and an exclusion that begins late: a limit."""
        steps, events = 30, 120
        project_pb2_grpc.ProjectServiceStub(SERVER.channel).CreateProject(
            project_pb2.CreateProjectRequest(project_id="states"), timeout=30
        )
        lines = []
        for n in range(events):
            tags = ",".join(f'"{(7 * n + k * k) % steps}"' for k in range(4))
            stop = ',"stop":"yes"' if n % 15 == 14 else ""
            lines.append(
                f'{{"user":"u","time":{shop.START + n},"id":"{n}","properties":{{"tag":[{tags}]{stop}}}}}'
            )
        batch = ingest_pb2.NdjsonBatch(lines="\n".join(lines).encode())
        (ack,) = ingest_all(SERVER.channel, "projects/states", "s", [batch])
        self.assertEqual(ack.accepted, events, str(ack))
        request = shop.funnel("projects/states")
        request.order = 4  # FUNNEL_ORDER_UNORDERED
        del request.steps[:]
        for n in range(steps):
            request.steps.add(selector=shop.selector(shop.equals("tag", str(n))))
        request.exclusions.add(
            selector=shop.selector(shop.equals("stop", "yes")), after_step=20, before_step=30
        )
        details = self.refused(queries().Funnel, request, "INVALID_ARGUMENT", "exclusions")
        self.assertIn("65536 states", details.message)
        request.exclusions[0].after_step = 2
        queries().Funnel(request, timeout=30)

    def test_zone(self):
        request = shop.series(PROJECT)
        request.scope.time_zone = "Mars/Olympus"
        self.refused(queries().Series, request, "INVALID_ARGUMENT", "scope.time_zone")
        request.scope.time_zone = "../../etc/passwd"
        self.refused(queries().Series, request, "INVALID_ARGUMENT", "scope.time_zone")

    def test_not_found(self):
        request = self.funnel()
        request.steps[1].selector.terms[0].definition = PROJECT + "/definitions/nobody"
        self.assertIn("nobody", self.refused(queries().Funnel, request, "NOT_FOUND").message)
        request = shop.series("projects/nobody")
        self.refused(queries().Series, request, "NOT_FOUND")
        request = self.funnel()
        request.scope.segment.segment = PROJECT + "/segments/nobody"
        self.assertIn("nobody", self.refused(queries().Funnel, request, "NOT_FOUND").message)
        request = event_list_pb2.ListEventsRequest(parent=PROJECT, user="nobody")
        self.refused(queries().ListEvents, request, "NOT_FOUND")
        with Stream(SERVER.channel, "projects/nobody", "s") as stream:
            pass
        self.assertEqual(stream.error.code(), grpc.StatusCode.NOT_FOUND)

    def test_fields(self):
        """One fault each, and the path that must be named."""

        def fault(change, *names, call="Funnel", code="INVALID_ARGUMENT"):
            request = {
                "Funnel": self.funnel,
                "Series": lambda: shop.series(PROJECT),
                "Retention": lambda: shop.retention(PROJECT),
            }[call]()
            change(request)
            with self.subTest(names=names):
                self.refused(getattr(queries(), call), request, code, *names)

        fault(lambda r: r.scope.ClearField("range"), "scope.range")
        fault(
            lambda r: setattr(r.scope.range, "end_ms", shop.START),
            "scope.range.end_ms",
            "scope.range",
        )
        fault(lambda r: r.scope.ClearField("project"), "scope.project")
        fault(lambda r: setattr(r.scope, "project", "shop"), "scope.project")
        fault(lambda r: setattr(r, "window_ms", -1), "window_ms")
        fault(lambda r: setattr(r, "order", 77), "order")
        fault(lambda r: setattr(r, "breakdown_step", 2), "breakdown_step")
        fault(
            lambda r: r.steps[0].selector.ClearField("terms"),
            "steps[0].selector.terms",
            "steps[0].selector",
        )
        fault(lambda r: r.steps[0].selector.terms[0].Clear(), "steps[0].selector.terms[0]")
        fault(
            lambda r: r.steps[0].selector.terms[0].predicate.Clear(),
            "steps[0].selector.terms[0].predicate",
        )
        leaf = "steps[0].selector.terms[0].predicate.leaf"
        fault(lambda r: r.steps[0].selector.terms[0].predicate.leaf.ClearField("equals"), leaf)
        fault(
            lambda r: r.steps[0].selector.terms[0].predicate.leaf.ClearField("property"),
            leaf + ".property",
            leaf,
        )
        fault(
            lambda r: r.steps[0].selector.terms[0].predicate.leaf.equals.Clear(),
            leaf + ".equals",
            leaf,
        )
        fault(
            lambda r: r.steps[0].selector.terms[0].predicate.leaf.in_set.SetInParent(),
            leaf + ".in_set",
            leaf + ".in_set.values",
            leaf,
        )
        fault(lambda r: setattr(r.breakdown, "top", 3), "breakdown.dimensions", "breakdown")
        fault(lambda r: setattr(r.breakdown, "top", 10_001), "breakdown.top", call="Series")
        fault(
            lambda r: r.series[0].selector.first_then_filter.SetInParent(),
            "series[0].selector.first_then_filter.filter",
            call="Series",
        )
        fault(lambda r: setattr(r.bucket, "unit", 99), "bucket.unit", call="Series")
        fault(lambda r: setattr(r.over_time, "multiple", 2), "over_time.unit")
        beyond = calendar_pb2.BucketSize(unit=calendar_pb2.TIME_UNIT_DAY, multiple=10_001)
        fault(lambda r: r.over_time.MergeFrom(beyond), "over_time.multiple")
        fault(lambda r: r.period.MergeFrom(beyond), "period.multiple", call="Retention")
        fault(
            lambda r: setattr(r.bucket, "unit", 1),
            "bucket",
            "bucket.unit",
            "scope.range",
            call="Series",
        )
        fault(
            lambda r: [r.series.add(selector=shop.selector()) for _ in range(32)],
            "series",
            call="Series",
        )
        fault(
            lambda r: setattr(r.series[0], "property", "price"), "series[0].property", call="Series"
        )
        fault(
            lambda r: r.ClearField("start_event"),
            "start_event",
            "start_event.terms",
            call="Retention",
        )
        fault(lambda r: r.ClearField("period"), "period", "period.unit", call="Retention")
        fault(lambda r: setattr(r, "last_period", 4000), "last_period", call="Retention")

        def brackets(count):
            def change(request):
                request.ClearField("last_period")
                for _ in range(count):
                    request.brackets.add(first=1, last=2)

            return change

        fault(brackets(1001), "brackets", call="Retention")
        fault(lambda r: r.brackets.add(first=2, last=1), "last_period", call="Retention")
        fault(lambda r: setattr(r, "same_value_on_return", True), "same_value_on_return",
              call="Retention")

    def test_series_faults(self):
        def measures(number, **options):
            def change(request):
                request.series[0].measure = number
                for name, value in options.items():
                    setattr(request.series[0], name, value)

            return change

        table = [
            (measures(6), "series[0].property"),
            (measures(1, property="x"), "series[0].property"),
            (measures(11, property="x", percentile=100.5), "series[0].percentile"),
            (measures(10, property="x", percentile=50), "series[0].percentile"),
            (measures(12, property="x"), "series[0].histogram_bins"),
            (measures(14, rolling_days=1001), "series[0].rolling_days"),
            (measures(3, session_gap_ms=-1), "series[0].session_gap_ms"),
            (measures(3, session_gap_ms=366 * 86_400_000 + 1), "series[0].session_gap_ms"),
            (lambda r: r.formulas.add(expression="A / C"), "formulas[0].expression"),
            (lambda r: r.formulas.add(), "formulas[0].expression"),
            (lambda r: r.comparison.SetInParent(), "comparison"),
            (lambda r: setattr(r.comparison.shift, "unit", 8), "comparison.shift.unit"),
            (
                lambda r: setattr(r.breakdown.dimensions.add().bins, "count", 3),
                "breakdown.dimensions[1].property",
            ),
            (
                lambda r: r.breakdown.dimensions.add().segments.SetInParent(),
                "breakdown.dimensions[1].segments.segments",
            ),
            (
                lambda r: r.breakdown.dimensions.add().user_count.SetInParent(),
                "breakdown.dimensions[1].user_count.selector.terms",
            ),
        ]
        for change, name in table:
            request = shop.series(PROJECT)
            change(request)
            with self.subTest(name=name):
                self.refused(queries().Series, request, "INVALID_ARGUMENT", name)


    def test_places_as_they_stand_in_the_request(self):
        """Also what is found only when the question is asked."""
        scope = f'scope {{ project: "{PROJECT}" time_zone: "%s" range {{ end_ms: 9 }} %s }} '
        here = scope % ("UTC", "")
        anything = "terms { any_event { } } "
        steps = f"steps {{ selector {{ {anything} }} }} "
        mean = f"exposure {{ {anything} }} metric {{ {anything} }} "
        node = f"selectors {{ selector {{ {anything} }} }} "
        long = f"behavior {{ sequence {{ {63 * steps} steps {{ adjacent: true selector {{ {anything} }} }} }} }}"
        variant = 'variant { event_property: "ab" } '
        adjacent = "behavior.sequence.steps[63].adjacent"
        paths, experiment, series = (
            ("Paths", paths_pb2.PathsRequest),
            ("Experiment", experiment_pb2.ExperimentRequest),
            ("Series", series_pb2.SeriesRequest),
        )
        for (call, kind), text, name in (
            (paths, here + f"selectors {{ {2 * node} }}", "selectors.selectors[1].name"),
            (paths, here + "selectors { selectors { } }", "selectors.selectors[0].selector.terms"),
            (experiment, variant + f"funnel {{ {here} {steps} }}", "funnel.steps"),
            (experiment, variant + f"funnel {{ {scope % ('Mars', '')} {2 * steps} }}", "funnel.scope.time_zone"),
            (experiment, variant + f"mean {{ {scope % ('Mars', '')} {mean} }}", "mean.scope.time_zone"),
            (experiment, variant + f"mean {{ {here} {mean} }} confidence: 2", "confidence"),
            (series, scope % ("UTC", f"segment {{ rule {{ {long} }} }}") + f"series {{ selector {{ {anything} }} }}",
             f"scope.segment.rule.{adjacent}"),
            (series, here + f"series {{ selector {{ {anything} }} }} breakdown {{ dimensions {{ segments {{ "
             f"segments {{ rule {{ negation {{ {long} }} }} }} }} }} }}",
             f"breakdown.dimensions[0].segments.segments[0].rule.negation.{adjacent}"),
            (series, here + f"series {{ selector {{ {anything} }} }} breakdown {{ dimensions {{ segments {{ "
             + 2 * f'segments {{ segment: "{PROJECT}/segments/nobody" }} ' + "} } }",
             "breakdown.dimensions[0].segments.segments[1]"),
        ):
            with self.subTest(name=name):
                request = text_format.Parse(text, kind())
                details = self.refused(getattr(queries(), call), request, "INVALID_ARGUMENT")
                self.assertEqual(details.fields, [name])

    def test_limits_of_predicates(self):
        """What is put around a predicate counts: what is taken can be stored, read and asked."""
        stub = definition_pb2_grpc.DefinitionServiceStub(SERVER.channel)

        def nested(levels, **leaf):
            out = predicate_pb2.Predicate()
            at = out
            for _ in range(levels - 1):
                at = at.negation
            at.leaf.property.event_property = "type"
            at.leaf.equals.string_value = "view"
            for name, value in leaf.items():
                setattr(at.leaf, name, value)
            return out

        def wide(count, **leaf):
            out = predicate_pb2.Predicate()
            for _ in range(count):
                out.any_of.predicates.add().CopyFrom(nested(1, **leaf))
            return out

        def selecting(*predicates, **occurrence):
            out = shop.series(PROJECT)
            out.ClearField("breakdown")
            del out.series[1:]
            selector = out.series[0].selector
            selector.Clear()
            for one in predicates:
                selector.terms.add().predicate.CopyFrom(one)
            for name, value in occurrence.items():
                getattr(selector, name).CopyFrom(value)
            return out

        first = {"first_time": selector_pb2.FirstTime()}

        def filtered(levels):
            return {"first_then_filter": selector_pb2.FirstThenFilter(filter=nested(levels))}

        def define(predicate, name="limits"):
            return definition_pb2.CreateDefinitionRequest(
                parent=PROJECT, definition_id=name, definition={"predicate": predicate})

        series = queries().Series
        for ask, taken, refused in (
            (stub.CreateDefinition, define(nested(32)), define(nested(33))),
            (stub.CreateDefinition, define(nested(31, negated=True)), define(nested(32, negated=True))),
            (stub.CreateDefinition, define(wide(4095)), define(wide(4096))),
            (stub.CreateDefinition, define(wide(2047, negated=True)), define(wide(2048, negated=True))),
            (series, selecting(nested(32)), selecting(nested(33))),
            (series, selecting(nested(31), nested(31)), selecting(nested(1), nested(32))),
            (series, selecting(nested(31), **first), selecting(nested(32), **first)),
            (series, selecting(nested(30), **filtered(31)), selecting(nested(31), **filtered(1))),
            (series, selecting(nested(30), **filtered(31)), selecting(nested(1), **filtered(32))),
            (series, selecting(wide(4095)), selecting(wide(4096))),
            (series, selecting(wide(2047), wide(2046)), selecting(wide(2047), wide(2047))),
        ):
            with self.assertRaises(grpc.RpcError) as caught:
                ask(refused, timeout=60)
            details = Details(caught.exception)
            self.assertEqual(details.code, "INVALID_ARGUMENT", str(details))
            path = "definition.predicate" if ask == stub.CreateDefinition else "series[0].selector."
            self.assertTrue(details.fields[0].startswith(path), str(details))
            self.assertNotIn(".first.", details.fields[0])
            ask(taken, timeout=60)
            if ask == stub.CreateDefinition:
                name = PROJECT + "/definitions/limits"
                got = stub.GetDefinition(definition_pb2.GetDefinitionRequest(name=name), timeout=60)
                self.assertEqual(got.definition.predicate.WhichOneof("kind"),
                                 taken.definition.predicate.WhichOneof("kind"))
                stub.DeleteDefinition(definition_pb2.DeleteDefinitionRequest(name=name), timeout=60)

    def test_a_value_is_named_as_it_was_sent(self):
        for value, field in (({"double_value": 4.5}, "equals"), ({"string_value": "x" * 65537}, "equals")):
            request = self.funnel()
            leaf = request.steps[0].selector.terms[0].predicate.leaf
            leaf.property.event_id.SetInParent()
            if "string_value" in value:
                leaf.property.event_property = "type"
            leaf.equals.CopyFrom(value_pb2.Value(**value))
            self.refused(queries().Funnel, request, "INVALID_ARGUMENT",
                         "steps[0].selector.terms[0].predicate.leaf." + field)

    def test_unknown_field_is_refused(self):
        request = self.funnel().SerializeToString() + field(999, b"news")
        self.refused(raw("/recount.v1.QueryService/Funnel"), request, "UNIMPLEMENTED")

    def test_bytes_that_are_no_text(self):
        for text in (b"\xff\xfe", b"a\0b"):
            leaf = field(1, field(1, b"type")) + field(10, text)
            step = field(1, field(1, field(3, field(4, leaf))))
            request = field(1, shop.scope(PROJECT).SerializeToString()) + field(2, step)
            with self.subTest(text=text):
                self.refused(raw("/recount.v1.QueryService/Funnel"), request, "INVALID_ARGUMENT")

    def test_bytes_that_are_no_message(self):
        for request in (
            b"\xff",
            b"\x0a\xff\xff\xff\xff\x0f",
            self.funnel().SerializeToString()[:-3],
        ):
            self.refused(raw("/recount.v1.QueryService/Funnel"), request, "INVALID_ARGUMENT")

    def test_segment_rules(self):
        stub = segment_pb2_grpc.SegmentServiceStub(SERVER.channel)

        def request(change):
            out = segment_pb2.CountSegmentRequest(scope=shop.scope(PROJECT))
            out.scope.ClearField("range")
            change(out.scope.segment.rule)
            return out

        table = [
            (lambda rule: rule.behavior.SetInParent(), "scope.segment.rule.behavior.selector"),
            (
                lambda rule: (
                    rule.behavior.selector.CopyFrom(shop.selector()),
                    setattr(rule.behavior.window, "prior_ms", 0),
                ),
                "scope.segment.rule.behavior.window.prior_ms",
            ),
            (
                lambda rule: (
                    rule.behavior.selector.CopyFrom(shop.selector()),
                    setattr(rule.behavior.comparison, "value", 1),
                ),
                "scope.segment.rule.behavior.comparison.operation",
            ),
            (
                lambda rule: (
                    setattr(rule.user_property.property, "event_property", "type"),
                    rule.user_property.is_set.SetInParent(),
                ),
                "scope.segment.rule.user_property.property",
            ),
        ]
        for change, name in table:
            with self.subTest(field=name):
                self.refused(stub.CountSegment, request(change), "INVALID_ARGUMENT", name)
        ranged = segment_pb2.CountSegmentRequest(scope=shop.scope(PROJECT))
        self.refused(stub.CountSegment, ranged, "INVALID_ARGUMENT", "scope.range")

    def test_names(self):
        stub = project_pb2_grpc.ProjectServiceStub(SERVER.channel)
        for bad in ("", "Shop", "-shop", "a" * 65, "a/b"):
            self.refused(
                stub.CreateProject,
                project_pb2.CreateProjectRequest(project_id=bad),
                "INVALID_ARGUMENT",
                "project_id",
            )
        self.refused(
            stub.CreateProject,
            project_pb2.CreateProjectRequest(
                project_id="zone", project=project_pb2.Project(time_zone="Nowhere")
            ),
            "INVALID_ARGUMENT",
            "project.time_zone",
        )


if __name__ == "__main__":
    sys.exit(run_unittests(sys.modules[__name__]))
