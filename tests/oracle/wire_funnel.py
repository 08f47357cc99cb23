"""Funnel requests and replies between the oracle's dicts and recount.v1."""

import wire
import wire_series
from funnel import complete
from recount.v1 import funnel_pb2

ORDERS = {
    "ordered": funnel_pb2.FUNNEL_ORDER_UNSPECIFIED,
    "strict": funnel_pb2.FUNNEL_ORDER_STRICT,
    "strict_steps": funnel_pb2.FUNNEL_ORDER_STRICT_STEPS,
    "unordered": funnel_pb2.FUNNEL_ORDER_UNORDERED,
}
PLACES = {
    "first": funnel_pb2.FUNNEL_BREAKDOWN_AT_UNSPECIFIED,
    "last": funnel_pb2.FUNNEL_BREAKDOWN_AT_LAST_STEP,
    "first_in_range": funnel_pb2.FUNNEL_BREAKDOWN_AT_FIRST_IN_RANGE,
    "step": funnel_pb2.FUNNEL_BREAKDOWN_AT_STEP,
    "all": funnel_pb2.FUNNEL_BREAKDOWN_AT_ALL,
}


def add_steps(out, query, project):
    for selector, window, optional in zip(
        query["steps"], query["step_windows"], query["optional"]
    ):
        step = out.steps.add(
            selector=wire.selector_message(selector, project), is_optional=optional
        )
        if window is not None:
            step.window_ms = window


def funnel_request(query, project):
    query = complete(query)
    out = funnel_pb2.FunnelRequest(
        scope=wire.scope_message(query["scope"], project),
        same_local_day=query["same_local_day"],
        order=ORDERS[query["order"]],
        reuse_event=query["reuse"],
        breakdown_at=PLACES[query["at"]],
        breakdown_step=query["at_step"] or 0,
        histogram_bins=query["bins"],
    )
    add_steps(out, query, project)
    if query["window"] is not None:
        out.window_ms = query["window"]
    if query["first_only"]:
        out.reentry = funnel_pb2.FUNNEL_REENTRY_FIRST_ONLY
    if query["strict_times"]:
        out.same_time = funnel_pb2.FUNNEL_SAME_TIME_STRICT
    for one in query["exclusions"]:
        out.exclusions.add(
            selector=wire.selector_message(one["selector"], project),
            after_step=one["after"],
            before_step=one["before"],
        )
    if query["attempt_only"]:
        out.exclusion_mode = funnel_pb2.FUNNEL_EXCLUSION_MODE_ATTEMPT_ONLY
    for one in query["hold"]:
        out.hold_constant.add(event_property=one["property"], steps=one["steps"] or [])
    if query["totals"]:
        out.count = funnel_pb2.FUNNEL_COUNT_TOTALS
    if query["breakdown"] is not None:
        wire_series.fill_breakdown(out.breakdown, query["breakdown"], project)
    if query["over_time"] is not None:
        out.over_time.unit = wire.UNITS[query["over_time"]]
        out.over_time.multiple = query["multiple"]
    return out


def histogram(message):
    bins = [[one.low, one.high, one.high_included] for one in message.bins]
    return {"bins": bins, "counts": list(message.counts)}


def row_of(row):
    out = {
        "label": wire.label(row.label),
        "counts": list(row.counts),
        "from_previous": wire.column(row.conversion_from_previous),
        "from_first": wire.column(row.conversion_from_first),
        "mean_previous": wire.column(row.mean_seconds_from_previous),
        "median_previous": wire.column(row.median_seconds_from_previous),
        "mean_first": wire.column(row.mean_seconds_from_first),
        "median_first": wire.column(row.median_seconds_from_first),
    }
    if row.seconds_from_first:
        out["histogram_previous"] = list(map(histogram, row.seconds_from_previous))
        out["histogram_first"] = list(map(histogram, row.seconds_from_first))
    return out


def funnel_reply(reply):
    out = {"rows": list(map(row_of, reply.rows))}
    if reply.buckets:
        buckets = wire.bucket_list([one.bucket for one in reply.buckets])
        out["buckets"] = [
            {"bucket": bucket, "rows": list(map(row_of, one.rows))}
            for bucket, one in zip(buckets, reply.buckets)
        ]
    return out
