"""Lists of properties and of values between the oracle's dicts and recount.v1."""

import wire
from recount.v1 import property_list_pb2

SECONDS = 60


def shared(query, project, out):
    out.scope.CopyFrom(wire.scope_message(query["scope"], project))
    if query["selector"] is not None:
        out.selector.CopyFrom(wire.selector_message(query["selector"], project))
    out.page_size = query["page_size"]
    return out


def summary(message):
    source = message.property.WhichOneof("source")
    counts = {
        name: getattr(message, name + "_count") for name in ("boolean", "number", "text", "list")
    }
    if sum(counts.values()) != message.count:
        raise ValueError(f"kinds do not add up: {message}")
    known = message.WhichOneof("optional_distinct_value_count")
    of_account = source == "account_property"
    name = getattr(message.property, source)
    key = {"key": name.account_key} if of_account else {}
    return key | {
        "scope": source.removesuffix("_property"),
        "name": name.name if of_account else name,
        "counts": counts,
        "share": message.share,
        "distinct": message.distinct_value_count if known else None,
        "seen": [message.first_seen_ms, message.last_seen_ms],
    }


def list_properties(stub, query, project):
    """All pages of them."""
    token, found = "", []
    while True:
        request = shared(query, project, property_list_pb2.ListPropertiesRequest())
        request.name_prefix, request.page_token = query["prefix"], token
        reply = stub.ListProperties(request, timeout=SECONDS)
        found += map(summary, reply.properties)
        token = reply.next_page_token
        if query["page_size"] and len(reply.properties) > query["page_size"]:
            raise ValueError(f"a page of {len(reply.properties)} properties")
        if not token:
            accounts = [[one.account_key, one.account_count] for one in reply.account_counts]
            counts = {"events": reply.event_count, "users": reply.user_count, "accounts": accounts}
            return counts | {"properties": found}
        if not reply.properties:
            raise ValueError("an empty page that is not the last")


def list_values(stub, query, project):
    one = query["property"]
    request = shared(query, project, property_list_pb2.ListPropertyValuesRequest())
    request.property.CopyFrom(wire.property_message(one["scope"], one["property"], one.get("key")))
    request.prefix, request.case_insensitive = query["prefix"], query["ci"]
    reply = stub.ListPropertyValues(request, timeout=SECONDS)
    values = [[wire.value_of(row.value), row.event_count] for row in reply.values]
    return {"values": values, "more": reply.has_more}


LISTS = {"properties": list_properties, "values": list_values}
