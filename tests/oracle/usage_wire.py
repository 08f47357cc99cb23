"""Lifecycle and stickiness between the oracle's dicts and the messages of recount.v1; wire.py has
the parts.
"""

from recount.v1 import lifecycle_pb2, stickiness_pb2

from wire import UNITS, bucket_list, column, label, scope_message, selector_message

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
    return out


def lifecycle_reply(reply):
    row = total_row(reply.rows)
    return {
        "buckets": bucket_list(reply.buckets),
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
    if query["compare"]:
        out.comparison.previous_period.SetInParent()
    return out


def stickiness_reply(reply):
    row = total_row(reply.rows)
    before = None
    if reply.HasField("compared_range"):
        before = {
            "users": list(row.compared_users),
            "rates": column(row.compared_rates),
            "active": row.compared_active_users,
            "range": [reply.compared_range.start_ms, reply.compared_range.end_ms],
        }
    elif row.compared_users:
        raise ValueError("compared users without a compared range")
    return {
        "buckets": bucket_list(reply.buckets),
        "now": {
            "users": list(row.users),
            "rates": column(row.rates),
            "active": row.active_users,
        },
        "before": before,
    }


# kind: (method of QueryService, query to request, reply to answer)
CALLS = {
    "lifecycle": ("Lifecycle", lifecycle_request, lifecycle_reply),
    "stickiness": ("Stickiness", stickiness_request, stickiness_reply),
}
