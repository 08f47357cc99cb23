#!/usr/bin/python3
"""docs/semantics.md is true: every example of the page, asked of the server and of the oracle.

Each example is a project of its own. Its rows go in as NDJSON; its questions are asked while they
are in the head, and again after a restart, when they are in slabs. What the page says is refused is
sent and must be refused with UNIMPLEMENTED (what it says is undefined: with INVALID_ARGUMENT) and
the field's name.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "system")]

from harness import Details, options

OPTIONS = options(
    __doc__.split("\n")[0],
    (["--page"], {"default": os.path.join(HERE, "..", "..", "docs", "semantics.md")}),
)

import grpc
from google.protobuf import text_format

import comparison_queries
import usage_wire
import wire
import wire_derived
import wire_funnel
import wire_preview
import wire_property_list
import wire_retention
import wire_series
import wire_suggest
from columnar import ndjson
from data import Data
from evaluator import evaluate
from example_questions import Question
from examples import DAY_MS, EPOCH_MS, Example, Unreadable, blocks
from ingest import ingest_all
from recount.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    correlation_pb2,
    definition_pb2,
    definition_pb2_grpc,
    entity_list_pb2,
    experiment_pb2,
    funnel_pb2,
    lifecycle_pb2,
    paths_pb2,
    preview_pb2,
    property_list_pb2,
    project_pb2,
    project_pb2_grpc,
    property_pb2,
    property_pb2_grpc,
    query_pb2_grpc,
    retention_pb2,
    segment_pb2,
    segment_pb2_grpc,
    series_pb2,
    sessions_pb2,
    stickiness_pb2,
    suggest_pb2,
    user_list_pb2,
)
from server import Server, ServerDied

SECONDS = 60
FAILURES = (Unreadable, grpc.RpcError, ServerDied, ValueError, KeyError, IndexError, TimeoutError)
REFUSED = {
    "Series": (query_pb2_grpc.QueryServiceStub, series_pb2.SeriesRequest),
    "Funnel": (query_pb2_grpc.QueryServiceStub, funnel_pb2.FunnelRequest),
    "Retention": (query_pb2_grpc.QueryServiceStub, retention_pb2.RetentionRequest),
    "Lifecycle": (query_pb2_grpc.QueryServiceStub, lifecycle_pb2.LifecycleRequest),
    "Sessions": (query_pb2_grpc.QueryServiceStub, sessions_pb2.SessionsRequest),
    "Paths": (query_pb2_grpc.QueryServiceStub, paths_pb2.PathsRequest),
    "Stickiness": (query_pb2_grpc.QueryServiceStub, stickiness_pb2.StickinessRequest),
    "ListEntities": (query_pb2_grpc.QueryServiceStub, entity_list_pb2.ListEntitiesRequest),
    "ListUsers": (query_pb2_grpc.QueryServiceStub, user_list_pb2.ListUsersRequest),
    "Correlation": (query_pb2_grpc.QueryServiceStub, correlation_pb2.CorrelationRequest),
    "Experiment": (query_pb2_grpc.QueryServiceStub, experiment_pb2.ExperimentRequest),
    "CountSegment": (segment_pb2_grpc.SegmentServiceStub, segment_pb2.CountSegmentRequest),
    "CreateSegment": (segment_pb2_grpc.SegmentServiceStub, segment_pb2.CreateSegmentRequest),
    "CreateDefinition": (
        definition_pb2_grpc.DefinitionServiceStub,
        definition_pb2.CreateDefinitionRequest,
    ),
    "CreateDerivedProperty": (
        property_pb2_grpc.PropertyServiceStub,
        property_pb2.CreateDerivedPropertyRequest,
    ),
    "ListProperties": (
        property_pb2_grpc.PropertyServiceStub,
        property_list_pb2.ListPropertiesRequest,
    ),
    "ListPropertyValues": (
        property_pb2_grpc.PropertyServiceStub,
        property_list_pb2.ListPropertyValuesRequest,
    ),
    "PreviewDefinition": (
        definition_pb2_grpc.DefinitionServiceStub,
        preview_pb2.PreviewDefinitionRequest,
    ),
    "SuggestDefinitions": (
        definition_pb2_grpc.DefinitionServiceStub,
        suggest_pb2.SuggestDefinitionsRequest,
    ),
    "CreateProject": (project_pb2_grpc.ProjectServiceStub, project_pb2.CreateProjectRequest),
    "CreateSnapshot": (admin_pb2_grpc.AdminServiceStub, admin_pb2.CreateSnapshotRequest),
    "Purge": (admin_pb2_grpc.AdminServiceStub, admin_pb2.PurgeRequest),
}


class Tally:
    def __init__(self):
        self.passed, self.failed = 0, 0

    def check(self, place, expected, got):
        if expected == got:
            self.passed += 1
            return
        self.failed += 1
        print(f"FAILED {place}\n  the page: {expected}\n  the answer: {got}", flush=True)

    def fault(self, place, error):
        self.failed += 1
        text = f"{error.code().name}: {error.details()}" if is_call(error) else repr(error)
        print(f"FAILED {place}\n  {text}", flush=True)


def is_call(error):
    return isinstance(error, grpc.RpcError)


CALLS = usage_wire.CALLS | comparison_queries.CALLS


class Asker:
    """Questions as calls of one server, answers in the oracle's shape."""

    def __init__(self, channel, project):
        self.project = project
        self.queries = query_pb2_grpc.QueryServiceStub(channel)
        self.segments = segment_pb2_grpc.SegmentServiceStub(channel)
        self.definitions = definition_pb2_grpc.DefinitionServiceStub(channel)
        self.properties = property_pb2_grpc.PropertyServiceStub(channel)

    def ask(self, query):
        if query["kind"] in CALLS:
            method, request_of, answer_of = CALLS[query["kind"]]
            request = comparison_queries.fill_cells(
                query, self.project, self.queries, request_of(query, self.project)
            )
            try:
                return answer_of(getattr(self.queries, method)(request, timeout=SECONDS))
            except grpc.RpcError as error:
                if query["kind"] == "experiment" and error.code() == grpc.StatusCode.NOT_FOUND:
                    return {"error": "NOT_FOUND"}
                raise
        if query["kind"] in wire_property_list.LISTS:
            ask = wire_property_list.LISTS[query["kind"]]
            return ask(self.properties, query, self.project)
        if query["kind"] == "user_list":
            return usage_wire.list_users(self, query, self.project)
        if query["kind"] == "entity_list":
            return usage_wire.list_entities(self, query, self.project)
        return getattr(self, "ask_" + query["kind"])(query)

    def ask_series(self, query):
        request = wire_series.series_request(query, self.project)
        return wire_series.series_reply(self.queries.Series(request, timeout=SECONDS))

    def ask_funnel(self, query):
        request = wire_funnel.funnel_request(query, self.project)
        return wire_funnel.funnel_reply(self.queries.Funnel(request, timeout=SECONDS))

    def ask_retention(self, query):
        request = wire_retention.retention_request(query, self.project)
        return wire_retention.retention_reply(self.queries.Retention(request, timeout=SECONDS))

    def ask_preview(self, query):
        request = wire_preview.preview_request(query, self.project)
        return wire_preview.preview_reply(self.definitions.PreviewDefinition(request, timeout=SECONDS))

    def ask_suggest(self, query):
        return wire_suggest.ask(self.definitions, query, self.project, SECONDS)

    def ask_segment(self, query):
        count, users = wire.segment_requests(query, self.project, "")
        found = list(self.segments.ListSegmentUsers(users, timeout=SECONDS).users)
        counted = self.segments.CountSegment(count, timeout=SECONDS).user_count
        if counted != len(found):
            raise ValueError(f"CountSegment says {counted}, ListSegmentUsers {len(found)}")
        return {"users": found}

    def ask_events(self, query):
        size, token, events, answer = query["page_size"], "", [], {}
        while token or not answer:
            request = wire.list_events_request(query, self.project, size, token)
            reply = self.queries.ListEvents(request, timeout=SECONDS)
            token = reply.next_page_token
            if size and (len(reply.events) > size or (token and len(reply.events) < size)):
                raise ValueError(f"a page of {len(reply.events)} events, {size} were asked for")
            found = [[one.name, wire.value_of(one.value)] for one in reply.user_properties]
            answer = answer or {"user": reply.user, "user_properties": found, "events": events}
            events += [
                wire.event_dict(one, query.get("definitions", False)) for one in reply.events
            ]
        return answer


class Case:
    """One example on the server."""

    def __init__(self, number, line, lines):
        self.line = line
        self.project = f"projects/example-{number}"
        self.example = Example(lines)
        self.questions = [
            (Question(text, self.example), text, answer) for text, answer in self.example.questions
        ]
        self.data = Data(
            dict(self.example.definitions),
            dict(self.example.segments),
            self.example.derived,
            self.example.shown_ids,
        )
        for row in self.example.rows:
            self.data.apply(row)

    def load(self, channel):
        request = project_pb2.CreateProjectRequest(project_id=self.project.split("/")[1])
        request.project.shown_ids = self.example.shown_ids
        project_pb2_grpc.ProjectServiceStub(channel).CreateProject(request, timeout=SECONDS)
        (ack,) = ingest_all(channel, self.project, "page", [ndjson(self.example.rows)])
        if ack.accepted != len(self.example.rows):
            raise ValueError(f"rows are rejected: {ack}")
        for name, derivation in self.example.derived.items():
            request = property_pb2.CreateDerivedPropertyRequest(
                parent=self.project, derived_property_id=name
            )
            wire_derived.fill_derived(request.derived_property, derivation)
            property_pb2_grpc.PropertyServiceStub(channel).CreateDerivedProperty(
                request, timeout=SECONDS
            )
        for name, predicate in self.example.definitions.items():
            request = definition_pb2.CreateDefinitionRequest(
                parent=self.project, definition_id=name
            )
            request.definition.predicate.CopyFrom(wire.predicate_message(predicate, self.project))
            definition_pb2_grpc.DefinitionServiceStub(channel).CreateDefinition(
                request, timeout=SECONDS
            )
        stub = segment_pb2_grpc.SegmentServiceStub(channel)
        wire.save_segments(stub, self.example.segments, self.project, SECONDS)

    def ask_all(self, tally, who, ask):
        for question, text, expected in self.questions:
            place = f"line {self.line}, {who}: {text}"
            try:
                tally.check(place, " ".join(expected.split()), question.answer(ask(question.query)))
            except FAILURES as error:
                tally.fault(place, error)


CODES = {"refused": "UNIMPLEMENTED", "undefined": "INVALID_ARGUMENT"}


def refused_request(line):
    """A line of a block "refused" as call, message, name of the field."""
    asked, arrow, field = line.rpartition(" => ")
    call, _, fields = asked.partition(" ")
    if not arrow or call not in REFUSED:
        raise Unreadable(f"what is {line!r}?")
    request = text_format.Parse(fields, REFUSED[call][1]())
    asking = getattr(request, request.WhichOneof("subject")) if call == "Experiment" else request
    if hasattr(asking, "scope"):
        asking.scope.project = "projects/example-1"
        if call != "CountSegment":
            asking.scope.range.start_ms = EPOCH_MS
            asking.scope.range.end_ms = EPOCH_MS + DAY_MS
    elif call in ("CreateSegment", "CreateDefinition", "CreateDerivedProperty"):
        request.parent = "projects/example-1"
    return call, request, field.strip()


def check_refusals(tally, channel, code, first_line, lines):
    for line in lines:
        place = f"block at line {first_line}: {line}"
        try:
            call, request, field = refused_request(line)
            getattr(REFUSED[call][0](channel), call)(request, timeout=SECONDS)
            tally.check(place, field, "it is answered")
        except grpc.RpcError as error:
            found = Details(error)
            tally.check(place, (code, [field]), (found.code, found.fields))
        except (Unreadable, text_format.ParseError, ValueError) as error:
            tally.fault(place, error)


def read_page(tally):
    with open(OPTIONS.page, encoding="utf-8") as page:
        found = blocks(page.read())
    cases, refusals = [], []
    for kind, line, lines in found:
        try:
            if kind == "example":
                cases.append(Case(len(cases) + 1, line, lines))
            elif kind in CODES:
                refusals.append((CODES[kind], line, lines))
            else:
                raise Unreadable(f"a block of an unknown kind, {kind!r}")
        except (Unreadable, ValueError, KeyError, TypeError) as error:
            tally.fault(f"block at line {line}", error)
    return cases, refusals


def main():
    tally = Tally()
    cases, refusals = read_page(tally)
    for case in cases:
        case.ask_all(tally, "oracle", lambda query, data=case.data: evaluate(query, data))
    with Server(OPTIONS.server) as server:
        for case in list(cases):
            try:
                case.load(server.channel)
            except FAILURES as error:
                tally.fault(f"block at line {case.line}", error)
                cases.remove(case)
        for who in ("in the head", "in slabs"):
            for case in cases:
                case.ask_all(tally, who, Asker(server.channel, case.project).ask)
            if server.stop() != 0:
                tally.fault("SIGTERM", ValueError(server.log_end()))
            server.start()
        for code, line, lines in refusals:
            check_refusals(tally, server.channel, code, line, lines)
    print(f"{len(cases)} examples of the page, each asked three times")
    print(f"{tally.passed} passed, {tally.failed} failed, 0 skipped")
    return 1 if tally.failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())
