"""Lifecycle: every user's story, bucket by bucket, told from the list of their events."""

from activity_rows import Rows, label, matching_items, times_by_person
from buckets import bucket_before, buckets
from predicate import selects
from segment import moment_of

COLUMNS = ("new", "returning", "resurrecting", "dormant")


def matching_times(query, moment, person):
    return [
        event.time
        for event in moment.events_of.get(person, [])
        if selects(query["selector"], moment, person, event)
    ]


def status(times, span, span_before):
    """What one user is in a span of time, given the span before it; None: nothing."""

    def active(between):
        return any(between[0] <= time < between[1] for time in times)

    if not active(span):
        return "dormant" if active(span_before) else None
    if span[0] <= min(times):
        return "new"
    return "returning" if active(span_before) else "resurrecting"


def lifecycle_answer(query, data):
    scope = query["scope"]
    moment = moment_of(scope, data)
    step = (query["unit"], scope["week_start"], (query.get("multiple") or 1))
    found = buckets(scope["zone"], scope["start"], scope["end"], *step)
    # A bucket of the range holds what the range leaves of it; the one before the range is whole.
    spans = [bucket_before(scope["zone"], found[0]["start"], *step)]
    spans += [(max(one["start"], scope["start"]), min(one["end"], scope["end"])) for one in found]
    items = matching_items(query, scope, moment)
    out = {"buckets": found, **columns(items, spans, scope), "rows": []}
    if query.get("breakdown") is None:
        return out

    def active(some):
        return len({one.person for one in some if spans[1][0] <= one.time < spans[-1][1]})

    rows = Rows(query, scope, moment, items)
    present = rows.present(*spans[0]) | rows.present(spans[1][0], spans[-1][1])
    shown = rows.shown(query["breakdown"]["top"], present, active)
    for key in shown:
        out["rows"].append({"label": label(key), **columns(rows.of(key), spans, scope)})
    if present - set(shown):
        out["rows"].append({"label": ["other"], **columns(rows.others(shown), spans, scope)})
    return out


def columns(items, spans, scope):
    out = {name: [0] * (len(spans) - 1) for name in COLUMNS}
    for times in times_by_person(items).values():
        for index in range(len(spans) - 1):
            what = status(times, spans[index + 1], spans[index])
            if what is not None:
                out[what][index] += 1
    for index in range(len(spans) - 1):
        if spans[index + 1][0] > scope["as_of"]:
            for name in COLUMNS:
                out[name][index] = None
    return out
