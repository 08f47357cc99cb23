#!/usr/bin/python3
"""Definitions, segments and derived properties as things that change: what they were, who changed them,
and changes that are asked for twice. One table of tests for all three kinds, and for projects.
"""

import os
import signal
import subprocess
import sys
import tempfile
import unittest
import uuid

from harness import Details, options, run_unittests

OPTIONS = options(__doc__.split("\n")[0])

import grpc
from google.protobuf import field_mask_pb2

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
    predicate_pb2,
    preview_pb2,
    project_pb2,
    project_pb2_grpc,
    property_pb2,
    property_pb2_grpc,
    query_pb2_grpc,
    segment_pb2,
    segment_pb2_grpc,
    suggest_pb2,
    value_pb2,
)

PROJECT = "projects/entries"
SERVER = None
BACKUPS = tempfile.TemporaryDirectory(prefix="recount-backups-")


def setUpModule():
    global SERVER
    SERVER = Server(OPTIONS.server, {"backup-directory": BACKUPS.name}).start()
    create_project("entries")
    ingest_all(SERVER.channel, PROJECT, "rows", [ndjson(shop.ROWS)])


def tearDownModule():
    SERVER.stop()
    BACKUPS.cleanup()


def projects():
    return project_pb2_grpc.ProjectServiceStub(SERVER.channel)


def create_project(name):
    projects().CreateProject(project_pb2.CreateProjectRequest(project_id=name), timeout=30)


class Kind:
    """A service of things of a project, by the names that its messages and fields have."""

    def __init__(self, module, stubs, service, one, many, field, collection, content):
        self.module, self.stubs, self.service = module, stubs, service
        self.one, self.many, self.field, self.collection = one, many, field, collection
        self.content = content  # A number to the fields of a thing.

    def call(self, method, timeout=30, **fields):
        request = getattr(self.module, method + "Request")(**fields)
        stub = getattr(self.stubs, self.service + "Stub")(SERVER.channel)
        return getattr(stub, method)(request, timeout=timeout)

    def name(self, name):
        return f"{PROJECT}/{self.collection}/{name}"

    def thing(self, number, **fields):
        return getattr(self.module, self.one)(**self.content(number), **fields)

    def of(self, reply):
        return getattr(reply, self.field)

    def create(self, name, number, **fields):
        thing = fields.pop("thing", None) or self.thing(number)
        ids = {self.field + "_id": name, self.field: thing}
        return self.of(self.call("Create" + self.one, parent=PROJECT, **ids, **fields))

    def update(self, name, number, thing_fields=None, **fields):
        thing = self.thing(number, name=self.name(name), **(thing_fields or {}))
        return self.of(self.call("Update" + self.one, **{self.field: thing}, **fields))

    def get(self, name, **fields):
        return self.of(self.call("Get" + self.one, name=self.name(name), **fields))

    def delete(self, name, **fields):
        return self.call("Delete" + self.one, name=self.name(name), **fields)

    def versions(self, name, **fields):
        return self.call(f"List{self.one}Versions", name=self.name(name), **fields)


def a_predicate(number):
    return {"predicate": shop.equals("type", f"t{number}")}


def a_list(number):
    return {"users": segment_pb2.UserList(users=[f"u{number}"])}


def a_derivation(number):
    step = property_pb2.DerivationStep(
        arithmetic=property_pb2.ArithmeticStep(
            operation=property_pb2.ARITHMETIC_OPERATION_ADD, operand=number
        )
    )
    return {"property": value_pb2.PropertyRef(event_property="price"), "steps": [step]}


KINDS = [
    Kind(definition_pb2, definition_pb2_grpc, "DefinitionService", "Definition", "Definitions",
         "definition", "definitions", a_predicate),
    Kind(segment_pb2, segment_pb2_grpc, "SegmentService", "Segment", "Segments", "segment",
         "segments", a_list),
    Kind(property_pb2, property_pb2_grpc, "PropertyService", "DerivedProperty", "DerivedProperties",
         "derived_property", "derivedProperties", a_derivation),
]
DEFINITIONS, SEGMENTS, PROPERTIES = KINDS


class Case(unittest.TestCase):
    def refused(self, code, call, *fields):
        with self.assertRaises(grpc.RpcError) as caught:
            call()
        details = Details(caught.exception)
        self.assertEqual(details.code, code, str(details))
        if fields:
            self.assertEqual(details.fields, list(fields), str(details))
        return details

    def each(self):
        """A name of its own for each kind."""
        for kind in KINDS:
            with self.subTest(kind=kind.one):
                yield kind, f"{self.id().rpartition('.')[2].replace('_', '-')}"

    def same_content(self, kind, found, number):
        for field, value in kind.content(number).items():
            here = getattr(found, field)
            self.assertEqual(list(here) if field == "steps" else here, value)


class Versions(Case):
    def test_versions(self):
        for kind, name in self.each():
            first = kind.create(name, 1, author="ada")
            self.assertEqual((first.version, first.etag, first.author), (1, "1", "ada"))
            second = kind.update(name, 2, author="grace")
            third = kind.update(name, 3)
            self.assertEqual((third.version, third.etag, third.author), (3, "3", ""))
            self.assertGreaterEqual(third.update_time_ms, second.update_time_ms)
            reply = kind.versions(name)
            self.assertEqual(list(reply.versions), [third, second, first])
            self.assertEqual(reply.next_page_token, "")
            for number, version in ((1, first), (2, second), (3, third)):
                self.assertEqual(kind.get(name, version=number), version)
                self.same_content(kind, version, number)
                self.assertEqual(version.create_time_ms, first.create_time_ms)
            self.assertEqual(kind.get(name), third)
            # A version that was is put back as a new one.
            old = kind.get(name, version=1)
            old.etag = third.etag
            self.assertEqual(kind.update(name, 1).version, 4)
            self.same_content(kind, kind.get(name), 1)

    def test_what_is_not_kept(self):
        for kind, name in self.each():
            kind.create(name, 1)
            details = self.refused("NOT_FOUND", lambda: kind.get(name, version=2))
            self.assertEqual(details.resource, kind.name(name))
            self.refused("NOT_FOUND", lambda: kind.get("none", version=1))
            self.refused("NOT_FOUND", lambda: kind.versions("none"))
            self.refused(
                "NOT_FOUND",
                lambda: kind.call(f"List{kind.one}Versions", name=f"projects/none/{kind.collection}/a"),
            )
            kind.update(name, 2)
            kind.delete(name)
            self.refused("NOT_FOUND", lambda: kind.get(name, version=1))
            self.refused("NOT_FOUND", lambda: kind.versions(name))
            # One of the same name is another.
            self.assertEqual(kind.create(name, 3).version, 1)
            self.assertEqual(len(kind.versions(name).versions), 1)

    def test_the_hundred_and_first(self):
        for kind, name in self.each():
            kind.create(name, 0)
            for number in range(1, 101):
                kind.update(name, number)
            self.refused("NOT_FOUND", lambda: kind.get(name, version=1))
            self.same_content(kind, kind.get(name, version=2), 1)
            self.assertEqual([one.version for one in kind.versions(name).versions],
                             list(range(101, 1, -1)))

    def test_pages(self):
        for kind, name in self.each():
            kind.create(name, 0)
            for number in range(1, 7):
                kind.update(name, number)
            found, token = [], ""
            while True:
                reply = kind.versions(name, page_size=3, page_token=token)
                self.assertLessEqual(len(reply.versions), 3)
                found += [one.version for one in reply.versions]
                if found == [7, 6, 5]:
                    kind.update(name, 7)  # What is new neither repeats nor hides one.
                token = reply.next_page_token
                if not token:
                    break
            self.assertEqual(found, [7, 6, 5, 4, 3, 2, 1])
            self.refused("INVALID_ARGUMENT", lambda: kind.versions(name, page_token="x"), "page_token")
            self.refused("INVALID_ARGUMENT", lambda: kind.versions(name, page_size=-1), "page_size")
            token = kind.versions(name, page_size=3).next_page_token
            kind.create(name + "-other", 0)
            self.refused("INVALID_ARGUMENT", lambda: kind.versions(name + "-other", page_token=token),
                         "page_token")

    def test_pages_of_large_things(self):
        """A page fits what clients take unless they are told otherwise, however large things are."""
        predicate = predicate_pb2.Predicate()
        predicate.leaf.property.event_property = "url"
        for number in range(10_000):
            predicate.leaf.in_set.values.add(string_value=f"{number:05}" + "x" * 140)
        large = definition_pb2.Definition(predicate=predicate)
        self.assertGreater(large.ByteSize(), 1_500_000)
        names = [f"large-{number}" for number in range(4)]
        for name in names:
            DEFINITIONS.create(name, 1, thing=large)
        large.name, large.description = DEFINITIONS.name(names[0]), "again"
        DEFINITIONS.call("UpdateDefinition", definition=large)
        with grpc.insecure_channel(SERVER.address) as channel:
            stub = definition_pb2_grpc.DefinitionServiceStub(channel)
            for method, field, request, expected in (
                (stub.ListDefinitions, "definitions",
                 definition_pb2.ListDefinitionsRequest(parent=PROJECT, id_prefix="large-"), [1, 1, 1, 1]),
                (stub.ListDefinitionVersions, "versions",
                 definition_pb2.ListDefinitionVersionsRequest(name=large.name), [1, 1]),
            ):
                counts = []
                while not counts or request.page_token:
                    reply = method(request, timeout=30)
                    counts.append(len(getattr(reply, field)))
                    request.page_token = reply.next_page_token
                self.assertEqual(counts, expected)
        for name in names:
            DEFINITIONS.delete(name)

    def test_authors(self):
        for kind, name in self.each():
            self.refused("INVALID_ARGUMENT", lambda: kind.create(name, 1, author="x" * 257), "author")
            self.assertEqual(kind.create(name, 1, author="x" * 256).author, "x" * 256)
            thing = kind.thing(1)
            thing.author, thing.version, thing.etag = "forged", 17, "17"
            made = kind.create(name + "-2", 1, thing=thing)
            self.assertEqual((made.author, made.version, made.etag), ("", 1, "1"))

    def test_a_restart(self):
        before = {}
        for kind, name in self.each():
            kind.create(name, 1, author="ada")
            kind.update(name, 2, author="grace")
            before[kind.one] = list(kind.versions(name).versions)
        for how in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
            restart(how)
            for kind, name in self.each():
                self.assertEqual(list(kind.versions(name).versions), before[kind.one])

    def test_a_reply_says_which_version_it_used(self):
        name = "used"
        DEFINITIONS.create(name, 1, thing=definition_pb2.Definition(predicate=shop.equals("type", "view")))
        outer = definition_pb2.Definition()
        outer.predicate.any_of.predicates.add(definition=DEFINITIONS.name(name))
        outer.predicate.any_of.predicates.add().CopyFrom(shop.equals("type", "submit"))
        DEFINITIONS.create("used-outer", 1, thing=outer)
        queries = query_pb2_grpc.QueryServiceStub(SERVER.channel)
        request = shop.series(PROJECT)
        request.ClearField("breakdown")
        del request.series[:]
        request.series.add(selector=shop.selector(definition=DEFINITIONS.name("used-outer")))
        request.series.add(selector=shop.selector(definition=DEFINITIONS.name(name)))

        def used(reply, field):
            uses = {one.name.rpartition("/")[2]: one.etag for one in getattr(reply.info, field)}
            self.assertEqual(len(uses), len(getattr(reply.info, field)))
            return uses

        def ask():
            reply = queries.Series(request, timeout=30)
            return used(reply, "definitions"), [one.rows[-1].total for one in reply.series]

        self.assertEqual(ask(), ({"used": "1", "used-outer": "1"}, [5, 3]))
        thing = definition_pb2.Definition(
            name=DEFINITIONS.name(name), predicate=shop.equals("type", "purchase"))
        DEFINITIONS.call("UpdateDefinition", definition=thing)
        uses, totals = ask()
        self.assertEqual((uses, totals), ({"used": "2", "used-outer": "1"}, [3, 1]))
        # Segments in segments, and derived properties of derived ones, of leaves and of breakdowns.
        PROPERTIES.create("used-price", 1)
        again = property_pb2.DerivedProperty(property=value_pb2.PropertyRef(event_property="used-price"))
        PROPERTIES.create("used-again", 1, thing=again)
        PROPERTIES.create("used-not", 1)
        SEGMENTS.create("used-list", 1)
        inner = segment_pb2.Segment()
        inner.rule.any_of.rules.add(segment=SEGMENTS.name("used-list"))
        behavior = inner.rule.any_of.rules.add().behavior
        behavior.selector.terms.add().definition = DEFINITIONS.name(name)
        SEGMENTS.create("used-rule", 1, thing=inner)
        SEGMENTS.update("used-list", 2)
        request.scope.segment.segment = SEGMENTS.name("used-rule")
        request.breakdown.dimensions.add().property.event_property = "used-again"
        reply = queries.Series(request, timeout=30)
        self.assertEqual(used(reply, "segments"), {"used-rule": "1", "used-list": "2"})
        self.assertEqual(used(reply, "derived_properties"), {"used-again": "1", "used-price": "1"})
        self.assertEqual(used(reply, "definitions"), {"used": "2", "used-outer": "1"})
        overlap = SEGMENTS.call("OverlapSegments", scope={"project": PROJECT}, segments=[
            {"segment": SEGMENTS.name("used-list")}, {"segment": SEGMENTS.name("used-list")}])
        self.assertEqual(used(overlap, "segments"), {"used-list": "2"})
        # What the first reply meant can still be said.
        was = DEFINITIONS.get(name, version=1)
        self.assertEqual(was.predicate, shop.equals("type", "view"))
        request = shop.series(PROJECT)
        self.assertEqual(list(queries.Series(request, timeout=30).info.definitions), [])


def restart(how, meanwhile=lambda: None):
    SERVER.kill() if how == signal.SIGKILL else SERVER.stop()
    meanwhile()
    SERVER.start()


class Retries(Case):
    def test_a_change_asked_for_twice(self):
        for kind, name in self.each():
            ids = [str(uuid.uuid4()) for _ in range(3)]
            made = kind.create(name, 1, author="ada", request_id=ids[0])
            self.assertEqual(kind.create(name, 1, author="ada", request_id=ids[0]), made)
            changed = kind.update(name, 2, request_id=ids[1])
            self.assertEqual(kind.update(name, 2, request_id=ids[1]), changed)
            self.assertEqual((made.version, changed.version), (1, 2))
            self.assertEqual(kind.create(name, 1, author="ada", request_id=ids[0]), made)
            self.assertEqual(kind.get(name), changed)
            kind.delete(name, request_id=ids[2])
            for how in (None, signal.SIGKILL, signal.SIGTERM):
                if how is not None:
                    restart(how)
                kind.delete(name, request_id=ids[2])
                self.assertEqual(kind.create(name, 1, author="ada", request_id=ids[0]), made)
                self.assertEqual(kind.update(name, 2, request_id=ids[1]), changed)
                self.refused("NOT_FOUND", lambda: kind.get(name))

    def test_an_id_of_another_change(self):
        for kind, name in self.each():
            one = str(uuid.uuid4())
            kind.create(name, 1, request_id=one)
            for other in (
                lambda: kind.create(name, 2, request_id=one),
                lambda: kind.create(name, 1, author="eve", request_id=one),
                lambda: kind.create(name + "2", 1, request_id=one),
                lambda: kind.update(name, 1, request_id=one),
                lambda: kind.delete(name, request_id=one),
            ):
                self.refused("INVALID_ARGUMENT", other, "request_id")
            self.assertEqual(kind.get(name).version, 1)

    def test_ids_are_of_a_project(self):
        one = str(uuid.uuid4())
        create_project("entries-2")
        for kind, name in self.each():
            ids = {kind.field + "_id": name, kind.field: kind.thing(1)}
            kind.create(name, 1, request_id=one + kind.one)
            other = kind.call("Create" + kind.one, parent="projects/entries-2", request_id=one + kind.one,
                              **ids)
            self.assertIn("projects/entries-2/", kind.of(other).name)

    def test_what_failed_is_not_remembered(self):
        for kind, name in self.each():
            one = str(uuid.uuid4())
            self.refused("NOT_FOUND", lambda: kind.update(name, 1, request_id=one))
            kind.create(name, 1)
            self.assertEqual(kind.update(name, 1, request_id=one).version, 2)
            self.assertEqual(kind.update(name, 1, request_id=one).version, 2)

    def test_etags_and_masks_do_not_matter_the_second_time(self):
        for kind, name in self.each():
            one = str(uuid.uuid4())
            kind.create(name, 1)
            fields = {
                "thing_fields": {"display_name": "Named", "etag": "1"},
                "update_mask": field_mask_pb2.FieldMask(paths=["display_name"]),
                "request_id": one,
            }
            changed = kind.update(name, 5, **fields)
            self.assertEqual((changed.display_name, changed.version), ("Named", 2))
            self.same_content(kind, changed, 1)
            kind.update(name, 3)
            self.assertEqual(kind.update(name, 5, **fields), changed)
            self.assertEqual(kind.get(name).version, 3)

    def test_long_ids(self):
        for kind, name in self.each():
            self.refused("INVALID_ARGUMENT", lambda: kind.create(name, 1, request_id="x" * 129),
                         "request_id")
            kind.create(name, 1, request_id=kind.one.ljust(128, "x"))
            self.refused("NOT_FOUND",
                         lambda: kind.call("Delete" + kind.one, request_id="y",
                                           name=f"projects/none/{kind.collection}/a"))

    def test_projects(self):
        one, two, three = (str(uuid.uuid4()) for _ in range(3))
        create = project_pb2.CreateProjectRequest(
            project_id="asked", project=project_pb2.Project(time_zone="Europe/Berlin"), request_id=one)
        update = project_pb2.UpdateProjectRequest(
            project=project_pb2.Project(name="projects/asked", display_name="Asked"), request_id=two)
        delete = project_pb2.DeleteProjectRequest(name="projects/asked", request_id=three)
        made = projects().CreateProject(create, timeout=30)
        changed = projects().UpdateProject(update, timeout=30)
        other = project_pb2.CreateProjectRequest(project_id="asked", request_id=one)
        self.refused("INVALID_ARGUMENT", lambda: projects().CreateProject(other, timeout=30), "request_id")
        self.assertEqual(projects().CreateProject(create, timeout=30), made)
        projects().DeleteProject(delete, timeout=30)
        for how in (None, signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
            if how is not None:
                restart(how)
            projects().DeleteProject(delete, timeout=30)
            self.assertEqual(projects().CreateProject(create, timeout=30), made)
            self.assertEqual(projects().UpdateProject(update, timeout=30), changed)
            self.refused("NOT_FOUND", lambda: projects().GetProject(
                project_pb2.GetProjectRequest(name="projects/asked"), timeout=30))


class Fields(Case):
    def test_errors_name_fields_of_the_request(self):
        for kind, name in self.each():
            kind.create(name, 1)
            self.refused("ALREADY_EXISTS", lambda: kind.create(name, 1), f"{kind.field}_id")
            self.refused("ABORTED", lambda: kind.update(name, 2, {"etag": "7"}), f"{kind.field}.etag")
            self.refused("ABORTED", lambda: kind.update(name, 2, {"etag": "x"}), f"{kind.field}.etag")
            self.refused("NOT_FOUND", lambda: kind.update("no-such", 2), f"{kind.field}.name")
            self.refused("NOT_FOUND", lambda: kind.delete("no-such"), "name")
            self.refused("ABORTED", lambda: kind.delete(name, etag="7"), "etag")
            kind.delete(name)


class Batch(Case):
    """Definitions that are created together."""

    def requests(self, prefix, count, **fields):
        return [definition_pb2.CreateDefinitionRequest(
            definition_id=f"{prefix}-{number}", definition=DEFINITIONS.thing(number), **fields)
            for number in range(count)]

    def batch(self, requests, **fields):
        return DEFINITIONS.call("BatchCreateDefinitions", parent=PROJECT, requests=requests, **fields).definitions

    def naming(self, name, *named):
        predicate = {"all_of": {"predicates": [{"definition": DEFINITIONS.name(one)} for one in named]}}
        return definition_pb2.CreateDefinitionRequest(
            definition_id=name, definition=definition_pb2.Definition(predicate=predicate))

    def test_together(self):
        most = self.requests("batch", 999, parent=PROJECT) + [self.naming("batch-all", "batch-0", "batch-998")]
        made = self.batch(most, author="ada")
        self.assertEqual([one.name for one in made], [DEFINITIONS.name(one.definition_id) for one in most])
        self.assertEqual({(one.etag, one.version, one.author) for one in made}, {("1", 1, "ada")})
        for how in (None, signal.SIGKILL, signal.SIGTERM):
            if how is not None:
                restart(how)
            for number in (0, 7, 998, 999):
                self.assertEqual(DEFINITIONS.get(most[number].definition_id), made[number])
        # What names others keeps them, after a start from a snapshot too.
        self.refused("ABORTED", lambda: DEFINITIONS.delete("batch-998"))
        DEFINITIONS.delete("batch-all")
        DEFINITIONS.delete("batch-998")

    def test_all_or_none(self):
        DEFINITIONS.create("none-2", 1)
        taken = self.requests("none", 4)
        self.refused("ALREADY_EXISTS", lambda: self.batch(taken), "requests[2].definition_id")
        twice = self.requests("none", 2) + self.requests("none", 1)
        self.refused("ALREADY_EXISTS", lambda: self.batch(twice), "requests[2].definition_id")
        missing = self.requests("none", 1) + [self.naming("none-1", "none-3")] + self.requests("none", 4)[3:]
        found = self.refused("NOT_FOUND", lambda: self.batch(missing),
                             "requests[1].definition.predicate.all_of[0].definition")
        self.assertEqual(found.resource, DEFINITIONS.name("none-3"))
        wrong = self.requests("none", 2)
        wrong[1].definition.predicate.leaf.regex = "("
        self.refused("INVALID_ARGUMENT", lambda: self.batch(wrong), "requests[1].definition.predicate.leaf.regex")
        wrong = self.requests("none", 2)
        wrong[1].definition_id = "No"
        self.refused("INVALID_ARGUMENT", lambda: self.batch(wrong), "requests[1].definition_id")
        for field, value in (("parent", "projects/other"), ("request_id", "x"), ("author", "x")):
            self.refused("INVALID_ARGUMENT", lambda: self.batch(self.requests("none", 1, **{field: value})),
                         f"requests[0].{field}")
        self.refused("INVALID_ARGUMENT", lambda: self.batch([]), "requests")
        self.refused("INVALID_ARGUMENT", lambda: self.batch(self.requests("none", 1001)), "requests")
        self.refused("NOT_FOUND", lambda: DEFINITIONS.call(
            "BatchCreateDefinitions", parent="projects/none", requests=self.requests("none", 1)))
        for name in ("none-0", "none-1", "none-3"):
            self.refused("NOT_FOUND", lambda: DEFINITIONS.get(name))

    def test_asked_twice(self):
        asked = {"requests": self.requests("twice", 3), "request_id": str(uuid.uuid4()), "author": "ada"}
        made = self.batch(**asked)
        DEFINITIONS.delete("twice-1")
        for how in (None, signal.SIGKILL, signal.SIGTERM):
            if how is not None:
                restart(how)
            self.assertEqual(self.batch(**asked), made)
            self.refused("NOT_FOUND", lambda: DEFINITIONS.get("twice-1"))
        asked["requests"] = self.requests("other", 3)
        self.refused("INVALID_ARGUMENT", lambda: self.batch(**asked), "request_id")


def named_by(name):
    """What a definition does not mean."""
    return predicate_pb2.Predicate(negation=predicate_pb2.Predicate(definition=DEFINITIONS.name(name)))


class Forced(Case):
    """What others use and is deleted all the same."""

    USER = "u1"

    def setUp(self):
        self.addCleanup(self.clean)
        self.made = []

    def clean(self):
        for kind, name in reversed(self.made):
            try:
                kind.delete(name, force=True)
            except grpc.RpcError as error:
                self.assertEqual(error.code(), grpc.StatusCode.NOT_FOUND)

    def make(self, kind, name, thing):
        self.made.append((kind, name))
        return kind.create(name, 1, thing=thing)

    def define(self, name, kind=None, but=None, **fields):
        thing = definition_pb2.Definition(**fields)
        if kind is not None:
            thing.predicate.CopyFrom(shop.equals("type", kind))
        else:
            thing.predicate.negation.definition = DEFINITIONS.name(but)
        return self.make(DEFINITIONS, name, thing)

    def segment_of(self, **fields):
        thing = segment_pb2.Segment()
        if "definition" in fields:
            selector = thing.rule.any_of.rules.add().behavior.selector
            selector.terms.add().definition = DEFINITIONS.name(fields["definition"])
        else:
            thing.rule.any_of.rules.add(
                segment=SEGMENTS.name(fields["segment"]), segment_version=fields.get("version", 0))
        return thing

    def events_of(self, name):
        request = shop.series(PROJECT)
        request.ClearField("breakdown")
        del request.series[:]
        request.series.add(selector=shop.selector(definition=DEFINITIONS.name(name)))
        stub = query_pb2_grpc.QueryServiceStub(SERVER.channel)
        return stub.Series(request, timeout=30).series[0].rows[-1].total

    def users_of(self, name):
        return SEGMENTS.call("CountSegment", scope={
            "project": PROJECT, "as_of_ms": shop.AS_OF,
            "segment": {"segment": SEGMENTS.name(name)}}).user_count

    def exported(self, name):
        scope = {"project": PROJECT, "as_of_ms": shop.AS_OF, "segment": {"segment": SEGMENTS.name(name)}}
        stub = segment_pb2_grpc.SegmentServiceStub(SERVER.channel)
        return list(stub.ExportSegment(segment_pb2.ExportSegmentRequest(scope=scope), timeout=30))

    def meanings(self):
        """What the first two events of a user mean."""
        request = event_list_pb2.ListEventsRequest(
            parent=PROJECT, user=self.USER, page_size=2, with_definitions=True)
        reply = query_pb2_grpc.QueryServiceStub(SERVER.channel).ListEvents(request, timeout=30)
        return [[name.rpartition("/")[2] for name in one.definitions if "/forced-" in name]
                for one in reply.events]

    def suggested(self):
        request = suggest_pb2.SuggestDefinitionsRequest(user=self.USER, event_id="e2")
        request.scope.CopyFrom(shop.scope(PROJECT))
        stub = definition_pb2_grpc.DefinitionServiceStub(SERVER.channel)
        found = set()
        for one in stub.SuggestDefinitions(request, timeout=30).suggestions:
            found.update(name.rpartition("/")[2] for name in one.definitions if "/forced-" in name)
        return found

    def built(self):
        reply = DEFINITIONS.call("BuildDefinitions", parent=PROJECT)
        return [one.name.rpartition("/")[2] for one in reply.counts if "/forced-" in one.name]

    def of_terms(self, filtered):
        """A user's events, of a selector whose second term, or whose filter, leads to what is missing."""
        request = event_list_pb2.ListEventsRequest(parent=PROJECT, user=self.USER)
        request.selector.CopyFrom(shop.selector())
        if filtered:
            request.selector.first_then_filter.filter.definition = DEFINITIONS.name("forced-outer")
        else:
            request.selector.terms[0].predicate.CopyFrom(shop.equals("type", "view"))
            request.selector.terms.add().predicate.CopyFrom(named_by("forced-outer"))
        query_pb2_grpc.QueryServiceStub(SERVER.channel).ListEvents(request, timeout=30)

    def preview(self, **fields):
        request = preview_pb2.PreviewDefinitionRequest(scope=shop.scope(PROJECT), **fields)
        definition_pb2_grpc.DefinitionServiceStub(SERVER.channel).PreviewDefinition(request, timeout=30)

    def check(self):
        reply = admin_pb2_grpc.AdminServiceStub(SERVER.channel).Check(
            admin_pb2.CheckRequest(), timeout=60)
        self.assertEqual((reply.problem_count, list(reply.findings)), (0, []))

    def recountd(self, *words):
        run = subprocess.run([SERVER.program, *words], check=False, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT)
        self.assertEqual(run.returncode, 0, run.stdout)

    def test_a_definition(self):
        eager = definition_pb2.INDEX_MODE_EAGER
        self.define("forced-base", "submit")
        self.define("forced-user", but="forced-base", index_mode=eager)
        self.define("forced-outer", but="forced-user")
        self.define("forced-other", "submit", index_mode=eager)
        self.make(SEGMENTS, "forced-did", self.segment_of(definition="forced-base"))
        self.make(SEGMENTS, "forced-too", self.segment_of(segment="forced-did"))
        whole = [[["forced-user"], ["forced-base", "forced-other", "forced-outer"]],
                 {"forced-base", "forced-other", "forced-outer"}, 4]

        def all_of():
            return [self.meanings(), self.suggested(), len(self.built())]

        self.assertEqual(all_of(), whole)
        used = self.refused("ABORTED", lambda: DEFINITIONS.delete("forced-base"), "name")
        self.assertIn('used by the definition "forced-user"', used.message)
        self.refused("ABORTED", lambda: DEFINITIONS.delete("forced-base", etag="7", force=True), "etag")
        DEFINITIONS.delete("forced-base", force=True)
        self.refused("NOT_FOUND", lambda: DEFINITIONS.delete("forced-base", force=True))
        for how in (None, signal.SIGKILL, signal.SIGTERM):
            with self.subTest(how=how):
                if how is not None:
                    restart(how, lambda: self.recountd("--check", os.path.join(SERVER.folder, "data")))
                for ask, *fields in (
                    (lambda: self.events_of("forced-base"), "series[0].selector.terms[0].definition"),
                    (lambda: self.events_of("forced-user"), "series[0].selector.terms[0].definition"),
                    (lambda: self.events_of("forced-outer"), "series[0].selector.terms[0].definition"),
                    (lambda: self.of_terms(False), "selector.terms[1].predicate.negation.definition"),
                    (lambda: self.of_terms(True), "selector.first_then_filter.filter.definition"),
                    (lambda: self.preview(definition=DEFINITIONS.name("forced-outer")), "definition"),
                    (lambda: self.preview(predicate=named_by("forced-outer")),
                     "predicate.negation.definition"),
                    (lambda: DEFINITIONS.call("UpdateDefinition", definition=definition_pb2.Definition(
                        name=DEFINITIONS.name("forced-other"), predicate=named_by("forced-outer"))),
                     "definition.predicate.negation.definition"),
                    (lambda: self.users_of("forced-did"), "scope.segment.any_of[0].behavior.selector.definition"),
                    (lambda: self.exported("forced-did"),
                     "scope.segment.any_of[0].behavior.selector.definition"),
                    (lambda: self.users_of("forced-too"),
                     "scope.segment.any_of[0].any_of[0].behavior.selector.definition"),
                    (lambda: DEFINITIONS.call("BuildDefinitions", parent=PROJECT, names=[
                        DEFINITIONS.name("forced-other"), DEFINITIONS.name("forced-outer")]),
                     "names[1]"),
                    (lambda: DEFINITIONS.call("BuildDefinitions", parent=PROJECT, names=[
                        DEFINITIONS.name("forced-other"), DEFINITIONS.name("forced-base")]), "names[1]"),
                ):
                    details = self.refused("NOT_FOUND", ask, *fields)
                    self.assertIn('"forced-base"', details.message)
                    self.assertEqual(details.resource, DEFINITIONS.name("forced-base"))
                details = self.refused("NOT_FOUND", lambda: self.events_of("forced-outer"))
                self.assertIn('"forced-base", which "forced-user" names', details.message)
                self.assertEqual(self.events_of("forced-other"), 2)
                self.assertEqual(all_of(), [[[], ["forced-other"]], {"forced-other"}, 1])
                self.check()
        admin_pb2_grpc.AdminServiceStub(SERVER.channel).CreateBackup(
            admin_pb2.CreateBackupRequest(backup_id="forced"), timeout=60)
        with tempfile.TemporaryDirectory(prefix="recount-restored-") as restored:
            self.recountd("--restore", os.path.join(BACKUPS.name, "forced"), "--data", restored)
            self.recountd("--check", restored)
        # It can be read, and changed in all but what it names.
        named = DEFINITIONS.get("forced-user").predicate
        self.assertEqual(named.negation.definition, DEFINITIONS.name("forced-base"))
        label = definition_pb2.Label(key="a", value="b")
        for fields in ({"description": "It waits."}, {"labels": [label]}, {"predicate": named}):
            thing = definition_pb2.Definition(name=DEFINITIONS.name("forced-user"), **fields)
            changed = DEFINITIONS.call("UpdateDefinition", definition=thing).definition
        self.assertEqual((changed.description, list(changed.labels)), ("It waits.", [label]))
        SEGMENTS.call("UpdateSegment", segment=segment_pb2.Segment(
            name=SEGMENTS.name("forced-did"), display_name="Did"))
        outer = predicate_pb2.Predicate()
        outer.any_of.predicates.add().definition = DEFINITIONS.name("forced-base")
        update = definition_pb2.Definition(name=DEFINITIONS.name("forced-outer"), predicate=outer)
        missing = self.refused("NOT_FOUND", lambda: DEFINITIONS.call("UpdateDefinition", definition=update))
        self.assertIn('"forced-base"', missing.message)
        self.refused("NOT_FOUND", lambda: self.define("forced-new", but="forced-outer"))
        # One that would name itself by way of those that waited is none; any other is what they name.
        circle = self.refused("INVALID_ARGUMENT", lambda: self.define("forced-base", but="forced-outer"))
        self.assertIn("circle", circle.message)
        self.define("forced-base", "submit")
        self.assertEqual(all_of(), whole)
        self.assertEqual((self.events_of("forced-user"), self.users_of("forced-too")), (4, 2))
        # Whoever names it can go before it is there again.
        DEFINITIONS.delete("forced-base", force=True)
        for kind, name in ((SEGMENTS, "forced-too"), (SEGMENTS, "forced-did"),
                           (DEFINITIONS, "forced-outer"), (DEFINITIONS, "forced-user")):
            kind.delete(name)
        self.assertEqual(self.built(), ["forced-other"])

    def test_what_grows_under_others(self):
        """A change that would make those that lead to it too deep is refused, and names one."""
        self.define("deep-0", "submit")
        for depth in range(1, 32):
            self.define(f"deep-{depth}", but=f"deep-{depth - 1}")
        new = self.refused("INVALID_ARGUMENT", lambda: self.define("deep-32", but="deep-31"),
                           "definition.predicate.negation.definition")
        self.assertIn("32 deep", new.message)

        def change(**fields):
            thing = definition_pb2.Definition(name=DEFINITIONS.name("deep-0"), **fields)
            return DEFINITIONS.call("UpdateDefinition", definition=thing).definition

        twice = predicate_pb2.Predicate()
        twice.negation.negation.CopyFrom(shop.equals("type", "submit"))
        grown = self.refused("INVALID_ARGUMENT", lambda: change(predicate=twice), "definition.predicate")
        self.assertIn('definition "deep-', grown.message)
        self.assertEqual(change(predicate=shop.equals("type", "view")).version, 2)
        everything = DEFINITIONS.call("BuildDefinitions", parent=PROJECT)
        self.assertIn(DEFINITIONS.name("deep-31"), [one.name for one in everything.counts])
        for depth in (31, 30):
            DEFINITIONS.delete(f"deep-{depth}")
        self.assertEqual(change(predicate=twice).version, 3)
        self.check()

    def test_what_grows_under_segments(self):
        """The same of a definition in the selector of a segment, and of a segment in a rule."""
        self.define("grows", "submit")
        self.make(SEGMENTS, "of-grows", self.segment_of(definition="grows"))
        step = segment_pb2.Segment()
        for _ in range(2):
            predicate = step.rule.behavior.sequence.steps.add().selector.terms.add().predicate
            for _ in range(31):
                predicate = predicate.negation
            predicate.definition = DEFINITIONS.name("grows")
        self.make(SEGMENTS, "at-the-limit", step)
        self.make(SEGMENTS, "leads-there", self.segment_of(segment="at-the-limit"))

        def define(**fields):
            thing = definition_pb2.Definition(name=DEFINITIONS.name("grows"), **fields)
            return DEFINITIONS.call("UpdateDefinition", definition=thing).definition

        twice = predicate_pb2.Predicate()
        twice.negation.negation.CopyFrom(shop.equals("type", "submit"))
        grown = self.refused("INVALID_ARGUMENT", lambda: define(predicate=twice), "definition.predicate")
        self.assertIn('segment "at-the-limit"', grown.message)
        self.assertEqual(define(predicate=shop.equals("type", "view"), description="Views").version, 2)
        deeper = segment_pb2.Segment()
        deeper.CopyFrom(step)
        last = deeper.rule.behavior.sequence.steps[1].selector.terms[0].predicate
        while last.negation.HasField("negation"):
            last = last.negation
        last.negation.negation.definition = DEFINITIONS.name("grows")
        self.refused("INVALID_ARGUMENT", lambda: self.make(SEGMENTS, "too-deep", deeper))
        self.assertEqual(self.users_of("leads-there"), 1)

        def rule(depth, inner):
            out = segment_pb2.Segment(name=SEGMENTS.name("inner"))
            at = out.rule
            for _ in range(depth):
                at = at.negation
            at.CopyFrom(inner)
            return out

        leaf = segment_pb2.Segment(rule={"segment": SEGMENTS.name("of-grows")}).rule
        self.make(SEGMENTS, "inner", rule(9, leaf))
        outer = rule(2, segment_pb2.Segment(rule={"segment": SEGMENTS.name("inner")}).rule)
        self.make(SEGMENTS, "outer", outer)
        grown = self.refused(
            "INVALID_ARGUMENT", lambda: SEGMENTS.call("UpdateSegment", segment=rule(10, leaf)), "segment.rule")
        self.assertIn('segment "outer"', grown.message)
        self.assertEqual(SEGMENTS.get("inner").version, 1)
        self.refused("INVALID_ARGUMENT", lambda: self.make(SEGMENTS, "too-deep", rule(3, outer.rule.negation.negation)),
                     "segment.rule")
        SEGMENTS.call("UpdateSegment", segment=rule(8, leaf))
        SEGMENTS.call("UpdateSegment", segment=rule(9, leaf))
        self.check()

    def test_names_at_their_places(self):
        """What a change names and is not there, leads back, or is too large is told at its place."""
        self.define("there", "submit")
        tree = predicate_pb2.Predicate()
        tree.all_of.predicates.add().definition = DEFINITIONS.name("there")
        tree.all_of.predicates.add().negation.any_of.predicates.add().definition = DEFINITIONS.name("gone")
        place = "all_of[1].negation.any_of[0].definition"

        def change(name, predicate, field):
            thing = definition_pb2.Definition(name=DEFINITIONS.name(name), predicate=predicate)
            return lambda: DEFINITIONS.call("UpdateDefinition", definition=thing), "definition.predicate." + field

        create = definition_pb2.Definition(predicate=tree)
        found = self.refused("NOT_FOUND", lambda: self.make(DEFINITIONS, "names", create),
                             "definition.predicate." + place)
        self.assertEqual(found.resource, DEFINITIONS.name("gone"))
        self.define("gone", "submit")
        self.make(DEFINITIONS, "names", create)
        self.refused("INVALID_ARGUMENT", *change("there", tree, "all_of[0].definition"))
        tree.all_of.predicates[0].definition = DEFINITIONS.name("names")
        self.refused("INVALID_ARGUMENT", *change("gone", tree, "all_of[0].definition"))
        for where, fill in (
            ("rule.any_of[1].negation.segment", lambda rule: setattr(rule, "segment", SEGMENTS.name("gone"))),
            ("rule.any_of[1].negation.behavior.selector.terms[1].definition", lambda rule: (
                rule.behavior.selector.terms.add(definition=DEFINITIONS.name("there")),
                rule.behavior.selector.terms.add(definition=DEFINITIONS.name("never")))),
            ("rule.any_of[1].negation.behavior.sequence.steps[1].selector.terms[0].predicate.negation.definition",
             lambda rule: (
                 rule.behavior.sequence.steps.add().selector.terms.add().any_event.SetInParent(),
                 setattr(rule.behavior.sequence.steps.add().selector.terms.add().predicate.negation,
                         "definition", DEFINITIONS.name("never")))),
        ):
            thing = segment_pb2.Segment()
            thing.rule.any_of.rules.add().all_of.SetInParent()
            fill(thing.rule.any_of.rules.add().negation)
            found = self.refused("NOT_FOUND", lambda: self.make(SEGMENTS, "names", thing), "segment." + where)
            self.assertIn(found.resource, (SEGMENTS.name("gone"), DEFINITIONS.name("never")))
        self.make(SEGMENTS, "first", segment_pb2.Segment(users={"users": ["u1"]}))
        self.make(SEGMENTS, "second", self.segment_of(segment="first"))
        back = self.segment_of(segment="second")
        back.name = SEGMENTS.name("first")
        self.refused("INVALID_ARGUMENT", lambda: SEGMENTS.call("UpdateSegment", segment=back),
                     "segment.rule.any_of[0].segment")
        back.rule.any_of.rules[0].segment_version = 7
        self.refused("NOT_FOUND", lambda: SEGMENTS.call("UpdateSegment", segment=back),
                     "segment.rule.any_of[0].segment_version")
        # Of derived properties the source is the place.
        self.make(PROPERTIES, "round-1", property_pb2.DerivedProperty(
            property=value_pb2.PropertyRef(event_property="round-2")))
        for source, field in (
            ({"property": {"event_property": "round-1"}}, "property"),
            ({"formula": {"expression": "A / B", "properties": [
                {"event_property": "price"}, {"event_property": "round-1"}]}}, "formula.properties[1]"),
        ):
            found = self.refused("INVALID_ARGUMENT", lambda: self.make(
                PROPERTIES, "round-2", property_pb2.DerivedProperty(**source)), "derived_property." + field)
            self.assertIn("circle", found.message)

    def test_a_segment(self):
        self.make(SEGMENTS, "forced-list", segment_pb2.Segment(users={"users": ["u1", "u2"]}))
        SEGMENTS.call("UpdateSegment", segment=segment_pb2.Segment(
            name=SEGMENTS.name("forced-list"), users={"users": ["u1"]}))
        self.make(SEGMENTS, "forced-now", self.segment_of(segment="forced-list"))
        self.make(SEGMENTS, "forced-was", self.segment_of(segment="forced-list", version=1))
        self.make(SEGMENTS, "forced-two", self.segment_of(segment="forced-list", version=2))
        used = self.refused("ABORTED", lambda: SEGMENTS.delete("forced-list"), "name")
        self.assertIn('used by the segment "forced-now"', used.message)
        SEGMENTS.delete("forced-list", force=True, request_id="forced-1")
        SEGMENTS.delete("forced-list", force=True, request_id="forced-1")
        self.refused("INVALID_ARGUMENT", lambda: SEGMENTS.delete("forced-list", request_id="forced-1"))
        restart(signal.SIGKILL)
        for name in ("forced-now", "forced-was", "forced-two"):
            details = self.refused("NOT_FOUND", lambda: self.users_of(name), "scope.segment.segment")
            self.assertIn('"forced-list"', details.message)
        self.check()
        circle = self.refused("INVALID_ARGUMENT", lambda: self.make(
            SEGMENTS, "forced-list", self.segment_of(segment="forced-now")))
        self.assertIn("circle", circle.message)
        self.make(SEGMENTS, "forced-list", segment_pb2.Segment(users={"users": ["u1", "u2", "u3"]}))
        self.assertEqual([self.users_of(name) for name in ("forced-now", "forced-was")], [3, 3])
        self.refused("NOT_FOUND", lambda: self.users_of("forced-two"), "scope.segment.segment_version")

    def test_a_derived_property(self):
        """Its name means what is stored under it."""
        self.make(PROPERTIES, "forced-path", property_pb2.DerivedProperty(
            property=value_pb2.PropertyRef(event_property="path")))
        thing = definition_pb2.Definition(predicate=shop.equals("forced-path", "/signup"))
        self.make(DEFINITIONS, "forced-reads", thing)
        self.assertEqual(self.events_of("forced-reads"), 2)
        self.refused("ABORTED", lambda: PROPERTIES.delete("forced-path"), "name")
        PROPERTIES.delete("forced-path", force=True)
        self.assertEqual(self.events_of("forced-reads"), 0)
        restart(signal.SIGKILL)
        self.assertEqual(self.events_of("forced-reads"), 0)
        self.check()
        self.make(PROPERTIES, "forced-path", property_pb2.DerivedProperty(
            property=value_pb2.PropertyRef(event_property="path")))
        self.assertEqual(self.events_of("forced-reads"), 2)


class Built(Case):
    """Definitions that are built beforehand, and their labels."""

    def build(self, *names):
        return DEFINITIONS.call("BuildDefinitions", parent=PROJECT,
                                names=[DEFINITIONS.name(name) for name in names])

    def test_build(self):
        DEFINITIONS.create("build-view", 1, thing=definition_pb2.Definition(
            predicate=shop.equals("type", "view")))
        free = definition_pb2.Definition()
        free.predicate.leaf.property.user_property = "plan"
        free.predicate.leaf.equals.string_value = "free"
        DEFINITIONS.create("build-free", 1, thing=free)
        reply = self.build("build-view", "build-free")
        view, of_user = reply.counts
        self.assertEqual((view.name, view.etag, view.event_count), (DEFINITIONS.name("build-view"), "1", 3))
        self.assertEqual(of_user.WhichOneof("optional_event_count"), None)
        self.assertNotEqual(reply.data_version, "")
        again = self.build("build-view")
        self.assertEqual(again.counts[0].event_count, 3)
        everything = DEFINITIONS.call("BuildDefinitions", parent=PROJECT)
        names = [one.name for one in everything.counts]
        self.assertEqual(names, sorted(names))
        self.assertIn(DEFINITIONS.name("build-view"), names)
        DEFINITIONS.update("build-view", 1)  # Of no event.
        (count,) = self.build("build-view").counts
        self.assertEqual((count.etag, count.event_count), ("2", 0))

    def test_build_refuses(self):
        self.refused("NOT_FOUND", lambda: self.build("no-such"), "names[0]")
        self.refused("NOT_FOUND", lambda: DEFINITIONS.call("BuildDefinitions", parent="projects/none"))
        self.refused("INVALID_ARGUMENT", lambda: DEFINITIONS.call(
            "BuildDefinitions", parent=PROJECT, names=["projects/other/definitions/a"]), "names[0]")
        self.refused("INVALID_ARGUMENT", lambda: self.build(*["a"] * 10_001), "names")
        DEFINITIONS.create("a", 1)
        self.assertEqual(len(self.build(*["a"] * 10_000).counts), 10_000)

    def test_index_mode(self):
        eager, lazy = definition_pb2.INDEX_MODE_EAGER, definition_pb2.INDEX_MODE_LAZY
        self.assertEqual(DEFINITIONS.create("mode", 1).index_mode, lazy)
        # Without a mask, what is not set stays.
        self.assertEqual(DEFINITIONS.update("mode", 1, {"index_mode": eager}).index_mode, eager)
        self.assertEqual(DEFINITIONS.update("mode", 2).index_mode, eager)
        mask = field_mask_pb2.FieldMask(paths=["index_mode"])
        changed = DEFINITIONS.update("mode", 3, {"index_mode": lazy}, update_mask=mask)
        self.assertEqual(changed.index_mode, lazy)
        self.same_content(DEFINITIONS, changed, 2)
        self.assertEqual([one.index_mode for one in DEFINITIONS.versions("mode").versions],
                         [lazy, eager, eager, lazy])
        made = DEFINITIONS.create("mode-2", 1, thing=DEFINITIONS.thing(1, index_mode=eager))
        self.assertEqual(made.index_mode, eager)
        self.refused("INVALID_ARGUMENT", lambda: DEFINITIONS.create(
            "mode-3", 1, thing=DEFINITIONS.thing(1, index_mode=7)))

    def labelled(self, name, *labels):
        thing = DEFINITIONS.thing(1, labels=[definition_pb2.Label(key=key, value=value)
                                             for key, value in labels])
        return DEFINITIONS.create(name, 1, thing=thing)

    def test_labels(self):
        made = self.labelled("labels", ("b", "2"), ("a", ""))
        self.assertEqual([(one.key, one.value) for one in made.labels], [("a", ""), ("b", "2")])
        most = [(f"k{number:02}", "v" * 256) for number in range(32)]
        self.assertEqual(len(self.labelled("labels-most", *most).labels), 32)
        self.assertEqual(len(self.labelled("labels-long", ("k" * 63, "")).labels), 1)
        for name, labels, field in (
            ("labels-33", most + [("k33", "")], "definition.labels"),
            ("labels-key", [("a", ""), ("k" * 64, "")], "definition.labels[1].key"),
            ("labels-empty", [("", "x")], "definition.labels[0].key"),
            ("labels-letters", [("Team", "x")], "definition.labels[0].key"),
            ("labels-value", [("team", "x" * 257)], "definition.labels[0].value"),
            ("labels-twice", [("team", "x"), ("team", "y")], "definition.labels"),
        ):
            with self.subTest(name=name):
                self.refused("INVALID_ARGUMENT", lambda: self.labelled(name, *labels), field)

    def test_lists_by_labels(self):
        for number in range(40):
            self.labelled(f"by-{number:02}", *[(f"k{key}", str(number % 3)) for key in range(number % 4)])

        def wanted(*labels):
            filters = [definition_pb2.LabelFilter(key=key, **value) for key, value in labels]
            found, token = [], ""
            while True:
                reply = DEFINITIONS.call("ListDefinitions", parent=PROJECT, id_prefix="by-", labels=filters,
                                         page_size=7, page_token=token)
                found += [one.name.rpartition("/")[2] for one in reply.definitions]
                token = reply.next_page_token
                if not token:
                    return found

        of = [(number, number % 4, str(number % 3)) for number in range(40)]
        self.assertEqual(wanted(("k1", {})), [f"by-{n:02}" for n, count, _ in of if count > 1])
        self.assertEqual(wanted(("k0", {"value": "2"}), ("k2", {})),
                         [f"by-{n:02}" for n, count, value in of if count > 2 and value == "2"])
        self.assertEqual(wanted(("k3", {})), [])
        self.assertEqual(len(wanted(*[("k0", {})] * 32)), 30)
        self.refused("INVALID_ARGUMENT", lambda: wanted(*[("k0", {})] * 33), "labels")
        self.refused("INVALID_ARGUMENT", lambda: wanted(("k0", {}), ("", {})), "labels[1].key")


if __name__ == "__main__":
    sys.exit(run_unittests(sys.modules[__name__]))
