"""Sessions: a user's events cut into runs, and what is counted of them."""

import statistics

from activity_rows import Rows, label, matching_items
from breakdown import rows_of, split
from buckets import bucket_index, buckets
from measures import Item
from predicate import selects
from segment import moment_of, persons
from splits import ranked

HALF_AN_HOUR = 30 * 60_000


def runs(events, gap):
    """A user's events in order, cut where a pause is longer than the gap."""
    out = []
    for event in events:
        if out and event.time - out[-1][-1].time <= gap:
            out[-1].append(event)
        else:
            out.append([event])
    return out


def counted(query, moment, person):
    scope = query["scope"]
    gap = HALF_AN_HOUR if query["gap"] is None else query["gap"]
    for run in runs(moment.events_of.get(person, []), gap):
        if not scope["start"] <= run[0].time < scope["end"]:
            continue
        if query["selector"] is None or any(
            selects(query["selector"], moment, person, event)
            for event in run
            if event.time < scope["end"]
        ):
            yield run


def figures(found):
    """Of a list of (person, session)."""
    sizes = [len(run) for _, run in found]
    lengths = [(run[-1].time - run[0].time) / 1000 for _, run in found]
    bounces = sizes.count(1)
    return {
        "sessions": len(found),
        "users": len({person for person, _ in found}),
        "bounces": bounces,
        "bounce_rate": bounces / len(found) if found else None,
        "mean_events": statistics.fmean(sizes) if found else None,
        "mean_seconds": statistics.fmean(lengths) if found else None,
        "median_seconds": statistics.median(lengths) if found else None,
    }


def ends(query, found, place):
    """Sessions by the property's value at the first (0) or last (-1) event."""
    if query["property"] is None:
        return []
    breakdown = {"scope": "event", "property": query["property"], "top": query["top"]}
    rows = split(breakdown, found, lambda one: rows_of(breakdown, one[1][place], {}), len)
    rows.append((("total",), found))
    return [
        {
            "label": list(label),
            "sessions": len(of_row),
            "bounces": sum(len(run) == 1 for _, run in of_row),
        }
        for label, of_row in rows
    ]


def row_of(axis, found):
    of_buckets = [
        [one for one in found if bucket_index(axis, one[1][0].time) == index]
        for index in range(len(axis))
    ]
    return {"figures": [figures(one) for one in of_buckets], "total": figures(found)}


def wanted(query, moment, person, run):
    """The events of a session that it must hold."""
    scope = query["scope"]
    return [
        event
        for event in run
        if scope["start"] <= event.time < scope["end"]
        and (query["selector"] is None or selects(query["selector"], moment, person, event))
    ]


def rows_of_split(query, moment, axis, found):
    """A session is in each row of the events that it must hold."""
    if query.get("breakdown") is None:
        return []
    scope = query["scope"]
    any_event = query["selector"] or {"terms": [{"any": True}]}
    items = matching_items(dict(query, selector=any_event), scope, moment, scope["start"])
    rows = Rows(query, scope, moment, items)
    keys = []
    for person, run in found:
        of_run = [Item(person, event, event.time) for event in wanted(query, moment, person, run)]
        keys.append({key for item in of_run for key in rows.split.rows(item)})
    there = set().union(*keys)
    counts = {key: sum(key in of_run for of_run in keys) for key in there}
    shown = ranked(rows.split, counts)[: query["breakdown"]["top"]]
    out = []
    for key in shown:
        picked = [one for one, of_run in zip(found, keys) if key in of_run]
        out.append({"label": label(key), **row_of(axis, picked)})
    if there - set(shown):
        picked = [one for one, of_run in zip(found, keys) if of_run - set(shown)]
        out.append({"label": ["other"], **row_of(axis, picked)})
    return out


def sessions_answer(query, data):
    scope = query["scope"]
    moment = moment_of(scope, data)
    axis = []
    if query["unit"] is not None:
        axis = buckets(
            scope["zone"],
            scope["start"],
            scope["end"],
            query["unit"],
            scope["week_start"],
            (query.get("multiple") or 1),
        )
    found = [
        (person, run) for person in persons(scope, moment) for run in counted(query, moment, person)
    ]
    return {
        "buckets": axis,
        **row_of(axis, found),
        "rows": rows_of_split(query, moment, axis, found),
        "entries": ends(query, found, 0),
        "exits": ends(query, found, -1),
    }
