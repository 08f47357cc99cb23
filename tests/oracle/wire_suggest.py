"""Suggestions between the oracle's dicts and recount.v1."""

import grpc

import wire
from recount.v1 import suggest_pb2
from suggest import spelled


def suggest_request(query, project):
    out = suggest_pb2.SuggestDefinitionsRequest(
        scope=wire.scope_message(query["scope"], project),
        user=query["user"],
        event_id=query["event"],
        limit=query["limit"],
    )
    if query["default_range"]:
        out.scope.ClearField("range")
    for fact, name in query["facts"].items():
        setattr(out.facts, fact, name)
    return out


def predicate_dict(message):
    if message.WhichOneof("kind") == "all_of":
        return {"all_of": [predicate_dict(one) for one in message.all_of.predicates]}
    op = message.leaf.WhichOneof("test")
    operand = getattr(message.leaf, op)
    return {
        "leaf": {
            "scope": "event",
            "property": message.leaf.property.event_property,
            "op": op,
            "operand": wire.value_of(operand) if op == "equals" else operand,
        }
    }


def suggest_reply(reply):
    return {
        "range": [reply.info.range.start_ms, reply.info.range.end_ms],
        "event": wire.event_dict(reply.event),
        "suggestions": [
            {
                "predicate": spelled(predicate_dict(one.predicate)),
                "label": one.label,
                "events": one.event_count,
                "users": one.user_count,
                "definitions": [name.rpartition("/")[2] for name in one.definitions],
            }
            for one in reply.suggestions
        ],
    }


def ask(definitions, query, project, seconds):
    """The answer of the server; what is not found is an answer too."""
    try:
        request = suggest_request(query, project)
        return suggest_reply(definitions.SuggestDefinitions(request, timeout=seconds))
    except grpc.RpcError as error:
        if error.code() != grpc.StatusCode.NOT_FOUND:
            raise
        return {"missing": "user" if "no such user" in error.details() else "event_id"}
