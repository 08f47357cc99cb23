"""Lifecycle, stickiness, sessions, paths and lists of users between the oracle's dicts and the
messages of recount.v1; wire.py has the parts.
"""

from recount.v1 import (
    entity_list_pb2,
    lifecycle_pb2,
    paths_pb2,
    segment_pb2,
    sessions_pb2,
    stickiness_pb2,
    user_list_pb2,
)

import wire_series
from wire import (
    UNITS,
    bucket_list,
    column,
    label,
    scope_message,
    selector_message,
    value_message,
    value_of,
)

STICKINESS_COUNTS = {
    "default": stickiness_pb2.STICKINESS_COUNT_UNSPECIFIED,
    "exactly": stickiness_pb2.STICKINESS_COUNT_EXACTLY,
    "at_least": stickiness_pb2.STICKINESS_COUNT_AT_LEAST,
}


def total_row(rows):
    (row,) = rows
    if label(row.label) != ["total"]:
        raise ValueError(f"an odd row: {row.label}")
    return row


def lifecycle_request(query, project):
    out = lifecycle_pb2.LifecycleRequest(
        scope=scope_message(query["scope"], project),
        selector=selector_message(query["selector"], project),
    )
    out.bucket.unit = UNITS[query["unit"]]
    out.bucket.multiple = query.get("multiple", 0)
    if query.get("breakdown") is not None:
        wire_series.fill_breakdown(out.breakdown, query["breakdown"], project)
    return out


def lifecycle_reply(reply):
    total = total_row(reply.rows[-1:])
    rows = [{"label": label(row.label), **lifecycle_columns(row)} for row in reply.rows[:-1]]
    return {"buckets": bucket_list(reply.buckets), **lifecycle_columns(total), "rows": rows}


def lifecycle_columns(row):
    return {
        "new": column(row.new_users),
        "returning": column(row.returning_users),
        "resurrecting": column(row.resurrecting_users),
        "dormant": column(row.dormant_users),
    }


def stickiness_request(query, project):
    out = stickiness_pb2.StickinessRequest(
        scope=scope_message(query["scope"], project),
        selector=selector_message(query["selector"], project),
        min_events_per_bucket=query["min_events"],
        count=STICKINESS_COUNTS[query["count"]],
    )
    out.bucket.unit = UNITS[query["unit"]]
    out.bucket.multiple = query.get("multiple", 0)
    if query["comparison"] == "previous":
        out.comparison.previous_period.SetInParent()
    elif query["comparison"] is not None:
        out.comparison.shift.unit = UNITS[query["comparison"]["unit"]]
        out.comparison.shift.count = query["comparison"]["count"]
    if query.get("breakdown") is not None:
        wire_series.fill_breakdown(out.breakdown, query["breakdown"], project)
    return out


def stickiness_columns(row, compared):
    before = None
    if compared:
        before = {
            "users": list(row.compared_users),
            "rates": column(row.compared_rates),
            "active": row.compared_active_users,
        }
    elif row.compared_users:
        raise ValueError("compared users without a compared range")
    now = {"users": list(row.users), "rates": column(row.rates), "active": row.active_users}
    return {"now": now, "before": before}


def stickiness_reply(reply):
    compared = reply.HasField("compared_range")
    total = stickiness_columns(total_row(reply.rows[-1:]), compared)
    if compared:
        total["before"]["range"] = [reply.compared_range.start_ms, reply.compared_range.end_ms]
    rows = [
        {"label": label(row.label), **stickiness_columns(row, compared)} for row in reply.rows[:-1]
    ]
    return {"buckets": bucket_list(reply.buckets), **total, "rows": rows}


def sessions_request(query, project):
    out = sessions_pb2.SessionsRequest(scope=scope_message(query["scope"], project))
    if query["selector"] is not None:
        out.selector.CopyFrom(selector_message(query["selector"], project))
    if query["gap"] is not None:
        out.gap_ms = query["gap"]
    if query["unit"] is not None:
        out.bucket.unit = UNITS[query["unit"]]
        out.bucket.multiple = query.get("multiple", 0)
    if query["property"] is not None:
        out.entry_exit_property = query["property"]
        out.top = query["top"]
    if query.get("breakdown") is not None:
        wire_series.fill_breakdown(out.breakdown, query["breakdown"], project)
    return out


def figures(message):
    """Dicts, one for each place of the columns."""
    columns = {
        "sessions": column(message.sessions),
        "users": column(message.users),
        "bounces": column(message.bounces),
        "bounce_rate": column(message.bounce_rates),
        "mean_events": column(message.mean_events),
        "mean_seconds": column(message.mean_seconds),
        "median_seconds": column(message.median_seconds),
    }
    if len({len(one) for one in columns.values()}) != 1:
        raise ValueError("columns of different lengths")
    return [dict(zip(columns, values)) for values in zip(*columns.values())]


def session_ends(messages):
    return [
        {"label": label(one.label), "sessions": one.sessions, "bounces": one.bounces}
        for one in messages
    ]


def sessions_columns(row):
    (total,) = figures(row.total)
    return {"figures": figures(row.buckets), "total": total}


def sessions_reply(reply):
    rows = [{"label": label(row.label), **sessions_columns(row)} for row in reply.rows[:-1]]
    return {
        "buckets": bucket_list(reply.buckets),
        **sessions_columns(total_row(reply.rows[-1:])),
        "rows": rows,
        "entries": session_ends(reply.entries),
        "exits": session_ends(reply.exits),
    }


def paths_request(query, project):
    out = paths_pb2.PathsRequest(
        scope=scope_message(query["scope"], project),
        depth=query["depth"],
        start_nodes=[value_message(value) for value in query["start"]],
        top=query["top"],
    )
    if query["property"] is not None:
        out.property = query["property"]
    for one in query["selectors"] or []:
        out.selectors.selectors.add(
            name=one["name"], selector=selector_message(one["selector"], project)
        )
    if query["excluded"] is not None:
        out.excluded.CopyFrom(selector_message(query["excluded"], project))
    if query["gap"] is not None:
        out.gap_ms = query["gap"]
    if query["end"] is not None:
        out.end_node.CopyFrom(value_message(query["end"][0]))
    if query.get("breakdown") is not None:
        wire_series.fill_breakdown(out.breakdown, query["breakdown"], project)
    return out


def paths_flow(message):
    """Of a reply, or of a row."""
    return {
        "levels": [
            [
                {
                    "label": label(node.label),
                    "walks": node.walks,
                    "users": node.users,
                    "drop_off": [node.drop_off_walks, node.drop_off_users],
                }
                for node in level.nodes
            ]
            for level in message.levels
        ],
        "edges": [
            [one.level, one.source, one.target, one.walks, one.users] for one in message.edges
        ],
        "walks": message.walks,
        "users": message.users,
    }


def paths_reply(reply):
    rows = [{"label": label(row.label), **paths_flow(row)} for row in reply.rows]
    return {**paths_flow(reply), "rows": rows}


def user_list_request(query, project, token):
    out = user_list_pb2.ListUsersRequest(
        scope=scope_message(query["scope"], project),
        properties=query["properties"] or [],
        page_size=query["page_size"],
        page_token=token,
    )
    if query["selector"] is not None:
        out.selector.CopyFrom(selector_message(query["selector"], project))
    return out


def user_dict(message):
    given = message.WhichOneof
    return {
        "user": message.user,
        "events": message.event_count,
        "first": message.first_event_ms if given("optional_first_event_ms") else None,
        "last": message.last_event_ms if given("optional_last_event_ms") else None,
        "properties": [[one.name, value_of(one.value)] for one in message.properties],
    }


def entity_list_request(query, project, token):
    out = entity_list_pb2.ListEntitiesRequest(
        scope=scope_message(query["scope"], project),
        properties=query["properties"] or [],
        page_size=query["page_size"],
        page_token=token,
    )
    if query["selector"] is not None:
        out.selector.CopyFrom(selector_message(query["selector"], project))
    return out


def entity_dict(message):
    given = message.WhichOneof
    return {
        "entity": value_of(message.entity),
        "events": message.event_count,
        "first": message.first_event_ms if given("optional_first_event_ms") else None,
        "last": message.last_event_ms if given("optional_last_event_ms") else None,
        "properties": [[one.name, value_of(one.value)] for one in message.properties],
    }


def export_rows(pieces, field, row_dict):
    """The rows of all pieces of an export, and the version of the data; what pieces must be."""
    if [piece.HasField("info") for piece in pieces] != [True] + [False] * (len(pieces) - 1):
        raise ValueError("the first piece of an export has the info, and no other")
    names = list(pieces[0].property_names)
    if names != sorted(names, key=str.encode):
        raise ValueError(f"the properties of an export are out of order: {names}")
    rows = [row_dict(row) for piece in pieces for row in getattr(piece, field)]
    if not all(name in names for row in rows for name, _ in row["properties"]):
        raise ValueError("a row of an export has a property that was not announced")
    return rows, pieces[0].info.data_version


def export_entities(client, query, project):
    """All pieces of ExportEntities, as the oracle's list, and the version of the data."""
    asked = entity_list_request(query, project, "")
    request = entity_list_pb2.ExportEntitiesRequest(scope=asked.scope, properties=asked.properties)
    if asked.HasField("selector"):
        request.selector.CopyFrom(asked.selector)
    pieces = list(client.queries.ExportEntities(request, timeout=60))
    rows, version = export_rows(pieces, "entities", entity_dict)
    if pieces[0].entity_count != len(rows):
        raise ValueError(f"{pieces[0].entity_count} entities were announced, {len(rows)} came")
    return rows, version


def list_entities(client, query, project):
    """All pages of ListEntities, as the answer; an export of the same data must give the same."""
    entities, versions, token = [], set(), ""
    while True:
        reply = client.queries.ListEntities(entity_list_request(query, project, token), timeout=60)
        entities += map(entity_dict, reply.entities)
        versions.add(reply.info.data_version)
        token = reply.next_page_token
        if query["page_size"] and len(reply.entities) > query["page_size"]:
            raise ValueError(f"a page of {len(reply.entities)}, {query['page_size']} were asked for")
        if not token:
            exported, version = export_entities(client, query, project)
            if versions == {version} and exported != entities:
                raise ValueError("an export gives other entities than the list")
            return {"entities": entities, "count": reply.entity_count}
        if not reply.entities or len(entities) > reply.entity_count:
            raise ValueError("the list does not end")


def export_users(client, query, project):
    """All pieces of ExportSegment, as the oracle's list, and the version of the data."""
    asked = user_list_request(query, project, "")
    request = segment_pb2.ExportSegmentRequest(scope=asked.scope, properties=asked.properties)
    if asked.HasField("selector"):
        request.selector.CopyFrom(asked.selector)
    return export_rows(list(client.segments.ExportSegment(request, timeout=60)), "users", user_dict)


def list_users(client, query, project):
    """All pages of ListUsers, as the answer; an export of the same data must give the same users."""
    queries = client.queries
    users, versions, token = [], set(), ""
    while True:
        reply = queries.ListUsers(user_list_request(query, project, token), timeout=60)
        users += map(user_dict, reply.users)
        versions.add(reply.info.data_version)
        token = reply.next_page_token
        if query["page_size"] and len(reply.users) > query["page_size"]:
            raise ValueError(f"a page of {len(reply.users)}, {query['page_size']} were asked for")
        if not token:
            exported, version = export_users(client, query, project)
            if versions == {version} and exported != users:
                raise ValueError("an export gives other users than the list")
            return {"users": users, "count": reply.user_count}
        if not reply.users or len(users) > reply.user_count:
            raise ValueError("the list does not end")


# kind: (method of QueryService, query to request, reply to answer)
CALLS = {
    "lifecycle": ("Lifecycle", lifecycle_request, lifecycle_reply),
    "stickiness": ("Stickiness", stickiness_request, stickiness_reply),
    "sessions": ("Sessions", sessions_request, sessions_reply),
    "paths": ("Paths", paths_request, paths_reply),
}
