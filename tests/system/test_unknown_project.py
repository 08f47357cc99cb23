#!/usr/bin/python3
"""Every call of the contract, asked of a project that is not there, or that is named wrongly: the error names
the field of the request in which its project stands. The calls are those of the contract's descriptors, so
one that is new has to be told here how it is asked.
"""

import sys
import unittest

from harness import Details, options, run_unittests

OPTIONS = options(__doc__.split("\n")[0])

import grpc
from google.protobuf import message_factory, text_format
from google.protobuf.descriptor import FieldDescriptor

from server import Server
from recount.v1 import (
    admin_pb2,
    definition_pb2,
    ingest_pb2,
    project_pb2,
    project_pb2_grpc,
    property_pb2,
    query_pb2,
    segment_pb2,
)

ANY = "selector { terms { any_event {} } }"
PREDICATE = "predicate { all_of {} }"
RANGE = "range { start_ms: 0 end_ms: 86400000 }"
SCOPE = 'scope { project: "$" }'
RANGED = 'scope { project: "$" ' + RANGE + " }"
STEPS = f"steps {{ {ANY} }} steps {{ {ANY} }}"
DAY = "{ unit: TIME_UNIT_DAY }"
SERIES = f"{RANGED} series {{ {ANY} }} bucket {DAY}"
ENTITY = 'scope { project: "$" entity_property: "account" }'

# How each call is asked of a project "$"; None: it asks of no project, or of more than one.
CALLS = {
    "ProjectService": {
        "CreateProject": None,
        "GetProject": 'name: "$"',
        "ListProjects": None,
        "UpdateProject": 'project { name: "$" display_name: "a" }',
        "DeleteProject": 'name: "$"',
    },
    "DefinitionService": {
        "CreateDefinition": f'parent: "$" definition_id: "a" definition {{ {PREDICATE} }}',
        "BatchCreateDefinitions": f'parent: "$" requests {{ definition_id: "a" definition {{ {PREDICATE} }} }}',
        "GetDefinition": 'name: "$/definitions/a"',
        "ListDefinitions": 'parent: "$"',
        "ListDefinitionVersions": 'name: "$/definitions/a"',
        "UpdateDefinition": f'definition {{ name: "$/definitions/a" {PREDICATE} }}',
        "DeleteDefinition": 'name: "$/definitions/a"',
        "BuildDefinitions": 'parent: "$"',
        "PreviewDefinition": f"{SCOPE} {PREDICATE}",
        "SuggestDefinitions": f'{SCOPE} user: "u" event_id: "e"',
    },
    "PropertyService": {
        "CreateDerivedProperty": 'parent: "$" derived_property_id: "a" derived_property { event_time {} }',
        "GetDerivedProperty": 'name: "$/derivedProperties/a"',
        "ListDerivedProperties": 'parent: "$"',
        "ListDerivedPropertyVersions": 'name: "$/derivedProperties/a"',
        "UpdateDerivedProperty": 'derived_property { name: "$/derivedProperties/a" event_time {} }',
        "DeleteDerivedProperty": 'name: "$/derivedProperties/a"',
        "ListProperties": SCOPE,
        "ListPropertyValues": f'{SCOPE} property {{ event_property: "a" }}',
    },
    "SegmentService": {
        "CreateSegment": 'parent: "$" segment_id: "a" segment { rule { all_of {} } }',
        "GetSegment": 'name: "$/segments/a"',
        "ListSegments": 'parent: "$"',
        "ListSegmentVersions": 'name: "$/segments/a"',
        "UpdateSegment": 'segment { name: "$/segments/a" rule { all_of {} } }',
        "DeleteSegment": 'name: "$/segments/a"',
        "CountSegment": SCOPE,
        "ListSegmentUsers": SCOPE,
        "ExportSegment": SCOPE,
        "OverlapSegments": SCOPE + " segments { rule { all_of {} } }",
    },
    "QueryService": {
        "Funnel": f"{RANGED} {STEPS}",
        "Retention": f"{RANGED} start_event {{ terms {{ any_event {{}} }} }} period {DAY} last_period: 1",
        "Series": SERIES,
        "Lifecycle": f"{RANGED} {ANY} bucket {DAY}",
        "Stickiness": f"{RANGED} {ANY} bucket {DAY}",
        "Sessions": f"{RANGED} bucket {DAY}",
        "Paths": f'{RANGED} property: "a"',
        "Experiment": f'funnel {{ {RANGED} {STEPS} }} variant {{ event_property: "a" }}',
        "Correlation": f"{RANGED} converted {{ rule {{ all_of {{}} }} }} events {{ terms {{ any_event {{}} }} }}",
        "ListUsers": SCOPE,
        "ListEntities": ENTITY,
        "ExportEntities": ENTITY,
        "ListEvents": 'parent: "$" user: "u"',
        "Explain": f"series {{ {SERIES} }}",
    },
    "IngestService": {
        "Ingest": 'project: "$" client_stream: "s"',
        "DeleteUser": 'parent: "$" user: "u" allow_missing: true',
        "ExportUser": 'parent: "$" user: "u"',
    },
    "AdminService": {
        "CreateSnapshot": None,
        "GetStatistics": 'project: "$"',
        "Check": 'parent: "$"',
        "CreateBackup": None,
        "Purge": None,
        "ListStatements": None,  # What is left of a project that is gone is listed.
        "ResetStatements": None,
        "ListQueries": None,
        "CancelQuery": None,
    },
}
OPTIONAL = {"GetStatistics", "Check"}  # No project: all of them.
MODULES = (project_pb2, definition_pb2, property_pb2, segment_pb2, query_pb2, ingest_pb2, admin_pb2)
SERVER = None


def setUpModule():
    global SERVER
    SERVER = Server(OPTIONS.server).start()


def tearDownModule():
    SERVER.stop()
    SERVER.close()


def services():
    for module in MODULES:
        yield from module.DESCRIPTOR.services_by_name.values()


def methods():
    for service in services():
        for method in service.methods:
            yield service, method


def class_of(descriptor):
    return message_factory.MessageFactory().GetPrototype(descriptor)


def request_of(service, method, project):
    text = CALLS[service.name][method.name]
    return text_format.Parse(text.replace("$", project), class_of(method.input_type)())


def places(message, text, path=""):
    """The paths of the fields that hold a text that begins so."""
    for field, value in message.ListFields():
        here = f"{path}{field.name}"
        if field.type == FieldDescriptor.TYPE_STRING and field.label != FieldDescriptor.LABEL_REPEATED:
            if value.startswith(text):
                yield here
        elif field.type == FieldDescriptor.TYPE_MESSAGE and field.label != FieldDescriptor.LABEL_REPEATED:
            yield from places(value, text, here + ".")


def place_of(service, method):
    (place,) = places(request_of(service, method, "projects/none"), "projects/none")
    return place


def call(service, method, request):
    """Makes a call of whatever kind, and gives the error that ends it."""
    channel, path = SERVER.channel, f"/{service.full_name}/{method.name}"
    write, read = class_of(method.input_type).SerializeToString, class_of(method.output_type).FromString
    try:
        if method.name == "Ingest":
            list(channel.stream_stream(path, write, read)(iter([request]), timeout=30))
        elif method.name.startswith("Export"):
            list(channel.unary_stream(path, write, read)(request, timeout=30))
        else:
            channel.unary_unary(path, write, read)(request, timeout=30)
    except grpc.RpcError as error:
        return Details(error)
    return None


class UnknownProject(unittest.TestCase):
    def refused(self, code, project, change=lambda method, request: True):
        """Every call is refused for the project; change says which are made."""
        for service, method in methods():
            if CALLS[service.name][method.name] is None:
                continue
            with self.subTest(call=method.name, project=project):
                place = place_of(service, method)
                request = request_of(service, method, project)
                if not change(method, request):
                    continue
                found = call(service, method, request)
                self.assertIsNotNone(found)
                self.assertEqual((found.code, found.fields), (code, [place]), str(found))
                if code == "NOT_FOUND":
                    self.assertEqual(found.resource, "projects/none")
                    self.assertIn('"none"', found.message)

    def test_all_calls_are_here(self):
        self.assertEqual({service.name: {one.name for one in service.methods} for service in services()},
                         {name: set(calls) for name, calls in CALLS.items()})

    def test_one_that_is_not_there(self):
        self.refused("NOT_FOUND", "projects/none")

    def test_one_that_is_named_wrongly(self):
        for wrong in ("none", "projects/", "projects/a/b", "Projects/a"):
            self.refused("INVALID_ARGUMENT", wrong)

    def test_none(self):
        self.refused("INVALID_ARGUMENT", "", lambda method, request: method.name not in OPTIONAL)

    def test_under_a_request_id(self):
        """A retry asks for the project before anything else of the request is read."""
        def with_id(method, request):
            known = "request_id" in method.input_type.fields_by_name
            if known:
                request.request_id = "r"
            return known

        self.refused("NOT_FOUND", "projects/none", with_id)


class ChangesOfProjects(unittest.TestCase):
    def refused(self, code, ask, request, field):
        with self.assertRaises(grpc.RpcError) as caught:
            ask(request, timeout=30)
        found = Details(caught.exception)
        self.assertEqual((found.code, found.fields), (code, [field]), str(found))
        return found

    def test_fields(self):
        stub = project_pb2_grpc.ProjectServiceStub(SERVER.channel)
        create = project_pb2.CreateProjectRequest(project_id="taken", request_id="taken-1")
        stub.CreateProject(create, timeout=30)
        create.request_id = ""
        found = self.refused("ALREADY_EXISTS", stub.CreateProject, create, "project_id")
        self.assertEqual(found.resource, "projects/taken")
        create.project.display_name = "a"
        create.request_id = "taken-1"
        self.refused("INVALID_ARGUMENT", stub.CreateProject, create, "request_id")
        update = project_pb2.UpdateProjectRequest(project={"name": "projects/taken", "etag": "7"})
        for etag in ("7", "x"):
            update.project.etag = etag
            self.refused("ABORTED", stub.UpdateProject, update, "project.etag")
        delete = project_pb2.DeleteProjectRequest(name="projects/taken", etag="7")
        self.refused("ABORTED", stub.DeleteProject, delete, "etag")
        update = project_pb2.UpdateProjectRequest(
            project={"name": "projects/taken", "shown_ids": "("})
        self.refused("INVALID_ARGUMENT", stub.UpdateProject, update, "project.shown_ids")


if __name__ == "__main__":
    sys.exit(run_unittests(sys.modules[__name__]))
