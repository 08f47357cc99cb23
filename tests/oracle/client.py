"""A world's project on the server: rows in, queries out, with the oracle's Data beside it."""

import datetime
import json

import grpc

import cells
import comparison_queries
import plans
import usage_wire
import wire
import wire_derived
import wire_funnel
import wire_preview
import wire_property_list
import wire_retention
import wire_series
import wire_suggest
from columnar import columnar, is_integer_id, ndjson
from compare import differences
from data import Data
from ingest import Stream
from recount.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    definition_pb2,
    definition_pb2_grpc,
    ingest_pb2,
    ingest_pb2_grpc,
    project_pb2,
    project_pb2_grpc,
    property_pb2,
    property_pb2_grpc,
    query_pb2_grpc,
    segment_pb2,
    segment_pb2_grpc,
)

SECONDS = 60
LISTED_SPARE = 2000  # So many rows more than there are, and a list is without end.
LATEST = 253402300799999  # The last millisecond of the year 9999.


def rfc3339(time):
    moment = datetime.datetime.fromtimestamp(time / 1000, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time % 1000:03d}Z"


def vary_json(rng):
    """Another way to write the same NDJSON object, chosen at random."""

    def vary(row):
        if "time" in row and rng.random() < 0.15:
            row["time"] = rfc3339(row["time"])
        for name in ("user", "id", "account"):
            if is_integer_id(row.get(name, "")) and int(row[name]) < 2**63 and rng.random() < 0.4:
                row[name] = int(row[name])
        if "device.os" in row.get("properties", {}) and rng.random() < 0.5:
            row["properties"] = dict(row["properties"])
            row["properties"]["device"] = {"os": row["properties"].pop("device.os")}
        return row

    return vary


class Client:
    """The stubs of one server."""

    def __init__(self, server):
        self.server = server
        self.connect()

    def connect(self):
        channel = self.server.channel
        self.channel = channel
        self.projects = project_pb2_grpc.ProjectServiceStub(channel)
        self.definitions = definition_pb2_grpc.DefinitionServiceStub(channel)
        self.properties = property_pb2_grpc.PropertyServiceStub(channel)
        self.segments = segment_pb2_grpc.SegmentServiceStub(channel)
        self.queries = query_pb2_grpc.QueryServiceStub(channel)
        self.admin = admin_pb2_grpc.AdminServiceStub(channel)
        self.ingest = ingest_pb2_grpc.IngestServiceStub(channel)

    def snapshot(self):
        return self.admin.CreateSnapshot(admin_pb2.CreateSnapshotRequest(), timeout=SECONDS)

    def purge(self):
        return self.admin.Purge(admin_pb2.PurgeRequest(), timeout=SECONDS)

    def statistics(self, project):
        reply = self.admin.GetStatistics(
            admin_pb2.GetStatisticsRequest(project=project), timeout=SECONDS
        )
        return reply.projects[0]


class Project:
    """One world on the server. `faults` collects what is wrong outside of queries."""

    def __init__(self, client, project_id, world):
        self.client = client
        self.name = "projects/" + project_id
        self.world = world
        self.data = Data(
            dict(world["definitions"]),
            dict(world["segments"]),
            dict(world.get("derived", {})),
            world.get("shown_ids", ""),
        )
        self.applied = []
        self.batch_id = 0
        self.faults = []
        request = project_pb2.CreateProjectRequest(project_id=project_id)
        request.project.shown_ids = world.get("shown_ids", "")
        client.projects.CreateProject(request, timeout=SECONDS)

    def define(self):
        for name, derivation in self.data.derived.items():
            self.properties(name, derivation)
        for name, predicate in self.data.definitions.items():
            request = definition_pb2.CreateDefinitionRequest(parent=self.name, definition_id=name)
            request.definition.predicate.CopyFrom(wire.predicate_message(predicate, self.name))
            self.client.definitions.CreateDefinition(request, timeout=SECONDS)
        wire.save_segments(self.client.segments, self.data.segments, self.name, SECONDS)

    def properties(self, name, derivation):
        request = property_pb2.CreateDerivedPropertyRequest(
            parent=self.name, derived_property_id=name
        )
        wire_derived.fill_derived(request.derived_property, derivation)
        self.client.properties.CreateDerivedProperty(request, timeout=SECONDS)

    def redefine(self, name, predicate):
        request = definition_pb2.UpdateDefinitionRequest()
        request.definition.name = f"{self.name}/definitions/{name}"
        request.definition.predicate.CopyFrom(wire.predicate_message(predicate, self.name))
        self.client.definitions.UpdateDefinition(request, timeout=SECONDS)
        self.data.definitions[name] = predicate

    def encode(self, rows, rng):
        if rng.random() < 0.5:
            return columnar(rows, rng.random() < 0.4)
        return ndjson(rows, rng.random() < 0.3, vary_json(rng))

    def ingest(self, rows, rng):
        """Sends rows in batches of random sizes and forms; checks every acknowledgement."""
        expected = []
        with Stream(self.client.channel, self.name, "oracle") as stream:
            at = 0
            while at < len(rows):
                batch = rows[at : at + rng.choice([1, 3, 10, 40, 1000])]
                at += len(batch)
                self.batch_id += 1
                stream.send(self.batch_id, self.encode(batch, rng))
                expected.append(
                    (self.batch_id, len(batch), sum(self.data.apply(row) for row in batch))
                )
            acks = stream.wait_acks(len(expected), SECONDS)
        if stream.error is not None:
            raise stream.error
        got = [(ack.batch_id, ack.accepted, ack.replaced) for ack in acks]
        if got != expected or any(ack.rejected_count or ack.duplicate for ack in acks):
            self.faults.append(
                f"acknowledgements (batch, accepted, replaced): {expected} expected, {got} came: "
                f"{[str(ack) for ack in acks if ack.rejected_count][:3]}"
            )
        self.applied += rows
        try:
            self.learn_ids()
        except ValueError as error:
            self.faults.append(f"the events of a user: {error}")

    def delete(self, user):
        """Deletes a user; the rows that are left are those of everybody else."""
        gone = set(self.data.members(user))
        reply = self.client.ingest.DeleteUser(
            ingest_pb2.DeleteUserRequest(parent=self.name, user=user), timeout=SECONDS
        )
        expected = self.data.forget(user)
        got = (reply.deleted_ids, reply.deleted_events)
        if got != expected:
            self.faults.append(f"{user} deleted: {expected} ids and events expected, {got} went")
        self.applied = [
            row for row in self.applied if not gone & {row.get("user"), row.get("left")}
        ]

    def learn_ids(self):
        """Events sent without an id get one from the server; it orders equal times."""
        moment = self.data.as_of(LATEST)
        for person, events in moment.events_of.items():
            without = [event for event in events if not event.sent_id]
            if not without:
                continue
            listed = {}
            for event in self.list_events(
                {
                    "user": person,
                    "as_of": LATEST,
                    "range": None,
                    "selector": None,
                    "descending": False,
                    "properties": None,
                    "page_size": 1000,
                }
            )["events"]:
                if event["id"].startswith("~"):
                    listed.setdefault(content(event), []).append(event["id"])
            self.assign_ids(without, listed)

    def assign_ids(self, without, listed):
        mine = {}
        for event in sorted(without, key=lambda event: event.arrival):
            names = sorted(event.stored, key=str.encode)
            key = content(
                {
                    "user": event.user,
                    "time": event.time,
                    "properties": [[name, event.stored[name]] for name in names],
                }
            )
            mine.setdefault(key, []).append(event)
        for key in set(mine) | set(listed):
            events, ids = mine.get(key, []), listed.get(key, [])
            if len(events) != len(ids):
                self.faults.append(
                    f"events without id, {key}: {len(events)} expected, {len(ids)} listed"
                )
            before = [event.id for event in events if event.id]
            if [one for one in before if before.count(one) > ids.count(one)]:
                self.faults.append(
                    f"events without id, {key}: their ids were {before} and are {ids}"
                )
            for event, event_id in zip(events, ids):
                event.id = event_id

    def list_events(self, query):
        events, token, first = [], "", None
        while True:
            reply = self.client.queries.ListEvents(
                wire.list_events_request(query, self.name, query["page_size"], token),
                timeout=SECONDS,
            )
            first = first or reply
            events += [
                wire.event_dict(event, query.get("definitions", False)) for event in reply.events
            ]
            token = reply.next_page_token
            if query["page_size"] and len(reply.events) > query["page_size"]:
                self.faults.append(
                    f"a page of {len(reply.events)} events, {query['page_size']} were asked for"
                )
            if not token:
                break
            if not reply.events:
                raise ValueError("an empty page that is not the last")
            if len(events) > len(self.applied) + LISTED_SPARE:
                raise ValueError("the list does not end")
        return {
            "user": first.user,
            "events": events,
            "user_properties": [
                [one.name, wire.value_of(one.value)] for one in first.user_properties
            ],
        }

    def list_users(self, query):
        count_request, _ = wire.segment_requests(query, self.name, "")
        count = self.client.segments.CountSegment(count_request, timeout=SECONDS)
        users, token = [], ""
        while True:
            _, request = wire.segment_requests(query, self.name, token)
            reply = self.client.segments.ListSegmentUsers(request, timeout=SECONDS)
            users += reply.users
            token = reply.next_page_token
            if not token:
                return {"count": count.user_count, "known": count.known_user_count, "users": users}
            if not reply.users:
                raise ValueError("an empty page that is not the last")
            if len(users) > 2 * len(self.applied) + LISTED_SPARE:
                raise ValueError("the list does not end")

    def overlap(self, query):
        request = wire.overlap_request(query, self.name)
        reply = self.client.segments.OverlapSegments(request, timeout=SECONDS)
        return {
            "overlaps": [
                [list(one.segments), one.user_count, one.exclusive_user_count] for one in reply.overlaps
            ],
            "none": reply.none_count,
            "users": reply.scope_user_count,
        }

    def ask(self, query):
        """The server's answer in the oracle's shape."""
        if query["kind"] == "events":
            return self.list_events(query)
        if query["kind"] == "segment":
            return self.list_users(query)
        if query["kind"] == "overlap":
            return self.overlap(query)
        if query["kind"] == "user_list":
            return usage_wire.list_users(self.client, query, self.name)
        if query["kind"] == "entity_list":
            return usage_wire.list_entities(self.client, query, self.name)
        if query["kind"] in wire_property_list.LISTS:
            ask = wire_property_list.LISTS[query["kind"]]
            return ask(self.client.properties, query, self.name)
        if query["kind"] == "preview":
            return self.ask_preview(query)
        if query["kind"] == "suggest":
            return wire_suggest.ask(self.client.definitions, query, self.name, SECONDS)
        kinds = {
            "series": ("Series", wire_series.series_request, wire_series.series_reply),
            "funnel": ("Funnel", wire_funnel.funnel_request, wire_funnel.funnel_reply),
            "retention": ("Retention", wire_retention.retention_request, wire_retention.retention_reply),
            **usage_wire.CALLS,
            **comparison_queries.CALLS,
        }
        method, request_of, answer_of = kinds[query["kind"]]
        try:
            queries = self.client.queries
            request = comparison_queries.fill_cells(
                query, self.name, queries, request_of(query, self.name)
            )
            reply = getattr(queries, method)(request, timeout=SECONDS)
        except grpc.RpcError as error:
            if query["kind"] == "experiment" and error.code() == grpc.StatusCode.NOT_FOUND:
                return {"error": "NOT_FOUND"}  # Of a control that nobody has.
            raise
        self.check_info(query, reply)
        self.faults += cells.faults(self.client, self.name, query, reply)
        return answer_of(reply)

    def ask_preview(self, query):
        request = wire_preview.preview_request(query, self.name)
        reply = self.client.definitions.PreviewDefinition(request, timeout=SECONDS)
        self.check_info(query, reply)
        return wire_preview.preview_reply(reply)

    def check_info(self, query, reply):
        scope = query["scope"]
        asked = (scope["as_of"], scope["zone"], scope["start"], scope["end"])
        used = (
            reply.info.as_of_ms,
            reply.info.time_zone,
            reply.info.range.start_ms,
            reply.info.range.end_ms,
        )
        if asked != used:
            self.faults.append(f"info of {query['kind']}: {asked} was asked, {used} was used")

    def differ(self, query, expected, way=None, followed=None):
        """Sentences about how the server's answer differs from the oracle's. way: of plans.WAYS;
        then followed gets (way, whether it was)."""
        try:
            answer = self.ask(query) if way is None else plans.run(self, query, way)
            if way is not None:
                followed.append((way, answer is not None))
            return [] if answer is None else differences(expected, answer)
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.UNAVAILABLE:
                self.client.server.check_alive()
            return [f"the server says {error.code().name}: {error.details()}"]
        except (ValueError, KeyError, IndexError) as error:
            return [f"the reply is malformed: {error!r}"]


def content(event):
    return json.dumps([event["user"], event["time"], event["properties"]], ensure_ascii=False)
