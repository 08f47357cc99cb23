"""Segments: which persons pass a rule.

A rule is a dict with one key:

    {"all_of": [...]}  {"any_of": [...]}  {"not": r}  {"segment": name}  {"user": leaf}
    {"behavior": {"selector": s, "measure": "count" | "days", "comparison": None | [op, n],
                  "window": None | {"prior": ms} | {"absolute": [start, end]}}}
"""

import operator

from buckets import local_day
from data import EntityMoment
from predicate import leaf_test, selects

COMPARISONS = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def in_window(window, time, as_of):
    if window is None:
        return True
    if "prior" in window:
        return as_of - window["prior"] < time <= as_of
    start, end = window["absolute"]
    return start <= time < end


def behavior_test(behavior, moment, person, zone):
    events = [
        event
        for event in moment.events_of.get(person, [])
        if in_window(behavior["window"], event.time, moment.moment)
        and selects(behavior["selector"], moment, person, event)
    ]
    if behavior["measure"] == "days":
        measure = len({local_day(zone, event.time) for event in events})
    else:
        measure = len(events)
    op, number = behavior["comparison"] or (">=", 1)
    return COMPARISONS[op](measure, number)


def segment_test(rule, moment, person, zone):
    ((kind, content),) = rule.items()
    if kind == "all_of":
        return all(segment_test(child, moment, person, zone) for child in content)
    if kind == "any_of":
        return any(segment_test(child, moment, person, zone) for child in content)
    if kind == "not":
        return not segment_test(content, moment, person, zone)
    if kind == "segment":
        return segment_test(moment.data.segments[content], moment, person, zone)
    if kind == "user":
        return leaf_test(content, moment.user_properties(person).get(content["property"]))
    return behavior_test(content, moment, person, zone)


def moment_of(scope, data):
    """What a query of a scope reads: events by person, or by entity."""
    moment = data.as_of(scope["as_of"])
    if scope.get("entity") is None:
        return moment
    return EntityMoment(moment, scope["entity"], persons(dict(scope, entity=None), moment))


def persons(scope, moment):
    """The persons (or entities) whom a query counts."""
    rule = scope.get("segment")
    if rule is None or scope.get("entity") is not None:
        return list(moment.known)
    return [person for person in moment.known if segment_test(rule, moment, person, scope["zone"])]
