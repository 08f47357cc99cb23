#!/usr/bin/python3
"""Derived properties from outside: their life, what is refused, slow expressions, a restart."""

import sys
import unittest

from harness import Details, options, run_unittests

OPTIONS = options(__doc__.split("\n")[0])

import grpc
from google.protobuf import message_factory, text_format

import shop
from columnar import ndjson
from ingest import ingest_all
from server import Server
from recount.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    definition_pb2,
    definition_pb2_grpc,
    event_list_pb2,
    ingest_pb2,
    ingest_pb2_grpc,
    project_pb2,
    project_pb2_grpc,
    property_pb2,
    property_pb2_grpc,
    query_pb2,
    query_pb2_grpc,
    scope_pb2,
    series_pb2,
)

PROJECT = "projects/derived"
SERVER = None


def setUpModule():
    global SERVER
    SERVER = Server(OPTIONS.server).start()
    project_pb2_grpc.ProjectServiceStub(SERVER.channel).CreateProject(
        project_pb2.CreateProjectRequest(project_id="derived"), timeout=30
    )
    rows = [
        {
            "kind": "event",
            "user": f"u{i}",
            "time": shop.START + i,
            "id": str(i),
            "properties": {"url": f"https://H{i % 3}.example/p/{i}?r={i % 2}", "long": "a" * 60000},
        }
        for i in range(30)
    ]
    ingest_all(SERVER.channel, PROJECT, "rows", [ndjson(rows)])


def tearDownModule():
    SERVER.stop()


def stub():
    return property_pb2_grpc.PropertyServiceStub(SERVER.channel)


def create(name, fill):
    request = property_pb2.CreateDerivedPropertyRequest(parent=PROJECT, derived_property_id=name)
    fill(request.derived_property)
    return stub().CreateDerivedProperty(request, timeout=30).derived_property


def host(out):
    out.property.event_property = "url"
    out.steps.add().url_part.part = property_pb2.URL_PART_HOST


def series(fill):
    request = series_pb2.SeriesRequest()
    request.scope.project = PROJECT
    request.scope.range.start_ms, request.scope.range.end_ms = shop.START, shop.START + 86_400_000
    fill(request)
    return query_pb2_grpc.QueryServiceStub(SERVER.channel).Series(request, timeout=60)


def by_host(request):
    request.series.add().selector.terms.add().any_event.SetInParent()
    request.breakdown.dimensions.add().property.event_property = "host"


class Life(unittest.TestCase):
    def refused(self, code, call, *words):
        with self.assertRaises(grpc.RpcError) as caught:
            call()
        self.assertEqual(caught.exception.code(), code, caught.exception.details())
        shown = caught.exception.details() + str(Details(caught.exception).fields)
        for word in words:
            self.assertIn(word, shown)

    def test_life(self):
        made = create("host", host)
        self.assertEqual(made.name, PROJECT + "/derivedProperties/host")
        self.assertEqual(len(series(by_host).series[0].rows), 4)
        self.refused(grpc.StatusCode.ALREADY_EXISTS, lambda: create("host", host))
        define = definition_pb2.CreateDefinitionRequest(parent=PROJECT, definition_id="h1")
        define.definition.predicate.leaf.property.event_property = "host"
        define.definition.predicate.leaf.equals.string_value = "h1.example"
        definitions = definition_pb2_grpc.DefinitionServiceStub(SERVER.channel)
        definitions.CreateDefinition(define, timeout=30)
        delete = property_pb2.DeleteDerivedPropertyRequest(name=made.name)
        self.refused(
            grpc.StatusCode.ABORTED, lambda: stub().DeleteDerivedProperty(delete), '"h1"'
        )
        update = property_pb2.UpdateDerivedPropertyRequest(derived_property=made)
        update.derived_property.steps.add().map.entries.add()
        self.refused(
            grpc.StatusCode.INVALID_ARGUMENT,
            lambda: stub().UpdateDerivedProperty(update),
            "derived_property.steps[1].map.entries[0].from",
        )
        del update.derived_property.steps[1]
        update.derived_property.steps[0].url_part.parameter = "r"
        changed = stub().UpdateDerivedProperty(update, timeout=30).derived_property
        self.assertNotEqual(changed.etag, made.etag)
        self.refused(grpc.StatusCode.ABORTED, lambda: stub().UpdateDerivedProperty(update))
        self.assertEqual(len(series(by_host).series[0].rows), 3)
        SERVER.stop()
        SERVER.start()
        self.assertEqual(len(series(by_host).series[0].rows), 3)
        listed = stub().ListDerivedProperties(
            property_pb2.ListDerivedPropertiesRequest(parent=PROJECT), timeout=30
        )
        self.assertEqual([one.name for one in listed.derived_properties], [made.name])
        definition_pb2_grpc.DefinitionServiceStub(SERVER.channel).DeleteDefinition(
            definition_pb2.DeleteDefinitionRequest(name=PROJECT + "/definitions/h1"), timeout=30
        )
        stub().DeleteDerivedProperty(delete, timeout=30)
        get = property_pb2.GetDerivedPropertyRequest(name=made.name)
        self.refused(grpc.StatusCode.NOT_FOUND, lambda: stub().GetDerivedProperty(get))
        self.assertEqual(len(series(by_host).series[0].rows), 2)

    def test_a_byte_of_a_character(self):
        """What a group holds by \\C may be no text: it is null, and the reply can be read."""
        def capture(out):
            out.property.event_property = "name"
            out.steps.add(capture={"regex": "x(\\C)", "group": 1})

        made = create("byte", capture)
        rows = [
            {"kind": "event", "user": "bytes", "time": shop.START - 1, "id": str(i), "properties": {"name": text}}
            for i, text in enumerate(["xa", "x\u00fc"])
        ]
        ingest_all(SERVER.channel, PROJECT, "bytes", [ndjson(rows)])
        request = event_list_pb2.ListEventsRequest(parent=PROJECT, user="bytes", properties=["byte"])
        reply = query_pb2_grpc.QueryServiceStub(SERVER.channel).ListEvents(request, timeout=30)
        held = [[one.value.string_value for one in event.properties] for event in reply.events]
        self.assertEqual(held, [["a"], []])
        stub().DeleteDerivedProperty(property_pb2.DeleteDerivedPropertyRequest(name=made.name))

    def test_fields_of_an_update(self):
        """Each field that an update may change, alone; the others stay."""
        def update(paths, fill=lambda out: None):
            request = property_pb2.UpdateDerivedPropertyRequest()
            request.derived_property.name = PROJECT + "/derivedProperties/masked"
            request.update_mask.paths.extend(paths)
            fill(request.derived_property)
            return stub().UpdateDerivedProperty(request, timeout=30).derived_property

        def everything(out):
            out.display_name, out.description = "shown", "said"
            out.formula.expression = "A + 1"
            out.formula.properties.add(event_property="long")
            out.steps.add().number.SetInParent()

        def upper(out):
            out.property.event_property = "long"

        now = create("masked", host)
        expected = property_pb2.DerivedProperty()
        expected.CopyFrom(now)
        wanted = property_pb2.DerivedProperty()
        everything(wanted)
        for path in ("display_name", "description", "steps", "formula"):
            now = update([path], everything)
            if path == "steps":
                del expected.steps[:]
                expected.steps.extend(wanted.steps)
            elif path == "formula":
                expected.formula.CopyFrom(wanted.formula)
            else:
                setattr(expected, path, getattr(wanted, path))
            for one in (now, expected):
                one.etag, one.update_time_ms, one.version = "", 0, 0
            self.assertEqual(now, expected, path)
        now = update(["event_time"], lambda out: out.event_time.SetInParent())
        self.assertEqual((now.WhichOneof("source"), len(now.steps)), ("event_time", 1))
        now = update(["property", "steps"], upper)
        self.assertEqual((now.property.event_property, len(now.steps)), ("long", 0))
        # Without a mask: steps alone stay with their source, a source brings its steps.
        now = update([], lambda out: out.steps.add().lower_case.SetInParent())
        self.assertEqual((now.property.event_property, len(now.steps)), ("long", 1))
        self.assertEqual(len(update([], upper).steps), 0)
        invalid = grpc.StatusCode.INVALID_ARGUMENT
        self.refused(invalid, lambda: update(["formula"], upper), "derived_property.formula")
        self.refused(invalid, lambda: update(["event_time", "formula"], upper), "derived_property.formula")
        now = update(["property", "event_time", "formula", "steps"], upper)
        self.assertEqual((now.property.event_property, len(now.steps)), ("long", 0))
        for path in ("create_time_ms", "source", "steps.number", "name"):
            self.refused(invalid, lambda: update(["steps", path]), "update_mask", f'"{path}"')
        stub().DeleteDerivedProperty(property_pb2.DeleteDerivedPropertyRequest(name=now.name))

    def test_what_grows_under_others(self):
        """A change that would give those that come from it too many steps is refused, and names one."""
        def lower(source, steps=1):
            def fill(out):
                out.property.event_property = source
                for _ in range(steps):
                    out.steps.add().lower_case.SetInParent()
            return fill

        def change(steps):
            update = property_pb2.UpdateDerivedPropertyRequest()
            update.derived_property.name = PROJECT + "/derivedProperties/grows0"
            lower("url", steps)(update.derived_property)
            return stub().UpdateDerivedProperty(update, timeout=30).derived_property

        made = [create(f"grows{i}", lower(f"grows{i - 1}" if i else "url")).name for i in range(16)]
        self.refused(
            grpc.StatusCode.INVALID_ARGUMENT, lambda: create("grows16", lower("grows15")), "16 steps")
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, lambda: change(2), '"grows15"', "steps")
        stub().DeleteDerivedProperty(property_pb2.DeleteDerivedPropertyRequest(name=made.pop()))
        self.assertEqual(len(change(2).steps), 2)
        for name in reversed(made):
            stub().DeleteDerivedProperty(property_pb2.DeleteDerivedPropertyRequest(name=name))

    def test_slow_expression(self):
        def slow(request):
            term = request.series.add().selector.terms.add()
            term.predicate.leaf.property.event_property = "long"
            term.predicate.leaf.regex = "(a?.*){250}b"

        try:
            series(slow)
        except grpc.RpcError as error:
            self.assertEqual(error.code(), grpc.StatusCode.INVALID_ARGUMENT, error.details())
            self.assertIn("takes too long", error.details())

        def large(request):
            slow(request)
            request.series[0].selector.terms[0].predicate.leaf.regex = ".{0,1000}a.{0,1000}b"

        self.refused(
            grpc.StatusCode.INVALID_ARGUMENT, lambda: series(large), "18006", "leaf.regex"
        )

        def many(request):
            request.series.add()
            for _ in range(60):
                predicate = request.series[0].selector.terms.add().predicate
                for _ in range(2):
                    leaf = predicate.any_of.predicates.add().leaf
                    leaf.property.event_property = "long"
                    leaf.regex = "[ab]{0,900}"

        self.refused(
            grpc.StatusCode.INVALID_ARGUMENT, lambda: series(many), "too large together"
        )


class Texts(unittest.TestCase):
    """What is derived of texts that no dictionary has is kept by slab, as long as it means the same."""

    PROJECT = "projects/texts"
    USERS, EACH = 20, 40

    @classmethod
    def setUpClass(cls):
        cls.server = Server(OPTIONS.server, {"dictionary-entries-max": 3}).start()
        project_pb2_grpc.ProjectServiceStub(cls.server.channel).CreateProject(
            project_pb2.CreateProjectRequest(project_id="texts"), timeout=30)
        ingest_all(cls.server.channel, cls.PROJECT, "rows", [ndjson(cls.rows())])
        cls.server.stop()
        cls.server.start()  # The rows of heads are a slab now.

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.server.close()

    @classmethod
    def rows(cls):
        for user in range(cls.USERS):
            for i in range(cls.EACH):
                url = f"https://H{i % 7}.example/{user}/{i}?price={i % 5}.5&of=u{user}"
                yield {"kind": "event", "user": f"u{user}", "time": shop.START + user + i * 1000,
                       "id": f"{user}-{i}", "properties": {"url": url}}

    def change(self, fill):
        one = property_pb2.DerivedProperty(name=self.PROJECT + "/derivedProperties/part")
        one.property.event_property = "url"
        fill(one.steps)
        properties = property_pb2_grpc.PropertyServiceStub(self.server.channel)
        try:
            properties.UpdateDerivedProperty(
                property_pb2.UpdateDerivedPropertyRequest(derived_property=one), timeout=30)
        except grpc.RpcError as error:
            self.assertEqual(error.code(), grpc.StatusCode.NOT_FOUND)
            properties.CreateDerivedProperty(property_pb2.CreateDerivedPropertyRequest(
                parent=self.PROJECT, derived_property_id="part", derived_property=one), timeout=30)

    def ask(self, fill, cache=0):
        """The series, and how many columns were built and reused."""
        request = series_pb2.SeriesRequest()
        request.scope.project, request.scope.hints.cache = self.PROJECT, cache
        request.scope.range.start_ms, request.scope.range.end_ms = shop.START, shop.START + 86_400_000
        request.scope.hints.explain = True
        fill(request)
        reply = query_pb2_grpc.QueryServiceStub(self.server.channel).Series(request, timeout=60)
        parts = reply.info.plan.parts
        return reply.series, sum(one.derived_columns_built for one in parts), sum(
            one.derived_columns_reused for one in parts)

    def by_part(self, request):
        request.series.add().selector.terms.add().any_event.SetInParent()
        request.breakdown.dimensions.add().property.event_property = "part"
        request.breakdown.top = 50

    def sum_of_part(self, request):
        one = request.series.add()
        one.selector.terms.add().any_event.SetInParent()
        one.property, one.measure = "part", series_pb2.SERIES_MEASURE_PROPERTY_SUM

    def of_part(self, value):
        def fill(request):
            leaf = request.series.add().selector.terms.add().predicate.leaf
            leaf.property.event_property = "part"
            leaf.equals.string_value = value
        return fill

    def counts(self, cache=0):
        found, built, reused = self.ask(self.by_part, cache)
        rows = {row.label.values[0].value.string_value: row.total
                for row in found[0].rows if len(row.label.values) == 1}
        return rows, built, reused

    def kept_bytes(self):
        return admin_pb2_grpc.AdminServiceStub(self.server.channel).GetStatistics(
            admin_pb2.GetStatisticsRequest(project=self.PROJECT), timeout=30
        ).projects[0].memory.derived_column_bytes

    def test_kept_while_it_means_the_same(self):
        def hosts(steps):
            steps.add().url_part.part = property_pb2.URL_PART_HOST

        def prices(steps):
            steps.add().url_part.parameter = "price"
            steps.add().number.SetInParent()

        self.change(hosts)
        nothing, built, reused = self.counts(scope_pb2.CACHE_HINT_KEEP_NOTHING)
        self.assertEqual((built, reused, self.kept_bytes()), (0, 0, 0))
        first, built, reused = self.counts()
        self.assertEqual((first, reused), (nothing, 0))
        self.assertEqual(built, 1)
        self.assertGreaterEqual(self.kept_bytes(), self.USERS * self.EACH)
        self.assertEqual(self.counts(), (first, 0, 1))
        one = self.ask(self.of_part("h3.example"))
        self.assertEqual((one[0][0].rows[0].total, *one[1:]), (first["h3.example"], 0, 1))
        self.change(prices)
        price = sum(i % 5 + 0.5 for i in range(self.EACH)) * self.USERS
        for expected in ((1, 0), (0, 1)):
            found, built, reused = self.ask(self.sum_of_part)
            self.assertEqual((found[0].rows[0].total, built, reused), (price, *expected))
        self.change(hosts)
        self.assertEqual(self.counts(), (first, 0, 1))

    def test_those_of_deleted_users_go(self):
        def users(steps):
            steps.add().url_part.parameter = "of"

        self.change(users)
        self.assertEqual(self.counts()[0], {f"u{i}": self.EACH for i in range(self.USERS)})
        before = self.kept_bytes()
        ingest_pb2_grpc.IngestServiceStub(self.server.channel).DeleteUser(
            ingest_pb2.DeleteUserRequest(parent=self.PROJECT, user="u3"), timeout=30)
        left = {f"u{i}": self.EACH for i in range(self.USERS) if i != 3}
        self.assertEqual(self.counts()[0], left)
        admin_pb2_grpc.AdminServiceStub(self.server.channel).Purge(
            admin_pb2.PurgeRequest(), timeout=60)
        self.assertLess(self.kept_bytes(), before)
        self.assertEqual(self.counts()[0], left)


class TooSlow(unittest.TestCase):
    """A pattern that takes too long over a text is refused with the field of the request that it is in."""

    PROJECT = "projects/slow"
    REGEX = "([ab]*a[ab]{900}c)"
    ANY = "selector { terms { any_event {} } }"
    TERM = 'terms { predicate { leaf { property { event_property: "text" } regex: "%s" } } }' % REGEX
    SCOPE = 'scope { project: "%s" range { start_ms: %d end_ms: %d } %%s }' % (
        PROJECT, shop.START, shop.START + 86_400_000)
    RANGED = SCOPE % ""
    USER = 'property { user_property: "text" } regex: "%s"' % REGEX
    STEPS = f"steps {{ {ANY} }} steps {{ selector {{ {TERM} }} }}"
    BOTH = f"steps {{ {ANY} }} steps {{ {ANY} }}"
    DAY = "{ unit: TIME_UNIT_DAY }"
    SELECTOR = f"selector {{ {TERM} }}"
    SUM = f'series {{ {ANY} measure: SERIES_MEASURE_PROPERTY_SUM property: "dug" }}'
    DISTINCT = f'series {{ {ANY} measure: SERIES_MEASURE_PROPERTY_DISTINCT_VALUES property: "dug" }}'
    BY = 'breakdown { dimensions { property { event_property: "dug" } } }'
    ENTITY = SCOPE % 'entity_property: "dug"'

    @classmethod
    def cases(cls):
        """The method, a request, and the field."""
        in_segment = lambda rule: cls.SCOPE % f"segment {{ rule {{ {rule} }} }}"
        behaviour = f"behavior {{ selector {{ {cls.TERM} }} window {{ absolute {{ start_ms: 0 end_ms: 4000000000000 }} }} " \
                    "comparison { operation: COMPARISON_OPERATOR_GREATER value: 0 } }"
        return [
            ("Series", f"{cls.RANGED} series {{ {cls.ANY} }} series {{ {cls.SELECTOR} }}", "series[1].selector"),
            ("Series", f"{cls.RANGED} {cls.SUM}", "series[0].property"),
            ("Series", f"{cls.RANGED} {cls.DISTINCT}", "series[0].property"),
            ("Series", f"{cls.RANGED} series {{ {cls.ANY} }} {cls.BY}", "breakdown.dimensions[0]"),
            ("Series", f"{cls.ENTITY} series {{ {cls.ANY} }}", "scope.entity_property"),
            ("Series", f"{in_segment('user_property { ' + cls.USER + ' }')} series {{ {cls.ANY} }}",
             "scope.segment.rule.user_property"),
            ("Series", f"{in_segment(behaviour)} series {{ {cls.ANY} }}", "scope.segment.rule.behavior.selector"),
            ("Funnel", f"{cls.RANGED} {cls.STEPS}", "steps[1].selector"),
            ("Funnel", f'{cls.RANGED} {cls.BOTH} hold_constant {{ event_property: "dug" }}', "hold_constant[0]"),
            ("Funnel", f"{cls.RANGED} {cls.BOTH} {cls.BY}", "breakdown.dimensions[0]"),
            ("Retention", f"{cls.RANGED} start_event {{ terms {{ any_event {{}} }} }} return_event {{ {cls.TERM} }} "
                          f"period {cls.DAY} last_period: 1", "return_event"),
            ("Lifecycle", f"{cls.RANGED} {cls.SELECTOR} bucket {cls.DAY}", "selector"),
            ("Stickiness", f"{cls.RANGED} {cls.SELECTOR} bucket {cls.DAY}", "selector"),
            ("Sessions", f'{cls.RANGED} bucket {cls.DAY} entry_exit_property: "dug"', "entry_exit_property"),
            ("Paths", f'{cls.RANGED} property: "dug"', "property"),
            ("Experiment", f'funnel {{ {cls.RANGED} {cls.STEPS} }} variant {{ event_property: "a" }}',
             "funnel.steps[1].selector"),
            ("Explain", f"analyze: true funnel {{ {cls.RANGED} {cls.STEPS} }}", "funnel.steps[1].selector"),
            ("ListEvents", f'parent: "{cls.PROJECT}" user: "u" selector {{ {cls.TERM} }}', "selector"),
            ("ListEvents", f'parent: "{cls.PROJECT}" user: "u" properties: "dug"', "properties"),
            ("ListUsers", f'{cls.RANGED} properties: "udug"', "properties"),
            ("ListProperties", f"{cls.RANGED} {cls.SELECTOR}", "selector"),
            ("ListPropertyValues", f'{cls.RANGED} property {{ event_property: "dug" }}', "property"),
        ]

    @classmethod
    def setUpClass(cls):
        project_pb2_grpc.ProjectServiceStub(SERVER.channel).CreateProject(
            project_pb2.CreateProjectRequest(project_id="slow"), timeout=30)
        rows = [{"kind": "event", "user": "u", "time": shop.START, "id": "1",
                 "properties": {"text": "a" * 60000, "a": "x"}},
                {"kind": "set", "user": "u", "time": shop.START, "set": {"text": "a" * 60000}}]
        ingest_all(SERVER.channel, cls.PROJECT, "rows", [ndjson(rows)])
        for name, of in (("dug", "event_property"), ("udug", "user_property")):
            request = property_pb2.CreateDerivedPropertyRequest(parent=cls.PROJECT, derived_property_id=name)
            setattr(request.derived_property.property, of, "text")
            step = request.derived_property.steps.add().capture
            step.regex, step.group = cls.REGEX, 1
            stub().CreateDerivedProperty(request, timeout=30)

    def ask(self, method, text):
        service = next(one for one in (query_pb2.DESCRIPTOR.services_by_name["QueryService"],
                                       property_pb2.DESCRIPTOR.services_by_name["PropertyService"])
                       if method in one.methods_by_name)
        kind, answer = (message_factory.MessageFactory().GetPrototype(one) for one in (
            service.methods_by_name[method].input_type, service.methods_by_name[method].output_type))
        call = SERVER.channel.unary_unary(f"/{service.full_name}/{method}", kind.SerializeToString, answer.FromString)
        return call(text_format.Parse(text, kind()), timeout=30)

    def test_names_the_field(self):
        for where in ("head", "slab"):
            for method, text, field in self.cases():
                with self.subTest(where=where, method=method, field=field):
                    with self.assertRaises(grpc.RpcError) as caught:
                        self.ask(method, text)
                    found = Details(caught.exception)
                    self.assertEqual((found.reason, found.fields), ("PATTERN_TOO_SLOW", [field]), str(found))
            SERVER.stop()
            SERVER.start()


if __name__ == "__main__":
    sys.exit(run_unittests(sys.modules[__name__]))
