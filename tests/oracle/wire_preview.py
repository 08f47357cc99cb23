"""Previews between the oracle's dicts and recount.v1."""

import wire
from recount.v1 import preview_pb2


def preview_request(query, project):
    out = preview_pb2.PreviewDefinitionRequest(
        scope=wire.scope_message(query["scope"], project), top=query["top"]
    )
    if query["default_range"]:
        out.scope.ClearField("range")
    if "definition" in query["target"]:
        out.definition = f"{project}/definitions/{query['target']['definition']}"
    else:
        out.predicate.CopyFrom(wire.predicate_message(query["target"]["predicate"], project))
    if query["compared"] is not None:
        out.compared_with.CopyFrom(wire.selector_message(query["compared"], project))
    for one in query["properties"]:
        out.properties.append(wire.property_message(one["scope"], one["property"], one.get("key")))
    if query["sample"] is not None:
        out.sample_size = query["sample"]
    return out


def preview_reply(reply):
    def given(name):
        return getattr(reply, name) if reply.WhichOneof("optional_" + name) else None

    return {
        "counts": [
            reply.event_count,
            reply.user_count,
            reply.compared_event_count,
            reply.compared_user_count,
        ],
        "shares": [given("event_share"), given("user_share")],
        "days": wire.bucket_list(reply.days),
        "by_day": [list(reply.events_by_day), list(reply.users_by_day)],
        "properties": [
            [[wire.label(row.label), row.event_count] for row in one.rows]
            for one in reply.properties
        ],
        "sample": [wire.event_dict(event) for event in reply.sample_events],
    }
