"""Retention requests and replies between the oracle's dicts and recount.v1."""

import wire
import wire_series
from recount.v1 import retention_pb2

COHORTS = {
    "default": retention_pb2.RETENTION_COHORTS_UNSPECIFIED,
    "recurring": retention_pb2.RETENTION_COHORTS_RECURRING,
    "first_time": retention_pb2.RETENTION_COHORTS_FIRST_TIME,
    "first_in_range": retention_pb2.RETENTION_COHORTS_FIRST_IN_RANGE,
}
AGGREGATES = {
    "sum": retention_pb2.RETENTION_AGGREGATE_SUM,
    "mean": retention_pb2.RETENTION_AGGREGATE_MEAN_PER_USER,
}
STATES = {
    retention_pb2.CELL_STATE_NOT_BEGUN: "not_begun",
    retention_pb2.CELL_STATE_BEGUN: "begun",
    retention_pb2.CELL_STATE_ELAPSED: "elapsed",
}


def retention_request(query, project):
    out = retention_pb2.RetentionRequest(scope=wire.scope_message(query["scope"], project))
    out.start_event.CopyFrom(wire.selector_message(query["start"], project))
    if query["return"] != query["start"]:
        out.return_event.CopyFrom(wire.selector_message(query["return"], project))
    out.cohorts = COHORTS[query["cohorts"]]
    if query["or_after"]:
        out.returns = retention_pb2.RETENTION_RETURNS_ON_OR_AFTER
    out.period.unit = wire.UNITS[query["unit"]]
    out.period.multiple = query.get("multiple", 0)
    if query["last_period"] is not None:
        out.last_period = query["last_period"]
    for first, last in query.get("brackets") or []:
        out.brackets.add(first=first, last=last)
    if query.get("rolling"):
        out.periods = retention_pb2.RETENTION_PERIODS_ROLLING
    out.returns_in_range = bool(query.get("in_range"))
    out.min_occurrences = query.get("min_occurrences") or 0
    if query.get("value"):
        out.value.event_property = query["value"][0]
        out.value.aggregate = AGGREGATES[query["value"][1]]
    if query.get("breakdown") is not None:
        wire_series.fill_breakdown(out.breakdown, query["breakdown"], project)
    out.same_value_on_return = bool(query.get("same_value"))
    return out


def retention_cohort(one):
    out = {
        "size": one.size,
        "users": wire.column(one.users),
        "states": [STATES.get(state, state) for state in one.states],
        "rates": wire.column(one.rates),
    }
    if one.HasField("values"):
        out["values"] = wire.column(one.values)
    return out


def retention_row(row):
    summary = {
        "users": list(row.summary.users),
        "sizes": list(row.summary.sizes),
        "rates": wire.column(row.summary.rates),
    }
    if row.summary.HasField("values"):
        summary["values"] = wire.column(row.summary.values)
    return {
        "label": wire.label(row.label),
        "cohorts": list(map(retention_cohort, row.cohorts)),
        "summary": summary,
    }


def retention_reply(reply):
    return {
        "cohorts": wire.bucket_list(reply.cohorts),
        "columns": [[one.first, one.last] for one in reply.columns],
        "rows": list(map(retention_row, reply.rows)),
    }
