"""The small data set of docs/api.md: the project "shop", with the answers that the guide prints."""

from recount.v1 import (
    definition_pb2,
    funnel_pb2,
    predicate_pb2,
    retention_pb2,
    scope_pb2,
    selector_pb2,
    series_pb2,
    value_pb2,
)

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
START = 1772409600000  # Monday 2026-03-02, UTC.
END = START + 3 * DAY
AS_OF = START + 4 * DAY


def row(user, time, event_id, kind, **properties):
    return {
        "kind": "event",
        "user": user,
        "time": time,
        "id": event_id,
        "properties": {"type": kind, **properties},
    }


ROWS = [
    row("u1", START + 9 * HOUR, "e1", "view"),
    row("u1", START + 9 * HOUR + 5 * MINUTE, "e2", "submit", path="/signup"),
    row("u1", START + DAY + 10 * HOUR, "e3", "purchase"),
    row("u2", START + 11 * HOUR, "e1", "view"),
    row("u2", START + DAY + 11 * HOUR + 30 * MINUTE, "e2", "submit", path="/signup"),
    row("u3", START + DAY + 12 * HOUR, "e1", "view"),
    {"kind": "set", "user": "u1", "time": START + 9 * HOUR, "set": {"plan": "free"}},
]


def equals(name, text):
    return predicate_pb2.Predicate(
        leaf=predicate_pb2.Leaf(
            property=value_pb2.PropertyRef(event_property=name),
            equals=value_pb2.Value(string_value=text),
        )
    )


def selector(predicate=None, definition=None):
    out = selector_pb2.Selector()
    term = out.terms.add()
    if predicate is not None:
        term.predicate.CopyFrom(predicate)
    elif definition is not None:
        term.definition = definition
    else:
        term.any_event.SetInParent()
    return out


def of_type(kind):
    return selector(equals("type", kind))


def scope(project, as_of=AS_OF):
    out = scope_pb2.Scope(project=project, as_of_ms=as_of)
    out.range.start_ms, out.range.end_ms = START, END
    return out


def definition(project):
    request = definition_pb2.CreateDefinitionRequest(parent=project, definition_id="signed-up")
    request.definition.display_name = "Signed up"
    starts = predicate_pb2.Predicate(
        leaf=predicate_pb2.Leaf(
            property=value_pb2.PropertyRef(event_property="path"), starts_with="/signup"
        )
    )
    request.definition.predicate.all_of.predicates.extend([equals("type", "submit"), starts])
    return request


def funnel(project):
    request = funnel_pb2.FunnelRequest(scope=scope(project), window_ms=7 * DAY)
    request.steps.add(name="View", selector=of_type("view"))
    request.steps.add(
        name="Signed up", selector=selector(definition=f"{project}/definitions/signed-up")
    )
    request.steps.add(name="Purchase", selector=of_type("purchase"))
    return request


def retention(project):
    request = retention_pb2.RetentionRequest(
        scope=scope(project, START + 2 * DAY + 12 * HOUR), last_period=2
    )
    request.start_event.CopyFrom(selector())
    request.period.unit = 4  # TIME_UNIT_DAY
    return request


def series(project, unique=False):
    request = series_pb2.SeriesRequest(scope=scope(project))
    measure = series_pb2.SERIES_MEASURE_UNIQUE_USERS if unique else series_pb2.SERIES_MEASURE_EVENTS
    request.series.add(name="Events", selector=selector(), measure=measure)
    request.bucket.unit = 4
    request.breakdown.dimensions.add().property.event_property = "type"
    request.breakdown.top = 2
    return request
