"""The preview of a definition: series of it, and its latest events."""

from predicate import selects
from segment import persons
from series import series_answer
from values import groups

RANGE_MS = 14 * 86_400_000
ANY = {"terms": [{"any": True}]}


def preview_answer(query, data):
    scope, target = query["scope"], {"terms": [query["target"]]}
    compared = query["compared"] or ANY

    def totals(series, unit=None, breakdown=None):
        return series_answer(
            {
                "kind": "series",
                "scope": scope,
                "unit": unit,
                "breakdown": breakdown,
                "series": [
                    {"selector": selector, "measure": measure, "property": None}
                    for selector, measure in series
                ],
            },
            data,
        )

    def share(index, other):
        whole = figures[other]["total"]
        return figures[index]["total"] / whole if whole else None

    measures = ("events", "unique")
    days = totals([(one, name) for one in (target, compared) for name in measures], "day")
    figures = [rows[0] for rows in days["series"]]
    return {
        "counts": [one["total"] for one in figures],
        "shares": [share(0, 2), share(1, 3)],
        "days": days["buckets"],
        "by_day": [one["values"] for one in figures[:2]],
        "properties": [
            [
                [row["label"], row["total"]]
                for row in totals(
                    [(target, "events")], breakdown=dict(one, top=query["top"] or 10)
                )["series"][0]
            ]
            for one in query["properties"]
        ],
        "sample": latest(query, data, target),
    }


def latest(query, data, target):
    scope, entity = dict(query["scope"], entity=None), query["scope"].get("entity")
    moment = data.as_of(scope["as_of"])
    found = [
        event
        for person in persons(scope, moment)
        for event in moment.events_of.get(person, [])
        if scope["start"] <= event.time < scope["end"] and selects(target, moment, person, event)
        and (entity is None or groups(event.properties.get(entity)) - {None})
    ]
    found.sort(key=lambda event: event.key)
    size = 10 if query["sample"] is None else query["sample"]
    return [
        {
            "user": event.user,
            "time": event.time,
            "id": event.id,
            "properties": [[n, event.stored[n]] for n in sorted(event.stored, key=str.encode)],
        }
        for event in found[::-1][:size]
    ]
