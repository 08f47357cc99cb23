#!/usr/bin/python3
"""docs/api.md is true: its requests, sent to a server, get the replies that the page shows.

A fenced block that begins with "# recount.v1.SomethingRequest" is sent; the next one with
"# recount.v1.SomethingResponse" is what must come back. What an example does not show (cost,
versions, etags, times of creation) is not compared, and neither is a moment that was "now".
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "system")]

from harness import options

OPTIONS = options(
    __doc__.split("\n")[0],
    (["--page"], {"default": os.path.join(HERE, "..", "..", "docs", "api.md")}),
)

import grpc
from google.protobuf import text_format

from columnar import ndjson
from examples import blocks, moment_ms
from ingest import ingest_all
from recount.v1 import (
    correlation_pb2,
    definition_pb2,
    definition_pb2_grpc,
    entity_list_pb2,
    event_list_pb2,
    experiment_pb2,
    funnel_pb2,
    ingest_pb2,
    ingest_pb2_grpc,
    lifecycle_pb2,
    paths_pb2,
    preview_pb2,
    project_pb2,
    project_pb2_grpc,
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
from server import Server

SECONDS = 60
MODULES = (
    correlation_pb2,
    definition_pb2,
    entity_list_pb2,
    event_list_pb2,
    experiment_pb2,
    funnel_pb2,
    ingest_pb2,
    lifecycle_pb2,
    paths_pb2,
    preview_pb2,
    retention_pb2,
    segment_pb2,
    series_pb2,
    sessions_pb2,
    stickiness_pb2,
    suggest_pb2,
    user_list_pb2,
)
STUBS = (
    definition_pb2_grpc.DefinitionServiceStub,
    query_pb2_grpc.QueryServiceStub,
    segment_pb2_grpc.SegmentServiceStub,
)


def event(user, time, event_id, kind, **more):
    return {
        "kind": "event",
        "user": user,
        "time": moment_ms(time),
        "id": event_id,
        "properties": dict(more, type=kind),
    }


# The data set that the page shows as a table; what its ingestion example sent is part of it.
ROWS = [
    event("u1", "2026-03-02T09:00:00Z", "e1", "view"),
    event("u1", "2026-03-02T09:05:00Z", "e2", "submit", path="/signup"),
    event("u1", "2026-03-03T10:00:00Z", "e3", "purchase"),
    event("u2", "2026-03-02T11:00:00Z", "e1", "view"),
    event("u2", "2026-03-03T11:30:00Z", "e2", "submit", path="/signup"),
    event("u3", "2026-03-03T12:00:00Z", "e1", "view"),
    {
        "kind": "set",
        "user": "u1",
        "time": moment_ms("2026-03-02T09:00:00Z"),
        "set": {"plan": "free"},
    },
]
AS_OF_MS = moment_ms("2026-03-06T00:00:00Z")


def read_messages(page):
    """(line, message) of every block that names a message; ingestion comes first on the page."""
    found = []
    for _, line, lines in blocks(page):
        name = lines[0].removeprefix("# recount.v1.") if lines else ""
        kinds = [getattr(module, name) for module in MODULES if hasattr(module, name)]
        if kinds:
            found.append((line, text_format.Parse("\n".join(lines), kinds[0]())))
    return found


def shown_only(message, shown):
    """Takes away what the page leaves out: fields that the example does not set."""
    for field, _ in list(message.ListFields()):
        if field.name not in {one.name for one, _ in shown.ListFields()}:
            message.ClearField(field.name)
        elif field.message_type is not None and field.label != field.LABEL_REPEATED:
            shown_only(getattr(message, field.name), getattr(shown, field.name))


def compare(line, expected, got):
    """True if equal. A token is opaque: it must only be there."""
    if hasattr(expected, "info"):
        shown_only(got.info, expected.info)
    for one, shown in zip(getattr(got, "versions", ()), getattr(expected, "versions", ())):
        shown_only(one, shown)
    if getattr(expected, "next_page_token", "") and getattr(got, "next_page_token", ""):
        got.next_page_token = expected.next_page_token
    if getattr(expected, "durable_position", 0):
        got.durable_position = expected.durable_position
    if hasattr(expected, "ack") and expected.ack.durable_position:
        got.ack.durable_position = expected.ack.durable_position
    if expected == got:
        return True
    print(f"FAILED line {line}\n  the page:\n{expected}\n  the answer:\n{got}", flush=True)
    return False


def fix_moment(request):
    """The page's questions without a moment are those of 2026-03-06."""
    holder = request.scope if hasattr(request, "scope") else request
    if hasattr(holder, "as_of_ms") and not holder.WhichOneof("optional_as_of_ms"):
        holder.as_of_ms = AS_OF_MS


def ask(channel, request):
    name = type(request).__name__.removesuffix("Request")
    (stub,) = [one(channel) for one in STUBS if hasattr(one(channel), name)]
    return getattr(stub, name)(request, timeout=SECONDS)


def ingest(channel, request):
    """Every reply to a stream of one request."""
    calls = ingest_pb2_grpc.IngestServiceStub(channel).Ingest(iter([request]), timeout=SECONDS)
    return list(calls)


def run(channel):
    """How many requests went well, and how many blocks did not hold."""
    passed, failed, replies = 0, 0, []
    with open(OPTIONS.page, encoding="utf-8") as page:
        messages = read_messages(page.read())
    for line, message in messages:
        if type(message).__name__.endswith("Response"):
            same = bool(replies) and compare(line, message, replies.pop(0))
            passed, failed = passed + same, failed + (not same)
            continue
        try:
            if isinstance(message, ingest_pb2.IngestRequest):
                replies = ingest(channel, message)
                ingest_all(channel, message.project, "table", [ndjson(ROWS)])
            else:
                fix_moment(message)
                reply = ask(channel, message)
                replies = [reply] if hasattr(reply, "DESCRIPTOR") else list(reply)
            passed += 1
        except grpc.RpcError as error:
            failed += 1
            print(f"FAILED line {line}: {error.code().name}: {error.details()}", flush=True)
    return passed, failed


def main():
    with Server(OPTIONS.server) as server:
        project_pb2_grpc.ProjectServiceStub(server.channel).CreateProject(
            project_pb2.CreateProjectRequest(project_id="shop"), timeout=SECONDS
        )
        passed, failed = run(server.channel)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed or passed < 10 else 0


if __name__ == "__main__":
    sys.exit(main())
