"""Lifecycle: every user's story, bucket by bucket, told from the list of their events."""

from buckets import buckets
from predicate import selects
from segment import moment_of, persons

COLUMNS = ("new", "returning", "resurrecting", "dormant")


def matching_times(query, moment, person):
    return [
        event.time
        for event in moment.events_of.get(person, [])
        if selects(query["selector"], moment, person, event)
    ]


def bucket_before(scope, unit, first):
    """The calendar bucket that ends where the first one of the range starts, as (start, end)."""
    found = buckets(scope["zone"], first - 1, first, unit, scope["week_start"])
    return found[-1]["start"], found[-1]["end"]


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
    found = buckets(scope["zone"], scope["start"], scope["end"], query["unit"], scope["week_start"])
    # A bucket of the range holds what the range leaves of it; the one before the range is whole.
    spans = [bucket_before(scope, query["unit"], found[0]["start"])]
    spans += [(max(one["start"], scope["start"]), min(one["end"], scope["end"])) for one in found]
    out = {name: [0] * len(found) for name in COLUMNS}
    for person in persons(scope, moment):
        times = matching_times(query, moment, person)
        for index in range(len(found)):
            what = status(times, spans[index + 1], spans[index])
            if what is not None:
                out[what][index] += 1
    for index in range(len(found)):
        if spans[index + 1][0] > scope["as_of"]:
            for name in COLUMNS:
                out[name][index] = None
    return {"buckets": found, **out}
