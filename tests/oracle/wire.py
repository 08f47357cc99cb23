"""Between the oracle's plain dicts and the messages of recount.v1: queries out, answers in.

An answer read from a reply has the shape that evaluator.py gives, so that the two can be compared.
"""

from recount.v1 import (
    calendar_pb2,
    event_list_pb2,
    predicate_pb2,
    scope_pb2,
    segment_pb2,
    segment_rule_pb2,
    selector_pb2,
    value_pb2,
)

from values import normal

UNITS = {
    unit: getattr(calendar_pb2, "TIME_UNIT_" + unit.upper())
    for unit in ("second", "minute", "hour", "day", "week", "month", "quarter", "year")
}
COMPARISONS = {
    "=": segment_rule_pb2.COMPARISON_OPERATOR_EQUAL,
    "!=": segment_rule_pb2.COMPARISON_OPERATOR_NOT_EQUAL,
    "<": segment_rule_pb2.COMPARISON_OPERATOR_LESS,
    "<=": segment_rule_pb2.COMPARISON_OPERATOR_LESS_OR_EQUAL,
    ">": segment_rule_pb2.COMPARISON_OPERATOR_GREATER,
    ">=": segment_rule_pb2.COMPARISON_OPERATOR_GREATER_OR_EQUAL,
}


BEHAVIORS = {
    "count": segment_rule_pb2.BEHAVIOR_MEASURE_UNSPECIFIED,
    "days": segment_rule_pb2.BEHAVIOR_MEASURE_DISTINCT_DAYS,
    "sum": segment_rule_pb2.BEHAVIOR_MEASURE_PROPERTY_SUM,
}


def segment_message(rule, project):
    """A saved segment: a rule or a list."""
    out = segment_pb2.Segment()
    if "users" in rule:
        out.users.SetInParent()
        out.users.users.extend(rule["users"])
    else:
        out.rule.CopyFrom(rule_message(rule, project))
    return out


def value_message(value):
    if isinstance(value, bool):
        return value_pb2.Value(bool_value=value)
    if isinstance(value, int):
        return value_pb2.Value(int_value=value)
    if isinstance(value, float):
        return value_pb2.Value(double_value=value)
    if isinstance(value, str):
        return value_pb2.Value(string_value=value)
    return value_pb2.Value()


def value_of(message):
    kind = message.WhichOneof("kind")
    if kind is None:
        return None
    if kind == "list_value":
        return tuple(message.list_value.values)
    return normal(getattr(message, kind))


def property_message(scope, name, key=None):
    if scope in ("event_id", "user_id"):
        out = value_pb2.PropertyRef()
        getattr(out, scope).SetInParent()
        return out
    if scope == "account":
        account = value_pb2.AccountProperty(account_key=key, name=name)
        return value_pb2.PropertyRef(account_property=account)
    return value_pb2.PropertyRef(
        **{"event_property" if scope == "event" else "user_property": name}
    )


def leaf_message(leaf):
    out = predicate_pb2.Leaf(
        property=property_message(leaf["scope"], leaf.get("property"), leaf.get("key"))
    )
    op, operand = leaf["op"], leaf.get("operand")
    if op == "in_set":
        out.in_set.values.extend(value_message(one) for one in operand)
    elif op == "between":
        out.between.low.CopyFrom(value_message(operand[0]))
        out.between.high.CopyFrom(value_message(operand[1]))
    elif op == "is_set":
        out.is_set.SetInParent()
    elif op in ("contains", "starts_with", "ends_with", "like", "regex", "css_selector"):
        setattr(out, op, operand)
    else:
        getattr(out, op).CopyFrom(value_message(operand))
    out.case_insensitive = leaf.get("ci", False)
    out.negated = leaf.get("negated", False)
    return out


def predicate_message(predicate, project):
    out = predicate_pb2.Predicate()
    ((kind, content),) = predicate.items()
    if kind in ("all_of", "any_of"):
        getattr(out, kind).SetInParent()
        getattr(out, kind).predicates.extend(predicate_message(p, project) for p in content)
    elif kind == "not":
        out.negation.CopyFrom(predicate_message(content, project))
    elif kind == "definition":
        out.definition = f"{project}/definitions/{content}"
    else:
        out.leaf.CopyFrom(leaf_message(content))
    return out


def selector_message(selector, project):
    out = selector_pb2.Selector()
    for term in selector["terms"]:
        if "any" in term:
            out.terms.add().any_event.SetInParent()
        elif "definition" in term:
            out.terms.add().definition = f"{project}/definitions/{term['definition']}"
        else:
            out.terms.add().predicate.CopyFrom(predicate_message(term["predicate"], project))
    first = selector.get("first")
    if first is True:
        out.first_time.SetInParent()
    elif first:
        out.first_then_filter.filter.CopyFrom(predicate_message(first, project))
    return out


def fill_saved(out, name, project):
    """A saved segment in a rule or a filter: "name", or "name@2" for its second version."""
    name, _, version = name.partition("@")
    out.segment = f"{project}/segments/{name}"
    out.segment_version = int(version or 0)


def save_segments(stub, segments, project, timeout):
    """Creates saved segments; versions ("name@1", ...) stand before what replaced them."""
    created = set()
    for name, rule in segments.items():
        segment_id = name.partition("@")[0]
        message = segment_message(rule, project)
        if segment_id in created:
            message.name = f"{project}/segments/{segment_id}"
            stub.UpdateSegment(segment_pb2.UpdateSegmentRequest(segment=message), timeout=timeout)
        else:
            request = segment_pb2.CreateSegmentRequest(
                parent=project, segment_id=segment_id, segment=message
            )
            stub.CreateSegment(request, timeout=timeout)
        created.add(segment_id)


def rule_message(rule, project):
    out = segment_rule_pb2.SegmentRule()
    ((kind, content),) = rule.items()
    if kind in ("all_of", "any_of"):
        getattr(out, kind).SetInParent()
        getattr(out, kind).rules.extend(rule_message(child, project) for child in content)
    elif kind == "not":
        out.negation.CopyFrom(rule_message(content, project))
    elif kind == "segment":
        fill_saved(out, content, project)
    elif kind == "user":
        out.user_property.CopyFrom(leaf_message(content))
    else:
        fill_behavior(out.behavior, content, project)
    return out


def fill_behavior(out, behavior, project):
    if "steps" in behavior:
        for step in behavior["steps"]:
            out.sequence.steps.add(
                selector=selector_message(step["selector"], project),
                adjacent=step["adjacent"],
                least_ms=step["least"],
            )
        if behavior["within"] is not None:
            out.sequence.within_ms = behavior["within"]
    else:
        out.selector.CopyFrom(selector_message(behavior["selector"], project))
        out.measure = BEHAVIORS[behavior["measure"]]
        out.property = behavior.get("property") or ""
    if behavior["comparison"] is not None:
        out.comparison.operation = COMPARISONS[behavior["comparison"][0]]
        out.comparison.value = behavior["comparison"][1]
    window = behavior["window"]
    if window is not None and "prior" in window:
        out.window.prior_ms = window["prior"]
    elif window is not None:
        out.window.absolute.start_ms, out.window.absolute.end_ms = window["absolute"]


def scope_message(scope, project):
    out = scope_pb2.Scope(project=project, as_of_ms=scope["as_of"], time_zone=scope["zone"])
    if "start" in scope:
        out.range.start_ms, out.range.end_ms = scope["start"], scope["end"]
        out.week_start = scope["week_start"] + 1
    out.entity_property = scope.get("entity") or ""
    if scope.get("segment") is not None:
        fill_filter(out.segment, scope["segment"], project)
    return out


def fill_filter(out, rule, project):
    """A saved segment by its name, or a rule that is written in the request."""
    if "segment" in rule:
        fill_saved(out, rule["segment"], project)
    else:
        out.rule.CopyFrom(rule_message(rule, project))


def fill_breakdown(out, breakdown):
    out.dimensions.add().property.CopyFrom(
        property_message(breakdown["scope"], breakdown["property"], breakdown.get("key"))
    )
    if not (breakdown["top"] == 9 and breakdown.get("default")):
        out.top = breakdown["top"]


def column(message):
    out = list(message.values)
    for place in message.null_at:
        out[place] = None
    return out


def dimension_value(message):
    kind = message.WhichOneof("kind")
    if kind == "bin":
        return ["bin", message.bin.low, message.bin.high, message.bin.high_included]
    if kind == "segment":
        return ["segment", message.segment.rpartition("/")[2]]
    return ["no_segment"] if kind == "no_segment" else value_of(message.value)


def label(message):
    kind = breakdown_kind(message.kind)
    if kind != "value":
        return [kind]
    values = [dimension_value(one) for one in message.values]
    return [kind, values[0] if len(values) == 1 else values]


def breakdown_kind(kind):
    return {1: "total", 2: "value", 3: "other", 4: "not_reached"}.get(kind, f"kind {kind}")


def bucket_list(messages):
    return [
        {
            "start": one.start_ms,
            "end": one.end_ms,
            "offset": one.utc_offset_seconds,
            "partial": one.partial,
        }
        for one in messages
    ]


def event_dict(event, definitions=False):
    named = {"definitions": [one.rpartition("/")[2] for one in event.definitions]}
    if event.definitions and not definitions:
        raise ValueError("definitions that nobody asked for")
    return (named if definitions else {}) | {
        "user": event.user,
        "time": event.time_ms,
        "id": event.id,
        "properties": [[one.name, value_of(one.value)] for one in event.properties],
    }


def list_events_request(query, project, page_size, token):
    out = event_list_pb2.ListEventsRequest(
        parent=project,
        user=query["user"],
        as_of_ms=query["as_of"],
        descending=query["descending"],
        properties=query["properties"] or [],
        page_size=page_size,
        page_token=token,
        with_definitions=query.get("definitions", False),
    )
    if query["range"] is not None:
        out.range.start_ms, out.range.end_ms = query["range"]
    if query["selector"] is not None:
        out.selector.CopyFrom(selector_message(query["selector"], project))
    return out


def segment_requests(query, project, token):
    scope = scope_message(query["scope"], project)
    return (
        segment_pb2.CountSegmentRequest(scope=scope),
        segment_pb2.ListSegmentUsersRequest(
            scope=scope, page_size=query["page_size"], page_token=token
        ),
    )


def overlap_request(query, project):
    out = segment_pb2.OverlapSegmentsRequest(scope=scope_message(query["scope"], project))
    for rule in query["rules"]:
        fill_filter(out.segments.add(), rule, project)
    return out
