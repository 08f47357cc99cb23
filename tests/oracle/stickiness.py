"""Stickiness: users by the number of buckets in which they have enough events."""

from activity_rows import Rows, label, matching_items, times_by_person
from buckets import bucket_index, buckets
from formulas import earlier_scope
from segment import moment_of


def active_buckets(times, start, end, found, least):
    """In how many buckets so many of the times lie."""
    indexes = [bucket_index(found, time) for time in times if start <= time < end]
    return len({index for index in indexes if indexes.count(index) >= least})


def active_counts(query, items, scope, found):
    """For each user with an active bucket, in how many."""
    counts = [
        active_buckets(times, scope["start"], scope["end"], found, query["min_events"] or 1)
        for times in times_by_person(items).values()
    ]
    return [count for count in counts if count > 0]


def column(query, counts, places):
    if query["count"] == "at_least":
        users = [sum(count >= k for count in counts) for k in range(1, places + 1)]
    else:
        users = [counts.count(k) for k in range(1, places + 1)]
    return {
        "users": users,
        "rates": [one / len(counts) if counts else None for one in users],
        "active": len(counts),
    }


class Range:
    def __init__(self, query, scope, moment, bins_of=None):
        self.query, self.scope = query, scope
        step = (query["unit"], scope["week_start"], (query.get("multiple") or 1))
        self.buckets = buckets(scope["zone"], scope["start"], scope["end"], *step)
        self.items = matching_items(query, scope, moment, scope["start"])
        self.rows = None
        if query.get("breakdown") is not None:
            self.rows = Rows(query, scope, moment, self.items, bins_of)
            self.present = self.rows.present(scope["start"], scope["end"])

    def counts(self, items):
        return active_counts(self.query, items, self.scope, self.buckets)

    def shown(self):
        def figure(items):
            return len(self.counts(items))

        return self.rows.shown(self.query["breakdown"]["top"], self.present, figure)


def stickiness_answer(query, data):
    scope = query["scope"]
    moment = moment_of(scope, data)
    now, before = Range(query, scope, moment), None
    places = len(now.buckets)
    if query["comparison"] is not None:
        before = Range(query, earlier_scope(scope, query["comparison"]), moment, now.rows)
        places = max(places, len(before.buckets))

    def one(items_of):
        row = {"now": column(query, now.counts(items_of(now)), places), "before": None}
        if before is not None:
            row["before"] = column(query, before.counts(items_of(before)), places)
        return row

    out = {"buckets": now.buckets, **one(lambda of: of.items), "rows": []}
    if before is not None:
        out["before"]["range"] = [before.scope["start"], before.scope["end"]]
    if now.rows is None:
        return out
    shown = now.shown()
    for key in shown:
        out["rows"].append({"label": label(key), **one(lambda of, key=key: of.rows.of(key))})
    if any(of.present - set(shown) for of in (now, before) if of is not None):
        out["rows"].append({"label": ["other"], **one(lambda of: of.rows.others(shown))})
    return out
