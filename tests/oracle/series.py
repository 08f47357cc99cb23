"""Series: events or different users by bucket of time, split or not."""

from breakdown import rows_of, split
from buckets import bucket_index, buckets
from predicate import selector_test
from segment import persons


def measure_of(kind):
    if kind == "events":
        return len
    return lambda hits: len({person for person, _ in hits})


def series_answer(query, data):
    scope = query["scope"]
    moment = data.as_of(scope["as_of"])
    found = []
    if query["unit"] is not None:
        found = buckets(
            scope["zone"], scope["start"], scope["end"], query["unit"], scope["week_start"]
        )
    hits = [
        (person, event)
        for person in persons(scope, moment)
        for event in moment.events_of.get(person, [])
        if scope["start"] <= event.time < scope["end"]
    ]
    return {
        "buckets": found,
        "series": [one_series(series, query, moment, hits, found) for series in query["series"]],
    }


def one_series(series, query, moment, hits, found):
    measure = measure_of(series["measure"])
    hits = [
        (person, event)
        for person, event in hits
        if selector_test(
            series["selector"],
            event.properties,
            moment.user_properties(person),
            moment.data.definitions,
        )
    ]
    rows = []
    if query["breakdown"] is not None:
        rows = split(
            query["breakdown"],
            hits,
            lambda hit: rows_of(query["breakdown"], hit[1], moment.user_properties(hit[0])),
            measure,
        )
    rows.append((("total",), hits))
    return [one_row(label, of_row, measure, found) for label, of_row in rows]


def one_row(label, hits, measure, found):
    of_bucket = [[] for _ in found]
    for hit in hits:
        index = bucket_index(found, hit[1].time) if found else None
        if index is not None:
            of_bucket[index].append(hit)
    return {
        "label": list(label),
        "values": [measure(bucket) for bucket in of_bucket],
        "total": measure(hits),
    }
