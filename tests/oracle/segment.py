"""Segments: which persons pass a rule.

A rule is a dict with one key:

    {"all_of": [...]}  {"any_of": [...]}  {"not": r}  {"segment": name}  {"user": leaf}
    {"behavior": {"selector": s, "measure": "count" | "days" | "sum", "comparison": None | [op, n],
                  "property": name of a sum's,
                  "window": None | {"prior": ms} | {"absolute": [start, end]}}}
    {"users": [ids as sent]}     only a whole saved segment is

A behaviour of a sequence has in place of selector and measure
    "steps": [{"selector": s, "adjacent": bool, "least": ms}, ...], "within": None | ms
"""

import bisect
import operator

from buckets import day_of
from data import EntityMoment
from predicate import id_test, leaf_test, selects
from values import as_number, exact_sum

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


def holds_match(behavior, moment, person, takes):
    """Whether distinct events take all steps; of each step, the events that it means."""
    steps, within = behavior["steps"], behavior["within"]
    times = sorted({event.time for event in moment.events_of.get(person, [])})
    whens = [[event.time for event in take] for take in takes]
    # What is taken goes up in time, so only what has the last one's time can be met again.
    dead_ends = set()

    def followers(taken):
        """The next step's events whose time may follow those that are taken."""
        place, step, before = len(taken), steps[len(taken)], taken[-1].time
        latest = times[-1] if within is None else taken[0].time + within
        if step["adjacent"]:
            latest = min(latest, *times[bisect.bisect_right(times, before) :][:1] or [before])
        first = bisect.bisect_left(whens[place], before + step["least"])
        return takes[place][first : bisect.bisect_right(whens[place], latest)]

    def go_on(taken):
        if len(taken) == len(steps):
            return True
        latest = frozenset(id(event) for event in taken if event.time == taken[-1].time)
        state = len(taken), taken[0].time, taken[-1].time, latest
        if state in dead_ends:
            return False
        found = any(
            event not in taken and go_on(taken + [event]) for event in followers(taken)
        )
        if not found:
            dead_ends.add(state)
        return found

    return all(takes) and any(go_on([event]) for event in takes[0])


def matches_of(behavior, moment, person, events):
    """Whenever the events since the last match hold one, it counts."""
    steps = behavior["steps"]
    count, takes = 0, [[] for _ in steps]
    for event in events:
        takes_one = [selects(step["selector"], moment, person, event) for step in steps]
        for since, takes_it in zip(takes, takes_one):
            since += [event] * takes_it
        if any(takes_one) and holds_match(behavior, moment, person, takes):
            count, takes = count + 1, [[] for _ in steps]
    return count


def measure_of(behavior, moment, person, zone):
    events = [
        event
        for event in moment.events_of.get(person, [])
        if in_window(behavior["window"], event.time, moment.moment)
    ]
    if "steps" in behavior:
        return matches_of(behavior, moment, person, events)
    events = [event for event in events if selects(behavior["selector"], moment, person, event)]
    if behavior["measure"] == "days":
        return len({day_of(zone, event.time) for event in events})
    if behavior["measure"] == "sum":
        found = [value_list(event.properties.get(behavior["property"])) for event in events]
        numbers = [as_number(value) for values in found for value in values]
        return exact_sum(float(number) for number in numbers if number is not None)
    return len(events)


def value_list(value):
    return list(value) if isinstance(value, tuple) else [value]


def behavior_test(behavior, moment, person, zone):
    op, number = behavior["comparison"] or (">=", 1)
    return COMPARISONS[op](measure_of(behavior, moment, person, zone), number)


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
    if kind == "users":
        return any(moment.person_of.get(user) == person for user in content)
    if kind == "user":
        if content["scope"] == "user_id":
            return id_test(content, moment.data.members(person))
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
